//! `compare`: a reference, and what became of it.

use std::{fs::File, io::BufReader, path::PathBuf};

use clap::Args;
use serde_json::{Map, Value, json};

use crate::{
    Signal,
    analysis::{
        Absent, Entry, Figure,
        alignment::{self, Aligned},
        error_profile::ErrorProfile,
        masking, pair,
    },
    codec::{Allocation, InMemory},
};

use super::{
    band_table,
    batch::{Batch, FileReport, json_object},
    exit::{Exit, Failure, display_path},
    figures::{self, FigureOptions},
    info::encoded,
    inputs::{self, Input},
    options::{Global, Inputs},
    source,
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
    let rate_hz = f64::from(x.sample_rate_hz());
    let channels: Vec<Laid> = x.channels().iter().zip(y.channels()).map(|(x, y)| Laid::new(args, x, y)).collect();
    let measure = |laid: &[Laid]| Measured::of(laid, rate_hz).map_err(|error| Failure::compute(&input.path, error));
    let total = measure(&channels)?;
    let details: Result<Vec<Value>, Failure> =
        channels.chunks(1).map(|one| measure(one).map(|measured| Value::Object(measured.json()))).collect();
    let entries = total.entries();
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
        warnings: length_warning(args, x, &y).into_iter().collect(),
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

/// One channel, laid over its reference.
struct Laid {
    x: Vec<f64>,
    y: Vec<f64>,
    shift: Result<Shift, Absent>,
}

/// What was undone.
#[derive(Clone, Copy)]
struct Shift {
    delay_samples: f64,
    gain: f64,
    drift_ppm: f64,
}

impl Laid {
    fn new(args: &CompareArgs, x: &[f64], y: &[f64]) -> Self {
        let n = x.len().min(y.len());
        let as_is = |shift| Self { x: x[..n].to_vec(), y: y[..n].to_vec(), shift };
        if args.no_align {
            return as_is(Ok(Shift { delay_samples: 0.0, gain: 1.0, drift_ppm: 0.0 }));
        }
        match alignment::align(x, y) {
            Ok(Aligned { delay_samples, gain, drift_ppm, start, test }) => {
                let x = x[start..start + test.len()].to_vec();
                Self { x, y: test, shift: Ok(Shift { delay_samples, gain, drift_ppm }) }
            }
            Err(why) => as_is(Err(why)),
        }
    }
}

/// Figures over one or more channels, one after the other.
struct Measured {
    shift: Result<Shift, Absent>,
    pair: pair::PairFigures,
    masking: masking::MaskingFigures,
    profile: ErrorProfile,
    null_depths: Vec<pair::NullDepth>,
}

/// Bins of the input's values by which errors are told apart.
const PROFILE_BINS: usize = 1_024;

impl Measured {
    fn of(laid: &[Laid], rate_hz: f64) -> crate::Result<Self> {
        let x: Vec<f64> = laid.iter().flat_map(|l| &l.x).copied().collect();
        let y: Vec<f64> = laid.iter().flat_map(|l| &l.y).copied().collect();
        let pair = pair::compare(&x, &y, rate_hz)?;
        let masking = masking::noise_to_mask(&x, &y, rate_hz)?;
        // Channels of one recording share their delay; the first that could be aligned speaks for all.
        let shift = laid.iter().map(|l| l.shift).find(Result::is_ok).unwrap_or(laid[0].shift);
        let profile = ErrorProfile::of(&x, &y, PROFILE_BINS)?;
        // Time runs once: over several channels it is that of the first.
        let null_depths = pair::null_depth_over_time(&laid[0].x, &laid[0].y, rate_hz);
        Ok(Self { shift, pair, masking, profile, null_depths })
    }

    fn entries(&self) -> Vec<Entry> {
        let entry = |key, label, unit, figure, definition, formula: &str| Entry {
            key,
            label,
            unit,
            figure,
            definition,
            formula: formula.into(),
        };
        let shift = |part: fn(Shift) -> f64| -> Figure { self.shift.map(part) };
        let mut entries = vec![
            entry(
                "delay_samples",
                "delay",
                "samples",
                shift(|s| s.delay_samples),
                "alignment",
                "peak of the cross-correlation",
            ),
            entry(
                "gain_db",
                "gain",
                "dB",
                shift(|s| 20.0 * s.gain.abs().log10()),
                "alignment",
                "20 log10 |sum x y / sum x^2|",
            ),
            entry("polarity", "polarity", "", shift(|s| s.gain.signum()), "alignment", "sign of the gain"),
            entry("drift_ppm", "clock drift", "ppm", shift(|s| s.drift_ppm), "alignment", "slope of the delay"),
        ];
        entries.extend(self.pair.entries().into_iter().filter(|e| !matches!(e.key, "gain_db" | "polarity")));
        entries.extend(self.profile.entries());
        entries.push(entry(
            "nmr_db",
            "noise-to-mask ratio",
            "dB",
            self.masking.nmr_db,
            "nmr",
            "mean over frames and Bark bands",
        ));
        entries
    }

    fn json(&self) -> Map<String, Value> {
        let mut object = json_object(&self.pair);
        let mut reasons = object.remove("reasons").unwrap_or_else(|| json!({}));
        for entry in self.entries() {
            object.insert(entry.key.into(), json!(entry.figure.ok()));
            if let (Err(why), Value::Object(reasons)) = (entry.figure, &mut reasons) {
                reasons.insert(entry.key.into(), why.to_string().into());
            }
        }
        object.insert("reasons".into(), reasons);
        let bands: Vec<Value> = self
            .masking
            .bands
            .iter()
            .map(|b| {
                let depth = b.snr_db.map(|snr| -snr);
                json!({"frequency_hz": b.frequency_hz, "nmr_db": b.nmr_db.ok(), "snr_db": b.snr_db.ok(), "null_depth_db": depth.ok()})
            })
            .collect();
        object.insert("nmr_bands".into(), bands.into());
        let over_time =
            self.null_depths.iter().map(|n| json!({"start_s": n.start_s, "null_depth_db": n.null_depth_db.ok()}));
        object.insert("null_depth_over_time".into(), over_time.collect::<Vec<Value>>().into());
        object
    }
}
