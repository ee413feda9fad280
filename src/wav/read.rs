//! Reads a WAV file block by block, from a file or a pipe.

use std::io::{Read, Seek, SeekFrom};

use super::{
    chunks::{self, ChunkEntry, Container, DataSize, Header},
    format::{ByteOrder, Spec},
    input::Input,
    metadata::Metadata,
    samples,
};
use crate::{Error, Result};

/// Bytes read at once: large enough that the system call costs nothing, small enough for the second-level cache.
const BLOCK_BYTES: usize = 128 * 1024;

/// Reads a WAV file of any legal form, in constant memory.
///
/// ```
/// use sqnr::wav::{Metadata, Reader, SampleFormat, Spec, Writer};
///
/// let spec = Spec { sample_rate_hz: 48_000, channels: 2, channel_mask: None, sample_format: SampleFormat::INT16 };
/// let mut writer = Writer::stream(Vec::new(), &spec, Some(2), &Metadata::default())?;
/// writer.write_codes(&[1, -1, 16_384, -32_768])?;
/// let file = writer.finish(&[])?.sink;
///
/// let mut reader = Reader::stream(file.as_slice())?;
/// let mut block = Vec::new();
/// assert_eq!(reader.read_planar(&mut block, 1024)?, 2);
/// assert_eq!(block[1], [-1.0 / 32_768.0, -1.0]);
/// # Ok::<(), sqnr::Error>(())
/// ```
#[derive(Debug)]
pub struct Reader<R> {
    input: Input<R>,
    header: Header,
    /// Bytes of samples still to come; `None`: until the end of the input.
    left: Option<u64>,
    n_frames: Option<u64>,
    state: State,
    block: Vec<u8>,
    has_warned_of_padding: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Samples may follow, then chunks not read yet.
    Samples {
        trailing: Trailing,
    },
    Ended,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trailing {
    Unread,
    Read,
}

impl<R: Read> Reader<R> {
    /// Starts to read from something that cannot seek, a pipe for instance.
    ///
    /// # Errors
    /// `Io`; `Unsupported` when this is no WAVE file or one of another codec; `Malformed` when the header contradicts
    /// itself or ends early; `LimitExceeded` for more channels than [`MAX_CHANNELS`](super::MAX_CHANNELS).
    pub fn stream(inner: R) -> Result<Self> {
        let mut input = Input::new(inner);
        let header = chunks::read_header(&mut input)?;
        let left = match header.data_size {
            DataSize::Declared(n) => Some(n),
            DataSize::Placeholder(_) | DataSize::UntilEnd => None,
        };
        Ok(Self::new(input, header, left, Trailing::Unread))
    }

    fn new(input: Input<R>, mut header: Header, left: Option<u64>, trailing: Trailing) -> Self {
        let block_align = header.spec.block_align() as u64;
        let torn = left.map_or(0, |bytes| bytes % block_align);
        if torn != 0 {
            let what = format!("the samples end within a frame; its {torn} of {block_align} bytes are left out");
            header.found.warnings.push(what);
        }
        let n_frames = left.map(|bytes| bytes / block_align);
        let state = State::Samples { trailing };
        Self { input, header, left, n_frames, state, block: Vec::new(), has_warned_of_padding: false }
    }

    /// Rate, channels and sample format.
    pub fn spec(&self) -> &Spec {
        &self.header.spec
    }

    /// WAV, RF64, BW64, RIFX or Wave64.
    pub fn container(&self) -> Container {
        self.header.container
    }

    /// Samples per channel: those that are there for a file, those declared for a pipe, `None` when unknown.
    pub fn n_frames(&self) -> Option<u64> {
        self.n_frames
    }

    /// Metadata found so far: all of it for a file, before the end of a pipe only what precedes the samples.
    pub fn metadata(&self) -> &Metadata {
        &self.header.found.metadata
    }

    /// Chunks met so far, in the file's order, the first few thousand.
    pub fn chunks(&self) -> &[ChunkEntry] {
        &self.header.found.entries
    }

    /// What was wrong with the file and could be lived with; more may come while reading.
    pub fn warnings(&self) -> &[String] {
        &self.header.found.warnings
    }

