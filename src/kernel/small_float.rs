//! `f32` to small floats without a branch, so that eight or sixteen at a time go through one vector.
//!
//! - Normal numbers: add half of the last kept bit, less one when it is even, and shift; the carry moves the exponent.
//! - Subnormal numbers: adding `2^(23 + exponent of the quantum)` lets the adder round to whole quanta; they are
//!   then the low bits of the sum.
//!
//! Twin: `number_format::SmallFloat::encode`.

use super::codes::CodeRule;

/// The constants of one format and overflow rule.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    /// Bits of `f32`'s mantissa that are dropped.
    shift: u32,
    /// Half of the last kept bit, less one, less the difference of the biases.
    rounding: u32,
    /// Bits of the smallest normal number as `f32`.
    min_normal: u32,
    /// `2^(23 + 1 - bias - M)`: its last mantissa bit is the format's quantum.
    adder: f32,
    max_code: u32,
    infinite_code: u32,
    nan_code: u32,
    /// Where the sign goes.
    sign_shift: u32,
}

impl Plan {
    /// `max_code`, `infinite_code`, `nan_code`: magnitude codes of the largest number, of all above, of NaN.
    pub(crate) fn new(e: u32, m: u32, bias: i32, max_code: u16, infinite_code: u16, nan_code: u16) -> Self {
        Self {
            shift: 23 - m,
            rounding: ((1u32 << (22 - m)) - 1).wrapping_sub(((127 - bias) as u32) << 23),
            min_normal: ((1 - bias + 127) as u32) << 23,
            adder: ((24 - bias - m as i32) as f32).exp2(),
            max_code: max_code.into(),
            infinite_code: infinite_code.into(),
            nan_code: nan_code.into(),
            sign_shift: 31 - e - m,
        }
    }
}

impl CodeRule for Plan {
    #[inline(always)]
    fn code(&self, x: f32) -> u32 {
        let bits = x.to_bits();
        let magnitude = bits & 0x7fff_ffff;
        let odd = magnitude >> self.shift & 1;
        let normal = magnitude.wrapping_add(self.rounding).wrapping_add(odd) >> self.shift;
        let subnormal = (f32::from_bits(magnitude) + self.adder).to_bits().wrapping_sub(self.adder.to_bits());
        let code = if magnitude < self.min_normal { subnormal } else { normal };
        let code = if code > self.max_code { self.infinite_code } else { code };
        let code = if magnitude > 0x7f80_0000 { self.nan_code } else { code };
        code | (bits >> 31) << (31 - self.sign_shift)
    }
}
