//! `quantize -m trellis`, `dependent` and the like: methods that code stretches of samples. Their bytes are really
//! written, and what is stored is what a decoder makes of them.

use std::{path::Path, time::Instant};

use serde_json::{Map, Value, json};

use sqnr::{
    analysis::error_statistics::{ErrorFigures, ErrorStatistics, Settings as StatisticsSettings},
    audio_file::Info,
    design::{dependent, entropy_constrained, optimal_partition},
    quantizer::{
        Codebook, Training, TrellisCoded, Uniform, VectorCodebook, VectorFile,
        packet::{PacketDecoder, PacketEncoder, Scheme},
    },
    wav::{SampleFormat, Spec},
};

use super::{
    super::{
        batch::{FileReport, json_object},
        choices::{CodedMethod, Container, DitherChoice, Method, Shape},
        exit::Failure,
        inputs::Input,
        outputs::Output,
        progress::FileProgress,
        sink::{WavSink, Written},
        source::{self, Passes, Rereadable},
        training, units,
    },
    Files, QuantizeArgs, chain, fidelity,
};

/// Samples per channel in one packet.
const PACKET: usize = 1 << 14;
/// Bytes of one number that the decoder must be told.
const BYTES_PER_NUMBER: usize = 4;
/// Most bits of `entropy-coded`: the range of its index coder.
const MOST_UNIFORM_BITS: u32 = 24;

/// A method that codes stretches of samples.
#[derive(Debug, Clone, PartialEq)]
pub enum Coded {
    /// One that is named.
    Named(CodedMethod),
    /// Vectors from a file.
    Vectors(VectorCodebook),
}

impl Coded {
    /// The method asked for when it is one of these; a codebook file of vectors is read.
    pub fn of(args: &QuantizeArgs) -> Result<Option<Self>, Failure> {
        let coded = match &args.settings.method {
            Method::Coded(method) => Some(Self::Named(*method)),
            Method::File(path) => vectors_of_file(path)?.map(Self::Vectors),
            _ => None,
        };
        match &coded {
            Some(coded) => coded.check(args).map(|()| Some(coded.clone())),
            None if args.rate.is_some() => {
                Err(Failure::usage("--rate is for -m entropy-constrained and -m dependent; use -b or --levels"))
            }
            None => Ok(None),
        }
    }

    fn check(&self, args: &QuantizeArgs) -> Result<(), Failure> {
        let (settings, name) = (&args.settings, args.settings.method.name());
        if settings.levels.is_some() {
            return Err(Failure::usage(format!("-m {name} takes no --levels")));
        }
        let wants_rate = matches!(self, Self::Named(CodedMethod::EntropyConstrained | CodedMethod::Dependent));
        let wants_bits = !wants_rate && matches!(self, Self::Named(_));
        match (wants_bits, wants_rate, settings.bits, args.rate) {
            (true, _, None, _) => return Err(Failure::usage(format!("-m {name} needs -b BITS"))),
            (_, true, _, None) => return Err(Failure::usage(format!("-m {name} needs --rate BITS"))),
            (false, false, Some(_), _) | (false, false, _, Some(_)) => {
                return Err(Failure::usage("the codebook file says how many codes; leave -b and --rate out"));
            }
            _ => {}
        }
        let plain = matches!(settings.dither, DitherChoice::Auto | DitherChoice::None) && settings.shape == Shape::None;
        if !plain || settings.law.is_some() || settings.compression.is_some() {
            return Err(Failure::usage(format!("-m {name} takes no dither, shaping or law")));
        }
        match settings.container {
            Container::Auto | Container::F32 | Container::F64 => Ok(()),
            _ => Err(Failure::usage(format!("the levels of -m {name} need --container f32 or f64"))),
        }
    }

