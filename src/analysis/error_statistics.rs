//! Statistics of the quantization error, gathered block by block.
//!
//! ```text
//! e[n] = y[n] - x[n]        sums of x, x^2, e, e^2, x e; peaks; indices -> entropy; e -> histogram
//! ```
//!
//! Sums run in four lanes by sample position and are folded every 1024 positions, so the result does not depend on
//! how the samples were cut into blocks. Accumulators of parts cut at fixed places and merged in a fixed order give the
//! same figures for any number of threads.

use std::ops::RangeInclusive;

use super::{
    entropy::IndexCounts,
    error_histogram::{ErrorHistogram, Histogram, HistogramSettings},
    figure::{Absent, Entry, Figure, ratio_db},
};
use crate::Result;
use crate::kernel::error_sums::{Extremes, LANES, Lanes, add_aligned, larger};

/// `20 log10(2) B + 10 log10(3/2)`, the 6.02 B + 1.76 dB of a full-scale sine in a uniform quantizer of `bits` bits.
///
/// Source: W. R. Bennett, "Spectra of quantized signals", 1948.
///
/// ```
/// use sqnr::analysis::error_statistics::full_scale_sine_sqnr_db;
///
/// assert!((full_scale_sine_sqnr_db(16.0) - 98.09).abs() < 0.01);
/// ```
pub fn full_scale_sine_sqnr_db(bits: f64) -> f64 {
    20.0 * 2f64.log10() * bits + 10.0 * 1.5f64.log10()
}

/// What to gather besides the sums.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Inputs that do not overload the quantizer; inputs outside count as clipped. Default: all.
    pub granular: RangeInclusive<f64>,
    /// The histogram of the error; none unless asked for, as it costs more than all sums.
    pub histogram: Option<HistogramSettings>,
    /// The quantizer's indices, if their entropy is wanted and they are pushed with the samples.
    pub indices: Option<RangeInclusive<i32>>,
    /// Number of levels L, for the 6.02 B + 1.76 dB beside the measured SQNR, B = log2 L.
    pub n_levels: Option<u64>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { granular: f64::NEG_INFINITY..=f64::INFINITY, histogram: None, indices: None, n_levels: None }
    }
}

/// Samples beyond this magnitude count as not finite: their squares would leave the range of the sums.
const MAX_MAGNITUDE: f64 = 1e100;
/// Positions after which the lanes are folded; keeps rounding small and the block inside the first-level cache.
const FOLD: u64 = 1024;

/// Accumulator of error statistics; full scale 1.0.
///
/// ```
/// use sqnr::analysis::error_statistics::{ErrorStatistics, Settings};
///
/// let mut statistics = ErrorStatistics::new(Settings::default())?;
/// statistics.push(&[0.5, -0.5], &[0.6, -0.6]);
/// let figures = statistics.figures();
/// // The error is a fifth of the signal.
/// assert!((figures.snr_db.unwrap() - 13.98).abs() < 0.01 && (figures.error_peak - 0.1).abs() < 1e-12);
/// # Ok::<(), sqnr::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct ErrorStatistics {
    settings: Settings,
    position: u64,
    lanes: Lanes,
    totals: Sums,
    error_peak: f64,
    n_clipped: u64,
    n_skipped: u64,
    counts: IndexCounts,
    histogram: Option<Histogram>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    x: f64,
    xx: f64,
    e: f64,
    ee: f64,
    xe: f64,
}

impl Sums {
    fn of(lanes: &Lanes) -> Self {
        let [x, xx, e, ee, xe] = lanes.0.map(|l| (l[0] + l[2]) + (l[1] + l[3]));
        Self { x, xx, e, ee, xe }
    }

    fn add(&mut self, other: Self) {
        self.x += other.x;
        self.xx += other.xx;
        self.e += other.e;
        self.ee += other.ee;
        self.xe += other.xe;
    }

    fn is_finite(&self) -> bool {
        (self.xx + self.ee).is_finite()
    }
}

