//! Pairs of channels, and mid/side.
//!
//! Two channels that stand left and right of the listener form a pair: they share a block tree, and each band of each
//! block is coded as left/right or as mid/side, `M = (L + R)/sqrt 2`, `S = (L - R)/sqrt 2`. All others are single.
//! The speaker of a channel comes from the mask of WAVE_FORMAT_EXTENSIBLE: the i-th channel is the i-th set bit.

use super::model::Counter;
use crate::range_coder::BitCoder;

/// Left and right speakers, as bits of the mask: front, back, front of centre, side, top front, top back.
const PAIRS: [(u32, u32); 6] = [(0, 1), (4, 5), (6, 7), (9, 10), (12, 14), (15, 17)];

/// The masks of files that state none, by number of channels.
const DEFAULT_MASKS: [u32; 9] = [0, 0x4, 0x3, 0x7, 0x33, 0x37, 0x3F, 0x13F, 0x63F];

/// One channel, or two that are coded together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Element {
    /// The first channel.
    pub first: usize,
    /// The second of a pair.
    pub second: Option<usize>,
}

impl Element {
    /// The element's channels in order.
    pub fn channels(self) -> impl Iterator<Item = usize> + Clone {
        std::iter::once(self.first).chain(self.second)
    }

    /// One or two.
    pub fn n_channels(self) -> usize {
        1 + usize::from(self.second.is_some())
    }
}

/// The speaker mask that `n_channels` have when none is stated; 0 when there are too many to guess.
pub(crate) fn default_mask(n_channels: usize) -> u32 {
    DEFAULT_MASKS.get(n_channels).copied().unwrap_or(0)
}

/// The elements of a file of `n_channels` with this speaker mask (0: none stated), in the order of their first channel.
pub(crate) fn elements(n_channels: usize, mask: u32) -> Vec<Element> {
    let mask = if mask == 0 { default_mask(n_channels) } else { mask };
    let speakers: Vec<u32> = (0..32).filter(|bit| mask >> bit & 1 == 1).collect();
    let channel_of = |speaker| speakers.iter().position(|&s| s == speaker).filter(|&c| c < n_channels);
    let partner = |channel: usize, left_first: bool| {
        let speaker = *speakers.get(channel)?;
        PAIRS.iter().find_map(|&(left, right)| match left_first {
            true => (speaker == left).then(|| channel_of(right))?,
            false => (speaker == right).then(|| channel_of(left))?,
        })
    };
    (0..n_channels)
        .filter(|&c| partner(c, false).is_none())
        .map(|c| Element { first: c, second: partner(c, true) })
        .collect()
}

/// Left/right to mid/side and, being its own inverse, back.
pub(crate) fn rotate(a: &mut [f32], b: &mut [f32]) {
    const HALF_ROOT: f32 = std::f32::consts::FRAC_1_SQRT_2;
    for (a, b) in a.iter_mut().zip(b) {
        (*a, *b) = ((*a + *b) * HALF_ROOT, (*a - *b) * HALF_ROOT);
    }
}

/// Adaptive model of the mid/side flags, by the flag of this cell in the block before and that of the band below.
#[derive(Debug, Clone)]
pub(crate) struct StereoModel {
    flags: [[Counter; 2]; 2],
}

impl StereoModel {
    /// A model at the start of a group.
    pub(crate) fn new() -> Self {
        Self { flags: [[Counter::NEW; 2]; 2] }
    }

    /// Codes one flag.
    pub(crate) fn code<C: BitCoder>(&mut self, coder: &mut C, before: bool, below: bool, is_mid_side: bool) -> bool {
        self.flags[usize::from(before)][usize::from(below)].code(coder, is_mid_side)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(n: usize, mask: u32) -> Vec<(usize, Option<usize>)> {
        elements(n, mask).iter().map(|e| (e.first, e.second)).collect()
    }

    #[test]
    fn masks_name_the_pairs() {
        assert_eq!(pairs(1, 0), [(0, None)]);
        assert_eq!(pairs(2, 0), [(0, Some(1))]);
        assert_eq!(pairs(6, 0x3F), [(0, Some(1)), (2, None), (3, None), (4, Some(5))]);
        assert_eq!(pairs(6, 0), pairs(6, 0x3F));
        assert_eq!(pairs(2, 0x5), [(0, None), (1, None)]);
        // more channels than speakers, and a pair whose partner has no channel
        assert_eq!(pairs(3, 0x1), [(0, None), (1, None), (2, None)]);
        assert_eq!(pairs(1, 0x3), [(0, None)]);
        assert_eq!(pairs(255, 0).len(), 255);
    }

    #[test]
    fn every_channel_is_in_one_element() {
        for mask in [0, 0x3, 0x63F, 0x2D03F, u32::MAX, 0x8000_0001] {
            for n in 1..40 {
                let mut all: Vec<usize> = elements(n, mask).iter().flat_map(|e| e.channels()).collect();
                all.sort_unstable();
                assert_eq!(all, (0..n).collect::<Vec<_>>(), "mask {mask:x}");
            }
        }
    }
}
