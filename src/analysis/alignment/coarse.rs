//! Where stretches of the reference lie in the test, to about a hop of the outlines, whatever the offset.
//!
//! ```text
//! outline of x -> anchors of 1024 levels -+
//!                                         +-> likeness at every lag -> best lags -> cheapest path through them -> runs
//! outline of y ---------------------------+
//! ```
//!
//! A window is so short that clocks 1000 ppm apart move less than a level within it. Likeness is the correlation
//! coefficient of the levels; the path is found by dynamic programming (A. J. Viterbi, 1967), and pays for each jump.

use std::sync::Arc;

use rustfft::{Fft, FftPlanner, num_complex::Complex};

/// Most levels of an anchor.
const MAX_WINDOW: usize = 1_024;
/// Fewest levels that are searched for.
const MIN_WINDOW: usize = 16;
/// Anchors along the reference.
const N_ANCHORS: usize = 64;
/// Best lags kept of each anchor.
const N_CANDIDATES: usize = 32;
/// Likeness below which a lag is no candidate.
const MIN_LIKENESS: f64 = 0.3;
/// A window whose levels vary less than this, relative and squared, tells nothing.
const FLAT: f64 = 1e-9;
/// What a jump costs; a sure anchor gains 1.
const JUMP_COST: f64 = 0.8;
/// Largest difference of two clocks that is no jump, with a margin over 1000 ppm.
pub(super) const MAX_DRIFT: f64 = 1.5e-3;
/// What a change of the gain costs at most: where music repeats itself, the gain tells one time from another.
const GAIN_COST: f64 = 0.3;
/// Levels that the lags of two anchors may differ by beside the drift.
const LAG_TOLERANCE: f64 = 2.5;

/// A lag at which a window of the reference resembles the test.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Candidate {
    /// Levels that the test comes late.
    pub lag: f64,
    /// Correlation coefficient of the levels.
    pub likeness: f64,
    /// Deviation of the test's levels over that of the reference's: about the gain.
    pub deviation: f64,
}

/// A stretch of the reference that lies in the test without a jump.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Run {
    /// First and last sample of the reference that an anchor of the run covers.
    pub from: f64,
    pub to: f64,
    /// Samples that the test comes late at `from`, and the growth of that per sample.
    pub delay: f64,
    pub drift: f64,
}

impl Run {
    /// All of a reference of `n_frames` samples, where it is.
    pub(super) fn unmoved(n_frames: u64) -> Self {
        Self { from: 0.0, to: n_frames as f64, delay: 0.0, drift: 0.0 }
    }

    /// Samples that the test comes late at sample `t` of the reference.
    pub(super) fn delay_at(&self, t: f64) -> f64 {
        self.delay + self.drift * (t - self.from)
    }
}

/// Searches the outline of a test.
pub(super) struct Search<'a> {
    x: &'a [f64],
    y: &'a [f64],
    hop: f64,
    window: usize,
    forward: Arc<dyn Fft<f64>>,
    inverse: Arc<dyn Fft<f64>>,
    /// Spectra of the test, block by block, each `3 window` levels after the last.
    blocks: Vec<Vec<Complex<f64>>>,
}

impl<'a> Search<'a> {
    /// - `x`, `y`: levels of reference and test at one hop, in samples
    pub(super) fn new(x: &'a [f64], y: &'a [f64], hop: u64) -> Self {
        let shorter = x.len().min(y.len());
        let window = (shorter / 2).clamp(MIN_WINDOW, MAX_WINDOW).next_power_of_two() / 2;
        let mut planner = FftPlanner::new();
        let (forward, inverse) = (planner.plan_fft_forward(4 * window), planner.plan_fft_inverse(4 * window));
        let mut search = Self { x, y, hop: hop as f64, window, forward, inverse, blocks: Vec::new() };
        search.blocks = (0..search.n_blocks()).map(|b| search.spectrum_of_block(b)).collect();
        search
    }

    /// Lags from `-window / 2` before the test's start on, where silence stands in for what is missing.
    fn n_blocks(&self) -> usize {
        (self.y.len() + self.window).div_ceil(3 * self.window)
    }

