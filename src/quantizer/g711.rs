//! G.711: 16-bit linear samples as 8-bit codes, bit for bit as the named programs do it.
//!
//! ```text
//! sample --sign, magnitude m--> segment e = floor(log2 m), the next four bits of m --> s eee mmmm, some bits inverted
//! ```
//!
//! All agree on decoding. Encoders differ in how a negative sample becomes a magnitude, how bits below the law's
//! resolution are dropped, and whether the decision lies midway between decoded values where the step size doubles:
//!
//! | convention | magnitude of a sample x, mu-law (units of 4) | A-law (units of 16) |
//! |---|---|---|
//! | `Itu` | x >> 2, of the one's complement when negative | x >> 4, likewise |
//! | `Audioop` | x >> 2, then negated | as `Itu` |
//! | `Sox` | (x + 2) >> 2, then negated | (x + 4) >> 4, of the one's complement when negative |
//! | `Sndfile` | \|x\| / 4, truncated | \|x\| / 16, truncated |
//! | `Ffmpeg` | x >> 2, then negated; midway decisions | the same, in units of 4 |
//! | `Nearest` | \|x\|; midway decisions, ties to the smaller magnitude, no negative zero | \|x\|; the same |
//!
//! Source: ITU-T G.711 (1988); ITU-T G.191 Software tool library, module g711; the programs' tables as measured.

use std::ops::RangeInclusive;

use super::{Quantizer, Uniform};
pub use crate::kernel::g711::Law;
use crate::kernel::g711::{Corner, Rule, encode};

/// Which program's encoder: see the table of this module.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Convention {
    /// ITU-T G.191 software tool library: the reference.
    #[default]
    Itu,
    /// The decoded value nearest to the sample: least squared error.
    Nearest,
    /// Python's audioop.
    Audioop,
    /// SoX.
    Sox,
    /// FFmpeg.
    Ffmpeg,
    /// libsndfile.
    Sndfile,
}

/// The rule of a program.
const fn rule_of(law: Law, convention: Convention) -> Rule {
    use Convention::{Audioop, Ffmpeg, Itu, Nearest, Sndfile, Sox};
    match (law, convention) {
        (Law::Mu, Itu) => Rule::MU,
        (Law::Mu, Audioop) => Rule { negate_after: 1, ..Rule::MU },
        (Law::Mu, Sox) => Rule { round: 2, negate_after: 1, ..Rule::MU },
        (Law::Mu, Sndfile) => Rule { negate_before: 1, ..Rule::MU },
        (Law::Mu, Ffmpeg) => Rule { negate_after: 1, corner: Corner::Midway, ..Rule::MU },
        (Law::Mu, Nearest) => Rule::MU_NEAREST,
        (Law::A, Itu | Audioop) => Rule::A,
        (Law::A, Sox) => Rule { round: 4, ..Rule::A },
        (Law::A, Sndfile) => Rule { negate_before: 1, ..Rule::A },
        (Law::A, Ffmpeg) => Rule { dropped_bits: 2, negate_after: 1, cap: 8_191, corner: Corner::Midway, ..Rule::A },
        (Law::A, Nearest) => Rule { law: Law::A, bias: 0, inverted: 0xD5, negative_zero: 0xFFFF, ..Rule::MU_NEAREST },
    }
}

/// The magnitude (0..=127) a code stands for, and whether it is negative.
fn parts(law: Law, code: u8) -> (i32, bool) {
    let plain = i32::from(code) ^ i32::from(rule_of(law, Convention::Itu).inverted);
    (plain & 0x7F, plain & 0x80 != 0)
}

/// The code with the given index, 0 to 255 from the most negative to the most positive; an index outside is taken as the
/// nearest of them.
pub fn code(law: Law, index: i32) -> u8 {
    let index = index.clamp(0, 255);
    let plain = if index < 128 { 0x80 | (127 - index) } else { index - 128 };
    (plain as u16 ^ rule_of(law, Convention::Itu).inverted) as u8
}

