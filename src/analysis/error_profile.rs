//! The error against the input's value, or against a tone's phase: its mean, spread and extremes bin by bin.
//!
//! ```text
//! dependence of the mean  = variance of the bins' means of e   / variance of e
//! dependence of the power = variance of the bins' means of e^2 / variance of e^2
//! ```
//!
//! Both are correlation ratios, less what independent errors would show by chance: 0 when the error knows nothing of the
//! input, 1 when the input alone decides it. Rectangular dither brings the first to zero, triangular dither both
//! (Lipshitz, Wannamaker, Vanderkooy, "Quantization and dither: a theoretical survey", 1992).
//!
//! Source: K. Pearson, "On the general theory of skew correlation", 1905 (correlation ratio).

use super::{
    figure::{Absent, Entry, Figure, filled},
    sine_fit::SineFit,
    sinusoids::turn,
};
use crate::{Error, Result};

/// Gathers errors by their place on an axis that is cut into equal bins.
///
/// ```
/// use sqnr::analysis::error_profile::ErrorProfile;
///
/// // Rounding to halves: the mean error follows the input.
/// let x: Vec<f64> = (0..1_000).map(|i| f64::from(i) / 1_000.0).collect();
/// let y: Vec<f64> = x.iter().map(|x| (2.0 * x).round() / 2.0).collect();
/// let profile = ErrorProfile::of(&x, &y, 100)?;
/// assert!(profile.mean_dependence().unwrap() > 0.9);
/// # Ok::<(), sqnr::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct ErrorProfile {
    low: f64,
    width: f64,
    bins: Vec<Bin>,
    n_outside: u64,
}

/// The errors of one bin.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bin {
    /// How many.
    pub n: u64,
    /// Sum of e.
    sum: f64,
    /// Sum of e^2.
    squares: f64,
    /// Sum of e^4.
    fourths: f64,
    /// Least error; infinite in an empty bin.
    pub low: f64,
    /// Greatest error; minus infinity in an empty bin.
    pub high: f64,
}

impl Default for Bin {
    fn default() -> Self {
        Self { n: 0, sum: 0.0, squares: 0.0, fourths: 0.0, low: f64::INFINITY, high: f64::NEG_INFINITY }
    }
}

impl Bin {
    /// Mean error; none in an empty bin.
    pub fn mean(&self) -> Option<f64> {
        (self.n > 0).then(|| self.sum / self.n as f64)
    }

    /// Standard deviation of the error; none in an empty bin.
    pub fn deviation(&self) -> Option<f64> {
        self.mean().map(|mean| (self.squares / self.n as f64 - mean * mean).max(0.0).sqrt())
    }

    fn merge(&mut self, other: &Self) {
        self.n += other.n;
        self.sum += other.sum;
        self.squares += other.squares;
        self.fourths += other.fourths;
        self.low = self.low.min(other.low);
        self.high = self.high.max(other.high);
    }

    fn add(&mut self, e: f64) {
        let power = e * e;
        self.n += 1;
        self.sum += e;
        self.squares += power;
        self.fourths += power * power;
        self.low = self.low.min(e);
        self.high = self.high.max(e);
    }
}

/// Most bins.
const MAX_BINS: usize = 1 << 16;
/// Errors beyond this magnitude count as not finite: their fourth powers would leave the range of the sums.
const MAX_MAGNITUDE: f64 = 1e70;

impl ErrorProfile {
    /// An empty profile from `low` to `high`.
    ///
    /// # Errors
    /// `InvalidParameter` for ends that are not finite and ascending, or bins outside 2 to 65536.
    pub fn new(low: f64, high: f64, n_bins: usize) -> Result<Self> {
        if !(low.is_finite() && high.is_finite() && low < high) {
            return Err(Error::invalid("ends of the profile", format!("{low} and {high}"), "finite and ascending"));
        }
        if !(2..=MAX_BINS).contains(&n_bins) {
            return Err(Error::invalid("bins", n_bins, "2 to 65536"));
        }
        Ok(Self { low, width: (high - low) / n_bins as f64, bins: vec![Bin::default(); n_bins], n_outside: 0 })
    }

    /// The profile of a pair by value, from the least to the greatest finite x.
    ///
    /// # Errors
    /// `InvalidParameter` for bins outside 2 to 65536. A reference that is constant has one bin of any width.
    pub fn of(x: &[f64], y: &[f64], n_bins: usize) -> Result<Self> {
        let finite = || x.iter().copied().filter(|x| x.abs() <= MAX_MAGNITUDE);
        let low = finite().fold(f64::INFINITY, f64::min);
        let high = finite().fold(f64::NEG_INFINITY, f64::max);
        let mut profile = if low < high { Self::new(low, high, n_bins) } else { Self::new(-1.0, 1.0, n_bins) }?;
        profile.push_by_value(x, y);
        Ok(profile)
    }

