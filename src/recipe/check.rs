//! What contradicts itself in a recipe, or is missing.

use super::{Container, Depth, DitherChoice, Law, Method, NamedMethod, Recipe, Shape, Word};
use crate::{Error, Result, design::dpcm, quantizer::Rounding, shaping::Dither};

/// Most bits of `entropy-coded`: the range of its index coder.
pub(crate) const MOST_ENTROPY_CODED_BITS: u32 = 24;
/// Most bits of `trellis`: it doubles the levels of its bit depth.
pub(crate) const MOST_TRELLIS_BITS: u32 = 16;

impl Recipe {
    /// Refuses a recipe whose fields contradict each other, without looking at any signal or file.
    ///
    /// # Errors
    /// `InvalidParameter`, the first of [`contradictions`](Self::contradictions).
    pub fn check(&self) -> Result<()> {
        self.contradictions().into_iter().next().map_or(Ok(()), Err)
    }

    /// All that contradicts itself or is missing, an `InvalidParameter` each.
    ///
    /// ```
    /// use sqnr::recipe::Recipe;
    ///
    /// let recipe: Recipe = "trellis levels=12 dither=tpdf".parse()?;
    /// let found: Vec<String> = recipe.contradictions().iter().map(ToString::to_string).collect();
    /// assert_eq!(found[0], "levels is 12; allowed: none with trellis, which needs bits");
    /// assert_eq!(found[1], "dither is tpdf; allowed: none with trellis");
    /// # Ok::<(), sqnr::Error>(())
    /// ```
    pub fn contradictions(&self) -> Vec<Error> {
        let mut found = match &self.method {
            Method::Named(method) if !method.is_memoryless() => self.with_memory(*method),
            Method::Named(method) => self.of_samples(*method),
            Method::File(_) => self.of_file(),
            Method::Coder(coder) => {
                let mut found = self.without_quantizer();
                if !coder.looks_ahead() {
                    found.extend(self.without_paths());
                }
                found
            }
            Method::Format(_) | Method::Codec(_) => {
                let mut found = self.without_quantizer();
                found.extend(self.without_paths());
                found
            }
        };
        found.extend(self.of_rounding());
        found
    }

    /// Another rounding than that of `uniform` itself knows neither dither nor a filter that follows the signal.
    fn of_rounding(&self) -> Vec<Error> {
        if self.rounding == Rounding::HalfUp {
            return Vec::new();
        }
        let word = self.rounding.word();
        if !self.method.is(NamedMethod::Uniform) {
            return vec![self.none_with("rounding", word)];
        }
        let mut found = Vec::new();
        if !matches!(self.dither, DitherChoice::Auto | DitherChoice::Of(Dither::None)) {
            found.push(Error::invalid("dither", self.dither.word(), format!("none with rounding {word}")));
        }
        if self.shape == Shape::Adaptive {
            found.push(Error::invalid("shape", self.shape.word(), format!("a fixed filter with rounding {word}")));
        }
        found
    }

    fn none_with(&self, field: &'static str, value: impl ToString) -> Error {
        Error::invalid(field, value, format!("none with {}", self.method.word()))
    }

    /// Methods whose codes depend on more than one sample.
    fn with_memory(&self, method: NamedMethod) -> Vec<Error> {
        let name = method.word();
        let needed = if method.takes_rate() { "rate" } else { "bits" };
        let instead = format!("none with {name}, which needs {needed}");
        let mut found = Vec::new();
        match self.depth {
            Some(Depth::Levels(levels)) => found.push(Error::invalid("levels", levels, instead)),
            Some(Depth::Bits(bits)) if method.takes_rate() => found.push(Error::invalid("bits", bits, instead)),
            Some(Depth::Rate(rate)) if !method.takes_rate() => found.push(Error::invalid("rate", rate, instead)),
            None => found.push(Error::invalid(needed, "missing", format!("bits a sample; {name} needs {needed}"))),
            Some(Depth::Bits(bits)) => found.extend(too_many_bits(method, bits)),
            Some(Depth::Rate(_)) => {}
        }
        if !matches!(self.dither, DitherChoice::Auto | DitherChoice::Of(Dither::None)) {
            found.push(self.none_with("dither", self.dither.word()));
        }
        found.extend(self.without_shape());
        found.extend(self.without_law());
        found.extend(self.without_paths());
        if !matches!(method, NamedMethod::Trellis | NamedMethod::Dependent) {
            found.extend(self.without_states());
        }
        let holds_levels = match self.container {
            Container::Auto | Container::F32 => true,
            Container::F64 => method != NamedMethod::Dpcm,
            _ => false,
        };
        if !holds_levels {
            let allowed = match method {
                NamedMethod::Dpcm => "f32 for the levels of dpcm".to_owned(),
                _ => format!("f32 or f64 for the levels of {name}"),
            };
            found.push(Error::invalid("container", self.container.word(), allowed));
        }
        found
    }

