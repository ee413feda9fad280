//! White noise with a notch, the stimulus of a noise power ratio.
//!
//! ```text
//! y = noise * (delta - band),  band[k] = (sin(2 pi high k) - sin(2 pi low k)) / (pi k) kaiser[k]
//! ```
//!
//! The filter has linear phase and is applied by fast convolution, block by block: block b of the output is a function of
//! b alone, because the noise is.
//!
//! Sources: J. F. Kaiser, "Nonrecursive digital filter design using the I0-sinh window function", 1974 (attenuation and
//! width of the slopes); overlap-save: A. V. Oppenheim, R. W. Schafer, "Discrete-time signal processing", 8.7.3.

use std::{f64::consts::PI, sync::Arc};

use rustfft::{Fft, FftPlanner, num_complex::Complex};

use crate::analysis::window::Window;

/// Taps of the filter.
const N_TAPS: usize = 8_191;
const N_FFT: usize = 1 << 15;
/// New samples a transform gives.
const HOP: usize = N_FFT - N_TAPS + 1;
/// Attenuation that the filter is designed for, dB; the ends of the notch reach 150. 23 bits of a converter lie above it.
const DESIGN_DB: f64 = 155.0;

/// White Gaussian noise of variance 1 with a notch.
#[derive(Clone)]
pub(super) struct NotchedNoise {
    fft: Arc<dyn Fft<f64>>,
    inverse: Arc<dyn Fft<f64>>,
    /// Spectrum of the filter over the length of a transform.
    response: Vec<Complex<f64>>,
    buffer: Vec<Complex<f64>>,
    scratch: Vec<Complex<f64>>,
    /// The block whose samples lie at the end of the buffer.
    block: Option<u64>,
}

impl std::fmt::Debug for NotchedNoise {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NotchedNoise").field("block", &self.block).finish_non_exhaustive()
    }
}

impl NotchedNoise {
    /// Noise without what lies between two frequencies, in parts of the rate.
    pub(super) fn new((low, high): (f64, f64)) -> Self {
        let mut planner = FftPlanner::new();
        let fft = planner.plan_fft_forward(N_FFT);
        let taps = taps(low, high);
        let energy: f64 = taps.iter().map(|tap| tap * tap).sum();
        // The inverse transform's factor and unit variance, put into the filter once.
        let scale = 1.0 / (energy.sqrt() * N_FFT as f64);
        let mut response = vec![Complex::default(); N_FFT];
        response.iter_mut().zip(&taps).for_each(|(z, tap)| z.re = tap * scale);
        fft.process(&mut response);
        let inverse = planner.plan_fft_inverse(N_FFT);
        let n_scratch = fft.get_inplace_scratch_len().max(inverse.get_inplace_scratch_len());
        Self {
            response,
            buffer: vec![Complex::default(); N_FFT],
            scratch: vec![Complex::default(); n_scratch],
            block: None,
            fft,
            inverse,
        }
    }

    /// Sample n, of white noise given by its index.
    pub(super) fn at(&mut self, n: u64, white: impl Fn(u64) -> f64) -> f64 {
        let block = n / HOP as u64;
        if self.block != Some(block) {
            self.filter(block, white);
        }
        self.buffer[N_TAPS - 1 + (n % HOP as u64) as usize].re
    }

    /// Output sample m needs the noise from m to m + `N_TAPS` - 1: nothing lies before the first.
    fn filter(&mut self, block: u64, white: impl Fn(u64) -> f64) {
        let start = block * HOP as u64;
        self.buffer.iter_mut().zip(start..).for_each(|(z, n)| *z = Complex::new(white(n), 0.0));
        self.fft.process_with_scratch(&mut self.buffer, &mut self.scratch);
        self.buffer.iter_mut().zip(&self.response).for_each(|(z, h)| *z *= h);
        self.inverse.process_with_scratch(&mut self.buffer, &mut self.scratch);
        self.block = Some(block);
    }
}

/// The filter: all but a band, whose slopes lie outside the notch.
fn taps(low: f64, high: f64) -> Vec<f64> {
    let beta = 0.1102 * (DESIGN_DB - 8.7);
    let slope = (DESIGN_DB - 7.95) / (2.285 * 2.0 * PI * (N_TAPS - 1) as f64);
    let (low, high) = ((low - slope / 2.0).max(0.0), (high + slope / 2.0).min(0.5));
    let window = Window::Kaiser { beta }.samples(N_TAPS).expect("beta is below 100");
    let middle = (N_TAPS / 2) as f64;
    let of = |(k, w): (usize, f64)| {
        let t = k as f64 - middle;
        let band = match t == 0.0 {
            true => 2.0 * (high - low),
            false => ((2.0 * PI * high * t).sin() - (2.0 * PI * low * t).sin()) / (PI * t),
        };
        f64::from(u8::from(t == 0.0)) - band * w
    };
    window.into_iter().enumerate().map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gain of the filter in dB, from its definition.
    fn gain_db(taps: &[f64], frequency: f64) -> f64 {
        let (mut re, mut im) = (0.0, 0.0);
        for (k, tap) in taps.iter().enumerate() {
            let (s, c) = (2.0 * PI * frequency * k as f64).sin_cos();
            re += tap * c;
            im += tap * s;
        }
        10.0 * (re * re + im * im).log10()
    }

    #[test]
    fn the_notch_is_deep_from_end_to_end_and_the_rest_flat() {
        let taps = taps(0.2, 0.22);
        for f in [0.2, 0.2003, 0.21, 0.2197, 0.22] {
            assert!(gain_db(&taps, f) < -150.0, "{f}: {}", gain_db(&taps, f));
        }
        // Slopes of 0.0013 of the rate.
        for f in [0.0, 0.1, 0.198_7, 0.221_3, 0.3, 0.5] {
            assert!(gain_db(&taps, f).abs() < 1e-6, "{f}: {}", gain_db(&taps, f));
        }
    }

    #[test]
    fn fast_convolution_is_convolution() {
        let white = |n: u64| f64::from((n as u32).wrapping_mul(2_654_435_761) >> 8) / f64::from(1 << 24) - 0.5;
        let taps = taps(0.2, 0.22);
        let rms = taps.iter().map(|tap| tap * tap).sum::<f64>().sqrt();
        let mut noise = NotchedNoise::new((0.2, 0.22));
        // Both sides of a block's end, and back.
        for n in [0, 1, HOP as u64 - 1, HOP as u64, 3 * HOP as u64 + 17, 5] {
            let slow: f64 = taps.iter().rev().zip(n..).map(|(tap, i)| tap * white(i)).sum::<f64>() / rms;
            let fast = noise.at(n, white);
            assert!((fast - slow).abs() < 1e-12, "{n}: {fast} {slow}");
        }
    }
}
