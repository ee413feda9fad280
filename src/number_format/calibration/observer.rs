//! PyTorch 1.13's `HistogramObserver` (`torch/ao/quantization/observer.py`, BSD): a histogram of 2048 bins that grows
//! with each batch, and a range narrowed from its ends while an estimate of the squared error falls.
//!
//! The estimate takes 256 levels, whatever the integers are. The histogram's ends are truncated to whole numbers: a
//! behaviour of that version, kept because its scale and zero point depend on it.

use super::{ends, widest};

const N_BINS: usize = 2048;
const N_LEVELS: f64 = 256.0;
/// Each bin is split in so many before histograms of different ranges are added.
const UPSAMPLING: usize = 128;
/// Share of the values that a step of the search gives up.
const QUANTILE_STEP: f64 = 1e-5;

struct Observer {
    min: f32,
    max: f32,
    histogram: Vec<f32>,
}

/// The range for all batches, of which one at least has a value.
pub(super) fn range(batches: &[&[f32]]) -> (f32, f32) {
    let mut batches = batches.iter().filter(|b| !b.is_empty());
    let first = batches.next().expect("checked: there is a value");
    let mut observer = Observer::new(first);
    batches.for_each(|batch| observer.add(batch));
    match (observer.max - observer.min).is_finite() {
        true => observer.search(),
        // PyTorch's range would be NaN.
        false => (observer.min, observer.max),
    }
}

/// `torch.histc(x, 2048, int(min), int(max))`: equal ends mean the data's own, values outside are left out.
fn histc(x: &[f32], min: f32, max: f32) -> Vec<f32> {
    let (mut low, mut high) = (min.trunc(), max.trunc());
    if low == high {
        (low, high) = ends(x);
    }
    if low == high {
        (low, high) = (low - 1.0, high + 1.0);
    }
    let mut counts = vec![0f32; N_BINS];
    for &x in x.iter().filter(|&&x| x >= low && x <= high) {
        // Twice halved, so that no difference overflows.
        let position = (0.5 * x - 0.5 * low) / (0.5 * high - 0.5 * low) * N_BINS as f32;
        counts[(position as usize).min(N_BINS - 1)] += 1.0;
    }
    counts
}

impl Observer {
    fn new(x: &[f32]) -> Self {
        let (min, max) = ends(x);
        Self { min, max, histogram: histc(x, min, max) }
    }

    fn add(&mut self, x: &[f32]) {
        if self.min == self.max {
            *self = Self::new(x);
            return;
        }
        let (min, max) = widest((self.min, self.max), ends(x));
        let fine_width = (self.max - self.min) / (N_BINS * UPSAMPLING) as f32;
        let ratio = ((max - min) / (N_BINS as f32 * fine_width)).ceil();
        // A range this much wider would need a histogram of gigabytes: start again, as later versions do.
        if !ratio.is_finite() || ratio > 1e5 {
            *self = Self::new(x);
            return;
        }
        let downsampling = (ratio as usize).max(1);
        let excess = ratio * (N_BINS as f32 * fine_width) - (max - min);
        let start = ((self.min - min) / fine_width).round_ties_even() as usize;
        let max = max + excess;
        let mut histogram = histc(x, min, max);
        if min == self.min && max == self.max {
            histogram.iter_mut().zip(&self.histogram).for_each(|(new, old)| *new += old);
        } else {
            self.add_old(&mut histogram, downsampling, start);
        }
        *self = Self { min, max, histogram };
    }

    /// Adds the old histogram, each bin split and shifted by `start` splinters, to one with bins `downsampling`
    /// splinters wide.
    fn add_old(&self, histogram: &mut [f32], downsampling: usize, start: usize) {
        // Splinters before `position` hold what the old bins before `(position - start) / UPSAMPLING` hold.
        let mut integral = vec![0.0f64; N_BINS + 1];
        for (i, &count) in self.histogram.iter().enumerate() {
            integral[i + 1] = integral[i] + f64::from(count);
        }
        let before = |position: usize| {
            let inside = position.saturating_sub(start).min(N_BINS * UPSAMPLING);
            let (bin, part) = (inside / UPSAMPLING, inside % UPSAMPLING);
            let partly = if part > 0 { f64::from(self.histogram[bin]) * part as f64 } else { 0.0 };
            integral[bin] * UPSAMPLING as f64 + partly
        };
        let mut previous = 0.0f32;
        for (i, new) in histogram.iter_mut().enumerate() {
            let sum = before((i + 1) * downsampling);
            *new += ((sum - f64::from(previous)) / UPSAMPLING as f64) as f32;
            previous = sum as f32;
        }
    }

    /// Gives up values from the end where more bins go at a time, until the error estimate rises.
    fn search(&self) -> (f32, f32) {
        let total: f64 = self.histogram.iter().map(|&c| f64::from(c)).sum();
        let cumulative: Vec<f32> = self
            .histogram
            .iter()
            .scan(0f32, |sum, count| {
                *sum += count;
                Some(*sum)
            })
            .collect();
        let (mut alpha, mut beta) = (0.0, 1.0);
        let (mut start, mut end) = (0, N_BINS - 1);
        let mut least = f64::INFINITY;
        while alpha < beta {
            let (next_alpha, next_beta) = (alpha + QUANTILE_STEP, beta - QUANTILE_STEP);
            let below = |bin: usize| f64::from(cumulative[bin]) < next_alpha * total;
            let above = |bin: usize| f64::from(cumulative[bin]) > next_beta * total;
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
            let error = self.error(next.0, next.1);
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
    fn error(&self, start: usize, end: usize) -> f64 {
        let width = (f64::from(self.max) - f64::from(self.min)) / N_BINS as f64;
        let level_width = width * (end - start + 1) as f64 / N_LEVELS;
        if level_width == 0.0 {
            return 0.0;
        }
        let level = |x: f64| (x / level_width).floor().clamp(0.0, N_LEVELS - 1.0);
        let center = |level: f64| (level + 0.5) * level_width;
        // Integral of e^2 from a to b.
        let integral = |a: f64, b: f64| (b * b * b - a * a * a) / 3.0;
        let half = level_width / 2.0;
        let bin_error = |(bin, &count): (usize, &f32)| {
            let first = (bin as f64 - start as f64) * width;
            let last = first + width;
            let (from, to) = (level(first), level(last));
            let whole = (to - from - 1.0) * integral(-half, half);
            let norm = integral(first - center(from), half) + whole + integral(-half, last - center(to));
            f64::from(count) / width * norm
        };
        self.histogram.iter().enumerate().map(bin_error).sum()
    }
}
