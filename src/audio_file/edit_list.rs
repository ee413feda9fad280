//! Which samples of an MP4 track are to be heard: an AAC encoder puts about a thousand before the first.
//!
//! ```text
//! moov | mvhd: time scale | trak | edts | elst: duration, media time
//!                         |      | mdia | mdhd: time scale | hdlr: "soun"
//! ```
//!
//! The decoder's library reads edit lists but does not apply them. Source: ISO/IEC 14496-12, 8.6.6 (edit list box).

use std::io::{Read, Seek, SeekFrom};

/// The largest `moov` box that is looked into: ten hours of AAC have an index of about 10 MB.
const MAX_MOOV_BYTES: u64 = 64 << 20;

/// The part of a track that is presented, in units of the track's time scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Edit {
    /// Units per second: the sample rate, in audio tracks that can be trimmed to the sample.
    pub(super) time_scale_hz: u32,
    /// Units before the first that is heard.
    pub(super) start: u64,
    /// Units that are heard; `None` when the list counts in a coarser scale.
    pub(super) length: Option<u64>,
}

/// The first edit of the first sound track, if the file has one. Reads from the file's start; leaves the position
/// anywhere.
pub(super) fn read(file: &mut (impl Read + Seek)) -> Option<Edit> {
    let moov = read_moov(file)?;
    let movie_scale = time_scale(find(&moov, b"mvhd")?)?;
    let sound = boxes(&moov).filter(|(id, _)| id == b"trak").map(|(_, body)| body).find(|track| is_sound(track))?;
    let time_scale_hz = time_scale(find(find(sound, b"mdia")?, b"mdhd")?)?;
    let (duration, start) = first_edit(find(find(sound, b"edts")?, b"elst")?)?;
    let length = (movie_scale == time_scale_hz && duration > 0).then_some(duration);
    Some(Edit { time_scale_hz, start, length })
}

fn read_moov(file: &mut (impl Read + Seek)) -> Option<Vec<u8>> {
    let mut at = 0_u64;
    loop {
        file.seek(SeekFrom::Start(at)).ok()?;
        let mut header = [0; 16];
        file.read_exact(&mut header[..8]).ok()?;
        let mut size = u64::from(u32_at(&header, 0)?);
        let mut n_header_bytes = 8;
        if size == 1 {
            file.read_exact(&mut header[8..]).ok()?;
            size = u64_at(&header, 8)?;
            n_header_bytes = 16;
        }
        let n_bytes = size.checked_sub(n_header_bytes)?;
        if &header[4..8] == b"moov" {
            let mut body = Vec::new();
            file.take(n_bytes.min(MAX_MOOV_BYTES)).read_to_end(&mut body).ok()?;
            return Some(body);
        }
        at = at.checked_add(size)?;
    }
}

/// The boxes within a box, each with its code and body; stops where sizes stop making sense.
fn boxes(mut rest: &[u8]) -> impl Iterator<Item = ([u8; 4], &[u8])> {
    std::iter::from_fn(move || {
        let size = u32_at(rest, 0)? as usize;
        let id = rest.get(4..8)?.try_into().ok()?;
        let body = rest.get(8..size)?;
        rest = &rest[size..];
        Some((id, body))
    })
}

fn find<'a>(parent: &'a [u8], id: &[u8; 4]) -> Option<&'a [u8]> {
    boxes(parent).find(|(found, _)| found == id).map(|(_, body)| body)
}

fn is_sound(track: &[u8]) -> bool {
    let handler = find(track, b"mdia").and_then(|media| find(media, b"hdlr"));
    handler.and_then(|body| body.get(8..12)) == Some(b"soun")
}

/// Of mvhd and mdhd alike: version and flags, two times of 4 or 8 bytes, then the scale.
fn time_scale(header: &[u8]) -> Option<u32> {
    u32_at(header, if *header.first()? == 1 { 20 } else { 12 }).filter(|&scale| scale > 0)
}

/// Duration and media time of the first entry that is not empty.
fn first_edit(list: &[u8]) -> Option<(u64, u64)> {
    let is_wide = *list.first()? == 1;
    let entry_bytes = if is_wide { 20 } else { 12 };
    let entries = list.get(8..)?.chunks_exact(entry_bytes).map(|entry| match is_wide {
        true => Some((u64_at(entry, 0)?, u64_at(entry, 8)? as i64)),
        false => Some((u64::from(u32_at(entry, 0)?), i64::from(u32_at(entry, 4)? as i32))),
    });
    // A media time of -1 is a pause before the beginning.
    entries.flatten().find(|(_, start)| *start >= 0).map(|(duration, start)| (duration, start as u64))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4)?.try_into().ok().map(u32::from_be_bytes)
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..at + 8)?.try_into().ok().map(u64::from_be_bytes)
}
