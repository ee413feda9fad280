//! The file around the packets: header, groups, end record. Little endian throughout.
//!
//! ```text
//! header | group 0 | group 1 | ... | end record with the index
//! ```
//!
//! `docs/bitstream.md` describes every field.

use super::{bands::BandTables, codebooks::Codebooks, reconstruction::BandQuantizer, stereo, syntax::Layout};
use crate::{Error, Result};
use std::io::{Read, Seek, SeekFrom};

/// First four bytes of a file.
pub const MAGIC: [u8; 4] = *b"SQN1";
/// First four bytes of a group.
pub(crate) const GROUP_MAGIC: [u8; 4] = *b"SQGr";
/// First four bytes of the end record.
pub(crate) const END_MAGIC: [u8; 4] = *b"SQEn";
/// The version this crate writes and reads.
pub(crate) const VERSION: u8 = 1;

/// Bytes of the header before the extra part.
const FIXED_HEADER: usize = 33;
/// Bytes of a group before its payload, and after.
pub(crate) const GROUP_HEADER: usize = 16;
pub(crate) const GROUP_TRAILER: usize = 4;
/// Bytes of the end record beside the offsets: magic, count, samples, CRC, length, magic.
pub(crate) const END_RECORD: usize = 4 + 4 + 8 + 4 + 4 + 4;

/// The longest payload of a group, and the longest extra part, in bytes.
pub(crate) const BYTES_LIMIT: u32 = 1 << 24;
/// The most samples, of all channels together, that a group decodes to.
pub(crate) const GROUP_SAMPLES_LIMIT: u64 = 1 << 22;
/// The most superframes in a group.
pub(crate) const SUPERFRAMES_LIMIT: u8 = 255;
/// The greatest sample rate, in Hz.
pub(crate) const RATE_LIMIT_HZ: u32 = 768_000;

/// The number of samples is not known.
const UNKNOWN: u64 = u64::MAX;

/// The header of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Header {
    /// Samples per second and channel, 1..=768 000.
    pub sample_rate_hz: u32,
    /// Channels, 1..=255.
    pub channels: u8,
    /// Speaker mask of WAVE_FORMAT_EXTENSIBLE, 0 when none is stated.
    pub channel_mask: u32,
    /// Samples per channel, when the encoder knew.
    pub samples: Option<u64>,
    /// Superframes of a full group, 1..=255.
    pub group_superframes: u8,
    /// log2 of the superframe's samples, 8..=14.
    pub log2_superframe: u8,
    /// Noise replaces zeros and empty bands.
    pub has_noise: bool,
    /// The quantizer of the coefficients.
    pub band_quantizer: BandQuantizer,
    /// The codebooks of [`BandQuantizer::LloydMax`]; stored with no other.
    pub codebooks: Codebooks,
    /// Fine gain g: all step sizes and noise levels are multiplied by `2^(g/512)`, 0 to 3 dB.
    pub fine_gain: u8,
    /// The encoder's noise target in dB; for information alone.
    pub target_db: f32,
    /// Bit depth of the original, 0 when unknown; for information alone.
    pub bits: u8,
    /// `KEY=value` pairs.
    pub tags: Vec<(String, String)>,
}

impl Header {
    /// Samples of a superframe, N.
    pub fn superframe_samples(&self) -> usize {
        1 << self.log2_superframe
    }

    /// Samples per channel of a full group.
    pub fn group_samples(&self) -> usize {
        usize::from(self.group_superframes) << self.log2_superframe
    }

    /// The start of a group, in seconds.
    pub fn time_of_group_s(&self, number: u32) -> f64 {
        f64::from(number) * self.group_samples() as f64 / f64::from(self.sample_rate_hz)
    }

    /// The constants of the file.
    pub fn layout(&self) -> Layout {
        let superframe_samples = self.superframe_samples();
        Layout {
            elements: stereo::elements(usize::from(self.channels), self.channel_mask),
            tables: BandTables::new(self.sample_rate_hz, superframe_samples),
            superframe_samples,
            has_noise: self.has_noise,
            quantizer: self.band_quantizer,
        }
    }

