//! `report`: one HTML page with figures, zoomable plots and blind listening for one or several files.

mod measure;

use std::{
    io::{BufWriter, Write as _},
    path::{Path, PathBuf},
};

use clap::Args;
use serde_json::{Map, json};

use crate::report::{
    html::{Comparison, DEFAULT_AUDIO_BYTES, Page, Parts},
    plot::{Chart, Scale, spectrogram},
};

use super::{
    exit::{Exit, Failure, display_path},
    inputs::{self, Input},
    options::{Global, Inputs, Outputs},
    outputs::{self, Clearance, Existing, Output},
    progress::Progress,
    sink, stdio,
};
use measure::Measured;

/// Shown at the end of `sqnr report --help`; a test runs each line.
const EXAMPLES: &str = "\
Examples:
  sqnr report song.wav
  sqnr report --ref song.wav speech.wav -o compared.html
  sqnr report --no-audio song.wav -o figures.html";

/// Write one HTML page: figures, zoomable plots, and blind listening
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct ReportArgs {
    #[command(flatten)]
    inputs: Inputs,
    #[command(flatten)]
    outputs: Outputs,
    /// What the inputs are compared with, sample by sample
    #[arg(long = "ref", value_name = "REF")]
    reference: Option<PathBuf>,
    /// Leave the audio out: figures and plots alone
    #[arg(long, conflicts_with = "listening_only")]
    no_audio: bool,
    /// Leave figures and plots out
    #[arg(long)]
    listening_only: bool,
}

/// Most files on one page: more buttons would not be compared by anyone.
const MAX_VERSIONS: usize = 12;
/// Spectrograms drawn: the reference and the first errors.
const MAX_SPECTROGRAMS: usize = 3;

/// Runs `report`.
pub fn run(args: &ReportArgs, global: &Global) -> Result<Exit, Failure> {
    let mut files = inputs::collect(&args.inputs)?;
    let output = output(args, &files)?;
    if let Some(path) = &args.reference {
        files.insert(0, Input { path: path.clone(), below: path.clone() });
    }
    outputs::refuse_input(&output, &files)?;
    if files.len() > MAX_VERSIONS {
        return Err(Failure::usage(format!("{} files for one page; {MAX_VERSIONS} are the most", files.len())));
    }
    let existing = Existing::of(global);
    if args.inputs.dry_run || outputs::clearance(&output, existing)? == Clearance::Skip {
        return Ok(Exit::Done);
    }
    outputs::make_folder(&output, &args.outputs)?;
    let measured = measure_all(args, &files, &Progress::new(global))?;
    write(&page(args, &measured), &output, existing)?;
    said(args, global, &files, &output)
}

/// `-o`, or the first input's name with another ending.
fn output(args: &ReportArgs, files: &[Input]) -> Result<Output, Failure> {
    match &args.outputs.output {
        Some(path) => Output::named(path),
        None => Ok(outputs::plan(&files[..1], &args.outputs, ".report.html")?.remove(0)),
    }
}

fn measure_all(args: &ReportArgs, files: &[Input], progress: &Progress) -> Result<Vec<Measured>, Failure> {
    let reference = args.reference.as_ref().map(|_| &files[0]);
    let mut measured: Vec<Measured> = Vec::new();
    for (i, file) in files.iter().enumerate() {
        let against = reference.filter(|_| i > 0);
        let line = progress.file(i + 1, files.len(), &file.display());
        let room = DEFAULT_AUDIO_BYTES / files.len();
        measured.push(Measured::of(file, against, room, &line)?);
        let (first, last) = (&measured[0], &measured[i]);
        if first.form() != last.form() {
            let ((rate, channels), (first_rate, first_channels)) = (last.form(), first.form());
            let message = format!(
                "has {rate} Hz and {channels} channels, {} {first_rate} Hz and {first_channels}; one page holds one form",
                files[0].display()
            );
            return Err(Failure::input(&file.path, message));
        }
    }
    Ok(measured)
}

fn page<'a>(args: &ReportArgs, measured: &'a [Measured]) -> Page<'a> {
    let (rate, channels) = measured[0].form();
    let (title, comparison) = match args.reference {
        Some(_) => (format!("Compared with {}", measured[0].name), Comparison::WithFirst),
        None => (measured.iter().map(|m| m.name.as_str()).collect::<Vec<_>>().join(", "), Comparison::None),
    };
    let parts = match (args.no_audio, args.listening_only) {
        (true, _) => Parts::WithoutAudio,
        (_, true) => Parts::ListeningOnly,
        _ => Parts::All,
    };
    let several = if channels == 1 { "" } else { "; plots show channel 1" };
    Page {
        title,
        subtitle: format!("{rate} Hz, {channels} {}{several}", if channels == 1 { "channel" } else { "channels" }),
        versions: measured.iter().map(Measured::version).collect(),
        comparison,
        charts: spectrograms(measured),
        parts,
        notes: measured.iter().flat_map(|m| m.notes.clone()).collect(),
        max_audio_bytes: DEFAULT_AUDIO_BYTES,
    }
}

/// The first file, then errors where there is a reference, else the other files.
fn spectrograms(measured: &[Measured]) -> Vec<Chart> {
    let shown = measured.iter().filter_map(Measured::spectrogram).take(MAX_SPECTROGRAMS);
    let panels: Vec<_> = shown.map(|(title, spectrogram)| spectrogram::Titled { title, spectrogram }).collect();
    match panels.is_empty() {
        true => Vec::new(),
        false => {
            let conditions = measured[0].name.clone();
            vec![spectrogram::Spectrograms { conditions, panels, frequency: Scale::Linear }.chart()]
        }
    }
}

fn write(page: &Page, output: &Output, existing: Existing) -> Result<(), Failure> {
    match output {
        Output::Stdout => {
            let mut bytes = Vec::new();
            page.write(&mut bytes).map_err(|error| Failure::output(Path::new("standard output"), error))?;
            stdio::print_bytes(&bytes)
        }
        Output::File(path) => {
            let mut file = BufWriter::new(sink::create(path, existing)?);
            let failed = |error| sink::unwritable(path, error);
            page.write(&mut file).map_err(failed)?;
            file.flush().map_err(|error| failed(crate::Error::stream(error)))?;
            let file = file.into_inner().map_err(|error| failed(crate::Error::stream(error.into_error())))?;
            file.commit().map_err(failed)
        }
    }
}

fn said(args: &ReportArgs, global: &Global, files: &[Input], output: &Output) -> Result<Exit, Failure> {
    let names: Vec<String> = files.iter().map(Input::display).collect();
    if global.json {
        let reference = args.reference.as_ref().map(|path| display_path(path));
        let object = Map::from_iter([
            ("schema".to_owned(), super::batch::JSON_SCHEMA.into()),
            ("command".to_owned(), "report".into()),
            ("input".to_owned(), json!(names)),
            ("ref".to_owned(), json!(reference)),
            ("output".to_owned(), output.display().into()),
        ]);
        stdio::print_line(&serde_json::Value::Object(object).to_string())?;
    } else if !global.quiet {
        stdio::note_line(&format!("{} -> {}", names.join(", "), output.display()));
    }
    Ok(Exit::Done)
}
