//! `quantize` by coders that remember: one-bit modulators, ADPCM, DPCM. Coded file or reconstruction, and what it cost.

mod adpcm;
mod modulated;

use std::{io::Write, path::Path, time::Instant};

use serde_json::json;

use sqnr::{
    analysis::error_statistics::{ErrorStatistics, Settings as StatisticsSettings},
    atomic_file::AtomicFile,
    audio_file::Info,
    predictive::{ImaDecoding, Predictor},
    wav::Metadata,
};

use super::{
    super::{
        batch::{self, Batch, Conversion, FileReport},
        design_file::{Design, ModulatorDesign},
        exit::{Exit, Failure},
        inputs::{self, Input},
        options::Global,
        outputs::{self, Existing, Output},
        progress::FileProgress,
        sink, source, units,
    },
    QuantizeArgs, fidelity,
};

/// A coder that `--format` names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CoderName {
    /// One bit at this many times 44.1 or 48 kHz.
    Dsd(usize),
    Ima(ImaDecoding),
    /// Bits a sample.
    G726(u32),
    /// Bits of two samples.
    G722(u32),
    /// Bits a sample.
    Jayant(u32),
}

const NAMES: [(&str, CoderName); 15] = [
    ("dsd64", CoderName::Dsd(64)),
    ("dsd128", CoderName::Dsd(128)),
    ("dsd256", CoderName::Dsd(256)),
    ("ima", CoderName::Ima(ImaDecoding::Additive)),
    ("ima-multiply", CoderName::Ima(ImaDecoding::Multiplicative)),
    ("g726-16", CoderName::G726(2)),
    ("g726-24", CoderName::G726(3)),
    ("g726-32", CoderName::G726(4)),
    ("g726-40", CoderName::G726(5)),
    ("g722", CoderName::G722(8)),
    ("g722-56", CoderName::G722(7)),
    ("g722-48", CoderName::G722(6)),
    ("jayant-2", CoderName::Jayant(2)),
    ("jayant-3", CoderName::Jayant(3)),
    ("jayant-4", CoderName::Jayant(4)),
];

impl CoderName {
    /// The coder of a name, if there is one.
    pub fn parse(name: &str) -> Option<Self> {
        NAMES.iter().find(|(known, _)| *known == name).map(|(_, coder)| *coder)
    }

    /// The names that `parse` knows.
    pub fn names() -> Vec<&'static str> {
        NAMES.iter().map(|(name, _)| *name).collect()
    }
}

/// What codes a file.
#[derive(Debug, Clone)]
pub enum Coder {
    Named(CoderName),
    Modulator(ModulatorDesign),
    Dpcm { predictor: Predictor, bits: u32 },
}

impl Coder {
    /// The coder of a design file, if it holds one: a codebook is a quantizer, a shaper neither.
    pub fn of_design(design: Design, bits: Option<u32>) -> Result<Option<Self>, Failure> {
        match (design, bits) {
            (Design::Modulator(_), Some(_)) => {
                Err(Failure::usage("the modulator's file says how many levels; leave -b and --levels out"))
            }
            (Design::Modulator(modulator), None) => Ok(Some(Self::Modulator(modulator))),
            (Design::Predictor(predictor), bits) => match bits.unwrap_or(4) {
                bits @ 2..=4 => Ok(Some(Self::Dpcm { predictor, bits })),
                bits => Err(Failure::usage(format!("-b {bits}: DPCM has 2 to 4 bits"))),
            },
            (Design::Codebook(_) | Design::Shaper(_), _) => Ok(None),
        }
    }

    /// What the default output's name ends in.
    fn suffix(&self, name: &str) -> String {
        match self {
            Self::Named(CoderName::Dsd(_)) => format!(".{name}.dsf"),
            Self::Named(_) => format!(".{name}.wav"),
            Self::Modulator(_) | Self::Dpcm { .. } => ".q.wav".into(),
        }
    }
}

/// Codes blocks of a file into its output.
trait Coding {
    /// Takes a block, one vector per channel, finite numbers; appends the reconstruction that is ready to `y`.
    fn push(&mut self, x: &[Vec<f64>], y: &mut [Vec<f64>]) -> Result<(), Failure>;

    /// Appends the rest of the reconstruction, and lets the file appear.
    fn finish(self: Box<Self>, y: &mut [Vec<f64>]) -> Result<Ended, Failure>;
}

