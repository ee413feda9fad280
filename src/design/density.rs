//! Probability densities with the partial moments that quantizer design needs.
//!
//! A cell's mass, centroid and scatter are integrated by Gauss-Legendre panels, not taken as differences of
//! antiderivatives: a cell of 1/256 of the range would lose five digits to cancellation. The gamma density's pole at
//! zero vanishes with x = u^2.
//!
//! | density | p(x) | mean | E x^2 |
//! |---|---|---|---|
//! | Gaussian | exp(-x^2/2) / sqrt(2 pi) | 0 | 1 |
//! | Laplacian | sqrt(1/2) exp(-sqrt(2) abs x) | 0 | 1 |
//! | gamma | sqrt(k / (4 pi abs x)) exp(-k abs x), k = sqrt(3)/2 | 0 | 1 |
//! | Rayleigh | x exp(-x^2/2), x >= 0 | sqrt(pi/2) | 2 |
//! | uniform | 1 / sqrt(12) on +-sqrt(3) | 0 | 1 |
//! | exponential | exp(-x), x >= 0 | 1 | 2 |
//!
//! Source of the gamma density: Paez and Glisson, Minimum mean-squared-error quantization in speech PCM and DPCM
//! systems, IEEE Trans. Commun. 20 (1972), 225.

use std::f64::consts::{FRAC_1_SQRT_2, PI, SQRT_2};

use super::quadrature::NODES;
use crate::{Error, Result};

/// Largest number of levels a design may have.
pub const MAX_LEVELS: usize = 65_536;

/// sqrt(3)/2, the decay of the gamma density of unit variance.
const GAMMA_K: f64 = 0.866_025_403_784_438_6;
/// sqrt(3), the end of the uniform density of unit variance.
const SQRT_3: f64 = 1.732_050_807_568_877_2;
/// exp(-52) = 2.6e-23: what lies so far down the tail is lost in rounding.
const TAIL_NEPERS: f64 = 52.0;

/// A named probability density, at the scale the module's table states.
///
/// ```
/// use sqnr::design::Density;
///
/// // Half of a Gaussian lies above zero, sqrt(2 / pi) from it in the mean.
/// let half = Density::Gaussian.cell(0.0, f64::INFINITY);
/// assert!((half.mass - 0.5).abs() < 1e-9 && (half.centroid - 0.797_885).abs() < 1e-6);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Density {
    /// Normal, mean 0, variance 1.
    Gaussian,
    /// Two-sided exponential, variance 1.
    Laplacian,
    /// Two-sided gamma of shape 1/2, variance 1: a common model of speech. Infinite at zero.
    Gamma,
    /// Magnitude of a complex Gaussian of unit variance per part; one-sided.
    Rayleigh,
    /// Flat on +-sqrt(3), variance 1.
    Uniform,
    /// exp(-x), one-sided.
    Exponential,
}

/// What a density (or a set of samples) holds between two thresholds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cell {
    /// Probability.
    pub mass: f64,
    /// Conditional mean: the best reconstruction level. Some point of the cell when the mass is 0.
    pub centroid: f64,
    /// Integral of (x - centroid)^2 p(x): what this cell adds to the mean squared error.
    pub scatter: f64,
}

impl Cell {
    /// The union of two cells.
    pub fn merge(self, other: Self) -> Self {
        let mass = self.mass + other.mass;
        if mass <= 0.0 {
            return self;
        }
        let gap = other.centroid - self.centroid;
        let share = other.mass / mass;
        Self {
            mass,
            centroid: self.centroid + share * gap,
            scatter: self.scatter + other.scatter + self.mass * share * gap * gap,
        }
    }

    /// Integral of (x - level)^2 p(x) over the cell.
    pub fn distortion(self, level: f64) -> f64 {
        let off = self.centroid - level;
        self.scatter + self.mass * off * off
    }

    fn mirrored(self) -> Self {
        Self { centroid: -self.centroid, ..self }
    }
}

impl Density {
    /// Every density there is.
    pub const ALL: [Self; 6] =
        [Self::Gaussian, Self::Laplacian, Self::Gamma, Self::Rayleigh, Self::Uniform, Self::Exponential];

