//! G.726: ADPCM of 16, 24, 32 and 40 kbit/s at 8 kHz, in whole numbers to the last bit.
//!
//! ```text
//! s --->(-)---> d ---> log2 |d| - y ---> I, 2 to 5 bits            y: log2 of the step, fast and slow part mixed
//!        ^                                |
//!        |                                v
//!        +--- s_e <-- predictor of 2 poles and 6 zeros <-- d_q, s_r = s_e + d_q
//! ```
//!
//! Numbers are in the recommendation's formats: d_q is a sign and 15 bits of magnitude, the predictor's memory are floats of
//! 6 bits of mantissa and 4 of exponent, coefficients have 14 fraction bits, y has 9.
//!
//! Source: ITU-T G.726, 40, 32, 24, 16 kbit/s adaptive differential pulse code modulation, 1990, clause 4 (block names in the
//! comments) and annex A (linear input).

use std::cmp::Ordering;

use crate::quantizer::g711::{Convention, G711, Law};
use crate::{Error, Result};

/// The four tables of a rate, by the magnitude of the code.
#[derive(Debug)]
struct Tables {
    bits: u32,
    /// Least log2 |d| - y, 7 fraction bits, of each magnitude after the first (QUAN).
    decisions: &'static [i32],
    /// log2 |d_q| - y (RECONST).
    levels: &'static [i32],
    /// W(I), 5 more fraction bits than in the recommendation's table (FUNCTW).
    scale: &'static [i32],
    /// F(I), 9 fraction bits (FUNCTF).
    speed: &'static [i32],
    /// Leak of the zeros: 2^-8, at 40 kbit/s 2^-9 (UPB).
    leak: u32,
}

impl Tables {
    /// LOG, SUBTB, QUAN: negative differences have the ones' complement of the magnitude's code.
    fn quantize(&self, d: i32, y: i32) -> u8 {
        let magnitude = d.abs();
        let exponent = bit_length(magnitude >> 1);
        let mantissa = (magnitude << 7 >> exponent) & 0x7F;
        let normalised = (exponent << 7) + mantissa - (y >> 2);
        let index = self.decisions.iter().take_while(|&&least| normalised >= least).count() as u8;
        let mask = (1u8 << self.bits) - 1;
        match (d < 0, index) {
            (true, index) => mask - index,
            // A positive zero is sent as all ones; with 2 bits it has a code of its own.
            (false, 0) if self.bits > 2 => mask,
            (false, index) => index,
        }
    }

    /// Codes in the order of their differences, the most negative first: 0 for the code after the sign alone.
    fn order(&self, code: u8) -> u8 {
        code ^ 1 << (self.bits - 1)
    }
}

/// Of 2 to 5 bits: tables 5 to 10 of the recommendation. Where the code is one's complement without zero (3 to 5 bits), magnitude 0
/// stands for nothing.
static TABLES: [Tables; 4] = [
    Tables { bits: 2, decisions: &[261], levels: &[116, 365], scale: &[-704, 14_048], speed: &[0, 0xE00], leak: 8 },
    Tables {
        bits: 3,
        decisions: &[8, 218, 331],
        levels: &[-2048, 135, 273, 373],
        scale: &[-128, 960, 4384, 18_624],
        speed: &[0, 0x200, 0x400, 0xE00],
        leak: 8,
    },
    Tables {
        bits: 4,
        decisions: &[-124, 80, 178, 246, 300, 349, 400],
        levels: &[-2048, 4, 135, 213, 273, 323, 373, 425],
        scale: &[-384, 576, 1312, 2048, 3584, 6336, 11_360, 35_904],
        speed: &[0, 0, 0, 0x200, 0x200, 0x200, 0x600, 0xE00],
        leak: 8,
    },
    Tables {
        bits: 5,
        decisions: &[-122, -16, 68, 139, 198, 250, 298, 339, 378, 413, 445, 475, 502, 528, 553],
        levels: &[-2048, -66, 28, 104, 169, 224, 274, 318, 358, 395, 429, 459, 488, 514, 539, 566],
        scale: &[448, 448, 768, 1248, 1280, 1312, 1856, 3200, 4512, 5728, 7008, 8960, 11_456, 14_080, 16_928, 22_272],
        speed: &[0, 0, 0, 0, 0, 0x200, 0x200, 0x200, 0x200, 0x200, 0x400, 0x600, 0x800, 0xA00, 0xC00, 0xC00],
        leak: 9,
    },
];

