//! `quantize --format` on .npy, .npz and .safetensors: what is read, written and said.

use std::{
    fs::{self, File},
    io::{self, Seek, SeekFrom, Write},
    path::Path,
    time::Instant,
};

use serde_json::{Map, Value, json};

use sqnr::{
    Error,
    analysis::Figure,
    atomic_file::AtomicFile,
    number_format::tensor_file::TensorFileKind,
    recipe::{NamedFormat, Recipe},
    task::{self, QuantizedTensors, TensorFigures},
};

use super::{
    super::{
        batch::{self, FileReport},
        exit::{Failure, display_path},
        outputs::Output,
        sink, source,
    },
    Files, report,
};

/// Members that a warning names.
const NAMED: usize = 3;

/// Quantizes one file of tensors into another.
pub fn one_file(
    recipe: &Recipe,
    named: &NamedFormat,
    kind: TensorFileKind,
    files: Files,
) -> Result<FileReport, Failure> {
    let started = Instant::now();
    let path = &files.input.path;
    let input = seekable(path)?;
    let size = input.metadata().map_err(|error| Failure::input(path, error))?.len();
    let (done, n_written) = match files.output {
        Output::File(output) => {
            let mut file = sink::create(output, files.existing)?;
            let done = quantize(named, kind, path, input, Named { file: &mut file, path: output })?;
            file.commit().map_err(|error| sink::unwritable(output, error))?;
            (done, fs::metadata(output).map_or(0, |meta| meta.len()))
        }
        Output::Stdout => {
            // A .npz is written back and forth; a pipe goes forth alone.
            let mut spool = temporary()?;
            let done = quantize(named, kind, path, input, &mut spool)?;
            spool
                .rewind()
                .and_then(|()| io::copy(&mut spool, &mut io::stdout().lock()))
                .map_err(|error| sink::unwritable(Path::new("standard output"), Error::stream(error)))?;
            (done, 0)
        }
    };
    let bits = done.total.bits_per_value();
    let line = format!(
        "{} -> {}  {}, {} bits a value  {} values  {}  {:.2} s",
        files.input.display(),
        files.output.display(),
        named.name,
        bits.map_or_else(|| "no".into(), |bits| format!("{bits:.4}")),
        done.total.n_values,
        report::fidelity(done.total.snr_db()),
        started.elapsed().as_secs_f64(),
    );
    Ok(FileReport {
        line: Some(line),
        json: json(recipe, &named.name, &done, n_written),
        warnings: warnings(&done),
        bytes: Some((size, n_written)),
        ..FileReport::default()
    })
}

fn quantize<W: Write + Seek>(
    named: &NamedFormat,
    kind: TensorFileKind,
    path: &Path,
    input: File,
    output: W,
) -> Result<QuantizedTensors, Failure> {
    task::quantize_tensors(input, output, kind, &named.format).map_err(|error| Failure::of(error, path))
}

/// The input as a file that can be read again; a pipe is kept in a temporary one.
fn seekable(path: &Path) -> Result<File, Failure> {
    let mut file = File::open(path).map_err(|error| source::unreadable_path(path, Error::stream(error)))?;
    if file.metadata().is_ok_and(|meta| meta.is_file()) {
        return Ok(file);
    }
    let mut spool = temporary()?;
    io::copy(&mut file, &mut spool).map_err(|error| Failure::input(path, error))?;
    Ok(spool)
}

fn temporary() -> Result<File, Failure> {
    tempfile::tempfile().map_err(|error| Failure::output(&std::env::temp_dir(), error))
}

/// An output whose errors carry its name.
struct Named<'a> {
    file: &'a mut AtomicFile,
    path: &'a Path,
}

impl Named<'_> {
    fn named(&self, error: io::Error) -> io::Error {
        io::Error::new(error.kind(), Error::stream(error).of_output(display_path(self.path)))
    }
}

impl Write for Named<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes).map_err(|error| self.named(error))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush().map_err(|error| self.named(error))
    }
}

impl Seek for Named<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to).map_err(|error| self.named(error))
    }
}

/// What stays as it is, by what it is; a few are named.
fn kept_warnings(done: &QuantizedTensors) -> Vec<String> {
    let mut whys: Vec<&str> = done.kept.iter().map(|kept| kept.why.as_str()).collect();
    whys.sort_unstable();
    whys.dedup();
    let warning = |why: &str| {
        let names: Vec<&str> = done.kept.iter().filter(|kept| kept.why == why).map(|kept| kept.name.as_str()).collect();
        let shown: Vec<String> = names.iter().take(NAMED).map(|name| format!("'{}'", name.escape_debug())).collect();
        let more = if names.len() > NAMED { ", ..." } else { "" };
        match names[..] {
            [""] => format!("the array is {why}: kept as it is"),
            [_] => format!("{} is {why}: kept as it is", shown[0]),
            _ => format!("{} members are {why}: kept as they are ({}{more})", names.len(), shown.join(", ")),
        }
    };
    whys.into_iter().map(warning).collect()
}

fn warnings(done: &QuantizedTensors) -> Vec<String> {
    let total = &done.total;
    let mut warnings = Vec::new();
    let mut warn = |n: u64, what: &str| match n {
        0 => {}
        1 => warnings.push(format!("1 value {what}")),
        n => warnings.push(format!("{n} values {what}")),
    };
    warn(total.n_not_finite, "not finite: NaN taken as 0, infinity as the largest");
    warn(total.tally.n_clipped, "beyond the largest of the format: clipped");
    warn(total.n_beyond_type, "beyond the largest of the tensor's own type after quantizing: clipped");
    warnings.extend(total.tally.warnings());
    warnings.extend(kept_warnings(done));
    warnings
}

fn json(recipe: &Recipe, format: &str, done: &QuantizedTensors, n_written: u64) -> Map<String, Value> {
    let tensor = |t: &TensorFigures| {
        json!({
            "name": t.name, "values": t.n_values, "bits_per_value": t.bits_per_value(), "snr_db": t.snr_db().ok(),
        })
    };
    let total = &done.total;
    let mut object = Map::from_iter([
        ("recipe".to_owned(), batch::json_recipe(recipe)),
        ("format".to_owned(), json!(format)),
        ("values".to_owned(), json!(total.n_values)),
        ("bits_per_value".to_owned(), json!(total.bits_per_value())),
        ("snr_db".to_owned(), json!(total.snr_db().ok())),
        ("mse".to_owned(), json!(total.mse().ok())),
        ("not_finite".to_owned(), json!(total.n_not_finite)),
        ("bytes".to_owned(), json!(n_written)),
        ("tensors".to_owned(), done.tensors.iter().map(tensor).collect()),
        ("kept".to_owned(), done.kept.iter().map(|kept| json!({ "name": kept.name, "why": kept.why })).collect()),
    ]);
    let reason = |name: &str, figure: Figure| Some((name.to_owned(), json!(figure.err()?.to_string())));
    let reasons: Map<String, Value> =
        [reason("snr_db", total.snr_db()), reason("mse", total.mse())].into_iter().flatten().collect();
    if !reasons.is_empty() {
        object.insert("reasons".into(), reasons.into());
    }
    object
}
