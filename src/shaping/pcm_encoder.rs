//! The fast way from `f32` samples to PCM codes of at most 16 bits.

use std::marker::PhantomData;

use super::Dither;
use super::dither::{Keys, epochs};
use crate::kernel::pcm::{self, Scale};
use crate::{Error, Result};

/// How a PCM code is stored.
pub trait PcmCode: Copy + Default + sealed::Sealed {
    /// Bits of the storage.
    const BITS: u32;

    /// Stores a code that fits.
    #[doc(hidden)]
    fn from_code(code: i32) -> Self;

    /// The code.
    fn code(self) -> i32;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for i8 {}
    impl Sealed for u8 {}
    impl Sealed for i16 {}
}

/// A storage that keeps `code + $offset`.
macro_rules! pcm_code {
    ($storage:ty, $offset:expr) => {
        impl PcmCode for $storage {
            const BITS: u32 = <$storage>::BITS;
            #[inline(always)]
            fn from_code(code: i32) -> Self {
                (code + $offset) as Self
            }
            #[inline(always)]
            fn code(self) -> i32 {
                i32::from(self) - $offset
            }
        }
    };
}

// Two's complement.
pcm_code!(i8, 0);
pcm_code!(i16, 0);
// Offset binary, as 8-bit WAV has it: code 0 is stored as 128.
pcm_code!(u8, 128);

/// Encodes `f32` samples as mid-tread PCM codes, without dither or with triangular dither, eight or more at a time.
///
/// Without dither the codes are those of `Uniform::mid_tread(bits)`, exactly. With dither, the noise is that of
/// [`DitherSource`](super::DitherSource) with the same seed and channel; the sum with the sample is rounded at 2^-23
/// step, which in about one of 10^7 samples decides otherwise than the sum in `f64`.
///
/// ```
/// use sqnr::shaping::{Dither, PcmEncoder};
///
/// let encoder = PcmEncoder::<i16>::new(16, Dither::None, 0, 0)?;
/// let mut codes = [0; 3];
/// encoder.encode(0, &[0.5, -1.0, 1.0], &mut codes);
/// assert_eq!(codes, [16_384, -32_768, 32_767]);
/// # Ok::<(), sqnr::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct PcmEncoder<C> {
    scale: Scale,
    dither: Dither,
    seed: u64,
    channel: u32,
    storage: PhantomData<C>,
}

impl<C: PcmCode> PcmEncoder<C> {
    /// An encoder to `bits` bits, full scale 1.0.
    ///
    /// # Errors
    /// `InvalidParameter` unless 1 <= `bits` <= bits of the storage, or for a dither other than none and triangular.
    pub fn new(bits: u32, dither: Dither, seed: u64, channel: u32) -> Result<Self> {
        if !(1..=C::BITS).contains(&bits) {
            return Err(Error::invalid("bits", bits, format!("1 to {}", C::BITS)));
        }
        if !matches!(dither, Dither::None | Dither::Triangular) {
            return Err(Error::invalid("dither", format!("{dither:?}"), "None or Triangular"));
        }
        let half = (1u32 << (bits - 1)) as f32;
        let scale = Scale { steps_per_unit: half, first: -half, last: half - 1.0 };
        Ok(Self { scale, dither, seed, channel, storage: PhantomData })
    }

    /// The codes of `x`; `first_sample_index` is the place of `x[0]`. Infinities clip, NaN counts as 0.
    ///
    /// # Panics
    /// When the slices differ in length.
    pub fn encode(&self, first_sample_index: u64, x: &[f32], codes: &mut [C]) {
        assert_eq!(x.len(), codes.len(), "input and output have one length");
        if self.dither == Dither::None {
            return pcm::encode(self.scale, x, codes);
        }
        for (start, place) in epochs(first_sample_index, x.len()) {
            let keys = Keys::new(self.seed, self.channel, (start >> 32) as u32);
            pcm::encode_triangular(self.scale, keys, start as u32, &x[place.clone()], &mut codes[place]);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::quantizer::{Quantizer, Uniform};
    use crate::shaping::DitherSource;

    /// Samples at, beside and between the thresholds, and the odd ones.
    fn samples(bits: u32) -> Vec<f32> {
        let half = (1u32 << (bits - 1)) as f32;
        let ties = (0..4_000).map(|i| ((i * 17) % (2 * half as i32) - half as i32) as f32 + 0.5).map(|t| t / half);
        let mut x: Vec<f32> = ties.flat_map(|t| [t, t.next_up(), t.next_down(), t * 1.01]).collect();
        x.extend([f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -0.0, 1e-45, 1.0, -1.0, 3e38, f32::MIN_POSITIVE]);
        x
    }

    fn encoded<C: PcmCode>(encoder: &PcmEncoder<C>, start: u64, x: &[f32]) -> Vec<i32> {
        let mut codes = vec![C::default(); x.len()];
        encoder.encode(start, x, &mut codes);
        codes.into_iter().map(C::code).collect()
    }

    #[test]
    fn codes_are_those_of_the_uniform_quantizer() {
        for bits in 1..=16 {
            let uniform = Uniform::mid_tread(bits).expect("legal");
            let x = samples(bits);
            let expected: Vec<i32> = x.iter().map(|&x| uniform.index(x.into())).collect();
            assert_eq!(encoded(&PcmEncoder::<i16>::new(bits, Dither::None, 0, 0).expect("legal"), 0, &x), expected);
            if bits <= 8 {
                assert_eq!(encoded(&PcmEncoder::<i8>::new(bits, Dither::None, 0, 0).expect("legal"), 0, &x), expected);
                assert_eq!(encoded(&PcmEncoder::<u8>::new(bits, Dither::None, 0, 0).expect("legal"), 0, &x), expected);
            }
        }
    }

    /// The dithered codes, in f64 and with the noise of the source: floor(x / step + d + 1/2), clipped.
    fn slow_dithered(bits: u32, seed: u64, channel: u32, start: u64, x: &[f32]) -> Vec<i32> {
        let uniform = Uniform::mid_tread(bits).expect("legal");
        let source = DitherSource::new(Dither::Triangular, seed, channel);
        let place = |offset: usize| start.wrapping_add(offset as u64);
        let sum = |(offset, &x): (usize, &f32)| {
            let x = if x.is_nan() { 0.0 } else { f64::from(x) };
            uniform.index(x + source.value(place(offset)) * uniform.step())
        };
        x.iter().enumerate().map(sum).collect()
    }

    proptest! {
        #[test]
        fn dither_is_that_of_the_source(
            bits in 1u32..=16, seed in any::<u64>(), channel in 0u32..9, start in prop_oneof![any::<u64>(), Just((1 << 32) - 7)],
        ) {
            let x = samples(bits);
            let expected = slow_dithered(bits, seed, channel, start, &x);
            let codes = encoded(&PcmEncoder::<i16>::new(bits, Dither::Triangular, seed, channel).expect("legal"), start, &x);
            // Sums within 2^-23 step of a threshold may fall to its other side.
            let differing = codes.iter().zip(&expected).filter(|(a, b)| a != b).count();
            prop_assert!(differing <= 1, "{} of {}", differing, x.len());
        }
    }

    #[test]
    fn parameters_out_of_range_are_refused() {
        assert!(PcmEncoder::<i8>::new(9, Dither::None, 0, 0).is_err());
        assert!(PcmEncoder::<i16>::new(0, Dither::None, 0, 0).is_err());
        assert!(PcmEncoder::<i16>::new(16, Dither::Gaussian, 0, 0).is_err());
    }
}
