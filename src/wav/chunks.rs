//! Walks the chunks of a RIFF file: finds the format, the samples and the metadata, and believes no size unchecked.

use std::{fmt, io::Read};

use super::{
    format::Spec,
    input::Input,
    metadata::{self, Chunk, Fate, Metadata, fate, printable},
    samples::ByteOrder,
};
use crate::{Error, Result};

/// Chunks listed for `info`; a file with more is walked all the same.
const MAX_ENTRIES: usize = 4096;

/// The file around the samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Container {
    /// RIFF/WAVE.
    Wav,
    /// RIFF with 64-bit sizes, EBU Tech 3306.
    Rf64,
    /// The same, ITU-R BS.2088.
    Bw64,
    /// RIFF with big-endian numbers.
    Rifx,
}

impl fmt::Display for Container {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Wav => "WAV",
            Self::Rf64 => "RF64",
            Self::Bw64 => "BW64",
            Self::Rifx => "RIFX",
        })
    }
}

/// A chunk as it was met in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChunkEntry {
    /// Four-character code.
    pub id: [u8; 4],
    /// Where its header begins, from the start of the file.
    pub at_byte: u64,
    /// Bytes its header declares for the body.
    pub n_bytes: u64,
}

/// How many bytes of samples the header announces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DataSize {
    /// This many.
    Declared(u64),
    /// A number that writers to a pipe put there for "unknown", but which may be true.
    Placeholder(u64),
    /// Nothing usable: all there is.
    UntilEnd,
}

/// Everything up to the first sample.
#[derive(Debug)]
pub(super) struct Header {
    pub(super) container: Container,
    pub(super) order: ByteOrder,
    pub(super) spec: Spec,
    /// Size of the whole as declared, from the start of the file; `None` when the field says nothing.
    pub(super) riff_end: Option<u64>,
    pub(super) data_at: u64,
    pub(super) data_size: DataSize,
    pub(super) found: Found,
}

/// What the walk has collected so far.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) entries: Vec<ChunkEntry>,
    pub(super) metadata: Metadata,
    pub(super) warnings: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Section {
    BeforeData,
    AfterData,
}

/// The 64-bit sizes of RF64 and BW64.
#[derive(Debug, Default)]
struct Ds64 {
    riff_bytes: u64,
    data_bytes: u64,
    table: Vec<([u8; 4], u64)>,
}

/// Reads up to the first sample.
///
/// # Errors
/// `Unsupported` when this is no WAVE file, `Malformed` when the samples are not reached.
pub(super) fn read_header<R: Read>(input: &mut Input<R>) -> Result<Header> {
    let (container, order, riff_size) = read_magic(input)?;
    let mut found = Found::default();
    let mut ds64 = None;
    let mut spec = None;
    loop {
        let entry = next_chunk(input, order, ds64.as_ref())?;
        found.list(entry);
        match &entry.id {
            b"data" => {
                let Some(spec) = spec else {
                    let what = "the data chunk comes before the fmt chunk: the samples' format is unknown".into();
                    return Err(Error::Malformed { what, at_byte: entry.at_byte });
                };
                let riff_end = riff_end(riff_size, ds64.as_ref());
                let data_at = input.position();
                let data_size = data_size(input, entry.n_bytes, riff_end, &mut found.warnings)?;
                return Ok(Header { container, order, spec, riff_end, data_at, data_size, found });
            }
            b"fmt " if spec.is_none() => {
                let at = input.position();
                let body = read_body(input, entry, 64 * 1024)?;
                spec = Some(Spec::from_fmt_chunk(&body, order, at)?);
            }
            b"ds64" if ds64.is_none() && matches!(container, Container::Rf64 | Container::Bw64) => {
                ds64 = Some(parse_ds64(&read_body(input, entry, metadata::MAX_CHUNK_BYTES)?, entry.at_byte)?);
            }
            b"wavl" => return Err(Error::Unsupported { what: "a wave list (wavl) instead of one data chunk".into() }),
            _ => {
                let complete = found.take_chunk(input, entry, order, Section::BeforeData)?;
                if !complete {
                    return Err(ends_early(input.position()));
                }
            }
        }
        skip_pad(input, entry.n_bytes)?;
    }
}

