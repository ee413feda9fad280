//! Level of a channel: peak, RMS, DC, crest, clipped runs, bits really used, quietest moment, true peak.
//!
//! 0 dBFS is a sine of amplitude 1.0 everywhere: a full-scale sine has peak 0 dBFS and RMS 0 dBFS (AES17-2020, 3.12).

use super::{
    figure::{Absent, Entry, Figure, filled, level_dbfs, ratio_db},
    quietest::Quietest,
    true_peak::TruePeak,
};
use crate::{Error, Result};

/// A run of this many equal samples at the top counts as clipped.
const CLIPPED_RUN: u64 = 3;
/// Samples below this magnitude (-0.09 dBFS) are not taken for clipped.
const CLIP_THRESHOLD: f64 = 0.99;
/// Samples beyond this magnitude count as not finite.
const MAX_MAGNITUDE: f64 = 1e100;
/// Codes are looked for on a grid of 2^-31: whatever does not lie on it is a floating-point signal.
const CODE_SCALE: f64 = 2_147_483_648.0;
const LANES: usize = 4;
const BLOCK: usize = 1024;

/// Gathers the level of one channel, block by block.
///
/// ```
/// use sqnr::analysis::level::LevelMeter;
///
/// let mut meter = LevelMeter::new(48_000.0)?;
/// meter.push(&(0..48_000).map(|i| 0.5 * (0.5 * f64::from(i)).sin()).collect::<Vec<f64>>());
/// let figures = meter.figures();
/// // A sine of amplitude 0.5: -6.02 dBFS.
/// assert!((figures.rms_dbfs.unwrap() + 6.02).abs() < 0.01 && (figures.crest_db.unwrap() - 3.01).abs() < 0.01);
/// # Ok::<(), sqnr::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct LevelMeter {
    n_samples: u64,
    n_not_finite: u64,
    sum: f64,
    energy: f64,
    high: f64,
    low: f64,
    codes: Codes,
    clipping: Clipping,
    quietest: Quietest,
    true_peak: TruePeak,
}

impl LevelMeter {
    /// A meter that has seen nothing.
    ///
    /// # Errors
    /// `InvalidParameter` for a rate that is not above zero.
    pub fn new(sample_rate_hz: f64) -> Result<Self> {
        if !(sample_rate_hz.is_finite() && sample_rate_hz > 0.0) {
            return Err(Error::invalid("sample rate", sample_rate_hz, "above 0 Hz"));
        }
        Ok(Self {
            n_samples: 0,
            n_not_finite: 0,
            sum: 0.0,
            energy: 0.0,
            high: f64::NEG_INFINITY,
            low: f64::INFINITY,
            codes: Codes::default(),
            clipping: Clipping::default(),
            quietest: Quietest::new((0.1 * sample_rate_hz).ceil().min(1e9) as usize),
            true_peak: TruePeak::new(),
        })
    }

    /// Takes in samples. Those that are not finite are counted and left out.
    pub fn push(&mut self, x: &[f64]) {
        for block in x.chunks(BLOCK) {
            let sums = BlockSums::of(block);
            if sums.energy.is_finite() {
                self.add(block, &sums);
            } else {
                let clean: Vec<f64> = block.iter().copied().filter(|x| x.abs() <= MAX_MAGNITUDE).collect();
                self.n_not_finite += (block.len() - clean.len()) as u64;
                self.add(&clean, &BlockSums::of(&clean));
            }
        }
    }

    fn add(&mut self, block: &[f64], sums: &BlockSums) {
        self.n_samples += block.len() as u64;
        self.sum += sums.sum;
        self.energy += sums.energy;
        self.high = self.high.max(sums.high);
        self.low = self.low.min(sums.low);
        self.codes.add(block);
        self.clipping.add(block, sums.high.max(-sums.low));
        self.quietest.add(block);
        self.true_peak.push(block);
    }

    /// The figures of what was taken in so far.
    pub fn figures(&self) -> LevelFigures {
        let n = self.n_samples.max(1) as f64;
        let missing = match (self.n_samples, self.n_not_finite) {
            (0, 0) => Some(Absent::TooShort { n_samples: 0, needed: 1 }),
            (0, n_samples) => Some(Absent::NotFinite { n_samples }),
            _ => None,
        };
        let of = |figure: Figure| missing.map_or(figure, Err);
        let peak = self.high.max(-self.low).max(0.0);
        LevelFigures {
            n_samples: self.n_samples,
            n_not_finite: self.n_not_finite,
            peak_dbfs: of(level_dbfs(0.5 * peak * peak)),
            rms_dbfs: of(level_dbfs(self.energy / n)),
            dc: of(Ok(self.sum / n)),
            crest_db: of(ratio_db(peak * peak, self.energy / n, Absent::Silence)),
            true_peak_dbtp: of(level_dbfs(0.5 * self.true_peak.peak().powi(2))),
            floor_dbfs: of(self.quietest.figure()),
            bits_used: of(self.codes.bits_used()),
            n_clipped: self.clipping.n_samples,
            n_clipped_runs: self.clipping.n_runs,
        }
    }
}

