//! What the fuzz targets kept: inputs that reach other code than all before them, and those that broke something once.

#[path = "fuzz/group.rs"]
mod group;
#[path = "fuzz/header.rs"]
mod header;
#[path = "fuzz/round_trip.rs"]
mod round_trip;

/// Runs every file kept for a target; a panic names it.
fn run_all(target: &str, run: fn(&[u8])) {
    let folder = format!("{}/testdata/fuzz/{target}", env!("CARGO_MANIFEST_DIR"));
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|e| panic!("{folder}: {e}"));
    let mut n_files = 0;
    for entry in entries {
        let path = entry.expect("an entry").path();
        let bytes = std::fs::read(&path).expect("a file");
        std::panic::catch_unwind(|| run(&bytes)).unwrap_or_else(|_| panic!("{} breaks it", path.display()));
        n_files += 1;
    }
    assert!(n_files > 10, "{n_files} files");
}

#[test]
fn headers() {
    run_all("codec_header", header::run);
}

#[test]
fn groups() {
    run_all("codec_group", group::run);
}

#[test]
fn round_trips() {
    run_all("codec_round_trip", round_trip::run);
}
