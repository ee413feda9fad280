//! The picture: where everything stands, from 60 by 18 characters up.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    style::{Color, Modifier, Style},
};

use super::{
    View, keys,
    raster::{Charset, Ink},
    spectrum, transfer,
};
use sqnr::live::{Level, Monitor, State, theory_snr_db};

/// Smallest size with all parts.
pub const MIN_WIDTH: u16 = 60;
/// Smallest size with all parts.
pub const MIN_HEIGHT: u16 = 18;
/// From here on the staircase stands beside the spectrum.
const WIDE: u16 = 96;
/// Lowest level of the meters.
const METER_BOTTOM_DBFS: f64 = -72.0;

/// Draws everything.
pub fn draw(view: &View, area: Rect, buffer: &mut Buffer) {
    if area.width < MIN_WIDTH || area.height < MIN_HEIGHT {
        return draw_tiny(view, area, buffer);
    }
    let row = |y: u16| Rect { y: area.y + y, height: 1, ..area };
    let last = area.height - 1;
    draw_header(view, row(0), buffer);
    draw_knobs(view, row(1), buffer);
    let middle = Rect { y: area.y + 2, height: area.height - 6, ..area };
    let (left, right) = split(middle);
    spectrum::draw(view, left, buffer);
    if let Some(right) = right {
        transfer::draw(view, right, buffer);
    }
    draw_figures(view, row(last - 3), buffer);
    draw_meter(view, "in ", &view.reading.input, row(last - 2), buffer);
    draw_meter(view, "out", &view.reading.output, row(last - 1), buffer);
    draw_keys(row(last), buffer);
    if view.shows_help {
        draw_help(middle, buffer);
    }
}

/// Where the keys' line is in a picture of this size.
pub fn keys_row(area: Rect) -> Rect {
    Rect { y: area.bottom().saturating_sub(1), height: 1, ..area }
}

fn split(middle: Rect) -> (Rect, Option<Rect>) {
    if middle.width < WIDE {
        return (middle, None);
    }
    // Two columns for every row make the stairs' square.
    let width = (2 * middle.height).min(middle.width / 3);
    let left = Rect { width: middle.width - width - 2, ..middle };
    let height = middle.height.min(width / 2 + 2);
    (left, Some(Rect { x: left.right() + 2, width, height, ..middle }))
}

/// Writes parts one after the other as far as they fit whole, two blanks between them.
fn write_parts(parts: &[(String, Style)], row: Rect, buffer: &mut Buffer) {
    let mut x = row.x;
    for (text, style) in parts {
        let width = text.chars().count() as u16;
        if x + width > row.right() {
            return;
        }
        buffer.set_string(x, row.y, text, *style);
        x += width + 2;
    }
}

fn draw_header(view: &View, row: Rect, buffer: &mut Buffer) {
    let status = &view.status;
    let plain = Style::new();
    let alarm = Style::new().fg(Color::LightRed).add_modifier(Modifier::BOLD);
    let mut parts = vec![("sqnr live".into(), Style::new().add_modifier(Modifier::BOLD))];
    match (status.state, status.is_silent) {
        (State::Lost, _) => parts.push(("DEVICE LOST, looking for it".into(), alarm)),
        (State::Ended, _) => parts.push(("ended".into(), alarm)),
        (State::Running, true) => parts.push(("no output device".into(), alarm)),
        (State::Running, false) => {}
    }
    parts.push((format!("{} Hz {} ch", view.sample_rate_hz, view.n_channels), plain));
    if let Some(latency_s) = status.latency_s {
        parts.push((format!("latency {:.1} ms", latency_s * 1e3), plain));
    }
    let dropouts = status.dropouts.total();
    parts.push((format!("dropouts {dropouts}"), if dropouts > 0 { alarm } else { plain }));
    if let Some(n_frames) = status.recorded_frames {
        parts.push((format!("REC {:.1} s", n_frames as f64 / view.sample_rate_hz), alarm));
    }
    if let Some(ppm) = status.drift_ppm {
        parts.push((format!("drift {ppm:+.0} ppm"), plain));
    }
    if let (_, Some(block)) = status.block_frames {
        parts.push((format!("block {block}"), plain));
    }
    write_parts(&parts, row, buffer);
}

fn draw_knobs(view: &View, row: Rect, buffer: &mut Buffer) {
    let settings = &view.settings;
    let bold = Style::new().add_modifier(Modifier::BOLD);
    let hearing = match view.monitor {
        Monitor::Quantized => ("B quantized".to_string(), bold.fg(Ink::Error.color())),
        Monitor::Input => ("A input".to_string(), bold.fg(Ink::Input.color())),
    };
    let mut parts = vec![(settings.rate(), bold), (settings.recipe().method.word(), Style::new())];
    parts.extend(method_parts(view).into_iter().map(|part| (part, Style::new())));
    parts.push(hearing);
    if view.is_frozen {
        parts.push(("FROZEN".into(), Style::new().add_modifier(Modifier::REVERSED)));
    }
    write_parts(&parts, row, buffer);
}

/// What else there is to say of the method: its dither and shape, or what the codec spends and by how much it is late.
fn method_parts(view: &View) -> Vec<String> {
    let settings = &view.settings;
    if settings.is_codec() {
        let spent = view.status.bitrate_kbps.map(|kbps| format!("spends {kbps:.0} kbit/s"));
        return spent.into_iter().chain([format!("late {:.0} ms", view.status.chain_delay_s * 1e3)]).collect();
    }
    let dither = match settings.is_uniform() {
        true => settings.dither().name(),
        false => "none (steps differ)",
    };
    vec![format!("dither {dither}"), format!("shape {}", settings.recipe().shape.word())]
}

