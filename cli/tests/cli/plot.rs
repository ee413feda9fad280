//! `plot`: every kind, with its numbers.

use super::support::Folder;

/// Rows of a CSV file under its header, and the header.
fn csv(folder: &Folder, name: &str) -> (String, Vec<Vec<String>>) {
    let text = String::from_utf8(folder.bytes(name)).expect("UTF-8");
    let mut lines = text.lines();
    let header = lines.next().expect("a header").to_owned();
    (header, lines.map(|line| line.split(',').map(str::to_owned).collect()).collect())
}

fn number(text: &str) -> f64 {
    text.parse().unwrap_or_else(|e| panic!("{text}: {e}"))
}

/// The values of a column, gaps left out.
fn column(folder: &Folder, name: &str, key: &str) -> Vec<f64> {
    let (header, rows) = csv(folder, name);
    let at = header.split(',').position(|k| k == key).unwrap_or_else(|| panic!("{key} is not in {header}"));
    rows.iter().map(|row| &row[at]).filter(|v| !v.is_empty()).map(|v| number(v)).collect()
}

/// The texts of a picture, in order.
fn texts(svg: &str) -> impl Iterator<Item = &str> {
    svg.split('<').filter_map(|tag| tag.split_once('>')).map(|(_, text)| text.trim()).filter(|text| !text.is_empty())
}

#[test]
fn wave_has_every_sample_and_the_error_of_quantize() {
    let folder = Folder::new();
    folder.wav16("song.wav", &[0, 16_384, -32_768, 100, 32_767]);
    folder.run("plot wave song.wav -o input.svg --csv").succeeds();
    assert_eq!(column(&folder, "input.csv", "amplitude"), [0.0, 0.5, -1.0, 100.0 / 32_768.0, 32_767.0 / 32_768.0]);
    folder.run("plot wave -b 4 -d none song.wav -o three.png --csv").succeeds();
    folder.run("quantize -b 4 -d none song.wav -o four.wav --error lost.wav").succeeds();
    let error: Vec<f64> = folder.read_f32("lost.wav").into_iter().map(f64::from).collect();
    assert_eq!(column(&folder, "three.csv", "amplitude_3"), error);
    assert!(folder.bytes("three.png").starts_with(b"\x89PNG"));
}

#[test]
fn three_spectrograms_share_one_scale() {
    let folder = Folder::new();
    folder.run("generate sine --rate 8000 --seconds 0.5 --frequency 1000 --level -6 -o tone.wav").succeeds();
    folder.run("plot spectrogram -b 8 tone.wav --csv").succeeds();
    let (header, rows) = csv(&folder, "tone.spectrogram.csv");
    assert_eq!(header, "panel,time_s,frequency_hz,level_dbfs");
    let loudest = |panel: &str| {
        let own = rows.iter().filter(|row| row[0] == panel && !row[3].is_empty());
        own.map(|row| (number(&row[3]), number(&row[2])))
            .fold((f64::NEG_INFINITY, 0.0), |a, b| if b.0 > a.0 { b } else { a })
    };
    let (level, frequency) = loudest("0");
    assert!((level + 6.0).abs() < 1.5 && (frequency - 1000.0).abs() < 63.0, "{level} dBFS at {frequency} Hz");
    // TPDF error of 8 bits: 1/4 step^2 in all, far below the tone on every line.
    assert!(loudest("2").0 < -50.0, "{:?}", loudest("2"));
    folder.run("plot spectrogram tone.wav -o one.svg --csv").succeeds();
    assert!(csv(&folder, "one.csv").1.iter().all(|row| row[0] == "0"));
}

