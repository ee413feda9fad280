//! The numbers of a chart as CSV (RFC 4180), all of them: nothing is reduced.
//!
//! Series over the same positions share a table, a column each. Where positions differ there is a row for each value:
//! `series,x,y`. A heat map is a row for each cell.

use std::io::{self, Write};

use super::chart::{Chart, HeatMap, Mark, Panel, Positions, Series};
use crate::{Error, Result};

/// Values over positions.
struct Column<'a> {
    key: &'a str,
    x: Place<'a>,
    y: &'a [f64],
}

/// Where the values of a column are.
#[derive(Clone, Copy)]
enum Place<'a> {
    Points(&'a Positions),
    Values(&'a [f64]),
    /// Cells between edges: written as both edges.
    Cells(&'a [f64]),
    /// The same value everywhere.
    Everywhere,
}

impl Place<'_> {
    fn write(&self, out: &mut impl Write, i: usize) -> io::Result<()> {
        match self {
            Self::Points(x) => write!(out, "{}", x.at(i)),
            Self::Values(x) => write!(out, "{}", x[i]),
            Self::Cells(edges) => write!(out, "{},{}", edges[i], edges[i + 1]),
            Self::Everywhere => Ok(()),
        }
    }

    fn header(&self, key: &str) -> String {
        match self {
            Self::Cells(_) => format!("{key}_from,{key}_to"),
            _ => key.into(),
        }
    }

    /// True when both have the same positions, or one has none of its own.
    fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Everywhere, _) | (_, Self::Everywhere) => true,
            (
                Self::Points(Positions::Uniform { start: a, step: b }),
                Self::Points(Positions::Uniform { start, step }),
            ) => a == start && b == step,
            (Self::Points(Positions::Explicit(a)), Self::Points(Positions::Explicit(b))) => a == b,
            (Self::Values(a), Self::Values(b)) | (Self::Cells(a), Self::Cells(b)) => a == b,
            (Self::Points(Positions::Explicit(a)), Self::Values(b))
            | (Self::Values(b), Self::Points(Positions::Explicit(a))) => a == b,
            _ => false,
        }
    }
}

impl Chart {
    /// Writes all numbers of the chart as CSV with a header line. A value that is not finite is an empty field.
    ///
    /// # Errors
    /// `Io` when `out` fails.
    pub fn write_csv(&self, out: &mut impl Write) -> Result<()> {
        let heats: Vec<_> = self.panels.iter().flat_map(|p| heat_maps(p).map(move |h| (p, h))).collect();
        let columns: Vec<Column> = self.panels.iter().flat_map(|p| &p.series).flat_map(columns_of).collect();
        let written = if heats.is_empty() {
            let table = columns.iter().find(|c| !matches!(c.x, Place::Everywhere));
            match table {
                Some(table) if columns.iter().all(|c| c.x.same(&table.x)) => self.write_wide(out, table, &columns),
                _ => self.write_long(out, &columns),
            }
        } else {
            self.write_cells(out, &heats)
        };
        written.and_then(|()| out.flush()).map_err(Error::stream)
    }

    fn write_wide(&self, out: &mut impl Write, table: &Column, columns: &[Column]) -> io::Result<()> {
        write!(out, "{}", table.x.header(&self.x.key))?;
        for column in columns {
            write!(out, ",{}", column.key)?;
        }
        writeln!(out)?;
        for i in 0..table.y.len() {
            table.x.write(out, i)?;
            for column in columns {
                let i = if matches!(column.x, Place::Everywhere) { 0 } else { i };
                write_value(out, column.y.get(i).copied().unwrap_or(f64::NAN))?;
            }
            writeln!(out)?;
        }
        Ok(())
    }

    fn write_long(&self, out: &mut impl Write, columns: &[Column]) -> io::Result<()> {
        writeln!(out, "series,{},value", self.x.key)?;
        for column in columns {
            for (i, &value) in column.y.iter().enumerate() {
                write!(out, "{},", column.key)?;
                match column.x {
                    Place::Cells(edges) => write!(out, "{}", (edges[i] + edges[i + 1]) / 2.0)?,
                    x => x.write(out, i)?,
                }
                write_value(out, value)?;
                writeln!(out)?;
            }
        }
        Ok(())
    }

