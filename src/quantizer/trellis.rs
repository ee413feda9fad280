//! Trellises for coded quantization, and fixed-rate trellis-coded quantization.
//!
//! Levels k = ..., -1, 0, 1, 2, ... fall into four subsets by k mod 4. A state allows two of them: even states D0 and D2,
//! odd states D1 and D3. One bit a sample picks between the two and drives the state on:
//!
//! ```text
//! coset z = s & 1,  subset = 2 b + z,  next(s, b) = (s >> 1) ^ (z ? h0 >> 1 : 0) ^ (b ? h1 >> 1 : 0)
//! ```
//!
//! That is the systematic feedback encoder, in observer form, of the rate-1/2 convolutional code with parity-check
//! polynomials h0, h1. Sources: Ungerboeck, Channel coding with multilevel/phase signals, IEEE Trans. IT-28 (1982), 55,
//! table I; Marcellin and Fischer, Trellis coded quantization of memoryless and Gauss-Markov sources, IEEE Trans.
//! COM-38 (1990), 82.

use crate::{Error, Result};

/// Parity-check polynomials h0, h1 of Ungerboeck's one-dimensional codes for 4, 8, ..., 256 states, bit i: delay i.
const CODES: [(u32, u32); 7] =
    [(0o5, 0o2), (0o13, 0o4), (0o23, 0o4), (0o45, 0o10), (0o103, 0o24), (0o235, 0o126), (0o515, 0o362)];

/// What a one at the output and at the input adds to the shifted state; `n_states` is a power of two, 4 to 256.
pub(super) const fn connections(n_states: usize) -> (u32, u32) {
    let (h0, h1) = CODES[n_states.ilog2() as usize - 2];
    (h0 >> 1, h1 >> 1)
}

/// The state machine that encoder and decoder walk along together. It starts in state 0.
///
/// ```
/// use sqnr::quantizer::trellis::Trellis;
///
/// let trellis = Trellis::new(8)?;
/// // The bit of a sample drives the state on, to one of two.
/// assert_ne!(trellis.next(3, 0), trellis.next(3, 1));
/// # Ok::<(), sqnr::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trellis {
    n_states: usize,
    feedback: u32,
    input: u32,
}

impl Trellis {
    /// The trellis of `n_states` states.
    ///
    /// # Errors
    /// `InvalidParameter` unless `n_states` is 4, 8, 16, 32, 64, 128 or 256.
    pub fn new(n_states: usize) -> Result<Self> {
        if !(4..=256).contains(&n_states) || !n_states.is_power_of_two() {
            return Err(Error::invalid("trellis states", n_states, "4, 8, 16, 32, 64, 128 or 256"));
        }
        let (feedback, input) = connections(n_states);
        Ok(Self { n_states, feedback, input })
    }

    /// Number of states.
    pub fn n_states(self) -> usize {
        self.n_states
    }

    /// Which of the two unions of subsets `state` allows: 0 (D0 and D2) or 1 (D1 and D3).
    #[inline]
    pub fn coset(self, state: u32) -> u32 {
        state & 1
    }

    /// The state after `bit`, of which only the lowest bit counts.
    #[inline]
    pub fn next(self, state: u32, bit: u32) -> u32 {
        // All ones or nothing: multiplication by a bit without a branch.
        let mask = |bit: u32| 0u32.wrapping_sub(bit & 1);
        (state >> 1) ^ (self.feedback & mask(state)) ^ (self.input & mask(bit))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_has_two_predecessors_of_one_coset() {
        for n_states in [4, 8, 16, 32, 64, 128, 256] {
            let trellis = Trellis::new(n_states).expect("legal");
            let mut into = vec![Vec::new(); n_states];
            for state in 0..n_states as u32 {
                for bit in 0..2 {
                    into[trellis.next(state, bit) as usize].push(state);
                }
            }
            for from in into {
                assert!(from.len() == 2 && from[0] != from[1], "{n_states} states: {from:?}");
                assert_eq!(trellis.coset(from[0]), trellis.coset(from[1]));
            }
        }
    }

    #[test]
    fn four_states_are_those_of_vvc() {
        // H.266, table of state transitions: quantizer 0 in states 0, 1; here coset 0 in states 0, 2.
        let vvc = [[0, 2], [2, 0], [1, 3], [3, 1]];
        let ours = [0, 2, 1, 3];
        let trellis = Trellis::new(4).expect("legal");
        for (state, next) in vvc.iter().enumerate() {
            assert_eq!(trellis.coset(ours[state]), state as u32 / 2);
            for bit in 0..2 {
                assert_eq!(trellis.next(ours[state], bit), ours[next[bit as usize]]);
            }
        }
    }

    #[test]
    fn other_counts_are_refused() {
        for n_states in [0, 1, 2, 5, 512] {
            assert!(Trellis::new(n_states).is_err());
        }
    }
}
