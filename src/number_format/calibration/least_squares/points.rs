//! The values of a least-squares problem: each of them while they are few, else cells that stand for many.

/// Most values that are kept each.
const MOST_VALUES: u64 = 1 << 20;
/// Cells over the range otherwise; sixteen-bit audio has fewer values than that.
const N_CELLS: usize = 1 << 18;

/// Values in any order.
#[derive(Debug)]
pub(in super::super) enum Points {
    Each(Vec<f64>),
    Cells { low: f64, cells_per_unit: f64, cells: Vec<Cell> },
}

/// Values close to each other.
#[derive(Debug, Clone, Copy, Default)]
pub(in super::super) struct Cell {
    n: f64,
    first: f64,
    /// Sums of the distances from the first and of their squares: 0 when all are equal.
    beyond: f64,
    squares: f64,
}

/// What a point stands for: so many values of this mean, and the sum of their squared distances from it.
pub(super) struct Point {
    pub(super) n: f64,
    pub(super) mean: f64,
    pub(super) scatter: f64,
}

impl Points {
    /// Room for `n_values` between the ends, beside `n_sharing` - 1 of its like.
    pub(in super::super) fn new((low, high): (f64, f64), n_values: u64, n_sharing: usize) -> Self {
        if n_values <= MOST_VALUES / n_sharing as u64 {
            return Self::Each(Vec::new());
        }
        let n_cells = (N_CELLS / n_sharing).max(1 << 12);
        let cells_per_unit = (n_cells - 1) as f64 / (high - low).max(f64::MIN_POSITIVE);
        Self::Cells { low, cells_per_unit, cells: vec![Cell::default(); n_cells] }
    }

    /// Takes values between the ends.
    pub(in super::super) fn add(&mut self, x: &[f64]) {
        match self {
            Self::Each(values) => values.extend_from_slice(x),
            Self::Cells { low, cells_per_unit, cells } => {
                let last = cells.len() - 1;
                x.iter().for_each(|&x| cells[(((x - *low) * *cells_per_unit) as usize).min(last)].add(x));
            }
        }
    }

    /// The points by ascending means.
    pub(super) fn ascending(self) -> Vec<Point> {
        match self {
            Self::Each(mut values) => {
                values.sort_unstable_by(f64::total_cmp);
                let same = values.chunk_by(|a, b| a == b);
                same.map(|same| Point { n: same.len() as f64, mean: same[0], scatter: 0.0 }).collect()
            }
            Self::Cells { cells, .. } => cells.iter().filter(|cell| cell.n > 0.0).map(Cell::point).collect(),
        }
    }
}

impl Cell {
    fn add(&mut self, x: f64) {
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
        Point { n: self.n, mean: self.first + offset, scatter }
    }
}
