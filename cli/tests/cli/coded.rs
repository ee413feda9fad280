//! `quantize` by methods that code stretches of samples, and the bad input of every designer.

use super::support::Folder;

/// SNR of what a float file holds against 16-bit codes, dB.
fn snr_db(folder: &Folder, input: &str, output: &str) -> f64 {
    let x = folder.read(input).1;
    let y = folder.read_f32(output);
    assert_eq!(x.len(), y.len());
    let (mut power, mut error) = (0.0, 0.0);
    for (&x, &y) in x.iter().zip(&y) {
        let x = f64::from(x) / 32_768.0;
        power += x * x;
        error += (f64::from(y) - x).powi(2);
    }
    10.0 * (power / error).log10()
}

#[test]
fn every_method_writes_what_its_bytes_decode_to() {
    let folder = Folder::new();
    folder.noise("noise.wav");
    // R(D) of the Laplacian: 6.63 dB at 1 bit, 12.67 dB at 2 bits. Steps of 1/16 have an entropy of 2.62 bits.
    for (options, most_bits, least_db) in [
        ("-m entropy-coded -b 5", 2.7, 14.7),
        ("-m entropy-constrained --rate 2", 2.02, 11.2),
        ("-m trellis -b 2", 2.02, 8.6),
        ("-m dependent --rate 1", 1.02, 6.63 - 0.55),
        ("-m dependent --rate 2 --states 32", 2.02, 12.67 - 0.50),
        ("-m vector -b 2", 2.9, 7.5),
    ] {
        let object = folder.json(&format!("quantize noise.wav {options} -o out.wav -f --error error.wav"));
        let (rate, snr) = (object["rate_bits"].as_f64().expect("a rate"), object["snr_db"].as_f64().expect("an SNR"));
        assert!(rate < most_bits && snr > least_db, "{options}: {rate} bits, {snr} dB");
        assert!((snr_db(&folder, "noise.wav", "out.wav") - snr).abs() < 0.01, "{options}");
        let bytes = object["coded_bytes"].as_f64().expect("bytes");
        assert!((8.0 * bytes / 40_000.0 - rate).abs() < 1e-9, "{options}");
        assert_eq!(folder.read_f32("error.wav").len(), 40_000);
    }
}

#[test]
fn stereo_and_lengths_that_fit_no_vector_are_coded() {
    let folder = Folder::new();
    folder.copy("drum_loop.wav", "drums.wav");
    for options in ["-m vector -b 1", "-m dependent --rate 1.5", "-m trellis -b 3 --states 4 --container f64"] {
        let object = folder.json(&format!("quantize drums.wav {options} -o out.wav -f"));
        assert_eq!(object["channels"], 2);
        assert!(object["snr_db"].as_f64() > Some(5.0), "{options}: {}", object["snr_db"]);
    }
    let text = folder.run("quantize drums.wav --rate 1.5 -m dependent").stderr;
    assert!(text.contains("drums.r1.5.wav") && text.contains("bits a sample"), "{text}");
}

#[test]
fn options_that_do_not_fit_are_refused() {
    let folder = Folder::new();
    folder.song("song.wav");
    for (options, part) in [
        ("-m dependent -b 2", "needs --rate BITS"),
        ("-m trellis", "needs -b BITS"),
        ("-m trellis --rate 2", "needs -b BITS"),
        ("-m vector --levels 8", "--levels is 8; allowed: none with vector, which needs -b BITS"),
        ("-m uniform --rate 2", "--rate is 2; allowed: none with uniform"),
        ("-b 8 --rate 2", "cannot be used with"),
        ("-m trellis -b 2 -d tpdf", "--dither is tpdf; allowed: none with trellis"),
        ("-m trellis -b 2 --container 16", "--container is 16; allowed: f32 or f64"),
        ("-m trellis -b 17", "-b is 17; allowed: 1 to 16"),
        ("-m entropy-coded -b 25", "-b is 25; allowed: 1 to 24"),
        ("-m vector -b 9", "1 to 8"),
        ("-m dependent --rate 1 --states 5", "4, 8, 16"),
    ] {
        folder.run(&format!("quantize song.wav {options}")).fails(2, part);
    }
    folder.run("plot transfer -m trellis -b 2").fails(2, "quantize alone");
    assert_eq!(folder.names(), ["song.wav"]);
}

#[test]
fn bad_input_of_designers_is_one_line_that_says_what_would_work() {
    let folder = Folder::new();
    folder.song("song.wav");
    folder.wav16("three.wav", &[1_000, -2_000, 3_000]);
    folder.wav16("flat.wav", &[7; 100]);
    for (line, code, part) in [
        // Fewer samples than levels.
        ("design codebook three.wav --levels 8", 2, "levels is 8; allowed: 1..=3"),
        ("design codebook three.wav --levels 2 --dimension 3", 2, "code vectors is 2; allowed: 1 to 1 "),
        // All samples equal.
        ("design codebook flat.wav --levels 2", 2, "levels is 2; allowed: 1..=1"),
        ("design codebook flat.wav --rate 1", 2, "rate is 1; allowed: above 0, at most 0"),
        ("design codebook flat.wav --levels 2 --dimension 2", 2, "code vectors is 2; allowed: 1 to 1 "),
        ("sweep flat.wav", 3, "a constant: it needs no bits"),
        // No levels.
        ("design codebook song.wav --levels 0", 2, "1..=65536"),
        ("design codebook song.wav --levels 65537", 2, "1..=65536"),
        ("quantize song.wav -m lloyd-max --levels 0", 2, "levels"),
        ("quantize song.wav -m trellis -b 0", 2, "1..=32"),
        // A rate that cannot be had.
        ("design codebook song.wav --rate 30", 2, "rate is 30; allowed: above 0, at most 1"),
        ("design codebook song.wav --rate nan", 2, "rate is NaN; allowed: above 0, at most 1"),
        ("design codebook --pdf laplace --rate inf", 2, "0.01 to 5 bits"),
        ("quantize song.wav -m dependent --rate 0", 2, "rate is 0; allowed: above 0, at most 1"),
        // A target that cannot be reached.
        ("sweep song.wav --target-snr 500 --max-bits 2", 1, "nothing within the limits reaches 500 dB; "),
        ("sweep song.wav --max-rate 0 --max-bits 2 --fixed-length", 1, "no method has so low a rate"),
    ] {
        let run = folder.run(line);
        assert_eq!(run.code, code, "{line}: {}", run.stderr);
        run.fails(code, part);
    }
    assert_eq!(folder.names(), ["flat.wav", "song.wav", "three.wav"]);
}

