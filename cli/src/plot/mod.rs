//! `plot`: pictures of signals, quantizers and their errors, as SVG or PNG, and the same numbers as CSV.

pub mod bits;
mod codebook;
mod converter;
mod error;
mod over_time;
mod pair;
pub mod picture_file;
mod snr;
pub mod spectra;
mod stimulus;

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde_json::{Map, json};

use sqnr::{
    analysis::{error_histogram::HistogramSettings, error_statistics},
    quantizer::Quantizer,
    report::plot::{Chart, histogram::Histogram, noise::Noise, transfer::Transfer},
};

use super::{
    adc::test::StimulusKind,
    batch::{Batch, Conversion, FileReport},
    choices::Method,
    exit::{Exit, Failure},
    inputs::{self, Input},
    options::{Global, Inputs, Outputs},
    outputs::{self, Clearance, Existing, Output},
    pcm::Pcm,
    progress::{FileProgress, Progress},
    quantize::{Settings, chain},
    source::{Passes, Rereadable},
    stdio, training,
};
use over_time::Shown;
use pair::{Pair, Source};
use picture_file::{Form, PictureArgs, write};
use stimulus::Stimulus;

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
    settings: Settings,
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
    let settings = with_default_bits(&args.settings);
    chain::check(&settings)?;
    if args.kind.can_do_without_input() && args.inputs.inputs.is_empty() && args.inputs.files_from.is_none() {
        return without_input(args, &settings, global);
    }
    let inputs = inputs::collect(&args.inputs)?;
    let planned = outputs::plan(&inputs, &args.outputs, &format!(".{}.svg", args.kind.name()))?;
    planned.iter().try_for_each(|output| Form::of(output).map(|_| ()))?;
    let batch = Batch { command: "plot", global, inputs: &args.inputs };
    batch.convert(inputs, planned, &args.outputs, |Conversion { input, output, existing }, progress| {
        let chart = chart(args, &settings, input, progress)?;
        let written = write(&args.picture, &chart, output, existing)?;
        Ok(FileReport {
            line: Some(format!("{} -> {}", input.display(), written.join(", "))),
            json: Map::from_iter([
                ("kind".to_owned(), args.kind.name().into()),
                ("outputs".to_owned(), json!(written)),
            ]),
            ..FileReport::default()
        })
    })
}

fn says_how_fine(settings: &Settings) -> bool {
    settings.bits.is_some() || settings.levels.is_some() || matches!(settings.method, Method::File(_))
}

fn with_default_bits(settings: &Settings) -> Settings {
    let bits = if says_how_fine(settings) { settings.bits } else { Some(DEFAULT_BITS) };
    Settings { bits, ..settings.clone() }
}

/// A picture of the quantizer alone.
fn without_input(args: &PlotArgs, settings: &Settings, global: &Global) -> Result<Exit, Failure> {
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
    let chart = chart_without_input(args.kind, settings, &Progress::new(global).file(1, 1, args.kind.name()))?;
    let written = write(&args.picture, &chart, &output, existing)?;
    if global.json {
        let object = json!({
            "schema": super::batch::JSON_SCHEMA, "command": "plot", "kind": args.kind.name(), "outputs": written,
        });
        stdio::print_line(&object.to_string())?;
    } else if !global.quiet {
        stdio::note_line(&format!("-> {}", written.join(", ")));
    }
    Ok(Exit::Done)
}

fn chart_without_input(kind: Kind, settings: &Settings, progress: &FileProgress) -> Result<Chart, Failure> {
    match kind {
        Kind::SnrLevel => snr::against_level(&Stimulus::sine(), settings, progress),
        Kind::SnrBits => snr::against_bits(&Stimulus::sine(), settings, progress),
        Kind::Codebook => {
            let codebook = codebook::tabulated(chain::fixed_quantizer(settings)?.as_ref())?;
            let conditions = format!("{}, {} levels", settings.method.name(), codebook.levels().len());
            Ok(codebook::chart(&codebook::Shown { conditions, codebook: &codebook, samples: None }))
        }
        _ => Ok(transfer(settings, chain::fixed_quantizer(settings)?.as_ref())),
    }
}

/// The staircase of a quantizer and its error.
pub fn transfer(settings: &Settings, quantizer: &dyn Quantizer) -> Chart {
    let conditions = format!("{}, {} levels", settings.method.name(), quantizer.n_levels());
    Transfer { conditions, quantizer, input: (-1.0, 1.0) }.chart()
}

