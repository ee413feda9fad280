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

/// Dynamic programming over every start of the last cell: slow and obvious.
fn least_mse(x: &[f64], n_levels: usize) -> f64 {
    let mut x = x.to_vec();
    x.sort_unstable_by(f64::total_cmp);
    let (mut sums, mut squares) = (vec![0i128], vec![0i128]);
    // Codes of 24 bits, so that sums are exact.
    let distinct: Vec<(i128, i128)> =
        x.chunk_by(|a, b| a == b).map(|same| ((same[0] * 2f64.powi(23)) as i128, same.len() as i128)).collect();
    let mut counts = vec![0i128];
    for (i, (value, n)) in distinct.iter().enumerate() {
        counts.push(counts[i] + n);
        sums.push(sums[i] + n * value);
        squares.push(squares[i] + n * value * value);
    }
    let cost = |i: usize, j: usize| {
        let (n, sum) = ((counts[j] - counts[i]) as f64, sums[j] - sums[i]);
        (squares[j] - squares[i]) as f64 - (sum * sum) as f64 / n
    };
    let n = distinct.len();
    let mut least: Vec<f64> = (0..=n).map(|j| if j == 0 { 0.0 } else { cost(0, j) }).collect();
    for k in 2..=n_levels {
        let previous = least.clone();
        for (j, least) in least.iter_mut().enumerate().skip(k) {
            *least = (k - 1..j).map(|i| previous[i] + cost(i, j)).fold(f64::INFINITY, f64::min);
        }
    }
    least[n] / x.len() as f64 / 2f64.powi(46)
}

/// A click spans a range in which the noise is a few cells of a histogram; the certificate is of the samples all the same.
#[test]
fn the_certificate_is_of_the_samples_beside_a_click() {
    let folder = Folder::new();
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 48_000,
        bits_per_sample: 24,
        sample_format: hound::SampleFormat::Int,
    };
    let mut state = 1u64;
    let mut uniform = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1u64 << 53) as f64 - 0.5
    };
    let mut codes: Vec<i32> = (0..48_000).map(|_| (84.0 * (0..12).map(|_| uniform()).sum::<f64>()) as i32).collect();
    codes[1000] = 8_380_218;
    let mut writer = hound::WavWriter::create(folder.path("click.wav"), spec).expect("created");
    codes.iter().for_each(|&code| writer.write_sample(code).expect("written"));
    writer.finalize().expect("finished");
    let x: Vec<f64> = codes.iter().map(|&code| f64::from(code) / 2f64.powi(23)).collect();
    for n_levels in [4, 16] {
        let json = folder.json(&format!("design codebook click.wav --levels {n_levels} -o k.json -f"));
        let best = least_mse(&x, n_levels);
        for figure in ["mse", "mse_lower_bound"] {
            let got = json[figure].as_f64().expect("a figure");
            assert!((got / best - 1.0).abs() < 1e-9, "{n_levels}: {figure} {got} {best}");
        }
    }
}

/// More distinct values than are kept: the figures are those of the file, and the interval is narrow.
#[test]
fn a_codebook_of_cells_is_measured_on_the_samples() {
    let folder = Folder::new();
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 48_000,
        bits_per_sample: 32,
        sample_format: hound::SampleFormat::Float,
    };
    let mut state = 1u64;
    let mut uniform = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1u64 << 53) as f64 - 0.5
    };
    let mut writer = hound::WavWriter::create(folder.path("a.wav"), spec).expect("created");
    let x: Vec<f32> = (0..400_000).map(|_| (uniform() + uniform() + uniform()).powi(3) as f32).collect();
    x.iter().for_each(|&x| writer.write_sample(x).expect("written"));
    writer.finalize().expect("finished");
    let json = folder.json("design codebook a.wav --levels 16 -o k.json");
    let numbers = |key: &str| -> Vec<f64> {
        json[key].as_array().expect("a list").iter().map(|x| x.as_f64().expect("a number")).collect()
    };
    let (levels, thresholds) = (numbers("levels"), numbers("thresholds"));
    let error = |&x: &f32| (levels[thresholds.partition_point(|&t| t <= f64::from(x))] - f64::from(x)).powi(2);
    let mse = x.iter().map(error).sum::<f64>() / x.len() as f64;
    let (printed, bound) =
        (json["mse"].as_f64().expect("a figure"), json["mse_lower_bound"].as_f64().expect("a figure"));
    assert!((printed / mse - 1.0).abs() < 1e-12, "{printed} {mse}");
    assert!(bound <= printed && bound > printed * (1.0 - 1e-5), "{bound} {printed}");
}

#[test]
fn subnormal_samples_have_codebooks() {
    let folder = Folder::new();
    let mut bytes = b"RIFF\x00\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x03\x00\x01\x00\x40\x1f\x00\x00\x00\xfa\x00\x00\x08\x00\x40\x00data".to_vec();
    let x: Vec<f64> = (0..100).map(|i| f64::from_bits(i % 7) * if i % 2 == 0 { 1.0 } else { -1.0 }).collect();
    bytes.extend(((8 * x.len()) as u32).to_le_bytes());
    bytes.extend(x.iter().flat_map(|x| x.to_le_bytes()));
    let riff_len = (bytes.len() - 8) as u32;
    bytes[4..8].copy_from_slice(&riff_len.to_le_bytes());
    folder.write("a.wav", &bytes);
    folder.run("design codebook a.wav --levels 4").succeeds();
    folder.run("quantize -b 2 -m lloyd-max a.wav").succeeds();
}
