//! `encode`: audio to `.sqn`, at a quality, a bit rate or an SNR.

use std::{
    io::{self, BufWriter, Write},
    time::Instant,
};

use clap::{Args, ValueEnum};
use serde_json::{Map, Value, json};

use crate::{
    Error,
    audio_file::{Info, Source, tag_names},
    codec::{self, BandQuantizer, EncoderOptions, Goal, PcmSource, Summary},
};

use super::{
    batch::{Batch, Conversion, FileReport},
    exit::{Exit, Failure},
    inputs::{self, Input, Walked},
    options::{Global, Inputs, Outputs},
    outputs::{self, Output},
    progress::FileProgress,
    sink,
    source::{Passes, Rereadable},
    units,
};

/// Shown at the end of `sqnr encode --help`; a test runs each line.
const EXAMPLES: &str = "\
Examples:
  sqnr encode song.wav
  sqnr encode -r 96k song.wav -o small.sqn
  sqnr encode -q 7 -O out *.wav
  sqnr encode --snr 30dB song.wav -o exact.sqn";

/// Encode audio with the transform codec
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct EncodeArgs {
    #[command(flatten)]
    inputs: Inputs,
    #[command(flatten)]
    outputs: Outputs,
    /// Constant quality, 0 to 10 [default: 5, about 106 kbit/s for stereo music]
    #[arg(short, long, value_name = "Q", conflicts_with_all = ["bitrate", "snr"])]
    quality: Option<f32>,
    /// Bit rate of the file in kbit/s, such as 96k, met within 1 %
    #[arg(short = 'r', long, value_name = "RATE", value_parser = parse_bitrate, conflicts_with = "snr")]
    bitrate: Option<f64>,
    /// Signal-to-noise ratio in dB, such as 30dB; noise is white, for the least mean square error
    #[arg(long, value_name = "DB", value_parser = parse_db)]
    snr: Option<f64>,
    /// The quantizer of the coefficients
    #[arg(long, value_name = "KIND", default_value = "uniform")]
    band_quantizer: Quantizers,
    /// Leave out what lies above
    #[arg(long, value_name = "HZ")]
    max_bandwidth: Option<f32>,
}

/// `--band-quantizer`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Quantizers {
    /// Uniform steps with a dead zone
    Uniform,
    /// Steps that grow with magnitude, as in MP3 and AAC
    PowerLaw,
}

/// `96k`, `96`, `96000`: kbit/s; a plain number from 1000 on is bit/s.
pub(super) fn parse_bitrate(text: &str) -> Result<f64, String> {
    let number = |text: &str| text.parse::<f64>().ok().filter(|x| x.is_finite());
    let kbps = match text.strip_suffix(['k', 'K']) {
        Some(kilo) => number(kilo),
        None => number(text).map(|x| if x >= 1_000.0 { x / 1_000.0 } else { x }),
    };
    let kbps = kbps.ok_or_else(|| "a bit rate is a number of kbit/s such as 96k".to_owned())?;
    match (1.0..=10_000.0).contains(&kbps) {
        true => Ok(kbps),
        false => Err("the bit rate must be within 1k and 10000k".into()),
    }
}

/// `30dB`, `30`.
fn parse_db(text: &str) -> Result<f64, String> {
    let number = text.trim_end_matches(['d', 'D', 'B', 'b']).trim().parse::<f64>();
    match number {
        Ok(db) if (0.0..=120.0).contains(&db) => Ok(db),
        _ => Err("the SNR must be a number of dB within 0 and 120, such as 30dB".into()),
    }
}

/// Runs `encode`.
pub fn run(args: &EncodeArgs, global: &Global) -> Result<Exit, Failure> {
    if let Some(quality) = args.quality.filter(|q| !(0.0..=10.0).contains(q)) {
        return Err(Failure::usage(format!("the quality is {quality}; it must be within 0 and 10")));
    }
    let inputs = inputs::collect_of(&args.inputs, Walked::ToEncode)?;
    let planned = outputs::plan(&inputs, &args.outputs, ".sqn")?;
    let batch = Batch { command: "encode", global, inputs: &args.inputs };
    batch.convert(inputs, planned, &args.outputs, |files, progress| one_file(args, files, progress))
}

fn one_file(args: &EncodeArgs, files: Conversion, progress: &FileProgress) -> Result<FileReport, Failure> {
    let Conversion { input, output, existing } = files;
    let started = Instant::now();
    let mut pcm = Pcm::new(input, progress)?;
    let options = pcm.options(args)?;
    let summary = match output {
        Output::Stdout => encode(&mut pcm, args, &options, io::stdout().lock()).map(|(summary, _)| summary),
        Output::File(path) => {
            let file = sink::create(path, existing)?;
            encode(&mut pcm, args, &options, BufWriter::new(file)).and_then(|(summary, writer)| {
                let file = writer.into_inner().map_err(|error| Error::stream(error.into_error()))?;
                file.commit().map(|()| summary)
            })
        }
    };
    let summary =
        summary.map_err(|error| pcm.failure.take().unwrap_or_else(|| Failure::compute(&input.path, error)))?;
    Ok(report(input, output, &pcm, summary, started.elapsed().as_secs_f64()))
}

fn encode<W: Write>(
    pcm: &mut Pcm,
    args: &EncodeArgs,
    options: &EncoderOptions,
    mut sink: W,
) -> crate::Result<(Summary, W)> {
    let summary = match (args.bitrate, args.snr) {
        (Some(kbps), _) => codec::encode_at_bitrate(pcm, &mut sink, options, kbps),
        (_, Some(snr_db)) => codec::encode_at_snr(pcm, &mut sink, options, snr_db),
        _ => codec::encode(pcm, &mut sink, options),
    }?;
    Ok((summary, sink))
}

