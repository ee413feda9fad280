//! IMA ADPCM in a WAV file: format tag 0x11, blocks that can be decoded alone.
//!
//! ```text
//! block: for each channel | predictor i16 | index u8 | 0 |   then, in turns, | 8 nibbles of channel 1 | 8 of channel 2 | ...
//! ```
//!
//! The predictor is the block's first sample. Of two nibbles in a byte the lower one comes first.
//! Source: Microsoft, Multimedia Data Standards Update, revision 3.0, 1994, "IMA ADPCM Wave Type".

use super::ima_adpcm::{ImaDecoding, ImaState, decode_ima};
use super::look_ahead::encode_ima_look_ahead;
use crate::{Error, Result};

/// Bytes of a channel in a block: 1017 samples, 4.03 bits each.
const CHANNEL_BYTES: usize = 512;
/// Samples of a channel in a block.
pub const IMA_BLOCK_SAMPLES: usize = (CHANNEL_BYTES - 4) * 2 + 1;
/// Most channels: those of mono and stereo, which is what readers take.
pub const IMA_MAX_CHANNELS: usize = 2;

/// Encodes the blocks of a file, in order.
///
/// ```
/// use sqnr::predictive::{IMA_BLOCK_SAMPLES, ImaBlockEncoder, ImaDecoding};
///
/// let mut encoder = ImaBlockEncoder::new(1, ImaDecoding::Additive, 1)?;
/// let x = vec![1_000_i16; IMA_BLOCK_SAMPLES];
/// let (block, reconstruction) = encoder.encode(&[&x])?;
/// // Four bits a sample, and a head of four bytes.
/// assert_eq!((block.len(), reconstruction[0][0]), ((IMA_BLOCK_SAMPLES - 1) / 2 + 4, 1_000));
/// # Ok::<(), sqnr::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct ImaBlockEncoder {
    states: Vec<ImaState>,
    decoding: ImaDecoding,
    n_paths: usize,
}

impl ImaBlockEncoder {
    /// An encoder for `n_channels` channels and decoders of kind `decoding`; `n_paths` as of [`encode_ima_look_ahead`].
    ///
    /// # Errors
    /// `InvalidParameter` outside 1 to 2 channels, 1 to 1024 paths.
    pub fn new(n_channels: usize, decoding: ImaDecoding, n_paths: usize) -> Result<Self> {
        if !(1..=IMA_MAX_CHANNELS).contains(&n_channels) {
            return Err(Error::invalid("channels", n_channels, format!("1 to {IMA_MAX_CHANNELS}")));
        }
        // Whatever is wrong with the paths shows on nothing as well.
        encode_ima_look_ahead(&[], &mut ImaState::default(), decoding, n_paths)?;
        Ok(Self { states: vec![ImaState::default(); n_channels], decoding, n_paths })
    }

    /// One block from at most [`IMA_BLOCK_SAMPLES`] samples of each channel, the last one repeated to fill it, and what a decoder
    /// makes of it: one vector per channel, as long as came.
    ///
    /// # Errors
    /// `LengthMismatch` for another number of channels, or for channels that are empty, too long or differ in length.
    pub fn encode(&mut self, x: &[&[i16]]) -> Result<(Vec<u8>, Vec<Vec<i16>>)> {
        let (expected, got) = (self.states.len(), x.len());
        if expected != got {
            return Err(Error::LengthMismatch { what: "channels of an IMA block", expected, got });
        }
        let n = x[0].len();
        if let Some(bad) = x.iter().map(|c| c.len()).find(|&len| len != n || len == 0 || len > IMA_BLOCK_SAMPLES) {
            return Err(Error::LengthMismatch {
                what: "samples of an IMA block",
                expected: IMA_BLOCK_SAMPLES,
                got: bad,
            });
        }
        let mut block = vec![0; CHANNEL_BYTES * x.len()];
        let mut decoded = Vec::with_capacity(x.len());
        for (c, x) in x.iter().enumerate() {
            let mut whole = x.to_vec();
            whole.resize(IMA_BLOCK_SAMPLES, x[n - 1]);
            let mut y = self.encode_channel(c, &whole, &mut block)?;
            y.truncate(n);
            decoded.push(y);
        }
        Ok((block, decoded))
    }

    fn encode_channel(&mut self, c: usize, x: &[i16], block: &mut [u8]) -> Result<Vec<i16>> {
        let n_channels = self.states.len();
        let start = ImaState::new(x[0], self.states[c].step_index());
        let mut end = start;
        let nibbles = encode_ima_look_ahead(&x[1..], &mut end, self.decoding, self.n_paths)?;
        self.states[c] = end;
        block[4 * c..4 * c + 2].copy_from_slice(&x[0].to_le_bytes());
        block[4 * c + 2] = start.step_index();
        for (i, pair) in nibbles.chunks_exact(2).enumerate() {
            block[4 * n_channels + (i / 4 * n_channels + c) * 4 + i % 4] = pair[0] | pair[1] << 4;
        }
        let mut y = vec![x[0]];
        y.extend(decode_ima(&nibbles, &mut start.clone(), self.decoding));
        Ok(y)
    }

