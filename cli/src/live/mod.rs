//! `live`: microphone to loudspeaker through a quantizer, with a screen or a line a second.

mod devices;
mod lines;
mod screen;

use std::{
    io::{self, IsTerminal},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use clap::Args;
use signal_hook::consts::SIGINT;

use sqnr::{
    Error, audio_file,
    live::{
        DEFAULT_BUFFER_FRAMES, Deck, DeckOptions, Input, MAX_BITS, Output, Request, SilencedStderr, State, codec_at,
    },
    recipe::{Depth, DitherChoice, Method, Recipe, Shape},
};

use screen::{Charset, End, ScreenOptions};

use super::{
    exit::{Exit, Failure},
    identity,
    options::Global,
    outputs::Existing,
    recipe_args::{self, parse_shape, words},
};

/// Shown at the end of `sqnr live --help`.
const EXAMPLES: &str = "\
Examples:
  sqnr live -b 4
  sqnr live --list-devices
  sqnr live --input speech.wav -b 6 --dither none --no-tui --seconds 2
  sqnr live --input speech.wav -m codec --bitrate 48k --no-tui --seconds 2
  sqnr live --device hw:CARD=1,DEV=0 --buffer 128 --record take";

/// Hear and see quantization from the microphone while you turn its knobs
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct LiveArgs {
    /// Bits per sample
    #[arg(short, long, value_name = "BITS", default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_BITS)))]
    bits: u32,
    /// uniform, mid-rise, mu-law, a-law, lloyd-max, codec, or a codebook FILE.json
    #[arg(short, long, value_name = "METHOD", default_value = "uniform", value_parser = parse_method)]
    method: Method,
    /// The codec's rate, in kbit/s for all channels: 64k, 96k ...
    #[arg(short = 'r', long, value_name = "RATE", default_value = "64k", value_parser = super::encode::parse_bitrate)]
    bitrate: f64,
    /// Dither of uniform quantizers; auto is tpdf
    #[arg(short, long, value_name = "KIND", default_value = "auto", value_parser = words::<DitherChoice>())]
    dither: DitherChoice,
    /// Noise shaping: none, auto, ear, order-1, order-2, a filter's name, FILE.json, or 1.5,-0.6
    #[arg(short, long, value_name = "SHAPE", default_value = "none", value_parser = parse_shape, allow_hyphen_values = true)]
    shape: Shape,
    /// Seed of the dither
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Play this file instead of the microphone; - is standard input
    #[arg(long, value_name = "FILE", conflicts_with = "device")]
    input: Option<PathBuf>,
    /// The microphone: an identifier of --list-devices, or part of a name
    #[arg(long, value_name = "NAME")]
    device: Option<String>,
    /// The loudspeaker, likewise; none plays nothing
    #[arg(long, value_name = "NAME")]
    output_device: Option<String>,
    /// Show the sound devices and end
    #[arg(long)]
    list_devices: bool,
    /// Record input and output: FILE.dry.wav and FILE.wet.wav
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// Print a line a second instead of the screen
    #[arg(long)]
    no_tui: bool,
    /// End after this time
    #[arg(long, value_name = "S", value_parser = positive_seconds)]
    seconds: Option<f64>,
    /// Sample rate of the microphone [default: 48000]
    #[arg(long, value_name = "HZ", value_parser = clap::value_parser!(u32).range(1_000..=768_000))]
    sample_rate: Option<u32>,
    /// Frames per block: fewer are faster, more are safer
    #[arg(long, value_name = "N", default_value_t = DEFAULT_BUFFER_FRAMES, value_parser = clap::value_parser!(u32).range(16..=16_384))]
    buffer: u32,
}

/// Reads a method of files that quantizes sample by sample, or the codec.
fn parse_method(text: &str) -> Result<Method, String> {
    match text {
        "codec" => Ok(codec_at(0.0)),
        _ => recipe_args::parse_method(text),
    }
}

fn positive_seconds(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(seconds) if seconds > 0.0 && seconds.is_finite() => Ok(seconds),
        _ => Err("a time above 0 s".into()),
    }
}

/// Runs the command.
pub fn run(args: &LiveArgs, global: &Global) -> Result<Exit, Failure> {
    if args.list_devices {
        return devices::print_list(global);
    }
    let signals = Signals::listen();
    let options = deck_options(args, global)?;
    let deck = {
        let _silence = SilencedStderr::begin();
        Deck::open(options)
    };
    let deck = deck.map_err(|error| not_opened(error, args))?;
    let ending = if has_screen(args, global) {
        show_screen(deck, args, &signals)?
    } else {
        lines::show(deck, args, global, &signals)?
    };
    finish(ending, &signals)
}

/// A screen needs a terminal on both sides that can move its cursor.
fn has_screen(args: &LiveArgs, global: &Global) -> bool {
    let is_dumb = std::env::var_os("TERM").is_none_or(|term| term.is_empty() || term == "dumb");
    let reads_keys = args.input.as_deref() != Some(Path::new("-")) && io::stdin().is_terminal();
    !args.no_tui && !global.json && !is_dumb && reads_keys && io::stdout().is_terminal()
}

/// What the locale says of the terminal's characters; POSIX' order of variables.
fn charset() -> Charset {
    let locale =
        ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(|name| std::env::var(name).ok().filter(|v| !v.is_empty()));
    let is_utf8 = locale.is_some_and(|locale| {
        let locale = locale.to_ascii_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    });
    if is_utf8 { Charset::Unicode } else { Charset::Ascii }
}

