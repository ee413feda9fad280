//! Lattices and their exact nearest points: the best known cells in 1, 2, 4, 8 and 24 dimensions.
//!
//! | lattice | points | cell over that of Z, dB |
//! |---|---|---|
//! | Z | integers | 0 |
//! | A2 | hexagonal: rows of Z at distance sqrt(3)/2, every other one shifted by 1/2 | 0.167 |
//! | D4 | integers with an even sum | 0.366 |
//! | E8 | D8 and D8 + (1/2, ..., 1/2) | 0.654 |
//! | Leech | see below | 1.03 |
//!
//! Leech lattice, times sqrt(8): integer vectors of one parity m whose halves (x - m)/2 have the odd coordinates of a
//! Golay codeword, and whose sum is 4 m modulo 8. Every one of 2 x 4096 classes is searched; three tables of 256 octets
//! make a class cost three additions.
//!
//! Source: Conway and Sloane, Fast quantizing and decoding algorithms for lattice quantizers and codes, IEEE Trans. IT-28
//! (1982), 227; Sphere Packings, Lattices and Groups, chapters 4 and 11.

use super::leech;
use crate::{Error, Result};

/// A lattice at the scale of the module's table.
///
/// ```
/// use sqnr::quantizer::Lattice;
///
/// // The sum of a point of D4 is even.
/// let mut point = [0.0; 4];
/// Lattice::D4.nearest(&[0.9, 0.2, -0.1, 0.6], &mut point)?;
/// assert_eq!(point, [1.0, 0.0, 0.0, 1.0]);
/// # Ok::<(), sqnr::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lattice {
    /// The integers, dimension 1.
    Z,
    /// The hexagonal lattice, dimension 2.
    A2,
    /// The checkerboard lattice in 4 dimensions.
    D4,
    /// The Gosset lattice, dimension 8.
    E8,
    /// The Leech lattice times sqrt(8), dimension 24.
    Leech,
}

impl Lattice {
    /// Every lattice.
    pub const ALL: [Self; 5] = [Self::Z, Self::A2, Self::D4, Self::E8, Self::Leech];

    /// Numbers in a point.
    pub fn dimension(self) -> usize {
        match self {
            Self::Z => 1,
            Self::A2 => 2,
            Self::D4 => 4,
            Self::E8 => 8,
            Self::Leech => 24,
        }
    }

    /// Volume of a cell.
    pub fn cell_volume(self) -> f64 {
        match self {
            Self::Z | Self::E8 => 1.0,
            Self::A2 => 0.75_f64.sqrt(),
            Self::D4 => 2.0,
            // sqrt(8)^24 times the volume 1 of the Leech lattice itself.
            Self::Leech => 68_719_476_736.0,
        }
    }

    /// The point nearest to `x`. NaN counts as 0, and what is beyond 2^50 as that.
    ///
    /// # Errors
    /// `LengthMismatch` unless `x` and `point` have the lattice's dimension.
    pub fn nearest(self, x: &[f64], point: &mut [f64]) -> Result<()> {
        for got in [x.len(), point.len()] {
            if got != self.dimension() {
                return Err(Error::LengthMismatch { what: "vector of a lattice", expected: self.dimension(), got });
            }
        }
        let sane = |x: f64| if x.is_nan() { 0.0 } else { x.clamp(-LARGEST, LARGEST) };
        match self {
            Self::Z => point[0] = sane(x[0]).round(),
            Self::A2 => nearest_a2(sane(x[0]), sane(x[1]), point),
            Self::D4 => point.copy_from_slice(&nearest_checkerboard::<4>(&std::array::from_fn(|i| sane(x[i])))),
            Self::E8 => point.copy_from_slice(&nearest_e8(&std::array::from_fn(|i| sane(x[i])))),
            Self::Leech => point.copy_from_slice(&leech::nearest(&std::array::from_fn(|i| sane(x[i])))),
        }
        Ok(())
    }
}

/// Integers up to here have exact halves and eighths.
const LARGEST: f64 = (1u64 << 50) as f64;

/// The nearer of the nearest points of two rectangular lattices, 1 x sqrt(3), the second shifted by half of each.
fn nearest_a2(x: f64, y: f64, point: &mut [f64]) {
    let height = 3f64.sqrt();
    let candidate = |shift: f64| {
        let row = (y / height - shift).round() + shift;
        [(x - shift).round() + shift, row * height]
    };
    let (a, b) = (candidate(0.0), candidate(0.5));
    let distance = |p: &[f64; 2]| (p[0] - x).powi(2) + (p[1] - y).powi(2);
    point.copy_from_slice(if distance(&b) < distance(&a) { &b } else { &a });
}

