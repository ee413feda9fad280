//! The scale and zero point of least squared error.
//!
//! ```text
//! D(s, z) = sum (x - s k(x))^2,   k(x) = round(x / s) clamped to [q_min - z, q_max - z]
//! ```
//!
//! For one scale, the cells k are the same for every zero point; only how many of them are left at either end differs.
//! With the values sorted and their sums accumulated, one pass over the cells prices every zero point. Scales are
//! tried on a geometric grid; from the best of them, the scale that fits their own codes best,
//! `s = sum x k / sum k^2`, is taken in turn until the codes stay: then no scale near by is better.

mod points;

pub(super) use points::Points;

use super::super::affine::{Affine, IntegerType, Symmetry, middle, within_f32};
use crate::Result;

/// Starting points that are refined.
const N_REFINED: usize = 16;
/// Refinements end by themselves in a few rounds; this only guards against two that alternate.
const MAX_ROUNDS: usize = 64;
/// Narrowest range tried, as a share of the widest: at 4 bits a Laplacian's optimum clips at a third of its maximum.
const NARROWEST: f64 = 0.02;

/// Whether values between `ends` have scales in `f32` and squares in `f64`.
pub(super) fn is_in_range((low, high): (f64, f64)) -> bool {
    low.abs().max(high.abs()) <= f64::from(f32::MAX)
}

pub(super) fn affine(points: Points, kind: IntegerType, symmetry: Symmetry, range: (i32, i32)) -> Result<Affine> {
    let sorted = Sorted::new(points);
    let zero_points = match symmetry {
        Symmetry::Symmetric => (middle(kind), middle(kind)),
        Symmetry::Asymmetric => range,
    };
    let widest = sorted.widest_scale(range, zero_points);
    if widest < f64::from(f32::MIN_POSITIVE) {
        return Affine::new(1.0, zero_points.0.max(0).min(zero_points.1), range);
    }
    let problem = Problem { sorted: &sorted, range, zero_points };
    let mut candidates = problem.grid(widest);
    candidates.sort_by(|a, b| a.error.total_cmp(&b.error));
    candidates.truncate(N_REFINED);
    let refined = candidates.into_iter().map(|c| problem.refine(c));
    let best = refined.min_by(|a, b| a.error.total_cmp(&b.error)).expect("the grid is never empty");
    Affine::new(within_f32(best.scale), best.zero_point, range)
}

/// Ascending points, and how many values, which sum and which sum of squares the first i of them stand for.
struct Sorted {
    x: Vec<f64>,
    n: Vec<f64>,
    sum: Vec<f64>,
    squares: Vec<f64>,
}

impl Sorted {
    fn new(points: Points) -> Self {
        let points = points.ascending();
        let mut sorted = Self { x: Vec::new(), n: vec![0.0], sum: vec![0.0], squares: vec![0.0] };
        for (i, point) in points.iter().enumerate() {
            sorted.x.push(point.mean);
            sorted.n.push(sorted.n[i] + point.n);
            sorted.sum.push(sorted.sum[i] + point.n * point.mean);
            sorted.squares.push(sorted.squares[i] + point.n * point.mean * point.mean + point.scatter);
        }
        sorted
    }

    fn first(&self) -> f64 {
        self.x[0].min(0.0)
    }

    fn last(&self) -> f64 {
        self.x[self.x.len() - 1].max(0.0)
    }

    /// The scale at which nothing clips, zero included in the range.
    fn widest_scale(&self, range: (i32, i32), zero_points: (i32, i32)) -> f64 {
        if zero_points.0 < zero_points.1 {
            return (self.last() - self.first()) / f64::from(range.1 - range.0);
        }
        let (below, above) = (f64::from(zero_points.0 - range.0), f64::from(range.1 - zero_points.0));
        (-self.first() / below).max(self.last() / above)
    }

    /// Number of points below `bound`, searched upwards from `from`.
    fn count_below(&self, bound: f64, from: usize) -> usize {
        // Cells are narrow: the end is near, so look in doubling strides first.
        let (mut low, mut stride) = (from, 1);
        while low + stride < self.x.len() && self.x[low + stride] < bound {
            low += stride;
            stride *= 2;
        }
        let high = (low + stride).min(self.x.len());
        low + self.x[low..high].partition_point(|&x| x < bound)
    }

