//! The files that a recipe names: codebooks, vectors, noise shapers, modulators, predictors, as `design` writes them.

#[cfg(feature = "json")]
mod designs;

use std::path::Path;

use crate::{
    Error, Result,
    predictive::{Predictor, ScaledCodebook},
    quantizer::{Codebook, VectorCodebook},
    shaping::{ErrorFilter, delta_sigma::Ntf},
};

#[cfg(feature = "json")]
pub use designs::read_design;

/// What a file holds.
#[derive(Debug)]
pub enum Design {
    /// Levels and thresholds, and the density or the files that they were designed for.
    Codebook {
        /// The quantizer.
        codebook: Codebook,
        /// What it was designed for.
        source: Option<String>,
    },
    /// Vectors of neighbouring samples.
    Vectors(VectorCodebook),
    /// The feedback coefficients of a noise shaper.
    Shaper(ErrorFilter),
    /// A delta-sigma modulator.
    Modulator(ModulatorDesign),
    /// Linear prediction and quantizers for DPCM, one a bit depth.
    Dpcm(Vec<DpcmDepth>),
}

/// DPCM of one bit depth.
#[derive(Debug, Clone)]
pub struct DpcmDepth {
    /// Bits a sample.
    pub bits: u32,
    /// From past outputs to the next sample.
    pub predictor: Predictor,
    /// What quantizes the difference.
    pub quantizer: ScaledCodebook,
}

/// A delta-sigma modulator.
#[derive(Debug, Clone, PartialEq)]
pub struct ModulatorDesign {
    /// Its noise transfer function.
    pub ntf: Ntf,
    /// Whole, 1 to 1024.
    pub oversampling_ratio: usize,
    /// Levels of its quantizer, 1 to 65,536.
    pub n_levels: u32,
    /// Paths of the look-ahead; 1 is the plain modulator.
    pub n_paths: usize,
}

/// Reads a design.
///
/// # Errors
/// `Unsupported`: this build cannot read JSON.
#[cfg(not(feature = "json"))]
pub fn read_design(path: &Path) -> Result<Design> {
    let what = "a design's file; this build cannot read JSON".to_owned();
    Err(Error::Unsupported { what }.of_input(path.to_string_lossy()))
}

/// The noise shaper of a file.
pub(super) fn shaper(path: &Path) -> Result<ErrorFilter> {
    let wrong = |what: String| Error::Unsupported { what }.of_input(path.to_string_lossy());
    match read_design(path)? {
        Design::Shaper(filter) => Ok(filter),
        Design::Modulator(modulator) => {
            let (numerator, denominator) = (modulator.ntf.numerator(), modulator.ntf.denominator());
            ErrorFilter::from_ntf(numerator, denominator).map_err(|error| error.of_input(path.to_string_lossy()))
        }
        Design::Codebook { .. } | Design::Vectors(_) => {
            Err(wrong("a codebook, not a noise shaper; use it as the method".into()))
        }
        Design::Dpcm(_) => Err(wrong("a predictor, not a noise shaper; use it as the method".into())),
    }
}
