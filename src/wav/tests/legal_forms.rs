//! Every form a WAV file may legally have, made byte by byte: what must come out is written beside it.

use std::io::Cursor;

use super::builder::{FileBuilder, Pad, fmt, fmt_big_endian, fmt_extensible, wav};
use crate::wav::{Container, Encoding, Reader};

/// All samples of a file, interleaved; a file and a pipe must agree.
fn samples(file: &[u8]) -> Vec<f64> {
    let from_file = read_all(Reader::seekable(Cursor::new(file)).expect("a legal file"));
    let from_pipe = read_all(Reader::stream(file).expect("a legal file"));
    let same = from_file.iter().zip(&from_pipe).all(|(a, b)| a.to_bits() == b.to_bits());
    assert!(same && from_file.len() == from_pipe.len(), "{from_file:?} from a file, {from_pipe:?} from a pipe");
    from_file
}

fn read_all<R: std::io::Read>(mut reader: Reader<R>) -> Vec<f64> {
    let mut all = Vec::new();
    let mut block = Vec::new();
    loop {
        let n = reader.read_planar(&mut block, 3).expect("no error in memory");
        if n == 0 {
            assert!(reader.warnings().is_empty(), "{:?}", reader.warnings());
            return all;
        }
        for t in 0..n {
            all.extend(block.iter().map(|channel| channel[t]));
        }
    }
}

const PCM_16: [u8; 8] = [0x00, 0x80, 0xFF, 0xFF, 0x01, 0x00, 0xFF, 0x7F];
const PCM_16_VALUES: [f64; 4] = [-1.0, -1.0 / 32_768.0, 1.0 / 32_768.0, 32_767.0 / 32_768.0];

#[test]
fn integers_of_every_width() {
    assert_eq!(samples(&wav(&fmt(1, 1, 8, 1), &[0, 127, 128, 255])), [-1.0, -1.0 / 128.0, 0.0, 127.0 / 128.0]);
    assert_eq!(samples(&wav(&fmt(1, 2, 16, 4), &PCM_16)), PCM_16_VALUES);
    let data = [0, 0, 0x80, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F];
    let step = 2.0_f64.powi(-23);
    assert_eq!(samples(&wav(&fmt(1, 1, 24, 3), &data)), [-1.0, -step, 1.0 - step]);
    let data = [0, 0, 0, 0x80, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F];
    let step = 2.0_f64.powi(-31);
    assert_eq!(samples(&wav(&fmt(1, 1, 32, 4), &data)), [-1.0, -step, 1.0 - step]);
}

#[test]
fn codes_narrower_than_their_container_sit_at_its_top() {
    let step = 1.0 / 2_048.0;
    let twelve_in_16 = [0x00, 0x80, 0x10, 0x00, 0xF0, 0x7F];
    assert_eq!(samples(&wav(&fmt(1, 1, 12, 2), &twelve_in_16)), [-1.0, step, 1.0 - step]);
    assert_eq!(samples(&wav(&fmt_extensible(1, 1, 12, 16, 4), &twelve_in_16)), [-1.0, step, 1.0 - step]);
    let step = 2.0_f64.powi(-19);
    let twenty_in_24 = [0, 0, 0x80, 0x10, 0, 0, 0xF0, 0xFF, 0x7F];
    assert_eq!(samples(&wav(&fmt_extensible(1, 1, 20, 24, 4), &twenty_in_24)), [-1.0, step, 1.0 - step]);
    let step = 2.0_f64.powi(-23);
    let twenty_four_in_32 = [0, 0, 0, 0x80, 0, 1, 0, 0, 0, 0xFF, 0xFF, 0x7F];
    assert_eq!(samples(&wav(&fmt_extensible(1, 1, 24, 32, 4), &twenty_four_in_32)), [-1.0, step, 1.0 - step]);
    assert_eq!(samples(&wav(&fmt(1, 1, 24, 4), &twenty_four_in_32)), [-1.0, step, 1.0 - step]);
    assert_eq!(samples(&wav(&fmt(1, 1, 1, 1), &[0x00, 0x80])), [-1.0, 0.0]);
}

#[test]
fn floats_pass_as_they_are() {
    let values = [0.5_f32, -2.0, f32::INFINITY];
    let data: Vec<u8> = values.iter().flat_map(|x| x.to_le_bytes()).collect();
    assert_eq!(samples(&wav(&fmt(3, 1, 32, 4), &data)), [0.5, -2.0, f64::INFINITY]);
    let values = [1.0_f64 / 3.0, f64::NEG_INFINITY];
    let data: Vec<u8> = values.iter().flat_map(|x| x.to_le_bytes()).collect();
    assert_eq!(samples(&wav(&fmt_extensible(3, 2, 64, 64, 3), &data)), values);
    let nan = samples(&wav(&fmt(3, 1, 64, 8), &f64::NAN.to_le_bytes()));
    assert!(nan[0].is_nan());
}

