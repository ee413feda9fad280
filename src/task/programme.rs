//! What only all channels together have: loudness of the programme, and how two channels resemble each other.

#[cfg(feature = "loudness")]
use std::borrow::Cow;

#[cfg(feature = "loudness")]
use crate::analysis::{
    Absent,
    loudness::{Layout, LoudnessFigures, LoudnessMeter},
};
use crate::{
    Result,
    analysis::{Entry, level::StereoCorrelation},
    wav::Spec,
};

/// How loud a single channel is taken to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MonoLoudness {
    /// As one loudspeaker plays it.
    #[default]
    Single,
    /// As two loudspeakers play it: +3.01 LU.
    Dual,
}

/// Gathers them block by block.
pub(super) struct Programme {
    n_channels: usize,
    /// None for a number of channels or a rate that the standard does not know.
    #[cfg(feature = "loudness")]
    loudness: Option<LoudnessMeter>,
    correlation: StereoCorrelation,
}

impl Programme {
    /// For channels at the positions that `spec` gives; what had to be assumed goes to `warnings`.
    #[cfg_attr(not(feature = "loudness"), allow(unused_variables, clippy::ptr_arg))]
    pub(super) fn new(spec: &Spec, mono: MonoLoudness, warnings: &mut Vec<String>) -> Self {
        Self {
            n_channels: usize::from(spec.channels),
            #[cfg(feature = "loudness")]
            loudness: loudness_meter(spec, mono, warnings),
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
        let loudness = match &self.loudness {
            Some(meter) => meter.figures(),
            None => LoudnessFigures::missing(Absent::NotApplicable { needs: "1 to 64 channels at 16 Hz to 2.8 MHz" }),
        }
        .entries();
        #[cfg(not(feature = "loudness"))]
        let loudness = Vec::new();
        let correlation = (self.n_channels == 2).then(|| self.correlation.entry());
        loudness.into_iter().chain(correlation).collect()
    }
}

#[cfg(feature = "loudness")]
fn loudness_meter(spec: &Spec, mono: MonoLoudness, warnings: &mut Vec<String>) -> Option<LoudnessMeter> {
    let layout = match (mono, spec.channels) {
        (MonoLoudness::Dual, 1) => Layout::dual_mono(),
        (_, n_channels) => Layout::of(usize::from(n_channels), spec.channel_mask),
    };
    let meter = LoudnessMeter::with_layout(layout.clone(), spec.sample_rate_hz).ok()?;
    if mono == MonoLoudness::Dual && spec.channels != 1 {
        warnings.push(format!(
            "dual mono is for one channel; loudness is that of the {} channels there are",
            spec.channels
        ));
    }
    warnings.extend(layout.assumption().map(str::to_owned));
    Some(meter)
}

/// Loudness has no way to leave a sample out: one that is not finite counts as silence.
#[cfg(feature = "loudness")]
fn finite(x: &[f64]) -> Cow<'_, [f64]> {
    match x.iter().all(|x| x.is_finite()) {
        true => Cow::Borrowed(x),
        false => Cow::Owned(x.iter().map(|x| if x.is_finite() { *x } else { 0.0 }).collect()),
    }
}
