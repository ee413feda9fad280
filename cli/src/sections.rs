//! Figures measured in several ways, each way with its conditions, as JSON and as tables.

use serde_json::{Map, Value, json};

use sqnr::analysis::{
    Condition, Conditions, Entry, Section,
    tone::{Harmonic, ToneFigures},
};

use super::figures::{self, Detail};

fn definition(conditions: &Conditions, entry: &Entry) -> Value {
    let mut object = Map::new();
    object.insert("id".into(), entry.definition.into());
    object.insert("unit".into(), entry.unit.into());
    object.insert("formula".into(), entry.formula.clone().into());
    object.insert("bandwidth_hz".into(), conditions.bandwidth_hz.into());
    object.insert("window".into(), conditions.window.map_or("none".into(), |window| window.to_string()).into());
    object.insert("bins".into(), conditions.bins.into());
    let value = |condition: &Condition| match condition {
        Condition::Choice(word) => word.clone().into(),
        Condition::Count(n) => (*n).into(),
    };
    object.extend(conditions.more.iter().map(|(key, condition)| ((*key).to_owned(), value(condition))));
    Value::Object(object)
}

/// Figures by key, null where there is none, with `reasons` why and `definitions` how.
pub fn to_json(sections: &[Section]) -> Map<String, Value> {
    let mut object = values_json(sections);
    let mut definitions = Map::new();
    for section in sections {
        for entry in &section.entries {
            definitions.insert(entry.key.into(), definition(&section.conditions, entry));
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

/// The harmonics of a tone, one object each.
pub fn harmonics_json(tone: &ToneFigures) -> Vec<Value> {
    let harmonic = |h: &Harmonic| {
        let level = tone.harmonic_dbc(h);
        let reason = level.err().map(|why| why.to_string());
        json!({ "order": h.order, "frequency_hz": h.frequency_hz, "level_dbc": level.ok(), "reason": reason })
    };
    tone.harmonics.iter().map(harmonic).collect()
}

/// The figures over all channels, then, where there are several, each channel's.
pub fn to_tables(over_all: &[Section], per_channel: &[&[Section]], detail: Detail) -> String {
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
