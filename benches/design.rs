//! Design and trellises: `cargo bench --bench design`. Medians of rounds, single thread.
//!
//! `benches/design_rivals.py` runs this program beside its rivals: `design rival partition FILE LEVELS` and
//! `design rival vectors FILE DIMENSION CODES STEPS` print seconds and mean squared error for a file of f64.

use std::{hint::black_box, time::Instant};

use sqnr::design::{Density, Samples, entropy_constrained, lloyd_max, optimal_partition};
use sqnr::quantizer::dependent::{DependentQuantizer, reconstruct};
use sqnr::quantizer::{Lattice, Training, TrellisCoded, VectorCodebook};

const ROUNDS: usize = 7;

/// Gaussian samples by Box and Muller from a 64-bit LCG.
fn gaussian(n: usize) -> Vec<f64> {
    let mut state = 1u64;
    let mut uniform = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((state >> 11) as f64 + 0.5) / (1u64 << 53) as f64
    };
    (0..n).map(|_| (-2.0 * uniform().ln()).sqrt() * (std::f64::consts::TAU * uniform()).cos()).collect()
}

/// Median milliseconds of `run`.
fn median_ms(mut run: impl FnMut()) -> f64 {
    let mut times: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            run();
            1e3 * start.elapsed().as_secs_f64()
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[ROUNDS / 2]
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|word| word == "rival") {
        return rival(&arguments[1..]);
    }
    partitions();
    densities();
    dependent();
    granular_gains();
    let mut point = [0.0; 24];
    let x = gaussian(24);
    let ms =
        median_ms(|| (0..100).for_each(|_| Lattice::Leech.nearest(black_box(&x), &mut point).expect("24 numbers")));
    println!("Leech lattice, nearest point: {:.1} us", 10.0 * ms);
}

fn rival(arguments: &[String]) {
    let number = |i: usize| arguments[i].parse().expect("a number");
    let bytes = std::fs::read(&arguments[1]).expect("a file");
    let x: Vec<f64> = bytes.as_chunks().0.iter().map(|eight| f64::from_le_bytes(*eight)).collect();
    let start = Instant::now();
    let (seconds, mse) = if arguments[0] == "partition" {
        let samples = Samples::new(&x).expect("finite");
        let design = optimal_partition::optimal(&samples, number(2)).expect("enough");
        (start.elapsed().as_secs_f64(), design.mse)
    } else {
        let plan = Training { n_codes: number(3), max_iterations: number(4), tolerance: 0.0, seed: 1 };
        let book = VectorCodebook::train(number(2), &x, &plan).expect("enough");
        let seconds = start.elapsed().as_secs_f64();
        let error: f64 = x.chunks_exact(number(2)).map(|v| book.nearest(v).expect("its dimension").1).sum();
        (seconds, error / x.len() as f64)
    };
    println!("{seconds} {mse:e}");
}

fn partitions() {
    let mut x = gaussian(1_000_000);
    x.sort_by(f64::total_cmp);
    for n_levels in [16, 256, 4096, 65_536] {
        let ms = median_ms(|| {
            let samples = Samples::new(black_box(&x)).expect("finite");
            black_box(optimal_partition::optimal(&samples, n_levels).expect("enough"));
        });
        println!("optimum of 1e6 sorted samples, {n_levels} levels: {ms:.1} ms");
    }
    let codes: Vec<i16> = gaussian(3_000_000).iter().map(|x| (x * 6_000.0) as i16).collect();
    let ms = median_ms(|| {
        let samples = Samples::from_codes(black_box(&codes)).expect("some");
        black_box(optimal_partition::optimal(&samples, 256).expect("enough"));
    });
    println!("optimum of 3e6 16-bit codes by histogram, 256 levels: {ms:.1} ms");
}

fn densities() {
    let ms = median_ms(|| drop(black_box(lloyd_max::stationary(Density::Gaussian, 256))));
    println!("Lloyd-Max, Gaussian, 256 levels: {ms:.2} ms");
    let ms = median_ms(|| drop(black_box(entropy_constrained::for_density(Density::Laplacian, 2.0))));
    println!("entropy-constrained, Laplacian, 2 bits: {ms:.2} ms");
}

fn dependent() {
    let x = gaussian(1_000_000);
    let (mut indices, mut y) = (vec![0; x.len()], vec![0.0; x.len()]);
    for n_states in [4, 8, 32, 256] {
        let mut quantizer = DependentQuantizer::new(n_states, 0.5, 0.36).expect("legal");
        quantizer.quantize_learning(&x[..50_000], &mut indices[..50_000], 4);
        let encode = median_ms(|| quantizer.quantize(&x, &mut indices));
        let (trellis, step) = (quantizer.trellis(), quantizer.step);
        let decode = median_ms(|| reconstruct(trellis, step, &quantizer.levels, &indices, &mut y));
        let rate = |ms: f64| 1e-3 * x.len() as f64 / ms;
        println!("dependent, {n_states} states: encode {:.1}, reconstruct {:.0} Msample/s", rate(encode), rate(decode));
    }
}

/// To 0.005 dB, the golden values' own precision.
fn granular_gains() {
    let mut state = 9u64;
    let x: Vec<f64> = (0..2_000_000)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            240.0 * ((state >> 11) as f64 / (1u64 << 53) as f64 - 0.5)
        })
        .collect();
    let (mut codes, mut y) = (vec![0; x.len()], vec![0.0; x.len()]);
    for n_states in [4, 8, 16, 32, 64, 128, 256] {
        let quantizer = TrellisCoded::uniform(n_states, 7, 1.0).expect("legal");
        quantizer.encode(&x, &mut codes);
        quantizer.decode(&codes, &mut y);
        let mse = x.iter().zip(&y).map(|(x, y)| (y - x).powi(2)).sum::<f64>() / x.len() as f64;
        println!("granular gain, {n_states} states: {:.4} dB", -10.0 * (mse * 3.0).log10());
    }
}
