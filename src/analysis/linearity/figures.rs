//! DNL, INL and what else the transitions of a converter tell.

use super::{
    super::figure::{Absent, Entry, Figure, filled, ratio_db},
    stimulus::Stimulus,
    transitions::Transitions,
    visits::Visits,
};

/// Coverage factor of expanded uncertainties: 95 % of a normal distribution (GUM, JCGM 100:2008, 6.3).
const COVERAGE: f64 = 2.0;

/// Linearity of a converter. Steps (LSB) are mean steps between the first and last transition.
#[derive(Debug, Clone, PartialEq)]
pub struct LinearityFigures {
    /// The codes beside the first and the last that have a DNL: the ends of what occurred, or, within them, of what noise
    /// does not hide.
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
    /// Expanded uncertainty (coverage factor 2) of each DNL, steps.
    pub dnl_uncertainty_lsb: Vec<f64>,
    /// Expanded uncertainty (coverage factor 2) of each INL against the end-point line, steps.
    pub inl_end_point_uncertainty_lsb: Vec<f64>,
    /// Expanded uncertainty (coverage factor 2) of each INL against the line of least squares, steps.
    pub inl_best_fit_uncertainty_lsb: Vec<f64>,
    /// Codes between the ends of `code_range` that never occurred.
    pub missing_codes: std::result::Result<Vec<usize>, Absent>,
    /// Largest |DNL|, steps.
    pub dnl_max_lsb: Figure,
    /// What holds for all DNL at once with 95 %: no code is farther from its true DNL, steps.
    pub dnl_uncertainty_max_lsb: Figure,
    /// Largest |INL| against the end-point line, steps.
    pub inl_max_lsb: Figure,
    /// Largest |INL| against the line of least squares, steps.
    pub inl_best_fit_max_lsb: Figure,
    /// What holds for all INL at once with 95 %, against either line, steps.
    pub inl_uncertainty_max_lsb: Figure,
    /// RMS of the noise at the transitions, steps.
    pub transition_noise_lsb: Figure,
    /// Samples with which each DNL is known within 0.1 steps (coverage factor 2): a coherent sine, or one slow ramp.
    pub samples_for_tenth_lsb: Figure,
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

impl LinearityFigures {
    /// From transitions; `enough` says why a code that did not occur may be there all the same.
    pub(super) fn new(
        counts: &[u64],
        transitions: &Transitions,
        stimulus: Stimulus,
        visits: &Visits,
        enough: std::result::Result<(), Absent>,
    ) -> Self {
        let t: Vec<f64> = transitions.visits.iter().map(|visit| stimulus.at(visit.value)).collect();
        let n = t.len();
        let (first, last) = (transitions.first_code - 1, transitions.first_code + n - 1);
        let step = (t[n - 1] - t[0]) / (n - 1) as f64;
        let dnl_lsb: Vec<f64> = t.windows(2).map(|w| (w[1] - w[0]) / step - 1.0).collect();
        let inl_end_point_lsb: Vec<f64> = t.iter().enumerate().map(|(i, t_i)| (t_i - t[0]) / step - i as f64).collect();
        let (slope, middle) = line_of_least_squares(&t);
        let from_middle = |i: usize| i as f64 - (n as f64 - 1.0) / 2.0;
        let inl_best_fit_lsb: Vec<f64> =
            t.iter().enumerate().map(|(i, t_i)| (t_i - middle - slope * from_middle(i)) / slope).collect();
        let when_known = |value: f64| {
            if stimulus.is_known() { Ok(value) } else { Err(Absent::NotApplicable { needs: "the stimulus in steps" }) }
        };
        // Ideal transition into code k: k - L/2 - 1/2 steps from mid-scale.
        let ideal_middle = (first + 1) as f64 + (n as f64 - 1.0) / 2.0 - counts.len() as f64 / 2.0 - 0.5;
        let total = counts.iter().sum::<u64>() as f64;
        let uncertainty = Uncertainty::of(transitions, &dnl_lsb);
        let missing = (first + 1..last).filter(|&code| counts[code] == 0).collect();
        Self {
            code_range: (first, last),
            dnl_max_lsb: Ok(largest(&dnl_lsb)),
            dnl_uncertainty_max_lsb: Ok(largest(&uncertainty.dnl) * all_at_once(n - 1) / COVERAGE),
            inl_max_lsb: Ok(largest(&inl_end_point_lsb)),
            inl_best_fit_max_lsb: Ok(largest(&inl_best_fit_lsb)),
            inl_uncertainty_max_lsb: Ok(largest(&uncertainty.inl_end_point) * all_at_once(n) / COVERAGE),
            transition_noise_lsb: Ok(visits.noise_lsb()),
            samples_for_tenth_lsb: Ok(transitions.samples_for(0.1, total).ceil()),
            missing_codes: enough.map(|()| missing),
            offset_lsb: when_known(middle - ideal_middle),
            gain: when_known(slope),
            overdrive_db: ratio_db(stimulus.span(step).powi(2), (counts.len() as f64).powi(2), Absent::Silence),
            end_share: Ok(end_share(counts, total)),
            transitions: t,
            dnl_lsb,
            inl_end_point_lsb,
            inl_best_fit_lsb,
            dnl_uncertainty_lsb: uncertainty.dnl,
            inl_end_point_uncertainty_lsb: uncertainty.inl_end_point,
            inl_best_fit_uncertainty_lsb: uncertainty.inl_best_fit,
        }
    }

