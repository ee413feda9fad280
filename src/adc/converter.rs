//! Runs the model.

use super::{Lane, Spec};
use crate::{Error, Result};

/// Taps each side of the differentiator that moves a sampling instant.
const HALF: usize = 24;

/// A converter ready to run on a signal.
#[derive(Debug, Clone)]
pub struct Converter {
    spec: Spec,
    sample_rate_hz: f64,
    decision: Decision,
    lanes: Vec<Lane>,
}

/// How an input becomes a code.
#[derive(Debug, Clone)]
enum Decision {
    /// Transitions at half steps.
    Ideal,
    /// Transition into code k + 1 at place k, steps from mid-scale, ascending.
    Levels(Vec<f64>),
    /// Weights of the bits in steps, most significant first.
    SuccessiveApproximation(Vec<f64>),
    /// Gains of the stages, most significant first; 2 is ideal.
    Pipeline(Vec<f64>),
}

impl Converter {
    /// A converter as described, sampling at this rate.
    ///
    /// # Errors
    /// Those of [`Spec::check`]; `InvalidParameter` for a rate not above zero.
    pub fn new(spec: Spec, sample_rate_hz: f64) -> Result<Self> {
        spec.check()?;
        if !(sample_rate_hz.is_finite() && sample_rate_hz > 0.0) {
            return Err(Error::invalid("sample rate", sample_rate_hz, "above 0 Hz"));
        }
        let mut random = Random::new(spec.seed, 1);
        let decision = if spec.has_own_levels() {
            Decision::Levels(levels(&spec, &mut random))
        } else if spec.sar_mismatch > 0.0 {
            Decision::SuccessiveApproximation(weights(&spec, &mut random))
        } else if !spec.stage_gain_error.is_empty() {
            let error = |stage: usize| spec.stage_gain_error.get(stage).copied().unwrap_or(0.0);
            Decision::Pipeline((0..spec.bits as usize).map(|stage| 2.0 * (1.0 + error(stage))).collect())
        } else {
            Decision::Ideal
        };
        let lanes = if spec.interleave.is_empty() { vec![Lane::default()] } else { spec.interleave.clone() };
        Ok(Self { spec, sample_rate_hz, decision, lanes })
    }

    /// Number of codes L = 2^bits.
    pub fn n_codes(&self) -> usize {
        1 << self.spec.bits
    }

    /// One step in units of the input.
    pub fn step(&self) -> f64 {
        2.0 * self.spec.full_scale / self.n_codes() as f64
    }

    /// Transitions in steps from mid-scale, the one into code k + 1 at place k, where the model has its own.
    pub fn transitions(&self) -> Option<&[f64]> {
        match &self.decision {
            Decision::Levels(levels) => Some(levels),
            _ => None,
        }
    }

    /// Converts a whole record: codes 0 to L - 1. What is not finite counts as 0.
    ///
    /// The instants are moved to first order, `x(t + d) ~ x(t) + d x'(t)`, good while `2 pi f d` is small.
    pub fn codes(&self, x: &[f64]) -> Vec<u32> {
        let slopes = self.moves_instants().then(|| slopes(x));
        let mut jitter = Random::new(self.spec.seed, 2);
        let mut noise = Random::new(self.spec.seed, 3);
        let samples = x.iter().enumerate().map(|(n, &x)| {
            let lane = self.lanes[n % self.lanes.len()];
            let x = if x.is_finite() { x } else { 0.0 };
            let moved_samples = (lane.skew_s + self.spec.jitter_s * jitter.gauss()) * self.sample_rate_hz;
            let moved = x + slopes.as_ref().map_or(0.0, |s| moved_samples * s[n]);
            let u = self.bent(lane.gain * moved / self.spec.full_scale);
            let lsb = u * self.n_codes() as f64 / 2.0 + lane.offset_lsb + self.spec.noise_lsb * noise.gauss();
            self.decide(lsb)
        });
        samples.collect()
    }

    /// Converts a whole record: the levels that the codes stand for, full scale as in the input.
    pub fn convert(&self, x: &[f64]) -> Vec<f64> {
        let half = self.n_codes() as f64 / 2.0;
        self.codes(x).into_iter().map(|code| (f64::from(code) - half) * self.step()).collect()
    }

    fn moves_instants(&self) -> bool {
        self.spec.jitter_s > 0.0 || self.lanes.iter().any(|l| l.skew_s != 0.0)
    }

    /// `u + p2 u^2 + p3 u^3 + ...`
    fn bent(&self, u: f64) -> f64 {
        u + u * u * self.spec.polynomial.iter().rev().fold(0.0, |sum, p| sum * u + p)
    }

    /// The code of an input in steps from mid-scale.
    fn decide(&self, lsb: f64) -> u32 {
        let last = (self.n_codes() - 1) as f64;
        let half = self.n_codes() as f64 / 2.0;
        match &self.decision {
            Decision::Ideal => (lsb + half + 0.5).floor().clamp(0.0, last) as u32,
            Decision::Levels(levels) => levels.partition_point(|t| *t <= lsb) as u32,
            Decision::SuccessiveApproximation(weights) => approximate(weights, lsb + half + 0.5),
            Decision::Pipeline(gains) => pipeline(gains, (lsb + 0.5) / half),
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

/// Derivative per sample, band-limited: taps `(-1)^k / k` under a Hann window, zeros beyond the ends.
fn slopes(x: &[f64]) -> Vec<f64> {
    let tap = |k: usize| {
        let sign = if k.is_multiple_of(2) { -1.0 } else { 1.0 };
        sign / k as f64 * (0.5 + 0.5 * (std::f64::consts::PI * k as f64 / (HALF + 1) as f64).cos())
    };
    let taps: Vec<f64> = (1..=HALF).map(tap).collect();
    let at = |i: Option<usize>| i.and_then(|i| x.get(i)).copied().filter(|x| x.is_finite()).unwrap_or(0.0);
    let slope = |n: usize| taps.iter().zip(1..).map(|(t, k)| t * (at(n.checked_add(k)) - at(n.checked_sub(k)))).sum();
    (0..x.len()).map(slope).collect()
}

/// Reproducible numbers: splitmix64, and pairs of Gaussian ones by Box and Muller.
#[derive(Debug, Clone)]
struct Random {
    state: u64,
    spare: Option<f64>,
}

impl Random {
    /// Streams of one seed are independent of one another.
    fn new(seed: u64, stream: u64) -> Self {
        let mut random = Self { state: seed, spare: None };
        random.state = random.next().wrapping_add(stream.wrapping_mul(0xD1B5_4A32_D192_ED03));
        random
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.state ^ (self.state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// In (0, 1].
    fn uniform(&mut self) -> f64 {
        ((self.next() >> 11) + 1) as f64 / (1u64 << 53) as f64
    }

    fn gauss(&mut self) -> f64 {
        if let Some(spare) = self.spare.take() {
            return spare;
        }
        let radius = (-2.0 * self.uniform().ln()).sqrt();
        let (s, c) = (std::f64::consts::TAU * self.uniform()).sin_cos();
        self.spare = Some(radius * s);
        radius * c
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
