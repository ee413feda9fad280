use super::*;
use crate::design::{Density, rate_distortion::RateDistortion};
use crate::range_coder::{Decoder, Encoder};

fn levels_of(levels: &Levels, coset: u32) -> Vec<f64> {
    (-3..=3).map(|m| levels.level(coset, m)).collect()
}

#[test]
fn the_layouts_are_half_steps_and_multiples() {
    assert_eq!(levels_of(&Levels::HALF_STEPS, 0), [-5.5, -3.5, -1.5, 0.5, 2.5, 4.5, 6.5]);
    assert_eq!(levels_of(&Levels::HALF_STEPS, 1), [-6.5, -4.5, -2.5, -0.5, 1.5, 3.5, 5.5]);
    assert_eq!(levels_of(&Levels::MULTIPLES, 0), [-6.0, -4.0, -2.0, 0.0, 2.0, 4.0, 6.0]);
    assert_eq!(levels_of(&Levels::MULTIPLES, 1), [-5.0, -3.0, -1.0, 0.0, 1.0, 3.0, 5.0]);
}

#[test]
fn reconstruction_follows_the_parity() {
    let trellis = Trellis::new(4).expect("legal");
    let mut y = [0.0; 4];
    // States 0, 1, 3 (input bit 1, then 0 and 1): the second and third samples are in coset 1.
    reconstruct(trellis, 0.5, &Levels::MULTIPLES, &[1, 1, -2, 3], &mut y);
    let states = [0, trellis.next(0, 1), trellis.next(trellis.next(0, 1), 1)];
    assert_eq!(states.map(|s| trellis.coset(s)), [0, 1, 1]);
    assert_eq!(y[..3], [1.0, 0.5, -1.5]);
}

#[test]
fn levels_move_to_the_mean_of_their_samples() {
    let trellis = Trellis::new(4).expect("legal");
    // Even indices keep state 0, so that all are in coset 0.
    let moved = Levels::HALF_STEPS.moved_to_centroids(trellis, 2.0, &[0.1, 0.3, 9.0, f64::NAN], &[0, 0, 2, 0]);
    assert!((moved.level(0, 0) - 0.1).abs() < 1e-6 && (moved.level(0, 2) - 4.5).abs() < 1e-6);
    assert_eq!(levels_of(&moved, 1), levels_of(&Levels::HALF_STEPS, 1));
}

fn cost_of(quantizer: &DependentQuantizer, coset: u32, x: f64, index: i32) -> f64 {
    let error = x / quantizer.step - quantizer.levels.level(coset, index);
    error * error + quantizer.price * f64::from(quantizer.prices.bits(coset as usize, index))
}

/// The least cost over every index in reach, sample by sample and path by path.
fn exhaustive(quantizer: &DependentQuantizer, x: &[f64], state: u32) -> f64 {
    let Some((&first, rest)) = x.split_first() else { return 0.0 };
    let trellis = quantizer.trellis();
    let costs = (-6..=6).map(|m: i32| {
        cost_of(quantizer, trellis.coset(state), first, m) + exhaustive(quantizer, rest, trellis.next(state, m as u32))
    });
    costs.fold(f64::INFINITY, f64::min)
}

fn cost(quantizer: &DependentQuantizer, x: &[f64], indices: &[i32]) -> f64 {
    let (trellis, mut state) = (quantizer.trellis(), 0);
    x.iter()
        .zip(indices)
        .map(|(&x, &m)| {
            let coset = trellis.coset(state);
            state = trellis.next(state, m as u32);
            cost_of(quantizer, coset, x, m)
        })
        .sum()
}

fn uniform(seed: u64) -> impl FnMut() -> f64 {
    let mut state = seed;
    move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((state >> 11) as f64 + 0.5) / (1u64 << 53) as f64
    }
}

