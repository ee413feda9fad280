//! The order of the fields in a packet: one description writes, counts and reads.
//!
//! ```text
//! superframe = element... sentinel
//! element    = tree block...
//! block      = [mid/side flags] channel...
//! channel    = levels, noise exponent, indices
//! ```

use super::{
    bands::{BandTables, N_DEPTHS},
    block_tree::TreeModel,
    coefficients::{CoefficientContext, CoefficientModels},
    frame::{BlockSpan, Damaged, ElementFrame, Frame, spans},
    frame_coder::{FrameCoder, Part},
    levels::{FirstChannel, LevelContext, LevelMemory, LevelModels, code_levels, code_mid_side},
    model::{Counter, code_octal},
    neighbourhood::Neighbourhood,
    reconstruction::BandQuantizer,
    stereo::{Element, StereoModel},
};
use std::sync::Arc;

/// Class of the blocks of each depth: N and N/2; N/4 and N/8; the shorter ones.
const CLASS_OF_DEPTH: [usize; N_DEPTHS] = [2, 2, 1, 1, 0, 0, 0];

/// Four bits at the end of each superframe, so that a decoder notices that it has lost synchronisation.
const SENTINEL: u32 = 0b1010;

/// The constants of a file.
#[derive(Debug, Clone)]
pub struct Layout {
    /// Channels and pairs.
    pub elements: Vec<Element>,
    /// Bands of all block sizes.
    pub tables: BandTables,
    /// Samples of a superframe, N.
    pub superframe_samples: usize,
    /// Noise replaces zeros and empty bands.
    pub has_noise: bool,
    /// The quantizer of the coefficients.
    pub quantizer: BandQuantizer,
}

impl Layout {
    /// A frame of zeros.
    pub fn new_frame(&self) -> Frame {
        Frame::new(&self.elements, self.superframe_samples, self.tables.most_bands())
    }
}

/// Models and memories of a group.
pub(crate) struct Syntax {
    layout: Arc<Layout>,
    tree: TreeModel,
    stereo: StereoModel,
    levels: LevelModels,
    noise: [Counter; 8],
    coefficients: CoefficientModels,
    memories: Vec<ElementMemory>,
}

struct ElementMemory {
    mid_side: Vec<bool>,
    levels: Vec<LevelMemory>,
    neighbourhood: Neighbourhood,
}

impl Syntax {
    /// The state at the start of a group.
    pub(crate) fn new(layout: Arc<Layout>) -> Self {
        let n_cells = layout.tables.n_cells();
        let memory = |e: &Element| ElementMemory {
            mid_side: vec![false; n_cells],
            levels: vec![LevelMemory::new(n_cells); e.n_channels()],
            neighbourhood: Neighbourhood::new(e.n_channels(), layout.superframe_samples),
        };
        Self {
            tree: TreeModel::new(),
            stereo: StereoModel::new(),
            levels: LevelModels::new(&layout.tables),
            noise: [Counter::NEW; 8],
            coefficients: CoefficientModels::new(layout.tables.n_cells()),
            memories: layout.elements.iter().map(memory).collect(),
            layout,
        }
    }

    /// Returns to the start of a group: resets all models and memories.
    pub(crate) fn reset(&mut self) {
        let n_cells = self.layout.tables.n_cells();
        self.tree = TreeModel::new();
        self.stereo = StereoModel::new();
        self.levels = LevelModels::new(&self.layout.tables);
        self.noise = [Counter::NEW; 8];
        self.coefficients.reset();
        for memory in &mut self.memories {
            memory.mid_side.fill(false);
            memory.levels.fill(LevelMemory::new(n_cells));
            memory.neighbourhood.reset();
        }
    }

