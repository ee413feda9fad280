//! One command over many inputs: threads, order of what is printed, totals, the greatest exit code.

use std::{
    collections::{BTreeMap, HashMap},
    panic::{self, AssertUnwindSafe},
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use rayon::prelude::*;
use serde_json::{Map, Value};

use super::{
    exit::{Exit, Failure, escape_controls},
    identity::Identity,
    inputs::Input,
    notes,
    options::{Global, Inputs, Outputs},
    outputs::{self, Clearance, Existing, Output},
    progress::{FileProgress, Progress},
    stdio,
};

/// Version of the JSON objects; it grows when the meaning of a key changes.
pub const JSON_SCHEMA: u32 = 1;

/// One input and, for commands that write, its output.
#[derive(Debug, Clone)]
pub struct Job {
    pub input: Input,
    pub output: Option<Output>,
}

/// An input and where its result goes, cleared for writing.
#[derive(Debug, Clone, Copy)]
pub struct Conversion<'a> {
    pub input: &'a Input,
    pub output: &'a Output,
    pub existing: Existing,
}

/// What a command has to say about one input.
#[derive(Debug, Default)]
pub struct FileReport {
    /// The result, for standard output.
    pub table: Option<String>,
    /// What was done, one line for standard error.
    pub line: Option<String>,
    /// The result for machines; `schema`, `command`, `input` are added.
    pub json: Map<String, Value>,
    /// Things the user should know, a line each.
    pub warnings: Vec<String>,
    /// Checks that failed (`--fail-under`, damage found), a line each.
    pub failed_checks: Vec<String>,
    /// True when there was nothing to do.
    pub skipped: bool,
    /// Bytes read and written, for the totals.
    pub bytes: Option<(u64, u64)>,
}

impl FileReport {
    /// Of a file whose output is there already and is to be left.
    pub fn skipped(input: &Input, output: &Output) -> Self {
        let line = format!("{}: skipped, {} exists", input.display(), output.display());
        Self { line: Some(line), skipped: true, ..Self::default() }
    }

    /// Of a file that an earlier run made of another input.
    fn result_of(input: &Input, source: &str) -> Self {
        let line = format!("{}: skipped, it is the output of {source}", input.display());
        Self { line: Some(line), skipped: true, ..Self::default() }
    }
}

/// A command's run over its inputs.
pub struct Batch<'a> {
    pub command: &'static str,
    pub global: &'a Global,
    pub inputs: &'a Inputs,
}

impl Batch<'_> {
    /// Runs `work` on every input and its output, but for outputs that exist and are to be left; folders named with
    /// `-O` are made.
    ///
    /// - `planned`: one output for each input, as [`outputs::plan`] gives them
    pub fn convert<F>(
        &self,
        inputs: Vec<Input>,
        planned: Vec<Output>,
        options: &Outputs,
        work: F,
    ) -> Result<Exit, Failure>
    where
        F: Fn(Conversion, &FileProgress) -> Result<FileReport, Failure> + Sync,
    {
        let existing = Existing::of(self.global);
        let pair = |(input, output)| Job { input, output: Some(output) };
        let jobs: Vec<Job> = inputs.into_iter().zip(planned).map(pair).collect();
        let results = if existing == Existing::Skip { results(&jobs) } else { HashMap::new() };
        self.run(&jobs, |job, progress| {
            let (input, output) = (&job.input, job.output.as_ref().expect("every job was given an output"));
            if let Some(source) = Identity::of(&input.path).and_then(|identity| results.get(&identity)) {
                return Ok(FileReport::result_of(input, source));
            }
            if outputs::clearance(output, existing)? == Clearance::Skip {
                return Ok(FileReport::skipped(input, output));
            }
            outputs::make_folder(output, options)?;
            work(Conversion { input, output, existing }, progress)
        })
    }

    /// Runs `work` on every input of a command that writes no files.
    pub fn measure<F>(&self, inputs: Vec<Input>, work: F) -> Result<Exit, Failure>
    where
        F: Fn(&Input, &FileProgress) -> Result<FileReport, Failure> + Sync,
    {
        let jobs: Vec<Job> = inputs.into_iter().map(|input| Job { input, output: None }).collect();
        self.run(&jobs, |job, progress| work(&job.input, progress))
    }

    /// Runs `work` on every job on `-j` threads, prints in the order of the jobs, and returns the greatest exit code.
    pub fn run<F>(&self, jobs: &[Job], work: F) -> Result<Exit, Failure>
    where
        F: Fn(&Job, &FileProgress) -> Result<FileReport, Failure> + Sync,
    {
        if jobs.iter().any(|job| job.output == Some(Output::Stdout)) && self.global.json {
            return Err(Failure::usage("standard output carries the audio; use -o FILE with --json"));
        }
        if self.inputs.dry_run {
            return self.dry_run(jobs);
        }
        let progress = Progress::new(self.global);
        let printer = Printer::new(self, &progress, jobs);
        let stop = AtomicBool::new(false);
        let started = Instant::now();
        self.thread_pool()?.install(|| {
            jobs.par_iter().enumerate().for_each(|(i, job)| {
                if stop.load(Ordering::Relaxed) {
                    return printer.take(i, None);
                }
                let file_progress = progress.file(i + 1, jobs.len(), &job.input.display());
                let outcome = contained(job, || work(job, &file_progress));
                if outcome.is_err() && self.inputs.fail_fast {
                    stop.store(true, Ordering::Relaxed);
                }
                printer.take(i, Some(outcome));
            });
        });
        printer.finish(started)
    }

    /// The `-j` threads.
    pub fn thread_pool(&self) -> Result<rayon::ThreadPool, Failure> {
        let n_threads = self.inputs.jobs.map_or(0, usize::from);
        rayon::ThreadPoolBuilder::new()
            .num_threads(n_threads)
            .build()
            .map_err(|error| Failure::usage(format!("threads could not be started: {error}; try -j 1")))
    }

    fn dry_run(&self, jobs: &[Job]) -> Result<Exit, Failure> {
        for job in jobs {
            let arrow = job.output.as_ref().map_or_else(String::new, |output| format!(" -> {}", output.display()));
            stdio::print_line(&format!("{} {}{arrow}", self.command, job.input.display()))?;
        }
        Ok(Exit::Done)
    }
}

