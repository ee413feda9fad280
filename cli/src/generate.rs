//! `generate`: test signals whose truth is known.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
};

use clap::{Args, ValueEnum};
use serde_json::{Map, Value, json};

use sqnr::{
    chain::FileSink,
    generate::{Kind, TestSignal, coherent_frequency_hz},
    shaping::Dither,
    task::Generating,
    wav::Metadata,
};

use super::{
    batch,
    exit::{Exit, Failure},
    options::Global,
    out_file::OutFile,
    outputs::{self, Clearance, Existing, Output},
    stdio, units,
};

/// Shown at the end of `sqnr generate --help`; a test runs each line.
const EXAMPLES: &str = "\
Examples:
  sqnr generate sine -o tone.wav
  sqnr generate sine --coherent --samples 65536 --snr 90 -o meter.wav
  sqnr generate twin-tone --frequency 60 --second 7000 --ratio 4 --level -1 -o smpte.wav
  sqnr generate notched --notch 9600..10500 --samples 65536 --level -10 -o npr.wav
  sqnr generate pink --seconds 10 --channels 2 --level -20 --bits 24 -o pink.wav";

/// Make a test signal of known level, frequency and SNR
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct GenerateArgs {
    /// What to make
    #[arg(value_name = "KIND")]
    kind: KindName,
    /// The file to write; - is standard output
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Frequency of the (first, lowest) tone [default: 997; 20 for sweep and multitone]
    #[arg(long, value_name = "HZ")]
    frequency: Option<f64>,
    /// Frequency of the second of two tones
    #[arg(long, value_name = "HZ", default_value_t = 7_000.0)]
    second: f64,
    /// Two tones: amplitude of the first over the second's
    #[arg(long, value_name = "NUMBER", default_value_t = 1.0)]
    ratio: f64,
    /// Last frequency of a sweep, highest of a multitone
    #[arg(long, value_name = "HZ", default_value_t = 20_000.0)]
    end: f64,
    /// Tones of a multitone
    #[arg(long, value_name = "N", default_value_t = 31)]
    tones: u32,
    /// Ends of the notch in noise [default: 0.2 and 0.22 of the rate]
    #[arg(long, value_name = "LOW..HIGH", value_parser = units::parse_band_hz)]
    notch: Option<(f64, f64)>,
    /// Level; 0 is a sine of full scale
    #[arg(long, value_name = "DBFS", default_value_t = 0.0, allow_negative_numbers = true)]
    level: f64,
    /// Add white noise this far below the signal
    #[arg(long, value_name = "DB", allow_negative_numbers = true)]
    snr: Option<f64>,
    /// Move the frequency to a whole number of periods, prime to the length
    #[arg(long)]
    coherent: bool,
    /// Length in seconds [default: 1]
    #[arg(long, value_name = "S", conflicts_with = "samples")]
    seconds: Option<f64>,
    /// Length in samples per channel
    #[arg(long, value_name = "N")]
    samples: Option<u64>,
    /// Samples per second
    #[arg(long, value_name = "HZ", default_value_t = 48_000, value_parser = clap::value_parser!(u32).range(1..=768_000))]
    rate: u32,
    /// Number of channels; noise differs between them
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=255))]
    channels: u16,
    /// Quantize to this bit depth [default: none, 32-bit float]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=32))]
    bits: Option<u32>,
    /// Dither for --bits
    #[arg(short, long, value_name = "KIND", default_value = "tpdf")]
    dither: GenerateDither,
    /// Seed of all noise
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum KindName {
    Sine,
    TwinTone,
    Sweep,
    Multitone,
    White,
    /// White noise with a notch, for `adc test --stimulus noise`
    Notched,
    Pink,
    Impulse,
    Ramp,
    Silence,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum GenerateDither {
    None,
    Tpdf,
}

/// Runs `generate`.
pub fn run(args: &GenerateArgs, global: &Global) -> Result<Exit, Failure> {
    let signal = test_signal(args)?;
    let output = Output::named(&args.output)?;
    if output == Output::Stdout && global.json {
        return Err(Failure::usage("standard output carries the audio; use -o FILE with --json"));
    }
    let existing = Existing::of(global);
    if outputs::clearance(&output, existing)? == Clearance::Skip {
        note(global, &format!("{}: exists, nothing to do", output.display()));
        return Ok(Exit::Done);
    }
    let bytes = write(args, &signal, &output, existing)?;
    if global.json {
        stdio::print_line(&Value::Object(json(args, &signal, &output, bytes)).to_string())?;
    } else {
        note(global, &describe(args, &signal, &output, bytes));
    }
    Ok(Exit::Done)
}

fn note(global: &Global, text: &str) {
    if !global.quiet {
        stdio::note_line(text);
    }
}

fn test_signal(args: &GenerateArgs) -> Result<TestSignal, Failure> {
    let wrong = |error: sqnr::Error| Failure::usage(error.to_string());
    let seconds = args.seconds.unwrap_or(1.0);
    if !(0.0..=1e9).contains(&seconds) {
        return Err(Failure::usage(format!("--seconds is {seconds}; allowed: 0 to 1e9")));
    }
    let n_samples = args.samples.unwrap_or((seconds * f64::from(args.rate)).round() as u64);
    let lowest = if matches!(args.kind, KindName::Sweep | KindName::Multitone) { 20.0 } else { 997.0 };
    let snap = |frequency_hz: f64| match args.coherent {
        true => coherent_frequency_hz(frequency_hz, args.rate, n_samples).map_err(wrong),
        false => Ok(frequency_hz),
    };
    let kind = match args.kind {
        KindName::Sine => Kind::Sine,
        KindName::TwinTone => Kind::TwinTone { second_hz: snap(args.second)?, ratio: args.ratio },
        KindName::Sweep => Kind::Sweep { end_hz: args.end },
        KindName::Multitone => Kind::Multitone { end_hz: args.end, n_tones: args.tones },
        KindName::White => Kind::White,
        KindName::Notched => Kind::Notched { notch_hz: notch_hz(args) },
        KindName::Pink => Kind::Pink,
        KindName::Impulse => Kind::Impulse,
        KindName::Ramp => Kind::Ramp,
        KindName::Silence => Kind::Silence,
    };
    Ok(TestSignal {
        kind,
        sample_rate_hz: args.rate,
        n_samples,
        frequency_hz: snap(args.frequency.unwrap_or(lowest))?,
        level_dbfs: args.level,
        snr_db: args.snr,
        seed: args.seed,
        channel: 0,
    })
}

fn notch_hz(args: &GenerateArgs) -> (f64, f64) {
    let rate_hz = f64::from(args.rate);
    args.notch.unwrap_or((0.2 * rate_hz, 0.22 * rate_hz))
}

fn write(args: &GenerateArgs, signal: &TestSignal, output: &Output, existing: Existing) -> Result<u64, Failure> {
    let dither = match args.dither {
        GenerateDither::None => Dither::None,
        GenerateDither::Tpdf => Dither::Triangular,
    };
    let bits = args.bits.map(|bits| (bits, dither));
    let generating = Generating::new(signal, args.channels, bits).map_err(|error| Failure::usage(error.to_string()))?;
    let (file, seeking) = OutFile::create(output, existing)?;
    let sink = FileSink::new(file, seeking, &generating.form(), Some(signal.n_samples), &Metadata::default());
    let written = sink.and_then(|mut sink| {
        generating.run(&mut sink)?;
        sink.finish(None, &[]).and_then(OutFile::commit)
    });
    written.map(|written| written.file).map_err(|error| Failure::of(error, Path::new("generate")))
}

fn describe(args: &GenerateArgs, signal: &TestSignal, output: &Output, bytes: u64) -> String {
    let seconds = signal.n_samples as f64 / f64::from(args.rate);
    let mut text = format!(
        "{}  {}  {} Hz, {} ch, {}",
        output.display(),
        units::bytes(bytes),
        args.rate,
        args.channels,
        units::duration(seconds)
    );
    match signal.kind {
        Kind::Notched { notch_hz: (low, high) } => {
            let _ = write!(text, "  notch {low} to {high} Hz");
        }
        Kind::White | Kind::Pink | Kind::Impulse | Kind::Ramp | Kind::Silence => {}
        Kind::Sine | Kind::TwinTone { .. } | Kind::Sweep { .. } | Kind::Multitone { .. } => {
            let _ = write!(text, "  {:.6} Hz", signal.frequency_hz);
        }
    }
    let _ = write!(text, "  {} dBFS", args.level);
    text
}

fn json(args: &GenerateArgs, signal: &TestSignal, output: &Output, bytes: u64) -> Map<String, Value> {
    let Value::Object(object) = json!({
        "schema": batch::JSON_SCHEMA,
        "command": "generate",
        "output": output.display(),
        "sample_rate_hz": args.rate,
        "channels": args.channels,
        "duration_s": signal.n_samples as f64 / f64::from(args.rate),
        "bits": args.bits,
        "frequency_hz": signal.frequency_hz,
        "notch_hz": (args.kind == KindName::Notched).then(|| [notch_hz(args).0, notch_hz(args).1]),
        "level_dbfs": args.level,
        "snr_db": args.snr,
        "bytes": bytes,
        "warnings": [],
    }) else {
        unreachable!("the literal is an object")
    };
    object
}
