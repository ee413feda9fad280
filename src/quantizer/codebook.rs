//! A quantizer given by its levels and thresholds: the reference for every closed form.
//!
//! ```text
//! levels        l0      l1    l2        l3
//! thresholds        t0     t1     t2            index(x) = number of thresholds t <= x
//! ```
//!
//! The search divides the span of the thresholds into equal buckets, several per threshold. A bucket says how many
//! thresholds lie below it; the few inside it are searched. Both come from one rounded, monotone function of the input,
//! so the result is that of a search through all thresholds, bit for bit.

use std::ops::RangeInclusive;

use super::Quantizer;
use crate::kernel::codebook::{Table, index};
use crate::{Error, Result};

/// Most levels of a codebook.
pub(super) const MAX_LEVELS: usize = 1 << 20;

/// Explicit levels and thresholds. Indices run from 0 to L - 1; a sample equal to a threshold falls into the upper cell.
///
/// ```
/// use sqnr::quantizer::{Codebook, Quantizer};
///
/// let ternary = Codebook::from_levels(vec![-1.0, 0.0, 1.0])?; // thresholds midway: -0.5, 0.5
/// assert_eq!(ternary.index(0.6), 2);
/// assert_eq!(ternary.reconstruct(2), 1.0);
/// # Ok::<(), sqnr::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Codebook {
    levels: Vec<f64>,
    /// One for each level: NaN after the last, which no sample reaches.
    thresholds: Vec<f64>,
    buckets: Buckets,
}

impl Codebook {
    /// A codebook of the given reconstruction levels, thresholds midway between them: the nearest level wins.
    ///
    /// # Errors
    /// `InvalidParameter` unless there are 1 to 2^20 levels, finite, strictly ascending.
    pub fn from_levels(levels: Vec<f64>) -> Result<Self> {
        let thresholds = levels.windows(2).map(|pair| midway(pair[0], pair[1])).collect();
        Self::new(levels, thresholds)
    }

    /// A codebook of L levels and the L - 1 thresholds between them.
    ///
    /// # Errors
    /// `InvalidParameter` unless there are 1 to 2^20 levels, all finite and strictly ascending, and each threshold lies
    /// above the level below it and not above the level over it; `LengthMismatch` for another number of thresholds.
    pub fn new(levels: Vec<f64>, mut thresholds: Vec<f64>) -> Result<Self> {
        if levels.is_empty() || levels.len() > MAX_LEVELS {
            return Err(Error::invalid("number of levels", levels.len(), format!("1 to {MAX_LEVELS}")));
        }
        if thresholds.len() + 1 != levels.len() {
            let expected = levels.len() - 1;
            return Err(Error::LengthMismatch { what: "thresholds of a codebook", expected, got: thresholds.len() });
        }
        if let Some(bad) = levels.iter().chain(&thresholds).find(|v| !v.is_finite()) {
            return Err(Error::invalid("level or threshold", bad, "finite numbers"));
        }
        if let Some(pair) = levels.windows(2).find(|pair| pair[0] >= pair[1]) {
            return Err(Error::invalid("level", pair[1], format!("strictly ascending, above {}", pair[0])));
        }
        for (pair, &threshold) in levels.windows(2).zip(&thresholds) {
            if !(pair[0] < threshold && threshold <= pair[1]) {
                let allowed = format!("above {} and at most {}, the levels beside it", pair[0], pair[1]);
                return Err(Error::invalid("threshold", threshold, allowed));
            }
        }
        let buckets = Buckets::new(&thresholds);
        thresholds.push(f64::NAN);
        Ok(Self { levels, thresholds, buckets })
    }

    /// The table of any quantizer: its levels and thresholds, the first index becoming 0.
    ///
    /// # Errors
    /// `LimitExceeded` beyond 2^20 levels; else as [`Codebook::new`].
    pub fn tabulate(quantizer: &dyn Quantizer) -> Result<Self> {
        let n_levels = quantizer.n_levels();
        if n_levels > MAX_LEVELS as u64 {
            return Err(Error::LimitExceeded {
                what: "levels of a codebook",
                value: n_levels,
                limit: MAX_LEVELS as u64,
            });
        }
        let (first, last) = quantizer.indices().into_inner();
        let levels = (first..=last).map(|i| quantizer.reconstruct(i)).collect();
        let thresholds = (first..last).map(|i| quantizer.threshold(i)).collect();
        Self::new(levels, thresholds)
    }

