//! A chart drawn.

use super::axes;
use super::callout;
use super::canvas::{Canvas, Pen, TextBox};
use super::chart::{Chart, Mark, Positions, Reduce, Series};
use super::column;
use super::font::Weight;
use super::frame::Rect;
use super::heat::{self, Image};
use super::layout::{Layout, PanelLayout, SUBTITLE_LINE_PX, SUBTITLE_PX, TITLE_LINE_PX, TITLE_PX};
use super::legend::line_width_px;
use super::reduce::{self, Rulers};
use super::shape::{Anchor, Point, Shape, Type};
use super::style::{Ink, Style};

/// A chart drawn in a style; what SVG and PNG are written from.
///
/// ```
/// use sqnr::{quantizer::Uniform, report::plot::{Style, transfer::Transfer}};
///
/// let quantizer = Uniform::mid_tread(3)?;
/// let chart = Transfer { conditions: "3 bits".into(), quantizer: &quantizer, input: (-1.0, 1.0) }.chart();
/// let drawing = chart.draw(Style::default());
/// assert!(drawing.svg().contains("3 bits") && drawing.png()?.starts_with(b"\x89PNG"));
/// # Ok::<(), sqnr::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Drawing {
    pub(super) style: Style,
    /// What screen readers read.
    pub(super) label: String,
    /// Above the background and the images.
    pub(super) shapes: Vec<Shape>,
    /// Under the shapes.
    pub(super) images: Vec<Image>,
    text_boxes: Vec<TextBox>,
}

impl Drawing {
    /// Boxes of all texts. None overlaps another or leaves the picture.
    pub fn text_boxes(&self) -> &[TextBox] {
        &self.text_boxes
    }
}

impl Chart {
    /// Draws the chart. Any numbers can be drawn: NaN leaves a gap, infinities leave the frame.
    pub fn draw(&self, style: Style) -> Drawing {
        let zoom = style.size.zoom();
        let size = (f64::from(style.size.width()) / zoom, f64::from(style.size.height()) / zoom);
        let layout = Layout::new(self, size);
        let mut canvas = Canvas::default();
        for panel in &layout.panels {
            draw_panel(&mut canvas, panel, &layout);
        }
        axes::draw_x_axis(&mut canvas, &layout);
        draw_titles(&mut canvas, &layout);
        layout.legend.draw(&mut canvas, layout.left, layout.legend_top);
        for bar in &layout.colour_bars {
            axes::draw_colour_bar(&mut canvas, bar, size.0 - layout.left - 2.0);
        }
        let label = format!("{}. {}", self.title, self.subtitle);
        let Canvas { shapes, text_boxes } = canvas;
        Drawing { style, label, shapes, images: images(&layout, zoom), text_boxes }
    }
}

fn draw_titles(canvas: &mut Canvas, layout: &Layout) {
    let title = Type { size_px: TITLE_PX, weight: Weight::Bold, ink: Ink::Text, anchor: Anchor::Start };
    for (i, line) in layout.title.iter().enumerate() {
        canvas.text(line, (layout.left, layout.title_top + i as f64 * TITLE_LINE_PX + 15.0), title);
    }
    let subtitle = Type { size_px: SUBTITLE_PX, weight: Weight::Regular, ink: Ink::Muted, anchor: Anchor::Start };
    for (i, line) in layout.subtitle.iter().enumerate() {
        canvas.text(line, (layout.left, layout.subtitle_top + i as f64 * SUBTITLE_LINE_PX + 11.0), subtitle);
    }
}

fn draw_panel(canvas: &mut Canvas, panel: &PanelLayout, layout: &Layout) {
    if panel.heat.is_none() {
        axes::draw_grid(canvas, panel, &layout.x_ticks);
    }
    let mut drawn = Vec::new();
    for series in &panel.panel.series {
        draw_series(canvas, series, panel, &mut drawn);
    }
    axes::draw_axes(canvas, panel, layout.left);
    if !panel.title.is_empty() {
        let set = Type { size_px: 12.0, weight: Weight::Bold, ink: Ink::Text, anchor: Anchor::Start };
        let room = panel.frame.width();
        let title = super::legend::shortened(panel.title, room, 12.0, Weight::Bold);
        canvas.text(&title, (panel.frame.left, panel.frame.top - 6.0), set);
    }
    if let Some(rect) = panel.column {
        column::draw(canvas, &panel.panel.figures, rect);
    }
    callout::draw(canvas, &panel.panel.callouts, panel.frame, &panel.rulers, &drawn);
}

fn images(layout: &Layout, zoom: f64) -> Vec<Image> {
    let maps = layout.panels.iter().filter_map(|p| Some(heat::image(p.heat?, p.frame, &p.rulers, zoom)));
    let bars = layout.colour_bars.iter().map(|b| heat::bar(b.rect, &b.ruler, b.heat.range));
    maps.chain(bars).collect()
}

