//! Kind `spectrum`: levels of spectral lines, one trace for each input.

use super::chart::{Axis, Callout, Chart, Mark, Panel, Positions, Reduce, Series, Stroke};
use super::style::Ink;
use super::value;
use crate::analysis::spectrum::PowerSpectrum;
use crate::analysis::window::Window;

/// Least level shown, under the greatest: the noise of 24 bits in a million lines lies 206 dB below, and below 240 dB are
/// rounding errors of the transform.
const DEPTH_DB: f64 = 240.0;

/// What the plot shows.
#[derive(Debug, Clone)]
pub struct Spectrum<'a> {
    /// Input, method, bit depth: the conditions of the measurement.
    pub conditions: String,
    /// In the order of the legend.
    pub traces: Vec<Trace<'a>>,
}

/// The spectrum of one input.
#[derive(Debug, Clone)]
pub struct Trace<'a> {
    /// Its name in the legend.
    pub name: String,
    /// Its lines.
    pub spectrum: &'a PowerSpectrum,
    /// Its colour.
    pub ink: Ink,
}

impl Spectrum<'_> {
    /// Level in dBFS per line against frequency, the greatest line of the first trace pointed out.
    pub fn chart(&self) -> Chart {
        let levels: Vec<Vec<f64>> = self.traces.iter().map(|t| line_levels(t.spectrum)).collect();
        let first = self.traces.first().map(|t| t.spectrum);
        let x = frequency_axis(first);
        let range = level_range(&levels, &x);
        let callouts = first.zip(levels.first()).and_then(|(s, levels)| peak(s, levels)).into_iter().collect();
        let series = self.traces.iter().zip(levels).enumerate().map(|(i, (trace, levels))| {
            let key = if i == 0 { "level_dbfs".into() } else { format!("level_{}_dbfs", i + 1) };
            let mark = line(trace.spectrum, levels, Reduce::Extremes);
            Series::new(&trace.name, &key, trace.ink, mark).valued(total(trace.spectrum)).stroked(pattern(i))
        });
        let y = Axis::decibel("Level per line", "dBFS", "level_dbfs").over(range.0, range.1);
        let panel = Panel { y, series: series.collect(), callouts, ..Panel::default() };
        let subtitle = first.map_or(self.conditions.clone(), |s| format!("{} · {}", self.conditions, settings(s)));
        Chart { title: "Spectrum".into(), subtitle, x, panels: vec![panel] }
    }
}

pub(super) fn line_levels(spectrum: &PowerSpectrum) -> Vec<f64> {
    (0..spectrum.power().len()).map(|k| spectrum.line_dbfs(k)).collect()
}

fn peak(spectrum: &PowerSpectrum, levels: &[f64]) -> Option<Callout> {
    let lines = levels.iter().enumerate().skip(1).filter(|(_, level)| level.is_finite());
    let (k, &level) = lines.max_by(|a, b| a.1.total_cmp(b.1))?;
    let hz = spectrum.frequency_hz(k);
    let text = format!("{}, {}", value::frequency(hz), value::with_unit(level, 2, "dBFS"));
    Some(Callout { x: hz, y: level, text })
}

/// The lines of a spectrum from DC on.
pub(super) fn line(spectrum: &PowerSpectrum, y: Vec<f64>, reduce: Reduce) -> Mark {
    Mark::Line { x: Positions::Uniform { start: 0.0, step: spectrum.line_spacing_hz() }, y, reduce }
}

/// All lines together, in dBFS: twice the mean square, as 0 dBFS is a sine of mean square one half.
pub(super) fn total(spectrum: &PowerSpectrum) -> String {
    value::with_unit(10.0 * (2.0 * spectrum.power().iter().sum::<f64>()).log10(), 1, "dBFS")
}

/// The pattern of the `i`-th of several traces: where colours repeat, patterns differ.
pub(super) fn pattern(i: usize) -> Stroke {
    [Stroke::Solid, Stroke::Dashed, Stroke::DashDotted, Stroke::Dotted][i / super::style::SERIES_INKS.len() % 4]
}

/// Logarithmic frequency up to half the sample rate: from 20 Hz for audio, three decades otherwise.
pub(super) fn frequency_axis(spectrum: Option<&PowerSpectrum>) -> Axis {
    let Some(spectrum) = spectrum else { return Axis::frequency().over(20.0, 20_000.0) };
    let nyquist_hz = spectrum.sample_rate_hz() / 2.0;
    let low_hz = if (2e3..=2e5).contains(&nyquist_hz) { 20.0 } else { nyquist_hz / 1000.0 };
    Axis::frequency().over(low_hz.max(spectrum.line_spacing_hz()).min(nyquist_hz / 2.0), nyquist_hz)
}

/// From 10 dB below the lowest percent of the visible lines to 10 dB above the greatest, in tens.
pub(super) fn level_range(traces: &[Vec<f64>], x: &Axis) -> (f64, f64) {
    let (low_hz, high_hz) = x.range.unwrap_or((0.0, 1.0));
    let mut visible: Vec<f64> = Vec::new();
    for levels in traces {
        let first = (low_hz / high_hz * levels.len() as f64) as usize;
        visible.extend(levels[first.min(levels.len())..].iter().filter(|l| l.is_finite()));
    }
    if visible.is_empty() {
        return (-120.0, 0.0);
    }
    let percentile = visible.len() / 100;
    let low = *visible.select_nth_unstable_by(percentile, f64::total_cmp).1;
    let high = visible.iter().copied().fold(low, f64::max);
    let top = ((high + 3.0) / 10.0).ceil() * 10.0;
    let bottom = (((low - 5.0) / 10.0).floor() * 10.0).max(top - DEPTH_DB);
    (bottom.min(top - 20.0), top)
}

/// How the spectrum was taken, with its resolution bandwidth.
pub(super) fn settings(spectrum: &PowerSpectrum) -> String {
    let settings = spectrum.settings();
    let window = window_name(settings.window);
    let frames = match spectrum.n_frames() {
        1 => "1 frame".into(),
        n => format!("mean of {} frames", value::count(n as u64)),
    };
    let rbw = value::frequency(spectrum.resolution_bandwidth_hz());
    format!("RBW {rbw} ({window}, N = {}, {frames})", value::count(settings.n_fft as u64))
}

/// A window's name in prose.
pub(super) fn window_name(window: Window) -> String {
    match window {
        Window::Rectangular => "rectangular".into(),
        Window::Hann => "Hann".into(),
        Window::BlackmanHarris4 => "4-term Blackman–Harris".into(),
        Window::BlackmanHarris7 => "7-term Blackman–Harris".into(),
        Window::FlatTop => "flat top".into(),
        Window::Kaiser { beta } => format!("Kaiser β = {beta}"),
    }
}
