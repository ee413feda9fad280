//! The tables of `docs/quantizers.md`: every method on Gaussian, Laplacian and audio, against R(D).
//!
//! `cargo run --release --example ladder -- [FILE...]`; without files it takes three clips of `testdata`.

use std::path::{Path, PathBuf};

use sqnr::Signal;
use sqnr::analysis::weighting::Weighting;
use sqnr::audio_file::Reopen;
use sqnr::design::{Density, Samples, draws::shuffled_quantiles};
use sqnr::task::sweep;

/// Independent draws of a density.
const N_DRAWS: usize = 40_000;
/// Cells of a density over 20 standard deviations.
const N_CELLS: i32 = 20_000;
/// Standard deviation of the densities, full scale 1: rarely clipped.
const DEVIATION: f64 = 0.1;
const CLIPS: [&str; 3] = ["organ_choir.wav", "quartet_24bit.wav", "singing.wav"];

fn main() -> sqnr::Result<()> {
    for (density, name) in [(Density::Gaussian, "Gaussian"), (Density::Laplacian, "Laplacian")] {
        let draws = Signal::new(48_000, vec![shuffled_quantiles(&of_density(density)?, N_DRAWS, 1)])?;
        print(&format!("{name}, standard deviation 0.1 of full scale, {N_DRAWS} draws"), &draws)?;
    }
    let mut paths: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    if paths.is_empty() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata");
        paths = CLIPS.iter().map(|clip| folder.join(clip)).collect();
    }
    for path in &paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        print(&name, path)?;
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

fn print(name: &str, audio: &dyn Reopen) -> sqnr::Result<()> {
    let sweep = sweep::run(audio, 4, Weighting::A, &())?;
    println!("\n## {name}\n\n| method | 1 bit | 2 bits | 3 bits | 4 bits |\n|---|---|---|---|---|");
    let mut names: Vec<&str> = sweep.points.iter().map(|p| p.name.as_str()).collect();
    names.dedup();
    for name in names {
        let cell = |bits: u32| {
            let point = sweep.points.iter().find(|p| p.name == name && p.bits == f64::from(bits));
            point.map_or_else(String::new, |p| format!("{:.2} b {:.2} dB ({:.2})", p.rate_bits, p.snr_db, p.gap_db))
        };
        let cells: Vec<String> = (1..=4).map(cell).collect();
        if cells.iter().any(|cell| !cell.is_empty()) {
            println!("| {name} | {} |", cells.join(" | "));
        }
    }
    Ok(())
}
