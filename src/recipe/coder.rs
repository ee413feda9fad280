//! Coders that remember: one-bit modulators, ADPCM, sub-band ADPCM.

use super::Word;
use crate::predictive::ImaDecoding;

/// A coder that has a name.
///
/// ```
/// use sqnr::recipe::{Coder, Method, Recipe};
///
/// let recipe: Recipe = "dsd128".parse()?;
/// assert_eq!(recipe.method, Method::Coder(Coder::Dsd(128)));
/// assert!(Coder::Dsd(128).looks_ahead());
/// # Ok::<(), sqnr::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coder {
    /// One bit at this many times 44.1 or 48 kHz.
    Dsd(usize),
    /// IMA ADPCM, for decoders that add or multiply.
    Ima(ImaDecoding),
    /// ITU-T G.726 with this many bits a sample.
    G726(u32),
    /// ITU-T G.722 with this many bits for two samples.
    G722(u32),
    /// Jayant's adaptive steps with this many bits a sample.
    Jayant(u32),
}

impl Word for Coder {
    const FIELD: &'static str = "coder";
    const WORDS: &'static [(&'static str, Self, &'static str)] = &[
        ("dsd64", Self::Dsd(64), "one bit at 64 x 44.1 or 48 kHz"),
        ("dsd128", Self::Dsd(128), "one bit at 128 x 44.1 or 48 kHz"),
        ("dsd256", Self::Dsd(256), "one bit at 256 x 44.1 or 48 kHz"),
        ("ima", Self::Ima(ImaDecoding::Additive), "IMA ADPCM for decoders that add"),
        ("ima-multiply", Self::Ima(ImaDecoding::Multiplicative), "IMA ADPCM for decoders that multiply"),
        ("g726-16", Self::G726(2), "ITU-T G.726, 16 kbit/s at 8 kHz"),
        ("g726-24", Self::G726(3), "ITU-T G.726, 24 kbit/s at 8 kHz"),
        ("g726-32", Self::G726(4), "ITU-T G.726, 32 kbit/s at 8 kHz"),
        ("g726-40", Self::G726(5), "ITU-T G.726, 40 kbit/s at 8 kHz"),
        ("g722", Self::G722(8), "ITU-T G.722, 64 kbit/s at 16 kHz"),
        ("g722-56", Self::G722(7), "ITU-T G.722, 56 kbit/s at 16 kHz"),
        ("g722-48", Self::G722(6), "ITU-T G.722, 48 kbit/s at 16 kHz"),
        ("jayant-2", Self::Jayant(2), "Jayant's adaptive steps, 2 bits"),
        ("jayant-3", Self::Jayant(3), "Jayant's adaptive steps, 3 bits"),
        ("jayant-4", Self::Jayant(4), "Jayant's adaptive steps, 4 bits"),
    ];
}

impl Coder {
    /// True for coders that search several paths: they take `paths`.
    pub fn looks_ahead(self) -> bool {
        matches!(self, Self::Dsd(_) | Self::Ima(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coders_have_names() {
        assert_eq!(Coder::of_word("dsd64").ok(), Some(Coder::Dsd(64)));
        assert_eq!(Coder::of_word("g726-32").ok(), Some(Coder::G726(4)));
        assert!(Coder::of_word("bf16").is_err());
    }
}
