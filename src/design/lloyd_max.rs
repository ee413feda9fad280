//! Lloyd-Max quantizers: thresholds midway between levels, levels at the centroid of their cell.
//!
//! For a density the two conditions are solved by Newton's method on the levels (the Jacobian is tridiagonal), which
//! starts from the Panter-Dite point density p^(1/3) and falls back to Lloyd's own step whenever a Newton step would
//! not help. Sources: Max, Quantizing for minimum distortion, IRE Trans. IT-6 (1960), 7; Lloyd, Least squares
//! quantization in PCM, IEEE Trans. IT-28 (1982), 129; Panter and Dite, Proc. IRE 39 (1951), 44.

pub use super::density::MAX_LEVELS;
use super::density::cells_between;
use super::density::check_levels;
use super::panter_dite::{LeftEdge, companded_start};
use super::tridiagonal::Tridiagonal;
use super::{Cell, Certificate, Density, Design, Samples, optimal_partition};
use crate::Result;

/// Newton needs 5 to 10 steps; what has not settled by then only circles within rounding.
const MAX_ITERATIONS: usize = 200;
/// Lloyd's iteration converges linearly, ever more slowly with more levels.
const MAX_TRAINING: usize = 10_000;
/// Cells of a density for each level: its optimum is then within Newton's reach.
const CELLS_PER_LEVEL: usize = 64;

/// The Lloyd-Max quantizer of `density` with `n_levels` levels, symmetric if the density is.
///
/// For a log-concave density this is the optimum. For the gamma density it is the classical symmetric design, which is
/// a stationary point and, at even counts, not the best.
///
/// # Errors
/// `InvalidParameter` when `n_levels` is 0 or above 65,536.
pub fn stationary(density: Density, n_levels: usize) -> Result<Design> {
    check_levels(n_levels)?;
    let certificate = if density.is_log_concave() { Certificate::Unique } else { Certificate::Local };
    if n_levels == 1 {
        let all = density.cell(f64::NEG_INFINITY, f64::INFINITY);
        return Ok(Design::of_cells(&[all], Vec::new(), density.power(), certificate, 0));
    }
    let edge = match (density.is_symmetric(), n_levels % 2) {
        (true, 1) => LeftEdge::Mirror,
        _ => LeftEdge::Fixed(0.0),
    };
    let n_unknown = if density.is_symmetric() { n_levels / 2 } else { n_levels };
    let system = System { density, edge };
    let (y, iterations) = system.solve(companded_start(density, n_unknown, edge));
    let (cells, thresholds) = system.whole(&y);
    Ok(Design::of_cells(&cells, thresholds, density.power(), certificate, iterations))
}

/// The quantizer of `n_levels` levels with the least mean squared error for `density`.
///
/// Gamma is not log-concave and its best quantizers are asymmetric at even counts (2 levels: 0.59897 against 0.66667):
/// there the optimum of 8192 cells of the density ([`super::optimal_partition`]) starts Newton's method, and the
/// symmetric design is returned when it is no worse.
///
/// ```
/// use sqnr::design::{Density, lloyd_max};
///
/// // Max 1960, table I: eight levels for a Gaussian.
/// let design = lloyd_max::optimal(Density::Gaussian, 8)?;
/// assert!((design.mse - 0.034_54).abs() < 1e-5);
/// # Ok::<(), sqnr::Error>(())
/// ```
///
/// # Errors
/// `InvalidParameter` when `n_levels` is 0 or above 65,536.
pub fn optimal(density: Density, n_levels: usize) -> Result<Design> {
    let symmetric = stationary(density, n_levels)?;
    if density.is_log_concave() || n_levels == 1 {
        return Ok(symmetric);
    }
    let samples = Samples::of_density(density, (CELLS_PER_LEVEL * n_levels).max(8192));
    let start = optimal_partition::optimal(&samples, n_levels)?;
    let system = System { density, edge: LeftEdge::Fixed(f64::NEG_INFINITY) };
    let (y, iterations) = system.solve(start.levels);
    let (cells, thresholds) = system.whole(&y);
    let free = Design::of_cells(&cells, thresholds, density.power(), Certificate::Local, iterations);
    // Whether a design is symmetric is not to be decided by rounding.
    Ok(if free.mse < symmetric.mse * (1.0 - 1e-9) { free } else { symmetric })
}

