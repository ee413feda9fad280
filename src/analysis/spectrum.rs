//! Averaged power spectrum of a signal (Welch's method), streaming or in one call.
//!
//! ```text
//! x -> frames of N, overlapping -> window w -> FFT -> |X|^2 -> mean over frames
//! power[k] = c |X[k]|^2 / (N sum w^2)      c = 1 at DC and N/2, else 2
//! ```
//!
//! With this scale the lines of one component add up to its mean square for every window: A^2/2 for a sine of
//! amplitude A. One line of a sine reads its level after multiplication with the window's noise bandwidth in lines
//! ([`PowerSpectrum::line_dbfs`]); noise reads the same at any N as a density ([`PowerSpectrum::density_dbfs_per_hz`]).
//!
//! Source: P. D. Welch, "The use of fast Fourier transform for the estimation of power spectra", 1967; the scales are
//! those of G. Heinzel, A. Rüdiger, R. Schilling, "Spectrum and spectral density estimation by the DFT", 2002.

use std::{fmt, sync::Arc};

use rustfft::{Fft, FftPlanner, num_complex::Complex};

use super::window::Window;
use crate::{Error, Result};

/// How a spectrum is taken.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// Samples per frame N, 2 and above.
    pub n_fft: usize,
    /// New samples per frame, 1 to N.
    pub hop: usize,
    /// Window of a frame.
    pub window: Window,
}

impl Default for Settings {
    /// 16 384 samples, half overlapping, four-term Blackman-Harris.
    fn default() -> Self {
        Self { n_fft: 16_384, hop: 8_192, window: Window::BlackmanHarris4 }
    }
}

/// Averages the power spectra of the frames of a stream.
///
/// ```
/// use sqnr::analysis::spectrum::{Settings, Welch};
///
/// let mut welch = Welch::new(48_000.0, Settings::default())?;
/// let x: Vec<f64> = (0..48_000).map(|i| (0.5 * f64::from(i)).sin()).collect();
/// x.chunks(1_000).for_each(|block| welch.push(block));
/// assert!(welch.finish()?.n_frames() > 1);
/// # Ok::<(), sqnr::Error>(())
/// ```
pub struct Welch {
    settings: Settings,
    sample_rate_hz: f64,
    fft: Arc<dyn Fft<f64>>,
    window: Vec<f64>,
    /// Samples not yet used up; the next frame starts at its beginning.
    pending: Vec<f64>,
    /// Two real frames, one in the real, one in the imaginary parts: their spectra need not be told apart, as
    /// `|A[k]|^2 + |B[k]|^2 = (|Z[k]|^2 + |Z[N-k]|^2) / 2`.
    pair: Vec<Complex<f64>>,
    scratch: Vec<Complex<f64>>,
    half_filled: bool,
    sum: Vec<f64>,
    n_frames: usize,
}

impl fmt::Debug for Welch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Welch").field("settings", &self.settings).field("n_frames", &self.n_frames).finish()
    }
}

impl Welch {
    /// An averager without frames.
    ///
    /// # Errors
    /// `InvalidParameter` for a frame outside 2 to 2^26, a hop outside 1 to N, a bad window, or a rate that is not
    /// above zero.
    pub fn new(sample_rate_hz: f64, settings: Settings) -> Result<Self> {
        let Settings { n_fft, hop, window } = settings;
        if !(2..=1 << 26).contains(&n_fft) {
            return Err(Error::invalid("spectrum length", n_fft, "2 to 67108864 samples"));
        }
        if !(1..=n_fft).contains(&hop) {
            return Err(Error::invalid("spectrum hop", hop, format!("1 to {n_fft} samples")));
        }
        if !(sample_rate_hz.is_finite() && sample_rate_hz > 0.0) {
            return Err(Error::invalid("sample rate", sample_rate_hz, "above 0 Hz"));
        }
        let fft = FftPlanner::new().plan_fft_forward(n_fft);
        Ok(Self {
            settings,
            sample_rate_hz,
            window: window.samples(n_fft)?,
            pending: Vec::new(),
            pair: vec![Complex::default(); n_fft],
            scratch: vec![Complex::default(); fft.get_inplace_scratch_len()],
            half_filled: false,
            sum: vec![0.0; n_fft / 2 + 1],
            n_frames: 0,
            fft,
        })
    }

