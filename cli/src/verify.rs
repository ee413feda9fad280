//! `verify`: every checksum of `.sqn` files, decodes them, and holds them against their original.

use std::{
    fs::File,
    io::{self, BufReader, Read},
    path::PathBuf,
};

use clap::Args;
use serde_json::json;

use sqnr::{
    audio_file::Reopen,
    codec::Damage,
    task::{self, Verification},
};

use super::{
    batch::{Batch, FileReport},
    exit::{Exit, Failure, display_path},
    inputs::{self, Input, Walked},
    loss,
    options::{Global, Inputs},
    progress::FileProgress,
    source::{Passes, Rereadable},
    units,
};

/// Shown at the end of `sqnr verify --help`; a test runs each line.
const EXAMPLES: &str = "\
Examples:
  sqnr verify tune.sqn
  sqnr verify --against song.wav tune.sqn
  sqnr verify --json tune.sqn";

/// Check every checksum of .sqn files, and decode them
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct VerifyArgs {
    #[command(flatten)]
    inputs: Inputs,
    /// Also compare with the original: length and signal-to-noise ratio; one input only
    #[arg(long, value_name = "REF")]
    against: Option<PathBuf>,
}

/// Runs `verify`.
pub fn run(args: &VerifyArgs, global: &Global) -> Result<Exit, Failure> {
    let inputs = inputs::collect_of(&args.inputs, Walked::Encoded)?;
    if args.against.is_some() && inputs.len() > 1 {
        return Err(Failure::usage("--against names the original of one file, and there are many inputs"));
    }
    let batch = Batch { command: "verify", global, inputs: &args.inputs };
    batch.measure(inputs, |input, progress| one_file(args, input, progress))
}

fn one_file(args: &VerifyArgs, input: &Input, progress: &FileProgress) -> Result<FileReport, Failure> {
    let encoded = open(input)?;
    let reference = args.against.as_deref().map(Input::at);
    let original = reference.as_ref().map(|reference| Rereadable::new(reference, Passes::One)).transpose()?;
    let original = original.as_ref().map(|original| original as &dyn Reopen);
    let verified = task::verify(encoded, original, progress)
        // What names nobody is the fault of the encoded file.
        .map_err(|error| Failure::of(error.of_input(display_path(&input.path)), &input.path))?;
    Ok(report(args, input, &verified))
}

/// Opens an `.sqn` file or standard input.
fn open(input: &Input) -> Result<Box<dyn Read>, Failure> {
    if input.is_stdin() {
        return Ok(Box::new(io::stdin().lock()));
    }
    match File::open(&input.path) {
        Ok(file) => Ok(Box::new(BufReader::new(file))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(inputs::missing(&input.path)),
        Err(error) => Err(Failure::input(&input.path, error)),
    }
}

fn report(args: &VerifyArgs, input: &Input, verified: &Verification) -> FileReport {
    let place =
        |damage: &Damage| format!("group {} at {}: {}", damage.group, units::duration(damage.start_s), damage.what);
    let mut failed_checks: Vec<String> = verified.damages.iter().map(place).collect();
    let verdict = if failed_checks.is_empty() { "whole" } else { "damaged" };
    let duration_s = verified.samples as f64 / f64::from(verified.sample_rate_hz);
    let mut table = format!("{}: {verdict}, {}", input.display(), units::duration(duration_s));
    let mut json = serde_json::Map::from_iter([
        ("whole".to_owned(), json!(failed_checks.is_empty())),
        ("samples".to_owned(), json!(verified.samples)),
        ("duration_s".to_owned(), json!(duration_s)),
    ]);
    if let (Some(loss), Some(path)) = (&verified.loss, &args.against) {
        let reference = display_path(path);
        table += &format!(", {} against {reference}", loss::describe(loss));
        json.extend(loss::json(loss));
        json.insert("reference".into(), reference.clone().into());
        if loss.samples != loss.reference_samples {
            let (ours, theirs) = (loss.samples, loss.reference_samples);
            failed_checks.push(format!("{ours} samples per channel, {theirs} in {reference}"));
        }
    }
    table.push('\n');
    FileReport { table: Some(table), json, failed_checks, ..FileReport::default() }
}
