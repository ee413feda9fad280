//! Shapes as SVG elements, in units of a tenth of a pixel: whole numbers are short and fine enough.

use std::fmt::Write as _;

use super::font::Weight;
use super::shape::{Anchor, Point, Shape, Text};
use super::style::{Ink, Theme};
use crate::report::escape::escaped;

/// Units in a pixel.
pub(super) const UNITS: f64 = 10.0;

/// The top of a text stands this far above its baseline, where its coordinates are.
const TOP_EM: f64 = 0.76;

/// Why writing cannot fail.
const IN_MEMORY: &str = "writing to a string cannot fail";

/// How an ink is named in an element.
#[derive(Debug, Clone, Copy)]
pub(super) enum Inks {
    /// As the theme's colour.
    Colours(Theme),
    /// As a class of the page's stylesheet.
    #[cfg(feature = "json")]
    Classes,
}

impl Inks {
    fn fill(self, ink: Ink) -> String {
        match self {
            Self::Colours(theme) => format!("fill=\"{}\"", colour(ink, theme)),
            #[cfg(feature = "json")]
            Self::Classes => format!("class=\"f-{}\"", ink.name()),
        }
    }

    fn stroke(self, ink: Ink) -> String {
        match self {
            Self::Colours(theme) => format!("stroke=\"{}\"", colour(ink, theme)),
            #[cfg(feature = "json")]
            Self::Classes => format!("class=\"s-{}\"", ink.name()),
        }
    }
}

fn colour(ink: Ink, theme: Theme) -> String {
    let [r, g, b] = ink.rgb(theme);
    format!("#{r:02X}{g:02X}{b:02X}")
}

/// The elements of `shapes`, one a line, in their order.
pub(super) fn elements(shapes: &[Shape], inks: Inks) -> String {
    let mut svg = String::new();
    for shape in shapes {
        write_shape(shape, inks, &mut svg).expect(IN_MEMORY);
    }
    svg
}

fn write_shape(shape: &Shape, inks: Inks, svg: &mut String) -> std::fmt::Result {
    match shape {
        Shape::Line { points, width_px, ink, opacity } => {
            let (stroke, width, opacity) = (inks.stroke(*ink), units(*width_px), Opacity(*opacity));
            write!(svg, "<polyline fill=\"none\"{opacity} {stroke} stroke-width=\"{width}\" points=\"")?;
            write_points(points, svg)?;
            writeln!(svg, "\"/>")
        }
        Shape::Area { points, ink, opacity } => {
            write!(svg, "<polygon{} {} points=\"", Opacity(*opacity), inks.fill(*ink))?;
            write_points(points, svg)?;
            writeln!(svg, "\"/>")
        }
        Shape::Rect { rect, ink, opacity } => {
            let (left, top, right, bottom) = (units(rect.left), units(rect.top), units(rect.right), units(rect.bottom));
            let (width, height, opacity) = (right - left, bottom - top, Opacity(*opacity));
            let fill = inks.fill(*ink);
            writeln!(svg, "<rect x=\"{left}\" y=\"{top}\" width=\"{width}\" height=\"{height}\"{opacity} {fill}/>")
        }
        Shape::Dot { centre, radius_px, ink } => {
            let (x, y, r) = (units(centre.0), units(centre.1), units(*radius_px));
            writeln!(svg, "<circle cx=\"{x}\" cy=\"{y}\" r=\"{r}\" {}/>", inks.fill(*ink))
        }
        Shape::Text(text) => write_text(text, inks, svg),
    }
}

fn write_points(points: &[Point], svg: &mut String) -> std::fmt::Result {
    for (i, &(x, y)) in points.iter().enumerate() {
        let space = if i == 0 { "" } else { " " };
        write!(svg, "{space}{},{}", units(x), units(y))?;
    }
    Ok(())
}

fn write_text(text: &Text, inks: Inks, svg: &mut String) -> std::fmt::Result {
    let set = text.set;
    let anchor = match set.anchor {
        Anchor::Start => "start",
        Anchor::Middle => "middle",
        Anchor::End => "end",
    };
    let above = TOP_EM * set.size_px;
    let at = if text.is_upward { (text.at.0 - above, text.at.1) } else { (text.at.0, text.at.1 - above) };
    let (x, y) = (units(at.0), units(at.1));
    let size = set.size_px * UNITS;
    write!(svg, "<text x=\"{x}\" y=\"{y}\" dy=\"{TOP_EM}em\" text-anchor=\"{anchor}\" font-size=\"{size}\"")?;
    write!(svg, " {}", inks.fill(set.ink))?;
    if set.weight == Weight::Bold {
        write!(svg, " font-weight=\"bold\"")?;
    }
    if text.is_upward {
        write!(svg, " transform=\"rotate(270, {x}, {y})\"")?;
    }
    writeln!(svg, ">{}</text>", escaped(&text.text))
}

/// The attribute, left out where nothing shines through.
struct Opacity(f64);

impl std::fmt::Display for Opacity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0 == 1.0 { Ok(()) } else { write!(f, " opacity=\"{}\"", self.0) }
    }
}

fn units(px: f64) -> i32 {
    (px * UNITS).round() as i32
}
