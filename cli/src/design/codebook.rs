//! `design codebook`: levels and thresholds for files or a density, and how good they are known to be.

use std::{fmt::Write as _, path::PathBuf};

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use sqnr::{
    audio_file::Reopen,
    chain::training,
    design::{Certificate, Density, Design, entropy_constrained, lloyd_max, optimal_partition, uniform_best},
    quantizer::CodebookFile,
};

use crate::{
    batch,
    exit::{Exit, Failure, display_path, escape_controls},
    inputs::{self, Input},
    notes,
    options::{Global, Inputs},
    outputs::{self, Clearance, Existing, Output},
    sink,
    source::{Passes, Rereadable},
    stdio,
};

use super::vectors;

/// Shown at the end of `sqnr design codebook --help`; a test runs each line.
const EXAMPLES: &str = "\
Examples:
  sqnr design codebook song.wav --levels 16 -o song16.json
  sqnr design codebook song.wav speech.wav --rate 2.5 -o both.json
  sqnr design codebook song.wav --levels 64 --dimension 2 -o pairs.json
  sqnr design codebook --pdf laplace --levels 8 -o laplace8.json
  sqnr design codebook --pdf gaussian --rate 1 --json -f";

/// Levels of a design when neither levels nor rate are given.
const DEFAULT_LEVELS: usize = 16;
/// Codebooks up to this size are printed in full.
const PRINTED_LEVELS: usize = 64;

