//! Whether an encoded file is whole, and what decoding it costs against the original, in constant memory.
//!
//! ```text
//! encoded -> decoder (checksums) -> samples -+-> damage, length
//!                                 original --+-> error
//! ```
//!
//! [`while_encoding`] does the same to bytes on their way to a file: another thread decodes them as they come.

use std::{
    io::{self, Read, Write},
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    thread,
};

use super::alongside::Alongside;
use crate::{
    Error, Progress, Result,
    analysis::error_statistics::{ErrorFigures, ErrorStatistics, Settings},
    audio_file::{Info, Reopen, Source},
    codec::{Damage, Decoder, Header, OnDamage},
};

/// What [`verify`] found.
#[derive(Debug, Clone)]
pub struct Verification {
    /// Samples per second.
    pub sample_rate_hz: u32,
    /// Samples per channel that were decoded.
    pub samples: u64,
    /// What is broken or missing; empty when the file is whole.
    pub damages: Vec<Damage>,
    /// What decoding cost, where there is an original.
    pub loss: Option<DecodingLoss>,
}

/// Checks every checksum of `encoded`, decodes it, and holds it against `original` where there is one.
///
/// ```
/// use sqnr::{codec, generate, task};
///
/// let (tone, mut encoded) = (generate::signal(Default::default())?, Vec::new());
/// let mut encoder = codec::Encoder::new(&mut encoded, &codec::EncoderOptions::new(48_000, 1))?;
/// encoder.push(&[tone.channels()[0].iter().map(|&x| x as f32).collect::<Vec<_>>()])?;
/// encoder.finish()?;
/// let verified = task::verify(encoded.as_slice(), Some(&tone), &())?;
/// assert!(verified.damages.is_empty() && verified.loss.unwrap().figures.snr_db.unwrap() > 10.0);
/// # Ok::<(), sqnr::Error>(())
/// ```
///
/// # Errors
/// Those of reading either (`Input` for the original), and `Unsupported` when they differ in rate or number of channels.
/// Damage is no error.
pub fn verify(encoded: impl Read, original: Option<&dyn Reopen>, progress: &dyn Progress) -> Result<Verification> {
    let mut decoder = Decoder::with_policy(encoded, OnDamage::Salvage)?;
    let (samples, loss) = match original {
        Some(original) => {
            let source = original.open()?;
            check_formats(decoder.header(), source.info(), &original.name())?;
            let loss = DecodingLoss::measure(&mut decoder, source, progress)?;
            (loss.samples, Some(loss))
        }
        None => (drain(&mut decoder, progress)?, None),
    };
    Ok(Verification {
        sample_rate_hz: decoder.header().sample_rate_hz,
        samples,
        damages: decoder.damages().to_vec(),
        loss,
    })
}

fn check_formats(header: &Header, original: &Info, name: &str) -> Result<()> {
    let refused = |what| Err(Error::Unsupported { what });
    let (ours, theirs) = (header.sample_rate_hz, original.spec.sample_rate_hz);
    if ours != theirs {
        return refused(format!("has {ours} Hz, {name} {theirs} Hz"));
    }
    let (ours, theirs) = (u16::from(header.channels), original.spec.channels);
    match ours == theirs {
        true => Ok(()),
        false => refused(format!("has {ours} channels, {name} {theirs}")),
    }
}

/// Decodes to the end; returns the samples per channel.
fn drain<R: Read>(decoder: &mut Decoder<R>, progress: &dyn Progress) -> Result<u64> {
    let (total, rate) = (decoder.header().samples, decoder.header().sample_rate_hz);
    let mut samples = 0;
    while let Some(block) = decoder.next_block()? {
        samples += block[0].len() as u64;
        progress.at(samples, total, rate);
    }
    Ok(samples)
}

/// A decoded file against its original.
#[derive(Debug, Clone)]
pub struct DecodingLoss {
    /// Over all channels, as far as both files reach.
    pub figures: ErrorFigures,
    /// Samples per channel that were decoded.
    pub samples: u64,
    /// Samples per channel of the original.
    pub reference_samples: u64,
}

impl DecodingLoss {
    /// Decodes to the end and compares.
    ///
    /// # Errors
    /// Those of decoder and original, and `LengthMismatch` when they have different numbers of channels.
    fn measure<R: Read>(decoder: &mut Decoder<R>, original: Source, progress: &dyn Progress) -> Result<Self> {
        let expected = usize::from(original.info().spec.channels);
        let got = usize::from(decoder.header().channels);
        if got != expected {
            return Err(Error::LengthMismatch { what: "channels of file and original", expected, got });
        }
        let (total, rate) = (decoder.header().samples, decoder.header().sample_rate_hz);
        let mut statistics = ErrorStatistics::new(Settings::default())?;
        let (mut samples, mut reference_samples) = (0, 0);
        let mut reference = Alongside::new(original);
        let mut y = Vec::new();
        while let Some(block) = decoder.next_block()? {
            let n = block[0].len();
            let n_both = reference.each_piece(n, |at, x| {
                for (channel, x) in block.iter().zip(x) {
                    y.clear();
                    y.extend(channel[at..at + x.len()].iter().map(|&v| f64::from(v)));
                    // The encoder takes what is not finite for 0, and counts it.
                    statistics.push(x, &y);
                }
            })?;
            samples += n as u64;
            reference_samples += n_both as u64;
            progress.at(samples, total, rate);
        }
        reference_samples += reference.rest()?;
        Ok(Self { figures: statistics.figures(), samples, reference_samples })
    }
}

