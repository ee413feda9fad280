//! Which sample of the test belongs to which of the reference: a course of delay, and pieces between jumps.
//!
//! ```text
//! place in the test of sample t of the reference = t + course(t) + jump of the piece
//! ```

use std::ops::Range;

use super::{course::Course, fit::Line};

/// Samples each side of a point that is interpolated.
pub const HALF: usize = 64;

/// A stretch of the reference that has its counterpart in one stretch of the test.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Piece {
    /// First sample of the reference.
    pub start: u64,
    /// One past the last.
    pub end: u64,
    /// Samples that the test comes later than before the first jump.
    pub jump: f64,
}

/// Samples that only one of the two has, or that both have and that were left out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Gap {
    /// Where in the reference, in samples.
    pub at: u64,
    /// How many samples.
    pub n_samples: u64,
    /// What happened to them.
    pub kind: GapKind,
}

/// What happened to the samples of a gap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GapKind {
    /// The reference has them, the test has not.
    Lost,
    /// The test has them, the reference has not.
    Inserted,
    /// The test has them twice.
    Repeated,
}

/// Where the reference lies in the test.
#[derive(Debug, Clone, PartialEq)]
pub struct Path {
    /// Delay over time.
    pub course: Course,
    /// The line through the local delays, and what it leaves; all zero where there was nothing to fit.
    pub line: Line,
    /// In order; not one where the two do not meet.
    pub pieces: Vec<Piece>,
    /// Between the pieces, before the first and after the last, in order.
    pub gaps: Vec<Gap>,
    /// Samples of the reference.
    pub n_reference: u64,
    /// Samples of the test.
    pub n_test: u64,
    /// Samples at the ends of reference and test that a filter before lacked neighbours for.
    pub unsupported: (u64, u64),
}

impl Path {
    /// Sample by sample as the records are.
    pub fn as_is(n_reference: u64, n_test: u64) -> Self {
        let mut path = Self {
            course: Course::Whole(0),
            line: Line::default(),
            pieces: vec![Piece { start: 0, end: n_reference, jump: 0.0 }],
            gaps: Vec::new(),
            n_reference,
            n_test,
            unsupported: (0, 0),
        };
        path.cut_to_test();
        path
    }

    /// Place in the test of sample `t` of the reference, in `piece`.
    pub fn place(&self, piece: &Piece, t: f64) -> f64 {
        t + self.course.delay_at(t) + piece.jump
    }

    /// True when the test is read sample by sample, nothing between them.
    pub fn is_whole(&self) -> bool {
        matches!(self.course, Course::Whole(_)) && self.pieces.iter().all(|piece| piece.jump.fract() == 0.0)
    }

    /// Cuts the pieces to what the test has, and tells what the ends lack.
    pub(super) fn cut_to_test(&mut self) {
        let last = self.n_test as f64 - 0.5;
        let mut pieces = std::mem::take(&mut self.pieces);
        for piece in &mut pieces {
            let before = |t: u64| self.place(piece, t as f64) < -0.5;
            let start = first_where(piece.start..piece.end, |t| !before(t));
            let inside = |t: u64| self.place(piece, t as f64) < last;
            let end = first_where(start..piece.end, |t| !inside(t));
            (piece.start, piece.end) = (start, end);
        }
        pieces.retain(|piece| piece.start < piece.end);
        self.pieces = pieces;
        self.tell_ends();
    }

    fn tell_ends(&mut self) {
        let lost = |at: u64, n_samples: u64| Gap { at, n_samples, kind: GapKind::Lost };
        let (Some(first), Some(last)) = (self.pieces.first(), self.pieces.last()) else {
            self.gaps = vec![lost(0, self.n_reference)];
            self.gaps.retain(|gap| gap.n_samples > 0);
            return;
        };
        let beyond = self.n_test as f64 - self.place(last, (last.end - 1) as f64) - 1.0;
        let beyond = Gap { at: last.end, n_samples: beyond.round().max(0.0) as u64, kind: GapKind::Inserted };
        let (start, end) = (lost(0, first.start), lost(last.end, self.n_reference - last.end));
        self.gaps.insert(0, start);
        self.gaps.extend([end, if last.end == self.n_reference { beyond } else { lost(0, 0) }]);
        self.gaps.retain(|gap| gap.n_samples > 0);
    }

