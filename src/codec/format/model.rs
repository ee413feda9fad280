//! Adaptive probabilities: counters and the logistic mix of three of them, in integers only.
//!
//! ```text
//! counter -> stretch ln(p/(1-p)) --+
//! counter -> stretch -----------(weights)--> sum -> squash 1/(1+e^-x) -> probability of a one
//! counter -> stretch --------------+
//! ```
//!
//! Stretched values are in 1/256, weights in 1/65536, probabilities of the mix in 1/65536. After each bit the weights
//! move along the gradient of the coding cost and each counter moves towards the bit.
//!
//! Source: Mahoney, *Adaptive weighing of context models for lossless data compression*, 2005.

use crate::range_coder::{BitCoder, P_MAX, P_MIN};
use std::sync::LazyLock;

/// Largest stretched value, in 1/256: ln(p/(1-p)) = 8.
const STRETCH_LIMIT: i32 = 2047;

/// `round(256 ln((i + 1/2)/(4096 - i - 1/2)))` within the limit, for probabilities of 12 bits.
static STRETCH: LazyLock<[i16; 4096]> = LazyLock::new(|| {
    std::array::from_fn(|i| {
        let p = (i as f64 + 0.5) / 4096.0;
        let x = (256.0 * libm::log(p / (1.0 - p))).round() as i32;
        x.clamp(-STRETCH_LIMIT, STRETCH_LIMIT) as i16
    })
});

/// `round(65536/(1 + exp(-(i - 2048)/256)))` within the coder's limits.
static SQUASH: LazyLock<[u16; 4096]> = LazyLock::new(|| {
    std::array::from_fn(|i| {
        let p = 65_536.0 / (1.0 + libm::exp(-(i as f64 - 2048.0) / 256.0));
        (p.round() as u32).clamp(P_MIN, P_MAX) as u16
    })
});

/// `round(65536/(n + 1.6))`: how far a counter moves at its n-th bit.
static RATES: [u32; COUNT_LIMIT as usize + 1] = {
    let mut rates = [0; COUNT_LIMIT as usize + 1];
    let mut n = 0;
    while n < rates.len() {
        // 655360/(10 n + 16), rounded half up
        rates[n] = (655_360 + (10 * n as u32 + 16) / 2) / (10 * n as u32 + 16);
        n += 1;
    }
    rates
};

/// A counter forgets the oldest bits beyond this many.
const COUNT_LIMIT: u32 = 126;

/// The adaptive probability of a one: 22 bits of probability over 10 bits of count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counter(u32);

impl Counter {
    /// Before the first bit: one half.
    pub(crate) const NEW: Self = Self(1 << 31);

    #[inline]
    fn update(&mut self, bit: bool) {
        let (p, n) = ((self.0 >> 10) as i32, self.0 & 0x3FF);
        let target = if bit { (1 << 22) - 1 } else { 0 };
        let p = p + ((i64::from(target - p) * i64::from(RATES[n as usize])) >> 16) as i32;
        self.0 = (p as u32) << 10 | (n + u32::from(n < COUNT_LIMIT));
    }

    /// Codes `bit` with this counter alone, and updates it.
    #[inline]
    pub(crate) fn code<C: BitCoder>(&mut self, coder: &mut C, bit: bool) -> bool {
        let bit = coder.bit((self.0 >> 16).clamp(P_MIN, P_MAX), bit);
        self.update(bit);
        bit
    }
}

/// The weights of one mix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Weights([i32; 3]);

impl Weights {
    /// 0.43 each: a little more than the mean, since agreeing models are surer together.
    pub(crate) const NEW: Self = Self([28_180; 3]);
    /// The start of weights that are added to others.
    pub(crate) const NONE: Self = Self([0; 3]);

    fn learn(&mut self, steps: [i32; 3]) {
        for (w, step) in self.0.iter_mut().zip(steps) {
            *w = (*w + step).clamp(-WEIGHT_LIMIT, WEIGHT_LIMIT);
        }
    }
}

/// The tables of the mix, fetched once per block rather than once per bit.
#[derive(Clone, Copy)]
pub(crate) struct Mixer {
    stretch: &'static [i16; 4096],
    squash: &'static [u16; 4096],
}

