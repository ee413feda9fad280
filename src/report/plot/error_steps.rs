//! Histograms of errors in steps of their own quantizers, so that versions of any bit depth share a picture.

use super::chart::{Axis, Chart, Mark, Panel, Positions, Reduce, Series, Stroke};
use super::spectrum::pattern;
use super::style::Ink;
use super::value;
use crate::analysis::error_density::ErrorDensity;
use crate::analysis::error_histogram::ErrorHistogram;

/// Share of the errors that may lie outside the picture on each side.
const OUTSIDE: f64 = 5e-4;
/// A version with a greater share of its errors beyond what was counted lost them elsewhere than in its last bit.
const FOREIGN: f64 = 0.01;
/// Points of a theoretical curve.
const N_POINTS: usize = 512;

/// What the plot shows.
#[derive(Debug, Clone)]
pub struct ErrorSteps<'a> {
    /// What the errors are of: the conditions.
    pub conditions: String,
    /// One curve each, counted in the same bins.
    pub counted: Vec<Counted<'a>>,
}

/// The error of one version.
#[derive(Debug, Clone)]
pub struct Counted<'a> {
    /// Whose error it is.
    pub name: String,
    /// Its colour among the versions of a page: the same everywhere.
    pub index: usize,
    /// Bits of its samples: one step is 2^(1 - bits) of full scale.
    pub bits: u32,
    /// Its error, in steps.
    pub histogram: &'a ErrorHistogram,
}

impl Counted<'_> {
    /// True when the step explains the errors: those of a decoded file in 16 bits are many of its steps wide.
    pub fn is_of_its_step(&self) -> bool {
        self.histogram.edges_steps.last().is_some_and(|&end| self.share_beyond(end) <= FOREIGN)
    }

    fn total(&self) -> u64 {
        self.histogram.counts.iter().sum::<u64>() + self.histogram.n_below + self.histogram.n_above
    }

    /// Errors of at least `end` steps, as a share.
    fn share_beyond(&self, end: f64) -> f64 {
        let edges = self.histogram.edges_steps.windows(2).zip(&self.histogram.counts);
        let inside: u64 = edges.filter(|(e, _)| e[0] >= -end && e[1] <= end).map(|(_, &n)| n).sum();
        1.0 - inside as f64 / self.total().max(1) as f64
    }

    fn series(&self, number: usize) -> Series {
        let edges = &self.histogram.edges_steps;
        let n = self.total().max(1) as f64;
        let widths = edges.windows(2).map(|e| e[1] - e[0]);
        let density = self.histogram.counts.iter().zip(widths).map(|(&count, width)| count as f64 / n / width);
        let mark = Mark::Steps { edges: edges.clone(), y: density.collect() };
        Series::new(&self.name, &format!("density_{number}"), Ink::of_series(self.index), mark)
            .stroked(pattern(self.index))
            .valued(format!("Δ of {}", value::with_unit(f64::from(self.bits), 0, "bits")))
    }
}

impl ErrorSteps<'_> {
    /// Probability density against error in steps, beside the densities of a quantizer without and with dither.
    pub fn chart(&self) -> Chart {
        let end = self.end();
        let mut series = vec![
            theory("No dither", "no_dither", ErrorDensity::Uniform, Stroke::Dashed, end),
            theory("Triangular dither", "triangular_dither", ErrorDensity::Quadratic, Stroke::Dotted, end),
        ];
        series.extend(self.counted.iter().enumerate().map(|(i, counted)| counted.series(i + 1)));
        let y = Axis::linear("Probability density", "1/Δ", "density_per_step");
        let x = Axis::linear("Error", "Δ", "error_steps").over(-end, end);
        let panels = vec![Panel { y, series, ..Panel::default() }];
        Chart { title: "Error in quantizer steps".into(), subtitle: self.conditions.clone(), x, panels }
    }

    /// Whole steps each side of zero that hold nearly all errors, two at least: the widest theoretical curve needs 1.5.
    fn end(&self) -> f64 {
        let widest = self.counted.iter().filter_map(|c| c.histogram.edges_steps.last()).fold(2.0, |a, &b| b.max(a));
        let holds = |end: &f64| self.counted.iter().all(|c| c.share_beyond(*end) <= 2.0 * OUTSIDE);
        (2..widest as usize).map(|steps| steps as f64).find(holds).unwrap_or(widest)
    }
}

fn theory(label: &str, key: &str, density: ErrorDensity, stroke: Stroke, end: f64) -> Series {
    let at = |i: usize| end * (2.0 * i as f64 / N_POINTS as f64 - 1.0);
    let half = end / N_POINTS as f64;
    let slope = |x: f64| (density.cdf(x + half) - density.cdf(x - half)) / (2.0 * half);
    let x: Vec<f64> = (0..=N_POINTS).map(at).collect();
    let y = x.iter().map(|&x| slope(x)).collect();
    let mark = Mark::Line { y, x: Positions::Explicit(x), reduce: Reduce::Extremes };
    Series::new(label, key, Ink::Theory, mark).stroked(stroke)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::error_histogram::HistogramSettings;
    use crate::analysis::error_statistics::{ErrorStatistics, Settings};

    fn histogram(error_steps: impl Fn(usize) -> f64) -> ErrorHistogram {
        let step_size = 2f64.powi(-7);
        let expected = ErrorDensity::Uniform;
        let histogram = HistogramSettings { step_size, half_range_steps: 8.0, n_bins: 16 * 16, expected };
        let settings = Settings { histogram: Some(histogram), ..Settings::default() };
        let mut statistics = ErrorStatistics::new(settings).expect("legal");
        let y: Vec<f64> = (0..40_000).map(|i| error_steps(i) * step_size).collect();
        statistics.push(&vec![0.0; y.len()], &y);
        statistics.figures().histogram.expect("asked for")
    }

    fn chart_of(histogram: &ErrorHistogram) -> Chart {
        let counted = vec![Counted { name: "a".into(), index: 1, bits: 8, histogram }];
        ErrorSteps { conditions: String::new(), counted }.chart()
    }

    #[test]
    fn a_uniform_error_is_one_high_and_one_step_wide() {
        let even = histogram(|i| (i as f64 + 0.5) / 40_000.0 - 0.5);
        let chart = chart_of(&even);
        assert_eq!(chart.x.range, Some((-2.0, 2.0)));
        let Mark::Steps { edges, y } = &chart.panels[0].series[2].mark else { panic!("a staircase") };
        for (edge, density) in edges.iter().zip(y) {
            let expected = if (-0.5..0.5).contains(edge) { 1.0 } else { 0.0 };
            assert!((density - expected).abs() < 1e-3, "{density} at {edge}");
        }
    }

    #[test]
    fn the_picture_grows_to_hold_a_shaped_error() {
        let wide = histogram(|i| 5.5 * ((i as f64 + 0.5) / 20_000.0 - 1.0));
        assert_eq!(chart_of(&wide).x.range, Some((-6.0, 6.0)));
        assert!(Counted { name: String::new(), index: 1, bits: 8, histogram: &wide }.is_of_its_step());
        let wider = histogram(|i| 20.0 * ((i as f64 + 0.5) / 20_000.0 - 1.0));
        assert_eq!(chart_of(&wider).x.range, Some((-8.0, 8.0)));
        assert!(!Counted { name: String::new(), index: 1, bits: 8, histogram: &wider }.is_of_its_step());
    }
}
