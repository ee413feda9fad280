//! What the model puts in, the meters find again.

use super::*;
use crate::analysis::{
    jitter,
    linearity::{self, CodeHistogram, LinearityFigures, Stimulus},
    spectrum::PowerSpectrum,
    tone::{self, ToneFigures},
    window::Window,
};
use std::f64::consts::TAU;

const RATE: f64 = 1e6;
const N: usize = 1 << 16;
/// Coherent: an odd number of periods.
const PERIODS: usize = 7_001;

fn sine(amplitude: f64) -> Vec<f64> {
    (0..N).map(|n| amplitude * (TAU * ((PERIODS * n) % N) as f64 / N as f64 + 0.3).sin()).collect()
}

fn converted(spec: Spec, amplitude: f64) -> Vec<f64> {
    Converter::new(spec, RATE).expect("legal").convert(&sine(amplitude))
}

fn figures(y: &[f64]) -> ToneFigures {
    tone::analyse(y, RATE, &tone::Settings::default()).expect("legal").figures
}

fn histogram(spec: Spec) -> (LinearityFigures, Converter) {
    let converter = Converter::new(spec, RATE).expect("legal");
    let n = 1 << 20;
    let ends = converter.n_codes() as f64 / 2.0 + 4.0;
    let ramp = |i: usize| (-ends + 2.0 * ends * (i as f64 + 0.5) / n as f64) * converter.step();
    let y = converter.convert(&(0..n).map(ramp).collect::<Vec<_>>());
    let mut histogram = CodeHistogram::new(converter.n_codes()).expect("legal");
    histogram.push(&y);
    (linearity::analyse(&histogram, Stimulus::Ramp { ends_lsb: Some((-ends, ends)) }).expect("full"), converter)
}

#[test]
fn an_ideal_converter_has_its_bits() {
    for bits in [8, 12, 16] {
        let got = figures(&converted(Spec { bits, ..Spec::default() }, 0.999));
        assert!((got.enob_bits.expect("a tone") - f64::from(bits)).abs() < 0.1, "{bits}: {:?}", got.enob_bits);
    }
}

#[test]
fn jitter_is_found() {
    let jitter_s = 2e-9;
    let y = converted(Spec { bits: 20, jitter_s, ..Spec::default() }, 0.9);
    let f = PERIODS as f64 / N as f64 * RATE;
    let got = jitter::estimate(&y, RATE, f).expect("a tone").jitter_s.expect("there");
    assert!((got / jitter_s - 1.0).abs() < 0.03, "{got:e}");
    let want = -20.0 * (TAU * f * jitter_s).log10();
    assert!((figures(&y).snr_db.expect("a tone") - want).abs() < 0.1);
}

#[test]
fn noise_is_found() {
    let got = figures(&converted(Spec { bits: 12, noise_lsb: 1.5, ..Spec::default() }, 0.9));
    // Thermal noise and quantization add.
    let step = 2.0 / 4096.0;
    let want = 10.0 * (0.5f64 * 0.81 / (step * step * (2.25 + 1.0 / 12.0))).log10();
    assert!((got.snr_db.expect("a tone") - want).abs() < 0.1);
}

#[test]
fn polynomial_gives_its_harmonics() {
    let (p2, p3) = (1e-3, 2e-3);
    let got = figures(&converted(Spec { bits: 22, polynomial: vec![p2, p3], ..Spec::default() }, 0.8));
    let level = |k: usize| got.harmonic_dbc(&got.harmonics[k]).expect("above the noise");
    let fundamental = 0.8 + 0.75 * p3 * 0.512;
    assert!((level(0) - 20.0 * (p2 * 0.64 / 2.0 / fundamental).log10()).abs() < 0.01);
    assert!((level(1) - 20.0 * (p3 * 0.512 / 4.0 / fundamental).log10()).abs() < 0.01);
}

#[test]
fn levels_are_found_by_the_ramp() {
    let spec = Spec { bits: 8, dnl_sigma_lsb: 0.2, inl_lsb: vec![0.0, 0.8, -0.5, 0.0], ..Spec::default() };
    let (got, converter) = histogram(spec);
    let truth = converter.transitions().expect("own levels");
    let worst = got.transitions.iter().zip(truth).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    assert!(worst < 0.001, "{worst}");
    assert!(got.inl_max_lsb.expect("there") > 0.7);
}

