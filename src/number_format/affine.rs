//! Affine integers: `x = scale (q - zero_point)`, one pair for a tensor, a channel or a group.
//!
//! ```text
//! q = clamp(round_to_even(x / scale) + zero_point, q_min, q_max)
//! ```
//!
//! The code of a value is that of ONNX `QuantizeLinear` (opset 21) and PyTorch `quantize_per_tensor`. How a range
//! becomes a scale and a zero point differs from tool to tool in the last bit, and sometimes by a whole step: see
//! [`ScaleRule`].

use super::calibration::Calibration;
use crate::kernel::{affine::Plan, codes};
use crate::{Error, Result};

/// The integers that codes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // The name says it.
pub enum IntegerType {
    Int4,
    UInt4,
    Int8,
    UInt8,
    Int16,
    UInt16,
}

impl IntegerType {
    /// Bits of a code.
    pub fn bits(self) -> u32 {
        match self {
            Self::Int4 | Self::UInt4 => 4,
            Self::Int8 | Self::UInt8 => 8,
            Self::Int16 | Self::UInt16 => 16,
        }
    }

    /// Whether codes have a sign.
    pub fn is_signed(self) -> bool {
        matches!(self, Self::Int4 | Self::Int8 | Self::Int16)
    }

    /// Smallest and largest code.
    pub fn range(self) -> (i32, i32) {
        let n_codes = 1 << self.bits();
        if self.is_signed() { (-n_codes / 2, n_codes / 2 - 1) } else { (0, n_codes - 1) }
    }
}

/// Whether the codes lie evenly around zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Symmetry {
    /// The zero point is free: the codes cover [min, max] and zero.
    #[default]
    Asymmetric,
    /// The zero point is fixed, 0 or the middle of an unsigned type: the codes cover the larger magnitude both ways.
    Symmetric,
}

/// How a range becomes scale and zero point. All of them take zero into the range first, so that it has a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ScaleRule {
    /// `compute_scale_zp` of ONNX Runtime's quantization tools: arithmetic in `f64`, scale stored as `f32`; symmetric signed
    /// types leave out the most negative code (int4 does not).
    #[default]
    OnnxRuntime,
    /// The observers of PyTorch: arithmetic in `f32`, scale at least 2^-23; symmetric divides by half the number of
    /// steps (127.5 for 8 bits), and keeps the most negative code.
    PyTorch,
    /// TensorFlow Lite: arithmetic in `f64`, the zero point from the end with the smaller rounding error, ties away
    /// from zero; symmetric leaves out the most negative code.
    TensorFlowLite,
}

/// A scale and a zero point with the range of the codes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Affine {
    scale: f32,
    zero_point: i32,
    range: (i32, i32),
}

impl Affine {
    /// `x = scale (q - zero_point)` with codes q in `range`, smallest and largest.
    ///
    /// # Errors
    /// `InvalidParameter` when the scale is not a positive number, the range not within 16 bits, or the zero point not
    /// within the range.
    pub fn new(scale: f32, zero_point: i32, range: (i32, i32)) -> Result<Self> {
        if !(scale.is_finite() && scale > 0.0) {
            return Err(Error::invalid("scale", scale, "a positive number"));
        }
        if range.0 >= range.1 || range.0 < -65_536 || range.1 > 65_535 {
            return Err(Error::invalid("code range", format!("{range:?}"), "ascending, within 16 bits"));
        }
        if !(range.0..=range.1).contains(&zero_point) {
            return Err(Error::invalid("zero point", zero_point, format!("{} to {}", range.0, range.1)));
        }
        Ok(Self { scale, zero_point, range })
    }

    /// Step size.
    pub fn scale(&self) -> f32 {
        self.scale
    }

    /// The code of zero.
    pub fn zero_point(&self) -> i32 {
        self.zero_point
    }

    /// Smallest and largest code.
    pub fn range(&self) -> (i32, i32) {
        self.range
    }

    /// The code of `x`; the nearest end outside the range, the zero point for NaN.
    pub fn encode(&self, x: f32) -> i32 {
        let steps = if x.is_nan() { 0.0 } else { (x / self.scale).round_ties_even() };
        // `as` saturates, and the zero point has 17 bits, so the sum cannot overflow an i64.
        (steps as i64).saturating_add(self.zero_point.into()).clamp(self.range.0.into(), self.range.1.into()) as i32
    }

    /// `scale (code - zero_point)`, in `f32`; the largest finite number where that overflows.
    pub fn decode(&self, code: i32) -> f32 {
        (code.saturating_sub(self.zero_point) as f32 * self.scale).clamp(f32::MIN, f32::MAX)
    }

    /// Codes of at most 8 bits as bytes, two's complement when signed.
    ///
    /// # Errors
    /// `LengthMismatch`; `InvalidParameter` when the range does not fit.
    pub fn encode_bytes(&self, x: &[f32], codes: &mut [u8]) -> Result<()> {
        self.check(x.len(), codes.len(), 8)?;
        codes::encode(&self.plan(), x, codes);
        Ok(())
    }

