//! The codebooks of a file, designed on its own coefficients: what `--band-quantizer lloyd-max` does before it encodes.
//!
//! A first pass counts magnitudes in 1/64 steps for each class of bands, outside the dead zone. The levels are those of
//! least mean square error whose indices have no more entropy than those of uniform steps.

use crate::codec::format::{
    codebooks::{Codebooks, MOST_LEVELS, N_CODEBOOKS, PARTS},
    reconstruction::DEAD_ZONE,
};
use crate::design::{Samples, entropy_constrained};

/// Magnitudes from here on, in steps, are left to the whole steps beyond the last level.
const MOST_STEPS: usize = 14;
/// Bins of a histogram.
const N_BINS: usize = MOST_STEPS * PARTS as usize;
/// With fewer samples a class keeps whole steps.
const LEAST_SAMPLES: u64 = 2000;

/// Histograms of magnitudes, class by class.
#[derive(Debug, Clone)]
pub(crate) struct MagnitudeCounts(Vec<[u64; N_BINS]>);

impl MagnitudeCounts {
    /// No magnitudes yet.
    pub(crate) fn new() -> Self {
        Self(vec![[0; N_BINS]; N_CODEBOOKS])
    }

    /// Counts the coefficients of one band.
    pub(crate) fn count(&mut self, class: u8, x: &[f32], step: f32) {
        let counts = &mut self.0[usize::from(class)];
        for steps in x.iter().map(|x| (x / step).abs()).filter(|steps| *steps >= DEAD_ZONE) {
            if let Some(count) = counts.get_mut((steps * PARTS) as usize) {
                *count += 1;
            }
        }
    }

    /// Adds the counts of `other`.
    pub(crate) fn add(&mut self, other: &Self) {
        for (a, b) in self.0.iter_mut().flatten().zip(other.0.iter().flatten()) {
            *a += b;
        }
    }

    /// The codebooks for these magnitudes.
    pub(crate) fn design(&self) -> Codebooks {
        let levels = std::array::from_fn(|class| levels(&self.0[class]));
        Codebooks::new(levels).unwrap_or_default()
    }
}

/// Levels in 1/64 steps for one class; none where too little was counted or the density is as good as flat.
fn levels(counts: &[u64; N_BINS]) -> Vec<u16> {
    if counts.iter().sum::<u64>() < LEAST_SAMPLES {
        return Vec::new();
    }
    let values: Vec<f64> = (0..N_BINS).map(|i| (i as f64 + 0.5) / f64::from(PARTS)).collect();
    let weights: Vec<f64> = counts.iter().map(|&n| n as f64).collect();
    let designed = Samples::from_histogram(&values, &weights)
        .and_then(|samples| entropy_constrained::for_samples(&samples, uniform_entropy_bits(counts)));
    let Ok(design) = designed else { return Vec::new() };
    let mut levels: Vec<u16> = design.levels.iter().map(|l| (l * f64::from(PARTS)).round() as u16).collect();
    levels.dedup();
    levels.truncate(MOST_LEVELS);
    levels
}

/// Entropy of the indices 1, 2, ... that uniform steps give.
fn uniform_entropy_bits(counts: &[u64; N_BINS]) -> f64 {
    let mut of_index = [0.0; MOST_STEPS + 1];
    for (i, &n) in counts.iter().enumerate() {
        let index = ((i as f64 + 0.5) / f64::from(PARTS) + 0.5) as usize;
        of_index[index.max(1)] += n as f64;
    }
    let total: f64 = of_index.iter().sum();
    of_index.iter().filter(|&&n| n > 0.0).map(|n| n / total * (total / n).log2()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Laplacian magnitudes of mean 1, by quantiles.
    fn laplacian(n: usize) -> Vec<f32> {
        (0..n).map(|i| -((i as f32 + 0.5) / n as f32).ln()).collect()
    }

    #[test]
    fn designed_levels_err_less_than_whole_steps() {
        let x = laplacian(20_000);
        let mut counts = MagnitudeCounts::new();
        counts.count(4, &x, 1.0);
        let (designed, whole) = (counts.design(), Codebooks::default());
        let error = |books: &Codebooks| {
            let coded = x.iter().filter(|x| **x >= DEAD_ZONE);
            coded.map(|&x| (books.level(4, books.nearest(4, x).max(1)) - x).powi(2)).sum::<f32>()
        };
        let (ours, theirs) = (error(&designed), error(&whole));
        assert!(ours < 0.98 * theirs, "{ours} against {theirs}");
        assert_eq!(designed.level(0, 3), 3.0, "nothing was counted there");
    }

    #[test]
    fn counts_of_two_workers_add_up() {
        let x = laplacian(8000);
        let (mut both, mut first, mut second) =
            (MagnitudeCounts::new(), MagnitudeCounts::new(), MagnitudeCounts::new());
        both.count(2, &x, 0.5);
        first.count(2, &x[..3000], 0.5);
        second.count(2, &x[3000..], 0.5);
        first.add(&second);
        assert_eq!(first.design(), both.design());
    }
}
