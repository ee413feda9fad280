//! What the ear does with a spectrum: scales of frequency, thresholds, contours of equal loudness, weightings, masks.
//!
//! ```text
//! frequency -> place on the Bark scale, threshold in quiet, weight in dB
//! spectrum  -> Bark bands -> mask
//! ```

pub mod bark;
mod contours;
pub mod curves;
pub mod masking;
pub mod threshold;
pub mod weighting;
