//! Uniform quantization of slices in f64: indices, levels, and both with dither and counts in one pass.
//!
//! ```text
//! steps = x / step      mid-tread: index = floor(steps + 1/2)      mid-rise: index = floor(steps)
//! ```

use super::dispatch::{Kernel, dispatch};

/// Where zero lies among the cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Grid {
    /// A level at zero: y = code * step. What PCM is.
    #[default]
    MidTread,
    /// A threshold at zero: y = (code + 1/2) * step. Symmetric for an even number of levels.
    MidRise,
}

/// The cells of a uniform quantizer, in numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Cells {
    pub(crate) grid: Grid,
    /// Width of a cell.
    pub(crate) step: f64,
    /// The step's inverse.
    pub(crate) steps_per_unit: f64,
    /// First and last index.
    pub(crate) first: i32,
    pub(crate) last: i32,
}

/// 1.5 * 2^52: between it and twice it doubles are whole numbers, so adding and taking it away rounds any |x| < 2^51
/// to the nearest whole number, ties to even, without the library call that `floor` is on the default x86-64 target.
const ROUNDER: f64 = 6_755_399_441_055_744.0;

impl Cells {
    /// The index of `x`; NaN has that of 0.
    #[inline(always)]
    pub(crate) fn index(&self, x: f64) -> i32 {
        as_i32(self.round_steps(x * self.steps_per_unit))
    }

    /// The reconstruction level of an index, cut to the range.
    #[inline(always)]
    pub(crate) fn reconstruct(&self, index: i32) -> f64 {
        self.level_of(f64::from(index.clamp(self.first, self.last)))
    }

    /// The index as a whole number; `steps` is the input over the step size.
    #[inline(always)]
    fn round_steps(&self, steps: f64) -> f64 {
        let (first, last) = (f64::from(self.first), f64::from(self.last));
        let steps = if steps.is_nan() { 0.0 } else { steps };
        // One instruction each; `clamp` also keeps NaN.
        let steps = if steps > first { steps } else { first };
        let steps = if steps < last { steps } else { last };
        let nearest = (steps + ROUNDER) - ROUNDER;
        match self.grid {
            // Ties were rounded to even: one half above the nearest means the tie went down.
            Grid::MidTread => nearest + f64::from(u8::from(steps - nearest == 0.5)),
            Grid::MidRise => nearest - f64::from(u8::from(nearest > steps)),
        }
    }

    /// The reconstruction level of a whole-numbered index within range.
    #[inline(always)]
    fn level_of(&self, whole: f64) -> f64 {
        match self.grid {
            Grid::MidTread => whole * self.step,
            Grid::MidRise => (whole + 0.5) * self.step,
        }
    }
}

/// A whole number within an i32: the low word of its sum with `ROUNDER` is the number in two's complement.
#[inline(always)]
fn as_i32(whole: f64) -> i32 {
    (whole + ROUNDER).to_bits() as i32
}

struct Index<'a> {
    cells: Cells,
    x: &'a [f64],
    indices: &'a mut [i32],
}

impl Kernel for Index<'_> {
    #[inline(always)]
    fn run(self) {
        for (index, &x) in self.indices.iter_mut().zip(self.x) {
            *index = self.cells.index(x);
        }
    }
}

/// The indices of `x`, as many as there are indices.
pub(crate) fn index(cells: Cells, x: &[f64], indices: &mut [i32]) {
    dispatch(Index { cells, x, indices });
}

struct Reconstruct<'a> {
    cells: Cells,
    indices: &'a [i32],
    y: &'a mut [f64],
}

impl Kernel for Reconstruct<'_> {
    #[inline(always)]
    fn run(self) {
        for (y, &index) in self.y.iter_mut().zip(self.indices) {
            *y = self.cells.reconstruct(index);
        }
    }
}

/// The levels of `indices`, as many as there are outputs.
pub(crate) fn reconstruct(cells: Cells, indices: &[i32], y: &mut [f64]) {
    dispatch(Reconstruct { cells, indices, y });
}

/// A block of samples that is dithered, decided, reconstructed and counted; all slices have one length.
pub(crate) struct Requantize<'a> {
    pub(crate) cells: Cells,
    /// Ends of the granular region.
    pub(crate) granular_region: (f64, f64),
    pub(crate) x: &'a [f64],
    /// In units of `dither_unit`.
    pub(crate) dither: &'a [f64],
    /// What is added before the decision, and taken away after it, of a dither of 1.
    pub(crate) dither_unit: f64,
    pub(crate) taken_unit: f64,
    pub(crate) indices: &'a mut [i32],
    pub(crate) y: &'a mut [f64],
    /// Samples outside the granular region, and NaN, which counts as 0: added to.
    pub(crate) n_clipped: &'a mut u64,
    pub(crate) n_nan: &'a mut u64,
}

impl Kernel for Requantize<'_> {
    #[inline(always)]
    fn run(self) {
        let (cells, (low, high)) = (self.cells, self.granular_region);
        let (mut n_clipped, mut n_nan) = (0, 0);
        for (((&x, &d), index), y) in self.x.iter().zip(self.dither).zip(self.indices).zip(self.y) {
            let is_nan = x.is_nan();
            let decided = if is_nan { 0.0 } else { x } + d * self.dither_unit;
            n_nan += u64::from(is_nan);
            n_clipped += u64::from(decided < low) + u64::from(decided > high);
            let whole = cells.round_steps(decided * cells.steps_per_unit);
            *index = as_i32(whole);
            *y = cells.level_of(whole) - d * self.taken_unit;
        }
        *self.n_clipped += n_clipped;
        *self.n_nan += n_nan;
    }
}

/// Runs the block.
pub(crate) fn requantize(block: Requantize<'_>) {
    dispatch(block);
}

#[cfg(test)]
mod tests {
    use super::super::dispatch::{forms_agree, run_as};
    use super::*;

    #[test]
    fn forms_give_the_same_block() {
        let odd = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0, 0.5 / 128.0, -0.5 / 128.0, 127.5 / 128.0, 1.0];
        let x: Vec<f64> = (0..3_000).map(|i| 1.1 * (0.01 * f64::from(i)).sin()).chain(odd).collect();
        let dither: Vec<f64> = (0..x.len()).map(|i| (i as f64 * 0.7).sin()).collect();
        for (grid, taken_unit) in [(Grid::MidTread, 0.0), (Grid::MidRise, 1.0 / 128.0)] {
            let cells = Cells { grid, step: 1.0 / 128.0, steps_per_unit: 128.0, first: -128, last: 127 };
            forms_agree(|form| {
                let (mut indices, mut y) = (vec![0; x.len()], vec![0.0; x.len()]);
                let (mut n_clipped, mut n_nan) = (0, 0);
                let block = Requantize {
                    cells,
                    granular_region: (-1.0, 1.0),
                    x: &x,
                    dither: &dither,
                    dither_unit: 1.0 / 128.0,
                    taken_unit,
                    indices: &mut indices,
                    y: &mut y,
                    n_clipped: &mut n_clipped,
                    n_nan: &mut n_nan,
                };
                run_as(form, block);
                (indices, y.into_iter().map(f64::to_bits).collect::<Vec<_>>(), n_clipped, n_nan)
            });
        }
    }
}
