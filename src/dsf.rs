//! DSF: one-bit audio at 64 or more times 44.1 kHz, as Super Audio CD has it.
//!
//! ```text
//! 'DSD '  28   file size   pointer to ID3 or 0
//! 'fmt '  52   version 1 | id 0 | channel type | channels | rate Hz | bits: 1 = first sample in bit 0, 8 = in bit 7 |
//!              samples a channel u64 | block size 4096 | 0
//! 'data'  12 + n   for each block: 4096 bytes of channel 1, 4096 of channel 2, ...; the last is filled with zeros
//! ```
//!
//! Sizes are u64, the other numbers u32, all little-endian.
//! Source: Sony, DSF File Format Specification 1.01, 2005.

use crate::{Error, Result};

/// Bytes of a channel in a block.
const BLOCK: usize = 4096;
const DSD_CHUNK: u64 = 28;
const FMT_CHUNK: u64 = 52;
/// Where the samples begin when the chunks are the shortest.
const DATA_START: usize = 92;
/// Channels of the widest layout that the format names.
const MAX_CHANNELS: usize = 6;

/// One-bit audio: planar, eight samples a byte, the earliest in bit 0; bit 1 stands for +1, bit 0 for -1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dsd {
    sample_rate_hz: u32,
    n_samples: u64,
    channels: Vec<Vec<u8>>,
}

impl Dsd {
    /// One-bit audio from levels: above 0 is +1, the rest -1.
    ///
    /// # Errors
    /// `InvalidParameter` for a rate of 0 or not 1 to 6 channels, `LengthMismatch` for channels that differ in length.
    pub fn from_levels(sample_rate_hz: u32, levels: &[Vec<f64>]) -> Result<Self> {
        check_format(sample_rate_hz, levels.len())?;
        let expected = levels[0].len();
        if let Some(other) = levels.iter().find(|c| c.len() != expected) {
            return Err(Error::LengthMismatch { what: "channels of a DSD signal", expected, got: other.len() });
        }
        let byte = |levels: &[f64]| levels.iter().enumerate().fold(0, |byte, (i, &v)| byte | u8::from(v > 0.0) << i);
        let channels = levels.iter().map(|c| c.chunks(8).map(byte).collect()).collect();
        Ok(Self { sample_rate_hz, n_samples: expected as u64, channels })
    }

    /// Samples per second and channel; 2 822 400 for DSD64.
    pub fn sample_rate_hz(&self) -> u32 {
        self.sample_rate_hz
    }

    /// Samples per channel.
    pub fn n_samples(&self) -> u64 {
        self.n_samples
    }

    /// Number of channels.
    pub fn n_channels(&self) -> usize {
        self.channels.len()
    }

    /// The levels, -1 and 1, of a channel; none when there is no such channel.
    pub fn levels(&self, channel: usize) -> Vec<f64> {
        let bytes = self.channels.get(channel).map_or(&[][..], Vec::as_slice);
        let bits = bytes.iter().flat_map(|byte| (0..8).map(move |i| byte >> i & 1));
        bits.take(self.n_samples as usize).map(|bit| if bit == 1 { 1.0 } else { -1.0 }).collect()
    }

    /// The bytes of a DSF file.
    pub fn to_dsf(&self) -> Vec<u8> {
        let n_blocks = self.channels[0].len().div_ceil(BLOCK);
        let n_data = n_blocks * BLOCK * self.channels.len();
        let mut file = Vec::with_capacity(DATA_START + n_data);
        file.extend(b"DSD ");
        for size in [DSD_CHUNK, (DATA_START + n_data) as u64, 0] {
            file.extend(size.to_le_bytes());
        }
        file.extend(b"fmt ");
        file.extend(FMT_CHUNK.to_le_bytes());
        // Channel type: mono, stereo, 3, quad, 5, 5.1; 4 is another layout of four.
        let channel_type = [1, 2, 3, 4, 6, 7][self.channels.len() - 1];
        for field in [1, 0, channel_type, self.channels.len() as u32, self.sample_rate_hz, 1] {
            file.extend(field.to_le_bytes());
        }
        file.extend(self.n_samples.to_le_bytes());
        file.extend((BLOCK as u32).to_le_bytes());
        file.extend(0u32.to_le_bytes());
        file.extend(b"data");
        file.extend((12 + n_data as u64).to_le_bytes());
        for block in 0..n_blocks {
            for channel in &self.channels {
                let part = &channel[block * BLOCK..channel.len().min((block + 1) * BLOCK)];
                file.extend(part);
                file.resize(file.len() + BLOCK - part.len(), 0);
            }
        }
        file
    }

    /// Reads a DSF file.
    ///
    /// # Errors
    /// `Malformed` for a cut or inconsistent file, `Unsupported` for compressed audio or more than 6 channels.
    pub fn from_dsf(file: &[u8]) -> Result<Self> {
        let fields = Fields { file };
        fields.expect(0, b"DSD ", "not a DSF file: it does not start with 'DSD '")?;
        let fmt = fields.size(4)?;
        let fmt = usize::try_from(fmt).ok().filter(|&at| at >= DSD_CHUNK as usize && at < file.len());
        let fmt = fmt.ok_or_else(|| malformed("the size of the DSD chunk points nowhere", 4))?;
        fields.expect(fmt, b"fmt ", "'fmt ' expected")?;
        let fmt_size = fields.size(fmt + 4)?;
        let data = usize::try_from(fmt_size).ok().filter(|&n| n >= FMT_CHUNK as usize && n < file.len());
        let data = fmt + data.ok_or_else(|| malformed("the size of the fmt chunk points nowhere", fmt + 4))?;
        let [id, n_channels, rate, order, block] =
            [16, 24, 28, 32, 44].map(|at| fields.number(fmt + at)).into_iter().collect::<Result<Vec<_>>>()?[..]
        else {
            unreachable!("five fields were asked for")
        };
        if id != 0 || ![1, 8].contains(&order) || block as usize != BLOCK {
            let what = format!("DSF format {id}, bit order {order}, blocks of {block}; 0, 1 or 8, 4096 are read");
            return Err(Error::Unsupported { what });
        }
        check_format(rate, n_channels as usize)?;
        fields.expect(data, b"data", "'data' expected")?;
        let n_samples = fields.size(fmt + 36)?;
        let samples = file.get(data + 12..).unwrap_or(&[]);
        let mut channels = planar(samples, n_channels as usize, n_samples)?;
        if order == 8 {
            channels.iter_mut().flatten().for_each(|byte| *byte = byte.reverse_bits());
        }
        Ok(Self { sample_rate_hz: rate, n_samples, channels })
    }
}