/// Sums and extremes of a block.
struct BlockSums {
    sum: f64,
    energy: f64,
    high: f64,
    low: f64,
}

impl BlockSums {
    fn of(x: &[f64]) -> Self {
        let (mut sum, mut energy) = ([0.0; LANES], [0.0; LANES]);
        let (mut high, mut low) = ([f64::NEG_INFINITY; LANES], [f64::INFINITY; LANES]);
        let (chunks, rest) = x.as_chunks::<LANES>();
        let mut padded = [0.0; LANES];
        padded[..rest.len()].copy_from_slice(rest);
        for chunk in chunks {
            for i in 0..LANES {
                let v = chunk[i];
                sum[i] += v;
                energy[i] += v * v;
                high[i] = if v > high[i] { v } else { high[i] };
                low[i] = if v < low[i] { v } else { low[i] };
            }
        }
        for &v in rest {
            sum[0] += v;
            energy[0] += v * v;
            high[0] = high[0].max(v);
            low[0] = low[0].min(v);
        }
        Self {
            sum: sum.iter().sum(),
            energy: energy.iter().sum(),
            high: high.into_iter().fold(f64::NEG_INFINITY, f64::max),
            low: low.into_iter().fold(f64::INFINITY, f64::min),
        }
    }
}

/// Which binary places of the samples are ever set.
#[derive(Debug, Clone, Default)]
struct Codes {
    places: u32,
    off_grid: bool,
}

impl Codes {
    fn add(&mut self, block: &[f64]) {
        if self.off_grid {
            return;
        }
        let mut off_grid = false;
        let mut places = 0;
        for x in block {
            let scaled = x * CODE_SCALE;
            // +1.0 saturates to an odd code, but lies off the grid of codes anyway.
            let code = scaled as i32;
            off_grid |= f64::from(code) != scaled;
            places |= code;
        }
        self.off_grid = off_grid;
        self.places |= places as u32;
    }

    fn bits_used(&self) -> Figure {
        if self.off_grid {
            Err(Absent::NotApplicable { needs: "fixed-point samples of at most 32 bits" })
        } else if self.places == 0 {
            Err(Absent::Silence)
        } else {
            Ok(f64::from(32 - self.places.trailing_zeros()))
        }
    }
}

/// Smallest bit depth that holds every one of these samples exactly; 1 and beyond is one step above the largest code.
///
/// ```
/// use sqnr::analysis::level::bits_used;
///
/// // Steps of 2^-7: eight bits with the sign.
/// let x: Vec<f64> = (-128..128).map(|code| f64::from(code) / 128.0).collect();
/// assert_eq!(bits_used(&x), Ok(8.0));
/// ```
pub fn bits_used(x: &[f64]) -> Figure {
    let mut codes = Codes::default();
    codes.add(x);
    codes.bits_used()
}

/// Runs of equal samples at full scale.
#[derive(Debug, Clone, Default)]
struct Clipping {
    n_samples: u64,
    n_runs: u64,
    run_value: f64,
    run_length: u64,
}

impl Clipping {
    fn add(&mut self, block: &[f64], peak: f64) {
        if peak < CLIP_THRESHOLD {
            self.run_length = 0;
            return;
        }
        for &x in block {
            if x.abs() < CLIP_THRESHOLD {
                self.run_length = 0;
                continue;
            }
            self.run_length = if x == self.run_value { self.run_length + 1 } else { 1 };
            self.run_value = x;
            if self.run_length == CLIPPED_RUN {
                self.n_runs += 1;
                self.n_samples += CLIPPED_RUN;
            } else if self.run_length > CLIPPED_RUN {
                self.n_samples += 1;
            }
        }
    }
}

