//! G.711 encoding of slices, in 16-bit lanes.
//!
//! The law is concave: each segment's straight line, drawn on beyond its ends, lies above the others. With M = m in the
//! law's units, segment e has the line `(m >> (e + s)) + 16 (e - 1)`, and the code is the least of all lines:
//!
//! ```text
//! in segment e, a = m >> (e + s) lies in 16..32:   own line     a + 16 (e - 1)
//!                                                  line above   floor(a / 2) + 16 e          >= own, for a <= 32
//!                                                  line below   2 a (+ 1) + 16 (e - 2)       >= own, for a >= 16
//! ```
//!
//! Neither a logarithm nor a shift by a different count per lane is needed.

use super::dispatch::{Kernel, dispatch};
use crate::quantizer::g711::{Corner, Law, Rule};

/// `FIRST`: the first segment's number; A-law's line of segment 1 serves segment 0 as well. `DROPPED_BITS`: 3 less s
/// above; segment e begins at 2^(e + s + 4). `MIDWAY`: 1 when segments begin 1/128 late.
struct Encode<'a, const FIRST: i16, const DROPPED_BITS: u32, const MIDWAY: u16> {
    rule: &'a Rule,
    samples: &'a [i16],
    codes: &'a mut [u8],
}

impl<const FIRST: i16, const DROPPED_BITS: u32, const MIDWAY: u16> Encode<'_, FIRST, DROPPED_BITS, MIDWAY> {
    #[inline(always)]
    fn least_line(m: u16) -> u16 {
        let mut least = i16::MAX;
        for e in FIRST..8 {
            // Magnitudes are below 2^15, so is what is left of them.
            let line = (m >> (e + 3 - DROPPED_BITS as i16)) as i16 + 16 * (e - 1);
            least = if line < least { line } else { least };
        }
        least as u16
    }

    /// 1 when `m` lies in the first 1/128 of a segment other than the first, else 0.
    #[inline(always)]
    fn is_early(m: u16) -> u16 {
        let mut early = 0;
        for e in FIRST + 1..8 {
            let start = 1u16 << (e + 7 - DROPPED_BITS as i16);
            let width = start.div_ceil(128);
            early |= u16::from(m.wrapping_sub(start) < width);
        }
        early
    }
}

impl<const FIRST: i16, const DROPPED_BITS: u32, const MIDWAY: u16> Kernel for Encode<'_, FIRST, DROPPED_BITS, MIDWAY> {
    #[inline(always)]
    fn run(self) {
        let rule = *self.rule;
        for (byte, &sample) in self.codes.iter_mut().zip(self.samples) {
            let (sign, magnitude) = rule.magnitude::<DROPPED_BITS>(sample);
            let mut code = Self::least_line(magnitude);
            if MIDWAY == 1 {
                code -= Self::is_early(magnitude);
            }
            *byte = rule.byte(code, sign);
        }
    }
}

/// The codes of `samples`, as many as there are codes.
pub(crate) fn encode(rule: &Rule, samples: &[i16], codes: &mut [u8]) {
    match (rule.law, rule.corner, rule.dropped_bits) {
        (Law::Mu, Corner::Plain, _) => dispatch(Encode::<0, 2, 0> { rule, samples, codes }),
        (Law::Mu, Corner::Midway, 0) => dispatch(Encode::<0, 0, 1> { rule, samples, codes }),
        (Law::Mu, Corner::Midway, _) => dispatch(Encode::<0, 2, 1> { rule, samples, codes }),
        (Law::A, Corner::Plain, _) => dispatch(Encode::<1, 4, 0> { rule, samples, codes }),
        (Law::A, Corner::Midway, 0) => dispatch(Encode::<1, 0, 1> { rule, samples, codes }),
        (Law::A, Corner::Midway, _) => dispatch(Encode::<1, 2, 1> { rule, samples, codes }),
    }
}
