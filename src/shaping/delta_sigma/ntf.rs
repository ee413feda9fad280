//! Noise transfer functions: zeros in the band, poles that limit the gain beyond it.

use crate::{Error, Result};
use rustfft::num_complex::Complex64;
use std::f64::consts::{PI, TAU};

/// Where the zeros go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ZeroPlacement {
    /// All at frequency 0.
    AtDc,
    /// Spread over the band so that its noise is least: the roots of the Legendre polynomial, times the band edge.
    #[default]
    Optimal,
}

/// What a noise transfer function shall do.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NtfSpec {
    /// Order, 1 to 8.
    pub order: usize,
    /// Oversampling ratio, 4 to 1024.
    pub osr: f64,
    /// Gain at half the sample rate, the largest of all at 32 times and more; the function has it within 1e-9. Lee's rule asks for less than 2 with one bit; 1.5 is
    /// cautious. Above 1, below `2^order`.
    pub h_inf: f64,
    /// Zeros.
    pub zeros: ZeroPlacement,
}

impl Default for NtfSpec {
    /// Order 5 at 64 times, gain 1.5.
    fn default() -> Self {
        Self { order: 5, osr: 64.0, h_inf: 1.5, zeros: ZeroPlacement::Optimal }
    }
}

/// A noise transfer function `NTF(z) = N(z^-1) / D(z^-1)`, both with first coefficient 1.
///
/// ```
/// use sqnr::shaping::delta_sigma::{Ntf, NtfSpec};
///
/// let ntf = Ntf::synthesize(&NtfSpec { order: 2, osr: 64.0, ..NtfSpec::default() })?;
/// assert_eq!((ntf.order(), ntf.numerator()[0]), (2, 1.0));
/// // Within the band the noise is far down.
/// assert!(ntf.in_band_gain_db(64.0) < -50.0);
/// # Ok::<(), sqnr::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Ntf {
    zeros: Vec<Complex64>,
    poles: Vec<Complex64>,
    numerator: Vec<f64>,
    denominator: Vec<f64>,
}

/// Highest order of a modulator.
pub(super) const MAX_ORDER: usize = 8;

impl Ntf {
    /// Zeros as asked for, poles of a Butterworth high-pass whose corner gives the gain `h_inf`.
    ///
    /// # Errors
    /// `InvalidParameter` outside the ranges of [`NtfSpec`].
    pub fn synthesize(spec: &NtfSpec) -> Result<Self> {
        if !(1..=MAX_ORDER).contains(&spec.order) {
            return Err(Error::invalid("modulator order", spec.order, format!("1 to {MAX_ORDER}")));
        }
        if !(4.0..=1024.0).contains(&spec.osr) {
            return Err(Error::invalid("oversampling ratio", spec.osr, "4 to 1024"));
        }
        let most = (spec.order as f64).exp2();
        if !(spec.h_inf > 1.0 && spec.h_inf <= most) {
            return Err(Error::invalid("out-of-band gain", spec.h_inf, format!("above 1, at most {most}")));
        }
        let zeros = zeros(spec);
        let at_half = |poles: &[Complex64]| gain(&zeros, poles, Complex64::new(-1.0, 0.0));
        // A low corner leaves the poles at the zeros, gain 1; a high one takes them to z = -1, where the gain has no limit.
        let (mut low, mut high) = (1e-6, 1e3);
        for _ in 0..100 {
            let corner = f64::sqrt(low * high);
            if at_half(&butterworth(spec.order, corner)) < spec.h_inf { low = corner } else { high = corner }
        }
        Ok(Self::from_roots(zeros, butterworth(spec.order, high)))
    }

    /// The function with the given zeros and poles, as many of each.
    ///
    /// # Errors
    /// `InvalidParameter` outside orders 1 to 8, for poles that are not inside the unit circle or zeros beyond it, and for roots
    /// whose conjugate is missing.
    pub fn from_zeros_and_poles(zeros: Vec<Complex64>, poles: Vec<Complex64>) -> Result<Self> {
        if !(1..=MAX_ORDER).contains(&zeros.len()) || zeros.len() != poles.len() {
            let value = format!("{} zeros, {} poles", zeros.len(), poles.len());
            return Err(Error::invalid("modulator order", value, format!("1 to {MAX_ORDER} of each, as many")));
        }
        // Zeros on the circle may lie a rounding error beyond it. NaN is within nothing.
        if let Some(zero) = zeros.iter().find(|z| !(0.0..=1.0 + 1e-9).contains(&z.norm())) {
            return Err(Error::invalid("zero of the modulator", zero, "on or inside the unit circle"));
        }
        if let Some(pole) = poles.iter().find(|p| !(0.0..1.0).contains(&p.norm())) {
            return Err(Error::invalid("pole of the modulator", pole, "inside the unit circle"));
        }
        for roots in [&zeros, &poles] {
            let has_conjugate = |r: &&Complex64| roots.iter().any(|other| (other.conj() - **r).norm() < 1e-9);
            if let Some(alone) = roots.iter().find(|r| !has_conjugate(r)) {
                return Err(Error::invalid("root of the modulator", alone, "with its conjugate"));
            }
        }
        Ok(Self::from_roots(zeros, poles))
    }

