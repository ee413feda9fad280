//! `plot`: pictures of signals, quantizers and their errors, as SVG or PNG, and the same numbers as CSV.

mod pair;
pub mod spectra;

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde_json::{Map, json};

use crate::{
    analysis::{error_histogram::HistogramSettings, error_statistics},
    quantizer::Quantizer,
    report::plot::{Chart, Size, Style, Theme, histogram::Histogram, noise::Noise, spectrum, transfer::Transfer},
};

use super::{
    batch::{Batch, Conversion, FileReport},
    exit::{Exit, Failure, display_path},
    inputs::{self, Input},
    options::{Global, Inputs, Outputs},
    outputs::{self, Clearance, Existing, Output},
    progress::FileProgress,
    quantize::{Settings, chain},
    sink,
};
use pair::{Pair, Source};

/// Shown at the end of `sqnr plot --help`; a test runs each line.
const EXAMPLES: &str = "\
Examples:
  sqnr plot spectrum song.wav
  sqnr plot noise -b 8 song.wav -o noise.png
  sqnr plot noise --ref song.wav speech.wav -o difference.svg
  sqnr plot transfer -b 3 -m mu-law -o staircase.svg
  sqnr plot histogram -b 8 --dither none --csv song.wav";

/// Draw a picture: SVG, PNG by the name's ending, CSV beside it
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
    /// Also write the numbers, to a file of the same name ending in .csv
    #[arg(long)]
    csv: bool,
    /// Width and height in pixels
    #[arg(long, value_name = "WxH", default_value = "960x600", value_parser = parse_size)]
    size: Size,
    /// Colours
    #[arg(long, value_name = "THEME", default_value = "light")]
    theme: ThemeName,
}

/// What to draw.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// Level per spectral line
    Spectrum,
    /// Density of signal and error, and the floor theory expects
    Noise,
    /// The quantizer's staircase and its error; needs no input but for lloyd-max
    Transfer,
    /// Density of the error against the expected one
    Histogram,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Spectrum => "spectrum",
            Self::Noise => "noise",
            Self::Transfer => "transfer",
            Self::Histogram => "histogram",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ThemeName {
    Light,
    Dark,
}

fn parse_size(text: &str) -> Result<Size, String> {
    text.parse().map_err(|error: crate::Error| error.to_string())
}

/// Bit depth of plots that quantize when none is given.
const DEFAULT_BITS: u32 = 8;

/// Runs `plot`.
pub fn run(args: &PlotArgs, global: &Global) -> Result<Exit, Failure> {
    let settings = with_default_bits(&args.settings);
    chain::check(&settings)?;
    if args.kind == Kind::Transfer && args.inputs.inputs.is_empty() && args.inputs.files_from.is_none() {
        return transfer_without_input(args, &settings, global);
    }
    let inputs = inputs::collect(&args.inputs)?;
    let planned = outputs::plan(&inputs, &args.outputs, &format!(".{}.svg", args.kind.name()))?;
    planned.iter().try_for_each(|output| Form::of(output).map(|_| ()))?;
    let batch = Batch { command: "plot", global, inputs: &args.inputs };
    batch.convert(inputs, planned, &args.outputs, |Conversion { input, output, existing }, progress| {
        let chart = chart(args, &settings, input, progress)?;
        let written = write(args, &chart, output, existing)?;
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

fn with_default_bits(settings: &Settings) -> Settings {
    let says_how_fine = settings.bits.is_some() || settings.levels.is_some();
    let is_file = matches!(settings.method, super::choices::Method::File(_));
    let bits = if says_how_fine || is_file { settings.bits } else { Some(DEFAULT_BITS) };
    Settings { bits, ..settings.clone() }
}

fn transfer_without_input(args: &PlotArgs, settings: &Settings, global: &Global) -> Result<Exit, Failure> {
    let path = args.outputs.output.clone().unwrap_or_else(|| "transfer.svg".into());
    let output = Output::named(&path)?;
    let existing = Existing::of(global);
    if outputs::clearance(&output, existing)? == Clearance::Skip {
        return Ok(Exit::Done);
    }
    let quantizer = chain::fixed_quantizer(settings)?;
    let chart = transfer(settings, quantizer.as_ref());
    let written = write(args, &chart, &output, existing)?;
    if !global.quiet {
        super::stdio::note_line(&format!("-> {}", written.join(", ")));
    }
    Ok(Exit::Done)
}

/// The staircase of a quantizer and its error.
pub fn transfer(settings: &Settings, quantizer: &dyn Quantizer) -> Chart {
    let conditions = format!("{}, {} levels", settings.method.name(), quantizer.n_levels());
    Transfer { conditions, quantizer, input: (-1.0, 1.0) }.chart()
}

fn chart(args: &PlotArgs, settings: &Settings, input: &Input, progress: &FileProgress) -> Result<Chart, Failure> {
    let source = Source { input, settings, reference: args.reference.as_deref(), channel: args.channel };
    match args.kind {
        Kind::Spectrum => {
            let file = source.open()?;
            let conditions = format!("{}{}", input.display(), source.channel_of(file.info()));
            let spectrum = spectra::of_input(&source, file, progress)?;
            let trace = spectrum::Trace { name: input.display(), spectrum: &spectrum };
            Ok(spectrum::Spectrum { conditions, traces: vec![trace] }.chart())
        }
        Kind::Noise => noise(source.pair()?, progress),
        Kind::Transfer => {
            let quantizer = source.quantizer()?;
            Ok(transfer(settings, quantizer.as_ref()))
        }
        Kind::Histogram => error_histogram(source.pair()?, progress),
    }
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

/// What a name's ending asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Svg,
    Png,
    Csv,
}

impl Form {
    fn of(output: &Output) -> Result<Self, Failure> {
        let Output::File(path) = output else { return Ok(Self::Svg) };
        let ending = path.extension().and_then(|e| e.to_str()).map(str::to_ascii_lowercase);
        match ending.as_deref() {
            Some("svg") => Ok(Self::Svg),
            Some("png") => Ok(Self::Png),
            Some("csv") => Ok(Self::Csv),
            _ => Err(Failure::usage(format!("{}: pictures end in .svg or .png, numbers in .csv", display_path(path)))),
        }
    }
}

/// Writes the picture, and the numbers when asked for; returns the names.
fn write(args: &PlotArgs, chart: &Chart, output: &Output, existing: Existing) -> Result<Vec<String>, Failure> {
    let theme = match args.theme {
        ThemeName::Light => Theme::Light,
        ThemeName::Dark => Theme::Dark,
    };
    let style = Style { theme, size: args.size };
    let failed = |error: crate::Error| Failure::output(Path::new(&output.display()), error);
    let bytes = match Form::of(output)? {
        Form::Svg => chart.draw(style).svg().into_bytes(),
        Form::Png => chart.draw(style).png().map_err(failed)?,
        Form::Csv => csv(chart).map_err(failed)?,
    };
    let mut written = vec![output.display()];
    if let (true, Output::File(path)) = (args.csv && Form::of(output)? != Form::Csv, output) {
        let beside = Output::File(path.with_extension("csv"));
        outputs::clearance(&beside, existing)?;
        sink::write_bytes(&beside, existing, &csv(chart).map_err(failed)?)?;
        written.push(beside.display());
    }
    sink::write_bytes(output, existing, &bytes)?;
    Ok(written)
}

fn csv(chart: &Chart) -> crate::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    chart.write_csv(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ending_says_which_form() {
        assert_eq!(Form::of(&Output::File("a.PNG".into())).ok(), Some(Form::Png));
        assert!(Form::of(&Output::File("a.pdf".into())).is_err());
    }
}
