//! The page while a program listens behind it: knobs, and the form in which a new result comes.
//!
//! ```text
//! knob turned -> POST result, {"bits": 6, ...} -> JSON (figures, spectra, overview) + PCM -> plots, table, player
//! ```
//!
//! A result is the length of its JSON (4 bytes, little-endian), the JSON, filled up with spaces to a multiple of 4 bytes,
//! and the samples: 32-bit floats, little-endian, channel after channel.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::{Version, data};
use crate::analysis::Entry;
use crate::report::escape::{escaped, visible};

/// Knobs, and the pages of other inputs.
#[derive(Debug, Clone)]
pub struct Live {
    /// In the order in which they stand.
    pub knobs: Vec<Knob>,
    /// Name and relative address of each input's page.
    pub pages: Vec<(String, String)>,
}

/// Something to set.
#[derive(Debug, Clone)]
pub struct Knob {
    /// Its name in the question.
    pub key: &'static str,
    /// Its name on the page.
    pub label: &'static str,
    /// What it offers.
    pub form: Form,
    /// Values of the first knob for which this one means something; empty for all.
    pub only_for: &'static [&'static str],
}

/// How a knob looks and what it gives.
#[derive(Debug, Clone)]
pub enum Form {
    /// One of several words; the first is chosen.
    Choice(&'static [&'static str]),
    /// A number.
    Range {
        /// Least, greatest, step, and the value at the start.
        least: f64,
        /// Greatest value.
        greatest: f64,
        /// Distance between values.
        step: f64,
        /// Value at the start.
        value: f64,
    },
}

/// A result that answers the knobs.
#[derive(Debug, Clone)]
pub struct Update<'a> {
    /// The version that replaces the second one.
    pub version: Version<'a>,
    /// One sentence: what was done, its SNR, how long it took.
    pub status: String,
    /// The command line that does the same.
    pub command: String,
}

impl Update<'_> {
    /// The result as the page's script reads it.
    pub fn to_bytes(&self) -> Vec<u8> {
        let signal = self.version.signal;
        let (low, high) = data::extremes_of(signal);
        let mut json = json!({
            "name": visible(&self.version.name),
            "status": visible(&self.status),
            "command": visible(&self.command),
            "figures": self.version.figures.iter().map(figure).collect::<Vec<Value>>(),
            "signal": data::densities(self.version.spectrum),
            "error": data::densities(self.version.error_spectrum),
            "low": low,
            "high": high,
            "channels": signal.channels().len(),
            "frames": signal.len(),
        })
        .to_string();
        json.push_str(&" ".repeat(json.len().next_multiple_of(4) - json.len()));
        let n_samples = signal.channels().len() * signal.len();
        let mut bytes = Vec::with_capacity(4 + json.len() + 4 * n_samples);
        bytes.extend_from_slice(&u32::try_from(json.len()).expect("spectra take kilobytes").to_le_bytes());
        bytes.extend_from_slice(json.as_bytes());
        for x in signal.channels().iter().flatten() {
            bytes.extend_from_slice(&(*x as f32).to_le_bytes());
        }
        bytes
    }
}

fn figure(entry: &Entry) -> Value {
    let value = entry.figure.ok().filter(|v| v.is_finite());
    json!({ "key": entry.key, "text": super::figures::figure_text(entry), "value": value })
}

/// The knobs, and links to the other inputs.
pub(super) fn write_knobs(live: &Live, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "<section id=\"live\" aria-labelledby=\"live-title\">\n<h2 id=\"live-title\">Quantizer</h2>")?;
    if live.pages.len() > 1 {
        writeln!(out, "<nav class=\"row\" aria-label=\"Inputs\">")?;
        for (name, address) in &live.pages {
            writeln!(out, "<a href=\"{}\">{}</a>", escaped(address), escaped(name))?;
        }
        writeln!(out, "</nav>")?;
    }
    writeln!(out, "<fieldset id=\"knobs\" class=\"row\"><legend>What the output is made by</legend>")?;
    live.knobs.iter().try_for_each(|knob| write_knob(knob, out))?;
    writeln!(
        out,
        "</fieldset>\n<p id=\"live-status\" role=\"status\"></p>\n<p class=\"muted\"><code id=\"live-command\"></code></p>\n</section>"
    )
}

fn write_knob(knob: &Knob, out: &mut impl Write) -> io::Result<()> {
    let Knob { key, label, form, only_for } = knob;
    write!(out, "<label data-for=\"{}\">{label} ", only_for.join(" "))?;
    match form {
        Form::Choice(words) => {
            write!(out, "<select id=\"knob-{key}\" data-knob=\"{key}\">")?;
            words.iter().try_for_each(|word| write!(out, "<option>{word}</option>"))?;
            write!(out, "</select>")?;
        }
        Form::Range { least, greatest, step, value } => write!(
            out,
            "<input type=\"range\" id=\"knob-{key}\" data-knob=\"{key}\" min=\"{least}\" max=\"{greatest}\" \
             step=\"{step}\" value=\"{value}\"><output>{value}</output>"
        )?,
    }
    writeln!(out, "</label>")
}
