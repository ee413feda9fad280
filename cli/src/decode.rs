//! `decode`: `.sqn` back to WAV.

use std::{
    fs::File,
    io::{self, BufReader, Read},
    time::Instant,
};

use clap::Args;
use serde_json::{Map, Value, json};

use sqnr::{
    chain::FileSink,
    codec::{Damage, Decoder, Header, OnDamage},
    recipe::{DitherChoice, Recipe},
    shaping::Dither,
    task::{DecodeOptions, Decoded, Decoding},
};

use super::{
    batch::{self, Batch, Conversion, FileReport},
    exit::{Exit, Failure},
    inputs::{self, Input, Walked},
    options::{Global, Inputs, Outputs},
    out_file::OutFile,
    outputs::{self, Existing, Output},
    progress::FileProgress,
    recipe_args::words,
    time_range::TimeRange,
    units,
};

/// Shown at the end of `sqnr decode --help`; a test runs each line.
const EXAMPLES: &str = "\
Examples:
  sqnr decode tune.sqn
  sqnr decode -b 24 tune.sqn -o studio.wav
  sqnr decode --range 0:00.1..0:00.2 tune.sqn -o part.wav";

/// Decode .sqn files to WAV
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct DecodeArgs {
    #[command(flatten)]
    inputs: Inputs,
    #[command(flatten)]
    outputs: Outputs,
    /// Bit depth of the WAV [default: that of the original, at most 24]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=32))]
    bits: Option<u32>,
    /// Noise added before rounding; auto is tpdf
    #[arg(short, long, default_value = "auto", value_name = "KIND", value_parser = words::<DitherChoice>())]
    dither: DitherChoice,
    /// Only from one time up to another, such as 1:00..2:00; either may be left out
    #[arg(long, value_name = "FROM..TO", value_parser = TimeRange::parse)]
    range: Option<TimeRange>,
    /// Play what is whole, conceal the rest, say where
    #[arg(long)]
    salvage: bool,
}

impl DecodeArgs {
    fn options(&self) -> DecodeOptions {
        DecodeOptions {
            bits: self.bits,
            dither: self.dither,
            from_s: self.range.map_or(0.0, |range| range.from_s),
            to_s: self.range.and_then(|range| range.to_s),
        }
    }
}

/// Runs `decode`.
pub fn run(args: &DecodeArgs, global: &Global) -> Result<Exit, Failure> {
    if args.dither == DitherChoice::Of(Dither::Subtractive) {
        return Err(Failure::usage("subtractive dither needs a decoder that takes it away again; use tpdf"));
    }
    let inputs = inputs::collect_of(&args.inputs, Walked::Encoded)?;
    let planned = outputs::plan(&inputs, &args.outputs, ".wav", Existing::of(global))?;
    let batch = Batch { command: "decode", global, inputs: &args.inputs };
    batch.convert(inputs, planned, &args.outputs, |files, progress| one_file(args, files, progress))
}

fn one_file(args: &DecodeArgs, files: Conversion, progress: &FileProgress) -> Result<FileReport, Failure> {
    let input = files.input;
    let started = Instant::now();
    let wrong = |error| Failure::input(&input.path, error);
    let policy = if args.salvage { OnDamage::Salvage } else { OnDamage::Fail };
    let done = if input.is_stdin() {
        let mut decoder = Decoder::with_policy(Box::new(io::stdin()) as Box<dyn Read + Send>, policy).map_err(wrong)?;
        let decoding = decoding(args, decoder.header())?;
        let skip = decoding.first_sample();
        transfer(decoding, &mut decoder, skip, files, progress)?
    } else {
        let file = File::open(&input.path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => inputs::missing(&input.path),
            _ => Failure::input(&input.path, error),
        })?;
        let mut decoder = Decoder::with_policy(BufReader::new(file), policy).map_err(wrong)?;
        let decoding = decoding(args, decoder.header())?;
        let first = decoding.first_sample();
        let seeks = args.range.is_some() && !args.salvage;
        if seeks {
            decoder.seek(first).map_err(wrong)?;
        }
        transfer(decoding, &mut decoder, if seeks { 0 } else { first }, files, progress)?
    };
    Ok(report(input, files.output, &done, started.elapsed().as_secs_f64()))
}