    /// Codes one superframe. Reading replaces all of `frame`; writing and counting leave it as it is.
    ///
    /// # Errors
    /// [`Damaged`] when the stream holds a value out of range or the sentinel is missing.
    pub(crate) fn code<C: FrameCoder>(&mut self, coder: &mut C, frame: &mut Frame) -> Result<(), Damaged> {
        let layout = Arc::clone(&self.layout);
        for (e, element) in frame.elements.iter_mut().enumerate() {
            coder.begin(Part::Common);
            element.tree = element.tree.code(coder, &mut self.tree);
            for span in spans(&element.tree, &layout.tables, layout.superframe_samples) {
                self.code_block(coder, e, span, element)?;
            }
        }
        coder.begin(Part::Common);
        match coder.bypass(4, SENTINEL) {
            SENTINEL => Ok(()),
            _ => Err(Damaged),
        }
    }

    fn code_block<C: FrameCoder>(
        &mut self,
        coder: &mut C,
        e: usize,
        span: BlockSpan,
        element: &mut ElementFrame,
    ) -> Result<(), Damaged> {
        let memory = &mut self.memories[e];
        let class = CLASS_OF_DEPTH[span.depth];
        memory.neighbourhood.start_block(span.len);
        let mid_side: &mut [bool] =
            if element.mid_side.is_empty() { &mut [] } else { &mut element.mid_side[span.band_range()] };
        coder.begin(Part::Common);
        code_mid_side(coder, &mut self.stereo, &mut memory.mid_side, span.bands, mid_side);
        for (channel, in_file) in self.layout.elements[e].channels().enumerate() {
            coder.begin(Part::Block { channel: in_file, first_band: span.first_band });
            let (first, rest) = element.channels.split_at_mut(channel);
            let (first_levels, levels) = memory.levels.split_at_mut(channel);
            let first = first.first().zip(first_levels.first()).map(|(first, memory)| FirstChannel {
                mid_side,
                codes: &first.bands[span.band_range()],
                memory,
            });
            let this = &mut rest[0];
            let codes = &mut this.bands[span.band_range()];
            let context = LevelContext {
                bands: span.bands,
                class,
                has_noise: self.layout.has_noise,
                quantizer: self.layout.quantizer,
                first,
            };
            code_levels(coder, &mut self.levels, &mut levels[0], context, codes)?;
            coder.begin(Part::Common);
            let noise = &mut this.noise[span.block_index];
            *noise = code_octal(coder, &mut self.noise, *noise);
            memory.neighbourhood.prepare(channel, span.bands, codes, mid_side);
            let context =
                CoefficientContext { bands: span.bands, codes, quantizer: self.layout.quantizer, class, channel };
            let indices = &mut this.indices[span.samples()];
            self.coefficients.code(coder, context, &mut memory.neighbourhood.contexts, indices)?;
            memory.neighbourhood.push(channel, span.bands, codes);
        }
        let (first, second) = (&element.channels[0], &element.channels[element.channels.len() - 1]);
        let codes = [first, second].map(|c| &c.bands[span.band_range()]);
        let indices = [first, second].map(|c| &c.indices[span.samples()]);
        memory.neighbourhood.end_block(span.bands, codes, mid_side, indices);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        codec::format::{
            block_tree::BlockTree,
            frame::{BandCode, SILENT},
            stereo::elements,
        },
        range_coder::{BitCounter, Decoder, Encoder},
    };
    use proptest::prelude::*;

    const N: usize = 256;

    fn layout(n_channels: usize, has_noise: bool, quantizer: BandQuantizer) -> Arc<Layout> {
        let tables = BandTables::new(3000, N);
        Arc::new(Layout { elements: elements(n_channels, 0), tables, superframe_samples: N, has_noise, quantizer })
    }

