//! `sweep` as a program.

use super::support::Folder;

#[test]
fn a_target_is_met_by_the_command_it_prints() {
    let folder = Folder::new();
    folder.song("song.wav");
    let object = folder.json("sweep song.wav --target-snr 18dB --max-bits 4");
    let pick = &object["recommended"];
    assert!(pick["snr_db"].as_f64() >= Some(18.0), "{pick}");
    let points = object["points"].as_array().expect("an array");
    assert!(points.len() > 50 && object["stretches"].is_null(), "{points:?}");
    let command = pick["command"].as_str().expect("a command").trim_start_matches("sqnr ");
    let done = folder.json(&format!("{command} -o out.wav"));
    assert!((done["snr_db"].as_f64().expect("finite") - pick["snr_db"].as_f64().expect("finite")).abs() < 1e-6);
    assert!(folder.has("out.wav"));
}

/// Rows are of the file, not of a model of it: rate and SNR are those that the command prints.
#[test]
fn every_row_names_a_command_that_does_what_it_says() {
    let folder = Folder::new();
    folder.noise("noise.wav");
    folder.song("song.wav");
    for (file, bits) in [("noise.wav", 2), ("song.wav", 4)] {
        let object = folder.json(&format!("sweep {file} --max-bits {bits}"));
        let points = object["points"].as_array().expect("an array");
        let methods: std::collections::BTreeSet<_> = points.iter().map(|p| p["method"].as_str()).collect();
        assert!(methods.len() >= 13, "{methods:?}");
        for point in points.iter().filter(|p| p["bits"].as_f64() == Some(f64::from(bits))) {
            let command = point["command"].as_str().expect("a command").trim_start_matches("sqnr ");
            let done = folder.json(&format!("{command} -o out.wav -f"));
            assert_eq!(done["snr_db"].as_f64(), point["snr_db"].as_f64(), "{command}");
            if done["rate_bits"].is_number() {
                assert_eq!(done["rate_bits"], point["rate_bits"], "{command}");
            }
        }
    }
}

#[test]
fn noise_is_weighted_as_asked() {
    let folder = Folder::new();
    folder.song("song.wav");
    let noise = |options: &str| {
        let object = folder.json(&format!("sweep song.wav --max-bits 3 {options}"));
        let of = |p: &&serde_json::Value| p["method"] == "lloyd-max" && p["bits"] == 3;
        let point = object["points"].as_array().expect("an array").iter().find(of).cloned().expect("a point");
        (point["noise_dbfs"].as_f64().expect("finite"), point["snr_db"].as_f64().expect("finite"))
    };
    let (flat, snr) = noise("--weighting flat");
    // The song's power over that of a full-scale sine is the level its noise lies under by the SNR, +-0.5 dB.
    let codes = folder.read("song.wav").1;
    let power = codes.iter().map(|&c| (f64::from(c) / 32_768.0).powi(2)).sum::<f64>() / codes.len() as f64;
    assert!((flat - (10.0 * (2.0 * power).log10() - snr)).abs() < 0.5, "{flat}");
    // The A curve takes and gives below 4 kHz; that of ITU-R 468 gives 5 to 10 dB above 2 kHz.
    assert!((noise("").0 - flat).abs() > 0.02 && noise("--weighting itu-468").0 > flat + 1.0);
    assert!(folder.run("sweep song.wav --max-bits 1").succeeds().text().contains("noise dBFS(A)"));
    folder.run("sweep song.wav --weighting loud").fails(2, "a, c, itu-468");
}

#[test]
fn codes_of_one_length_can_be_asked_for() {
    let folder = Folder::new();
    folder.song("song.wav");
    let object = folder.json("sweep song.wav --max-bits 2 --max-rate 2 --fixed-length");
    let rate = object["recommended"]["rate_bits"].as_f64().expect("a number");
    assert!(rate == 1.0 || rate == 2.0, "{rate}");
}

#[test]
fn an_impossible_target_fails_the_check_and_says_what_is_possible() {
    let folder = Folder::new();
    folder.song("song.wav");
    folder.run("sweep song.wav --target-snr 90 --max-bits 2").fails(1, "reaches 90 dB");
    folder.run("sweep song.wav --target-snr loud").fails(2, "40dB");
    folder.run("sweep song.wav -o x.svg").fails(2, "--plot");
    folder.wav16("flat.wav", &[7; 100]);
    folder.run("sweep flat.wav").fails(3, "constant");
}

#[test]
fn the_picture_holds_the_bound() {
    let folder = Folder::new();
    folder.song("song.wav");
    folder.run("sweep song.wav --max-bits 2 --plot").succeeds();
    assert!(String::from_utf8_lossy(&folder.bytes("song.sweep.svg")).contains("R(D)"));
    folder.run("sweep song.wav --max-bits 2 --plot --csv -o picture.png").succeeds();
    assert!(folder.bytes("picture.png").starts_with(b"\x89PNG"));
    assert!(String::from_utf8_lossy(&folder.bytes("picture.csv")).contains("rate_bits"));
    folder.run("sweep song.wav --max-bits 2 --plot -o picture.pdf").fails(2, ".svg or .png");
}
