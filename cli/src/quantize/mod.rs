//! `quantize`: a file at a chosen bit depth, what that cost, and the error as audio.

pub mod chain;
mod coded;
mod coders;
pub mod foresight;
mod number_format;
pub mod stream;

use std::{path::PathBuf, time::Instant};

use clap::Args;
use serde_json::{Map, Value, json};

use sqnr::{
    analysis::{Absent, Figure},
    wav::Spec,
};

use super::{
    batch::{Batch, Conversion, FileReport},
    choices::{Container, DitherChoice, Law, Method, Shape},
    design_file::{self, Design},
    exit::{Exit, Failure},
    inputs::{self, Input},
    options::{Global, Inputs, Outputs},
    outputs::{self, Existing, Output},
    progress::FileProgress,
    sink::WavSink,
    source::Rereadable,
    units,
};
use chain::Chain;
use coded::Coded;
use coders::Coder;
use number_format::{Format, NamedFormat};
pub use stream::Measured;

/// Shown at the end of `sqnr quantize --help`; a test runs each line.
const EXAMPLES: &str = "\
Examples:
  sqnr quantize -b 8 song.wav
  sqnr quantize -b 4 --dither none --error lost.wav song.wav -o four.wav
  sqnr quantize -b 8 -m mu-law speech.wav -o telephone.wav
  sqnr quantize -b 6 --shape adaptive song.wav -o shaped.wav
  sqnr quantize --format dsd64 song.wav -o song.dsf
  sqnr quantize --levels 12 -m lloyd-max song.wav -o twelve.wav
  sqnr quantize --rate 1.5 -m dependent song.wav
  sqnr quantize -b 12 -O out *.wav";

/// Quantize audio and reconstruct it, at any bit depth, by any method
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct QuantizeArgs {
    #[command(flatten)]
    inputs: Inputs,
    #[command(flatten)]
    outputs: Outputs,
    #[command(flatten)]
    settings: Settings,
    /// Bits a sample of -m entropy-constrained and -m dependent, such as 1.5
    #[arg(long, value_name = "BITS", conflicts_with_all = ["bits", "levels", "format"])]
    rate: Option<f64>,
    /// States of -m trellis and -m dependent: 4, 8, ..., 256; more are slower and better
    #[arg(long, value_name = "N", default_value_t = 8, hide_short_help = true)]
    states: usize,
    #[command(flatten)]
    number_format: number_format::FormatArgs,
    /// Also write the quantization error (output minus input) as audio; one input only
    #[arg(long, value_name = "FILE")]
    error: Option<PathBuf>,
}

/// How to quantize.
#[derive(Debug, Clone, Args)]
pub struct Settings {
    /// Bit depth: 2^N levels
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=32), conflicts_with = "levels")]
    pub bits: Option<u32>,
    /// Number of levels
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(2..=1 << 32))]
    pub levels: Option<u64>,
    /// uniform, mid-rise, mu-law, a-law, lloyd-max, entropy-coded, entropy-constrained, trellis, dependent, vector, FILE.json
    #[arg(short, long, value_name = "METHOD", default_value = "uniform", value_parser = Method::parse)]
    pub method: Method,
    /// For 8-bit mu-law and A-law: whose encoder [default: itu]
    #[arg(long)]
    pub law: Option<Law>,
    /// Compression of mu-law or A-law [default: 255 or 87.6]
    #[arg(long, value_name = "NUMBER", conflicts_with = "law", hide_short_help = true)]
    pub compression: Option<f64>,
    /// Noise added before the decision
    #[arg(short, long, default_value = "auto", value_name = "KIND")]
    pub dither: DitherChoice,
    /// Noise shaping: none, auto (ear), adaptive (signal), a filter's name, FILE.json, or 1.5,-0.6
    ///
    /// `auto` designs a filter for the hearing at 15 phon, `adaptive` one for each 512 samples from what the signal masks; lipshitz,
    /// f-weighted, modified-e-weighted and improved-e-weighted are those of the papers; a file comes from design; numbers are feedback
    /// coefficients.
    #[arg(short, long, default_value = "none", value_name = "FILTER", value_parser = Shape::parse, allow_hyphen_values = true)]
    pub shape: Shape,
    /// Seed of the dither
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
    /// How samples are stored
    #[arg(long, default_value = "auto", value_name = "FORM")]
    pub container: Container,
}

