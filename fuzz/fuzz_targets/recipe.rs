//! The body lies among the tests, where what was found is run again.
#![no_main]

#[path = "../../tests/recipe/fuzz/recipe.rs"]
mod recipe;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| recipe::run(bytes));
