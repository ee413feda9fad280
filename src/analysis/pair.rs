//! Measures of a pair: a reference and a processed version of it.
//!
//! `x` is the reference, `y` the test signal, `e = y - x`; nothing is aligned here, see `alignment`.

use std::sync::Arc;

use rustfft::{Fft, FftPlanner, num_complex::Complex};

use super::{
    figure::{Absent, Entry, Figure, filled, ratio_db},
    window::Window,
};
use crate::{Error, Result};

/// Keeps the logarithm of a silent frame or line finite; the power of a 32-bit code's rounding error.
const EPSILON: f64 = 1e-10;
/// Bounds of a frame's SNR in the clamped segmental measure, dB.
const SEGMENT_BOUNDS_DB: (f64, f64) = (-10.0, 35.0);
const SEGMENT_S: f64 = 0.02;
/// Samples of the frames whose spectra the log-spectral distance compares.
pub const LSD_FRAME: usize = 2048;
const LSD_HOP: usize = 512;

/// Measures of a pair.
#[derive(Debug, Clone, PartialEq)]
pub struct PairFigures {
    /// Samples compared.
    pub n_samples: usize,
    /// `10 log10(sum x^2 / sum e^2)`.
    pub snr_db: Figure,
    /// Mean over 20 ms frames of the frame's SNR.
    pub segsnr_db: Figure,
    /// The same, each frame held to -10 to 35 dB.
    pub segsnr_clamped_db: Figure,
    /// Scale-invariant SNR: means removed, the reference scaled to fit best.
    pub si_sdr_db: Figure,
    /// The same with the means left in.
    pub si_sdr_with_dc_db: Figure,
    /// Full scale (1.0) over the error's RMS.
    pub psnr_db: Figure,
    /// Log-spectral distance, dB.
    pub lsd_db: Figure,
    /// Largest |e|.
    pub max_error: Figure,
    /// Gain that fits the reference to the test best, dB; negative polarity is shown by `polarity`.
    pub gain_db: Figure,
    /// 1 when the signals correlate, -1 when one is inverted.
    pub polarity: Figure,
    /// Largest of the correlation of the error with itself at lags 1 to 20, re its power.
    pub error_autocorrelation: Figure,
    /// Probability that a white error shows at least this much autocorrelation (Ljung, Box).
    pub whiteness_p: Figure,
    sums: Sums,
}

/// What the formulas are made of; zero where there is no figure.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Sums {
    /// sum x^2
    xx: f64,
    /// sum x y
    xy: f64,
    /// Scale of the reference that fits best, means removed.
    scale: f64,
    /// sum (y - x)^2
    ee: f64,
    segment: usize,
    n_segments: usize,
    n_spectra: usize,
    /// Lag of the largest autocorrelation, and the statistic of Ljung and Box.
    lag: usize,
    q: f64,
}

/// Compares a pair of equally long records.
///
/// ```
/// use sqnr::analysis::pair;
///
/// let x: Vec<f64> = (0..48_000).map(|i| 0.5 * (0.3 * f64::from(i)).sin()).collect();
/// let louder: Vec<f64> = x.iter().map(|x| 1.1 * x).collect();
/// let figures = pair::compare(&x, &louder, 48_000.0)?;
/// // 10 % of gain is an error 20 dB down.
/// assert!((figures.snr_db.unwrap() - 20.0).abs() < 1e-6);
/// # Ok::<(), sqnr::Error>(())
/// ```
///
/// # Errors
/// `LengthMismatch` when they are not; `InvalidParameter` for a rate not above zero.
pub fn compare(x: &[f64], y: &[f64], sample_rate_hz: f64) -> Result<PairFigures> {
    if x.len() != y.len() {
        return Err(Error::LengthMismatch { what: "test signal", expected: x.len(), got: y.len() });
    }
    if !(sample_rate_hz.is_finite() && sample_rate_hz > 0.0) {
        return Err(Error::invalid("sample rate", sample_rate_hz, "above 0 Hz"));
    }
    Ok(match check(x, y) {
        Err(why) => PairFigures::missing(x.len(), why),
        Ok(()) => measure(x, y, sample_rate_hz),
    })
}

