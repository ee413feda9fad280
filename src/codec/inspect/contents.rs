//! The contents of a file without decoding: its header, its groups, its length.

use crate::{
    Result,
    codec::format::container::{Header, Record, RecordReader},
};
use std::io::{Read, Seek};

/// A group as its head describes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GroupEntry {
    /// Its first byte in the file.
    pub at_byte: u64,
    /// Bytes with head and checksum.
    pub bytes: u64,
    /// Samples per channel.
    pub samples: u32,
}

/// What a file holds. Only the heads of the groups are read; a decoder shows whether the groups are whole.
///
/// ```
/// use sqnr::codec::{Contents, Encoder, EncoderOptions};
///
/// let mut file = Vec::new();
/// let mut encoder = Encoder::new(&mut file, &EncoderOptions::new(48_000, 1))?;
/// encoder.push(&[vec![0.25_f32; 48_000]])?;
/// encoder.finish()?;
/// let contents = Contents::read(std::io::Cursor::new(&file))?;
/// assert_eq!((contents.samples(), contents.file_bytes), (48_000, file.len() as u64));
/// assert!(contents.faults.is_empty());
/// # Ok::<(), sqnr::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Contents {
    /// The header of the file.
    pub header: Header,
    /// Bytes of the header.
    pub header_bytes: u64,
    /// The groups in the order of the file.
    pub groups: Vec<GroupEntry>,
    /// Bytes of the end record with the index; 0 when it is missing.
    pub end_bytes: u64,
    /// Bytes of the whole file.
    pub file_bytes: u64,
    /// The faults, in the order of the file.
    pub faults: Vec<String>,
}

impl Contents {
    /// The shortest block of a superframe of N samples has N >> this.
    pub const BLOCK_DEPTHS: usize = crate::codec::format::block_tree::MAX_DEPTH;

    /// Walks through the heads of `file`, from its start.
    ///
    /// # Errors
    /// `Unsupported` when it is another format or version, `Malformed` for a damaged header, `Io`.
    pub fn read<R: Read + Seek>(mut file: R) -> Result<Self> {
        let file_bytes = file.seek(std::io::SeekFrom::End(0)).map_err(crate::Error::stream)?;
        let mut records = RecordReader::new(file);
        records.seek_to(0)?;
        let header = records.header()?;
        let header_bytes = records.position();
        let mut contents = Self { header, header_bytes, groups: Vec::new(), end_bytes: 0, file_bytes, faults: vec![] };
        while contents.read_record(&mut records)? {}
        contents.check_length();
        Ok(contents)
    }

    /// Samples per channel in the groups.
    pub fn samples(&self) -> u64 {
        self.groups.iter().map(|group| u64::from(group.samples)).sum()
    }

    /// Seconds of audio in the groups.
    pub fn duration_s(&self) -> f64 {
        self.samples() as f64 / f64::from(self.header.sample_rate_hz)
    }

    /// Bits of the whole file per second of audio, in kbit/s; 0 for an empty file.
    pub fn bitrate_kbps(&self) -> f64 {
        let duration_s = self.duration_s();
        if duration_s > 0.0 { self.file_bytes as f64 * 0.008 / duration_s } else { 0.0 }
    }

    /// The rate of one group, in kbit/s.
    pub fn group_kbps(&self, group: &GroupEntry) -> f64 {
        group.bytes as f64 * 0.008 * f64::from(self.header.sample_rate_hz) / f64::from(group.samples)
    }

