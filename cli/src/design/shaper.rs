//! `design shaper`: a noise-shaping filter for a sample rate and an ear.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::{
    filter_file::{self, Target},
    weighting_file,
};
use sqnr::shaping::{
    shaper_design::{self, ShaperSpec},
    weighting::Weighting,
};

use crate::{
    exit::{Exit, Failure},
    options::Global,
};

/// Shown at the end of `sqnr design shaper --help`; a test runs each line.
const EXAMPLES: &str = "\
Examples:
  sqnr design shaper --rate 44100
  sqnr design shaper --rate 96000 --weighting 468 --order 20 --max-total-noise 15 -o quiet96.json
  sqnr design shaper --rate 48000 --weighting threshold --max-total-noise none -o deep.json";

/// Design a noise shaper: least audible noise for a limit on the total
///
/// The filter is the optimum of its order. `quantize --shape FILE.json` uses it.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct ShaperArgs {
    /// Sample rate in Hz
    #[arg(long, value_name = "HZ", default_value_t = 48_000.0)]
    rate: f64,
    /// How loud noise of each frequency is: a, 468, threshold, phon15, or a FILE of lines HZ,DB
    #[arg(long, value_name = "NAME", default_value = "phon15", value_parser = weighting_file::parse)]
    weighting: (String, Weighting),
    /// Coefficients, 1 to 64
    #[arg(long, value_name = "N", default_value_t = 32)]
    order: usize,
    /// Most noise in all, in dB over plain requantization; none for no limit
    #[arg(long, value_name = "DB", default_value = "24", value_parser = parse_limit)]
    max_total_noise: Limit,
    /// The filter's file; - is standard output
    #[arg(short, long, value_name = "FILE", default_value = "shaper.json")]
    output: PathBuf,
}

/// A limit in dB, or none.
#[derive(Debug, Clone, Copy)]
struct Limit(Option<f64>);

fn parse_limit(text: &str) -> Result<Limit, String> {
    if text == "none" {
        return Ok(Limit(None));
    }
    text.parse().map(|db| Limit(Some(db))).map_err(|_| "a number of dB, or none".into())
}

/// Runs `design shaper`.
pub fn run(args: &ShaperArgs, global: &Global) -> Result<Exit, Failure> {
    let spec = ShaperSpec {
        sample_rate_hz: args.rate,
        weighting: args.weighting.1.clone(),
        order: args.order,
        max_total_noise_db: args.max_total_noise.0,
    };
    let Target::Write(output) = filter_file::target(&args.output, global)? else { return Ok(Exit::Done) };
    let design = shaper_design::design(&spec).map_err(|error| Failure::usage(error.to_string()))?;
    let table = format!(
        "weighted noise  {:.3} dB\ntotal noise     {:.3} dB\nbound           {:.3} dB (any filter with this total)\n",
        design.weighted_gain_db, design.total_gain_db, design.bound_db
    );
    let object = json!({
        "kind": "noise-shaper",
        "sample_rate_hz": args.rate,
        "weighting": args.weighting.0,
        "order": args.order,
        "max_total_noise_db": args.max_total_noise.0,
        "weighted_gain_db": design.weighted_gain_db,
        "total_gain_db": design.total_gain_db,
        "bound_db": design.bound_db,
        "feedback": design.feedback(),
        "ntf": design.ntf,
    });
    filter_file::finish(&output, "design shaper", object, &table, global)
}
