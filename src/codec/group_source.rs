//! Reads the groups of a file in order, and applies the policy of damage.
//!
//! ```text
//! records -> whole group -----------------------------------> job
//!            checksum wrong, bytes of no group, gap, cut -> error, or salvage: a note and a job to conceal
//! ```

use super::{
    format::container::{GROUP_HEADER, GroupHeader, Header, Record, RecordReader, malformed},
    group_decoder::{DecodedGroup, GroupJob},
};
use crate::{Error, Result};
use std::{
    io::{Read, Seek},
    sync::Arc,
};

/// The longest gap in groups: an hour at 48 kHz. A longer one counts as damage of the group's number.
const GAP_LIMIT: u32 = 900;

/// The policy of a decoder for damaged bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnDamage {
    /// Ends with an error that names the group and its time.
    #[default]
    Fail,
    /// Plays what is whole, conceals the rest, and notes where.
    Salvage,
}

/// A stretch that was concealed, or bytes that were skipped.
#[derive(Debug, Clone, PartialEq)]
pub struct Damage {
    /// Position in the file, in bytes.
    pub at_byte: u64,
    /// The group that is missing or broken.
    pub group: u32,
    /// First concealed second; equal to `end_s` when nothing had to be concealed.
    pub start_s: f64,
    /// Last concealed second.
    pub end_s: f64,
    /// Description of the fault.
    pub what: String,
}

/// Reads groups as jobs for decoders.
pub(super) struct GroupSource<R> {
    records: RecordReader<R>,
    header: Arc<Header>,
    on_damage: OnDamage,
    damages: Vec<Damage>,
    next_group: u32,
    /// Samples per channel of the groups read.
    samples_read: u64,
    is_at_end: bool,
    /// Samples per channel to make up after the last record.
    missing_samples: u64,
    spare_payloads: Vec<Vec<u8>>,
}

impl<R: Read> GroupSource<R> {
    /// The groups of a file whose header must be whole.
    ///
    /// # Errors
    /// `Unsupported` when `input` is another format or version, `Malformed` for a damaged header, `Io`.
    pub(super) fn new(input: R, on_damage: OnDamage) -> Result<Self> {
        let mut records = RecordReader::new(input);
        let header = Arc::new(records.header()?);
        Ok(Self {
            records,
            header,
            on_damage,
            damages: Vec::new(),
            next_group: 0,
            samples_read: 0,
            is_at_end: false,
            missing_samples: 0,
            spare_payloads: Vec::new(),
        })
    }

    /// The header of the file.
    pub(super) fn header(&self) -> &Arc<Header> {
        &self.header
    }

    /// The damage found so far, in the order of the groups.
    pub(super) fn damages(&self) -> &[Damage] {
        &self.damages
    }

    /// True when no job is left.
    pub(super) fn is_at_end(&self) -> bool {
        self.is_at_end
    }

    /// Ends the groups here.
    pub(super) fn stop(&mut self) {
        self.is_at_end = true;
    }

    /// Takes back a payload whose memory another job can use.
    pub(super) fn reuse(&mut self, payload: Vec<u8>) {
        self.spare_payloads.push(payload);
    }

    /// Reads the next record; `None` when it is no group or ends the groups.
    ///
    /// # Errors
    /// `Malformed` naming group and time when the file is damaged and the policy is [`OnDamage::Fail`]; `Io`.
    pub(super) fn next_job(&mut self) -> Result<Option<GroupJob>> {
        if self.missing_samples > 0 {
            return Ok(Some(self.lost_group()));
        }
        match self.records.record()? {
            Record::Group(group) => self.read_group(group),
            Record::End => self.read_end(),
            Record::Nothing => self.damaged("the file is cut: its end record is missing"),
            Record::Unknown => self.damaged("bytes that belong to no group"),
        }
    }

