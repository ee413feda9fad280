//! `plot`: pictures of signals, quantizers and their errors, as SVG or PNG, and the same numbers as CSV.

pub mod bits;
mod converter;
pub mod picture_file;

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde_json::{Map, Value, json};

use sqnr::{
    Error,
    audio_file::Reopen,
    chain::{Plan, training},
    recipe::{Depth, Design, Method, Recipe, read_design},
    report::plot::Chart,
    task::picture::{self, CodebookOf, Shown, Stimulus, Subject},
};

use super::{
    adc::test::{CodeArgs, StimulusKind},
    analyze::HarmonicOptions,
    batch::{self, Batch, Conversion, FileReport},
    exit::{Exit, Failure},
    inputs::{self, Input},
    options::{Global, Inputs, Outputs},
    outputs::{self, Clearance, Existing, Output},
    pcm::Pcm,
    progress::{FileProgress, Progress},
    recipe_args::RecipeArgs,
    source::{Passes, Rereadable},
    stdio,
};
use picture_file::{Form, PictureArgs, write};

/// Shown at the end of `sqnr plot --help`; a test runs each line.
const EXAMPLES: &str = "\
Examples:
  sqnr plot spectrum song.wav
  sqnr plot noise -b 8 song.wav -o noise.png
  sqnr plot noise --ref song.wav speech.wav -o difference.svg
  sqnr plot spectrogram -b 6 song.wav --theme dark
  sqnr plot transfer -b 3 -m mu-law -o staircase.svg
  sqnr plot snr-level -b 8 --csv -o companding.png
  sqnr plot error-value -b 6 --dither none song.wav
  sqnr plot histogram -b 8 --dither none --csv song.wav";

/// Draw a picture: SVG, PNG by the name's ending, CSV beside it
///
/// wave, spectrum and spectrogram show the input alone, or input, output and error when -b, --levels, a codebook or --ref
/// says what the output is; spectrum shows a tone with its harmonics, noise and figures where the input, or what -b makes
/// of it, is one. transfer, codebook, snr-level and snr-bits can do without an input.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct PlotArgs {
    /// What to draw
    kind: Kind,
    #[command(flatten)]
    inputs: Inputs,
    #[command(flatten)]
    outputs: Outputs,
    #[command(flatten)]
    recipe: RecipeArgs,
    /// Compare with this file instead of quantizing: the error is IN minus REF
    #[arg(long = "ref", value_name = "REF")]
    reference: Option<PathBuf>,
    /// Which channel, from 1
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    channel: u16,
    /// linearity: what was fed to the converter, sine or ramp
    #[arg(long, value_name = "KIND", default_value = "sine", hide_possible_values = true)]
    stimulus: StimulusKind,
    #[command(flatten)]
    codes: CodeArgs,
    #[command(flatten)]
    harmonics: HarmonicOptions,
    #[command(flatten)]
    picture: PictureArgs,
}

/// What to draw.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// Samples over time
    Wave,
    /// Level per spectral line
    Spectrum,
    /// Density of signal and error, and the floor theory expects
    Noise,
    /// Level over time and frequency
    Spectrogram,
    /// The quantizer's staircase and its error
    Transfer,
    /// Density of the error against the expected one
    Histogram,
    /// SNR of several methods against the level, of a sine or an input
    SnrLevel,
    /// SNR of several methods against bit depth, of a sine or an input
    SnrBits,
    /// Levels and thresholds of a quantizer or of IN, a codebook FILE.json
    Codebook,
    /// DNL and INL of the converter whose codes IN holds
    Linearity,
    /// Error against the input's value
    ErrorValue,
    /// Error against the phase of the input's tone
    ErrorPhase,
    /// Noise-to-mask ratio per Bark band
    Nmr,
    /// Bits per band over time of IN, an .sqn file; with --ref ORIGINAL also noise over mask
    Bits,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Wave => "wave",
            Self::Spectrum => "spectrum",
            Self::Noise => "noise",
            Self::Spectrogram => "spectrogram",
            Self::Transfer => "transfer",
            Self::Histogram => "histogram",
            Self::SnrLevel => "snr-level",
            Self::SnrBits => "snr-bits",
            Self::Codebook => "codebook",
            Self::Linearity => "linearity",
            Self::ErrorValue => "error-value",
            Self::ErrorPhase => "error-phase",
            Self::Nmr => "nmr",
            Self::Bits => "bits",
        }
    }

    /// True for pictures of a quantizer, which need no input unless it learns from one.
    fn can_do_without_input(self) -> bool {
        matches!(self, Self::Transfer | Self::SnrLevel | Self::SnrBits | Self::Codebook)
    }
}

