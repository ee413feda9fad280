//! What alignment reads: samples from the start as often as needed, and stretches from anywhere of them.

use crate::{Result, Signal};

/// Samples of one or more channels that can be read from their start as often as needed.
pub trait Record: Sync {
    /// Channels of each block.
    fn n_channels(&self) -> usize;

    /// The samples from the start.
    ///
    /// # Errors
    /// Those of opening what is behind it.
    fn open(&self) -> Result<Box<dyn Blocks + '_>>;
}

/// Samples of a record, block by block.
pub trait Blocks {
    /// Puts the next samples into `block`, at most `max_frames` of each channel; returns how many came, 0 at the end and
    /// never before.
    ///
    /// # Errors
    /// Those of reading.
    fn read(&mut self, block: &mut Vec<Vec<f64>>, max_frames: usize) -> Result<usize>;
}

impl Record for Signal {
    fn n_channels(&self) -> usize {
        self.channels().len()
    }

    fn open(&self) -> Result<Box<dyn Blocks + '_>> {
        Ok(Box::new(SignalBlocks { signal: self, at: 0 }))
    }
}

/// A signal in memory, on its way out.
struct SignalBlocks<'a> {
    signal: &'a Signal,
    at: usize,
}

impl Blocks for SignalBlocks<'_> {
    fn read(&mut self, block: &mut Vec<Vec<f64>>, max_frames: usize) -> Result<usize> {
        let end = self.signal.len().min(self.at + max_frames);
        let frames = std::mem::replace(&mut self.at, end)..end;
        block.resize_with(self.n_channels(), Vec::new);
        for (block, channel) in block.iter_mut().zip(self.signal.channels()) {
            block.clear();
            block.extend_from_slice(&channel[frames.clone()]);
        }
        Ok(frames.len())
    }
}

impl SignalBlocks<'_> {
    fn n_channels(&self) -> usize {
        self.signal.channels().len()
    }
}

/// Some channels of a record, in an order of one's own.
pub struct Selected<'a> {
    record: &'a dyn Record,
    channels: Vec<usize>,
}

impl<'a> Selected<'a> {
    /// Channel i is channel `channels[i]` of `record`, which must have it.
    pub fn new(record: &'a dyn Record, channels: Vec<usize>) -> Self {
        Self { record, channels }
    }
}

impl std::fmt::Debug for Selected<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Selected").field("channels", &self.channels).finish_non_exhaustive()
    }
}

impl Record for Selected<'_> {
    fn n_channels(&self) -> usize {
        self.channels.len()
    }

    fn open(&self) -> Result<Box<dyn Blocks + '_>> {
        Ok(Box::new(SelectedBlocks { blocks: self.record.open()?, channels: &self.channels, all: Vec::new() }))
    }
}

struct SelectedBlocks<'a> {
    blocks: Box<dyn Blocks + 'a>,
    channels: &'a [usize],
    all: Vec<Vec<f64>>,
}

impl Blocks for SelectedBlocks<'_> {
    fn read(&mut self, block: &mut Vec<Vec<f64>>, max_frames: usize) -> Result<usize> {
        let n = self.blocks.read(&mut self.all, max_frames)?;
        block.resize_with(self.channels.len(), Vec::new);
        for (block, &channel) in block.iter_mut().zip(self.channels) {
            block.clear();
            block.extend_from_slice(&self.all[channel]);
        }
        Ok(n)
    }
}

/// Samples read at once, all channels together.
const BLOCK: usize = 1 << 15;
/// Samples kept behind the last stretch, all channels together.
const HISTORY: usize = 1 << 18;

/// Stretches of a record, as a tape gives them: forward costs reading, a little back costs nothing, far back costs winding
/// from the start.
pub struct Tape<'a> {
    record: &'a dyn Record,
    blocks: Box<dyn Blocks + 'a>,
    block: Vec<Vec<f64>>,
    held: Vec<Vec<f64>>,
    /// Place of the first sample held.
    first: u64,
    has_ended: bool,
}

impl std::fmt::Debug for Tape<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tape").field("first", &self.first).finish_non_exhaustive()
    }
}

