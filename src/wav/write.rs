//! Writes a WAV file block by block, into a file or a pipe.
//!
//! ```text
//! file:  RIFF 0 WAVE | JUNK 28 (room for ds64, when the length is open) | metadata | fmt | fact | data 0 | ... | patch
//! pipe:  sizes when the length is known, 0xFFFFFFFF when not; RF64 at once when it is beyond 4 GiB
//! ```

#[cfg(test)]
mod tests;

use std::io::{Seek, SeekFrom, Write};

use super::{
    format::{Encoding, Spec},
    metadata::{self, Chunk, Metadata, printable},
    samples,
};
use crate::{Error, Result};

/// Body of a ds64 chunk without table: three 64-bit sizes and a count.
const DS64_BYTES: u32 = 28;
/// Bytes gathered before they are passed on.
const BLOCK_BYTES: usize = 128 * 1024;

/// Writes a WAV file in constant memory; it becomes RF64 by itself beyond 4 GiB.
///
/// Not finished, the file is left with sizes that say "unknown": call [`Writer::finish`].
///
/// ```
/// use sqnr::wav::{Metadata, SampleFormat, Spec, Writer};
///
/// let sample_format = SampleFormat::integer(24)?;
/// let spec = Spec { sample_rate_hz: 48_000, channels: 2, channel_mask: None, sample_format };
/// let mut writer = Writer::seekable(std::io::Cursor::new(Vec::new()), &spec, None, &Metadata::default())?;
/// writer.write_planar(&[[0.5, 0.25], [-0.5, 3.0]])?;
/// let written = writer.finish(&[])?;
/// // One sample was beyond full scale.
/// assert_eq!((written.n_frames, written.clipped_samples), (2, 1));
/// # Ok::<(), sqnr::Error>(())
/// ```
#[derive(Debug)]
pub struct Writer<W> {
    sink: W,
    spec: Spec,
    layout: Layout,
    declared_frames: Option<u64>,
    /// Bytes of trailing chunks that a header on a pipe has announced.
    announced_after: u64,
    patch: Option<Patch<W>>,
    n_bytes: u64,
    pending: Vec<u8>,
    clipped_samples: u64,
}

/// Puts the sizes into the header of a finished file; present when the sink can seek.
type Patch<W> = fn(&mut W, &Layout, &Sizes, Width) -> std::io::Result<()>;

/// What [`Writer::finish`] gives back.
#[derive(Debug)]
#[non_exhaustive]
pub struct Written<W> {
    /// The sink, flushed.
    pub sink: W,
    /// Samples per channel written.
    pub n_frames: u64,
    /// Samples that were outside the range of the codes and saturated, of those given as amplitudes.
    pub clipped_samples: u64,
    /// Chunks that found no place, and a length unlike the one declared to a pipe.
    pub warnings: Vec<String>,
}

/// Where in the file the fields are that depend on its length.
#[derive(Debug, Clone, Copy)]
struct Layout {
    /// Where the file starts within the sink.
    origin: u64,
    /// Room for ds64, when it was reserved.
    reserve_at: Option<u64>,
    fact_at: Option<u64>,
    data_at: u64,
}

/// The sizes a header holds.
#[derive(Debug, Clone, Copy)]
struct Sizes {
    riff: u64,
    data: u64,
    frames: u64,
}

/// Where the sizes stand: in the RIFF fields, or in ds64.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Width {
    Bits32,
    Bits64,
}

impl Sizes {
    fn width(&self) -> Width {
        if self.riff < u64::from(u32::MAX) { Width::Bits32 } else { Width::Bits64 }
    }
}

impl<W: Write> Writer<W> {
    /// Starts a file on something that cannot seek. With `n_frames` the header holds true sizes, without it the
    /// customary 0xFFFFFFFF.
    ///
    /// # Errors
    /// `Io`; `InvalidParameter` for a rate of 0, a channel count outside 1 to [`MAX_CHANNELS`](super::MAX_CHANNELS), or
    /// a chunk among the metadata that is none (`fmt `, `data`, ...).
    pub fn stream(sink: W, spec: &Spec, n_frames: Option<u64>, metadata: &Metadata) -> Result<Self> {
        let mut writer = Self::new(sink, spec, n_frames);
        let plan = n_frames.map(|frames| writer.sizes_of(frames, metadata));
        writer.announced_after = metadata.after_data.iter().map(chunk_bytes).sum();
        let reserve = match plan.map(|sizes| sizes.width()) {
            Some(Width::Bits64) => Reserve::Ds64,
            _ => Reserve::Nothing,
        };
        writer.write_header(metadata, reserve, plan)?;
        Ok(writer)
    }

