//! `sweep`: every method at every bit depth on a signal, the bound, and the one to take.

use std::fmt::Write as _;

use clap::Args;
use serde_json::{Map, Value, json};

use sqnr::{
    Error,
    analysis::weighting::Weighting,
    task::sweep::{self, Codes, Measured, Point, Requirement, Sweep},
};

use super::plot::picture_file::{self, Form, PictureArgs};
use super::{
    batch::{self, Batch, Conversion, FileReport, Job},
    exit::{Exit, Failure},
    inputs::{self, Input},
    options::{Global, Inputs, Outputs},
    outputs::{self, Clearance, Existing},
    progress::FileProgress,
    source::{Passes, Rereadable},
};

/// Shown at the end of `sqnr sweep --help`; a test runs each line.
const EXAMPLES: &str = "\
Examples:
  sqnr sweep song.wav --max-bits 4
  sqnr sweep song.wav --target-snr 20dB --max-bits 6
  sqnr sweep song.wav --max-rate 3 --max-bits 4 --fixed-length --weighting itu-468
  sqnr sweep song.wav speech.wav --max-rate 2.5 --max-bits 3 --json";

/// Try every method at every bit depth, and recommend one
///
/// Each row is what its command does to the file: its rate in bits a sample, its SNR, and the weighted level of the error of
/// the first channel. Of more than 8,388,608 samples, rows are of stretches from all over the file, and the recommended one
/// is measured on the whole. R(D) is the bound for independent draws of the file's distribution: methods that use how alike
/// neighbours are (dpcm, vector, the coders) may pass it.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct SweepArgs {
    #[command(flatten)]
    inputs: Inputs,
    #[command(flatten)]
    outputs: Outputs,
    /// Recommend the cheapest that reaches this SNR, such as 40dB
    #[arg(long, value_name = "DB", value_parser = parse_db)]
    target_snr: Option<f64>,
    /// Highest bit depth
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=16))]
    max_bits: u32,
    /// Highest rate of the recommended one, bits a sample
    #[arg(long, value_name = "BITS")]
    max_rate: Option<f64>,
    /// Recommend codes of one length only, which need no entropy decoder
    #[arg(long)]
    fixed_length: bool,
    /// How noise is weighted: flat, a, c, itu-468, ccir-2k
    #[arg(long, value_name = "CURVE", default_value = "a", value_parser = parse_weighting)]
    weighting: Weighting,
    /// Draw rate and distortion to -o FILE or IN.sweep.svg
    #[arg(long)]
    plot: bool,
    #[command(flatten)]
    picture: PictureArgs,
}

fn parse_db(text: &str) -> Result<f64, String> {
    let number = text.strip_suffix("dB").or(text.strip_suffix("db")).unwrap_or(text).trim();
    number.parse().ok().filter(|db: &f64| db.is_finite()).ok_or_else(|| "a number of decibels such as 40dB".into())
}

fn parse_weighting(text: &str) -> Result<Weighting, String> {
    text.parse().map_err(|error: sqnr::Error| error.to_string())
}

impl SweepArgs {
    fn wish(&self) -> Requirement {
        let codes = if self.fixed_length { Codes::FixedLength } else { Codes::Any };
        Requirement { target_snr_db: self.target_snr, max_rate_bits: self.max_rate, codes }
    }
}

/// Runs `sweep`.
pub fn run(args: &SweepArgs, global: &Global) -> Result<Exit, Failure> {
    if args.outputs.output.is_some() && !args.plot {
        return Err(Failure::usage("-o names the picture of --plot"));
    }
    let inputs = inputs::collect(&args.inputs)?;
    let jobs: Vec<Job> = if args.plot {
        let outputs = outputs::plan(&inputs, &args.outputs, ".sweep.svg", Existing::of(global))?;
        outputs.iter().try_for_each(|output| Form::of(output).map(|_| ()))?;
        inputs.into_iter().zip(outputs).map(|(input, output)| Job { input, output: Some(output) }).collect()
    } else {
        inputs.into_iter().map(|input| Job { input, output: None }).collect()
    };
    let existing = Existing::of(global);
    let batch = Batch { command: "sweep", global, inputs: &args.inputs };
    batch.run(&jobs, |job, progress| one_file(args, job, existing, progress))
}

fn one_file(args: &SweepArgs, job: &Job, existing: Existing, progress: &FileProgress) -> Result<FileReport, Failure> {
    if let Some(output) = &job.output {
        outputs::make_folder(output, &args.outputs)?;
        if outputs::clearance(output, existing)? == Clearance::Skip {
            return Ok(FileReport::skipped(&job.input, output));
        }
    }
    let input = &job.input;
    let file = Rereadable::new(input, Passes::Several)?;
    let wrong = |error| Failure::of(error, &input.path);
    let mut result = sweep::run(&file, args.max_bits, args.weighting, progress).map_err(wrong)?;
    let pick = match result.recommend(&file, &args.wish(), args.weighting) {
        Ok(pick) => Ok(pick),
        Err(Error::NoResult { what }) => Err(what),
        Err(error) => return Err(wrong(error)),
    };
    if let Some(output) = &job.output {
        draw(args, &result, pick.as_ref().ok(), Conversion { input, output, existing })?;
    }
    let failed_checks = pick.as_ref().err().cloned();
    let pick = pick.ok();
    Ok(FileReport {
        table: Some(table(&result, pick.as_ref(), input, args.weighting)),
        json: json_object(&result, pick.as_ref(), input, args.weighting),
        failed_checks: failed_checks.into_iter().collect(),
        ..FileReport::default()
    })
}

