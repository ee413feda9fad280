//! Kind `spectrogram`: level over time and frequency; before, after and difference on one scale.

use super::chart::{Axis, Chart, HeatMap, Mark, Panel, Scale, Series, Ticks};
use super::spectrum::window_name;
use super::style::Ink;
use super::value;
use crate::analysis::spectrogram::Spectrogram;

/// Colours span at most this much below the greatest level.
const DEPTH_DB: f64 = 120.0;

/// What the plot shows.
#[derive(Debug, Clone)]
pub struct Spectrograms<'a> {
    /// Inputs, method: the conditions.
    pub conditions: String,
    /// From top to bottom, on one scale of colours.
    pub panels: Vec<Titled<'a>>,
    /// Linear or logarithmic frequency.
    pub frequency: Scale,
}

/// One spectrogram and its title.
#[derive(Debug, Clone)]
pub struct Titled<'a> {
    /// What it is: a file's name, "difference".
    pub title: String,
    /// Its levels.
    pub spectrogram: &'a Spectrogram,
}

impl Spectrograms<'_> {
    /// Level in dBFS as colour over time and frequency.
    pub fn chart(&self) -> Chart {
        let range = self.range();
        let end_s = self.panels.iter().map(|p| p.spectrogram.duration_s()).fold(0.0, f64::max);
        let panels = self.panels.iter().map(|p| self.panel(p, range)).collect();
        let subtitle = match self.panels.first() {
            Some(first) => format!("{} · {}", self.conditions, settings(first.spectrogram)),
            None => self.conditions.clone(),
        };
        Chart { title: "Spectrogram".into(), subtitle, x: Axis::time().over(0.0, end_s), panels }
    }

    fn panel(&self, titled: &Titled, range: (f64, f64)) -> Panel {
        let spectrogram = titled.spectrogram;
        let nyquist_hz = spectrogram.sample_rate_hz() / 2.0;
        let n_rows = spectrogram.n_lines();
        let spacing = nyquist_hz / (n_rows.max(2) - 1) as f64;
        let heat = HeatMap {
            x: (0.0, spectrogram.duration_s()),
            row_edges: (0..=n_rows).map(|i| (i as f64 - 0.5) * spacing).collect(),
            values: spectrogram.levels_dbfs().to_vec(),
            range,
            axis: Axis::decibel("Level per line", "dBFS", "level_dbfs"),
        };
        let lowest = match self.frequency {
            Scale::Linear => 0.0,
            Scale::Log => 20.0_f64.max(spacing).min(nyquist_hz / 10.0),
        };
        let y =
            Axis { ticks: Ticks::Frequency, scale: self.frequency, ..Axis::linear("Frequency", "Hz", "frequency_hz") };
        let series = vec![Series::new("", "", Ink::Signal, Mark::Heat(heat))];
        Panel { title: titled.title.clone(), y: y.over(lowest, nyquist_hz), series, ..Panel::default() }
    }

    /// From the greatest level of all down to the lowest percent, in tens.
    fn range(&self) -> (f64, f64) {
        let all = self.panels.iter().flat_map(|p| p.spectrogram.levels_dbfs()).copied();
        let mut levels: Vec<f32> = all.filter(|l| l.is_finite()).collect();
        if levels.is_empty() {
            return (-120.0, 0.0);
        }
        let percentile = levels.len() / 100;
        let low = f64::from(*levels.select_nth_unstable_by(percentile, f32::total_cmp).1);
        let high = levels.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let top = (f64::from(high) / 10.0).ceil() * 10.0;
        (((low / 10.0).floor() * 10.0).max(top - DEPTH_DB).min(top - 20.0), top)
    }
}

fn settings(spectrogram: &Spectrogram) -> String {
    let settings = spectrogram.settings();
    format!("N = {}, {}", value::count(settings.n_fft as u64), window_name(settings.window))
}
