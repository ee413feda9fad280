//! `compare`: a reference, and what became of it.

use std::{fs::File, io::BufReader, path::PathBuf};

use clap::Args;
use serde_json::Value;

use sqnr::{
    Signal,
    codec::{Allocation, InMemory},
};

use super::{
    band_table,
    batch::{Batch, FileReport},
    exit::{Exit, Failure, display_path},
    figures::{self, FigureOptions},
    info::encoded,
    inputs::{self, Input},
    options::{Global, Inputs},
    sections, source,
};

use measured::{Alignment, Laid, Measured};

mod measured;

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

const BLOCK: usize = 16_384;

/// Runs `compare`.
pub fn run(args: &CompareArgs, global: &Global) -> Result<Exit, Failure> {
    if args.inputs.inputs.is_empty() && args.inputs.files_from.is_none() {
        return Err(Failure::usage("compare needs a reference and at least one file to hold against it"));
    }
    let tests = inputs::collect(&args.inputs)?;
    let reference = Input { path: args.reference.clone(), below: args.reference.clone() };
    if reference.is_stdin() && tests.iter().any(Input::is_stdin) {
        return Err(Failure::usage("standard input can be read once only"));
    }
    let x = read(&reference)?;
    Batch { command: "compare", global, inputs: &args.inputs }.measure(tests, |input, _| one_file(args, &x, input))
}

/// Most samples, all channels together, that a file may have: alignment looks at both files as wholes, in memory, at
/// about 40 bytes a sample. 46 minutes of stereo at 48 kHz.
const MAX_SAMPLES: u64 = 1 << 28;

fn read(input: &Input) -> Result<Signal, Failure> {
    let mut source = source::open(input)?;
    let n_channels = u64::from(source.info().spec.channels);
    let too_long = || {
        let message = format!("is too long to compare: at most {MAX_SAMPLES} samples of all channels; cut both files");
        Failure::input(&input.path, message)
    };
    if source.info().n_frames.is_some_and(|n| n.saturating_mul(n_channels) > MAX_SAMPLES) {
        return Err(too_long());
    }
    let mut channels = vec![Vec::new(); usize::from(source.info().spec.channels)];
    let mut block = Vec::new();
    while source.read_planar(&mut block, BLOCK).map_err(|error| source::unreadable(input, error))? > 0 {
        channels.iter_mut().zip(&block).for_each(|(channel, part)| channel.extend_from_slice(part));
        if channels[0].len() as u64 * n_channels > MAX_SAMPLES {
            return Err(too_long());
        }
    }
    Signal::new(source.info().spec.sample_rate_hz, channels).map_err(|error| source::unreadable(input, error))
}

fn one_file(args: &CompareArgs, x: &Signal, input: &Input) -> Result<FileReport, Failure> {
    let y = read(input)?;
    refuse_other_formats(args, x, &y, input)?;
    let channels: Vec<Laid> =
        x.channels().iter().zip(y.channels()).map(|(x, y)| Laid::new(args.alignment(), x, y)).collect();
    let measure =
        |laid: &[Laid]| Measured::of(laid, x.sample_rate_hz()).map_err(|error| Failure::compute(&input.path, error));
    let total = measure(&channels)?;
    let details: Result<Vec<Value>, Failure> =
        channels.chunks(1).map(|one| measure(one).map(|measured| Value::Object(measured.channel_json()))).collect();
    let entries = sections::all_entries(&total.sections());
    let allocation = allocation(x, input)?;
    let mut json = total.json();
    json.extend(allocation.iter().flat_map(band_table::json));
    json.insert("reference".into(), display_path(&args.reference).into());
    json.insert("sample_rate_hz".into(), x.sample_rate_hz().into());
    json.insert("channels".into(), x.channels().len().into());
    json.insert("channels_detail".into(), details?.into());
    let mut table = figures::table(&entries, args.figures.detail);
    table.extend(allocation.iter().map(band_table::table));
    Ok(FileReport {
        table: Some(table),
        json,
        warnings: length_warning(args, x, &y).into_iter().chain(total.unaligned_warning()).collect(),
        failed_checks: args.figures.failed_checks(&entries)?,
        ..FileReport::default()
    })
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

fn refuse_other_formats(args: &CompareArgs, x: &Signal, y: &Signal, input: &Input) -> Result<(), Failure> {
    let reference = display_path(&args.reference);
    let (ours, theirs) = (y.sample_rate_hz(), x.sample_rate_hz());
    if ours != theirs {
        return Err(Failure::input(&input.path, format!("has {ours} Hz, {reference} {theirs} Hz; resample one first")));
    }
    let (ours, theirs) = (y.channels().len(), x.channels().len());
    match ours == theirs {
        true => Ok(()),
        false => Err(Failure::input(&input.path, format!("has {ours} channels, {reference} {theirs}"))),
    }
}

fn length_warning(args: &CompareArgs, x: &Signal, y: &Signal) -> Option<String> {
    let differs = args.no_align && x.len() != y.len();
    differs.then(|| format!("{} samples against {} of the reference; the longer is cut", y.len(), x.len()))
}