    /// Reconstruction levels, ascending.
    pub fn levels(&self) -> &[f64] {
        &self.levels
    }

    /// Decision thresholds, ascending, one fewer than the levels.
    pub fn thresholds(&self) -> &[f64] {
        &self.thresholds[..self.levels.len() - 1]
    }

    /// Buckets and thresholds, for the kernel.
    fn table(&self) -> Table<'_> {
        self.buckets.table(&self.thresholds)
    }
}

/// The middle of `a` < `b`, above `a` even when the two are neighbouring numbers.
fn midway(a: f64, b: f64) -> f64 {
    let middle = 0.5 * a + 0.5 * b;
    if middle > a { middle } else { b }
}

impl PartialEq for Codebook {
    fn eq(&self, other: &Self) -> bool {
        self.levels == other.levels && self.thresholds() == other.thresholds()
    }
}

impl Quantizer for Codebook {
    fn indices(&self) -> RangeInclusive<i32> {
        0..=self.levels.len() as i32 - 1
    }

    #[inline]
    fn index(&self, x: f64) -> i32 {
        let x = if x.is_nan() { 0.0 } else { x };
        let candidates = self.buckets.candidates(x);
        let below = candidates.start;
        (below + self.thresholds[candidates].partition_point(|&t| t <= x)) as i32
    }

    fn reconstruct(&self, index: i32) -> f64 {
        self.levels[index.clamp(0, self.levels.len() as i32 - 1) as usize]
    }

    fn threshold(&self, index: i32) -> f64 {
        match self.thresholds() {
            [] => f64::INFINITY,
            thresholds => thresholds[index.clamp(0, thresholds.len() as i32 - 1) as usize],
        }
    }

    fn index_slice(&self, x: &[f64], indices: &mut [i32]) {
        assert_eq!(x.len(), indices.len(), "input and output have one length");
        match self.buckets.most {
            0..=1 => index::<1>(self.table(), x, indices),
            2 => index::<2>(self.table(), x, indices),
            3..=4 => index::<4>(self.table(), x, indices),
            5..=MAX_TRIED => index::<MAX_TRIED>(self.table(), x, indices),
            _ => x.iter().zip(indices).for_each(|(&x, index)| *index = self.index(x)),
        }
    }
}

/// Thresholds in a bucket up to which they are tried one after the other.
const MAX_TRIED: usize = 8;

/// Equal buckets over the span of the thresholds.
#[derive(Debug, Clone)]
struct Buckets {
    low: f64,
    per_unit: f64,
    /// `below[b]`: number of thresholds in buckets before b; one entry more than buckets.
    below: Vec<u32>,
    /// Most thresholds in one bucket.
    most: usize,
}

/// Buckets per threshold to begin with: with four, a uniform codebook has at most one threshold in a bucket.
const BUCKETS_PER_THRESHOLD: usize = 4;

/// Buckets up to which their number is doubled while one holds more than [`FEW`] thresholds: 64 KiB stay in the cache.
const MAX_FINE_BUCKETS: usize = 1 << 14;

/// mu-law's 256 levels have this many in a bucket at 4,096 buckets.
const FEW: usize = 4;

impl Buckets {
    fn new(thresholds: &[f64]) -> Self {
        let mut n_buckets = (BUCKETS_PER_THRESHOLD * thresholds.len()).next_power_of_two().max(16);
        loop {
            let buckets = Self::with(n_buckets, thresholds);
            if buckets.most <= FEW || n_buckets >= MAX_FINE_BUCKETS || buckets.per_unit == 0.0 {
                return buckets;
            }
            n_buckets *= 2;
        }
    }

