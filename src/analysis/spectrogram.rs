//! Levels over time and frequency, in bounded memory for any length.
//!
//! Column i shows the greatest level of the frames centred in its stretch of time. When the columns become too many,
//! neighbours are merged by their greatest level, so a burst is never averaged away.

use std::{fmt, sync::Arc};

use rustfft::{Fft, FftPlanner, num_complex::Complex};

use super::spectrum::Settings;
use crate::{Error, Result};

/// Most columns kept; at this number they are merged in pairs. More than twice a wide picture's pixels.
const MAX_COLUMNS: usize = 4096;

/// Takes the spectrogram of a stream.
pub struct Builder {
    settings: Settings,
    sample_rate_hz: f64,
    fft: Arc<dyn Fft<f64>>,
    window: Vec<f64>,
    /// `4 / (sum w)^2`: the power of a sine's line relative to a full-scale sine's.
    scale: f64,
    pending: Vec<f64>,
    /// Two frames, in the real and in the imaginary parts.
    pair: Vec<Complex<f64>>,
    scratch: Vec<Complex<f64>>,
    half_filled: bool,
    /// Relative power, column after column; the last one may still grow.
    columns: Vec<f32>,
    frames_per_column: usize,
    n_frames: usize,
    n_samples: u64,
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("settings", &self.settings).field("n_samples", &self.n_samples).finish()
    }
}

impl Builder {
    /// A builder without samples.
    ///
    /// # Errors
    /// `InvalidParameter` for a frame outside 2 to 65 536, a hop outside 1 to N, a bad window, or a rate that is not
    /// above zero.
    pub fn new(sample_rate_hz: f64, settings: Settings) -> Result<Self> {
        let Settings { n_fft, hop, window } = settings;
        if !(2..=1 << 16).contains(&n_fft) {
            return Err(Error::invalid("spectrogram frame", n_fft, "2 to 65536 samples"));
        }
        if !(1..=n_fft).contains(&hop) {
            return Err(Error::invalid("spectrogram hop", hop, format!("1 to {n_fft} samples")));
        }
        if !(sample_rate_hz.is_finite() && sample_rate_hz > 0.0) {
            return Err(Error::invalid("sample rate", sample_rate_hz, "above 0 Hz"));
        }
        let fft = FftPlanner::new().plan_fft_forward(n_fft);
        let window = window.samples(n_fft)?;
        let window_sum: f64 = window.iter().sum();
        Ok(Self {
            settings,
            sample_rate_hz,
            scale: 4.0 / (window_sum * window_sum),
            window,
            // Silence before the first sample, so that frame i is centred in [i hop, (i + 1) hop).
            pending: vec![0.0; (n_fft - hop) / 2],
            pair: vec![Complex::default(); n_fft],
            scratch: vec![Complex::default(); fft.get_inplace_scratch_len()],
            fft,
            half_filled: false,
            columns: Vec::new(),
            frames_per_column: 1,
            n_frames: 0,
            n_samples: 0,
        })
    }

    /// Takes in samples; in what portions does not change the result.
    pub fn push(&mut self, x: &[f64]) {
        self.n_samples += x.len() as u64;
        for block in x.chunks(1 << 16) {
            self.pending.extend_from_slice(block);
            self.use_pending();
        }
    }

    /// Transforms all whole frames of the pending samples.
    fn use_pending(&mut self) {
        let Settings { n_fft, hop, .. } = self.settings;
        let mut start = 0;
        while self.pending.len() - start >= n_fft {
            let samples = self.pair.iter_mut().zip(&self.pending[start..]).zip(&self.window);
            if self.half_filled {
                samples.for_each(|((z, x), w)| z.im = x * w);
                self.add_pair();
            } else {
                samples.for_each(|((z, x), w)| *z = Complex::new(x * w, 0.0));
                self.half_filled = true;
            }
            start += hop;
        }
        self.pending.drain(..start);
    }

