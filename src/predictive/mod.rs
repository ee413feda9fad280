//! What is left after prediction: DPCM with a designed predictor and adaptive steps, IMA ADPCM, G.726 and G.722.

mod dpcm;
mod g722;
mod g726;
mod ima_adpcm;
mod ima_encoder;
mod ima_wav;
mod look_ahead;
mod predictor;
mod scaled_codebook;

pub(crate) use dpcm::Difference;
pub use dpcm::Dpcm;
pub use g722::G722;
pub use g726::G726;
pub use ima_adpcm::{ImaDecoding, ImaState, decode_ima};
pub use ima_encoder::encode_ima;
pub use ima_wav::{IMA_BLOCK_SAMPLES, IMA_MAX_CHANNELS, ImaBlockEncoder};
pub use look_ahead::encode_ima_look_ahead;
pub use predictor::{Autocorrelation, Predictor};
pub use scaled_codebook::{ScaledCodebook, StepRule};
