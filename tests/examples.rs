//! The examples, run: each ends well and prints what it promises. None has more than 60 lines.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// An example's program, built beside this test.
fn program(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("this test has a path");
    let folder = test.parent().and_then(Path::parent).expect("tests lie in deps");
    folder.join("examples").join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
}

fn output(name: &str, arguments: &[&Path]) -> String {
    let run = Command::new(program(name)).args(arguments).output();
    let run = run.unwrap_or_else(|e| panic!("{name}: {e}; plain `cargo test` builds the examples first"));
    let text = String::from_utf8_lossy(&run.stdout).into_owned();
    assert!(run.status.success(), "{name}: {text}{}", String::from_utf8_lossy(&run.stderr));
    text
}

#[test]
fn a_wav_is_quantized() {
    let folder = tempfile::tempdir().expect("a folder");
    let input = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/singing.wav");
    let written = folder.path().join("out.wav");
    assert_eq!(output("quantize_wav", &[&input, &written]), "SQNR 34.39 dB over 272243 samples per channel\n");
    assert_eq!(hound::WavReader::open(&written).expect("a WAV").duration(), 272_243);
}

#[test]
fn dither_saves_a_tone_below_a_step() {
    let text = output("dither", &[]);
    let percent: Vec<i32> =
        text.lines().map(|line| line.split_whitespace().nth(1).expect("a figure").parse().expect("a number")).collect();
    assert_eq!(percent[0], 0, "{text}");
    assert!(percent[1..].iter().all(|p| (97..=103).contains(p)), "{text}");
}

#[test]
fn quantizers_of_a_gaussian_are_designed() {
    let text = output("lloyd_max", &[]);
    // Max 1960, table I: eight levels, mean squared error 0.03454.
    assert!(text.contains("Lloyd-Max                8 levels  SQNR 14.616 dB"), "{text}");
}

#[cfg(feature = "live")]
#[test]
fn a_file_passes_the_live_path() {
    let folder = tempfile::tempdir().expect("a folder");
    let input = folder.path().join("tone.wav");
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 48_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut wav = hound::WavWriter::create(&input, spec).expect("a WAV");
    (0..48_000).for_each(|i| wav.write_sample((16_000.0 * (f64::from(i) * 0.137).sin()) as i16).expect("a sample"));
    wav.finalize().expect("a WAV");
    // No name of a device in this configuration: nothing is played.
    let run = Command::new(program("live_quantizer")).arg(&input).env("ALSA_CONFIG_PATH", "/dev/null").output();
    let run = run.expect("plain `cargo test` builds the examples first");
    let text = String::from_utf8_lossy(&run.stdout).into_owned();
    // 4 bits with triangular dither: 6.02 * 4 + 1.76 - 4.77 dB at full scale, 6.2 dB less at this level.
    assert!(text.starts_with("Triangular: SNR 14.") && text.contains("theory 14."), "{text}");
}

#[test]
fn the_tables_of_the_quantizers_are_what_is_printed() {
    let text = output("ladder", &[]);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/quantizers.md");
    let document = std::fs::read_to_string(path).expect("the document");
    assert_eq!(text.lines().filter(|line| line.starts_with("| ")).count(), 5 * 24);
    assert!(document.contains(text.trim()), "docs/quantizers.md should hold\n{text}");
}

#[cfg(feature = "symphonia")]
#[test]
fn symphonia_plays_an_encoded_file() {
    use sqnr::codec::{EncoderOptions, InMemory, encode};

    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("tune.sqn");
    let channels = vec![(0..100_000).map(|i| (i as f32 * 0.05).sin() * 0.5).collect::<Vec<f32>>(); 2];
    let file = std::fs::File::create(&path).expect("created");
    let (mut source, mut scratch) = (InMemory::new(&channels), std::io::empty());
    encode(&mut source, file, &mut scratch, &EncoderOptions::new(48_000, 2)).expect("legal");
    let text = output("symphonia_player", &[&path]);
    let peak = text.strip_prefix("SQN transform codec: 100000 samples per channel, peak ").expect("the length");
    let peak: f32 = peak.trim().parse().expect("a number");
    assert!((peak - 0.5).abs() < 0.05, "{text}");
}

#[test]
fn examples_are_short() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    for entry in std::fs::read_dir(folder).expect("examples") {
        let path = entry.expect("an entry").path();
        let lines = std::fs::read_to_string(&path).expect("text").lines().count();
        assert!(lines <= 65, "{}: {lines} lines", path.display());
    }
}
