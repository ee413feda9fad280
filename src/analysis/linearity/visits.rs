//! Which values a stimulus visited, how densely, and with how much noise: what turns counts of codes into transitions.
//!
//! Values run from -1 to 1, the ends of the stimulus.

use std::f64::consts::{PI, TAU};

use super::{super::figure::Absent, stimulus::Stimulus};
use crate::analysis::{sine_fit, sinusoids::turn, tone::find_tone};

/// Samples that the noise is estimated from.
const MAX_FOR_NOISE: usize = 1 << 18;
/// Visited values each side of a transition whose distances tell the density there.
const NEIGHBOURS: usize = 8;
/// Samples between two of a ramp that tell its slope.
const RAMP_LAG: usize = 64;
/// A ramp whose neighbours differ by this part of its span is no ramp: its values come in random order.
const RANDOM_SHARE: f64 = 1.0 / 16.0;

/// The values that a stimulus visited.
#[derive(Debug, Clone, PartialEq)]
pub struct Visits {
    order: Order,
    noise_lsb: f64,
    /// Largest gap between two phases of the sine, turns; 0 where it is not known.
    phase_gap: f64,
}

#[derive(Debug, Clone, PartialEq)]
enum Order {
    /// A sine, its phases even.
    Sine,
    /// All values equally often, one after the other, with so much between two of them; 0: they are even over one sweep.
    Ramp { gap: f64 },
    /// All values equally often, in random order.
    Random,
    /// These values, ascending.
    Sorted(Vec<f64>),
}

/// The stimulus at a transition.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Visit {
    pub value: f64,
    /// Samples per unit of value.
    pub density: f64,
    /// Square of what lies between two visited values, and variance of the value from a random order.
    pub gap_squared: f64,
    pub random_variance: f64,
}

impl Visits {
    /// Those of a stimulus without noise whose phases are even.
    pub fn even(stimulus: Stimulus) -> Self {
        let order = match stimulus {
            Stimulus::Sine { .. } => Order::Sine,
            Stimulus::Ramp { .. } => Order::Ramp { gap: 0.0 },
        };
        Self { order, noise_lsb: 0.0, phase_gap: 0.0 }
    }

    /// Those of the sine in `x`, codes of `n_levels` levels over full scale 1.0; even ones where no sine is found.
    pub fn of_sine(x: &[f64], n_levels: usize) -> Self {
        let fit = find_tone(x).ok().and_then(|cycles| sine_fit::fit(x, cycles).ok());
        let Some(fit) = fit else { return Self::even(Stimulus::Sine { amplitude_lsb: None }) };
        let phase_turns = fit.phase_rad / TAU;
        let phase = |n: usize| {
            let turns = turn(fit.cycles_per_sample, n as f64) + phase_turns;
            turns - turns.floor()
        };
        let mut values: Vec<f64> = (0..x.len()).map(|n| (TAU * phase(n)).cos()).collect();
        values.sort_unstable_by(f64::total_cmp);
        Self {
            order: Order::Sorted(values),
            noise_lsb: noise_of_sine(&x[..x.len().min(MAX_FOR_NOISE)], n_levels, phase),
            phase_gap: largest_phase_gap(fit.cycles_per_sample, x.len()),
        }
    }

    /// Those of the ramp, or whatever visits all values equally often, in `x`, codes of `n_levels` levels.
    pub fn of_ramp(x: &[f64], n_levels: usize) -> Self {
        let lsb = n_levels as f64 / 2.0;
        let (low, high) = ends(x);
        let span = (high - low) * lsb;
        let inside = |pair: &(f64, f64)| [pair.0, pair.1].iter().all(|v| *v > low && *v < high);
        let mean_change = |lag: usize| {
            let pairs = x.iter().copied().zip(x.iter().skip(lag).copied()).filter(inside);
            // A sawtooth starts anew: that change tells neither slope nor noise.
            let changes = pairs.map(|(a, b)| lsb * (b - a).abs()).filter(|change| *change < span / 2.0);
            let (sum, n) = changes.fold((0.0, 0usize), |(sum, n), change| (sum + change, n + 1));
            sum / n.max(1) as f64
        };
        let slope = mean_change(RAMP_LAG) / RAMP_LAG as f64;
        let noise_lsb = noise_beside_slope(mean_change(1), slope);
        match noise_lsb < RANDOM_SHARE * span {
            true => Self { order: Order::Ramp { gap: 2.0 * slope / span }, noise_lsb, phase_gap: 0.0 },
            false => Self { order: Order::Random, noise_lsb: 0.0, phase_gap: 0.0 },
        }
    }

