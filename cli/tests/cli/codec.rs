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
    // Long enough that a byte is no percent of it.
    folder.copy("singing.wav", "song.wav");
    let kbps = folder.json("encode -r 48k song.wav -o rate.sqn")["bitrate_kbps"].as_f64().expect("a number");
    assert!((kbps / 48.0 - 1.0).abs() < 0.01, "{kbps}");
    let coarse = folder.json("encode --snr 20dB song.wav -o coarse.sqn")["bytes"].as_u64().expect("a number");
    let fine = folder.json("encode --snr 50dB song.wav -o fine.sqn")["bytes"].as_u64().expect("a number");
    assert!(fine > coarse);
}

#[test]
fn every_band_quantizer_returns_the_sound() {
    let folder = Folder::new();
    folder.song("song.wav");
    for kind in ["uniform", "power-law", "lloyd-max", "trellis"] {
        folder.run(&format!("encode --band-quantizer {kind} song.wav -o {kind}.sqn")).succeeds();
        folder.run(&format!("decode {kind}.sqn -o {kind}.wav")).succeeds();
        let ((_, x), (_, y)) = (folder.read("song.wav"), folder.read(&format!("{kind}.wav")));
        let energy = |v: &mut dyn Iterator<Item = i32>| v.map(|v| f64::from(v) * f64::from(v)).sum::<f64>();
        let error = energy(&mut x.iter().zip(&y).map(|(x, y)| y - x));
        assert!(x.len() == y.len() && error < 0.02 * energy(&mut x.iter().copied()), "{kind}: {error}");
    }
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

#[test]
fn info_tells_header_groups_and_rate() {
    let folder = Folder::new();
    folder.song("song.wav");
    folder.run("encode -q 6 song.wav").succeeds();
    let text = folder.run("info song.sqn").succeeds().text();
    for part in ["SQN, transform codec", "8000 Hz", "0:00.500 (4000 samples", "uniform, noise", "-32.40 dB", "16 bits"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
    let json = folder.json("info song.sqn");
    let number = |key: &str| json[key].as_f64().unwrap_or_else(|| panic!("{key}: {json}"));
    let size = folder.bytes("song.sqn").len() as f64;
    assert_eq!((number("samples"), number("bytes"), number("superframe_samples")), (4_000.0, size, 512.0));
    assert!((number("bitrate_kbps") - size * 8.0 / 500.0).abs() < 1e-9);
    let group = &json["groups"][0];
    assert_eq!(number("header_bytes") + group["bytes"].as_f64().expect("a number") + number("end_bytes"), size);
    folder.write("cut.sqn", &folder.bytes("song.sqn")[..200]);
    let run = folder.run("info cut.sqn");
    assert!(run.succeeds().stderr.contains("the file ends within it"), "{}", run.stderr);
    folder.write("head.sqn", &folder.bytes("song.sqn")[..20]);
    folder.run("info head.sqn").fails(3, "ends within its header");
}

#[test]
fn verifying_gives_the_loss() {
    let folder = Folder::new();
    folder.song("song.wav");
    let checked = folder.json("encode --verify song.wav");
    folder.run("encode song.wav -o plain.sqn").succeeds();
    assert_eq!(folder.bytes("song.sqn"), folder.bytes("plain.sqn"));
    let snr_db = checked["snr_db"].as_f64().expect("a number");
    let against = folder.json("verify --against song.wav song.sqn");
    assert_eq!((against["snr_db"].as_f64(), against["whole"].as_bool()), (Some(snr_db), Some(true)));
    let compared = folder.json("compare --no-align song.wav song.sqn")["snr_db"].as_f64().expect("a number");
    assert!((compared - snr_db).abs() < 0.01, "{compared} and {snr_db} dB");
    folder.copy("singing.wav", "singing.wav");
    let exact =
        folder.json("encode --snr 40dB --verify singing.wav -o exact.sqn")["snr_db"].as_f64().expect("a number");
    assert!((exact - 40.0).abs() < 0.05, "{exact}");

    folder.wav16("other.wav", &[0; 3_000]);
    folder.run("verify --against other.wav song.sqn").fails(1, "4000 samples per channel, 3000 in other.wav");
    folder.run("verify --against singing.wav song.sqn").fails(3, "Hz");
    folder.run("verify --against absent.wav song.sqn").fails(3, "no such file");
    let piped = folder.run_with_stdin("verify -", folder.bytes("song.sqn"));
    assert_eq!(piped.code, 0, "{}", piped.stderr);
}

#[test]
fn a_noise_to_mask_ratio_is_met() {
    let folder = Folder::new();
    folder.copy("singing.wav", "singing.wav");
    let reached = folder.json("encode --nmr -12dB singing.wav")["nmr_db"].as_f64().expect("a number");
    assert!((reached + 12.0).abs() < 0.2, "{reached} dB");
    let measured = folder.json("compare singing.wav singing.sqn")["codec_nmr_db"].as_f64().expect("a number");
    assert!((measured - reached).abs() < 0.01, "{measured} and {reached} dB");
}

#[test]
fn compare_shows_where_the_bits_went() {
    let folder = Folder::new();
    folder.copy("singing.wav", "singing.wav");
    let rate = folder.json("encode --max-bandwidth 4000 singing.wav")["bitrate_kbps"].as_f64().expect("a number");
    let text = folder.run("compare singing.wav singing.sqn").succeeds().text();
    assert!(text.contains("bits/coef") && text.contains("noise-to-mask ratio by the encoder's model"), "{text}");
    let json = folder.json("compare singing.wav singing.sqn");
    let bands = json["codec_bands"].as_array().expect("bands");
    let total: f64 = bands.iter().map(|b| b["bitrate_kbps"].as_f64().expect("a number")).sum();
    let total = total + json["codec_common_kbps"].as_f64().expect("a number");
    assert!((total / rate - 1.0).abs() < 0.1, "{total} of {rate} kbit/s");
    // a band of a short block that starts below may reach 1.4 kHz further
    let above = bands.iter().filter(|b| b["low_hz"].as_f64() > Some(6_000.0));
    assert!(above.clone().count() > 5 && above.clone().all(|b| b["empty_share"].as_f64() == Some(1.0)));
}

#[test]
fn bits_are_given_by_hand() {
    let folder = Folder::new();
    folder.copy("singing.wav", "singing.wav");
    folder.write("table.txt", b"5 5 5 5 5\n5 5 5 5 5\n");
    let run = folder.run("encode --bits-per-band table.txt singing.wav");
    assert!(run.succeeds().text().contains("6.02 B"), "{}", run.text());
    let json = folder.json("encode --bits-per-band 5,5,5,5,5,5,5,5,5,5 singing.wav -o again.sqn");
    assert_eq!(folder.bytes("again.sqn"), folder.bytes("singing.sqn"));
    for band in json["codec_bands"].as_array().expect("bands") {
        let (low, share) = (band["low_hz"].as_f64(), band["empty_share"].as_f64());
        // z = 10 lies at 440 Hz, and bands of short blocks are up to 1.4 kHz wide
        assert!(low < Some(1_500.0) || share == Some(1.0), "{band}");
    }
}

#[test]
fn goals_exclude_each_other_and_have_ranges() {
    let folder = Folder::new();
    folder.song("song.wav");
    for (line, part) in [
        ("encode --nmr -10 -q 5 song.wav", "cannot be used with"),
        ("encode --bits-per-band 3 --snr 20 song.wav", "cannot be used with"),
        ("encode --nmr 30 song.wav", "within -60 and 20"),
        ("encode --bits-per-band 3,x song.wav", "'x' is neither a number of bits"),
        ("encode --bits-per-band 25 song.wav", "0 to 24"),
    ] {
        folder.run(line).fails(2, part);
    }
    let run = folder.run("encode -r 1k song.wav");
    assert!(run.succeeds().stderr.contains("cannot be met"), "{}", run.stderr);
}

#[test]
fn tags_and_invalid_samples_are_carried_and_counted() {
    let folder = Folder::new();
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 8_000,
        bits_per_sample: 32,
        sample_format: hound::SampleFormat::Float,
    };
    let mut writer = hound::WavWriter::create(folder.path("bad.wav"), spec).expect("created");
    for x in [f32::NAN, f32::INFINITY, 0.5, f32::NEG_INFINITY] {
        writer.write_sample(x).expect("written");
    }
    writer.finalize().expect("finished");
    let run = folder.run("encode --verify bad.wav");
    assert!(run.succeeds().stderr.contains("3 samples were not finite"), "{}", run.stderr);
    assert_eq!(folder.json("encode -f bad.wav")["invalid_samples"], 3);
    folder.wav16("nothing.wav", &[]);
    folder.run("encode --verify nothing.wav").succeeds();
    folder.run("decode nothing.sqn -o back.wav").succeeds();
    assert!(folder.read("back.wav").1.is_empty());
}