/// Design the quantizer with the least error for files or a density
///
/// With files, all their samples count alike, and the result is the optimum over all codebooks, with proof. A codebook
/// of --levels N has the least mean squared error; one of --rate BITS the least at that entropy of its indices.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct CodebookArgs {
    #[command(flatten)]
    inputs: Inputs,
    /// Design for a density instead of files
    #[arg(long, value_name = "NAME", conflicts_with_all = ["inputs", "files_from"])]
    pdf: Option<Pdf>,
    /// Number of levels [default: 16]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=65_536), conflicts_with = "rate")]
    levels: Option<u32>,
    /// Entropy of the indices in bits a sample
    #[arg(long, value_name = "BITS")]
    rate: Option<f64>,
    /// What is least: the error at a number of levels, or at an entropy [default: mse with --levels]
    #[arg(long, value_name = "WHAT")]
    objective: Option<Objective>,
    /// What is searched for: the optimum, a local one to compare, or the best of equal steps (densities)
    #[arg(long, value_name = "NAME", default_value = "optimal")]
    method: SearchName,
    /// Vectors of this many neighbouring samples, --levels of them, by k-means; files only
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(2..=64), conflicts_with_all = ["pdf", "rate", "objective"])]
    dimension: Option<u32>,
    /// The codebook's file; - is standard output
    #[arg(short, long, value_name = "FILE", default_value = "codebook.json")]
    output: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Pdf {
    Gaussian,
    Laplace,
    Gamma,
    Rayleigh,
    Uniform,
    Exponential,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Objective {
    Mse,
    Entropy,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum SearchName {
    Optimal,
    Lloyd,
    Uniform,
}

impl From<Pdf> for Density {
    fn from(pdf: Pdf) -> Self {
        match pdf {
            Pdf::Gaussian => Self::Gaussian,
            Pdf::Laplace => Self::Laplacian,
            Pdf::Gamma => Self::Gamma,
            Pdf::Rayleigh => Self::Rayleigh,
            Pdf::Uniform => Self::Uniform,
            Pdf::Exponential => Self::Exponential,
        }
    }
}

/// What the codebook is for.
enum Target {
    Levels(usize),
    Rate(f64),
}

/// Runs `design codebook`.
pub fn run(args: &CodebookArgs, global: &Global) -> Result<Exit, Failure> {
    let target = target(args)?;
    let inputs = if args.pdf.is_some() { Vec::new() } else { inputs::collect(&args.inputs)? };
    let output = Output::named(&args.output)?;
    if output == Output::Stdout && global.json {
        return Err(Failure::usage("standard output carries the codebook; use -o FILE with --json"));
    }
    outputs::refuse_input(&output)?;
    if args.inputs.dry_run {
        stdio::print_line(&format!("design codebook {} -> {}", source_name(args, &inputs), output.display()))?;
        return Ok(Exit::Done);
    }
    let existing = Existing::of(global);
    if outputs::clearance(&output, existing)? == Clearance::Skip {
        note(global, &format!("{}: exists, nothing to do", output.display()));
        return Ok(Exit::Done);
    }
    let source = source_name(args, &inputs);
    let Designed { file, table, mut json } = designed(args, global, &target, &inputs, &output)?;
    let warnings = notes::take_all();
    warnings.iter().for_each(|warning| stdio::note_line(&format!("sqnr: warning: {}", escape_controls(warning))));
    json["warnings"] = warnings.into();
    sink::write_bytes(&output, existing, file.as_bytes())?;
    match (&output, global.json) {
        (Output::Stdout, _) => {}
        (_, true) => stdio::print_line(&json.to_string())?,
        (_, false) => stdio::print_bytes(table.as_bytes())?,
    }
    note(global, &format!("{source} -> {}", output.display()));
    Ok(Exit::Done)
}

/// A design in its three forms.
struct Designed {
    file: String,
    table: String,
    json: Value,
}

fn designed(
    args: &CodebookArgs,
    global: &Global,
    target: &Target,
    inputs: &[Input],
    output: &Output,
) -> Result<Designed, Failure> {
    let source = source_name(args, inputs);
    if let Some(dimension) = args.dimension {
        let n_codes = args.levels.map_or(DEFAULT_LEVELS, |n| n as usize);
        let design = vectors::design(inputs, &source, dimension as usize, n_codes)?;
        let json = design.json(output);
        return Ok(Designed { file: design.file.to_json(), table: design.table(), json });
    }
    let design = match args.pdf {
        Some(pdf) => for_density(pdf.into(), target, args.method).map_err(|e| Failure::usage(e.to_string()))?,
        None => for_files(inputs, target, args.method)?,
    };
    let file = codebook_file(&design, &source).map_err(|e| Failure::usage(e.to_string()))?;
    Ok(Designed {
        file: file.to_json(),
        table: table(&design, &source, global.verbose),
        json: json_object(&design, &source, inputs, output),
    })
}

fn note(global: &Global, text: &str) {
    if !global.quiet {
        stdio::note_line(text);
    }
}

fn target(args: &CodebookArgs) -> Result<Target, Failure> {
    match (args.rate, args.objective) {
        (Some(_), Some(Objective::Mse)) => Err(Failure::usage("--objective mse needs --levels instead of --rate")),
        (None, Some(Objective::Entropy)) => Err(Failure::usage("--objective entropy needs --rate BITS")),
        (Some(_), _) if args.method != SearchName::Optimal => {
            Err(Failure::usage("--method lloyd and uniform have no --rate; use --levels"))
        }
        (None, _) if args.dimension.is_some() && args.method != SearchName::Optimal => {
            Err(Failure::usage("--dimension has one method, k-means"))
        }
        (None, _) if args.method == SearchName::Uniform && args.pdf.is_none() => {
            Err(Failure::usage("--method uniform is for --pdf; for files compare the uniform rows of sqnr sweep"))
        }
        (Some(rate), _) => Ok(Target::Rate(rate)),
        (None, _) => Ok(Target::Levels(args.levels.map_or(DEFAULT_LEVELS, |n| n as usize))),
    }
}

fn for_density(density: Density, target: &Target, method: SearchName) -> sqnr::Result<Design> {
    match (target, method) {
        (Target::Rate(rate), _) => entropy_constrained::for_density(density, *rate),
        (Target::Levels(n), SearchName::Optimal) => lloyd_max::optimal(density, *n),
        (Target::Levels(n), SearchName::Lloyd) => lloyd_max::stationary(density, *n),
        (Target::Levels(n), SearchName::Uniform) => uniform_best::uniform_best(density, *n),
    }
}

fn for_files(inputs: &[Input], target: &Target, method: SearchName) -> Result<Design, Failure> {
    let first = inputs.first().ok_or_else(|| Failure::usage("missing IN, an audio file; see --help"))?;
    let files: Vec<Rereadable> =
        inputs.iter().map(|input| Rereadable::new(input, Passes::Several)).collect::<Result<_, _>>()?;
    let audios: Vec<&dyn Reopen> = files.iter().map(|file| file as &dyn Reopen).collect();
    let samples = training::distribution(&audios).map_err(|error| Failure::of(error, &first.path))?;
    let design = match (target, method) {
        (Target::Rate(rate), _) => entropy_constrained::for_samples(&samples, *rate),
        (Target::Levels(n), SearchName::Optimal) => optimal_partition::optimal(&samples, *n),
        (Target::Levels(n), _) => lloyd_max::trained(&samples, *n),
    };
    let mut design = design.map_err(|error| Failure::compute(&first.path, error))?;
    if !samples.are_exact() {
        training::measure(&audios, &mut design).map_err(|error| Failure::of(error, &first.path))?;
    }
    Ok(design)
}

fn source_name(args: &CodebookArgs, inputs: &[Input]) -> String {
    match args.pdf {
        Some(pdf) => Density::from(pdf).name().to_owned(),
        None => inputs.iter().map(|input| display_path(&input.path)).collect::<Vec<_>>().join(", "),
    }
}

fn codebook_file(design: &Design, source: &str) -> sqnr::Result<CodebookFile> {
    let mut file = CodebookFile::new(design.codebook()?);
    file.mse = Some(design.mse);
    file.snr_db = Some(design.snr_db).filter(|db| db.is_finite());
    file.entropy_bits = Some(design.entropy_bits);
    file.source = Some(source.to_owned());
    Ok(file)
}

fn table(design: &Design, source: &str, verbose: bool) -> String {
    let mut text = String::new();
    let mut row = |name: &str, value: String| {
        let _ = writeln!(text, "{name:<12}{value}");
    };
    row("source", source.to_owned());
    row("levels", design.levels.len().to_string());
    row("MSE", format!("{:.9e}", design.mse));
    row("SQNR", format!("{:.4} dB", design.snr_db));
    row("entropy", format!("{:.4} bits a sample", design.entropy_bits));
    row("optimality", optimality(design));
    row("iterations", design.iterations.to_string());
    if design.levels.len() > PRINTED_LEVELS && !verbose {
        return text + "(levels and thresholds are in the file; -v prints them)\n";
    }
    let _ = writeln!(text, "\n{:>6}  {:>20}  {:>20}", "index", "threshold below", "level");
    for (i, level) in design.levels.iter().enumerate() {
        let threshold = i.checked_sub(1).map_or(String::new(), |i| format!("{:.12}", design.thresholds[i]));
        let _ = writeln!(text, "{i:>6}  {threshold:>20}  {level:>20.12}");
    }
    text
}

fn optimality(design: &Design) -> String {
    match design.certificate {
        Certificate::Unique => "the optimum: the density is log-concave".into(),
        Certificate::LowerBound(bound) => {
            let gap = if design.mse > 0.0 { 1.0 - bound / design.mse } else { 0.0 };
            format!("the optimum: no {} levels reach an MSE under {bound:.9e} (gap {gap:.1e})", design.levels.len())
        }
        Certificate::Local => "a local optimum".into(),
    }
}

fn json_object(design: &Design, source: &str, inputs: &[Input], output: &Output) -> Value {
    let (certificate, bound) = match design.certificate {
        Certificate::Unique => ("unique", None),
        Certificate::LowerBound(bound) => ("lower-bound", Some(bound)),
        Certificate::Local => ("local", None),
    };
    let mut object = json!({
        "schema": batch::JSON_SCHEMA,
        "command": "design codebook",
        "input": inputs.iter().map(|input| display_path(&input.path)).collect::<Vec<_>>(),
        "output": output.display(),
        "recipe": batch::json_recipe_of_design(output),
        "source": source,
        "levels": design.levels,
        "thresholds": design.thresholds,
        "mse": design.mse,
        "snr_db": Some(design.snr_db).filter(|db| db.is_finite()),
        "entropy_bits": design.entropy_bits,
        "certificate": certificate,
        "mse_lower_bound": bound,
        "iterations": design.iterations,
    });
    if !design.snr_db.is_finite() {
        object["reasons"] = json!({ "snr_db": "the error is zero" });
    }
    object
}
