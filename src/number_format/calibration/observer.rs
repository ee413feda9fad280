//! PyTorch 2.15's `HistogramObserver` (`torch/ao/quantization/observer.py`, BSD): a histogram of 2048 bins that widens
//! with each batch, and a range narrowed from its ends while an estimate of the squared error falls.

use super::super::affine::{IntegerType, within_f32};
use super::ends;

const N_BINS: usize = 2048;
/// Each bin is split in so many before it is moved to a wider histogram.
const UPSAMPLING: usize = 16;
/// Share of the values that a step of the search gives up.
const QUANTILE_STEP: f64 = 1e-5;

/// A histogram from the smallest value to the largest.
#[derive(Debug)]
pub(super) struct Observer {
    min: f32,
    max: f32,
    counts: Vec<f64>,
}

/// The range for all batches, of which there is one at least, none empty.
pub(super) fn range(batches: &[&[f64]], kind: IntegerType) -> (f32, f32) {
    let batch_ends = |batch: &[f64]| {
        let (low, high) = ends(batch);
        (within_f32(low), within_f32(high))
    };
    let mut observer = Observer::new(batch_ends(batches[0]));
    observer.count(batches[0]);
    for batch in &batches[1..] {
        observer.widen(batch_ends(batch));
        observer.count(batch);
    }
    observer.range(kind)
}

/// Bin i of `torch.histc` over `min` to `max`; equal ends mean one less and one more.
fn bin(x: f32, (min, max): (f32, f32)) -> usize {
    let (min, max) = if min == max { (min - 1.0, max + 1.0) } else { (min, max) };
    let width = max - min;
    // Halved where the difference would overflow.
    let share = if width.is_finite() { (x - min) / width } else { (0.5 * x - 0.5 * min) / (0.5 * max - 0.5 * min) };
    ((share * N_BINS as f32) as usize).min(N_BINS - 1)
}

impl Observer {
    /// An empty histogram of values within the ends.
    pub(super) fn new((min, max): (f32, f32)) -> Self {
        Self { min, max, counts: vec![0.0; N_BINS] }
    }

    /// Counts values within the ends.
    pub(super) fn count(&mut self, x: &[f64]) {
        let ends = (self.min, self.max);
        x.iter().for_each(|&x| self.counts[bin(within_f32(x), ends)] += 1.0);
    }

    /// Makes room for values within other ends.
    fn widen(&mut self, (min, max): (f32, f32)) {
        let wider = Self::new((self.min.min(min), self.max.max(max)));
        if (wider.min, wider.max) == (self.min, self.max) {
            return;
        }
        let old = std::mem::replace(self, wider);
        if old.min == old.max {
            self.counts[bin(old.min, (self.min, self.max))] = old.counts.iter().sum();
            return;
        }
        let edges: Vec<f32> = (0..=N_BINS).map(|i| linear(self.min, self.max, N_BINS, i)).collect();
        let n_parts = N_BINS * UPSAMPLING;
        let part_width = (old.max - old.min) / n_parts as f32;
        for part in 0..n_parts {
            let middle = linear(old.min, old.max, n_parts, part) + 0.5 * part_width;
            let bin = edges.partition_point(|&edge| edge <= middle).clamp(1, N_BINS) - 1;
            self.counts[bin] += old.counts[part / UPSAMPLING] / UPSAMPLING as f64;
        }
        // PyTorch keeps counts in single precision.
        self.counts.iter_mut().for_each(|count| *count = f64::from(*count as f32));
    }

    /// Gives up values from the end where more bins go at a time, until the error estimate for codes of `kind` rises.
    pub(super) fn range(&self, kind: IntegerType) -> (f32, f32) {
        if !(self.max - self.min).is_finite() {
            // PyTorch's range would be NaN.
            return (self.min, self.max);
        }
        let total: f64 = self.counts.iter().sum();
        let cumulative: Vec<f32> = self
            .counts
            .iter()
            .scan(0f64, |sum, count| {
                *sum += count;
                Some(*sum as f32)
            })
            .collect();
        let n_levels = f64::from(1u32 << kind.bits());
        let (mut alpha, mut beta) = (0.0, 1.0);
        let (mut start, mut end) = (0, N_BINS - 1);
        let mut least = f64::INFINITY;
        while alpha < beta {
            let (next_alpha, next_beta) = (alpha + QUANTILE_STEP, beta - QUANTILE_STEP);
            let below = |bin: usize| cumulative[bin] < (next_alpha * total) as f32;
            let above = |bin: usize| cumulative[bin] > (next_beta * total) as f32;
            let left = (start..end).find(|&bin| !below(bin)).unwrap_or(end);
            let right = (start + 1..=end).rev().find(|&bin| !above(bin)).unwrap_or(start);
            let next = if left - start > end - right {
                alpha = next_alpha;
                (left, end)
            } else {
                beta = next_beta;
                (start, right)
            };
            if next == (start, end) {
                continue;
            }
            let error = self.error(next.0, next.1, n_levels);
            if error > least {
                break;
            }
            least = error;
            (start, end) = next;
        }
        let width = (self.max - self.min) / N_BINS as f32;
        (self.min + width * start as f32, self.min + width * (end + 1) as f32)
    }

    /// Squared error when bins `start` to `end` are the range, each bin's values spread evenly over it.
    fn error(&self, start: usize, end: usize, n_levels: f64) -> f64 {
        let width = (f64::from(self.max) - f64::from(self.min)) / N_BINS as f64;
        let level_width = width * (end - start + 1) as f64 / n_levels;
        if level_width == 0.0 {
            return 0.0;
        }
        let level = |x: f64| (x / level_width).floor().clamp(0.0, n_levels - 1.0);
        let center = |level: f64| (level + 0.5) * level_width;
        // Integral of e^2 from a to b.
        let integral = |a: f64, b: f64| (b * b * b - a * a * a) / 3.0;
        let half = level_width / 2.0;
        let bin_error = |(bin, &count): (usize, &f64)| {
            let first = (bin as f64 - start as f64) * width;
            let last = first + width;
            let (from, to) = (level(first), level(last));
            let whole = (to - from - 1.0) * integral(-half, half);
            let norm = integral(first - center(from), half) + whole + integral(-half, last - center(to));
            count / width * norm
        };
        self.counts.iter().enumerate().map(bin_error).sum()
    }
}

/// Point `i` of `torch.linspace(from, to, n + 1)`, which counts from the nearer end.
fn linear(from: f32, to: f32, n: usize, i: usize) -> f32 {
    let step = (to - from) / n as f32;
    if i < n.div_ceil(2) { from + step * i as f32 } else { to - step * (n - i) as f32 }
}
