//! What is gathered of each channel while both files are read along a path.

use crate::{
    Progress, Result,
    analysis::{
        alignment::{self, Pair, Path},
        error_profile::ErrorProfile,
        masking, pair,
    },
    parallel,
};

use super::{PROFILE_BINS, PairMeasurement, Shift};

/// Everything that is gathered of a channel, or of several.
pub(super) struct Meters {
    pair: pair::Meter,
    masking: masking::Meter,
    frames: pair::Frames,
    profile: ErrorProfile,
    null_depths: pair::NullDepthOverTime,
    scale: f64,
    scaled: Vec<f64>,
    error: Vec<f64>,
    /// One past the last sample of the reference that was taken in.
    end: Option<u64>,
}

impl Meters {
    /// - `gain`: about that of the test, once what is undone was
    fn new(of: &Pair, undone: f64, gain: f64) -> Result<Self> {
        let (low, high) = of.x_outline.range;
        Ok(Self {
            pair: pair::Meter::new(of.rate_hz, gain)?,
            masking: masking::Meter::new(of.rate_hz)?,
            frames: pair::Frames::new(),
            profile: if low < high {
                ErrorProfile::new(low, high, PROFILE_BINS)
            } else {
                ErrorProfile::new(-1.0, 1.0, PROFILE_BINS)
            }?,
            null_depths: pair::NullDepthOverTime::new(of.x_outline.n_frames, of.rate_hz),
            scale: 1.0 / undone,
            scaled: Vec::new(),
            error: Vec::new(),
            end: None,
        })
    }

    /// Takes in samples from `start` on.
    fn push(&mut self, start: u64, x: &[f64], y: &[f64]) {
        if self.end.is_some_and(|end| end != start) {
            self.pair.interrupt();
            self.frames.forget();
        }
        self.end = Some(start + x.len() as u64);
        self.scaled.clear();
        self.scaled.extend(y.iter().map(|y| y * self.scale));
        let y = if self.scale == 1.0 { y } else { &self.scaled };
        self.error.clear();
        self.error.extend(x.iter().zip(y).map(|(x, y)| y - x));
        self.pair.push(x, y);
        self.profile.push_by_value(x, y);
        self.null_depths.push(start, x, &self.error);
        let (pair, masking) = (&mut self.pair, &mut self.masking);
        self.frames.push(x, &self.error, |spectra| {
            pair.push_spectra(spectra);
            masking.push_spectra(spectra);
        });
    }

    /// The figures of the channel.
    pub(super) fn measured(&self, sample_rate_hz: u32, shift: Shift) -> PairMeasurement {
        let figures = self.pair.figures();
        let masking = match figures.max_error {
            Err(why @ crate::analysis::Absent::NotFinite { .. }) => masking::MaskingFigures::missing(why),
            _ => self.masking.figures(figures.n_samples),
        };
        PairMeasurement {
            sample_rate_hz,
            shift,
            pair: figures,
            masking,
            profile: self.profile.clone(),
            null_depths: self.null_depths.depths(),
        }
    }

    /// The figures over several channels; time is that of the first.
    pub(super) fn over_all(channels: &[Self], sample_rate_hz: u32, shift: Shift) -> Result<PairMeasurement> {
        let first = &channels[0];
        let (mut pair, mut masking, mut profile) = (first.pair.clone(), first.masking.clone(), first.profile.clone());
        for channel in &channels[1..] {
            pair.merge(&channel.pair);
            masking.merge(&channel.masking);
            profile.merge(&channel.profile)?;
        }
        let merged = Self {
            pair,
            masking,
            profile,
            frames: pair::Frames::new(),
            null_depths: first.null_depths.clone(),
            scale: 1.0,
            scaled: Vec::new(),
            error: Vec::new(),
            end: None,
        };
        Ok(merged.measured(sample_rate_hz, shift))
    }
}

/// Reads `pair` along `path` and gathers each of its channels.
///
/// - `gain`: what is undone of it, and what is about left
pub(super) fn gather(
    of: &Pair,
    path: &Path,
    (undone, left): (f64, f64),
    progress: &dyn Progress,
) -> Result<Vec<Meters>> {
    let n_channels = of.x.n_channels();
    let mut meters = (0..n_channels).map(|_| Meters::new(of, undone, left)).collect::<Result<Vec<_>>>()?;
    let (total, rate_hz) = (Some(path.n_reference), of.rate_hz as u32);
    alignment::follow(path, (of.x, of.y), |at, x, y| {
        let mut jobs: Vec<_> = meters.iter_mut().zip(x.iter().zip(y)).collect();
        parallel::for_each(&mut jobs, |(meters, (x, y))| meters.push(at, x, y));
        progress.at(at + x[0].len() as u64, total, rate_hz);
        Ok(())
    })?;
    Ok(meters)
}
