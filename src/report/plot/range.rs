//! The ends of an axis that names none: what holds all data.

use super::chart::{Axis, Chart, Mark, Panel, Positions, Scale};
use super::reduce::least_and_greatest;
use super::ticks::step_at_least;

/// Room left free above and below the data, as a share of their span.
const MARGIN: f64 = 0.04;

/// Ends of the horizontal axis.
pub(super) fn of_x(chart: &Chart) -> (f64, f64) {
    let marks = chart.panels.iter().flat_map(|p| &p.series).map(|s| &s.mark);
    let span = marks.map(x_span).fold(EMPTY, join);
    usable(chart.x.range.unwrap_or(span), chart.x.scale)
}

/// Ends of a panel's vertical axis.
pub(super) fn of_y(panel: &Panel) -> (f64, f64) {
    if let Some(range) = panel.y.range {
        return usable(range, panel.y.scale);
    }
    let span = panel.series.iter().map(|s| y_span(&s.mark)).fold(EMPTY, join);
    let exact = panel.series.iter().any(|s| matches!(s.mark, Mark::Heat(_)));
    match panel.y.scale {
        Scale::Linear if !exact => rounded(usable(span, Scale::Linear), &panel.y),
        scale => usable(span, scale),
    }
}

const EMPTY: (f64, f64) = (f64::INFINITY, f64::NEG_INFINITY);

fn join(a: (f64, f64), b: (f64, f64)) -> (f64, f64) {
    (a.0.min(b.0), a.1.max(b.1))
}

/// The finite values' ends.
fn span(values: &[f64]) -> (f64, f64) {
    let all = least_and_greatest(values);
    if all.0.is_finite() && all.1.is_finite() {
        return all;
    }
    values.iter().filter(|v| v.is_finite()).fold(EMPTY, |s, &v| join(s, (v, v)))
}

fn x_span(mark: &Mark) -> (f64, f64) {
    match mark {
        Mark::Line { x: Positions::Explicit(x), .. } => span(x),
        Mark::Line { x, y, .. } if !y.is_empty() => (x.at(0), x.at(y.len() - 1)),
        Mark::Points { x, .. } | Mark::Dots { x, .. } | Mark::Band { x, .. } => span(x),
        Mark::Steps { edges, .. } | Mark::Bars { edges, .. } => span(edges),
        Mark::Heat(heat) => heat.x,
        Mark::Line { .. } | Mark::Region { .. } | Mark::Level(_) | Mark::Position(_) => EMPTY,
    }
}

fn y_span(mark: &Mark) -> (f64, f64) {
    match mark {
        Mark::Line { y, .. } | Mark::Points { y, .. } | Mark::Dots { y, .. } | Mark::Steps { y, .. } => span(y),
        Mark::Band { low, high, .. } => join(span(low), span(high)),
        Mark::Bars { y, .. } => join(span(y), (0.0, 0.0)),
        Mark::Level(value) => span(&[*value]),
        Mark::Heat(heat) => span(&heat.row_edges),
        Mark::Region { .. } | Mark::Position(_) => EMPTY,
    }
}

/// Ends that a ruler can have: finite, in order, apart, above zero for a logarithm.
fn usable((low, high): (f64, f64), scale: Scale) -> (f64, f64) {
    // Half the largest number: the difference of two stays finite.
    let (low, high) = (low.clamp(-1e300, 1e300), high.clamp(-1e300, 1e300));
    let (low, high) = match (low.is_finite() && high.is_finite(), low <= high) {
        (false, _) => (0.0, 1.0),
        (true, true) => (low, high),
        (true, false) if low == 1e300 => (0.0, 1.0),
        (true, false) => (high, low),
    };
    match scale {
        Scale::Log if high <= 0.0 => (1.0, 10.0),
        Scale::Log if low <= 0.0 => (high / 1000.0, high),
        Scale::Log if high / low < 1.0 + 1e-9 => (low / 2.0, high * 2.0),
        Scale::Linear if high - low <= 1e-12 * low.abs().max(high.abs()) => {
            let half = if low == 0.0 { 1.0 } else { low.abs() * 0.5 };
            (low - half, high + half)
        }
        _ => (low, high),
    }
}

/// Widened to the next multiples of a step, with a margin at ends that are not zero.
fn rounded((low, high): (f64, f64), axis: &Axis) -> (f64, f64) {
    let margin = (high - low) * MARGIN;
    let step = step_at_least((high - low) / 20.0, axis.ticks);
    let low = if low == 0.0 { 0.0 } else { ((low - margin) / step).floor() * step };
    let high = if high == 0.0 { 0.0 } else { ((high + margin) / step).ceil() * step };
    (low, high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_range_becomes_usable() {
        let odd = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.0, -0.0, 1.0, -5.0, 1e308, -1e308, 1e-320];
        for scale in [Scale::Linear, Scale::Log] {
            for (low, high) in odd.iter().flat_map(|&a| odd.iter().map(move |&b| (a, b))) {
                let (low, high) = usable((low, high), scale);
                assert!(low < high && (high - low).is_finite(), "{low} {high}");
                assert!(scale == Scale::Linear || low > 0.0);
            }
        }
    }

    #[test]
    fn ranges_end_at_round_values_around_the_data() {
        let axis = Axis::linear("", "", "");
        assert_eq!(rounded((-0.7, 0.7), &axis), (-0.8, 0.8));
        assert_eq!(rounded((0.0, 9.3), &axis), (0.0, 10.0));
    }
}