    fn new(sink: W, spec: &Spec, declared_frames: Option<u64>) -> Self {
        let layout = Layout { origin: 0, reserve_at: None, fact_at: None, data_at: 0 };
        let pending = Vec::with_capacity(BLOCK_BYTES);
        Self {
            sink,
            spec: *spec,
            layout,
            declared_frames,
            announced_after: 0,
            patch: None,
            n_bytes: 0,
            pending,
            clipped_samples: 0,
        }
    }

    /// Rate, channels and sample format being written.
    pub fn spec(&self) -> &Spec {
        &self.spec
    }

    /// Samples outside the range of the codes so far, of those given as amplitudes.
    pub fn clipped_samples(&self) -> u64 {
        self.clipped_samples
    }

    /// Writes interleaved codes: signed integers of the valid bits (saturating), bytes for A-law and mu-law.
    ///
    /// # Errors
    /// `Io`; `LengthMismatch` when this is no whole number of frames; `Unsupported` when the file holds floats.
    pub fn write_codes(&mut self, codes: &[i32]) -> Result<()> {
        let format = self.spec.sample_format;
        if !format.has_codes() {
            return Err(Error::Unsupported { what: format!("integer codes in a file of {format} samples") });
        }
        self.check_frames(codes.len())?;
        for part in codes.chunks(BLOCK_BYTES / 4) {
            samples::encode_codes(format, part, &mut self.pending);
            self.pass_on(BLOCK_BYTES)?;
        }
        Ok(())
    }

    /// Writes interleaved amplitudes, full scale 1.0: floats as they are, integers by the nearest code (clipping is
    /// counted, NaN becomes 0), A-law and mu-law by the nearest level.
    ///
    /// # Errors
    /// `Io`; `LengthMismatch` when this is no whole number of frames.
    pub fn write_f64(&mut self, samples: &[f64]) -> Result<()> {
        self.check_frames(samples.len())?;
        for part in samples.chunks(BLOCK_BYTES / 8) {
            self.encode_amplitudes(part);
            self.pass_on(BLOCK_BYTES)?;
        }
        Ok(())
    }

    /// Writes interleaved amplitudes in single precision, as [`Writer::write_f64`] does.
    ///
    /// # Errors
    /// As [`Writer::write_f64`].
    pub fn write_f32(&mut self, samples: &[f32]) -> Result<()> {
        self.check_frames(samples.len())?;
        let format = self.spec.sample_format;
        for part in samples.chunks(BLOCK_BYTES / 8) {
            if format.encoding() == Encoding::Float {
                samples::encode_f32(format, part, &mut self.pending);
            } else {
                let wide: Vec<f64> = part.iter().map(|&x| f64::from(x)).collect();
                self.encode_amplitudes(&wide);
            }
            self.pass_on(BLOCK_BYTES)?;
        }
        Ok(())
    }

    /// Writes amplitudes given channel by channel, as [`Writer::write_f64`] does.
    ///
    /// # Errors
    /// `Io`; `LengthMismatch` when the number of channels is not the file's or the channels differ in length.
    pub fn write_planar<C: AsRef<[f64]>>(&mut self, channels: &[C]) -> Result<()> {
        let expected = usize::from(self.spec.channels);
        if channels.len() != expected {
            return Err(Error::LengthMismatch { what: "channels", expected, got: channels.len() });
        }
        let expected = channels[0].as_ref().len();
        if let Some(other) = channels.iter().find(|channel| channel.as_ref().len() != expected) {
            let got = other.as_ref().len();
            return Err(Error::LengthMismatch { what: "samples of each channel", expected, got });
        }
        let frames_at_once = (BLOCK_BYTES / 8 / channels.len()).max(1);
        let mut interleaved = Vec::new();
        for start in (0..expected).step_by(frames_at_once) {
            let end = (start + frames_at_once).min(expected);
            interleaved.clear();
            interleaved.resize((end - start) * channels.len(), 0.0);
            for (c, channel) in channels.iter().enumerate() {
                let places = interleaved.iter_mut().skip(c).step_by(channels.len());
                places.zip(&channel.as_ref()[start..end]).for_each(|(place, &x)| *place = x);
            }
            self.write_f64(&interleaved)?;
        }
        Ok(())
    }

