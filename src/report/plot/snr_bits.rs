//! Kind `snr-bits`: SNR against bit depth, beside 6.02 B + 1.76 dB.

use super::chart::{Axis, Chart, Panel};
use super::curves::{Curve, Origin, series};
use crate::analysis::error_statistics::full_scale_sine_sqnr_db;

/// What the plot shows.
#[derive(Debug, Clone)]
pub struct SnrBits {
    /// Input, sample rate: the conditions of the measurement.
    pub conditions: String,
    /// Bit depth against SNR in dB.
    pub curves: Vec<Curve>,
}

impl SnrBits {
    /// SNR in dB against bits, the rule of the full-scale sine as a dashed line.
    pub fn chart(&self) -> Chart {
        let bits = self.curves.iter().flat_map(|c| &c.x).copied().filter(|b| b.is_finite());
        let (low, high) = bits.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), b| (l.min(b), h.max(b)));
        let mut curves = self.curves.clone();
        if low <= high {
            let y = vec![full_scale_sine_sqnr_db(low), full_scale_sine_sqnr_db(high)];
            let name = "Full-scale sine, 6.02 B + 1.76 dB".into();
            curves.push(Curve { name, x: vec![low, high], y, origin: Origin::Theory });
        }
        let y = Axis::decibel("SNR", "dB", "snr_db");
        let panels = vec![Panel { y, series: series(&curves, "snr_db"), ..Panel::default() }];
        let mut x = Axis::integer("Bit depth", "bits", "bits");
        if low < high {
            x = x.over(low - 0.25, high + 0.25);
        }
        Chart { title: "SNR against bit depth".into(), subtitle: self.conditions.clone(), x, panels }
    }
}