    /// A legal frame made of random numbers: what no block uses stays as in a new frame.
    fn random_frame(layout: &Layout, mut random: impl FnMut() -> u32) -> Frame {
        let mut frame = layout.new_frame();
        for element in &mut frame.elements {
            element.tree = BlockTree::from_splits(|_, _| random().is_multiple_of(3));
            for span in spans(&element.tree, &layout.tables, N) {
                for flag in element.mid_side.iter_mut().take(span.band_range().end).skip(span.first_band) {
                    *flag = random() & 1 == 1;
                }
                for channel in &mut element.channels {
                    channel.noise[span.block_index] = (random() & 7) as u8;
                    for (band, code) in span.bands.iter().zip(&mut channel.bands[span.band_range()]) {
                        let is_empty = random().is_multiple_of(4);
                        let is_silent = is_empty && !layout.has_noise;
                        let level = if is_silent { SILENT } else { ((random() % 193) as i32 - 96) as i8 };
                        let class = match layout.quantizer {
                            BandQuantizer::LloydMax if !is_empty => (random() & 7) as u8,
                            BandQuantizer::Trellis if !is_empty => (random() & 1) as u8,
                            _ => 0,
                        };
                        *code = BandCode { is_empty, class, level };
                        let bits = random() % 21;
                        for index in &mut channel.indices[span.samples()][band.start..band.end] {
                            let magnitude = (random() % (1 << bits)) as i32;
                            *index = if is_empty {
                                0
                            } else if random() & 1 == 1 {
                                -magnitude
                            } else {
                                magnitude
                            };
                        }
                    }
                }
            }
        }
        frame
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn frames_return_and_cost_what_was_counted(seed in any::<u32>(), n_channels in 1usize..4, has_noise in any::<bool>(), quantizer in 0u8..4) {
            let mut state = seed;
            let mut random = move || {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                state >> 11
            };
            let layout = layout(n_channels, has_noise, BandQuantizer::from_id(quantizer));
            let frames: Vec<Frame> = (0..3).map(|_| random_frame(&layout, &mut random)).collect();
            let (mut store, mut count) = (Encoder::new(Vec::new()), BitCounter::default());
            let (mut writer, mut counter) = (Syntax::new(Arc::clone(&layout)), Syntax::new(Arc::clone(&layout)));
            for frame in &frames {
                let mut written = frame.clone();
                writer.code(&mut store, &mut written).expect("legal");
                prop_assert_eq!(&written, frame);
                counter.code(&mut count, &mut written).expect("legal");
            }
            let bytes = store.finish();
            let (counted, stored) = (count.bits(), 8.0 * bytes.len() as f64);
            prop_assert!((stored - counted).abs() < 0.002 * stored + 48.0, "{counted} bits counted, {stored} stored");
            let (mut reader, mut bits) = (Syntax::new(Arc::clone(&layout)), Decoder::new(&bytes));
            for frame in &frames {
                let mut read = layout.new_frame();
                reader.code(&mut bits, &mut read).expect("its own bits");
                prop_assert_eq!(&read, frame);
            }
            prop_assert!(!bits.is_past_end());
        }

        #[test]
        fn any_bytes_are_a_frame_or_damaged(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let layout = layout(2, true, BandQuantizer::Trellis);
            let (mut reader, mut bits) = (Syntax::new(Arc::clone(&layout)), Decoder::new(&bytes));
            let mut frame = layout.new_frame();
            for _ in 0..4 {
                if reader.code(&mut bits, &mut frame).is_err() {
                    break;
                }
            }
        }
    }

    #[test]
    fn a_reset_forgets_everything() {
        let layout = layout(2, true, BandQuantizer::Trellis);
        let mut state = 5u32;
        let mut random = move || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state >> 11
        };
        let (mut first, mut second) = (random_frame(&layout, &mut random), random_frame(&layout, &mut random));
        let mut syntax = Syntax::new(Arc::clone(&layout));
        let mut code = |frame: &mut Frame| {
            syntax.reset();
            let mut bits = Encoder::new(Vec::new());
            syntax.code(&mut bits, frame).expect("legal");
            bits.finish()
        };
        let fresh = code(&mut first);
        code(&mut second);
        assert_eq!(code(&mut first), fresh);
    }
}
