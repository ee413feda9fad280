//! PCM with another rounding than [`Uniform`]'s: what programs do that convert samples without dither.
//!
//! | rounding | index of s = x / step | done by |
//! |---|---|---|
//! | `HalfUp` | `floor(s + 1/2)` | an adder before the bits are dropped; [`Uniform`] |
//! | `HalfEven` | nearest, a tie to the even one | IEEE 754, `rint`, numpy |
//! | `Truncate` | `floor(s)` | dropping bits of two's complement, a shift to the right |
//! | `TowardZero` | s without its fraction | a cast of C from float to integer |

use std::ops::RangeInclusive;

use super::uniform::first_input_above;
use super::{Grid, Quantizer, Uniform};
use crate::Result;

/// How a value between two levels is rounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Rounding {
    /// To the nearest level, a tie to the upper one.
    #[default]
    HalfUp,
    /// To the nearest level, a tie to the one with an even index.
    HalfEven,
    /// To the level below.
    Truncate,
    /// To the level on the side of zero.
    TowardZero,
}

/// A saturating mid-tread quantizer over [-1, 1), the levels and indices of [`Uniform`].
///
/// A sample on a threshold falls into the cell that the rounding says.
///
/// ```
/// use sqnr::quantizer::{Quantizer, RoundedUniform, Rounding};
///
/// let index = |rounding, x| RoundedUniform::new(256, rounding).map(|q| q.index(x));
/// assert_eq!(index(Rounding::HalfEven, 2.5 / 128.0)?, 2);
/// assert_eq!(index(Rounding::Truncate, -0.3 / 128.0)?, -1);
/// assert_eq!(index(Rounding::TowardZero, -0.9 / 128.0)?, 0);
/// # Ok::<(), sqnr::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct RoundedUniform {
    uniform: Uniform,
    rounding: Rounding,
}

impl RoundedUniform {
    /// A quantizer of `n_levels` levels.
    ///
    /// # Errors
    /// `InvalidParameter` for fewer than 2 or more than 2^32 levels.
    pub fn new(n_levels: u64, rounding: Rounding) -> Result<Self> {
        Ok(Self { uniform: Uniform::new(Grid::MidTread, n_levels, 1.0)?, rounding })
    }

    /// The rounding.
    pub fn rounding(&self) -> Rounding {
        self.rounding
    }
}

impl Quantizer for RoundedUniform {
    fn indices(&self) -> RangeInclusive<i32> {
        self.uniform.indices()
    }

    fn index(&self, x: f64) -> i32 {
        let steps = if x.is_nan() { 0.0 } else { x * self.uniform.steps_per_unit() };
        let whole = match self.rounding {
            Rounding::HalfUp => return self.uniform.index(x),
            Rounding::HalfEven => steps.round_ties_even(),
            Rounding::Truncate => steps.floor(),
            Rounding::TowardZero => steps.trunc(),
        };
        let (first, last) = self.indices().into_inner();
        // Within an i32 then.
        whole.clamp(f64::from(first), f64::from(last)) as i32
    }

    fn reconstruct(&self, index: i32) -> f64 {
        self.uniform.reconstruct(index)
    }

    fn threshold(&self, index: i32) -> f64 {
        let (first, last) = self.indices().into_inner();
        let index = index.clamp(first, last - 1);
        let place = match self.rounding {
            Rounding::HalfUp | Rounding::HalfEven => 0.5,
            Rounding::Truncate => 1.0,
            Rounding::TowardZero if index >= 0 => 1.0,
            Rounding::TowardZero => 0.0,
        };
        first_input_above(index, (f64::from(index) + place) * self.uniform.step(), |x| self.index(x))
    }

    fn granular_region(&self) -> (f64, f64) {
        let (first, last) = self.indices().into_inner();
        let (below, above) = match self.rounding {
            Rounding::HalfUp | Rounding::HalfEven => (0.5, 0.5),
            Rounding::Truncate => (0.0, 1.0),
            Rounding::TowardZero => (1.0, 1.0),
        };
        ((f64::from(first) - below) * self.uniform.step(), (f64::from(last) + above) * self.uniform.step())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quantizer::laws;

    const ALL: [Rounding; 4] = [Rounding::HalfUp, Rounding::HalfEven, Rounding::Truncate, Rounding::TowardZero];

    #[test]
    fn each_rounding_is_what_its_name_says() {
        let steps = [-128.6, -2.5, -1.5, -1.2, -0.5, -0.3, 0.3, 0.5, 1.5, 2.5, 2.7, 127.4, 127.6];
        let expected = [
            (Rounding::HalfUp, [-128, -2, -1, -1, 0, 0, 0, 1, 2, 3, 3, 127, 127]),
            (Rounding::HalfEven, [-128, -2, -2, -1, 0, 0, 0, 0, 2, 2, 3, 127, 127]),
            (Rounding::Truncate, [-128, -3, -2, -2, -1, -1, 0, 0, 1, 2, 2, 127, 127]),
            (Rounding::TowardZero, [-128, -2, -1, -1, 0, 0, 0, 0, 1, 2, 2, 127, 127]),
        ];
        for (rounding, indices) in expected {
            let q = RoundedUniform::new(256, rounding).expect("legal");
            assert_eq!(steps.map(|s| q.index(s / 128.0)), indices, "{rounding:?}");
        }
    }

    #[test]
    fn laws_hold() {
        for rounding in ALL {
            for n_levels in [2, 3, 7, 256, 65_536, 1 << 32] {
                laws::hold(&RoundedUniform::new(n_levels, rounding).expect("legal"), 1.0, n_levels);
            }
        }
    }
}
