//! One group from bytes to samples.

use super::{
    concealment::conceal,
    format::{
        container::Header,
        frame::Frame,
        syntax::{Layout, Syntax},
        synthesis::{GroupSamples, Synthesis},
    },
};
use crate::range_coder;
use std::sync::Arc;

/// What a group decoder is given.
#[derive(Debug, Clone, Default)]
pub struct GroupJob {
    /// Position in the file.
    pub number: u32,
    /// Samples per channel that count.
    pub samples: usize,
    /// The coded bytes; empty when the group is lost.
    pub payload: Vec<u8>,
    /// The checksum was right.
    pub is_intact: bool,
    /// Where in the file it was read, in bytes.
    pub at_byte: u64,
}

/// Decodes groups, one after the other, independent of each other.
pub struct GroupDecoder {
    layout: Arc<Layout>,
    syntax: Syntax,
    synthesis: Synthesis,
    /// The last whole frame, once there is one.
    pub frame: Frame,
    /// The frame being read, so that a damaged one does not spoil the last.
    next: Frame,
    /// What to decode.
    pub job: GroupJob,
    /// The result.
    pub samples: GroupSamples,
    /// Superframes that were whole.
    pub n_whole: usize,
}

impl GroupDecoder {
    /// A decoder for the groups of a file.
    pub fn new(header: &Header, layout: Arc<Layout>) -> Self {
        Self {
            syntax: Syntax::new(Arc::clone(&layout)),
            synthesis: Synthesis::new(header, Arc::clone(&layout)),
            frame: layout.new_frame(),
            next: layout.new_frame(),
            job: GroupJob::default(),
            samples: GroupSamples::default(),
            n_whole: 0,
            layout,
        }
    }

    /// Superframes that the job's samples need.
    pub fn n_superframes(&self) -> usize {
        self.job.samples.div_ceil(self.layout.superframe_samples)
    }

    /// Decodes the job into `samples`, up to the first superframe that is damaged.
    pub fn run(&mut self) {
        self.syntax.reset();
        self.synthesis.start_group(self.job.number, &mut self.samples);
        self.n_whole = 0;
        let mut bits = range_coder::Decoder::new(&self.job.payload);
        for _ in 0..self.n_superframes() {
            if self.syntax.code(&mut bits, &mut self.next).is_err() || bits.is_past_end() {
                return;
            }
            std::mem::swap(&mut self.frame, &mut self.next);
            self.synthesis.append(&self.frame, &mut self.samples);
            self.n_whole += 1;
        }
    }

    /// Fills up what `run` left out, from the last whole frame: its own or, for a group that has none, `before`.
    /// `age` counts the superframes concealed in a row; returns the new count.
    pub fn fill_up(&mut self, before: Option<&Frame>, age: usize) -> usize {
        let mut age = if self.n_whole > 0 { 0 } else { age };
        if self.n_whole == 0 {
            match before {
                Some(before) => self.frame.clone_from(before),
                None => self.frame = self.layout.new_frame(),
            }
        }
        for _ in self.n_whole..self.n_superframes() {
            conceal(&mut self.frame, age, &self.layout);
            self.synthesis.append(&self.frame, &mut self.samples);
            age += 1;
        }
        age
    }

    /// Undoes the overlap between two groups in a row.
    pub fn join(&self, left: &mut GroupSamples, right: &mut GroupSamples) {
        self.synthesis.join(left, right);
    }
}
