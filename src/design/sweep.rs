//! Every method at every rate on one signal: what each pays, what it gets, and which to take.
//!
//! Figures are of samples as independent draws. Scalar methods are evaluated exactly on the distribution, those with a
//! memory on its quantiles in random order; the rate of dependent quantization is that of bytes really written.

use super::rate_distortion::RateDistortion;
use super::samples::Samples;
use super::{entropy_bits, entropy_constrained, optimal_partition, snr_db};
use crate::quantizer::dependent::{self, DependentQuantizer};
use crate::quantizer::{Companding, Compressor, Grid, Quantizer, TrellisCoded, Uniform};
use crate::range_coder::Encoder;
use crate::{Error, Result};

/// Most bits a sweep goes to.
pub const MAX_BITS: u32 = 16;
/// Quantiles that methods with a memory code.
const N_DRAWS: usize = 40_000;
/// Methods with a memory stop here: beyond, they gain what they gain at this rate.
const MEMORY_BITS: u32 = 6;
/// States of the trellises.
const N_STATES: usize = 8;
/// Learning rounds of dependent quantization, from each start.
const ROUNDS: usize = 4;

/// A way to quantize.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Method {
    /// Mid-tread over [-1, 1), every code as long.
    Uniform,
    /// Mid-rise over [-1, 1).
    MidRise,
    /// mu-law, mu = 255.
    MuLaw,
    /// A-law, A = 87.6.
    ALaw,
    /// The optimum for this signal at this number of levels.
    LloydMax,
    /// Trellis-coded at a fixed rate, 8 states, twice the levels of Lloyd-Max.
    TrellisCoded,
    /// Mid-tread, indices entropy coded.
    UniformEntropyCoded,
    /// The least error at this entropy of the index.
    EntropyConstrained,
    /// Dependent quantization, 8 states, indices range coded.
    Dependent,
}

impl Method {
    /// Every method.
    pub const ALL: [Self; 9] = [
        Self::Uniform,
        Self::MidRise,
        Self::MuLaw,
        Self::ALaw,
        Self::LloydMax,
        Self::TrellisCoded,
        Self::UniformEntropyCoded,
        Self::EntropyConstrained,
        Self::Dependent,
    ];

    /// The name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Uniform => "uniform",
            Self::MidRise => "mid-rise",
            Self::MuLaw => "mu-law",
            Self::ALaw => "a-law",
            Self::LloydMax => "lloyd-max",
            Self::TrellisCoded => "trellis-coded",
            Self::UniformEntropyCoded => "uniform, entropy coded",
            Self::EntropyConstrained => "entropy-constrained",
            Self::Dependent => "dependent, range coded",
        }
    }

    /// True when the rate is that of variable-length codes.
    pub fn is_entropy_coded(self) -> bool {
        matches!(self, Self::UniformEntropyCoded | Self::EntropyConstrained | Self::Dependent)
    }

    fn has_memory(self) -> bool {
        matches!(self, Self::TrellisCoded | Self::Dependent)
    }
}

/// What a method does at one setting.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// How it quantizes.
    pub method: Method,
    /// The bit depth or rate it was set to.
    pub bits: u32,
    /// What it costs, bits a sample.
    pub rate_bits: f64,
    /// Signal power over error power, dB; infinite without error.
    pub snr_db: f64,
    /// dB below R(D) at this rate.
    pub gap_db: f64,
}

/// The result of a sweep.
#[derive(Debug, Clone, PartialEq)]
pub struct Sweep {
    /// Every method at every bit depth it has.
    pub points: Vec<Point>,
    /// The bound.
    pub bound: RateDistortion,
}

/// What the user needs; without any wish the highest SNR wins.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Requirement {
    /// Least SNR, dB.
    pub target_snr_db: Option<f64>,
    /// Greatest bit depth or setting.
    pub max_bits: Option<u32>,
    /// Greatest rate, bits a sample.
    pub max_rate_bits: Option<f64>,
}