/// Bit depth of plots that quantize when none is given.
const DEFAULT_BITS: u32 = 8;

/// Runs `plot`.
pub fn run(args: &PlotArgs, global: &Global) -> Result<Exit, Failure> {
    if let (Kind::SnrBits, Method::File(_)) = (args.kind, &args.recipe.method) {
        return Err(Failure::usage("snr-bits tries every bit depth; leave codebook files out"));
    }
    let plan = Plan::new(&with_default_bits(&args.recipe)).map_err(Failure::of_recipe)?;
    if args.kind.can_do_without_input() && args.inputs.inputs.is_empty() && args.inputs.files_from.is_none() {
        return without_input(args, &plan, global);
    }
    let inputs = inputs::collect(&args.inputs)?;
    let planned = outputs::plan(&inputs, &args.outputs, &format!(".{}.svg", args.kind.name()), Existing::of(global))?;
    planned.iter().try_for_each(|output| Form::of(output).map(|_| ()))?;
    let batch = Batch { command: "plot", global, inputs: &args.inputs };
    batch.convert(inputs, planned, &args.outputs, |Conversion { input, output, existing }, progress| {
        let (chart, warnings) = chart(args, &plan, input, progress)?;
        let written = write(&args.picture, &chart, output, existing)?;
        Ok(FileReport {
            line: Some(format!("{} -> {}", input.display(), written.join(", "))),
            json: Map::from_iter(
                shown_recipe(args, &plan)
                    .into_iter()
                    .chain([("kind".to_owned(), args.kind.name().into()), ("outputs".to_owned(), json!(written))]),
            ),
            warnings,
            ..FileReport::default()
        })
    })
}

/// The recipe, where the picture shows what it makes of the input.
fn shown_recipe(args: &PlotArgs, plan: &Plan) -> Option<(String, Value)> {
    let is_shown = args.reference.is_none() && args.shown() == Shown::InputOutputError;
    is_shown.then(|| ("recipe".to_owned(), batch::json_recipe(plan.recipe())))
}

impl PlotArgs {
    fn shown(&self) -> Shown {
        match self.reference.is_some() || self.recipe.says_how_fine() {
            true => Shown::InputOutputError,
            false => Shown::Input,
        }
    }
}

/// The recipe of the options, at eight bits where they do not say how finely.
fn with_default_bits(args: &RecipeArgs) -> Recipe {
    let recipe = args.recipe();
    let depth = if args.says_how_fine() { recipe.depth } else { Some(Depth::Bits(DEFAULT_BITS)) };
    Recipe { depth, ..recipe }
}

/// A picture of the quantizer alone.
fn without_input(args: &PlotArgs, plan: &Plan, global: &Global) -> Result<Exit, Failure> {
    let path = args.outputs.output.clone().unwrap_or_else(|| format!("{}.svg", args.kind.name()).into());
    let output = Output::named(&path)?;
    Form::of(&output)?;
    if args.inputs.dry_run {
        stdio::print_line(&format!("plot {} -> {}", args.kind.name(), output.display()))?;
        return Ok(Exit::Done);
    }
    let existing = Existing::of(global);
    if outputs::clearance(&output, existing)? == Clearance::Skip {
        return Ok(Exit::Done);
    }
    let chart = chart_without_input(args.kind, plan, &Progress::new(global).file(1, 1, args.kind.name()))?;
    let written = write(&args.picture, &chart, &output, existing)?;
    if global.json {
        let object = json!({
            "schema": super::batch::JSON_SCHEMA, "command": "plot", "kind": args.kind.name(), "outputs": written,
            "recipe": batch::json_recipe(plan.recipe()),
        });
        stdio::print_line(&object.to_string())?;
    } else if !global.quiet {
        stdio::note_line(&format!("-> {}", written.join(", ")));
    }
    Ok(Exit::Done)
}

fn chart_without_input(kind: Kind, plan: &Plan, progress: &FileProgress) -> Result<Chart, Failure> {
    let chart = match kind {
        Kind::SnrLevel => picture::against_level(&Stimulus::sine(), plan, progress),
        Kind::SnrBits => picture::against_bits(&Stimulus::sine(), plan, progress),
        Kind::Codebook => plan.fixed_quantizer().and_then(|quantizer| {
            let codebook = picture::tabulated(quantizer.as_ref())?;
            let conditions = format!("{}, {} levels", plan.recipe().method.word(), codebook.levels().len());
            Ok(picture::codebook_chart(&CodebookOf { conditions, codebook: &codebook, samples: None }))
        }),
        _ => plan.fixed_quantizer().map(|quantizer| picture::transfer(plan, quantizer.as_ref())),
    };
    chart.map_err(Failure::of_recipe)
}

