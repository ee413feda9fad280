//! A tone half a step high: without dither it is lost, with dither it is there, under noise.
//!
//! `cargo run --example dither`

use std::{f64::consts::TAU, sync::Arc};

use sqnr::{
    quantizer::Uniform,
    shaping::{Dither, Requantizer, RequantizerOptions},
};

fn main() -> sqnr::Result<()> {
    let n = 48_000;
    let quantizer = Uniform::mid_tread(8)?;
    let amplitude = 0.45 * quantizer.step();
    let tone = |i: usize| (TAU * 1_000.0 * i as f64 / 48_000.0).sin();
    let x: Vec<f64> = (0..n).map(|i| amplitude * tone(i)).collect();

    for (name, dither) in [("none", Dither::None), ("rpdf", Dither::Rectangular), ("tpdf", Dither::Triangular)] {
        let options = RequantizerOptions { dither, ..RequantizerOptions::default() };
        let mut chain = Requantizer::new(Arc::new(quantizer.clone()), options)?;
        let (mut indices, mut y) = (vec![0; n], vec![0.0; n]);
        chain.process(0, 0, &x, &mut indices, &mut y);

        // Amplitude of the tone in the output, by correlation with it: 2/n sum y sin.
        let found: f64 = 2.0 / n as f64 * y.iter().enumerate().map(|(i, y)| y * tone(i)).sum::<f64>();
        println!("{name}: {:.0} % of the tone is there", 100.0 * found / amplitude);
    }
    Ok(())
}
