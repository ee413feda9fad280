//! `verify`: every checksum of `.sqn` files, decodes them, and holds them against their original.

use std::{
    fs::File,
    io::{self, BufReader, Read},
    path::PathBuf,
};

use clap::Args;
use serde_json::json;

use sqnr::{
    audio_file::Info,
    codec::{Damage, Decoder, Header, OnDamage},
};

use super::{
    batch::{Batch, FileReport},
    exit::{Exit, Failure, display_path},
    inputs::{self, Input, Walked},
    loss::Loss,
    options::{Global, Inputs},
    progress::FileProgress,
    source, units,
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
    let wrong = |error| Failure::input(&input.path, error);
    let mut decoder = Decoder::with_policy(open(input)?, OnDamage::Salvage).map_err(wrong)?;
    let header = decoder.header().clone();
    let at = |samples| progress.at(samples, header.samples, header.sample_rate_hz);
    let (samples, loss) = match &args.against {
        Some(path) => {
            let reference = Input { path: path.clone(), below: path.clone() };
            let mut original = source::open(&reference)?;
            refuse_other_formats(&header, original.info(), input, &reference)?;
            let loss = Loss::measure(&mut decoder, &mut original, at).map_err(wrong)?;
            (loss.samples, Some(loss))
        }
        None => (drain(&mut decoder, at).map_err(wrong)?, None),
    };
    Ok(report(args, input, decoder.damages(), (samples, f64::from(header.sample_rate_hz)), loss))
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

fn refuse_other_formats(header: &Header, original: &Info, input: &Input, reference: &Input) -> Result<(), Failure> {
    let reference = reference.display();
    let (ours, theirs) = (header.sample_rate_hz, original.spec.sample_rate_hz);
    if ours != theirs {
        return Err(Failure::input(&input.path, format!("has {ours} Hz, {reference} {theirs} Hz")));
    }
    let (ours, theirs) = (u16::from(header.channels), original.spec.channels);
    match ours == theirs {
        true => Ok(()),
        false => Err(Failure::input(&input.path, format!("has {ours} channels, {reference} {theirs}"))),
    }
}

/// Decodes to the end; returns the samples per channel.
fn drain<R: Read>(decoder: &mut Decoder<R>, mut at: impl FnMut(u64)) -> sqnr::Result<u64> {
    let mut samples = 0;
    while let Some(block) = decoder.next_block()? {
        samples += block[0].len() as u64;
        at(samples);
    }
    Ok(samples)
}

fn report(
    args: &VerifyArgs,
    input: &Input,
    damages: &[Damage],
    (samples, rate_hz): (u64, f64),
    loss: Option<Loss>,
) -> FileReport {
    let place =
        |damage: &Damage| format!("group {} at {}: {}", damage.group, units::duration(damage.start_s), damage.what);
    let mut failed_checks: Vec<String> = damages.iter().map(place).collect();
    let verdict = if failed_checks.is_empty() { "whole" } else { "damaged" };
    let duration_s = samples as f64 / rate_hz;
    let mut table = format!("{}: {verdict}, {}", input.display(), units::duration(duration_s));
    let mut json = serde_json::Map::from_iter([
        ("whole".to_owned(), json!(failed_checks.is_empty())),
        ("samples".to_owned(), json!(samples)),
        ("duration_s".to_owned(), json!(duration_s)),
    ]);
    if let (Some(loss), Some(path)) = (loss, &args.against) {
        let reference = display_path(path);
        table += &format!(", {} against {reference}", loss.describe());
        json.extend(loss.json());
        json.insert("reference".into(), reference.clone().into());
        if loss.samples != loss.reference_samples {
            let (ours, theirs) = (loss.samples, loss.reference_samples);
            failed_checks.push(format!("{ours} samples per channel, {theirs} in {reference}"));
        }
    }
    table.push('\n');
    FileReport { table: Some(table), json, failed_checks, ..FileReport::default() }
}