impl ErrorStatistics {
    /// An empty accumulator.
    ///
    /// # Errors
    /// `InvalidParameter` for a histogram without bins, or whose step or range is not finite and above zero.
    pub fn new(settings: Settings) -> Result<Self> {
        let histogram = settings.histogram.map(Histogram::new).transpose()?;
        let counts = IndexCounts::new(settings.indices.as_ref());
        Ok(Self {
            settings,
            position: 0,
            lanes: Lanes::default(),
            totals: Sums::default(),
            error_peak: 0.0,
            n_clipped: 0,
            n_skipped: 0,
            counts,
            histogram,
        })
    }

    /// Takes in a block: input `x` and reconstruction `y`. A pair with a sample that is not finite is counted and left
    /// out.
    ///
    /// # Panics
    /// When the slices differ in length.
    pub fn push(&mut self, x: &[f64], y: &[f64]) {
        assert_eq!(x.len(), y.len(), "input and reconstruction have one length");
        let (mut x, mut y) = (x, y);
        while !x.is_empty() {
            let room = (FOLD - self.position % FOLD) as usize;
            let n = room.min(x.len());
            self.push_within_fold(&x[..n], &y[..n]);
            (x, y) = (&x[n..], &y[n..]);
        }
    }

    /// Takes in the indices of a block, for their entropy.
    pub fn push_indices(&mut self, indices: &[i32]) {
        self.counts.push(indices);
    }

    fn push_within_fold(&mut self, x: &[f64], y: &[f64]) {
        let (before, mut extremes) = (self.lanes, Extremes::default());
        let head = ((LANES as u64 - self.position % LANES as u64) % LANES as u64).min(x.len() as u64) as usize;
        for i in 0..head {
            let lane = (self.position as usize + i) % LANES;
            self.lanes.add(lane, x[i], y[i]);
            extremes.add(lane, x[i], y[i]);
        }
        add_aligned(&x[head..], &y[head..], &mut self.lanes, &mut extremes);
        if Sums::of(&self.lanes).is_finite() {
            self.take_extremes(&extremes, x);
            if let Some(histogram) = &mut self.histogram {
                histogram.push(x, y);
            }
        } else {
            self.lanes = before;
            self.push_with_gaps(x, y);
        }
        self.position += x.len() as u64;
        if self.position.is_multiple_of(FOLD) {
            self.totals.add(Sums::of(&self.lanes));
            self.lanes = Lanes::default();
        }
    }

    /// Error peak, and clipped inputs, counted only when the block's extremes say that there are any.
    fn take_extremes(&mut self, extremes: &Extremes, x: &[f64]) {
        self.error_peak = extremes.error.into_iter().fold(self.error_peak, larger);
        let high = extremes.high.into_iter().fold(f64::NEG_INFINITY, larger);
        let low = -extremes.low.into_iter().fold(f64::NEG_INFINITY, larger);
        if low < *self.settings.granular.start() || high > *self.settings.granular.end() {
            self.n_clipped += x.iter().filter(|x| !self.settings.granular.contains(x)).count() as u64;
        }
    }

    /// The slow twin for blocks that hold NaN, infinities or absurd magnitudes.
    fn push_with_gaps(&mut self, x: &[f64], y: &[f64]) {
        for (i, (&x, &y)) in x.iter().zip(y).enumerate() {
            if !(x.abs() <= MAX_MAGNITUDE && y.abs() <= MAX_MAGNITUDE) {
                self.n_skipped += 1;
                continue;
            }
            self.lanes.add((self.position as usize + i) % LANES, x, y);
            self.error_peak = self.error_peak.max((y - x).abs());
            self.n_clipped += u64::from(!self.settings.granular.contains(&x));
            if let Some(histogram) = &mut self.histogram {
                histogram.push(&[x], &[y]);
            }
        }
    }

    /// Adds another accumulator's samples as if they came after this one's.
    ///
    /// # Panics
    /// When the two were built with different settings.
    pub fn merge(&mut self, other: &Self) {
        assert!(self.settings == other.settings, "merged statistics have one setting");
        self.totals.add(Sums::of(&self.lanes));
        self.lanes = Lanes::default();
        self.totals.add(other.totals);
        self.totals.add(Sums::of(&other.lanes));
        // From here on the position only steers lanes and folding, and counts samples.
        self.position += other.position;
        self.error_peak = self.error_peak.max(other.error_peak);
        self.n_clipped += other.n_clipped;
        self.n_skipped += other.n_skipped;
        self.counts.merge(&other.counts);
        if let (Some(mine), Some(theirs)) = (&mut self.histogram, &other.histogram) {
            mine.merge(theirs);
        }
    }

