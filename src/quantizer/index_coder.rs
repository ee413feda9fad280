//! Adaptive models that turn indices into bits for the range coder.
//!
//! A magnitude m is the bit length e of m + 1 in unary, then the bits of m + 1 below its highest one. All decisions
//! adapt but mantissa bits beyond the fourth:
//!
//! ```text
//! m + 1 = 1  1x  1xx  1xxx  1xxxx ...        e = 1  2  3  4  5 ...
//! ```
//!
//! One function describes the syntax for writing, counting and reading (see [`crate::range_coder`]).

use crate::range_coder::{BitCoder, P_MAX, P_MIN};

/// A longer memory costs less on stationary sources: 1/1024 wastes 0.0004 bit a decision.
const MEMORY: u32 = 1024;
/// Bit lengths that have a model of their own: magnitudes up to 2^24.
const LENGTHS: usize = 24;
/// Mantissa bits that adapt: 15 nodes of a tree.
const TREE_BITS: u32 = 4;

/// The probability of a one, learnt from what was coded.
#[derive(Debug, Clone, Copy)]
pub struct AdaptiveBit {
    /// In 2^-32.
    p_one: u32,
    seen: u32,
}

impl Default for AdaptiveBit {
    fn default() -> Self {
        Self { p_one: 1 << 31, seen: 0 }
    }
}

impl AdaptiveBit {
    /// Codes `bit` and learns from it. Returns the coded bit: when reading, that of the stream.
    #[inline]
    pub fn code(&mut self, coder: &mut impl BitCoder, bit: bool) -> bool {
        let bit = coder.bit((self.p_one >> 16).clamp(P_MIN, P_MAX), bit);
        // The mean of what was seen and one half, weight 3/2 (Krichevsky and Trofimov with a longer start).
        let divisor = 2 * u64::from(self.seen) + 3;
        if bit {
            self.p_one += (2 * u64::from(u32::MAX - self.p_one) / divisor) as u32;
        } else {
            self.p_one -= (2 * u64::from(self.p_one) / divisor) as u32;
        }
        self.seen = (self.seen + 1).min(MEMORY);
        bit
    }
}

/// Magnitudes whose sign has a model of its own, the last of them for all beyond.
const SIGNED: usize = 3;

/// Signed integers: magnitude, then sign.
#[derive(Debug, Clone, Default)]
pub struct IndexModel {
    /// A one is negative.
    signs: [AdaptiveBit; SIGNED],
    lengths: [AdaptiveBit; LENGTHS],
    mantissas: [[AdaptiveBit; 1 << TREE_BITS]; LENGTHS],
}

impl IndexModel {
    /// Codes `index`, which lies within +-(2^24 - 2). Returns the coded index: when reading, that of the stream.
    pub fn code(&mut self, coder: &mut impl BitCoder, index: i32) -> i32 {
        let magnitude = self.code_magnitude(coder, index.unsigned_abs());
        if magnitude == 0 {
            return 0;
        }
        let sign = &mut self.signs[(magnitude as usize).min(SIGNED) - 1];
        if sign.code(coder, index < 0) { -(magnitude as i32) } else { magnitude as i32 }
    }

    fn code_magnitude(&mut self, coder: &mut impl BitCoder, magnitude: u32) -> u32 {
        let value = magnitude + 1;
        let wanted = value.ilog2() as usize;
        let mut length = 0;
        // Damaged bytes end at the longest length: no stream can make this run on.
        while length + 1 < LENGTHS && self.lengths[length].code(coder, wanted > length) {
            length += 1;
        }
        let tree = &mut self.mantissas[length];
        let (mut coded, mut node) = (1, 1);
        for i in (0..length as u32).rev() {
            let depth = length as u32 - 1 - i;
            let bit = value >> i & 1;
            let bit = if depth < TREE_BITS {
                let bit = u32::from(tree[node].code(coder, bit == 1));
                node = 2 * node + bit as usize;
                bit
            } else {
                coder.bypass(1, bit)
            };
            coded = coded << 1 | bit;
        }
        coded - 1
    }
}

/// Indices 0..L of a codebook, one adaptive decision for each bit, the highest first.
#[derive(Debug, Clone)]
pub struct TableModel {
    nodes: Vec<AdaptiveBit>,
    depth: u32,
}

