//! `sqnr generate`: what it says is what is there.

use super::support::Folder;

#[test]
fn a_coherent_sine_of_known_level() {
    let folder = Folder::new();
    let json = folder.json("generate sine --coherent --samples 4800 --level -6 --bits 24 --dither none -o tone.wav");
    let cycles = json["frequency_hz"].as_f64().expect("a frequency") * 4_800.0 / 48_000.0;
    assert!((cycles - cycles.round()).abs() < 1e-9);
    let codes = folder.read("tone.wav").1;
    let power = codes.iter().map(|&c| (f64::from(c) / 8_388_608.0).powi(2)).sum::<f64>() / codes.len() as f64;
    assert!((10.0 * (2.0 * power).log10() + 6.0).abs() < 1e-4);
}

#[test]
fn every_kind_is_made_and_is_finite() {
    let folder = Folder::new();
    for kind in ["sine", "twin-tone", "sweep", "multitone", "white", "notched", "pink", "impulse", "ramp", "silence"] {
        folder.run(&format!("generate {kind} --seconds 0.1 --level -12 -o {kind}.wav")).succeeds();
        let samples = folder.read_f32(&format!("{kind}.wav"));
        assert_eq!(samples.len(), 4_800, "{kind}");
        assert!(samples.iter().all(|x| x.is_finite()), "{kind}");
        assert_eq!(samples.iter().all(|&x| x == 0.0), kind == "silence", "{kind}");
    }
}

#[test]
fn an_existing_file_is_kept() {
    let folder = Folder::new();
    folder.write("x.wav", b"old");
    folder.run("generate sine -o x.wav").fails(4, "exists");
    folder.run("generate sine -n -o x.wav").succeeds();
    assert_eq!(folder.bytes("x.wav"), b"old");
}
