//! From frames to samples: reconstruction, stereo, inverse transform, overlap.

use super::{
    block_tree::BlockTree,
    codebooks::Codebooks,
    container::Header,
    frame::{ElementFrame, Frame, spans},
    lapped_blocks::LappedBlocks,
    noise::Noise,
    reconstruction::{Reconstruction, noise_rms},
    stereo,
    syntax::Layout,
};
use std::sync::Arc;

/// Samples of one group. Its outer boundaries are still folded: they need the neighbouring groups.
#[derive(Debug, Clone, Default)]
pub(crate) struct GroupSamples {
    /// Planar, whole superframes.
    pub channels: Vec<Vec<f32>>,
    /// For each element the depths of the group's first and last block; `None` before the first superframe.
    pub edges: Vec<Option<(usize, usize)>>,
    /// The noise of each channel, which goes on from superframe to superframe.
    noise: Vec<Noise>,
}

/// Turns frames of one group after the other into samples.
pub(crate) struct Synthesis {
    layout: Arc<Layout>,
    codebooks: Codebooks,
    gain: f32,
    blocks: LappedBlocks,
}

impl Synthesis {
    /// A synthesis for the file of this header, whose layout is `layout`.
    pub(crate) fn new(header: &Header, layout: Arc<Layout>) -> Self {
        let blocks = LappedBlocks::new(layout.superframe_samples);
        Self { layout, codebooks: header.codebooks.clone(), gain: header.gain(), blocks }
    }

    /// Starts group `number`: its noise, and empty `samples`.
    pub(crate) fn start_group(&self, number: u32, samples: &mut GroupSamples) {
        let n_channels = self.layout.elements.iter().map(|e| e.n_channels()).sum();
        samples.noise.clear();
        samples.noise.extend((0..n_channels).map(|channel| Noise::new(number, channel)));
        samples.channels.resize_with(n_channels, Vec::new);
        samples.channels.iter_mut().for_each(Vec::clear);
        samples.edges.clear();
        samples.edges.resize(self.layout.elements.len(), None);
    }

    /// Appends one superframe to `samples`.
    pub(crate) fn append(&mut self, frame: &Frame, samples: &mut GroupSamples) {
        let layout = Arc::clone(&self.layout);
        for (e, (element, frame)) in layout.elements.iter().zip(&frame.elements).enumerate() {
            for channel in element.channels() {
                let x = &mut samples.channels[channel];
                x.resize(x.len() + layout.superframe_samples, 0.0);
            }
            self.reconstruct(frame, element.channels(), samples);
            let edge = &mut samples.edges[e];
            for channel in element.channels() {
                self.invert(&frame.tree, edge.map(|(_, last)| last), &mut samples.channels[channel]);
            }
            *edge = Some((edge.map_or(frame.tree.first(), |(first, _)| first), frame.tree.last()));
        }
    }

    /// Coefficients of one element into the last superframe of its channels.
    pub(crate) fn reconstruct(
        &self,
        frame: &ElementFrame,
        channels: impl Iterator<Item = usize> + Clone,
        samples: &mut GroupSamples,
    ) {
        let layout = Arc::clone(&self.layout);
        let origin = samples.channels[channels.clone().next().expect("an element has a channel")].len()
            - layout.superframe_samples;
        for span in spans(&frame.tree, &layout.tables, layout.superframe_samples) {
            for (channel, coded) in channels.clone().zip(&frame.channels) {
                let x = &mut samples.channels[channel][origin..][span.samples()];
                let indices = &coded.indices[span.samples()];
                let mut reconstruction = Reconstruction {
                    quantizer: layout.quantizer,
                    codebooks: &self.codebooks,
                    gain: self.gain,
                    zero_rms: if layout.has_noise { noise_rms(coded.noise[span.block_index]) } else { 0.0 },
                    noise: &mut samples.noise[channel],
                    state: 0,
                };
                for (band, &code) in span.bands.iter().zip(&coded.bands[span.band_range()]) {
                    let range = band.start..band.end;
                    reconstruction.band(&indices[range.clone()], code, &mut x[range]);
                }
            }
            let mid_side = frame.mid_side.get(span.band_range()).unwrap_or(&[]);
            for (band, _) in span.bands.iter().zip(mid_side).filter(|&(_, &is_mid_side)| is_mid_side) {
                let range = origin + span.start + band.start..origin + span.start + band.end;
                let mut pair = channels.clone();
                let (first, second) = (pair.next().unwrap_or(0), pair.next().unwrap_or(0));
                let (head, tail) = samples.channels.split_at_mut(second);
                stereo::rotate(&mut head[first][range.clone()], &mut tail[0][range]);
            }
        }
    }

    /// Inverse transform of the last superframe of `x`, and the boundary before it when there is one.
    fn invert(&mut self, tree: &BlockTree, depth_before: Option<usize>, x: &mut [f32]) {
        let (before, this) = x.split_at_mut(x.len() - self.layout.superframe_samples);
        self.blocks.transform(tree, this);
        self.blocks.unfold_inner(tree, this);
        if let Some(depth) = depth_before {
            self.blocks.unfold_boundary(depth, tree.first(), before, this);
        }
    }

    /// Undoes the overlap between two groups in a row.
    pub(crate) fn join(&self, left: &mut GroupSamples, right: &mut GroupSamples) {
        for (e, element) in self.layout.elements.iter().enumerate() {
            let (Some((_, last)), Some((first, _))) = (left.edges[e], right.edges[e]) else { continue };
            for channel in element.channels() {
                self.blocks.unfold_boundary(last, first, &mut left.channels[channel], &mut right.channels[channel]);
            }
        }
    }
}
