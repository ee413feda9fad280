//! The body lies among the tests, where what was found is run again.
#![no_main]

#[path = "../../tests/codec/fuzz/header.rs"]
mod header;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| header::run(bytes));
