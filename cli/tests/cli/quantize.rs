//! `sqnr quantize` on real samples.

use super::support::Folder;

#[test]
fn sixteen_to_sixteen_bits_is_bit_exact() {
    let folder = Folder::new();
    folder.song("song.wav");
    let json = folder.json("quantize -b 16 song.wav");
    assert_eq!(json["dither"], "none");
    assert!(json["snr_db"].is_null());
    assert!(json["reasons"]["snr_db"].as_str().expect("a reason").contains("zero"));
    assert_eq!(folder.read("song.wav").1, folder.read("song.q16.wav").1);
}

#[test]
fn eight_bits_get_triangular_dither_and_its_snr() {
    let folder = Folder::new();
    folder.song("song.wav");
    let json = folder.json("quantize -b 8 song.wav");
    assert_eq!(json["dither"], "tpdf");
    assert_eq!(json["bits"], 8);
    assert_eq!(json["levels"], 256);
    let (spec, codes) = folder.read("song.q8.wav");
    assert_eq!((spec.bits_per_sample, spec.sample_rate, codes.len()), (8, 8_000, 4_000));
    // The figure is that of the two files: signal power over the power of their difference.
    let original = folder.read("song.wav").1;
    let (mut signal, mut noise) = (0.0, 0.0);
    for (&x, &y) in original.iter().zip(&codes) {
        let (x, y) = (f64::from(x) / 32_768.0, f64::from(y) / 128.0);
        signal += x * x;
        noise += (y - x) * (y - x);
    }
    let snr_db = 10.0 * (signal / noise).log10();
    assert!((json["snr_db"].as_f64().expect("a figure") - snr_db).abs() < 1e-9);
}

#[test]
fn twelve_bits_lie_left_aligned_in_sixteen() {
    let folder = Folder::new();
    folder.song("song.wav");
    folder.run("quantize -b 12 -d none song.wav -o twelve.wav").succeeds();
    let bytes = folder.bytes("twelve.wav");
    // WAVE_FORMAT_EXTENSIBLE: container bits at 34, valid bits at 38 of the file (fmt body at 20).
    assert_eq!((bytes[20], bytes[21]), (0xFE, 0xFF));
    assert_eq!((bytes[34], bytes[38]), (16, 12));
    let data = bytes.windows(4).position(|w| w == b"data").expect("a data chunk") + 8;
    assert!(bytes[data..].chunks_exact(2).all(|b| b[0] & 0x0F == 0), "the lower 4 bits are zero");
}

#[test]
fn the_error_file_is_output_minus_input() {
    let folder = Folder::new();
    folder.song("song.wav");
    folder.run("quantize -b 8 --error lost.wav song.wav -o eight.wav").succeeds();
    let (x, error) = (folder.read("song.wav").1, folder.read_f32("lost.wav"));
    let y = folder.read("eight.wav").1;
    for ((&x, &y), &e) in x.iter().zip(&y).zip(&error) {
        let expected = f64::from(y) / 128.0 - f64::from(x) / 32_768.0;
        assert!((f64::from(e) - expected).abs() < 1e-8);
    }
}

#[test]
fn the_same_command_gives_the_same_bytes_on_any_number_of_threads() {
    let folder = Folder::new();
    for name in ["a.wav", "b.wav", "c.wav"] {
        folder.song(name);
    }
    folder.run("quantize -b 5 -j 1 -O one a.wav b.wav c.wav").succeeds();
    folder.run("quantize -b 5 -j 3 -O three a.wav b.wav c.wav").succeeds();
    for name in ["a", "b", "c"] {
        assert_eq!(folder.bytes(&format!("one/{name}.q5.wav")), folder.bytes(&format!("three/{name}.q5.wav")));
    }
    folder.run("quantize -b 5 --seed 1 a.wav -o other.wav").succeeds();
    assert_ne!(folder.bytes("other.wav"), folder.bytes("one/a.q5.wav"));
}

#[test]
fn every_method_runs_and_more_bits_are_better() {
    let folder = Folder::new();
    folder.copy("organ_choir.wav", "song.wav");
    for method in ["uniform", "mid-rise", "mu-law", "a-law", "lloyd-max"] {
        let snr = |bits: u32| {
            let line = format!("quantize -b {bits} -d none -m {method} song.wav -o {method}{bits}.wav");
            folder.json(&line)["snr_db"].as_f64().expect("a figure")
        };
        let (five, nine) = (snr(5), snr(9));
        assert!(nine - five > 18.0, "{method}: {five} dB, {nine} dB");
    }
}

#[test]
fn lloyd_max_beats_the_uniform_quantizer_on_quiet_music() {
    let folder = Folder::new();
    folder.copy("quartet_24bit.wav", "song.wav");
    let snr = |line: &str| folder.json(line)["snr_db"].as_f64().expect("a figure");
    let uniform = snr("quantize -b 4 -d none song.wav -o u.wav");
    let trained = snr("quantize -b 4 -m lloyd-max song.wav -o l.wav");
    assert!(trained > uniform + 10.0, "{trained} dB against {uniform} dB");
}

