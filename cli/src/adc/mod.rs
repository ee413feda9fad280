//! `adc`: a model of a converter, and the tests that find its faults.

pub mod model;
pub mod test;

use clap::{Args, Subcommand};

use super::{
    exit::{Exit, Failure},
    options::Global,
};

/// Model a converter, or test one by what it made of a known stimulus
#[derive(Debug, Args)]
pub struct AdcArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Model(model::ModelArgs),
    Test(test::TestArgs),
}

/// Runs `adc`.
pub fn run(args: &AdcArgs, global: &Global) -> Result<Exit, Failure> {
    match &args.what {
        What::Model(args) => model::run(args, global),
        What::Test(args) => test::run(args, global),
    }
}
