//! Entropy coding of the bands' levels: empty flag, step size or noise level, mid/side flag.
//!
//! ```text
//! prediction = last level of the band's half-ERB cell
//!              + (deviation of the band below + deviation of the first channel)/2
//! ```
//!
//! The memory of a cell is its last level in a block of any size. The deviation of a band is its level minus its
//! memory. A single or first channel has no second term, nor has a mid/side band. Noise levels lie about
//! [`NOISE_BELOW_STEP`] under step sizes, so that both share the memory.

use super::{
    bands::{Band, BandTables},
    codebooks::N_CODEBOOKS,
    frame::{BandCode, Damaged, LEVELS, N_CLASSES},
    frame_coder::{FrameCoder, Part},
    model::{Counter, NumberModel, code_octal},
    reconstruction::BandQuantizer,
    stereo::StereoModel,
};
use crate::range_coder::BitCoder;

/// A noise level is expected this many half octaves under the step size.
const NOISE_BELOW_STEP: i32 = 3;

/// The memory at the start of a group: a step of 2^-10.
const FIRST_LEVEL: i16 = -20;

/// Cells are grouped by 8 (4 ERB) in the context of the empty flag.
const CELLS_PER_ZONE: usize = 8;

/// The last levels of one channel.
#[derive(Debug, Clone)]
pub(crate) struct LevelMemory {
    levels: Vec<i16>,
    is_empty: Vec<bool>,
    classes: Vec<u8>,
    /// For each band of the current block: level minus memory.
    deviations: Vec<i32>,
}

impl LevelMemory {
    /// The memory at the start of a group.
    pub(crate) fn new(n_cells: usize) -> Self {
        Self {
            levels: vec![FIRST_LEVEL; n_cells],
            is_empty: vec![false; n_cells],
            classes: vec![0; n_cells],
            deviations: Vec::new(),
        }
    }
}

/// Models of a level difference: sign and magnitude.
#[derive(Debug, Clone)]
struct DifferenceModel {
    is_zero: Counter,
    is_negative: Counter,
    magnitude: NumberModel,
}

impl DifferenceModel {
    const NEW: Self = Self { is_zero: Counter::NEW, is_negative: Counter::NEW, magnitude: NumberModel::new() };

    fn code<C: BitCoder>(&mut self, coder: &mut C, difference: i32) -> Option<i32> {
        if self.is_zero.code(coder, difference == 0) {
            return Some(0);
        }
        let is_negative = self.is_negative.code(coder, difference < 0);
        let magnitude = self.magnitude.code(coder, difference.unsigned_abs().wrapping_sub(1))? as i32 + 1;
        Some(if is_negative { -magnitude } else { magnitude })
    }
}

/// Kinds of levels, each with statistics of its own.
#[derive(Clone, Copy)]
enum Kind {
    Step,
    StepOfSide,
    Noise,
}

/// The models of levels.
#[derive(Debug, Clone)]
pub(crate) struct LevelModels {
    /// By zone, block class, the cell's last flag, the flag of the band below.
    empty: Vec<[[[Counter; 2]; 2]; N_CLASSES]>,
    /// By kind, block class, and what is known of the deviation.
    differences: [[[DifferenceModel; N_SURROUNDINGS]; N_CLASSES]; 3],
    /// "Is dependent?" by the cell's last class and that of the band below.
    dependent: [[Counter; 2]; 2],
    /// Number of the codebook, bit by bit, by that which the cell had last.
    codebook: [[Counter; N_CODEBOOKS]; N_CODEBOOKS],
}

impl LevelModels {
    /// Models at the start of a group.
    pub(crate) fn new(tables: &BandTables) -> Self {
        const ROW: [DifferenceModel; N_SURROUNDINGS] = [DifferenceModel::NEW; N_SURROUNDINGS];
        Self {
            empty: vec![[[[Counter::NEW; 2]; 2]; N_CLASSES]; tables.n_cells() / CELLS_PER_ZONE + 1],
            differences: [const { [ROW; N_CLASSES] }; 3],
            dependent: [[Counter::NEW; 2]; 2],
            codebook: [[Counter::NEW; N_CODEBOOKS]; N_CODEBOOKS],
        }
    }
}

/// What encoder and decoder know of a block before its levels are coded.
#[derive(Clone, Copy)]
pub(crate) struct LevelContext<'a> {
    /// The block's bands.
    pub bands: &'a [Band],
    /// Its class of lengths, below [`N_CLASSES`].
    pub class: usize,
    /// Empty bands have a level.
    pub has_noise: bool,
    /// The file's quantizer.
    pub quantizer: BandQuantizer,
    /// For the second channel of a pair: the first.
    pub first: Option<FirstChannel<'a>>,
}

/// The first channel of a pair in the same block, band by band.
#[derive(Clone, Copy)]
pub(crate) struct FirstChannel<'a> {
    /// The bands that are coded as mid and side.
    pub mid_side: &'a [bool],
    /// The levels that were coded.
    pub codes: &'a [BandCode],
    /// The memory, with the deviations of this block.
    pub memory: &'a LevelMemory,
}

