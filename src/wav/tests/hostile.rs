//! Files that lie, stop short or are none: a typed error, or a warning and what is there, never a panic.

use std::io::{Cursor, Read};

use proptest::prelude::*;

use super::builder::{FileBuilder, fmt, fmt_big_endian, fmt_extensible, wav};
use crate::{
    Error, Result,
    wav::{Reader, Spec, Writer},
};

fn opened(file: &[u8]) -> Result<Spec> {
    let from_pipe = Reader::stream(file).map(|reader| *reader.spec());
    let from_file = Reader::seekable(Cursor::new(file)).map(|reader| *reader.spec());
    assert_eq!(format!("{from_pipe:?}"), format!("{from_file:?}"));
    from_file
}

fn malformed(file: &[u8]) -> (String, u64) {
    match opened(file) {
        Err(Error::Malformed { what, at_byte }) => (what, at_byte),
        other => panic!("expected malformed, got {other:?}"),
    }
}

fn unsupported(file: &[u8]) -> String {
    match opened(file) {
        Err(Error::Unsupported { what }) => what,
        other => panic!("expected unsupported, got {other:?}"),
    }
}

/// Reads everything there is; returns frames and warnings.
fn drain<R: Read>(mut reader: Reader<R>) -> (u64, Vec<String>) {
    let mut frames = 0;
    let mut block = Vec::new();
    loop {
        match reader.read_planar(&mut block, 1000).expect("no error in memory") {
            0 => return (frames, reader.warnings().to_vec()),
            n => frames += n as u64,
        }
    }
}

#[test]
fn fields_that_cannot_be_are_named_with_their_place() {
    let zero = |field: std::ops::Range<usize>| {
        let mut body = fmt(1, 1, 16, 2);
        body[field].fill(0);
        wav(&body, &[0; 4])
    };
    assert_eq!(malformed(&zero(2..4)), ("the number of channels is 0".into(), 22));
    assert_eq!(malformed(&zero(4..8)), ("the sample rate is 0".into(), 24));
    assert_eq!(malformed(&zero(14..16)), ("the bits per sample are 0".into(), 34));
    let no_block = "a block of 0 bytes does not hold 1 channels of 16 bits";
    assert_eq!(malformed(&zero(12..14)), (no_block.into(), 34));
    let lie = malformed(&wav(&fmt(1, 2, 16, 3), &[0; 6])).0;
    assert_eq!(lie, "a block of 3 bytes does not hold 2 channels of 16 bits");
    assert_eq!(malformed(&wav(&fmt(1, 1, 16, 2)[..14], &[])).0, "the fmt chunk has 14 bytes; 16 are the least");
    let short = fmt_extensible(1, 1, 16, 16, 4);
    assert_eq!(malformed(&wav(&short[..20], &[])).0, "the extensible fmt chunk has 20 bytes, not 40");
}

#[test]
fn beyond_what_is_read() {
    let limit = opened(&wav(&fmt(1, u16::MAX, 8, u16::MAX), &[]));
    assert!(matches!(limit, Err(Error::LimitExceeded { value: 65_535, limit: 1024, .. })), "{limit:?}");
    assert!(unsupported(&wav(&fmt(1, 1, 33, 5), &[])).starts_with("integers of 33 bits in 40;"));
    assert!(unsupported(&wav(&fmt(1, 1, 64, 8), &[])).starts_with("integers of 64 bits in 64;"));
    assert!(unsupported(&wav(&fmt(3, 1, 16, 2), &[])).starts_with("floats of 16 bits in 16;"));
    assert!(unsupported(&wav(&fmt(7, 1, 16, 2), &[])).starts_with("mu-law of 16 bits in 16;"));
    assert!(unsupported(&wav(&fmt(2, 1, 4, 256), &[])).starts_with("WAVE format 0x0002 (Microsoft ADPCM);"));
    let mut guid = fmt_extensible(1, 1, 16, 16, 4);
    guid[39] = 0;
    assert!(unsupported(&wav(&guid, &[])).starts_with("WAVE sub-format 0100000000001000800000aa00389b00;"));
    assert_eq!(unsupported(b"RIFF\x04\0\0\0AVI LIST"), "a RIFF file of type 'AVI ', not WAVE");
    assert!(unsupported(b"fLaC, as it were").starts_with("not a WAV file"));
}

