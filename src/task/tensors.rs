//! Tensors in a number format, and what that cost.

use crate::{
    Error, Result,
    analysis::{
        Absent, Figure,
        squares::{self, SumOfSquares},
    },
    number_format::{
        NumberFormat, Tally,
        tensor_file::{MAX_TENSOR_BYTES, Tensor, TensorFile, TensorFileKind},
    },
};

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

/// A file of tensors whose floats went through a number format.
#[derive(Debug)]
pub struct QuantizedTensors {
    /// The file that holds the reconstruction.
    pub bytes: Vec<u8>,
    /// All tensors together.
    pub total: TensorFigures,
    /// Each tensor of floats.
    pub tensors: Vec<TensorFigures>,
    /// Tensors that hold no floats and stay as they are.
    pub n_untouched: usize,
}

/// Quantizes the float tensors of a file, given as `bytes` of `kind`, and reconstructs them.
///
/// ```
/// use sqnr::number_format::{NumberFormat, tensor_file::{Tensor, TensorFile, TensorFileKind}};
///
/// let weights = Tensor::from_f32("weights", vec![2, 2], &[0.1, -0.2, 0.3, 0.4])?;
/// let file = TensorFile { kind: TensorFileKind::Npy, tensors: vec![weights], metadata: Default::default() };
/// let quantized = sqnr::task::quantize_tensors(&file.to_bytes()?, TensorFileKind::Npy, &NumberFormat::parse("bf16")?)?;
/// assert_eq!(quantized.total.bits_per_value(), Some(16.0));
/// # Ok::<(), sqnr::Error>(())
/// ```
///
/// # Errors
/// `LimitExceeded` for a file over 2 GiB; what reading the file and the format refuse.
pub fn quantize_tensors(bytes: &[u8], kind: TensorFileKind, format: &NumberFormat) -> Result<QuantizedTensors> {
    check_size(bytes.len() as u64)?;
    let mut file = TensorFile::from_bytes(bytes, kind)?;
    let (mut total, mut tensors, mut n_untouched) = (TensorFigures::default(), Vec::new(), 0);
    for tensor in &mut file.tensors {
        match quantize_tensor(tensor, format)? {
            Some(figures) => {
                total.merge(&figures);
                tensors.push(figures);
            }
            None => n_untouched += 1,
        }
    }
    Ok(QuantizedTensors { bytes: file.to_bytes()?, total, tensors, n_untouched })
}

/// Refuses a file of tensors that is too large to be held.
///
/// # Errors
/// `LimitExceeded` over 2 GiB.
pub fn check_size(n_bytes: u64) -> Result<()> {
    match n_bytes > MAX_TENSOR_BYTES {
        true => Err(Error::LimitExceeded { what: "size in bytes", value: n_bytes, limit: MAX_TENSOR_BYTES }),
        false => Ok(()),
    }
}

fn quantize_tensor(tensor: &mut Tensor, format: &NumberFormat) -> Result<Option<TensorFigures>> {
    if !tensor.dtype().is_float() {
        return Ok(None);
    }
    let x = tensor.values()?;
    let shape = if tensor.shape().is_empty() { vec![1] } else { tensor.shape().to_vec() };
    let y = format.quantize(&x, &shape)?;
    let mut figures = TensorFigures {
        name: tensor.name().into(),
        n_values: x.len() as u64,
        n_not_finite: y.n_not_finite as u64,
        n_beyond_type: tensor.set_values(&y.values)?,
        tally: Tally { n_bits: y.n_bits, n_clipped: y.n_clipped, n_clipped_blocks: y.n_clipped_blocks },
        ..TensorFigures::default()
    };
    figures.compare(&x, &tensor.values()?);
    Ok(Some(figures))
}
