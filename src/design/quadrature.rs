//! Gauss-Legendre quadrature with 16 points: exact for polynomials to degree 31.
//!
//! Nodes are the roots of the Legendre polynomial P16, weights `2 / ((1 - t^2) P16'(t)^2)`
//! (Abramowitz and Stegun, 25.4.29), found once by Newton's method.

use std::sync::LazyLock;

/// Number of points.
pub(super) const POINTS: usize = 16;

/// Nodes in (-1, 1), ascending, and their weights, which sum to 2.
pub(super) static NODES: LazyLock<[(f64, f64); POINTS]> = LazyLock::new(|| std::array::from_fn(node));

fn node(i: usize) -> (f64, f64) {
    let n = POINTS as f64;
    // Chebyshev's guess lies so close that ten steps are more than enough.
    let mut t = -(std::f64::consts::PI * (i as f64 + 0.75) / (n + 0.5)).cos();
    for _ in 0..10 {
        let (p, dp) = legendre(t);
        t -= p / dp;
    }
    let (_, dp) = legendre(t);
    (t, 2.0 / ((1.0 - t * t) * dp * dp))
}

/// P16 and its derivative at t, by the three-term recurrence.
fn legendre(t: f64) -> (f64, f64) {
    let (mut before, mut p) = (1.0, t);
    for k in 2..=POINTS {
        let k = k as f64;
        (before, p) = (p, ((2.0 * k - 1.0) * t * p - (k - 1.0) * before) / k);
    }
    (p, POINTS as f64 * (t * p - before) / (t * t - 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn even_powers_are_integrated_exactly() {
        for power in (0..=30).step_by(2) {
            let sum: f64 = NODES.iter().map(|(t, w)| w * t.powi(power)).sum();
            let exact = 2.0 / f64::from(power + 1);
            assert!((sum / exact - 1.0).abs() < 4e-15, "t^{power}: {sum} against {exact}");
        }
        let beyond: f64 = NODES.iter().map(|(t, w)| w * t.powi(32)).sum();
        assert!((beyond * 33.0 / 2.0 - 1.0).abs() > 1e-10, "16 points cannot be exact for t^32");
    }
}
