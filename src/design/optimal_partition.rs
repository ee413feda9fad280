//! The least-squares scalar quantizer of a set of samples: the global optimum of one-dimensional k-means, with proof.
//!
//! A quantizer with K levels cuts the n sorted points into K runs: a path of K edges from 0 to n, where edge (i, j) costs
//! the squared error of points i..j about their mean. The cost has the concave Monge property
//!
//! ```text
//! cost(a, c) + cost(b, d) <= cost(a, d) + cost(b, c),   a <= b <= c <= d
//! ```
//!
//! so the least cost is convex in K, and a price lambda on each edge finds the path with K edges: raise it and edges
//! get fewer. For one price the best path comes from one sweep with a queue of candidates, each the best start of the last
//! edge over an interval of ends. Where no price gives K edges (several counts tie at one price), two paths with more
//! and with fewer are spliced where an edge of one lies within an edge of the other; the Monge property says that this
//! loses nothing. Proof of optimality: for every price, `best(lambda) - lambda K` is a lower bound of the cost.
//!
//! Sources: Aggarwal, Schieber, Tokuyama, Finding a minimum-weight k-link path in graphs with the concave Monge property,
//! Discrete Comput. Geom. 12 (1994), 263; Galil and Park, A linear-time algorithm for concave one-dimensional dynamic
//! programming, Inf. Process. Lett. 33 (1990), 309; Wu, Optimal quantization by matrix searching, J. Algorithms 12 (1991).

use std::cmp::Ordering;

use super::samples::{Moments, Samples};
use super::{Cell, Certificate, Design};
use crate::{Error, Result};

/// Groups per level in the coarse problem that guesses the price.
const GROUPS_PER_LEVEL: usize = 24;
const LEAST_GROUPS: usize = 4096;
/// Halvings that find the ends of the prices with the wanted count in the coarse problem, each end.
const EDGE_STEPS: usize = 5;
/// Relative difference at which two paths cost the same: sums of up to 65,536 rounded terms.
const TIE: f64 = 1e-13;
/// Halving a price's exponent and fraction takes fewer steps than this.
const MAX_PRICES: usize = 300;

/// The quantizer of `n_levels` levels with the least mean squared error over `samples`.
///
/// The certificate is a `LowerBound`, equal to the error but for rounding. `iterations` counts the prices tried on all
/// points. Time O(n) as a rule for each price and O(n log n) at worst, memory 60 bytes a point.
///
/// ```
/// use sqnr::design::{Samples, optimal_partition};
///
/// let samples = Samples::new(&[-1.0, -0.9, 0.1, 0.2, 0.9])?;
/// let design = optimal_partition::optimal(&samples, 3)?;
/// // Four samples lie 0.05 beside their level, one on it.
/// assert!((design.mse - 4.0 * 0.05_f64.powi(2) / 5.0).abs() < 1e-12);
/// # Ok::<(), sqnr::Error>(())
/// ```
///
/// # Errors
/// `InvalidParameter` when `n_levels` is 0, above 65,536 or above the number of distinct values; `LimitExceeded` for
/// 2^32 distinct values and more.
pub fn optimal(samples: &Samples, n_levels: usize) -> Result<Design> {
    samples.check_levels(n_levels)?;
    let n = samples.n_distinct();
    let limit = u64::from(u32::MAX) - 1;
    if n as u64 > limit {
        return Err(Error::LimitExceeded { what: "number of distinct values", value: n as u64, limit });
    }
    let cuts = match n_levels {
        1 => vec![0, n],
        _ if n_levels == n => (0..=n).collect(),
        _ => {
            let mut search = Search::new(Moments::new(samples), n_levels);
            let outcome = search.run(first_price(samples, n_levels));
            return Ok(settle(samples, &outcome.cuts, Some(outcome.bound), search.n_prices));
        }
    };
    Ok(settle(samples, &cuts, None, 0))
}

/// A path of least cost at its price.
#[derive(Debug, Clone)]
struct Path {
    /// 0 = first, ..., n = last.
    cuts: Vec<usize>,
    price: f64,
    /// Cost of the edges, their price not included.
    cost: f64,
}

impl Path {
    fn n_edges(&self) -> usize {
        self.cuts.len() - 1
    }
}

struct Outcome {
    cuts: Vec<usize>,
    /// A price that gave these cuts, or two of their neighbours in one.
    price: f64,
    /// Largest `best(lambda) - lambda K` seen, in the units of `Moments::cost`: no K edges cost less.
    bound: f64,
}

