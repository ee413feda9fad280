//! The options that make a recipe, and the words that they take.

use std::{fs, io::Read, path::Path};

use clap::{
    Args,
    builder::{PossibleValue, PossibleValuesParser, TypedValueParser},
};

use sqnr::{
    quantizer::Rounding,
    recipe::{Coder, Container, Depth, DitherChoice, Law, Method, NamedFormat, NamedMethod, Recipe, Shape, Word},
};

use super::{exit::Failure, hints, identity};

/// The options that say how to quantize sample by sample.
#[derive(Debug, Clone, Args)]
pub struct RecipeArgs {
    /// Bit depth: 2^N levels
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=32), conflicts_with = "levels")]
    pub bits: Option<u32>,
    /// Number of levels
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(2..=1 << 32))]
    pub levels: Option<u64>,
    /// uniform, mid-rise, mu-law, a-law, lloyd-max, entropy-coded, entropy-constrained, trellis, dependent, vector, FILE.json
    #[arg(short, long, value_name = "METHOD", default_value = "uniform", value_parser = parse_method)]
    pub method: Method,
    /// For mu-law and A-law: whose encoder [default: itu at 8 bits, else continuous]
    #[arg(long, value_parser = words::<Law>())]
    law: Option<Law>,
    /// Compression of mu-law or A-law [default: 255 or 87.6]
    #[arg(long, value_name = "NUMBER", conflicts_with = "law", hide_short_help = true)]
    compression: Option<f64>,
    /// Noise added before the decision
    #[arg(short, long, default_value = "auto", value_name = "KIND", value_parser = words::<DitherChoice>())]
    dither: DitherChoice,
    /// Noise shaping: none, auto (ear), adaptive (signal), a filter's name, FILE.json, or 1.5,-0.6
    ///
    /// `auto` designs a filter for the hearing at 15 phon, `adaptive` one for each 512 samples from what the signal masks; `ear` is
    /// milder than auto; order-1 and order-2 are plain differences; lipshitz, f-weighted, modified-e-weighted and
    /// improved-e-weighted are those of the papers; a file comes from design; numbers are feedback coefficients.
    #[arg(short, long, default_value = "none", value_name = "FILTER", value_parser = parse_shape, allow_hyphen_values = true)]
    shape: Shape,
    /// Without dither: where values between two levels go
    #[arg(long, default_value = "half-up", value_name = "HOW", value_parser = words::<Rounding>(), hide_short_help = true)]
    rounding: Rounding,
    /// Seed of the dither
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// How samples are stored
    #[arg(long, default_value = "auto", value_name = "FORM", value_parser = words::<Container>())]
    container: Container,
}

impl RecipeArgs {
    /// The recipe that the options ask for.
    pub fn recipe(&self) -> Recipe {
        Recipe {
            depth: self.bits.map(Depth::Bits).or(self.levels.map(Depth::Levels)),
            law: self.law,
            compression: self.compression,
            dither: self.dither,
            shape: self.shape.clone(),
            rounding: self.rounding,
            seed: self.seed,
            container: self.container,
            ..Recipe::new(self.method.clone())
        }
    }

    /// True when an option says what the output is, so that there is one to show.
    pub fn says_how_fine(&self) -> bool {
        self.bits.is_some() || self.levels.is_some() || matches!(self.method, Method::File(_))
    }
}

/// Reads one of the words of `W`; help lists them.
pub fn words<W: Word + Send + Sync>() -> impl TypedValueParser<Value = W> {
    let value = |(word, _, about): &'static (&'static str, W, &'static str)| match about.is_empty() {
        true => PossibleValue::new(word),
        false => PossibleValue::new(word).help(*about),
    };
    PossibleValuesParser::new(W::WORDS.iter().map(value)).map(|word| W::of_word(&word).expect("one of the words"))
}

