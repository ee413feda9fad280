//! One group from bytes to samples.

use super::format::{
    container::Header,
    frame::Frame,
    syntax::{Layout, Syntax},
    synthesis::{GroupSamples, Synthesis},
};
use crate::range_coder;
use std::sync::Arc;

/// A group to decode.
#[derive(Debug, Clone, Default)]
pub(super) struct GroupJob {
    /// Position in the file.
    pub number: u32,
    /// Samples per channel that count.
    pub samples: usize,
    /// The coded bytes; empty when the group is lost.
    pub payload: Vec<u8>,
    /// The checksum was right.
    pub is_intact: bool,
    /// Its position in the file, in bytes.
    pub at_byte: u64,
    /// Memory for the samples; its contents are replaced.
    pub room: GroupSamples,
}

/// A decoded group, up to the first superframe that is damaged.
#[derive(Debug)]
pub(super) struct DecodedGroup {
    /// The job.
    pub job: GroupJob,
    /// Samples of the superframes that are whole.
    pub samples: GroupSamples,
    /// Superframes that are whole.
    pub n_whole: usize,
    /// Superframes that the group's samples need.
    pub n_superframes: usize,
    /// The last frame that is whole, of a decoder [`GroupDecoder::for_concealment`].
    pub last_frame: Option<Frame>,
}

impl DecodedGroup {
    /// True when nothing has to be concealed.
    pub(super) fn is_whole(&self) -> bool {
        self.n_whole == self.n_superframes
    }
}

/// Decodes groups, one after the other, independent of each other.
pub(super) struct GroupDecoder {
    layout: Arc<Layout>,
    syntax: Syntax,
    synthesis: Synthesis,
    /// The frame being read.
    frame: Frame,
    /// The last whole frame, of a decoder [`Self::for_concealment`].
    last_frame: Option<Frame>,
}

impl GroupDecoder {
    /// A decoder for the groups of a file.
    pub(super) fn new(header: &Header, layout: Arc<Layout>) -> Self {
        Self {
            syntax: Syntax::new(Arc::clone(&layout)),
            synthesis: Synthesis::new(header, Arc::clone(&layout)),
            frame: layout.new_frame(),
            last_frame: None,
            layout,
        }
    }

    /// A decoder that also returns the last whole frame of each group.
    pub(super) fn for_concealment(header: &Header, layout: Arc<Layout>) -> Self {
        let last_frame = Some(layout.new_frame());
        Self { last_frame, ..Self::new(header, layout) }
    }

    /// Decodes a group up to the first superframe that is damaged.
    pub(super) fn run(&mut self, mut job: GroupJob) -> DecodedGroup {
        let mut samples = std::mem::take(&mut job.room);
        let n_superframes = job.samples.div_ceil(self.layout.superframe_samples);
        self.syntax.reset();
        self.synthesis.start_group(job.number, &mut samples);
        let mut n_whole = 0;
        let mut bits = range_coder::Decoder::new(&job.payload);
        while n_whole < n_superframes {
            if self.syntax.code(&mut bits, &mut self.frame).is_err() || bits.is_past_end() {
                break;
            }
            self.synthesis.append(&self.frame, &mut samples);
            if let Some(last) = &mut self.last_frame {
                std::mem::swap(last, &mut self.frame);
            }
            n_whole += 1;
        }
        let last_frame = self.last_frame.as_ref().filter(|_| n_whole > 0).cloned();
        DecodedGroup { job, samples, n_whole, n_superframes, last_frame }
    }

    /// Undoes the overlap between two groups in a row.
    pub(super) fn join(&self, left: &mut GroupSamples, right: &mut GroupSamples) {
        self.synthesis.join(left, right);
    }
}
