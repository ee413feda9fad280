//! Codebooks for the magnitudes of a band, by the band's mean magnitude: `--band-quantizer lloyd-max`.
//!
//! A band says which of 8 codebooks it uses. Magnitude m stands for the m-th level of the codebook, in steps of the
//! band; beyond the last level the levels go on by whole steps.

use crate::{Error, Result};

/// Codebooks of a file.
pub(crate) const N_CODEBOOKS: usize = 8;
/// The most levels of a codebook, zero not counted.
pub(crate) const MOST_LEVELS: usize = 15;
/// Levels are stored in this many parts of a step.
pub(crate) const PARTS: f32 = 64.0;
/// The largest stored level: 12 bits.
const LEVEL_LIMIT: u16 = 4095;

/// The codebooks of a file. By default all of them are empty: level m is m steps.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Codebooks {
    /// For each codebook its levels above zero in 1/64 steps, ascending, at most 15 of them.
    levels: [Vec<u16>; N_CODEBOOKS],
}

impl Codebooks {
    /// Codebooks of these levels, in 1/64 steps.
    ///
    /// # Errors
    /// `InvalidParameter` unless each has at most 15 levels, ascending, within 1..=4095.
    pub fn new(levels: [Vec<u16>; N_CODEBOOKS]) -> Result<Self> {
        for book in &levels {
            let is_ascending = book.windows(2).all(|w| w[0] < w[1]);
            let is_within = book.iter().all(|l| (1..=LEVEL_LIMIT).contains(l));
            if book.len() > MOST_LEVELS || !is_ascending || !is_within {
                let allowed = "at most 15 ascending levels within 1 and 4095";
                return Err(Error::invalid("codebook levels in 1/64 steps", format!("{book:?}"), allowed));
            }
        }
        Ok(Self { levels })
    }

    /// Level of `magnitude` > 0 in codebook `class`, in steps.
    #[inline]
    pub fn level(&self, class: u8, magnitude: u32) -> f32 {
        let book = &self.levels[usize::from(class) % N_CODEBOOKS];
        match (book.get(magnitude as usize - 1), book.last()) {
            (Some(&level), _) => f32::from(level) / PARTS,
            (None, Some(&last)) => f32::from(last) / PARTS + (magnitude - book.len() as u32) as f32,
            (None, None) => magnitude as f32,
        }
    }

    /// Magnitude of the level nearest to `steps` >= 0.
    pub fn nearest(&self, class: u8, steps: f32) -> u32 {
        let book = &self.levels[usize::from(class) % N_CODEBOOKS];
        let last = book.last().map_or(0.0, |&last| f32::from(last) / PARTS);
        if steps.is_nan() || steps >= last {
            return book.len() as u32 + (steps - last + 0.5) as u32;
        }
        let upper = book.iter().position(|&level| steps * PARTS < f32::from(level)).unwrap_or(book.len());
        let lower_level = if upper == 0 { 0.0 } else { f32::from(book[upper - 1]) };
        let is_upper = steps * PARTS - lower_level >= f32::from(book[upper]) - steps * PARTS;
        upper as u32 + u32::from(is_upper)
    }

    /// For each codebook a byte that counts its levels, then so many u16.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for book in &self.levels {
            bytes.push(book.len() as u8);
            book.iter().for_each(|level| bytes.extend(level.to_le_bytes()));
        }
        bytes
    }

    /// Reads the codebooks at the front of `bytes` and moves past them; `None` when they break a rule.
    pub fn read(bytes: &mut &[u8]) -> Option<Self> {
        let mut levels: [Vec<u16>; N_CODEBOOKS] = Default::default();
        for book in &mut levels {
            let (&n, rest) = bytes.split_first()?;
            let (stored, rest) = rest.split_at_checked(2 * usize::from(n))?;
            *book = stored.chunks_exact(2).map(|b| u16::from_le_bytes([b[0], b[1]])).collect();
            *bytes = rest;
        }
        Self::new(levels).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn books() -> Codebooks {
        let mut levels: [Vec<u16>; N_CODEBOOKS] = Default::default();
        levels[3] = vec![70, 120, 200];
        Codebooks::new(levels).expect("ascending")
    }

    #[test]
    fn levels_go_on_by_whole_steps() {
        let books = books();
        assert_eq!([1, 3, 5].map(|m| books.level(3, m)), [70.0 / 64.0, 200.0 / 64.0, 200.0 / 64.0 + 2.0]);
        assert_eq!(books.level(0, 7), 7.0);
    }

    #[test]
    fn the_nearest_level_is_found() {
        let books = books();
        for class in [0, 3] {
            for i in 0..600 {
                let steps = i as f32 * 0.0113;
                let error = |m: u32| (if m == 0 { 0.0 } else { books.level(class, m) } - steps).abs();
                let best = (0..12).map(error).fold(f32::INFINITY, f32::min);
                assert!(error(books.nearest(class, steps)) < best + 1e-5, "class {class}, {steps} steps");
            }
        }
    }

    #[test]
    fn codebooks_return_from_bytes() {
        let bytes = books().to_bytes();
        let mut rest = &bytes[..];
        assert_eq!(Codebooks::read(&mut rest), Some(books()));
        assert!(rest.is_empty());
        assert_eq!(Codebooks::read(&mut &bytes[..bytes.len() - 1]), None);
        // too many levels; not ascending
        assert_eq!(Codebooks::read(&mut &[16; 40][..]), None);
        assert_eq!(Codebooks::read(&mut &[2, 5, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0][..]), None);
    }
}
