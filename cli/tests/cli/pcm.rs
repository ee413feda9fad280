//! Which code a sample gets: G.711 by whose encoder, companding grids, roundings.

use super::support::Folder;

/// The bytes of a data chunk.
fn data(bytes: &[u8]) -> &[u8] {
    let at = bytes.windows(4).position(|w| w == b"data").expect("a data chunk");
    let len = u32::from_le_bytes(bytes[at + 4..at + 8].try_into().expect("four bytes")) as usize;
    &bytes[at + 8..at + 8 + len]
}

fn float_wav(folder: &Folder, name: &str, x: &[f64]) {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 8_000,
        bits_per_sample: 32,
        sample_format: hound::SampleFormat::Float,
    };
    let mut writer = hound::WavWriter::create(folder.path(name), spec).expect("created");
    x.iter().for_each(|&x| writer.write_sample(x as f32).expect("written"));
    writer.finalize().expect("finished");
}

/// Mu-law has two zeros of one level, told apart in the file: measured of libsndfile 1.2.2 and of the ITU's own tool.
#[test]
fn small_negative_samples_keep_the_negative_zero() {
    let folder = Folder::new();
    folder.wav16("a.wav", &[-9, -8, -5, -4, -3, -1, 0, 3, 4]);
    for (law, expected) in [
        ("sndfile", [0x7e, 0x7e, 0x7e, 0x7e, 0x7f, 0x7f, 0xff, 0xff, 0xfe]),
        ("itu", [0x7e, 0x7e, 0x7e, 0x7f, 0x7f, 0x7f, 0xff, 0xff, 0xfe]),
        ("nearest", [0x7e, 0x7e, 0x7e, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
    ] {
        folder.run(&format!("quantize -b 8 -m mu-law --law {law} a.wav -o b.wav -f")).succeeds();
        assert_eq!(data(&folder.bytes("b.wav")), expected, "{law}");
    }
}

/// 4.3 is nearer to 8 than to 0, and rounded to 16 bits first it would be a tie that falls to 0.
#[test]
fn nearest_takes_floats_as_they_are() {
    let folder = Folder::new();
    float_wav(&folder, "a.wav", &[4.0, 4.3, -4.3, 3.7, 11.9, 12.1].map(|x| x / 32_768.0));
    folder.run("quantize -b 8 -m mu-law --law nearest --container f64 a.wav -o b.wav").succeeds();
    let y: Vec<f64> = data(&folder.bytes("b.wav"))
        .chunks_exact(8)
        .map(|b| 32_768.0 * f64::from_le_bytes(b.try_into().expect("eight bytes")))
        .collect();
    assert_eq!(y, [0.0, 8.0, -8.0, 0.0, 8.0, 16.0]);
}

#[test]
fn odd_numbers_of_companded_levels_are_symmetric() {
    let folder = Folder::new();
    let x: Vec<f64> = (-500..=500).map(|i| f64::from(i) / 500.0).collect();
    float_wav(&folder, "a.wav", &x);
    for method in ["mu-law", "a-law"] {
        folder.run(&format!("quantize --levels 7 -m {method} a.wav -o b.wav -f")).succeeds();
        let y = folder.read_f32("b.wav");
        assert!(y.iter().zip(y.iter().rev()).all(|(a, b)| *a == -*b), "{method}");
        let mut levels: Vec<u32> = y.iter().map(|y| y.abs().to_bits()).collect();
        levels.sort_unstable();
        levels.dedup();
        assert_eq!(levels.len(), 4, "{method}");
    }
}

/// Levels at -1 and 1, as torchaudio decodes: `sign(c) ((1 + 255)^|c| - 1) / 255` of c = 2 i / 255 - 1.
#[test]
fn the_grid_of_wavenet_has_a_name() {
    let folder = Folder::new();
    float_wav(&folder, "a.wav", &[-1.0, -0.5, 0.0, 0.001, 1.0]);
    for name in ["torchaudio", "wavenet"] {
        folder.run(&format!("quantize -b 8 -m mu-law --law {name} a.wav -o b.wav -f")).succeeds();
        let y = folder.read_f32("b.wav");
        for (y, index) in y.iter().zip([0, 16, 128, 133, 255]) {
            let c = f64::from(index) / 127.5 - 1.0;
            let expected = c.signum() * (256f64.powf(c.abs()) - 1.0) / 255.0;
            assert!((f64::from(*y) - expected).abs() < 1e-7, "{name} {index}: {y} {expected}");
        }
    }
    folder.run("quantize -b 8 -m a-law --law wavenet a.wav -f").fails(2, "mu-law");
}

#[test]
fn roundings_have_names() {
    let folder = Folder::new();
    let steps = [-2.5, -1.5, -0.7, 0.5, 1.5, 2.7];
    float_wav(&folder, "a.wav", &steps.map(|x| x / 128.0));
    for (rounding, codes) in [
        ("half-up", [-2, -1, -1, 1, 2, 3]),
        ("half-even", [-2, -2, -1, 0, 2, 3]),
        ("truncate", [-3, -2, -1, 0, 1, 2]),
        ("toward-zero", [-2, -1, 0, 0, 1, 2]),
    ] {
        let json = folder.json(&format!("quantize -b 8 -d none --rounding {rounding} a.wav -o b.wav -f"));
        assert_eq!(folder.read("b.wav").1, codes, "{rounding}");
        let error: f64 = steps.iter().zip(codes).map(|(x, y)| (f64::from(y) - x).powi(2)).sum::<f64>() / 6.0;
        let mse = json["mse"].as_f64().expect("a figure") * 128.0 * 128.0;
        assert!((mse / error - 1.0).abs() < 1e-6, "{rounding} {mse} {error}");
    }
    // Dither is for the rounding that is unbiased with it.
    folder.run("quantize -b 8 -d tpdf --rounding truncate a.wav -o b.wav -f").fails(2, "rounding truncate");
    assert_eq!(folder.json("quantize -b 8 --rounding truncate a.wav -o b.wav -f")["dither"], "none");
}
