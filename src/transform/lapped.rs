//! The rotation at a block boundary: window and aliasing of the MDCT in one orthonormal step.
//!
//! ```text
//!        ... a2 a1 a0 | b0 b1 b2 ...        boundary, overlap o: h = o/2 samples on each side
//! fold:    a_j <- c_j a_j - s_j b_j         unfold:  a_j <- c_j a_j + s_j b_j
//!          b_j <- c_j b_j + s_j a_j                  b_j <- c_j b_j - s_j a_j
//! ```
//!
//! `c_j = w(o/2 + j)`, `s_j = sqrt(1 - c_j^2)`, with the power sine window
//! `w(i) = sin(pi/2 sin^2(pi (i + 1/2)/(2 o)))`, i = 0..o-1.
//!
//! Source of the window: Xiph.Org, *Vorbis I specification*, section 4.3.1.

use std::f64::consts::{FRAC_PI_2, PI};

/// The rotations of one overlap length, from the boundary outwards.
///
/// ```
/// use sqnr::transform::{Overlap, fold, unfold};
///
/// let (mut left, mut right) = ([0.1_f32, 0.2, 0.3, 0.4], [0.5_f32, 0.6, 0.7, 0.8]);
/// let overlap = Overlap::new(4);
/// fold(&mut left, &mut right, &overlap);
/// unfold(&mut left, &mut right, &overlap);
/// assert!((left[3] - 0.4).abs() < 1e-6 && (right[0] - 0.5).abs() < 1e-6);
/// ```
#[derive(Debug, Clone)]
pub struct Overlap {
    rotations: Vec<(f32, f32)>,
}

impl Overlap {
    /// Rotations for an overlap of `o` samples, o/2 on each side of the boundary; none when `o` is 0.
    pub fn new(o: usize) -> Self {
        let rotation = |j: usize| {
            let inner = (PI * ((o / 2 + j) as f64 + 0.5) / (2 * o) as f64).sin();
            let angle = FRAC_PI_2 * inner * inner;
            (angle.sin() as f32, angle.cos() as f32)
        };
        Self { rotations: (0..o / 2).map(rotation).collect() }
    }

    /// Samples touched on each side of the boundary.
    pub fn reach_samples(&self) -> usize {
        self.rotations.len()
    }
}

/// Rotates the end of `left` and the start of `right` forward, before the transform.
///
/// # Panics
/// When a side is shorter than the overlap's reach.
pub fn fold(left: &mut [f32], right: &mut [f32], overlap: &Overlap) {
    for ((a, b), &(c, s)) in left.iter_mut().rev().zip(&mut right[..overlap.reach_samples()]).zip(&overlap.rotations) {
        (*a, *b) = (c * *a - s * *b, c * *b + s * *a);
    }
}

/// Undoes [`fold`], after the inverse transform.
///
/// # Panics
/// When a side is shorter than the overlap's reach.
pub fn unfold(left: &mut [f32], right: &mut [f32], overlap: &Overlap) {
    for ((a, b), &(c, s)) in left.iter_mut().rev().zip(&mut right[..overlap.reach_samples()]).zip(&overlap.rotations) {
        (*a, *b) = (c * *a + s * *b, c * *b - s * *a);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transform::Dct4;

    #[test]
    fn unfold_undoes_fold() {
        for o in [0, 2, 8, 128, 4096] {
            let overlap = Overlap::new(o);
            let original: Vec<f32> = (0..o + 6).map(|i| ((i * 37 % 101) as f32) / 101.0 - 0.5).collect();
            let mut x = original.clone();
            let middle = x.len() / 2;
            let (left, right) = x.split_at_mut(middle);
            fold(left, right, &overlap);
            unfold(left, right, &overlap);
            assert!(x.iter().zip(&original).all(|(x, y)| (x - y).abs() < 1e-6), "o {o}");
        }
    }

    /// One block of n with full overlap on both sides must be the windowed cosine sum over 2n samples with the phase
    /// n0 = (1 - n)/2: even symmetry at the left boundary, odd at the right one.
    #[test]
    fn fold_and_dct_equal_the_textbook_mdct() {
        let n = 16;
        let x: Vec<f32> = (0..2 * n).map(|i| ((i * i * 7 % 23) as f32) / 23.0 - 0.4).collect();
        let window = |i: usize| {
            let inner = (PI * (i as f64 + 0.5) / (2 * n) as f64).sin();
            (FRAC_PI_2 * inner * inner).sin()
        };
        let textbook = |k: usize| {
            let n0 = (1.0 - n as f64) / 2.0;
            let term =
                |i: usize| f64::from(x[i]) * window(i) * (PI / n as f64 * (i as f64 + n0) * (k as f64 + 0.5)).cos();
            (2.0 / n as f64).sqrt() * (0..2 * n).map(term).sum::<f64>()
        };
        let overlap = Overlap::new(n);
        let mut y = x.clone();
        for p in [n / 2, 3 * n / 2] {
            let (left, right) = y.split_at_mut(p);
            fold(left, right, &overlap);
        }
        let mut block = y[n / 2..3 * n / 2].to_vec();
        Dct4::new(n).process(&mut block);
        for (k, &ours) in block.iter().enumerate() {
            let expected = textbook(k);
            assert!((f64::from(ours) - expected).abs() < 1e-6, "k {k}: {ours} against {expected}");
        }
    }
}
