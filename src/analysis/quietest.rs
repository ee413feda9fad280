//! The quietest stretch of a signal: the least mean square of any window of 100 ms, wherever it starts.
//!
//! ```text
//! cells   | block b: e0 e1 ... eL-1 | block b+1: e0 ... |        window = end of block b + start of block b+1
//! ```
//!
//! With the sums of each end of a block kept, every window is a sum of two terms. Nothing is subtracted: a quiet stretch
//! after a loud one keeps all its digits. Memory is that of one window, and bounded.

use super::figure::{Absent, Figure, level_dbfs};

/// Most cells of a window: of a longer one a cell holds more than one sample.
const MAX_CELLS: usize = 1 << 16;

/// Gathers the least energy of any window.
#[derive(Debug, Clone)]
pub(super) struct Quietest {
    cell_length: usize,
    cells_per_window: usize,
    n_samples: usize,
    cell: f64,
    filled: usize,
    /// Energies of the cells of this block.
    block: Vec<f64>,
    block_energy: f64,
    /// Energies of the last block from each cell to its end; empty in the first block.
    ends: Vec<f64>,
    least: f64,
}

impl Quietest {
    /// For windows of `length` samples, 1 and above; beyond 2^16 of them rounded up to whole cells.
    pub(super) fn new(length: usize) -> Self {
        let cell_length = length.div_ceil(MAX_CELLS).max(1);
        Self {
            cell_length,
            cells_per_window: length.div_ceil(cell_length).max(1),
            n_samples: 0,
            cell: 0.0,
            filled: 0,
            block: Vec::new(),
            block_energy: 0.0,
            ends: Vec::new(),
            least: f64::INFINITY,
        }
    }

    pub(super) fn add(&mut self, x: &[f64]) {
        self.n_samples = self.n_samples.saturating_add(x.len());
        for x in x {
            self.cell += x * x;
            self.filled += 1;
            if self.filled == self.cell_length {
                self.end_cell();
            }
        }
    }

    fn end_cell(&mut self) {
        self.block.push(self.cell);
        self.block_energy += self.cell;
        (self.cell, self.filled) = (0.0, 0);
        let is_full = self.block.len() == self.cells_per_window;
        if is_full || !self.ends.is_empty() {
            let before = self.ends.get(self.block.len()).copied().unwrap_or(0.0);
            self.least = self.least.min(before + self.block_energy);
        }
        if is_full {
            self.end_block();
        }
    }

    fn end_block(&mut self) {
        let mut sum = 0.0;
        for energy in self.block.iter_mut().rev() {
            sum += *energy;
            *energy = sum;
        }
        std::mem::swap(&mut self.block, &mut self.ends);
        self.block.clear();
        self.block_energy = 0.0;
    }

    /// Level of the quietest window.
    pub(super) fn figure(&self) -> Figure {
        let needed = self.cell_length * self.cells_per_window;
        if self.least == 0.0 {
            Err(Absent::NotApplicable { needs: "sound at all times: at least 100 ms are nothing but zeros" })
        } else if self.least.is_finite() {
            level_dbfs(self.least / needed as f64)
        } else {
            Err(Absent::TooShort { n_samples: self.n_samples, needed })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(x: &[f64], length: usize) -> Figure {
        let mut quietest = Quietest::new(length);
        x.chunks(777).for_each(|block| quietest.add(block));
        quietest.figure()
    }

    /// The slow twin: every window from scratch.
    fn slow(x: &[f64], length: usize) -> f64 {
        let energy = |w: &[f64]| w.iter().map(|x| x * x).sum::<f64>();
        let least = x.windows(length).map(energy).fold(f64::INFINITY, f64::min);
        10.0 * (2.0 * least / length as f64).log10()
    }

    #[test]
    fn the_quietest_window_is_found_wherever_it_starts() {
        let (length, quiet) = (4_800, 10f64.powf(-77.0 / 20.0));
        for start in [0, 1, 2_400, 4_799, 4_800, 7_777, 15_200] {
            let loud = |i: usize| if (start..start + length).contains(&i) { quiet } else { 0.5 };
            let x: Vec<f64> = (0..20_000).map(loud).collect();
            let got = of(&x, length).expect("long enough");
            // A constant of that amplitude: its mean square reads 3.01 dB above a sine's.
            assert!((got + 77.0 - 3.0103).abs() < 1e-3, "{start}: {got}");
        }
    }

    #[test]
    fn windows_are_those_of_the_slow_twin() {
        let x: Vec<f64> = (0..3_000).map(|i| (f64::from(i) * 0.01).sin() * (f64::from(i * i % 97) / 97.0)).collect();
        for length in [1, 2, 7, 480, 2_999, 3_000] {
            let got = of(&x, length);
            match slow(&x, length) {
                want if want.is_finite() => assert!((got.expect("there") - want).abs() < 1e-9, "{length}"),
                _ => assert!(got.expect_err("a zero").to_string().contains("nothing but zeros")),
            }
        }
        assert_eq!(of(&x, 3_001), Err(Absent::TooShort { n_samples: 3_000, needed: 3_001 }));
    }

    #[test]
    fn memory_is_bounded_at_any_rate() {
        let mut quietest = Quietest::new(400_000_000);
        quietest.add(&vec![0.5; 100_000]);
        assert!(quietest.cells_per_window <= MAX_CELLS && quietest.block.len() <= MAX_CELLS);
    }
}