/// Draws a series; the points of its lines go to `drawn`.
fn draw_series(canvas: &mut Canvas, series: &Series, panel: &PanelLayout, drawn: &mut Vec<Point>) {
    let (frame, rulers) = (panel.frame, &panel.rulers);
    let pen = Pen { stroke: series.stroke, ..Pen::solid(series.ink, line_width_px(series)) };
    match &series.mark {
        Mark::Line { x, y, reduce: Reduce::Extremes } => {
            draw_lines(canvas, reduce::extremes(x, y, rulers), pen, frame, drawn);
        }
        Mark::Line { x, y, reduce: Reduce::PowerMean } => {
            let envelope = reduce::power_mean(x, y, rulers);
            draw_band(canvas, &envelope.band, series.ink, frame);
            draw_lines(canvas, envelope.line, pen, frame, drawn);
        }
        Mark::Points { x, y } => {
            let points = reduce::runs(x.iter().zip(y).map(|(&x, &y)| rulers.place(x, y)));
            draw_dots(canvas, points.iter().flatten(), series.ink, frame);
            draw_lines(canvas, points, pen, frame, drawn);
        }
        Mark::Dots { x, y } => {
            let points: Vec<Point> = x.iter().zip(y).filter_map(|(&x, &y)| rulers.place(x, y)).collect();
            draw_dots(canvas, points.iter(), series.ink, frame);
            drawn.extend(points);
        }
        Mark::Band { x, low, high } => draw_band(canvas, &band_px(x, low, high, rulers), series.ink, frame),
        Mark::Steps { edges, y } => draw_lines(canvas, staircase(edges, y, rulers), pen, frame, drawn),
        Mark::Bars { edges, y } => draw_bars(canvas, edges, y, panel, series.ink),
        Mark::Region { from, to } => {
            let (left, right) = (rulers.x.held_px(*from, 0.0), rulers.x.held_px(*to, 0.0));
            canvas.rect(Rect { left, right, ..frame }, series.ink, 0.12);
        }
        Mark::Level(value) => {
            let ends = [rulers.place(rulers.x.low, *value), rulers.place(rulers.x.high, *value)];
            draw_lines(canvas, reduce::runs(ends.into_iter()), pen, frame, drawn);
        }
        Mark::Position(value) => {
            let x = rulers.x.px(*value);
            draw_lines(canvas, vec![vec![(x, frame.top), (x, frame.bottom)]], pen, frame, drawn);
        }
        Mark::Heat(_) => {}
    }
}

/// Lines, cut off at the frame.
fn draw_lines(canvas: &mut Canvas, lines: Vec<Vec<Point>>, pen: Pen, frame: Rect, drawn: &mut Vec<Point>) {
    for line in lines.iter().filter(|line| line.len() > 1) {
        for part in clipped(line, frame) {
            canvas.line(&part, pen);
            drawn.extend(part);
        }
    }
    for point in lines.iter().filter(|line| line.len() == 1).flatten() {
        if frame.clip(*point, *point).is_some() {
            canvas.dot(*point, pen.width_px, pen.ink);
        }
    }
}

fn clipped(line: &[Point], frame: Rect) -> Vec<Vec<Point>> {
    let mut parts: Vec<Vec<Point>> = Vec::new();
    for pair in line.windows(2) {
        let Some((a, b)) = frame.clip(pair[0], pair[1]) else { continue };
        match parts.last_mut() {
            Some(part) if part.last() == Some(&a) => part.push(b),
            _ => parts.push(vec![a, b]),
        }
    }
    parts
}

fn draw_dots<'p>(canvas: &mut Canvas, points: impl Iterator<Item = &'p Point>, ink: Ink, frame: Rect) {
    for &point in points {
        if frame.grown(0.5).clip(point, point).is_some() {
            canvas.dot(point, 2.6, ink);
        }
    }
}

fn band_px(x: &[f64], low: &[f64], high: &[f64], rulers: &Rulers) -> Vec<(f64, f64, f64)> {
    let bounds = x.iter().zip(low).zip(high);
    let placed = bounds.filter_map(|((&x, &low), &high)| {
        let (bottom, top) = (rulers.place(x, low)?, rulers.place(x, high)?);
        Some((top.0, top.1, bottom.1))
    });
    placed.collect()
}

/// A pale area between tops and bottoms, held within the frame.
fn draw_band(canvas: &mut Canvas, band: &[(f64, f64, f64)], ink: Ink, frame: Rect) {
    let held = |x: f64, y: f64| (x.clamp(frame.left, frame.right), y.clamp(frame.top, frame.bottom));
    let tops = band.iter().map(|&(x, top, _)| held(x, top));
    let bottoms = band.iter().rev().map(|&(x, _, bottom)| held(x, bottom));
    let outline: Vec<Point> = tops.chain(bottoms).collect();
    if outline.len() > 3 {
        canvas.area(outline, ink, 0.22);
    }
}

fn staircase(edges: &[f64], y: &[f64], rulers: &Rulers) -> Vec<Vec<Point>> {
    // Two points a tread; where treads are denser than pixels the extremes of each column remain.
    let n = y.len().min(edges.len().saturating_sub(1));
    let x = Positions::Explicit((0..2 * n).map(|i| edges[i.div_ceil(2)]).collect());
    let heights: Vec<f64> = (0..2 * n).map(|i| y[i / 2]).collect();
    reduce::extremes(&x, &heights, rulers)
}

fn draw_bars(canvas: &mut Canvas, edges: &[f64], y: &[f64], panel: &PanelLayout, ink: Ink) {
    let (frame, rulers) = (panel.frame, &panel.rulers);
    let ground = rulers.y.held_px(0.0, 0.0);
    for (edge, &value) in edges.windows(2).zip(y) {
        let (left, right) = (rulers.x.held_px(edge[0], 0.0), rulers.x.held_px(edge[1], 0.0));
        let end = rulers.y.held_px(value, 0.0).clamp(frame.top, frame.bottom);
        // A hair's gap between columns wide enough to have one.
        let gap = if right - left > 4.0 { 0.5 } else { 0.0 };
        if value.is_finite() && value != 0.0 && right > left {
            let rect = Rect { left: left + gap, right: right - gap, top: end.min(ground), bottom: end.max(ground) };
            canvas.rect(rect, ink, 0.55);
        }
    }
}
