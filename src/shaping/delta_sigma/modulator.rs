//! The modulator itself: one quantizer, its error fed back through `NTF(z) - 1`.

use super::ntf::{MAX_ORDER, Ntf};
use crate::{Error, Result};

/// Input of the quantizer beyond which a loop does not find back: a stable one stays within a few units.
const RUNAWAY: f64 = 64.0;

/// The recursion `w[n] = sum b[k] e[n - k] - sum a[k] w[n - k]`, k from 1, transposed: `NTF - 1` with b = N - D, a = D.
#[derive(Debug, Clone, Copy)]
pub(super) struct LoopFilter {
    order: usize,
    b: [f64; MAX_ORDER],
    a: [f64; MAX_ORDER],
}

/// What the loop remembers.
pub(super) type LoopState = [f64; MAX_ORDER];

impl LoopFilter {
    pub(super) fn new(ntf: &Ntf) -> Self {
        let (mut b, mut a) = ([0.0; MAX_ORDER], [0.0; MAX_ORDER]);
        for k in 0..ntf.order() {
            a[k] = ntf.denominator()[k + 1];
            b[k] = ntf.numerator()[k + 1] - a[k];
        }
        Self { order: ntf.order(), b, a }
    }

    /// Moves on by one error; the output for the next sample is `state[0]`.
    #[inline]
    pub(super) fn step(&self, state: &mut LoopState, error: f64) {
        let w = state[0];
        for k in 0..self.order {
            let next = if k + 1 < MAX_ORDER { state[k + 1] } else { 0.0 };
            state[k] = next + self.b[k] * error - self.a[k] * w;
        }
    }
}

/// A delta-sigma modulator with levels evenly spaced from -1 to 1.
///
/// ```
/// use sqnr::shaping::delta_sigma::{Modulator, Ntf, NtfSpec};
///
/// let ntf = Ntf::synthesize(&NtfSpec { order: 2, ..NtfSpec::default() })?;
/// let (u, mut v) = ([0.25; 4096], [0.0; 4096]);
/// Modulator::new(&ntf, 2)?.process(&u, &mut v)?;
/// // Two levels, with the mean of the input.
/// let mean = v.iter().sum::<f64>() / 4096.0;
/// assert!(v.iter().all(|v| v.abs() == 1.0) && (mean - 0.25).abs() < 0.01);
/// # Ok::<(), sqnr::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Modulator {
    filter: LoopFilter,
    state: LoopState,
    n_levels: u32,
    n_resets: u64,
}

impl Modulator {
    /// # Errors
    /// `InvalidParameter` outside 2 to 65536 levels.
    pub fn new(ntf: &Ntf, n_levels: u32) -> Result<Self> {
        if !(2..=65_536).contains(&n_levels) {
            return Err(Error::invalid("modulator levels", n_levels, "2 to 65536"));
        }
        Ok(Self { filter: LoopFilter::new(ntf), state: [0.0; MAX_ORDER], n_levels, n_resets: 0 })
    }

    /// Modulates `u`, full scale 1.0, at the high rate: `v` gets levels. Continues where the last call ended. NaN counts
    /// as 0, and beyond twice full scale the input is clipped there.
    ///
    /// # Errors
    /// `LengthMismatch`.
    pub fn process(&mut self, u: &[f64], v: &mut [f64]) -> Result<()> {
        if u.len() != v.len() {
            return Err(Error::LengthMismatch { what: "input and output", expected: u.len(), got: v.len() });
        }
        for (&u, v) in u.iter().zip(v) {
            *v = self.step(u);
        }
        Ok(())
    }

    #[inline]
    fn step(&mut self, u: f64) -> f64 {
        let y = audible(u) + self.state[0];
        if y.abs() >= RUNAWAY {
            self.state = [0.0; MAX_ORDER];
            self.n_resets += 1;
            return self.level(audible(u));
        }
        let v = self.level(y);
        self.filter.step(&mut self.state, v - y);
        v
    }

    /// The level nearest to `y`.
    #[inline]
    fn level(&self, y: f64) -> f64 {
        if self.n_levels == 2 {
            return if y >= 0.0 { 1.0 } else { -1.0 };
        }
        let steps = f64::from(self.n_levels - 1);
        let index = ((y + 1.0) * 0.5 * steps).round_ties_even().clamp(0.0, steps);
        2.0 * index / steps - 1.0
    }

    /// How often the loop ran away and was set back to rest: 0 for a modulator that was stable.
    pub fn n_resets(&self) -> u64 {
        self.n_resets
    }
}

/// `u` as the loops take it: within twice full scale, 0 for NaN.
pub(super) fn audible(u: f64) -> f64 {
    if u.is_nan() { 0.0 } else { u.clamp(-2.0, 2.0) }
}

#[cfg(test)]
mod tests {
    use super::super::NtfSpec;
    use super::*;

    #[test]
    fn the_error_is_filtered_by_the_ntf() {
        // V - U = NTF E: undo the denominator on the difference and compare with the numerator on the errors.
        let ntf = Ntf::synthesize(&NtfSpec { order: 3, h_inf: 1.5, ..NtfSpec::default() }).expect("legal");
        let u: Vec<f64> = (0..500).map(|i| 0.4 * (i as f64 * 0.01).sin()).collect();
        let mut v = vec![0.0; u.len()];
        let mut modulator = Modulator::new(&ntf, 2).expect("legal");
        let mut errors = Vec::new();
        for (v, &u) in v.iter_mut().zip(&u) {
            let y = u + modulator.state[0];
            *v = modulator.step(u);
            errors.push(*v - y);
        }
        let fir = |c: &[f64], x: &dyn Fn(usize) -> f64, n: usize| {
            (0..=n.min(c.len() - 1)).map(|k| c[k] * x(n - k)).sum::<f64>()
        };
        for n in 0..u.len() {
            let left = fir(ntf.denominator(), &|i| v[i] - u[i], n);
            let right = fir(ntf.numerator(), &|i| errors[i], n);
            assert!((left - right).abs() < 1e-9, "{n}: {left} {right}");
        }
    }

    #[test]
    fn overload_is_reported_and_does_not_last() {
        let ntf = Ntf::synthesize(&NtfSpec { order: 6, h_inf: 1.9, ..NtfSpec::default() }).expect("legal");
        let mut modulator = Modulator::new(&ntf, 2).expect("legal");
        let mut v = vec![0.0; 4000];
        modulator.process(&vec![1.5; 4000], &mut v).expect("equal lengths");
        assert!(modulator.n_resets() > 0);
        modulator.process(&[f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300], &mut v[..4]).expect("equal lengths");
        assert!(v.iter().all(|v| v.abs() == 1.0));
        assert!(modulator.process(&[0.0], &mut []).is_err());
        assert!(Modulator::new(&ntf, 1).is_err());
    }

    #[test]
    fn levels_are_even_and_reach_full_scale() {
        let ntf = Ntf::synthesize(&NtfSpec::default()).expect("legal");
        let modulator = Modulator::new(&ntf, 5).expect("legal");
        let levels: Vec<f64> = [-9.0, -0.6, -0.1, 0.3, 0.9].map(|y| modulator.level(y)).to_vec();
        assert_eq!(levels, [-1.0, -0.5, 0.0, 0.5, 1.0]);
    }
}