/// The picture, and what its reader must know.
fn chart(
    args: &PlotArgs,
    plan: &Plan,
    input: &Input,
    progress: &FileProgress,
) -> Result<(Chart, Vec<String>), Failure> {
    let audio = Rereadable::new(input, Passes::Several)?;
    let named = args.reference.as_deref().map(Input::at);
    let reference = named.as_ref().map(|named| Rereadable::new(named, Passes::Several)).transpose()?;
    let subject = Subject {
        audio: &audio,
        plan,
        reference: reference.as_ref().map(|reference| reference as &dyn Reopen),
        channel: args.channel,
    };
    let (shown, stimulus) = (args.shown(), || Stimulus::of(&subject));
    let chart = match args.kind {
        Kind::Wave => picture::wave(&subject, shown, progress),
        Kind::Spectrogram => picture::spectrogram(&subject, shown, progress),
        Kind::Spectrum => converter::spectrum(&subject, shown, &args.harmonics.settings(), progress),
        Kind::Noise => subject.pair().and_then(|pair| picture::noise(pair, progress)),
        Kind::Transfer => subject.quantizer().map(|quantizer| picture::transfer(plan, quantizer.as_ref())),
        Kind::Histogram => subject.pair().and_then(|pair| picture::error_histogram(pair, progress)),
        Kind::SnrLevel => stimulus().and_then(|stimulus| picture::against_level(&stimulus, plan, progress)),
        Kind::SnrBits => stimulus().and_then(|stimulus| picture::against_bits(&stimulus, plan, progress)),
        Kind::Codebook => codebook_of(&subject, &input.path),
        Kind::Linearity => {
            let asked = converter::LinearityOptions {
                stimulus: args.stimulus,
                codes: args.codes.options(args.recipe.bits),
                few_samples: args.codes.few_samples(),
            };
            return converter::linearity(&subject, &input.path, &asked, progress);
        }
        Kind::ErrorValue => picture::against_value(&subject, progress),
        Kind::ErrorPhase => picture::against_phase(&subject, progress),
        Kind::Nmr => picture::noise_to_mask(&subject, progress),
        Kind::Bits => return bits_of(input, named.as_ref(), progress).map(|chart| (chart, Vec::new())),
    };
    chart.map(|chart| (chart, Vec::new())).map_err(|error| Failure::of(error, &input.path))
}

fn bits_of(input: &Input, original: Option<&Input>, progress: &FileProgress) -> Result<Chart, Failure> {
    let original = original.map(|original| Pcm::new(original, progress)).transpose()?;
    bits::chart(input, original)
}

/// The codebook in the file, or the quantizer's over the density of all samples of the audio.
fn codebook_of(subject: &Subject, path: &Path) -> sqnr::Result<Chart> {
    let name = subject.audio.name();
    if path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("json")) {
        let Design::Codebook { codebook, source } = read_design(path)? else {
            return Err(Error::Unsupported { what: "not a codebook".into() }.of_input(name));
        };
        let source = source.map(|source| format!(" · {source}")).unwrap_or_default();
        let conditions = format!("{name}{source}, {} levels", codebook.levels().len());
        return Ok(picture::codebook_chart(&CodebookOf { conditions, codebook: &codebook, samples: None }));
    }
    let codebook = picture::tabulated(subject.quantizer()?.as_ref())?;
    let samples = training::distribution(&[subject.audio])?;
    let method = subject.plan.recipe().method.word();
    let conditions = format!("{name} · {method}, {} levels", codebook.levels().len());
    Ok(picture::codebook_chart(&CodebookOf { conditions, codebook: &codebook, samples: Some(&samples) }))
}

/// Pictures of what quantizing the first channel of `input` does: noise spectrum, error histogram.
pub fn of_quantization(input: &Input, recipe: &Recipe, progress: &FileProgress) -> Result<[Chart; 2], Failure> {
    let audio = Rereadable::new(input, Passes::Several)?;
    let plan = Plan::new(recipe).map_err(Failure::of_recipe)?;
    let subject = Subject { audio: &audio, plan: &plan, reference: None, channel: 1 };
    let noise = subject.pair().and_then(|pair| picture::noise(pair, progress));
    let histogram = subject.pair().and_then(|pair| picture::error_histogram(pair, progress));
    let wrong = |error| Failure::of(error, &input.path);
    Ok([noise.map_err(wrong)?, histogram.map_err(wrong)?])
}
