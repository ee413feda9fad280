//! `.sqn` bytes to samples.
//!
//! ```text
//! GroupSource -> jobs -> group decoders on all threads, in order -> concealment
//!             -> overlap with the group before -> blocks
//! ```

use super::{
    concealment::Concealer,
    format::{
        container::{GROUP_SAMPLES_LIMIT, Header},
        syntax::Layout,
        synthesis::{GroupSamples, Synthesis},
    },
    group_decoder::{DecodedGroup, GroupDecoder, GroupJob},
    group_source::{Damage, GroupSource, OnDamage},
};
use crate::{Error, Result, parallel::InOrder};
use std::{
    collections::VecDeque,
    io::{Read, Seek},
    sync::Arc,
};

/// At most this many groups are decoded at once, which bounds the memory.
const MOST_BEGUN: usize = 16;

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
    source: GroupSource<R>,
    groups: InOrder<GroupDecoder, GroupJob, DecodedGroup>,
    /// Why the source cannot be read further; returned after the groups before it, whatever the number of threads.
    failed: Option<Error>,
    joint: Joint,
    current: Block,
    spare: Vec<GroupSamples>,
    /// Samples to drop before the first one asked for.
    skip: u64,
}

impl<R: Read> std::fmt::Debug for Decoder<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Decoder").field("header", self.header()).finish_non_exhaustive()
    }
}

/// Samples of a group, of which the first `len` count.
#[derive(Default)]
struct Block {
    samples: GroupSamples,
    len: usize,
}

/// Joins groups in a row: fills up what is damaged, undoes the overlap between neighbours.
struct Joint {
    header: Arc<Header>,
    layout: Arc<Layout>,
    /// Made with the first group: a header alone asks for no memory.
    synthesis: Option<Synthesis>,
    concealer: Concealer,
    /// Joined at its start, not yet at its end.
    held: Option<Block>,
    /// Joined at both ends.
    ready: VecDeque<Block>,
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
        let source = GroupSource::new(input, on_damage)?;
        let joint = Joint::new(Arc::clone(source.header()));
        let (header, layout) = (Arc::clone(&joint.header), Arc::clone(&joint.layout));
        let group_samples = header.group_samples() as u64 * u64::from(header.channels);
        let in_memory = (GROUP_SAMPLES_LIMIT / group_samples).max(1) as usize;
        let new_worker = move || match on_damage {
            OnDamage::Fail => GroupDecoder::new(&header, Arc::clone(&layout)),
            OnDamage::Salvage => GroupDecoder::for_concealment(&header, Arc::clone(&layout)),
        };
        Ok(Self {
            source,
            groups: InOrder::new(MOST_BEGUN.min(in_memory), new_worker, GroupDecoder::run),
            failed: None,
            joint,
            current: Block::default(),
            spare: Vec::new(),
            skip: 0,
        })
    }

    /// The header of the file.
    pub fn header(&self) -> &Header {
        self.source.header()
    }

    /// The damage so far; complete once [`Self::next_block`] has returned `None`.
    pub fn damages(&self) -> &[Damage] {
        self.source.damages()
    }

    /// The next samples, planar, full scale 1.0; `None` at the end. All blocks together have the length of what was
    /// encoded.
    ///
    /// # Errors
    /// `Malformed` naming group and time when the file is damaged and the policy is [`OnDamage::Fail`]; `Io`.
    pub fn next_block(&mut self) -> Result<Option<&[Vec<f32>]>> {
        loop {
            self.begin_groups();
            if self.joint.ready.is_empty() && !self.join_oldest_group()? {
                return Ok(None);
            }
            let Some(block) = self.joint.ready.pop_front() else { continue };
            let used = std::mem::replace(&mut self.current, block);
            self.spare.push(used.samples);
            if self.trim_current() {
                return Ok(Some(&self.current.samples.channels));
            }
        }
    }

    /// Cuts the current block to the samples that count; false when none is left.
    fn trim_current(&mut self) -> bool {
        let skipped = self.skip.min(self.current.len as u64) as usize;
        self.skip -= skipped as u64;
        for channel in &mut self.current.samples.channels {
            channel.truncate(self.current.len);
            channel.drain(..skipped);
        }
        skipped < self.current.len
    }

    /// Reads and begins groups, as many as may be, or up to the end.
    fn begin_groups(&mut self) {
        while !self.groups.is_full() && !self.source.is_at_end() && self.failed.is_none() {
            match self.source.next_job() {
                Ok(Some(job)) => self.groups.push(GroupJob { room: self.spare.pop().unwrap_or_default(), ..job }),
                Ok(None) => {}
                Err(error) => self.failed = Some(error),
            }
        }
    }

    /// Waits for the group begun first, and joins it to the one before; false at the end.
    fn join_oldest_group(&mut self) -> Result<bool> {
        if let Some(group) = self.groups.pop() {
            self.source.check_decoded(&group)?;
            let payload = self.joint.push(group);
            self.source.reuse(payload);
            return Ok(true);
        }
        match self.failed.take() {
            Some(error) => {
                self.source.stop();
                Err(error)
            }
            None => Ok(self.joint.finish()),
        }
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
        self.skip = self.source.seek(sample)?;
        while self.groups.pop().is_some() {}
        self.joint.clear();
        self.failed = None;
        Ok(())
    }
}

impl Joint {
    fn new(header: Arc<Header>) -> Self {
        let layout = Arc::new(header.layout());
        let concealer = Concealer::new(Arc::clone(&layout));
        Self { header, layout, synthesis: None, concealer, held: None, ready: VecDeque::new() }
    }

    /// Puts a group behind the one that is held; returns the memory of its payload.
    fn push(&mut self, mut group: DecodedGroup) -> Vec<u8> {
        let new = || Synthesis::new(&self.header, Arc::clone(&self.layout));
        let synthesis = self.synthesis.get_or_insert_with(new);
        self.concealer.fill_up(&mut group, synthesis);
        let mut block = Block { samples: group.samples, len: group.job.samples };
        if let Some(mut held) = self.held.take() {
            synthesis.join(&mut held.samples, &mut block.samples);
            self.ready.push_back(held);
        }
        self.held = Some(block);
        group.job.payload
    }

    /// Nothing comes after the group that is held; false when there is none.
    fn finish(&mut self) -> bool {
        self.ready.extend(self.held.take());
        !self.ready.is_empty()
    }

    /// Drops all groups.
    fn clear(&mut self) {
        self.held = None;
        self.ready.clear();
    }
}
