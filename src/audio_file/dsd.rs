//! One-bit audio as amplitudes at its base rate: 44.1 or 48 kHz, low-passed at 20 kHz and decimated.

use std::io::Read;

use super::{Blocks, Fidelity, Info};
use crate::{
    Error, Result, dsf,
    shaping::delta_sigma::{Decimator, RateStream},
    wav::{Metadata, SampleFormat, Spec},
};

/// Rates that one-bit rates are multiples of.
const BASE_RATES_HZ: [u32; 3] = [44_100, 48_000, 32_000];

/// Reads a DSF file.
pub(super) struct Dsd<R> {
    reader: dsf::Reader<R>,
    info: Info,
    channels: Vec<RateStream<Decimator>>,
    levels: Vec<Vec<f64>>,
    /// Amplitudes that have not been given out.
    ready: Vec<Vec<f64>>,
    has_ended: bool,
    metadata: Metadata,
}

impl<R: Read> Dsd<R> {
    pub(super) fn open(inner: R) -> Result<Self> {
        let reader = dsf::Reader::new(inner)?;
        let dsf::Spec { sample_rate_hz, n_channels } = reader.spec();
        let base = BASE_RATES_HZ.into_iter().find(|base| sample_rate_hz % base == 0);
        let base = base.ok_or_else(|| Error::Unsupported {
            what: format!("one-bit audio at {sample_rate_hz} Hz; multiples of 44100, 48000 and 32000 are read"),
        })?;
        let factor = (sample_rate_hz / base) as usize;
        let decimator = Decimator::new(factor)?;
        let sample_format = SampleFormat::FLOAT32;
        let info = Info {
            container: "DSF".into(),
            codec: format!("DSD, one bit at {sample_rate_hz} Hz"),
            spec: Spec { sample_rate_hz: base, channels: n_channels as u16, channel_mask: None, sample_format },
            n_frames: Some(reader.n_samples().div_ceil(factor as u64)),
            fidelity: Fidelity::Lossy,
            // Those of this filter, and as many of the one that made the file.
            unsupported_frames: 2 * decimator.reach().div_ceil(factor) as u64,
        };
        Ok(Self {
            reader,
            info,
            channels: vec![RateStream::decimate(decimator); n_channels],
            levels: Vec::new(),
            ready: vec![Vec::new(); n_channels],
            has_ended: false,
            metadata: Metadata::default(),
        })
    }

    pub(super) fn info(&self) -> Info {
        self.info.clone()
    }

    /// Decodes until `n` frames are ready or none are left.
    fn fill(&mut self, n: usize) -> Result<()> {
        while self.ready[0].len() < n && !self.has_ended {
            self.has_ended = self.reader.read(&mut self.levels)? == 0;
            for ((stream, levels), ready) in self.channels.iter_mut().zip(&self.levels).zip(&mut self.ready) {
                let before = ready.len();
                match self.has_ended {
                    true => stream.finish(ready),
                    false => stream.push(levels, ready),
                }
                ready[before..].iter_mut().for_each(|x| *x /= dsf::FULL_SCALE);
            }
        }
        Ok(())
    }
}

impl<R: Read> Blocks for Dsd<R> {
    fn read_planar(&mut self, block: &mut Vec<Vec<f64>>, max_frames: usize) -> Result<usize> {
        if max_frames == 0 {
            return Err(Error::invalid("max_frames", 0, "1 and above"));
        }
        // No more than a block at a time, whatever is asked for.
        let max_frames = max_frames.min(dsf::BLOCK_SAMPLES);
        self.fill(max_frames)?;
        let n = self.ready[0].len().min(max_frames);
        block.resize_with(self.ready.len(), Vec::new);
        for (block, ready) in block.iter_mut().zip(&mut self.ready) {
            block.clear();
            block.extend(ready.drain(..n));
        }
        Ok(n)
    }

    fn read_f32(&mut self, out: &mut [f32]) -> Result<usize> {
        let n_channels = self.ready.len();
        let mut block = Vec::new();
        let n = self.read_planar(&mut block, out.len() / n_channels)?;
        for (c, x) in block.iter().enumerate() {
            out[c..].iter_mut().step_by(n_channels).zip(x).for_each(|(out, &x)| *out = x as f32);
        }
        Ok(n)
    }

    fn read_codes(&mut self, _: &mut [i32]) -> Result<usize> {
        Err(Error::Unsupported { what: "integer codes of one-bit audio; read amplitudes".into() })
    }

    fn metadata(&self) -> &Metadata {
        &self.metadata
    }
}
