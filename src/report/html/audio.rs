//! PCM inside the page: the same stretch of every version, base64 in elements that the browser does not parse.

use std::io::{self, Write};
use std::ops::Range;

use super::Version;
use crate::report::plot::document::base64;

/// Samples written at a time; a multiple of 3 keeps base64 free of padding within.
const BLOCK: usize = 3 * 4096;

/// The stretch that can be heard, and how its samples are stored.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Excerpt {
    pub frames: Range<usize>,
    pub format: Format,
    /// Frames of the longest version: more than `frames` when it was shortened.
    pub total: usize,
}

/// Little-endian PCM, channels interleaved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    S16,
    S24,
}

impl Format {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::S16 => "s16",
            Self::S24 => "s24",
        }
    }

    fn bytes(self) -> usize {
        match self {
            Self::S16 => 2,
            Self::S24 => 3,
        }
    }
}

impl Excerpt {
    /// The longest stretch from the start that fits into `max_bytes`; `None` when there is nothing to hear.
    pub(super) fn within(versions: &[Version], max_bytes: usize) -> Option<Self> {
        let total = versions.iter().map(|v| v.signal.len()).max().unwrap_or(0);
        let samples_per_frame: usize = versions.iter().map(|v| v.signal.channels().len()).sum();
        let fitting = |format: Format| (max_bytes / (samples_per_frame * format.bytes()).max(1)).min(total);
        let (short, long) = (fitting(Format::S24), fitting(Format::S16));
        let (n_frames, format) = if is_16_bit(versions, long) { (long, Format::S16) } else { (short, Format::S24) };
        (n_frames > 0).then_some(Self { frames: 0..n_frames, format, total })
    }

    /// Writes one element for each version; versions that end early are filled with silence.
    pub(super) fn write(&self, versions: &[Version], out: &mut impl Write) -> io::Result<()> {
        for (i, version) in versions.iter().enumerate() {
            write!(out, "<script type=\"text/plain\" id=\"audio-{i}\">")?;
            let channels = version.signal.channels();
            let mut frame = self.frames.start;
            while frame < self.frames.end {
                let end = (frame + BLOCK).min(self.frames.end);
                let mut bytes = Vec::with_capacity((end - frame) * channels.len() * self.format.bytes());
                for i in frame..end {
                    channels.iter().for_each(|c| self.push(c.get(i).copied().unwrap_or(0.0), &mut bytes));
                }
                out.write_all(base64(&bytes).as_bytes())?;
                frame = end;
            }
            writeln!(out, "</script>")?;
        }
        Ok(())
    }

    fn push(&self, x: f64, bytes: &mut Vec<u8>) {
        let scale = f64::from(1 << (8 * self.format.bytes() - 1));
        // NaN becomes 0; beyond full scale clips.
        let code = (x * scale).round().clamp(-scale, scale - 1.0) as i32;
        bytes.extend_from_slice(&code.to_le_bytes()[..self.format.bytes()]);
    }
}

/// True when 16 bits hold the first `n_frames` of every version exactly.
fn is_16_bit(versions: &[Version], n_frames: usize) -> bool {
    let fits = |x: &f64| {
        let code = x * 32_768.0;
        code == code.round() && (-32_768.0..=32_767.0).contains(&code)
    };
    let mut channels = versions.iter().flat_map(|v| v.signal.channels());
    channels.all(|c| c.iter().take(n_frames).all(fits))
}
