//! Reads the golden signals and figures.

use std::path::PathBuf;

use serde_json::Value;

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("testdata/golden/analysis").join(name)
}

pub fn json(name: &str) -> Value {
    let text = std::fs::read_to_string(path(name)).expect("golden file");
    serde_json::from_str(&text).expect("golden files are JSON")
}

/// Samples and rate of a golden signal.
pub fn signal(name: &str) -> (Vec<f64>, f64) {
    let meta = &json("signals.json")[name];
    let file = meta["file"].as_str().expect("file name").to_owned();
    let samples = if file.ends_with(".npy") { npy(&file) } else { wav(&file) };
    (samples, meta["fs"].as_f64().expect("rate"))
}

/// One-dimensional little-endian f64 array: magic, version, header length, header, data.
fn npy(file: &str) -> Vec<f64> {
    let bytes = std::fs::read(path(file)).expect("golden signal");
    let header = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    assert!(String::from_utf8_lossy(&bytes[10..10 + header]).contains("'<f8'"));
    bytes[10 + header..].as_chunks::<8>().0.iter().map(|b| f64::from_le_bytes(*b)).collect()
}

fn wav(file: &str) -> Vec<f64> {
    let mut reader = hound::WavReader::open(path(file)).expect("golden signal");
    let scale = 2f64.powi(1 - i32::from(reader.spec().bits_per_sample));
    reader.samples::<i32>().map(|s| f64::from(s.expect("whole file")) * scale).collect()
}

/// A number of the golden files; some are strings when not finite.
pub fn number(value: &Value) -> Option<f64> {
    value.as_f64().filter(|v| v.is_finite())
}
