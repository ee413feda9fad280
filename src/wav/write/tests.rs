//! What the writer promises: true sizes, RF64 by itself, no seeking on a pipe, counted clipping.

use std::io::{self, Cursor, Seek, SeekFrom, Write};

use proptest::prelude::*;

use crate::{
    Error,
    wav::{
        Chunk, Encoding, Metadata, Reader, SampleFormat, Writer,
        tests::{every_format, spec},
    },
};

/// Counts gigabytes and keeps the first and last few bytes of them.
#[derive(Default)]
struct CountingSink {
    head: Vec<u8>,
    tail: Vec<u8>,
    position: u64,
    length: u64,
}

const HEAD_BYTES: usize = 4096;

impl Write for CountingSink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let at = (self.position as usize).min(HEAD_BYTES);
        let kept = &bytes[..bytes.len().min(HEAD_BYTES - at)];
        self.head.resize(self.head.len().max(at + kept.len()), 0);
        self.head[at..at + kept.len()].copy_from_slice(kept);
        if self.position == self.length && bytes.len() < 100 {
            self.tail = bytes.to_vec();
        }
        self.position += bytes.len() as u64;
        self.length = self.length.max(self.position);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for CountingSink {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.position = match to {
            SeekFrom::Start(at) => at,
            SeekFrom::End(by) => self.length.saturating_add_signed(by),
            SeekFrom::Current(by) => self.position.saturating_add_signed(by),
        };
        Ok(self.position)
    }
}

/// Feeds the writer bytes of samples until there are `n_bytes`, without making them.
fn fill<W: Write>(writer: &mut Writer<W>, n_bytes: u64) {
    let block = vec![0_u8; 1 << 20];
    let mut left = n_bytes;
    while left > 0 {
        let n = left.min(block.len() as u64);
        writer.sink.write_all(&block[..n as usize]).expect("it only counts");
        left -= n;
    }
    writer.n_bytes += n_bytes;
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"))
}

/// EBU Tech 3306: RF64, -1, WAVE, ds64 with the sizes of the whole, of the samples, and their number.
#[test]
fn beyond_4_gib_the_file_becomes_rf64() {
    let n_bytes = (1_u64 << 32) + 6;
    let spec = spec(1, SampleFormat::INT16);
    let after = [Chunk { id: *b"note", body: b"end".to_vec() }];
    let mut writer = Writer::seekable(CountingSink::default(), &spec, None, &Metadata::default()).expect("legal");
    fill(&mut writer, n_bytes);
    let sink = writer.finish(&after).expect("room for 64-bit sizes").sink;
    assert_eq!(&sink.head[..8], b"RF64\xFF\xFF\xFF\xFF");
    assert_eq!(&sink.head[12..20], b"ds64\x1C\0\0\0");
    assert_eq!(u64_at(&sink.head, 20), sink.length - 8);
    assert_eq!(u64_at(&sink.head, 28), n_bytes);
    assert_eq!(u64_at(&sink.head, 36), n_bytes / 2);
    assert_eq!(&sink.head[72..80], b"data\xFF\xFF\xFF\xFF");
    assert_eq!(sink.length, 80 + n_bytes + 12);
    assert_eq!(sink.tail, b"note\x03\0\0\0end\0");
    let reader = Reader::stream(sink.head.as_slice()).expect("the header is legal");
    assert_eq!(reader.n_frames(), Some(n_bytes / 2));
}

#[test]
fn just_below_4_gib_it_stays_riff() {
    let spec = spec(1, SampleFormat::INT16);
    let n_bytes = (1_u64 << 32) - 74;
    let mut writer = Writer::seekable(CountingSink::default(), &spec, None, &Metadata::default()).expect("legal");
    fill(&mut writer, n_bytes);
    let sink = writer.finish(&[]).expect("fits").sink;
    assert_eq!(&sink.head[..8], b"RIFF\xFE\xFF\xFF\xFF");
    assert_eq!(&sink.head[12..20], b"JUNK\x1C\0\0\0");
    assert_eq!(Reader::stream(sink.head.as_slice()).expect("legal").n_frames(), None, "near -1 a size says nothing");
    let mut writer = Writer::seekable(CountingSink::default(), &spec, None, &Metadata::default()).expect("legal");
    fill(&mut writer, n_bytes + 2);
    assert_eq!(&writer.finish(&[]).expect("room for 64-bit sizes").sink.head[..4], b"RF64");
}

