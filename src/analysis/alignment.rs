//! Lays a test signal over its reference: delay with parts of a sample, clock drift, gain, polarity.
//!
//! ```text
//! y(t) ~ g x((1 + drift) t - delay)
//! ```
//!
//! The whole delay is the peak of the cross-correlation. Its fraction is the slope of the cross spectrum's phase, each
//! line weighted by its magnitude; the drift is the line through such fractions over the record; both are then refined by
//! least squares. A fraction, a drift or
//! a gain is only applied when it takes away at least half of the error that is left: noise alone must not move the
//! signal.
//!
//! Source: C. H. Knapp, G. C. Carter, "The generalized correlation method for estimation of time delay", 1976.

use std::{
    f64::consts::{PI, TAU},
    sync::OnceLock,
};

use rustfft::{FftPlanner, num_complex::Complex};

use super::{
    figure::Absent,
    sinusoids::{dot, solve},
    window::{Window, bessel_i0},
};

/// What lies between the two signals, and the test signal with it undone.
#[derive(Debug, Clone, PartialEq)]
pub struct Aligned {
    /// Samples the test signal comes late; negative when early.
    pub delay_samples: f64,
    /// Gain of the test signal as a factor, negative when inverted.
    pub gain: f64,
    /// How much faster the test signal's clock runs, parts per million.
    pub drift_ppm: f64,
    /// First sample of the reference that has a counterpart.
    pub start: usize,
    /// The test signal, aligned: sample i belongs to sample `start + i` of the reference.
    pub test: Vec<f64>,
}

/// Longest piece correlated: 2^20 samples, 22 s at 48 kHz.
const MAX_CORRELATED: usize = 1 << 20;
/// Samples of the frames whose cross spectrum gives the fraction of the delay, under a Hann window.
pub const FRAME: usize = 4096;
/// Pieces whose fractions give the drift.
const N_PIECES: usize = 16;
/// Shortest overlap that is compared.
const MIN_OVERLAP: usize = 64;
/// Correlation coefficient below which the signals have nothing in common; of n samples of noise the largest of all
/// lags stays below `6 / sqrt(n)`.
const MIN_CORRELATION: f64 = 0.05;
/// Longest piece that the refinement looks at.
const MAX_PIECE: usize = 1 << 15;
const N_REFINEMENTS: usize = 5;

/// Aligns `y` to `x`.
///
/// ```
/// use sqnr::analysis::alignment::align;
///
/// let noise = |i: u32| f64::from(i.wrapping_mul(2_654_435_761) >> 8) / (1 << 23) as f64 - 1.0;
/// let x: Vec<f64> = (0..20_000).map(noise).collect();
/// let y: Vec<f64> = (0..20_000).map(|i| if i < 40 { 0.0 } else { 0.5 * noise(i - 40) }).collect();
/// let aligned = align(&x, &y).expect("they belong together");
/// assert!((aligned.delay_samples - 40.0).abs() < 0.01 && (aligned.gain - 0.5).abs() < 0.01);
/// ```
///
/// # Errors
/// Why there is no alignment: silence, samples that are not finite, or nothing in common.
pub fn align(x: &[f64], y: &[f64]) -> Result<Aligned, Absent> {
    check(x)?;
    check(y)?;
    let whole = whole_delay(x, y)?;
    let (start, y_start) = (usize::try_from(-whole).unwrap_or(0), usize::try_from(whole).unwrap_or(0));
    let n = (x.len() - start.min(x.len())).min(y.len() - y_start.min(y.len()));
    if n < MIN_OVERLAP {
        return Err(Absent::NoOverlap);
    }
    let reference = &x[start..start + n];
    let mut best = Candidate::unmoved(reference, &y[y_start..y_start + n]);
    let inverted = dot(reference, &best.test) < 0.0;
    if inverted {
        best.scale(reference, -1.0);
    }
    best.adopt_time_shift(reference, y, y_start as f64, if inverted { -1.0 } else { 1.0 });
    let gain = dot(reference, &best.test) / dot(reference, reference);
    best.adopt_gain(reference, gain);
    Ok(Aligned {
        delay_samples: whole as f64 + best.fraction,
        gain: best.gain * if inverted { -1.0 } else { 1.0 },
        drift_ppm: 1e6 * best.drift,
        start,
        test: best.test,
    })
}

