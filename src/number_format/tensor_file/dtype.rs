//! The types of tensor values, and floats of every width as `f32`.

use super::super::small_float::{BFLOAT16, BINARY16, FloatOverflow};
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

    pub(super) fn read_floats(self, bytes: &[u8]) -> Result<Vec<f32>> {
        let words = || bytes.chunks_exact(2).map(|b| u16::from_le_bytes([b[0], b[1]])).collect::<Vec<_>>();
        let mut x = vec![0.0; if self.is_float() { bytes.len() / self.size() } else { 0 }];
        match self {
            Self::F16 => BINARY16.decode_words(&words(), &mut x)?,
            Self::Bf16 => BFLOAT16.decode_words(&words(), &mut x)?,
            Self::F32 => {
                let values = bytes.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().expect("four bytes")));
                x.iter_mut().zip(values).for_each(|(x, value)| *x = value);
            }
            Self::F64 => {
                let values = bytes.chunks_exact(8).map(|b| f64::from_le_bytes(b.try_into().expect("eight bytes")));
                x.iter_mut().zip(values).for_each(|(x, value)| *x = value as f32);
            }
            _ => return Err(self.no_float()),
        }
        Ok(x)
    }

    pub(super) fn write_floats(self, x: &[f32]) -> Result<Vec<u8>> {
        let words = |format: super::super::SmallFloat| -> Result<Vec<u8>> {
            let mut codes = vec![0u16; x.len()];
            format.encode_words(x, FloatOverflow::Ieee, &mut codes)?;
            Ok(codes.iter().flat_map(|c| c.to_le_bytes()).collect())
        };
        match self {
            Self::F16 => words(BINARY16),
            Self::Bf16 => words(BFLOAT16),
            Self::F32 => Ok(x.iter().flat_map(|x| x.to_le_bytes()).collect()),
            Self::F64 => Ok(x.iter().flat_map(|&x| f64::from(x).to_le_bytes()).collect()),
            _ => Err(self.no_float()),
        }
    }

    fn no_float(self) -> Error {
        Error::Unsupported {
            what: format!("a tensor of type {self:?} has no values to quantize: F16, BF16, F32, F64 have"),
        }
    }
}
