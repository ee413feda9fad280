//! What the page may ask for, as recipes. Words alone: no request can name a file.

use serde::Deserialize;

use sqnr::{
    Error,
    codec::Target,
    recipe::{CodecRequest, DitherChoice, Law, Method, NamedMethod, Recipe, Shape, Word},
    report::html::live::{Form, Knob},
    shaping::Dither,
};

use super::super::exit::Failure;

/// A question of the page.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Knobs {
    method: String,
    bits: u32,
    dither: String,
    shape: String,
    quality: f32,
}

/// Quantizers that the page offers, and the codec.
const METHODS: [&str; 6] = ["uniform", "mid-rise", "mu-law", "a-law", "lloyd-max", "codec"];
/// Dithers that the page offers.
const DITHERS: [&str; 5] = ["tpdf", "none", "rpdf", "hp-tpdf", "gaussian"];
/// Noise shapes that the page offers.
const SHAPES: [&str; 2] = ["none", "auto"];

/// Most bits that a knob gives: what the page plays.
const MAX_BITS: u32 = 24;

/// What the page starts with: what its controls show.
pub fn start() -> Recipe {
    Recipe { dither: Dither::Triangular.into(), ..Recipe::of_bits(NamedMethod::Uniform, 8) }
}

/// The recipe that a question asks for.
pub fn recipe(json: &[u8]) -> Result<Recipe, Failure> {
    let knobs: Knobs = serde_json::from_slice(json).map_err(|error| Failure::usage(error.to_string()))?;
    knobs.recipe().map_err(|error| Failure::usage(error.to_string()))
}

impl Knobs {
    fn recipe(&self) -> sqnr::Result<Recipe> {
        offered("method", &self.method, &METHODS)?;
        offered("dither", &self.dither, &DITHERS)?;
        offered("shape", &self.shape, &SHAPES)?;
        if !(1..=MAX_BITS).contains(&self.bits) {
            return Err(Error::invalid("bits", self.bits, format!("1 to {MAX_BITS}")));
        }
        if !(0.0..=10.0).contains(&self.quality) {
            return Err(Error::invalid("quality", self.quality, "0 to 10"));
        }
        if self.method == "codec" {
            let request = CodecRequest { target: Target::Quality(self.quality), ..CodecRequest::default() };
            return Ok(Recipe::new(Method::Codec(request)));
        }
        let method = NamedMethod::of_word(&self.method)?;
        // A quantizer whose steps differ in size takes no dither.
        let dither = match method {
            NamedMethod::Uniform | NamedMethod::MidRise => DitherChoice::of_word(&self.dither)?,
            _ => Dither::None.into(),
        };
        // The formula at every depth; G.711's own steps exist at 8 bits alone.
        let law = method.is_companding().then_some(Law::Continuous);
        Ok(Recipe { law, dither, shape: Shape::parse(&self.shape)?, ..Recipe::of_bits(method, self.bits) })
    }
}

fn offered(knob: &'static str, word: &str, words: &[&str]) -> sqnr::Result<()> {
    match words.contains(&word) {
        true => Ok(()),
        false => Err(Error::invalid(knob, word, words.join(", "))),
    }
}

/// The controls of the page.
pub fn controls() -> Vec<Knob> {
    const QUANTIZERS: &[&str] = &["uniform", "mid-rise", "mu-law", "a-law", "lloyd-max"];
    const UNIFORM: &[&str] = &["uniform", "mid-rise"];
    let range = |least, greatest, step, value| Form::Range { least, greatest, step, value };
    vec![
        Knob { key: "method", label: "Method", form: Form::Choice(&METHODS), only_for: &[] },
        Knob { key: "bits", label: "Bits", form: range(1.0, f64::from(MAX_BITS), 1.0, 8.0), only_for: QUANTIZERS },
        Knob { key: "dither", label: "Dither", form: Form::Choice(&DITHERS), only_for: UNIFORM },
        Knob { key: "shape", label: "Noise shaping", form: Form::Choice(&SHAPES), only_for: QUANTIZERS },
        Knob { key: "quality", label: "Quality", form: range(0.0, 10.0, 0.5, 5.0), only_for: &["codec"] },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> Result<Recipe, Failure> {
        recipe(json.as_bytes())
    }

    #[test]
    fn questions_are_words_and_numbers_within_their_ranges() {
        let good = r#"{"method":"mu-law","bits":4,"dither":"hp-tpdf","shape":"auto","quality":7.5}"#;
        let recipe = parse(good).expect("legal");
        let command = "sqnr quantize -m mu-law -b 4 --law continuous -d none -s auto a.wav";
        assert_eq!(recipe.shell_line("a.wav"), command);
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
        let chosen = |key: &str| match controls().into_iter().find(|k| k.key == key).map(|k| k.form) {
            Some(Form::Choice(words)) => format!("\"{}\"", words[0]),
            Some(Form::Range { value, .. }) => value.to_string(),
            None => panic!("{key}"),
        };
        let keys = ["method", "bits", "dither", "shape", "quality"];
        let json: Vec<String> = keys.iter().map(|key| format!("\"{key}\":{}", chosen(key))).collect();
        assert_eq!(parse(&format!("{{{}}}", json.join(","))).ok(), Some(start()));
    }
}
