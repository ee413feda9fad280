//! The histogram calibrators of ONNX Runtime (`calibrate.py`, MIT): percentile and entropy.
//!
//! Entropy after Migacz, 8-bit Inference with TensorRT, GTC 2017.

use super::super::affine::within_f32;
use crate::{Error, Result};

/// Bins beyond which a histogram says nothing more and memory grows.
const MAX_BINS: usize = 1 << 20;

/// Counts over `[-threshold, threshold]` with the edges, as `numpy.histogram` makes them of `f32`.
#[derive(Debug)]
pub(super) struct Histogram {
    counts: Vec<u64>,
    edges: Vec<f32>,
    range: (f32, f32),
}

pub(super) fn check_bins(n_bins: usize) -> Result<()> {
    match (1..=MAX_BINS).contains(&n_bins) {
        true => Ok(()),
        false => Err(Error::invalid("histogram bins", n_bins, format!("1 to {MAX_BINS}"))),
    }
}

impl Histogram {
    /// An empty one for values within `range`.
    pub(super) fn new(range: (f32, f32), n_bins: usize) -> Self {
        let threshold = range.1.abs().max(range.0.abs());
        // numpy widens an empty range by a half either way.
        let threshold = if threshold == 0.0 { 0.5 } else { threshold };
        let step = (2.0 * f64::from(threshold) / n_bins as f64) as f32;
        let mut edges: Vec<f32> = (0..=n_bins).map(|i| i as f32 * step - threshold).collect();
        edges[n_bins] = threshold;
        Self { counts: vec![0; n_bins], edges, range }
    }

    /// Counts values, rounded to `f32`.
    pub(super) fn add(&mut self, x: &[f64]) {
        let n_bins = self.counts.len();
        for &x in x {
            let x = within_f32(x);
            let bin = self.edges.partition_point(|&edge| edge <= x).clamp(1, n_bins) - 1;
            self.counts[bin] += 1;
        }
    }

    /// Two edges, no farther out than the data.
    fn within_data(&self, low: f32, high: f32) -> (f32, f32) {
        (low.max(self.range.0), high.min(self.range.1))
    }

    /// The ends that hold `percent` of the values.
    pub(super) fn percentile(&self, percent: f64) -> (f32, f32) {
        let cut = (100.0 - percent) / 200.0;
        let n = self.counts.iter().sum::<u64>() as f64;
        let cumulative: Vec<f64> = self
            .counts
            .iter()
            .scan(0.0, |sum, &count| {
                *sum += count as f64 / n;
                Some(*sum)
            })
            .collect();
        let edge = |share: f64| self.edges[cumulative.partition_point(|&c| c < share)];
        let (low, high) = self.within_data(edge(cut), edge(1.0 - cut));
        // A share of all values may end in the first bin: the range must stay one.
        (low.min(high), high.max(low))
    }

    /// The ends whose merged bins diverge least.
    pub(super) fn entropy(&self, n_quantized: usize) -> (f32, f32) {
        let n_bins = self.counts.len();
        let zero = n_bins / 2;
        let mut best = (f32::INFINITY, n_quantized / 2);
        for half in n_quantized / 2..=zero {
            let (start, end) = candidate(half, n_bins);
            let divergence = divergence(&self.counts, start, end, n_quantized);
            if divergence < best.0 {
                best = (divergence, half);
            }
        }
        let (start, end) = candidate(best.1.min(zero), n_bins);
        self.within_data(self.edges[start], self.edges[end])
    }
}

/// First bin and the one after the last of the candidate `half` bins either way of zero.
fn candidate(half: usize, n_bins: usize) -> (usize, usize) {
    let zero = n_bins / 2;
    (zero - half, (zero + half + 1).min(n_bins))
}

/// Kullback-Leibler divergence of the histogram clipped to the candidate from the same in `n_quantized` levels, in the
/// precision of `f32`: candidates that differ less tie, and the narrowest of them wins.
fn divergence(counts: &[u64], start: usize, end: usize, n_quantized: usize) -> f32 {
    let inside = &counts[start..end];
    let mut p = inside.to_vec();
    let last = p.len() - 1;
    p[0] += counts[..start].iter().sum::<u64>();
    p[last] += counts[end..].iter().sum::<u64>();
    let q = expand(inside, &p, n_quantized);
    match (smooth(&p), smooth(&q)) {
        (Some(p), Some(q)) => kullback_leibler(&p, &q),
        _ => f32::INFINITY,
    }
}

/// Merges the bins into `n_quantized`, and spreads each evenly over those of its bins that `p` fills: whole counts,
/// and nothing for the bins of a remainder, as in the original.
fn expand(inside: &[u64], p: &[u64], n_quantized: usize) -> Vec<u64> {
    let n_merged = inside.len() / n_quantized;
    let mut q = vec![0; p.len()];
    for index in 0..n_quantized {
        let bins = index * n_merged..(index + 1) * n_merged;
        let filled = p[bins.clone()].iter().filter(|&&count| count != 0).count() as u64;
        let rest = if index + 1 == n_quantized { inside.len() } else { bins.end };
        let merged: u64 = inside[bins.start..rest].iter().sum();
        if let Some(share) = merged.checked_div(filled) {
            q[bins].fill(share);
        }
    }
    q
}

/// Gives every empty bin 1e-4 and takes it from the others; `None` when all are empty.
fn smooth(counts: &[u64]) -> Option<Vec<f32>> {
    const EMPTY: f64 = 1e-4;
    let n_empty = counts.iter().filter(|&&c| c == 0).count();
    let n_filled = counts.len() - n_empty;
    if n_filled == 0 {
        return None;
    }
    let tax = EMPTY * n_empty as f64 / n_filled as f64;
    // More than 10000 empty bins to a filled one: nothing would be left of it.
    let share = |c: u64| if c == 0 { EMPTY as f32 } else { c as f32 - tax as f32 };
    (tax < 1.0).then(|| counts.iter().map(|&c| share(c)).collect())
}

fn kullback_leibler(p: &[f32], q: &[f32]) -> f32 {
    let (p_sum, q_sum) = (pairwise_sum(p), pairwise_sum(q));
    let terms: Vec<f32> = p
        .iter()
        .zip(q)
        .map(|(p, q)| {
            let (p, q) = (p / p_sum, q / q_sum);
            p * f64::from(p / q).ln() as f32
        })
        .collect();
    pairwise_sum(&terms)
}

/// The sum as numpy takes it: eight partial sums of up to 128 terms, halves of more added. Source: numpy,
/// `loops_utils.h.src`, `pairwise_sum`.
fn pairwise_sum(x: &[f32]) -> f32 {
    let n = x.len();
    if n < 8 {
        return x.iter().sum();
    }
    if n <= 128 {
        let mut part: [f32; 8] = x[..8].try_into().expect("eight terms");
        let eights = x[8..].chunks_exact(8);
        let rest = eights.remainder();
        eights.for_each(|eight| part.iter_mut().zip(eight).for_each(|(part, x)| *part += x));
        let whole = ((part[0] + part[1]) + (part[2] + part[3])) + ((part[4] + part[5]) + (part[6] + part[7]));
        return rest.iter().fold(whole, |sum, x| sum + x);
    }
    let half = n / 2 - n / 2 % 8;
    pairwise_sum(&x[..half]) + pairwise_sum(&x[half..])
}