/// Walks what follows the samples, up to `end` or the end of the input; never fails on what it finds there.
pub(super) fn read_trailing<R: Read>(
    input: &mut Input<R>,
    order: ByteOrder,
    end: Option<u64>,
    found: &mut Found,
) -> Result<()> {
    while end.is_none_or(|end| input.position() + 8 <= end) {
        let header = input.peek(8).map_err(Error::stream)?;
        if header.len() < 8 || !header[..4].iter().all(|byte| (0x20..0x7F).contains(byte)) {
            return Ok(());
        }
        let entry = next_chunk(input, order, None)?;
        found.list(entry);
        if !found.take_chunk(input, entry, order, Section::AfterData)? {
            return Ok(());
        }
        skip_pad(input, entry.n_bytes)?;
    }
    Ok(())
}

impl Found {
    fn list(&mut self, entry: ChunkEntry) {
        if self.entries.len() < MAX_ENTRIES {
            self.entries.push(entry);
        }
    }

    /// Keeps or passes over the chunk; false when the input ends inside it.
    fn take_chunk<R: Read>(
        &mut self,
        input: &mut Input<R>,
        entry: ChunkEntry,
        order: ByteOrder,
        section: Section,
    ) -> Result<bool> {
        let name = printable(entry.id);
        let too_large = entry.n_bytes > metadata::MAX_CHUNK_BYTES
            || self.metadata.n_bytes() + entry.n_bytes > metadata::MAX_TOTAL_BYTES;
        let reason = match fate(entry.id) {
            Fate::Keep if too_large => Some(format!("{name}: {} bytes, beyond what is carried over", entry.n_bytes)),
            Fate::Stale => Some(format!("{name}: it describes the samples before the change")),
            Fate::Keep | Fate::Structure => None,
        };
        if too_large || fate(entry.id) != Fate::Keep {
            if self.metadata.n_bytes() < metadata::MAX_TOTAL_BYTES {
                self.metadata.not_kept.extend(reason);
            }
            return Ok(input.skip(entry.n_bytes).map_err(Error::stream)? == entry.n_bytes);
        }
        let body = input.read_vec(entry.n_bytes).map_err(Error::stream)?;
        if (body.len() as u64) < entry.n_bytes {
            self.metadata.not_kept.push(format!("{name}: the file ends inside it"));
            return Ok(false);
        }
        match metadata::to_little_endian(entry.id, body, order) {
            Some(body) => self.metadata.section(section).push(Chunk { id: entry.id, body }),
            None => self.metadata.not_kept.push(format!("{name}: big-endian, its inner numbers are unknown")),
        }
        Ok(true)
    }
}

impl Metadata {
    fn section(&mut self, section: Section) -> &mut Vec<Chunk> {
        match section {
            Section::BeforeData => &mut self.before_data,
            Section::AfterData => &mut self.after_data,
        }
    }
}

fn read_magic<R: Read>(input: &mut Input<R>) -> Result<(Container, ByteOrder, u32)> {
    let mut magic = [0; 12];
    let got = input.read_full(&mut magic).map_err(Error::stream)?;
    let container = match &magic[..4] {
        b"RIFF" => Container::Wav,
        b"RIFX" => Container::Rifx,
        b"RF64" => Container::Rf64,
        b"BW64" => Container::Bw64,
        _ => return Err(Error::Unsupported { what: "not a WAV file: it begins with no RIFF header".into() }),
    };
    if got < 12 {
        return Err(ends_early(got as u64));
    }
    if &magic[8..] != b"WAVE" {
        let form = printable([magic[8], magic[9], magic[10], magic[11]]);
        return Err(Error::Unsupported { what: format!("a RIFF file of type '{form}', not WAVE") });
    }
    let order = if container == Container::Rifx { ByteOrder::Big } else { ByteOrder::Little };
    Ok((container, order, order.u32([magic[4], magic[5], magic[6], magic[7]])))
}

/// Reads the next chunk header.
fn next_chunk<R: Read>(input: &mut Input<R>, order: ByteOrder, ds64: Option<&Ds64>) -> Result<ChunkEntry> {
    let at_byte = input.position();
    let mut header = [0; 8];
    let got = input.read_full(&mut header).map_err(Error::stream)?;
    if got < 8 {
        return Err(ends_early(at_byte + got as u64));
    }
    let [a, b, c, d, size @ ..] = header;
    let id = [a, b, c, d];
    if !id.iter().all(|byte| (0x20..0x7F).contains(byte)) {
        let what = format!("expected a chunk, found the bytes {a:02x} {b:02x} {c:02x} {d:02x}");
        return Err(Error::Malformed { what, at_byte });
    }
    let short = order.u32(size);
    let n_bytes = match ds64 {
        Some(ds64) if short == u32::MAX => ds64.size_of(id),
        _ => u64::from(short),
    };
    Ok(ChunkEntry { id, at_byte, n_bytes })
}