/// A price that should give `n_levels` edges: the middle of those that do after grouping, for many points.
fn first_price(samples: &Samples, n_levels: usize) -> f64 {
    let n_groups = (GROUPS_PER_LEVEL * n_levels).max(LEAST_GROUPS);
    // Grouping cuts by weight and by width, so there may be twice as many: only a clear gain is worth the detour.
    if samples.n_distinct() <= 4 * n_groups {
        let values = samples.values();
        let range = values[values.len() - 1] - values[0];
        // Of the uniform density: cost range^2 / (12 K^2) and its derivative by K.
        let squares = samples.total() * (range / samples.scale()).powi(2);
        return squares / (6.0 * (n_levels as f64).powi(3));
    }
    let coarse = samples.grouped(n_groups);
    let mut search = Search::new(Moments::new(&coarse), n_levels);
    let found = search.run(first_price(&coarse, n_levels)).price;
    search.middle_of_prices(found) * (coarse.scale() / samples.scale()).powi(2)
}

/// Searches the price at which the best path has K edges.
struct Search {
    sweep: Sweep,
    n_levels: usize,
    n_prices: usize,
    /// The dearest path with more than K edges (its price is too low) and the cheapest with fewer.
    more: Option<Path>,
    fewer: Option<Path>,
}

impl Search {
    fn new(moments: Moments, n_levels: usize) -> Self {
        Self { sweep: Sweep::new(moments), n_levels, n_prices: 0, more: None, fewer: None }
    }

    fn run(&mut self, first_price: f64) -> Outcome {
        let mut price = first_price;
        let mut bound = 0.0_f64;
        loop {
            let path = self.try_price(price);
            let excess = path.n_edges() as f64 - self.n_levels as f64;
            let dual = path.cost + price * excess;
            bound = bound.max(dual);
            match path.n_edges().cmp(&self.n_levels) {
                Ordering::Equal => return Outcome { cuts: path.cuts, price, bound },
                Ordering::Less => self.fewer = Some(path),
                Ordering::Greater => self.more = Some(path),
            }
            match self.next_price(dual) {
                Some(next) => price = next,
                None => return Outcome { cuts: self.splice(), price, bound },
            }
        }
    }

    fn try_price(&mut self, price: f64) -> Path {
        self.n_prices += 1;
        self.sweep.best_path(price)
    }

    /// The next price to try; none when the two paths at hand are both best at one price.
    ///
    /// `dual`: what the last path gave as lower bound.
    fn next_price(&self, dual: f64) -> Option<f64> {
        let k = self.n_levels as f64;
        let (more, fewer) = match (&self.more, &self.fewer) {
            (Some(more), Some(fewer)) => (more, fewer),
            // The cost falls as 1/K^2, so prices as 1/K^3; doubling the step each time ends any misjudgement.
            (Some(path), None) | (None, Some(path)) => {
                let ratio = path.n_edges() as f64 / k;
                let next = path.price * ratio.powf(3.0 * 2f64.powi(self.n_prices as i32 / 4));
                return (next > 0.0 && next.is_finite() && self.n_prices < MAX_PRICES).then_some(next);
            }
            (None, None) => unreachable!("one of them was set before"),
        };
        // The price at which both paths cost the same. If K edges on that line are a bound, no price gives K.
        let level = (fewer.cost - more.cost) / (more.n_edges() - fewer.n_edges()) as f64;
        let on_line = fewer.cost - level * (k - fewer.n_edges() as f64);
        let tie = dual >= on_line - TIE * fewer.cost;
        let inside = |p: f64| p > more.price && p < fewer.price;
        if tie || self.n_prices >= MAX_PRICES || !inside(0.5 * (more.price + fewer.price)) {
            return None;
        }
        let slope = (fewer.price / more.price).ln() / (fewer.n_edges() as f64 / more.n_edges() as f64).ln();
        let power_law = more.price * (k / more.n_edges() as f64).powf(slope);
        // The line's price settles ties, the power law is fast, the middle never fails.
        let choice = [power_law, level, 0.5 * (more.price + fewer.price)][self.n_prices % 3];
        Some(if inside(choice) { choice } else { 0.5 * (more.price + fewer.price) })
    }