#[test]
fn a_short_header_refuses_to_grow_past_4_gib() {
    let mut writer =
        Writer::seekable(CountingSink::default(), &spec(1, SampleFormat::INT16), Some(10), &Metadata::default())
            .expect("legal");
    fill(&mut writer, 1 << 32);
    assert!(matches!(writer.finish(&[]), Err(Error::LimitExceeded { .. })));
}

#[test]
fn a_pipe_gets_true_sizes_when_the_length_is_known() {
    let metadata = Metadata { after_data: vec![Chunk { id: *b"note", body: b"odd".to_vec() }], ..Metadata::default() };
    for format in [SampleFormat::INT16, SampleFormat::FLOAT32, SampleFormat::integer(24).expect("legal")] {
        let samples = [0.25, -0.5, 0.75];
        let mut to_pipe = Writer::stream(vec![], &spec(1, format), Some(3), &metadata).expect("legal");
        to_pipe.write_f64(&samples).expect("whole frames");
        let written = to_pipe.finish(&metadata.after_data).expect("a Vec takes all");
        let mut to_file = Writer::seekable(Cursor::new(vec![]), &spec(1, format), Some(3), &metadata).expect("legal");
        to_file.write_f64(&samples).expect("whole frames");
        assert!(written.warnings.is_empty());
        assert_eq!(written.sink, to_file.finish(&metadata.after_data).expect("fits").sink.into_inner(), "{format}");
    }
    let long = Some(3 << 30);
    let writer = Writer::stream(vec![], &spec(1, SampleFormat::INT16), long, &Metadata::default()).expect("legal");
    let header = writer.finish(&[]).expect("a Vec takes all");
    assert_eq!(Reader::stream(header.sink.as_slice()).expect("legal").n_frames(), long);
    assert_eq!(header.warnings, ["the header declares 3221225472 samples per channel, 0 were written"]);
}

#[test]
fn a_pipe_of_unknown_length_says_so() {
    let metadata = Metadata { after_data: vec![Chunk { id: *b"iXML", body: vec![] }], ..Metadata::default() };
    let mut writer = Writer::stream(vec![], &spec(1, SampleFormat::INT16), None, &Metadata::default()).expect("legal");
    writer.write_codes(&[5, -5]).expect("whole frames");
    let written = writer.finish(&metadata.after_data).expect("a Vec takes all");
    assert_eq!(&written.sink[4..8], [0xFF; 4]);
    assert_eq!(written.sink.len(), 44 + 4);
    assert_eq!(written.warnings, ["iXML: no place for it after samples that went to a pipe"]);
}

#[test]
fn clipping_is_counted_and_nan_is_silence() {
    let format = SampleFormat::integer(8).expect("legal");
    let mut writer = Writer::stream(vec![], &spec(1, format), None, &Metadata::default()).expect("legal");
    let just_inside = 127.49 / 128.0;
    writer.write_f64(&[1.0, -1.0, f64::NAN, f64::INFINITY, just_inside, -1.0 - 0.6 / 128.0]).expect("whole frames");
    let written = writer.finish(&[]).expect("a Vec takes all");
    assert_eq!(written.clipped_samples, 3);
    assert_eq!(written.sink[44..], [255, 0, 128, 255, 255, 0]);
}

