//! Local delays along the reference: a stretch every half second or more often, each expected where the last one was, else where the
//! outlines say.

use crate::Result;

use super::{
    coarse::{Run, Search},
    local::{Correlator, LocalDelay, SLOPE_REACH, Shift},
    reader::Reader,
    record::{Record, Tape},
};

/// Longest stretch that is correlated.
const MAX_WINDOW: usize = 1 << 13;
/// Shortest, where the records allow it.
const MIN_WINDOW: usize = 512;
/// Stretches along a short record.
const N_STRETCHES: usize = 24;
/// Likeness below which a stretch is not found.
const MIN_LIKENESS: f64 = 0.15;
/// Share of its energy that a stretch may leave unexplained beyond four times what is usual, where it is not just where it
/// is expected.
const MORE_ERROR: f64 = 0.1;
/// Most that it may leave in any case.
const MOST_ERROR: f64 = 0.8;
/// Samples by which a stretch may miss its place and still be just where it is expected.
const NEAR: f64 = 1.0;
/// A stretch quieter than this, relative to the record and squared, tells nothing.
const QUIET: f64 = 1e-9;
/// Samples that a prediction may miss, and the share of the time since the last stretch that is added: 100 ppm.
const TOLERANCE: (f64, f64) = (4.0, 1e-4);
/// Searches of the whole test that a lost track may cost.
const MAX_SEARCHES: usize = 128;
/// Movement within a stretch from which on it is interpolated: less blurs no peak.
const MAX_BLUR: f64 = 0.25;
/// One in so many stretches must be found.
const FEWEST: usize = 4;
/// Shares of energy that all stretches together must explain: about one stretch that is sure.
const LEAST_EXPLAINED: f64 = 0.8;
/// Samples each side of an interpolated point here: a peak needs no more.
const HALF: usize = 16;

/// How the reference is cut into stretches.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Cut {
    /// Samples of a stretch.
    pub window: usize,
    /// Samples from one to the next.
    pub step: usize,
    /// Lags to each side of where a stretch is expected.
    pub reach: usize,
}

impl Cut {
    /// - `n_frames`: samples of the shorter record
    /// - `hop`: of the outlines
    pub(super) fn new(n_frames: u64, rate_hz: f64, hop: u64) -> Self {
        let n = usize::try_from(n_frames).unwrap_or(usize::MAX);
        let step = (n / N_STRETCHES).max(MIN_WINDOW / 2).min(((0.5 * rate_hz).round() as usize).max(MIN_WINDOW));
        let window = step.next_power_of_two().clamp(MIN_WINDOW, MAX_WINDOW).min((n / 2).max(1));
        Self { window, step, reach: (4 * hop as usize).max(64) }
    }

    /// Stretches that may reach across one place.
    pub(super) fn across(self) -> usize {
        self.window.div_ceil(self.step)
    }
}

/// Where a stretch is expected.
#[derive(Debug, Clone, Copy)]
struct Prediction {
    delay: f64,
    drift: f64,
    tolerance: f64,
}

/// Follows the reference through the test.
pub(super) struct Tracker<'a> {
    cut: Cut,
    x: Tape<'a>,
    y: Reader<'a>,
    n_test: f64,
    search: &'a Search<'a>,
    runs: &'a [Run],
    correlator: Correlator,
    last: Option<(LocalDelay, f64)>,
    /// Least error that the last stretches left, as a share.
    typical_error: f64,
    n_searches: usize,
    /// Stretches that were looked for.
    n_tried: usize,
    /// Blocks of the stretch.
    stretch: Vec<Vec<f64>>,
    around: Vec<Vec<f64>>,
}

impl<'a> Tracker<'a> {
    pub(super) fn new(
        (x, y): (&'a dyn Record, &'a dyn Record),
        n_test: u64,
        cut: Cut,
        search: &'a Search<'a>,
        runs: &'a [Run],
    ) -> Result<Self> {
        Ok(Self {
            cut,
            x: Tape::new(x)?,
            y: Reader::new(y, HALF)?,
            n_test: n_test as f64,
            search,
            runs,
            correlator: Correlator::new(cut.window, cut.reach),
            last: None,
            typical_error: 1.0,
            n_searches: 0,
            n_tried: 0,
            stretch: Vec::new(),
            around: Vec::new(),
        })
    }

