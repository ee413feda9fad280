//! What one bad member may not do to the others, and what no output may do to an input.

use std::{fs, os::unix::fs as unix};

use super::support::Folder;

fn three_songs() -> Folder {
    let folder = Folder::new();
    for name in ["a.wav", "b.wav", "c.wav"] {
        folder.wav16(name, &[1_000, -1_000, 500, 0]);
    }
    folder
}

/// The same command again over all that lies there: everything is there already, results among the inputs too.
#[test]
fn a_run_with_n_can_be_repeated_over_its_own_results() {
    let folder = three_songs();
    folder.run("quantize -b 8 -n a.wav b.wav").succeeds();
    let again = folder.run("quantize -b 8 -n a.wav a.q8.wav b.wav b.q8.wav c.wav");
    let text = &again.succeeds().stderr;
    assert!(text.contains("a.q8.wav: skipped, it is the output of a.wav"), "{text}");
    assert!(text.contains("1 of 5 files done"), "{text}");
    assert_eq!(folder.names(), ["a.q8.wav", "a.wav", "b.q8.wav", "b.wav", "c.q8.wav", "c.wav"]);
    folder.run("quantize -b 8 -n -R .").succeeds();
    assert_eq!(folder.names().len(), 6);
    // Without -n an output that is an input is a mistake.
    folder.run("quantize -b 8 a.wav a.q8.wav").fails(2, "a.q8.wav is the input a.q8.wav");
}

#[test]
fn what_a_walk_cannot_look_at_fails_alone() {
    let folder = three_songs();
    unix::symlink("nothing.wav", folder.path("dangling.wav")).expect("linked");
    unix::symlink("nothing.txt", folder.path("other.txt")).expect("linked");
    fs::create_dir(folder.path("below")).expect("made");
    unix::symlink("..", folder.path("below/up")).expect("linked");
    let run = folder.run("info -R .");
    assert_eq!(run.code, 3, "{}", run.stderr);
    let text = run.text() + &run.stderr;
    assert!(text.contains("./dangling.wav: a link to nothing"), "{text}");
    assert!(text.contains("a link that leads back here is passed over"), "{text}");
    for name in ["a.wav", "b.wav", "c.wav"] {
        assert!(text.contains(&format!("== ./{name} ==")), "{text}");
    }
    assert!(text.contains("3 of 4 files done") && !text.contains("other.txt"), "{text}");
}

#[test]
fn no_output_is_written_over_what_the_run_reads() {
    let folder = three_songs();
    let before = folder.bytes("a.wav");
    fs::hard_link(folder.path("a.wav"), folder.path("hard.wav")).expect("linked");
    unix::symlink("a.wav", folder.path("soft.wav")).expect("linked");
    folder.write("curve.txt", b"100,0\n1000,0\n10000,-20\n");
    folder.write("recipe.json", b"uniform bits=8");
    fs::hard_link(folder.path("a.wav"), folder.path("a.csv")).expect("linked");
    for line in [
        "quantize -b 8 -f a.wav -o hard.wav",
        "quantize -b 8 -f a.wav -o soft.wav",
        "quantize -b 8 -f a.wav -o x.wav --error hard.wav",
        "quantize --recipe recipe.json -f a.wav -o recipe.json",
        "design shaper --weighting curve.txt -f -o curve.txt",
        "plot noise -b 8 --csv -f a.wav -o a.svg",
        "report --ref a.wav b.wav -f -o soft.wav",
    ] {
        folder.run(line).fails(2, "is the input");
        assert_eq!(folder.bytes("a.wav"), before, "{line}");
    }
    assert_eq!(folder.bytes("recipe.json"), b"uniform bits=8");
    assert_eq!(folder.bytes("curve.txt"), b"100,0\n1000,0\n10000,-20\n");
}

#[test]
fn lists_without_an_end_are_refused() {
    let folder = three_songs();
    folder.run("info --files-from /dev/zero").fails(3, "line 1 is longer than 65536 bytes");
    folder.write("list.txt", b"a.wav\r\n\nb.wav");
    assert!(folder.run("info --files-from list.txt").succeeds().text().contains("== b.wav =="));
}

#[test]
fn totals_count_what_was_read_with_a_warning() {
    let folder = three_songs();
    let whole = folder.bytes("b.wav");
    folder.write("b.wav", &whole[..whole.len() - 2]);
    let run = folder.run("quantize -b 8 a.wav b.wav c.wav");
    assert!(run.succeeds().stderr.contains("3 of 3 files done"), "{}", run.stderr);
    assert!(run.stderr.contains("; 1 with warnings"), "{}", run.stderr);
}

