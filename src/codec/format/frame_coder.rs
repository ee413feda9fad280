//! A coder of bits that knows which part of a frame they belong to.
//!
//! Writing, reading and counting need no more than bits; a coder that prices the parts of a frame hears where each
//! part begins.

use crate::range_coder::{BitCoder, BitCounter, Decoder, Encoder};

/// A part of a frame that has a price of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// What belongs to no single band.
    Common,
    /// One block of a channel; its bands follow, numbered from `first_band` on.
    Block {
        /// The channel's position in the file.
        channel: usize,
        /// Number of the block's first band among those of the superframe.
        first_band: usize,
    },
    /// This band of the block.
    Band(usize),
}

/// A [`BitCoder`] for frames.
pub(crate) trait FrameCoder: BitCoder {
    /// The bits that follow belong to `part`.
    #[inline]
    fn begin(&mut self, _part: Part) {}
}

impl FrameCoder for Encoder {}

impl FrameCoder for Decoder<'_> {}

impl FrameCoder for BitCounter {}