    /// The factor that `fine_gain` stands for.
    pub fn gain(&self) -> f32 {
        (f32::from(self.fine_gain) / 512.0).exp2()
    }

    /// Checks each field against its range.
    ///
    /// # Errors
    /// `InvalidParameter` naming the first field out of range.
    pub fn check(&self) -> Result<()> {
        let check = |name, value: u64, allowed: std::ops::RangeInclusive<u64>| match allowed.contains(&value) {
            true => Ok(()),
            false => Err(Error::invalid(name, value, format!("{} to {}", allowed.start(), allowed.end()))),
        };
        check("sample rate", self.sample_rate_hz.into(), 1..=RATE_LIMIT_HZ.into())?;
        check("channels", self.channels.into(), 1..=255)?;
        check("log2 of the superframe", self.log2_superframe.into(), 8..=14)?;
        check("superframes per group", self.group_superframes.into(), 1..=SUPERFRAMES_LIMIT.into())?;
        let samples = self.group_samples() as u64 * u64::from(self.channels);
        check("samples per group", samples, 1..=GROUP_SAMPLES_LIMIT)
    }

    /// The header's bytes.
    ///
    /// # Errors
    /// `InvalidParameter` for a field out of range, `LimitExceeded` for more than 16 MiB of tags.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        self.check()?;
        let extra = self.extra()?;
        let extra_len = u32::try_from(extra.len()).ok().filter(|&n| n <= BYTES_LIMIT);
        let extra_len = extra_len.ok_or(Error::LimitExceeded {
            what: "size of the tags in bytes",
            value: extra.len() as u64,
            limit: BYTES_LIMIT.into(),
        })?;
        let flags = u8::from(!self.has_noise) | self.band_quantizer.id() << 1;
        let mut bytes = Vec::with_capacity(FIXED_HEADER + extra.len() + 4);
        bytes.extend(MAGIC);
        bytes.extend([VERSION, flags, self.channels, self.log2_superframe]);
        bytes.extend(self.sample_rate_hz.to_le_bytes());
        bytes.extend(self.samples.unwrap_or(UNKNOWN).to_le_bytes());
        bytes.extend(self.channel_mask.to_le_bytes());
        bytes.extend([self.group_superframes, self.bits]);
        let target = (self.target_db * 100.0).round().clamp(-32_768.0, 32_767.0) as i16;
        bytes.extend(target.to_le_bytes());
        bytes.push(self.fine_gain);
        bytes.extend(extra_len.to_le_bytes());
        bytes.extend(extra);
        bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
        Ok(bytes)
    }

    fn extra(&self) -> Result<Vec<u8>> {
        let mut extra = match self.band_quantizer {
            BandQuantizer::LloydMax => self.codebooks.to_bytes(),
            _ => Vec::new(),
        };
        for (key, value) in &self.tags {
            if key.is_empty() || key.contains('=') {
                return Err(Error::invalid("key of a tag", key, "at least one character, no ="));
            }
            let pair = format!("{key}={value}");
            extra.extend((pair.len() as u32).to_le_bytes());
            extra.extend(pair.as_bytes());
        }
        Ok(extra)
    }
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    bytes[at..at + N].try_into().expect("the range has N bytes")
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(array(bytes, at))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(array(bytes, at))
}

/// A file that breaks the rules at `at_byte`.
pub(crate) fn malformed(what: impl Into<String>, at_byte: u64) -> Error {
    Error::Malformed { what: what.into(), at_byte }
}

/// Kinds of bytes at the reader's position.
#[derive(Debug)]
pub(crate) enum Record {
    /// A group.
    Group(GroupHeader),
    /// The end record.
    End,
    /// Nothing: the input ends here.
    Nothing,
    /// Neither.
    Unknown,
}

