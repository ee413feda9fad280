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
    folder.run("compare song.wav stereo.wav").fails(3, "stereo.wav: has 2 channels, song.wav 1");
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

/// A wave that is different everywhere, as codes.
fn wave(n: usize, seed: u32) -> Vec<i16> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(state >> 8) / f64::from(1 << 24) - 0.5
    };
    let mut smooth = 0.0;
    (0..n)
        .map(|_| {
            smooth += 0.2 * (next() - smooth);
            (30_000.0 * smooth) as i16
        })
        .collect()
}

/// Two channels, one sample after the other.
fn stereo(folder: &Folder, name: &str, left: &[i16], right: &[i16]) {
    let spec = hound::WavSpec {
        channels: 2,
        sample_rate: 8_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut file = hound::WavWriter::create(folder.path(name), spec).expect("a file");
    for (l, r) in left.iter().zip(right) {
        file.write_sample(*l).expect("written");
        file.write_sample(*r).expect("written");
    }
    file.finalize().expect("written");
}

#[test]
fn a_wrong_channel_fails_the_file() {
    let folder = Folder::new();
    let (l, r) = (wave(16_000, 1), wave(16_000, 2));
    let inverted: Vec<i16> = r.iter().map(|r| -r).collect();
    let late: Vec<i16> = std::iter::repeat_n(0, 96).chain(r.iter().copied()).take(16_000).collect();
    stereo(&folder, "ref.wav", &l, &r);
    stereo(&folder, "inverted.wav", &l, &inverted);
    stereo(&folder, "late.wav", &l, &late);
    stereo(&folder, "swapped.wav", &r, &l);
    for (name, warning) in [
        ("inverted", "channel 2 is inverted against channel 1"),
        ("late", "channel 2 is 96.00 samples (0.012000 s) late against channel 1"),
        ("swapped", "channels 1 and 2 are swapped"),
    ] {
        let json = folder.json(&format!("compare ref.wav {name}.wav"));
        assert!(json["warnings"].to_string().contains(warning), "{name}: {}", json["warnings"]);
        let run = folder.run(&format!("compare --fail-under snr=60dB ref.wav {name}.wav"));
        assert!(run.code == 1 && run.stderr.contains("channel 2: SNR is"), "{name}: {}", run.stderr);
    }
    let json = folder.json("compare --align channel --fail-under snr=60dB ref.wav inverted.wav");
    assert_eq!((&json["align"], &json["channels_detail"][1]["polarity"]), (&"channel".into(), &(-1.0).into()));
    assert!(
        folder
            .run("compare --align channel ref.wav inverted.wav")
            .succeeds()
            .text()
            .starts_with("each channel aligned by itself")
    );
    folder.run("compare --align channel --no-align ref.wav late.wav").fails(2, "cannot be used with");
}

#[test]
fn what_is_missing_fails_by_its_coverage() {
    let folder = Folder::new();
    let x = wave(24_000, 3);
    folder.wav16("ref.wav", &x);
    folder.wav16("half.wav", &x[..12_000]);
    folder.wav16("glitch.wav", &[&x[..10_000], &x[10_040..]].concat());
    let late = [vec![0; 1_200_000], x.clone()].concat();
    folder.wav16("late.wav", &late);
    let check = |name: &str| {
        folder.run(&format!("compare --fail-under snr=60dB --fail-under coverage=100% ref.wav {name}.wav"))
    };
    let half = check("half");
    assert!(half.code == 1 && half.stderr.contains("missing: the last 12000 samples (1.500000 s)"), "{}", half.stderr);
    assert!(half.stderr.contains("coverage is 50 %, under 100 %"), "{}", half.stderr);
    // Half a file passes no check by being free of errors.
    folder.run("compare --fail-under snr=60dB ref.wav half.wav --json").code_is(1);
    folder.run("compare --fail-under snr=60dB --fail-under coverage=40 ref.wav half.wav").code_is(0);
    let glitch = check("glitch");
    assert!(glitch.code == 1 && glitch.stderr.contains("missing: 40 samples (0.005000 s)"), "{}", glitch.stderr);
    assert!(glitch.stderr.contains("at 1.250000 s (sample 10000)"), "{}", glitch.stderr);
    check("late").succeeds();
    assert_eq!(folder.json("compare ref.wav late.wav")["delay_samples"], 1_200_000.0);
}

#[test]
fn standard_input_is_read_as_often_as_a_file() {
    let folder = Folder::new();
    folder.song("song.wav");
    let run = folder.run_with_stdin("compare --json song.wav -", folder.bytes("song.wav"));
    assert!(run.code == 0 && run.text().contains("\"coverage_percent\":100.0"), "{} {}", run.text(), run.stderr);
}

#[test]
fn a_header_that_tells_of_more_than_there_is_costs_no_memory() {
    let folder = Folder::new();
    folder.song("song.wav");
    let mut bytes = folder.bytes("song.wav");
    let at = bytes.windows(4).position(|four| four == b"data").expect("a chunk") + 4;
    bytes[at..at + 4].copy_from_slice(&(u32::MAX - 1_001).to_le_bytes());
    folder.write("lying.wav", &bytes);
    let run = folder.run("compare --json song.wav lying.wav");
    assert!(run.code == 3 && run.stderr.lines().count() == 1 || run.code == 0, "{}", run.stderr);
}
