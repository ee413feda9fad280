//! Noise-to-mask ratio per Bark band: how far the error lies above what the reference hides.
//!
//! ```text
//! |X|^2, |E|^2 -> Bark bands -> mask of X;  NMR = error / mask
//! ```
//!
//! The mask is that of [`crate::hearing::masking`], frame by frame. This is a plain measure, not the NMR of BS.1387.

use super::{
    figure::{Absent, Entry, Figure, filled, ratio_db},
    pair::{Frames, LSD_FRAME, LSD_HOP, Spectra},
};
use crate::{Error, Result, hearing::masking::BarkMask};

pub use crate::hearing::bark::bark;

/// Samples beyond this magnitude count as not finite: their squares would leave the range of the sums.
const MAX_MAGNITUDE: f64 = 1e100;
/// Samples of the frames whose spectra are compared.
pub const FRAME: usize = LSD_FRAME;
/// Every second of those that the log-spectral distance looks at.
const STRIDE: usize = 2;
/// Samples from one frame to the next.
pub const HOP: usize = STRIDE * LSD_HOP;

/// Noise-to-mask ratios of a pair.
#[derive(Debug, Clone, PartialEq)]
pub struct MaskingFigures {
    /// `10 log10` of the mean over frames and bands of error over mask; below zero the error should be hidden.
    pub nmr_db: Figure,
    /// The same per band, with the band's centre.
    pub bands: Vec<BandRatio>,
    n_frames: usize,
}

impl MaskingFigures {
    pub(crate) fn missing(why: Absent) -> Self {
        Self { nmr_db: Err(why), bands: Vec::new(), n_frames: 0 }
    }

    /// The ratio of all bands as an entry.
    pub fn entry(&self) -> Entry {
        let formula = filled("10 log10(mean of error / mask over frames and Bark bands)", self.nmr_db, |db| {
            let ratio = 10f64.powf(db / 10.0);
            format!("10 log10({ratio:.6e}), {} frames of {FRAME}, {} bands", self.n_frames, self.bands.len())
        });
        Entry::new(("nmr_db", "noise-to-mask ratio", "dB"), self.nmr_db, "nmr", formula)
    }
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

/// Compares the error of `y` with what `x` masks.
///
/// ```
/// use sqnr::analysis::masking::noise_to_mask;
///
/// let x: Vec<f64> = (0..48_000).map(|i| 0.5 * (0.3 * f64::from(i)).sin()).collect();
/// let rounded = |steps: f64| -> Vec<f64> { x.iter().map(|x| (x * steps).round() / steps).collect() };
/// let nmr_db = |steps| noise_to_mask(&x, &rounded(steps), 48_000.0).map(|figures| figures.nmr_db.unwrap());
/// // Six bits more: 36 dB less noise, and less of it audible.
/// assert!(nmr_db(64.0)? > nmr_db(4096.0)? + 20.0);
/// # Ok::<(), sqnr::Error>(())
/// ```
///
/// # Errors
/// `LengthMismatch` when the lengths differ, `InvalidParameter` for a rate not above zero.
pub fn noise_to_mask(x: &[f64], y: &[f64], sample_rate_hz: f64) -> Result<MaskingFigures> {
    if x.len() != y.len() {
        return Err(Error::LengthMismatch { what: "test signal", expected: x.len(), got: y.len() });
    }
    let mut meter = Meter::new(sample_rate_hz)?;
    let bad = |v: &f64| v.is_nan() || v.abs() > MAX_MAGNITUDE;
    let n_samples = x.iter().zip(y).filter(|(x, y)| bad(x) || bad(y)).count() as u64;
    if n_samples > 0 && x.len() >= FRAME {
        return Ok(MaskingFigures::missing(Absent::NotFinite { n_samples }));
    }
    let error: Vec<f64> = x.iter().zip(y).map(|(x, y)| y - x).collect();
    Frames::new().push(x, &error, |spectra| meter.push_spectra(spectra));
    Ok(meter.figures(x.len()))
}

/// Gathers error over mask, frame by frame. Meters of several channels merge.
///
/// ```
/// use sqnr::analysis::{masking::Meter, pair::Frames};
///
/// let (mut frames, mut meter) = (Frames::new(), Meter::new(48_000.0)?);
/// let x: Vec<f64> = (0..4_096).map(|i| 0.5 * (0.3 * f64::from(i)).sin()).collect();
/// let error: Vec<f64> = x.iter().map(|x| 1e-3 * x).collect();
/// frames.push(&x, &error, |spectra| meter.push_spectra(spectra));
/// assert!(meter.figures(4_096).nmr_db.unwrap() < -20.0);
/// # Ok::<(), sqnr::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Meter {
    bands: BarkMask,
    sums: Vec<BandSums>,
    n_frames: usize,
}

