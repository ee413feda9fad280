//! Learns a codebook from the samples of a file, in memory that does not grow with its length.

use std::path::Path;

use crate::{
    design::{Samples, optimal_partition},
    quantizer::Codebook,
};

use super::{exit::Failure, inputs::Input, source, source::Rereadable};

/// Cells of the histogram over the file's range, each standing for the mean of its samples: more than the distinct values
/// of 16-bit audio, and for finer audio far narrower than any level's own cell.
const N_CELLS: usize = 1 << 18;
/// Samples per channel in one block.
const BLOCK: usize = 8_192;

/// The codebook of `n_levels` levels with the least mean squared error over all samples of the input.
pub fn lloyd_max(file: &Rereadable, input: &Input, n_levels: u64) -> Result<Codebook, Failure> {
    codebook(&histogram(file, input)?, &input.path, n_levels)
}

/// The codebook of `n_levels` levels with the least mean squared error over `samples`; `path` is named when there is none.
pub fn codebook(samples: &Samples, path: &Path, n_levels: u64) -> Result<Codebook, Failure> {
    let n_levels = usize::try_from(n_levels).unwrap_or(usize::MAX);
    let wrong = |error| Failure::compute(path, error);
    let design = optimal_partition::optimal(samples, n_levels).map_err(wrong)?;
    Codebook::new(design.levels, design.thresholds).map_err(wrong)
}

/// The distribution of all finite samples of the input.
pub fn histogram(file: &Rereadable, input: &Input) -> Result<Samples, Failure> {
    let mut peak: f64 = 0.0;
    each_sample(file, input, |x| peak = peak.max(x.abs()))?;
    let mut cells = vec![Cell::default(); N_CELLS];
    let cells_per_unit = (N_CELLS - 1) as f64 / (2.0 * peak.max(f64::MIN_POSITIVE));
    // From 0 to N_CELLS - 1, as |x| <= peak.
    each_sample(file, input, |x| cells[((x + peak) * cells_per_unit) as usize].take(x))?;
    let filled = cells.iter().filter(|cell| cell.n > 0.0);
    let (values, weights): (Vec<f64>, Vec<f64>) = filled.map(|cell| (cell.mean(), cell.n)).unzip();
    if values.is_empty() {
        return Err(empty(input));
    }
    Samples::from_histogram(&values, &weights).map_err(|error| Failure::compute(&input.path, error))
}

/// The samples of one cell of the histogram.
#[derive(Debug, Clone, Copy, Default)]
struct Cell {
    n: f64,
    first: f64,
    /// Sum of the distances from the first: exactly 0 when all are equal, so that their mean is exact too.
    beyond_first: f64,
}

impl Cell {
    fn take(&mut self, x: f64) {
        if self.n == 0.0 {
            self.first = x;
        }
        self.n += 1.0;
        self.beyond_first += x - self.first;
    }

    fn mean(&self) -> f64 {
        self.first + self.beyond_first / self.n
    }
}

fn empty(input: &Input) -> Failure {
    let path = if input.is_stdin() { Path::new("standard input") } else { &input.path };
    Failure::input(path, "has no samples to learn from")
}

fn each_sample(file: &Rereadable, input: &Input, mut take: impl FnMut(f64)) -> Result<(), Failure> {
    let mut source = file.open()?;
    let mut block = Vec::new();
    while source.read_planar(&mut block, BLOCK).map_err(|error| source::unreadable(input, error))? > 0 {
        block.iter().flatten().filter(|x| x.is_finite()).for_each(|&x| take(x));
    }
    Ok(())
}
