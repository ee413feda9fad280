//! Dither of consecutive samples.

use super::dispatch::{Kernel, dispatch};

struct Each<'a, F> {
    dither: &'a mut [f64],
    counter: u32,
    value: F,
}

impl<F: Fn(u32) -> f64> Kernel for Each<'_, F> {
    #[inline(always)]
    fn run(self) {
        let mut counter = self.counter;
        for d in self.dither {
            *d = (self.value)(counter);
            counter = counter.wrapping_add(1);
        }
    }
}

/// Sets each element to `value` of its counter, the first being `counter`.
pub(crate) fn each(dither: &mut [f64], counter: u32, value: impl Fn(u32) -> f64) {
    dispatch(Each { dither, counter, value });
}
