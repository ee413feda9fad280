//! One method at one setting: builds it for the signal, and measures it.

use super::{Excerpt, Point};
use crate::design::draws::shuffled_quantiles;
use crate::design::rate_distortion::RateDistortion;
use crate::design::{Samples, dependent, entropy_bits, entropy_constrained, optimal_partition, snr_db};
use crate::quantizer::packet::{PacketDecoder, PacketEncoder, Scheme};
use crate::quantizer::{Companding, Compressor, Grid, Quantizer, Training, TrellisCoded, Uniform, VectorCodebook};
use crate::recipe::NamedMethod;

/// Quantiles that methods with a memory code.
const N_DRAWS: usize = 40_000;
/// Methods with a memory stop here: beyond, they gain what they gain at this rate.
const MEMORY_BITS: u32 = 6;
/// Vectors stop here: beyond, 256 codes name single samples.
const VECTOR_BITS: u32 = 4;
/// States of the trellises.
const N_STATES: usize = 8;
/// Orders of the draws to measure with, and of those to learn vectors from.
const MEASURED: u64 = 1;
const LEARNT: u64 = 2;

/// The signal and what it is measured against.
pub(super) struct Bench<'a> {
    samples: &'a Samples,
    draws: Vec<f64>,
    bound: &'a RateDistortion,
    excerpt: Option<Excerpt<'a>>,
}

/// A method built for the signal, and its figures.
struct Built {
    quantizer: Kind,
    rate_bits: f64,
    snr_db: f64,
}

enum Kind {
    /// Sample by sample.
    Scalar(Box<dyn Quantizer>),
    /// In packets.
    Coded(Scheme),
}

impl<'a> Bench<'a> {
    pub(super) fn new(samples: &'a Samples, bound: &'a RateDistortion, excerpt: Option<Excerpt<'a>>) -> Self {
        Self { samples, draws: shuffled_quantiles(samples, N_DRAWS, MEASURED), bound, excerpt }
    }

    /// A method at a setting; none where it has no such setting for this signal.
    pub(super) fn point(&self, method: NamedMethod, bits: u32) -> Option<Point> {
        let built = self.build(method, bits)?;
        let noise_db = self.excerpt.map(|excerpt| {
            let y = built.quantizer.reconstructed(excerpt.samples);
            let error: Vec<f64> = excerpt.samples.iter().zip(&y).map(|(x, y)| y - x).collect();
            (excerpt.level_db)(&error)
        });
        let Built { rate_bits, snr_db, .. } = built;
        let gap_db = self.bound.snr_db(rate_bits) - snr_db;
        Some(Point { method, bits, rate_bits, snr_db, gap_db, noise_db })
    }

    fn build(&self, method: NamedMethod, bits: u32) -> Option<Built> {
        match method {
            NamedMethod::Uniform | NamedMethod::EntropyCoded => {
                Some(self.scalar(Uniform::mid_tread(bits).ok()?, method, bits))
            }
            NamedMethod::MidRise => Some(self.scalar(Uniform::mid_rise(bits).ok()?, method, bits)),
            NamedMethod::MuLaw => Some(self.scalar(companding(Compressor::MU_LAW, bits)?, method, bits)),
            NamedMethod::ALaw => Some(self.scalar(companding(Compressor::A_LAW, bits)?, method, bits)),
            NamedMethod::LloydMax => {
                let design = optimal_partition::optimal(self.samples, 1 << bits).ok()?;
                let quantizer = Kind::Scalar(Box::new(design.codebook().ok()?));
                Some(Built { quantizer, rate_bits: f64::from(bits), snr_db: design.snr_db })
            }
            NamedMethod::EntropyConstrained => {
                let design = entropy_constrained::for_samples(self.samples, f64::from(bits)).ok()?;
                let quantizer = Kind::Scalar(Box::new(design.codebook().ok()?));
                Some(Built { quantizer, rate_bits: design.entropy_bits, snr_db: design.snr_db })
            }
            NamedMethod::Trellis if bits <= MEMORY_BITS => self.trellis_coded(bits),
            NamedMethod::Dependent if bits <= MEMORY_BITS => {
                let design = dependent::for_samples(self.samples, N_STATES, f64::from(bits)).ok()?;
                let quantizer = Kind::Coded(Scheme::Dependent(Box::new(design.quantizer)));
                Some(Built { quantizer, rate_bits: design.rate_bits, snr_db: design.snr_db })
            }
            NamedMethod::Vector if bits <= VECTOR_BITS => self.vector(bits),
            NamedMethod::Trellis | NamedMethod::Dependent | NamedMethod::Vector => None,
        }
    }

    /// Exact over the distribution.
    fn scalar(&self, quantizer: impl Quantizer + 'static, method: NamedMethod, bits: u32) -> Built {
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
        let rate_bits = match super::is_entropy_coded(method) {
            true => entropy_bits(counts.values().map(|n| n / total)),
            false => f64::from(bits),
        };
        Built { quantizer: Kind::Scalar(Box::new(quantizer)), rate_bits, snr_db: snr_db(power, error) }
    }

    /// Levels of Lloyd-Max with a bit more.
    fn trellis_coded(&self, bits: u32) -> Option<Built> {
        let levels = optimal_partition::optimal(self.samples, 2 << bits).ok()?.levels;
        Some(self.coded(Scheme::Trellis(TrellisCoded::new(N_STATES, levels).ok()?), bits))
    }

    /// Learnt from draws in another order, so that what is measured is not what was learnt by heart.
    fn vector(&self, bits: u32) -> Option<Built> {
        let (dimension, n_vectors, training) = Training::of_bits(bits).ok()?;
        let data = shuffled_quantiles(self.samples, n_vectors * dimension, LEARNT);
        Some(self.coded(Scheme::Vector(VectorCodebook::train(dimension, &data, &training).ok()?), bits))
    }

    /// What a scheme of codes of one length does to the draws.
    fn coded(&self, scheme: Scheme, bits: u32) -> Built {
        let quantizer = Kind::Coded(scheme);
        let y = quantizer.reconstructed(&self.draws);
        let power = self.draws.iter().map(|x| x * x).sum();
        let error = self.draws.iter().zip(&y).map(|(x, y)| (y - x) * (y - x)).sum();
        Built { quantizer, rate_bits: f64::from(bits), snr_db: snr_db(power, error) }
    }
}

impl Kind {
    fn reconstructed(&self, x: &[f64]) -> Vec<f64> {
        match self {
            Self::Scalar(quantizer) => x.iter().map(|&x| quantizer.reconstruct(quantizer.index(x))).collect(),
            Self::Coded(scheme) => {
                let mut y = vec![0.0; x.len()];
                let bytes = PacketEncoder::new(scheme.clone()).encode(x);
                PacketDecoder::new(scheme.clone()).decode(&bytes, &mut y);
                y
            }
        }
    }
}

fn companding(compressor: Compressor, bits: u32) -> Option<Companding> {
    Companding::new(compressor, Grid::MidRise, 1 << bits).ok()
}
