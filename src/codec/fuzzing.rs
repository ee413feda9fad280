//! Access to the entropy layer for the fuzz targets, which see the public interface only. Built for them and for unit
//! tests.

use super::format::{
    bands::BandTables,
    frame::Frame,
    reconstruction::BandQuantizer,
    stereo::elements,
    syntax::{Layout, Syntax},
};
use crate::range_coder::{Decoder, Encoder};
use std::sync::Arc;

/// Superframes read from one input.
const MOST_FRAMES: usize = 4;

/// Reads bytes as frames, over and over, without building its models anew.
pub struct FrameReader {
    syntaxes: Vec<(Arc<Layout>, Syntax)>,
}

impl std::fmt::Debug for FrameReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FrameReader").finish_non_exhaustive()
    }
}

impl FrameReader {
    /// For one channel, a pair, and a pair with a single channel and no noise.
    pub fn with_small_layouts() -> Self {
        let syntax = |(n_channels, has_noise, quantizer)| {
            let tables = BandTables::new(3_000, 256);
            let elements = elements(n_channels, 0);
            let layout = Arc::new(Layout { elements, tables, superframe_samples: 256, has_noise, quantizer });
            (Arc::clone(&layout), Syntax::new(layout))
        };
        let kinds =
            [(1, true, BandQuantizer::Uniform), (2, true, BandQuantizer::Trellis), (3, false, BandQuantizer::LloydMax)];
        Self { syntaxes: kinds.into_iter().map(syntax).collect() }
    }

    /// Reads `bytes` as frames up to the first damage, writes these frames, and reads them again.
    ///
    /// # Panics
    /// When what was written is not what is read.
    pub fn run(&mut self, bytes: &[u8]) {
        let Some((&first, payload)) = bytes.split_first() else { return };
        let n = self.syntaxes.len();
        let (layout, syntax) = &mut self.syntaxes[usize::from(first) % n];
        let mut frames = read(layout, syntax, payload);
        syntax.reset();
        let mut writer = Encoder::new(Vec::new());
        for frame in &mut frames {
            syntax.code(&mut writer, frame).expect("a frame that was read is legal");
        }
        let written = writer.finish();
        let again = read(layout, syntax, &written);
        assert!(again.len() >= frames.len() && again[..frames.len()] == frames[..], "frames do not return");
    }
}

fn read(layout: &Layout, syntax: &mut Syntax, payload: &[u8]) -> Vec<Frame> {
    syntax.reset();
    let mut bits = Decoder::new(payload);
    let mut frames = Vec::new();
    while frames.len() < MOST_FRAMES && !bits.is_past_end() {
        let mut frame = layout.new_frame();
        if syntax.code(&mut bits, &mut frame).is_err() {
            break;
        }
        frames.push(frame);
    }
    frames
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The kept inputs of the target: each reaches code that those before it do not.
    #[test]
    fn kept_inputs_return() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/fuzz/codec_frame");
        let mut reader = FrameReader::with_small_layouts();
        let mut n_files = 0;
        for entry in std::fs::read_dir(folder).expect("a folder") {
            reader.run(&std::fs::read(entry.expect("an entry").path()).expect("a file"));
            n_files += 1;
        }
        assert!(n_files > 10, "{n_files} files");
    }
}
