//! The delay of one short stretch, by cross-correlation of all channels together, to a part of a sample.
//!
//! ```text
//! likeness(l) = sum_c |sum_i x_c[i] y_c[i + l]| / sqrt(sum_c sum_i x_c[i]^2 . sum_c sum_i y_c[i + l]^2)
//! ```
//!
//! The magnitudes are summed: a channel that is inverted does not hide the others, and one that lies elsewhere has no say
//! in the end. Below a sample, with y the test at the best lag and x' the slope of the reference, `y ~ g (x - d x')` is
//! linear in g and g d. The slope is the reference's, because noise of the test has a slope too.

use std::{ops::Range, sync::Arc};

use rustfft::{Fft, FftPlanner, num_complex::Complex};

/// Errors below this share of a stretch's energy are rounding, and equal.
const ROUNDING: f64 = 1e-9;

/// Lags around the best one of all channels in which the best one of those that have a say is looked for.
const AROUND: usize = 16;
/// Share of its energy that a channel may leave unexplained beyond four times what the best one leaves.
const MORE_ERROR: f64 = 0.1;

/// The delay of one stretch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct LocalDelay {
    /// Middle of the stretch, samples of the reference.
    pub at: f64,
    /// Samples that the test comes late.
    pub delay: f64,
    /// Correlation coefficient of the stretch at that delay, 0 to 1.
    pub likeness: f64,
    /// Variance of `delay` where the error is white.
    pub variance: f64,
    /// How much a shift by a sample adds to the error: `sum x'^2`.
    pub slope_energy: f64,
    /// What is left at that delay, over the gain: `sum (y - g x + g d x')^2 / g^2`.
    pub error: f64,
    /// Samples of `delay` that were taken out of it because the test jumped before.
    pub jump: f64,
}

/// Correlates stretches of one length.
pub(super) struct Correlator {
    window: usize,
    reach: usize,
    n_fft: usize,
    forward: Arc<dyn Fft<f64>>,
    inverse: Arc<dyn Fft<f64>>,
    scratch: Vec<Complex<f64>>,
}

/// Cross-correlation of one pair of channels over all lags.
pub(super) type Lags = Vec<f64>;

impl Correlator {
    /// - `window`: samples of the reference
    /// - `reach`: lags to each side
    pub(super) fn new(window: usize, reach: usize) -> Self {
        let n_fft = (window + 2 * reach).next_power_of_two();
        let mut planner = FftPlanner::new();
        let (forward, inverse) = (planner.plan_fft_forward(n_fft), planner.plan_fft_inverse(n_fft));
        let n_scratch = forward.get_inplace_scratch_len().max(inverse.get_inplace_scratch_len());
        Self { window, reach, n_fft, forward, inverse, scratch: vec![Complex::default(); n_scratch] }
    }

    /// Samples of the test that belong to a stretch.
    pub(super) fn n_test(&self) -> usize {
        self.window + 2 * self.reach
    }

    /// Spectrum of `x + i y`, zero-padded.
    fn spectrum(&mut self, x: &[f64], y: &[f64]) -> Vec<Complex<f64>> {
        let mut z = vec![Complex::default(); self.n_fft];
        z.iter_mut().zip(x).for_each(|(z, x)| z.re = *x);
        z.iter_mut().zip(y).for_each(|(z, y)| z.im = *y);
        self.forward.process_with_scratch(&mut z, &mut self.scratch);
        z
    }

    /// `sum_i x[i] y[i + l]` for l = 0 to `2 reach`, pair by pair.
    pub(super) fn correlations(&mut self, pairs: &[(&[f64], &[f64])]) -> Vec<Lags> {
        let n = self.n_fft;
        let mut out = Vec::with_capacity(pairs.len());
        for two in pairs.chunks(2) {
            let mut sum = vec![Complex::default(); n];
            for (pair, unit) in two.iter().zip([Complex::new(1.0, 0.0), Complex::new(0.0, 1.0)]) {
                let z = self.spectrum(pair.0, pair.1);
                for k in 0..n {
                    let (a, b) = (z[k], z[(n - k) % n].conj());
                    sum[k] += unit * (a - b) * Complex::new(0.0, -0.5) * ((a + b) * 0.5).conj();
                }
            }
            self.inverse.process_with_scratch(&mut sum, &mut self.scratch);
            let lags = &sum[..=2 * self.reach];
            out.push(lags.iter().map(|z| z.re / n as f64).collect());
            if two.len() == 2 {
                out.push(lags.iter().map(|z| z.im / n as f64).collect());
            }
        }
        out
    }

    /// Energy of the test under the window at each lag.
    pub(super) fn energies(&self, y: &[f64]) -> Lags {
        let w = self.window;
        let mut sum: f64 = y[..w].iter().map(|y| y * y).sum();
        let mut lags = Vec::with_capacity(2 * self.reach + 1);
        for l in 0..=2 * self.reach {
            lags.push(sum.max(0.0));
            if l + w < y.len() {
                sum += y[l + w] * y[l + w] - y[l] * y[l];
            }
        }
        lags
    }