#[test]
fn a_spectrum_shows_the_output_where_there_is_one() {
    let folder = Folder::new();
    folder.song("song.wav");
    folder.run("plot spectrum song.wav -o one.svg --csv").succeeds();
    assert_eq!(csv(&folder, "one.csv").0, "frequency_hz,level_dbfs");
    for options in ["-b 8", "--ref song.wav"] {
        folder.run(&format!("plot spectrum {options} song.wav -o three.svg --csv -f")).succeeds();
        assert_eq!(csv(&folder, "three.csv").0, "frequency_hz,level_dbfs,level_2_dbfs,level_3_dbfs");
        let svg = String::from_utf8(folder.bytes("three.svg")).expect("UTF-8");
        assert!(["Input", "Output", "Error"].iter().all(|name| svg.contains(name)), "{options}");
        assert!(!svg.contains("NaN") && !svg.contains(">inf"), "{options}");
    }
    // A tone: that of the output, with the figures of its bits; of a long one the picture tells that it is the start.
    folder.run("generate sine --samples 1048577 -o tone.wav").succeeds();
    folder.run("plot spectrum -b 8 --dither none tone.wav -o tone.svg").succeeds();
    let svg = String::from_utf8(folder.bytes("tone.svg")).expect("UTF-8");
    for text in ["8 bits uniform", "the first 21.8 s", "Harmonics", "ENOB"] {
        assert!(svg.contains(text), "{text}");
    }
    let enob = texts(&svg).find_map(|text| text.strip_suffix("\u{a0}bit")).expect("a figure");
    assert!((enob.parse::<f64>().expect("a number") - 8.0).abs() < 0.3, "{enob}");
}

#[test]
fn lines_drawn_as_noise_sum_to_the_noise() {
    let folder = Folder::new();
    // 340.3 periods: side lobes of the tone must not count as noise.
    folder.run("generate sine --samples 16384 --level -1 --bits 16 --dither none -o tone.wav").succeeds();
    folder.run("plot spectrum tone.wav -o tone.svg").succeeds();
    let svg = String::from_utf8(folder.bytes("tone.svg")).expect("UTF-8");
    let legend =
        texts(&svg).find_map(|text| Some(text.split_once("\u{a0}dBFS in ")?.0)).expect("the noise comes first");
    let drawn: f64 = legend.replace('\u{2212}', "-").parse().expect("a number");
    let measured = folder.json("analyze tone.wav")["noise_dbfs"].as_f64().expect("a tone");
    // Lines under the harmonics' lobes are not the noise's, a few in a thousand.
    assert!((drawn - measured).abs() < 0.1, "{drawn} {measured}");
}

#[test]
fn snr_against_level_is_that_of_quantize() {
    let folder = Folder::new();
    folder.run("plot snr-level -b 8 -o levels.svg --csv").succeeds();
    let levels = column(&folder, "levels.csv", "level_dbfs");
    let at = levels.iter().position(|&l| l == -30.0).expect("-30 dBFS is measured");
    // The same sine from a file of doubles, quantized by the command.
    folder.run("generate sine --rate 48000 --seconds 1 --frequency 997 --level -30 -o tone.wav").succeeds();
    for (options, key) in [("-d none", "uniform_no_dither_snr_db"), ("-m mu-law --law continuous", "mu_law_snr_db")] {
        let snr =
            folder.json(&format!("quantize -b 8 {options} tone.wav -o q.wav --container f64 -f"))["snr_db"].as_f64();
        let drawn = column(&folder, "levels.csv", key)[at];
        assert!((drawn - snr.expect("an SNR")).abs() < 0.02, "{key}: drawn {drawn}, quantize {snr:?}");
    }
    // Levels learnt at full scale fit there better than any, and a quiet sine not at all.
    let learnt = column(&folder, "levels.csv", "lloyd_max_snr_db");
    let uniform = column(&folder, "levels.csv", "uniform_no_dither_snr_db");
    let full = levels.iter().position(|&l| l == 0.0).expect("0 dBFS is measured");
    assert!(learnt[full] > uniform[full] && learnt[at] < uniform[at] + 1.0, "{learnt:?}");
    folder.run("plot snr-level -b 12 -o twelve.svg --csv").succeeds();
    assert!(!csv(&folder, "twelve.csv").0.contains("lloyd"), "4096 levels are not learnt");
    // Companding keeps its SNR where a uniform quantizer has lost it.
    let quiet = levels.iter().position(|&l| l == -45.0).expect("-45 dBFS is measured");
    let [mu, uniform] = ["mu_law_snr_db", "uniform_no_dither_snr_db"].map(|k| column(&folder, "levels.csv", k)[quiet]);
    assert!(mu > uniform + 15.0, "{mu} {uniform}");
}

