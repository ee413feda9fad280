//! What a picture shows, without a pixel in it.

use super::style::Ink;

/// A picture: panels one under the other that share one horizontal axis.
///
/// ```
/// use sqnr::{quantizer::Uniform, report::plot::transfer::Transfer};
///
/// let quantizer = Uniform::mid_tread(3)?;
/// let chart = Transfer { conditions: "3 bits".into(), quantizer: &quantizer, input: (-1.0, 1.0) }.chart();
/// let mut csv = Vec::new();
/// chart.write_csv(&mut csv)?;
/// assert!(csv.iter().filter(|&&byte| byte == b'\n').count() > 8);
/// # Ok::<(), sqnr::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Chart {
    /// What is shown.
    pub title: String,
    /// The conditions of the measurement: input, sample rate, bit depth, resolution bandwidth.
    pub subtitle: String,
    /// The horizontal axis of all panels.
    pub x: Axis,
    /// From top to bottom; none gives an empty picture.
    pub panels: Vec<Panel>,
}

/// One frame with its own vertical axis.
#[derive(Debug, Clone, Default)]
pub struct Panel {
    /// Shown above the frame when not empty; needed only when there are several panels.
    pub title: String,
    /// The vertical axis.
    pub y: Axis,
    /// Drawn in this order, the last on top.
    pub series: Vec<Series>,
    /// Remarks that point at something.
    pub callouts: Vec<Callout>,
    /// Names and values in a column to the right of the frame; left out where there is no room.
    pub figures: Vec<(String, String)>,
    /// Height relative to the other panels; 0 counts as 1.
    pub height: f64,
}

/// A quantity, its unit and how it is laid out.
#[derive(Debug, Clone, Default)]
pub struct Axis {
    /// The quantity, such as "Frequency".
    pub label: String,
    /// Its unit, such as "Hz"; empty when it has none.
    pub unit: String,
    /// The name of its column in the CSV, snake case with the unit as suffix.
    pub key: String,
    /// Linear or logarithmic.
    pub scale: Scale,
    /// How its ticks are chosen and written.
    pub ticks: Ticks,
    /// Ends of the axis; without them it holds all data.
    pub range: Option<(f64, f64)>,
}

/// How values become distances.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Scale {
    /// Equal differences are equally far apart.
    #[default]
    Linear,
    /// Equal ratios are equally far apart; values of 0 and less do not appear.
    Log,
}

/// How ticks are chosen and written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Ticks {
    /// Steps of 1, 2, 2.5 and 5 times a power of ten; a common power of ten goes to the axis' unit.
    #[default]
    Decimal,
    /// Steps that divide well in dB: 1, 2, 5, 10, 20, 40.
    Decibel,
    /// 20, 50, 100 ... 1 k ... 20 k.
    Frequency,
    /// Whole numbers alone.
    Integer,
    /// Seconds, from 2 minutes on as minutes:seconds.
    Clock,
}

/// One thing drawn in a panel.
#[derive(Debug, Clone)]
pub struct Series {
    /// Its name in the legend; an empty one keeps it out of the legend.
    pub name: String,
    /// Its measured value with unit, written after the name; may be empty.
    pub value: String,
    /// The name of its column in the CSV; an empty one keeps it out of the CSV.
    pub key: String,
    /// Its colour.
    pub ink: Ink,
    /// Solid, dashed or dotted.
    pub stroke: Stroke,
    /// Its shape and numbers.
    pub mark: Mark,
}

/// The pattern of a line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Stroke {
    /// Unbroken.
    #[default]
    Solid,
    /// Long dashes.
    Dashed,
    /// Dots.
    Dotted,
    /// A dash and a dot in turn.
    DashDotted,
}

/// The shape of a series. NaN makes a gap; values beyond the axis are cut off at the frame.
#[derive(Debug, Clone)]
pub enum Mark {
    /// A line through points.
    Line {
        /// Ascending.
        x: Positions,
        /// As many as positions.
        y: Vec<f64>,
        /// What is drawn where points are denser than the picture.
        reduce: Reduce,
    },
    /// A line with a dot at every point: few points, each of them measured.
    Points {
        /// Any order.
        x: Vec<f64>,
        /// As many.
        y: Vec<f64>,
    },
    /// Dots alone.
    Dots {
        /// Any order.
        x: Vec<f64>,
        /// As many.
        y: Vec<f64>,
    },
    /// The space between two curves.
    Band {
        /// Ascending.
        x: Vec<f64>,
        /// As many.
        low: Vec<f64>,
        /// As many.
        high: Vec<f64>,
    },
    /// A staircase: `y[i]` from `edges[i]` to `edges[i + 1]`.
    Steps {
        /// Ascending, one more than values.
        edges: Vec<f64>,
        /// The height of each tread.
        y: Vec<f64>,
    },
    /// Filled columns from 0: `y[i]` from `edges[i]` to `edges[i + 1]`.
    Bars {
        /// Ascending, one more than values.
        edges: Vec<f64>,
        /// The height of each column.
        y: Vec<f64>,
    },
    /// A shaded stretch of the horizontal axis.
    Region {
        /// Left end.
        from: f64,
        /// Right end.
        to: f64,
    },
    /// A horizontal line across the frame.
    Level(f64),
    /// A vertical line across the frame.
    Position(f64),
    /// Colour for value.
    Heat(HeatMap),
}

