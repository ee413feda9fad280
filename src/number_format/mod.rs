//! Number formats that signals and tensors are quantized to, bit-exact: fixed point, small floats, block formats with
//! a shared scale, and affine integers with their calibration.
//!
//! Everything here rounds as the tool that owns the format does; a rule that several tools interpret in their own way
//! is an enum that names them.

pub mod affine;
mod affine_tensor;
pub mod block_float;
pub mod calibration;
pub mod fixed_point;
pub mod gguf;
mod named;
pub mod small_float;
mod stretch;
pub mod tensor_file;

#[cfg(test)]
mod golden_input;

pub use affine::{Affine, IntegerType};
pub use affine_tensor::{AffineOptions, AffineTensor, Granularity};
pub use block_float::MxFormat;
pub use fixed_point::FixedPoint;
pub use gguf::GgufType;
pub use named::{NumberFormat, Reconstruction};
pub use small_float::{FloatOverflow, SmallFloat};
pub use stretch::Tally;
