//! `quantize` by coders that remember: one-bit modulators and DSF, ADPCM, DPCM.

use super::support::Folder;

/// 0.4 s at 44.1 kHz: a chord within full scale.
fn chord(folder: &Folder, name: &str, channels: u16) {
    let spec =
        hound::WavSpec { channels, sample_rate: 44_100, bits_per_sample: 16, sample_format: hound::SampleFormat::Int };
    let mut writer = hound::WavWriter::create(folder.path(name), spec).expect("created");
    for n in 0..17_640 {
        let t = f64::from(n) / 44_100.0;
        let tone = |hz: f64| (std::f64::consts::TAU * hz * t).sin();
        for c in 0..channels {
            // No edges: what is beyond 20 kHz does not come back.
            let fade = (std::f64::consts::PI * f64::from(n) / 17_640.0).sin().powi(2);
            let x = 9000.0 * tone(440.0 * f64::from(c + 1)) + 6000.0 * tone(1320.0) + 3000.0 * tone(5000.0);
            let x = fade * x;
            writer.write_sample(x as i16).expect("written");
        }
    }
    writer.finalize().expect("finished");
}

fn snr(folder: &Folder, line: &str) -> f64 {
    folder.json(line)["snr_db"].as_f64().expect("a figure")
}

#[test]
fn one_bit_audio_goes_to_dsf_and_back() {
    let folder = Folder::new();
    chord(&folder, "song.wav", 2);
    let written = folder.json("quantize --format dsd64 song.wav");
    assert!(written["snr_db"].as_f64().expect("a figure") > 80.0, "{written}");
    let info = folder.json("info song.dsd64.dsf");
    assert_eq!((info["sample_rate_hz"].as_u64(), info["channels"].as_u64()), (Some(44_100), Some(2)));
    // What is read is what was measured at writing: the decimated bits.
    let read = folder.json("compare --no-align song.wav song.dsd64.dsf");
    let difference = read["snr_db"].as_f64().expect("a figure") - written["snr_db"].as_f64().expect("a figure");
    assert!(difference.abs() < 0.01, "{read} {written}");
    folder.run("quantize -b 16 song.dsd64.dsf -o back.wav").succeeds();
    assert_eq!(folder.read("back.wav").1.len(), 2 * 17_640);
    // The reconstruction itself, when the name is a WAV's; the header counts 4096-byte blocks.
    assert!(
        (snr(&folder, "quantize --format dsd64 song.wav -o y.wav") - written["snr_db"].as_f64().expect("a figure"))
            .abs()
            < 1e-9
    );
    assert_eq!(folder.bytes("song.dsd64.dsf").len(), 92 + (17_640 * 64usize).div_ceil(32_768) * 8192);
}

#[test]
fn a_designed_modulator_codes() {
    let folder = Folder::new();
    chord(&folder, "song.wav", 1);
    folder.run("design modulator --order 3 --osr 16 --gain 2 --levels 17 -o m.json").succeeds();
    assert!(snr(&folder, "quantize -m m.json song.wav") > 60.0);
    assert!(folder.has("song.q.wav"));
    folder.run("quantize -m m.json song.wav -o x.dsf").fails(2, "is 17; allowed: 2");
    folder.run("quantize -m m.json -b 4 song.wav -o x.wav").fails(2, "leave -b and --levels out");
    folder.run("quantize --format ima song.wav -o -").fails(2, "a file that has a name");
    let text = String::from_utf8(folder.bytes("m.json")).expect("JSON");
    folder.write(
        "wild.json",
        text.replacen("\"poles\": [\n    [\n      0.", "\"poles\": [\n    [\n      7.", 1).as_bytes(),
    );
    folder.run("quantize -m wild.json song.wav -o x.wav").fails(3, "unit circle");
    assert!(!folder.has("x.wav") && !folder.has("x.dsf"));
}

#[test]
fn ima_is_written_as_other_programs_read_it() {
    let folder = Folder::new();
    chord(&folder, "song.wav", 2);
    let plain = snr(&folder, "quantize --format ima --paths 1 song.wav -o plain.wav");
    let ahead = snr(&folder, "quantize --format ima song.wav");
    assert!(ahead > plain + 0.5 && plain > 20.0, "{plain} {ahead}");
    // 4 bits a sample, and 4 bytes of 512 for the head.
    let n_bytes = folder.bytes("song.ima.wav").len();
    assert_eq!(n_bytes, 60 + 17_640usize.div_ceil(1017) * 1024);
    // The decoder that comes along multiplies.
    let multiplied = snr(&folder, "quantize --format ima-multiply song.wav");
    let read = snr(&folder, "compare --no-align song.wav song.ima-multiply.wav");
    assert!((multiplied - read).abs() < 0.01, "{multiplied} {read}");
}

