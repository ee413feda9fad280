//! Many inputs: order, totals, exit codes, resuming.

use super::support::Folder;

fn three_songs() -> Folder {
    let folder = Folder::new();
    for name in ["a.wav", "b.wav", "c.wav"] {
        folder.song(name);
    }
    folder
}

#[test]
fn good_files_are_done_and_the_greatest_code_counts() {
    let folder = three_songs();
    folder.write("b.wav", b"not a sound");
    let run = folder.run("quantize -b 8 -j 2 a.wav b.wav c.wav");
    assert_eq!(run.code, 3);
    assert!(folder.has("a.q8.wav") && folder.has("c.q8.wav") && !folder.has("b.q8.wav"));
    let lines: Vec<&str> = run.stderr.lines().collect();
    assert!(lines[0].starts_with("a.wav -> a.q8.wav"), "{}", run.stderr);
    assert!(lines[1].starts_with("sqnr: b.wav: not audio"), "{}", run.stderr);
    assert!(lines[3].contains("2 of 3 files done") && lines[3].contains("1 failed: b.wav"), "{}", run.stderr);
}

#[test]
fn fail_fast_stops() {
    let folder = three_songs();
    folder.write("a.wav", b"not a sound");
    assert_eq!(folder.run("quantize -b 8 -j 1 --fail-fast a.wav b.wav c.wav").code, 3);
    assert!(!folder.has("c.q8.wav"));
}

#[test]
fn a_second_run_with_no_clobber_does_nothing() {
    let folder = three_songs();
    folder.run("quantize -b 8 -n a.wav b.wav").succeeds();
    let before = std::fs::metadata(folder.path("a.q8.wav")).expect("there").modified().expect("a time");
    let run = folder.run("quantize -b 8 -n a.wav b.wav");
    assert!(run.succeeds().stderr.contains("nothing to do"), "{}", run.stderr);
    assert_eq!(std::fs::metadata(folder.path("a.q8.wav")).expect("there").modified().expect("a time"), before);
    let run = folder.run("quantize -b 8 -n a.wav b.wav c.wav");
    assert!(run.succeeds().stderr.contains("1 of 3 files done"), "{}", run.stderr);
}

#[test]
fn every_command_that_writes_skips_what_exists() {
    let folder = three_songs();
    folder.run("encode a.wav").succeeds();
    for (line, output) in [
        ("quantize -b 8 a.wav", "a.q8.wav"),
        ("quantize --format bf16 a.wav", "a.bf16.wav"),
        ("encode a.wav", "a.sqn"),
        ("decode a.sqn -o back.wav", "back.wav"),
        ("plot spectrum a.wav", "a.spectrum.svg"),
    ] {
        folder.write(output, b"kept");
        let run = folder.run(&format!("{line} -n"));
        assert!(run.succeeds().stderr.contains(&format!("skipped, {output} exists")), "{line}: {}", run.stderr);
        folder.run(line).fails(4, "exists; use -f");
        assert_eq!(folder.bytes(output), b"kept", "{line}");
        std::fs::remove_file(folder.path(output)).expect("removed");
        if output == "a.sqn" {
            folder.run(line).succeeds();
        }
    }
}

#[test]
fn folders_keep_their_structure() {
    let folder = Folder::new();
    std::fs::create_dir_all(folder.path("music/deep")).expect("made");
    folder.song("music/a.wav");
    folder.song("music/deep/b.wav");
    folder.write("music/cover.txt", b"x");
    folder.run("quantize -b 8 -R music -O out").succeeds();
    assert!(folder.has("out/a.q8.wav") && folder.has("out/deep/b.q8.wav"));
    folder.run("quantize -b 8 -R music -O none --ext aiff").fails(2, "no audio file");
}

#[test]
fn a_dry_run_writes_nothing() {
    let folder = three_songs();
    let run = folder.run("quantize -b 8 --dry-run a.wav b.wav");
    assert_eq!(run.succeeds().text(), "quantize a.wav -> a.q8.wav\nquantize b.wav -> b.q8.wav\n");
    assert_eq!(folder.names().len(), 3);
}

#[test]
fn names_come_from_a_list_too() {
    let folder = three_songs();
    folder.write("list", b"a.wav\n\nc.wav\n");
    folder.run("quantize -b 8 --files-from list").succeeds();
    folder.run_with_stdin("quantize -b 4 --files-from -", b"b.wav\n".to_vec()).succeeds();
    assert!(folder.has("a.q8.wav") && folder.has("c.q8.wav") && folder.has("b.q4.wav"));
}

#[test]
fn json_is_one_object_a_line_in_order() {
    let folder = three_songs();
    folder.write("b.wav", b"not a sound");
    let run = folder.run("quantize -b 8 -j 3 --json a.wav b.wav c.wav");
    assert_eq!(run.code, 3);
    let objects: Vec<serde_json::Value> =
        run.text().lines().map(|line| serde_json::from_str(line).expect("an object")).collect();
    let inputs: Vec<&str> = objects.iter().map(|o| o["input"].as_str().expect("a name")).collect();
    assert_eq!(inputs, ["a.wav", "b.wav", "c.wav"]);
    assert!(objects.iter().all(|o| o["schema"] == 1 && o["command"] == "quantize"));
    assert_eq!(objects[1]["exit_code"], 3);
    assert!(objects[0]["warnings"].is_array());
}

#[test]
fn outputs_that_would_collide_are_refused_before_anything_is_written() {
    let folder = three_songs();
    std::fs::create_dir(folder.path("sub")).expect("made");
    folder.song("sub/a.wav");
    folder.run("quantize -b 8 a.wav sub/a.wav -O out").fails(2, "would both be written to out/a.q8.wav");
    assert!(!folder.has("out"));
}
