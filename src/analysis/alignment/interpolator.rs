//! Samples between samples: a windowed sinc from a table.
//!
//! ```text
//! y(t) = sum_k y[k] c sinc(c (t - k)) w(t - k)        c = 1, or less where the rate falls
//! ```
//!
//! Source: J. O. Smith, P. Gossett, "A flexible sampling-rate conversion method", Proc. ICASSP 1984.

use std::f64::consts::PI;

use crate::analysis::window::bessel_i0;

/// Fractions in the table; between two the taps are interpolated linearly, which errs by `(2 pi f / PHASES)^2 / 8`:
/// less than -118 dB.
const PHASES: usize = 1_024;
/// Kaiser parameter: 110 dB. With 64 samples each side the band is flat to 0.472 of the rate.
const BETA: f64 = 11.2;

/// Interpolates between samples.
#[derive(Debug, Clone)]
pub struct Interpolator {
    /// Samples each side of an interpolated point.
    half: usize,
    table: Vec<f64>,
    taps: Vec<f64>,
}

impl Interpolator {
    /// An interpolator of `2 half` taps.
    pub fn new(half: usize) -> Self {
        Self::with_cutoff(half, 1.0)
    }

    /// One that also keeps only what lies below `cutoff` times half the rate, 0 to 1.
    pub fn with_cutoff(half: usize, cutoff: f64) -> Self {
        let row = |p: usize| {
            let fraction = p as f64 / PHASES as f64;
            (0..2 * half).map(move |k| tap(fraction - (k as f64 - (half as f64 - 1.0)), half as f64, cutoff))
        };
        Self { half, table: (0..=PHASES).flat_map(row).collect(), taps: vec![0.0; 2 * half] }
    }

    /// Samples before an interpolated point that it depends on, itself included; as many lie after it.
    pub fn half(&self) -> usize {
        self.half
    }

    /// First of the samples that the point at `t` depends on.
    pub fn first(&self, t: f64) -> i64 {
        t.floor() as i64 - (self.half as i64 - 1)
    }

    /// Turns to the fraction of `t`; then [`at`](Self::at) reads.
    pub fn turn_to(&mut self, t: f64) {
        let phase = (t - t.floor()) * PHASES as f64;
        let row = (phase as usize).min(PHASES - 1);
        let (part, n) = (phase - row as f64, self.taps.len());
        let (low, high) = self.table[row * n..(row + 2) * n].split_at(n);
        for ((tap, low), high) in self.taps.iter_mut().zip(low).zip(high) {
            *tap = low + part * (high - low);
        }
    }

    /// The value between samples: `y` begins at [`first`](Self::first) of the point.
    pub fn at(&self, y: &[f64]) -> f64 {
        dot(&self.taps, &y[..self.taps.len()])
    }
}

fn tap(t: f64, half: f64, cutoff: f64) -> f64 {
    let (u, phase) = (t / half, PI * cutoff * t);
    let sinc = if phase == 0.0 { 1.0 } else { phase.sin() / phase };
    cutoff * sinc * bessel_i0(BETA * (1.0 - u * u).max(0.0).sqrt()) / bessel_i0(BETA)
}

/// `sum a[i] b[i]` in eight sums side by side: the compiler may not reorder one.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; 8];
    for (a, b) in a.chunks_exact(8).zip(b.chunks_exact(8)) {
        for (sum, (a, b)) in sums.iter_mut().zip(a.iter().zip(b)) {
            *sum += a * b;
        }
    }
    sums.iter().sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    /// The largest error in dB below a sine of `frequency` cycles per sample, at fractions all over.
    fn worst_db(interpolator: &mut Interpolator, frequency: f64, expected: f64) -> f64 {
        let y: Vec<f64> = (0..600).map(|i| (TAU * frequency * f64::from(i)).sin()).collect();
        let worst = (0..3_000).map(|i| {
            let t = 200.0 + 0.057_31 * f64::from(i);
            interpolator.turn_to(t);
            let got = interpolator.at(&y[interpolator.first(t) as usize..]);
            (got - expected * (TAU * frequency * t).sin()).abs()
        });
        20.0 * worst.fold(0.0, f64::max).log10()
    }

    #[test]
    fn the_error_is_below_100_db_to_0_47_of_the_rate() {
        let mut interpolator = Interpolator::new(64);
        for frequency in [0.001, 0.1, 0.25, 0.4, 0.45, 0.47] {
            let db = worst_db(&mut interpolator, frequency, 1.0);
            assert!(db < -105.0, "{frequency}: {db} dB");
        }
    }

    #[test]
    fn whole_places_give_the_samples() {
        let mut interpolator = Interpolator::new(16);
        interpolator.turn_to(40.0);
        let y: Vec<f64> = (0..80).map(|i| f64::from(i * i % 17)).collect();
        assert!((interpolator.at(&y[interpolator.first(40.0) as usize..]) - y[40]).abs() < 1e-12);
    }

    #[test]
    fn a_lower_rate_keeps_what_it_can_carry() {
        let mut interpolator = Interpolator::with_cutoff(128, 0.5);
        assert!(worst_db(&mut interpolator, 0.2, 1.0) < -100.0);
        assert!(worst_db(&mut interpolator, 0.3, 0.0) < -100.0);
    }
}
