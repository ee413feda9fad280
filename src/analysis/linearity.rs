//! Differential and integral nonlinearity of a converter from a histogram of its codes.
//!
//! ```text
//! C[k] = share of samples with a code below k
//! sine of amplitude A:   T[k] = -A cos(pi C[k])        ramp from a to b:   T[k] = a + (b - a) C[k]
//! DNL[k] = (T[k+1] - T[k]) / q - 1                     INL[k] = T[k] / q - line
//! ```
//!
//! `T[k]` is the transition from code k - 1 to k, q the mean step between the first and the last transition. The first and
//! the last code collect all overdrive: they have no width and no DNL.
//!
//! Source: IEEE Std 1241-2010, clauses 4.7 and 8.

use super::figure::{Absent, Entry, Figure, filled, ratio_db};
use crate::{Error, Result};

/// What was fed to the converter, overdriving both ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Stimulus {
    /// A sine, coherent or long, of any frequency that is no simple fraction of the rate.
    Sine {
        /// Its amplitude in ideal steps, its middle at mid-scale, if known: then offset and gain can be told.
        amplitude_lsb: Option<f64>,
    },
    /// A ramp, or anything else that visits all inputs equally often.
    Ramp {
        /// Its ends in ideal steps from mid-scale, if known.
        ends_lsb: Option<(f64, f64)>,
    },
}

impl Stimulus {
    /// From end to end, in mean steps, when one such step is `step` of the unit of the transitions.
    fn span(self, step: f64) -> f64 {
        match self {
            Self::Sine { amplitude_lsb } => 2.0 * amplitude_lsb.unwrap_or(1.0) / step,
            Self::Ramp { ends_lsb } => ends_lsb.map_or(2.0, |(low, high)| high - low) / step,
        }
    }
}

/// Fewest samples per code on average: below, a width is known to a quarter at best.
const MIN_SAMPLES_PER_CODE: u64 = 16;

/// Counts codes of a converter with L levels.
///
/// ```
/// use sqnr::analysis::linearity::{CodeHistogram, Stimulus, analyse};
///
/// // A ramp met code 3 half as often as the others: its cell is half a step too narrow.
/// let histogram = CodeHistogram::from_counts(vec![50, 110, 110, 50, 110, 110, 110, 50])?;
/// let figures = analyse(&histogram, Stimulus::Ramp { ends_lsb: None }).expect("enough samples");
/// assert!((figures.dnl_max_lsb.unwrap() - 0.5).abs() < 1e-9);
/// # Ok::<(), sqnr::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct CodeHistogram {
    counts: Vec<u64>,
    n_outside: u64,
}

impl CodeHistogram {
    /// An empty histogram for codes 0 to L - 1.
    ///
    /// # Errors
    /// `InvalidParameter` for fewer than 4 or more than 2^24 levels.
    pub fn new(n_levels: usize) -> Result<Self> {
        if !(4..=1 << 24).contains(&n_levels) {
            return Err(Error::invalid("levels", n_levels, "4 to 16777216"));
        }
        Ok(Self { counts: vec![0; n_levels], n_outside: 0 })
    }

    /// From counts per code.
    ///
    /// # Errors
    /// Those of [`CodeHistogram::new`].
    pub fn from_counts(counts: Vec<u64>) -> Result<Self> {
        Self { counts, ..Self::new(4)? }.checked()
    }

    fn checked(self) -> Result<Self> {
        Self::new(self.counts.len()).map(|_| self)
    }

    /// Takes in samples of full scale 1.0 as codes: `x L / 2 + L / 2`, rounded. NaN and codes outside are counted apart.
    pub fn push(&mut self, x: &[f64]) {
        let half = self.counts.len() as f64 / 2.0;
        for x in x {
            let code = (x * half + half + 0.5).floor();
            if code >= 0.0 && code < self.counts.len() as f64 {
                self.counts[code as usize] += 1;
            } else {
                self.n_outside += 1;
            }
        }
    }

    /// Counts per code.
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// Samples that were no code.
    pub fn n_outside(&self) -> u64 {
        self.n_outside
    }
}

