//! Hands a straightened file to hound, for those whose code speaks hound already.
//!
//! hound refuses odd chunks, big-endian files, 64-bit and streamed sizes. The reader here takes them, and shows hound a
//! plain little-endian file: a fresh header and the samples.

use std::io::{self, Chain, Cursor, Read};

use super::{Encoding, Metadata, Reader, SampleFormat, Spec, Writer};
use crate::{Error, Result};

/// A plain little-endian file, made while it is read.
pub type PlainFile<R> = Chain<Cursor<Vec<u8>>, Frames<R>>;

/// The samples of a [`Reader`] as little-endian bytes.
#[derive(Debug)]
pub struct Frames<R> {
    reader: Reader<R>,
    /// Bytes of the reader's block that were handed out.
    n_read: usize,
}

impl<R: Read> Reader<R> {
    /// The samples from here on, read by hound. Codes narrower than their container come as hound sees them: in all the
    /// container's bits, the code at the top.
    ///
    /// ```
    /// # use sqnr::wav::{Metadata, Reader, SampleFormat, Spec, Writer};
    /// # let spec = Spec { sample_rate_hz: 8_000, channels: 1, channel_mask: None, sample_format: SampleFormat::INT16 };
    /// # let mut writer = Writer::stream(vec![], &spec, Some(2), &Metadata::default())?;
    /// # writer.write_codes(&[3, -4])?;
    /// # let file = writer.finish(&[])?.sink;
    /// let mut hound = Reader::stream(file.as_slice())?.into_hound()?;
    /// let samples: Vec<i16> = hound.samples().collect::<Result<_, _>>().expect("a whole file");
    /// assert_eq!(samples, [3, -4]);
    /// # Ok::<(), sqnr::Error>(())
    /// ```
    ///
    /// # Errors
    /// `Unsupported` for what hound has no form for: A-law, mu-law, doubles, a pipe whose header does not say how long
    /// it is, 4 GiB and more.
    pub fn into_hound(self) -> Result<hound::WavReader<PlainFile<R>>> {
        let format = self.spec().sample_format;
        let sample_format = match format.encoding() {
            Encoding::Integer => SampleFormat::integer(format.container_bits())?,
            Encoding::Float if format == SampleFormat::FLOAT32 => format,
            _ => return Err(Error::Unsupported { what: format!("{format} samples in hound") }),
        };
        let n_frames = self.n_frames_left().filter(|&n| n <= u64::from(u32::MAX) / self.spec().block_align() as u64);
        let Some(n_frames) = n_frames else {
            return Err(Error::Unsupported { what: "a length unknown or beyond 4 GiB in hound".into() });
        };
        let spec = Spec { sample_format, ..*self.spec() };
        let header = Writer::stream(vec![], &spec, Some(n_frames), &Metadata::default())?.finish(&[])?.sink;
        hound::WavReader::new(Cursor::new(header).chain(Frames { n_read: self.block().len(), reader: self }))
            .map_err(|error| Error::Unsupported { what: format!("hound: {error}") })
    }
}

impl<R: Read> Read for Frames<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.n_read == self.reader.block().len() {
            self.reader.fill_block(usize::MAX).map_err(io::Error::other)?;
            self.n_read = 0;
        }
        let rest = &self.reader.block()[self.n_read..];
        let n = rest.len().min(out.len());
        out[..n].copy_from_slice(&rest[..n]);
        self.n_read += n;
        Ok(n)
    }
}