/// The 16-bit value of a code: the middle of its cell, the same in every convention.
///
/// ```
/// use sqnr::quantizer::g711::{Law, decode};
///
/// // The ends of mu-law and A-law.
/// assert_eq!((decode(Law::Mu, 0x80), decode(Law::A, 0xAA)), (32_124, 32_256));
/// ```
pub fn decode(law: Law, code: u8) -> i16 {
    let (plain, is_negative) = parts(law, code);
    let (segment, place) = (plain >> 4, plain & 15);
    let magnitude = match (law, segment) {
        (Law::Mu, _) => ((8 * place + 132) << segment) - 132,
        (Law::A, 0) => 16 * place + 8,
        (Law::A, _) => (16 * place + 264) << (segment - 1),
    };
    // At most 32,256.
    (if is_negative { -magnitude } else { magnitude }) as i16
}

/// Samples at a time.
const BLOCK: usize = 512;

/// A G.711 encoder and decoder; as a [`Quantizer`], of samples with full scale 1.0 = 32,768. The programs' conventions first
/// round them to 16 bits; `Nearest` takes them as they are.
///
/// Indices 0 to 255 are the codes in the order of their values, from the most negative; mu-law's two zeros are 127 and
/// 128, two cells with one level, and some thresholds around them lie beside that level. [`G711::code`] and
/// [`G711::index_of`] translate.
///
/// ```
/// use sqnr::quantizer::g711::{Convention, G711, Law};
///
/// let mu_law = G711::new(Law::Mu, Convention::Itu);
/// assert_eq!(mu_law.encode(1_000), 0xCE);
/// assert_eq!(mu_law.decode(0xCE), 988);
/// ```
#[derive(Debug, Clone)]
pub struct G711 {
    law: Law,
    convention: Convention,
    rule: Rule,
    linear: Uniform,
    decoded: [i16; 256],
    /// `first_above[i]`: the least input with an index above i, beyond full scale when there is none.
    first_above: [f64; 255],
}

impl G711 {
    /// The law's encoder in the given convention.
    pub fn new(law: Law, convention: Convention) -> Self {
        let rule = rule_of(law, convention);
        let mut g711 = Self {
            law,
            convention,
            rule,
            linear: Uniform::mid_tread(16).expect("16 bits are within 1 to 32"),
            decoded: std::array::from_fn(|code| decode(law, code as u8)),
            first_above: [1.0; 255],
        };
        match convention {
            Convention::Nearest => g711.decide_midway(),
            _ => g711.decide_as_encoded(),
        }
        g711
    }

    /// Thresholds between the 16-bit samples that the program tells apart.
    fn decide_as_encoded(&mut self) {
        let mut above = 0;
        for sample in i16::MIN..=i16::MAX {
            let index = self.index_of(self.encode(sample)) as usize;
            while above < index {
                self.first_above[above] = self.linear.threshold(i32::from(sample) - 1);
                above += 1;
            }
        }
    }

    /// Thresholds midway between levels, a tie to the smaller magnitude; the negative zero is left out.
    fn decide_midway(&mut self) {
        for index in 0..255 {
            let (below, above) = (self.level(index), self.level(index + 1));
            let midway = match (below == above, self.law) {
                // Beside mu-law's two zeros: what is above the last negative level is the positive one.
                (true, _) => 0.5 * self.level(index - 1),
                (false, _) => 0.5 * (below + above),
            };
            self.first_above[index as usize] = if midway > 0.0 { midway.next_up() } else { midway };
        }
    }

    /// The level of an index, full scale 1.0.
    fn level(&self, index: i32) -> f64 {
        f64::from(self.decode(self.code(index))) / 32_768.0
    }

    /// The law.
    pub fn law(&self) -> Law {
        self.law
    }

    /// The convention.
    pub fn convention(&self) -> Convention {
        self.convention
    }

