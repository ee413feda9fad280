//! One group from samples to bytes.

use super::{
    attacks,
    block_analysis::{Block, BlockAnalysis, NoiseRule},
    codebook_design::MagnitudeCounts,
    psychoacoustics::{EarModel, Psychoacoustics},
    quantization::BlockQuantizer,
    target_smoothing::{self, CellTargets, TargetTrack},
    temporal::{ShortTimeEnergies, Temporal, window_reach},
};
use crate::{
    codec::format::{
        block_tree::{BlockTree, MAX_BLOCKS, MAX_DEPTH},
        container::Header,
        frame::{BlockSpan, ElementFrame, Frame, spans},
        lapped_blocks::LappedBlocks,
        stereo::{self, Element},
        syntax::{Layout, Syntax},
    },
    range_coder,
};
use std::sync::Arc;

/// Superframes before and after a group that its encoder looks at: a neighbour whose tree it must know, and what
/// that neighbour's own analysis reaches.
pub(crate) const MARGIN_SUPERFRAMES: usize = 3;

/// A group to encode.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct EncodeJob {
    /// Superframes of the group.
    pub n_superframes: usize,
    /// There is nothing before.
    pub is_first: bool,
    /// There is nothing after.
    pub is_last: bool,
}

/// Block tree and outer targets of a superframe.
#[derive(Debug, Clone)]
struct Outline {
    tree: BlockTree,
    /// Targets of the first and of the last block.
    edges: [CellTargets; 2],
}

impl Outline {
    fn new(n_cells: usize) -> Self {
        Self { tree: BlockTree::ONE_BLOCK, edges: [CellTargets::new(n_cells), CellTargets::new(n_cells)] }
    }
}

/// Encodes groups, one after the other, independent of each other.
pub(crate) struct GroupEncoder {
    layout: Arc<Layout>,
    quantizer: BlockQuantizer,
    syntax: Syntax,
    blocks: LappedBlocks,
    ear: Psychoacoustics,
    temporal: Temporal,
    analysis: BlockAnalysis,
    frame: Frame,
    /// Short-time energies of all channels over group and margins.
    raw: Vec<Vec<f32>>,
    energies: [ShortTimeEnergies; 2],
    /// Samples, then coefficients, of a superframe and half of each neighbour, for two channels.
    work: [Vec<f32>; 2],
    /// Three superframes of each element: before, now, after.
    outlines: Vec<[Outline; 3]>,
    /// Of the superframe whose tree is being chosen: targets of the first and last block of each depth.
    edges: [[CellTargets; 2]; MAX_DEPTH],
    track: TargetTrack,
    /// The group being encoded.
    job: EncodeJob,
}

impl GroupEncoder {
    /// An encoder for the groups of the file of this header, whose layout is `layout`.
    ///
    /// - `max_bandwidth_hz`: bands that start here or above are silent
    pub(crate) fn new(layout: Arc<Layout>, header: &Header, ear: &EarModel, max_bandwidth_hz: f32) -> Self {
        let (n, rate) = (layout.superframe_samples, header.sample_rate_hz);
        let temporal = Temporal::new(&layout.tables, rate, n);
        let n_cells = layout.tables.n_cells();
        let n_channels: usize = layout.elements.iter().map(|e| e.n_channels()).sum();
        // the windows reach over both ends: the outermost superframes have no energies
        let n_raw = usize::from(header.group_superframes) + 2 * MARGIN_SUPERFRAMES;
        Self {
            syntax: Syntax::new(Arc::clone(&layout)),
            blocks: LappedBlocks::new(n),
            ear: Psychoacoustics::new(ear, &layout.tables, rate, n),
            analysis: BlockAnalysis::new(&layout.tables, n),
            frame: layout.new_frame(),
            raw: vec![vec![0.0; n_raw * temporal.raw_per_superframe()]; n_channels],
            energies: [temporal.new_energies(), temporal.new_energies()],
            temporal,
            work: [vec![0.0; 2 * n], vec![0.0; 2 * n]],
            outlines: vec![std::array::from_fn(|_| Outline::new(n_cells)); layout.elements.len()],
            edges: std::array::from_fn(|_| [CellTargets::new(n_cells), CellTargets::new(n_cells)]),
            track: TargetTrack::new(&layout.tables),
            quantizer: BlockQuantizer::new(header, max_bandwidth_hz),
            layout,
            job: EncodeJob::default(),
        }
    }

