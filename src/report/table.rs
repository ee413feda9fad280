//! Figures in aligned columns, for a terminal or a plain text file.
//!
//! ```text
//! file       SNR (dB)  bits
//! harp.wav      49.92     8
//! bell.wav     101.2     16
//! ```

use std::fmt;

/// Where the cells of a column stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// Words.
    Left,
    /// Whole numbers, and words that end where numbers end.
    Right,
    /// Numbers with decimals: the points stand under one another.
    Point,
}

/// A table. Rows shorter than the header are filled with empty cells; cells beyond it are left out.
///
/// ```
/// use sqnr::report::table::{Align, Table};
///
/// let mut table = Table::new(&[("bits", Align::Right), ("SNR dB", Align::Point)]);
/// table.push(["8", "49.9"]);
/// table.push(["16", "98.09"]);
/// assert_eq!(table.to_string().lines().count(), 3);
/// ```
#[derive(Debug, Clone, Default)]
pub struct Table {
    columns: Vec<(String, Align)>,
    rows: Vec<Vec<String>>,
}

/// Between columns.
const GAP: &str = "  ";

impl Table {
    /// A table without rows; a column's title names its unit.
    pub fn new(columns: &[(&str, Align)]) -> Self {
        let columns = columns.iter().map(|&(title, align)| (title.to_string(), align)).collect();
        Self { columns, rows: Vec::new() }
    }

    /// Adds a row.
    pub fn push(&mut self, cells: impl IntoIterator<Item = impl Into<String>>) {
        self.rows.push(cells.into_iter().map(Into::into).collect());
    }

    /// True when there are no rows.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Cells of a column as they are printed, the title first, all equally wide.
    fn printed_column(&self, index: usize) -> Vec<String> {
        let (title, align) = &self.columns[index];
        let cell = |row: &Vec<String>| row.get(index).cloned().unwrap_or_default();
        let mut cells: Vec<String> = self.rows.iter().map(cell).collect();
        if *align == Align::Point {
            let decimals = cells.iter().map(|c| decimals_of(c)).max().unwrap_or(0);
            for cell in cells.iter_mut().filter(|c| c.contains(|c: char| c.is_ascii_digit())) {
                let missing = decimals - decimals_of(cell);
                cell.extend(std::iter::repeat_n(' ', missing));
            }
        }
        cells.insert(0, title.clone());
        let width = cells.iter().map(|c| c.chars().count()).max().unwrap_or(0);
        let padded = cells.iter().map(|cell| match align {
            Align::Left => format!("{cell:<width$}"),
            Align::Right | Align::Point => format!("{cell:>width$}"),
        });
        padded.collect()
    }
}

/// Characters from the decimal point on.
fn decimals_of(cell: &str) -> usize {
    cell.find('.').map_or(0, |point| cell[point..].chars().count())
}

impl fmt::Display for Table {
    /// Lines without trailing spaces, each ended by a line feed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns: Vec<Vec<String>> = (0..self.columns.len()).map(|i| self.printed_column(i)).collect();
        for row in 0..=self.rows.len() {
            let cells: Vec<&str> = columns.iter().map(|c| c[row].as_str()).collect();
            writeln!(f, "{}", cells.join(GAP).trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_and_decimal_points_are_aligned() {
        let mut table = Table::new(&[("file", Align::Left), ("SNR (dB)", Align::Point), ("bits", Align::Right)]);
        table.push(["harp.wav", "49.92", "8"]);
        table.push(["élan.wav", "101.2", "16"]);
        table.push(["silence.wav", "none"]);
        let expected = "\
file         SNR (dB)  bits
harp.wav        49.92     8
élan.wav       101.2     16
silence.wav      none
";
        assert_eq!(table.to_string(), expected);
    }
}
