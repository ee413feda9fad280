//! Transitions between codes, and how well each is known.
//!
//! ```text
//! u_T^2   = g^2 / 12 + s / (sqrt(pi) rho)                            g: gap between visited values, s: noise,
//! u_DNL^2 = 2 g^2 / 12 + min(2 s / sqrt(pi), width) / rho            rho: samples per step
//! ```
//!
//! A transition lies anywhere between two values that were visited. Noise makes the code of a sample near it a matter of
//! chance: p (1 - p) of each, summed over the samples, is `rho s / sqrt(pi)`; of a whole code at most its samples. Noise of a gap's size
//! visits what lies in it, and the first term is gone: `exp(-2 pi^2 s^2 / g^2)` of it is left. In random order all codes
//! are binomial.
//!
//! Source: J. Blair, "Histogram measurement of ADC nonlinearities using sine waves", 1994; IEEE Std 1241-2010, 4.7.

use std::{f64::consts::PI, ops::Range};

use super::visits::{Visit, Visits};

/// Noise reaches so many of its standard deviations across a peak of the stimulus: a transition farther off is known to a
/// tenth of the noise once it is corrected for it.
const REACH: f64 = 4.0;
/// Rounds in which reach and size of a step settle.
const ROUNDS: usize = 4;

/// Transitions into the codes `first_code..`, values of the stimulus from -1 to 1.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Transitions {
    pub first_code: usize,
    pub visits: Vec<Visit>,
    /// Mean step of value from one to the next.
    pub step: f64,
    noise_lsb: f64,
}

impl Transitions {
    /// Those that the noise does not hide, of codes from `first` to `last`; none where less than three are left.
    pub(super) fn of(counts: &[u64], (first, last): (usize, usize), visits: &Visits) -> Option<Self> {
        let total: u64 = counts.iter().sum();
        let total = total as f64;
        let mut below = 0;
        let all = (first..last).map(|code| {
            below += counts[code];
            visits.at(below as f64 / total, total)
        });
        let mut all: Vec<Visit> = all.collect();
        let noise_lsb = visits.noise_lsb();
        let clear = match visits.is_random() {
            true => clear_of_slopes(&counts[first..=last])?,
            false => clear_of_noise(&all, noise_lsb)?,
        };
        let mut inside: Vec<Visit> = all.drain(clear.clone()).collect();
        if visits.is_sine() {
            let noise = noise_lsb * mean_step(&inside);
            undo_noise(&mut inside, noise);
        }
        Some(Self { first_code: first + 1 + clear.start, step: mean_step(&inside), visits: inside, noise_lsb })
    }

    /// Standard uncertainty of transition i, steps.
    pub(super) fn uncertainty(&self, i: usize) -> f64 {
        let visit = self.visits[i];
        let random = visit.random_variance / (self.step * self.step);
        (self.gap_variance(visit) + self.noise_lsb / (PI.sqrt() * self.density(visit)) + random).sqrt()
    }

    /// Standard uncertainty of the width of a code of `width` steps between transitions i and i + 1, steps.
    pub(super) fn width_uncertainty(&self, i: usize, width: f64) -> f64 {
        let [a, b] = [self.visits[i], self.visits[i + 1]];
        (self.gap_variance(a) + self.gap_variance(b) + self.chance_of_width(b, width)).sqrt()
    }

    /// Samples of a coherent sine, or a slow ramp, with which every code's width is known to `half_width` steps with a
    /// coverage factor of 2.
    pub(super) fn samples_for(&self, half_width: f64, total: f64) -> f64 {
        // With r times the samples: 4 (gap / r^2 + chance / r) = half_width^2.
        let times = |visit: &Visit| {
            let gap = 4.0 / (12.0 * self.density(*visit).powi(2));
            let chance = self.chance_of_width(*visit, 1.0);
            let square = half_width * half_width;
            (2.0 * chance + (4.0 * chance * chance + 4.0 * square * gap).sqrt()) / square
        };
        total * self.visits.iter().map(times).fold(0.0, f64::max)
    }

    /// Samples per step.
    fn density(&self, visit: Visit) -> f64 {
        visit.density * self.step
    }

    fn gap_variance(&self, visit: Visit) -> f64 {
        let gap_squared = visit.gap_squared / (self.step * self.step);
        let left = (-2.0 * (PI * self.noise_lsb).powi(2) / gap_squared.max(f64::MIN_POSITIVE)).exp();
        gap_squared / 12.0 * left
    }

    fn chance_of_width(&self, visit: Visit, width: f64) -> f64 {
        let most = width.max(1.0);
        let mean = if visit.random_variance > 0.0 { most } else { (2.0 * self.noise_lsb / PI.sqrt()).min(most) };
        mean / self.density(visit)
    }
}

fn mean_step(visits: &[Visit]) -> f64 {
    (visits[visits.len() - 1].value - visits[0].value) / (visits.len() - 1) as f64
}

/// The transitions out of reach of the noise at the ends of the stimulus.
fn clear_of_noise(all: &[Visit], noise_lsb: f64) -> Option<Range<usize>> {
    let mut clear = 0..all.len();
    for _ in 0..ROUNDS {
        let reach = REACH * noise_lsb * mean_step(&all[clear.clone()]);
        let is_clear = |visit: &Visit| reach == 0.0 || 1.0 - visit.value.abs() > reach;
        clear = all.iter().position(is_clear)?..all.iter().rposition(is_clear)? + 1;
        if clear.len() < 3 {
            return None;
        }
    }
    Some(clear)
}

/// The transitions out of reach of the noise at the ends of values in random order: the counts rise over as many codes as
/// it reaches, half of them before the end of the values.
fn clear_of_slopes(counts: &[u64]) -> Option<Range<usize>> {
    let mut sorted = counts.to_vec();
    let n = sorted.len();
    let half = *sorted.select_nth_unstable(n / 2).1 / 2;
    // A code alone may be narrow: the mean of some decides.
    let width = (n / 8).clamp(1, 5);
    let is_full = |codes: &[u64]| codes.iter().sum::<u64>() > half * width as u64;
    let low = if counts[0] > half { 0 } else { counts.windows(width).position(is_full)? };
    let high = if counts[n - 1] > half { 0 } else { counts.windows(width).rev().position(is_full)? };
    // Twice as far: the slope is as long inside. Transition i lies between codes i and i + 1.
    let clear = 3 * low..(n - 1).saturating_sub(3 * high);
    (clear.len() >= 3).then_some(clear)
}

/// Takes away what noise of `noise` (a value) did to the shares of a sine below each value: F + s^2 F'' / 2 instead of F,
/// with F' = 1 / (pi sqrt(1 - v^2)), moves a transition by `s^2 v / (2 (1 - v^2))` outwards.
fn undo_noise(visits: &mut [Visit], noise: f64) {
    if noise == 0.0 {
        return;
    }
    for visit in visits {
        let v = visit.value;
        visit.value -= 0.5 * noise * noise * v / (1.0 - v * v);
    }
}
