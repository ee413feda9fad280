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
    let command = pick["command"].as_str().expect("a command");
    for line in command.split(" && ") {
        folder.run(line.trim_start_matches("sqnr ")).succeeds();
    }
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
#[cfg(feature = "plot")]
fn the_picture_holds_the_bound() {
    let folder = Folder::new();
    folder.song("song.wav");
    folder.run("sweep song.wav --max-bits 2 --plot").succeeds();
    assert!(String::from_utf8_lossy(&folder.bytes("song.sweep.svg")).contains("R(D)"));
}