/// The outputs that are there already, and the inputs that they were made of.
fn results(jobs: &[Job]) -> HashMap<Identity, String> {
    let result = |job: &Job| match &job.output {
        Some(Output::File(path)) => Identity::of(path).map(|identity| (identity, job.input.display())),
        _ => None,
    };
    jobs.iter().filter_map(result).collect()
}

/// Runs `work` so that one input cannot end the run: one that the walk could not take fails, and so does one on which a
/// library panics.
fn contained(job: &Job, work: impl FnOnce() -> Result<FileReport, Failure>) -> Result<FileReport, Failure> {
    if let Some(obstacle) = &job.input.obstacle {
        return Err(Failure::input(&job.input.path, obstacle.clone()));
    }
    panic::catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        let what = "an internal error; the file may be damaged in a way that nobody has met yet, please report it";
        Err(Failure::input(&job.input.path, what))
    })
}

/// Prints reports in the order of the jobs, whatever the order they end in.
struct Printer<'a> {
    batch: &'a Batch<'a>,
    progress: &'a Progress,
    jobs: &'a [Job],
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    next: usize,
    waiting: BTreeMap<usize, Option<Result<FileReport, Failure>>>,
    done: usize,
    skipped: usize,
    warned: usize,
    failed: Vec<String>,
    bytes: (u64, u64),
    exit: Option<Exit>,
    broken: Option<Failure>,
}

