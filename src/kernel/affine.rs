//! `f32` to affine integers: divide, round to even, add the zero point, clamp. Twin: `number_format::Affine::encode`.

use super::codes::CodeRule;

/// One scale and zero point with the range of the codes, all exact in `f32`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) scale: f32,
    pub(crate) zero_point: f32,
    pub(crate) min: f32,
    pub(crate) max: f32,
}

impl CodeRule for Plan {
    /// Two's complement, cut to the storage.
    #[inline(always)]
    fn code(&self, x: f32) -> u32 {
        let x = if x.is_nan() { 0.0 } else { x };
        let code = ((x / self.scale).round_ties_even() + self.zero_point).max(self.min).min(self.max);
        // SAFETY: `code` is between the finite `min` and `max`, both within 16 bits: `max` with a finite number drops a NaN.
        unsafe { code.to_int_unchecked::<i32>() as u32 }
    }
}
