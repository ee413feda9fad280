//! Error feedback: the quantization error, filtered, is taken away from the samples that follow.
//!
//! ```text
//! v[n] = x[n] + sum_k h[k] e[n - k]     e[n] = y[n] - v[n]     Y = X + NTF E,   NTF(z) = 1 + sum_{k >= 1} h[k] z^-k
//! ```
//!
//! Papers print the coefficients c[k] = -h[k] of the error filter H(z) = sum c[k] z^(1 - k): NTF(z) = 1 - z^-1 H(z), so
//! that c = [1] is first-order high-pass shaping.
//!
//! Beyond the granular region the error would be unbounded and the loop would ring long after the overload. There the
//! error is taken against the end of the granular region instead, so that |e| never exceeds half a cell and the dither;
//! through a stable filter nothing can then grow.
//!
//! Source: S. P. Lipshitz, J. Vanderkooy, R. A. Wannamaker, Minimally audible noise shaping, J. Audio Eng. Soc. 39
//! (1991); R. A. Wannamaker, Psychoacoustically optimal noise shaping, J. Audio Eng. Soc. 40 (1992).

use crate::{Error, Result};

/// Most coefficients of an error filter, per polynomial.
pub(super) const MAX_ORDER: usize = crate::kernel::noise_shaper::MAX_TAPS;

/// A noise transfer function `NTF(z) = N(z) / D(z)`, both starting with 1.
///
/// ```
/// use sqnr::shaping::ErrorFilter;
///
/// // NTF = 1 - z^-1: nothing at DC, 6 dB at half the sample rate.
/// let first_order = ErrorFilter::from_feedback(&[1.0])?;
/// assert!(first_order.power_gain(0.0) < 1e-12 && (first_order.power_gain(0.5) - 4.0).abs() < 1e-12);
/// # Ok::<(), sqnr::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct ErrorFilter {
    /// n[1..] and d[1..] of the two polynomials, padded with zeros to one length.
    numerator: Vec<f64>,
    denominator: Vec<f64>,
}

impl ErrorFilter {
    /// The filter with the feedback coefficients c as papers print them: `NTF(z) = 1 - sum_k c[k] z^-k`, k from 1.
    ///
    /// # Errors
    /// `InvalidParameter` unless there are 1 to 64 coefficients, each finite.
    pub fn from_feedback(coefficients: &[f64]) -> Result<Self> {
        let numerator: Vec<f64> = coefficients.iter().map(|c| -c).collect();
        Self::checked(numerator, Vec::new())
    }

    /// The filter with a noise transfer function of the given polynomials in z^-1, constant term first and 1.
    ///
    /// # Errors
    /// `InvalidParameter` unless both start with 1, have order at most 64 and finite coefficients, at least one order is
    /// above 0, and all poles lie inside the unit circle.
    pub fn from_ntf(numerator: &[f64], denominator: &[f64]) -> Result<Self> {
        for polynomial in [numerator, denominator] {
            if polynomial.first() != Some(&1.0) {
                let first = polynomial.first().map_or("absent".into(), f64::to_string);
                return Err(Error::invalid("first coefficient of the noise transfer function", first, "1"));
            }
        }
        Self::checked(numerator[1..].to_vec(), denominator[1..].to_vec())
    }

    fn checked(mut numerator: Vec<f64>, mut denominator: Vec<f64>) -> Result<Self> {
        let order = numerator.len().max(denominator.len());
        if order == 0 || order > MAX_ORDER {
            return Err(Error::invalid("order of the error filter", order, format!("1 to {MAX_ORDER}")));
        }
        if let Some(bad) = numerator.iter().chain(&denominator).find(|c| !(-1e6..=1e6).contains(*c)) {
            return Err(Error::invalid("coefficient of the error filter", bad, "-1e6 to 1e6"));
        }
        if !is_stable(&denominator) {
            return Err(Error::invalid("error filter", "unstable", "poles inside the unit circle"));
        }
        numerator.resize(order, 0.0);
        denominator.resize(order, 0.0);
        Ok(Self { numerator, denominator })
    }

    /// Order: the number of past errors, or outputs, it looks at.
    pub fn order(&self) -> usize {
        self.numerator.len()
    }

    /// The taps of NTF - 1, h[1] first, when the filter has zeros alone.
    pub(super) fn taps_without_poles(&self) -> Option<&[f64]> {
        self.denominator.iter().all(|&d| d == 0.0).then_some(&self.numerator)
    }

    /// `|NTF|^2` at `frequency`, in cycles per sample.
    pub fn power_gain(&self, frequency: f64) -> f64 {
        let omega = std::f64::consts::TAU * frequency;
        let (cos, sin) = (libm::cos(omega), -libm::sin(omega));
        let power = |tail: &[f64]| {
            // Horner's rule: one sine and cosine for all coefficients
            let (mut re, mut im) = (0.0, 0.0);
            for c in tail.iter().rev() {
                (re, im) = ((re + c) * cos - im * sin, (re + c) * sin + im * cos);
            }
            (1.0 + re) * (1.0 + re) + im * im
        };
        power(&self.numerator) / power(&self.denominator)
    }
}

