//! Pink noise: a filter whose power response falls by 3.01 dB an octave up to half the rate.
//!
//! ```text
//! white -> first-order sections, one an octave -> finite correction -> pink
//! ```
//!
//! Each section has its zero half an octave above its pole, so that the slope between is half of a first-order filter's.
//! Sampling folds the sections' response at half the rate and would lift the last octave by up to 1.5 dB. The correction
//! is the minimum-phase filter whose response is that of the analogue chain, continued far above half the rate, over that
//! of the sampled one.
//!
//! Source of the minimum phase by the cepstrum: A. V. Oppenheim, R. W. Schafer, "Discrete-time signal processing", 12.

use std::f64::consts::{PI, SQRT_2, TAU};

/// Lowest pole; below it the spectrum is flat.
const LOWEST_HZ: f64 = 5.0;
/// Coefficients of the correction: the density then lies within 0.08 dB of the line at rates from 8 kHz.
const N_TAPS: usize = 48;
/// Intervals of the grid from 0 to half the rate on which the correction is found.
const N_GRID: usize = 1024;
/// Octaves of the analogue chain above half the rate.
const OCTAVES_BEYOND: i32 = 6;

/// The filter. Output power 1 for white input of power 1.
#[derive(Debug, Clone)]
pub(super) struct PinkFilter {
    sections: Vec<Section>,
    correction: Correction,
    gain: f64,
}

/// `y[n] = x[n] - zero x[n-1] + pole y[n-1]`.
#[derive(Debug, Clone, Copy)]
struct Section {
    pole: f64,
    zero: f64,
    last_input: f64,
    last_output: f64,
}

impl Section {
    fn new(pole_hz: f64, rate_hz: f64) -> Self {
        Self {
            pole: (-TAU * pole_hz / rate_hz).exp(),
            zero: (-TAU * pole_hz * SQRT_2 / rate_hz).exp(),
            last_input: 0.0,
            last_output: 0.0,
        }
    }

    fn next(&mut self, x: f64) -> f64 {
        let y = x - self.zero * self.last_input + self.pole * self.last_output;
        (self.last_input, self.last_output) = (x, y);
        y
    }

    /// `|H|^2` at w radians per sample.
    fn power_response(&self, w: f64) -> f64 {
        let factor = |root: f64| 1.0 - 2.0 * root * w.cos() + root * root;
        factor(self.zero) / factor(self.pole)
    }
}

/// A finite impulse response, the newest sample first.
#[derive(Debug, Clone)]
struct Correction {
    taps: [f64; N_TAPS],
    inputs: [f64; N_TAPS],
    newest: usize,
}

impl Correction {
    /// The minimum-phase filter with half the logarithms of a power response on the grid: its cepstrum c gives
    /// `h[0] = exp c[0]`, `h[n] = sum_k k/n 2 c[k] h[n-k]`.
    fn new(log_magnitude: &[f64]) -> Self {
        let cepstrum: Vec<f64> = (0..N_TAPS).map(|n| cepstrum_at(log_magnitude, n)).collect();
        let mut taps = [0.0; N_TAPS];
        taps[0] = cepstrum[0].exp();
        for n in 1..N_TAPS {
            taps[n] = (1..=n).map(|k| k as f64 / n as f64 * 2.0 * cepstrum[k] * taps[n - k]).sum();
        }
        Self { taps, inputs: [0.0; N_TAPS], newest: 0 }
    }

    /// `|H|^2` at w radians per sample.
    fn power_response(&self, w: f64) -> f64 {
        let part =
            |wave: fn(f64) -> f64| -> f64 { self.taps.iter().enumerate().map(|(n, h)| h * wave(w * n as f64)).sum() };
        part(f64::cos).powi(2) + part(f64::sin).powi(2)
    }

    fn next(&mut self, x: f64) -> f64 {
        self.newest = if self.newest == 0 { N_TAPS - 1 } else { self.newest - 1 };
        self.inputs[self.newest] = x;
        let (older, newer) = self.inputs.split_at(self.newest);
        let dot = |taps: &[f64], inputs: &[f64]| taps.iter().zip(inputs).map(|(h, x)| h * x).sum::<f64>();
        dot(&self.taps, newer) + dot(&self.taps[newer.len()..], older)
    }
}

/// Coefficient n of the cosine series of an even function given from 0 to half the rate.
fn cepstrum_at(values: &[f64], n: usize) -> f64 {
    let last = values.len() - 1;
    let term = |(k, value): (usize, &f64)| {
        let weight = if k == 0 || k == last { 0.5 } else { 1.0 };
        weight * value * (PI * (k * n % (2 * last)) as f64 / last as f64).cos()
    };
    values.iter().enumerate().map(term).sum::<f64>() / last as f64
}

