//! Loops from `f32` to PCM codes and to codebook indices.

use super::dispatch::{Kernel, dispatch};
use crate::shaping::{Keys, PcmCode};

/// The scale and the range of a mid-tread quantizer with a power of two of steps per unit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scale {
    /// A power of two: the product with it is exact.
    pub(crate) steps_per_unit: f32,
    /// First and last code, whole numbers of at most 2^15 in magnitude.
    pub(crate) first: f32,
    pub(crate) last: f32,
}

/// 1.5 * 2^23: adding and taking it away rounds |x| < 2^22 to the nearest whole number, ties to even; the low bits of
/// the sum are that number in two's complement.
const ROUNDER: f32 = 12_582_912.0;

/// `x` within its limits, by one instruction each: `f32::clamp` also keeps NaN, which cannot come here.
#[inline(always)]
pub(super) fn clamp(x: f32, low: f32, high: f32) -> f32 {
    let x = if x > low { x } else { low };
    if x < high { x } else { high }
}

/// The whole number nearest to `x`, |x| < 2^22, a tie going up.
#[inline(always)]
fn round_half_up(x: f32) -> f32 {
    let nearest = (x + ROUNDER) - ROUNDER;
    // The difference is exact (Sterbenz), so one half means that a tie went down to the even neighbour.
    nearest + if x - nearest == 0.5 { 1.0 } else { 0.0 }
}

#[inline(always)]
pub(super) fn as_i32(whole: f32) -> i32 {
    (whole + ROUNDER).to_bits() as i32 - ROUNDER.to_bits() as i32
}

impl Scale {
    #[inline(always)]
    fn steps(&self, x: f32) -> f32 {
        let steps = x * self.steps_per_unit;
        if steps.is_nan() { 0.0 } else { steps }
    }

    /// The code of `x`.
    #[inline(always)]
    fn code(&self, x: f32) -> i32 {
        let steps = clamp(self.steps(x), self.first, self.last);
        as_i32(round_half_up(steps))
    }

    /// The code of `x` with `dither`, in steps, at most 1 in magnitude. Whole part and rest are rounded apart, so that
    /// no bit of the dither is lost at any level of the input.
    #[inline(always)]
    fn dithered_code(&self, x: f32, dither: f32) -> i32 {
        let steps = clamp(self.steps(x), self.first - 2.0, self.last + 2.0);
        let whole = (steps + ROUNDER) - ROUNDER;
        let code = whole + round_half_up((steps - whole) + dither);
        as_i32(clamp(code, self.first, self.last))
    }
}

struct Encode<'a, C> {
    scale: Scale,
    x: &'a [f32],
    codes: &'a mut [C],
}

impl<C: PcmCode> Kernel for Encode<'_, C> {
    #[inline(always)]
    fn run(self) {
        let scale = self.scale;
        for (code, &x) in self.codes.iter_mut().zip(self.x) {
            *code = C::from_code(scale.code(x));
        }
    }
}

/// The codes of `x`, as many as there are codes.
pub(crate) fn encode<C: PcmCode>(scale: Scale, x: &[f32], codes: &mut [C]) {
    dispatch(Encode { scale, x, codes });
}

struct EncodeTriangular<'a, C> {
    scale: Scale,
    keys: Keys,
    counter: u32,
    x: &'a [f32],
    codes: &'a mut [C],
}

impl<C: PcmCode> Kernel for EncodeTriangular<'_, C> {
    #[inline(always)]
    fn run(self) {
        let (scale, keys) = (self.scale, self.keys);
        let mut counter = self.counter;
        for (code, &x) in self.codes.iter_mut().zip(self.x) {
            *code = C::from_code(scale.dithered_code(x, keys.triangular(counter)));
            counter = counter.wrapping_add(1);
        }
    }
}

/// The codes of `x` with triangular dither; `counter` is the low word of the first sample's index.
pub(crate) fn encode_triangular<C: PcmCode>(scale: Scale, keys: Keys, counter: u32, x: &[f32], codes: &mut [C]) {
    dispatch(EncodeTriangular { scale, keys, counter, x, codes });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::dispatch::{forms_agree, run_as};

    #[test]
    fn forms_give_the_same_codes() {
        let odd = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -0.0, 0.5 / 128.0, -0.5 / 128.0, 127.5 / 128.0, 1.0];
        let x: Vec<f32> = (0..3_000).map(|i| 1.1 * (0.01 * i as f32).sin()).chain(odd).collect();
        let scale = Scale { steps_per_unit: 128.0, first: -128.0, last: 127.0 };
        forms_agree(|form| {
            let mut codes = vec![0i8; x.len()];
            run_as(form, Encode { scale, x: &x, codes: &mut codes });
            codes
        });
        forms_agree(|form| {
            let mut codes = vec![0i16; x.len()];
            let keys = Keys::new(1, 2, 3);
            run_as(form, EncodeTriangular { scale, keys, counter: u32::MAX - 99, x: &x, codes: &mut codes });
            codes
        });
    }
}
