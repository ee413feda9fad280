//! Audio as alignment reads it.

use std::sync::{Mutex, PoisonError};

use crate::{
    Error, Result,
    analysis::alignment::{Blocks, Record},
    audio_file::{Info, Reopen, Source},
};

/// Audio that is read several times, and what its reader warned of.
pub(super) struct Recording<'a> {
    audio: &'a dyn Reopen,
    pub info: Info,
    warnings: Mutex<Vec<String>>,
}

impl<'a> Recording<'a> {
    pub(super) fn new(audio: &'a dyn Reopen) -> Result<Self> {
        let info = audio.open()?.info().clone();
        Ok(Self { audio, info, warnings: Mutex::default() })
    }

    pub(super) fn name(&self) -> String {
        self.audio.name()
    }

    pub(super) fn rate_hz(&self) -> f64 {
        f64::from(self.info.spec.sample_rate_hz)
    }

    /// What was wrong with the file and could be lived with; complete once it was read to its end.
    pub(super) fn warnings(&self) -> Vec<String> {
        self.warnings.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Record for Recording<'_> {
    fn n_channels(&self) -> usize {
        usize::from(self.info.spec.channels)
    }

    fn open(&self) -> Result<Box<dyn Blocks + '_>> {
        let source = self.audio.open()?;
        // A pass relies on what the first one saw.
        if source.info().spec.channels != self.info.spec.channels {
            let what = "it changed while it was read; compare again when it is complete".into();
            return Err(Error::Unsupported { what }.of_input(self.name()));
        }
        Ok(Box::new(RecordingBlocks { source, warnings: &self.warnings }))
    }
}

struct RecordingBlocks<'a> {
    source: Source<'a>,
    warnings: &'a Mutex<Vec<String>>,
}

impl Blocks for RecordingBlocks<'_> {
    fn read(&mut self, block: &mut Vec<Vec<f64>>, max_frames: usize) -> Result<usize> {
        let n = self.source.read_planar(block, max_frames)?;
        if n == 0 {
            *self.warnings.lock().unwrap_or_else(PoisonError::into_inner) = self.source.warnings().to_vec();
        }
        Ok(n)
    }
}
