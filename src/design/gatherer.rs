//! The distribution of samples that come in blocks, as often as they must: every distinct value while they are few, else
//! cells that are narrow wherever the samples are, however large the range.
//!
//! ```text
//! pass 1   distinct values with their counts                    few of them: done
//!          counts of strips, 64 to an octave
//! pass 2   each strip cut into cells, more where cells gain more: number, mean and scatter of the samples in each
//! ```
//!
//! The scatter within cells falls fastest when a strip of width w with n samples gets cells in proportion to
//! `n^(1/3) w^(2/3)` (P. F. Panter, W. Dite, Quantization distortion in pulse-count modulation with nonuniform spacing of
//! levels, Proc. IRE 39 (1951)).

use super::Samples;
use crate::Result;

/// Most distinct values that are kept as they are: more than 16-bit audio has; and cells instead of more.
const MOST_POINTS: usize = 1 << 18;
/// Most cells for a sample of a strip: so many that few of its samples share one.
const MOST_PER_SAMPLE: f64 = 64.0;
/// Bits of a sample that name its strip: sign, exponent and 6 of the mantissa.
const STRIP_BITS: u32 = 18;

/// Gathers samples.
///
/// ```
/// use sqnr::design::Gatherer;
///
/// let mut gatherer = Gatherer::default();
/// loop {
///     gatherer.take(&[0.5, 0.25]);
///     gatherer.take(&[0.5]);
///     if !gatherer.begin_pass() {
///         break;
///     }
/// }
/// let samples = gatherer.samples()?;
/// assert_eq!((samples.values(), samples.weights()), (&[0.25, 0.5][..], &[1.0, 2.0][..]));
/// # Ok::<(), sqnr::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct Gatherer {
    distinct: Distinct,
    strips: Vec<u64>,
    cells: Option<Cells>,
}

impl Gatherer {
    /// Takes the next samples of this pass; those that are not finite are passed over.
    pub fn take(&mut self, x: &[f64]) {
        let finite = x.iter().copied().filter(|x| x.is_finite());
        match &mut self.cells {
            Some(cells) => finite.for_each(|x| cells.take(x)),
            None => {
                self.strips.resize(1 << STRIP_BITS, 0);
                for x in finite {
                    self.strips[strip_of(x)] += 1;
                    self.distinct.take(x);
                }
            }
        }
    }

    /// Ends a pass; true when the samples must come once more.
    pub fn begin_pass(&mut self) -> bool {
        if self.cells.is_some() || self.distinct.n <= MOST_POINTS {
            return false;
        }
        self.distinct = Distinct::default();
        self.cells = Some(Cells::new(&self.strips));
        true
    }

    /// The distribution of all samples.
    ///
    /// # Errors
    /// `InvalidParameter` when there was no finite sample, or one whose square is none.
    pub fn samples(self) -> Result<Samples> {
        match self.cells {
            Some(cells) => {
                Samples::from_points(cells.cells.iter().filter(|cell| cell.n > 0.0).map(Cell::point).collect())
            }
            None => Samples::from_points(self.distinct.points()),
        }
    }
}

/// A value, the mean of samples that it stands for: their number, and the sum of their squared distances from it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Point {
    pub(super) value: f64,
    pub(super) weight: f64,
    pub(super) scatter: f64,
}

/// The bits of `x` in the order of the numbers.
fn ordered_bits(x: f64) -> u64 {
    let bits = x.to_bits();
    if bits >> 63 == 1 { !bits } else { bits | 1 << 63 }
}

/// The number with these ordered bits.
fn of_ordered_bits(bits: u64) -> f64 {
    f64::from_bits(if bits >> 63 == 1 { bits & !(1 << 63) } else { !bits })
}

fn strip_of(x: f64) -> usize {
    (ordered_bits(x) >> (64 - STRIP_BITS)) as usize
}

/// Distinct values and their counts: a hash table with open addresses, given up when they are too many.
#[derive(Debug, Default)]
struct Distinct {
    /// Bits of the value, and how often it came: 0 where the slot is free.
    slots: Vec<(u64, u64)>,
    n: usize,
}

/// Twice as many slots as values, so that searches stay short.
const SLOT_BITS: u32 = MOST_POINTS.ilog2() + 1;

impl Distinct {
    fn take(&mut self, x: f64) {
        if self.n > MOST_POINTS {
            return;
        }
        self.slots.resize(1 << SLOT_BITS, (0, 0));
        // Both zeros are one value.
        let bits = (x + 0.0).to_bits();
        let mask = self.slots.len() - 1;
        // Knuth's multiplicative hash: 2^64 over the golden ratio.
        let mut at = (bits.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (64 - SLOT_BITS)) as usize;
        while self.slots[at].1 > 0 && self.slots[at].0 != bits {
            at = (at + 1) & mask;
        }
        self.n += usize::from(self.slots[at].1 == 0);
        self.slots[at].0 = bits;
        self.slots[at].1 += 1;
    }

    fn points(self) -> Vec<Point> {
        let filled = self.slots.iter().filter(|slot| slot.1 > 0);
        let mut points: Vec<Point> =
            filled.map(|&(bits, n)| Point { value: f64::from_bits(bits), weight: n as f64, scatter: 0.0 }).collect();
        points.sort_unstable_by(|a, b| a.value.total_cmp(&b.value));
        points
    }
}

/// Cells of equal width within each strip.
#[derive(Debug)]
struct Cells {
    strips: Vec<Strip>,
    cells: Vec<Cell>,
}

