//! Where samples were lost or inserted: the local delays fall into groups, and the seam between two of them is where both
//! together leave the least error.
//!
//! ```text
//! error(s) = sum_{t < s} |y(t + d1) - g x(t)|^2 + sum_{t >= s + lost} |y(t + d2) - g x(t)|^2
//! ```

use super::local::LocalDelay;

/// Samples that two neighbours may differ by beside the clock: a lost sample is more.
const TOLERANCE: f64 = 0.6;
/// Share of the time between two neighbours by which the clock may bend.
const BEND: f64 = 5e-6;
/// Largest drift that is no jump where too few neighbours tell.
const MAX_DRIFT: f64 = 1.5e-3;
/// Neighbours to each side whose slopes tell the clock.
const N_NEIGHBOURS: usize = 4;
/// A jump this near to a whole number is one.
const NEARLY_WHOLE: f64 = 0.25;

/// Local delays without a jump between them.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Group {
    pub delays: Vec<LocalDelay>,
    /// Samples that the test jumped since the first group.
    pub jump: f64,
    /// Stretches that may reach across a seam.
    n_across: usize,
}

impl Group {
    /// The delays but those beside a jump, whose stretches may reach across it.
    pub(super) fn inner(&self, has_before: bool, has_after: bool) -> &[LocalDelay] {
        let n = self.delays.len();
        let (from, end) = (if has_before { self.n_across } else { 0 }, if has_after { self.n_across } else { 0 });
        if from + end < n { &self.delays[from..n - end] } else { &self.delays[n / 2..n / 2 + 1] }
    }
}

/// Parts the delays where they jump.
///
/// - `n_across`: stretches that may reach across a seam
pub(super) fn groups(delays: &[LocalDelay], n_across: usize) -> Vec<Group> {
    let slopes: Vec<f64> = delays.windows(2).map(|d| (d[1].delay - d[0].delay) / (d[1].at - d[0].at)).collect();
    let mut parts: Vec<Vec<LocalDelay>> = Vec::new();
    for (k, delay) in delays.iter().enumerate() {
        match parts.last_mut() {
            Some(part) if !is_jump(&delays[k - 1], delay, &clocks_at(&slopes, k - 1)) => part.push(*delay),
            _ => parts.push(vec![*delay]),
        }
    }
    without_strays(&mut parts, &slopes);
    let mut groups: Vec<Group> = Vec::new();
    for part in parts {
        let group = Group { delays: part, jump: 0.0, n_across };
        let jump = groups.last().map_or(0.0, |before| jump_between(before, &group));
        match groups.last_mut() {
            // The clock's own bend; samples are lost whole.
            Some(before) if jump.abs() < 0.5 => before.delays.extend(group.delays),
            before => {
                let jump = jump + before.map_or(0.0, |before| before.jump);
                groups.push(Group { jump, ..group });
            }
        }
    }
    groups
}

/// The delays as they are, none of their steps taken for a jump.
pub(super) fn one_group(delays: Vec<LocalDelay>, n_across: usize) -> Vec<Group> {
    vec![Group { delays, jump: 0.0, n_across }]
}

