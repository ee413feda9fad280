//! Vector kernels of the hot loops, chosen at run time. The only module with `unsafe`: each block carries its proof.
//!
//! Every kernel has a slow, obvious twin elsewhere that gives the same result bit for bit; tests compare them.
#![allow(unsafe_code)]

pub(crate) mod affine;
pub(crate) mod codebook;
pub(crate) mod codes;
mod dispatch;
pub(crate) mod dither;
pub(crate) mod error_sums;
pub(crate) mod g711;
pub(crate) mod noise_shaper;
pub(crate) mod small_float;
pub(crate) mod true_peak;
pub(crate) mod uniform;
