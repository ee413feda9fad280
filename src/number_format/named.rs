//! Every number format under one roof, by its name.

use super::affine::IntegerType;
use super::affine_tensor::{AffineOptions, AffineTensor};
use super::block_float::{self, ExponentRule, MxFormat};
use super::fixed_point::FixedPoint;
use super::gguf::GgufType;
use super::small_float::{self, FloatOverflow, SmallFloat};
use crate::{Error, Result};

/// A number format.
///
/// ```
/// use sqnr::number_format::NumberFormat;
///
/// let format = NumberFormat::parse("bf16")?;
/// let rounded = format.quantize(&[1.0, 3.141_592_7], &[2])?;
/// // Eight significant bits.
/// assert_eq!((rounded.values, rounded.n_bits), (vec![1.0, 3.140_625], 32.0));
/// # Ok::<(), sqnr::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum NumberFormat {
    /// A small float each, saturating.
    Float(SmallFloat),
    /// A fixed-point word each.
    Fixed(FixedPoint),
    /// Blocks with a shared power of two.
    Block(MxFormat, ExponentRule),
    /// Blocks as ggml packs them; the last one is filled up with zeros.
    Gguf(GgufType),
    /// Integers with scale and zero point.
    Affine(AffineOptions),
}

/// The names, but for `qM.N` and `uqM.N`.
const NAMES: [(&str, NumberFormat); 30] = [
    ("f16", NumberFormat::Float(small_float::BINARY16)),
    ("bf16", NumberFormat::Float(small_float::BFLOAT16)),
    ("fp8-e4m3", NumberFormat::Float(small_float::FP8_E4M3)),
    ("fp8-e5m2", NumberFormat::Float(small_float::FP8_E5M2)),
    ("fp6-e3m2", NumberFormat::Float(small_float::FP6_E3M2)),
    ("fp6-e2m3", NumberFormat::Float(small_float::FP6_E2M3)),
    ("fp4", NumberFormat::Float(small_float::FP4_E2M1)),
    ("mxfp8-e4m3", NumberFormat::Block(block_float::MXFP8_E4M3, ExponentRule::Floor)),
    ("mxfp8-e5m2", NumberFormat::Block(block_float::MXFP8_E5M2, ExponentRule::Floor)),
    ("mxfp6-e3m2", NumberFormat::Block(block_float::MXFP6_E3M2, ExponentRule::Floor)),
    ("mxfp6-e2m3", NumberFormat::Block(block_float::MXFP6_E2M3, ExponentRule::Floor)),
    ("mxfp4", NumberFormat::Block(block_float::MXFP4, ExponentRule::Floor)),
    ("mxint8", NumberFormat::Block(block_float::MXINT8, ExponentRule::Floor)),
    ("q8_0", NumberFormat::Gguf(GgufType::Q8_0)),
    ("q4_0", NumberFormat::Gguf(GgufType::Q4_0)),
    ("q4_1", NumberFormat::Gguf(GgufType::Q4_1)),
    ("q5_0", NumberFormat::Gguf(GgufType::Q5_0)),
    ("q5_1", NumberFormat::Gguf(GgufType::Q5_1)),
    ("tq1_0", NumberFormat::Gguf(GgufType::Tq1_0)),
    ("tq2_0", NumberFormat::Gguf(GgufType::Tq2_0)),
    ("int4", NumberFormat::Affine(AffineOptions::new(IntegerType::Int4))),
    ("uint4", NumberFormat::Affine(AffineOptions::new(IntegerType::UInt4))),
    ("int8", NumberFormat::Affine(AffineOptions::new(IntegerType::Int8))),
    ("uint8", NumberFormat::Affine(AffineOptions::new(IntegerType::UInt8))),
    ("int16", NumberFormat::Affine(AffineOptions::new(IntegerType::Int16))),
    ("uint16", NumberFormat::Affine(AffineOptions::new(IntegerType::UInt16))),
    // Other spellings of the above.
    ("fp16", NumberFormat::Float(small_float::BINARY16)),
    ("bfloat16", NumberFormat::Float(small_float::BFLOAT16)),
    ("fp4-e2m1", NumberFormat::Float(small_float::FP4_E2M1)),
    ("mxfp4-e2m1", NumberFormat::Block(block_float::MXFP4, ExponentRule::Floor)),
];

/// A quantized tensor as its reader sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct Reconstruction {
    /// The values.
    pub values: Vec<f32>,
    /// Bits of all codes, scales and zero points.
    pub n_bits: f64,
    /// Values that were not finite: NaN taken as 0, infinities as the largest finite magnitude of the tensor.
    pub n_not_finite: usize,
}

impl NumberFormat {
    /// The format of a name such as `bf16`, `fp8-e4m3`, `mxfp4`, `q4_0`, `int8`, `q3.12`.
    ///
    /// # Errors
    /// `InvalidParameter` for any other name.
    pub fn parse(name: &str) -> Result<Self> {
        let lower = name.to_ascii_lowercase();
        if let Some((_, format)) = NAMES.iter().find(|(name, _)| *name == lower) {
            return Ok(*format);
        }
        if lower.contains('.') {
            return FixedPoint::parse(&lower).map(Self::Fixed);
        }
        Err(Error::invalid("number format", name, format!("{}, qM.N, uqM.N", Self::names().join(", "))))
    }

