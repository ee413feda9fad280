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
