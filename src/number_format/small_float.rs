//! Floating-point formats of 4 to 16 bits: binary16, bfloat16, FP8, FP6, FP4, and any other of the same build.
//!
//! ```text
//! code = s | e (E bits) | m (M bits)
//! e > 0:  (-1)^s 2^(e - bias) (1 + m 2^-M)          normal
//! e = 0:  (-1)^s 2^(1 - bias) m 2^-M                subnormal
//! ```
//!
//! Magnitudes are ordered like their codes, so the whole of a format is: how many bits, the bias, and which codes at
//! the top are infinity or NaN. Rounding is to the nearest, ties to the even code.
//!
//! Sources: IEEE 754-2019 clause 3.4 (binary16); Micikevicius et al., FP8 Formats for Deep Learning, 2022, table 1;
//! OCP Microscaling Formats (MX) Specification 1.0, 2023, clauses 5.3 and 5.4.

use crate::kernel::{codes, small_float::Plan};
use crate::{Error, Result};

/// What the codes at the top of the magnitudes mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Specials {
    /// The largest exponent is infinity (m = 0) and NaN, as in IEEE 754.
    InfinityAndNan,
    /// The one code of all ones is NaN; there is no infinity ("FN": finite, NaN).
    OneNan,
    /// Every code is a number.
    None,
}

/// What becomes of a magnitude that rounds beyond the largest number. A format without specials always saturates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FloatOverflow {
    /// The largest finite number, also for infinity.
    #[default]
    Saturate,
    /// Infinity where the format has it, else NaN: IEEE 754, and `astype` of ml_dtypes.
    Ieee,
    /// What `Cast(saturate=0)` of ONNX Runtime gives for the FP8 formats: within the binade of the largest number,
    /// E5M2 turns everything that rounds up into NaN rather than infinity, and E4M3FN turns [480, 496) into 448.
    OnnxRuntime,
}

/// A small floating-point format.
///
/// ```
/// use sqnr::number_format::small_float::{BINARY16, FP8_E4M3};
///
/// assert_eq!((BINARY16.max(), FP8_E4M3.max()), (65_504.0, 448.0));
/// // Four significant bits.
/// assert_eq!(FP8_E4M3.quantize(0.3), 0.312_5);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SmallFloat {
    exponent_bits: u32,
    mantissa_bits: u32,
    bias: i32,
    specials: Specials,
}

const fn format(exponent_bits: u32, mantissa_bits: u32, bias: i32, specials: Specials) -> SmallFloat {
    SmallFloat { exponent_bits, mantissa_bits, bias, specials }
}

/// IEEE 754 binary16: largest 65504, smallest normal 2^-14.
pub const BINARY16: SmallFloat = format(5, 10, 15, Specials::InfinityAndNan);
/// bfloat16: the upper half of a binary32.
pub const BFLOAT16: SmallFloat = format(8, 7, 127, Specials::InfinityAndNan);
/// FP8 E4M3FN: largest 448, no infinity, one NaN a sign.
pub const FP8_E4M3: SmallFloat = format(4, 3, 7, Specials::OneNan);
/// FP8 E5M2: largest 57344, with infinities.
pub const FP8_E5M2: SmallFloat = format(5, 2, 15, Specials::InfinityAndNan);
/// FP6 E3M2: largest 28.
pub const FP6_E3M2: SmallFloat = format(3, 2, 3, Specials::None);
/// FP6 E2M3: largest 7.5.
pub const FP6_E2M3: SmallFloat = format(2, 3, 1, Specials::None);
/// FP4 E2M1: 0, 0.5, 1, 1.5, 2, 3, 4, 6.
pub const FP4_E2M1: SmallFloat = format(2, 1, 1, Specials::None);

