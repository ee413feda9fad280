//! The directory of a ZIP file, read so that no file can make more work than its own size.
//!
//! ```text
//! for each entry: PK 3 4 | ... | name | extra | data        directory: PK 1 2 | sizes, checksum, place of the entry | name | ...
//! [PK 6 6 | 64-bit numbers    PK 6 7 | their place]   PK 5 6 | entries, size and place of the directory | comment
//! ```
//!
//! The end must be where the file ends and name a directory that lies before it; entries lie before the directory, apart from
//! each other, with one name each, and promise no more than deflate can hold (1032 bytes for one). Programs that search
//! further are led to quadratic time by forged ends, and by shared data to bombs within bombs.
//! Source: PKWARE, APPNOTE.TXT 6.3.10, clause 4.

use std::collections::HashSet;
use std::io::Read;
use std::ops::Range;

use flate2::read::DeflateDecoder;

use super::MAX_TENSOR_BYTES;
use crate::{Error, Result};

const LOCAL: &[u8] = b"PK\x03\x04";
const CENTRAL: &[u8] = b"PK\x01\x02";
const END: &[u8] = b"PK\x05\x06";
const END_64: &[u8] = b"PK\x06\x06";
const LOCATOR_64: &[u8] = b"PK\x06\x07";
const LOCAL_LEN: usize = 30;
const CENTRAL_LEN: usize = 46;
const END_LEN: usize = 22;
const END_64_LEN: usize = 56;
const LOCATOR_64_LEN: usize = 20;
/// Most bytes that one byte of deflate stands for.
const MAX_RATIO: u64 = 1032;

/// How an entry is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Packing {
    Stored,
    Deflated,
}

/// One file in the ZIP, its sizes checked.
#[derive(Debug)]
pub(super) struct Entry<'a> {
    pub(super) name: String,
    pub(super) packing: Packing,
    /// Where its data lie in the file.
    place: Range<usize>,
    data: &'a [u8],
    pub(super) unpacked_len: usize,
    checksum: u32,
}

fn malformed(what: impl Into<String>, at: usize) -> Error {
    Error::Malformed { what: format!("ZIP: {}", what.into()), at_byte: at as u64 }
}

/// Little-endian numbers of a record that is known to be long enough.
struct Record<'a>(&'a [u8]);

impl<'a> Record<'a> {
    /// `len` bytes from `at` on, beginning with `tag`.
    fn tagged(bytes: &'a [u8], at: usize, tag: &[u8], len: usize, what: &str) -> Result<Self> {
        let record = at.checked_add(len).and_then(|end| bytes.get(at..end));
        match record {
            Some(record) if record.starts_with(tag) => Ok(Self(record)),
            _ => Err(malformed(format!("{what} expected"), at)),
        }
    }

    fn u16(&self, at: usize) -> u16 {
        u16::from_le_bytes(self.0[at..at + 2].try_into().expect("two bytes"))
    }

    fn u32(&self, at: usize) -> u32 {
        u32::from_le_bytes(self.0[at..at + 4].try_into().expect("four bytes"))
    }

    fn u64(&self, at: usize) -> u64 {
        u64::from_le_bytes(self.0[at..at + 8].try_into().expect("eight bytes"))
    }

    fn len16(&self, at: usize) -> usize {
        usize::from(self.u16(at))
    }
}

/// What the end of the file says.
#[derive(Debug)]
struct Directory {
    n_entries: usize,
    place: Range<usize>,
}

/// The entries in the order of the directory.
///
/// # Errors
/// `Malformed`, `Unsupported` (other packings, encryption, several disks), `LimitExceeded` beyond [`MAX_TENSOR_BYTES`] unpacked.
pub(super) fn entries(bytes: &[u8]) -> Result<Vec<Entry<'_>>> {
    let Directory { n_entries, place } = directory(bytes)?;
    let mut entries = Vec::with_capacity(n_entries);
    let mut at = place.start;
    for _ in 0..n_entries {
        let (entry, len) = entry(bytes, at, &place)?;
        entries.push(entry);
        at += len;
    }
    let total = entries.iter().fold(0u64, |sum, entry| sum.saturating_add(entry.unpacked_len as u64));
    if total > MAX_TENSOR_BYTES {
        let what = "unpacked bytes of a .npz file";
        return Err(Error::LimitExceeded { what, value: total, limit: MAX_TENSOR_BYTES });
    }
    stand_apart(&entries)?;
    Ok(entries)
}

