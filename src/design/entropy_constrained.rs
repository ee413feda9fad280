//! Entropy-constrained scalar quantizers: the least mean squared error at a given entropy of the index.
//!
//! With price lambda on a bit, cell i with level y_i and probability P_i ends where both neighbours cost the same:
//!
//! ```text
//! (t - y_i)^2 - lambda log2 P_i  =  (t - y_i+1)^2 - lambda log2 P_i+1,     y_i centroid of its cell
//! ```
//!
//! For a density these conditions are solved by Newton's method on the thresholds (the Jacobian is tridiagonal), once
//! with a level at zero and once with a threshold there; lambda is one unknown more, the entropy one equation more.
//! For samples, dynamic programming over groups of them starts Chou's iteration on all of them.
//!
//! Sources: Chou, Lookabaugh, Gray, Entropy-constrained vector quantization, IEEE Trans. ASSP-37 (1989), 31; Sullivan,
//! Efficient scalar quantization of exponential and Laplacian random variables, IEEE Trans. IT-42 (1996), 1365.

use std::f64::consts::LN_2;

use super::tridiagonal::Tridiagonal;
use super::{Cell, Certificate, Density, Design};
use crate::{Error, Result};

/// Rates a density can be asked for, bits.
pub const RATES: std::ops::RangeInclusive<f64> = 0.01..=5.0;
/// A cell this improbable adds nothing to rate or distortion.
const LEAST_MASS: f64 = 1e-12;
const MAX_STEPS: usize = 200;
/// Relative change of an unknown that counts as none.
const PRECISION: f64 = 1e-9;
/// The same after `PATIENCE` steps: the thresholds of thousands of cells circle within what rounding leaves.
const ROUNDING: f64 = 1e-5;
const PATIENCE: usize = 40;

/// The quantizer for `density` whose index has the entropy `rate_bits`, with the least mean squared error.
///
/// ```
/// use sqnr::design::{Density, entropy_constrained, lloyd_max};
///
/// let coded = entropy_constrained::for_density(Density::Laplacian, 2.0)?;
/// assert!((coded.entropy_bits - 2.0).abs() < 1e-3);
/// // Better than the best four levels, which take two bits without entropy coding.
/// assert!(coded.snr_db > lloyd_max::optimal(Density::Laplacian, 4)?.snr_db);
/// # Ok::<(), sqnr::Error>(())
/// ```
///
/// # Errors
/// `InvalidParameter` when the rate is outside [`RATES`]; `NoResult` when no solution has that entropy.
pub fn for_density(density: Density, rate_bits: f64) -> Result<Design> {
    if !RATES.contains(&rate_bits) {
        let allowed = format!("{} to {} bits", RATES.start(), RATES.end());
        return Err(Error::invalid("rate", rate_bits, allowed));
    }
    let forms: &[Form] = if density.is_symmetric() { &[Form::MidTread, Form::MidRise] } else { &[Form::OneSided] };
    let designs = forms.iter().filter_map(|&form| HalfLine { density, form }.at_rate(rate_bits));
    designs.min_by(|a, b| a.mse.total_cmp(&b.mse)).ok_or_else(|| Error::NoResult {
        what: format!("no entropy-constrained quantizer of {rate_bits} bits for the {} density", density.name()),
    })
}

pub use super::entropy_constrained_samples::for_samples;

/// What lies at zero.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Form {
    /// A level: the first cell is twice the one right of zero.
    MidTread,
    /// A threshold.
    MidRise,
    /// The end of the density.
    OneSided,
}

/// Quantizers given by their thresholds right of zero.
#[derive(Debug, Clone, Copy)]
struct HalfLine {
    density: Density,
    form: Form,
}

/// The cell right of a threshold: probability of the symbol, level and self-information.
#[derive(Debug, Clone, Copy)]
struct Symbol {
    cell: Cell,
    level: f64,
    bits: f64,
}

impl HalfLine {
    /// The solution with the wanted entropy, if Newton finds it.
    ///
    /// The price is one unknown more and the entropy one equation more: a border of the tridiagonal system,
    /// eliminated by solving that for two right sides.
    fn at_rate(self, rate_bits: f64) -> Option<Design> {
        let (step, mut t) = self.uniform_of_rate(rate_bits)?;
        let mut price = first_price(&self.symbols(&t), &t, step);
        let mut settled = 0;
        for iteration in 1..=MAX_STEPS {
            let symbols = self.symbols(&t);
            let (differences, system) = self.conditions(&t, &symbols, price);
            let by_price = |i: usize| symbols[i].bits - symbols[i + 1].bits;
            let to_conditions = system.solve(differences.iter().map(|h| -h));
            let per_price = system.solve((0..t.len()).map(|i| -by_price(i)));
            let rate_slope = |i: usize| self.sides() * self.density.pdf(t[i]) * by_price(i);
            let along = |step: &[f64]| step.iter().enumerate().map(|(i, s)| rate_slope(i) * s).sum::<f64>();
            let missing = rate_bits - entropy(&symbols, self.form);
            let price_step = (missing - along(&to_conditions)) / along(&per_price);
            let change: Vec<f64> = to_conditions.iter().zip(&per_price).map(|(a, b)| a + price_step * b).collect();
            let relative =
                change.iter().zip(&t).fold((price_step / price).abs(), |most, (c, t)| most.max((c / t).abs()));
            let trust = trusted_share(&t, &change, price_step / price)?;
            t.iter_mut().zip(&change).for_each(|(t, c)| *t += trust * c);
            price += trust * price_step;
            let precision = if iteration < PATIENCE { PRECISION } else { ROUNDING };
            settled = if relative < precision { settled + 1 } else { 0 };
            if settled == 2 {
                return Some(self.design(&t, iteration));
            }
        }
        None
    }

