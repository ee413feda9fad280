//! Linear prediction from past outputs, designed on a signal.
//!
//! ```text
//! x^[n] = sum a[k] y[n - k], k = 1..p       minimise sum (x[n] - sum a[k] x[n - k])^2 with the autocorrelation method
//! ```
//!
//! Source: J. Makhoul, Linear prediction: a tutorial review, Proc. IEEE 63, 1975; N. S. Jayant, P. Noll, Digital Coding
//! of Waveforms, 1984, chapter 6.

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

impl Predictor {
    /// The predictor of `order` for signals like `signals`, whose autocorrelations are added. Stable: its synthesis
    /// filter has all poles inside the unit circle.
    ///
    /// # Errors
    /// `InvalidParameter` outside orders 1 to 64 or for values that are not finite; `NoResult` for silence.
    pub fn design(signals: &[&[f64]], order: usize) -> Result<Self> {
        if !(1..=MAX_ORDER).contains(&order) {
            return Err(Error::invalid("predictor order", order, format!("1 to {MAX_ORDER}")));
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
        let mut r: Vec<f64> = (0..=order).map(|k| signals.iter().map(|x| lag(x, k)).sum()).collect();
        // White noise 120 dB down keeps the recursion well conditioned for pure tones.
        r[0] *= 1.0 + 1e-12;
        let (coefficients, error) = levinson(&r);
        Ok(Self { coefficients, gain_db: 10.0 * (r[0] / error).log10() })
    }

    /// A predictor of given coefficients, `a[1]` first; its gain is not known and 0.
    ///
    /// # Errors
    /// `InvalidParameter` unless there are 1 to 64, all finite.
    pub fn new(coefficients: Vec<f64>) -> Result<Self> {
        if !(1..=MAX_ORDER).contains(&coefficients.len()) {
            return Err(Error::invalid("predictor order", coefficients.len(), format!("1 to {MAX_ORDER}")));
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

    #[test]
    fn odd_signals_give_predictors_or_errors() {
        let tone: Vec<f64> = (0..500).map(|i| 1e200 * (i as f64 * 0.1).sin()).collect();
        let predictor = Predictor::design(&[&tone, &[]], 64).expect("a signal");
        assert!(predictor.coefficients().iter().all(|a| a.is_finite()) && predictor.gain_db() > 20.0);
        assert!(Predictor::design(&[&[0.0; 10]], 4).is_err() && Predictor::design(&[], 4).is_err());
        assert!(Predictor::design(&[&[1.0]], 0).is_err() && Predictor::design(&[&[1.0]], 1000).is_err());
        assert!(Predictor::design(&[&[f64::NAN]], 4).is_err());
        assert!(Predictor::new(vec![f64::NAN]).is_err() && Predictor::new(vec![]).is_err());
    }
}
