//! Coding of the bands' levels: empty or not, step size or noise level, mid/side or not.
//!
//! A level is predicted from the level that its half-ERB cell had last, whatever the size of that block, plus half of
//! what the band below deviated from its own memory. Noise levels lie about [`NOISE_BELOW_STEP`] under step sizes, so
//! both share the memory.

use super::{
    bands::{Band, BandTables},
    frame::{BandCode, LEVELS},
    model::{Counter, NumberModel},
    stereo::StereoModel,
    syntax::{Damaged, N_CLASSES},
};
use crate::range_coder::{Account, BitCoder};

/// A noise level is expected this many half octaves under the step size.
const NOISE_BELOW_STEP: i32 = 3;

/// Before anything is known a step of 2^-10 is expected.
const FIRST_LEVEL: i16 = -20;

/// Cells are grouped by 8 (4 ERB) in the context of the empty flag.
const CELLS_PER_ZONE: usize = 8;

/// What the levels of one channel were.
#[derive(Debug, Clone)]
pub struct LevelMemory {
    levels: Vec<i16>,
    is_empty: Vec<bool>,
}

impl LevelMemory {
    /// The memory at the start of a group.
    pub fn new(n_cells: usize) -> Self {
        Self { levels: vec![FIRST_LEVEL; n_cells], is_empty: vec![false; n_cells] }
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

/// Which statistics a level follows.
#[derive(Clone, Copy)]
enum Kind {
    Step,
    StepOfSide,
    Noise,
}

/// All that is learnt about levels.
#[derive(Debug, Clone)]
pub struct LevelModels {
    /// By zone, block class, the cell's last flag, the flag of the band below.
    empty: Vec<[[[Counter; 2]; 2]; N_CLASSES]>,
    /// By kind, block class, "the band below deviated".
    differences: [[[DifferenceModel; 2]; N_CLASSES]; 3],
}

impl LevelModels {
    /// Models that have seen nothing.
    pub fn new(tables: &BandTables) -> Self {
        const ROW: [DifferenceModel; 2] = [DifferenceModel::NEW; 2];
        Self {
            empty: vec![[[[Counter::NEW; 2]; 2]; N_CLASSES]; tables.n_cells() / CELLS_PER_ZONE + 1],
            differences: [const { [ROW; N_CLASSES] }; 3],
        }
    }
}

/// What is known of a block before its levels are coded.
#[derive(Clone, Copy)]
pub struct LevelContext<'a> {
    /// The block's bands.
    pub bands: &'a [Band],
    /// Its class of lengths, below [`N_CLASSES`].
    pub class: usize,
    /// Empty bands have a level.
    pub has_noise: bool,
    /// For the second channel of a pair: the mid/side flags and the levels of the first.
    pub first: Option<(&'a [bool], &'a [BandCode])>,
}

/// Codes the levels of one channel in one block; those read replace those given.
pub fn code_levels<C: BitCoder>(
    coder: &mut C,
    models: &mut LevelModels,
    memory: &mut LevelMemory,
    context: LevelContext,
    codes: &mut [BandCode],
) -> Result<(), Damaged> {
    let mut empty_below = false;
    let mut deviation_below = 0;
    for (b, (band, code)) in context.bands.iter().zip(codes).enumerate() {
        coder.charge(Account::Band(b));
        let zone = &mut models.empty[band.cell / CELLS_PER_ZONE][context.class];
        let flag = &mut zone[usize::from(memory.is_empty[band.cell])][usize::from(empty_below)];
        code.is_empty = flag.code(coder, code.is_empty);
        empty_below = code.is_empty;
        let remembered = i32::from(memory.levels[band.cell]);
        let level = if code.is_empty && !context.has_noise {
            code.level = super::frame::SILENT;
            remembered
        } else {
            let (kind, expected) = expectation(b, code.is_empty, remembered + deviation_below / 2, context);
            let model = &mut models.differences[kind as usize][context.class][usize::from(deviation_below != 0)];
            let level = expected + model.code(coder, i32::from(code.level) - expected).ok_or(Damaged)?;
            if !LEVELS.contains(&level) {
                return Err(Damaged);
            }
            code.level = level as i8;
            level + if code.is_empty { NOISE_BELOW_STEP } else { 0 }
        };
        deviation_below = level - remembered;
        memory.levels[band.first_cell..band.end_cell].fill(level as i16);
        memory.is_empty[band.first_cell..band.end_cell].fill(code.is_empty);
    }
    Ok(())
}

/// The level that band `b` is expected to have, and whose statistics its deviation follows.
fn expectation(b: usize, is_empty: bool, from_memory: i32, context: LevelContext) -> (Kind, i32) {
    if is_empty {
        return (Kind::Noise, from_memory - NOISE_BELOW_STEP);
    }
    match context.first {
        Some((mid_side, first)) if mid_side[b] && !first[b].is_empty => (Kind::StepOfSide, i32::from(first[b].level)),
        _ => (Kind::Step, from_memory),
    }
}

/// Codes the mid/side flags of one block; `memory` holds the flag that each cell had last.
pub fn code_mid_side<C: BitCoder>(
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
