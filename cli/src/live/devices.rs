//! `live --list-devices`.

use serde_json::json;

use sqnr::live::{Listed, SilencedStderr, list_devices};

use super::super::{
    exit::{Exit, Failure},
    options::Global,
    stdio,
};

/// Prints a line, or with `--json` an object, for each device.
pub fn print_list(global: &Global) -> Result<Exit, Failure> {
    let listed = {
        let _silence = SilencedStderr::begin();
        list_devices()
    };
    let listed = listed.map_err(|error| Failure::device(error.to_string()))?;
    if listed.is_empty() {
        return Err(Failure::device("no sound device found; to hear a file instead: sqnr live --input FILE"));
    }
    let width = listed.iter().map(|device| device.id.chars().count()).max().unwrap_or(0);
    for device in &listed {
        let Listed { id, name, captures, plays } = device;
        if global.json {
            let object = json!({ "schema": 1, "command": "live", "device": id, "name": name, "input": captures, "output": plays });
            stdio::print_line(&object.to_string())?;
            continue;
        }
        let ways = match (captures, plays) {
            (true, true) => "in, out",
            (true, false) => "in",
            (false, true) => "out",
            (false, false) => "",
        };
        stdio::print_line(format!("{id:width$}  {ways:7}  {name}").trim_end())?;
    }
    Ok(Exit::Done)
}
