//! Dependent quantization: two interleaved quantizers, and the index's parity chooses which comes next.
//!
//! ```text
//! units of the step:   -5  -4  -3  -2  -1   0   1   2   3   4   5
//! coset 0, index m:        -2      -1       0       1       2         2 m
//! coset 1, index m:    -3      -2      -1   0   1       2       3     2 m - sign(m)
//! ```
//!
//! The parity of m drives a [`Trellis`], whose state names the coset of the next sample; both sides start in state 0.
//! The packing is that of a trellis code, but zero is in both quantizers, which entropy coding at low rates needs.
//! The encoder weighs squared error against bits, `D + price R`, over all paths through the trellis. The bits of an index
//! come from a table per coset, which it learns from what it coded: a few rounds settle.
//!
//! Sources: Schwarz et al., Hybrid video codec based on trellis-coded quantization, DCC 2019; H.266 clause 8.7.3.

use super::index_coder::IndexModel;
use super::trellis::Trellis;
use super::viterbi::{BLOCK, Costs, LOOK_AHEAD, Viterbi};
use crate::range_coder::BitCoder;
use crate::{Error, Result};

/// Largest magnitude the encoder gives: the range of [`IndexModel`].
const MAX_MAGNITUDE: f32 = ((1 << 24) - 2) as f32;
/// Magnitudes with a price of their own; beyond them each doubling costs two bits.
const PRICED: usize = 256;

/// The reconstruction of `index` in units of the step size: `2 m` in coset 0, `2 m - sign(m)` in coset 1.
///
/// `index` lies within +-2^30.
#[inline]
pub fn multiple(coset: u32, index: i32) -> i32 {
    2 * index - coset as i32 * index.signum()
}

/// Magnitudes with a shift of their own.
const SHIFTED: usize = 3;

/// How far reconstruction lies beyond a level, away from zero, in steps: for magnitudes 1, 2, 3 and above of each coset.
///
/// Without shifts levels are multiples of the step; those at the centroids of what they stand for gain 0.02 to 0.05 dB.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Shifts(pub [[f32; SHIFTED]; 2]);

impl Shifts {
    /// The shifts to the centroids. Samples that are not finite do not count.
    ///
    /// # Panics
    /// When the slices differ in length.
    pub fn of_samples(trellis: Trellis, step: f64, x: &[f64], indices: &[i32]) -> Self {
        assert_eq!(x.len(), indices.len(), "samples and indices have one length");
        let (mut sums, mut counts) = ([[0.0; SHIFTED]; 2], [[0.0; SHIFTED]; 2]);
        let mut state = 0;
        for (&x, &index) in x.iter().zip(indices) {
            let coset = trellis.coset(state);
            let beyond = (x / step - f64::from(multiple(coset, index))) * f64::from(index.signum());
            if index != 0 && beyond.abs() < 4.0 {
                let class = (index.unsigned_abs() as usize).min(SHIFTED) - 1;
                sums[coset as usize][class] += beyond;
                counts[coset as usize][class] += 1.0;
            }
            state = trellis.next(state, index as u32);
        }
        let mean = |coset: usize, class: usize| (sums[coset][class] / f64::max(counts[coset][class], 1.0)) as f32;
        Self(std::array::from_fn(|coset| std::array::from_fn(|class| mean(coset, class))))
    }

    /// The level of `index` in steps.
    #[inline]
    pub fn level(&self, coset: u32, index: i32) -> f64 {
        let class = (index.unsigned_abs() as usize).clamp(1, SHIFTED) - 1;
        let shift = self.0[coset as usize & 1][class] * index.signum() as f32;
        f64::from(multiple(coset, index)) + f64::from(shift)
    }
}

