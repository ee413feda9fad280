//! `sqnr analyze`.

use super::support::Folder;

/// 997 Hz at 8 kHz and half of full scale, rounded to `bits` bits of 16.
fn tone(folder: &Folder, name: &str, bits: u32) {
    let step = f64::from(1 << (16 - bits));
    let code = |n: i32| {
        let x = 16_384.0 * (std::f64::consts::TAU * 997.0 / 8_000.0 * f64::from(n) + 0.3).sin();
        ((x / step).round() * step) as i16
    };
    folder.wav16(name, &(0..8_000).map(code).collect::<Vec<i16>>());
}

#[test]
fn a_tone_is_measured_without_options() {
    let folder = Folder::new();
    tone(&folder, "x.wav", 12);
    let json = folder.json("analyze x.wav");
    assert!((json["frequency_hz"].as_f64().expect("found") - 997.0).abs() < 1e-4);
    assert!((json["level_dbfs"].as_f64().expect("found") + 6.0206).abs() < 0.01);
    // A sine 6.02 dB below full scale in 12 bits: 6.02 12 + 1.76 - 6.02 dB.
    assert!((json["snr_db"].as_f64().expect("found") - 67.98).abs() < 1.0, "{}", json["snr_db"]);
    assert_eq!((&json["bits_used"], &json["clipped_samples"]), (&12.into(), &0.into()));
    assert!((json["peak_dbfs"].as_f64().expect("loud") + 6.02).abs() < 0.02);
    let definition = &json["definitions"]["sinad_db"];
    assert_eq!((&definition["id"], &definition["bandwidth_hz"]), (&"sinad".into(), &4_000.0.into()));
    let text = folder.run("analyze --explain x.wav").succeeds().text();
    assert!(text.contains("SINAD") && text.contains("10 log10("), "{text}");
}

#[test]
fn what_does_not_exist_is_null_with_a_reason() {
    let folder = Folder::new();
    folder.wav16("x.wav", &[0; 4_000]);
    let json = folder.json("analyze x.wav");
    assert!(json["snr_db"].is_null() && json["loudness_lufs"].is_null());
    assert!(json["reasons"]["snr_db"].as_str().expect("a reason").contains("silence"));
    assert!(folder.run("analyze x.wav").succeeds().text().contains("silence"));
}

#[test]
fn limits_decide_the_exit_code() {
    let folder = Folder::new();
    tone(&folder, "x.wav", 12);
    folder.run("analyze --fail-under snr=60dB x.wav").succeeds();
    let run = folder.run("analyze --fail-under snr=80dB --fail-over thd=-200dB x.wav");
    assert_eq!(run.code, 1);
    assert!(run.stderr.contains("SNR is") && run.stderr.contains("THD is"), "{}", run.stderr);
    folder.run("analyze --fail-under snrr=80dB x.wav").fails(2, "no figure is called 'snrr'");
    assert_eq!(folder.run("analyze --method genalyser x.wav").code, 2);
}
