//! Noise-to-mask ratio per Bark band: how far the error lies above what the reference hides.
//!
//! ```text
//! |X|^2, |E|^2 -> Bark bands -> spread along the scale -> less the offset = mask;  NMR = error / mask
//! ```
//!
//! Bands of one Bark; the reference's excitation falls 27 dB per Bark towards low frequencies and
//! `24 + 230 Hz / f - 0.2 L` dB per Bark towards high ones, L being the band's level in dB SPL when full scale plays at
//! 92 dB. The mask lies 3 dB below the excitation up to 12 Bark and a quarter dB per Bark above. The threshold in quiet
//! is the floor of the mask. A plain measure of its own, not the standard's NMR: no time smearing, no outer ear weighting.
//!
//! Sources: Bark scale and mask offset: ITU-R BS.1387-1, annex 2, 2.1.5 and 2.1.8; slopes: E. Terhardt, "Calculating
//! virtual pitch", 1979; threshold in quiet: the same, eq. 4.

use super::{
    figure::{Absent, Figure},
    pair::PairSpectra,
};
use crate::{Error, Result};

/// Samples beyond this magnitude count as not finite.
const MAX_MAGNITUDE: f64 = 1e100;
const FRAME: usize = 2048;
const HOP: usize = 1024;
/// Playback level of a full-scale sine, dB SPL (ITU-R BS.1387-1, 2.1.2).
const FULL_SCALE_DB_SPL: f64 = 92.0;

/// Noise-to-mask ratios of a pair.
#[derive(Debug, Clone, PartialEq)]
pub struct MaskingFigures {
    /// `10 log10` of the mean over frames and bands of error over mask; below zero the error should be hidden.
    pub nmr_db: Figure,
    /// The same per band, with the band's centre.
    pub bands: Vec<BandRatio>,
}

/// Noise-to-mask ratio of a band.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BandRatio {
    /// Centre of the band.
    pub frequency_hz: f64,
    /// Noise-to-mask ratio, dB.
    pub nmr_db: Figure,
    /// Signal over error in the band, dB.
    pub snr_db: Figure,
}

/// Position on the Bark scale, ITU-R BS.1387-1: `7 asinh(f / 650)`.
pub fn bark(frequency_hz: f64) -> f64 {
    7.0 * (frequency_hz / 650.0).asinh()
}

fn hz_of_bark(bark: f64) -> f64 {
    650.0 * (bark / 7.0).sinh()
}

/// Compares the error of `y` with what `x` masks.
///
/// # Errors
/// `LengthMismatch` when the lengths differ, `InvalidParameter` for a rate not above zero.
pub fn noise_to_mask(x: &[f64], y: &[f64], sample_rate_hz: f64) -> Result<MaskingFigures> {
    if x.len() != y.len() {
        return Err(Error::LengthMismatch { what: "test signal", expected: x.len(), got: y.len() });
    }
    if !(sample_rate_hz.is_finite() && sample_rate_hz > 0.0) {
        return Err(Error::invalid("sample rate", sample_rate_hz, "above 0 Hz"));
    }
    if x.len() < FRAME {
        return Ok(MaskingFigures {
            nmr_db: Err(Absent::TooShort { n_samples: x.len(), needed: FRAME }),
            bands: Vec::new(),
        });
    }
    // Squares beyond the range of the sums would make NaN of a ratio.
    let bad = |v: &f64| v.is_nan() || v.abs() > MAX_MAGNITUDE;
    let n_samples = x.iter().zip(y).filter(|(x, y)| bad(x) || bad(y)).count() as u64;
    if n_samples > 0 {
        return Ok(MaskingFigures { nmr_db: Err(Absent::NotFinite { n_samples }), bands: Vec::new() });
    }
    Ok(measure(x, y, sample_rate_hz))
}

/// Sums over frames per band.
#[derive(Clone, Copy, Default)]
struct BandSums {
    ratio: f64,
    signal: f64,
    error: f64,
}

fn measure(x: &[f64], y: &[f64], rate: f64) -> MaskingFigures {
    let bands = Bands::new(rate);
    let mut spectra = PairSpectra::new(FRAME);
    let mut sums = vec![BandSums::default(); bands.n];
    let mut error = vec![0.0; FRAME];
    let starts = (0..=x.len() - FRAME).step_by(HOP);
    let n_frames = starts.clone().count() as f64;
    for start in starts {
        let frame = start..start + FRAME;
        error.iter_mut().zip(&x[frame.clone()]).zip(&y[frame.clone()]).for_each(|((e, x), y)| *e = y - x);
        let (p_x, p_e) = spectra.powers(&x[frame], &error);
        // One transform of both leaves the signal's rounding in an error of zero.
        let scale = if error.iter().any(|e| *e != 0.0) { 1.0 } else { 0.0 };
        let (signal, noise) = (bands.sum(p_x), bands.sum(p_e));
        let mask = bands.mask(&signal);
        for (i, sum) in sums.iter_mut().enumerate() {
            sum.ratio += scale * noise[i] / mask[i];
            sum.signal += signal[i];
            sum.error += scale * noise[i];
        }
    }
    let db = |ratio: f64| if ratio > 0.0 { Ok(10.0 * ratio.log10()) } else { Err(Absent::NoError) };
    let total = sums.iter().map(|s| s.ratio).sum::<f64>() / (n_frames * bands.n as f64);
    let of_band = |(i, s): (usize, &BandSums)| BandRatio {
        frequency_hz: hz_of_bark(i as f64 + 0.5),
        nmr_db: db(s.ratio / n_frames),
        snr_db: super::figure::ratio_db(s.signal, s.error, Absent::NoError),
    };
    MaskingFigures { nmr_db: db(total), bands: sums.iter().enumerate().map(of_band).collect() }
}

