//! Number formats by their names, with the options that some of them take.

use super::Word;
use crate::{
    Error, Result,
    number_format::{
        Granularity, NumberFormat,
        affine::{ScaleRule, Symmetry},
        block_float::ExponentRule,
        calibration::Calibration,
    },
};

/// A number format and the name it was asked for by, in lower case.
///
/// ```
/// use sqnr::recipe::{Method, NamedFormat, Recipe};
///
/// let recipe: Recipe = "bf16".parse()?;
/// assert_eq!(recipe.method, Method::Format(NamedFormat::parse("BF16")?));
/// # Ok::<(), sqnr::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct NamedFormat {
    /// The name.
    pub name: String,
    /// The format with all its options.
    pub format: NumberFormat,
}

impl NamedFormat {
    /// The format of a name, with the options that the name alone implies.
    ///
    /// # Errors
    /// `InvalidParameter` for a name that [`NumberFormat::parse`] does not know.
    pub fn parse(name: &str) -> Result<Self> {
        Ok(Self { name: name.to_ascii_lowercase(), format: NumberFormat::parse(name)? })
    }
}

impl Word for Symmetry {
    const FIELD: &'static str = "symmetry";
    const WORDS: &'static [(&'static str, Self, &'static str)] = &[
        ("asymmetric", Self::Asymmetric, "the zero point is free"),
        ("symmetric", Self::Symmetric, "the zero point is in the middle"),
    ];
}

impl Word for ScaleRule {
    const FIELD: &'static str = "rule";
    const WORDS: &'static [(&'static str, Self, &'static str)] =
        &[("onnxruntime", Self::OnnxRuntime, ""), ("pytorch", Self::PyTorch, ""), ("tflite", Self::TensorFlowLite, "")];
}

impl Word for ExponentRule {
    const FIELD: &'static str = "exponent";
    const WORDS: &'static [(&'static str, Self, &'static str)] = &[
        ("floor", Self::Floor, "That of the OCP specification"),
        ("best", Self::Best, "The one of five with the least error"),
    ];
}

/// Reads what shares a scale: `tensor`, `channel` (the first axis) or `group:N`.
///
/// # Errors
/// `InvalidParameter` for anything else.
pub fn parse_granularity(text: &str) -> Result<Granularity> {
    let wrong = || Error::invalid("granularity", text, "tensor, channel or group:N with N of 1 and above");
    match text.split_once(':') {
        None if text == "tensor" => Ok(Granularity::Tensor),
        None if text == "channel" => Ok(Granularity::Channel { axis: 0 }),
        Some(("group", len)) => match len.parse() {
            Ok(len @ 1..) => Ok(Granularity::Group { len }),
            _ => Err(wrong()),
        },
        _ => Err(wrong()),
    }
}

/// The word that [`parse_granularity`] reads.
pub fn granularity_word(granularity: Granularity) -> String {
    match granularity {
        Granularity::Tensor => "tensor".into(),
        Granularity::Channel { .. } => "channel".into(),
        Granularity::Group { len } => format!("group:{len}"),
    }
}

/// Reads where the range of integers comes from: `min-max`, `percentile:P`, `entropy`, `histogram` or `mse`.
///
/// # Errors
/// `InvalidParameter` for anything else.
pub fn parse_calibration(text: &str) -> Result<Calibration> {
    let wrong = || {
        let allowed = "min-max, percentile:P with P above 0 to 100, entropy, histogram or mse";
        Error::invalid("calibration", text, allowed)
    };
    match text.split_once(':') {
        None if text == "min-max" => Ok(Calibration::MinMax),
        None if text == "mse" => Ok(Calibration::LeastSquares),
        None if text == "histogram" => Ok(Calibration::HistogramObserver),
        None if text == "entropy" => Ok(Calibration::Entropy { n_bins: 2048, n_quantized_bins: 128 }),
        Some(("percentile", percent)) => match percent.parse() {
            Ok(percent) if percent > 0.0 && percent <= 100.0 => Ok(Calibration::Percentile { percent, n_bins: 2048 }),
            _ => Err(wrong()),
        },
        _ => Err(wrong()),
    }
}

/// The word that [`parse_calibration`] reads.
pub fn calibration_word(calibration: Calibration) -> String {
    match calibration {
        Calibration::Percentile { percent, .. } => format!("percentile:{percent}"),
        Calibration::Entropy { .. } => "entropy".into(),
        Calibration::HistogramObserver => "histogram".into(),
        Calibration::LeastSquares => "mse".into(),
        Calibration::MinMax | Calibration::MovingAverage { .. } => "min-max".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_become_options() {
        assert_eq!(parse_granularity("group:32").ok(), Some(Granularity::Group { len: 32 }));
        assert!(parse_granularity("group:0").is_err() && parse_granularity("row").is_err());
        assert_eq!(parse_calibration("mse").ok(), Some(Calibration::LeastSquares));
        assert!(parse_calibration("percentile:0").is_err() && parse_calibration("percentile:x").is_err());
        assert_eq!(NamedFormat::parse("BF16").expect("a name").name, "bf16");
        assert!(NamedFormat::parse("bf17").is_err());
        for word in ["tensor", "channel", "group:7"] {
            assert_eq!(granularity_word(parse_granularity(word).expect("a word")), word);
        }
        for word in ["min-max", "percentile:99.9", "entropy", "histogram", "mse"] {
            assert_eq!(calibration_word(parse_calibration(word).expect("a word")), word);
        }
    }
}
