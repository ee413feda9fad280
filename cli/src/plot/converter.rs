//! Pictures of converters: the spectrum of a record with one tone, and `linearity`.

use sqnr::{
    analysis::linearity::Stimulus,
    report::plot::{Chart, linearity::Linearity, tone::Tone},
    task::{ConverterRecord, SingleTone},
};

use super::{
    super::{
        adc::test::StimulusKind,
        exit::Failure,
        progress::FileProgress,
        source::{Passes, Rereadable},
    },
    pair::{Pair, Source},
};

/// The picture of a tone, its harmonics and the noise, if the input holds one.
pub fn tone(source: &Source) -> Result<Option<Chart>, Failure> {
    let file = Rereadable::new(source.input, Passes::Several)?;
    let first = file.open()?;
    source.check_channel(&first)?;
    let rate_hz = f64::from(first.info().spec.sample_rate_hz);
    let conditions = format!("{}{}", source.input.display(), source.channel_of(first.info()));
    let tone = SingleTone::read(&file, usize::from(source.channel) - 1);
    let tone = tone.map_err(|error| Failure::of(error, &source.input.path))?;
    Ok(tone.map(|tone| chart(&tone, rate_hz, conditions)))
}

/// The same of an output.
pub fn tone_of_output(pair: Pair, progress: &FileProgress) -> Result<Option<Chart>, Failure> {
    let (path, rate_hz, conditions) = (pair.path.clone(), f64::from(pair.sample_rate_hz), pair.conditions.clone());
    let mut output = Vec::new();
    pair.each_block(progress, |_, y| {
        let room = SingleTone::MAX_SAMPLES.saturating_sub(output.len());
        output.extend_from_slice(&y[..room.min(y.len())]);
    })?;
    let tone = SingleTone::find(&output, rate_hz).map_err(|error| Failure::compute(&path, error))?;
    Ok(tone.map(|tone| chart(&tone, rate_hz, conditions)))
}

fn chart(tone: &SingleTone, rate_hz: f64, mut conditions: String) -> Chart {
    if tone.n_samples == SingleTone::MAX_SAMPLES {
        conditions += &format!(" · the first {:.1} s", tone.n_samples as f64 / rate_hz);
    }
    Tone { conditions, spectrum: &tone.spectrum, figures: &tone.figures }.chart()
}

/// DNL and INL of the converter that gave the codes of the input.
pub fn linearity(
    source: &Source,
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
    let file = Rereadable::new(source.input, Passes::Several)?;
    let first = file.open()?;
    source.check_channel(&first)?;
    let channel = source.channel_of(first.info());
    let record = ConverterRecord::read(&file, bits, progress);
    let record = record.map_err(|error| Failure::of(error, &source.input.path))?;
    let figures = record.linearity(usize::from(source.channel) - 1, stimulus);
    if let Err(why) = figures.dnl_max_lsb {
        return Err(Failure::input(&source.input.path, format!("no linearity: {why}")));
    }
    let bits = record.bits().unwrap_or(0);
    let half = 1i64 << bits.saturating_sub(1);
    let conditions = format!(
        "{}{channel} · {bits} bits · histogram of a {name}, {} samples",
        source.input.display(),
        record.n_frames
    );
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
