//! `info`: what a file says of itself. Nothing is decoded but the first seconds, to see which bits are really used.

pub mod encoded;

use std::fmt::Write as _;

use clap::Args;
use serde_json::{Map, Value, json};

use sqnr::{
    audio_file::{Info, Source},
    task::{self, UsedBits},
    wav::ChunkEntry,
};

use super::{
    batch::{Batch, FileReport},
    exit::{Exit, Failure, escape_controls},
    inputs::{self, Input},
    options::{Global, Inputs},
    source, units,
};

/// Shown at the end of `sqnr info --help`; a test runs each line.
const EXAMPLES: &str = "\
Examples:
  sqnr info song.wav
  sqnr info tune.sqn
  sqnr info --json song.wav speech.wav
  sqnr info -R .";

/// Show format, length, chunks, metadata, and the bits really used
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct InfoArgs {
    #[command(flatten)]
    inputs: Inputs,
}

/// Runs `info`.
pub fn run(args: &InfoArgs, global: &Global) -> Result<Exit, Failure> {
    let inputs = inputs::collect(&args.inputs)?;
    let batch = Batch { command: "info", global, inputs: &args.inputs };
    batch.measure(inputs, |input, _| one_file(input))
}

fn one_file(input: &Input) -> Result<FileReport, Failure> {
    if let Some(contents) = encoded::contents(input)? {
        return Ok(encoded::report(&contents));
    }
    let mut source = source::open(input)?.named(input.display());
    let info = source.info().clone();
    let used = task::used_bits(&mut source).map_err(|error| Failure::of(error, &input.path))?;
    let bytes = input.size();
    let facts = Facts { info: &info, used: used.as_ref(), bytes, source: &source };
    Ok(FileReport {
        table: Some(facts.table()),
        json: facts.json(),
        warnings: source.warnings().to_vec(),
        ..FileReport::default()
    })
}

/// Everything known about one file.
struct Facts<'a> {
    info: &'a Info,
    used: Option<&'a UsedBits>,
    bytes: Option<u64>,
    source: &'a Source<'static>,
}

impl Facts<'_> {
    fn duration_s(&self) -> Option<f64> {
        self.info.n_frames.map(|n| n as f64 / f64::from(self.info.spec.sample_rate_hz))
    }

    fn bitrate_kbps(&self) -> Option<f64> {
        let duration_s = self.duration_s().filter(|&s| s > 0.0)?;
        Some(self.bytes? as f64 * 8.0 / duration_s / 1e3)
    }

    fn table(&self) -> String {
        let spec = &self.info.spec;
        let mut rows = vec![
            ("format", format!("{}, {}", self.info.container, self.info.codec)),
            ("samples", spec.sample_format.to_string()),
            ("sample rate", format!("{} Hz", spec.sample_rate_hz)),
            ("channels", channels(spec.channels, spec.channel_mask)),
            ("length", self.length()),
        ];
        if let Some(bytes) = self.bytes {
            rows.push(("size", units::bytes(bytes)));
        }
        if let Some(rate) = self.bitrate_kbps() {
            rows.push(("bit rate", format!("{rate:.1} kbit/s")));
        }
        if let Some(used) = self.used {
            let seconds = used.n_frames as f64 / f64::from(spec.sample_rate_hz);
            rows.push((
                "bits used",
                format!("{} of {} in the first {seconds:.1} s", used.bits, spec.sample_format.valid_bits()),
            ));
        }
        for (code, text) in self.source.metadata().info_texts() {
            rows.push(("", format!("{}: {}", String::from_utf8_lossy(&code), text)));
        }
        let chunks = self.source.chunks();
        if !chunks.is_empty() {
            rows.push(("chunks", chunks.iter().map(chunk).collect::<Vec<_>>().join(", ")));
        }
        let mut table = String::new();
        for (label, value) in rows {
            let _ = writeln!(table, "{label:<12} {}", escape_controls(&value));
        }
        table
    }

    fn length(&self) -> String {
        match (self.info.n_frames, self.duration_s()) {
            (Some(n), Some(s)) => format!("{} ({n} samples per channel)", units::duration(s)),
            _ => "not known before the end".into(),
        }
    }

    fn json(&self) -> Map<String, Value> {
        let spec = &self.info.spec;
        let tags: Map<String, Value> = self
            .source
            .metadata()
            .info_texts()
            .into_iter()
            .map(|(code, text)| (String::from_utf8_lossy(&code).into_owned(), text.into()))
            .collect();
        let chunks: Vec<Value> = self
            .source
            .chunks()
            .iter()
            .map(|c| json!({"id": name(c), "at_byte": c.at_byte, "bytes": c.n_bytes}))
            .collect();
        let Value::Object(object) = json!({
            "container": self.info.container,
            "codec": self.info.codec,
            "sample_format": spec.sample_format.to_string(),
            "bits": spec.sample_format.valid_bits(),
            "container_bits": spec.sample_format.container_bits(),
            "sample_rate_hz": spec.sample_rate_hz,
            "channels": spec.channels,
            "channel_mask": spec.channel_mask,
            "samples": self.info.n_frames,
            "duration_s": self.duration_s(),
            "bytes": self.bytes,
            "bitrate_kbps": self.bitrate_kbps(),
            "bits_used": self.used.map(|used| used.bits),
            "bits_used_samples": self.used.map(|used| used.n_frames),
            "tags": tags,
            "chunks": chunks,
        }) else {
            unreachable!("the literal is an object")
        };
        object
    }
}

/// `fmt 16, data 88200`.
fn chunk(entry: &ChunkEntry) -> String {
    format!("{} {}", name(entry), entry.n_bytes)
}

/// The four-character code without the blanks that fill it.
fn name(entry: &ChunkEntry) -> String {
    String::from_utf8_lossy(&entry.id).trim_end().to_owned()
}

/// `2 (front left, front right)`.
pub fn channels(n: u16, mask: Option<u32>) -> String {
    match mask {
        Some(mask) => format!("{n} ({})", positions(mask).join(", ")),
        None => n.to_string(),
    }
}

/// Loudspeaker positions in the order of WAVEFORMATEXTENSIBLE `dwChannelMask`.
fn positions(mask: u32) -> Vec<&'static str> {
    const POSITIONS: [&str; 18] = [
        "front left",
        "front right",
        "front centre",
        "low frequency",
        "back left",
        "back right",
        "front left of centre",
        "front right of centre",
        "back centre",
        "side left",
        "side right",
        "top centre",
        "top front left",
        "top front centre",
        "top front right",
        "top back left",
        "top back centre",
        "top back right",
    ];
    POSITIONS.iter().enumerate().filter(|(bit, _)| mask >> bit & 1 == 1).map(|(_, name)| *name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_is_spelled_out() {
        assert_eq!(channels(2, Some(3)), "2 (front left, front right)");
        assert_eq!(channels(3, None), "3");
    }
}
