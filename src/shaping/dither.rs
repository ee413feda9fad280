//! Dither: noise added before the decision, so that the error no longer follows the signal.
//!
//! | kind | density, in steps | total error / step^2 | error independent of the input in |
//! |---|---|---|---|
//! | none | - | 1/12 at best | nothing |
//! | rectangular | uniform on +-1/2 | 1/12 to 1/3 | its mean |
//! | triangular | sum of two of these | 1/4 | mean and variance |
//! | high-pass triangular | difference of two that follow each other | 1/4 | mean and variance |
//! | Gaussian | standard deviation 1/2 | 1/3 | mean and variance, nearly |
//! | subtractive | uniform on +-1/2, taken away after | 1/12 | everything |
//!
//! The noise is a function of (seed, channel, sample index), not of what was computed before: any block split and any
//! number of threads gives the same noise, and any place of a file can be computed alone.
//!
//! Source: S. P. Lipshitz, R. A. Wannamaker, J. Vanderkooy, Quantization and dither: a theoretical survey, J. Audio Eng.
//! Soc. 40 (1992); R. A. Wannamaker, The theory of dithered quantization, thesis, Waterloo (1997). Hash: the two-round
//! multiply-xorshift `lowbias32` of C. Wellons, Prospecting for hash functions (2018), with a key added in both rounds.

use std::{fmt, ops::Range, str::FromStr};

use crate::kernel::dither::each;
use crate::random::mix64;
use crate::{Error, Result};

/// Kinds of dither.
///
/// ```
/// use sqnr::shaping::Dither;
///
/// assert_eq!("tpdf".parse::<Dither>()?, Dither::Triangular);
/// // 24 bits to 16 loses bits, 16 to 24 does not.
/// assert_eq!((Dither::auto(24, 16), Dither::auto(16, 24)), (Dither::Triangular, Dither::None));
/// # Ok::<(), sqnr::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Dither {
    /// No dither.
    #[default]
    None,
    /// Rectangular density, one step wide (RPDF).
    Rectangular,
    /// Triangular density, two steps wide, white (TPDF).
    Triangular,
    /// Triangular density, two steps wide, spectrum rising as 1 - cos(omega).
    HighPassTriangular,
    /// Normal density, standard deviation half a step.
    Gaussian,
    /// Rectangular dither that is taken away again after the decision. The reconstruction is then no level of the
    /// quantizer: a decoder of indices needs seed, channel and sample index.
    Subtractive,
}

impl Dither {
    /// Triangular when going from `bits_in` to fewer `bits_out` loses bits, none when nothing is lost.
    pub fn auto(bits_in: u32, bits_out: u32) -> Self {
        if bits_out < bits_in { Self::Triangular } else { Self::None }
    }

    /// Every kind.
    pub const ALL: [Self; 6] =
        [Self::None, Self::Rectangular, Self::Triangular, Self::HighPassTriangular, Self::Gaussian, Self::Subtractive];

    /// The word for it: `none`, `rpdf`, `tpdf`, `hp-tpdf`, `gaussian` or `subtractive`.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Rectangular => "rpdf",
            Self::Triangular => "tpdf",
            Self::HighPassTriangular => "hp-tpdf",
            Self::Gaussian => "gaussian",
            Self::Subtractive => "subtractive",
        }
    }
}

impl fmt::Display for Dither {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Dither {
    type Err = Error;

    /// The kind of a [`name`](Self::name).
    ///
    /// # Errors
    /// `InvalidParameter` for any other word.
    fn from_str(word: &str) -> Result<Self> {
        let named = Self::ALL.into_iter().find(|kind| kind.name() == word);
        named.ok_or_else(|| Error::invalid("dither", word, Self::ALL.map(Self::name).join(", ")))
    }
}

/// The dither of one channel: a value for every sample index.
///
/// ```
/// use sqnr::shaping::{Dither, DitherSource};
///
/// let source = DitherSource::new(Dither::Triangular, 1, 0);
/// let mut noise = vec![0.0; 10_000];
/// source.fill(0, &mut noise);
/// // Variance 1/6 of a squared step; sample 500 is the same wherever a block begins.
/// let variance = noise.iter().map(|d| d * d).sum::<f64>() / 1e4;
/// assert!((variance - 1.0 / 6.0).abs() < 0.01 && noise[500] == source.value(500));
/// ```
#[derive(Debug, Clone, Copy)]
pub struct DitherSource {
    kind: Dither,
    seed: u64,
    channel: u32,
}

impl DitherSource {
    /// The dither of `kind` for `channel`; different seeds and different channels give unrelated noise.
    pub fn new(kind: Dither, seed: u64, channel: u32) -> Self {
        Self { kind, seed, channel }
    }

