//! Which dither is asked for.

use super::Word;
use crate::shaping::Dither;

/// The dither that is asked for; what is used may depend on the signal.
///
/// ```
/// use sqnr::{recipe::{DitherChoice, Word}, shaping::Dither};
///
/// assert_eq!(DitherChoice::of_word("auto")?, DitherChoice::Auto);
/// assert_eq!(DitherChoice::from(Dither::Triangular).word(), "tpdf");
/// # Ok::<(), sqnr::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DitherChoice {
    /// Triangular when a uniform quantizer loses bits of the signal, none otherwise.
    #[default]
    Auto,
    /// This one.
    Of(Dither),
}

impl Word for DitherChoice {
    const FIELD: &'static str = "dither";
    const WORDS: &'static [(&'static str, Self, &'static str)] = &[
        ("auto", Self::Auto, "tpdf when bits are lost, none when not"),
        ("none", Self::Of(Dither::None), ""),
        ("rpdf", Self::Of(Dither::Rectangular), ""),
        ("tpdf", Self::Of(Dither::Triangular), ""),
        ("hp-tpdf", Self::Of(Dither::HighPassTriangular), ""),
        ("gaussian", Self::Of(Dither::Gaussian), ""),
        (
            "subtractive",
            Self::Of(Dither::Subtractive),
            "Rectangular, taken away again after the decision: needs a float container",
        ),
    ];
}

impl From<Dither> for DitherChoice {
    fn from(dither: Dither) -> Self {
        Self::Of(dither)
    }
}
