//! What the transform codec is asked for.

use crate::codec::{BandQuantizer, BitTable};

use super::Word;

/// What the transform codec is asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CodecRequest {
    /// What bits are spent for.
    pub target: CodecTarget,
    /// The quantizer of the coefficients.
    pub band_quantizer: BandQuantizer,
    /// Nothing above this frequency is coded; `None` leaves it to the encoder.
    pub max_bandwidth_hz: Option<f64>,
}

/// What bits are spent for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum CodecTarget {
    /// Constant quality, 0 to 10.
    Quality(f64),
    /// Bit rate of the file in kbit/s, 1 to 10,000.
    Bitrate(f64),
    /// Signal-to-noise ratio in dB, 0 to 120.
    Snr(f64),
    /// Noise-to-mask ratio in dB, -60 to 20.
    Nmr(f64),
    /// Bits per coefficient for bands of 1 ERB.
    BitsPerBand(BitTable),
}

impl Default for CodecRequest {
    /// Quality 5, uniform bands.
    fn default() -> Self {
        Self { target: CodecTarget::Quality(5.0), band_quantizer: BandQuantizer::Uniform, max_bandwidth_hz: None }
    }
}

impl Word for BandQuantizer {
    const FIELD: &'static str = "band_quantizer";
    const WORDS: &'static [(&'static str, Self, &'static str)] = &[
        ("uniform", Self::Uniform, "Uniform steps with a dead zone"),
        ("power-law", Self::PowerLaw, "Steps that grow with magnitude, as in MP3 and AAC"),
        ("lloyd-max", Self::LloydMax, "Codebooks designed on the file, kept in its header"),
        ("trellis", Self::Trellis, "Dependent quantization where a band has many bits"),
    ];
}
