//! Kinds `wave`, `spectrogram` and averaged `spectrum`: an input alone, or input, output and error beside one another.

use sqnr::{
    analysis::{
        envelope::Envelope,
        spectrogram::{Builder, Spectrogram},
        spectrum::{Averaged, PowerSpectrum, Settings},
    },
    report::plot::{
        Chart, Ink, Scale,
        spectrogram::{Spectrograms, Titled},
        spectrum::{Spectrum, Trace},
        wave::{Track, Wave, Zoom},
    },
};

use super::{
    super::{exit::Failure, progress::FileProgress, source},
    pair::Source,
};

/// Samples per block read.
const BLOCK: usize = 8_192;
/// Panels where there is an output: their names.
const PAIR: [&str; 3] = ["Input", "Output", "Error"];
const INKS: [Ink; 3] = [Ink::Signal, Ink::Third, Ink::Error];

/// Whether the picture shows the input alone or what became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    Input,
    InputOutputError,
}

/// What was read: conditions, rate, and the stages with what was gathered of each.
struct Gathered<T> {
    conditions: String,
    sample_rate_hz: f64,
    /// One, or input, output and error.
    stages: Vec<T>,
}

/// The waveforms.
pub fn wave(source: &Source, shown: Shown, progress: &FileProgress) -> Result<Chart, Failure> {
    let gathered = gather(source, shown, progress, |_, _| Ok(Envelope::default()), Envelope::push)?;
    let mut values_of_samples = 1;
    let finished: Vec<Vec<f64>> = gathered
        .stages
        .into_iter()
        .map(|envelope| {
            let (values, samples_each) = envelope.finish();
            values_of_samples = samples_each;
            values
        })
        .collect();
    let tracks = finished.iter().enumerate().map(|(i, samples)| Track {
        name: if shown == Shown::Input { String::new() } else { PAIR[i].into() },
        samples,
        ink: INKS[i],
        zoom: if i == 2 { Zoom::Fitted } else { Zoom::FullScale },
    });
    let merged = match values_of_samples {
        1 => String::new(),
        n => format!(" · least and greatest of every {} samples", 2 * n),
    };
    let sample_rate_hz = gathered.sample_rate_hz / values_of_samples as f64;
    let conditions = gathered.conditions + &merged;
    Ok(Wave { conditions, sample_rate_hz, start_s: 0.0, tracks: tracks.collect() }.chart())
}

/// The spectrograms, on one scale of colours.
pub fn spectrogram(source: &Source, shown: Shown, progress: &FileProgress) -> Result<Chart, Failure> {
    let start = |rate_hz: f64, n_frames: Option<u64>| Builder::new(rate_hz, resolution(rate_hz, n_frames));
    let gathered = gather(source, shown, progress, start, Builder::push)?;
    let taken: sqnr::Result<Vec<Spectrogram>> = gathered.stages.into_iter().map(Builder::finish).collect();
    let taken = taken.map_err(|error| Failure::compute(&source.input.path, error))?;
    let titles = if shown == Shown::Input { [""; 3] } else { PAIR };
    let panels =
        taken.iter().zip(titles).map(|(spectrogram, title)| Titled { title: title.into(), spectrogram }).collect();
    Ok(Spectrograms { conditions: gathered.conditions, panels, frequency: Scale::Linear }.chart())
}

/// Averages over the whole, a trace each.
pub fn spectra(source: &Source, shown: Shown, progress: &FileProgress) -> Result<Chart, Failure> {
    let start = |rate_hz: f64, _| Averaged::new(rate_hz as u32);
    let gathered = gather(source, shown, progress, start, Averaged::push)?;
    let taken: sqnr::Result<Vec<PowerSpectrum>> = gathered.stages.into_iter().map(Averaged::finish).collect();
    let taken = taken.map_err(|error| Failure::compute(&source.input.path, error))?;
    let name = |i: usize| if shown == Shown::Input { source.input.display() } else { PAIR[i].into() };
    let traces = taken.iter().enumerate().map(|(i, spectrum)| Trace { name: name(i), spectrum, ink: INKS[i] });
    Ok(Spectrum { conditions: gathered.conditions, traces: traces.collect() }.chart())
}

/// Frames of about 43 ms, 2048 samples at 48 kHz; shorter ones where the whole file has few of those.
fn resolution(rate_hz: f64, n_frames: Option<u64>) -> Settings {
    let usual = (rate_hz * 2048.0 / 48_000.0).clamp(64.0, 16_384.0) as usize;
    let for_short = n_frames.map_or(usize::MAX, |n| (n / 32).clamp(64, 1 << 16) as usize);
    let n_fft = usual.min(for_short).next_power_of_two();
    Settings { n_fft, hop: n_fft / 4, ..Settings::default() }
}

/// Reads to the end; `start` makes what gathers one stage, `push` gives it samples.
fn gather<T>(
    source: &Source,
    shown: Shown,
    progress: &FileProgress,
    start: impl Fn(f64, Option<u64>) -> sqnr::Result<T>,
    push: impl Fn(&mut T, &[f64]),
) -> Result<Gathered<T>, Failure> {
    let begin = |n: usize, rate_hz: u32, n_frames: Option<u64>| -> Result<Vec<T>, Failure> {
        let stages: sqnr::Result<Vec<T>> = (0..n).map(|_| start(f64::from(rate_hz), n_frames)).collect();
        stages.map_err(|error| Failure::compute(&source.input.path, error))
    };
    if shown == Shown::InputOutputError {
        let pair = source.pair()?;
        let mut stages = begin(3, pair.sample_rate_hz, pair.n_frames())?;
        let (conditions, sample_rate_hz) = (pair.conditions.clone(), f64::from(pair.sample_rate_hz));
        let mut error = Vec::new();
        pair.each_block(progress, |x, y| {
            error.clear();
            error.extend(x.iter().zip(y).map(|(x, y)| y - x));
            stages.iter_mut().zip([x, y, &error]).for_each(|(stage, samples)| push(stage, samples));
        })?;
        return Ok(Gathered { conditions, sample_rate_hz, stages });
    }
    let mut file = source.open()?;
    let (rate_hz, n_frames) = (file.info().spec.sample_rate_hz, file.info().n_frames);
    let conditions = format!("{}{}", source.input.display(), source.channel_of(file.info()));
    let mut stages = begin(1, rate_hz, n_frames)?;
    let (mut block, mut done) = (Vec::new(), 0);
    loop {
        let n = file.read_planar(&mut block, BLOCK).map_err(|error| source::unreadable(source.input, error))?;
        if n == 0 {
            return Ok(Gathered { conditions, sample_rate_hz: f64::from(rate_hz), stages });
        }
        push(&mut stages[0], &block[usize::from(source.channel) - 1]);
        done += n as u64;
        progress.at(done, n_frames, rate_hz);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_files_get_short_frames() {
        assert_eq!(resolution(48_000.0, None).n_fft, 2048);
        assert_eq!(resolution(192_000.0, Some(1 << 30)).n_fft, 8192);
        assert_eq!(resolution(48_000.0, Some(4_000)).n_fft, 128);
        assert_eq!(resolution(8_000.0, Some(1)).n_fft, 64);
    }
}
