//! Charts that are heat maps throughout, such as spectrograms: grids of bytes that the page's scripts draw and zoom.

use std::io::{self, Write};

use serde_json::{Value, json};

use crate::report::escape::{escaped, visible};
use crate::report::plot::document::base64;
use crate::report::plot::{Chart, HeatMap, Mark, Panel, colour_map};

/// Cells of all grids of a chart: 0.7 MB in the page.
const MAX_CELLS: usize = 540_000;
/// Rows of a grid: a plot of the page has no more pixels.
const MAX_ROWS: usize = 260;
/// Byte 0 is an unknown cell; the others divide the range of the colours.
const GREATEST_BYTE: f64 = 255.0;

/// The panels of a chart that is drawn by script: each is one heat map with rows of one height.
pub(super) fn panels(chart: &Chart) -> Option<Vec<(&Panel, &HeatMap)>> {
    let panels: Option<Vec<_>> = chart.panels.iter().map(|panel| Some((panel, only_map(panel)?))).collect();
    panels.filter(|panels| !panels.is_empty())
}

fn only_map(panel: &Panel) -> Option<&HeatMap> {
    match panel.series.as_slice() {
        [only] => match &only.mark {
            Mark::Heat(heat) if is_even(&heat.row_edges) => Some(heat),
            _ => None,
        },
        _ => None,
    }
}

fn is_even(edges: &[f64]) -> bool {
    let [first, second, ..] = edges else { return false };
    let height = second - first;
    edges.windows(2).all(|edge| (edge[1] - edge[0] - height).abs() < 1e-6 * height)
}

/// What the scripts need to draw the charts of `charts` that are heat maps.
pub(super) fn data(charts: &[Chart]) -> Value {
    let charts: Vec<Value> = charts.iter().filter_map(panels).map(|panels| chart_data(&panels)).collect();
    let colours = colour_map::colours().map(|[r, g, b]| format!("{r:02x}{g:02x}{b:02x}")).concat();
    json!({ "colours": colours, "charts": charts })
}

fn chart_data(panels: &[(&Panel, &HeatMap)]) -> Value {
    let one = |(panel, heat): &(&Panel, &HeatMap)| {
        let (columns, rows) = size(heat, panels.len());
        let (bottom, top) = (heat.row_edges[0], heat.row_edges[heat.n_rows()]);
        let shown = panel.y.range.unwrap_or((bottom, top));
        json!({
            "name": visible(&panel.title), "columns": columns, "rows": rows,
            "x": [heat.x.0, heat.x.1], "y": [bottom, top], "shown": [shown.0, shown.1],
            "range": [heat.range.0, heat.range.1], "unit": heat.axis.unit,
        })
    };
    panels.iter().map(one).collect()
}

/// Columns and rows of the grid that the page holds.
fn size(heat: &HeatMap, n_panels: usize) -> (usize, usize) {
    let rows = heat.n_rows().clamp(1, MAX_ROWS);
    (heat.n_columns().min(MAX_CELLS / n_panels / rows), rows)
}

/// The places of the plots, in order of the data.
pub(super) fn write_places(chart: &Chart, index: usize, panels: &[(&Panel, &HeatMap)], out: &mut String) {
    let title = escaped(&chart.title);
    *out += &format!("<h2>{title}</h2>\n<p class=\"muted\">{}</p>\n", escaped(&chart.subtitle));
    for (p, (panel, _)) in panels.iter().enumerate() {
        let name = escaped(&panel.title);
        *out += &format!(
            "<h3>{name}</h3>\n<div class=\"plot\" id=\"heat-{index}-{p}\" data-label=\"{title} of {name}\"></div>\n"
        );
    }
}

/// One element of cells for each grid.
pub(super) fn write_cells(charts: &[Chart], out: &mut impl Write) -> io::Result<()> {
    for (i, panels) in charts.iter().filter_map(panels).enumerate() {
        for (p, (_, heat)) in panels.iter().enumerate() {
            let cells = base64(&cells(heat, size(heat, panels.len())));
            writeln!(out, "<script type=\"text/plain\" id=\"cells-{i}-{p}\">{cells}</script>")?;
        }
    }
    Ok(())
}

