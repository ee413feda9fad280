//! `quantize --format`: tensors and audio in a number format, and what that cost.

use std::{fs, time::Instant};

use clap::{Args, ValueEnum};
use serde_json::{Map, Value, json};

use sqnr::{
    number_format::{
        Granularity, NumberFormat, Reconstruction,
        affine::{ScaleRule, Symmetry},
        block_float::ExponentRule,
        calibration::Calibration,
        tensor_file::{Tensor, TensorFile, TensorFileKind},
    },
    wav::{SampleFormat, Spec},
};

use super::{
    super::{
        batch::{Batch, Conversion, FileReport},
        exit::{Exit, Failure},
        inputs::{self, Input},
        options::Global,
        outputs::{self, Existing, Output},
        sink::{self, WavSink},
        source, units,
    },
    QuantizeArgs,
    coders::CoderName,
};

/// Options of the number formats.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Number formats")]
pub struct FormatArgs {
    /// A number format or coder instead: bf16, fp8-e4m3, mxfp4, int8, q3.12, dsd64, ima, g726-32 ...
    ///
    /// Number formats take audio, .npy, .npz and .safetensors. Coders take audio: dsd64, dsd128, dsd256 write a .dsf file (or the
    /// reconstruction, if the output is a .wav), ima and ima-multiply a WAV file in IMA ADPCM for decoders that add or multiply;
    /// g726-16 to -40, g722, g722-56, g722-48, jayant-2 to -4 write the reconstruction.
    #[arg(
        long,
        value_name = "NAME",
        value_parser = parse_format,
        conflicts_with_all = ["bits", "levels", "method", "law", "compression", "dither", "shape", "container", "error"]
    )]
    pub format: Option<NamedFormat>,
    /// For integers: what shares a scale; tensor, channel (first axis) or group:N
    #[arg(long, value_name = "WHAT", default_value = "tensor", value_parser = parse_granularity, requires = "format")]
    granularity: Granularity,
    /// For integers: where the range comes from; min-max, percentile:P, entropy, histogram, mse
    #[arg(long, value_name = "HOW", default_value = "min-max", value_parser = parse_calibration, requires = "format")]
    calibration: Calibration,
    /// For integers: zero point in the middle
    #[arg(long, requires = "format")]
    symmetric: bool,
    /// For integers: whose arithmetic makes the scale
    #[arg(long, value_name = "TOOL", default_value = "onnxruntime", requires = "format")]
    rule: RuleName,
    /// For ima and dsd: paths of the look-ahead; 1 is the plain coder [default: ima 32, dsd 1]
    #[arg(long, value_name = "N", hide_short_help = true)]
    pub paths: Option<usize>,
    /// For MX blocks: the shared exponent
    #[arg(long, value_name = "RULE", default_value = "floor", requires = "format")]
    exponent: ExponentName,
}

/// A format and the name it was asked for by.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedFormat {
    pub name: String,
    pub format: Format,
}

