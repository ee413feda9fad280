//! Recipes from hostile hands: what the fuzzer looks for, on inputs that are kept.
#![cfg(feature = "json")]

#[path = "recipe/fuzz/recipe.rs"]
mod recipe;

/// Inputs that a reader of text or JSON gets wrong easily.
const KEPT: [&str; 16] = [
    "",
    "uniform bits=8",
    "uniform bits=8 bits=8",
    "\"a b.json\" shape=\"c d.json\"",
    "\"\\",
    "uniform \"bits=8\"",
    "=",
    "uniform =",
    "uniform bits=",
    "{\"method\":\"uniform\",\"bits\":8}",
    "{\"method\":\"uniform\",\"bits\":8",
    "{\"method\":[[[[[[[[[[]]]]]]]]]]}",
    "{\"method\":\"uniform\",\"seed\":18446744073709551616}",
    "{\"method\":\"codec\",\"nmr\":-1e-320}",
    "codec bits_per_band=0,0,0",
    "uniform shape=1e-300,5e-324",
];

#[test]
fn kept_inputs_are_read_or_refused() {
    KEPT.iter().for_each(|text| recipe::run(text.as_bytes()));
    recipe::run(&vec![b'['; 100_000]);
    recipe::run(format!("uniform shape={}", "1,".repeat(100)).as_bytes());
}
