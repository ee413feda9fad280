//! Writes a DSF file block by block; its sizes are put in at the end.

use std::io::{Seek, SeekFrom, Write};

use super::{BLOCK, BLOCK_SAMPLES, DATA_START, DSD_CHUNK, FMT_CHUNK, Spec};
use crate::{Error, Result};

/// Writes one-bit audio.
///
/// ```
/// use sqnr::dsf::{Reader, Spec, Writer};
///
/// let spec = Spec { sample_rate_hz: 2_822_400, n_channels: 1 };
/// let mut writer = Writer::new(std::io::Cursor::new(Vec::new()), spec)?;
/// writer.write(&[[1.0, -1.0, 1.0]])?;
/// let file = writer.finish()?.into_inner();
///
/// let mut levels = Vec::new();
/// assert_eq!(Reader::new(file.as_slice())?.read(&mut levels)?, 3);
/// assert_eq!(levels[0], [1.0, -1.0, 1.0]);
/// # Ok::<(), sqnr::Error>(())
/// ```
#[derive(Debug)]
pub struct Writer<W> {
    sink: W,
    spec: Spec,
    n_samples: u64,
    /// Bytes of each channel that wait for their block to be full, and the samples in them.
    block: Vec<Vec<u8>>,
    n_in_block: usize,
}

impl<W: Write + Seek> Writer<W> {
    /// Starts a file in an empty sink.
    ///
    /// # Errors
    /// `InvalidParameter` as of [`Spec::check`]; `Io`.
    pub fn new(mut sink: W, spec: Spec) -> Result<Self> {
        spec.check()?;
        sink.write_all(&header(&spec, 0, 0)).map_err(Error::stream)?;
        Ok(Self { sink, spec, n_samples: 0, block: vec![vec![0; BLOCK]; spec.n_channels], n_in_block: 0 })
    }

    /// Appends levels, one slice per channel: above 0 is the bit 1.
    ///
    /// # Errors
    /// `LengthMismatch` for another number of channels, or channels that differ in length; `Io`.
    pub fn write<C: AsRef<[f64]>>(&mut self, levels: &[C]) -> Result<()> {
        let (expected, got) = (self.spec.n_channels, levels.len());
        if expected != got {
            return Err(Error::LengthMismatch { what: "channels of a DSF file", expected, got });
        }
        let expected = levels[0].as_ref().len();
        if let Some(other) = levels.iter().map(|c| c.as_ref().len()).find(|&len| len != expected) {
            return Err(Error::LengthMismatch { what: "samples of a channel", expected, got: other });
        }
        let mut done = 0;
        while done < expected {
            let n = (expected - done).min(BLOCK_SAMPLES - self.n_in_block);
            for (block, levels) in self.block.iter_mut().zip(levels) {
                let bits = levels.as_ref()[done..done + n].iter().map(|&v| u8::from(v > 0.0));
                (self.n_in_block..).zip(bits).for_each(|(at, bit)| block[at / 8] |= bit << (at % 8));
            }
            done += n;
            self.n_in_block += n;
            self.n_samples += n as u64;
            if self.n_in_block == BLOCK_SAMPLES {
                self.pass_on()?;
            }
        }
        Ok(())
    }

    fn pass_on(&mut self) -> Result<()> {
        for block in &mut self.block {
            self.sink.write_all(block).map_err(Error::stream)?;
            block.fill(0);
        }
        self.n_in_block = 0;
        Ok(())
    }

    /// Writes what is left and the sizes; gives the sink back, its position at the end.
    ///
    /// # Errors
    /// `Io`.
    pub fn finish(mut self) -> Result<W> {
        if self.n_in_block > 0 {
            self.pass_on()?;
        }
        let n_data = self.spec.data_bytes(self.n_samples).expect("so many bytes were written");
        let patched = |sink: &mut W| {
            sink.rewind()?;
            sink.write_all(&header(&self.spec, self.n_samples, n_data))?;
            sink.seek(SeekFrom::End(0))?;
            sink.flush()
        };
        patched(&mut self.sink).map_err(Error::stream)?;
        Ok(self.sink)
    }
}

fn header(spec: &Spec, n_samples: u64, n_data: u64) -> Vec<u8> {
    let mut header = Vec::with_capacity(DATA_START as usize);
    header.extend(b"DSD ");
    for size in [DSD_CHUNK, DATA_START + n_data, 0] {
        header.extend(size.to_le_bytes());
    }
    header.extend(b"fmt ");
    header.extend(FMT_CHUNK.to_le_bytes());
    // Channel type: mono, stereo, 3, quad, 5, 5.1; 4 is another layout of four.
    let channel_type = [1, 2, 3, 4, 6, 7][spec.n_channels - 1];
    for field in [1, 0, channel_type, spec.n_channels as u32, spec.sample_rate_hz, 1] {
        header.extend(field.to_le_bytes());
    }
    header.extend(n_samples.to_le_bytes());
    header.extend((BLOCK as u32).to_le_bytes());
    header.extend(0u32.to_le_bytes());
    header.extend(b"data");
    header.extend((12 + n_data).to_le_bytes());
    header
}
