//! `quantize`: a file at a chosen bit depth, what that cost, and the error as audio.

pub mod report;
mod tensors;

use std::{path::PathBuf, time::Instant};

use clap::Args;

use sqnr::{
    audio_file::Reopen,
    chain::{self, Chain, FileSink, Outcome, Piece, Plan, Sink, Storing},
    number_format::{
        AffineOptions, Granularity, NumberFormat,
        affine::{ScaleRule, Symmetry},
        block_float::ExponentRule,
        calibration::Calibration,
        tensor_file::TensorFileKind,
    },
    recipe::{Coder, Depth, Method, NamedFormat, Recipe, parse_calibration, parse_granularity},
};

use super::{
    batch::{Batch, Conversion, FileReport},
    encode,
    exit::{Exit, Failure},
    inputs::{self, Input},
    options::{Global, Inputs, Outputs},
    out_file::OutFile,
    outputs::{self, Existing, Output},
    progress::FileProgress,
    recipe_args::{self, RecipeArgs, words},
    source::{Passes, Rereadable},
};

/// Shown at the end of `sqnr quantize --help`; a test runs each line.
const EXAMPLES: &str = "\
Examples:
  sqnr quantize -b 8 song.wav
  sqnr quantize -b 4 --dither none --error lost.wav song.wav -o four.wav
  sqnr quantize -b 8 -m mu-law speech.wav -o telephone.wav
  sqnr quantize -b 6 --shape adaptive song.wav -o shaped.wav
  sqnr quantize --format dsd64 song.wav -o song.dsf
  sqnr quantize --levels 12 -m lloyd-max song.wav -o twelve.wav
  sqnr quantize --rate 1.5 -m dependent song.wav
  sqnr quantize -b 12 -O out *.wav";

/// Quantize audio and reconstruct it, at any bit depth, by any method
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct QuantizeArgs {
    #[command(flatten)]
    inputs: Inputs,
    #[command(flatten)]
    outputs: Outputs,
    #[command(flatten)]
    recipe: RecipeArgs,
    /// Bits a sample of -m entropy-constrained and -m dependent, such as 1.5
    #[arg(long, value_name = "BITS", conflicts_with_all = ["bits", "levels", "format"])]
    rate: Option<f64>,
    /// States of -m trellis and -m dependent: 4, 8, ..., 256; more are slower and better
    #[arg(long, value_name = "N", default_value_t = sqnr::recipe::DEFAULT_STATES, hide_short_help = true)]
    states: usize,
    #[command(flatten)]
    format: FormatArgs,
    /// Take the recipe from a file instead, as --json printed it or as one line of text; - is standard input
    #[arg(
        long = "recipe",
        value_name = "FILE",
        hide_short_help = true,
        conflicts_with_all = ["bits", "levels", "method", "law", "compression", "dither", "shape", "rounding", "seed", "container", "rate", "states", "format", "paths"]
    )]
    recipe_file: Option<PathBuf>,
    /// Also write the quantization error (output minus input) as audio; one input only
    #[arg(long, value_name = "FILE")]
    error: Option<PathBuf>,
}