/// Draws of unit variance.
fn draws(density: Density, n: usize, seed: u64) -> Vec<f64> {
    let mut uniform = uniform(seed);
    let gaussian = |u: f64, v: f64| (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos();
    let laplacian = |u: f64, v: f64| -0.5_f64.sqrt() * u.ln() * if v < 0.5 { -1.0 } else { 1.0 };
    (0..n)
        .map(|_| {
            let (u, v) = (uniform(), uniform());
            if density == Density::Gaussian { gaussian(u, v) } else { laplacian(u, v) }
        })
        .collect()
}

#[test]
fn the_choice_is_the_cheapest_of_all() {
    for levels in [Levels::HALF_STEPS, Levels::MULTIPLES] {
        for (n_states, step, price) in [(4, 0.5, 0.3), (8, 0.7, 1.0), (8, 1.5, 0.0)] {
            let mut quantizer = DependentQuantizer::new(n_states, step, price).expect("legal");
            quantizer.levels = levels.clone();
            for seed in 0..5 {
                let x = draws(Density::Gaussian, 4, seed);
                let mut indices = [0; 4];
                quantizer.quantize(&x, &mut indices);
                let (ours, best) = (cost(&quantizer, &x, &indices), exhaustive(&quantizer, &x, 0));
                assert!((ours - best).abs() < 1e-4, "{n_states} states, seed {seed}: {ours} against {best}");
            }
        }
    }
}

/// Rate of real coded bytes, and the gap of what they decode to from R(D), dB.
fn rate_and_gap_db(density: Density, n_states: usize, step: f64, price: f64) -> (f64, f64) {
    let x = draws(density, 80_000, 11);
    let mut quantizer = DependentQuantizer::new(n_states, step, price).expect("legal");
    let mut indices = vec![0; x.len()];
    quantizer.quantize_learning(&x, &mut indices, 4);
    let mut encoder = Encoder::new(Vec::new());
    code(quantizer.trellis(), &mut encoder, &mut indices);
    let bytes = encoder.finish();
    let mut decoded = vec![0; x.len()];
    code(quantizer.trellis(), &mut Decoder::new(&bytes), &mut decoded);
    assert_eq!(decoded, indices);
    let mut y = vec![0.0; x.len()];
    reconstruct(quantizer.trellis(), step, &quantizer.levels, &decoded, &mut y);
    let mse = x.iter().zip(&y).map(|(x, y)| (y - x).powi(2)).sum::<f64>();
    let power = x.iter().map(|x| x * x).sum::<f64>();
    let rate = (8 * bytes.len()) as f64 / x.len() as f64;
    (rate, RateDistortion::of_density(density).snr_db(rate) - 10.0 * (power / mse).log10())
}

#[test]
fn the_gaps_to_shannons_bound_are_what_was_promised() {
    for (density, n_states, step, price, bits, most_db) in [
        (Density::Gaussian, 8, 0.5, 0.4, 2.0, 0.50),
        (Density::Gaussian, 8, 1.0, 0.4, 1.0, 0.47),
        (Density::Laplacian, 8, 0.9, 0.4, 1.0, 0.40),
    ] {
        let (rate, gap) = rate_and_gap_db(density, n_states, step, price);
        println!("{} {rate} bits, {gap} dB", density.name());
        assert!((rate - bits).abs() < 0.08 && gap < most_db, "{}: {rate} bits, {gap} dB", density.name());
    }
}

#[test]
fn odd_inputs_are_coded() {
    let x = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0, 1e300, 1e-300];
    let mut indices = [7; 6];
    let mut quantizer = DependentQuantizer::new(4, 0.1, 0.3).expect("legal");
    quantizer.levels = Levels::MULTIPLES;
    quantizer.quantize(&x, &mut indices);
    assert_eq!((indices[0], indices[3], indices[5]), (0, 0, 0));
    assert!(indices[1] > 1 << 23 && indices[2] < -(1 << 23), "{indices:?}");
    assert!(indices.iter().all(|i| i.unsigned_abs() < (1 << 24) - 1));
    quantizer.quantize(&[], &mut []);
    assert!(DependentQuantizer::new(4, f64::NAN, 0.0).is_err() && DependentQuantizer::new(4, 1.0, -1.0).is_err());
}