    /// K edges from a path with more and one with fewer, where an edge of the former lies within one of the latter.
    fn splice(&self) -> Vec<usize> {
        // At no price every point has its edge, at an infinite one there is one edge.
        let n = self.sweep.moments.len();
        let every = || Path { cuts: (0..=n).collect(), price: 0.0, cost: 0.0 };
        let more = self.more.clone().unwrap_or_else(every);
        let single = || Path { cuts: vec![0, n], price: f64::INFINITY, cost: self.sweep.moments.cost(0, n) };
        let fewer = self.fewer.clone().unwrap_or_else(single);
        let surplus = more.n_edges() - self.n_levels;
        for a in 0..fewer.n_edges() {
            let b = a + surplus;
            let encloses = fewer.cuts[a] <= more.cuts[b] && more.cuts[b + 1] <= fewer.cuts[a + 1];
            if encloses {
                return [&fewer.cuts[..=a], &more.cuts[b + 1..]].concat();
            }
        }
        unreachable!("Aggarwal, Schieber and Tokuyama, lemma 4: such an edge exists for every surplus")
    }

    /// The middle (geometric) of the prices that give K edges; `inside` is one of them.
    fn middle_of_prices(&mut self, inside: f64) -> f64 {
        let outer = |path: &Option<Path>, other: f64| path.as_ref().map_or(other, |p| p.price);
        let mut low = [outer(&self.more, 0.9 * inside), inside];
        let mut high = [inside, outer(&self.fewer, 1.1 * inside)];
        for _ in 0..EDGE_STEPS {
            let (p, q) = (0.5 * (low[0] + low[1]), 0.5 * (high[0] + high[1]));
            let is_wanted = |path: Path| path.n_edges() == self.n_levels;
            low[usize::from(is_wanted(self.sweep.best_path(p)))] = p;
            high[usize::from(!is_wanted(self.sweep.best_path(q)))] = q;
        }
        (low[1] * high[0]).sqrt()
    }
}

/// One sweep over the points for one price, and the memory it needs.
struct Sweep {
    moments: Moments,
    /// Least cost from 0 to each point, prices included.
    least: Vec<f64>,
    /// Where the last edge to a point starts.
    from: Vec<u32>,
    /// Candidates for the start of an edge, each the best from its first end on until the next takes over.
    queue: Vec<Candidate>,
}

#[derive(Debug, Clone, Copy)]
struct Candidate {
    start: u32,
    first_end: u32,
}

impl Sweep {
    fn new(moments: Moments) -> Self {
        let n = moments.len();
        Self { moments, least: vec![0.0; n + 1], from: vec![0; n + 1], queue: Vec::new() }
    }

    fn best_path(&mut self, price: f64) -> Path {
        let n = self.moments.len();
        self.queue.clear();
        self.queue.push(Candidate { start: 0, first_end: 1 });
        let mut head = 0;
        for end in 1..=n {
            while head + 1 < self.queue.len() && self.queue[head + 1].first_end as usize <= end {
                head += 1;
            }
            let start = self.queue[head].start as usize;
            self.least[end] = self.least[start] + self.moments.cost(start, end) + price;
            self.from[end] = start as u32;
            if end < n {
                self.add_candidate(end, head);
            }
        }
        let mut cuts = vec![n];
        while let Some(&end) = cuts.last().filter(|&&end| end > 0) {
            cuts.push(self.from[end] as usize);
        }
        cuts.reverse();
        let cost = cuts.windows(2).map(|c| self.moments.cost(c[0], c[1])).sum();
        Path { cuts, price, cost }
    }

    /// Point `new` becomes a candidate for the ends after it, if it will ever be best.
    fn add_candidate(&mut self, new: usize, head: usize) {
        loop {
            let last = self.queue[self.queue.len() - 1];
            let first_end = (last.first_end as usize).max(new + 1);
            if !self.is_better(new, last.start as usize, first_end) {
                break;
            }
            if self.queue.len() - 1 == head {
                self.queue.push(Candidate { start: new as u32, first_end: first_end as u32 });
                return;
            }
            self.queue.pop();
        }
        let last = self.queue[self.queue.len() - 1];
        let known_worse = (last.first_end as usize).max(new + 1);
        if let Some(first_end) = self.takeover(new, last.start as usize, known_worse) {
            self.queue.push(Candidate { start: new as u32, first_end: first_end as u32 });
        }
    }

    /// The first end after `worse` at which an edge from `new` beats one from `old`. Once better, always better.
    fn takeover(&self, new: usize, old: usize, mut worse: usize) -> Option<usize> {
        let n = self.moments.len();
        // Candidates take over at about the pace of the points: the answer is near, so double the stride.
        let mut stride = 1;
        let mut better = loop {
            let probe = (worse + stride).min(n);
            if probe == worse {
                return None;
            }
            if self.is_better(new, old, probe) {
                break probe;
            }
            worse = probe;
            stride *= 2;
        };
        while better - worse > 1 {
            let middle = worse + (better - worse) / 2;
            if self.is_better(new, old, middle) {
                better = middle;
            } else {
                worse = middle;
            }
        }
        Some(better)
    }