fn check(x: &[f64]) -> Result<(), Absent> {
    let n_samples = x.iter().filter(|x| x.is_nan() || x.abs() > 1e100).count() as u64;
    if n_samples > 0 {
        return Err(Absent::NotFinite { n_samples });
    }
    if x.len() < MIN_OVERLAP {
        return Err(Absent::TooShort { n_samples: x.len(), needed: MIN_OVERLAP });
    }
    if x.iter().all(|&x| x == 0.0) { Err(Absent::Silence) } else { Ok(()) }
}

/// The test signal as moved so far, and what is left of the error.
struct Candidate {
    test: Vec<f64>,
    error: f64,
    fraction: f64,
    drift: f64,
    gain: f64,
}

impl Candidate {
    fn unmoved(reference: &[f64], test: &[f64]) -> Self {
        let test = test.to_vec();
        Self { error: error_energy(reference, &test), test, fraction: 0.0, drift: 0.0, gain: 1.0 }
    }

    fn scale(&mut self, reference: &[f64], factor: f64) {
        self.test.iter_mut().for_each(|t| *t *= factor);
        self.error = error_energy(reference, &self.test);
    }

    /// Resamples when that at least halves the error, whatever the gain.
    fn adopt_time_shift(&mut self, reference: &[f64], y: &[f64], y_start: f64, sign: f64) {
        let start = fraction_and_drift(reference, &self.test);
        let (fraction, drift) = refined(reference, y, y_start, start);
        let mut moved = resample(y, y_start + fraction, 1.0 + drift, reference.len());
        moved.iter_mut().for_each(|m| *m *= sign);
        if residual_after_gain(reference, &moved) < 0.5 * residual_after_gain(reference, &self.test) {
            self.error = error_energy(reference, &moved);
            (self.test, self.fraction, self.drift) = (moved, fraction, drift);
        }
    }

    /// Undoes a gain when that at least halves the error.
    fn adopt_gain(&mut self, reference: &[f64], gain: f64) {
        let scaled: Vec<f64> = self.test.iter().map(|t| t / gain).collect();
        if gain.is_finite() && gain > 0.0 && error_energy(reference, &scaled) < 0.5 * self.error {
            self.error = error_energy(reference, &scaled);
            (self.test, self.gain) = (scaled, gain);
        }
    }
}

fn error_energy(x: &[f64], y: &[f64]) -> f64 {
    x.iter().zip(y).map(|(x, y)| (y - x) * (y - x)).sum()
}

/// Energy of what no gain can explain.
fn residual_after_gain(x: &[f64], y: &[f64]) -> f64 {
    let yy = dot(y, y);
    let gain = if yy > 0.0 { dot(x, y) / yy } else { 0.0 };
    x.iter().zip(y).map(|(x, y)| (x - gain * y) * (x - gain * y)).sum()
}

/// Delay and drift by steps of Gauss and Newton: with m the moved test signal and m' its slope,
/// `x ~ g m + g d0 m' + g d1 t m'` is linear in g, g d0, g d1.
fn refined(x: &[f64], y: &[f64], y_start: f64, (mut fraction, mut drift): (f64, f64)) -> (f64, f64) {
    let n = x.len();
    let piece = (n / N_PIECES).clamp(MIN_OVERLAP, MAX_PIECE).min(n);
    let stride = ((n - piece) / N_PIECES).max(1);
    let starts: Vec<usize> = (0..=n - piece).step_by(stride).collect();
    for _ in 0..N_REFINEMENTS {
        let mut gram = [[0.0; 3]; 3];
        let mut right = [0.0; 3];
        for &start in &starts {
            let first = y_start + fraction + start as f64 * (1.0 + drift);
            let moved = resample(y, first, 1.0 + drift, piece);
            for i in 1..piece - 1 {
                let slope = 0.5 * (moved[i + 1] - moved[i - 1]);
                let time = (start + i) as f64 / n as f64;
                let columns = [moved[i], slope, time * slope];
                for (a, row) in columns.iter().zip(&mut gram) {
                    row.iter_mut().zip(&columns).for_each(|(sum, b)| *sum += a * b);
                }
                right.iter_mut().zip(&columns).for_each(|(sum, a)| *sum += a * x[start + i]);
            }
        }
        let solution = solve(3, |i, j| gram[i][j], |i| right[i]);
        if solution[0] == 0.0 {
            break;
        }
        fraction += (solution[1] / solution[0]).clamp(-0.5, 0.5);
        drift += (solution[2] / solution[0]).clamp(-0.5, 0.5) / n as f64;
    }
    (fraction, drift)
}

