//! What is asked for, as data: how a signal is quantized or coded.
//!
//! ```text
//! command line -+                      +-> chain (does it) -> Outcome
//! text, JSON   -+-> Recipe -> check ---+
//! knobs, sweep -+                      +-> text, JSON, command line
//! ```
//!
//! A [`Recipe`] has one text form, one JSON form and one command line; each is a list of the same fields with the same
//! words, so that one that is written can be read back. `uniform bits=8 dither=tpdf shape=auto` is the text form,
//! `{"schema":1,"method":"uniform","bits":8,"dither":"tpdf","shape":"auto"}` the JSON form.

mod check;
mod codec;
mod coder;
mod command_line;
mod container;
mod dither;
mod fields;
mod files;
#[cfg(feature = "json")]
mod json;
#[cfg(test)]
mod laws;
mod method;
mod number_format;
mod rounding;
mod shape;
mod text;
mod word;

pub use codec::CodecRequest;
pub use coder::Coder;
pub use container::{Container, Law};
pub use dither::DitherChoice;
pub use fields::{Field, Fields, Value};
pub use files::{Design, DpcmDepth, ModulatorDesign, read_design};
#[cfg(feature = "json")]
pub use json::SCHEMA;
pub use method::{Method, NamedMethod};
pub use number_format::{NamedFormat, calibration_word, granularity_word, parse_calibration, parse_granularity};
pub use shape::Shape;
pub use word::Word;

use crate::quantizer::Rounding;

/// How a signal is quantized or coded.
///
/// Only the method is always there; [`check`](Recipe::check) says which fields contradict each other or are missing.
///
/// ```
/// use sqnr::recipe::{Depth, NamedMethod, Recipe};
///
/// let recipe: Recipe = "uniform bits=8 dither=tpdf".parse()?;
/// assert_eq!(recipe.depth, Some(Depth::Bits(8)));
/// assert_eq!(recipe, Recipe { dither: sqnr::shaping::Dither::Triangular.into(), ..Recipe::of_bits(NamedMethod::Uniform, 8) });
/// assert_eq!(recipe.to_string(), "uniform bits=8 dither=tpdf");
/// assert_eq!(recipe.command_line(), ["-b", "8", "-d", "tpdf"]);
/// # Ok::<(), sqnr::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Recipe {
    /// How levels are placed, or what codes the signal.
    pub method: Method,
    /// How finely: bits, levels, or bits a sample.
    pub depth: Option<Depth>,
    /// For mu-law and A-law: whose encoder; `None` is the ITU's at 8 bits, the formula at other depths.
    pub law: Option<Law>,
    /// For mu-law and A-law: the strength of the compression; `None` is 255 or 87.6.
    pub compression: Option<f64>,
    /// Noise added before the decision.
    pub dither: DitherChoice,
    /// Noise shaping.
    pub shape: Shape,
    /// For `uniform` without dither: where values between two levels go.
    pub rounding: Rounding,
    /// Seed of the dither.
    pub seed: u64,
    /// For `trellis` and `dependent`: states of the trellis, a power of two from 4 to 256.
    pub states: usize,
    /// For coders that look ahead: paths of the search, 1 to 256; `None` is the coder's own number.
    pub paths: Option<usize>,
    /// How samples are stored.
    pub container: Container,
}

/// How finely samples are quantized.
///
/// ```
/// use sqnr::recipe::{Depth, Recipe};
///
/// let recipe: Recipe = "dependent rate=1.5".parse()?;
/// assert_eq!(recipe.depth, Some(Depth::Rate(1.5)));
/// # Ok::<(), sqnr::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Depth {
    /// Bit depth B, 1 to 32: 2^B levels.
    Bits(u32),
    /// Number of levels L, 2 to 2^32.
    Levels(u64),
    /// Bits a sample after entropy coding, above 0 to 32.
    Rate(f64),
}

/// States of the trellis when none are asked for.
pub const DEFAULT_STATES: usize = 8;

impl Recipe {
    /// A method alone, everything else as it is without being asked for.
    pub fn new(method: impl Into<Method>) -> Self {
        Self {
            method: method.into(),
            depth: None,
            law: None,
            compression: None,
            dither: DitherChoice::Auto,
            shape: Shape::None,
            rounding: Rounding::HalfUp,
            seed: 0,
            states: DEFAULT_STATES,
            paths: None,
            container: Container::Auto,
        }
    }

    /// A named method at a bit depth.
    pub fn of_bits(method: NamedMethod, bits: u32) -> Self {
        Self { depth: Some(Depth::Bits(bits)), ..Self::new(method) }
    }

    /// The bit depth, where that is how finely was asked.
    pub fn bits(&self) -> Option<u32> {
        match self.depth {
            Some(Depth::Bits(bits)) => Some(bits),
            _ => None,
        }
    }

    /// The number of levels asked for, or that of the bit depth.
    pub fn levels(&self) -> Option<u64> {
        match self.depth {
            Some(Depth::Bits(bits)) => Some(1 << bits),
            Some(Depth::Levels(levels)) => Some(levels),
            _ => None,
        }
    }

    /// Bits a sample, where that is how finely was asked.
    pub fn rate(&self) -> Option<f64> {
        match self.depth {
            Some(Depth::Rate(rate)) => Some(rate),
            _ => None,
        }
    }
}

impl Default for Recipe {
    /// Eight bits, uniform, dithered as `auto` says.
    fn default() -> Self {
        Self::of_bits(NamedMethod::Uniform, 8)
    }
}
