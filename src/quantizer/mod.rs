//! Quantizers: numbers to indices, indices to reconstruction levels.
//!
//! ```text
//! x --index--> i --reconstruct--> y        error e = y - x
//! ```
//!
//! | what decides together | types |
//! |---|---|
//! | each sample alone: the [`Quantizer`] trait | [`Uniform`], [`RoundedUniform`], [`Companding`], [`Codebook`], [`g711`] |
//! | a path through a trellis | [`TrellisCoded`], [`dependent`] |
//! | a vector of samples | [`VectorCodebook`], [`Lattice`] |
//! | a packet of samples and its bits | [`packet`], with [`index_coder`] |
//!
//! What adds to a sample before the decision or remembers its error (dither, noise shaping) holds a quantizer: it
//! stands in [`crate::shaping`].

mod codebook;
#[cfg(feature = "json")]
mod codebook_file;
mod companding;
pub mod dependent;
pub mod g711;
#[cfg(test)]
mod golden;
pub mod index_coder;
mod lattice;
#[cfg(test)]
pub(crate) mod laws;
mod leech;
pub mod packet;
mod rounded_uniform;
pub mod trellis;
mod trellis_coded;
mod uniform;
mod vector;
#[cfg(feature = "json")]
mod vector_file;
mod viterbi;

use std::ops::RangeInclusive;

pub use codebook::Codebook;
#[cfg(feature = "json")]
pub use codebook_file::CodebookFile;
pub use companding::{Companding, Compressor};
pub use lattice::Lattice;
pub use rounded_uniform::{RoundedUniform, Rounding};
pub use trellis_coded::TrellisCoded;
pub use uniform::{Grid, Uniform};
pub use vector::{Training, VectorCodebook};
#[cfg(feature = "json")]
pub use vector_file::VectorFile;

/// A memoryless scalar quantizer. Full scale is 1.0 unless the quantizer was built for another.
///
/// Laws, which hold for every implementor:
/// - `index` is monotone: x <= x' gives index(x) <= index(x');
/// - `reconstruct(index(reconstruct(i))) == reconstruct(i)` for every i in `indices()`;
/// - an infinite input gives the first or last index, NaN the index of 0.0;
/// - `reconstruct` clamps an index outside `indices()` to its nearest end.
///
/// ```
/// use sqnr::quantizer::{Quantizer, Uniform};
///
/// let quantizer: Box<dyn Quantizer> = Box::new(Uniform::mid_tread(2)?);
/// let mut y = [0.3, -0.8, 7.0];
/// y.iter_mut().for_each(|x| *x = quantizer.reconstruct(quantizer.index(*x)));
/// assert_eq!((quantizer.n_levels(), y), (4, [0.5, -1.0, 0.5]));
/// # Ok::<(), sqnr::Error>(())
/// ```
pub trait Quantizer: Send + Sync + std::fmt::Debug {
    /// The indices this quantizer gives, without gaps. Signed codes for uniform quantizers (0 is the zero level of
    /// a mid-tread one), 0..L for codebooks. Number of levels L = end - start + 1, at most 2^32.
    fn indices(&self) -> RangeInclusive<i32>;

    /// The index of the cell that holds `x`.
    fn index(&self, x: f64) -> i32;

    /// The reconstruction level of `index`.
    fn reconstruct(&self, index: i32) -> f64;

    /// Decision thresholds, ascending, L - 1 of them: a sample equal to `threshold(i)` falls into the upper of the
    /// two cells, `i + 1`, unless the quantizer's own documentation says otherwise.
    ///
    /// `threshold(i)` lies between the levels of `i` and `i + 1`, for every i in `indices()` but the last.
    fn threshold(&self, index: i32) -> f64;

    /// Number of levels L.
    fn n_levels(&self) -> u64 {
        let range = self.indices();
        (i64::from(*range.end()) - i64::from(*range.start()) + 1) as u64
    }

    /// Ends of the granular region: half a cell beyond the first and the last level. Outside it the quantizer
    /// overloads: its error is larger than in any cell.
    fn granular_region(&self) -> (f64, f64) {
        let (first, last) = self.indices().into_inner();
        let (low, high) = (self.reconstruct(first), self.reconstruct(last));
        if first == last {
            return (low, high);
        }
        (2.0 * low - self.threshold(first), 2.0 * high - self.threshold(last - 1))
    }

    /// The quantizer itself when it is uniform: what needs a step size (dither) or the closed form (speed) asks here.
    fn as_uniform(&self) -> Option<&Uniform> {
        None
    }

    /// `index` over a slice.
    ///
    /// # Panics
    /// When the slices differ in length.
    fn index_slice(&self, x: &[f64], indices: &mut [i32]) {
        assert_eq!(x.len(), indices.len(), "input and output have one length");
        for (index, &x) in indices.iter_mut().zip(x) {
            *index = self.index(x);
        }
    }

    /// `reconstruct` over a slice.
    ///
    /// # Panics
    /// When the slices differ in length.
    fn reconstruct_slice(&self, indices: &[i32], y: &mut [f64]) {
        assert_eq!(indices.len(), y.len(), "input and output have one length");
        for (y, &index) in y.iter_mut().zip(indices) {
            *y = self.reconstruct(index);
        }
    }
}
