//! Dependent quantization at a wanted rate: the step, the levels and the prices for a distribution.
//!
//! With the price of a bit at 0.4 squared steps the gap to R(D) is about least at every rate from 0.5 to 4 bits, for
//! Gaussian and Laplacian sources alike; the step alone sets the rate. It is searched for: a bit a sample is a factor of
//! two of the step, nearly.

use super::draws::shuffled_quantiles;
use super::entropy_constrained_samples::check_rate;
use super::rate_distortion::RateDistortion;
use super::{Samples, snr_db};
use crate::quantizer::dependent::{self, DependentQuantizer};
use crate::range_coder::Encoder;
use crate::{Error, Result};

/// Price of a bit in squared steps.
const PRICE: f64 = 0.4;
/// Step over the square root of the error at R(D), where the search begins.
const STEPS: f64 = 1.87;
/// Quantiles that are coded to measure the rate.
const N_DRAWS: usize = 40_000;
/// Learning rounds at each step tried.
const ROUNDS: usize = 4;
/// Steps tried at most, and how close below the wanted rate is close enough.
const MAX_TRIALS: usize = 10;
const TOLERANCE: f64 = 0.005;

/// A quantizer that has learnt its levels and prices, and what it does to draws of the source.
#[derive(Debug, Clone)]
pub struct DependentDesign {
    /// The quantizer.
    pub quantizer: DependentQuantizer,
    /// Bits a sample of bytes really written, models learnt on the way.
    pub rate_bits: f64,
    /// Signal power over error power, dB; infinite without error.
    pub snr_db: f64,
}

/// The dependent quantizer of `n_states` states whose coded bytes take at most `rate_bits` a sample, and nearly those.
///
/// ```
/// use sqnr::design::{Samples, dependent};
///
/// let ramp: Vec<f64> = (0..2_000).map(|i| f64::from(i) / 1_000.0 - 1.0).collect();
/// let design = dependent::for_samples(&Samples::new(&ramp)?, 8, 2.0)?;
/// assert!((design.rate_bits - 2.0).abs() < 0.05 && design.snr_db > 11.0);
/// # Ok::<(), sqnr::Error>(())
/// ```
///
/// # Errors
/// `InvalidParameter` when the rate is not above 0 or exceeds the entropy of the samples themselves, or as
/// [`crate::quantizer::trellis::Trellis::new`]; `NoResult` when no step has so low a rate.
pub fn for_samples(samples: &Samples, n_states: usize, rate_bits: f64) -> Result<DependentDesign> {
    check_rate(samples, rate_bits)?;
    let bound = RateDistortion::of_samples(samples)?;
    let distortion = samples.power() * 10f64.powf(-0.1 * bound.snr_db(rate_bits));
    let draws = shuffled_quantiles(samples, N_DRAWS, 1);
    let mut best: Option<DependentDesign> = None;
    // log2 of steps: the greatest with too high a rate, the least without.
    let (mut fine, mut coarse) = (f64::NEG_INFINITY, f64::INFINITY);
    let mut at = (STEPS * distortion.sqrt()).log2();
    for _ in 0..MAX_TRIALS {
        let trial = DependentDesign::of_draws(&draws, n_states, at.exp2())?;
        let excess = trial.rate_bits - rate_bits;
        if excess > 0.0 {
            fine = at;
        } else {
            coarse = at;
            if best.as_ref().is_none_or(|best| best.rate_bits < trial.rate_bits) {
                best = Some(trial);
            }
            if -excess <= TOLERANCE * rate_bits {
                break;
            }
        }
        // Aims at the middle of what is close enough.
        let guess = at + (excess + 0.5 * TOLERANCE * rate_bits).clamp(-1.0, 1.0);
        at = if fine < guess && guess < coarse { guess } else { 0.5 * (fine + coarse) };
    }
    best.ok_or_else(|| Error::NoResult { what: format!("no step of dependent quantization has {rate_bits} bits") })
}

impl DependentDesign {
    fn of_draws(draws: &[f64], n_states: usize, step: f64) -> Result<Self> {
        let mut quantizer = DependentQuantizer::new(n_states, step, PRICE)?;
        let (mut indices, mut y) = (vec![0; draws.len()], vec![0.0; draws.len()]);
        quantizer.quantize_learning(draws, &mut indices, ROUNDS);
        let mut encoder = Encoder::new(Vec::new());
        dependent::code(quantizer.trellis(), &mut encoder, &mut indices);
        let rate_bits = 8.0 * encoder.finish().len() as f64 / indices.len() as f64;
        dependent::reconstruct(quantizer.trellis(), quantizer.step, &quantizer.levels, &indices, &mut y);
        let power = draws.iter().map(|x| x * x).sum();
        let error = draws.iter().zip(&y).map(|(x, y)| (y - x) * (y - x)).sum();
        Ok(Self { quantizer, rate_bits, snr_db: snr_db(power, error) })
    }
}

#[cfg(test)]
mod tests {
    use super::super::Density;
    use super::*;

    #[test]
    fn rates_are_kept_and_gaps_small() {
        for (density, rate_bits, most_db) in [
            (Density::Laplacian, 1.0, 0.42),
            (Density::Laplacian, 3.0, 0.56),
            (Density::Gaussian, 0.5, 0.47),
            (Density::Gaussian, 2.0, 0.50),
        ] {
            let samples = Samples::of_density(density, 4096);
            let design = for_samples(&samples, 8, rate_bits).expect("legal");
            let gap = RateDistortion::of_density(density).snr_db(design.rate_bits) - design.snr_db;
            println!("{} {rate_bits}: {} bits, {gap} dB", density.name(), design.rate_bits);
            assert!(design.rate_bits <= rate_bits && design.rate_bits > 0.99 * rate_bits, "{}", design.rate_bits);
            assert!(gap < most_db, "{} at {rate_bits} bits: {gap} dB", density.name());
        }
    }

    #[test]
    fn rates_that_do_not_exist_are_refused_with_those_that_do() {
        let samples = Samples::new(&[0.0, 1.0, 2.0, 3.0]).expect("legal");
        for rate_bits in [0.0, -1.0, f64::NAN, 2.5] {
            let error = for_samples(&samples, 8, rate_bits).expect_err("2 bits keep all").to_string();
            assert!(error.contains("at most 2.000000 bits"), "{error}");
        }
        assert!(for_samples(&samples, 5, 1.0).is_err());
        assert!(for_samples(&Samples::new(&[0.5; 9]).expect("legal"), 8, 1.0).is_err());
    }
}