/// Writes that may wait for the decoder: the encoder is faster, and its groups are not kept for long.
const WAITING: usize = 8;

/// Runs `encode`, which writes into what it is given, and decodes the same bytes beside it.
///
/// ```
/// use sqnr::{audio_file::Reopen, codec::{Encoder, EncoderOptions}, generate, task::while_encoding};
///
/// let tone = generate::signal(Default::default())?;
/// let x: Vec<f32> = tone.channels()[0].iter().map(|&x| x as f32).collect();
/// let (summary, file, loss) = while_encoding(Vec::new(), tone.open()?, |tee| {
///     let mut encoder = Encoder::new(tee, &EncoderOptions::new(48_000, 1))?;
///     encoder.push(&[&x])?;
///     encoder.finish()
/// })?;
/// assert_eq!((summary.bytes, loss.samples), (file.len() as u64, 48_000));
/// # Ok::<(), sqnr::Error>(())
/// ```
///
/// # Errors
/// Those of `encode`, those of the decoder when the bytes are damaged, and those of `original`.
pub fn while_encoding<W: Write, T>(
    sink: W,
    original: Source,
    encode: impl FnOnce(&mut Tee<W>) -> Result<T>,
) -> Result<(T, W, DecodingLoss)> {
    let (sender, receiver) = sync_channel(WAITING);
    thread::scope(|scope| {
        let decoding = scope.spawn(move || {
            let mut decoder = Decoder::new(Received { receiver, chunk: Vec::new(), at: 0 })?;
            DecodingLoss::measure(&mut decoder, original, &())
        });
        let mut tee = Tee { sink, sender };
        let encoded = encode(&mut tee);
        let Tee { sink, sender } = tee;
        // The end of the file, for the decoder.
        drop(sender);
        let loss = decoding.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        Ok((encoded?, sink, loss?))
    })
}

/// Writes to two places.
#[derive(Debug)]
pub struct Tee<W> {
    sink: W,
    sender: SyncSender<Vec<u8>>,
}

impl<W: Write> Write for Tee<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.sink.write(bytes)?;
        // A decoder that has given up says why when it is joined.
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
    use crate::{
        Signal,
        codec::{Encoder, EncoderOptions},
    };

    fn original(n: usize) -> Signal {
        Signal::new(48_000, vec![vec![0.1; n]]).expect("legal")
    }

    /// 5000 samples of 0.1.
    fn encoded() -> Vec<u8> {
        let mut encoded = Vec::new();
        let mut encoder = Encoder::new(&mut encoded, &EncoderOptions::new(48_000, 1)).expect("legal");
        encoder.push(&[vec![0.1; 5_000]]).expect("memory");
        encoder.finish().expect("memory");
        encoded
    }

    #[test]
    fn damage_on_the_way_is_noticed() {
        let (encoded, original) = (encoded(), original(5_000));
        let write = |bytes: &[u8]| {
            let source = original.open().expect("in memory");
            while_encoding(Vec::new(), source, |tee| tee.write_all(bytes).map_err(Error::stream))
        };
        for at in [40, encoded.len() / 2, encoded.len() - 1] {
            let mut bytes = encoded.clone();
            bytes[at] ^= 1;
            assert!(write(&bytes).is_err(), "byte {at}");
        }
        let ((), sink, loss) = write(&encoded).expect("whole");
        assert_eq!((sink, loss.samples, loss.reference_samples), (encoded, 5_000, 5_000));
        let source = original.open().expect("in memory");
        let failing = while_encoding(Vec::new(), source, |_| Err::<(), _>(Error::invalid("x", 0, "1")));
        assert!(matches!(failing, Err(Error::InvalidParameter { .. })));
    }

    #[test]
    fn lengths_are_told_and_damage_is_no_error() {
        let mut bytes = encoded();
        let verified = verify(bytes.as_slice(), Some(&original(6_000)), &()).expect("whole");
        let loss = verified.loss.expect("there is an original");
        assert_eq!((verified.samples, loss.samples, loss.reference_samples), (5_000, 5_000, 6_000));
        assert!(verified.damages.is_empty() && loss.figures.snr_db.expect("an error") > 20.0);
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        assert!(!verify(bytes.as_slice(), None, &()).expect("decodable").damages.is_empty());
    }

    #[test]
    fn another_format_is_refused() {
        let other = Signal::new(8_000, vec![vec![0.1; 10]]).expect("legal");
        let refused = verify(encoded().as_slice(), Some(&other), &()).expect_err("another rate").to_string();
        assert_eq!(refused, "has 48000 Hz, signal 8000 Hz");
    }
}