    /// Transforms the two frames at hand: `A[k] = (Z[k] + Z*[N-k]) / 2`, `B[k] = (Z[k] - Z*[N-k]) / 2i`.
    fn add_pair(&mut self) {
        self.fft.process_with_scratch(&mut self.pair, &mut self.scratch);
        let n = self.pair.len();
        for frame in 0..2 {
            let column = self.column_of_next_frame();
            for (k, kept) in self.columns[column..].iter_mut().enumerate() {
                let (z, mirrored) = (self.pair[k], self.pair[(n - k) % n].conj());
                let line = if frame == 0 { z + mirrored } else { z - mirrored };
                // A NaN sample spoils its frame only: `max` keeps the number.
                *kept = kept.max((line.norm_sqr() * 0.25 * self.scale) as f32);
            }
            self.n_frames += 1;
        }
        self.half_filled = false;
    }

    /// Where the column of the next frame starts; the column is made when the frame is its first.
    fn column_of_next_frame(&mut self) -> usize {
        let n_lines = self.settings.n_fft / 2 + 1;
        if self.n_frames.is_multiple_of(self.frames_per_column) {
            if self.columns.len() / n_lines == MAX_COLUMNS {
                self.merge_columns();
            }
            self.columns.resize(self.columns.len() + n_lines, 0.0);
        }
        self.columns.len() - n_lines
    }

    fn merge_columns(&mut self) {
        let n_lines = self.settings.n_fft / 2 + 1;
        let pairs = self.columns.chunks(2 * n_lines);
        let merged = pairs.flat_map(|pair| {
            let (a, b) = pair.split_at(n_lines);
            a.iter().zip(b).map(|(a, b)| a.max(*b))
        });
        self.columns = merged.collect();
        self.frames_per_column *= 2;
    }

    /// The spectrogram of all samples so far.
    ///
    /// # Errors
    /// `NoResult` when there was not one sample.
    pub fn finish(mut self) -> Result<Spectrogram> {
        if self.n_samples == 0 {
            return Err(Error::NoResult { what: "no spectrogram: there are no samples".into() });
        }
        let Settings { n_fft, hop, .. } = self.settings;
        let n_wanted = self.n_samples.div_ceil(hop as u64) as usize;
        while self.n_frames + usize::from(self.half_filled) < n_wanted {
            self.pending.resize(n_fft, 0.0);
            self.use_pending();
        }
        if self.half_filled {
            self.add_pair();
        }
        let n_lines = n_fft / 2 + 1;
        let n_columns = n_wanted.div_ceil(self.frames_per_column);
        self.columns.truncate(n_columns * n_lines);
        // DC and N/2 have no mirror image: a constant of 1.0 reads 0 dBFS, as in `PowerSpectrum::line_dbfs`.
        let share = |k: usize| if k == 0 || 2 * k == n_fft { 0.25 } else { 1.0 };
        let level = |(i, &p): (usize, &f32)| (10.0 * (f64::from(p) * share(i % n_lines)).log10()) as f32;
        let levels_dbfs = self.columns.iter().enumerate().map(level).collect();
        let column_s = (hop * self.frames_per_column) as f64 / self.sample_rate_hz;
        Ok(Spectrogram { levels_dbfs, n_lines, column_s, sample_rate_hz: self.sample_rate_hz, settings: self.settings })
    }
}

/// Levels in dBFS per line: a full-scale sine on a line reads 0.
///
/// ```
/// use sqnr::analysis::{spectrogram::Spectrogram, spectrum::Settings};
///
/// let x: Vec<f64> = (0..48_000).map(|i| (0.5 * f64::from(i)).sin()).collect();
/// let settings = Settings { n_fft: 1024, hop: 512, ..Settings::default() };
/// let spectrogram = Spectrogram::of(&x, 48_000.0, settings)?;
/// assert_eq!(spectrogram.n_lines(), 513);
/// assert_eq!(spectrogram.levels_dbfs().len(), 513 * spectrogram.n_columns());
/// # Ok::<(), sqnr::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Spectrogram {
    levels_dbfs: Vec<f32>,
    n_lines: usize,
    column_s: f64,
    sample_rate_hz: f64,
    settings: Settings,
}

impl Spectrogram {
    /// The spectrogram of `x`.
    ///
    /// # Errors
    /// Those of [`Builder::new`] and [`Builder::finish`].
    pub fn of(x: &[f64], sample_rate_hz: f64, settings: Settings) -> Result<Self> {
        let mut builder = Builder::new(sample_rate_hz, settings)?;
        builder.push(x);
        builder.finish()
    }

