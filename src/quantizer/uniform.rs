//! Uniform quantizers: cells of one width.
//!
//! ```text
//!  mid-tread, L = 4, step 1/2            mid-rise, L = 4, step 1/2
//!   y |          .--- +1/2 (code 1)       y |       .----- +3/4 (code 1)
//!     |      .---'    0    (code 0)         |    .--'      +1/4 (code 0)
//!  ---+--.---'-------- x                 ---+----+-------- x
//!     .--'           -1/2  (code -1)        | .--'         -1/4 (code -1)
//!  ---'              -1    (code -2)        -'             -3/4 (code -2)
//! ```
//!
//! Source: W. R. Bennett, Spectra of quantized signals, Bell System Technical Journal 27 (1948); the names mid-tread
//! and mid-rise as in A. Gersho, R. M. Gray, Vector Quantization and Signal Compression (1992), section 5.2.

use std::ops::RangeInclusive;

use super::Quantizer;
pub use crate::kernel::uniform::Grid;
use crate::kernel::uniform::{self as kernel, Cells};
use crate::{Error, Result};

/// A saturating uniform quantizer with L levels, step size `2 * full_scale / L`.
///
/// Codes run from `-floor(L / 2)` to `ceil(L / 2) - 1`. With L = 2^B, mid-tread, this is two's complement PCM: full
/// scale +1.0 is one step above the largest code and clips. A sample on a threshold falls into the upper cell: the
/// index is `floor(x / step + 1/2)` (mid-tread) or `floor(x / step)` (mid-rise), exact also where the sum would round.
///
/// ```
/// use sqnr::quantizer::{Quantizer, Uniform};
///
/// let pcm8 = Uniform::mid_tread(8)?;
/// assert_eq!(pcm8.index(0.5), 64);
/// assert_eq!(pcm8.reconstruct(64), 0.5);
/// assert_eq!(pcm8.index(1.0), 127); // clips
/// # Ok::<(), sqnr::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Uniform {
    full_scale: f64,
    cells: Cells,
}

impl Uniform {
    /// A mid-tread quantizer of 2^`bits` levels over [-1, 1).
    ///
    /// # Errors
    /// `InvalidParameter` unless 1 <= `bits` <= 32.
    pub fn mid_tread(bits: u32) -> Result<Self> {
        Self::new(Grid::MidTread, levels_of(bits)?, 1.0)
    }

    /// A mid-rise quantizer of 2^`bits` levels over [-1, 1].
    ///
    /// # Errors
    /// `InvalidParameter` unless 1 <= `bits` <= 32.
    pub fn mid_rise(bits: u32) -> Result<Self> {
        Self::new(Grid::MidRise, levels_of(bits)?, 1.0)
    }

    /// A quantizer of any number of levels and any full scale (amplitude, finite, above 0).
    ///
    /// # Errors
    /// `InvalidParameter` for fewer than 2 or more than 2^32 levels, and for a full scale that is not positive or so
    /// extreme that the step or its inverse is no normal number.
    pub fn new(grid: Grid, n_levels: u64, full_scale: f64) -> Result<Self> {
        if !(2..=1 << 32).contains(&n_levels) {
            return Err(Error::invalid("levels", n_levels, "2 to 4294967296"));
        }
        let step = 2.0 * full_scale / n_levels as f64;
        let steps_per_unit = n_levels as f64 / (2.0 * full_scale);
        if !(full_scale > 0.0 && step.is_normal() && steps_per_unit.is_normal()) {
            return Err(Error::invalid("full scale", full_scale, "a positive number between 1e-280 and 1e280"));
        }
        // 2^32 levels: the ends are i32::MIN and i32::MAX, so neither conversion truncates.
        let first = -((n_levels / 2) as i64);
        let last = first + n_levels as i64 - 1;
        let cells = Cells { grid, step, steps_per_unit, first: first as i32, last: last as i32 };
        Ok(Self { full_scale, cells })
    }

    /// Where zero lies among the cells.
    pub fn grid(&self) -> Grid {
        self.cells.grid
    }

    /// Amplitude of full scale.
    pub fn full_scale(&self) -> f64 {
        self.full_scale
    }

    /// Width of a cell, in the unit of the input.
    pub fn step(&self) -> f64 {
        self.cells.step
    }

    /// Steps per unit of input: the step's inverse.
    pub(crate) fn steps_per_unit(&self) -> f64 {
        self.cells.steps_per_unit
    }

    /// The cells in numbers, for a kernel.
    pub(crate) fn cells(&self) -> Cells {
        self.cells
    }
}

fn levels_of(bits: u32) -> Result<u64> {
    if (1..=32).contains(&bits) { Ok(1 << bits) } else { Err(Error::invalid("bits", bits, "1 to 32")) }
}

