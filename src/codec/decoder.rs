//! `.sqn` bytes to samples: groups are read in order, decoded side by side, and joined in order.

use super::{
    container::{GROUP_SAMPLES_LIMIT, GroupHeader, Header, Record, RecordReader, malformed},
    frame::Frame,
    group_decoder::{GroupDecoder, GroupJob},
    syntax::Layout,
    synthesis::GroupSamples,
};
use crate::{Error, Result, parallel};
use std::{
    collections::VecDeque,
    io::{Read, Seek},
    sync::Arc,
};

/// At most this many groups are decoded at once, which bounds the memory.
const MOST_WORKERS: usize = 8;

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
    /// Made as they are needed, at most `most_workers`: a header alone asks for no memory.
    workers: Vec<GroupDecoder>,
    most_workers: usize,
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
            most_workers: parallel::width(MOST_WORKERS).min(in_memory),
            on_damage,
            damages: Vec::new(),
            workers: Vec::new(),
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
            if self.ready.is_empty() && !self.is_at_end {
                self.decode_batch()?;
            }
            let Some(block) = self.ready.pop_front() else {
                if self.is_at_end {
                    return Ok(None);
                }
                continue;
            };
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

    /// Reads and decodes as many groups as there are workers, or up to the end.
    fn decode_batch(&mut self) -> Result<()> {
        let mut n_jobs = 0;
        while n_jobs < self.most_workers && !self.is_at_end {
            n_jobs += self.read_jobs(n_jobs)?;
        }
        let workers = &mut self.workers[..n_jobs];
        for worker in workers.iter_mut() {
            worker.samples = self.pool.pop().unwrap_or_default();
        }
        parallel::for_each(workers, GroupDecoder::run);
        for i in 0..n_jobs {
            self.mend(i)?;
            self.append(i);
        }
        if self.is_at_end {
            self.ready.extend(self.held.take());
        }
        Ok(())
    }

    /// Puts the group of worker `i` behind the one that is held.
    fn append(&mut self, i: usize) {
        let worker = &mut self.workers[i];
        let mut block = Block { group: std::mem::take(&mut worker.samples), samples: worker.job.samples };
        if let Some(mut held) = self.held.take() {
            worker.join(&mut held.group, &mut block.group);
            self.ready.push_back(held);
        }
        self.held = Some(block);
    }

    /// Conceals what worker `i` could not decode, or fails.
    fn mend(&mut self, i: usize) -> Result<()> {
        let worker = &mut self.workers[i];
        let (number, n_whole) = (worker.job.number, worker.n_whole);
        let is_whole = n_whole == worker.n_superframes();
        if !is_whole && self.on_damage == OnDamage::Fail {
            let start_s = self.header.time_of_group_s(number);
            let what = format!("group {number} ({}) is damaged: its bits make no sense", clock(start_s));
            return Err(malformed(what, self.records.position()));
        }
        let age = self.concealed_superframes;
        self.concealed_superframes = worker.fill_up(self.last_frame.as_ref(), age);
        if self.on_damage == OnDamage::Salvage {
            match &mut self.last_frame {
                Some(frame) => frame.clone_from(&worker.frame),
                None => self.last_frame = Some(worker.frame.clone()),
            }
        }
        if !is_whole || !self.workers[i].job.is_intact {
            let worker = &self.workers[i];
            let start_s = self.header.time_of_group_s(number);
            let rate = f64::from(self.header.sample_rate_hz);
            let whole_s = (n_whole * self.header.superframe_samples()).min(worker.job.samples) as f64 / rate;
            self.damages.push(Damage {
                at_byte: self.records.position(),
                group: number,
                start_s: start_s + whole_s,
                end_s: start_s + worker.job.samples as f64 / rate,
                what: if worker.job.payload.is_empty() { "group is missing" } else { "group is damaged" }.into(),
            });
        }
        Ok(())
    }

    /// Sees to it that worker `i` is there; all before it are.
    fn make_worker(&mut self, i: usize) {
        if i == self.workers.len() {
            self.workers.push(GroupDecoder::new(&self.header, Arc::clone(&self.layout)));
        }
    }

    /// Reads the next record and makes jobs of it, from worker `free` on; returns how many.
    fn read_jobs(&mut self, free: usize) -> Result<usize> {
        if self.missing_samples > 0 {
            return Ok(self.lost_group(free));
        }
        match self.records.record()? {
            Record::Group(group) => self.take_group(group, free),
            Record::End => self.take_end(),
            Record::Nothing => self.damaged("the file is cut: its end record is missing"),
            Record::Unknown => self.damaged("bytes that belong to no group"),
        }
    }

    fn take_group(&mut self, group: GroupHeader, free: usize) -> Result<usize> {
        if !group.is_plausible(&self.header) {
            return self.damaged("the head of a group is damaged");
        }
        let is_in_order = group.number == self.next_group;
        if is_in_order {
            self.make_worker(free);
            let job = &mut self.workers[free].job;
            if self.records.take_payload(group, &mut job.payload)?.is_none() {
                return self.damaged_group(group, free);
            }
            (job.number, job.samples, job.is_intact) = (group.number, group.samples as usize, true);
            return self.accept(group);
        }
        let gap = group.number.checked_sub(self.next_group).filter(|&gap| gap <= GAP_LIMIT);
        match gap {
            _ if self.on_damage == OnDamage::Fail => {
                self.damaged(&format!("group {} stands in its place", group.number))
            }
            Some(_) if self.samples_left() > 0 => Ok(self.lost_group(free)),
            _ => self.damaged(&format!("group {} out of its order", group.number)),
        }
    }

    /// A group that is whole and in its place.
    fn accept(&mut self, group: GroupHeader) -> Result<usize> {
        let is_full = group.samples as usize == self.header.group_samples();
        self.next_group += 1;
        self.samples_read += u64::from(group.samples);
        if !is_full && !matches!(self.records.record()?, Record::End) && self.on_damage == OnDamage::Fail {
            self.damaged("a group that is not full is not the last")?;
        }
        Ok(1)
    }

    /// A group in its place whose bytes are damaged: what can be read of it is.
    fn damaged_group(&mut self, group: GroupHeader, free: usize) -> Result<usize> {
        if self.on_damage == OnDamage::Fail {
            let is_cut = self.records.peek(group.total_bytes())?.len() < group.total_bytes();
            let what = if is_cut { "the file ends within it" } else { "its checksum is wrong" };
            return self.damaged(what);
        }
        let bytes = self.records.peek(group.total_bytes())?;
        let payload_end = (super::container::GROUP_HEADER + group.payload_bytes as usize).min(bytes.len());
        let payload = bytes[super::container::GROUP_HEADER..payload_end].to_vec();
        let samples = u64::from(group.samples).min(self.samples_left());
        self.make_worker(free);
        self.workers[free].job =
            GroupJob { number: group.number, samples: samples as usize, payload, is_intact: false };
        self.next_group += 1;
        self.samples_read += samples;
        self.records.resynchronise()?;
        Ok(1)
    }

    /// Samples that the header promises and that have not come; a hostile number of them is bounded elsewhere.
    fn samples_left(&self) -> u64 {
        self.header.samples.map_or(u64::MAX, |total| total.saturating_sub(self.samples_read))
    }

    /// Makes a job of a group of which nothing is there.
    fn lost_group(&mut self, free: usize) -> usize {
        let full = self.header.group_samples() as u64;
        let is_tail = self.missing_samples > 0;
        let samples = if is_tail { full.min(self.missing_samples) } else { full.min(self.samples_left()) };
        self.missing_samples = self.missing_samples.saturating_sub(samples);
        self.make_worker(free);
        self.workers[free].job = GroupJob { number: self.next_group, samples: samples as usize, ..GroupJob::default() };
        self.next_group += 1;
        self.samples_read += samples;
        self.is_at_end = is_tail && self.missing_samples == 0;
        1
    }

    fn take_end(&mut self) -> Result<usize> {
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
        Ok(0)
    }

    /// Nothing more is read. What is missing up to `total` samples, within reason, will be made up.
    fn end_at(&mut self, total: Option<u64>) {
        let missing = total.unwrap_or(0).saturating_sub(self.samples_read);
        let is_credible = missing <= u64::from(GAP_LIMIT) * self.header.group_samples() as u64;
        self.missing_samples = if is_credible { missing } else { 0 };
        self.is_at_end = self.missing_samples == 0;
    }

    /// Notes that something is wrong here, or fails with it. When salvaging, moves on to what comes next.
    fn damaged(&mut self, what: &str) -> Result<usize> {
        let group = self.next_group;
        let start_s = self.header.time_of_group_s(group);
        let at_byte = self.records.position();
        if self.on_damage == OnDamage::Fail {
            return Err(malformed(format!("group {group} ({}): {what}", clock(start_s)), at_byte));
        }
        self.damages.push(Damage { at_byte, group, start_s, end_s: start_s, what: what.to_owned() });
        match self.records.record()? {
            Record::Nothing => self.end_at(self.header.samples),
            _ => self.records.resynchronise()?,
        }
        Ok(0)
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
        self.ready.clear();
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
