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
/// Where the stop band begins, in low rates.
pub const STOP_BAND: f64 = 0.5 + TRANSITION / 2.0;
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

/// `sum a[i] b[i]` in eight sums side by side: the compiler may not reorder one.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; 8];
    let (a_rest, b_rest) = (a.chunks_exact(8).remainder(), b.chunks_exact(8).remainder());
    for (a, b) in a.chunks_exact(8).zip(b.chunks_exact(8)) {
        for (lane, sum) in sums.iter_mut().enumerate() {
            *sum += a[lane] * b[lane];
        }
    }
    sums.iter().sum::<f64>() + a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum::<f64>()
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
        (0..x.len().div_ceil(self.factor)).map(|n| self.output(x, n * self.factor)).collect()
    }

    /// The low-pass around sample `center`.
    fn output(&self, x: &[f64], center: usize) -> f64 {
        let half = self.taps.len() / 2;
        let (from, to) = (center.saturating_sub(half), (center + half + 1).min(x.len()));
        dot(&self.taps[from + half - center..to + half - center], &x[from..to])
    }
}

/// Insert `factor` - 1 samples between two and low-pass.
///
/// ```
/// use sqnr::shaping::delta_sigma::{Decimator, Interpolator};
///
/// let x: Vec<f64> = (0..4_000).map(|i| (0.1 * f64::from(i)).sin()).collect();
/// let back = Decimator::new(8)?.process(&Interpolator::new(8)?.process(&x));
/// // Up and down again, the same within the band, away from the ends.
/// assert!((1_000..3_000).all(|i| (back[i] - x[i]).abs() < 1e-5));
/// # Ok::<(), sqnr::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Interpolator {
    factor: usize,
    /// Half the filter's length at the high rate.
    half: usize,
    /// Taps p, p + factor, p + 2 factor, ... reversed, for each phase p.
    phases: Vec<Vec<f64>>,
}

impl Interpolator {
    /// # Errors
    /// `InvalidParameter` for a factor outside 1 to 1024.
    pub fn new(factor: usize) -> Result<Self> {
        let taps = low_pass(factor)?;
        let phase = |p: usize| {
            let mut phase: Vec<f64> = taps[p..].iter().step_by(factor).map(|t| t * factor as f64).collect();
            phase.reverse();
            phase
        };
        Ok(Self { factor, half: taps.len() / 2, phases: (0..factor).map(phase).collect() })
    }

    /// All of a signal at the high rate, without delay: input n stands at output n `factor`.
    pub fn process(&self, x: &[f64]) -> Vec<f64> {
        (0..x.len() * self.factor).map(|n| self.output(x, n)).collect()
    }

    /// High-rate sample n: the taps p + j factor meet the inputs m - j, where n + half = m factor + p.
    fn output(&self, x: &[f64], n: usize) -> f64 {
        let (m, phase) = ((n + self.half) / self.factor, &self.phases[(n + self.half) % self.factor]);
        let (first, last) = ((m + 1).saturating_sub(phase.len()), m.min(x.len() - 1));
        if first > last {
            return 0.0;
        }
        // x[first] meets the tap of j = m - first, which lies that far from the end of the reversed phase.
        let from = phase.len() - 1 - (m - first);
        dot(&phase[from..from + last + 1 - first], &x[first..=last])
    }
}

/// Either change of rate on a signal that comes in blocks, in constant memory; the sum of all outputs is that of `process`
/// on the whole.
///
/// ```
/// use sqnr::shaping::delta_sigma::{Interpolator, RateStream};
///
/// let mut stream = RateStream::interpolate(Interpolator::new(4)?);
/// let mut out = Vec::new();
/// (0..10).for_each(|_| stream.push(&[0.25; 100], &mut out));
/// stream.finish(&mut out);
/// assert!(out.len() == 4_000 && (out[2_000] - 0.25).abs() < 1e-6);
/// # Ok::<(), sqnr::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct RateStream<F> {
    filter: F,
    /// Samples before the next output's, at first zeros; then those to come.
    buffer: Vec<f64>,
    /// Samples that an output needs on either side of its own.
    context: usize,
}