/// Whole samples that `y` is late, from the largest magnitude of the cross-correlation.
fn whole_delay(x: &[f64], y: &[f64]) -> Result<isize, Absent> {
    let (x, y) = (&x[..x.len().min(MAX_CORRELATED)], &y[..y.len().min(MAX_CORRELATED)]);
    let n = (x.len() + y.len()).next_power_of_two();
    let mut planner = FftPlanner::new();
    // Both real signals in one complex transform.
    let at = |v: &[f64], i: usize| v.get(i).copied().unwrap_or(0.0);
    let mut z: Vec<Complex<f64>> = (0..n).map(|i| Complex::new(at(x, i), at(y, i))).collect();
    planner.plan_fft_forward(n).process(&mut z);
    let mut cross: Vec<Complex<f64>> = (0..n)
        .map(|k| {
            let (a, b) = (z[k], z[(n - k) % n].conj());
            let (spectrum_x, spectrum_y) = ((a + b) * 0.5, (a - b) * Complex::new(0.0, -0.5));
            spectrum_y * spectrum_x.conj()
        })
        .collect();
    planner.plan_fft_inverse(n).process(&mut cross);
    let peak = (0..n).max_by(|&a, &b| cross[a].re.abs().total_cmp(&cross[b].re.abs())).unwrap_or(0);
    let coefficient = cross[peak].re.abs() / n as f64 / (dot(x, x) * dot(y, y)).sqrt();
    let needed = MIN_CORRELATION.max(6.0 / (x.len().min(y.len()) as f64).sqrt());
    if coefficient.is_nan() || coefficient < needed {
        return Err(Absent::NoOverlap);
    }
    Ok(if peak <= n / 2 { peak as isize } else { peak as isize - n as isize })
}

/// Samples that `y` is late beyond the whole ones at the first sample, and the growth of that per sample.
fn fraction_and_drift(x: &[f64], y: &[f64]) -> (f64, f64) {
    let frame = FRAME.min(x.len());
    let piece = (x.len() / N_PIECES).max(frame);
    let starts: Vec<usize> = (0..).map(|i| i * piece).take_while(|s| s + piece <= x.len()).collect();
    let mut cross = CrossSpectrum::new(frame);
    let pieces: Vec<(f64, f64, f64)> = starts
        .iter()
        .map(|&s| {
            let (fraction, weight) = cross.fraction(&x[s..s + piece], &y[s..s + piece]);
            (s as f64 + piece as f64 / 2.0, fraction, weight)
        })
        .collect();
    let total: f64 = pieces.iter().map(|p| p.2).sum();
    if total <= 0.0 {
        return (0.0, 0.0);
    }
    let mean = |value: &dyn Fn(&(f64, f64, f64)) -> f64| pieces.iter().map(|p| p.2 * value(p)).sum::<f64>() / total;
    let (mean_t, mean_d) = (mean(&|p| p.0), mean(&|p| p.1));
    let spread = mean(&|p| (p.0 - mean_t).powi(2));
    let drift = if spread > 0.0 { mean(&|p| (p.0 - mean_t) * (p.1 - mean_d)) / spread } else { 0.0 };
    (mean_d - drift * mean_t, drift)
}

