//! The numbers that the page's scripts draw, as JSON.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::audio::Excerpt;
use super::heat;
use super::{Page, Version};
use crate::Signal;
use crate::analysis::spectrum::PowerSpectrum;
use crate::report::escape::visible;
use crate::report::plot::document::base64;
use crate::report::plot::least_and_greatest;

/// Columns of the waveform's overview.
const N_OVERVIEW: usize = 2400;

/// Writes the data element.
pub(super) fn write(page: &Page, excerpt: Option<&Excerpt>, out: &mut impl Write) -> io::Result<()> {
    let versions: Vec<Value> = page.versions.iter().map(|v| json!({ "name": visible(&v.name) })).collect();
    let value = json!({
        "schema": 1,
        "versions": versions,
        "audio": excerpt.map(|e| audio(page, e)),
        "overview": overview(&page.versions),
        "spectra": spectra(&page.versions),
        "heat": heat::data(page.shown_charts()),
    });
    // "<" could end the element early; as an escape it is the same JSON.
    let text = value.to_string().replace('<', "\\u003c");
    writeln!(out, "<script type=\"application/json\" id=\"data\">{text}</script>")
}

fn audio(page: &Page, excerpt: &Excerpt) -> Value {
    let signal = page.versions[0].signal;
    let rate = f64::from(signal.sample_rate_hz());
    json!({
        "format": excerpt.format.name(),
        "channels": signal.channels().len(),
        "rate": signal.sample_rate_hz(),
        "start_s": excerpt.frames.start as f64 / rate,
    })
}

/// Least and greatest sample over all channels in each stretch of time, of every version.
fn overview(versions: &[Version]) -> Value {
    let longest = versions.iter().map(|v| v.signal.len()).max().unwrap_or(0);
    let stretch = stretch(longest);
    let rate = f64::from(versions[0].signal.sample_rate_hz());
    let one = |v: &Version| {
        let (low, high) = extremes_over(v.signal, stretch);
        json!({ "low": low, "high": high })
    };
    let versions: Vec<Value> = versions.iter().map(one).collect();
    json!({ "column_s": stretch as f64 / rate, "versions": versions })
}

/// Samples in a column of the overview of `n` samples.
fn stretch(n: usize) -> usize {
    n.div_ceil(N_OVERVIEW).max(1)
}

/// The overview of a signal that is the longest of its page.
pub(super) fn extremes_of(signal: &Signal) -> (Vec<Value>, Vec<Value>) {
    extremes_over(signal, stretch(signal.len()))
}

fn extremes_over(signal: &Signal, stretch: usize) -> (Vec<Value>, Vec<Value>) {
    let ends = (0..signal.len()).step_by(stretch).map(|from| extremes(signal, from, stretch));
    ends.map(|(low, high)| (rounded(low, 1e5), rounded(high, 1e5))).unzip()
}

fn extremes(signal: &Signal, from: usize, n: usize) -> (f64, f64) {
    let to = (from + n).min(signal.len());
    let each = signal.channels().iter().map(|c| least_and_greatest(&c[from..to]));
    each.fold((f64::INFINITY, f64::NEG_INFINITY), |a, b| (a.0.min(b.0), a.1.max(b.1)))
}

/// Densities of all versions, and how far apart their lines are.
fn spectra(versions: &[Version]) -> Value {
    let Some(first) = versions.iter().find_map(|v| v.spectrum.or(v.error_spectrum)) else { return Value::Null };
    let n_lines = first.power().len();
    let alike = |spectrum: Option<&PowerSpectrum>| packed(spectrum.filter(|s| s.power().len() == n_lines));
    let signals: Vec<Value> = versions.iter().map(|v| alike(v.spectrum)).collect();
    let errors: Vec<Value> = versions.iter().map(|v| alike(v.error_spectrum)).collect();
    let count = n_lines.saturating_sub(1);
    json!({ "spacing_hz": first.line_spacing_hz(), "count": count, "signals": signals, "errors": errors })
}

/// Densities from line 1 on, dBFS/Hz: DC has no place on a logarithmic axis. Null without a spectrum.
pub(super) fn densities(spectrum: Option<&PowerSpectrum>) -> Value {
    let Some(spectrum) = spectrum else { return Value::Null };
    let lines = 1..spectrum.power().len();
    lines.map(|k| rounded(spectrum.density_dbfs_per_hz(k), 100.0)).collect::<Vec<Value>>().into()
}

/// The same in hundredths of a dB as 16-bit integers in base64, a third of the text; the least integer for no level.
fn packed(spectrum: Option<&PowerSpectrum>) -> Value {
    let Some(spectrum) = spectrum else { return Value::Null };
    let code = |level: f64| match level.is_finite() {
        true => (level * 100.0).round().clamp(f64::from(-i16::MAX), f64::from(i16::MAX)) as i16,
        false => i16::MIN,
    };
    let lines = 1..spectrum.power().len();
    let bytes: Vec<u8> = lines.flat_map(|k| code(spectrum.density_dbfs_per_hz(k)).to_le_bytes()).collect();
    base64(&bytes).into()
}

/// `value` to one part in `parts`; null when it is no number.
fn rounded(value: f64, parts: f64) -> Value {
    if value.is_finite() { json!((value * parts).round() / parts) } else { Value::Null }
}