    /// Samples of the reference that have a counterpart.
    pub fn n_covered(&self) -> u64 {
        self.pieces.iter().map(|piece| piece.end - piece.start).sum()
    }

    /// The stretches that figures are measured over, with the piece of each: where something is interpolated or was
    /// filtered before, the samples at the ends that lack neighbours are left out.
    pub fn measured(&self) -> Vec<(Range<u64>, Piece)> {
        let n = self.pieces.len();
        let of = |(i, piece): (usize, &Piece)| {
            let (reference, test) = self.unsupported;
            let low = if i == 0 { test as f64 } else { self.place(piece, piece.start as f64) };
            let high = match i + 1 == n {
                true => self.n_test.saturating_sub(test) as f64 - 1.0,
                false => self.place(piece, (piece.end - 1) as f64),
            };
            let half = if self.is_whole() { 0 } else { HALF as i64 };
            let needs = |t: u64| {
                let place = self.place(piece, t as f64);
                match half {
                    0 => (place, place),
                    _ => (place.floor() - (half - 1) as f64, place.floor() + half as f64),
                }
            };
            // Half a sample beyond an end that is not whole is nothing that lacks.
            let start = first_where(piece.start.max(reference)..piece.end, |t| needs(t).0 >= low - 0.5);
            let end = piece.end.min(self.n_reference.saturating_sub(reference)).max(start);
            let end = first_where(start..end, |t| needs(t).1 > high + 0.5);
            (start..end, *piece)
        };
        self.pieces.iter().enumerate().map(of).filter(|(range, _)| range.start < range.end).collect()
    }

    /// Samples that have a counterpart and are left out.
    pub fn n_left_out(&self) -> u64 {
        let n_measured: u64 = self.measured().iter().map(|(range, _)| range.end - range.start).sum();
        self.n_covered() - n_measured
    }
}

/// First of a range for which `holds`, which stays true once it is; the end where there is none.
fn first_where(range: Range<u64>, holds: impl Fn(u64) -> bool) -> u64 {
    let (mut low, mut high) = (range.start, range.end.max(range.start));
    while low < high {
        let middle = low + (high - low) / 2;
        match holds(middle) {
            true => high = middle,
            false => low = middle + 1,
        }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(course: Course, pieces: Vec<Piece>, n_reference: u64, n_test: u64) -> Path {
        let mut path = Path { course, pieces, ..Path::as_is(n_reference, n_test) };
        path.gaps.clear();
        path.cut_to_test();
        path
    }

    #[test]
    fn a_shorter_test_and_a_longer_one_are_told() {
        let short = Path::as_is(100, 60);
        assert_eq!((short.n_covered(), short.n_left_out()), (60, 0));
        assert_eq!(short.gaps, [Gap { at: 60, n_samples: 40, kind: GapKind::Lost }]);
        let long = Path::as_is(60, 100);
        assert_eq!(long.gaps, [Gap { at: 60, n_samples: 40, kind: GapKind::Inserted }]);
        assert_eq!(Path::as_is(60, 0).gaps, [Gap { at: 0, n_samples: 60, kind: GapKind::Lost }]);
        assert!(Path::as_is(0, 0).gaps.is_empty() && Path::as_is(0, 0).measured().is_empty());
    }

    #[test]
    fn delays_cut_the_ends() {
        let one = |n| vec![Piece { start: 0, end: n, jump: 0.0 }];
        let early = path(Course::Whole(-10), one(100), 100, 100);
        assert_eq!(early.pieces, [Piece { start: 10, end: 100, jump: 0.0 }]);
        assert_eq!(early.gaps[1], Gap { at: 100, n_samples: 10, kind: GapKind::Inserted });
        let late = path(Course::Line { delay: 3.5, drift: 0.0 }, one(1_000), 1_000, 1_000);
        assert_eq!((late.pieces[0].start, late.pieces[0].end), (0, 996));
        // Place 63.5 needs the samples from 63 - 63 on, place 935.5 those up to 935 + 64.
        assert_eq!(late.measured()[0].0, 60..933);
        assert_eq!(late.n_left_out(), 60 + 63);
    }

    #[test]
    fn what_a_filter_lacked_is_left_out() {
        let filtered = Path { unsupported: (0, 24), ..Path::as_is(1_000, 1_000) };
        assert_eq!((filtered.measured()[0].0.clone(), filtered.n_left_out()), (24..976, 48));
    }
}
