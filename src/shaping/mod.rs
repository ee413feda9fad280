//! What stands around a quantizer and remembers: dither, noise shaping, and both in one chain.
//!
//! ```text
//!            +--- dither d
//!            v
//! x -->(+)->(+)--> quantizer --> index, y
//!       ^ -                       |
//!       |                         v
//!       +---- error filter <-- e = y - (input of the quantizer before d)
//! ```

mod adaptive;
pub mod delta_sigma;
mod dither;
mod noise_shaper;
mod prediction;
mod requantizer;
pub mod shaper_design;
mod uniform_shaper;

pub use crate::hearing::weighting;
pub use adaptive::AdaptiveSpec;
pub use dither::{Dither, DitherSource};
pub use noise_shaper::{ErrorFilter, KnownFilter, NoiseShaper};
pub use requantizer::{Counts, Requantizer, RequantizerOptions, Shaper};
