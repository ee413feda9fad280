//! `.sqn` bytes to samples: groups are read and begun in order, and joined in order.

use super::{
    format::{
        container::{GROUP_SAMPLES_LIMIT, GroupHeader, Header, Record, RecordReader, malformed},
        frame::Frame,
        syntax::Layout,
        synthesis::GroupSamples,
    },
    group_decoder::{GroupDecoder, GroupJob},
};
use crate::{
    Error, Result,
    parallel::{self, Task},
};
use std::{
    collections::VecDeque,
    io::{Read, Seek},
    sync::Arc,
};

/// At most this many groups are begun at once, which bounds the memory.
const MOST_BEGUN: usize = 16;

/// Gaps beyond this many groups (an hour at 48 kHz) are taken for damage of the number itself.
const GAP_LIMIT: u32 = 900;

/// What a decoder does with bytes that are not whole.
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
    /// Where in the file, in bytes.
    pub at_byte: u64,
    /// The group that is missing or broken.
    pub group: u32,
    /// First concealed second; equal to `end_s` when nothing had to be concealed.
    pub start_s: f64,
    /// Last concealed second.
    pub end_s: f64,
    /// What is wrong.
    pub what: String,
}

/// Reads a file's samples block by block, in constant memory.
///
/// ```
/// use sqnr::codec::{Decoder, Encoder, EncoderOptions};
///
/// let mut file = Vec::new();
/// let mut encoder = Encoder::new(&mut file, &EncoderOptions::new(48_000, 1))?;
/// encoder.push(&[vec![0.25_f32; 1000]])?;
/// encoder.finish()?;
///
/// let mut decoder = Decoder::new(&file[..])?;
/// let mut n_samples = 0;
/// while let Some(channels) = decoder.next_block()? {
///     n_samples += channels[0].len();
/// }
/// assert_eq!(n_samples, 1000);
/// # Ok::<(), sqnr::Error>(())
/// ```
pub struct Decoder<R> {
    records: RecordReader<R>,
    header: Header,
    on_damage: OnDamage,
    damages: Vec<Damage>,
    layout: Arc<Layout>,
    /// Groups begun, the oldest first.
    begun: VecDeque<Task<GroupDecoder>>,
    most_begun: usize,
    /// Made as they are needed: a header alone asks for no memory.
    idle: Vec<GroupDecoder>,
    /// Why nothing more can be read; told once the groups before it are through, whatever the number of threads.
    failed: Option<Error>,
    /// Joined at its start, not yet at its end.
    held: Option<Block>,
    /// Joined at both ends.
    ready: VecDeque<Block>,
    current: Block,
    pool: Vec<GroupSamples>,
    /// The last frame decoded, for concealment, and how many superframes were concealed since.
    last_frame: Option<Frame>,
    concealed_superframes: usize,
    next_group: u32,
    samples_read: u64,
    is_at_end: bool,
    /// Samples to make up after the last record.
    missing_samples: u64,
    /// Samples to drop before the first one asked for.
    skip: u64,
}

/// Samples of a group, of which `samples` count.
#[derive(Default)]
struct Block {
    group: GroupSamples,
    samples: usize,
}

impl<R: Read> Decoder<R> {
    /// A decoder that fails at the first damage.
    ///
    /// # Errors
    /// `Unsupported` when `input` is another format or version, `Malformed` for a damaged header, `Io`.
    pub fn new(input: R) -> Result<Self> {
        Self::with_policy(input, OnDamage::Fail)
    }

