//! A small chart of every kind.

use super::super::*;
use crate::analysis::error_histogram::ErrorHistogram;
use crate::analysis::spectrum::{PowerSpectrum, Settings};
use crate::quantizer::Quantizer;

pub(crate) const RATE_HZ: f64 = 48_000.0;

/// Uniform noise over [-1, 1), the same for the same `i`: the finaliser of SplitMix64 (Steele, Lea, Flood, 2014).
pub(crate) fn noise(i: usize) -> f64 {
    let mut z = (i as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
}

/// Four bits, mid-tread.
#[derive(Debug)]
pub(crate) struct FourBits;

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
pub(crate) fn signal(n: usize) -> Vec<f64> {
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

pub(crate) fn line(x: Positions, y: Vec<f64>) -> Chart {
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
    let traces = [("harp.wav", &x, Ink::Signal), ("harp.q8.wav", &y, Ink::Error)]
        .map(|(name, spectrum, ink)| spectrum::Trace { name: name.into(), spectrum, ink });
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

fn wave_chart() -> Chart {
    let x = signal(24_000);
    let error = eight_bit_error(&x);
    let y: Vec<f64> = x.iter().zip(&error).map(|(x, e)| x + e).collect();
    let track = |name: &str, samples, ink, zoom| wave::Track { name: String::from(name), samples, ink, zoom };
    let tracks = vec![
        track("Input", &x[..], Ink::Signal, wave::Zoom::FullScale),
        track("Output", &y[..], Ink::Third, wave::Zoom::FullScale),
        track("Error", &error[..], Ink::Error, wave::Zoom::Fitted),
    ];
    wave::Wave { conditions: conditions(), sample_rate_hz: RATE_HZ, start_s: 0.0, tracks }.chart()
}

fn curve(name: &str, x: &[f64], origin: curves::Origin, y: impl Fn(f64) -> f64) -> curves::Curve {
    curves::Curve { name: name.into(), x: x.to_vec(), y: x.iter().map(|&x| y(x)).collect(), origin }
}

fn snr_level_chart() -> Chart {
    let levels: Vec<f64> = (0..=20).map(|i| f64::from(i) * 4.0 - 80.0).collect();
    let curves = vec![
        curve("uniform, 8 bits", &levels, curves::Origin::Measured, |l| 49.9 + l + 0.3 * (l * 0.9).sin()),
        curve("uniform, 13 bits", &levels, curves::Origin::Measured, |l| 80.0 + l),
        curve("µ-law, 8 bits", &levels, curves::Origin::Measured, |l| {
            38.0 - 8.0 * (1.0 + (-(l + 46.0) / 6.0).exp()).ln()
        }),
        curve("A-law, 8 bits", &levels, curves::Origin::Measured, |l| {
            37.5 - 8.0 * (1.0 + (-(l + 44.0) / 6.0).exp()).ln()
        }),
        curve("6.02 B + 1.76 dB + level, B = 8", &levels, curves::Origin::Theory, |l| 49.9 + l),
    ];
    snr_level::SnrLevel { conditions: "997 Hz sine · 48 kHz".into(), curves }.chart()
}

fn snr_bits_chart() -> Chart {
    let bits: Vec<f64> = (2..=16).map(f64::from).collect();
    let curves = vec![
        curve("uniform", &bits, curves::Origin::Measured, |b| 6.02 * b - 11.0),
        curve("uniform, TPDF dither", &bits, curves::Origin::Measured, |b| 6.02 * b - 15.8),
        curve("Lloyd-Max, trained", &bits, curves::Origin::Measured, |b| 6.0 * b - 4.3),
    ];
    snr_bits::SnrBits { conditions: "harp.wav · 48 kHz".into(), curves }.chart()
}

fn rate_distortion_chart() -> Chart {
    let rates: Vec<f64> = (2..=12).map(|i| f64::from(i) * 0.5).collect();
    let fine: Vec<f64> = (0..=60).map(|i| f64::from(i) * 0.1).collect();
    let curves = vec![
        curve("uniform, entropy coded", &rates, curves::Origin::Measured, |r| 6.02 * r - 1.53),
        curve("Lloyd-Max", &rates, curves::Origin::Measured, |r| 6.02 * r - 4.0),
        curve("trellis, entropy coded", &rates, curves::Origin::Measured, |r| 6.02 * r - 0.5),
        curve("R(D), Gaussian", &fine, curves::Origin::Theory, |r| 6.02 * r),
    ];
    let recommended =
        rate_distortion::Recommended { name: "trellis, 3 bits: 17.6 dB".into(), rate_bits: 3.0, snr_db: 17.56 };
    let conditions = "Gaussian source · 10⁶ samples".into();
    rate_distortion::RateDistortion { conditions, curves, recommended: Some(recommended) }.chart()
}

fn linearity_chart() -> Chart {
    let mut dnl: Vec<f64> = (0..256).map(|i| 0.3 * noise(i) + if i % 64 == 0 { 0.4 } else { 0.0 }).collect();
    let inl: Vec<f64> = (0..256).map(|i| 0.8 * (i as f64 / 40.0).sin() + 0.1 * noise(i + 999)).collect();
    let conditions = "8-bit converter · sine histogram, 2²⁰ samples".into();
    let missing = [-64, 0, 1];
    missing.iter().for_each(|code| dnl[(code + 128) as usize] = -1.0);
    let of = |values, uncertainty| linearity::WithUncertainty { values, uncertainty };
    let (dnl, inl) = (of(&dnl, &[0.05; 256]), of(&inl, &[0.04; 256]));
    linearity::Linearity { conditions, first_code: -128, dnl, inl, missing_codes: &missing }.chart()
}

fn codebook_chart() -> Chart {
    let edges: Vec<f64> = (0..=80).map(|i| f64::from(i) * 0.025 - 1.0).collect();
    let values: Vec<f64> = edges.windows(2).map(|e| 2.0 * (-4.0 * (e[0] + 0.0125).abs()).exp()).collect();
    let level = |u: f64| u.signum() * -(1.0 - u.abs() * 0.97).ln() / 4.0;
    let levels: Vec<f64> = (0..16).map(|i| level((f64::from(i) + 0.5) / 8.0 - 1.0)).collect();
    let thresholds: Vec<f64> = levels.windows(2).map(|l| (l[0] + l[1]) / 2.0).collect();
    let density = codebook::Density { name: "Laplace".into(), edges: &edges, values: &values };
    let conditions = "Lloyd-Max, 16 levels, Laplace density".into();
    codebook::Codebook {
        conditions,
        levels: &levels,
        thresholds: &thresholds,
        density: Some(density),
        range: (-1.0, 1.0),
    }
    .chart()
}

fn spectrogram_chart() -> Chart {
    use crate::analysis::spectrogram::Spectrogram;
    let mut x = signal(48_000);
    for (i, x) in x.iter_mut().enumerate() {
        let t = i as f64 / RATE_HZ;
        *x *= 0.05 + (-8.0 * (t % 0.25)).exp();
        *x += 0.1 * (std::f64::consts::TAU * (1000.0 * t + 7000.0 * t * t)).sin();
    }
    let error = eight_bit_error(&x);
    let y: Vec<f64> = x.iter().zip(&error).map(|(x, e)| x + e).collect();
    let settings = Settings { n_fft: 1024, hop: 256, ..Settings::default() };
    let taken = [&x, &y, &error].map(|s| Spectrogram::of(s, RATE_HZ, settings).expect("samples"));
    let titled = |title: &str, i: usize| spectrogram::Titled { title: title.into(), spectrogram: &taken[i] };
    let panels = vec![titled("Before", 0), titled("After", 1), titled("Difference", 2)];
    spectrogram::Spectrograms { conditions: conditions(), panels, frequency: Scale::Linear }.chart()
}

fn bits_chart() -> Chart {
    let edges: Vec<f64> = (0..=24).map(|i| 100.0 * (f64::from(i) * 0.23).exp()).collect();
    let n_packets = 200;
    let burst = |i: usize| if i % 40 < 3 { 1.6 } else { 1.0 };
    let map: Vec<f32> = (0..n_packets * 24)
        .map(|j| (burst(j / 24) * (4.0 - (j % 24) as f64 * 0.17 + 0.4 * noise(j))).max(0.0) as f32)
        .collect();
    let packet_bits: Vec<f64> = (0..n_packets).map(|i| 1900.0 * burst(i) + 200.0 * noise(i)).collect();
    let switched: Vec<usize> = (0..n_packets).filter(|i| i % 40 == 0).collect();
    let noise_to_mask: Vec<f32> = (0..n_packets * 24).map(|j| (6.0 * noise(j + 7) - 4.0) as f32).collect();
    let conditions = "castanets.wav · quality 5 · 48 kHz".into();
    bits::Bits {
        conditions,
        packet_s: 0.02,
        band_edges_hz: &edges,
        bits_per_coefficient: &map,
        packet_bits: &packet_bits,
        switched_packets: &switched,
        noise_to_mask_db: &noise_to_mask,
    }
    .chart()
}

fn tone_chart() -> Chart {
    use crate::analysis::{tone, window::Window};
    // 5 kHz and its harmonics 2 to 6 of a bent 10-bit converter: the fifth and sixth fold.
    let x: Vec<f64> = (0..1 << 14)
        .map(|i| (std::f64::consts::TAU * 5_011.3 * i as f64 / RATE_HZ).sin() * 0.9)
        .map(|x| x + 2e-3 * x * x + 5e-3 * x * x * x + 0.05)
        .enumerate()
        .map(|(i, x)| ((x * 512.0) + noise(i) * 0.5).round() / 512.0)
        .collect();
    let figures = tone::analyse(&x, RATE_HZ, &tone::Settings::default()).expect("legal").figures;
    let spectrum = PowerSpectrum::of_whole(&x, RATE_HZ, Window::BlackmanHarris4).expect("long");
    super::super::tone::Tone { conditions: "10-bit converter · 48 kHz".into(), spectrum: &spectrum, figures: &figures }
        .chart()
}

fn error_value_chart() -> Chart {
    use crate::analysis::error_profile::ErrorProfile;
    let x: Vec<f64> = (0..40_000).map(|i| 0.9 * (0.000_314 * f64::from(i)).sin()).collect();
    let y: Vec<f64> = x.iter().map(|x| (x * 8.0).round() / 8.0).collect();
    let mut profile = ErrorProfile::new(-1.0, 1.0, 512).expect("legal");
    profile.push_by_value(&x, &y);
    let conditions = "sine · 4 bits uniform, no dither".into();
    error_profile::Profile { conditions, profile: &profile, by: error_profile::By::Value, step_size: Some(0.125) }
        .chart()
}

fn nmr_chart() -> Chart {
    let x = signal(1 << 16);
    let y: Vec<f64> = x.iter().zip(eight_bit_error(&x)).map(|(x, e)| x + e).collect();
    let figures = crate::analysis::masking::noise_to_mask(&x, &y, RATE_HZ).expect("legal");
    nmr::NoiseToMask { conditions: conditions(), range_hz: (20.0, 20_000.0), figures: &figures }.chart()
}

fn error_shape_chart() -> Chart {
    let uniform = (0..40_000).map(noise);
    let triangular = (0..40_000).map(|i| noise(i) + noise(i + 99_999));
    let shapes = [
        error_shape::Shape::of("8 bits, no dither", 1, uniform),
        error_shape::Shape::of("8 bits, tpdf", 2, triangular),
    ];
    let shapes = shapes.into_iter().flatten().collect();
    error_shape::ErrorShapes { conditions: conditions(), shapes }.chart()
}

/// Name and chart of every kind.
pub(crate) fn all() -> Vec<(&'static str, Chart)> {
    vec![
        ("bits", bits_chart()),
        ("codebook", codebook_chart()),
        ("error-shape", error_shape_chart()),
        ("error-value", error_value_chart()),
        ("histogram", histogram_chart()),
        ("linearity", linearity_chart()),
        ("nmr", nmr_chart()),
        ("noise", noise_chart()),
        ("rate-distortion", rate_distortion_chart()),
        ("snr-bits", snr_bits_chart()),
        ("snr-level", snr_level_chart()),
        ("spectrogram", spectrogram_chart()),
        ("spectrum", spectrum_chart()),
        ("tone", tone_chart()),
        ("transfer", transfer_chart()),
        ("wave", wave_chart()),
    ]
}
