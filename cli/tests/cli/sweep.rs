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
    assert!(points.len() > 25 && points.iter().all(|p| p["gap_db"].as_f64() > Some(-0.3)), "{points:?}");
    let command = pick["command"].as_str().expect("a command").trim_start_matches("sqnr ");
    let done = folder.json(&format!("{command} -o out.wav"));
    // What is recommended is measured on draws of the distribution, what is done on the signal: within 0.3 dB.
    assert!(done["snr_db"].as_f64() >= Some(17.7), "{command}: {}", done["snr_db"]);
    assert!(folder.has("out.wav"));
}

#[test]
fn every_row_names_a_command_that_does_what_it_says() {
    let folder = Folder::new();
    folder.noise("noise.wav");
    let object = folder.json("sweep noise.wav --max-bits 3");
    let points = object["points"].as_array().expect("an array");
    let methods: std::collections::BTreeSet<_> = points.iter().map(|p| p["method"].as_str()).collect();
    assert_eq!(methods.len(), 10, "{methods:?}");
    for point in points.iter().filter(|p| p["bits"] != 2) {
        let command = point["command"].as_str().expect("a command").trim_start_matches("sqnr ");
        let done = folder.json(&format!("{command} -o out.wav -f"));
        let (told, got) = (point["snr_db"].as_f64().expect("finite"), done["snr_db"].as_f64().expect("finite"));
        // Vectors learn so short a file by heart.
        let is_vector = point["method"] == "vector";
        assert!(got > told - 0.3 && (is_vector || got < told + 0.3), "{command}: {got} dB, told {told}");
    }
}

#[test]
fn noise_is_weighted_as_asked() {
    let folder = Folder::new();
    folder.song("song.wav");
    let noise = |options: &str| {
        let object = folder.json(&format!("sweep song.wav --max-bits 4 {options}"));
        let of = |p: &&serde_json::Value| p["method"] == "lloyd-max" && p["bits"] == 4;
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
