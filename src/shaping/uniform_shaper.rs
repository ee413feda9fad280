//! Error feedback around a uniform quantizer without poles: the fast case.

use super::Dither;
use crate::kernel::noise_shaper::{Block, MAX_TAPS, Taps, shape};
use crate::quantizer::{Grid, Quantizer, Uniform};

/// Samples at a time.
pub(super) const BLOCK: usize = 512;

/// Last errors of one channel, in steps, the newest last.
#[derive(Debug, Clone)]
pub(super) struct UniformShaper {
    taps: Taps,
    errors: [f64; MAX_TAPS],
}

impl UniformShaper {
    /// A channel at rest; `taps` are those of NTF - 1, at most 64.
    pub(super) fn new(taps: &[f64]) -> Self {
        Self { taps: Taps::new(taps), errors: [0.0; MAX_TAPS] }
    }

    /// Forgets the past.
    pub(super) fn reset(&mut self) {
        self.errors.fill(0.0);
    }

    /// Quantizes at most [`BLOCK`] samples; `dither` in steps. NaN counts as 0. The number of samples clipped.
    pub(super) fn process(
        &mut self,
        uniform: &Uniform,
        (dither, kind): (&[f64], Dither),
        x: &[f64],
        (indices, y): (&mut [i32], &mut [f64]),
    ) -> u64 {
        let n = x.len();
        let (half, level_of_zero) = if uniform.grid() == Grid::MidTread { (0.5, 0.0) } else { (0.0, 0.5) };
        let taken = if kind == Dither::Subtractive { 1.0 } else { 0.0 };
        let [mut steps, mut rounding, mut taken_back, mut whole] = [[0.0; BLOCK]; 4];
        for i in 0..n {
            steps[i] = if x[i].is_nan() { 0.0 } else { x[i] * uniform.steps_per_unit() };
            rounding[i] = dither[i] + half;
            taken_back[i] = taken * dither[i] - level_of_zero;
        }
        let mut errors = [0.0; MAX_TAPS + BLOCK];
        errors[..MAX_TAPS].copy_from_slice(&self.errors);
        let (first, last) = (f64::from(*uniform.indices().start()), f64::from(*uniform.indices().end()));
        let mut n_clipped = 0;
        shape(Block {
            taps: &self.taps,
            x: &steps[..n],
            rounding: &rounding[..n],
            taken_back: &taken_back[..n],
            indices: (first, last),
            granular_region: (first - half, last + 1.0 - half),
            errors: &mut errors[..MAX_TAPS + n],
            whole: &mut whole[..n],
            n_clipped: &mut n_clipped,
        });
        self.errors.copy_from_slice(&errors[n..MAX_TAPS + n]);
        for i in 0..n {
            // Whole numbers within the range of the indices.
            indices[i] = whole[i] as i32;
            y[i] = (whole[i] - taken_back[i]) * uniform.step();
        }
        n_clipped
    }
}