    /// The delay of `x` in `y`, in samples from `y`'s first, and its likeness.
    ///
    /// - `x`: the window, each channel
    /// - `y`: the test from [`reach`](Self::new) samples before where the window is expected
    /// - `expected`: lags that are taken unless another leaves less than half of the error
    pub(super) fn find(&mut self, x: &[&[f64]], y: &[&[f64]], expected: Range<usize>) -> Found {
        let pairs: Vec<(&[f64], &[f64])> = x.iter().copied().zip(y.iter().copied()).collect();
        let correlations = self.correlations(&pairs);
        let energies: Vec<Lags> = y.iter().map(|y| self.energies(y)).collect();
        let energy = |x: &[f64]| x.iter().map(|x| x * x).sum::<f64>();
        let channels: Vec<ChannelLags> = (correlations.iter().zip(&energies).zip(x))
            .map(|((correlation, energies), x)| ChannelLags { correlation, energies, energy: energy(x) })
            .collect();
        let first = found(&channels, expected, self.reach);
        let least = channels.iter().map(|c| c.error_share(first.lag)).fold(1.0, f64::min);
        let heard: Vec<ChannelLags> =
            channels.iter().copied().filter(|c| has_a_say(c.error_share(first.lag), least)).collect();
        if heard.is_empty() || heard.len() == channels.len() {
            return first;
        }
        let near = first.lag.saturating_sub(AROUND)..(first.lag + AROUND + 1).min(2 * self.reach + 1);
        let again = found(&heard, near.clone(), self.reach);
        Found { lag: if near.contains(&again.lag) { again.lag } else { first.lag }, ..first }
    }
}

/// Cross-correlation of one channel, the test's energy under the window, and the reference's.
#[derive(Clone, Copy)]
struct ChannelLags<'a> {
    correlation: &'a [f64],
    energies: &'a [f64],
    energy: f64,
}

impl ChannelLags<'_> {
    /// Share of the energy that no gain explains at a lag.
    fn error_share(&self, lag: usize) -> f64 {
        let product = self.energy * self.energies[lag];
        if product > 0.0 { 1.0 - self.correlation[lag].powi(2) / product } else { 1.0 }
    }
}

/// Likeness of some channels together at a lag.
fn likeness(channels: &[ChannelLags], lag: usize) -> f64 {
    let energy: f64 = channels.iter().map(|c| c.energy).sum();
    let product: f64 = channels.iter().map(|c| c.correlation[lag].abs()).sum();
    let scale = (energy * channels.iter().map(|c| c.energies[lag]).sum::<f64>()).sqrt();
    // Running sums leave rounding where a loud stretch has passed.
    if scale > ROUNDING * energy { (product / scale).min(1.0) } else { 0.0 }
}

fn found(channels: &[ChannelLags], expected: Range<usize>, reach: usize) -> Found {
    let likenesses: Vec<f64> = (0..=2 * reach).map(|lag| likeness(channels, lag)).collect();
    let middle = (expected.start + expected.end) / 2;
    let best_of = |lags: Range<usize>| {
        let rank = |l: &usize| likenesses[*l] - 1e-9 * l.abs_diff(middle) as f64;
        lags.max_by(|a, b| rank(a).total_cmp(&rank(b))).unwrap_or(middle)
    };
    let (near, any) = (best_of(expected), best_of(0..2 * reach + 1));
    let error = |l: usize| 1.0 - likenesses[l] * likenesses[l] + ROUNDING;
    let lag = if error(any) < 0.5 * error(near) { any } else { near };
    Found { lag, likeness: likenesses[lag] }
}

/// A whole lag.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Found {
    pub lag: usize,
    pub likeness: f64,
}

/// The part of a sample d, and what is left, for `y ~ g (x - d x')` over all channels with one d.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Shift {
    /// Samples that the test comes late beyond where it was taken.
    pub delay: f64,
    /// As those of [`LocalDelay`].
    pub variance: f64,
    pub slope_energy: f64,
    pub error: f64,
}

impl Shift {
    /// The error where the shift is not undone.
    pub(super) fn unmoved_error(&self) -> f64 {
        self.error + self.slope_energy * self.delay * self.delay
    }
}

/// Samples each side of a point that its slope needs.
pub(super) const SLOPE_REACH: usize = 3;

