//! Where a chart is drawn: lines, areas and texts become a list of shapes.

use super::chart::Stroke;
use super::font;
use super::frame::Rect;
use super::shape::{Anchor, Point, Shape, Text, Type};
use super::style::Ink;
use crate::report::escape::visible;

/// Where a text stands, in pixels of the picture at its layout size.
#[derive(Debug, Clone, PartialEq)]
pub struct TextBox {
    /// Left edge.
    pub left: f64,
    /// Top of capitals.
    pub top: f64,
    /// Right edge.
    pub right: f64,
    /// Bottom of descenders.
    pub bottom: f64,
    /// What it says.
    pub text: String,
}

impl TextBox {
    fn of(rect: Rect, text: &str) -> Self {
        Self { left: rect.left, top: rect.top, right: rect.right, bottom: rect.bottom, text: text.into() }
    }
}

/// How a line is drawn.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pen {
    pub ink: Ink,
    pub width_px: f64,
    pub opacity: f64,
    pub stroke: Stroke,
}

impl Pen {
    pub(super) fn solid(ink: Ink, width_px: f64) -> Self {
        Self { ink, width_px, opacity: 1.0, stroke: Stroke::Solid }
    }
}

/// Collects the shapes of a drawing and the boxes of its texts.
#[derive(Default)]
pub(super) struct Canvas {
    pub shapes: Vec<Shape>,
    pub text_boxes: Vec<TextBox>,
}

impl Canvas {
    /// A line through `points`, broken into dashes as its pen says.
    pub(super) fn line(&mut self, points: &[Point], pen: Pen) {
        match dash_pattern(pen) {
            None => self.solid_line(points.to_vec(), pen),
            Some(pattern) => {
                for dash in dashes(points, &pattern) {
                    self.solid_line(dash, pen);
                }
            }
        }
    }

    fn solid_line(&mut self, points: Vec<Point>, pen: Pen) {
        if points.len() > 1 {
            let Pen { ink, width_px, opacity, .. } = pen;
            self.shapes.push(Shape::Line { points, width_px, ink, opacity });
        }
    }

    /// A filled polygon.
    pub(super) fn area(&mut self, points: Vec<Point>, ink: Ink, opacity: f64) {
        self.shapes.push(Shape::Area { points, ink, opacity });
    }

    /// A filled rectangle.
    pub(super) fn rect(&mut self, rect: Rect, ink: Ink, opacity: f64) {
        self.shapes.push(Shape::Rect { rect, ink, opacity });
    }

    /// A filled circle.
    pub(super) fn dot(&mut self, centre: Point, radius_px: f64, ink: Ink) {
        self.shapes.push(Shape::Dot { centre, radius_px, ink });
    }

    /// Text whose baseline passes through `at`.
    pub(super) fn text(&mut self, text: &str, at: Point, set: Type) {
        let text = visible(text);
        self.text_boxes.push(TextBox::of(text_rect(&text, at, set), &text));
        self.shapes.push(Shape::Text(Text { text, at, set, is_upward: false }));
    }

    /// Text that reads upwards, its baseline the vertical through `at`.
    pub(super) fn upward_text(&mut self, text: &str, at: Point, set: Type) {
        let text = visible(text);
        let flat = text_rect(&text, (0.0, 0.0), set);
        let turned =
            Rect { left: at.0 + flat.top, right: at.0 + flat.bottom, top: at.1 - flat.right, bottom: at.1 - flat.left };
        self.text_boxes.push(TextBox::of(turned, &text));
        self.shapes.push(Shape::Text(Text { text, at, set, is_upward: true }));
    }
}

/// The box of `text` from its ascenders to its descenders.
pub(super) fn text_rect(text: &str, at: Point, set: Type) -> Rect {
    let width = font::width_px(text, set.size_px, set.weight);
    let left = match set.anchor {
        Anchor::Start => at.0,
        Anchor::Middle => at.0 - width / 2.0,
        Anchor::End => at.0 - width,
    };
    Rect {
        left,
        right: left + width,
        top: at.1 - font::CAP_HEIGHT_EM * set.size_px,
        bottom: at.1 + font::DESCENT_EM * set.size_px,
    }
}

/// Lengths of dashes and gaps in turn, in pixels. The ends are round, which adds a stroke's width to a dash.
fn dash_pattern(pen: Pen) -> Option<Vec<f64>> {
    let w = pen.width_px.max(1.0);
    match pen.stroke {
        Stroke::Solid => None,
        Stroke::Dashed => Some(vec![5.0 * w, 4.0 * w]),
        Stroke::Dotted => Some(vec![0.1, 2.6 * w]),
        Stroke::DashDotted => Some(vec![5.0 * w, 3.0 * w, 0.1, 3.0 * w]),
    }
}

/// `points` cut into the dashes of `pattern`.
fn dashes(points: &[Point], pattern: &[f64]) -> Vec<Vec<Point>> {
    let mut out: Vec<Vec<Point>> = Vec::new();
    let mut dash: Vec<Point> = points.first().copied().into_iter().collect();
    let (mut phase, mut left) = (0, pattern[0]);
    for pair in points.windows(2) {
        let ((x0, y0), (x1, y1)) = (pair[0], pair[1]);
        let length = (x1 - x0).hypot(y1 - y0);
        let mut walked = 0.0;
        while length - walked > left {
            walked += left;
            let at = (x0 + (x1 - x0) * walked / length, y0 + (y1 - y0) * walked / length);
            if phase % 2 == 0 {
                dash.push(at);
                out.push(std::mem::take(&mut dash));
            } else {
                dash = vec![at];
            }
            phase = (phase + 1) % pattern.len();
            left = pattern[phase];
        }
        left -= length - walked;
        if phase % 2 == 0 {
            dash.push((x1, y1));
        }
    }
    if dash.len() > 1 {
        out.push(dash);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dashes_follow_the_line() {
        let line = [(0.0, 0.0), (10.0, 0.0), (10.0, 10.0)];
        let cut = dashes(&line, &[6.0, 3.0]);
        assert_eq!(cut[0], vec![(0.0, 0.0), (6.0, 0.0)]);
        assert_eq!(cut[1], vec![(9.0, 0.0), (10.0, 0.0), (10.0, 5.0)]);
        assert_eq!(cut[2], vec![(10.0, 8.0), (10.0, 10.0)]);
    }

    #[test]
    fn control_characters_do_not_reach_the_document() {
        assert_eq!(visible("a\u{1b}[31m\n<b>"), "a\\u{1b}[31m\\u{a}<b>");
    }
}