    /// Records what is at the reader's position and moves behind it; false at the end.
    fn read_record<R: Read + Seek>(&mut self, records: &mut RecordReader<R>) -> Result<bool> {
        let at_byte = records.position();
        let place = format!("group {} (at byte {at_byte})", self.groups.len());
        match records.record()? {
            Record::Group(group) if group.is_plausible(&self.header) => {
                let bytes = group.total_bytes() as u64;
                if u64::from(group.number) != self.groups.len() as u64 {
                    self.faults.push(format!("{place}: group {} stands in its place", group.number));
                }
                if at_byte + bytes > self.file_bytes {
                    self.faults.push(format!("{place}: the file ends within it"));
                    return Ok(false);
                }
                self.groups.push(GroupEntry { at_byte, bytes, samples: group.samples });
                records.seek_to(at_byte + bytes)?;
                Ok(true)
            }
            Record::End => {
                match records.read_end()? {
                    Some(_) => self.end_bytes = records.position() - at_byte,
                    None => self.faults.push("the end record is damaged".into()),
                }
                let behind = self.file_bytes - at_byte - self.end_bytes;
                if self.end_bytes > 0 && behind > 0 {
                    self.faults.push(format!("{behind} bytes after the end of the file"));
                }
                Ok(false)
            }
            Record::Nothing => {
                self.faults.push("the file is cut: its end record is missing".into());
                Ok(false)
            }
            Record::Group(_) | Record::Unknown => {
                self.faults.push(format!("{place}: its head is damaged"));
                Ok(false)
            }
        }
    }

    fn check_length(&mut self) {
        let found = self.samples();
        if let Some(stated) = self.header.samples.filter(|&n| n != found && self.faults.is_empty()) {
            self.faults.push(format!("the header states {stated} samples per channel, the groups hold {found}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::{Encoder, EncoderOptions};
    use std::io::Cursor;

    const SAMPLES: usize = 60_000;

    fn file() -> Vec<u8> {
        let mut bytes = Vec::new();
        let options = EncoderOptions { samples: Some(SAMPLES as u64), ..EncoderOptions::new(8_000, 1) };
        let mut encoder = Encoder::new(&mut bytes, &options).expect("legal");
        encoder.push(&[(0..SAMPLES).map(|i| (i as f32 * 0.3).sin()).collect::<Vec<f32>>()]).expect("memory");
        encoder.finish().expect("memory");
        bytes
    }

    #[test]
    fn the_parts_fill_the_file() {
        let bytes = file();
        let contents = Contents::read(Cursor::new(&bytes)).expect("whole");
        assert_eq!(contents.groups.len(), SAMPLES.div_ceil(48 * 512));
        assert_eq!(contents.samples(), SAMPLES as u64);
        let groups: u64 = contents.groups.iter().map(|g| g.bytes).sum();
        assert_eq!(contents.header_bytes + groups + contents.end_bytes, bytes.len() as u64);
        assert!(contents.faults.is_empty(), "{:?}", contents.faults);
        let mean: f64 =
            contents.groups.iter().map(|g| contents.group_kbps(g) * f64::from(g.samples)).sum::<f64>() / SAMPLES as f64;
        assert!(mean < contents.bitrate_kbps() && mean > 0.9 * contents.bitrate_kbps());
    }

    #[test]
    fn every_cut_and_every_byte_after_the_end_is_a_fault() {
        let mut bytes = file();
        let contents = Contents::read(Cursor::new(&bytes)).expect("whole");
        for n in contents.header_bytes as usize..bytes.len() {
            let cut = Contents::read(Cursor::new(&bytes[..n])).expect("a whole header");
            assert_eq!(cut.faults.len(), 1, "{n} bytes: {:?}", cut.faults);
        }
        bytes.extend(b"more");
        let more = Contents::read(Cursor::new(&bytes)).expect("a whole header");
        assert_eq!(more.faults, ["4 bytes after the end of the file"]);
    }

    #[test]
    fn groups_out_of_order_are_faults() {
        let bytes = file();
        let contents = Contents::read(Cursor::new(&bytes)).expect("whole");
        let [first, second, _] = contents.groups[..] else { panic!("three groups") };
        let mut swapped = bytes[..first.at_byte as usize].to_vec();
        swapped.extend(&bytes[second.at_byte as usize..(second.at_byte + second.bytes) as usize]);
        swapped.extend(&bytes[first.at_byte as usize..second.at_byte as usize]);
        swapped.extend(&bytes[(second.at_byte + second.bytes) as usize..]);
        let faults = Contents::read(Cursor::new(&swapped)).expect("a whole header").faults;
        assert!(faults.len() == 2 && faults[0].contains("group 1 stands in its place"), "{faults:?}");
    }
}