/// Encoder or decoder of one channel: both remember the same.
///
/// ```
/// use sqnr::predictive::G726;
///
/// let x: Vec<i16> = (0..8_000).map(|i| (8_000.0 * (0.3 * f64::from(i)).sin()) as i16).collect();
/// let codes = G726::new(4)?.encode(&x);
/// let y = G726::new(4)?.decode(&codes);
/// assert!(codes.iter().all(|&code| code < 16));
/// assert!((4_000..8_000).all(|i| (i32::from(y[i]) - i32::from(x[i])).abs() < 2_000));
/// # Ok::<(), sqnr::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct G726 {
    tables: &'static Tables,
    predictor: Predictor,
    scale: Scale,
}

impl G726 {
    /// A coder at rest, of 2 to 5 bits a sample: 16, 24, 32, 40 kbit/s at 8 kHz.
    ///
    /// # Errors
    /// `InvalidParameter` outside 2 to 5 bits.
    pub fn new(bits: u32) -> Result<Self> {
        let tables = TABLES.iter().find(|t| t.bits == bits);
        let tables = tables.ok_or_else(|| Error::invalid("G.726 bits", bits, "2 to 5"))?;
        Ok(Self { tables, predictor: Predictor::default(), scale: Scale::default() })
    }

    /// Codes of `x`, 16-bit samples of which the upper 14 bits count; one a byte, in the low bits.
    pub fn encode(&mut self, x: &[i16]) -> Vec<u8> {
        let code = |&x: &i16| {
            let estimate = self.predictor.estimate();
            let code = self.tables.quantize((i32::from(x) >> 2) - estimate.all, self.scale.y());
            self.advance(code, estimate);
            code
        };
        x.iter().map(code).collect()
    }

    /// The samples of `codes`, the low bits of each byte.
    pub fn decode(&mut self, codes: &[u8]) -> Vec<i16> {
        let mask = (1 << self.tables.bits) - 1;
        let sample = |&code: &u8| {
            let estimate = self.predictor.estimate();
            let reconstructed = self.advance(code & mask, estimate);
            (reconstructed << 2).clamp(-32_768, 32_767) as i16
        };
        codes.iter().map(sample).collect()
    }

    /// The G.711 codes that stand for `codes`, the low bits of each byte, with the synchronous coding adjustment: where
    /// another encoder of this rate would turn the nearest G.711 code into another G.726 code, the neighbour is sent. Coded again
    /// and again without leaving G.711, a signal then stays as the first coding left it.
    pub fn decode_g711(&mut self, codes: &[u8], law: Law) -> Vec<u8> {
        // COMPRESS takes magnitudes to mu-law, ones' complements to A-law.
        let convention = if law == Law::Mu { Convention::Sndfile } else { Convention::Itu };
        let g711 = G711::new(law, convention);
        let mask = (1 << self.tables.bits) - 1;
        let pcm = |&code: &u8| self.adjusted(code & mask, &g711);
        codes.iter().map(pcm).collect()
    }

    /// COMPRESS, EXPAND, SUBTA, LOG, SUBTB, SYNC.
    fn adjusted(&mut self, code: u8, g711: &G711) -> u8 {
        let (estimate, y) = (self.predictor.estimate(), self.scale.y());
        let reconstructed = self.advance(code, estimate);
        let pcm = g711.encode((reconstructed << 2).clamp(-32_768, 32_767) as i16);
        let again = self.tables.quantize((i32::from(g711.decode(pcm)) >> 2) - estimate.all, y);
        let index = g711.index_of(pcm);
        let index = match self.tables.order(again).cmp(&self.tables.order(code)) {
            Ordering::Equal => return pcm,
            // The level below mu-law's zero is not its negative zero.
            Ordering::Greater if g711.law() == Law::Mu && index == 128 => 126,
            Ordering::Greater => index - 1,
            Ordering::Less => index + 1,
        };
        g711.code(index.clamp(0, 255))
    }