    /// The delays of all stretches that are found, in order; none where too few are.
    ///
    /// - `mean_square`: of the reference, over all channels
    pub(super) fn track(mut self, n_reference: u64, mean_square: f64) -> Result<Vec<LocalDelay>> {
        let mut found: Vec<LocalDelay> = Vec::new();
        let last = n_reference.saturating_sub(self.cut.window as u64);
        let mut starts: Vec<u64> = (0..=last).step_by(self.cut.step).collect();
        if starts.last().is_some_and(|&s| s < last) {
            starts.push(last);
        }
        for start in starts {
            found.extend(self.locate(start as i64, mean_square)?);
        }
        // Stretches that are found here and there, or hardly, are found by chance.
        let explained: f64 = found.iter().map(|local| local.likeness * local.likeness).sum();
        if found.len() * FEWEST < self.n_tried || explained < LEAST_EXPLAINED {
            found.clear();
        }
        Ok(found)
    }

    /// The delay of the stretch from `start` on.
    fn locate(&mut self, start: i64, mean_square: f64) -> Result<Option<LocalDelay>> {
        let t = start as f64 + 0.5 * self.cut.window as f64;
        let mut predictions = self.predictions(t);
        predictions.retain(|p| self.is_inside(start as f64 + p.delay));
        if predictions.is_empty() {
            return Ok(None);
        }
        let reach = SLOPE_REACH;
        self.x.read(start - reach as i64, self.cut.window + 2 * reach, &mut self.stretch)?;
        let energy: f64 = self.stretch.iter().flatten().map(|x| x * x).sum();
        if energy <= QUIET * mean_square * (self.cut.window * self.stretch.len()) as f64 {
            return Ok(None);
        }
        self.n_tried += 1;
        let best = self.best_of(start, &predictions)?;
        let best = match best {
            Some(found) if self.is_as_usual(&found) => Some(found),
            _ => self.searched(start, best)?,
        };
        let found = best.filter(|found| self.is_credible(&found.0));
        if let Some((local, drift)) = found {
            self.remember(local, drift);
        }
        Ok(found.map(|found| found.0))
    }

    /// A place by chance resembles too: what jumps must resemble as well as the last stretches did, or nearly.
    fn is_credible(&self, found: &LocalDelay) -> bool {
        let Some((last, drift)) = self.last else { return found.likeness >= MIN_LIKENESS };
        let missed = found.delay - last.delay - drift * (found.at - last.at);
        let limit = (4.0 * self.typical_error + MORE_ERROR).min(MOST_ERROR);
        found.likeness >= MIN_LIKENESS && (missed.abs() <= NEAR || error_of(found) <= limit)
    }

    fn is_as_usual(&self, found: &(LocalDelay, f64)) -> bool {
        error_of(&found.0) <= 4.0 * self.typical_error + 1e-3
    }

    /// True when most of a stretch at that place of the test is there.
    fn is_inside(&self, place: f64) -> bool {
        place > -0.5 * self.cut.window as f64 && place + 0.5 * (self.cut.window as f64) < self.n_test
    }

    /// From the last stretch, then from the runs near by.
    fn predictions(&self, t: f64) -> Vec<Prediction> {
        let mut all = Vec::new();
        if let Some((last, drift)) = self.last {
            let passed = t - last.at;
            let tolerance = TOLERANCE.0 + TOLERANCE.1 * passed;
            all.push(Prediction { delay: last.delay + drift * passed, drift, tolerance });
        }
        let margin = 2.0 * self.search.window_samples();
        let distance = |run: &Run| (run.from - t).max(t - run.to);
        let nearest = self.runs.iter().map(distance).fold(f64::INFINITY, f64::min);
        let near = self.runs.iter().filter(|run| distance(run) <= margin.max(nearest));
        let tolerance = self.cut.reach as f64;
        all.extend(near.map(|run| Prediction { delay: run.delay_at(t), drift: run.drift, tolerance }));
        all
    }

    /// The first that is as good as the last stretches, or the best.
    fn best_of(&mut self, start: i64, predictions: &[Prediction]) -> Result<Option<(LocalDelay, f64)>> {
        let mut best: Option<(LocalDelay, f64)> = None;
        for prediction in predictions {
            let Some(found) = self.tried(start, *prediction)? else { continue };
            let is_better = best.is_none_or(|best| error_of(&found) < 0.5 * error_of(&best.0));
            if is_better {
                best = Some((found, prediction.drift));
            }
            if best.is_some_and(|best| self.last.is_some() && self.is_as_usual(&best)) {
                break;
            }
        }
        Ok(best)
    }

