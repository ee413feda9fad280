//! Entropy coding of the indices of one channel in one block.
//!
//! A magnitude is a row of decisions "is it more than i?", i = 0..14, then Exp-Golomb. Each decision mixes three
//! counters, found by the magnitudes around the coefficient:
//!
//! | model | looks at |
//! |---|---|
//! | near | the two coefficients below in this block; the block before |
//! | wide | the running mean in this block; the slow mean at this frequency; block class |
//! | other | the first channel of the pair (a single channel: the frequency); the block before; channel |
//!
//! The counters of one context lie together, one cache line for all i.

use super::{
    bands::Band,
    frame::{BandCode, MAGNITUDE_LIMIT},
    model::{Counter, EscapeModel, Mixer, Weights},
    neighbourhood::{Contexts, N_CELLS, cell},
    syntax::{Damaged, N_CLASSES},
};
use crate::range_coder::{Account, BitCoder};

/// Unary decisions before the escape.
const UNARY: usize = 15;

/// One cache line: the counters of one context for all unary decisions, and one to spare.
#[derive(Debug, Clone)]
#[repr(align(64))]
struct Row([Counter; UNARY + 1]);

/// All that is learnt about magnitudes.
#[derive(Debug, Clone)]
pub struct CoefficientModels {
    near: Vec<Row>,
    wide: Vec<Row>,
    other: Vec<Row>,
    /// By block class and channel.
    weights: [[[Weights; UNARY]; 2]; N_CLASSES],
    escape: EscapeModel,
}

/// What is fixed for the block.
#[derive(Clone, Copy)]
pub struct CoefficientContext<'a> {
    /// The block's bands.
    pub bands: &'a [Band],
    /// Their levels.
    pub codes: &'a [BandCode],
    /// Class of the block's length.
    pub class: usize,
    /// 0, or 1 for the second channel of a pair.
    pub channel: usize,
}

/// Magnitude of a zero, and of one step, in 1/32 steps.
const ZERO: u32 = 4;
const STEP: u32 = 32;

/// The magnitudes before this one in the block, in 1/32 steps; the running mean in 1/512.
#[derive(Clone, Copy)]
struct Trail {
    last: u32,
    before_last: u32,
    mean: u32,
}

impl Trail {
    #[inline]
    fn near(self) -> usize {
        // two thirds and one third
        cell((self.last * 171 + self.before_last * 85) >> 8)
    }

    #[inline]
    fn wide(self) -> usize {
        cell(self.mean >> 4)
    }

    #[inline]
    fn push(&mut self, magnitude: u32) {
        let x = if magnitude == 0 { ZERO } else { STEP * magnitude.min(1 << 16) };
        self.before_last = self.last;
        self.last = x;
        // a fifth of the way
        self.mean = (self.mean as i32 + (((16 * x) as i32 - self.mean as i32) * 51 / 256)) as u32;
    }

    /// The same magnitudes in steps that are `rise` half octaves larger.
    fn rescale(&mut self, rise: i32) {
        let scaled = |v: u32| {
            let v = u64::from(v);
            let half_octave = if rise.rem_euclid(2) == 1 { (v * 46_341) >> 16 } else { v };
            let octaves = rise.div_euclid(2);
            let moved = if octaves >= 0 { half_octave >> octaves.min(63) } else { half_octave << (-octaves).min(24) };
            moved.min(1 << 24) as u32
        };
        // the mean's unit is 16 times finer: its cap binds later, but no cell lies that high
        *self = Self {
            last: scaled(self.last).min(1 << 21),
            before_last: scaled(self.before_last).min(1 << 21),
            mean: scaled(self.mean),
        };
    }
}

impl CoefficientModels {
    /// Models that have seen nothing.
    pub fn new() -> Self {
        let rows = |n: usize| vec![Row([Counter::NEW; UNARY + 1]); n];
        Self {
            near: rows(N_CELLS * N_CELLS),
            wide: rows(N_CLASSES * N_CELLS * N_CELLS),
            other: rows(2 * N_CELLS * N_CELLS),
            weights: [[[Weights::NEW; UNARY]; 2]; N_CLASSES],
            escape: EscapeModel::new(),
        }
    }

