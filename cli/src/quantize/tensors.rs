//! `quantize --format` on .npy, .npz and .safetensors: what is read, written and said.

use std::{fs, time::Instant};

use serde_json::{Map, Value, json};

use sqnr::{
    analysis::Figure,
    number_format::tensor_file::TensorFileKind,
    recipe::{NamedFormat, Recipe},
    task::{self, QuantizedTensors, TensorFigures},
};

use super::{
    super::{
        batch::{self, FileReport},
        exit::Failure,
        sink,
    },
    Files, report,
};

/// Quantizes one file of tensors into another.
pub fn one_file(
    recipe: &Recipe,
    named: &NamedFormat,
    kind: TensorFileKind,
    files: Files,
) -> Result<FileReport, Failure> {
    let started = Instant::now();
    let path = &files.input.path;
    let size = fs::metadata(path).map_err(|error| Failure::input(path, error))?.len();
    task::check_size(size).map_err(|error| Failure::input(path, error))?;
    let bytes = fs::read(path).map_err(|error| Failure::input(path, error))?;
    let done = task::quantize_tensors(&bytes, kind, &named.format).map_err(|error| Failure::compute(path, error))?;
    sink::write_bytes(files.output, files.existing, &done.bytes)?;
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
        json: json(recipe, &named.name, &done),
        warnings: warnings(&done),
        bytes: Some((size, done.bytes.len() as u64)),
        ..FileReport::default()
    })
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
    if done.n_untouched > 0 {
        warnings.push(format!("{} tensors are not floats: kept as they are", done.n_untouched));
    }
    warnings
}

fn json(recipe: &Recipe, format: &str, done: &QuantizedTensors) -> Map<String, Value> {
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
        ("bytes".to_owned(), json!(done.bytes.len())),
        ("tensors".to_owned(), done.tensors.iter().map(tensor).collect()),
    ]);
    let reason = |name: &str, figure: Figure| Some((name.to_owned(), json!(figure.err()?.to_string())));
    let reasons: Map<String, Value> =
        [reason("snr_db", total.snr_db()), reason("mse", total.mse())].into_iter().flatten().collect();
    if !reasons.is_empty() {
        object.insert("reasons".into(), reasons.into());
    }
    object
}
