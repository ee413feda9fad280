//! `design codebook --dimension`: vectors of neighbouring samples, learnt from files.

use std::path::Path;

use serde_json::{Value, json};

use sqnr::{
    chain::training,
    quantizer::{Training, VectorCodebook, VectorFile},
};

use crate::{
    batch,
    exit::Failure,
    inputs::Input,
    outputs::Output,
    source::{Passes, Rereadable},
};

/// Vectors to learn from, for each code vector.
const VECTORS_PER_CODE: usize = 64;
/// Steps of Lloyd's algorithm at most.
const MAX_ITERATIONS: usize = 50;

/// Code vectors and what they do to the vectors they were learnt from.
pub struct VectorDesign {
    pub file: VectorFile,
    mse: f64,
    snr_db: f64,
}

/// Learns `n_codes` vectors from all inputs alike.
pub fn design(inputs: &[Input], source: &str, dimension: usize, n_codes: usize) -> Result<VectorDesign, Failure> {
    let each = (VECTORS_PER_CODE * n_codes).div_ceil(inputs.len().max(1));
    let mut data = Vec::new();
    for input in inputs {
        let file = Rereadable::new(input, Passes::Several)?;
        data.extend(training::vectors(&file, dimension, each).map_err(|error| Failure::of(error, &input.path))?);
    }
    let name = inputs.first().map_or(Path::new("-"), |input| &input.path);
    let wrong = |error| Failure::compute(name, error);
    let plan = Training { n_codes, max_iterations: MAX_ITERATIONS, ..Training::default() };
    let codebook = VectorCodebook::train(dimension, &data, &plan).map_err(wrong)?;
    let mut error = 0.0;
    for vector in data.chunks_exact(dimension) {
        error += codebook.nearest(vector).map_err(wrong)?.1;
    }
    let power: f64 = data.iter().map(|x| x * x).sum();
    let mse = error / data.len() as f64;
    let file = VectorFile { codebook, mse: Some(mse), source: Some(source.to_owned()) };
    Ok(VectorDesign { file, mse, snr_db: 10.0 * (power / error).log10() })
}

impl VectorDesign {
    /// Bits a sample of codes of one length.
    fn rate_bits(&self) -> f64 {
        (self.file.codebook.n_codes() as f64).log2() / self.file.codebook.dimension() as f64
    }

    pub fn table(&self) -> String {
        let codebook = &self.file.codebook;
        let row = |name: &str, value: String| format!("{name:<12}{value}\n");
        [
            row("source", self.file.source.clone().unwrap_or_default()),
            row("codes", format!("{} vectors of {} samples", codebook.n_codes(), codebook.dimension())),
            row("rate", format!("{:.4} bits a sample", self.rate_bits())),
            row("MSE", format!("{:.9e}", self.mse)),
            row("SQNR", format!("{:.4} dB", self.snr_db)),
            row("optimality", "a local optimum".into()),
        ]
        .concat()
    }

    pub fn json(&self, output: &Output) -> Value {
        let codebook = &self.file.codebook;
        json!({
            "schema": batch::JSON_SCHEMA,
            "command": "design codebook",
            "output": output.display(),
            "recipe": batch::json_recipe_of_design(output),
            "source": self.file.source,
            "dimension": codebook.dimension(),
            "codes": codebook.codes().chunks_exact(codebook.dimension()).collect::<Vec<_>>(),
            "rate_bits": self.rate_bits(),
            "mse": self.mse,
            "snr_db": Some(self.snr_db).filter(|db| db.is_finite()),
            "certificate": "local",
            "warnings": [],
        })
    }
}
