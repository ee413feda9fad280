//! Figures in a column to the right of a frame: names at its left, values at its right.

use super::canvas::Canvas;
use super::chart::Panel;
use super::font::{Weight, width_px};
use super::frame::Rect;
use super::shape::{Anchor, Type};
use super::style::Ink;

const SIZE_PX: f64 = 12.0;
const ROW_PX: f64 = 18.0;
/// From the frame to the names, and from the longest name to the values.
pub(super) const GAP_PX: f64 = 16.0;
const INNER_GAP_PX: f64 = 12.0;
/// A column is drawn where it leaves this many times its width to the rest.
const ROOM: f64 = 2.5;

/// Width of the widest column, or nothing where there is none or no room.
pub(super) fn width(panels: &[Panel], available: f64) -> f64 {
    let widest = |of: fn(&(String, String)) -> &String| {
        let texts = panels.iter().flat_map(|panel| &panel.figures).map(of);
        texts.map(|text| width_px(text, SIZE_PX, Weight::Regular)).fold(0.0, f64::max)
    };
    if panels.iter().all(|panel| panel.figures.is_empty()) {
        return 0.0;
    }
    let width = widest(|row| &row.0) + INNER_GAP_PX + widest(|row| &row.1);
    if available >= (1.0 + ROOM) * width { width } else { 0.0 }
}

/// Draws as many rows as fit in `rect`.
pub(super) fn draw(canvas: &mut Canvas, figures: &[(String, String)], rect: Rect) {
    let name = Type { size_px: SIZE_PX, weight: Weight::Regular, ink: Ink::Muted, anchor: Anchor::Start };
    let value = Type { ink: Ink::Text, anchor: Anchor::End, ..name };
    for (i, (label, text)) in figures.iter().enumerate() {
        let baseline = rect.top + 12.0 + i as f64 * ROW_PX;
        if baseline + 4.0 > rect.bottom {
            return;
        }
        canvas.text(label, (rect.left, baseline), name);
        canvas.text(text, (rect.right, baseline), value);
    }
}
