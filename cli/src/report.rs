//! `report`: one HTML page with figures, zoomable plots and blind listening for one or several files.

use std::{
    io::{BufWriter, Write as _},
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
};

use clap::Args;
use rayon::prelude::*;
use serde_json::{Map, json};

use sqnr::{
    audio_file::Reopen,
    report::{
        html::{Comparison, DEFAULT_AUDIO_BYTES, Page, Parts},
        plot::Chart,
    },
    task::{self, MeasuredVersion},
};

use super::{
    batch::Batch,
    exit::{Exit, Failure, display_path, escape_controls},
    inputs::{self, Input},
    notes,
    options::{Global, Inputs, Outputs},
    outputs::{self, Clearance, Existing, Output},
    pcm::Pcm,
    plot,
    progress::Progress,
    sink,
    source::{Passes, Rereadable},
    stdio,
};

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

/// Runs `report`.
pub fn run(args: &ReportArgs, global: &Global) -> Result<Exit, Failure> {
    let mut files = inputs::collect(&args.inputs)?;
    let output = output(args, &files)?;
    if let Some(path) = &args.reference {
        files.insert(0, Input::at(path));
    }
    outputs::refuse_input(&output)?;
    if files.len() > MAX_VERSIONS {
        return Err(Failure::usage(format!("{} files for one page; {MAX_VERSIONS} are the most", files.len())));
    }
    let existing = Existing::of(global);
    if args.inputs.dry_run {
        stdio::print_line(&format!("report {} -> {}", names(&files).join(", "), output.display()))?;
        return Ok(Exit::Done);
    }
    if outputs::clearance(&output, existing)? == Clearance::Skip {
        return Ok(Exit::Done);
    }
    let progress = Progress::new(global);
    let read = read_all(args, global, &files, &progress)?;
    outputs::make_folder(&output, &args.outputs)?;
    let page = task::report_page(&read.measured, read.charts, args.comparison(), args.parts());
    write(&page, &output, existing)?;
    for failure in &read.failures {
        progress.note_line(&format!("sqnr: {}", escape_controls(&failure.to_string())));
    }
    let warnings = notes::take_all();
    for warning in &warnings {
        progress.note_line(&format!("sqnr: warning: {}", escape_controls(warning)));
    }
    print_outcome(args, global, &files, &output, warnings)?;
    Ok(read.failures.iter().map(|failure| failure.exit).max().unwrap_or(Exit::Done))
}

/// Writes the page that compares `versions` with `reference`.
pub fn compare(
    reference: &Input,
    versions: &[Input],
    output: &Output,
    existing: Existing,
    progress: &Progress,
) -> Result<(), Failure> {
    let files: Vec<Input> = std::iter::once(reference).chain(versions).cloned().collect();
    let opened = files.iter().map(|file| Rereadable::new(file, Passes::Several)).collect::<Result<Vec<_>, _>>()?;
    let task = Task { files: &files, opened: &opened, is_comparison: Comparison::WithFirst, progress };
    let measured = files.iter().enumerate().map(|(i, _)| task.measure(i)).collect::<Result<Vec<_>, _>>()?;
    let (measured, charts) = task.finish(measured)?;
    write(&task::report_page(&measured, charts, Comparison::WithFirst, Parts::All), output, existing)
}

/// `-o`, or the first input's name with another ending.
fn output(args: &ReportArgs, files: &[Input]) -> Result<Output, Failure> {
    match &args.outputs.output {
        Some(path) => Output::named(path),
        None => Ok(outputs::plan(&files[..1], &args.outputs, ".report.html", Existing::Refuse)?.remove(0)),
    }
}

/// What was read of all inputs.
struct Read {
    measured: Vec<MeasuredVersion>,
    charts: Vec<Chart>,
    /// Inputs that are not on the page, and why.
    failures: Vec<Failure>,
}

/// The inputs, ready for several passes.
struct Task<'a> {
    files: &'a [Input],
    opened: &'a [Rereadable<'a>],
    is_comparison: Comparison,
    progress: &'a Progress,
}