fn decoding(args: &DecodeArgs, header: &Header) -> Result<Decoding, Failure> {
    Decoding::new(header, &args.options()).map_err(|error| Failure::usage(error.to_string()))
}

/// What a decoded file came to.
struct Done {
    header: Header,
    recipe: Recipe,
    decoded: Decoded,
    bytes_written: u64,
    warnings: Vec<String>,
}

/// Writes all blocks from `skip` on, up to the end of the range.
fn transfer<R: Read>(
    decoding: Decoding,
    decoder: &mut Decoder<R>,
    skip: u64,
    Conversion { input, output, existing }: Conversion,
    progress: &FileProgress,
) -> Result<Done, Failure> {
    let header = decoder.header().clone();
    let recipe = decoding.recipe().clone();
    let (file, seeking) = OutFile::create(output, existing)?;
    let wrong = |error| Failure::of(error, &input.path);
    let sink = FileSink::new(file, seeking, &decoding.form(), decoding.n_frames(), &decoding.metadata());
    let mut sink = sink.map_err(wrong)?;
    let decoded = decoding.run(decoder, skip, &mut sink, progress).map_err(wrong)?;
    let written = sink.finish(None, &[]).and_then(OutFile::commit).map_err(wrong)?;
    Ok(Done { header, recipe, decoded, bytes_written: written.file, warnings: written.warnings })
}

/// What to say of samples beyond full scale, which integers cannot hold.
fn clipping(n_samples: u64) -> Option<String> {
    let what = "lay beyond full scale and clipped; encode the original at a lower level to keep them";
    match n_samples {
        0 => None,
        1 => Some(format!("1 sample {what}")),
        n => Some(format!("{n} samples {what}")),
    }
}

fn report(input: &Input, output: &Output, done: &Done, seconds: f64) -> FileReport {
    let read = input.size();
    let (decoded, bits) = (&done.decoded, done.recipe.bits());
    let duration_s = decoded.samples as f64 / f64::from(done.header.sample_rate_hz);
    let line = format!(
        "{} -> {}  {}{}  {} bits  {seconds:.2} s ({:.0}x)",
        input.display(),
        output.display(),
        read.map_or_else(String::new, |n| format!("{} -> ", units::bytes(n))),
        units::bytes(done.bytes_written),
        bits.unwrap_or(0),
        duration_s / seconds.max(1e-9),
    );
    let place = |damage: &Damage| match damage.end_s > damage.start_s {
        true => format!(
            "group {}: {}; concealed {} to {}",
            damage.group,
            damage.what,
            units::duration(damage.start_s),
            units::duration(damage.end_s)
        ),
        false => format!("group {} at {}: {}", damage.group, units::duration(damage.start_s), damage.what),
    };
    let mut warnings = done.warnings.clone();
    warnings.extend(decoded.damages.iter().map(place));
    warnings.extend(clipping(decoded.clipped_samples));
    if decoded.samples == 0 && done.header.samples != Some(0) {
        warnings.push("nothing lies in the range: the output is empty".into());
    }
    let json: Map<String, Value> = Map::from_iter([
        ("recipe".to_owned(), batch::json_recipe(&done.recipe)),
        ("sample_rate_hz".to_owned(), json!(done.header.sample_rate_hz)),
        ("channels".to_owned(), json!(done.header.channels)),
        ("bits".to_owned(), json!(bits)),
        ("samples".to_owned(), json!(decoded.samples)),
        ("duration_s".to_owned(), json!(duration_s)),
        ("clipped_samples".to_owned(), json!(decoded.clipped_samples)),
        ("damages".to_owned(), json!(decoded.damages.len())),
    ]);
    FileReport {
        line: Some(line),
        json,
        warnings,
        bytes: Some((read.unwrap_or(0), done.bytes_written)),
        ..FileReport::default()
    }
}
