//! The entropy-constrained quantizer of samples: dynamic programming over groups, then Chou's iteration on all points.

use super::samples::{Moments, Samples};
use super::{Cell, Certificate, Design, entropy_bits};
use crate::{Error, Result};

/// Groups in the dynamic program, whose time grows with their square: 1 % of the range or of the weight each would
/// already do, since the iteration on all points follows.
const GROUPS: usize = 600;
/// Chou's iteration: steps for one price.
const MAX_STEPS: usize = 500;
/// Halvings of the price interval.
const HALVINGS: usize = 40;

/// The quantizer for `samples` whose index has at most the entropy `rate_bits` and, of those the search met, the least
/// mean squared error.
///
/// Among finitely many points not every entropy exists: the design's own `entropy_bits` says what it needs.
///
/// # Errors
/// `InvalidParameter` when the rate is not above 0 or exceeds the entropy of the samples themselves, at which they need
/// no quantizer.
pub fn for_samples(samples: &Samples, rate_bits: f64) -> Result<Design> {
    check_rate(samples, rate_bits)?;
    let coarse = samples.grouped(GROUPS);
    let start = Partition::of_rate(&coarse, rate_bits);
    let mut refined = Refinement { samples, moments: Moments::new(samples), steps: 0 };
    // A group's first value says where it begins among all points; its centroid lies within it.
    let thresholds: Vec<f64> = start.cuts[1..start.cuts.len() - 1]
        .iter()
        .map(|&c| 0.5 * (coarse.values()[c - 1] + coarse.values()[c]))
        .collect();
    let price = start.price * (coarse.scale() / samples.scale()).powi(2);
    let cuts = refined.at_rate(samples.cuts_at(&thresholds), price, rate_bits);
    Ok(refined.design(&cuts))
}

/// Refuses rates that are not above 0, and those at which samples need no quantizer.
pub(in crate::design) fn check_rate(samples: &Samples, rate_bits: f64) -> Result<()> {
    let lossless = samples.entropy_bits();
    if rate_bits > 0.0 && rate_bits <= lossless {
        return Ok(());
    }
    let allowed = format!("above 0, at most {lossless:.6} bits (which keep every sample as it is)");
    Err(Error::invalid("rate", rate_bits, allowed))
}

/// A partition of groups that is best for its price.
struct Partition {
    cuts: Vec<usize>,
    /// Of a bit of one unit of weight, in squares of the samples' scale.
    price: f64,
    rate: f64,
    cost: f64,
}

impl Partition {
    /// The best partition on the lower convex hull with at most `rate_bits`.
    fn of_rate(groups: &Samples, rate_bits: f64) -> Self {
        let moments = Moments::new(groups);
        let n = moments.len();
        let total = moments.weight(0, n);
        let whole = moments.cost(0, n);
        // One cell: no bits. One cell a group: no error. The line between two hull points is the next price.
        let mut poor = Self { cuts: vec![0, n], price: f64::INFINITY, rate: 0.0, cost: whole };
        let every = entropy_bits(groups.weights().iter().map(|w| w / total));
        let mut rich = Self { cuts: (0..=n).collect(), price: 0.0, rate: every, cost: 0.0 };
        poor.price = 2.0 * std::f64::consts::LN_2 * whole / total;
        if rich.rate <= rate_bits {
            return rich;
        }
        loop {
            let price = (poor.cost - rich.cost) / (rich.rate - poor.rate) / total;
            let next = best_partition(&moments, price);
            let on_line = poor.cost + price * total * poor.rate;
            let gain = on_line - (next.cost + price * total * next.rate);
            if gain <= 1e-12 * whole || next.rate <= poor.rate || next.rate >= rich.rate {
                poor.price = price;
                return poor;
            }
            if next.rate <= rate_bits {
                poor = next;
            } else {
                rich = next;
            }
        }
    }
}

