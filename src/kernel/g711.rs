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

/// The two laws of G.711.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Law {
    /// mu-law: North America and Japan; 14-bit range.
    Mu,
    /// A-law: elsewhere; 13-bit range.
    A,
}

/// How a 16-bit sample becomes a code, in numbers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rule {
    pub(crate) law: Law,
    /// Added first: half of what is dropped, when it is rounded.
    pub(crate) round: i16,
    /// 1 to negate before bits are dropped (two's complement), 0 for the one's complement.
    pub(crate) negate_before: u16,
    /// Bits dropped: 0, 2 or 4.
    pub(crate) dropped_bits: i16,
    /// 1 to negate after bits were dropped, 0 for the one's complement.
    pub(crate) negate_after: u16,
    /// Added to the magnitude: mu-law's 33, so that segments begin at powers of two.
    pub(crate) bias: u16,
    /// 1 when a magnitude on a threshold falls to the lower cell, else 0.
    pub(crate) tie_falls: u16,
    /// Largest biased magnitude.
    pub(crate) cap: u16,
    /// Where decisions lie around the corners of the law.
    pub(crate) corner: Corner,
    /// Pattern over the bits of a positive code.
    pub(crate) inverted: u16,
    /// All ones when a small negative sample becomes the negative zero, else 0.
    pub(crate) negative_zero: u16,
}

/// Where the decision lies between two segments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Corner {
    /// At the power of two where the segment begins.
    Plain,
    /// Midway between the decoded values beside it, 1/128 later.
    Midway,
}

impl Rule {
    /// The ITU's mu-law: 14-bit magnitudes, 33 added.
    pub(crate) const MU: Self = Self {
        law: Law::Mu,
        round: 0,
        negate_before: 0,
        dropped_bits: 2,
        negate_after: 0,
        bias: 33,
        tie_falls: 0,
        cap: 8_191,
        corner: Corner::Plain,
        inverted: 0xFF,
        negative_zero: 0xFFFF,
    };

    /// The ITU's A-law: 12-bit magnitudes.
    pub(crate) const A: Self = Self { law: Law::A, dropped_bits: 4, bias: 0, cap: 2_047, inverted: 0xD5, ..Self::MU };

    /// Units of 1; the negative zero is not used.
    pub(crate) const MU_NEAREST: Self = Self {
        negate_before: 1,
        dropped_bits: 0,
        bias: 132,
        tie_falls: 1,
        cap: 32_767,
        corner: Corner::Midway,
        negative_zero: 0,
        ..Self::MU
    };

    /// The code of `x`.
    #[inline]
    pub(crate) fn encode(&self, x: i16) -> u8 {
        let mut code = [0];
        encode(self, &[x], &mut code);
        code[0]
    }

    /// The sign of `x` (0 or all ones) and its magnitude in the law's units. `dropped_bits` is the rule's, as a constant.
    #[inline(always)]
    fn magnitude(&self, x: i16, dropped_bits: i16) -> (u16, u16) {
        let x = x.saturating_add(self.round);
        let sign = (x >> 15) as u16;
        let positive = (x as u16 ^ sign) + (sign & self.negate_before);
        let magnitude = (positive >> dropped_bits) + (sign & self.negate_after) + self.bias;
        (sign, (magnitude.max(self.bias + self.tie_falls) - self.tie_falls).min(self.cap))
    }

    /// The byte of a code 0..=127 and a sign.
    #[inline(always)]
    fn byte(&self, code: u16, sign: u16) -> u8 {
        let shown = if code == 0 { sign & self.negative_zero } else { sign };
        (code ^ self.inverted ^ (shown & 0x80)) as u8
    }
}

/// `FIRST`: the first segment's number; A-law's line of segment 1 serves segment 0 as well. `DROPPED_BITS`: 3 less s
/// above; segment e begins at 2^(e + s + 4). `PLACE_BITS`: bits that tell the place within a segment: 4, those of the
/// code, or 7 to know its first 1/128 when decisions lie midway.
struct Encode<'a, const FIRST: i16, const DROPPED_BITS: i16, const PLACE_BITS: i16> {
    rule: &'a Rule,
    samples: &'a [i16],
    codes: &'a mut [u8],
}

impl<const FIRST: i16, const DROPPED_BITS: i16, const PLACE_BITS: i16> Encode<'_, FIRST, DROPPED_BITS, PLACE_BITS> {
    /// Segment and place of a magnitude of at most 15 bits, 13 if bits were dropped: no line exceeds 2^15.
    #[inline(always)]
    fn least_line(m: u16) -> u16 {
        let mut least = i16::MAX;
        for e in FIRST..8 {
            let shift = e + 7 - DROPPED_BITS - PLACE_BITS;
            let height = if shift >= 0 { m >> shift } else { m << -shift };
            let line = height as i16 + ((e - 1) << PLACE_BITS);
            least = if line < least { line } else { least };
        }
        least as u16
    }

    #[inline(always)]
    fn code(m: u16) -> u16 {
        let line = Self::least_line(m);
        if PLACE_BITS == 4 {
            return line;
        }
        // The first 1/128 of a segment other than the first belongs to the segment below.
        let is_early = line & 0x7F == 0 && line > (FIRST as u16) << 7;
        (line >> 3) - u16::from(is_early)
    }
}

impl<const FIRST: i16, const DROPPED_BITS: i16, const PLACE_BITS: i16> Kernel
    for Encode<'_, FIRST, DROPPED_BITS, PLACE_BITS>
{
    #[inline(always)]
    fn run(self) {
        let rule = *self.rule;
        for (byte, &sample) in self.codes.iter_mut().zip(self.samples) {
            let (sign, magnitude) = rule.magnitude(sample, DROPPED_BITS);
            *byte = rule.byte(Self::code(magnitude), sign);
        }
    }
}

/// The codes of `samples`, as many as there are codes.
pub(crate) fn encode(rule: &Rule, samples: &[i16], codes: &mut [u8]) {
    match (rule.law, rule.corner, rule.dropped_bits) {
        (Law::Mu, Corner::Plain, _) => dispatch(Encode::<0, 2, 4> { rule, samples, codes }),
        (Law::Mu, Corner::Midway, 0) => dispatch(Encode::<0, 0, 7> { rule, samples, codes }),
        (Law::Mu, Corner::Midway, _) => dispatch(Encode::<0, 2, 7> { rule, samples, codes }),
        (Law::A, Corner::Plain, _) => dispatch(Encode::<1, 4, 4> { rule, samples, codes }),
        (Law::A, Corner::Midway, 0) => dispatch(Encode::<1, 0, 7> { rule, samples, codes }),
        (Law::A, Corner::Midway, _) => dispatch(Encode::<1, 2, 7> { rule, samples, codes }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::dispatch::{forms_agree, run_as};

    #[test]
    fn forms_give_the_same_codes() {
        let samples: Vec<i16> = (i16::MIN..=i16::MAX).collect();
        for rule in [Rule::MU, Rule::MU_NEAREST] {
            forms_agree(|form| {
                let mut codes = vec![0; samples.len()];
                match rule.corner {
                    Corner::Plain => {
                        run_as(form, Encode::<0, 2, 4> { rule: &rule, samples: &samples, codes: &mut codes })
                    }
                    Corner::Midway => {
                        run_as(form, Encode::<0, 0, 7> { rule: &rule, samples: &samples, codes: &mut codes })
                    }
                }
                codes
            });
        }
    }
}
