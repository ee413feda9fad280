//! The encoder's side: chooses indices.

use super::{Levels, Prices};
use crate::quantizer::trellis::Trellis;
use crate::quantizer::viterbi::{BLOCK, Costs, LOOK_AHEAD, Viterbi};
use crate::{Error, Result};

/// Largest magnitude the encoder considers, in steps: twice the range of the index coder, less what rounding and the
/// parity may add.
const MAX_STEPS: f32 = ((1 << 25) - 16) as f32;

/// Indices on each side of zero whose level and price are looked up.
const TABLED: i32 = 255;
/// Levels in steps and prices in squared steps, from index -255 on.
type Table = [(f32, f32); 2 * TABLED as usize + 1];

/// Chooses the indices of samples.
///
/// ```
/// use sqnr::quantizer::dependent::DependentQuantizer;
///
/// let mut quantizer = DependentQuantizer::new(8, 0.1, 0.4)?;
/// let x: Vec<f64> = (0..1_000).map(|i| (0.1 * f64::from(i)).sin()).collect();
/// let mut indices = vec![0; x.len()];
/// quantizer.quantize(&x, &mut indices);
/// // Reconstruction follows the same path through the trellis.
/// let (trellis, mut state) = (quantizer.trellis(), 0);
/// for (x, &index) in x.iter().zip(&indices) {
///     let y = 0.1 * quantizer.levels.level(trellis.coset(state), index);
///     assert!((y - x).abs() < 0.25);
///     state = trellis.next(state, index as u32);
/// }
/// # Ok::<(), sqnr::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct DependentQuantizer {
    trellis: Trellis,
    /// Distance of neighbouring levels of both cosets together.
    pub step: f64,
    /// What a bit may cost, in squared steps. 0 takes the least error; [`crate::design::dependent`] knows the best.
    pub price: f64,
    /// What indices cost.
    pub prices: Prices,
    /// Where levels lie.
    pub levels: Levels,
    viterbi: Viterbi,
    costs: Vec<Costs>,
    candidates: Vec<[i32; 4]>,
}

/// The levels of a [`DependentQuantizer`] with several prices, looked up together.
#[derive(Debug, Clone)]
pub struct PricedLevels(Vec<[Table; 2]>);

impl DependentQuantizer {
    /// A quantizer with the given trellis, step and price of a bit, levels at half steps and default prices.
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
        let (prices, levels) = (Prices::default(), Levels::HALF_STEPS);
        Ok(Self { trellis, step, price, prices, levels, viterbi, costs: Vec::new(), candidates: Vec::new() })
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
        let tables = self.tables(&self.prices);
        self.search(x, |_| &tables, indices);
    }

    /// As [`Self::quantize`], but the samples differ in what their indices cost.
    ///
    /// - `prices`: from [`Self::priced`]
    /// - `price_of`: which of these prices each sample has
    ///
    /// # Panics
    /// When the slices differ in length, or a number of `price_of` is too large.
    pub fn quantize_priced(&mut self, x: &[f64], prices: &PricedLevels, price_of: &[u8], indices: &mut [i32]) {
        assert_eq!(x.len(), price_of.len(), "samples and their prices have one length");
        self.search(x, |i| &prices.0[usize::from(price_of[i])], indices);
    }

    /// The quantizer's levels with each of these prices, for [`Self::quantize_priced`]. Beyond what the tables hold, indices
    /// cost what the quantizer's own prices say.
    pub fn priced(&self, prices: &[Prices]) -> PricedLevels {
        PricedLevels(prices.iter().map(|prices| self.tables(prices)).collect())
    }

    /// - `tables`: of the i-th sample
    fn search<'t>(&mut self, x: &[f64], tables: impl Fn(usize) -> &'t [Table; 2], indices: &mut [i32]) {
        assert_eq!(x.len(), indices.len(), "samples and indices have one length");
        let (mut bits, mut state) = ([0; BLOCK], 0);
        for start in (0..x.len()).step_by(BLOCK) {
            let n = BLOCK.min(x.len() - start);
            let searched = &x[start..(start + n + LOOK_AHEAD).min(x.len())];
            self.price_levels(|i| tables(start + i), searched);
            let end = self.viterbi.search(state, &self.costs, &mut bits[..n]);
            for (i, index) in indices[start..start + n].iter_mut().enumerate() {
                let subset = 2 * u32::from(bits[i]) + self.trellis.coset(state);
                *index = self.candidates[i][subset as usize];
                state = self.trellis.next(state, u32::from(bits[i]));
            }
            debug_assert_eq!(state, end);
        }
    }

    /// Quantizes again and again, and after each of the `rounds` moves levels and prices to what the indices say. It
    /// starts from the levels as they are, priced as each coset alone would use them.
    ///
    /// # Panics
    /// When the slices differ in length.
    pub fn quantize_learning(&mut self, x: &[f64], indices: &mut [i32], rounds: usize) {
        self.prices = Prices::of_nearest(&self.levels, self.step, x);
        for _ in 0..rounds {
            self.quantize(x, indices);
            self.prices = Prices::of_indices(self.trellis, indices);
            self.levels = self.levels.moved_to_centroids(self.trellis, self.step, x, indices);
        }
        self.quantize(x, indices);
        self.levels = self.levels.moved_to_centroids(self.trellis, self.step, x, indices);
    }

    /// The best level of each subset for each sample, and its cost.
    fn price_levels<'t>(&mut self, tables: impl Fn(usize) -> &'t [Table; 2], x: &[f64]) {
        self.costs.clear();
        self.candidates.clear();
        let per_step = self.step.recip();
        for (i, &x) in x.iter().enumerate() {
            let a = if x.is_nan() { 0.0 } else { ((x * per_step) as f32).clamp(-MAX_STEPS, MAX_STEPS) };
            let (mut costs, mut candidates) = ([0.0; 4], [0; 4]);
            for (coset, table) in tables(i).iter().enumerate() {
                let place = 0.5 * (a - self.levels.far_shift(coset, a));
                let towards_zero = place as i32;
                let below = towards_zero - i32::from(towards_zero as f32 > place);
                // Levels of one subset are two indices apart, so that these two are the nearest of their parities.
                for index in [below, below + 1] {
                    let subset = 2 * (index & 1) as usize + coset;
                    (costs[subset], candidates[subset]) = self.better(table, coset, a, index);
                }
            }
            self.costs.push(costs);
            self.candidates.push(candidates);
        }
    }

    /// Cost and index of the better of two: `nearest` to `a` among indices of its parity, and its neighbour of that
    /// parity on the way to zero. Beyond, cost rises.
    #[inline(always)]
    fn better(&self, table: &Table, coset: usize, a: f32, nearest: i32) -> (f32, i32) {
        let inner = nearest - 2 * nearest.signum();
        let cost = |index: i32| {
            let (level, bits) = match table.get((index + TABLED) as usize) {
                Some(&entry) => entry,
                None => self.entry(&self.prices, coset, index),
            };
            (a - level) * (a - level) + bits
        };
        let (near, towards_zero) = (cost(nearest), cost(inner));
        if towards_zero < near { (towards_zero, inner) } else { (near, nearest) }
    }

    /// Level of an index, and the price of its bits.
    fn entry(&self, prices: &Prices, coset: usize, index: i32) -> (f32, f32) {
        (self.levels.near_level(coset, index), self.price as f32 * prices.bits(coset, index))
    }

    fn tables(&self, prices: &Prices) -> [Table; 2] {
        std::array::from_fn(|coset| std::array::from_fn(|i| self.entry(prices, coset, i as i32 - TABLED)))
    }
}