    /// The figures of what was taken in so far.
    pub fn figures(&self) -> ErrorFigures {
        let mut sums = self.totals;
        sums.add(Sums::of(&self.lanes));
        let n_samples = self.position - self.n_skipped;
        let n = n_samples.max(1) as f64;
        let error_mean = sums.e / n;
        let mse = sums.ee / n;
        let needs_samples = |figure: Figure| if n_samples == 0 { Err(self.nothing_in()) } else { figure };
        ErrorFigures {
            n_samples,
            n_not_finite: self.n_skipped,
            n_clipped: self.n_clipped,
            signal_power: sums.xx / n,
            mse,
            error_mean,
            error_variance: centred_power(mse, error_mean),
            error_peak: self.error_peak,
            snr_db: needs_samples(ratio_db(sums.xx, sums.ee, Absent::NoError)),
            input_correlation: needs_samples(correlation(&sums, n)),
            entropy_bits: needs_samples(self.counts.entropy_bits()),
            ideal_snr_db: self.settings.n_levels.map(|l| full_scale_sine_sqnr_db((l.max(1) as f64).log2())),
            histogram: self.histogram.as_ref().map(Histogram::figures),
        }
    }

    fn nothing_in(&self) -> Absent {
        if self.n_skipped > 0 {
            Absent::NotFinite { n_samples: self.n_skipped }
        } else {
            Absent::TooShort { n_samples: 0, needed: 1 }
        }
    }
}

/// Mean square less squared mean; zero when the difference is within the rounding of the sums.
fn centred_power(mean_square: f64, mean: f64) -> f64 {
    let variance = mean_square - mean * mean;
    if variance > 64.0 * f64::EPSILON * mean_square { variance } else { 0.0 }
}

/// Pearson correlation of input and error, -1 to 1.
fn correlation(sums: &Sums, n: f64) -> Figure {
    let (mean_x, mean_e) = (sums.x / n, sums.e / n);
    let variance_x = centred_power(sums.xx / n, mean_x);
    let variance_e = centred_power(sums.ee / n, mean_e);
    if sums.xx <= 0.0 {
        Err(Absent::Silence)
    } else if variance_x <= 0.0 {
        Err(Absent::DcOnly)
    } else if variance_e <= 0.0 {
        Err(Absent::NoError)
    } else {
        Ok(((sums.xe / n - mean_x * mean_e) / (variance_x * variance_e).sqrt()).clamp(-1.0, 1.0))
    }
}

/// Error statistics of a run. Amplitudes in full scales, powers in full scales squared.
#[derive(Debug, Clone, PartialEq)]
pub struct ErrorFigures {
    /// Sample pairs taken in and finite.
    pub n_samples: u64,
    /// Sample pairs left out because one of them was not finite.
    pub n_not_finite: u64,
    /// Inputs outside the granular region.
    pub n_clipped: u64,
    /// Mean of x^2; DC counts.
    pub signal_power: f64,
    /// Mean of e^2.
    pub mse: f64,
    /// Mean of e.
    pub error_mean: f64,
    /// Mean of e^2 less the squared mean of e.
    pub error_variance: f64,
    /// Largest |e|.
    pub error_peak: f64,
    /// SQNR, `10 log10(sum x^2 / sum e^2)`, dB; no figure when the error or the signal is zero.
    pub snr_db: Figure,
    /// Pearson correlation of error and input, -1 to 1; DC removed.
    pub input_correlation: Figure,
    /// Entropy of the indices, `-sum p log2 p`, bits per sample.
    pub entropy_bits: Figure,
    /// 6.02 B + 1.76 dB for the quantizer's number of levels, if given.
    pub ideal_snr_db: Option<f64>,
    /// Histogram of the error, if asked for.
    pub histogram: Option<ErrorHistogram>,
}

