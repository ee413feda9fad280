//! A signal in memory as a source.

use super::{Blocks, Fidelity, Info};
use crate::{
    Error, Result, Signal,
    wav::{Metadata, SampleFormat, Spec},
};

/// The samples of a signal, read from its start.
pub(super) struct InMemory<'a> {
    signal: &'a Signal,
    metadata: Metadata,
    at: usize,
}

impl<'a> InMemory<'a> {
    pub(super) fn new(signal: &'a Signal) -> Self {
        Self { signal, metadata: Metadata::default(), at: 0 }
    }

    pub(super) fn info(&self) -> Info {
        Info {
            container: "memory".into(),
            codec: "PCM".into(),
            spec: Spec {
                sample_rate_hz: self.signal.sample_rate_hz(),
                channels: self.signal.channels().len() as u16,
                channel_mask: None,
                sample_format: SampleFormat::FLOAT64,
            },
            n_frames: Some(self.signal.len() as u64),
            fidelity: Fidelity::Lossless,
            unsupported_frames: 0,
        }
    }

    /// The next frames, at most `max_frames`.
    fn advance(&mut self, max_frames: usize) -> Result<std::ops::Range<usize>> {
        if max_frames == 0 {
            return Err(Error::invalid("max_frames", 0, "1 and above"));
        }
        let from = self.at;
        self.at = self.signal.len().min(from.saturating_add(max_frames));
        Ok(from..self.at)
    }
}

impl Blocks for InMemory<'_> {
    fn read_planar(&mut self, block: &mut Vec<Vec<f64>>, max_frames: usize) -> Result<usize> {
        let frames = self.advance(max_frames)?;
        let channels = self.signal.channels();
        block.resize_with(channels.len(), Vec::new);
        for (block, channel) in block.iter_mut().zip(channels) {
            block.clear();
            block.extend_from_slice(&channel[frames.clone()]);
        }
        Ok(frames.len())
    }

    fn read_f32(&mut self, out: &mut [f32]) -> Result<usize> {
        let n_channels = self.signal.channels().len();
        let frames = self.advance(out.len() / n_channels)?;
        for (c, channel) in self.signal.channels().iter().enumerate() {
            let places = out.iter_mut().skip(c).step_by(n_channels);
            places.zip(&channel[frames.clone()]).for_each(|(out, &x)| *out = x as f32);
        }
        Ok(frames.len())
    }

    fn read_codes(&mut self, _: &mut [i32]) -> Result<usize> {
        Err(Error::Unsupported { what: "a signal in memory has no integer codes".into() })
    }

    fn metadata(&self) -> &Metadata {
        &self.metadata
    }
}

#[cfg(test)]
mod tests {
    use super::super::Source;
    use super::*;

    #[test]
    fn a_signal_is_read_as_it_is() {
        let channels = vec![(0..100).map(f64::from).collect(), vec![0.5; 100]];
        let signal = Signal::new(8_000, channels).expect("legal");
        let mut source = Source::of_signal(&signal);
        let mut block = Vec::new();
        assert_eq!(source.read_planar(&mut block, 33).expect("in memory"), 33);
        assert_eq!(block[0][32], 32.0);
        assert_eq!(source.read_to_end().expect("in memory").channels()[0], signal.channels()[0][33..]);
        assert_eq!(source.read_planar(&mut block, 33).expect("in memory"), 0);
        assert_eq!(signal.open().expect("in memory").read_to_end().expect("in memory"), signal);
    }

    #[test]
    fn so_many_frames_are_read_or_what_is_left() {
        let signal = Signal::new(8_000, vec![vec![0.5; 40_000]]).expect("legal");
        let mut source = Source::of_signal(&signal);
        let mut next = |n| source.read_up_to(n).expect("in memory").len();
        assert_eq!([next(20_000), next(0), next(30_000), next(1)], [20_000, 0, 20_000, 0]);
    }

    #[test]
    fn blocks_are_handed_over_to_the_end() {
        let signal = Signal::new(8_000, vec![vec![0.5; 100]]).expect("legal");
        let mut sizes = Vec::new();
        let take = |block: &[Vec<f64>]| {
            sizes.push(block[0].len());
            Ok(())
        };
        Source::of_signal(&signal).each_block(33, &(), take).expect("in memory");
        assert_eq!(sizes, [33, 33, 33, 1]);
        let stop = Source::of_signal(&signal).each_block(33, &(), |_| Err(Error::invalid("x", 0, "1")));
        assert!(matches!(stop, Err(Error::InvalidParameter { .. })));
    }

    #[test]
    fn interleaved_reading_takes_whole_frames() {
        let signal = Signal::new(8_000, vec![vec![0.25; 3], vec![-0.5; 3]]).expect("legal");
        let mut out = [0.0f32; 5];
        let mut source = Source::of_signal(&signal);
        assert_eq!(source.read_f32(&mut out).expect("in memory"), 2);
        assert_eq!(out, [0.25, -0.5, 0.25, -0.5, 0.0]);
        assert_eq!(source.read_f32(&mut out).expect("in memory"), 1);
        assert!(source.read_f32(&mut [0.0]).is_err(), "no whole frame fits");
    }

    use super::super::Reopen;
}