/// Reconstructs `indices` into `y` with step size `step` (half the distance of a coset's levels), from state 0.
///
/// # Panics
/// When the slices differ in length.
pub fn reconstruct(trellis: Trellis, step: f64, shifts: &Shifts, indices: &[i32], y: &mut [f64]) {
    assert_eq!(indices.len(), y.len(), "indices and samples have one length");
    let mut state = 0;
    for (y, &index) in y.iter_mut().zip(indices) {
        *y = step * shifts.level(trellis.coset(state), index);
        state = trellis.next(state, index as u32);
    }
}

/// Codes `indices` with adaptive models, one for each coset; when reading, fills them in. Any bytes give some indices.
pub fn code(trellis: Trellis, coder: &mut impl BitCoder, indices: &mut [i32]) {
    let mut models = [IndexModel::default(), IndexModel::default()];
    let mut state = 0;
    for index in indices {
        *index = models[trellis.coset(state) as usize].code(coder, *index);
        state = trellis.next(state, *index as u32);
    }
}

/// Bits of a magnitude in each coset, sign included.
#[derive(Debug, Clone)]
pub struct Prices {
    bits: [[f32; PRICED]; 2],
}

impl Default for Prices {
    /// Two bits for each doubling of m + 1 and one to begin with, for want of statistics.
    fn default() -> Self {
        let bits = std::array::from_fn(|m| 1.0 + 2.0 * (1.0 + m as f32).log2());
        Self { bits: [bits; 2] }
    }
}

impl Prices {
    /// Self-information of the magnitudes among `indices`; those that do not occur are priced as one in half as many.
    pub fn of_indices(trellis: Trellis, indices: &[i32]) -> Self {
        let mut counts = [[0.5_f32; PRICED]; 2];
        let mut state = 0;
        for &index in indices {
            let magnitude = (index.unsigned_abs() as usize).min(PRICED - 1);
            counts[trellis.coset(state) as usize][magnitude] += 1.0;
            state = trellis.next(state, index as u32);
        }
        Self::of_counts(counts)
    }

    /// Prices of samples put where each coset would have them alone, the zero of coset 1 used by none.
    pub fn without_odd_zero(x: &[f64], step: f64) -> Self {
        let mut counts = [[0.5_f32; PRICED]; 2];
        for x in x {
            let a = x.abs() / step;
            counts[0][((0.5 * a + 0.5) as usize).min(PRICED - 1)] += 1.0;
            counts[1][(1.0 + 0.5 * a).min((PRICED - 1) as f64) as usize] += 1.0;
        }
        Self::of_counts(counts)
    }

    fn of_counts(counts: [[f32; PRICED]; 2]) -> Self {
        let bits = counts.map(|counts| {
            let total: f32 = counts.iter().sum();
            std::array::from_fn(|m| (total / counts[m]).log2() + if m > 0 { 1.0 } else { 0.0 })
        });
        Self { bits }
    }

    #[inline]
    fn bits(&self, coset: usize, magnitude: usize) -> f32 {
        match self.bits[coset].get(magnitude) {
            Some(&bits) => bits,
            None => self.bits[coset][PRICED - 1] + 2.0 * (magnitude as f32 / PRICED as f32).log2(),
        }
    }
}

/// The encoder's side: chooses indices.
#[derive(Debug)]
pub struct DependentQuantizer {
    trellis: Trellis,
    /// Distance of neighbouring levels of both cosets together.
    pub step: f64,
    /// What a bit may cost, in squared steps. 0 takes the least error; at 2 bits and above 0.35 is about the best.
    pub price: f64,
    /// What indices cost.
    pub prices: Prices,
    /// Where levels lie.
    pub shifts: Shifts,
    viterbi: Viterbi,
    costs: Vec<Costs>,
    magnitudes: Vec<[u32; 4]>,
}

