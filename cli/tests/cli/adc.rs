//! `sqnr adc model` and `sqnr adc test`: what the one puts in, the other finds again.

use super::support::Folder;

/// A slightly overdriving sine in double precision would be cut by a fixed-point file: float it is.
fn sine(folder: &Folder, options: &str) {
    folder.run(&format!("generate sine --coherent --samples 262144 {options} -o tone.wav")).succeeds();
}

fn number(json: &serde_json::Value, key: &str) -> f64 {
    json[key].as_f64().unwrap_or_else(|| panic!("{key}: {} because {}", json[key], json["reasons"][key]))
}

#[test]
fn faults_put_in_are_found_again() {
    let folder = Folder::new();
    sine(&folder, "--level 0.2");
    folder.write("faulty.toml", b"bits = 8\ninl_lsb = [0.0, 0.9, 0.0, -0.6, 0.0]\nnoise_lsb = 0.05\n");
    folder.run("adc model --spec faulty.toml tone.wav -o faulty.wav").succeeds();
    let json = folder.json("adc test faulty.wav --level 0.2");
    assert_eq!(json["bits"], 8);
    assert!((number(&json, "inl_max_lsb") - 0.9).abs() < 0.03, "{}", json["inl_max_lsb"]);
    assert!((number(&json, "gain") - 1.0).abs() < 0.01 && number(&json, "offset_lsb").abs() < 0.5);
    assert!((number(&json, "overdrive_db") - 0.2).abs() < 0.03);
    assert_eq!(json["missing_codes"], 0.0);
    assert_eq!(json["definitions"]["dnl_max_lsb"]["id"], "dnl");
    assert!(number(&json, "enob_bits") < 7.9 && number(&json, "fit_amplitude") > 1.0);
    // A missing code: the widths of two steps at once.
    folder.run("adc model --bits 6 --set sar_mismatch=0.15 --set seed=3 tone.wav -o sar.wav").succeeds();
    let json = folder.json("adc test sar.wav");
    let missing = json["missing_code_list"].as_array().expect("a list").len();
    assert_eq!(number(&json, "missing_codes"), missing as f64);
    assert!(json["offset_lsb"].is_null() && json["reasons"]["offset_lsb"].is_string());
    let text = folder.run("adc test --explain faulty.wav").succeeds().text();
    assert!(text.contains("DNL, largest") && text.contains("[inl-end-point]") && text.contains("SINAD"), "{text}");
}

#[test]
fn jitter_of_the_model_is_measured() {
    let folder = Folder::new();
    sine(&folder, "--level -1 --frequency 9001");
    folder.run("adc model --bits 20 --set jitter_s=5e-9 tone.wav -o jitter.wav").succeeds();
    let json = folder.json("adc test jitter.wav");
    assert!((number(&json, "jitter_s") / 5e-9 - 1.0).abs() < 0.05, "{}", json["jitter_s"]);
}

