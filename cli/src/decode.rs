//! `decode`: `.sqn` back to WAV.

use std::{
    fs::File,
    io::{self, BufReader, Read},
    sync::Arc,
    time::Instant,
};

use clap::Args;
use serde_json::{Map, Value, json};

use sqnr::{
    audio_file::tag_names,
    codec::{Damage, Decoder, Header, OnDamage},
    quantizer::Uniform,
    shaping::{Dither, Requantizer, RequantizerOptions},
    wav::{Metadata, SampleFormat, Spec},
};

use super::{
    batch::{Batch, Conversion, FileReport},
    choices::DitherChoice,
    exit::{Exit, Failure},
    inputs::{self, Input, Walked},
    options::{Global, Inputs, Outputs},
    outputs::{self, Existing, Output},
    progress::FileProgress,
    sink::WavSink,
    time_range::TimeRange,
    units,
};

/// Shown at the end of `sqnr decode --help`; a test runs each line.
const EXAMPLES: &str = "\
Examples:
  sqnr decode tune.sqn
  sqnr decode -b 24 tune.sqn -o studio.wav
  sqnr decode --range 0:00.1..0:00.2 tune.sqn -o part.wav";

/// Decode .sqn files to WAV
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct DecodeArgs {
    #[command(flatten)]
    inputs: Inputs,
    #[command(flatten)]
    outputs: Outputs,
    /// Bit depth of the WAV [default: that of the original, at most 24]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=32))]
    bits: Option<u32>,
    /// Noise added before rounding; auto is tpdf
    #[arg(short, long, default_value = "auto", value_name = "KIND")]
    dither: DitherChoice,
    /// Only from one time up to another, such as 1:00..2:00; either may be left out
    #[arg(long, value_name = "FROM..TO", value_parser = TimeRange::parse)]
    range: Option<TimeRange>,
    /// Play what is whole, conceal the rest, say where
    #[arg(long)]
    salvage: bool,
}

/// Runs `decode`.
pub fn run(args: &DecodeArgs, global: &Global) -> Result<Exit, Failure> {
    if args.dither == DitherChoice::Subtractive {
        return Err(Failure::usage("subtractive dither needs a decoder that takes it away again; use tpdf"));
    }
    let inputs = inputs::collect_of(&args.inputs, Walked::Encoded)?;
    let planned = outputs::plan(&inputs, &args.outputs, ".wav")?;
    let batch = Batch { command: "decode", global, inputs: &args.inputs };
    batch.convert(inputs, planned, &args.outputs, |files, progress| one_file(args, files, progress))
}

fn one_file(args: &DecodeArgs, files: Conversion, progress: &FileProgress) -> Result<FileReport, Failure> {
    let Conversion { input, output, existing } = files;
    let started = Instant::now();
    let wrong = |error| Failure::input(&input.path, error);
    let policy = if args.salvage { OnDamage::Salvage } else { OnDamage::Fail };
    let done = if input.is_stdin() {
        let mut decoder = Decoder::with_policy(Box::new(io::stdin()) as Box<dyn Read + Send>, policy).map_err(wrong)?;
        let skip = first_sample(args, decoder.header());
        transfer(args, &mut decoder, skip, (input, output, existing), progress)?
    } else {
        let file = File::open(&input.path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => inputs::missing(&input.path),
            _ => Failure::input(&input.path, error),
        })?;
        let mut decoder = Decoder::with_policy(BufReader::new(file), policy).map_err(wrong)?;
        if args.range.is_some() && !args.salvage {
            let first = first_sample(args, decoder.header());
            decoder.seek(first).map_err(wrong)?;
            transfer(args, &mut decoder, 0, (input, output, existing), progress)?
        } else {
            let skip = first_sample(args, decoder.header());
            transfer(args, &mut decoder, skip, (input, output, existing), progress)?
        }
    };
    Ok(report(input, output, &done, started.elapsed().as_secs_f64()))
}

fn first_sample(args: &DecodeArgs, header: &Header) -> u64 {
    args.range.map_or(0, |range| (range.from_s * f64::from(header.sample_rate_hz)).round() as u64)
}

/// What a decoded file came to.
struct Done {
    header: Header,
    samples: u64,
    bytes_written: u64,
    clipped_samples: u64,
    bits: u32,
    damages: Vec<Damage>,
    warnings: Vec<String>,
}

/// Writes all blocks from `skip` on, up to the end of the range.
fn transfer<R: Read>(
    args: &DecodeArgs,
    decoder: &mut Decoder<R>,
    mut skip: u64,
    (input, output, existing): (&Input, &Output, Existing),
    progress: &FileProgress,
) -> Result<Done, Failure> {
    let header = decoder.header().clone();
    let rate = f64::from(header.sample_rate_hz);
    let mut left = match args.range {
        Some(TimeRange { to_s: Some(to_s), .. }) => (to_s * rate).round() as u64 - first_sample(args, &header),
        _ => u64::MAX,
    };
    let known = header.samples.map(|n| n.saturating_sub(first_sample(args, &header)).min(left));
    let bits = args.bits.unwrap_or(if (1..=24).contains(&header.bits) { header.bits.into() } else { 24 });
    let mut rounding = Rounding::new(args, bits, usize::from(header.channels))?;
    let spec = Spec {
        sample_rate_hz: header.sample_rate_hz,
        channels: header.channels.into(),
        channel_mask: Some(header.channel_mask).filter(|&mask| mask != 0),
        sample_format: SampleFormat::integer(bits).map_err(|error| Failure::usage(error.to_string()))?,
    };
    let mut sink = WavSink::create(output, existing, &spec, known, &metadata(&header))?;
    let start = first_sample(args, &header);
    let mut samples = 0;
    while let Some(block) = decoder.next_block().map_err(|error| Failure::input(&input.path, error))? {
        let from = skip.min(block[0].len() as u64) as usize;
        skip -= from as u64;
        let to = from + left.min((block[0].len() - from) as u64) as usize;
        sink.write_codes(rounding.codes(start + samples, block, from..to))?;
        samples += (to - from) as u64;
        left -= (to - from) as u64;
        progress.at(samples, known, header.sample_rate_hz);
        if left == 0 {
            break;
        }
    }
    let written = sink.finish(&[])?;
    Ok(Done {
        samples,
        bits,
        bytes_written: written.bytes,
        clipped_samples: rounding.requantizer.counts().clipped_samples,
        damages: decoder.damages().to_vec(),
        warnings: written.warnings,
        header,
    })
}

