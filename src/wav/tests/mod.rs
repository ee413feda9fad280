//! Whole files, written and read back.

mod builder;
mod hostile;
mod hound_oracle;
mod legal_forms;

use std::io::Cursor;

use super::{Chunk, Metadata, Reader, SampleFormat, Spec, Writer};

/// Every sample format that can be written.
pub(super) fn every_format() -> Vec<SampleFormat> {
    let mut formats = vec![SampleFormat::FLOAT32, SampleFormat::FLOAT64, SampleFormat::A_LAW, SampleFormat::MU_LAW];
    for container_bits in [8, 16, 24, 32] {
        let integers = (1..=container_bits).map(|bits| SampleFormat::integer_in(bits, container_bits).expect("legal"));
        formats.extend(integers);
    }
    formats
}

pub(super) fn spec(channels: u16, sample_format: SampleFormat) -> Spec {
    Spec { sample_rate_hz: 44_100, channels, channel_mask: None, sample_format }
}

/// Codes over the whole range of the format, its ends among them.
fn some_codes(format: SampleFormat, n: usize) -> Vec<i32> {
    let shift = 32 - format.valid_bits();
    let noise = (0..n as u32).map(|i| (i.wrapping_mul(2_654_435_761)) as i32);
    let codes = [i32::MIN, i32::MAX, 0, -1].into_iter().chain(noise).take(n);
    match format.encoding() {
        super::Encoding::Integer => codes.map(|code| code >> shift).collect(),
        _ => codes.map(|code| code & 0xFF).collect(),
    }
}

fn read_codes<R: std::io::Read>(reader: &mut Reader<R>) -> Vec<i32> {
    let mut all = Vec::new();
    let mut block = vec![0; 6 * 50];
    loop {
        let n = reader.read_codes(&mut block).expect("no error in a Vec") * usize::from(reader.spec().channels);
        if n == 0 {
            return all;
        }
        all.extend_from_slice(&block[..n]);
    }
}

#[test]
fn codes_of_every_format_come_back() {
    for format in every_format().into_iter().filter(|format| format.has_codes()) {
        for channels in [1, 2, 3] {
            let spec = spec(channels, format);
            let codes = some_codes(format, 330);
            let mut writer =
                Writer::seekable(Cursor::new(Vec::new()), &spec, None, &Metadata::default()).expect("legal");
            writer.write_codes(&codes).expect("whole frames");
            let file = writer.finish(&[]).expect("fits").sink.into_inner();
            let mut from_file = Reader::seekable(Cursor::new(&file)).expect("legal");
            assert_eq!(from_file.n_frames(), Some(330 / u64::from(channels)), "{format}");
            assert_eq!(from_file.spec().sample_format, format);
            assert_eq!(read_codes(&mut from_file), codes, "{format}, {channels} channels, from a file");
            let mut from_pipe = Reader::stream(file.as_slice()).expect("legal");
            assert_eq!(read_codes(&mut from_pipe), codes, "{format}, {channels} channels, from a pipe");
            assert!(from_pipe.warnings().is_empty(), "{format}: {:?}", from_pipe.warnings());
        }
    }
}

#[test]
fn metadata_stays_where_it_was() {
    let chunk = |id: &[u8; 4], body: &[u8]| Chunk { id: *id, body: body.to_vec() };
    let metadata = Metadata {
        before_data: vec![chunk(b"bext", &[7; 602]), chunk(b"odd ", &[1, 2, 3])],
        after_data: vec![chunk(b"iXML", b"<x/>"), chunk(b"id3 ", b"ID3")],
        not_kept: vec![],
    };
    let spec = spec(1, SampleFormat::integer(8).expect("legal"));
    for n_frames in [None, Some(5)] {
        let mut writer = Writer::seekable(Cursor::new(Vec::new()), &spec, n_frames, &metadata).expect("legal");
        writer.write_codes(&[1, 2, 3, 4, 5]).expect("whole frames");
        let file = writer.finish(&metadata.after_data).expect("fits").sink.into_inner();
        assert_eq!(Reader::seekable(Cursor::new(&file)).expect("legal").metadata(), &metadata);
        let mut from_pipe = Reader::stream(file.as_slice()).expect("legal");
        assert_eq!(read_codes(&mut from_pipe), [1, 2, 3, 4, 5]);
        assert_eq!(from_pipe.metadata(), &metadata);
    }
}

#[test]
fn chunks_that_cannot_be_kept_are_named() {
    let builder = builder::FileBuilder::new(b"RIFF").chunk(b"PEAK", &[0; 16]).chunk(b"JUNK", &[0; 4]);
    let builder = builder.chunk(b"fmt ", &builder::fmt(1, 1, 16, 2)).chunk(b"fact", &[1, 0, 0, 0]);
    let large = vec![7; (16 << 20) + 1];
    let file = builder.chunk(b"big ", &large).chunk(b"data", &[0; 2]).chunk(b"MD5 ", &[0; 16]).bytes();
    let metadata = Reader::seekable(Cursor::new(&file)).expect("legal").metadata().clone();
    assert!(metadata.is_empty());
    let named = [
        "PEAK: it describes the samples before the change",
        "big : 16777217 bytes, beyond what is carried over",
        "MD5 : it describes the samples before the change",
    ];
    assert_eq!(metadata.not_kept, named);
}
