//! Error feedback around a uniform quantizer without poles: the fast case.

use super::Dither;
use super::adaptive::FilterTrack;
use crate::kernel::noise_shaper::{Block, MAX_TAPS, Taps, shape};
use crate::quantizer::{Grid, Quantizer, Uniform};

/// Samples at a time.
pub(super) const BLOCK: usize = 512;

/// A block of one channel; all slices have one length.
pub(super) struct ChainBlock<'a> {
    /// Input.
    pub(super) x: &'a [f64],
    /// In steps.
    pub(super) dither: &'a [f64],
    /// Outputs.
    pub(super) indices: &'a mut [i32],
    pub(super) y: &'a mut [f64],
}

/// Filter and last errors of one channel.
#[derive(Debug, Clone)]
pub(super) struct UniformShaper {
    taps: TapSource,
    /// In steps, the newest last.
    errors: [f64; MAX_TAPS],
}

#[derive(Debug, Clone)]
enum TapSource {
    Fixed(Box<Taps>),
    Adaptive(FilterTrack),
}

impl UniformShaper {
    /// A channel at rest; `taps` are those of NTF - 1, at most 64.
    pub(super) fn new(taps: &[f64]) -> Self {
        Self { taps: TapSource::Fixed(Box::new(Taps::new(taps))), errors: [0.0; MAX_TAPS] }
    }

    /// A channel at rest whose taps follow the signal.
    pub(super) fn adaptive(track: FilterTrack) -> Self {
        Self { taps: TapSource::Adaptive(track), errors: [0.0; MAX_TAPS] }
    }

    /// Forgets the past.
    pub(super) fn reset(&mut self) {
        self.errors.fill(0.0);
        if let TapSource::Adaptive(track) = &mut self.taps {
            track.reset();
        }
    }

    /// Samples that will come to [`process`](Self::process); a fixed filter does not care.
    pub(super) fn show_ahead(&mut self, x: &[f64]) {
        if let TapSource::Adaptive(track) = &mut self.taps {
            track.show_ahead(x);
        }
    }

    /// Quantizes at most [`BLOCK`] samples, with dither of `kind`. NaN counts as 0. The number of samples clipped.
    pub(super) fn process(&mut self, uniform: &Uniform, kind: Dither, block: ChainBlock<'_>) -> u64 {
        let ChainBlock { x, dither, indices, y } = block;
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
        let mut at = 0;
        while at < n {
            let (taps, len) = match &mut self.taps {
                TapSource::Fixed(taps) => (Taps::clone(taps), n),
                TapSource::Adaptive(track) => {
                    let (taps, len) = track.next_taps(n - at);
                    (Taps::new(&taps), len)
                }
            };
            let part = at..at + len;
            shape(Block {
                taps: &taps,
                x: &steps[part.clone()],
                rounding: &rounding[part.clone()],
                taken_back: &taken_back[part.clone()],
                indices: (first, last),
                granular_region: (first - half, last + 1.0 - half),
                errors: &mut errors[at..MAX_TAPS + at + len],
                whole: &mut whole[part],
                n_clipped: &mut n_clipped,
            });
            at += len;
        }
        self.errors.copy_from_slice(&errors[n..MAX_TAPS + n]);
        for i in 0..n {
            // Whole numbers within the range of the indices.
            indices[i] = whole[i] as i32;
            y[i] = (whole[i] - taken_back[i]) * uniform.step();
        }
        n_clipped
    }
}
