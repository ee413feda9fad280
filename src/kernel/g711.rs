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
    use crate::quantizer::g711::Convention;

    #[test]
    fn forms_give_the_same_codes() {
        let samples: Vec<i16> = (i16::MIN..=i16::MAX).collect();
        for rule in [Rule::of(Law::Mu, Convention::Itu), Rule::of(Law::Mu, Convention::Nearest)] {
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
