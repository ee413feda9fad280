//! Reading and writing WAV in memory, beside hound: samples to and from bytes, no disk.
//!
//! `cargo bench --no-default-features --bench wav`; ratios between neighbours hold on a busy machine, figures do not.

use std::{hint::black_box, io::Cursor};

use divan::{Bencher, counter::BytesCount};
use sqnr::wav::{Metadata, Reader, SampleFormat, Spec, Writer};

/// Five seconds of stereo at 48 kHz.
const N_SAMPLES: usize = 2 * 48_000 * 5;
const BLOCK_FRAMES: usize = 8_192;
const WIDTHS: [u32; 4] = [8, 16, 24, 32];

fn main() {
    divan::main();
}

fn codes(bits: u32) -> Vec<i32> {
    (0..N_SAMPLES as u32).map(|i| i.wrapping_mul(2_654_435_761) as i32 >> (32 - bits)).collect()
}

fn spec(bits: u32) -> Spec {
    let sample_format = SampleFormat::integer(bits).expect("8, 16, 24 or 32");
    Spec { sample_rate_hz: 48_000, channels: 2, channel_mask: None, sample_format }
}

fn hound_spec(bits: u32) -> hound::WavSpec {
    let bits_per_sample = bits as u16;
    hound::WavSpec { channels: 2, sample_rate: 48_000, bits_per_sample, sample_format: hound::SampleFormat::Int }
}

fn file(bits: u32) -> Vec<u8> {
    let n_frames = Some(N_SAMPLES as u64 / 2);
    let mut writer = Writer::stream(vec![], &spec(bits), n_frames, &Metadata::default()).expect("legal");
    writer.write_codes(&codes(bits)).expect("whole frames");
    writer.finish(&[]).expect("a Vec takes all").sink
}

fn data_bytes(bits: u32) -> BytesCount {
    BytesCount::new(N_SAMPLES * bits as usize / 8)
}

#[divan::bench(args = WIDTHS)]
fn read_codes(bencher: Bencher, bits: u32) {
    let file = file(bits);
    let mut block = vec![0; 2 * BLOCK_FRAMES];
    bencher.counter(data_bytes(bits)).bench_local(|| {
        let mut reader = Reader::stream(file.as_slice()).expect("legal");
        while reader.read_codes(&mut block).expect("in memory") > 0 {
            black_box(&block);
        }
    });
}

#[divan::bench(args = WIDTHS)]
fn read_f32(bencher: Bencher, bits: u32) {
    let file = file(bits);
    let mut block = vec![0.0; 2 * BLOCK_FRAMES];
    bencher.counter(data_bytes(bits)).bench_local(|| {
        let mut reader = Reader::stream(file.as_slice()).expect("legal");
        while reader.read_f32(&mut block).expect("in memory") > 0 {
            black_box(&block);
        }
    });
}

#[divan::bench(args = WIDTHS)]
fn read_planar(bencher: Bencher, bits: u32) {
    let file = file(bits);
    let mut block = vec![];
    bencher.counter(data_bytes(bits)).bench_local(|| {
        let mut reader = Reader::stream(file.as_slice()).expect("legal");
        while reader.read_planar(&mut block, BLOCK_FRAMES).expect("in memory") > 0 {
            black_box(&block);
        }
    });
}

#[divan::bench(args = WIDTHS)]
fn read_hound(bencher: Bencher, bits: u32) {
    let file = file(bits);
    let mut block = vec![0_i32; 2 * BLOCK_FRAMES];
    bencher.counter(data_bytes(bits)).bench_local(|| {
        let mut reader = hound::WavReader::new(file.as_slice()).expect("legal");
        let mut samples = reader.samples::<i32>();
        loop {
            let n = block.iter_mut().zip(&mut samples).map(|(place, code)| *place = code.expect("legal")).count();
            black_box(&block);
            if n == 0 {
                break;
            }
        }
    });
}

/// hound's sample decoder alone, on bytes that are in memory already.
#[divan::bench(args = WIDTHS)]
fn decode_hound(bencher: Bencher, bits: u32) {
    let bytes = vec![7_u8; N_SAMPLES * bits as usize / 8];
    let mut block = vec![0_i32; N_SAMPLES];
    let width = bits as u16;
    bencher.counter(data_bytes(bits)).bench_local(|| {
        let mut input = black_box(bytes.as_slice());
        for place in &mut block {
            let code = hound::Sample::read(&mut input, hound::SampleFormat::Int, width / 8, width);
            *place = code.expect("legal");
        }
        black_box(&block);
    });
}

#[divan::bench(args = WIDTHS)]
fn write_codes(bencher: Bencher, bits: u32) {
    let codes = codes(bits);
    let mut sink = vec![];
    bencher.counter(data_bytes(bits)).bench_local(|| {
        sink.clear();
        let sink = Cursor::new(&mut sink);
        let mut writer = Writer::seekable(sink, &spec(bits), None, &Metadata::default()).expect("legal");
        for part in codes.chunks(2 * BLOCK_FRAMES) {
            writer.write_codes(part).expect("whole frames");
        }
        black_box(writer.finish(&[]).expect("fits"));
    });
}

#[divan::bench(args = WIDTHS)]
fn write_hound(bencher: Bencher, bits: u32) {
    let codes = codes(bits);
    let mut sink = vec![];
    bencher.counter(data_bytes(bits)).bench_local(|| {
        sink.clear();
        let mut writer = hound::WavWriter::new(Cursor::new(&mut sink), hound_spec(bits)).expect("legal");
        for &code in &codes {
            writer.write_sample(code).expect("legal");
        }
        writer.finalize().expect("fits");
        black_box(&sink);
    });
}
