//! Pictures of converters: the spectrum of a record with one tone, and `linearity`.

use std::path::Path;

use sqnr::{
    analysis::{
        linearity::{FewSamples, Stimulus},
        tone,
    },
    report::plot::{
        Chart,
        linearity::{Linearity, WithUncertainty},
        tone::Tone,
    },
    task::{
        CodeOptions, ConverterRecord, SingleTone,
        picture::{self, Pair, Shown, Subject},
    },
};

use super::super::{adc::test::StimulusKind, exit::Failure, progress::FileProgress};

/// A tone with its harmonics where the input, or what a quantizer makes of it, is one, else averages over the whole.
pub fn spectrum(
    subject: &Subject,
    shown: Shown,
    settings: &tone::Settings,
    progress: &FileProgress,
) -> sqnr::Result<Chart> {
    let tone = match (shown, subject.reference) {
        (Shown::Input, _) => tone(subject, settings)?,
        (Shown::InputOutputError, None) => tone_of_output(subject.pair()?, settings, progress)?,
        _ => None,
    };
    match tone {
        Some(chart) => Ok(chart),
        None => picture::spectra(subject, shown, progress),
    }
}

/// The picture of a tone, its harmonics and the noise, if the input holds one.
fn tone(subject: &Subject, settings: &tone::Settings) -> sqnr::Result<Option<Chart>> {
    let info = subject.open()?.info().clone();
    let conditions = format!("{}{}", subject.audio.name(), subject.channel_of(&info));
    let tone = SingleTone::read(subject.audio, usize::from(subject.channel) - 1, settings)?;
    Ok(tone.map(|tone| chart(&tone, f64::from(info.spec.sample_rate_hz), conditions)))
}

/// The same of an output.
fn tone_of_output(pair: Pair, settings: &tone::Settings, progress: &FileProgress) -> sqnr::Result<Option<Chart>> {
    let (rate_hz, conditions) = (f64::from(pair.sample_rate_hz), pair.conditions.clone());
    let mut output = Vec::new();
    pair.each_block(progress, |_, y| {
        let room = SingleTone::MAX_SAMPLES.saturating_sub(output.len());
        output.extend_from_slice(&y[..room.min(y.len())]);
    })?;
    Ok(SingleTone::find(&output, rate_hz, settings)?.map(|tone| chart(&tone, rate_hz, conditions)))
}

fn chart(tone: &SingleTone, rate_hz: f64, mut conditions: String) -> Chart {
    if tone.n_samples == SingleTone::MAX_SAMPLES {
        conditions += &format!(" · the first {:.1} s", tone.n_samples as f64 / rate_hz);
    }
    Tone { conditions, spectrum: &tone.spectrum, figures: &tone.figures }.chart()
}

/// What is told of a converter's record.
pub struct LinearityOptions {
    pub stimulus: StimulusKind,
    pub codes: CodeOptions,
    pub few_samples: FewSamples,
}

/// DNL and INL of the converter that gave the codes of the input, and what the reader must know.
pub fn linearity(
    subject: &Subject,
    path: &Path,
    options: &LinearityOptions,
    progress: &FileProgress,
) -> Result<(Chart, Vec<String>), Failure> {
    let (name, stimulus) = match options.stimulus {
        StimulusKind::Sine => ("sine", Stimulus::Sine { amplitude_lsb: None }),
        StimulusKind::Ramp => ("ramp", Stimulus::Ramp { ends_lsb: None }),
        StimulusKind::TwoTone | StimulusKind::Noise => {
            return Err(Failure::usage("linearity is measured with --stimulus sine or ramp"));
        }
    };
    let wrong = |error| Failure::of(error, path);
    let channel = subject.channel_of(subject.open().map_err(wrong)?.info());
    let record = ConverterRecord::read(subject.audio, options.codes, progress).map_err(wrong)?;
    let figures = record.linearity(usize::from(subject.channel) - 1, stimulus, options.few_samples);
    if let Err(why) = figures.dnl_max_lsb {
        return Err(Failure::input(path, format!("no linearity: {why}")));
    }
    let bits = record.bits().unwrap_or(0);
    let half = 1i64 << bits.saturating_sub(1);
    let conditions =
        format!("{}{channel} · {bits} bits · histogram of a {name}, {} samples", subject.audio.name(), record.n_frames);
    let missing: Vec<i64> = figures.missing_codes.iter().flatten().map(|&code| code as i64 - half).collect();
    let first_code = figures.code_range.0 as i64 + 1 - half;
    // There is a transition more than there are widths: a gap makes both columns of one table.
    let dnl_lsb = [figures.dnl_lsb.as_slice(), &[f64::NAN]].concat();
    let dnl_uncertainty_lsb = [figures.dnl_uncertainty_lsb.as_slice(), &[f64::NAN]].concat();
    let chart = Linearity {
        conditions,
        first_code,
        dnl: WithUncertainty { values: &dnl_lsb, uncertainty: &dnl_uncertainty_lsb },
        inl: WithUncertainty { values: &figures.inl_best_fit_lsb, uncertainty: &figures.inl_best_fit_uncertainty_lsb },
        missing_codes: &missing,
    }
    .chart();
    let warnings = record.warnings.iter().cloned().chain(record.linearity_warnings(&figures, None)).collect();
    Ok((chart, warnings))
}