/// The grid row by row from the top, as bytes. Where several values fall into a cell it has the greatest, so that no line
/// or burst is lost.
fn cells(heat: &HeatMap, (columns, rows): (usize, usize)) -> Vec<u8> {
    let (n_columns, n_rows) = (heat.n_columns(), heat.n_rows());
    let part = |i: usize, parts: usize, n: usize| i * n / parts..((i + 1) * n).div_ceil(parts);
    let mut bytes = Vec::with_capacity(columns * rows);
    for row in (0..rows).rev() {
        let lines = part(row, rows, n_rows);
        for column in 0..columns {
            let values = part(column, columns, n_columns).flat_map(|c| &heat.values[c * n_rows..][lines.clone()]);
            // The greater of NaN and a number is the number.
            bytes.push(byte(values.copied().fold(f32::NAN, f32::max), heat.range));
        }
    }
    bytes
}

fn byte(value: f32, (low, high): (f64, f64)) -> u8 {
    if value.is_nan() {
        return 0;
    }
    let share = ((f64::from(value) - low) / (high - low)).clamp(0.0, 1.0);
    (1.0 + share * (GREATEST_BYTE - 1.0)).round() as u8
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::plot::Axis;

    fn heat(n_columns: usize, n_rows: usize, value: impl Fn(usize, usize) -> f32) -> HeatMap {
        HeatMap {
            x: (0.0, n_columns as f64),
            row_edges: (0..=n_rows).map(|i| i as f64).collect(),
            values: (0..n_columns * n_rows).map(|i| value(i / n_rows, i % n_rows)).collect(),
            range: (-100.0, 0.0),
            axis: Axis::decibel("Level", "dBFS", "level_dbfs"),
        }
    }

    #[test]
    fn cells_run_from_the_top_and_their_bytes_divide_the_range() {
        let map = heat(2, 2, |column, row| [[-100.0, -200.0], [0.0, f32::NAN]][column][row]);
        assert_eq!(cells(&map, (2, 2)), [1, 0, 1, 255]);
        assert_eq!(byte(-50.0, (-100.0, 0.0)), 128);
    }

    #[test]
    fn a_lone_line_and_a_lone_burst_survive_the_smaller_grid() {
        let map = heat(4_096, 1_025, |column, row| if column == 1_234 || row == 777 { 0.0 } else { -90.0 });
        let (columns, rows) = size(&map, 3);
        assert!(columns * rows <= MAX_CELLS / 3 && columns > 600 && rows == MAX_ROWS);
        let bytes = cells(&map, (columns, rows));
        let loud = |at: usize| bytes[at] == 255;
        let (line, burst) = (rows - 1 - 777 * rows / 1_025, 1_234 * columns / 4_096);
        assert!((0..columns).all(|c| loud(line * columns + c)), "the line");
        assert!((0..rows).all(|r| loud(r * columns + burst)), "the burst");
        assert!(bytes.iter().filter(|b| **b == 255).count() <= 2 * (columns + rows), "and nothing else");
    }

    #[test]
    fn only_charts_of_even_heat_maps_are_taken() {
        use crate::report::plot::{Ink, Series};
        let chart = |mark: Mark| Chart {
            panels: vec![Panel { series: vec![Series::new("", "", Ink::Signal, mark)], ..Panel::default() }],
            ..Chart::default()
        };
        assert!(panels(&chart(Mark::Heat(heat(3, 3, |_, _| 0.0)))).is_some());
        let bands = HeatMap { row_edges: vec![0.0, 1.0, 3.0], ..heat(2, 2, |_, _| 0.0) };
        assert!(panels(&chart(Mark::Heat(bands))).is_none());
        assert!(panels(&chart(Mark::Level(0.0))).is_none() && panels(&Chart::default()).is_none());
    }
}
