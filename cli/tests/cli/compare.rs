//! `sqnr compare`.

use super::support::Folder;

#[test]
fn comparing_says_what_quantizing_said() {
    let folder = Folder::new();
    folder.copy("organ_choir.wav", "song.wav");
    let quantized = folder.json("quantize -b 8 song.wav")["snr_db"].as_f64().expect("a figure");
    for options in ["", "--no-align"] {
        let json = folder.json(&format!("compare {options} song.wav song.q8.wav"));
        assert!((json["snr_db"].as_f64().expect("a figure") - quantized).abs() < 1e-9, "{json}");
        assert_eq!((&json["delay_samples"], &json["gain_db"]), (&0.0.into(), &0.0.into()));
        assert_eq!(json["channels_detail"].as_array().expect("channels").len(), 2);
    }
}

#[test]
fn delay_gain_and_polarity_are_undone() {
    let folder = Folder::new();
    folder.copy("singing.wav", "song.wav");
    let codes: Vec<i16> = folder.read("song.wav").1.iter().map(|&c| c as i16).collect();
    folder.wav16("a.wav", &codes[..60_000]);
    let late: Vec<i16> = std::iter::repeat_n(0, 137).chain(codes[..60_000].iter().map(|&c| -(c / 2))).collect();
    folder.wav16("b.wav", &late);
    let json = folder.json("compare a.wav b.wav");
    assert_eq!((&json["delay_samples"], &json["polarity"]), (&137.0.into(), &(-1.0).into()));
    assert!((json["gain_db"].as_f64().expect("a figure") + 6.02).abs() < 0.01);
    assert!(json["snr_db"].as_f64().expect("a figure") > 60.0, "{json}");
    let plain = folder.json("compare --no-align a.wav b.wav");
    assert!(plain["snr_db"].as_f64().expect("a figure") < 3.0);
}

#[test]
fn dependence_and_null_depth_are_told() {
    let folder = Folder::new();
    folder.copy("organ_choir.wav", "song.wav");
    folder.run("quantize -b 5 --dither none song.wav -o plain.wav").succeeds();
    folder.run("quantize -b 5 --dither tpdf song.wav -o dithered.wav").succeeds();
    let [plain, dithered] = ["plain.wav", "dithered.wav"].map(|name| folder.json(&format!("compare song.wav {name}")));
    let of = |json: &serde_json::Value, key: &str| json[key].as_f64().unwrap_or_else(|| panic!("{key}: {json}"));
    assert!(of(&plain, "error_mean_dependence") > 0.9, "{}", plain["error_mean_dependence"]);
    assert!(of(&dithered, "error_mean_dependence") < 0.01 && of(&dithered, "error_power_dependence") < 0.01);
    assert!((of(&plain, "null_depth_db") + of(&plain, "snr_db")).abs() < 1e-9);
    let over_time = plain["null_depth_over_time"].as_array().expect("a list");
    assert!(over_time.len() > 5 && over_time.len() <= 1_001, "{}", over_time.len());
    assert!(plain["nmr_bands"][5]["null_depth_db"].as_f64().expect("a band") < 0.0);
}

#[test]
fn limits_decide_the_exit_code() {
    let folder = Folder::new();
    folder.song("song.wav");
    folder.run("quantize -b 8 song.wav").succeeds();
    folder.run("compare song.wav song.q8.wav --fail-under snr=20dB").succeeds();
    let run = folder.run("compare song.wav song.q8.wav --fail-under snr=90dB");
    assert_eq!(run.code, 1);
    run.fails(1, "under 90.00 dB");
    folder.run("compare song.wav song.q8.wav --fail-under snt=90dB").fails(2, "no figure is called 'snt'");
    folder.run("compare song.wav song.wav --fail-under snr=300dB").succeeds();
}

#[test]
fn what_cannot_be_compared_is_said() {
    let folder = Folder::new();
    folder.song("song.wav");
    folder.copy("organ_choir.wav", "stereo.wav");
    folder.run("compare song.wav stereo.wav").fails(3, "stereo.wav: has 44100 Hz, song.wav 8000 Hz");
    folder.run("generate sine --rate 8000 --channels 2 --seconds 0.1 -o two.wav").succeeds();
    folder.run("compare song.wav two.wav").fails(3, "two.wav: has 2 channels, song.wav 1");
    folder.run("compare song.wav").fails(2, "needs a reference and at least one file");
    folder.wav16("silence.wav", &[0; 4_000]);
    let json = folder.json("compare silence.wav song.wav");
    assert!(json["snr_db"].is_null() && json["reasons"]["snr_db"].is_string(), "{json}");
    folder.wav16("empty.wav", &[]);
    let json = folder.json("compare song.wav empty.wav");
    assert!(json["snr_db"].is_null(), "{json}");
}

/// A WAV of 8-bit mono whose data is all hole: the header tells of `told` bytes, the file has `there`.
fn sparse(folder: &Folder, name: &str, told: u32, there: u64) {
    let mut header = b"RIFF\xff\xff\xff\xffWAVEfmt \x10\0\0\0\x01\0\x01\0".to_vec();
    for field in [8_000u32, 8_000, 0x0008_0001] {
        header.extend(field.to_le_bytes());
    }
    header.extend(b"data");
    header.extend(told.to_le_bytes());
    folder.write(name, &header);
    let file = std::fs::File::options().write(true).open(folder.path(name)).expect("there");
    file.set_len(header.len() as u64 + there).expect("a sparse file");
}

#[test]
fn files_too_long_for_memory_are_refused_by_one_line() {
    let folder = Folder::new();
    folder.song("song.wav");
    let limit = 1u64 << 28;
    let message = "is too long to compare: at most 268435456 samples";
    for (name, told) in [("long.wav", (limit + 2) as u32), ("streamed.wav", u32::MAX)] {
        sparse(&folder, name, told, limit + 2);
        folder.run(&format!("compare song.wav {name}")).fails(3, message);
        folder.run(&format!("compare {name} song.wav")).fails(3, message);
    }
    // A header that tells of more than there is costs no memory; the file is short, not long.
    sparse(&folder, "lying.wav", u32::MAX - 1_000, 4_000);
    let run = folder.run("compare --json song.wav lying.wav");
    assert!(run.code == 3 && run.stderr.lines().count() == 1 || run.code == 0, "{}", run.stderr);
    assert!(folder.run("compare --help").text().contains("2^28 samples at most"));
}