    /// Takes a code in; s_r, of 14 bits and a little more.
    fn advance(&mut self, code: u8, estimate: Estimate) -> i32 {
        let is_negative = code >> (self.tables.bits - 1) == 1;
        let mask = (1u8 << self.tables.bits) - 1;
        let index = usize::from(if is_negative { mask - code } else { code });
        let y = self.scale.y();
        let dq = Difference { is_negative, magnitude: antilog(self.tables.levels[index] + (y >> 2)) };
        let reconstructed = i32::from((estimate.all + dq.value()) as i16);
        let is_transition = self.scale.is_transition(dq.magnitude, self.predictor.has_tone);
        self.predictor.adapt(dq, reconstructed, estimate, is_transition, self.tables.leak);
        let (w, f) = (self.tables.scale[index], self.tables.speed[index]);
        self.scale.adapt(y, w, f, is_transition, self.predictor.has_tone);
        reconstructed
    }
}

/// ADDA, ANTILOG: 2^x of x with 7 fraction bits.
fn antilog(log: i32) -> i32 {
    if log < 0 {
        return 0;
    }
    let (exponent, mantissa) = (log >> 7 & 15, 128 + (log & 127));
    mantissa << 7 >> (14 - exponent)
}

/// Bits that a number takes: 0 for 0.
fn bit_length(x: i32) -> i32 {
    32 - x.leading_zeros() as i32
}

/// The quantized difference d_q, sign and magnitude.
#[derive(Debug, Clone, Copy)]
struct Difference {
    is_negative: bool,
    magnitude: i32,
}

impl Difference {
    /// As a number (ADDB).
    fn value(self) -> i32 {
        if self.is_negative { -self.magnitude } else { self.magnitude }
    }
}

/// A float of the predictor's memory: sign, 4 bits of exponent, 6 of mantissa.
#[derive(Debug, Clone, Copy)]
struct Float {
    is_negative: bool,
    exponent: i32,
    mantissa: i32,
}

/// Zero has the mantissa 1/2.
const ZERO: Float = Float { is_negative: false, exponent: 0, mantissa: 32 };

impl Float {
    /// FLOATA, FLOATB.
    fn new(is_negative: bool, magnitude: i32) -> Self {
        if magnitude == 0 {
            return Self { is_negative, ..ZERO };
        }
        let exponent = bit_length(magnitude);
        Self { is_negative, exponent, mantissa: magnitude << 6 >> exponent }
    }

    /// FMULT: `coefficient`, 14 fraction bits of which 12 count, times this; one fraction bit.
    fn times(self, coefficient: i32) -> i32 {
        let coefficient = coefficient >> 2;
        let magnitude = if coefficient > 0 { coefficient } else { -coefficient & 0x1FFF };
        let exponent = bit_length(magnitude) - 6;
        let mantissa = match (magnitude, exponent) {
            (0, _) => 32,
            (_, 0..) => magnitude >> exponent,
            (_, _) => magnitude << -exponent,
        };
        let exponent = exponent + self.exponent - 13;
        let product = (mantissa * self.mantissa + 0x30) >> 4;
        let product = if exponent >= 0 { product << exponent & 0x7FFF } else { product >> -exponent };
        if (coefficient < 0) != self.is_negative { -product } else { product }
    }
}

/// s_e, and s_ez, the part of the zeros.
#[derive(Debug, Clone, Copy)]
struct Estimate {
    all: i32,
    zeros: i32,
}

/// The adaptive predictor.
#[derive(Debug, Clone)]
struct Predictor {
    poles: [i32; 2],
    zeros: [i32; 6],
    /// d_q and s_r, the newest first.
    differences: [Float; 6],
    outputs: [Float; 2],
    /// Signs of the newest p = d_q + s_ez.
    partial_signs: [bool; 2],
    /// A partial band signal is there (TONE).
    has_tone: bool,
}

impl Default for Predictor {
    fn default() -> Self {
        Self {
            poles: [0; 2],
            zeros: [0; 6],
            differences: [ZERO; 6],
            outputs: [ZERO; 2],
            partial_signs: [false; 2],
            has_tone: false,
        }
    }
}