impl ErrorFigures {
    /// All figures as entries, in the order of a table.
    pub fn entries(&self) -> Vec<Entry> {
        let sums = format!("10 log10({:.6e} / {:.6e})", self.signal_power, self.mse);
        let entry = |key, label, unit, figure, definition, formula: String| Entry {
            key,
            label,
            unit,
            figure,
            definition,
            formula,
        };
        let n = self.n_samples;
        let mut entries = vec![
            entry("snr_db", "SQNR", "dB", self.snr_db, "sqnr", sums),
            entry("mse", "mean squared error", "FS^2", Ok(self.mse), "mse", format!("sum e^2 / {n}")),
            entry("error_mean", "error mean", "FS", Ok(self.error_mean), "error-mean", format!("sum e / {n}")),
            entry(
                "error_variance",
                "error variance",
                "FS^2",
                Ok(self.error_variance),
                "error-variance",
                format!("{:.6e} - ({:.6e})^2", self.mse, self.error_mean),
            ),
            entry("error_peak", "error peak", "FS", Ok(self.error_peak), "error-peak", "max |y - x|".into()),
            entry(
                "input_correlation",
                "correlation with the input",
                "",
                self.input_correlation,
                "input-correlation",
                "cov(x, e) / sqrt(var(x) var(e))".into(),
            ),
            entry(
                "entropy_bits",
                "entropy of the indices",
                "bit",
                self.entropy_bits,
                "entropy",
                "-sum p log2 p".into(),
            ),
            entry(
                "clipped_samples",
                "clipped samples",
                "",
                Ok(self.n_clipped as f64),
                "clipped",
                "inputs outside the granular region".into(),
            ),
        ];
        if let Some(ideal) = self.ideal_snr_db {
            let formula = "20 log10(2) B + 10 log10(3/2)".into();
            entries.insert(1, entry("ideal_snr_db", "6.02 B + 1.76", "dB", Ok(ideal), "ideal-sqnr", formula));
        }
        entries
    }
}

#[cfg(feature = "json")]
impl serde::Serialize for ErrorFigures {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        super::figure::json::serialize_entries(&self.entries(), serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A few thousand inputs and their 6-bit mid-tread reconstructions.
    fn pair() -> (Vec<f64>, Vec<f64>) {
        let x: Vec<f64> =
            (0..5003).map(|n| 0.9 * (0.01 * f64::from(n) + 1e-5 * f64::from(n * n % 777)).sin()).collect();
        let y = x.iter().map(|x| (x * 32.0).round() / 32.0).collect();
        (x, y)
    }

    fn settings() -> Settings {
        let histogram = HistogramSettings {
            step_size: 1.0 / 32.0,
            half_range_steps: 1.0,
            n_bins: 32,
            expected: Default::default(),
        };
        Settings { granular: -0.8..=0.85, histogram: Some(histogram), indices: Some(-32..=31), n_levels: Some(64) }
    }

    fn of(x: &[f64], y: &[f64]) -> ErrorFigures {
        let mut statistics = ErrorStatistics::new(settings()).expect("legal");
        statistics.push(x, y);
        statistics.figures()
    }

    #[test]
    fn figures_equal_their_plain_formulas() {
        let (x, y) = pair();
        let figures = of(&x, &y);
        let n = x.len() as f64;
        let e: Vec<f64> = x.iter().zip(&y).map(|(x, y)| y - x).collect();
        let mean = |v: &[f64]| v.iter().sum::<f64>() / n;
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>() / n;
        let close = |got: f64, want: f64| assert!((got - want).abs() <= 1e-12 * want.abs().max(1e-6), "{got} {want}");
        close(figures.mse, dot(&e, &e));
        close(figures.error_mean, mean(&e));
        close(figures.error_variance, dot(&e, &e) - mean(&e).powi(2));
        close(figures.snr_db.expect("noisy"), 10.0 * (dot(&x, &x) / dot(&e, &e)).log10());
        let covariance = dot(&x, &e) - mean(&x) * mean(&e);
        let variances = (dot(&x, &x) - mean(&x).powi(2)) * (dot(&e, &e) - mean(&e).powi(2));
        close(figures.input_correlation.expect("varies"), covariance / variances.sqrt());
        assert_eq!(figures.error_peak, e.iter().fold(0.0, |a: f64, b| a.max(b.abs())));
        assert_eq!(figures.n_clipped, x.iter().filter(|&&x| !(-0.8..=0.85).contains(&x)).count() as u64);
    }

    #[test]
    fn cutting_into_blocks_changes_nothing() {
        let (x, y) = pair();
        let whole = of(&x, &y);
        for size in [1, 3, 64, 1000, 1024, 4999] {
            let mut statistics = ErrorStatistics::new(settings()).expect("legal");
            x.chunks(size).zip(y.chunks(size)).for_each(|(x, y)| statistics.push(x, y));
            assert_eq!(statistics.figures(), whole, "blocks of {size}");
        }
    }

    #[test]
    fn merged_parts_have_the_figures_of_the_whole() {
        let (x, y) = pair();
        let whole = of(&x, &y);
        let mut merged = ErrorStatistics::new(settings()).expect("legal");
        for (x, y) in x.chunks(2048).zip(y.chunks(2048)) {
            let mut part = ErrorStatistics::new(settings()).expect("legal");
            part.push(x, y);
            merged.merge(&part);
        }
        let merged = merged.figures();
        assert_eq!((merged.n_samples, merged.n_clipped), (whole.n_samples, whole.n_clipped));
        assert_eq!(merged.histogram, whole.histogram);
        assert!((merged.mse / whole.mse - 1.0).abs() < 1e-14);
    }

    #[test]
    fn samples_that_are_not_finite_are_counted_and_left_out() {
        let (mut x, mut y) = pair();
        let clean = of(&x[..3000], &y[..3000]);
        x.truncate(3000);
        y.truncate(3000);
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e200] {
            x.insert(1500, bad);
            y.insert(1500, 0.0);
            x.insert(10, 0.5);
            y.insert(10, bad);
        }
        let figures = of(&x, &y);
        assert_eq!((figures.n_samples, figures.n_not_finite), (3000, 8));
        assert_eq!(figures.n_clipped, clean.n_clipped);
        assert_eq!(figures.histogram, clean.histogram);
        assert!((figures.mse / clean.mse - 1.0).abs() < 1e-13);
        assert_eq!(figures.error_peak, clean.error_peak);
    }

