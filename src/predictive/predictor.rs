//! Linear prediction from past outputs, designed on a signal.
//!
//! ```text
//! x^[n] = sum a[k] y[n - k], k = 1..p       y = x + q, q white noise of power N
//! minimise E (x - x^)^2:      sum_k (r[|j - k|] + N [j = k]) a[k] = r[j], j = 1..p       r the autocorrelation of x
//! ```
//!
//! In a closed loop the past is known as coarsely as it was quantized. A predictor for the clean past (N = 0) amplifies
//! that noise by sum a^2, which ends in a collapse at few bits; the one for the noisy past weighs both.
//!
//! Source: J. Makhoul, Linear prediction: a tutorial review, Proc. IEEE 63, 1975; N. S. Jayant, P. Noll, Digital Coding
//! of Waveforms, 1984, chapter 6, section 6.4 on quantization noise in the loop.

use crate::{Error, Result};

/// Highest order.
const MAX_ORDER: usize = 64;

/// A predictor and what it gains.
///
/// ```
/// use sqnr::{generate::{Kind, TestSignal, signal}, predictive::Predictor};
///
/// // Each sample is 0.9 of the one before, and noise.
/// let noise = signal(TestSignal { kind: Kind::White, level_dbfs: -20.0, ..Default::default() })?;
/// let mut x = noise.into_channels().remove(0);
/// (1..x.len()).for_each(|i| x[i] += 0.9 * x[i - 1]);
/// let predictor = Predictor::design(&[&x], 1)?;
/// assert!((predictor.coefficients()[0] - 0.9).abs() < 0.03);
/// # Ok::<(), sqnr::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Predictor {
    coefficients: Vec<f64>,
    gain_db: f64,
}

/// The autocorrelation of signals, from which predictors of all orders and for any noise are designed.
///
/// ```
/// use sqnr::predictive::Autocorrelation;
///
/// let x: Vec<f64> = (0..8_000).map(|i| (0.05 * f64::from(i)).sin()).collect();
/// let tone = Autocorrelation::of(&[&x], 2)?;
/// let (clean, noisy) = (tone.predictor(2, 0.0)?, tone.predictor(2, 0.05)?);
/// // A pure tone is its own continuation; a noisy past is better averaged than amplified.
/// let amplifies = |p: &sqnr::predictive::Predictor| p.coefficients().iter().map(|a| a * a).sum::<f64>();
/// assert!(amplifies(&clean) > 4.5 && amplifies(&noisy) < 1.0);
/// # Ok::<(), sqnr::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Autocorrelation {
    /// Lags 0 to the highest order, the largest sample taken as 1.
    lags: Vec<f64>,
    /// The largest sample.
    max: f64,
    n_samples: usize,
}

impl Autocorrelation {
    /// The sum of the autocorrelations of `signals` at lags 0 to `order`.
    ///
    /// # Errors
    /// `InvalidParameter` outside orders 0 to 64 or for values that are not finite; `NoResult` for silence.
    pub fn of(signals: &[&[f64]], order: usize) -> Result<Self> {
        if order > MAX_ORDER {
            return Err(Error::invalid("predictor order", order, format!("0 to {MAX_ORDER}")));
        }
        if let Some(bad) = signals.iter().copied().flatten().find(|x| !x.is_finite()) {
            return Err(Error::invalid("sample", bad, "finite numbers"));
        }
        // Samples may be of any size: the largest becomes 1, so that no square overflows.
        let max = signals.iter().copied().flatten().fold(0.0f64, |max, x| max.max(x.abs()));
        if max == 0.0 {
            return Err(Error::NoResult { what: "a predictor for silence: every one is as good".into() });
        }
        let lag = |x: &[f64], k: usize| x.iter().skip(k).zip(x).map(|(a, b)| a / max * (b / max)).sum::<f64>();
        let lags = (0..=order).map(|k| signals.iter().map(|x| lag(x, k)).sum()).collect();
        Ok(Self { lags, max, n_samples: signals.iter().map(|x| x.len()).sum() })
    }

    /// Mean square of the signals.
    pub fn power(&self) -> f64 {
        self.max * self.max * self.lags[0] / self.n_samples as f64
    }

    /// The predictor of `order` from a past with white noise of mean square `noise_power` in it. Stable: its synthesis
    /// filter has all poles inside the unit circle.
    ///
    /// # Errors
    /// `InvalidParameter` for an order above the autocorrelation's, or a power that is negative or not finite.
    pub fn predictor(&self, order: usize, noise_power: f64) -> Result<Predictor> {
        if order >= self.lags.len() {
            return Err(Error::invalid("predictor order", order, format!("0 to {}", self.lags.len() - 1)));
        }
        if !(noise_power >= 0.0 && noise_power.is_finite()) {
            return Err(Error::invalid("power of the noise", noise_power, "finite numbers from 0"));
        }
        let mut r = self.lags[..=order].to_vec();
        let noise_to_signal = noise_power / self.max / self.max * self.n_samples as f64 / self.lags[0];
        // White noise 120 dB down keeps the recursion well conditioned for pure tones.
        r[0] *= 1.0 + noise_to_signal.clamp(1e-12, 1e12);
        let (coefficients, error) = levinson(&r);
        Ok(Predictor { coefficients, gain_db: 10.0 * (r[0] / error).log10() })
    }
}

