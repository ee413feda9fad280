//! What cannot be measured, as files: each a named outcome, all other figures still given, never NaN.

use std::f64::consts::TAU;

use serde_json::Value;

use super::{definitions::check_definitions, support::Folder};

/// Of the files that `Folder::wav16` writes, and their length here.
const RATE: f64 = 8_000.0;
const N: usize = 8_000;

fn sine(frequency_hz: f64, amplitude: f64, n: usize) -> Vec<f64> {
    (0..n).map(|i| amplitude * (TAU * frequency_hz / RATE * i as f64 + 0.3).sin()).collect()
}

/// 16-bit codes of a signal, clipped.
fn codes(x: &[f64]) -> Vec<i16> {
    x.iter().map(|x| (32_768.0 * x).round().clamp(-32_768.0, 32_767.0) as i16).collect()
}

/// Writes `x` and gives what each command measured of it; all of them end with 0.
fn measured(x: &[f64]) -> [Value; 3] {
    let folder = Folder::new();
    folder.wav16("x.wav", &codes(x));
    folder.wav16("reference.wav", &codes(&sine(997.0, 0.5, N)));
    all_commands(&folder)
}

/// `analyze`, `compare` with a tone, `adc test`.
fn all_commands(folder: &Folder) -> [Value; 3] {
    ["analyze x.wav", "compare reference.wav x.wav", "adc test x.wav"].map(|line| {
        let run = folder.run(&format!("{} --json", line));
        run.succeeds();
        let json: Value = serde_json::from_str(&run.text()).expect("JSON, without NaN");
        check_definitions(&json);
        json
    })
}

/// Asserts that each of the figures is missing, and the reason.
#[track_caller]
fn missing(json: &Value, keys: &[&str], reason: &str) {
    for key in keys {
        let why = json["reasons"][key].as_str().unwrap_or_else(|| panic!("{key} is {}", json[key]));
        assert!(json[key].is_null() && why.contains(reason), "{key}: {why}");
    }
}

#[track_caller]
fn there(json: &Value, keys: &[&str]) {
    for key in keys {
        assert!(json[key].is_number(), "{key}: {}", json["reasons"][key]);
    }
}

const TONE: [&str; 5] = ["snr_db", "sinad_db", "thd_db", "sfdr_dbc", "enob_bits"];

#[test]
fn silence() {
    let [analyzed, compared, tested] = measured(&[0.0; N]);
    missing(&analyzed, &[&TONE[..], &["rms_dbfs", "peak_dbfs", "crest_db"]].concat(), "silence: every sample is zero");
    there(&analyzed, &["dc", "clipped_samples"]);
    missing(&compared, &["delay_samples", "gain_db", "drift_ppm"], "silence");
    there(&compared, &["snr_db", "max_error"]);
    assert!(compared["warnings"][0].as_str().expect("a warning").starts_with("not aligned"), "{compared}");
    missing(&tested, &TONE, "silence");
    missing(&tested, &["dnl_max_lsb", "bits"], "needs samples that are codes");
}

#[test]
fn silence_as_the_reference() {
    let folder = Folder::new();
    folder.wav16("silence.wav", &[0; N]);
    folder.wav16("x.wav", &codes(&sine(997.0, 0.5, N)));
    let json = folder.json("compare silence.wav x.wav");
    check_definitions(&json);
    missing(&json, &["snr_db", "segsnr_db", "si_sdr_db", "lsd_db", "null_depth_db"], "silence");
    there(&json, &["max_error", "psnr_db", "nmr_db"]);
}

#[test]
fn dc_only() {
    let [analyzed, compared, tested] = measured(&[0.25; N]);
    missing(&analyzed, &TONE, "nothing but DC");
    there(&analyzed, &["dc", "rms_dbfs", "peak_dbfs"]);
    missing(&compared, &["delay_samples"], "nothing in common");
    missing(&tested, &TONE, "nothing but DC");
    missing(&tested, &["dnl_max_lsb"], "needs a stimulus that crosses four codes or more");
}

#[test]
fn samples_that_are_not_finite() {
    let mut x: Vec<f32> = sine(997.0, 0.5, N).iter().map(|x| *x as f32).collect();
    (x[17], x[4_711], x[7_000]) = (f32::NAN, f32::INFINITY, f32::NEG_INFINITY);
    let folder = Folder::new();
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 8_000,
        bits_per_sample: 32,
        sample_format: hound::SampleFormat::Float,
    };
    let mut file = hound::WavWriter::create(folder.path("x.wav"), spec).expect("a file");
    x.iter().for_each(|x| file.write_sample(*x).expect("written"));
    file.finalize().expect("written");
    folder.wav16("reference.wav", &codes(&sine(997.0, 0.5, N)));
    let [analyzed, compared, tested] = all_commands(&folder);
    missing(&analyzed, &TONE, "3 samples are not finite");
    there(&analyzed, &["peak_dbfs", "rms_dbfs", "loudness_lufs"]);
    assert!((analyzed["peak_dbfs"].as_f64().expect("a figure") + 6.02).abs() < 0.01);
    assert_eq!(analyzed["warnings"][0], "3 samples are not finite and were left out");
    missing(&compared, &["snr_db", "nmr_db", "delay_samples"], "3 samples are not finite");
    there(&compared, &["error_mean_dependence"]);
    missing(&tested, &TONE, "3 samples are not finite");
}