#[test]
fn telephony_coders_reconstruct() {
    let folder = Folder::new();
    chord(&folder, "song.wav", 1);
    let of = |name: &str| snr(&folder, &format!("quantize -f --format {name} song.wav -o y.wav"));
    let g726: Vec<f64> = ["g726-16", "g726-24", "g726-32", "g726-40"].map(of).to_vec();
    assert!(g726[..3].windows(2).all(|pair| pair[1] > pair[0] + 2.0) && g726[0] > 8.0 && g726[3] > g726[1], "{g726:?}");
    let g722: Vec<f64> = ["g722-48", "g722-56", "g722"].map(of).to_vec();
    assert!(g722.windows(2).all(|pair| pair[1] > pair[0]) && g722[0] > 10.0, "{g722:?}");
    assert_eq!(folder.read("y.wav").1.len(), 17_640);
    let jayant: Vec<f64> = ["jayant-2", "jayant-3", "jayant-4"].map(of).to_vec();
    assert!(jayant.windows(2).all(|pair| pair[1] > pair[0] + 3.0), "{jayant:?}");
}

#[test]
fn a_designed_predictor_codes() {
    let folder = Folder::new();
    chord(&folder, "song.wav", 1);
    let design = folder.json("design predictor song.wav --order 8 --bits 1..4");
    for depth in design["designs"].as_array().expect("an array") {
        let bits = &depth["bits"];
        let dpcm = snr(&folder, &format!("quantize -m predictor.json -b {bits} song.wav -o y.wav -f"));
        let told = depth["snr_db"].as_f64().expect("a figure");
        assert!((dpcm - told).abs() < 1e-3, "{bits} bits: {dpcm}, told {told}");
        // The same design, made on the way.
        let designed = snr(&folder, &format!("quantize -m dpcm -b {bits} song.wav -o d.wav -f"));
        assert!(designed >= dpcm - 0.5, "{bits} bits: {designed}");
        let alone = snr(&folder, &format!("quantize -m lloyd-max -b {bits} song.wav -o l.wav -f"));
        assert!(dpcm >= alone - 1e-3, "{bits} bits: {dpcm}, Lloyd-Max {alone}");
    }
    let dpcm = snr(&folder, "quantize -m predictor.json song.wav -o y.wav -f");
    assert!(dpcm > snr(&folder, "quantize --format jayant-4 song.wav -o j.wav") + 6.0, "{dpcm}");
    folder.run("quantize -m predictor.json -b 9 song.wav -o x.wav").fails(2, "1, 2, 3, 4");
    folder.run("quantize -m predictor.json --levels 8 song.wav -o x.wav").fails(2, "leave --levels out");
}

/// A predictor for another signal, here one that expects each sample to change sign, must not do harm in silence.
#[test]
fn a_predictor_that_does_harm_is_told() {
    let folder = Folder::new();
    chord(&folder, "song.wav", 1);
    folder.write("old.json", br#"{"kind":"predictor","coefficients":[-1.0]}"#);
    let done = folder.json("quantize -m old.json -b 2 song.wav -o y.wav");
    assert!(done["warnings"].to_string().contains("prediction adds"), "{done}");
    folder.run("design predictor song.wav --bits 2").succeeds();
    assert_eq!(folder.json("quantize -m predictor.json song.wav -o z.wav")["warnings"], serde_json::json!([]));
}

#[test]
fn odd_inputs_are_coded_or_refused() {
    let folder = Folder::new();
    let formats = ["dsd64", "ima", "g726-16", "g722", "jayant-2"];
    for n in [0usize, 1, 2, 23, 1018] {
        folder.wav16("short.wav", &(0..n).map(|i| (i as i16).wrapping_mul(12_345)).collect::<Vec<_>>());
        for format in formats {
            let json = folder.json(&format!(
                "quantize -f --format {format} short.wav -o out.{}",
                if format == "dsd64" { "dsf" } else { "wav" }
            ));
            assert_eq!(json["duration_s"].as_f64(), Some(n as f64 / 8000.0), "{format} {n}");
        }
    }
    folder.wav16("odd.wav", &[1000; 300]);
    let mut bytes = folder.bytes("odd.wav");
    bytes[24..28].copy_from_slice(&44_101u32.to_le_bytes());
    folder.write("odd.wav", &bytes);
    folder.run("quantize --format dsd64 odd.wav").fails(3, "resample");
    bytes[24..28].copy_from_slice(&1u32.to_le_bytes());
    folder.write("odd.wav", &bytes);
    folder.run("quantize --format dsd64 odd.wav").fails(2, "oversampling ratio");
    folder.write("cut.dsf", &folder.bytes("out.dsf")[..500]);
    folder.run("analyze cut.dsf").fails(3, "cut");
    folder.write("lie.dsf", b"DSD \x1c\0\0\0\0\0\0\0");
    folder.run("analyze lie.dsf").fails(3, "cut");
    folder.run("quantize --format dsd65 odd.wav").fails(2, "dsd64");
    folder.run("quantize --format ima --paths 0 odd.wav").fails(2, "1 to 1024");
}
