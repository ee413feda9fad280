//! The body lies among the tests, where what was found is run again.
#![no_main]

#[path = "../../tests/hostile_files/fuzz/tensors.rs"]
mod tensors;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| tensors::run(bytes));