    /// Reads up to `max_frames` frames as amplitudes, full scale 1.0, one vector per channel; returns how many came,
    /// 0 at the end. The vectors of `block` are reused and hold exactly that many samples afterwards.
    ///
    /// # Errors
    /// `Io`, and `InvalidParameter` when `max_frames` is 0.
    pub fn read_planar(&mut self, block: &mut Vec<Vec<f64>>, max_frames: usize) -> Result<usize> {
        block.resize_with(usize::from(self.header.spec.channels), Vec::new);
        block.iter_mut().for_each(Vec::clear);
        let n = self.fill_block(max_frames)?;
        if n > 0 {
            samples::decode_planar(self.header.spec.sample_format, &self.block, block);
        }
        Ok(n)
    }

    /// Reads interleaved amplitudes into `out`, a whole number of frames; returns how many frames came, 0 at the end.
    /// Integers of more than 24 bits and double-precision floats are rounded.
    ///
    /// # Errors
    /// `Io`, and `InvalidParameter` when `out` holds no whole frame.
    pub fn read_f32(&mut self, out: &mut [f32]) -> Result<usize> {
        let channels = usize::from(self.header.spec.channels);
        let n = self.fill_block(out.len() / channels)?;
        samples::decode_f32(self.header.spec.sample_format, &self.block, &mut out[..n * channels]);
        Ok(n)
    }

    /// Reads interleaved codes into `out`, a whole number of frames; returns how many frames came, 0 at the end.
    ///
    /// A code is a signed integer of the file's valid bits B, -2^(B-1) to 2^(B-1) - 1, the amplitude times 2^(B-1);
    /// for A-law and mu-law it is the byte, 0 to 255.
    ///
    /// # Errors
    /// `Io`; `InvalidParameter` when `out` holds no whole frame; `Unsupported` when the file holds floats.
    pub fn read_codes(&mut self, out: &mut [i32]) -> Result<usize> {
        let format = self.header.spec.sample_format;
        if !format.has_codes() {
            return Err(Error::Unsupported { what: format!("integer codes of {format} samples; read amplitudes") });
        }
        let channels = usize::from(self.header.spec.channels);
        let n = self.fill_block(out.len() / channels)?;
        samples::decode_codes(format, &self.block, &mut out[..n * channels]);
        Ok(n)
    }

    /// Passes over up to `n_frames` frames; returns how many there were.
    ///
    /// # Errors
    /// `Io`.
    pub fn skip_frames(&mut self, n_frames: u64) -> Result<u64> {
        let mut skipped = 0;
        while skipped < n_frames {
            let want = (n_frames - skipped).min(BLOCK_BYTES as u64) as usize;
            match self.fill_block(want)? {
                0 => break,
                n => skipped += n as u64,
            }
        }
        Ok(skipped)
    }

    /// The little-endian frames read last.
    pub(super) fn block(&self) -> &[u8] {
        &self.block
    }

    /// Frames still to come, as far as that is known.
    pub(super) fn n_frames_left(&self) -> Option<u64> {
        self.left.map(|left| left / self.header.spec.block_align() as u64)
    }

    /// Fills `self.block` with whole little-endian frames, at most `max_frames`; returns how many.
    pub(super) fn fill_block(&mut self, max_frames: usize) -> Result<usize> {
        if max_frames == 0 {
            return Err(Error::invalid("max_frames", 0, "1 and above"));
        }
        let block_align = self.header.spec.block_align();
        let frames = max_frames.min((BLOCK_BYTES / block_align).max(1));
        let left = self.left.map_or(u64::MAX, |left| left / block_align as u64);
        let want = (frames as u64).min(left) as usize * block_align;
        self.block.resize(want, 0);
        let got = self.input.read_full(&mut self.block).map_err(Error::stream)?;
        self.block.truncate(got - got % block_align);
        if let Some(left) = &mut self.left {
            *left -= got as u64;
        }
        if got < want || want == 0 {
            self.end(want - got, got % block_align)?;
        }
        self.finish_block();
        Ok(self.block.len() / block_align)
    }

