//! Uniform quantization of slices in f64.

use super::dispatch::{Kernel, dispatch};
use crate::quantizer::{Quantizer, Uniform};

struct Index<'a> {
    uniform: &'a Uniform,
    x: &'a [f64],
    indices: &'a mut [i32],
}

impl Kernel for Index<'_> {
    #[inline(always)]
    fn run(self) {
        let uniform = self.uniform.clone();
        for (index, &x) in self.indices.iter_mut().zip(self.x) {
            *index = uniform.index(x);
        }
    }
}

/// The indices of `x`, as many as there are indices.
pub(crate) fn index(uniform: &Uniform, x: &[f64], indices: &mut [i32]) {
    dispatch(Index { uniform, x, indices });
}

struct Reconstruct<'a> {
    uniform: &'a Uniform,
    indices: &'a [i32],
    y: &'a mut [f64],
}

impl Kernel for Reconstruct<'_> {
    #[inline(always)]
    fn run(self) {
        let uniform = self.uniform.clone();
        for (y, &index) in self.y.iter_mut().zip(self.indices) {
            *y = uniform.reconstruct(index);
        }
    }
}

/// The levels of `indices`, as many as there are outputs.
pub(crate) fn reconstruct(uniform: &Uniform, indices: &[i32], y: &mut [f64]) {
    dispatch(Reconstruct { uniform, indices, y });
}
