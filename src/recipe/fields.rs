//! A recipe as a list of fields: what its text, its JSON and its command line have in common.

use super::{
    CodecRequest, Container, Depth, DitherChoice, Law, Method, Recipe, Shape, Word, calibration_word, granularity_word,
    parse_calibration, parse_granularity,
};
use crate::{
    Error, Result,
    codec::{BandQuantizer, BitTable, Target},
    number_format::{
        AffineOptions, NumberFormat,
        affine::{IntegerType, ScaleRule, Symmetry},
        block_float::ExponentRule,
    },
    quantizer::Rounding,
};

/// One field: its key and its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// The key, in snake case.
    pub key: &'static str,
    /// The value.
    pub value: Value,
}

/// What a field holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A word, a file's name or a list.
    Text(String),
    /// A whole number.
    Whole(u64),
    /// A number.
    Number(f64),
}

impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Whole(n) => n.fmt(f),
            Self::Number(x) => x.fmt(f),
        }
    }
}

/// Longest value: the most feedback coefficients at their longest, and any path.
const MAX_VALUE_BYTES: usize = 4096;

/// All keys, in the order in which they are written.
pub(super) const KEYS: [&str; 25] = [
    "method",
    "bits",
    "levels",
    "rate",
    "law",
    "compression",
    "dither",
    "shape",
    "rounding",
    "seed",
    "states",
    "paths",
    "container",
    "granularity",
    "calibration",
    "symmetry",
    "rule",
    "exponent",
    "quality",
    "bitrate",
    "snr",
    "nmr",
    "bits_per_band",
    "band_quantizer",
    "max_bandwidth",
];

/// Fields that are being read into a recipe.
///
/// ```
/// use sqnr::recipe::{Fields, Recipe, Value};
///
/// let mut fields = Fields::default();
/// fields.add("method", Value::Text("uniform".into()))?;
/// fields.add("bits", Value::Whole(8))?;
/// assert_eq!(fields.recipe()?, "uniform bits=8".parse::<Recipe>()?);
/// # Ok::<(), sqnr::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct Fields(Vec<Field>);

impl Fields {
    /// Adds a field.
    ///
    /// # Errors
    /// `InvalidParameter` for a key that no recipe has, and for one that was there before.
    pub fn add(&mut self, key: &str, value: Value) -> Result<()> {
        let snake = key.replace('-', "_");
        let Some(key) = KEYS.into_iter().find(|known| *known == snake) else {
            let shown: String = key.chars().take(40).collect();
            return Err(Error::invalid("field", shown, KEYS.join(", ")));
        };
        if self.0.iter().any(|field| field.key == key) {
            return Err(Error::invalid(key, value, "one value; it stands there twice"));
        }
        if let Value::Text(text) = &value
            && text.len() > MAX_VALUE_BYTES
        {
            return Err(Error::invalid(key, super::text::shortened(text), format!("at most {MAX_VALUE_BYTES} bytes")));
        }
        self.0.push(Field { key, value });
        Ok(())
    }

    fn take(&mut self, key: &str) -> Option<Value> {
        let place = self.0.iter().position(|field| field.key == key)?;
        Some(self.0.swap_remove(place).value)
    }

    fn text(&mut self, key: &str) -> Option<String> {
        self.take(key).map(|value| value.to_string())
    }

    fn word<W: Word>(&mut self, key: &str) -> Result<Option<W>> {
        self.text(key).map(|text| W::of_word(&text)).transpose()
    }

    fn whole(&mut self, key: &'static str, (least, most): (u64, u64)) -> Result<Option<u64>> {
        let Some(value) = self.take(key) else { return Ok(None) };
        let number = match &value {
            Value::Whole(n) => Some(*n),
            Value::Number(_) => None,
            Value::Text(text) => text.parse().ok(),
        };
        match number.filter(|n| (least..=most).contains(n)) {
            Some(n) => Ok(Some(n)),
            None => Err(Error::invalid(key, value, format!("a whole number, {least} to {most}"))),
        }
    }

    fn number(&mut self, key: &'static str, (least, most): (f64, f64)) -> Result<Option<f64>> {
        let Some(value) = self.take(key) else { return Ok(None) };
        let number = match &value {
            Value::Whole(n) => Some(*n as f64),
            Value::Number(x) => Some(*x),
            Value::Text(text) => number_of(key, text),
        };
        match number.filter(|x| (least..=most).contains(x)) {
            Some(x) => Ok(Some(x)),
            None => Err(Error::invalid(key, value, format!("a number, {least} to {most}"))),
        }
    }

