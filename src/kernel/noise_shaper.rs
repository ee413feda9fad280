//! The error-feedback loop around a uniform quantizer, in steps.
//!
//! One sample waits for the error of the one before, so what decides the speed is the way from error to error: product
//! with the first tap, sum, dither, floor, difference. Everything else is kept off it: errors five samples old and older
//! go through a vector sum that is ready in time, and reads errors that have long been stored; clipping is a branch that
//! is guessed right where nothing clips.

use super::dispatch::{Kernel, dispatch};

/// Taps that are applied one by one, newest first.
pub(crate) const RECENT: usize = 4;
/// Most taps.
pub(crate) const MAX_TAPS: usize = 64;

/// Taps of `NTF(z) - 1`, padded with zeros.
#[derive(Debug, Clone)]
pub(crate) struct Taps {
    /// h[1..=4].
    recent: [f64; RECENT],
    /// h[64], h[63] .. h[5]: the order in which the errors lie in memory.
    old: [f64; MAX_TAPS - RECENT],
    n_taps: usize,
}

impl Taps {
    /// At most [`MAX_TAPS`] taps, h[1] first.
    pub(crate) fn new(taps: &[f64]) -> Self {
        let mut padded = [0.0; MAX_TAPS];
        padded[..taps.len()].copy_from_slice(taps);
        let mut kept = Self { recent: [0.0; RECENT], old: [0.0; MAX_TAPS - RECENT], n_taps: taps.len() };
        kept.recent.copy_from_slice(&padded[..RECENT]);
        kept.old.copy_from_slice(&padded[RECENT..]);
        kept.old.reverse();
        kept
    }
}

/// One block; everything in steps, all slices of one length but `errors`, which begins with the last `MAX_TAPS` errors.
pub(crate) struct Block<'a> {
    pub(crate) taps: &'a Taps,
    pub(crate) x: &'a [f64],
    /// Dither, and the half that makes a floor a rounding.
    pub(crate) rounding: &'a [f64],
    /// Subtractive dither less the place of level 0.
    pub(crate) taken_back: &'a [f64],
    /// First and last index.
    pub(crate) indices: (f64, f64),
    pub(crate) granular_region: (f64, f64),
    pub(crate) errors: &'a mut [f64],
    /// The indices, as whole numbers.
    pub(crate) whole: &'a mut [f64],
    pub(crate) n_clipped: &'a mut u64,
}

/// Runs the loop over one block.
pub(crate) fn shape(block: Block<'_>) {
    match block.taps.n_taps {
        0..=4 => dispatch(Shape::<0>(block)),
        5..=12 => dispatch(Shape::<8>(block)),
        13..=20 => dispatch(Shape::<16>(block)),
        21..=36 => dispatch(Shape::<32>(block)),
        _ => dispatch(Shape::<60>(block)),
    }
}

/// With `OLD` old taps, a multiple of 4.
struct Shape<'a, const OLD: usize>(Block<'a>);

#[inline(always)]
fn clamp(x: f64, (low, high): (f64, f64)) -> f64 {
    let x = if x > low { x } else { low };
    if x < high { x } else { high }
}

/// What is left of `v`, and its index, where something clips.
#[cold]
#[inline(never)]
fn clipped(v: f64, rounding: f64, granular_region: (f64, f64), indices: (f64, f64)) -> (f64, f64) {
    let v = clamp(v, granular_region);
    (v, clamp((v + rounding).floor(), indices))
}

/// Four sums side by side, added pairwise: one order on every machine.
#[inline(always)]
fn dot<const OLD: usize>(taps: &[f64; OLD], errors: &[f64; OLD]) -> f64 {
    let mut sums = [0.0; 4];
    for i in 0..OLD / 4 {
        for (lane, sum) in sums.iter_mut().enumerate() {
            *sum += taps[4 * i + lane] * errors[4 * i + lane];
        }
    }
    (sums[0] + sums[1]) + (sums[2] + sums[3])
}

impl<const OLD: usize> Kernel for Shape<'_, OLD> {
    #[inline(always)]
    fn run(self) {
        let block = self.0;
        let n = block.x.len();
        assert!(block.errors.len() == MAX_TAPS + n && block.whole.len() == n);
        assert!(block.rounding.len() == n && block.taken_back.len() == n);
        let [h1, h2, h3, h4] = block.taps.recent;
        let old: [f64; OLD] = std::array::from_fn(|i| block.taps.old[MAX_TAPS - RECENT - OLD + i]);
        let errors = block.errors;
        let [mut e4, mut e3, mut e2, mut e1] = std::array::from_fn(|i| errors[MAX_TAPS - RECENT + i]);
        let (first, past_last) = (block.indices.0, block.indices.1 + 1.0);
        let (low, high) = block.granular_region;
        let mut n_clipped = 0;
        for i in 0..n {
            let from = MAX_TAPS - RECENT - OLD + i;
            let window = errors[from..from + OLD].first_chunk().expect("the window has OLD errors");
            let v = block.x[i] + dot(&old, window) + h4 * e4 + h3 * e3 + h2 * e2 + h1 * e1;
            let unclamped = v + block.rounding[i];
            let is_inside = v >= low && v <= high && unclamped >= first && unclamped < past_last;
            let (v, whole) = if is_inside {
                (v, unclamped.floor())
            } else {
                // Beyond the granular region: an index out of range before it is clamped.
                n_clipped += u64::from(unclamped < first) + u64::from(unclamped > past_last);
                clipped(v, block.rounding[i], block.granular_region, block.indices)
            };
            (e4, e3, e2) = (e3, e2, e1);
            e1 = whole - (v + block.taken_back[i]);
            errors[MAX_TAPS + i] = e1;
            block.whole[i] = whole;
        }
        *block.n_clipped += n_clipped;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::dispatch::{forms_agree, run_as};

    /// Zeros of the NTF outside the unit circle: the least difference would grow until it shows.
    #[test]
    fn forms_give_the_same_errors() {
        let taps: Vec<f64> = (0..20).map(|k| -1.3 * (-0.8f64).powi(k)).collect();
        let x: Vec<f64> = (0..500).map(|i| 130.0 * (0.02 * f64::from(i)).sin()).collect();
        let rounding: Vec<f64> = (0..500).map(|i| 0.5 + 0.9 * (1.7 * f64::from(i)).sin()).collect();
        forms_agree(|form| {
            let (mut errors, mut whole, mut n_clipped) = (vec![0.0; MAX_TAPS + 500], vec![0.0; 500], 0);
            let block = Block {
                taps: &Taps::new(&taps),
                x: &x,
                rounding: &rounding,
                taken_back: &[0.0; 500],
                indices: (-128.0, 127.0),
                granular_region: (-128.5, 127.5),
                errors: &mut errors,
                whole: &mut whole,
                n_clipped: &mut n_clipped,
            };
            run_as(form, Shape::<16>(block));
            (errors, whole, n_clipped)
        });
    }
}