/// Options of the number formats.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Number formats")]
struct FormatArgs {
    /// A number format or coder instead: bf16, fp8-e4m3, mxfp4, int8, q3.12, dsd64, ima, g726-32 ...
    ///
    /// Number formats take audio, .npy, .npz and .safetensors. Coders take audio: dsd64, dsd128, dsd256 write a .dsf file (or the
    /// reconstruction, if the output is a .wav), ima and ima-multiply a WAV file in IMA ADPCM for decoders that add or multiply;
    /// g726-16 to -40, g722, g722-56, g722-48, jayant-2 to -4 write the reconstruction.
    #[arg(
        long,
        value_name = "NAME",
        value_parser = recipe_args::parse_format,
        conflicts_with_all = ["bits", "levels", "method", "law", "compression", "dither", "shape", "rounding", "container", "error"]
    )]
    format: Option<Method>,
    /// For integers: what shares a scale; tensor, channel (first axis) or group:N
    #[arg(long, value_name = "WHAT", default_value = "tensor", value_parser = granularity, requires = "format")]
    granularity: Granularity,
    /// For integers: where the range comes from; min-max, percentile:P, entropy, histogram, mse
    #[arg(long, value_name = "HOW", default_value = "min-max", value_parser = calibration, requires = "format")]
    calibration: Calibration,
    /// For integers: zero point in the middle
    #[arg(long, requires = "format")]
    symmetric: bool,
    /// For integers: whose arithmetic makes the scale
    #[arg(long, value_name = "TOOL", default_value = "onnxruntime", requires = "format", value_parser = words::<ScaleRule>())]
    rule: ScaleRule,
    /// For ima and dsd: paths of the look-ahead; 1 is the plain coder [default: ima 32, dsd 1]
    #[arg(long, value_name = "N", hide_short_help = true)]
    paths: Option<usize>,
    /// For MX blocks: the shared exponent
    #[arg(long, value_name = "RULE", default_value = "floor", requires = "format", value_parser = words::<ExponentRule>())]
    exponent: ExponentRule,
}

fn granularity(text: &str) -> Result<Granularity, String> {
    parse_granularity(text).map_err(|error| error.to_string())
}

fn calibration(text: &str) -> Result<Calibration, String> {
    parse_calibration(text).map_err(|error| error.to_string())
}

impl FormatArgs {
    /// The method that `--format` names, with the options that it takes.
    fn method(&self) -> Option<Method> {
        let method = self.format.clone()?;
        let Method::Format(NamedFormat { name, format }) = method else { return Some(method) };
        let symmetry = if self.symmetric { Symmetry::Symmetric } else { Symmetry::Asymmetric };
        let format = match format {
            NumberFormat::Affine(AffineOptions { kind, .. }) => NumberFormat::Affine(AffineOptions {
                kind,
                symmetry,
                granularity: self.granularity,
                calibration: self.calibration,
                rule: self.rule,
            }),
            NumberFormat::Block(block, _) => NumberFormat::Block(block, self.exponent),
            other => other,
        };
        Some(Method::Format(NamedFormat { name, format }))
    }
}

impl QuantizeArgs {
    fn recipe(&self) -> Result<Recipe, Failure> {
        if let Some(path) = &self.recipe_file {
            return recipe_args::read_recipe(path);
        }
        let recipe = Recipe { states: self.states, paths: self.format.paths, ..self.recipe.recipe() };
        Ok(match (self.format.method(), self.rate) {
            (Some(method), _) => Recipe { method, ..recipe },
            (None, Some(rate)) => Recipe { depth: Some(Depth::Rate(rate)), ..recipe },
            (None, None) => recipe,
        })
    }
}

/// Runs `quantize`.
pub fn run(args: &QuantizeArgs, global: &Global) -> Result<Exit, Failure> {
    let recipe = args.recipe()?;
    if let Method::Codec(request) = &recipe.method {
        if args.error.is_some() {
            return Err(Failure::usage("--error is for methods that store samples; compare the output with the input"));
        }
        return encode::with_request(request, &args.inputs, &args.outputs, global);
    }
    let plan = Plan::new(&recipe).map_err(Failure::of_recipe)?;
    let inputs = inputs::collect(&args.inputs)?;
    let planned = outputs::plan(&inputs, &args.outputs, &suffix(&recipe, &inputs)?, Existing::of(global))?;
    let error_output = error_output(args, inputs.len(), &planned)?;
    let batch = Batch { command: "quantize", global, inputs: &args.inputs };
    batch.convert(inputs, planned, &args.outputs, |Conversion { input, output, existing }, progress| {
        let files = Files { input, output, error: error_output.as_ref(), existing };
        if let Some(error) = files.error {
            outputs::clearance(error, files.existing)?;
        }
        one_file(&plan, files, progress)
    })
}

