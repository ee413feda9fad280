//! The format: what `docs/bitstream.md` describes, in both directions.
//!
//! ```text
//! file  <-> container: header, groups, end record
//! group <-> range coder <-> syntax: block trees, stereo, levels, coefficients, with adaptive models <-> Frame
//! Frame  -> reconstruction, noise, mid/side -> coefficients of the bands -> lapped blocks -> PCM
//! ```
//!
//! Encoder and decoder share this room. It knows nothing of how an encoder chooses levels and indices: it never imports
//! [`choice`](super::choice).

pub(super) mod bands;
pub(super) mod block_tree;
pub(super) mod codebooks;
pub(super) mod coefficients;
pub(super) mod container;
pub(super) mod frame;
pub(super) mod frame_coder;
pub(super) mod lapped_blocks;
pub(super) mod levels;
pub(super) mod model;
pub(super) mod neighbourhood;
pub(super) mod noise;
pub(super) mod reconstruction;
pub(super) mod stereo;
pub(super) mod syntax;
pub(super) mod synthesis;
