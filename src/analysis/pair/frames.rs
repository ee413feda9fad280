//! Short-time spectra of a pair, and the distance of their logarithms.

use std::sync::Arc;

use rustfft::{Fft, FftPlanner, num_complex::Complex};

use crate::analysis::{figure::Absent, figure::Figure, window::Window};

use super::EPSILON;

/// Samples of a frame, under a Hann window.
pub const FRAME: usize = 2048;
/// Samples from one frame to the next.
pub const HOP: usize = 512;

/// Cuts a pair into frames as it comes, and transforms them.
pub struct Frames {
    fft: Arc<dyn Fft<f64>>,
    window: Vec<f64>,
    /// Samples that no frame has begun with yet.
    x: Vec<f64>,
    e: Vec<f64>,
    buffer: Vec<Complex<f64>>,
    scratch: Vec<Complex<f64>>,
    spectra: Spectra,
}

impl std::fmt::Debug for Frames {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Frames").field("waiting", &self.x.len()).finish_non_exhaustive()
    }
}

/// Power spectra of one frame, unscaled, lines 0 to `FRAME / 2`.
#[derive(Debug, Clone, PartialEq)]
pub struct Spectra {
    /// Of the reference.
    pub reference: Vec<f64>,
    /// Of the test signal.
    pub test: Vec<f64>,
    /// Of the error, test less reference.
    pub error: Vec<f64>,
    /// Which frame since the start or the last break it is.
    pub index: usize,
}

impl Default for Frames {
    fn default() -> Self {
        Self::new()
    }
}

impl Frames {
    /// No samples yet.
    pub fn new() -> Self {
        let fft = FftPlanner::new().plan_fft_forward(FRAME);
        let powers = vec![0.0; FRAME / 2 + 1];
        Self {
            window: Window::Hann.samples(FRAME).expect("a frame is not empty"),
            x: Vec::new(),
            e: Vec::new(),
            buffer: vec![Complex::default(); FRAME],
            scratch: vec![Complex::default(); fft.get_inplace_scratch_len()],
            spectra: Spectra { reference: powers.clone(), test: powers.clone(), error: powers, index: 0 },
            fft,
        }
    }

    /// Takes in as many samples of the reference as of the error; hands over the frames that they complete.
    pub fn push(&mut self, x: &[f64], e: &[f64], mut take: impl FnMut(&Spectra)) {
        self.x.extend_from_slice(x);
        self.e.extend_from_slice(e);
        let mut start = 0;
        while start + FRAME <= self.x.len() {
            self.transform(start);
            take(&self.spectra);
            self.spectra.index += 1;
            start += HOP;
        }
        self.x.drain(..start);
        self.e.drain(..start);
    }

    /// What follows does not continue what came.
    pub fn forget(&mut self) {
        self.x.clear();
        self.e.clear();
        self.spectra.index = 0;
    }

    /// Both real frames in one complex transform: with z = x + i e, `X[k] = (Z[k] + conj Z[n-k]) / 2` and
    /// `E[k] = (Z[k] - conj Z[n-k]) / 2i`; the test's is X + E.
    ///
    /// An error much weaker than the reference is limited by its rounding, 300 dB below it; an error of zero is zero.
    fn transform(&mut self, start: usize) {
        let (x, e) = (&self.x[start..start + FRAME], &self.e[start..start + FRAME]);
        let samples = x.iter().zip(e).zip(&self.window);
        self.buffer.iter_mut().zip(samples).for_each(|(z, ((x, e), w))| *z = Complex::new(x * w, e * w));
        self.fft.process_with_scratch(&mut self.buffer, &mut self.scratch);
        let has_error = e.iter().any(|e| *e != 0.0);
        for k in 0..=FRAME / 2 {
            let (a, b) = (self.buffer[k], self.buffer[(FRAME - k) % FRAME].conj());
            let reference = (a + b) * 0.5;
            let error = if has_error { (a - b) * Complex::new(0.0, -0.5) } else { Complex::default() };
            self.spectra.reference[k] = reference.norm_sqr();
            self.spectra.error[k] = error.norm_sqr();
            self.spectra.test[k] = (reference + error).norm_sqr();
        }
    }
}

/// Mean over frames of the RMS over lines of the difference of both log power spectra.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct LogDistance {
    pub n: usize,
    sum_db: f64,
}

impl LogDistance {
    pub(super) fn push(&mut self, spectra: &Spectra) {
        let squares =
            spectra.reference.iter().zip(&spectra.test).map(|(a, b)| ((a + EPSILON) / (b + EPSILON)).ln().powi(2));
        let mean = squares.sum::<f64>() / spectra.reference.len() as f64;
        self.sum_db += 10.0 / std::f64::consts::LN_10 * mean.sqrt();
        self.n += 1;
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.n += other.n;
        self.sum_db += other.sum_db;
    }

    pub(super) fn figure(&self, n_samples: usize) -> Figure {
        match self.n {
            0 => Err(Absent::TooShort { n_samples, needed: FRAME }),
            n => Ok(self.sum_db / n as f64),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(n: usize, seed: u32) -> Vec<f64> {
        let value = |i: u32| f64::from((i ^ seed).wrapping_mul(2_654_435_761).rotate_left(9) ^ i) / 4e9 - 0.5;
        (0..n as u32).map(value).collect()
    }

    #[test]
    fn frames_do_not_depend_on_the_blocks() {
        let (x, e) = (noise(9_000, 1), noise(9_000, 2));
        let frames = |size: usize| {
            let (mut frames, mut all) = (Frames::new(), Vec::new());
            x.chunks(size).zip(e.chunks(size)).for_each(|(x, e)| frames.push(x, e, |s| all.push(s.clone())));
            all
        };
        let whole = frames(9_000);
        assert_eq!(whole.len(), (9_000 - FRAME) / HOP + 1);
        assert!(frames(100) == whole && frames(4_001) == whole && whole[3].index == 3);
    }

    #[test]
    fn the_powers_are_those_of_the_plain_transform() {
        let (x, e) = (noise(FRAME, 3), noise(FRAME, 4));
        let window = Window::Hann.samples(FRAME).expect("legal");
        let power = |v: &[f64], k: usize| {
            let angle = |n: usize| std::f64::consts::TAU * (k * n % FRAME) as f64 / FRAME as f64;
            let term = |(n, (v, w)): (usize, (&f64, &f64))| Complex::from_polar(v * w, -angle(n));
            v.iter().zip(&window).enumerate().map(term).sum::<Complex<f64>>().norm_sqr()
        };
        let y: Vec<f64> = x.iter().zip(&e).map(|(x, e)| x + e).collect();
        Frames::new().push(&x, &e, |spectra| {
            for k in [0, 1, 300, FRAME / 2] {
                for (fast, slow) in [
                    (spectra.reference[k], power(&x, k)),
                    (spectra.error[k], power(&e, k)),
                    (spectra.test[k], power(&y, k)),
                ] {
                    assert!((fast - slow).abs() < 1e-9 * (1.0 + slow), "line {k}: {fast} {slow}");
                }
            }
        });
    }
}
