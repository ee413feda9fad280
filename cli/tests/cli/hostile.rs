//! Designs, shapers, coders and arrays that cannot be: each refused in one line that says what would work, or survived.

use super::support::Folder;

#[test]
fn orders_rates_and_gains_out_of_range_name_the_range() {
    let folder = Folder::new();
    folder.song("song.wav");
    folder.wav16("empty.wav", &[]);
    let long = vec!["0.1"; 65].join(",");
    for (line, code, part) in [
        ("design shaper --order 0", 2, "shaper order is 0; allowed: 1 to 64"),
        ("design shaper --order 1000", 2, "shaper order is 1000; allowed: 1 to 64"),
        ("design shaper --rate 0", 2, "sample rate is 0; allowed: 1 Hz to 100 MHz"),
        ("design shaper --rate nan", 2, "sample rate is NaN"),
        ("design shaper --max-total-noise nan", 2, "allowed: 0 to 300 dB"),
        ("design modulator --order 0", 2, "modulator order is 0; allowed: 1 to 8"),
        ("design modulator --order 1000", 2, "modulator order is 1000; allowed: 1 to 8"),
        ("design modulator --osr 0", 2, "oversampling ratio is 0; allowed: 4 to 1024"),
        ("design modulator --gain nan", 2, "out-of-band gain is NaN; allowed: above 1"),
        ("design modulator --gain 100", 2, "allowed: above 1, at most 32"),
        ("design modulator --levels 1", 2, "modulator levels is 1; allowed: 2 to 65536"),
        ("design predictor song.wav --order 1000", 2, "predictor order is 1000; allowed: 0 to 64"),
        ("design predictor song.wav --bits 9", 2, "1 to 8, or a range"),
        ("design predictor empty.wav", 3, "no samples"),
        ("quantize -b 8 -s 0,0,nan song.wav", 2, "coefficient of the error filter is NaN"),
        ("quantize -b 8 -s inf song.wav", 2, "allowed: -1e6 to 1e6"),
        (&format!("quantize -b 8 -s {long} song.wav"), 2, "order of the error filter is 65; allowed: 1 to 64"),
        ("quantize --format int8 --granularity group:0 song.wav", 2, "1 and above"),
    ] {
        folder.run(line).fails(code, part);
    }
    assert_eq!(folder.names(), ["empty.wav", "song.wav"]);
}

