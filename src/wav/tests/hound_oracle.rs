//! hound, a WAV library by other hands, must read what is written here and write what is read here, in the forms it
//! knows.

use std::io::Cursor;

use super::builder::{FileBuilder, Pad, fmt_big_endian};
use super::{read_codes, some_codes, spec};
use crate::wav::{Metadata, Reader, SampleFormat, Writer};

#[test]
fn hound_reads_the_integers_written_here() {
    for bits in [8, 16, 24, 32] {
        let format = SampleFormat::integer(bits).expect("legal");
        let codes = some_codes(format, 60);
        for channels in [1, 2, 3] {
            let mut writer =
                Writer::seekable(Cursor::new(vec![]), &spec(channels, format), Some(60), &Metadata::default())
                    .expect("legal");
            writer.write_codes(&codes).expect("whole frames");
            let file = writer.finish(&[]).expect("fits").sink.into_inner();
            let mut hound = hound::WavReader::new(file.as_slice()).expect("hound reads it");
            assert_eq!(u32::from(hound.spec().bits_per_sample), bits);
            assert_eq!(hound.duration(), 60 / u32::from(channels));
            let read: Vec<i32> = hound.samples().map(|sample| sample.expect("hound reads it")).collect();
            assert_eq!(read, codes);
        }
    }
}

#[test]
fn the_reader_reads_the_integers_hound_writes() {
    for bits in [8, 16, 24, 32] {
        let format = SampleFormat::integer(bits).expect("legal");
        let codes = some_codes(format, 61);
        let spec = hound::WavSpec {
            channels: 1,
            sample_rate: 44_100,
            bits_per_sample: bits as u16,
            sample_format: hound::SampleFormat::Int,
        };
        let mut file = Cursor::new(vec![]);
        let mut hound = hound::WavWriter::new(&mut file, spec).expect("hound writes it");
        for &code in &codes {
            hound.write_sample(code).expect("hound writes it");
        }
        hound.finalize().expect("hound writes it");
        let mut reader = Reader::stream(file.get_ref().as_slice()).expect("legal");
        assert_eq!(reader.spec().sample_format, format);
        assert_eq!(read_codes(&mut reader), codes);
    }
}

#[test]
fn floats_agree_both_ways() {
    let values = [0.0_f32, -1.0, 0.1, 1e-30, -7.5];
    let mut writer =
        Writer::seekable(Cursor::new(vec![]), &spec(1, SampleFormat::FLOAT32), Some(5), &Metadata::default())
            .expect("legal");
    writer.write_f32(&values).expect("whole frames");
    let file = writer.finish(&[]).expect("fits").sink.into_inner();
    let mut hound = hound::WavReader::new(file.as_slice()).expect("hound reads it");
    let read: Vec<f32> = hound.samples().map(|sample| sample.expect("hound reads it")).collect();
    assert_eq!(read, values);
}

#[test]
fn hound_reads_a_straightened_file() {
    // Big endian, with an odd chunk that lacks its pad byte: hound alone takes neither.
    let builder = FileBuilder::new(b"RIFX").pad(Pad::LeftOut).chunk(b"LIST", b"INFOx");
    let builder = builder.chunk(b"fmt ", &fmt_big_endian(1, 2, 12, 4));
    let file = builder.chunk(b"data", &[0x00, 0x10, 0x7F, 0xF0, 0x80, 0x00, 0x00, 0x00]).bytes();
    assert!(hound::WavReader::new(file.as_slice()).is_err());
    let mut hound = Reader::stream(file.as_slice()).expect("legal").into_hound().expect("plain integers");
    assert_eq!((hound.spec().channels, hound.spec().bits_per_sample, hound.duration()), (2, 16, 2));
    let samples: Vec<i16> = hound.samples().map(|sample| sample.expect("all there")).collect();
    assert_eq!(samples, [0x10, 0x7FF0, i16::MIN, 0]);
}

#[test]
fn what_hound_has_no_form_for_is_refused() {
    for format in [SampleFormat::FLOAT64, SampleFormat::A_LAW, SampleFormat::MU_LAW] {
        let writer = Writer::stream(vec![], &spec(1, format), Some(0), &Metadata::default()).expect("legal");
        let file = writer.finish(&[]).expect("a Vec takes all").sink;
        assert!(Reader::stream(file.as_slice()).expect("legal").into_hound().is_err(), "{format}");
    }
    let writer = Writer::stream(vec![], &spec(1, SampleFormat::INT16), None, &Metadata::default()).expect("legal");
    let endless = writer.finish(&[]).expect("a Vec takes all").sink;
    assert!(Reader::stream(endless.as_slice()).expect("legal").into_hound().is_err());
}