/// `.q8.wav` for 8 bits, `.l12.wav` for 12 levels, `.r1.5.wav` for a rate, `.q.wav` for a design's file, `.bf16.npy` for a
/// number format; of a number format all inputs must end alike.
fn suffix(recipe: &Recipe, inputs: &[Input]) -> Result<String, Failure> {
    let name = recipe.method.word();
    Ok(match (&recipe.method, recipe.depth) {
        (Method::Coder(Coder::Dsd(_)), _) => format!(".{name}.dsf"),
        (Method::Coder(_), _) => format!(".{name}.wav"),
        (Method::Format(_), _) => format!(".{name}.{}", common_ending(inputs)?),
        (Method::File(_), _) | (_, None) => ".q.wav".into(),
        (_, Some(Depth::Bits(bits))) => format!(".q{bits}.wav"),
        (_, Some(Depth::Levels(levels))) => format!(".l{levels}.wav"),
        (_, Some(Depth::Rate(rate))) => format!(".r{rate}.wav"),
    })
}

fn common_ending(inputs: &[Input]) -> Result<&'static str, Failure> {
    let ending = |input: &Input| match TensorFileKind::of_path(&input.path) {
        None => "wav",
        Some(TensorFileKind::Npy) => "npy",
        Some(TensorFileKind::Npz | TensorFileKind::NpzCompressed) => "npz",
        Some(TensorFileKind::Safetensors) => "safetensors",
    };
    let first = inputs.first().map_or("wav", ending);
    match inputs.iter().find(|input| ending(input) != first) {
        Some(other) => {
            Err(Failure::usage(format!("{}: take audio and tensor files of each kind apart", other.display())))
        }
        None => Ok(first),
    }
}

fn error_output(args: &QuantizeArgs, n_inputs: usize, planned: &[Output]) -> Result<Option<Output>, Failure> {
    let Some(path) = &args.error else { return Ok(None) };
    if n_inputs > 1 {
        return Err(Failure::usage("--error names one file, and there are many inputs"));
    }
    let output = Output::named(path)?;
    if planned.contains(&output) {
        return Err(Failure::usage("--error and -o name the same file"));
    }
    outputs::refuse_input(&output)?;
    Ok(Some(output))
}

fn one_file(plan: &Plan, files: Files, progress: &FileProgress) -> Result<FileReport, Failure> {
    let started = Instant::now();
    if let (Method::Format(named), Some(kind)) = (&plan.recipe().method, TensorFileKind::of_path(&files.input.path)) {
        if files.error.is_some() {
            return Err(Failure::usage("--error is audio, and the input holds arrays; leave --error out"));
        }
        return tensors::one_file(plan.recipe(), named, kind, files);
    }
    let done = convert(plan, files, progress)?;
    Ok(report::of(plan.recipe(), files, &done, started.elapsed().as_secs_f64()))
}

/// What is read and what is written.
#[derive(Clone, Copy)]
pub struct Files<'a> {
    pub input: &'a Input,
    pub output: &'a Output,
    pub error: Option<&'a Output>,
    pub existing: Existing,
}

/// The result of quantizing a file.
pub struct Converted {
    pub chain: Box<dyn Chain>,
    pub outcome: Outcome,
    pub sample_rate_hz: u32,
    pub channels: u16,
    /// Sizes of input and output, 0 where a pipe has none.
    pub bytes: (u64, u64),
    pub warnings: Vec<String>,
}