    /// Level of the test that block `b` begins with; negative before its start.
    fn block_start(&self, b: usize) -> isize {
        (b * 3 * self.window) as isize - (self.window / 2) as isize
    }

    fn block(&self, b: usize) -> Vec<f64> {
        window_at(self.y, self.block_start(b), 4 * self.window)
    }

    fn spectrum_of_block(&self, b: usize) -> Vec<Complex<f64>> {
        let mut z: Vec<_> = self.block(b).into_iter().map(|x| Complex::new(x, 0.0)).collect();
        self.forward.process(&mut z);
        z
    }

    /// Samples of the reference that a window covers.
    pub(super) fn window_samples(&self) -> f64 {
        self.window as f64 * self.hop
    }

    /// Where the reference from sample `t` on may lie in the test, the likeliest first, as delays in samples.
    pub(super) fn delays_at(&self, t: f64) -> Vec<f64> {
        self.candidates((t / self.hop).round() as isize).iter().map(|c| c.lag * self.hop).collect()
    }

    /// The likeliest lags of the window that begins at level `start` of the reference.
    fn candidates(&self, start: isize) -> Vec<Candidate> {
        let mut template = window_at(self.x, start, self.window);
        let Some(deviation) = normalised(&mut template) else { return Vec::new() };
        let mut spectrum = vec![Complex::default(); 4 * self.window];
        spectrum.iter_mut().zip(&template).for_each(|(z, t)| z.re = *t);
        self.forward.process(&mut spectrum);
        let mut best = Vec::new();
        for b in 0..self.blocks.len() {
            let (likeness, deviation) = self.likenesses(b, &spectrum);
            let first = self.block_start(b) - start;
            for (i, deviation) in deviation[..3 * self.window].iter().enumerate() {
                let at = |i: usize| likeness.get(i).copied().unwrap_or(0.0);
                let (before, here, after) = (if i > 0 { at(i - 1) } else { 0.0 }, at(i), at(i + 1));
                if here >= MIN_LIKENESS && here >= before && here > after {
                    let lag = (first + i as isize) as f64 + peak_offset(before, here, after);
                    keep(&mut best, Candidate { lag, likeness: here, deviation: *deviation });
                }
            }
        }
        best.iter_mut().for_each(|c| c.deviation /= deviation);
        best
    }

    /// Likeness of the template to the test at each level of block `b`, and the deviation of the test there.
    fn likenesses(&self, b: usize, template: &[Complex<f64>]) -> (Vec<f64>, Vec<f64>) {
        let n = 4 * self.window;
        let mut z: Vec<_> = self.blocks[b].iter().zip(template).map(|(y, t)| y * t.conj()).collect();
        self.inverse.process(&mut z);
        let (levels, w) = (self.block(b), self.window);
        let (mut sum, mut squares) = (0.0, 0.0);
        levels[..w].iter().for_each(|x| (sum, squares) = (sum + x, squares + x * x));
        let (mut likeness, mut deviation) = (Vec::with_capacity(3 * w + 1), Vec::with_capacity(3 * w + 1));
        for i in 0..=3 * w {
            let variance = squares - sum * sum / w as f64;
            let varies = variance > FLAT * squares && variance > 0.0;
            deviation.push(variance.max(0.0).sqrt());
            likeness.push(if varies { z[i].re / n as f64 / variance.sqrt() } else { 0.0 });
            if i + w < n {
                let (old, new) = (levels[i], levels[i + w]);
                (sum, squares) = (sum + new - old, squares + new * new - old * old);
            }
        }
        (likeness, deviation)
    }

