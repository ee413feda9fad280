//! Averaged spectra of whole files in constant memory; of a file shorter than a frame, one frame over all of it.

use sqnr::analysis::spectrum::{Averaged, PowerSpectrum};

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
    let finished = |averaged: Averaged| averaged.finish().map_err(|error| Failure::compute(&path, error));
    Ok((finished(signal)?, finished(error)?))
}
