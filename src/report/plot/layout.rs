//! Where everything goes.
//!
//! ```text
//! title
//! subtitle
//! legend
//!         panel title
//! y label | frame | colour bar
//!         panel title
//! y label | frame | colour bar
//!           ticks
//!           x label
//! ```

use super::canvas::text_rect;
use super::chart::{Chart, HeatMap, Mark, Panel};
use super::column;
use super::font::{Weight, width_px};
use super::frame::{Rect, Ruler};
use super::legend::{Legend, wrapped};
use super::range;
use super::reduce::Rulers;
use super::shape::{Anchor, Type};
use super::style::Ink;
use super::ticks::{self, Tick, TickSet};

pub(super) const TITLE_PX: f64 = 17.0;
pub(super) const SUBTITLE_PX: f64 = 12.0;
pub(super) const LABEL_PX: f64 = 12.0;
pub(super) const TICK_PX: f64 = 11.0;
pub(super) const TITLE_LINE_PX: f64 = 22.0;
pub(super) const SUBTITLE_LINE_PX: f64 = 16.0;
/// Height of a panel's title above its frame.
const PANEL_TITLE_PX: f64 = 18.0;
const PAD_PX: f64 = 16.0;
pub(super) const PANEL_GAP_PX: f64 = 16.0;
/// Half a tick label above, half below.
const LEAST_PANEL_GAP_PX: f64 = 13.0;
/// From the frame's left edge to the tick labels, and from these to the axis label.
pub(super) const TICK_GAP_PX: f64 = 7.0;
/// A tick label and the axis label under the last frame.
const X_LABELS_PX: f64 = 42.0;
const COLOUR_BAR_PX: f64 = 12.0;
pub(super) const COLOUR_BAR_GAP_PX: f64 = 10.0;
/// Distances between ticks aimed at.
const Y_SPACING_PX: f64 = 42.0;
const X_SPACING_PX: f64 = 64.0;

/// A panel with its place.
pub(super) struct PanelLayout<'a> {
    pub panel: &'a Panel,
    pub frame: Rect,
    pub rulers: Rulers,
    pub y_ticks: TickSet,
    /// Shown above the frame; empty where it has no room.
    pub title: &'a str,
    /// Where the column of figures goes, if it has room.
    pub column: Option<Rect>,
    pub heat: Option<&'a HeatMap>,
}

/// The key to a heat map's colours.
pub(super) struct ColourBar<'a> {
    pub heat: &'a HeatMap,
    pub rect: Rect,
    pub ruler: Ruler,
    pub ticks: TickSet,
}

/// A whole picture with its places.
pub(super) struct Layout<'a> {
    pub chart: &'a Chart,
    pub left: f64,
    pub title: Vec<String>,
    pub title_top: f64,
    pub subtitle: Vec<String>,
    pub subtitle_top: f64,
    pub legend: Legend<'a>,
    pub legend_top: f64,
    pub panels: Vec<PanelLayout<'a>>,
    pub colour_bars: Vec<ColourBar<'a>>,
    pub x_ticks: TickSet,
}

impl<'a> Layout<'a> {
    pub(super) fn new(chart: &'a Chart, (width, height): (f64, f64)) -> Self {
        // In a small picture the data come first: fewer lines of text above them.
        let roomy = if height >= 400.0 { 2 } else { 1 };
        let pad = PAD_PX.min(width * 0.04).round();
        let inner = width - 2.0 * pad;
        let title = wrapped(&chart.title, inner, TITLE_PX, Weight::Bold, roomy);
        let subtitle =
            wrapped(&chart.subtitle, inner, SUBTITLE_PX, Weight::Regular, if height < 200.0 { 0 } else { roomy + 1 });
        let legend_rows = ((height - 180.0) / 90.0).clamp(1.0, 5.0) as usize;
        let legend = Legend::new(chart, inner, legend_rows);
        let title_top = pad - 2.0;
        let subtitle_top = title_top + title.len() as f64 * TITLE_LINE_PX;
        let legend_top = subtitle_top + subtitle.len() as f64 * SUBTITLE_LINE_PX + 6.0;
        let top = legend_top + legend.height() + 8.0;
        let bottom = height - X_LABELS_PX - pad * 0.5;
        let mut layout = Self {
            chart,
            left: pad,
            title,
            title_top,
            subtitle,
            subtitle_top,
            legend,
            legend_top,
            panels: Vec::new(),
            colour_bars: Vec::new(),
            x_ticks: TickSet::default(),
        };
        layout.place_panels(Rect { left: pad, right: width - pad, top, bottom: bottom.max(top + 20.0) });
        layout
    }

