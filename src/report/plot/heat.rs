//! Heat maps as bitmaps of the frame's own pixels.

use super::chart::HeatMap;
use super::colour_map;
use super::frame::{Rect, Ruler};
use super::reduce::Rulers;
use super::svg::UNITS;

/// A bitmap and its place.
#[derive(Debug, Clone)]
pub(super) struct Image {
    pub rect: Rect,
    pub width: usize,
    pub height: usize,
    /// Red, green, blue, alpha; rows from top to bottom.
    pub rgba: Vec<u8>,
}

/// The heat map as seen in `frame`, at `zoom` bitmap pixels a pixel. Where several cells fall on a pixel it shows the
/// greatest, so that no line or burst is lost; NaN is left transparent, and minus infinity, digital silence, has the lowest
/// colour.
pub(super) fn image(heat: &HeatMap, frame: Rect, rulers: &Rulers, zoom: f64) -> Image {
    let (width, height) = (pixels(frame.width(), zoom), pixels(frame.height(), zoom));
    let (n_rows, n_columns) = (heat.n_rows(), heat.n_columns());
    let span = (heat.x.1 - heat.x.0) / n_columns.max(1) as f64;
    let column_of = |x: f64| (x - heat.x.0) / span;
    let row_of = |y: f64| heat.row_edges.partition_point(|&e| e <= y) as f64 - 1.0;
    let columns = cells(width, n_columns, |i| column_of(rulers.x.value(frame.left + i * frame.width() / width as f64)));
    let rows = cells(height, n_rows, |i| row_of(rulers.y.value(frame.bottom - i * frame.height() / height as f64)));
    let colours = colour_map::colours();
    let mut rgba = vec![0; 4 * width * height];
    for (i, column) in columns.iter().enumerate() {
        for (j, row) in rows.iter().enumerate() {
            let value = greatest(heat, n_rows, column, row);
            if !value.is_nan() {
                let [r, g, b] = colours[colour_index(f64::from(value), heat.range)];
                let at = 4 * ((height - 1 - j) * width + i);
                rgba[at..at + 4].copy_from_slice(&[r, g, b, 255]);
            }
        }
    }
    Image { rect: frame, width, height, rgba }
}

/// The colours of a heat map's bar, from bottom to top.
pub(super) fn bar(rect: Rect, ruler: &Ruler, range: (f64, f64)) -> Image {
    let (width, height) = (1, pixels(rect.height(), 1.0));
    let colours = colour_map::colours();
    let value = |row: usize| ruler.value(rect.top + (row as f64 + 0.5) * rect.height() / height as f64);
    let rgba = (0..height).flat_map(|row| {
        let [r, g, b] = colours[colour_index(value(row), range)];
        [r, g, b, 255]
    });
    Image { rect, width, height, rgba: rgba.collect() }
}

fn pixels(length: f64, zoom: f64) -> usize {
    // A frame is at most a picture wide; a pixel is never finer than the canvas' own unit.
    (length * zoom.min(UNITS)).round().max(1.0) as usize
}

fn colour_index(value: f64, range: (f64, f64)) -> usize {
    let share = (value - range.0) / (range.1 - range.0);
    (share.clamp(0.0, 1.0) * (colour_map::N_COLOURS - 1) as f64).round() as usize
}

/// For each of `n_pixels` the cells under it; empty outside the grid. `cell_at` gives the cell at a pixel's edge.
fn cells(n_pixels: usize, n_cells: usize, cell_at: impl Fn(f64) -> f64) -> Vec<std::ops::Range<usize>> {
    let edge = |i: usize| cell_at(i as f64).floor();
    (0..n_pixels)
        .map(|i| {
            let (first, last) = (edge(i), edge(i + 1).max(edge(i) + 1.0));
            let inside = |cell: f64| cell.clamp(0.0, n_cells as f64) as usize;
            // The middle decides at the ends, where a pixel may be half outside.
            let middle = cell_at(i as f64 + 0.5);
            if middle >= 0.0 && middle < n_cells as f64 { inside(first)..inside(last).max(inside(first)) } else { 0..0 }
        })
        .collect()
}

fn greatest(heat: &HeatMap, n_rows: usize, columns: &std::ops::Range<usize>, rows: &std::ops::Range<usize>) -> f32 {
    let of_column = |c: usize| {
        let cells = &heat.values[c * n_rows + rows.start..c * n_rows + rows.end];
        cells.iter().copied().fold(f32::NAN, f32::max)
    };
    // The greater of NaN and a number is the number.
    columns.clone().map(of_column).fold(f32::NAN, f32::max)
}

#[cfg(test)]
mod tests {
    use super::super::chart::Axis;
    use super::*;

    #[test]
    fn silence_has_a_colour_and_what_is_unknown_none() {
        let heat = HeatMap {
            x: (0.0, 3.0),
            row_edges: vec![0.0, 1.0],
            values: vec![f32::NAN, f32::NEG_INFINITY, -20.0],
            range: (-100.0, 0.0),
            axis: Axis::decibel("Level", "dBFS", "level_dbfs"),
        };
        assert!(greatest(&heat, 1, &(0..1), &(0..1)).is_nan());
        assert!(greatest(&heat, 1, &(0..0), &(0..1)).is_nan());
        assert_eq!(greatest(&heat, 1, &(0..2), &(0..1)), f32::NEG_INFINITY);
        assert_eq!(greatest(&heat, 1, &(0..3), &(0..1)), -20.0);
        assert_eq!(colour_index(f64::NEG_INFINITY, heat.range), 0);
    }
}
