//! Sine fit with three parameters (frequency known) and with four.
//!
//! ```text
//! x[n] ~ A cos(2 pi f n + phase) + C
//! ```
//!
//! Four parameters: steps of Gauss and Newton for the frequency, each solving the linear fit of cosine, sine, DC and the
//! derivative by frequency.
//!
//! Source: IEEE Std 1057-2017, annex A (three-parameter and four-parameter least-squares fit).

use super::{
    figure::Absent,
    sinusoids::{Basis, Fitted, SlopeProjection, angle, dirichlet, dirichlet_moments, solve},
};
use crate::{Error, Result};

/// A sinusoid and DC fitted to a record.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SineFit {
    /// Frequency, cycles per sample, 0 to 1/2.
    pub cycles_per_sample: f64,
    /// Amplitude A, full scale 1.0, not negative.
    pub amplitude: f64,
    /// Phase of the cosine at the first sample, radians, -pi to pi.
    pub phase_rad: f64,
    /// Mean C of the fit.
    pub dc: f64,
    /// Root mean square of what the fit leaves, `sqrt(sum r^2 / N)`.
    pub residual_rms: f64,
}

/// Fewest samples of a fit.
pub const MIN_SAMPLES: usize = 16;
/// Fewest periods of a four-parameter fit.
pub const MIN_PERIODS: f64 = 2.0;
/// A step below this part of a line's width changes the residual by less than its rounding.
const CONVERGED_LINES: f64 = 1e-9;
const MAX_STEPS: usize = 20;

/// Fits amplitude, phase and DC at a known frequency in cycles per sample.
///
/// ```
/// use sqnr::analysis::sine_fit::fit_known_frequency;
///
/// let x: Vec<f64> = (0..1_000).map(|i| 0.25 * (std::f64::consts::TAU * 0.01 * f64::from(i)).cos()).collect();
/// let sine = fit_known_frequency(&x, 0.01)?;
/// assert!((sine.amplitude - 0.25).abs() < 1e-12 && sine.residual_rms < 1e-12);
/// # Ok::<(), sqnr::Error>(())
/// ```
///
/// # Errors
/// `NoResult` for fewer than 16 samples or samples that are not finite, `InvalidParameter` for a frequency outside 0
/// to 1/2.
pub fn fit_known_frequency(x: &[f64], cycles_per_sample: f64) -> Result<SineFit> {
    check(x, cycles_per_sample)?;
    Ok(finish(x, cycles_per_sample))
}

/// Fits all four parameters, starting at a frequency that should lie within half a line (1/N) of the tone.
///
/// ```
/// use sqnr::analysis::sine_fit::fit;
///
/// let x: Vec<f64> = (0..1_000).map(|i| 0.1 + 0.5 * (0.2 * f64::from(i)).cos()).collect();
/// let sine = fit(&x, 0.032)?;
/// assert!((sine.amplitude - 0.5).abs() < 1e-9 && (sine.dc - 0.1).abs() < 1e-9);
/// assert!((sine.cycles_per_sample * std::f64::consts::TAU - 0.2).abs() < 1e-9);
/// # Ok::<(), sqnr::Error>(())
/// ```
///
/// # Errors
/// Those of [`fit_known_frequency`]; `NoResult` when the steps leave the range of 2 periods to half the rate.
pub fn fit(x: &[f64], start_cycles_per_sample: f64) -> Result<SineFit> {
    check(x, start_cycles_per_sample)?;
    Ok(finish(x, refine_frequency(x, start_cycles_per_sample)?))
}

fn check(x: &[f64], cycles_per_sample: f64) -> Result<()> {
    let refuse = |absent: Absent| Err(Error::NoResult { what: absent.to_string() });
    if x.len() < MIN_SAMPLES {
        return refuse(Absent::TooShort { n_samples: x.len(), needed: MIN_SAMPLES });
    }
    let n_samples = x.iter().filter(|x| !x.is_finite()).count() as u64;
    if n_samples > 0 {
        return refuse(Absent::NotFinite { n_samples });
    }
    if !(cycles_per_sample > 0.0 && cycles_per_sample < 0.5) {
        return Err(Error::invalid("frequency", cycles_per_sample, "between 0 and 1/2 cycles per sample"));
    }
    Ok(())
}

fn finish(x: &[f64], cycles_per_sample: f64) -> SineFit {
    let n = x.len();
    let basis = Basis::new(n, &[cycles_per_sample]);
    let fitted = basis.fit(x);
    let mut energy = 0.0;
    basis.residual_blocks(x, &fitted, |r| energy += r.iter().map(|r| r * r).sum::<f64>());
    let phasor = fitted.phasors[0];
    // a cos(w m) + b sin(w m) = A cos(w m - atan2(b, a)); the first sample is at m = -(N - 1) / 2.
    let turns = super::sinusoids::turn(cycles_per_sample, (n as f64 - 1.0) / 2.0);
    let phase = -phasor.sine.atan2(phasor.cosine) - angle(turns);
    SineFit {
        cycles_per_sample,
        amplitude: phasor.amplitude(),
        phase_rad: phase.sin().atan2(phase.cos()),
        dc: fitted.dc,
        residual_rms: (energy / n as f64).sqrt(),
    }
}

/// Refines a frequency on ever longer parts of the record: each part's answer lies within the next one's half line.
pub(super) fn refine_frequency(x: &[f64], start: f64) -> Result<f64> {
    const FIRST: usize = 1 << 16;
    const GROWTH: usize = 16;
    let mut frequency = start;
    let mut n = FIRST.min(x.len());
    loop {
        frequency = gauss_newton(&x[..n], frequency)?;
        if n == x.len() {
            return Ok(frequency);
        }
        n = n.saturating_mul(GROWTH).min(x.len());
    }
}

