//! A code for each sample by whatever rule: the loop around `affine` and `small_float`.

use super::dispatch::{Kernel, dispatch};

/// From a sample to its code, without a branch. `code` must be `#[inline(always)]`.
pub(crate) trait CodeRule: Copy {
    /// The code in the low bits.
    fn code(&self, x: f32) -> u32;
}

/// What a code is stored in.
pub(crate) trait Storage {
    /// Keeps the low bits.
    fn of(code: u32) -> Self;
}

impl Storage for u8 {
    #[inline(always)]
    fn of(code: u32) -> Self {
        code as Self
    }
}

impl Storage for u16 {
    #[inline(always)]
    fn of(code: u32) -> Self {
        code as Self
    }
}

/// Stores the code of each of `x`; the slices have one length.
pub(crate) fn encode(rule: &impl CodeRule, x: &[f32], codes: &mut [impl Storage]) {
    dispatch(Encode { rule, x, codes });
}

struct Encode<'a, R, C> {
    rule: &'a R,
    x: &'a [f32],
    codes: &'a mut [C],
}

impl<R: CodeRule, C: Storage> Kernel for Encode<'_, R, C> {
    #[inline(always)]
    fn run(self) {
        // A copy: behind the reference, the compiler would gather the constants again for every lane.
        let rule = *self.rule;
        for (code, &x) in self.codes.iter_mut().zip(self.x) {
            *code = C::of(rule.code(x));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{
        affine,
        dispatch::{forms_agree, run_as},
        small_float,
    };
    use super::*;

    fn samples() -> Vec<f32> {
        let spread = (0..4_000u32).map(|i| f32::from_bits(i.wrapping_mul(0x9E37_79B9)));
        let near = (-2_000..2_000).map(|i| i as f32 / 16.0);
        spread.chain(near).collect()
    }

    fn agree(rule: impl CodeRule) {
        let x = samples();
        forms_agree(|form| {
            let mut codes = vec![0u16; x.len()];
            run_as(form, Encode { rule: &rule, x: &x, codes: &mut codes });
            codes
        });
    }

    #[test]
    fn forms_give_the_same_codes() {
        agree(affine::Plan { scale: 0.25, zero_point: 3.0, min: -128.0, max: 127.0 });
        // FP8 E4M3 and binary16.
        agree(small_float::Plan::new(4, 3, 7, 0x7e, 0x7e, 0x7f));
        agree(small_float::Plan::new(5, 10, 15, 0x7bff, 0x7c00, 0x7e00));
    }
}