    /// Level of line k in column i at `i * n_lines + k`; minus infinity where there is no power.
    pub fn levels_dbfs(&self) -> &[f32] {
        &self.levels_dbfs
    }

    /// Lines in a column, N/2 + 1; line k lies at k sample_rate / N.
    pub fn n_lines(&self) -> usize {
        self.n_lines
    }

    /// Number of columns, at most 4096.
    pub fn n_columns(&self) -> usize {
        self.levels_dbfs.len() / self.n_lines
    }

    /// The stretch of time that a column shows, s.
    pub fn column_s(&self) -> f64 {
        self.column_s
    }

    /// End of the last column, s.
    pub fn duration_s(&self) -> f64 {
        self.n_columns() as f64 * self.column_s
    }

    /// Samples per second.
    pub fn sample_rate_hz(&self) -> f64 {
        self.sample_rate_hz
    }

    /// How it was taken.
    pub fn settings(&self) -> Settings {
        self.settings
    }
}

#[cfg(test)]
mod tests {
    use super::super::spectrum::PowerSpectrum;
    use super::super::window::Window;
    use super::*;

    const SETTINGS: Settings = Settings { n_fft: 256, hop: 64, window: Window::Hann };

    fn sine(n: usize, line: f64, amplitude: f64) -> Vec<f64> {
        (0..n).map(|i| amplitude * (std::f64::consts::TAU * line * i as f64 / 256.0).sin()).collect()
    }

    #[test]
    fn a_sine_reads_its_own_level() {
        let s = Spectrogram::of(&sine(4096, 32.0, 0.5), 8000.0, SETTINGS).expect("legal");
        assert_eq!((s.n_columns(), s.n_lines()), (64, 129));
        // Columns whose frames lie within the signal.
        for column in s.levels_dbfs().chunks(129).skip(2).take(60) {
            assert!((f64::from(column[32]) + 6.0206).abs() < 1e-3, "{}", column[32]);
        }
    }

    #[test]
    fn a_frame_equals_the_spectrum_of_its_samples() {
        let x: Vec<f64> = (0..256).map(|i| (f64::from(i * i) * 0.013).sin()).collect();
        let settings = Settings { hop: 256, ..SETTINGS };
        let s = Spectrogram::of(&x, 8000.0, settings).expect("legal");
        let spectrum = PowerSpectrum::of(&x, 8000.0, settings).expect("legal");
        for k in 0..129 {
            assert!((f64::from(s.levels_dbfs()[k]) - spectrum.line_dbfs(k)).abs() < 1e-3, "line {k}");
        }
    }

    #[test]
    fn portions_do_not_matter_and_a_click_is_in_its_column() {
        let mut x = vec![0.0; 10_000];
        x[5_000] = 1.0;
        let whole = Spectrogram::of(&x, 8000.0, SETTINGS).expect("legal");
        let mut builder = Builder::new(8000.0, SETTINGS).expect("legal");
        x.chunks(37).for_each(|c| builder.push(c));
        assert_eq!(builder.finish().expect("samples"), whole);
        let level = |column: usize| whole.levels_dbfs()[column * 129 + 60];
        let loudest = (0..whole.n_columns()).max_by(|&a, &b| level(a).total_cmp(&level(b)));
        assert_eq!(loudest, Some(5_000 / 64));
    }

    #[test]
    fn long_signals_keep_their_bursts_in_bounded_columns() {
        let settings = Settings { n_fft: 16, hop: 16, window: Window::Rectangular };
        let mut x = vec![0.0; 16 * 20_000];
        x[16 * 12_345 + 3] = 1.0;
        let s = Spectrogram::of(&x, 16.0, settings).expect("legal");
        assert!(s.n_columns() <= MAX_COLUMNS);
        let loud: Vec<usize> = (0..s.n_columns()).filter(|i| s.levels_dbfs()[i * 9 + 4] > -60.0).collect();
        assert_eq!(loud, [12_345 / (20_000_usize.div_ceil(MAX_COLUMNS).next_power_of_two())]);
    }
}