fn read_body<R: Read>(input: &mut Input<R>, entry: ChunkEntry, limit: u64) -> Result<Vec<u8>> {
    if entry.n_bytes > limit {
        let what = format!("the {} chunk declares {} bytes", printable(entry.id), entry.n_bytes);
        return Err(Error::Malformed { what, at_byte: entry.at_byte });
    }
    let body = input.read_vec(entry.n_bytes).map_err(Error::stream)?;
    if (body.len() as u64) < entry.n_bytes {
        return Err(ends_early(input.position()));
    }
    Ok(body)
}

/// Passes over the pad byte that follows an odd chunk. Some writers leave it out: then the next chunk's code begins
/// here, which is never a zero.
fn skip_pad<R: Read>(input: &mut Input<R>, n_bytes: u64) -> Result<()> {
    if n_bytes.is_multiple_of(2) {
        return Ok(());
    }
    let ahead = input.peek(5).map_err(Error::stream)?;
    let is_chunk_here = ahead.len() >= 4 && is_known_id(&ahead[..4]);
    let is_chunk_after = ahead.len() >= 5 && is_known_id(&ahead[1..5]);
    if is_chunk_here && !is_chunk_after {
        return Ok(());
    }
    input.skip(1).map_err(Error::stream)?;
    Ok(())
}

fn is_known_id(id: &[u8]) -> bool {
    const KNOWN: [&[u8; 4]; 24] = [
        b"fmt ", b"data", b"fact", b"LIST", b"bext", b"iXML", b"cue ", b"smpl", b"inst", b"id3 ", b"ID3 ", b"PEAK",
        b"JUNK", b"junk", b"PAD ", b"FLLR", b"acid", b"plst", b"axml", b"chna", b"cart", b"DISP", b"_PMX", b"levl",
    ];
    KNOWN.iter().any(|known| id == *known)
}

impl Ds64 {
    fn size_of(&self, id: [u8; 4]) -> u64 {
        let in_table = self.table.iter().find(|(entry, _)| *entry == id).map(|(_, size)| *size);
        if &id == b"data" { self.data_bytes } else { in_table.unwrap_or(u64::from(u32::MAX)) }
    }
}

fn parse_ds64(body: &[u8], at_byte: u64) -> Result<Ds64> {
    if body.len() < 24 {
        return Err(Error::Malformed {
            what: format!("the ds64 chunk has {} bytes; 24 are the least", body.len()),
            at_byte,
        });
    }
    let u64_at = |i: usize| u64::from_le_bytes(body[i..i + 8].try_into().expect("eight bytes"));
    let rows = body.get(28..).unwrap_or(&[]).chunks_exact(12);
    let table = rows
        .map(|row| {
            let id = row[..4].try_into().expect("four bytes");
            (id, u64::from_le_bytes(row[4..].try_into().expect("eight bytes")))
        })
        .collect();
    Ok(Ds64 { riff_bytes: u64_at(0), data_bytes: u64_at(8), table })
}

fn riff_end(riff_size: u32, ds64: Option<&Ds64>) -> Option<u64> {
    let size = match ds64 {
        Some(ds64) if riff_size == u32::MAX => ds64.riff_bytes,
        _ => u64::from(riff_size),
    };
    let says_nothing = size == 0 || is_placeholder(size);
    if says_nothing { None } else { size.checked_add(8) }
}

/// Sizes that stand for "unknown" in files written to a pipe: SoX 0x7FFFF000, ALSA 0x80000000, others near both ends.
fn is_placeholder(size: u64) -> bool {
    matches!(size, 0x7FFF_0000..=0x8000_0000 | 0xFFFF_FF00..=0xFFFF_FFFF) || size == u64::MAX
}

fn data_size<R: Read>(
    input: &mut Input<R>,
    declared: u64,
    riff_end: Option<u64>,
    warnings: &mut Vec<String>,
) -> Result<DataSize> {
    match declared {
        0xFFFF_FF00..=0xFFFF_FFFF | u64::MAX => Ok(DataSize::UntilEnd),
        size if is_placeholder(size) => Ok(DataSize::Placeholder(size)),
        0 if riff_end.is_none_or(|end| end <= input.position()) => {
            if input.peek(1).map_err(Error::stream)?.is_empty() {
                return Ok(DataSize::Declared(0));
            }
            warnings.push("the sizes in the header were never filled in; read to the end of the file".into());
            Ok(DataSize::UntilEnd)
        }
        size => Ok(DataSize::Declared(size)),
    }
}

fn ends_early(at_byte: u64) -> Error {
    Error::Malformed { what: "the file ends before the samples begin".into(), at_byte }
}
