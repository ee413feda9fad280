//! How an input becomes a code: an ideal ladder, levels of its own, or an architecture with its faults.

use std::sync::Arc;

use super::{Spec, Transfer, random::Random};
use crate::{
    Result,
    quantizer::{Companding, Compressor, Grid, Quantizer, Uniform},
};

/// How an input becomes a code.
#[derive(Debug, Clone)]
pub(super) enum Decision {
    /// Transitions at half steps.
    Ideal,
    /// Transition into code k + 1 at place k, steps from mid-scale, ascending.
    Levels(Vec<f64>),
    /// Weights of the bits in steps, most significant first.
    SuccessiveApproximation(Vec<f64>),
    /// Gains of the stages, most significant first; 2 is ideal.
    Pipeline(Vec<f64>),
    /// Any quantizer; its first index is code 0.
    Quantizer(Arc<dyn Quantizer>),
}

impl Decision {
    /// What a checked description asks for; `random` draws mismatches.
    pub(super) fn of(spec: &Spec, random: &mut Random) -> Result<Self> {
        Ok(if spec.has_own_levels() {
            Self::Levels(levels(spec, random))
        } else if spec.sar_mismatch > 0.0 {
            Self::SuccessiveApproximation(weights(spec, random))
        } else if !spec.stage_gain_error.is_empty() {
            let error = |stage: usize| spec.stage_gain_error.get(stage).copied().unwrap_or(0.0);
            Self::Pipeline((0..spec.bits as usize).map(|stage| 2.0 * (1.0 + error(stage))).collect())
        } else {
            Self::of_transfer(spec)?
        })
    }

    fn of_transfer(spec: &Spec) -> Result<Self> {
        let companding = |compressor| Companding::new(compressor, Grid::MidRise, 1 << spec.bits);
        Ok(match spec.quantizer {
            Transfer::MidTread => Self::Ideal,
            Transfer::MidRise => Self::Quantizer(Arc::new(Uniform::mid_rise(spec.bits)?)),
            Transfer::MuLaw => Self::Quantizer(Arc::new(companding(Compressor::Mu(255.0))?)),
            Transfer::ALaw => Self::Quantizer(Arc::new(companding(Compressor::A(87.6))?)),
        })
    }

    /// The code of an input in steps from mid-scale, of a converter with `n_codes` codes.
    pub(super) fn code(&self, lsb: f64, n_codes: usize) -> u32 {
        let last = (n_codes - 1) as f64;
        let half = n_codes as f64 / 2.0;
        match self {
            Self::Ideal => (lsb + half + 0.5).floor().clamp(0.0, last) as u32,
            Self::Levels(levels) => levels.partition_point(|t| *t <= lsb) as u32,
            Self::SuccessiveApproximation(weights) => approximate(weights, lsb + half + 0.5),
            Self::Pipeline(gains) => pipeline(gains, (lsb + 0.5) / half),
            Self::Quantizer(quantizer) => quantizer.index(lsb / half).wrapping_sub(*quantizer.indices().start()) as u32,
        }
    }

    /// The level that a code stands for, in full scales.
    pub(super) fn level(&self, code: u32, n_codes: usize) -> f64 {
        match self {
            Self::Quantizer(quantizer) => quantizer.reconstruct(quantizer.indices().start().wrapping_add(code as i32)),
            _ => 2.0 * f64::from(code) / n_codes as f64 - 1.0,
        }
    }
}

/// Keeps each bit whose weight still fits under the input.
fn approximate(weights: &[f64], input: f64) -> u32 {
    let mut sum = 0.0;
    let mut code = 0;
    for weight in weights {
        code <<= 1;
        if input >= sum + weight {
            sum += weight;
            code |= 1;
        }
    }
    code
}

/// Each stage decides a sign, and passes on `gain v -+ 1`.
fn pipeline(gains: &[f64], input: f64) -> u32 {
    let mut v = input;
    let mut code = 0;
    for gain in gains {
        let up = v >= 0.0;
        code = (code << 1) | u32::from(up);
        v = gain * v - if up { 1.0 } else { -1.0 };
    }
    code
}

/// Weights of the bits: 2^b unit capacitors each, the whole scaled back to its nominal sum.
fn weights(spec: &Spec, random: &mut Random) -> Vec<f64> {
    let nominal = |b: u32| 2f64.powi(b as i32);
    let mut weights: Vec<f64> =
        (0..spec.bits).rev().map(|b| nominal(b) + spec.sar_mismatch * nominal(b).sqrt() * random.gauss()).collect();
    let scale = (nominal(spec.bits) - 1.0) / weights.iter().sum::<f64>();
    weights.iter_mut().for_each(|w| *w *= scale);
    weights
}

/// Ideal transitions, the table's INL, and a random walk that returns to zero at the last.
fn levels(spec: &Spec, random: &mut Random) -> Vec<f64> {
    let n = (1usize << spec.bits) - 1;
    let half = f64::from(1u32 << (spec.bits - 1));
    let mut walk = Vec::with_capacity(n);
    let mut sum = 0.0;
    for _ in 0..n {
        walk.push(sum);
        sum += spec.dnl_sigma_lsb * random.gauss();
    }
    let end = walk[n - 1];
    let place = |k: usize| k as f64 / (n - 1) as f64;
    let mut levels: Vec<f64> = (0..n)
        .map(|k| k as f64 + 0.5 - half + interpolated(&spec.inl_lsb, place(k)) + walk[k] - end * place(k))
        .collect();
    // A width below zero is a missing code.
    for k in 1..n {
        levels[k] = levels[k].max(levels[k - 1]);
    }
    levels
}

/// The table at a place from 0 to 1.
fn interpolated(table: &[f64], place: f64) -> f64 {
    if table.is_empty() {
        return 0.0;
    }
    let position = place * (table.len() - 1) as f64;
    let i = (position as usize).min(table.len().saturating_sub(2));
    table[i] + (position - i as f64) * (table[i + 1] - table[i])
}
