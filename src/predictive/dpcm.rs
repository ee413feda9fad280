//! DPCM with adaptive steps: the quantized difference to the prediction, the step grown or shrunk by the last code.
//!
//! ```text
//! x --->(-)---> d --->[step, L levels]---> code            step *= M(|code|)
//!        ^                     |
//!        |                     v
//!        +---- x^ <-- A(z) <-- y = x^ + d'
//! ```
//!
//! Source: N. S. Jayant, Adaptive quantization with a one-word memory, Bell System Technical Journal 52, 1973; the
//! multipliers are those he gives for PCM and DPCM of speech (Digital coding of speech waveforms, Proc. IEEE 62, 1974, table
//! VIII).

use super::predictor::Predictor;
use crate::{Error, Result};

/// Whose multipliers the step grows and shrinks by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StepRule {
    /// Differences to a prediction.
    #[default]
    Dpcm,
    /// Samples themselves: a predictor of 0.
    Pcm,
}

/// Multipliers by magnitude of the code, for 2, 3 and 4 bits.
const PCM_MULTIPLIERS: [&[f64]; 3] = [&[0.6, 2.2], &[0.85, 1.0, 1.0, 1.5], &[0.8, 0.8, 0.8, 0.8, 1.2, 1.6, 2.0, 2.4]];
const DPCM_MULTIPLIERS: [&[f64]; 3] = [&[0.8, 1.6], &[0.9, 0.9, 1.25, 1.75], &[0.9, 0.9, 0.9, 0.9, 1.2, 1.6, 2.0, 2.4]];

/// How DPCM codes.
#[derive(Debug, Clone, PartialEq)]
pub struct DpcmOptions {
    /// Bits a sample, 2 to 4.
    pub bits: u32,
    /// Step at the start, full scale 1.0.
    pub first_step: f64,
    /// Smallest and largest step.
    pub step_range: (f64, f64),
    /// How the step adapts.
    pub rule: StepRule,
}

impl Default for DpcmOptions {
    /// 4 bits, steps from 2^-16 to 1/4, multipliers of DPCM.
    fn default() -> Self {
        Self { bits: 4, first_step: 1.0 / 256.0, step_range: (1.0 / 65_536.0, 0.25), rule: StepRule::Dpcm }
    }
}

/// A DPCM coder: the same struct encodes or decodes.
///
/// ```
/// use sqnr::predictive::{Dpcm, DpcmOptions, Predictor};
///
/// let x: Vec<f64> = (0..4_000).map(|i| 0.5 * (0.05 * f64::from(i)).sin()).collect();
/// let coder = || Dpcm::new(Predictor::new(vec![0.9])?, DpcmOptions { bits: 4, ..DpcmOptions::default() });
/// let codes = coder()?.encode(&x);
/// let y = coder()?.decode(&codes);
/// let error = x.iter().zip(&y).map(|(x, y)| (y - x).powi(2)).sum::<f64>() / 4e3;
/// assert!(10.0 * (0.125 / error).log10() > 20.0);
/// # Ok::<(), sqnr::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Dpcm {
    predictor: Predictor,
    options: DpcmOptions,
    /// Past outputs, the newest first.
    past: Vec<f64>,
    step: f64,
}

impl Dpcm {
    /// A coder at rest.
    ///
    /// # Errors
    /// `InvalidParameter` outside 2 to 4 bits, or for steps that are not above 0 and in order.
    pub fn new(predictor: Predictor, options: DpcmOptions) -> Result<Self> {
        if !(2..=4).contains(&options.bits) {
            return Err(Error::invalid("DPCM bits", options.bits, "2 to 4"));
        }
        let (min, max) = options.step_range;
        let in_order = min > 0.0 && min <= options.first_step && options.first_step <= max && max <= 1.0;
        if !in_order {
            let steps = format!("{min}, {}, {max}", options.first_step);
            return Err(Error::invalid("DPCM steps", steps, "0 < smallest <= first <= largest <= 1"));
        }
        let (past, step) = (vec![0.0; predictor.coefficients().len()], options.first_step);
        Ok(Self { predictor, options, past, step })
    }

    /// Codes of `x`, -2^(bits-1) to 2^(bits-1) - 1: code c stands for (c + 1/2) steps. NaN counts as the prediction.
    pub fn encode(&mut self, x: &[f64]) -> Vec<i8> {
        let half = f64::from(1 << (self.options.bits - 1));
        let code = |&x: &f64| {
            // `as` turns NaN into 0.
            let code = ((x - self.prediction()) / self.step).floor().clamp(-half, half - 1.0) as i8;
            self.advance(code);
            code
        };
        x.iter().map(code).collect()
    }

