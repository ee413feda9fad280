//! The setting of an encoder that meets a target: a secant between the nearest settings above and below.
//!
//! ```text
//! excess |          x above        next = the line through the two nearest points of opposite sign, at 0;
//!      0 |------o---------         with points on one side only: one step along the slope
//!        |  x below
//!        +------------- setting
//! ```

use crate::Result;

/// Passes of a search: the secant needs 3 or 4.
const MOST_PASSES: usize = 10;

/// A setting and the excess of its result over what is wanted.
type Point = (f64, f64);

/// A search for the setting whose excess is 0.
pub(super) struct Search {
    /// The first setting.
    pub start: f64,
    /// Growth of the excess with the setting, until two points give a better one.
    pub slope: f64,
    /// Bounds of the slope between two points.
    pub slopes: (f64, f64),
    /// The search ends when the excess is no larger, above or below.
    pub tolerance: f64,
    /// The nearest setting that the encoder has.
    pub nearest: fn(f64) -> f64,
}

/// The result of a search.
pub(super) struct Found<T> {
    /// The setting of the last pass.
    pub setting: f64,
    /// The setting with the smallest excess of all passes.
    pub best: f64,
    /// The slope as known at the end.
    pub slope: f64,
    /// The result of the last pass.
    pub last: T,
}

impl Search {
    /// Runs passes until the excess is within the tolerance or no other setting is left to try.
    ///
    /// - `pass`: from a setting to the excess and whatever else the pass produces
    ///
    /// # Errors
    /// Those of `pass`.
    pub(super) fn run<T>(mut self, mut pass: impl FnMut(f64) -> Result<(f64, T)>) -> Result<Found<T>> {
        let mut setting = (self.nearest)(self.start);
        let (mut above, mut below): (Option<Point>, Option<Point>) = (None, None);
        let (mut previous, mut n_passes): (Option<Point>, usize) = (None, 0);
        let mut best = (setting, f64::INFINITY);
        loop {
            let (excess, last) = pass(setting)?;
            n_passes += 1;
            if excess.abs() < best.1 {
                best = (setting, excess.abs());
            }
            let point = (setting, excess);
            self.learn_slope(previous.replace(point), point);
            *(if excess > 0.0 { &mut above } else { &mut below }) = Some(point);
            let next = (self.nearest)(self.next(above, below, point));
            let is_over = excess.abs() <= self.tolerance || n_passes == MOST_PASSES;
            if is_over || next == setting || !excess.is_finite() {
                return Ok(Found { setting, best: best.0, slope: self.slope, last });
            }
            setting = next;
        }
    }

    fn learn_slope(&mut self, previous: Option<Point>, point: Point) {
        if let Some(previous) = previous.filter(|previous| previous.0 != point.0) {
            let slope = (point.1 - previous.1) / (point.0 - previous.0);
            self.slope = slope.clamp(self.slopes.0, self.slopes.1);
        }
    }

    fn next(&self, above: Option<Point>, below: Option<Point>, point: Point) -> f64 {
        match above.zip(below) {
            Some(((above, above_excess), (below, below_excess))) => {
                // the middle nine tenths only, so that a bent curve cannot hold one end for ever
                let share = (below_excess / (below_excess - above_excess)).clamp(0.05, 0.95);
                below + (above - below) * share
            }
            None => point.0 - point.1 / self.slope,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn search(slope: f64) -> Search {
        Search { start: 2.0, slope, slopes: (slope, slope), tolerance: 0.01, nearest: |x| x.clamp(-10.0, 10.0) }
    }

    #[test]
    fn bent_curves_are_solved() {
        for rate in [0.1, 0.2, 0.4] {
            let search = Search { slopes: (0.05, 5.0), ..search(1.0) };
            let found = search.run(|x: f64| Ok(((rate * x).exp() - 2.0, ()))).expect("no error");
            assert!((found.setting - 2.0_f64.ln() / rate).abs() < 0.1, "rate {rate}: {}", found.setting);
        }
    }

    #[test]
    fn a_search_ends_where_no_other_setting_is_left() {
        let mut settings = Vec::new();
        let pass = |x: f64| {
            settings.push(x);
            Ok((100.0 + x, ()))
        };
        let found = search(1.0).run(pass).expect("no error");
        assert_eq!((found.setting, settings), (-10.0, vec![2.0, -10.0]));
    }

    #[test]
    fn the_best_setting_of_a_curve_with_a_jump_is_kept() {
        let jump = |x: f64| Ok((if x < 1.0 { -1.0 } else { 0.5 * x + 0.1 }, ()));
        let found = search(1.0).run(jump).expect("no error");
        assert!((1.0..1.1).contains(&found.best), "{}", found.best);
    }
}
