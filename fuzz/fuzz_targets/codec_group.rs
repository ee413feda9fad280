//! The body lies among the tests, where what was found is run again.
#![no_main]

#[path = "../../tests/codec/fuzz/group.rs"]
mod group;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| group::run(bytes));
