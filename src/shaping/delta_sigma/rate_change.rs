//! From the audio rate to the modulator's and back: one linear-phase FIR of windowed sinc, run in its polyphase form.
//!
//! Pass band to 0.4535 of the low rate (20 kHz at 44.1 kHz), stop band from 0.5465 of it; 150 dB down by Kaiser's window.
//! Source: J. F. Kaiser, Nonrecursive digital filter design using the I0-sinh window function, 1974.

use crate::{Error, Result};
use std::f64::consts::PI;

/// Kaiser's formulas miss by up to 5 dB at the edge of the stop band: 150 dB and these.
const ATTENUATION_DB: f64 = 156.0;
/// Width of the transition around half the low rate, in low rates.
const TRANSITION: f64 = 0.093;
/// Largest ratio of the rates.
const MAX_FACTOR: usize = 1024;

/// Coefficients of the low-pass at the high rate: gain 1 at frequency 0, odd length, symmetric.
fn low_pass(factor: usize) -> Result<Vec<f64>> {
    if !(1..=MAX_FACTOR).contains(&factor) {
        return Err(Error::invalid("rate factor", factor, format!("1 to {MAX_FACTOR}")));
    }
    let transition = TRANSITION / factor as f64;
    let beta = 0.1102 * (ATTENUATION_DB - 8.7);
    let half = ((ATTENUATION_DB - 7.95) / (14.36 * transition) / 2.0).ceil() as i64;
    let cutoff = 0.5 / factor as f64;
    let tap = |i: i64| {
        let x = i as f64;
        let sinc = if i == 0 { 2.0 * cutoff } else { (2.0 * PI * cutoff * x).sin() / (PI * x) };
        sinc * bessel_i0(beta * (1.0 - (x / half as f64).powi(2)).sqrt())
    };
    let mut taps: Vec<f64> = (-half..=half).map(tap).collect();
    let sum: f64 = taps.iter().sum();
    taps.iter_mut().for_each(|t| *t /= sum);
    Ok(taps)
}

/// Modified Bessel function of order 0: its power series.
fn bessel_i0(x: f64) -> f64 {
    let (mut term, mut sum) = (1.0, 1.0);
    for k in 1..200 {
        term *= (x / 2.0 / k as f64).powi(2);
        sum += term;
    }
    sum
}

/// Low-pass and keep every `factor`-th sample.
#[derive(Debug, Clone)]
pub struct Decimator {
    factor: usize,
    taps: Vec<f64>,
}

impl Decimator {
    /// # Errors
    /// `InvalidParameter` for a factor outside 1 to 1024.
    pub fn new(factor: usize) -> Result<Self> {
        Ok(Self { factor, taps: low_pass(factor)? })
    }

    /// Samples at the high rate each side of an output that it depends on; the [`Interpolator`]'s is the same.
    pub fn reach(&self) -> usize {
        self.taps.len() / 2
    }

    /// All of a signal at the low rate, without delay: output n stands for input n `factor`. Outside, the input counts as 0.
    pub fn process(&self, x: &[f64]) -> Vec<f64> {
        let half = self.taps.len() / 2;
        let output = |n: usize| {
            let center = n * self.factor;
            let (from, to) = (center.saturating_sub(half), (center + half + 1).min(x.len()));
            let taps = &self.taps[from + half - center..to + half - center];
            taps.iter().zip(&x[from..to]).map(|(t, x)| t * x).sum()
        };
        (0..x.len().div_ceil(self.factor)).map(output).collect()
    }
}

/// Insert `factor` - 1 samples between two and low-pass.
#[derive(Debug, Clone)]
pub struct Interpolator {
    factor: usize,
    taps: Vec<f64>,
}

impl Interpolator {
    /// # Errors
    /// `InvalidParameter` for a factor outside 1 to 1024.
    pub fn new(factor: usize) -> Result<Self> {
        let mut taps = low_pass(factor)?;
        taps.iter_mut().for_each(|t| *t *= factor as f64);
        Ok(Self { factor, taps })
    }

    /// All of a signal at the high rate, without delay: input n stands at output n `factor`.
    pub fn process(&self, x: &[f64]) -> Vec<f64> {
        let half = self.taps.len() / 2;
        let output = |n: usize| {
            // Inputs i with |n - i factor| <= half.
            let from = n.saturating_sub(half).div_ceil(self.factor);
            let to = ((n + half) / self.factor + 1).min(x.len());
            let tap = |i: usize| self.taps[n + half - i * self.factor];
            (from..to).map(|i| tap(i) * x[i]).sum()
        };
        (0..x.len() * self.factor).map(output).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gain_db(taps: &[f64], frequency: f64) -> f64 {
        let half = (taps.len() / 2) as f64;
        let sum: f64 = taps.iter().enumerate().map(|(i, t)| t * (2.0 * PI * frequency * (i as f64 - half)).cos()).sum();
        20.0 * sum.abs().log10()
    }

    #[test]
    fn bands_are_as_documented() {
        for factor in [2, 8, 64] {
            let taps = low_pass(factor).expect("legal");
            for i in 0..40 {
                let pass = gain_db(&taps, 0.4535 * i as f64 / 39.0 / factor as f64);
                assert!(pass.abs() < 1e-6, "{factor} {i} {pass}");
                let stop = 0.5465 + (factor as f64 / 2.0 - 0.5465) * i as f64 / 39.0;
                let stop = gain_db(&taps, stop / factor as f64);
                assert!(stop < -149.0, "{factor} {i} {stop}");
            }
        }
    }

    #[test]
    fn up_and_down_again_is_the_same() {
        let x: Vec<f64> =
            (0..400).map(|i| (i as f64 * 0.31).sin() * (-((i as f64 - 200.0) / 60.0).powi(2)).exp()).collect();
        let up = Interpolator::new(16).expect("legal").process(&x);
        let back = Decimator::new(16).expect("legal").process(&up);
        assert_eq!((up.len(), back.len()), (6400, 400));
        let worst = x.iter().zip(&back).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(worst < 1e-6, "{worst}");
    }

    #[test]
    fn short_and_empty_signals_pass() {
        assert!(Decimator::new(64).expect("legal").process(&[]).is_empty());
        assert_eq!(Decimator::new(64).expect("legal").process(&[1.0]).len(), 1);
        assert_eq!(Interpolator::new(3).expect("legal").process(&[1.0]).len(), 3);
        assert!(Decimator::new(0).is_err() && Interpolator::new(1025).is_err());
    }
}
