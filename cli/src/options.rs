//! Options that every command takes, and those of every command with inputs.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// When to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ColorWhen {
    Auto,
    Always,
    Never,
}

/// Options of every command.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// Replace outputs that exist
    #[arg(short, long, global = true, conflicts_with = "no_clobber")]
    pub force: bool,
    /// Skip inputs whose output exists
    #[arg(short, long, global = true)]
    pub no_clobber: bool,
    /// Print results and errors only
    #[arg(long, global = true)]
    pub quiet: bool,
    /// Say more: settings, times, what was kept
    #[arg(short, long, global = true)]
    pub verbose: bool,
    /// Print results as JSON, one object a line and file
    #[arg(long, global = true)]
    pub json: bool,
    /// When to colour [default: auto]
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        default_value = "auto",
        hide_default_value = true,
        hide_possible_values = true
    )]
    pub color: ColorWhen,
    /// No progress line
    #[arg(long, global = true)]
    pub no_progress: bool,
}

/// The inputs of a command, and how to walk through many.
#[derive(Debug, Args)]
#[command(next_help_heading = "Inputs")]
pub struct Inputs {
    /// Audio files; - is standard input
    #[arg(value_name = "IN")]
    pub inputs: Vec<PathBuf>,
    /// Take the audio files in folders, and in folders below
    #[arg(short = 'R', long)]
    pub recursive: bool,
    /// With -R: which files, by ending
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub ext: Vec<String>,
    /// Read more inputs from a file, one a line; - is standard input
    #[arg(long, value_name = "FILE")]
    pub files_from: Option<PathBuf>,
    /// Files at once [default: all cores]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub jobs: Option<u16>,
    /// Go on after a file that failed (the default)
    #[arg(long, conflicts_with = "fail_fast")]
    pub keep_going: bool,
    /// Stop at the first file that fails
    #[arg(long)]
    pub fail_fast: bool,
    /// Say what would be done, and do nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// Where the outputs of a command go.
#[derive(Debug, Args)]
#[command(next_help_heading = "Outputs")]
pub struct Outputs {
    /// The output of a single input; - is standard output
    #[arg(short, long, value_name = "FILE", conflicts_with = "output_dir")]
    pub output: Option<PathBuf>,
    /// The folder for the outputs
    #[arg(short = 'O', long, value_name = "DIR")]
    pub output_dir: Option<PathBuf>,
}