/// Anchors from ITU-T G.711, tables 1 and 2: the ends of each segment, on the 16-bit scale.
#[test]
fn logarithmic_laws_decode_by_the_standard() {
    let mu_law = [(0x80, 32_124), (0x8F, 16_764), (0xF0, 120), (0xFE, 8), (0xFF, 0), (0x7F, 0), (0x00, -32_124)];
    let a_law = [(0xAA, 32_256), (0xA5, 16_896), (0xD5, 8), (0xD4, 24), (0x55, -8), (0x2A, -32_256)];
    for (tag, pairs) in [(7, &mu_law[..]), (6, &a_law[..])] {
        let data: Vec<u8> = pairs.iter().map(|&(byte, _)| byte).collect();
        let expected: Vec<f64> = pairs.iter().map(|&(_, value)| f64::from(value) / 32_768.0).collect();
        assert_eq!(samples(&wav(&fmt(tag, 1, 8, 1), &data)), expected, "format tag {tag}");
    }
}

#[test]
fn big_endian_files() {
    let data: Vec<u8> = PCM_16.chunks(2).flat_map(|pair| [pair[1], pair[0]]).collect();
    let cue_point = [0, 0, 0, 1, 0, 0, 0, 7, b'd', b'a', b't', b'a', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7];
    let cue = [&[0, 0, 0, 1], &cue_point[..]].concat();
    let builder = FileBuilder::new(b"RIFX").chunk(b"cue ", &cue).chunk(b"LIST", b"INFOINAM\0\0\0\x02A\0");
    let file = builder.chunk(b"odd1", b"?").chunk(b"fmt ", &fmt_big_endian(1, 2, 16, 4)).chunk(b"data", &data).bytes();
    assert_eq!(samples(&file), PCM_16_VALUES);
    let reader = Reader::stream(file.as_slice()).expect("legal");
    assert_eq!(reader.container(), Container::Rifx);
    let metadata = reader.metadata();
    let turned = [1, 0, 0, 0, 1, 0, 0, 0, 7, 0, 0, 0, b'd', b'a', b't', b'a', 0, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0];
    assert_eq!(metadata.before_data[0].body, turned);
    assert_eq!(metadata.info_texts(), [(*b"INAM", "A".to_string())]);
    assert_eq!(metadata.not_kept, ["odd1: big-endian, its inner numbers are unknown"]);
    let floats: Vec<u8> = [0.5_f32, -1.5].iter().flat_map(|x| x.to_be_bytes()).collect();
    let fmt = fmt_big_endian(3, 1, 32, 4);
    let file = FileBuilder::new(b"RIFX").chunk(b"fmt ", &fmt).chunk(b"data", &floats).bytes();
    assert_eq!(samples(&file), [0.5, -1.5]);
}

#[test]
fn sizes_of_64_bits() {
    for (magic, container) in [(b"RF64", Container::Rf64), (b"BW64", Container::Bw64)] {
        let mut ds64 = Vec::new();
        // The extra chunk's size stands in the table.
        for size in [0_u64, 8, 2] {
            ds64.extend(size.to_le_bytes());
        }
        ds64.extend(1_u32.to_le_bytes());
        ds64.extend(b"huge");
        ds64.extend(6_u64.to_le_bytes());
        let builder = FileBuilder::new(magic).riff_size(u32::MAX).chunk(b"ds64", &ds64);
        let builder = builder.chunk_of_size(b"huge", &[9; 6], u32::MAX).chunk(b"fmt ", &fmt(1, 2, 16, 4));
        let file = builder.chunk_of_size(b"data", &PCM_16, u32::MAX).chunk(b"note", b"after").bytes();
        assert_eq!(samples(&file), PCM_16_VALUES);
        let reader = Reader::seekable(Cursor::new(&file)).expect("legal");
        assert_eq!(reader.container(), container);
        assert_eq!(reader.metadata().after_data[0].body, b"after");
        assert_eq!(reader.metadata().before_data[0].body, [9; 6]);
    }
}

#[test]
fn wave64() {
    let riff_tail = [0x2E, 0x91, 0xCF, 0x11, 0xA5, 0xD6, 0x28, 0xDB, 0x04, 0xC1, 0, 0];
    let tail = [0xF3, 0xAC, 0xD3, 0x11, 0x8C, 0xD1, 0, 0xC0, 0x4F, 0x8E, 0xDB, 0x8A];
    let chunk = |id: &[u8; 4], body: &[u8]| {
        let mut bytes = [id.as_slice(), &tail, &(24 + body.len() as u64).to_le_bytes(), body].concat();
        bytes.resize(bytes.len().next_multiple_of(8), 0);
        bytes
    };
    let chunks = [
        chunk(b"junk", b"12345"),
        chunk(b"fmt ", &fmt(1, 1, 16, 2)),
        chunk(b"data", &PCM_16[..6]),
        chunk(b"bext", &[]),
    ];
    let body = chunks.concat();
    let file =
        [b"riff".as_slice(), &riff_tail, &(40 + body.len() as u64).to_le_bytes(), b"wave", &tail, &body].concat();
    assert_eq!(samples(&file), PCM_16_VALUES[..3]);
    let reader = Reader::seekable(Cursor::new(&file)).expect("legal");
    assert_eq!((reader.container(), reader.n_frames()), (Container::Wave64, Some(3)));
    assert_eq!(reader.metadata().not_kept, ["bext: a Wave64 chunk"]);
}

