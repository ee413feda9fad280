//! `f32` to affine integers: divide, round to even, add the zero point, clamp. Twin: `number_format::Affine::encode`.

/// One scale and zero point with the range of the codes, all exact in `f32`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) scale: f32,
    pub(crate) zero_point: f32,
    pub(crate) min: f32,
    pub(crate) max: f32,
}

impl Plan {
    #[inline(always)]
    fn code(&self, x: f32) -> i32 {
        let x = if x.is_nan() { 0.0 } else { x };
        let code = ((x / self.scale).round_ties_even() + self.zero_point).max(self.min).min(self.max);
        // SAFETY: `code` is between the finite `min` and `max`, both within 16 bits: `max` with a finite number drops a NaN.
        unsafe { code.to_int_unchecked::<i32>() }
    }

    /// Codes of at most 8 bits, two's complement or plain; the slices have one length.
    pub(crate) fn encode_bytes(&self, x: &[f32], codes: &mut [u8]) {
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2") {
            // SAFETY: the CPU has AVX2, which is all the function asks for.
            return unsafe { encode_bytes_avx2(self, x, codes) };
        }
        encode_bytes_portable(self, x, codes);
    }

    /// Codes of at most 16 bits, two's complement or plain; the slices have one length.
    pub(crate) fn encode_words(&self, x: &[f32], codes: &mut [u16]) {
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2") {
            // SAFETY: the CPU has AVX2, which is all the function asks for.
            return unsafe { encode_words_avx2(self, x, codes) };
        }
        encode_words_portable(self, x, codes);
    }
}

#[inline(always)]
fn encode_bytes_portable(plan: &Plan, x: &[f32], codes: &mut [u8]) {
    for (code, &x) in codes.iter_mut().zip(x) {
        *code = plan.code(x) as u8;
    }
}

#[inline(always)]
fn encode_words_portable(plan: &Plan, x: &[f32], codes: &mut [u16]) {
    for (code, &x) in codes.iter_mut().zip(x) {
        *code = plan.code(x) as u16;
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn encode_bytes_avx2(plan: &Plan, x: &[f32], codes: &mut [u8]) {
    encode_bytes_portable(plan, x, codes);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn encode_words_avx2(plan: &Plan, x: &[f32], codes: &mut [u16]) {
    encode_words_portable(plan, x, codes);
}