impl TableModel {
    /// A model of `n_levels` indices.
    pub fn new(n_levels: usize) -> Self {
        let depth = n_levels.max(1).next_power_of_two().ilog2();
        Self { nodes: vec![AdaptiveBit::default(); 1 << depth], depth }
    }

    /// Codes `index`, which lies below the number of levels rounded up to a power of two.
    pub fn code(&mut self, coder: &mut impl BitCoder, index: u32) -> u32 {
        let mut node = 1;
        for i in (0..self.depth).rev() {
            let bit = self.nodes[node].code(coder, index >> i & 1 == 1);
            node = 2 * node + usize::from(bit);
        }
        (node - (1 << self.depth)) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::range_coder::{BitCounter, Decoder, Encoder};

    fn noise(seed: u64) -> impl FnMut() -> f64 {
        let mut state = seed;
        move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / (1u64 << 53) as f64
        }
    }

    #[test]
    fn every_index_returns() {
        let mut noise = noise(1);
        let edge = (1 << 24) - 2;
        let mut indices: Vec<i32> = (0..3000).map(|_| ((noise() - 0.5) * 2f64.powf(24.0 * noise())) as i32).collect();
        indices.extend([0, 1, -1, edge, -edge]);
        let (mut model, mut encoder, mut counter) =
            (IndexModel::default(), Encoder::new(Vec::new()), BitCounter::default());
        let mut twin = IndexModel::default();
        for &i in &indices {
            model.code(&mut encoder, i);
            twin.code(&mut counter, i);
        }
        let bytes = encoder.finish();
        assert!((counter.bits() / (8 * bytes.len()) as f64 - 1.0).abs() < 0.01);
        let (mut model, mut decoder) = (IndexModel::default(), Decoder::new(&bytes));
        for &i in &indices {
            assert_eq!(model.code(&mut decoder, 0), i);
        }
    }

    #[test]
    fn any_bytes_give_indices() {
        let (mut model, mut decoder) = (IndexModel::default(), Decoder::new(&[0xA5; 40]));
        assert!((0..2000).all(|_| model.code(&mut decoder, 0).unsigned_abs() < 1 << 24));
    }

    #[test]
    fn coded_length_is_within_half_a_percent_of_the_entropy() {
        // Laplacian magnitudes at four rates, each index of equal sign probability.
        for decay in [0.2, 0.6, 0.9, 0.98] {
            let mut noise = noise(3);
            let n = 100_000;
            let indices: Vec<i32> =
                (0..n).map(|_| (noise().ln() / f64::ln(decay)) as i32 * if noise() < 0.5 { -1 } else { 1 }).collect();
            let mut counts = std::collections::HashMap::new();
            indices.iter().for_each(|i| *counts.entry(*i).or_insert(0.0) += 1.0);
            let entropy: f64 = counts.values().map(|c: &f64| -c * (c / f64::from(n)).log2()).sum();
            let (mut model, mut encoder) = (IndexModel::default(), Encoder::new(Vec::new()));
            indices.iter().for_each(|&i| {
                model.code(&mut encoder, i);
            });
            let bits = 8.0 * encoder.finish().len() as f64;
            assert!(bits < 1.005 * entropy, "decay {decay}: {bits} bits for {entropy}");
        }
    }

    #[test]
    fn a_table_of_levels_learns_any_distribution() {
        let weights = [0.5, 0.01, 0.2, 0.0, 0.29];
        let mut noise = noise(9);
        let draw = |u: f64| {
            weights
                .iter()
                .scan(0.0, |sum, w| {
                    *sum += w;
                    Some(*sum)
                })
                .filter(|&s| s <= u)
                .count()
                .min(4) as u32
        };
        let indices: Vec<u32> = (0..50_000).map(|_| draw(noise())).collect();
        let (mut model, mut encoder) = (TableModel::new(5), Encoder::new(Vec::new()));
        indices.iter().for_each(|&i| {
            model.code(&mut encoder, i);
        });
        let bytes = encoder.finish();
        let entropy: f64 = weights.iter().filter(|w| **w > 0.0).map(|w| -w * f64::log2(*w)).sum::<f64>() * 50_000.0;
        assert!((8 * bytes.len()) as f64 <= 1.01 * entropy, "{} for {entropy}", 8 * bytes.len());
        let (mut model, mut decoder) = (TableModel::new(5), Decoder::new(&bytes));
        assert!(indices.iter().all(|&i| model.code(&mut decoder, 0) == i));
    }
}
