//! Every method at every rate on one signal: what each pays, what it gets, and which to take.
//!
//! Figures are of samples as independent draws. Scalar methods are evaluated exactly on the distribution, those with a
//! memory on its quantiles in random order; the rate of dependent quantization is that of bytes really written. What the
//! order of samples does is asked of an [`Excerpt`] of the signal itself.

mod bench;

use crate::{
    Error, Result,
    design::{Samples, rate_distortion::RateDistortion},
    parallel,
    recipe::{Depth, DitherChoice, Law, NamedMethod, Recipe, Word},
    shaping::Dither,
};
use bench::Bench;

/// Most bits a sweep goes to.
pub const MAX_BITS: u32 = 16;
/// Samples of an [`Excerpt`]: enough for a noise level that stands still.
pub const EXCERPT_SAMPLES: usize = 1 << 17;

/// The methods that are tried, in the order of the table.
pub const METHODS: [NamedMethod; 10] = [
    NamedMethod::Uniform,
    NamedMethod::MidRise,
    NamedMethod::MuLaw,
    NamedMethod::ALaw,
    NamedMethod::LloydMax,
    NamedMethod::Trellis,
    NamedMethod::EntropyCoded,
    NamedMethod::EntropyConstrained,
    NamedMethod::Dependent,
    NamedMethod::Vector,
];

/// True when the rate is that of variable-length codes.
pub fn is_entropy_coded(method: NamedMethod) -> bool {
    matches!(method, NamedMethod::EntropyCoded | NamedMethod::EntropyConstrained | NamedMethod::Dependent)
}

/// What a method does at one setting.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// How it quantizes.
    pub method: NamedMethod,
    /// The bit depth or rate it was set to.
    pub bits: u32,
    /// What it costs, bits a sample.
    pub rate_bits: f64,
    /// Signal power over error power, dB; infinite without error.
    pub snr_db: f64,
    /// dB below R(D) at this rate.
    pub gap_db: f64,
    /// What [`Excerpt::level_db`] says of the error on the excerpt; none without one.
    pub noise_db: Option<f64>,
}

impl Point {
    /// The recipe that does it.
    pub fn recipe(&self) -> Recipe {
        let depth = if self.method.takes_rate() { Depth::Rate(self.bits.into()) } else { Depth::Bits(self.bits) };
        // With 8 bits the plain words mean G.711.
        let law = (self.method.is_companding() && self.bits == 8).then_some(Law::Continuous);
        let dither = match self.method {
            NamedMethod::Uniform | NamedMethod::MidRise => Dither::None.into(),
            _ => DitherChoice::Auto,
        };
        Recipe { depth: Some(depth), law, dither, ..Recipe::new(self.method) }
    }
}

/// A stretch of the signal in its own order, for figures that depend on it: how loud the error is, above all.
#[derive(Clone, Copy)]
pub struct Excerpt<'a> {
    /// Samples, full scale 1.0.
    pub samples: &'a [f64],
    /// The level of an error signal of that length, dB.
    pub level_db: &'a (dyn Fn(&[f64]) -> f64 + Sync),
}

