//! `design`: finds the best of something, and writes it where other commands take it from.

mod codebook;
mod filter_file;
mod modulator;
mod predictor;
mod shaper;
mod vectors;
mod weighting_file;

use clap::{Args, Subcommand};

use super::{
    exit::{Exit, Failure},
    options::Global,
};

/// Find the best codebook, noise shaper, modulator or predictor
#[derive(Debug, Args)]
pub struct DesignArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Codebook(codebook::CodebookArgs),
    Shaper(shaper::ShaperArgs),
    Modulator(modulator::ModulatorArgs),
    Predictor(predictor::PredictorArgs),
}

/// Runs `design`.
pub fn run(args: &DesignArgs, global: &Global) -> Result<Exit, Failure> {
    match &args.what {
        What::Codebook(args) => codebook::run(args, global),
        What::Shaper(args) => shaper::run(args, global),
        What::Modulator(args) => modulator::run(args, global),
        What::Predictor(args) => predictor::run(args, global),
    }
}
