//! Frequency weightings of noise, as power gains for spectral lines, and the dynamic range they serve.
//!
//! Curves: [`crate::hearing::curves`]. Source of CCIR-2k, the ITU-R curve set to 0 dB at 2 kHz: R. Dolby, D. Robinson,
//! K. Gundry, "CCIR/ARM", 1979.

use std::{fmt, ops::RangeInclusive, str::FromStr};

use super::{
    figure::{Absent, Figure},
    spectrum::{PowerSpectrum, Settings},
    tone::check_samples,
    window::Window,
};
use crate::hearing::curves::{a_db, c_db, itu_468_db};
use crate::{Error, Result};

/// A weighting of noise by frequency.
///
/// ```
/// use sqnr::analysis::weighting::Weighting;
///
/// let a: Weighting = "a".parse()?;
/// assert!(a.gain_db(1_000.0).abs() < 0.01 && (a.gain_db(100.0) + 19.1).abs() < 0.1);
/// # Ok::<(), sqnr::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Weighting {
    /// None.
    #[default]
    Flat,
    /// A, 0 dB at 1 kHz.
    A,
    /// C, 0 dB at 1 kHz.
    C,
    /// ITU-R BS.468, 0 dB at 1 kHz, +12.2 dB at 6.3 kHz. With RMS detection here, not with the standard's
    /// quasi-peak meter.
    Itu468,
    /// ITU-R BS.468 shifted to 0 dB at 2 kHz, RMS.
    Ccir2k,
}

/// Window of the spectrum that a dynamic range is read from.
pub const DYNAMIC_RANGE_WINDOW: Window = Window::BlackmanHarris7;

/// The 468 curve at 2 kHz over that at 1 kHz, dB, as ITU-R BS.468's users round it.
const CCIR_2K_OFFSET_DB: f64 = 5.629;

impl Weighting {
    /// Gain at a frequency, dB.
    pub fn gain_db(self, frequency_hz: f64) -> f64 {
        match self {
            Self::Flat => 0.0,
            Self::A => a_db(frequency_hz),
            Self::C => c_db(frequency_hz),
            Self::Itu468 => itu_468_db(frequency_hz),
            Self::Ccir2k => itu_468_db(frequency_hz) - CCIR_2K_OFFSET_DB,
        }
    }

    /// Gain at a frequency as a factor of power; 0 at DC for all but none.
    pub fn power_gain(self, frequency_hz: f64) -> f64 {
        10f64.powf(self.gain_db(frequency_hz) / 10.0)
    }

    /// Power of the lines up to `bandwidth_hz`, weighted; a mean square.
    pub fn power_of(self, spectrum: &PowerSpectrum, bandwidth_hz: f64) -> f64 {
        let lines = spectrum.power().iter().enumerate();
        let in_band = lines.map(|(k, p)| (spectrum.frequency_hz(k), p)).take_while(|(f, _)| *f <= bandwidth_hz);
        in_band.map(|(f, p)| p * self.power_gain(f)).sum()
    }

    /// The weighted level of `x` in dBFS, 0 dBFS being a sine of amplitude 1; minus infinity in silence, NaN for less than
    /// two samples.
    pub fn level_dbfs(self, x: &[f64], sample_rate_hz: f64) -> f64 {
        /// Samples of one spectrum: lines of 11 Hz, finer than any weighting curve bends.
        const N_FFT: usize = 4_096;
        let n_fft = N_FFT.min(x.len());
        let settings = Settings { n_fft, hop: n_fft.div_ceil(2), window: Window::Hann };
        match PowerSpectrum::of(x, sample_rate_hz, settings) {
            Ok(spectrum) => 10.0 * (2.0 * self.power_of(&spectrum, sample_rate_hz)).log10(),
            Err(_) => f64::NAN,
        }
    }
}

impl fmt::Display for Weighting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Flat => "flat",
            Self::A => "a",
            Self::C => "c",
            Self::Itu468 => "itu-468",
            Self::Ccir2k => "ccir-2k",
        })
    }
}

impl FromStr for Weighting {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        let all = [Self::Flat, Self::A, Self::C, Self::Itu468, Self::Ccir2k];
        all.into_iter()
            .find(|w| w.to_string() == name.to_ascii_lowercase())
            .ok_or_else(|| Error::invalid("weighting", name, "flat, a, c, itu-468 or ccir-2k"))
    }
}

/// The audio band, Hz.
pub const AES17_BAND_HZ: RangeInclusive<f64> = 20.0..=20_000.0;