    /// Squared error of points `from..to` at `level`.
    fn error(&self, from: usize, to: usize, level: f64) -> f64 {
        let n = self.n[to] - self.n[from];
        let sum = self.sum[to] - self.sum[from];
        self.squares[to] - self.squares[from] - 2.0 * level * sum + n * level * level
    }
}

#[derive(Debug, Clone, Copy)]
struct Candidate {
    scale: f64,
    zero_point: i32,
    error: f64,
}

struct Problem<'a> {
    sorted: &'a Sorted,
    range: (i32, i32),
    zero_points: (i32, i32),
}

impl Problem<'_> {
    /// Best zero point of every scale of a geometric grid.
    fn grid(&self, widest: f64) -> Vec<Candidate> {
        let n_levels = f64::from(self.range.1 - self.range.0 + 1);
        // Time goes with scales times levels; with thousands of levels clipping gains nothing.
        let n_scales = (2e6 / n_levels).clamp(32.0, 2048.0);
        let ratio = (NARROWEST.ln() / n_scales).exp();
        let scales = std::iter::successors(Some(1.02 * widest), |s| Some(s * ratio));
        scales.take_while(|&s| s > NARROWEST * widest).map(|s| self.best_zero_point(s)).collect()
    }

    fn best_zero_point(&self, scale: f64) -> Candidate {
        let cells = Cells::new(self.sorted, scale);
        let error_at = |zero_point| self.error(&cells, scale, zero_point);
        let (low, high) = self.useful_zero_points(&cells);
        let best = (low..=high).map(|z| (error_at(z), z)).min_by(|a, b| a.0.total_cmp(&b.0));
        let (error, zero_point) = best.expect("the range has its two ends");
        Candidate { scale, zero_point, error }
    }

    /// Zero points between the one that uses the last code for the last cell and the one that uses the first for the
    /// first: beyond them codes are wasted.
    fn useful_zero_points(&self, cells: &Cells) -> (i32, i32) {
        let allowed = |z: i64| z.clamp(self.zero_points.0.into(), self.zero_points.1.into()) as i32;
        let at_first = allowed(i64::from(self.range.0) - cells.first);
        let at_last = allowed(i64::from(self.range.1) - cells.last());
        (at_first.min(at_last), at_first.max(at_last))
    }

    fn error(&self, cells: &Cells, scale: f64, zero_point: i32) -> f64 {
        let (low, high) = (i64::from(self.range.0 - zero_point), i64::from(self.range.1 - zero_point));
        let (below, above) = (cells.values_before(low), cells.values_before(high + 1));
        let n = self.sorted.x.len();
        let granular = cells.error_before(high + 1) - cells.error_before(low);
        let overload =
            self.sorted.error(0, below, low as f64 * scale) + self.sorted.error(above, n, high as f64 * scale);
        granular + overload
    }

    /// Alternates between codes for the scale and the scale for the codes.
    fn refine(&self, start: Candidate) -> Candidate {
        let mut best = start;
        for _ in 0..MAX_ROUNDS {
            let scale = self.fitted_scale(&best);
            if !(scale.is_finite() && scale > 0.0 && scale != best.scale) {
                break;
            }
            let next = self.best_zero_point(scale);
            if next.error >= best.error {
                break;
            }
            best = next;
        }
        best
    }

    /// `sum x k / sum k^2` for the codes of a candidate.
    fn fitted_scale(&self, candidate: &Candidate) -> f64 {
        let cells = Cells::new(self.sorted, candidate.scale);
        let low = i64::from(self.range.0 - candidate.zero_point);
        let high = i64::from(self.range.1 - candidate.zero_point);
        let (mut correlation, mut energy) = (0.0, 0.0);
        for (i, bounds) in cells.starts.windows(2).enumerate() {
            let k = (cells.first + i as i64).clamp(low, high) as f64;
            correlation += k * (self.sorted.sum[bounds[1]] - self.sorted.sum[bounds[0]]);
            energy += k * k * (self.sorted.n[bounds[1]] - self.sorted.n[bounds[0]]);
        }
        correlation / energy
    }
}

/// The cells of one scale: cell `first + i` holds the points `starts[i]..starts[i + 1]`.
struct Cells {
    first: i64,
    starts: Vec<usize>,
    /// Squared error of what is in the cells before.
    errors: Vec<f64>,
}

