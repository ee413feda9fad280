//! A course made exact: the test is interpolated along it, and what delay is left of each stretch is added. Steps of Gauss
//! and Newton, so that neither the slope's approximation nor the bend within a stretch stays.

use crate::Result;

use super::{
    Pair,
    course::Course,
    fit::{self, Line},
    local::{LocalDelay, SLOPE_REACH, Shift},
    path::HALF,
    reader::Reader,
    record::Tape,
};

/// Samples of each stretch that are looked at.
const MAX_WINDOW: usize = 1 << 12;
/// Stretches that a line needs at most.
const MAX_OF_LINE: usize = 256;
/// Steps; each leaves about a tenth of what the last one left.
const N_STEPS: usize = 3;
/// Share of the error at a whole delay that a course must take away.
const GAIN: f64 = 0.01;

/// The course through `points` made exact, with the line through its stretches; the nearest whole delay where that is no
/// worse.
///
/// - `window`: samples of a stretch of `points`
pub(super) fn refined(pair: &Pair, course: Course, all: &[LocalDelay], window: usize) -> Result<(Course, Line)> {
    let is_curve = matches!(course, Course::Curve(_));
    let stride = if is_curve { 1 } else { all.len().div_ceil(MAX_OF_LINE) };
    let mut points: Vec<LocalDelay> = all.iter().step_by(stride).copied().collect();
    let unmoved = Course::Whole(course.delay_at(points[points.len() / 2].at).round() as i64);
    let unmoved_error = error_of(&looked_at(pair, &unmoved, &points, window)?.1);
    let mut course = course;
    for _ in 0..N_STEPS {
        points = looked_at(pair, &course, &points, window)?.0;
        course = fit::course(&points);
        if matches!(course, Course::Whole(_)) {
            return Ok((course, Line::through(&points)));
        }
        if stride > 1 && matches!(course, Course::Curve(_)) {
            // A bend needs all of them.
            return refined(pair, course, all, window);
        }
    }
    let moved_error = error_of(&looked_at(pair, &course, &points, window)?.1);
    let line = Line::through(&points);
    Ok((if moved_error < (1.0 - GAIN) * unmoved_error { course } else { unmoved }, line))
}

fn error_of(shifts: &[Shift]) -> f64 {
    shifts.iter().map(Shift::unmoved_error).sum()
}

/// Each stretch where `course` puts it: its delay by that, and what was left to shift.
fn looked_at(
    pair: &Pair,
    course: &Course,
    points: &[LocalDelay],
    window: usize,
) -> Result<(Vec<LocalDelay>, Vec<Shift>)> {
    let n = window.min(MAX_WINDOW);
    let (mut x, mut y) = (Tape::new(pair.x)?, Reader::new(pair.y, HALF)?);
    let (mut stretch, mut around) = (Vec::new(), Vec::new());
    let (mut moved, mut shifts) = (Vec::with_capacity(points.len()), Vec::with_capacity(points.len()));
    for point in points {
        let start = (point.at - 0.5 * n as f64).round().max(0.0);
        let reach = SLOPE_REACH;
        x.read(start as i64 - reach as i64, n + 2 * reach, &mut stretch)?;
        let time = |i: usize| start + i as f64;
        match course {
            Course::Whole(delay) => {
                y.read_whole(start as i64 + delay + point.jump.round() as i64, n, &mut around)?;
            }
            _ => y.read_at(n, |i| time(i) + course.delay_at(time(i)) + point.jump, &mut around)?,
        }
        let shift = Shift::of(&stretch, &around);
        let delay = course.delay_at(point.at) + shift.delay.clamp(-0.5, 0.5);
        let (variance, slope_energy, error) = (shift.variance, shift.slope_energy, shift.error);
        moved.push(LocalDelay { delay, variance, slope_energy, error, ..*point });
        shifts.push(shift);
    }
    Ok((moved, shifts))
}
