//! Seeded random numbers of the model.

use crate::random::{SplitMix64, mix64};

/// Reproducible Gaussian numbers, in pairs by Box and Muller.
#[derive(Debug, Clone)]
pub(super) struct Random {
    numbers: SplitMix64,
    spare: Option<f64>,
}

impl Random {
    /// Streams of one seed are independent of one another.
    pub(super) fn new(seed: u64, stream: u64) -> Self {
        let start = mix64(seed).wrapping_add(stream.wrapping_mul(0xD1B5_4A32_D192_ED03));
        Self { numbers: SplitMix64::new(start), spare: None }
    }

    /// In (0, 1].
    fn uniform(&mut self) -> f64 {
        ((self.numbers.next_u64() >> 11) + 1) as f64 / (1u64 << 53) as f64
    }

    pub(super) fn gauss(&mut self) -> f64 {
        if let Some(spare) = self.spare.take() {
            return spare;
        }
        let radius = (-2.0 * self.uniform().ln()).sqrt();
        let (s, c) = (std::f64::consts::TAU * self.uniform()).sin_cos();
        self.spare = Some(radius * s);
        radius * c
    }
}