impl SmallFloat {
    /// A format of 1 + `exponent_bits` + `mantissa_bits` bits.
    ///
    /// # Errors
    /// `InvalidParameter` outside 1 to 8 exponent bits, 0 to 10 mantissa bits, 16 bits in all (1 mantissa bit at least with
    /// infinities), or when a normal number of the format is none of `f32`.
    pub fn new(exponent_bits: u32, mantissa_bits: u32, bias: i32, specials: Specials) -> Result<Self> {
        let shape = format!("E{exponent_bits}M{mantissa_bits}, bias {bias}");
        let allowed = "E1 to E8, M0 to M10, at most 16 bits, exponents from -126 to 127, one code left for a number";
        let n_bits_fit = (1..=8).contains(&exponent_bits)
            && mantissa_bits <= 10
            && exponent_bits + mantissa_bits <= 15
            && exponent_bits + mantissa_bits >= 2;
        if !n_bits_fit || !(-100..=127).contains(&bias) {
            return Err(Error::invalid("small float", shape, allowed));
        }
        let new = format(exponent_bits, mantissa_bits, bias, specials);
        let top_exponent = (i32::from(new.max_code()) >> mantissa_bits) - bias;
        let special_room = specials != Specials::InfinityAndNan || (mantissa_bits >= 1 && exponent_bits >= 2);
        if !special_room || 1 - bias < -126 || top_exponent > 127 {
            return Err(Error::invalid("small float", shape, allowed));
        }
        Ok(new)
    }

    /// Bits of a code, sign included: 3 to 16.
    pub fn bits(&self) -> u32 {
        1 + self.exponent_bits + self.mantissa_bits
    }

    /// Number of codes, `2^bits`.
    pub fn n_codes(&self) -> usize {
        1 << self.bits()
    }

    /// Mantissa bits M.
    pub fn mantissa_bits(&self) -> u32 {
        self.mantissa_bits
    }

    /// Largest finite number.
    pub fn max(&self) -> f64 {
        self.decode(self.max_code())
    }

    /// Smallest normal number, `2^(1 - bias)`.
    pub fn min_normal(&self) -> f64 {
        power_of_two(1 - self.bias)
    }

    /// Smallest number above zero, `2^(1 - bias - M)`.
    pub fn min_subnormal(&self) -> f64 {
        power_of_two(1 - self.bias - self.mantissa_bits as i32)
    }

    /// Exponent of the largest number: `floor(log2(max))`; 8 for E4M3FN, 15 for E5M2, 2 for FP4.
    pub fn max_exponent(&self) -> i32 {
        (i32::from(self.max_code()) >> self.mantissa_bits) - self.bias
    }

    /// The code of all magnitude bits set.
    const fn magnitude_mask(&self) -> u16 {
        ((1u32 << (self.exponent_bits + self.mantissa_bits)) - 1) as u16
    }

    /// Magnitude code of the largest finite number.
    const fn max_code(&self) -> u16 {
        match self.specials {
            Specials::InfinityAndNan => self.infinity_code() - 1,
            Specials::OneNan => self.magnitude_mask() - 1,
            Specials::None => self.magnitude_mask(),
        }
    }

    /// Magnitude code with all exponent bits set and no mantissa bit.
    const fn infinity_code(&self) -> u16 {
        self.magnitude_mask() & !((1 << self.mantissa_bits) - 1)
    }

    /// Magnitude code that NaN is encoded to; 0 where the format has no NaN.
    const fn nan_code(&self) -> u16 {
        match self.specials {
            Specials::InfinityAndNan => self.infinity_code() | 1 << (self.mantissa_bits - 1),
            Specials::OneNan => self.magnitude_mask(),
            Specials::None => 0,
        }
    }

    /// The code nearest to `x`, ties to the even code; the sign of zero is kept.
    ///
    /// NaN gives the format's NaN, or 0 where it has none.
    pub fn encode(&self, x: f64, overflow: FloatOverflow) -> u16 {
        let sign = u16::from(x.is_sign_negative()) << (self.exponent_bits + self.mantissa_bits);
        if x.is_nan() {
            return sign | self.nan_code();
        }
        sign | self.encode_magnitude(x.abs(), overflow)
    }

