//! Everything that can be wrong with arguments, inputs and outputs: one line, the right exit code, nothing lost.

use super::support::Folder;

#[test]
fn wrong_words_and_values_are_wrong_use() {
    let folder = Folder::new();
    folder.song("song.wav");
    for (line, part) in [
        ("quantise song.wav", "did you mean 'quantize'"),
        ("quantize --bots 8 song.wav", "unknown option '--bots'; did you mean '--bits'"),
        ("quantize -b 0 song.wav", "1..=32"),
        ("quantize -b 33 song.wav", "1..=32"),
        ("quantize -b eight song.wav", "'eight' is not a value for --bits"),
        ("quantize -b 8 -m unifrom song.wav", "did you mean 'uniform'"),
        ("quantize -b 8 -d tpfd song.wav", "did you mean 'tpdf'"),
        ("quantize -b 8 -s x song.wav", "coefficients"),
        ("quantize -b 8 -s nan song.wav", "allowed"),
        ("quantize song.wav", "-b BITS"),
        ("quantize -b 8", "missing"),
        ("quantize -b 8 --levels 9 song.wav", "cannot be used with"),
        ("quantize -b 12 -m mu-law --law itu song.wav", "G.711 has 8 bits"),
        ("quantize -b 8 --law itu song.wav", "for -m mu-law"),
        ("quantize -b 8 -m lloyd-max -d tpdf song.wav", "dither"),
        ("quantize -b 16 --container 8 song.wav", "container"),
        ("quantize -b 8 --container mu-law song.wav", "mu-law"),
        ("quantize -b 8 -f -n song.wav", "cannot be used with"),
        ("quantize -b 8 -j 0 song.wav", "1..=1024"),
        ("quantize -b 8 song.wav song.wav -o x.wav", "-O DIR"),
        ("quantize -b 8 song.wav out.wav", "no such file; to write the result there, use -o out.wav"),
        ("help dithr", "no help on 'dithr'"),
        ("generate sine --frequency 30000 -o x.wav", "frequency is 30000 Hz"),
    ] {
        let run = folder.run(line);
        assert_eq!(run.code, 2, "{line}: {}", run.stderr);
        run.fails(2, part);
    }
    assert_eq!(folder.names(), ["song.wav"]);
}

#[test]
fn no_arguments_print_the_help_and_are_wrong_use() {
    let run = Folder::new().run("");
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("Usage:"));
}

#[test]
fn a_missing_input_gets_a_hint() {
    let folder = Folder::new();
    folder.song("song.wav");
    folder.run("quantize -b 8 sogn.wav").fails(3, "sogn.wav: no such file; did you mean song.wav?");
    folder.run("info nowhere/x.wav").fails(3, "nowhere/x.wav: no such file");
}

#[test]
fn what_is_no_audio_is_refused() {
    let folder = Folder::new();
    folder.write("text.wav", b"this is a letter, not a sound, however it is called");
    folder.write("empty.wav", b"");
    std::fs::create_dir(folder.path("folder.wav")).expect("made");
    folder.run("quantize -b 8 text.wav").fails(3, "text.wav: not audio");
    folder.run("quantize -b 8 empty.wav").fails(3, "empty.wav: the file is empty");
    folder.run("quantize -b 8 folder.wav").fails(3, "folder.wav: is a folder; use -R");
    assert_eq!(folder.names(), ["empty.wav", "folder.wav", "text.wav"]);
}

#[test]
fn hostile_headers_are_refused_with_the_place() {
    let folder = Folder::new();
    folder.song("song.wav");
    let good = folder.bytes("song.wav");
    for (at, bytes, part) in [
        (22, &[0, 0][..], "channels is 0"),
        (22, &[0xFF, 0xFF], "number of channels is 65535"),
        (24, &[0, 0, 0, 0], "sample rate is 0"),
        (34, &[0, 0], "bits"),
        (34, &[99, 0], "bits"),
        (20, &[0x55, 0x33], "format"),
    ] {
        let mut bad = good.clone();
        bad[at..at + bytes.len()].copy_from_slice(bytes);
        folder.write("bad.wav", &bad);
        folder.run("quantize -b 8 bad.wav").fails(3, part);
    }
    assert_eq!(folder.names(), ["bad.wav", "song.wav"]);
}

#[test]
fn a_truncated_file_is_an_error_or_read_with_a_warning() {
    let folder = Folder::new();
    folder.song("song.wav");
    let good = folder.bytes("song.wav");
    for n in (0..60).chain([100, 1_001, 7_000]) {
        folder.write("cut.wav", &good[..n]);
        let run = folder.run("quantize -b 8 -f cut.wav -o out.wav");
        match run.code {
            0 => assert!(run.stderr.contains("warning"), "{n} bytes: {}", run.stderr),
            3 => run.fails(3, "cut.wav: "),
            other => panic!("{n} bytes: exit {other}: {}", run.stderr),
        }
    }
    let run = folder.run("quantize -b 8 -f cut.wav -o out.wav");
    run.succeeds();
    assert_eq!(folder.read("out.wav").1.len(), (7_000 - 44) / 2);
}

