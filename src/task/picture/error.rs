//! What the error knows of the input, and how much of it is heard.

use crate::{
    Error, Progress, Result,
    analysis::{error_profile::ErrorProfile, masking, sine_fit, tone},
    report::plot::{
        Chart,
        error_profile::{By, Profile},
        nmr::NoiseToMask,
    },
};

use super::{Pair, Subject};

/// Bins over full scale, and over a turn.
const N_VALUE_BINS: usize = 2_048;
const N_PHASE_BINS: usize = 512;
/// Samples looked at where all of them must be in memory: 87 s at 48 kHz.
const MAX_SAMPLES: usize = 1 << 22;

/// The error against the input's value.
///
/// # Errors
/// What reading meets.
pub fn against_value(subject: &Subject, progress: &dyn Progress) -> Result<Chart> {
    let pair = subject.pair()?;
    let (conditions, step_size) = (pair.conditions.clone(), pair.step_size());
    let mut profile = ErrorProfile::new(-1.0, 1.0, N_VALUE_BINS)?;
    pair.each_block(progress, |x, y| profile.push_by_value(x, y))?;
    Ok(Profile { conditions, profile: &profile, by: By::Value, step_size }.chart())
}

/// The error against the phase of the input's tone.
///
/// # Errors
/// `NoResult` when there is no tone; what reading meets.
pub fn against_phase(subject: &Subject, progress: &dyn Progress) -> Result<Chart> {
    let pair = subject.pair()?;
    let (conditions, step_size) = (pair.conditions.clone(), pair.step_size());
    let rate_hz = f64::from(pair.sample_rate_hz);
    let mut profile = ErrorProfile::new(0.0, 1.0, N_PHASE_BINS)?;
    let (x, y) = samples(pair, progress)?;
    let figures = tone::analyse(&x, rate_hz, &tone::Settings::default())?.figures;
    let frequency_hz =
        figures.frequency_hz.map_err(|why| Error::NoResult { what: format!("there is no phase: {why}") })?;
    let fit = sine_fit::fit(&x, frequency_hz / rate_hz)?;
    profile.push_by_phase(&x, &y, &fit);
    Ok(Profile { conditions, profile: &profile, by: By::Phase, step_size }.chart())
}

/// Noise-to-mask ratio per Bark band.
///
/// # Errors
/// `NoResult` when there is none; what reading meets.
pub fn noise_to_mask(subject: &Subject, progress: &dyn Progress) -> Result<Chart> {
    let pair = subject.pair()?;
    let conditions = pair.conditions.clone();
    let rate_hz = f64::from(pair.sample_rate_hz);
    let (x, y) = samples(pair, progress)?;
    let figures = masking::noise_to_mask(&x, &y, rate_hz)?;
    if figures.bands.is_empty() {
        let why = figures.nmr_db.map_or_else(|why| why.to_string(), |_| "no bands".into());
        return Err(Error::NoResult { what: format!("no noise-to-mask ratio: {why}") });
    }
    let high_hz = (rate_hz / 2.0).min(20_000.0);
    let range_hz = (20f64.min(high_hz / 10.0), high_hz);
    Ok(NoiseToMask { conditions, range_hz, figures: &figures }.chart())
}

/// The first samples of input and output.
fn samples(pair: Pair, progress: &dyn Progress) -> Result<(Vec<f64>, Vec<f64>)> {
    let (mut all_x, mut all_y) = (Vec::new(), Vec::new());
    pair.each_block(progress, |x, y| {
        let n = x.len().min(MAX_SAMPLES - all_x.len());
        all_x.extend_from_slice(&x[..n]);
        all_y.extend_from_slice(&y[..n]);
    })?;
    Ok((all_x, all_y))
}