    /// The names that `parse` knows, but for `qM.N` and `uqM.N`.
    pub fn names() -> Vec<&'static str> {
        NAMES.iter().map(|(name, _)| *name).collect()
    }

    /// Quantizes a tensor of `shape` (row-major) and reconstructs it.
    ///
    /// # Errors
    /// `LengthMismatch` when the shape does not hold `x`, and what the affine formats refuse.
    pub fn quantize(&self, x: &[f32], shape: &[usize]) -> Result<Reconstruction> {
        let (x, n_not_finite) = finite(x);
        let n = x.len();
        let (values, n_bits) = match self {
            Self::Float(format) => (quantize_floats(format, &x)?, f64::from(format.bits()) * n as f64),
            Self::Fixed(format) => {
                let values = x.iter().map(|&x| format.quantize(f64::from(x)) as f32).collect();
                (values, f64::from(format.width()) * n as f64)
            }
            Self::Block(format, rule) => {
                let values = format.decode(&format.encode(&x, *rule))?;
                let n_blocks = n.div_ceil(format.block_len()) as f64;
                let element_bits = format.bits_per_value() - 8.0 / format.block_len() as f64;
                (values, element_bits * n as f64 + 8.0 * n_blocks)
            }
            Self::Gguf(kind) => {
                let mut whole = x;
                whole.resize(n.next_multiple_of(kind.block_len()), 0.0);
                let bytes = kind.encode(&whole)?;
                let mut values = kind.decode(&bytes)?;
                values.truncate(n);
                (values, 8.0 * bytes.len() as f64)
            }
            Self::Affine(options) => {
                let tensor = AffineTensor::encode(&x, shape, options)?;
                let bits = f64::from(options.kind.bits());
                (tensor.decode(), bits * n as f64 + (32.0 + bits) * tensor.parameters.len() as f64)
            }
        };
        Ok(Reconstruction { values, n_bits, n_not_finite })
    }
}

fn quantize_floats(format: &SmallFloat, x: &[f32]) -> Result<Vec<f32>> {
    let mut values = vec![0.0; x.len()];
    if format.bits() <= 8 {
        let mut codes = vec![0u8; x.len()];
        format.encode_bytes(x, FloatOverflow::Saturate, &mut codes)?;
        format.decode_bytes(&codes, &mut values)?;
    } else {
        let mut codes = vec![0u16; x.len()];
        format.encode_words(x, FloatOverflow::Saturate, &mut codes)?;
        format.decode_words(&codes, &mut values)?;
    }
    Ok(values)
}

/// `x` with NaN as 0 and infinities as the largest finite magnitude, and how many there were.
fn finite(x: &[f32]) -> (Vec<f32>, usize) {
    let n = x.iter().filter(|x| !x.is_finite()).count();
    if n == 0 {
        return (x.to_vec(), 0);
    }
    let largest = x.iter().filter(|x| x.is_finite()).fold(0.0f32, |max, x| max.max(x.abs()));
    let replaced = |&x: &f32| if x.is_nan() { 0.0 } else { x.clamp(-largest, largest) };
    (x.iter().map(replaced).collect(), n)
}

#[cfg(test)]
mod tests {
    use super::super::golden_input::{gauss, sqnr_db};
    use super::*;

    #[test]
    fn every_name_quantizes_and_more_bits_err_less() {
        let x = gauss();
        let of = |name: &str| {
            let format = NumberFormat::parse(name).expect("a name");
            let y = format.quantize(&x, &[64, 64]).expect("legal");
            (sqnr_db(&x, &y.values), y.n_bits / 4096.0)
        };
        for name in NumberFormat::names() {
            let (sqnr, bits) = of(name);
            assert!(sqnr > 1.0 && bits > 1.0 && bits <= 16.02, "{name}: {sqnr} dB at {bits} bits");
        }
        for (coarse, fine) in
            [("bf16", "f16"), ("mxfp4", "mxfp8-e4m3"), ("q4_0", "q8_0"), ("int4", "int8"), ("q3.4", "q4.12")]
        {
            assert!(of(coarse).0 + 10.0 < of(fine).0 + if coarse == "bf16" { 10.0 } else { 0.0 }, "{coarse} {fine}");
        }
        assert_eq!((of("q8_0").1, of("mxfp4").1, of("q3.12").1), (8.5, 4.25, 16.0));
    }

    #[test]
    fn hostile_tensors_stay_finite() {
        let x = [f32::NAN, f32::INFINITY, -2.0, 1e-40, f32::NEG_INFINITY, 0.5, -0.0];
        for name in NumberFormat::names().into_iter().chain(["q3.4", "uq1.0"]) {
            let format = NumberFormat::parse(name).expect("a name");
            let y = format.quantize(&x, &[7]).expect("legal");
            assert!(y.values.len() == 7 && y.values.iter().all(|y| y.is_finite()), "{name} {y:?}");
            assert_eq!(y.n_not_finite, 3);
            assert!(format.quantize(&[], &[0]).expect("legal").values.is_empty(), "{name}");
            assert!(format.quantize(&[f32::INFINITY], &[1]).expect("legal").values[0].is_finite(), "{name}");
        }
        for name in ["", "q", "int9", "q9_0", "q1.x", "q60.60"] {
            assert!(NumberFormat::parse(name).is_err(), "{name}");
        }
    }
}
