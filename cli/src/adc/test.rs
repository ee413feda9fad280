//! `adc test`: a converter's faults, from what it made of a known stimulus.

use clap::{Args, ValueEnum};
use serde_json::{Map, Value};

use sqnr::{
    analysis::{Section, linearity::FewSamples},
    task::{
        self, CodeNumbers, CodeOptions, ConverterStimulus, ConverterTest, ConverterTestOptions, Justification,
        MAX_CONVERTER_BITS, TestedChannel,
    },
};

use super::super::{
    analyze::ToneOptions,
    batch::{Batch, FileReport},
    exit::{Exit, Failure},
    figures::{Detail, FigureOptions},
    inputs::{self, Input},
    options::{Global, Inputs},
    progress::FileProgress,
    sections,
    source::{Passes, Rereadable},
    units,
};

/// Shown at the end of `sqnr adc test --help`; a test runs each line.
const EXAMPLES: &str = "\
Examples:
  sqnr generate sine --level 0.3 --coherent --samples 65536 -o tone.wav
  sqnr adc model --bits 8 --set noise_lsb=0.1 tone.wav -o converted.wav
  sqnr adc test converted.wav
  sqnr adc test --level 0.3 --explain converted.wav
  sqnr adc test --allow-few --justify left converted.wav
  sqnr adc test --json --fail-under enob=5 --fail-over dnl_max=0.9 converted.wav";

/// Test converters: sine fit, SINAD, ENOB, DNL and INL, missing codes, jitter
///
/// Each file holds the codes that a converter gave for the stimulus. DNL and INL are those of the codes that it crosses,
/// all of them where it overdrives both ends a little; they need 16 samples a code, and a sine of many phases. Figures
/// over all channels are those of the worst.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct TestArgs {
    #[command(flatten)]
    inputs: Inputs,
    /// What was fed to the converter
    #[arg(long, value_name = "KIND", default_value = "sine")]
    stimulus: StimulusKind,
    /// Resolution [default: the bits that the samples use]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u32).range(2..=i64::from(MAX_CONVERTER_BITS)))]
    bits: Option<u32>,
    /// Amplitude of the sine or ramp, where known: offset and gain are told then. 0 is full scale
    #[arg(long, value_name = "DBFS", allow_negative_numbers = true)]
    level: Option<f64>,
    /// Ends of the notch of --stimulus noise [default: the deepest]
    #[arg(long, value_name = "LOW..HIGH", value_parser = units::parse_band_hz)]
    notch: Option<(f64, f64)>,
    #[command(flatten)]
    codes: CodeArgs,
    #[command(flatten)]
    tone: ToneOptions,
    #[command(flatten)]
    figures: FigureOptions,
}

/// How the codes lie in the samples, and how many there must be.
#[derive(Debug, Args)]
pub struct CodeArgs {
    /// Which end of a sample the codes lie at [default: as the samples show]
    #[arg(long, value_name = "END", hide_short_help = true)]
    justify: Option<JustifyName>,
    /// Codes count from 0 instead of having a sign [default: as the samples show]
    #[arg(long, hide_short_help = true)]
    offset_binary: bool,
    /// Measure DNL and INL of few samples or phases too; their uncertainty tells what they are worth
    #[arg(long, hide_short_help = true)]
    allow_few: bool,
}

impl CodeArgs {
    /// What is told of codes of so many bits.
    pub fn options(&self, bits: Option<u32>) -> CodeOptions {
        let justification = self.justify.map(|name| match name {
            JustifyName::Left => Justification::Left,
            JustifyName::Right => Justification::Right,
        });
        CodeOptions { bits, justification, numbers: self.offset_binary.then_some(CodeNumbers::OffsetBinary) }
    }

    pub fn few_samples(&self) -> FewSamples {
        if self.allow_few { FewSamples::Allow } else { FewSamples::Refuse }
    }
}

/// Which end of a sample the codes lie at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum JustifyName {
    /// The top: the lowest bits are zero
    Left,
    /// The bottom: samples are the codes themselves
    Right,
}