fn check(x: &[f64], y: &[f64]) -> std::result::Result<(), Absent> {
    if x.is_empty() {
        return Err(Absent::TooShort { n_samples: 0, needed: 1 });
    }
    let bad = |v: &f64| v.is_nan() || v.abs() > 1e100;
    let n_samples = x.iter().zip(y).filter(|(x, y)| bad(x) || bad(y)).count() as u64;
    if n_samples > 0 { Err(Absent::NotFinite { n_samples }) } else { Ok(()) }
}

fn measure(x: &[f64], y: &[f64], rate: f64) -> PairFigures {
    let e: Vec<f64> = x.iter().zip(y).map(|(x, y)| y - x).collect();
    let n = x.len() as f64;
    let (xx, yy, xy, ee) = (product(x, x), product(y, y), product(x, y), product(&e, &e));
    let (mean_x, mean_y) = (x.iter().sum::<f64>() / n, y.iter().sum::<f64>() / n);
    let silent = if xx > 0.0 { Ok(()) } else { Err(Absent::Silence) };
    let segment = (SEGMENT_S * rate).round().max(1.0) as usize;
    let segments = segmental_snr(x, &e, segment);
    let autocorrelation = Autocorrelation::of(&e, ee);
    PairFigures {
        n_samples: x.len(),
        snr_db: ratio_db(xx, ee, Absent::NoError),
        segsnr_db: silent.and(segments.map(|s| s.mean)),
        segsnr_clamped_db: silent.and(segments.map(|s| s.clamped_mean)),
        si_sdr_db: scale_invariant(
            xx - n * mean_x * mean_x,
            yy - n * mean_y * mean_y,
            xy - n * mean_x * mean_y,
            || {
                let (x, y) = (x.iter().map(|x| x - mean_x), y.iter().map(|y| y - mean_y));
                (x.collect(), y.collect())
            },
        ),
        si_sdr_with_dc_db: scale_invariant(xx, yy, xy, || (x.to_vec(), y.to_vec())),
        psnr_db: ratio_db(1.0, ee / n, Absent::NoError),
        lsd_db: silent.and_then(|()| log_spectral_distance(x, y)),
        max_error: Ok(e.iter().fold(0.0, |m: f64, e| m.max(e.abs()))),
        gain_db: silent.and_then(|()| ratio_db((xy / xx).powi(2), 1.0, Absent::NoOverlap)).map_err(no_overlap),
        polarity: if xy == 0.0 { Err(Absent::NoOverlap) } else { Ok(xy.signum()) },
        error_autocorrelation: autocorrelation.map(|a| a.largest),
        whiteness_p: autocorrelation.map(|a| a.p_white),
        sums: Sums {
            xx,
            xy,
            scale: (xy - n * mean_x * mean_y) / (xx - n * mean_x * mean_x),
            ee,
            segment,
            n_segments: x.len() / segment,
            n_spectra: spectrum_starts(x.len()).count(),
            lag: autocorrelation.map_or(0, |a| a.lag),
            q: autocorrelation.map_or(0.0, |a| a.q),
        },
    }
}

fn no_overlap(why: Absent) -> Absent {
    if why == Absent::Silence { Absent::NoOverlap } else { why }
}

fn product(a: &[f64], b: &[f64]) -> f64 {
    super::sinusoids::dot(a, b)
}

/// Of the scaled reference a x with a = xy / xx: `10 log10(sum (a x)^2 / sum (y - a x)^2)`.
///
/// Source: J. Le Roux et al., "SDR - half-baked or well done?", 2019.
fn scale_invariant(xx: f64, yy: f64, xy: f64, signals: impl Fn() -> (Vec<f64>, Vec<f64>)) -> Figure {
    if xx <= 0.0 || yy <= 0.0 {
        return Err(Absent::Silence);
    }
    let scale = xy / xx;
    // The difference is summed sample by sample: yy - xy^2 / xx would cancel.
    let (x, y) = signals();
    let rest: f64 = x.iter().zip(&y).map(|(x, y)| (y - scale * x).powi(2)).sum();
    // What is left of equal signals is rounding.
    let rest = if rest < 1e-28 * yy { 0.0 } else { rest };
    match ratio_db(scale * scale * xx, rest, Absent::NoError) {
        Err(Absent::Silence) => Err(Absent::NoOverlap),
        figure => figure,
    }
}