fn show_screen(mut deck: Deck, args: &LiveArgs, signals: &Signals) -> Result<Ending, Failure> {
    let options = ScreenOptions {
        charset: charset(),
        snapshot_folder: Path::new("."),
        duration: args.seconds.map(Duration::from_secs_f64),
        is_told_to_end: &|| signals.signal().is_some(),
    };
    let shown = screen::show(&mut deck, &options);
    let state = deck.status().state;
    let recorded = deck.close();
    if matches!(shown, Ok(End::Interrupted)) {
        signals.note(SIGINT);
    }
    match shown {
        // A window that is gone ends the program as its signal would, a moment before it arrives.
        Err(error) if signals.signal().is_none() => {
            recorded.map_err(|error| Failure::usage(error.to_string()))?;
            Err(Failure::output(Path::new("terminal"), error))
        }
        _ => Ok(Ending { state, recorded }),
    }
}

/// How the run ended.
struct Ending {
    state: State,
    /// Of completing the recording.
    recorded: sqnr::Result<()>,
}

fn finish(ending: Ending, signals: &Signals) -> Result<Exit, Failure> {
    if let Err(Error::Io { path, source }) = ending.recorded {
        return Err(unwritten(path.as_deref(), source));
    }
    if let Some(signal) = signals.signal() {
        // By convention 128 and the signal's number; everything is tidied up by now.
        std::process::exit(128 + signal);
    }
    match ending.state {
        State::Lost => Err(Failure::device("the sound device was lost and did not come back")),
        State::Running | State::Ended => Ok(Exit::Done),
    }
}

fn unwritten(path: Option<&Path>, source: io::Error) -> Failure {
    Failure::output(path.unwrap_or(Path::new("recording")), source)
}

fn not_opened(error: Error, args: &LiveArgs) -> Failure {
    match error {
        Error::Device { what } if args.input.is_none() => {
            Failure::device(format!("{what}; to hear a file instead: sqnr live --input FILE"))
        }
        Error::Device { what } => Failure::device(format!("{what}; --output-device none shows without sound")),
        Error::Io { path, source } => unwritten(path.as_deref(), source),
        other => Failure::usage(other.to_string()),
    }
}

fn deck_options(args: &LiveArgs, global: &Global) -> Result<DeckOptions, Failure> {
    let request = |name: &Option<String>| Request {
        name: name.clone(),
        sample_rate_hz: args.sample_rate,
        buffer_frames: args.buffer,
        ..Default::default()
    };
    let input = match &args.input {
        Some(path) => Input::File(Box::new(open_file(path)?)),
        None => Input::Device(request(&args.device)),
    };
    let output = match &args.output_device {
        Some(name) if name == "none" => Output::Silent { buffer_frames: args.buffer },
        Some(_) => Output::Device(request(&args.output_device)),
        None => Output::DeviceIfAny(request(&None)),
    };
    let existing = match Existing::of(global) {
        Existing::Replace => sqnr::atomic_file::Existing::Replace,
        Existing::Refuse | Existing::Skip => sqnr::atomic_file::Existing::Refuse,
    };
    if let Some(path) = &args.record {
        args.input.iter().for_each(|input| identity::note_input(input));
        let (dry, wet) = sqnr::live::recording_names(path);
        identity::refuse_input(&dry).and_then(|()| identity::refuse_input(&wet))?;
    }
    let record = args.record.clone().map(|path| (path, existing));
    Ok(DeckOptions { input, output, recipe: recipe(args), record })
}

fn open_file(path: &Path) -> Result<audio_file::Source<'static>, Failure> {
    let opened = match path.as_os_str() == "-" {
        true if io::stdin().is_terminal() => {
            return Err(Failure::usage("--input - reads audio from a pipe, and standard input is a terminal"));
        }
        true => audio_file::open_stream(io::stdin()),
        false => audio_file::open(path),
    };
    opened.map_err(|error| Failure::input(path, error))
}

fn recipe(args: &LiveArgs) -> Recipe {
    let method = match &args.method {
        Method::Codec(_) => codec_at(args.bitrate.round()),
        method => method.clone(),
    };
    Recipe {
        depth: Some(Depth::Bits(args.bits)),
        dither: args.dither,
        shape: args.shape.clone(),
        seed: args.seed,
        ..Recipe::new(method)
    }
}

/// The signal that tells the program to end, if one did.
pub struct Signals(Arc<AtomicUsize>);

impl Signals {
    /// From now on signals are noted and end nothing by themselves.
    fn listen() -> Self {
        let noted = Arc::new(AtomicUsize::new(0));
        #[cfg(unix)]
        let signals = [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM, signal_hook::consts::SIGHUP];
        #[cfg(not(unix))]
        let signals = [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM];
        for signal in signals {
            // Where a handler cannot be set the signal ends the program as always.
            let _ = signal_hook::flag::register_usize(signal, noted.clone(), signal as usize);
        }
        Self(noted)
    }

    /// Notes a signal that came as a key.
    fn note(&self, signal: i32) {
        self.0.store(signal as usize, Relaxed);
    }

    /// Its number.
    pub fn signal(&self) -> Option<i32> {
        match self.0.load(Relaxed) {
            0 => None,
            signal => Some(signal as i32),
        }
    }
}
