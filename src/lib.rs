//! Quantize signals and audio, measure what quantization did, and beat it.
//!
//! Words: *full scale* is amplitude 1.0, *0 dBFS* a sine of that amplitude, *quantization error* is always
//! reconstruction minus input, *SQNR* the signal's power over the error's.
//!
//! Imports only go down: `quantizer` knows nothing of files, the codec nothing of the command line.

pub mod adc;
pub mod analysis;
#[cfg(feature = "atomic-files")]
#[doc(hidden)]
pub mod atomic_file;
pub mod audio_file;
pub mod chain;
pub mod codec;
pub mod design;
pub mod dsf;
mod error;
pub mod generate;
pub mod hearing;
mod kernel;
#[cfg(feature = "live")]
pub mod live;
pub mod number_format;
pub mod parallel;
pub mod predictive;
mod progress;
pub mod quantizer;
mod random;
pub mod range_coder;
pub mod recipe;
pub mod report;
pub mod shaping;
mod signal;
pub mod task;
pub mod transform;
pub mod wav;

pub use error::{Error, Result};
pub use progress::Progress;
pub use signal::Signal;
pub use task::quantize;
