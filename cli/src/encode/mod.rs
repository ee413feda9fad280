//! `encode`: audio to `.sqn`, at a quality, a bit rate, an SNR, a noise-to-mask ratio, or bits per band.

mod goal;

use std::{
    io::{self, BufWriter, Write},
    path::Path,
    time::Instant,
};

use clap::Args;
use serde_json::{Map, Value, json};

use sqnr::{
    Error,
    audio_file::tag_names,
    codec::{BandQuantizer, BitTable, EncoderOptions, Target},
    recipe::{CodecRequest, Method, Recipe},
    task,
};

use super::{
    band_table,
    batch::{self, Batch, Conversion, FileReport},
    exit::{Exit, Failure},
    inputs::{self, Walked},
    loss,
    options::{Global, Inputs, Outputs},
    outputs::{self, Existing, Output},
    pcm::Pcm,
    progress::FileProgress,
    recipe_args::words,
    sink, units,
};
use goal::Coded;
#[cfg(feature = "live")]
pub use goal::parse_bitrate;

/// An SNR that is further from the one asked for is told.
const SNR_TOLERANCE_DB: f64 = 0.1;

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
    #[arg(long, value_name = "KIND", default_value = "uniform", value_parser = words::<BandQuantizer>())]
    band_quantizer: BandQuantizer,
    /// Leave out what lies above
    #[arg(long, value_name = "HZ")]
    max_bandwidth: Option<f64>,
}

impl EncodeArgs {
    fn request(&self) -> CodecRequest {
        CodecRequest {
            target: goal::target(self),
            band_quantizer: self.band_quantizer,
            max_bandwidth_hz: self.max_bandwidth,
        }
    }
}

/// Whether the file is decoded while it is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Check {
    Verify,
    Trust,
}

/// Runs `encode`.
pub fn run(args: &EncodeArgs, global: &Global) -> Result<Exit, Failure> {
    if let Some(quality) = args.quality.filter(|q| !(0.0..=10.0).contains(q)) {
        return Err(Failure::usage(format!("the quality is {quality}; it must be within 0 and 10")));
    }
    let check = if args.verify { Check::Verify } else { Check::Trust };
    let batch = Batch { command: "encode", global, inputs: &args.inputs };
    all_files(&Job { request: args.request(), check }, &batch, &args.outputs)
}

/// Encodes as `request` asks: what `quantize` does with a recipe for the codec.
pub fn with_request(
    request: &CodecRequest,
    inputs: &Inputs,
    outputs: &Outputs,
    global: &Global,
) -> Result<Exit, Failure> {
    let batch = Batch { command: "quantize", global, inputs };
    all_files(&Job { request: *request, check: Check::Trust }, &batch, outputs)
}

/// What is done with every file.
struct Job {
    request: CodecRequest,
    check: Check,
}

fn all_files(job: &Job, batch: &Batch, outputs: &Outputs) -> Result<Exit, Failure> {
    let inputs = inputs::collect_of(batch.inputs, Walked::ToEncode)?;
    let planned = outputs::plan(&inputs, outputs, ".sqn", Existing::of(batch.global))?;
    batch.convert(inputs, planned, outputs, |files, progress| one_file(job, files, progress))
}

fn one_file(job: &Job, files: Conversion, progress: &FileProgress) -> Result<FileReport, Failure> {
    let started = Instant::now();
    let mut pcm = Pcm::new(files.input, progress)?;
    let options = options(&pcm, &job.request)?;
    let coded = match files.output {
        Output::Stdout => {
            let encoded = encode(job.check, &mut pcm, &options, io::stdout().lock());
            encoded.map_err(|error| pcm.failure(error, Path::new("standard output")))?.0
        }
        Output::File(path) => {
            let file = sink::create(path, files.existing)?;
            let encoded = encode(job.check, &mut pcm, &options, BufWriter::new(file)).and_then(|(coded, writer)| {
                let file = writer.into_inner().map_err(|error| Error::stream(error.into_error()))?;
                file.commit().map(|()| coded)
            });
            encoded.map_err(|error| pcm.failure(error, path))?
        }
    };
    Ok(report(&job.request, files, &pcm, &coded, started.elapsed().as_secs_f64()))
}

fn encode<W: Write>(check: Check, pcm: &mut Pcm, options: &EncoderOptions, mut sink: W) -> sqnr::Result<(Coded, W)> {
    if check == Check::Trust {
        return goal::encode(pcm, options, &mut sink).map(|coded| (coded, sink));
    }
    let again = pcm.open_again()?;
    let (coded, sink, loss) = task::while_encoding(sink, again, |tee| goal::encode(pcm, options, tee))?;
    let (given, decoded) = (coded.summary.samples, loss.samples);
    if given != decoded || loss.reference_samples != decoded {
        let what = format!("verification failed: {given} samples per channel were encoded, {decoded} decoded");
        return Err(Error::NoResult { what });
    }
    Ok((Coded { loss: Some(loss), ..coded }, sink))
}

fn options(pcm: &Pcm, request: &CodecRequest) -> Result<EncoderOptions, Failure> {
    let spec = &pcm.info.spec;
    let channels = u8::try_from(spec.channels)
        .map_err(|_| Failure::usage(format!("{} channels; .sqn holds at most 255", spec.channels)))?;
    let tags = pcm.source().metadata().info_texts();
    Ok(request.apply(EncoderOptions {
        channel_mask: spec.channel_mask.unwrap_or(0),
        bits: spec.sample_format.valid_bits() as u8,
        tags: tags.into_iter().map(|(id, text)| (tag_names::comment_key(id), text)).collect(),
        samples: pcm.known_length()?,
        ..EncoderOptions::new(spec.sample_rate_hz, channels)
    }))
}

fn report(request: &CodecRequest, files: Conversion, pcm: &Pcm, coded: &Coded, seconds: f64) -> FileReport {
    let summary = &coded.summary;
    let read = files.input.size();
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
        let n = summary.invalid_samples;
        warnings.push(format!("{n} samples were not finite: NaN became 0, infinity full scale"));
    }
    let reached = summary.bitrate_kbps();
    if let Target::Bitrate(asked) = request.target
        && (reached / asked - 1.0).abs() > 0.01
    {
        warnings.push(format!("{asked} kbit/s cannot be met; {reached:.1} is as near as this input allows"));
    }
    let asked = match &request.target {
        Target::BitsPerBand(table) => Some(table),
        _ => None,
    };
    if let (Target::Snr(asked), Some(reached)) = (request.target, coded.snr_db)
        && (reached - asked).abs() > SNR_TOLERANCE_DB
    {
        warnings.push(format!("an SNR of {asked} dB cannot be met; {reached:.2} dB is as near as this input allows"));
    }
    let table = coded.allocation.as_ref().zip(asked).filter(|_| *files.output != Output::Stdout);
    FileReport {
        line: Some(line),
        table: table.map(|(allocation, asked)| band_table::asked_and_spent(allocation, asked)),
        json: json(request, pcm, coded),
        warnings,
        bytes: Some((read.unwrap_or(0), summary.bytes)),
        ..FileReport::default()
    }
}

fn json(request: &CodecRequest, pcm: &Pcm, coded: &Coded) -> Map<String, Value> {
    let summary = &coded.summary;
    let recipe = Recipe::new(Method::Codec(*request));
    let mut object = Map::from_iter([
        ("recipe".to_owned(), batch::json_recipe(&recipe)),
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