impl Quantizer for Uniform {
    fn indices(&self) -> RangeInclusive<i32> {
        self.cells.first..=self.cells.last
    }

    #[inline]
    fn index(&self, x: f64) -> i32 {
        self.cells.index(x)
    }

    #[inline]
    fn reconstruct(&self, index: i32) -> f64 {
        self.cells.reconstruct(index)
    }

    fn threshold(&self, index: i32) -> f64 {
        let index = index.clamp(self.cells.first, self.cells.last - 1);
        let halves = if self.cells.grid == Grid::MidTread { 0.5 } else { 1.0 };
        first_input_above(index, (f64::from(index) + halves) * self.cells.step, |x| self.index(x))
    }

    fn index_slice(&self, x: &[f64], indices: &mut [i32]) {
        assert_eq!(x.len(), indices.len(), "input and output have one length");
        kernel::index(self.cells, x, indices);
    }

    fn reconstruct_slice(&self, indices: &[i32], y: &mut [f64]) {
        assert_eq!(indices.len(), y.len(), "input and output have one length");
        kernel::reconstruct(self.cells, indices, y);
    }

    fn as_uniform(&self) -> Option<&Uniform> {
        Some(self)
    }
}

/// The smallest x whose index is above `index`, from a guess that is at most a few units in the last place off.
///
/// `x * (1 / step)` rounds, so the exact threshold of the arithmetic need not be the rounded `(i + 1/2) * step`.
pub(super) fn first_input_above(index: i32, guess: f64, index_of: impl Fn(f64) -> i32) -> f64 {
    let mut x = guess;
    while index_of(x) > index {
        x = x.next_down();
    }
    while index_of(x) <= index {
        x = x.next_up();
    }
    x
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::quantizer::laws;

    #[test]
    fn codes_are_twos_complement() {
        let q = Uniform::mid_tread(16).expect("legal");
        for code in [-32_768, -1, 0, 1, 32_767] {
            assert_eq!(q.index(f64::from(code) / 32_768.0), code);
            assert_eq!(q.reconstruct(code), f64::from(code) / 32_768.0);
        }
        assert_eq!((q.index(1.0), q.index(-1.0), q.index(-9.0)), (32_767, -32_768, -32_768));
    }

    #[test]
    fn ties_go_up_and_their_neighbours_do_not() {
        let q = Uniform::mid_tread(8).expect("legal");
        for code in -128..127 {
            let tie = (f64::from(code) + 0.5) / 128.0;
            assert_eq!(q.index(tie), code + 1);
            assert_eq!(q.index(tie.next_down()), code);
            assert_eq!(q.threshold(code), tie);
        }
    }

    #[test]
    fn thirty_two_bits_keep_every_code() {
        for grid in [Grid::MidTread, Grid::MidRise] {
            let q = Uniform::new(grid, 1 << 32, 1.0).expect("legal");
            for code in [i32::MIN, i32::MIN + 1, -1, 0, 1, i32::MAX - 1, i32::MAX] {
                assert_eq!(q.index(q.reconstruct(code)), code, "{grid:?}");
            }
        }
    }

    #[test]
    fn illegal_parameters_are_refused() {
        assert!(Uniform::mid_tread(0).is_err() && Uniform::mid_rise(33).is_err());
        for full_scale in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e-320] {
            assert!(Uniform::new(Grid::MidTread, 16, full_scale).is_err(), "{full_scale}");
        }
        assert!(Uniform::new(Grid::MidTread, 1, 1.0).is_err());
    }

    proptest! {
        #[test]
        fn laws_hold(
            n_levels in prop_oneof![2u64..300, 60_000u64..70_000, (1u64 << 32) - 9..=1 << 32],
            full_scale in prop_oneof![Just(1.0), 1e-6f64..1e6],
            rise in any::<bool>(),
            seed in any::<u64>(),
        ) {
            let grid = if rise { Grid::MidRise } else { Grid::MidTread };
            let q = Uniform::new(grid, n_levels, full_scale).expect("legal");
            laws::hold(&q, full_scale, seed);
        }

        #[test]
        fn error_is_at_most_half_a_step(n_levels in 2u64..100_000, x in -1f64..1.0, rise in any::<bool>()) {
            let grid = if rise { Grid::MidRise } else { Grid::MidTread };
            let q = Uniform::new(grid, n_levels, 1.0).expect("legal");
            let (low, high) = q.granular_region();
            prop_assume!((low..=high).contains(&x));
            let error = q.reconstruct(q.index(x)) - x;
            prop_assert!(error.abs() <= 0.5 * q.step() * (1.0 + 1e-12), "{error} of {}", q.step());
        }
    }
}
