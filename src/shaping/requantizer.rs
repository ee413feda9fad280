//! Quantizer, dither and noise shaper in one streaming chain.

use std::sync::Arc;

use super::adaptive::{AdaptiveSpec, Designer, FilterTrack};
use super::uniform_shaper::{BLOCK, ChainBlock, UniformShaper};
use super::{Dither, DitherSource, ErrorFilter, NoiseShaper};
use crate::kernel::uniform::{self, Requantize};
use crate::quantizer::Quantizer;
use crate::{Error, Result};

/// What stands around the quantizer.
#[derive(Debug, Clone, Default)]
pub struct RequantizerOptions {
    /// Dither; only `None` for a quantizer that is not uniform, which has no step size to measure it by.
    pub dither: Dither,
    /// Error feedback.
    pub shaper: Option<Shaper>,
    /// Seed of the dither.
    pub seed: u64,
}

/// What shapes the noise.
#[derive(Debug, Clone, PartialEq)]
pub enum Shaper {
    /// One filter for all of the signal.
    Fixed(ErrorFilter),
    /// Filters that follow what the signal hides; only around a uniform quantizer. See [`Requantizer::show_ahead`].
    Adaptive(AdaptiveSpec),
}

impl From<ErrorFilter> for Shaper {
    fn from(filter: ErrorFilter) -> Self {
        Self::Fixed(filter)
    }
}

/// Samples that needed help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Samples which, with dither and shaped noise, lay outside the granular region; infinities among them.
    pub clipped_samples: u64,
    /// Samples that were NaN and were taken as 0.
    pub nan_samples: u64,
}

/// A quantizer with dither and noise shaping, sample by sample, any number of channels.
///
/// The output depends on the samples and their place, not on how they are split into blocks.
///
/// ```
/// use std::sync::Arc;
/// use sqnr::quantizer::Uniform;
/// use sqnr::shaping::{Dither, Requantizer, RequantizerOptions};
///
/// let options = RequantizerOptions { dither: Dither::Triangular, ..Default::default() };
/// let mut chain = Requantizer::new(Arc::new(Uniform::mid_tread(8)?), options)?;
/// let x = [0.1, 0.2, 0.3];
/// let (mut indices, mut y) = ([0; 3], [0.0; 3]);
/// chain.process(0, 0, &x, &mut indices, &mut y);
/// assert!(x.iter().zip(&y).all(|(x, y)| (y - x).abs() < 1.5 / 128.0));
/// # Ok::<(), sqnr::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Requantizer {
    quantizer: Arc<dyn Quantizer>,
    options: RequantizerOptions,
    /// Size of the dither's unit; 0 without dither.
    step: f64,
    granular_region: (f64, f64),
    /// Of the adaptive shaper.
    designer: Option<Arc<Designer>>,
    channels: Vec<Channel>,
    counts: Counts,
}

/// The past of one channel.
#[derive(Debug, Clone)]
enum Channel {
    /// A uniform quantizer, a filter without poles.
    Uniform(Box<UniformShaper>),
    /// Everything else.
    General(NoiseShaper),
}

impl Requantizer {
    /// A chain around `quantizer`, every channel at rest.
    ///
    /// # Errors
    /// `InvalidParameter` for dither or an adaptive shaper around a quantizer that is not uniform, or for an adaptive shaper
    /// of order, rate or limit out of range.
    pub fn new(quantizer: Arc<dyn Quantizer>, options: RequantizerOptions) -> Result<Self> {
        let step = match (options.dither, quantizer.as_uniform()) {
            (Dither::None, _) => 0.0,
            (_, Some(uniform)) => uniform.step(),
            (_, None) => return Err(Error::invalid("dither", "on", "none for a quantizer whose steps differ in size")),
        };
        let designer = match (&options.shaper, quantizer.as_uniform()) {
            (Some(Shaper::Adaptive(spec)), Some(_)) => Some(Arc::new(Designer::new(spec)?)),
            (Some(Shaper::Adaptive(_)), None) => {
                let allowed = "a fixed filter for a quantizer whose steps differ in size";
                return Err(Error::invalid("noise shaper", "adaptive", allowed));
            }
            _ => None,
        };
        let granular_region = quantizer.granular_region();
        let (channels, counts) = (Vec::new(), Counts::default());
        Ok(Self { quantizer, options, step, granular_region, designer, channels, counts })
    }

