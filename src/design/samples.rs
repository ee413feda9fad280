//! The source as samples: distinct values in ascending order, each with its weight, and their running moments.

use super::density::{self, Cell, Density};
use super::gatherer::Point;
use super::panter_dite::companded_thresholds;
use crate::{Error, Result};

/// The square root of what `f64` holds, with room for a sum.
const LARGEST: f64 = 1e150;

/// A share of the weight that a running sum of all still resolves.
const LEAST_SHARE: f64 = 1e-15;

/// Distinct finite values, ascending, and how much each weighs (how often it occurs).
///
/// ```
/// use sqnr::design::Samples;
///
/// let samples = Samples::new(&[0.5, -0.5, 0.5])?;
/// assert_eq!((samples.values(), samples.weights()), (&[-0.5, 0.5][..], &[1.0, 2.0][..]));
/// assert_eq!(samples.power(), 0.25);
/// # Ok::<(), sqnr::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Samples {
    values: Vec<f64>,
    weights: Vec<f64>,
    /// Mean squared distance of what a value stands for from the value: 0 unless values are centroids.
    within: f64,
    /// The same of each value, summed over what it stands for; empty where values are samples.
    scatters: Vec<f64>,
}

impl Samples {
    /// From samples in any order, each of weight 1. Sorted input saves the sorting.
    ///
    /// # Errors
    /// `InvalidParameter` when there is none, or one is NaN or infinite.
    pub fn new(samples: &[f64]) -> Result<Self> {
        if samples.is_empty() {
            return Err(Error::invalid("number of samples", 0, "1 and above"));
        }
        check_values("sample", samples)?;
        let mut sorted;
        let samples = if samples.is_sorted() {
            samples
        } else {
            sorted = samples.to_vec();
            sorted.sort_unstable_by(f64::total_cmp);
            &sorted
        };
        let mut out =
            Self { values: Vec::with_capacity(samples.len()), weights: Vec::new(), within: 0.0, scatters: Vec::new() };
        out.weights.reserve(samples.len());
        for same in samples.chunk_by(|a, b| a == b) {
            out.values.push(same[0]);
            out.weights.push(same.len() as f64);
        }
        Ok(out)
    }

    /// From a histogram: `weights[i]` is the weight of `values[i]`, values ascending. Weights of 0 are left out, and those
    /// under 1e-15 of all, which a running sum would lose.
    ///
    /// # Errors
    /// `LengthMismatch`; `InvalidParameter` when a value or a weight is not finite, a weight is negative, all are 0, or
    /// the values are not strictly ascending.
    pub fn from_histogram(values: &[f64], weights: &[f64]) -> Result<Self> {
        if values.len() != weights.len() {
            return Err(Error::LengthMismatch {
                what: "weights of a histogram",
                expected: values.len(),
                got: weights.len(),
            });
        }
        check_values("value of a histogram", values)?;
        if let Some(bad) = weights.iter().find(|w| !w.is_finite() || **w < 0.0) {
            return Err(Error::invalid("weight of a histogram", bad, "finite numbers from 0"));
        }
        if let Some(pair) = values.windows(2).find(|pair| pair[0] >= pair[1]) {
            return Err(Error::invalid("value of a histogram", pair[1], "strictly ascending values"));
        }
        let total: f64 = weights.iter().sum();
        if !total.is_finite() {
            return Err(Error::invalid("sum of weights", total, "a finite number"));
        }
        let kept = || values.iter().zip(weights).filter(|(_, w)| **w > total * LEAST_SHARE);
        if kept().next().is_none() {
            return Err(Error::invalid("weight of a histogram", 0, "at least one weight above 0"));
        }
        let (values, weights) = kept().unzip();
        Ok(Self { values, weights, within: 0.0, scatters: Vec::new() })
    }

    /// From 16-bit codes, full scale 32768: a histogram, so that a million samples need no sorting.
    ///
    /// # Errors
    /// `InvalidParameter` when there is no code.
    pub fn from_codes(codes: &[i16]) -> Result<Self> {
        if codes.is_empty() {
            return Err(Error::invalid("number of samples", 0, "1 and above"));
        }
        let mut counts = vec![0u64; 1 << 16];
        for &code in codes {
            counts[(i32::from(code) + 32_768) as usize] += 1;
        }
        let present = || counts.iter().enumerate().filter(|(_, n)| **n > 0);
        let value = |i: usize| (i as f64 - 32_768.0) / 32_768.0;
        Ok(Self {
            values: present().map(|(i, _)| value(i)).collect(),
            weights: present().map(|(_, &n)| n as f64).collect(),
            within: 0.0,
            scatters: Vec::new(),
        })
    }

