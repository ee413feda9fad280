//! Laws of recipes: what is written is read back, whatever it holds.

use proptest::prelude::*;

use super::*;
use crate::{
    codec::{BandQuantizer, BitTable, Target},
    number_format::{
        AffineOptions, Granularity, NumberFormat,
        affine::{ScaleRule, Symmetry},
        block_float::ExponentRule,
        calibration::Calibration,
    },
    quantizer::Rounding,
    shaping::KnownFilter,
};

fn word<W: Word + std::fmt::Debug>() -> impl Strategy<Value = W> {
    (0..W::WORDS.len()).prop_map(|i| W::WORDS[i].1)
}

fn file_name() -> impl Strategy<Value = std::path::PathBuf> {
    "[a-z \"\\\\='é-]{0,12}".prop_map(|stem| format!("{stem}.json").into())
}

fn format() -> impl Strategy<Value = NamedFormat> {
    let names = NumberFormat::names();
    let name = (0..names.len()).prop_map(move |i| NumberFormat::names()[i]);
    let granularity = prop_oneof![
        Just(Granularity::Tensor),
        Just(Granularity::Channel { axis: 0 }),
        (1..1000usize).prop_map(|len| Granularity::Group { len })
    ];
    let calibration = prop_oneof![
        Just(Calibration::MinMax),
        Just(Calibration::LeastSquares),
        (0.001..100.0f64).prop_map(|percent| Calibration::Percentile { percent, n_bins: 2048 }),
    ];
    let options = (granularity, calibration, word::<Symmetry>(), word::<ScaleRule>(), word::<ExponentRule>());
    (name, options).prop_map(|(name, (granularity, calibration, symmetry, rule, exponent))| {
        let mut named = NamedFormat::parse(name).expect("a name");
        named.format = match named.format {
            NumberFormat::Affine(AffineOptions { kind, .. }) => {
                NumberFormat::Affine(AffineOptions { kind, symmetry, granularity, rule, calibration })
            }
            NumberFormat::Block(block, _) => NumberFormat::Block(block, exponent),
            other => other,
        };
        named
    })
}

fn codec() -> impl Strategy<Value = CodecRequest> {
    let table = prop::collection::vec(0.0..24.0f32, 1..20);
    let target = prop_oneof![
        (0.0..=10.0f32).prop_map(Target::Quality),
        (1.0..999.0f64).prop_map(Target::Bitrate),
        (0.0..=120.0f64).prop_map(Target::Snr),
        (-60.0..=20.0f64).prop_map(Target::Nmr),
        table.prop_map(|bits| Target::BitsPerBand(BitTable::new(&bits).expect("legal"))),
    ];
    (target, word::<BandQuantizer>(), prop::option::of(0.0..96_000.0f64)).prop_map(
        |(target, band_quantizer, max_bandwidth_hz)| CodecRequest { target, band_quantizer, max_bandwidth_hz },
    )
}

fn method() -> impl Strategy<Value = Method> {
    prop_oneof![
        word::<NamedMethod>().prop_map(Method::Named),
        file_name().prop_map(Method::File),
        word::<Coder>().prop_map(Method::Coder),
        format().prop_map(Method::Format),
        codec().prop_map(Method::Codec),
    ]
}

fn shape() -> impl Strategy<Value = Shape> {
    prop_oneof![
        Just(Shape::None),
        Just(Shape::Auto),
        Just(Shape::Adaptive),
        Just(Shape::Ear),
        Just(Shape::SecondOrder),
        (0..KnownFilter::ALL.len()).prop_map(|i| Shape::Known(KnownFilter::ALL[i])),
        prop::collection::vec(-3.0..3.0f64, 1..8).prop_map(Shape::Feedback),
        file_name().prop_map(Shape::File),
    ]
}

fn depth() -> impl Strategy<Value = Option<Depth>> {
    prop::option::of(prop_oneof![
        (1..=32u32).prop_map(Depth::Bits),
        (2..=1u64 << 32).prop_map(Depth::Levels),
        (0.001..32.0f64).prop_map(Depth::Rate),
    ])
}

/// Any recipe, also one that contradicts itself.
fn recipe() -> impl Strategy<Value = Recipe> {
    let quantizer = (method(), depth(), prop::option::of(word::<Law>()), prop::option::of(0.1..1e5f64));
    let rest = (word::<DitherChoice>(), shape(), any::<u64>(), 2..=8u32, prop::option::of(1..=256usize));
    (quantizer, rest, word::<Container>(), word::<Rounding>()).prop_map(|(quantizer, rest, container, rounding)| {
        let (method, depth, law, compression) = quantizer;
        let (dither, shape, seed, log2_states, paths) = rest;
        let states = 1 << log2_states;
        Recipe { method, depth, law, compression, dither, shape, rounding, seed, states, paths, container }
    })
}

proptest! {
    #[test]
    fn text_is_read_back(recipe in recipe()) {
        let text = recipe.to_string();
        prop_assert_eq!(text.parse::<Recipe>().expect("its own text"), recipe, "{}", text);
    }

    #[cfg(feature = "json")]
    #[test]
    fn json_is_read_back(recipe in recipe()) {
        let json = recipe.to_json();
        prop_assert_eq!(Recipe::from_json(&json).expect("its own JSON"), recipe, "{}", json);
    }

    #[test]
    fn any_text_is_a_recipe_or_an_error_of_one_line(text in "\\PC{0,200}") {
        if let Err(error) = text.parse::<Recipe>() {
            prop_assert!(!error.to_string().contains('\n'));
        }
    }

    #[test]
    fn checking_finds_the_first_of_all(recipe in recipe()) {
        let all = recipe.contradictions();
        prop_assert_eq!(recipe.check().err().map(|e| e.to_string()), all.first().map(|e| e.to_string()));
    }
}