fn malformed(what: &str, at: usize) -> Error {
    Error::Malformed { what: what.into(), at_byte: at as u64 }
}

fn check_format(sample_rate_hz: u32, n_channels: usize) -> Result<()> {
    if sample_rate_hz == 0 {
        return Err(Error::invalid("sample rate", 0, "1 Hz and above"));
    }
    match (1..=MAX_CHANNELS).contains(&n_channels) {
        true => Ok(()),
        false => Err(Error::invalid("channels", n_channels, format!("1 to {MAX_CHANNELS}"))),
    }
}

/// The bytes of each channel out of the blocks; the unused bits of the last are 0.
fn planar(samples: &[u8], n_channels: usize, n_samples: u64) -> Result<Vec<Vec<u8>>> {
    let n_bytes = n_samples.div_ceil(8);
    let room = (samples.len() / (BLOCK * n_channels) * BLOCK) as u64;
    if n_bytes > room {
        let what = format!("{n_samples} samples a channel are promised, {} are there", 8 * room);
        return Err(malformed(&what, DATA_START + samples.len()));
    }
    let channel = |c: usize| {
        let blocks = samples.chunks_exact(BLOCK).skip(c).step_by(n_channels);
        let mut bytes: Vec<u8> = blocks.flatten().copied().take(n_bytes as usize).collect();
        if let (Some(last), used @ 1..) = (bytes.last_mut(), n_samples % 8) {
            *last &= (1 << used) - 1;
        }
        bytes
    };
    Ok((0..n_channels).map(channel).collect())
}

/// Reads numbers at places that may not be there.
struct Fields<'a> {
    file: &'a [u8],
}

impl Fields<'_> {
    fn bytes<const N: usize>(&self, at: usize) -> Result<[u8; N]> {
        let bytes = at.checked_add(N).and_then(|end| self.file.get(at..end));
        let bytes = bytes.ok_or_else(|| malformed("the file is cut", self.file.len()))?;
        Ok(bytes.try_into().expect("N bytes were taken"))
    }

    fn number(&self, at: usize) -> Result<u32> {
        Ok(u32::from_le_bytes(self.bytes(at)?))
    }

    fn size(&self, at: usize) -> Result<u64> {
        Ok(u64::from_le_bytes(self.bytes(at)?))
    }

    fn expect(&self, at: usize, tag: &[u8; 4], what: &str) -> Result<()> {
        if self.bytes::<4>(at)? == *tag { Ok(()) } else { Err(malformed(what, at)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(n: usize, seed: u32) -> Vec<f64> {
        let mut state = seed;
        let mut bit = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            if state >> 31 == 1 { 1.0 } else { -1.0 }
        };
        (0..n).map(|_| bit()).collect()
    }

    #[test]
    fn written_files_read_back() {
        for n in [0, 1, 9, 8 * BLOCK, 8 * BLOCK + 3] {
            let levels = vec![noise(n, 1), noise(n, 2)];
            let dsd = Dsd::from_levels(2_822_400, &levels).expect("legal");
            let file = dsd.to_dsf();
            assert_eq!(file.len(), 92 + n.div_ceil(8 * BLOCK) * 2 * BLOCK);
            assert_eq!(file[12..20], (file.len() as u64).to_le_bytes());
            let back = Dsd::from_dsf(&file).expect("own file");
            assert!(back == dsd, "{n}");
            assert!(back.levels(1) == levels[1] && back.levels(2).is_empty());
        }
    }

    #[test]
    fn the_other_bit_order_is_read() {
        let dsd = Dsd::from_levels(5_644_800, &[noise(64, 3)]).expect("legal");
        let mut file = dsd.to_dsf();
        file[28 + 32] = 8;
        file[92..100].iter_mut().for_each(|b| *b = b.reverse_bits());
        assert!(Dsd::from_dsf(&file).expect("legal") == dsd);
    }

    #[test]
    fn files_that_lie_are_errors() {
        let file = Dsd::from_levels(2_822_400, &[noise(100, 1)]).expect("legal").to_dsf();
        for len in 0..file.len() {
            assert!(Dsd::from_dsf(&file[..len]).is_err(), "{len}");
        }
        for at in 0..92 {
            for value in [0, 0x7f, 0xff] {
                let mut altered = file.clone();
                altered[at] = value;
                if let Ok(dsd) = Dsd::from_dsf(&altered) {
                    assert!(dsd.n_samples() <= 8 * BLOCK as u64, "{at} {value}");
                }
            }
        }
        let mut long = file;
        long[28 + 36..28 + 44].fill(0xff);
        assert!(matches!(Dsd::from_dsf(&long), Err(Error::Malformed { .. })));
        assert!(Dsd::from_levels(0, &[vec![]]).is_err() && Dsd::from_levels(1, &[]).is_err());
        assert!(Dsd::from_levels(1, &[vec![], vec![1.0]]).is_err());
    }
}