/// Cross spectra of frames under a Hann window.
struct CrossSpectrum {
    fft: std::sync::Arc<dyn rustfft::Fft<f64>>,
    window: Vec<f64>,
}

impl CrossSpectrum {
    fn new(frame: usize) -> Self {
        let window = Window::Hann.samples(frame).expect("a frame is not empty");
        Self { fft: FftPlanner::new().plan_fft_forward(frame), window }
    }

    /// Fraction of a sample that `y` is late, and how much to trust it.
    ///
    /// Slope through the origin of the phase against frequency, weights: magnitude times squared frequency. Lines whose
    /// phase may have wrapped (more than a radian) after a first estimate from the low half are left out.
    fn fraction(&mut self, x: &[f64], y: &[f64]) -> (f64, f64) {
        let n = self.window.len();
        let mut cross = vec![Complex::default(); n / 2];
        let mut start = 0;
        while start + n <= x.len() {
            self.add(&x[start..start + n], &y[start..start + n], &mut cross);
            start += n / 2;
        }
        let mut fraction = 0.0;
        for upper in [n / 4, n / 2, n / 2, n / 2] {
            let (mut moment, mut weight) = (0.0, 0.0);
            for (k, c) in cross.iter().enumerate().take(upper).skip(1) {
                let w = TAU * k as f64 / n as f64;
                let phase = (c * Complex::from_polar(1.0, w * fraction)).arg();
                moment -= c.norm() * w * phase;
                weight += c.norm() * w * w;
            }
            if weight <= 0.0 {
                return (0.0, 0.0);
            }
            fraction += moment / weight;
        }
        (fraction.clamp(-8.0, 8.0), cross.iter().map(|c| c.norm()).sum())
    }

    fn add(&mut self, x: &[f64], y: &[f64], cross: &mut [Complex<f64>]) {
        let n = self.window.len();
        let samples = x.iter().zip(y).zip(&self.window);
        let mut z: Vec<Complex<f64>> = samples.map(|((x, y), w)| Complex::new(x * w, y * w)).collect();
        self.fft.process(&mut z);
        for (k, sum) in cross.iter_mut().enumerate().skip(1) {
            let (a, b) = (z[k], z[n - k].conj());
            *sum += (a - b) * Complex::new(0.0, -0.5) * ((a + b) * 0.5).conj();
        }
    }
}

/// Samples each side of an interpolated point.
const HALF: usize = 32;
/// Fractions in the table of taps; between two the taps are interpolated linearly.
const PHASES: usize = 1024;
/// Kaiser parameter: -100 dB beyond 0.45 of the rate.
const BETA: f64 = 10.0;

/// `y(first + i step)` for i in 0..n, band-limited; zero outside the record.
fn resample(y: &[f64], first: f64, step: f64, n: usize) -> Vec<f64> {
    static TABLE: OnceLock<Vec<[f64; 2 * HALF]>> = OnceLock::new();
    let table = TABLE.get_or_init(|| (0..=PHASES).map(|p| taps(p as f64 / PHASES as f64)).collect());
    (0..n)
        .map(|i| {
            let t = first + i as f64 * step;
            let whole = t.floor();
            let phase = (t - whole) * PHASES as f64;
            let p = (phase as usize).min(PHASES - 1);
            let part = phase - p as f64;
            let left = whole as isize - (HALF as isize - 1);
            let (low, high) = (&table[p], &table[p + 1]);
            let sample =
                |k: usize| usize::try_from(left + k as isize).ok().and_then(|i| y.get(i)).copied().unwrap_or(0.0);
            (0..2 * HALF).map(|k| sample(k) * (low[k] + part * (high[k] - low[k]))).sum()
        })
        .collect()
}