    /// Encodes a group; returns its bytes.
    ///
    /// - `pcm`: planar, the group with [`MARGIN_SUPERFRAMES`] on both sides
    /// - `payload`: memory for the bytes; its contents are replaced
    pub(crate) fn run(&mut self, job: EncodeJob, rule: NoiseRule, pcm: &[Vec<f32>], mut payload: Vec<u8>) -> Vec<u8> {
        let layout = Arc::clone(&self.layout);
        self.job = job;
        self.syntax.reset();
        self.measure_energies(pcm);
        payload.clear();
        let mut bits = range_coder::Encoder::new(payload);
        for t in 0..self.job.n_superframes {
            for (e, &element) in layout.elements.iter().enumerate() {
                self.advance(e, element, t, pcm, rule);
                self.transform(e, element, t, pcm);
                self.fill_frame(e, element, t, rule);
            }
            self.syntax.code(&mut bits, &mut self.frame).expect("an encoder's frame is within range");
        }
        bits.finish()
    }

    /// With [`BandQuantizer::LloydMax`](crate::codec::BandQuantizer::LloydMax): the magnitudes of all groups encoded.
    pub(crate) fn magnitude_counts(&self) -> Option<&MagnitudeCounts> {
        self.quantizer.counts()
    }

    /// Position in the buffer of superframe `t` of the group; -1 is the one before.
    fn start_of(&self, t: isize) -> usize {
        let superframe = (t + MARGIN_SUPERFRAMES as isize) as usize;
        superframe * self.layout.superframe_samples
    }

    fn measure_energies(&mut self, pcm: &[Vec<f32>]) {
        let n = self.layout.superframe_samples;
        let reach = window_reach(n);
        let n_raw = self.job.n_superframes + 2 * MARGIN_SUPERFRAMES;
        let per_superframe = self.temporal.raw_per_superframe();
        for (raw, x) in self.raw.iter_mut().zip(pcm) {
            let raw = &mut raw[per_superframe..(n_raw - 1) * per_superframe];
            let start = n - reach;
            let end = (n_raw - 1) * n + reach;
            self.temporal.raw(&x[start..end], raw);
        }
    }

    /// Masks the energies around superframe `t` for the channels of `element`.
    fn mask_energies(&mut self, element: Element, t: isize) {
        let per_superframe = self.temporal.raw_per_superframe();
        let first = (t + MARGIN_SUPERFRAMES as isize - 1) as usize * per_superframe;
        for (energies, channel) in self.energies.iter_mut().zip(element.channels()) {
            self.temporal.mask(&self.raw[channel][first..first + 3 * per_superframe], energies);
        }
    }

    /// Makes `outlines[e]` those around superframe `t`.
    fn advance(&mut self, e: usize, element: Element, t: usize, pcm: &[Vec<f32>], rule: NoiseRule) {
        let t = t as isize;
        if t == 0 {
            if self.job.is_first {
                self.outlines[e][1].tree = BlockTree::ONE_BLOCK;
            } else {
                self.outline(e, 1, -1, pcm, rule);
            }
            self.outline(e, 2, 0, pcm, rule);
        }
        self.outlines[e].rotate_left(1);
        if self.is_end(t) {
            self.outlines[e][2].tree = BlockTree::ONE_BLOCK;
        } else {
            self.outline(e, 2, t + 1, pcm, rule);
        }
        self.mask_energies(element, t);
    }

    /// Nothing comes before superframe `t`.
    fn is_start(&self, t: isize) -> bool {
        self.job.is_first && t == 0
    }

