//! Pictures of results: SVG, PNG of that SVG, and the same numbers as CSV.
//!
//! ```text
//! results -> a kind (noise, transfer, ...) -> Chart -> shapes -> SVG -> PNG
//!                                              \-> CSV
//! ```
//!
//! A [`Chart`] describes: titles, axes with units, series. A kind's module turns one sort of result into a chart, and
//! drawing one needs no system font: DejaVu Sans is inside the crate.
//!
//! plotters measures the texts; its bitmap back-end is never used, because it draws spikes that the data do not have
//! (its mitre joins have no limit). The PNG is the SVG rendered by resvg.

mod axes;
pub mod bits;
mod callout;
mod canvas;
mod chart;
pub mod codebook;
pub(in crate::report) mod colour_map;
mod column;
mod csv;
pub mod curves;
pub(in crate::report) mod document;
mod draw;
pub mod error_profile;
pub mod error_shape;
pub mod error_steps;
mod font;
mod frame;
mod heat;
pub mod histogram;
mod layout;
mod legend;
pub mod linearity;
pub mod nmr;
pub mod noise;
mod range;
pub mod rate_distortion;
mod reduce;
mod shape;
pub mod snr_bits;
pub mod snr_level;
pub mod spectrogram;
pub mod spectrum;
mod style;
mod svg;
mod ticks;
pub mod tone;
pub mod transfer;
mod value;
pub mod wave;

pub use canvas::TextBox;
pub use chart::{Axis, Callout, Chart, HeatMap, Mark, Panel, Positions, Reduce, Scale, Series, Stroke, Ticks};
pub use draw::Drawing;
#[cfg(feature = "json")]
pub(in crate::report) use reduce::least_and_greatest;
#[cfg(feature = "json")]
pub(in crate::report) use value::with_unit;

pub use style::{Ink, Size, Style, Theme};

#[cfg(test)]
mod tests;
