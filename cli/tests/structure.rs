//! docs/structure.md names what is there: each path and function of its walks, and every room.

use std::{
    fs,
    path::{Path, PathBuf},
};

fn root() -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/..")).to_path_buf()
}

fn document() -> String {
    fs::read_to_string(root().join("docs/structure.md")).expect("the document")
}

/// All that stands between backticks, outside blocks of code.
fn quoted(text: &str) -> Vec<&str> {
    let outside = text.split("```").step_by(2);
    outside.flat_map(|part| part.split('`').skip(1).step_by(2)).collect()
}

/// All Rust sources under a folder, as one text.
fn sources(folder: &Path) -> String {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    entries
        .map(|path| match path.is_dir() {
            true => sources(&path),
            false => fs::read_to_string(&path).unwrap_or_default(),
        })
        .collect()
}

#[test]
fn paths_are_there() {
    let document = document();
    let paths: Vec<&str> =
        quoted(&document).into_iter().filter(|q| q.starts_with("src/") || q.starts_with("cli/")).collect();
    assert!(paths.len() > 20, "{} paths", paths.len());
    for path in paths {
        assert!(root().join(path).exists(), "{path}");
    }
}

#[test]
fn functions_are_there() {
    let code = sources(&root().join("src")) + &sources(&root().join("cli/src"));
    let document = document();
    let walks = document.split_once("## Walk 1").expect("walks").1;
    let is_name = |q: &&str| q.len() > 3 && q.chars().all(|c| c.is_alphanumeric() || c == '_' || c == ':');
    let names: Vec<&str> = quoted(walks).into_iter().filter(is_name).collect();
    assert!(names.len() > 50, "{} names", names.len());
    for name in names {
        let last = name.rsplit("::").next().expect("a name");
        let ways = ["fn", "struct", "enum", "trait"].map(|way| format!("{way} {last}"));
        let is_there = ways.iter().any(|way| code.contains(way)) || code.contains(&format!("{last}:"));
        assert!(is_there, "{name}");
    }
}

#[test]
fn every_room_is_named() {
    let document = document();
    let rooms = document.split_once("## Rooms").expect("rooms").1.split_once("## Words").expect("words").0;
    let named = quoted(rooms);
    for entry in fs::read_dir(root().join("src")).expect("src") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        assert!(!path.is_dir() || named.contains(&name.as_str()), "{name}");
    }
}
