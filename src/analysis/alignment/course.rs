//! How late the test comes, over the reference's time: a whole number of samples, a line, or a curve through knots.

/// Delay in samples over the time of the reference, in samples.
#[derive(Debug, Clone, PartialEq)]
pub enum Course {
    /// The same whole number of samples all along: nothing is interpolated.
    Whole(i64),
    /// `delay + drift t`: a fraction of a sample, or clocks that differ.
    Line {
        /// Samples at t = 0.
        delay: f64,
        /// Samples per sample.
        drift: f64,
    },
    /// A clock that wanders.
    Curve(Spline),
}

impl Course {
    /// Samples that the test comes late at sample `t` of the reference.
    pub fn delay_at(&self, t: f64) -> f64 {
        match self {
            Self::Whole(delay) => *delay as f64,
            Self::Line { delay, drift } => delay + drift * t,
            Self::Curve(spline) => spline.at(t),
        }
    }
}

/// A cubic spline whose second derivative is constant in its first and last interval, and for as long beyond.
///
/// Source: C. de Boor, "A practical guide to splines", 1978, chapter IV; the ends are parabolic.
#[derive(Debug, Clone, PartialEq)]
pub struct Spline {
    /// Time, value and second derivative of each knot, ascending in time.
    knots: Vec<Knot>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Knot {
    t: f64,
    value: f64,
    bend: f64,
}

impl Spline {
    /// Through `points` of ascending time; at least one.
    pub fn through(points: &[(f64, f64)]) -> Self {
        let mut knots: Vec<Knot> = points.iter().map(|&(t, value)| Knot { t, value, bend: 0.0 }).collect();
        if knots.len() > 3 {
            set_bends(&mut knots);
        }
        Self { knots }
    }

    /// Value at `t`.
    pub fn at(&self, t: f64) -> f64 {
        let knots = &self.knots;
        let (Some(first), Some(last)) = (knots.first(), knots.last()) else { return 0.0 };
        if knots.len() < 2 {
            return first.value;
        }
        let i = knots.partition_point(|knot| knot.t <= t).clamp(1, knots.len() - 1);
        let held = t.clamp(first.t, last.t);
        let (a, b) = (knots[i - 1], knots[i]);
        let h = b.t - a.t;
        let (u, v) = ((b.t - held) / h, (held - a.t) / h);
        let value = u * a.value + v * b.value + ((u * u * u - u) * a.bend + (v * v * v - v) * b.bend) * h * h / 6.0;
        if held == t {
            return value;
        }
        let slope = (b.value - a.value) / h + h / 6.0 * ((3.0 * v * v - 1.0) * b.bend - (3.0 * u * u - 1.0) * a.bend);
        // The parabola goes on for as long as its interval was, then its tangent.
        let (bend, beyond) = (if t < held { a.bend } else { b.bend }, t - held);
        let bent = beyond.clamp(-h, h);
        value + slope * beyond + bend * bent * (beyond - 0.5 * bent)
    }
}

/// Second derivatives from the tridiagonal system of continuous slopes, with `M[0] = M[1]` and `M[n-1] = M[n-2]`.
fn set_bends(knots: &mut [Knot]) {
    let n = knots.len();
    let h = |i: usize| knots[i + 1].t - knots[i].t;
    let slope = |i: usize| (knots[i + 1].value - knots[i].value) / h(i);
    // Forward elimination over the inner knots 1 to n - 2.
    let (mut upper, mut right) = (vec![0.0; n], vec![0.0; n]);
    for i in 1..n - 1 {
        let (mut lower, mut middle, mut above) = (h(i - 1), 2.0 * (h(i - 1) + h(i)), h(i));
        if i == 1 {
            middle += lower;
            lower = 0.0;
        }
        if i == n - 2 {
            middle += above;
            above = 0.0;
        }
        let pivot = middle - lower * upper[i - 1];
        upper[i] = above / pivot;
        right[i] = (6.0 * (slope(i) - slope(i - 1)) - lower * right[i - 1]) / pivot;
    }
    for i in (1..n - 1).rev() {
        right[i] -= upper[i] * right[i + 1];
        knots[i].bend = right[i];
    }
    knots[0].bend = knots[1].bend;
    knots[n - 1].bend = knots[n - 2].bend;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spline_goes_through_its_points_and_follows_a_parabola() {
        let parabola = |t: f64| 3.0 - 0.5 * t + 0.01 * t * t;
        let points: Vec<(f64, f64)> = [0.0, 1.0, 2.5, 4.0, 7.0, 9.0].iter().map(|&t| (t, parabola(t))).collect();
        let spline = Spline::through(&points);
        for i in 0..=90 {
            let t = 0.1 * f64::from(i);
            assert!((spline.at(t) - parabola(t)).abs() < 1e-12, "{t}");
        }
        // On beyond the ends, then straight.
        assert!((spline.at(11.0) - parabola(11.0)).abs() < 1e-12 && (spline.at(-1.0) - parabola(-1.0)).abs() < 1e-12);
        assert!((spline.at(-3.0) - (parabola(-1.0) + 2.0 * (0.5 + 0.02))).abs() < 1e-12);
    }

    #[test]
    fn a_sine_is_followed_to_the_fourth_order() {
        let error = |n: usize| {
            let points: Vec<(f64, f64)> = (0..=n).map(|i| i as f64 / n as f64).map(|t| (t, (6.0 * t).sin())).collect();
            let spline = Spline::through(&points);
            (200..=800).map(|i| f64::from(i) / 1e3).map(|t| (spline.at(t) - (6.0 * t).sin()).abs()).fold(0.0, f64::max)
        };
        assert!(error(40) < 1e-5 && error(20) / error(40) > 12.0, "{} {}", error(20), error(40));
    }

    #[test]
    fn few_points_are_joined_by_lines() {
        assert_eq!(Spline::through(&[(5.0, 2.0)]).at(-1.0), 2.0);
        assert_eq!(Spline::through(&[(0.0, 0.0), (2.0, 4.0)]).at(3.0), 6.0);
        assert_eq!(Spline::through(&[(0.0, 0.0), (2.0, 4.0), (4.0, 0.0)]).at(3.0), 2.0);
    }
}
