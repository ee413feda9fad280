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

use super::bytes::{Bytes, Run};
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
/// Longest directory taken in, bytes: a million entries with short names.
const MAX_DIRECTORY: u64 = 1 << 27;

/// How an entry is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Packing {
    Stored,
    Deflated,
}

/// One file in the ZIP, its sizes checked.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) packing: Packing,
    /// Where its data lie in the file.
    pub(super) place: Range<u64>,
    pub(super) unpacked_len: u64,
    checksum: u32,
}

fn malformed(what: impl Into<String>, at: u64) -> Error {
    Error::Malformed { what: format!("ZIP: {}", what.into()), at_byte: at }
}

/// Little-endian numbers of a record that is known to be long enough.
struct Record(Vec<u8>);

impl Record {
    /// `len` bytes from `at` on, before `end`, beginning with `tag`.
    fn tagged(bytes: &dyn Bytes, at: u64, end: u64, tag: &[u8], len: usize, what: &str) -> Result<Self> {
        let fits = at.checked_add(len as u64).is_some_and(|stop| stop <= end);
        let record = if fits { bytes.get(at, len)? } else { Vec::new() };
        match record.len() == len && record.starts_with(tag) {
            true => Ok(Self(record)),
            false => Err(malformed(format!("{what} expected"), at)),
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
    n_entries: u64,
    place: Range<u64>,
}

/// The entries in the order of the directory.
///
/// # Errors
/// `Malformed`, `Unsupported` (other packings, encryption, several disks), `LimitExceeded` for a directory beyond 128 MiB.
pub(super) fn entries(bytes: &dyn Bytes) -> Result<Vec<Entry>> {
    let Directory { n_entries, place } = directory(bytes)?;
    let len = place.end - place.start;
    if len > MAX_DIRECTORY {
        return Err(Error::LimitExceeded { what: "bytes of a ZIP directory", value: len, limit: MAX_DIRECTORY });
    }
    let records = bytes.get(place.start, len as usize)?;
    let mut entries = Vec::with_capacity(n_entries as usize);
    let mut at = 0;
    for _ in 0..n_entries {
        let (entry, len) = entry(bytes, &records, at, &place)?;
        entries.push(entry);
        at += len;
    }
    stand_apart(&entries)?;
    Ok(entries)
}

fn directory(bytes: &dyn Bytes) -> Result<Directory> {
    let end = end_of_directory(bytes)?;
    let record = Record::tagged(bytes, end, bytes.len(), END, END_LEN, "the end of the directory")?;
    let (disk, directory_disk) = (record.u16(4), record.u16(6));
    let (mut n_entries, mut size, mut start) =
        (u64::from(record.u16(10)), u64::from(record.u32(12)), u64::from(record.u32(16)));
    let mut before = end;
    if n_entries == 0xffff || size == 0xffff_ffff || start == 0xffff_ffff {
        (n_entries, size, start, before) = sixty_four(bytes, end)?;
    } else if disk != 0 || directory_disk != 0 {
        return Err(Error::Unsupported { what: "ZIP on several disks; one file is read".into() });
    }
    let stop = start.checked_add(size).filter(|&stop| stop <= before);
    let Some(stop) = stop else {
        return Err(malformed(
            format!("a directory of {size} bytes at byte {start} does not end before its end record"),
            end,
        ));
    };
    if n_entries.checked_mul(CENTRAL_LEN as u64).is_none_or(|least| least > size) {
        return Err(malformed(format!("{n_entries} entries do not fit a directory of {size} bytes"), end));
    }
    Ok(Directory { n_entries, place: start..stop })
}

/// Where the end record is whose comment ends with the file.
fn end_of_directory(bytes: &dyn Bytes) -> Result<u64> {
    let last = bytes.len().checked_sub(END_LEN as u64).ok_or_else(|| malformed("the file is cut", bytes.len()))?;
    let first = last.saturating_sub(u64::from(u16::MAX));
    let tail = bytes.get(first, (bytes.len() - first) as usize)?;
    let is_end = |&at: &usize| {
        let record = &tail[at..];
        record.starts_with(END) && usize::from(u16::from_le_bytes([record[20], record[21]])) == record.len() - END_LEN
    };
    let found = (0..=tail.len().saturating_sub(END_LEN)).rev().find(is_end);
    let found = found.ok_or_else(|| malformed("no end of the directory: the file is cut or no ZIP", bytes.len()))?;
    Ok(first + found as u64)
}

/// Entries, size and start of the directory, and where the record is, by the 64-bit records before `end`.
fn sixty_four(bytes: &dyn Bytes, end: u64) -> Result<(u64, u64, u64, u64)> {
    let at = end.checked_sub(LOCATOR_64_LEN as u64).ok_or_else(|| malformed("no 64-bit records", end))?;
    let locator = Record::tagged(bytes, at, end, LOCATOR_64, LOCATOR_64_LEN, "the place of the 64-bit record")?;
    let place = Some(locator.u64(8)).filter(|&place| place < at);
    let place = place.ok_or_else(|| malformed("the 64-bit record does not lie before its locator", at))?;
    let record = Record::tagged(bytes, place, at, END_64, END_64_LEN, "the 64-bit end of the directory")?;
    if record.u32(16) != 0 || record.u32(20) != 0 || locator.u32(16) > 1 {
        return Err(Error::Unsupported { what: "ZIP on several disks; one file is read".into() });
    }
    Ok((record.u64(32), record.u64(40), record.u64(48), place))
}

/// The entry whose record is at byte `at` of the directory's `records`, and the record's length.
fn entry(bytes: &dyn Bytes, mut records: &[u8], at: usize, directory: &Range<u64>) -> Result<(Entry, usize)> {
    let in_file = directory.start + at as u64;
    records = records.get(at..).unwrap_or(&[]);
    let record = Record::tagged(&records, 0, records.len() as u64, CENTRAL, CENTRAL_LEN, "a directory entry")
        .map_err(|_| malformed("a directory entry expected", in_file))?;
    let (name_len, extra_len) = (record.len16(28), record.len16(30));
    let len = CENTRAL_LEN + name_len + extra_len + record.len16(32);
    let tail = records.get(CENTRAL_LEN..len);
    let tail = tail.ok_or_else(|| malformed("a directory entry is longer than the directory", in_file))?;
    let name = String::from_utf8(tail[..name_len].to_vec()).map_err(|_| malformed("a name is not UTF-8", in_file))?;
    let [unpacked, packed, start] = sizes(&record, &tail[name_len..name_len + extra_len], in_file)?;
    let packing = packing(&record, &name)?;
    let most = if packing == Packing::Stored { packed } else { packed.saturating_mul(MAX_RATIO) };
    if unpacked > most || (packing == Packing::Stored && unpacked != packed) {
        let what = format!(
            "'{}' promises {unpacked} bytes of {packed}; no more than {most} can be in them",
            name.escape_debug()
        );
        return Err(malformed(what, in_file));
    }
    let place = data_place(bytes, start, packed, directory.start)?;
    Ok((Entry { name, packing, place, unpacked_len: unpacked, checksum: record.u32(16) }, len))
}

fn packing(record: &Record, name: &str) -> Result<Packing> {
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
fn sizes(record: &Record, mut extra: &[u8], at: u64) -> Result<[u64; 3]> {
    let mut sizes = [24, 20, 42].map(|at| u64::from(record.u32(at)));
    if sizes.iter().all(|&size| size != 0xffff_ffff) {
        return Ok(sizes);
    }
    while extra.len() >= 4 {
        let (kind, len) = (u16::from_le_bytes([extra[0], extra[1]]), u16::from_le_bytes([extra[2], extra[3]]).into());
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
fn data_place(bytes: &dyn Bytes, start: u64, packed: u64, directory_start: u64) -> Result<Range<u64>> {
    let outside = || malformed("an entry lies beyond the directory", start);
    if start >= directory_start {
        return Err(outside());
    }
    let local = Record::tagged(bytes, start, directory_start, LOCAL, LOCAL_LEN, "an entry")?;
    let from = start + (LOCAL_LEN + local.len16(26) + local.len16(28)) as u64;
    let to = from.checked_add(packed).filter(|&to| to <= directory_start).ok_or_else(outside)?;
    Ok(from..to)
}

/// No two entries share a name or bytes.
fn stand_apart(entries: &[Entry]) -> Result<()> {
    let mut names = HashSet::with_capacity(entries.len());
    if let Some(twice) = entries.iter().find(|entry| !names.insert(&entry.name)) {
        return Err(malformed(format!("two entries are called '{}'", twice.name.escape_debug()), twice.place.start));
    }
    let mut places: Vec<&Range<u64>> = entries.iter().map(|entry| &entry.place).collect();
    places.sort_by_key(|place| (place.start, place.end));
    match places.windows(2).find(|pair| pair[1].start < pair[0].end) {
        Some(pair) => Err(malformed("two entries share their bytes", pair[1].start)),
        None => Ok(()),
    }
}

/// What an entry unpacks to, read from its start; at the end its length and checksum are verified.
pub(super) struct Unpacked<'a> {
    entry: &'a Entry,
    inner: Inner<'a>,
    n_read: u64,
    hasher: crc32fast::Hasher,
}

enum Inner<'a> {
    Stored(Run<'a>),
    Deflated(Box<DeflateDecoder<Run<'a>>>),
}

impl Entry {
    /// Opens it at its start.
    pub(super) fn open<'a>(&'a self, bytes: &'a dyn Bytes) -> Unpacked<'a> {
        let run = Run::new(bytes, self.place.clone());
        let inner = match self.packing {
            Packing::Stored => Inner::Stored(run),
            Packing::Deflated => Inner::Deflated(Box::new(DeflateDecoder::new(run))),
        };
        Unpacked { entry: self, inner, n_read: 0, hasher: crc32fast::Hasher::new() }
    }

    /// The first bytes, at most `n`.
    pub(super) fn first(&self, bytes: &dyn Bytes, n: usize) -> Result<Vec<u8>> {
        let n = usize::try_from(self.unpacked_len).unwrap_or(usize::MAX).min(n);
        let mut out = vec![0; n];
        let n = self.open(bytes).read_some(&mut out)?;
        out.truncate(n);
        Ok(out)
    }

    /// All bytes, their number and checksum verified.
    pub(super) fn unpack(&self, bytes: &dyn Bytes) -> Result<Vec<u8>> {
        let len = usize::try_from(self.unpacked_len)
            .map_err(|_| malformed("an entry larger than memory", self.place.start))?;
        let mut out = vec![0; len];
        let mut unpacked = self.open(bytes);
        let n = unpacked.read_some(&mut out)?;
        out.truncate(n);
        unpacked.finish()?;
        Ok(out)
    }
}

impl Unpacked<'_> {
    /// Fills `out`; the number of bytes read, fewer than asked only at the end.
    pub(super) fn read_some(&mut self, out: &mut [u8]) -> Result<usize> {
        let left = usize::try_from(self.entry.unpacked_len - self.n_read).unwrap_or(usize::MAX);
        let wanted = left.min(out.len());
        let mut n = 0;
        while n < wanted {
            match self.read_once(&mut out[n..wanted])? {
                0 => break,
                more => n += more,
            }
        }
        self.hasher.update(&out[..n]);
        self.n_read += n as u64;
        Ok(n)
    }

    fn read_once(&mut self, out: &mut [u8]) -> Result<usize> {
        let read = match &mut self.inner {
            Inner::Stored(run) => run.read(out),
            Inner::Deflated(decoder) => decoder.read(out),
        };
        let entry = self.entry;
        read.map_err(|error| malformed(format!("'{}': {error}", entry.name.escape_debug()), entry.place.start))
    }

    /// Verifies that all was there, and no more.
    pub(super) fn finish(mut self) -> Result<()> {
        let entry = self.entry;
        let name = entry.name.escape_debug();
        if self.n_read != entry.unpacked_len || self.read_once(&mut [0])? != 0 {
            let what = format!("'{name}' holds not the {} bytes that it promises", entry.unpacked_len);
            return Err(malformed(what, entry.place.start));
        }
        match self.hasher.finalize() == entry.checksum {
            true => Ok(()),
            false => Err(malformed(format!("the checksum of '{name}' is wrong"), entry.place.start)),
        }
    }
}
