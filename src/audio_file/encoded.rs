//! `.sqn` as a source: what the transform codec decodes to.

use std::io::Read;

use super::{Blocks, Fidelity, Info, tag_names};
use crate::{
    Error, Result, codec,
    wav::{Metadata, SampleFormat, Spec},
};

/// A file being decoded.
pub(super) struct Encoded {
    decoder: codec::Decoder<Box<dyn Read + Send>>,
    metadata: Metadata,
    /// Decoded and not yet handed out, from `start`.
    pending: Vec<Vec<f32>>,
    start: usize,
}

impl Encoded {
    pub(super) fn open(input: Box<dyn Read + Send>) -> Result<Self> {
        let decoder = codec::Decoder::new(input)?;
        let tags = &decoder.header().tags;
        let entries: Vec<_> = tags.iter().map(|(key, value)| (tag_names::info_id(key), value.clone())).collect();
        let n_channels = usize::from(decoder.header().channels);
        let metadata = Metadata::from_info(&entries);
        Ok(Self { decoder, metadata, pending: vec![Vec::new(); n_channels], start: 0 })
    }

    pub(super) fn info(&self) -> Info {
        let header = self.decoder.header();
        Info {
            container: "SQN".into(),
            codec: "SQN transform codec".into(),
            spec: Spec {
                sample_rate_hz: header.sample_rate_hz,
                channels: header.channels.into(),
                channel_mask: Some(header.channel_mask).filter(|&mask| mask != 0),
                sample_format: SampleFormat::FLOAT32,
            },
            n_frames: header.samples,
            fidelity: Fidelity::Lossy,
            unsupported_frames: 0,
        }
    }

    /// Makes samples ready; returns how many frames wait, at most `max_frames`, 0 at the end.
    fn prepare(&mut self, max_frames: usize) -> Result<usize> {
        if max_frames == 0 {
            return Err(Error::invalid("max_frames", 0, "1 and above"));
        }
        if self.start == self.pending[0].len() {
            self.start = 0;
            self.pending.iter_mut().for_each(Vec::clear);
            if let Some(block) = self.decoder.next_block()? {
                self.pending.iter_mut().zip(block).for_each(|(pending, x)| pending.extend_from_slice(x));
            }
        }
        Ok((self.pending[0].len() - self.start).min(max_frames))
    }
}

impl Blocks for Encoded {
    fn read_planar(&mut self, block: &mut Vec<Vec<f64>>, max_frames: usize) -> Result<usize> {
        let n = self.prepare(max_frames)?;
        block.resize_with(self.pending.len(), Vec::new);
        for (out, channel) in block.iter_mut().zip(&self.pending) {
            out.clear();
            out.extend(channel[self.start..self.start + n].iter().map(|&x| f64::from(x)));
        }
        self.start += n;
        Ok(n)
    }

    fn read_f32(&mut self, out: &mut [f32]) -> Result<usize> {
        let n_channels = self.pending.len();
        let n = self.prepare(out.len() / n_channels)?;
        for (c, channel) in self.pending.iter().enumerate() {
            let places = out.iter_mut().skip(c).step_by(n_channels);
            places.zip(&channel[self.start..self.start + n]).for_each(|(place, &x)| *place = x);
        }
        self.start += n;
        Ok(n)
    }

    fn read_codes(&mut self, _: &mut [i32]) -> Result<usize> {
        let format = SampleFormat::FLOAT32;
        Err(Error::Unsupported { what: format!("integer codes of {format} samples; read amplitudes") })
    }

    fn metadata(&self) -> &Metadata {
        &self.metadata
    }
}
