//! Every figure of `analyze`, `compare` and `adc test` carries its definition, in JSON and in `--explain`.

use std::path::Path;

use serde_json::Value;

use super::support::Folder;

/// Keys at the top level that are no figures.
const NO_FIGURES: [&str; 20] = [
    "align",
    "bits",
    "channels",
    "channels_detail",
    "command",
    "definitions",
    "duration_s",
    "failed_checks",
    "harmonics",
    "input",
    "missing_code_list",
    "nmr_bands",
    "null_depth_over_time",
    "reasons",
    "reference",
    "sample_rate_hz",
    "samples",
    "schema",
    "skipped",
    "warnings",
];

/// Ids in the first column of the tables of `docs/analysis.md`.
fn documented_ids() -> Vec<String> {
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/..")).join("docs/analysis.md");
    let text = std::fs::read_to_string(path).expect("the document");
    let firsts = text.lines().filter(|line| line.starts_with("| `")).filter_map(|line| line.split('|').nth(1));
    firsts.flat_map(|cell| cell.split('`').skip(1).step_by(2)).map(str::to_owned).collect()
}

/// Every figure has a definition of full form, known to the document; no reason stands beside a figure.
pub fn check_definitions(json: &Value) {
    let (object, ids) = (json.as_object().expect("an object"), documented_ids());
    let figures: Vec<&String> = object.keys().filter(|key| !NO_FIGURES.contains(&key.as_str())).collect();
    assert!(!figures.is_empty(), "{json}");
    for key in figures {
        let definition = &json["definitions"][key];
        let id = definition["id"].as_str().unwrap_or_else(|| panic!("{key} has no definition: {json}"));
        assert!(ids.iter().any(|known| known == id), "{key}: {id} is not in docs/analysis.md");
        assert!(definition["unit"].is_string() && definition["window"].is_string(), "{key}: {definition}");
        assert!(!definition["formula"].as_str().expect("a formula").is_empty(), "{key}");
        let half_rate = json["sample_rate_hz"].as_f64().expect("a rate") / 2.0;
        let bandwidth = definition["bandwidth_hz"].as_f64().unwrap_or_else(|| panic!("{key}: {definition}"));
        assert!(0.0 < bandwidth && bandwidth <= half_rate, "{key}: {definition}");
        let has_bins = definition.as_object().expect("an object").contains_key("bins");
        assert!(has_bins && definition["bins"].as_u64() != Some(0), "{key}: {definition}");
        assert!(definition["window"] == "none" || definition["bins"].is_u64() || json[key].is_null(), "{definition}");
        assert_eq!(json[key].is_null(), json["reasons"][key].is_string(), "{key}: {}", json["reasons"][key]);
    }
    assert!(json["definitions"].as_object().expect("an object").keys().all(|key| object.contains_key(key)));
}

/// What `10 log10(a / b)` at the end of a formula comes to.
fn value_of(formula: &Value) -> f64 {
    let text = formula.as_str().expect("a formula");
    let ratio = text.rsplit_once("10 log10(").expect("a ratio").1.trim_end_matches(')');
    let (top, bottom) = ratio.split_once(" / ").expect("a ratio");
    10.0 * (top.parse::<f64>().expect("a number") / bottom.parse::<f64>().expect("a number")).log10()
}

#[test]
fn figures_of_a_pair_carry_their_definitions() {
    let folder = Folder::new();
    folder.copy("organ_choir.wav", "song.wav");
    folder.run("quantize -b 8 song.wav").succeeds();
    folder.wav16("silence.wav", &[0; 4_000]);
    folder.song("short.wav");
    for options in ["song.wav song.q8.wav", "--no-align song.wav song.q8.wav", "song.wav song.wav"] {
        check_definitions(&folder.json(&format!("compare {options}")));
    }
    check_definitions(&folder.json("compare short.wav short.wav"));
    let json = folder.json("compare song.wav song.q8.wav");
    let of = |key: &str| &json["definitions"][key];
    for key in ["snr_db", "null_depth_db", "psnr_db"] {
        assert!((value_of(&of(key)["formula"]) - json[key].as_f64().expect("a figure")).abs() < 1e-5, "{key}");
    }
    assert_eq!((&of("lsd_db")["window"], &of("lsd_db")["bins"]), (&"hann".into(), &1_025.into()));
    let n_bands = json["nmr_bands"].as_array().expect("a list").len();
    assert_eq!((&of("nmr_db")["window"], &of("nmr_db")["bands"]), (&"hann".into(), &n_bands.into()));
    assert_eq!((&of("snr_db")["window"], &of("snr_db")["bins"]), (&"none".into(), &Value::Null));
    assert_eq!(of("error_mean_dependence")["bins"], 1_024);
    // The table explains the same, each line with its definition.
    let text = folder.run("compare --explain song.wav song.q8.wav").succeeds().text();
    for (key, definition) in json["definitions"].as_object().expect("an object") {
        let (formula, id) = (definition["formula"].as_str().expect("text"), definition["id"].as_str().expect("text"));
        assert!(text.contains(&format!("{formula} [{id}]")), "{key}: {text}");
    }
}

