//! Tensors in a number format, and what that cost.

use crate::{
    Error, Result,
    number_format::{
        NumberFormat, Reconstruction,
        tensor_file::{MAX_TENSOR_BYTES, Tensor, TensorFile, TensorFileKind},
    },
};

/// What a tensor, or all of a file, came to.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TensorFigures {
    /// The tensor's name; empty for all of a file.
    pub name: String,
    /// Number of values.
    pub n_values: u64,
    /// Bits of all codes, scales and zero points.
    pub n_bits: f64,
    /// Values that were NaN, taken as 0, or infinite, taken as the largest of the tensor.
    pub n_not_finite: usize,
    /// Sum of the squares of the finite values.
    pub signal: f64,
    /// Sum of the squares of their errors.
    pub error: f64,
}

impl TensorFigures {
    fn of(name: &str, x: &[f32], y: &Reconstruction) -> Self {
        let finite = || x.iter().zip(&y.values).filter(|(x, _)| x.is_finite());
        Self {
            name: name.into(),
            n_values: x.len() as u64,
            n_bits: y.n_bits,
            n_not_finite: y.n_not_finite,
            signal: finite().map(|(&x, _)| f64::from(x).powi(2)).sum(),
            error: finite().map(|(&x, &y)| (f64::from(y) - f64::from(x)).powi(2)).sum(),
        }
    }

    fn add(&mut self, other: &Self) {
        self.n_values += other.n_values;
        self.n_bits += other.n_bits;
        self.n_not_finite += other.n_not_finite;
        self.signal += other.signal;
        self.error += other.error;
    }

    /// Bits a value; `None` of nothing.
    pub fn bits_per_value(&self) -> Option<f64> {
        (self.n_values > 0).then(|| self.n_bits / self.n_values as f64)
    }

    /// Signal-to-quantization-noise ratio in dB; `None` in silence and without an error.
    pub fn snr_db(&self) -> Option<f64> {
        (self.signal > 0.0 && self.error > 0.0).then(|| 10.0 * (self.signal / self.error).log10())
    }

    /// Mean squared error; `None` of nothing.
    pub fn mse(&self) -> Option<f64> {
        (self.n_values > 0).then(|| self.error / self.n_values as f64)
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
                total.add(&figures);
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
    tensor.set_values(&y.values)?;
    Ok(Some(TensorFigures::of(tensor.name(), &x, &y)))
}
