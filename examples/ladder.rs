//! The tables of `docs/quantizers.md`: every method on Gaussian, Laplacian and audio, against R(D).
//!
//! `cargo run --release --example ladder -- [FILE...]`; without files it takes three clips of `testdata`.

use std::path::{Path, PathBuf};

use sqnr::design::{Density, Samples};
use sqnr::recipe::Word;
use sqnr::task::sweep;

/// Cells of a density over 20 standard deviations.
const N_CELLS: i32 = 20_000;
/// Standard deviation of the densities, full scale 1: rarely clipped.
const DEVIATION: f64 = 0.1;
const CLIPS: [&str; 3] = ["organ_choir.wav", "quartet_24bit.wav", "singing.wav"];

fn main() -> sqnr::Result<()> {
    for (density, name) in [(Density::Gaussian, "Gaussian"), (Density::Laplacian, "Laplacian")] {
        print(&format!("{name}, standard deviation 0.1 of full scale"), &of_density(density)?)?;
    }
    let mut paths: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    if paths.is_empty() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata");
        paths = CLIPS.iter().map(|clip| folder.join(clip)).collect();
    }
    for path in &paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        print(&name, &of_file(path)?)?;
    }
    Ok(())
}

fn of_density(density: Density) -> sqnr::Result<Samples> {
    let edge = |i: i32| 20.0 * f64::from(i) / f64::from(N_CELLS);
    let cells = (-N_CELLS / 2..N_CELLS / 2).map(|i| density.cell(edge(i), edge(i + 1)));
    let filled = cells.filter(|cell| cell.mass > 0.0);
    let (values, weights): (Vec<f64>, Vec<f64>) = filled.map(|c| (DEVIATION * c.centroid, c.mass)).unzip();
    Samples::from_histogram(&values, &weights)
}

fn of_file(path: &Path) -> sqnr::Result<Samples> {
    let mut source = sqnr::audio_file::open(path)?;
    let (mut block, mut all) = (Vec::new(), Vec::new());
    while source.read_planar(&mut block, 8_192)? > 0 {
        all.extend(block.iter().flatten().copied().filter(|x| x.is_finite()));
    }
    Samples::new(&all)
}

fn print(name: &str, samples: &Samples) -> sqnr::Result<()> {
    let sweep = sweep::run(samples, 4, None)?;
    println!("\n## {name}\n\n| method | 1 bit | 2 bits | 3 bits | 4 bits |\n|---|---|---|---|---|");
    for method in sweep::METHODS {
        let points = sweep.points.iter().filter(|p| p.method == method);
        let cells = points.map(|p| format!("{:.2} b {:.2} dB ({:.2})", p.rate_bits, p.snr_db, p.gap_db));
        println!("| {} | {} |", method.word(), cells.collect::<Vec<_>>().join(" | "));
    }
    Ok(())
}
