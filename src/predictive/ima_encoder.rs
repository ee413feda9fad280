//! The IMA encoders that decide sample by sample: the recommended one, and the one that takes the nearest output.
//!
//! One sample waits for the step and the output of the one before, so what decides the speed is the way from state to
//! state. Both encoders choose the magnitude by comparing the difference with seven thresholds, which depend on the step
//! alone; all seven are compared at once, their count is the magnitude, and a table says what it adds.

use super::ima_adpcm::{ADJUST, ImaDecoding, ImaState, STEPS};

/// How the next nibble is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Choice {
    /// The recommendation's successive comparison with the step and its halves.
    Recommended,
    /// The output nearest to the sample, of two equally near the smaller magnitude.
    Nearest(ImaDecoding),
}

impl Choice {
    const fn decoding(self) -> ImaDecoding {
        match self {
            Self::Recommended => ImaDecoding::Additive,
            Self::Nearest(decoding) => decoding,
        }
    }

    /// The least difference that has at least `magnitude`, 1 to 7.
    const fn threshold(self, step: i32, magnitude: i32) -> i32 {
        match self {
            // The recommendation takes `rest >= step`, then its half, then its quarter: the terms of the bits that are set.
            Self::Recommended => ImaDecoding::Additive.difference(step, magnitude) - (step >> 3),
            Self::Nearest(decoding) => {
                let (below, above) = (decoding.difference(step, magnitude - 1), decoding.difference(step, magnitude));
                (below + above) / 2 + 1
            }
        }
    }
}

/// What one step does with every magnitude.
#[derive(Debug, Clone, Copy)]
struct Row {
    /// Of magnitudes 1 to 7.
    thresholds: [i32; 7],
    differences: [i32; 8],
    next_index: [u8; 8],
}

/// A row for each step; more rows than steps, so that seven bits are an index that needs no check.
type Table = [Row; 128];

const fn table(choice: Choice) -> Table {
    let mut rows = [Row { thresholds: [0; 7], differences: [0; 8], next_index: [0; 8] }; 128];
    let mut index = 0;
    while index < STEPS.len() {
        let mut m = 0;
        while m < 8 {
            if m > 0 {
                rows[index].thresholds[m - 1] = choice.threshold(STEPS[index], m as i32);
            }
            rows[index].differences[m] = choice.decoding().difference(STEPS[index], m as i32);
            let next = index as i32 + ADJUST[m];
            rows[index].next_index[m] = if next < 0 {
                0
            } else if next > 88 {
                88
            } else {
                next as u8
            };
            m += 1;
        }
        index += 1;
    }
    rows
}

static RECOMMENDED: Table = table(Choice::Recommended);
static NEAREST_ADDITIVE: Table = table(Choice::Nearest(ImaDecoding::Additive));
static NEAREST_MULTIPLICATIVE: Table = table(Choice::Nearest(ImaDecoding::Multiplicative));

/// Nibbles of `x`, one a byte, as the recommended encoder chooses them; moves `state` on.
///
/// ```
/// use sqnr::predictive::{ImaDecoding, ImaState, decode_ima, encode_ima};
///
/// let x: Vec<i16> = (0..1_000).map(|i| (8_000.0 * (0.05 * f64::from(i)).sin()) as i16).collect();
/// let nibbles = encode_ima(&x, &mut ImaState::default());
/// let y = decode_ima(&nibbles, &mut ImaState::default(), ImaDecoding::Additive);
/// assert!((500..1_000).all(|i| (i32::from(y[i]) - i32::from(x[i])).abs() < 500));
/// ```
pub fn encode_ima(x: &[i16], state: &mut ImaState) -> Vec<u8> {
    let mut nibbles = vec![0; x.len()];
    encode(x, state, &RECOMMENDED, &mut nibbles, |_, _| None);
    nibbles
}

/// Nibbles of `x` whose output is the nearest at each sample, of two equally near that of the smaller magnitude.
pub(super) fn encode_nearest(x: &[i16], state: &mut ImaState, decoding: ImaDecoding) -> Vec<u8> {
    let table = match decoding {
        ImaDecoding::Additive => &NEAREST_ADDITIVE,
        ImaDecoding::Multiplicative => &NEAREST_MULTIPLICATIVE,
    };
    let mut nibbles = vec![0; x.len()];
    encode(x, state, table, &mut nibbles, |state, x| Some(search(state, x, decoding)));
    nibbles
}