#[test]
fn ramps_two_tones_and_noise_have_their_tests() {
    let folder = Folder::new();
    folder.run("generate ramp --level 0.5 --samples 65536 -o ramp.wav").succeeds();
    folder.run("adc model --bits 8 ramp.wav -o r.wav").succeeds();
    let json = folder.json("adc test --stimulus ramp --level 0.5 r.wav");
    assert!(number(&json, "dnl_max_lsb") < 0.01 && (number(&json, "gain") - 1.0).abs() < 1e-3, "{json}");
    folder.run("generate twin-tone --frequency 5000 --second 7000 --level -1 --samples 65536 -o two.wav").succeeds();
    folder.run("adc model --bits 16 --set polynomial=[0.0,0.01] two.wav -o t.wav").succeeds();
    let json = folder.json("adc test --stimulus two-tone t.wav");
    // 3/4 p a^3 over a, each tone of half the amplitude.
    let a: f64 = 10f64.powf(-1.0 / 20.0) / 2.0;
    let want = 20.0 * (0.75 * 0.01 * a * a / (1.0 + 0.01 * 2.25 * a * a)).log10();
    assert!((number(&json, "imd3_dbc") - want).abs() < 0.05, "{} {want}", json["imd3_dbc"]);
    folder.run("generate white --level -10 --samples 65536 -o white.wav").succeeds();
    folder.run("adc model --bits 10 white.wav -o w.wav").succeeds();
    let json = folder.json("adc test --stimulus noise w.wav");
    assert!(json["npr_db"].is_null() && json["reasons"]["npr_db"].as_str().expect("why").contains("notch"));
    // RMS at a sixth of full scale: nothing clips, and the notch holds the granular noise alone, a share of 24 in 25.
    let (sigma, step): (f64, f64) = (1.0 / 6.0, 2.0 / 1_024.0);
    let level = 20.0 * (sigma * std::f64::consts::SQRT_2).log10();
    folder.run(&format!("generate notched --level {level} --samples 262144 -o notched.wav")).succeeds();
    folder.run("adc model --bits 10 notched.wav -o n.wav").succeeds();
    let want = 10.0 * (sigma * sigma * 12.0 / (step * step) / 0.96).log10();
    for options in ["", "--notch 9600..10560"] {
        let json = folder.json(&format!("adc test --stimulus noise {options} n.wav"));
        assert!((number(&json, "npr_db") - want).abs() < 0.25, "{options}: {} {want}", json["npr_db"]);
    }
    folder.run("generate notched --notch 5..3 -o x.wav").fails(2, "LOW..HIGH");
    folder.run("generate notched --notch 5..30000 -o x.wav").fails(2, "upper end of the notch");
    folder.run("adc test --stimulus noise --notch 5..3 w.wav").fails(2, "LOW..HIGH");
}

#[test]
fn the_output_is_made_of_codes_and_keeps_its_length() {
    let folder = Folder::new();
    folder.copy("organ_choir.wav", "song.wav");
    let run = folder.run("adc model --bits 12 --set hold_memory=0.01 --set jitter_s=1e-9 song.wav");
    assert!(run.succeeds().stderr.contains("song.adc.wav") && run.stderr.contains("4096 codes"), "{}", run.stderr);
    let (before, after) = (folder.json("info song.wav"), folder.json("info song.adc.wav"));
    assert_eq!((&before["channels"], &before["duration_s"]), (&after["channels"], &after["duration_s"]));
    assert_eq!(folder.json("adc test song.adc.wav")["bits"], 12);
    folder.run("adc model --bits 12 song.wav").fails(4, "exists");
    folder.run("adc model -n --bits 12 song.wav").succeeds();
    let json = folder.json("adc model --set oversampling=4 --bits 8 song.wav -o over.wav");
    assert!(number(&json, "snr_db") > 30.0, "{json}");
    assert_eq!(folder.json("info over.wav")["channels"], 2);
}

#[test]
fn wrong_descriptions_and_inputs_are_named() {
    let folder = Folder::new();
    folder.song("song.wav");
    folder.write("bad.toml", b"bits = 12\nbitz = 3\n");
    folder.run("adc model --spec bad.toml song.wav").fails(3, "at byte 10");
    folder.run("adc model --spec none.toml song.wav").fails(3, "no such file");
    folder.run("adc model --bits 99 song.wav").fails(2, "2 to 24");
    folder.run("adc model --set bits=twelve song.wav").fails(2, "--set");
    folder.write("range.toml", b"jitter_s = -1.0\n");
    folder.run("adc model --spec range.toml song.wav").fails(2, "jitter_s");
    // Nothing is left of them.
    assert!(!folder.has("song.adc.wav"));
    folder.wav16("silence.wav", &[0; 4_000]);
    let json = folder.json("adc test silence.wav");
    for key in ["sinad_db", "dnl_max_lsb", "jitter_s", "fit_amplitude"] {
        assert!(json[key].is_null() && json["reasons"][key].is_string(), "{key}: {json}");
    }
    folder.wav16("empty.wav", &[]);
    folder.run("adc test empty.wav").fails(3, "no samples");
    folder.run("adc test --level nan song.wav").fails(2, "--level");
}