/// Lloyd's iteration on samples: a local optimum that depends on the start, here the Panter-Dite point density.
///
/// Ends when a step lowers the mean squared error by less than 1e-12 of it, or after 10,000 steps. For the best
/// quantizer see [`optimal_partition::optimal`]; this one is for comparison.
///
/// ```
/// use sqnr::design::{Samples, lloyd_max};
///
/// let samples = Samples::new(&[0.0, 0.1, 0.9, 1.0])?;
/// let design = lloyd_max::trained(&samples, 2)?;
/// assert!((design.levels[0] - 0.05).abs() < 1e-12 && (design.levels[1] - 0.95).abs() < 1e-12);
/// # Ok::<(), sqnr::Error>(())
/// ```
///
/// # Errors
/// `InvalidParameter` when `n_levels` is 0, above 65,536 or above the number of distinct values.
pub fn trained(samples: &Samples, n_levels: usize) -> Result<Design> {
    samples.check_levels(n_levels)?;
    let total = samples.total();
    let mut cuts = samples.companded_cuts(n_levels);
    let (mut mse, mut iterations) = (f64::INFINITY, 0);
    loop {
        let cells: Vec<Cell> = cuts.windows(2).map(|c| samples.cell(c[0], c[1], total)).collect();
        let thresholds: Vec<f64> = cells.windows(2).map(|c| 0.5 * (c[0].centroid + c[1].centroid)).collect();
        let next = samples.cuts_at(&thresholds);
        let mut design = Design::of_cells(&cells, thresholds, samples.power(), Certificate::Local, iterations);
        design.add_mse(samples.within(), samples.power());
        let gains = design.mse < mse * (1.0 - 1e-12) && iterations < MAX_TRAINING;
        // Nearest levels leave no cell empty: each holds its own centroid's neighbours.
        if !gains || next == cuts || next.windows(2).any(|c| c[0] >= c[1]) {
            return Ok(design);
        }
        (mse, cuts, iterations) = (design.mse, next, iterations + 1);
    }
}

/// The Lloyd-Max conditions for levels y, ascending, right of `edge`.
pub(super) struct System {
    pub(super) density: Density,
    pub(super) edge: LeftEdge,
}

/// Residual `centroid - level` and its derivative by the levels.
struct Linearised {
    residual: Vec<f64>,
    centroids: Vec<f64>,
    derivative: Tridiagonal,
}

impl System {
    /// Levels that satisfy the conditions as well as rounding allows, and the number of steps.
    pub(super) fn solve(&self, mut y: Vec<f64>) -> (Vec<f64>, usize) {
        let mut now = self.linearise(&y);
        let mut error = largest(&now.residual);
        let mut without_gain = 0;
        for iteration in 1..=MAX_ITERATIONS {
            let newton = now.newton_step(&y);
            let candidate = newton.map(|y| (self.linearise(&y), y));
            match candidate {
                Some((next, stepped)) if largest(&next.residual) < error || without_gain > 0 => {
                    without_gain = if largest(&next.residual) < 0.5 * error { 0 } else { without_gain + 1 };
                    (now, y) = (next, stepped);
                }
                _ => {
                    y = std::mem::take(&mut now.centroids);
                    now = self.linearise(&y);
                    // Close to the solution neither step gains: that is rounding, not divergence.
                    without_gain = usize::from(error < 1e-13 * y[y.len() - 1].abs());
                }
            }
            error = largest(&now.residual);
            if error == 0.0 || without_gain >= 3 {
                return (y, iteration);
            }
        }
        (y, MAX_ITERATIONS)
    }

