//! Any bytes as the frames of a group: damage or frames, and frames that were read can be written and read again.
#![no_main]

use std::cell::RefCell;

use sqnr::codec::fuzzing::FrameReader;

thread_local! {
    static READER: RefCell<FrameReader> = RefCell::new(FrameReader::with_small_layouts());
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| READER.with_borrow_mut(|reader| reader.run(bytes)));
