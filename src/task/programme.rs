//! What only all channels together have: loudness of the programme, and how two channels resemble each other.

#[cfg(feature = "loudness")]
use std::borrow::Cow;

#[cfg(feature = "loudness")]
use crate::analysis::loudness::LoudnessMeter;
use crate::{
    Result,
    analysis::{Entry, level::StereoCorrelation},
};

/// Gathers them block by block.
pub(super) struct Programme {
    n_channels: usize,
    /// None for a number of channels or a rate that the standard does not know.
    #[cfg(feature = "loudness")]
    loudness: Option<LoudnessMeter>,
    correlation: StereoCorrelation,
}

impl Programme {
    pub(super) fn new(n_channels: usize, _sample_rate_hz: u32) -> Self {
        Self {
            n_channels,
            #[cfg(feature = "loudness")]
            loudness: LoudnessMeter::new(n_channels as u32, _sample_rate_hz).ok(),
            correlation: StereoCorrelation::default(),
        }
    }

    /// Takes in planar samples, all channels equally long.
    pub(super) fn push(&mut self, block: &[&[f64]]) -> Result<()> {
        if let [left, right] = block {
            self.correlation.push(left, right);
        }
        #[cfg(feature = "loudness")]
        if let Some(meter) = &mut self.loudness {
            let finite: Vec<Cow<[f64]>> = block.iter().map(|x| finite(x)).collect();
            let finite: Vec<&[f64]> = finite.iter().map(AsRef::as_ref).collect();
            meter.push(&finite)?;
        }
        Ok(())
    }

    /// The figures: none of loudness without the feature, correlation where there are two channels.
    pub(super) fn entries(&self) -> Vec<Entry> {
        #[cfg(feature = "loudness")]
        let loudness = self.loudness.as_ref().map_or(Vec::new(), |meter| meter.figures().entries());
        #[cfg(not(feature = "loudness"))]
        let loudness = Vec::new();
        let correlation = (self.n_channels == 2).then(|| self.correlation.entry());
        loudness.into_iter().chain(correlation).collect()
    }
}

/// Loudness has no way to leave a sample out: one that is not finite counts as silence.
#[cfg(feature = "loudness")]
fn finite(x: &[f64]) -> Cow<'_, [f64]> {
    match x.iter().all(|x| x.is_finite()) {
        true => Cow::Borrowed(x),
        false => Cow::Owned(x.iter().map(|x| if x.is_finite() { *x } else { 0.0 }).collect()),
    }
}