    /// Notes what had to be concealed of a decoded group, or fails when its bits make no sense.
    ///
    /// # Errors
    /// `Malformed` naming group and time when the policy is [`OnDamage::Fail`].
    pub(super) fn check_decoded(&mut self, group: &DecodedGroup) -> Result<()> {
        let (number, at_byte, samples) = (group.job.number, group.job.at_byte, group.job.samples);
        let start_s = self.header.time_of_group_s(number);
        if !group.is_whole() && self.on_damage == OnDamage::Fail {
            let what = format!("group {number} ({}) is damaged: its bits make no sense", clock(start_s));
            return Err(malformed(what, at_byte));
        }
        if !group.is_whole() || !group.job.is_intact {
            let rate = f64::from(self.header.sample_rate_hz);
            let whole_s = (group.n_whole * self.header.superframe_samples()).min(samples) as f64 / rate;
            self.note(Damage {
                at_byte,
                group: number,
                start_s: start_s + whole_s,
                end_s: start_s + samples as f64 / rate,
                what: if group.job.payload.is_empty() { "group is missing" } else { "group is damaged" }.into(),
            });
        }
        Ok(())
    }

    /// Notes damage in the order of the groups, however far ahead of them the source has read.
    fn note(&mut self, damage: Damage) {
        let place = self.damages.partition_point(|other| other.group <= damage.group);
        self.damages.insert(place, damage);
    }

    fn read_group(&mut self, group: GroupHeader) -> Result<Option<GroupJob>> {
        if !group.is_plausible(&self.header) {
            return self.damaged("the head of a group is damaged");
        }
        if group.number == self.next_group {
            return self.read_payload(group);
        }
        let gap = group.number.checked_sub(self.next_group).filter(|&gap| gap <= GAP_LIMIT);
        match gap {
            _ if self.on_damage == OnDamage::Fail => {
                self.damaged(&format!("group {} stands in its place", group.number))
            }
            Some(_) if self.samples_left() > 0 => Ok(Some(self.lost_group())),
            _ => self.damaged(&format!("group {} out of its order", group.number)),
        }
    }

    /// The group in its place, when its checksum is right.
    fn read_payload(&mut self, group: GroupHeader) -> Result<Option<GroupJob>> {
        let mut payload = self.spare_payloads.pop().unwrap_or_default();
        if self.records.read_payload(group, &mut payload)?.is_none() {
            return self.damaged_group(group);
        }
        let at_byte = self.records.position() - group.total_bytes() as u64;
        let is_full = group.samples as usize == self.header.group_samples();
        self.next_group += 1;
        self.samples_read += u64::from(group.samples);
        if !is_full && !matches!(self.records.record()?, Record::End) && self.on_damage == OnDamage::Fail {
            self.damaged("a group that is not full is not the last")?;
        }
        let (number, samples) = (group.number, group.samples as usize);
        Ok(Some(GroupJob { number, samples, payload, is_intact: true, at_byte, ..GroupJob::default() }))
    }

    /// The group in its place whose bytes are damaged: the decoder reads as much of it as makes sense.
    fn damaged_group(&mut self, group: GroupHeader) -> Result<Option<GroupJob>> {
        if self.on_damage == OnDamage::Fail {
            let is_cut = self.records.peek(group.total_bytes())?.len() < group.total_bytes();
            let what = if is_cut { "the file ends within it" } else { "its checksum is wrong" };
            return self.damaged(what);
        }
        let bytes = self.records.peek(group.total_bytes())?;
        let payload_end = (GROUP_HEADER + group.payload_bytes as usize).min(bytes.len());
        let payload = bytes[GROUP_HEADER..payload_end].to_vec();
        let samples = u64::from(group.samples).min(self.samples_left());
        let (number, at_byte) = (group.number, self.records.position());
        self.next_group += 1;
        self.samples_read += samples;
        self.records.resynchronise()?;
        let samples = samples as usize;
        Ok(Some(GroupJob { number, samples, payload, is_intact: false, at_byte, ..GroupJob::default() }))
    }