    /// The function with the given zeros and poles, each set closed under conjugation.
    fn from_roots(zeros: Vec<Complex64>, poles: Vec<Complex64>) -> Self {
        let (numerator, denominator) = (polynomial(&zeros), polynomial(&poles));
        Self { zeros, poles, numerator, denominator }
    }

    /// Order.
    pub fn order(&self) -> usize {
        self.zeros.len()
    }

    /// Zeros in the z plane, on the unit circle.
    pub fn zeros(&self) -> &[Complex64] {
        &self.zeros
    }

    /// Poles in the z plane, inside the unit circle.
    pub fn poles(&self) -> &[Complex64] {
        &self.poles
    }

    /// Coefficients of `z^0, z^-1, ...` of the numerator; the first is 1.
    pub fn numerator(&self) -> &[f64] {
        &self.numerator
    }

    /// Coefficients of the denominator; the first is 1.
    pub fn denominator(&self) -> &[f64] {
        &self.denominator
    }

    /// `|NTF|` at `frequency`, cycles per sample.
    pub fn gain(&self, frequency: f64) -> f64 {
        gain(&self.zeros, &self.poles, Complex64::from_polar(1.0, TAU * frequency))
    }

    /// Mean of `|NTF|^2` over the band up to 1 / (2 `osr`), dB: white quantization noise of power P leaves P times this
    /// over `osr` in the band.
    pub fn in_band_gain_db(&self, osr: f64) -> f64 {
        const N: usize = 4096;
        let power = |i: usize| self.gain((i as f64 + 0.5) / N as f64 / (2.0 * osr)).powi(2);
        10.0 * ((0..N).map(power).sum::<f64>() / N as f64).log10()
    }
}

fn gain(zeros: &[Complex64], poles: &[Complex64], z: Complex64) -> f64 {
    let product = |roots: &[Complex64]| roots.iter().map(|r| (z - r).norm()).product::<f64>();
    product(zeros) / product(poles)
}

fn zeros(spec: &NtfSpec) -> Vec<Complex64> {
    let edge = PI / spec.osr;
    let angles = match spec.zeros {
        ZeroPlacement::AtDc => vec![0.0; spec.order],
        ZeroPlacement::Optimal => legendre_roots(spec.order),
    };
    angles.iter().map(|angle| Complex64::from_polar(1.0, angle * edge)).collect()
}

/// Roots of the Legendre polynomial of degree n, by Newton's iteration from Chebyshev's nodes.
fn legendre_roots(n: usize) -> Vec<f64> {
    (0..n)
        .map(|i| {
            let mut x = -(PI * (i as f64 + 0.75) / (n as f64 + 0.5)).cos();
            for _ in 0..50 {
                let (mut previous, mut value) = (1.0, x);
                for k in 2..=n {
                    let k = k as f64;
                    (previous, value) = (value, ((2.0 * k - 1.0) * x * value - (k - 1.0) * previous) / k);
                }
                let slope = n as f64 * (x * value - previous) / (x * x - 1.0);
                x -= value / slope;
            }
            // The middle root of an odd degree is 0, not a rounding error.
            if x.abs() < 1e-14 { 0.0 } else { x }
        })
        .collect()
}

/// Poles of a Butterworth filter with its corner where `tan(pi f)` = `corner`, by the bilinear transform.
fn butterworth(order: usize, corner: f64) -> Vec<Complex64> {
    let pole = |k: usize| {
        let s = Complex64::from_polar(corner, PI * (2 * k + order + 1) as f64 / (2 * order) as f64);
        (1.0 + s) / (1.0 - s)
    };
    (0..order).map(pole).collect()
}