/// Sums over frames per band.
#[derive(Debug, Clone, Copy, Default)]
struct BandSums {
    ratio: f64,
    signal: f64,
    error: f64,
}

impl Meter {
    /// No frames yet.
    ///
    /// # Errors
    /// `InvalidParameter` for a rate not above zero.
    pub fn new(sample_rate_hz: f64) -> Result<Self> {
        if !(sample_rate_hz.is_finite() && sample_rate_hz > 0.0) {
            return Err(Error::invalid("sample rate", sample_rate_hz, "above 0 Hz"));
        }
        let bands = BarkMask::new(sample_rate_hz, FRAME);
        Ok(Self { sums: vec![BandSums::default(); bands.n_bands()], bands, n_frames: 0 })
    }

    /// Takes in every second frame: frames overlap by half here, by three quarters there.
    pub fn push_spectra(&mut self, spectra: &Spectra) {
        if !spectra.index.is_multiple_of(STRIDE) {
            return;
        }
        let (signal, noise) = (self.bands.band_powers(&spectra.reference), self.bands.band_powers(&spectra.error));
        let mask = self.bands.mask(&signal);
        for (i, sum) in self.sums.iter_mut().enumerate() {
            sum.ratio += noise[i] / mask[i];
            sum.signal += signal[i];
            sum.error += noise[i];
        }
        self.n_frames += 1;
    }

    /// Takes in what another channel's meter of the same rate gathered.
    pub fn merge(&mut self, other: &Self) {
        for (sum, other) in self.sums.iter_mut().zip(&other.sums) {
            sum.ratio += other.ratio;
            sum.signal += other.signal;
            sum.error += other.error;
        }
        self.n_frames += other.n_frames;
    }

    /// What the frames so far say.
    ///
    /// - `n_samples`: how many samples there were, for the reason where there is no frame
    pub fn figures(&self, n_samples: usize) -> MaskingFigures {
        let n_frames = self.n_frames;
        if n_frames == 0 {
            return MaskingFigures::missing(Absent::TooShort { n_samples, needed: FRAME });
        }
        let db = |ratio: f64| match ratio {
            ratio if ratio.is_nan() => Err(Absent::NotFinite { n_samples: n_samples as u64 }),
            ratio if ratio > 0.0 => Ok(10.0 * ratio.log10()),
            _ => Err(Absent::NoError),
        };
        let total = self.sums.iter().map(|s| s.ratio).sum::<f64>() / (n_frames * self.sums.len()) as f64;
        let of_band = |(i, s): (usize, &BandSums)| BandRatio {
            frequency_hz: BarkMask::centre_hz(i),
            nmr_db: db(s.ratio / n_frames as f64),
            snr_db: ratio_db(s.signal, s.error, Absent::NoError),
        };
        MaskingFigures { nmr_db: db(total), bands: self.sums.iter().enumerate().map(of_band).collect(), n_frames }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hearing::bark::hz_of_bark;
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
        // 1 kHz at 4 dB SPL is just heard: the threshold there is 3.4 dB SPL, and full scale plays at 92.
        let x = vec![0.0; 24_000];
        let amplitude = 10f64.powf((4.0 - 92.0) / 20.0);
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