    #[test]
    fn missing_figures_say_why() {
        let none = of(&[], &[]);
        assert_eq!(none.snr_db, Err(Absent::TooShort { n_samples: 0, needed: 1 }));
        assert_eq!(of(&[0.0; 9], &[0.1; 9]).snr_db, Err(Absent::Silence));
        assert_eq!(of(&[0.5; 9], &[0.5; 9]).snr_db, Err(Absent::NoError));
        assert_eq!(of(&[0.5; 9], &[0.25; 9]).input_correlation, Err(Absent::DcOnly));
        assert_eq!(of(&[f64::NAN], &[0.0]).snr_db, Err(Absent::NotFinite { n_samples: 1 }));
    }

    #[test]
    fn uniform_error_has_a_twelfth_of_a_step_squared() {
        // 2^20 equidistant inputs over +-0.9: each step holds 16384 of them, all errors equally often.
        let x: Vec<f64> = (0..1 << 20).map(|n| f64::from(n - (1 << 19)) / f64::from(1 << 19) * 0.875).collect();
        let y: Vec<f64> = x.iter().map(|x| (x * 32.0).round() / 32.0).collect();
        let figures = of(&x, &y);
        let step: f64 = 1.0 / 32.0;
        assert!((figures.error_variance / (step * step / 12.0) - 1.0).abs() < 1e-4);
        let histogram = figures.histogram.expect("asked for");
        assert_eq!(histogram.n_below + histogram.n_above, 0);
        for (count, expected) in histogram.counts.iter().zip(&histogram.expected) {
            assert!((*count as f64 / (1 << 20) as f64 - expected).abs() < 2e-4);
        }
    }

    #[test]
    fn the_rule_of_thumb_is_6_02_b_plus_1_76() {
        assert!((full_scale_sine_sqnr_db(16.0) - 98.0905).abs() < 1e-3);
        assert!((of(&[0.1], &[0.2]).ideal_snr_db.expect("levels given") - full_scale_sine_sqnr_db(6.0)).abs() < 1e-12);
    }

    #[cfg(feature = "json")]
    #[test]
    fn json_has_null_and_a_reason() {
        let json = serde_json::to_value(of(&[0.0; 9], &[0.1; 9])).expect("plain");
        assert!(json["snr_db"].is_null());
        assert_eq!(json["reasons"]["snr_db"], "silence: every sample is zero");
        assert_eq!(json["clipped_samples"], 0.0);
    }
}
