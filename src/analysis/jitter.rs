//! Timing jitter of a converter, from noise that follows the slope of a tone.
//!
//! ```text
//! r[n] = v[n] + (2 pi f A cos phase[n]) j[n]      E r^2 = s_v^2 + (2 pi f A s_j)^2 (1 + cos 2 phase) / 2
//! ```
//!
//! With r what the fit of tone and harmonics leaves, the part of r^2 that follows `cos 2 phase` is the jitter's, the rest
//! is noise of the amplitude.
//!
//! Source: IEEE Std 1241-2010, 12.2 (aperture uncertainty); the split by regression after N. Kurosawa et al., "Explicit
//! analysis of channel mismatch and jitter effects", 2001.

use super::{
    figure::{Absent, Entry, Figure},
    sine_fit,
    sinusoids::{Basis, turn},
};
use crate::{Error, Result};

/// Jitter and amplitude noise under a tone.
#[derive(Debug, Clone, PartialEq)]
pub struct JitterFigures {
    /// Standard deviation of the sampling instants, seconds. An upper bound when there is none to be seen.
    pub jitter_s: Figure,
    /// RMS of the noise that does not follow the slope, full scale 1.0.
    pub amplitude_noise_rms: Figure,
}

impl JitterFigures {
    /// What is left to say when nothing was measured.
    pub fn missing(why: Absent) -> Self {
        Self { jitter_s: Err(why), amplitude_noise_rms: Err(why) }
    }

    /// All figures as entries, in the order of a table.
    pub fn entries(&self) -> Vec<Entry> {
        vec![
            Entry::new(
                ("jitter_s", "jitter, at most", "s"),
                self.jitter_s,
                "jitter",
                "sqrt(-4 mean(r^2 cos 2 phase)) / (2 pi f A)",
            ),
            Entry::new(
                ("amplitude_noise_rms", "noise apart from it", "FS"),
                self.amplitude_noise_rms,
                "amplitude-noise",
                "sqrt(mean r^2 - the jitter's part)",
            ),
        ]
    }
}

/// Separates jitter from amplitude noise in a record of one tone near `frequency_hz` (within half a line).
///
/// ```
/// use sqnr::analysis::jitter::estimate;
///
/// let x: Vec<f64> = (0..1 << 16).map(|i| 0.9 * (std::f64::consts::TAU * 0.2 * f64::from(i)).sin()).collect();
/// let figures = estimate(&x, 48_000.0, 9_600.0)?;
/// // A computed sine has no jitter to speak of: below a picosecond.
/// assert!(figures.jitter_s.unwrap_or(0.0) < 1e-12);
/// # Ok::<(), sqnr::Error>(())
/// ```
///
/// # Errors
/// Those of [`sine_fit::fit`]; `InvalidParameter` for a rate not above zero.
pub fn estimate(x: &[f64], sample_rate_hz: f64, frequency_hz: f64) -> Result<JitterFigures> {
    if !(sample_rate_hz.is_finite() && sample_rate_hz > 0.0) {
        return Err(Error::invalid("sample rate", sample_rate_hz, "above 0 Hz"));
    }
    let tone = sine_fit::fit(x, frequency_hz / sample_rate_hz)?;
    let basis = Basis::new(x.len(), &[tone.cycles_per_sample]);
    let fitted = basis.fit(x);
    let phasor = fitted.phasors[0];
    // a cos + b sin = A cos(w m - phi); its slope squared goes with sin^2(w m - phi) = (1 - cos 2(w m - phi)) / 2.
    let phi_turns = phasor.sine.atan2(phasor.cosine) / std::f64::consts::TAU;
    let middle = (x.len() as f64 - 1.0) / 2.0;
    let (mut squares, mut with_slope, mut n) = (0.0, 0.0, 0usize);
    basis.residual_blocks(x, &fitted, |r| {
        for r in r {
            let turns = turn(tone.cycles_per_sample, n as f64 - middle) - phi_turns;
            squares += r * r;
            with_slope -= r * r * (2.0 * std::f64::consts::TAU * turns).cos();
            n += 1;
        }
    });
    let n = n as f64;
    // mean(r^2) = s_v^2 + K / 2 and mean(-r^2 cos 2 phase) = K / 4, K = (2 pi f A s_j)^2.
    // Errors that sit where the slope is least, such as clipping, would make it negative: there is no jitter then.
    let jitter_power = (4.0 * with_slope / n).max(0.0);
    let slope = std::f64::consts::TAU * tone.cycles_per_sample * sample_rate_hz * tone.amplitude;
    // Four parameters of the sine are taken from the samples.
    let amplitude_noise = squares / (n - 4.0) - jitter_power / 2.0;
    Ok(JitterFigures {
        jitter_s: if slope > 0.0 { Ok(jitter_power.sqrt() / slope) } else { Err(Absent::Silence) },
        amplitude_noise_rms: Ok(amplitude_noise.max(0.0).sqrt()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    /// Deterministic numbers of variance 1, about Gaussian.
    fn gauss(state: &mut u64) -> f64 {
        let mut uniform = || {
            *state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (*state >> 11) as f64 / (1u64 << 53) as f64
        };
        (0..12).map(|_| uniform()).sum::<f64>() - 6.0
    }

    #[test]
    fn jitter_and_noise_are_told_apart() {
        let (rate, f) = (48e3, 5_000.3);
        for (jitter_s, noise) in [(20e-9, 0.0), (20e-9, 5e-4), (0.0, 5e-4)] {
            let mut state = 9;
            let x: Vec<f64> = (0..1 << 16)
                .map(|n| {
                    let t = f64::from(n) / rate + jitter_s * gauss(&mut state);
                    0.9 * (TAU * (f * t).fract()).sin() + noise * gauss(&mut state)
                })
                .collect();
            let got = estimate(&x, rate, f).expect("a tone");
            assert!((got.jitter_s.expect("there") - jitter_s).abs() < 2e-9, "{got:?}");
            assert!((got.amplitude_noise_rms.expect("there") - noise).abs() < 6e-5, "{got:?}");
        }
    }

    #[test]
    fn bad_records_are_refused() {
        assert!(estimate(&[0.0; 3], 48e3, 100.0).is_err());
        assert!(estimate(&[0.0; 64], 0.0, 100.0).is_err());
    }
}