/// What is known at the end.
struct Ended {
    bytes: u64,
    warnings: Vec<String>,
}

/// Where and for what a coding begins.
struct Beginning<'a> {
    info: &'a Info,
    metadata: &'a Metadata,
    input: &'a Input,
    output: &'a Output,
    existing: Existing,
    /// Paths of a look-ahead, as asked for.
    n_paths: Option<usize>,
}

impl Beginning<'_> {
    fn wrong(&self, error: sqnr::Error) -> Failure {
        Failure::compute(&self.input.path, error)
    }

    fn n_channels(&self) -> usize {
        usize::from(self.info.spec.channels)
    }

    /// The file under its temporary name; coded formats have sizes in their heads that are known at the end.
    fn seekable_file(&self) -> Result<AtomicFile, Failure> {
        let Output::File(path) = self.output else {
            return Err(Failure::usage("this format's head is written last; name a file with -o"));
        };
        let file = sink::create(path, self.existing)?;
        match file.is_seekable() {
            true => Ok(file),
            false => Err(Failure::output(path, "this format's head is written last; name a file, not a pipe")),
        }
    }
}

fn committed(file: AtomicFile) -> Result<u64, Failure> {
    let path = file.path().to_path_buf();
    file.commit().map_err(|error| sink::unwritable(&path, error))?;
    Ok(std::fs::metadata(&path).map_or(0, |m| m.len()))
}

fn write_all(file: &mut AtomicFile, bytes: &[u8]) -> Result<(), Failure> {
    file.write_all(bytes).map_err(|error| Failure::output(file.path(), error))
}

/// Runs `quantize` with a coder called `name`.
pub fn run(args: &QuantizeArgs, name: &str, coder: &Coder, global: &Global) -> Result<Exit, Failure> {
    if args.error.is_some() {
        return Err(Failure::usage(
            "--error is for methods with a bit depth; compare the output with the input instead",
        ));
    }
    let inputs = inputs::collect(&args.inputs)?;
    let planned = outputs::plan(&inputs, &args.outputs, &coder.suffix(name))?;
    let batch = Batch { command: "quantize", global, inputs: &args.inputs };
    let n_paths = args.number_format.paths;
    batch.convert(inputs, planned, &args.outputs, |conversion, progress| {
        one_file(coder, name, n_paths, conversion, progress)
    })
}

/// Samples per channel that are read at once.
const BLOCK: usize = 1 << 13;

fn one_file(
    coder: &Coder,
    name: &str,
    n_paths: Option<usize>,
    Conversion { input, output, existing }: Conversion,
    progress: &FileProgress,
) -> Result<FileReport, Failure> {
    let started = Instant::now();
    let mut source = source::open(input)?;
    let info = source.info().clone();
    let metadata = source.metadata().clone();
    let beginning = Beginning { info: &info, metadata: &metadata, input, output, existing, n_paths };
    let mut coding = begin(coder, &beginning)?;
    let mut meter = Meter::new(beginning.n_channels()).map_err(|error| beginning.wrong(error))?;
    let (mut x, mut y) = (Vec::new(), vec![Vec::new(); beginning.n_channels()]);
    while source.read_planar(&mut x, BLOCK).map_err(|error| source::unreadable(input, error))? > 0 {
        meter.expect(&mut x);
        coding.push(&x, &mut y)?;
        meter.compare(&mut y);
        progress.at(meter.n_frames, info.n_frames, info.spec.sample_rate_hz);
    }
    let mut ended = coding.finish(&mut y)?;
    meter.compare(&mut y);
    ended.warnings.extend(source.warnings().iter().cloned());
    Ok(meter.report(input, output, name, &info, ended, started.elapsed().as_secs_f64()))
}

fn begin(coder: &Coder, beginning: &Beginning) -> Result<Box<dyn Coding>, Failure> {
    match coder {
        Coder::Named(CoderName::Dsd(multiple)) => modulated::dsd(beginning, *multiple),
        Coder::Modulator(design) => modulated::designed(beginning, design),
        Coder::Named(CoderName::Ima(decoding)) => adpcm::ima(beginning, *decoding),
        Coder::Named(CoderName::G726(bits)) => adpcm::g726(beginning, *bits),
        Coder::Named(CoderName::G722(bits)) => adpcm::g722(beginning, *bits),
        Coder::Named(CoderName::Jayant(bits)) => adpcm::jayant(beginning, *bits),
        Coder::Dpcm { predictor, bits } => adpcm::dpcm(beginning, predictor, *bits),
    }
}