    /// Magnitude code of `a` >= 0: whole quanta `2^(e - M)` of the binade, and the binades below.
    fn encode_magnitude(&self, a: f64, overflow: FloatOverflow) -> u16 {
        if a >= 2.0 * self.max() {
            return self.overflow_code(a, overflow);
        }
        let lowest = 1 - self.bias;
        let exponent = exponent_of(a).max(lowest);
        // Division by a power of two is exact, and so is the count: it is below 2^(M + 1).
        let quanta = (a / power_of_two(exponent - self.mantissa_bits as i32)).round_ties_even() as u32;
        // The implicit one of a normal number adds the binade that `exponent - lowest` leaves out.
        let code = (((exponent - lowest) as u32) << self.mantissa_bits) + quanta;
        let over = code > u32::from(self.max_code());
        if over { self.overflow_code(a, overflow) } else { code as u16 }
    }

    /// Magnitude code for `a`, which rounds beyond the largest number.
    fn overflow_code(&self, a: f64, overflow: FloatOverflow) -> u16 {
        let in_top_binade = exponent_of(a) <= self.max_exponent();
        match (overflow, self.specials) {
            (FloatOverflow::Saturate, _) | (_, Specials::None) => self.max_code(),
            (FloatOverflow::OnnxRuntime, Specials::InfinityAndNan) if in_top_binade => self.magnitude_mask(),
            (_, Specials::InfinityAndNan) => self.infinity_code(),
            (FloatOverflow::OnnxRuntime, Specials::OneNan) if in_top_binade => self.onnx_runtime_top_code(a),
            (_, Specials::OneNan) => self.nan_code(),
        }
    }

    /// ONNX Runtime masks the mantissa of all ones to the largest number before it looks at the rounding bits.
    fn onnx_runtime_top_code(&self, a: f64) -> u16 {
        let quantum = power_of_two(self.max_exponent() - self.mantissa_bits as i32);
        let nan = f64::from((2u32 << self.mantissa_bits) - 1) * quantum;
        if a >= nan && a < nan + 0.5 * quantum { self.max_code() } else { self.nan_code() }
    }

    /// The value of `code`; bits above the format's are ignored.
    pub fn decode(&self, code: u16) -> f64 {
        let magnitude = code & self.magnitude_mask();
        let negative = code >> (self.exponent_bits + self.mantissa_bits) & 1 == 1;
        let value = match self.specials {
            Specials::InfinityAndNan if magnitude == self.infinity_code() => f64::INFINITY,
            Specials::InfinityAndNan if magnitude > self.infinity_code() => f64::NAN,
            Specials::OneNan if magnitude == self.magnitude_mask() => f64::NAN,
            _ => self.decode_magnitude(magnitude),
        };
        if negative { -value } else { value }
    }

    fn decode_magnitude(&self, magnitude: u16) -> f64 {
        let exponent = i32::from(magnitude >> self.mantissa_bits);
        let mantissa = u32::from(magnitude) & ((1 << self.mantissa_bits) - 1);
        let implicit = u32::from(exponent > 0) << self.mantissa_bits;
        f64::from(implicit + mantissa) * power_of_two(exponent.max(1) - self.bias - self.mantissa_bits as i32)
    }

    /// `decode(encode(x))`, saturating.
    pub fn quantize(&self, x: f64) -> f64 {
        self.decode(self.encode(x, FloatOverflow::Saturate))
    }

    /// Codes of `x`, one a byte, for formats of at most 8 bits.
    ///
    /// # Errors
    /// `LengthMismatch`; `InvalidParameter` for a wider format.
    pub fn encode_bytes(&self, x: &[f32], overflow: FloatOverflow, codes: &mut [u8]) -> Result<()> {
        if self.bits() > 8 {
            return Err(Error::invalid("small float bits", self.bits(), "at most 8 for codes of one byte"));
        }
        equal_lengths(x.len(), codes.len())?;
        match self.plan(overflow) {
            Some(plan) => codes::encode(&plan, x, codes),
            None => codes.iter_mut().zip(x).for_each(|(c, &x)| *c = self.encode(f64::from(x), overflow) as u8),
        }
        Ok(())
    }

