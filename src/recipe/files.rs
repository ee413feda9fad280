//! The files that a recipe names: codebooks, vectors, noise shapers, modulators, predictors, as `design` writes them.

#[cfg(feature = "json")]
mod designs;

use std::path::Path;

use crate::{Error, Result, shaping::ErrorFilter};

#[cfg(feature = "json")]
pub use designs::{Design, ModulatorDesign, read_design};

/// The noise shaper of a file.
#[cfg(feature = "json")]
pub(super) fn shaper(path: &Path) -> Result<ErrorFilter> {
    let wrong = |what: String| Error::Unsupported { what }.of_input(path.to_string_lossy());
    match read_design(path)? {
        Design::Shaper(filter) => Ok(filter),
        Design::Modulator(modulator) => {
            let (numerator, denominator) = (modulator.ntf.numerator(), modulator.ntf.denominator());
            ErrorFilter::from_ntf(numerator, denominator).map_err(|error| error.of_input(path.to_string_lossy()))
        }
        Design::Codebook(_) | Design::Vectors(_) => {
            Err(wrong("a codebook, not a noise shaper; use it as the method".into()))
        }
        Design::Predictor(predictor) => {
            let order = predictor.coefficients().len();
            Err(wrong(format!("a predictor of order {order}, not a noise shaper; use it as the method")))
        }
    }
}

#[cfg(not(feature = "json"))]
pub(super) fn shaper(path: &Path) -> Result<ErrorFilter> {
    let what = "a design's file; this build cannot read JSON".to_owned();
    Err(Error::Unsupported { what }.of_input(path.to_string_lossy()))
}
