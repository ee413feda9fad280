//! The figures of a tone, from the powers of its parts.

use super::{
    Method, Settings, enob_bits,
    harmonics::{Harmonic, Hidden},
};
use crate::analysis::figure::{Absent, Entry, Figure, filled, level_dbfs, ratio_db};

/// Largest component besides tone and DC, by two readings; mean squares.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Spurs {
    pub line: f64,
    pub sum: f64,
    pub frequency_hz: f64,
}

/// Mean squares of the parts of a record.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Powers {
    pub frequency_hz: f64,
    pub dc: f64,
    pub tone: f64,
    pub noise: f64,
    /// Noise and harmonics, as SINAD counts them.
    pub rest: f64,
    pub harmonics: Vec<Harmonic>,
    pub spurs: Spurs,
    pub bandwidth_hz: f64,
}

/// A ratio below this is rounding of 64-bit arithmetic, not a property of the record (-260 dB).
const RESOLUTION: f64 = 1e-26;

/// Most of a distortion is the second or the third harmonic: without them THD is none.
const STRONGEST: u32 = 3;
/// What lies under the tone is missing in SINAD, whatever its order; those beyond this one are weak as a rule.
const STRONG: u32 = 6;

impl Powers {
    /// The largest harmonic that is a spur: in the band, and so far from the tone.
    fn largest_harmonic(&self, min_distance_hz: f64) -> f64 {
        let is_spur = |h: &&Harmonic| {
            h.frequency_hz <= self.bandwidth_hz && (h.frequency_hz - self.frequency_hz).abs() >= min_distance_hz
        };
        self.harmonics.iter().filter(is_spur).filter_map(|h| h.power).fold(0.0, f64::max)
    }

    /// Refuses distortion where a harmonic up to `highest` hides under the tone.
    fn check_distortion(&self, highest: u32) -> Result<(), Absent> {
        let hidden = self.harmonics.iter().find(|h| h.order <= highest && h.hidden == Some(Hidden::Tone));
        hidden.map_or(Ok(()), |h| Err(Absent::HarmonicHidden { order: h.order, hidden: Hidden::Tone }))
    }

    /// Power of the harmonics, where one of them at least can be told apart.
    fn distortion(&self) -> Figure {
        self.check_distortion(STRONGEST)?;
        let hidden = self.harmonics.iter().find_map(|h| h.hidden.map(|hidden| (h.order, hidden)));
        match (hidden, self.harmonics.iter().any(|h| h.power.is_some())) {
            (Some((order, hidden)), false) => Err(Absent::HarmonicHidden { order, hidden }),
            _ => Ok(Harmonic::sum(&self.harmonics, self.bandwidth_hz)),
        }
    }

    /// The tone over a part, dB; no figure when the part is rounding.
    fn over(&self, part: f64) -> Figure {
        if part < RESOLUTION * self.tone {
            Err(Absent::NothingThere)
        } else {
            ratio_db(self.tone, part, Absent::NothingThere)
        }
    }
}

/// Figures of one tone. dBc is relative to the fundamental.
#[derive(Debug, Clone, PartialEq)]
pub struct ToneFigures {
    /// How they were measured.
    pub method: Method,
    /// Highest harmonic that counts as one.
    pub highest_harmonic: u32,
    /// Upper limit of noise and harmonics, Hz.
    pub bandwidth_hz: f64,
    /// Samples used.
    pub n_samples: usize,
    /// The tone's frequency.
    pub frequency_hz: Figure,
    /// The tone's level, 0 dBFS being a sine of amplitude 1.0.
    pub level_dbfs: Figure,
    /// Mean of the record, full scale 1.0.
    pub dc: Figure,
    /// Tone over noise without harmonics, dB.
    pub snr_db: Figure,
    /// Tone over noise and harmonics, dB.
    pub sinad_db: Figure,
    /// Harmonics 2 to `highest_harmonic` over the tone, dB.
    pub thd_db: Figure,
    /// Noise and harmonics over the tone, dB.
    pub thd_n_db: Figure,
    /// Tone over the largest other component (fitted, or summed over its lobe), dB.
    pub sfdr_dbc: Figure,
    /// Tone over the largest other spectral line, dB.
    pub sfdr_line_dbc: Figure,
    /// (SINAD - 1.76) / 6.02 with exact constants, bits.
    pub enob_bits: Figure,
    /// Noise in the band, without harmonics.
    pub noise_dbfs: Figure,
    /// Noise per Hz of the band.
    pub nsd_dbfs_per_hz: Figure,
    /// Frequency of the largest component besides tone and harmonics.
    pub spur_hz: Figure,
    /// The harmonics, by order.
    pub harmonics: Vec<Harmonic>,
    /// Mean square of the tone, for the harmonics' levels; 0 without a tone.
    pub tone_power: f64,
    noise_power: f64,
    harmonics_power: f64,
    rest_power: f64,
}