    /// The runs of the reference that are found in the test, in order.
    pub(super) fn runs(&self) -> Vec<Run> {
        let n = self.x.len() as isize;
        let (first, last) = (-(self.window as isize) / 4, n - (3 * self.window as isize) / 4);
        let spacing = ((last - first).max(1) as usize / N_ANCHORS).max(self.window / 2).max(1);
        let starts: Vec<isize> = (first..=last.max(first)).step_by(spacing).collect();
        let anchors: Vec<Anchor> =
            starts.iter().map(|&start| Anchor { start, candidates: self.candidates(start) }).collect();
        let path = cheapest_path(&anchors, self.y.len());
        let mut runs: Vec<Vec<(f64, f64)>> = Vec::new();
        for (start, lag) in path {
            match runs.last_mut().filter(|run| is_continued(*run.last().expect("not empty"), (start, lag))) {
                Some(run) => run.push((start, lag)),
                None => runs.push(vec![(start, lag)]),
            }
        }
        runs.iter().map(|run| self.run(run)).collect()
    }

    fn run(&self, anchors: &[(f64, f64)]) -> Run {
        let (from, to) = (anchors[0].0, anchors[anchors.len() - 1].0);
        let slope = median_slope(anchors);
        // A change of a level or so is none.
        let drift = if (slope * (to - from)).abs() < 1.5 { 0.0 } else { slope };
        let mut at_from: Vec<f64> = anchors.iter().map(|(t, lag)| lag - drift * (t - from)).collect();
        at_from.sort_by(f64::total_cmp);
        Run {
            from: from.max(0.0) * self.hop,
            to: (to + self.window as f64) * self.hop,
            delay: (at_from[at_from.len() / 2] + drift * (from.max(0.0) - from)) * self.hop,
            drift,
        }
    }
}

/// `n` levels from `start` on, zeros outside.
fn window_at(levels: &[f64], start: isize, n: usize) -> Vec<f64> {
    let at = |i: usize| usize::try_from(start + i as isize).ok().and_then(|i| levels.get(i)).copied().unwrap_or(0.0);
    (0..n).map(at).collect()
}

/// Takes the mean away and scales to a sum of squares of 1; by what, or nothing where nothing varies.
fn normalised(x: &mut [f64]) -> Option<f64> {
    let squares: f64 = x.iter().map(|x| x * x).sum();
    let mean = x.iter().sum::<f64>() / x.len() as f64;
    let variance: f64 = x.iter().map(|x| (x - mean).powi(2)).sum();
    let deviation = (variance > FLAT * squares && variance > 0.0).then(|| variance.sqrt())?;
    x.iter_mut().for_each(|x| *x = (*x - mean) / deviation);
    Some(deviation)
}

/// Place of the vertex of the parabola through three points, relative to the middle one.
pub(super) fn peak_offset(before: f64, here: f64, after: f64) -> f64 {
    let curvature = before - 2.0 * here + after;
    if curvature < 0.0 { (0.5 * (before - after) / curvature).clamp(-0.5, 0.5) } else { 0.0 }
}

/// Keeps the likeliest; of equal ones those with the least lag.
fn keep(best: &mut Vec<Candidate>, new: Candidate) {
    let rank = |c: &Candidate| c.likeness - 1e-9 * c.lag.abs();
    let at = best.partition_point(|c| rank(c) >= rank(&new));
    if at < N_CANDIDATES {
        best.insert(at, new);
        best.truncate(N_CANDIDATES);
    }
}

struct Anchor {
    /// Level of the reference.
    start: isize,
    candidates: Vec<Candidate>,
}

/// Whether two anchors, each a start and a lag, belong to one run.
fn is_continued((t0, lag0): (f64, f64), (t1, lag1): (f64, f64)) -> bool {
    (lag1 - lag0).abs() <= LAG_TOLERANCE + MAX_DRIFT * (t1 - t0)
}