    fn with(n_buckets: usize, thresholds: &[f64]) -> Self {
        let low = thresholds.first().copied().unwrap_or(0.0);
        let span = thresholds.last().copied().unwrap_or(0.0) - low;
        let per_unit = n_buckets as f64 / span;
        let per_unit = if per_unit.is_finite() { per_unit } else { 0.0 };
        let mut buckets = Self { low, per_unit, below: vec![0; n_buckets + 1], most: 0 };
        for &threshold in thresholds {
            let bucket = buckets.table(thresholds).bucket(threshold);
            buckets.below[bucket + 1] += 1;
        }
        buckets.most = buckets.below.iter().copied().max().unwrap_or(0) as usize;
        for b in 1..=n_buckets {
            buckets.below[b] += buckets.below[b - 1];
        }
        buckets
    }

    fn table<'a>(&'a self, thresholds: &'a [f64]) -> Table<'a> {
        Table { low: self.low, per_unit: self.per_unit, below: &self.below, thresholds }
    }

    /// Positions of the thresholds that may decide `x`: all before are at most `x`, all after are above it.
    #[inline]
    fn candidates(&self, x: f64) -> std::ops::Range<usize> {
        let bucket = self.table(&[]).bucket(x);
        self.below[bucket] as usize..self.below[bucket + 1] as usize
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::quantizer::laws;

    /// The definition: how many thresholds are at most x.
    fn slow_index(codebook: &Codebook, x: f64) -> i32 {
        codebook.thresholds().iter().filter(|&&t| t <= x).count() as i32
    }

    #[test]
    fn bad_tables_are_refused() {
        assert!(Codebook::from_levels(vec![]).is_err());
        assert!(Codebook::from_levels(vec![0.0, 0.0]).is_err());
        assert!(Codebook::from_levels(vec![0.0, f64::NAN]).is_err());
        assert!(Codebook::new(vec![0.0, 1.0], vec![0.0]).is_err());
        assert!(Codebook::new(vec![0.0, 1.0], vec![1.1]).is_err());
        assert!(matches!(
            Codebook::new(vec![0.0, 1.0], vec![]),
            Err(Error::LengthMismatch { expected: 1, got: 0, .. })
        ));
    }

    #[test]
    fn extreme_spans_are_searched_right() {
        let tables = [
            vec![-f64::MAX, 0.0, f64::MAX],
            vec![0.0, f64::MIN_POSITIVE, 1.0, 1e300],
            vec![1.0, 1.0f64.next_up(), 1.0f64.next_up().next_up()],
            vec![5.0],
        ];
        for levels in tables {
            let q = Codebook::from_levels(levels).expect("ascending");
            laws::hold(&q, 1e300, 1);
            for x in q.thresholds().iter().flat_map(|t| [t.next_down(), *t, t.next_up()]) {
                assert_eq!(q.index(x), slow_index(&q, x));
            }
        }
    }

    proptest! {
        #[test]
        fn search_finds_what_counting_finds(
            mut levels in proptest::collection::vec(-1f64..1.0, 1..300),
            sharpness in 1i32..9,
            x in -1.2f64..1.2,
        ) {
            // Odd powers crowd the levels around zero.
            levels.iter_mut().for_each(|l| *l = l.powi(2 * sharpness - 1));
            levels.sort_by(f64::total_cmp);
            levels.dedup();
            let q = Codebook::from_levels(levels).expect("ascending");
            prop_assert_eq!(q.index(x), slow_index(&q, x));
            let small = x.powi(9);
            prop_assert_eq!(q.index(small), slow_index(&q, small));
            laws::hold(&q, 1.0, x.to_bits());
        }

        /// At, beside and between the thresholds, also where a bucket holds many.
        #[test]
        fn slices_find_what_the_search_finds(
            mut levels in proptest::collection::vec(-1f64..1.0, 1..300), power in 1i32..9,
            anything in proptest::collection::vec(any::<f64>(), 600),
        ) {
            levels.iter_mut().for_each(|l| *l = l.powi(2 * power - 1));
            levels.sort_by(f64::total_cmp);
            levels.dedup();
            let q = Codebook::from_levels(levels).expect("ascending");
            let around = q.thresholds().iter().flat_map(|t| [t.next_down(), *t, t.next_up()]);
            let x: Vec<f64> = anything.into_iter().chain(around).collect();
            let mut indices = vec![0; x.len()];
            q.index_slice(&x, &mut indices);
            prop_assert!(x.iter().zip(&indices).all(|(&x, &index)| q.index(x) == index));
        }
    }
}
