//! A sum of squares that neither overflows nor vanishes, whatever the numbers.
//!
//! Numbers are sorted into three sums: those near 1, and the huge and the tiny ones, scaled by a power of two before they
//! are squared. Source: J. L. Blue, A portable Fortran program to find the Euclidean norm of a vector, ACM Transactions on
//! Mathematical Software 4 (1978).

use super::figure::{Absent, Figure};

/// Beyond it numbers are scaled down: 2^500, whose square is far from overflow.
const HUGE: f64 = f64::from_bits((1023 + 500) << 52);
/// Below it numbers are scaled up: 2^-500.
const TINY: f64 = f64::from_bits((1023 - 500) << 52);
/// What they are scaled by: 2^600.
const SCALE: f64 = f64::from_bits((1023 + 600) << 52);

/// A sum of squares.
///
/// ```
/// use sqnr::analysis::squares::{SumOfSquares, snr_db};
///
/// let sum = |x: &[f64]| x.iter().fold(SumOfSquares::default(), |sum, &x| sum.and(x));
/// // 200 decades above and below what a double holds.
/// assert!((snr_db(&sum(&[1e-250]), &sum(&[1e-251])).unwrap() - 20.0).abs() < 1e-9);
/// assert_eq!(sum(&[3.0, 4.0]).value(), Some(25.0));
/// assert_eq!(sum(&[1e200]).value(), None);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct SumOfSquares {
    huge: f64,
    middle: f64,
    tiny: f64,
}

impl SumOfSquares {
    /// The sum with the square of `x`, which is finite.
    #[must_use]
    pub fn and(mut self, x: f64) -> Self {
        self.add(x);
        self
    }

    /// Adds the square of `x`, which is finite.
    pub fn add(&mut self, x: f64) {
        let a = x.abs();
        if a > HUGE {
            self.huge += (x / SCALE).powi(2);
        } else if a >= TINY {
            self.middle += x * x;
        } else {
            self.tiny += (x * SCALE).powi(2);
        }
    }

    /// Adds another sum.
    pub fn merge(&mut self, other: &Self) {
        self.huge += other.huge;
        self.middle += other.middle;
        self.tiny += other.tiny;
    }

    /// True when every number was 0.
    pub fn is_zero(&self) -> bool {
        self.huge == 0.0 && self.middle == 0.0 && self.tiny == 0.0
    }

    /// The sum; `None` where a double cannot hold it.
    pub fn value(&self) -> Option<f64> {
        let sum = self.huge * SCALE * SCALE + self.middle + self.tiny / SCALE / SCALE;
        (sum.is_finite() && (sum > 0.0 || self.is_zero())).then_some(sum)
    }

    /// `log10` of the sum, which is not zero.
    fn log10(&self) -> f64 {
        let scale = 2.0 * SCALE.log10();
        let below = self.middle + self.tiny / SCALE / SCALE;
        if self.huge > 0.0 {
            (self.huge + below / SCALE / SCALE).log10() + scale
        } else if self.middle > 0.0 {
            below.log10()
        } else {
            self.tiny.log10() - scale
        }
    }
}

/// `10 log10(signal / error)` in dB of two sums of squares.
pub fn snr_db(signal: &SumOfSquares, error: &SumOfSquares) -> Figure {
    if signal.is_zero() {
        return Err(Absent::Silence);
    }
    if error.is_zero() {
        return Err(Absent::NoError);
    }
    Ok(10.0 * (signal.log10() - error.log10()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_hold_at_every_size() {
        for exponent in (-1000..1000).step_by(7) {
            let scale = 2f64.powi(exponent);
            let mut signal = SumOfSquares::default();
            let mut error = SumOfSquares::default();
            for i in 1..10 {
                signal.add(scale * f64::from(i));
                error.add(scale * f64::from(i) / 8.0);
            }
            let db = snr_db(&signal, &error).expect("both are there");
            assert!((db - 20.0 * 8f64.log10()).abs() < 1e-9, "2^{exponent}: {db}");
        }
    }

    #[test]
    fn silence_is_silence_alone() {
        let tiny = SumOfSquares::default().and(5e-324);
        assert!(!tiny.is_zero() && tiny.value().is_none());
        assert_eq!(snr_db(&SumOfSquares::default(), &tiny), Err(Absent::Silence));
        assert_eq!(snr_db(&tiny, &SumOfSquares::default()), Err(Absent::NoError));
    }
}