#[derive(Debug, Clone, Copy)]
struct Strip {
    first_cell: u32,
    n_cells: u32,
    low: f64,
    cells_per_unit: f64,
}

impl Cells {
    /// Room for samples of which so many lie in each strip.
    fn new(counts: &[u64]) -> Self {
        let numbers = cells_of_strips(counts);
        let (mut strips, mut n_cells) = (Vec::with_capacity(counts.len()), 0u32);
        for (i, &own) in numbers.iter().enumerate() {
            let (low, high) = ends_of_strip(i);
            let cells_per_unit = f64::from(own) / (high - low);
            strips.push(Strip { first_cell: n_cells, n_cells: own, low, cells_per_unit });
            n_cells += own;
        }
        Self { strips, cells: vec![Cell::default(); n_cells as usize] }
    }

    fn take(&mut self, x: f64) {
        let strip = &self.strips[strip_of(x)];
        // Subnormal strips have no finite cells per unit: the conversion saturates, and NaN becomes 0.
        let place = ((x - strip.low) * strip.cells_per_unit) as u32;
        let cell = strip.first_cell + place.min(strip.n_cells.saturating_sub(1));
        self.cells[cell as usize].take(x);
    }
}

fn ends_of_strip(i: usize) -> (f64, f64) {
    let bits = (i as u64) << (64 - STRIP_BITS);
    let last = bits | ((1 << (64 - STRIP_BITS)) - 1);
    (of_ordered_bits(bits), of_ordered_bits(last))
}

/// Cells of each strip: in proportion to its need, but one at least and `MOST_PER_SAMPLE` a sample at most; what a strip does
/// not take the others share.
fn cells_of_strips(counts: &[u64]) -> Vec<u32> {
    let need = |i: usize| {
        let (low, high) = ends_of_strip(i);
        (counts[i] as f64).cbrt() * (high - low).cbrt().powi(2)
    };
    let mut open: Vec<usize> = (0..counts.len()).filter(|&i| counts[i] > 0).collect();
    let mut cells = vec![0u32; counts.len()];
    let mut left = MOST_POINTS as f64;
    loop {
        let whole: f64 = open.iter().map(|&i| need(i)).sum();
        let share = |i: usize| (left * need(i) / whole).max(1.0);
        let most = |i: usize| MOST_PER_SAMPLE * counts[i] as f64;
        let (full, rest): (Vec<usize>, Vec<usize>) = open.iter().partition(|&&i| share(i) >= most(i));
        if full.is_empty() {
            rest.iter().for_each(|&i| cells[i] = share(i) as u32);
            return cells;
        }
        full.iter().for_each(|&i| cells[i] = most(i) as u32);
        left = (left - full.iter().map(|&i| most(i)).sum::<f64>()).max(0.0);
        open = rest;
    }
}

/// The samples of one cell.
#[derive(Debug, Clone, Copy, Default)]
struct Cell {
    n: f64,
    first: f64,
    /// Sums of the distances from the first and of their squares: exactly 0 when all are equal.
    beyond: f64,
    squares: f64,
}

impl Cell {
    fn take(&mut self, x: f64) {
        if self.n == 0.0 {
            self.first = x;
        }
        let beyond = x - self.first;
        self.n += 1.0;
        self.beyond += beyond;
        self.squares += beyond * beyond;
    }

    fn point(&self) -> Point {
        let offset = self.beyond / self.n;
        let scatter = (self.squares - self.beyond * offset).max(0.0);
        Point { value: self.first + offset, weight: self.n, scatter }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gathered(x: &[f64]) -> Samples {
        let mut gatherer = Gatherer::default();
        loop {
            x.chunks(1000).for_each(|x| gatherer.take(x));
            if !gatherer.begin_pass() {
                return gatherer.samples().expect("finite samples");
            }
        }
    }

    fn uniform() -> impl FnMut() -> f64 {
        let mut state = 5u64;
        move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / (1u64 << 53) as f64
        }
    }

    #[test]
    fn few_values_stay_as_they_are() {
        let x = [0.0, -0.0, 1e-300, -1e150, 5e-324, 0.1, 0.1, f64::NAN, f64::INFINITY];
        assert_eq!(gathered(&x), Samples::new(&[-1e150, 0.0, 0.0, 5e-324, 1e-300, 0.1, 0.1]).expect("finite"));
        assert!(Gatherer::default().samples().is_err());
    }

    #[test]
    fn many_values_keep_number_mean_and_power() {
        let mut next = uniform();
        let mut x: Vec<f64> = (0..600_000).map(|_| (next() - 0.5).powi(3)).collect();
        let power = (x.iter().map(|x| x * x).sum::<f64>() + 1e14) / 600_001.0;
        x.insert(77, 1e7);
        let samples = gathered(&x);
        assert!(samples.n_distinct() <= 2 * MOST_POINTS && samples.total() == 600_001.0);
        assert!((samples.power() / power - 1.0).abs() < 1e-12);
        // The click has its own cell; the rest is cut finely all the same.
        let quiet = 0.5f64.powi(6) / 7.0;
        assert!(samples.within() < 1e-9 * quiet, "{:e}", samples.within());
    }

    #[test]
    fn ordered_bits_are_ordered() {
        let x = [f64::MIN, -1.0, -1e-300, -5e-324, 0.0, 5e-324, 0.3, f64::MAX];
        assert!(x.windows(2).all(|pair| ordered_bits(pair[0]) < ordered_bits(pair[1])));
        assert!(x.iter().all(|&x| of_ordered_bits(ordered_bits(x)) == x));
    }
}
