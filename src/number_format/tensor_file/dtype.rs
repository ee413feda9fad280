//! The types of tensor values, and floats of every width as `f64`.

use super::super::small_float::{
    BFLOAT16, BINARY16, FP4_E2M1, FP8_E4M3, FP8_E5M2, FloatOverflow, SmallFloat, Specials, decode_e8m0,
};
use crate::{Error, Result};

/// Type of a tensor's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // The names say it.
pub enum Dtype {
    Bool,
    I8,
    U8,
    I16,
    U16,
    I32,
    U32,
    I64,
    U64,
    /// Scales of microscaling blocks: powers of two.
    F8E8M0,
    Fp8E4M3,
    Fp8E5M2,
    /// E4M3 of Graphcore and AMD: no negative zero, no infinity, exponents one lower.
    Fp8E4M3Fnuz,
    Fp8E5M2Fnuz,
    /// Two values to a byte, the first in the low bits.
    Fp4E2M1,
    Fp6E2M3,
    Fp6E3M2,
    F16,
    Bf16,
    F32,
    F64,
    C64,
}

/// Types by the names of safetensors.
const SAFETENSORS: [(&str, Dtype); 22] = [
    ("BOOL", Dtype::Bool),
    ("I8", Dtype::I8),
    ("U8", Dtype::U8),
    ("I16", Dtype::I16),
    ("U16", Dtype::U16),
    ("I32", Dtype::I32),
    ("U32", Dtype::U32),
    ("I64", Dtype::I64),
    ("U64", Dtype::U64),
    ("F8_E8M0", Dtype::F8E8M0),
    ("F8_E4M3", Dtype::Fp8E4M3),
    ("F8_E5M2", Dtype::Fp8E5M2),
    ("F8_E4M3FNUZ", Dtype::Fp8E4M3Fnuz),
    ("F8_E5M2FNUZ", Dtype::Fp8E5M2Fnuz),
    ("F4", Dtype::Fp4E2M1),
    ("F6_E2M3", Dtype::Fp6E2M3),
    ("F6_E3M2", Dtype::Fp6E3M2),
    ("F16", Dtype::F16),
    ("BF16", Dtype::Bf16),
    ("F32", Dtype::F32),
    ("F64", Dtype::F64),
    ("C64", Dtype::C64),
];

impl Dtype {
    /// Bits of a value.
    pub fn bits(self) -> usize {
        match self {
            Self::Fp4E2M1 => 4,
            Self::Fp6E2M3 | Self::Fp6E3M2 => 6,
            Self::Bool | Self::I8 | Self::U8 => 8,
            Self::F8E8M0 | Self::Fp8E4M3 | Self::Fp8E5M2 | Self::Fp8E4M3Fnuz | Self::Fp8E5M2Fnuz => 8,
            Self::I16 | Self::U16 | Self::F16 | Self::Bf16 => 16,
            Self::I32 | Self::U32 | Self::F32 => 32,
            Self::I64 | Self::U64 | Self::F64 | Self::C64 => 64,
        }
    }

    /// Bytes of a value, rounded up.
    pub fn size(self) -> usize {
        self.bits().div_ceil(8)
    }

    /// The type that safetensors calls so.
    #[cfg(feature = "tensor")]
    pub(super) fn of_safetensors(name: &str) -> Option<Self> {
        SAFETENSORS.iter().find(|(known, _)| *known == name).map(|(_, dtype)| *dtype)
    }

    /// The name that safetensors has for it.
    pub fn name(self) -> &'static str {
        SAFETENSORS.iter().find(|(_, dtype)| *dtype == self).map_or("", |(name, _)| name)
    }

    /// Whether values of the type are quantized: F16, BF16, F32, F64. Narrower floats are quantized already, or are scales.
    pub fn is_float(self) -> bool {
        matches!(self, Self::F16 | Self::Bf16 | Self::F32 | Self::F64)
    }

    pub(super) fn read_floats(self, bytes: &[u8]) -> Result<Vec<f64>> {
        match self {
            Self::F16 => Ok(read_small(BINARY16, bytes)),
            Self::Bf16 => Ok(read_small(BFLOAT16, bytes)),
            Self::F32 => Ok(numbers(bytes).map(|b| f64::from(f32::from_le_bytes(b))).collect()),
            Self::F64 => Ok(numbers(bytes).map(f64::from_le_bytes).collect()),
            Self::F8E8M0 => Ok(bytes.iter().map(|&code| decode_e8m0(code)).collect()),
            Self::Fp8E4M3 => Ok(bytes.iter().map(|&code| FP8_E4M3.decode(code.into())).collect()),
            Self::Fp8E5M2 => Ok(bytes.iter().map(|&code| FP8_E5M2.decode(code.into())).collect()),
            Self::Fp8E4M3Fnuz => read_fnuz(4, 3, 8, bytes),
            Self::Fp8E5M2Fnuz => read_fnuz(5, 2, 16, bytes),
            Self::Fp4E2M1 => {
                let pair = |&byte: &u8| [byte & 15, byte >> 4].map(|code| FP4_E2M1.decode(code.into()));
                Ok(bytes.iter().flat_map(pair).collect())
            }
            _ => Err(self.no_float()),
        }
    }

    /// The bytes of `x`, each rounded once to the type and saturating, and how many lie beyond its largest number.
    pub(super) fn write_floats(self, x: &[f64]) -> Result<(Vec<u8>, u64)> {
        match self {
            Self::F16 => write_small(BINARY16, x),
            Self::Bf16 => write_small(BFLOAT16, x),
            Self::F32 => {
                let bytes = x.iter().flat_map(|&x| (x as f32).clamp(f32::MIN, f32::MAX).to_le_bytes()).collect();
                Ok((bytes, count_beyond(f64::from(f32::MAX), x)))
            }
            Self::F64 => Ok((x.iter().flat_map(|x| x.to_le_bytes()).collect(), 0)),
            _ => Err(self.no_float()),
        }
    }

    fn no_float(self) -> Error {
        Error::Unsupported {
            what: format!("a tensor of type {} has no values to quantize: F16, BF16, F32, F64 have", self.name()),
        }
    }
}

fn numbers<const N: usize>(bytes: &[u8]) -> impl Iterator<Item = [u8; N]> + '_ {
    bytes.chunks_exact(N).map(|b| b.try_into().expect("N bytes"))
}

/// Every code is a number but the one of negative zero, which is NaN.
fn read_fnuz(exponent_bits: u32, mantissa_bits: u32, bias: i32, bytes: &[u8]) -> Result<Vec<f64>> {
    let format = SmallFloat::new(exponent_bits, mantissa_bits, bias, Specials::None)?;
    Ok(bytes.iter().map(|&code| if code == 0x80 { f64::NAN } else { format.decode(code.into()) }).collect())
}

fn read_small(format: SmallFloat, bytes: &[u8]) -> Vec<f64> {
    numbers(bytes).map(|b| format.decode(u16::from_le_bytes(b))).collect()
}

fn write_small(format: SmallFloat, x: &[f64]) -> Result<(Vec<u8>, u64)> {
    let code = |&x: &f64| format.encode(x, FloatOverflow::Saturate).to_le_bytes();
    Ok((x.iter().flat_map(code).collect(), count_beyond(format.max(), x)))
}

fn count_beyond(largest: f64, x: &[f64]) -> u64 {
    x.iter().filter(|x| x.abs() > largest).count() as u64
}