    /// From values in ascending order, each with what it stands for.
    pub(super) fn from_points(points: Vec<Point>) -> Result<Self> {
        if points.is_empty() {
            return Err(Error::invalid("number of samples", 0, "1 and above"));
        }
        let values: Vec<f64> = points.iter().map(|point| point.value).collect();
        check_values("sample", &values)?;
        let total: f64 = points.iter().map(|point| point.weight).sum();
        let scatter: f64 = points.iter().map(|point| point.scatter).sum();
        let scatters = if scatter > 0.0 { points.iter().map(|point| point.scatter).collect() } else { Vec::new() };
        let weights = points.iter().map(|point| point.weight).collect();
        Ok(Self { values, weights, within: scatter / total, scatters })
    }

    /// A density as the centroids of about `n_cells` cells, narrow where it matters.
    pub(super) fn of_density(density: Density, n_cells: usize) -> Self {
        let thresholds = companded_thresholds(density, n_cells);
        let cells = density::cells_between(density, &thresholds);
        let kept = || cells.iter().filter(|c| c.mass > LEAST_SHARE);
        Self {
            values: kept().map(|c| c.centroid).collect(),
            weights: kept().map(|c| c.mass).collect(),
            within: kept().map(|c| c.scatter).sum(),
            scatters: Vec::new(),
        }
    }

    /// True where values are the samples themselves, not means of several that differ.
    pub fn are_exact(&self) -> bool {
        self.within == 0.0
    }

    /// The least mean squared error that `n_levels` levels can have over what the values stand for, when they have at
    /// least `least` over the values.
    ///
    /// Only the n - 1 values between whose samples a threshold lies can gain by it. With s the sum of the largest n - 1
    /// scatters, w that of all, and the triangle inequality for those values,
    /// `D >= w - s + (D' - b) + (sqrt(b) - sqrt(s))^2 >= w + D' - 2 sqrt(s D')`, where D' is the error over the values
    /// and b the part of those n - 1 in it.
    pub(super) fn least_mse(&self, n_levels: usize, least: f64) -> f64 {
        let total = self.total();
        let mut scatters = self.scatters.clone();
        let n_cut = (n_levels - 1).min(scatters.len());
        if n_cut > 0 && n_cut < scatters.len() {
            scatters.select_nth_unstable_by(n_cut - 1, |a, b| b.total_cmp(a));
        }
        let cut = scatters[..n_cut].iter().sum::<f64>() / total;
        // Below it, b may be less than s: the part gains all of its scatter at most.
        let gain = if least >= cut { 2.0 * (cut * least).sqrt() } else { least + cut };
        (self.within + least - gain).max(0.0)
    }

    /// Distinct values, ascending.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// Weight of each value, above 0.
    pub fn weights(&self) -> &[f64] {
        &self.weights
    }

    /// Number of distinct values.
    pub fn n_distinct(&self) -> usize {
        self.values.len()
    }

    /// Sum of the weights.
    pub fn total(&self) -> f64 {
        self.weights.iter().sum()
    }

    /// Entropy of the values, bits a sample: what keeps each as it is.
    pub fn entropy_bits(&self) -> f64 {
        let total = self.total();
        super::entropy_bits(self.weights.iter().map(|w| w / total))
    }

    /// Mean square, the signal power.
    pub fn power(&self) -> f64 {
        let sum: f64 = self.values.iter().zip(&self.weights).map(|(x, w)| w * x * x).sum();
        sum / self.total() + self.within
    }

    /// Distance from the first value to the last; 1 if there is one value.
    pub(super) fn scale(&self) -> f64 {
        let range = self.values[self.values.len() - 1] - self.values[0];
        if range > 0.0 { range } else { 1.0 }
    }

    pub(super) fn within(&self) -> f64 {
        self.within
    }

    /// Mass, centroid and scatter of points `from..to`, as shares of `total`, in two passes.
    pub(super) fn cell(&self, from: usize, to: usize, total: f64) -> Cell {
        let (x, w) = (&self.values[from..to], &self.weights[from..to]);
        let mass: f64 = w.iter().sum();
        // About the first value, so that a narrow cell far from 0 keeps its digits.
        let offset: f64 = x.iter().zip(w).map(|(value, w)| w * (value - x[0])).sum();
        let centroid = x[0] + offset / mass;
        let scatter: f64 = x.iter().zip(w).map(|(x, w)| w * (x - centroid) * (x - centroid)).sum();
        Cell { mass: mass / total, centroid, scatter: scatter / total }
    }

