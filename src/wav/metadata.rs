//! What a WAV file says beside its samples: LIST/INFO, bext, iXML, cue, smpl, id3, and unknown chunks.
//!
//! A chunk is carried over byte for byte, before or after the samples as it was found. Some cannot be: those that
//! describe the old samples (PEAK, levl, MD5), and in a big-endian file those whose numbers would have to be turned
//! round without knowing where they are.

use super::format::ByteOrder;
use crate::{Error, Result};

/// The largest metadata chunk that is kept: artwork fits, a second recording does not.
pub(super) const MAX_CHUNK_BYTES: u64 = 16 << 20;
/// The most metadata kept of one file.
pub(super) const MAX_TOTAL_BYTES: u64 = 64 << 20;
/// Counted for each chunk beside its body, so that millions of empty chunks meet the limit too.
pub(super) const CHUNK_OVERHEAD_BYTES: u64 = 64;

/// A metadata chunk: its four-character code and its body without header and pad byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// Four-character code, such as `b"bext"`.
    pub id: [u8; 4],
    /// The body, byte for byte as in a little-endian file.
    pub body: Vec<u8>,
}

/// The metadata of a file, in the file's order.
///
/// ```
/// use sqnr::wav::Metadata;
///
/// let metadata = Metadata::from_info(&[(*b"INAM", "A song".into())]);
/// assert_eq!(metadata.info_texts(), [(*b"INAM", "A song".to_owned())]);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Metadata {
    /// Chunks found before the samples.
    pub before_data: Vec<Chunk>,
    /// Chunks found after the samples. Of a pipe they are known when all samples have been read.
    pub after_data: Vec<Chunk>,
    /// A line for each chunk that cannot be carried over to another file: which, and why.
    pub not_kept: Vec<String>,
}

impl Metadata {
    /// Metadata of one LIST/INFO chunk, before the samples; empty when `entries` are.
    ///
    /// `entries`: INFO codes such as `b"INAM"` (title) or `b"IART"` (artist), each with its text.
    pub fn from_info(entries: &[([u8; 4], String)]) -> Self {
        let mut body = b"INFO".to_vec();
        for (id, text) in entries {
            let text = text.replace('\0', " ");
            body.extend(id);
            body.extend((text.len() as u32 + 1).to_le_bytes());
            body.extend(text.bytes());
            body.push(0);
            if text.len() % 2 == 0 {
                body.push(0);
            }
        }
        let before_data = if entries.is_empty() { vec![] } else { vec![Chunk { id: *b"LIST", body }] };
        Self { before_data, ..Self::default() }
    }

    /// The texts of all LIST/INFO chunks: code and text, zero bytes stripped, bytes that are no UTF-8 replaced.
    pub fn info_texts(&self) -> Vec<([u8; 4], String)> {
        let lists = self.before_data.iter().chain(&self.after_data).filter(|chunk| chunk.id == *b"LIST");
        lists.filter_map(|chunk| chunk.body.strip_prefix(b"INFO")).flat_map(info_entries).collect()
    }

    /// True when no chunk is kept.
    pub fn is_empty(&self) -> bool {
        self.before_data.is_empty() && self.after_data.is_empty()
    }

    /// # Errors
    /// `InvalidParameter` for a chunk that is none of metadata's, or larger than a chunk can be.
    pub(super) fn check(&self) -> Result<()> {
        check_chunks(&self.before_data)?;
        check_chunks(&self.after_data)
    }
}

/// # Errors
/// `InvalidParameter` for a chunk that is none of metadata's, or larger than a chunk can be.
pub(super) fn check_chunks(chunks: &[Chunk]) -> Result<()> {
    for chunk in chunks {
        let is_code = chunk.id.iter().all(|byte| (0x20..0x7F).contains(byte));
        if !is_code || fate(chunk.id) == Fate::Structure || u32::try_from(chunk.body.len()).is_err() {
            let allowed = "a printable code other than fmt, data, fact, ds64, JUNK and its like, below 4 GiB";
            return Err(Error::invalid("metadata chunk", printable(chunk.id), allowed));
        }
    }
    Ok(())
}

fn info_entries(mut list: &[u8]) -> Vec<([u8; 4], String)> {
    let mut entries = Vec::new();
    while let Some((&[a, b, c, d, s0, s1, s2, s3], rest)) = list.split_first_chunk::<8>() {
        let size = u32::from_le_bytes([s0, s1, s2, s3]) as usize;
        let text = &rest[..size.min(rest.len())];
        let end = text.iter().position(|&byte| byte == 0).unwrap_or(text.len());
        entries.push(([a, b, c, d], String::from_utf8_lossy(&text[..end]).into_owned()));
        let next = size.saturating_add(size % 2).min(rest.len());
        list = &rest[next..];
    }
    entries
}

/// What becomes of a chunk that is neither `fmt ` nor `data`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// Carried over.
    Keep,
    /// Part of the file's own structure: written anew or needless.
    Structure,
    /// It speaks of the samples before the change.
    Stale,
}

pub(super) fn fate(id: [u8; 4]) -> Fate {
    match &id {
        b"fmt " | b"data" | b"fact" | b"ds64" | b"JUNK" | b"junk" | b"PAD " | b"FLLR" | b"filr" => Fate::Structure,
        b"PEAK" | b"levl" | b"MD5 " => Fate::Stale,
        _ => Fate::Keep,
    }
}

/// A four-character code for messages: letters as they are, anything else as `?`.
pub(super) fn printable(id: [u8; 4]) -> String {
    id.iter().map(|&byte| if (0x20..0x7F).contains(&byte) { char::from(byte) } else { '?' }).collect()
}

/// Turns the numbers of a known chunk from big to little endian; `None` when their places are not known.
pub(super) fn to_little_endian(id: [u8; 4], mut body: Vec<u8>, order: ByteOrder) -> Option<Vec<u8>> {
    if order == ByteOrder::Little {
        return Some(body);
    }
    match &id {
        // Text, or a format of its own that has one byte order.
        b"iXML" | b"axml" | b"_PMX" | b"id3 " | b"ID3 " => Some(body),
        b"LIST" if body.starts_with(b"INFO") => swap_list_sizes(&mut body[4..]).then_some(body),
        b"smpl" if body.len() >= 36 => {
            // Nine fields, then loops of six fields each, then what the sampler's maker put there.
            let n_loops = u32::from_be_bytes([body[28], body[29], body[30], body[31]]) as usize;
            let is_plain = body.len() - 36 == n_loops.checked_mul(24)?;
            is_plain.then(|| swap_words(&mut body, |_| true))?;
            Some(body)
        }
        b"cue " if body.len() % 24 == 4 => {
            // Each point: name, position, a four-character code, three offsets.
            swap_words(&mut body, |word| word == 0 || (word - 1) % 6 != 2);
            Some(body)
        }
        _ => None,
    }
}

fn swap_words(body: &mut [u8], is_number: impl Fn(usize) -> bool) {
    for (i, word) in body.chunks_exact_mut(4).enumerate() {
        if is_number(i) {
            word.reverse();
        }
    }
}

/// Turns the sizes of the sub-chunks; false when they do not add up.
fn swap_list_sizes(mut list: &mut [u8]) -> bool {
    while list.len() >= 8 {
        let size = u32::from_be_bytes([list[4], list[5], list[6], list[7]]) as usize;
        list[4..8].reverse();
        let next = size.saturating_add(8).saturating_add(size % 2);
        if next > list.len() + 1 {
            return false;
        }
        let at = next.min(list.len());
        list = &mut list[at..];
    }
    true
}
