//! The levels of a quantizer under the density of the samples it is for.

use crate::{
    Result,
    design::Samples,
    quantizer::{Codebook, Quantizer},
    report::plot::{
        Chart,
        codebook::{Codebook as CodebookPlot, Density},
    },
};

/// Bins of a measured density.
const N_BINS: usize = 200;

/// Where the levels come from, and the samples they quantize.
#[derive(Debug)]
pub struct CodebookOf<'a> {
    /// Method, source, number of levels.
    pub conditions: String,
    /// Its levels and thresholds.
    pub codebook: &'a Codebook,
    /// Samples to draw the density of, if there are any.
    pub samples: Option<&'a Samples>,
}

/// Levels, thresholds, cell widths.
///
/// ```
/// use sqnr::{quantizer::Codebook, task::picture::{CodebookOf, codebook_chart}};
///
/// let codebook = Codebook::from_levels(vec![-0.5, 0.0, 0.5])?;
/// let chart = codebook_chart(&CodebookOf { conditions: "ternary".into(), codebook: &codebook, samples: None });
/// assert!(chart.draw(Default::default()).svg().contains("ternary"));
/// # Ok::<(), sqnr::Error>(())
/// ```
pub fn codebook_chart(shown: &CodebookOf) -> Chart {
    let range = range(shown);
    let (edges, values) = shown.samples.map(|samples| density(samples, range)).unwrap_or_default();
    let density = Density { name: "Samples".into(), edges: &edges, values: &values };
    CodebookPlot {
        conditions: shown.conditions.clone(),
        levels: shown.codebook.levels(),
        thresholds: shown.codebook.thresholds(),
        density: Some(density).filter(|density| !density.values.is_empty()),
        range,
    }
    .chart()
}

/// The table of a quantizer.
///
/// # Errors
/// As [`Codebook::tabulate`].
pub fn tabulated(quantizer: &dyn Quantizer) -> Result<Codebook> {
    Codebook::tabulate(quantizer)
}

/// From the least to the greatest of levels and samples, with a margin.
fn range(shown: &CodebookOf) -> (f64, f64) {
    let samples = shown.samples.map_or(&[][..], Samples::values);
    let ends = [shown.codebook.levels(), samples].into_iter().flat_map(|values| [values.first(), values.last()]);
    let ends = ends.flatten().copied();
    let (low, high) = ends.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
    let margin = 0.04 * (high - low).max(1e-3);
    (low - margin, high + margin)
}

/// Probability per full scale in each of [`N_BINS`] bins.
fn density(samples: &Samples, range: (f64, f64)) -> (Vec<f64>, Vec<f64>) {
    let width = (range.1 - range.0) / N_BINS as f64;
    let mut values = vec![0.0; N_BINS];
    for (value, weight) in samples.values().iter().zip(samples.weights()) {
        let bin = ((value - range.0) / width) as usize;
        values[bin.min(N_BINS - 1)] += weight / (samples.total() * width);
    }
    let edges = (0..=N_BINS).map(|i| range.0 + i as f64 * width).collect();
    (edges, values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_density_sums_to_one() {
        let samples = Samples::new(&[-0.5, 0.0, 0.0, 0.9]).expect("finite");
        let (edges, values) = density(&samples, (-1.0, 1.0));
        let sum: f64 = values.iter().zip(edges.windows(2)).map(|(v, e)| v * (e[1] - e[0])).sum();
        assert!((sum - 1.0).abs() < 1e-12);
    }
}