/// Dynamic range in dB: full scale over the noise under a tone of -60 dBFS, the tone and DC notched out.
///
/// Spectrum of the whole record under the seven-term Blackman-Harris window; the notch takes seven lines each side of
/// tone and DC. `band_hz` is [`AES17_BAND_HZ`] in the standard.
///
/// Source: AES17-2020, 6.4 (there A-weighted by CCIR-RMS, a 468 curve).
///
/// ```
/// use sqnr::{analysis::weighting::{AES17_BAND_HZ, Weighting, dynamic_range_db}, generate};
///
/// let recipe = generate::TestSignal { level_dbfs: -60.0, snr_db: Some(40.0), ..Default::default() };
/// let tone = generate::signal(recipe)?;
/// // Noise 100 dB below full scale over 24 kHz, of which 20 kHz count.
/// let range_db = dynamic_range_db(&tone.channels()[0], 48_000.0, Weighting::Flat, AES17_BAND_HZ).unwrap();
/// assert!((range_db - 100.8).abs() < 0.2);
/// # Ok::<(), sqnr::Error>(())
/// ```
pub fn dynamic_range_db(x: &[f64], sample_rate_hz: f64, weighting: Weighting, band_hz: RangeInclusive<f64>) -> Figure {
    check_samples(x)?;
    let window = DYNAMIC_RANGE_WINDOW;
    let half = window.half_width_lines();
    let spectrum = PowerSpectrum::of_whole(x, sample_rate_hz, window)
        .map_err(|_| Absent::NotApplicable { needs: "a rate above zero and at most 2^26 samples" })?;
    let power = spectrum.power();
    let tone = (half + 1..power.len()).max_by(|&a, &b| power[a].total_cmp(&power[b]));
    let tone = tone.ok_or(Absent::TooShort { n_samples: x.len(), needed: 2 * half + 4 })?;
    let notched = |k: usize| k <= half || k.abs_diff(tone) <= half;
    let noise: f64 = (0..power.len())
        .filter(|&k| !notched(k) && band_hz.contains(&spectrum.frequency_hz(k)))
        .map(|k| power[k] * weighting.power_gain(spectrum.frequency_hz(k)))
        .sum();
    if noise > 0.0 { Ok(-10.0 * (2.0 * noise).log10()) } else { Err(Absent::NothingThere) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tone_at_1_khz_has_its_level_under_every_weighting() {
        let tone: Vec<f64> = (0..48_000).map(|i| (f64::from(i) * std::f64::consts::TAU / 48.0).sin()).collect();
        for weighting in [Weighting::Flat, Weighting::A, Weighting::C, Weighting::Itu468] {
            let level = weighting.level_dbfs(&tone, 48_000.0);
            assert!(level.abs() < 0.05, "{weighting}: {level}");
        }
        assert_eq!(Weighting::A.level_dbfs(&[0.0; 5_000], 48_000.0), f64::NEG_INFINITY);
    }

    #[test]
    fn curves_pass_the_tables_of_their_standards() {
        // IEC 61672-1 table 3 (A and C, at exact base-ten frequencies, rounded to 0.1 dB), ITU-R BS.468-4 table 1.
        for (weighting, f, db, tolerance) in [
            (Weighting::A, 31.623, -39.4, 0.06),
            (Weighting::A, 7943.3, -1.1, 0.06),
            (Weighting::C, 31.623, -3.0, 0.06),
            (Weighting::C, 15_848.9, -8.5, 0.06),
            (Weighting::Itu468, 6300.0, 12.2, 0.05),
            (Weighting::Itu468, 100.0, -19.8, 0.1),
            (Weighting::Itu468, 20_000.0, -22.2, 0.1),
            (Weighting::Ccir2k, 2000.0, 0.0, 0.03),
            (Weighting::Flat, 5.0, 0.0, 0.0),
        ] {
            let got = weighting.gain_db(f);
            assert!((got - db).abs() <= tolerance, "{weighting} at {f}: {got}");
        }
    }

    #[test]
    fn names_round_trip_and_dc_is_blocked() {
        for name in ["flat", "a", "c", "itu-468", "ccir-2k"] {
            let weighting: Weighting = name.parse().expect("known");
            assert_eq!(weighting.to_string(), name);
            assert!(weighting == Weighting::Flat || weighting.power_gain(0.0) == 0.0);
        }
        assert!("b".parse::<Weighting>().is_err());
    }

    #[test]
    fn bad_records_have_no_dynamic_range() {
        assert_eq!(dynamic_range_db(&[0.0; 99], 48e3, Weighting::A, AES17_BAND_HZ), Err(Absent::Silence));
        assert!(dynamic_range_db(&[0.1; 3], 48e3, Weighting::A, AES17_BAND_HZ).is_err());
        assert!(dynamic_range_db(&[0.1, 0.2], -1.0, Weighting::A, AES17_BAND_HZ).is_err());
    }
}