impl ToneFigures {
    pub(super) fn new(
        powers: std::result::Result<Powers, Absent>,
        n_samples: usize,
        rate: f64,
        settings: &Settings,
    ) -> Self {
        let figure = |of: &dyn Fn(&Powers) -> Figure| powers.as_ref().map_err(|&why| why).and_then(of);
        let sinad_db = figure(&|p| p.check_distortion(STRONG).and(p.over(p.rest)));
        let distance_hz = settings.min_spur_distance_hz;
        let known = powers.as_ref().ok();
        Self {
            method: settings.method,
            highest_harmonic: settings.highest_harmonic,
            bandwidth_hz: known.map_or(rate / 2.0, |p| p.bandwidth_hz),
            n_samples,
            frequency_hz: figure(&|p| Ok(p.frequency_hz)),
            level_dbfs: figure(&|p| level_dbfs(p.tone)),
            dc: figure(&|p| Ok(p.dc)),
            snr_db: figure(&|p| p.over(p.noise)),
            sinad_db,
            thd_db: figure(&|p| p.over(p.distortion()?).map(|db| -db)),
            thd_n_db: sinad_db.map(|db| -db),
            sfdr_dbc: figure(&|p| p.over(p.spurs.sum.max(p.largest_harmonic(distance_hz)))),
            sfdr_line_dbc: figure(&|p| {
                // In the spectral methods the harmonics are among the lines already.
                let harmonic = if settings.method == Method::Fit { p.largest_harmonic(distance_hz) } else { 0.0 };
                p.over(p.spurs.line.max(harmonic))
            }),
            enob_bits: sinad_db.map(enob_bits),
            noise_dbfs: figure(&|p| p.over(p.noise).and(level_dbfs(p.noise))),
            nsd_dbfs_per_hz: figure(&|p| p.over(p.noise).and(level_dbfs(p.noise / p.bandwidth_hz))),
            spur_hz: figure(&|p| p.over(p.spurs.sum).map(|_| p.spurs.frequency_hz)),
            harmonics: known.map_or(Vec::new(), |p| p.harmonics.clone()),
            tone_power: known.map_or(0.0, |p| p.tone),
            noise_power: known.map_or(0.0, |p| p.noise),
            harmonics_power: known.map_or(0.0, |p| Harmonic::sum(&p.harmonics, p.bandwidth_hz)),
            rest_power: known.map_or(0.0, |p| p.rest),
        }
    }

    /// Level of a harmonic relative to the tone, dBc.
    pub fn harmonic_dbc(&self, harmonic: &Harmonic) -> Figure {
        let hidden = harmonic.hidden.unwrap_or(Hidden::HalfRate);
        let power = harmonic.power.ok_or(Absent::HarmonicHidden { order: harmonic.order, hidden })?;
        if power < RESOLUTION * self.tone_power {
            Err(Absent::NothingThere)
        } else {
            ratio_db(power, self.tone_power, Absent::Silence)
        }
    }

    /// The harmonics that are in THD: `harmonics 2 to 6`, `harmonics 2, 3, 5`.
    fn counted(&self) -> String {
        let told: Vec<u32> = self.harmonics.iter().filter(|h| h.power.is_some()).map(|h| h.order).collect();
        match told.as_slice() {
            [] => "harmonics".into(),
            [one] => format!("harmonic {one}"),
            [first, .., last] if (last - first) as usize == told.len() - 1 => format!("harmonics {first} to {last}"),
            _ => format!("harmonics {}", listed(&told)),
        }
    }

    /// What the reader of the figures must know: which harmonics cannot be told apart, and from what.
    pub fn warnings(&self) -> Vec<String> {
        if self.frequency_hz.is_err() {
            return Vec::new();
        }
        let mut places: Vec<Hidden> = self.harmonics.iter().filter_map(|h| h.hidden).collect();
        places.dedup();
        let mut seen: Vec<Hidden> = Vec::new();
        places.retain(|place| {
            *place != Hidden::Noise && !seen.contains(place) && {
                seen.push(*place);
                true
            }
        });
        let said = places.into_iter().map(|place| {
            let orders: Vec<u32> = self.harmonics.iter().filter(|h| h.hidden == Some(place)).map(|h| h.order).collect();
            let (name, falls) = if orders.len() == 1 { ("harmonic", "falls") } else { ("harmonics", "fall") };
            format!("{name} {} {falls} on {place} and cannot be told apart", listed(&orders))
        });
        let said: Vec<String> = said.collect();
        let in_thd = if self.thd_db.is_ok() { format!("; THD is that of {}", self.counted()) } else { String::new() };
        if said.is_empty() { said } else { vec![said.join("; ") + &in_thd] }
    }