fn directory(bytes: &[u8]) -> Result<Directory> {
    let end = end_of_directory(bytes)?;
    let record = Record(&bytes[end..end + END_LEN]);
    let (disk, directory_disk) = (record.u16(4), record.u16(6));
    let (mut n_entries, mut size, mut start) =
        (u64::from(record.u16(10)), u64::from(record.u32(12)), u64::from(record.u32(16)));
    let mut before = end;
    if n_entries == 0xffff || size == 0xffff_ffff || start == 0xffff_ffff {
        (n_entries, size, start, before) = sixty_four(bytes, end)?;
    } else if disk != 0 || directory_disk != 0 {
        return Err(Error::Unsupported { what: "ZIP on several disks; one file is read".into() });
    }
    let stop = start.checked_add(size).filter(|&stop| stop <= before as u64);
    let Some(stop) = stop else {
        return Err(malformed(
            format!("a directory of {size} bytes at byte {start} does not end before its end record"),
            end,
        ));
    };
    if n_entries.checked_mul(CENTRAL_LEN as u64).is_none_or(|least| least > size) {
        return Err(malformed(format!("{n_entries} entries do not fit a directory of {size} bytes"), end));
    }
    // All are within the file now.
    Ok(Directory { n_entries: n_entries as usize, place: start as usize..stop as usize })
}

/// Where the end record is whose comment ends with the file.
fn end_of_directory(bytes: &[u8]) -> Result<usize> {
    let last = bytes.len().checked_sub(END_LEN).ok_or_else(|| malformed("the file is cut", bytes.len()))?;
    let first = last.saturating_sub(usize::from(u16::MAX));
    let is_end = |&at: &usize| {
        bytes[at..].starts_with(END) && Record(&bytes[at..at + END_LEN]).len16(20) == bytes.len() - at - END_LEN
    };
    let found = (first..=last).rev().find(is_end);
    found.ok_or_else(|| malformed("no end of the directory: the file is cut or no ZIP", bytes.len()))
}

/// Entries, size and start of the directory, and where the record is, by the 64-bit records before `end`.
fn sixty_four(bytes: &[u8], end: usize) -> Result<(u64, u64, u64, usize)> {
    let at = end.checked_sub(LOCATOR_64_LEN).ok_or_else(|| malformed("no 64-bit records", end))?;
    let locator = Record::tagged(bytes, at, LOCATOR_64, LOCATOR_64_LEN, "the place of the 64-bit record")?;
    let place = usize::try_from(locator.u64(8)).ok().filter(|&place| place < at);
    let place = place.ok_or_else(|| malformed("the 64-bit record does not lie before its locator", at))?;
    let record = Record::tagged(bytes, place, END_64, END_64_LEN, "the 64-bit end of the directory")?;
    if record.u32(16) != 0 || record.u32(20) != 0 || locator.u32(16) > 1 {
        return Err(Error::Unsupported { what: "ZIP on several disks; one file is read".into() });
    }
    Ok((record.u64(32), record.u64(40), record.u64(48), place))
}

/// The entry whose record is at `at`, and the record's length.
fn entry<'a>(bytes: &'a [u8], at: usize, directory: &Range<usize>) -> Result<(Entry<'a>, usize)> {
    let record = Record::tagged(&bytes[..directory.end], at, CENTRAL, CENTRAL_LEN, "a directory entry")?;
    let (name_len, extra_len) = (record.len16(28), record.len16(30));
    let len = CENTRAL_LEN + name_len + extra_len + record.len16(32);
    let tail = at.checked_add(len).filter(|&stop| stop <= directory.end);
    let tail = tail.ok_or_else(|| malformed("a directory entry is longer than the directory", at))?;
    let tail = &bytes[at + CENTRAL_LEN..tail];
    let name = String::from_utf8(tail[..name_len].to_vec()).map_err(|_| malformed("a name is not UTF-8", at))?;
    let [unpacked, packed, start] = sizes(&record, &tail[name_len..name_len + extra_len], at)?;
    let packing = packing(&record, &name)?;
    let most = if packing == Packing::Stored { packed } else { packed.saturating_mul(MAX_RATIO) };
    if unpacked > most || (packing == Packing::Stored && unpacked != packed) {
        let what = format!(
            "'{}' promises {unpacked} bytes of {packed}; no more than {most} can be in them",
            name.escape_debug()
        );
        return Err(malformed(what, at));
    }
    let place = data_place(bytes, start, packed, directory.start)?;
    let unpacked_len = usize::try_from(unpacked).map_err(|_| malformed("an entry larger than memory", at))?;
    let data = &bytes[place.clone()];
    Ok((Entry { name, packing, place, data, unpacked_len, checksum: record.u32(16) }, len))
}

