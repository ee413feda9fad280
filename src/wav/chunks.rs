//! Walks the chunks of a RIFF file: finds the format, the samples and the metadata, and believes no size unchecked.

use std::{fmt, io::Read};

use super::{
    format::{ByteOrder, Spec},
    input::Input,
    metadata::{self, Chunk, Fate, Metadata, fate, printable},
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
    /// Sony Wave64: GUIDs for codes, 64-bit sizes that count the header too, chunks at multiples of 8 bytes.
    Wave64,
}

/// Bytes 4 to 15 of Wave64's "riff" GUID and of those of "wave", "fmt " and "data".
const WAVE64_RIFF_TAIL: [u8; 12] = [0x2E, 0x91, 0xCF, 0x11, 0xA5, 0xD6, 0x28, 0xDB, 0x04, 0xC1, 0, 0];
const WAVE64_TAIL: [u8; 12] = [0xF3, 0xAC, 0xD3, 0x11, 0x8C, 0xD1, 0, 0xC0, 0x4F, 0x8E, 0xDB, 0x8A];
/// Bytes of a Wave64 chunk header.
const WAVE64_HEADER_BYTES: u64 = 24;

impl Container {
    pub(super) fn order(self) -> ByteOrder {
        if self == Self::Rifx { ByteOrder::Big } else { ByteOrder::Little }
    }

    /// Bytes that follow a body of `n_bytes` up to where the next chunk begins.
    fn n_pad_bytes(self, n_bytes: u64) -> u64 {
        let alignment = if self == Self::Wave64 { 8 } else { 2 };
        n_bytes.wrapping_neg() % alignment
    }
}

impl fmt::Display for Container {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Wav => "WAV",
            Self::Rf64 => "RF64",
            Self::Bw64 => "BW64",
            Self::Rifx => "RIFX",
            Self::Wave64 => "Wave64",
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
    /// Bytes that `metadata` holds, counted along so that many chunks take linear time.
    n_metadata_bytes: u64,
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
    let (container, riff_size) = read_magic(input)?;
    let mut found = Found::default();
    let mut ds64 = None;
    let mut spec = None;
    loop {
        let entry = next_chunk(input, container, ds64.as_ref())?;
        found.list(entry);
        match &entry.id {
            b"data" => {
                let Some(spec) = spec else {
                    let what = "the data chunk comes before the fmt chunk: the samples' format is unknown".into();
                    return Err(Error::Malformed { what, at_byte: entry.at_byte });
                };
                let riff_end = riff_end(container, riff_size, ds64.as_ref());
                let data_at = input.position();
                let data_size = data_size(input, entry.n_bytes, riff_end, &mut found.warnings)?;
                return Ok(Header { container, spec, riff_end, data_at, data_size, found });
            }
            b"fmt " if spec.is_none() => {
                let at = input.position();
                let body = read_body(input, entry, 64 * 1024)?;
                spec = Some(Spec::from_fmt_chunk(&body, container.order(), at)?);
            }
            b"ds64" if ds64.is_none() && matches!(container, Container::Rf64 | Container::Bw64) => {
                ds64 = Some(parse_ds64(&read_body(input, entry, metadata::MAX_CHUNK_BYTES)?, entry.at_byte)?);
            }
            b"wavl" => return Err(Error::Unsupported { what: "a wave list (wavl) instead of one data chunk".into() }),
            _ => {
                let complete = found.take_chunk(input, entry, container, Section::BeforeData)?;
                if !complete {
                    return Err(ends_early(input.position()));
                }
            }
        }
        skip_pad(input, container, entry.n_bytes)?;
    }
}

