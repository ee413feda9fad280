//! What a drawing is made of, in pixels with fractions, in inks instead of colours.

use super::font::Weight;
use super::frame::Rect;
use super::style::Ink;

pub(super) type Point = (f64, f64);

/// Which part of a text is at its point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// How a text is set.
#[derive(Debug, Clone, Copy)]
pub(super) struct Type {
    pub size_px: f64,
    pub weight: Weight,
    pub ink: Ink,
    pub anchor: Anchor,
}

/// One element of a drawing; later ones lie above earlier ones.
#[derive(Debug, Clone)]
pub(super) enum Shape {
    /// A line through points.
    Line { points: Vec<Point>, width_px: f64, ink: Ink, opacity: f64 },
    /// A filled polygon.
    Area { points: Vec<Point>, ink: Ink, opacity: f64 },
    /// A filled rectangle.
    Rect { rect: Rect, ink: Ink, opacity: f64 },
    /// A filled circle.
    Dot { centre: Point, radius_px: f64, ink: Ink },
    /// A text.
    Text(Text),
}

/// A text whose baseline passes through `at`.
#[derive(Debug, Clone)]
pub(super) struct Text {
    pub text: String,
    pub at: Point,
    pub set: Type,
    /// It reads upwards: its baseline is the vertical through `at`.
    pub is_upward: bool,
}
