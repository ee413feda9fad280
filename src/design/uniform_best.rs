//! The uniform quantizer of N levels with the least mean squared error for a density: how far to open it.
//!
//! Levels lie at `(i - (N - 1) / 2) step`. A small step clips, a large one is coarse. Thresholds lie midway, so that the
//! derivative of the error by the step holds only what levels do:
//!
//! ```text
//! dD / d step = -2 sum_i k_i integral over cell i of (x - k_i step) p(x) dx,     k_i = i - (N - 1) / 2
//! ```
//!
//! Source: Max, Quantizing for minimum distortion, IRE Trans. IT-6 (1960), 7, section "equally spaced levels".

use super::{Cell, Certificate, Density, Design, density, entropy_bits, snr_db};
use crate::{Error, Result};

/// Steps tried over the range where the least may lie: two a factor of 1.15 apart never enclose two minima of the
/// densities here.
const SCAN: usize = 64;

/// The best symmetric uniform quantizer of `n_levels` levels for a symmetric density.
///
/// ```
/// use sqnr::design::{Density, uniform_best::uniform_best};
///
/// // Max 1960, table II: four equal steps for a Gaussian, 0.9957 wide.
/// let design = uniform_best(Density::Gaussian, 4)?;
/// assert!((design.levels[3] - design.levels[2] - 0.9957).abs() < 1e-4);
/// # Ok::<(), sqnr::Error>(())
/// ```
///
/// # Errors
/// `InvalidParameter` when `n_levels` is below 2 or above 65,536; `Unsupported` for one-sided densities.
pub fn uniform_best(density: Density, n_levels: usize) -> Result<Design> {
    density::check_levels(n_levels)?;
    if n_levels < 2 {
        return Err(Error::invalid("levels", n_levels, "2 and above"));
    }
    if !density.is_symmetric() {
        return Err(Error::Unsupported { what: format!("a symmetric quantizer for the {} density", density.name()) });
    }
    let family = Family { density, n_levels };
    // All levels within the last hundredth, or all within ten deviations.
    let (low, high) = ((0.01 / n_levels as f64).ln(), (20.0 / n_levels as f64).max(4.0).ln());
    let at = |i: usize| (low + (high - low) * i as f64 / SCAN as f64).exp();
    let least = (1..SCAN).min_by(|&a, &b| family.mse(at(a)).total_cmp(&family.mse(at(b))));
    let middle = least.expect("there are steps to scan");
    let (mut fine, mut coarse) = (at(middle - 1), at(middle + 1));
    let mut iterations = SCAN;
    while coarse - fine > 4.0 * f64::EPSILON * coarse && iterations < 4 * SCAN {
        let step = 0.5 * (fine + coarse);
        if family.slope(step) < 0.0 {
            fine = step
        } else {
            coarse = step
        }
        iterations += 1;
    }
    Ok(family.design(0.5 * (fine + coarse), iterations))
}

/// Uniform quantizers of one density and count.
struct Family {
    density: Density,
    n_levels: usize,
}

impl Family {
    /// Cells right of zero with the number k of their level; a cell around zero is halved.
    fn right_cells(&self, step: f64) -> impl Iterator<Item = (f64, Cell)> + '_ {
        let first = if self.n_levels.is_multiple_of(2) { 0.5 } else { 0.0 };
        let n = self.n_levels.div_ceil(2);
        (0..n).map(move |i| {
            let k = first + i as f64;
            let below = ((k - 0.5) * step).max(0.0);
            let above = if i + 1 == n { f64::INFINITY } else { (k + 0.5) * step };
            (k, self.density.cell(below, above))
        })
    }

    fn mse(&self, step: f64) -> f64 {
        2.0 * self.right_cells(step).map(|(k, cell)| cell.distortion(k * step)).sum::<f64>()
    }

    fn slope(&self, step: f64) -> f64 {
        -2.0 * self.right_cells(step).map(|(k, cell)| k * cell.mass * (cell.centroid - k * step)).sum::<f64>()
    }

    fn design(&self, step: f64, iterations: usize) -> Design {
        let centre = 0.5 * (self.n_levels - 1) as f64;
        let levels: Vec<f64> = (0..self.n_levels).map(|i| (i as f64 - centre) * step).collect();
        let thresholds: Vec<f64> = (1..self.n_levels).map(|i| (i as f64 - centre - 0.5) * step).collect();
        let cells = density::cells_between(self.density, &thresholds);
        let mse = cells.iter().zip(&levels).map(|(cell, y)| cell.distortion(*y)).sum();
        Design {
            levels,
            thresholds,
            mse,
            snr_db: snr_db(self.density.power(), mse),
            entropy_bits: entropy_bits(cells.iter().map(|c| c.mass)),
            certificate: Certificate::Local,
            iterations,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::design::golden;

    #[test]
    fn steps_and_errors_equal_the_golden_values() {
        for density in [Density::Gaussian, Density::Laplacian, Density::Gamma] {
            for row in golden::rows(&format!("uniform_best_{}.csv", golden::name(density))) {
                let n = row[0] as usize;
                let design = uniform_best(density, n).expect("legal");
                let step = design.levels[1] - design.levels[0];
                // The error is flat around its least: a step is known to the root of what rounding leaves of the slope.
                assert!((step / row[1] - 1.0).abs() < 1e-9, "{density:?} {n}: step {step} against {}", row[1]);
                assert!(
                    (design.mse / row[2] - 1.0).abs() < 1e-12,
                    "{density:?} {n}: {} against {}",
                    design.mse,
                    row[2]
                );
                assert!((design.entropy_bits - row[4]).abs() < 1e-9, "{density:?} {n}: {} bits", design.entropy_bits);
            }
        }
    }

    #[test]
    fn what_has_no_best_step_is_refused() {
        assert!(uniform_best(Density::Gaussian, 1).is_err());
        assert!(matches!(uniform_best(Density::Rayleigh, 8), Err(Error::Unsupported { .. })));
    }
}