    /// Takes in the errors `y - x`, each at the value x. What is not finite or beyond the ends is counted apart.
    /// Pairs beyond the shorter of the two are ignored.
    pub fn push_by_value(&mut self, x: &[f64], y: &[f64]) {
        x.iter().zip(y).for_each(|(x, y)| self.add(*x, y - x));
    }

    /// Takes in the errors `y - x`, each at the phase of `tone` at its sample, in turns from 0 to 1; the first sample
    /// is that of the fit. The profile must go from 0 to 1.
    pub fn push_by_phase(&mut self, x: &[f64], y: &[f64], tone: &SineFit) {
        let start = tone.phase_rad / std::f64::consts::TAU;
        for (n, (x, y)) in x.iter().zip(y).enumerate() {
            let turns = turn(tone.cycles_per_sample, n as f64) + start;
            self.add(turns - turns.floor(), y - x);
        }
    }

    /// Takes in what another profile of the same bins gathered.
    ///
    /// # Errors
    /// `LengthMismatch` when it has not as many bins.
    pub fn merge(&mut self, other: &Self) -> Result<()> {
        let (expected, got) = (self.bins.len(), other.bins.len());
        if got != expected {
            return Err(Error::LengthMismatch { what: "bins", expected, got });
        }
        self.n_outside += other.n_outside;
        self.bins.iter_mut().zip(&other.bins).for_each(|(bin, other)| bin.merge(other));
        Ok(())
    }

    fn add(&mut self, position: f64, e: f64) {
        let place = (position - self.low) / self.width;
        // The upper end belongs to the last bin.
        let place = if place == self.bins.len() as f64 { place - 1.0 } else { place };
        if place >= 0.0 && place < self.bins.len() as f64 && e.abs() <= MAX_MAGNITUDE {
            self.bins[place as usize].add(e);
        } else {
            self.n_outside += 1;
        }
    }

    /// The bins, ascending.
    pub fn bins(&self) -> &[Bin] {
        &self.bins
    }

    /// Middle of bin `i`.
    pub fn centre(&self, i: usize) -> f64 {
        self.low + (i as f64 + 0.5) * self.width
    }

    /// Pairs left out.
    pub fn n_outside(&self) -> u64 {
        self.n_outside
    }

    /// How much of the error's variance its place explains, 0 to 1.
    pub fn mean_dependence(&self) -> Figure {
        self.dependence(|bin| bin.sum, |bin| bin.squares).map(Dependence::figure)
    }

    /// How much of the variance of the error's power its place explains, 0 to 1.
    pub fn power_dependence(&self) -> Figure {
        self.dependence(|bin| bin.squares, |bin| bin.fourths).map(Dependence::figure)
    }

    /// How the quantity whose sums and sums of squares are given spreads over the bins and within them.
    fn dependence(&self, sum: fn(&Bin) -> f64, squares: fn(&Bin) -> f64) -> std::result::Result<Dependence, Absent> {
        let filled: Vec<&Bin> = self.bins.iter().filter(|bin| bin.n > 0).collect();
        let n: u64 = filled.iter().map(|bin| bin.n).sum();
        let needed = 2 * filled.len().max(2);
        if n < needed as u64 {
            return Err(Absent::TooShort { n_samples: n as usize, needed });
        }
        let samples = n as f64;
        let mean = filled.iter().map(|bin| sum(bin)).sum::<f64>() / samples;
        let total = filled.iter().map(|bin| squares(bin)).sum::<f64>() - samples * mean * mean;
        let scale = filled.iter().map(|bin| squares(bin)).sum::<f64>();
        if total <= 1e-12 * scale {
            return Err(if scale > 0.0 { Absent::DcOnly } else { Absent::NoError });
        }
        let between = filled.iter().map(|bin| bin.n as f64 * (sum(bin) / bin.n as f64 - mean).powi(2)).sum::<f64>();
        Ok(Dependence { between: between / samples, total: total / samples, n, n_bins: filled.len() })
    }

    /// The dependences as entries, in the order of a table.
    pub fn entries(&self) -> Vec<Entry> {
        let mean = self.dependence(|bin| bin.sum, |bin| bin.squares);
        let power = self.dependence(|bin| bin.squares, |bin| bin.fourths);
        vec![
            Dependence::entry(
                mean,
                ("error_mean_dependence", "dependence, error", ""),
                "variance of the mean error by value / variance of the error, less chance",
            ),
            Dependence::entry(
                power,
                ("error_power_dependence", "dependence, power", ""),
                "variance of the mean e^2 by value / variance of e^2, less chance",
            ),
        ]
    }
}

/// Variance of a quantity's means over the bins, and of the quantity.
#[derive(Debug, Clone, Copy)]
struct Dependence {
    between: f64,
    total: f64,
    n: u64,
    n_bins: usize,
}

