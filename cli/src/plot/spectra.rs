//! Averaged spectra of whole files in constant memory; of a file shorter than a frame, one frame over all of it.

use std::path::Path;

use sqnr::analysis::spectrum::{PowerSpectrum, Settings, Welch};

use super::{
    super::{exit::Failure, progress::FileProgress},
    pair::Pair,
};

/// The spectra of the input and of the error (output minus input).
pub fn of_pair(pair: Pair, progress: &FileProgress) -> Result<(PowerSpectrum, PowerSpectrum), Failure> {
    let path = pair.path.clone();
    let rate_hz = pair.sample_rate_hz;
    let start = || Averaged::new(rate_hz).map_err(|error| Failure::compute(&path, error));
    let (mut signal, mut error) = (start()?, start()?);
    let mut difference = Vec::new();
    pair.each_block(progress, |x, y| {
        difference.clear();
        difference.extend(x.iter().zip(y).map(|(x, y)| y - x));
        signal.push(x);
        error.push(&difference);
    })?;
    Ok((signal.finish(&path)?, error.finish(&path)?))
}

/// An average over frames that keeps the start, should there be less than a frame.
pub struct Averaged {
    welch: Welch,
    sample_rate_hz: f64,
    start: Vec<f64>,
}

impl Averaged {
    /// An average without samples.
    pub fn new(sample_rate_hz: u32) -> sqnr::Result<Self> {
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
    pub fn finish(self, path: &Path) -> Result<PowerSpectrum, Failure> {
        let Settings { n_fft, window, .. } = Settings::default();
        let spectrum = match self.start.len() {
            0..2 => return Err(Failure::input(path, "is too short for a spectrum; 2 samples are the least")),
            n if n < n_fft => PowerSpectrum::of_whole(&self.start, self.sample_rate_hz, window),
            _ => self.welch.finish(),
        };
        spectrum.map_err(|error| Failure::compute(path, error))
    }
}
