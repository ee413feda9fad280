//! Figures measured in several ways, each way with its conditions.

use serde_json::{Map, Value, json};

use crate::analysis::Entry;

use super::figures::{self, Detail};

/// Figures measured in one way.
#[derive(Debug, Clone)]
pub struct Section {
    pub title: &'static str,
    pub entries: Vec<Entry>,
    /// How they were measured: method, window, lines, bandwidth. In every definition of the section.
    pub conditions: Map<String, Value>,
}

impl Section {
    pub fn new(title: &'static str, entries: Vec<Entry>) -> Self {
        Self { title, entries, conditions: Map::new() }
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
            let mut definition = section.conditions.clone();
            definition.insert("id".into(), entry.definition.into());
            definition.insert("unit".into(), entry.unit.into());
            definition.insert("formula".into(), entry.formula.clone().into());
            definitions.insert(entry.key.into(), definition.into());
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
        let is_count = entry.key.ends_with("_samples") || entry.key == "bits_used";
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
