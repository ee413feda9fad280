//! The Panter-Dite point density: where a fine quantizer of a density has its levels.
//!
//! ```text
//! levels per unit of x  ~  p(x)^(1/3)
//! ```
//!
//! Source: Panter and Dite, Quantization distortion in pulse-count modulation with nonuniform spacing of levels, Proc. IRE
//! 39 (1951), 44.

use super::Density;

/// What lies left of the first unknown level.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum LeftEdge {
    /// A threshold that stays: 0, or minus infinity for the whole line.
    Fixed(f64),
    /// A level at 0: the first threshold is half the first unknown level.
    Mirror,
}

/// `n` levels on the right half line at equal shares of the area under p^(1/3).
pub(super) fn companded_start(density: Density, n: usize, edge: LeftEdge) -> Vec<f64> {
    // Half a cell of the level at 0 lies on this side.
    let shift = if edge == LeftEdge::Mirror { 1.0 } else { 0.5 };
    let total = n as f64 + shift - 0.5;
    let area = cube_root_area(density);
    (0..n).map(|i| area.quantile((i as f64 + shift) / total)).collect()
}

/// `n - 1` thresholds that cut the area under p^(1/3) into equal shares (half as many each side, if symmetric).
pub(super) fn companded_thresholds(density: Density, n: usize) -> Vec<f64> {
    let area = cube_root_area(density);
    let n_right = if density.is_symmetric() { n.div_ceil(2) } else { n };
    let right: Vec<f64> = (1..n_right).map(|i| area.quantile(i as f64 / n_right as f64)).collect();
    if !density.is_symmetric() {
        return right;
    }
    right.iter().rev().map(|t| -t).chain([0.0]).chain(right.iter().copied()).collect()
}

/// Running area under p^(1/3) right of 0, on a grid uniform in the root of x (it is densest at 0, where gamma is).
struct Area {
    x: Vec<f64>,
    cumulative: Vec<f64>,
}

fn cube_root_area(density: Density) -> Area {
    const STEPS: usize = 8192;
    let end = density.tail_end(0.0).sqrt();
    let root = |i: usize| end * i as f64 / STEPS as f64;
    let mut area = Area { x: vec![0.0], cumulative: vec![0.0] };
    let mut sum = 0.0;
    for i in 0..STEPS {
        let middle = 0.5 * (root(i) + root(i + 1));
        sum += density.pdf(middle * middle).cbrt() * (root(i + 1).powi(2) - root(i).powi(2));
        area.x.push(root(i + 1).powi(2));
        area.cumulative.push(sum);
    }
    area
}

impl Area {
    /// The x that has `share` of the area on its left.
    fn quantile(&self, share: f64) -> f64 {
        let last = self.cumulative.len() - 1;
        let target = share * self.cumulative[last];
        let i = self.cumulative.partition_point(|&c| c < target).clamp(1, last);
        let (c0, c1) = (self.cumulative[i - 1], self.cumulative[i]);
        let within = if c1 > c0 { (target - c0) / (c1 - c0) } else { 0.5 };
        self.x[i - 1] + within * (self.x[i] - self.x[i - 1])
    }
}
