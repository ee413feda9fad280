//! `design`: finds the best of something, and writes it where other commands take it from.

mod codebook;

use clap::{Args, Subcommand};

use super::{
    exit::{Exit, Failure},
    options::Global,
};

/// Find the best codebook for a signal or a density
#[derive(Debug, Args)]
pub struct DesignArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Codebook(codebook::CodebookArgs),
}

/// Runs `design`.
pub fn run(args: &DesignArgs, global: &Global) -> Result<Exit, Failure> {
    match &args.what {
        What::Codebook(args) => codebook::run(args, global),
    }
}