    /// Forgets everything.
    pub fn reset(&mut self) {
        let all = self.near.iter_mut().chain(&mut self.wide).chain(&mut self.other);
        all.for_each(|row| row.0.fill(Counter::NEW));
        self.weights = [[[Weights::NEW; UNARY]; 2]; N_CLASSES];
        self.escape = EscapeModel::new();
    }

    /// Codes the indices of all bands that are not empty; those read replace those given, empty bands become zero.
    pub fn code<C: BitCoder>(
        &mut self,
        coder: &mut C,
        context: CoefficientContext,
        cells: &Contexts,
        indices: &mut [i32],
    ) -> Result<(), Damaged> {
        let mut trail = Trail { last: ZERO, before_last: ZERO, mean: 16 * ZERO };
        let mut level_below = None;
        for (b, (band, code)) in context.bands.iter().zip(context.codes).enumerate() {
            coder.charge(Account::Band(b));
            if code.is_empty {
                indices[band.start..band.end].fill(0);
                continue;
            }
            if let Some(below) = level_below.replace(code.level) {
                trail.rescale(i32::from(code.level) - i32::from(below));
            }
            self.code_band(coder, context, cells, band, &mut trail, indices)?;
        }
        Ok(())
    }

    fn code_band<C: BitCoder>(
        &mut self,
        coder: &mut C,
        context: CoefficientContext,
        cells: &Contexts,
        band: &Band,
        trail: &mut Trail,
        indices: &mut [i32],
    ) -> Result<(), Damaged> {
        let range = band.start..band.end;
        let frequency = (band.cell / 6).min(N_CELLS - 1);
        let wide = &mut self.wide[context.class * N_CELLS * N_CELLS..][..N_CELLS * N_CELLS];
        let other = &mut self.other[context.channel * N_CELLS * N_CELLS..][..N_CELLS * N_CELLS];
        let weights = &mut self.weights[context.class][context.channel];
        let mixer = Mixer::new();
        let cells = cells.before[range.clone()].iter().zip(&cells.slow[range.clone()]).zip(&cells.other[range.clone()]);
        for (index, ((&before, &slow), &first)) in indices[range].iter_mut().zip(cells) {
            let first = if context.channel == 1 { usize::from(first) } else { frequency };
            let rows = [
                &mut self.near[trail.near() * N_CELLS + usize::from(before)].0,
                &mut wide[trail.wide() * N_CELLS + usize::from(slow)].0,
                &mut other[first * N_CELLS + usize::from(before)].0,
            ];
            let wanted = index.unsigned_abs();
            let mut magnitude = code_unary(coder, mixer, rows, weights, wanted);
            if magnitude == UNARY as u32 {
                magnitude += self.escape.code(coder, wanted.wrapping_sub(UNARY as u32)).ok_or(Damaged)?;
                if magnitude >= MAGNITUDE_LIMIT {
                    return Err(Damaged);
                }
            }
            trail.push(magnitude);
            *index = match magnitude {
                0 => 0,
                m if coder.bypass(1, u32::from(*index < 0)) == 1 => -(m as i32),
                m => m as i32,
            };
        }
        Ok(())
    }
}

/// Codes "more than 0?", "more than 1?", ... until the first no.
#[inline]
fn code_unary<C: BitCoder>(
    coder: &mut C,
    mixer: Mixer,
    rows: [&mut [Counter; UNARY + 1]; 3],
    weights: &mut [Weights; UNARY],
    wanted: u32,
) -> u32 {
    let [near, wide, other] = rows;
    for (i, weights) in weights.iter_mut().enumerate() {
        let counters = [&mut near[i], &mut wide[i], &mut other[i]];
        if !mixer.code(coder, counters, weights, wanted > i as u32) {
            return i as u32;
        }
    }
    UNARY as u32
}
