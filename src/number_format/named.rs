//! Every number format under one roof, by its name.

use super::affine::IntegerType;
use super::affine_tensor::{AffineOptions, AffineTensor, check_shape};
use super::block_float::{self, ExponentRule, MxFormat};
use super::fixed_point::FixedPoint;
use super::gguf::GgufType;
use super::small_float::{self, SmallFloat};
use super::stretch::Tally;
use crate::{Error, Result};

/// A number format.
///
/// ```
/// use sqnr::number_format::NumberFormat;
///
/// let format = NumberFormat::parse("bf16")?;
/// let rounded = format.quantize(&[1.0, 3.141_592_653], &[2])?;
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
    /// Blocks as ggml packs them; the last one of a row is filled up with zeros.
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
    pub values: Vec<f64>,
    /// Bits of all codes, scales and zero points.
    pub n_bits: f64,
    /// Values that were not finite: NaN taken as 0, infinities as the largest finite magnitude of the tensor.
    pub n_not_finite: usize,
    /// Values beyond the largest of the format, which clip. Integers with a scale clip what their calibration gives up:
    /// that is not counted.
    pub n_clipped: u64,
    /// Blocks whose scale lies beyond the largest there is, so that they clip.
    pub n_clipped_blocks: u64,
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

    /// Quantizes a tensor of `shape` (row-major) and reconstructs it. Blocks lie along the last axis and end with it.
    ///
    /// # Errors
    /// `LengthMismatch` when the shape does not hold `x`, and what the affine formats refuse.
    pub fn quantize(&self, x: &[f64], shape: &[usize]) -> Result<Reconstruction> {
        check_shape(x.len(), shape)?;
        let (mut values, n_not_finite) = finite(x);
        let mut tally = Tally::default();
        match self {
            Self::Affine(options) => {
                let tensor = AffineTensor::encode(&values, shape, options)?;
                values = tensor.decode();
                tally.count_integers(options.kind, values.len(), tensor.parameters.len());
            }
            _ => {
                let row_len = shape.last().copied().unwrap_or(1).max(1);
                values.chunks_mut(row_len).try_for_each(|row| self.round(row, &mut tally))?;
            }
        }
        let Tally { n_bits, n_clipped, n_clipped_blocks } = tally;
        Ok(Reconstruction { values, n_bits, n_not_finite, n_clipped, n_clipped_blocks })
    }
}

/// `x` with NaN as 0 and infinities as the largest finite magnitude, and how many there were.
fn finite(x: &[f64]) -> (Vec<f64>, usize) {
    let n = x.iter().filter(|x| !x.is_finite()).count();
    if n == 0 {
        return (x.to_vec(), 0);
    }
    let largest = x.iter().filter(|x| x.is_finite()).fold(0.0f64, |max, x| max.max(x.abs()));
    let replaced = |&x: &f64| if x.is_nan() { 0.0 } else { x.clamp(-largest, largest) };
    (x.iter().map(replaced).collect(), n)
}

#[cfg(test)]
mod tests {
    use super::super::golden_input::{gauss_f64, sqnr_db};
    use super::*;

    #[test]
    fn every_name_quantizes_and_more_bits_err_less() {
        let x = gauss_f64();
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
        let x = [f64::NAN, f64::INFINITY, -2.0, 1e-40, f64::NEG_INFINITY, 0.5, -0.0];
        for name in NumberFormat::names().into_iter().chain(["q3.4", "uq1.0"]) {
            let format = NumberFormat::parse(name).expect("a name");
            let y = format.quantize(&x, &[7]).expect("legal");
            assert!(y.values.len() == 7 && y.values.iter().all(|y| y.is_finite()), "{name} {y:?}");
            assert_eq!(y.n_not_finite, 3);
            assert!(format.quantize(&[], &[0]).expect("legal").values.is_empty(), "{name}");
            assert!(format.quantize(&[f64::INFINITY], &[1]).expect("legal").values[0].is_finite(), "{name}");
        }
        for name in NumberFormat::names() {
            let format = NumberFormat::parse(name).expect("a name");
            let x = [f64::MAX, -1e200, 1e39, 3e38, -65_519.0, 0.0];
            let y = format.quantize(&x, &[2, 3]).expect("legal");
            assert!(y.values.iter().all(|y| y.is_finite()), "{name} {y:?}");
        }
        for name in ["", "q", "int9", "q9_0", "q1.x", "q60.60"] {
            assert!(NumberFormat::parse(name).is_err(), "{name}");
        }
    }

    /// A quiet row beside a loud one keeps the precision that it has alone.
    #[test]
    fn blocks_end_with_their_row() {
        let row = |gain: f64| (0..40).map(move |i| gain * (f64::from(i) * 0.7).sin());
        let (quiet, loud): (Vec<f64>, Vec<f64>) = (row(1.0).collect(), row(1000.0).collect());
        let both = [&quiet[..], &loud].concat();
        for name in ["mxint8", "mxfp4", "mxfp8-e4m3", "q8_0", "q4_1", "tq2_0"] {
            let format = NumberFormat::parse(name).expect("a name");
            let alone = |x: &[f64]| format.quantize(x, &[40]).expect("legal");
            let (a, b, rows) = (alone(&quiet), alone(&loud), format.quantize(&both, &[2, 40]).expect("legal"));
            assert_eq!(rows.values, [a.values, b.values].concat(), "{name}");
            assert_eq!(rows.n_bits, a.n_bits + b.n_bits, "{name}");
        }
        // Two rows of 40 are four blocks, each with a scale of 8 bits.
        let format = NumberFormat::parse("mxint8").expect("a name");
        assert_eq!(format.quantize(&both, &[2, 40]).expect("legal").n_bits, 80.0 * 8.0 + 4.0 * 8.0);
    }

    #[test]
    fn doubles_keep_what_single_precision_would_lose() {
        let format = NumberFormat::parse("q1.30").expect("a name");
        let x = [f64::from(2i32.pow(30) - 1) / 2f64.powi(30), 0.3];
        assert_eq!(format.quantize(&x, &[2]).expect("legal").values, [x[0], 322_122_547.0 / 2f64.powi(30)]);
        let f16 = NumberFormat::parse("f16").expect("a name");
        let above_a_tie = 1.0 + 2f64.powi(-11) + 2f64.powi(-40);
        assert_eq!(f16.quantize(&[above_a_tie], &[1]).expect("legal").values, [1.0 + 2f64.powi(-10)]);
    }

    #[test]
    fn what_clips_is_counted() {
        let counts = |name: &str, x: &[f64]| {
            let y = NumberFormat::parse(name).expect("a name").quantize(x, &[x.len()]).expect("legal");
            (y.n_clipped, y.n_clipped_blocks)
        };
        assert_eq!(counts("f16", &[65_504.0, 65_505.0, -1e9]), (2, 0));
        assert_eq!(counts("q0.15", &[1.0, -1.0, 0.5, -1.1]), (2, 0));
        assert_eq!(counts("uq0.8", &[-0.5, 0.5]), (1, 0));
        assert_eq!(counts("q8_0", &[1e9; 33]), (0, 2));
        assert_eq!(counts("mxfp4", &[1e40; 64]), (0, 2));
        assert_eq!(counts("mxfp4", &[6.0 * 2f64.powi(127), 1.0]), (0, 0));
        assert_eq!(counts("int8", &[1e9, -1e9]), (0, 0));
    }
}
