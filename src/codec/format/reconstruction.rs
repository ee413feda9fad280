//! The quantizer of the bands: coefficients to indices and back.

use super::{
    codebooks::Codebooks,
    frame::{BandCode, SILENT},
    noise::Noise,
};
use crate::quantizer::trellis::Trellis;

/// How the coefficients of a band become indices. Stored in the header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BandQuantizer {
    /// Uniform steps with a dead zone of 0.6 steps on each side of zero.
    #[default]
    Uniform,
    /// Steps that grow with magnitude: the uniform rule on |x|^(3/4), as in MP3 and AAC.
    PowerLaw,
    /// Codebooks in the header, one for each class of bands.
    LloydMax,
    /// Dependent quantization in the bands that say so, uniform in the others.
    Trellis,
}

/// Magnitudes under this many steps become zero; half a step would be the nearest level.
pub(crate) const DEAD_ZONE: f32 = 0.6;

/// Levels lie this much nearer to zero than their index: the centroids of Laplacian cells, for index 1 and above.
const PULL_OF_ONE: f32 = 0.03;
const PULL: f32 = 0.01;

/// Distance of neighbouring levels of both cosets of a dependent band, in steps of the band. The levels of one coset
/// lie 1.12 steps apart: about as many bits as with uniform steps.
pub(crate) const DEPENDENT_STEP: f32 = 0.56;

/// `2^(level/2)`.
pub(crate) fn amplitude(level: i8) -> f32 {
    (f32::from(level) / 2.0).exp2()
}

/// The trellis of dependent bands: four states, as in H.266.
pub(crate) fn dependent_trellis() -> Trellis {
    Trellis::new(4).expect("there is a trellis of 4 states")
}

/// The level of `index` in a dependent band, in half steps of a coset: that of the library's quantizer with
/// [`Levels::MULTIPLES`](crate::quantizer::dependent::Levels::MULTIPLES).
///
/// `index` lies within +-2^30.
#[inline]
pub(crate) fn multiple(coset: u32, index: i32) -> i32 {
    2 * index - coset as i32 * index.signum()
}

impl BandQuantizer {
    /// The quantizer's number in the header.
    pub fn id(self) -> u8 {
        match self {
            Self::Uniform => 0,
            Self::PowerLaw => 1,
            Self::LloydMax => 2,
            Self::Trellis => 3,
        }
    }

    /// The quantizer of the low two bits of `id`.
    pub fn from_id(id: u8) -> Self {
        match id & 3 {
            0 => Self::Uniform,
            1 => Self::PowerLaw,
            2 => Self::LloydMax,
            _ => Self::Trellis,
        }
    }

    /// Bands of this class depend on the indices before them.
    pub fn is_dependent(self, class: u8) -> bool {
        self == Self::Trellis && class == 1
    }

    /// Indices of the coefficients `x` at `step`, by a rule for each coefficient alone: [`Self::PowerLaw`]'s own, for
    /// all others that of [`Self::Uniform`].
    pub fn quantize(self, x: &[f32], step: f32, indices: &mut [i32]) {
        let inverse = 1.0 / step;
        for (index, &x) in indices.iter_mut().zip(x) {
            let steps = (x * inverse).abs();
            let a = if self == Self::PowerLaw { steps.powf(0.75) } else { steps };
            // the cast saturates, so that no input can exceed the coder's range
            let magnitude = if a < DEAD_ZONE { 0 } else { ((a + 0.5) as i32).clamp(1, INDEX_LIMIT) };
            *index = if x < 0.0 { -magnitude } else { magnitude };
        }
    }
}

/// Indices to coefficients, for one channel of one block after the other.
pub(crate) struct Reconstruction<'a> {
    /// The file's quantizer.
    pub quantizer: BandQuantizer,
    /// The file's codebooks.
    pub codebooks: &'a Codebooks,
    /// The file's fine gain.
    pub gain: f32,
    /// rms of the noise that replaces zeros, in steps.
    pub zero_rms: f32,
    /// The channel's generator.
    pub noise: &'a mut Noise,
    /// State of the trellis, 0 at the start of a block.
    pub state: u32,
}

