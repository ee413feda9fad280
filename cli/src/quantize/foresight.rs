//! Reads blocks of a file, one ahead for a chain that wants to know what comes.

use sqnr::{Result, audio_file::Source};

use super::chain::Chain;

/// Blocks in order; what follows them has been shown to the chain.
pub struct Foresight {
    max_frames: usize,
    /// Samples per channel that the chain wants in advance; 0 when it does not care.
    look_ahead: usize,
    /// The block after the one given out last.
    next: Vec<Vec<f64>>,
    has_begun: bool,
}

impl Foresight {
    /// Blocks of at most `max_frames` frames, of more when the chain looks further ahead.
    pub fn new(chain: &Chain, max_frames: usize) -> Self {
        let look_ahead = chain.requantizer.look_ahead();
        Self { max_frames: max_frames.max(look_ahead), look_ahead, next: Vec::new(), has_begun: false }
    }

    /// Reads the next block, one vector per channel; the number of frames, 0 at the end.
    pub fn read(&mut self, source: &mut Source, chain: &mut Chain, block: &mut Vec<Vec<f64>>) -> Result<usize> {
        if self.look_ahead == 0 {
            return source.read_planar(block, self.max_frames);
        }
        if !self.has_begun {
            self.has_begun = true;
            self.advance(source, chain)?;
        }
        std::mem::swap(block, &mut self.next);
        let n = block.first().map_or(0, Vec::len);
        if n > 0 {
            self.advance(source, chain)?;
        }
        Ok(n)
    }

    /// Fills the next block, wholly but at the end of the file, and shows it to the chain; zeros follow the end.
    fn advance(&mut self, source: &mut Source, chain: &mut Chain) -> Result<()> {
        self.next.iter_mut().for_each(Vec::clear);
        let mut part = Vec::new();
        while self.next.first().map_or(0, Vec::len) < self.look_ahead {
            if source.read_planar(&mut part, self.max_frames)? == 0 {
                break;
            }
            self.next.resize_with(part.len(), Vec::new);
            self.next.iter_mut().zip(&part).for_each(|(next, part)| next.extend(part));
        }
        let n_missing = self.look_ahead.saturating_sub(self.next.first().map_or(0, Vec::len));
        let silence = vec![0.0; n_missing];
        let n_channels = usize::from(source.info().spec.channels);
        self.next.resize_with(n_channels, Vec::new);
        for (channel, samples) in self.next.iter().enumerate() {
            chain.requantizer.foresee(channel, samples);
            chain.requantizer.foresee(channel, &silence);
        }
        Ok(())
    }
}