/// Dynamic programming over the start of the last cell.
fn best_partition(moments: &Moments, price: f64) -> Partition {
    let n = moments.len();
    let total = moments.weight(0, n);
    let bits = |i: usize, j: usize| {
        let weight = moments.weight(i, j);
        weight * (total / weight).log2()
    };
    let (mut least, mut from) = (vec![0.0; n + 1], vec![0; n + 1]);
    for end in 1..=n {
        let price_of = |start: usize| least[start] + moments.cost(start, end) + price * bits(start, end);
        let (mut best, mut best_start) = (f64::INFINITY, 0);
        for start in 0..end {
            let candidate = price_of(start);
            if candidate < best {
                (best, best_start) = (candidate, start);
            }
        }
        (least[end], from[end]) = (best, best_start);
    }
    let mut cuts = vec![n];
    while let Some(&end) = cuts.last().filter(|&&end| end > 0) {
        cuts.push(from[end]);
    }
    cuts.reverse();
    let cells = || cuts.windows(2).map(|c| (c[0], c[1]));
    let cost = cells().map(|(i, j)| moments.cost(i, j)).sum();
    let rate = cells().map(|(i, j)| bits(i, j)).sum::<f64>() / total;
    Partition { cuts, price, rate, cost }
}

/// Chou's iteration on all points.
struct Refinement<'a> {
    samples: &'a Samples,
    moments: Moments,
    steps: usize,
}

