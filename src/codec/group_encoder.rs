//! One group from samples to bytes.

use super::{
    bands::N_DEPTHS,
    block_analysis::{Block, BlockAnalysis, Target},
    block_tree::{BlockTree, MAX_DEPTH},
    frame::{BandCode, ElementFrame, Frame, LEVELS, SILENT, spans},
    lapped_blocks::LappedBlocks,
    psychoacoustics::{EarModel, Psychoacoustics},
    spectrum::{BandQuantizer, amplitude},
    stereo::{self, Element},
    syntax::{Layout, Syntax},
    temporal::{ShortTimeEnergies, Temporal},
};
use crate::range_coder;
use std::sync::Arc;

/// Superframes before and after a group that its encoder looks at: a neighbour whose tree it must know, and what
/// that neighbour's own analysis reaches.
pub const MARGIN_SUPERFRAMES: usize = 3;

/// The exponent of the noise in place of zeros: 0.088 steps. Half as much or twice as much loses.
const ZERO_NOISE_EXPONENT: u8 = 1;
/// Noise of an empty band, relative to the rms of what it stands for.
const EMPTY_NOISE: f32 = 0.8;

/// What a group encoder is given.
#[derive(Debug, Clone, Copy, Default)]
pub struct EncodeJob {
    /// First sample in the buffer of the group's margin before it.
    pub origin: usize,
    /// Superframes of the group.
    pub n_superframes: usize,
    /// There is nothing before.
    pub is_first: bool,
    /// There is nothing after.
    pub is_last: bool,
}

/// What all groups of a file are coded with.
#[derive(Debug, Clone)]
pub struct GroupSettings {
    /// The quantizer of the coefficients.
    pub quantizer: BandQuantizer,
    /// The file's fine gain.
    pub gain: f32,
    /// The constants of the ear.
    pub ear: EarModel,
    /// Bands that start above this are silent, in Hz.
    pub max_bandwidth_hz: f32,
    /// Samples per second.
    pub sample_rate_hz: u32,
}

/// Encodes groups, one after the other, independent of each other.
pub struct GroupEncoder {
    layout: Arc<Layout>,
    settings: GroupSettings,
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
    /// Three trees of each element: before, now, after.
    trees: Vec<[BlockTree; 3]>,
    /// What to encode.
    pub job: EncodeJob,
    /// The result.
    pub payload: Vec<u8>,
}

impl GroupEncoder {
    /// An encoder for groups of at most `group_superframes`.
    pub fn new(layout: Arc<Layout>, settings: &GroupSettings, group_superframes: usize) -> Self {
        let (n, rate) = (layout.superframe_samples, settings.sample_rate_hz);
        let temporal = Temporal::new(&layout.tables, rate, n);
        let n_channels: usize = layout.elements.iter().map(|e| e.n_channels()).sum();
        // half a hop is missing at both ends: the outermost superframes have no energies
        let n_raw = group_superframes + 2 * MARGIN_SUPERFRAMES;
        Self {
            syntax: Syntax::new(Arc::clone(&layout)),
            blocks: LappedBlocks::new(n),
            ear: Psychoacoustics::new(&settings.ear, &layout.tables, rate, n),
            analysis: BlockAnalysis::new(&layout.tables, n),
            frame: layout.new_frame(),
            raw: vec![vec![0.0; n_raw * temporal.raw_per_superframe()]; n_channels],
            energies: [temporal.new_energies(), temporal.new_energies()],
            temporal,
            work: [vec![0.0; 2 * n], vec![0.0; 2 * n]],
            trees: vec![[BlockTree::ONE_BLOCK; 3]; layout.elements.len()],
            settings: settings.clone(),
            layout,
            job: EncodeJob::default(),
            payload: Vec::new(),
        }
    }

