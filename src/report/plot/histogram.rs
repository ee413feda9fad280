//! Kind `histogram`: the density of the error against the one that theory expects.

use super::chart::{Axis, Chart, Mark, Panel, Series};
use super::style::Ink;
use super::value;
use crate::analysis::error_histogram::ErrorHistogram;

/// What the plot shows.
#[derive(Debug, Clone)]
pub struct Histogram<'a> {
    /// Input, method, bit depth: the conditions of the measurement.
    pub conditions: String,
    /// The error, in steps.
    pub histogram: &'a ErrorHistogram,
    /// What the expected density is, such as "uniform, Δ wide".
    pub expectation: String,
}

impl Histogram<'_> {
    /// Probability per step against error in steps.
    pub fn chart(&self) -> Chart {
        let histogram = self.histogram;
        let edges = &histogram.edges_steps;
        let inside: u64 = histogram.counts.iter().sum();
        let n = inside + histogram.n_below + histogram.n_above;
        let widths = edges.windows(2).map(|e| e[1] - e[0]);
        let measured = histogram.counts.iter().zip(widths.clone()).map(|(&c, w)| c as f64 / n.max(1) as f64 / w);
        let expected = histogram.expected.iter().zip(widths).map(|(p, w)| p / w);
        let bars = Mark::Bars { edges: edges.clone(), y: measured.collect() };
        let steps = Mark::Steps { edges: edges.clone(), y: expected.collect() };
        let outside = match histogram.n_below + histogram.n_above {
            0 => String::new(),
            n => format!(" · {} outside the picture", value::count(n)),
        };
        let step = format!("Δ = {}", scientific(histogram.step_size));
        let series = vec![
            Series::new("Measured", "measured_per_step", Ink::Signal, bars)
                .valued(format!("{} samples", value::count(n))),
            Series::new("Expected", "expected_per_step", Ink::Error, steps).valued(self.expectation.clone()),
        ];
        let x = Axis::linear("Error", "Δ", "error_steps");
        let y = Axis::linear("Probability density", "1/Δ", "density_per_step");
        let panels = vec![Panel { y, series, ..Panel::default() }];
        let subtitle = format!("{} · {step}{outside}", self.conditions);
        Chart { title: "Quantization error".into(), subtitle, x, panels }
    }
}

/// A step as a power of two where it is one, else with four significant figures.
pub(super) fn scientific(step: f64) -> String {
    let exponent = step.log2();
    if exponent == exponent.round() && exponent.abs() < 64.0 {
        return format!("2{}", super::chart::superscript(exponent as i32));
    }
    let decade = step.abs().log10().floor();
    match decade as i32 {
        -3..=3 => value::with_unit(step, (3 - decade as i32).max(0) as u32, ""),
        d => format!("{}·10{}", value::with_unit(step / 10.0_f64.powf(decade), 3, ""), super::chart::superscript(d)),
    }
}