#[test]
fn samples_before_their_format() {
    let file = FileBuilder::new(b"RIFF").chunk(b"data", &[0; 4]).chunk(b"fmt ", &fmt(1, 1, 16, 2)).bytes();
    assert!(malformed(&file).0.starts_with("the data chunk comes before the fmt chunk"));
    let none = FileBuilder::new(b"RIFF").chunk(b"fmt ", &fmt(1, 1, 16, 2)).bytes();
    assert_eq!(malformed(&none), ("the file ends before the samples begin".into(), 36));
    let zeros = FileBuilder::new(b"RIFF").chunk(b"\0\0\0\0", &[]).bytes();
    assert_eq!(malformed(&zeros), ("expected a chunk, found the bytes 00 00 00 00".into(), 12));
}

/// One small file of each form that differs in how it is walked.
fn one_of_each() -> Vec<Vec<u8>> {
    let odd = FileBuilder::new(b"RIFF").chunk(b"LIST", b"INFOx").chunk(b"fmt ", &fmt(1, 1, 8, 1));
    let mut ds64 = [200_u64, 6, 3].iter().flat_map(|size| size.to_le_bytes()).collect::<Vec<_>>();
    ds64.extend([0; 4]);
    let rf64 = FileBuilder::new(b"RF64").riff_size(u32::MAX).chunk(b"ds64", &ds64).chunk(b"fmt ", &fmt(1, 1, 16, 2));
    let rifx = FileBuilder::new(b"RIFX").chunk(b"fmt ", &fmt_big_endian(1, 2, 16, 4)).chunk(b"data", &[1; 12]);
    vec![
        odd.chunk(b"data", &[1, 2, 3]).chunk(b"iXML", b"<a/>").bytes(),
        rf64.chunk_of_size(b"data", &[1; 6], u32::MAX).bytes(),
        rifx.bytes(),
        wav(&fmt_extensible(1, 2, 20, 24, 3), &[16; 18]),
        wav(&fmt(3, 1, 64, 8), &[1; 24]),
        wav(&fmt(7, 2, 8, 2), &[1; 6]),
    ]
}

#[test]
fn every_truncation_is_an_error_or_a_warning_with_what_is_there() {
    for file in one_of_each() {
        let whole = Reader::seekable(Cursor::new(&file)).expect("legal");
        let data = *whole.chunks().iter().find(|chunk| &chunk.id == b"data").expect("it has samples");
        let (data_at, block_align) = (data.at_byte + 8, whole.spec().block_align() as u64);
        let data_end = data_at + data.n_bytes;
        for length in 0..file.len() as u64 {
            let cut = &file[..length as usize];
            let found = [Reader::stream(cut).map(drain), Reader::seekable(Cursor::new(cut)).map(drain)];
            for result in found {
                match result {
                    Err(error) => assert!(length < data_at, "{error} at {length}"),
                    Ok((frames, warnings)) => {
                        assert!(length >= data_at, "opened with {length} bytes");
                        assert_eq!(frames, (length.min(data_end) - data_at) / block_align);
                        assert_eq!(warnings.is_empty(), length >= data_end, "{warnings:?} at {length}");
                    }
                }
            }
        }
    }
}

#[test]
fn a_size_beyond_the_file_is_named_in_figures() {
    let builder = FileBuilder::new(b"RIFF").chunk(b"fmt ", &fmt(1, 1, 16, 2));
    let file = builder.chunk_of_size(b"data", &[0; 10], 4000).bytes();
    let said = ["the data chunk declares 4000 bytes, 10 are there; read what is there".to_string()];
    assert_eq!(drain(Reader::stream(file.as_slice()).expect("readable")), (5, said.to_vec()));
    assert_eq!(drain(Reader::seekable(Cursor::new(&file)).expect("readable")), (5, said.to_vec()));
}

