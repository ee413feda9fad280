//! The histogram calibrators of ONNX Runtime (`calibrate.py`, MIT): percentile and entropy.
//!
//! Entropy after Migacz, 8-bit Inference with TensorRT, GTC 2017.

use super::ends;
use crate::{Error, Result};

/// Bins beyond which a histogram says nothing more and memory grows.
const MAX_BINS: usize = 1 << 20;

/// Counts over `[-threshold, threshold]` with the edges, as `numpy.histogram` makes them of `f32`.
struct Histogram {
    counts: Vec<u64>,
    edges: Vec<f32>,
    range: (f32, f32),
}

impl Histogram {
    fn new(x: &[f32], n_bins: usize) -> Result<Self> {
        if !(1..=MAX_BINS).contains(&n_bins) {
            return Err(Error::invalid("histogram bins", n_bins, format!("1 to {MAX_BINS}")));
        }
        let range = ends(x);
        let threshold = range.1.abs().max(range.0.abs());
        // numpy widens an empty range by a half either way.
        let threshold = if threshold == 0.0 { 0.5 } else { threshold };
        let step = (2.0 * f64::from(threshold) / n_bins as f64) as f32;
        let mut edges: Vec<f32> = (0..=n_bins).map(|i| i as f32 * step - threshold).collect();
        edges[n_bins] = threshold;
        let mut counts = vec![0; n_bins];
        for &x in x {
            let bin = edges.partition_point(|&edge| edge <= x).clamp(1, n_bins) - 1;
            counts[bin] += 1;
        }
        Ok(Self { counts, edges, range })
    }

    /// Two edges, no farther out than the data.
    fn within_data(&self, low: f32, high: f32) -> (f32, f32) {
        (low.max(self.range.0), high.min(self.range.1))
    }
}

pub(super) fn percentile(x: &[f32], percent: f64, n_bins: usize) -> Result<(f32, f32)> {
    if !(percent > 0.0 && percent <= 100.0) {
        return Err(Error::invalid("percentile", percent, "above 0 to 100"));
    }
    let histogram = Histogram::new(x, n_bins)?;
    let cut = (100.0 - percent) / 200.0;
    let n = x.len() as f64;
    let cumulative: Vec<f64> = histogram
        .counts
        .iter()
        .scan(0.0, |sum, &count| {
            *sum += count as f64 / n;
            Some(*sum)
        })
        .collect();
    let edge = |share: f64| histogram.edges[cumulative.partition_point(|&c| c < share)];
    let (low, high) = histogram.within_data(edge(cut), edge(1.0 - cut));
    // A share of all values may end in the first bin: the range must stay one.
    Ok((low.min(high), high.max(low)))
}

pub(super) fn entropy(x: &[f32], n_bins: usize, n_quantized: usize) -> Result<(f32, f32)> {
    if n_quantized == 0 || n_quantized > n_bins {
        return Err(Error::invalid("quantized bins", n_quantized, "1 to the number of histogram bins"));
    }
    let histogram = Histogram::new(x, n_bins)?;
    let zero = n_bins / 2;
    let mut best = (f64::INFINITY, zero.max(n_quantized / 2));
    for half in n_quantized / 2..=zero {
        let (start, end) = candidate(half, n_bins);
        let divergence = divergence(&histogram.counts, start, end, n_quantized);
        if divergence < best.0 {
            best = (divergence, half);
        }
    }
    let (start, end) = candidate(best.1.min(zero), n_bins);
    Ok(histogram.within_data(histogram.edges[start], histogram.edges[end]))
}

/// First bin and the one after the last of the candidate `half` bins either way of zero.
fn candidate(half: usize, n_bins: usize) -> (usize, usize) {
    let zero = n_bins / 2;
    (zero - half, (zero + half + 1).min(n_bins))
}

/// Kullback-Leibler divergence of the histogram clipped to the candidate from the same in `n_quantized` levels.
fn divergence(counts: &[u64], start: usize, end: usize, n_quantized: usize) -> f64 {
    let inside = &counts[start..end];
    let mut p = inside.to_vec();
    let last = p.len() - 1;
    p[0] += counts[..start].iter().sum::<u64>();
    p[last] += counts[end..].iter().sum::<u64>();
    let q = expand(inside, &p, n_quantized);
    match (smooth(&p), smooth(&q)) {
        (Some(p), Some(q)) => kullback_leibler(&p, &q),
        _ => f64::INFINITY,
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
fn smooth(counts: &[u64]) -> Option<Vec<f64>> {
    const EMPTY: f64 = 1e-4;
    let n_empty = counts.iter().filter(|&&c| c == 0).count();
    let n_filled = counts.len() - n_empty;
    if n_filled == 0 {
        return None;
    }
    let tax = EMPTY * n_empty as f64 / n_filled as f64;
    // More than 10000 empty bins to a filled one: nothing would be left of it.
    let share = |c: u64| if c == 0 { EMPTY } else { c as f64 - tax };
    (tax < 1.0).then(|| counts.iter().map(|&c| share(c)).collect())
}

fn kullback_leibler(p: &[f64], q: &[f64]) -> f64 {
    let (p_sum, q_sum) = (p.iter().sum::<f64>(), q.iter().sum::<f64>());
    p.iter().zip(q).map(|(p, q)| p / p_sum * (p / p_sum * q_sum / q).ln()).sum()
}