/// Walks what follows `n_data_bytes` of samples, up to `end` or the end of the input; never fails on what it finds
/// there.
pub(super) fn read_trailing<R: Read>(
    input: &mut Input<R>,
    container: Container,
    n_data_bytes: u64,
    end: Option<u64>,
    found: &mut Found,
) -> Result<()> {
    skip_pad(input, container, n_data_bytes)?;
    while end.is_none_or(|end| input.position() + 8 <= end) {
        let Ok(entry) = next_chunk(input, container, None) else {
            return Ok(());
        };
        found.list(entry);
        if !found.take_chunk(input, entry, container, Section::AfterData)? {
            return Ok(());
        }
        skip_pad(input, container, entry.n_bytes)?;
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
        container: Container,
        section: Section,
    ) -> Result<bool> {
        let name = printable(entry.id);
        let too_large = entry.n_bytes > metadata::MAX_CHUNK_BYTES
            || self.n_metadata_bytes + entry.n_bytes > metadata::MAX_TOTAL_BYTES;
        let reason = match fate(entry.id) {
            Fate::Keep if too_large => Some(format!("{name}: {} bytes, beyond what is carried over", entry.n_bytes)),
            Fate::Keep if container == Container::Wave64 => Some(format!("{name}: a Wave64 chunk")),
            Fate::Structure if matches!(&entry.id, b"fmt " | b"data") => Some(format!("{name}: the file has two")),
            Fate::Stale => Some(format!("{name}: it describes the samples before the change")),
            Fate::Keep | Fate::Structure => None,
        };
        if reason.is_some() || fate(entry.id) != Fate::Keep {
            if let Some(reason) = reason.filter(|_| self.n_metadata_bytes < metadata::MAX_TOTAL_BYTES) {
                self.tell(reason);
            }
            return Ok(input.skip(entry.n_bytes).map_err(Error::stream)? == entry.n_bytes);
        }
        let body = input.read_vec(entry.n_bytes).map_err(Error::stream)?;
        if (body.len() as u64) < entry.n_bytes {
            self.tell(format!("{name}: the file ends inside it"));
            return Ok(false);
        }
        match metadata::to_little_endian(entry.id, body, container.order()) {
            Some(body) => {
                self.n_metadata_bytes += body.len() as u64 + metadata::CHUNK_OVERHEAD_BYTES;
                self.metadata.section(section).push(Chunk { id: entry.id, body });
            }
            None => self.tell(format!("{name}: big-endian, its inner numbers are unknown")),
        }
        Ok(true)
    }

    /// Says of a chunk why it is not kept.
    fn tell(&mut self, reason: String) {
        self.n_metadata_bytes += metadata::CHUNK_OVERHEAD_BYTES;
        self.metadata.not_kept.push(reason);
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

fn read_magic<R: Read>(input: &mut Input<R>) -> Result<(Container, u64)> {
    let mut magic = [0; 12];
    let got = input.read_full(&mut magic).map_err(Error::stream)?;
    let container = match &magic[..4] {
        b"RIFF" => Container::Wav,
        b"RIFX" => Container::Rifx,
        b"RF64" => Container::Rf64,
        b"BW64" => Container::Bw64,
        b"riff" if magic[4..] == WAVE64_RIFF_TAIL[..8] => return read_wave64_magic(input),
        _ => return Err(Error::Unsupported { what: "not a WAV file: it begins with no RIFF header".into() }),
    };
    if got < 12 {
        return Err(ends_early(got as u64));
    }
    if &magic[8..] != b"WAVE" {
        let form = printable([magic[8], magic[9], magic[10], magic[11]]);
        return Err(Error::Unsupported { what: format!("a RIFF file of type '{form}', not WAVE") });
    }
    Ok((container, u64::from(container.order().u32([magic[4], magic[5], magic[6], magic[7]]))))
}

/// The rest of Wave64's beginning: four bytes of GUID, the size of the whole, the GUID "wave".
fn read_wave64_magic<R: Read>(input: &mut Input<R>) -> Result<(Container, u64)> {
    let mut rest = [0; 28];
    let got = input.read_full(&mut rest).map_err(Error::stream)?;
    if got < rest.len() {
        return Err(ends_early(input.position()));
    }
    let (_, size_and_form) = rest.split_at(4);
    let (size, form) = size_and_form.split_first_chunk::<8>().expect("24 bytes are left");
    if &form[..4] != b"wave" || form[4..] != WAVE64_TAIL {
        return Err(Error::Unsupported { what: "a Wave64 file that holds no WAVE form".into() });
    }
    Ok((Container::Wave64, u64::from_le_bytes(*size)))
}

/// Reads the next chunk header.
fn next_chunk<R: Read>(input: &mut Input<R>, container: Container, ds64: Option<&Ds64>) -> Result<ChunkEntry> {
    let at_byte = input.position();
    if container == Container::Wave64 {
        return next_wave64_chunk(input, at_byte);
    }
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
    let short = container.order().u32(size);
    let n_bytes = match ds64 {
        Some(ds64) if short == u32::MAX => ds64.size_of(id),
        _ => u64::from(short),
    };
    Ok(ChunkEntry { id, at_byte, n_bytes })
}

fn next_wave64_chunk<R: Read>(input: &mut Input<R>, at_byte: u64) -> Result<ChunkEntry> {
    let mut header = [0; WAVE64_HEADER_BYTES as usize];
    let got = input.read_full(&mut header).map_err(Error::stream)?;
    if got < header.len() {
        return Err(ends_early(at_byte + got as u64));
    }
    let (guid, size) = header.split_at(16);
    let size = u64::from_le_bytes(size.try_into().expect("eight bytes"));
    let Some(n_bytes) = size.checked_sub(WAVE64_HEADER_BYTES) else {
        let what = format!("a Wave64 chunk of {size} bytes is shorter than its own header");
        return Err(Error::Malformed { what, at_byte });
    };
    // GUIDs of other families carry no name that a WAV file could keep.
    let id = if guid[4..] == WAVE64_TAIL { guid[..4].try_into().expect("four bytes") } else { *b"GUID" };
    Ok(ChunkEntry { id, at_byte, n_bytes })
}

fn read_body<R: Read>(input: &mut Input<R>, entry: ChunkEntry, limit: u64) -> Result<Vec<u8>> {
    if entry.n_bytes > limit {
        let name = printable(entry.id);
        let what = format!("the {} chunk declares {} bytes", name.trim(), entry.n_bytes);
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
fn skip_pad<R: Read>(input: &mut Input<R>, container: Container, n_bytes: u64) -> Result<()> {
    let n_pad = container.n_pad_bytes(n_bytes);
    if n_pad == 0 || container == Container::Wave64 {
        input.skip(n_pad).map_err(Error::stream)?;
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

fn riff_end(container: Container, riff_size: u64, ds64: Option<&Ds64>) -> Option<u64> {
    let size = match ds64 {
        Some(ds64) if riff_size == u64::from(u32::MAX) => ds64.riff_bytes,
        _ => riff_size,
    };
    let says_nothing = size == 0 || is_placeholder(size);
    // Wave64 counts its own header in.
    let n_header_bytes = if container == Container::Wave64 { 0 } else { 8 };
    if says_nothing { None } else { size.checked_add(n_header_bytes) }
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
