//! A small chart of every kind.

use super::super::*;
use crate::analysis::error_histogram::ErrorHistogram;
use crate::analysis::spectrum::{PowerSpectrum, Settings};
use crate::quantizer::Quantizer;

pub const RATE_HZ: f64 = 48_000.0;

/// Uniform noise over [-1, 1), the same for the same `i`: the finaliser of SplitMix64 (Steele, Lea, Flood, 2014).
pub fn noise(i: usize) -> f64 {
    let mut z = (i as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
}

/// Four bits, mid-tread.
#[derive(Debug)]
pub struct FourBits;

impl Quantizer for FourBits {
    fn indices(&self) -> std::ops::RangeInclusive<i32> {
        -8..=7
    }

    fn index(&self, x: f64) -> i32 {
        ((x * 8.0 + 0.5).floor() as i32).clamp(-8, 7)
    }

    fn reconstruct(&self, index: i32) -> f64 {
        f64::from(index.clamp(-8, 7)) / 8.0
    }

    fn threshold(&self, index: i32) -> f64 {
        (f64::from(index) + 0.5) / 8.0
    }
}

/// A sound-like signal: falling noise and three tones.
pub fn signal(n: usize) -> Vec<f64> {
    let mut low = 0.0;
    (0..n)
        .map(|i| {
            low += 0.05 * (noise(i) - low);
            let tone = |hz: f64, a: f64| a * (std::f64::consts::TAU * hz * i as f64 / RATE_HZ).sin();
            0.4 * low + tone(220.0, 0.2) + tone(997.0, 0.1) + tone(3520.0, 0.03)
        })
        .collect()
}

fn spectrum_of(x: &[f64]) -> PowerSpectrum {
    PowerSpectrum::of(x, RATE_HZ, Settings { n_fft: 4096, hop: 2048, ..Settings::default() }).expect("long enough")
}

/// Eight bits with a seeded triangular dither; the error.
fn eight_bit_error(x: &[f64]) -> Vec<f64> {
    let dither = |i: usize| (noise(3 * i + 77) + noise(5 * i + 991)) / 2.0;
    x.iter().enumerate().map(|(i, &x)| (x * 128.0 + dither(i) + 0.5).floor() / 128.0 - x).collect()
}

pub fn line(x: Positions, y: Vec<f64>) -> Chart {
    let mark = Mark::Line { x, y, reduce: Reduce::Extremes };
    let series = vec![Series::new("A line", "line", Ink::Signal, mark)];
    let y = Axis::linear("Value", "FS", "value");
    let panels = vec![Panel { y, series, ..Panel::default() }];
    Chart { title: "A line".into(), subtitle: String::new(), x: Axis::time(), panels }
}

fn conditions() -> String {
    "harp.wav · 48 kHz · 8 bits uniform, TPDF dither".into()
}

fn noise_chart() -> Chart {
    let x = signal(1 << 16);
    let (signal, error) = (spectrum_of(&x), spectrum_of(&eight_bit_error(&x)));
    let step = 2.0 / 256.0;
    let floors = vec![
        noise::Floor::white("Δ²/12", step * step / 12.0, RATE_HZ),
        noise::Floor::white("with TPDF Δ²/4", step * step / 4.0, RATE_HZ),
    ];
    noise::Noise { conditions: conditions(), signal: &signal, error: &error, floors }.chart()
}

fn spectrum_chart() -> Chart {
    let x = signal(1 << 15);
    let y: Vec<f64> = x.iter().zip(eight_bit_error(&x)).map(|(x, e)| x + e).collect();
    let (x, y) = (spectrum_of(&x), spectrum_of(&y));
    let traces =
        [("harp.wav", &x), ("harp.q8.wav", &y)].map(|(name, spectrum)| spectrum::Trace { name: name.into(), spectrum });
    spectrum::Spectrum { conditions: "48 kHz".into(), traces: traces.into() }.chart()
}

fn histogram_chart() -> Chart {
    let x = signal(1 << 15);
    let (n_bins, half_range) = (60, 2.0);
    let mut counts = vec![0; n_bins];
    for e in eight_bit_error(&x) {
        counts[((e * 128.0 / half_range + 1.0) / 2.0 * n_bins as f64) as usize] += 1;
    }
    let edges: Vec<f64> = (0..=n_bins).map(|i| (i as f64 / n_bins as f64 * 2.0 - 1.0) * half_range).collect();
    let density = crate::analysis::error_density::ErrorDensity::Quadratic;
    let expected = edges.windows(2).map(|e| density.cdf(e[1]) - density.cdf(e[0])).collect();
    let histogram =
        ErrorHistogram { step_size: 1.0 / 128.0, edges_steps: edges, counts, n_below: 0, n_above: 0, expected };
    let expectation = "sum of three uniform densities".into();
    histogram::Histogram { conditions: conditions(), histogram: &histogram, expectation }.chart()
}

fn transfer_chart() -> Chart {
    transfer::Transfer { conditions: "uniform mid-tread, 4 bits".into(), quantizer: &FourBits, input: (-1.2, 1.2) }
        .chart()
}

/// Name and chart of every kind.
pub fn all() -> Vec<(&'static str, Chart)> {
    vec![
        ("histogram", histogram_chart()),
        ("noise", noise_chart()),
        ("spectrum", spectrum_chart()),
        ("transfer", transfer_chart()),
    ]
}