impl Default for Settings {
    /// Eight bits, uniform, dithered as `auto` says.
    fn default() -> Self {
        Self {
            bits: Some(8),
            levels: None,
            method: Method::Uniform,
            law: None,
            compression: None,
            dither: DitherChoice::Auto,
            shape: Shape::None,
            seed: 0,
            container: Container::Auto,
        }
    }
}

/// Runs `quantize`.
pub fn run(args: &QuantizeArgs, global: &Global) -> Result<Exit, Failure> {
    match &args.number_format.format {
        Some(NamedFormat { name, format: Format::Number(format) }) => {
            return number_format::run(args, name, *format, global);
        }
        Some(NamedFormat { name, format: Format::Coder(coder) }) => {
            return coders::run(args, name, &Coder::Named(*coder), global);
        }
        None => {}
    }
    let coded = Coded::of(args)?;
    if coded.is_none() {
        if let Some(coder) = designed_coder(&args.settings)? {
            return coders::run(args, &args.settings.method.name(), &coder, global);
        }
        chain::check(&args.settings)?;
    }
    let inputs = inputs::collect(&args.inputs)?;
    let planned = outputs::plan(&inputs, &args.outputs, &suffix(args))?;
    let error_output = error_output(args, &inputs, &planned)?;
    let batch = Batch { command: "quantize", global, inputs: &args.inputs };
    batch.convert(inputs, planned, &args.outputs, |Conversion { input, output, existing }, progress| {
        let files = Files { input, output, error: error_output.as_ref(), existing };
        if let Some(error) = files.error {
            outputs::clearance(error, files.existing)?;
        }
        match &coded {
            Some(coded) => coded::one_file(args, coded, files, progress),
            None => one_file(args, files, progress),
        }
    })
}

/// The modulator or the predictor in the method's file, if it holds one.
fn designed_coder(settings: &Settings) -> Result<Option<Coder>, Failure> {
    let Method::File(path) = &settings.method else { return Ok(None) };
    let design = design_file::read(path).map_err(|message| Failure::input(path, message))?;
    if settings.levels.is_some() && !matches!(design, Design::Codebook(_)) {
        return Err(Failure::usage("the design's file says how many levels; leave --levels out"));
    }
    Coder::of_design(design, settings.bits)
}

/// `.q8.wav` for 8 bits, `.l12.wav` for 12 levels, `.r1.5.wav` for a rate, `.q.wav` for a codebook file.
fn suffix(args: &QuantizeArgs) -> String {
    match (args.settings.bits, args.settings.levels, args.rate) {
        (Some(bits), ..) => format!(".q{bits}.wav"),
        (None, Some(levels), _) => format!(".l{levels}.wav"),
        (None, None, Some(rate)) => format!(".r{rate}.wav"),
        (None, None, None) => ".q.wav".into(),
    }
}

fn error_output(args: &QuantizeArgs, inputs: &[Input], planned: &[Output]) -> Result<Option<Output>, Failure> {
    let Some(path) = &args.error else { return Ok(None) };
    if inputs.len() > 1 {
        return Err(Failure::usage("--error names one file, and there are many inputs"));
    }
    let output = Output::named(path)?;
    if planned.contains(&output) {
        return Err(Failure::usage("--error and -o name the same file"));
    }
    outputs::refuse_input(&output, inputs)?;
    Ok(Some(output))
}