    /// Writes the pad byte and the chunks `after_data`, puts the sizes into the header where the sink can seek, and
    /// flushes. A header on a pipe has announced the chunks of the metadata it was begun with: others find no place
    /// there.
    ///
    /// # Errors
    /// `Io`; `InvalidParameter` for a chunk that is no metadata; `LimitExceeded` when more was written than declared and the header has no room for 64-bit sizes.
    pub fn finish(mut self, after_data: &[Chunk]) -> Result<Written<W>> {
        metadata::check_chunks(after_data)?;
        self.pass_on(1)?;
        let n_frames = self.n_bytes / self.spec.block_align() as u64;
        let after: u64 = after_data.iter().map(chunk_bytes).sum();
        let warnings = match self.patch {
            Some(patch) => {
                self.write_after_data(after_data)?;
                self.put_sizes(patch, n_frames, after)?;
                vec![]
            }
            None if after == self.announced_after => {
                self.write_after_data(after_data)?;
                self.length_warning(n_frames).into_iter().collect()
            }
            None => {
                self.write_after_data(&[])?;
                let lost = after_data.iter().map(|chunk| printable(chunk.id));
                let lost = lost.map(|name| format!("{name}: no place for it after samples that went to a pipe"));
                lost.chain(self.length_warning(n_frames)).collect()
            }
        };
        self.sink.flush().map_err(Error::stream)?;
        Ok(Written { sink: self.sink, n_frames, clipped_samples: self.clipped_samples, warnings })
    }

    fn length_warning(&self, n_frames: u64) -> Option<String> {
        let declared = self.declared_frames.filter(|&declared| declared != n_frames)?;
        Some(format!("the header declares {declared} samples per channel, {n_frames} were written"))
    }

    fn put_sizes(&mut self, patch: Patch<W>, n_frames: u64, after: u64) -> Result<()> {
        let data = self.n_bytes;
        let riff = self.layout.data_at + data + data % 2 + after - 8;
        let sizes = Sizes { riff, data, frames: n_frames };
        let width = sizes.width();
        if width == Width::Bits64 && self.layout.reserve_at.is_none() {
            let (what, limit) = ("the size of a WAV file begun as a short one", u64::from(u32::MAX));
            return Err(Error::LimitExceeded { what, value: riff, limit });
        }
        patch(&mut self.sink, &self.layout, &sizes, width).map_err(Error::stream)
    }

    fn write_after_data(&mut self, after_data: &[Chunk]) -> Result<()> {
        let mut tail = Vec::new();
        if self.n_bytes % 2 == 1 {
            tail.push(0);
        }
        for chunk in after_data {
            push_chunk(&mut tail, chunk.id, &chunk.body);
        }
        self.sink.write_all(&tail).map_err(Error::stream)
    }

    fn check_frames(&self, n_samples: usize) -> Result<()> {
        let channels = usize::from(self.spec.channels);
        let got = n_samples % channels;
        if got == 0 {
            return Ok(());
        }
        Err(Error::LengthMismatch { what: "samples of the last frame", expected: channels, got })
    }

    fn encode_amplitudes(&mut self, amplitudes: &[f64]) {
        let format = self.spec.sample_format;
        match format.encoding() {
            Encoding::Float => samples::encode_floats(format, amplitudes, &mut self.pending),
            Encoding::Integer => {
                let half_range = (1_u64 << (format.valid_bits() - 1)) as f64;
                let is_clipped = |x: f64| x * half_range < -half_range - 0.5 || x * half_range >= half_range - 0.5;
                self.clipped_samples += amplitudes.iter().filter(|&&x| is_clipped(x)).count() as u64;
                let codes: Vec<i32> =
                    amplitudes.iter().map(|&x| samples::nearest_code(x, format.valid_bits())).collect();
                samples::encode_codes(format, &codes, &mut self.pending);
            }
            Encoding::ALaw | Encoding::MuLaw => {
                self.clipped_samples += amplitudes.iter().filter(|x| x.abs() > 1.0).count() as u64;
                samples::encode_law(format, amplitudes, &mut self.pending);
            }
        }
    }

    /// Passes the pending bytes on when there are at least `threshold` of them.
    fn pass_on(&mut self, threshold: usize) -> Result<()> {
        if self.pending.len() >= threshold {
            self.sink.write_all(&self.pending).map_err(Error::stream)?;
            self.n_bytes += self.pending.len() as u64;
            self.pending.clear();
        }
        Ok(())
    }

    /// The sizes of a file of `frames` frames with this metadata, ds64 included.
    fn sizes_of(&self, frames: u64, metadata: &Metadata) -> Sizes {
        let data = frames.saturating_mul(self.spec.block_align() as u64);
        let after: u64 = metadata.after_data.iter().map(chunk_bytes).sum();
        let before: u64 = metadata.before_data.iter().map(chunk_bytes).sum();
        // RIFF header 12, ds64 36, fmt at most 48, fact 12, data header 8.
        let riff = data.saturating_add(data % 2).saturating_add(before + after + 12 + 36 + 48 + 12 + 8);
        Sizes { riff, data, frames }
    }