    /// Codes of `x`, one in sixteen bits.
    ///
    /// # Errors
    /// `LengthMismatch`.
    pub fn encode_words(&self, x: &[f32], overflow: FloatOverflow, codes: &mut [u16]) -> Result<()> {
        equal_lengths(x.len(), codes.len())?;
        match self.plan(overflow) {
            Some(plan) => codes::encode(&plan, x, codes),
            None => codes.iter_mut().zip(x).for_each(|(c, &x)| *c = self.encode(f64::from(x), overflow)),
        }
        Ok(())
    }

    /// Values of codes of one byte.
    ///
    /// # Errors
    /// `LengthMismatch`.
    pub fn decode_bytes(&self, codes: &[u8], x: &mut [f32]) -> Result<()> {
        equal_lengths(codes.len(), x.len())?;
        let table: Vec<f32> = (0..256).map(|code| self.decode(code) as f32).collect();
        x.iter_mut().zip(codes).for_each(|(x, &code)| *x = table[usize::from(code)]);
        Ok(())
    }

    /// Values of codes of sixteen bits.
    ///
    /// # Errors
    /// `LengthMismatch`.
    pub fn decode_words(&self, codes: &[u16], x: &mut [f32]) -> Result<()> {
        equal_lengths(codes.len(), x.len())?;
        if *self == BFLOAT16 {
            x.iter_mut().zip(codes).for_each(|(x, &code)| *x = f32::from_bits(u32::from(code) << 16));
        } else {
            x.iter_mut().zip(codes).for_each(|(x, &code)| *x = self.decode(code) as f32);
        }
        Ok(())
    }

    /// Rounds `x` to the format in place, saturating: each value once, from the precision of `f64`.
    pub(super) fn round(&self, x: &mut [f64]) {
        let table: Vec<f64> = (0..self.n_codes().min(256)).map(|code| self.decode(code as u16)).collect();
        let (mut narrow, mut codes) = ([0.0; STRETCH], [0u16; STRETCH]);
        for x in x.chunks_mut(STRETCH) {
            let (narrow, codes) = (&mut narrow[..x.len()], &mut codes[..x.len()]);
            narrow.iter_mut().zip(&*x).for_each(|(narrow, &x)| *narrow = round_to_odd(x));
            match self.plan(FloatOverflow::Saturate) {
                Some(plan) => codes::encode(&plan, narrow, codes),
                None => unreachable!("the fast path saturates"),
            }
            match self.bits() <= 8 {
                true => x.iter_mut().zip(&*codes).for_each(|(x, &code)| *x = table[usize::from(code)]),
                false => x.iter_mut().zip(&*codes).for_each(|(x, &code)| *x = self.decode(code)),
            }
        }
    }

    /// The constants of the fast path; `None` for the rule it does not know.
    fn plan(&self, overflow: FloatOverflow) -> Option<Plan> {
        let infinite = match (overflow, self.specials) {
            (FloatOverflow::OnnxRuntime, Specials::InfinityAndNan | Specials::OneNan) => return None,
            (FloatOverflow::Saturate, _) | (_, Specials::None) => self.max_code(),
            (FloatOverflow::Ieee, Specials::InfinityAndNan) => self.infinity_code(),
            (FloatOverflow::Ieee, Specials::OneNan) => self.nan_code(),
        };
        Some(Plan::new(self.exponent_bits, self.mantissa_bits, self.bias, self.max_code(), infinite, self.nan_code()))
    }
}

/// `floor(log2(a))` for finite `a` > 0; far below every format for 0 and the subnormals of `f64`, far above for infinity.
fn exponent_of(a: f64) -> i32 {
    (a.to_bits() >> 52) as i32 - 1023
}

/// `2^exponent` for -1022 <= exponent <= 1023, exactly on every platform.
pub(super) fn power_of_two(exponent: i32) -> f64 {
    f64::from_bits(((exponent + 1023) as u64) << 52)
}

/// Values at a time.
const STRETCH: usize = 1024;

