//! IMA ADPCM: 16-bit samples in 4 bits, a predictor that is the last output, and a step that grows and shrinks.
//!
//! ```text
//! nibble = s m2 m1 m0          step = STEPS[index]
//! difference = step/8 + m2 step + m1 step/2 + m0 step/4      each term cut to a whole number (additive)
//!            = (2 m + 1) step / 8                            cut once (multiplicative)
//! predictor += -difference if s else difference, clamped to 16 bits
//! index += ADJUST[m], clamped to 0..88
//! ```
//!
//! The two forms differ by a few units a sample, and the difference stays. The recommendation, SoX, libsndfile and
//! Python's audioop add; ffmpeg multiplies.
//! Source: IMA Digital Audio Focus and Technical Working Groups, Recommended Practices 3.00, 1992.

/// About `7 * 1.1^i`, as the recommendation prints them.
pub(super) const STEPS: [i32; 89] = [
    7, 8, 9, 10, 11, 12, 13, 14, 16, 17, 19, 21, 23, 25, 28, 31, 34, 37, 41, 45, 50, 55, 60, 66, 73, 80, 88, 97, 107,
    118, 130, 143, 157, 173, 190, 209, 230, 253, 279, 307, 337, 371, 408, 449, 494, 544, 598, 658, 724, 796, 876, 963,
    1060, 1166, 1282, 1411, 1552, 1707, 1878, 2066, 2272, 2499, 2749, 3024, 3327, 3660, 4026, 4428, 4871, 5358, 5894,
    6484, 7132, 7845, 8630, 9493, 10442, 11487, 12635, 13899, 15289, 16818, 18500, 20350, 22385, 24623, 27086, 29794,
    32767,
];

/// Change of the step's index by magnitude.
pub(super) const ADJUST: [i32; 8] = [-1, -1, -1, -1, 2, 4, 6, 8];

/// How a decoder forms the difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ImaDecoding {
    /// Shifted steps added: the recommendation, SoX, libsndfile, audioop.
    #[default]
    Additive,
    /// One product, cut once: ffmpeg.
    Multiplicative,
}

impl ImaDecoding {
    /// What a magnitude of 0 to 7 adds or takes away.
    #[inline]
    pub(super) const fn difference(self, step: i32, magnitude: i32) -> i32 {
        match self {
            // A whole term when its bit is set, without a branch.
            Self::Additive => {
                let (four, two, one) = (-(magnitude >> 2 & 1), -(magnitude >> 1 & 1), -(magnitude & 1));
                (step >> 3) + (step & four) + (step >> 1 & two) + (step >> 2 & one)
            }
            Self::Multiplicative => ((2 * magnitude + 1) * step) >> 3,
        }
    }
}

/// What encoder and decoder remember.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ImaState {
    predictor: i16,
    step_index: u8,
}

impl ImaState {
    /// A state; an index above 88 counts as 88.
    pub fn new(predictor: i16, step_index: u8) -> Self {
        Self { predictor, step_index: step_index.min(88) }
    }

    /// The last output.
    pub fn predictor(self) -> i16 {
        self.predictor
    }

    /// Index of the step, 0 to 88.
    pub fn step_index(self) -> u8 {
        self.step_index
    }

    /// The state after `nibble` (its low four bits); its predictor is the output.
    #[inline]
    pub fn next(self, nibble: u8, decoding: ImaDecoding) -> Self {
        let magnitude = i32::from(nibble & 7);
        let difference = decoding.difference(STEPS[usize::from(self.step_index)], magnitude);
        let signed = if nibble & 8 != 0 { -difference } else { difference };
        let predictor = (i32::from(self.predictor) + signed).clamp(-32_768, 32_767) as i16;
        let index = (i32::from(self.step_index) + ADJUST[magnitude as usize]).clamp(0, 88) as u8;
        Self { predictor, step_index: index }
    }
}