    /// Nothing comes after superframe `t`.
    fn is_end(&self, t: isize) -> bool {
        self.job.is_last && t + 1 == self.job.n_superframes as isize
    }

    /// Makes `outlines[e][place]` that of superframe `t`.
    fn outline(&mut self, e: usize, place: usize, t: isize, pcm: &[Vec<f32>], rule: NoiseRule) {
        let tree = self.choose_tree(self.layout.elements[e], t, pcm, rule);
        let outline = &mut self.outlines[e][place];
        outline.tree = tree;
        // the shortest blocks have no price and no targets yet: those twice as long stand for them
        let edge_depths = [tree.first(), tree.last()].map(|depth| depth.min(MAX_DEPTH - 1));
        for (side, (edge, depth)) in outline.edges.iter_mut().zip(edge_depths).enumerate() {
            edge.clone_from(&self.edges[depth][side]);
        }
    }

    /// The tree of least cost: all blocks down to N/32 are tried with full overlap, and two halves replace a block
    /// when they are cheaper together.
    fn choose_tree(&mut self, element: Element, t: isize, pcm: &[Vec<f32>], rule: NoiseRule) -> BlockTree {
        self.mask_energies(element, t);
        let mut costs = [[0.0; MAX_BLOCKS]; MAX_DEPTH];
        for (depth, costs) in costs.iter_mut().enumerate() {
            self.transform_uniform(element, depth, self.start_of(t), pcm);
            self.price_blocks(element, depth, rule, costs);
        }
        cheapest_tree(&costs, self.short_blocks(element, t, pcm))
    }

    /// The shortest blocks that superframe `t` must have for the sake of any channel.
    fn short_blocks(&self, element: Element, t: isize, pcm: &[Vec<f32>]) -> u64 {
        let n = self.layout.superframe_samples;
        let ([before, after], start) = (attacks::reach(n), self.start_of(t));
        let of_channel = |channel: usize| attacks::short_blocks(&pcm[channel][start - before..start + n + after]);
        element.channels().map(of_channel).fold(0, |all, blocks| all | blocks)
    }

    /// Coefficients of all blocks of one size into `work`, from N/2 on.
    fn transform_uniform(&mut self, element: Element, depth: usize, start: usize, pcm: &[Vec<f32>]) {
        let n = self.layout.superframe_samples;
        let len = n >> depth;
        for (work, channel) in self.work.iter_mut().zip(element.channels()) {
            let reach = n / 2 - len / 2..n + n / 2 + len / 2;
            let x = &pcm[channel][start - len / 2..start + n + len / 2];
            work[reach].copy_from_slice(x);
            for boundary in (n / 2..=n + n / 2).step_by(len) {
                let (left, right) = work.split_at_mut(boundary);
                self.blocks.fold_boundary(depth, depth, left, right);
            }
            let tree = BlockTree::from_splits(|d, _| d < depth);
            self.blocks.transform(&tree, &mut work[n / 2..n + n / 2]);
        }
    }

    fn price_blocks(&mut self, element: Element, depth: usize, rule: NoiseRule, costs: &mut [f32]) {
        let n = self.layout.superframe_samples;
        let len = n >> depth;
        for (index, cost) in costs[..1 << depth].iter_mut().enumerate() {
            let range = n / 2 + index * len..n / 2 + (index + 1) * len;
            let block = Block {
                depth,
                index,
                bands: self.layout.tables.at(depth),
                channels: [&self.work[0][range.clone()], &self.work[1][range]],
                n_channels: element.n_channels(),
            };
            let energies = [&self.energies[0], &self.energies[1]];
            self.analysis.find_targets(block, rule, &mut self.ear, &mut self.temporal, energies);
            let [first, last] = &mut self.edges[depth];
            if index == 0 {
                first.set(block.bands, &self.analysis.targets);
            }
            if index + 1 == 1 << depth {
                last.set(block.bands, &self.analysis.targets);
            }
            *cost = self.analysis.choose(block, rule);
        }
    }