    /// What is left to say when there is no linearity: every figure with that reason.
    pub fn missing(why: Absent) -> Self {
        Self {
            code_range: (0, 0),
            transitions: Vec::new(),
            dnl_lsb: Vec::new(),
            inl_end_point_lsb: Vec::new(),
            inl_best_fit_lsb: Vec::new(),
            dnl_uncertainty_lsb: Vec::new(),
            inl_end_point_uncertainty_lsb: Vec::new(),
            inl_best_fit_uncertainty_lsb: Vec::new(),
            missing_codes: Err(why),
            dnl_max_lsb: Err(why),
            dnl_uncertainty_max_lsb: Err(why),
            inl_max_lsb: Err(why),
            inl_best_fit_max_lsb: Err(why),
            inl_uncertainty_max_lsb: Err(why),
            transition_noise_lsb: Err(why),
            samples_for_tenth_lsb: Err(why),
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
                ("dnl_uncertainty_lsb", "DNL, uncertainty", "LSB"),
                self.dnl_uncertainty_max_lsb,
                "dnl-uncertainty",
                "of all codes at once, 95 %: gaps between visited values, noise",
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
            Entry::new(
                ("inl_uncertainty_lsb", "INL, uncertainty", "LSB"),
                self.inl_uncertainty_max_lsb,
                "inl-uncertainty",
                "of all transitions at once, 95 %, the line's ends included",
            ),
            Entry::new(
                ("transition_noise_lsb", "noise at the codes", "LSB"),
                self.transition_noise_lsb,
                "transition-noise",
                "sqrt(pi) / 2 of the mean |change| between samples that are neighbours in phase, less the slope",
            ),
            Entry::new(
                ("samples_for_tenth_lsb", "samples for +-0.1 LSB", ""),
                self.samples_for_tenth_lsb,
                "samples-for-tenth",
                "with which 2 u(DNL) is 0.1 LSB at each code",
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

/// Expanded uncertainties of DNL and INL.
struct Uncertainty {
    dnl: Vec<f64>,
    inl_end_point: Vec<f64>,
    inl_best_fit: Vec<f64>,
}

impl Uncertainty {
    fn of(transitions: &Transitions, dnl_lsb: &[f64]) -> Self {
        let n = transitions.visits.len();
        let single: Vec<f64> = (0..n).map(|i| transitions.uncertainty(i)).collect();
        let [low, high] = [single[0], single[n - 1]];
        let with_ends = |(i, u): (usize, &f64)| {
            let part = i as f64 / (n - 1) as f64;
            let ends = ((1.0 - part) * low).powi(2) + (part * high).powi(2);
            // At the ends themselves the line is the transition.
            COVERAGE * if i == 0 || i == n - 1 { 0.0 } else { (u * u + ends).sqrt() }
        };
        let width = |(i, dnl): (usize, &f64)| COVERAGE * transitions.width_uncertainty(i, dnl + 1.0);
        Self {
            dnl: dnl_lsb.iter().enumerate().map(width).collect(),
            inl_end_point: single.iter().enumerate().map(with_ends).collect(),
            inl_best_fit: single.iter().map(|u| COVERAGE * u).collect(),
        }
    }
}

/// Coverage factor k of n values at once: `n 2 Q(k) = 5 %`, with `Q(k) ~ exp(-k^2 / 2) / (k sqrt(2 pi))`.
fn all_at_once(n: usize) -> f64 {
    (0..20).fold(COVERAGE, |k, _| (2.0 * (n as f64 / (0.025 * k * std::f64::consts::TAU.sqrt())).ln()).sqrt())
}

fn largest(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |m: f64, v| m.max(v.abs()))
}

/// Share of the samples in the first and the last code that occurred.
fn end_share(counts: &[u64], total: f64) -> f64 {
    let mut occurred = counts.iter().filter(|&&count| count > 0);
    let (first, last) = (occurred.next().copied().unwrap_or(0), occurred.next_back().copied().unwrap_or(0));
    (first + last) as f64 / total
}

/// Slope per index and mean.
fn line_of_least_squares(t: &[f64]) -> (f64, f64) {
    let n = t.len() as f64;
    let mean = t.iter().sum::<f64>() / n;
    let moment: f64 = t.iter().enumerate().map(|(i, v)| (i as f64 - (n - 1.0) / 2.0) * (v - mean)).sum();
    (moment / (n * (n * n - 1.0) / 12.0), mean)
}

#[cfg(feature = "json")]
impl serde::Serialize for LinearityFigures {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        crate::analysis::figure::json::serialize_entries(&self.entries(), serializer)
    }
}
