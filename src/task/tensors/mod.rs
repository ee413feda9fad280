//! Tensors in a number format, and what that cost.

use crate::{
    Error, Result,
    analysis::{
        Absent, Figure,
        squares::{self, SumOfSquares},
    },
    number_format::{
        NumberFormat, Tally,
        tensor_file::{Array, Member, MemberBytes, TensorFileKind, TensorReader, TensorWriter},
    },
};
use std::io::{Read, Seek, Write};

mod rounding;

/// What a tensor, or all of a file, came to. The error is that of the values as the file holds them, rounded to the
/// tensor's own type, against the values that were read.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TensorFigures {
    /// The tensor's name; empty for all of a file.
    pub name: String,
    /// Number of values.
    pub n_values: u64,
    /// Bits of all codes, scales and zero points, and what clipped.
    pub tally: Tally,
    /// Values that were NaN, taken as 0, or infinite, taken as the largest of the tensor.
    pub n_not_finite: u64,
    /// Reconstructed values beyond the largest number of the tensor's own type, which stands for them.
    pub n_beyond_type: u64,
    /// Sum of the squares of the finite values.
    pub signal: SumOfSquares,
    /// Sum of the squares of their errors.
    pub error: SumOfSquares,
}

impl TensorFigures {
    /// Adds values `x` that the file now holds as `y`; those that are not finite are left out.
    fn compare(&mut self, x: &[f64], y: &[f64]) {
        for (&x, &y) in x.iter().zip(y).filter(|(x, _)| x.is_finite()) {
            self.signal.add(x);
            self.error.add(y - x);
        }
    }

    fn merge(&mut self, other: &Self) {
        self.n_values += other.n_values;
        self.tally.merge(&other.tally);
        self.n_not_finite += other.n_not_finite;
        self.n_beyond_type += other.n_beyond_type;
        self.signal.merge(&other.signal);
        self.error.merge(&other.error);
    }

    /// Bits a value; `None` of nothing.
    pub fn bits_per_value(&self) -> Option<f64> {
        (self.n_values > 0).then(|| self.tally.n_bits / self.n_values as f64)
    }

    /// Signal-to-quantization-noise ratio in dB.
    pub fn snr_db(&self) -> Figure {
        match self.n_values {
            0 => Err(Absent::TooShort { n_samples: 0, needed: 1 }),
            _ => squares::snr_db(&self.signal, &self.error),
        }
    }

    /// Mean squared error; none of nothing, and none beyond what a double holds.
    pub fn mse(&self) -> Figure {
        let sum = self.error.value().ok_or(Absent::NotApplicable { needs: "squares within double precision" })?;
        match self.n_values {
            0 => Err(Absent::TooShort { n_samples: 0, needed: 1 }),
            n => Ok(sum / n as f64),
        }
    }
}

/// What a file of tensors came to, whose floats went through a number format.
#[derive(Debug)]
pub struct QuantizedTensors {
    /// All tensors together.
    pub total: TensorFigures,
    /// Each tensor of floats.
    pub tensors: Vec<TensorFigures>,
    /// What else stands in the file, and stays as it is.
    pub kept: Vec<KeptMember>,
}

/// Something in a file of tensors that is not quantized.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptMember {
    /// Its name; empty in a `.npy` file.
    pub name: String,
    /// Why, in a few words.
    pub why: String,
}

/// Quantizes the float tensors of a file, and writes the file with their reconstruction: all else to the byte as it was read.
///
/// Values are read in blocks, so that memory does not grow with the size of a tensor. What shares a scale is held at a time:
/// a group, or a channel of up to 2^20 values; and arrays in Fortran order, whose blocks lie across the file's, whole.
///
/// ```
/// use std::io::Cursor;
/// use sqnr::number_format::{NumberFormat, tensor_file::{Tensor, TensorFile, TensorFileKind}};
///
/// let weights = Tensor::from_f32("weights", vec![2, 2], &[0.1, -0.2, 0.3, 0.4])?;
/// let file = TensorFile { kind: TensorFileKind::Npy, tensors: vec![weights], metadata: Default::default() };
/// let (mut input, mut output) = (Cursor::new(file.to_bytes()?), Cursor::new(Vec::new()));
/// let bf16 = NumberFormat::parse("bf16")?;
/// let quantized = sqnr::task::quantize_tensors(&mut input, &mut output, TensorFileKind::Npy, &bf16)?;
/// assert_eq!(quantized.total.bits_per_value(), Some(16.0));
/// let written = TensorFile::from_bytes(output.get_ref(), TensorFileKind::Npy)?;
/// assert_eq!(written.tensors[0].values()?[0], 0.100_097_656_25);
/// # Ok::<(), sqnr::Error>(())
/// ```
///
/// # Errors
/// What reading the file and the format refuse; `LimitExceeded` for an array in Fortran order over 2 GiB; `Io`.
pub fn quantize_tensors<R: Read + Seek, W: Write + Seek>(
    input: R,
    output: W,
    kind: TensorFileKind,
    format: &NumberFormat,
) -> Result<QuantizedTensors> {
    let reader = TensorReader::open(input, kind)?;
    let mut writer = TensorWriter::like(&reader, output);
    let mut done = QuantizedTensors { total: TensorFigures::default(), tensors: Vec::new(), kept: Vec::new() };
    copy(reader.preamble(), &mut writer)?;
    for member in reader.members() {
        writer.begin(member)?;
        match floats(member) {
            Ok(array) => {
                let figures = rounding::round(&reader, member, array, format, &mut writer)?;
                done.total.merge(&figures);
                done.tensors.push(figures);
            }
            Err(why) => {
                copy(reader.read(member), &mut writer)?;
                done.kept.push(KeptMember { name: member.name.clone(), why });
            }
        }
    }
    writer.finish()?.flush().map_err(Error::stream)?;
    Ok(done)
}

/// The array of a member of floats, or what else it is.
fn floats(member: &Member) -> std::result::Result<&Array, String> {
    match &member.array {
        Ok(array) if array.dtype.is_float() => Ok(array),
        Ok(array) => Err(format!("of type {}", array.dtype.name())),
        Err(what) => Err(what.clone()),
    }
}

/// Copies what is left of the bytes.
fn copy<W: Write + Seek>(mut bytes: MemberBytes<'_>, writer: &mut TensorWriter<W>) -> Result<()> {
    let mut block = vec![0; rounding::BLOCK_BYTES];
    loop {
        match bytes.fill(&mut block)? {
            0 => return bytes.finish(),
            n => writer.write(&block[..n])?,
        }
    }
}

#[cfg(test)]
mod tests;
