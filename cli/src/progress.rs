//! The progress line: `[3/12] song.wav  61%  412x  ETA 0:04`, shown when a person waits for longer than half a second.

use std::{
    io::{self, IsTerminal},
    sync::OnceLock,
    time::{Duration, Instant},
};

use indicatif::{MultiProgress, ProgressBar, ProgressState, ProgressStyle};

use super::options::Global;

/// How long a run stays silent.
const PATIENCE: Duration = Duration::from_millis(500);

/// The progress lines of a whole run.
pub struct Progress {
    lines: MultiProgress,
    started: Instant,
    wanted: bool,
}

impl Progress {
    /// Progress as the options and the terminal allow.
    pub fn new(global: &Global) -> Self {
        let wanted = !global.no_progress && !global.quiet && io::stderr().is_terminal();
        Self { lines: MultiProgress::new(), started: Instant::now(), wanted }
    }

    /// The line of file `number` of `total`, counted from 1.
    pub fn file(&self, number: usize, total: usize, name: &str) -> FileProgress<'_> {
        FileProgress { run: self, label: format!("[{number}/{total}] {name}"), bar: OnceLock::new() }
    }

    /// Prints `text` on standard error without breaking a progress line.
    pub fn note_line(&self, text: &str) {
        self.lines.suspend(|| super::stdio::note_line(text));
    }
}

/// The progress of one file.
pub struct FileProgress<'a> {
    run: &'a Progress,
    label: String,
    bar: OnceLock<ProgressBar>,
}

impl FileProgress<'_> {
    /// Says that `done` of `total` frames (samples per channel) at `sample_rate_hz` are done; `total` may be unknown.
    pub fn at(&self, done: u64, total: Option<u64>, sample_rate_hz: u32) {
        if !self.run.wanted || self.run.started.elapsed() < PATIENCE {
            return;
        }
        let bar = self.bar.get_or_init(|| self.run.lines.add(new_bar(self.label.clone(), total, sample_rate_hz)));
        bar.set_position(done);
    }
}

impl sqnr::Progress for FileProgress<'_> {
    fn at(&self, done: u64, total: Option<u64>, sample_rate_hz: u32) {
        FileProgress::at(self, done, total, sample_rate_hz);
    }
}

impl Drop for FileProgress<'_> {
    fn drop(&mut self) {
        if let Some(bar) = self.bar.get() {
            bar.finish_and_clear();
        }
    }
}

fn new_bar(label: String, total: Option<u64>, sample_rate_hz: u32) -> ProgressBar {
    let template = match total {
        Some(_) => "{msg}  {percent}%  {speed}  ETA {left}",
        None => "{msg}  {speed}",
    };
    let speed = move |state: &ProgressState, out: &mut dyn std::fmt::Write| {
        let _ = write!(out, "{:.0}x", state.per_sec() / f64::from(sample_rate_hz));
    };
    let left = |state: &ProgressState, out: &mut dyn std::fmt::Write| {
        let seconds = state.eta().as_secs();
        let _ = write!(out, "{}:{:02}", seconds / 60, seconds % 60);
    };
    let style = ProgressStyle::with_template(template).expect("the template is a constant that parses");
    let bar = total.map_or_else(ProgressBar::no_length, ProgressBar::new);
    bar.with_style(style.with_key("speed", speed).with_key("left", left)).with_message(label)
}
