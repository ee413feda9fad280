//! What a spectrum hides: excitation along the Bark scale, and the threshold in quiet.
//!
//! ```text
//! |X|^2 -> Bark bands -> spread along the scale -> less the offset, plus the threshold in quiet = mask
//! ```
//!
//! Bands of one Bark; a band's excitation falls 27 dB per Bark towards low frequencies and `24 + 230 Hz / f - 0.2 L` dB per
//! Bark towards high ones, L being the band's level in dB SPL when full scale plays at 92 dB. The mask lies 3 dB below the
//! excitation up to 12 Bark and a quarter dB per Bark above. The threshold in quiet is its floor. No time smearing, no outer
//! ear weighting.
//!
//! Sources: mask offset: ITU-R BS.1387-1, annex 2, 2.1.8; slopes: E. Terhardt, "Calculating virtual pitch",
//! 1979.

use super::bark::{bark, hz_of_bark};
use super::threshold::threshold_db_spl;

/// Playback level of a full-scale sine, dB SPL (ITU-R BS.1387-1, 2.1.2).
const FULL_SCALE_DB_SPL: f64 = 92.0;
/// Fall of the excitation towards low frequencies, dB per Bark.
const FALL_DOWN_DB: f64 = 27.0;

/// Threshold in quiet as a mean square of full scale: a tone of that power is just heard.
pub fn threshold_in_quiet(frequency_hz: f64) -> f64 {
    0.5 * 10f64.powf((threshold_db_spl(frequency_hz) - FULL_SCALE_DB_SPL) / 10.0)
}

/// The bands of frames of one length at one sample rate, and what is fixed about them.
///
/// ```
/// use sqnr::hearing::masking::BarkMask;
///
/// let bark = BarkMask::new(48_000.0, 2048);
/// let mut signal = vec![0.0; bark.n_bands()];
/// signal[8] = 1.0;
/// // A tone hides noise in its own band and in those beside it, more above than below.
/// let mask = bark.mask(&signal);
/// assert!(mask[8] > mask[9] && mask[9] > mask[7]);
/// ```
#[derive(Debug, Clone)]
pub struct BarkMask {
    /// First line of each band, and the end of the last.
    edges: Vec<usize>,
    /// Threshold in quiet of each band as a mean square of full scale.
    quiet: Vec<f64>,
    /// Mean square per unit of `|X|^2`.
    scale: f64,
}

impl BarkMask {
    /// For the power spectra of `frame` samples under a Hann window. Bands reach to 20 kHz or half the rate; `rate_hz` is
    /// above 0, `frame` at least 2.
    pub fn new(rate_hz: f64, frame: usize) -> Self {
        let top_hz = (rate_hz / 2.0).min(20_000.0);
        let n = (bark(top_hz).ceil() as usize).max(1);
        let line_hz = rate_hz / frame as f64;
        // DC belongs to no band.
        let line = |z: usize| ((hz_of_bark(z as f64) / line_hz).ceil() as usize).min(frame / 2 + 1).max(1);
        // Hann: sum w^2 = 3/8 N; both halves of the spectrum.
        let scale = 2.0 / (frame as f64 * 0.375 * frame as f64);
        let quiet = |i: usize| threshold_in_quiet(Self::centre_hz(i));
        Self { quiet: (0..n).map(quiet).collect(), edges: (0..=n).map(line).collect(), scale }
    }

    /// Number of bands.
    pub fn n_bands(&self) -> usize {
        self.quiet.len()
    }

    /// Centre of a band.
    pub fn centre_hz(band: usize) -> f64 {
        hz_of_bark(band as f64 + 0.5)
    }

    /// Mean square per band from `|X[k]|^2`, k = 0 to half the frame.
    pub fn band_powers(&self, power: &[f64]) -> Vec<f64> {
        self.edges.windows(2).map(|e| self.scale * power[e[0]..e[1].max(e[0])].iter().sum::<f64>()).collect()
    }

    /// Mean square that is just hidden in each band by signals of mean square `signal` per band.
    pub fn mask(&self, signal: &[f64]) -> Vec<f64> {
        let mut mask = self.quiet.clone();
        for (from, &power) in signal.iter().enumerate().filter(|(_, p)| **p > 0.0) {
            let level_db = 10.0 * (2.0 * power).log10() + FULL_SCALE_DB_SPL;
            let fall_up_db = (24.0 + 230.0 / Self::centre_hz(from) - 0.2 * level_db).max(4.0);
            for (to, mask) in mask.iter_mut().enumerate() {
                let distance = to as f64 - from as f64;
                let spread_db = if distance < 0.0 { FALL_DOWN_DB * distance } else { -fall_up_db * distance };
                let z = to as f64 + 0.5;
                let offset_db = if z <= 12.0 { 3.0 } else { 0.25 * z };
                *mask += power * 10f64.powf((spread_db - offset_db) / 10.0);
            }
        }
        mask
    }
}