    fn place_panels(&mut self, area: Rect) {
        let panels = &self.chart.panels;
        let (whole, column) = (area, column::width(panels, area.width()));
        let area = Rect { right: if column > 0.0 { area.right - column - column::GAP_PX } else { area.right }, ..area };
        let titles = if tight(panels, area) { Titles::Dropped } else { Titles::Shown };
        let frames = stacked(panels, area, titles);
        let y_ticks: Vec<TickSet> = frames.iter().zip(panels).map(|(f, p)| y_ticks(p, *f)).collect();
        let label_width = y_ticks.iter().map(widest).fold(0.0, f64::max);
        let left = area.left + LABEL_PX + 6.0 + label_width + TICK_GAP_PX;
        self.colour_bars = colour_bars(panels, &frames, area.right);
        let right = self.colour_bars.iter().map(|b| b.rect.left - COLOUR_BAR_GAP_PX).fold(area.right, f64::min);
        let x = self.place_x_axis(left, right);
        let places = frames.into_iter().zip(y_ticks).zip(panels);
        self.panels = places
            .map(|((frame, y_ticks), panel)| {
                let frame = Rect { left: x.from_px, right: x.to_px, ..frame };
                let title = if titles == Titles::Shown { panel.title.as_str() } else { "" };
                let rulers = Rulers { x, y: y_ruler(panel, frame) };
                let column = (column > 0.0).then_some(Rect { left: whole.right - column, right: whole.right, ..frame });
                PanelLayout { panel, frame, rulers, y_ticks, title, column, heat: heat_of(panel) }
            })
            .collect();
    }

    fn place_x_axis(&mut self, left: f64, right: f64) -> Ruler {
        let (low, high) = range::of_x(self.chart);
        let mut x = Ruler { scale: self.chart.x.scale, low, high, from_px: left, to_px: right.max(left + 20.0) };
        self.x_ticks = x_ticks(self.chart, &x);
        // The last label is centred under its tick: what sticks out beyond the edge moves the frame's end inwards.
        let overhang = self.x_ticks.major.last().map_or(0.0, |t| tick_rect(t, &x).right - right);
        if overhang > 0.0 {
            x.to_px = (x.to_px - overhang).max(left + 20.0);
            self.x_ticks = x_ticks(self.chart, &x);
        }
        x
    }
}

/// Whether panels' titles have room.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Titles {
    Shown,
    Dropped,
}

/// True when titles and gaps would leave less than half of the area to the data.
fn tight(panels: &[Panel], area: Rect) -> bool {
    panels.len() as f64 * (PANEL_TITLE_PX + PANEL_GAP_PX) > area.height() / 2.0
}

/// Frames of full width, one under the other, by the panels' relative heights.
fn stacked(panels: &[Panel], area: Rect, titles: Titles) -> Vec<Rect> {
    let title = |p: &Panel| if p.title.is_empty() || titles == Titles::Dropped { 0.0 } else { PANEL_TITLE_PX };
    let weight = |p: &Panel| if p.height > 0.0 && p.height.is_finite() { p.height } else { 1.0 };
    let gap = if titles == Titles::Dropped { LEAST_PANEL_GAP_PX } else { PANEL_GAP_PX };
    let gaps = gap * panels.len().saturating_sub(1) as f64 + panels.iter().map(title).sum::<f64>();
    let free = (area.height() - gaps).max(4.0 * panels.len() as f64);
    let total: f64 = panels.iter().map(weight).sum();
    let mut top = area.top;
    panels
        .iter()
        .map(|panel| {
            let frame_top = top + title(panel);
            let bottom = frame_top + free * weight(panel) / total;
            top = bottom + gap;
            Rect { top: frame_top, bottom, ..area }
        })
        .collect()
}