impl DependentQuantizer {
    /// A quantizer with the given trellis, step and price of a bit, and default prices.
    ///
    /// # Errors
    /// `InvalidParameter` unless the step is positive and finite, the price at least 0 and finite, or as
    /// [`Trellis::new`].
    pub fn new(n_states: usize, step: f64, price: f64) -> Result<Self> {
        let trellis = Trellis::new(n_states)?;
        if !(step > 0.0 && step.is_finite()) {
            return Err(Error::invalid("step", step, "positive finite numbers"));
        }
        if !(price >= 0.0 && price.is_finite()) {
            return Err(Error::invalid("price of a bit", price, "finite numbers from 0"));
        }
        let viterbi = Viterbi::new(trellis);
        Ok(Self {
            trellis,
            step,
            price,
            prices: Prices::default(),
            shifts: Shifts::default(),
            viterbi,
            costs: Vec::new(),
            magnitudes: Vec::new(),
        })
    }

    /// The trellis, which the decoder needs too.
    pub fn trellis(&self) -> Trellis {
        self.trellis
    }

    /// The indices with the least `squared error + price * bits`, from state 0. NaN counts as 0.
    ///
    /// # Panics
    /// When the slices differ in length.
    pub fn quantize(&mut self, x: &[f64], indices: &mut [i32]) {
        assert_eq!(x.len(), indices.len(), "samples and indices have one length");
        let (mut bits, mut state) = ([0; BLOCK], 0);
        for start in (0..x.len()).step_by(BLOCK) {
            let n = BLOCK.min(x.len() - start);
            let searched = &x[start..(start + n + LOOK_AHEAD).min(x.len())];
            self.price_levels(searched);
            let end = self.viterbi.search(state, &self.costs, &mut bits[..n]);
            for (i, index) in indices[start..start + n].iter_mut().enumerate() {
                let subset = 2 * u32::from(bits[i]) + self.trellis.coset(state);
                let magnitude = self.magnitudes[i][subset as usize] as i32;
                *index = if searched[i] < 0.0 { -magnitude } else { magnitude };
                state = self.trellis.next(state, u32::from(bits[i]));
            }
            debug_assert_eq!(state, end);
        }
    }

    /// Quantizes again and again, learning prices from each round's indices, and keeps the cheaper of two ends.
    ///
    /// At low rates both cosets need their zero, above 1.5 bits coset 1 is better without (0.1 dB at 2 bits), and
    /// learning moves between the two slowly: it takes `rounds` rounds from either. The shifts are learnt too.
    ///
    /// # Panics
    /// When the slices differ in length.
    pub fn quantize_learning(&mut self, x: &[f64], indices: &mut [i32], rounds: usize) {
        let mut best: Option<(f64, Prices, Shifts)> = None;
        for prices in [Prices::default(), Prices::without_odd_zero(x, self.step)] {
            (self.prices, self.shifts) = (prices, Shifts::default());
            for _ in 0..rounds {
                self.quantize(x, indices);
                self.prices = Prices::of_indices(self.trellis, indices);
                self.shifts = Shifts::of_samples(self.trellis, self.step, x, indices);
            }
            let cost = self.cost(x, indices);
            if best.as_ref().is_none_or(|(least, ..)| cost < *least) {
                best = Some((cost, self.prices.clone(), self.shifts.clone()));
            }
        }
        let (_, prices, shifts) = best.expect("there are two starts");
        (self.prices, self.shifts) = (prices, shifts);
        self.quantize(x, indices);
        self.shifts = Shifts::of_samples(self.trellis, self.step, x, indices);
    }

    /// Squared error in squared steps and priced bits of `indices`. Samples that are not finite do not count.
    fn cost(&self, x: &[f64], indices: &[i32]) -> f64 {
        let (mut state, mut sum) = (0, 0.0);
        for (&x, &index) in x.iter().zip(indices) {
            let coset = self.trellis.coset(state);
            let error = x / self.step - self.shifts.level(coset, index);
            let bits = self.prices.bits(coset as usize, index.unsigned_abs() as usize);
            if error.is_finite() {
                sum += error * error + self.price * f64::from(bits);
            }
            state = self.trellis.next(state, index as u32);
        }
        sum
    }