/// Linearity of a converter. Steps (LSB) are mean steps between the first and last transition.
#[derive(Debug, Clone, PartialEq)]
pub struct LinearityFigures {
    /// First and last code that occurred; both without DNL.
    pub code_range: (usize, usize),
    /// Transition into code `code_range.0 + 1 + i`, in ideal steps from mid-scale where the stimulus is known, else in
    /// units of its amplitude.
    pub transitions: Vec<f64>,
    /// DNL of code `code_range.0 + 1 + i`, steps.
    pub dnl_lsb: Vec<f64>,
    /// INL of each transition against the line through the first and the last, steps.
    pub inl_end_point_lsb: Vec<f64>,
    /// INL of each transition against the line of least squares, steps.
    pub inl_best_fit_lsb: Vec<f64>,
    /// Codes between the first and the last that never occurred.
    pub missing_codes: std::result::Result<Vec<usize>, Absent>,
    /// Largest |DNL|, steps.
    pub dnl_max_lsb: Figure,
    /// Largest |INL| against the end-point line, steps.
    pub inl_max_lsb: Figure,
    /// Largest |INL| against the line of least squares, steps.
    pub inl_best_fit_max_lsb: Figure,
    /// Mean distance of the transitions from the ideal ones, ideal steps; needs a known stimulus.
    pub offset_lsb: Figure,
    /// Slope of the transitions against the ideal ones; needs a known stimulus.
    pub gain: Figure,
    /// Span of the stimulus over the converter's, all in the converter's mean steps, dB; above zero both ends are
    /// overdriven if the stimulus is centred.
    pub overdrive_db: Figure,
    /// Share of the samples in the first and the last code.
    pub end_share: Figure,
}

/// Linearity from a histogram.
///
/// # Errors
/// `NotApplicable` when fewer than four codes occurred, `TooShort` when too few samples came per code.
pub fn analyse(histogram: &CodeHistogram, stimulus: Stimulus) -> std::result::Result<LinearityFigures, Absent> {
    let counts = &histogram.counts;
    let total: u64 = counts.iter().sum();
    let (Some(first), Some(last)) = (counts.iter().position(|&c| c > 0), counts.iter().rposition(|&c| c > 0)) else {
        return Err(Absent::NotApplicable { needs: "samples that are codes" });
    };
    if last - first < 3 {
        return Err(Absent::NotApplicable { needs: "a stimulus that crosses four codes or more" });
    }
    let needed = MIN_SAMPLES_PER_CODE * (last - first + 1) as u64;
    if total < needed {
        return Err(Absent::TooShort { n_samples: total as usize, needed: needed as usize });
    }
    let transitions = transitions(counts, first, last, stimulus);
    Ok(figures(counts, (first, last), transitions, stimulus))
}

/// T[k] for k = first + 1 to last.
fn transitions(counts: &[u64], first: usize, last: usize, stimulus: Stimulus) -> Vec<f64> {
    let total: u64 = counts.iter().sum();
    let mut below = 0;
    (first..last)
        .map(|code| {
            below += counts[code];
            let share = below as f64 / total as f64;
            match stimulus {
                Stimulus::Sine { amplitude_lsb } => {
                    -amplitude_lsb.unwrap_or(1.0) * (std::f64::consts::PI * share).cos()
                }
                Stimulus::Ramp { ends_lsb } => {
                    let (low, high) = ends_lsb.unwrap_or((-1.0, 1.0));
                    low + (high - low) * share
                }
            }
        })
        .collect()
}

fn figures(counts: &[u64], (first, last): (usize, usize), t: Vec<f64>, stimulus: Stimulus) -> LinearityFigures {
    let n = t.len();
    let step = (t[n - 1] - t[0]) / (n - 1) as f64;
    let dnl_lsb: Vec<f64> = t.windows(2).map(|w| (w[1] - w[0]) / step - 1.0).collect();
    let inl_end_point_lsb: Vec<f64> = t.iter().enumerate().map(|(i, t_i)| (t_i - t[0]) / step - i as f64).collect();
    let (slope, middle) = line_of_least_squares(&t);
    let from_middle = |i: usize| i as f64 - (n as f64 - 1.0) / 2.0;
    let inl_best_fit_lsb: Vec<f64> =
        t.iter().enumerate().map(|(i, t_i)| (t_i - middle - slope * from_middle(i)) / slope).collect();
    let largest = |values: &[f64]| Ok(values.iter().fold(0.0, |m: f64, v| m.max(v.abs())));
    let known = match stimulus {
        Stimulus::Sine { amplitude_lsb } => amplitude_lsb.is_some(),
        Stimulus::Ramp { ends_lsb } => ends_lsb.is_some(),
    };
    let when_known =
        |value: f64| if known { Ok(value) } else { Err(Absent::NotApplicable { needs: "the stimulus in steps" }) };
    // Ideal transition into code k: k - L/2 - 1/2 steps from mid-scale.
    let ideal_middle = (first + 1) as f64 + (n as f64 - 1.0) / 2.0 - counts.len() as f64 / 2.0 - 0.5;
    let total: u64 = counts.iter().sum();
    LinearityFigures {
        code_range: (first, last),
        dnl_max_lsb: largest(&dnl_lsb),
        inl_max_lsb: largest(&inl_end_point_lsb),
        inl_best_fit_max_lsb: largest(&inl_best_fit_lsb),
        missing_codes: Ok((first..=last).filter(|&code| counts[code] == 0).collect()),
        offset_lsb: when_known(middle - ideal_middle),
        gain: when_known(slope),
        overdrive_db: ratio_db(stimulus.span(step).powi(2), (counts.len() as f64).powi(2), Absent::Silence),
        end_share: Ok((counts[first] + counts[last]) as f64 / total as f64),
        transitions: t,
        dnl_lsb,
        inl_end_point_lsb,
        inl_best_fit_lsb,
    }
}

