//! Reads what `design` wrote.

use std::{fs, path::Path};

use rustfft::num_complex::Complex64;
use serde_json::Value;

use super::{Design, DpcmDepth, ModulatorDesign};
use crate::{
    Error, Result,
    predictive::{Predictor, ScaledCodebook, StepRule},
    quantizer::{Codebook, CodebookFile, VectorFile},
    shaping::{ErrorFilter, delta_sigma::Ntf},
};

/// Largest file; 2^20 levels of a codebook take half of it.
const MAX_BYTES: u64 = 64 << 20;

/// Reads a design.
///
/// # Errors
/// `Input` with the file's name: `Io` when it cannot be read, `LimitExceeded` over 64 MiB, `Unsupported` when it is not a
/// design.
pub fn read_design(path: &Path) -> Result<Design> {
    let read = || parse(&text(path)?);
    read().map_err(|error| error.of_input(path.to_string_lossy()))
}

/// The text of a design; its size is checked before it is read.
fn text(path: &Path) -> Result<String> {
    let size = fs::metadata(path).map_err(Error::stream)?.len();
    if size > MAX_BYTES {
        return Err(Error::LimitExceeded { what: "size of a design in bytes", value: size, limit: MAX_BYTES });
    }
    fs::read_to_string(path).map_err(Error::stream)
}

fn unsupported(what: impl Into<String>) -> Error {
    Error::Unsupported { what: what.into() }
}

fn parse(text: &str) -> Result<Design> {
    if VectorFile::is_one(text) {
        return VectorFile::from_json(text).map(|file| Design::Vectors(file.codebook));
    }
    let object: Value = serde_json::from_str(text).map_err(|error| unsupported(format!("not JSON: {error}")))?;
    match object["kind"].as_str() {
        Some("noise-shaper") => ErrorFilter::from_feedback(&numbers(&object, "feedback")?).map(Design::Shaper),
        Some("predictor") => dpcm(&object).map(Design::Dpcm),
        Some("modulator") => modulator(&object).map(Design::Modulator),
        Some(other) => Err(unsupported(format!(
            "'{other}' is not a kind of design; noise-shaper, modulator, predictor or a codebook"
        ))),
        None => {
            CodebookFile::from_json(text).map(|file| Design::Codebook { codebook: file.codebook, source: file.source })
        }
    }
}

/// A design for each depth, or the coefficients alone: then Jayant's steps quantize at 2 to 4 bits.
fn dpcm(object: &Value) -> Result<Vec<DpcmDepth>> {
    if object["designs"].is_null() {
        let predictor = Predictor::new(numbers(object, "coefficients")?)?;
        let of_bits = |bits| {
            let quantizer = ScaledCodebook::jayant(bits, StepRule::Dpcm)?;
            Ok(DpcmDepth { bits, predictor: predictor.clone(), quantizer })
        };
        return (2..=4).map(of_bits).collect();
    }
    let designs = array(object, "designs")?.iter().map(dpcm_depth).collect::<Result<Vec<_>>>()?;
    match designs.is_empty() {
        true => Err(unsupported("\"designs\" is empty")),
        false => Ok(designs),
    }
}

fn dpcm_depth(object: &Value) -> Result<DpcmDepth> {
    let number = |key: &str| object[key].as_f64().ok_or_else(|| unsupported(format!("it has no number \"{key}\"")));
    let bits = object["bits"].as_u64().filter(|bits| (1..=8).contains(bits));
    let bits = bits.ok_or_else(|| unsupported(format!("\"bits\" is {}; allowed: whole, 1 to 8", object["bits"])))?;
    let codebook = Codebook::new(numbers(object, "levels")?, numbers(object, "thresholds")?)?;
    let range = (number("smallest_scale")?, number("largest_scale")?);
    Ok(DpcmDepth {
        bits: bits as u32,
        predictor: Predictor::new(numbers(object, "coefficients")?)?,
        quantizer: ScaledCodebook::new(codebook, numbers(object, "multipliers")?, number("first_scale")?, range)?,
    })
}

fn modulator(object: &Value) -> Result<ModulatorDesign> {
    let whole = |key: &str, most: u64| {
        let number = object[key].as_f64().filter(|x| (1.0..=most as f64).contains(x) && x.fract() == 0.0);
        let wrong = || unsupported(format!("\"{key}\" is {}; allowed: whole, 1 to {most}", object[key]));
        number.map(|x| x as usize).ok_or_else(wrong)
    };
    let ntf = Ntf::from_zeros_and_poles(roots(object, "zeros")?, roots(object, "poles")?);
    Ok(ModulatorDesign {
        ntf: ntf?,
        oversampling_ratio: whole("oversampling_ratio", 1024)?,
        n_levels: whole("levels", 65_536)? as u32,
        n_paths: if object["paths"].is_null() { 1 } else { whole("paths", 256)? },
    })
}

fn array<'a>(object: &'a Value, key: &str) -> Result<&'a Vec<Value>> {
    object[key].as_array().ok_or_else(|| unsupported(format!("it has no array \"{key}\"")))
}

fn numbers(object: &Value, key: &str) -> Result<Vec<f64>> {
    let numbers: Option<Vec<f64>> = array(object, key)?.iter().map(Value::as_f64).collect();
    numbers.ok_or_else(|| unsupported(format!("\"{key}\" holds something that is not a number")))
}

/// Complex numbers, each an array of real and imaginary part.
fn roots(object: &Value, key: &str) -> Result<Vec<Complex64>> {
    let root = |pair: &Value| Some(Complex64::new(pair[0].as_f64()?, pair[1].as_f64()?));
    let roots: Option<Vec<Complex64>> = array(object, key)?.iter().map(root).collect();
    roots.ok_or_else(|| unsupported(format!("\"{key}\" holds something that is not a pair of numbers")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_design_says_why() {
        let modulator = r#"{"kind":"modulator","zeros":[[1,0]],"poles":[[0.5,0]],"oversampling_ratio":64,"levels":2}"#;
        assert!(matches!(parse(modulator), Ok(Design::Modulator(m)) if m.n_paths == 1 && m.ntf.order() == 1));
        for (text, why) in [
            ("", "not JSON"),
            ("[]", "not a codebook"),
            (r#"{"kind":"teapot"}"#, "teapot"),
            (r#"{"kind":"noise-shaper"}"#, "feedback"),
            (r#"{"kind":"noise-shaper","feedback":["a"]}"#, "not a number"),
            (r#"{"kind":"noise-shaper","feedback":[1e300]}"#, "-1e6 to 1e6"),
            (r#"{"kind":"noise-shaper","feedback":[]}"#, "1 to 64"),
            (r#"{"kind":"predictor"}"#, "coefficients"),
            (r#"{"kind":"predictor","designs":[]}"#, "empty"),
            (r#"{"kind":"predictor","designs":[{"bits":9}]}"#, "1 to 8"),
            (r#"{"kind":"predictor","designs":[{"bits":2}]}"#, "levels"),
            (&modulator.replace("0.5,0", "1.5,0"), "inside the unit circle"),
            (&modulator.replace("0.5,0", "0.5,0.1"), "conjugate"),
            (&modulator.replace("[[1,0]]", "[]"), "order"),
            (&modulator.replace("64", "64.5"), "whole"),
            (&modulator.replace(":2}", ":1e9}"), "65536"),
        ] {
            let message = parse(text).expect_err(text).to_string();
            assert!(message.contains(why), "{text}: {message}");
        }
    }
}
