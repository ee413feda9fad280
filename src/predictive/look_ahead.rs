//! An IMA encoder that looks ahead: of many sequences of nibbles, the one with the least squared error in the end.
//!
//! The recommended encoder takes the nearest output now, though a larger nibble would open the step for an attack that
//! comes. Here the best `n_paths` states are carried along (the M-algorithm), each with the sum of its squared errors;
//! paths that meet in one state are one from there on.

use super::ima_adpcm::{ImaDecoding, ImaState};
use super::ima_encoder::encode_nearest;
use crate::{Error, Result};

/// Samples after which the best path is fixed and memory is given back.
const SEGMENT: usize = 8192;

#[derive(Debug, Clone, Copy)]
struct Path {
    cost: u64,
    state: ImaState,
}

/// A path one sample on.
#[derive(Debug, Clone, Copy)]
struct Branch {
    path: Path,
    from: Origin,
}

/// Where a path came from, for tracing back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Origin {
    parent: u16,
    nibble: u8,
}

/// Nibbles of `x`, one a byte, with the least squared error that `n_paths` paths find for a decoder of kind `decoding`;
/// moves `state` on. Time grows with the paths; 1 is the nearest output at each sample.
///
/// ```
/// use sqnr::predictive::{ImaDecoding, ImaState, decode_ima, encode_ima, encode_ima_look_ahead};
///
/// let x: Vec<i16> = (0..2_000).map(|i| (9_000.0 * (0.3 * f64::from(i)).sin()) as i16).collect();
/// let error = |nibbles: &[u8]| -> f64 {
///     let y = decode_ima(nibbles, &mut ImaState::default(), ImaDecoding::Additive);
///     x.iter().zip(&y).map(|(x, y)| f64::from(y - x).powi(2)).sum()
/// };
/// let ahead = encode_ima_look_ahead(&x, &mut ImaState::default(), ImaDecoding::Additive, 16)?;
/// // Sixteen paths lose less than one.
/// assert!(error(&ahead) < error(&encode_ima(&x, &mut ImaState::default())));
/// # Ok::<(), sqnr::Error>(())
/// ```
///
/// # Errors
/// `InvalidParameter` outside 1 to 1024 paths.
pub fn encode_ima_look_ahead(
    x: &[i16],
    state: &mut ImaState,
    decoding: ImaDecoding,
    n_paths: usize,
) -> Result<Vec<u8>> {
    if !(1..=1024).contains(&n_paths) {
        return Err(Error::invalid("paths of the look-ahead", n_paths, "1 to 1024"));
    }
    if n_paths == 1 {
        return Ok(encode_nearest(x, state, decoding));
    }
    let mut nibbles = vec![0; x.len()];
    for (x, nibbles) in x.chunks(SEGMENT).zip(nibbles.chunks_mut(SEGMENT)) {
        *state = encode_segment(x, *state, |state, nibble| state.next(nibble, decoding), n_paths, nibbles);
    }
    Ok(nibbles)
}

fn encode_segment(
    x: &[i16],
    state: ImaState,
    next: impl Fn(ImaState, u8) -> ImaState,
    n_paths: usize,
    nibbles: &mut [u8],
) -> ImaState {
    let mut paths = vec![Path { cost: 0, state }];
    let mut branches: Vec<Branch> = Vec::with_capacity(16 * n_paths);
    let mut origins: Vec<Vec<Origin>> = Vec::with_capacity(x.len());
    for &x in x {
        branches.clear();
        for (parent, path) in paths.iter().enumerate() {
            branches.extend((0..16).map(|nibble| {
                let state = next(path.state, nibble);
                let error = u64::from(state.predictor().abs_diff(x));
                let path = Path { cost: path.cost + error * error, state };
                Branch { path, from: Origin { parent: parent as u16, nibble } }
            }));
        }
        keep_best(&mut branches, n_paths);
        origins.push(branches.iter().map(|b| b.from).collect());
        paths.clear();
        paths.extend(branches.iter().map(|b| b.path));
    }
    let mut best = (0..paths.len()).min_by_key(|&i| paths[i].cost).expect("there is always a path");
    let end = paths[best].state;
    for (nibble, origins) in nibbles.iter_mut().zip(&origins).rev() {
        *nibble = origins[best].nibble;
        best = usize::from(origins[best].parent);
    }
    end
}