/// Samples of `nibbles` (the low four bits of each byte); moves `state` on.
pub fn decode_ima(nibbles: &[u8], state: &mut ImaState, decoding: ImaDecoding) -> Vec<i16> {
    let sample = |&nibble: &u8| {
        *state = state.next(nibble, decoding);
        state.predictor
    };
    nibbles.iter().map(sample).collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::encode_ima;
    use super::*;
    use sha2::{Digest, Sha256};

    /// The golden signal, as `testdata/golden/adpcm/golden_adpcm.py` defines it.
    pub(in crate::predictive) fn signal() -> Vec<i16> {
        let triangle = |i: i64, period: i64, a: i64| {
            let phase = i % period;
            // Python divides downwards; no phase is negative.
            if 2 * phase < period { a - 4 * a * phase / period } else { -3 * a + 4 * a * phase / period }
        };
        let mut state = 12_345i64;
        let mut sample = |i: i64| {
            state = (1_103_515_245 * state + 12_345) & 0x7fff_ffff;
            let noise = ((state >> 15) - 32_768).div_euclid(16);
            match i {
                3000..3200 => 0,
                5000..5200 if i / 50 % 2 == 1 => 32_767,
                5000..5200 => -32_768,
                _ => (triangle(i, 97, 9000) + triangle(i, 31 + i / 512, 6000) + noise).clamp(-32_768, 32_767) as i16,
            }
        };
        (0..8192).map(&mut sample).collect()
    }

    fn golden(item: &str) -> String {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/golden/adpcm/adpcm_sha256.csv");
        let text = std::fs::read_to_string(path).expect("the golden file is there");
        let row = text.lines().find(|l| l.trim_start_matches('"').starts_with(item)).expect("in the table");
        row.split(',').find(|f| f.len() == 64).expect("a hash in the row").to_string()
    }

    /// The hash of an item of the G.726 and G.722 coders.
    pub(in crate::predictive) fn telephony(item: &str) -> String {
        let table = include_str!("../../testdata/golden/adpcm/telephony_sha256.csv");
        let row = table.lines().find(|line| line.split(',').next() == Some(item)).expect("in the table");
        row.split(',').nth(1).expect("a hash").to_owned()
    }

    pub(in crate::predictive) fn sha256(bytes: impl IntoIterator<Item = u8>) -> String {
        Sha256::digest(bytes.into_iter().collect::<Vec<u8>>()).iter().map(|b| format!("{b:02x}")).collect()
    }

    pub(in crate::predictive) fn pcm(x: &[i16]) -> impl Iterator<Item = u8> + '_ {
        x.iter().flat_map(|x| x.to_le_bytes())
    }

    #[test]
    fn nibbles_and_both_decodings_equal_the_golden_ones() {
        let x = signal();
        assert_eq!(sha256(pcm(&x)), golden("signal 8192"));
        let nibbles = encode_ima(&x, &mut ImaState::default());
        assert_eq!(sha256(nibbles.iter().copied()), golden("reference nibbles"));
        let additive = decode_ima(&nibbles, &mut ImaState::default(), ImaDecoding::Additive);
        assert_eq!(sha256(pcm(&additive)), golden("reference decoded"));
        let product = decode_ima(&nibbles, &mut ImaState::default(), ImaDecoding::Multiplicative);
        assert_eq!(sha256(pcm(&product)), golden("same nibbles decoded with the multiply"));
        // audioop packs the first nibble high.
        let packed = nibbles.chunks(2).map(|n| n[0] << 4 | n[1]);
        assert_eq!(sha256(packed), golden("audioop lin2adpcm"));
    }

    /// `adpcm_ima_reference.csv`: i, x, nibble, predictor, step index after.
    #[test]
    fn the_printed_samples_are_coded_step_by_step() {
        let table = include_str!("../../testdata/golden/adpcm/adpcm_ima_reference.csv");
        let x = signal();
        let nibbles = encode_ima(&x, &mut ImaState::default());
        let mut states = vec![ImaState::default()];
        for &nibble in &nibbles {
            let next = states[states.len() - 1].next(nibble, ImaDecoding::Additive);
            states.push(next);
        }
        let mut n_rows = 0;
        for row in table.lines().skip(1).map(|line| line.split(',').map(|f| f.parse::<i64>().expect("a number"))) {
            let row: Vec<i64> = row.collect();
            let (i, after) = (row[0] as usize, states[row[0] as usize + 1]);
            let got: [i64; 4] = [x[i].into(), nibbles[i].into(), after.predictor().into(), after.step_index().into()];
            assert_eq!(got[..], row[1..], "{i}");
            n_rows += 1;
        }
        assert!(n_rows > 100, "{n_rows}");
    }

    #[test]
    fn the_encoder_ends_where_the_decoder_does() {
        let x = signal();
        let (mut encoder, mut decoder) = (ImaState::new(100, 200), ImaState::new(100, 88));
        let nibbles = encode_ima(&x, &mut encoder);
        decode_ima(&nibbles, &mut decoder, ImaDecoding::Additive);
        assert_eq!(encoder, decoder);
    }
}
