//! `quantize --shape`: filters by name, by file, for the ear and for the signal itself.

use super::support::Folder;

/// Noise-to-mask ratio of a test file against a reference, dB.
fn nmr(folder: &Folder, reference: &str, test: &str) -> f64 {
    folder.json(&format!("compare --no-align {reference} {test}"))["nmr_db"].as_f64().expect("a figure")
}

#[test]
fn adaptive_noise_hides_better_than_noise_for_the_ear() {
    let folder = Folder::new();
    folder.copy("organ_choir.wav", "song.wav");
    for shape in ["none", "auto", "adaptive"] {
        folder.run(&format!("quantize -b 8 -s {shape} song.wav -o {shape}.wav")).succeeds();
    }
    let [none, auto, adaptive] = ["none", "auto", "adaptive"].map(|s| nmr(&folder, "song.wav", &format!("{s}.wav")));
    assert!(adaptive < auto - 3.0 && adaptive < none - 3.0, "{none} {auto} {adaptive}");
    // Twice the same bytes, from a pipe as from a file.
    let piped = folder.run_with_stdin("quantize -b 8 -s adaptive - -o -", folder.bytes("song.wav"));
    assert_eq!(piped.code, 0, "{}", piped.stderr);
    assert!(
        piped.stdout[piped.stdout.len() - 10_000..]
            == folder.bytes("adaptive.wav")[folder.bytes("adaptive.wav").len() - 10_000..]
    );
    folder.run("quantize -b 8 -m mu-law -s adaptive song.wav -o x.wav").fails(2, "adaptive");
}

#[test]
fn short_files_are_shaped_too() {
    let folder = Folder::new();
    for n in [0usize, 1, 700, 2559, 2561] {
        folder.wav16("short.wav", &vec![1000; n]);
        folder.run("quantize -f -b 8 -s adaptive short.wav -o out.wav").succeeds();
        assert_eq!(folder.read("out.wav").1.len(), n);
    }
}

#[test]
fn known_filters_have_names() {
    let folder = Folder::new();
    folder.song("song.wav");
    let mse = |line: &str| folder.json(line)["mse"].as_f64().expect("a figure");
    let plain = mse("quantize -b 8 song.wav -o plain.wav");
    let shaped = mse("quantize -b 8 -s lipshitz song.wav -o shaped.wav");
    // The sum of squares of 1 and its five coefficients: 16.6.
    assert!((10.0 * (shaped / plain).log10() - 12.2).abs() < 0.5, "{}", shaped / plain);
    folder.run("quantize -b 8 -s lipschitz song.wav -o x.wav").fails(2, "did you mean 'lipshitz'");
    folder.run("quantize -b 8 -s nan song.wav -o x.wav").fails(2, "-1e6 to 1e6");
}

#[test]
fn a_users_curve_shapes_the_noise() {
    let folder = Folder::new();
    folder.write("curve.csv", b"# Hz, dB\n100, -40\n1000, 0\n2000, -40\n");
    folder.write("wrong.csv", b"1000, 0\n100, 0\n");
    folder.write("text.csv", b"100, 0\nhello\n");
    let own = folder.json("design shaper --rate 8000 --weighting curve.csv --order 20 -o own.json");
    let flat = folder.json("design shaper --rate 8000 --weighting a --order 20 -o a.json");
    assert!(own["weighted_gain_db"].as_f64().expect("a figure") < -6.0, "{own}");
    assert_ne!(own["feedback"], flat["feedback"]);
    folder.run("design shaper --weighting wrong.csv -o x.json").fails(2, "ascending");
    folder.run("design shaper --weighting text.csv -o x.json").fails(2, "line 2");
    folder.run("design shaper --weighting missing.csv -o x.json").fails(2, "phon15");
}

#[test]
fn a_modulators_filter_shapes_at_the_files_own_rate() {
    let folder = Folder::new();
    folder.song("song.wav");
    folder.run("design modulator --order 2 --osr 8 --levels 9 -o m.json").succeeds();
    let mse = |line: &str| folder.json(line)["mse"].as_f64().expect("a figure");
    assert!(mse("quantize -b 8 -s m.json song.wav -o m.wav") > mse("quantize -b 8 song.wav -o plain.wav"));
    folder.run("quantize -b 8 -m m.json song.wav -o x.wav").fails(2, "leave -b and --levels out");
    folder.run("design predictor song.wav").succeeds();
    folder.run("quantize -b 8 -s predictor.json song.wav -o x.wav").fails(2, "predictor");
}

#[test]
fn clipping_and_wild_filters_end_well() {
    let folder = Folder::new();
    let square: Vec<i16> = (0..4000).map(|i| if i / 40 % 2 == 0 { i16::MAX } else { i16::MIN }).collect();
    folder.wav16("square.wav", &square);
    for shape in ["auto", "adaptive", "improved-e-weighted", "1000,-1000,1000"] {
        let json = folder.json(&format!("quantize -f -b 3 -s {shape} square.wav -o out.wav"));
        assert!(json["clipped_samples"].as_u64().expect("a count") > 0, "{shape}: {json}");
    }
}