/// The clock's drift at the step after stretch `k`, by the steps around it: their median, and what the nearest two let
/// expect of a bend. Nothing where too few tell.
fn clocks_at(slopes: &[f64], k: usize) -> Vec<f64> {
    let from = k.saturating_sub(N_NEIGHBOURS);
    let near: Vec<f64> =
        (from..slopes.len().min(k + N_NEIGHBOURS + 1)).filter(|&i| i != k).map(|i| slopes[i]).collect();
    if near.len() < 3 {
        return Vec::new();
    }
    let at = |i: usize| slopes.get(i).copied();
    let before = k.checked_sub(1).and_then(at);
    let bend = match (before, at(k + 1)) {
        (Some(before), Some(after)) => 0.5 * (before + after),
        (None, Some(after)) => 2.0 * after - at(k + 2).unwrap_or(after),
        (Some(before), None) => 2.0 * before - k.checked_sub(2).and_then(at).unwrap_or(before),
        (None, None) => 0.0,
    };
    vec![median(near), bend]
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

/// True when the step from `a` to `b` is none that a clock makes.
fn is_jump(a: &LocalDelay, b: &LocalDelay, clocks: &[f64]) -> bool {
    let passed = b.at - a.at;
    let spread = 6.0 * (a.variance.sqrt() + b.variance.sqrt());
    let bend = if clocks.is_empty() { MAX_DRIFT } else { BEND };
    let limit = TOLERANCE.max(spread.min(100.0)) + bend * passed;
    let moved = |clock: f64| (b.delay - a.delay - clock * passed).abs();
    match clocks {
        [] => moved(0.0) > limit,
        clocks => clocks.iter().all(|clock| moved(*clock) > limit),
    }
}

/// A stretch by itself between two parts that belong together, which it resembles less, was found in the wrong place.
fn without_strays(parts: &mut Vec<Vec<LocalDelay>>, slopes: &[f64]) {
    let clock = [median(slopes.to_vec())];
    let mut i = 1;
    while i + 1 < parts.len() {
        let (before, after) = (parts[i - 1].last().copied(), parts[i + 1].first().copied());
        let belongs = before.zip(after).is_some_and(|(before, after)| !is_jump(&before, &after, &clock));
        let error = |d: &LocalDelay| 1.0 - d.likeness * d.likeness;
        let usual = before.map_or(0.0, |d| error(&d)) + after.map_or(0.0, |d| error(&d));
        if parts[i].len() == 1 && belongs && error(&parts[i][0]) > usual + 1e-6 {
            parts.remove(i);
            let rest = parts.remove(i);
            parts[i - 1].extend(rest);
        } else {
            i += 1;
        }
    }
}

/// Samples from the end of one part to the start of the next, less the clock; whole where nearly so.
fn jump_between(before: &Group, after: &Group) -> f64 {
    let near = |d: &[LocalDelay]| -> (f64, f64) {
        let n = d.len() as f64;
        (d.iter().map(|d| d.at).sum::<f64>() / n, d.iter().map(|d| d.delay).sum::<f64>() / n)
    };
    let (left, right) = (before.inner(false, true), after.inner(true, false));
    let (left, right) = (&left[left.len().saturating_sub(N_NEIGHBOURS)..], &right[..right.len().min(N_NEIGHBOURS)]);
    let slope = [left, right].into_iter().filter(|d| d.len() >= 2).map(slope_of).collect::<Vec<f64>>();
    let clock = if slope.is_empty() { 0.0 } else { slope.iter().sum::<f64>() / slope.len() as f64 };
    let ((t0, d0), (t1, d1)) = (near(left), near(right));
    let jump = d1 - d0 - clock * (t1 - t0);
    if (jump - jump.round()).abs() < NEARLY_WHOLE { jump.round() } else { jump }
}

fn slope_of(d: &[LocalDelay]) -> f64 {
    let (first, last) = (d[0], d[d.len() - 1]);
    (last.delay - first.delay) / (last.at - first.at)
}

/// Sample of the reference from which on `after` fits better: `before[i]` and `after[i]` are the squared errors of the
/// first and the second delay at the i-th sample of where the seam may be. Returns i; of equal places the last.
pub(super) fn seam(before: &[f64], after: &[f64]) -> usize {
    // Sums from both ends: what is zero stays zero.
    let mut rest = vec![0.0; after.len() + 1];
    for (i, after) in after.iter().enumerate().rev() {
        rest[i] = rest[i + 1] + after;
    }
    let (mut left, mut best) = (0.0, (rest[0], 0));
    for (i, before) in before.iter().enumerate() {
        left += before;
        if left + rest[i + 1] <= best.0 {
            best = (left + rest[i + 1], i + 1);
        }
    }
    best.1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delays(of: impl Fn(f64) -> f64) -> Vec<LocalDelay> {
        let local = |k: u32| {
            let at = 48_000.0 * f64::from(k);
            let noise = 0.01 * f64::from(k * 7_919 % 17) / 17.0;
            LocalDelay {
                at,
                delay: of(at) + noise,
                likeness: 1.0,
                variance: 1e-4,
                slope_energy: 1.0,
                error: 0.0,
                jump: 0.0,
            }
        };
        (0..40).map(local).collect()
    }

    #[test]
    fn jumps_of_a_sample_and_more_are_seen_on_a_drifting_clock() {
        for (size, drift) in [(1.0, 0.0), (-40.0, 20e-6), (480.0, -1e-3), (-1.0, 300e-6)] {
            let parts = groups(&delays(|t| 5.0 + drift * t + if t > 900_000.0 { size } else { 0.0 }), 1);
            assert_eq!(parts.iter().map(|p| p.jump).collect::<Vec<_>>(), [0.0, size], "{size} {drift}");
            assert_eq!(parts[0].delays.len(), 19);
        }
    }

    #[test]
    fn a_bend_is_no_jump() {
        let bent = |t: f64| 40.0 * (t / 400_000.0).sin();
        assert_eq!(groups(&delays(bent), 1).len(), 1);
        assert!(groups(&[], 1).is_empty());
    }

    #[test]
    fn a_stray_is_left_out() {
        let mut delays = delays(|t| if (900_000.0..940_000.0).contains(&t) { 300.0 } else { 0.0 });
        assert_eq!(groups(&delays, 1).len(), 3);
        delays[19].likeness = 0.9;
        let parts = groups(&delays, 1);
        assert!(parts.len() == 1 && parts[0].delays.len() == 39);
    }

    #[test]
    fn the_seam_is_where_both_sides_leave_least() {
        let before = [0.0, 0.0, 0.0, 1.0, 1.0];
        let after = [1.0, 1.0, 1.0, 0.0, 0.0];
        assert_eq!(seam(&before, &after), 3);
        assert_eq!((seam(&[1.0; 4], &[0.0; 4]), seam(&[0.0; 4], &[0.0; 4]), seam(&[], &[])), (0, 4, 0));
    }
}