/// What `--format` names.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Format {
    /// Of each number, or of blocks of them.
    Number(NumberFormat),
    /// Of audio, by a coder that remembers.
    Coder(CoderName),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum RuleName {
    Onnxruntime,
    Pytorch,
    Tflite,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ExponentName {
    /// That of the OCP specification
    Floor,
    /// The one of five with the least error
    Best,
}

fn parse_format(text: &str) -> Result<NamedFormat, String> {
    let name = text.to_ascii_lowercase();
    let format = match CoderName::parse(&name) {
        Some(coder) => Format::Coder(coder),
        None => Format::Number(NumberFormat::parse(text).map_err(|error| with_coders(&error))?),
    };
    Ok(NamedFormat { name, format })
}

/// The message of a name that is no number format's, with the coders' names.
fn with_coders(error: &sqnr::Error) -> String {
    format!("{error}, {}", CoderName::names().join(", "))
}

fn parse_granularity(text: &str) -> Result<Granularity, String> {
    match text.split_once(':') {
        None if text == "tensor" => Ok(Granularity::Tensor),
        None if text == "channel" => Ok(Granularity::Channel { axis: 0 }),
        Some(("group", len)) => match len.parse() {
            Ok(len @ 1..) => Ok(Granularity::Group { len }),
            _ => Err(format!("'{len}' is no group length; 1 and above")),
        },
        _ => Err("tensor, channel or group:N".into()),
    }
}

fn parse_calibration(text: &str) -> Result<Calibration, String> {
    match text.split_once(':') {
        None if text == "min-max" => Ok(Calibration::MinMax),
        None if text == "mse" => Ok(Calibration::LeastSquares),
        None if text == "histogram" => Ok(Calibration::HistogramObserver),
        None if text == "entropy" => Ok(Calibration::Entropy { n_bins: 2048, n_quantized_bins: 128 }),
        Some(("percentile", percent)) => match percent.parse() {
            Ok(percent) if percent > 0.0 && percent <= 100.0 => Ok(Calibration::Percentile { percent, n_bins: 2048 }),
            _ => Err(format!("'{percent}' is no percentile; above 0 to 100")),
        },
        _ => Err("min-max, percentile:P, entropy, histogram or mse".into()),
    }
}

impl FormatArgs {
    /// The format with the options applied.
    fn resolve(&self, format: NumberFormat) -> NumberFormat {
        match format {
            NumberFormat::Affine(mut options) => {
                options.granularity = self.granularity;
                options.calibration = self.calibration;
                options.symmetry = if self.symmetric { Symmetry::Symmetric } else { Symmetry::Asymmetric };
                options.rule = match self.rule {
                    RuleName::Onnxruntime => ScaleRule::OnnxRuntime,
                    RuleName::Pytorch => ScaleRule::PyTorch,
                    RuleName::Tflite => ScaleRule::TensorFlowLite,
                };
                NumberFormat::Affine(options)
            }
            NumberFormat::Block(block, _) if self.exponent == ExponentName::Best => {
                NumberFormat::Block(block, ExponentRule::Best)
            }
            other => other,
        }
    }
}

/// Runs `quantize --format`.
pub fn run(args: &QuantizeArgs, name: &str, format: NumberFormat, global: &Global) -> Result<Exit, Failure> {
    let format = args.number_format.resolve(format);
    let inputs = inputs::collect(&args.inputs)?;
    let planned = outputs::plan(&inputs, &args.outputs, &suffix(&inputs, name)?)?;
    let batch = Batch { command: "quantize", global, inputs: &args.inputs };
    batch.convert(inputs, planned, &args.outputs, |Conversion { input, output, existing }, _| {
        let started = Instant::now();
        let mut total = Total::default();
        match TensorFileKind::of_path(&input.path) {
            Some(kind) => tensors(input, kind, output, existing, &format, &mut total)?,
            None => audio(input, output, existing, &format, &mut total)?,
        }
        Ok(total.report(input, output, name, started.elapsed().as_secs_f64()))
    })
}

/// `.bf16.wav` for audio, `.bf16.npy` for arrays: all inputs must end alike.
fn suffix(inputs: &[Input], name: &str) -> Result<String, Failure> {
    let ending = |input: &Input| match TensorFileKind::of_path(&input.path) {
        None => "wav",
        Some(TensorFileKind::Npy) => "npy",
        Some(TensorFileKind::Npz | TensorFileKind::NpzCompressed) => "npz",
        Some(TensorFileKind::Safetensors) => "safetensors",
    };
    let first = inputs.first().map_or("wav", ending);
    match inputs.iter().find(|input| ending(input) != first) {
        Some(other) => {
            Err(Failure::usage(format!("{}: take audio and tensor files of each kind apart", other.display())))
        }
        None => Ok(format!(".{name}.{first}")),
    }
}

/// What all tensors of a file came to.
#[derive(Default)]
struct Total {
    n_values: u64,
    n_bits: f64,
    n_not_finite: usize,
    n_untouched: usize,
    signal: f64,
    error: f64,
    details: Vec<Value>,
    bytes: (u64, u64),
}

impl Total {
    fn add(&mut self, name: &str, x: &[f32], y: &Reconstruction) {
        let finite = || x.iter().zip(&y.values).filter(|(x, _)| x.is_finite());
        let signal: f64 = finite().map(|(&x, _)| f64::from(x).powi(2)).sum();
        let error: f64 = finite().map(|(&x, &y)| (f64::from(y) - f64::from(x)).powi(2)).sum();
        self.details.push(json!({
            "name": name,
            "values": x.len(),
            "bits_per_value": per_value(y.n_bits, x.len() as u64),
            "snr_db": snr_db(signal, error),
        }));
        self.n_values += x.len() as u64;
        self.n_bits += y.n_bits;
        self.n_not_finite += y.n_not_finite;
        self.signal += signal;
        self.error += error;
    }

    fn report(self, input: &Input, output: &Output, format: &str, seconds: f64) -> FileReport {
        let snr = snr_db(self.signal, self.error);
        let fidelity = snr.map_or_else(|| "no SNR".into(), |db| format!("SNR {}", units::db(db)));
        let bits = per_value(self.n_bits, self.n_values);
        let line = format!(
            "{} -> {}  {format}, {} bits a value  {} values  {fidelity}  {seconds:.2} s",
            input.display(),
            output.display(),
            bits.map_or_else(|| "no".into(), |bits| format!("{bits:.4}")),
            self.n_values,
        );
        let mut warnings = Vec::new();
        if self.n_not_finite > 0 {
            warnings.push(format!("{} values not finite: NaN taken as 0, infinity as the largest", self.n_not_finite));
        }
        if self.n_untouched > 0 {
            warnings.push(format!("{} tensors are no floats: kept as they are", self.n_untouched));
        }
        FileReport {
            line: Some(line),
            json: self.json(format, snr),
            warnings,
            bytes: Some(self.bytes),
            ..FileReport::default()
        }
    }

    fn json(&self, format: &str, snr: Option<f64>) -> Map<String, Value> {
        let mut object = Map::from_iter([
            ("format".to_owned(), json!(format)),
            ("values".to_owned(), json!(self.n_values)),
            ("bits_per_value".to_owned(), json!(per_value(self.n_bits, self.n_values))),
            ("snr_db".to_owned(), json!(snr)),
            ("mse".to_owned(), json!((self.n_values > 0).then(|| self.error / self.n_values as f64))),
            ("not_finite".to_owned(), json!(self.n_not_finite)),
            ("bytes".to_owned(), json!(self.bytes.1)),
            ("tensors".to_owned(), json!(self.details)),
        ]);
        if snr.is_none() {
            let why = if self.error == 0.0 { "the error is zero" } else { "the input is silent" };
            object.insert("reasons".into(), json!({ "snr_db": why }));
        }
        object
    }
}

fn per_value(n_bits: f64, n_values: u64) -> Option<f64> {
    (n_values > 0).then(|| n_bits / n_values as f64)
}

fn snr_db(signal: f64, error: f64) -> Option<f64> {
    (signal > 0.0 && error > 0.0).then(|| 10.0 * (signal / error).log10())
}

fn tensors(
    input: &Input,
    kind: TensorFileKind,
    output: &Output,
    existing: Existing,
    format: &NumberFormat,
    total: &mut Total,
) -> Result<(), Failure> {
    let wrong = |error| Failure::compute(&input.path, error);
    let size = fs::metadata(&input.path).map_err(|error| Failure::input(&input.path, error))?.len();
    if size > sqnr::number_format::tensor_file::MAX_TENSOR_BYTES {
        return Err(Failure::input(&input.path, format!("{size} bytes are too many; the limit is 2 GiB")));
    }
    let bytes = fs::read(&input.path).map_err(|error| Failure::input(&input.path, error))?;
    let mut file = TensorFile::from_bytes(&bytes, kind).map_err(|error| Failure::input(&input.path, error))?;
    for tensor in &mut file.tensors {
        quantize_tensor(tensor, format, total).map_err(wrong)?;
    }
    let result = file.to_bytes().map_err(wrong)?;
    total.bytes = (size, result.len() as u64);
    sink::write_bytes(output, existing, &result)
}

fn quantize_tensor(tensor: &mut Tensor, format: &NumberFormat, total: &mut Total) -> sqnr::Result<()> {
    if !tensor.dtype().is_float() {
        total.n_untouched += 1;
        return Ok(());
    }
    let x = tensor.values()?;
    let shape = if tensor.shape().is_empty() { vec![1] } else { tensor.shape().to_vec() };
    let y = format.quantize(&x, &shape)?;
    tensor.set_values(&y.values)?;
    total.add(tensor.name(), &x, &y);
    Ok(())
}

/// Samples per channel that are read at once.
const BLOCK: usize = 1 << 16;

/// Audio is a tensor of channels by samples; scales may need all of it, so it is read whole.
fn audio(
    input: &Input,
    output: &Output,
    existing: Existing,
    format: &NumberFormat,
    total: &mut Total,
) -> Result<(), Failure> {
    let mut source = source::open(input)?;
    let info = source.info().clone();
    let n_channels = usize::from(info.spec.channels);
    let mut channels: Vec<Vec<f32>> = vec![Vec::new(); n_channels];
    let mut block = vec![Vec::new(); n_channels];
    while source.read_planar(&mut block, BLOCK).map_err(|error| source::unreadable(input, error))? > 0 {
        for (channel, block) in channels.iter_mut().zip(&block) {
            channel.extend(block.iter().map(|&x| x as f32));
        }
    }
    let n_frames = channels[0].len();
    let x = channels.concat();
    let y = format.quantize(&x, &[n_channels, n_frames]).map_err(|error| Failure::compute(&input.path, error))?;
    let spec = Spec { sample_format: SampleFormat::FLOAT32, ..info.spec };
    let mut sink = WavSink::create(output, existing, &spec, Some(n_frames as u64), source.metadata())?;
    for start in (0..n_frames).step_by(BLOCK) {
        let end = n_frames.min(start + BLOCK);
        let part =
            |c: usize| y.values[c * n_frames + start..c * n_frames + end].iter().map(|&y| f64::from(y)).collect();
        sink.write_planar(&(0..n_channels).map(part).collect::<Vec<Vec<f64>>>())?;
    }
    total.add("", &x, &y);
    let written = sink.finish(&source.metadata().after_data)?;
    let read = fs::metadata(&input.path).ok().filter(|m| m.is_file()).map_or(0, |m| m.len());
    total.bytes = (read, written.bytes);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_become_options() {
        assert_eq!(parse_granularity("group:32"), Ok(Granularity::Group { len: 32 }));
        assert!(parse_granularity("group:0").is_err() && parse_granularity("row").is_err());
        assert_eq!(parse_calibration("mse"), Ok(Calibration::LeastSquares));
        assert!(parse_calibration("percentile:0").is_err() && parse_calibration("percentile:x").is_err());
        assert_eq!(parse_format("BF16").expect("a name").name, "bf16");
        assert!(parse_format("bf17").is_err());
    }
}
