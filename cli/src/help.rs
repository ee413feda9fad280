//! `completions`, `man` and `help TOPIC`.

use clap::{Args, ValueEnum};
use clap_complete::Shell;

use super::{
    exit::{Exit, Failure},
    stdio,
};

/// Shown at the end of `sqnr --help`; a test runs each line.
pub const EXAMPLES: &str = "\
Examples:
  sqnr generate sine --bits 16 -o tone.wav
  sqnr help dither";

#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// bash, elvish, fish, powershell or zsh
    shell: Shell,
}

#[derive(Debug, Args)]
pub struct ManArgs {}

#[derive(Debug, Args)]
pub struct HelpArgs {
    /// A topic (dither, formats, metrics, exit-codes, json) or a command
    #[arg(value_name = "TOPIC")]
    topic: Option<String>,
}

/// What `sqnr help` explains besides the commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Topic {
    Dither,
    Formats,
    Metrics,
    ExitCodes,
    Json,
}

impl Topic {
    fn text(self) -> &'static str {
        match self {
            Self::Dither => include_str!("help/dither.txt"),
            Self::Formats => include_str!("help/formats.txt"),
            Self::Metrics => include_str!("help/metrics.txt"),
            Self::ExitCodes => include_str!("help/exit-codes.txt"),
            Self::Json => include_str!("help/json.txt"),
        }
    }
}

/// Prints the completion script of a shell.
pub fn completions(args: &CompletionsArgs, command: &mut clap::Command) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, command, "sqnr", &mut script);
    stdio::print_bytes(&script).map(|()| Exit::Done)
}

/// Prints the manual page in roff.
pub fn man(_args: &ManArgs, command: clap::Command) -> Result<Exit, Failure> {
    let mut page = Vec::new();
    match clap_mangen::Man::new(command).render(&mut page) {
        Ok(()) => stdio::print_bytes(&page).map(|()| Exit::Done),
        Err(error) => Err(Failure::usage(format!("the manual page could not be made: {error}"))),
    }
}

/// Prints a topic, the help of a command, or the whole help.
pub fn topic(args: &HelpArgs, command: &mut clap::Command) -> Result<Exit, Failure> {
    let Some(name) = &args.topic else {
        return print_help(command);
    };
    if let Ok(topic) = Topic::from_str(name, true) {
        return stdio::print_bytes(topic.text().as_bytes()).map(|()| Exit::Done);
    }
    command.build();
    match command.find_subcommand_mut(name) {
        Some(found) => print_help(found),
        None => Err(Failure::usage(format!(
            "no help on '{name}'; topics: dither, formats, metrics, exit-codes, json, and every command"
        ))),
    }
}

fn print_help(command: &mut clap::Command) -> Result<Exit, Failure> {
    stdio::print_bytes(command.render_long_help().to_string().as_bytes()).map(|()| Exit::Done)
}
