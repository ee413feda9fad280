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
    frame::{BandCode, Damaged, MAGNITUDE_LIMIT, N_CLASSES},
    frame_coder::{FrameCoder, Part},
    model::{Counter, EscapeModel, Mixer, Weights},
    neighbourhood::{Contexts, N_CELLS, cell},
    reconstruction::{BandQuantizer, dependent_trellis, multiple},
};
use crate::range_coder::BitCoder;

/// Unary decisions before the escape.
const UNARY: usize = 15;

/// One cache line: the counters of one context for all unary decisions, and one to spare.
#[derive(Debug, Clone)]
#[repr(align(64))]
struct Row([Counter; UNARY + 1]);

/// The counters of one coset.
#[derive(Debug, Clone)]
struct Rows {
    near: Vec<Row>,
    wide: Vec<Row>,
    other: Vec<Row>,
}

impl Rows {
    fn new() -> Self {
        let rows = |n: usize| vec![Row([Counter::NEW; UNARY + 1]); n];
        Self {
            near: rows(N_CELLS * N_CELLS),
            wide: rows(N_CLASSES * N_CELLS * N_CELLS),
            other: rows(2 * N_CELLS * N_CELLS),
        }
    }

    /// Those of the block's class and channel, model by model.
    fn of(&mut self, context: CoefficientContext) -> [&mut [Row]; 3] {
        const N: usize = N_CELLS * N_CELLS;
        let wide = &mut self.wide[context.class * N..(context.class + 1) * N];
        let other = &mut self.other[context.channel * N..(context.channel + 1) * N];
        [&mut self.near, wide, other]
    }

    fn reset(&mut self) {
        let all = self.near.iter_mut().chain(&mut self.wide).chain(&mut self.other);
        all.for_each(|row| row.0.fill(Counter::NEW));
    }
}

/// The models of magnitudes.
#[derive(Debug, Clone)]
pub(crate) struct CoefficientModels {
    /// For each coset; the second is used in dependent bands alone.
    rows: [Rows; 2],
    /// By block class and channel.
    weights: [[[Weights; UNARY]; 2]; N_CLASSES],
    /// By half-ERB cell; added to the others.
    weights_of_cell: Vec<[Weights; UNARY]>,
    escape: EscapeModel,
}

/// What encoder and decoder know of a block before its indices are coded.
#[derive(Clone, Copy)]
pub(crate) struct CoefficientContext<'a> {
    /// The block's bands.
    pub bands: &'a [Band],
    /// Their levels.
    pub codes: &'a [BandCode],
    /// The file's quantizer.
    pub quantizer: BandQuantizer,
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
    fn push(&mut self, size: u32) {
        let x = if size == 0 { ZERO } else { size.min(STEP << 16) };
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
    /// Models at the start of a group.
    pub(crate) fn new(n_cells: usize) -> Self {
        Self {
            rows: [Rows::new(), Rows::new()],
            weights: [[[Weights::NEW; UNARY]; 2]; N_CLASSES],
            weights_of_cell: vec![[Weights::NONE; UNARY]; n_cells],
            escape: EscapeModel::new(),
        }
    }

    /// Resets all models.
    pub(crate) fn reset(&mut self) {
        self.rows.iter_mut().for_each(Rows::reset);
        self.weights = [[[Weights::NEW; UNARY]; 2]; N_CLASSES];
        self.weights_of_cell.fill([Weights::NONE; UNARY]);
        self.escape = EscapeModel::new();
    }

    /// Codes the indices of all bands that are not empty; those read replace those given, empty bands become zero.
    pub(crate) fn code<C: FrameCoder>(
        &mut self,
        coder: &mut C,
        context: CoefficientContext,
        cells: &mut Contexts,
        indices: &mut [i32],
    ) -> Result<(), Damaged> {
        let mut trail = Trail { last: ZERO, before_last: ZERO, mean: 16 * ZERO };
        let mut state = 0;
        let mut level_below = None;
        for (b, (band, code)) in context.bands.iter().zip(context.codes).enumerate() {
            coder.begin(Part::Band(b));
            if code.is_empty {
                indices[band.start..band.end].fill(0);
                continue;
            }
            if let Some(below) = level_below.replace(code.level) {
                trail.rescale(i32::from(code.level) - i32::from(below));
            }
            let range = band.start..band.end;
            let row = BandRow {
                band,
                before: &cells.before[range.clone()],
                slow: &cells.slow[range.clone()],
                other: &cells.other[range.clone()],
                sizes: &mut cells.sizes[range.clone()],
                indices: &mut indices[range],
            };
            if context.quantizer.is_dependent(code.class) {
                state = self.code_band(coder, context, row, &mut trail, Dependent(state))?.0;
            } else {
                self.code_band(coder, context, row, &mut trail, Independent)?;
            }
        }
        Ok(())
    }

    fn code_band<C: BitCoder, D: Dependence>(
        &mut self,
        coder: &mut C,
        context: CoefficientContext,
        row: BandRow,
        trail: &mut Trail,
        mut dependence: D,
    ) -> Result<D, Damaged> {
        let frequency = (row.band.cell / 6).min(N_CELLS - 1);
        let mut rows = self.rows.each_mut().map(|rows| rows.of(context));
        let weights = &mut self.weights[context.class][context.channel];
        let weights_of_cell = &mut self.weights_of_cell[row.band.cell];
        let mixer = Mixer::new();
        let cells = row.before.iter().zip(row.slow).zip(row.other);
        for ((index, size), ((&before, &slow), &first)) in row.indices.iter_mut().zip(row.sizes).zip(cells) {
            let first = if context.channel == 1 { usize::from(first) } else { frequency };
            let [near, wide, other] = &mut rows[dependence.coset()];
            let rows = [
                &mut near[trail.near() * N_CELLS + usize::from(before)].0,
                &mut wide[trail.wide() * N_CELLS + usize::from(slow)].0,
                &mut other[first * N_CELLS + usize::from(before)].0,
            ];
            let wanted = index.unsigned_abs();
            let mut magnitude = code_unary(coder, mixer, rows, [weights, weights_of_cell], wanted);
            if magnitude == UNARY as u32 {
                magnitude += self.escape.code(coder, wanted.wrapping_sub(UNARY as u32)).ok_or(Damaged)?;
                if magnitude >= MAGNITUDE_LIMIT {
                    return Err(Damaged);
                }
            }
            *size = dependence.size(magnitude);
            trail.push(*size);
            dependence.push(magnitude);
            *index = match magnitude {
                0 => 0,
                m if coder.bypass(1, u32::from(*index < 0)) == 1 => -(m as i32),
                m => m as i32,
            };
        }
        Ok(dependence)
    }
}

