//! What takes part in a sweep: a recipe for each method at each bit depth that it has.

use crate::{
    recipe::{Coder, Depth, DitherChoice, Law, Method, NamedMethod, Recipe, Shape, Word},
    shaping::Dither,
};

/// Methods that search stop here: beyond, they gain what they gain at this rate.
const SEARCH_BITS: u32 = 6;
/// Vectors stop here: beyond, 256 codes name single samples.
const VECTOR_BITS: u32 = 4;
/// The most that DPCM takes.
const DPCM_BITS: u32 = crate::design::dpcm::MAX_BITS;

/// Methods with a bit depth, and the most bits that they are tried with.
const OF_BITS: [(NamedMethod, u32); 9] = [
    (NamedMethod::MidRise, 16),
    (NamedMethod::MuLaw, 16),
    (NamedMethod::ALaw, 16),
    (NamedMethod::LloydMax, 16),
    (NamedMethod::Dpcm, DPCM_BITS),
    (NamedMethod::Trellis, SEARCH_BITS),
    (NamedMethod::Vector, VECTOR_BITS),
    (NamedMethod::EntropyCoded, 16),
    (NamedMethod::EntropyConstrained, 16),
];

/// Something that takes part.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entrant {
    pub(super) name: String,
    pub(super) recipe: Recipe,
    /// Bits a sample that it is asked for.
    pub(super) bits: f64,
}

impl Entrant {
    pub(super) fn of_bits(method: NamedMethod, bits: u32) -> Self {
        let depth = if method.takes_rate() { Depth::Rate(bits.into()) } else { Depth::Bits(bits) };
        // With 8 bits the plain words mean G.711, which takes part beside them.
        let law = (method.is_companding() && bits == 8).then_some(Law::Continuous);
        let dither = match method {
            NamedMethod::Uniform | NamedMethod::MidRise => Dither::None.into(),
            _ => DitherChoice::Auto,
        };
        let recipe = Recipe { depth: Some(depth), law, dither, ..Recipe::new(method) };
        Self { name: method.word().into(), recipe, bits: bits.into() }
    }

    fn uniform(name: &str, bits: u32, shape: Shape) -> Self {
        let plain = Self::of_bits(NamedMethod::Uniform, bits);
        Self { name: name.into(), recipe: Recipe { dither: Dither::Triangular.into(), shape, ..plain.recipe }, ..plain }
    }

    fn g711(method: NamedMethod) -> Self {
        let recipe = Recipe { depth: Some(Depth::Bits(8)), ..Recipe::new(method) };
        Self { name: format!("{} G.711", method.word()), recipe, bits: 8.0 }
    }

    fn coder(coder: Coder) -> Option<Self> {
        let bits = match coder {
            Coder::Dsd(_) => return None,
            Coder::Ima(_) => 4.0,
            Coder::G726(bits) | Coder::Jayant(bits) => bits.into(),
            Coder::G722(bits_of_two) => f64::from(bits_of_two) / 2.0,
        };
        Some(Self { name: coder.word().into(), recipe: Recipe::new(Method::Coder(coder)), bits })
    }
}

/// All that take at most `max_bits`, method by method. One-bit modulators are left out: they take 64 bits for a sample.
pub(super) fn all(max_bits: u32) -> Vec<Entrant> {
    let up_to = |most: u32| 1..=max_bits.min(most);
    let mut found: Vec<Entrant> = up_to(16).map(|bits| Entrant::of_bits(NamedMethod::Uniform, bits)).collect();
    found.extend(up_to(16).map(|bits| Entrant::uniform("uniform tpdf", bits, Shape::None)));
    found.extend(up_to(16).map(|bits| Entrant::uniform("uniform tpdf shaped", bits, Shape::Auto)));
    for (method, most) in OF_BITS {
        found.extend(up_to(most).map(|bits| Entrant::of_bits(method, bits)));
        if method.is_companding() && max_bits >= 8 {
            found.push(Entrant::g711(method));
        }
    }
    found.extend(up_to(SEARCH_BITS).map(|bits| Entrant::of_bits(NamedMethod::Dependent, bits)));
    found.extend(Coder::WORDS.iter().filter_map(|(_, coder, _)| Entrant::coder(*coder)));
    found.retain(|entrant| entrant.bits <= f64::from(max_bits));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_method_takes_part_with_a_recipe_that_holds() {
        let entrants = all(8);
        for (word, method, _) in NamedMethod::WORDS {
            assert!(entrants.iter().any(|e| e.recipe.method.is(*method)), "{word}");
        }
        for entrant in &entrants {
            assert!(entrant.recipe.check().is_ok(), "{entrant:?}");
            let again: Recipe = entrant.recipe.to_string().parse().expect("its own words");
            assert_eq!(again, entrant.recipe);
        }
        assert!(all(1).iter().all(|e| e.bits == 1.0));
        assert!(all(4).iter().any(|e| e.name == "ima") && all(3).iter().all(|e| e.name != "ima"));
    }
}