    /// Samples that the header promises and that have not come. A hostile number of them is bounded by [`GAP_LIMIT`].
    fn samples_left(&self) -> u64 {
        self.header.samples.map_or(u64::MAX, |total| total.saturating_sub(self.samples_read))
    }

    /// A job without bytes for a group that is missing.
    fn lost_group(&mut self) -> GroupJob {
        let full = self.header.group_samples() as u64;
        let is_tail = self.missing_samples > 0;
        let samples = if is_tail { full.min(self.missing_samples) } else { full.min(self.samples_left()) };
        self.missing_samples = self.missing_samples.saturating_sub(samples);
        let (number, at_byte) = (self.next_group, self.records.position());
        self.next_group += 1;
        self.samples_read += samples;
        self.is_at_end = is_tail && self.missing_samples == 0;
        GroupJob { number, samples: samples as usize, at_byte, ..GroupJob::default() }
    }

    fn read_end(&mut self) -> Result<Option<GroupJob>> {
        let Some(end) = self.records.read_end()? else {
            return self.damaged("the end record is damaged");
        };
        let total = self.header.samples.unwrap_or(end.samples);
        if self.samples_read != end.samples || total != end.samples {
            self.damaged("groups are missing at the end")?;
        }
        if !matches!(self.records.record()?, Record::Nothing) {
            self.damaged("there are bytes after the end of the file")?;
        }
        self.end_at(Some(total));
        Ok(None)
    }

    /// Reads no more. What is missing up to `total` samples, within reason, is made up.
    fn end_at(&mut self, total: Option<u64>) {
        let missing = total.unwrap_or(0).saturating_sub(self.samples_read);
        let is_credible = missing <= u64::from(GAP_LIMIT) * self.header.group_samples() as u64;
        self.missing_samples = if is_credible { missing } else { 0 };
        self.is_at_end = self.missing_samples == 0;
    }

    /// Fails, or notes what is wrong here and moves on to the next record.
    fn damaged(&mut self, what: &str) -> Result<Option<GroupJob>> {
        let group = self.next_group;
        let start_s = self.header.time_of_group_s(group);
        let at_byte = self.records.position();
        if self.on_damage == OnDamage::Fail {
            return Err(malformed(format!("group {group} ({}): {what}", clock(start_s)), at_byte));
        }
        self.note(Damage { at_byte, group, start_s, end_s: start_s, what: what.to_owned() });
        match self.records.record()? {
            Record::Nothing => self.end_at(self.header.samples),
            _ => self.records.resynchronise()?,
        }
        Ok(None)
    }
}

impl<R: Read + Seek> GroupSource<R> {
    /// Moves to the first group that the samples from `sample` on need; returns how many samples of it come before.
    ///
    /// # Errors
    /// `Malformed` when the groups on the way are damaged, `Io`.
    pub(super) fn seek(&mut self, sample: u64) -> Result<u64> {
        let full = self.header.group_samples() as u64;
        let group = sample / full;
        // the overlap at a group's start reaches half a superframe: there the group before is needed too
        let is_near_start = sample % full < self.header.superframe_samples() as u64 / 2;
        let first = if is_near_start { group.saturating_sub(1) } else { group };
        let first = u32::try_from(first).map_err(|_| Error::invalid("sample", sample, "a position within the file"))?;
        let is_there = self.records.seek_to_group(first)?;
        (self.is_at_end, self.missing_samples) = (!is_there, 0);
        self.next_group = first;
        self.samples_read = u64::from(first) * full;
        Ok(sample - self.samples_read)
    }
}

/// Seconds as minutes and seconds: 83.456 is 1:23.456.
fn clock(seconds: f64) -> String {
    let milliseconds = (seconds * 1000.0) as u64;
    format!("{}:{:02}.{:03}", milliseconds / 60_000, milliseconds / 1000 % 60, milliseconds % 1000)
}
