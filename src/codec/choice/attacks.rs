//! Attacks out of near silence: noise may precede them by 3 ms, the reach of pre-masking.
//!
//! ```text
//! energy of hops of N/64:   ..........#####      hop h and the two before become blocks of their own
//!                                  | | h
//! ```
//!
//! The search by cost ends at N/32, whose noise begins up to 5.4 ms before a click. Blocks of N/64 everywhere would
//! cost rate (castanets 1 to 5 % for the same quality), so they stand only where energy jumps by 40 dB. The two blocks
//! before keep the click, wherever it lies in its hop, out of the overlap of a longer block.

use crate::codec::format::block_tree::{MAX_BLOCKS, MAX_DEPTH};

/// An attack has this many times the energy of any hop in the 11 ms before, but for the one right before it, where it
/// may have begun.
const JUMP: f32 = 1e4;
/// Mean power of what counts as silence: that of 16-bit noise.
const FLOOR: f32 = 1e-10;

/// Hops looked at before the superframe.
const HOPS_BEFORE: usize = 9;
/// Hops looked at after it: their attacks reach back.
const HOPS_AFTER: usize = 2;

/// Samples that [`short_blocks`] needs before and after a superframe of N samples.
pub(crate) fn reach(superframe_samples: usize) -> [usize; 2] {
    [HOPS_BEFORE, HOPS_AFTER].map(|hops| hops * (superframe_samples >> MAX_DEPTH))
}

/// Which blocks of N/64 the tree must have, the first as the lowest bit.
///
/// - `x`: one channel, the superframe with [`reach`] samples on both sides
pub(crate) fn short_blocks(x: &[f32]) -> u64 {
    const N_HOPS: usize = HOPS_BEFORE + MAX_BLOCKS + HOPS_AFTER;
    let hop = x.len() / N_HOPS;
    let mut energies = [0.0_f32; N_HOPS];
    for (energy, x) in energies.iter_mut().zip(x.chunks_exact(hop)) {
        *energy = x.iter().map(|x| x * x).sum::<f32>() + FLOOR * hop as f32;
    }
    let mut blocks = 0;
    for (h, around) in energies.windows(HOPS_BEFORE + 1).enumerate() {
        let before = around[..HOPS_BEFORE - 1].iter().fold(0.0_f32, |most, &e| most.max(e));
        if around[HOPS_BEFORE] > JUMP * before {
            (h.saturating_sub(2)..=h).filter(|&block| block < MAX_BLOCKS).for_each(|block| blocks |= 1_u64 << block);
        }
    }
    blocks
}

#[cfg(test)]
mod tests {
    use super::*;

    const N: usize = 4096;

    fn blocks_of(signal: impl Fn(isize) -> f32) -> Vec<usize> {
        let [before, after] = reach(N);
        let x: Vec<f32> = (0..before + N + after).map(|i| signal(i as isize - before as isize)).collect();
        let blocks = short_blocks(&x);
        (0..MAX_BLOCKS).filter(|block| blocks >> block & 1 == 1).collect()
    }

    #[test]
    fn a_click_out_of_silence_gets_its_own_blocks() {
        let click = |at: isize| move |i: isize| if i == at { 0.5 } else { 0.0 };
        assert_eq!(blocks_of(click(64 * 20 + 63)), [18, 19, 20]);
        assert_eq!(blocks_of(click(0)), [0]);
        // in the superframe after
        assert_eq!(blocks_of(click(4096)), [62, 63]);
        assert_eq!(blocks_of(click(4096 + 64)), [63]);
        assert!(blocks_of(click(4096 + 127 + 1)).is_empty());
    }

    #[test]
    fn steady_sounds_and_small_jumps_do_not() {
        assert!(blocks_of(|_| 0.0).is_empty());
        assert!(blocks_of(|i| (i as f32 * 0.3).sin()).is_empty());
        let step = |low: f32| move |i: isize| if i < 1000 { low } else { 0.5 };
        assert!(blocks_of(step(0.01)).is_empty(), "34 dB");
        assert_eq!(blocks_of(step(0.002)), [13, 14, 15, 16], "48 dB, from the 40th sample of hop 15 on");
    }
}
