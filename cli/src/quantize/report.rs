//! What `quantize` says of a file: one line, and JSON.

use serde_json::{Map, Value, json};

use sqnr::{
    analysis::{Absent, Figure},
    chain::{Cost, Form},
    recipe::{DitherChoice, Method, Recipe, Word},
};

use super::{
    super::{
        batch::{self, FileReport},
        units,
    },
    Converted, Files,
};

/// The report of a file that was quantized with `recipe` in so many seconds.
pub fn of(recipe: &Recipe, files: Files, done: &Converted, seconds: f64) -> FileReport {
    let parts = [sizes(files, done), description(recipe, done), fidelity(done.outcome.figures.snr_db)];
    let speed = duration_s(done) / seconds.max(1e-9);
    let line = format!(
        "{} -> {}  {}  {seconds:.2} s ({speed:.0}x)",
        files.input.display(),
        files.output.display(),
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("  "),
    );
    FileReport {
        line: Some(line),
        json: json(recipe, files, done),
        warnings: done.warnings.clone(),
        bytes: Some(done.bytes),
        ..FileReport::default()
    }
}

fn duration_s(done: &Converted) -> f64 {
    done.outcome.n_frames as f64 / f64::from(done.sample_rate_hz)
}

/// `882.0 kB -> 441.0 kB`, of coders what was written; nothing for methods whose file is larger than what they code.
fn sizes(files: Files, done: &Converted) -> String {
    match (done.chain.as_pcm(), done.outcome.cost) {
        (_, Some(_)) => String::new(),
        (None, None) => units::bytes(done.bytes.1),
        (Some(_), None) => {
            let read = files.input.size().map_or_else(String::new, |n| format!("{} -> ", units::bytes(n)));
            format!("{read}{}", units::bytes(done.bytes.1))
        }
    }
}

/// What was done, with what coding took.
fn description(recipe: &Recipe, done: &Converted) -> String {
    let what = &done.outcome.description;
    match (&recipe.method, done.outcome.cost) {
        (_, None) => what.clone(),
        (Method::Format(_), Some(cost)) => {
            let bits = bits_per_sample(cost, done).map_or_else(|| "no".into(), |bits| format!("{bits:.4}"));
            format!("{what}, {bits} bits a value  {} values", n_samples(done))
        }
        (_, Some(cost)) => {
            let coded = units::bytes(coded_bytes(cost));
            format!("{what}, {coded} coded, {:.3} bits a sample", bits_per_sample(cost, done).unwrap_or(0.0))
        }
    }
}

fn n_samples(done: &Converted) -> u64 {
    done.outcome.n_frames * u64::from(done.channels)
}

/// Bytes of codes and tables.
fn coded_bytes(cost: Cost) -> u64 {
    (cost.bits() / 8.0) as u64
}

fn bits_per_sample(cost: Cost, done: &Converted) -> Option<f64> {
    (n_samples(done) > 0).then(|| cost.bits() / n_samples(done) as f64)
}

/// `SNR 42.10 dB`, `bit-exact`, or why there is no figure.
pub fn fidelity(snr_db: Figure) -> String {
    match snr_db {
        Ok(value) => format!("SNR {}", units::db(value)),
        Err(Absent::NoError) => "bit-exact".into(),
        Err(why) => format!("no SNR: {why}"),
    }
}

fn json(recipe: &Recipe, files: Files, done: &Converted) -> Map<String, Value> {
    let outcome = &done.outcome;
    let mut object = batch::json_object(&outcome.figures);
    let details: Vec<Value> = outcome.per_channel.iter().map(|c| Value::Object(batch::json_object(c))).collect();
    object.extend([
        ("recipe".to_owned(), batch::json_recipe(recipe)),
        ("sample_rate_hz".to_owned(), done.sample_rate_hz.into()),
        ("channels".to_owned(), done.channels.into()),
        ("duration_s".to_owned(), json!(duration_s(done))),
        ("nan_samples".to_owned(), outcome.nan_samples.into()),
        ("infinite_samples".to_owned(), outcome.infinite_samples.into()),
        ("bytes".to_owned(), done.bytes.1.into()),
        ("channels_detail".to_owned(), details.into()),
    ]);
    if outcome.left_out_frames > 0 {
        object.insert("left_out_samples".into(), outcome.left_out_frames.into());
    }
    if let Some(clipped) = outcome.clipped_samples {
        object.insert("clipped_samples".into(), clipped.into());
    }
    object.extend(method_json(recipe, done));
    if let Some(cost) = outcome.cost {
        object.extend(cost_json(recipe, cost, done));
    }
    if let Some(error) = files.error {
        object.insert("error_output".into(), error.display().into());
    }
    object
}

/// The method or format by its name, and the quantizer's settings where it quantizes sample by sample.
fn method_json(recipe: &Recipe, done: &Converted) -> Map<String, Value> {
    let name = recipe.method.word();
    if let Method::Coder(_) | Method::Format(_) = recipe.method {
        return Map::from_iter([("format".to_owned(), name.into())]);
    }
    let mut object = Map::from_iter([("method".to_owned(), name.into()), ("bits".to_owned(), json!(recipe.bits()))]);
    if let Some(pcm) = done.chain.as_pcm() {
        object.insert("levels".into(), pcm.quantizer().n_levels().into());
        object.insert("dither".into(), DitherChoice::Of(pcm.dither()).word().into());
        object.insert("seed".into(), recipe.seed.into());
        // The range of a codebook follows its design: nothing is clipped, what lies beyond is counted all the same.
        object.entry("clipped_samples").or_insert_with(|| pcm.clipped_samples().into());
    }
    if let Form::Wav { spec, .. } = done.chain.form() {
        object.insert("container".into(), spec.sample_format.to_string().into());
    }
    object
}

fn cost_json(recipe: &Recipe, cost: Cost, done: &Converted) -> Map<String, Value> {
    let bits = json!(bits_per_sample(cost, done));
    let Method::Format(_) = recipe.method else {
        return Map::from_iter([
            ("rate_bits".to_owned(), bits),
            ("coded_bytes".to_owned(), coded_bytes(cost).into()),
            ("table_bytes".to_owned(), ((cost.table_bits / 8.0) as u64).into()),
        ]);
    };
    let not_finite = done.outcome.nan_samples + done.outcome.infinite_samples;
    let tensor = json!({
        "name": "", "values": n_samples(done), "bits_per_value": bits, "snr_db": done.outcome.figures.snr_db.ok(),
    });
    Map::from_iter([
        ("values".to_owned(), n_samples(done).into()),
        ("bits_per_value".to_owned(), bits),
        ("not_finite".to_owned(), not_finite.into()),
        ("tensors".to_owned(), json!([tensor])),
    ])
}
