//! The main jobs, each a single call on audio and options.
//!
//! ```text
//! audio (Reopen) -+                                      +-> table, JSON, page
//! options --------+-> task: read once, gather, measure --+
//! progress <------+                                      +-> pictures (report)
//! ```
//!
//! A task opens what it is given, reads it in blocks, and returns figures as data; whoever calls it prints them. Audio is
//! anything that can be opened ([`Reopen`](crate::audio_file::Reopen)): a path, or a [`Signal`](crate::Signal) in memory.
//! Memory stays bounded whatever the length, unless the task says otherwise. Errors of reading name their input.

mod clip;
mod codec_round_trip;
mod compare;
mod decode;
mod measure;
#[cfg(feature = "plot")]
pub mod picture;
mod programme;
mod quantize;
mod tensors;

pub use clip::{Clip, output_and_error_spectra};
pub use codec_round_trip::{CodecRoundTrip, codec_round_trip};
pub use compare::{Alignment, Compared, PairMeasurement, Reference, compare};
pub use decode::{DecodeOptions, Decoded, Decoding};
pub use measure::{ChannelMeasurement, MeasureOptions, Measurement, measure};
pub use quantize::{Quantized, quantize, quantize_audio};
pub use tensors::{QuantizedTensors, TensorFigures, check_size, quantize_tensors};
