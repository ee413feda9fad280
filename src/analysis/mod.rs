//! Measures signals, and what a quantizer, a codec or a converter did to them.
//!
//! ```text
//! x, y -> error_statistics -> figures        x -> spectrum -> lines in dBFS, density in dBFS/Hz
//! ```
//!
//! Every measure fills a plain struct. A figure that does not exist carries its reason ([`Figure`]), so that silence,
//! missing tones and short records never become a number without meaning. Definitions with their sources are in
//! `docs/analysis.md`.

pub mod alignment;
mod entropy;
pub mod envelope;
pub mod error_density;
pub mod error_histogram;
pub mod error_profile;
pub mod error_statistics;
pub mod figure;
mod hidden;
pub mod imd;
pub mod jitter;
pub mod level;
pub mod linearity;
#[cfg(feature = "loudness")]
pub mod loudness;
pub mod masking;
pub mod npr;
pub mod pair;
mod quietest;
#[cfg(test)]
mod reasons;
mod section;
pub mod sine_fit;
mod sinusoids;
pub mod spectrogram;
pub mod spectrum;
pub mod squares;
pub mod tone;
pub mod true_peak;
pub mod weighting;
pub mod window;
pub mod without_ends;

pub use figure::{Absent, Entry, Figure};
pub use section::{Condition, Conditions, Section};