impl<'a> Tape<'a> {
    /// A tape at its start.
    ///
    /// # Errors
    /// Those of [`Record::open`].
    pub fn new(record: &'a dyn Record) -> Result<Self> {
        let held = vec![Vec::new(); record.n_channels()];
        Ok(Self { record, blocks: record.open()?, block: Vec::new(), held, first: 0, has_ended: false })
    }

    /// Puts samples `start` to `start + n` of each channel into `out`; zeros stand outside the record.
    ///
    /// # Errors
    /// Those of reading.
    pub fn read(&mut self, start: i64, n: usize, out: &mut Vec<Vec<f64>>) -> Result<()> {
        let end = u64::try_from(start.saturating_add(n as i64)).unwrap_or(0);
        let from = u64::try_from(start).unwrap_or(0);
        if from < self.first && from < end {
            *self = Self::new(self.record)?;
        }
        self.advance(from, end)?;
        out.resize_with(self.held.len(), Vec::new);
        let end = end.min(self.end());
        for (out, held) in out.iter_mut().zip(&self.held) {
            out.clear();
            out.resize(n, 0.0);
            if from < end {
                let (a, b) = ((from - self.first) as usize, (end - self.first) as usize);
                let at = (from as i64 - start) as usize;
                out[at..at + b - a].copy_from_slice(&held[a..b]);
            }
        }
        Ok(())
    }

    fn end(&self) -> u64 {
        self.first + self.held[0].len() as u64
    }

    /// Reads until `end` is held, and drops what lies far before `from`.
    fn advance(&mut self, from: u64, end: u64) -> Result<()> {
        let n_channels = self.held.len();
        let (block, history) = ((BLOCK / n_channels).max(64), (HISTORY / n_channels).max(1_024) as u64);
        while self.end() < end && !self.has_ended {
            let n = self.blocks.read(&mut self.block, block)?;
            self.has_ended = n == 0;
            self.held.iter_mut().zip(&self.block).for_each(|(held, block)| held.extend_from_slice(block));
            // Half of it at once: moving what stays costs little then.
            let kept_from = from.saturating_sub(history).min(self.end());
            if kept_from >= self.first + history / 2 {
                let n_dropped = (kept_from - self.first) as usize;
                self.held.iter_mut().for_each(|held| drop(held.drain(..n_dropped)));
                self.first = kept_from;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ramp(n: usize) -> Signal {
        let x: Vec<f64> = (0..n).map(|i| i as f64).collect();
        Signal::new(8_000, vec![x.clone(), x.iter().map(|x| -x).collect()]).expect("legal")
    }

    #[test]
    fn a_tape_gives_any_stretch() {
        let signal = ramp(1 << 20);
        let mut tape = Tape::new(&signal).expect("in memory");
        let mut out = Vec::new();
        for start in [-7i64, 3, 900_000, 899_000, 5, 1_048_570, 2_000_000, -100, i64::MAX - 20] {
            tape.read(start, 12, &mut out).expect("in memory");
            for (i, &x) in out[1].iter().enumerate() {
                let at = start.saturating_add(i as i64);
                let wanted = if (0..1 << 20).contains(&at) { -(at as f64) } else { 0.0 };
                assert_eq!(x, wanted, "{start} + {i}");
            }
        }
    }

    #[test]
    fn what_is_held_stays_bounded() {
        let signal = ramp(1 << 20);
        let mut tape = Tape::new(&signal).expect("in memory");
        let mut out = Vec::new();
        for start in (0..1 << 20).step_by(1_000) {
            tape.read(start, 1_000, &mut out).expect("in memory");
            assert!(tape.held[0].len() <= HISTORY + BLOCK, "{}", tape.held[0].len());
        }
    }

    #[test]
    fn channels_are_chosen_and_ordered() {
        let signal = ramp(10);
        let chosen = Selected::new(&signal, vec![1, 0, 1]);
        let mut block = Vec::new();
        assert_eq!(chosen.open().expect("in memory").read(&mut block, 3).expect("in memory"), 3);
        assert_eq!(block, [vec![0.0, -1.0, -2.0], vec![0.0, 1.0, 2.0], vec![0.0, -1.0, -2.0]]);
    }
}
