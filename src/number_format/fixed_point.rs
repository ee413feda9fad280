//! Binary fixed point: a whole number of steps of `2^-n`, kept in a word of given width.
//!
//! ```text
//! Qm.n  = sign, m integer bits, n fraction bits    width 1 + m + n    range [-2^m, 2^m - 2^-n]
//! UQm.n =       m integer bits, n fraction bits    width     m + n    range [0, 2^m - 2^-n]
//! ```
//!
//! The sign bit is counted apart, as Texas Instruments does; ARM's Qm.n counts it in m. Audio in 16 bits is Q0.15.

use super::small_float::power_of_two;
use crate::{Error, Result};

/// Which neighbour a value between two steps goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Rounding {
    /// To the nearest; a tie to the even one (IEEE 754 `roundTiesToEven`). Unbiased.
    #[default]
    NearestEven,
    /// To the nearest; a tie away from zero (C's `round`).
    NearestAway,
    /// To the nearest; a tie upwards: `floor(x + 1/2)`, the adder of a DSP.
    NearestUp,
    /// Downwards: what dropping bits of two's complement does. Biased by half a step.
    Floor,
    /// Upwards.
    Ceiling,
    /// Toward zero: what dropping bits of a magnitude does. A dead zone two steps wide around zero.
    TowardZero,
}

impl Rounding {
    /// The whole number that `x` is rounded to, still as a float; infinities and NaN stay what they are.
    pub fn apply(self, x: f64) -> f64 {
        match self {
            Self::NearestEven => x.round_ties_even(),
            Self::NearestAway => x.round(),
            // x + 1/2 itself rounds: 0.49999999999999994 + 0.5 = 1. The distance to the floor is exact.
            Self::NearestUp => x.floor() + f64::from(u8::from(x - x.floor() >= 0.5)),
            Self::Floor => x.floor(),
            Self::Ceiling => x.ceil(),
            Self::TowardZero => x.trunc(),
        }
    }
}

/// What becomes of a value beyond the word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WordOverflow {
    /// The nearest end of the range.
    #[default]
    Saturate,
    /// The nearest end, and the most negative word is not used: -x exists for every x.
    SaturateSymmetric,
    /// Modulo `2^width`, two's complement: what an adder without saturation does. Infinities give 0.
    Wrap,
}

/// Whether a word has a sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// Two's complement.
    Signed,
    /// Zero and above.
    Unsigned,
}

/// A fixed-point format with its rules; at most 53 bits wide, so that every word is exact in `f64`.
///
/// ```
/// use sqnr::number_format::fixed_point::FixedPoint;
///
/// let q15 = FixedPoint::parse("q0.15")?;
/// assert_eq!((q15.width(), q15.encode(0.5), q15.encode(7.0)), (16, 16_384, 32_767));
/// assert_eq!(q15.decode(-32_768), -1.0);
/// # Ok::<(), sqnr::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FixedPoint {
    sign: Sign,
    integer_bits: u32,
    fraction_bits: u32,
    rounding: Rounding,
    overflow: WordOverflow,
}

/// Widest word, bits: the precision of `f64`.
const MAX_WIDTH: u32 = 53;

impl FixedPoint {
    /// `Qm.n` or `UQm.n` with m = `integer_bits`, n = `fraction_bits`; ties to even, saturating.
    ///
    /// # Errors
    /// `InvalidParameter` when the word has no bit besides its sign or is wider than 53 bits.
    pub fn new(sign: Sign, integer_bits: u32, fraction_bits: u32) -> Result<Self> {
        let magnitude_bits = u64::from(integer_bits) + u64::from(fraction_bits);
        let width = magnitude_bits + u64::from(sign == Sign::Signed);
        if magnitude_bits == 0 || width > u64::from(MAX_WIDTH) {
            return Err(Error::invalid("fixed-point width", width, "1 to 53 bits with at least one besides the sign"));
        }
        Ok(Self { sign, integer_bits, fraction_bits, rounding: Rounding::default(), overflow: WordOverflow::default() })
    }

    /// The format of a name such as `q0.15`, `Q3.12`, `uq8.8`.
    ///
    /// # Errors
    /// `InvalidParameter` when the name is of another shape, or as for `new`.
    pub fn parse(name: &str) -> Result<Self> {
        let wrong = || Error::invalid("fixed-point format", name, "qM.N or uqM.N, such as q0.15");
        let lower = name.to_ascii_lowercase();
        let (sign, rest) = match lower.strip_prefix("uq") {
            Some(rest) => (Sign::Unsigned, rest),
            None => (Sign::Signed, lower.strip_prefix('q').ok_or_else(wrong)?),
        };
        let (m, n) = rest.split_once('.').ok_or_else(wrong)?;
        let bits = |text: &str| match text.bytes().all(|b| b.is_ascii_digit()) {
            true => text.parse::<u32>().map_err(|_| wrong()),
            false => Err(wrong()),
        };
        Self::new(sign, bits(m)?, bits(n)?)
    }

    /// The same format with another rounding.
    pub fn with_rounding(self, rounding: Rounding) -> Self {
        Self { rounding, ..self }
    }

    /// The same format with another overflow rule.
    pub fn with_overflow(self, overflow: WordOverflow) -> Self {
        Self { overflow, ..self }
    }

