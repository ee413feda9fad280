//! The transform codec: `.sqn`.
//!
//! ```text
//! PCM -> superframe -> block tree -> fold, DCT-IV -> bands -> L/R or M/S -> step sizes -> indices -> Frame
//! Frame -> range coder -> group -> file
//! file -> group -> range decoder -> Frame -> coefficients, noise -> L/R -> DCT-IV, unfold -> PCM
//! ```
//!
//! A superframe is 85 ms. Its `Frame` holds all the integers that are sent of it, and nothing else; both sides of it
//! know nothing of each other. What decides how bits are parsed is integer arithmetic.
//!
//! `docs/bitstream.md` describes the format so that another decoder can be written from it.

mod allocation;
mod attacks;
mod bands;
mod bit_table;
mod block_analysis;
mod block_tree;
mod codebook_design;
mod codebooks;
mod coefficients;
mod concealment;
mod container;
mod contents;
mod decoder;
mod encoder;
mod frame;
#[cfg(any(fuzzing, test))]
pub mod fuzzing;
mod group_decoder;
mod group_encoder;
mod lapped_blocks;
mod levels;
mod loudness;
mod model;
mod neighbourhood;
mod nmr_search;
mod noise;
mod priced_reader;
mod psychoacoustics;
mod quantization;
mod rate;
mod round_trip;
mod spectrum;
mod spectrum_of_original;
mod stereo;
#[cfg(feature = "symphonia")]
pub mod symphonia;
mod syntax;
mod synthesis;
mod target_smoothing;
mod temporal;

pub use allocation::{Allocation, BandCell, Column};
pub use bit_table::{BitTable, MOST_BANDS};
pub use codebooks::Codebooks;
pub use container::{Header, MAGIC};
pub use contents::{Contents, GroupEntry};
pub use decoder::{Damage, Decoder, OnDamage};
pub use encoder::{Encoder, EncoderOptions, Goal, SAMPLE_RATES_HZ, Summary};
pub use nmr_search::encode_at_nmr;
pub use psychoacoustics::EarModel;
pub use rate::{InMemory, PcmSource, design_codebooks, encode, encode_at_bitrate, encode_at_snr, measure_loudness};
pub use round_trip::{BITRATES_KBPS, RoundTrip};
pub use spectrum::BandQuantizer;
