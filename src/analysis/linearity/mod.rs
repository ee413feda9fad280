//! Differential and integral nonlinearity of a converter from a histogram of its codes.
//!
//! ```text
//! H[k] = samples with a code below k           v[1] <= v[2] ... <= v[N]: the values that the stimulus had
//! T[k] lies between v[H[k]] and v[H[k] + 1]
//! DNL[k] = (T[k+1] - T[k]) / q - 1             INL[k] = T[k] / q - line
//! ```
//!
//! `T[k]` is the transition from code k - 1 to k, q the mean step between the first and the last transition. Where the
//! samples are at hand, the values v are those of the sine that is fitted to them, sorted: the record need neither be
//! coherent nor hold whole periods. From counts alone they are those of even phases, `T[k] = -A cos(pi H[k] / N)`.
//!
//! The first and the last code collect all overdrive: they have no width and no DNL. Noise carries samples across the
//! sine's peaks; transitions that lie within its reach of a peak are left out, the others are corrected for it.
//!
//! Source: IEEE Std 1241-2010, clauses 4.7 and 8; noise and overdrive: J. Blair, "Histogram measurement of ADC
//! nonlinearities using sine waves", 1994.

mod figures;
mod histogram;
mod stimulus;
mod transitions;
mod visits;

pub use figures::LinearityFigures;
pub use histogram::CodeHistogram;
pub use stimulus::Stimulus;
pub use visits::Visits;

use super::figure::Absent;
use transitions::Transitions;

/// Fewest samples per code on average, unless fewer are allowed: a transition is then known to a tenth of a step.
const MIN_SAMPLES_PER_CODE: u64 = 16;

/// What becomes of a record with too few samples or phases.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FewSamples {
    /// It has no linearity.
    #[default]
    Refuse,
    /// It is measured down to one sample a code; the uncertainties tell what it is worth.
    Allow,
}

/// Linearity from a histogram alone, of a stimulus without noise whose phases are even.
///
/// # Errors
/// As [`analyse_visits`].
pub fn analyse(histogram: &CodeHistogram, stimulus: Stimulus) -> Result<LinearityFigures, Absent> {
    analyse_visits(histogram, stimulus, &Visits::even(stimulus), FewSamples::Refuse)
}

/// Linearity from a histogram and what the samples tell of the stimulus.
///
/// # Errors
/// `NotApplicable` when fewer than four codes occurred or noise hides the stimulus, `TooShort` when too few samples came
/// per code, `TooFewPhases` when the sine meets too few values.
pub fn analyse_visits(
    histogram: &CodeHistogram,
    stimulus: Stimulus,
    visits: &Visits,
    few: FewSamples,
) -> Result<LinearityFigures, Absent> {
    let counts = histogram.counts();
    let (Some(first), Some(last)) = (counts.iter().position(|&c| c > 0), counts.iter().rposition(|&c| c > 0)) else {
        return Err(Absent::NotApplicable { needs: "samples that are codes" });
    };
    if last - first < 3 {
        return Err(Absent::NotApplicable { needs: "a stimulus that crosses four codes or more" });
    }
    let enough = check_enough(counts.iter().sum(), (last - first + 1) as u64, visits);
    match (few, enough) {
        (FewSamples::Refuse, Err(why)) => return Err(why),
        (FewSamples::Allow, Err(why @ Absent::TooShort { n_samples, .. })) if n_samples <= last - first => {
            return Err(why);
        }
        _ => {}
    }
    let transitions = Transitions::of(counts, (first, last), visits)
        .ok_or(Absent::NotApplicable { needs: "a stimulus that spans far more codes than its noise" })?;
    Ok(LinearityFigures::new(counts, &transitions, stimulus, visits, enough))
}

/// Whether each code is met often enough, and each at all.
fn check_enough(total: u64, n_codes: u64, visits: &Visits) -> Result<(), Absent> {
    let needed = MIN_SAMPLES_PER_CODE * n_codes;
    if total < needed {
        return Err(Absent::TooShort { n_samples: total as usize, needed: needed as usize });
    }
    visits.check_phases(n_codes as f64 / 2.0)
}

#[cfg(test)]
mod tests;