#[derive(Clone, Copy)]
struct Segments {
    mean: f64,
    clamped_mean: f64,
}

fn segmental_snr(x: &[f64], e: &[f64], frame: usize) -> std::result::Result<Segments, Absent> {
    let n_frames = x.len() / frame;
    if n_frames == 0 {
        return Err(Absent::TooShort { n_samples: x.len(), needed: frame });
    }
    let (mut sum, mut clamped_sum) = (0.0, 0.0);
    for (x, e) in x.chunks_exact(frame).zip(e.chunks_exact(frame)) {
        let db = 10.0 * ((product(x, x) + EPSILON) / (product(e, e) + EPSILON)).log10();
        sum += db;
        clamped_sum += db.clamp(SEGMENT_BOUNDS_DB.0, SEGMENT_BOUNDS_DB.1);
    }
    Ok(Segments { mean: sum / n_frames as f64, clamped_mean: clamped_sum / n_frames as f64 })
}

/// Mean over frames of the RMS over lines of the difference of both log power spectra, dB. Hann, 2048 samples every 512.
fn log_spectral_distance(x: &[f64], y: &[f64]) -> Figure {
    if x.len() < LSD_FRAME {
        return Err(Absent::TooShort { n_samples: x.len(), needed: LSD_FRAME });
    }
    let mut spectra = PairSpectra::new(LSD_FRAME);
    let starts = spectrum_starts(x.len());
    let n_frames = starts.clone().count();
    let distance = |start: usize| {
        let (p_x, p_y) = spectra.powers(&x[start..start + LSD_FRAME], &y[start..start + LSD_FRAME]);
        let squares = p_x.iter().zip(p_y).map(|(a, b)| (10.0 * ((a + EPSILON) / (b + EPSILON)).log10()).powi(2));
        (squares.sum::<f64>() / p_x.len() as f64).sqrt()
    };
    Ok(starts.map(distance).sum::<f64>() / n_frames as f64)
}

/// Where the frames of the log-spectral distance begin; none in a record that is too short.
fn spectrum_starts(n_samples: usize) -> impl Iterator<Item = usize> + Clone {
    (0..(n_samples + 1).saturating_sub(LSD_FRAME)).step_by(LSD_HOP)
}

/// Power spectra of two real frames from one complex transform, Hann window, unscaled.
pub(super) struct PairSpectra {
    fft: Arc<dyn Fft<f64>>,
    window: Vec<f64>,
    buffer: Vec<Complex<f64>>,
    scratch: Vec<Complex<f64>>,
    powers: [Vec<f64>; 2],
}

impl PairSpectra {
    pub(super) fn new(n: usize) -> Self {
        let fft = FftPlanner::new().plan_fft_forward(n);
        Self {
            window: Window::Hann.samples(n).expect("a frame is not empty"),
            buffer: vec![Complex::default(); n],
            scratch: vec![Complex::default(); fft.get_inplace_scratch_len()],
            powers: [vec![0.0; n / 2 + 1], vec![0.0; n / 2 + 1]],
            fft,
        }
    }

    /// `|X[k]|^2` and `|Y[k]|^2`, k = 0 to n/2: with z = x + i y, `X[k] = (Z[k] + conj Z[n-k]) / 2` and
    /// `Y[k] = (Z[k] - conj Z[n-k]) / 2i`.
    ///
    /// A frame much weaker than the other is limited by the other's rounding, 300 dB below it.
    pub(super) fn powers(&mut self, x: &[f64], y: &[f64]) -> (&[f64], &[f64]) {
        let n = self.buffer.len();
        let samples = x.iter().zip(y).zip(&self.window);
        self.buffer.iter_mut().zip(samples).for_each(|(z, ((x, y), w))| *z = Complex::new(x * w, y * w));
        self.fft.process_with_scratch(&mut self.buffer, &mut self.scratch);
        let [p_x, p_y] = &mut self.powers;
        for k in 0..=n / 2 {
            let (a, b) = (self.buffer[k], self.buffer[(n - k) % n].conj());
            p_x[k] = 0.25 * (a + b).norm_sqr();
            p_y[k] = 0.25 * (a - b).norm_sqr();
        }
        (p_x, p_y)
    }
}

