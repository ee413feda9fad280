//! `encode` and `decode` as a user meets them.

use super::support::Folder;

#[test]
fn a_round_trip_keeps_length_rate_and_sound() {
    let folder = Folder::new();
    folder.song("song.wav");
    folder.run("encode song.wav").succeeds();
    folder.run("decode song.sqn -o back.wav").succeeds();
    let ((spec, x), (back, y)) = (folder.read("song.wav"), folder.read("back.wav"));
    assert_eq!(spec, back);
    assert_eq!(x.len(), y.len());
    let energy = |v: &mut dyn Iterator<Item = i32>| v.map(|v| f64::from(v) * f64::from(v)).sum::<f64>();
    let error = energy(&mut x.iter().zip(&y).map(|(x, y)| y - x));
    assert!(error < 0.01 * energy(&mut x.iter().copied()), "{error}");
}

#[test]
fn goals_are_met() {
    let folder = Folder::new();
    folder.song("song.wav");
    let kbps = folder.json("encode -r 8k song.wav -o rate.sqn")["bitrate_kbps"].as_f64().expect("a number");
    assert!((kbps / 8.0 - 1.0).abs() < 0.01, "{kbps}");
    let coarse = folder.json("encode --snr 20dB song.wav -o coarse.sqn")["bytes"].as_u64().expect("a number");
    let fine = folder.json("encode --snr 50dB song.wav -o fine.sqn")["bytes"].as_u64().expect("a number");
    assert!(fine > coarse);
}

#[test]
fn values_out_of_range_are_wrong_use() {
    let folder = Folder::new();
    folder.song("song.wav");
    for (line, part) in [
        ("encode -r 0.5k song.wav", "within 1k and 10000k"),
        ("encode -r 100000k song.wav", "within 1k and 10000k"),
        ("encode -q 99 song.wav", "within 0 and 10"),
        ("encode --snr 999 song.wav", "within 0 and 120"),
        ("encode -q 5 -r 96k song.wav", "cannot be used with"),
        ("decode --range 2..1 song.wav", "ends before it begins"),
    ] {
        folder.run(line).fails(2, part);
    }
    assert_eq!(folder.names(), ["song.wav"]);
}

#[test]
fn damage_ends_with_group_and_time_and_leaves_nothing() {
    let folder = Folder::new();
    folder.song("song.wav");
    folder.run("encode song.wav").succeeds();
    let mut bytes = folder.bytes("song.sqn");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 16;
    folder.write("bad.sqn", &bytes);
    folder.run("verify song.sqn").succeeds();
    folder.run("verify bad.sqn").fails(1, "group 0");
    folder.run("decode bad.sqn").fails(3, "group 0 (0:00.000)");
    assert!(!folder.has("bad.wav"));
    let run = folder.run("decode bad.sqn --salvage");
    assert!(run.succeeds().stderr.contains("group 0"), "{}", run.stderr);
    assert_eq!(folder.read("bad.wav").1.len(), 4_000);
    folder.run("decode song.wav -o x.wav").fails(3, "not an .sqn file");
}

#[test]
fn a_range_is_a_part_of_the_whole() {
    let folder = Folder::new();
    folder.song("song.wav");
    folder.run("encode song.wav").succeeds();
    folder.run("decode song.sqn -o all.wav").succeeds();
    folder.run("decode song.sqn --range 0.1..0.25 -o part.wav").succeeds();
    assert_eq!(folder.read("part.wav").1, folder.read("all.wav").1[800..2_000]);
}

#[test]
fn pipes_work_both_ways() {
    let folder = Folder::new();
    folder.song("song.wav");
    folder.run("encode song.wav").succeeds();
    let encoded = folder.run_with_stdin("encode - -o -", folder.bytes("song.wav"));
    assert_eq!((encoded.code, &encoded.stdout), (0, &folder.bytes("song.sqn")));
    folder.run("decode song.sqn -o back.wav").succeeds();
    let decoded = folder.run_with_stdin("decode - -o piped.wav", encoded.stdout);
    assert_eq!(decoded.code, 0, "{}", decoded.stderr);
    assert_eq!(folder.read("piped.wav"), folder.read("back.wav"));
}

#[test]
fn encoded_files_are_inputs_of_other_commands() {
    let folder = Folder::new();
    folder.song("song.wav");
    folder.run("encode song.wav").succeeds();
    folder.run("decode -b 24 --dither none song.sqn -o back.wav").succeeds();
    let snr =
        |test: &str| folder.json(&format!("compare --no-align song.wav {test}"))["snr_db"].as_f64().expect("a number");
    let (encoded, decoded) = (snr("song.sqn"), snr("back.wav"));
    assert!(encoded > 20.0 && (encoded - decoded).abs() < 0.01, "{encoded} and {decoded} dB");
    let piped = folder.run_with_stdin("analyze -", folder.bytes("song.sqn"));
    assert_eq!(piped.code, 0, "{}", piped.stderr);
    folder.run("encode song.sqn -o song.sqn -f").fails(2, "is the input");
}

#[test]
fn a_second_run_over_a_folder_leaves_the_first_results_alone() {
    let folder = Folder::new();
    std::fs::create_dir(folder.path("music")).expect("made");
    folder.song("music/a.wav");
    folder.run("encode -R music").succeeds();
    let run = folder.run("encode -n -R music");
    assert!(run.succeeds().stderr.contains("skipped, music/a.sqn exists"), "{}", run.stderr);
    folder.run("verify -R music").succeeds();
    folder.run("decode -R music -O back").succeeds();
    assert!(folder.has("back/a.wav"));
}
