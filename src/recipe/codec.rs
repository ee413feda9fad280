//! What the transform codec is asked for.

use crate::codec::{BandQuantizer, EncoderOptions, Target};

use super::Word;

/// What the transform codec is asked for.
///
/// ```
/// use sqnr::{codec::Target, recipe::{Method, Recipe}};
///
/// let recipe: Recipe = "codec bitrate=96".parse()?;
/// let Method::Codec(request) = recipe.method else { panic!("the transform codec") };
/// assert_eq!(request.target, Target::Bitrate(96.0));
/// # Ok::<(), sqnr::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CodecRequest {
    /// What bits are spent for.
    pub target: Target,
    /// The quantizer of the coefficients.
    pub band_quantizer: BandQuantizer,
    /// Nothing above this frequency is coded; `None` leaves it to the encoder.
    pub max_bandwidth_hz: Option<f64>,
}

impl CodecRequest {
    /// `options` with what is asked for here.
    pub fn apply(&self, options: EncoderOptions) -> EncoderOptions {
        let max_bandwidth_hz = self.max_bandwidth_hz.map_or(f32::INFINITY, |hz| hz as f32);
        EncoderOptions { target: self.target, band_quantizer: self.band_quantizer, max_bandwidth_hz, ..options }
    }
}

impl Default for CodecRequest {
    /// Quality 5, uniform bands.
    fn default() -> Self {
        Self { target: Target::Quality(5.0), band_quantizer: BandQuantizer::Uniform, max_bandwidth_hz: None }
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
