//! `compare`: a file against its reference.

use std::{fs::File, io::BufReader, path::PathBuf};

use clap::{Args, ValueEnum};
use serde_json::{Map, Value, json};

use sqnr::{
    analysis::{Entry, Section, masking, pair},
    codec::Allocation,
    task::{self, PairMeasurement},
};

use super::{
    band_table,
    batch::{Batch, FileReport},
    exit::{Exit, Failure, display_path},
    figures::{self, FigureOptions},
    info::encoded,
    inputs::{self, Input},
    options::{Global, Inputs},
    pcm::Pcm,
    progress::FileProgress,
    sections,
    source::{Passes, Rereadable},
};

/// Shown at the end of `sqnr compare --help`; a test runs each line.
const EXAMPLES: &str = "\
Examples:
  sqnr quantize -b 8 song.wav
  sqnr compare song.wav song.q8.wav
  sqnr compare song.wav tune.sqn
  sqnr compare --explain song.wav song.q8.wav
  sqnr compare --json --fail-under snr=20dB song.wav song.q8.wav
  sqnr compare --fail-under snr=20dB --fail-under coverage=100% song.wav song.q8.wav
  sqnr compare --align none song.wav song.q8.wav";

/// Share of the reference that any limit asks for: figures of what both files hold say nothing of what one lacks.
const IMPLIED_COVERAGE_PERCENT: f64 = 99.9;

/// Compare files with a reference: what was lost, after aligning delay, gain, polarity and clock
///
/// One alignment is found for a file, on all channels together: any offset, parts of a sample, clocks that differ or
/// wander, lost and inserted samples. What channels differ in, and what only one of the files has, is a warning.
/// --fail-under and --fail-over hold for the worst channel, and ask for 99.9 % of the reference unless coverage=PERCENT says
/// otherwise. Files of another rate are resampled to the reference's.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct CompareArgs {
    /// The reference
    #[arg(value_name = "REF")]
    reference: PathBuf,
    #[command(flatten)]
    inputs: Inputs,
    /// What is aligned: the file as one, each channel by itself, or nothing
    #[arg(long, value_enum, value_name = "WHAT", default_value_t = Align::File)]
    align: Align,
    /// The same as --align none
    #[arg(long, conflicts_with = "align")]
    no_align: bool,
    #[command(flatten)]
    figures: FigureOptions,
}

/// What is aligned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Align {
    File,
    Channel,
    None,
}

impl CompareArgs {
    fn alignment(&self) -> task::Alignment {
        match self.align {
            _ if self.no_align => task::Alignment::None,
            Align::File => task::Alignment::File,
            Align::Channel => task::Alignment::Channel,
            Align::None => task::Alignment::None,
        }
    }
}

/// Runs `compare`.
pub fn run(args: &CompareArgs, global: &Global) -> Result<Exit, Failure> {
    if args.inputs.inputs.is_empty() && args.inputs.files_from.is_none() {
        return Err(Failure::usage("compare needs a reference and at least one file to hold against it"));
    }
    let tests = inputs::collect(&args.inputs)?;
    let reference = Input::at(&args.reference);
    if reference.is_stdin() && tests.iter().any(Input::is_stdin) {
        return Err(Failure::usage("standard input can be read once only"));
    }
    let file = Rereadable::new(&reference, Passes::Several)?;
    // A reference that cannot be read is told once.
    file.open()?;
    let x = Reference { input: &reference, file };
    let batch = Batch { command: "compare", global, inputs: &args.inputs };
    batch.measure(tests, |input, progress| one_file(args, &x, input, progress))
}

/// What all files are compared with.
struct Reference<'a> {
    input: &'a Input,
    file: Rereadable<'a>,
}

fn one_file(
    args: &CompareArgs,
    reference: &Reference,
    input: &Input,
    progress: &FileProgress,
) -> Result<FileReport, Failure> {
    let file = Rereadable::new(input, Passes::Several)?;
    let compared = task::compare(&reference.file, &file, args.alignment(), progress);
    let compared = compared.map_err(|error| Failure::of(error, &input.path))?;
    let sections = compared.over_all.sections();
    let entries = Section::all_entries(&sections);
    let allocation = allocation(reference, input, progress)?;
    let mut json = sections::to_json(&sections);
    json.extend(lists_json(&compared.over_all));
    json.extend(allocation.iter().flat_map(band_table::json));
    json.insert("reference".into(), display_path(&args.reference).into());
    json.insert("align".into(), compared.over_all.alignment().map_or_else(|| "none".into(), |a| a.to_string()).into());
    json.insert("sample_rate_hz".into(), compared.sample_rate_hz.into());
    json.insert("channels".into(), compared.channels.len().into());
    let details: Vec<Value> = compared.channels.iter().map(channel_json).collect();
    json.insert("channels_detail".into(), details.into());
    let mut table = match compared.over_all.alignment() {
        Some(task::Alignment::Channel) => "each channel aligned by itself\n".to_owned(),
        _ => String::new(),
    };
    table += &figures::table(&entries, args.figures.detail);
    table.extend(allocation.iter().map(band_table::table));
    let channels: Vec<Vec<Entry>> =
        compared.channels.iter().map(|channel| Section::all_entries(&channel.sections())).collect();
    let mut failed_checks = args.figures.failed_checks_of_channels(&entries, &channels)?;
    failed_checks.extend(args.figures.failed_implied_check(&entries, "coverage", IMPLIED_COVERAGE_PERCENT));
    Ok(FileReport { table: Some(table), json, warnings: compared.warnings, failed_checks, ..FileReport::default() })
}

/// One channel among many: without definitions.
fn channel_json(channel: &PairMeasurement) -> Value {
    let mut object = sections::values_json(&channel.sections());
    object.extend(lists_json(channel));
    Value::Object(object)
}

/// Noise-to-mask ratio by band, null depth over time.
fn lists_json(measured: &PairMeasurement) -> Map<String, Value> {
    let band = |b: &masking::BandRatio| {
        let depth = b.snr_db.map(|snr| -snr);
        json!({
            "frequency_hz": b.frequency_hz,
            "nmr_db": b.nmr_db.ok(),
            "snr_db": b.snr_db.ok(),
            "null_depth_db": depth.ok(),
        })
    };
    let stretch = |n: &pair::NullDepth| json!({ "start_s": n.start_s, "null_depth_db": n.null_depth_db.ok() });
    Map::from_iter([
        ("nmr_bands".to_owned(), measured.masking.bands.iter().map(band).collect()),
        ("null_depth_over_time".to_owned(), measured.null_depths.iter().map(stretch).collect()),
    ])
}

/// Where the bits went, when `input` is an `.sqn` file: noise and mask are those against the reference as it is.
fn allocation(reference: &Reference, input: &Input, progress: &FileProgress) -> Result<Option<Allocation>, Failure> {
    if encoded::contents(input)?.is_none() {
        return Ok(None);
    }
    let mut original = Pcm::of(reference.input, reference.file.clone(), progress)?;
    let file = File::open(&input.path).map_err(|error| Failure::input(&input.path, error))?;
    match Allocation::measure(BufReader::new(file), Some(&mut original), 1) {
        Ok(measured) => Ok(Some(measured)),
        Err(error) => Err(original.failure(error, &input.path)),
    }
}
