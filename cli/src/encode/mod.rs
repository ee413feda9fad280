//! `encode`: audio to `.sqn`, at a quality, a bit rate, an SNR, a noise-to-mask ratio, or bits per band.

mod goal;

use std::{
    io::{self, BufWriter, Write},
    path::Path,
    time::Instant,
};

use clap::{Args, ValueEnum};
use serde_json::{Map, Value, json};

use sqnr::{
    Error,
    audio_file::tag_names,
    codec::{BandQuantizer, BitTable, EncoderOptions, Goal},
    task,
};

use super::{
    band_table,
    batch::{Batch, Conversion, FileReport},
    exit::{Exit, Failure},
    inputs::{self, Walked},
    loss,
    options::{Global, Inputs, Outputs},
    outputs::{self, Output},
    pcm::Pcm,
    progress::FileProgress,
    sink, units,
};
use goal::Coded;
#[cfg(feature = "live")]
pub use goal::parse_bitrate;

/// Shown at the end of `sqnr encode --help`; a test runs each line.
const EXAMPLES: &str = "\
Examples:
  sqnr encode song.wav
  sqnr encode -r 96k song.wav -o small.sqn
  sqnr encode -q 7 -O out *.wav
  sqnr encode --snr 30dB --verify song.wav -o exact.sqn
  sqnr encode --nmr -14dB song.wav -o masked.sqn
  sqnr encode --bits-per-band 6,6,5,5,4,4,3,3,2 song.wav -o by-hand.sqn";

/// Encode audio with the transform codec
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct EncodeArgs {
    #[command(flatten)]
    inputs: Inputs,
    #[command(flatten)]
    outputs: Outputs,
    /// Constant quality, 0 to 10 [default: 5, about 106 kbit/s for stereo music]
    #[arg(short, long, value_name = "Q", group = "goal")]
    quality: Option<f32>,
    /// Bit rate of the file in kbit/s, such as 96k, met within 1 %
    #[arg(short = 'r', long, value_name = "RATE", value_parser = goal::parse_bitrate, group = "goal")]
    bitrate: Option<f64>,
    /// Signal-to-noise ratio in dB, such as 30dB; noise is white, for the least mean square error
    #[arg(long, value_name = "DB", value_parser = goal::parse_snr, group = "goal")]
    snr: Option<f64>,
    /// Noise-to-mask ratio in dB by the encoder's own model of the ear, such as -14dB; quality 0 is about 0 dB
    #[arg(long, value_name = "DB", value_parser = goal::parse_nmr, group = "goal", allow_hyphen_values = true)]
    nmr: Option<f64>,
    /// Bits per coefficient for bands of 1 ERB from 0 Hz up, as a list or a file of numbers; prints what they bought
    #[arg(long, value_name = "TABLE", value_parser = goal::parse_bit_table, group = "goal")]
    bits_per_band: Option<BitTable>,
    /// Decode while encoding, and compare with the input
    #[arg(long)]
    verify: bool,
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
    /// Codebooks designed on the file, kept in its header
    LloydMax,
    /// Dependent quantization where a band has many bits
    Trellis,
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
    let started = Instant::now();
    let mut pcm = Pcm::new(files.input, progress)?;
    let options = options(&pcm, args)?;
    let coded = match files.output {
        Output::Stdout => {
            let encoded = encode(args, &mut pcm, &options, io::stdout().lock());
            encoded.map_err(|error| pcm.failure(error, Path::new("standard output")))?.0
        }
        Output::File(path) => {
            let file = sink::create(path, files.existing)?;
            let encoded = encode(args, &mut pcm, &options, BufWriter::new(file)).and_then(|(coded, writer)| {
                let file = writer.into_inner().map_err(|error| Error::stream(error.into_error()))?;
                file.commit().map(|()| coded)
            });
            encoded.map_err(|error| pcm.failure(error, path))?
        }
    };
    Ok(report(args, files, &pcm, &coded, started.elapsed().as_secs_f64()))
}

fn encode<W: Write>(
    args: &EncodeArgs,
    pcm: &mut Pcm,
    options: &EncoderOptions,
    mut sink: W,
) -> sqnr::Result<(Coded, W)> {
    if !args.verify {
        return goal::encode(args, pcm, options, &mut sink).map(|coded| (coded, sink));
    }
    let again = pcm.open_again()?;
    let (coded, sink, loss) = task::while_encoding(sink, again, |tee| goal::encode(args, pcm, options, tee))?;
    let (given, decoded) = (coded.summary.samples, loss.samples);
    if given != decoded || loss.reference_samples != decoded {
        let what = format!("verification failed: {given} samples per channel were encoded, {decoded} decoded");
        return Err(Error::NoResult { what });
    }
    Ok((Coded { loss: Some(loss), ..coded }, sink))
}