    /// The name in lower case, as the command line and the codebook files say it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gaussian => "gaussian",
            Self::Laplacian => "laplace",
            Self::Gamma => "gamma",
            Self::Rayleigh => "rayleigh",
            Self::Uniform => "uniform",
            Self::Exponential => "exponential",
        }
    }

    /// True when p(-x) = p(x).
    pub fn is_symmetric(self) -> bool {
        !matches!(self, Self::Rayleigh | Self::Exponential)
    }

    /// True when ln p is concave: then the Lloyd-Max conditions have one solution, the optimum (Fleischer 1964).
    pub fn is_log_concave(self) -> bool {
        self != Self::Gamma
    }

    /// Ends of the interval outside of which p is 0.
    pub fn support(self) -> (f64, f64) {
        match self {
            Self::Gaussian | Self::Laplacian | Self::Gamma => (f64::NEG_INFINITY, f64::INFINITY),
            Self::Rayleigh | Self::Exponential => (0.0, f64::INFINITY),
            Self::Uniform => (-SQRT_3, SQRT_3),
        }
    }

    /// E x^2, the signal power.
    pub fn power(self) -> f64 {
        if self.is_symmetric() { 1.0 } else { 2.0 }
    }

    /// p(x); infinite for gamma at 0.
    pub fn pdf(self, x: f64) -> f64 {
        let (low, high) = self.support();
        if !(low..=high).contains(&x) || x.is_infinite() {
            return 0.0;
        }
        match self {
            Self::Gamma => self.weight(x.abs().sqrt()) / (2.0 * x.abs().sqrt()),
            _ => self.weight(x.abs()),
        }
    }

    /// What lies between thresholds a <= b, each of them finite or infinite.
    pub fn cell(self, a: f64, b: f64) -> Cell {
        let (low, high) = self.support();
        let (a, b) = (a.max(low), b.min(high).max(a.max(low)));
        if a >= 0.0 {
            self.half_line_cell(a, b)
        } else if b <= 0.0 {
            self.half_line_cell(-b, -a).mirrored()
        } else {
            self.half_line_cell(0.0, -a).mirrored().merge(self.half_line_cell(0.0, b))
        }
    }

    /// The cell between 0 <= a <= b.
    fn half_line_cell(self, a: f64, b: f64) -> Cell {
        if self == Self::Uniform {
            let width = b - a;
            let mass = width / (2.0 * SQRT_3);
            return Cell { mass, centroid: 0.5 * (a + b), scatter: mass * width * width / 12.0 };
        }
        let end = self.coordinate(b.min(self.tail_end(a)));
        let mut start = self.coordinate(a);
        let mut cell = Cell { mass: 0.0, centroid: a, scatter: 0.0 };
        if a > 0.0 && self.weight(start) == 0.0 {
            return cell;
        }
        while start < end {
            // A last sliver of a panel is not worth a panel.
            let width = self.panel_width(start);
            let stop = if start + 1.25 * width >= end { end } else { start + width };
            let panel = self.panel(start, stop);
            cell = if cell.mass > 0.0 { cell.merge(panel) } else { panel };
            start = stop;
        }
        cell
    }

    /// Gauss-Legendre over coordinates u0..u1, moments taken about the panel's middle.
    fn panel(self, u0: f64, u1: f64) -> Cell {
        let (middle, half) = (0.5 * (u0 + u1), 0.5 * (u1 - u0));
        let (mut m0, mut m1, mut m2) = (0.0, 0.0, 0.0);
        for &(t, w) in NODES.iter() {
            let d = half * t;
            let dx = if self == Self::Gamma { d * (2.0 * middle + d) } else { d };
            let p = half * w * self.weight(middle + d);
            m0 += p;
            m1 += p * dx;
            m2 += p * dx * dx;
        }
        let x = if self == Self::Gamma { middle * middle } else { middle };
        if m0 <= 0.0 {
            return Cell { mass: 0.0, centroid: x, scatter: 0.0 };
        }
        Cell { mass: m0, centroid: x + m1 / m0, scatter: m2 - m1 * m1 / m0 }
    }

    /// p(x(u)) dx/du for u >= 0, where x = u^2 for gamma and x = u else.
    fn weight(self, u: f64) -> f64 {
        match self {
            Self::Gaussian => libm::exp(-0.5 * u * u) / (2.0 * PI).sqrt(),
            Self::Laplacian => FRAC_1_SQRT_2 * libm::exp(-SQRT_2 * u),
            Self::Gamma => (GAMMA_K / PI).sqrt() * libm::exp(-GAMMA_K * u * u),
            Self::Rayleigh => u * libm::exp(-0.5 * u * u),
            Self::Uniform => 0.5 / SQRT_3,
            Self::Exponential => libm::exp(-u),
        }
    }

    /// u of x >= 0.
    fn coordinate(self, x: f64) -> f64 {
        if self == Self::Gamma { x.sqrt() } else { x }
    }

    /// Width of a panel at u over which the exponent changes by 2 to 5: 16 points then err by less than 1e-16.
    fn panel_width(self, u: f64) -> f64 {
        match self {
            Self::Gaussian | Self::Rayleigh => 4.0 / (u + 2.0),
            Self::Gamma => 3.0 / (u + 1.5),
            Self::Laplacian => 4.0 / SQRT_2,
            Self::Uniform | Self::Exponential => 4.0,
        }
    }

    /// Where the tail beyond x >= 0 has lost `TAIL_NEPERS`.
    pub(super) fn tail_end(self, x: f64) -> f64 {
        match self {
            Self::Gaussian | Self::Rayleigh => (x * x + 2.0 * TAIL_NEPERS).sqrt(),
            Self::Laplacian => x + TAIL_NEPERS / SQRT_2,
            Self::Gamma => x + TAIL_NEPERS / GAMMA_K,
            Self::Uniform => SQRT_3,
            Self::Exponential => x + TAIL_NEPERS,
        }
    }
}

