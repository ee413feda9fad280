//! What the designs of filters have in common: one JSON object, to a file or to standard output.

use std::path::Path;

use serde_json::Value;

use sqnr::recipe::{Recipe, Shape};

use crate::{
    batch,
    exit::{Exit, Failure, escape_controls},
    notes,
    options::Global,
    outputs::{self, Clearance, Existing, Output},
    sink, stdio,
};

/// Where a design goes, if it may go there.
pub enum Target {
    Write(Output),
    /// It exists, and `-n` says to leave it.
    Skip,
}

/// Checks the output of a design before anything is computed.
pub fn target(path: &Path, global: &Global) -> Result<Target, Failure> {
    let output = Output::named(path)?;
    if output == Output::Stdout && global.json {
        return Err(Failure::usage("standard output carries the design; use -o FILE with --json"));
    }
    outputs::refuse_input(&output)?;
    if outputs::clearance(&output, Existing::of(global))? == Clearance::Write {
        return Ok(Target::Write(output));
    }
    if !global.quiet {
        stdio::note_line(&format!("{}: exists, nothing to do", output.display()));
    }
    Ok(Target::Skip)
}

/// Writes the design, and prints it as JSON or as `table`.
pub fn finish(output: &Output, command: &str, design: Value, table: &str, global: &Global) -> Result<Exit, Failure> {
    let mut text = serde_json::to_string_pretty(&design).expect("an object of numbers and strings");
    text.push('\n');
    sink::write_bytes(output, Existing::of(global), text.as_bytes())?;
    let warnings = notes::take_all();
    warnings.iter().for_each(|warning| stdio::note_line(&format!("sqnr: warning: {}", escape_controls(warning))));
    match (output, global.json) {
        (Output::Stdout, _) => {}
        (_, true) => {
            let mut object = design;
            object["schema"] = batch::JSON_SCHEMA.into();
            object["command"] = command.into();
            object["recipe"] = match object["kind"].as_str() {
                Some("noise-shaper") => shaping_recipe(output),
                _ => batch::json_recipe_of_design(output),
            };
            object["output"] = output.display().into();
            object["warnings"] = warnings.into();
            stdio::print_line(&object.to_string())?;
        }
        (_, false) => stdio::print_bytes(table.as_bytes())?,
    }
    Ok(Exit::Done)
}

/// The recipe that shapes eight bits with the filter in a file.
fn shaping_recipe(output: &Output) -> Value {
    let Output::File(path) = output else { return Value::Null };
    batch::json_recipe(&Recipe { shape: Shape::File(path.clone()), ..Recipe::default() })
}
