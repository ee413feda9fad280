//! Ten million points on a thousand columns: what is drawn of a line denser than the picture.
//!
//! A column keeps its first, least, greatest and last value, which colours the same pixels as all points would
//! (U. Jugel et al., M4: A Visualization-Oriented Time Series Data Aggregation, VLDB 2014). Taking every n-th point
//! instead would lose peaks.

use super::chart::{Positions, Scale};
use super::frame::Ruler;
use super::shape::Point;

/// Columns in a pixel: a picture shown at twice its size still has all its peaks in place.
const COLUMNS_PER_PX: f64 = 2.0;
/// Beyond the frame by this much, a value is as good as infinite.
const FAR_PX: f64 = 20_000.0;
/// Width of a band of the power mean.
const BANDS_PER_OCTAVE: f64 = 24.0;
/// Width of such a band on a linear axis.
const LINEAR_BAND_PX: f64 = 3.0;

/// The horizontal and the vertical ruler of a frame.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rulers {
    pub x: Ruler,
    pub y: Ruler,
}

impl Rulers {
    /// The place of a point, infinite values held near the frame; `None` for NaN.
    pub(super) fn place(&self, x: f64, y: f64) -> Option<Point> {
        let at = (self.x.held_px(x, FAR_PX), self.y.held_px(y, FAR_PX));
        (!at.0.is_nan() && !at.1.is_nan()).then_some(at)
    }
}

/// A power mean as a line, and what it was taken over as a band.
pub(super) struct Envelope {
    pub line: Vec<Vec<Point>>,
    /// Place, top and bottom in pixels.
    pub band: Vec<(f64, f64, f64)>,
}

/// Lines through all points, or through each column's extremes where points are denser; NaN ends a line.
pub(super) fn extremes(x: &Positions, y: &[f64], rulers: &Rulers) -> Vec<Vec<Point>> {
    let visible = visible(x, y, &rulers.x);
    let n_columns = (rulers.x.length_px() * COLUMNS_PER_PX).ceil().max(1.0) as usize;
    let place = |i: usize| rulers.place(x.at(i), y[i]);
    if visible.len() <= 4 * n_columns {
        return runs(visible.map(place));
    }
    let mut points = Vec::with_capacity(4 * n_columns);
    let mut start = visible.start;
    for column in 1..=n_columns {
        let edge_px = rulers.x.from_px + rulers.x.length_px() * column as f64 / n_columns as f64;
        let edge = if column == n_columns { visible.end } else { first_from(x, y.len(), rulers.x.value(edge_px)) };
        let end = edge.clamp(start, visible.end);
        if start < end {
            points.extend(column_points(&y[start..end]).map(|i| i.and_then(|i| place(start + i))));
        }
        start = end;
    }
    runs(points.into_iter())
}

/// Indices of the first, least, greatest and last number of a column, in order; a single gap when there is none.
fn column_points(y: &[f64]) -> impl Iterator<Item = Option<usize>> {
    let is_number = |v: &f64| !v.is_nan();
    let (least, greatest) = least_and_greatest(y);
    let find = |wanted: f64| y.iter().position(|&v| v == wanted);
    let mut indices = [y.iter().position(is_number), find(least), find(greatest), y.iter().rposition(is_number)];
    indices.sort_unstable();
    let n = if indices[0].is_none() { 1 } else { 4 };
    indices.into_iter().take(n)
}

/// Both ends of the values, NaN left out; (infinity, -infinity) when there is no number.
pub(in crate::report) fn least_and_greatest(y: &[f64]) -> (f64, f64) {
    y.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(least, greatest), &v| {
        (if v < least { v } else { least }, if v > greatest { v } else { greatest })
    })
}

/// The points within the ruler, and one beyond each end so that the line reaches it.
fn visible(x: &Positions, y: &[f64], ruler: &Ruler) -> std::ops::Range<usize> {
    let n = x.count(y.len());
    let first = first_from(x, n, ruler.low).saturating_sub(1);
    // One step above `high` would be the next point; a point at `high` itself is inside.
    let last = first_from(x, n, ruler.high.next_up()).saturating_add(1).min(n);
    first.min(last)..last
}

