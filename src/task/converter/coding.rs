//! How the codes of a converter lie in the samples of a file: which bits, and where zero is.
//!
//! ```text
//!                    12 bits in 16          full scale of the converter
//! left-justified     c c c c c c c c c c c c 0 0 0 0       the file's
//! right-justified    s s s s c c c c c c c c c c c c       a 16th of it
//! two's complement   -2048 .. 2047;    offset binary       0 .. 4095
//! ```
//!
//! What is not told is read off the samples; what is told and contradicts them is said.

use crate::wav::{Encoding, SampleFormat};

/// Which end of a sample the codes lie at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Justification {
    /// At the top: the lowest bits are always zero.
    Left,
    /// At the bottom: the file's values are the codes themselves.
    Right,
}

/// What number a code stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodeNumbers {
    /// Signed: 0 is the middle of the range.
    TwosComplement,
    /// Counts from 0: half of the codes is the middle of the range.
    OffsetBinary,
}

/// What is told of the codes; all else is read off the samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CodeOptions {
    /// Resolution of the converter, 2 to 24 bits.
    pub bits: Option<u32>,
    /// Which end of a sample the codes lie at.
    pub justification: Option<Justification>,
    /// What number a code stands for.
    pub numbers: Option<CodeNumbers>,
}

/// Where the codes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Coding {
    pub bits: u32,
    justification: Justification,
    numbers: CodeNumbers,
    /// Bits of the integers in the file; 1 where floats are the codes themselves.
    container_bits: u32,
}

impl Coding {
    /// The samples with full scale 1.0 of the converter, offset binary with its middle at 0.
    pub(super) fn rescale(&self, x: &mut [f64]) {
        let is_offset = self.numbers == CodeNumbers::OffsetBinary;
        let scale = match self.justification {
            Justification::Left => 1.0,
            Justification::Right => 2f64.powi(self.container_bits as i32 - self.bits as i32),
        };
        if scale == 1.0 && !is_offset {
            return;
        }
        for x in x {
            // A count of all bits reads as a negative number from half of the codes on.
            let unsigned = if is_offset && *x < 0.0 { *x + 2.0 } else { *x };
            *x = unsigned * scale - f64::from(u8::from(is_offset));
        }
    }

    /// Reads off the samples what is not told. None where the samples are no codes; what the reader must know goes to
    /// `warnings`.
    pub(super) fn recognise(
        x: &[Vec<f64>],
        format: SampleFormat,
        told: CodeOptions,
        warnings: &mut Vec<String>,
    ) -> Option<Self> {
        let container_bits = container_bits(x, format, told)?;
        let seen = Seen::of(x, container_bits)?;
        let (coding, said) = match (told.justification, told.numbers) {
            (None, None) => seen.guess(told.bits),
            (justification, numbers) => (seen.as_told(justification, numbers, told.bits), Vec::new()),
        };
        warnings.extend(said);
        warnings.extend(seen.contradiction(coding));
        Some(coding)
    }
}

/// Bits of the integers that the samples are; of floats those that hold them all, or 1 where they are whole numbers.
fn container_bits(x: &[Vec<f64>], format: SampleFormat, told: CodeOptions) -> Option<u32> {
    if format.encoding() == Encoding::Integer {
        return Some(format.valid_bits());
    }
    let all = || x.iter().flatten();
    if all().any(|v| v.abs() >= 2.0) && all().all(|v| *v == v.trunc() && v.abs() < 2f64.powi(31)) {
        return Some(1);
    }
    let used = x.iter().filter_map(|x| crate::analysis::level::bits_used(x).ok()).fold(0.0, f64::max) as u32;
    if used > 0 { Some(used) } else { told.bits }
}

/// What the samples show.
#[derive(Debug, Clone, Copy)]
struct Seen {
    container_bits: u32,
    least: i64,
    greatest: i64,
    /// All samples, or-ed: which bits are ever set.
    bits_set: i64,
    /// Samples at the least and at the greatest code.
    n_at_ends: [u64; 2],
}

impl Seen {
    /// None where there is nothing but zeros, or nothing that is a number.
    fn of(x: &[Vec<f64>], container_bits: u32) -> Option<Self> {
        let scale = 2f64.powi(container_bits as i32 - 1);
        let codes = || x.iter().flatten().filter(|v| v.is_finite()).map(|v| (v * scale).round() as i64);
        let (least, greatest) = codes().fold((i64::MAX, i64::MIN), |(low, high), c| (low.min(c), high.max(c)));
        let bits_set = codes().fold(0, |all, c| all | c);
        let count = |end: i64| codes().filter(|c| *c == end).count() as u64;
        let n_at_ends = [count(least), count(greatest)];
        (bits_set != 0).then_some(Self { container_bits, least, greatest, bits_set, n_at_ends })
    }

