//! The test's samples where a course of delay leads.

use crate::Result;

use super::{
    interpolator::Interpolator,
    record::{Record, Tape},
};

/// Reads a record at any place, between samples too.
pub(super) struct Reader<'a> {
    tape: Tape<'a>,
    interpolator: Interpolator,
    raw: Vec<Vec<f64>>,
}

impl<'a> Reader<'a> {
    /// - `half`: samples each side of an interpolated point
    pub(super) fn new(record: &'a dyn Record, half: usize) -> Result<Self> {
        Ok(Self { tape: Tape::new(record)?, interpolator: Interpolator::new(half), raw: Vec::new() })
    }

    /// Samples `start` to `start + n`; zeros outside the record.
    pub(super) fn read_whole(&mut self, start: i64, n: usize, out: &mut Vec<Vec<f64>>) -> Result<()> {
        self.tape.read(start, n, out)
    }

    /// The values at `place(0)` to `place(n - 1)`, places that ascend by about one.
    pub(super) fn read_at(&mut self, n: usize, place: impl Fn(usize) -> f64, out: &mut Vec<Vec<f64>>) -> Result<()> {
        if n == 0 {
            out.iter_mut().for_each(Vec::clear);
            return Ok(());
        }
        let (first, end) =
            (self.interpolator.first(place(0)), place(n - 1).floor() as i64 + self.interpolator.half() as i64 + 1);
        self.tape.read(first, usize::try_from(end - first).unwrap_or(0), &mut self.raw)?;
        out.resize_with(self.raw.len(), Vec::new);
        out.iter_mut().for_each(Vec::clear);
        for i in 0..n {
            let t = place(i);
            let from = (self.interpolator.first(t) - first) as usize;
            self.interpolator.turn_to(t);
            for (out, raw) in out.iter_mut().zip(&self.raw) {
                out.push(self.interpolator.at(&raw[from..]));
            }
        }
        Ok(())
    }
}