fn chart(args: &PlotArgs, settings: &Settings, input: &Input, progress: &FileProgress) -> Result<Chart, Failure> {
    let source = Source { input, settings, reference: args.reference.as_deref(), channel: args.channel };
    let shown = match args.reference.is_some() || says_how_fine(&args.settings) {
        true => Shown::InputOutputError,
        false => Shown::Input,
    };
    match args.kind {
        Kind::Wave => over_time::wave(&source, shown, progress),
        Kind::Spectrogram => over_time::spectrogram(&source, shown, progress),
        Kind::Spectrum => spectrum(&source, shown, progress),
        Kind::Noise => noise(source.pair()?, progress),
        Kind::Transfer => Ok(transfer(settings, source.quantizer()?.as_ref())),
        Kind::Histogram => error_histogram(source.pair()?, progress),
        Kind::SnrLevel => snr::against_level(&Stimulus::file(&source)?, settings, progress),
        Kind::SnrBits => snr::against_bits(&Stimulus::file(&source)?, settings, progress),
        Kind::Codebook => codebook_of(&source),
        Kind::Linearity => converter::linearity(&source, args.stimulus, args.settings.bits, progress),
        Kind::ErrorValue => error::against_value(&source, progress),
        Kind::ErrorPhase => error::against_phase(&source, progress),
        Kind::Nmr => error::noise_to_mask(&source, progress),
        Kind::Bits => bits_of(&source, progress),
    }
}

/// A tone with its harmonics where the input, or what a quantizer makes of it, is one, else averages over the whole.
fn spectrum(source: &Source, shown: Shown, progress: &FileProgress) -> Result<Chart, Failure> {
    // A pipe could not be read again for the picture of everything else.
    let again = !source.input.is_stdin() && source.input.path.is_file();
    let tone = match (again, shown, source.reference) {
        (true, Shown::Input, _) => converter::tone(source)?,
        (true, Shown::InputOutputError, None) => converter::tone_of_output(source.pair()?, progress)?,
        _ => None,
    };
    match tone {
        Some(chart) => Ok(chart),
        None => over_time::spectra(source, shown, progress),
    }
}

fn bits_of(source: &Source, progress: &FileProgress) -> Result<Chart, Failure> {
    let Some(path) = source.reference else { return bits::chart(source.input, None) };
    let original = Input { path: path.to_path_buf(), below: path.to_path_buf() };
    bits::chart(source.input, Some(Pcm::new(&original, progress)?))
}

/// The codebook in the file, or the quantizer's over the density of all samples of the file.
fn codebook_of(source: &Source) -> Result<Chart, Failure> {
    let input = source.input;
    if input.path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("json")) {
        let file = chain::codebook_file(&input.path)?;
        let source = file.source.map(|source| format!(" · {source}")).unwrap_or_default();
        let conditions = format!("{}{source}, {} levels", input.display(), file.codebook.levels().len());
        return Ok(codebook::chart(&codebook::Shown { conditions, codebook: &file.codebook, samples: None }));
    }
    let codebook = codebook::tabulated(source.quantizer()?.as_ref())?;
    let samples = training::histogram(&Rereadable::new(input, Passes::Several)?, input)?;
    let method = source.settings.method.name();
    let conditions = format!("{} · {method}, {} levels", input.display(), codebook.levels().len());
    Ok(codebook::chart(&codebook::Shown { conditions, codebook: &codebook, samples: Some(&samples) }))
}

/// The spectra of input and error, and the floor that theory expects.
fn noise(pair: Pair, progress: &FileProgress) -> Result<Chart, Failure> {
    let (conditions, floors) = (pair.conditions.clone(), pair.floors());
    let (signal, error) = spectra::of_pair(pair, progress)?;
    Ok(Noise { conditions, signal: &signal, error: &error, floors }.chart())
}

/// Pictures of what quantizing the first channel of `input` with `settings` does: noise spectrum, error histogram.
pub fn of_quantization(input: &Input, settings: &Settings, progress: &FileProgress) -> Result<[Chart; 2], Failure> {
    let source = Source { input, settings, reference: None, channel: 1 };
    Ok([noise(source.pair()?, progress)?, error_histogram(source.pair()?, progress)?])
}

/// Bins of the error histogram in a step.
const BINS_PER_STEP: usize = 32;

fn error_histogram(pair: Pair, progress: &FileProgress) -> Result<Chart, Failure> {
    let Some(step_size) = pair.step_size() else {
        return Err(Failure::usage("the histogram counts errors in steps: -m uniform or mid-rise, without --ref"));
    };
    let (expected, expectation, half_range_steps) = pair.expected_density();
    let n_bins = 2 * (half_range_steps as usize) * BINS_PER_STEP;
    let histogram = HistogramSettings { step_size, half_range_steps, n_bins, expected };
    let settings = error_statistics::Settings { histogram: Some(histogram), ..Default::default() };
    let path = pair.path.clone();
    let conditions = pair.conditions.clone();
    let mut statistics = error_statistics::ErrorStatistics::new(settings).map_err(|e| Failure::compute(&path, e))?;
    pair.each_block(progress, |x, y| statistics.push(x, y))?;
    let histogram = statistics.figures().histogram.expect("it was asked for");
    Ok(Histogram { conditions, histogram: &histogram, expectation: expectation.into() }.chart())
}