    /// Codes of at most 16 bits, two's complement when signed.
    ///
    /// # Errors
    /// `LengthMismatch`; `InvalidParameter` when the range does not fit.
    pub fn encode_words(&self, x: &[f32], codes: &mut [u16]) -> Result<()> {
        self.check(x.len(), codes.len(), 16)?;
        codes::encode(&self.plan(), x, codes);
        Ok(())
    }

    fn check(&self, expected: usize, got: usize, bits: u32) -> Result<()> {
        if expected != got {
            return Err(Error::LengthMismatch { what: "values and codes", expected, got });
        }
        let n_codes = 1i32 << bits;
        let (min, max) = self.range;
        let fits = (min >= 0 && max < n_codes) || (min >= -n_codes / 2 && max < n_codes / 2);
        if fits { Ok(()) } else { Err(Error::invalid("code range", format!("{min} to {max}"), format!("{bits} bits"))) }
    }

    fn plan(&self) -> Plan {
        Plan {
            scale: self.scale,
            zero_point: self.zero_point as f32,
            min: self.range.0 as f32,
            max: self.range.1 as f32,
        }
    }
}

impl ScaleRule {
    /// The codes a symmetric or asymmetric quantizer of this tool uses.
    pub fn range(self, kind: IntegerType, symmetry: Symmetry) -> (i32, i32) {
        let (min, max) = kind.range();
        let narrow = match (self, kind) {
            (Self::OnnxRuntime, IntegerType::Int8 | IntegerType::Int16) => true,
            (Self::TensorFlowLite, _) => kind.is_signed(),
            _ => false,
        };
        if narrow && symmetry == Symmetry::Symmetric { (min + 1, max) } else { (min, max) }
    }

    /// Scale and zero point for values from `low` to `high`.
    ///
    /// A range of zero width gets scale 1 and the zero point of zero; PyTorch's minimum scale aside.
    ///
    /// # Errors
    /// `InvalidParameter` when the ends are not finite or not in order.
    pub fn affine(self, low: f32, high: f32, kind: IntegerType, symmetry: Symmetry) -> Result<Affine> {
        if !(low.is_finite() && high.is_finite() && low <= high) {
            return Err(Error::invalid("calibration range", format!("{low} to {high}"), "finite, ascending"));
        }
        let (mut low, mut high) = (low.min(0.0), high.max(0.0));
        if symmetry == Symmetry::Symmetric {
            high = high.max(-low);
            low = -high;
        }
        let range = self.range(kind, symmetry);
        let (scale, zero_point) = match self {
            Self::OnnxRuntime => onnx_runtime(low, high, range),
            Self::PyTorch => py_torch(low, high, range, symmetry),
            Self::TensorFlowLite => tensor_flow_lite(low, high, range),
        };
        let middle = middle(kind);
        let zero_point = if symmetry == Symmetry::Symmetric { middle } else { zero_point };
        Affine::new(scale, zero_point.clamp(range.0, range.1), range)
    }
}

/// The zero point of a symmetric quantizer.
pub(super) fn middle(kind: IntegerType) -> i32 {
    if kind.is_signed() { 0 } else { 1 << (kind.bits() - 1) }
}

fn steps(range: (i32, i32)) -> f64 {
    f64::from(range.1 - range.0)
}

fn onnx_runtime(low: f32, high: f32, range: (i32, i32)) -> (f32, i32) {
    let scale = (f64::from(high) - f64::from(low)) / steps(range);
    if scale < f64::from(f32::MIN_POSITIVE) {
        return (1.0, 0);
    }
    (scale as f32, (f64::from(range.0) - f64::from(low) / scale).round_ties_even() as i32)
}

/// The difference is taken in `f32` unless it overflows there.
fn py_torch(low: f32, high: f32, range: (i32, i32), symmetry: Symmetry) -> (f32, i32) {
    let scale = match symmetry {
        Symmetry::Symmetric => high / (steps(range) / 2.0) as f32,
        Symmetry::Asymmetric if (high - low).is_finite() => (high - low) / steps(range) as f32,
        Symmetry::Asymmetric => ((f64::from(high) - f64::from(low)) / steps(range)) as f32,
    };
    let scale = scale.max(f32::EPSILON);
    (scale, range.0 - (low / scale).round_ties_even() as i32)
}

fn tensor_flow_lite(low: f32, high: f32, range: (i32, i32)) -> (f32, i32) {
    let (low, high, min, max) = (f64::from(low), f64::from(high), f64::from(range.0), f64::from(range.1));
    let scale = (high - low) / steps(range);
    if scale < f64::from(f32::MIN_POSITIVE) {
        return (1.0, 0);
    }
    let (from_min, from_max) = (min - low / scale, max - high / scale);
    let min_error = min.abs() + (low / scale).abs();
    let max_error = max.abs() + (high / scale).abs();
    let zero_point = if min_error < max_error { from_min } else { from_max };
    (scale as f32, zero_point.round() as i32)
}

