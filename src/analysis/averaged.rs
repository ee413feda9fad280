//! Averaged spectra of whole files in constant memory; of a file shorter than a frame, one frame over all of it.

use super::spectrum::{PowerSpectrum, Settings, Welch};
use crate::{Error, Result};

/// An average over frames that keeps the start, should there be less than a frame.
pub struct Averaged {
    welch: Welch,
    sample_rate_hz: f64,
    start: Vec<f64>,
}

impl Averaged {
    /// An average without samples.
    ///
    /// # Errors
    /// `InvalidParameter` for a rate of 0.
    pub fn new(sample_rate_hz: u32) -> Result<Self> {
        let sample_rate_hz = f64::from(sample_rate_hz);
        Ok(Self { welch: Welch::new(sample_rate_hz, Settings::default())?, sample_rate_hz, start: Vec::new() })
    }

    /// Takes samples in.
    pub fn push(&mut self, x: &[f64]) {
        let room = Settings::default().n_fft - self.start.len();
        self.start.extend(&x[..room.min(x.len())]);
        self.welch.push(x);
    }

    /// The spectrum of all samples so far.
    ///
    /// # Errors
    /// `NoResult` for less than two samples.
    pub fn finish(self) -> Result<PowerSpectrum> {
        let Settings { n_fft, window, .. } = Settings::default();
        match self.start.len() {
            0..2 => Err(Error::NoResult { what: "is too short for a spectrum; 2 samples are the least".into() }),
            n if n < n_fft => PowerSpectrum::of_whole(&self.start, self.sample_rate_hz, window),
            _ => self.welch.finish(),
        }
    }
}
