//! Grid, spines, ticks and axis labels.

use super::canvas::{Canvas, Pen};
use super::font::{Weight, width_px};
use super::layout::{ColourBar, LABEL_PX, Layout, PANEL_GAP_PX, PanelLayout, TICK_GAP_PX, TICK_PX};
use super::legend::shortened;
use super::shape::{Anchor, Type};
use super::style::Ink;
use super::ticks::TickSet;

const SPINE_PX: f64 = 1.0;
const GRID_PX: f64 = 0.8;

const TICK_TYPE: Type = Type { size_px: TICK_PX, weight: Weight::Regular, ink: Ink::Muted, anchor: Anchor::Middle };
const LABEL_TYPE: Type = Type { size_px: LABEL_PX, weight: Weight::Regular, ink: Ink::Text, anchor: Anchor::Middle };

/// Lines behind the data.
pub(super) fn draw_grid(canvas: &mut Canvas, panel: &PanelLayout, x_ticks: &TickSet) {
    let frame = panel.frame;
    let mut vertical = |value: f64, ink: Ink| {
        let x = panel.rulers.x.px(value);
        canvas.line(&[(x, frame.top), (x, frame.bottom)], Pen::solid(ink, GRID_PX));
    };
    x_ticks.minor.iter().for_each(|&v| vertical(v, Ink::FineGrid));
    x_ticks.major.iter().for_each(|t| vertical(t.value, Ink::Grid));
    let mut horizontal = |value: f64, ink: Ink| {
        let y = panel.rulers.y.px(value);
        canvas.line(&[(frame.left, y), (frame.right, y)], Pen::solid(ink, GRID_PX));
    };
    panel.y_ticks.minor.iter().for_each(|&v| horizontal(v, Ink::FineGrid));
    panel.y_ticks.major.iter().for_each(|t| horizontal(t.value, Ink::Grid));
}

/// Spines, tick labels and the vertical label of a panel.
pub(super) fn draw_axes(canvas: &mut Canvas, panel: &PanelLayout, left: f64) {
    let frame = panel.frame;
    let spine = Pen::solid(Ink::Axis, SPINE_PX);
    canvas.line(&[(frame.left, frame.top), (frame.left, frame.bottom), (frame.right, frame.bottom)], spine);
    for tick in &panel.y_ticks.major {
        let at = (frame.left - TICK_GAP_PX, panel.rulers.y.px(tick.value) + TICK_PX * 0.36);
        canvas.text(&tick.label, at, Type { anchor: Anchor::End, ..TICK_TYPE });
    }
    let caption = panel.panel.y.caption(panel.y_ticks.power_of_ten);
    draw_upward(
        canvas,
        &caption,
        (left + LABEL_PX * 0.76, (frame.top + frame.bottom) / 2.0),
        frame.height() + PANEL_GAP_PX * 0.6,
    );
}

/// Tick labels and label of the horizontal axis, under the last panel.
pub(super) fn draw_x_axis(canvas: &mut Canvas, layout: &Layout) {
    let Some(last) = layout.panels.last() else { return };
    let frame = last.frame;
    for tick in &layout.x_ticks.major {
        let x = last.rulers.x.px(tick.value);
        canvas.line(&[(x, frame.bottom), (x, frame.bottom + 4.0)], Pen::solid(Ink::Axis, SPINE_PX));
        canvas.text(&tick.label, (x, frame.bottom + 17.0), TICK_TYPE);
    }
    let caption = layout.chart.x.caption(layout.x_ticks.power_of_ten);
    let caption = shortened(&caption, frame.width(), LABEL_PX, Weight::Regular);
    canvas.text(&caption, ((frame.left + frame.right) / 2.0, frame.bottom + 36.0), LABEL_TYPE);
}

/// Labels of a colour bar; its colours are an image.
pub(super) fn draw_colour_bar(canvas: &mut Canvas, bar: &ColourBar, right: f64) {
    for tick in &bar.ticks.major {
        let at = (bar.rect.right + TICK_GAP_PX, bar.ruler.px(tick.value) + TICK_PX * 0.36);
        canvas.text(&tick.label, at, Type { anchor: Anchor::Start, ..TICK_TYPE });
    }
    let middle = (bar.rect.top + bar.rect.bottom) / 2.0;
    draw_upward(
        canvas,
        &bar.heat.axis.caption(bar.ticks.power_of_ten),
        (right, middle),
        bar.rect.height() + PANEL_GAP_PX * 0.6,
    );
}

/// An axis label that reads upwards, left out when not even its start has room.
fn draw_upward(canvas: &mut Canvas, caption: &str, at: (f64, f64), room: f64) {
    let caption = shortened(caption, room, LABEL_PX, Weight::Regular);
    if !caption.is_empty() && width_px(&caption, LABEL_PX, Weight::Regular) > 2.0 {
        canvas.upward_text(&caption, at, LABEL_TYPE);
    }
}
