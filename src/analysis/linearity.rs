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

use super::figure::{Absent, Entry, Figure};
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

/// Fewest samples per code on average: below, a width is known to a quarter at best.
const MIN_SAMPLES_PER_CODE: u64 = 16;

/// Counts codes of a converter with L levels.
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
    pub missing_codes: Vec<usize>,
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
    /// Share of the samples in the first and the last code.
    pub end_share: f64,
}

/// Linearity from a histogram.
///
/// # Errors
/// `NoResult` when fewer than four codes occurred, or too few samples came per code.
pub fn analyse(histogram: &CodeHistogram, stimulus: Stimulus) -> Result<LinearityFigures> {
    let counts = &histogram.counts;
    let refuse = |what: String| Err(Error::NoResult { what });
    let total: u64 = counts.iter().sum();
    let (Some(first), Some(last)) = (counts.iter().position(|&c| c > 0), counts.iter().rposition(|&c| c > 0)) else {
        return refuse("no linearity: no sample was a code".into());
    };
    if last - first < 3 {
        return refuse(format!("no linearity: only codes {first} to {last} occurred; 4 are needed"));
    }
    if total / ((last - first + 1) as u64) < MIN_SAMPLES_PER_CODE {
        return refuse(format!("no linearity: {total} samples for {} codes; 16 per code are needed", last - first + 1));
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
        missing_codes: (first..=last).filter(|&code| counts[code] == 0).collect(),
        offset_lsb: when_known(middle - ideal_middle),
        gain: when_known(slope),
        end_share: (counts[first] + counts[last]) as f64 / total as f64,
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
    /// The single figures as entries, in the order of a table.
    pub fn entries(&self) -> Vec<Entry> {
        let new = Entry::new;
        let n_missing = self.missing_codes.len() as f64;
        vec![
            new(("dnl_max_lsb", "DNL, largest", "LSB"), self.dnl_max_lsb, "dnl", "max |(T[k+1] - T[k]) / q - 1|"),
            new(
                ("inl_max_lsb", "INL, end points", "LSB"),
                self.inl_max_lsb,
                "inl-end-point",
                "max |T[k] / q - line through the ends|",
            ),
            new(
                ("inl_best_fit_max_lsb", "INL, best fit", "LSB"),
                self.inl_best_fit_max_lsb,
                "inl-best-fit",
                "max |T[k] / q - line of least squares|",
            ),
            new(("offset_lsb", "offset", "LSB"), self.offset_lsb, "offset", "mean of T[k] - ideal"),
            new(("gain", "gain", ""), self.gain, "gain", "slope of T[k] against ideal"),
            new(
                ("missing_codes", "missing codes", ""),
                Ok(n_missing),
                "missing-codes",
                "codes between the ends that never occurred",
            ),
            new(
                ("end_share", "share of the end codes", ""),
                Ok(self.end_share),
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
        assert_eq!((got.code_range, got.missing_codes.len(), got.dnl_lsb.len()), ((0, 15), 0, 14));
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
    fn bad_histograms_are_refused() {
        let ramp = Stimulus::Ramp { ends_lsb: None };
        let refused = |counts: Vec<u64>| analyse(&CodeHistogram::from_counts(counts).expect("legal"), ramp).is_err();
        assert!(refused(vec![0; 8]));
        assert!(refused(vec![0, 99, 99, 0, 0]));
        assert!(refused(vec![1; 8]));
        assert!(CodeHistogram::from_counts(vec![1; 3]).is_err());
        let mut histogram = CodeHistogram::new(16).expect("legal");
        histogram.push(&[f64::NAN, 5.0, -5.0, f64::INFINITY]);
        assert_eq!(histogram.n_outside(), 4);
    }
}