    /// Takes in samples; their number is free and does not change the result.
    pub fn push(&mut self, x: &[f64]) {
        let Settings { n_fft, hop, .. } = self.settings;
        let mut x = x;
        // A frame that starts in the pending samples is completed from x; then frames are read from x alone.
        while !self.pending.is_empty() {
            let missing = n_fft - self.pending.len();
            let (head, rest) = x.split_at(missing.min(x.len()));
            self.pending.extend_from_slice(head);
            if self.pending.len() < n_fft {
                return;
            }
            let frame = std::mem::take(&mut self.pending);
            self.add_frame(&frame);
            self.pending = frame;
            self.pending.drain(..hop);
            // Those of the pending samples that came from this x can be read from x again.
            if self.pending.len() <= head.len() {
                x = &x[head.len() - self.pending.len()..];
                self.pending.clear();
            } else {
                x = rest;
            }
        }
        while x.len() >= n_fft {
            self.add_frame(&x[..n_fft]);
            x = &x[hop..];
        }
        self.pending.extend_from_slice(x);
    }

    fn add_frame(&mut self, frame: &[f64]) {
        let samples = self.pair.iter_mut().zip(frame).zip(&self.window);
        if self.half_filled {
            samples.for_each(|((z, x), w)| z.im = x * w);
            self.transform_pair();
        } else {
            samples.for_each(|((z, x), w)| *z = Complex::new(x * w, 0.0));
        }
        self.half_filled = !self.half_filled;
        self.n_frames += 1;
    }

    fn transform_pair(&mut self) {
        self.fft.process_with_scratch(&mut self.pair, &mut self.scratch);
        self.sum[0] += self.pair[0].norm_sqr();
        let (_, z) = self.pair.split_at(1);
        for ((sum, low), high) in self.sum[1..].iter_mut().zip(z).zip(z.iter().rev()) {
            *sum += 0.5 * (low.norm_sqr() + high.norm_sqr());
        }
    }

    /// The mean over all frames so far.
    ///
    /// # Errors
    /// `NoResult` when not one frame is complete.
    pub fn finish(mut self) -> Result<PowerSpectrum> {
        let n_fft = self.settings.n_fft;
        if self.n_frames == 0 {
            let what = format!("no spectrum: {} samples are fewer than a frame of {n_fft}", self.pending.len());
            return Err(Error::NoResult { what });
        }
        if self.half_filled {
            self.transform_pair();
        }
        let window_sum: f64 = self.window.iter().sum();
        let window_energy: f64 = self.window.iter().map(|w| w * w).sum();
        let scale = 2.0 / (n_fft as f64 * window_energy * self.n_frames as f64);
        let mut power = self.sum;
        power.iter_mut().for_each(|p| *p *= scale);
        power[0] *= 0.5;
        if n_fft.is_multiple_of(2) {
            power[n_fft / 2] *= 0.5;
        }
        Ok(PowerSpectrum {
            power,
            sample_rate_hz: self.sample_rate_hz,
            n_frames: self.n_frames,
            enbw_lines: n_fft as f64 * window_energy / (window_sum * window_sum),
            settings: self.settings,
        })
    }
}

/// One-sided power spectrum. Line k lies at k sample_rate / N, k = 0 to N/2.
///
/// ```
/// use sqnr::analysis::spectrum::{PowerSpectrum, Settings};
///
/// let x: Vec<f64> = (0..96_000).map(|i| 0.5 * (0.5 * f64::from(i)).sin()).collect();
/// let spectrum = PowerSpectrum::of(&x, 48_000.0, Settings::default())?;
/// let lines = spectrum.power();
/// let loudest = (0..lines.len()).max_by(|&a, &b| lines[a].total_cmp(&lines[b])).unwrap();
/// // 0.5 / (2 pi) of the sample rate.
/// assert!((spectrum.frequency_hz(loudest) - 3_819.7).abs() < spectrum.line_spacing_hz());
/// # Ok::<(), sqnr::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct PowerSpectrum {
    power: Vec<f64>,
    sample_rate_hz: f64,
    n_frames: usize,
    enbw_lines: f64,
    settings: Settings,
}

impl PowerSpectrum {
    /// Averaged spectrum of `x`.
    ///
    /// # Errors
    /// Those of [`Welch::new`] and [`Welch::finish`].
    pub fn of(x: &[f64], sample_rate_hz: f64, settings: Settings) -> Result<Self> {
        let mut welch = Welch::new(sample_rate_hz, settings)?;
        welch.push(x);
        welch.finish()
    }

    /// One frame over the whole of `x`, of any length from 2.
    ///
    /// # Errors
    /// Those of [`Welch::new`].
    pub fn of_whole(x: &[f64], sample_rate_hz: f64, window: Window) -> Result<Self> {
        Self::of(x, sample_rate_hz, Settings { n_fft: x.len(), hop: x.len().max(1), window })
    }

    /// Mean square per line: the lines of a sine of amplitude A add up to A^2/2.
    pub fn power(&self) -> &[f64] {
        &self.power
    }

    /// Frequency of line k.
    pub fn frequency_hz(&self, k: usize) -> f64 {
        k as f64 * self.line_spacing_hz()
    }