/// Refuses 0 levels and more than [`MAX_LEVELS`].
pub(super) fn check_levels(n_levels: usize) -> Result<()> {
    if (1..=MAX_LEVELS).contains(&n_levels) {
        return Ok(());
    }
    Err(Error::invalid("levels", n_levels, format!("1..={MAX_LEVELS}")))
}

/// The cells that `thresholds` cut a density into.
pub(super) fn cells_between(density: Density, thresholds: &[f64]) -> Vec<Cell> {
    let (low, high) = density.support();
    let lower = std::iter::once(low).chain(thresholds.iter().copied());
    let upper = thresholds.iter().copied().chain([high]);
    lower.zip(upper).map(|(a, b)| density.cell(a, b)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: f64, b: f64, relative: f64) -> bool {
        (a - b).abs() <= relative * b.abs()
    }

    #[test]
    fn the_whole_line_holds_one_and_the_power() {
        for density in Density::ALL {
            let all = density.cell(f64::NEG_INFINITY, f64::INFINITY);
            assert!(close(all.mass, 1.0, 4e-15), "{density:?}: mass {}", all.mass);
            let power = all.distortion(0.0);
            assert!(close(power, density.power(), 4e-15), "{density:?}: power {power}");
        }
    }

    #[test]
    fn gaussian_cells_agree_with_erf() {
        for (a, b) in [(-1.0, 0.5), (0.25, 0.75), (-9.0, 9.0), (3.0, f64::INFINITY), (8.0, f64::INFINITY)] {
            let cell = Density::Gaussian.cell(a, b);
            let mass = 0.5 * (libm::erfc(a / SQRT_2) - libm::erfc(b / SQRT_2));
            let centroid = (Density::Gaussian.pdf(a) - Density::Gaussian.pdf(b)) / mass;
            assert!(close(cell.mass, mass, 1e-14), "{a}..{b}: mass {} against {mass}", cell.mass);
            assert!((cell.centroid - centroid).abs() < 1e-14 * (1.0 + centroid.abs()), "{a}..{b}");
        }
    }

    #[test]
    fn gamma_mass_agrees_with_erf() {
        // With x = u^2 the mass of 0..b is erf(sqrt(k b)) / 2.
        for b in [1e-9, 0.01, 0.5, 3.0, 20.0] {
            let cell = Density::Gamma.cell(0.0, b);
            assert!(close(cell.mass, 0.5 * libm::erf((GAMMA_K * b).sqrt()), 1e-14), "0..{b}: {}", cell.mass);
        }
    }

    #[test]
    fn a_memoryless_tail_has_the_whole_density_scatter() {
        let tail = Density::Exponential.cell(30.0, f64::INFINITY);
        assert!(close(tail.centroid, 31.0, 1e-15));
        assert!(close(tail.scatter / tail.mass, 1.0, 1e-13));
    }

    #[test]
    fn empty_and_far_cells_stay_finite() {
        for density in Density::ALL {
            for (a, b) in [(0.3, 0.3), (1e3, f64::INFINITY), (1e300, f64::INFINITY), (-5.0, -4.0)] {
                let cell = density.cell(a, b);
                assert!(
                    cell.mass >= 0.0 && cell.centroid.is_finite() && cell.scatter.is_finite(),
                    "{density:?} {a} {b}"
                );
            }
        }
    }
}