/// The bands, and what is fixed about them.
struct Bands {
    n: usize,
    /// First line of each band, and the end of the last.
    edges: Vec<usize>,
    /// Threshold in quiet of each band as a mean square of full scale.
    quiet: Vec<f64>,
    /// Mean square per unit of `|X|^2`.
    scale: f64,
}

impl Bands {
    fn new(rate: f64) -> Self {
        let top_hz = (rate / 2.0).min(20_000.0);
        let n = (bark(top_hz).ceil() as usize).max(1);
        let line_hz = rate / FRAME as f64;
        let line = |z: f64| ((hz_of_bark(z) / line_hz).ceil() as usize).min(FRAME / 2 + 1);
        let mut edges: Vec<usize> = (0..=n).map(|i| line(i as f64)).collect();
        // DC belongs to no band.
        edges.iter_mut().for_each(|e| *e = (*e).max(1));
        let quiet = |i: usize| {
            let khz = hz_of_bark(i as f64 + 0.5) / 1000.0;
            let db_spl = 3.64 * khz.powf(-0.8) - 6.5 * (-0.6 * (khz - 3.3).powi(2)).exp() + 1e-3 * khz.powi(4);
            0.5 * 10f64.powf((db_spl - FULL_SCALE_DB_SPL) / 10.0)
        };
        // Hann: sum w^2 = 3/8 N; both halves of the spectrum.
        let scale = 2.0 / (FRAME as f64 * 0.375 * FRAME as f64);
        Self { n, quiet: (0..n).map(quiet).collect(), edges, scale }
    }

    /// Mean square per band.
    fn sum(&self, power: &[f64]) -> Vec<f64> {
        self.edges.windows(2).map(|e| self.scale * power[e[0]..e[1].max(e[0])].iter().sum::<f64>()).collect()
    }

    fn mask(&self, signal: &[f64]) -> Vec<f64> {
        let mut mask = self.quiet.clone();
        for (from, &power) in signal.iter().enumerate().filter(|(_, p)| **p > 0.0) {
            let centre_hz = hz_of_bark(from as f64 + 0.5);
            let level_db = 10.0 * (2.0 * power).log10() + FULL_SCALE_DB_SPL;
            let up_db = (24.0 + 230.0 / centre_hz - 0.2 * level_db).max(4.0);
            for (to, mask) in mask.iter_mut().enumerate() {
                let distance = to as f64 - from as f64;
                let spread_db = if distance < 0.0 { 27.0 * distance } else { -up_db * distance };
                let z = to as f64 + 0.5;
                let offset_db = if z <= 12.0 { 3.0 } else { 0.25 * z };
                *mask += power * 10f64.powf((spread_db - offset_db) / 10.0);
            }
        }
        mask
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    fn tone(hz: f64, amplitude: f64) -> Vec<f64> {
        (0..24_000).map(|n| amplitude * (TAU * hz * f64::from(n) / 48_000.0).sin()).collect()
    }

    fn nmr(x: &[f64], e: &[f64]) -> f64 {
        let y: Vec<f64> = x.iter().zip(e).map(|(x, e)| x + e).collect();
        noise_to_mask(x, &y, 48_000.0).expect("legal").nmr_db.expect("an error")
    }

    #[test]
    fn error_near_the_tone_is_hidden_better_than_far_off() {
        let x = tone(1000.0, 0.3);
        let near = nmr(&x, &tone(1050.0, 1e-3));
        let below = nmr(&x, &tone(200.0, 1e-3));
        assert!(below > near + 20.0, "{near} {below}");
    }

    #[test]
    fn the_ratio_follows_the_error_level() {
        let x = tone(1000.0, 0.3);
        let quiet = nmr(&x, &tone(3000.0, 1e-4));
        let loud = nmr(&x, &tone(3000.0, 1e-3));
        assert!((loud - quiet - 20.0).abs() < 1e-6);
    }

    #[test]
    fn in_silence_the_threshold_in_quiet_masks() {
        // 1 kHz at 4 dB SPL is just heard: the threshold there is 3.4 dB SPL.
        let x = vec![0.0; 24_000];
        let amplitude = 10f64.powf((4.0 - FULL_SCALE_DB_SPL) / 20.0);
        let figures = noise_to_mask(&x, &tone(1000.0, amplitude), 48_000.0).expect("legal");
        let loudest = figures.bands.iter().filter_map(|b| b.nmr_db.ok()).fold(f64::NEG_INFINITY, f64::max);
        assert!(loudest.abs() < 1.5, "{loudest}");
    }

    #[test]
    fn bark_scale_and_bad_input() {
        assert!((bark(hz_of_bark(8.5)) - 8.5).abs() < 1e-12);
        assert!(noise_to_mask(&[0.0; 99], &[0.0; 99], 48e3).expect("legal").nmr_db.is_err());
        assert!(noise_to_mask(&[0.0], &[], 48e3).is_err());
        let x = tone(1000.0, 0.1);
        assert_eq!(noise_to_mask(&x, &x, 48e3).expect("legal").nmr_db, Err(Absent::NoError));
        assert!(noise_to_mask(&x, &x, 8e3).expect("legal").bands.len() < 20);
        let mut bad = x.clone();
        bad[7] = f64::NAN;
        assert_eq!(noise_to_mask(&x, &bad, 48e3).expect("legal").nmr_db, Err(Absent::NotFinite { n_samples: 1 }));
    }
}
