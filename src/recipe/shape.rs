//! Which noise shaping is asked for.

use std::path::PathBuf;

use crate::{
    Error, Result,
    shaping::{
        AdaptiveSpec, ErrorFilter, KnownFilter, Shaper,
        shaper_design::{self, ShaperSpec},
        weighting::Weighting,
    },
};

/// The noise shaping that is asked for; some filters are designed for the sample rate.
///
/// ```
/// use sqnr::recipe::Shape;
///
/// let shape = Shape::parse("1.5,-0.6")?;
/// assert_eq!(shape.word(), "1.5,-0.6");
/// assert!(shape.shaper(48_000)?.is_some() && Shape::None.shaper(48_000)?.is_none());
/// # Ok::<(), sqnr::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Shape {
    /// None: the error stays white.
    #[default]
    None,
    /// Designed for the hearing at 15 phon: order 32, at most 24 dB more noise in all.
    Auto,
    /// Follows what the signal masks: order 32, at most 24 dB more noise in all.
    Adaptive,
    /// Designed for the threshold of hearing: order 20, at most 12 dB more noise in all.
    Ear,
    /// The difference `1 - z^-1`.
    FirstOrder,
    /// The second difference `(1 - z^-1)^2`.
    SecondOrder,
    /// A filter of the literature.
    Known(KnownFilter),
    /// Feedback coefficients.
    Feedback(Vec<f64>),
    /// The shaper or modulator that a JSON file describes.
    File(PathBuf),
}

impl Shape {
    /// Words that stand for no filter of the literature.
    const WORDS: [(&'static str, Self); 6] = [
        ("none", Self::None),
        ("auto", Self::Auto),
        ("adaptive", Self::Adaptive),
        ("ear", Self::Ear),
        ("order-1", Self::FirstOrder),
        ("order-2", Self::SecondOrder),
    ];

    /// All words that [`parse`](Self::parse) knows.
    pub fn names() -> Vec<&'static str> {
        Self::WORDS.iter().map(|(word, _)| *word).chain(KnownFilter::ALL.map(KnownFilter::name)).collect()
    }

    /// Reads a word of [`names`](Self::names), the name of a JSON file, or feedback coefficients with commas between
    /// them.
    ///
    /// # Errors
    /// `InvalidParameter` for anything else, and for coefficients that make no filter.
    pub fn parse(text: &str) -> Result<Self> {
        if let Some((_, shape)) = Self::WORDS.iter().find(|(word, _)| *word == text) {
            return Ok(shape.clone());
        }
        if text.ends_with(".json") {
            return Ok(Self::File(text.into()));
        }
        if let Ok(known) = KnownFilter::parse(text) {
            return Ok(Self::Known(known));
        }
        let numbers: std::result::Result<Vec<f64>, _> = text.split(',').map(|c| c.trim().parse::<f64>()).collect();
        let Ok(numbers) = numbers else {
            let allowed = format!("{}, FILE.json, or coefficients such as 1.5,-0.6", Self::names().join(", "));
            return Err(Error::invalid("shape", text, allowed));
        };
        ErrorFilter::from_feedback(&numbers).map(|_| Self::Feedback(numbers))
    }

    /// The word, the file's name or the coefficients, as [`parse`](Self::parse) reads them.
    pub fn word(&self) -> String {
        match self {
            Self::Known(filter) => filter.name().into(),
            Self::Feedback(numbers) => numbers.iter().map(f64::to_string).collect::<Vec<_>>().join(","),
            Self::File(path) => path.to_string_lossy().into_owned(),
            word => Self::WORDS.iter().find(|(_, shape)| shape == word).map_or("", |(word, _)| word).into(),
        }
    }

    /// The shaper at a sample rate; `None` for no shaping.
    ///
    /// # Errors
    /// `InvalidParameter` for a rate that no filter is designed for; `Input` when a file holds no shaper.
    pub fn shaper(&self, sample_rate_hz: u32) -> Result<Option<Shaper>> {
        let sample_rate_hz = f64::from(sample_rate_hz);
        let spec = match self {
            Self::None => return Ok(None),
            Self::Adaptive => {
                return Ok(Some(Shaper::Adaptive(AdaptiveSpec { sample_rate_hz, ..AdaptiveSpec::default() })));
            }
            Self::Auto => ShaperSpec { sample_rate_hz, ..ShaperSpec::default() },
            Self::Ear => ShaperSpec {
                sample_rate_hz,
                weighting: Weighting::Threshold,
                order: 20,
                max_total_noise_db: Some(12.0),
            },
            Self::FirstOrder => return ErrorFilter::from_feedback(&[1.0]).map(fixed),
            Self::SecondOrder => return ErrorFilter::from_feedback(&[2.0, -1.0]).map(fixed),
            Self::Known(known) => return Ok(fixed(known.filter())),
            Self::Feedback(numbers) => return ErrorFilter::from_feedback(numbers).map(fixed),
            Self::File(path) => return super::files::shaper(path).map(fixed),
        };
        let design = shaper_design::design(&spec)?;
        ErrorFilter::from_feedback(&design.feedback()).map(fixed)
    }
}

fn fixed(filter: ErrorFilter) -> Option<Shaper> {
    Some(Shaper::Fixed(filter))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_are_words_files_and_coefficients() {
        assert_eq!(Shape::parse("1.5,-0.6").ok(), Some(Shape::Feedback(vec![1.5, -0.6])));
        assert_eq!(Shape::parse("lipshitz").ok(), Some(Shape::Known(KnownFilter::Lipshitz)));
        assert_eq!(Shape::parse("adaptive").ok(), Some(Shape::Adaptive));
        assert!(Shape::parse("adaptve").expect_err("mistyped").to_string().contains("adaptive"));
        for wrong in ["x", "nan", "1,inf", "1e300", ","] {
            assert!(Shape::parse(wrong).is_err(), "{wrong}");
        }
        let too_many = vec!["0.1"; 1000].join(",");
        assert!(Shape::parse(&too_many).expect_err("too long").to_string().contains("1 to 64"));
        for word in Shape::names().into_iter().chain(["0.5,-0.25", "a/b.json"]) {
            assert_eq!(Shape::parse(word).expect("a shape").word(), word);
        }
    }

    #[test]
    fn every_word_has_a_shaper_at_every_usual_rate() {
        for rate in [8_000, 44_100, 48_000, 96_000] {
            for word in Shape::names() {
                let shaper = Shape::parse(word).expect("a shape").shaper(rate).expect("designed");
                assert_eq!(shaper.is_none(), word == "none", "{word} at {rate}");
            }
        }
    }
}