    /// Encodes the job from `pcm`, planar, into `payload`.
    pub fn run(&mut self, pcm: &[Vec<f32>], target: Target) {
        let layout = Arc::clone(&self.layout);
        self.syntax.reset();
        self.measure_energies(pcm);
        let mut payload = std::mem::take(&mut self.payload);
        payload.clear();
        let mut bits = range_coder::Encoder::new(payload);
        for t in 0..self.job.n_superframes {
            for (e, &element) in layout.elements.iter().enumerate() {
                self.advance_trees(e, element, t, pcm, target);
                self.transform(e, element, t, pcm);
                self.fill_frame(e, element, t, target);
            }
            self.syntax.code(&mut bits, &mut self.frame).expect("an encoder's frame is within range");
        }
        self.payload = bits.finish();
    }

    /// Position in the buffer of superframe `t` of the group; -1 is the one before.
    fn start_of(&self, t: isize) -> usize {
        let superframe = (t + MARGIN_SUPERFRAMES as isize) as usize;
        self.job.origin + superframe * self.layout.superframe_samples
    }

    fn measure_energies(&mut self, pcm: &[Vec<f32>]) {
        let n = self.layout.superframe_samples;
        let half_hop = n >> (MAX_DEPTH + 1);
        let n_raw = self.job.n_superframes + 2 * MARGIN_SUPERFRAMES;
        let per_superframe = self.temporal.raw_per_superframe();
        for (raw, x) in self.raw.iter_mut().zip(pcm) {
            let raw = &mut raw[per_superframe..(n_raw - 1) * per_superframe];
            let start = self.job.origin + n - half_hop;
            let end = self.job.origin + (n_raw - 1) * n + half_hop;
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

    /// Makes `trees[e]` those around superframe `t`.
    fn advance_trees(&mut self, e: usize, element: Element, t: usize, pcm: &[Vec<f32>], target: Target) {
        let t = t as isize;
        if t == 0 {
            self.trees[e][1] =
                if self.job.is_first { BlockTree::ONE_BLOCK } else { self.choose_tree(element, -1, pcm, target) };
            self.trees[e][2] = self.choose_tree(element, 0, pcm, target);
        }
        let is_end = self.job.is_last && t + 1 == self.job.n_superframes as isize;
        let next = if is_end { BlockTree::ONE_BLOCK } else { self.choose_tree(element, t + 1, pcm, target) };
        let [_, before, now] = self.trees[e];
        self.trees[e] = [before, now, next];
        self.mask_energies(element, t);
    }

    /// The tree of least cost: all blocks of all sizes are tried with full overlap, and two halves replace a block
    /// when they are cheaper together.
    fn choose_tree(&mut self, element: Element, t: isize, pcm: &[Vec<f32>], target: Target) -> BlockTree {
        self.mask_energies(element, t);
        let mut costs = [[0.0_f32; 1 << MAX_DEPTH]; N_DEPTHS];
        for (depth, costs) in costs.iter_mut().enumerate() {
            self.transform_uniform(element, depth, self.start_of(t), pcm);
            self.price_blocks(element, depth, target, costs);
        }
        let mut is_split = [[false; 1 << MAX_DEPTH]; N_DEPTHS];
        for depth in (0..MAX_DEPTH).rev() {
            for i in 0..1 << depth {
                let halves = costs[depth + 1][2 * i] + costs[depth + 1][2 * i + 1];
                is_split[depth][i] = halves < costs[depth][i];
                costs[depth][i] = costs[depth][i].min(halves);
            }
        }
        BlockTree::from_splits(|depth, i| is_split[depth][i])
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

    fn price_blocks(&mut self, element: Element, depth: usize, target: Target, costs: &mut [f32]) {
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
            *cost = self.analysis.analyse(block, target, &mut self.ear, &mut self.temporal, energies);
        }
    }

    /// Coefficients of superframe `t` under its own tree into `work`, from N/2 on.
    fn transform(&mut self, e: usize, element: Element, t: usize, pcm: &[Vec<f32>]) {
        let n = self.layout.superframe_samples;
        let [before, now, after] = self.trees[e];
        let start = self.start_of(t as isize);
        let is_start = self.job.is_first && t == 0;
        let is_end = self.job.is_last && t + 1 == self.job.n_superframes;
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

    /// Chooses levels and indices for the coefficients in `work`.
    fn fill_frame(&mut self, e: usize, element: Element, _t: usize, target: Target) {
        let layout = Arc::clone(&self.layout);
        let n = layout.superframe_samples;
        let tree = self.trees[e][1];
        self.frame.elements[e].tree = tree;
        for span in spans(&tree, &layout.tables, n) {
            let range = n / 2 + span.start..n / 2 + span.start + span.len;
            let block = Block {
                depth: span.depth,
                index: span.start / span.len,
                bands: span.bands,
                channels: [&self.work[0][range.clone()], &self.work[1][range.clone()]],
                n_channels: element.n_channels(),
            };
            let energies = [&self.energies[0], &self.energies[1]];
            self.analysis.analyse(block, target, &mut self.ear, &mut self.temporal, energies);
            let frame = &mut self.frame.elements[e];
            let [first, second] = &mut self.work;
            let mut x = [&mut first[range.clone()], &mut second[range]];
            if element.n_channels() == 2 {
                rotate_bands(&span, &self.analysis.mid_side, frame, &mut x);
            }
            for (channel, x) in x.into_iter().enumerate().take(element.n_channels()) {
                self.settings.quantize_block(
                    &layout,
                    &span,
                    x,
                    &self.analysis.targets[channel],
                    &mut frame.channels[channel],
                );
            }
        }
    }
}

/// Notes the mid/side flags in the frame and rotates the bands that have them.
fn rotate_bands(span: &super::frame::BlockSpan, mid_side: &[bool], frame: &mut ElementFrame, x: &mut [&mut [f32]; 2]) {
    let flags = &mut frame.mid_side[span.band_range()];
    flags.copy_from_slice(&mid_side[..span.bands.len()]);
    let [first, second] = x;
    for (band, _) in span.bands.iter().zip(flags).filter(|(_, is_mid_side)| **is_mid_side) {
        stereo::rotate(&mut first[band.start..band.end], &mut second[band.start..band.end]);
    }
}

impl GroupSettings {
    fn quantize_block(
        &self,
        layout: &Layout,
        span: &super::frame::BlockSpan,
        x: &[f32],
        targets: &[f32],
        out: &mut super::frame::ChannelFrame,
    ) {
        let hz_per_bin = self.sample_rate_hz as f32 / (2 * span.len) as f32;
        let indices = &mut out.indices[span.samples()];
        let codes = &mut out.bands[span.band_range()];
        out.noise[span.block_index] = ZERO_NOISE_EXPONENT;
        for ((band, code), target) in span.bands.iter().zip(codes).zip(targets) {
            let (x, indices) = (&x[band.start..band.end], &mut indices[band.start..band.end]);
            if band.start as f32 * hz_per_bin >= self.max_bandwidth_hz {
                *code = BandCode { is_empty: true, level: SILENT };
                indices.fill(0);
                continue;
            }
            let level = level_of_target(*target - 2.0 * self.gain.log2());
            self.quantizer.quantize(x, self.gain * amplitude(level), indices);
            *code = match indices.iter().all(|&i| i == 0) {
                false => BandCode { is_empty: false, level },
                true if layout.has_noise => BandCode { is_empty: true, level: noise_level(x, self.gain) },
                true => BandCode { is_empty: true, level: SILENT },
            };
        }
    }
}

/// Level of the step whose noise, step^2/12, is the target: `round(2 log2 step)`.
fn level_of_target(log2_noise: f32) -> i8 {
    let level = (12.0_f32.log2() + log2_noise).round();
    level.clamp(*LEVELS.start() as f32 + 1.0, *LEVELS.end() as f32) as i8
}

/// Level of the noise that stands for `x`.
fn noise_level(x: &[f32], gain: f32) -> i8 {
    let power = x.iter().map(|x| x * x).sum::<f32>() / x.len() as f32;
    let level = (power * (EMPTY_NOISE / gain).powi(2)).log2().round();
    // under 2^-30 of full scale nothing can be heard, nor stored in 24 bits
    if level < -60.0 { SILENT } else { level.min(*LEVELS.end() as f32) as i8 }
}
