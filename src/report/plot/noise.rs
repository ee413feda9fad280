//! Kind `noise`: the spectra of signal and error, and the floor that theory expects.

use super::chart::{Axis, Chart, Mark, Panel, Reduce, Series, Stroke};
use super::spectrum::{frequency_axis, level_range, line, settings, total};
use super::style::Ink;
use super::value;
use crate::analysis::spectrum::PowerSpectrum;

/// What the plot shows.
///
/// ```
/// use sqnr::{analysis::spectrum::{PowerSpectrum, Settings}, report::plot::noise::{Floor, Noise}};
///
/// let x: Vec<f64> = (0..48_000).map(|i| 0.9 * (0.13 * f64::from(i)).sin()).collect();
/// let error: Vec<f64> = x.iter().map(|x| (x * 128.0).round() / 128.0 - x).collect();
/// let spectrum = |x: &[f64]| PowerSpectrum::of(x, 48_000.0, Settings::default());
/// let (signal, error) = (spectrum(&x)?, spectrum(&error)?);
/// let floors = vec![Floor::white("Δ²/12", (1.0 / 128.0_f64).powi(2) / 12.0, 48_000.0)];
/// let chart = Noise { conditions: "8 bits".into(), signal: &signal, error: &error, floors }.chart();
/// assert!(chart.draw(Default::default()).svg().contains("Δ²/12"));
/// # Ok::<(), sqnr::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Noise<'a> {
    /// Input, method, bit depth: the conditions of the measurement.
    pub conditions: String,
    /// The input's spectrum.
    pub signal: &'a PowerSpectrum,
    /// The spectrum of the quantization error.
    pub error: &'a PowerSpectrum,
    /// Densities that theory expects.
    pub floors: Vec<Floor>,
}

/// A flat density that theory expects.
#[derive(Debug, Clone, PartialEq)]
pub struct Floor {
    /// What it is, such as "Δ²/12".
    pub name: String,
    /// Its density.
    pub dbfs_per_hz: f64,
}

impl Floor {
    /// White noise of mean square `power` from DC to half the sample rate.
    ///
    /// `10 log10(power / (1/2) / (sample_rate / 2))`: 0 dBFS is the power of a full-scale sine, one half.
    pub fn white(name: impl Into<String>, power: f64, sample_rate_hz: f64) -> Self {
        Self { name: name.into(), dbfs_per_hz: 10.0 * (4.0 * power / sample_rate_hz).log10() }
    }
}

impl Noise<'_> {
    /// Power density in dBFS/Hz against frequency.
    pub fn chart(&self) -> Chart {
        let x = frequency_axis(Some(self.signal));
        let densities = [densities(self.signal), densities(self.error)];
        let (low, high) = level_range(&densities, &x);
        let floors = self.floors.iter().map(|f| f.dbfs_per_hz).filter(|f| f.is_finite());
        let low = floors.fold(low, |low, floor| low.min(((floor - 3.0) / 10.0).floor() * 10.0));
        let [signal, error] = densities;
        let mean = Reduce::PowerMean;
        let mut series = vec![
            Series::new("Signal", "signal_dbfs_per_hz", Ink::Signal, line(self.signal, signal, mean))
                .valued(total(self.signal)),
            Series::new("Error", "error_dbfs_per_hz", Ink::Error, line(self.error, error, mean))
                .valued(total(self.error)),
        ];
        for (i, floor) in self.floors.iter().enumerate() {
            let key = if i == 0 { "floor_dbfs_per_hz".into() } else { format!("floor_{}_dbfs_per_hz", i + 1) };
            let stroke = [Stroke::Dashed, Stroke::Dotted, Stroke::DashDotted][i % 3];
            let value = value::with_unit(floor.dbfs_per_hz, 1, "dBFS/Hz");
            let mark = Mark::Level(floor.dbfs_per_hz);
            series.push(Series::new(&floor.name, &key, Ink::Theory, mark).valued(value).stroked(stroke));
        }
        let y = Axis::decibel("Power density", "dBFS/Hz", "density_dbfs_per_hz").over(low, high);
        let how = settings(self.error);
        let subtitle =
            format!("{} · {how} · line: power mean over 1/24 octave, band: least to greatest", self.conditions);
        let panels = vec![Panel { y, series, ..Panel::default() }];
        Chart { title: "Signal and quantization noise".into(), subtitle, x, panels }
    }
}

fn densities(spectrum: &PowerSpectrum) -> Vec<f64> {
    (0..spectrum.power().len()).map(|k| spectrum.density_dbfs_per_hz(k)).collect()
}