/// Index of the first of `n` ascending positions that is no less than `value`.
fn first_from(x: &Positions, n: usize, value: f64) -> usize {
    match x {
        Positions::Uniform { start, step } => (((value - start) / step).ceil().max(0.0) as usize).min(n),
        Positions::Explicit(x) => x[..n.min(x.len())].partition_point(|&p| p < value),
    }
}

/// The mean power in bands, for values in dB, and the least and greatest of each column.
pub(super) fn power_mean(x: &Positions, y: &[f64], rulers: &Rulers) -> Envelope {
    let visible = visible(x, y, &rulers.x);
    let mut line = Vec::new();
    let mut start = visible.start;
    while start < visible.end {
        let end = band_end(x, y.len(), start, &rulers.x).clamp(start + 1, visible.end);
        if end - start < 3 {
            line.extend((start..end).map(|i| rulers.place(x.at(i), y[i])));
        } else {
            let centre = (rulers.x.px(x.at(start)) + rulers.x.px(x.at(end - 1))) / 2.0;
            line.push(rulers.place(rulers.x.value(centre), mean_power_db(&y[start..end])));
        }
        start = end;
    }
    Envelope { line: runs(line.into_iter()), band: band(x, y, visible, rulers) }
}

/// One past the last point of the band that starts with point `start`.
fn band_end(x: &Positions, n: usize, start: usize, ruler: &Ruler) -> usize {
    let from = x.at(start);
    let to = match ruler.scale {
        Scale::Log if from > 0.0 => from * (1.0 / BANDS_PER_OCTAVE).exp2(),
        Scale::Log => ruler.low,
        Scale::Linear => from + (ruler.high - ruler.low) / ruler.length_px() * LINEAR_BAND_PX,
    };
    first_from(x, n, to)
}

/// `10 log10(mean 10^(y / 10))`, NaN left out.
fn mean_power_db(y: &[f64]) -> f64 {
    let (sum, n) = y.iter().filter(|v| !v.is_nan()).fold((0.0, 0), |(sum, n), v| (sum + from_db(*v), n + 1));
    10.0 * (sum / f64::from(n)).log10()
}

fn from_db(db: f64) -> f64 {
    (db * (std::f64::consts::LN_10 / 10.0)).exp()
}

fn band(x: &Positions, y: &[f64], visible: std::ops::Range<usize>, rulers: &Rulers) -> Vec<(f64, f64, f64)> {
    let mut band = Vec::new();
    let mut start = visible.start;
    while start < visible.end {
        let px = rulers.x.held_px(x.at(start), FAR_PX).floor() + 1.0;
        let end = first_from(x, y.len(), rulers.x.value(px)).clamp(start + 1, visible.end);
        let (least, greatest) = least_and_greatest(&y[start..end]);
        let centre = (rulers.x.held_px(x.at(start), FAR_PX) + rulers.x.held_px(x.at(end - 1), FAR_PX)) / 2.0;
        if least <= greatest && centre.is_finite() {
            band.push((centre, rulers.y.held_px(greatest, FAR_PX), rulers.y.held_px(least, FAR_PX)));
        }
        start = end;
    }
    band
}

