//! Coefficients of the original under the block trees of a file, and what they mask.

use crate::{
    Error, Result,
    codec::{
        choice::{
            psychoacoustics::{EarModel, Psychoacoustics},
            temporal::{ShortTimeEnergies, Temporal, window_reach},
        },
        format::{bands::Band, block_tree::BlockTree, frame::BlockSpan, lapped_blocks::LappedBlocks, syntax::Layout},
        source::{PcmSource, finite},
    },
};
use std::sync::Arc;

/// The trees of three superframes in a row: before, now, after; none beyond the ends of the file.
pub(crate) type Trees = [Option<BlockTree>; 3];

/// Walks through the original superframe by superframe.
pub(crate) struct SpectrumOfOriginal<'a> {
    layout: Arc<Layout>,
    source: &'a mut dyn PcmSource,
    /// Samples read and not yet used, planar.
    ahead: Vec<Vec<f32>>,
    /// For each channel the superframe, its neighbours, and the reach of a window on both sides.
    window: Vec<Vec<f32>>,
    /// Short-time energies of the three superframes of the window.
    raw: Vec<Vec<f32>>,
    energies: ShortTimeEnergies,
    temporal: Temporal,
    ear: Psychoacoustics,
    blocks: LappedBlocks,
    loudness: f32,
    work: Vec<f32>,
    unevenness: Vec<f32>,
    base: Vec<f32>,
}

impl<'a> SpectrumOfOriginal<'a> {
    /// At the first superframe of `source`, which has this loudness.
    ///
    /// # Errors
    /// Those of the source.
    pub(crate) fn new(
        layout: Arc<Layout>,
        sample_rate_hz: u32,
        source: &'a mut dyn PcmSource,
        loudness: f32,
    ) -> Result<Self> {
        let n = layout.superframe_samples;
        let n_channels: usize = layout.elements.iter().map(|e| e.n_channels()).sum();
        let temporal = Temporal::new(&layout.tables, sample_rate_hz, n);
        let reach = window_reach(n);
        let most_bands = layout.tables.most_bands();
        source.rewind()?;
        let mut original = Self {
            source,
            ahead: vec![Vec::new(); n_channels],
            window: vec![vec![0.0; n + reach]; n_channels],
            raw: vec![vec![0.0; 3 * temporal.raw_per_superframe()]; n_channels],
            energies: temporal.new_energies(),
            temporal,
            ear: Psychoacoustics::new(&EarModel::default(), &layout.tables, sample_rate_hz, n),
            blocks: LappedBlocks::new(n),
            loudness,
            work: vec![0.0; 2 * n],
            unevenness: vec![0.0; most_bands],
            base: vec![0.0; most_bands],
            layout,
        };
        original.pull(2 * n + reach)?;
        original.measure(0..3);
        Ok(original)
    }

    /// Moves on by one superframe.
    ///
    /// # Errors
    /// Those of the source.
    pub(crate) fn advance(&mut self) -> Result<()> {
        let n = self.layout.superframe_samples;
        self.window.iter_mut().for_each(|x| drop(x.drain(..n)));
        self.pull(n)?;
        let per_superframe = self.temporal.raw_per_superframe();
        self.raw.iter_mut().for_each(|raw| raw.copy_within(per_superframe.., 0));
        self.measure(2..3);
        Ok(())
    }

    /// Puts `n` samples more into the window; silence follows the end.
    fn pull(&mut self, n: usize) -> Result<()> {
        let mut block = Vec::new();
        while self.ahead[0].len() < n {
            if self.source.read(&mut block)? == 0 {
                self.ahead.iter_mut().for_each(|x| x.resize(n, 0.0));
                break;
            }
            if block.len() != self.ahead.len() {
                let (expected, got) = (self.ahead.len(), block.len());
                return Err(Error::LengthMismatch { what: "channels of file and original", expected, got });
            }
            for (ahead, block) in self.ahead.iter_mut().zip(&block) {
                ahead.extend(block.iter().copied().map(finite));
            }
        }
        for (window, ahead) in self.window.iter_mut().zip(&mut self.ahead) {
            window.extend(ahead.drain(..n));
        }
        Ok(())
    }

    /// Short-time energies of these superframes of the window.
    fn measure(&mut self, superframes: std::ops::Range<usize>) {
        let n = self.layout.superframe_samples;
        let reach = window_reach(n);
        let per_superframe = self.temporal.raw_per_superframe();
        for (window, raw) in self.window.iter().zip(&mut self.raw) {
            for i in superframes.clone() {
                let energies = &mut raw[i * per_superframe..(i + 1) * per_superframe];
                self.temporal.raw(&window[i * n..(i + 1) * n + 2 * reach], energies);
            }
        }
    }

    /// Coefficients of the channel last transformed, all blocks in order.
    pub(crate) fn coefficients(&self) -> &[f32] {
        let n = self.layout.superframe_samples;
        &self.work[n / 2..n + n / 2]
    }

    /// Transforms `channel` under the middle one of `trees`.
    pub(crate) fn transform(&mut self, channel: usize, trees: &Trees) {
        self.temporal.mask(&self.raw[channel], &mut self.energies);
        let n = self.layout.superframe_samples;
        let start = window_reach(n) + n / 2;
        self.work.copy_from_slice(&self.window[channel][start..start + 2 * n]);
        let [before, now, after] = trees;
        let now = now.as_ref().expect("there is a superframe to transform");
        let mut fold = |boundary: usize, left: usize, right: usize| {
            let (a, b) = self.work.split_at_mut(boundary);
            self.blocks.fold_boundary(left, right, a, b);
        };
        if let Some(before) = before {
            fold(n / 2, before.last(), now.first());
        }
        if let Some(after) = after {
            fold(n + n / 2, now.last(), after.first());
        }
        let this = &mut self.work[n / 2..n + n / 2];
        self.blocks.fold_inner(now, this);
        self.blocks.transform(now, this);
    }

    /// log2 of the noise power per coefficient that each band of a block of the channel last transformed masks.
    ///
    /// - `quality_db`: q of the noise target that counts as the mask
    pub(crate) fn masks(&mut self, span: &BlockSpan, quality_db: f32, masks: &mut [f32]) {
        let n = self.layout.superframe_samples;
        let bands: &[Band] = span.bands;
        let x = &self.work[n / 2..n + n / 2][span.samples()];
        let (unevenness, base) = (&mut self.unevenness[..bands.len()], &mut self.base[..bands.len()]);
        self.temporal.unevenness(&self.energies, span.depth, span.start / span.len, unevenness);
        self.ear.base(span.depth, bands, x, unevenness, base);
        self.ear.finish(span.depth, self.loudness, quality_db, base, masks);
    }
}
