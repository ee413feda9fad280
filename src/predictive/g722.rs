//! G.722: 7 kHz speech at 16 kHz in 64, 56 or 48 kbit/s, two bands of ADPCM, in whole numbers to the last bit.
//!
//! ```text
//! x --> quadrature mirror filter --> low band,  8 kHz --> ADPCM, 6 bits (4 of them drive the adaptation) --+--> byte
//!                                \-> high band, 8 kHz --> ADPCM, 2 bits ----------------------------------/
//! ```
//!
//! A byte holds the high band's two bits above the low band's six; 56 and 48 kbit/s leave the lowest one or two out. Numbers have 15
//! fraction bits and saturate at 16 bits, as the recommendation's basic operators do.
//!
//! Source: ITU-T G.722, 7 kHz audio-coding within 64 kbit/s, 1988, clauses 3 to 6 (block names in the comments).

use crate::{Error, Result};

/// Half of the mirror filter's 24 taps, 13 fraction bits for both bands (table 11).
const MIRROR: [i32; 12] = [3, -11, 12, 32, -210, 951, 3876, -805, 362, -156, 53, -11];
/// Decision levels of the low band, 15 fraction bits over 8 (table 14).
const LOW_DECISIONS: [i32; 29] = [
    35, 72, 110, 150, 190, 233, 276, 323, 370, 422, 473, 530, 587, 650, 714, 786, 858, 940, 1023, 1121, 1219, 1339,
    1458, 1612, 1765, 1980, 2195, 2557, 2919,
];
/// Magnitudes of 6, 5 and 4 bits, and of the high band's 2: the smallest first (tables 15 to 20).
const LEVELS_6: [i32; 30] = [
    136, 432, 728, 1040, 1360, 1688, 2032, 2400, 2776, 3168, 3576, 4008, 4464, 4944, 5456, 6000, 6576, 7192, 7856,
    8576, 9360, 10_232, 11_192, 12_280, 13_512, 14_984, 16_704, 19_008, 21_904, 24_808,
];
const LEVELS_5: [i32; 15] =
    [280, 880, 1520, 2208, 2960, 3784, 4696, 5712, 6864, 8184, 9752, 11_664, 14_120, 17_560, 23_352];
const LEVELS_4: [i32; 8] = [0, 1200, 2584, 4240, 6288, 8968, 12_896, 20_456];
const LEVELS_HIGH: [i32; 2] = [1616, 7408];
/// Change of the logarithmic scale by magnitude, 11 fraction bits (W_L and W_H, tables 18 and 20).
const LOW_SCALE: [i32; 8] = [-60, -30, 58, 172, 334, 538, 1198, 3042];
const HIGH_SCALE: [i32; 2] = [-214, 798];
/// 2048 2^(i / 32) (table 21).
const EXPONENTIAL: [i32; 32] = [
    2048, 2093, 2139, 2186, 2233, 2282, 2332, 2383, 2435, 2489, 2543, 2599, 2656, 2714, 2774, 2834, 2896, 2960, 3025,
    3091, 3158, 3228, 3298, 3371, 3444, 3520, 3597, 3676, 3756, 3838, 3922, 4008,
];

/// Encoder or decoder of one channel.
///
/// ```
/// use sqnr::predictive::G722;
///
/// let x: Vec<i16> = (0..1_600).map(|i| (8_000.0 * (0.3 * f64::from(i)).sin()) as i16).collect();
/// let codes = G722::new(8)?.encode(&x);
/// // Eight bits for two samples.
/// assert_eq!((codes.len(), G722::new(8)?.decode(&codes).len()), (800, 1_600));
/// # Ok::<(), sqnr::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct G722 {
    /// Bits of a byte that are used: 6 to 8.
    bits: u32,
    low: Band,
    high: Band,
    /// The last 24 samples, or sums and differences of the bands.
    past: [i32; 24],
}

impl G722 {
    /// A coder at rest: 8 bits for each two samples are 64 kbit/s at 16 kHz, 7 bits 56, 6 bits 48.
    ///
    /// # Errors
    /// `InvalidParameter` outside 6 to 8 bits.
    pub fn new(bits: u32) -> Result<Self> {
        match bits {
            6..=8 => Ok(Self { bits, low: Band::new(32), high: Band::new(8), past: [0; 24] }),
            _ => Err(Error::invalid("G.722 bits", bits, "6 to 8")),
        }
    }

    /// A code for each two samples of `x`, in the low bits of a byte; an odd last one is paired with 0.
    pub fn encode(&mut self, x: &[i16]) -> Vec<u8> {
        let code = |pair: &[i16]| {
            let (low, high) = self.split(pair[0].into(), pair.get(1).copied().unwrap_or(0).into());
            let (low, high) = (self.encode_low(low), self.encode_high(high));
            (high << 6 | low) >> (8 - self.bits)
        };
        x.chunks(2).map(code).collect()
    }