impl Mixer {
    /// The mixer's tables.
    pub(crate) fn new() -> Self {
        Self { stretch: &STRETCH, squash: &SQUASH }
    }

    /// Codes `bit` with the mix of three counters under the sum of two sets of weights; updates all of them.
    #[inline]
    pub(crate) fn code<C: BitCoder>(
        self,
        coder: &mut C,
        counters: [&mut Counter; 3],
        weights: [&mut Weights; 2],
        bit: bool,
    ) -> bool {
        let x = counters.each_ref().map(|c| i32::from(self.stretch[(c.0 >> 20) as usize]));
        let w: [i32; 3] = std::array::from_fn(|i| weights[0].0[i] + weights[1].0[i]);
        // |x| < 2^11 and |w| <= 2^21 keep the sum within 2^34
        let dot =
            i64::from(x[0]) * i64::from(w[0]) + i64::from(x[1]) * i64::from(w[1]) + i64::from(x[2]) * i64::from(w[2]);
        let sum = (dot >> 16).clamp(-i64::from(STRETCH_LIMIT), i64::from(STRETCH_LIMIT));
        let p = u32::from(self.squash[(sum + 2048) as usize]);
        let bit = coder.bit(p, bit);
        let error = (i32::from(bit) << 16) - p as i32;
        let steps = x.map(|x| ((i64::from(x) * i64::from(error) * LEARNING_RATE + (1 << 21)) >> 22) as i32);
        weights.into_iter().for_each(|weights| weights.learn(steps));
        for counter in counters {
            counter.update(bit);
        }
        bit
    }
}

/// 84/2^22 in the units above is a rate of 0.005 for each set of weights.
const LEARNING_RATE: i64 = 84;
/// Weights stay within +-16.
const WEIGHT_LIMIT: i32 = 1 << 20;

/// An unsigned number as unary adaptive decisions, then Exp-Golomb with an adaptive exponent.
///
/// The first [`Self::UNARY`] decisions "is it more than i?" have a counter each.
#[derive(Debug, Clone)]
pub(crate) struct NumberModel {
    unary: [Counter; Self::UNARY],
    escape: EscapeModel,
}

impl NumberModel {
    const UNARY: usize = 12;

    /// A model that expects small numbers.
    pub(crate) const fn new() -> Self {
        Self { unary: [Counter::NEW; Self::UNARY], escape: EscapeModel::new() }
    }

    /// Codes `value`; `None` when the stream holds a number beyond 2^20.
    pub(crate) fn code<C: BitCoder>(&mut self, coder: &mut C, value: u32) -> Option<u32> {
        for (i, counter) in self.unary.iter_mut().enumerate() {
            if !counter.code(coder, value > i as u32) {
                return Some(i as u32);
            }
        }
        let first = Self::UNARY as u32;
        Some(first + self.escape.code(coder, value.wrapping_sub(first))?)
    }
}

/// Codes a number of 0..=7 as three adaptive bits, the highest first: a binary tree of 7 counters, from 1 on.
pub(crate) fn code_octal<C: BitCoder>(coder: &mut C, counters: &mut [Counter; 8], number: u8) -> u8 {
    let mut node = 1;
    for shift in (0..3).rev() {
        node = 2 * node + usize::from(counters[node].code(coder, number >> shift & 1 == 1));
    }
    (node - 8) as u8
}

/// The rest beyond a unary code: Exp-Golomb of order 0, its exponent adaptive, its mantissa bypass bits.
#[derive(Debug, Clone)]
pub(crate) struct EscapeModel {
    exponent: [Counter; Self::EXPONENTS],
}

impl EscapeModel {
    const EXPONENTS: usize = 20;

    /// A model at the start of a group.
    pub(crate) const fn new() -> Self {
        Self { exponent: [Counter::NEW; Self::EXPONENTS] }
    }

