//! Codebook search for slices.

use super::dispatch::{Kernel, dispatch};
use super::pcm::{as_i32, clamp};
use crate::quantizer::{N_BUCKETS, Table};

/// The bucket of `x`: monotone in x, whatever the rounding. NaN, which an infinite `x` gives when the scale is 0, has
/// bucket 0, then the only one with thresholds.
#[inline(always)]
pub(crate) fn bucket(table: &Table, x: f32) -> usize {
    let place = (x - table.low) * table.per_unit;
    as_i32(clamp(place, 0.0, (N_BUCKETS - 1) as f32)) as usize % N_BUCKETS
}

/// Samples at a time.
const BLOCK: usize = 512;

/// The buckets of `x` in vectors; `known` is `x` with 0 for NaN.
struct Buckets<'a> {
    table: &'a Table,
    x: &'a [f32],
    known: &'a mut [f32],
    buckets: &'a mut [u16],
}

impl Kernel for Buckets<'_> {
    #[inline(always)]
    fn run(self) {
        for ((&x, known), place) in self.x.iter().zip(self.known).zip(self.buckets) {
            *known = if x.is_nan() { 0.0 } else { x };
            // Below 2^14.
            *place = bucket(self.table, *known) as u16;
        }
    }
}

/// The indices of `x`, as many as there are indices, when no bucket holds more than `N_TRIED` thresholds.
pub(crate) fn encode<const N_TRIED: usize>(table: &Table, x: &[f32], indices: &mut [u8]) {
    for (x, indices) in x.chunks(BLOCK).zip(indices.chunks_mut(BLOCK)) {
        let (mut known, mut buckets) = ([0.0; BLOCK], [0; BLOCK]);
        let (known, buckets) = (&mut known[..x.len()], &mut buckets[..x.len()]);
        dispatch(Buckets { table, x, known, buckets });
        for ((index, &x), &place) in indices.iter_mut().zip(&*known).zip(&*buckets) {
            let mut i = table.below[usize::from(place) % N_BUCKETS];
            for _ in 0..N_TRIED {
                // Not past the last level: no sample reaches the NaN that stands there.
                i += u8::from(x >= table.thresholds[usize::from(i)]);
            }
            *index = i;
        }
    }
}

/// The indices of `x` for any table.
pub(crate) fn encode_by_bisection(table: &Table, x: &[f32], indices: &mut [u8]) {
    for (index, &x) in indices.iter_mut().zip(x) {
        let x = if x.is_nan() { 0.0 } else { x };
        // At most 255 thresholds; NaN counts as not reached.
        *index = table.thresholds.partition_point(|&t| x >= t) as u8;
    }
}