#[test]
fn fewer_than_16_samples() {
    let [analyzed, compared, tested] = measured(&sine(1_500.0, 0.5, 15));
    missing(&analyzed, &TONE, "15 samples; at least 16 are needed");
    there(&analyzed, &["peak_dbfs", "rms_dbfs"]);
    missing(&analyzed, &["loudness_lufs", "floor_dbfs"], "samples; at least");
    missing(&compared, &["delay_samples"], "15 samples; at least 64 are needed");
    there(&compared, &["snr_db", "max_error"]);
    missing(&tested, &TONE, "15 samples; at least 16 are needed");
}

#[test]
fn no_tone_above_the_floor() {
    let folder = Folder::new();
    folder.run("generate white --rate 8000 --level -20 --bits 16 -o x.wav").succeeds();
    folder.wav16("reference.wav", &codes(&sine(997.0, 0.5, N)));
    let [analyzed, compared, tested] = all_commands(&folder);
    missing(&analyzed, &TONE, "no tone found: the largest line is ");
    there(&analyzed, &["rms_dbfs", "loudness_lufs"]);
    missing(&compared, &["delay_samples"], "nothing in common");
    missing(&tested, &TONE, "no tone found");
}

#[test]
fn a_tone_under_the_lobe_of_dc_and_fewer_than_two_periods() {
    for (periods, dc) in [(1.2, 0.5), (1.5, 0.0), (0.4, 0.0)] {
        let x: Vec<f64> = sine(periods, 0.2, N).iter().map(|x| x + dc).collect();
        let [analyzed, _, tested] = measured(&x);
        missing(&analyzed, &TONE, "periods in the record; at least 2 are needed");
        there(&analyzed, &["rms_dbfs", "dc"]);
        missing(&tested, &TONE, "periods in the record; at least 2 are needed");
    }
}

#[test]
fn two_equal_tones() {
    let x: Vec<f64> = sine(1_000.0, 0.4, N).iter().zip(sine(3_777.0, 0.4, N)).map(|(a, b)| a + b).collect();
    let [analyzed, _, tested] = measured(&x);
    missing(&analyzed, &TONE, "several tones: the second is only 0.0 dB below the first");
    there(&analyzed, &["imd3_dbc", "tone_1_dbfs", "tone_2_dbfs", "rms_dbfs"]);
    missing(&tested, &TONE, "several tones");
}

#[test]
fn clipped() {
    let [analyzed, compared, tested] = measured(&sine(997.0, 2.0, N));
    there(&analyzed, &TONE);
    assert!(analyzed["clipped_samples"].as_u64().expect("a count") > 3_000, "{}", analyzed["clipped_samples"]);
    there(&compared, &["snr_db", "gain_db"]);
    there(&tested, &TONE);
    missing(&tested, &["dnl_max_lsb"], "8000 samples; at least");
}

#[test]
fn noise_power_ratio_of_what_is_no_noise() {
    let folder = Folder::new();
    folder.wav16("tone.wav", &codes(&sine(997.0, 2.0, N)));
    folder.wav16("silence.wav", &[0; N]);
    folder.wav16("short.wav", &codes(&sine(997.0, 0.5, 100)));
    for (name, why) in [("tone", "needs noise, without tones"), ("silence", "silence"), ("short", "100 samples")] {
        let json = folder.json(&format!("adc test --stimulus noise {name}.wav"));
        check_definitions(&json);
        missing(&json, &["npr_db", "loading_db"], why);
    }
}

#[test]
fn pairs_of_other_rates_and_channels() {
    let folder = Folder::new();
    folder.run("generate sine --seconds 0.2 -o a.wav").succeeds();
    folder.run("generate sine --seconds 0.2 --rate 44100 -o rate.wav").succeeds();
    folder.run("generate sine --seconds 0.2 --channels 2 -o two.wav").succeeds();
    let json = folder.json("compare a.wav rate.wav");
    assert_eq!(json["warnings"][0], "has 44100 Hz, a.wav 48000 Hz; resampled to that for the comparison");
    assert!(json["snr_db"].as_f64().expect("a figure") > 80.0, "{json}");
    folder.run("compare a.wav two.wav").fails(3, "two.wav: has 2 channels, a.wav 1");
    folder.run("compare two.wav a.wav").fails(3, "a.wav: has 1 channels, two.wav 2");
    // Of several, those that can be compared are.
    let run = folder.run("compare a.wav two.wav a.wav");
    assert!(run.code == 3 && run.text().contains("SNR"), "{}", run.stderr);
}

#[test]
fn pairs_without_overlap() {
    let folder = Folder::new();
    folder.run("generate white --seconds 0.5 -o a.wav").succeeds();
    folder.run("generate white --seconds 0.5 --seed 1 -o b.wav").succeeds();
    let json = folder.json("compare a.wav b.wav");
    check_definitions(&json);
    missing(&json, &["delay_samples", "gain_db", "polarity", "drift_ppm"], "nothing in common");
    there(&json, &["snr_db", "nmr_db"]);
    let run = folder.run("compare --fail-over delay=1 a.wav b.wav");
    assert_eq!(run.code, 1);
    assert!(run.stderr.contains("delay cannot be checked"), "{}", run.stderr);
}
