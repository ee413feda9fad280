//! The body lies among the tests, where what was found is run again.
#![no_main]

#[path = "../../tests/codec/fuzz/round_trip.rs"]
mod round_trip;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| round_trip::run(bytes));