    fn finish_block(&mut self) {
        let format = self.header.spec.sample_format;
        if self.header.container.order() == ByteOrder::Big {
            samples::swap_samples(&mut self.block, format.bytes_per_sample());
        }
        if !self.has_warned_of_padding && samples::has_padding_bits(format, &self.block) {
            self.has_warned_of_padding = true;
            let bits = format.valid_bits();
            self.header.found.warnings.push(format!("bits below the {bits} valid ones are set; they are left out"));
        }
    }

    /// Says what is missing and looks at what follows the samples, once.
    fn end(&mut self, missing: usize, torn: usize) -> Result<()> {
        let State::Samples { trailing } = std::mem::replace(&mut self.state, State::Ended) else {
            return Ok(());
        };
        let block_align = self.header.spec.block_align();
        if let Some(left) = self.left.filter(|_| missing > 0) {
            let declared = self.input.position() - self.header.data_at + left;
            self.warn_of_missing(declared, declared - left);
        } else if torn > 0 {
            let what = format!("the samples end within a frame; its {torn} of {block_align} bytes are left out");
            self.header.found.warnings.push(what);
        }
        // What a torn last frame leaves of the declared size.
        let rest = self.left.replace(0).unwrap_or(0);
        if trailing == Trailing::Unread && missing == 0 {
            let n_bytes = self.input.position() - self.header.data_at + rest;
            self.input.skip(rest).map_err(Error::stream)?;
            let Header { container, riff_end, found, .. } = &mut self.header;
            chunks::read_trailing(&mut self.input, *container, n_bytes, *riff_end, found)?;
        }
        Ok(())
    }

    fn warn_of_missing(&mut self, declared: u64, there: u64) {
        let what = format!("the data chunk declares {declared} bytes, {there} are there; read what is there");
        self.header.found.warnings.push(what);
    }
}

impl<R: Read + Seek> Reader<R> {
    /// Starts to read from a file: its true length settles what the header leaves open, and metadata after the samples
    /// is known at once.
    ///
    /// # Errors
    /// As [`Reader::stream`].
    pub fn seekable(mut inner: R) -> Result<Self> {
        let origin = inner.stream_position().map_err(Error::stream)?;
        let total = inner.seek(SeekFrom::End(0)).map_err(Error::stream)?.saturating_sub(origin);
        inner.seek(SeekFrom::Start(origin)).map_err(Error::stream)?;
        let mut input = Input::new(inner);
        let mut header = chunks::read_header(&mut input)?;
        let available = total.saturating_sub(header.data_at);
        let n_bytes = settle_data_size(&mut header, available);
        let data_end = header.data_at + n_bytes;
        if data_end < total {
            input.seek_to(origin, data_end).map_err(Error::stream)?;
            let end = header.riff_end.filter(|&end| end >= data_end);
            chunks::read_trailing(&mut input, header.container, n_bytes, end, &mut header.found)?;
        }
        input.seek_to(origin, header.data_at).map_err(Error::stream)?;
        Ok(Self::new(input, header, Some(n_bytes), Trailing::Read))
    }
}

/// How many bytes of samples a file with `available` bytes after its header really has.
fn settle_data_size(header: &mut Header, available: u64) -> u64 {
    match header.data_size {
        DataSize::UntilEnd => available,
        DataSize::Placeholder(n) => n.min(available),
        DataSize::Declared(n) if n > available => {
            let what = format!("the data chunk declares {n} bytes, {available} are there; read what is there");
            header.found.warnings.push(what);
            available
        }
        DataSize::Declared(n) => n + wrapped_bytes(header, n, available),
    }
}

/// Bytes that a 32-bit size lost: a writer that counts past 4 GiB without noticing leaves both sizes too small by the
/// same multiple of 2^32.
fn wrapped_bytes(header: &mut Header, declared: u64, available: u64) -> u64 {
    const TURN: u64 = 1 << 32;
    let turns = available.saturating_sub(declared) / TURN * TURN;
    let total = header.data_at + available;
    let ends_with_file = header.riff_end.is_some_and(|end| end + turns == total || end + turns + 1 == total);
    let has_32_bit_sizes = matches!(header.container, Container::Wav | Container::Rifx);
    if turns == 0 || !ends_with_file || !has_32_bit_sizes {
        return 0;
    }
    let what = format!("the sizes in the header wrapped past 4 GiB; read all {} bytes of samples", declared + turns);
    header.found.warnings.push(what);
    turns
}