/// Measures every file on `-j` threads. Without `--fail-fast` a version that fails is left out; the first cannot be.
fn read_all(args: &ReportArgs, global: &Global, files: &[Input], progress: &Progress) -> Result<Read, Failure> {
    let opened = files.iter().map(|file| Rereadable::new(file, Passes::Several)).collect::<Result<Vec<_>, _>>()?;
    let task = Task { files, opened: &opened, is_comparison: args.comparison(), progress };
    let batch = Batch { command: "report", global, inputs: &args.inputs };
    let stop = AtomicBool::new(false);
    let outcomes: Vec<Option<Result<MeasuredVersion, Failure>>> = batch.thread_pool()?.install(|| {
        let measure = |i| {
            if stop.load(Ordering::Relaxed) {
                return None;
            }
            let outcome = task.measure(i);
            stop.fetch_or(outcome.is_err() && args.inputs.fail_fast, Ordering::Relaxed);
            Some(outcome)
        };
        (0..files.len()).into_par_iter().map(measure).collect()
    });
    let (mut measured, mut failures) = (Vec::new(), Vec::new());
    for (i, outcome) in outcomes.into_iter().flatten().enumerate() {
        match outcome {
            Ok(file) => measured.push(file),
            Err(failure) if args.inputs.fail_fast || i == 0 || files.len() == 1 => return Err(failure),
            Err(failure) => failures.push(failure),
        }
    }
    // A comparison of nothing is no comparison.
    match (failures.pop(), measured.len()) {
        (Some(failure), 1) if args.reference.is_some() => Err(failure),
        (last, _) => {
            failures.extend(last);
            let (measured, charts) = task.finish(measured)?;
            Ok(Read { measured, charts, failures })
        }
    }
}

impl Task<'_> {
    fn measure(&self, i: usize) -> Result<MeasuredVersion, Failure> {
        let is_compared = self.is_comparison == Comparison::WithFirst && i > 0;
        let reference = is_compared.then_some(&self.opened[0] as &dyn Reopen);
        let line = self.progress.file(i + 1, self.files.len(), &self.files[i].display());
        let room = DEFAULT_AUDIO_BYTES / self.files.len();
        let read = MeasuredVersion::read(&self.opened[i], reference, room, &line);
        read.map_err(|error| Failure::of(error, &self.files[i].path))
    }

    /// Makes all fit to be heard together, and draws what is beside the zoomable plots.
    fn finish(&self, mut measured: Vec<MeasuredVersion>) -> Result<(Vec<MeasuredVersion>, Vec<Chart>), Failure> {
        let (first, others) = measured.split_first_mut().expect("there is a first file");
        for (i, other) in others.iter_mut().enumerate() {
            other.fit_to(first).map_err(|error| Failure::compute(&self.files[i + 1].path, error))?;
        }
        let mut charts = task::report_charts(&measured);
        charts.extend(self.allocations()?);
        Ok((measured, charts))
    }

    /// Where the bits of `.sqn` files went, and what of their noise is masked.
    fn allocations(&self) -> Result<Vec<Chart>, Failure> {
        let coded = self.files.iter().filter(|file| plot::bits::is_coded(file));
        let (first, opened) = (&self.files[0], &self.opened[0]);
        let progress = self.progress.file(1, self.files.len(), &first.display());
        let chart = |file: &Input| {
            let has_original = self.is_comparison == Comparison::WithFirst && file != first;
            let original = has_original.then(|| Pcm::of(first, opened.clone(), &progress)).transpose()?;
            plot::bits::chart(file, original)
        };
        coded.map(chart).collect()
    }
}

impl ReportArgs {
    fn comparison(&self) -> Comparison {
        if self.reference.is_some() { Comparison::WithFirst } else { Comparison::None }
    }

    fn parts(&self) -> Parts {
        match (self.no_audio, self.listening_only) {
            (true, _) => Parts::WithoutAudio,
            (_, true) => Parts::ListeningOnly,
            _ => Parts::All,
        }
    }
}

fn names(files: &[Input]) -> Vec<String> {
    files.iter().map(Input::display).collect()
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
            file.flush().map_err(|error| failed(sqnr::Error::stream(error)))?;
            let file = file.into_inner().map_err(|error| failed(sqnr::Error::stream(error.into_error())))?;
            file.commit().map_err(failed)
        }
    }
}

fn print_outcome(
    args: &ReportArgs,
    global: &Global,
    files: &[Input],
    output: &Output,
    warnings: Vec<String>,
) -> Result<(), Failure> {
    let names = names(files);
    if global.json {
        let reference = args.reference.as_ref().map(|path| display_path(path));
        let object = Map::from_iter([
            ("schema".to_owned(), super::batch::JSON_SCHEMA.into()),
            ("command".to_owned(), "report".into()),
            ("input".to_owned(), json!(names)),
            ("ref".to_owned(), json!(reference)),
            ("output".to_owned(), output.display().into()),
            ("warnings".to_owned(), warnings.into()),
        ]);
        stdio::print_line(&serde_json::Value::Object(object).to_string())?;
    } else if !global.quiet {
        stdio::note_line(&format!("{} -> {}", names.join(", "), output.display()));
    }
    Ok(())
}
