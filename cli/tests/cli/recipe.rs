//! Recipes on the command line: the JSON of a run carries the recipe that made it, and a run with that recipe gives the
//! same bytes.

use super::support::Folder;

/// Every kind of method, with options that matter.
const OPTIONS: [&str; 16] = [
    "-b 8",
    "-b 4 --dither none --seed 9",
    "-b 6 -d tpdf -s 1.5,-0.6 --seed 18446744073709551615",
    "-b 8 -s adaptive",
    "-b 8 -m mu-law --law sox",
    "-b 5 -m a-law",
    "--levels 12 -m lloyd-max --container f64",
    "--rate 1.5 -m dependent --states 16",
    "-b 2 -m trellis",
    "-b 1 -m vector",
    "--format bf16",
    "--format int8 --granularity group:32 --calibration mse --symmetric --rule pytorch",
    "--format mxfp4 --exponent best",
    "--format ima --paths 2",
    "--format g726-24",
    "--format dsd64",
];

#[test]
fn the_recipe_of_a_run_gives_the_same_bytes() {
    let folder = Folder::new();
    folder.song("song.wav");
    for options in OPTIONS {
        let ending = if options.contains("dsd") { "dsf" } else { "wav" };
        let object = folder.json(&format!("quantize song.wav {options} -o first.{ending} -f"));
        let recipe = object["recipe"].to_string();
        folder.write("recipe.json", recipe.as_bytes());
        folder.run(&format!("quantize --recipe recipe.json song.wav -o again.{ending} -f")).succeeds();
        assert_eq!(folder.bytes(&format!("first.{ending}")), folder.bytes(&format!("again.{ending}")), "{options}");
        let again = folder.run_with_stdin(&format!("quantize --recipe - song.wav -o third.{ending} -f"), recipe.into());
        again.succeeds();
        assert_eq!(folder.bytes(&format!("first.{ending}")), folder.bytes(&format!("third.{ending}")), "{options}");
    }
}

#[test]
fn the_recipe_of_a_codec_file_gives_the_same_file() {
    let folder = Folder::new();
    folder.song("song.wav");
    for options in ["-q 3.5", "-r 64k", "--snr 20dB --band-quantizer power-law", "--bits-per-band 6,5.5,4,3"] {
        let object = folder.json(&format!("encode song.wav {options} -o first.sqn -f"));
        folder.write("recipe.json", object["recipe"].to_string().as_bytes());
        folder.run("quantize --recipe recipe.json song.wav -o again.sqn -f").succeeds();
        assert_eq!(folder.bytes("first.sqn"), folder.bytes("again.sqn"), "{options}");
    }
}

#[test]
fn designs_are_recipes_too() {
    let folder = Folder::new();
    folder.song("song.wav");
    for (design, file) in [
        ("design codebook --levels 16 song.wav -o book.json", "book.json"),
        ("design codebook --levels 16 --dimension 2 song.wav -o vectors.json", "vectors.json"),
        ("design predictor song.wav -o predictor.json", "predictor.json"),
        ("design modulator -o modulator.json", "modulator.json"),
        ("design shaper --rate 48000 -o shaper.json", "shaper.json"),
    ] {
        let object = folder.json(design);
        assert!(object["recipe"].to_string().contains(file), "{object}");
        folder.write("recipe.json", object["recipe"].to_string().as_bytes());
        folder.run("quantize --recipe recipe.json song.wav -o out.wav -f").succeeds();
    }
}

#[test]
fn a_recipe_in_words_is_taken() {
    let folder = Folder::new();
    folder.song("song.wav");
    folder.write("recipe.txt", b"uniform bits=6 dither=none\n");
    folder.run("quantize --recipe recipe.txt song.wav -o words.wav").succeeds();
    folder.run("quantize -b 6 -d none song.wav -o options.wav").succeeds();
    assert_eq!(folder.bytes("words.wav"), folder.bytes("options.wav"));
}

#[test]
fn a_wrong_recipe_is_one_line_that_names_the_field() {
    let folder = Folder::new();
    folder.song("song.wav");
    let huge = format!("{{\"method\":\"uniform\",\"seed\":{}}}", "1".repeat(10 << 20));
    for (recipe, code, why) in [
        ("", 3, "method is missing"),
        ("{\"schema\":7,\"method\":\"uniform\",\"bits\":8}", 3, "schema is 7"),
        ("{\"method\":\"uniform\",\"bits\":99}", 3, "bits is 99"),
        ("{\"method\":\"uniform\",\"bits\":8,\"colour\":1}", 3, "field is colour"),
        ("{\"method\":\"uniform\",\"bits\":[[[[8]]]]}", 3, "bits: "),
        ("uniform", 2, "-b is missing"),
        ("trellis bits=2 dither=tpdf", 2, "--dither is tpdf"),
        ("absent.json", 3, "absent.json: no such file"),
        (&huge, 3, "length of the recipe"),
    ] {
        folder.write("recipe.json", recipe.as_bytes());
        let run = folder.run("quantize --recipe recipe.json song.wav -o out.wav");
        run.fails(code, why);
        assert_eq!(run.stderr.trim_end().lines().count(), 1, "{}", run.stderr);
        assert!(!folder.has("out.wav"));
    }
    folder.run("quantize --recipe recipe.json -b 8 song.wav").fails(2, "--recipe");
    folder.write("codec.txt", b"codec quality=5");
    folder.run("quantize --recipe codec.txt song.wav -o a.sqn --error e.wav").fails(2, "--error is for methods");
    folder.run("quantize --recipe nowhere.json song.wav").fails(3, "nowhere.json: no such file");
}
