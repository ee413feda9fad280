//! Eight levels for a Gaussian: uniform, best uniform, Lloyd-Max, entropy-constrained.
//!
//! `cargo run --example lloyd_max`

use sqnr::design::{Density, Design, entropy_constrained, lloyd_max, uniform_best};

fn main() -> sqnr::Result<()> {
    let show = |name: &str, design: &Design| {
        println!(
            "{name:<22} {:>3} levels  SQNR {:>6.3} dB  entropy {:.3} bit",
            design.levels.len(),
            design.snr_db,
            design.entropy_bits
        );
    };
    let best_uniform = uniform_best::uniform_best(Density::Gaussian, 8)?;
    let lloyd_max = lloyd_max::optimal(Density::Gaussian, 8)?;
    // As many bits an ideal coder needs for the Lloyd-Max indices, spent better.
    let constrained = entropy_constrained::for_density(Density::Gaussian, lloyd_max.entropy_bits)?;
    show("best uniform", &best_uniform);
    show("Lloyd-Max", &lloyd_max);
    show("entropy-constrained", &constrained);
    println!("levels of the Lloyd-Max quantizer: {:.4?}", lloyd_max.levels);
    Ok(())
}
