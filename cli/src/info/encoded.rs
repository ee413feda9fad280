//! `info` of an `.sqn` file: header, groups, rate over time. Heads are read, nothing is decoded.

use std::{
    fmt::Write as _,
    fs::File,
    io::{BufReader, Read as _},
};

use serde_json::{Map, Value, json};

use sqnr::codec::{BandQuantizer, Contents, GroupEntry, Header, MAGIC};

use super::{
    super::{
        batch::FileReport,
        exit::{Failure, escape_controls},
        inputs::Input,
        units,
    },
    channels,
};

/// What an `.sqn` file holds; none for other files, and for pipes, which cannot be walked through.
pub fn contents(input: &Input) -> Result<Option<Contents>, Failure> {
    let mut head = [0; 4];
    let is_file = std::fs::metadata(&input.path).is_ok_and(|meta| meta.is_file());
    match File::open(&input.path).and_then(|mut file| file.read_exact(&mut head).map(|()| file)) {
        Ok(file) if is_file && head == MAGIC => {
            let contents = Contents::read(BufReader::new(file)).map_err(|error| Failure::input(&input.path, error))?;
            Ok(Some(contents))
        }
        // whoever opens it next says what is wrong
        _ => Ok(None),
    }
}

/// The report of an `.sqn` file; what is wrong with it becomes warnings.
pub fn report(contents: &Contents) -> FileReport {
    FileReport {
        table: Some(table(contents)),
        json: json(contents),
        warnings: contents.faults.clone(),
        ..FileReport::default()
    }
}

/// Name of a band quantizer on the command line.
fn quantizer_name(quantizer: BandQuantizer) -> &'static str {
    match quantizer {
        BandQuantizer::Uniform => "uniform",
        BandQuantizer::PowerLaw => "power-law",
        BandQuantizer::LloydMax => "lloyd-max",
        BandQuantizer::Trellis => "trellis",
    }
}

fn table(contents: &Contents) -> String {
    let header = &contents.header;
    let n = header.superframe_samples();
    let ms = 1e3 * n as f64 / f64::from(header.sample_rate_hz);
    let mut rows = vec![
        ("format", "SQN, transform codec".to_owned()),
        ("sample rate", format!("{} Hz", header.sample_rate_hz)),
        ("channels", channels(header.channels.into(), Some(header.channel_mask).filter(|&mask| mask != 0))),
        ("length", length(contents)),
        ("size", units::bytes(contents.file_bytes)),
        ("bit rate", format!("{:.1} kbit/s", contents.bitrate_kbps())),
        ("quantizer", quantizer(header)),
        ("noise target", format!("{:.2} dB", header.target_db)),
        ("original", if header.bits == 0 { "depth not stated".into() } else { format!("{} bits", header.bits) }),
        ("superframe", format!("{n} samples, {ms:.1} ms; blocks of {n} to {}", n >> Contents::BLOCK_DEPTHS)),
        ("groups", groups(contents)),
    ];
    rows.extend(rate_over_time(contents).map(|rate| ("rate", rate)));
    rows.extend(header.tags.iter().map(|(key, value)| ("", format!("{key}: {value}"))));
    let mut table = String::new();
    for (label, value) in rows {
        let _ = writeln!(table, "{label:<12} {}", escape_controls(&value));
    }
    table
}

fn length(contents: &Contents) -> String {
    let text = format!("{} ({} samples per channel)", units::duration(contents.duration_s()), contents.samples());
    match contents.header.samples {
        Some(_) => text,
        None => text + ", not stated in the header",
    }
}

fn quantizer(header: &Header) -> String {
    let noise = if header.has_noise { "noise in place of zeros" } else { "no noise filling" };
    let name = quantizer_name(header.band_quantizer);
    match header.fine_gain {
        0 => format!("{name}, {noise}"),
        _ => format!("{name}, {noise}, gain {:.2} dB", 20.0 * header.gain().log10()),
    }
}

fn groups(contents: &Contents) -> String {
    let header = &contents.header;
    let full_s = header.group_samples() as f64 / f64::from(header.sample_rate_hz);
    let superframes = header.group_superframes;
    let index = if contents.end_bytes > 0 { format!("index {} bytes", contents.end_bytes) } else { "no index".into() };
    let n = contents.groups.len();
    format!("{n} of {superframes} superframes ({full_s:.2} s); header {} bytes, {index}", contents.header_bytes)
}

/// Bars of the rate over time: one to eight eighths of a line.
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// Most bars in a line.
const MOST_BARS: usize = 48;

/// `62.1 to 140.2 kbit/s` and a bar for each stretch of groups; none for an empty file.
fn rate_over_time(contents: &Contents) -> Option<String> {
    let per_bar = contents.groups.len().div_ceil(MOST_BARS).max(1);
    let rate_hz = f64::from(contents.header.sample_rate_hz);
    let kbps = |groups: &[GroupEntry]| {
        let bytes: u64 = groups.iter().map(|group| group.bytes).sum();
        let samples: u64 = groups.iter().map(|group| u64::from(group.samples)).sum();
        bytes as f64 * 0.008 * rate_hz / samples as f64
    };
    let rates: Vec<f64> = contents.groups.chunks(per_bar).map(kbps).collect();
    let least = rates.iter().copied().reduce(f64::min)?;
    let most = rates.iter().copied().reduce(f64::max)?;
    let bar = |rate: &f64| BARS[((rate / most * BARS.len() as f64).ceil() as usize).clamp(1, BARS.len()) - 1];
    let bars: String = rates.iter().map(bar).collect();
    Some(format!("{least:.1} to {most:.1} kbit/s  {bars}"))
}

fn json(contents: &Contents) -> Map<String, Value> {
    let header = &contents.header;
    let tags: Map<String, Value> = header.tags.iter().map(|(key, value)| (key.clone(), value.clone().into())).collect();
    let Value::Object(object) = json!({
        "container": "SQN",
        "codec": "SQN transform codec",
        "sample_rate_hz": header.sample_rate_hz,
        "channels": header.channels,
        "channel_mask": Some(header.channel_mask).filter(|&mask| mask != 0),
        "samples": contents.samples(),
        "samples_stated": header.samples,
        "duration_s": contents.duration_s(),
        "bytes": contents.file_bytes,
        "bitrate_kbps": contents.bitrate_kbps(),
        "bits": Some(header.bits).filter(|&bits| bits != 0),
        "band_quantizer": quantizer_name(header.band_quantizer),
        "noise_filling": header.has_noise,
        "fine_gain": header.fine_gain,
        "noise_target_db": header.target_db,
        "superframe_samples": header.superframe_samples(),
        "group_superframes": header.group_superframes,
        "header_bytes": contents.header_bytes,
        "end_bytes": contents.end_bytes,
        "whole": contents.faults.is_empty(),
        "groups": groups_json(contents),
        "tags": tags,
    }) else {
        unreachable!("the literal is an object")
    };
    object
}

fn groups_json(contents: &Contents) -> Vec<Value> {
    let mut start = 0;
    let mut group_json = |group: &GroupEntry| {
        let start_s = start as f64 / f64::from(contents.header.sample_rate_hz);
        start += u64::from(group.samples);
        json!({
            "start_s": start_s,
            "samples": group.samples,
            "at_byte": group.at_byte,
            "bytes": group.bytes,
            "bitrate_kbps": contents.group_kbps(group),
        })
    };
    contents.groups.iter().map(&mut group_json).collect()
}
