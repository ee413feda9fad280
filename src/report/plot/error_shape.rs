//! The shape of errors: densities in units of each error's own RMS, so that errors of any size share a picture.

use super::chart::{Axis, Chart, Mark, Panel, Positions, Reduce, Series, Stroke};
use super::spectrum::pattern;
use super::style::Ink;
use super::value;

/// Ends of the axis, in RMS.
const END: f64 = 4.0;
/// Bins between the ends.
const N_BINS: usize = 128;

/// What the plot shows.
#[derive(Debug, Clone)]
pub struct ErrorShapes {
    /// What the errors are of: the conditions.
    pub conditions: String,
    /// One curve each.
    pub shapes: Vec<Shape>,
}

/// The density of one error.
#[derive(Debug, Clone)]
pub struct Shape {
    /// Whose error it is.
    pub name: String,
    /// Its colour among the versions of a page: the same everywhere.
    pub index: usize,
    density: Vec<f64>,
    /// Excess kurtosis: 0 for a Gaussian, -1.2 for a uniform density.
    excess_kurtosis: f64,
}

impl Shape {
    /// Counts an error; none when it is zero throughout. Samples that are not finite are passed over.
    pub fn of(name: &str, index: usize, error: impl Iterator<Item = f64> + Clone) -> Option<Self> {
        let error = error.filter(|e| e.is_finite());
        let (n, square, fourth) =
            error.clone().fold((0.0, 0.0, 0.0), |(n, s, f), e| (n + 1.0, s + e * e, f + e.powi(4)));
        if square <= 0.0 {
            return None;
        }
        let (power, per_bin) = (square / n, 2.0 * END / N_BINS as f64);
        let mut density = vec![0.0; N_BINS];
        for e in error {
            let bin = ((e / power.sqrt() + END) / per_bin).floor();
            if (0.0..N_BINS as f64).contains(&bin) {
                density[bin as usize] += 1.0 / (n * per_bin);
            }
        }
        Some(Self { name: name.into(), index, density, excess_kurtosis: fourth / n / (power * power) - 3.0 })
    }
}

impl ErrorShapes {
    /// Probability density against error in RMS, a Gaussian dashed behind.
    pub fn chart(&self) -> Chart {
        let edges: Vec<f64> = (0..=N_BINS).map(|i| 2.0 * END * i as f64 / N_BINS as f64 - END).collect();
        let gaussian = |z: &f64| (-z * z / 2.0).exp() / std::f64::consts::TAU.sqrt();
        let theory = Mark::Line {
            y: edges.iter().map(gaussian).collect(),
            x: Positions::Explicit(edges.clone()),
            reduce: Reduce::Extremes,
        };
        let mut series = vec![Series::new("Gaussian", "", Ink::Theory, theory).stroked(Stroke::Dashed)];
        series.extend(self.shapes.iter().enumerate().map(|(i, shape)| {
            let mark = Mark::Steps { edges: edges.clone(), y: shape.density.clone() };
            let kurtosis = format!("excess kurtosis {}", value::with_unit(shape.excess_kurtosis, 2, ""));
            Series::new(&shape.name, &format!("density_{}", i + 1), Ink::of_series(shape.index), mark)
                .stroked(pattern(shape.index))
                .valued(kurtosis)
        }));
        let panels =
            vec![Panel { y: Axis::linear("Probability density", "1/RMS", "density"), series, ..Panel::default() }];
        let x = Axis::linear("Error", "RMS", "error_rms").over(-END, END);
        Chart { title: "Shape of the error".into(), subtitle: self.conditions.clone(), x, panels }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::samples::noise;
    use super::*;

    #[test]
    fn the_density_of_a_uniform_error_is_flat_and_its_kurtosis_known() {
        let error = (0..100_000).map(|i| 0.01 * noise(i));
        let shape = Shape::of("uniform", 1, error).expect("an error");
        assert!((shape.excess_kurtosis + 1.2).abs() < 0.02, "{}", shape.excess_kurtosis);
        // sqrt(3) RMS to each side, 1 / (2 sqrt 3) high.
        let inside = &shape.density[N_BINS / 2 - 20..N_BINS / 2 + 20];
        assert!(inside.iter().all(|d| (d * 2.0 * 3.0_f64.sqrt() - 1.0).abs() < 0.15), "{inside:?}");
        assert_eq!(shape.density[0], 0.0);
        assert!(Shape::of("none", 1, std::iter::repeat_n(0.0, 9)).is_none());
    }
}