/// Tries every method at 1 to `max_bits` bits.
///
/// `samples` is the whole signal's distribution, full scale 1.0.
///
/// # Errors
/// `InvalidParameter` unless `max_bits` is 1 to 16; `NoResult` when all samples are equal.
pub fn run(samples: &Samples, max_bits: u32) -> Result<Sweep> {
    if !(1..=MAX_BITS).contains(&max_bits) {
        return Err(Error::invalid("bits of a sweep", max_bits, format!("1 to {MAX_BITS}")));
    }
    let bound = RateDistortion::of_samples(samples)?;
    let draws = shuffled_quantiles(samples);
    let bench = Bench { samples, draws: &draws, bound: &bound };
    let tasks: Vec<(Method, u32)> =
        Method::ALL.into_iter().flat_map(|method| (1..=max_bits).map(move |bits| (method, bits))).collect();
    let points = map(&tasks, |&(method, bits)| bench.point(method, bits)).into_iter().flatten().collect();
    Ok(Sweep { points, bound })
}

#[cfg(feature = "parallel")]
fn map<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync + Send) -> Vec<R> {
    use rayon::prelude::*;
    items.par_iter().map(work).collect()
}

#[cfg(not(feature = "parallel"))]
fn map<T, R>(items: &[T], work: impl Fn(&T) -> R) -> Vec<R> {
    items.iter().map(work).collect()
}

impl Sweep {
    /// The points that no other point beats in both rate and SNR, by ascending rate.
    pub fn pareto_front(&self) -> Vec<Point> {
        let mut sorted = self.points.clone();
        sorted.sort_by(|a, b| a.rate_bits.total_cmp(&b.rate_bits).then(b.snr_db.total_cmp(&a.snr_db)));
        let mut best = f64::NEG_INFINITY;
        sorted.retain(|p| {
            let is_better = p.snr_db > best;
            best = best.max(p.snr_db);
            is_better
        });
        sorted
    }

    /// The cheapest point that satisfies the requirement, or, without a target SNR, the best one within the limits, among
    /// those `is_available` admits.
    ///
    /// # Errors
    /// `NoResult` when none does; it names the nearest.
    pub fn recommend(&self, wish: &Requirement, is_available: impl Fn(Method) -> bool) -> Result<Point> {
        let within = |p: &&Point| {
            is_available(p.method)
                && wish.max_bits.is_none_or(|most| p.bits <= most && p.rate_bits <= f64::from(most) + 1e-9)
                && wish.max_rate_bits.is_none_or(|most| p.rate_bits <= most + 1e-9)
        };
        let allowed: Vec<&Point> = self.points.iter().filter(within).collect();
        let best =
            allowed.iter().max_by(|a, b| a.snr_db.total_cmp(&b.snr_db).then(b.rate_bits.total_cmp(&a.rate_bits)));
        let Some(&&best) = best else {
            return Err(Error::NoResult { what: "no method has so low a rate; the sweep starts at 1 bit".into() });
        };
        let Some(target) = wish.target_snr_db else { return Ok(best) };
        let enough = allowed.iter().filter(|p| p.snr_db >= target);
        enough
            .min_by(|a, b| a.rate_bits.total_cmp(&b.rate_bits).then(b.snr_db.total_cmp(&a.snr_db)))
            .map(|p| **p)
            .ok_or_else(|| {
                let Point { method, rate_bits, snr_db, .. } = best;
                let what = format!(
                    "nothing within the limits reaches {target} dB; {} at {rate_bits:.2} bits reaches {snr_db:.2} dB",
                    method.name()
                );
                Error::NoResult { what }
            })
    }
}

/// The signal and what it is measured against.
struct Bench<'a> {
    samples: &'a Samples,
    draws: &'a [f64],
    bound: &'a RateDistortion,
}