fn packing(record: &Record<'_>, name: &str) -> Result<Packing> {
    let name = name.escape_debug();
    if record.u16(8) & 1 != 0 {
        return Err(Error::Unsupported { what: format!("'{name}' in the .npz file is encrypted") });
    }
    match record.u16(10) {
        0 => Ok(Packing::Stored),
        8 => Ok(Packing::Deflated),
        other => {
            let what = format!("'{name}' in the .npz file is packed by method {other}; stored and deflated are read");
            Err(Error::Unsupported { what })
        }
    }
}

/// Unpacked size, packed size and place; those that are all ones stand in the 64-bit extra field, in this order.
fn sizes(record: &Record<'_>, mut extra: &[u8], at: usize) -> Result<[u64; 3]> {
    let mut sizes = [24, 20, 42].map(|at| u64::from(record.u32(at)));
    if sizes.iter().all(|&size| size != 0xffff_ffff) {
        return Ok(sizes);
    }
    while extra.len() >= 4 {
        let (kind, len) = (Record(extra).u16(0), Record(extra).len16(2));
        let Some(field) = extra[4..].get(..len) else { break };
        if kind == 1 {
            let mut numbers = field.chunks_exact(8).map(|b| u64::from_le_bytes(b.try_into().expect("eight bytes")));
            for size in sizes.iter_mut().filter(|size| **size == 0xffff_ffff) {
                *size = numbers.next().ok_or_else(|| malformed("the 64-bit sizes are cut", at))?;
            }
            return Ok(sizes);
        }
        extra = &extra[4 + len..];
    }
    Err(malformed("the 64-bit sizes are missing", at))
}

/// Where the data of the entry at `start` lie: behind its own record, before the directory.
fn data_place(bytes: &[u8], start: u64, packed: u64, directory_start: usize) -> Result<Range<usize>> {
    let outside = |at: u64| Error::Malformed { what: "ZIP: an entry lies beyond the directory".into(), at_byte: at };
    let at = usize::try_from(start).ok().filter(|&at| at < directory_start).ok_or_else(|| outside(start))?;
    let local = Record::tagged(&bytes[..directory_start], at, LOCAL, LOCAL_LEN, "an entry")?;
    let from = at + LOCAL_LEN + local.len16(26) + local.len16(28);
    let to = (from as u64).checked_add(packed).filter(|&to| to <= directory_start as u64);
    Ok(from..to.ok_or_else(|| outside(start))? as usize)
}

/// No two entries share a name or bytes.
fn stand_apart(entries: &[Entry<'_>]) -> Result<()> {
    let mut names = HashSet::with_capacity(entries.len());
    if let Some(twice) = entries.iter().find(|entry| !names.insert(&entry.name)) {
        return Err(malformed(format!("two entries are called '{}'", twice.name.escape_debug()), twice.place.start));
    }
    let mut places: Vec<&Range<usize>> = entries.iter().map(|entry| &entry.place).collect();
    places.sort_by_key(|place| (place.start, place.end));
    match places.windows(2).find(|pair| pair[1].start < pair[0].end) {
        Some(pair) => Err(malformed("two entries share their bytes", pair[1].start)),
        None => Ok(()),
    }
}

impl Entry<'_> {
    /// The first bytes, at most `n`.
    pub(super) fn first(&self, n: usize) -> Result<Vec<u8>> {
        let n = n.min(self.unpacked_len);
        match self.packing {
            Packing::Stored => Ok(self.data[..n].to_vec()),
            Packing::Deflated => self.inflated(n),
        }
    }

    /// All bytes, their number and checksum verified.
    pub(super) fn unpack(&self) -> Result<Vec<u8>> {
        // One more than promised, if it is there.
        let bytes = match self.packing {
            Packing::Stored => self.data.to_vec(),
            Packing::Deflated => self.inflated(self.unpacked_len + 1)?,
        };
        let name = self.name.escape_debug();
        if bytes.len() != self.unpacked_len {
            let what = format!("'{name}' holds not the {} bytes that it promises", self.unpacked_len);
            return Err(malformed(what, self.place.start));
        }
        match crc32fast::hash(&bytes) == self.checksum {
            true => Ok(bytes),
            false => Err(malformed(format!("the checksum of '{name}' is wrong"), self.place.start)),
        }
    }

    /// At most `n` bytes; memory as promised, which is no more than the data can hold.
    fn inflated(&self, n: usize) -> Result<Vec<u8>> {
        let mut bytes = Vec::with_capacity(n);
        let read = DeflateDecoder::new(self.data).take(n as u64).read_to_end(&mut bytes);
        read.map_err(|error| malformed(format!("'{}': {error}", self.name.escape_debug()), self.place.start))?;
        Ok(bytes)
    }
}