    /// Two samples for each of `codes`, the low bits of each byte.
    pub fn decode(&mut self, codes: &[u8]) -> Vec<i16> {
        let mut x = Vec::with_capacity(2 * codes.len());
        for &code in codes {
            let code = code << (8 - self.bits);
            let low = self.decode_low(code & 63);
            let high = self.decode_high(code >> 6);
            x.extend(self.join(low, high));
        }
        x
    }

    /// The transmit filter (clause 3.1): low and high band of two samples.
    fn split(&mut self, first: i32, second: i32) -> (i32, i32) {
        let (even, odd) = self.filter(first, second);
        ((odd + even) >> 14, (odd - even) >> 14)
    }

    /// The receive filter (clause 4.4).
    fn join(&mut self, low: i32, high: i32) -> [i16; 2] {
        let (second, first) = self.filter(low + high, low - high);
        [first, second].map(|sum| saturate(sum >> 11) as i16)
    }

    /// Sums over the samples at even and at odd places, two new ones included.
    fn filter(&mut self, first: i32, second: i32) -> (i32, i32) {
        self.past.rotate_left(2);
        self.past[22..].copy_from_slice(&[first, second]);
        let (mut even, mut odd) = (0, 0);
        for (i, pair) in self.past.chunks_exact(2).enumerate() {
            even += pair[0] * MIRROR[i];
            odd += pair[1] * MIRROR[11 - i];
        }
        (even, odd)
    }

    /// SUBTRA, QUANTL, then the adaptation by the four upper bits.
    fn encode_low(&mut self, x: i32) -> u8 {
        let difference = saturate(x - self.low.estimate);
        let magnitude = if difference >= 0 { difference } else { -(difference + 1) };
        let least = |level: &&i32| magnitude >= (*level * self.low.step) >> 12;
        let index = LOW_DECISIONS.iter().take_while(least).count() as u8;
        // Negative: 63, 62, then 31 to 4; positive: 61 down to 32.
        let code = match (difference < 0, index) {
            (true, 0 | 1) => 63 - index,
            (true, _) => 33 - index,
            (false, _) => 61 - index,
        };
        self.adapt_low(code);
        code
    }

    /// SUBTRA, QUANTH.
    fn encode_high(&mut self, x: i32) -> u8 {
        let difference = saturate(x - self.high.estimate);
        let magnitude = if difference >= 0 { difference } else { -(difference + 1) };
        let is_large = magnitude >= (564 * self.high.step) >> 12;
        let code = match (difference < 0, is_large) {
            (true, false) => 1,
            (true, true) => 0,
            (false, false) => 3,
            (false, true) => 2,
        };
        self.adapt_high(code);
        code
    }

    /// INVQBL of as many bits as came, LIMIT.
    fn decode_low(&mut self, code: u8) -> i32 {
        let level = match self.bits {
            8 => level_6(code),
            7 => level_5(code >> 1),
            _ => level_4(code >> 2),
        };
        let x = (self.low.estimate + ((self.low.step * level) >> 15)).clamp(-16_384, 16_383);
        self.adapt_low(code);
        x
    }

    fn decode_high(&mut self, code: u8) -> i32 {
        let estimate = self.high.estimate;
        (estimate + self.adapt_high(code)).clamp(-16_384, 16_383)
    }

    /// INVQAL, LOGSCL, SCALEL, and the predictor.
    fn adapt_low(&mut self, code: u8) {
        let difference = (self.low.step * level_4(code >> 2)) >> 15;
        self.low.rescale(LOW_SCALE[magnitude_4(code >> 2)], 18_432, 8);
        self.low.predictor_adapt(difference);
    }

    /// INVQAH, LOGSCH, SCALEH, and the predictor; the quantized difference.
    fn adapt_high(&mut self, code: u8) -> i32 {
        let is_large = usize::from(code & 1 == 0);
        let level = LEVELS_HIGH[is_large];
        let difference = (self.high.step * if code < 2 { -level } else { level }) >> 15;
        self.high.rescale(HIGH_SCALE[is_large], 22_528, 10);
        self.high.predictor_adapt(difference);
        difference
    }
}

/// Codes count down from the largest magnitude to the smallest on either side; the smallest positive level is 61, the smallest
/// negative 63, and 0 to 3, which the encoder never sends, decode as the smallest negative one.
fn level_6(code: u8) -> i32 {
    match code {
        0..4 => -LEVELS_6[0],
        4..32 => -LEVELS_6[33 - usize::from(code)],
        32..62 => LEVELS_6[61 - usize::from(code)],
        _ => -LEVELS_6[63 - usize::from(code)],
    }
}

/// As [`level_6`] with one bit less: pairs of its codes.
fn level_5(code: u8) -> i32 {
    match code {
        0 | 1 => -LEVELS_5[0],
        2..16 => -LEVELS_5[16 - usize::from(code)],
        16..31 => LEVELS_5[30 - usize::from(code)],
        _ => -LEVELS_5[0],
    }
}