impl Predictor {
    /// ACCUM.
    fn estimate(&self) -> Estimate {
        let zeros: i32 = self.zeros.iter().zip(&self.differences).map(|(&b, d)| d.times(b)).sum();
        let poles: i32 = self.poles.iter().zip(&self.outputs).map(|(&a, s)| s.times(a)).sum();
        // Sums have 16 bits, which an overloaded coder does wrap.
        let half = |sum: i32| i32::from(sum as i16 >> 1);
        Estimate { all: half(zeros + poles), zeros: half(zeros) }
    }

    fn adapt(&mut self, dq: Difference, reconstructed: i32, estimate: Estimate, is_transition: bool, leak: u32) {
        let partial = i32::from((dq.value() + estimate.zeros) as i16);
        if is_transition {
            (self.poles, self.zeros) = ([0; 2], [0; 6]);
        } else {
            self.adapt_poles(partial);
            for (b, past) in self.zeros.iter_mut().zip(&self.differences) {
                let gain = match (dq.magnitude, dq.is_negative == past.is_negative) {
                    (0, _) => 0,
                    (_, true) => 128,
                    (_, false) => -128,
                };
                *b += gain - (*b >> leak);
            }
        }
        self.differences.rotate_right(1);
        self.differences[0] = Float::new(dq.is_negative, dq.magnitude);
        self.outputs = [Float::new(reconstructed < 0, reconstructed.abs() & 0x7FFF), self.outputs[0]];
        self.partial_signs = [partial < 0, self.partial_signs[0]];
        self.has_tone = !is_transition && self.poles[1] < -11_776;
    }

    /// UPA2, LIMC, UPA1, LIMD.
    fn adapt_poles(&mut self, partial: i32) {
        let [a1, a2] = self.poles;
        let is_negative = partial < 0;
        let differs = self.partial_signs.map(|past| past != is_negative);
        let mut next = a2 - (a2 >> 7);
        if partial != 0 {
            let along = if differs[0] { a1 } else { -a1 };
            next += match along {
                ..-8191 => -0x100,
                8192.. => 0xFF,
                _ => along >> 5,
            };
            next = (next + if differs[1] { -0x80 } else { 0x80 }).clamp(-12_288, 12_288);
        }
        let gain = match (partial, differs[0]) {
            (0, _) => 0,
            (_, false) => 192,
            (_, true) => -192,
        };
        let limit = 15_360 - next;
        self.poles = [(a1 - (a1 >> 8) + gain).clamp(-limit, limit), next];
    }
}

/// The scale factor and the speed of its adaptation.
#[derive(Debug, Clone)]
struct Scale {
    /// y_u, 9 fraction bits, and y_l, 15.
    fast: i32,
    slow: i32,
    /// d_ms and d_ml, short and long mean of F(I).
    short_mean: i32,
    long_mean: i32,
    /// a_p, 8 fraction bits.
    speed: i32,
}

impl Default for Scale {
    fn default() -> Self {
        Self { fast: 544, slow: 34_816, short_mean: 0, long_mean: 0, speed: 0 }
    }
}

impl Scale {
    /// LIMA, MIX: y.
    fn y(&self) -> i32 {
        if self.speed >= 256 {
            return self.fast;
        }
        let slow = self.slow >> 6;
        let (difference, share) = (self.fast - slow, self.speed >> 2);
        // The product is cut towards 0.
        let step = difference * share;
        slow + if step < 0 { (step + 0x3F) >> 6 } else { step >> 6 }
    }

    /// TRANS: a jump far beyond the slow scale while a tone was there, as modems make.
    fn is_transition(&self, magnitude: i32, has_tone: bool) -> bool {
        let (whole, fraction) = (self.slow >> 15, self.slow >> 10 & 31);
        let threshold = if whole > 9 { 31 << 10 } else { (32 + fraction) << whole };
        has_tone && magnitude > (threshold + (threshold >> 1)) >> 1
    }

