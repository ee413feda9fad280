//! Three points between each two samples, many pairs at once, for the largest magnitude among them.
//!
//! The taps of the last point are those of the first, mirrored, and the middle point's are symmetric:
//!
//! ```text
//! s[k] = x[n + k] + x[n + 23 - k]     d[k] = x[n + k] - x[n + 23 - k]      k = 0 .. 11
//! first, last = sum even[k] s[k] +- sum odd[k] d[k]        middle = sum middle[k] s[k]
//! ```

use super::dispatch::{Kernel, dispatch};

/// Taps of a point.
pub(crate) const TAPS: usize = 24;
const HALF: usize = TAPS / 2;
/// Pairs of samples side by side: two chains of sums in the widest registers hide the latency of an addition.
const LANES: usize = 16;

/// Taps of the three points.
#[derive(Debug, Clone)]
pub(crate) struct Taps {
    even: [f64; HALF],
    odd: [f64; HALF],
    middle: [f64; HALF],
}

impl Taps {
    /// From the taps of the points at a quarter and at a half.
    pub(crate) fn new(quarter: &[f64; TAPS], half: &[f64; TAPS]) -> Self {
        let mirrored = |k: usize| quarter[TAPS - 1 - k];
        Self {
            even: std::array::from_fn(|k| 0.5 * (quarter[k] + mirrored(k))),
            odd: std::array::from_fn(|k| 0.5 * (quarter[k] - mirrored(k))),
            middle: std::array::from_fn(|k| half[k]),
        }
    }

    /// The three points of one window, in the kernel's order of sums: its slow twin.
    #[cfg(test)]
    pub(crate) fn points(&self, window: &[f64; TAPS]) -> [f64; 3] {
        let [mut even, mut odd, mut middle] = [0.0; 3];
        for k in 0..HALF {
            let (sum, difference) = (window[k] + window[TAPS - 1 - k], window[k] - window[TAPS - 1 - k]);
            even += self.even[k] * sum;
            odd += self.odd[k] * difference;
            middle += self.middle[k] * sum;
        }
        [even + odd, middle, even - odd]
    }
}

/// Largest magnitude of the points in every window of [`TAPS`] samples of `x`; 0 when there is none. Samples are finite.
pub(crate) fn largest_magnitude(taps: &Taps, x: &[f64]) -> f64 {
    let mut peak = 0.0;
    dispatch(Peak { taps, x, peak: &mut peak });
    peak
}

struct Peak<'a> {
    taps: &'a Taps,
    x: &'a [f64],
    peak: &'a mut f64,
}

impl Kernel for Peak<'_> {
    #[inline(always)]
    fn run(self) {
        const REACH: usize = LANES + TAPS - 1;
        let n_windows = (self.x.len() + 1).saturating_sub(TAPS);
        let mut peaks = [0.0; LANES];
        let mut start = 0;
        while start + LANES <= n_windows {
            let reach: &[f64; REACH] = self.x[start..].first_chunk().expect("all windows lie in x");
            larger(&mut peaks, &magnitudes(self.taps, reach));
            start += LANES;
        }
        if start < n_windows {
            let mut reach = [0.0; REACH];
            let rest = &self.x[start..];
            reach[..rest.len()].copy_from_slice(rest);
            let mut last = magnitudes(self.taps, &reach);
            last[n_windows - start..].fill(0.0);
            larger(&mut peaks, &last);
        }
        *self.peak = peaks.into_iter().fold(0.0, f64::max);
    }
}

#[inline(always)]
fn larger(peaks: &mut [f64; LANES], values: &[f64; LANES]) {
    for (peak, &value) in peaks.iter_mut().zip(values) {
        *peak = if value > *peak { value } else { *peak };
    }
}

/// The largest magnitude of the three points, window by window.
#[inline(always)]
fn magnitudes(taps: &Taps, reach: &[f64; LANES + TAPS - 1]) -> [f64; LANES] {
    let (mut even, mut odd, mut middle) = ([0.0; LANES], [0.0; LANES], [0.0; LANES]);
    for k in 0..HALF {
        for i in 0..LANES {
            let (early, late) = (reach[k + i], reach[TAPS - 1 - k + i]);
            even[i] += taps.even[k] * (early + late);
            odd[i] += taps.odd[k] * (early - late);
            middle[i] += taps.middle[k] * (early + late);
        }
    }
    // max |even +- odd| = |even| + |odd|, rounded once as either sum is.
    std::array::from_fn(|i| {
        let outer = even[i].abs() + odd[i].abs();
        let middle = middle[i].abs();
        if outer > middle { outer } else { middle }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::dispatch::{forms_agree, run_as};

    #[test]
    fn forms_agree_with_the_slow_twin() {
        let tap = |k: usize| ((k * k + 3) as f64 * 0.37).sin() / 5.0;
        let taps = Taps::new(&std::array::from_fn(tap), &std::array::from_fn(|k| tap(k.min(TAPS - 1 - k) + 40)));
        let x: Vec<f64> = (0..200u32).map(|i| f64::from(i * i * 31 % 1009) / 1009.0 - 0.5).collect();
        for n in [0, 1, 23, 24, 25, 39, 40, 41, 56, 200] {
            let x = &x[..n];
            let twin = x.windows(TAPS).map(|w| taps.points(w.try_into().expect("a window")));
            let twin = twin.flatten().fold(0.0, |m: f64, p| m.max(p.abs()));
            assert_eq!(largest_magnitude(&taps, x), twin, "{n}");
            forms_agree(|form| {
                let mut peak = 0.0;
                run_as(form, Peak { taps: &taps, x, peak: &mut peak });
                peak
            });
        }
    }
}