/// Quantizes one file into another, and measures the error.
pub fn convert(plan: &Plan, files: Files, progress: &FileProgress) -> Result<Converted, Failure> {
    let wrong = |error| Failure::of(error, &files.input.path);
    let passes = if plan.learns() { Passes::Several } else { Passes::One };
    let file = Rereadable::new(files.input, passes)?;
    let mut source = Reopen::open(&file).map_err(wrong)?;
    let spec = source.info().spec;
    let mut chain = plan.chain(&file, &spec, storing(files.output)).map_err(wrong)?;
    let n_frames = source.info().n_frames;
    let begin = |output: &Output| OutFile::create(output, files.existing);
    let (audio, seeking) = begin(files.output)?;
    let sink = FileSink::new(audio, seeking, &chain.form(), n_frames, source.metadata()).map_err(wrong)?;
    let mut sinks = Sinks { audio: sink, error: None };
    if let Some(output) = files.error {
        let (file, seeking) = begin(output)?;
        let sink = FileSink::of_error(file, seeking, &chain.form(), n_frames, source.metadata());
        sinks.error = Some(sink.map_err(wrong)?);
    }
    let outcome = chain::run(&mut source, &mut *chain, &mut sinks, progress).map_err(wrong)?;
    let mut warnings = outcome.warnings.clone();
    if let Some(error) = sinks.error {
        warnings.extend(error.finish(None, &[]).and_then(OutFile::commit).map_err(wrong)?.warnings);
    }
    let head = chain.head().map_err(wrong)?;
    let after_data = &source.metadata().after_data;
    let written = sinks.audio.finish(head, after_data).and_then(OutFile::commit).map_err(wrong)?;
    warnings.extend(written.warnings);
    Ok(Converted {
        chain,
        outcome,
        sample_rate_hz: spec.sample_rate_hz,
        channels: spec.channels,
        bytes: (files.input.size().unwrap_or(0), written.file),
        warnings,
    })
}

/// One-bit levels go into a .dsf file, the audio that they stand for into any other.
fn storing(output: &Output) -> Storing {
    match output {
        Output::File(path) if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("dsf")) => Storing::Coded,
        _ => Storing::Reconstruction,
    }
}

/// Where samples go.
struct Sinks {
    audio: FileSink<OutFile>,
    error: Option<FileSink<OutFile>>,
}

impl Sink for Sinks {
    fn write(&mut self, x: &[Vec<f64>], piece: &Piece) -> sqnr::Result<()> {
        self.audio.write(x, piece)?;
        self.error.as_mut().map_or(Ok(()), |error| error.write_error(x, piece))
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct QuantizeLine {
        #[command(flatten)]
        args: QuantizeArgs,
    }

    /// What `QuantizeArgs` and the rest parse; the command line of a recipe asks for that recipe again.
    #[test]
    fn the_command_line_of_a_recipe_asks_for_it() {
        let methods = ["uniform", "mid-rise", "mu-law", "a-law", "lloyd-max", "entropy-coded", "dependent", "trellis"];
        let rest = [
            "",
            "bits=8",
            "levels=12",
            "rate=1.5",
            "bits=8 dither=tpdf",
            "bits=4 dither=none shape=auto seed=7",
            "bits=8 shape=1.5,-0.6 container=f32",
            "bits=8 shape=-0.5",
            "bits=8 law=sox",
            "bits=6 law=continuous",
            "bits=12 compression=100",
            "rate=2 states=64",
            "bits=16 container=24",
            "bits=3 shape=lipshitz",
            "bits=16 rounding=half-even",
            "bits=8 law=torchaudio",
        ];
        let others = [
            "design.json",
            "predictor.json bits=3",
            "dsd64 paths=8",
            "ima",
            "g722-48",
            "bf16",
            "mxfp4 exponent=best",
            "int8 granularity=group:32 calibration=percentile:99.9 symmetry=symmetric rule=tflite",
            "q3.12",
        ];
        let named = methods.iter().flat_map(|method| rest.iter().map(move |rest| format!("{method} {rest}")));
        let mut n_asked = 0;
        for text in named.chain(others.map(String::from)) {
            let recipe: Recipe = text.parse().expect("legal");
            if recipe.check().is_err() {
                continue;
            }
            let line = ["quantize".to_owned()].into_iter().chain(recipe.command_line()).chain(["a.wav".to_owned()]);
            let parsed = QuantizeLine::try_parse_from(line).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(parsed.args.recipe().expect("no file"), recipe, "{text}");
            n_asked += 1;
        }
        assert!(n_asked > 50, "{n_asked}");
    }
}
