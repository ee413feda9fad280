//! The transfer staircase: levels over input, and the live samples on it.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    style::{Color, Style},
};

use super::{
    View,
    raster::{Ink, Raster},
};

/// Draws it into `area`: input from left to right, output from bottom to top, as much of full scale as the signal uses.
pub fn draw(view: &View, area: Rect, buffer: &mut Buffer) {
    if area.width < 10 || area.height < 5 {
        return;
    }
    let span = span(view);
    let title = format!("output over input, +-{span}");
    buffer.set_stringn(area.x, area.y, title, usize::from(area.width), Style::new().fg(Color::DarkGray));
    let inner = Rect { y: area.y + 1, height: area.height - 1, ..area };
    let mut raster = Raster::new(inner, view.charset);
    let (width, height) = raster.size();
    let column = |x: f64| ((x / span + 1.0) / 2.0 * (width - 1) as f64).round();
    let row = |y: f64| ((1.0 - y / span) / 2.0 * (height - 1) as f64).round().clamp(0.0, (height - 1) as f64) as usize;

    if let Some(quantizer) = view.settings.quantizer() {
        let input_at = |column: usize| (2.0 * column as f64 / (width - 1) as f64 - 1.0) * span;
        let stairs: Vec<Option<usize>> =
            (0..width).map(|column| Some(row(quantizer.reconstruct(quantizer.index(input_at(column)))))).collect();
        raster.curve(&stairs, Ink::Theory);
    }
    for &(x, y) in &view.reading.cloud {
        let x = column(f64::from(x));
        if (0.0..width as f64).contains(&x) && f64::from(y).abs() <= span {
            raster.dot(x as usize, row(f64::from(y)), Ink::Cloud);
        }
    }
    raster.draw(buffer);
}

/// The least of 1, 1/2, 1/4, ... 1/64 that holds the cloud: a quiet voice still climbs visible stairs.
fn span(view: &View) -> f64 {
    let greatest = view.reading.cloud.iter().map(|(x, _)| f64::from(x.abs())).fold(0.0, f64::max);
    (0..=6).rev().map(|k| 0.5f64.powi(k)).find(|span| *span >= greatest).unwrap_or(1.0)
}