    /// The recipe of all fields.
    ///
    /// # Errors
    /// `InvalidParameter` that names the field, when there is no method, when a value is out of its range, or when the
    /// method takes no such field. What [`Recipe::check`] finds is not looked for here.
    pub fn recipe(mut self) -> Result<Recipe> {
        let word = self.text("method").ok_or_else(|| Error::invalid("method", "missing", "a method's word"))?;
        let mut method = Method::parse(&word)?;
        match &mut method {
            Method::Format(named) => named.format = self.format_options(named.format)?,
            Method::Codec(request) => *request = self.codec_request()?,
            Method::Named(_) | Method::File(_) | Method::Coder(_) => {}
        }
        let recipe = Recipe {
            depth: self.depth()?,
            law: self.word::<Law>("law")?,
            compression: self.number("compression", (f64::MIN_POSITIVE, 1e6))?,
            dither: self.word::<DitherChoice>("dither")?.unwrap_or_default(),
            shape: self.text("shape").map(|text| Shape::parse(&text)).transpose()?.unwrap_or_default(),
            rounding: self.word::<Rounding>("rounding")?.unwrap_or_default(),
            seed: self.whole("seed", (0, u64::MAX))?.unwrap_or(0),
            states: self.whole("states", (4, 256))?.map_or(super::DEFAULT_STATES, |n| n as usize),
            paths: self.whole("paths", (1, 256))?.map(|n| n as usize),
            container: self.word::<Container>("container")?.unwrap_or_default(),
            method,
        };
        match self.0.first() {
            Some(Field { key, value }) => Err(Error::invalid(key, value, format!("none with method {word}"))),
            None => Ok(recipe),
        }
    }

    fn depth(&mut self) -> Result<Option<Depth>> {
        let bits = self.whole("bits", (1, 32))?.map(|n| Depth::Bits(n as u32));
        let levels = self.whole("levels", (2, 1 << 32))?.map(Depth::Levels);
        let rate = self.number("rate", (f64::MIN_POSITIVE, 32.0))?.map(Depth::Rate);
        match (bits, levels, rate) {
            (Some(_), Some(Depth::Levels(n)), _) => Err(Error::invalid("levels", n, "none beside bits")),
            (Some(_), _, Some(Depth::Rate(r))) => Err(Error::invalid("rate", r, "none beside bits")),
            (_, Some(_), Some(Depth::Rate(r))) => Err(Error::invalid("rate", r, "none beside levels")),
            (bits, levels, rate) => Ok(bits.or(levels).or(rate)),
        }
    }

    fn format_options(&mut self, format: NumberFormat) -> Result<NumberFormat> {
        Ok(match format {
            NumberFormat::Affine(mut options) => {
                if let Some(text) = self.text("granularity") {
                    options.granularity = parse_granularity(&text)?;
                }
                if let Some(text) = self.text("calibration") {
                    options.calibration = parse_calibration(&text)?;
                }
                options.symmetry = self.word::<Symmetry>("symmetry")?.unwrap_or(options.symmetry);
                options.rule = self.word::<ScaleRule>("rule")?.unwrap_or(options.rule);
                NumberFormat::Affine(options)
            }
            NumberFormat::Block(block, rule) => {
                NumberFormat::Block(block, self.word::<ExponentRule>("exponent")?.unwrap_or(rule))
            }
            other => other,
        })
    }

    fn codec_request(&mut self) -> Result<CodecRequest> {
        let targets = [
            self.number("quality", (0.0, 10.0))?.map(|quality| Target::Quality(quality as f32)),
            self.number("bitrate", (1.0, 10_000.0))?.map(Target::Bitrate),
            self.number("snr", (0.0, 120.0))?.map(Target::Snr),
            self.number("nmr", (-60.0, 20.0))?.map(Target::Nmr),
            self.text("bits_per_band").map(|text| bit_table(&text)).transpose()?.map(Target::BitsPerBand),
        ];
        let mut targets = targets.into_iter().flatten();
        let target = targets.next().unwrap_or(CodecRequest::default().target);
        if let Some(second) = targets.next() {
            let (key, value) = target_field(&second);
            return Err(Error::invalid(key, value, "one of quality, bitrate, snr, nmr and bits_per_band"));
        }
        Ok(CodecRequest {
            target,
            band_quantizer: self.word::<BandQuantizer>("band_quantizer")?.unwrap_or_default(),
            max_bandwidth_hz: self.number("max_bandwidth", (0.0, 1e9))?,
        })
    }
}

/// `6,6,5,4`: bits per coefficient for bands of 1 ERB, divided by commas, blanks or lines.
pub(super) fn bit_table(text: &str) -> Result<BitTable> {
    let words = text.split([',', ' ', '\t', '\n', '\r']).filter(|word| !word.is_empty());
    let wrong = |word: &str| Error::invalid("bits_per_band", word, "numbers of bits with commas between them");
    let bits: Result<Vec<f32>> = words.map(|word| word.parse().map_err(|_| wrong(word))).collect();
    BitTable::new(&bits?)
}