#[test]
fn mismatch_and_stage_gain_show_at_the_major_transitions() {
    let (sar, _) = histogram(Spec { bits: 10, sar_mismatch: 0.02, seed: 5, ..Spec::default() });
    let (largest, _) =
        sar.dnl_lsb.iter().enumerate().fold((0, 0.0), |m, (k, v)| if v.abs() > m.1 { (k, v.abs()) } else { m });
    // Place i is code i + 1; the heaviest bits change at multiples of 2^6.
    let code = largest + 1;
    let near = (code + 1) % 64;
    assert!(near <= 2 || near >= 62, "largest DNL at code {code}");
    let (stage, _) = histogram(Spec { bits: 10, stage_gain_error: vec![0.0, -0.01], ..Spec::default() });
    // At mid-scale the second stage gets its full input and passes on 2 % too little: codes are missing there.
    let middle = stage.dnl_lsb[509..513].iter().fold(0.0, |m: f64, v| m.max(v.abs()));
    assert!(middle > 0.9, "{middle}");
    let (ideal, _) = histogram(Spec { bits: 10, stage_gain_error: vec![0.0], ..Spec::default() });
    assert!(ideal.dnl_max_lsb.expect("there") < 0.01, "{:?}", ideal.dnl_max_lsb);
}

#[test]
fn lanes_give_their_spurs() {
    let lanes = vec![Lane { offset_lsb: 2.0, ..Lane::default() }, Lane { gain: 1.002, offset_lsb: -2.0, skew_s: 0.0 }];
    let y = converted(Spec { bits: 20, interleave: lanes, ..Spec::default() }, 0.5);
    let spectrum = PowerSpectrum::of_whole(&y, RATE, Window::Rectangular).expect("legal");
    // Offsets alternate by 2 steps at half the rate; gains alternate by 0.001 around the tone's image.
    let at_half = spectrum.power()[N / 2].sqrt();
    assert!((at_half / (2.0 * 2.0 / 2f64.powi(20)) - 1.0).abs() < 0.05, "{at_half:e}");
    let image = (2.0 * spectrum.power()[N / 2 - PERIODS]).sqrt();
    assert!((image / (0.5 * 0.001) - 1.0).abs() < 0.01, "{image:e}");
    let late = vec![Lane::default(), Lane { skew_s: 1e-9, ..Lane::default() }];
    let y = converted(Spec { bits: 24, interleave: late, ..Spec::default() }, 0.5);
    let spectrum = PowerSpectrum::of_whole(&y, RATE, Window::Rectangular).expect("legal");
    let image = (2.0 * spectrum.power()[N / 2 - PERIODS]).sqrt();
    let want = 0.5 * TAU * (PERIODS as f64 / N as f64) * RATE * 0.5e-9;
    assert!((image / want - 1.0).abs() < 0.02, "{image:e} {want:e}");
}

#[test]
fn clipping_and_bad_samples_stay_in_range() {
    let converter = Converter::new(Spec { bits: 4, ..Spec::default() }, RATE).expect("legal");
    let codes = converter.codes(&[9.0, -9.0, f64::NAN, f64::INFINITY, 0.0]);
    assert_eq!(codes, [15, 0, 8, 8, 8]);
    assert_eq!(converter.convert(&[-1.0, 0.875]), [-1.0, 0.875]);
}

#[test]
fn specs_out_of_range_are_refused() {
    let refused = |spec: Spec| Converter::new(spec, RATE).is_err();
    assert!(refused(Spec { bits: 1, ..Spec::default() }));
    assert!(refused(Spec { bits: 20, dnl_sigma_lsb: 0.1, ..Spec::default() }));
    assert!(refused(Spec { jitter_s: -1.0, ..Spec::default() }));
    assert!(refused(Spec { full_scale: f64::NAN, ..Spec::default() }));
    assert!(refused(Spec { inl_lsb: vec![1.0], ..Spec::default() }));
    assert!(refused(Spec { sar_mismatch: 0.1, stage_gain_error: vec![0.1], ..Spec::default() }));
    assert!(Converter::new(Spec::default(), 0.0).is_err());
}

#[cfg(feature = "adc-spec")]
#[test]
fn toml_is_read_and_its_faults_are_placed() {
    let spec = Spec::from_toml("bits = 12\nnoise_lsb = 0.5\n[[interleave]]\ngain = 1.01\n").expect("legal");
    assert_eq!((spec.bits, spec.noise_lsb, spec.interleave[0].gain), (12, 0.5, 1.01));
    assert!(matches!(Spec::from_toml("bits = 12\nbitz = 3\n"), Err(Error::Malformed { at_byte: 10, .. })));
    assert!(Spec::from_toml("bits = \"twelve\"").is_err());
    assert!(Spec::from_toml("bits = 99").is_err());
}