/// Slope per index and mean.
fn line_of_least_squares(t: &[f64]) -> (f64, f64) {
    let n = t.len() as f64;
    let mean = t.iter().sum::<f64>() / n;
    let moment: f64 = t.iter().enumerate().map(|(i, v)| (i as f64 - (n - 1.0) / 2.0) * (v - mean)).sum();
    (moment / (n * (n * n - 1.0) / 12.0), mean)
}

impl LinearityFigures {
    /// What is left to say when there is no linearity: every figure with that reason.
    pub fn missing(why: Absent) -> Self {
        Self {
            code_range: (0, 0),
            transitions: Vec::new(),
            dnl_lsb: Vec::new(),
            inl_end_point_lsb: Vec::new(),
            inl_best_fit_lsb: Vec::new(),
            missing_codes: Err(why),
            dnl_max_lsb: Err(why),
            inl_max_lsb: Err(why),
            inl_best_fit_max_lsb: Err(why),
            offset_lsb: Err(why),
            gain: Err(why),
            overdrive_db: Err(why),
            end_share: Err(why),
        }
    }

    /// The formula of a largest magnitude, with its value and the code k where it is.
    fn worst(&self, symbols: &str, figure: Figure, values: &[f64]) -> String {
        let worst = values.iter().enumerate().max_by(|a, b| a.1.abs().total_cmp(&b.1.abs()));
        filled(symbols, figure, |_| {
            let (i, value) = worst.map_or((0, 0.0), |(i, value)| (i, *value));
            format!("|{value:.6}| at k = {}", self.code_range.0 + 1 + i)
        })
    }

    /// The single figures as entries, in the order of a table.
    pub fn entries(&self) -> Vec<Entry> {
        let n_missing = self.missing_codes.as_ref().map(|codes| codes.len() as f64).map_err(|why| *why);
        vec![
            Entry::new(
                ("dnl_max_lsb", "DNL, largest", "LSB"),
                self.dnl_max_lsb,
                "dnl",
                self.worst("max |(T[k+1] - T[k]) / q - 1|", self.dnl_max_lsb, &self.dnl_lsb),
            ),
            Entry::new(
                ("inl_max_lsb", "INL, end points", "LSB"),
                self.inl_max_lsb,
                "inl-end-point",
                self.worst("max |T[k] / q - line through the ends|", self.inl_max_lsb, &self.inl_end_point_lsb),
            ),
            Entry::new(
                ("inl_best_fit_max_lsb", "INL, best fit", "LSB"),
                self.inl_best_fit_max_lsb,
                "inl-best-fit",
                self.worst("max |T[k] / q - line of least squares|", self.inl_best_fit_max_lsb, &self.inl_best_fit_lsb),
            ),
            Entry::new(("offset_lsb", "offset", "LSB"), self.offset_lsb, "offset", "mean of T[k] - ideal"),
            Entry::new(("gain", "gain", ""), self.gain, "gain", "slope of T[k] against ideal"),
            Entry::new(
                ("missing_codes", "missing codes", ""),
                n_missing,
                "missing-codes",
                "codes between the ends that never occurred",
            ),
            Entry::new(
                ("overdrive_db", "overdrive", "dB"),
                self.overdrive_db,
                "overdrive",
                "20 log10(span of the stimulus / (L q))",
            ),
            Entry::new(
                ("end_share", "share of the end codes", ""),
                self.end_share,
                "end-share",
                "samples in the first and last code",
            ),
        ]
    }
}