    /// Coefficients of superframe `t` under its own tree into `work`, from N/2 on.
    fn transform(&mut self, e: usize, element: Element, t: usize, pcm: &[Vec<f32>]) {
        let n = self.layout.superframe_samples;
        let [before, now, after] = [0, 1, 2].map(|place| self.outlines[e][place].tree);
        let (start, is_start, is_end) = (self.start_of(t as isize), self.is_start(t as isize), self.is_end(t as isize));
        for (work, channel) in self.work.iter_mut().zip(element.channels()) {
            work.copy_from_slice(&pcm[channel][start - n / 2..start + n + n / 2]);
            let mut fold = |boundary: usize, left: usize, right: usize| {
                let (a, b) = work.split_at_mut(boundary);
                self.blocks.fold_boundary(left, right, a, b);
            };
            if !is_start {
                fold(n / 2, before.last(), now.first());
            }
            if !is_end {
                fold(n + n / 2, now.last(), after.first());
            }
            let this = &mut work[n / 2..n + n / 2];
            self.blocks.fold_inner(&now, this);
            self.blocks.transform(&now, this);
        }
    }

    /// The block of `span` in `work`.
    fn block<'a>(work: &'a [Vec<f32>; 2], element: Element, span: &BlockSpan<'a>, n: usize) -> Block<'a> {
        let range = n / 2 + span.start..n / 2 + span.start + span.len;
        Block {
            depth: span.depth,
            index: span.start / span.len,
            bands: span.bands,
            channels: [&work[0][range.clone()], &work[1][range]],
            n_channels: element.n_channels(),
        }
    }

    /// Records the targets of all blocks of superframe `t` and of its neighbours' next ones.
    fn track_targets(&mut self, e: usize, element: Element, t: isize, rule: NoiseRule) {
        let (is_start, is_end) = (self.is_start(t), self.is_end(t));
        let layout = Arc::clone(&self.layout);
        let [before, now, after] = &self.outlines[e];
        self.track.start((!is_start).then_some(&before.edges[1]));
        for span in spans(&now.tree, &layout.tables, layout.superframe_samples) {
            let block = Self::block(&self.work, element, &span, layout.superframe_samples);
            let energies = [&self.energies[0], &self.energies[1]];
            self.analysis.find_targets(block, rule, &mut self.ear, &mut self.temporal, energies);
            self.track.push(&span, &self.analysis.targets);
        }
        self.track.end((!is_end).then_some(&after.edges[0]));
    }

    /// Chooses levels and indices for the coefficients in `work`.
    fn fill_frame(&mut self, e: usize, element: Element, t: usize, rule: NoiseRule) {
        self.track_targets(e, element, t as isize, rule);
        let layout = Arc::clone(&self.layout);
        let n = layout.superframe_samples;
        let tree = self.outlines[e][1].tree;
        self.frame.elements[e].tree = tree;
        for span in spans(&tree, &layout.tables, n) {
            self.track.targets(&span, target_smoothing::weight(rule), &mut self.analysis.targets);
            let block = Self::block(&self.work, element, &span, n);
            self.analysis.choose(block, rule);
            let range = n / 2 + span.start..n / 2 + span.start + span.len;
            let frame = &mut self.frame.elements[e];
            let [first, second] = &mut self.work;
            let mut x = [&mut first[range.clone()], &mut second[range]];
            if element.n_channels() == 2 {
                rotate_bands(&span, &self.analysis.mid_side, frame, &mut x);
            }
            for (channel, x) in x.into_iter().enumerate().take(element.n_channels()) {
                self.quantizer.quantize(&span, x, &self.analysis.targets[channel], &mut frame.channels[channel]);
            }
        }
    }
}