/// The cheapest `n` branches, no two in one state.
fn keep_best(branches: &mut Vec<Branch>, n: usize) {
    // Twice as many as needed first: sorting out twins among all would cost more than the search.
    truncate_to_cheapest(branches, 2 * n);
    let key = |b: &Branch| (b.path.state.predictor(), b.path.state.step_index());
    branches.sort_unstable_by_key(|b| (key(b), b.path.cost, b.from));
    branches.dedup_by_key(|b| key(b));
    truncate_to_cheapest(branches, n);
}

fn truncate_to_cheapest(branches: &mut Vec<Branch>, n: usize) {
    if branches.len() > n {
        branches.select_nth_unstable_by_key(n - 1, |b| (b.path.cost, b.from));
        branches.truncate(n);
    }
}

#[cfg(test)]
mod tests {
    use super::super::{decode_ima, encode_ima, ima_adpcm::tests::signal};
    use super::*;

    fn squared_error(x: &[i16], y: &[i16]) -> f64 {
        x.iter().zip(y).map(|(&x, &y)| f64::from(y) - f64::from(x)).map(|e| e * e).sum()
    }

    fn error_of(x: &[i16], decoding: ImaDecoding, n_paths: usize) -> f64 {
        let (mut encoder, mut decoder) = (ImaState::default(), ImaState::default());
        let nibbles = encode_ima_look_ahead(x, &mut encoder, decoding, n_paths).expect("legal");
        let y = decode_ima(&nibbles, &mut decoder, decoding);
        assert_eq!(encoder, decoder);
        squared_error(x, &y)
    }

    /// Speech-like: noise bursts through a resonance at an eighth of the rate.
    fn bursts() -> Vec<i16> {
        let mut state = 5u32;
        let mut y = [0.0f64; 2];
        let mut sample = |i: usize| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let level = if i / 700 % 3 == 1 { 30.0 } else { 900.0 };
            let noise = (f64::from(state >> 8) / 8_388_608.0 - 1.0) * level;
            let next = noise + 1.34 * y[0] - 0.9 * y[1];
            y = [next, y[0]];
            next.clamp(-32_768.0, 32_767.0) as i16
        };
        (0..6000).map(&mut sample).collect()
    }

    #[test]
    fn looking_ahead_beats_the_recommended_encoder_by_a_decibel() {
        for x in [signal(), bursts()] {
            let nibbles = encode_ima(&x, &mut ImaState::default());
            let plain = squared_error(&x, &decode_ima(&nibbles, &mut ImaState::default(), ImaDecoding::Additive));
            for decoding in [ImaDecoding::Additive, ImaDecoding::Multiplicative] {
                let gain = 10.0 * (plain / error_of(&x, decoding, 16)).log10();
                assert!(gain > 1.0, "{decoding:?}: {gain}");
            }
        }
    }

    #[test]
    fn short_signals_are_searched_exhaustively() {
        // Three samples: 16^3 sequences.
        let x = [300i16, -500, 4000];
        let best = (0..1u32 << 12)
            .map(|code| {
                let nibbles = [8, 4, 0].map(|shift| (code >> shift & 15) as u8);
                squared_error(&x, &decode_ima(&nibbles, &mut ImaState::default(), ImaDecoding::Additive))
            })
            .fold(f64::INFINITY, f64::min);
        assert_eq!(error_of(&x, ImaDecoding::Additive, 1024), best);
    }

    #[test]
    fn segments_join_and_wrong_numbers_are_refused() {
        let x: Vec<i16> = signal().into_iter().cycle().take(SEGMENT + 100).collect();
        assert!(error_of(&x, ImaDecoding::Additive, 2) > 0.0);
        assert!(encode_ima_look_ahead(&x, &mut ImaState::default(), ImaDecoding::Additive, 0).is_err());
        let nothing = encode_ima_look_ahead(&[], &mut ImaState::default(), ImaDecoding::Additive, 4);
        assert!(nothing.expect("legal").is_empty());
    }
}