    /// A decoder with a choice of what to do about damage. The header must be whole.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn with_policy(input: R, on_damage: OnDamage) -> Result<Self> {
        let mut records = RecordReader::new(input);
        let header = records.header()?;
        let layout: Arc<Layout> = Arc::new(header.layout());
        let group_samples = header.group_samples() as u64 * u64::from(header.channels);
        let in_memory = (GROUP_SAMPLES_LIMIT / group_samples).max(1) as usize;
        Ok(Self {
            records,
            header,
            layout,
            most_begun: parallel::tasks_in_flight(MOST_BEGUN.min(in_memory)),
            on_damage,
            damages: Vec::new(),
            begun: VecDeque::new(),
            idle: Vec::new(),
            failed: None,
            held: None,
            ready: VecDeque::new(),
            current: Block::default(),
            pool: Vec::new(),
            last_frame: None,
            concealed_superframes: 0,
            next_group: 0,
            samples_read: 0,
            is_at_end: false,
            missing_samples: 0,
            skip: 0,
        })
    }

    /// What the file says of itself.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// What was concealed so far; complete once [`Self::next_block`] has returned `None`.
    pub fn damages(&self) -> &[Damage] {
        &self.damages
    }

    /// The next samples, planar, full scale 1.0; `None` at the end. All blocks together have the length of what was
    /// encoded.
    ///
    /// # Errors
    /// `Malformed` naming group and time when the file is damaged and the policy is [`OnDamage::Fail`]; `Io`.
    pub fn next_block(&mut self) -> Result<Option<&[Vec<f32>]>> {
        loop {
            self.begin_groups();
            if self.ready.is_empty() && !self.end_oldest_group()? {
                return Ok(None);
            }
            let Some(block) = self.ready.pop_front() else { continue };
            let used = std::mem::replace(&mut self.current, block);
            self.pool.push(used.group);
            if self.trim_current() {
                return Ok(Some(&self.current.group.channels));
            }
        }
    }

    /// Cuts the current block to the samples that count; false when none is left.
    fn trim_current(&mut self) -> bool {
        let skipped = self.skip.min(self.current.samples as u64) as usize;
        self.skip -= skipped as u64;
        for channel in &mut self.current.group.channels {
            channel.truncate(self.current.samples);
            channel.drain(..skipped);
        }
        skipped < self.current.samples
    }

    /// Reads and begins groups, as many as may be, or up to the end.
    fn begin_groups(&mut self) {
        while self.begun.len() < self.most_begun && !self.is_at_end && self.failed.is_none() {
            match self.read_job() {
                Ok(Some(job)) => self.begin_group(job),
                Ok(None) => {}
                Err(error) => self.failed = Some(error),
            }
        }
    }

    fn begin_group(&mut self, job: GroupJob) {
        let new = || GroupDecoder::new(&self.header, Arc::clone(&self.layout));
        let mut worker = self.idle.pop().unwrap_or_else(new);
        worker.job = job;
        worker.samples = self.pool.pop().unwrap_or_default();
        self.begun.push_back(Task::start(worker, GroupDecoder::run));
    }

    /// Waits for the group begun first, and puts it behind the one that is held; false at the end.
    fn end_oldest_group(&mut self) -> Result<bool> {
        let Some(task) = self.begun.pop_front() else {
            let Some(error) = self.failed.take() else {
                self.ready.extend(self.held.take());
                return Ok(!self.ready.is_empty());
            };
            self.is_at_end = true;
            return Err(error);
        };
        let mut worker = task.join();
        self.mend(&mut worker)?;
        self.append(&mut worker);
        self.idle.push(worker);
        Ok(true)
    }

    /// Puts the group of `worker` behind the one that is held.
    fn append(&mut self, worker: &mut GroupDecoder) {
        let mut block = Block { group: std::mem::take(&mut worker.samples), samples: worker.job.samples };
        if let Some(mut held) = self.held.take() {
            worker.join(&mut held.group, &mut block.group);
            self.ready.push_back(held);
        }
        self.held = Some(block);
    }

    /// Conceals what `worker` could not decode, or fails.
    fn mend(&mut self, worker: &mut GroupDecoder) -> Result<()> {
        let (number, n_whole, at_byte) = (worker.job.number, worker.n_whole, worker.job.at_byte);
        let is_whole = n_whole == worker.n_superframes();
        if !is_whole && self.on_damage == OnDamage::Fail {
            let start_s = self.header.time_of_group_s(number);
            let what = format!("group {number} ({}) is damaged: its bits make no sense", clock(start_s));
            return Err(malformed(what, at_byte));
        }
        let age = self.concealed_superframes;
        self.concealed_superframes = worker.fill_up(self.last_frame.as_ref(), age);
        if self.on_damage == OnDamage::Salvage {
            match &mut self.last_frame {
                Some(frame) => frame.clone_from(&worker.frame),
                None => self.last_frame = Some(worker.frame.clone()),
            }
        }
        if !is_whole || !worker.job.is_intact {
            let start_s = self.header.time_of_group_s(number);
            let rate = f64::from(self.header.sample_rate_hz);
            let whole_s = (n_whole * self.header.superframe_samples()).min(worker.job.samples) as f64 / rate;
            self.note(Damage {
                at_byte,
                group: number,
                start_s: start_s + whole_s,
                end_s: start_s + worker.job.samples as f64 / rate,
                what: if worker.job.payload.is_empty() { "group is missing" } else { "group is damaged" }.into(),
            });
        }
        Ok(())
    }

    /// Notes damage in the order of the groups, however far ahead of them was read.
    fn note(&mut self, damage: Damage) {
        let place = self.damages.partition_point(|other| other.group <= damage.group);
        self.damages.insert(place, damage);
    }

    /// Reads the next record, and makes a job of it where it is one.
    fn read_job(&mut self) -> Result<Option<GroupJob>> {
        if self.missing_samples > 0 {
            return Ok(Some(self.lost_group()));
        }
        match self.records.record()? {
            Record::Group(group) => self.take_group(group),
            Record::End => self.take_end(),
            Record::Nothing => self.damaged("the file is cut: its end record is missing"),
            Record::Unknown => self.damaged("bytes that belong to no group"),
        }
    }

    fn take_group(&mut self, group: GroupHeader) -> Result<Option<GroupJob>> {
        if !group.is_plausible(&self.header) {
            return self.damaged("the head of a group is damaged");
        }
        if group.number == self.next_group {
            let mut payload = self.idle.last_mut().map_or_else(Vec::new, |idle| std::mem::take(&mut idle.job.payload));
            if self.records.take_payload(group, &mut payload)?.is_none() {
                return self.damaged_group(group);
            }
            let at_byte = self.records.position() - group.total_bytes() as u64;
            let (number, samples) = (group.number, group.samples as usize);
            self.accept(group)?;
            return Ok(Some(GroupJob { number, samples, payload, is_intact: true, at_byte }));
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

    /// A group that is whole and in its place.
    fn accept(&mut self, group: GroupHeader) -> Result<()> {
        let is_full = group.samples as usize == self.header.group_samples();
        self.next_group += 1;
        self.samples_read += u64::from(group.samples);
        if !is_full && !matches!(self.records.record()?, Record::End) && self.on_damage == OnDamage::Fail {
            self.damaged("a group that is not full is not the last")?;
        }
        Ok(())
    }

    /// A group in its place whose bytes are damaged: what can be read of it is.
    fn damaged_group(&mut self, group: GroupHeader) -> Result<Option<GroupJob>> {
        if self.on_damage == OnDamage::Fail {
            let is_cut = self.records.peek(group.total_bytes())?.len() < group.total_bytes();
            let what = if is_cut { "the file ends within it" } else { "its checksum is wrong" };
            return self.damaged(what);
        }
        let bytes = self.records.peek(group.total_bytes())?;
        let payload_end = (super::format::container::GROUP_HEADER + group.payload_bytes as usize).min(bytes.len());
        let payload = bytes[super::format::container::GROUP_HEADER..payload_end].to_vec();
        let samples = u64::from(group.samples).min(self.samples_left());
        let at_byte = self.records.position();
        self.next_group += 1;
        self.samples_read += samples;
        self.records.resynchronise()?;
        Ok(Some(GroupJob { number: group.number, samples: samples as usize, payload, is_intact: false, at_byte }))
    }

    /// Samples that the header promises and that have not come; a hostile number of them is bounded elsewhere.
    fn samples_left(&self) -> u64 {
        self.header.samples.map_or(u64::MAX, |total| total.saturating_sub(self.samples_read))
    }

    /// Makes a job of a group of which nothing is there.
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

    fn take_end(&mut self) -> Result<Option<GroupJob>> {
        let Some(end) = self.records.take_end()? else {
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

    /// Nothing more is read. What is missing up to `total` samples, within reason, will be made up.
    fn end_at(&mut self, total: Option<u64>) {
        let missing = total.unwrap_or(0).saturating_sub(self.samples_read);
        let is_credible = missing <= u64::from(GAP_LIMIT) * self.header.group_samples() as u64;
        self.missing_samples = if is_credible { missing } else { 0 };
        self.is_at_end = self.missing_samples == 0;
    }

    /// Notes that something is wrong here, or fails with it. When salvaging, moves on to what comes next.
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

impl<R: Read + Seek> Decoder<R> {
    /// Makes `sample` the first one that [`Self::next_block`] returns; a sample past the end leaves nothing.
    ///
    /// Every sample equals that of a decode from the start, bit for bit.
    ///
    /// # Errors
    /// `Malformed` when the groups on the way are damaged, `Io`.
    pub fn seek(&mut self, sample: u64) -> Result<()> {
        let full = self.header.group_samples() as u64;
        let group = sample / full;
        // the overlap at a group's start reaches half a superframe: there the group before is needed too
        let is_near_start = sample % full < self.header.superframe_samples() as u64 / 2;
        let first = if is_near_start { group.saturating_sub(1) } else { group };
        let first = u32::try_from(first).map_err(|_| Error::invalid("sample", sample, "a position within the file"))?;
        let is_there = self.records.seek_to_group(first)?;
        (self.held, self.is_at_end, self.missing_samples) = (None, !is_there, 0);
        self.idle.extend(self.begun.drain(..).map(Task::join));
        self.ready.clear();
        self.failed = None;
        self.next_group = first;
        self.samples_read = u64::from(first) * full;
        self.skip = sample - self.samples_read;
        Ok(())
    }
}

/// Seconds as minutes and seconds: 83.456 is 1:23.456.
fn clock(seconds: f64) -> String {
    let milliseconds = (seconds * 1000.0) as u64;
    format!("{}:{:02}.{:03}", milliseconds / 60_000, milliseconds / 1000 % 60, milliseconds % 1000)
}