#[test]
fn a_codebook_file_is_taken_back() {
    let folder = Folder::new();
    folder.song("song.wav");
    folder.write("two.json", br#"{"levels": [-0.5, 0.5], "thresholds": [0.0]}"#);
    let json = folder.json("quantize -m two.json song.wav -o two.wav");
    assert_eq!(json["levels"], 2);
    let x = folder.read("song.wav").1;
    let y = folder.read_f32("two.wav");
    assert!(x.iter().zip(&y).all(|(&x, &y)| y == if x < 0 { -0.5 } else { 0.5 }));
}

#[test]
fn g711_is_stored_as_g711() {
    let folder = Folder::new();
    folder.song("song.wav");
    folder.run("quantize -b 8 -m mu-law song.wav -o u.wav").succeeds();
    let bytes = folder.bytes("u.wav");
    assert_eq!(bytes[20], 7, "format tag mu-law");
    // A second pass through the same law changes no sample; the code of the negative zero becomes that of zero.
    let json = folder.json("quantize -b 8 -m mu-law u.wav -o again.wav");
    assert!(json["snr_db"].is_null(), "{json}");
    let one_zero = |bytes: &[u8]| bytes[44..].iter().map(|&b| if b == 0x7F { 0xFF } else { b }).collect::<Vec<u8>>();
    assert_eq!(one_zero(&folder.bytes("again.wav")), one_zero(&bytes));
}

#[test]
fn a_pipe_in_and_out_gives_the_same_samples() {
    let folder = Folder::new();
    folder.song("song.wav");
    folder.run("quantize -b 8 song.wav -o file.wav").succeeds();
    let run = folder.run_with_stdin("quantize -b 8 - -o -", folder.bytes("song.wav"));
    run.succeeds();
    folder.write("pipe.wav", &run.stdout);
    assert_eq!(folder.read("file.wav").1, folder.read("pipe.wav").1);
}

#[test]
fn lloyd_max_learns_from_a_pipe_too() {
    let folder = Folder::new();
    folder.song("song.wav");
    folder.run("quantize -b 3 -m lloyd-max song.wav -o file.wav").succeeds();
    folder.run_with_stdin("quantize -b 3 -m lloyd-max - -o pipe.wav", folder.bytes("song.wav")).succeeds();
    assert_eq!(folder.bytes("file.wav"), folder.bytes("pipe.wav"));
}

#[test]
fn clipped_and_missing_numbers_are_counted() {
    let folder = Folder::new();
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 8_000,
        bits_per_sample: 32,
        sample_format: hound::SampleFormat::Float,
    };
    let mut writer = hound::WavWriter::create(folder.path("f.wav"), spec).expect("created");
    for x in [0.5f32, 2.0, f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -0.25] {
        writer.write_sample(x).expect("written");
    }
    writer.finalize().expect("finished");
    let json = folder.json("quantize -b 8 -d none f.wav");
    assert_eq!((&json["clipped_samples"], &json["nan_samples"]), (&3.into(), &1.into()));
    assert_eq!(folder.read("f.q8.wav").1, [64, 127, 0, 127, -128, -32]);
}

#[test]
fn metadata_and_channel_mask_are_kept() {
    let folder = Folder::new();
    folder.song("song.wav");
    let mut bytes = folder.bytes("song.wav");
    bytes.extend(b"LIST\x12\x00\x00\x00INFOINAM\x05\x00\x00\x00Tone\0\0");
    let size = (bytes.len() as u32 - 8).to_le_bytes();
    bytes[4..8].copy_from_slice(&size);
    folder.write("tagged.wav", &bytes);
    folder.run("quantize -b 8 tagged.wav").succeeds();
    assert_eq!(folder.json("info tagged.q8.wav")["tags"]["INAM"], "Tone");
}

#[test]
fn shaping_moves_noise_and_raises_its_total() {
    let folder = Folder::new();
    folder.copy("organ_choir.wav", "song.wav");
    let plain = folder.json("quantize -b 8 song.wav -o a.wav")["mse"].as_f64().expect("a figure");
    let shaped = folder.json("quantize -b 8 -s 1 song.wav -o b.wav")["mse"].as_f64().expect("a figure");
    // NTF 1 - z^-1 doubles the power of white noise.
    assert!((shaped / plain - 2.0).abs() < 0.05, "{}", shaped / plain);
}

/// The figure is that of the file as it is stored, whatever the method and the container.
#[test]
fn what_is_stored_is_what_was_measured() {
    let folder = Folder::new();
    folder.song("song.wav");
    for options in [
        "-b 6 -m mid-rise",
        "-b 12 -m mid-rise --container 24",
        "-b 5",
        "-b 13 --container 32",
        "--levels 11",
        "-b 8 -m mu-law",
        "-b 8 -m a-law --container 16",
        "-b 7 -m a-law --container f64",
        "-b 3 -m lloyd-max --container 16",
        "-b 6 -d subtractive",
    ] {
        let quantized = folder.json(&format!("quantize {options} -f song.wav -o out.wav"))["snr_db"].as_f64();
        let read_back = folder.json("compare --no-align song.wav out.wav")["snr_db"].as_f64();
        let difference = quantized.expect("a figure") - read_back.expect("a figure");
        assert!(difference.abs() < 1e-6, "{options}: {quantized:?} dB said, {read_back:?} dB stored");
    }
}
