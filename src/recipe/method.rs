//! How levels are placed, or what codes the signal.

use std::path::PathBuf;

use super::{CodecRequest, Coder, NamedFormat, Word};
use crate::{Error, Result};

/// How levels are placed, or what codes the signal.
///
/// ```
/// use sqnr::recipe::{Coder, Method, NamedMethod};
///
/// assert_eq!(Method::parse("lloyd-max")?, Method::Named(NamedMethod::LloydMax));
/// assert_eq!(Method::parse("dsd64")?, Method::Coder(Coder::Dsd(64)));
/// assert_eq!(Method::parse("bf16")?.word(), "bf16");
/// # Ok::<(), sqnr::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub enum Method {
    /// Quantizes samples one by one, or in stretches, by a method that has a name.
    Named(NamedMethod),
    /// A codebook, vectors, a modulator or a predictor that a JSON file describes.
    File(PathBuf),
    /// Codes audio by a coder that remembers, such as ADPCM or a one-bit modulator.
    Coder(Coder),
    /// Rounds each number, or blocks of numbers, to a number format.
    Format(NamedFormat),
    /// The transform codec.
    Codec(CodecRequest),
}

/// Methods that take a bit depth, a number of levels or a rate.
///
/// ```
/// use sqnr::recipe::{NamedMethod, Recipe};
///
/// assert_eq!(Recipe::of_bits(NamedMethod::MuLaw, 8).to_string(), "mu-law bits=8");
/// assert!(NamedMethod::Trellis.codes_packets() && !NamedMethod::Uniform.codes_packets());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NamedMethod {
    /// Steps of one size, a level at zero.
    Uniform,
    /// Steps of one size, a threshold at zero.
    MidRise,
    /// Mu-law companding; at 8 bits G.711 unless the law is `continuous`.
    MuLaw,
    /// A-law companding; at 8 bits G.711 unless the law is `continuous`.
    ALaw,
    /// The levels of least mean squared error over the signal's own samples.
    LloydMax,
    /// Steps of one size, indices range coded.
    EntropyCoded,
    /// The least error at an entropy, indices range coded.
    EntropyConstrained,
    /// Trellis-coded quantization at a fixed rate.
    Trellis,
    /// Dependent quantization, indices range coded.
    Dependent,
    /// Vectors of neighbouring samples.
    Vector,
    /// Differences to a prediction, designed on the signal.
    Dpcm,
}

impl Word for NamedMethod {
    const FIELD: &'static str = "method";
    const WORDS: &'static [(&'static str, Self, &'static str)] = &[
        ("uniform", Self::Uniform, "steps of one size, a level at zero"),
        ("mid-rise", Self::MidRise, "steps of one size, a threshold at zero"),
        ("mu-law", Self::MuLaw, "mu-law companding; G.711 at 8 bits"),
        ("a-law", Self::ALaw, "A-law companding; G.711 at 8 bits"),
        ("lloyd-max", Self::LloydMax, "the levels of least error over the signal's own samples"),
        ("entropy-coded", Self::EntropyCoded, "steps of one size, range coded"),
        ("entropy-constrained", Self::EntropyConstrained, "the least error at an entropy, range coded"),
        ("trellis", Self::Trellis, "trellis-coded quantization at a fixed rate"),
        ("dependent", Self::Dependent, "dependent quantization, range coded"),
        ("vector", Self::Vector, "vectors of neighbouring samples"),
        ("dpcm", Self::Dpcm, "differences to a prediction, designed on the signal"),
    ];
}

impl NamedMethod {
    /// True for methods that code stretches of samples into packets; they have a rate of their own, no dither and no
    /// shaping.
    pub fn codes_packets(self) -> bool {
        matches!(self, Self::EntropyCoded | Self::EntropyConstrained | Self::Trellis | Self::Dependent | Self::Vector)
    }

    /// True for methods that quantize samples one by one, whatever came before.
    pub fn is_memoryless(self) -> bool {
        !self.codes_packets() && self != Self::Dpcm
    }

    /// True for mu-law and A-law.
    pub fn is_companding(self) -> bool {
        matches!(self, Self::MuLaw | Self::ALaw)
    }

    /// True for methods that are asked for bits a sample, not for a bit depth.
    pub fn takes_rate(self) -> bool {
        matches!(self, Self::EntropyConstrained | Self::Dependent)
    }
}

impl From<NamedMethod> for Method {
    fn from(method: NamedMethod) -> Self {
        Self::Named(method)
    }
}

impl Method {
    /// Reads a method of [`NamedMethod`], the name of a JSON file, a coder, a number format, or `codec`.
    ///
    /// # Errors
    /// `InvalidParameter` for any other word.
    pub fn parse(text: &str) -> Result<Self> {
        if let Ok(method) = NamedMethod::of_word(text) {
            return Ok(Self::Named(method));
        }
        if text.ends_with(".json") {
            return Ok(Self::File(text.into()));
        }
        if text == "codec" {
            return Ok(Self::Codec(CodecRequest::default()));
        }
        if let Ok(coder) = Coder::of_word(text) {
            return Ok(Self::Coder(coder));
        }
        NamedFormat::parse(text).map(Self::Format).map_err(|_| {
            let allowed = format!("{}, codec, FILE.json, or a coder or number format", NamedMethod::list());
            Error::invalid("method", text, allowed)
        })
    }

    /// The word, as it is parsed and printed.
    pub fn word(&self) -> String {
        match self {
            Self::Named(method) => method.word().into(),
            Self::File(path) => path.to_string_lossy().into_owned(),
            Self::Coder(coder) => coder.word().into(),
            Self::Format(format) => format.name.clone(),
            Self::Codec(_) => "codec".into(),
        }
    }

    /// The named method, if it is one.
    pub fn named(&self) -> Option<NamedMethod> {
        match self {
            Self::Named(method) => Some(*method),
            _ => None,
        }
    }

    /// True when this is the named method.
    pub fn is(&self, method: NamedMethod) -> bool {
        self.named() == Some(method)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_back() {
        for word in ["uniform", "vector", "a/b.json", "dsd64", "g726-32", "bf16", "q3.12", "codec"] {
            assert_eq!(Method::parse(word).expect("a method").word(), word);
        }
        let refused = Method::parse("unifrom").expect_err("mistyped").to_string();
        assert!(refused.starts_with("method is unifrom; allowed: uniform, mid-rise"), "{refused}");
    }
}