/// The head of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct GroupHeader {
    /// Position in the file, from 0.
    pub number: u32,
    /// Samples per channel, at least 1; a full group unless it is the last.
    pub samples: u32,
    /// Bytes of the payload.
    pub payload_bytes: u32,
}

impl GroupHeader {
    /// The group's bytes around `payload`.
    pub(crate) fn frame(number: u32, samples: u32, payload: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(GROUP_HEADER + payload.len() + GROUP_TRAILER);
        bytes.extend(GROUP_MAGIC);
        bytes.extend(number.to_le_bytes());
        bytes.extend(samples.to_le_bytes());
        bytes.extend((payload.len() as u32).to_le_bytes());
        bytes.extend(payload);
        bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
        bytes
    }

    fn parse(bytes: &[u8]) -> Self {
        Self { number: u32_at(bytes, 4), samples: u32_at(bytes, 8), payload_bytes: u32_at(bytes, 12) }
    }

    /// Bytes of the whole group.
    pub(crate) fn total_bytes(&self) -> usize {
        GROUP_HEADER + self.payload_bytes as usize + GROUP_TRAILER
    }

    /// True when the sizes are within the format's limits.
    pub(crate) fn is_plausible(&self, header: &Header) -> bool {
        self.payload_bytes <= BYTES_LIMIT && (1..=header.group_samples() as u64).contains(&u64::from(self.samples))
    }
}

/// The end record: where the groups start, and how many samples there are.
pub(crate) fn end_record(offsets: &[u64], samples: u64) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(END_RECORD + 8 * offsets.len());
    bytes.extend(END_MAGIC);
    bytes.extend((offsets.len() as u32).to_le_bytes());
    bytes.extend(samples.to_le_bytes());
    offsets.iter().for_each(|o| bytes.extend(o.to_le_bytes()));
    bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
    bytes.extend((bytes.len() as u32 + 8).to_le_bytes());
    bytes.extend(END_MAGIC);
    bytes
}

/// A parsed end record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct End {
    /// First byte of each group.
    pub offsets: Vec<u64>,
    /// Samples per channel.
    pub samples: u64,
}

impl End {
    /// Parses the bytes of an end record; `None` when they are none.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let (sealed, tail) = bytes.split_at_checked(bytes.len().checked_sub(12)?)?;
        let is_whole = sealed.len() >= 16
            && sealed[..4] == END_MAGIC
            && sealed.len() as u64 == 16 + 8 * u64::from(u32_at(sealed, 4))
            && u32_at(tail, 0) == crc32fast::hash(sealed)
            && u64::from(u32_at(tail, 4)) == bytes.len() as u64
            && tail[8..] == END_MAGIC;
        is_whole.then(|| Self {
            offsets: (16..sealed.len()).step_by(8).map(|at| u64_at(sealed, at)).collect(),
            samples: u64_at(sealed, 8),
        })
    }
}

/// Reads records through a buffer that holds at most one of them, so that a damaged one can be searched again.
pub(crate) struct RecordReader<R> {
    input: R,
    buffer: Vec<u8>,
    /// Bytes of the file before the buffer.
    offset: u64,
}

impl<R: Read> RecordReader<R> {
    /// A reader at the start of a file.
    pub(crate) fn new(input: R) -> Self {
        Self { input, buffer: Vec::new(), offset: 0 }
    }

    /// The input, after what was read or looked at.
    #[cfg(feature = "symphonia")]
    pub(crate) fn into_inner(self) -> R {
        self.input
    }

    /// Position of the next byte in the file.
    pub(crate) fn position(&self) -> u64 {
        self.offset
    }

    /// The first `n` bytes from here, or as many as there are.
    pub(crate) fn peek(&mut self, n: usize) -> Result<&[u8]> {
        if let Some(missing) = n.checked_sub(self.buffer.len()) {
            // `take` grows the buffer with what really comes, whatever a header claims
            self.input.by_ref().take(missing as u64).read_to_end(&mut self.buffer).map_err(Error::stream)?;
        }
        Ok(&self.buffer[..n.min(self.buffer.len())])
    }

