//! The README's console blocks, run as written: what it shows is what the program prints.
//!
//! A line `$ sqnr ...` is run; the lines below it are its standard output, then its standard error, where `[..]` stands for
//! anything. `? N` is the exit code when it is not 0.

use std::path::Path;

use assert_cmd::Command;
use tempfile::TempDir;

/// A command of the README and what is printed below it.
struct Shown {
    arguments: Vec<String>,
    exit: i32,
    lines: Vec<String>,
}

fn shown(readme: &str) -> Vec<Shown> {
    let mut all: Vec<Shown> = Vec::new();
    let mut in_console = false;
    for line in readme.lines() {
        if line.starts_with("```") {
            in_console = line == "```console";
        } else if !in_console {
            continue;
        } else if let Some(command) = line.strip_prefix("$ sqnr ") {
            let arguments = command.split_whitespace().map(str::to_owned).collect();
            all.push(Shown { arguments, exit: 0, lines: Vec::new() });
        } else if let Some(command) = all.last_mut() {
            match line.strip_prefix("? ") {
                Some(code) => command.exit = code.parse().expect("an exit code"),
                None => command.lines.push(line.to_owned()),
            }
        }
    }
    all
}

/// True when `line` is `pattern`, each `[..]` in it standing for anything.
fn matches(pattern: &str, line: &str) -> bool {
    let Some((start, rest)) = pattern.split_once("[..]") else { return pattern == line };
    let Some(tail) = line.strip_prefix(start) else { return false };
    (0..=tail.len()).filter(|&i| tail.is_char_boundary(i)).any(|i| matches(rest, &tail[i..]))
}

#[test]
fn the_readme_shows_what_the_program_prints() {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    let readme = std::fs::read_to_string(root.join("README.md")).expect("the README");
    let folder = TempDir::new().expect("a folder");
    for entry in std::fs::read_dir(root.join("testdata")).expect("testdata") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|e| e == "wav") {
            std::fs::copy(&path, folder.path().join(path.file_name().expect("a name"))).expect("copied");
        }
    }
    let commands = shown(&readme);
    assert!(commands.len() >= 8, "the README shows {} commands", commands.len());
    for command in commands {
        let run =
            Command::cargo_bin("sqnr").expect("built").current_dir(folder.path()).args(&command.arguments).output();
        let run = run.expect("runs");
        let text = String::from_utf8(run.stdout).expect("text") + &String::from_utf8(run.stderr).expect("text");
        let printed: Vec<&str> = text.lines().collect();
        assert_eq!(run.status.code(), Some(command.exit), "{:?}: {text}", command.arguments);
        let same = printed.len() == command.lines.len()
            && command.lines.iter().zip(&printed).all(|(pattern, line)| matches(pattern, line));
        assert!(
            same,
            "sqnr {}\nprints\n{text}\nthe README shows\n{}",
            command.arguments.join(" "),
            command.lines.join("\n")
        );
    }
}

#[test]
fn the_pattern_stands_for_anything_and_nothing_else_does() {
    assert!(matches("a [..] c [..]", "a b c d") && matches("a[..]", "a"));
    assert!(!matches("a [..] c", "a b d") && !matches("a", "ab"));
}