/// Which values share a scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Granularity {
    /// All of them.
    #[default]
    Tensor,
    /// Those with the same index along `axis`.
    Channel {
        /// The axis, from 0.
        axis: usize,
    },
    /// Runs of `len` along the last axis; the last run of a row may be shorter.
    Group {
        /// Values to a group.
        len: usize,
    },
}

/// How a tensor is turned into affine integers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AffineOptions {
    /// The codes.
    pub kind: IntegerType,
    /// Zero point free or fixed.
    pub symmetry: Symmetry,
    /// What shares a scale.
    pub granularity: Granularity,
    /// Whose arithmetic.
    pub rule: ScaleRule,
    /// Where the range comes from.
    pub calibration: Calibration,
}

impl AffineOptions {
    /// Asymmetric, per tensor, ONNX Runtime's rule, from minimum to maximum.
    pub const fn new(kind: IntegerType) -> Self {
        Self {
            kind,
            symmetry: Symmetry::Asymmetric,
            granularity: Granularity::Tensor,
            rule: ScaleRule::OnnxRuntime,
            calibration: Calibration::MinMax,
        }
    }
}

/// A tensor as affine integers.
#[derive(Debug, Clone, PartialEq)]
pub struct AffineTensor {
    /// One pair of scale and zero point for each set of values that share it, in order of their first value.
    pub parameters: Vec<Affine>,
    /// Codes, in the order of the values.
    pub codes: Vec<i32>,
    layout: Layout,
}

/// Which parameters value i has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Layout {
    /// Values between two steps of the index, number of indices: `i / inner % n`, for channels and tensors.
    inner: usize,
    n: usize,
    /// Length of a row and of a group, for groups.
    row_len: usize,
    group_len: Option<usize>,
}

impl Layout {
    fn new(shape: &[usize], granularity: Granularity) -> Result<Self> {
        let whole = Self { inner: 1, n: 1, row_len: 1, group_len: None };
        match granularity {
            Granularity::Tensor => Ok(whole),
            Granularity::Channel { axis } => match shape.get(axis) {
                Some(&n) => {
                    // Only beside an empty axis can the product overflow, and then nothing has an owner.
                    let inner = shape[axis + 1..].iter().fold(1usize, |n, &len| n.saturating_mul(len));
                    Ok(Self { inner: inner.max(1), n: n.max(1), ..whole })
                }
                None => Err(Error::invalid("axis", axis, format!("below the tensor's {} axes", shape.len()))),
            },
            Granularity::Group { len: 0 } => Err(Error::invalid("group length", 0, "1 and above")),
            Granularity::Group { len } => {
                Ok(Self { row_len: shape.last().copied().unwrap_or(1).max(1), group_len: Some(len), ..whole })
            }
        }
    }

    fn owner(&self, i: usize) -> usize {
        match self.group_len {
            None => i / self.inner % self.n,
            Some(len) => i / self.row_len * self.row_len.div_ceil(len) + i % self.row_len / len,
        }
    }

    fn n_owners(&self, n_values: usize) -> usize {
        match self.group_len {
            None => self.n,
            Some(len) => n_values / self.row_len * self.row_len.div_ceil(len),
        }
    }
}

impl AffineTensor {
    /// Calibrates and encodes `x` of `shape` (row-major). NaN gets the code of zero and infinities clip; neither counts
    /// in the calibration.
    ///
    /// # Errors
    /// `LengthMismatch` when the shape does not hold `x`, `InvalidParameter` for an axis beyond the shape or an empty
    /// group, and the errors of the calibration.
    pub fn encode(x: &[f32], shape: &[usize], options: &AffineOptions) -> Result<Self> {
        let product = || shape.iter().try_fold(1usize, |n, &len| n.checked_mul(len));
        let expected = if shape.contains(&0) { 0 } else { product().unwrap_or(usize::MAX) };
        if expected != x.len() {
            return Err(Error::LengthMismatch { what: "values of the shape", expected, got: x.len() });
        }
        let layout = Layout::new(shape, options.granularity)?;
        if x.is_empty() {
            return Ok(Self { parameters: vec![], codes: vec![], layout });
        }
        let mut members = vec![vec![]; layout.n_owners(x.len())];
        x.iter().enumerate().filter(|(_, x)| x.is_finite()).for_each(|(i, &x)| members[layout.owner(i)].push(x));
        let fit = |values: &Vec<f32>| match values.is_empty() {
            true => options.rule.affine(0.0, 0.0, options.kind, options.symmetry),
            false => options.calibration.affine(&[values], options.kind, options.symmetry, options.rule),
        };
        let parameters = members.iter().map(fit).collect::<Result<Vec<_>>>()?;
        let codes = x.iter().enumerate().map(|(i, &x)| parameters[layout.owner(i)].encode(x)).collect();
        Ok(Self { parameters, codes, layout })
    }

    /// The values of the codes.
    pub fn decode(&self) -> Vec<f32> {
        let value = |(i, &code): (usize, &i32)| self.parameters[self.layout.owner(i)].decode(code);
        self.codes.iter().enumerate().map(value).collect()
    }
}

#[cfg(test)]
#[path = "affine_tests.rs"]
mod tests;
