//! DPCM: the difference to a prediction from past outputs, quantized in units of a scale that may follow the signal.
//!
//! ```text
//! x --->(-)---> d --->[scale, L levels]---> code            scale *= M[code]
//!        ^                     |
//!        |                     v
//!        +---- x^ <-- A(z) <-- y = x^ + d'
//! ```
//!
//! Source: N. S. Jayant, P. Noll, Digital Coding of Waveforms, 1984, chapter 6.

use super::{predictor::Predictor, scaled_codebook::ScaledCodebook};

/// Outputs and predictions stay within twice full scale: an unstable predictor must not run away.
const LARGEST: f64 = 2.0;

/// A DPCM coder: the same struct encodes or decodes.
///
/// ```
/// use sqnr::predictive::{Dpcm, Predictor, ScaledCodebook, StepRule};
///
/// let x: Vec<f64> = (0..4_000).map(|i| 0.5 * (0.05 * f64::from(i)).sin()).collect();
/// let coder = Dpcm::new(Predictor::new(vec![0.9])?, ScaledCodebook::jayant(4, StepRule::Dpcm)?);
/// let codes = coder.clone().encode(&x);
/// let y = coder.clone().decode(&codes);
/// let error = x.iter().zip(&y).map(|(x, y)| (y - x).powi(2)).sum::<f64>() / 4e3;
/// assert!(10.0 * (0.125 / error).log10() > 20.0);
/// # Ok::<(), sqnr::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Dpcm {
    predictor: Predictor,
    quantizer: ScaledCodebook,
    /// Past outputs, the newest first.
    past: Vec<f64>,
    scale: f64,
    /// Sums of squares of what was encoded, and of its differences to the prediction.
    signal_energy: f64,
    difference_energy: f64,
}

impl Dpcm {
    /// A coder at rest.
    pub fn new(predictor: Predictor, quantizer: ScaledCodebook) -> Self {
        let (past, scale) = (vec![0.0; predictor.coefficients().len()], quantizer.first_scale());
        Self { predictor, quantizer, past, scale, signal_energy: 0.0, difference_energy: 0.0 }
    }

    /// Codes of `x`, 0 to L - 1: code c stands for level c of the quantizer, in units of the scale at that sample. NaN
    /// counts as the prediction.
    pub fn encode(&mut self, x: &[f64]) -> Vec<u8> {
        x.iter().map(|&x| self.code(x).0).collect()
    }

    /// The outputs of `codes`; a code out of range counts as the last.
    pub fn decode(&mut self, codes: &[u8]) -> Vec<f64> {
        let last = self.quantizer.last_code();
        let output = |&code: &u8| {
            let prediction = self.prediction();
            self.advance(prediction, code.min(last))
        };
        codes.iter().map(output).collect()
    }

    /// Encodes one sample and moves on: its code, its output, and what was quantized.
    pub(crate) fn code(&mut self, x: f64) -> (u8, f64, Difference) {
        let prediction = self.prediction();
        let x = if x.is_nan() { prediction } else { x };
        let difference = Difference { value: x - prediction, scale: self.scale };
        self.signal_energy += x * x;
        self.difference_energy += difference.value * difference.value;
        let code = self.quantizer.code(difference.value / self.scale);
        (code, self.advance(prediction, code), difference)
    }

    /// Power of what was encoded so far over that of its differences to the predictions, dB. Below 0 the predictor, or what
    /// noise and overload make of it, does harm. NaN before the first sample that is not 0.
    pub fn closed_loop_gain_db(&self) -> f64 {
        10.0 * (self.signal_energy / self.difference_energy).log10()
    }

    fn prediction(&self) -> f64 {
        let sum: f64 = self.predictor.coefficients().iter().zip(&self.past).map(|(a, y)| a * y).sum();
        if sum.is_nan() { 0.0 } else { sum.clamp(-LARGEST, LARGEST) }
    }

    /// The output of a code; the scale and the past move on.
    fn advance(&mut self, prediction: f64, code: u8) -> f64 {
        let y = (prediction + self.scale * self.quantizer.level(code)).clamp(-LARGEST, LARGEST);
        if let Some(newest) = self.past.len().checked_sub(1) {
            self.past.copy_within(..newest, 1);
            self.past[0] = y;
        }
        self.scale = self.quantizer.next_scale(self.scale, code);
        y
    }
}

/// What a coder quantized: the difference of a sample to its prediction, and the scale at that time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Difference {
    pub(crate) value: f64,
    pub(crate) scale: f64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::predictive::StepRule;

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

    fn coder(predictor: &Predictor, bits: u32, rule: StepRule) -> Dpcm {
        Dpcm::new(predictor.clone(), ScaledCodebook::jayant(bits, rule).expect("legal"))
    }

    fn run(order: usize, bits: u32) -> f64 {
        let x = signal(8000);
        let predictor = Predictor::design(&[&x], order).expect("a signal");
        let mut encoder = coder(&predictor, bits, StepRule::Dpcm);
        let codes = encoder.encode(&x);
        let y = coder(&predictor, bits, StepRule::Dpcm).decode(&codes);
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
        let none = Predictor::new(vec![]).expect("legal");
        let of_level = |level: f64| {
            let x: Vec<f64> = signal(8000).iter().map(|x| level * x).collect();
            let codes = coder(&none, 4, StepRule::Pcm).encode(&x);
            sqnr_db(&x, &coder(&none, 4, StepRule::Pcm).decode(&codes))
        };
        let (loud, quiet) = (of_level(1.5), of_level(0.015));
        assert!(loud > 14.0 && (loud - quiet).abs() < 1.0, "{loud} {quiet}");
    }

    #[test]
    fn the_gain_of_the_closed_loop_is_that_of_what_was_quantized() {
        let x = signal(8000);
        let fitting = Predictor::design(&[&x], 2).expect("a signal");
        let mut good = coder(&fitting, 4, StepRule::Dpcm);
        good.encode(&x);
        assert!((good.closed_loop_gain_db() - fitting.gain_db()).abs() < 3.0, "{}", good.closed_loop_gain_db());
        let mut bad = coder(&Predictor::new(vec![-1.0]).expect("legal"), 4, StepRule::Dpcm);
        bad.encode(&x);
        assert!(bad.closed_loop_gain_db() < -5.0, "{}", bad.closed_loop_gain_db());
    }

    #[test]
    fn hostile_input_stays_bounded() {
        let wild = Predictor::new(vec![1e308, -1e308]).expect("finite");
        let mut coder = coder(&wild, 4, StepRule::Dpcm);
        let codes = coder.encode(&[f64::NAN, f64::INFINITY, -1e300, 0.5]);
        assert!(codes.iter().all(|&code| code < 16));
        assert!(coder.decode(&[255, 0, 8]).iter().all(|y| y.abs() <= 2.0));
    }
}
