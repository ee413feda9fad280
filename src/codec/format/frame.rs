//! All integers that one packet carries, and nothing else.
//!
//! ```text
//! samples, psychoacoustics -> Frame -> bits        samples <- Frame <- bits
//! ```
//!
//! The two sides share this module and do not import each other.

use super::{
    bands::{Band, BandTables},
    block_tree::BlockTree,
    stereo::Element,
};

/// Least and greatest level of a band, in half octaves (3 dB) of amplitude.
pub(crate) const LEVELS: std::ops::RangeInclusive<i32> = -96..=96;

/// dB of a factor of two in power, and of one level: 10 log10 2.
pub(crate) const LOG2_DB: f64 = 3.010_299_956_639_812;

/// An empty band of this level is exactly zero.
pub(crate) const SILENT: i8 = -96;

/// Magnitudes of indices stay below this.
pub(crate) const MAGNITUDE_LIMIT: u32 = 1 << 20;

/// Classes of block lengths.
pub(crate) const N_CLASSES: usize = 3;

/// The bits hold something that no encoder writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Damaged;

/// One superframe of all channels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// One for each element of the file.
    pub elements: Vec<ElementFrame>,
}

/// One superframe of one channel or of a pair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ElementFrame {
    /// The blocks.
    pub tree: BlockTree,
    /// For a pair, for each band of all blocks in order: true for mid/side. Empty for a single channel.
    pub mid_side: Vec<bool>,
    /// One or two channels; first and second, or mid and side where the flag says so.
    pub channels: Vec<ChannelFrame>,
}

/// One superframe of one channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelFrame {
    /// The bands of all blocks in order.
    pub bands: Vec<BandCode>,
    /// For each block the rms of the noise that replaces zeros, as an exponent i: `2^(i/2 - 4)` steps, i = 0..=7.
    pub noise: Vec<u8>,
    /// Indices of the coefficients, the blocks in order.
    pub indices: Vec<i32>,
}

/// One band of one channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BandCode {
    /// No index is coded: the band is noise.
    pub is_empty: bool,
    /// Which quantizer of a file that has several: 0..8 with
    /// [`LloydMax`](super::reconstruction::BandQuantizer::LloydMax), 1 for a dependent band with
    /// [`Trellis`](super::reconstruction::BandQuantizer::Trellis), otherwise 0; 0 in an empty band.
    pub class: u8,
    /// `2^(level/2)` is the step size, or the rms of the noise of an empty band. Within [`LEVELS`].
    pub level: i8,
}

impl BandCode {
    /// A band of noise.
    pub fn empty(level: i8) -> Self {
        Self { is_empty: true, class: 0, level }
    }
}

/// The position of a block in the vectors of a frame.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BlockSpan<'a> {
    /// Position in time.
    pub block_index: usize,
    /// The block has N >> depth samples.
    pub depth: usize,
    /// First sample, and first index.
    pub start: usize,
    /// Number of samples.
    pub len: usize,
    /// Position of its first band.
    pub first_band: usize,
    /// Its bands.
    pub bands: &'a [Band],
}

impl BlockSpan<'_> {
    /// The block's part of a vector of samples or indices.
    pub(crate) fn samples(&self) -> std::ops::Range<usize> {
        self.start..self.start + self.len
    }

    /// The block's part of a vector of bands.
    pub(crate) fn band_range(&self) -> std::ops::Range<usize> {
        self.first_band..self.first_band + self.bands.len()
    }
}

/// The blocks of `tree` in a superframe of N = `superframe_samples`.
pub(crate) fn spans<'a>(
    tree: &BlockTree,
    tables: &'a BandTables,
    superframe_samples: usize,
) -> impl Iterator<Item = BlockSpan<'a>> + use<'a> {
    let (mut start, mut first_band) = (0, 0);
    let tree = *tree;
    (0..tree.n_blocks()).map(move |block_index| {
        let depth = tree.depth(block_index);
        let span = BlockSpan {
            block_index,
            depth,
            start,
            len: superframe_samples >> depth,
            first_band,
            bands: tables.at(depth),
        };
        start += span.len;
        first_band += span.bands.len();
        span
    })
}

impl Frame {
    /// A frame of zeros, with room for every tree.
    pub fn new(elements: &[Element], superframe_samples: usize, most_bands: usize) -> Self {
        let element = |e: &Element| {
            let channel = ChannelFrame {
                bands: vec![BandCode::empty(SILENT); most_bands],
                noise: vec![0; super::block_tree::MAX_BLOCKS],
                indices: vec![0; superframe_samples],
            };
            let n_flags = if e.second.is_some() { most_bands } else { 0 };
            ElementFrame {
                tree: BlockTree::ONE_BLOCK,
                mid_side: vec![false; n_flags],
                channels: vec![channel; e.n_channels()],
            }
        };
        Self { elements: elements.iter().map(element).collect() }
    }
}
