//! The spectrum of the noise with the floor that theory expects, and the density of the error.

use super::Pair;
use crate::{
    Error, Progress, Result,
    analysis::{
        error_histogram::HistogramSettings,
        error_statistics::{ErrorStatistics, Settings},
        spectrum::{Averaged, PowerSpectrum},
    },
    report::plot::{Chart, histogram::Histogram, noise::Noise},
};

/// Bins of the error histogram in a step.
const BINS_PER_STEP: usize = 32;

/// The spectra of input and error, and the floor that theory expects.
///
/// ```
/// use sqnr::{chain::Plan, generate, task::picture::{Subject, noise}};
///
/// let tone = generate::signal(Default::default())?;
/// let plan = Plan::new(&"uniform bits=8 dither=tpdf".parse()?)?;
/// let subject = Subject { audio: &tone, plan: &plan, reference: None, channel: 1 };
/// let chart = noise(subject.pair()?, &())?;
/// assert!(chart.draw(Default::default()).svg().contains("</svg>"));
/// # Ok::<(), sqnr::Error>(())
/// ```
///
/// # Errors
/// `NoResult` for less than two samples; what reading meets.
pub fn noise(pair: Pair, progress: &dyn Progress) -> Result<Chart> {
    let (conditions, floors) = (pair.conditions.clone(), pair.floors());
    let (signal, error) = spectra_of(pair, progress)?;
    Ok(Noise { conditions, signal: &signal, error: &error, floors }.chart())
}

/// The spectra of the input and of the error (output minus input).
fn spectra_of(pair: Pair, progress: &dyn Progress) -> Result<(PowerSpectrum, PowerSpectrum)> {
    let rate_hz = pair.sample_rate_hz;
    let (mut signal, mut error) = (Averaged::new(rate_hz)?, Averaged::new(rate_hz)?);
    let mut difference = Vec::new();
    pair.each_block(progress, |x, y| {
        difference.clear();
        difference.extend(x.iter().zip(y).map(|(x, y)| y - x));
        signal.push(x);
        error.push(&difference);
    })?;
    Ok((signal.finish()?, error.finish()?))
}

/// The density of the error in steps, and the one that theory expects.
///
/// # Errors
/// `InvalidParameter` for methods without a step; what reading meets.
pub fn error_histogram(pair: Pair, progress: &dyn Progress) -> Result<Chart> {
    let Some(step_size) = pair.step_size() else {
        let allowed = "uniform or mid-rise, without a reference: the histogram counts errors in steps";
        return Err(Error::invalid("method", "without steps of one size", allowed));
    };
    let (expected, expectation, half_range_steps) = pair.expected_density();
    let n_bins = 2 * (half_range_steps as usize) * BINS_PER_STEP;
    let histogram = HistogramSettings { step_size, half_range_steps, n_bins, expected };
    let mut statistics = ErrorStatistics::new(Settings { histogram: Some(histogram), ..Settings::default() })?;
    let conditions = pair.conditions.clone();
    pair.each_block(progress, |x, y| statistics.push(x, y))?;
    let histogram = statistics.figures().histogram.expect("it was asked for");
    Ok(Histogram { conditions, histogram: &histogram, expectation: expectation.into() }.chart())
}