/// A number as people write it: `1.5`; `30dB` where decibels are meant, `96k` or `96000` where kilobits are.
pub(super) fn number_of(key: &str, text: &str) -> Option<f64> {
    let plain = |text: &str| text.trim().parse::<f64>().ok().filter(|x| x.is_finite());
    match key {
        "snr" | "nmr" => plain(text.trim_end_matches(['d', 'D', 'B', 'b'])),
        "bitrate" => match text.strip_suffix(['k', 'K']) {
            Some(kilo) => plain(kilo),
            None => plain(text).map(|x| if x >= 1_000.0 { x / 1_000.0 } else { x }),
        },
        _ => plain(text),
    }
}

fn target_field(target: &Target) -> (&'static str, Value) {
    match target {
        // As many digits as single precision has.
        Target::Quality(quality) => ("quality", Value::Number(quality.to_string().parse().unwrap_or(0.0))),
        Target::Bitrate(kbps) => ("bitrate", Value::Number(*kbps)),
        Target::Snr(db) => ("snr", Value::Number(*db)),
        Target::Nmr(db) => ("nmr", Value::Number(*db)),
        Target::BitsPerBand(table) => ("bits_per_band", Value::Text(table.to_string())),
    }
}

impl Recipe {
    /// The fields that differ from what holds without being asked for, the method first.
    pub fn fields(&self) -> Vec<Field> {
        let mut fields = vec![Field { key: "method", value: Value::Text(self.method.word()) }];
        let mut add = |key, value| fields.push(Field { key, value });
        match self.depth {
            Some(Depth::Bits(bits)) => add("bits", Value::Whole(bits.into())),
            Some(Depth::Levels(levels)) => add("levels", Value::Whole(levels)),
            Some(Depth::Rate(rate)) => add("rate", Value::Number(rate)),
            None => {}
        }
        if let Some(law) = self.law {
            add("law", Value::Text(law.word().into()));
        }
        if let Some(compression) = self.compression {
            add("compression", Value::Number(compression));
        }
        if self.dither != DitherChoice::Auto {
            add("dither", Value::Text(self.dither.word().into()));
        }
        if self.shape != Shape::None {
            add("shape", Value::Text(self.shape.word()));
        }
        if self.rounding != Rounding::HalfUp {
            add("rounding", Value::Text(self.rounding.word().into()));
        }
        if self.seed != 0 {
            add("seed", Value::Whole(self.seed));
        }
        if self.states != super::DEFAULT_STATES {
            add("states", Value::Whole(self.states as u64));
        }
        if let Some(paths) = self.paths {
            add("paths", Value::Whole(paths as u64));
        }
        if self.container != Container::Auto {
            add("container", Value::Text(self.container.word().into()));
        }
        match &self.method {
            Method::Format(named) => fields.extend(format_fields(&named.format)),
            Method::Codec(request) => fields.extend(codec_fields(request)),
            Method::Named(_) | Method::File(_) | Method::Coder(_) => {}
        }
        fields
    }
}

fn format_fields(format: &NumberFormat) -> Vec<Field> {
    let text = |key, word: String| Field { key, value: Value::Text(word) };
    match format {
        NumberFormat::Affine(options) => {
            let usual = AffineOptions::new(IntegerType::Int8);
            let mut fields = Vec::new();
            if options.granularity != usual.granularity {
                fields.push(text("granularity", granularity_word(options.granularity)));
            }
            if options.calibration != usual.calibration {
                fields.push(text("calibration", calibration_word(options.calibration)));
            }
            if options.symmetry != usual.symmetry {
                fields.push(text("symmetry", options.symmetry.word().into()));
            }
            if options.rule != usual.rule {
                fields.push(text("rule", options.rule.word().into()));
            }
            fields
        }
        NumberFormat::Block(_, rule @ ExponentRule::Best) => vec![text("exponent", rule.word().into())],
        _ => Vec::new(),
    }
}

fn codec_fields(request: &CodecRequest) -> Vec<Field> {
    let mut fields = Vec::new();
    let usual = CodecRequest::default();
    if request.target != usual.target {
        let (key, value) = target_field(&request.target);
        fields.push(Field { key, value });
    }
    if request.band_quantizer != usual.band_quantizer {
        fields.push(Field { key: "band_quantizer", value: Value::Text(request.band_quantizer.word().into()) });
    }
    if let Some(hz) = request.max_bandwidth_hz {
        fields.push(Field { key: "max_bandwidth", value: Value::Number(hz) });
    }
    fields
}
