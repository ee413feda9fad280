//! A signal that comes in blocks, handed on with the neighbours that a filter needs.

use std::ops::Range;

/// Whether more of the signal follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Middle,
    Last,
}

/// Keeps the samples that later ones still need as neighbours.
#[derive(Debug, Default)]
pub(super) struct Overlap {
    /// Neighbours each side, a multiple of `unit`.
    reach: usize,
    /// Samples are handed on in multiples of this, but for the last.
    unit: usize,
    samples: Vec<f64>,
    /// Samples at the start that were handed on before.
    done: usize,
}

impl Overlap {
    pub(super) fn new(reach: usize, unit: usize) -> Self {
        Self { reach, unit, samples: Vec::new(), done: 0 }
    }

    /// Takes samples in; hands `take` all that are kept and the range of those that have all their neighbours now.
    pub(super) fn push(&mut self, x: &[f64], part: Part, take: impl FnOnce(&[f64], Range<usize>)) {
        self.samples.extend_from_slice(x);
        let ready = match part {
            Part::Last => self.samples.len(),
            Part::Middle => self.samples.len().saturating_sub(self.reach) / self.unit * self.unit,
        };
        if ready <= self.done {
            return;
        }
        take(&self.samples, self.done..ready);
        let dropped = ready.saturating_sub(self.reach) / self.unit * self.unit;
        self.samples.drain(..dropped);
        self.done = ready - dropped;
    }
}
