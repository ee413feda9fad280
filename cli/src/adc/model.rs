//! `adc model`: what a described converter makes of a file.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use clap::Args;
use serde_json::{Map, json};

use sqnr::{
    adc::{Converter, Spec},
    audio_file::Source,
    chain::{FileSink, Form, Storage},
    quantizer::Quantizer,
    recipe::{Design, read_design},
    task::{self, Converted},
    wav::{self, SampleFormat},
};

use super::super::{
    batch::{self, Batch, Conversion, FileReport},
    exit::{Exit, Failure},
    identity,
    inputs::{self, Input},
    options::{Global, Inputs, Outputs},
    out_file::OutFile,
    outputs::{self, Existing, Output},
    progress::FileProgress,
    source, units,
};

/// Shown at the end of `sqnr adc model --help`; a test runs each line.
const EXAMPLES: &str = "\
Examples:
  sqnr generate sine --coherent --samples 65536 -o tone.wav
  sqnr adc model --bits 12 tone.wav
  sqnr adc model --set noise_lsb=0.5 --set jitter_s=2e-9 tone.wav -o noisy.wav
  sqnr adc model --spec converter.toml tone.wav -o real.wav
  sqnr adc test noisy.wav

A description holds any of these, an ideal 16-bit converter is assumed otherwise:
  bits = 12                    # 2 to 24
  full_scale = 1.0             # input at the end of the range
  quantizer = \"mid-tread\"      # mid-rise, mu-law, a-law
  oversampling = 8             # conversions per sample, decimated back
  hold_memory = 0.001          # part of the sample before left in the hold
  jitter_s = 2e-12             # standard deviation of the instant
  noise_lsb = 0.4              # thermal noise, steps
  polynomial = [0.0, 5e-4]     # x + 0 x^2 + 0.0005 x^3
  inl_lsb = [0.0, 0.8, 0.0]    # table from first to last transition
  dnl_sigma_lsb = 0.1          # random widths, by the seed
  sar_mismatch = 0.01          # unit capacitors of a successive-approximation converter
  stage_gain_error = [0.0, -0.01]  # stages of a pipeline
  seed = 1
  [[interleave]]               # one for each converter that takes turns
  offset_lsb = 0.5
  gain = 1.002
  skew_s = 1e-12";

/// Convert files as a described converter would: jitter, noise, INL and DNL, clipping
///
/// Sample n of the output belongs to sample n of the input; the SNR printed is that of the two.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct ModelArgs {
    #[command(flatten)]
    inputs: Inputs,
    #[command(flatten)]
    outputs: Outputs,
    /// The description, TOML
    #[arg(long, value_name = "FILE.toml")]
    spec: Option<PathBuf>,
    /// A line of a description, after those of the file
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Resolution, in place of the description's
    #[arg(short, long, value_name = "N")]
    bits: Option<u32>,
    /// Codes and levels of a codebook file, in place of bits
    #[arg(long, value_name = "FILE.json", conflicts_with = "bits")]
    codebook: Option<PathBuf>,
}

/// The codebook of a file.
fn codebook(path: &Path) -> Result<Arc<dyn Quantizer>, Failure> {
    match read_design(path).map_err(|error| Failure::of(error, path))? {
        Design::Codebook { codebook, .. } => Ok(Arc::new(codebook)),
        _ => Err(Failure::input(path, "not a codebook")),
    }
}

/// Runs `adc model`.
pub fn run(args: &ModelArgs, global: &Global) -> Result<Exit, Failure> {
    let spec = description(args)?;
    let codebook = args.codebook.as_deref().map(codebook).transpose()?;
    let inputs = inputs::collect(&args.inputs)?;
    let planned = outputs::plan(&inputs, &args.outputs, ".adc.wav", Existing::of(global))?;
    let batch = Batch { command: "adc model", global, inputs: &args.inputs };
    batch.convert(inputs, planned, &args.outputs, |Conversion { input, output, existing }, progress| {
        let mut source = source::open(input)?.named(input.display());
        let rate = f64::from(source.info().spec.sample_rate_hz);
        let converter = match &codebook {
            Some(codebook) => Converter::with_quantizer(spec.clone(), rate, Arc::clone(codebook)),
            None => Converter::new(spec.clone(), rate),
        };
        let converter = converter.map_err(|error| Failure::usage(error.to_string()))?;
        let wav_spec = wav::Spec { sample_format: sample_format(&converter, &spec)?, ..source.info().spec };
        let (file, seeking) = OutFile::create(output, existing)?;
        let form = Form::Wav { spec: wav_spec, storage: Storage::Level };
        let sink = FileSink::new(file, seeking, &form, source.info().n_frames, source.metadata());
        let sink = sink.map_err(|error| Failure::of(error, &input.path))?;
        let done = convert(input, &mut source, &converter, sink, progress)?;
        Ok(report((input, output), &spec, &converter, &done))
    })
}

