//! Samples that an encoder reads: several times, planar.

use crate::Result;

/// Samples that can be read more than once.
pub trait PcmSource {
    /// Returns to the first sample.
    ///
    /// # Errors
    /// `Io`.
    fn rewind(&mut self) -> Result<()>;

    /// Reads the next samples, planar, full scale 1.0, as many as is handy; returns how many for each channel, 0 at the
    /// end and never before. The vectors hold exactly these samples afterwards.
    ///
    /// # Errors
    /// `Io`.
    fn read(&mut self, channels: &mut Vec<Vec<f32>>) -> Result<usize>;
}

/// What the codec makes of a sample: NaN counts as 0, infinity as full scale.
pub(super) fn finite(x: f32) -> f32 {
    match x {
        x if x.is_nan() => 0.0,
        x if x.is_infinite() => x.signum(),
        x => x,
    }
}

/// Planar samples in memory as a source.
#[derive(Debug, Clone)]
pub struct InMemory<'a> {
    channels: &'a [Vec<f32>],
    at: usize,
}

impl<'a> InMemory<'a> {
    /// A source at its start.
    pub fn new(channels: &'a [Vec<f32>]) -> Self {
        Self { channels, at: 0 }
    }
}

impl PcmSource for InMemory<'_> {
    fn rewind(&mut self) -> Result<()> {
        self.at = 0;
        Ok(())
    }

    fn read(&mut self, channels: &mut Vec<Vec<f32>>) -> Result<usize> {
        const BLOCK: usize = 1 << 14;
        let end = self.channels.iter().map(Vec::len).min().unwrap_or(0).min(self.at + BLOCK);
        channels.resize_with(self.channels.len(), Vec::new);
        for (out, all) in channels.iter_mut().zip(self.channels) {
            out.clear();
            out.extend(&all[self.at..end]);
        }
        let n = end - self.at;
        self.at = end;
        Ok(n)
    }
}

/// One stretch of so many is looked at first.
const EXCERPT_SHARE: u64 = 4;

/// Every fourth stretch of a long source, for a first estimate.
pub(super) struct Excerpts<'a> {
    source: &'a mut dyn PcmSource,
    /// Samples per channel.
    stretch: u64,
    at: u64,
}

impl<'a> Excerpts<'a> {
    /// Excerpts of `stretch` samples per channel from `source`.
    pub(super) fn new(source: &'a mut dyn PcmSource, stretch: u64) -> Self {
        Self { source, stretch, at: 0 }
    }
}

impl PcmSource for Excerpts<'_> {
    fn rewind(&mut self) -> Result<()> {
        self.at = 0;
        self.source.rewind()
    }

    fn read(&mut self, channels: &mut Vec<Vec<f32>>) -> Result<usize> {
        loop {
            let n = self.source.read(channels)?;
            let is_taken = (self.at / self.stretch).is_multiple_of(EXCERPT_SHARE);
            self.at += n as u64;
            if n == 0 || is_taken {
                return Ok(n);
            }
        }
    }
}

/// The samples of a source in blocks of any length. NaN and infinities become 0, as the encoder takes them.
pub(super) struct Blocks<'a> {
    source: &'a mut dyn PcmSource,
    /// The block that the source returned last; its first `at` samples are used.
    ahead: Vec<Vec<f32>>,
    at: usize,
    block: Vec<Vec<f32>>,
}

impl<'a> Blocks<'a> {
    /// Blocks from the first sample on.
    ///
    /// # Errors
    /// Those of the source.
    pub(super) fn new(source: &'a mut dyn PcmSource) -> Result<Self> {
        source.rewind()?;
        Ok(Self { source, ahead: Vec::new(), at: 0, block: Vec::new() })
    }

    /// The next `n` samples, planar; zeros after the end of the source.
    ///
    /// # Errors
    /// Those of the source.
    pub(super) fn next(&mut self, n: usize) -> Result<&[Vec<f32>]> {
        self.block.iter_mut().for_each(Vec::clear);
        let mut missing = n;
        while missing > 0 {
            let left = self.ahead.first().map_or(0, Vec::len) - self.at;
            if left == 0 {
                self.at = 0;
                if self.source.read(&mut self.ahead)? == 0 {
                    break;
                }
                self.block.resize_with(self.ahead.len(), Vec::new);
                continue;
            }
            let taken = self.at..self.at + left.min(missing);
            for (block, ahead) in self.block.iter_mut().zip(&self.ahead) {
                block.extend(ahead[taken.clone()].iter().copied().map(finite));
            }
            (self.at, missing) = (taken.end, missing - taken.len());
        }
        self.block.iter_mut().for_each(|channel| channel.resize(n, 0.0));
        Ok(&self.block)
    }
}
