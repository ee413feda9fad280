//! What the fuzz targets kept: inputs that reach other code than all before them, and those that broke something once.

#[path = "fuzz/one_bit.rs"]
pub mod one_bit;
#[path = "fuzz/tensors.rs"]
pub mod tensors;

use crate::alone;

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
fn tensor_files() {
    let _alone = alone();
    run_all("tensor_file", tensors::run);
}

#[test]
fn one_bit_files() {
    let _alone = alone();
    run_all("dsf_read", one_bit::run);
}
