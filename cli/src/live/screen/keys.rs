//! Keys and the mouse: what they mean, and the line that shows them.

use crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::Rect;

/// What the listener wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// One bit more.
    MoreBits,
    /// One bit less.
    FewerBits,
    /// The next dither.
    NextDither,
    /// The next noise shaping.
    NextShape,
    /// The next method.
    NextMethod,
    /// Input or quantized.
    SwitchMonitor,
    /// Peaks shown or not.
    TogglePeaks,
    /// Picture stands still or not.
    Freeze,
    /// SVG and CSV of what is seen.
    Snapshot,
    /// Clip lamp and peaks.
    ClearHolds,
    /// All keys.
    Help,
    /// To the shell and back.
    Suspend,
    /// The end.
    Quit,
    /// The end, by Ctrl-C.
    Interrupt,
}

/// The last line: each part, what a click on it does.
pub const LINE: [(&str, Action); 9] = [
    ("<- -> bits", Action::FewerBits),
    ("d dither", Action::NextDither),
    ("s shape", Action::NextShape),
    ("m method", Action::NextMethod),
    ("space A/B", Action::SwitchMonitor),
    ("p peaks", Action::TogglePeaks),
    ("f freeze", Action::Freeze),
    ("w write", Action::Snapshot),
    ("q quit", Action::Quit),
];

/// The short form for 60 columns.
pub const SHORT_LINE: [(&str, Action); 9] = [
    ("<>bits", Action::FewerBits),
    ("d", Action::NextDither),
    ("s", Action::NextShape),
    ("m", Action::NextMethod),
    ("space A/B", Action::SwitchMonitor),
    ("p", Action::TogglePeaks),
    ("f", Action::Freeze),
    ("w", Action::Snapshot),
    ("q quit", Action::Quit),
];

/// What `?` shows.
pub const HELP: [&str; 15] = [
    "left, right   fewer, more bits or kbit/s (mouse wheel)",
    "d             dither: none, rpdf, tpdf, hp-tpdf, ...",
    "s             noise shaping: none, order-1, -2, ear, auto",
    "m             method: uniform, mid-rise, mu-law, a-law,",
    "              lloyd-max (learns from the input), codec",
    "space         hear the input or the quantized sound",
    "p             peak hold in the spectrum",
    "f             freeze the picture; the sound goes on",
    "c             put out the clip lamps, clear peaks",
    "w             write spectrum as SVG and CSV",
    "Ctrl-Z        suspend; fg resumes",
    "?             this help",
    "q, Esc        quit",
    "",
    "blue input  yellow error  grey theory  green samples",
];

/// The last line's parts with their columns, as wide as `area` allows; the last part is always `?`.
pub fn line(area: Rect) -> Vec<(u16, &'static str, Action)> {
    let long: usize = LINE.iter().map(|(text, _)| text.len() + 2).sum();
    let parts = if long + 6 <= usize::from(area.width) { LINE } else { SHORT_LINE };
    let mut x = area.x;
    let mut placed = Vec::with_capacity(parts.len() + 1);
    for (text, action) in parts.into_iter().chain([("? help", Action::Help)]) {
        placed.push((x, text, action));
        x += text.len() as u16 + 2;
    }
    placed
}

/// What an event means; `keys_row` is where the last line was drawn.
pub fn action(event: &Event, keys_row: Rect) -> Option<Action> {
    match event {
        Event::Key(key) if key.kind != KeyEventKind::Release => of_key(key),
        Event::Mouse(mouse) => of_mouse(mouse, keys_row),
        _ => None,
    }
}

fn of_key(key: &KeyEvent) -> Option<Action> {
    if key.modifiers.contains(KeyModifiers::CONTROL) {
        return match key.code {
            KeyCode::Char('c') => Some(Action::Interrupt),
            KeyCode::Char('z') => Some(Action::Suspend),
            _ => None,
        };
    }
    Some(match key.code {
        KeyCode::Left | KeyCode::Down => Action::FewerBits,
        KeyCode::Right | KeyCode::Up => Action::MoreBits,
        KeyCode::Char('d') => Action::NextDither,
        KeyCode::Char('s') => Action::NextShape,
        KeyCode::Char('m') => Action::NextMethod,
        KeyCode::Char(' ') => Action::SwitchMonitor,
        KeyCode::Char('p') => Action::TogglePeaks,
        KeyCode::Char('f') => Action::Freeze,
        KeyCode::Char('c') => Action::ClearHolds,
        KeyCode::Char('w') => Action::Snapshot,
        KeyCode::Char('?' | 'h') => Action::Help,
        KeyCode::Char('q') | KeyCode::Esc => Action::Quit,
        _ => return None,
    })
}

fn of_mouse(mouse: &MouseEvent, keys_row: Rect) -> Option<Action> {
    match mouse.kind {
        MouseEventKind::ScrollUp => Some(Action::MoreBits),
        MouseEventKind::ScrollDown => Some(Action::FewerBits),
        MouseEventKind::Down(MouseButton::Left) if mouse.row == keys_row.y => {
            let parts = line(keys_row);
            let hit = parts.iter().find(|(x, text, _)| (*x..*x + text.len() as u16).contains(&mouse.column));
            hit.map(|(_, _, action)| *action)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_fits_and_clicks_hit_what_is_drawn() {
        for width in [60, 80, 100, 200] {
            let row = Rect::new(0, 17, width, 1);
            let parts = line(row);
            let (x, text, _) = parts.last().expect("parts");
            assert!(x + text.len() as u16 <= width, "{width} columns");
            for (x, _, expected) in parts {
                let kind = MouseEventKind::Down(MouseButton::Left);
                let click = |row| Event::Mouse(MouseEvent { kind, column: x, row, modifiers: KeyModifiers::NONE });
                assert_eq!(action(&click(17), row), Some(expected));
                assert_eq!(action(&click(3), row), None);
            }
        }
    }

    #[test]
    fn control_c_is_no_c() {
        let key = |code, modifiers| Event::Key(KeyEvent::new(code, modifiers));
        let row = Rect::default();
        assert_eq!(action(&key(KeyCode::Char('c'), KeyModifiers::CONTROL), row), Some(Action::Interrupt));
        assert_eq!(action(&key(KeyCode::Char('c'), KeyModifiers::NONE), row), Some(Action::ClearHolds));
        assert_eq!(action(&key(KeyCode::Char('x'), KeyModifiers::NONE), row), None);
    }
}