    /// Index of the first value that is not below `threshold`.
    pub(super) fn first_at_or_above(&self, threshold: f64) -> usize {
        self.values.partition_point(|&x| x < threshold)
    }

    /// Where `thresholds` cut the values: 0, the first point at or above each threshold, the number of points.
    pub(super) fn cuts_at(&self, thresholds: &[f64]) -> Vec<usize> {
        let inner = thresholds.iter().map(|&t| self.first_at_or_above(t));
        std::iter::once(0).chain(inner).chain([self.n_distinct()]).collect()
    }

    /// `n_levels` cells of about equal area under (density)^(1/3), none of them empty.
    pub(super) fn companded_cuts(&self, n_levels: usize) -> Vec<usize> {
        // Between neighbours the density is their mean weight over their distance.
        let area = |i: usize| {
            let width = self.values[i + 1] - self.values[i];
            (0.5 * (self.weights[i] + self.weights[i + 1]) * width * width).cbrt()
        };
        let n = self.n_distinct();
        let whole: f64 = (0..n - 1).map(area).sum();
        let (mut cuts, mut sum) = (vec![0], 0.0);
        for point in 1..n {
            sum += area(point - 1);
            let wanted = n_levels - cuts.len();
            let is_due = sum * n_levels as f64 >= whole * cuts.len() as f64;
            if wanted > 0 && (is_due || n - point <= wanted) {
                cuts.push(point);
            }
        }
        cuts.push(n);
        cuts
    }

    /// Mean squared error of a partition with levels at the centroids; none when a cell is empty.
    pub(super) fn mse_of_cuts(&self, cuts: &[usize]) -> Option<f64> {
        let total = self.total();
        let filled = cuts.windows(2).all(|c| c[0] < c[1]);
        filled.then(|| cuts.windows(2).map(|c| self.cell(c[0], c[1], total).scatter).sum::<f64>() + self.within)
    }

    /// Merges neighbours into groups that hold at most 1/n of the weight and span at most 1/n of the range.
    pub(super) fn grouped(&self, n: usize) -> Self {
        let total = self.total();
        let (most, widest) = (total / n as f64, self.scale() / n as f64);
        let mut out = Self { values: Vec::new(), weights: Vec::new(), within: 0.0, scatters: Vec::new() };
        let mut start = 0;
        while start < self.values.len() {
            let (mut end, mut weight) = (start + 1, self.weights[start]);
            while end < self.values.len()
                && weight + self.weights[end] <= most
                && self.values[end] - self.values[start] <= widest
            {
                weight += self.weights[end];
                end += 1;
            }
            let cell = self.cell(start, end, total);
            out.values.push(cell.centroid);
            out.weights.push(weight);
            out.within += cell.scatter;
            start = end;
        }
        out
    }

    /// Refuses more levels than there are distinct values.
    pub(super) fn check_levels(&self, n_levels: usize) -> Result<()> {
        density::check_levels(n_levels)?;
        if n_levels > self.n_distinct() {
            let allowed = format!("1..={} (the data hold that many distinct values)", self.n_distinct());
            return Err(Error::invalid("levels", n_levels, allowed));
        }
        Ok(())
    }
}

fn check_values(name: &'static str, values: &[f64]) -> Result<()> {
    match values.iter().find(|x| x.is_nan() || x.abs() > LARGEST) {
        Some(bad) => Err(Error::invalid(name, bad, "finite numbers within +-1e150, whose squares are finite")),
        None => Ok(()),
    }
}

/// Running sums of weight, weight * x and weight * x^2, kept to twice the precision of `f64`.
///
/// Without the low halves a difference of two sums of a million samples would be as coarse as the cost of a cell of
/// 65,536. Here x is about the mean and in units of `Samples::scale`.
pub(super) struct Moments {
    sums: Vec<Sums>,
    mean: f64,
}

#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    w: f64,
    x: [f64; 2],
    xx: [f64; 2],
}