    /// The code of a sample.
    #[inline]
    pub fn encode(&self, sample: i16) -> u8 {
        self.rule.encode(sample)
    }

    /// The sample of a code.
    #[inline]
    pub fn decode(&self, code: u8) -> i16 {
        self.decoded[usize::from(code)]
    }

    /// The codes of samples.
    ///
    /// # Panics
    /// When the slices differ in length.
    pub fn encode_slice(&self, samples: &[i16], codes: &mut [u8]) {
        assert_eq!(samples.len(), codes.len(), "input and output have one length");
        encode(&self.rule, samples, codes);
    }

    /// The samples of codes.
    ///
    /// # Panics
    /// When the slices differ in length.
    pub fn decode_slice(&self, codes: &[u8], samples: &mut [i16]) {
        assert_eq!(samples.len(), codes.len(), "input and output have one length");
        for (sample, &code) in samples.iter_mut().zip(codes) {
            *sample = self.decode(code);
        }
    }

    /// The code with the given index; an index outside 0 to 255 is taken as the nearest of them.
    pub fn code(&self, index: i32) -> u8 {
        code(self.law, index)
    }

    /// The index of a code.
    pub fn index_of(&self, code: u8) -> i32 {
        match parts(self.law, code) {
            (magnitude, true) => 127 - magnitude,
            (magnitude, false) => 128 + magnitude,
        }
    }
}

impl Quantizer for G711 {
    fn indices(&self) -> RangeInclusive<i32> {
        0..=255
    }

    fn index(&self, x: f64) -> i32 {
        match self.convention {
            Convention::Nearest => self.first_above.partition_point(|&t| t <= if x.is_nan() { 0.0 } else { x }) as i32,
            // 16-bit codes fit an i16.
            _ => self.index_of(self.encode(self.linear.index(x) as i16)),
        }
    }

    fn reconstruct(&self, index: i32) -> f64 {
        self.level(index)
    }

    fn index_slice(&self, x: &[f64], indices: &mut [i32]) {
        assert_eq!(x.len(), indices.len(), "input and output have one length");
        let (mut samples, mut codes) = ([0; BLOCK], [0; BLOCK]);
        for (x, indices) in x.chunks(BLOCK).zip(indices.chunks_mut(BLOCK)) {
            let (samples, codes) = (&mut samples[..x.len()], &mut codes[..x.len()]);
            self.linear.index_slice(x, indices);
            let are_words = || x.iter().zip(&*indices).all(|(&x, &code)| x == f64::from(code) / 32_768.0);
            if self.convention == Convention::Nearest && !are_words() {
                indices.iter_mut().zip(x).for_each(|(index, &x)| *index = self.index(x));
                continue;
            }
            // 16-bit codes fit an i16.
            samples.iter_mut().zip(&*indices).for_each(|(sample, &code)| *sample = code as i16);
            encode(&self.rule, samples, codes);
            indices.iter_mut().zip(&*codes).for_each(|(index, &code)| *index = self.index_of(code));
        }
    }

