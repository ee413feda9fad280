//! `design modulator`: a delta-sigma noise transfer function, and what it does with one bit.

use std::{fmt::Write as _, path::PathBuf};

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::filter_file::{self, Target};
use sqnr::shaping::delta_sigma::{Ntf, NtfSpec, ToneResult, TrellisOptions, ZeroPlacement, sweep_tone};

use crate::{
    exit::{Exit, Failure},
    options::Global,
};

/// Shown at the end of `sqnr design modulator --help`; a test runs each line.
const EXAMPLES: &str = "\
Examples:
  sqnr design modulator
  sqnr design modulator --order 3 --osr 32 --gain 2 --levels 9 -o multibit.json
  sqnr design modulator --order 2 --zeros dc --json -o plain.json";

/// Design a delta-sigma modulator and simulate it
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct ModulatorArgs {
    /// Order, 1 to 8
    #[arg(long, value_name = "N", default_value_t = 5)]
    order: usize,
    /// Oversampling ratio
    #[arg(long, value_name = "RATIO", default_value_t = 64.0)]
    osr: f64,
    /// Gain of the noise at half the rate; higher shapes more and is stable less far
    #[arg(long, value_name = "GAIN", default_value_t = 1.6)]
    gain: f64,
    /// Where the zeros go
    #[arg(long, value_name = "WHERE", default_value = "optimal")]
    zeros: ZerosName,
    /// Levels of the quantizer
    #[arg(long, value_name = "N", default_value_t = 2)]
    levels: u32,
    /// Look ahead over so many paths (one bit only); 1 is the plain modulator
    #[arg(long, value_name = "N", default_value_t = 1)]
    paths: usize,
    /// The modulator's file; - is standard output
    #[arg(short, long, value_name = "FILE", default_value = "modulator.json")]
    output: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ZerosName {
    /// Spread over the band for the least noise in it
    Optimal,
    /// All at frequency 0
    Dc,
}

/// Levels of the simulated tone, dBFS.
const TONE_LEVELS: [f64; 12] = [-60.0, -40.0, -20.0, -12.0, -10.0, -8.0, -7.0, -6.0, -5.0, -4.0, -3.0, -2.0];

/// Runs `design modulator`.
pub fn run(args: &ModulatorArgs, global: &Global) -> Result<Exit, Failure> {
    if args.paths > 1 && args.levels != 2 {
        return Err(Failure::usage("--paths is for --levels 2: the look-ahead has one bit"));
    }
    let zeros = if args.zeros == ZerosName::Dc { ZeroPlacement::AtDc } else { ZeroPlacement::Optimal };
    let spec = NtfSpec { order: args.order, osr: args.osr, h_inf: args.gain, zeros };
    let wrong = |error: sqnr::Error| Failure::usage(error.to_string());
    let ntf = Ntf::synthesize(&spec).map_err(wrong)?;
    let Target::Write(output) = filter_file::target(&args.output, global)? else { return Ok(Exit::Done) };
    let trellis = (args.paths > 1).then(|| TrellisOptions { n_paths: args.paths, ..TrellisOptions::default() });
    let tones = sweep_tone(&ntf, args.osr, args.levels, trellis, &TONE_LEVELS).map_err(wrong)?;
    filter_file::finish(&output, "design modulator", object(args, &ntf, &tones), &table(args, &ntf, &tones), global)
}

fn object(args: &ModulatorArgs, ntf: &Ntf, tones: &[ToneResult]) -> Value {
    let roots = |roots: &[rustfft::num_complex::Complex64]| roots.iter().map(|r| [r.re, r.im]).collect::<Vec<_>>();
    let tone = |t: &ToneResult| json!({ "level_dbfs": t.level_dbfs, "snr_db": t.sqnr_db });
    json!({
        "kind": "modulator",
        "order": args.order,
        "oversampling_ratio": args.osr,
        "gain": args.gain,
        "levels": args.levels,
        "paths": args.paths,
        "numerator": ntf.numerator(),
        "denominator": ntf.denominator(),
        "zeros": roots(ntf.zeros()),
        "poles": roots(ntf.poles()),
        "in_band_gain_db": ntf.in_band_gain_db(args.osr),
        "tones": tones.iter().map(tone).collect::<Vec<_>>(),
        "peak_snr_db": peak(tones),
    })
}

fn peak(tones: &[ToneResult]) -> Option<f64> {
    tones.iter().filter_map(|t| t.sqnr_db).max_by(f64::total_cmp)
}

fn table(args: &ModulatorArgs, ntf: &Ntf, tones: &[ToneResult]) -> String {
    let mut text = format!(
        "noise in the band  {:.2} dB\n\n{:>10}  {:>10}\n",
        ntf.in_band_gain_db(args.osr),
        "tone dBFS",
        "SQNR dB"
    );
    for tone in tones {
        let sqnr = tone.sqnr_db.map_or_else(|| "unstable".into(), |db| format!("{db:.2}"));
        let _ = writeln!(text, "{:>10.1}  {sqnr:>10}", tone.level_dbfs);
    }
    text
}