    #[inline]
    fn is_better(&self, new: usize, old: usize, end: usize) -> bool {
        self.least[new] + self.moments.cost(new, end) < self.least[old] + self.moments.cost(old, end)
    }
}

/// The design of a partition, its thresholds midway between levels.
///
/// Moving points to their nearest level can only help; at an optimum it moves what rounding had misplaced.
fn settle(samples: &Samples, cuts: &[usize], bound: Option<f64>, iterations: usize) -> Design {
    let total = samples.total();
    let mut cuts = cuts.to_vec();
    loop {
        let cells: Vec<Cell> = cuts.windows(2).map(|c| samples.cell(c[0], c[1], total)).collect();
        let thresholds: Vec<f64> = cells.windows(2).map(|c| 0.5 * (c[0].centroid + c[1].centroid)).collect();
        let nearest = samples.cuts_at(&thresholds);
        let mut design = Design::of_cells(&cells, thresholds, samples.power(), Certificate::Local, iterations);
        design.add_mse(samples.within(), samples.power());
        if nearest == cuts || samples.mse_of_cuts(&nearest).is_none_or(|mse| mse >= design.mse) {
            let least = match bound {
                Some(bound) => bound * samples.scale().powi(2) / total,
                None => design.mse - samples.within(),
            };
            let bound = samples.least_mse(cells.len(), least.max(0.0)).min(design.mse);
            design.certificate = Certificate::LowerBound(bound);
            return design;
        }
        cuts = nearest;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Dynamic programming over all starts of the last edge: slow and obvious. Least mean squared error per count.
    fn exhaustive(samples: &Samples, most_levels: usize) -> Vec<f64> {
        let (n, total) = (samples.n_distinct(), samples.total());
        let cost = |i: usize, j: usize| samples.cell(i, j, total).scatter;
        let mut least: Vec<f64> = (0..=n).map(|j| if j == 0 { 0.0 } else { cost(0, j) }).collect();
        let mut found = vec![least[n]];
        for k in 2..=most_levels {
            let previous = least.clone();
            for (j, least) in least.iter_mut().enumerate().skip(k) {
                *least = (k - 1..j).map(|i| previous[i] + cost(i, j)).fold(f64::INFINITY, f64::min);
            }
            found.push(least[n]);
        }
        found
    }

    /// Uniform numbers in 0..1 from a 64-bit LCG (Knuth's MMIX constants).
    fn uniform(seed: u64) -> impl FnMut() -> f64 {
        let mut state = seed;
        move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / (1u64 << 53) as f64
        }
    }

    fn assert_optimal(samples: &Samples, most_levels: usize, what: &str) {
        let scale = samples.power();
        for (k, best) in exhaustive(samples, most_levels).iter().enumerate() {
            let design = optimal(samples, k + 1).expect("enough values");
            let error = (design.mse - best).abs();
            assert!(error <= 1e-12 * best + 1e-28 * scale, "{what}, K = {}: {} against {best}", k + 1, design.mse);
            let Certificate::LowerBound(bound) = design.certificate else { panic!("{what}: no bound") };
            assert!(
                bound <= design.mse && bound >= design.mse * (1.0 - 1e-9) - 1e-15 * scale,
                "{what}, K = {}: bound {bound}",
                k + 1
            );
        }
    }

    #[test]
    fn random_samples_reach_the_exhaustive_optimum() {
        for seed in 0..20 {
            let mut next = uniform(seed);
            let x: Vec<f64> = (0..60).map(|_| (next() + next() + next()).powi(3) - 4.0).collect();
            assert_optimal(&Samples::new(&x).expect("legal"), 60, &format!("seed {seed}"));
        }
    }

    #[test]
    fn ties_and_duplicates_reach_the_exhaustive_optimum() {
        for seed in 0..20 {
            let mut next = uniform(100 + seed);
            let x: Vec<f64> = (0..300).map(|_| (40.0 * next() * next()).floor()).collect();
            let samples = Samples::new(&x).expect("legal");
            assert_optimal(&samples, samples.n_distinct(), &format!("seed {seed}"));
        }
        let even: Vec<f64> = (0..48).map(f64::from).collect();
        assert_optimal(&Samples::new(&even).expect("legal"), 48, "equal spacing");
    }

    /// The inputs of `golden_kmeans1d.py`.
    fn golden_samples(case: usize, n: usize) -> Vec<f64> {
        let mut next = uniform(case as u64);
        let mut x: Vec<f64> = Vec::with_capacity(n);
        for i in 0..n {
            let u = next();
            let cube = |v: f64| v * v * v;
            x.push(match case % 4 {
                0 => (u * 40.0).floor(),
                1 => ((u + next() + next() + next() - 2.0) * 100.0).floor() / 8.0,
                2 if i % 3 == 2 => x[i - 1],
                2 => cube(2.0 * u - 1.0),
                _ => (u * 10.0).floor() / 1024.0 + if next() < 0.3 { 100.0 } else { 0.0 },
            });
        }
        x
    }

    #[test]
    fn errors_equal_those_of_kmeans1d_to_eight_digits() {
        let rows = crate::design::golden::rows("kmeans1d.csv");
        assert_eq!(rows.len(), 20);
        for row in rows {
            let (case, n, n_levels) = (row[0] as usize, row[1] as usize, row[2] as usize);
            let samples = Samples::new(&golden_samples(case, n)).expect("legal");
            assert!(samples.n_distinct() < n, "case {case} has duplicates");
            let mse = optimal(&samples, n_levels).expect("enough values").mse;
            assert!((mse / row[3] - 1.0).abs() < 5e-9, "case {case}: {mse} against {}", row[3]);
        }
    }

    #[test]
    fn far_from_zero_and_of_any_scale() {
        for (scale, offset) in [(1e-9, 1.0), (1e150, 0.0), (1e-150, 0.0), (1.0, -1e6)] {
            let mut next = uniform(7);
            let x: Vec<f64> = (0..40).map(|_| offset + scale * next()).collect();
            let samples = Samples::new(&x).expect("legal");
            for (k, best) in exhaustive(&samples, 39).iter().enumerate() {
                let design = optimal(&samples, k + 1).expect("enough values");
                assert!(design.mse <= best * (1.0 + 1e-6), "{scale} {offset} K = {}: {} {best}", k + 1, design.mse);
            }
        }
    }

    #[test]
    fn many_points_take_the_coarse_way_to_the_same_bound() {
        let mut next = uniform(3);
        let x: Vec<f64> = (0..100_000).map(|_| (next() + next() + next() - 1.5) * 2.0).collect();
        let design = optimal(&Samples::new(&x).expect("legal"), 64).expect("enough values");
        let Certificate::LowerBound(bound) = design.certificate else { panic!("no bound") };
        assert!(bound > design.mse * (1.0 - 1e-10), "bound {bound} under {}", design.mse);
        assert!(design.iterations <= 4, "the coarse price was no help: {} sweeps", design.iterations);
        assert_eq!((design.levels.len(), design.thresholds.len()), (64, 63));
        for (levels, &threshold) in design.levels.windows(2).zip(&design.thresholds) {
            assert_eq!(threshold, 0.5 * (levels[0] + levels[1]), "thresholds lie midway");
        }
    }

    /// Points that stand for several samples: the interval from the bound to the error over the samples holds the optimum
    /// over the samples themselves.
    #[test]
    fn the_interval_of_cells_holds_the_optimum_of_samples() {
        for seed in 0..10 {
            let mut next = uniform(40 + seed);
            let mut x: Vec<f64> = (0..240).map(|_| (next() + next() - 1.0).powi(3)).collect();
            x.sort_unstable_by(f64::total_cmp);
            let cells = x.chunks(3).map(|x| {
                let value = x.iter().sum::<f64>() / 3.0;
                let scatter = x.iter().map(|x| (x - value).powi(2)).sum();
                crate::design::gatherer::Point { value, weight: 3.0, scatter }
            });
            let cells = Samples::from_points(cells.collect()).expect("finite");
            let exact = Samples::new(&x).expect("finite");
            for n_levels in [1, 2, 3, 5, 8, 20] {
                let best = optimal(&exact, n_levels).expect("enough values").mse;
                let design = optimal(&cells, n_levels).expect("enough values");
                let Certificate::LowerBound(bound) = design.certificate else { panic!("no bound") };
                let rounding = 1e-12 * cells.power();
                assert!(bound <= best + rounding && best <= design.mse + rounding, "{n_levels}: {bound} {best}");
                assert!(n_levels > 3 || bound > 0.5 * best, "{n_levels}: {bound} {best}");
            }
        }
    }

    #[test]
    fn more_levels_than_values_are_refused_with_the_number_that_works() {
        let same = Samples::new(&[0.25; 1000]).expect("legal");
        let error = optimal(&same, 2).expect_err("one value").to_string();
        assert!(error.contains("1..=1"), "{error}");
        let one = optimal(&same, 1).expect("one level for one value");
        assert_eq!((one.mse, one.snr_db, one.entropy_bits), (0.0, f64::INFINITY, 0.0));
        assert!(optimal(&same, 0).is_err());
    }
}
