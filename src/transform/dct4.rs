//! Discrete cosine transform of type IV by a complex FFT of half the length.

use rustfft::{Fft, FftPlanner, num_complex::Complex32};
use std::{f64::consts::PI, sync::Arc};

/// Orthonormal DCT-IV of n values: `X_k = sqrt(2/n) sum_i x_i cos(pi/n (i + 1/2)(k + 1/2))`. It is its own inverse.
///
/// Pairs `x[2k] + i x[n-1-2k]` are turned by `exp(-i pi (8k+1)/(8n))`, go through an FFT of n/2 and are turned by the
/// same angle again; the real parts are the even coefficients, the negated imaginary parts the odd ones from the end.
///
/// Source: Wang, *Fast algorithms for the discrete W transform*, IEEE Trans. ASSP 32(4), 1984.
///
/// ```
/// use sqnr::transform::Dct4;
///
/// let mut x = vec![1.0, 2.0, 3.0, 4.0];
/// let mut dct = Dct4::new(4);
/// // Orthonormal, and its own inverse: twice gives the input.
/// dct.process(&mut x);
/// let energy: f32 = x.iter().map(|x| x * x).sum();
/// dct.process(&mut x);
/// assert!((energy - 30.0).abs() < 1e-4 && (x[3] - 4.0).abs() < 1e-5);
/// ```
pub struct Dct4 {
    fft: Arc<dyn Fft<f32>>,
    twiddles: Vec<Complex32>,
    pairs: Vec<Complex32>,
    scratch: Vec<Complex32>,
}

impl std::fmt::Debug for Dct4 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dct4").field("n", &self.twiddles.len()).finish_non_exhaustive()
    }
}

impl Dct4 {
    /// A plan for blocks of `n` samples.
    ///
    /// # Panics
    /// When `n` is odd or zero.
    pub fn new(n: usize) -> Self {
        assert!(n >= 2 && n.is_multiple_of(2), "a DCT-IV block has an even length, at least 2");
        let half = n / 2;
        let fft = FftPlanner::new().plan_fft_forward(half);
        // the fourth root of 2/n on both turns makes the pair orthonormal
        let norm = (2.0 / n as f64).powf(0.25);
        let twiddles = (0..half)
            .map(|k| {
                let angle = -PI * (8 * k + 1) as f64 / (8 * n) as f64;
                Complex32::new((norm * angle.cos()) as f32, (norm * angle.sin()) as f32)
            })
            .collect();
        let scratch = vec![Complex32::default(); fft.get_inplace_scratch_len()];
        Self { fft, twiddles, pairs: vec![Complex32::default(); half], scratch }
    }

    /// Transforms `x` in place.
    ///
    /// # Panics
    /// When `x` has another length than the plan.
    pub fn process(&mut self, x: &mut [f32]) {
        let n = 2 * self.pairs.len();
        assert_eq!(x.len(), n, "the block has the plan's length");
        for (k, (pair, turn)) in self.pairs.iter_mut().zip(&self.twiddles).enumerate() {
            *pair = Complex32::new(x[2 * k], x[n - 1 - 2 * k]) * turn;
        }
        self.fft.process_with_scratch(&mut self.pairs, &mut self.scratch);
        for (k, (pair, turn)) in self.pairs.iter().zip(&self.twiddles).enumerate() {
            let y = pair * turn;
            x[2 * k] = y.re;
            x[n - 1 - 2 * k] = -y.im;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sum of the definition, the slow twin.
    fn by_definition(x: &[f32]) -> Vec<f32> {
        let n = x.len() as f64;
        let coefficient = |k: usize| {
            let sum: f64 = x
                .iter()
                .enumerate()
                .map(|(i, &x)| f64::from(x) * (PI / n * (i as f64 + 0.5) * (k as f64 + 0.5)).cos())
                .sum();
            ((2.0 / n).sqrt() * sum) as f32
        };
        (0..x.len()).map(coefficient).collect()
    }

    fn noise(n: usize) -> Vec<f32> {
        let mut state = 1u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / 8_388_608.0 - 1.0
        };
        (0..n).map(|_| next()).collect()
    }

    #[test]
    fn equals_the_sum_of_its_definition() {
        for n in [2, 4, 8, 16, 128, 256, 1024] {
            let x = noise(n);
            let mut fast = x.clone();
            Dct4::new(n).process(&mut fast);
            for (fast, slow) in fast.iter().zip(by_definition(&x)) {
                assert!((fast - slow).abs() < 2e-6, "n {n}: {fast} against {slow}");
            }
        }
    }

    #[test]
    fn twice_is_the_identity_and_energy_is_kept() {
        for n in [8, 128, 4096, 16384] {
            let x = noise(n);
            let mut y = x.clone();
            let mut plan = Dct4::new(n);
            plan.process(&mut y);
            let energy = |v: &[f32]| v.iter().map(|&v| f64::from(v) * f64::from(v)).sum::<f64>();
            assert!((energy(&y) / energy(&x) - 1.0).abs() < 1e-6);
            plan.process(&mut y);
            assert!(x.iter().zip(&y).all(|(x, y)| (x - y).abs() < 1e-6), "n {n}");
        }
    }
}