    /// What kind it is.
    pub fn kind(&self) -> Dither {
        self.kind
    }

    /// The dither at `sample_index`, in steps.
    pub fn value(&self, sample_index: u64) -> f64 {
        let mut one = [0.0];
        self.fill(sample_index, &mut one);
        one[0]
    }

    /// The dither, in steps, at `first_sample_index` and after. Indices beyond 2^64 - 1 begin again at 0.
    pub fn fill(&self, first_sample_index: u64, dither: &mut [f64]) {
        for (start, place) in epochs(first_sample_index, dither.len()) {
            self.fill_epoch(start, &mut dither[place]);
        }
    }

    fn fill_epoch(&self, start: u64, dither: &mut [f64]) {
        let keys = Keys::new(self.seed, self.channel, (start >> 32) as u32);
        let counter = start as u32;
        match self.kind {
            Dither::None => dither.fill(0.0),
            Dither::Rectangular | Dither::Subtractive => each(dither, counter, |n| f64::from(keys.rectangular(n))),
            Dither::Triangular => each(dither, counter, |n| f64::from(keys.triangular(n))),
            Dither::Gaussian => each(dither, counter, |n| keys.gaussian(n)),
            Dither::HighPassTriangular => {
                each(dither, counter, |n| f64::from(keys.difference(n)));
                // The predecessor of an epoch's first sample belongs to the epoch before.
                if let (0, Some(first)) = (counter, dither.first_mut()) {
                    let before = Keys::new(self.seed, self.channel, (start.wrapping_sub(1) >> 32) as u32);
                    let difference = keys.first.uniform(0) - before.first.uniform(u32::MAX);
                    *first = f64::from(difference as f32 * PER_STEP);
                }
            }
        }
    }
}

/// Cuts `n_samples` samples where the high word of their index changes, since one pair of keys serves the 2^32 indices
/// that share it: the index of each part's first sample, and the part's place.
fn epochs(first_sample_index: u64, n_samples: usize) -> impl Iterator<Item = (u64, Range<usize>)> {
    let mut from = 0;
    std::iter::from_fn(move || {
        let start = first_sample_index.wrapping_add(from as u64);
        let in_epoch = ((1u64 << 32) - u64::from(start as u32)).min((n_samples - from) as u64) as usize;
        let place = from..from + in_epoch;
        from += in_epoch;
        (in_epoch > 0).then_some((start, place))
    })
}

/// Values of a uniform number lie 2^-24 steps apart: their sums and differences are exact in f32.
const PER_STEP: f32 = 1.0 / 16_777_216.0;

/// The keys of the two uniform numbers every sample has.
#[derive(Debug, Clone, Copy)]
struct Keys {
    first: Key,
    second: Key,
}

impl Keys {
    /// `epoch` is the high word of the sample index.
    fn new(seed: u64, channel: u32, epoch: u32) -> Self {
        let stream = mix64(mix64(seed).wrapping_add(u64::from(channel) << 32 | u64::from(epoch)));
        Self { first: Key::new(mix64(stream ^ 1)), second: Key::new(mix64(stream ^ 2)) }
    }

    /// Uniform on +-1/2, symmetric: odd multiples of 2^-25.
    #[inline(always)]
    fn rectangular(&self, counter: u32) -> f32 {
        (2 * self.first.uniform(counter) - 0x00FF_FFFF) as f32 * (0.5 * PER_STEP)
    }