/// Samples to integer codes.
struct Rounding {
    requantizer: Requantizer,
    x: Vec<f64>,
    y: Vec<f64>,
    indices: Vec<i32>,
    codes: Vec<i32>,
    n_channels: usize,
}

impl Rounding {
    fn new(args: &DecodeArgs, bits: u32, n_channels: usize) -> Result<Self, Failure> {
        let dither = match args.dither {
            DitherChoice::Auto | DitherChoice::Tpdf => Dither::Triangular,
            DitherChoice::None | DitherChoice::Subtractive => Dither::None,
            DitherChoice::Rpdf => Dither::Rectangular,
            DitherChoice::HpTpdf => Dither::HighPassTriangular,
            DitherChoice::Gaussian => Dither::Gaussian,
        };
        let usage = |error: sqnr::Error| Failure::usage(error.to_string());
        let quantizer = Uniform::mid_tread(bits).map_err(usage)?;
        let options = RequantizerOptions { dither, shaper: None, seed: 0 };
        let requantizer = Requantizer::new(Arc::new(quantizer), options).map_err(usage)?;
        Ok(Self { requantizer, x: vec![], y: vec![], indices: vec![], codes: vec![], n_channels })
    }

    /// Interleaved codes of a part of a block; `first` is the position of its first sample in the file, so that a
    /// range has the same dither as the whole.
    ///
    /// Digital silence stays silence: a sample that is exactly zero is not dithered.
    fn codes(&mut self, first: u64, block: &[Vec<f32>], part: std::ops::Range<usize>) -> &[i32] {
        let n = part.len();
        self.codes.clear();
        self.codes.resize(n * self.n_channels, 0);
        for (c, channel) in block.iter().enumerate() {
            let channel = &channel[part.clone()];
            self.x.clear();
            self.x.extend(channel.iter().map(|&x| f64::from(x)));
            self.y.resize(n, 0.0);
            self.indices.resize(n, 0);
            self.requantizer.process(c, first, &self.x, &mut self.indices[..n], &mut self.y[..n]);
            let places = self.codes.iter_mut().skip(c).step_by(self.n_channels);
            for ((code, &index), &x) in places.zip(&self.indices).zip(channel) {
                *code = if x == 0.0 { 0 } else { index };
            }
        }
        &self.codes
    }
}

/// Tags as the INFO texts of a WAV.
fn metadata(header: &Header) -> Metadata {
    let entries: Vec<([u8; 4], String)> =
        header.tags.iter().map(|(key, value)| (tag_names::info_id(key), value.clone())).collect();
    Metadata::from_info(&entries)
}

fn report(input: &Input, output: &Output, done: &Done, seconds: f64) -> FileReport {
    let read = std::fs::metadata(&input.path).ok().filter(|m| m.is_file()).map(|m| m.len());
    let duration_s = done.samples as f64 / f64::from(done.header.sample_rate_hz);
    let line = format!(
        "{} -> {}  {}{}  {} bits  {seconds:.2} s ({:.0}x)",
        input.display(),
        output.display(),
        read.map_or_else(String::new, |n| format!("{} -> ", units::bytes(n))),
        units::bytes(done.bytes_written),
        done.bits,
        duration_s / seconds.max(1e-9),
    );
    let place = |damage: &Damage| match damage.end_s > damage.start_s {
        true => format!(
            "group {}: {}; concealed {} to {}",
            damage.group,
            damage.what,
            units::duration(damage.start_s),
            units::duration(damage.end_s)
        ),
        false => format!("group {} at {}: {}", damage.group, units::duration(damage.start_s), damage.what),
    };
    let mut warnings = done.warnings.clone();
    warnings.extend(done.damages.iter().map(place));
    let json: Map<String, Value> = Map::from_iter([
        ("sample_rate_hz".to_owned(), json!(done.header.sample_rate_hz)),
        ("channels".to_owned(), json!(done.header.channels)),
        ("bits".to_owned(), json!(done.bits)),
        ("samples".to_owned(), json!(done.samples)),
        ("duration_s".to_owned(), json!(duration_s)),
        ("clipped_samples".to_owned(), json!(done.clipped_samples)),
        ("damages".to_owned(), json!(done.damages.len())),
    ]);
    FileReport {
        line: Some(line),
        json,
        warnings,
        bytes: Some((read.unwrap_or(0), done.bytes_written)),
        ..FileReport::default()
    }
}