    /// Thresholds of the levels y: the left edge first, the end of the support last.
    fn edges(&self, y: &[f64]) -> Vec<f64> {
        let first = match self.edge {
            LeftEdge::Fixed(edge) => edge,
            LeftEdge::Mirror => 0.5 * y[0],
        };
        let middle = y.windows(2).map(|pair| 0.5 * (pair[0] + pair[1]));
        std::iter::once(first).chain(middle).chain([self.density.support().1]).collect()
    }

    fn linearise(&self, y: &[f64]) -> Linearised {
        let edges = self.edges(y);
        let n = y.len();
        let mut out = Linearised {
            residual: Vec::with_capacity(n),
            centroids: Vec::with_capacity(n),
            derivative: Tridiagonal::with_capacity(n),
        };
        for (i, &level) in y.iter().enumerate() {
            let (a, b) = (edges[i], edges[i + 1]);
            let Cell { mass, centroid, .. } = self.density.cell(a, b);
            // d centroid / d a = p(a) (centroid - a) / mass, and half of it reaches each level next to a.
            let slope =
                |edge: f64| 0.5 * self.density.pdf(edge) * (centroid - edge).abs() / mass.max(f64::MIN_POSITIVE);
            let left = if i == 0 && self.edge != LeftEdge::Mirror { 0.0 } else { slope(a) };
            let right = if i + 1 == n { 0.0 } else { slope(b) };
            out.residual.push(centroid - level);
            out.centroids.push(centroid);
            // Rows are diagonally dominant for log-concave densities, so that elimination needs no pivoting.
            out.derivative.push(left, left + right - 1.0, right);
        }
        out
    }

    /// The cells and thresholds over the whole line.
    fn whole(&self, y: &[f64]) -> (Vec<Cell>, Vec<f64>) {
        let edges = self.edges(y);
        let right = if self.is_half() { &edges[..edges.len() - 1] } else { &edges[1..edges.len() - 1] };
        // A mirrored middle cell has its own left threshold; a threshold at 0 stands once.
        let mut thresholds: Vec<f64> = right.iter().rev().filter(|&&t| self.is_half() && t > 0.0).map(|t| -t).collect();
        thresholds.extend_from_slice(right);
        (cells_between(self.density, &thresholds), thresholds)
    }

    fn is_half(&self) -> bool {
        self.density.is_symmetric() && self.edge != LeftEdge::Fixed(f64::NEG_INFINITY)
    }
}

impl Linearised {
    /// y minus the inverse derivative times the residual; none when that would break the order of the levels.
    fn newton_step(&self, y: &[f64]) -> Option<Vec<f64>> {
        let step = self.derivative.solve(self.residual.iter().map(|r| -r));
        let next: Vec<f64> = y.iter().zip(&step).map(|(y, s)| y + s).collect();
        let ordered = next.iter().all(|v| v.is_finite()) && next.windows(2).all(|pair| pair[0] < pair[1]);
        // A level may not cross the fixed edge either.
        (ordered && (y[0] < 0.0 || next[0] > 0.0)).then_some(next)
    }
}