/// Level of one channel.
#[derive(Debug, Clone, PartialEq)]
pub struct LevelFigures {
    /// Samples taken in and finite.
    pub n_samples: u64,
    /// Samples left out: NaN, infinite, or beyond 1e100.
    pub n_not_finite: u64,
    /// Largest magnitude.
    pub peak_dbfs: Figure,
    /// Root mean square, DC included; a full-scale sine reads 0 dBFS.
    pub rms_dbfs: Figure,
    /// Mean, full scale 1.0.
    pub dc: Figure,
    /// Peak over RMS, dB; 3.01 for a sine.
    pub crest_db: Figure,
    /// Largest magnitude between the samples, dB re full scale.
    pub true_peak_dbtp: Figure,
    /// RMS of the quietest 100 ms.
    pub floor_dbfs: Figure,
    /// Smallest bit depth that holds every sample exactly.
    pub bits_used: Figure,
    /// Samples in runs of three or more equal samples above 0.99 of full scale.
    pub n_clipped: u64,
    /// Number of such runs.
    pub n_clipped_runs: u64,
}

impl LevelFigures {
    /// All figures as entries, in the order of a table.
    pub fn entries(&self) -> Vec<Entry> {
        let amplitude =
            |symbols, figure| filled(symbols, figure, |db| format!("20 log10({:.6e})", 10f64.powf(db / 20.0)));
        let power = |symbols, figure| {
            filled(symbols, figure, |db| format!("10 log10(2 * {:.6e})", 10f64.powf(db / 10.0) / 2.0))
        };
        let crest =
            filled("peak over RMS, 20 log10", self.crest_db, |db| format!("20 log10({:.6})", 10f64.powf(db / 20.0)));
        let dc = filled("mean x", self.dc, |dc| format!("{:.6e} / {}", dc * self.n_samples as f64, self.n_samples));
        let true_peak = amplitude("20 log10(max |x interpolated 4 times|)", self.true_peak_dbtp);
        vec![
            Entry::new(
                ("peak_dbfs", "peak", "dBFS"),
                self.peak_dbfs,
                "peak",
                amplitude("20 log10(max |x|)", self.peak_dbfs),
            ),
            Entry::new(("true_peak_dbtp", "true peak", "dBTP"), self.true_peak_dbtp, "true-peak", true_peak),
            Entry::new(("rms_dbfs", "RMS", "dBFS"), self.rms_dbfs, "rms", power("10 log10(2 mean x^2)", self.rms_dbfs)),
            Entry::new(("crest_db", "crest", "dB"), self.crest_db, "crest", crest),
            Entry::new(("dc", "DC", "FS"), self.dc, "dc", dc),
            Entry::new(
                ("floor_dbfs", "quietest 100 ms", "dBFS"),
                self.floor_dbfs,
                "floor",
                power("10 log10(2 least mean x^2 of 100 ms)", self.floor_dbfs),
            ),
            Entry::new(("bits_used", "bits used", "bit"), self.bits_used, "bits-used", "lowest binary place ever set"),
            Entry::new(
                ("clipped_samples", "clipped samples", ""),
                Ok(self.n_clipped as f64),
                "clipped-runs",
                format!("in {} runs of 3 or more equal samples above 0.99", self.n_clipped_runs),
            ),
        ]
    }
}

#[cfg(feature = "json")]
impl serde::Serialize for LevelFigures {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        super::figure::json::serialize_entries(&self.entries(), serializer)
    }
}

/// Correlation of two channels, `sum l r / sqrt(sum l^2 sum r^2)`, -1 to 1; DC counts. Pairs that are not finite are left
/// out.
///
/// ```
/// use sqnr::analysis::level::StereoCorrelation;
///
/// let mut correlation = StereoCorrelation::default();
/// correlation.push(&[0.5, -0.25], &[-0.5, 0.25]);
/// assert!((correlation.entry().figure.unwrap() + 1.0).abs() < 1e-12);
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct StereoCorrelation {
    left: f64,
    right: f64,
    both: f64,
}

impl StereoCorrelation {
    /// Takes in as many pairs as the shorter of both has.
    pub fn push(&mut self, left: &[f64], right: &[f64]) {
        for (l, r) in left.iter().zip(right).filter(|(l, r)| l.is_finite() && r.is_finite()) {
            self.left += l * l;
            self.right += r * r;
            self.both += l * r;
        }
    }