impl Refinement<'_> {
    /// Lowers the price as long as the entropy stays within `rate_bits`.
    fn at_rate(&mut self, start: Vec<usize>, price: f64, rate_bits: f64) -> Vec<usize> {
        let mut within = self.settle(start.clone(), price);
        let (mut low, mut high) = (price, price);
        while self.rate(&within) > rate_bits && within.len() > 2 {
            high *= 1.5;
            within = self.settle(within, high);
        }
        if high == price {
            let mut next = self.settle(within.clone(), 0.8 * low);
            low *= 0.8;
            // Cells never multiply here, so that the entropy has a ceiling and the loop needs one too.
            for _ in 0..HALVINGS {
                if self.rate(&next) > rate_bits {
                    break;
                }
                (within, high) = (next, low);
                low *= 0.8;
                next = self.settle(within.clone(), low);
            }
        }
        for _ in 0..HALVINGS {
            let middle = (low * high).sqrt();
            let next = self.settle(within.clone(), middle);
            if self.rate(&next) <= rate_bits {
                (within, high) = (next, middle);
            } else {
                low = middle;
            }
        }
        within
    }

    /// Iterates until the cuts stay where they are.
    fn settle(&mut self, mut cuts: Vec<usize>, price: f64) -> Vec<usize> {
        for _ in 0..MAX_STEPS {
            self.steps += 1;
            let next = self.chou_step(&cuts, price);
            if next == cuts {
                break;
            }
            cuts = next;
        }
        cuts
    }

    /// Cuts where the costs of neighbouring cells are equal; a cell that nothing prefers is dropped.
    fn chou_step(&self, cuts: &[usize], price: f64) -> Vec<usize> {
        let n = self.samples.n_distinct();
        let total = self.moments.weight(0, n);
        let scale = self.samples.scale();
        let (mut out, mut kept): (Vec<usize>, Vec<(f64, f64)>) = (vec![0], Vec::new());
        for cell in cuts.windows(2) {
            let bits = (total / self.moments.weight(cell[0], cell[1])).log2();
            let level = self.moments.centroid(cell[0], cell[1]);
            while let Some(&(before, before_bits)) = kept.last() {
                let threshold = 0.5 * (before + level) + 0.5 * price * (bits - before_bits) / (level - before);
                let cut = self.samples.first_at_or_above(self.moments.mean() + scale * threshold);
                if cut > out[out.len() - 1] || kept.len() == 1 && cut > 0 {
                    out.push(cut);
                    break;
                }
                kept.pop();
                if kept.is_empty() {
                    break;
                }
                out.pop();
            }
            kept.push((level, bits));
        }
        // What lies beyond the last point is empty.
        out.retain(|&cut| cut < n);
        out.push(n);
        out.dedup();
        out
    }

    fn rate(&self, cuts: &[usize]) -> f64 {
        let total = self.moments.weight(0, self.samples.n_distinct());
        entropy_bits(cuts.windows(2).map(|c| self.moments.weight(c[0], c[1]) / total))
    }

    fn design(&self, cuts: &[usize]) -> Design {
        let total = self.samples.total();
        let cells: Vec<Cell> = cuts.windows(2).map(|c| self.samples.cell(c[0], c[1], total)).collect();
        let values = self.samples.values();
        let thresholds = cuts[1..cuts.len() - 1].iter().map(|&c| 0.5 * values[c - 1] + 0.5 * values[c]).collect();
        let power = self.samples.power();
        let mut design = Design::of_cells(&cells, thresholds, power, Certificate::Local, self.steps);
        design.add_mse(self.samples.within(), power);
        design
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::design::{Density, entropy_constrained};

    /// Points at the centroids of many narrow cells: a density as samples.
    fn points(density: Density) -> Samples {
        Samples::of_density(density, 20_000)
    }

    #[test]
    fn samples_of_a_density_reach_its_design() {
        for density in [Density::Gaussian, Density::Laplacian, Density::Gamma] {
            for rate in [0.25, 1.0, 2.5] {
                let design = for_samples(&points(density), rate).expect("in range");
                let exact = entropy_constrained::for_density(density, rate).expect("in range");
                // At the rate it has: the slope of D at a bit is 6.02 dB or less.
                let missing = exact.snr_db - 6.03 * (rate - design.entropy_bits) - design.snr_db;
                assert!(
                    missing.abs() < 0.002 && rate - design.entropy_bits < 0.01,
                    "{density:?} {rate}: {missing} dB, {} bits",
                    design.entropy_bits
                );
            }
        }
    }

    #[test]
    fn weights_that_vanish_in_a_sum_do_no_harm() {
        let cells: Vec<Cell> =
            (-500..500).map(|i| Density::Gaussian.cell(f64::from(i) / 50.0, f64::from(i + 1) / 50.0)).collect();
        let (values, weights): (Vec<f64>, Vec<f64>) = cells.iter().map(|c| (c.centroid, c.mass)).unzip();
        assert!(weights[999] < 1e-20);
        let design = for_samples(&Samples::from_histogram(&values, &weights).expect("legal"), 2.0).expect("in range");
        assert!(
            design.entropy_bits > 1.98 && design.snr_db > 10.3,
            "{} bits, {} dB",
            design.entropy_bits,
            design.snr_db
        );
    }

    #[test]
    fn rates_that_do_not_exist_are_refused_with_those_that_do() {
        let samples = Samples::new(&[0.0, 1.0, 2.0, 3.0]).expect("legal");
        for rate in [0.0, -1.0, 2.001, f64::NAN, f64::INFINITY] {
            let error = for_samples(&samples, rate).expect_err("no such rate").to_string();
            assert!(error.contains("2.000000 bits"), "{error}");
        }
        let all = for_samples(&samples, 2.0).expect("lossless");
        assert_eq!((all.mse, all.levels.len()), (0.0, 4));
        let coin = for_samples(&samples, 1.0).expect("two pairs");
        assert_eq!((coin.levels.as_slice(), coin.mse), ([0.5, 2.5].as_slice(), 0.25));
        let least = for_samples(&samples, 1e-3).expect("one level");
        assert_eq!(least.levels, [1.5]);
        assert!(for_samples(&Samples::new(&[1.0; 9]).expect("legal"), 0.5).is_err());
    }

    #[test]
    fn lumpy_samples_keep_within_the_rate() {
        let x: Vec<f64> =
            (0..5000).map(|i| f64::from(i * i % 97) / 8.0 + if i % 7 == 0 { 100.0 } else { 0.0 }).collect();
        let samples = Samples::new(&x).expect("legal");
        let mut before = f64::INFINITY;
        for rate in [0.2, 0.7, 1.0, 2.0, 3.0, 4.0] {
            let design = for_samples(&samples, rate).expect("in range");
            assert!(
                design.entropy_bits <= rate + 1e-12 && design.mse <= before,
                "{rate}: {} {}",
                design.entropy_bits,
                design.mse
            );
            before = design.mse;
        }
    }
}
