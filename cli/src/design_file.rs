//! Reads what `design` wrote: codebooks, noise shapers, modulators, predictors.

use std::{fs, path::Path};

use rustfft::num_complex::Complex64;
use serde_json::Value;

use sqnr::{
    predictive::Predictor,
    quantizer::CodebookFile,
    shaping::{ErrorFilter, delta_sigma::Ntf},
};

/// What a file holds.
#[derive(Debug)]
pub enum Design {
    Codebook(CodebookFile),
    Shaper(ErrorFilter),
    Modulator(ModulatorDesign),
    Predictor(Predictor),
}

/// A delta-sigma modulator.
#[derive(Debug, Clone, PartialEq)]
pub struct ModulatorDesign {
    pub ntf: Ntf,
    /// Whole, 1 to 1024.
    pub oversampling_ratio: usize,
    pub n_levels: u32,
    /// Paths of the look-ahead; 1 is the plain modulator.
    pub n_paths: usize,
}

/// Largest file; 2^20 levels of a codebook take half of it.
const MAX_BYTES: u64 = 64 << 20;

/// Reads a design; the message says what is wrong with the file, without its name.
pub fn read(path: &Path) -> Result<Design, String> {
    parse(&text(path)?)
}

/// The text of a design; its size is checked before it is read.
pub fn text(path: &Path) -> Result<String, String> {
    let size = fs::metadata(path).map_err(|_| "no such file".to_owned())?.len();
    if size > MAX_BYTES {
        return Err(format!("{size} bytes are too many for a design; the limit is {MAX_BYTES}"));
    }
    fs::read_to_string(path).map_err(|error| error.to_string())
}

fn parse(text: &str) -> Result<Design, String> {
    let object: Value = serde_json::from_str(text).map_err(|error| format!("no JSON: {error}"))?;
    let wrong = |error: sqnr::Error| error.to_string();
    match object["kind"].as_str() {
        Some("noise-shaper") => {
            ErrorFilter::from_feedback(&numbers(&object, "feedback")?).map(Design::Shaper).map_err(wrong)
        }
        Some("predictor") => Predictor::new(numbers(&object, "coefficients")?).map(Design::Predictor).map_err(wrong),
        Some("modulator") => modulator(&object).map(Design::Modulator),
        Some(other) => Err(format!("'{other}' is no kind of design; noise-shaper, modulator, predictor or a codebook")),
        None => CodebookFile::from_json(text).map(Design::Codebook).map_err(wrong),
    }
}

fn modulator(object: &Value) -> Result<ModulatorDesign, String> {
    let whole = |key: &str, most: u64| {
        let number = object[key].as_f64().filter(|x| (1.0..=most as f64).contains(x) && x.fract() == 0.0);
        number.map(|x| x as usize).ok_or_else(|| format!("\"{key}\" is {}; allowed: whole, 1 to {most}", object[key]))
    };
    let ntf = Ntf::from_zeros_and_poles(roots(object, "zeros")?, roots(object, "poles")?);
    Ok(ModulatorDesign {
        ntf: ntf.map_err(|error| error.to_string())?,
        oversampling_ratio: whole("oversampling_ratio", 1024)?,
        n_levels: whole("levels", 65_536)? as u32,
        n_paths: if object["paths"].is_null() { 1 } else { whole("paths", 256)? },
    })
}

fn array<'a>(object: &'a Value, key: &str) -> Result<&'a Vec<Value>, String> {
    object[key].as_array().ok_or_else(|| format!("it has no array \"{key}\""))
}

fn numbers(object: &Value, key: &str) -> Result<Vec<f64>, String> {
    let numbers: Option<Vec<f64>> = array(object, key)?.iter().map(Value::as_f64).collect();
    numbers.ok_or_else(|| format!("\"{key}\" holds what is no number"))
}

/// Complex numbers, each an array of real and imaginary part.
fn roots(object: &Value, key: &str) -> Result<Vec<Complex64>, String> {
    let root = |pair: &Value| Some(Complex64::new(pair[0].as_f64()?, pair[1].as_f64()?));
    let roots: Option<Vec<Complex64>> = array(object, key)?.iter().map(root).collect();
    roots.ok_or_else(|| format!("\"{key}\" holds what is no pair of numbers"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_design_says_why() {
        let modulator = r#"{"kind":"modulator","zeros":[[1,0]],"poles":[[0.5,0]],"oversampling_ratio":64,"levels":2}"#;
        assert!(matches!(parse(modulator), Ok(Design::Modulator(m)) if m.n_paths == 1 && m.ntf.order() == 1));
        for (text, why) in [
            ("", "no JSON"),
            ("[]", "not a codebook"),
            (r#"{"kind":"teapot"}"#, "teapot"),
            (r#"{"kind":"noise-shaper"}"#, "feedback"),
            (r#"{"kind":"noise-shaper","feedback":["a"]}"#, "no number"),
            (r#"{"kind":"noise-shaper","feedback":[1e300]}"#, "-1e6 to 1e6"),
            (r#"{"kind":"noise-shaper","feedback":[]}"#, "1 to 64"),
            (r#"{"kind":"predictor","coefficients":[]}"#, "1 to 64"),
            (&modulator.replace("0.5,0", "1.5,0"), "inside the unit circle"),
            (&modulator.replace("0.5,0", "0.5,0.1"), "conjugate"),
            (&modulator.replace("[[1,0]]", "[]"), "order"),
            (&modulator.replace("64", "64.5"), "whole"),
            (&modulator.replace(":2}", ":1e9}"), "65536"),
        ] {
            let message = parse(text).expect_err(text);
            assert!(message.contains(why), "{text}: {message}");
        }
    }
}