    /// Bits from the top down to the lowest that is ever set; whole numbers in floats have no top.
    fn bits_used(&self) -> u32 {
        match self.container_bits {
            1 => self.bits_from_the_bottom(CodeNumbers::TwosComplement),
            container => container.saturating_sub(self.bits_set.trailing_zeros()).max(1),
        }
    }

    /// Fewest bits that hold all codes at the lower end.
    fn bits_from_the_bottom(&self, numbers: CodeNumbers) -> u32 {
        let bits_of = |magnitude: i64| i64::BITS - magnitude.leading_zeros();
        match numbers {
            CodeNumbers::OffsetBinary if self.least < 0 => self.container_bits,
            CodeNumbers::OffsetBinary => bits_of(self.greatest),
            CodeNumbers::TwosComplement => 1 + bits_of(self.greatest.max(-1 - self.least).max(0)),
        }
    }

    fn coding(&self, bits: u32, justification: Justification, numbers: CodeNumbers) -> Coding {
        let justification = if self.container_bits == 1 { Justification::Right } else { justification };
        Coding { bits, justification, numbers, container_bits: self.container_bits }
    }

    fn as_told(&self, justification: Option<Justification>, numbers: Option<CodeNumbers>, bits: Option<u32>) -> Coding {
        let numbers = numbers.unwrap_or(CodeNumbers::TwosComplement);
        let from_the_bottom = self.bits_from_the_bottom(numbers);
        // Counts that do not fill the file's bits lie at the lower end.
        let fills = numbers == CodeNumbers::TwosComplement || from_the_bottom == self.container_bits;
        let seen = if fills { Justification::Left } else { Justification::Right };
        let justification = justification.unwrap_or(seen);
        let bits = bits.unwrap_or(match justification {
            Justification::Left => self.bits_used(),
            Justification::Right => from_the_bottom,
        });
        self.coding(bits, justification, numbers)
    }

    /// The likeliest coding, and why where it is not the usual one.
    fn guess(&self, bits: Option<u32>) -> (Coding, Vec<String>) {
        use {CodeNumbers::*, Justification::*};
        let fills = self.bits_set & 1 == 1 && self.container_bits > 1 || self.container_bits == 1;
        let fits = |numbers| self.bits_from_the_bottom(numbers);
        let is_told = |numbers| bits.is_some_and(|bits| fits(numbers) <= bits && bits < self.bits_used());
        let span = format!("all samples lie from {} to {}", self.least, self.greatest);
        let right = |bits: u32, numbers: CodeNumbers, name: &str| {
            let said =
                format!("{span}: taken for {bits}-bit codes, right-justified, {name}; say --justify left if not");
            (self.coding(bits, Right, numbers), vec![said])
        };
        if fills && self.least >= 0 && (bits.is_none() || is_told(OffsetBinary)) {
            return right(bits.unwrap_or(fits(OffsetBinary)), OffsetBinary, "counts from 0");
        }
        if fills && (self.fills_a_power_of_two() && bits.is_none() || is_told(TwosComplement)) {
            return right(bits.unwrap_or(fits(TwosComplement)), TwosComplement, "two's complement");
        }
        (self.coding(bits.unwrap_or(self.bits_used()), Left, TwosComplement), Vec::new())
    }

    /// Whether a converter of fewer bits than the file clips at both of its ends: -2^(b-1) and 2^(b-1) - 1, each more
    /// than once.
    fn fills_a_power_of_two(&self) -> bool {
        let bits = self.bits_from_the_bottom(CodeNumbers::TwosComplement);
        let half = 1i64 << (bits - 1);
        let is_whole = self.least == -half && self.greatest == half - 1;
        self.container_bits == 1 || bits < self.container_bits && is_whole && self.n_at_ends.iter().all(|n| *n > 1)
    }

