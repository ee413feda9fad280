//! How samples are stored, and whose G.711 encoder is followed.

use super::Word;
use crate::quantizer::g711::Convention;

/// How samples are stored.
///
/// ```
/// use sqnr::recipe::{Container, Recipe};
///
/// let recipe: Recipe = "uniform bits=4 container=24".parse()?;
/// assert_eq!(recipe.container, Container::Integer(24));
/// # Ok::<(), sqnr::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Container {
    /// The smallest that holds every level exactly.
    #[default]
    Auto,
    /// Integers of this many bits: 8, 16, 24 or 32.
    Integer(u32),
    /// 32-bit floating point.
    F32,
    /// 64-bit floating point.
    F64,
    /// The 8-bit codes of G.711 mu-law.
    MuLaw,
    /// The 8-bit codes of G.711 A-law.
    ALaw,
}

impl Word for Container {
    const FIELD: &'static str = "container";
    const WORDS: &'static [(&'static str, Self, &'static str)] = &[
        ("auto", Self::Auto, "The smallest that holds every level exactly"),
        ("8", Self::Integer(8), ""),
        ("16", Self::Integer(16), ""),
        ("24", Self::Integer(24), ""),
        ("32", Self::Integer(32), ""),
        ("f32", Self::F32, ""),
        ("f64", Self::F64, ""),
        ("mu-law", Self::MuLaw, ""),
        ("a-law", Self::ALaw, ""),
    ];
}

/// Whose encoder mu-law and A-law follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Law {
    /// A G.711 encoder.
    G711(Convention),
    /// The formula, not the segments of G.711.
    Continuous,
    /// The grid of WaveNet and torchaudio, levels at both ends, mu one less than the levels.
    Torchaudio,
}

impl Word for Law {
    const FIELD: &'static str = "law";
    const WORDS: &'static [(&'static str, Self, &'static str)] = &[
        ("itu", Self::G711(Convention::Itu), "ITU-T G.191 software tools"),
        ("nearest", Self::G711(Convention::Nearest), "Nearest level: least squared error"),
        ("sox", Self::G711(Convention::Sox), "SoX"),
        ("ffmpeg", Self::G711(Convention::Ffmpeg), "FFmpeg"),
        ("audioop", Self::G711(Convention::Audioop), "Python's audioop"),
        ("sndfile", Self::G711(Convention::Sndfile), "libsndfile"),
        ("continuous", Self::Continuous, "The formula, not the segments of G.711"),
        ("torchaudio", Self::Torchaudio, "Mu-law with levels at both ends: WaveNet, torchaudio"),
        ("wavenet", Self::Torchaudio, "The same"),
    ];
}