/// One band of the block being coded.
struct BandRow<'a> {
    band: &'a Band,
    before: &'a [u8],
    slow: &'a [u8],
    other: &'a [u8],
    sizes: &'a mut [u32],
    indices: &'a mut [i32],
}

/// How the meaning of an index depends on the indices before it.
trait Dependence {
    /// Which counters apply.
    fn coset(&self) -> usize;
    /// Size of a magnitude in 1/32 steps, 0 for 0.
    fn size(&self, magnitude: u32) -> u32;
    /// The next magnitude.
    fn push(&mut self, magnitude: u32);
}

/// Not at all.
struct Independent;

impl Dependence for Independent {
    #[inline]
    fn coset(&self) -> usize {
        0
    }

    #[inline]
    fn size(&self, magnitude: u32) -> u32 {
        STEP * magnitude
    }

    #[inline]
    fn push(&mut self, _: u32) {}
}

/// By the state of the trellis.
struct Dependent(u32);

impl Dependence for Dependent {
    #[inline]
    fn coset(&self) -> usize {
        dependent_trellis().coset(self.0) as usize
    }

    #[inline]
    fn size(&self, magnitude: u32) -> u32 {
        DEPENDENT_SIZE * multiple(self.coset() as u32, magnitude as i32) as u32
    }

    #[inline]
    fn push(&mut self, magnitude: u32) {
        self.0 = dependent_trellis().next(self.0, magnitude);
    }
}

/// 0.56 steps in 1/32.
const DEPENDENT_SIZE: u32 = 18;

/// Codes "more than 0?", "more than 1?", ... until the first no.
#[inline]
fn code_unary<C: BitCoder>(
    coder: &mut C,
    mixer: Mixer,
    rows: [&mut [Counter; UNARY + 1]; 3],
    weights: [&mut [Weights; UNARY]; 2],
    wanted: u32,
) -> u32 {
    let [near, wide, other] = rows;
    let [of_class, of_cell] = weights;
    for (i, (of_class, of_cell)) in of_class.iter_mut().zip(of_cell).enumerate() {
        let counters = [&mut near[i], &mut wide[i], &mut other[i]];
        if !mixer.code(coder, counters, [of_class, of_cell], wanted > i as u32) {
            return i as u32;
        }
    }
    UNARY as u32
}
