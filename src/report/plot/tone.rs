//! Kind `spectrum` of a record that holds one tone: the colours are the lines that are summed.

use super::chart::{Axis, Callout, Chart, Mark, Panel, Positions, Reduce, Series};
use super::spectrum::{level_range, line_levels, settings};
use super::style::Ink;
use super::value;
use crate::analysis::{
    Figure,
    spectrum::PowerSpectrum,
    tone::{LineRole, ToneFigures, roles_of},
};

/// What the plot shows.
#[derive(Debug, Clone)]
pub struct Tone<'a> {
    /// Input, converter, bit depth: the conditions of the measurement.
    pub conditions: String,
    /// One frame over the record.
    pub spectrum: &'a PowerSpectrum,
    /// What was measured of the same record.
    pub figures: &'a ToneFigures,
}

/// A colour of the picture, and the lines that have it.
struct Group {
    name: &'static str,
    key: &'static str,
    ink: Ink,
    reduce: Reduce,
    holds: fn(LineRole) -> bool,
}

/// In the order of drawing.
const GROUPS: [Group; 4] = [
    Group {
        name: "Noise",
        key: "noise_dbfs",
        ink: Ink::Third,
        reduce: Reduce::Extremes,
        holds: |role| role == LineRole::Noise,
    },
    Group {
        name: "DC, left out",
        key: "excluded_dbfs",
        ink: Ink::Muted,
        reduce: Reduce::Extremes,
        holds: |role| role == LineRole::Dc,
    },
    Group {
        name: "Harmonics",
        key: "harmonics_dbfs",
        ink: Ink::Error,
        reduce: Reduce::Extremes,
        holds: |role| matches!(role, LineRole::Harmonic(_)),
    },
    Group {
        name: "Tone",
        key: "tone_dbfs",
        ink: Ink::Signal,
        reduce: Reduce::Extremes,
        holds: |role| role == LineRole::Tone,
    },
];

impl Tone<'_> {
    /// Level in dBFS per line against frequency: tone, harmonics by number, noise and what is left out; the SFDR as a
    /// shaded band, the figures in a column.
    pub fn chart(&self) -> Chart {
        let spectrum = self.spectrum;
        let roles = roles_of(spectrum, self.figures);
        let levels = line_levels(spectrum);
        let nyquist_hz = spectrum.sample_rate_hz() / 2.0;
        let x = Axis::linear("Frequency", "Hz", "frequency_hz").over(0.0, nyquist_hz);
        let range = level_range(std::slice::from_ref(&levels), &x);
        let mut series: Vec<Series> = self.sfdr_band(nyquist_hz).into_iter().collect();
        series.extend(GROUPS.iter().filter_map(|group| self.series(group, &roles, &levels)));
        let panel = Panel {
            y: Axis::decibel("Level per line", "dBFS", "level_dbfs").over(range.0, range.1),
            series,
            callouts: self.callouts(&levels),
            figures: self.column(),
            ..Panel::default()
        };
        Chart {
            title: "Spectrum of a tone".into(),
            subtitle: format!("{} · {}", self.conditions, settings(spectrum)),
            x,
            panels: vec![panel],
        }
    }

    /// The lines of one group, gaps elsewhere, with their sum.
    fn series(&self, group: &Group, roles: &[LineRole], levels: &[f64]) -> Option<Series> {
        let own = |k: usize| (group.holds)(roles[k]);
        let n = (0..roles.len()).filter(|&k| own(k)).count();
        let sum: f64 = (0..roles.len()).filter(|&k| own(k)).map(|k| self.spectrum.power()[k]).sum();
        let y = levels.iter().enumerate().map(|(k, &level)| if own(k) { level } else { f64::NAN }).collect();
        let x = Positions::Uniform { start: 0.0, step: self.spectrum.line_spacing_hz() };
        let level = value::with_unit(10.0 * (2.0 * sum).log10(), 2, "dBFS");
        let value = format!("{level} in {} lines", value::count(n as u64));
        let mark = Mark::Line { x, y, reduce: group.reduce };
        (n > 0).then(|| Series::new(group.name, group.key, group.ink, mark).valued(value))
    }

    /// From the largest other component up to the tone.
    fn sfdr_band(&self, nyquist_hz: f64) -> Option<Series> {
        let (top, sfdr) = (self.figures.level_dbfs.ok()?, self.figures.sfdr_dbc.ok()?);
        let ends = |y: f64| vec![y, y];
        let mark = Mark::Band { x: vec![0.0, nyquist_hz], low: ends(top - sfdr), high: ends(top) };
        Some(Series::new("SFDR", "", Ink::Fifth, mark).valued(value::with_unit(sfdr, 2, "dBc")))
    }

    /// The tone, the harmonics from the strongest down, the spur: a label without room is left out.
    fn callouts(&self, levels: &[f64]) -> Vec<Callout> {
        let figures = self.figures;
        let last = levels.len().saturating_sub(1);
        let at = |hz: f64| levels[((hz / self.spectrum.line_spacing_hz()).round() as usize).min(last)];
        let (Ok(hz), Ok(level)) = (figures.frequency_hz, figures.level_dbfs) else { return Vec::new() };
        let text = format!("1: {}, {}", value::frequency(hz), value::with_unit(level, 2, "dBFS"));
        let mut callouts = vec![Callout { x: hz, y: at(hz), text }];
        let mut harmonics: Vec<(u32, f64, f64)> = figures
            .harmonics
            .iter()
            .filter_map(|h| Some((h.order, h.frequency_hz, figures.harmonic_dbc(h).ok()?)))
            .collect();
        harmonics.sort_by(|a, b| b.2.total_cmp(&a.2));
        callouts.extend(harmonics.into_iter().map(|(order, hz, dbc)| {
            let text = format!("{order}: {}", value::with_unit(dbc, 1, "dBc"));
            Callout { x: hz, y: at(hz), text }
        }));
        if let Ok(hz) = figures.spur_hz {
            callouts.push(Callout { x: hz, y: at(hz), text: "spur".into() });
        }
        callouts
    }

    fn column(&self) -> Vec<(String, String)> {
        let f = self.figures;
        let row = |name: &str, figure: Figure, places: u32, unit: &str| {
            (name.to_owned(), figure.map_or("none".into(), |v| value::with_unit(v, places, unit)))
        };
        vec![
            ("Method".into(), f.method.to_string()),
            row("Level", f.level_dbfs, 2, "dBFS"),
            row("SNR", f.snr_db, 2, "dB"),
            row("SINAD", f.sinad_db, 2, "dB"),
            row("THD", f.thd_db, 2, "dB"),
            row("SFDR", f.sfdr_dbc, 2, "dBc"),
            row("ENOB", f.enob_bits, 2, "bit"),
            row("Noise", f.noise_dbfs, 2, "dBFS"),
            row("Density", f.nsd_dbfs_per_hz, 2, "dBFS/Hz"),
        ]
    }
}
