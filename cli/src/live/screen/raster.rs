//! A grid of dots in character cells: eight dots a cell in braille, one in plain ASCII.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    style::{Color, Style},
};

/// What the terminal can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Charset {
    /// Braille patterns and block elements.
    Unicode,
    /// Letters and signs of 7 bits.
    Ascii,
}

/// What a dot belongs to; later ones hide earlier ones within a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ink {
    /// Held peaks.
    Peak,
    /// The input.
    Input,
    /// What theory expects.
    Theory,
    /// The quantization error.
    Error,
    /// Pairs of input and output.
    Cloud,
}

impl Ink {
    /// Two hues that colour-blind readers tell apart, and greys.
    pub fn color(self) -> Color {
        match self {
            Self::Peak => Color::DarkGray,
            Self::Input => Color::LightBlue,
            Self::Theory => Color::Gray,
            Self::Error => Color::LightYellow,
            Self::Cloud => Color::LightGreen,
        }
    }

    fn ascii(self) -> char {
        match self {
            Self::Peak => '^',
            Self::Input => '#',
            Self::Theory => '-',
            Self::Error => '.',
            Self::Cloud => 'o',
        }
    }
}

/// Bit of the dot in column x, row y of a braille cell (Unicode 2800, dots 1-8).
const BRAILLE: [[u8; 2]; 4] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]];

/// Dots over an area of cells.
#[derive(Debug)]
pub struct Raster {
    area: Rect,
    charset: Charset,
    cells: Vec<(u8, Option<Ink>)>,
}

impl Raster {
    /// An empty raster over `area`.
    pub fn new(area: Rect, charset: Charset) -> Self {
        Self { area, charset, cells: vec![(0, None); usize::from(area.width) * usize::from(area.height)] }
    }

    /// Dots across and down.
    pub fn size(&self) -> (usize, usize) {
        let (across, down) = self.dots_per_cell();
        (usize::from(self.area.width) * across, usize::from(self.area.height) * down)
    }

    fn dots_per_cell(&self) -> (usize, usize) {
        match self.charset {
            Charset::Unicode => (2, 4),
            Charset::Ascii => (1, 1),
        }
    }

    /// Sets a dot; outside the area nothing happens. Row 0 is the top.
    pub fn dot(&mut self, x: usize, y: usize, ink: Ink) {
        let (width, height) = self.size();
        if x >= width || y >= height {
            return;
        }
        let (across, down) = self.dots_per_cell();
        let (mask, top) = &mut self.cells[(y / down) * usize::from(self.area.width) + x / across];
        *mask |= BRAILLE[y % down][x % across];
        *top = (*top).max(Some(ink));
    }

    /// A curve given as one row per column of dots, neighbours joined; where there is none the curve has a gap.
    pub fn curve(&mut self, rows: &[Option<usize>], ink: Ink) {
        let mut before = None;
        for (x, &row) in rows.iter().enumerate() {
            if let Some(row) = row {
                // Half of a jump is drawn in each of both columns.
                let from: usize = before.unwrap_or(row);
                let middle = (row + from) / 2;
                (row.min(middle)..=row.max(middle)).for_each(|y| self.dot(x, y, ink));
                let last = x.saturating_sub(1);
                (from.min(middle)..=from.max(middle)).filter(|_| before.is_some()).for_each(|y| self.dot(last, y, ink));
            }
            before = row;
        }
    }

    /// Puts the dots into the buffer; cells without dots stay as they are.
    pub fn draw(&self, buffer: &mut Buffer) {
        let positions = self.area.rows().flat_map(Rect::columns);
        for (cell_area, &(mask, ink)) in positions.zip(&self.cells) {
            let Some(ink) = ink else { continue };
            let symbol = match self.charset {
                Charset::Unicode => char::from_u32(0x2800 + u32::from(mask)).unwrap_or(' '),
                Charset::Ascii => ink.ascii(),
            };
            if let Some(cell) = buffer.cell_mut((cell_area.x, cell_area.y)) {
                cell.set_char(symbol).set_style(Style::new().fg(ink.color()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_become_braille_and_the_later_ink_wins() {
        let area = Rect::new(1, 0, 2, 1);
        let mut raster = Raster::new(area, Charset::Unicode);
        assert_eq!(raster.size(), (4, 4));
        raster.dot(0, 0, Ink::Error);
        raster.dot(1, 3, Ink::Input);
        raster.dot(99, 0, Ink::Input);
        let mut buffer = Buffer::empty(Rect::new(0, 0, 4, 1));
        raster.draw(&mut buffer);
        assert_eq!(buffer[(1, 0)].symbol(), "\u{2881}");
        assert_eq!(buffer[(1, 0)].fg, Ink::Error.color());
        assert_eq!(buffer[(2, 0)].symbol(), " ");
    }

    #[test]
    fn a_curve_has_no_holes_but_those_it_was_given() {
        let mut raster = Raster::new(Rect::new(0, 0, 3, 4), Charset::Ascii);
        raster.curve(&[Some(0), Some(3), Some(1)], Ink::Input);
        let mut buffer = Buffer::empty(Rect::new(0, 0, 3, 4));
        raster.draw(&mut buffer);
        let rows: Vec<String> = (0..4).map(|y| (0..3).map(|x| buffer[(x, y)].symbol()).collect()).collect();
        assert_eq!(rows, ["#  ", "###", " ##", " # "].map(String::from));
        let mut raster = Raster::new(Rect::new(0, 0, 3, 4), Charset::Ascii);
        raster.curve(&[Some(0), None, Some(3)], Ink::Input);
        let set = raster.cells.iter().enumerate().filter(|(_, cell)| cell.1.is_some()).map(|(i, _)| i);
        assert_eq!(set.collect::<Vec<_>>(), [0, 11]);
    }
}
