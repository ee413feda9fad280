//! Binary range coder: bits of known probability to bytes and back, in integers only.
//!
//! ```text
//!   low ... low + range:   |---- one: bound ----|-------- zero --------|      bound = (range >> 16) p
//! ```
//!
//! `range` is 32 bits wide and is refilled by a byte whenever it falls under 2^24; a carry out of `low` runs back
//! through the bytes not yet written. The probability `p` of a one has 16 bits and stays within
//! [`P_MIN`]..=[`P_MAX`], so that no decision can cost more than 11.7 bits or nothing at all.
//!
//! One function describes a syntax and runs in three ways, according to the [`BitCoder`] it gets: an [`Encoder`] stores
//! the bits, a [`BitCounter`] adds up their price, a [`Decoder`] ignores the values it is offered and returns those
//! it reads.
//!
//! Sources: Martin, *Range encoding*, 1979; the carry handling is that of Subbotin's and Pavlov's coders.

use std::sync::LazyLock;

/// The least probability of a one, in 1/65536.
pub const P_MIN: u32 = 20;
/// The greatest probability of a one, in 1/65536.
pub const P_MAX: u32 = 65_516;

const RENORM: u32 = 1 << 24;

/// Codes one bit after the other, in whichever direction.
pub trait BitCoder {
    /// Codes `bit`, a one of probability `p_one`/65536 within [`P_MIN`]..=[`P_MAX`]. Returns the bit that was coded:
    /// `bit` itself when writing or counting, the bit of the stream when reading.
    fn bit(&mut self, p_one: u32, bit: bool) -> bool;

    /// Codes the low `n_bits` (at most 32) of `value`, each as likely as not, the highest first.
    fn bypass(&mut self, n_bits: u32, value: u32) -> u32;
}

/// Writes bits into bytes.
#[derive(Debug)]
pub struct Encoder {
    low: u64,
    range: u32,
    /// The last byte that a carry may still change, and the number of 0xFF bytes after it.
    held: Option<u8>,
    n_held_ff: usize,
    bytes: Vec<u8>,
}

impl Encoder {
    /// An encoder that appends to `bytes`.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self { low: 0, range: u32::MAX, held: None, n_held_ff: 0, bytes }
    }

    /// Number of bits written so far, in whole bytes and without those still held back.
    pub fn written_bits(&self) -> usize {
        8 * self.bytes.len()
    }

    /// Writes what is held back and returns the bytes.
    pub fn finish(mut self) -> Vec<u8> {
        for _ in 0..5 {
            self.shift_byte();
        }
        self.bytes
    }

    fn shift_byte(&mut self) {
        let carry = (self.low >> 32) as u8;
        let top = (self.low >> 24) as u8;
        if carry == 0 && top == 0xFF {
            self.n_held_ff += 1;
        } else {
            if let Some(held) = self.held {
                self.bytes.push(held.wrapping_add(carry));
            }
            let filler = 0xFF_u8.wrapping_add(carry);
            self.bytes.extend(std::iter::repeat_n(filler, self.n_held_ff));
            self.n_held_ff = 0;
            self.held = Some(top);
        }
        self.low = (self.low & 0x00FF_FFFF) << 8;
    }

    #[inline]
    fn renormalise(&mut self) {
        while self.range < RENORM {
            self.range <<= 8;
            self.shift_byte();
        }
    }
}

impl BitCoder for Encoder {
    #[inline]
    fn bit(&mut self, p_one: u32, bit: bool) -> bool {
        let bound = (self.range >> 16) * p_one;
        if bit {
            self.range = bound;
        } else {
            self.low += u64::from(bound);
            self.range -= bound;
        }
        self.renormalise();
        bit
    }

    #[inline]
    fn bypass(&mut self, n_bits: u32, value: u32) -> u32 {
        for shift in (0..n_bits).rev() {
            self.range >>= 1;
            if value >> shift & 1 == 1 {
                self.low += u64::from(self.range);
            }
            self.renormalise();
        }
        value
    }
}

/// Reads bits from bytes. Past the end it reads zeros and remembers that it did.
#[derive(Debug)]
pub struct Decoder<'a> {
    code: u32,
    range: u32,
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Decoder<'a> {
    /// A decoder at the start of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        let mut decoder = Self { code: 0, range: u32::MAX, bytes, at: 0 };
        for _ in 0..4 {
            decoder.code = decoder.code << 8 | decoder.next_byte();
        }
        decoder
    }

    /// True once more bytes were asked for than there are: what came since is not data.
    pub fn is_past_end(&self) -> bool {
        self.at > self.bytes.len()
    }

    #[inline]
    fn next_byte(&mut self) -> u32 {
        let byte = self.bytes.get(self.at).copied().unwrap_or(0);
        self.at += 1;
        u32::from(byte)
    }

    #[inline]
    fn renormalise(&mut self) {
        while self.range < RENORM {
            self.range <<= 8;
            self.code = self.code << 8 | self.next_byte();
        }
    }
}