    /// The figure and its formula; no figure when one of the channels is silent, or when squares overflow.
    pub fn entry(&self) -> Entry {
        let Self { left, right, both } = *self;
        let size = left.sqrt() * right.sqrt();
        let figure = match (size > 0.0, size.is_finite() && both.is_finite()) {
            (true, true) => Ok((both / size).clamp(-1.0, 1.0)),
            (false, _) if left == 0.0 && right == 0.0 => Err(Absent::Silence),
            (false, _) => Err(Absent::NotApplicable { needs: "sound in both channels; one is silent" }),
            (true, false) => Err(Absent::NotApplicable { needs: "samples whose squares are numbers" }),
        };
        let formula = filled("sum l r / sqrt(sum l^2 sum r^2)", figure, |_| {
            format!("{both:.6e} / sqrt({left:.6e} * {right:.6e})")
        });
        Entry::new(("stereo_correlation", "stereo correlation", ""), figure, "stereo-correlation", formula)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    fn of(x: &[f64]) -> LevelFigures {
        let mut meter = LevelMeter::new(48_000.0).expect("legal");
        x.chunks(777).for_each(|b| meter.push(b));
        meter.figures()
    }

    #[test]
    fn a_full_scale_sine_reads_zero() {
        let x: Vec<f64> = (0..48_000).map(|i| (TAU * f64::from(i % 48) / 48.0).sin()).collect();
        let got = of(&x);
        for (figure, want) in [(got.peak_dbfs, 0.0), (got.rms_dbfs, 0.0), (got.crest_db, 3.0103), (got.floor_dbfs, 0.0)]
        {
            assert!((figure.expect("loud") - want).abs() < 1e-4, "{figure:?} {want}");
        }
        assert!(got.dc.expect("there").abs() < 1e-12);
        assert_eq!((got.n_clipped, got.n_clipped_runs), (0, 0));
    }

    #[test]
    fn bits_used_is_the_depth_of_the_codes() {
        for bits in [2, 8, 12, 16, 24, 32] {
            let step = 2f64.powi(1 - bits);
            assert_eq!(of(&[0.0, -1.0, step, -0.5]).bits_used, Ok(f64::from(bits)), "{bits}");
        }
        assert!(matches!(of(&[0.1]).bits_used, Err(Absent::NotApplicable { .. })));
        assert_eq!(of(&[0.0]).bits_used, Err(Absent::Silence));
        // Off the grid early on stays off the grid.
        assert!(of(&[vec![0.1; 2000], vec![0.5; 2000]].concat()).bits_used.is_err());
    }

    #[test]
    fn clipped_runs_are_counted_across_blocks() {
        let mut x = vec![0.0; 3000];
        x[775..780].fill(1.0);
        x[1000..1002].fill(-1.0);
        x[2000..2003].fill(-1.0);
        x[2003..2006].fill(1.0);
        let got = of(&x);
        assert_eq!((got.n_clipped, got.n_clipped_runs), (5 + 3 + 3, 3));
    }

    #[test]
    fn the_quietest_moment_is_found_and_bad_samples_left_out() {
        let mut x = vec![0.5; 48_000];
        x[9_600..14_400].fill(0.05);
        x[20_000] = f64::NAN;
        x[20_001] = f64::INFINITY;
        let got = of(&x);
        assert!((got.floor_dbfs.expect("long") - 10.0 * (2.0f64 * 0.0025).log10()).abs() < 1e-9);
        assert_eq!(got.n_not_finite, 2);
        assert_eq!(got.n_samples, 47_998);
    }

    #[test]
    fn missing_figures_say_why() {
        assert_eq!(of(&[]).rms_dbfs, Err(Absent::TooShort { n_samples: 0, needed: 1 }));
        assert_eq!(of(&[f64::NAN; 3]).peak_dbfs, Err(Absent::NotFinite { n_samples: 3 }));
        assert_eq!(of(&[0.0; 3]).crest_db, Err(Absent::Silence));
        assert!(LevelMeter::new(0.0).is_err());
    }

    #[test]
    fn correlation_of_channels() {
        let of = |left: &[f64], right: &[f64]| {
            let mut correlation = StereoCorrelation::default();
            left.chunks(2).zip(right.chunks(2)).for_each(|(l, r)| correlation.push(l, r));
            correlation.entry().figure
        };
        let left = [0.5, -0.25, 0.125];
        assert_eq!(of(&left, &left.map(|x| -2.0 * x)), Ok(-1.0));
        assert!(of(&left, &[0.0; 3]).expect_err("no figure").to_string().contains("one is silent"));
        assert_eq!(of(&[0.0; 3], &[0.0; 3]), Err(Absent::Silence));
        assert!((of(&[0.5, f64::NAN, -0.25], &[-1.0, 1.0, 0.5]).expect("loud") + 1.0).abs() < 1e-15);
        assert!(of(&[1.0, 0.0], &[0.0, 1.0]).expect("loud").abs() < 1e-15);
        assert!(matches!(of(&[1e200], &[-1e200]), Err(Absent::NotApplicable { .. })));
    }
}
