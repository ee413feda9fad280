//! Kind `transfer`: the quantizer's staircase, and its error under it.

use super::chart::{Axis, Chart, Mark, Panel, Positions, Reduce, Series, Stroke};
use super::histogram::scientific;
use super::style::Ink;
use super::value;
use crate::quantizer::Quantizer;

/// Most treads that are listed one by one; beyond, a tread is thinner than a hair and the curve is sampled.
const MAX_TREADS: u64 = 1 << 16;
/// Points of the error's curve.
const N_SAMPLES: usize = 8192;

/// What the plot shows.
#[derive(Debug)]
pub struct Transfer<'a> {
    /// Method, bit depth: what the quantizer is.
    pub conditions: String,
    /// The quantizer.
    pub quantizer: &'a dyn Quantizer,
    /// Ends of the input axis, in full scales.
    pub input: (f64, f64),
}

impl Transfer<'_> {
    /// Output against input over error against input.
    pub fn chart(&self) -> Chart {
        let (low, high) = self.input;
        let (edges, levels) = self.staircase();
        let ideal =
            Mark::Line { x: Positions::Explicit(vec![low, high]), y: vec![low, high], reduce: Reduce::Extremes };
        let n = value::count(self.quantizer.n_levels());
        let output = vec![
            Series::new("y = x", "", Ink::Theory, ideal).stroked(Stroke::Dashed),
            Series::new("Output", "output", Ink::Signal, Mark::Steps { edges, y: levels })
                .valued(format!("{n} levels")),
        ];
        let (x, error) = self.error();
        let peak = error.iter().fold(0.0_f64, |m, e| m.max(e.abs()));
        let zero = Series::new("", "", Ink::Theory, Mark::Level(0.0));
        let mark = Mark::Line { x, y: error, reduce: Reduce::Extremes };
        let error = Series::new("Error y − x", "error", Ink::Error, mark).valued(format!("peak {}", scientific(peak)));
        let panels = vec![
            Panel { y: Axis::linear("Output y", "FS", "output"), series: output, height: 1.7, ..Panel::default() },
            Panel { y: Axis::linear("Error", "FS", "error"), series: vec![zero, error], ..Panel::default() },
        ];
        Chart {
            title: "Transfer curve and quantization error".into(),
            subtitle: self.conditions.clone(),
            x: Axis::linear("Input x", "FS", "input").over(low, high),
            panels,
        }
    }

    /// Treads between `input`'s ends: edges (thresholds, both ends) and levels.
    fn staircase(&self) -> (Vec<f64>, Vec<f64>) {
        let (low, high) = self.input;
        let (first, last) = (self.quantizer.index(low), self.quantizer.index(high));
        if (i64::from(last) - i64::from(first)).unsigned_abs() >= MAX_TREADS {
            let edges: Vec<f64> = (0..=N_SAMPLES).map(|i| self.input_at(i)).collect();
            let levels = edges[1..].iter().map(|&x| self.quantizer.reconstruct(self.quantizer.index(x)));
            let levels = levels.collect();
            return (edges, levels);
        }
        let thresholds = (first..last).map(|i| self.quantizer.threshold(i));
        let edges = std::iter::once(low).chain(thresholds).chain(std::iter::once(high)).collect();
        (edges, (first..=last).map(|i| self.quantizer.reconstruct(i)).collect())
    }

    /// Reconstruction minus input. Both ends of every tread when they can be listed, so that the saw's teeth are whole.
    fn error(&self) -> (Positions, Vec<f64>) {
        let (edges, levels) = self.staircase();
        if edges.len() > N_SAMPLES {
            let x: Vec<f64> = (0..=N_SAMPLES).map(|i| self.input_at(i)).collect();
            let error = x.iter().map(|&x| self.quantizer.reconstruct(self.quantizer.index(x)) - x).collect();
            return (Positions::Explicit(x), error);
        }
        let ends = edges.windows(2).zip(&levels);
        let (x, error) = ends.flat_map(|(e, level)| [(e[0], level - e[0]), (e[1], level - e[1])]).unzip();
        (Positions::Explicit(x), error)
    }

    fn input_at(&self, i: usize) -> f64 {
        let (low, high) = self.input;
        low + (high - low) * i as f64 / N_SAMPLES as f64
    }
}
