//! Waves, spectrograms and averaged spectra: an input alone, or input, output and error beside one another.

use crate::{
    Progress, Result,
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

use super::{Subject, each_block};

/// Panels where there is an output: their names.
const PAIR: [&str; 3] = ["Input", "Output", "Error"];
const INKS: [Ink; 3] = [Ink::Signal, Ink::Third, Ink::Error];

/// Whether the picture shows the input alone, or input, output and error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// The input.
    Input,
    /// Input, output and error beside one another.
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
///
/// # Errors
/// `NoResult` for too few samples; what reading meets.
pub fn wave(subject: &Subject, shown: Shown, progress: &dyn Progress) -> Result<Chart> {
    let gathered = gather(subject, shown, progress, |_, _| Ok(Envelope::default()), Envelope::push)?;
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
///
/// ```
/// use sqnr::{chain::Plan, generate, task::picture::{Shown, Subject, spectrogram}};
///
/// let tone = generate::signal(Default::default())?;
/// let plan = Plan::new(&"uniform bits=8".parse()?)?;
/// let subject = Subject { audio: &tone, plan: &plan, reference: None, channel: 1 };
/// // Input, output, error.
/// assert_eq!(spectrogram(&subject, Shown::InputOutputError, &())?.panels.len(), 3);
/// # Ok::<(), sqnr::Error>(())
/// ```
///
/// # Errors
/// `NoResult` for too few samples; what reading meets.
pub fn spectrogram(subject: &Subject, shown: Shown, progress: &dyn Progress) -> Result<Chart> {
    let start = |rate_hz: f64, n_frames: Option<u64>| Builder::new(rate_hz, resolution(rate_hz, n_frames));
    let gathered = gather(subject, shown, progress, start, Builder::push)?;
    let taken: Result<Vec<Spectrogram>> = gathered.stages.into_iter().map(Builder::finish).collect();
    let taken = taken?;
    let titles = if shown == Shown::Input { [""; 3] } else { PAIR };
    let panels =
        taken.iter().zip(titles).map(|(spectrogram, title)| Titled { title: title.into(), spectrogram }).collect();
    Ok(Spectrograms { conditions: gathered.conditions, panels, frequency: Scale::Linear }.chart())
}

/// Averages over the whole, a trace each.
///
/// # Errors
/// `NoResult` for too few samples; what reading meets.
pub fn spectra(subject: &Subject, shown: Shown, progress: &dyn Progress) -> Result<Chart> {
    let start = |rate_hz: f64, _| Averaged::new(rate_hz as u32);
    let gathered = gather(subject, shown, progress, start, Averaged::push)?;
    let taken: Result<Vec<PowerSpectrum>> = gathered.stages.into_iter().map(Averaged::finish).collect();
    let taken = taken?;
    let name = |i: usize| if shown == Shown::Input { subject.audio.name() } else { PAIR[i].into() };
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
    subject: &Subject,
    shown: Shown,
    progress: &dyn Progress,
    start: impl Fn(f64, Option<u64>) -> Result<T>,
    push: impl Fn(&mut T, &[f64]),
) -> Result<Gathered<T>> {
    if shown == Shown::Input {
        let info = subject.open()?.info().clone();
        let sample_rate_hz = f64::from(info.spec.sample_rate_hz);
        let mut stage = start(sample_rate_hz, info.n_frames)?;
        each_block(subject, progress, |x| push(&mut stage, x))?;
        let conditions = format!("{}{}", subject.audio.name(), subject.channel_of(&info));
        return Ok(Gathered { conditions, sample_rate_hz, stages: vec![stage] });
    }
    let pair = subject.pair()?;
    let (conditions, sample_rate_hz) = (pair.conditions.clone(), f64::from(pair.sample_rate_hz));
    let mut stages = (0..3).map(|_| start(sample_rate_hz, pair.n_frames())).collect::<Result<Vec<T>>>()?;
    let mut error = Vec::new();
    pair.each_block(progress, |x, y| {
        error.clear();
        error.extend(x.iter().zip(y).map(|(x, y)| y - x));
        stages.iter_mut().zip([x, y, &error]).for_each(|(stage, samples)| push(stage, samples));
    })?;
    Ok(Gathered { conditions, sample_rate_hz, stages })
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
