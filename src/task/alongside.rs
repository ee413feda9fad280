//! A second source, in pieces as long as those of a first.

use crate::{Result, audio_file::Source};

/// Frames read at once.
const BLOCK: usize = 1 << 14;

/// Reads a source in pieces as they are asked for.
pub(super) struct Alongside<'a> {
    source: Source<'a>,
    block: Vec<Vec<f64>>,
    at: usize,
}

impl<'a> Alongside<'a> {
    pub(super) fn new(source: Source<'a>) -> Self {
        Self { source, block: Vec::new(), at: 0 }
    }

    /// At most `n` samples of each channel, none at the end and never before.
    pub(super) fn next(&mut self, n: usize) -> Result<Vec<&[f64]>> {
        if self.block.first().is_none_or(|x| self.at == x.len()) {
            self.source.read_planar(&mut self.block, BLOCK)?;
            self.at = 0;
        }
        let end = self.block[0].len().min(self.at + n);
        let start = std::mem::replace(&mut self.at, end);
        Ok(self.block.iter().map(|x| &x[start..end]).collect())
    }

    /// Hands over `n` samples of each channel, or what is left of them, as pieces with the place where each begins;
    /// returns how many came.
    pub(super) fn each_piece(&mut self, n: usize, mut take: impl FnMut(usize, &[&[f64]])) -> Result<usize> {
        let mut at = 0;
        while at < n {
            let x = self.next(n - at)?;
            if x[0].is_empty() {
                break;
            }
            take(at, &x);
            at += x[0].len();
        }
        Ok(at)
    }

    /// Samples per channel that were not asked for.
    pub(super) fn rest(&mut self) -> Result<u64> {
        let mut rest = 0;
        loop {
            match self.next(BLOCK)?[0].len() {
                0 => return Ok(rest),
                n => rest += n as u64,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Signal;

    #[test]
    fn pieces_follow_one_another_to_the_end() {
        let x: Vec<f64> = (0..40_000).map(f64::from).collect();
        let signal = Signal::new(8_000, vec![x.clone()]).expect("legal");
        let mut alongside = Alongside::new(Source::of_signal(&signal));
        let mut read = vec![0.0; 30_000];
        let take = |at: usize, piece: &[&[f64]]| read[at..at + piece[0].len()].copy_from_slice(piece[0]);
        assert_eq!(alongside.each_piece(30_000, take).expect("in memory"), 30_000);
        assert_eq!(read, x[..30_000]);
        assert_eq!(alongside.next(1).expect("in memory")[0], [30_000.0]);
        assert_eq!(alongside.rest().expect("in memory"), 9_999);
        assert_eq!(alongside.each_piece(1, |_, _| ()).expect("in memory"), 0);
    }
}
