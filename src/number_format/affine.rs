//! Affine integers: `x = scale (q - zero_point)`.
//!
//! ```text
//! q = clamp(round(x / scale) + zero_point, q_min, q_max)
//! ```
//!
//! How a range becomes a scale and a zero point differs from tool to tool in the last bit, and sometimes by a whole step: see
//! [`ScaleRule`]. How a value is divided differs as well: see [`Division`].

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

/// How a tool divides by the scale and rounds. Numbers of `f32` are divided in `f32` as the tools do, others in `f64`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Division {
    /// `x / scale`, a tie to the even code: `QuantizeLinear` of ONNX (opset 21).
    #[default]
    TiesToEven,
    /// `x (1 / scale)` with the reciprocal in `f32`, a tie to the even code: `quantize_per_tensor` and
    /// `fake_quantize_per_tensor_affine` of PyTorch.
    Reciprocal,
    /// `x / scale`, a tie away from zero: `AffineQuantize` of TensorFlow Lite.
    TiesAway,
}

impl Division {
    fn steps(self, x: f64, scale: f32) -> f64 {
        let narrow = x as f32;
        let exact = f64::from(narrow) == x;
        let divided = if exact { f64::from(narrow / scale) } else { x / f64::from(scale) };
        match self {
            Self::TiesToEven => divided.round_ties_even(),
            Self::Reciprocal if exact => f64::from((narrow * (1.0 / scale)).round_ties_even()),
            Self::Reciprocal => divided.round_ties_even(),
            Self::TiesAway => divided.round(),
        }
    }
}

/// A scale and a zero point with the range of the codes.
///
/// ```
/// use sqnr::number_format::affine::Affine;
///
/// let affine = Affine::new(0.5, 10, (0, 255))?;
/// assert_eq!((affine.encode(1.0), affine.decode(12)), (12, 1.0));
/// // Beyond the range it clips.
/// assert_eq!(affine.encode(1e6), 255);
/// # Ok::<(), sqnr::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Affine {
    scale: f32,
    zero_point: i32,
    range: (i32, i32),
    division: Division,
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
        Ok(Self { scale, zero_point, range, division: Division::default() })
    }

    /// The same with another division.
    pub fn with_division(self, division: Division) -> Self {
        Self { division, ..self }
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
    pub fn encode(&self, x: f64) -> i32 {
        let steps = if x.is_nan() { 0.0 } else { self.division.steps(x, self.scale) };
        // `as` saturates, and the zero point has 17 bits, so the sum cannot overflow an i64.
        (steps as i64).saturating_add(self.zero_point.into()).clamp(self.range.0.into(), self.range.1.into()) as i32
    }

    /// `scale (code - zero_point)`, exact; rounded to `f32` it is what the tools decode to.
    pub fn decode(&self, code: i32) -> f64 {
        f64::from(code.saturating_sub(self.zero_point)) * f64::from(self.scale)
    }

    /// Codes of at most 8 bits as bytes, two's complement when signed.
    ///
    /// # Errors
    /// `LengthMismatch`; `InvalidParameter` when the range does not fit.
    pub fn encode_bytes(&self, x: &[f32], codes: &mut [u8]) -> Result<()> {
        self.check(x.len(), codes.len(), 8)?;
        match self.plan() {
            Some(plan) => codes::encode(&plan, x, codes),
            None => codes.iter_mut().zip(x).for_each(|(code, &x)| *code = self.encode(x.into()) as u8),
        }
        Ok(())
    }

    /// Codes of at most 16 bits, two's complement when signed.
    ///
    /// # Errors
    /// `LengthMismatch`; `InvalidParameter` when the range does not fit.
    pub fn encode_words(&self, x: &[f32], codes: &mut [u16]) -> Result<()> {
        self.check(x.len(), codes.len(), 16)?;
        match self.plan() {
            Some(plan) => codes::encode(&plan, x, codes),
            None => codes.iter_mut().zip(x).for_each(|(code, &x)| *code = self.encode(x.into()) as u16),
        }
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

    /// The constants of the fast path; `None` for divisions that it does not know.
    fn plan(&self) -> Option<Plan> {
        (self.division == Division::TiesToEven).then_some(Plan {
            scale: self.scale,
            zero_point: self.zero_point as f32,
            min: self.range.0 as f32,
            max: self.range.1 as f32,
        })
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

    /// How this tool divides.
    pub fn division(self) -> Division {
        match self {
            Self::OnnxRuntime => Division::TiesToEven,
            Self::PyTorch => Division::Reciprocal,
            Self::TensorFlowLite => Division::TiesAway,
        }
    }

    /// Scale and zero point for values from `low` to `high`.
    ///
    /// A range of zero width gets scale 1 and the zero point of zero; PyTorch's minimum scale aside. A scale beyond `f32`
    /// is its largest number.
    ///
    /// # Errors
    /// `InvalidParameter` when the ends are not finite or not in order.
    pub fn affine(self, low: f64, high: f64, kind: IntegerType, symmetry: Symmetry) -> Result<Affine> {
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
            Self::PyTorch => py_torch(within_f32(low), within_f32(high), range, symmetry),
            Self::TensorFlowLite => tensor_flow_lite(low, high, range),
        };
        let middle = middle(kind);
        let zero_point = if symmetry == Symmetry::Symmetric { middle } else { zero_point };
        Ok(Affine::new(scale, zero_point.clamp(range.0, range.1), range)?.with_division(self.division()))
    }
}

/// The zero point of a symmetric quantizer.
pub(super) fn middle(kind: IntegerType) -> i32 {
    if kind.is_signed() { 0 } else { 1 << (kind.bits() - 1) }
}

/// `x` rounded to `f32`, at most its largest number.
pub(super) fn within_f32(x: f64) -> f32 {
    (x as f32).clamp(f32::MIN, f32::MAX)
}

/// `high - low`, the largest number where that overflows.
fn width(low: f64, high: f64) -> f64 {
    (high - low).min(f64::MAX)
}

fn steps(range: (i32, i32)) -> f64 {
    f64::from(range.1 - range.0)
}

fn onnx_runtime(low: f64, high: f64, range: (i32, i32)) -> (f32, i32) {
    let scale = width(low, high) / steps(range);
    if scale < f64::from(f32::MIN_POSITIVE) {
        return (1.0, 0);
    }
    (within_f32(scale), (f64::from(range.0) - low / scale).round_ties_even() as i32)
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

fn tensor_flow_lite(low: f64, high: f64, range: (i32, i32)) -> (f32, i32) {
    let (min, max) = (f64::from(range.0), f64::from(range.1));
    let scale = width(low, high) / steps(range);
    if scale < f64::from(f32::MIN_POSITIVE) {
        return (1.0, 0);
    }
    let (from_min, from_max) = (min - low / scale, max - high / scale);
    let min_error = min.abs() + (low / scale).abs();
    let max_error = max.abs() + (high / scale).abs();
    let zero_point = if min_error < max_error { from_min } else { from_max };
    (within_f32(scale), zero_point.round() as i32)
}
