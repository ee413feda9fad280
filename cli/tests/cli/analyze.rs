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

/// 16-bit codes of a sum of sines: cycles per sample and amplitude of each, half a code of noise against their pattern.
fn codes(n: usize, tones: &[(f64, f64)]) -> Vec<i16> {
    let mut state = 1u64;
    let mut dither = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1u64 << 53) as f64 - 0.5
    };
    let sine = |i: usize, (f, a): (f64, f64)| a * (std::f64::consts::TAU * (f * i as f64).fract() + 0.7).sin();
    let value = |i: usize| 32_767.0 * tones.iter().map(|tone| sine(i, *tone)).sum::<f64>();
    (0..n).map(|i| (value(i) + dither()).round() as i16).collect()
}

#[test]
fn harmonics_that_cannot_be_told_apart_are_named() {
    let folder = Folder::new();
    // Half of full scale at a quarter of the rate, 5 % of third harmonic: all of it on the tone.
    folder.wav16("x.wav", &codes(65_536, &[(0.25, 0.5), (0.75, 0.025)]));
    let json = folder.json("analyze x.wav");
    for key in ["thd_db", "sinad_db", "thd_n_db", "enob_bits"] {
        let reason = json["reasons"][key].as_str().expect("a reason");
        assert!(json[key].is_null() && reason.contains("harmonic 3 falls on the tone"), "{key}: {reason}");
    }
    assert!(json["snr_db"].is_number());
    let warning = json["warnings"][0].as_str().expect("a warning");
    assert!(
        warning.contains("harmonics 3, 5 fall on the tone") && warning.contains("harmonic 4 falls on DC"),
        "{warning}"
    );
    let third = &json["channels_detail"][0]["harmonics"][1];
    assert!(third["level_dbc"].is_null() && third["reason"].as_str().expect("why").contains("the tone"), "{third}");
    // No false pass: what is not measured fails a limit.
    assert_eq!(folder.run("analyze --fail-under sinad=60dB x.wav").code, 1);
}

#[test]
fn two_tones_of_a_long_record_have_their_intermodulation() {
    let folder = Folder::new();
    // SMPTE's pair, 4 to 1, at 48 kHz: 5.5 s and 24 s.
    for n in [(1 << 18) + 1, 1_150_000] {
        let tones = [(60.0 / 48_000.0, 0.64), (7_000.0 / 48_000.0, 0.16), (7_060.0 / 48_000.0, 0.0016)];
        folder.wav_of_positions("x.wav", 1, 4, &codes(n, &tones));
        let json = folder.json("analyze x.wav");
        let smpte = json["smpte_imd_db"].as_f64().unwrap_or_else(|| panic!("{n}: {}", json["reasons"]));
        assert!((smpte + 40.0).abs() < 0.1, "{n}: {smpte}");
    }
}

#[test]
fn music_has_no_tone_figures() {
    let folder = Folder::new();
    for clip in ["organ_choir.wav"] {
        folder.copy(clip, "x.wav");
        let json = folder.json("analyze x.wav");
        for key in ["snr_db", "sinad_db", "sfdr_dbc", "thd_db"] {
            assert!(json[key].is_null() && json["reasons"][key].is_string(), "{clip} {key}: {}", json[key]);
        }
    }
}

#[test]
fn options_say_what_counts_as_harmonic_and_as_spur() {
    let folder = Folder::new();
    let step = 256.0 / 32_768.0;
    let code = |i: i32| (0.9 / step * (std::f64::consts::TAU * 1_001.0 / 48_000.0 * f64::from(i)).sin()).round();
    folder.wav_of_positions("x.wav", 1, 4, &(0..48_000).map(|i| (256.0 * code(i)) as i16).collect::<Vec<_>>());
    let snr = |options: &str| folder.json(&format!("analyze {options} x.wav"))["snr_db"].as_f64().expect("a tone");
    let (few, in_band, all) = (snr(""), snr("--harmonics all --aliased noise"), snr("--harmonics all"));
    assert!(few < in_band && in_band < all, "{few} {in_band} {all}");
    folder.run("plot spectrum --harmonics 20 --aliased noise x.wav -o x.svg").succeeds();
    folder.run("analyze --harmonics 201 x.wav").fails(2, "1 to 200, or all");
    folder.wav_of_positions("y.wav", 1, 4, &codes(48_000, &[(0.02, 0.5), (0.021, 0.005), (0.1, 0.0005)]));
    let sfdr = |options: &str| folder.json(&format!("analyze {options} y.wav"))["sfdr_dbc"].as_f64().expect("a spur");
    assert!((sfdr("") - 40.0).abs() < 0.1 && (sfdr("--min-spur-distance 100") - 60.0).abs() < 0.1);
}
