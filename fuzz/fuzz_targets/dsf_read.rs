//! The body lies among the tests, where what was found is run again.
#![no_main]

#[path = "../../tests/hostile_files/fuzz/one_bit.rs"]
mod one_bit;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| one_bit::run(bytes));