fn taps(fraction: f64) -> [f64; 2 * HALF] {
    std::array::from_fn(|k| {
        let t = fraction - (k as f64 - (HALF as f64 - 1.0));
        let sinc = if t == 0.0 { 1.0 } else { (PI * t).sin() / (PI * t) };
        let u = t / HALF as f64;
        sinc * bessel_i0(BETA * (1.0 - u * u).max(0.0).sqrt()) / bessel_i0(BETA)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fixed band-limited noise at real times: hashed values every second sample, interpolated.
    fn noise_at(t: f64) -> f64 {
        let value = |k: i64| {
            let z = (k as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            let z = (z ^ (z >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            ((z ^ (z >> 32)) >> 11) as f64 / (1u64 << 53) as f64 - 0.5
        };
        let centre = (t / 2.0).floor() as i64;
        let term = |k: i64| {
            let u = t / 2.0 - k as f64;
            let sinc = if u == 0.0 { 1.0 } else { (PI * u).sin() / (PI * u) };
            value(k) * sinc * (0.5 + 0.5 * (PI * u / 25.0).cos())
        };
        (centre - 24..=centre + 24).map(term).sum()
    }

    fn record(n: usize, time: impl Fn(f64) -> f64) -> Vec<f64> {
        (0..n).map(|i| noise_at(time(i as f64))).collect()
    }

    fn snr_db(x: &[f64], aligned: &Aligned) -> f64 {
        // The ends lack neighbours for interpolation.
        let inner = HALF..aligned.test.len() - HALF;
        let x = &x[aligned.start..][inner.clone()];
        10.0 * (dot(x, x) / error_energy(x, &aligned.test[inner])).log10()
    }

    #[test]
    fn whole_delays_are_exact_both_ways() {
        let x = record(20_000, |t| t);
        for delay in [-1234isize, 0, 777] {
            let y = record(20_000, |t| t - delay as f64);
            let got = align(&x, &y).expect("alike");
            assert_eq!((got.delay_samples, got.gain), (delay as f64, 1.0));
            assert!(snr_db(&x, &got) > 200.0);
        }
    }

    #[test]
    fn fractions_gain_and_polarity_are_undone() {
        let x = record(30_000, |t| t);
        for (delay, gain) in [(12.375, 0.5), (-3.81, -1.7), (0.25, 1.0)] {
            let y: Vec<f64> = record(30_000, |t| t - delay).iter().map(|v| gain * v).collect();
            let got = align(&x, &y).expect("alike");
            assert!((got.delay_samples - delay).abs() < 1e-3, "{delay}: {}", got.delay_samples);
            assert!((got.gain - gain).abs() < 1e-3, "{gain}: {}", got.gain);
            assert!(snr_db(&x, &got) > 55.0, "{}", snr_db(&x, &got));
        }
    }

    #[test]
    fn drift_is_found() {
        let x = record(60_000, |t| t);
        let y = record(60_000, |t| t / (1.0 + 10e-6) - 2.0);
        let got = align(&x, &y).expect("alike");
        assert!((got.drift_ppm - 10.0).abs() < 0.3, "{}", got.drift_ppm);
        assert!(snr_db(&x, &got) > 40.0, "{}", snr_db(&x, &got));
    }

    #[test]
    fn noise_alone_moves_nothing() {
        let x = record(20_000, |t| t);
        let y: Vec<f64> = x.iter().map(|v| (v * 8.0).round() / 8.0).collect();
        let got = align(&x, &y).expect("alike");
        assert_eq!((got.delay_samples, got.gain, got.drift_ppm), (0.0, 1.0, 0.0));
        assert_eq!(got.test, y);
    }

    #[test]
    fn signals_without_anything_in_common_are_named() {
        let x = record(5000, |t| t);
        let y: Vec<f64> =
            (0..5000u64).map(|i| ((i * i * 2_654_435_761 + i) % 65_537) as f64 / 65_537.0 - 0.5).collect();
        assert_eq!(align(&x, &[0.0; 5000]), Err(Absent::Silence));
        assert_eq!(align(&x[..10], &x), Err(Absent::TooShort { n_samples: 10, needed: MIN_OVERLAP }));
        assert_eq!(align(&x, &[f64::NAN; 100]), Err(Absent::NotFinite { n_samples: 100 }));
        assert!(matches!(align(&x, &y), Err(Absent::NoOverlap) | Ok(Aligned { gain: -0.2..0.2, .. })));
    }
}