/// Integers with an even sum: round all, and if the sum is odd, round the coordinate furthest from its integer the other
/// way.
fn nearest_checkerboard<const N: usize>(x: &[f64; N]) -> [f64; N] {
    let mut point = x.map(f64::round);
    let is_odd = point.iter().map(|p| p.rem_euclid(2.0)).sum::<f64>() % 2.0 != 0.0;
    if is_odd {
        let off = |i: usize| (x[i] - point[i]).abs();
        let worst = (1..N).fold(0, |worst, i| if off(i) > off(worst) { i } else { worst });
        point[worst] += if x[worst] >= point[worst] { 1.0 } else { -1.0 };
    }
    point
}

fn nearest_e8(x: &[f64; 8]) -> [f64; 8] {
    let whole = nearest_checkerboard(x);
    let half = nearest_checkerboard(&x.map(|v| v - 0.5)).map(|v| v + 0.5);
    let distance = |p: &[f64; 8]| p.iter().zip(x).map(|(p, x)| (p - x) * (p - x)).sum::<f64>();
    if distance(&half) < distance(&whole) { half } else { whole }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uniform(seed: u64) -> impl FnMut() -> f64 {
        let mut state = seed;
        move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / (1u64 << 53) as f64
        }
    }

    /// Second moment per dimension over volume^(2/n), and one standard deviation of the estimate.
    fn normalised_second_moment(lattice: Lattice, n: usize) -> (f64, f64) {
        let dimension = lattice.dimension();
        let mut next = uniform(42);
        let mut point = vec![0.0; dimension];
        let (mut sum, mut squares) = (0.0, 0.0);
        for _ in 0..n {
            // Uniform over a period of every lattice here: multiples of 8 are points of each (A2: near enough).
            let x: Vec<f64> = (0..dimension).map(|_| 8.0 * 64.0 * next()).collect();
            lattice.nearest(&x, &mut point).expect("its dimension");
            let d = x.iter().zip(&point).map(|(x, p)| (x - p) * (x - p)).sum::<f64>();
            sum += d;
            squares += d * d;
        }
        let scale = dimension as f64 * lattice.cell_volume().powf(2.0 / dimension as f64);
        let mean = sum / n as f64;
        let deviation = ((squares / n as f64 - mean * mean) / n as f64).sqrt();
        (mean / scale, deviation / scale)
    }

    #[test]
    fn second_moments_equal_the_golden_values() {
        let rows = crate::design::golden::fields("lattices.csv");
        for (lattice, name, n) in [
            (Lattice::Z, "Z", 100_000),
            (Lattice::A2, "A2", 100_000),
            (Lattice::D4, "D4", 60_000),
            (Lattice::E8, "E8", 40_000),
            (Lattice::Leech, "Lambda24 (Leech)", 1_500),
        ] {
            let row = rows.iter().find(|row| row[0] == name).expect("in the file");
            let golden: f64 = row[2].parse().expect("number");
            let (moment, deviation) = normalised_second_moment(lattice, n);
            assert!(
                (moment - golden).abs() < 4.0 * deviation + 5e-5 * golden,
                "{name}: {moment} against {golden} +- {deviation}"
            );
        }
    }

    #[test]
    fn points_are_their_own_nearest_and_neighbours_are_further() {
        let mut next = uniform(7);
        for lattice in Lattice::ALL {
            let n = lattice.dimension();
            let (mut point, mut again, mut other) = (vec![0.0; n], vec![0.0; n], vec![0.0; n]);
            for _ in 0..30 {
                let x: Vec<f64> = (0..n).map(|_| 40.0 * (next() - 0.5)).collect();
                lattice.nearest(&x, &mut point).expect("its dimension");
                lattice.nearest(&point, &mut again).expect("its dimension");
                assert!(
                    point.iter().zip(&again).all(|(a, b)| (a - b).abs() < 1e-9),
                    "{lattice:?}: {point:?} {again:?}"
                );
                // Points found near x displaced at random are points too: none may be nearer.
                let nearer = |p: &[f64]| p.iter().zip(&x).map(|(p, x)| (p - x) * (p - x)).sum::<f64>();
                for _ in 0..8 {
                    let moved: Vec<f64> = x.iter().map(|x| x + 3.0 * (next() - 0.5)).collect();
                    lattice.nearest(&moved, &mut other).expect("its dimension");
                    assert!(nearer(&point) <= nearer(&other) + 1e-9, "{lattice:?}");
                }
            }
        }
    }

    #[test]
    fn wrong_dimensions_are_refused_and_odd_numbers_are_defined() {
        let mut point = [0.0; 8];
        assert!(matches!(Lattice::E8.nearest(&[0.0; 7], &mut point), Err(Error::LengthMismatch { .. })));
        Lattice::E8.nearest(&[f64::NAN, f64::INFINITY, -1e300, 0.0, 0.0, 0.0, 0.0, 0.0], &mut point).expect("defined");
        assert!(point.iter().all(|p| p.is_finite()));
    }
}
