//! Systems of equations in which each unknown meets its two neighbours.

/// Row i: `below[i] x[i-1] + diagonal[i] x[i] + above[i] x[i+1]`.
#[derive(Debug, Default)]
pub(super) struct Tridiagonal {
    pub(super) below: Vec<f64>,
    pub(super) diagonal: Vec<f64>,
    pub(super) above: Vec<f64>,
}

impl Tridiagonal {
    pub(super) fn with_capacity(n: usize) -> Self {
        let room = || Vec::with_capacity(n);
        Self { below: room(), diagonal: room(), above: room() }
    }

    pub(super) fn push(&mut self, below: f64, diagonal: f64, above: f64) {
        self.below.push(below);
        self.diagonal.push(diagonal);
        self.above.push(above);
    }

    /// The x at which row i equals `right[i]`, by elimination without pivoting (Thomas). Not finite where a pivot is 0:
    /// the caller checks that before it steps by x.
    pub(super) fn solve(&self, right: impl Iterator<Item = f64>) -> Vec<f64> {
        let n = self.diagonal.len();
        let (mut ratio, mut x) = (vec![0.0; n], vec![0.0; n]);
        for (i, right) in right.enumerate().take(n) {
            let (r, before) = if i == 0 { (0.0, 0.0) } else { (ratio[i - 1], x[i - 1]) };
            let pivot = self.diagonal[i] - self.below[i] * r;
            ratio[i] = self.above[i] / pivot;
            x[i] = (right - self.below[i] * before) / pivot;
        }
        for i in (0..n.saturating_sub(1)).rev() {
            x[i] -= ratio[i] * x[i + 1];
        }
        x
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_solution_satisfies_every_row() {
        let mut system = Tridiagonal::with_capacity(4);
        for row in [(9.0, 2.0, 1.0), (1.0, 3.0, -1.0), (0.5, 2.0, 0.25), (-1.0, 4.0, 9.0)] {
            system.push(row.0, row.1, row.2);
        }
        let right = [1.0, -2.0, 3.0, 0.5];
        let x = system.solve(right.into_iter());
        for (i, right) in right.iter().enumerate() {
            let below = if i == 0 { 0.0 } else { system.below[i] * x[i - 1] };
            let above = if i == 3 { 0.0 } else { system.above[i] * x[i + 1] };
            assert!((below + system.diagonal[i] * x[i] + above - right).abs() < 1e-14);
        }
    }
}
