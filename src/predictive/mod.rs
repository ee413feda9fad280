//! What is left after prediction: DPCM with a designed predictor and adaptive steps, and IMA ADPCM.

mod dpcm;
mod ima_adpcm;
mod look_ahead;
mod predictor;

pub use dpcm::{Dpcm, DpcmOptions};
pub use ima_adpcm::{ImaDecoding, ImaState, decode_ima, encode_ima};
pub use look_ahead::encode_ima_look_ahead;
pub use predictor::Predictor;