#[test]
fn names_cannot_turn_the_line_around() {
    let folder = Folder::new();
    folder.wav16("a\u{202e}vaw.mp3.wav", &[1, 2]);
    let text = folder.run("info -R .").succeeds().text();
    assert!(!text.contains('\u{202e}'), "{text}");
    folder.run("info missing\u{202e}.wav").fails(3, "\\u{202e}");
}

#[test]
fn thousands_of_present_outputs_are_skipped_in_silence() {
    let folder = Folder::new();
    folder.wav16("0.wav", &[1, 2, 3]);
    let n_files = 2_000;
    for i in 1..n_files {
        fs::hard_link(folder.path("0.wav"), folder.path(&format!("{i}.wav"))).expect("linked");
    }
    for i in 0..n_files {
        folder.write(&format!("{i}.q8.wav"), b"x");
    }
    let names: Vec<String> = (0..n_files).map(|i| format!("{i}.wav")).collect();
    folder.write("list.txt", names.join("\n").as_bytes());
    let run = folder.run("quantize -b 8 -n --quiet --files-from list.txt");
    assert_eq!((run.succeeds().text(), run.stderr.as_str()), (String::new(), ""));
}

#[test]
fn decoding_says_what_integers_cannot_hold() {
    let folder = Folder::new();
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 8_000,
        bits_per_sample: 32,
        sample_format: hound::SampleFormat::Float,
    };
    let mut loud = hound::WavWriter::create(folder.path("loud.wav"), spec).expect("created");
    (0..4_000).for_each(|i| loud.write_sample(4.0 * (i as f32 * 0.1).sin()).expect("written"));
    loud.finalize().expect("written");
    folder.run("encode loud.wav").succeeds();
    let done = folder.json("decode loud.sqn -o back.wav");
    let clipped = done["clipped_samples"].as_u64().expect("a count");
    assert!(clipped > 2_000 && done["warnings"][0].as_str().expect("told").contains("beyond full scale"), "{done}");
}

#[test]
fn a_range_past_the_end_is_a_mistake() {
    let folder = Folder::new();
    folder.song("song.wav");
    folder.run("encode song.wav").succeeds();
    folder.run("decode --range 10.. song.sqn -o part.wav").fails(2, "before 0.500 s, the end");
    assert!(!folder.has("part.wav"));
}

/// Whatever a command does with its input, a file that is cut short is told, in words and in JSON.
#[test]
fn warnings_of_the_reader_reach_every_command() {
    let folder = Folder::new();
    folder.song("song.wav");
    let whole = folder.bytes("song.wav");
    folder.write("cut.wav", &whole[..whole.len() - 501]);
    for line in [
        "quantize -b 8 cut.wav -o o.wav",
        "quantize -m lloyd-max -b 4 cut.wav -o o.wav",
        "quantize -m trellis -b 2 cut.wav -o o.wav",
        "quantize -m dependent --rate 2 cut.wav -o o.wav",
        "quantize -m vector -b 1 cut.wav -o o.wav",
        "quantize -m dpcm -b 2 cut.wav -o o.wav",
        "quantize --format int8 cut.wav -o o.wav",
        "quantize --format g722 cut.wav -o o.wav",
        "encode cut.wav -o o.sqn",
        "sweep cut.wav --max-bits 1",
        "plot noise -b 8 cut.wav -o o.svg",
        "plot wave -b 3 cut.wav -o o.svg",
        "analyze cut.wav",
        "info cut.wav",
        "design codebook --levels 4 cut.wav -o o.json",
        "design codebook --levels 4 --dimension 2 cut.wav -o o.json",
        "design predictor --bits 2 cut.wav -o o.json",
        "report cut.wav -o o.html",
        "compare song.wav cut.wav",
        "compare cut.wav song.wav",
    ] {
        let run = folder.run(&format!("{line} -f"));
        assert!(run.stderr.contains("warning: "), "{line}: {}", run.stderr);
        if line.starts_with("compare cut.wav") {
            continue;
        }
        let object = folder.json(&format!("{line} -f"));
        assert!(object["warnings"].as_array().is_some_and(|all| !all.is_empty()), "{line}: {object}");
    }
}