    /// All figures as entries, in the order of a table.
    pub fn entries(&self) -> Vec<Entry> {
        let (s, n, d, both) = (self.tone_power, self.noise_power, self.harmonics_power, self.rest_power);
        let ratio = |symbols: &str, figure, top: f64, bottom: f64| {
            filled(symbols, figure, |_| format!("10 log10({top:.6e} / {bottom:.6e})"))
        };
        let level = |symbols, figure, power: f64| filled(symbols, figure, |_| format!("10 log10(2 * {power:.6e})"));
        let density = filled("10 log10(2 noise / bandwidth)", self.nsd_dbfs_per_hz, |_| {
            format!("10 log10(2 * {n:.6e} / {} Hz)", self.bandwidth_hz)
        });
        let enob = filled("(SINAD - 10 log10 1.5) / (20 log10 2)", self.enob_bits, |_| {
            format!("({:.4} - 1.7609) / 6.0206", self.sinad_db.unwrap_or(f64::INFINITY))
        });
        let over_noise = "10 log10(tone / noise)";
        let over_rest = "10 log10(tone / (noise + harmonics))";
        let of_harmonics = format!("10 log10({} / tone)", self.counted());
        let rest_over = "10 log10((noise + harmonics) / tone)";
        let frequency = format!("{} of {} samples", self.method, self.n_samples);
        let tone_level = level("10 log10(2 tone)", self.level_dbfs, s);
        let noise_level = level("10 log10(2 noise)", self.noise_dbfs, n);
        let spur = "frequency of the largest component besides tone and harmonics";
        let largest = |figure: Figure| s / 10f64.powf(figure.unwrap_or(0.0) / 10.0);
        let over_component = "10 log10(tone / largest other component)";
        let over_component = ratio(over_component, self.sfdr_dbc, s, largest(self.sfdr_dbc));
        let over_line =
            ratio("10 log10(tone / largest other line)", self.sfdr_line_dbc, s, largest(self.sfdr_line_dbc));
        vec![
            Entry::new(("frequency_hz", "tone", "Hz"), self.frequency_hz, "tone-frequency", frequency),
            Entry::new(("level_dbfs", "tone level", "dBFS"), self.level_dbfs, "tone-level", tone_level),
            Entry::new(("snr_db", "SNR", "dB"), self.snr_db, "snr", ratio(over_noise, self.snr_db, s, n)),
            Entry::new(("sinad_db", "SINAD", "dB"), self.sinad_db, "sinad", ratio(over_rest, self.sinad_db, s, both)),
            Entry::new(("thd_db", "THD", "dB"), self.thd_db, "thd", ratio(&of_harmonics, self.thd_db, d, s)),
            Entry::new(("thd_n_db", "THD+N", "dB"), self.thd_n_db, "thd-n", ratio(rest_over, self.thd_n_db, both, s)),
            Entry::new(("sfdr_dbc", "SFDR", "dBc"), self.sfdr_dbc, "sfdr", over_component),
            Entry::new(("sfdr_line_dbc", "SFDR by line", "dBc"), self.sfdr_line_dbc, "sfdr-line", over_line),
            Entry::new(("enob_bits", "ENOB", "bit"), self.enob_bits, "enob", enob),
            Entry::new(("noise_dbfs", "noise", "dBFS"), self.noise_dbfs, "noise", noise_level),
            Entry::new(("nsd_dbfs_per_hz", "noise density", "dBFS/Hz"), self.nsd_dbfs_per_hz, "nsd", density),
            Entry::new(("spur_hz", "largest spur", "Hz"), self.spur_hz, "spur", spur),
        ]
    }
}

fn listed(orders: &[u32]) -> String {
    orders.iter().map(u32::to_string).collect::<Vec<String>>().join(", ")
}

#[cfg(feature = "json")]
impl serde::Serialize for ToneFigures {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        crate::analysis::figure::json::serialize_entries(&self.entries(), serializer)
    }
}
