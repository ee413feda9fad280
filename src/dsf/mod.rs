//! DSF: one-bit audio at 64 or more times 44.1 kHz, as Super Audio CD has it.
//!
//! ```text
//! 'DSD '  28   file size   pointer to ID3 or 0
//! 'fmt '  52   version 1 | id 0 | channel type | channels | rate Hz | bits: 1 = first sample in bit 0, 8 = in bit 7 |
//!              samples a channel u64 | block size 4096 | 0
//! 'data'  12 + n   for each block: 4096 bytes of channel 1, 4096 of channel 2, ...; the last is filled with zeros
//! ```
//!
//! Sizes are u64, the other numbers u32, all little-endian. A bit of 1 stands for the level +1, a bit of 0 for -1. Neither side
//! holds more than a block of every channel in memory.
//! Source: Sony, DSF File Format Specification 1.01, 2005.

mod read;
#[cfg(test)]
mod tests;
mod write;

pub use read::Reader;
pub use write::Writer;

use crate::{Error, Result};

/// Bytes of a channel in a block.
const BLOCK: usize = 4096;
/// Samples of a channel in a block.
pub const BLOCK_SAMPLES: usize = 8 * BLOCK;
const DSD_CHUNK: u64 = 28;
const FMT_CHUNK: u64 = 52;
/// Where the samples begin when the chunks are the shortest.
const DATA_START: u64 = 92;
/// Channels of the widest layout that the format names.
pub const MAX_CHANNELS: usize = 6;

/// Amplitude of one-bit levels that stands for full scale: Super Audio CD has 0 dB at half of what the bits could carry, since
/// modulators are stable up to there (Scarlet Book, annex D.2).
pub const FULL_SCALE: f64 = 0.5;

/// What a DSF file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spec {
    /// Samples per second and channel; 2 822 400 for DSD64.
    pub sample_rate_hz: u32,
    /// Channels, 1 to 6.
    pub n_channels: usize,
}

impl Spec {
    /// # Errors
    /// `InvalidParameter` for a rate of 0 or not 1 to 6 channels.
    pub fn check(&self) -> Result<()> {
        if self.sample_rate_hz == 0 {
            return Err(Error::invalid("sample rate", 0, "1 Hz and above"));
        }
        match (1..=MAX_CHANNELS).contains(&self.n_channels) {
            true => Ok(()),
            false => Err(Error::invalid("channels", self.n_channels, format!("1 to {MAX_CHANNELS}"))),
        }
    }

    /// Bytes of the data chunk's blocks for `n_samples` samples a channel; `None` when no 64 bits hold them.
    fn data_bytes(&self, n_samples: u64) -> Option<u64> {
        n_samples.div_ceil(BLOCK_SAMPLES as u64).checked_mul((BLOCK * self.n_channels) as u64)
    }
}