#[cfg(feature = "json")]
impl serde::Serialize for LinearityFigures {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        super::figure::json::serialize_entries(&self.entries(), serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ideal_ramp_has_no_nonlinearity() {
        let mut histogram = CodeHistogram::new(16).expect("legal");
        let n = 20_000;
        // From -1.1 to 1.1 of full scale: 8.8 steps each side.
        let x: Vec<f64> =
            (0..n).map(|i| (-1.1 + 2.2 * (f64::from(i) + 0.5) / f64::from(n)).clamp(-1.0, 0.875)).collect();
        histogram.push(&x);
        let got = analyse(&histogram, Stimulus::Ramp { ends_lsb: Some((-8.8, 8.8)) }).expect("full");
        assert!(got.dnl_max_lsb.expect("there") < 0.01 && got.inl_max_lsb.expect("there") < 0.01);
        assert!(got.offset_lsb.expect("known").abs() < 0.01, "{:?}", got.offset_lsb);
        assert!((got.gain.expect("known") - 1.0).abs() < 0.002, "{:?}", got.gain);
        assert_eq!((got.code_range, got.missing_codes.expect("there").len(), got.dnl_lsb.len()), ((0, 15), 0, 14));
    }

    #[test]
    fn offset_and_gain_are_those_put_in() {
        // Input = 1.05 x code + 0.3: transitions stretch by 1.05 around 0.3.
        let n = 200_000;
        let mut counts = vec![0; 64];
        for i in 0..n {
            let input = -40.0 + 80.0 * (f64::from(i) + 0.5) / f64::from(n);
            let code = ((input - 0.3) / 1.05 + 32.0 + 0.5).floor().clamp(0.0, 63.0);
            counts[code as usize] += 1;
        }
        let histogram = CodeHistogram::from_counts(counts).expect("legal");
        let got = analyse(&histogram, Stimulus::Ramp { ends_lsb: Some((-40.0, 40.0)) }).expect("full");
        // The transitions' middle lies half a step below mid-scale's code centre.
        assert!((got.gain.expect("known") - 1.05).abs() < 1e-4);
        assert!((got.offset_lsb.expect("known") - 0.3).abs() < 0.06, "{:?}", got.offset_lsb);
        assert!(analyse(&histogram, Stimulus::Ramp { ends_lsb: None }).expect("full").gain.is_err());
    }

    #[test]
    fn overdrive_is_the_stimulus_over_the_range() {
        // A sine of 1.1 full scales, its middle at mid-scale, into 64 codes.
        let n = 1 << 18;
        let x: Vec<f64> = (0..n)
            .map(|i| 1.1 * (std::f64::consts::TAU * f64::from(i) * 1_001.0 / f64::from(n)).sin())
            .map(|x| ((x * 32.0).round() / 32.0).clamp(-1.0, 31.0 / 32.0))
            .collect();
        let mut histogram = CodeHistogram::new(64).expect("legal");
        histogram.push(&x);
        for amplitude_lsb in [None, Some(35.2)] {
            let got = analyse(&histogram, Stimulus::Sine { amplitude_lsb }).expect("full");
            assert!((got.overdrive_db.expect("there") - 0.8279).abs() < 0.005, "{:?}", got.overdrive_db);
        }
        // Below full scale it is negative: the ends were not reached.
        let mut histogram = CodeHistogram::new(64).expect("legal");
        histogram.push(&x.iter().map(|x| (x * 16.0).round() / 32.0).collect::<Vec<_>>());
        let got = analyse(&histogram, Stimulus::Sine { amplitude_lsb: None }).expect("full");
        assert!(got.code_range.0 > 0 && got.overdrive_db.expect("there") < -5.0);
    }

    #[test]
    fn bad_histograms_are_refused() {
        let ramp = Stimulus::Ramp { ends_lsb: None };
        let why = |counts: Vec<u64>| {
            analyse(&CodeHistogram::from_counts(counts).expect("legal"), ramp).expect_err("no linearity")
        };
        assert_eq!(why(vec![0; 8]), Absent::NotApplicable { needs: "samples that are codes" });
        assert!(matches!(why(vec![0, 99, 99, 0, 0]), Absent::NotApplicable { .. }));
        assert_eq!(why(vec![1; 8]), Absent::TooShort { n_samples: 8, needed: 128 });
        assert!(CodeHistogram::from_counts(vec![1; 3]).is_err());
        let mut histogram = CodeHistogram::new(16).expect("legal");
        histogram.push(&[f64::NAN, 5.0, -5.0, f64::INFINITY]);
        assert_eq!(histogram.n_outside(), 4);
    }
}
