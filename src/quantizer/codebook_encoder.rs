//! The fast way from `f32` samples to the indices of a codebook of at most 256 levels.

use super::Codebook;
use crate::{Error, Result, kernel};

/// Number of buckets: 16 KiB of bytes stay in the first-level cache beside the thresholds, and the 256 levels of mu-law
/// have a bucket each.
pub(crate) const N_BUCKETS: usize = 16_384;

/// Thresholds in a bucket up to which they are tried one after the other, without a branch.
const MAX_TRIED: usize = 8;

/// Encodes `f32` samples as one-byte indices, equal to [`Quantizer::index`](super::Quantizer::index) of the codebook.
///
/// ```
/// use sqnr::quantizer::{Codebook, CodebookEncoder};
///
/// let codebook = Codebook::from_levels(vec![-1.0, -0.2, 0.2, 1.0])?;
/// let mut indices = [0; 3];
/// CodebookEncoder::new(&codebook)?.encode(&[-0.7, 0.0, 9.0], &mut indices);
/// assert_eq!(indices, [0, 2, 3]);
/// # Ok::<(), sqnr::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct CodebookEncoder {
    table: Box<Table>,
    /// Most thresholds in one bucket.
    n_tried: usize,
}

/// Equal buckets over the span of the thresholds, and the thresholds.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    pub(crate) low: f32,
    pub(crate) per_unit: f32,
    /// `below[b]`: number of thresholds in buckets before b.
    pub(crate) below: [u8; N_BUCKETS],
    /// Each the least f32 not below the threshold; NaN after the last, which no sample reaches.
    pub(crate) thresholds: [f32; 256],
}

impl CodebookEncoder {
    /// The encoder of `codebook`.
    ///
    /// # Errors
    /// `InvalidParameter` for more than 256 levels.
    pub fn new(codebook: &Codebook) -> Result<Self> {
        if codebook.levels().len() > 256 {
            return Err(Error::invalid("levels of a one-byte index", codebook.levels().len(), "1 to 256"));
        }
        let mut table = Table { low: 0.0, per_unit: 0.0, below: [0; N_BUCKETS], thresholds: [f32::NAN; 256] };
        for (kept, &threshold) in table.thresholds.iter_mut().zip(codebook.thresholds()) {
            *kept = round_up(threshold);
        }
        let n = codebook.thresholds().len();
        if n > 0 {
            table.low = table.thresholds[0];
            let per_unit = (N_BUCKETS - 1) as f32 / (table.thresholds[n - 1] - table.low);
            table.per_unit = if per_unit.is_finite() { per_unit } else { 0.0 };
        }
        let n_tried = fill_buckets(&mut table, n);
        Ok(Self { table: Box::new(table), n_tried })
    }

    /// The indices of `x`; NaN has the index of 0.0.
    ///
    /// # Panics
    /// When the slices differ in length.
    pub fn encode(&self, x: &[f32], indices: &mut [u8]) {
        assert_eq!(x.len(), indices.len(), "input and output have one length");
        match self.n_tried {
            0..=1 => kernel::codebook::encode::<1>(&self.table, x, indices),
            2 => kernel::codebook::encode::<2>(&self.table, x, indices),
            3..=4 => kernel::codebook::encode::<4>(&self.table, x, indices),
            5..=MAX_TRIED => kernel::codebook::encode::<MAX_TRIED>(&self.table, x, indices),
            _ => kernel::codebook::encode_by_bisection(&self.table, x, indices),
        }
    }
}

/// Counts the first `n` thresholds into buckets; the most in any one.
fn fill_buckets(table: &mut Table, n: usize) -> usize {
    let mut in_bucket = [0usize; N_BUCKETS];
    for &threshold in &table.thresholds[..n] {
        in_bucket[kernel::codebook::bucket(table, threshold)] += 1;
    }
    let mut before = 0;
    for (below, count) in table.below.iter_mut().zip(in_bucket) {
        // At most 255 thresholds in all.
        *below = before as u8;
        before += count;
    }
    in_bucket.into_iter().max().unwrap_or(0)
}

/// The least f32 that is not below `threshold`: an f32 reaches one exactly when it reaches the other.
fn round_up(threshold: f64) -> f32 {
    let nearest = threshold as f32;
    if f64::from(nearest) < threshold { nearest.next_up() } else { nearest }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::quantizer::{Companding, Compressor, Grid, Quantizer};

    fn agree(codebook: &Codebook, inputs: impl IntoIterator<Item = f32>) {
        let around = codebook.thresholds().iter().flat_map(|&t| {
            let t = t as f32;
            [t.next_down(), t, t.next_up()]
        });
        let odd = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, f32::MIN, 0.0, -0.0, 1e-45];
        let x: Vec<f32> = inputs.into_iter().chain(around).chain(odd).collect();
        let mut indices = vec![0; x.len()];
        CodebookEncoder::new(codebook).expect("at most 256 levels").encode(&x, &mut indices);
        for (&x, &index) in x.iter().zip(&indices) {
            assert_eq!(i32::from(index), codebook.index(x.into()), "{x:e}");
        }
    }

    #[test]
    fn odd_tables_agree() {
        let companding = Companding::new(Compressor::Mu(1e6), Grid::MidRise, 256).expect("legal");
        agree(&Codebook::tabulate(&companding).expect("256 levels"), []);
        for levels in [vec![1.0], vec![0.0, 1.0], vec![-1e300, 0.0, 1e-300, 1e300], vec![1.0, 1.0f64.next_up(), 2.0]] {
            agree(&Codebook::from_levels(levels).expect("ascending"), []);
        }
        let crowded: Vec<f64> = (-30..30).map(|e| 10f64.powi(e)).collect();
        agree(&Codebook::from_levels(crowded).expect("ascending"), []);
        assert!(
            CodebookEncoder::new(&Codebook::from_levels((0..257).map(f64::from).collect()).expect("legal")).is_err()
        );
    }

    proptest! {
        #[test]
        fn indices_are_those_of_the_codebook(
            mut levels in proptest::collection::vec(-1f64..1.0, 1..256), power in 1i32..6,
            x in proptest::collection::vec(-1.2f32..1.2, 64),
        ) {
            levels.iter_mut().for_each(|l| *l = l.powi(2 * power - 1));
            levels.sort_by(f64::total_cmp);
            levels.dedup();
            agree(&Codebook::from_levels(levels).expect("ascending"), x);
        }
    }
}
