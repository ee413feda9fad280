//! `design predictor`: linear prediction for DPCM, designed on files.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use sqnr::{audio_file::Reopen, task};

use super::filter_file::{self, Target};
use crate::{
    exit::{Exit, Failure, display_path},
    inputs,
    options::{Global, Inputs},
    source::{Passes, Rereadable},
};

/// Shown at the end of `sqnr design predictor --help`; a test runs each line.
const EXAMPLES: &str = "\
Examples:
  sqnr design predictor song.wav
  sqnr design predictor song.wav speech.wav --order 4 -o both.json";

/// Design a DPCM predictor for files
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct PredictorArgs {
    #[command(flatten)]
    inputs: Inputs,
    /// Coefficients, 1 to 64
    #[arg(long, value_name = "N", default_value_t = 16)]
    order: usize,
    /// The predictor's file; - is standard output
    #[arg(short, long, value_name = "FILE", default_value = "predictor.json")]
    output: PathBuf,
}

/// Runs `design predictor`.
pub fn run(args: &PredictorArgs, global: &Global) -> Result<Exit, Failure> {
    let inputs = inputs::collect(&args.inputs)?;
    let Target::Write(output) = filter_file::target(&args.output, &inputs, global)? else { return Ok(Exit::Done) };
    let files: Vec<Rereadable> =
        inputs.iter().map(|input| Rereadable::new(input, Passes::One)).collect::<Result<_, _>>()?;
    let audio: Vec<&dyn Reopen> = files.iter().map(|file| file as &dyn Reopen).collect();
    let designed = task::design_predictor(&audio, args.order);
    let predictor = designed.map_err(|error| Failure::of(error, &inputs[0].path))?;
    let table = format!("prediction gain  {:.3} dB\n", predictor.gain_db());
    let object = json!({
        "kind": "predictor",
        "order": args.order,
        "coefficients": predictor.coefficients(),
        "gain_db": predictor.gain_db(),
        "input": inputs.iter().map(|input| display_path(&input.path)).collect::<Vec<_>>(),
    });
    filter_file::finish(&output, "design predictor", object, &table, global)
}