impl PinkFilter {
    pub(super) fn new(sample_rate_hz: u32) -> Self {
        let rate_hz = f64::from(sample_rate_hz);
        let poles_hz = |end_hz: f64| (0..).map(|octave| LOWEST_HZ * 2f64.powi(octave)).take_while(move |&f| f < end_hz);
        let sections: Vec<Section> = poles_hz(rate_hz / 2.0).map(|pole_hz| Section::new(pole_hz, rate_hz)).collect();
        let analogue = |f: f64| {
            let section = |p: f64| (f * f + 2.0 * p * p) / (f * f + p * p) / 2.0;
            poles_hz(rate_hz * 2f64.powi(OCTAVES_BEYOND)).map(section).product::<f64>()
        };
        let log_ratio = |k: usize| {
            let turns = 0.5 * k as f64 / N_GRID as f64;
            let sampled: f64 = sections.iter().map(|section| section.power_response(TAU * turns)).product();
            0.5 * (analogue(turns * rate_hz) / sampled).ln()
        };
        let log_ratios: Vec<f64> = (0..=N_GRID).map(log_ratio).collect();
        let mut filter = Self { sections, correction: Correction::new(&log_ratios), gain: 1.0 };
        filter.gain = filter.energy().sqrt().recip();
        filter
    }

    /// `|H|^2` at w radians per sample, without the gain.
    fn power_response(&self, w: f64) -> f64 {
        let sections: f64 = self.sections.iter().map(|section| section.power_response(w)).product();
        sections * self.correction.power_response(w)
    }

    /// Energy of the impulse response without the gain, `1/pi` of the integral of `|H|^2` from 0 to pi: trapezoids over
    /// the logarithm of the frequency, over which the response bends slowly.
    fn energy(&self) -> f64 {
        const N: usize = 4096;
        /// Part of the band below which the response is flat at any rate.
        const LOWEST: f64 = 1e-12;
        let step = -LOWEST.ln() / N as f64;
        let term = |i: usize| {
            let part = LOWEST * (step * i as f64).exp();
            let weight = if i == 0 || i == N { 0.5 } else { 1.0 };
            weight * step * part * self.power_response(PI * part)
        };
        LOWEST * self.power_response(0.0) + (0..=N).map(term).sum::<f64>()
    }

    pub(super) fn next(&mut self, x: f64) -> f64 {
        let chained = self.sections.iter_mut().fold(x, |x, section| section.next(x));
        self.gain * self.correction.next(chained)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Level of the density times the frequency: the same everywhere for pink noise.
    fn level_db(filter: &PinkFilter, rate_hz: f64, f: f64) -> f64 {
        10.0 * (filter.power_response(TAU * f / rate_hz) * f).log10()
    }

    #[test]
    fn pink_noise_falls_three_db_an_octave_up_to_half_the_rate() {
        for rate in [8_000, 44_100, 48_000, 192_000] {
            let (filter, rate_hz) = (PinkFilter::new(rate), f64::from(rate));
            let at_1_khz = level_db(&filter, rate_hz, 1_000.0);
            for step in 0..200 {
                let f = 20.0 * (rate_hz / 2.0 / 20.0).powf(f64::from(step) / 199.0);
                let deviation = level_db(&filter, rate_hz, f) - at_1_khz;
                assert!(deviation.abs() < 0.1, "{rate}: {f} Hz: {deviation} dB");
            }
        }
    }

    #[test]
    fn white_of_power_one_gives_pink_of_power_one() {
        for rate in [9, 11, 100, 8_000, 48_000] {
            let mut filter = PinkFilter::new(rate);
            let response = |i: u32| filter.next(f64::from(u8::from(i == 0)));
            let energy: f64 = (0..4 * rate.max(1_000)).map(response).map(|h| h * h).sum();
            assert!((energy - 1.0).abs() < 1e-4, "{rate}: {energy}");
        }
    }

    #[test]
    fn the_correction_is_applied_as_its_taps_say() {
        let mut correction = PinkFilter::new(48_000).correction;
        let response: Vec<f64> = (0..2 * N_TAPS).map(|i| correction.next(if i == 3 { 1.0 } else { 0.0 })).collect();
        assert_eq!((&response[..3], &response[3..3 + N_TAPS]), (&[0.0; 3][..], &correction.taps[..]));
    }
}