fn options(pcm: &Pcm, args: &EncodeArgs) -> Result<EncoderOptions, Failure> {
    let spec = &pcm.info.spec;
    let channels = u8::try_from(spec.channels)
        .map_err(|_| Failure::usage(format!("{} channels; .sqn holds at most 255", spec.channels)))?;
    let tags = pcm.source().metadata().info_texts();
    Ok(EncoderOptions {
        channel_mask: spec.channel_mask.unwrap_or(0),
        goal: Goal::Quality(args.quality.unwrap_or(5.0)),
        band_quantizer: match args.band_quantizer {
            Quantizers::Uniform => BandQuantizer::Uniform,
            Quantizers::PowerLaw => BandQuantizer::PowerLaw,
            Quantizers::LloydMax => BandQuantizer::LloydMax,
            Quantizers::Trellis => BandQuantizer::Trellis,
        },
        max_bandwidth_hz: args.max_bandwidth.unwrap_or(f32::INFINITY),
        bits: spec.sample_format.valid_bits() as u8,
        tags: tags.into_iter().map(|(id, text)| (tag_names::comment_key(id), text)).collect(),
        samples: pcm.known_length()?,
        ..EncoderOptions::new(spec.sample_rate_hz, channels)
    })
}

fn report(args: &EncodeArgs, files: Conversion, pcm: &Pcm, coded: &Coded, seconds: f64) -> FileReport {
    let summary = &coded.summary;
    let read = std::fs::metadata(&files.input.path).ok().filter(|m| m.is_file()).map(|m| m.len());
    let share = read.filter(|&n| n > 0).map(|n| format!(" ({:.1} %)", 100.0 * summary.bytes as f64 / n as f64));
    let line = format!(
        "{} -> {}  {}{}{}  {:.1} kbit/s{}  {seconds:.2} s ({:.0}x)",
        files.input.display(),
        files.output.display(),
        read.map_or_else(String::new, |n| format!("{} -> ", units::bytes(n))),
        units::bytes(summary.bytes),
        share.unwrap_or_default(),
        summary.bitrate_kbps(),
        coded.fidelity(),
        summary.duration_s / seconds.max(1e-9),
    );
    let mut warnings = pcm.source().warnings().to_vec();
    if summary.invalid_samples > 0 {
        warnings.push(format!("{} samples were not finite and became 0", summary.invalid_samples));
    }
    if let Some(asked) = args.bitrate.filter(|asked| (summary.bitrate_kbps() / asked - 1.0).abs() > 0.01) {
        let reached = summary.bitrate_kbps();
        warnings.push(format!("{asked} kbit/s cannot be met; {reached:.1} is as near as this input allows"));
    }
    let table = coded.allocation.as_ref().zip(args.bits_per_band.as_ref());
    let table = table.filter(|_| *files.output != Output::Stdout);
    FileReport {
        line: Some(line),
        table: table.map(|(allocation, asked)| band_table::asked_and_spent(allocation, asked)),
        json: json(pcm, coded),
        warnings,
        bytes: Some((read.unwrap_or(0), summary.bytes)),
        ..FileReport::default()
    }
}

fn json(pcm: &Pcm, coded: &Coded) -> Map<String, Value> {
    let summary = &coded.summary;
    let mut object = Map::from_iter([
        ("sample_rate_hz".to_owned(), json!(pcm.info.spec.sample_rate_hz)),
        ("channels".to_owned(), json!(pcm.info.spec.channels)),
        ("duration_s".to_owned(), json!(summary.duration_s)),
        ("bytes".to_owned(), json!(summary.bytes)),
        ("bitrate_kbps".to_owned(), json!(summary.bitrate_kbps())),
        ("invalid_samples".to_owned(), json!(summary.invalid_samples)),
    ]);
    if let Some(loss) = &coded.loss {
        object.extend(loss::json(loss));
    }
    if let Some(nmr_db) = coded.nmr_db {
        object.insert("nmr_db".into(), json!(nmr_db));
    }
    if let Some(allocation) = &coded.allocation {
        object.extend(band_table::json(allocation));
    }
    object
}
