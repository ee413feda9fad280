//! Pictures of converters: the spectrum of a record with one tone, and `linearity`.

use sqnr::{
    analysis::{
        linearity::Stimulus,
        spectrum::PowerSpectrum,
        tone::{self, Settings},
        window::Window,
    },
    report::plot::{Chart, linearity::Linearity, tone::Tone},
    task::picture::{self, Pair, Shown, Subject},
};

use super::super::{
    adc::{record::Record, test::StimulusKind},
    exit::Failure,
    inputs::Input,
    progress::FileProgress,
};

/// Longest record drawn as that of one tone; of a longer one its start.
const MAX_TONE_SAMPLES: usize = 1 << 20;
/// Its side lobes lie 180 dB down: whatever is drawn and summed as noise is noise. Those of four terms, 92 dB down, would
/// add 9 dB to the noise of 16 bits.
const WINDOW: Window = Window::BlackmanHarris7;
const BLOCK: usize = 16_384;
/// A tone less than this above all else is a part of a sound, not a tone under test.
const LEAST_SINAD_DB: f64 = 20.0;

/// A tone with its harmonics where the input, or what a quantizer makes of it, is one, else averages over the whole.
pub fn spectrum(subject: &Subject, shown: Shown, progress: &FileProgress) -> sqnr::Result<Chart> {
    let tone = match (shown, subject.reference) {
        (Shown::Input, _) => tone(subject)?,
        (Shown::InputOutputError, None) => tone_of_output(subject.pair()?, progress)?,
        _ => None,
    };
    match tone {
        Some(chart) => Ok(chart),
        None => picture::spectra(subject, shown, progress),
    }
}

/// The picture of a tone, its harmonics and the noise, if the input holds one.
fn tone(subject: &Subject) -> sqnr::Result<Option<Chart>> {
    let mut file = subject.open()?;
    let rate_hz = f64::from(file.info().spec.sample_rate_hz);
    let (mut x, mut block) = (Vec::new(), Vec::new());
    while x.len() < MAX_TONE_SAMPLES && file.read_planar(&mut block, BLOCK)? > 0 {
        x.extend_from_slice(&block[usize::from(subject.channel) - 1]);
    }
    let conditions = format!("{}{}", subject.audio.name(), subject.channel_of(file.info()));
    tone_in(&x, rate_hz, conditions)
}

/// The same of an output.
fn tone_of_output(pair: Pair, progress: &FileProgress) -> sqnr::Result<Option<Chart>> {
    let (rate_hz, conditions) = (f64::from(pair.sample_rate_hz), pair.conditions.clone());
    let mut output = Vec::new();
    pair.each_block(progress, |_, y| {
        let room = MAX_TONE_SAMPLES.saturating_sub(output.len());
        output.extend_from_slice(&y[..room.min(y.len())]);
    })?;
    tone_in(&output, rate_hz, conditions)
}

fn tone_in(x: &[f64], rate_hz: f64, mut conditions: String) -> sqnr::Result<Option<Chart>> {
    let x = &x[..x.len().min(MAX_TONE_SAMPLES)];
    let figures = tone::analyse(x, rate_hz, &Settings::default())?.figures;
    if !figures.sinad_db.is_ok_and(|sinad| sinad >= LEAST_SINAD_DB) {
        return Ok(None);
    }
    if x.len() == MAX_TONE_SAMPLES {
        conditions += &format!(" · the first {:.1} s", x.len() as f64 / rate_hz);
    }
    let spectrum = PowerSpectrum::of_whole(x, rate_hz, WINDOW)?;
    Ok(Some(Tone { conditions, spectrum: &spectrum, figures: &figures }.chart()))
}

/// DNL and INL of the converter that gave the codes of the input.
pub fn linearity(
    subject: &Subject,
    input: &Input,
    stimulus: StimulusKind,
    bits: Option<u32>,
    progress: &FileProgress,
) -> Result<Chart, Failure> {
    let (name, stimulus) = match stimulus {
        StimulusKind::Sine => ("sine", Stimulus::Sine { amplitude_lsb: None }),
        StimulusKind::Ramp => ("ramp", Stimulus::Ramp { ends_lsb: None }),
        StimulusKind::TwoTone | StimulusKind::Noise => {
            return Err(Failure::usage("linearity is measured with --stimulus sine or ramp"));
        }
    };
    let wrong = |error| Failure::of(error, &input.path);
    let channel = subject.channel_of(subject.open().map_err(wrong)?.info());
    let record = Record::read(input, bits, progress)?;
    let figures = record.linearity(usize::from(subject.channel) - 1, stimulus);
    if let Err(why) = figures.dnl_max_lsb {
        return Err(Failure::input(&input.path, format!("no linearity: {why}")));
    }
    let bits = record.bits().unwrap_or(0);
    let half = 1i64 << bits.saturating_sub(1);
    let conditions =
        format!("{}{channel} · {bits} bits · histogram of a {name}, {} samples", input.display(), record.n_frames);
    let missing: Vec<i64> = figures.missing_codes.iter().flatten().map(|&code| code as i64 - half).collect();
    let first_code = figures.code_range.0 as i64 + 1 - half;
    // There is a transition more than there are widths: a gap makes both columns of one table.
    let dnl_lsb = [figures.dnl_lsb.as_slice(), &[f64::NAN]].concat();
    Ok(Linearity {
        conditions,
        first_code,
        dnl_lsb: &dnl_lsb,
        inl_lsb: &figures.inl_best_fit_lsb,
        missing_codes: &missing,
    }
    .chart())
}
