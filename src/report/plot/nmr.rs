//! Kind `nmr`: how far the error lies above what the input hides, per Bark band.

use super::chart::{Axis, Chart, Mark, Panel, Series};
use super::style::Ink;
use super::value;
use crate::analysis::masking::MaskingFigures;

/// What the plot shows.
#[derive(Debug, Clone)]
pub struct NoiseToMask<'a> {
    /// Inputs, method: the conditions of the measurement.
    pub conditions: String,
    /// Lowest and highest frequency shown, Hz.
    pub range_hz: (f64, f64),
    /// The ratios.
    pub figures: &'a MaskingFigures,
}

impl NoiseToMask<'_> {
    /// Noise-to-mask ratio over signal-to-error ratio, both in dB against frequency.
    pub fn chart(&self) -> Chart {
        let bands = &self.figures.bands;
        let total = self.figures.nmr_db.map_or("none".into(), |v| value::with_unit(v, 2, "dB"));
        let points = |of: fn(&crate::analysis::masking::BandRatio) -> crate::analysis::Figure| {
            let there: Vec<(f64, f64)> = bands.iter().filter_map(|b| Some((b.frequency_hz, of(b).ok()?))).collect();
            let (x, y) = there.into_iter().unzip();
            Mark::Points { x, y }
        };
        let heard = Series::new("Masked below", "", Ink::Theory, Mark::Level(0.0));
        let nmr = Series::new("Error over mask", "nmr_db", Ink::Error, points(|b| b.nmr_db)).valued(total);
        let snr = Series::new("Signal over error", "snr_db", Ink::Signal, points(|b| b.snr_db));
        let panel = |y: Axis, series: Vec<Series>| Panel { y, series, ..Panel::default() };
        Chart {
            title: "Noise-to-mask ratio".into(),
            subtitle: format!("{} · a point per Bark band", self.conditions),
            x: Axis::frequency().over(self.range_hz.0, self.range_hz.1),
            panels: vec![
                panel(Axis::decibel("NMR", "dB", "nmr_db"), vec![heard, nmr]),
                panel(Axis::decibel("SNR", "dB", "snr_db"), vec![snr]),
            ],
        }
    }
}