/// Null depth of a stretch of a pair.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NullDepth {
    /// Where the stretch begins.
    pub start_s: f64,
    /// Error over reference, `10 log10(sum e^2 / sum x^2)`; the deeper the better.
    pub null_depth_db: Figure,
}

/// Null depth over time, in stretches of 100 ms or a thousandth of the record, whichever is longer; what is left at the
/// end is no stretch.
pub fn null_depth_over_time(x: &[f64], y: &[f64], sample_rate_hz: f64) -> Vec<NullDepth> {
    const MAX_STRETCHES: usize = 1_000;
    let n = x.len().min(y.len());
    let stretch = ((0.1 * sample_rate_hz).round() as usize).max(n.div_ceil(MAX_STRETCHES)).max(1);
    let of = |(i, (x, y)): (usize, (&[f64], &[f64]))| {
        let (signal, error) = x.iter().zip(y).fold((0.0, 0.0), |(xx, ee), (x, y)| (xx + x * x, ee + (y - x) * (y - x)));
        let depth = match (signal + error).is_finite() {
            true => ratio_db(signal, error, Absent::NoError).map(|snr| -snr),
            false => Err(Absent::NotFinite { n_samples: x.len() as u64 }),
        };
        NullDepth { start_s: (i * stretch) as f64 / sample_rate_hz, null_depth_db: depth }
    };
    x[..n].chunks_exact(stretch).zip(y[..n].chunks_exact(stretch)).enumerate().map(of).collect()
}

/// Lags of the whiteness test.
const N_LAGS: usize = 20;

#[derive(Clone, Copy)]
struct Autocorrelation {
    largest: f64,
    lag: usize,
    q: f64,
    p_white: f64,
}

impl Autocorrelation {
    /// Ljung-Box statistic `Q = n (n + 2) sum r_k^2 / (n - k)`, chi-squared with as many degrees of freedom as lags.
    ///
    /// Source: G. M. Ljung, G. E. P. Box, "On a measure of lack of fit in time series models", 1978.
    fn of(e: &[f64], energy: f64) -> std::result::Result<Self, Absent> {
        if e.len() < 4 * N_LAGS {
            return Err(Absent::TooShort { n_samples: e.len(), needed: 4 * N_LAGS });
        }
        if energy <= 0.0 {
            return Err(Absent::NoError);
        }
        let n = e.len() as f64;
        let (mut largest, mut largest_lag, mut sum) = (0.0f64, 1, 0.0);
        for lag in 1..=N_LAGS {
            let r = product(&e[lag..], &e[..e.len() - lag]) / energy;
            if r.abs() > largest.abs() {
                (largest, largest_lag) = (r, lag);
            }
            sum += r * r / (n - lag as f64);
        }
        let q = n * (n + 2.0) * sum;
        Ok(Self { largest, lag: largest_lag, q, p_white: chi_squared_tail(N_LAGS, q) })
    }
}

/// Probability that a chi-squared variable of an even number of degrees of freedom exceeds q:
/// `exp(-q/2) sum_{i < dof/2} (q/2)^i / i!`.
fn chi_squared_tail(even_dof: usize, q: f64) -> f64 {
    let half = q / 2.0;
    let mut term = 1.0;
    let mut sum = 1.0;
    for i in 1..even_dof / 2 {
        term *= half / i as f64;
        sum += term;
    }
    ((-half).exp() * sum).clamp(0.0, 1.0)
}

impl PairFigures {
    fn missing(n_samples: usize, why: Absent) -> Self {
        let none: Figure = Err(why);
        Self {
            n_samples,
            snr_db: none,
            segsnr_db: none,
            segsnr_clamped_db: none,
            si_sdr_db: none,
            si_sdr_with_dc_db: none,
            psnr_db: none,
            lsd_db: none,
            max_error: none,
            gain_db: none,
            polarity: none,
            error_autocorrelation: none,
            whiteness_p: none,
            sums: Sums::default(),
        }
    }