    /// The scheme for an input; all but two learn from it first.
    fn scheme(&self, args: &QuantizeArgs, file: &Rereadable, input: &Input) -> Result<Scheme, Failure> {
        let method = match self {
            Self::Vectors(codebook) => return Ok(Scheme::Vector(codebook.clone())),
            Self::Named(method) => *method,
        };
        let wrong = |error| Failure::compute(&input.path, error);
        let (bits, rate) = (args.settings.bits.unwrap_or(1), args.rate.unwrap_or(1.0));
        let samples = || training::histogram(file, input);
        Ok(match method {
            CodedMethod::EntropyCoded if bits > MOST_UNIFORM_BITS => {
                return Err(Failure::usage(format!("-m entropy-coded takes 1 to {MOST_UNIFORM_BITS} bits")));
            }
            CodedMethod::EntropyCoded => Scheme::Uniform(Uniform::mid_tread(bits).map_err(wrong)?),
            CodedMethod::EntropyConstrained => {
                let design = entropy_constrained::for_samples(&samples()?, rate).map_err(wrong)?;
                Scheme::Codebook(Codebook::new(storable(design.levels), design.thresholds).map_err(wrong)?)
            }
            CodedMethod::Trellis if bits > 16 => return Err(Failure::usage("-m trellis takes 1 to 16 bits")),
            CodedMethod::Trellis => {
                let levels = optimal_partition::optimal(&samples()?, 2 << bits).map_err(wrong)?.levels;
                Scheme::Trellis(TrellisCoded::new(args.states, storable(levels)).map_err(wrong)?)
            }
            CodedMethod::Dependent => {
                let design = dependent::for_samples(&samples()?, args.states, rate).map_err(wrong)?;
                let mut quantizer = design.quantizer;
                quantizer.step = f64::from(quantizer.step as f32);
                Scheme::Dependent(Box::new(quantizer))
            }
            CodedMethod::Vector => {
                let (dimension, n_vectors, plan) = Training::of_bits(bits).map_err(wrong)?;
                let data = training::vectors(file, input, dimension, n_vectors)?;
                let learnt = VectorCodebook::train(dimension, &data, &plan).map_err(wrong)?;
                Scheme::Vector(VectorCodebook::new(dimension, storable(learnt.codes().to_vec())).map_err(wrong)?)
            }
        })
    }
}

/// Numbers as a decoder is told them: in single precision.
fn storable(numbers: Vec<f64>) -> Vec<f64> {
    numbers.into_iter().map(|x| f64::from(x as f32)).collect()
}

/// The codebook of a file that has vectors; none of any other.
fn vectors_of_file(path: &Path) -> Result<Option<VectorCodebook>, Failure> {
    let text = chain::read_codebook_file(path)?;
    match VectorFile::is_one(&text) {
        true => VectorFile::from_json(&text).map(|file| Some(file.codebook)).map_err(|e| Failure::input(path, e)),
        false => Ok(None),
    }
}

/// What was done to a file.
struct Measured {
    total: ErrorFigures,
    n_frames: u64,
    n_numbers: usize,
    coded_bytes: u64,
    written: Written,
}

impl Measured {
    /// Bits a sample of packets and tables.
    fn rate_bits(&self, n_channels: u16) -> f64 {
        8.0 * self.coded_bytes as f64 / (self.n_frames.max(1) * u64::from(n_channels)) as f64
    }
}

/// Codes one file, decodes it again into the output, and says what that cost.
pub fn one_file(
    args: &QuantizeArgs,
    coded: &Coded,
    files: Files,
    progress: &FileProgress,
) -> Result<FileReport, Failure> {
    let started = Instant::now();
    let file = Rereadable::new(files.input, Passes::Several)?;
    let scheme = coded.scheme(args, &file, files.input)?;
    let source = file.open()?;
    let info = source.info().clone();
    let measured = Run { args, files, scheme, info: &info, progress }.run(source)?;
    Ok(report(args, files, &info, measured, started.elapsed().as_secs_f64()))
}

/// One file on its way.
struct Run<'a> {
    args: &'a QuantizeArgs,
    files: Files<'a>,
    scheme: Scheme,
    info: &'a Info,
    progress: &'a FileProgress<'a>,
}

/// Coder, decoder and figures of a channel.
struct Channel {
    encoder: PacketEncoder,
    decoder: PacketDecoder,
    statistics: ErrorStatistics,
    n_not_finite: u64,
}

