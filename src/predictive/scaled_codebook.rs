//! A codebook in units of a scale that each code multiplies, so that it follows the signal's level without being told.
//!
//! ```text
//! u = d / scale ---> code c            y = scale level[c]            scale *= multiplier[c], within a range
//! ```
//!
//! Source: N. S. Jayant, Adaptive quantization with a one-word memory, Bell System Technical Journal 52, 1973; the
//! multipliers by name are those he gives for PCM and DPCM of speech (Digital coding of speech waveforms, Proc. IEEE 62,
//! 1974, table VIII).

use crate::{
    Error, Result,
    quantizer::{Codebook, Quantizer},
};

/// Most levels: codes are bytes.
const MAX_LEVELS: usize = 256;

/// Whose multipliers the step grows and shrinks by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StepRule {
    /// Differences to a prediction.
    #[default]
    Dpcm,
    /// Samples themselves.
    Pcm,
}

/// Multipliers by magnitude of the code, for 2, 3 and 4 bits.
const PCM_MULTIPLIERS: [&[f64]; 3] = [&[0.6, 2.2], &[0.85, 1.0, 1.0, 1.5], &[0.8, 0.8, 0.8, 0.8, 1.2, 1.6, 2.0, 2.4]];
const DPCM_MULTIPLIERS: [&[f64]; 3] = [&[0.8, 1.6], &[0.9, 0.9, 1.25, 1.75], &[0.9, 0.9, 0.9, 0.9, 1.2, 1.6, 2.0, 2.4]];

/// Levels in units of a scale, and what each code does to the scale.
///
/// ```
/// use sqnr::predictive::{ScaledCodebook, StepRule};
///
/// let steps = ScaledCodebook::jayant(2, StepRule::Pcm)?;
/// assert_eq!(steps.codebook().levels(), [-1.5, -0.5, 0.5, 1.5]);
/// assert_eq!(steps.multipliers(), [2.2, 0.6, 0.6, 2.2]);
/// # Ok::<(), sqnr::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct ScaledCodebook {
    codebook: Codebook,
    multipliers: Vec<f64>,
    first_scale: f64,
    scale_range: (f64, f64),
}

impl ScaledCodebook {
    /// A codebook and the multiplier of each of its codes.
    ///
    /// - `first_scale`: scale at the start, full scale 1.0
    /// - `scale_range`: smallest and largest scale
    ///
    /// # Errors
    /// `InvalidParameter` for more than 256 levels, multipliers that are not finite and above 0, or scales that are not
    /// finite, above 0 and in order; `LengthMismatch` unless there is a multiplier for each level.
    pub fn new(codebook: Codebook, multipliers: Vec<f64>, first_scale: f64, scale_range: (f64, f64)) -> Result<Self> {
        let n_levels = codebook.levels().len();
        if n_levels > MAX_LEVELS {
            return Err(Error::invalid("levels of a scaled codebook", n_levels, format!("1 to {MAX_LEVELS}")));
        }
        if multipliers.len() != n_levels {
            return Err(Error::LengthMismatch { what: "multipliers", expected: n_levels, got: multipliers.len() });
        }
        if let Some(bad) = multipliers.iter().find(|m| !(m.is_finite() && **m > 0.0)) {
            return Err(Error::invalid("multiplier", bad, "finite numbers above 0"));
        }
        let (min, max) = scale_range;
        if !(min > 0.0 && min <= first_scale && first_scale <= max && max.is_finite()) {
            let scales = format!("{min}, {first_scale}, {max}");
            return Err(Error::invalid("scales", scales, "0 < smallest <= first <= largest, all finite"));
        }
        Ok(Self { codebook, multipliers, first_scale, scale_range })
    }