#[test]
fn snr_against_bits_follows_theory_and_trains_on_the_input() {
    let folder = Folder::new();
    let point = |name: &str, series: &str, bits: usize| {
        let (header, rows) = csv(&folder, name);
        assert_eq!(header, "series,bits,value");
        let found = rows.iter().find(|row| row[0] == series && row[1] == bits.to_string());
        found.map(|row| number(&row[2])).unwrap_or_else(|| panic!("{series} has no point at {bits} bits"))
    };
    folder.run("plot snr-bits -o bits.svg --csv").succeeds();
    for bits in 8..=16 {
        let snr = point("bits.csv", "uniform_no_dither_snr_db", bits);
        let theory = 6.0206 * bits as f64 + 1.76;
        assert!((snr - theory).abs() < 1.0, "{bits} bits: {snr}, theory {theory}");
    }
    folder.song("song.wav");
    folder.run("plot snr-bits song.wav --csv").succeeds();
    let trained = point("song.snr-bits.csv", "lloyd_max_snr_db", 4);
    let printed = folder.json("quantize -b 4 -m lloyd-max song.wav -o q.wav --container f64")["snr_db"].as_f64();
    assert!((trained - printed.expect("an SNR")).abs() < 1e-6, "{trained} {printed:?}");
    assert!(trained > point("song.snr-bits.csv", "uniform_no_dither_snr_db", 4));
    folder.run("plot snr-bits -m b.json song.wav -o x.svg").fails(2, "every bit depth");
}

#[test]
fn a_codebook_is_drawn_from_its_file_and_from_its_training() {
    let folder = Folder::new();
    folder.song("song.wav");
    folder.run("design codebook --levels 8 song.wav -o eight.json").succeeds();
    folder.run("plot codebook eight.json --csv").succeeds();
    let widths = column(&folder, "eight.codebook.csv", "cell_width");
    assert_eq!(widths.len(), 6, "inner cells of 8 levels");
    assert!(widths.iter().all(|w| *w > 0.0));
    folder.run("plot codebook -m lloyd-max --levels 8 song.wav -o trained.svg --csv").succeeds();
    let text = String::from_utf8(folder.bytes("trained.svg")).expect("UTF-8");
    assert!(text.contains("lloyd-max, 8 levels") && text.contains("Samples"), "conditions and density");
    folder.run("plot codebook -m a-law -b 4 -o staircase.svg").succeeds();
    folder.write("bad.json", b"{}");
    folder.run("plot codebook bad.json").fails(3, "not a codebook");
}

#[test]
fn odd_inputs_are_answered() {
    let folder = Folder::new();
    folder.run("generate silence --seconds 0.1 -o silence.wav").succeeds();
    folder.wav16("one.wav", &[1_000]);
    folder.wav16("none.wav", &[]);
    for kind in ["wave", "spectrogram"] {
        folder.run(&format!("plot {kind} one.wav")).succeeds();
        folder.run(&format!("plot {kind} -b 4 silence.wav")).succeeds();
    }
    folder.run("plot wave none.wav").succeeds();
    folder.run("plot spectrogram none.wav").fails(3, "no samples");
    folder.run("plot snr-level silence.wav").fails(3, "silence");
    folder.run("plot snr-level one.wav").succeeds();
    folder.run("plot snr-bits one.wav").succeeds();
    folder.run("plot wave --channel 2 one.wav -f").fails(2, "channel is 2; allowed: 1 to 1");
    folder.run("plot snr-level --channel 2 one.wav -f").fails(2, "channel is 2; allowed: 1 to 1");
    folder.run("plot wave").fails(2, "missing IN");
    folder.run("plot transfer -m lloyd-max").fails(2, "learns its levels from an audio file");
    folder.run("plot transfer -o a.pdf").fails(2, ".svg or .png");
    folder.run("plot transfer --dry-run").succeeds();
    assert!(!folder.has("transfer.svg"));
}
