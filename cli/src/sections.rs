//! Figures measured in several ways, each way with its conditions.

use serde_json::{Map, Value, json};

use sqnr::analysis::{Entry, window::Window};

use super::figures::{self, Detail};

/// Figures measured in one way.
#[derive(Debug, Clone)]
pub struct Section {
    pub title: &'static str,
    pub entries: Vec<Entry>,
    /// How they were measured. In every definition of the section.
    pub conditions: Conditions,
}

impl Section {
    pub fn new(title: &'static str, entries: Vec<Entry>, conditions: Conditions) -> Self {
        Self { title, entries, conditions }
    }
}

/// How figures were measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Conditions {
    /// The band that the figures look at.
    pub bandwidth_hz: f64,
    /// Window of the spectrum; none where there is no spectrum.
    pub window: Option<Window>,
    /// Lines of the spectrum, cells of the histogram; none where figures are sums over the samples.
    pub bins: Option<usize>,
    /// What else the figures depend on, by its key.
    pub more: Vec<(&'static str, Value)>,
}

impl Conditions {
    /// Of sums over the samples: all of the band.
    pub fn of_samples(sample_rate_hz: u32) -> Self {
        Self { bandwidth_hz: f64::from(sample_rate_hz) / 2.0, window: None, bins: None, more: Vec::new() }
    }

    /// Of spectra of `n_fft` samples, all lines of them; 0 where there is none.
    pub fn of_spectrum(sample_rate_hz: u32, window: Window, n_fft: usize) -> Self {
        Self { window: Some(window), bins: (n_fft > 0).then_some(n_fft / 2 + 1), ..Self::of_samples(sample_rate_hz) }
    }

    /// Of a histogram, where there is one.
    pub fn of_histogram(sample_rate_hz: u32, cells: Option<usize>) -> Self {
        Self { bins: cells, ..Self::of_samples(sample_rate_hz) }
    }

    pub fn with(mut self, key: &'static str, value: impl Into<Value>) -> Self {
        self.more.push((key, value.into()));
        self
    }

    fn definition(&self, entry: &Entry) -> Value {
        let mut object = Map::new();
        object.insert("id".into(), entry.definition.into());
        object.insert("unit".into(), entry.unit.into());
        object.insert("formula".into(), entry.formula.clone().into());
        object.insert("bandwidth_hz".into(), self.bandwidth_hz.into());
        object.insert("window".into(), self.window.map_or("none".into(), |window| window.to_string()).into());
        object.insert("bins".into(), self.bins.into());
        object.extend(self.more.iter().map(|(key, value)| ((*key).to_owned(), value.clone())));
        Value::Object(object)
    }
}

/// The entries of all sections, in order.
pub fn all_entries(sections: &[Section]) -> Vec<Entry> {
    sections.iter().flat_map(|section| section.entries.iter().cloned()).collect()
}

/// Figures by key, null where there is none, with `reasons` why and `definitions` how.
pub fn to_json(sections: &[Section]) -> Map<String, Value> {
    let mut object = values_json(sections);
    let mut definitions = Map::new();
    for section in sections {
        for entry in &section.entries {
            definitions.insert(entry.key.into(), section.conditions.definition(entry));
        }
    }
    object.insert("definitions".into(), definitions.into());
    object
}

/// Figures by key and `reasons`, without definitions: one channel among many.
pub fn values_json(sections: &[Section]) -> Map<String, Value> {
    let mut object = Map::new();
    let mut reasons = Map::new();
    for entry in sections.iter().flat_map(|section| &section.entries) {
        if let Err(why) = entry.figure {
            reasons.insert(entry.key.into(), why.to_string().into());
        }
        // Counts are whole numbers in JSON.
        let is_count = matches!(entry.key, "clipped_samples" | "bits_used");
        let value = entry.figure.ok().map(|v| if is_count { json!(v as i64) } else { json!(v) });
        object.insert(entry.key.into(), value.unwrap_or(Value::Null));
    }
    object.insert("reasons".into(), reasons.into());
    object
}

/// The figures over all channels, then, where there are several, each channel's.
pub fn to_tables(over_all: &[Section], per_channel: &[Vec<Section>], detail: Detail) -> String {
    let mut table = to_table(over_all, detail);
    if per_channel.len() > 1 {
        for (c, sections) in per_channel.iter().enumerate() {
            table += &format!("\n-- channel {} --{}", c + 1, to_table(sections, detail));
        }
    }
    table
}

/// Each section under its title.
fn to_table(sections: &[Section], detail: Detail) -> String {
    let filled = sections.iter().filter(|section| !section.entries.is_empty());
    filled.map(|section| format!("\n{}\n{}", section.title, figures::table(&section.entries, detail))).collect()
}