impl Run<'_> {
    fn run(self, mut source: sqnr::audio_file::Source) -> Result<Measured, Failure> {
        let input = self.files.input;
        let mut channels = self.channels()?;
        let mut audio = self.sink(self.files.output, self.sample_format(), &source)?;
        let mut errors = match self.files.error {
            Some(output) => Some(self.sink(output, SampleFormat::FLOAT32, &source)?),
            None => None,
        };
        let n_numbers = self.scheme.n_numbers();
        let (mut x, mut n_frames) = (Vec::new(), 0);
        let mut coded_bytes = (BYTES_PER_NUMBER * n_numbers) as u64;
        loop {
            let n = source.read_planar(&mut x, PACKET).map_err(|error| source::unreadable(input, error))?;
            if n == 0 {
                break;
            }
            let mut y = vec![vec![0.0; n]; channels.len()];
            for ((channel, x), y) in channels.iter_mut().zip(&mut x).zip(&mut y) {
                coded_bytes += channel.packet(x, y);
            }
            audio.write_planar(&y)?;
            if let Some(errors) = &mut errors {
                let difference = |(x, y): (&Vec<f64>, &Vec<f64>)| x.iter().zip(y).map(|(x, y)| y - x).collect();
                errors.write_planar(&x.iter().zip(&y).map(difference).collect::<Vec<Vec<f64>>>())?;
            }
            n_frames += n as u64;
            self.progress.at(n_frames, self.info.n_frames, self.info.spec.sample_rate_hz);
        }
        if let Some(errors) = errors {
            errors.finish(&[])?;
        }
        let mut written = audio.finish(&source.metadata().after_data)?;
        let n_not_finite: u64 = channels.iter().map(|channel| channel.n_not_finite).sum();
        if n_not_finite > 0 {
            let what = "samples not finite: NaN taken as 0, infinity as full scale";
            written.warnings.push(format!("{n_not_finite} {what}"));
        }
        let mut total = channels[0].statistics.clone();
        channels[1..].iter().for_each(|channel| total.merge(&channel.statistics));
        Ok(Measured { total: total.figures(), n_frames, n_numbers, coded_bytes, written })
    }

    fn channels(&self) -> Result<Vec<Channel>, Failure> {
        let channel = |_| {
            let statistics = ErrorStatistics::new(StatisticsSettings::default())?;
            let scheme = self.scheme.clone();
            Ok(Channel {
                encoder: PacketEncoder::new(scheme.clone()),
                decoder: PacketDecoder::new(scheme),
                statistics,
                n_not_finite: 0,
            })
        };
        let channels: sqnr::Result<Vec<Channel>> = (0..self.info.spec.channels).map(channel).collect();
        channels.map_err(|error| Failure::compute(&self.files.input.path, error))
    }

    fn sample_format(&self) -> SampleFormat {
        match self.args.settings.container {
            Container::F64 => SampleFormat::FLOAT64,
            _ => SampleFormat::FLOAT32,
        }
    }

    fn sink(
        &self,
        output: &Output,
        sample_format: SampleFormat,
        source: &sqnr::audio_file::Source,
    ) -> Result<WavSink, Failure> {
        let spec = Spec { sample_format, ..self.info.spec };
        WavSink::create(output, self.files.existing, &spec, self.info.n_frames, source.metadata())
    }
}

impl Channel {
    /// Codes `x`, decodes the bytes into `y`; the number of bytes. NaN in `x` becomes 0, infinity full scale.
    fn packet(&mut self, x: &mut [f64], y: &mut [f64]) -> u64 {
        for x in x.iter_mut().filter(|x| !x.is_finite()) {
            *x = if x.is_nan() { 0.0 } else { x.signum() };
            self.n_not_finite += 1;
        }
        let bytes = self.encoder.encode(x);
        self.decoder.decode(&bytes, y);
        self.statistics.push(x, y);
        bytes.len() as u64
    }
}

fn report(args: &QuantizeArgs, files: Files, info: &Info, measured: Measured, seconds: f64) -> FileReport {
    let rate_bits = measured.rate_bits(info.spec.channels);
    let name = args.settings.method.name();
    let line = format!(
        "{} -> {}  {name}, {} coded, {rate_bits:.3} bits a sample  {}  {seconds:.2} s",
        files.input.display(),
        files.output.display(),
        units::bytes(measured.coded_bytes),
        fidelity(measured.total.snr_db),
    );
    let mut object = json_object(&measured.total);
    object.extend(Map::from_iter([
        ("sample_rate_hz".to_owned(), json!(info.spec.sample_rate_hz)),
        ("channels".to_owned(), json!(info.spec.channels)),
        ("duration_s".to_owned(), json!(measured.n_frames as f64 / f64::from(info.spec.sample_rate_hz))),
        ("bits".to_owned(), json!(args.settings.bits)),
        ("method".to_owned(), json!(name)),
        ("rate_bits".to_owned(), json!(rate_bits)),
        ("coded_bytes".to_owned(), json!(measured.coded_bytes)),
        ("table_bytes".to_owned(), json!(BYTES_PER_NUMBER * measured.n_numbers)),
        ("bytes".to_owned(), json!(measured.written.bytes)),
    ]));
    if let Some(error) = files.error {
        object.insert("error_output".into(), Value::String(error.display()));
    }
    let read = std::fs::metadata(&files.input.path).ok().filter(|m| m.is_file()).map_or(0, |m| m.len());
    FileReport {
        line: Some(line),
        json: object,
        warnings: measured.written.warnings,
        bytes: Some((read, measured.written.bytes)),
        ..FileReport::default()
    }
}
