//! What indices cost in bits, as the encoder believes.

use super::Levels;
use crate::quantizer::trellis::Trellis;

/// Indices on each side with a price of their own; beyond them each doubling costs two bits.
const SIDE: i32 = 255;
const N_PRICED: usize = 2 * SIDE as usize + 1;

/// Bits of an index in each coset.
#[derive(Debug, Clone)]
pub struct Prices {
    bits: [[f32; N_PRICED]; 2],
}

impl Default for Prices {
    /// Two bits for each doubling of the magnitude and one, and one for the sign, for want of statistics.
    fn default() -> Self {
        let bits = std::array::from_fn(|i| {
            let magnitude = (i as i32 - SIDE).abs() as f32;
            1.0 + 2.0 * (1.0 + magnitude).log2() + if magnitude > 0.0 { 1.0 } else { 0.0 }
        });
        Self { bits: [bits; 2] }
    }
}

impl Prices {
    /// Self-information of `indices`; those that do not occur are priced as one in half as many.
    pub fn of_indices(trellis: Trellis, indices: &[i32]) -> Self {
        let mut counts = [[0.5_f32; N_PRICED]; 2];
        let mut state = 0;
        for &index in indices {
            counts[trellis.coset(state) as usize][place(index)] += 1.0;
            state = trellis.next(state, index as u32);
        }
        Self::of_counts(counts)
    }

    /// Prices of samples that each coset alone would put on its nearest level. Samples that are not finite do not count.
    pub fn of_nearest(levels: &Levels, step: f64, x: &[f64]) -> Self {
        let mut counts = [[0.5_f32; N_PRICED]; 2];
        for x in x.iter().filter(|x| x.is_finite()) {
            let a = (x / step) as f32;
            for (coset, counts) in counts.iter_mut().enumerate() {
                let index = (0.5 * (a - levels.far_shift(coset, a))).round();
                counts[place(index as i32)] += 1.0;
            }
        }
        Self::of_counts(counts)
    }

    /// Prices for samples of a Laplacian density whose mean magnitude is `mean` steps, each put where its coset alone would
    /// have it with levels at multiples of the step, [`Levels::MULTIPLES`].
    pub fn of_laplacian(mean: f32) -> Self {
        let beyond = |a: f32| (-a / mean).exp();
        let counts = std::array::from_fn(|coset| {
            // cells of coset 0 end at 1, 3, 5, ..., those of coset 1 at 1/2, 2, 4, ...
            let end = |m: f32| if coset == 0 { 2.0 * m + 1.0 } else { f32::max(2.0 * m, 0.5) };
            std::array::from_fn(|i| match (i as i32 - SIDE).unsigned_abs() as f32 {
                0.0 => 1.0 - beyond(end(0.0)),
                m => (0.5 * (beyond(end(m - 1.0)) - beyond(end(m)))).max(1e-7),
            })
        });
        Self::of_counts(counts)
    }

    fn of_counts(counts: [[f32; N_PRICED]; 2]) -> Self {
        let bits = counts.map(|counts| {
            let total: f32 = counts.iter().sum();
            counts.map(|n| (total / n).log2())
        });
        Self { bits }
    }

    #[inline]
    pub(super) fn bits(&self, coset: usize, index: i32) -> f32 {
        let priced = self.bits[coset & 1][place(index)];
        if index.unsigned_abs() <= SIDE as u32 {
            return priced;
        }
        priced + 2.0 * (index.unsigned_abs() as f32 / SIDE as f32).log2()
    }
}

#[inline]
fn place(index: i32) -> usize {
    (index.clamp(-SIDE, SIDE) + SIDE) as usize
}
