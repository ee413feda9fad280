//! Words of the command line that stand for quantizers, dithers and containers.
//!
//! They become enums in the parser; library types know nothing of options.

use std::path::PathBuf;

use clap::ValueEnum;

use sqnr::shaping::{ErrorFilter, KnownFilter};

use super::{
    design_file::{self, Design},
    hints,
};

/// `--method`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Method {
    Uniform,
    MidRise,
    MuLaw,
    ALaw,
    LloydMax,
    /// One that codes stretches of samples.
    Coded(CodedMethod),
    /// A codebook or another design that a file describes.
    File(PathBuf),
}

/// Methods whose codes are written and read back in packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodedMethod {
    /// Uniform, indices range coded.
    EntropyCoded,
    /// The least error at an entropy, indices range coded.
    EntropyConstrained,
    /// Trellis-coded at a fixed rate.
    Trellis,
    /// Dependent quantization, indices range coded.
    Dependent,
    /// Vectors of neighbouring samples.
    Vector,
}

impl Method {
    const NAMES: [(&str, Self); 10] = [
        ("uniform", Self::Uniform),
        ("mid-rise", Self::MidRise),
        ("mu-law", Self::MuLaw),
        ("a-law", Self::ALaw),
        ("lloyd-max", Self::LloydMax),
        ("entropy-coded", Self::Coded(CodedMethod::EntropyCoded)),
        ("entropy-constrained", Self::Coded(CodedMethod::EntropyConstrained)),
        ("trellis", Self::Coded(CodedMethod::Trellis)),
        ("dependent", Self::Coded(CodedMethod::Dependent)),
        ("vector", Self::Coded(CodedMethod::Vector)),
    ];

    /// Reads a method's name, or the name of a JSON file.
    pub fn parse(text: &str) -> Result<Self, String> {
        if let Some((_, method)) = Self::NAMES.iter().find(|(name, _)| *name == text) {
            return Ok(method.clone());
        }
        if text.ends_with(".json") {
            return Ok(Self::File(text.into()));
        }
        let names: Vec<&str> = Self::NAMES.iter().map(|(name, _)| *name).collect();
        Err(hints::choose(text, &names, "or a FILE.json"))
    }

    /// The word, as in reports.
    pub fn name(&self) -> String {
        match self {
            Self::File(path) => super::exit::display_path(path),
            named => Self::NAMES.iter().find(|(_, m)| m == named).map_or("", |(name, _)| name).to_owned(),
        }
    }
}

/// `--law`: which encoder an 8-bit mu-law or A-law follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Law {
    /// ITU-T G.191 software tools
    Itu,
    /// Nearest level: least squared error
    Nearest,
    /// SoX
    Sox,
    /// FFmpeg
    Ffmpeg,
    /// Python's audioop
    Audioop,
    /// libsndfile
    Sndfile,
    /// The formula, not the segments of G.711
    Continuous,
}

/// `--dither`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DitherChoice {
    /// tpdf when bits are lost, none when not
    Auto,
    None,
    Rpdf,
    Tpdf,
    HpTpdf,
    Gaussian,
    /// Rectangular, taken away again after the decision: needs a float container
    Subtractive,
}

/// `--container`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Container {
    /// The smallest that holds every level exactly
    Auto,
    #[value(name = "8")]
    Int8,
    #[value(name = "16")]
    Int16,
    #[value(name = "24")]
    Int24,
    #[value(name = "32")]
    Int32,
    F32,
    F64,
    MuLaw,
    ALaw,
}

impl Container {
    /// Bits of an integer container.
    pub fn integer_bits(self) -> Option<u32> {
        match self {
            Self::Int8 => Some(8),
            Self::Int16 => Some(16),
            Self::Int24 => Some(24),
            Self::Int32 => Some(32),
            _ => None,
        }
    }
}

/// `--shape`.
#[derive(Debug, Clone, PartialEq)]
pub enum Shape {
    None,
    /// Designed for the sample rate: 15-phon weighting, order 32, at most 24 dB more noise in all.
    Auto,
    /// Follows what the signal hides: order 32, at most 24 dB more noise in all.
    Adaptive,
    /// A filter of the literature, of a design's file, or of coefficients.
    Filter(ErrorFilter),
}

impl Shape {
    /// Reads `none`, `auto`, `adaptive`, a known filter's name, the JSON file of a designed shaper or modulator, or feedback
    /// coefficients with commas between them.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text {
            "none" => return Ok(Self::None),
            "auto" => return Ok(Self::Auto),
            "adaptive" => return Ok(Self::Adaptive),
            file if file.ends_with(".json") => return shape_of_file(file),
            _ => {}
        }
        if let Ok(known) = KnownFilter::parse(text) {
            return Ok(Self::Filter(known.filter()));
        }
        let numbers: Result<Vec<f64>, _> = text.split(',').map(|c| c.trim().parse::<f64>()).collect();
        match numbers {
            Ok(numbers) => ErrorFilter::from_feedback(&numbers).map(Self::Filter).map_err(|error| error.to_string()),
            Err(_) => {
                let known = KnownFilter::ALL.map(KnownFilter::name);
                let names: Vec<&str> = ["none", "auto", "adaptive"].into_iter().chain(known).collect();
                Err(hints::choose(text, &names, "a FILE.json, or coefficients such as 1.5,-0.6"))
            }
        }
    }
}

fn shape_of_file(name: &str) -> Result<Shape, String> {
    match design_file::read(name.as_ref())? {
        Design::Shaper(filter) => Ok(Shape::Filter(filter)),
        Design::Modulator(modulator) => {
            let (numerator, denominator) = (modulator.ntf.numerator(), modulator.ntf.denominator());
            ErrorFilter::from_ntf(numerator, denominator).map(Shape::Filter).map_err(|error| error.to_string())
        }
        Design::Codebook(_) => Err("a codebook, not a noise shaper; use it with -m".into()),
        Design::Predictor(predictor) => {
            let order = predictor.coefficients().len();
            Err(format!("a predictor of order {order}, not a noise shaper; use it with -m"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_method_gets_a_hint() {
        assert_eq!(Method::parse("lloyd-max"), Ok(Method::LloydMax));
        assert_eq!(Method::parse("a/b.json"), Ok(Method::File("a/b.json".into())));
        assert!(Method::parse("unifrom").expect_err("mistyped").contains("did you mean 'uniform'"));
    }

    #[test]
    fn shape_takes_names_and_coefficients() {
        let own = ErrorFilter::from_feedback(&[1.5, -0.6]).expect("legal");
        assert_eq!(Shape::parse("1.5,-0.6"), Ok(Shape::Filter(own)));
        assert_eq!(Shape::parse("lipshitz"), Ok(Shape::Filter(KnownFilter::Lipshitz.filter())));
        assert_eq!(Shape::parse("adaptive"), Ok(Shape::Adaptive));
        assert!(Shape::parse("adaptve").expect_err("mistyped").contains("did you mean 'adaptive'"));
        for wrong in ["x", "nan", "1,inf", "1e300", ",", "nothing.json"] {
            assert!(Shape::parse(wrong).is_err(), "{wrong}");
        }
        let too_many = vec!["0.1"; 1000].join(",");
        assert!(Shape::parse(&too_many).expect_err("too long").contains("1 to 64"));
    }
}