fn convert(
    input: &Input,
    source: &mut Source,
    converter: &Converter,
    mut sink: FileSink<OutFile>,
    progress: &FileProgress,
) -> Result<Done, Failure> {
    let converted = task::convert(source, converter, |block| sink.write_planar(block), progress);
    let wrong = |error| Failure::of(error, &input.path);
    let converted = converted.map_err(wrong)?;
    let mut warnings = source.warnings().to_vec();
    warnings.extend(source.metadata().not_kept.iter().cloned());
    let after_data = &source.metadata().after_data;
    let written = sink.finish(None, after_data).and_then(OutFile::commit).map_err(wrong)?;
    warnings.extend(written.warnings);
    let n_clipped = converted.figures.n_clipped;
    if n_clipped > 0 {
        warnings.push(format!("{n_clipped} samples are beyond the converter's range"));
    }
    Ok(Done { sample_rate_hz: source.info().spec.sample_rate_hz, converted, bytes: written.file, warnings })
}

/// The description's file, then `--set`, then `--bits`.
fn description(args: &ModelArgs) -> Result<Spec, Failure> {
    /// A table of 65536 values takes less than that.
    const MAX_BYTES: u64 = 4 << 20;
    let mut text = String::new();
    for line in &args.set {
        text += line;
        text += "\n";
    }
    let wrong = |error: sqnr::Error| Failure::usage(format!("--set: {error}"));
    let mut spec = match &args.spec {
        None => Spec::from_toml(&text).map_err(wrong)?,
        Some(path) => {
            let size = std::fs::metadata(path).map_err(|error| Failure::input(path, error))?.len();
            if size > MAX_BYTES {
                return Err(Failure::input(path, format!("{size} bytes are too many; the limit is {MAX_BYTES}")));
            }
            identity::note_input(path);
            let file = std::fs::read_to_string(path).map_err(|error| Failure::input(path, error))?;
            // Alone first: a fault then has its place in the file. Keys of --set come before tables of the file.
            Spec::from_toml(&file).map_err(|error| Failure::compute(path, error))?;
            Spec::from_toml(&(text + &file)).map_err(wrong)?
        }
    };
    spec.bits = args.bits.unwrap_or(spec.bits);
    spec.check().map_err(|error| Failure::usage(error.to_string()))?;
    Ok(spec)
}

/// The converter's own codes where it gives codes, else double precision: nothing is rounded twice.
fn sample_format(converter: &Converter, spec: &Spec) -> Result<SampleFormat, Failure> {
    match converter.gives_codes() {
        true => SampleFormat::integer(spec.bits).map_err(|error| Failure::usage(error.to_string())),
        false => Ok(SampleFormat::FLOAT64),
    }
}

/// What was done to a file.
struct Done {
    sample_rate_hz: u32,
    converted: Converted,
    bytes: u64,
    warnings: Vec<String>,
}

fn report((input, output): (&Input, &Output), spec: &Spec, converter: &Converter, done: &Done) -> FileReport {
    let snr = done
        .converted
        .figures
        .snr_db
        .map_or_else(|why| format!("no SNR: {why}"), |value| format!("SNR {}", units::db(value)));
    let line = format!(
        "{} -> {}  {}  {} codes  {snr}",
        input.display(),
        output.display(),
        units::bytes(done.bytes),
        converter.n_codes()
    );
    let mut object: Map<_, _> = batch::json_object(&done.converted.figures);
    object.extend([
        ("sample_rate_hz".to_owned(), done.sample_rate_hz.into()),
        ("left_out_samples".to_owned(), json!(done.converted.left_out_frames)),
        ("duration_s".to_owned(), json!(done.converted.n_frames as f64 / f64::from(done.sample_rate_hz))),
        ("bits".to_owned(), spec.bits.into()),
        ("levels".to_owned(), converter.n_codes().into()),
        ("bytes".to_owned(), done.bytes.into()),
    ]);
    FileReport {
        line: Some(line),
        json: object,
        warnings: done.warnings.clone(),
        bytes: Some((input.size().unwrap_or(0), done.bytes)),
        ..FileReport::default()
    }
}
