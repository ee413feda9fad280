//! Any bytes as a WAV file, from a file and from a pipe: a result or an error, no more samples than bytes, and what was
//! read can be written and read again.
#![no_main]

use std::io::{Cursor, Read};

use libfuzzer_sys::fuzz_target;
use sqnr::wav::{Reader, Writer};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(reader) = Reader::stream(bytes) {
        drain(reader, bytes.len());
    }
    if let Ok(reader) = Reader::seekable(Cursor::new(bytes)) {
        rewrite(drain(reader, bytes.len()));
    }
    if let Ok(mut hound) = Reader::stream(bytes).and_then(Reader::into_hound) {
        let _ = hound.samples::<i32>().take(bytes.len()).take_while(Result::is_ok).count();
    }
});

struct Whole<R> {
    reader: Reader<R>,
    channels: Vec<Vec<f64>>,
}

fn drain<R: Read>(mut reader: Reader<R>, n_bytes: usize) -> Whole<R> {
    let mut channels = vec![vec![]; usize::from(reader.spec().channels)];
    let mut block = vec![];
    while reader.read_planar(&mut block, 100).expect("memory gives no error") > 0 {
        channels.iter_mut().zip(&block).for_each(|(channel, part)| channel.extend_from_slice(part));
        assert!(channels[0].len() <= n_bytes);
    }
    Whole { reader, channels }
}

fn rewrite<R: Read>(whole: Whole<R>) {
    let (spec, metadata) = (whole.reader.spec(), whole.reader.metadata());
    let mut writer = Writer::seekable(Cursor::new(vec![]), spec, None, metadata).expect("a spec that was read");
    writer.write_planar(&whole.channels).expect("equal channels");
    let file = writer.finish(&metadata.after_data).expect("a small file").sink.into_inner();
    let again = Reader::seekable(Cursor::new(&file)).expect("what is written can be read");
    assert_eq!(again.metadata().before_data, metadata.before_data);
    assert_eq!(again.metadata().after_data, metadata.after_data);
    assert_eq!(again.spec().sample_format, spec.sample_format);
    let again = drain(again, file.len());
    assert!(again.reader.warnings().is_empty(), "{:?}", again.reader.warnings());
    let same = |x: &f64, y: &f64| x.to_bits() == y.to_bits() || x == y || (x.is_nan() && y.is_nan());
    let all_same = |(x, y): (&Vec<f64>, &Vec<f64>)| x.len() == y.len() && x.iter().zip(y).all(|(x, y)| same(x, y));
    assert!(whole.channels.iter().zip(&again.channels).all(all_same));
}
