//! Sums and extremes of samples and their errors, in four lanes by position: no order of additions depends on vectors.

use super::dispatch::{Kernel, dispatch};

/// Sums side by side.
pub(crate) const LANES: usize = 4;

/// Five sums: x, x^2, e, e^2, x e.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Lanes(pub(crate) [[f64; LANES]; 5]);

/// Greatest |e|, x and -x.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Extremes {
    pub(crate) error: [f64; LANES],
    pub(crate) high: [f64; LANES],
    pub(crate) low: [f64; LANES],
}

impl Default for Extremes {
    /// Of no sample.
    fn default() -> Self {
        Self { error: [0.0; LANES], high: [f64::NEG_INFINITY; LANES], low: [f64::NEG_INFINITY; LANES] }
    }
}

impl Lanes {
    /// Takes in one sample and its reconstruction: the slow twin.
    #[inline(always)]
    pub(crate) fn add(&mut self, lane: usize, x: f64, y: f64) {
        let e = y - x;
        for (sum, term) in self.0.iter_mut().zip([x, x * x, e, e * e, x * e]) {
            sum[lane] += term;
        }
    }
}

impl Extremes {
    /// Takes in one sample and its reconstruction; of a NaN nothing is known.
    #[inline(always)]
    pub(crate) fn add(&mut self, lane: usize, x: f64, y: f64) {
        self.error[lane] = larger((y - x).abs(), self.error[lane]);
        self.high[lane] = larger(x, self.high[lane]);
        self.low[lane] = larger(-x, self.low[lane]);
    }
}

/// One instruction, unlike `f64::max`.
#[inline(always)]
pub(crate) fn larger(a: f64, b: f64) -> f64 {
    if a > b { a } else { b }
}

struct Add<'a> {
    x: &'a [[f64; LANES]],
    y: &'a [[f64; LANES]],
    lanes: &'a mut Lanes,
    extremes: &'a mut Extremes,
}

impl Kernel for Add<'_> {
    #[inline(always)]
    fn run(self) {
        let (mut lanes, mut extremes) = (*self.lanes, *self.extremes);
        for (x, y) in self.x.iter().zip(self.y) {
            for i in 0..LANES {
                lanes.add(i, x[i], y[i]);
                extremes.add(i, x[i], y[i]);
            }
        }
        (*self.lanes, *self.extremes) = (lanes, extremes);
    }
}

/// Adds samples whose first one belongs to lane 0; the slices have one length.
pub(crate) fn add_aligned(x: &[f64], y: &[f64], lanes: &mut Lanes, extremes: &mut Extremes) {
    let (x_chunks, x_rest) = x.as_chunks::<LANES>();
    let (y_chunks, y_rest) = y.as_chunks::<LANES>();
    dispatch(Add { x: x_chunks, y: y_chunks, lanes, extremes });
    for (lane, (&x, &y)) in x_rest.iter().zip(y_rest).enumerate() {
        lanes.add(lane, x, y);
        extremes.add(lane, x, y);
    }
}

#[cfg(test)]
mod tests {
    use super::super::dispatch::{forms_agree, run_as};
    use super::*;

    #[test]
    fn forms_give_the_same_sums() {
        let x: Vec<f64> = (0..1_024).map(|i| (0.3 * f64::from(i)).sin()).collect();
        let y: Vec<f64> = x.iter().map(|x| (x * 128.0).round() / 128.0).collect();
        forms_agree(|form| {
            let (mut lanes, mut extremes) = (Lanes::default(), Extremes::default());
            let (x, y) = (x.as_chunks().0, y.as_chunks().0);
            run_as(form, Add { x, y, lanes: &mut lanes, extremes: &mut extremes });
            (lanes, extremes)
        });
    }
}