/// Real coefficients of `prod (1 - r z^-1)`.
fn polynomial(roots: &[Complex64]) -> Vec<f64> {
    let mut coefficients = vec![Complex64::new(1.0, 0.0)];
    for root in roots {
        coefficients.push(Complex64::new(0.0, 0.0));
        for i in (1..coefficients.len()).rev() {
            let previous = coefficients[i - 1];
            coefficients[i] -= root * previous;
        }
    }
    coefficients.iter().map(|c| c.re).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gain_at_half_the_rate_is_the_one_asked_for() {
        for order in 1..=8usize {
            // The last is that of differences of as high an order: (1 - z^-1)^order.
            let most = f64::from(1 << order);
            for h_inf in [1.25, 1.5, 1.9, most.min(4.0), 0.5 * most + 1.0, most].into_iter().filter(|h| *h > 1.0) {
                for osr in [32.0, 64.0, 256.0] {
                    let spec = NtfSpec { order, osr, h_inf, ..NtfSpec::default() };
                    let ntf = Ntf::synthesize(&spec).expect("legal");
                    assert!((ntf.gain(0.5) - h_inf).abs() < 1e-9, "{spec:?} {}", ntf.gain(0.5));
                    assert!(ntf.poles().iter().all(|p| p.norm() < 1.0), "{spec:?}");
                    let largest = (1..500).map(|i| ntf.gain(i as f64 / 1000.0)).fold(0.0, f64::max);
                    assert!(largest < h_inf * 1.01, "{spec:?} {largest}");
                }
            }
        }
    }

    /// `deltasigma_theory.csv`: zeros over the band edge, and what spreading them gains.
    #[test]
    fn zeros_are_the_golden_ones() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/golden/shaping/deltasigma_theory.csv");
        let text = std::fs::read_to_string(path).expect("the golden file is there");
        for row in text.lines().skip(1).map(|line| line.split(',').collect::<Vec<_>>()) {
            let (order, osr) = (row[0].parse().expect("a number"), row[3].parse().expect("a number"));
            let spec = NtfSpec { order, osr, ..NtfSpec::default() };
            let spread = Ntf::synthesize(&spec).expect("legal");
            let mut angles: Vec<f64> =
                spread.zeros().iter().map(|z| z.arg() / PI * osr).filter(|a| *a > -1e-12).collect();
            angles.sort_by(f64::total_cmp);
            let golden: Vec<f64> = row[1].split(' ').map(|a| a.parse().expect("a number")).collect();
            assert!(angles.iter().zip(&golden).all(|(a, b)| (a - b).abs() < 1e-9), "{row:?} {angles:?}");
            // The gain is that of a narrow band: nearly reached at 64 times.
            if osr >= 64.0 {
                let at_dc = Ntf::synthesize(&NtfSpec { zeros: ZeroPlacement::AtDc, ..spec }).expect("legal");
                let same_poles = Ntf::from_roots(spread.zeros().to_vec(), at_dc.poles().to_vec());
                let gain = at_dc.in_band_gain_db(osr) - same_poles.in_band_gain_db(osr);
                let expected: f64 = row[2].parse().expect("a number");
                assert!((gain - expected).abs() < 0.05, "{row:?} {gain}");
            }
        }
    }

    #[test]
    fn coefficients_are_those_of_the_roots() {
        let ntf = Ntf::synthesize(&NtfSpec::default()).expect("legal");
        let at = |c: &[f64], z: Complex64| c.iter().rev().fold(Complex64::new(0.0, 0.0), |sum, c| sum / z + c);
        for frequency in [0.003, 0.1, 0.37] {
            let z = Complex64::from_polar(1.0, TAU * frequency);
            let ratio = (at(ntf.numerator(), z) / at(ntf.denominator(), z)).norm();
            assert!((ratio / ntf.gain(frequency) - 1.0).abs() < 1e-6, "{frequency}");
        }
    }

    /// A pole on the circle never dies out, one beyond it grows; zeros may lie on it.
    #[test]
    fn poles_lie_inside_the_unit_circle_and_zeros_not_beyond() {
        let pair = |radius: f64| vec![Complex64::from_polar(radius, 0.3), Complex64::from_polar(radius, -0.3)];
        let made = |zeros: f64, poles: f64| Ntf::from_zeros_and_poles(pair(zeros), pair(poles));
        let made = |zeros, poles| made(zeros, poles).map_err(|error| error.to_string());
        assert!(made(1.0, 0.0).is_ok() && made(1.0, 0.999_999).is_ok() && made(0.5, 0.9).is_ok());
        for poles in [1.0, 1.000_001, 1.5, f64::INFINITY, f64::NAN] {
            assert!(made(1.0, poles).is_err_and(|e| e.contains("inside the unit circle")), "{poles}");
        }
        for zeros in [1.000_001, 2.0, f64::NAN] {
            assert!(made(zeros, 0.5).is_err_and(|e| e.contains("on or inside")), "{zeros}");
        }
        let alone = vec![Complex64::new(0.5, 0.1), Complex64::new(0.5, 0.2)];
        assert!(Ntf::from_zeros_and_poles(pair(1.0), alone).is_err_and(|e| e.to_string().contains("conjugate")));
        assert!(Ntf::from_zeros_and_poles(pair(1.0), vec![]).is_err());
        assert!(Ntf::from_zeros_and_poles(vec![], vec![]).is_err());
    }

    #[test]
    fn impossible_requests_are_refused() {
        let base = NtfSpec::default();
        for spec in [
            NtfSpec { order: 0, ..base },
            NtfSpec { order: 1000, ..base },
            NtfSpec { osr: 1.0, ..base },
            NtfSpec { osr: f64::NAN, ..base },
            NtfSpec { h_inf: 1.0, ..base },
            NtfSpec { h_inf: f64::NAN, ..base },
            NtfSpec { order: 1, h_inf: 2.5, ..base },
        ] {
            assert!(Ntf::synthesize(&spec).is_err(), "{spec:?}");
        }
    }
}