fn table(result: &Sweep, pick: Option<&Point>, input: &Input, weighting: Weighting) -> String {
    let front = result.pareto_front();
    let noise = match weighting {
        Weighting::Flat => "noise dBFS".to_owned(),
        weighting => format!("noise dBFS({})", weighting.to_string().to_uppercase()),
    };
    let mut text =
        format!("{:<24}{:>5}{:>9}{:>10}{:>12}{noise:>16}\n", "method", "bits", "rate", "SNR dB", "to R(D) dB");
    for p in &result.points {
        let mark = if front.contains(p) { "  *" } else { "" };
        let level = p.noise_db.map_or_else(String::new, |db| format!("{db:.2}"));
        let _ = writeln!(
            text,
            "{:<24}{:>5}{:>9.3}{:>10.2}{:>12.2}{level:>16}{mark}",
            p.name, p.bits, p.rate_bits, p.snr_db, p.gap_db
        );
    }
    text.push_str("* no other row has a higher SNR at this rate; R(D) is that of independent draws\n");
    if let Measured::Stretches { n_frames, of } = result.measured {
        let _ = writeln!(text, "measured on stretches, {n_frames} of {of} samples; the recommended row on all");
    }
    if let Some(p) = pick {
        let _ = writeln!(text, "recommended: {}, {:.3} bits a sample, {:.2} dB", p.name, p.rate_bits, p.snr_db);
        let _ = writeln!(text, "  {}", p.recipe.shell_line(&input.display()));
    }
    text
}

fn json_object(result: &Sweep, pick: Option<&Point>, input: &Input, weighting: Weighting) -> Map<String, Value> {
    let front = result.pareto_front();
    let finite = |db: f64| Some(db).filter(|db| db.is_finite());
    let point = |p: &Point| {
        json!({
            "name": p.name,
            "method": p.recipe.method.word(),
            "bits": whole_or_not(p.bits),
            "rate_bits": p.rate_bits,
            "snr_db": finite(p.snr_db),
            "gap_db": finite(p.gap_db),
            "noise_dbfs": p.noise_db.and_then(finite),
            "pareto": front.contains(p),
            "recipe": batch::json_recipe(&p.recipe),
            "command": p.recipe.shell_line(&input.display()),
        })
    };
    let stretches = match result.measured {
        Measured::Whole => Value::Null,
        Measured::Stretches { n_frames, of } => json!({ "n_frames": n_frames, "of": of }),
    };
    Map::from_iter([
        ("stretches".to_owned(), stretches),
        ("weighting".to_owned(), weighting.to_string().into()),
        ("points".to_owned(), result.points.iter().map(point).collect()),
        ("recommended".to_owned(), pick.map(point).into()),
    ])
}

/// Whole numbers without a point.
fn whole_or_not(bits: f64) -> Value {
    if bits.fract() == 0.0 { (bits as u64).into() } else { bits.into() }
}

fn draw(args: &SweepArgs, result: &Sweep, pick: Option<&Point>, files: Conversion) -> Result<(), Failure> {
    use sqnr::report::plot::{
        curves::{Curve, Origin},
        rate_distortion::{RateDistortion, Recommended},
    };
    let finite: Vec<&Point> = result.points.iter().filter(|p| p.snr_db.is_finite()).collect();
    let mut names: Vec<&str> = finite.iter().map(|p| p.name.as_str()).collect();
    names.dedup();
    let curve_of = |name: &str| {
        let own = || finite.iter().filter(|p| p.name == name);
        Curve {
            name: name.into(),
            x: own().map(|p| p.rate_bits).collect(),
            y: own().map(|p| p.snr_db).collect(),
            origin: Origin::Measured,
        }
    };
    let mut curves: Vec<Curve> = names.into_iter().map(curve_of).collect();
    let highest = finite.iter().map(|p| p.rate_bits).fold(0.0, f64::max);
    let x: Vec<f64> = (0..=160).map(|i| highest * f64::from(i) / 160.0).collect();
    let y = x.iter().map(|&rate| result.bound.snr_db(rate)).collect();
    curves.push(Curve { name: "R(D), independent draws".into(), x, y, origin: Origin::Theory });
    let recommended = pick.filter(|p| p.snr_db.is_finite()).map(|p| Recommended {
        name: format!("{}: {:.2} bits, {:.1} dB", p.name, p.rate_bits, p.snr_db),
        rate_bits: p.rate_bits,
        snr_db: p.snr_db,
    });
    let chart = RateDistortion { conditions: files.input.display(), curves, recommended }.chart();
    picture_file::write(&args.picture, &chart, files.output, files.existing).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decibels_are_read_with_and_without_their_unit() {
        assert_eq!(parse_db("40dB"), Ok(40.0));
        assert_eq!(parse_db("-3.5"), Ok(-3.5));
        assert!(parse_db("loud").is_err() && parse_db("infdB").is_err());
    }
}