    /// Drops `n` bytes that were peeked at.
    pub(crate) fn consume(&mut self, n: usize) {
        self.buffer.drain(..n);
        self.offset += n as u64;
    }

    /// Reads the header.
    ///
    /// # Errors
    /// `Unsupported` for another format or version, `Malformed` for a damaged header.
    pub(crate) fn header(&mut self) -> Result<Header> {
        let fixed = self.peek(FIXED_HEADER)?;
        if fixed.get(..4) != Some(&MAGIC) {
            return Err(Error::Unsupported { what: "not an .sqn file (it does not begin with SQN1)".into() });
        }
        if fixed.len() < FIXED_HEADER {
            return Err(malformed("the file ends within its header", fixed.len() as u64));
        }
        if fixed[4] != VERSION {
            let what = format!("version {} of the .sqn format; this program reads version {VERSION}", fixed[4]);
            return Err(Error::Unsupported { what });
        }
        let extra_len = u32_at(fixed, 29);
        if extra_len > BYTES_LIMIT {
            let limit = BYTES_LIMIT.into();
            return Err(Error::LimitExceeded { what: "size of the tags in bytes", value: extra_len.into(), limit });
        }
        let total = FIXED_HEADER + extra_len as usize + 4;
        let bytes = self.peek(total)?;
        if bytes.len() < total {
            return Err(malformed("the file ends within its header", bytes.len() as u64));
        }
        if crc32fast::hash(&bytes[..total - 4]) != u32_at(bytes, total - 4) {
            return Err(malformed("the header is damaged: its checksum is wrong", 0));
        }
        let header = parse_header(&bytes[..total - 4])?;
        self.consume(total);
        Ok(header)
    }

    /// The kind of the next record. Consumes nothing.
    pub(crate) fn record(&mut self) -> Result<Record> {
        let bytes = self.peek(GROUP_HEADER)?;
        Ok(match bytes.get(..4) {
            None if bytes.is_empty() => Record::Nothing,
            Some(magic) if magic == GROUP_MAGIC && bytes.len() == GROUP_HEADER => {
                Record::Group(GroupHeader::parse(bytes))
            }
            Some(magic) if magic == END_MAGIC => Record::End,
            _ => Record::Unknown,
        })
    }

    /// Reads the payload of the group that [`Self::record`] found; `None`, and nothing consumed, when bytes are missing
    /// or the checksum is wrong.
    pub(crate) fn read_payload(&mut self, group: GroupHeader, payload: &mut Vec<u8>) -> Result<Option<()>> {
        let total = group.total_bytes();
        let bytes = self.peek(total)?;
        let sealed = total - GROUP_TRAILER;
        if bytes.len() < total || crc32fast::hash(&bytes[..sealed]) != u32_at(bytes, sealed) {
            return Ok(None);
        }
        payload.clear();
        payload.extend(&bytes[GROUP_HEADER..sealed]);
        self.consume(total);
        Ok(Some(()))
    }

    /// Reads the end record that [`Self::record`] found; `None`, and nothing consumed, when it is damaged.
    pub(crate) fn read_end(&mut self) -> Result<Option<End>> {
        let count = match self.peek(8)? {
            bytes if bytes.len() == 8 => u32_at(bytes, 4),
            _ => return Ok(None),
        };
        let total = END_RECORD + 8 * count as usize;
        let end = End::parse(self.peek(total)?);
        if end.is_some() {
            self.consume(total);
        }
        Ok(end)
    }

    /// Moves on, by at least one byte, to the next bytes that look like a group or the end record, or to the end.
    pub(crate) fn resynchronise(&mut self) -> Result<()> {
        const WINDOW: usize = 1 << 16;
        self.peek(1).map(<[u8]>::len).map(|n| self.consume(n))?;
        loop {
            let bytes = self.peek(WINDOW)?;
            let found = bytes.windows(4).position(|w| w == GROUP_MAGIC || w == END_MAGIC);
            let (len, is_end) = (bytes.len(), bytes.len() < WINDOW);
            match found {
                Some(at) => {
                    self.consume(at);
                    return Ok(());
                }
                None if is_end => {
                    self.consume(len);
                    return Ok(());
                }
                None => self.consume(len - 3),
            }
        }
    }
}

