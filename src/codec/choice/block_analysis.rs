//! Analysis of one block: noise targets, left/right or mid/side, and an estimate of its bits.

use super::{
    bit_table::BitTable,
    psychoacoustics::{Psychoacoustics, fast_log2},
    temporal::{ShortTimeEnergies, Temporal},
};
use crate::codec::format::{
    bands::{Band, BandTables, N_DEPTHS},
    stereo,
};

/// By which rule the noise targets of blocks are found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum NoiseRule {
    /// Noise follows the ear: q in dB, and L, log2 of the file's mean power per coefficient.
    Ear {
        /// Quality q in dB, negative; lower is better.
        quality_db: f32,
        /// Loudness L.
        loudness: f32,
    },
    /// White noise of this power per coefficient, log2: the least mean square error.
    White {
        /// log2 of noise power per coefficient.
        log2_power: f32,
    },
    /// Bits chosen by hand.
    Bits(BitTable),
}

/// Estimate of the side information of a band and channel, in bits.
const SIDE_BITS: f32 = 0.5;

/// One block of one element, analysed.
pub(crate) struct BlockAnalysis {
    /// log2 of noise power per coefficient, for each band, for both channels.
    pub targets: [Vec<f32>; 2],
    /// For each band of a pair.
    pub mid_side: Vec<bool>,
    base: Vec<f32>,
    unevenness: Vec<f32>,
    rotated: [Vec<f32>; 2],
}

/// A block to analyse.
#[derive(Clone, Copy)]
pub(crate) struct Block<'a> {
    /// It has N >> depth samples.
    pub depth: usize,
    /// Its position among the blocks of this depth in the superframe.
    pub index: usize,
    /// Its bands.
    pub bands: &'a [Band],
    /// Coefficients of one or two channels.
    pub channels: [&'a [f32]; 2],
    /// 1 or 2.
    pub n_channels: usize,
}

impl BlockAnalysis {
    /// Room for the longest block.
    pub(crate) fn new(tables: &BandTables, superframe_samples: usize) -> Self {
        let most_bands = (0..N_DEPTHS).map(|depth| tables.at(depth).len()).max().unwrap_or(0);
        let (bands, samples) = (vec![0.0; most_bands], vec![0.0; superframe_samples]);
        Self {
            targets: [bands.clone(), bands.clone()],
            mid_side: vec![false; most_bands],
            base: bands.clone(),
            unevenness: bands,
            rotated: [samples.clone(), samples],
        }
    }

    /// Finds the noise targets of `block`.
    pub(crate) fn find_targets(
        &mut self,
        block: Block,
        rule: NoiseRule,
        ear: &mut Psychoacoustics,
        temporal: &mut Temporal,
        energies: [&ShortTimeEnergies; 2],
    ) {
        let n_bands = block.bands.len();
        for (channel, energies) in energies.into_iter().enumerate().take(block.n_channels) {
            let out = &mut self.targets[channel][..n_bands];
            match rule {
                NoiseRule::White { log2_power } => out.fill(log2_power),
                NoiseRule::Bits(table) => {
                    for (out, band) in out.iter_mut().zip(block.bands) {
                        *out = table.log2_noise(band, &block.channels[channel][band.start..band.end]);
                    }
                }
                NoiseRule::Ear { quality_db, loudness } => {
                    let unevenness = &mut self.unevenness[..n_bands];
                    temporal.unevenness(energies, block.depth, block.index, unevenness);
                    let base = &mut self.base[..n_bands];
                    ear.base(block.depth, block.bands, block.channels[channel], unevenness, base);
                    ear.finish(block.depth, loudness, quality_db, base, out);
                }
            }
        }
    }

    /// Chooses left/right or mid/side for `block` under its targets; returns the estimate of its bits.
    pub(crate) fn choose(&mut self, block: Block, rule: NoiseRule) -> f32 {
        match (block.n_channels, rule) {
            (2, NoiseRule::Bits(_)) => {
                self.mid_side[..block.bands.len()].fill(false);
                self.estimate(block, 0) + self.estimate(block, 1)
            }
            (2, _) => self.choose_stereo(block),
            _ => self.estimate(block, 0),
        }
    }

    fn estimate(&self, block: Block, channel: usize) -> f32 {
        let bits = |(band, target): (&Band, &f32)| {
            coefficient_bits(&block.channels[channel][band.start..band.end], *target) + SIDE_BITS
        };
        block.bands.iter().zip(&self.targets[channel]).map(bits).sum()
    }

    /// Takes the cheaper of left/right and mid/side in each band; mid and side share the smaller target.
    fn choose_stereo(&mut self, block: Block) -> f32 {
        let n = block.channels[0].len();
        let [mid, side] = &mut self.rotated;
        let (mid, side) = (&mut mid[..n], &mut side[..n]);
        mid.copy_from_slice(block.channels[0]);
        side.copy_from_slice(block.channels[1]);
        stereo::rotate(mid, side);
        let mut total = 0.0;
        for (b, band) in block.bands.iter().enumerate() {
            let range = band.start..band.end;
            let (left, right) = (self.targets[0][b], self.targets[1][b]);
            let both = left.min(right);
            let apart = coefficient_bits(&block.channels[0][range.clone()], left)
                + coefficient_bits(&block.channels[1][range.clone()], right);
            let rotated = coefficient_bits(&mid[range.clone()], both) + coefficient_bits(&side[range], both);
            self.mid_side[b] = rotated < apart;
            if self.mid_side[b] {
                (self.targets[0][b], self.targets[1][b]) = (both, both);
            }
            total += apart.min(rotated) + 2.0 * SIDE_BITS;
        }
        total
    }
}

/// `1/2 sum log2(1 + X^2/step^2)`, step^2 = 12 times the noise power.
fn coefficient_bits(x: &[f32], log2_noise: f32) -> f32 {
    let inverse = (-log2_noise).exp2() / 12.0;
    // a product of four terms stays within 2^112
    let term = |x: f32| (1.0 + x * x * inverse).min(2.7e8);
    let chunks = x.chunks_exact(4);
    let rest: f32 = chunks.remainder().iter().map(|&x| fast_log2(term(x))).sum();
    let bits: f32 = chunks.map(|x| fast_log2(term(x[0]) * term(x[1]) * term(x[2]) * term(x[3]))).sum();
    0.5 * (bits + rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_follow_the_formula() {
        let x: Vec<f32> = (0..23).map(|i| (i as f32 - 9.0) * 0.37).collect();
        let exact: f32 = x.iter().map(|x| 0.5 * (1.0 + x * x / (12.0 * 0.0625)).log2()).sum();
        assert!((coefficient_bits(&x, -4.0) - exact).abs() < 1e-3 * exact);
    }
}