    /// What the search of the whole test finds, where it is better than `best`.
    fn searched(&mut self, start: i64, best: Option<(LocalDelay, f64)>) -> Result<Option<(LocalDelay, f64)>> {
        if self.last.is_none() || self.n_searches >= MAX_SEARCHES {
            return Ok(best);
        }
        self.n_searches += 1;
        let (drift, tolerance) = (self.last.map_or(0.0, |last| last.1), self.cut.reach as f64);
        // The test is read forward only: what lies before the last stretch is past.
        let past = self.last.map_or(f64::NEG_INFINITY, |(last, _)| last.at + last.delay - self.cut.window as f64);
        let delays = self.search.delays_at(start as f64);
        let ahead =
            delays.into_iter().filter(|delay| start as f64 + delay > past && self.is_inside(start as f64 + delay));
        let predictions: Vec<_> = ahead.map(|delay| Prediction { delay, drift, tolerance }).collect();
        let found = self.best_of(start, &predictions)?;
        let better = |found: &(LocalDelay, f64)| best.is_none_or(|best| error_of(&found.0) < 0.5 * error_of(&best.0));
        Ok(found.filter(better).or(best))
    }

    /// The delay near a prediction.
    fn tried(&mut self, start: i64, prediction: Prediction) -> Result<Option<LocalDelay>> {
        let Cut { window, reach, .. } = self.cut;
        let n = self.correlator.n_test();
        let (middle, half) = (start as f64 + 0.5 * window as f64, 0.5 * window as f64);
        let is_warped = (prediction.drift * window as f64).abs() > MAX_BLUR;
        let step = if is_warped { 1.0 + prediction.drift } else { 1.0 };
        // The prediction is of the middle.
        let first = match is_warped {
            true => middle + prediction.delay - (half + reach as f64) * step,
            false => (start as f64 + prediction.delay).round() - reach as f64,
        };
        match is_warped {
            true => self.y.read_at(n, |i| first + i as f64 * step, &mut self.around)?,
            false => self.y.read_whole(first as i64, n, &mut self.around)?,
        }
        let inner: Vec<&[f64]> = self.stretch.iter().map(|x| &x[SLOPE_REACH..x.len() - SLOPE_REACH]).collect();
        let around: Vec<&[f64]> = self.around.iter().map(|y| &y[..]).collect();
        let tolerance = prediction.tolerance.clamp(1.0, reach as f64) as usize;
        let found = self.correlator.find(&inner, &around, reach - tolerance..reach + tolerance + 1);
        let at_lag: Vec<&[f64]> = around.iter().map(|y| &y[found.lag..found.lag + window]).collect();
        let shift = Shift::of(&self.stretch, &at_lag);
        let begins = first + found.lag as f64 * step;
        let place = begins + half * step;
        // Where the test ends within the stretch, what is missing pulls at the delay.
        if begins < -0.5 || begins + (window as f64 - 1.0) * step > self.n_test - 0.5 {
            return Ok(None);
        }
        Ok(Some(LocalDelay {
            at: middle,
            delay: place - middle + shift.delay.clamp(-0.75, 0.75),
            likeness: found.likeness,
            variance: shift.variance,
            slope_energy: shift.slope_energy,
            error: shift.error,
            jump: 0.0,
        }))
    }

    /// Takes a stretch for the last one, and follows the clock.
    fn remember(&mut self, local: LocalDelay, drift: f64) {
        let new = self.last.map(|(last, _)| (local.delay - last.delay) / (local.at - last.at));
        let passed = self.last.map_or(0.0, |(last, _)| local.at - last.at);
        let is_smooth = new.is_some_and(|new| (new - drift).abs() * passed < TOLERANCE.0 + TOLERANCE.1 * passed);
        let drift = new.filter(|_| is_smooth).map_or(drift, |new| 0.5 * (drift + new));
        // Less than a tenth of a sample from stretch to stretch may be noise.
        let drift = if (drift * self.cut.step as f64).abs() < 0.1 { 0.0 } else { drift };
        // A stretch across a jump is no measure; errors that stay raise what is usual step by step.
        let error = error_of(&local).min(4.0 * self.typical_error + 0.01);
        self.typical_error =
            if self.last.is_none() { error_of(&local) } else { 0.7 * self.typical_error + 0.3 * error };
        self.last = Some((local, drift));
    }
}

/// Share of the energy that the stretch leaves unexplained.
fn error_of(local: &LocalDelay) -> f64 {
    1.0 - local.likeness * local.likeness + 1e-9
}
