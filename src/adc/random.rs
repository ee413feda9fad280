//! Seeded random numbers of the model.

/// Reproducible numbers: splitmix64, and pairs of Gaussian ones by Box and Muller.
#[derive(Debug, Clone)]
pub(super) struct Random {
    state: u64,
    spare: Option<f64>,
}

impl Random {
    /// Streams of one seed are independent of one another.
    pub(super) fn new(seed: u64, stream: u64) -> Self {
        let mut random = Self { state: seed, spare: None };
        random.state = random.next().wrapping_add(stream.wrapping_mul(0xD1B5_4A32_D192_ED03));
        random
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.state ^ (self.state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// In (0, 1].
    fn uniform(&mut self) -> f64 {
        ((self.next() >> 11) + 1) as f64 / (1u64 << 53) as f64
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
