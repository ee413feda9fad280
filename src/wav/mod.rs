//! WAV files: every legal form read, the useful ones written, metadata carried along, nothing held in memory.
//!
//! ```text
//! RIFF size WAVE | fmt | metadata ... | data size | samples, interleaved | pad | metadata ... |
//! RF64  -1  WAVE | ds64: 64-bit sizes | fmt | ... (beyond 4 GiB)
//! ```
//!
//! Two widths: *valid bits* are those of the code (1 to 32), the *container* is what holds it (8, 16, 24 or 32 bits);
//! the code sits at the container's most significant end. Full scale 1.0 is one step above the largest code, so that
//! a code c of B bits is the amplitude c / 2^(B-1).
//!
//! Sources: Microsoft and IBM, Multimedia Programming Interface and Data Specifications 1.0, 1991 (RIFF, WAVE);
//! Microsoft, WAVEFORMATEXTENSIBLE; EBU Tech 3306 and ITU-R BS.2088 (RF64, BW64); EBU Tech 3285 (bext).

mod chunks;
mod format;
mod hound_bridge;
mod input;
mod metadata;
mod read;
mod samples;
#[cfg(test)]
mod tests;
mod write;

pub use chunks::{ChunkEntry, Container};
pub use format::{Encoding, SampleFormat, Spec};
pub use hound_bridge::{Frames, PlainFile};
pub use metadata::{Chunk, Metadata};
pub use read::Reader;
pub use write::{Writer, Written};

/// The most channels this crate takes in: far beyond any loudspeaker set-up, far below what a lying header claims.
pub const MAX_CHANNELS: u16 = 1024;