    /// Bits of a word, sign included: 1 to 53.
    pub fn width(&self) -> u32 {
        self.integer_bits + self.fraction_bits + u32::from(self.sign == Sign::Signed)
    }

    /// Integer and fraction bits, the sign left out: as many significant bits has a word.
    pub fn magnitude_bits(&self) -> u32 {
        self.integer_bits + self.fraction_bits
    }

    /// Step size `2^-n`.
    pub fn step(&self) -> f64 {
        power_of_two(-(self.fraction_bits as i32))
    }

    /// Smallest and largest word that `encode` gives.
    pub fn word_range(&self) -> (i64, i64) {
        let max = (1i64 << (self.integer_bits + self.fraction_bits)) - 1;
        match (self.sign, self.overflow) {
            (Sign::Unsigned, _) => (0, max),
            (Sign::Signed, WordOverflow::SaturateSymmetric) => (-max, max),
            (Sign::Signed, _) => (-max - 1, max),
        }
    }

    /// The word of `x`: `x 2^n`, rounded and brought into range. NaN gives 0.
    pub fn encode(&self, x: f64) -> i64 {
        let steps = self.rounding.apply(x / self.step());
        let (min, max) = self.word_range();
        if self.overflow == WordOverflow::Wrap {
            return wrap(steps, min, max);
        }
        // `as` saturates and gives 0 for NaN; the bounds are exact in f64.
        steps.clamp(min as f64, max as f64) as i64
    }

    /// The value of a word: `word 2^-n`. A word out of range is taken at its value.
    pub fn decode(&self, word: i64) -> f64 {
        word as f64 * self.step()
    }

    /// `decode(encode(x))`.
    pub fn quantize(&self, x: f64) -> f64 {
        self.decode(self.encode(x))
    }
}

/// `steps` modulo the number of words, into [min, max]; 0 when not finite.
fn wrap(steps: f64, min: i64, max: i64) -> i64 {
    if !steps.is_finite() {
        return 0;
    }
    let n_words = (max - min + 1) as f64;
    // The remainder of floats is exact, so the modulus is too.
    let modulus = steps.rem_euclid(n_words) as i64;
    if modulus > max { modulus - (max - min + 1) } else { modulus }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn q(m: u32, n: u32) -> FixedPoint {
        FixedPoint::new(Sign::Signed, m, n).expect("legal")
    }

    #[test]
    fn ranges_are_those_of_the_definition() {
        assert_eq!(q(0, 15).word_range(), (-32768, 32767));
        assert_eq!(q(3, 4).quantize(1e9), 8.0 - 1.0 / 16.0);
        assert_eq!(q(3, 4).quantize(f64::NEG_INFINITY), -8.0);
        assert_eq!(q(3, 4).with_overflow(WordOverflow::SaturateSymmetric).quantize(-1e9), -8.0 + 1.0 / 16.0);
        let unsigned = FixedPoint::parse("uq8.8").expect("legal");
        assert_eq!((unsigned.quantize(-3.0), unsigned.quantize(300.0)), (0.0, 256.0 - 1.0 / 256.0));
        assert_eq!(q(0, 15).encode(f64::NAN), 0);
    }

    #[test]
    fn each_rounding_breaks_ties_its_own_way() {
        let ties = [-2.5, -1.5, -0.5, 0.5, 1.5, 2.5];
        let expected = [
            (Rounding::NearestEven, [-2.0, -2.0, 0.0, 0.0, 2.0, 2.0]),
            (Rounding::NearestAway, [-3.0, -2.0, -1.0, 1.0, 2.0, 3.0]),
            (Rounding::NearestUp, [-2.0, -1.0, 0.0, 1.0, 2.0, 3.0]),
            (Rounding::Floor, [-3.0, -2.0, -1.0, 0.0, 1.0, 2.0]),
            (Rounding::Ceiling, [-2.0, -1.0, 0.0, 1.0, 2.0, 3.0]),
            (Rounding::TowardZero, [-2.0, -1.0, 0.0, 0.0, 1.0, 2.0]),
        ];
        for (rounding, rounded) in expected {
            assert_eq!(ties.map(|x| rounding.apply(x)), rounded, "{rounding:?}");
        }
        assert_eq!(Rounding::NearestUp.apply(0.499_999_999_999_999_94), 0.0);
    }

    #[test]
    fn wrapping_is_twos_complement() {
        let wrapping = q(0, 7).with_overflow(WordOverflow::Wrap);
        for steps in -1000i64..1000 {
            let expected = i64::from(steps as i8);
            assert_eq!(wrapping.encode(steps as f64 / 128.0), expected, "{steps}");
        }
        assert_eq!(wrapping.encode(f64::INFINITY), 0);
    }

    #[test]
    fn the_error_is_at_most_half_a_step_in_range() {
        let format = q(2, 5);
        for i in -12_700..12_700 {
            let x = f64::from(i) / 3_200.0;
            assert!((format.quantize(x) - x).abs() <= 0.5 * format.step(), "{x}");
        }
    }

    #[test]
    fn names_that_are_no_format_are_refused() {
        for name in ["q", "q1", "q1.", "q.1", "q0.0", "q30.30", "x1.2", "q-1.4", "q+1.4", "q1.99999999999"] {
            assert!(FixedPoint::parse(name).is_err(), "{name}");
        }
        assert_eq!(FixedPoint::parse("Q0.15").expect("legal"), q(0, 15));
    }
}