#[test]
fn pictures_show_what_the_test_says() {
    let folder = Folder::new();
    sine(&folder, "--level 0.2 --rate 48000");
    folder.run("adc model --bits 6 --set sar_mismatch=0.15 --set seed=3 tone.wav -o sar.wav").succeeds();
    let json = folder.json("adc test sar.wav");
    folder.run("plot linearity sar.wav --csv").succeeds();
    let csv = String::from_utf8(folder.bytes("sar.linearity.csv")).expect("UTF-8");
    let header: Vec<&str> = csv.lines().next().expect("a header").split(',').collect();
    let dnl = header.iter().position(|key| *key == "dnl_lsb").expect("a column");
    let largest = csv.lines().skip(1).filter_map(|line| line.split(',').nth(dnl)?.parse::<f64>().ok());
    let largest = largest.fold(0.0, |m: f64, v| m.max(v.abs()));
    assert!((largest - number(&json, "dnl_max_lsb")).abs() < 1e-9, "{largest} {}", json["dnl_max_lsb"]);
    let svg = String::from_utf8(folder.bytes("sar.linearity.svg")).expect("UTF-8");
    assert_eq!(svg.contains("Missing codes"), number(&json, "missing_codes") > 0.0);
    folder.run("plot linearity --stimulus noise sar.wav -o x.svg").fails(2, "sine or ramp");
    folder.run("plot spectrum sar.wav --csv").succeeds();
    let svg = String::from_utf8(folder.bytes("sar.spectrum.svg")).expect("UTF-8");
    for text in ["SINAD", "SFDR", "Harmonics", "Noise", "1: "] {
        assert!(svg.contains(text), "{text}");
    }
    let header = String::from_utf8(folder.bytes("sar.spectrum.csv")).expect("UTF-8");
    assert!(header.starts_with("frequency_hz,noise_dbfs,excluded_dbfs,harmonics_dbfs,tone_dbfs"), "{}", &header[..80]);
}

#[test]
fn errors_are_drawn_by_value_phase_and_band() {
    let folder = Folder::new();
    folder.run("generate sine --level -3 --samples 65536 -o tone.wav").succeeds();
    for kind in ["error-value", "error-phase", "nmr"] {
        folder.run(&format!("plot {kind} -b 5 --dither none tone.wav --csv")).succeeds();
        assert!(folder.has(&format!("tone.{kind}.svg")) && folder.has(&format!("tone.{kind}.csv")));
    }
    // Without dither the value decides the error: the mean in each bin is the quantizer's own sawtooth.
    let csv = String::from_utf8(folder.bytes("tone.error-value.csv")).expect("UTF-8");
    let step = 2.0 / 32.0;
    for line in csv.lines().skip(1) {
        let values: Vec<f64> = line.split(',').filter_map(|v| v.parse().ok()).collect();
        let want = (values[0] / step).round() - values[0] / step;
        let near_threshold = (want.abs() - 0.5).abs() < 0.02;
        assert!(near_threshold || (values[1] - want).abs() < 0.01, "{line}: {want}");
    }
    folder.song("song.wav");
    folder.wav16("silence.wav", &[0; 4_000]);
    folder.run("plot error-phase -b 4 silence.wav").fails(3, "no phase");
}

/// The transitions of a converter of 12 bits, from mid-scale: code 2047 is missing, four are 8.44 steps wide.
fn faulty() -> Vec<f64> {
    let width = |k: usize| match k {
        2047 => 0.0,
        511 | 1535 | 2559 | 3583 => 8.5,
        _ => 4096.0 / 4125.0,
    };
    let mut edge = -2048.0;
    let next = |k| {
        edge += width(k) * if k % 1024 == 511 { 4096.0 / 4125.0 } else { 1.0 };
        edge
    };
    (0..4095).map(next).collect()
}

