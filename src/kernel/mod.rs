//! Vector kernels of the hot loops, chosen at run time. The only module with `unsafe`: each block carries its proof.
//!
//! Every kernel has a slow, obvious twin elsewhere that gives the same result bit for bit; tests compare them.
#![allow(unsafe_code)]

pub(crate) mod affine;
mod dispatch;
pub(crate) mod g711;
pub(crate) mod small_float;