impl Bench<'_> {
    /// A method at a setting; none where it has no such setting for this signal.
    fn point(&self, method: Method, bits: u32) -> Option<Point> {
        if method.has_memory() && bits > MEMORY_BITS {
            return None;
        }
        let (rate_bits, snr_db) = match method {
            Method::Uniform | Method::UniformEntropyCoded => self.scalar(&Uniform::mid_tread(bits).ok()?, method, bits),
            Method::MidRise => self.scalar(&Uniform::mid_rise(bits).ok()?, method, bits),
            Method::MuLaw => self.scalar(&companding(Compressor::MU_LAW, bits)?, method, bits),
            Method::ALaw => self.scalar(&companding(Compressor::A_LAW, bits)?, method, bits),
            Method::LloydMax => {
                let design = optimal_partition::optimal(self.samples, 1 << bits).ok()?;
                (f64::from(bits), design.snr_db)
            }
            Method::EntropyConstrained => {
                let design = entropy_constrained::for_samples(self.samples, f64::from(bits)).ok()?;
                (design.entropy_bits, design.snr_db)
            }
            Method::TrellisCoded => self.trellis_coded(bits)?,
            Method::Dependent => self.dependent(bits)?,
        };
        let gap_db = self.bound.snr_db(rate_bits) - snr_db;
        Some(Point { method, bits, rate_bits, snr_db, gap_db })
    }

    /// Exact over the distribution.
    fn scalar(&self, quantizer: &dyn Quantizer, method: Method, bits: u32) -> (f64, f64) {
        let (mut power, mut error) = (0.0, 0.0);
        let mut counts = std::collections::BTreeMap::new();
        for (&x, &w) in self.samples.values().iter().zip(self.samples.weights()) {
            let index = quantizer.index(x);
            let e = quantizer.reconstruct(index) - x;
            power += w * x * x;
            error += w * e * e;
            *counts.entry(index).or_insert(0.0) += w;
        }
        let total = self.samples.total();
        let rate = match method.is_entropy_coded() {
            true => entropy_bits(counts.values().map(|n| n / total)),
            false => f64::from(bits),
        };
        (rate, snr_db(power, error))
    }

    /// Levels of Lloyd-Max with a bit more.
    fn trellis_coded(&self, bits: u32) -> Option<(f64, f64)> {
        let levels = optimal_partition::optimal(self.samples, 2 << bits).ok()?.levels;
        let quantizer = TrellisCoded::new(N_STATES, levels).ok()?;
        let (mut codes, mut y) = (vec![0; self.draws.len()], vec![0.0; self.draws.len()]);
        quantizer.encode(self.draws, &mut codes);
        quantizer.decode(&codes, &mut y);
        Some((f64::from(bits), self.draws_snr_db(&y)))
    }

    /// Step and price where the gap to R(D) of Gaussian and Laplacian sources was least (example `ladder`): 2 sqrt(D) and 0.36
    /// from 1.5 bits on, 1.4 sqrt(D) and 0.85 below, D being that of R(D).
    fn dependent(&self, bits: u32) -> Option<(f64, f64)> {
        let distortion = self.samples.power() * 10f64.powf(-0.1 * self.bound.snr_db(f64::from(bits)));
        let (steps, price) = if bits >= 2 { (2.0, 0.36) } else { (1.4, 0.85) };
        let mut quantizer = DependentQuantizer::new(N_STATES, steps * distortion.sqrt(), price).ok()?;
        let (mut indices, mut y) = (vec![0; self.draws.len()], vec![0.0; self.draws.len()]);
        quantizer.quantize_learning(self.draws, &mut indices, ROUNDS);
        let mut encoder = Encoder::new(Vec::new());
        dependent::code(quantizer.trellis(), &mut encoder, &mut indices);
        let rate = 8.0 * encoder.finish().len() as f64 / indices.len() as f64;
        dependent::reconstruct(quantizer.trellis(), quantizer.step, &quantizer.levels, &indices, &mut y);
        Some((rate, self.draws_snr_db(&y)))
    }

    fn draws_snr_db(&self, y: &[f64]) -> f64 {
        let power = self.draws.iter().map(|x| x * x).sum();
        let error = self.draws.iter().zip(y).map(|(x, y)| (y - x) * (y - x)).sum();
        snr_db(power, error)
    }
}