impl BitCoder for Decoder<'_> {
    #[inline]
    fn bit(&mut self, p_one: u32, _: bool) -> bool {
        let bound = (self.range >> 16) * p_one;
        let bit = self.code < bound;
        if bit {
            self.range = bound;
        } else {
            self.code -= bound;
            self.range -= bound;
        }
        self.renormalise();
        bit
    }

    #[inline]
    fn bypass(&mut self, n_bits: u32, _: u32) -> u32 {
        let mut value = 0;
        for _ in 0..n_bits {
            self.range >>= 1;
            let bit = u32::from(self.code >= self.range);
            self.code -= self.range * bit;
            value = value << 1 | bit;
            self.renormalise();
        }
        value
    }
}

/// Adds up the ideal price of bits, in 1/65536 bit.
#[derive(Debug, Default)]
pub struct BitCounter {
    price: u64,
}

/// `-log2(p/65536)` in 1/65536 bit for the middle of each of 4096 equal ranges of p.
static PRICES: LazyLock<[u32; 4096]> =
    LazyLock::new(|| std::array::from_fn(|i| (-65_536.0 * libm::log2((i as f64 + 0.5) / 4096.0)).round() as u32));

impl BitCounter {
    /// The price so far, in bits.
    pub fn bits(&self) -> f64 {
        self.price as f64 / 65_536.0
    }
}

impl BitCoder for BitCounter {
    #[inline]
    fn bit(&mut self, p_one: u32, bit: bool) -> bool {
        let p = if bit { p_one } else { 65_536 - p_one };
        self.price += u64::from(PRICES[(p >> 4) as usize]);
        bit
    }

    #[inline]
    fn bypass(&mut self, n_bits: u32, value: u32) -> u32 {
        self.price += u64::from(n_bits) << 16;
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    struct Noise(u32);

    impl Noise {
        fn next(&mut self) -> u32 {
            self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            self.0 >> 16
        }
    }

    #[test]
    fn bits_return_and_cost_their_entropy() {
        let mut noise = Noise(7);
        let decisions: Vec<(u32, bool)> = (0..200_000)
            .map(|_| {
                let p = (noise.next() & noise.next()).clamp(P_MIN, P_MAX);
                (p, noise.next() < p)
            })
            .collect();
        let (mut encoder, mut counter) = (Encoder::new(Vec::new()), BitCounter::default());
        let mut entropy = 0.0;
        for &(p, bit) in &decisions {
            encoder.bit(p, bit);
            counter.bit(p, bit);
            let p = f64::from(p) / 65_536.0;
            entropy -= if bit { p.log2() } else { (1.0 - p).log2() };
        }
        let bytes = encoder.finish();
        let written = 8.0 * bytes.len() as f64;
        assert!(written < 1.001 * entropy + 40.0, "{written} bits for an entropy of {entropy}");
        assert!((counter.bits() / entropy - 1.0).abs() < 1e-3, "{} for {entropy}", counter.bits());
        let mut decoder = Decoder::new(&bytes);
        for &(p, bit) in &decisions {
            assert_eq!(decoder.bit(p, false), bit);
        }
        assert!(!decoder.is_past_end());
    }

    proptest! {
        #[test]
        fn any_mix_of_bits_and_bypass_returns(items in prop::collection::vec((P_MIN..=P_MAX, any::<bool>(), 0u32..33, any::<u32>()), 0..300)) {
            let mut encoder = Encoder::new(Vec::new());
            let masked = |n: u32, v: u32| (u64::from(v) & ((1u64 << n) - 1)) as u32;
            for &(p, bit, n, v) in &items {
                encoder.bit(p, bit);
                encoder.bypass(n, masked(n, v));
            }
            let bytes = encoder.finish();
            let mut decoder = Decoder::new(&bytes);
            for &(p, bit, n, v) in &items {
                prop_assert_eq!(decoder.bit(p, !bit), bit);
                prop_assert_eq!(decoder.bypass(n, 0), masked(n, v));
            }
            prop_assert!(!decoder.is_past_end());
        }

        #[test]
        fn any_bytes_decode_to_something(bytes in prop::collection::vec(any::<u8>(), 0..50)) {
            let mut decoder = Decoder::new(&bytes);
            for i in 0..1000u32 {
                decoder.bit((i * 64).clamp(P_MIN, P_MAX), false);
                decoder.bypass(i % 5, 0);
            }
            prop_assert!(decoder.is_past_end());
        }
    }

    /// Bits that drive `low` to its ceiling, so that carries run through long chains of 0xFF.
    #[test]
    fn carries_run_through_held_bytes() {
        for tail in 0..40 {
            let mut encoder = Encoder::new(Vec::new());
            encoder.bypass(1, 0);
            for _ in 0..300 {
                encoder.bypass(1, 1);
            }
            (0..tail).for_each(|i| {
                encoder.bit(30_000, i % 3 == 0);
            });
            encoder.bypass(20, 0xF_FFFF);
            let bytes = encoder.finish();
            let mut decoder = Decoder::new(&bytes);
            assert_eq!(decoder.bypass(1, 0), 0);
            assert!((0..300).all(|_| decoder.bypass(1, 0) == 1));
            (0..tail).for_each(|i| assert_eq!(decoder.bit(30_000, false), i % 3 == 0));
            assert_eq!(decoder.bypass(20, 0), 0xF_FFFF);
        }
    }
}
