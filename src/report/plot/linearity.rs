//! Kind `linearity`: a converter's DNL and INL over its codes.

use super::chart::{Axis, Callout, Chart, Mark, Panel, Series};
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
    pub dnl_lsb: &'a [f64],
    /// Integral nonlinearity of each code, in steps.
    pub inl_lsb: &'a [f64],
    /// Codes that never occurred: marked at a DNL of -1.
    pub missing_codes: &'a [i64],
}

impl Linearity<'_> {
    /// DNL over INL, both in steps against code, the greatest deviations pointed out.
    pub fn chart(&self) -> Chart {
        let mut dnl = self.panel("DNL", "dnl_lsb", self.dnl_lsb, Ink::Signal);
        dnl.series.extend(self.missing());
        let inl = self.panel("INL", "inl_lsb", self.inl_lsb, Ink::Error);
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

    fn panel(&self, name: &str, key: &str, values: &[f64], ink: Ink) -> Panel {
        let first = self.first_code as f64;
        let edges = (0..=values.len()).map(|i| first + i as f64 - 0.5).collect();
        let mark = Mark::Steps { edges, y: values.to_vec() };
        let range = values.iter().filter(|v| v.is_finite()).fold((0.0_f64, 0.0_f64), |(l, h), &v| (l.min(v), h.max(v)));
        let span = format!("{} … {}", value::with_unit(range.0, 3, ""), value::with_unit(range.1, 3, "LSB"));
        let zero = Series::new("", "", Ink::Theory, Mark::Level(0.0));
        let series = vec![zero, Series::new(name, key, ink, mark).valued(span)];
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