    /// Samples per channel that should be shown before those that are processed: 0 unless the shaper is adaptive.
    pub fn look_ahead(&self) -> usize {
        if self.designer.is_some() { AdaptiveSpec::LOOK_AHEAD } else { 0 }
    }

    /// Shows an adaptive shaper samples of a channel before they come to [`process`](Self::process), in order and each
    /// once, [`look_ahead`](Self::look_ahead) samples in advance; zeros after the end. Later the last filter holds; before the
    /// first the noise is white. Without an adaptive shaper nothing happens.
    pub fn show_ahead(&mut self, channel: usize, x: &[f64]) {
        if self.designer.is_some() {
            self.add_channels(channel);
            if let Channel::Uniform(shaper) = &mut self.channels[channel] {
                shaper.show_ahead(x);
            }
        }
    }

    /// The quantizer inside.
    pub fn quantizer(&self) -> &Arc<dyn Quantizer> {
        &self.quantizer
    }

    /// Samples clipped and NaN so far, over all channels.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Quantizes samples of one channel.
    ///
    /// - `channel`: from 0; each has its own dither and its own shaper
    /// - `first_sample_index`: place of `x[0]` in the channel, the dither's counter. With a shaper, blocks of a channel
    ///   come in order.
    /// - `x`: input, full scale as the quantizer's; infinities clip, NaN counts as 0
    /// - `indices`, `y`: indices and reconstruction, as many as inputs
    ///
    /// # Panics
    /// When the slices differ in length.
    pub fn process(&mut self, channel: usize, first_sample_index: u64, x: &[f64], indices: &mut [i32], y: &mut [f64]) {
        assert!(x.len() == indices.len() && x.len() == y.len(), "input and outputs have one length");
        let source = DitherSource::new(self.options.dither, self.options.seed, channel as u32);
        let blocks = x.chunks(BLOCK).zip(indices.chunks_mut(BLOCK)).zip(y.chunks_mut(BLOCK));
        let mut at = first_sample_index;
        let mut dither = [0.0; BLOCK];
        for ((x, indices), y) in blocks {
            let dither = &mut dither[..x.len()];
            if self.options.dither != Dither::None {
                source.fill(at, dither);
            }
            let block = ChainBlock { x, dither, indices, y };
            match self.options.shaper {
                None => self.plain_block(block),
                Some(_) => self.shaped_block(channel, block),
            }
            at = at.wrapping_add(x.len() as u64);
        }
    }

    /// Lets every channel forget its past errors and sets the counts to 0.
    pub fn reset(&mut self) {
        for channel in &mut self.channels {
            match channel {
                Channel::Uniform(shaper) => shaper.reset(),
                Channel::General(shaper) => shaper.reset(),
            }
        }
        self.counts = Counts::default();
    }

    fn plain_block(&mut self, block: ChainBlock<'_>) {
        let Some(uniform) = self.quantizer.as_uniform() else { return self.undithered_block(block) };
        let ChainBlock { x, dither, indices, y } = block;
        uniform::requantize(Requantize {
            cells: uniform.cells(),
            granular_region: self.granular_region,
            x,
            dither,
            dither_unit: self.step,
            taken_unit: if self.options.dither == Dither::Subtractive { self.step } else { 0.0 },
            indices,
            y,
            n_clipped: &mut self.counts.clipped_samples,
            n_nan: &mut self.counts.nan_samples,
        });
    }