    /// Methods that quantize samples one by one.
    fn of_samples(&self, method: NamedMethod) -> Vec<Error> {
        let name = method.word();
        let mut found = Vec::new();
        match self.depth {
            None => found.push(Error::invalid("bits", "missing", "1 to 32; say how finely, with bits or levels")),
            Some(Depth::Rate(rate)) => {
                let allowed =
                    format!("none with {name}; use bits or levels (entropy-constrained and dependent take a rate)");
                found.push(Error::invalid("rate", rate, allowed));
            }
            Some(Depth::Bits(_) | Depth::Levels(_)) => {}
        }
        match method.is_companding() {
            true => found.extend(self.companding()),
            false => found.extend(self.without_law()),
        }
        let is_uniform = matches!(method, NamedMethod::Uniform | NamedMethod::MidRise);
        if !is_uniform {
            found.extend(self.without_uniform_steps());
        }
        found.extend(self.without_paths());
        found.extend(self.without_states());
        found
    }

    fn companding(&self) -> Vec<Error> {
        let mut found = Vec::new();
        if let (Some(law), Some(compression)) = (self.law, self.compression) {
            found.push(Error::invalid("compression", compression, format!("none beside law {}", law.word())));
        }
        if let (Some(law @ Law::G711(_)), false) = (self.law, self.bits() == Some(8)) {
            let allowed = "continuous at other depths than 8 bits; G.711 has 8 bits";
            found.push(Error::invalid("law", law.word(), allowed));
        }
        if self.law == Some(Law::Torchaudio) && self.method.is(NamedMethod::ALaw) {
            found.push(Error::invalid("law", Law::Torchaudio.word(), "that of mu-law alone"));
        }
        found
    }

    /// Dither and adaptive shaping need steps of one size.
    fn without_uniform_steps(&self) -> Vec<Error> {
        let mut found = Vec::new();
        if !matches!(self.dither, DitherChoice::Auto | DitherChoice::Of(Dither::None)) {
            let allowed = format!("none for a quantizer whose steps differ in size, such as {}", self.method.word());
            found.push(Error::invalid("dither", self.dither.word(), allowed));
        }
        if self.shape == Shape::Adaptive {
            let allowed =
                format!("a fixed filter for a quantizer whose steps differ in size, such as {}", self.method.word());
            found.push(Error::invalid("shape", self.shape.word(), allowed));
        }
        found
    }

    /// A design's file says how finely.
    fn of_file(&self) -> Vec<Error> {
        let mut found = Vec::new();
        if let Some(Depth::Levels(levels)) = self.depth {
            found.push(Error::invalid(
                "levels",
                levels,
                "none; the design's file says how many levels; leave levels out",
            ));
        }
        if let Some(Depth::Rate(rate)) = self.depth {
            found.push(Error::invalid("rate", rate, "none; the design's file says how finely; leave rate out"));
        }
        found.extend(self.without_law());
        found
    }

    /// Coders, number formats and the codec have no quantizer that a recipe could describe.
    fn without_quantizer(&self) -> Vec<Error> {
        let mut found = Vec::new();
        match self.depth {
            Some(Depth::Bits(bits)) => found.push(self.none_with("bits", bits)),
            Some(Depth::Levels(levels)) => found.push(self.none_with("levels", levels)),
            Some(Depth::Rate(rate)) => found.push(self.none_with("rate", rate)),
            None => {}
        }
        if self.dither != DitherChoice::Auto {
            found.push(self.none_with("dither", self.dither.word()));
        }
        found.extend(self.without_shape());
        found.extend(self.without_law());
        found.extend(self.without_states());
        if self.container != Container::Auto {
            found.push(self.none_with("container", self.container.word()));
        }
        found
    }

    fn without_shape(&self) -> Option<Error> {
        (self.shape != Shape::None).then(|| self.none_with("shape", self.shape.word()))
    }