impl FirstChannel<'_> {
    /// Deviation of band `b`, unless mid and side share it: these are no measure of each other.
    fn deviation(&self, b: usize) -> Option<i32> {
        if self.mid_side[b] { None } else { self.memory.deviations.get(b).copied() }
    }
}

/// Contexts of a difference beside kind and class.
const N_SURROUNDINGS: usize = 9;

/// Deviations of the neighbours of a band from their memories.
#[derive(Clone, Copy)]
struct Surroundings {
    /// The band below.
    below: i32,
    /// The same band of the first channel, where both channels are coded apart.
    first: Option<i32>,
}

impl Surroundings {
    /// The expected deviation of the band's own level.
    fn expected(self) -> i32 {
        (self.below + self.first.unwrap_or(0)) / 2
    }

    /// Which statistics apply, below [`N_SURROUNDINGS`].
    fn index(self) -> usize {
        let below = self.below.abs().min(2) as usize;
        below + self.first.map_or(0, |first| if first == 0 { 3 } else { 6 })
    }
}

/// Codes the levels of one channel in one block; those read replace those given.
pub(crate) fn code_levels<C: FrameCoder>(
    coder: &mut C,
    models: &mut LevelModels,
    memory: &mut LevelMemory,
    context: LevelContext,
    codes: &mut [BandCode],
) -> Result<(), Damaged> {
    let mut empty_below = false;
    let (mut below, mut class_below) = (0, 0);
    memory.deviations.clear();
    for (b, (band, code)) in context.bands.iter().zip(codes).enumerate() {
        coder.begin(Part::Band(b));
        let zone = &mut models.empty[band.cell / CELLS_PER_ZONE][context.class];
        let flag = &mut zone[usize::from(memory.is_empty[band.cell])][usize::from(empty_below)];
        code.is_empty = flag.code(coder, code.is_empty);
        empty_below = code.is_empty;
        let remembered = i32::from(memory.levels[band.cell]);
        let level = if code.is_empty && !context.has_noise {
            code.level = super::frame::SILENT;
            remembered
        } else {
            let surroundings = Surroundings { below, first: context.first.and_then(|first| first.deviation(b)) };
            let (kind, expected) = expectation(b, code.is_empty, remembered + surroundings.expected(), context);
            let model = &mut models.differences[kind as usize][context.class][surroundings.index()];
            let level = expected + model.code(coder, i32::from(code.level) - expected).ok_or(Damaged)?;
            if !LEVELS.contains(&level) {
                return Err(Damaged);
            }
            code.level = level as i8;
            level + if code.is_empty { NOISE_BELOW_STEP } else { 0 }
        };
        code.class = match code.is_empty {
            true => 0,
            false => models.code_class(coder, context.quantizer, [memory.classes[band.cell], class_below], code.class),
        };
        if !code.is_empty {
            class_below = code.class;
            memory.classes[band.first_cell..band.end_cell].fill(code.class);
        }
        below = level - remembered;
        memory.deviations.push(below);
        memory.levels[band.first_cell..band.end_cell].fill(level as i16);
        memory.is_empty[band.first_cell..band.end_cell].fill(code.is_empty);
    }
    Ok(())
}

impl LevelModels {
    /// Codes the class of a band that is not empty, where there is a choice.
    ///
    /// - `known`: the class that the band's cell had last, and that of the band below
    fn code_class<C: BitCoder>(&mut self, coder: &mut C, quantizer: BandQuantizer, known: [u8; 2], class: u8) -> u8 {
        let [last, below] = known.map(usize::from);
        match quantizer {
            BandQuantizer::Uniform | BandQuantizer::PowerLaw => 0,
            BandQuantizer::LloydMax => code_octal(coder, &mut self.codebook[last], class),
            BandQuantizer::Trellis => u8::from(self.dependent[last][below].code(coder, class == 1)),
        }
    }
}

/// The level that band `b` is expected to have, and whose statistics its deviation follows.
fn expectation(b: usize, is_empty: bool, from_memory: i32, context: LevelContext) -> (Kind, i32) {
    if is_empty {
        return (Kind::Noise, from_memory - NOISE_BELOW_STEP);
    }
    match context.first {
        Some(first) if first.mid_side[b] && !first.codes[b].is_empty => {
            (Kind::StepOfSide, i32::from(first.codes[b].level))
        }
        _ => (Kind::Step, from_memory),
    }
}

/// Codes the mid/side flags of one block; `memory` holds the flag that each cell had last.
pub(crate) fn code_mid_side<C: BitCoder>(
    coder: &mut C,
    model: &mut StereoModel,
    memory: &mut [bool],
    bands: &[Band],
    flags: &mut [bool],
) {
    let mut below = false;
    for (band, flag) in bands.iter().zip(flags) {
        *flag = model.code(coder, memory[band.cell], below, *flag);
        below = *flag;
        memory[band.first_cell..band.end_cell].fill(*flag);
    }
}
