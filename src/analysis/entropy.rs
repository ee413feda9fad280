//! Entropy of a quantizer's indices: what an ideal memoryless entropy coder would spend on them.
//!
//! `H = -sum p log2 p` over the relative frequencies p, bits per sample. Small alphabets are counted in a table, large
//! ones in a map of bounded size.
//!
//! Source: C. E. Shannon, "A mathematical theory of communication", 1948.

use std::{collections::HashMap, ops::RangeInclusive};

use super::figure::{Absent, Figure};

/// Largest alphabet counted in a table; above, a map is used, up to [`MAX_ALPHABET`].
const MAX_TABLE: i64 = 1 << 16;
/// Largest alphabet counted in several tables at once.
const MAX_SMALL: i64 = 1 << 12;
/// Tables of a small alphabet, taken in turns: equal indices in a row need not wait for one another's count.
const TURNS: usize = 4;
/// Most different indices that are counted: 2^20 map entries are some 32 MiB.
const MAX_ALPHABET: usize = 1 << 20;
/// How often each index came.
#[derive(Debug, Clone)]
pub(super) enum IndexCounts {
    NotAsked,
    Small { first: i32, counts: Vec<[u64; TURNS]> },
    Table { first: i32, counts: Vec<u64> },
    Map(HashMap<i32, u64>),
    TooMany,
}

impl IndexCounts {
    pub(super) fn new(indices: Option<&RangeInclusive<i32>>) -> Self {
        let Some(range) = indices else { return Self::NotAsked };
        let n_levels = i64::from(*range.end()) - i64::from(*range.start()) + 1;
        if (1..=MAX_SMALL).contains(&n_levels) {
            Self::Small { first: *range.start(), counts: vec![[0; TURNS]; n_levels as usize] }
        } else if (1..=MAX_TABLE).contains(&n_levels) {
            Self::Table { first: *range.start(), counts: vec![0; n_levels as usize] }
        } else {
            Self::Map(HashMap::new())
        }
    }

    pub(super) fn push(&mut self, indices: &[i32]) {
        match self {
            Self::NotAsked | Self::TooMany => {}
            Self::Small { first, counts } => {
                let last = counts.len() - 1;
                for turn in indices.chunks(TURNS) {
                    for (table, index) in turn.iter().enumerate() {
                        counts[(index.wrapping_sub(*first) as u32 as usize).min(last)][table] += 1;
                    }
                }
            }
            Self::Table { first, counts } => {
                let last = counts.len() - 1;
                for index in indices {
                    counts[(index.wrapping_sub(*first) as u32 as usize).min(last)] += 1;
                }
            }
            Self::Map(map) => {
                for index in indices {
                    *map.entry(*index).or_insert(0) += 1;
                }
                if map.len() > MAX_ALPHABET {
                    *self = Self::TooMany;
                }
            }
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        match (&mut *self, other) {
            (Self::Small { counts, .. }, Self::Small { counts: theirs, .. }) => {
                counts.as_flattened_mut().iter_mut().zip(theirs.as_flattened()).for_each(|(a, b)| *a += b);
            }
            (Self::Table { counts, .. }, Self::Table { counts: theirs, .. }) => {
                counts.iter_mut().zip(theirs).for_each(|(a, b)| *a += b);
            }
            (Self::Map(map), Self::Map(theirs)) => {
                for (index, count) in theirs {
                    *map.entry(*index).or_insert(0) += count;
                }
                if map.len() > MAX_ALPHABET {
                    *self = Self::TooMany;
                }
            }
            (_, Self::TooMany) => *self = Self::TooMany,
            _ => {}
        }
    }

    pub(super) fn entropy_bits(&self) -> Figure {
        match self {
            Self::NotAsked => Err(Absent::NotApplicable { needs: "the indices of a quantizer" }),
            Self::TooMany => Err(Absent::AlphabetTooLarge { limit: MAX_ALPHABET }),
            Self::Small { counts, .. } => entropy_bits(counts.iter().map(|turns| turns.iter().sum()).collect()),
            Self::Table { counts, .. } => entropy_bits(counts.clone()),
            Self::Map(map) => entropy_bits(map.values().copied().collect()),
        }
    }
}

/// `-sum p log2 p` of the counts, summed in order of size: a map's order must not show in the last digit.
fn entropy_bits(mut counts: Vec<u64>) -> Figure {
    counts.sort_unstable();
    let n: u64 = counts.iter().sum();
    if n == 0 {
        return Err(Absent::TooShort { n_samples: 0, needed: 1 });
    }
    let term = |count: &u64| {
        let p = *count as f64 / n as f64;
        -p * p.log2()
    };
    Ok(counts.iter().filter(|&&c| c > 0).map(term).sum::<f64>().max(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_frequencies_give_log2_of_their_number() {
        for range in [0..=15, i32::MIN..=i32::MAX] {
            let mut counts = IndexCounts::new(Some(&range));
            for _ in 0..3 {
                counts.push(&(0..16).collect::<Vec<_>>());
            }
            assert_eq!(counts.entropy_bits(), Ok(4.0));
        }
    }

    #[test]
    fn table_and_map_agree_to_the_last_bit() {
        let indices: Vec<i32> = (0..5000).map(|i| (i * i) % 97 - 40).collect();
        let mut table = IndexCounts::new(Some(&(-128..=127)));
        let mut map = IndexCounts::new(Some(&(i32::MIN..=i32::MAX)));
        table.push(&indices);
        map.push(&indices);
        assert_eq!(table.entropy_bits(), map.entropy_bits());
        assert!(table.entropy_bits().expect("counted") > 4.0);
    }

    #[test]
    fn too_large_an_alphabet_is_named() {
        let mut counts = IndexCounts::new(Some(&(i32::MIN..=i32::MAX)));
        counts.push(&(0..=MAX_ALPHABET as i32).collect::<Vec<_>>());
        assert_eq!(counts.entropy_bits(), Err(Absent::AlphabetTooLarge { limit: MAX_ALPHABET }));
    }
}
