//! Blocks that tell their warnings when nobody reads on.

use super::Blocks;
use crate::{
    Result,
    wav::{ChunkEntry, Metadata},
};

/// What is read, and who is told at the end.
pub(super) struct Telling<'a, F: Fn(&[String])> {
    blocks: Box<dyn Blocks + Send + 'a>,
    tell: F,
}

impl<'a, F: Fn(&[String])> Telling<'a, F> {
    pub(super) fn new(blocks: Box<dyn Blocks + Send + 'a>, tell: F) -> Self {
        Self { blocks, tell }
    }
}

impl<F: Fn(&[String])> Drop for Telling<'_, F> {
    fn drop(&mut self) {
        (self.tell)(self.blocks.warnings());
    }
}

impl<F: Fn(&[String])> Blocks for Telling<'_, F> {
    fn read_planar(&mut self, block: &mut Vec<Vec<f64>>, max_frames: usize) -> Result<usize> {
        self.blocks.read_planar(block, max_frames)
    }

    fn read_f32(&mut self, out: &mut [f32]) -> Result<usize> {
        self.blocks.read_f32(out)
    }

    fn read_codes(&mut self, out: &mut [i32]) -> Result<usize> {
        self.blocks.read_codes(out)
    }

    fn metadata(&self) -> &Metadata {
        self.blocks.metadata()
    }

    fn warnings(&self) -> &[String] {
        self.blocks.warnings()
    }

    fn chunks(&self) -> &[ChunkEntry] {
        self.blocks.chunks()
    }
}
