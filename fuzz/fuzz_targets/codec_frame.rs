//! Any bytes as the frames of a group: damage or frames, and frames that were read can be written and read again.
#![no_main]

use std::cell::RefCell;

use libfuzzer_sys::fuzz_target;
use sqnr::codec::fuzzing::FrameReader;

thread_local! {
    static READER: RefCell<FrameReader> = RefCell::new(FrameReader::new());
}

fuzz_target!(|bytes: &[u8]| READER.with_borrow_mut(|reader| reader.run(bytes)));
