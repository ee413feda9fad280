//! Reads a DSF file block by block, from a file or a pipe.

use std::io::{self, Read};

use super::{BLOCK, BLOCK_SAMPLES, DSD_CHUNK, FMT_CHUNK, Spec};
use crate::{Error, Result};

/// Reads one-bit audio.
///
/// ```
/// use sqnr::dsf;
///
/// let spec = dsf::Spec { sample_rate_hz: 2_822_400, n_channels: 1 };
/// let mut writer = dsf::Writer::new(std::io::Cursor::new(Vec::new()), spec)?;
/// writer.write(&[[1.0, -1.0, -1.0, 1.0]])?;
/// let file = writer.finish()?.into_inner();
/// let (mut reader, mut levels) = (dsf::Reader::new(&file[..])?, Vec::new());
/// reader.read(&mut levels)?;
/// assert_eq!(levels[0][..4], [1.0, -1.0, -1.0, 1.0]);
/// # Ok::<(), sqnr::Error>(())
/// ```
#[derive(Debug)]
pub struct Reader<R> {
    inner: R,
    spec: Spec,
    n_samples: u64,
    n_read: u64,
    bit_order: BitOrder,
    at_byte: u64,
}

/// Where in its byte the earliest sample is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum BitOrder {
    LowestFirst,
    HighestFirst,
}

impl<R: Read> Reader<R> {
    /// Reads the header.
    ///
    /// # Errors
    /// `Io`; `Malformed` for a cut or inconsistent header; `Unsupported` for compressed audio or other blocks;
    /// `InvalidParameter` for more than 6 channels.
    pub fn new(inner: R) -> Result<Self> {
        let mut fields = Fields { inner, at_byte: 0 };
        fields.expect(b"DSD ", "not a DSF file: it does not start with 'DSD '")?;
        let dsd_chunk = fields.size()?;
        let (_file_size, _id3) = (fields.size()?, fields.size()?);
        fields.skip_to(dsd_chunk, DSD_CHUNK, "the DSD chunk")?;
        fields.expect(b"fmt ", "'fmt ' expected")?;
        let fmt_chunk = fields.size()?;
        let (_version, id, _channel_type) = (fields.number()?, fields.number()?, fields.number()?);
        let (n_channels, sample_rate_hz, bits) = (fields.number()?, fields.number()?, fields.number()?);
        let n_samples = fields.size()?;
        let (block, _reserved) = (fields.number()?, fields.number()?);
        if id != 0 || ![1, 8].contains(&bits) || block as usize != BLOCK {
            let what = format!("DSF format {id}, bit order {bits}, blocks of {block}; 0, 1 or 8, 4096 are read");
            return Err(Error::Unsupported { what });
        }
        fields.skip_to(fmt_chunk, FMT_CHUNK, "the fmt chunk")?;
        let spec = Spec { sample_rate_hz, n_channels: n_channels as usize };
        spec.check()?;
        fields.expect(b"data", "'data' expected")?;
        let data_chunk = fields.size()?;
        if spec.data_bytes(n_samples).is_none_or(|bytes| bytes > data_chunk.saturating_sub(12)) {
            let what = format!("{n_samples} samples a channel are promised in a data chunk of {data_chunk} bytes");
            return Err(Error::Malformed { what, at_byte: fields.at_byte - 8 });
        }
        let bit_order = if bits == 8 { BitOrder::HighestFirst } else { BitOrder::LowestFirst };
        let Fields { inner, at_byte } = fields;
        Ok(Self { inner, spec, n_samples, n_read: 0, bit_order, at_byte })
    }

    /// Rate and channels.
    pub fn spec(&self) -> Spec {
        self.spec
    }

    /// Samples per channel that the header promises.
    pub fn n_samples(&self) -> u64 {
        self.n_samples
    }

    /// Reads a block as levels, -1 and 1, one vector per channel, which are reused; the number of samples a channel, 0 at the
    /// end.
    ///
    /// # Errors
    /// `Io`; `Malformed` when the file ends before its header says.
    pub fn read(&mut self, levels: &mut Vec<Vec<f64>>) -> Result<usize> {
        levels.resize_with(self.spec.n_channels, Vec::new);
        levels.iter_mut().for_each(Vec::clear);
        let n = (self.n_samples - self.n_read).min(BLOCK_SAMPLES as u64) as usize;
        if n == 0 {
            return Ok(0);
        }
        let mut bytes = [0; BLOCK];
        for levels in levels.iter_mut() {
            read_exact(&mut self.inner, &mut bytes, &mut self.at_byte)?;
            if self.bit_order == BitOrder::HighestFirst {
                bytes.iter_mut().for_each(|byte| *byte = byte.reverse_bits());
            }
            let bits = bytes.iter().flat_map(|byte| (0..8).map(move |i| byte >> i & 1));
            levels.extend(bits.take(n).map(|bit| if bit == 1 { 1.0 } else { -1.0 }));
        }
        self.n_read += n as u64;
        Ok(n)
    }
}

/// Fills `bytes`; a file that ends is malformed.
fn read_exact(inner: &mut impl Read, bytes: &mut [u8], at_byte: &mut u64) -> Result<()> {
    inner.read_exact(bytes).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => Error::Malformed { what: "the file is cut".into(), at_byte: *at_byte },
        _ => Error::stream(error),
    })?;
    *at_byte += bytes.len() as u64;
    Ok(())
}

/// Reads the header's numbers in order.
struct Fields<R> {
    inner: R,
    at_byte: u64,
}

impl<R: Read> Fields<R> {
    fn bytes<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut bytes = [0; N];
        read_exact(&mut self.inner, &mut bytes, &mut self.at_byte)?;
        Ok(bytes)
    }

    fn number(&mut self) -> Result<u32> {
        self.bytes().map(u32::from_le_bytes)
    }

    fn size(&mut self) -> Result<u64> {
        self.bytes().map(u64::from_le_bytes)
    }

    fn expect(&mut self, tag: &[u8; 4], what: &str) -> Result<()> {
        let at_byte = self.at_byte;
        match self.bytes::<4>()? == *tag {
            true => Ok(()),
            false => Err(Error::Malformed { what: what.into(), at_byte }),
        }
    }

    /// Passes over what a chunk of `size` bytes has beyond the `known` ones, which have been read.
    fn skip_to(&mut self, size: u64, known: u64, chunk: &str) -> Result<()> {
        let Some(more) = size.checked_sub(known).filter(|&more| more <= 1 << 20) else {
            let what = format!("{chunk} has {size} bytes; {known} and few more are expected");
            return Err(Error::Malformed { what, at_byte: self.at_byte });
        };
        let skipped = io::copy(&mut (&mut self.inner).take(more), &mut io::sink()).map_err(Error::stream)?;
        self.at_byte += skipped;
        match skipped == more {
            true => Ok(()),
            false => Err(Error::Malformed { what: "the file is cut".into(), at_byte: self.at_byte }),
        }
    }
}