fn largest(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |most, v| v.abs().max(most))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;
    use crate::design::golden;

    /// The levels right of 0 and the thresholds left of them, as the golden files list them.
    fn half(design: &Design, density: Density) -> Vec<(f64, f64)> {
        let n = design.levels.len();
        let skip = if density.is_symmetric() { n / 2 } else { 0 };
        let threshold = |i: usize| if i == 0 || (i == skip && n % 2 == 1) { 0.0 } else { design.thresholds[i - 1] };
        (skip..n).map(|i| (threshold(i), design.levels[i])).collect()
    }

    fn assert_close(got: f64, want: f64, relative: f64, what: &str) {
        assert!((got - want).abs() <= relative * want.abs().max(1e-3), "{what}: {got} against {want}");
    }

    #[test]
    fn designs_equal_the_golden_values() {
        for density in Density::ALL {
            for row in golden::rows(&format!("lloydmax_{}.csv", golden::name(density))) {
                let n = row[0] as usize;
                let design = stationary(density, n).expect("legal");
                let what = format!("{density:?} N = {n} after {} iterations", design.iterations);
                assert_close(design.mse, row[1], 1e-12, &what);
                assert_close(design.snr_db, row[3], 1e-12, &what);
                assert_close(design.entropy_bits, row[4], 1e-12, &what);
            }
        }
    }

    #[test]
    fn levels_and_thresholds_equal_the_golden_values() {
        for density in Density::ALL {
            let rows = golden::rows(&format!("lloydmax_{}_levels.csv", golden::name(density)));
            for group in rows.chunk_by(|a, b| a[0] == b[0]) {
                let n = group[0][0] as usize;
                let design = stationary(density, n).expect("legal");
                let ours = half(&design, density);
                assert_eq!(ours.len(), group.len(), "{density:?} N = {n}");
                for ((threshold, level), row) in ours.iter().zip(group) {
                    assert_close(*threshold, row[2], 1e-12, &format!("{density:?} N = {n} threshold {}", row[1]));
                    assert_close(*level, row[3], 1e-12, &format!("{density:?} N = {n} level {}", row[1]));
                }
            }
        }
    }

    #[test]
    fn the_gamma_optimum_is_asymmetric_where_theory_says_so() {
        for row in golden::fields("dp_global.csv").iter().filter(|row| row[0] == "fixed" && row[1] == "gamma") {
            let (n, want): (usize, f64) = (row[2].parse().expect("count"), row[3].parse().expect("mse"));
            let design = optimal(Density::Gamma, n).expect("legal");
            // The golden optimum is on a grid: up to 6e-4 above the true one (32 levels), never below but for its rounding.
            assert!(
                design.mse < want * (1.0 + 1e-6) && design.mse > want * (1.0 - 7e-4),
                "N = {n}: {} {want}",
                design.mse
            );
            let symmetric =
                design.levels.iter().rev().map(|y| -y).zip(&design.levels).all(|(a, b)| (a - b).abs() < 1e-9);
            // At 13 levels two designs are so close that a grid cannot tell them apart.
            assert!(n == 13 || symmetric == (row[7] == "True"), "N = {n}: {:?}", design.levels);
        }
    }

    #[test]
    fn a_global_design_is_stationary() {
        let design = optimal(Density::Gamma, 8).expect("legal");
        let cells = cells_between(Density::Gamma, &design.thresholds);
        for (cell, level) in cells.iter().zip(&design.levels) {
            assert!((cell.centroid - level).abs() < 1e-12);
        }
        for (pair, t) in design.levels.windows(2).zip(&design.thresholds) {
            assert!((0.5 * (pair[0] + pair[1]) - t).abs() < 1e-12);
        }
    }

    #[test]
    fn training_stops_at_a_local_optimum_above_the_global_one() {
        let x: Vec<f64> = (0..4000).map(|i| ((i as f64 * 0.618).fract() * 6.0 - 3.0).powi(5)).collect();
        let samples = Samples::new(&x).expect("legal");
        let (local, global) = (trained(&samples, 16), optimal_partition::optimal(&samples, 16));
        let (local, global) = (local.expect("legal"), global.expect("legal"));
        assert!(local.mse >= global.mse && local.mse < 1.5 * global.mse, "{} {}", local.mse, global.mse);
        assert!(trained(&samples, 4001).is_err());
    }

    #[test]
    fn impossible_counts_are_refused() {
        for n in [0, MAX_LEVELS + 1] {
            assert!(matches!(stationary(Density::Gaussian, n), Err(Error::InvalidParameter { .. })));
        }
        assert_eq!(stationary(Density::Rayleigh, 1).expect("legal").levels.len(), 1);
    }
}