    /// RMS of the noise at the transitions, steps.
    pub fn noise_lsb(&self) -> f64 {
        self.noise_lsb
    }

    /// The stimulus where `share` of its `total` samples lie below.
    pub(super) fn at(&self, share: f64, total: f64) -> Visit {
        match &self.order {
            Order::Sine => {
                let density = total / (PI * (PI * share).sin());
                Visit::even(-(PI * share).cos(), density)
            }
            Order::Ramp { gap } => {
                // Sweeps that repeat may visit the same values: then the gap is that of one.
                let visit = Visit::even(2.0 * share - 1.0, total / 2.0);
                Visit { gap_squared: visit.gap_squared.max(gap * gap), ..visit }
            }
            Order::Random => {
                let visit = Visit::even(2.0 * share - 1.0, total / 2.0);
                Visit { gap_squared: 0.0, random_variance: 4.0 * share * (1.0 - share) / total, ..visit }
            }
            Order::Sorted(values) => among(values, share, total),
        }
    }

    /// Whether values come in random order, so that nothing tells their noise.
    pub(super) fn is_random(&self) -> bool {
        self.order == Order::Random
    }

    /// Whether noise rounds off the ends of the stimulus as those of a sine.
    pub(super) fn is_sine(&self) -> bool {
        matches!(self.order, Order::Sine | Order::Sorted(_))
    }

    /// Refuses a sine of `amplitude_lsb` steps that passes over codes between two of its phases.
    pub(super) fn check_phases(&self, amplitude_lsb: f64) -> Result<(), Absent> {
        let steepest = TAU * amplitude_lsb;
        let gap_lsb = steepest * self.phase_gap;
        // Noise of half a gap visits all that lies in it.
        if gap_lsb <= 1.0 || self.noise_lsb >= 0.5 * gap_lsb {
            return Ok(());
        }
        let n_phases = (1.0 / self.phase_gap).round() as u64;
        Err(Absent::TooFewPhases { n_phases, needed: steepest.ceil() as u64 })
    }
}

impl Visit {
    fn even(value: f64, density: f64) -> Self {
        // The values of the two slopes of a sine lie anyhow to one another: the mean square of their gaps is twice the
        // square of the mean.
        Self { value, density, gap_squared: 2.0 / (density * density), random_variance: 0.0 }
    }
}

/// The place where `share` of the sorted values lie below.
fn among(values: &[f64], share: f64, total: f64) -> Visit {
    let last = values.len() - 1;
    let place = ((share * values.len() as f64).round() as usize).clamp(1, last);
    let around = &values[place.saturating_sub(NEIGHBOURS)..=(place + NEIGHBOURS).min(last)];
    let (mut squares, mut cubes, mut width) = (0.0, 0.0, 0.0);
    for pair in around.windows(2) {
        let gap = pair[1] - pair[0];
        width += gap;
        squares += gap * gap;
        cubes += gap * gap * gap;
    }
    let per_value = (around.len() - 1) as f64 / width.max(f64::MIN_POSITIVE);
    // A transition lies in a gap as probably as the gap is wide.
    let gap_squared = if squares > 0.0 { cubes / width } else { 0.0 };
    let value = 0.5 * (values[place - 1] + values[place]);
    Visit { value, density: per_value * total / values.len() as f64, gap_squared, random_variance: 0.0 }
}

fn ends(x: &[f64]) -> (f64, f64) {
    x.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), &v| (low.min(v), high.max(v)))
}

/// RMS noise in steps from the changes between samples that are neighbours in phase.
fn noise_of_sine(x: &[f64], n_levels: usize, phase: impl Fn(usize) -> f64) -> f64 {
    let lsb = n_levels as f64 / 2.0;
    let (low, high) = ends(x);
    let mut by_phase: Vec<(f64, f64)> = x.iter().enumerate().map(|(n, &v)| (phase(n), v)).collect();
    by_phase.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let (mut slope, mut change, mut n) = (0.0, 0.0, 0usize);
    // Samples in the end codes say nothing: whatever lies beyond reads the same there.
    let inside = |pair: &&[(f64, f64)]| pair.iter().all(|(_, v)| *v > low && *v < high);
    for pair in by_phase.windows(2).filter(inside) {
        let difference = lsb * (pair[1].1 - pair[0].1);
        // The cosine falls in the first half of its turn.
        slope += if pair[0].0 < 0.5 { -difference } else { difference };
        change += difference.abs();
        n += 1;
    }
    noise_beside_slope(change / n.max(1) as f64, slope / n.max(1) as f64)
}

