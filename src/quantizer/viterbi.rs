//! The path through a trellis with the least sum of costs.
//!
//! Each sample offers four subsets with a cost each. A new state in the lower half has its two predecessors among the
//! even states, one in the upper half among the odd ones:
//!
//! ```text
//! d <  S/2:  from 2 d         by bit 0 (D0),   from 2 (d ^ h)         by bit 1 (D2)
//! d >= S/2:  from 2 (d ^ f)+1 by bit 0 (D1),   from 2 (d ^ f ^ h)+1   by bit 1 (D3)
//! ```
//!
//! with f and h the state's feedback and input connections (d ^ f falls into the lower half). Long signals are cut into
//! blocks; each is searched some way into the next, from the state at which the one before ended.

use super::trellis::{Trellis, connections};

/// Cost of the best level of each subset D0..D3.
pub(super) type Costs = [f32; 4];

/// Samples decided at a time.
pub(super) const BLOCK: usize = 4096;
/// Samples searched beyond a block. Survivors of 256 states merge within about 10 times 8 samples; where they have not, the
/// best path is taken, which costs less than the block's share of rounding.
pub(super) const LOOK_AHEAD: usize = 192;
/// Samples after which path costs are brought back to around zero, so that f32 keeps its resolution.
const RESCALE: usize = 64;

/// Memory of the search.
#[derive(Debug, Clone)]
pub(super) struct Viterbi {
    trellis: Trellis,
    /// For each sample and state: 1 where bit 1 led there.
    decisions: Vec<u8>,
}

impl Viterbi {
    pub(super) fn new(trellis: Trellis) -> Self {
        Self { trellis, decisions: Vec::new() }
    }

    /// The bits of the best path through `costs` from state `start`, into the front of them that `bits` holds. Returns
    /// the state after these.
    pub(super) fn search(&mut self, start: u32, costs: &[Costs], bits: &mut [u8]) -> u32 {
        debug_assert!(bits.len() <= costs.len());
        let n_states = self.trellis.n_states();
        self.decisions.resize(costs.len() * n_states, 0);
        let mut state = match n_states {
            4 => forward::<4>(start, costs, &mut self.decisions),
            8 => forward::<8>(start, costs, &mut self.decisions),
            16 => forward::<16>(start, costs, &mut self.decisions),
            32 => forward::<32>(start, costs, &mut self.decisions),
            64 => forward::<64>(start, costs, &mut self.decisions),
            128 => forward::<128>(start, costs, &mut self.decisions),
            _ => forward::<256>(start, costs, &mut self.decisions),
        };
        let (feedback, input) = connections(n_states);
        let half = n_states as u32 / 2;
        let mut end = state;
        for i in (0..costs.len()).rev() {
            let bit = u32::from(self.decisions[i * n_states + state as usize]);
            if i < bits.len() {
                bits[i] = bit as u8;
            }
            if i + 1 == bits.len() {
                end = state;
            }
            let flip = input * bit;
            state = if state < half { 2 * (state ^ flip) } else { 2 * (state ^ feedback ^ flip) + 1 };
        }
        debug_assert_eq!(state, start);
        end
    }
}

/// Fills the decisions; returns the state at the end of the best path.
fn forward<const S: usize>(start: u32, costs: &[Costs], decisions: &mut [u8]) -> u32 {
    // Far above any sum of costs between two rescalings, far below overflow.
    let mut now = [1e30_f32; S];
    now[start as usize] = 0.0;
    let (blocks, _) = decisions.as_chunks_mut::<S>();
    for (i, (costs, taken)) in costs.iter().zip(blocks).enumerate() {
        now = step(&now, costs, taken);
        if i % RESCALE == RESCALE - 1 {
            let least = now.iter().copied().fold(f32::INFINITY, f32::min);
            now.iter_mut().for_each(|cost| *cost -= least);
        }
    }
    let best = (0..S).min_by(|&a, &b| now[a].total_cmp(&now[b]));
    best.expect("there are at least four states") as u32
}

/// One sample: the cost of the best path to each state, and the bit that led there.
#[inline(always)]
fn step<const S: usize>(now: &[f32; S], costs: &Costs, taken: &mut [u8; S]) -> [f32; S] {
    let (feedback, input) = const { connections(S) };
    let (feedback, input) = (feedback as usize, input as usize);
    let mut next = [0.0; S];
    for d in 0..S / 2 {
        let zero = now[2 * d] + costs[0];
        let one = now[2 * (d ^ input)] + costs[2];
        taken[d] = u8::from(one < zero);
        next[d] = if one < zero { one } else { zero };
    }
    for d in S / 2..S {
        let zero = now[2 * (d ^ feedback) + 1] + costs[1];
        let one = now[2 * (d ^ feedback ^ input) + 1] + costs[3];
        taken[d] = u8::from(one < zero);
        next[d] = if one < zero { one } else { zero };
    }
    next
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All paths, one by one.
    fn exhaustive(trellis: Trellis, start: u32, costs: &[Costs]) -> f32 {
        let paths = (0..1u32 << costs.len()).map(|bits| {
            let (mut state, mut sum) = (start, 0.0);
            for (i, costs) in costs.iter().enumerate() {
                let bit = bits >> i & 1;
                sum += costs[(2 * bit + trellis.coset(state)) as usize];
                state = trellis.next(state, bit);
            }
            sum
        });
        paths.fold(f32::INFINITY, f32::min)
    }

    #[test]
    fn the_path_is_the_cheapest_of_all() {
        let mut seed = 1u32;
        let mut noise = || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 8) as f32 / 65_536.0
        };
        for n_states in [4, 8, 16, 32, 64, 128, 256] {
            let trellis = Trellis::new(n_states).expect("legal");
            for start in [0, 3, n_states as u32 - 1] {
                let costs: Vec<Costs> = (0..11).map(|_| [noise(), noise(), noise(), noise()]).collect();
                let mut bits = [0; 11];
                let end = Viterbi::new(trellis).search(start, &costs, &mut bits);
                let (mut state, mut sum) = (start, 0.0);
                for (costs, &bit) in costs.iter().zip(&bits) {
                    sum += costs[(2 * u32::from(bit) + trellis.coset(state)) as usize];
                    state = trellis.next(state, u32::from(bit));
                }
                assert_eq!(state, end);
                let best = exhaustive(trellis, start, &costs);
                assert!((sum - best).abs() < 1e-3, "{n_states} states from {start}: {sum} against {best}");
            }
        }
    }

    #[test]
    fn only_the_front_is_decided() {
        let costs = [[0.0, 9.0, 1.0, 9.0], [5.0, 1.0, 0.0, 2.0], [1.0, 0.0, 4.0, 3.0]];
        let trellis = Trellis::new(8).expect("legal");
        let (mut all, mut front) = ([0; 3], [0; 1]);
        Viterbi::new(trellis).search(0, &costs, &mut all);
        let end = Viterbi::new(trellis).search(0, &costs, &mut front);
        assert_eq!(front[0], all[0]);
        assert_eq!(end, trellis.next(0, u32::from(front[0])));
    }
}