fn y_ruler(panel: &Panel, frame: Rect) -> Ruler {
    let (low, high) = range::of_y(panel);
    Ruler { scale: panel.y.scale, low, high, from_px: frame.bottom, to_px: frame.top }
}

fn y_ticks(panel: &Panel, frame: Rect) -> TickSet {
    let ruler = y_ruler(panel, frame);
    vertical_ticks(&panel.y, &ruler)
}

fn vertical_ticks(axis: &super::chart::Axis, ruler: &Ruler) -> TickSet {
    let fits = |ticks: &[Tick]| {
        ticks.windows(2).all(|t| (ruler.px(t[0].value) - ruler.px(t[1].value)).abs() >= TICK_PX * 1.45)
    };
    let mut set = ticks::choose(axis, ruler, Y_SPACING_PX, &fits);
    if !fits(&set.major) {
        set.major.truncate(1);
    }
    set
}

fn x_ticks(chart: &Chart, ruler: &Ruler) -> TickSet {
    let fits =
        |ticks: &[Tick]| ticks.windows(2).all(|t| tick_rect(&t[1], ruler).left - tick_rect(&t[0], ruler).right >= 8.0);
    let mut set = ticks::choose(&chart.x, ruler, X_SPACING_PX, &fits);
    if !fits(&set.major) {
        set.major.truncate(1);
    }
    set
}

/// Box of a label on the horizontal axis; its vertical place is of no interest.
fn tick_rect(tick: &Tick, ruler: &Ruler) -> Rect {
    let set = Type { size_px: TICK_PX, weight: Weight::Regular, ink: Ink::Muted, anchor: Anchor::Middle };
    text_rect(&tick.label, (ruler.px(tick.value), 0.0), set)
}

fn widest(ticks: &TickSet) -> f64 {
    ticks.major.iter().map(|t| width_px(&t.label, TICK_PX, Weight::Regular)).fold(0.0, f64::max)
}

fn heat_of(panel: &Panel) -> Option<&HeatMap> {
    panel.series.iter().find_map(|s| match &s.mark {
        Mark::Heat(heat) => Some(heat),
        _ => None,
    })
}

/// A colour bar beside each heat map, or one along all when they share range and axis.
fn colour_bars<'a>(panels: &'a [Panel], frames: &[Rect], right: f64) -> Vec<ColourBar<'a>> {
    let heats: Vec<(&HeatMap, Rect)> = panels.iter().zip(frames).filter_map(|(p, f)| Some((heat_of(p)?, *f))).collect();
    let Some(&(first, top)) = heats.first() else { return Vec::new() };
    let shared = heats.iter().all(|(h, _)| h.range == first.range && h.axis.key == first.axis.key);
    match heats.last() {
        Some(&(_, bottom)) if shared => vec![colour_bar(first, Rect { bottom: bottom.bottom, ..top }, right)],
        _ => heats.into_iter().map(|(heat, frame)| colour_bar(heat, frame, right)).collect(),
    }
}

fn colour_bar(heat: &HeatMap, frame: Rect, right: f64) -> ColourBar<'_> {
    let (low, high) = if heat.range.0 < heat.range.1 { heat.range } else { (heat.range.0 - 1.0, heat.range.0 + 1.0) };
    let ruler = Ruler { scale: heat.axis.scale, low, high, from_px: frame.bottom, to_px: frame.top };
    let ticks = vertical_ticks(&heat.axis, &ruler);
    // Bar, ticks, label, from right to left.
    let left = right - LABEL_PX - 6.0 - widest(&ticks) - TICK_GAP_PX - COLOUR_BAR_PX;
    ColourBar { heat, rect: Rect { left, right: left + COLOUR_BAR_PX, ..frame }, ruler, ticks }
}
