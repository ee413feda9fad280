//! Signals of so few distinct values, such as silence, that each has a level of its own, whatever the method.

use crate::{
    Result,
    design::Samples,
    quantizer::{Codebook, VectorCodebook, packet::Scheme},
};

/// Most levels: those of a fine codebook.
const MOST_LEVELS: usize = 1 << 16;

/// Numbers as a decoder is told them: in single precision.
pub(super) fn storable(numbers: Vec<f64>) -> Vec<f64> {
    numbers.into_iter().map(|x| f64::from(x as f32)).collect()
}

/// A scheme with a level at each value.
///
/// # Errors
/// As [`Codebook::from_levels`].
pub(super) fn each_value(samples: &Samples) -> Result<Scheme> {
    Ok(Scheme::Codebook(codebook(samples.values().to_vec())?))
}

/// Whether the rate keeps every sample as it is.
pub(super) fn fits(samples: &Samples, rate_bits: f64) -> bool {
    samples.n_distinct() <= MOST_LEVELS && samples.entropy_bits() <= rate_bits
}

/// The codebook of levels as a decoder is told them; those that are one number then are one level.
///
/// # Errors
/// As [`Codebook::from_levels`].
pub(super) fn codebook(levels: Vec<f64>) -> Result<Codebook> {
    let mut levels = storable(levels);
    levels.dedup();
    Codebook::from_levels(levels)
}

/// Ascending levels, `n` of them: those given, and more midway in the widest gaps.
pub(super) fn filled_up(levels: Vec<f64>, n: usize) -> Vec<f64> {
    let mut levels = storable(levels);
    levels.dedup();
    while levels.len() < n {
        // As many gaps as levels are missing, the widest first; of one level, the next numbers above it.
        let mut gaps: Vec<(f64, f64)> = levels.windows(2).map(|pair| (pair[1] - pair[0], pair[0])).collect();
        gaps.sort_by(|a, b| b.0.total_cmp(&a.0));
        let middles: Vec<f64> = gaps.iter().take(n - levels.len()).map(|(gap, low)| low + 0.5 * gap).collect();
        let before = levels.len();
        levels.extend(storable(middles));
        levels.sort_by(f64::total_cmp);
        levels.dedup();
        if levels.len() == before {
            let top = levels[before - 1] as f32;
            levels.push(f64::from(top.next_up()));
        }
    }
    levels
}

/// The vectors that differ, one after the other, when they are fewer than `n`.
pub(super) fn vectors(dimension: usize, data: &[f64], n: usize) -> Result<Option<VectorCodebook>> {
    let mut distinct: Vec<&[f64]> = data.chunks_exact(dimension).collect();
    distinct.sort_by(|a, b| {
        a.iter().zip(*b).map(|(a, b)| a.total_cmp(b)).find(|o| o.is_ne()).unwrap_or(std::cmp::Ordering::Equal)
    });
    distinct.dedup();
    match distinct.len() < n {
        true => VectorCodebook::new(dimension, storable(distinct.concat())).map(Some),
        false => Ok(None),
    }
}

/// What the user should know.
pub(super) fn warning(n_distinct: usize, what: &str) -> String {
    match n_distinct {
        1 => format!("only 1 distinct {what}: it has a level of its own"),
        n => format!("only {n} distinct {what}s: each has a level of its own"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_filled_up_in_between() {
        assert_eq!(filled_up(vec![0.0, 1.0, 4.0], 5), [0.0, 0.5, 1.0, 2.5, 4.0]);
        let one = filled_up(vec![0.25], 4);
        assert!(one.len() == 4 && one.windows(2).all(|pair| pair[0] < pair[1]));
        assert_eq!(filled_up(vec![0.0, 1e-60, 1.0], 2), [0.0, 1.0]);
    }
}