fn draw_figures(view: &View, row: Rect, buffer: &mut Buffer) {
    if let Some(message) = &view.message {
        buffer.set_stringn(row.x, row.y, message, usize::from(row.width), Style::new().fg(Color::LightGreen));
        return;
    }
    let db = |value: Option<f64>| match value {
        Some(value) if value.is_finite() => format!("{value:.1} dB"),
        Some(_) => "exact".into(),
        None => "-".into(),
    };
    let theory = theory_snr_db(&view.settings, &view.reading);
    let bold = Style::new().add_modifier(Modifier::BOLD);
    let mut parts = vec![
        (format!("SNR {}", db(view.reading.snr_db)), bold),
        (format!("10 s {}", db(view.reading.snr_mean_db)), Style::new()),
        (format!("theory {}", db(theory)), Style::new().fg(Ink::Theory.color())),
    ];
    if !view.settings.is_codec() {
        let rule = format!("6.02 B + 1.76 = {:.1} dB", 6.02 * f64::from(view.settings.bits()) + 1.76);
        parts.push((rule, Style::new().fg(Color::DarkGray)));
    }
    write_parts(&parts, row, buffer);
}

fn draw_meter(view: &View, name: &str, level: &Level, row: Rect, buffer: &mut Buffer) {
    let figures = if level.rms_dbfs < -199.0 { "silent".into() } else { format!("{:6.1} dBFS", level.rms_dbfs) };
    // Name, bar, figures, lamp.
    let bar = Rect { x: row.x + 4, width: row.width - 4 - 13 - 6, ..row };
    buffer.set_string(row.x, row.y, name, Style::new());
    let place = |dbfs: f64| {
        let part = ((dbfs - METER_BOTTOM_DBFS) / -METER_BOTTOM_DBFS).clamp(0.0, 1.0);
        (part * f64::from(bar.width - 1)).round() as u16
    };
    let (full, empty, mark) = match view.charset {
        Charset::Unicode => ("█", "·", "┃"),
        Charset::Ascii => ("=", ".", "|"),
    };
    let (rms, hold) = (place(level.rms_dbfs), place(level.hold_dbfs));
    for x in 0..bar.width {
        let color = match METER_BOTTOM_DBFS * (1.0 - f64::from(x) / f64::from(bar.width - 1)) {
            db if db > -3.0 => Color::LightRed,
            db if db > -12.0 => Color::LightYellow,
            _ => Color::LightGreen,
        };
        let is_lit = level.rms_dbfs > METER_BOTTOM_DBFS && x <= rms;
        let is_mark = level.hold_dbfs > METER_BOTTOM_DBFS && x == hold;
        let (symbol, color) = match (is_mark, is_lit) {
            (true, _) => (mark, color),
            (false, true) => (full, color),
            (false, false) => (empty, Color::DarkGray),
        };
        buffer.set_string(bar.x + x, bar.y, symbol, Style::new().fg(color));
    }
    buffer.set_string(bar.right() + 1, row.y, figures, Style::new());
    // In: beyond the quantizer's levels. Out: beyond the device's format.
    let n_clipped = if name == "in " { view.reading.clipped_samples } else { view.status.clipped_output_samples };
    let lamp = match n_clipped {
        0 => (" clip", Style::new().fg(Color::DarkGray)),
        _ => (" CLIP", Style::new().fg(Color::White).bg(Color::Red).add_modifier(Modifier::BOLD)),
    };
    buffer.set_string(row.right() - 5, row.y, lamp.0, lamp.1);
}

fn draw_keys(row: Rect, buffer: &mut Buffer) {
    for (x, text, _) in keys::line(row) {
        buffer.set_string(x, row.y, text, Style::new().fg(Color::Cyan));
    }
}

fn draw_help(area: Rect, buffer: &mut Buffer) {
    let width = (keys::HELP.iter().map(|line| line.len()).max().unwrap_or(0) as u16 + 4).min(area.width);
    let height = (keys::HELP.len() as u16).min(area.height);
    let x = area.x + (area.width - width) / 2;
    let y = area.y + (area.height - height) / 2;
    for (line, y) in keys::HELP.iter().zip(y..y + height) {
        let text = format!("  {line:<width$}", width = usize::from(width) - 2);
        let style = Style::new().fg(Color::White).bg(Color::Indexed(236));
        buffer.set_stringn(x, y, text, usize::from(width), style);
    }
}

/// A window too small for a picture still tells the figures that matter.
fn draw_tiny(view: &View, area: Rect, buffer: &mut Buffer) {
    let snr = view.reading.snr_db.filter(|snr| snr.is_finite());
    let lines = [
        format!("{} bits", view.settings.bits()),
        snr.map_or("SNR -".into(), |snr| format!("SNR {snr:.1} dB")),
        format!("want {MIN_WIDTH}x{MIN_HEIGHT}"),
        "q quit".into(),
    ];
    for (line, y) in lines.iter().zip(area.y..area.bottom()) {
        buffer.set_stringn(area.x, y, line, usize::from(area.width), Style::new());
    }
}
