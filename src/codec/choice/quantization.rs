//! The encoder's side of a band: its step size from the noise target, its class, its indices.

use super::codebook_design::MagnitudeCounts;
use crate::codec::format::{
    codebooks::{Codebooks, N_CODEBOOKS},
    container::Header,
    frame::{BandCode, BlockSpan, ChannelFrame, LEVELS, SILENT},
    reconstruction::{BandQuantizer, DEAD_ZONE, DEPENDENT_STEP, INDEX_LIMIT, amplitude},
};
use crate::quantizer::dependent::{DependentQuantizer, Levels, PricedLevels, Prices};

/// The exponent of the noise that replaces zeros: 0.088 steps. Half as much or twice as much loses.
const ZERO_NOISE_EXPONENT: u8 = 1;
/// Noise that replaces zeros in blocks with dependent bands, relative to the rms of what became zero.
const DEPENDENT_NOISE: f32 = 0.5;
/// Noise of an empty band, relative to the rms of its coefficients.
const EMPTY_NOISE: f32 = 0.8;

/// What a bit may cost in a dependent band, in squares of half a coset's step: half of what the slope of the
/// rate-distortion function would allow, `(ln 2 / 6) (1.12/0.56)^2`.
const PRICE: f64 = 0.18;
/// Bands are dependent from this mean magnitude on, in steps.
const DEPENDENT_FROM: f32 = 0.7;
/// Tables of prices: mean magnitudes in half octaves from 2^-2 half steps of a coset on.
const N_PRICES: usize = 24;
const FIRST_PRICE: f32 = -2.0;
/// Inputs are held to so many half steps, so that no magnitude exceeds the coder's range.
const MOST_HALF_STEPS: f64 = 2.0 * INDEX_LIMIT as f64 - 4.0;

/// Bounds of the mean magnitude, in steps, between the codebooks.
const CLASS_BOUNDS: [f32; N_CODEBOOKS - 1] = [0.15, 0.25, 0.4, 0.65, 1.0, 1.6, 3.0];

/// Codebook of a band of this mean magnitude in steps.
pub(crate) fn class_of_mean(mean_steps: f32) -> u8 {
    CLASS_BOUNDS.iter().filter(|&&bound| mean_steps >= bound).count() as u8
}

/// Quantizes the bands of one block and channel after the other.
pub(crate) struct BlockQuantizer {
    quantizer: BandQuantizer,
    codebooks: Codebooks,
    gain: f32,
    has_noise: bool,
    /// Bands that start here or above are silent, in Hz.
    max_bandwidth_hz: f32,
    sample_rate_hz: u32,
    /// Made with the first dependent band: its prices take a millisecond.
    path: Option<Path>,
    /// With [`BandQuantizer::LloydMax`]: the magnitudes of all bands so far.
    counts: Option<MagnitudeCounts>,
}

impl BlockQuantizer {
    /// A quantizer for the file of this header.
    pub(crate) fn new(header: &Header, max_bandwidth_hz: f32) -> Self {
        Self {
            quantizer: header.band_quantizer,
            codebooks: header.codebooks.clone(),
            gain: header.gain(),
            has_noise: header.has_noise,
            max_bandwidth_hz,
            sample_rate_hz: header.sample_rate_hz,
            path: None,
            counts: (header.band_quantizer == BandQuantizer::LloydMax).then(MagnitudeCounts::new),
        }
    }

    /// With [`BandQuantizer::LloydMax`]: the magnitudes of all bands so far.
    pub(crate) fn counts(&self) -> Option<&MagnitudeCounts> {
        self.counts.as_ref()
    }

    /// Chooses levels, classes and indices.
    ///
    /// - `x`: coefficients of the block
    /// - `targets`: log2 of noise power per coefficient, for each band
    pub(crate) fn quantize(&mut self, span: &BlockSpan, x: &[f32], targets: &[f32], out: &mut ChannelFrame) {
        let hz_per_bin = self.sample_rate_hz as f32 / (2 * span.len) as f32;
        let indices = &mut out.indices[span.samples()];
        let codes = &mut out.bands[span.band_range()];
        self.path.iter_mut().for_each(Path::clear);
        for ((band, code), target) in span.bands.iter().zip(&mut *codes).zip(targets) {
            let range = band.start..band.end;
            *code = if band.start as f32 * hz_per_bin >= self.max_bandwidth_hz {
                indices[range].fill(0);
                BandCode::empty(SILENT)
            } else {
                self.band(&x[range.clone()], *target, &mut indices[range])
            };
        }
        out.noise[span.block_index] = ZERO_NOISE_EXPONENT;
        if let Some(path) = self.path.as_mut().filter(|path| !path.x.is_empty()) {
            path.search();
            let bands = span.bands.iter().zip(codes).filter(|(_, code)| self.quantizer.is_dependent(code.class));
            out.noise[span.block_index] = path.copy_to(bands.map(|(band, _)| band.start..band.end), indices);
        }
    }

