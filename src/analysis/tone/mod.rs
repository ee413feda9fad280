//! Figures of a record that holds one tone: SNR, SINAD, THD, SFDR, ENOB, noise floor, harmonics.
//!
//! ```text
//! x = DC + tone + harmonics (folded at half the rate) + everything else
//! ```
//!
//! The default method fits and subtracts ([`Method::Fit`]); windowed spectra with the rules of other tools are there for
//! comparison.
//!
//! Source of the ratios: IEEE Std 1241-2010, clause 9; Analog Devices MT-003.

mod find;
mod fitted;
mod spectral;

pub use spectral::{LineRole, line_roles, roles_of};

pub(super) use find::{check_samples, find_tone, spectrum_without_dc};

use std::{fmt, str::FromStr};

use super::{
    figure::{Absent, Entry, Figure, filled, level_dbfs, ratio_db},
    spectrum::PowerSpectrum,
    window::Window,
};
use crate::{Error, Result};

/// How the powers of tone, harmonics and noise are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Method {
    /// Least-squares fit of tone and harmonics; the residual is the noise. Needs no window and no coherence.
    #[default]
    Fit,
    /// Sums of lines by genalyzer's rule.
    Genalyzer {
        /// Window of the spectrum.
        window: Window,
    },
    /// Sums of lobes, noise filled with the median, by MATLAB's rule.
    Matlab {
        /// Window of the spectrum; MATLAB takes Kaiser with beta 38.
        window: Window,
    },
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fit => f.write_str("fit"),
            Self::Genalyzer { window } => write!(f, "genalyzer:{window}"),
            Self::Matlab { window } => write!(f, "matlab:{window}"),
        }
    }
}

impl FromStr for Method {
    type Err = Error;

    /// `fit`, `genalyzer` or `matlab`, the last two with `:WINDOW` if wanted.
    fn from_str(text: &str) -> Result<Self> {
        let (name, window) = match text.split_once(':') {
            Some((name, window)) => (name, Some(window.parse()?)),
            None => (text, None),
        };
        match name {
            "fit" if window.is_none() => Ok(Self::Fit),
            "genalyzer" => Ok(Self::Genalyzer { window: window.unwrap_or(Window::BlackmanHarris4) }),
            "matlab" => Ok(Self::Matlab { window: window.unwrap_or(Window::Kaiser { beta: 38.0 }) }),
            _ => Err(Error::invalid("method", text, "fit, genalyzer[:WINDOW] or matlab[:WINDOW]")),
        }
    }
}

/// What to measure.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// How.
    pub method: Method,
    /// Highest harmonic that counts as one, 1 to 200; the fundamental is 1.
    pub highest_harmonic: u32,
    /// Upper limit of noise and harmonics in Hz, half the rate if none. For [`Method::Fit`].
    pub bandwidth_hz: Option<f64>,
    /// The tone's frequency, if it shall not be looked for; within half a line (rate / n) of the truth.
    pub frequency_hz: Option<f64>,
}

impl Default for Settings {
    /// Fit, harmonics 2 to 6 as in MATLAB, the whole band, the largest tone.
    fn default() -> Self {
        Self { method: Method::Fit, highest_harmonic: 6, bandwidth_hz: None, frequency_hz: None }
    }
}

/// One harmonic.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Harmonic {
    /// 2 for the second harmonic.
    pub order: u32,
    /// Where it is after folding at half the rate.
    pub frequency_hz: f64,
    /// Mean square; none where it falls on DC, the tone or a lower harmonic.
    pub power: Option<f64>,
}

impl Harmonic {
    /// Mean square of all harmonics up to `bandwidth_hz`.
    fn sum(harmonics: &[Self], bandwidth_hz: f64) -> f64 {
        let counted = harmonics.iter().filter(|h| h.frequency_hz <= bandwidth_hz);
        counted.filter_map(|h| h.power).sum()
    }
}

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

