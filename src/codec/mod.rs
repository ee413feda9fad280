//! The transform codec: `.sqn`.
//!
//! ```text
//! PCM -> superframe -> block tree -> fold, DCT-IV -> bands -> L/R or M/S -> step sizes -> indices -> Frame
//! Frame -> range coder -> group -> file
//! file -> group -> range decoder -> Frame -> coefficients, noise -> L/R -> DCT-IV, unfold -> PCM
//! ```
//!
//! A superframe is 85 ms. Its `Frame` holds all integers that a packet carries, and nothing else: samples lie on one
//! side of it, bits on the other, and neither side imports the other. Integer arithmetic decides how bits are parsed.
//!
//! | room | holds |
//! |---|---|
//! | `format` | what `docs/bitstream.md` describes, in both directions |
//! | `choice` | what an encoder is free to choose: noise targets, block trees, levels, indices |
//! | `inspect` | what a file holds and what its bits bought |
//!
//! Beside them: `encoder` and `decoder` for streams, `passes` for whole files and targets that need a search.

mod choice;
mod concealment;
mod decoder;
mod encoder;
mod format;
#[cfg(any(fuzzing, test))]
#[doc(hidden)]
pub mod fuzzing;
mod group_decoder;
mod group_source;
mod inspect;
mod options;
mod passes;
mod round_trip;
mod search;
mod source;
#[cfg(feature = "symphonia")]
pub mod symphonia;

pub use choice::{
    bit_table::{BitTable, MOST_BANDS},
    loudness::measure_loudness,
    psychoacoustics::EarModel,
};
pub use decoder::Decoder;
pub use encoder::Encoder;
pub use format::{
    codebooks::Codebooks,
    container::{Header, MAGIC},
    reconstruction::BandQuantizer,
};
pub use group_source::{Damage, OnDamage};
pub use inspect::{
    allocation::{Allocation, BandCell, Column},
    contents::{Contents, GroupEntry},
};
pub use options::{EncoderOptions, Goal, SAMPLE_RATES_HZ, Summary, Target};
pub use passes::{Encoded, design_codebooks, encode};
pub use round_trip::{BITRATES_KBPS, RoundTrip};
pub use source::{InMemory, PcmSource};
