//! Loudness of a whole file, L of the noise target: log2 of the 0.3-mean of the bands' mean powers per coefficient,
//! over all superframes, channels and bands.

use super::{bands::BandTables, block_tree::BlockTree, lapped_blocks::LappedBlocks};

/// Exponent of the mean: near that of loudness in sones.
const EXPONENT: f64 = 0.3;

/// Adds up loudness superframe by superframe.
pub struct LoudnessMeter {
    tables: BandTables,
    blocks: LappedBlocks,
    work: Vec<f32>,
    sum: f64,
    count: f64,
}

impl LoudnessMeter {
    /// A meter that has heard nothing.
    pub fn new(tables: BandTables, superframe_samples: usize) -> Self {
        Self {
            tables,
            blocks: LappedBlocks::new(superframe_samples),
            work: vec![0.0; 2 * superframe_samples],
            sum: 0.0,
            count: 0.0,
        }
    }

    /// Takes in one superframe of one channel.
    ///
    /// - `x`: the superframe of N samples with N/2 samples on both sides
    pub fn push(&mut self, x: &[f32]) {
        let n = self.work.len() / 2;
        self.work.copy_from_slice(x);
        for boundary in [n / 2, n + n / 2] {
            let (left, right) = self.work.split_at_mut(boundary);
            self.blocks.fold_boundary(0, 0, left, right);
        }
        let block = &mut self.work[n / 2..n + n / 2];
        self.blocks.transform(&BlockTree::ONE_BLOCK, block);
        for band in self.tables.at(0) {
            let energy: f32 = block[band.start..band.end].iter().map(|x| x * x).sum();
            self.sum += f64::from(energy / band.width() as f32).powf(EXPONENT);
        }
        self.count += self.tables.at(0).len() as f64;
    }

    /// Lets what was heard so far weigh `keep` as much, 0..=1: for streams, a running mean.
    pub fn forget(&mut self, keep: f64) {
        self.sum *= keep;
        self.count *= keep;
    }

    /// L, log2 of power per coefficient; that of 16-bit noise for silence and for nothing.
    pub fn loudness(&self) -> f32 {
        let mean = self.sum / self.count.max(1.0);
        (mean.log2() / EXPONENT).max(QUIETEST) as f32
    }
}

/// log2 of the noise power of 16 bits, 2^-32/12 times 4.
const QUIETEST: f64 = -33.6;
