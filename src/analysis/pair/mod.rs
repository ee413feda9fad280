//! Measures of a pair: a reference and a processed version of it.
//!
//! `x` is the reference, `y` the test signal, `e = y - x`; nothing is aligned here, see `alignment`.

mod frames;
mod meter;
mod null_depth;
mod segments;
mod whiteness;

pub use frames::{FRAME as LSD_FRAME, Frames, HOP as LSD_HOP, Spectra};
pub use meter::Meter;
pub use null_depth::{NullDepth, NullDepthOverTime};

use super::figure::{Absent, Entry, Figure, filled};
use crate::{Error, Result};

/// Keeps the logarithm of a silent frame or line finite; the power of a 32-bit code's rounding error.
const EPSILON: f64 = 1e-10;

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
    let xx = product(x, x);
    let gain = product(x, y) / xx;
    let mut meter = Meter::new(sample_rate_hz, if gain.is_finite() { gain } else { 1.0 })?;
    let error: Vec<f64> = x.iter().zip(y).map(|(x, y)| y - x).collect();
    meter.push(x, y);
    Frames::new().push(x, &error, |spectra| meter.push_spectra(spectra));
    Ok(meter.figures())
}

fn product(a: &[f64], b: &[f64]) -> f64 {
    super::sinusoids::dot(a, b)
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