impl Dependence {
    /// `1 - (1 - eta^2) (n - 1) / (n - b)` over n values in b bins.
    fn figure(self) -> f64 {
        let n = self.n as f64;
        let unexplained = (1.0 - self.between / self.total) * (n - 1.0) / (n - self.n_bins as f64);
        (1.0 - unexplained).clamp(0.0, 1.0)
    }

    fn entry(
        measured: std::result::Result<Self, Absent>,
        names: (&'static str, &'static str, &'static str),
        symbols: &str,
    ) -> Entry {
        let figure = measured.map(Self::figure);
        let formula = measured.map_or_else(
            |_| symbols.to_owned(),
            |Self { between, total, n, n_bins }| {
                filled(symbols, figure, |_| {
                    format!("1 - (1 - {between:.6e} / {total:.6e}) ({n} - 1) / ({n} - {n_bins})")
                })
            },
        );
        Entry::new(names, figure, "error-dependence", formula)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uniform(state: &mut u64) -> f64 {
        *state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (*state >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Slow ramp over four steps of 1/8, quantized with as many uniform dithers as asked for.
    fn profile(n_dithers: usize) -> ErrorProfile {
        let mut state = 5;
        let mut profile = ErrorProfile::new(-0.25, 0.25, 128).expect("legal");
        let n = 1 << 18;
        for i in 0..n {
            let x = -0.25 + 0.5 * f64::from(i) / f64::from(n);
            let dither: f64 = (0..n_dithers).map(|_| uniform(&mut state) - 0.5).sum();
            profile.push_by_value(&[x], &[((x * 8.0) + dither).round() / 8.0]);
        }
        profile
    }

    #[test]
    fn dither_makes_the_error_forget_the_input() {
        let of = |p: ErrorProfile| (p.mean_dependence().expect("error"), p.power_dependence().expect("error"));
        let (mean, power) = of(profile(0));
        assert!(mean > 0.99 && power > 0.95, "{mean} {power}");
        let (mean, power) = of(profile(1));
        // e is f - 1 or f with probabilities f, 1 - f: var(f (1 - f)) / var(e^2) = (1/180) / (7/180).
        assert!(mean < 0.001 && (power - 1.0 / 7.0).abs() < 0.005, "rectangular: {mean} {power}");
        let (mean, power) = of(profile(2));
        assert!(mean < 0.001 && power < 0.001, "triangular: {mean} {power}");
    }

    #[test]
    fn bins_hold_the_sawtooth_of_a_quantizer() {
        let profile = profile(0);
        for (i, bin) in profile.bins().iter().enumerate() {
            let x = profile.centre(i);
            let want = (x * 8.0).round() / 8.0 - x;
            // A bin is 1/256 wide; those with a threshold inside hold both sides.
            assert!((bin.mean().expect("filled") - want).abs() < 1e-4 || bin.high - bin.low > 0.1, "{i}");
        }
        assert_eq!(profile.n_outside(), 0);
    }

    #[test]
    fn phase_finds_where_a_sine_is_clipped() {
        let tone =
            SineFit { cycles_per_sample: 0.012_360_679, amplitude: 1.0, phase_rad: 0.3, dc: 0.0, residual_rms: 0.0 };
        let x: Vec<f64> =
            (0..20_000).map(|n| (std::f64::consts::TAU * 0.012_360_679 * f64::from(n) + 0.3).cos()).collect();
        let y: Vec<f64> = x.iter().map(|x| x.clamp(-0.9, 0.9)).collect();
        let mut profile = ErrorProfile::new(0.0, 1.0, 100).expect("legal");
        profile.push_by_phase(&x, &y, &tone);
        let errors: Vec<usize> = (0..100).filter(|&i| profile.bins()[i].high - profile.bins()[i].low > 1e-6).collect();
        // arccos 0.9 is 0.0718 turns: around 0 and around 1/2.
        let expected: Vec<usize> = (0..100).filter(|i| (i + 8) % 50 < 16).collect();
        assert!(errors.iter().all(|i| expected.contains(i)) && errors.len() >= 28, "{errors:?}");
        assert_eq!(profile.n_outside(), 0);
    }

    #[test]
    fn bad_input_is_counted_and_named() {
        let mut profile = ErrorProfile::new(-1.0, 1.0, 4).expect("legal");
        assert!(matches!(profile.mean_dependence(), Err(Absent::TooShort { .. })));
        profile.push_by_value(&[f64::NAN, 5.0, 0.0, 1.0], &[0.0, 0.0, f64::INFINITY, 1.0]);
        assert_eq!(profile.n_outside(), 3);
        profile.push_by_value(&[0.1; 9], &[0.1; 9]);
        assert_eq!(profile.mean_dependence(), Err(Absent::NoError));
        assert!(ErrorProfile::new(1.0, 1.0, 4).is_err() && ErrorProfile::new(0.0, 1.0, 1).is_err());
    }
}
