//! Kinds `error-value` and `error-phase`: what the error knows of the input.

use super::chart::{Axis, Chart, Mark, Panel, Positions, Reduce, Series};
use super::histogram::scientific;
use super::style::Ink;
use super::value;
use crate::analysis::error_profile::{Bin, ErrorProfile};

/// What the plot shows.
#[derive(Debug, Clone)]
pub struct Profile<'a> {
    /// Input, method, bit depth: the conditions of the measurement.
    pub conditions: String,
    /// The errors.
    pub profile: &'a ErrorProfile,
    /// What they are laid out by.
    pub by: By,
    /// Step size of the quantizer, if it has one: errors are shown in steps.
    pub step_size: Option<f64>,
}

/// What errors are laid out by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// The input's value.
    Value,
    /// The phase of a tone.
    Phase,
}

impl Profile<'_> {
    /// Mean, spread and extremes of the error.
    pub fn chart(&self) -> Chart {
        let (x, title) = match self.by {
            By::Value => (Axis::linear("Input", "FS", "input"), "Error against value"),
            By::Phase => (Axis::linear("Phase", "turns", "phase_turns").over(0.0, 1.0), "Error against phase"),
        };
        let (unit, step) = match self.step_size {
            Some(step) => ("Δ", format!(" · Δ = {}", scientific(step))),
            None => ("FS", String::new()),
        };
        let panel = Panel { y: Axis::linear("Error", unit, "error"), series: self.series(), ..Panel::default() };
        Chart { title: title.into(), subtitle: format!("{}{step}", self.conditions), x, panels: vec![panel] }
    }

    fn series(&self) -> Vec<Series> {
        let scale = 1.0 / self.step_size.unwrap_or(1.0);
        let bins: Vec<(f64, &Bin)> =
            self.profile.bins().iter().enumerate().map(|(i, bin)| (self.profile.centre(i), bin)).collect();
        let filled = || bins.iter().filter_map(|(x, bin)| Some((*x, bin.mean()?, bin.deviation()?, *bin)));
        let centres: Vec<f64> = filled().map(|(x, ..)| x).collect();
        let of = |value: &dyn Fn(f64, f64, &Bin) -> f64| -> Vec<f64> {
            filled().map(|(_, mean, deviation, bin)| scale * value(mean, deviation, bin)).collect()
        };
        let band = |low, high| Mark::Band { x: centres.clone(), low, high };
        let share =
            |figure: crate::analysis::Figure| figure.map_or("none".into(), |v| value::with_unit(100.0 * v, 2, "%"));
        let mean =
            Mark::Line { x: Positions::Explicit(centres.clone()), y: of(&|mean, _, _| mean), reduce: Reduce::Extremes };
        vec![
            Series::new(
                "Least to greatest",
                "",
                Ink::Signal,
                band(of(&|_, _, bin| bin.low), of(&|_, _, bin| bin.high)),
            ),
            // Of two values the deviation reaches beyond both: it is drawn as far as there are errors.
            Series::new(
                "Mean ± σ",
                "",
                Ink::Error,
                band(of(&|m, d, bin| (m - d).max(bin.low)), of(&|m, d, bin| (m + d).min(bin.high))),
            )
            .valued(format!("explains {} of the power's variance", share(self.profile.power_dependence()))),
            Series::new("Mean", "error_mean", Ink::Error, mean)
                .valued(format!("explains {} of the error's", share(self.profile.mean_dependence()))),
        ]
    }
}
