//! What the page may ask for, and the settings that stands for. Words alone: no request can name a file.

use serde::Deserialize;

use sqnr::report::html::live::{Form, Knob};

use super::super::{
    choices::{DitherChoice, Law, Method, Shape},
    exit::Failure,
    quantize::Settings,
};

/// A question of the page.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Knobs {
    pub method: Way,
    pub bits: u32,
    pub dither: DitherWord,
    pub shape: ShapeWord,
    pub quality: f32,
}

/// Quantizers and the codec.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Way {
    Uniform,
    MidRise,
    MuLaw,
    ALaw,
    LloydMax,
    Codec,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DitherWord {
    Tpdf,
    None,
    Rpdf,
    HpTpdf,
    Gaussian,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ShapeWord {
    None,
    Auto,
}

/// Most bits that a knob gives: what the page plays.
const MAX_BITS: u32 = 24;

impl Knobs {
    /// What the page starts with: the values its controls show.
    pub const START: Self =
        Self { method: Way::Uniform, bits: 8, dither: DitherWord::Tpdf, shape: ShapeWord::None, quality: 5.0 };

    /// Reads the question.
    pub fn parse(json: &[u8]) -> Result<Self, Failure> {
        let knobs: Self = serde_json::from_slice(json).map_err(|error| Failure::usage(error.to_string()))?;
        if !(1..=MAX_BITS).contains(&knobs.bits) {
            return Err(Failure::usage(format!("bits is {}; allowed: 1 to {MAX_BITS}", knobs.bits)));
        }
        if !(0.0..=10.0).contains(&knobs.quality) {
            return Err(Failure::usage(format!("quality is {}; allowed: 0 to 10", knobs.quality)));
        }
        Ok(knobs)
    }

    /// The controls of the page.
    pub fn controls() -> Vec<Knob> {
        const QUANTIZERS: &[&str] = &["uniform", "mid-rise", "mu-law", "a-law", "lloyd-max"];
        const UNIFORM: &[&str] = &["uniform", "mid-rise"];
        let start = Self::START;
        let range = |least, greatest, step, value| Form::Range { least, greatest, step, value };
        vec![
            Knob {
                key: "method",
                label: "Method",
                form: Form::Choice(&["uniform", "mid-rise", "mu-law", "a-law", "lloyd-max", "codec"]),
                only_for: &[],
            },
            Knob {
                key: "bits",
                label: "Bits",
                form: range(1.0, f64::from(MAX_BITS), 1.0, f64::from(start.bits)),
                only_for: QUANTIZERS,
            },
            Knob {
                key: "dither",
                label: "Dither",
                form: Form::Choice(&["tpdf", "none", "rpdf", "hp-tpdf", "gaussian"]),
                only_for: UNIFORM,
            },
            Knob { key: "shape", label: "Noise shaping", form: Form::Choice(&["none", "auto"]), only_for: QUANTIZERS },
            Knob {
                key: "quality",
                label: "Quality",
                form: range(0.0, 10.0, 0.5, f64::from(start.quality)),
                only_for: &["codec"],
            },
        ]
    }

    /// The settings of `quantize`; none for the codec. The library takes no dither around steps of many sizes.
    pub fn settings(&self) -> Option<Settings> {
        let method = match self.method {
            Way::Uniform => Method::Uniform,
            Way::MidRise => Method::MidRise,
            Way::MuLaw => Method::MuLaw,
            Way::ALaw => Method::ALaw,
            Way::LloydMax => Method::LloydMax,
            Way::Codec => return None,
        };
        let dither = match self.dither {
            _ if !matches!(self.method, Way::Uniform | Way::MidRise) => DitherChoice::None,
            DitherWord::Tpdf => DitherChoice::Tpdf,
            DitherWord::None => DitherChoice::None,
            DitherWord::Rpdf => DitherChoice::Rpdf,
            DitherWord::HpTpdf => DitherChoice::HpTpdf,
            DitherWord::Gaussian => DitherChoice::Gaussian,
        };
        let shape = match self.shape {
            ShapeWord::None => Shape::None,
            ShapeWord::Auto => Shape::Auto,
        };
        // The formula at every depth; G.711's own steps exist at 8 bits alone.
        let law = matches!(self.method, Way::MuLaw | Way::ALaw).then_some(Law::Continuous);
        Some(Settings { bits: Some(self.bits), method, law, dither, shape, ..Settings::default() })
    }

    /// The options of the command line that do the same, without the input.
    pub fn command(&self) -> String {
        let Some(settings) = self.settings() else { return format!("encode -q {}", self.quality) };
        let law = if settings.law.is_some() { " --law continuous" } else { "" };
        let dither = match self.dither {
            _ if settings.dither == DitherChoice::None => "none",
            DitherWord::Tpdf => "tpdf",
            DitherWord::None => "none",
            DitherWord::Rpdf => "rpdf",
            DitherWord::HpTpdf => "hp-tpdf",
            DitherWord::Gaussian => "gaussian",
        };
        let shape = if self.shape == ShapeWord::Auto { " -s auto" } else { "" };
        format!("quantize -b {} -m {}{law} -d {dither}{shape}", self.bits, settings.method.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> Result<Knobs, Failure> {
        Knobs::parse(json.as_bytes())
    }

    #[test]
    fn questions_are_words_and_numbers_within_their_ranges() {
        let good = r#"{"method":"mu-law","bits":4,"dither":"hp-tpdf","shape":"auto","quality":7.5}"#;
        let knobs = parse(good).expect("legal");
        assert_eq!(knobs.command(), "quantize -b 4 -m mu-law --law continuous -d none -s auto");
        for bad in [
            "",
            "{}",
            r#"{"method":"/etc/passwd.json","bits":4,"dither":"tpdf","shape":"none","quality":5}"#,
            r#"{"method":"uniform","bits":4,"dither":"tpdf","shape":"x.json","quality":5}"#,
            r#"{"method":"uniform","bits":0,"dither":"tpdf","shape":"none","quality":5}"#,
            r#"{"method":"uniform","bits":33,"dither":"tpdf","shape":"none","quality":5}"#,
            r#"{"method":"codec","bits":4,"dither":"tpdf","shape":"none","quality":11}"#,
            r#"{"method":"codec","bits":4,"dither":"tpdf","shape":"none","quality":5,"input":"/etc/passwd"}"#,
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn controls_start_where_the_first_page_stands() {
        let chosen = |key: &str| match Knobs::controls().into_iter().find(|k| k.key == key).map(|k| k.form) {
            Some(Form::Choice(words)) => format!("\"{}\"", words[0]),
            Some(Form::Range { value, .. }) => value.to_string(),
            None => panic!("{key}"),
        };
        let keys = ["method", "bits", "dither", "shape", "quality"];
        let json: Vec<String> = keys.iter().map(|key| format!("\"{key}\":{}", chosen(key))).collect();
        assert_eq!(parse(&format!("{{{}}}", json.join(","))).ok(), Some(Knobs::START));
    }
}