/// Unbroken stretches of points.
pub(super) fn runs(points: impl Iterator<Item = Option<Point>>) -> Vec<Vec<Point>> {
    let mut runs = vec![Vec::new()];
    for point in points {
        match point {
            Some(point) => runs.last_mut().expect("starts with one").push(point),
            None => runs.push(Vec::new()),
        }
    }
    runs.retain(|run| !run.is_empty());
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rulers(high: f64) -> Rulers {
        let x = Ruler { scale: Scale::Linear, low: 0.0, high, from_px: 0.0, to_px: 100.0 };
        Rulers { x, y: Ruler { scale: Scale::Linear, low: -1.0, high: 1.0, from_px: 50.0, to_px: 0.0 } }
    }

    /// For each column the lowest and highest row that a line touches: what it colours, without anti-aliasing.
    fn coverage(runs: &[Vec<Point>], n_columns: usize) -> Vec<(f64, f64)> {
        let mut rows = vec![(f64::INFINITY, f64::NEG_INFINITY); n_columns];
        let touch = |rows: &mut Vec<(f64, f64)>, column: usize, y: f64| {
            if let Some((least, greatest)) = rows.get_mut(column) {
                (*least, *greatest) = (least.min(y), greatest.max(y));
            }
        };
        for pair in runs.iter().flat_map(|run| run.windows(2)) {
            let ((x0, y0), (x1, y1)) = (pair[0], pair[1]);
            touch(&mut rows, x0.floor() as usize, y0);
            touch(&mut rows, x1.floor() as usize, y1);
            // Where the segment passes from one column to the next, both show that height.
            for edge in x0.floor() as usize + 1..=x1.floor() as usize {
                let y = y0 + (y1 - y0) * (edge as f64 - x0) / (x1 - x0);
                touch(&mut rows, edge - 1, y);
                touch(&mut rows, edge, y);
            }
        }
        rows
    }

    #[test]
    fn the_reduced_line_covers_what_the_full_line_covers() {
        let n = 100_000;
        let y: Vec<f64> = (0..n).map(|i| (i as f64 * 0.37).sin() * 0.5 + (i as f64 * 1e-4).cos() * 0.4).collect();
        let rulers = rulers((n - 1) as f64);
        let x = Positions::Uniform { start: 0.0, step: 1.0 };
        let full: Vec<Point> = (0..n).filter_map(|i| rulers.place(i as f64, y[i])).collect();
        let reduced = extremes(&x, &y, &rulers);
        assert!(reduced[0].len() <= 4 * 200);
        for (a, b) in coverage(&[full], 100).iter().zip(coverage(&reduced, 100)) {
            assert!((a.0 - b.0).abs() < 1e-9 && (a.1 - b.1).abs() < 1e-9, "{a:?} {b:?}");
        }
    }

    #[test]
    fn one_sample_in_a_million_is_seen() {
        let mut y = vec![0.0; 1_000_000];
        y[777_777] = 0.9;
        let runs = extremes(&Positions::Uniform { start: 0.0, step: 1.0 }, &y, &rulers(999_999.0));
        let top = runs[0].iter().map(|p| p.1).fold(f64::INFINITY, f64::min);
        assert!((top - 2.5).abs() < 1e-9);
    }

    #[test]
    fn nan_is_a_gap_and_infinity_leaves_the_frame() {
        let y = [0.0, f64::NAN, 0.5, f64::NEG_INFINITY];
        let runs = extremes(&Positions::Uniform { start: 0.0, step: 1.0 }, &y, &rulers(3.0));
        assert_eq!(runs.len(), 2);
        assert!(runs[1][1].1 > 1000.0 && runs[1][1].1.is_finite());
    }

    #[test]
    fn explicit_and_uniform_positions_give_one_line() {
        let y: Vec<f64> = (0..5000).map(|i| (f64::from(i) * 0.11).sin()).collect();
        let explicit = Positions::Explicit((0..5000).map(f64::from).collect());
        let uniform = Positions::Uniform { start: 0.0, step: 1.0 };
        for range in [4999.0, 333.0, 1.5] {
            assert_eq!(extremes(&explicit, &y, &rulers(range)), extremes(&uniform, &y, &rulers(range)));
        }
    }

    #[test]
    fn the_power_mean_of_two_levels_lies_between() {
        let y: Vec<f64> = (0..100_000).map(|i| if i % 2 == 0 { 0.0 } else { -100.0 }).collect();
        let rulers = rulers(99_999.0);
        let envelope = power_mean(&Positions::Uniform { start: 0.0, step: 1.0 }, &y, &rulers);
        let expected = rulers.y.held_px(10.0 * 0.5_f64.log10(), FAR_PX);
        assert!(envelope.line[0].iter().all(|p| (p.1 - expected).abs() < 0.5));
        // A column at the end may hold one value alone.
        assert!(envelope.band.len() >= 99 && envelope.band[..99].iter().all(|b| b.1 < b.2));
    }
}