    fn without_law(&self) -> Vec<Error> {
        let allowed = "none; law and compression are for mu-law and a-law";
        let law = self.law.map(|law| Error::invalid("law", law.word(), allowed));
        let compression = self.compression.map(|c| Error::invalid("compression", c, allowed));
        law.into_iter().chain(compression).collect()
    }

    fn without_paths(&self) -> Option<Error> {
        let allowed = "none; paths are for ima, dsd and modulators, which look ahead";
        self.paths.map(|paths| Error::invalid("paths", paths, allowed))
    }

    fn without_states(&self) -> Option<Error> {
        let allowed = "none; states are for trellis and dependent";
        (self.states != super::DEFAULT_STATES).then(|| Error::invalid("states", self.states, allowed))
    }
}

fn too_many_bits(method: NamedMethod, bits: u32) -> Option<Error> {
    let most = match method {
        NamedMethod::EntropyCoded => MOST_ENTROPY_CODED_BITS,
        NamedMethod::Trellis => MOST_TRELLIS_BITS,
        NamedMethod::Dpcm => dpcm::MAX_BITS,
        _ => return None,
    };
    (bits > most).then(|| Error::invalid("bits", bits, format!("1 to {most} with {}", method.word())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        let recipe: Recipe = text.parse().expect(text);
        recipe.contradictions().iter().map(|error| error.to_string()).collect()
    }

    #[test]
    fn what_goes_together_is_taken() {
        for text in [
            "uniform bits=8 dither=tpdf shape=adaptive container=f32",
            "mid-rise levels=12",
            "uniform bits=16 rounding=truncate shape=order-1",
            "mu-law levels=100 law=wavenet",
            "mu-law bits=8 law=sox",
            "a-law bits=6 law=continuous",
            "mu-law bits=12 compression=100 shape=lipshitz",
            "lloyd-max levels=12 dither=none",
            "dependent rate=1.5 states=64 container=f64",
            "trellis bits=2",
            "vector bits=1",
            "dpcm bits=3 container=f32",
            "codebook.json shape=auto",
            "predictor.json bits=4",
            "modulator.json paths=4",
            "dsd64 paths=4",
            "ima",
            "int8 granularity=channel",
            "codec nmr=-14dB",
        ] {
            assert_eq!(found(text), [""; 0], "{text}");
        }
    }

    #[test]
    fn each_contradiction_is_told() {
        for (text, fields) in [
            ("uniform", &["bits"][..]),
            ("uniform rate=2", &["rate"]),
            ("uniform bits=8 law=itu compression=3", &["law", "compression"]),
            ("uniform bits=8 paths=4 states=16", &["paths", "states"]),
            ("mu-law bits=7 law=itu", &["law"]),
            ("mu-law bits=8 law=itu compression=255", &["compression"]),
            ("mu-law bits=8 dither=tpdf shape=adaptive", &["dither", "shape"]),
            ("lloyd-max levels=4 dither=rpdf", &["dither"]),
            ("trellis bits=17", &["bits"]),
            ("entropy-coded bits=25", &["bits"]),
            ("dependent bits=2", &["bits"]),
            ("vector rate=1", &["rate"]),
            ("dpcm bits=9 states=16 container=f64", &["bits", "states", "container"]),
            ("dpcm levels=12 dither=tpdf", &["levels", "dither"]),
            ("trellis", &["bits"]),
            ("dependent", &["rate"]),
            ("trellis bits=2 dither=tpdf shape=auto container=16", &["dither", "shape", "container"]),
            ("codebook.json levels=4 law=itu", &["levels", "law"]),
            ("g722 bits=8 paths=3 dither=none", &["bits", "dither", "paths"]),
            ("bf16 levels=8 shape=auto container=f32", &["levels", "shape", "container"]),
            ("codec rate=2", &["rate"]),
            ("uniform bits=8 rounding=truncate dither=tpdf shape=adaptive", &["dither", "shape"]),
            ("mid-rise bits=8 rounding=half-even", &["rounding"]),
            ("bf16 rounding=truncate", &["rounding"]),
            ("a-law bits=8 law=torchaudio", &["law"]),
        ] {
            let found = found(text);
            assert_eq!(found.len(), fields.len(), "{text}: {found:?}");
            for (found, field) in found.iter().zip(fields) {
                assert!(found.starts_with(&format!("{field} is ")), "{text}: {found}");
            }
        }
    }
}
