//! The `sqnr` command: arguments in, one library call, a report out.
//!
//! A command is a file here: its arguments and its `run`. Strings become enums in the parser and go no further. What
//! all commands share has its own room: `batch` (many inputs), `outputs` (names, refusals), `progress`, `exit`.

mod adc;
mod analyze;
mod band_table;
mod batch;
mod compare;
mod decode;
mod demo;
mod design;
mod encode;
mod exit;
mod figures;
mod generate;
mod help;
mod hints;
mod identity;
mod info;
mod inputs;
mod library_error;
#[cfg(feature = "live")]
mod live;
mod loss;
mod notes;
mod options;
mod out_file;
mod outputs;
mod pcm;
mod plot;
mod progress;
mod quantize;
mod recipe_args;
mod report;
mod sections;
#[cfg(feature = "serve")]
mod serve;
mod signals;
mod sink;
mod source;
mod stdio;
mod sweep;
mod time_range;
mod units;
mod usage;
mod verify;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use exit::{Exit, Failure};
use options::Global;

#[derive(Parser)]
#[command(
    name = "sqnr",
    version,
    about = "Quantize signals and audio, measure what quantization did, and beat it",
    disable_help_subcommand = true,
    subcommand_required = true,
    arg_required_else_help = true,
    max_term_width = 100,
    after_long_help = help::EXAMPLES
)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Quantize(Box<quantize::QuantizeArgs>),
    Encode(encode::EncodeArgs),
    Decode(decode::DecodeArgs),
    Verify(verify::VerifyArgs),
    Compare(compare::CompareArgs),
    Info(info::InfoArgs),
    Analyze(analyze::AnalyzeArgs),
    Adc(adc::AdcArgs),
    Generate(generate::GenerateArgs),
    #[cfg(feature = "live")]
    Live(live::LiveArgs),
    Design(design::DesignArgs),
    Sweep(sweep::SweepArgs),
    Plot(plot::PlotArgs),
    Report(report::ReportArgs),
    #[cfg(feature = "serve")]
    Serve(serve::ServeArgs),
    Demo(demo::DemoArgs),
    /// Print a completion script for a shell
    Completions(help::CompletionsArgs),
    /// Print the manual page
    Man(help::ManArgs),
    /// Explain a topic or a command
    Help(help::HelpArgs),
}

impl Command {
    /// True for a command that ends in its own way when it is told to: `live` completes its recording.
    fn handles_signals(&self) -> bool {
        #[cfg(feature = "live")]
        return matches!(self, Self::Live(_));
        #[cfg(not(feature = "live"))]
        false
    }
}

/// Debug builds end at once when an audio callback allocates.
#[cfg(all(feature = "live", debug_assertions))]
#[global_allocator]
static ALLOCATOR: assert_no_alloc::AllocDisabler = assert_no_alloc::AllocDisabler;

/// Parses the process's arguments, runs the command, and says how it ended.
fn main() -> ExitCode {
    match Cli::try_parse() {
        Ok(cli) => {
            if !cli.command.handles_signals() {
                signals::clean_up_on_signal();
            }
            finish(run(&cli))
        }
        Err(error) if error.exit_code() == 0 => {
            finish(stdio::print_bytes(error.render().to_string().as_bytes()).map(|()| Exit::Done))
        }
        Err(error) if error.kind() == clap::error::ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            stdio::note_line(error.render().to_string().trim_end());
            Exit::Usage.into()
        }
        Err(error) => finish(Err(Failure::usage(usage::one_line(&error)))),
    }
}

fn run(cli: &Cli) -> Result<Exit, Failure> {
    match &cli.command {
        Command::Quantize(args) => quantize::run(args, &cli.global),
        Command::Encode(args) => encode::run(args, &cli.global),
        Command::Decode(args) => decode::run(args, &cli.global),
        Command::Verify(args) => verify::run(args, &cli.global),
        Command::Compare(args) => compare::run(args, &cli.global),
        Command::Info(args) => info::run(args, &cli.global),
        Command::Analyze(args) => analyze::run(args, &cli.global),
        Command::Adc(args) => adc::run(args, &cli.global),
        Command::Generate(args) => generate::run(args, &cli.global),
        #[cfg(feature = "live")]
        Command::Live(args) => live::run(args, &cli.global),
        Command::Design(args) => design::run(args, &cli.global),
        Command::Sweep(args) => sweep::run(args, &cli.global),
        Command::Plot(args) => plot::run(args, &cli.global),
        Command::Report(args) => report::run(args, &cli.global),
        #[cfg(feature = "serve")]
        Command::Serve(args) => serve::run(args, &cli.global),
        Command::Demo(args) => demo::run(args, &cli.global),
        Command::Completions(args) => help::completions(args, &mut Cli::command()),
        Command::Man(args) => help::man(args, Cli::command()),
        Command::Help(args) => help::topic(args, &mut Cli::command()),
    }
}

/// Prints a failure as one line and turns the outcome into the process's exit code.
fn finish(outcome: Result<Exit, Failure>) -> ExitCode {
    match outcome {
        Ok(exit) => exit.into(),
        Err(failure) => {
            stdio::note_line(&format!("sqnr: {}", exit::escape_controls(&failure.to_string())));
            failure.exit.into()
        }
    }
}
