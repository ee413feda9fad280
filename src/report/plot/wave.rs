//! Kind `wave`: samples over time, a panel for each track.

use super::chart::{Axis, Chart, Mark, Panel, Positions, Reduce, Series};
use super::reduce::least_and_greatest;
use super::style::Ink;

/// What the plot shows.
///
/// ```
/// use sqnr::report::plot::{Ink, wave::{Track, Wave, Zoom}};
///
/// let samples: Vec<f64> = (0..480).map(|i| (0.1 * f64::from(i)).sin()).collect();
/// let track = Track { name: "sine".into(), samples: &samples, ink: Ink::Signal, zoom: Zoom::FullScale };
/// let wave = Wave { conditions: "48 kHz".into(), sample_rate_hz: 48_000.0, start_s: 0.0, tracks: vec![track] };
/// assert!(wave.chart().draw(Default::default()).svg().contains("sine"));
/// ```
#[derive(Debug, Clone)]
pub struct Wave<'a> {
    /// Input, method: the conditions.
    pub conditions: String,
    /// Samples per second, of all tracks.
    pub sample_rate_hz: f64,
    /// Time of the first sample, s.
    pub start_s: f64,
    /// From top to bottom.
    pub tracks: Vec<Track<'a>>,
}

/// Samples of one panel.
#[derive(Debug, Clone)]
pub struct Track<'a> {
    /// What it is: input, output, error, a channel.
    pub name: String,
    /// Full scale is 1.0.
    pub samples: &'a [f64],
    /// Its colour.
    pub ink: Ink,
    /// The vertical axis of its panel.
    pub zoom: Zoom,
}

/// How far a track's vertical axis reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Zoom {
    /// -1 to 1, further when samples are beyond.
    FullScale,
    /// As far as the samples.
    Fitted,
}

impl Wave<'_> {
    /// Amplitude against time.
    pub fn chart(&self) -> Chart {
        let step = 1.0 / self.sample_rate_hz;
        let panel = |(i, track): (usize, &Track)| {
            let (least, greatest) = least_and_greatest(track.samples);
            let peak = if least <= greatest { least.abs().max(greatest.abs()) } else { 0.0 };
            let key = if i == 0 { "amplitude".into() } else { format!("amplitude_{}", i + 1) };
            let y = Axis::linear("Amplitude", "FS", "amplitude");
            let y = match track.zoom {
                Zoom::FullScale if peak <= 1.0 => y.over(-1.0, 1.0),
                _ if peak > 0.0 && peak.is_finite() => y.over(-1.08 * peak, 1.08 * peak),
                _ => y.over(-1.0, 1.0),
            };
            let x = Positions::Uniform { start: self.start_s, step };
            let mark = Mark::Line { x, y: track.samples.to_vec(), reduce: Reduce::Extremes };
            let series = vec![Series::new("", &key, track.ink, mark)];
            Panel { title: track.name.clone(), y, series, ..Panel::default() }
        };
        let longest = self.tracks.iter().map(|t| t.samples.len()).max().unwrap_or(0);
        let end_s = self.start_s + longest.max(2) as f64 * step;
        let panels = self.tracks.iter().enumerate().map(panel).collect();
        let x = Axis::time().over(self.start_s, end_s);
        Chart { title: "Waveform".into(), subtitle: self.conditions.clone(), x, panels }
    }
}