/// `x` as `f32`, and where that is not exact the neighbour whose last bit is 1.
///
/// Rounding the result to two bits fewer or less rounds `x` itself: an odd last bit lies neither on a tie nor on a
/// number. Source: S. Boldo, G. Melquiond, Emulation of FMA and correctly rounded sums: proved algorithms using rounding to
/// odd, IEEE Transactions on Computers 57 (2008), theorem 3.
fn round_to_odd(x: f64) -> f32 {
    let nearest = x as f32;
    if f64::from(nearest) == x || nearest.is_nan() {
        return nearest;
    }
    let bits = nearest.to_bits();
    // Toward zero, where the nearest lies farther out; infinity becomes the largest number.
    let truncated = if f64::from(nearest).abs() > x.abs() { bits - 1 } else { bits };
    f32::from_bits(truncated | 1)
}

fn equal_lengths(expected: usize, got: usize) -> Result<()> {
    match expected == got {
        true => Ok(()),
        false => Err(Error::LengthMismatch { what: "values and codes", expected, got }),
    }
}

/// E8M0, the scale of an MX block: `2^(code - 127)`, 255 is NaN. No sign, no zero.
pub fn decode_e8m0(code: u8) -> f64 {
    if code == 255 { f64::NAN } else { power_of_two(i32::from(code) - 127) }
}

/// E8M0 code of `2^exponent`, saturating at `2^-127` and `2^127`.
pub fn encode_e8m0(exponent: i32) -> u8 {
    (exponent.clamp(-127, 127) + 127) as u8
}

#[cfg(test)]
mod tests {
    use super::super::golden_input::{bits, rows, sha256};
    use super::*;

    const NAMED: [(&str, SmallFloat); 7] = [
        ("float8_e4m3fn", FP8_E4M3),
        ("float8_e5m2", FP8_E5M2),
        ("float6_e3m2fn", FP6_E3M2),
        ("float6_e2m3fn", FP6_E2M3),
        ("float4_e2m1fn", FP4_E2M1),
        ("bfloat16", BFLOAT16),
        ("float16", BINARY16),
    ];

    #[test]
    fn decodes_the_golden_table() {
        let table = rows("smallfloat_decode.csv");
        for (code, row) in table.iter().enumerate() {
            for (i, (name, format)) in NAMED[..5].iter().enumerate().filter(|(i, _)| !row[i + 1].is_empty()) {
                let expected: f64 = row[i + 1].parse().expect("a number");
                let got = format.decode(code as u16);
                assert!(got == expected || (got.is_nan() && expected.is_nan()), "{name} {code}: {got} {expected}");
            }
            let scale: f64 = row[6].parse().expect("a number");
            let got = decode_e8m0(code as u8);
            assert!(got == scale || (got.is_nan() && scale.is_nan()), "E8M0 {code}");
        }
    }

    fn golden_hash(name: &str, rule: &str) -> String {
        let rows = rows("smallfloat_sha256.csv");
        let row = rows.iter().find(|r| r[0] == name && r[1].contains(rule)).expect("in the table");
        row[3].clone()
    }

    #[test]
    fn encodes_every_kind_of_float_as_ml_dtypes_does() {
        let x: Vec<f32> = bits().into_iter().filter(|x| !x.is_nan()).collect();
        let rules = [(FloatOverflow::Ieee, "astype"), (FloatOverflow::Saturate, "saturating")];
        for ((name, format), (overflow, rule)) in NAMED.iter().flat_map(|n| rules.map(|r| (n, r))) {
            let mut codes = vec![0u16; x.len()];
            format.encode_words(&x, overflow, &mut codes).expect("equal lengths");
            let bytes: Vec<u8> = match format.bits() {
                16 => codes.iter().flat_map(|c| c.to_le_bytes()).collect(),
                _ => codes.iter().map(|&c| c as u8).collect(),
            };
            assert_eq!(sha256(&bytes), golden_hash(name, rule), "{name}, {rule}");
        }
    }

