//! The encoder's freedom: where noise may lie, how blocks are cut, which levels and indices are sent.
//!
//! ```text
//! PCM -> short-time energies, attacks --+
//! PCM -> coefficients of all block sizes +-> noise targets -> cheapest block tree, L/R or M/S
//! loudness of the file -----------------+        |
//!                                           smoothing -> step sizes, classes, indices -> Frame
//! ```
//!
//! Another encoder may choose otherwise and every decoder still reads its files: the decoder never imports this room.

pub(super) mod attacks;
pub(super) mod bit_table;
pub(super) mod block_analysis;
pub(super) mod codebook_design;
pub(super) mod group_encoder;
pub(super) mod loudness;
pub(super) mod psychoacoustics;
pub(super) mod quantization;
pub(super) mod target_smoothing;
pub(super) mod temporal;