    /// Distance between two lines.
    pub fn line_spacing_hz(&self) -> f64 {
        self.sample_rate_hz / self.settings.n_fft as f64
    }

    /// Equivalent noise bandwidth of the window, in lines: `N sum w^2 / (sum w)^2`.
    pub fn enbw_lines(&self) -> f64 {
        self.enbw_lines
    }

    /// Resolution bandwidth: what one line of noise integrates over, Hz.
    pub fn resolution_bandwidth_hz(&self) -> f64 {
        self.enbw_lines * self.line_spacing_hz()
    }

    /// Level of line k in dBFS: a sine that falls on a line reads its own level there.
    ///
    /// Minus infinity for a line without power.
    pub fn line_dbfs(&self, k: usize) -> f64 {
        let c = if self.is_single(k) { 1.0 } else { 2.0 };
        10.0 * (c * self.enbw_lines * self.power[k]).log10()
    }

    /// Power density at line k in dBFS/Hz, 0 dBFS being the power of a full-scale sine.
    ///
    /// Minus infinity for a line without power.
    pub fn density_dbfs_per_hz(&self, k: usize) -> f64 {
        let c = if self.is_single(k) { 2.0 } else { 1.0 };
        10.0 * (2.0 * c * self.power[k] / self.line_spacing_hz()).log10()
    }

    /// DC and N/2 stand for half a line's width of frequencies.
    fn is_single(&self, k: usize) -> bool {
        k == 0 || 2 * k == self.settings.n_fft
    }

    /// Samples per second.
    pub fn sample_rate_hz(&self) -> f64 {
        self.sample_rate_hz
    }

    /// Frames averaged.
    pub fn n_frames(&self) -> usize {
        self.n_frames
    }

    /// How it was taken.
    pub fn settings(&self) -> Settings {
        self.settings
    }
}

/// An average over frames that keeps the start, should there be less than a frame; [`Settings::default`].
///
/// ```
/// use sqnr::{analysis::spectrum::Averaged, generate};
///
/// let noise = generate::signal(generate::TestSignal { kind: generate::Kind::White, ..Default::default() })?;
/// let mut averaged = Averaged::new(48_000)?;
/// averaged.push(&noise.channels()[0]);
/// // White noise with the power of a full-scale sine: 0 dBFS over 24 kHz.
/// let spectrum = averaged.finish()?;
/// let n = spectrum.power().len();
/// let mean = (10..n - 10).map(|k| spectrum.density_dbfs_per_hz(k)).sum::<f64>() / (n - 20) as f64;
/// assert!((mean + 43.8).abs() < 1.0);
/// # Ok::<(), sqnr::Error>(())
/// ```
#[derive(Debug)]
pub struct Averaged {
    welch: Welch,
    sample_rate_hz: f64,
    start: Vec<f64>,
}

impl Averaged {
    /// An average without samples.
    ///
    /// # Errors
    /// As [`Welch::new`].
    pub fn new(sample_rate_hz: u32) -> Result<Self> {
        let sample_rate_hz = f64::from(sample_rate_hz);
        Ok(Self { welch: Welch::new(sample_rate_hz, Settings::default())?, sample_rate_hz, start: Vec::new() })
    }

    /// Takes samples in.
    pub fn push(&mut self, x: &[f64]) {
        let room = Settings::default().n_fft - self.start.len();
        self.start.extend(&x[..room.min(x.len())]);
        self.welch.push(x);
    }