    #[test]
    fn fast_and_obvious_encoders_agree() {
        let x = bits();
        for (name, format) in NAMED {
            for overflow in [FloatOverflow::Ieee, FloatOverflow::Saturate] {
                let mut codes = vec![0u16; x.len()];
                format.encode_words(&x, overflow, &mut codes).expect("equal lengths");
                for (&x, &code) in x.iter().zip(&codes) {
                    assert_eq!(code, format.encode(f64::from(x), overflow), "{name} {overflow:?} {x:e}");
                }
                if format.bits() <= 8 {
                    let mut bytes = vec![0u8; x.len()];
                    format.encode_bytes(&x, overflow, &mut bytes).expect("equal lengths");
                    assert!(bytes.iter().zip(&codes).all(|(&b, &c)| u16::from(b) == c), "{name} {overflow:?}");
                }
            }
        }
    }

    /// Halfway between two numbers of a format, and a little beside: what goes through `f32` first falls to a tie.
    #[test]
    fn doubles_are_rounded_once() {
        for (name, format) in NAMED {
            let mut x = Vec::new();
            for code in 0..format.max_code() {
                let tie = 0.5 * (format.decode(code) + format.decode(code + 1));
                x.extend([tie, tie * (1.0 + f64::EPSILON), tie * (1.0 - f64::EPSILON), -tie * (1.0 + 1e-12)]);
            }
            x.extend([1e300, -1e300, 5e-324, f64::INFINITY, 0.0, -0.0, 1.0 + 2f64.powi(-11) + 2f64.powi(-40)]);
            let mut y = x.clone();
            format.round(&mut y);
            for (&x, &y) in x.iter().zip(&y) {
                assert_eq!(y.to_bits(), format.quantize(x).to_bits(), "{name} {x:e}");
            }
        }
    }

    #[test]
    fn every_number_of_a_format_survives_and_codes_are_monotone() {
        let own = SmallFloat::new(3, 4, 4, Specials::OneNan).expect("legal");
        for (name, format) in NAMED.into_iter().chain([("own", own)]) {
            let mut previous = f64::NEG_INFINITY;
            for code in 0..=format.max_code() {
                let value = format.decode(code);
                assert!(value > previous, "{name} {code}");
                previous = value;
                assert_eq!(format.encode(value, FloatOverflow::Ieee), code, "{name} {code}");
            }
            assert_eq!(format.encode(f64::INFINITY, FloatOverflow::Saturate), format.max_code(), "{name}");
        }
    }

    #[test]
    fn slices_decode_like_single_codes() {
        let codes: Vec<u16> = (0..=u16::MAX).collect();
        let mut x = vec![0f32; codes.len()];
        for (name, format) in [("bfloat16", BFLOAT16), ("binary16", BINARY16)] {
            format.decode_words(&codes, &mut x).expect("equal lengths");
            for (&code, &x) in codes.iter().zip(&x) {
                let expected = format.decode(code) as f32;
                assert!(x == expected || (x.is_nan() && expected.is_nan()), "{name} {code}");
            }
        }
        let bytes: Vec<u8> = (0..=255).collect();
        FP8_E5M2.decode_bytes(&bytes, &mut x[..256]).expect("equal lengths");
        assert_eq!((x[0x7b], x[0x7c], x[0x80].is_sign_negative()), (57344.0, f32::INFINITY, true));
    }

    #[test]
    fn formats_that_hold_no_number_are_refused() {
        for (e, m, bias) in [(0, 3, 0), (9, 3, 0), (8, 8, 127), (1, 0, 0), (5, 2, 500), (5, 2, 130), (8, 2, -100)] {
            assert!(SmallFloat::new(e, m, bias, Specials::None).is_err(), "E{e}M{m} {bias}");
        }
        assert!(SmallFloat::new(4, 0, 7, Specials::InfinityAndNan).is_err());
        assert_eq!(SmallFloat::new(4, 3, 7, Specials::OneNan).expect("legal"), FP8_E4M3);
        assert!(FP8_E4M3.encode_bytes(&[1.0], FloatOverflow::Ieee, &mut []).is_err());
        assert!(BFLOAT16.encode_bytes(&[1.0], FloatOverflow::Ieee, &mut [0]).is_err());
    }
}