    /// All figures as entries, in the order of a table.
    pub fn entries(&self) -> Vec<Entry> {
        let new = Entry::new;
        let [snr, segsnr, segsnr_clamped, si_sdr, null_depth, psnr, lsd] = self.level_formulas();
        let [max_error, gain, polarity, autocorrelation, whiteness] = self.other_formulas();
        vec![
            new(("snr_db", "SNR", "dB"), self.snr_db, "sqnr", snr),
            new(("segsnr_db", "segmental SNR", "dB"), self.segsnr_db, "segsnr", segsnr),
            new(
                ("segsnr_clamped_db", "segmental SNR, clamped", "dB"),
                self.segsnr_clamped_db,
                "segsnr-clamped",
                segsnr_clamped,
            ),
            new(("si_sdr_db", "SI-SDR", "dB"), self.si_sdr_db, "si-sdr", si_sdr),
            new(("null_depth_db", "null depth", "dB"), self.snr_db.map(|snr| -snr), "null-depth", null_depth),
            new(("psnr_db", "peak SNR", "dB"), self.psnr_db, "psnr", psnr),
            new(("lsd_db", "log-spectral distance", "dB"), self.lsd_db, "lsd", lsd),
            new(("max_error", "largest error", "FS"), self.max_error, "error-peak", max_error),
            new(("gain_db", "gain", "dB"), self.gain_db, "pair-gain", gain),
            new(("polarity", "polarity", ""), self.polarity, "polarity", polarity),
            new(
                ("error_autocorrelation", "error autocorrelation", ""),
                self.error_autocorrelation,
                "error-autocorrelation",
                autocorrelation,
            ),
            new(("whiteness_p", "white error, probability", ""), self.whiteness_p, "whiteness", whiteness),
        ]
    }

    /// SNR, both segmental SNRs, SI-SDR, null depth, peak SNR, log-spectral distance.
    fn level_formulas(&self) -> [String; 7] {
        let Sums { xx, ee, scale, segment, n_segments, n_spectra, .. } = self.sums;
        let frames = |_| format!("mean of {n_segments} frames of {segment} samples");
        [
            filled("10 log10(sum x^2 / sum (y - x)^2)", self.snr_db, |_| format!("10 log10({xx:.6e} / {ee:.6e})")),
            filled("mean SNR of 20 ms frames", self.segsnr_db, frames),
            filled("mean SNR of 20 ms frames, each held to -10 to 35 dB", self.segsnr_clamped_db, frames),
            filled(
                "10 log10(sum (a x)^2 / sum (y - a x)^2), a = sum x y / sum x^2, means removed",
                self.si_sdr_db,
                |db| format!("10 log10({:.6e}), a = {scale:.6}", 10f64.powf(db / 10.0)),
            ),
            filled("10 log10(sum (y - x)^2 / sum x^2)", self.snr_db, |_| format!("10 log10({ee:.6e} / {xx:.6e})")),
            filled("10 log10(1 / mean (y - x)^2)", self.psnr_db, |_| {
                format!("10 log10(1 / {:.6e})", ee / self.n_samples as f64)
            }),
            filled("mean RMS difference of log power spectra, Hann 2048 every 512", self.lsd_db, |_| {
                format!("mean of {n_spectra} frames, RMS over {} lines each", LSD_FRAME / 2 + 1)
            }),
        ]
    }

    /// Largest error, gain, polarity, autocorrelation, whiteness.
    fn other_formulas(&self) -> [String; 5] {
        let Sums { xx, xy, lag, q, .. } = self.sums;
        [
            filled("max |y - x|", self.max_error, |_| format!("the largest of {} samples", self.n_samples)),
            filled("20 log10 |sum x y / sum x^2|", self.gain_db, |_| format!("20 log10 |{xy:.6e} / {xx:.6e}|")),
            filled("sign of sum x y", self.polarity, |_| format!("sign of {xy:.6e}")),
            filled("largest of r(1) to r(20)", self.error_autocorrelation, |_| format!("r({lag})")),
            filled("P(chi^2 of 20 degrees of freedom >= Q), Ljung-Box", self.whiteness_p, |_| format!("P(>= {q:.6})")),
        ]
    }
}