    /// FILTD, LIMB, FILTE, FILTA, FILTB, SUBTC, FILTC, TRIGA.
    fn adapt(&mut self, y: i32, w: i32, f: i32, is_transition: bool, has_tone: bool) {
        self.fast = (y + ((w - y) >> 5)).clamp(544, 5120);
        self.slow += self.fast + (-self.slow >> 6);
        self.short_mean += (f - self.short_mean) >> 5;
        self.long_mean += ((f << 2) - self.long_mean) >> 7;
        let is_changing = ((self.short_mean << 2) - self.long_mean).abs() >= self.long_mean >> 3;
        self.speed = match is_transition {
            true => 256,
            false if y < 1536 || has_tone || is_changing => self.speed + ((0x200 - self.speed) >> 4),
            false => self.speed + (-self.speed >> 4),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::super::ima_adpcm::tests::{pcm, sha256, signal, telephony};
    use super::*;

    #[test]
    fn codes_and_samples_are_those_of_libspandsp() {
        // Half the signal: see `testdata/golden/adpcm/golden_telephony.py`.
        let x: Vec<i16> = signal().iter().map(|x| x >> 1).collect();
        for bits in 2..=5 {
            let kbit = 8 * bits;
            let codes = G726::new(bits).expect("legal").encode(&x);
            assert_eq!(sha256(codes.iter().copied()), telephony(&format!("g726-{kbit} codes")));
            let samples = G726::new(bits).expect("legal").decode(&codes);
            assert_eq!(sha256(pcm(&samples)), telephony(&format!("g726-{kbit} samples")));
        }
    }

    #[test]
    fn decoding_to_g711_is_that_of_the_software_tool_library() {
        let x: Vec<i16> = signal().iter().map(|x| x >> 1).collect();
        for bits in 2..=5 {
            let codes = G726::new(bits).expect("legal").encode(&x);
            for (law, name) in [(Law::Mu, "mu-law"), (Law::A, "A-law")] {
                let pcm = G726::new(bits).expect("legal").decode_g711(&codes, law);
                assert_eq!(sha256(pcm), telephony(&format!("g726-{} {name}", 8 * bits)));
            }
        }
    }

    /// Coded again and again over G.711, the signal stays as the first coding left it.
    #[test]
    fn synchronous_tandems_add_no_error() {
        let x: Vec<i16> = signal().iter().map(|x| x >> 1).collect();
        for (bits, law) in [(2, Law::Mu), (3, Law::A), (4, Law::Mu), (5, Law::A)] {
            let g711 = G711::new(law, Convention::Itu);
            let new = || G726::new(bits).expect("legal");
            let mut pcm: Vec<u8> = x.iter().map(|&x| g711.encode(x)).collect();
            let mut coded = Vec::new();
            for _ in 0..4 {
                let linear: Vec<i16> = pcm.iter().map(|&code| g711.decode(code)).collect();
                let codes = new().encode(&linear);
                pcm = new().decode_g711(&codes, law);
                coded.push(codes);
            }
            assert!(coded[1..].iter().all(|codes| *codes == coded[0]), "{bits} bits, {law:?}");
        }
    }

    /// Overload wraps within, as the recommendation's 16-bit sums do, and clips at the output.
    #[test]
    fn overload_is_clipped_and_does_not_last() {
        let mut x = vec![i16::MIN; 400];
        x.extend((0..2000).map(|i| if i / 3 % 2 == 0 { i16::MAX } else { i16::MIN }));
        x.extend([0; 4000]);
        for bits in 2..=5 {
            let codes = G726::new(bits).expect("legal").encode(&x);
            let y = G726::new(bits).expect("legal").decode(&codes);
            assert!(y[..2400].iter().any(|&y| y == i16::MAX || y == i16::MIN), "{bits}");
            assert!(y[6000..].iter().all(|y| y.unsigned_abs() < 64), "{bits}");
        }
    }

    #[test]
    fn any_codes_decode_and_other_widths_are_refused() {
        let noise: Vec<u8> = (0..20_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        for bits in 2..=5 {
            assert_eq!(G726::new(bits).expect("legal").decode(&noise).len(), 20_000);
        }
        assert!(G726::new(1).is_err() && G726::new(6).is_err());
    }
}
