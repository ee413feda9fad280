//! Families of curves: what `snr-level`, `snr-bits` and `rate-distortion` have in common.

use super::chart::{Mark, Positions, Reduce, Series, Stroke};
use super::spectrum::pattern;
use super::style::Ink;

/// A method's figures over what was varied.
#[derive(Debug, Clone)]
pub struct Curve {
    /// Its name in the legend.
    pub name: String,
    /// What was varied, ascending.
    pub x: Vec<f64>,
    /// The figure at each.
    pub y: Vec<f64>,
    /// Measured point by point, or computed from a formula.
    pub origin: Origin,
}

/// Where a curve's figures come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Points with a line through them.
    Measured,
    /// A dashed line in the colour of theory.
    Theory,
}

/// A series for each curve; the measured ones take the colours in turn. `unit` ends the CSV's keys.
pub(super) fn series(curves: &[Curve], unit: &str) -> Vec<Series> {
    let mut n_measured = 0;
    let mut n_theory = 0;
    let one = |curve: &Curve| {
        let key = format!("{}_{unit}", key_of(&curve.name));
        match curve.origin {
            Origin::Measured => {
                let mark = Mark::Points { x: curve.x.clone(), y: curve.y.clone() };
                n_measured += 1;
                let ink = Ink::of_series(n_measured - 1);
                Series::new(&curve.name, &key, ink, mark).stroked(pattern(n_measured - 1))
            }
            Origin::Theory => {
                let x = Positions::Explicit(curve.x.clone());
                let mark = Mark::Line { x, y: curve.y.clone(), reduce: Reduce::Extremes };
                n_theory += 1;
                let stroke = [Stroke::Dashed, Stroke::Dotted, Stroke::DashDotted][(n_theory - 1) % 3];
                Series::new(&curve.name, &key, Ink::Theory, mark).stroked(stroke)
            }
        }
    };
    curves.iter().map(one).collect()
}

/// A name as a CSV column: lower-case letters and digits, the rest underscores.
fn key_of(name: &str) -> String {
    let mut key = String::new();
    for c in name.chars() {
        match c {
            c if c.is_alphanumeric() => key.extend(c.to_lowercase()),
            _ if key.is_empty() || key.ends_with('_') => {}
            _ => key.push('_'),
        }
    }
    key.trim_end_matches('_').into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_column_keys() {
        assert_eq!(key_of("A-law, 8 bits (ITU)"), "a_law_8_bits_itu");
        assert_eq!(key_of("µ-law"), "µ_law");
    }
}