impl<R: Read + Seek> RecordReader<R> {
    /// Moves to the start of group `number`: by the index, or group by group when there is none. False when the file
    /// has fewer groups.
    ///
    /// # Errors
    /// `Malformed` when the header or a group's head on the way is damaged, `Io`.
    pub(crate) fn seek_to_group(&mut self, number: u32) -> Result<bool> {
        let end = self.end_record()?;
        if let Some(end) = end {
            let offset = end.offsets.get(number as usize);
            self.seek_to(*offset.unwrap_or(&0))?;
            return Ok(offset.is_some());
        }
        self.seek_to(0)?;
        let header = self.header()?;
        loop {
            match self.record()? {
                Record::Group(group) if group.is_plausible(&header) => match group.number {
                    n if n == number => return Ok(true),
                    _ => self.seek_to(self.offset + group.total_bytes() as u64)?,
                },
                Record::End | Record::Nothing => return Ok(false),
                _ => return Err(malformed("the head of a group is damaged", self.offset)),
            }
        }
    }

    /// The end record, found from the end of the file; the position is lost.
    pub(crate) fn end_record(&mut self) -> Result<Option<End>> {
        let len = self.input.seek(SeekFrom::End(0)).map_err(Error::stream)?;
        let Some(at) = len.checked_sub(8) else { return Ok(None) };
        self.seek_to(at)?;
        let tail = self.peek(8)?;
        let record_len = u64::from(u32_at(tail, 0));
        let Some(start) = len.checked_sub(record_len).filter(|_| tail[4..] == END_MAGIC) else { return Ok(None) };
        self.seek_to(start)?;
        Ok(End::parse(self.peek(record_len as usize)?))
    }

    /// Moves to a byte of the file.
    pub(crate) fn seek_to(&mut self, offset: u64) -> Result<()> {
        self.buffer.clear();
        self.offset = offset;
        self.input.seek(SeekFrom::Start(offset)).map(drop).map_err(Error::stream)
    }
}

fn parse_header(bytes: &[u8]) -> Result<Header> {
    let flags = bytes[5];
    let band_quantizer = BandQuantizer::from_id(flags >> 1 & 3);
    if flags >> 3 != 0 {
        return Err(malformed(format!("the header has unknown flags {flags:#04x}"), 5));
    }
    let mut extra = &bytes[FIXED_HEADER..];
    let codebooks = match band_quantizer {
        BandQuantizer::LloydMax => {
            Codebooks::read(&mut extra).ok_or_else(|| malformed("the codebooks are damaged", FIXED_HEADER as u64))?
        }
        _ => Codebooks::default(),
    };
    let header = Header {
        sample_rate_hz: u32_at(bytes, 8),
        channels: bytes[6],
        channel_mask: u32_at(bytes, 20),
        samples: Some(u64_at(bytes, 12)).filter(|&n| n != UNKNOWN),
        group_superframes: bytes[24],
        log2_superframe: bytes[7],
        has_noise: flags & 1 == 0,
        band_quantizer,
        fine_gain: bytes[28],
        target_db: f32::from(i16::from_le_bytes(array(bytes, 26))) / 100.0,
        bits: bytes[25],
        codebooks,
        tags: parse_tags(extra, (bytes.len() - extra.len()) as u64)?,
    };
    header.check().map_err(|e| malformed(format!("the header is damaged: {e}"), 0))?;
    Ok(header)
}

