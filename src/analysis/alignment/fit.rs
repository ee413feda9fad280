//! From local delays to a course: a whole delay, a line, or a curve, whatever the delays and the error bear out.
//!
//! A course replaces a plainer one when its parameter stands out of the scatter of the local delays by six deviations, and
//! the error falls. Noise alone moves nothing.

use super::{
    course::{Course, Spline},
    local::LocalDelay,
};

/// Deviations by which a parameter must stand out.
const DEVIATIONS: f64 = 6.0;
/// Share of the error that a better course must take away: of many stretches, and of few.
const GAIN: (f64, f64) = (0.01, 0.5);
/// Stretches from which on their scatter tells.
const MANY: usize = 8;
/// Samples below which a delay is none.
const LEAST: f64 = 1e-4;
/// Variance that a stretch has at least.
const LEAST_VARIANCE: f64 = 1e-10;
/// A curve's departures from the line against those of noise, as a ratio of variances.
const BENT: f64 = 4.0;

/// A line through local delays, and what it leaves.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Line {
    /// Samples at the reference's first sample.
    pub delay: f64,
    /// Samples per sample.
    pub drift: f64,
    /// Root mean square of what the line leaves, samples.
    pub rms: f64,
    /// Largest of it.
    pub max: f64,
    /// Standard deviation of `drift`.
    drift_deviation: f64,
}

impl Line {
    /// By weighted least squares, twice: the second time without what lies far off.
    pub(super) fn through(points: &[LocalDelay]) -> Self {
        let first = Self::weighted(points, |_| true);
        let far = 5.0 * first.median_departure(points).max(1e-6);
        let line = Self::weighted(points, |p| first.departure(p).abs() <= 1.5 * far);
        let departures = || points.iter().map(|p| line.departure(p));
        Self {
            rms: (departures().map(|d| d * d).sum::<f64>() / points.len().max(1) as f64).sqrt(),
            max: departures().map(f64::abs).fold(0.0, f64::max),
            ..line
        }
    }

    fn weighted(points: &[LocalDelay], is_used: impl Fn(&LocalDelay) -> bool) -> Self {
        let (mut w, mut wt, mut wd) = (0.0, 0.0, 0.0);
        let used = || points.iter().filter(|p| is_used(p)).map(|p| (weight(p), p));
        used().for_each(|(weight, p)| (w, wt, wd) = (w + weight, wt + weight * p.at, wd + weight * p.delay));
        if w <= 0.0 {
            return Self::default();
        }
        let (mean_t, mean_d) = (wt / w, wd / w);
        let (mut tt, mut td) = (0.0, 0.0);
        used().for_each(|(weight, p)| {
            let t = p.at - mean_t;
            (tt, td) = (tt + weight * t * t, td + weight * t * (p.delay - mean_d));
        });
        let drift = if tt > 0.0 { td / tt } else { 0.0 };
        let line = Self { delay: mean_d - drift * mean_t, drift, ..Self::default() };
        let n = used().count() as f64;
        let scatter = used().map(|(weight, p)| weight * line.departure(p).powi(2)).sum::<f64>() / (n - 2.0).max(1.0);
        Self { drift_deviation: if tt > 0.0 { (scatter / tt).sqrt() } else { f64::INFINITY }, ..line }
    }

    fn departure(&self, p: &LocalDelay) -> f64 {
        p.delay - self.delay - self.drift * p.at
    }

    fn median_departure(&self, points: &[LocalDelay]) -> f64 {
        median(points.iter().map(|p| self.departure(p).abs()).collect())
    }

    /// True when what the line leaves is smooth: noise would change more from stretch to stretch.
    fn leaves_a_bend(&self, points: &[LocalDelay]) -> bool {
        let left: Vec<f64> = points.iter().map(|p| self.departure(p)).collect();
        // Second differences of independent values have six times their variance.
        let noise = left.windows(3).map(|d| (d[2] - 2.0 * d[1] + d[0]).powi(2)).sum::<f64>()
            / (6 * left.len().saturating_sub(2).max(1)) as f64;
        left.len() >= MANY && self.rms > 10.0 * LEAST && self.rms * self.rms > BENT * noise
    }
}

