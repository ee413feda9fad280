//! A figure as the page's text: its name with the unit, and its value.

use crate::analysis::Entry;
use crate::report::plot::with_unit;

/// The name, with the unit where there is one.
pub(super) fn labelled(entry: &Entry) -> String {
    if entry.unit.is_empty() { entry.label.into() } else { format!("{} ({})", entry.label, entry.unit) }
}

/// The value in a cell of the table; "none" where there is no figure.
pub(super) fn figure_text(entry: &Entry) -> String {
    entry.figure.map_or_else(|_| "none".into(), significant)
}

/// Whole numbers as they are, others with two decimals or four significant figures.
fn significant(value: f64) -> String {
    match value.abs() {
        m if value == value.trunc() && m < 1e15 => with_unit(value, 0, ""),
        m if (0.1..1e6).contains(&m) => with_unit(value, 2, ""),
        _ => format!("{value:.3e}").replace('-', "\u{2212}"),
    }
}
