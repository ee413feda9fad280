//! Files that must decode the same for ever: `testdata/codec`, against values of another decoder, written from
//! `docs/bitstream.md` alone.

use sqnr::codec::Decoder;
use std::path::{Path, PathBuf};

/// Samples of a row of `values.csv`.
const BLOCK: usize = 1_024;

/// Samples agree as far as 32-bit floats do: the other decoder uses 64 bits.
const TOLERANCE: f64 = 1e-5;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/codec")
}

fn decoded(name: &str) -> Vec<Vec<f32>> {
    let bytes = std::fs::read(folder().join(name)).expect("a golden file");
    let mut decoder = Decoder::new(&bytes[..]).expect("a header");
    let mut channels = vec![Vec::new(); usize::from(decoder.header().channels)];
    while let Some(block) = decoder.next_block().expect("whole groups") {
        channels.iter_mut().zip(block).for_each(|(all, part)| all.extend(part));
    }
    channels
}

/// Energy of a block, and its product with a chirp that no sample escapes and no two share.
fn figures(x: &[f32]) -> (f64, f64) {
    let chirp = |i: usize| (0.7 + 0.001 * (i * i) as f64).sin();
    let energy = x.iter().map(|&x| f64::from(x).powi(2)).sum();
    (energy, x.iter().enumerate().map(|(i, &x)| f64::from(x) * chirp(i)).sum())
}

#[test]
fn old_files_decode_as_ever() {
    let table = std::fs::read_to_string(folder().join("values.csv")).expect("the values");
    let (mut name, mut channels, mut n_rows) = (String::new(), Vec::new(), 0);
    for row in table.lines().skip(1) {
        let fields: Vec<&str> = row.split(',').collect();
        let number = |i: usize| fields[i].parse::<f64>().expect("a number");
        if fields[0] != name {
            name = fields[0].to_owned();
            channels = decoded(&name);
        }
        let (channel, block) = (number(1) as usize, number(2) as usize);
        let x = channels[channel].chunks(BLOCK).nth(block).unwrap_or_else(|| panic!("{row}: too short"));
        assert_eq!(x.len() as f64, number(3), "{row}: length");
        let (energy, product) = figures(x);
        let allowed = TOLERANCE * number(4).sqrt().max(1e-3) * (x.len() as f64).sqrt();
        assert!((product - number(5)).abs() <= allowed, "{row}: product {product}");
        assert!((energy.sqrt() - number(4).sqrt()).abs() <= allowed, "{row}: energy {energy}");
        n_rows += 1;
    }
    assert!(n_rows > 100, "{n_rows} rows");
}

#[test]
fn every_golden_file_has_values() {
    let table = std::fs::read_to_string(folder().join("values.csv")).expect("the values");
    let files = std::fs::read_dir(folder()).expect("the folder").map(|entry| entry.expect("an entry").path());
    for file in files.filter(|path| path.extension().is_some_and(|e| e == "sqn")) {
        let name = file.file_name().expect("a name").to_string_lossy().into_owned();
        let rows: Vec<&str> = table.lines().filter(|row| row.starts_with(&format!("{name},"))).collect();
        let n: usize = decoded(&name).iter().map(Vec::len).sum();
        let n_told: f64 =
            rows.iter().map(|row| row.split(',').nth(3).expect("length").parse::<f64>().expect("n")).sum();
        assert_eq!(n as f64, n_told, "{name}");
    }
}
