//! The legend: rows between titles and frame, where no data can be under it.

use super::canvas::{Canvas, Pen};
use super::chart::{Chart, Mark, Reduce, Series};
use super::font::{Weight, width_px};
use super::frame::Rect;
use super::shape::{Anchor, Type};
use super::style::Ink;

const SIZE_PX: f64 = 12.0;
const SWATCH_PX: f64 = 22.0;
const SWATCH_GAP_PX: f64 = 7.0;
const VALUE_GAP_PX: f64 = 5.0;
const ENTRY_GAP_PX: f64 = 22.0;
pub(super) const ROW_PX: f64 = 19.0;

/// A series in the legend.
struct Entry<'a> {
    series: &'a Series,
    name: String,
    value: String,
    width: f64,
}

/// Where each entry goes.
pub(super) struct Legend<'a> {
    rows: Vec<Vec<Entry<'a>>>,
}

impl<'a> Legend<'a> {
    /// The legend of all named series, broken into at most `max_rows` rows of `width` pixels.
    pub(super) fn new(chart: &'a Chart, width: f64, max_rows: usize) -> Self {
        let mut rows: Vec<Vec<Entry>> = Vec::new();
        let mut used = 0.0;
        let mut seen: Vec<(&str, &str)> = Vec::new();
        for series in chart.panels.iter().flat_map(|p| &p.series).filter(|s| !s.name.is_empty()) {
            if seen.contains(&(&series.name, &series.value)) {
                continue;
            }
            seen.push((&series.name, &series.value));
            let entry = Entry::new(series, width);
            if rows.is_empty() || used + entry.width > width {
                rows.push(Vec::new());
                used = 0.0;
            }
            used += entry.width + ENTRY_GAP_PX;
            rows.last_mut().expect("a row was pushed").push(entry);
        }
        rows.truncate(max_rows);
        Self { rows }
    }

    pub(super) fn height(&self) -> f64 {
        self.rows.len() as f64 * ROW_PX
    }

    /// Draws it with its upper left corner at (`left`, `top`).
    pub(super) fn draw(&self, canvas: &mut Canvas, left: f64, top: f64) {
        for (row, entries) in self.rows.iter().enumerate() {
            let baseline = top + row as f64 * ROW_PX + 13.0;
            let mut x = left;
            for entry in entries {
                entry.draw(canvas, x, baseline);
                x += entry.width + ENTRY_GAP_PX;
            }
        }
    }
}

impl<'a> Entry<'a> {
    fn new(series: &'a Series, available: f64) -> Self {
        let room = available - SWATCH_PX - SWATCH_GAP_PX;
        let value = shortened(&series.value, room * 0.6, SIZE_PX, Weight::Regular);
        let value_width = match value.as_str() {
            "" => 0.0,
            value => width_px(value, SIZE_PX, Weight::Regular) + VALUE_GAP_PX,
        };
        let name = shortened(&series.name, room - value_width, SIZE_PX, Weight::Regular);
        let width = SWATCH_PX + SWATCH_GAP_PX + width_px(&name, SIZE_PX, Weight::Regular) + value_width;
        Self { series, name, value, width }
    }

    fn draw(&self, canvas: &mut Canvas, x: f64, baseline: f64) {
        self.draw_swatch(canvas, x, baseline - 4.3);
        let set = Type { size_px: SIZE_PX, weight: Weight::Regular, ink: Ink::Text, anchor: Anchor::Start };
        let at = x + SWATCH_PX + SWATCH_GAP_PX;
        canvas.text(&self.name, (at, baseline), set);
        if !self.value.is_empty() {
            let end = Type { ink: Ink::Muted, anchor: Anchor::End, ..set };
            canvas.text(&self.value, (x + self.width, baseline), end);
        }
    }

    fn draw_swatch(&self, canvas: &mut Canvas, x: f64, middle: f64) {
        let block = Rect { left: x, right: x + SWATCH_PX, top: middle - 4.5, bottom: middle + 4.5 };
        let ink = self.series.ink;
        let pen = Pen { stroke: self.series.stroke, ..Pen::solid(ink, line_width_px(self.series)) };
        let line = [(x, middle), (x + SWATCH_PX, middle)];
        match &self.series.mark {
            Mark::Band { .. } | Mark::Region { .. } => canvas.rect(block, ink, 0.22),
            Mark::Bars { .. } => canvas.rect(block, ink, 0.55),
            Mark::Heat(_) => canvas.rect(block, ink, 1.0),
            Mark::Dots { .. } => canvas.dot((x + SWATCH_PX / 2.0, middle), 2.6, ink),
            Mark::Points { .. } => {
                canvas.line(&line, pen);
                canvas.dot((x + SWATCH_PX / 2.0, middle), 2.6, ink);
            }
            Mark::Line { reduce: Reduce::PowerMean, .. } => {
                canvas.rect(block, ink, 0.22);
                canvas.line(&line, pen);
            }
            _ => canvas.line(&line, pen),
        }
    }
}

/// Width of a series' line: theory is thinner than what was measured.
pub(super) fn line_width_px(series: &Series) -> f64 {
    match (&series.mark, series.ink) {
        (_, Ink::Theory) => 1.3,
        (Mark::Level(_) | Mark::Position(_), _) => 1.2,
        (Mark::Line { reduce: Reduce::Extremes, .. }, _) => 1.4,
        _ => 1.8,
    }
}

/// `text`, or as much of it as fits with an ellipsis.
pub(super) fn shortened(text: &str, room_px: f64, size_px: f64, weight: Weight) -> String {
    if width_px(text, size_px, weight) <= room_px {
        return text.into();
    }
    let ends = text.char_indices().map(|(i, _)| i).rev();
    let fits = |end: &usize| width_px(&format!("{}…", text[..*end].trim_end()), size_px, weight) <= room_px;
    ends.into_iter().find(fits).map_or(String::new(), |end| format!("{}…", text[..end].trim_end()))
}

/// `text` broken at spaces into at most `max_lines` lines of `room_px`, the last one shortened.
pub(super) fn wrapped(text: &str, room_px: f64, size_px: f64, weight: Weight, max_lines: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ').filter(|w| !w.is_empty()) {
        let joined = lines.last().map(|line| format!("{line} {word}"));
        match joined {
            Some(joined) if width_px(&joined, size_px, weight) <= room_px || lines.len() >= max_lines => {
                *lines.last_mut().expect("joined to it") = joined;
            }
            _ => lines.push(word.into()),
        }
    }
    lines.truncate(max_lines);
    lines.iter().map(|line| shortened(line, room_px, size_px, weight)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_wrapped_and_shortened_to_its_room() {
        let text = "a rather long subtitle that holds many conditions of the measurement";
        for room in [20.0, 60.0, 150.0, 1000.0] {
            for max_lines in 0..4 {
                let lines = wrapped(text, room, 12.0, Weight::Regular, max_lines);
                assert!(lines.len() <= max_lines);
                assert!(lines.iter().all(|l| width_px(l, 12.0, Weight::Regular) <= room));
            }
        }
        assert_eq!(wrapped(text, 1000.0, 12.0, Weight::Regular, 2), [text]);
    }
}