/// Two halves replace a block when they are cheaper together, or where one of the `shortest` blocks lies.
///
/// - `costs`: of the blocks of all depths but the last
fn cheapest_tree(costs: &[[f32; MAX_BLOCKS]; MAX_DEPTH], shortest: u64) -> BlockTree {
    let mut best = [f32::INFINITY; MAX_BLOCKS];
    let mut is_split = [[false; MAX_BLOCKS]; MAX_DEPTH];
    for depth in (0..MAX_DEPTH).rev() {
        let width = MAX_BLOCKS >> depth;
        for i in 0..1 << depth {
            let halves = best[2 * i] + best[2 * i + 1];
            let holds_shortest = shortest >> (i * width) & (u64::MAX >> (MAX_BLOCKS - width)) != 0;
            is_split[depth][i] = holds_shortest || halves < costs[depth][i];
            best[i] = costs[depth][i].min(halves);
        }
    }
    BlockTree::from_splits(|depth, i| is_split[depth][i])
}

/// Notes the mid/side flags in the frame and rotates the bands that have them.
fn rotate_bands(span: &BlockSpan, mid_side: &[bool], frame: &mut ElementFrame, x: &mut [&mut [f32]; 2]) {
    let flags = &mut frame.mid_side[span.band_range()];
    flags.copy_from_slice(&mid_side[..span.bands.len()]);
    let [first, second] = x;
    for (band, _) in span.bands.iter().zip(flags).filter(|(_, is_mid_side)| **is_mid_side) {
        stereo::rotate(&mut first[band.start..band.end], &mut second[band.start..band.end]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::EncoderOptions;

    /// The encoder of a group in the midst of mono noise, at its second superframe, and the noise.
    fn encoder_amid_noise() -> (GroupEncoder, Vec<Vec<f32>>) {
        let header = EncoderOptions::new(48_000, 1).header().expect("legal");
        let layout = Arc::new(header.layout());
        let mut encoder = GroupEncoder::new(layout, &header, &EarModel::default(), f32::INFINITY);
        encoder.job = EncodeJob { n_superframes: 3, is_first: false, is_last: false };
        let mut state = 1u32;
        let mut noise = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 25) as f32 - 0.25
        };
        let n_samples = (3 + 2 * MARGIN_SUPERFRAMES) * header.superframe_samples();
        let pcm = vec![(0..n_samples).map(|_| noise()).collect()];
        (encoder, pcm)
    }

    /// Mean targets of the first and of the last block of superframe 1, after `shift` is added to all targets of the
    /// last block before it and of the first one behind it.
    fn edge_targets(shift: [f32; 2]) -> [f32; 2] {
        let rule = NoiseRule::Ear { quality_db: -10.0, loudness: -10.0 };
        let (mut encoder, pcm) = encoder_amid_noise();
        let (layout, element) = (Arc::clone(&encoder.layout), encoder.layout.elements[0]);
        encoder.measure_energies(&pcm);
        for t in 0..2 {
            encoder.advance(0, element, t, &pcm, rule);
        }
        encoder.transform(0, element, 1, &pcm);
        let [before, _, after] = &mut encoder.outlines[0];
        before.edges[1].shift(shift[0]);
        after.edges[0].shift(shift[1]);
        encoder.track_targets(0, element, 1, rule);
        let tree = encoder.outlines[0][1].tree;
        let means = spans(&tree, &layout.tables, layout.superframe_samples).map(|span| {
            let mut targets = [vec![0.0; span.bands.len()], vec![0.0; span.bands.len()]];
            encoder.track.targets(&span, target_smoothing::weight(rule), &mut targets);
            targets[0].iter().sum::<f32>() / span.bands.len() as f32
        });
        let means: Vec<f32> = means.collect();
        [means[0], means[means.len() - 1]]
    }

    #[test]
    fn superframes_draw_on_the_blocks_beside_them() {
        let (plain, louder_before, louder_after) =
            (edge_targets([0.0; 2]), edge_targets([8.0, 0.0]), edge_targets([0.0, 8.0]));
        assert!((louder_before[0] - plain[0] - 2.0).abs() < 1e-3, "{plain:?} {louder_before:?}");
        assert!((louder_after[1] - plain[1] - 2.0).abs() < 1e-3, "{plain:?} {louder_after:?}");
    }
}