impl Moments {
    pub(super) fn new(samples: &Samples) -> Self {
        let total = samples.total();
        let mean = samples.values.iter().zip(&samples.weights).map(|(x, w)| w * x).sum::<f64>() / total;
        let scale = samples.scale();
        let mut sums = Vec::with_capacity(samples.n_distinct() + 1);
        let mut now = Sums::default();
        sums.push(now);
        for (x, w) in samples.values.iter().zip(&samples.weights) {
            let x = (x - mean) / scale;
            now.w += w;
            now.x = add(now.x, w * x);
            now.xx = add(now.xx, w * x * x);
            sums.push(now);
        }
        Self { sums, mean }
    }

    /// Number of points.
    pub(super) fn len(&self) -> usize {
        self.sums.len() - 1
    }

    /// Weighted sum of squared distances of points `from..to`, from < to, to their centroid, in squares of the scale.
    #[inline]
    pub(super) fn cost(&self, from: usize, to: usize) -> f64 {
        let (a, b) = (&self.sums[from], &self.sums[to]);
        let x = (b.x[0] - a.x[0]) + (b.x[1] - a.x[1]);
        let xx = (b.xx[0] - a.xx[0]) + (b.xx[1] - a.xx[1]);
        xx - x * x / (b.w - a.w)
    }
}

impl Moments {
    /// Mean of all points, in the samples' own units.
    pub(super) fn mean(&self) -> f64 {
        self.mean
    }

    /// Mean of points `from..to`, less that of all, in units of the scale.
    pub(super) fn centroid(&self, from: usize, to: usize) -> f64 {
        let (a, b) = (&self.sums[from], &self.sums[to]);
        ((b.x[0] - a.x[0]) + (b.x[1] - a.x[1])) / (b.w - a.w)
    }

    /// Weight of points `from..to`.
    pub(super) fn weight(&self, from: usize, to: usize) -> f64 {
        self.sums[to].w - self.sums[from].w
    }
}

/// Adds to a sum in two parts, exactly but for the rounding of the low one (Knuth's two-sum).
#[inline]
fn add(sum: [f64; 2], term: f64) -> [f64; 2] {
    let high = sum[0] + term;
    let virtual_term = high - sum[0];
    let lost = (sum[0] - (high - virtual_term)) + (term - virtual_term);
    let low = sum[1] + lost;
    let top = high + low;
    [top, low - (top - high)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_become_weights() {
        let samples = Samples::new(&[2.0, -1.0, 2.0, 0.5, 2.0]).expect("legal");
        assert_eq!(samples.values(), [-1.0, 0.5, 2.0]);
        assert_eq!(samples.weights(), [1.0, 1.0, 3.0]);
        assert_eq!(samples, Samples::from_histogram(&[-1.0, 0.5, 1.0, 2.0], &[1.0, 1.0, 0.0, 3.0]).expect("legal"));
    }

    #[test]
    fn codes_are_shares_of_full_scale() {
        let samples = Samples::from_codes(&[i16::MIN, 0, i16::MAX, 0]).expect("legal");
        assert_eq!(samples.values(), [-1.0, 0.0, 32_767.0 / 32_768.0]);
        assert_eq!(samples.weights(), [1.0, 2.0, 1.0]);
    }

    #[test]
    fn what_is_no_source_is_refused() {
        assert!(matches!(Samples::new(&[]), Err(Error::InvalidParameter { .. })));
        assert!(matches!(Samples::from_codes(&[]), Err(Error::InvalidParameter { .. })));
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert!(matches!(Samples::new(&[0.0, bad]), Err(Error::InvalidParameter { .. })));
            assert!(Samples::from_histogram(&[bad], &[1.0]).is_err());
            assert!(Samples::from_histogram(&[1.0], &[bad]).is_err());
        }
        assert!(matches!(Samples::from_histogram(&[0.0], &[]), Err(Error::LengthMismatch { .. })));
        assert!(Samples::from_histogram(&[1.0, 0.0], &[1.0, 1.0]).is_err());
        assert!(Samples::from_histogram(&[0.0, 1.0], &[0.0, 0.0]).is_err());
        assert!(Samples::from_histogram(&[0.0], &[-1.0]).is_err());
    }

    #[test]
    fn costs_of_short_cells_survive_a_long_sum() {
        // A million points far from their mean: a cell of two neighbours costs half the square of their distance.
        let values: Vec<f64> = (0..1_000_000).map(|i| f64::from(i) * 1e-6).collect();
        let moments = Moments::new(&Samples::new(&values).expect("legal"));
        for from in [0, 1_000, 999_000] {
            assert!((moments.cost(from, from + 2) / 0.5e-12 - 1.0).abs() < 1e-3);
        }
    }
}