impl std::fmt::Debug for Excerpt<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Excerpt").field("n_samples", &self.samples.len()).finish_non_exhaustive()
    }
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
/// ```
/// use sqnr::{design::Samples, task::sweep};
///
/// let ramp: Vec<f64> = (0..1_000).map(|i| f64::from(i) / 500.0 - 1.0).collect();
/// let found = sweep::run(&Samples::new(&ramp)?, 2, None)?;
/// // No method passes Shannon's bound.
/// assert!(found.points.iter().all(|point| point.snr_db <= found.bound.snr_db(point.rate_bits) + 0.1));
/// # Ok::<(), sqnr::Error>(())
/// ```
///
/// # Errors
/// `InvalidParameter` unless `max_bits` is 1 to 16; `NoResult` when all samples are equal.
pub fn run(samples: &Samples, max_bits: u32, excerpt: Option<Excerpt>) -> Result<Sweep> {
    if !(1..=MAX_BITS).contains(&max_bits) {
        return Err(Error::invalid("bits of a sweep", max_bits, format!("1 to {MAX_BITS}")));
    }
    let bound = RateDistortion::of_samples(samples)?;
    let bench = Bench::new(samples, &bound, excerpt);
    let tasks: Vec<(NamedMethod, u32)> =
        METHODS.into_iter().flat_map(|method| (1..=max_bits).map(move |bits| (method, bits))).collect();
    let points = parallel::map(&tasks, |&(method, bits)| bench.point(method, bits)).into_iter().flatten().collect();
    Ok(Sweep { points, bound })
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
    pub fn recommend(&self, wish: &Requirement, is_available: impl Fn(NamedMethod) -> bool) -> Result<Point> {
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
                    method.word()
                );
                Error::NoResult { what }
            })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use super::*;

    fn power(x: &[f64]) -> f64 {
        x.iter().map(|x| x * x).sum::<f64>() / x.len() as f64
    }

    /// A Laplacian of standard deviation 0.1 by its quantiles.
    static SWEEP: LazyLock<Sweep> = LazyLock::new(|| {
        let n = 20_000;
        let quantile = |u: f64| if u < 0.5 { (2.0 * u).ln() } else { -(2.0 - 2.0 * u).ln() };
        let x: Vec<f64> = (0..n).map(|i| 0.0707 * quantile((f64::from(i) + 0.5) / f64::from(n))).collect();
        let excerpt = Excerpt { samples: &x[..2_000], level_db: &|error| 10.0 * power(error).log10() };
        run(&Samples::new(&x).expect("legal"), 4, Some(excerpt)).expect("legal")
    });

    #[test]
    fn no_method_passes_the_bound_and_the_order_is_that_of_theory() {
        let sweep = &*SWEEP;
        for p in &sweep.points {
            assert!(p.gap_db > -0.1, "{p:?} is above R(D)");
        }
        let snr = |method, bits| {
            let found = sweep.points.iter().find(|p| p.method == method && p.bits == bits);
            found.unwrap_or_else(|| panic!("{method:?} at {bits}")).snr_db
        };
        for bits in 2..=4 {
            assert!(snr(NamedMethod::LloydMax, bits) > snr(NamedMethod::Uniform, bits));
            assert!(snr(NamedMethod::Trellis, bits) > snr(NamedMethod::LloydMax, bits) + 0.4);
            assert!(snr(NamedMethod::EntropyConstrained, bits) > snr(NamedMethod::LloydMax, bits));
        }
        // Vectors of independent draws gain what their cells gain, without entropy coding.
        assert!(
            snr(NamedMethod::Vector, 1) > snr(NamedMethod::LloydMax, 1)
                && snr(NamedMethod::Vector, 2) > snr(NamedMethod::LloydMax, 2)
        );
        let gap = |method| sweep.points.iter().filter(|p| p.method == method).map(|p| p.gap_db).fold(0.0, f64::max);
        assert!(gap(NamedMethod::Dependent) < 0.6, "{}", gap(NamedMethod::Dependent));
        assert!(gap(NamedMethod::EntropyConstrained) < 1.56, "{}", gap(NamedMethod::EntropyConstrained));
    }

    #[test]
    fn noise_is_measured_on_the_excerpt() {
        for p in &SWEEP.points {
            let noise_db = p.noise_db.expect("there is an excerpt");
            // The least quantiles in order: as loud as their own quantization, well under full scale.
            assert!(noise_db < 0.0, "{p:?}");
        }
        let finest = |bits: u32| {
            let points = SWEEP.points.iter().filter(|p| p.method == NamedMethod::LloydMax && p.bits == bits);
            points.map(|p| p.noise_db.expect("an excerpt")).fold(0.0, f64::min)
        };
        assert!(finest(4) < finest(1) - 9.0, "{} {}", finest(4), finest(1));
    }

    #[test]
    fn recommendations_keep_to_the_wish() {
        let sweep = &*SWEEP;
        let wish = Requirement { target_snr_db: Some(15.0), ..Requirement::default() };
        let all = sweep.recommend(&wish, |_| true).expect("within 4 bits");
        assert!(all.snr_db >= 15.0 && is_entropy_coded(all.method), "{all:?}");
        let fixed = sweep.recommend(&wish, |m| !is_entropy_coded(m)).expect("within 4 bits");
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
        let front = SWEEP.pareto_front();
        assert!(front.len() > 3);
        assert!(front.windows(2).all(|p| p[0].rate_bits <= p[1].rate_bits && p[0].snr_db < p[1].snr_db));
    }

    #[test]
    fn constants_and_odd_depths_are_refused() {
        let flat = Samples::new(&[0.5; 10]).expect("legal");
        assert!(matches!(run(&flat, 8, None), Err(Error::NoResult { .. })));
        assert!(run(&flat, 0, None).is_err() && run(&flat, 17, None).is_err());
    }
}
