//! Tensors in files: `.npy` and `.npz` of numpy, `.safetensors`.
//!
//! A tensor keeps its own type and shape; floats are read as `f64`, quantized, and written back in their type. Integers
//! and the rest pass through untouched, so that a whole model goes through one call.
//!
//! Files are taken from bytes in memory. A header that lies about its sizes is an error before anything is allocated for it.

mod bytes;
mod dtype;
mod npy;
#[cfg(feature = "tensor")]
mod npz;
#[cfg(feature = "tensor")]
mod safe;
#[cfg(feature = "tensor")]
mod safe_header;
mod stream;
#[cfg(feature = "tensor")]
mod zip_directory;

pub use dtype::Dtype;
pub(crate) use stream::{Array, Member, MemberBytes, TensorReader, TensorWriter};

use crate::{Error, Result};
use std::collections::BTreeMap;
use std::path::Path;

/// Most bytes that the tensors of one file may hold, unpacked: a guard against compression bombs.
pub const MAX_TENSOR_BYTES: u64 = 1 << 31;

/// One tensor: name, type, shape, and its values little-endian in C order (last index fastest).
///
/// ```
/// use sqnr::number_format::tensor_file::{Dtype, Tensor};
///
/// let tensor = Tensor::from_f32("weights", vec![2, 2], &[1.0, 2.0, 3.0, 4.0])?;
/// assert_eq!((tensor.dtype(), tensor.len(), tensor.bytes().len()), (Dtype::F32, 4, 16));
/// // Four values do not fill a shape of six.
/// assert!(Tensor::from_f32("weights", vec![2, 3], &[1.0; 4]).is_err());
/// # Ok::<(), sqnr::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    /// Empty in a `.npy` file.
    name: String,
    dtype: Dtype,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

impl Tensor {
    /// # Errors
    /// `LengthMismatch` when the bytes are not those of the shape.
    pub fn new(name: impl Into<String>, dtype: Dtype, shape: Vec<usize>, bytes: Vec<u8>) -> Result<Self> {
        match n_bytes(&shape, dtype) {
            Some(expected) if expected == bytes.len() => Ok(Self { name: name.into(), dtype, shape, bytes }),
            expected => {
                let expected = expected.unwrap_or(usize::MAX);
                Err(Error::LengthMismatch { what: "bytes of a tensor", expected, got: bytes.len() })
            }
        }
    }

    /// A tensor of type F32.
    ///
    /// # Errors
    /// `LengthMismatch` when the values are not those of the shape.
    pub fn from_f32(name: impl Into<String>, shape: Vec<usize>, values: &[f32]) -> Result<Self> {
        Self::new(name, Dtype::F32, shape, values.iter().flat_map(|x| x.to_le_bytes()).collect())
    }

    /// Name; empty in a `.npy` file.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Type of the values.
    pub fn dtype(&self) -> Dtype {
        self.dtype
    }

    /// Length of each axis; none for a single number.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Number of values.
    pub fn len(&self) -> usize {
        8 * self.bytes.len() / self.dtype.bits()
    }

    /// True when there is no value.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The values little-endian.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The values, exact.
    ///
    /// # Errors
    /// `Unsupported` for integers, complex numbers and FP6.
    pub fn values(&self) -> Result<Vec<f64>> {
        self.dtype.read_floats(&self.bytes)
    }

    /// Replaces the values, each rounded once to the tensor's own type and saturating. Returns how many lie beyond the
    /// largest number of the type.
    ///
    /// # Errors
    /// `LengthMismatch`; `Unsupported` unless the type is F16, BF16, F32 or F64.
    pub fn set_values(&mut self, values: &[f64]) -> Result<u64> {
        if values.len() != self.len() {
            return Err(Error::LengthMismatch { what: "values of a tensor", expected: self.len(), got: values.len() });
        }
        let (bytes, n_beyond) = self.dtype.write_floats(values)?;
        self.bytes = bytes;
        Ok(n_beyond)
    }
}