#[cfg(feature = "json")]
impl serde::Serialize for PairFigures {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        super::figure::json::serialize_entries(&self.entries(), serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(n: usize, seed: u64) -> Vec<f64> {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 11) as f64 / (1u64 << 52) as f64 - 1.0
        };
        (0..n).map(|_| next()).collect()
    }

    #[test]
    fn equal_signals_have_no_error() {
        let x = noise(4096, 1);
        let got = compare(&x, &x, 48e3).expect("legal");
        assert_eq!(got.snr_db, Err(Absent::NoError));
        assert_eq!(got.si_sdr_db, Err(Absent::NoError));
        assert_eq!(got.whiteness_p, Err(Absent::NoError));
        assert_eq!((got.gain_db, got.polarity), (Ok(0.0), Ok(1.0)));
        // Both spectra come from one transform and differ by its rounding.
        assert!(got.lsd_db.expect("long") < 1e-12);
    }

    #[test]
    fn a_gain_changes_snr_but_not_the_scale_invariant_one() {
        let x = noise(9600, 2);
        let y: Vec<f64> = x.iter().zip(noise(9600, 3)).map(|(x, e)| -0.5 * x + 1e-3 * e).collect();
        let got = compare(&x, &y, 48e3).expect("legal");
        assert!((got.gain_db.expect("alike") + 6.0206).abs() < 1e-3);
        assert_eq!(got.polarity, Ok(-1.0));
        assert!((got.si_sdr_db.expect("alike") - 53.98).abs() < 0.2);
        assert!((got.snr_db.expect("differs") + 3.52).abs() < 0.01);
    }

    #[test]
    fn white_and_coloured_errors_are_told_apart() {
        let x = vec![0.0; 20_000];
        let white = noise(20_000, 4);
        let coloured: Vec<f64> = white.windows(2).map(|w| w[0] + 0.2 * w[1]).collect();
        assert!(compare(&x, &white, 48e3).expect("legal").whiteness_p.expect("error") > 0.01);
        let got = compare(&x[1..], &coloured, 48e3).expect("legal");
        assert!(got.whiteness_p.expect("error") < 1e-9);
        assert!((got.error_autocorrelation.expect("error") - 0.2 / 1.04).abs() < 0.03);
    }

    #[test]
    fn null_depth_follows_the_error_over_time() {
        let x = noise(48_000, 5);
        // The second half is ten times as wrong as the first.
        let error = |i: usize| if i < 24_000 { 1e-3 } else { 1e-2 };
        let y: Vec<f64> = x.iter().enumerate().map(|(i, x)| x * (1.0 + error(i))).collect();
        let got = null_depth_over_time(&x, &y, 48e3);
        assert_eq!((got.len(), got[5].start_s), (10, 0.5));
        let depth = |i: usize| got[i].null_depth_db.expect("differs");
        assert!((0..5).all(|i| (depth(i) + 60.0).abs() < 1e-6) && (5..10).all(|i| (depth(i) + 40.0).abs() < 1e-6));
        assert_eq!(null_depth_over_time(&x, &x, 48e3)[0].null_depth_db, Err(Absent::NoError));
        assert_eq!(null_depth_over_time(&[0.0; 4_800], &x[..4_800], 48e3)[0].null_depth_db, Err(Absent::Silence));
        assert!(null_depth_over_time(&[f64::NAN; 4_800], &x[..4_800], 48e3)[0].null_depth_db.is_err());
        assert!(null_depth_over_time(&[0.1], &[0.1], 48e3).is_empty());
    }

    #[test]
    fn chi_squared_tail_of_known_quantiles() {
        // Table: 20 degrees of freedom, 5 % at 31.410, 95 % at 10.851.
        assert!((chi_squared_tail(20, 31.410) - 0.05).abs() < 1e-4);
        assert!((chi_squared_tail(20, 10.851) - 0.95).abs() < 1e-4);
    }

    #[test]
    fn bad_pairs_are_named() {
        let why = |x: &[f64], y: &[f64]| compare(x, y, 48e3).expect("legal").snr_db.expect_err("bad");
        assert_eq!(why(&[], &[]), Absent::TooShort { n_samples: 0, needed: 1 });
        assert_eq!(why(&[f64::NAN, 0.1], &[0.0, f64::INFINITY]), Absent::NotFinite { n_samples: 2 });
        assert_eq!(why(&[0.0; 9], &[0.1; 9]), Absent::Silence);
        assert!(compare(&[0.0], &[], 48e3).is_err());
        let orthogonal = compare(&[1.0, 1.0, -1.0, -1.0], &[1.0, -1.0, 1.0, -1.0], 4.0).expect("legal");
        assert_eq!((orthogonal.si_sdr_db, orthogonal.polarity), (Err(Absent::NoOverlap), Err(Absent::NoOverlap)));
    }
}