/// Holds what was read until its reconstruction comes.
struct Meter {
    waiting: Vec<Vec<f64>>,
    statistics: Vec<ErrorStatistics>,
    n_frames: u64,
    n_clipped: u64,
    n_nan: u64,
}

impl Meter {
    fn new(n_channels: usize) -> sqnr::Result<Self> {
        let statistics = (0..n_channels).map(|_| ErrorStatistics::new(StatisticsSettings::default()));
        let statistics = statistics.collect::<sqnr::Result<_>>()?;
        Ok(Self { waiting: vec![Vec::new(); n_channels], statistics, n_frames: 0, n_clipped: 0, n_nan: 0 })
    }

    /// NaN becomes 0, infinity twice full scale, as the coders take them.
    fn expect(&mut self, x: &mut [Vec<f64>]) {
        self.n_frames += x[0].len() as u64;
        for (waiting, x) in self.waiting.iter_mut().zip(x) {
            for x in x.iter_mut() {
                self.n_nan += u64::from(x.is_nan());
                self.n_clipped += u64::from(x.abs() > 1.0);
                *x = if x.is_nan() { 0.0 } else { x.clamp(-2.0, 2.0) };
            }
            waiting.extend_from_slice(x);
        }
    }

    fn compare(&mut self, y: &mut [Vec<f64>]) {
        for ((waiting, statistics), y) in self.waiting.iter_mut().zip(&mut self.statistics).zip(y) {
            // A coder in pairs of samples may give one more than came.
            let n = y.len().min(waiting.len());
            statistics.push(&waiting[..n], &y[..n]);
            waiting.drain(..n);
            y.clear();
        }
    }

    fn report(self, input: &Input, output: &Output, name: &str, info: &Info, ended: Ended, seconds: f64) -> FileReport {
        let mut total = self.statistics[0].clone();
        self.statistics[1..].iter().for_each(|channel| total.merge(channel));
        let figures = total.figures();
        let duration_s = self.n_frames as f64 / f64::from(info.spec.sample_rate_hz);
        let n_read = std::fs::metadata(&input.path).ok().filter(|m| m.is_file()).map_or(0, |m| m.len());
        let line = format!(
            "{} -> {}  {}  {name}  {}  {seconds:.2} s ({:.0}x)",
            input.display(),
            output.display(),
            units::bytes(ended.bytes),
            fidelity(figures.snr_db),
            duration_s / seconds.max(1e-9),
        );
        let mut json = batch::json_object(&figures);
        json.extend([
            ("format".to_owned(), json!(name)),
            ("sample_rate_hz".to_owned(), json!(info.spec.sample_rate_hz)),
            ("channels".to_owned(), json!(info.spec.channels)),
            ("duration_s".to_owned(), json!(duration_s)),
            ("clipped_samples".to_owned(), json!(self.n_clipped)),
            ("nan_samples".to_owned(), json!(self.n_nan)),
            ("bytes".to_owned(), json!(ended.bytes)),
        ]);
        let mut warnings = ended.warnings;
        if self.n_clipped > 0 {
            warnings.push(format!("{} samples beyond full scale", self.n_clipped));
        }
        if self.n_nan > 0 {
            warnings.push(format!("{} samples not a number: taken as 0", self.n_nan));
        }
        FileReport { line: Some(line), json, warnings, bytes: Some((n_read, ended.bytes)), ..FileReport::default() }
    }
}

/// True for a path that ends in `.dsf`.
fn is_dsf(path: &Path) -> bool {
    path.extension().is_some_and(|e| e.eq_ignore_ascii_case("dsf"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coders_have_names() {
        assert_eq!(CoderName::parse("dsd64"), Some(CoderName::Dsd(64)));
        assert_eq!(CoderName::parse("g726-32"), Some(CoderName::G726(4)));
        assert_eq!(CoderName::parse("bf16"), None);
        assert_eq!(Coder::Named(CoderName::Dsd(64)).suffix("dsd64"), ".dsd64.dsf");
    }
}