/// Where the points of a line are.
#[derive(Debug, Clone)]
pub enum Positions {
    /// `start + i * step`, step > 0.
    Uniform {
        /// Position of the first point.
        start: f64,
        /// Distance between points.
        step: f64,
    },
    /// Ascending positions.
    Explicit(Vec<f64>),
}

impl Positions {
    /// Position of point `i`.
    pub fn at(&self, i: usize) -> f64 {
        match self {
            Self::Uniform { start, step } => start + i as f64 * step,
            Self::Explicit(x) => x[i],
        }
    }

    /// How many points a line of `n_values` values has.
    pub(super) fn count(&self, n_values: usize) -> usize {
        match self {
            Self::Uniform { .. } => n_values,
            Self::Explicit(x) => x.len().min(n_values),
        }
    }
}

/// What is drawn of a line whose points are denser than the picture.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Reduce {
    /// First, least, greatest and last value of each column: the picture of all points.
    #[default]
    Extremes,
    /// For values in dB: the power mean over 1/24 octave (a column on a linear axis) as a line, least to greatest as a
    /// pale band behind it. For noise, which drawn as a line is a solid block.
    PowerMean,
}

/// Values over a grid: `values[column * n_rows + row]`, columns along the horizontal axis, rows upwards.
#[derive(Debug, Clone)]
pub struct HeatMap {
    /// Start and end of the columns.
    pub x: (f64, f64),
    /// Boundaries of the rows on the vertical axis, ascending: `n_rows + 1`.
    pub row_edges: Vec<f64>,
    /// Column after column.
    pub values: Vec<f32>,
    /// The values that have the darkest and the brightest colour.
    pub range: (f64, f64),
    /// The quantity and unit that the colour bar names; its key names the CSV column.
    pub axis: Axis,
}

impl HeatMap {
    /// Number of rows.
    pub fn n_rows(&self) -> usize {
        self.row_edges.len().saturating_sub(1)
    }

    /// Number of whole columns.
    pub fn n_columns(&self) -> usize {
        self.values.len().checked_div(self.n_rows()).unwrap_or(0)
    }
}

/// A remark with a thin line to the point it is about.
#[derive(Debug, Clone)]
pub struct Callout {
    /// Where it points, on the horizontal axis.
    pub x: f64,
    /// Where it points, on the vertical axis.
    pub y: f64,
    /// What it says.
    pub text: String,
}

impl Axis {
    /// A linear axis named `label` in `unit`, CSV column `key`.
    pub fn linear(label: &str, unit: &str, key: &str) -> Self {
        Self { label: label.into(), unit: unit.into(), key: key.into(), ..Self::default() }
    }

    /// A linear axis of whole numbers.
    pub fn integer(label: &str, unit: &str, key: &str) -> Self {
        Self { ticks: Ticks::Integer, ..Self::linear(label, unit, key) }
    }

    /// A linear axis in a unit of the decibel family.
    pub fn decibel(label: &str, unit: &str, key: &str) -> Self {
        Self { ticks: Ticks::Decibel, ..Self::linear(label, unit, key) }
    }

    /// Frequency in Hz on a logarithmic axis.
    pub fn frequency() -> Self {
        Self { scale: Scale::Log, ticks: Ticks::Frequency, ..Self::linear("Frequency", "Hz", "frequency_hz") }
    }

    /// Time in seconds.
    pub fn time() -> Self {
        Self { ticks: Ticks::Clock, ..Self::linear("Time", "s", "time_s") }
    }

    /// The same axis from `low` to `high`.
    pub fn over(mut self, low: f64, high: f64) -> Self {
        self.range = Some((low, high));
        self
    }

    /// Quantity and unit as written beside the axis.
    pub(super) fn caption(&self, power_of_ten: i32) -> String {
        let factor = match power_of_ten {
            0 => String::new(),
            n => format!("10{}", superscript(n)),
        };
        match (factor.is_empty(), self.unit.is_empty()) {
            (true, true) => self.label.clone(),
            (true, false) => format!("{} ({})", self.label, self.unit),
            (false, true) => format!("{} ({factor})", self.label),
            (false, false) => format!("{} ({factor} {})", self.label, self.unit),
        }
    }
}

pub(super) fn superscript(n: i32) -> String {
    const DIGITS: [char; 10] = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];
    let raised = |c: char| c.to_digit(10).map_or('⁻', |d| DIGITS[d as usize]);
    n.to_string().chars().map(raised).collect()
}

impl Series {
    /// A solid series; `key` names its CSV column.
    pub fn new(name: &str, key: &str, ink: Ink, mark: Mark) -> Self {
        Self { name: name.into(), value: String::new(), key: key.into(), ink, stroke: Stroke::Solid, mark }
    }

    /// The same with a measured value in the legend.
    pub fn valued(mut self, value: impl Into<String>) -> Self {
        self.value = value.into();
        self
    }

    /// The same with another pattern.
    pub fn stroked(mut self, stroke: Stroke) -> Self {
        self.stroke = stroke;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn caption_names_quantity_factor_and_unit() {
        assert_eq!(Axis::linear("Error", "FS", "error").caption(-3), "Error (10⁻³ FS)");
        assert_eq!(Axis::linear("Density", "", "density").caption(0), "Density");
        assert_eq!(Axis::linear("Count", "", "count").caption(12), "Count (10¹²)");
    }
}