impl RateStream<Decimator> {
    /// A stream at its start.
    pub fn decimate(filter: Decimator) -> Self {
        // A whole number of output periods, so that outputs stand at multiples of the factor in the buffer.
        let context = (filter.taps.len() / 2).next_multiple_of(filter.factor);
        Self { filter, buffer: vec![0.0; context], context }
    }

    /// Takes samples in and appends the outputs that they complete.
    pub fn push(&mut self, x: &[f64], out: &mut Vec<f64>) {
        self.buffer.extend_from_slice(x);
        let n = self.buffer.len().saturating_sub(2 * self.context) / self.filter.factor;
        self.emit(n, out);
    }

    /// Appends the last outputs; the stream is at its start again.
    pub fn finish(&mut self, out: &mut Vec<f64>) {
        let n = (self.buffer.len() - self.context).div_ceil(self.filter.factor);
        self.emit(n, out);
        self.buffer = vec![0.0; self.context];
    }

    fn emit(&mut self, n: usize, out: &mut Vec<f64>) {
        let factor = self.filter.factor;
        out.extend((0..n).map(|i| self.filter.output(&self.buffer, self.context + i * factor)));
        self.buffer.drain(..(n * factor).min(self.buffer.len()));
    }
}

impl RateStream<Interpolator> {
    /// A stream at its start.
    pub fn interpolate(filter: Interpolator) -> Self {
        let context = filter.half / filter.factor + 1;
        Self { filter, buffer: vec![0.0; context], context }
    }

    /// Takes samples in and appends the outputs that they complete.
    pub fn push(&mut self, x: &[f64], out: &mut Vec<f64>) {
        self.buffer.extend_from_slice(x);
        let n = self.buffer.len().saturating_sub(2 * self.context);
        self.emit(n, out);
    }

    /// Appends the last outputs; the stream is at its start again.
    pub fn finish(&mut self, out: &mut Vec<f64>) {
        let n = self.buffer.len() - self.context;
        self.emit(n, out);
        self.buffer = vec![0.0; self.context];
    }

    /// The outputs of the next `n` inputs.
    fn emit(&mut self, n: usize, out: &mut Vec<f64>) {
        let factor = self.filter.factor;
        let range = self.context * factor..(self.context + n) * factor;
        out.extend(range.map(|i| self.filter.output(&self.buffer, i)));
        self.buffer.drain(..n);
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
    fn streams_are_the_whole_in_parts() {
        let x: Vec<f64> = (0..1000).map(|i| (i as f64 * 0.37).sin() + 0.1 * (i as f64 * 1.9).cos()).collect();
        for (factor, block) in [(1, 7), (3, 1), (16, 100), (64, 1000), (5, 999)] {
            let (up, down) = (Interpolator::new(factor).expect("legal"), Decimator::new(factor).expect("legal"));
            let (mut ups, mut downs) = (vec![], vec![]);
            let mut stream = RateStream::interpolate(up.clone());
            x.chunks(block).for_each(|x| stream.push(x, &mut ups));
            stream.finish(&mut ups);
            let mut stream = RateStream::decimate(down.clone());
            x.chunks(block).for_each(|x| stream.push(x, &mut downs));
            stream.finish(&mut downs);
            for (parts, whole) in [(ups, up.process(&x)), (downs, down.process(&x))] {
                assert_eq!(parts.len(), whole.len(), "{factor}");
                // Sums of eight lanes begin at other samples: rounding alone differs.
                assert!(parts.iter().zip(&whole).all(|(a, b)| (a - b).abs() < 1e-12), "{factor}");
            }
        }
    }

    #[test]
    fn short_and_empty_signals_pass() {
        assert!(Decimator::new(64).expect("legal").process(&[]).is_empty());
        assert!(Interpolator::new(64).expect("legal").process(&[]).is_empty());
        assert_eq!(Decimator::new(64).expect("legal").process(&[1.0]).len(), 1);
        assert_eq!(Interpolator::new(3).expect("legal").process(&[1.0]).len(), 3);
        assert!(Decimator::new(0).is_err() && Interpolator::new(1025).is_err());
    }
}
