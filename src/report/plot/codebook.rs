//! Kind `codebook`: levels and thresholds under the density that they were made for, and the width of the cells.

use super::chart::{Axis, Chart, Mark, Panel, Series, Stroke};
use super::style::Ink;
use super::value;

/// Most thresholds drawn as lines: beyond, they would be a grey block.
const MAX_LINES: usize = 64;

/// What the plot shows.
///
/// ```
/// use sqnr::{design::{self, lloyd_max}, report::plot::codebook::Codebook};
///
/// let best = lloyd_max::optimal(design::Density::Gaussian, 8)?;
/// let (levels, thresholds) = (&best.levels[..], &best.thresholds[..]);
/// let shown = Codebook { conditions: "Gaussian".into(), levels, thresholds, density: None, range: (-4.0, 4.0) };
/// assert!(shown.chart().draw(Default::default()).svg().contains("Gaussian"));
/// # Ok::<(), sqnr::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Codebook<'a> {
    /// Source, number of levels, objective.
    pub conditions: String,
    /// Reconstruction levels, ascending.
    pub levels: &'a [f64],
    /// Decision thresholds between them, ascending, one fewer.
    pub thresholds: &'a [f64],
    /// The density of the source, if known.
    pub density: Option<Density<'a>>,
    /// Ends of the horizontal axis, in full scales.
    pub range: (f64, f64),
}

/// A density over cells.
#[derive(Debug, Clone)]
pub struct Density<'a> {
    /// What it is: a name such as "Laplace", or "measured".
    pub name: String,
    /// Ascending, one more than values.
    pub edges: &'a [f64],
    /// Probability per full scale in each cell.
    pub values: &'a [f64],
}

impl Codebook<'_> {
    /// Density with levels and thresholds, over the width of each cell.
    pub fn chart(&self) -> Chart {
        let x = Axis::linear("Amplitude", "FS", "amplitude").over(self.range.0, self.range.1);
        let panels = vec![self.source(), self.widths()];
        Chart { title: "Codebook".into(), subtitle: self.conditions.clone(), x, panels }
    }

    fn source(&self) -> Panel {
        let mut series = Vec::new();
        let mut top = 1.0;
        if let Some(density) = &self.density {
            let mark = Mark::Bars { edges: density.edges.to_vec(), y: density.values.to_vec() };
            series.push(Series::new(&density.name, "density_per_fs", Ink::Signal, mark));
            top = density.values.iter().copied().filter(|v| v.is_finite()).fold(0.0, f64::max);
        }
        let shown = if self.thresholds.len() <= MAX_LINES { self.thresholds } else { &[] };
        for (i, &threshold) in shown.iter().enumerate() {
            let name = if i == 0 { "Thresholds" } else { "" };
            let line = Series::new(name, "", Ink::Theory, Mark::Position(threshold)).stroked(Stroke::Dotted);
            series.push(line.valued(if i == 0 { value::count(shown.len() as u64) } else { String::new() }));
        }
        let at = vec![0.04 * top; self.levels.len()];
        let levels = Series::new("Levels", "", Ink::Error, Mark::Dots { x: self.levels.to_vec(), y: at });
        series.push(levels.valued(value::count(self.levels.len() as u64)));
        let y = Axis::linear("Density", "1/FS", "density_per_fs");
        let y = if top > 0.0 { y.over(0.0, top * 1.05) } else { y };
        Panel { y, series, height: 1.6, ..Panel::default() }
    }

    /// Inner cells alone: the outer two have no end.
    fn widths(&self) -> Panel {
        let widths = self.thresholds.windows(2).map(|t| t[1] - t[0]).collect();
        let mark = Mark::Steps { edges: self.thresholds.to_vec(), y: widths };
        let series = vec![Series::new("Cell width", "cell_width", Ink::Third, mark), {
            // Invisible, but part of the range: widths are read from zero.
            Series::new("", "", Ink::Axis, Mark::Level(0.0))
        }];
        Panel { y: Axis::linear("Cell width", "FS", "cell_width"), series, ..Panel::default() }
    }
}