/// Error filters of the literature, all for a sample rate of 44.1 kHz, for comparison with filters designed for the rate
/// at hand. From the two papers above, under the names SoX gives them.
///
/// ```
/// use sqnr::shaping::KnownFilter;
///
/// let filter = KnownFilter::parse("lipshitz")?.filter();
/// // Less noise at 4 kHz, where the ear hears best, more at 20 kHz.
/// assert!(filter.power_gain(4.0 / 44.1) < 0.1 && filter.power_gain(20.0 / 44.1) > 10.0);
/// # Ok::<(), sqnr::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KnownFilter {
    /// Minimally audible noise shaping: 5 coefficients, from Lipshitz, Vanderkooy and Wannamaker.
    Lipshitz,
    /// For an F-weighted spectrum, 9 coefficients.
    FWeighted,
    /// For a modified E-weighted spectrum, 9 coefficients.
    ModifiedEWeighted,
    /// For an improved E-weighted spectrum, 9 coefficients.
    ImprovedEWeighted,
}

impl KnownFilter {
    /// Every one, in the order of total noise but for the first.
    pub const ALL: [Self; 4] = [Self::Lipshitz, Self::ModifiedEWeighted, Self::FWeighted, Self::ImprovedEWeighted];

    /// The name on a command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Lipshitz => "lipshitz",
            Self::FWeighted => "f-weighted",
            Self::ModifiedEWeighted => "modified-e-weighted",
            Self::ImprovedEWeighted => "improved-e-weighted",
        }
    }

    /// The filter with a name.
    ///
    /// # Errors
    /// `InvalidParameter` for a name that none has.
    pub fn parse(name: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|filter| filter.name() == name);
        found.ok_or_else(|| Error::invalid("noise shaper", name, Self::ALL.map(Self::name).join(", ")))
    }

    /// Feedback coefficients, for [`ErrorFilter::from_feedback`].
    pub fn feedback(self) -> &'static [f64] {
        match self {
            Self::Lipshitz => &[2.033, -2.165, 1.959, -1.590, 0.6149],
            Self::FWeighted => &[2.412, -3.370, 3.937, -4.174, 3.353, -2.205, 1.281, -0.569, 0.0847],
            Self::ModifiedEWeighted => &[1.662, -1.263, 0.4827, -0.2913, 0.1268, -0.1124, 0.03252, -0.01265, -0.03524],
            Self::ImprovedEWeighted => &[2.847, -4.685, 6.214, -7.184, 6.639, -5.032, 3.263, -1.632, 0.4191],
        }
    }

    /// The filter.
    pub fn filter(self) -> ErrorFilter {
        ErrorFilter::from_feedback(self.feedback()).expect("the tables are within order and range")
    }
}

/// Whether 1 + sum a[k] z^-k has all its roots inside the unit circle: every reflection coefficient of the step-down
/// recursion is below 1 in magnitude (Schur, Cohn; J. G. Proakis, D. G. Manolakis, Digital Signal Processing, 9.3).
fn is_stable(tail: &[f64]) -> bool {
    let mut a = tail.to_vec();
    while let Some(k) = a.pop() {
        if k.abs() >= 1.0 {
            return false;
        }
        let reversed: Vec<f64> = a.iter().rev().copied().collect();
        for (a, r) in a.iter_mut().zip(reversed) {
            *a = (*a - k * r) / (1.0 - k * k);
        }
    }
    true
}

/// The state of one channel: transposed direct form II of NTF - 1.
///
/// ```
/// use sqnr::shaping::{ErrorFilter, NoiseShaper};
///
/// let mut shaper = NoiseShaper::new(&ErrorFilter::from_feedback(&[1.0])?);
/// let mut sum = 0.0;
/// for _ in 0..10 {
///     let v = 0.3 + shaper.correction();
///     shaper.push(v.round() - v);
///     sum += v.round();
/// }
/// // Rounded alone, 0.3 would give 0 each time.
/// assert_eq!(sum, 3.0);
/// # Ok::<(), sqnr::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct NoiseShaper {
    filter: ErrorFilter,
    /// n[k] - d[k].
    error_gain: Vec<f64>,
    /// Sums in waiting; the first is due at the next sample. One more than the order, the last always 0.
    state: Vec<f64>,
}

impl NoiseShaper {
    /// A channel at rest.
    pub fn new(filter: &ErrorFilter) -> Self {
        let error_gain = filter.numerator.iter().zip(&filter.denominator).map(|(n, d)| n - d).collect();
        Self { error_gain, state: vec![0.0; filter.order() + 1], filter: filter.clone() }
    }

    /// What to add to the next input: the filtered past errors.
    #[inline]
    pub fn correction(&self) -> f64 {
        self.state[0]
    }

    /// Takes in the error (reconstruction minus corrected input) of the sample just quantized.
    #[inline]
    pub fn push(&mut self, error: f64) {
        let correction = self.state[0];
        for k in 0..self.error_gain.len() {
            self.state[k] = self.state[k + 1] + self.error_gain[k] * error - self.filter.denominator[k] * correction;
        }
    }