#[test]
fn sizes_that_lie_cost_no_memory() {
    let folder = Folder::new();
    folder.song("song.wav");
    let mut bytes = folder.bytes("song.wav");
    bytes[40..44].copy_from_slice(&0x7000_0000u32.to_le_bytes());
    folder.write("lies.wav", &bytes);
    let run = folder.run("quantize -b 8 lies.wav");
    assert!(run.succeeds().stderr.contains("warning"));
    assert_eq!(folder.read("lies.q8.wav").1.len(), 4_000);
}

#[test]
fn an_output_is_never_overwritten_without_force() {
    let folder = Folder::new();
    folder.song("song.wav");
    folder.write("kept.wav", b"precious");
    folder.run("quantize -b 8 song.wav -o kept.wav").fails(4, "kept.wav: exists; use -f");
    assert_eq!(folder.bytes("kept.wav"), b"precious");
    folder.run("quantize -b 8 -f song.wav -o kept.wav").succeeds();
    assert_eq!(folder.read("kept.wav").1.len(), 4_000);
    folder.run("quantize -b 8 song.wav -o no/where.wav").fails(4, "there is no folder no");
    folder.run("quantize -b 8 song.wav --error kept.wav -o new.wav").fails(4, "kept.wav: exists");
    assert!(!folder.has("new.wav"));
}

#[cfg(unix)]
#[test]
fn an_output_that_is_an_input_is_refused_by_name_link_and_inode() {
    let folder = Folder::new();
    folder.song("song.wav");
    let before = folder.bytes("song.wav");
    std::os::unix::fs::symlink("song.wav", folder.path("link.wav")).expect("linked");
    std::fs::hard_link(folder.path("song.wav"), folder.path("hard.wav")).expect("linked");
    for output in ["song.wav", "./song.wav", "link.wav", "hard.wav"] {
        folder.run(&format!("quantize -b 8 -f song.wav -o {output}")).fails(2, "is the input song.wav");
        folder.run(&format!("quantize -b 8 -f song.wav -o new.wav --error {output}")).fails(2, "is the input");
    }
    assert_eq!(folder.bytes("song.wav"), before);
    assert!(!folder.has("new.wav"));
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_leaves_nothing() {
    let folder = Folder::new();
    folder.song("song.wav");
    folder.run("quantize -b 8 song.wav -o /dev/full").fails(4, "the disk is full");
    assert_eq!(folder.names(), ["song.wav"]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_closed_pipe_is_success() {
    let folder = Folder::new();
    folder.copy("organ_choir.wav", "song.wav");
    let program = assert_cmd::cargo::cargo_bin("sqnr");
    let line = format!(
        "{} quantize -b 8 song.wav -o - --quiet | head -c 100 > cut; exit ${{PIPESTATUS[0]}}",
        program.display()
    );
    let status = std::process::Command::new("bash").args(["-c", &line]).current_dir(folder.path("")).status();
    assert_eq!(status.expect("bash runs").code(), Some(0));
    assert_eq!(folder.bytes("cut").len(), 100);
}

#[cfg(target_os = "linux")]
#[test]
fn a_pipe_by_name_is_read() {
    let folder = Folder::new();
    folder.song("song.wav");
    let program = assert_cmd::cargo::cargo_bin("sqnr");
    let line = format!("mkfifo p; cat song.wav > p & {} quantize -b 8 p -o out.wav", program.display());
    let status = std::process::Command::new("bash").args(["-c", &line]).current_dir(folder.path("")).status();
    assert_eq!(status.expect("bash runs").code(), Some(0));
    assert_eq!(folder.read("out.wav").1.len(), 4_000);
}

/// SIGTERM and SIGINT while the input hangs: no temporary file is left, the exit code says which.
#[cfg(target_os = "linux")]
#[test]
fn a_signal_tidies_up() {
    let program = assert_cmd::cargo::cargo_bin("sqnr");
    for (signal, code) in [("TERM", 143), ("INT", 130)] {
        let folder = Folder::new();
        folder.song("song.wav");
        let line = format!(
            "set -m; mkfifo p; (head -c 4000 song.wav; sleep 20) > p & {} quantize -b 8 p -o out.wav & \
             sqnr=$!; for i in $(seq 100); do ls -A | grep -q '^[.]out' && break; sleep 0.05; done; \
             ls -A | grep -q '^[.]out' || exit 99; kill -{signal} $sqnr; wait $sqnr",
            program.display()
        );
        let status = std::process::Command::new("bash").args(["-c", &line]).current_dir(folder.path("")).status();
        assert_eq!(status.expect("bash runs").code(), Some(code));
        assert_eq!(folder.names(), ["p", "song.wav"], "nothing left behind");
    }
}

#[test]
fn control_characters_in_names_stay_on_one_line() {
    let folder = Folder::new();
    let mut command = folder.command();
    command.args(["info", "a\nb\u{1b}[31m.wav"]);
    let output = command.output().expect("runs");
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(stderr.lines().count(), 1);
    assert!(stderr.contains("a\\nb\\u{1b}[31m.wav"), "{stderr}");
}

#[cfg(unix)]
#[test]
fn no_permission_is_said() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    folder.song("song.wav");
    std::fs::set_permissions(folder.path("song.wav"), std::fs::Permissions::from_mode(0o000)).expect("set");
    // A superuser may read everything.
    if std::fs::File::open(folder.path("song.wav")).is_err() {
        folder.run("quantize -b 8 song.wav").fails(3, "permission denied");
    }
}
