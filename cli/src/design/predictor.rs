//! `design predictor`: DPCM at several depths, designed on files.

use std::{fmt::Write as _, ops::RangeInclusive, path::PathBuf};

use clap::Args;
use serde_json::{Value, json};

use sqnr::{audio_file::Reopen, chain::ChosenDpcm, task};

use super::filter_file::{self, Target};
use crate::{
    exit::{Exit, Failure, display_path},
    inputs,
    options::{Global, Inputs},
    source::{Passes, Rereadable},
};

/// Shown at the end of `sqnr design predictor --help`; a test runs each line.
const EXAMPLES: &str = "\
Examples:
  sqnr design predictor song.wav --bits 3
  sqnr design predictor song.wav speech.wav --bits 2..4 --order 4 -o both.json";

/// Design DPCM for files: prediction with the quantization noise in the loop, levels, adaptation
///
/// Orders up to --order and three kinds of quantizers compete in the closed loop on the files; the SNR printed is that of
/// the winner there, as `quantize -m FILE` gives it. None is worse than Lloyd-Max without prediction.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct PredictorArgs {
    #[command(flatten)]
    inputs: Inputs,
    /// Bits a sample, 1 to 8, or a range such as 2..6
    #[arg(long, value_name = "N", default_value = "2..6", value_parser = parse_depths)]
    bits: RangeInclusive<u32>,
    /// Most coefficients, 0 to 64
    #[arg(long, value_name = "N", default_value_t = 16)]
    order: usize,
    /// The predictor's file; - is standard output
    #[arg(short, long, value_name = "FILE", default_value = "predictor.json")]
    output: PathBuf,
}

fn parse_depths(text: &str) -> Result<RangeInclusive<u32>, String> {
    let (first, last) = text.split_once("..").unwrap_or((text, text));
    let bits = |text: &str| text.parse().ok().filter(|bits| (1..=8).contains(bits));
    match (bits(first), bits(last)) {
        (Some(first), Some(last)) if first <= last => Ok(first..=last),
        _ => Err("1 to 8, or a range such as 2..6".into()),
    }
}

/// Runs `design predictor`.
pub fn run(args: &PredictorArgs, global: &Global) -> Result<Exit, Failure> {
    let inputs = inputs::collect(&args.inputs)?;
    let Target::Write(output) = filter_file::target(&args.output, global)? else { return Ok(Exit::Done) };
    let files: Vec<Rereadable> =
        inputs.iter().map(|input| Rereadable::new(input, Passes::Several)).collect::<Result<_, _>>()?;
    let audio: Vec<&dyn Reopen> = files.iter().map(|file| file as &dyn Reopen).collect();
    let depths: Vec<u32> = args.bits.clone().collect();
    let designed = task::design_dpcm(&audio, &depths, args.order, &());
    let designs = designed.map_err(|error| Failure::of(error, &inputs[0].path))?;
    let object = json!({
        "kind": "predictor",
        "designs": depths.iter().zip(&designs).map(|(&bits, found)| design_json(bits, found)).collect::<Vec<_>>(),
        "input": inputs.iter().map(|input| display_path(&input.path)).collect::<Vec<_>>(),
    });
    filter_file::finish(&output, "design predictor", object, &table(&depths, &designs), global)
}

fn design_json(bits: u32, found: &ChosenDpcm) -> Value {
    let (predictor, quantizer) = (&found.design.predictor, &found.design.quantizer);
    let levels = quantizer.codebook().levels();
    json!({
        "bits": bits,
        "order": predictor.coefficients().len(),
        "coefficients": predictor.coefficients(),
        "levels": levels,
        "thresholds": quantizer.codebook().thresholds(),
        "multipliers": quantizer.multipliers(),
        "first_scale": quantizer.first_scale(),
        "smallest_scale": quantizer.scale_range().0,
        "largest_scale": quantizer.scale_range().1,
        "snr_db": finite(found.snr_db),
        "memoryless_snr_db": finite(found.memoryless_snr_db),
    })
}

fn finite(db: f64) -> Option<f64> {
    Some(db).filter(|db| db.is_finite())
}

fn table(depths: &[u32], designs: &[ChosenDpcm]) -> String {
    let mut text = String::from("bits  order  scale       SNR dB  Lloyd-Max alone\n");
    for (bits, found) in depths.iter().zip(designs) {
        let order = found.design.predictor.coefficients().len();
        let moves = found.design.quantizer.multipliers().iter().any(|&m| m != 1.0);
        let scale = if moves { "adaptive" } else { "fixed" };
        let snr = |db: f64| finite(db).map_or_else(|| "no error".into(), |db| format!("{db:.2}"));
        let _ = writeln!(
            text,
            "{bits:>4}{order:>7}  {scale:<9}{:>9}{:>17}",
            snr(found.snr_db),
            snr(found.memoryless_snr_db)
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depths_are_one_or_a_range() {
        assert_eq!(parse_depths("3"), Ok(3..=3));
        assert_eq!(parse_depths("2..6"), Ok(2..=6));
        for wrong in ["0", "9", "4..2", "2..", "two"] {
            assert!(parse_depths(wrong).is_err(), "{wrong}");
        }
    }
}
