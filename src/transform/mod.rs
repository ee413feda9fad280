//! Lapped transform: the MDCT written as rotations at block boundaries followed by a DCT-IV.
//!
//! ```text
//! samples --fold--> rotated samples --DCT-IV per block--> coefficients
//! samples <-unfold- rotated samples <-DCT-IV per block--- coefficients
//! ```
//!
//! Both steps are orthonormal, so energy is kept and the inverse is the transpose. Overlap-add with time-domain
//! aliasing cancellation is the same thing in other words: the rotation at a boundary is what window and aliasing do
//! together.
//!
//! Source: Malvar, *Signal Processing with Lapped Transforms*, 1992, chapter 5; Princen and Bradley, 1986.

mod dct4;
mod lapped;

pub use dct4::Dct4;
pub use lapped::{Overlap, fold, unfold};