    /// The file's head, up to the first block, for `n_samples` samples a channel.
    ///
    /// # Errors
    /// `LimitExceeded` when the file would be larger than 4 GiB.
    pub fn header(&self, sample_rate_hz: u32, n_samples: u64) -> Result<Vec<u8>> {
        const HEAD: u64 = 60;
        let block = (CHANNEL_BYTES * self.states.len()) as u64;
        let n_data = n_samples.div_ceil(IMA_BLOCK_SAMPLES as u64).saturating_mul(block);
        let (limit, value) = (u64::from(u32::MAX), n_data.saturating_add(HEAD - 8));
        if value > limit {
            return Err(Error::LimitExceeded { what: "size of a WAV file", value, limit });
        }
        let byte_rate = u64::from(sample_rate_hz) * block / IMA_BLOCK_SAMPLES as u64;
        let mut head = Vec::with_capacity(HEAD as usize);
        head.extend(b"RIFF");
        head.extend((value as u32).to_le_bytes());
        head.extend(b"WAVEfmt ");
        head.extend(20u32.to_le_bytes());
        head.extend([0x11u16, self.states.len() as u16].iter().flat_map(|x| x.to_le_bytes()));
        head.extend(sample_rate_hz.to_le_bytes());
        head.extend(u32::try_from(byte_rate).unwrap_or(u32::MAX).to_le_bytes());
        head.extend([block as u16, 4, 2, IMA_BLOCK_SAMPLES as u16].iter().flat_map(|x| x.to_le_bytes()));
        head.extend(b"fact");
        head.extend(4u32.to_le_bytes());
        head.extend(u32::try_from(n_samples).unwrap_or(u32::MAX).to_le_bytes());
        head.extend(b"data");
        head.extend((n_data as u32).to_le_bytes());
        Ok(head)
    }
}

#[cfg(test)]
mod tests {
    use super::super::ima_adpcm::tests::signal;
    use super::*;

    #[test]
    fn blocks_decode_to_what_the_encoder_says() {
        let (left, right) = (signal(), signal().into_iter().rev().collect::<Vec<_>>());
        let mut encoder = ImaBlockEncoder::new(2, ImaDecoding::Additive, 4).expect("legal");
        for start in [0, IMA_BLOCK_SAMPLES] {
            let x = [&left[start..start + IMA_BLOCK_SAMPLES], &right[start..start + IMA_BLOCK_SAMPLES]];
            let (block, y) = encoder.encode(&x).expect("legal");
            for c in 0..2 {
                let predictor = i16::from_le_bytes([block[4 * c], block[4 * c + 1]]);
                let mut state = ImaState::new(predictor, block[4 * c + 2]);
                let nibbles: Vec<u8> = block[8..]
                    .chunks_exact(8)
                    .flat_map(|turn| turn[4 * c..4 * c + 4].iter().flat_map(|byte| [byte & 15, byte >> 4]))
                    .collect();
                let decoded = decode_ima(&nibbles, &mut state, ImaDecoding::Additive);
                assert!(y[c][0] == predictor && y[c][1..] == decoded);
                assert_eq!(state, encoder.states[c]);
            }
        }
    }

    #[test]
    fn heads_name_their_sizes_and_wrong_shapes_are_refused() {
        let mut encoder = ImaBlockEncoder::new(1, ImaDecoding::Multiplicative, 1).expect("legal");
        let head = encoder.header(8000, 1018).expect("small");
        assert_eq!(
            (head.len(), &head[48..52], &head[56..60]),
            (60, &1018u32.to_le_bytes()[..], &1024u32.to_le_bytes()[..])
        );
        assert!(matches!(encoder.header(8000, 1 << 40), Err(Error::LimitExceeded { .. })));
        assert!(encoder.encode(&[]).is_err() && encoder.encode(&[&[]]).is_err());
        assert!(encoder.encode(&[&[0; IMA_BLOCK_SAMPLES + 1]]).is_err());
        assert_eq!(encoder.encode(&[&[7; 3]]).expect("short").1, [vec![7, 7, 7]]);
        assert!(ImaBlockEncoder::new(0, ImaDecoding::Additive, 1).is_err());
        assert!(ImaBlockEncoder::new(3, ImaDecoding::Additive, 1).is_err());
        assert!(ImaBlockEncoder::new(1, ImaDecoding::Additive, 0).is_err());
    }
}
