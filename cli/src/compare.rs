//! `compare`: a file against its reference.

use std::{fs::File, io::BufReader, path::PathBuf};

use clap::Args;
use serde_json::{Map, Value, json};

use sqnr::{
    Signal,
    analysis::{Section, masking, pair},
    codec::{Allocation, InMemory},
    task::{self, Alignment, PairMeasurement, Reference},
};

use super::{
    band_table,
    batch::{Batch, FileReport},
    exit::{Exit, Failure, display_path},
    figures::{self, FigureOptions},
    info::encoded,
    inputs::{self, Input},
    options::{Global, Inputs},
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
  sqnr compare --json --fail-under snr=20dB song.wav song.q8.wav";

/// Compare files with a reference: what was lost, after aligning delay, gain, polarity and clock
///
/// Alignment looks at both files as wholes, in memory: each may have 2^28 samples at most, all channels together, which
/// are 46 minutes of stereo at 48 kHz. A longer one is refused.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct CompareArgs {
    /// The reference
    #[arg(value_name = "REF")]
    reference: PathBuf,
    #[command(flatten)]
    inputs: Inputs,
    /// Compare sample by sample as the files are; a longer one is cut
    #[arg(long)]
    no_align: bool,
    #[command(flatten)]
    figures: FigureOptions,
}

impl CompareArgs {
    fn alignment(&self) -> Alignment {
        if self.no_align { Alignment::AsIs } else { Alignment::Undone }
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
    let read = Reference::read(&Rereadable::new(&reference, Passes::One)?);
    let x = read.map_err(|error| Failure::of(error, &reference.path))?;
    Batch { command: "compare", global, inputs: &args.inputs }.measure(tests, |input, _| one_file(args, &x, input))
}

fn one_file(args: &CompareArgs, reference: &Reference, input: &Input) -> Result<FileReport, Failure> {
    let file = Rereadable::new(input, Passes::One)?;
    let compared = task::compare(reference, &file, args.alignment());
    let compared = compared.map_err(|error| Failure::of(error, &input.path))?;
    let sections = compared.over_all.sections();
    let entries = Section::all_entries(&sections);
    let x = &reference.signal;
    let allocation = allocation(x, input)?;
    let mut json = sections::to_json(&sections);
    json.extend(lists_json(&compared.over_all));
    json.extend(allocation.iter().flat_map(band_table::json));
    json.insert("reference".into(), display_path(&args.reference).into());
    json.insert("sample_rate_hz".into(), x.sample_rate_hz().into());
    json.insert("channels".into(), x.channels().len().into());
    let details: Vec<Value> = compared.channels.iter().map(channel_json).collect();
    json.insert("channels_detail".into(), details.into());
    let mut table = figures::table(&entries, args.figures.detail);
    table.extend(allocation.iter().map(band_table::table));
    Ok(FileReport {
        table: Some(table),
        json,
        warnings: compared.warnings,
        failed_checks: args.figures.failed_checks(&entries)?,
        ..FileReport::default()
    })
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
fn allocation(x: &Signal, input: &Input) -> Result<Option<Allocation>, Failure> {
    if encoded::contents(input)?.is_none() {
        return Ok(None);
    }
    let channels: Vec<Vec<f32>> = x.channels().iter().map(|c| c.iter().map(|&x| x as f32).collect()).collect();
    let file = File::open(&input.path).map_err(|error| Failure::input(&input.path, error))?;
    let measured = Allocation::measure(BufReader::new(file), Some(&mut InMemory::new(&channels)), 1);
    measured.map(Some).map_err(|error| Failure::compute(&input.path, error))
}