    /// The sum of two uniform numbers, symmetric on +-1: multiples of 2^-24.
    #[inline(always)]
    fn triangular(&self, counter: u32) -> f32 {
        (self.first.uniform(counter) + self.second.uniform(counter) - 0x00FF_FFFF) as f32 * PER_STEP
    }

    #[inline(always)]
    fn difference(&self, counter: u32) -> f32 {
        (self.first.uniform(counter) - self.first.uniform(counter.wrapping_sub(1))) as f32 * PER_STEP
    }

    /// G. E. P. Box, M. E. Muller, A note on the generation of random normal deviates (1958).
    fn gaussian(&self, counter: u32) -> f64 {
        const PER_CIRCLE: f64 = std::f64::consts::TAU / 4_294_967_296.0;
        let radius = (f64::from(self.first.hash(counter)) + 0.5) / 4_294_967_296.0;
        let angle = f64::from(self.second.hash(counter)) * PER_CIRCLE;
        0.5 * (-2.0 * libm::log(radius)).sqrt() * libm::cos(angle)
    }
}

/// The key of one keyed permutation of the 32-bit counters.
#[derive(Debug, Clone, Copy)]
struct Key {
    before: u32,
    between: u32,
}

impl Key {
    fn new(bits: u64) -> Self {
        Self { before: bits as u32, between: (bits >> 32) as u32 }
    }

    #[inline(always)]
    fn hash(self, counter: u32) -> u32 {
        let mut h = counter ^ self.before;
        h = (h ^ (h >> 16)).wrapping_mul(0x7FEB_352D);
        h = (h ^ (h >> 15) ^ self.between).wrapping_mul(0x846C_A68B);
        h ^ (h >> 16)
    }

