//! The ladder of `docs/quantizers.md`: every method on Gaussian, Laplacian and the given audio files, against R(D).
//!
//! `cargo run --release --example ladder -- [FILE...]`

use sqnr::design::sweep::{self, Method};
use sqnr::design::{Density, Samples};

/// Cells of a density over 20 standard deviations.
const N_CELLS: i32 = 20_000;
/// Standard deviation of the densities, full scale 1: rarely clipped.
const DEVIATION: f64 = 0.1;

fn main() -> sqnr::Result<()> {
    for density in [Density::Gaussian, Density::Laplacian] {
        print(density.name(), &of_density(density)?)?;
    }
    for path in std::env::args_os().skip(1) {
        let mut source = sqnr::audio_file::open(path.as_ref())?;
        let (mut block, mut all) = (Vec::new(), Vec::new());
        while source.read_planar(&mut block, 8_192)? > 0 {
            all.extend(block.iter().flatten().copied().filter(|x| x.is_finite()));
        }
        print(&path.to_string_lossy(), &Samples::new(&all)?)?;
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

fn print(name: &str, samples: &Samples) -> sqnr::Result<()> {
    let sweep = sweep::run(samples, 4)?;
    println!("\n{name}\n\n| method | 1 bit | 2 bits | 3 bits | 4 bits |\n|---|---|---|---|---|");
    for method in Method::ALL {
        let points = sweep.points.iter().filter(|p| p.method == method);
        let cells = points.map(|p| format!("{:.2} b {:.2} dB ({:.2})", p.rate_bits, p.snr_db, p.gap_db));
        println!("| {} | {} |", method.name(), cells.collect::<Vec<_>>().join(" | "));
    }
    Ok(())
}