fn one_file(args: &QuantizeArgs, files: Files, progress: &FileProgress) -> Result<FileReport, Failure> {
    let started = Instant::now();
    let (chain, measured) = convert(&args.settings, files, progress)?;
    Ok(report(files, &args.settings, &chain, &measured, started.elapsed().as_secs_f64()))
}

/// What is read and what is written.
#[derive(Clone, Copy)]
pub struct Files<'a> {
    pub input: &'a Input,
    pub output: &'a Output,
    pub error: Option<&'a Output>,
    pub existing: Existing,
}

/// Quantizes one file into another, and measures the error.
pub fn convert(settings: &Settings, files: Files, progress: &FileProgress) -> Result<(Chain, Measured), Failure> {
    let input = Rereadable::new(files.input, chain::passes(settings))?;
    let mut source = input.open()?;
    let mut chain = Chain::new(settings, &input, source.info(), files.input)?;
    let begin = |output: &Output, spec: &Spec| {
        WavSink::create(output, files.existing, spec, source.info().n_frames, source.metadata())
    };
    let audio = begin(files.output, &chain.spec)?;
    let error = files.error.map(|output| begin(output, &chain.error_spec())).transpose()?;
    let sinks = stream::Sinks { audio, error };
    let measured = stream::run(files.input, &mut source, &mut chain, sinks, progress)?;
    Ok((chain, measured))
}

fn report(files: Files, settings: &Settings, chain: &Chain, measured: &Measured, seconds: f64) -> FileReport {
    let duration_s = measured.n_frames as f64 / f64::from(chain.spec.sample_rate_hz);
    let read = measured.bytes_read.map_or_else(String::new, |n| format!("{} -> ", units::bytes(n)));
    let line = format!(
        "{} -> {}  {read}{}  {}  {}  {seconds:.2} s ({:.0}x)",
        files.input.display(),
        files.output.display(),
        units::bytes(measured.bytes_written),
        chain.describe(settings),
        fidelity(measured.total.snr_db),
        duration_s / seconds.max(1e-9),
    );
    FileReport {
        line: Some(line),
        json: json(files, settings, chain, measured, duration_s),
        warnings: measured.warnings.clone(),
        bytes: Some((measured.bytes_read.unwrap_or(0), measured.bytes_written)),
        ..FileReport::default()
    }
}

/// `SNR 42.10 dB`, `bit-exact`, or why there is no figure.
fn fidelity(snr_db: Figure) -> String {
    match snr_db {
        Ok(value) => format!("SNR {}", units::db(value)),
        Err(Absent::NoError) => "bit-exact".into(),
        Err(why) => format!("no SNR: {why}"),
    }
}

fn json(files: Files, settings: &Settings, chain: &Chain, measured: &Measured, duration_s: f64) -> Map<String, Value> {
    let mut object = super::batch::json_object(&measured.total);
    let details: Vec<Value> =
        measured.per_channel.iter().map(|c| Value::Object(super::batch::json_object(c))).collect();
    object.extend([
        ("sample_rate_hz".to_owned(), chain.spec.sample_rate_hz.into()),
        ("channels".to_owned(), chain.spec.channels.into()),
        ("duration_s".to_owned(), json!(duration_s)),
        ("bits".to_owned(), json!(settings.bits)),
        ("levels".to_owned(), chain.n_levels().into()),
        ("method".to_owned(), settings.method.name().into()),
        ("dither".to_owned(), chain.dither_name().into()),
        ("seed".to_owned(), settings.seed.into()),
        ("container".to_owned(), chain.spec.sample_format.to_string().into()),
        ("clipped_samples".to_owned(), measured.clipped_samples.into()),
        ("nan_samples".to_owned(), measured.nan_samples.into()),
        ("bytes".to_owned(), measured.bytes_written.into()),
        ("channels_detail".to_owned(), details.into()),
    ]);
    if let Some(error) = files.error {
        object.insert("error_output".into(), error.display().into());
    }
    object
}