/// The lowest nibble of least error, by trying all of them.
#[cold]
fn search(state: ImaState, x: i16, decoding: ImaDecoding) -> u8 {
    let error = |nibble: u8| state.next(nibble, decoding).predictor().abs_diff(x);
    (0..16).min_by_key(|&nibble| error(nibble)).expect("there are sixteen")
}

/// A branch that is guessed right is shorter than a clamp.
#[cold]
#[inline(never)]
fn clipped(predictor: i32) -> i32 {
    predictor.clamp(-32_768, 32_767)
}

/// `at_the_ends` decides where an output may clip and the thresholds do not lie midway any more.
#[inline(always)]
fn encode(
    x: &[i16],
    state: &mut ImaState,
    table: &Table,
    nibbles: &mut [u8],
    at_the_ends: impl Fn(ImaState, i16) -> Option<u8>,
) {
    let (mut predictor, mut index) = (i32::from(state.predictor()), state.step_index());
    for (&x, nibble) in x.iter().zip(nibbles) {
        let row = &table[usize::from(index & 127)];
        let difference = i32::from(x) - predictor;
        let size = difference.abs();
        let mut magnitude: u8 = row.thresholds.iter().map(|&t| u8::from(size >= t)).sum();
        let mut is_negative = difference < 0;
        // Where neither the chosen output nor the next one out clips, no other is nearer.
        if predictor.abs() + row.differences[usize::from((magnitude + 1).min(7))] > 32_767
            && let Some(found) = at_the_ends(ImaState::new(predictor as i16, index), x)
        {
            (magnitude, is_negative) = (found & 7, found & 8 != 0);
        }
        let (change, sign) = (row.differences[usize::from(magnitude & 7)], -i32::from(is_negative));
        predictor += (change ^ sign) - sign;
        if predictor != i32::from(predictor as i16) {
            predictor = clipped(predictor);
        }
        index = row.next_index[usize::from(magnitude & 7)];
        *nibble = magnitude | u8::from(is_negative) << 3;
    }
    *state = ImaState::new(predictor as i16, index);
}

#[cfg(test)]
mod tests {
    use super::super::ima_adpcm::tests::signal;
    use super::*;

    /// The recommendation's text, step by step.
    fn recommended(state: ImaState, x: i16) -> u8 {
        let mut step = STEPS[usize::from(state.step_index())];
        let difference = i32::from(x) - i32::from(state.predictor());
        let mut rest = difference.abs();
        let mut nibble = u8::from(difference < 0) << 3;
        for bit in [4, 2, 1] {
            if rest >= step {
                nibble |= bit;
                rest -= step;
            }
            step >>= 1;
        }
        nibble
    }

    /// Quiet, loud and clipping; every step is reached.
    fn material() -> Vec<i16> {
        let swell = (0..60_000).map(|i: i32| {
            let level = (f64::from(i % 20_000) / 1000.0).exp2().min(60_000.0);
            (level * (0.37 * f64::from(i)).sin() * (0.011 * f64::from(i)).cos()) as i16
        });
        let extremes = (0..2000).map(|i| if i / 3 % 2 == 0 { i16::MAX } else { i16::MIN });
        signal().into_iter().chain(swell).chain(extremes).chain([0; 300]).collect()
    }

    #[test]
    fn thresholds_choose_as_the_recommendation_does() {
        let x = material();
        let mut state = ImaState::new(-7, 3);
        let nibbles = encode_ima(&x, &mut state);
        let mut slow = ImaState::new(-7, 3);
        let mut seen = [false; 89];
        for (i, (&x, &nibble)) in x.iter().zip(&nibbles).enumerate() {
            assert_eq!(nibble, recommended(slow, x), "{i}");
            slow = slow.next(nibble, ImaDecoding::Additive);
            seen[usize::from(slow.step_index())] = true;
        }
        assert_eq!(slow, state);
        assert!(seen.iter().filter(|seen| **seen).count() > 85);
    }

    #[test]
    fn thresholds_choose_the_nearest_output() {
        let x = material();
        for decoding in [ImaDecoding::Additive, ImaDecoding::Multiplicative] {
            let (mut state, mut slow) = (ImaState::default(), ImaState::default());
            let nibbles = encode_nearest(&x, &mut state, decoding);
            for (i, (&x, &nibble)) in x.iter().zip(&nibbles).enumerate() {
                let (fast, best) = (slow.next(nibble, decoding), slow.next(search(slow, x, decoding), decoding));
                // Where the least difference is 0, both signs give one output.
                assert_eq!(fast, best, "{decoding:?} {i}");
                slow = fast;
            }
            assert_eq!(slow, state);
        }
    }
}
