//! A record at another rate, by the interpolator that undoes drift.

use crate::Result;

use super::{
    interpolator::Interpolator,
    path::HALF,
    record::{Blocks, Record},
};

/// A record at another rate.
pub struct Resampled<'a> {
    record: &'a dyn Record,
    /// Samples of the record per sample that comes out.
    step: f64,
}

impl std::fmt::Debug for Resampled<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Resampled").field("step", &self.step).finish_non_exhaustive()
    }
}

impl<'a> Resampled<'a> {
    /// `record`, which has `from_hz`, at `to_hz`; both above 0.
    pub fn new(record: &'a dyn Record, from_hz: f64, to_hz: f64) -> Self {
        Self { record, step: from_hz / to_hz }
    }

    /// Samples at each end that lack neighbours.
    pub fn unsupported(&self) -> u64 {
        (self.half() as f64 / self.step).ceil() as u64
    }

    /// A lower rate needs a longer filter.
    fn half(&self) -> usize {
        (HALF as f64 * self.step.max(1.0)).ceil() as usize
    }
}

impl Record for Resampled<'_> {
    fn n_channels(&self) -> usize {
        self.record.n_channels()
    }

    fn open(&self) -> Result<Box<dyn Blocks + '_>> {
        let interpolator = Interpolator::with_cutoff(self.half(), (1.0 / self.step).min(1.0));
        Ok(Box::new(ResampledBlocks {
            blocks: self.record.open()?,
            block: Vec::new(),
            // Silence before the start.
            held: vec![vec![0.0; self.half()]; self.record.n_channels()],
            first: -(self.half() as i64),
            end: None,
            interpolator,
            step: self.step,
            at: 0,
        }))
    }
}

struct ResampledBlocks<'a> {
    blocks: Box<dyn Blocks + 'a>,
    block: Vec<Vec<f64>>,
    held: Vec<Vec<f64>>,
    /// Place of the first sample held.
    first: i64,
    /// Samples of the record, once its end was met.
    end: Option<i64>,
    interpolator: Interpolator,
    step: f64,
    /// Samples given out.
    at: u64,
}

impl ResampledBlocks<'_> {
    /// Place in the record of the next sample.
    fn place(&self) -> f64 {
        self.at as f64 * self.step
    }

    /// Reads on until the next sample has its neighbours; false at the end.
    fn is_ready(&mut self) -> Result<bool> {
        let last = self.interpolator.first(self.place()) + 2 * self.interpolator.half() as i64 - 1;
        while self.end.is_none() && self.first + self.held[0].len() as i64 <= last {
            let n = self.blocks.read(&mut self.block, 4_096)?;
            if n == 0 {
                self.end = Some(self.first + self.held[0].len() as i64);
                let silence = 2 * self.interpolator.half() + 2;
                self.held.iter_mut().for_each(|held| held.resize(held.len() + silence, 0.0));
                break;
            }
            self.drop_old();
            self.held.iter_mut().zip(&self.block).for_each(|(held, block)| held.extend_from_slice(block));
        }
        Ok(self.end.is_none_or(|end| self.place() < end as f64))
    }

    fn drop_old(&mut self) {
        let n_old = (self.interpolator.first(self.place()) - self.first).clamp(0, self.held[0].len() as i64);
        self.held.iter_mut().for_each(|held| drop(held.drain(..n_old as usize)));
        self.first += n_old;
    }
}

impl Blocks for ResampledBlocks<'_> {
    fn read(&mut self, block: &mut Vec<Vec<f64>>, max_frames: usize) -> Result<usize> {
        block.resize_with(self.held.len(), Vec::new);
        block.iter_mut().for_each(Vec::clear);
        let mut n = 0;
        while n < max_frames && self.is_ready()? {
            let place = self.place();
            let from = (self.interpolator.first(place) - self.first) as usize;
            self.interpolator.turn_to(place);
            for (out, held) in block.iter_mut().zip(&self.held) {
                out.push(self.interpolator.at(&held[from..]));
            }
            self.at += 1;
            n += 1;
        }
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Signal, analysis::alignment::Outline};
    use std::f64::consts::TAU;

    #[test]
    fn a_tone_stays_the_tone_at_any_rate() {
        for (from, to) in [(44_100u32, 48_000u32), (48_000, 44_100), (8_000, 48_000), (96_000, 8_000)] {
            let sine = |rate: u32, n: usize| -> Vec<f64> {
                (0..n).map(|i| 0.5 * (TAU * 997.0 * i as f64 / f64::from(rate)).sin()).collect()
            };
            let signal = Signal::new(from, vec![sine(from, from as usize / 2)]).expect("legal");
            let resampled = Resampled::new(&signal, f64::from(from), f64::from(to));
            let (mut blocks, mut block, mut y) = (resampled.open().expect("in memory"), Vec::new(), Vec::new());
            while blocks.read(&mut block, 777).expect("in memory") > 0 {
                y.extend_from_slice(&block[0]);
            }
            let wanted = sine(to, y.len());
            assert_eq!(y.len(), to as usize / 2, "{from} to {to}");
            let ends = resampled.unsupported() as usize;
            let inner = ends..y.len() - ends;
            let worst = inner.map(|i| (y[i] - wanted[i]).abs()).fold(0.0, f64::max);
            assert!(worst < 1e-5, "{from} to {to}: {worst}");
        }
    }

    #[test]
    fn nothing_gives_nothing() {
        let empty = Signal::new(8_000, vec![vec![]]).expect("legal");
        assert_eq!(Outline::of(&Resampled::new(&empty, 8e3, 48e3)).expect("in memory").n_frames, 0);
    }
}