impl Shift {
    /// - `x`: the reference, with [`SLOPE_REACH`] samples more at each end
    /// - `y`: the test where it is expected
    pub(super) fn of<X: AsRef<[f64]>, Y: AsRef<[f64]>>(x: &[X], y: &[Y]) -> Self {
        let sums: Vec<Sums> = x.iter().zip(y).map(|(x, y)| Sums::of(x.as_ref(), y.as_ref())).collect();
        let least = sums.iter().map(Sums::error_share).fold(1.0, f64::min);
        let (mut steps, mut slope_energy, mut error, mut n) = (0.0, 0.0, 0.0, 0.0);
        for sums in sums.iter().filter(|sums| has_a_say(sums.error_share(), least)) {
            if sums.xx <= 0.0 || sums.xy == 0.0 {
                continue;
            }
            // One gain a channel: they may differ in polarity.
            let gain = sums.xy / sums.xx;
            // The slope less what a gain explains of it.
            slope_energy += sums.ss - sums.xs * sums.xs / sums.xx;
            steps -= (sums.ys - gain * sums.xs) / gain;
            error += (sums.yy / gain / gain - sums.xx).max(0.0);
            n += sums.n;
        }
        if slope_energy <= 0.0 {
            return Self { error, variance: f64::INFINITY, ..Self::default() };
        }
        let delay = steps / slope_energy;
        let error = (error - steps * delay).max(0.0);
        Self { delay, variance: error / n / slope_energy, slope_energy, error }
    }
}

/// A channel has a say in the delay when it resembles nearly as well as the best one.
fn has_a_say(error_share: f64, least: f64) -> bool {
    error_share <= 4.0 * least + MORE_ERROR
}

/// Sums of products of x, x' and y.
#[derive(Default)]
struct Sums {
    n: f64,
    xx: f64,
    yy: f64,
    ss: f64,
    xy: f64,
    xs: f64,
    ys: f64,
}

impl Sums {
    /// Share of the energy that no gain explains, 0 to 1.
    fn error_share(&self) -> f64 {
        let product = self.xx * self.yy;
        if product > 0.0 { (1.0 - self.xy * self.xy / product).max(0.0) } else { 1.0 }
    }

    fn of(x: &[f64], y: &[f64]) -> Self {
        let mut sums = Self { n: y.len() as f64, ..Self::default() };
        for (around, y) in x.windows(2 * SLOPE_REACH + 1).zip(y) {
            let x = around[SLOPE_REACH];
            // Central difference of the sixth order.
            let slope =
                0.75 * (around[4] - around[2]) - 0.15 * (around[5] - around[1]) + (around[6] - around[0]) / 60.0;
            sums.xx += x * x;
            sums.yy += y * y;
            sums.ss += slope * slope;
            sums.xy += x * y;
            sums.xs += x * slope;
            sums.ys += y * slope;
        }
        sums
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wave(t: f64) -> f64 {
        (0.31 * t).sin() + 0.7 * (0.117 * t + 1.0).sin() + 0.4 * (0.73 * t + 2.0).sin()
    }

    fn record(n: usize, delay: f64) -> Vec<f64> {
        (0..n).map(|i| wave(i as f64 - delay)).collect()
    }

    #[test]
    fn the_correlation_is_the_plain_sum() {
        let (x, y) = (record(64, 0.0), record(64 + 32, 3.0));
        let mut correlator = Correlator::new(64, 16);
        let fast = correlator.correlations(&[(&x, &y), (&y[..64], &y), (&x, &x)]);
        for l in 0..=32 {
            let slow: f64 = x.iter().zip(&y[l..]).map(|(x, y)| x * y).sum();
            assert!((fast[0][l] - slow).abs() < 1e-10, "{l}");
        }
        assert_eq!(fast.len(), 3);
        let energies = correlator.energies(&y);
        assert!((energies[32] - y[32..].iter().map(|y| y * y).sum::<f64>()).abs() < 1e-10);
    }

    #[test]
    fn whole_lags_are_found_with_an_inverted_channel() {
        let noise = |i: usize, seed: usize| ((i * i * 7_919 + i * 31 + seed) % 10_007) as f64 / 10_007.0 - 0.5;
        let channel = |seed: usize, from: usize, n: usize, sign: f64| -> Vec<f64> {
            (from..from + n).map(|i| sign * noise(i, seed)).collect()
        };
        let x = [channel(1, 100, 512, 1.0), channel(2, 100, 512, 1.0)];
        let y = [channel(1, 63, 512 + 128, 1.0), channel(2, 63, 512 + 128, -1.0)];
        let [x, y] = [&x, &y].map(|both| both.each_ref().map(|c| &c[..]));
        let found = Correlator::new(512, 64).find(&x, &y, 60..68);
        assert_eq!(found.lag, 37);
        assert!(found.likeness > 0.999_999);
    }

    #[test]
    fn the_part_of_a_sample_follows() {
        for d in [-0.4, -0.01, 0.0, 1e-4, 0.3] {
            let x = [record(2_006, 3.0)];
            let y = [(0..2_000).map(|i| -0.5 * wave(i as f64 - d)).collect::<Vec<f64>>()];
            let shift = Shift::of(&x, &y);
            assert!((shift.delay - d).abs() < 0.02 * f64::abs(d) + 1e-9, "{d}: {}", shift.delay);
        }
    }
}