    /// What the samples say against the coding.
    fn contradiction(&self, coding: Coding) -> Option<String> {
        let used = self.bits_used();
        let bits = coding.bits;
        if coding.justification == Justification::Right {
            return None;
        }
        if used > bits {
            let merged = 1u64 << (used - bits).min(63);
            return Some(format!(
                "the samples use {used} bits: as codes of {bits} bits {merged} of theirs become one; with -b {used} each is its own"
            ));
        }
        let always_zero = bits - used;
        let said = || {
            format!(
                "the lowest {always_zero} of {bits} bits are always zero: the samples look like codes of {used} bits"
            )
        };
        (always_zero > 0).then(said)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOLD_NOTHING: CodeOptions = CodeOptions { bits: None, justification: None, numbers: None };

    /// Codes of a sine from `low` to `high` in 16 bits, clipped there.
    fn sine(low: f64, high: f64, step: f64) -> Vec<Vec<f64>> {
        let (middle, half) = ((low + high) / 2.0, (high - low) / 2.0);
        let code = |n: i32| (middle + 1.1 * half * (0.1 * f64::from(n)).sin()).round().clamp(low, high);
        vec![(0..5_000).map(|n| code(n) * step / 32_768.0).collect()]
    }

    fn recognised(x: &[Vec<f64>], told: CodeOptions) -> (Coding, Vec<String>) {
        let mut warnings = Vec::new();
        let coding = Coding::recognise(x, SampleFormat::INT16, told, &mut warnings).expect("codes");
        (coding, warnings)
    }

    #[test]
    fn usual_codes_are_left_as_they_are() {
        let x = sine(-2_048.0, 2_047.0, 16.0);
        for bits in [None, Some(12)] {
            let (coding, warnings) = recognised(&x, CodeOptions { bits, ..TOLD_NOTHING });
            assert_eq!((coding.bits, warnings.len()), (12, 0), "{warnings:?}");
            let mut y = x[0].clone();
            coding.rescale(&mut y);
            assert_eq!(y, x[0]);
        }
        let (coding, warnings) = recognised(&sine(-20_000.0, 20_001.0, 1.0), TOLD_NOTHING);
        assert_eq!((coding.bits, warnings.len()), (16, 0));
    }

    #[test]
    fn counts_and_codes_at_the_lower_end_are_recognised() {
        let right = Some(Justification::Right);
        for (low, high, name) in [(0.0, 4_095.0, "counts from 0"), (-2_048.0, 2_047.0, "two's complement")] {
            let x = sine(low, high, 1.0);
            for told in [TOLD_NOTHING, CodeOptions { bits: Some(12), ..TOLD_NOTHING }] {
                let (coding, warnings) = recognised(&x, told);
                assert!(coding.bits == 12 && warnings[0].contains(name), "{coding:?} {warnings:?}");
                let mut y = x[0].clone();
                coding.rescale(&mut y);
                let (least, greatest) = y.iter().fold((9.0, -9.0), |(l, h): (f64, f64), v| (l.min(*v), h.max(*v)));
                assert_eq!((least, greatest), (-1.0, 2_047.0 / 2_048.0));
            }
            let numbers = (low == 0.0).then_some(CodeNumbers::OffsetBinary);
            let told = CodeOptions { bits: None, justification: right, numbers };
            assert_eq!((recognised(&x, told).0.bits, recognised(&x, told).1.len()), (12, 0), "told, not guessed");
        }
    }

    #[test]
    fn counts_of_all_bits_wrap_and_are_told() {
        let wrapped: Vec<f64> =
            sine(-2_048.0, 2_047.0, 16.0)[0].iter().map(|v| if *v < 0.0 { v + 1.0 } else { v - 1.0 }).collect();
        let told = CodeOptions { numbers: Some(CodeNumbers::OffsetBinary), ..TOLD_NOTHING };
        let (coding, _) = recognised(std::slice::from_ref(&wrapped), told);
        let mut y = wrapped;
        coding.rescale(&mut y);
        assert_eq!((coding.bits, y), (12, sine(-2_048.0, 2_047.0, 16.0).remove(0)));
    }

    #[test]
    fn bits_that_contradict_the_samples_are_said() {
        let x = sine(-20_000.0, 20_001.0, 1.0);
        let (coding, warnings) = recognised(&x, CodeOptions { bits: Some(12), ..TOLD_NOTHING });
        assert!(
            coding.bits == 12
                && warnings[0].contains("the samples use 16 bits")
                && warnings[0].contains("16 of theirs")
        );
        let (coding, warnings) =
            recognised(&sine(-2_048.0, 2_047.0, 16.0), CodeOptions { bits: Some(16), ..TOLD_NOTHING });
        assert!(coding.bits == 16 && warnings[0].contains("look like codes of 12 bits"), "{warnings:?}");
    }

    #[test]
    fn floats_may_be_counts() {
        let counts: Vec<f64> = sine(0.0, 1_023.0, 1.0)[0].iter().map(|v| v * 32_768.0).collect();
        let mut warnings = Vec::new();
        let coding =
            Coding::recognise(std::slice::from_ref(&counts), SampleFormat::FLOAT32, TOLD_NOTHING, &mut warnings)
                .expect("codes");
        let mut y = counts;
        coding.rescale(&mut y);
        assert!(coding.bits == 10 && y.iter().all(|v| (-1.0..1.0).contains(v)) && warnings.len() == 1, "{coding:?}");
        assert!(Coding::recognise(&[vec![0.1; 9]], SampleFormat::FLOAT32, TOLD_NOTHING, &mut warnings).is_none());
    }
}