/// Equally probable quantiles of the distribution, shuffled (Fisher and Yates) by a fixed seed.
fn shuffled_quantiles(samples: &Samples) -> Vec<f64> {
    let each = samples.total() / N_DRAWS as f64;
    let (mut i, mut below) = (0, 0.0);
    let mut draws: Vec<f64> = (0..N_DRAWS)
        .map(|n| {
            let target = (n as f64 + 0.5) * each;
            while i + 1 < samples.n_distinct() && below + samples.weights()[i] < target {
                below += samples.weights()[i];
                i += 1;
            }
            samples.values()[i]
        })
        .collect();
    // Knuth's MMIX generator; its upper bits choose.
    let mut state = 1u64;
    for n in (1..draws.len()).rev() {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        draws.swap(n, ((state >> 33) % (n as u64 + 1)) as usize);
    }
    draws
}

fn companding(compressor: Compressor, bits: u32) -> Option<Companding> {
    Companding::new(compressor, Grid::MidRise, 1 << bits).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A Laplacian of standard deviation 0.1 by its quantiles.
    fn sweep() -> Sweep {
        let n = 20_000;
        let quantile = |u: f64| if u < 0.5 { (2.0 * u).ln() } else { -(2.0 - 2.0 * u).ln() };
        let x: Vec<f64> = (0..n).map(|i| 0.0707 * quantile((f64::from(i) + 0.5) / f64::from(n))).collect();
        run(&Samples::new(&x).expect("legal"), 4).expect("legal")
    }

    #[test]
    fn no_method_passes_the_bound_and_the_order_is_that_of_theory() {
        let sweep = sweep();
        for p in &sweep.points {
            assert!(p.gap_db > -0.1, "{p:?} is above R(D)");
        }
        let snr = |method, bits| {
            let found = sweep.points.iter().find(|p| p.method == method && p.bits == bits);
            found.unwrap_or_else(|| panic!("{method:?} at {bits}")).snr_db
        };
        for bits in 2..=4 {
            assert!(snr(Method::LloydMax, bits) > snr(Method::Uniform, bits));
            assert!(snr(Method::TrellisCoded, bits) > snr(Method::LloydMax, bits) + 0.4);
            assert!(snr(Method::EntropyConstrained, bits) > snr(Method::LloydMax, bits));
        }
        let gap = |method| sweep.points.iter().filter(|p| p.method == method).map(|p| p.gap_db).fold(0.0, f64::max);
        assert!(gap(Method::Dependent) < 0.8, "{}", gap(Method::Dependent));
        assert!(gap(Method::EntropyConstrained) < 1.56, "{}", gap(Method::EntropyConstrained));
    }

    #[test]
    fn recommendations_keep_to_the_wish() {
        let sweep = sweep();
        let wish = Requirement { target_snr_db: Some(15.0), ..Requirement::default() };
        let all = sweep.recommend(&wish, |_| true).expect("within 4 bits");
        assert!(all.snr_db >= 15.0 && all.method.is_entropy_coded(), "{all:?}");
        let fixed = sweep.recommend(&wish, |m| !m.is_entropy_coded()).expect("within 4 bits");
        assert!(fixed.snr_db >= 15.0 && fixed.rate_bits >= all.rate_bits);
        let capped = Requirement { max_rate_bits: Some(2.0), ..Requirement::default() };
        let best = sweep.recommend(&capped, |_| true).expect("some");
        assert!(best.rate_bits <= 2.0 + 1e-9);
        let impossible = Requirement { target_snr_db: Some(90.0), ..wish };
        let message = sweep.recommend(&impossible, |_| true).expect_err("4 bits").to_string();
        assert!(message.contains("reaches 90 dB") && message.contains("bits reaches"), "{message}");
    }

    #[test]
    fn the_front_rises() {
        let front = sweep().pareto_front();
        assert!(front.len() > 3);
        assert!(front.windows(2).all(|p| p[0].rate_bits <= p[1].rate_bits && p[0].snr_db < p[1].snr_db));
    }

    #[test]
    fn constants_and_odd_depths_are_refused() {
        let flat = Samples::new(&[0.5; 10]).expect("legal");
        assert!(matches!(run(&flat, 8), Err(Error::NoResult { .. })));
        assert!(run(&flat, 0).is_err() && run(&flat, 17).is_err());
    }
}
