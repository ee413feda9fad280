//! Histogram of the error in steps, beside the density that theory expects.

use super::error_density::ErrorDensity;
use crate::{Error, Result};

/// Bins of the error histogram.
///
/// ```
/// use sqnr::analysis::error_statistics::{ErrorStatistics, Settings};
/// use sqnr::analysis::{error_density::ErrorDensity, error_histogram::HistogramSettings};
///
/// let expected = ErrorDensity::Uniform;
/// let histogram = Some(HistogramSettings { step_size: 0.1, half_range_steps: 1.0, n_bins: 4, expected });
/// let mut statistics = ErrorStatistics::new(Settings { histogram, ..Settings::default() })?;
/// statistics.push(&[0.0, 0.0, 0.0], &[0.02, 0.03, -0.02]);
/// assert_eq!(statistics.figures().histogram.unwrap().counts, [0, 1, 2, 0]);
/// # Ok::<(), sqnr::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HistogramSettings {
    /// Width of one quantizer step, full scale 1.0.
    pub step_size: f64,
    /// The histogram spans this many steps each side of zero.
    pub half_range_steps: f64,
    /// Number of bins over the whole range.
    pub n_bins: usize,
    /// What theory expects.
    pub expected: ErrorDensity,
}

#[derive(Debug, Clone)]
pub(super) struct Histogram {
    settings: HistogramSettings,
    /// Below the range, the bins, above the range.
    counts: Vec<u64>,
}

impl Histogram {
    pub(super) fn new(settings: HistogramSettings) -> Result<Self> {
        let HistogramSettings { step_size, half_range_steps, n_bins, .. } = settings;
        if !(step_size.is_finite() && step_size > 0.0) {
            return Err(Error::invalid("step size", step_size, "finite and above 0"));
        }
        if !(half_range_steps.is_finite() && half_range_steps > 0.0) {
            return Err(Error::invalid("histogram range", half_range_steps, "finite and above 0"));
        }
        if !(1..=1 << 20).contains(&n_bins) {
            return Err(Error::invalid("histogram bins", n_bins, "1 to 1048576"));
        }
        Ok(Self { settings, counts: vec![0; n_bins + 2] })
    }

    pub(super) fn push(&mut self, x: &[f64], y: &[f64]) {
        let HistogramSettings { step_size, half_range_steps, n_bins, .. } = self.settings;
        let bins_per_unit = n_bins as f64 / (2.0 * half_range_steps * step_size);
        let last = (n_bins + 1) as f64;
        // Shifted by the lower outlier bin, so that truncation is floor; NaN pairs are skipped as in the sums.
        let shift = n_bins as f64 / 2.0 + 1.0;
        for (x, y) in x.iter().zip(y) {
            let bin = ((y - x) * bins_per_unit + shift).clamp(0.0, last);
            if !bin.is_nan() {
                self.counts[bin as usize] += 1;
            }
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.counts.iter_mut().zip(&other.counts).for_each(|(a, b)| *a += b);
    }

    pub(super) fn figures(&self) -> ErrorHistogram {
        let HistogramSettings { step_size, half_range_steps, n_bins, expected } = self.settings;
        let edge = |i: usize| half_range_steps * (2.0 * i as f64 / n_bins as f64 - 1.0);
        ErrorHistogram {
            step_size,
            edges_steps: (0..=n_bins).map(edge).collect(),
            counts: self.counts[1..=n_bins].to_vec(),
            n_below: self.counts[0],
            n_above: self.counts[n_bins + 1],
            expected: (0..n_bins).map(|i| expected.cdf(edge(i + 1)) - expected.cdf(edge(i))).collect(),
        }
    }
}

/// Histogram of the error in steps, beside what theory expects.
#[derive(Debug, Clone, PartialEq)]
pub struct ErrorHistogram {
    /// One step in full scales.
    pub step_size: f64,
    /// Bin edges in steps, ascending, one more than bins.
    pub edges_steps: Vec<f64>,
    /// Errors per bin.
    pub counts: Vec<u64>,
    /// Errors below the first edge.
    pub n_below: u64,
    /// Errors at or above the last edge.
    pub n_above: u64,
    /// Expected probability per bin.
    pub expected: Vec<f64>,
}