#[test]
fn odd_chunks_with_and_without_pad_byte() {
    for pad in [Pad::Written, Pad::LeftOut] {
        let builder = FileBuilder::new(b"RIFF").pad(pad).chunk(b"LIST", b"INFOx").chunk(b"fmt ", &fmt(1, 1, 8, 1));
        let file = builder.chunk(b"data", &[128, 0, 255]).chunk(b"iXML", b"<a/>").bytes();
        assert_eq!(samples(&file), [0.0, -1.0, 127.0 / 128.0], "{pad:?}");
        let mut from_pipe = Reader::stream(file.as_slice()).expect("legal");
        assert_eq!(from_pipe.skip_frames(10).expect("in memory"), 3);
        for metadata in [from_pipe.metadata(), Reader::seekable(Cursor::new(&file)).expect("legal").metadata()] {
            assert_eq!(metadata.before_data[0].body, b"INFOx", "{pad:?}");
            assert_eq!(metadata.after_data[0].body, b"<a/>", "{pad:?}");
        }
    }
}

#[test]
fn sizes_a_writer_to_a_pipe_leaves() {
    for (riff, data) in [
        (u32::MAX, u32::MAX),
        (0x7FFF_F024, 0x7FFF_F000),
        (0x8000_0024, 0x8000_0000),
        (0xFFFF_FFF8, 0xFFFF_FFD4),
        (0x7FFF_FFFF, 0x7FFF_FFDB),
    ] {
        let builder = FileBuilder::new(b"RIFF").riff_size(riff).chunk(b"fmt ", &fmt(1, 2, 16, 4));
        let file = builder.chunk_of_size(b"data", &PCM_16, data).bytes();
        assert_eq!(samples(&file), PCM_16_VALUES, "{riff:#x} {data:#x}");
        assert_eq!(Reader::stream(file.as_slice()).expect("legal").n_frames(), None);
        assert_eq!(Reader::seekable(Cursor::new(&file)).expect("legal").n_frames(), Some(2));
    }
}

#[test]
fn sizes_never_filled_in_are_named() {
    for riff in [0, 36] {
        let builder = FileBuilder::new(b"RIFF").riff_size(riff).chunk(b"fmt ", &fmt(1, 2, 16, 4));
        let file = builder.chunk_of_size(b"data", &PCM_16, 0).bytes();
        let mut reader = Reader::seekable(Cursor::new(&file)).expect("readable");
        assert_eq!(reader.n_frames(), Some(2));
        assert_eq!(reader.warnings(), ["the sizes in the header were never filled in; read to the end of the file"]);
        assert_eq!(reader.read_planar(&mut vec![], 9).expect("no error in memory"), 2);
    }
    let empty = wav(&fmt(1, 2, 16, 4), &[]);
    assert!(samples(&empty).is_empty());
    let file = FileBuilder::new(b"RIFF").chunk(b"fmt ", &fmt(1, 2, 16, 4)).chunk(b"data", &[]).chunk(b"note", b"text");
    assert!(samples(&file.bytes()).is_empty(), "an empty data chunk with metadata after it is legal");
}

#[test]
fn a_format_found_late_and_ambisonic_sub_formats() {
    let mut ambisonic = fmt_extensible(1, 1, 16, 16, 0);
    ambisonic[26..40].copy_from_slice(&[0, 0, 0x21, 0x07, 0xD3, 0x11, 0x86, 0x44, 0xC8, 0xC1, 0xCA, 0, 0, 0]);
    let builder = FileBuilder::new(b"RIFF").chunk(b"JUNK", &[0; 5000]).chunk(b"bext", &[1; 602]);
    let file = builder.chunk(b"fmt ", &ambisonic).chunk(b"data", &PCM_16).bytes();
    assert_eq!(samples(&file), PCM_16_VALUES);
    assert_eq!(Reader::stream(file.as_slice()).expect("legal").spec().channel_mask, None);
}

#[test]
fn channel_mask_and_valid_bits_are_seen() {
    let file = wav(&fmt_extensible(1, 6, 20, 24, 0x60F), &[0; 18]);
    let reader = Reader::stream(file.as_slice()).expect("legal");
    let format = reader.spec().sample_format;
    assert_eq!(reader.spec().channel_mask, Some(0x60F));
    assert_eq!((format.encoding(), format.valid_bits(), format.container_bits()), (Encoding::Integer, 20, 24));
    assert_eq!(format.to_string(), "20-bit in 24");
}
