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

mod close_tones;
mod figures;
mod find;
mod fitted;
mod harmonics;
mod spectral;

pub use figures::ToneFigures;
pub use harmonics::{Harmonic, Hidden};
pub use spectral::{LineRole, line_roles, roles_of};

pub(super) use close_tones::close_tones;

pub(super) use find::{check_samples, find_tone, spectrum_without_dc};

use std::{fmt, str::FromStr};

use super::{spectrum::PowerSpectrum, window::Window};
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

/// Highest order of a harmonic.
pub const MAX_HARMONIC: u32 = 200;

/// What harmonics count as that sampling folds at half the rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Aliased {
    /// Harmonics, at the frequencies where they come to lie.
    #[default]
    Folded,
    /// Noise.
    Noise,
}

impl FromStr for Aliased {
    type Err = Error;

    /// `folded` or `noise`.
    fn from_str(text: &str) -> Result<Self> {
        match text {
            "folded" => Ok(Self::Folded),
            "noise" => Ok(Self::Noise),
            _ => Err(Error::invalid("aliased harmonics", text, "folded or noise")),
        }
    }
}

/// What to measure.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// How.
    pub method: Method,
    /// Highest harmonic that counts as one, 1 to [`MAX_HARMONIC`]; the fundamental is 1.
    pub highest_harmonic: u32,
    /// What harmonics beyond half the rate count as. For [`Method::Fit`].
    pub aliased: Aliased,
    /// Components nearer to the tone than this are no spurs, Hz.
    pub min_spur_distance_hz: f64,
    /// Upper limit of noise and harmonics in Hz, half the rate if none. For [`Method::Fit`].
    pub bandwidth_hz: Option<f64>,
    /// The tone's frequency, if it shall not be looked for; within half a line (rate / n) of the truth.
    pub frequency_hz: Option<f64>,
}

impl Default for Settings {
    /// Fit, harmonics 2 to 6 as in MATLAB, the whole band, the largest tone.
    fn default() -> Self {
        Self {
            method: Method::Fit,
            highest_harmonic: 6,
            aliased: Aliased::Folded,
            min_spur_distance_hz: 0.0,
            bandwidth_hz: None,
            frequency_hz: None,
        }
    }
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
    if !(1..=MAX_HARMONIC).contains(&settings.highest_harmonic) {
        return Err(Error::invalid("highest harmonic", settings.highest_harmonic, format!("1 to {MAX_HARMONIC}")));
    }
    let distance = settings.min_spur_distance_hz;
    if !(0.0..sample_rate_hz / 2.0).contains(&distance) {
        return Err(Error::invalid("distance of spurs", distance, "0 Hz and above, below half the rate"));
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

#[cfg(test)]
mod tests;