impl Predictor {
    /// The predictor of `order` for signals like `signals`, whose autocorrelations are added, from their clean past.
    ///
    /// # Errors
    /// `InvalidParameter` outside orders 0 to 64 or for values that are not finite; `NoResult` for silence.
    pub fn design(signals: &[&[f64]], order: usize) -> Result<Self> {
        Autocorrelation::of(signals, order)?.predictor(order, 0.0)
    }

    /// A predictor of given coefficients, `a[1]` first; none predict 0. Its gain is not known and 0.
    ///
    /// # Errors
    /// `InvalidParameter` unless there are 0 to 64, all finite.
    pub fn new(coefficients: Vec<f64>) -> Result<Self> {
        if coefficients.len() > MAX_ORDER {
            return Err(Error::invalid("predictor order", coefficients.len(), format!("0 to {MAX_ORDER}")));
        }
        match coefficients.iter().find(|a| !a.is_finite()) {
            Some(bad) => Err(Error::invalid("predictor coefficient", bad, "finite numbers")),
            None => Ok(Self { coefficients, gain_db: 0.0 }),
        }
    }

    /// `a[1]` to `a[p]`.
    pub fn coefficients(&self) -> &[f64] {
        &self.coefficients
    }

    /// Power of the signal over that of its prediction error, dB, as designed.
    pub fn gain_db(&self) -> f64 {
        self.gain_db
    }
}

/// Coefficients and remaining error by the Levinson-Durbin recursion.
fn levinson(r: &[f64]) -> (Vec<f64>, f64) {
    let mut a: Vec<f64> = Vec::with_capacity(r.len());
    let mut error = r[0];
    for k in 1..r.len() {
        let predicted: f64 = a.iter().zip(r[1..k].iter().rev()).map(|(a, r)| a * r).sum();
        let reflection = (r[k] - predicted) / error;
        let remaining = error * (1.0 - reflection * reflection);
        if remaining <= 0.0 || !remaining.is_finite() {
            break;
        }
        let reversed: Vec<f64> = a.iter().rev().copied().collect();
        a.iter_mut().zip(&reversed).for_each(|(a, b)| *a -= reflection * b);
        a.push(reflection);
        error = remaining;
    }
    a.resize(r.len() - 1, 0.0);
    (a, error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_filter_that_made_the_signal() {
        let mut state = 3u32;
        let mut y = [0.0f64; 2];
        let mut sample = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let next = f64::from(state >> 8) / 8_388_608.0 - 1.0 + 1.2 * y[0] - 0.72 * y[1];
            y = [next, y[0]];
            next
        };
        let x: Vec<f64> = (0..40_000).map(|_| sample()).collect();
        let predictor = Predictor::design(&[&x], 2).expect("a signal");
        let a = predictor.coefficients();
        assert!((a[0] - 1.2).abs() < 0.02 && (a[1] + 0.72).abs() < 0.02, "{a:?}");
        // Variance of an AR(2) process over that of its input.
        let expected = 10.0 * (1.72 / (0.28 * (1.72f64.powi(2) - 1.2f64.powi(2)))).log10();
        assert!((predictor.gain_db() - expected).abs() < 0.2, "{} {expected}", predictor.gain_db());
    }

    /// Gain of order 1 from a noisy past: a = r1 / (r0 + N), whatever the scale of the samples.
    #[test]
    fn noise_in_the_past_makes_the_predictor_careful() {
        let x: Vec<f64> = (0..4_000).map(|i| 1e3 * (f64::from(i) * 0.1).cos()).collect();
        let signal = Autocorrelation::of(&[&x], 4).expect("a signal");
        let noisy = signal.predictor(1, signal.power()).expect("legal");
        let clean = signal.predictor(1, 0.0).expect("legal");
        assert!((noisy.coefficients()[0] - 0.5 * clean.coefficients()[0]).abs() < 1e-6);
        assert!((signal.power() - 5e5).abs() < 1e3);
        assert!(signal.predictor(5, 0.0).is_err() && signal.predictor(1, f64::NAN).is_err());
    }

    #[test]
    fn odd_signals_give_predictors_or_errors() {
        let tone: Vec<f64> = (0..500).map(|i| 1e200 * (i as f64 * 0.1).sin()).collect();
        let predictor = Predictor::design(&[&tone, &[]], 64).expect("a signal");
        assert!(predictor.coefficients().iter().all(|a| a.is_finite()) && predictor.gain_db() > 20.0);
        assert!(Predictor::design(&[&[0.0; 10]], 4).is_err() && Predictor::design(&[], 4).is_err());
        assert_eq!(Predictor::design(&[&[1.0]], 0).expect("no prediction").coefficients(), [0.0; 0]);
        assert!(Predictor::design(&[&[1.0]], 65).is_err());
        assert!(Predictor::design(&[&[f64::NAN]], 4).is_err());
        assert!(Predictor::new(vec![f64::NAN]).is_err() && Predictor::new(vec![0.0; 65]).is_err());
    }
}
