//! Kind `linearity`: a converter's DNL and INL over its codes.

use super::chart::{Axis, Callout, Chart, Mark, Panel, Series, Stroke};
use super::style::Ink;
use super::value;

/// What the plot shows.
#[derive(Debug, Clone)]
pub struct Linearity<'a> {
    /// Converter, stimulus, number of samples: the conditions of the measurement.
    pub conditions: String,
    /// The code of the first entry.
    pub first_code: i64,
    /// Differential nonlinearity of each code, in steps.
    pub dnl: WithUncertainty<'a>,
    /// Integral nonlinearity of each code, in steps.
    pub inl: WithUncertainty<'a>,
    /// Codes that never occurred: marked at a DNL of -1.
    pub missing_codes: &'a [i64],
}

/// Measured values, each with its expanded uncertainty.
#[derive(Debug, Clone, Copy)]
pub struct WithUncertainty<'a> {
    /// The values.
    pub values: &'a [f64],
    /// As many; empty where none are known.
    pub uncertainty: &'a [f64],
}

impl WithUncertainty<'_> {
    /// The lines between which each value lies with 95 %.
    fn limits(&self, edges: &[f64], [low_key, high_key]: [&str; 2]) -> Vec<Series> {
        if self.uncertainty.is_empty() {
            return Vec::new();
        }
        let limit = |name: &str, key: &str, sign: f64| {
            let y = self.values.iter().zip(self.uncertainty).map(|(v, u)| v + sign * u).collect();
            let mark = Mark::Steps { edges: edges.to_vec(), y };
            Series { stroke: Stroke::Dotted, ..Series::new(name, key, Ink::Theory, mark) }
        };
        vec![limit("Uncertainty, 95 %", low_key, -1.0), limit("", high_key, 1.0)]
    }
}

impl Linearity<'_> {
    /// DNL over INL, both in steps against code with the limits of their uncertainty, the greatest deviations pointed out.
    pub fn chart(&self) -> Chart {
        let mut dnl = self.panel(("DNL", ["dnl_lsb", "dnl_low_lsb", "dnl_high_lsb"]), self.dnl, Ink::Signal);
        dnl.series.extend(self.missing());
        let inl = self.panel(("INL", ["inl_lsb", "inl_low_lsb", "inl_high_lsb"]), self.inl, Ink::Error);
        Chart {
            title: "Linearity".into(),
            subtitle: self.conditions.clone(),
            x: Axis::integer("Code", "", "code"),
            panels: vec![dnl, inl],
        }
    }

    /// A dot at each missing code.
    fn missing(&self) -> Option<Series> {
        let x: Vec<f64> = self.missing_codes.iter().map(|&code| code as f64).collect();
        let (n, y) = (x.len(), vec![-1.0; x.len()]);
        let dots = Series::new("Missing codes", "", Ink::Error, Mark::Dots { x, y });
        (n > 0).then(|| dots.valued(value::count(n as u64)))
    }

    fn panel(&self, (name, [key, low, high]): (&str, [&str; 3]), of: WithUncertainty, ink: Ink) -> Panel {
        let (first, values) = (self.first_code as f64, of.values);
        let edges: Vec<f64> = (0..=values.len()).map(|i| first + i as f64 - 0.5).collect();
        let limits = of.limits(&edges, [low, high]);
        let mark = Mark::Steps { edges, y: values.to_vec() };
        let range = values.iter().filter(|v| v.is_finite()).fold((0.0_f64, 0.0_f64), |(l, h), &v| (l.min(v), h.max(v)));
        let span = format!("{} … {}", value::with_unit(range.0, 3, ""), value::with_unit(range.1, 3, "LSB"));
        let zero = Series::new("", "", Ink::Theory, Mark::Level(0.0));
        let measured = Series::new(name, key, ink, mark).valued(span);
        let series = [zero, measured].into_iter().chain(limits).collect();
        let finite = values.iter().enumerate().filter(|(_, v)| v.is_finite());
        let worst = finite.max_by(|a, b| a.1.abs().total_cmp(&b.1.abs()));
        let callouts = worst.map(|(i, &y)| {
            let code = first + i as f64;
            let text = format!("{} at code {}", value::with_unit(y, 3, "LSB"), value::with_unit(code, 0, ""));
            Callout { x: code, y, text }
        });
        Panel {
            y: Axis::linear(name, "LSB", key),
            series,
            callouts: callouts.into_iter().collect(),
            ..Panel::default()
        }
    }
}