/// What a converter is tested with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum StimulusKind {
    /// One sine
    Sine,
    /// A ramp over the whole range, or more
    Ramp,
    /// Two sines
    TwoTone,
    /// Noise with a notch, as `generate notched` makes it
    Noise,
}

impl From<StimulusKind> for ConverterStimulus {
    fn from(kind: StimulusKind) -> Self {
        match kind {
            StimulusKind::Sine => Self::Sine,
            StimulusKind::Ramp => Self::Ramp,
            StimulusKind::TwoTone => Self::TwoTone,
            StimulusKind::Noise => Self::Noise,
        }
    }
}

/// Runs `adc test`.
pub fn run(args: &TestArgs, global: &Global) -> Result<Exit, Failure> {
    if args.level.is_some_and(|level| !(-200.0..=200.0).contains(&level)) {
        return Err(Failure::usage("--level takes dBFS from -200 to 200"));
    }
    let inputs = inputs::collect(&args.inputs)?;
    let batch = Batch { command: "adc test", global, inputs: &args.inputs };
    batch.measure(inputs, |input, progress| one_file(input, args, progress))
}

fn one_file(input: &Input, args: &TestArgs, progress: &FileProgress) -> Result<FileReport, Failure> {
    let options = ConverterTestOptions {
        stimulus: args.stimulus.into(),
        codes: args.codes.options(args.bits),
        few_samples: args.codes.few_samples(),
        level_dbfs: args.level,
        notch_hz: args.notch,
        tone: args.tone.settings(),
    };
    let file = Rereadable::new(input, Passes::One)?;
    let test = task::test_converter(&file, &options, progress).map_err(|error| Failure::of(error, &input.path))?;
    Ok(FileReport {
        table: Some(table(&test, args.figures.detail)),
        json: json(&test),
        failed_checks: args.figures.failed_checks(&Section::all_entries(&test.channels[test.worst].sections))?,
        warnings: test.warnings,
        ..FileReport::default()
    })
}

fn table(test: &ConverterTest, detail: Detail) -> String {
    let bits = test.bits.map_or("no codes".into(), |bits| format!("{bits} bits"));
    let (rate, n_channels) = (test.sample_rate_hz, test.channels.len());
    let head = format!("{rate} Hz, {n_channels} channels, {} samples, {bits}\n", test.n_frames);
    let per_channel: Vec<&[Section]> = test.channels.iter().map(|c| c.sections.as_slice()).collect();
    head + &sections::to_tables(per_channel[test.worst], &per_channel, detail)
}

fn json(test: &ConverterTest) -> Map<String, Value> {
    let worst = &test.channels[test.worst];
    let mut json = sections::to_json(&worst.sections);
    json.extend(lists_json(worst));
    json.insert("sample_rate_hz".into(), test.sample_rate_hz.into());
    json.insert("channels".into(), test.channels.len().into());
    json.insert("samples".into(), test.n_frames.into());
    json.insert("bits".into(), test.bits.ok().into());
    if let (Err(why), Some(Value::Object(reasons))) = (test.bits, json.get_mut("reasons")) {
        reasons.insert("bits".into(), why.to_string().into());
    }
    let details = test.channels.iter().map(|channel| {
        let mut object = sections::values_json(&channel.sections);
        object.extend(lists_json(channel));
        Value::Object(object)
    });
    json.insert("channels_detail".into(), details.collect::<Vec<Value>>().into());
    json
}

/// What is a list: the codes that are missing (the first of them), the harmonics.
fn lists_json(channel: &TestedChannel) -> Map<String, Value> {
    const MAX_LISTED: usize = 256;
    let mut object = Map::new();
    if let Some(Ok(codes)) = channel.linearity.as_ref().map(|linearity| &linearity.missing_codes) {
        let listed: Vec<usize> = codes.iter().take(MAX_LISTED).copied().collect();
        object.insert("missing_code_list".into(), listed.into());
    }
    if let Some(tone) = channel.tone.as_ref().filter(|tone| !tone.harmonics.is_empty()) {
        object.insert("harmonics".into(), sections::harmonics_json(tone).into());
    }
    object
}