fn gauss_newton(x: &[f64], start: f64) -> Result<f64> {
    let n_samples = x.len() as f64;
    let lost = || Error::NoResult {
        what: format!(
            "the sine fit left its range: less than {MIN_PERIODS} periods, or no tone near {start:.6} cycles per sample"
        ),
    };
    let mut frequency = start;
    let mut previous_step = f64::INFINITY;
    for _ in 0..MAX_STEPS {
        let step = frequency_step(x, frequency).clamp(-0.5 / n_samples, 0.5 / n_samples);
        frequency += step;
        // A little below two periods is allowed on the way.
        if !(frequency * n_samples >= 0.9 * MIN_PERIODS
            && frequency < 0.5
            && (frequency - start).abs() * n_samples < 2.0)
        {
            return Err(lost());
        }
        let step_lines = step.abs() * n_samples;
        // Rounding stops the shrinking before the bound when the record is long or the tone weak.
        if step_lines < CONVERGED_LINES || (step_lines < 1e-5 && step_lines > 0.5 * previous_step) {
            break;
        }
        previous_step = step_lines;
    }
    Ok(frequency)
}

/// One step of Gauss and Newton, in cycles per sample.
fn frequency_step(x: &[f64], frequency: f64) -> f64 {
    let basis = Basis::new(x.len(), &[frequency]);
    let fitted = basis.fit(x);
    step_of_residual(x, 0, &basis, &fitted)
}

/// The step that the residual of a linear fit asks for in the frequency of component `i` of the basis. Columns: DC,
/// cosine, derivative, sine.
pub(super) fn step_of_residual(x: &[f64], i: usize, basis: &Basis, fitted: &Fitted) -> f64 {
    let n = x.len();
    let n_samples = n as f64;
    let w = angle(basis.cycles_per_sample(i));
    let (a, b) = (fitted.phasors[i].cosine, fitted.phasors[i].sine);
    let sums = SlopeProjection::of_residual(x, i, basis, fitted);
    let [s1, t1, _] = dirichlet_moments(n, w);
    let [s2, t1_double, t2_double] = dirichlet_moments(n, 2.0 * w);
    let m2 = n_samples * (n_samples * n_samples - 1.0) / 12.0;
    // d = m (b cos - a sin), the derivative by w; sums of odd functions vanish.
    let gram = [
        [dirichlet(n, 0.0), s1, 0.0, -a * t1],
        [s1, 0.5 * (n_samples + s2), 0.0, -0.5 * a * t1_double],
        [0.0, 0.0, 0.5 * (n_samples - s2), 0.5 * b * t1_double],
        [
            -a * t1,
            -0.5 * a * t1_double,
            0.5 * b * t1_double,
            0.5 * (a * a * (m2 - t2_double) + b * b * (m2 + t2_double)),
        ],
    ];
    let right = [sums.sum, sums.phasor.cosine, sums.phasor.sine, b * sums.slope.cosine - a * sums.slope.sine];
    solve(4, |i, j| gram[i][j], |i| right[i])[3] / std::f64::consts::TAU
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    fn wave(n: usize, f: f64, amplitude: f64, phase: f64, dc: f64) -> Vec<f64> {
        (0..n).map(|i| dc + amplitude * (TAU * (f * i as f64).fract() + phase).cos()).collect()
    }

    #[test]
    fn parameters_come_back_from_an_odd_record() {
        for (f, phase) in [(0.031_7, 0.5), (0.123_456_7, -2.0), (0.487, 3.0), (0.002_3, 1.0)] {
            let x = wave(1801, f, 0.7, phase, -0.1);
            let got = fit(&x, f + 0.3 / 1801.0).expect("a tone");
            assert!((got.cycles_per_sample - f).abs() < 1e-14, "{got:?}");
            assert!((got.amplitude - 0.7).abs() < 1e-12 && (got.dc + 0.1).abs() < 1e-12, "{got:?}");
            assert!((got.phase_rad - phase).abs() < 1e-10, "{got:?}");
            assert!(got.residual_rms < 1e-12);
        }
    }

    #[test]
    fn long_records_are_reached_in_stages() {
        let f = 997.123 / 48_000.0;
        let x = wave(1 << 20, f, 1.0, 0.0, 0.0);
        let got = fit(&x, f + 0.4 / 65_536.0).expect("a tone");
        assert!((got.cycles_per_sample - f).abs() < 1e-16, "{:e}", got.cycles_per_sample - f);
        assert!(got.residual_rms < 1e-9);
    }

    #[test]
    fn three_parameters_keep_the_frequency() {
        let got = fit_known_frequency(&wave(480, 0.1, 0.5, 0.3, 0.2), 0.1).expect("legal");
        assert_eq!(got.cycles_per_sample, 0.1);
        assert!((got.phase_rad - 0.3).abs() < 1e-12);
    }

    #[test]
    fn bad_input_is_refused_by_name() {
        assert!(fit(&[0.0; 15], 0.1).is_err());
        assert!(fit(&[f64::NAN; 64], 0.1).is_err());
        assert!(fit(&[0.0; 64], 0.5).is_err());
        assert!(fit(&[0.0; 64], f64::NAN).is_err());
        // Silence has every frequency: the start value comes back, nothing is fitted.
        assert_eq!(fit(&[0.0; 64], 0.1).expect("harmless").amplitude, 0.0);
    }
}