impl Cells {
    fn new(sorted: &Sorted, scale: f64) -> Self {
        let first = (sorted.first() / scale).round() as i64;
        let last = (sorted.last() / scale).round() as i64;
        let n_cells = (last - first + 1) as usize;
        let (mut starts, mut errors) = (Vec::with_capacity(n_cells + 1), Vec::with_capacity(n_cells + 1));
        starts.push(0);
        errors.push(0.0);
        let (mut start, mut error) = (0, 0.0);
        for k in first..=last {
            let end = if k == last { sorted.x.len() } else { sorted.count_below((k as f64 + 0.5) * scale, start) };
            error += sorted.error(start, end, k as f64 * scale);
            starts.push(end);
            errors.push(error);
            start = end;
        }
        Self { first, starts, errors }
    }

    fn last(&self) -> i64 {
        self.first + self.starts.len() as i64 - 2
    }

    fn slot(&self, k: i64) -> usize {
        (k - self.first).clamp(0, self.starts.len() as i64 - 1) as usize
    }

    fn values_before(&self, k: i64) -> usize {
        self.starts[self.slot(k)]
    }

    fn error_before(&self, k: i64) -> f64 {
        self.errors[self.slot(k)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn squared_error(x: &[f64], affine: &Affine) -> f64 {
        x.iter().map(|&x| affine.decode(affine.encode(x)) - x).map(|e| e * e).sum()
    }

    fn points(x: &[f64]) -> Points {
        let ends = super::super::ends(x);
        let mut points = Points::new(ends, x.len() as u64, 1);
        points.add(x);
        points
    }

    /// Skewed values with a tail: squares of sums of a few uniforms, shifted.
    fn skewed(n: usize) -> Vec<f64> {
        let mut state = 7u32;
        let mut uniform = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f64::from(state >> 8) / 16_777_216.0
        };
        (0..n).map(|_| (uniform() + uniform() + uniform()).powi(3) - 2.0).collect()
    }

    #[test]
    fn no_scale_or_zero_point_of_a_dense_search_is_better() {
        let x = skewed(400);
        for (kind, symmetry) in [
            (IntegerType::Int4, Symmetry::Asymmetric),
            (IntegerType::UInt4, Symmetry::Symmetric),
            (IntegerType::UInt4, Symmetry::Asymmetric),
        ] {
            let found = affine(points(&x), kind, symmetry, kind.range()).expect("legal");
            let error = squared_error(&x, &found);
            let (low, high) = kind.range();
            let zero_points = match symmetry {
                Symmetry::Symmetric => middle(kind)..=middle(kind),
                Symmetry::Asymmetric => low..=high,
            };
            for zero_point in zero_points {
                for i in 1..6000 {
                    let scale = 2.5 * i as f32 / 6000.0;
                    let other = Affine::new(scale, zero_point, (low, high)).expect("legal");
                    let worse = squared_error(&x, &other);
                    assert!(
                        error <= worse * (1.0 + 1e-6),
                        "{kind:?} {symmetry:?} {scale} {zero_point}: {worse} {error}"
                    );
                }
            }
        }
    }

    #[test]
    fn the_priced_error_is_the_real_one() {
        let x = skewed(1000);
        let sorted = Sorted::new(points(&x));
        let problem = Problem { sorted: &sorted, range: (-128, 127), zero_points: (-128, 127) };
        for scale in [0.05, 0.08, 0.11] {
            let candidate = problem.best_zero_point(scale);
            let real = Affine::new(scale as f32, candidate.zero_point, (-128, 127)).expect("legal");
            let error = squared_error(&x, &real);
            assert!((candidate.error - error).abs() < 1e-4 * error, "{scale}: {} {error}", candidate.error);
        }
    }

    /// More values than are kept become cells; the scale they give errs no more than that of all values but for the last digits.
    #[test]
    fn cells_of_many_values_give_the_scale_of_all() {
        let x = skewed(100_000);
        let ends = super::super::ends(&x);
        for (kind, excess) in [(IntegerType::Int4, 1e-7), (IntegerType::Int8, 1e-5)] {
            let of = |mut points: Points| {
                points.add(&x);
                squared_error(&x, &affine(points, kind, Symmetry::Asymmetric, kind.range()).expect("legal"))
            };
            let (all, cells) = (of(Points::new(ends, x.len() as u64, 1)), of(Points::new(ends, u64::MAX, 1)));
            assert!((cells / all - 1.0).abs() < excess, "{kind:?}: {cells} {all}");
        }
    }
}
