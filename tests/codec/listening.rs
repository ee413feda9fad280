//! Stand-ins for ears: silence, pre-echo, the stereo image, signals at the extremes.

use super::{decode, encode, noise};

fn energy(x: &[f32]) -> f64 {
    x.iter().map(|&x| f64::from(x) * f64::from(x)).sum()
}

#[test]
fn silence_stays_silent() {
    for n_channels in [1, 2] {
        let silence = vec![vec![0.0; 30_000]; n_channels];
        let bytes = encode(48_000, &silence);
        assert!(decode(&bytes).expect("its own bytes").iter().flatten().all(|&x| x == 0.0));
        assert!(bytes.len() < 400, "{} bytes of silence", bytes.len());
    }
}

#[test]
fn extremes_stay_in_shape() {
    let n = 20_000;
    let square = (0..n).map(|i| if i / 100 % 2 == 0 { 1.0 } else { -1.0 }).collect::<Vec<f32>>();
    let alternating = (0..n).map(|i| if i % 2 == 0 { 1.0 } else { -1.0 }).collect::<Vec<f32>>();
    let huge = (0..n).map(|i| 1e11 * (i as f32 * 0.1).sin()).collect::<Vec<f32>>();
    let decoded = decode(&encode(48_000, &[huge])).expect("its own bytes");
    assert!(decoded[0].iter().all(|y| y.is_finite()));
    for x in [vec![0.5; n], square, alternating] {
        let y = &decode(&encode(48_000, std::slice::from_ref(&x))).expect("its own bytes")[0];
        let error: Vec<f32> = y.iter().zip(&x).map(|(y, x)| y - x).collect();
        assert!(energy(&error) < 0.01 * energy(&x), "{} for {}", energy(&error), energy(&x));
    }
}

#[test]
fn no_pre_echo_before_a_click() {
    for at in (4096..8192).step_by(333) {
        let mut x = vec![0.0_f32; 16_384];
        let mut noise = noise(9);
        (0..480).for_each(|i| x[at + i] = 0.8 * noise() * (-(i as f32) / 60.0).exp());
        let y = &decode(&encode(48_000, std::slice::from_ref(&x))).expect("its own bytes")[0];
        let early = 10.0 * (energy(&y[..at - 144]) / energy(&x)).log10();
        assert!(early < -60.0, "click at {at}: {early} dB more than 3 ms before it");
    }
}

/// An impulse anywhere in a superframe comes back where it was.
#[test]
fn impulses_keep_their_place() {
    for at in (0..4096).step_by(97).chain([4095]) {
        let mut x = vec![0.0_f32; 6_000];
        x[at] = 0.9;
        let y = &decode(&encode(48_000, &[x])).expect("its own bytes")[0];
        let peak = (0..y.len()).max_by(|&a, &b| y[a].abs().total_cmp(&y[b].abs()));
        assert_eq!(peak, Some(at));
        assert!((y[at] - 0.9).abs() < 0.2, "{}", y[at]);
    }
}

/// Energy in four bands of a block of samples, by differences: enough to see a channel vanish or change places.
fn octave_energies(x: &[f32]) -> Vec<f64> {
    let mut low = x.to_vec();
    let mut out = Vec::new();
    for _ in 0..4 {
        let high: Vec<f32> = low.chunks_exact(2).map(|p| (p[0] - p[1]) / 2.0).collect();
        low = low.chunks_exact(2).map(|p| (p[0] + p[1]) / 2.0).collect();
        out.push(energy(&high));
    }
    out
}

#[test]
fn the_stereo_image_stays() {
    let n = 48_000;
    let source = |seed: u32| {
        let (mut noise, mut last) = (noise(seed), 0.0_f32);
        let mut next = move || {
            last = 0.9 * last + 0.1 * noise();
            last
        };
        (0..n).map(|_| next()).collect::<Vec<f32>>()
    };
    let (a, b) = (source(1), source(2));
    let scaled = |x: &[f32], g: f32| x.iter().map(|x| g * x).collect::<Vec<f32>>();
    let images = [
        ("identical", a.clone(), a.clone()),
        ("inverted", a.clone(), scaled(&a, -1.0)),
        ("one-sided", a.clone(), vec![0.0; n]),
        ("panned", a.clone(), scaled(&a, 0.3)),
        ("independent", a.clone(), b.clone()),
        ("swapped", b, a),
    ];
    for (name, left, right) in images {
        let y = decode(&encode(48_000, &[left.clone(), right.clone()])).expect("its own bytes");
        for (x, y) in [(&left, &y[0]), (&right, &y[1])] {
            for (x, y) in octave_energies(x).iter().zip(octave_energies(y)) {
                let change_db = 10.0 * ((y + 1e-4) / (x + 1e-4)).log10();
                assert!(change_db.abs() < 0.5, "{name}: {change_db} dB");
            }
        }
    }
}