    /// The upper 24 bits of the hash.
    #[inline(always)]
    fn uniform(self, counter: u32) -> i32 {
        (self.hash(counter) >> 8) as i32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const N: usize = 1 << 18;

    fn noise(kind: Dither, seed: u64, channel: u32) -> Vec<f64> {
        let mut dither = vec![0.0; N];
        DitherSource::new(kind, seed, channel).fill(0, &mut dither);
        dither
    }

    /// Mean of a[n] b[n + lag] over the mean square of a triangular number.
    fn correlation(a: &[f64], b: &[f64], lag: usize) -> f64 {
        let sum: f64 = a.iter().zip(&b[lag..]).map(|(a, b)| a * b).sum();
        6.0 * sum / (a.len() - lag) as f64
    }

    /// Bound of a correlation of unrelated noise: 5 standard deviations.
    fn five_sigma() -> f64 {
        5.0 / (N as f64).sqrt()
    }

    #[test]
    fn variance_and_range_are_those_of_the_density() {
        let expected = [
            (Dither::Rectangular, 1.0 / 12.0, 0.5),
            (Dither::Subtractive, 1.0 / 12.0, 0.5),
            (Dither::Triangular, 1.0 / 6.0, 1.0),
            (Dither::HighPassTriangular, 1.0 / 6.0, 1.0),
            (Dither::Gaussian, 0.25, 3.5),
        ];
        for (kind, variance, peak) in expected {
            let d = noise(kind, 1, 0);
            let mean = d.iter().sum::<f64>() / N as f64;
            let second = d.iter().map(|d| d * d).sum::<f64>() / N as f64;
            assert!(mean.abs() < 5.0 * (variance / N as f64).sqrt(), "{kind:?}: mean {mean}");
            // The fourth moment of none of them exceeds 3 variances squared.
            assert!((second / variance - 1.0).abs() < 5.0 * (2.0 / N as f64).sqrt(), "{kind:?}: variance {second}");
            assert!(d.iter().all(|d| d.abs() < peak), "{kind:?}");
        }
    }

    #[test]
    fn rectangular_numbers_fill_their_range_evenly() {
        let mut counts = [0u32; 256];
        for d in noise(Dither::Rectangular, 3, 0) {
            counts[((d + 0.5) * 256.0) as usize] += 1;
        }
        let expected = N as f64 / 256.0;
        let chi_square: f64 = counts.iter().map(|&c| (f64::from(c) - expected).powi(2) / expected).sum();
        // 255 degrees of freedom: mean 255, standard deviation 22.6.
        assert!((chi_square - 255.0).abs() < 5.0 * 22.6, "{chi_square}");
    }

    #[test]
    fn triangular_noise_is_white_and_its_high_pass_is_not() {
        let white = noise(Dither::Triangular, 7, 0);
        let rising = noise(Dither::HighPassTriangular, 7, 0);
        for lag in 1..64 {
            assert!(correlation(&white, &white, lag).abs() < five_sigma(), "lag {lag}");
            let expected = if lag == 1 { -0.5 } else { 0.0 };
            assert!((correlation(&rising, &rising, lag) - expected).abs() < five_sigma(), "lag {lag}");
        }
    }

    #[test]
    fn channels_and_seeds_are_unrelated() {
        let left = noise(Dither::Triangular, 7, 0);
        for other in [noise(Dither::Triangular, 7, 1), noise(Dither::Triangular, 8, 0), noise(Dither::Triangular, 8, 1)]
        {
            for lag in 0..32 {
                assert!(correlation(&left, &other, lag).abs() < five_sigma(), "lag {lag}");
                assert!(correlation(&other, &left, lag).abs() < five_sigma(), "lag -{lag}");
            }
        }
    }

    /// Seed, channel, sample index; triangular in 2^-24 step, rectangular in 2^-25 step. Made by a second program (Python).
    #[test]
    fn the_noise_is_the_same_in_every_version() {
        let pinned = [
            (0, 0, 0, -2_758_108.0, -1_046_203.0),
            (0, 0, 1, -59_609.0, -10_632_729.0),
            (1, 0, 0, -11_419_040.0, -16_087_645.0),
            (0, 1, 0, 186_022.0, 3_196_093.0),
            (42, 3, (5 << 32) + 7, 10_360_917.0, 10_734_259.0),
        ];
        for (seed, channel, index, triangular, rectangular) in pinned {
            let value = |kind| DitherSource::new(kind, seed, channel).value(index) * 16_777_216.0;
            assert_eq!((value(Dither::Triangular), 2.0 * value(Dither::Rectangular)), (triangular, rectangular));
        }
    }

    #[test]
    fn any_split_gives_the_same_noise() {
        let kinds = [Dither::Rectangular, Dither::Triangular, Dither::HighPassTriangular, Dither::Gaussian];
        for (kind, start) in kinds.into_iter().zip([0, (1 << 32) - 5, (7 << 32) - 1, u64::MAX - 3]) {
            let source = DitherSource::new(kind, 5, 2);
            let mut whole = [0.0; 40];
            source.fill(start, &mut whole);
            for (offset, &d) in (0..).zip(&whole) {
                assert_eq!(source.value(start.wrapping_add(offset)), d, "{kind:?} at {offset}");
            }
        }
    }

    /// The high-pass dither is the difference of neighbours of one uniform stream, also from one epoch to the next.
    #[test]
    fn high_pass_dither_telescopes_across_epochs() {
        let start = (1u64 << 32) - 8;
        let mut difference = [0.0; 16];
        DitherSource::new(Dither::HighPassTriangular, 9, 1).fill(start, &mut difference);
        let rectangular = DitherSource::new(Dither::Rectangular, 9, 1);
        for (index, d) in (start..).zip(difference) {
            assert_eq!(d, rectangular.value(index) - rectangular.value(index - 1));
        }
    }

    #[test]
    fn words_and_kinds_translate() {
        for kind in Dither::ALL {
            assert_eq!(kind.to_string().parse::<Dither>().expect("its own word"), kind);
        }
        assert!(matches!("loud".parse::<Dither>(), Err(Error::InvalidParameter { .. })));
    }

    #[test]
    fn auto_dithers_only_when_bits_are_lost() {
        assert_eq!(Dither::auto(24, 16), Dither::Triangular);
        assert_eq!((Dither::auto(16, 16), Dither::auto(16, 24)), (Dither::None, Dither::None));
    }
}
