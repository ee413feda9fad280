//! `serve`: the report page with knobs, computed anew at every turn, on the loopback address alone.
//!
//! ```text
//! browser --(Host, Origin and token checked)--> server --> clip (samples in memory) --> knobs --> result
//! ```
//!
//! The inputs are read once, before the address is told. A request names them by number and quantizers by word: no path
//! ever comes from a request.

mod connections;
mod knobs;
mod result;
mod server;

use clap::Args;

use sqnr::task::Clip;

use super::{
    exit::{Exit, Failure},
    inputs,
    options::{Global, Inputs},
    progress::Progress,
    source::{Passes, Rereadable},
    stdio,
    time_range::TimeRange,
};
use result::Served;

/// Shown at the end of `sqnr serve --help`. It runs until it is ended, so no test runs these lines one by one.
const EXAMPLES: &str = "\
Examples:
  sqnr serve song.wav
  sqnr serve --port 8000 --no-open --range 1:00..1:10 *.wav";

/// Open a page with knobs: what quantizers and the codec do, seen and heard at once
///
/// The page is served to this machine alone, under an address with a random token. It ends with Ctrl-C.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct ServeArgs {
    #[command(flatten)]
    inputs: Inputs,
    /// Port on 127.0.0.1; 0 takes a free one
    #[arg(long, value_name = "N", default_value_t = 0)]
    port: u16,
    /// Print the address, and do not open a browser
    #[arg(long)]
    no_open: bool,
    /// The stretch of each input to work on [default: the first 30 seconds]
    #[arg(long, value_name = "FROM..TO", value_parser = TimeRange::parse)]
    range: Option<TimeRange>,
}

/// Most inputs: a page of links stays readable, and their samples fit into memory.
const MAX_CLIPS: usize = 24;

/// Runs `serve` until the process is ended.
pub fn run(args: &ServeArgs, global: &Global) -> Result<Exit, Failure> {
    let inputs = inputs::collect(&args.inputs)?;
    if inputs.len() > MAX_CLIPS {
        return Err(Failure::usage(format!("{} inputs to serve; {MAX_CLIPS} are the most", inputs.len())));
    }
    if args.inputs.dry_run {
        inputs.iter().try_for_each(|input| stdio::print_line(&format!("serve {}", input.display())))?;
        return Ok(Exit::Done);
    }
    let range = args.range.unwrap_or(TimeRange { from_s: 0.0, to_s: Some(30.0) });
    let progress = Progress::new(global);
    let clips: Result<Vec<Served>, Failure> = inputs
        .iter()
        .enumerate()
        .map(|(i, input)| {
            let audio = Rereadable::new(input, Passes::One)?;
            let line = progress.file(i + 1, inputs.len(), &input.display());
            let clip = Clip::read(&audio, (range.from_s, range.to_s), &line);
            Ok(Served { input: input.clone(), clip: clip.map_err(|error| Failure::of(error, &input.path))? })
        })
        .collect();
    let server = server::Server::bind(args.port, clips?)?;
    let address = server.address();
    if global.json {
        let object = serde_json::json!({ "schema": super::batch::JSON_SCHEMA, "command": "serve", "url": address,
            "recipe": super::batch::json_recipe(&knobs::start()) });
        stdio::print_line(&object.to_string())?;
    } else {
        stdio::print_line(&address)?;
    }
    if !args.no_open {
        open_in_browser(&address, global);
    }
    server.run()
}

/// Asks the system to show the page; when it cannot, the printed address remains.
fn open_in_browser(address: &str, global: &Global) {
    let (program, first): (&str, &[&str]) = match std::env::consts::OS {
        "macos" => ("open", &[]),
        "windows" => ("cmd", &["/C", "start", ""]),
        _ => ("xdg-open", &[]),
    };
    let quiet = std::process::Stdio::null;
    let started = std::process::Command::new(program)
        .args(first)
        .arg(address)
        .stdin(quiet())
        .stdout(quiet())
        .stderr(quiet())
        .spawn();
    if started.is_err() && !global.quiet {
        stdio::note_line("no browser could be opened; open the address above, it ends with Ctrl-C");
    }
}