    /// How many halves of the line there are.
    fn sides(self) -> f64 {
        if self.form == Form::OneSided { 1.0 } else { 2.0 }
    }

    /// Uniform thresholds whose index has about the wanted entropy, and their step.
    fn uniform_of_rate(self, rate_bits: f64) -> Option<(f64, Vec<f64>)> {
        let end = self.end();
        let widest = 2.0 * end;
        let (mut fine, mut coarse) = (1e-5 * end, widest);
        while coarse / fine > 1.0 + 1e-6 {
            let middle = (fine * coarse).sqrt();
            let rate = entropy(&self.symbols(&self.uniform(middle, end)), self.form);
            if rate > rate_bits {
                fine = middle;
            } else {
                coarse = middle;
            }
        }
        // A threshold at zero alone is a bit already.
        let is_reached = coarse < widest;
        is_reached.then(|| (fine, self.uniform(fine, end)))
    }

    /// Multiples of the step (odd halves around a level at zero) up to `end`; what is beyond is one cell.
    fn uniform(self, step: f64, end: f64) -> Vec<f64> {
        let first = if self.form == Form::MidTread { 0.5 } else { 1.0 };
        let n = (end / step - first).max(-1.0).floor() as usize + 1;
        (0..n.max(1)).map(|i| (i as f64 + first) * step).collect()
    }

    /// Where the tail holds `LEAST_MASS`.
    fn end(self) -> f64 {
        let (mut low, mut high) = (0.0, self.density.tail_end(0.0));
        for _ in 0..40 {
            let middle = 0.5 * (low + high);
            if self.density.cell(middle, f64::INFINITY).mass > LEAST_MASS { low = middle } else { high = middle }
        }
        low
    }

    fn symbols(self, thresholds: &[f64]) -> Vec<Symbol> {
        let lower = std::iter::once(0.0).chain(thresholds.iter().copied());
        let upper = thresholds.iter().copied().chain([f64::INFINITY]);
        let mut symbols: Vec<Symbol> = lower
            .zip(upper)
            .map(|(a, b)| {
                let cell = self.density.cell(a, b);
                Symbol { cell, level: cell.centroid, bits: -cell.mass.log2() }
            })
            .collect();
        if self.form == Form::MidTread {
            let cell = symbols[0].cell;
            let scatter = cell.distortion(0.0);
            let whole = Cell { mass: 2.0 * cell.mass, centroid: 0.0, scatter: 2.0 * scatter };
            symbols[0] = Symbol { cell: whole, level: 0.0, bits: -whole.mass.log2() };
        }
        symbols
    }

    /// What each threshold's two sides differ by, and the derivative of that by the thresholds.
    fn conditions(self, t: &[f64], symbols: &[Symbol], price: f64) -> (Vec<f64>, Tridiagonal) {
        let mut system = Tridiagonal::with_capacity(t.len());
        let mut differences = Vec::with_capacity(t.len());
        // Derivatives of level and bits of a symbol by its upper (sign 1) or lower (sign -1) threshold.
        let slopes = |symbol: &Symbol, edge: f64, sign: f64, is_middle: bool| {
            let double = if is_middle { 2.0 } else { 1.0 };
            let density = sign * double * self.density.pdf(edge) / symbol.cell.mass;
            let level = if is_middle { 0.0 } else { density * (edge - symbol.level) };
            (level, -density / LN_2)
        };
        for (i, &edge) in t.iter().enumerate() {
            let (left, right) = (&symbols[i], &symbols[i + 1]);
            let is_middle = i == 0 && self.form == Form::MidTread;
            let (to_left, to_right) = (edge - left.level, edge - right.level);
            differences.push(to_left * to_left - to_right * to_right + price * (left.bits - right.bits));
            let (left_level, left_bits) = slopes(left, edge, 1.0, is_middle);
            let (right_level, right_bits) = slopes(right, edge, -1.0, false);
            let own = 2.0 * (to_left - to_right) - 2.0 * to_left * left_level
                + 2.0 * to_right * right_level
                + price * (left_bits - right_bits);
            let below = if i == 0 {
                0.0
            } else {
                let (level, bits) = slopes(left, t[i - 1], -1.0, false);
                -2.0 * to_left * level + price * bits
            };
            let above = t.get(i + 1).map_or(0.0, |&next| {
                let (level, bits) = slopes(right, next, 1.0, false);
                2.0 * to_right * level - price * bits
            });
            system.push(below, own, above);
        }
        (differences, system)
    }

