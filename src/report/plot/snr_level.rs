//! Kind `snr-level`: SNR against the level of the input, a curve for each method.

use super::chart::{Axis, Chart, Panel};
use super::curves::{Curve, series};

/// What the plot shows.
#[derive(Debug, Clone)]
pub struct SnrLevel {
    /// Stimulus, sample rate: the conditions of the measurement.
    pub conditions: String,
    /// Input level in dBFS against SNR in dB.
    pub curves: Vec<Curve>,
}

impl SnrLevel {
    /// SNR in dB against level in dBFS.
    pub fn chart(&self) -> Chart {
        let y = Axis::decibel("SNR", "dB", "snr_db");
        let panels = vec![Panel { y, series: series(&self.curves, "snr_db"), ..Panel::default() }];
        let x = Axis::decibel("Input level", "dBFS", "level_dbfs");
        Chart { title: "SNR against level".into(), subtitle: self.conditions.clone(), x, panels }
    }
}
