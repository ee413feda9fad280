//! `design predictor`: linear prediction for DPCM, designed on files.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::filter_file::{self, Target};
use sqnr::predictive::Predictor;

use crate::{
    exit::{Exit, Failure, display_path},
    inputs::{self, Input},
    options::{Global, Inputs},
    source,
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

/// Samples per channel that are read at once.
const BLOCK: usize = 1 << 16;

/// Runs `design predictor`.
pub fn run(args: &PredictorArgs, global: &Global) -> Result<Exit, Failure> {
    let inputs = inputs::collect(&args.inputs)?;
    let Target::Write(output) = filter_file::target(&args.output, &inputs, global)? else { return Ok(Exit::Done) };
    let mut signals = Vec::new();
    for input in &inputs {
        signals.extend(channels(input)?);
    }
    let slices: Vec<&[f64]> = signals.iter().map(Vec::as_slice).collect();
    let predictor = Predictor::design(&slices, args.order).map_err(|e| Failure::compute(&inputs[0].path, e))?;
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

/// All samples of a file; what is not a number counts as 0.
fn channels(input: &Input) -> Result<Vec<Vec<f64>>, Failure> {
    let mut source = source::open(input)?;
    let n_channels = usize::from(source.info().spec.channels);
    let (mut channels, mut block) = (vec![Vec::new(); n_channels], vec![Vec::new(); n_channels]);
    while source.read_planar(&mut block, BLOCK).map_err(|error| source::unreadable(input, error))? > 0 {
        for (channel, block) in channels.iter_mut().zip(&block) {
            channel.extend(block.iter().map(|&x| if x.is_finite() { x } else { 0.0 }));
        }
    }
    Ok(channels)
}