    /// Both halves of the line.
    fn design(self, t: &[f64], iterations: usize) -> Design {
        let mut thresholds = Vec::with_capacity(2 * t.len() + 1);
        if self.form != Form::OneSided {
            thresholds.extend(t.iter().rev().map(|t| -t));
        }
        if self.form == Form::MidRise {
            thresholds.push(0.0);
        }
        thresholds.extend_from_slice(t);
        let cells = super::density::cells_between(self.density, &thresholds);
        Design::of_cells(&cells, thresholds, self.density.power(), Certificate::Local, iterations)
    }
}

/// Entropy of the whole line's index in bits.
fn entropy(symbols: &[Symbol], form: Form) -> f64 {
    let of = |s: &Symbol| if s.cell.mass > 0.0 { s.cell.mass * s.bits } else { 0.0 };
    let right: f64 = symbols[1..].iter().map(of).sum();
    match form {
        Form::MidTread => of(&symbols[0]) + 2.0 * right,
        Form::MidRise => 2.0 * (of(&symbols[0]) + right),
        Form::OneSided => of(&symbols[0]) + right,
    }
}

/// The price of a bit that the first threshold of a uniform quantizer implies, or the step at high rates.
fn first_price(symbols: &[Symbol], t: &[f64], step: f64) -> f64 {
    let (left, right) = (&symbols[0], &symbols[1]);
    let implied = ((t[0] - right.level).powi(2) - (t[0] - left.level).powi(2)) / (left.bits - right.bits);
    // At high rates D = step^2/12 falls by 2 ln 2 D a bit, and neighbours are too alike to imply a price.
    let high_rate = LN_2 * step * step / 6.0;
    if implied > 0.0 && implied < high_rate { implied } else { high_rate }
}

/// The share of a Newton step that changes no unknown by over 30 % and no gap between thresholds by over half.
fn trusted_share(t: &[f64], change: &[f64], price_change: f64) -> Option<f64> {
    let mut most = (price_change / 0.3).abs().max(1.0);
    for i in 0..t.len() {
        most = most.max((change[i] / (0.3 * t[i])).abs());
        if i > 0 {
            most = most.max((change[i] - change[i - 1]).abs() / (0.5 * (t[i] - t[i - 1])));
        }
    }
    (most.is_finite() && t.iter().zip(change).all(|(t, c)| (t + c).is_finite())).then(|| 1.0 / most)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::design::golden;

    fn density(name: &str) -> Density {
        Density::ALL.into_iter().find(|&d| golden::name(d) == name).expect("a density's name")
    }

    #[test]
    fn densities_reach_the_golden_distortion_at_every_rate() {
        for row in golden::fields("ecsq.csv") {
            let number = |i: usize| row[i].parse::<f64>().expect("number");
            let design = for_density(density(&row[0]), number(1)).expect("in range");
            let gap = number(3) - design.snr_db;
            assert!(gap.abs() < 1e-6, "{} {} bits: {} dB against {}", row[0], row[1], design.snr_db, number(3));
            assert!((design.entropy_bits - number(1)).abs() < 1e-9);
        }
    }

    #[test]
    fn one_sided_and_bounded_densities_have_designs_of_the_rate_asked_for() {
        for density in [Density::Rayleigh, Density::Exponential, Density::Uniform] {
            for rate in [0.5, 1.3, 3.0] {
                let design = for_density(density, rate).expect("in range");
                assert!((design.entropy_bits - rate).abs() < 1e-9, "{density:?}: {}", design.entropy_bits);
                assert!(design.thresholds.is_sorted() && design.levels.is_sorted(), "{density:?}");
                // Better than the best quantizer with that many bits without entropy coding, above Shannon's bound.
                let whole = density.cell(f64::NEG_INFINITY, f64::INFINITY);
                let gaussian_bound = whole.scatter * 4f64.powf(-rate);
                assert!(
                    design.mse > 0.5 * gaussian_bound && design.mse < 2.1 * gaussian_bound,
                    "{density:?} {rate}: {}",
                    design.mse
                );
            }
        }
    }

    #[test]
    fn rates_out_of_range_are_refused() {
        for rate in [0.0, -1.0, 5.5, f64::NAN, f64::INFINITY] {
            assert!(matches!(for_density(Density::Gaussian, rate), Err(Error::InvalidParameter { .. })), "{rate}");
        }
        for density in Density::ALL {
            for rate in [0.01, 1.0, 3.3] {
                match for_density(density, rate) {
                    Ok(design) => assert!(design.mse.is_finite() && (design.entropy_bits - rate).abs() < 1e-6),
                    Err(error) => panic!("{density:?} {rate}: {error}"),
                }
            }
        }
    }
}