    /// A codebook whose scale is always 1.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn fixed(codebook: Codebook) -> Result<Self> {
        let multipliers = vec![1.0; codebook.levels().len()];
        Self::new(codebook, multipliers, 1.0, (1.0, 1.0))
    }

    /// Jayant's: equal steps from 2^-16 to 1/4 that start at 1/256, code c standing for c + 1/2 steps.
    ///
    /// # Errors
    /// `InvalidParameter` outside 2 to 4 bits.
    pub fn jayant(bits: u32, rule: StepRule) -> Result<Self> {
        if !(2..=4).contains(&bits) {
            return Err(Error::invalid("bits of adaptive steps", bits, "2 to 4"));
        }
        let half = 1i32 << (bits - 1);
        let table = match rule {
            StepRule::Dpcm => DPCM_MULTIPLIERS,
            StepRule::Pcm => PCM_MULTIPLIERS,
        }[bits as usize - 2];
        let multiplier = |code: i32| table[if code < 0 { !code } else { code } as usize];
        let codebook = Codebook::from_levels((-half..half).map(|code| f64::from(code) + 0.5).collect())?;
        Self::new(codebook, (-half..half).map(multiplier).collect(), 1.0 / 256.0, (1.0 / 65_536.0, 0.25))
    }

    /// Levels and thresholds, in units of the scale.
    pub fn codebook(&self) -> &Codebook {
        &self.codebook
    }

    /// What each code multiplies the scale by.
    pub fn multipliers(&self) -> &[f64] {
        &self.multipliers
    }

    /// The scale at the start, full scale 1.0.
    pub fn first_scale(&self) -> f64 {
        self.first_scale
    }

    /// Smallest and largest scale.
    pub fn scale_range(&self) -> (f64, f64) {
        self.scale_range
    }

    /// The code of a difference in units of the scale.
    pub(super) fn code(&self, u: f64) -> u8 {
        // At most 256 levels.
        self.codebook.index(u) as u8
    }

    pub(super) fn last_code(&self) -> u8 {
        (self.multipliers.len() - 1) as u8
    }

    pub(super) fn level(&self, code: u8) -> f64 {
        self.codebook.levels()[usize::from(code)]
    }

    pub(super) fn next_scale(&self, scale: f64, code: u8) -> f64 {
        (scale * self.multipliers[usize::from(code)]).clamp(self.scale_range.0, self.scale_range.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_follow_the_codes_within_their_range() {
        let steps = ScaledCodebook::jayant(2, StepRule::Dpcm).expect("legal");
        assert_eq!((steps.code(-9.0), steps.code(-0.1), steps.code(0.0), steps.code(9.0)), (0, 1, 2, 3));
        assert_eq!(steps.next_scale(0.01, 3), 0.016);
        assert_eq!((steps.next_scale(0.2, 0), steps.next_scale(1.0 / 65_536.0, 1)), (0.25, 1.0 / 65_536.0));
        let fixed = ScaledCodebook::fixed(Codebook::from_levels(vec![-0.3, 0.3]).expect("legal")).expect("legal");
        assert_eq!((fixed.next_scale(1.0, 0), fixed.level(1)), (1.0, 0.3));
    }

    #[test]
    fn odd_codebooks_are_refused() {
        let codebook = || Codebook::from_levels(vec![-1.0, 1.0]).expect("legal");
        let of =
            |multipliers: &[f64], first, range| ScaledCodebook::new(codebook(), multipliers.to_vec(), first, range);
        assert!(of(&[1.0, 1.0], 0.5, (0.1, 1.0)).is_ok());
        assert!(of(&[1.0], 0.5, (0.1, 1.0)).is_err() && of(&[1.0, 0.0], 0.5, (0.1, 1.0)).is_err());
        assert!(of(&[1.0, 1.0], f64::NAN, (0.1, 1.0)).is_err() && of(&[1.0, 1.0], 0.5, (0.0, 1.0)).is_err());
        assert!(of(&[1.0, 1.0], 0.5, (0.1, f64::INFINITY)).is_err());
        assert!(ScaledCodebook::jayant(1, StepRule::Pcm).is_err() && ScaledCodebook::jayant(5, StepRule::Pcm).is_err());
        let many = Codebook::from_levels((0..257).map(f64::from).collect()).expect("legal");
        assert!(ScaledCodebook::fixed(many).is_err());
    }
}