#[test]
fn codes_beyond_the_valid_bits_saturate() {
    let format = SampleFormat::integer_in(12, 16).expect("legal");
    let mut writer = Writer::stream(vec![], &spec(1, format), Some(2), &Metadata::default()).expect("legal");
    writer.write_codes(&[5000, -5000]).expect("whole frames");
    let file = writer.finish(&[]).expect("a Vec takes all").sink;
    assert_eq!(file[file.len() - 4..], [0xF0, 0x7F, 0x00, 0x80]);
}

#[test]
fn what_is_no_frame_or_no_code_is_refused() {
    let metadata = Metadata::default();
    let mut stereo = Writer::stream(vec![], &spec(2, SampleFormat::FLOAT32), None, &metadata).expect("legal");
    assert!(matches!(stereo.write_f64(&[0.0]), Err(Error::LengthMismatch { expected: 2, got: 1, .. })));
    assert!(matches!(stereo.write_codes(&[0, 0]), Err(Error::Unsupported { .. })));
    assert!(matches!(stereo.write_planar(&[[0.0]]), Err(Error::LengthMismatch { expected: 2, got: 1, .. })));
    let ragged = [&[0.0][..], &[][..]];
    assert!(matches!(stereo.write_planar(&ragged), Err(Error::LengthMismatch { .. })));
    for bad in [0, 1025] {
        let bad = spec(bad, SampleFormat::INT16);
        assert!(matches!(Writer::stream(vec![], &bad, None, &metadata), Err(Error::InvalidParameter { .. })));
    }
    let mut still = spec(1, SampleFormat::INT16);
    still.sample_rate_hz = 0;
    assert!(matches!(Writer::stream(vec![], &still, None, &metadata), Err(Error::InvalidParameter { .. })));
    for id in [b"data", b"fmt ", b"JUNK", b"\0\0\0\0"] {
        let smuggled = Metadata { before_data: vec![Chunk { id: *id, body: vec![] }], ..Metadata::default() };
        let refused = Writer::stream(vec![], &spec(1, SampleFormat::INT16), None, &smuggled);
        assert!(matches!(refused, Err(Error::InvalidParameter { .. })), "{id:?}");
    }
    for (valid, container) in [(0, 8), (33, 40), (33, 32), (16, 8), (12, 12)] {
        assert!(SampleFormat::integer_in(valid, container).is_err(), "{valid} in {container}");
    }
}

proptest! {
    /// Amplitudes come back within half a step, floats exactly, in every format, planar or not.
    #[test]
    fn amplitudes_come_back(
        which in 0..every_format().len(),
        frames in prop::collection::vec([-1.0..0.99_f64, -1.0..0.99], 0..40),
    ) {
        let format = every_format()[which];
        let planar: Vec<Vec<f64>> = (0..2).map(|c| frames.iter().map(|frame| frame[c]).collect()).collect();
        let mut writer =
            Writer::seekable(Cursor::new(vec![]), &spec(2, format), None, &Metadata::default()).expect("legal");
        writer.write_planar(&planar).expect("whole frames");
        let file = writer.finish(&[]).expect("fits").sink.into_inner();
        let mut block = vec![];
        let n = Reader::stream(file.as_slice()).expect("legal").read_planar(&mut block, 100).expect("in memory");
        prop_assert_eq!(n, frames.len());
        for (x, y) in planar.iter().flatten().zip(block.iter().flatten()) {
            let step = 2.0 / 2.0_f64.powi(format.valid_bits() as i32);
            let bound = match (format.encoding(), format.valid_bits()) {
                (Encoding::Float, 64) => 0.0,
                // Half of the last place of a number below 1.
                (Encoding::Float, _) => 2.0_f64.powi(-25),
                // Half a step; beyond the last level, which is a step below 1, the distance to 0.99.
                (Encoding::Integer, _) => (step / 2.0).max(step - 0.01),
                // The last level of mu-law is 644 below full scale on the 16-bit scale, cells are at most 1024 wide.
                _ => 644.0 / 32_768.0,
            };
            prop_assert!((x - y).abs() <= bound, "{format}: {x} came back as {y}");
        }
    }
}
