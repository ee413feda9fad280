//! The lapped transform of a superframe: its plans for all block sizes, and the rotations between blocks.

use super::{bands::N_DEPTHS, block_tree::BlockTree};
use crate::transform::{Dct4, Overlap, fold, unfold};

/// Plans for blocks of N, N/2, ... N/64 samples.
pub(crate) struct LappedBlocks {
    superframe_samples: usize,
    transforms: [Dct4; N_DEPTHS],
    overlaps: [Overlap; N_DEPTHS],
}

impl LappedBlocks {
    /// Plans for superframes of `superframe_samples`.
    pub(crate) fn new(superframe_samples: usize) -> Self {
        Self {
            superframe_samples,
            transforms: std::array::from_fn(|depth| Dct4::new(superframe_samples >> depth)),
            overlaps: std::array::from_fn(|depth| Overlap::new(superframe_samples >> depth)),
        }
    }

    /// Transforms each block of `tree` in place; its own inverse.
    pub(crate) fn transform(&mut self, tree: &BlockTree, mut x: &mut [f32]) {
        for depth in tree.depths() {
            let (block, rest) = x.split_at_mut(self.superframe_samples >> depth);
            self.transforms[depth].process(block);
            x = rest;
        }
    }

    /// Rotates at the boundary in the middle of `x`, between blocks of these depths, before the transform.
    pub(crate) fn fold_boundary(&self, left_depth: usize, right_depth: usize, left: &mut [f32], right: &mut [f32]) {
        fold(left, right, &self.overlaps[left_depth.max(right_depth)]);
    }

    /// Undoes [`Self::fold_boundary`], after the inverse transform.
    pub(crate) fn unfold_boundary(&self, left_depth: usize, right_depth: usize, left: &mut [f32], right: &mut [f32]) {
        unfold(left, right, &self.overlaps[left_depth.max(right_depth)]);
    }

    /// Rotates at all boundaries within a superframe, before the transform.
    pub(crate) fn fold_inner(&self, tree: &BlockTree, x: &mut [f32]) {
        for (boundary, left, right) in self.inner_boundaries(tree) {
            let (a, b) = x.split_at_mut(boundary);
            self.fold_boundary(left, right, a, b);
        }
    }

    /// Undoes [`Self::fold_inner`], after the inverse transform.
    pub(crate) fn unfold_inner(&self, tree: &BlockTree, x: &mut [f32]) {
        for (boundary, left, right) in self.inner_boundaries(tree) {
            let (a, b) = x.split_at_mut(boundary);
            self.unfold_boundary(left, right, a, b);
        }
    }

    /// Position and the depths on both sides of each boundary within a superframe.
    fn inner_boundaries(&self, tree: &BlockTree) -> impl Iterator<Item = (usize, usize, usize)> + use<'_> {
        let n = self.superframe_samples;
        let tree = *tree;
        let mut boundary = 0;
        (1..tree.n_blocks()).map(move |i| {
            let (left, right) = (tree.depth(i - 1), tree.depth(i));
            boundary += n >> left;
            (boundary, left, right)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        /// Random trees in a row, with the end boundaries folded too: orthonormal and invertible.
        #[test]
        fn random_trees_are_orthonormal(splits in prop::collection::vec(any::<[u32; 6]>(), 1..4), seed in any::<u32>()) {
            const N: usize = 256;
            let trees: Vec<_> = splits.iter().map(|s| BlockTree::from_splits(|d, i| s[d] >> i & 1 == 1)).collect();
            let mut noise = super::super::noise::Noise::new(seed, 0);
            let original: Vec<f32> = (0..N * trees.len()).map(|_| noise.next_uniform()).collect();
            let mut x = original.clone();
            let mut blocks = LappedBlocks::new(N);
            let energy = |v: &[f32]| v.iter().map(|&v| f64::from(v) * f64::from(v)).sum::<f64>();
            for (i, tree) in trees.iter().enumerate() {
                let (a, b) = x.split_at_mut((i + 1) * N);
                if let Some(next) = trees.get(i + 1) {
                    blocks.fold_boundary(tree.last(), next.first(), a, b);
                }
                blocks.fold_inner(tree, &mut a[i * N..]);
                blocks.transform(tree, &mut a[i * N..]);
            }
            prop_assert!((energy(&x) / energy(&original) - 1.0).abs() < 1e-5);
            for (i, tree) in trees.iter().enumerate() {
                blocks.transform(tree, &mut x[i * N..(i + 1) * N]);
                blocks.unfold_inner(tree, &mut x[i * N..(i + 1) * N]);
            }
            for (i, pair) in trees.windows(2).enumerate() {
                let (a, b) = x.split_at_mut((i + 1) * N);
                blocks.unfold_boundary(pair[0].last(), pair[1].first(), a, b);
            }
            prop_assert!(x.iter().zip(&original).all(|(x, y)| (x - y).abs() < 2e-6));
        }
    }
}