impl Powers {
    fn largest_harmonic(&self) -> f64 {
        let counted = self.harmonics.iter().filter(|h| h.frequency_hz <= self.bandwidth_hz);
        counted.filter_map(|h| h.power).fold(0.0, f64::max)
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

/// Figures, and for [`Method::Fit`] the spectrum of what tone and harmonics leave.
#[derive(Debug, Clone, PartialEq)]
pub struct ToneAnalysis {
    /// The figures.
    pub figures: ToneFigures,
    /// Spectrum of the residual.
    pub residual: Option<PowerSpectrum>,
}

/// Measures the tone in `x`.
///
/// A record without a tone is no error: every figure of the result then says why it is missing.
///
/// ```
/// use sqnr::{analysis::tone, generate};
///
/// let tone = generate::signal(generate::TestSignal { snr_db: Some(60.0), ..Default::default() })?;
/// let figures = tone::analyse(&tone.channels()[0], 48_000.0, &tone::Settings::default())?.figures;
/// assert!((figures.sinad_db.unwrap() - 60.0).abs() < 0.1);
/// // (60 - 1.76) / 6.02
/// assert!((figures.enob_bits.unwrap() - 9.67).abs() < 0.02);
/// # Ok::<(), sqnr::Error>(())
/// ```
///
/// # Errors
/// `InvalidParameter` for a rate, harmonic, bandwidth or frequency out of range.
pub fn analyse(x: &[f64], sample_rate_hz: f64, settings: &Settings) -> Result<ToneAnalysis> {
    check(sample_rate_hz, settings)?;
    let mut residual = None;
    let powers = match settings.method {
        Method::Fit => fitted::measure(x, sample_rate_hz, settings).map(|measured| {
            residual = Some(measured.residual);
            measured.powers
        }),
        Method::Genalyzer { window } => spectral::genalyzer(x, sample_rate_hz, window, settings),
        Method::Matlab { window } => spectral::matlab(x, sample_rate_hz, window, settings),
    };
    Ok(ToneAnalysis { figures: ToneFigures::new(powers, x.len(), sample_rate_hz, settings), residual })
}

fn check(sample_rate_hz: f64, settings: &Settings) -> Result<()> {
    if !(sample_rate_hz.is_finite() && sample_rate_hz > 0.0) {
        return Err(Error::invalid("sample rate", sample_rate_hz, "above 0 Hz"));
    }
    if !(1..=200).contains(&settings.highest_harmonic) {
        return Err(Error::invalid("highest harmonic", settings.highest_harmonic, "1 to 200"));
    }
    if let Some(bandwidth_hz) = settings.bandwidth_hz.filter(|b| !(b.is_finite() && *b > 0.0)) {
        return Err(Error::invalid("bandwidth", bandwidth_hz, "above 0 Hz"));
    }
    let in_range = |f: &f64| *f > 0.0 && *f < sample_rate_hz / 2.0;
    if let Some(frequency_hz) = settings.frequency_hz.filter(|f| !in_range(f)) {
        return Err(Error::invalid("frequency", frequency_hz, "above 0 Hz and below half the rate"));
    }
    Ok(())
}

/// Effective number of bits of a SINAD in dB: `(SINAD - 10 log10(3/2)) / (20 log10 2)`.
///
/// Source: IEEE Std 1241-2010, 9.2.
///
/// ```
/// use sqnr::analysis::tone::enob_bits;
///
/// assert!((enob_bits(98.09) - 16.0).abs() < 0.01);
/// ```
pub fn enob_bits(sinad_db: f64) -> f64 {
    (sinad_db - 10.0 * 1.5f64.log10()) / (20.0 * 2f64.log10())
}

impl ToneFigures {
    fn new(powers: std::result::Result<Powers, Absent>, n_samples: usize, rate: f64, settings: &Settings) -> Self {
        let figure = |of: &dyn Fn(&Powers) -> Figure| powers.as_ref().map_err(|&why| why).and_then(of);
        let sinad_db = figure(&|p| p.over(p.rest));
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
            thd_db: figure(&|p| p.over(Harmonic::sum(&p.harmonics, p.bandwidth_hz)).map(|db| -db)),
            thd_n_db: sinad_db.map(|db| -db),
            sfdr_dbc: figure(&|p| p.over(p.spurs.sum.max(p.largest_harmonic()))),
            sfdr_line_dbc: figure(&|p| {
                // In the spectral methods the harmonics are among the lines already.
                let harmonic = if settings.method == Method::Fit { p.largest_harmonic() } else { 0.0 };
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
        let needs = "a frequency that is not the tone's, DC or a lower harmonic's";
        let power = harmonic.power.ok_or(Absent::NotApplicable { needs })?;
        if power < RESOLUTION * self.tone_power {
            Err(Absent::NothingThere)
        } else {
            ratio_db(power, self.tone_power, Absent::Silence)
        }
    }

    /// All figures as entries, in the order of a table.
    pub fn entries(&self) -> Vec<Entry> {
        let (s, n, d, both) = (self.tone_power, self.noise_power, self.harmonics_power, self.rest_power);
        let ratio = |symbols, figure, top: f64, bottom: f64| {
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
        let (over_rest, of_harmonics) = ("10 log10(tone / (noise + harmonics))", "10 log10(harmonics / tone)");
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
            Entry::new(("thd_db", "THD", "dB"), self.thd_db, "thd", ratio(of_harmonics, self.thd_db, d, s)),
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

#[cfg(feature = "json")]
impl serde::Serialize for ToneFigures {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        super::figure::json::serialize_entries(&self.entries(), serializer)
    }
}

#[cfg(test)]
mod tests;