#[test]
fn samples_that_are_not_finite_never_come_out() {
    let folder = Folder::new();
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 8_000,
        bits_per_sample: 32,
        sample_format: hound::SampleFormat::Float,
    };
    let write = |name: &str, sample: &dyn Fn(usize) -> f32| {
        let mut writer = hound::WavWriter::create(folder.path(name), spec).expect("created");
        (0..3_000).for_each(|i| writer.write_sample(sample(i)).expect("written"));
        writer.finalize().expect("finished");
    };
    write("nan.wav", &|_| f32::NAN);
    write("some.wav", &|i| match i % 100 {
        7 => f32::NAN,
        9 => f32::INFINITY,
        11 => f32::NEG_INFINITY,
        _ => (0.1 * i as f32).sin() * 0.3,
    });
    folder.run("design codebook nan.wav --levels 4").fails(3, "no samples to learn from");
    folder.run("design codebook nan.wav --levels 4 --dimension 2").fails(3, "no samples to learn from");
    folder.run("quantize nan.wav -m dependent --rate 1").fails(3, "no samples to learn from");
    folder.run("sweep nan.wav").fails(3, "no samples to learn from");
    let book = folder.json("design codebook some.wav --levels 4 -o book.json");
    let top = book["levels"][3].as_f64().expect("finite");
    assert!(top < 0.31, "{top}");
    folder.run("sweep some.wav --max-bits 1").succeeds();
    for options in ["-m dependent --rate 1", "-m trellis -b 2", "-m vector -b 1", "-m entropy-coded -b 4"] {
        let object = folder.json(&format!("quantize some.wav {options} -o out.wav -f"));
        let y = folder.read_f32("out.wav");
        assert!(y.iter().all(|y| y.abs() < 1.5), "{options}");
        assert!(y[7].abs() < 0.4, "{options}: NaN became {}", y[7]);
        assert_eq!((&object["nan_samples"], &object["infinite_samples"]), (&30.into(), &60.into()), "{object}");
        let warnings = object["warnings"].to_string();
        assert!(warnings.contains("30 samples not a number") && warnings.contains("60 samples infinite"), "{warnings}");
    }
}

/// Silence and few values: the values are the levels, nothing is lost, and a warning says so.
#[test]
fn few_values_are_the_levels_of_every_method_that_learns() {
    let folder = Folder::new();
    folder.wav16("silence.wav", &[0; 4_800]);
    folder.wav16("dc.wav", &[1_000; 4_800]);
    folder.wav16("four.wav", &[0, 8_192, -8_192, 16_384].repeat(1_200));
    folder.wav16("one.wav", &[77]);
    let methods = [
        "-b 4 -m lloyd-max",
        "-b 4 -m trellis",
        "-b 2 -m trellis",
        "-b 1 -m vector",
        "-b 4 -m vector",
        "--rate 2.1 -m entropy-constrained",
        "--rate 2.1 -m dependent",
    ];
    for (input, method) in ["silence", "dc", "four", "one"].iter().flat_map(|i| methods.map(|m| (*i, m))) {
        let json = folder.json(&format!("quantize {method} {input}.wav -o out.wav -f"));
        assert!(json["warnings"].to_string().contains("distinct"), "{method} {input}: {json}");
        let original: Vec<f32> = folder.read(&format!("{input}.wav")).1.iter().map(|&x| x as f32 / 32_768.0).collect();
        assert_eq!(folder.read_f32("out.wav"), original, "{method} {input}");
        assert!(json["snr_db"].is_null() && json["reasons"]["snr_db"].is_string(), "{method} {input}: {json}");
    }
    // Five values, two bits: more than four levels of a trellis, fewer than its eight.
    folder.wav16("five.wav", &[0, 8_192, -8_192, 16_384, 100].repeat(1_000));
    let json = folder.json("quantize -b 2 -m trellis five.wav -o out.wav -f");
    let y = folder.read_f32("out.wav");
    let x: Vec<f64> = folder.read("five.wav").1.iter().map(|&x| f64::from(x) / 32_768.0).collect();
    let power = |v: &mut dyn Iterator<Item = f64>| v.map(|v| v * v).sum::<f64>();
    let error = power(&mut x.iter().zip(&y).map(|(x, &y)| f64::from(y) - x));
    let snr = 10.0 * (power(&mut x.iter().copied()) / error).log10();
    assert!((json["snr_db"].as_f64().expect("a figure") - snr).abs() < 1e-6 && snr > 10.0, "{snr} {json}");
}