/// Codes -2048 to 2047 of 131,072 samples of an overdriving sine of `hz` at 8 kHz.
fn codes_of_sine(transitions: &[f64], hz: f64) -> Vec<i16> {
    let input = |n: i32| 2_100.0 * (std::f64::consts::TAU * (hz / 8_000.0 * f64::from(n)).fract() + 0.1).sin();
    (0..131_072).map(|n| transitions.partition_point(|t| *t <= input(n)) as i16 - 2_048).collect()
}

const COHERENT_HZ: f64 = 8_000.0 * 12_503.0 / 131_072.0;

#[test]
fn codes_are_found_wherever_they_lie_in_the_samples() {
    let folder = Folder::new();
    let codes = codes_of_sine(&faulty(), COHERENT_HZ);
    let write =
        |name: &str, value: fn(i16) -> i16| folder.wav16(name, &codes.iter().map(|c| value(*c)).collect::<Vec<_>>());
    write("left.wav", |c| c << 4);
    write("counts.wav", |c| c + 2_048);
    write("right.wav", |c| c);
    write("wrapped.wav", |c| ((c + 2_048) as u16 as i32 * 16) as u16 as i16);
    for (line, is_said) in [
        ("left.wav", false),
        ("left.wav -b 12", false),
        ("counts.wav", true),
        ("counts.wav -b 12", true),
        ("counts.wav -b 12 --justify right --offset-binary", false),
        ("counts.wav --offset-binary", false),
        ("right.wav", true),
        ("right.wav -b 12", true),
        ("right.wav --justify right", false),
        ("wrapped.wav --offset-binary --justify left", false),
    ] {
        let json = folder.json(&format!("adc test {line}"));
        assert!(json["bits"] == 12 && (number(&json, "dnl_max_lsb") - 7.44).abs() < 0.1, "{line}: {json}");
        assert!(json["missing_codes"] == 1.0 && json["missing_code_list"][0] == 2047, "{line}");
        let warnings = json["warnings"].as_array().expect("a list");
        assert_eq!(!warnings.is_empty(), is_said, "{line}: {warnings:?}");
        // Full scale is the converter's: the sine clips there.
        assert!((number(&json, "fit_amplitude") - 1.02).abs() < 0.02 && number(&json, "fit_dc").abs() < 0.01, "{line}");
    }
    let json = folder.json("plot linearity counts.wav -o x.svg");
    assert!(json["warnings"][0].as_str().expect("said").contains("counts from 0"), "{}", json["warnings"]);
    let json = folder.json("adc test -b 8 left.wav");
    assert!(json["warnings"][0].as_str().expect("said").contains("use 12 bits"), "{}", json["warnings"]);
}

#[test]
fn a_sine_of_few_phases_has_no_linearity_and_a_better_frequency() {
    let folder = Folder::new();
    let ideal: Vec<f64> = (1..4096).map(|k| f64::from(k) - 2048.5).collect();
    folder.wav16("x.wav", &codes_of_sine(&ideal, 1_000.0 / 6.0).iter().map(|c| c << 4).collect::<Vec<_>>());
    let json = folder.json("adc test x.wav");
    for key in ["dnl_max_lsb", "inl_max_lsb", "missing_codes", "dnl_uncertainty_lsb"] {
        assert!(
            json[key].is_null() && json["reasons"][key].as_str().expect("why").contains("48 phases"),
            "{key}: {json}"
        );
    }
    // 2731 periods share no factor with 2^17 samples.
    let warning = json["warnings"][0].as_str().expect("said");
    assert!(warning.contains("166.687012 Hz, 2731 periods"), "{warning}");
    let json = folder.json("adc test --allow-few x.wav");
    assert!(number(&json, "dnl_uncertainty_lsb") > 100.0 && json["missing_codes"].is_null(), "{json}");
    folder.run("plot linearity x.wav -o x.svg").fails(3, "48 phases");
    folder.run("plot linearity --allow-few --csv x.wav -o x.svg").succeeds();
    assert!(String::from_utf8_lossy(&folder.bytes("x.csv")).contains("dnl_low_lsb,dnl_high_lsb"));
}
