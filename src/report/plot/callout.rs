//! Remarks: text beside the point it is about, where there is room.

use super::canvas::{Canvas, Pen, text_rect};
use super::chart::Callout;
use super::font::Weight;
use super::frame::Rect;
use super::reduce::Rulers;
use super::shape::{Anchor, Point, Type};
use super::style::Ink;

const SIZE_PX: f64 = 11.0;
/// How far beside its point a text may start, tried in this order.
const DISTANCES_PX: [f64; 5] = [14.0, 26.0, 44.0, 70.0, 110.0];
/// How far above or below, relative to that.
const SLOPES: [f64; 6] = [-1.0, -0.4, 0.5, 1.0, -2.0, 2.0];

/// Draws each callout at the place near its point that covers the least data; one without room is left out.
pub(super) fn draw(canvas: &mut Canvas, callouts: &[Callout], frame: Rect, rulers: &Rulers, data: &[Point]) {
    let mut taken: Vec<Rect> = Vec::new();
    for callout in callouts {
        let Some(point) = rulers.place(callout.x, callout.y).filter(|&p| frame.grown(0.5).clip(p, p).is_some()) else {
            continue;
        };
        let Some((at, set)) = best_place(&callout.text, point, frame, &taken, data) else { continue };
        let rect = text_rect(&callout.text, at, set);
        canvas.rect(rect.grown(2.0), Ink::Background, 0.8);
        canvas.line(&[point, nearest(rect.grown(1.5), point)], Pen::solid(Ink::Muted, 0.8));
        canvas.dot(point, 2.4, Ink::Text);
        canvas.text(&callout.text, at, set);
        taken.push(rect.grown(3.0));
    }
}

fn best_place(text: &str, point: Point, frame: Rect, taken: &[Rect], data: &[Point]) -> Option<(Point, Type)> {
    let set = |anchor| Type { size_px: SIZE_PX, weight: Weight::Regular, ink: Ink::Text, anchor };
    let candidates = DISTANCES_PX.iter().flat_map(|&d| SLOPES.iter().map(move |&slope| (d, slope * d)));
    let candidates = candidates.flat_map(|(dx, dy)| {
        [((point.0 + dx, point.1 + dy), Anchor::Start), ((point.0 - dx, point.1 + dy), Anchor::End)]
    });
    let room = frame.grown(-4.0);
    let fitting = candidates.enumerate().filter_map(|(order, (at, anchor))| {
        let rect = text_rect(text, at, set(anchor)).grown(3.0);
        let free = room.holds(rect) && !taken.iter().any(|t| t.overlaps(rect));
        free.then(|| (data.iter().filter(|&&p| rect.clip(p, p).is_some()).count(), order, at, anchor))
    });
    // A line of its own beside the point is worth covering a few points of data.
    fitting.min_by_key(|&(covered, order, ..)| 4 * covered + order).map(|(_, _, at, anchor)| (at, set(anchor)))
}

/// The point of `rect` nearest to `point`.
fn nearest(rect: Rect, point: Point) -> Point {
    (point.0.clamp(rect.left, rect.right), point.1.clamp(rect.top, rect.bottom))
}
