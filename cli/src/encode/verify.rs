//! `encode --verify`: what is written is decoded by another thread as it comes, and compared with the input.

use std::{
    io::{self, Read, Write},
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    thread,
};

use sqnr::{audio_file::Source, codec::Decoder};

use super::super::loss::Loss;

/// Writes that may wait for the decoder: the encoder is faster, and its groups are not kept for long.
const WAITING: usize = 8;

/// Runs `encode`, which writes into what it is given, and decodes the same bytes beside it.
///
/// # Errors
/// Those of `encode`, those of the decoder when the bytes are damaged, and those of `original`.
pub fn while_encoding<W: Write, T>(
    sink: W,
    original: &mut Source,
    encode: impl FnOnce(&mut Tee<W>) -> sqnr::Result<T>,
) -> sqnr::Result<(T, W, Loss)> {
    let (sender, receiver) = sync_channel(WAITING);
    thread::scope(|scope| {
        let decoding = scope.spawn(move || {
            let mut decoder = Decoder::new(Received { receiver, chunk: Vec::new(), at: 0 })?;
            Loss::measure(&mut decoder, original, |_| ())
        });
        let mut tee = Tee { sink, sender };
        let encoded = encode(&mut tee);
        let Tee { sink, sender } = tee;
        // the end of the file, for the decoder
        drop(sender);
        let loss = decoding.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        Ok((encoded?, sink, loss?))
    })
}

/// Writes to two places.
pub struct Tee<W> {
    sink: W,
    sender: SyncSender<Vec<u8>>,
}

impl<W: Write> Write for Tee<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.sink.write(bytes)?;
        // a decoder that has given up says why when it is joined
        let _ = self.sender.send(bytes[..n].to_vec());
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.sink.flush()
    }
}

/// The other end.
struct Received {
    receiver: Receiver<Vec<u8>>,
    chunk: Vec<u8>,
    at: usize,
}

impl Read for Received {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.at == self.chunk.len() {
            match self.receiver.recv() {
                Ok(chunk) => (self.chunk, self.at) = (chunk, 0),
                Err(_) => return Ok(0),
            }
        }
        let n = out.len().min(self.chunk.len() - self.at);
        out[..n].copy_from_slice(&self.chunk[self.at..self.at + n]);
        self.at += n;
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sqnr::{
        audio_file,
        codec::{Encoder, EncoderOptions},
    };
    use std::path::Path;

    #[test]
    fn damage_on_the_way_is_noticed() {
        let original = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/..")).join("testdata/singing.wav");
        let mut encoded = Vec::new();
        let mut encoder = Encoder::new(&mut encoded, &EncoderOptions::new(48_000, 1)).expect("legal");
        encoder.push(&[vec![0.1; 5_000]]).expect("memory");
        encoder.finish().expect("memory");
        for at in [40, encoded.len() / 2, encoded.len() - 1] {
            let mut source = audio_file::open(&original).expect("in the repository");
            let mut bytes = encoded.clone();
            bytes[at] ^= 1;
            let write = |tee: &mut Tee<Vec<u8>>| tee.write_all(&bytes).map_err(sqnr::Error::stream);
            assert!(while_encoding(Vec::new(), &mut source, write).is_err(), "byte {at}");
        }
        let mut source = audio_file::open(&original).expect("in the repository");
        let failing = while_encoding(Vec::new(), &mut source, |_| Err::<(), _>(sqnr::Error::invalid("x", 0, "1")));
        assert!(matches!(failing, Err(sqnr::Error::InvalidParameter { .. })));
    }
}