    /// The best level of each subset for each sample, and its cost.
    fn price_levels(&mut self, x: &[f64]) {
        self.costs.clear();
        self.magnitudes.clear();
        let (per_step, price) = (self.step.recip(), self.price as f32);
        for &x in x {
            let a = if x.is_nan() { 0.0 } else { ((x.abs() * per_step) as f32).min(2.0 * MAX_MAGNITUDE) };
            let (mut costs, mut magnitudes) = ([0.0; 4], [0; 4]);
            for subset in 0..4 {
                (costs[subset], magnitudes[subset]) = best_of_subset(&self.prices, &self.shifts, price, a, subset);
            }
            self.costs.push(costs);
            self.magnitudes.push(magnitudes);
        }
    }
}

/// Cost and magnitude of the better of the level nearest to `a` >= 0 and the one below it, of subset 2 b + z.
#[inline(always)]
fn best_of_subset(prices: &Prices, shifts: &Shifts, price: f32, a: f32, subset: usize) -> (f32, u32) {
    let (z, b) = ((subset & 1) as u32, (subset >> 1) as u32);
    // Magnitudes b, b + 2, ... at 2 m - z: every fourth step. Truncation rounds down, at b and below to b.
    let nearest = b + 2 * ((a + (z as f32 - 2.0 * b as f32) + 2.0) * 0.25) as u32;
    let below = if nearest >= 2 { nearest - 2 } else { nearest };
    let cost = |m: u32| {
        let shift = shifts.0[z as usize][(m as usize).clamp(1, SHIFTED) - 1];
        let level = if m > 0 { (2 * m - z) as f32 + shift } else { 0.0 };
        (a - level) * (a - level) + price * prices.bits(z as usize, m as usize)
    };
    let (upper, lower) = (cost(nearest), cost(below));
    if lower < upper { (lower, below) } else { (upper, nearest) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cosets_are_even_and_odd_multiples_and_zero() {
        let levels = |coset| (-3..=3).map(|m| multiple(coset, m)).collect::<Vec<_>>();
        assert_eq!(levels(0), [-6, -4, -2, 0, 2, 4, 6]);
        assert_eq!(levels(1), [-5, -3, -1, 0, 1, 3, 5]);
    }

    #[test]
    fn reconstruction_follows_the_parity() {
        let trellis = Trellis::new(4).expect("legal");
        let mut y = [0.0; 4];
        // States 0, 1, 3 (input bit 1, then 0 and 1): the second and third samples are in coset 1.
        reconstruct(trellis, 0.5, &Shifts::default(), &[1, 1, -2, 3], &mut y);
        let states = [0, trellis.next(0, 1), trellis.next(trellis.next(0, 1), 1)];
        assert_eq!(states.map(|s| trellis.coset(s)), [0, 1, 1]);
        assert_eq!(y[..3], [1.0, 0.5, -1.5]);
    }

    /// The least cost over every index in reach, sample by sample and path by path.
    fn exhaustive(quantizer: &DependentQuantizer, x: &[f64], state: u32) -> f64 {
        let Some((&first, rest)) = x.split_first() else { return 0.0 };
        let trellis = quantizer.trellis;
        let coset = trellis.coset(state);
        let costs = (-6..=6).map(|m: i32| {
            let error = first / quantizer.step - f64::from(multiple(coset, m));
            let bits = quantizer.prices.bits(coset as usize, m.unsigned_abs() as usize);
            error * error
                + quantizer.price * f64::from(bits)
                + exhaustive(quantizer, rest, trellis.next(state, m as u32))
        });
        costs.fold(f64::INFINITY, f64::min)
    }

    fn cost(quantizer: &DependentQuantizer, x: &[f64], indices: &[i32]) -> f64 {
        let mut state = 0;
        x.iter()
            .zip(indices)
            .map(|(x, &m)| {
                let coset = quantizer.trellis.coset(state);
                state = quantizer.trellis.next(state, m as u32);
                let bits = quantizer.prices.bits(coset as usize, m.unsigned_abs() as usize);
                (x / quantizer.step - f64::from(multiple(coset, m))).powi(2) + quantizer.price * f64::from(bits)
            })
            .sum()
    }

    fn gaussian(n: usize, seed: u64) -> Vec<f64> {
        let mut state = seed;
        let mut uniform = move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            ((state >> 11) as f64 + 0.5) / (1u64 << 53) as f64
        };
        (0..n).map(|_| (-2.0 * uniform().ln()).sqrt() * (std::f64::consts::TAU * uniform()).cos()).collect()
    }

    #[test]
    fn the_choice_is_the_cheapest_of_all() {
        for (n_states, step, price) in [(4, 0.5, 0.3), (8, 0.7, 1.0), (8, 1.5, 0.0)] {
            let mut quantizer = DependentQuantizer::new(n_states, step, price).expect("legal");
            for seed in 0..5 {
                let x = gaussian(4, seed);
                let mut indices = [0; 4];
                quantizer.quantize(&x, &mut indices);
                let (ours, best) = (cost(&quantizer, &x, &indices), exhaustive(&quantizer, &x, 0));
                assert!((ours - best).abs() < 1e-4, "{n_states} states, seed {seed}: {ours} against {best}");
            }
        }
    }

    /// Gap to the Gaussian R(D) = -log2(D)/2 of real coded bytes, dB.
    fn gaussian_gap_db(n_states: usize, step: f64, price: f64, n: usize) -> (f64, f64) {
        let mut quantizer = DependentQuantizer::new(n_states, step, price).expect("legal");
        let x = gaussian(n, 11);
        let mut indices = vec![0; n];
        quantizer.quantize_learning(&x, &mut indices, 4);
        let mut encoder = crate::range_coder::Encoder::new(Vec::new());
        code(quantizer.trellis(), &mut encoder, &mut indices);
        let bytes = encoder.finish();
        let mut decoded = vec![0; n];
        code(quantizer.trellis(), &mut crate::range_coder::Decoder::new(&bytes), &mut decoded);
        assert_eq!(decoded, indices);
        let mut y = vec![0.0; n];
        reconstruct(quantizer.trellis(), step, &quantizer.shifts, &decoded, &mut y);
        let mse = x.iter().zip(&y).map(|(x, y)| (y - x).powi(2)).sum::<f64>();
        let power = x.iter().map(|x| x * x).sum::<f64>();
        let rate = (8 * bytes.len()) as f64 / n as f64;
        (rate, 20.0 * 2f64.log10() * rate - 10.0 * (power / mse).log10())
    }

    #[test]
    fn the_gap_to_shannon_at_two_bits_is_what_was_promised() {
        let (rate, gap) = gaussian_gap_db(8, 0.5, 0.33, 60_000);
        assert!((rate - 2.0).abs() < 0.15 && gap < 0.62, "{rate} bits, {gap} dB");
    }

    #[test]
    fn odd_inputs_are_coded() {
        let x = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0, 1e300, 1e-300];
        let mut indices = [7; 6];
        let mut quantizer = DependentQuantizer::new(4, 0.1, 0.3).expect("legal");
        quantizer.quantize(&x, &mut indices);
        assert_eq!((indices[0], indices[3], indices[5]), (0, 0, 0));
        assert!(indices[1] > 1 << 23 && indices[2] < -(1 << 23), "{indices:?}");
        assert!(indices.iter().all(|i| i.unsigned_abs() < (1 << 24) - 1));
        quantizer.quantize(&[], &mut []);
        assert!(DependentQuantizer::new(4, f64::NAN, 0.0).is_err() && DependentQuantizer::new(4, 1.0, -1.0).is_err());
    }
}