/// Tags by their lengths, up to the end or the first that is damaged.
fn count_tags(extra: &[u8]) -> usize {
    fn after<'a>(rest: &&'a [u8]) -> Option<&'a [u8]> {
        let (len, tail) = rest.split_at_checked(4)?;
        tail.get(u32_at(len, 0) as usize..)
    }
    std::iter::successors(Some(extra), after).skip(1).count()
}

/// - `start`: position of `extra` in the file
fn parse_tags(extra: &[u8], start: u64) -> Result<Vec<(String, String)>> {
    // counted first: a vector that grows takes more than a file of tiny tags may ask for
    let mut tags = Vec::with_capacity(count_tags(extra));
    let mut rest = extra;
    while !rest.is_empty() {
        let at_byte = start + (extra.len() - rest.len()) as u64;
        let damaged = || malformed("the tags are damaged", at_byte);
        let (len, tail) = rest.split_at_checked(4).ok_or_else(damaged)?;
        let (pair, tail) = tail.split_at_checked(u32_at(len, 0) as usize).ok_or_else(damaged)?;
        let pair = std::str::from_utf8(pair).map_err(|_| damaged())?;
        let (key, value) = pair.split_once('=').filter(|(key, _)| !key.is_empty()).ok_or_else(damaged)?;
        tags.push((key.to_owned(), value.to_owned()));
        rest = tail;
    }
    Ok(tags)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn header() -> Header {
        Header {
            sample_rate_hz: 48_000,
            channels: 2,
            channel_mask: 3,
            samples: Some(123_456),
            group_superframes: 48,
            log2_superframe: 12,
            has_noise: true,
            band_quantizer: BandQuantizer::Uniform,
            codebooks: Codebooks::default(),
            fine_gain: 7,
            target_db: -30.0,
            bits: 16,
            tags: vec![("TITLE".into(), "a = b".into()), ("ARTIST".into(), String::new())],
        }
    }

    #[test]
    fn headers_return() {
        let lloyd_max = Header { band_quantizer: BandQuantizer::LloydMax, ..header() };
        for header in [header(), lloyd_max, Header { samples: None, tags: vec![], has_noise: false, ..header() }] {
            let bytes = header.to_bytes().expect("legal");
            assert_eq!(RecordReader::new(&bytes[..]).header().expect("its own bytes"), header);
        }
    }

    #[test]
    fn no_flipped_bit_and_no_cut_of_a_header_passes() {
        let bytes = header().to_bytes().expect("legal");
        for bit in 0..8 * bytes.len() {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(RecordReader::new(&damaged[..]).header().is_err(), "bit {bit}");
        }
        (0..bytes.len()).for_each(|n| assert!(RecordReader::new(&bytes[..n]).header().is_err(), "{n} bytes"));
    }

    #[test]
    fn another_version_is_refused_by_its_number() {
        let mut bytes = header().to_bytes().expect("legal");
        bytes[4] = 9;
        let error = RecordReader::new(&bytes[..]).header().expect_err("version 9").to_string();
        assert!(error.contains("version 9"), "{error}");
    }

    #[test]
    fn groups_too_large_to_decode_are_refused() {
        let large = Header { channels: 255, group_superframes: 255, ..header() };
        assert!(matches!(large.to_bytes(), Err(Error::InvalidParameter { .. })));
    }

    #[test]
    fn the_end_record_returns() {
        let end = End { offsets: vec![40, 4000, 90_000], samples: 1 << 40 };
        let bytes = end_record(&end.offsets, end.samples);
        assert_eq!(bytes.len(), END_RECORD + 24);
        assert_eq!(End::parse(&bytes), Some(end));
        (0..bytes.len()).for_each(|n| assert_eq!(End::parse(&bytes[..n]), None));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let mut reader = RecordReader::new(&bytes[..]);
            let _ = reader.header();
            while !matches!(reader.record().expect("memory can be read"), Record::Nothing) {
                let _ = reader.read_end().expect("memory can be read");
                reader.resynchronise().expect("memory can be read");
            }
            prop_assert_eq!(reader.position(), bytes.len() as u64);
        }
    }
}