    /// A quantizer that is not uniform has no dither.
    fn undithered_block(&mut self, block: ChainBlock<'_>) {
        let ChainBlock { x, indices, y, .. } = block;
        let (low, high) = self.granular_region;
        let mut known = [0.0; BLOCK];
        let known = &mut known[..x.len()];
        for (known, &x) in known.iter_mut().zip(x) {
            let is_nan = x.is_nan();
            *known = if is_nan { 0.0 } else { x };
            self.counts.nan_samples += u64::from(is_nan);
            self.counts.clipped_samples += u64::from(*known < low || *known > high);
        }
        self.quantizer.index_slice(known, indices);
        self.quantizer.reconstruct_slice(indices, y);
    }

    /// Puts all channels up to `channel` to rest that are not there yet; only with a shaper.
    fn add_channels(&mut self, channel: usize) {
        let Some(shaper) = &self.options.shaper else { return };
        while self.channels.len() <= channel {
            self.channels.push(match (shaper, &self.designer, self.quantizer.as_uniform()) {
                (_, Some(designer), _) => {
                    Channel::Uniform(Box::new(UniformShaper::adaptive(FilterTrack::new(designer))))
                }
                (Shaper::Fixed(filter), None, uniform) => match (uniform, filter.taps_without_poles()) {
                    (Some(_), Some(taps)) => Channel::Uniform(Box::new(UniformShaper::new(taps))),
                    _ => Channel::General(NoiseShaper::new(filter)),
                },
                (Shaper::Adaptive(_), None, _) => unreachable!("an adaptive shaper has a designer"),
            });
        }
    }

    fn shaped_block(&mut self, channel: usize, block: ChainBlock<'_>) {
        self.add_channels(channel);
        self.counts.nan_samples += block.x.iter().filter(|x| x.is_nan()).count() as u64;
        self.counts.clipped_samples += match (&mut self.channels[channel], self.quantizer.as_uniform()) {
            (Channel::Uniform(shaper), Some(uniform)) => shaper.process(uniform, self.options.dither, block),
            (Channel::General(shaper), _) => {
                let taken = if self.options.dither == Dither::Subtractive { self.step } else { 0.0 };
                let around =
                    Around { quantizer: &*self.quantizer, region: self.granular_region, step: self.step, taken };
                around.process(shaper, block)
            }
            (Channel::Uniform(_), None) => unreachable!("a uniform shaper is made for a uniform quantizer"),
        };
    }
}

/// Error feedback around any quantizer, sample by sample.
struct Around<'a> {
    quantizer: &'a dyn Quantizer,
    region: (f64, f64),
    /// Size of the dither's unit, and of what is taken away of it after the decision.
    step: f64,
    taken: f64,
}

