//! The types of tensor values, and floats of every width as `f64`.

use super::super::small_float::{BFLOAT16, BINARY16, FloatOverflow, SmallFloat};
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
    Fp8E4M3,
    Fp8E5M2,
    F16,
    Bf16,
    F32,
    F64,
}

impl Dtype {
    /// Bytes of a value.
    pub fn size(self) -> usize {
        match self {
            Self::Bool | Self::I8 | Self::U8 | Self::Fp8E4M3 | Self::Fp8E5M2 => 1,
            Self::I16 | Self::U16 | Self::F16 | Self::Bf16 => 2,
            Self::I32 | Self::U32 | Self::F32 => 4,
            Self::I64 | Self::U64 | Self::F64 => 8,
        }
    }

    /// Whether values of the type can be quantized: F16, BF16, F32, F64.
    pub fn is_float(self) -> bool {
        matches!(self, Self::F16 | Self::Bf16 | Self::F32 | Self::F64)
    }

    pub(super) fn read_floats(self, bytes: &[u8]) -> Result<Vec<f64>> {
        match self {
            Self::F16 => Ok(read_small(BINARY16, bytes)),
            Self::Bf16 => Ok(read_small(BFLOAT16, bytes)),
            Self::F32 => Ok(numbers(bytes).map(|b| f64::from(f32::from_le_bytes(b))).collect()),
            Self::F64 => Ok(numbers(bytes).map(f64::from_le_bytes).collect()),
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
            what: format!("a tensor of type {self:?} has no values to quantize: F16, BF16, F32, F64 have"),
        }
    }
}

fn numbers<const N: usize>(bytes: &[u8]) -> impl Iterator<Item = [u8; N]> + '_ {
    bytes.chunks_exact(N).map(|b| b.try_into().expect("N bytes"))
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
