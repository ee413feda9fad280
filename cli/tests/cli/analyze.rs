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

/// A second of 1 kHz at -30 dBFS in one of `n_channels` channels, the others silent.
fn one_channel(folder: &Folder, (n_channels, mask): (u16, u32), channel: usize) {
    let sine = |n: usize| 32_767.0 * 10f64.powf(-1.5) * (std::f64::consts::TAU / 48.0 * n as f64).sin();
    let frame =
        |n: usize| (0..usize::from(n_channels)).map(move |c| if c == channel { sine(n).round() as i16 } else { 0 });
    folder.wav_of_positions("x.wav", n_channels, mask, &(0..48_000).flat_map(frame).collect::<Vec<i16>>());
}

#[test]
fn loudness_follows_the_channel_mask() {
    let folder = Folder::new();
    // A side channel counts 1.49 dB more than those in front, at the back and above.
    for (layout, channel, want) in [
        ((8, 0x63F), 6, -31.52),
        ((8, 0x63F), 4, -33.01),
        ((8, 0x63F), 0, -33.01),
        ((6, 0x3F), 5, -31.52),
        ((4, 0x107), 2, -33.01),
    ] {
        one_channel(&folder, layout, channel);
        let json = folder.json("analyze x.wav");
        let got = json["loudness_lufs"].as_f64().expect("loud");
        assert!((got - want).abs() < 0.02, "{layout:?} {channel}: {got}");
        assert_eq!(json["warnings"].as_array().expect("a list").len(), 0, "{}", json["warnings"]);
    }
    one_channel(&folder, (3, 0xB), 2);
    let json = folder.json("analyze x.wav");
    assert!(json["loudness_lufs"].is_null() && json["reasons"]["loudness_lufs"].as_str().expect("why").contains("low"));
    // Without a mask the usual layout is taken, and said.
    one_channel(&folder, (6, 0), 4);
    let json = folder.json("analyze x.wav");
    assert!((json["loudness_lufs"].as_f64().expect("loud") + 31.52).abs() < 0.02, "{json}");
    assert!(json["warnings"][0].as_str().expect("said").contains("L R C LFE Ls Rs"), "{}", json["warnings"]);
}

#[test]
fn dual_mono_counts_one_channel_twice() {
    let folder = Folder::new();
    one_channel(&folder, (1, 0x4), 0);
    for (options, want) in [("", -33.01), ("--dual-mono", -30.0)] {
        let got = folder.json(&format!("analyze x.wav {options}"))["loudness_lufs"].as_f64().expect("loud");
        assert!((got - want).abs() < 0.02, "{options}: {got}");
    }
    one_channel(&folder, (2, 0x3), 0);
    let json = folder.json("analyze --dual-mono x.wav");
    assert!(json["warnings"][0].as_str().expect("said").contains("dual mono"), "{}", json["warnings"]);
}

#[test]
fn the_quietest_100_ms_start_anywhere() {
    let folder = Folder::new();
    // A second at 8 kHz, full of noise but for 900 samples that no whole 100 ms lie in.
    let code = |n: i32| if (8_000..8_900).contains(&(n + 7_000)) { 2 } else { 16_000 * (1 - 2 * (n % 3 % 2)) as i16 };
    folder.wav16("x.wav", &(0..8_000).map(code).collect::<Vec<i16>>());
    let floor = folder.json("analyze x.wav")["floor_dbfs"].as_f64().expect("long enough");
    assert!((floor - 20.0 * (2.0 / 32_768.0 * 2f64.sqrt()).log10()).abs() < 0.01, "{floor}");
}
