//! `design codebook` as a program.

use super::support::Folder;

#[test]
fn a_density_gives_its_known_codebook() {
    let folder = Folder::new();
    let object = folder.json("design codebook --pdf gaussian --levels 4 -o g.json");
    assert_eq!(object["certificate"], "unique");
    let mse = object["mse"].as_f64().expect("a number");
    assert!((mse - 0.117_481_847_829_329_3).abs() < 1e-12, "{mse}");
    let file: serde_json::Value = serde_json::from_slice(&folder.bytes("g.json")).expect("JSON");
    assert_eq!(file["levels"], object["levels"]);
    assert_eq!(file["source"], "gaussian");
}

#[test]
fn a_designed_codebook_quantizes() {
    let folder = Folder::new();
    folder.song("song.wav");
    let text = folder.run("design codebook song.wav --levels 8 -o book.json").succeeds().text();
    assert!(text.contains("no 8 levels reach"), "{text}");
    folder.run("quantize song.wav -m book.json --container f64 -o out.wav").succeeds();
    assert!(folder.has("out.wav"));
    let local = folder.json("design codebook song.wav --levels 8 --method lloyd -o lloyd.json");
    let best = folder.json("design codebook song.wav --levels 8 -o best.json");
    assert!(best["mse"].as_f64() <= local["mse"].as_f64());
    assert!(best["mse_lower_bound"].as_f64() <= best["mse"].as_f64());
}

#[test]
fn vectors_are_learnt_and_quantize() {
    let folder = Folder::new();
    folder.song("song.wav");
    let object = folder.json("design codebook song.wav --dimension 2 --levels 16 -o pairs.json");
    assert_eq!((object["dimension"].as_u64(), object["rate_bits"].as_f64()), (Some(2), Some(2.0)));
    assert_eq!(object["codes"].as_array().map(Vec::len), Some(16));
    let done = folder.json("quantize song.wav -m pairs.json -o out.wav");
    let (told, got) = (object["snr_db"].as_f64().expect("finite"), done["snr_db"].as_f64().expect("finite"));
    assert!((told - got).abs() < 0.5, "{told} {got}");
    // 16 vectors of 2 by 4 bytes, then 2000 codes of 4 bits.
    assert_eq!(done["table_bytes"], 128);
    assert!((1_128..1_140).contains(&done["coded_bytes"].as_u64().expect("a number")), "{}", done["coded_bytes"]);
    folder.run("quantize song.wav -m pairs.json -b 4").fails(2, "leave -b and --rate out");
    folder.run("design codebook song.wav --dimension 2 --method lloyd").fails(2, "k-means");
    folder.write("broken.json", br#"{"dimension": 3, "codes": [[1, 2]]}"#);
    folder.run("quantize song.wav -m broken.json").fails(3, "code vector");
}

#[test]
fn the_best_equal_steps_are_found() {
    let folder = Folder::new();
    // Max 1960, table II: four levels, step 0.9957, mean squared error 0.1188.
    let object = folder.json("design codebook --pdf gaussian --levels 4 --method uniform -o u.json");
    assert!((object["mse"].as_f64().expect("a number") - 0.1188).abs() < 5e-5, "{}", object["mse"]);
    folder.song("song.wav");
    folder.run("design codebook song.wav --method uniform").fails(2, "--pdf");
    folder.run("design codebook --pdf rayleigh --method uniform").fails(2, "symmetric");
}

#[test]
fn a_rate_is_kept() {
    let folder = Folder::new();
    folder.song("song.wav");
    let object = folder.json("design codebook song.wav --rate 2 -o r.json");
    let entropy = object["entropy_bits"].as_f64().expect("a number");
    assert!(entropy <= 2.0 && entropy > 1.9, "{entropy}");
}

#[test]
fn what_cannot_be_designed_says_why() {
    let folder = Folder::new();
    folder.wav16("flat.wav", &[100; 50]);
    folder.run("design codebook flat.wav --levels 4").fails(2, "1..=1 (the data hold that many distinct values)");
    folder.run("design codebook flat.wav --rate 1").fails(2, "rate is 1");
    folder.run("design codebook --pdf gaussian --rate 9").fails(2, "0.01 to 5 bits");
    folder.run("design codebook --pdf gaussian --levels 0").fails(2, "levels");
    folder.run("design codebook --pdf gaussian --objective entropy").fails(2, "--rate");
    folder.run("design codebook").fails(2, "missing IN");
    folder.run("design codebook nothing.wav").fails(3, "no such file");
    assert_eq!(folder.names(), ["flat.wav"]);
    folder.run("design codebook --pdf uniform").succeeds();
    folder.run("design codebook --pdf uniform").fails(4, "exists");
}

#[test]
fn a_modulator_has_the_gain_that_it_names() {
    let folder = Folder::new();
    for gain in [1.6, 4.0, 20.0] {
        folder.run(&format!("design modulator --gain {gain} -o m.json -f")).succeeds();
        let design: serde_json::Value = serde_json::from_slice(&folder.bytes("m.json")).expect("JSON");
        let at_half_the_rate = |key: &str| -> f64 {
            let terms = design[key].as_array().expect("coefficients").iter().enumerate();
            terms.map(|(n, c)| c.as_f64().expect("a number") * if n % 2 == 0 { 1.0 } else { -1.0 }).sum()
        };
        let got = at_half_the_rate("numerator") / at_half_the_rate("denominator");
        assert!((got.abs() - gain).abs() < 1e-6 && design["gain"] == gain, "{got} {}", design["gain"]);
    }
}