/// Bytes of a tensor, `None` when the product overflows or ends within a byte; 0 when an axis is empty, however long the others.
fn n_bytes(shape: &[usize], dtype: Dtype) -> Option<usize> {
    if shape.contains(&0) {
        return Some(0);
    }
    let n_bits = shape.iter().try_fold(dtype.bits(), |n, &len| n.checked_mul(len))?;
    (n_bits % 8 == 0).then_some(n_bits / 8)
}

/// What kind of file tensors come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TensorFileKind {
    /// One array.
    Npy,
    /// A ZIP of arrays, stored as `numpy.savez` does.
    Npz,
    /// A ZIP of arrays, deflated as `numpy.savez_compressed` does.
    NpzCompressed,
    /// Hugging Face's format: a JSON header and the bytes.
    Safetensors,
}

impl TensorFileKind {
    /// The kind that the ending of a file name stands for; `None` when it is no tensor file.
    pub fn of_path(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "npy" => Some(Self::Npy),
            "npz" => Some(Self::Npz),
            "safetensors" => Some(Self::Safetensors),
            _ => None,
        }
    }
}

/// The tensors of a file.
///
/// ```
/// use sqnr::number_format::tensor_file::{Tensor, TensorFile, TensorFileKind};
///
/// let tensor = Tensor::from_f32("x", vec![2, 2], &[1.0, 2.0, 3.0, 4.0])?;
/// let file = TensorFile { kind: TensorFileKind::Npy, tensors: vec![tensor], metadata: Default::default() };
/// let read = TensorFile::from_bytes(&file.to_bytes()?, TensorFileKind::Npy)?;
/// assert_eq!((read.tensors[0].shape(), read.tensors[0].values()?[3]), (&[2, 2][..], 4.0));
/// # Ok::<(), sqnr::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct TensorFile {
    /// The kind it was read as, and is written as.
    pub kind: TensorFileKind,
    /// In the order of the file.
    pub tensors: Vec<Tensor>,
    /// The text beside the tensors of a `.safetensors` file.
    pub metadata: BTreeMap<String, String>,
}

impl TensorFile {
    /// Reads a file's bytes. A `.npz` tells by itself whether it is compressed.
    ///
    /// # Errors
    /// `Malformed`, `Unsupported` (a type that is not read, Python objects, the feature `tensor` absent), `LimitExceeded`
    /// beyond [`MAX_TENSOR_BYTES`].
    pub fn from_bytes(bytes: &[u8], kind: TensorFileKind) -> Result<Self> {
        match kind {
            TensorFileKind::Npy => {
                let tensors = vec![npy::read(String::new(), bytes)?];
                Ok(Self { kind, tensors, metadata: BTreeMap::new() })
            }
            #[cfg(feature = "tensor")]
            TensorFileKind::Npz | TensorFileKind::NpzCompressed => npz::read(bytes),
            #[cfg(feature = "tensor")]
            TensorFileKind::Safetensors => safe::read(bytes),
            #[cfg(not(feature = "tensor"))]
            _ => Err(feature_absent()),
        }
    }

    /// The file's bytes.
    ///
    /// # Errors
    /// `InvalidParameter` when a `.npy` does not hold exactly one tensor, two tensors share a name, or the format has no
    /// such type (BF16 and FP8 in numpy's).
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        match self.kind {
            TensorFileKind::Npy => match &self.tensors[..] {
                [tensor] => npy::write(tensor),
                tensors => Err(Error::invalid("tensors of a .npy file", tensors.len(), "exactly 1")),
            },
            #[cfg(feature = "tensor")]
            TensorFileKind::Npz | TensorFileKind::NpzCompressed => npz::write(self),
            #[cfg(feature = "tensor")]
            TensorFileKind::Safetensors => safe::write(self),
            #[cfg(not(feature = "tensor"))]
            _ => Err(feature_absent()),
        }
    }
}

#[cfg(not(feature = "tensor"))]
fn feature_absent() -> Error {
    Error::Unsupported { what: ".npz and .safetensors need the feature `tensor`; .npy does not".into() }
}

#[cfg(test)]
mod tests;