    /// Forgets the past.
    pub fn reset(&mut self) {
        self.state.fill(0.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn power_gain_is_that_of_its_plain_formula() {
        let (numerator, denominator) = ([1.0, -1.2, 0.7, 0.1], [1.0, 0.3, -0.25]);
        let filter = ErrorFilter::from_ntf(&numerator, &denominator).expect("stable");
        for frequency in [0.0, 0.01, 0.1, 0.25, 0.37, 0.5] {
            let power = |polynomial: &[f64]| {
                let angle = |k: usize| std::f64::consts::TAU * frequency * k as f64;
                let sum =
                    |of: fn(f64) -> f64| polynomial.iter().enumerate().map(|(k, c)| c * of(angle(k))).sum::<f64>();
                sum(f64::cos).powi(2) + sum(f64::sin).powi(2)
            };
            let expected = power(&numerator) / power(&denominator);
            let got = filter.power_gain(frequency);
            assert!((got / expected - 1.0).abs() < 1e-12, "{frequency}: {got} {expected}");
        }
    }

    #[test]
    fn bad_filters_are_refused() {
        for bad in [&[][..], &[f64::NAN], &[f64::INFINITY], &[0.1; 65]] {
            assert!(ErrorFilter::from_feedback(bad).is_err(), "{bad:?}");
        }
        assert!(ErrorFilter::from_ntf(&[2.0, 1.0], &[1.0]).is_err());
        assert!(ErrorFilter::from_ntf(&[1.0], &[1.0]).is_err());
        assert!(ErrorFilter::from_ntf(&[1.0], &[]).is_err());
    }

    #[test]
    fn poles_must_lie_inside_the_unit_circle() {
        // (1 - p z^-1)(1 - q z^-1) with real and complex pairs of given radius.
        let stable = |a1: f64, a2: f64| ErrorFilter::from_ntf(&[1.0, -1.0], &[1.0, a1, a2]).is_ok();
        assert!(stable(-1.98, 0.9801) && stable(-1.8, 0.9) && stable(0.0, -0.25));
        assert!(!stable(-2.0, 1.0) && !stable(-2.1, 1.1) && !stable(0.0, 1.01) && !stable(-1.5, 0.4));
    }

    /// The definition, with the whole past kept: D(z) u = (N(z) - D(z)) e.
    fn slow_corrections(n: &[f64], d: &[f64], errors: &[f64]) -> Vec<f64> {
        let mut u: Vec<f64> = Vec::new();
        for now in 0..errors.len() {
            let past = |k: usize| now.checked_sub(k);
            let coefficient = |p: &[f64], k: usize| p.get(k).copied().unwrap_or(0.0);
            let sum = (1..n.len().max(d.len())).filter_map(|k| {
                let then = past(k)?;
                let gain = coefficient(n, k) - coefficient(d, k);
                Some(gain * errors[then] - coefficient(d, k) * u[then])
            });
            u.push(sum.sum());
        }
        u
    }

    #[test]
    fn the_filter_follows_its_difference_equation() {
        let (n, d) = ([1.0, -1.2, 0.7, 0.1, -0.05], [1.0, -0.5, 0.2]);
        let errors: Vec<f64> = (0..50).map(|i| f64::from((i * 37) % 23) / 11.0 - 1.0).collect();
        let mut shaper = NoiseShaper::new(&ErrorFilter::from_ntf(&n, &d).expect("stable"));
        for (expected, &error) in slow_corrections(&n, &d, &errors).iter().zip(&errors) {
            assert!((shaper.correction() - expected).abs() < 1e-12);
            shaper.push(error);
        }
    }

    /// Total noise re white dither as measured from a program with the same filters: columns method, .., total_re_tpdf_db.
    #[test]
    fn known_filters_have_the_measured_noise() {
        let peers = include_str!("../../testdata/golden/quantizers/noiseshape_peers.csv");
        for known in KnownFilter::ALL {
            assert_eq!(KnownFilter::parse(known.name()).expect("own name"), known);
            let line = peers.lines().find(|line| line.starts_with(&format!("sox {},16,", known.name())));
            let measured: f64 = line.and_then(|l| l.split(',').nth(5)?.parse().ok()).expect("a golden row");
            let n = 4_096;
            let mean =
                (0..n).map(|k| known.filter().power_gain(f64::from(k) / f64::from(n))).sum::<f64>() / f64::from(n);
            // The measurement is of finite noise.
            assert!((10.0 * mean.log10() - measured).abs() < 0.02, "{known:?}: {mean}");
        }
        assert!(KnownFilter::parse("shibata").is_err());
    }

    #[test]
    fn feedback_coefficients_have_the_sign_of_the_papers() {
        let high_pass = ErrorFilter::from_feedback(&[1.0]).expect("legal");
        assert_eq!(high_pass.power_gain(0.0), 0.0);
        assert!((high_pass.power_gain(0.5) - 4.0).abs() < 1e-15);
    }
}