    /// The outputs of `codes`; a code out of range counts as the nearest.
    pub fn decode(&mut self, codes: &[i8]) -> Vec<f64> {
        let half = 1 << (self.options.bits - 1);
        codes.iter().map(|&code| self.advance(code.clamp(-half, half - 1))).collect()
    }

    /// Kept within twice full scale: an unstable predictor must not run away.
    fn prediction(&self) -> f64 {
        let sum: f64 = self.predictor.coefficients().iter().zip(&self.past).map(|(a, y)| a * y).sum();
        if sum.is_nan() { 0.0 } else { sum.clamp(-2.0, 2.0) }
    }

    /// The output of a code; the step and the past move on.
    fn advance(&mut self, code: i8) -> f64 {
        let y = (self.prediction() + (f64::from(code) + 0.5) * self.step).clamp(-2.0, 2.0);
        self.past.rotate_right(1);
        self.past[0] = y;
        let magnitude = if code < 0 { !code } else { code } as usize;
        let (min, max) = self.options.step_range;
        let tables = match self.options.rule {
            StepRule::Dpcm => DPCM_MULTIPLIERS,
            StepRule::Pcm => PCM_MULTIPLIERS,
        };
        let multiplier = tables[self.options.bits as usize - 2][magnitude];
        self.step = (self.step * multiplier).clamp(min, max);
        y
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tone of slowly changing level in a little noise.
    fn signal(n: usize) -> Vec<f64> {
        let mut state = 9u32;
        let mut sample = |i: usize| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let noise = f64::from(state >> 8) / 8_388_608.0 - 1.0;
            (0.3 + 0.25 * (i as f64 * 0.0007).sin()) * (i as f64 * 0.21).sin() + 0.002 * noise
        };
        (0..n).map(&mut sample).collect()
    }

    fn sqnr_db(x: &[f64], y: &[f64]) -> f64 {
        let error: f64 = x.iter().zip(y).map(|(x, y)| (y - x) * (y - x)).sum();
        10.0 * (x.iter().map(|x| x * x).sum::<f64>() / error).log10()
    }

    fn run(order: usize, bits: u32) -> f64 {
        let x = signal(8000);
        let predictor = Predictor::design(&[&x], order).expect("a signal");
        let options = DpcmOptions { bits, ..DpcmOptions::default() };
        let mut encoder = Dpcm::new(predictor.clone(), options.clone()).expect("legal");
        let codes = encoder.encode(&x);
        let y = Dpcm::new(predictor, options).expect("legal").decode(&codes);
        assert_eq!(encoder.past[0], y[7999], "encoder and decoder agree");
        sqnr_db(&x, &y)
    }

    #[test]
    fn prediction_and_bits_pay() {
        let (first, second, fine) = (run(1, 3), run(2, 3), run(2, 4));
        assert!(second > first + 6.0, "{first} {second}");
        assert!(fine > second + 3.0 && fine > 30.0, "{second} {fine}");
    }

    /// Jayant's quantizer without prediction: one SQNR over a wide range of levels.
    #[test]
    fn adaptive_steps_follow_the_level() {
        let silent = Predictor::new(vec![0.0]).expect("finite");
        let options = DpcmOptions { rule: StepRule::Pcm, ..DpcmOptions::default() };
        let of_level = |level: f64| {
            let x: Vec<f64> = signal(8000).iter().map(|x| level * x).collect();
            let codes = Dpcm::new(silent.clone(), options.clone()).expect("legal").encode(&x);
            sqnr_db(&x, &Dpcm::new(silent.clone(), options.clone()).expect("legal").decode(&codes))
        };
        let (loud, quiet) = (of_level(1.5), of_level(0.015));
        assert!(loud > 14.0 && (loud - quiet).abs() < 1.0, "{loud} {quiet}");
    }

    #[test]
    fn hostile_input_stays_bounded() {
        let wild = Predictor::new(vec![1e308, -1e308]).expect("finite");
        let mut coder = Dpcm::new(wild, DpcmOptions::default()).expect("legal");
        let codes = coder.encode(&[f64::NAN, f64::INFINITY, -1e300, 0.5]);
        assert!(codes.iter().all(|c| (-8..8).contains(c)));
        assert!(coder.decode(&[127, -128, 0]).iter().all(|y| y.abs() <= 2.0));
        let predictor = Predictor::new(vec![0.9]).expect("finite");
        for options in [
            DpcmOptions { bits: 1, ..DpcmOptions::default() },
            DpcmOptions { bits: 5, ..DpcmOptions::default() },
            DpcmOptions { first_step: f64::NAN, ..DpcmOptions::default() },
            DpcmOptions { step_range: (0.0, 1.0), ..DpcmOptions::default() },
        ] {
            assert!(Dpcm::new(predictor.clone(), options).is_err());
        }
    }
}