impl<'a> Printer<'a> {
    fn new(batch: &'a Batch<'a>, progress: &'a Progress, jobs: &'a [Job]) -> Self {
        Self { batch, progress, jobs, state: Mutex::default() }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Takes the outcome of job `i` (none: it was not run) and prints all that is ready in order.
    fn take(&self, i: usize, outcome: Option<Result<FileReport, Failure>>) {
        let mut state = self.lock();
        state.waiting.insert(i, outcome);
        loop {
            let next = state.next;
            let Some(outcome) = state.waiting.remove(&next) else { return };
            state.next += 1;
            match outcome {
                Some(Ok(report)) => self.report(&mut state, &self.jobs[next], report),
                Some(Err(failure)) => self.failure(&mut state, &self.jobs[next], &failure),
                None => {}
            }
        }
    }

    fn report(&self, state: &mut State, job: &Job, mut report: FileReport) {
        let noted = notes::take(&job.input.display());
        let new: Vec<String> = noted.into_iter().filter(|note| !report.warnings.contains(note)).collect();
        report.warnings.extend(new);
        state.done += usize::from(!report.skipped);
        state.skipped += usize::from(report.skipped);
        state.warned += usize::from(!report.warnings.is_empty());
        if let Some((read, written)) = report.bytes {
            state.bytes = (state.bytes.0 + read, state.bytes.1 + written);
        }
        let exit = if report.failed_checks.is_empty() { Exit::Done } else { Exit::CheckFailed };
        state.exit = state.exit.max(Some(exit));
        for warning in &report.warnings {
            let warning = escape_controls(warning);
            self.progress.note_line(&format!("sqnr: {}: warning: {warning}", job.input.display()));
        }
        if let (Some(line), false) = (&report.line, self.batch.global.quiet) {
            self.progress.note_line(line);
        }
        let printed = if self.batch.global.json {
            stdio::print_line(&self.json(job, &report).to_string())
        } else {
            report.table.as_deref().map_or(Ok(()), |table| self.table(table, job))
        };
        for check in &report.failed_checks {
            self.progress.note_line(&format!("sqnr: {}: {check}", job.input.display()));
        }
        state.broken = state.broken.take().or(printed.err());
    }

    fn table(&self, table: &str, job: &Job) -> Result<(), Failure> {
        if self.jobs.len() > 1 {
            stdio::print_line(&format!("== {} ==", job.input.display()))?;
        }
        stdio::print_bytes(table.as_bytes())
    }

    fn json(&self, job: &Job, report: &FileReport) -> Value {
        let mut object = self.json_head(job);
        if let Some(output) = &job.output {
            object.insert("output".into(), output.display().into());
        }
        object.extend(report.json.clone());
        object.insert("skipped".into(), report.skipped.into());
        object.insert("failed_checks".into(), report.failed_checks.clone().into());
        object.insert("warnings".into(), report.warnings.clone().into());
        Value::Object(object)
    }

    fn json_head(&self, job: &Job) -> Map<String, Value> {
        Map::from_iter([
            ("schema".to_owned(), JSON_SCHEMA.into()),
            ("command".to_owned(), self.batch.command.into()),
            ("input".to_owned(), job.input.path.to_string_lossy().into_owned().into()),
        ])
    }

    fn failure(&self, state: &mut State, job: &Job, failure: &Failure) {
        state.exit = state.exit.max(Some(failure.exit));
        state.failed.push(job.input.display());
        let message = escape_controls(&failure.to_string());
        self.progress.note_line(&format!("sqnr: {message}"));
        if self.batch.global.json {
            let mut object = self.json_head(job);
            object.insert("error".into(), message.into());
            object.insert("exit_code".into(), (failure.exit as u8).into());
            state.broken = state.broken.take().or(stdio::print_line(&Value::Object(object).to_string()).err());
        }
    }

    /// The totals of a run over many files, and its exit code.
    fn finish(&self, started: Instant) -> Result<Exit, Failure> {
        let mut state = self.lock();
        if let Some(failure) = state.broken.take() {
            return Err(failure);
        }
        // Of files that are inputs of no job, such as a reference.
        for note in notes::take_all() {
            self.progress.note_line(&format!("sqnr: warning: {}", escape_controls(&note)));
        }
        if self.jobs.len() > 1 && !self.batch.global.quiet {
            self.progress.note_line(&totals(&state, self.jobs.len(), started.elapsed().as_secs_f64()));
        }
        Ok(state.exit.unwrap_or(Exit::Done))
    }
}

fn totals(state: &State, n_jobs: usize, seconds: f64) -> String {
    let mut text = format!("{} of {n_jobs} files done", state.done);
    if state.bytes != (0, 0) {
        let (read, written) = (super::units::bytes(state.bytes.0), super::units::bytes(state.bytes.1));
        text += &format!(", {read} -> {written}");
    }
    text += &format!(", {seconds:.2} s");
    match state.skipped {
        0 => {}
        n if n == n_jobs => text += "; nothing to do, every output exists",
        n => text += &format!("; {n} skipped, their outputs exist"),
    }
    if state.warned > 0 {
        text += &format!("; {} with warnings", state.warned);
    }
    if !state.failed.is_empty() {
        text += &format!("; {} failed: {}", state.failed.len(), state.failed.join(", "));
    }
    text
}

/// The recipe that uses the design in a file, as JSON.
pub fn json_recipe_of_design(output: &Output) -> Value {
    match output {
        Output::File(path) => json_recipe(&sqnr::recipe::Recipe::new(sqnr::recipe::Method::File(path.clone()))),
        Output::Stdout => Value::Null,
    }
}

/// A recipe as JSON, as `quantize --recipe` takes it back.
pub fn json_recipe(recipe: &sqnr::recipe::Recipe) -> Value {
    serde_json::to_value(recipe).expect("a recipe is a map of words and numbers")
}

/// The JSON object of something that serialises as one.
pub fn json_object<T: serde::Serialize>(value: &T) -> Map<String, Value> {
    match serde_json::to_value(value) {
        Ok(Value::Object(object)) => object,
        other => unreachable!("figures serialise as an object, not as {other:?}"),
    }
}