/// Reads a method that quantizes samples, or a design's file.
pub fn parse_method(text: &str) -> Result<Method, String> {
    match Method::parse(text) {
        Ok(Method::File(path)) => {
            identity::note_input(&path);
            Ok(Method::File(path))
        }
        Ok(method @ Method::Named(_)) => Ok(method),
        Ok(Method::Codec(_)) => Err("the transform codec is the command encode".into()),
        Ok(Method::Coder(_) | Method::Format(_)) => Err(format!("a coder or number format; use --format {text}")),
        Err(_) => {
            let names: Vec<&str> = NamedMethod::WORDS.iter().map(|(word, ..)| *word).collect();
            Err(hints::choose(text, &names, "or a FILE.json"))
        }
    }
}

/// Reads a noise shape.
pub fn parse_shape(text: &str) -> Result<Shape, String> {
    if text.ends_with(".json") {
        identity::note_input(Path::new(text));
        // A wrong file is told before any input is touched.
        let shape = Shape::File(text.into());
        return shape.shaper(48_000).map(|_| shape).map_err(|error| reason(&error));
    }
    let is_list = text.split(',').all(|number| number.trim().parse::<f64>().is_ok());
    Shape::parse(text).map_err(|error| match is_list {
        true => error.to_string(),
        false => hints::choose(text, &Shape::names(), "a FILE.json, or coefficients such as 1.5,-0.6"),
    })
}

/// What is wrong, without the name of the file that clap says.
fn reason(error: &sqnr::Error) -> String {
    match error {
        sqnr::Error::Input { source, .. } => reason(source),
        sqnr::Error::Io { source, .. } if source.kind() == std::io::ErrorKind::NotFound => "no such file".into(),
        other => other.to_string(),
    }
}

/// Reads the name of a number format or of a coder.
pub fn parse_format(text: &str) -> Result<Method, String> {
    if let Ok(coder) = Coder::of_word(&text.to_ascii_lowercase()) {
        return Ok(Method::Coder(coder));
    }
    let format = NamedFormat::parse(text).map_err(|error| format!("{error}, {}", Coder::list()))?;
    Ok(Method::Format(format))
}

/// Longest recipe that is read, bytes.
const MAX_RECIPE_BYTES: u64 = 1 << 16;

/// The recipe in a file, or on standard input for `-`: JSON, or the text form.
pub fn read_recipe(path: &Path) -> Result<Recipe, Failure> {
    let shown = if path.as_os_str() == "-" { Path::new("standard input") } else { path };
    let mut text = String::new();
    let read = |input: &mut dyn Read, text: &mut String| input.take(MAX_RECIPE_BYTES + 1).read_to_string(text);
    let outcome = match path.as_os_str() == "-" {
        true => read(&mut std::io::stdin().lock(), &mut text),
        false => {
            identity::note_input(path);
            fs::File::open(path).and_then(|mut file| read(&mut file, &mut text))
        }
    };
    outcome.map_err(|error| Failure::input(shown, error))?;
    let recipe = match text.trim_start().starts_with('{') {
        true => Recipe::from_json(&text),
        false => text.parse(),
    };
    recipe.map_err(|error| Failure::input(shown, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_method_gets_a_hint() {
        assert_eq!(parse_method("lloyd-max"), Ok(NamedMethod::LloydMax.into()));
        assert_eq!(parse_method("a/b.json"), Ok(Method::File("a/b.json".into())));
        assert!(parse_method("unifrom").expect_err("mistyped").contains("did you mean 'uniform'"));
        assert!(parse_method("bf16").expect_err("a format").contains("--format bf16"));
    }

    #[test]
    fn a_mistyped_shape_gets_a_hint() {
        assert!(parse_shape("adaptve").expect_err("mistyped").contains("did you mean 'adaptive'"));
        let too_many = vec!["0.1"; 1000].join(",");
        assert!(parse_shape(&too_many).expect_err("too long").contains("1 to 64"));
    }
}
