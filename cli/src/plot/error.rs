//! Kinds `error-value`, `error-phase` and `nmr`: what the error knows of the input, and how much of it is heard.

use sqnr::{
    analysis::{error_profile::ErrorProfile, masking, sine_fit, tone},
    report::plot::{
        Chart,
        error_profile::{By, Profile},
        nmr::NoiseToMask,
    },
};

use super::{
    super::{exit::Failure, progress::FileProgress},
    pair::{Pair, Source},
};

/// Bins over full scale, and over a turn.
const N_VALUE_BINS: usize = 2_048;
const N_PHASE_BINS: usize = 512;
/// Samples looked at where all of them must be in memory: 87 s at 48 kHz.
const MAX_SAMPLES: usize = 1 << 22;

/// The error against the input's value.
pub fn against_value(source: &Source, progress: &FileProgress) -> Result<Chart, Failure> {
    let pair = source.pair()?;
    let (conditions, step_size) = (pair.conditions.clone(), pair.step_size());
    let mut profile = profile(&pair, (-1.0, 1.0), N_VALUE_BINS)?;
    pair.each_block(progress, |x, y| profile.push_by_value(x, y))?;
    Ok(Profile { conditions, profile: &profile, by: By::Value, step_size }.chart())
}

/// The error against the phase of the input's tone.
pub fn against_phase(source: &Source, progress: &FileProgress) -> Result<Chart, Failure> {
    let pair = source.pair()?;
    let (conditions, step_size, path) = (pair.conditions.clone(), pair.step_size(), pair.path.clone());
    let rate_hz = f64::from(pair.sample_rate_hz);
    let mut profile = profile(&pair, (0.0, 1.0), N_PHASE_BINS)?;
    let (x, y) = samples(pair, progress)?;
    let failed = |error| Failure::compute(&path, error);
    let figures = tone::analyse(&x, rate_hz, &tone::Settings::default()).map_err(failed)?.figures;
    let frequency_hz =
        figures.frequency_hz.map_err(|why| Failure::input(&path, format!("there is no phase: {why}")))?;
    let fit = sine_fit::fit(&x, frequency_hz / rate_hz).map_err(failed)?;
    profile.push_by_phase(&x, &y, &fit);
    Ok(Profile { conditions, profile: &profile, by: By::Phase, step_size }.chart())
}

/// Noise-to-mask ratio per Bark band.
pub fn noise_to_mask(source: &Source, progress: &FileProgress) -> Result<Chart, Failure> {
    let pair = source.pair()?;
    let (conditions, path) = (pair.conditions.clone(), pair.path.clone());
    let rate_hz = f64::from(pair.sample_rate_hz);
    let (x, y) = samples(pair, progress)?;
    let figures = masking::noise_to_mask(&x, &y, rate_hz).map_err(|error| Failure::compute(&path, error))?;
    if figures.bands.is_empty() {
        let why = figures.nmr_db.map_or_else(|why| why.to_string(), |_| "no bands".into());
        return Err(Failure::input(&path, format!("no noise-to-mask ratio: {why}")));
    }
    let high_hz = (rate_hz / 2.0).min(20_000.0);
    let range_hz = (20f64.min(high_hz / 10.0), high_hz);
    Ok(NoiseToMask { conditions, range_hz, figures: &figures }.chart())
}

fn profile(pair: &Pair, (low, high): (f64, f64), n_bins: usize) -> Result<ErrorProfile, Failure> {
    ErrorProfile::new(low, high, n_bins).map_err(|error| Failure::compute(&pair.path, error))
}

/// The first samples of input and output.
fn samples(pair: Pair, progress: &FileProgress) -> Result<(Vec<f64>, Vec<f64>), Failure> {
    let (mut all_x, mut all_y) = (Vec::new(), Vec::new());
    pair.each_block(progress, |x, y| {
        let n = x.len().min(MAX_SAMPLES - all_x.len());
        all_x.extend_from_slice(&x[..n]);
        all_y.extend_from_slice(&y[..n]);
    })?;
    Ok((all_x, all_y))
}
