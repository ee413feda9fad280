//! Set-up, demo and tests of sqnr on a fresh machine: `cargo xtask demo`, `cargo xtask test`.
//!
//! The command line builds without system packages, but for live audio: on Linux that needs the headers of ALSA. They
//! are installed through the system's package manager; where that may not be, sqnr is built without live audio.

mod audio_headers;

use std::{
    env,
    process::{Command, ExitCode, Stdio},
};

const HELP: &str = "\
cargo xtask demo [ARGS]   build sqnr, run `sqnr demo` on the audio in testdata/
cargo xtask test [ARGS]   run all tests
cargo xtask setup         install what is missing, and say what was done";

fn main() -> ExitCode {
    let mut arguments = env::args().skip(1);
    let task = arguments.next().unwrap_or_default();
    let rest: Vec<String> = arguments.collect();
    match do_task(&task, &rest) {
        Ok(()) => ExitCode::SUCCESS,
        Err(code) => ExitCode::from(code),
    }
}

/// Does `task`; an error is the exit code to end with.
fn do_task(task: &str, arguments: &[String]) -> Result<(), u8> {
    match task {
        "demo" => demo(arguments),
        "test" => test(arguments),
        "setup" => {
            audio_headers::prepare();
            Ok(())
        }
        "" | "help" | "-h" | "--help" => {
            println!("{HELP}");
            Ok(())
        }
        other => {
            eprintln!("xtask: unknown task '{other}'\n{HELP}");
            Err(2)
        }
    }
}

/// Builds the release program and runs the tour.
fn demo(arguments: &[String]) -> Result<(), u8> {
    let mut cargo = cargo("run");
    cargo.args(["--release", "--package", "sqnr-cli"]).args(audio_headers::prepare().features());
    cargo.args(["--", "demo"]).args(arguments);
    run(cargo)
}

/// All tests: with everything switched on that can be built here, then the library with no feature at all.
fn test(arguments: &[String]) -> Result<(), u8> {
    let mut all = cargo("test");
    all.args(["--workspace"]).args(audio_headers::prepare().features()).args(arguments);
    let light = |what| {
        let mut light = cargo("test");
        light.args(["--package", "sqnr", what, "--no-default-features"]).args(arguments);
        light
    };
    run(all)?;
    run(light("--lib"))?;
    run(light("--doc"))
}

/// The cargo that runs this program.
fn cargo(subcommand: &str) -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.arg(subcommand);
    cargo
}

/// Runs `command` to its end; an error is its exit code.
fn run(mut command: Command) -> Result<(), u8> {
    match command.stdin(Stdio::null()).status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1)),
        Err(error) => {
            eprintln!("xtask: {command:?} could not be started: {error}");
            Err(1)
        }
    }
}
