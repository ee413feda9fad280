//! Finds the best quantizer for a density or for samples.
//!
//! ```text
//! density, samples --design--> levels, thresholds, mean squared error, entropy, certificate
//! ```

pub mod density;
pub mod dependent;
pub mod dpcm;
#[doc(hidden)]
pub mod draws;
pub mod entropy_constrained;
mod entropy_constrained_samples;
mod gatherer;
#[cfg(test)]
pub(crate) mod golden;
pub mod lloyd_max;
pub mod optimal_partition;
mod panter_dite;
mod quadrature;
pub mod rate_distortion;
pub mod samples;
mod tridiagonal;
pub mod uniform_best;

use crate::Result;
use crate::quantizer::Codebook;

pub use density::{Cell, Density};
pub use gatherer::Gatherer;
pub use samples::Samples;

/// How good a design is known to be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Certificate {
    /// The density is log-concave, so that the Lloyd-Max conditions have one solution: this one (Fleischer 1964).
    Unique,
    /// No quantizer with as many levels has a mean squared error below this (a Lagrangian dual bound).
    LowerBound(f64),
    /// A local optimum; a better one may exist.
    Local,
}

/// A scalar quantizer and what it does to the source it was designed for.
///
/// ```
/// use sqnr::{design::{Density, lloyd_max}, quantizer::Quantizer};
///
/// let design = lloyd_max::optimal(Density::Uniform, 4)?;
/// // Four equal cells for a uniform density: two bits, 12.04 dB.
/// assert!((design.entropy_bits - 2.0).abs() < 1e-9 && (design.snr_db - 12.04).abs() < 0.01);
/// assert_eq!(design.codebook()?.n_levels(), 4);
/// # Ok::<(), sqnr::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Design {
    /// Reconstruction levels, ascending.
    pub levels: Vec<f64>,
    /// Decision thresholds, ascending, one fewer than levels.
    pub thresholds: Vec<f64>,
    /// Mean squared error.
    pub mse: f64,
    /// Signal power over mean squared error, dB; infinite when the error is 0.
    pub snr_db: f64,
    /// Entropy of the index, bits a sample.
    pub entropy_bits: f64,
    /// How good this is known to be.
    pub certificate: Certificate,
    /// Iterations the designer took.
    pub iterations: usize,
}

impl Design {
    /// Levels at the centroids of `cells`, which `thresholds` separate.
    fn of_cells(cells: &[Cell], thresholds: Vec<f64>, power: f64, certificate: Certificate, iterations: usize) -> Self {
        let mse = cells.iter().map(|c| c.scatter).sum::<f64>();
        Self {
            levels: cells.iter().map(|c| c.centroid).collect(),
            thresholds,
            mse,
            snr_db: snr_db(power, mse),
            entropy_bits: entropy_bits(cells.iter().map(|c| c.mass)),
            certificate,
            iterations,
        }
    }

    /// The quantizer itself.
    ///
    /// # Errors
    /// `InvalidParameter` when two levels coincide: cells so narrow that `f64` cannot tell them apart.
    pub fn codebook(&self) -> Result<Codebook> {
        Codebook::new(self.levels.clone(), self.thresholds.clone())
    }

    /// Takes the sums of the squares of samples and of their errors, and how often each index came.
    pub(crate) fn set_measured(&mut self, signal: f64, error: f64, counts: &[u64]) {
        let n = counts.iter().sum::<u64>() as f64;
        self.mse = error / n;
        self.snr_db = snr_db(signal / n, self.mse);
        self.entropy_bits = entropy_bits(counts.iter().map(|&count| count as f64 / n));
        if let Certificate::LowerBound(bound) = &mut self.certificate {
            // Apart by rounding alone.
            *bound = bound.min(self.mse);
        }
    }

    /// Adds an error that no choice of levels changes.
    fn add_mse(&mut self, mse: f64, power: f64) {
        self.mse += mse;
        self.snr_db = snr_db(power, self.mse);
    }
}

/// Power over mean squared error in dB; infinite when the error is 0.
pub(crate) fn snr_db(power: f64, mse: f64) -> f64 {
    if mse <= 0.0 { f64::INFINITY } else { 10.0 * (power / mse).log10() }
}

/// `-sum p log2 p`, bits, of probabilities that sum to 1.
pub(crate) fn entropy_bits(probabilities: impl Iterator<Item = f64>) -> f64 {
    let bits: f64 = probabilities.filter(|&p| p > 0.0).map(|p| -p * p.log2()).sum();
    bits.max(0.0)
}