impl Around<'_> {
    /// The number of samples clipped.
    fn process(&self, shaper: &mut NoiseShaper, block: ChainBlock<'_>) -> u64 {
        let ChainBlock { x, dither, indices, y } = block;
        let (low, high) = self.region;
        let mut n_clipped = 0;
        for (((&x, &d), index), y) in x.iter().zip(dither).zip(indices).zip(y) {
            let v = if x.is_nan() { 0.0 } else { x } + shaper.correction();
            n_clipped += u64::from(v + d * self.step < low || v + d * self.step > high);
            let v = v.clamp(low, high);
            *index = self.quantizer.index(v + d * self.step);
            *y = self.quantizer.reconstruct(*index) - d * self.taken;
            shaper.push(*y - v);
        }
        n_clipped
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::quantizer::{Codebook, Companding, Compressor, Grid, Uniform};

    fn chain(bits: u32, dither: Dither, feedback: &[f64]) -> Requantizer {
        let shaper = (!feedback.is_empty()).then(|| ErrorFilter::from_feedback(feedback).expect("legal").into());
        let quantizer = Arc::new(Uniform::mid_tread(bits).expect("legal"));
        Requantizer::new(quantizer, RequantizerOptions { dither, shaper, seed: 11 }).expect("uniform")
    }

    fn run(chain: &mut Requantizer, x: &[f64]) -> (Vec<i32>, Vec<f64>) {
        let (mut indices, mut y) = (vec![0; x.len()], vec![0.0; x.len()]);
        chain.process(0, 0, x, &mut indices, &mut y);
        (indices, y)
    }

    /// Mean and variance, in steps, of the error at a constant input `offset` steps above a level.
    fn moments(dither: Dither, offset: f64, n: usize) -> (f64, f64) {
        let step = 1.0 / 128.0;
        let x = vec![(3.0 + offset) * step; n];
        let (_, y) = run(&mut chain(8, dither, &[]), &x);
        let errors: Vec<f64> = y.iter().zip(&x).map(|(y, x)| (y - x) / step).collect();
        let mean = errors.iter().sum::<f64>() / n as f64;
        (mean, errors.iter().map(|e| (e - mean).powi(2)).sum::<f64>() / n as f64)
    }

    #[test]
    fn triangular_dither_totals_a_quarter_step_squared() {
        let n = 1_000_000;
        let x: Vec<f64> = (0..n).map(|i| 0.7 * (0.12345 * f64::from(i)).sin()).collect();
        let (_, y) = run(&mut chain(8, Dither::Triangular, &[]), &x);
        let power = y.iter().zip(&x).map(|(y, x)| ((y - x) * 128.0).powi(2)).sum::<f64>() / f64::from(n);
        let db = 10.0 * power.log10();
        assert!((db + 6.0206).abs() < 0.02, "{db} dB re one step squared");
    }

    #[test]
    fn two_moments_of_the_error_do_not_follow_the_input() {
        let n = 100_000;
        for sixteenth in 0..16 {
            let offset = f64::from(sixteenth) / 16.0;
            for (dither, variance) in
                [(Dither::Triangular, 0.25), (Dither::HighPassTriangular, 0.25), (Dither::Subtractive, 1.0 / 12.0)]
            {
                let (mean, second) = moments(dither, offset, n);
                assert!(mean.abs() < 5.0 * (variance / n as f64).sqrt(), "{dither:?} at {offset}: mean {mean}");
                assert!((second - variance).abs() < 0.02 * variance, "{dither:?} at {offset}: variance {second}");
            }
            // Rectangular dither frees the mean alone: its variance is offset (1 - offset).
            let (mean, second) = moments(Dither::Rectangular, offset, n);
            assert!(mean.abs() < 5.0 * (0.25 / n as f64).sqrt(), "at {offset}: mean {mean}");
            assert!((second - offset * (1.0 - offset)).abs() < 0.005, "at {offset}: variance {second}");
        }
    }

    #[test]
    fn equal_depth_is_bit_exact() {
        let x: Vec<f64> = (-32_768..32_768).map(|code| f64::from(code) / 32_768.0).collect();
        let mut chain = chain(16, Dither::auto(16, 16), &[]);
        let (indices, y) = run(&mut chain, &x);
        assert_eq!(y, x);
        assert!(indices.iter().copied().eq(-32_768..32_768));
        assert_eq!(chain.counts(), Counts::default());
    }

    #[test]
    fn what_clips_and_what_is_no_number_is_counted() {
        let x = [1.0, -1.0, f64::INFINITY, f64::NEG_INFINITY, f64::NAN, 0.5, 1e300];
        for feedback in [&[][..], &[1.5, -0.6]] {
            let mut chain = chain(8, Dither::None, feedback);
            let (indices, y) = run(&mut chain, &x);
            assert_eq!(chain.counts(), Counts { clipped_samples: 4, nan_samples: 1 }, "{feedback:?}");
            assert_eq!((indices[0], indices[2], indices[3], indices[6]), (127, 127, -128, 127));
            assert!(y.iter().all(|y| y.is_finite()));
        }
    }

    /// Shaped error power is the white error's times the sum of squares of the NTF's impulse response.
    #[test]
    fn shaped_noise_has_the_power_of_its_filter() {
        let feedback = [2.033, -2.165, 1.959, -1.590, 0.6149];
        let x: Vec<f64> = (0..200_000).map(|i| 0.4 * (0.01 * f64::from(i)).sin()).collect();
        let (_, y) = run(&mut chain(12, Dither::Triangular, &feedback), &x);
        let power = y.iter().zip(&x).map(|(y, x)| ((y - x) * 2_048.0).powi(2)).sum::<f64>() / x.len() as f64;
        let expected = 0.25 * (1.0 + feedback.iter().map(|c| c * c).sum::<f64>());
        assert!((power / expected - 1.0).abs() < 0.02, "{power} against {expected}");
    }

    /// After any overload the next samples err no more than the filter makes of bounded errors.
    #[test]
    fn the_loop_recovers_from_overload_at_once() {
        let feedback = [2.033, -2.165, 1.959, -1.590, 0.6149];
        let bound = 1.5 / 128.0 * (1.0 + feedback.iter().map(|c: &f64| c.abs()).sum::<f64>());
        let mut x = vec![0.0; 3_000];
        for (i, x) in x[..1_500].iter_mut().enumerate() {
            *x = if i % 40 < 20 { 5.0 } else { f64::NEG_INFINITY };
        }
        let (_, y) = run(&mut chain(8, Dither::Triangular, &feedback), &x);
        assert!(y[1_500..].iter().all(|y| y.abs() <= bound));
    }

    #[test]
    fn shaping_works_around_any_quantizer_and_dither_only_around_uniform_ones() {
        let mu_law = Companding::new(Compressor::MU_LAW, Grid::MidRise, 256).expect("legal");
        let table = Codebook::from_levels((-20..=20).map(|i| f64::from(i).powi(3) / 8_000.0).collect()).expect("legal");
        let quantizers: [Arc<dyn Quantizer>; 2] = [Arc::new(mu_law), Arc::new(table)];
        for quantizer in quantizers {
            let shaper = Some(ErrorFilter::from_feedback(&[1.0]).expect("legal").into());
            let mut chain = Requantizer::new(quantizer.clone(), RequantizerOptions { shaper, ..Default::default() })
                .expect("no dither");
            let x = vec![0.011; 10_000];
            let (_, y) = run(&mut chain, &x);
            // First-order shaping keeps the sum of errors bounded: the mean is right.
            assert!((y.iter().sum::<f64>() / 10_000.0 - 0.011).abs() < 1e-4);
            let dithered = RequantizerOptions { dither: Dither::Triangular, ..Default::default() };
            assert!(matches!(Requantizer::new(quantizer, dithered), Err(Error::InvalidParameter { .. })));
        }
    }

    /// The loop in steps and the general loop are two programs for one system.
    #[test]
    fn fast_and_general_loop_agree() {
        // Zeros of the NTF inside the unit circle: differences in rounding die out instead of growing.
        let tap = |k: i32| 0.25 * (-0.7f64).powi(k);
        for (order, grid) in
            [(1, Grid::MidTread), (4, Grid::MidRise), (9, Grid::MidTread), (20, Grid::MidRise), (64, Grid::MidTread)]
        {
            let feedback: Vec<f64> = (0..order).map(tap).collect();
            let filter = ErrorFilter::from_feedback(&feedback).expect("legal");
            let quantizer = Uniform::new(grid, 4_096, 1.0).expect("legal");
            for dither in Dither::ALL {
                let x: Vec<f64> = (0..4_000).map(|i| 1.02 * (0.01 * f64::from(i)).sin()).collect();
                let shaper = Some(filter.clone().into());
                let mut fast =
                    Requantizer::new(Arc::new(quantizer.clone()), RequantizerOptions { dither, shaper, seed: 4 })
                        .expect("uniform");
                let (indices, y) = run(&mut fast, &x);
                let mut noise = vec![0.0; x.len()];
                DitherSource::new(dither, 4, 0).fill(0, &mut noise);
                let taken = if dither == Dither::Subtractive { quantizer.step() } else { 0.0 };
                let region = quantizer.granular_region();
                let around = Around { quantizer: &quantizer, region, step: quantizer.step(), taken };
                let (mut expected, mut levels) = (vec![0; x.len()], vec![0.0; x.len()]);
                let block = ChainBlock { x: &x, dither: &noise, indices: &mut expected, y: &mut levels };
                let clipped = around.process(&mut NoiseShaper::new(&filter), block);
                assert!(indices == expected, "order {order}, {grid:?}, {dither:?}");
                assert!(y.iter().zip(&levels).all(|(a, b)| (a - b).abs() < 1e-15));
                assert_eq!(fast.counts().clipped_samples, clipped);
                assert!(clipped > 0);
            }
        }
    }

    /// The definition of the chain without a shaper, sample by sample.
    fn slow(uniform: &Uniform, dither: Dither, x: &[f64]) -> (Vec<i32>, Vec<f64>, Counts) {
        let source = DitherSource::new(dither, 11, 0);
        let (low, high) = uniform.granular_region();
        let mut counts = Counts::default();
        let decide = |(place, &x): (u64, &f64)| {
            let d = source.value(place) * uniform.step();
            let decided = if x.is_nan() { 0.0 } else { x } + d;
            counts.nan_samples += u64::from(x.is_nan());
            counts.clipped_samples += u64::from(!(low..=high).contains(&decided));
            let index = uniform.index(decided);
            let taken = if dither == Dither::Subtractive { d } else { 0.0 };
            (index, uniform.reconstruct(index) - taken)
        };
        let (indices, y) = (0..).zip(x).map(decide).unzip();
        (indices, y, counts)
    }

    proptest! {
        #[test]
        fn blocks_without_a_shaper_are_those_of_the_definition(
            n_levels in 2u64..=1 << 32, rise in any::<bool>(), kind in 0usize..6, full_scale in 0.01f64..9.0,
            anything in proptest::collection::vec(any::<f64>(), 700), steps in proptest::collection::vec(-99i32..99, 700),
        ) {
            let grid = if rise { Grid::MidRise } else { Grid::MidTread };
            let uniform = Uniform::new(grid, n_levels, full_scale).expect("legal");
            // Half steps lie on thresholds.
            let mut x: Vec<f64> = steps.iter().map(|&n| 0.5 * f64::from(n) * uniform.step()).collect();
            x.extend(anything);
            x.extend([f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0, full_scale, -full_scale]);
            let options = RequantizerOptions { dither: Dither::ALL[kind], shaper: None, seed: 11 };
            let mut chain = Requantizer::new(Arc::new(uniform.clone()), options).expect("uniform");
            let (indices, y) = run(&mut chain, &x);
            let (expected, levels, counts) = slow(&uniform, Dither::ALL[kind], &x);
            prop_assert_eq!(indices, expected);
            prop_assert!(y.iter().zip(&levels).all(|(a, b)| a.to_bits() == b.to_bits()));
            prop_assert_eq!(chain.counts(), counts);
        }

        #[test]
        fn blocks_may_be_split_anywhere(
            kind in 0usize..6, shaped in any::<bool>(), cut in 0usize..1_500, start in any::<u64>(), bits in 2u32..25,
        ) {
            let feedback: &[f64] = if shaped { &[1.2, -0.5] } else { &[] };
            let x: Vec<f64> = (0..1_500).map(|i| 0.9 * (0.3 * f64::from(i)).sin()).collect();
            let (mut indices, mut y) = (vec![0; x.len()], vec![0.0; x.len()]);
            let mut whole = chain(bits, Dither::ALL[kind], feedback);
            whole.process(1, start, &x, &mut indices, &mut y);
            let (mut parts, mut values) = (vec![0; x.len()], vec![0.0; x.len()]);
            let mut split = chain(bits, Dither::ALL[kind], feedback);
            split.process(1, start, &x[..cut], &mut parts[..cut], &mut values[..cut]);
            split.process(1, start.wrapping_add(cut as u64), &x[cut..], &mut parts[cut..], &mut values[cut..]);
            prop_assert_eq!(&indices, &parts);
            prop_assert_eq!(&y, &values);
            prop_assert_eq!(whole.counts(), split.counts());
        }
    }
}
