//! A disk without room: one line, exit code 4, and nothing half-written under any name.
#![cfg(target_os = "linux")]

use std::process::{Command, Output};

use super::support::Folder;

/// Runs `sqnr` with the words of `line` on a disk of `size` in a mount namespace of its own; after the command's exit code
/// come the names it left. None, and a word, where the system does not allow such disks.
fn on_a_disk_of(folder: &Folder, size: &str, line: &str) -> Option<(String, String)> {
    let program = assert_cmd::cargo::cargo_bin("sqnr");
    let script = format!(
        "mount -t tmpfs -o size={size} none disk && cd disk && echo mounted && {} --quiet {line}; echo code $?; find . -type f",
        program.display()
    );
    std::fs::create_dir_all(folder.path("disk")).expect("made");
    let mut command = Command::new("unshare");
    command.args(["--map-root-user", "--mount", "bash", "-c", &script]).current_dir(folder.path("."));
    let Output { stdout, stderr, .. } = command.output().ok()?;
    let (stdout, stderr) =
        (String::from_utf8_lossy(&stdout).into_owned(), String::from_utf8_lossy(&stderr).into_owned());
    let Some(told) = stdout.strip_prefix("mounted\n") else {
        eprintln!("skipped: no disk of its own: {stderr}");
        return None;
    };
    Some((told.to_owned(), stderr))
}

#[test]
fn pages_and_pictures_are_whole_or_not_there() {
    let folder = Folder::new();
    folder.run("generate pink --rate 48000 --seconds 1 --level -12 --channels 2 -b 16 -o in.wav").succeeds();
    for (line, size, name) in [
        ("report ../in.wav -o page.html", "8k", "page.html"),
        ("report ../in.wav -o page.html", "300k", "page.html"),
        ("report --json --no-audio ../in.wav -o page.html", "64k", "page.html"),
        ("plot spectrogram ../in.wav -o s.png", "32k", "s.png"),
        ("plot wave ../in.wav -o s.svg --csv", "40k", "s.csv"),
        ("plot spectrum ../in.wav -o s.svg", "4k", "s.svg"),
    ] {
        let Some((told, said)) = on_a_disk_of(&folder, size, line) else { return };
        assert_eq!(told, "code 4\n", "{line} on {size}: {said}");
        assert!(said.starts_with(&format!("sqnr: {name}: the disk is full")), "{line}: {said}");
        assert_eq!(said.lines().count(), 1, "{said}");
    }
}

#[test]
fn a_tour_that_finds_no_room_leaves_whole_files_alone() {
    let folder = Folder::new();
    std::fs::create_dir(folder.path("clips")).expect("made");
    folder.run("generate pink --rate 48000 --seconds 1 --level -12 -b 16 -o clips/a.wav").succeeds();
    let Some((told, said)) = on_a_disk_of(&folder, "300k", "demo --clips ../clips -O tour") else { return };
    let mut lines = told.lines();
    assert_eq!(lines.next(), Some("code 4"), "{said}");
    assert!(said.contains("the disk is full") && said.lines().count() == 1, "{said}");
    for left in lines {
        assert!(left.starts_with("./tour/a."), "{left} is no temporary file");
        assert!(!left.ends_with("index.html"), "no page of what is not there");
    }
}

#[test]
fn devices_without_room_are_told_the_same() {
    let folder = Folder::new();
    folder.song("song.wav");
    for line in ["report song.wav", "report --json song.wav", "quantize -b 8 song.wav"] {
        let run = folder.run(&format!("{line} -o /dev/full"));
        run.fails(4, "the disk is full");
    }
    assert_eq!(folder.names(), ["song.wav"]);
}