/// An input as the codec reads it: several times, planar.
struct Pcm<'a> {
    file: Rereadable<'a>,
    source: Source,
    info: Info,
    interleaved: Vec<f32>,
    done: u64,
    progress: &'a FileProgress<'a>,
    /// Why reopening failed, in the command line's words.
    failure: Option<Failure>,
}

/// Frames read at once.
const BLOCK_FRAMES: usize = 1 << 14;

impl<'a> Pcm<'a> {
    fn new(input: &'a Input, progress: &'a FileProgress<'a>) -> Result<Self, Failure> {
        let file = Rereadable::new(input, Passes::Several)?;
        let source = file.open()?;
        let info = source.info().clone();
        let interleaved = vec![0.0; BLOCK_FRAMES * usize::from(info.spec.channels)];
        Ok(Self { file, source, info, interleaved, done: 0, progress, failure: None })
    }

    fn options(&self, args: &EncodeArgs) -> Result<EncoderOptions, Failure> {
        let spec = &self.info.spec;
        let channels = u8::try_from(spec.channels)
            .map_err(|_| Failure::usage(format!("{} channels; .sqn holds at most 255", spec.channels)))?;
        let tags = self.source.metadata().info_texts();
        Ok(EncoderOptions {
            channel_mask: spec.channel_mask.unwrap_or(0),
            goal: Goal::Quality(args.quality.unwrap_or(5.0)),
            band_quantizer: match args.band_quantizer {
                Quantizers::Uniform => BandQuantizer::Uniform,
                Quantizers::PowerLaw => BandQuantizer::PowerLaw,
            },
            max_bandwidth_hz: args.max_bandwidth.unwrap_or(f32::INFINITY),
            bits: spec.sample_format.valid_bits() as u8,
            tags: tags.into_iter().map(|(id, text)| (tag_names::comment_key(id), text)).collect(),
            samples: self.known_length()?,
            ..EncoderOptions::new(spec.sample_rate_hz, channels)
        })
    }

    /// The number of frames really there, counted: a header may say anything.
    fn known_length(&self) -> Result<Option<u64>, Failure> {
        let mut source = self.file.open()?;
        let mut block = self.interleaved.clone();
        let mut total = 0;
        loop {
            match source.read_f32(&mut block) {
                Ok(0) => return Ok(Some(total)),
                Ok(n) => total += n as u64,
                Err(error) => return Err(Failure::usage(error.to_string())),
            }
        }
    }
}

impl PcmSource for Pcm<'_> {
    fn rewind(&mut self) -> crate::Result<()> {
        self.done = 0;
        match self.file.open() {
            Ok(source) => {
                self.source = source;
                Ok(())
            }
            Err(failure) => {
                let what = failure.to_string();
                self.failure = Some(failure);
                Err(Error::Unsupported { what })
            }
        }
    }

    fn read(&mut self, channels: &mut Vec<Vec<f32>>) -> crate::Result<usize> {
        let n = self.source.read_f32(&mut self.interleaved)?;
        let n_channels = usize::from(self.info.spec.channels);
        channels.resize_with(n_channels, Vec::new);
        for (c, channel) in channels.iter_mut().enumerate() {
            channel.clear();
            channel.extend(self.interleaved[..n * n_channels].iter().skip(c).step_by(n_channels));
        }
        self.done += n as u64;
        self.progress.at(self.done, self.info.n_frames, self.info.spec.sample_rate_hz);
        Ok(n)
    }
}

fn report(input: &Input, output: &Output, pcm: &Pcm, summary: Summary, seconds: f64) -> FileReport {
    let read = std::fs::metadata(&input.path).ok().filter(|m| m.is_file()).map(|m| m.len());
    let kbps = summary.bitrate_kbps();
    let share = read.filter(|&n| n > 0).map(|n| format!(" ({:.1} %)", 100.0 * summary.bytes as f64 / n as f64));
    let line = format!(
        "{} -> {}  {}{}{}  {kbps:.1} kbit/s  {seconds:.2} s ({:.0}x)",
        input.display(),
        output.display(),
        read.map_or_else(String::new, |n| format!("{} -> ", units::bytes(n))),
        units::bytes(summary.bytes),
        share.unwrap_or_default(),
        summary.duration_s / seconds.max(1e-9),
    );
    let mut warnings = pcm.source.warnings().to_vec();
    if summary.invalid_samples > 0 {
        warnings.push(format!("{} samples were not finite and became 0", summary.invalid_samples));
    }
    let json: Map<String, Value> = Map::from_iter([
        ("sample_rate_hz".to_owned(), json!(pcm.info.spec.sample_rate_hz)),
        ("channels".to_owned(), json!(pcm.info.spec.channels)),
        ("duration_s".to_owned(), json!(summary.duration_s)),
        ("bytes".to_owned(), json!(summary.bytes)),
        ("bitrate_kbps".to_owned(), json!(kbps)),
        ("invalid_samples".to_owned(), json!(summary.invalid_samples)),
    ]);
    FileReport {
        line: Some(line),
        json,
        warnings,
        bytes: Some((read.unwrap_or(0), summary.bytes)),
        ..FileReport::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bit_rates_and_ratios_are_read() {
        assert_eq!(parse_bitrate("96k"), Ok(96.0));
        assert_eq!(parse_bitrate("96"), Ok(96.0));
        assert_eq!(parse_bitrate("96000"), Ok(96.0));
        assert_eq!(parse_bitrate("62.5k"), Ok(62.5));
        assert!(parse_bitrate("100000k").is_err() && parse_bitrate("0.5k").is_err() && parse_bitrate("x").is_err());
        assert_eq!(parse_db("30dB"), Ok(30.0));
        assert!(parse_db("130").is_err() && parse_db("NaN").is_err());
    }
}