    fn band(&mut self, x: &[f32], target: f32, indices: &mut [i32]) -> BandCode {
        let level = level_of_target(target - 2.0 * self.gain.log2());
        let step = self.gain * amplitude(level);
        self.quantizer.quantize(x, step, indices);
        if indices.iter().all(|&i| i == 0) {
            return BandCode::empty(if self.has_noise { noise_level(x, self.gain) } else { SILENT });
        }
        let mean_steps = x.iter().map(|x| x.abs()).sum::<f32>() / (step * x.len() as f32);
        let class = match self.quantizer {
            BandQuantizer::Uniform | BandQuantizer::PowerLaw => 0,
            BandQuantizer::LloydMax => class_of_mean(mean_steps),
            BandQuantizer::Trellis => u8::from(mean_steps >= DEPENDENT_FROM),
        };
        if let Some(counts) = &mut self.counts {
            counts.count(class, x, step);
        }
        match self.quantizer {
            BandQuantizer::LloydMax => nearest_levels(&self.codebooks, class, x, step, indices),
            BandQuantizer::Trellis if class == 1 => {
                self.path.get_or_insert_with(Path::new).push(x, step, mean_steps);
            }
            _ => {}
        }
        BandCode { is_empty: false, class, level }
    }
}

/// Indices of the nearest levels, but with the common dead zone around zero.
fn nearest_levels(codebooks: &Codebooks, class: u8, x: &[f32], step: f32, indices: &mut [i32]) {
    for (index, &x) in indices.iter_mut().zip(x) {
        let steps = (x / step).abs();
        let nearest = codebooks.nearest(class, steps).clamp(1, INDEX_LIMIT as u32) as i32;
        let magnitude = if steps < DEAD_ZONE { 0 } else { nearest };
        *index = if x < 0.0 { -magnitude } else { magnitude };
    }
}

/// The dependent bands of one block, strung together: the path of least cost through them.
struct Path {
    quantizer: DependentQuantizer,
    prices: PricedLevels,
    /// Coefficients in half steps of a coset.
    x: Vec<f64>,
    /// For each coefficient the number of its table of prices.
    price_of: Vec<u8>,
    indices: Vec<i32>,
}

impl Path {
    fn new() -> Self {
        let mean = |i: usize| (FIRST_PRICE + i as f32 / 2.0).exp2();
        let mut quantizer = DependentQuantizer::new(4, 1.0, PRICE).expect("constants within range");
        quantizer.levels = Levels::MULTIPLES;
        let prices: Vec<_> = (0..N_PRICES).map(|i| Prices::of_laplacian(mean(i))).collect();
        Self { prices: quantizer.priced(&prices), quantizer, x: Vec::new(), price_of: Vec::new(), indices: Vec::new() }
    }

    fn clear(&mut self) {
        self.x.clear();
        self.price_of.clear();
    }

    fn push(&mut self, x: &[f32], step: f32, mean_steps: f32) {
        let half = f64::from(step * DEPENDENT_STEP);
        self.x.extend(x.iter().map(|&x| (f64::from(x) / half).clamp(-MOST_HALF_STEPS, MOST_HALF_STEPS)));
        let table = (2.0 * ((mean_steps / DEPENDENT_STEP).log2() - FIRST_PRICE)).round();
        self.price_of.resize(self.x.len(), (table as usize).min(N_PRICES - 1) as u8);
    }

    fn search(&mut self) {
        self.indices.resize(self.x.len(), 0);
        self.quantizer.quantize_priced(&self.x, &self.prices, &self.price_of, &mut self.indices);
    }

    /// Copies the indices to their bands; returns the exponent of the noise that replaces zeros.
    fn copy_to(&self, bands: impl Iterator<Item = std::ops::Range<usize>>, indices: &mut [i32]) -> u8 {
        let mut rest = &self.indices[..];
        for band in bands {
            let (these, others) = rest.split_at(band.len());
            indices[band].copy_from_slice(these);
            rest = others;
        }
        let zeros = self.x.iter().zip(&self.indices).filter(|(_, index)| **index == 0);
        let (energy, n) = zeros.fold((0.0, 0), |(energy, n), (x, _)| (energy + x * x, n + 1));
        let rms_steps = (energy / f64::from(n.max(1))).sqrt() as f32 * DEPENDENT_STEP;
        (2.0 * (DEPENDENT_NOISE * rms_steps).log2() + 8.0).round().clamp(0.0, 7.0) as u8
    }
}

/// Level of the step whose noise, step^2/12, is the target: `round(2 log2 step)`.
fn level_of_target(log2_noise: f32) -> i8 {
    let level = (12.0_f32.log2() + log2_noise).round();
    level.clamp(*LEVELS.start() as f32 + 1.0, *LEVELS.end() as f32) as i8
}

/// Level of the noise that replaces `x`.
fn noise_level(x: &[f32], gain: f32) -> i8 {
    let power = x.iter().map(|x| x * x).sum::<f32>() / x.len() as f32;
    let level = (power * (EMPTY_NOISE / gain).powi(2)).log2().round();
    // under 2^-30 of full scale nothing can be heard, nor stored in 24 bits
    if level < -60.0 { SILENT } else { level.min(*LEVELS.end() as f32) as i8 }
}
