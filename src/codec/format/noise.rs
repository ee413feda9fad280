//! The noise that replaces zeros and empty bands, the same in every decoder.

/// A linear congruential generator of 32 bits of which the upper 24 are used.
///
/// Source of the constants: Press et al., *Numerical Recipes*, 1992, section 7.1.
#[derive(Debug, Clone)]
pub(crate) struct Noise(u32);

impl Noise {
    /// The generator of one channel in one group.
    pub(crate) fn new(group: u32, channel: usize) -> Self {
        let mut noise = Self(group.wrapping_mul(0x9E37_79B9) ^ (channel as u32).wrapping_mul(0x85EB_CA6B));
        noise.next_uniform();
        noise
    }

    /// Uniform in -sqrt 3 to sqrt 3: of rms 1.
    #[inline]
    pub(crate) fn next_uniform(&mut self) -> f32 {
        const SCALE: f32 = 1.732_050_8 / 8_388_608.0;
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        ((self.0 >> 8) as i32 - 8_388_608) as f32 * SCALE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_has_rms_one_and_no_mean() {
        let mut noise = Noise::new(3, 1);
        let values: Vec<f64> = (0..1 << 16).map(|_| f64::from(noise.next_uniform())).collect();
        let n = values.len() as f64;
        let (mean, power) = (values.iter().sum::<f64>() / n, values.iter().map(|v| v * v).sum::<f64>() / n);
        assert!(mean.abs() < 0.01 && (power - 1.0).abs() < 0.01, "mean {mean}, power {power}");
    }
}