#[test]
fn a_chunk_that_claims_gigabytes_is_an_early_end() {
    let claim = FileBuilder::new(b"RIFF").chunk_of_size(b"LIST", b"INFO", 0xFFFF_FFF0).bytes();
    assert_eq!(malformed(&claim).0, "the file ends before the samples begin");
    let claim = FileBuilder::new(b"RIFF").chunk_of_size(b"fmt ", &fmt(1, 1, 16, 2), 0xFFFF_FFF0).bytes();
    assert_eq!(malformed(&claim).0, "the fmt chunk declares 4294967280 bytes");
}

#[test]
fn set_padding_bits_are_left_out_and_named_once() {
    let file = wav(&fmt(1, 1, 12, 2), &[0x1F, 0x00, 0x0F, 0x80]);
    let mut reader = Reader::stream(file.as_slice()).expect("legal");
    let mut codes = [0; 1];
    assert_eq!(reader.read_codes(&mut codes).expect("no error in memory"), 1);
    assert_eq!(codes, [1]);
    reader.read_codes(&mut codes).expect("no error in memory");
    assert_eq!(codes, [-2048]);
    assert_eq!(reader.warnings(), ["bits below the 12 valid ones are set; they are left out"]);
}

#[test]
fn sizes_that_wrapped_past_4_gib_are_seen_through() {
    // A sparse file: 4 GiB and 8 frames of samples, whose writer counted in 32 bits.
    let n_bytes = (1_u64 << 32) + 32;
    let builder = FileBuilder::new(b"RIFF").chunk(b"fmt ", &fmt(1, 2, 16, 4));
    let header = builder.riff_size(36 + 32).chunk_of_size(b"data", &[], 32).bytes();
    let mut file = tempfile::tempfile().expect("a temporary file");
    std::io::Write::write_all(&mut file, &header).expect("room for a header");
    file.set_len(44 + n_bytes).expect("a sparse file");
    std::io::Seek::rewind(&mut file).expect("a file");
    let reader = Reader::seekable(file).expect("readable");
    assert_eq!(reader.n_frames(), Some(n_bytes / 4));
    let said = format!("the sizes in the header wrapped past 4 GiB; read all {n_bytes} bytes of samples");
    assert_eq!(reader.warnings(), [said]);
}

/// Files that once broke something, kept under what they broke.
#[test]
fn crashes_of_the_past_stay_fixed() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/fuzz/wav_read");
    let mut n_files = 0;
    for entry in std::fs::read_dir(folder).expect("the folder is in the repository") {
        let file = std::fs::read(entry.expect("readable").path()).expect("readable");
        let _ = Reader::stream(file.as_slice()).map(drain);
        let Ok(reader) = Reader::seekable(Cursor::new(&file)) else { continue };
        let (spec, metadata) = (*reader.spec(), reader.metadata().clone());
        let mut writer = Writer::seekable(Cursor::new(vec![]), &spec, None, &metadata).expect("what was read");
        writer.write_f64(&vec![0.0; usize::from(spec.channels)]).expect("a whole frame");
        let again = writer.finish(&metadata.after_data).expect("short").sink.into_inner();
        assert_eq!(Reader::seekable(Cursor::new(&again)).expect("legal").metadata().before_data, metadata.before_data);
        n_files += 1;
    }
    assert!(n_files > 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn arbitrary_bytes_after_any_magic_never_panic(
        magic in prop::sample::select(vec![&b"RIFF"[..], b"RIFX", b"RF64", b"BW64", b"riff\x2E\x91\xCF\x11"]),
        tail in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let file = [magic, &[0xFF; 4], b"WAVE", &tail].concat();
        let _ = Reader::stream(file.as_slice()).map(drain);
        let _ = Reader::seekable(Cursor::new(&file)).map(drain);
    }

    #[test]
    fn a_few_changed_bytes_never_panic(
        which in 0..6_usize,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut file = one_of_each()[which].clone();
        for (at, byte) in changes {
            let at = at.index(file.len());
            file[at] = byte;
        }
        let most = file.len() as u64;
        if let Ok(reader) = Reader::stream(file.as_slice()) {
            prop_assert!(drain(reader).0 <= most);
        }
        if let Ok(reader) = Reader::seekable(Cursor::new(&file)) {
            prop_assert!(drain(reader).0 <= most);
        }
    }
}