impl Reconstruction<'_> {
    /// Coefficients of a band's `indices`: levels where coded, noise for zeros, or noise of the band's own level where
    /// it is empty.
    pub(crate) fn band(&mut self, indices: &[i32], code: BandCode, x: &mut [f32]) {
        let scale = self.gain * amplitude(code.level);
        match (code, self.quantizer) {
            (BandCode { level: SILENT, .. }, _) => x.fill(0.0),
            (BandCode { is_empty: true, .. }, _) => x.fill_with(|| scale * self.noise.next_uniform()),
            (_, BandQuantizer::PowerLaw) => self.levels(indices, scale, x, |m| (m as f32).powf(4.0 / 3.0)),
            (BandCode { class, .. }, BandQuantizer::LloydMax) => {
                let codebooks = self.codebooks;
                self.levels(indices, scale, x, |m| codebooks.level(class, m));
            }
            (BandCode { class: 1, .. }, BandQuantizer::Trellis) => self.dependent(indices, scale, x),
            (_, BandQuantizer::Uniform | BandQuantizer::Trellis) => {
                self.levels(indices, scale, x, |m| m as f32 - if m == 1 { PULL_OF_ONE } else { PULL });
            }
        }
    }

    /// - `level`: of a magnitude > 0, in steps
    #[inline]
    fn levels(&mut self, indices: &[i32], scale: f32, x: &mut [f32], level: impl Fn(u32) -> f32) {
        let zero = scale * self.zero_rms;
        for (x, &index) in x.iter_mut().zip(indices) {
            let uniform = self.noise.next_uniform();
            *x = match index {
                0 => zero * uniform,
                i => scale * level(i.unsigned_abs()) * i.signum() as f32,
            };
        }
    }

    fn dependent(&mut self, indices: &[i32], scale: f32, x: &mut [f32]) {
        let (zero, half) = (scale * self.zero_rms, scale * DEPENDENT_STEP);
        let trellis = dependent_trellis();
        for (x, &index) in x.iter_mut().zip(indices) {
            let uniform = self.noise.next_uniform();
            *x = match index {
                0 => zero * uniform,
                i => half * multiple(trellis.coset(self.state), i) as f32,
            };
            self.state = trellis.next(self.state, index as u32);
        }
    }
}

/// The largest magnitude an encoder writes.
pub(crate) const INDEX_LIMIT: i32 = super::frame::MAGNITUDE_LIMIT as i32 - 1;

/// rms of the noise that replaces zeros, in steps, for an exponent of 0..=7.
pub(crate) fn noise_rms(exponent: u8) -> f32 {
    (f32::from(exponent) / 2.0 - 4.0).exp2()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indices_follow_the_dead_zone() {
        let mut indices = [9; 7];
        BandQuantizer::Uniform.quantize(&[0.0, 0.29, 0.31, -0.31, 0.74, 0.76, -f32::INFINITY], 0.5, &mut indices);
        assert_eq!(indices, [0, 0, 1, -1, 1, 2, -INDEX_LIMIT]);
    }

    fn reconstructed(quantizer: BandQuantizer, class: u8, indices: &[i32]) -> Vec<f32> {
        let mut y = vec![0.0; indices.len()];
        let (codebooks, mut noise) = (Codebooks::default(), Noise::new(0, 0));
        let mut reconstruction =
            Reconstruction { quantizer, codebooks: &codebooks, gain: 1.0, zero_rms: 0.0, noise: &mut noise, state: 0 };
        reconstruction.band(indices, BandCode { is_empty: false, class, level: 0 }, &mut y);
        y
    }

    #[test]
    fn reconstruction_lies_in_the_cell() {
        for quantizer in [BandQuantizer::Uniform, BandQuantizer::PowerLaw, BandQuantizer::LloydMax] {
            let x: Vec<f32> = (-400..400).map(|i| i as f32 * 0.037).collect();
            let (mut indices, mut again) = (vec![0; x.len()], vec![0; x.len()]);
            quantizer.quantize(&x, 1.0, &mut indices);
            quantizer.quantize(&reconstructed(quantizer, 0, &indices), 1.0, &mut again);
            assert_eq!(indices, again, "{quantizer:?}");
        }
    }

    #[test]
    fn dependent_levels_are_those_of_the_library() {
        use crate::quantizer::dependent::Levels;
        for (coset, index) in (0..2).flat_map(|coset| (-5..=5).map(move |index| (coset, index))) {
            assert_eq!(f64::from(multiple(coset, index)), Levels::MULTIPLES.level(coset, index));
        }
    }

    #[test]
    fn dependent_levels_follow_the_parity() {
        // states 0, 1 (after an odd index), 3 (after an odd index from there)
        let y = reconstructed(BandQuantizer::Trellis, 1, &[1, 1, -2, 0]);
        assert_eq!(y, [2.0, 1.0, -3.0, 0.0].map(|k: f32| DEPENDENT_STEP * k));
        assert_eq!(reconstructed(BandQuantizer::Trellis, 0, &[2, -3]), [1.99, -2.99]);
    }
}