    fn threshold(&self, index: i32) -> f64 {
        self.first_above[index.clamp(0, 254) as usize]
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use sha2::{Digest, Sha256};

    use super::*;
    use crate::quantizer::laws;

    const HASHES: &str = include_str!("../../testdata/golden/quantizers/g711_sha256.csv");
    const MU_TABLE: &str = include_str!("../../testdata/golden/quantizers/g711_ulaw.csv");
    const A_TABLE: &str = include_str!("../../testdata/golden/quantizers/g711_alaw.csv");

    const CONVENTIONS: [(Convention, &str); 6] = [
        (Convention::Itu, "itu"),
        (Convention::Nearest, "near"),
        (Convention::Audioop, "py"),
        (Convention::Sox, "measured sox"),
        (Convention::Ffmpeg, "measured ffmpeg"),
        (Convention::Sndfile, "measured libsndfile_1.2.2"),
    ];

    fn every() -> impl Iterator<Item = (G711, &'static str)> {
        [Law::Mu, Law::A].into_iter().flat_map(|law| CONVENTIONS.map(|(c, name)| (G711::new(law, c), name)))
    }

    fn sha256(bytes: &[u8]) -> String {
        Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn law_name(law: Law) -> &'static str {
        if law == Law::Mu { "ulaw" } else { "alaw" }
    }

    #[test]
    fn every_sample_has_the_code_of_the_named_program() {
        let golden: HashMap<&str, &str> = HASHES.lines().filter_map(|line| line.rsplit_once(',')).collect();
        let samples: Vec<i16> = (i16::MIN..=i16::MAX).collect();
        for (g711, name) in every() {
            let mut codes = vec![0; samples.len()];
            g711.encode_slice(&samples, &mut codes);
            let key = format!("{},encode,{name}", law_name(g711.law));
            assert_eq!(sha256(&codes), golden[key.as_str()], "{key}");
            assert!(samples.iter().zip(&codes).all(|(&x, &code)| g711.encode(x) == code), "{key}: slice and single");
        }
    }

    #[test]
    fn every_code_has_the_sample_of_the_law() {
        for law in [Law::Mu, Law::A] {
            let codes: Vec<u8> = (0..=255).collect();
            let mut samples = vec![0; 256];
            G711::new(law, Convention::Itu).decode_slice(&codes, &mut samples);
            let bytes: Vec<u8> = samples.iter().flat_map(|s| s.to_le_bytes()).collect();
            assert!(HASHES.contains(&format!("{},decode,all,{}", law_name(law), sha256(&bytes))));
        }
    }

    /// The golden intervals: code, decoded, then first and last sample for itu, py, near; empty when never used.
    #[test]
    fn thresholds_are_the_ends_of_the_golden_intervals() {
        for (law, table) in [(Law::Mu, MU_TABLE), (Law::A, A_TABLE)] {
            for (convention, column) in [(Convention::Itu, 2), (Convention::Audioop, 4), (Convention::Nearest, 6)] {
                let g711 = G711::new(law, convention);
                for line in table.lines().skip(1) {
                    let fields: Vec<&str> = line.split(',').collect();
                    let index = g711.index_of(fields[0].parse().expect("a code"));
                    let Ok(first) = fields[column].parse::<f64>() else { continue };
                    if index == 0 {
                        continue;
                    }
                    let threshold = 32_768.0 * g711.threshold(index - 1);
                    let is_right = match convention {
                        Convention::Nearest => first - 1.0 < threshold && threshold <= first,
                        _ => threshold == first - 0.5,
                    };
                    assert!(is_right, "{law:?} {convention:?} {line}: {threshold}");
                }
            }
        }
    }

    #[test]
    fn laws_hold() {
        for (g711, _) in every() {
            laws::hold(&g711, 1.0, 3);
        }
    }

    /// Of samples between those of 16 bits too: no level is nearer than the one chosen.
    #[test]
    fn nearest_takes_samples_as_they_are() {
        for law in [Law::Mu, Law::A] {
            let g711 = G711::new(law, Convention::Nearest);
            let x: Vec<f64> = (0..200_001).map(|i| (f64::from(i) - 100_000.0) / 99_000.0).collect();
            let mut indices = vec![0; x.len()];
            g711.index_slice(&x, &mut indices);
            let levels: Vec<f64> = (0..256).map(|i| g711.reconstruct(i)).collect();
            for (&x, &index) in x.iter().zip(&indices) {
                let least = levels.iter().map(|y| (y - x).abs()).fold(f64::INFINITY, f64::min);
                let error = (g711.reconstruct(index) - x).abs();
                assert!(error <= least && index == g711.index(x), "{law:?} {x}: {error} {least}");
            }
        }
    }

    #[test]
    fn index_and_code_translate() {
        for (g711, name) in every() {
            for index in 0..256 {
                assert_eq!(g711.index_of(g711.code(index)), index, "{name}");
            }
        }
    }
}