#[test]
fn design_files_that_lie_are_refused() {
    let folder = Folder::new();
    folder.song("song.wav");
    for (text, part) in [
        (r#"{"kind":"noise-shaper","feedback":[1e999]}"#, "number out of range"),
        (r#"{"kind":"noise-shaper","feedback":[1e7]}"#, "-1e6 to 1e6"),
        (r#"{"kind":"noise-shaper","feedback":[]}"#, "order of the error filter is 0"),
        (r#"{"kind":"noise-shaper"}"#, "no array \"feedback\""),
        (r#"{"kind":"sieve"}"#, "'sieve' is not a kind of design"),
        ("{", "not JSON"),
    ] {
        folder.write("bad.json", text.as_bytes());
        folder.run("quantize -b 8 -s bad.json song.wav").fails(2, part);
    }
    assert_eq!(folder.names(), ["bad.json", "song.wav"]);
}

/// One sample a second, none at all, and four thousand million a second.
#[test]
fn any_rate_and_length_is_shaped_or_refused() {
    let folder = Folder::new();
    folder.song("song.wav");
    folder.wav16("empty.wav", &[]);
    let mut bytes = folder.bytes("song.wav");
    for (name, rate) in [("slow.wav", 1u32), ("fast.wav", 4_000_000_000)] {
        bytes[24..28].copy_from_slice(&rate.to_le_bytes());
        folder.write(name, &bytes);
    }
    for shape in ["auto", "adaptive"] {
        for (name, n) in [("slow.wav", 4000), ("empty.wav", 0)] {
            folder.run(&format!("quantize -f -b 8 -s {shape} {name} -o out.wav")).succeeds();
            assert_eq!(folder.read("out.wav").1.len(), n);
        }
        folder.run(&format!("quantize -b 8 -s {shape} fast.wav")).fails(2, "allowed: 1 Hz to 100 MHz");
    }
    folder.run("quantize --format dsd64 slow.wav").fails(2, "allowed: 4 to 1024");
    for format in ["int8", "mxfp4", "g722", "dsd64", "jayant-2"] {
        let out = if format == "dsd64" { "out.dsf" } else { "out.wav" };
        assert_eq!(
            folder.json(&format!("quantize -f --format {format} empty.wav -o {out}"))["snr_db"],
            serde_json::Value::Null
        );
    }
}

/// A gain of 8 where less than 2 is stable: the bits are bits all the same, and the warning counts.
#[test]
fn an_unstable_modulator_is_told_and_ends() {
    let folder = Folder::new();
    folder.copy("organ_choir.wav", "song.wav");
    folder.run("design modulator --order 8 --gain 8 -o wild.json").succeeds();
    let run = folder.run("quantize -m wild.json song.wav -o out.wav --json");
    assert!(run.succeeds().stderr.contains("ran away"), "{}", run.stderr);
    let json: serde_json::Value = serde_json::from_slice(&run.stdout).expect("JSON");
    assert!(json["mse"].as_f64().is_some_and(f64::is_finite), "{json}");
}

fn npy(descr: &str, shape: &str, n_bytes: usize) -> Vec<u8> {
    let header = format!("{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}\n");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.resize(bytes.len() + n_bytes, 0);
    bytes
}

#[test]
fn arrays_of_the_wrong_kind_name_the_right_ones() {
    let folder = Folder::new();
    for (bytes, part) in [
        (npy("'<c8'", "(2,)", 16), "f2, f4, f8, i1 to i8, u1 to u8 and b1 are read"),
        (npy("'|O'", "(2,)", 16), "array type '|O'"),
        (npy("'<f4'", "(5,)", 16), "20 bytes, 16 are there"),
        (npy("'<f4'", "(4294967296, 4294967296)", 16), "the limit is"),
    ] {
        folder.write("bad.npy", &bytes);
        folder.run("quantize --format int8 bad.npy").fails(3, part);
    }
    for (name, part) in
        [("bad.npz", "the file is cut or no ZIP"), ("bad.safetensors", "safetensors: "), ("bad.dsf", "DSF")]
    {
        folder.write(name, &[7; 300]);
        folder.run(&format!("quantize --format int8 {name}")).fails(3, part);
    }
    // Whole numbers stay as they are, and it is said.
    folder.write("ids.npy", &npy("'<i4'", "(4,)", 16));
    let run = folder.run("quantize --format int8 ids.npy -o same.npy");
    assert!(run.succeeds().stderr.contains("of type I32: kept as it is"), "{}", run.stderr);
}

/// A float WAV of one channel at 44.1 kHz.
fn wav_of_floats(folder: &Folder, name: &str, samples: impl Iterator<Item = f32>) {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 44_100,
        bits_per_sample: 32,
        sample_format: hound::SampleFormat::Float,
    };
    let mut writer = hound::WavWriter::create(folder.path(name), spec).expect("created");
    samples.for_each(|x| writer.write_sample(x).expect("written"));
    writer.finalize().expect("finished");
}

fn hum(amplitude: f32) -> impl Iterator<Item = f32> {
    (0..20_000).map(move |i| amplitude * ((i as f32 * 0.1).sin() + 0.3 * (i as f32 * i as f32 * 0.01).sin()))
}

/// However far beyond full scale the samples lie, the SNR is the one asked for, or the file is refused.
#[test]
fn an_snr_is_met_at_any_scale_or_refused() {
    let folder = Folder::new();
    for amplitude in [1e-4, 0.5, 32_768.0, 8_388_608.0, 2.147_483_6e9, 5e11] {
        wav_of_floats(&folder, "loud.wav", hum(amplitude));
        let json = folder.json("encode -f --snr 30dB --verify loud.wav");
        let snr_db = json["snr_db"].as_f64().expect("a number");
        assert!((snr_db - 30.0).abs() < 0.1, "{amplitude}: {json}");
        assert_eq!(json["warnings"], serde_json::json!([]), "{amplitude}");
    }
    let refused = folder.names();
    for amplitude in [1e19, 1e37, 2e38] {
        wav_of_floats(&folder, "loud.wav", hum(amplitude));
        for goal in ["--snr 30dB", "-q 5", "-r 96k", "--band-quantizer lloyd-max", "--band-quantizer trellis"] {
            folder.run(&format!("encode {goal} loud.wav -o out.sqn")).fails(2, "scale the audio down");
        }
    }
    // So little that silence is all that the format has for it.
    wav_of_floats(&folder, "loud.wav", hum(1e-38));
    folder.run("encode --snr 30dB loud.wav -o out.sqn").fails(3, "cannot be met");
    assert_eq!(folder.names(), refused);
}

#[test]
fn an_infinite_sample_counts_as_full_scale_in_the_codec() {
    let folder = Folder::new();
    let spike = |at: usize, x: f32| hum(0.2).enumerate().map(move |(i, y)| if i % 5_000 == at { x } else { y });
    wav_of_floats(&folder, "infinite.wav", spike(700, f32::INFINITY));
    wav_of_floats(&folder, "one.wav", spike(700, 1.0));
    folder.run("encode --snr 30dB one.wav").succeeds();
    let run = folder.run("encode --snr 30dB infinite.wav");
    let warning = "4 samples were not finite: NaN became 0, infinity full scale";
    assert!(run.succeeds().stderr.contains(warning), "{}", run.stderr);
    assert!(folder.bytes("one.sqn") == folder.bytes("infinite.sqn"));
}

#[test]
fn ima_of_more_channels_than_readers_take_is_refused() {
    let folder = Folder::new();
    folder.wav_of_positions("three.wav", 3, 7, &[100; 300]);
    folder.run("quantize --format ima three.wav").fails(2, "channels is 3; allowed: 1 to 2");
    assert_eq!(folder.names(), ["three.wav"]);
}

/// Chunks with nothing in them, a quarter of a million: all are carried over, in a time that grows with their number.
#[test]
fn a_file_of_empty_chunks_keeps_them_all() {
    let folder = Folder::new();
    folder.wav16("song.wav", &[1_000, -1_000, 500, 0]);
    let mut bytes = folder.bytes("song.wav");
    let chunks = b"abcd\0\0\0\0".repeat(250_000);
    bytes.splice(12..12, chunks.iter().copied());
    let n = bytes.len() as u32 - 8;
    bytes[4..8].copy_from_slice(&n.to_le_bytes());
    folder.write("chunks.wav", &bytes);
    folder.run("quantize -b 8 chunks.wav -o out.wav").succeeds();
    let out = folder.bytes("out.wav");
    assert_eq!(out.windows(8).filter(|window| window == b"abcd\0\0\0\0").count(), 250_000);
}
