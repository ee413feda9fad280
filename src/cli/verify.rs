//! `verify`: every checksum of `.sqn` files, and decodes them.

use std::{fs::File, io::BufReader};

use clap::Args;
use serde_json::{Map, Value, json};

use crate::codec::{Damage, Decoder, OnDamage};

use super::{
    batch::{Batch, FileReport, Job},
    exit::{Exit, Failure},
    inputs::{self, Input, Walked},
    options::{Global, Inputs},
    progress::FileProgress,
    units,
};

/// Shown at the end of `sqnr verify --help`; a test runs each line.
const EXAMPLES: &str = "\
Examples:
  sqnr verify tune.sqn
  sqnr verify --json tune.sqn";

/// Check every checksum of .sqn files, and decode them
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct VerifyArgs {
    #[command(flatten)]
    inputs: Inputs,
}

/// Runs `verify`.
pub fn run(args: &VerifyArgs, global: &Global) -> Result<Exit, Failure> {
    let inputs = inputs::collect_of(&args.inputs, Walked::Encoded)?;
    let jobs: Vec<Job> = inputs.into_iter().map(|input| Job { input, output: None }).collect();
    let batch = Batch { command: "verify", global, inputs: &args.inputs };
    batch.run(&jobs, |job, progress| one_file(&job.input, progress))
}

fn one_file(input: &Input, progress: &FileProgress) -> Result<FileReport, Failure> {
    let wrong = |error| Failure::input(&input.path, error);
    let file = File::open(&input.path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => inputs::missing(&input.path),
        _ => Failure::input(&input.path, error),
    })?;
    let mut decoder = Decoder::with_policy(BufReader::new(file), OnDamage::Salvage).map_err(wrong)?;
    let (rate_hz, known) = (decoder.header().sample_rate_hz, decoder.header().samples);
    let mut samples = 0;
    while let Some(block) = decoder.next_block().map_err(wrong)? {
        samples += block[0].len() as u64;
        progress.at(samples, known, rate_hz);
    }
    let duration_s = samples as f64 / f64::from(rate_hz);
    let place =
        |damage: &Damage| format!("group {} at {}: {}", damage.group, units::duration(damage.start_s), damage.what);
    let failed_checks: Vec<String> = decoder.damages().iter().map(place).collect();
    let verdict = if failed_checks.is_empty() { "whole" } else { "damaged" };
    let json: Map<String, Value> = Map::from_iter([
        ("whole".to_owned(), json!(failed_checks.is_empty())),
        ("samples".to_owned(), json!(samples)),
        ("duration_s".to_owned(), json!(duration_s)),
    ]);
    let table = format!("{}: {verdict}, {}\n", input.display(), units::duration(duration_s));
    Ok(FileReport { table: Some(table), json, failed_checks, ..FileReport::default() })
}