/// Start and lag of each anchor on the path that gains most: `sum likeness^2 - jumps`. Anchors may be left out.
fn cheapest_path(anchors: &[Anchor], n_test: usize) -> Vec<(f64, f64)> {
    struct State {
        place: (f64, f64),
        log_gain: f64,
        gain: f64,
        previous: Option<usize>,
    }
    let mut states: Vec<State> = Vec::new();
    for anchor in anchors {
        let n_before = states.len();
        for c in &anchor.candidates {
            let (place, log_gain) = ((anchor.start as f64, c.lag), c.deviation.ln());
            let step = |i: usize| {
                let (t, lag) = states[i].place;
                let is_backward = place.0 + place.1 <= t + lag;
                let jump = if is_continued((t, lag), place) { 1e-3 * (place.1 - lag).abs() } else { JUMP_COST };
                let louder = GAIN_COST * (log_gain - states[i].log_gain).abs().min(1.0);
                (!is_backward).then(|| states[i].gain - jump - louder)
            };
            let best = (0..n_before).filter_map(|i| Some((i, step(i)?))).max_by(|a, b| a.1.total_cmp(&b.1));
            let best = best.filter(|(_, gain)| *gain > 0.0);
            // Of equal paths that with the least delay.
            let own = c.likeness * c.likeness - 1e-3 * c.lag.abs() / n_test.max(1) as f64;
            states.push(State { place, log_gain, gain: own + best.map_or(0.0, |b| b.1), previous: best.map(|b| b.0) });
        }
    }
    let mut path = Vec::new();
    let mut at = (0..states.len()).max_by(|&a, &b| states[a].gain.total_cmp(&states[b].gain));
    while let Some(i) = at {
        path.push(states[i].place);
        at = states[i].previous;
    }
    path.reverse();
    path
}

/// Median of the slopes between anchors half of the run apart (Theil, 1950, of some pairs); 0 of fewer than three.
fn median_slope(anchors: &[(f64, f64)]) -> f64 {
    let n = anchors.len();
    if n < 3 {
        return 0.0;
    }
    let far = n / 2;
    let slope = |i: usize| {
        let ((t0, lag0), (t1, lag1)) = (anchors[i], anchors[i + far]);
        (lag1 - lag0) / (t1 - t0)
    };
    let mut slopes: Vec<f64> = (0..n - far).map(slope).collect();
    slopes.sort_by(f64::total_cmp);
    slopes[slopes.len() / 2]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Levels of noise: fixed, between 0.2 and 1.
    fn levels(n: usize, seed: u64) -> Vec<f64> {
        let mut state = seed;
        let next = |_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            0.2 + 0.8 * (state >> 11) as f64 / (1u64 << 53) as f64
        };
        (0..n).map(next).collect()
    }

    #[test]
    fn any_offset_is_found() {
        let x = levels(3_000, 1);
        for lag in [-2_500isize, -7, 0, 1, 500, 40_000] {
            let y: Vec<f64> = match usize::try_from(lag) {
                Ok(late) => [vec![0.0; late], x.clone()].concat(),
                Err(_) => x[(-lag) as usize..].to_vec(),
            };
            let runs = Search::new(&x, &y, 8).runs();
            assert_eq!(runs.len(), 1, "{lag}: {runs:?}");
            assert!((runs[0].delay - 8.0 * lag as f64).abs() < 4.0 && runs[0].drift == 0.0, "{lag}: {runs:?}");
        }
    }

    #[test]
    fn jumps_divide_runs() {
        let x = levels(20_000, 2);
        let y = [&x[..8_000], &levels(700, 3)[..], &x[8_000..14_000], &x[15_000..]].concat();
        let runs = Search::new(&x, &y, 1).runs();
        let delays: Vec<f64> = runs.iter().map(|run| run.delay.round()).collect();
        assert_eq!(delays, [0.0, 700.0, -300.0]);
        assert!(runs[0].to > 7_000.0 && runs[1].from > 7_000.0 && runs[2].from > 13_500.0, "{runs:?}");
    }

    #[test]
    fn of_what_has_nothing_in_common_only_the_ends_resemble() {
        let runs = Search::new(&levels(20_000, 4), &levels(20_000, 5), 1).runs();
        assert!(runs.len() == 1 && runs[0].delay.abs() < 20.0, "{runs:?}");
        let flat = Search::new(&[0.5; 900], &[0.5; 900], 1).runs();
        assert!(flat.iter().all(|run| run.delay.abs() < 0.1), "{flat:?}");
        assert!(Search::new(&[0.5], &[], 1).runs().is_empty());
    }
}