/// RMS of the noise of one sample, of which two differ by `change` on average where the stimulus differs by `slope`.
///
/// Two values with noise s each differ by `2 s / sqrt pi` on average; with a slope about `sqrt(slope^2 + 4 s^2 / pi)`, which
/// is exact where one of both is small. Steps of codes do not matter: on average over the places of the transitions the
/// codes differ as much as the values.
fn noise_beside_slope(change: f64, slope: f64) -> f64 {
    (PI / 4.0 * (change * change - slope * slope).max(0.0)).sqrt()
}

/// The largest gap between the phases `n f` of n = 0 .. N - 1, in turns, from the continued fraction of f.
///
/// With `p / q` its convergents and `e = |q f - p|` their errors, N = r q[k] + q[k-1] + s points leave gaps of the lengths
/// `e[k]`, `e[k-1] - r e[k]` and, q[k] - s of them, the sum of both (the three-gap theorem).
///
/// Source: N. B. Slater, "Gaps and steps for the sequence n theta mod 1", 1967.
fn largest_phase_gap(cycles_per_sample: f64, n_samples: usize) -> f64 {
    let n = n_samples as f64;
    // Convergent k - 1 has q = 0, e = 1; convergent 0 has q = 1, e = f.
    let (mut q_before, mut q) = (0.0, 1.0);
    let (mut e_before, mut e) = (1.0, cycles_per_sample);
    loop {
        let quotient = if e > f64::EPSILON * q { (e_before / e).floor() } else { f64::INFINITY };
        let q_next = quotient * q + q_before;
        // Points of this convergent and the last there are; of the next and this there are not.
        if q_next + q > n {
            let rounds = ((n - q_before) / q).floor().max(1.0);
            return (e_before - (rounds - 1.0) * e).max(1.0 / n);
        }
        (e_before, e) = (e, (e_before - quotient * e).max(0.0));
        (q_before, q) = (q, q_next);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The slow twin: sorts the phases.
    fn slow_gap(f: f64, n: usize) -> f64 {
        let mut phases: Vec<f64> = (0..n).map(|i| turn(f, i as f64)).collect();
        phases.sort_unstable_by(f64::total_cmp);
        let around = 1.0 - phases[n - 1] + phases[0];
        phases.windows(2).map(|p| p[1] - p[0]).fold(around, f64::max)
    }

    #[test]
    fn the_largest_gap_is_that_of_sorted_phases() {
        let n = 4096;
        for f in
            [0.1, 1.0 / 48.0, 1001.0 / 4096.0, 0.123_456, 0.02f64.sqrt(), 10.5 / 4096.0, 1000.03 / 48e3, 0.25, 0.4999]
        {
            let (got, want) = (largest_phase_gap(f, n), slow_gap(f, n));
            assert!((got / want - 1.0).abs() < 1e-3, "{f}: {got} {want}");
        }
    }

    #[test]
    fn noise_is_found_beside_the_slope() {
        let mut state = 1u64;
        let mut uniform = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / (1u64 << 53) as f64
        };
        // A sum of twelve has variance 1, and is as good as normal.
        let mut normal = || (0..12).map(|_| uniform()).sum::<f64>() - 6.0;
        for noise in [0.0, 0.3, 2.0] {
            let code = |v: f64, noise: f64| (v + noise).round().clamp(-512.0, 511.0) / 512.0;
            let sine: Vec<f64> = (0..1 << 16)
                .map(|n| code(500.0 * (TAU * turn(0.123_456, f64::from(n))).sin(), noise * normal()))
                .collect();
            let got = Visits::of_sine(&sine, 1024).noise_lsb();
            assert!((got - noise).abs() < 0.03 * noise + 0.08, "sine: {got} {noise}");
            let ramp: Vec<f64> = (0..1 << 16).map(|n| code(f64::from(n) / 64.0 - 512.0, noise * normal())).collect();
            let got = Visits::of_ramp(&ramp, 1024);
            assert!((got.noise_lsb() - noise).abs() < 0.03 * noise + 0.08 && !got.is_random(), "ramp: {got:?} {noise}");
        }
        let shuffled: Vec<f64> = (0..1 << 16).map(|_| (1024.0 * uniform()).floor() / 512.0 - 1.0).collect();
        assert_eq!(Visits::of_ramp(&shuffled, 1024).order, Order::Random);
    }
}
