//! Codebook search for slices: buckets in vectors, then the few thresholds of a bucket one after the other, without a
//! branch.

use super::dispatch::{Kernel, dispatch};

/// A table of thresholds with equal buckets over their span.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Table<'a> {
    /// Where bucket 0 begins, and buckets per unit of input.
    pub(crate) low: f64,
    pub(crate) per_unit: f64,
    /// `below[b]`: number of thresholds in buckets before b; one entry more than buckets, at most 2^31.
    pub(crate) below: &'a [u32],
    /// Ascending; a NaN after the last, which no sample reaches.
    pub(crate) thresholds: &'a [f64],
}

impl Table<'_> {
    /// The bucket of `x`: monotone in x, whatever the rounding. A product of infinity and zero (NaN), which a scale of 0
    /// gives, has bucket 0, then the only one with thresholds.
    #[inline(always)]
    pub(crate) fn bucket(&self, x: f64) -> usize {
        // The conversion saturates: below 0 and NaN become 0.
        (((x - self.low) * self.per_unit) as u32 as usize).min(self.below.len() - 2)
    }
}

/// Samples at a time.
const BLOCK: usize = 512;

/// The buckets of `x` in vectors; `known` is `x` with 0 for NaN.
struct Buckets<'a> {
    table: Table<'a>,
    x: &'a [f64],
    known: &'a mut [f64],
    buckets: &'a mut [u32],
}

impl Kernel for Buckets<'_> {
    #[inline(always)]
    fn run(self) {
        let table = self.table;
        for ((&x, known), bucket) in self.x.iter().zip(self.known).zip(self.buckets) {
            *known = if x.is_nan() { 0.0 } else { x };
            *bucket = table.bucket(*known) as u32;
        }
    }
}

/// The indices of `x`, as many as there are indices, when no bucket holds more than `N_TRIED` thresholds.
pub(crate) fn index<const N_TRIED: usize>(table: Table<'_>, x: &[f64], indices: &mut [i32]) {
    let (mut known, mut buckets) = ([0.0; BLOCK], [0; BLOCK]);
    for (x, indices) in x.chunks(BLOCK).zip(indices.chunks_mut(BLOCK)) {
        let (known, buckets) = (&mut known[..x.len()], &mut buckets[..x.len()]);
        dispatch(Buckets { table, x, known, buckets });
        for ((index, &x), &bucket) in indices.iter_mut().zip(&*known).zip(&*buckets) {
            let mut i = table.below[bucket as usize];
            for _ in 0..N_TRIED {
                // Not past the last level: no sample reaches the NaN that stands there.
                i += u32::from(x >= table.thresholds[i as usize]);
            }
            // At most 2^20 levels.
            *index = i as i32;
        }
    }
}