    fn write_header(&mut self, metadata: &Metadata, reserve: Reserve, plan: Option<Sizes>) -> Result<()> {
        self.spec.check()?;
        metadata.check()?;
        let is_rf64 = reserve == Reserve::Ds64;
        let mut header = Vec::new();
        header.extend(if is_rf64 { b"RF64" } else { b"RIFF" });
        header.extend(u32::MAX.to_le_bytes());
        header.extend(b"WAVE");
        if reserve != Reserve::Nothing {
            self.layout.reserve_at = Some(header.len() as u64);
            push_chunk(&mut header, if is_rf64 { *b"ds64" } else { *b"JUNK" }, &[0; DS64_BYTES as usize]);
        }
        for chunk in &metadata.before_data {
            push_chunk(&mut header, chunk.id, &chunk.body);
        }
        push_chunk(&mut header, *b"fmt ", &self.spec.to_fmt_chunk());
        if self.spec.sample_format.encoding() != Encoding::Integer {
            self.layout.fact_at = Some(header.len() as u64);
            push_chunk(&mut header, *b"fact", &u32::MAX.to_le_bytes());
        }
        header.extend(b"data");
        header.extend(u32::MAX.to_le_bytes());
        self.layout.data_at = header.len() as u64;
        if let Some(plan) = plan {
            let after: u64 = metadata.after_data.iter().map(chunk_bytes).sum();
            let riff = (self.layout.data_at - 8).saturating_add(plan.data).saturating_add(plan.data % 2 + after);
            let width = if is_rf64 { Width::Bits64 } else { Width::Bits32 };
            for (at, field) in self.layout.fields(&Sizes { riff, ..plan }, width) {
                header[at as usize..at as usize + field.len()].copy_from_slice(&field);
            }
        }
        self.sink.write_all(&header).map_err(Error::stream)
    }
}

/// What stands in the place of ds64.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reserve {
    Nothing,
    Junk,
    Ds64,
}

impl<W: Write + Seek> Writer<W> {
    /// Starts a file at the sink's present position. `n_frames` is a hint: a length that surely fits 4 GiB gives the
    /// shortest header, else room for 64-bit sizes is reserved.
    ///
    /// # Errors
    /// As [`Writer::stream`].
    pub fn seekable(mut sink: W, spec: &Spec, n_frames: Option<u64>, metadata: &Metadata) -> Result<Self> {
        let origin = sink.stream_position().map_err(Error::stream)?;
        let mut writer = Self::new(sink, spec, n_frames);
        writer.layout.origin = origin;
        writer.patch = Some(patch_sizes);
        let surely_fits = n_frames.is_some_and(|frames| writer.sizes_of(frames, metadata).width() == Width::Bits32);
        writer.write_header(metadata, if surely_fits { Reserve::Nothing } else { Reserve::Junk }, None)?;
        Ok(writer)
    }
}

fn patch_sizes<W: Write + Seek>(sink: &mut W, layout: &Layout, sizes: &Sizes, width: Width) -> std::io::Result<()> {
    for (at, field) in layout.fields(sizes, width) {
        sink.seek(SeekFrom::Start(layout.origin + at))?;
        sink.write_all(&field)?;
    }
    sink.seek(SeekFrom::End(0))?;
    Ok(())
}

impl Layout {
    /// The fields that hold sizes, each with its place from the start of the file.
    fn fields(&self, sizes: &Sizes, width: Width) -> Vec<(u64, Vec<u8>)> {
        // ITU-R BS.2088: with 64-bit sizes in ds64, the 32-bit ones are -1.
        let short = |size: u64| if width == Width::Bits64 { u32::MAX } else { size as u32 }.to_le_bytes().to_vec();
        let mut fields = vec![(4, short(sizes.riff)), (self.data_at - 4, short(sizes.data))];
        if let Some(at) = self.fact_at {
            fields.push((at + 8, short(sizes.frames)));
        }
        if let (Width::Bits64, Some(at)) = (width, self.reserve_at) {
            let mut ds64 = b"ds64".to_vec();
            ds64.extend(DS64_BYTES.to_le_bytes());
            ds64.extend([sizes.riff, sizes.data, sizes.frames].iter().flat_map(|size| size.to_le_bytes()));
            ds64.extend([0; 4]);
            fields.push((0, b"RF64".to_vec()));
            fields.push((at, ds64));
        }
        fields
    }
}

/// Bytes a chunk takes with header and pad byte.
fn chunk_bytes(chunk: &Chunk) -> u64 {
    let body = chunk.body.len() as u64;
    8 + body + body % 2
}

fn push_chunk(out: &mut Vec<u8>, id: [u8; 4], body: &[u8]) {
    out.extend(id);
    out.extend((body.len() as u32).to_le_bytes());
    out.extend(body);
    if body.len() % 2 == 1 {
        out.push(0);
    }
}