fn weight(p: &LocalDelay) -> f64 {
    1.0 / (p.variance.min(1e6) + LEAST_VARIANCE)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

/// The course that the delays bear out. There must be one at least.
pub(super) fn course(points: &[LocalDelay]) -> Course {
    let line = Line::through(points);
    let middle = median(points.iter().map(|p| p.delay).collect());
    let mut best = Course::Whole(middle.round() as i64);
    let constant = mean(points);
    let steady = Course::Line { delay: constant.0, drift: 0.0 };
    let stands_out = (constant.0 - constant.0.round()).abs() > (DEVIATIONS * constant.1).max(LEAST);
    if stands_out && is_better(&steady, &best, points) {
        best = steady;
    }
    let drifting = Course::Line { delay: line.delay, drift: line.drift };
    let span = points[points.len() - 1].at - points[0].at;
    let stands_out = line.drift.abs() > DEVIATIONS * line.drift_deviation && (line.drift * span).abs() > 10.0 * LEAST;
    if stands_out && is_better(&drifting, &best, points) {
        best = drifting;
    }
    let bent = Course::Curve(Spline::through(&knots(points)));
    if line.leaves_a_bend(points) && is_better(&bent, &best, points) {
        best = bent;
    }
    best
}

/// Time and delay of each point; of points at one time the first.
fn knots(points: &[LocalDelay]) -> Vec<(f64, f64)> {
    let mut knots: Vec<(f64, f64)> = points.iter().map(|p| (p.at, p.delay)).collect();
    knots.dedup_by(|b, a| b.0 <= a.0);
    knots
}

/// Weighted mean of the delays, and its standard deviation by their scatter.
fn mean(points: &[LocalDelay]) -> (f64, f64) {
    let total: f64 = points.iter().map(weight).sum();
    let mean = points.iter().map(|p| weight(p) * p.delay).sum::<f64>() / total;
    let scatter = points.iter().map(|p| weight(p) * (p.delay - mean).powi(2)).sum::<f64>() / total;
    let n = points.len() as f64;
    (mean, (scatter / (n - 1.0).max(1.0)).sqrt())
}

/// True when a course takes enough of the error away.
fn is_better(new: &Course, old: &Course, points: &[LocalDelay]) -> bool {
    let gain = if points.len() >= MANY { GAIN.0 } else { GAIN.1 };
    let (new, old) = (error(new, points), error(old, points));
    new < (1.0 - gain) * old
}

/// Error left by a course: what the best local delays leave, and what each departure from them adds.
fn error(course: &Course, points: &[LocalDelay]) -> f64 {
    points.iter().map(|p| p.error + p.slope_energy * (p.delay - course.delay_at(p.at)).powi(2)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Delays with a scatter of 0.02 samples, and an error as large as that of a shift by `noise` samples.
    fn points(noise: f64, of: impl Fn(f64) -> f64) -> Vec<LocalDelay> {
        let point = |k: u32| {
            let at = 48_000.0 * f64::from(k);
            let scatter = 0.04 * (f64::from(k * 7_919 % 101) / 101.0 - 0.5);
            let (delay, error) = (of(at) + scatter, 1e3 * noise * noise);
            LocalDelay { at, delay, likeness: 0.99, variance: 1e-4, slope_energy: 1e3, error, jump: 0.0 }
        };
        (0..60).map(point).collect()
    }

    #[test]
    fn scatter_alone_is_a_whole_delay() {
        assert_eq!(course(&points(0.1, |_| 7.0)), Course::Whole(7));
        assert_eq!(course(&points(0.1, |_| 0.0)[..3]), Course::Whole(0));
    }

    #[test]
    fn fractions_and_drifts_that_stand_out_are_taken() {
        let Course::Line { delay, drift } = course(&points(0.1, |_| 0.5)) else { panic!("a fraction") };
        assert!((delay - 0.5).abs() < 0.01 && drift == 0.0);
        let Course::Line { delay, drift } = course(&points(0.1, |t| 3.0 - 20e-6 * t)) else { panic!("a drift") };
        assert!((delay - 3.0).abs() < 0.05 && (drift + 20e-6).abs() < 1e-8, "{delay} {drift}");
    }

    #[test]
    fn a_bend_is_a_curve_and_its_departures_are_told() {
        let bent = points(0.01, |t| 2.0 * (t / 500_000.0).sin());
        assert!(matches!(course(&bent), Course::Curve(_)));
        let line = Line::through(&bent);
        assert!(line.rms > 0.3 && line.max > line.rms);
        let straight = Line::through(&points(0.01, |t| 1e-5 * t));
        assert!(straight.rms < 0.03 && straight.max < 0.05, "{straight:?}");
    }
}
