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

mod alongside;
mod clip;
mod codec_round_trip;
mod compare;
mod converter;
mod decode;
mod generate;
mod measure;
#[cfg(feature = "plot")]
pub mod picture;
mod predictor;
mod programme;
mod quantize;
#[cfg(all(feature = "json", feature = "plot"))]
mod report_page;
mod single_tone;
pub mod sweep;
mod tensors;
mod used_bits;
mod verify;

pub use clip::{Clip, output_and_error_spectra};
pub use codec_round_trip::{CodecRoundTrip, codec_round_trip};
pub use compare::{Alignment, Compared, PairMeasurement, compare};
pub use converter::{
    CodeNumbers, CodeOptions, Converted, ConverterRecord, ConverterStimulus, ConverterTest, ConverterTestOptions,
    Justification, MAX_CONVERTER_BITS, TestedChannel, convert, test_converter,
};
pub use decode::{DecodeOptions, Decoded, Decoding};
pub use generate::Generating;
pub use measure::{ChannelMeasurement, MeasureOptions, Measurement, measure};
pub use predictor::design_dpcm;
pub use programme::MonoLoudness;
pub use quantize::{Quantized, quantize, quantize_audio};
#[cfg(all(feature = "json", feature = "plot"))]
pub use report_page::{MeasuredVersion, report_charts, report_page};
pub use single_tone::SingleTone;
pub use tensors::{KeptMember, QuantizedTensors, TensorFigures, quantize_tensors};
pub use used_bits::{UsedBits, used_bits};
pub use verify::{DecodingLoss, Tee, Verification, verify, while_encoding};