    fn write_cells(&self, out: &mut impl Write, heats: &[(&Panel, &HeatMap)]) -> io::Result<()> {
        let (panel, first) = heats[0];
        let alike = heats.iter().all(|(_, heat)| heat.axis.key == first.axis.key);
        let (kind, value) = if alike { ("panel", first.axis.key.as_str()) } else { ("quantity", "value") };
        writeln!(out, "{kind},{},{},{value}", self.x.key, panel.y.key)?;
        for (index, (_, heat)) in heats.iter().enumerate() {
            let index = if alike { index.to_string() } else { heat.axis.key.clone() };
            let (n_rows, n_columns) = (heat.n_rows(), heat.n_columns());
            let span = (heat.x.1 - heat.x.0) / n_columns.max(1) as f64;
            for (i, &value) in heat.values[..n_rows * n_columns].iter().enumerate() {
                let (column, row) = (i / n_rows, i % n_rows);
                let x = heat.x.0 + (column as f64 + 0.5) * span;
                write!(out, "{index},{x},{}", (heat.row_edges[row] + heat.row_edges[row + 1]) / 2.0)?;
                write_value(out, f64::from(value))?;
                writeln!(out)?;
            }
        }
        Ok(())
    }
}

fn heat_maps(panel: &Panel) -> impl Iterator<Item = &HeatMap> {
    panel.series.iter().filter_map(|s| match &s.mark {
        Mark::Heat(heat) => Some(heat),
        _ => None,
    })
}

fn columns_of(series: &Series) -> Vec<Column<'_>> {
    if series.key.is_empty() {
        return Vec::new();
    }
    let column = |x, y| vec![Column { key: &series.key, x, y }];
    match &series.mark {
        Mark::Line { x, y, .. } => column(Place::Points(x), &y[..x.count(y.len())]),
        Mark::Points { x, y } | Mark::Dots { x, y } => column(Place::Values(x), &y[..y.len().min(x.len())]),
        Mark::Steps { edges, y } | Mark::Bars { edges, y } => {
            column(Place::Cells(edges), &y[..y.len().min(edges.len().saturating_sub(1))])
        }
        Mark::Level(value) => column(Place::Everywhere, std::slice::from_ref(value)),
        Mark::Band { .. } | Mark::Region { .. } | Mark::Position(_) | Mark::Heat(_) => Vec::new(),
    }
}

fn write_value(out: &mut impl Write, value: f64) -> io::Result<()> {
    if value.is_finite() { write!(out, ",{value}") } else { write!(out, ",") }
}

#[cfg(test)]
mod tests {
    use super::super::chart::{Axis, Reduce};
    use super::super::style::Ink;
    use super::*;

    fn line(key: &str, start: f64, y: &[f64]) -> Series {
        let x = Positions::Uniform { start, step: 0.5 };
        Series::new(key, key, Ink::Signal, Mark::Line { x, y: y.to_vec(), reduce: Reduce::Extremes })
    }

    fn csv(series: Vec<Series>) -> String {
        let chart = Chart { x: Axis::time(), panels: vec![Panel { series, ..Panel::default() }], ..Chart::default() };
        let mut out = Vec::new();
        chart.write_csv(&mut out).expect("memory");
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn shared_positions_make_columns() {
        let floor = Series::new("floor", "floor_db", Ink::Theory, Mark::Level(-98.5));
        let text = csv(vec![line("a", 0.0, &[1.0, 0.1]), floor, line("b", 0.0, &[f64::NAN, -3.0])]);
        assert_eq!(text, "time_s,a,floor_db,b\n0,1,-98.5,\n0.5,0.1,-98.5,-3\n");
    }

    #[test]
    fn other_positions_make_rows() {
        let text = csv(vec![line("a", 0.0, &[1.0, 2.0]), line("b", 7.0, &[3.0])]);
        assert_eq!(text, "series,time_s,value\na,0,1\na,0.5,2\nb,7,3\n");
    }

    #[test]
    fn numbers_survive_exactly() {
        let y: Vec<f64> = (1..200).map(|i| (f64::from(i) * 0.7).sin() * 1e-7).collect();
        let text = csv(vec![line("a", 0.0, &y)]);
        let back =
            text.lines().skip(1).map(|l| l.split(',').nth(1).and_then(|v| v.parse::<f64>().ok()).expect("number"));
        assert!(back.eq(y.iter().copied()));
    }
}