    /// The spectrum of all samples so far; of less than a frame, one frame over all of them.
    ///
    /// # Errors
    /// `NoResult` for less than 2 samples.
    pub fn finish(self) -> Result<PowerSpectrum> {
        let Settings { n_fft, window, .. } = Settings::default();
        match self.start.len() {
            0..2 => Err(Error::NoResult { what: "is too short for a spectrum; 2 samples are the least".into() }),
            n if n < n_fft => PowerSpectrum::of_whole(&self.start, self.sample_rate_hz, window),
            _ => self.welch.finish(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    fn sine(amplitude: f64, cycles_per_sample: f64, n: usize) -> Vec<f64> {
        (0..n).map(|i| amplitude * (TAU * (cycles_per_sample * i as f64).fract() + 0.3).sin()).collect()
    }

    /// The slow twin: one frame by the plain sum.
    fn power_by_dft(x: &[f64], window: Window) -> Vec<f64> {
        let n = x.len();
        let w = window.samples(n).expect("legal");
        let energy: f64 = w.iter().map(|w| w * w).sum();
        let line = |k: usize| {
            let sum: Complex<f64> =
                (0..n).map(|i| Complex::from_polar(w[i] * x[i], -TAU * ((k * i) % n) as f64 / n as f64)).sum();
            let c = if k == 0 || 2 * k == n { 1.0 } else { 2.0 };
            c * sum.norm_sqr() / (n as f64 * energy)
        };
        (0..=n / 2).map(line).collect()
    }

    #[test]
    fn equals_the_plain_sum_for_even_and_odd_lengths() {
        for n in [2, 3, 16, 63, 100] {
            let x: Vec<f64> = (0..n).map(|i| ((i * i * 7 + 3) % 23) as f64 / 23.0 - 0.4).collect();
            for window in [Window::Rectangular, Window::BlackmanHarris7] {
                let fast = PowerSpectrum::of_whole(&x, 1.0, window).expect("legal");
                for (a, b) in fast.power().iter().zip(power_by_dft(&x, window)) {
                    assert!((a - b).abs() < 1e-14, "n {n} {window}: {a} {b}");
                }
            }
        }
    }

    #[test]
    fn lines_of_a_sine_add_up_to_half_its_squared_amplitude() {
        for window in ["rect", "hann", "bh4", "bh7", "flat-top"] {
            let window = window.parse().expect("known");
            let s = PowerSpectrum::of_whole(&sine(0.5, 100.0 / 4096.0, 4096), 48e3, window).expect("legal");
            let sum: f64 = s.power().iter().sum();
            assert!((sum / 0.125 - 1.0).abs() < 1e-12, "{window}");
            assert!((s.line_dbfs(100) - 20.0 * 0.5f64.log10()).abs() < 1e-9, "{window}");
        }
    }

    #[test]
    fn power_is_kept_over_many_frames() {
        // Parseval: with the rectangular window and no overlap the lines add up to the mean square exactly.
        let x: Vec<f64> = (0..10 * 256).map(|i| ((i * 7919 + i * i) % 1009) as f64 / 1009.0 - 0.5).collect();
        let settings = Settings { n_fft: 256, hop: 256, window: Window::Rectangular };
        let s = PowerSpectrum::of(&x, 1.0, settings).expect("legal");
        let mean_square = x.iter().map(|x| x * x).sum::<f64>() / x.len() as f64;
        assert!((s.power().iter().sum::<f64>() / mean_square - 1.0).abs() < 1e-12);
        assert_eq!(s.n_frames(), 10);
    }

    #[test]
    fn white_noise_reads_its_density_whatever_the_length() {
        // A fixed permutation polynomial as noise: variance 1/12, density (1/12) / (fs/2).
        let mut state = 1u64;
        let mut next = || {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 11) as f64 / (1u64 << 53) as f64 - 0.5
        };
        let x: Vec<f64> = (0..1 << 17).map(|_| next()).collect();
        let want = 10.0 * (2.0f64 / 12.0 / 24_000.0).log10();
        for n_fft in [256, 2048] {
            let settings = Settings { n_fft, hop: n_fft / 2, window: Window::Hann };
            let s = PowerSpectrum::of(&x, 48e3, settings).expect("legal");
            let lines = 8..n_fft / 2 - 8;
            let n_lines = lines.len() as f64;
            let mean = lines.map(|k| 10f64.powf(s.density_dbfs_per_hz(k) / 10.0)).sum::<f64>() / n_lines;
            assert!((10.0 * mean.log10() - want).abs() < 0.05);
        }
    }

    #[test]
    fn streaming_in_any_blocks_equals_one_call() {
        let x = sine(0.7, 0.0123, 10_000);
        for hop in [64, 100, 250, 256] {
            let settings = Settings { n_fft: 256, hop, window: Window::Hann };
            let whole = PowerSpectrum::of(&x, 8e3, settings).expect("legal");
            assert_eq!(whole.n_frames(), (x.len() - 256) / hop + 1);
            for size in [1, 17, 255, 256, 257, 700, 5000] {
                let mut welch = Welch::new(8e3, settings).expect("legal");
                x.chunks(size).for_each(|block| welch.push(block));
                assert_eq!(welch.finish().expect("frames"), whole, "hop {hop}, blocks of {size}");
            }
        }
    }

    #[test]
    fn bad_settings_and_short_inputs_are_refused() {
        let bad = |n_fft, hop| Welch::new(1.0, Settings { n_fft, hop, window: Window::Hann }).is_err();
        assert!(bad(1, 1) && bad(8, 0) && bad(8, 9) && bad(1 << 27, 1));
        assert!(Welch::new(f64::NAN, Settings::default()).is_err());
        assert!(matches!(PowerSpectrum::of(&[0.0; 100], 1.0, Settings::default()), Err(Error::NoResult { .. })));
        assert!(PowerSpectrum::of_whole(&[], 1.0, Window::Hann).is_err());
    }
}
