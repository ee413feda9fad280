//! `analyze`: level, loudness, and the figures of a tone when there is one.

use clap::Args;
use serde_json::{Map, Value};

use sqnr::{
    analysis::{
        Section,
        tone::{self, Aliased, MAX_HARMONIC, Method},
        weighting::Weighting,
    },
    task::{self, ChannelMeasurement, MeasureOptions, Measurement, MonoLoudness},
};

use super::{
    batch::{Batch, FileReport},
    exit::{Exit, Failure},
    figures::{Detail, FigureOptions},
    inputs::{self, Input},
    options::{Global, Inputs},
    progress::FileProgress,
    sections,
    source::{Passes, Rereadable},
};

/// Shown at the end of `sqnr analyze --help`; a test runs each line.
const EXAMPLES: &str = "\
Examples:
  sqnr analyze song.wav
  sqnr analyze --json song.wav speech.wav
  sqnr analyze --explain song.wav
  sqnr analyze --fail-over clipped=0 --fail-over true_peak=0 song.wav
  sqnr analyze --method genalyzer:hann --harmonics 8 song.wav";

/// Measure level, loudness and tones
///
/// A tone needs no settings: it is found, fitted and subtracted with its harmonics, and the rest is the noise.
/// Figures over all channels are those of the worst channel for tones, and of the whole for levels.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct AnalyzeArgs {
    #[command(flatten)]
    inputs: Inputs,
    /// Leave out the first seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 0.0)]
    skip_start: f64,
    #[command(flatten)]
    tone: ToneOptions,
    /// Take one channel for one that two loudspeakers play: its loudness is 3.01 LU higher
    #[arg(long)]
    dual_mono: bool,
    /// Measure the noise under a -60 dBFS tone as a dynamic range, with weighting flat, a, c, itu-468 or ccir-2k
    #[arg(long, value_name = "WEIGHTING")]
    dynamic_range: Option<Weighting>,
    #[command(flatten)]
    figures: FigureOptions,
}

/// How a tone is measured.
#[derive(Debug, Args)]
#[command(next_help_heading = "Tone")]
pub struct ToneOptions {
    /// fit, genalyzer[:WINDOW] or matlab[:WINDOW]; windows: rect, hann, bh4, bh7, flat-top, kaiser[=BETA]
    #[arg(long, value_name = "METHOD", default_value = "fit")]
    method: Method,
    #[command(flatten)]
    harmonics: HarmonicOptions,
    /// Components nearer to the tone than this are no spurs
    #[arg(long, value_name = "HZ", default_value_t = 0.0)]
    min_spur_distance: f64,
    /// Upper limit of noise and harmonics [default: half the rate]
    #[arg(long, value_name = "HZ")]
    bandwidth: Option<f64>,
    /// The tone's frequency [default: the largest tone]
    #[arg(long, value_name = "HZ")]
    frequency: Option<f64>,
}

/// What counts as a harmonic; all else is noise.
#[derive(Debug, Clone, Copy, Args)]
pub struct HarmonicOptions {
    /// Highest harmonic that counts as one, 1 to 200, or all: those above are noise
    #[arg(long, value_name = "N|all", default_value = "6", value_parser = highest_harmonic)]
    harmonics: u32,
    /// Harmonics beyond half the rate: folded, where sampling puts them, or noise
    #[arg(long, value_name = "HOW", default_value = "folded", hide_short_help = true)]
    aliased: Aliased,
}

impl HarmonicOptions {
    /// The default method with these harmonics.
    pub fn settings(&self) -> tone::Settings {
        tone::Settings { highest_harmonic: self.harmonics, aliased: self.aliased, ..tone::Settings::default() }
    }
}

fn highest_harmonic(text: &str) -> Result<u32, String> {
    match text.parse() {
        _ if text == "all" => Ok(MAX_HARMONIC),
        Ok(n) if (1..=MAX_HARMONIC).contains(&n) => Ok(n),
        _ => Err(format!("write a number from 1 to {MAX_HARMONIC}, or all")),
    }
}

impl ToneOptions {
    pub fn settings(&self) -> tone::Settings {
        tone::Settings {
            method: self.method,
            min_spur_distance_hz: self.min_spur_distance,
            bandwidth_hz: self.bandwidth,
            frequency_hz: self.frequency,
            ..self.harmonics.settings()
        }
    }
}

/// Runs `analyze`.
pub fn run(args: &AnalyzeArgs, global: &Global) -> Result<Exit, Failure> {
    if !(args.skip_start.is_finite() && args.skip_start >= 0.0) {
        return Err(Failure::usage("--skip-start takes seconds from 0"));
    }
    let inputs = inputs::collect(&args.inputs)?;
    let batch = Batch { command: "analyze", global, inputs: &args.inputs };
    batch.measure(inputs, |input, progress| one_file(input, args, progress))
}

fn one_file(input: &Input, args: &AnalyzeArgs, progress: &FileProgress) -> Result<FileReport, Failure> {
    let options = MeasureOptions {
        skip_start_s: args.skip_start,
        tone: args.tone.settings(),
        mono: if args.dual_mono { MonoLoudness::Dual } else { MonoLoudness::Single },
        dynamic_range: args.dynamic_range,
    };
    let file = Rereadable::new(input, Passes::One)?;
    let measured = task::measure(&file, &options, progress).map_err(|error| Failure::of(error, &input.path))?;
    Ok(FileReport {
        table: Some(table(&measured, args.figures.detail)),
        json: json(&measured),
        failed_checks: args.figures.failed_checks(&Section::all_entries(&measured.over_all))?,
        warnings: measured.warnings,
        ..FileReport::default()
    })
}

fn table(measured: &Measurement, detail: Detail) -> String {
    let (rate, n_channels) = (measured.sample_rate_hz, measured.channels.len());
    let per_channel: Vec<&[Section]> = measured.channels.iter().map(|c| c.sections.as_slice()).collect();
    let head = format!("{rate} Hz, {n_channels} channels, {:.3} s\n", measured.duration_s());
    head + &sections::to_tables(&measured.over_all, &per_channel, detail)
}

fn json(measured: &Measurement) -> Map<String, Value> {
    let mut json = sections::to_json(&measured.over_all);
    json.insert("sample_rate_hz".into(), measured.sample_rate_hz.into());
    json.insert("channels".into(), measured.channels.len().into());
    json.insert("duration_s".into(), measured.duration_s().into());
    let details: Vec<Value> = measured.channels.iter().map(channel_json).collect();
    json.insert("channels_detail".into(), details.into());
    json
}

fn channel_json(channel: &ChannelMeasurement) -> Value {
    let mut object = sections::values_json(&channel.sections);
    object.insert("harmonics".into(), sections::harmonics_json(&channel.tone).into());
    Value::Object(object)
}
