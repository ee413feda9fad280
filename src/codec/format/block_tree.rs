//! The blocks of a superframe of N samples: a binary tree, coded as one flag a node, depth first.
//!
//! ```text
//! N = 4096   |        2048        |   1024   | 512 | 512 |       flags  1 0 1 0 1 0 0
//! ```
//!
//! Between neighbouring blocks of n_l and n_r samples the overlap is min(n_l, n_r).

use super::{bands::N_DEPTHS, model::Counter};
use crate::range_coder::BitCoder;

/// Blocks of N/64 are the shortest.
pub(crate) const MAX_DEPTH: usize = N_DEPTHS - 1;
/// The most blocks a superframe can have.
pub(crate) const MAX_BLOCKS: usize = 1 << MAX_DEPTH;

/// The blocks of a superframe in time order, each as its depth d: it has N >> d samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockTree {
    depths: [u8; MAX_BLOCKS],
    n_blocks: u8,
}

impl BlockTree {
    /// The whole superframe as one block.
    pub const ONE_BLOCK: Self = Self { depths: [0; MAX_BLOCKS], n_blocks: 1 };

    /// The tree whose nodes split where `is_split(depth, index)` says so; `index` counts the nodes of a depth.
    pub fn from_splits(mut is_split: impl FnMut(usize, usize) -> bool) -> Self {
        let mut tree = Self { depths: [0; MAX_BLOCKS], n_blocks: 0 };
        tree.grow(0, 0, &mut is_split);
        tree
    }

    fn grow(&mut self, depth: usize, index: usize, is_split: &mut impl FnMut(usize, usize) -> bool) {
        if depth < MAX_DEPTH && is_split(depth, index) {
            self.grow(depth + 1, 2 * index, is_split);
            self.grow(depth + 1, 2 * index + 1, is_split);
        } else {
            self.depths[usize::from(self.n_blocks)] = depth as u8;
            self.n_blocks += 1;
        }
    }

    /// Depths of the blocks in time order.
    pub fn depths(&self) -> impl DoubleEndedIterator<Item = usize> + ExactSizeIterator + '_ {
        self.depths[..usize::from(self.n_blocks)].iter().map(|&d| usize::from(d))
    }

    /// Depth of the `block_index`-th block, below [`Self::n_blocks`].
    pub fn depth(&self, block_index: usize) -> usize {
        usize::from(self.depths[block_index])
    }

    /// Number of blocks.
    pub fn n_blocks(&self) -> usize {
        usize::from(self.n_blocks)
    }

    /// Depth of the first block.
    pub fn first(&self) -> usize {
        usize::from(self.depths[0])
    }

    /// Depth of the last block.
    pub fn last(&self) -> usize {
        usize::from(self.depths[usize::from(self.n_blocks) - 1])
    }

    /// Codes the tree; returns the one that was coded.
    pub fn code<C: BitCoder>(&self, coder: &mut C, model: &mut TreeModel) -> Self {
        let ends = self.node_is_split();
        Self::from_splits(|depth, index| {
            let wanted = ends[depth] >> index & 1 == 1;
            let bit = model.flags[depth][usize::from(model.last[depth])].code(coder, wanted);
            model.last[depth] = bit;
            bit
        })
    }

    /// For each depth a set of the nodes that split.
    fn node_is_split(&self) -> [u32; N_DEPTHS] {
        let mut split = [0; N_DEPTHS];
        let mut position = 0;
        for depth in self.depths() {
            for (above, split) in split.iter_mut().enumerate().take(depth) {
                *split |= 1 << (position >> (MAX_DEPTH - above));
            }
            position += MAX_BLOCKS >> depth;
        }
        split
    }
}

/// Adaptive model of the flags: how often a node splits, by depth and by the last flag of this depth.
#[derive(Debug, Clone)]
pub struct TreeModel {
    flags: [[Counter; 2]; N_DEPTHS],
    last: [bool; N_DEPTHS],
}

impl TreeModel {
    /// A model at the start of a group.
    pub fn new() -> Self {
        Self { flags: [[Counter::NEW; 2]; N_DEPTHS], last: [false; N_DEPTHS] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::range_coder::{Decoder, Encoder};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn trees_fill_the_superframe_and_return(splits in prop::collection::vec(any::<[u32; 6]>(), 1..20)) {
            let trees: Vec<_> = splits.iter().map(|s| BlockTree::from_splits(|d, i| s[d] >> i & 1 == 1)).collect();
            let (mut model, mut encoder) = (TreeModel::new(), Encoder::new(Vec::new()));
            for tree in &trees {
                prop_assert_eq!(tree.depths().map(|d| MAX_BLOCKS >> d).sum::<usize>(), MAX_BLOCKS);
                prop_assert_eq!(tree.code(&mut encoder, &mut model), *tree);
            }
            let bytes = encoder.finish();
            let (mut model, mut decoder) = (TreeModel::new(), Decoder::new(&bytes));
            for tree in &trees {
                prop_assert_eq!(BlockTree::ONE_BLOCK.code(&mut decoder, &mut model), *tree);
            }
        }
    }

    #[test]
    fn first_and_last_blocks() {
        let tree = BlockTree::from_splits(|depth, index| depth < 2 && index == (1 << depth) - 1);
        assert_eq!(tree.depths().collect::<Vec<_>>(), [1, 2, 2]);
        assert_eq!((tree.first(), tree.last(), tree.n_blocks()), (1, 2, 3));
    }
}