#[test]
fn figures_of_a_file_carry_their_definitions() {
    let folder = Folder::new();
    folder.copy("organ_choir.wav", "song.wav");
    folder.wav16("silence.wav", &[0; 4_000]);
    folder.run("generate sine --bits 16 --level -60 -o tone.wav").succeeds();
    folder.run("generate twin-tone --frequency 5000 --second 7000 --level -6 -o two.wav").succeeds();
    for name in ["song", "silence", "tone", "two"] {
        check_definitions(&folder.json(&format!("analyze {name}.wav")));
    }
    let json = folder.json("analyze --method genalyzer:bh4 --dynamic-range a tone.wav");
    check_definitions(&json);
    let of = |key: &str| &json["definitions"][key];
    assert_eq!((&of("snr_db")["window"], &of("snr_db")["bins"]), (&"bh4".into(), &24_001.into()));
    assert_eq!((&of("snr_db")["bandwidth_hz"], &of("snr_db")["harmonics"]), (&24_000.0.into(), &6.into()));
    let narrow = &folder.json("analyze --bandwidth 20000 --harmonics 9 tone.wav")["definitions"]["snr_db"];
    assert_eq!((&narrow["bandwidth_hz"], &narrow["harmonics"]), (&20_000.0.into(), &9.into()));
    let range = of("dynamic_range_db");
    assert_eq!(
        (&range["weighting"], &range["window"], &range["bandwidth_hz"]),
        (&"a".into(), &"bh7".into(), &19_980.0.into())
    );
    // Over several channels a formula tells of all, not of one.
    let formula = &folder.json("analyze song.wav")["definitions"]["peak_dbfs"]["formula"];
    assert_eq!(formula, "greatest of 2 channels");
}

/// `x + a x^2` of tones A1 and A2 has sidebands of a A1 A2 on both sides of the upper tone.
#[test]
fn smpte_tones_are_taken_for_two() {
    let folder = Folder::new();
    let (a1, a2, a) = (0.64, 0.16, 0.01);
    let tone = |hz: f64, i: i32| (std::f64::consts::TAU * hz / 8_000.0 * f64::from(i)).sin();
    let x = (0..16_000).map(|i| a1 * tone(60.0, i) + a2 * tone(2_610.0, i));
    let codes: Vec<i16> = x.map(|x| ((x + a * x * x) * 32_768.0).round() as i16).collect();
    folder.wav16("smpte.wav", &codes);
    let json = folder.json("analyze smpte.wav");
    check_definitions(&json);
    let amplitude = |key: &str| 10f64.powf(json[key].as_f64().unwrap_or_else(|| panic!("{key}: {json}")) / 20.0);
    assert!((amplitude("smpte_imd_db") / (2f64.sqrt() * a * a1) - 1.0).abs() < 0.01, "{json}");
    assert!((amplitude("smpte_imd_sum_db") / (2.0 * a * a1) - 1.0).abs() < 0.01, "{json}");
    assert!((amplitude("tone_2_dbfs") / a2 - 1.0).abs() < 0.001, "{json}");
    // One tone with a spur, and music, are not two tones.
    folder.copy("organ_choir.wav", "song.wav");
    folder.run("generate twin-tone --frequency 1000 --second 7300 --ratio 30 -o spur.wav").succeeds();
    for name in ["song", "spur"] {
        assert!(folder.json(&format!("analyze {name}.wav"))["smpte_imd_db"].is_null(), "{name}");
    }
}

#[test]
fn figures_of_a_converter_carry_their_definitions() {
    let folder = Folder::new();
    folder.run("generate sine --coherent --samples 65536 --level 0.2 -o tone.wav").succeeds();
    folder.run("generate ramp --samples 65536 -o ramp.wav").succeeds();
    folder.run("generate twin-tone --frequency 5000 --samples 65536 -o two-tone.wav").succeeds();
    folder.run("generate notched --samples 65536 --level -10 -o noise.wav").succeeds();
    for (stimulus, bins) in [("sine", 256), ("ramp", 256), ("two-tone", 0), ("noise", 2_049)] {
        let name = if stimulus == "sine" { "tone" } else { stimulus };
        folder.run(&format!("adc model --bits 8 {name}.wav -o {stimulus}.adc.wav")).succeeds();
        let json = folder.json(&format!("adc test --stimulus {stimulus} {stimulus}.adc.wav"));
        check_definitions(&json);
        let key = if stimulus == "noise" { "npr_db" } else { "dnl_max_lsb" };
        assert!(bins == 0 || json["definitions"][key]["bins"] == bins, "{}", json["definitions"][key]);
    }
}