/// With four bits: 0 and 15 are the zero level.
fn level_4(code: u8) -> i32 {
    let level = LEVELS_4[magnitude_4(code)];
    if code < 8 { -level } else { level }
}

fn magnitude_4(code: u8) -> usize {
    match code {
        0 => 0,
        1..8 => 8 - usize::from(code),
        _ => 15 - usize::from(code),
    }
}

/// ADPCM of one band.
#[derive(Debug, Clone)]
struct Band {
    /// s, the estimate of the next sample, and s_z, the zeros' part.
    estimate: i32,
    zeros_estimate: i32,
    /// nabla: the logarithm of the scale, 11 fraction bits, and the scale.
    log_step: i32,
    step: i32,
    /// a1, a2 and b1 to b6, 14 and 15 fraction bits.
    poles: [i32; 2],
    zeros: [i32; 6],
    /// r, p and d, the newest first.
    outputs: [i32; 2],
    partials: [i32; 2],
    differences: [i32; 6],
}

impl Band {
    fn new(step: i32) -> Self {
        Self {
            estimate: 0,
            zeros_estimate: 0,
            log_step: 0,
            step,
            poles: [0; 2],
            zeros: [0; 6],
            outputs: [0; 2],
            partials: [0; 2],
            differences: [0; 6],
        }
    }

    /// LOGSCL/LOGSCH and SCALEL/SCALEH: leak, change, limit; then the antilogarithm.
    fn rescale(&mut self, change: i32, most: i32, exponent: i32) {
        self.log_step = (((self.log_step * 127) >> 7) + change).clamp(0, most);
        let mantissa = EXPONENTIAL[(self.log_step >> 6 & 31) as usize];
        let shift = exponent - (self.log_step >> 11);
        let scaled = if shift < 0 { mantissa << -shift } else { mantissa >> shift };
        self.step = scaled << 2;
    }

    /// RECONS, PARREC, UPPOL2, UPPOL1, UPZERO, then FILTEP, FILTEZ, PREDIC.
    fn predictor_adapt(&mut self, difference: i32) {
        let output = saturate(self.estimate + difference);
        let partial = saturate(self.zeros_estimate + difference);
        self.adapt_poles(partial);
        let gain = if difference == 0 { 0 } else { 128 };
        for (b, &past) in self.zeros.iter_mut().zip(&self.differences) {
            let step = if (past < 0) == (difference < 0) { gain } else { -gain };
            *b = saturate(step + ((*b * 32_640) >> 15));
        }
        self.outputs = [output, self.outputs[0]];
        self.partials = [partial, self.partials[0]];
        self.differences.rotate_right(1);
        self.differences[0] = difference;
        let part = |coefficient: i32, value: i32| (coefficient * saturate(2 * value)) >> 15;
        let poles = saturate(part(self.poles[0], self.outputs[0]) + part(self.poles[1], self.outputs[1]));
        let zeros = self.zeros.iter().zip(&self.differences).map(|(&b, &d)| part(b, d)).sum();
        self.zeros_estimate = saturate(zeros);
        self.estimate = saturate(poles + self.zeros_estimate);
    }

    fn adapt_poles(&mut self, partial: i32) {
        let [a1, a2] = self.poles;
        let agrees = self.partials.map(|past| (past < 0) == (partial < 0));
        let along = saturate(4 * a1);
        let along = if agrees[0] { (-along).min(32_767) } else { along };
        let sign = if agrees[1] { 128 } else { -128 };
        let second = (sign + (along >> 7) + ((a2 * 32_512) >> 15)).clamp(-12_288, 12_288);
        let step = if agrees[0] { 192 } else { -192 };
        let limit = saturate(15_360 - second);
        let first = saturate(step + ((a1 * 32_640) >> 15)).clamp(-limit, limit);
        self.poles = [first, second];
    }
}

/// To 16 bits.
fn saturate(x: i32) -> i32 {
    x.clamp(-32_768, 32_767)
}

#[cfg(test)]
mod tests {
    use super::super::ima_adpcm::tests::{pcm, sha256, signal, telephony};
    use super::*;

    #[test]
    fn codes_and_samples_are_those_of_ffmpeg() {
        let codes = G722::new(8).expect("legal").encode(&signal());
        assert_eq!(sha256(codes.iter().copied()), telephony("g722 codes"));
        for bits in 6..=8 {
            let fewer: Vec<u8> = codes.iter().map(|code| code >> (8 - bits)).collect();
            let samples = G722::new(bits).expect("legal").decode(&fewer);
            assert_eq!(sha256(pcm(&samples)), telephony(&format!("g722-{bits} samples")));
        }
    }

    #[test]
    fn any_codes_decode_and_other_widths_are_refused() {
        let noise: Vec<u8> = (0..20_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        for bits in 6..=8 {
            assert_eq!(G722::new(bits).expect("legal").decode(&noise).len(), 40_000);
        }
        assert!(G722::new(5).is_err() && G722::new(9).is_err());
        assert_eq!(G722::new(8).expect("legal").encode(&[1; 5]).len(), 3);
    }
}
