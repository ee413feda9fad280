//! Tensors as affine integers: one scale and zero point for a tensor, a channel or a group, from a calibration.
//!
//! ```text
//! values --layout--> owners --calibration--> scale, zero point of each --encode--> codes
//! ```

use super::affine::{Affine, IntegerType, ScaleRule, Symmetry};
use super::calibration::Calibration;
use crate::{Error, Result};

/// Which values share a scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Granularity {
    /// All of them.
    #[default]
    Tensor,
    /// Those with the same index along `axis`.
    Channel {
        /// The axis, from 0.
        axis: usize,
    },
    /// Runs of `len` along the last axis; the last run of a row may be shorter.
    Group {
        /// Values to a group.
        len: usize,
    },
}

/// How a tensor is turned into affine integers.
///
/// ```
/// use sqnr::number_format::{AffineOptions, AffineTensor, Granularity, IntegerType};
///
/// let granularity = Granularity::Channel { axis: 0 };
/// let options = AffineOptions { granularity, ..AffineOptions::new(IntegerType::Int8) };
/// let tensor = AffineTensor::encode(&[0.1, -0.1, 10.0, -10.0], &[2, 2], &options)?;
/// // A small channel keeps its precision beside a large one.
/// assert!(tensor.parameters[0].scale() < 0.011 * tensor.parameters[1].scale());
/// # Ok::<(), sqnr::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AffineOptions {
    /// The codes.
    pub kind: IntegerType,
    /// Zero point free or fixed.
    pub symmetry: Symmetry,
    /// What shares a scale.
    pub granularity: Granularity,
    /// Whose arithmetic.
    pub rule: ScaleRule,
    /// Where the range comes from.
    pub calibration: Calibration,
}

impl AffineOptions {
    /// Asymmetric, per tensor, ONNX Runtime's rule, from minimum to maximum.
    pub const fn new(kind: IntegerType) -> Self {
        Self {
            kind,
            symmetry: Symmetry::Asymmetric,
            granularity: Granularity::Tensor,
            rule: ScaleRule::OnnxRuntime,
            calibration: Calibration::MinMax,
        }
    }
}

/// A tensor as affine integers.
///
/// ```
/// use sqnr::number_format::{AffineOptions, AffineTensor, IntegerType};
///
/// let x = [-1.0, -0.5, 0.0, 1.0];
/// let tensor = AffineTensor::encode(&x, &[2, 2], &AffineOptions::new(IntegerType::Int8))?;
/// let step = tensor.parameters[0].scale();
/// assert!(x.iter().zip(tensor.decode()).all(|(x, y)| (y - x).abs() <= 0.51 * f64::from(step)));
/// # Ok::<(), sqnr::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct AffineTensor {
    /// One pair of scale and zero point for each set of values that share it, in order of their first value.
    pub parameters: Vec<Affine>,
    /// Codes, in the order of the values.
    pub codes: Vec<i32>,
    layout: Layout,
}

/// Which parameters value i has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Layout {
    /// Values between two steps of the index, number of indices: `i / inner % n`, for channels and tensors.
    inner: usize,
    n: usize,
    /// Length of a row and of a group, for groups.
    row_len: usize,
    group_len: Option<usize>,
}

impl Layout {
    fn new(shape: &[usize], granularity: Granularity) -> Result<Self> {
        let whole = Self { inner: 1, n: 1, row_len: 1, group_len: None };
        match granularity {
            Granularity::Tensor => Ok(whole),
            Granularity::Channel { axis } => match shape.get(axis) {
                Some(&n) => {
                    // Only beside an empty axis can the product overflow, and then nothing has an owner.
                    let inner = shape[axis + 1..].iter().fold(1usize, |n, &len| n.saturating_mul(len));
                    Ok(Self { inner: inner.max(1), n: n.max(1), ..whole })
                }
                None => Err(Error::invalid("axis", axis, format!("below the tensor's {} axes", shape.len()))),
            },
            Granularity::Group { len: 0 } => Err(Error::invalid("group length", 0, "1 and above")),
            Granularity::Group { len } => {
                Ok(Self { row_len: shape.last().copied().unwrap_or(1).max(1), group_len: Some(len), ..whole })
            }
        }
    }

    fn owner(&self, i: usize) -> usize {
        match self.group_len {
            None => i / self.inner % self.n,
            Some(len) => i / self.row_len * self.row_len.div_ceil(len) + i % self.row_len / len,
        }
    }

    fn n_owners(&self, n_values: usize) -> usize {
        match self.group_len {
            None => self.n,
            Some(len) => n_values / self.row_len * self.row_len.div_ceil(len),
        }
    }
}

/// Refuses a number of values that does not fill the shape.
pub(super) fn check_shape(n_values: usize, shape: &[usize]) -> Result<()> {
    let product = || shape.iter().try_fold(1usize, |n, &len| n.checked_mul(len));
    let expected = if shape.contains(&0) { 0 } else { product().unwrap_or(usize::MAX) };
    match expected == n_values {
        true => Ok(()),
        false => Err(Error::LengthMismatch { what: "values of the shape", expected, got: n_values }),
    }
}

impl AffineTensor {
    /// Calibrates and encodes `x` of `shape` (row-major). NaN gets the code of zero and infinities clip; neither counts
    /// in the calibration.
    ///
    /// # Errors
    /// `LengthMismatch` when the shape does not hold `x`, `InvalidParameter` for an axis beyond the shape or an empty
    /// group, and the errors of the calibration.
    pub fn encode(x: &[f64], shape: &[usize], options: &AffineOptions) -> Result<Self> {
        check_shape(x.len(), shape)?;
        let layout = Layout::new(shape, options.granularity)?;
        if x.is_empty() {
            return Ok(Self { parameters: vec![], codes: vec![], layout });
        }
        let mut members = vec![vec![]; layout.n_owners(x.len())];
        x.iter().enumerate().filter(|(_, x)| x.is_finite()).for_each(|(i, &x)| members[layout.owner(i)].push(x));
        let fit = |values: &Vec<f64>| match values.is_empty() {
            true => options.rule.affine(0.0, 0.0, options.kind, options.symmetry),
            false => options.calibration.affine(&[values], options.kind, options.symmetry, options.rule),
        };
        let parameters = members.iter().map(fit).collect::<Result<Vec<_>>>()?;
        let codes = x.iter().enumerate().map(|(i, &x)| parameters[layout.owner(i)].encode(x)).collect();
        Ok(Self { parameters, codes, layout })
    }

    /// The values of the codes.
    pub fn decode(&self) -> Vec<f64> {
        let value = |(i, &code): (usize, &i32)| self.parameters[self.layout.owner(i)].decode(code);
        self.codes.iter().enumerate().map(value).collect()
    }
}

#[cfg(test)]
#[path = "affine_tests.rs"]
mod tests;