    /// Codes `value` below 2^20 - 1; `None` when the stream holds a greater one.
    pub(crate) fn code<C: BitCoder>(&mut self, coder: &mut C, value: u32) -> Option<u32> {
        let wanted = value.wrapping_add(1).checked_ilog2().unwrap_or(0);
        let mut exponent = 0;
        while self.exponent.get_mut(exponent as usize)?.code(coder, wanted > exponent) {
            exponent += 1;
        }
        let mantissa = value.wrapping_add(1) & ((1 << exponent) - 1);
        Some((1 << exponent | coder.bypass(exponent, mantissa)) - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::range_coder::{BitCounter, Decoder, Encoder};
    use proptest::prelude::*;

    /// Rounding must be the same with every correct `ln` and `exp`: no entry may lie near a tie.
    #[test]
    fn tables_do_not_depend_on_the_last_bit_of_a_function() {
        let from_tie = |x: f64| (x - x.floor() - 0.5).abs();
        for i in 0..4096 {
            let p = (f64::from(i) + 0.5) / 4096.0;
            assert!(from_tie(256.0 * (p / (1.0 - p)).ln()) > 1e-9, "stretch {i}");
            assert!(from_tie(65_536.0 / (1.0 + (-(f64::from(i) - 2048.0) / 256.0).exp())) > 1e-9, "squash {i}");
        }
    }

    #[test]
    fn tables_have_the_committed_checksum() {
        let mut bytes: Vec<u8> = STRETCH.iter().flat_map(|v| v.to_le_bytes()).collect();
        bytes.extend(SQUASH.iter().flat_map(|v| v.to_le_bytes()));
        bytes.extend(RATES.iter().flat_map(|v| v.to_le_bytes()));
        assert_eq!(crc32fast::hash(&bytes), 1_289_510_725);
    }

    #[test]
    fn a_counter_finds_the_probability() {
        let mut counter = Counter::NEW;
        (0..4000).for_each(|i| counter.update(i % 10 == 0));
        let p = f64::from(counter.0 >> 10) / f64::from(1 << 22);
        assert!((p - 0.1).abs() < 0.04, "{p}");
        let stretched = f64::from(STRETCH[(counter.0 >> 20) as usize]);
        assert!((256.0 * (p / (1.0 - p)).ln() - stretched).abs() < 3.0);
    }

    /// The float twin of the mix, with the same learning: twice 0.005 on errors in 0..1.
    #[test]
    fn integer_mix_costs_what_its_float_twin_costs() {
        let (mut ours, mut twin) = (BitCounter::default(), 0.0);
        let mut counters = [Counter::NEW; 3];
        let mut weights = [Weights::NEW, Weights::NONE];
        let mut float = ([0.5_f64; 3], [0.0_f64; 3], [0.43_f64; 3]);
        let mut state = 1u32;
        for _ in 0..100_000 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let bit = state >> 16 < 9_000;
            let [a, b, c] = &mut counters;
            Mixer::new().code(&mut ours, [a, b, c], weights.each_mut(), bit);
            let (p, n, w) = &mut float;
            let x = p.map(|p| (p / (1.0 - p)).ln());
            let mixed = 1.0 / (1.0 + (-x.iter().zip(&*w).map(|(x, w)| x * w).sum::<f64>()).exp());
            twin -= if bit { mixed.log2() } else { (1.0 - mixed).log2() };
            for i in 0..3 {
                w[i] += 2.0 * 0.005 * (f64::from(u8::from(bit)) - mixed) * x[i];
                p[i] += (f64::from(u8::from(bit)) - p[i]) / (n[i] + 1.6);
                p[i] = p[i].clamp(1e-6, 1.0 - 1e-6);
                n[i] = (n[i] + 1.0).min(f64::from(COUNT_LIMIT));
            }
        }
        assert!((ours.bits() / twin - 1.0).abs() < 0.003, "{} against {twin}", ours.bits());
    }

    proptest! {
        #[test]
        fn numbers_return(values in prop::collection::vec(prop_oneof![0u32..20, 0u32..1_000_000], 0..100)) {
            let (mut model, mut encoder) = (NumberModel::new(), Encoder::new(Vec::new()));
            for &v in &values {
                prop_assert_eq!(model.code(&mut encoder, v), Some(v));
            }
            let bytes = encoder.finish();
            let (mut model, mut decoder) = (NumberModel::new(), Decoder::new(&bytes));
            for &v in &values {
                prop_assert_eq!(model.code(&mut decoder, 0), Some(v));
            }
        }
    }
}
