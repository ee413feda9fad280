//! Coefficients to indices and back: the quantizer inside the bands.

use super::{
    frame::{BandCode, SILENT},
    noise::Noise,
};

/// How the coefficients of a band become indices. Stored in the header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BandQuantizer {
    /// Uniform steps with a dead zone of 0.6 steps on each side of zero.
    #[default]
    Uniform,
    /// Steps that grow with magnitude: the uniform rule on |x|^(3/4), as in MP3 and AAC.
    PowerLaw,
}

/// Magnitudes under this many steps become zero; half a step would be the nearest level.
const DEAD_ZONE: f32 = 0.6;

/// Levels lie this much nearer to zero than their index: the centroids of Laplacian cells, for index 1 and above.
const PULL_OF_ONE: f32 = 0.03;
const PULL: f32 = 0.01;

/// What reconstruction needs beside the indices.
pub struct Hiss<'a> {
    /// rms of the noise in place of zeros, in steps.
    pub zero_rms: f32,
    /// The file's fine gain.
    pub gain: f32,
    /// The channel's generator.
    pub noise: &'a mut Noise,
}

/// `2^(level/2)`.
pub fn amplitude(level: i8) -> f32 {
    (f32::from(level) / 2.0).exp2()
}

impl BandQuantizer {
    /// The quantizer's number in the header.
    pub fn id(self) -> u8 {
        match self {
            Self::Uniform => 0,
            Self::PowerLaw => 1,
        }
    }

    /// The quantizer of a number in the header.
    pub fn from_id(id: u8) -> Option<Self> {
        [Self::Uniform, Self::PowerLaw].into_iter().find(|q| q.id() == id)
    }

    /// Indices of the coefficients `x` at `step`.
    pub fn quantize(self, x: &[f32], step: f32, indices: &mut [i32]) {
        let inverse = 1.0 / step;
        for (index, &x) in indices.iter_mut().zip(x) {
            let steps = (x * inverse).abs();
            let a = match self {
                Self::Uniform => steps,
                Self::PowerLaw => steps.powf(0.75),
            };
            // the cast saturates, so that no input can exceed the coder's range
            let magnitude = if a < DEAD_ZONE { 0 } else { ((a + 0.5) as i32).clamp(1, INDEX_LIMIT) };
            *index = if x < 0.0 { -magnitude } else { magnitude };
        }
    }

    /// Magnitude of `magnitude` > 0, in steps.
    #[inline]
    fn level(self, magnitude: u32) -> f32 {
        match self {
            Self::Uniform => magnitude as f32 - if magnitude == 1 { PULL_OF_ONE } else { PULL },
            Self::PowerLaw => (magnitude as f32).powf(4.0 / 3.0),
        }
    }

    /// Coefficients of `indices`, times the file's `gain`: levels where coded, noise of `noise_rms` (in steps) for zeros, or noise of the band's
    /// own level where it is empty.
    pub fn reconstruct(self, indices: &[i32], code: BandCode, hiss: Hiss, x: &mut [f32]) {
        if code.level == SILENT {
            x.fill(0.0);
            return;
        }
        let Hiss { zero_rms, gain, noise } = hiss;
        let scale = gain * amplitude(code.level);
        if code.is_empty {
            x.fill_with(|| scale * noise.next_uniform());
            return;
        }
        for (x, &index) in x.iter_mut().zip(indices) {
            let uniform = noise.next_uniform();
            *x = match index {
                0 => scale * zero_rms * uniform,
                i => scale * self.level(i.unsigned_abs()) * i.signum() as f32,
            };
        }
    }
}

/// The largest magnitude an encoder writes.
const INDEX_LIMIT: i32 = super::frame::MAGNITUDE_LIMIT as i32 - 1;

/// rms of the noise in place of zeros, in steps, for an exponent of 0..=7.
pub fn noise_rms(exponent: u8) -> f32 {
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

    #[test]
    fn reconstruction_lies_in_the_cell() {
        for quantizer in [BandQuantizer::Uniform, BandQuantizer::PowerLaw] {
            let x: Vec<f32> = (-400..400).map(|i| i as f32 * 0.037).collect();
            let (mut indices, mut again, mut y) = (vec![0; x.len()], vec![0; x.len()], vec![0.0; x.len()]);
            quantizer.quantize(&x, 1.0, &mut indices);
            let code = BandCode { is_empty: false, level: 0 };
            let hiss = Hiss { zero_rms: 0.0, gain: 1.0, noise: &mut Noise::new(0, 0) };
            quantizer.reconstruct(&indices, code, hiss, &mut y);
            quantizer.quantize(&y, 1.0, &mut again);
            assert_eq!(indices, again, "{quantizer:?}");
        }
    }
}
