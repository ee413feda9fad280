//! What the model puts in, the meters find again.

use super::*;
use crate::adc::{Transfer, decision::Decision, random::Random};
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
    ramp_of(spec, 1 << 20)
}

/// What a ramp of n samples finds.
fn ramp_of(spec: Spec, n: usize) -> (LinearityFigures, Converter) {
    let converter = Converter::new(spec, RATE).expect("legal");
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

/// Steps from mid-scale to the transition into a code, as the ramp finds it.
fn transition(found: &LinearityFigures, code: usize) -> f64 {
    found.transitions[code - found.code_range.0 - 1]
}

#[test]
fn capacitors_are_found_one_by_one() {
    let spec = Spec { bits: 10, sar_mismatch: 0.02, seed: 5, ..Spec::default() };
    let Decision::SuccessiveApproximation(weights) = Decision::of(&spec, &mut Random::new(5, 1)).expect("legal") else {
        panic!("no capacitors")
    };
    let (found, _) = histogram(spec);
    // The code of one bit alone begins where the input reaches its capacitor: T[2^b] + 2^9 + 1/2 = w_b.
    for (b, weight) in weights.iter().rev().enumerate() {
        let got = transition(&found, 1 << b) + 512.5;
        assert!((got - weight).abs() < 0.002, "bit {b}: {got}, put in {weight}");
    }
    // Seen as nonlinearity: code 511 is as wide as the heaviest bit is above the sum of all others.
    let width = weights[0] - weights[1..].iter().sum::<f64>();
    let got = transition(&found, 512) - transition(&found, 511);
    assert!((got - width.max(0.0)).abs() < 0.003, "{got}, put in {width}");
}

#[test]
fn the_spread_of_the_capacitors_is_found() {
    let sigma = 0.02;
    // Bit b of N deviates by sigma sqrt(2^b (1 - p)), p = 2^b / (2^N - 1), once the sum is scaled back.
    let spread = |b: i32| (2f64.powi(b) * (1.0 - 2f64.powi(b) / 1_023.0)).sqrt();
    let mut squares = Vec::new();
    for seed in 0..32 {
        let (found, _) = ramp_of(Spec { bits: 10, sar_mismatch: sigma, seed, ..Spec::default() }, 1 << 16);
        let deviation = |b: i32| transition(&found, 1 << b) + 512.5 - 2f64.powi(b);
        squares.extend((4..10).map(|b| (deviation(b) / spread(b)).powi(2)));
    }
    let got = (squares.iter().sum::<f64>() / squares.len() as f64).sqrt();
    // Of 192 values the standard deviation is known to 5 %.
    assert!((got / sigma - 1.0).abs() < 0.12, "{got}, put in {sigma}");
}

#[test]
fn gain_errors_of_stages_are_found() {
    // Stage s gets its full input, of either sign, where stage s - 1 decides; from m codes below to m codes above
    // (2^(N-s) e + 2 m) / (1 + e) steps are left.
    const M: usize = 8;
    for (stage, error) in [(1, -0.01), (1, 0.004), (2, -0.02), (2, 0.01)] {
        let mut errors = vec![0.0; 3];
        errors[stage] = error;
        let (found, _) = histogram(Spec { bits: 10, stage_gain_error: errors, ..Spec::default() });
        let full = 2f64.powi(10 - stage as i32);
        // Mid-scale; the middle of the lower half.
        let code = 1_024 >> stage;
        let width = transition(&found, code + M) - transition(&found, code - M);
        let got = (width - 2.0 * M as f64) / (full - width);
        assert!((got - error).abs() < 2e-5, "stage {stage}: {got}, put in {error}");
    }
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
fn the_table_of_inl_is_found_point_by_point() {
    let table = vec![0.0, 1.5, -1.0, 0.75, 0.0];
    let (got, _) = histogram(Spec { bits: 8, inl_lsb: table.clone(), ..Spec::default() });
    // 255 transitions; the table's points lie 63.5 transitions apart.
    for (i, want) in table.iter().enumerate().step_by(2) {
        let found = got.inl_end_point_lsb[i * 127 / 2];
        assert!((found - want).abs() < 0.002, "{i}: {found} {want}");
    }
    let largest = got.inl_max_lsb.expect("there");
    assert!((largest - 1.5).abs() < 0.02, "half a transition beside the peak: {largest}");
}

#[test]
fn a_slow_hold_is_found_as_its_low_pass() {
    let memory = 0.2f64;
    let y = converted(Spec { bits: 22, hold_memory: memory, ..Spec::default() }, 0.5);
    let got = figures(&y);
    let w = TAU * PERIODS as f64 / N as f64;
    // H(z) = (1 - m) / (1 - m / z)
    let gain = (1.0 - memory) / (1.0 - 2.0 * memory * w.cos() + memory * memory).sqrt();
    assert!((got.level_dbfs.expect("a tone") - 20.0 * (0.5 * gain).log10()).abs() < 0.001, "{got:?}");
}

#[test]
fn oversampling_spreads_the_noise_and_decimation_takes_it_away() {
    let spec = |oversampling| Spec { bits: 12, noise_lsb: 2.0, oversampling, ..Spec::default() };
    // Outside the record lies silence: its filtered ends are left out.
    let snr = |oversampling| figures(&converted(spec(oversampling), 0.5)[300..N - 300]).snr_db.expect("a tone");
    let plain = snr(1);
    for oversampling in [2u32, 8] {
        let gain = snr(oversampling) - plain;
        assert!((gain - 10.0 * f64::from(oversampling).log10()).abs() < 0.35, "{oversampling}: {gain}");
    }
}

#[test]
fn the_quantizer_of_choice_has_its_own_error() {
    let y = |quantizer| converted(Spec { bits: 8, quantizer, ..Spec::default() }, 0.01);
    let snr = |quantizer| figures(&y(quantizer)).sinad_db.expect("a tone");
    // At -40 dBFS the laws keep 35 dB and more, uniform steps about 10.
    assert!(snr(Transfer::MidTread) < 14.0 && snr(Transfer::MuLaw) > 34.0 && snr(Transfer::ALaw) > 34.0);
    assert!(y(Transfer::MidRise).iter().all(|y| *y != 0.0), "mid-rise has no level at zero");
    let codebook = std::sync::Arc::new(crate::quantizer::Codebook::from_levels(vec![-0.5, 0.0, 0.25]).expect("legal"));
    let converter =
        Converter::with_quantizer(Spec { full_scale: 2.0, ..Spec::default() }, RATE, codebook).expect("legal");
    assert_eq!(converter.convert(&[-9.0, 0.1, 0.3, 9.0]), [-1.0, 0.0, 0.5, 0.5]);
    assert_eq!(converter.codes(&[-9.0, 0.1, 0.3]), [0, 1, 2]);
}

#[test]
fn clipping_is_found_as_overdrive_and_harmonics() {
    let converter = Converter::new(Spec { bits: 10, full_scale: 0.5, ..Spec::default() }, RATE).expect("legal");
    let x: Vec<f64> = sine(0.55);
    let codes: Vec<f64> = converter.codes(&x).iter().map(|c| f64::from(*c) / 512.0 - 1.0).collect();
    let mut histogram = CodeHistogram::new(1024).expect("legal");
    histogram.push(&codes);
    let got = linearity::analyse(&histogram, Stimulus::Sine { amplitude_lsb: None }).expect("full");
    assert!((got.overdrive_db.expect("there") - 20.0 * 1.1f64.log10()).abs() < 0.01, "{:?}", got.overdrive_db);
    let tone = figures(&converted(Spec { full_scale: 0.5, ..Spec::default() }, 0.55));
    let level = tone.harmonic_dbc(&tone.harmonics[1]).expect("clipped") + tone.level_dbfs.expect("a tone");
    let want = third_of_clipped(1.1) * 0.5;
    assert!((level - 20.0 * want.abs().log10()).abs() < 0.05, "{level} {want}");
}

/// Third Fourier coefficient of a sine of amplitude `a` clipped at 1, by plain summation.
fn third_of_clipped(a: f64) -> f64 {
    let n = 1 << 16;
    let phase = |i: i32| TAU * f64::from(i) / f64::from(n);
    (0..n).map(|i| (a * phase(i).sin()).clamp(-1.0, 1.0) * (3.0 * phase(i)).sin()).sum::<f64>() * 2.0 / f64::from(n)
}

#[test]
fn cutting_into_blocks_changes_nothing() {
    let lanes = vec![Lane::default(), Lane { skew_s: 1e-8, offset_lsb: 1.0, gain: 0.99 }];
    let plain =
        Spec { bits: 12, jitter_s: 1e-8, noise_lsb: 0.5, hold_memory: 0.1, interleave: lanes, ..Spec::default() };
    let x = &sine(0.8)[..3_000];
    for spec in [plain.clone(), Spec { oversampling: 3, ..plain }] {
        let converter = Converter::new(spec, RATE).expect("legal");
        let whole = converter.convert(x);
        assert_eq!(whole.len(), x.len());
        for size in [1, 7, 500, 2_999] {
            let (mut channel, mut out) = (converter.channel(0), Vec::new());
            x.chunks(size).for_each(|block| channel.push(block, &mut out));
            channel.finish(&mut out);
            assert_eq!(out, whole, "blocks of {size}");
        }
        // Noise is each channel's own.
        let (mut second, mut out) = (converter.channel(1), Vec::new());
        second.push(x, &mut out);
        second.finish(&mut out);
        assert!(out.len() == whole.len() && out != whole);
    }
    assert!(Converter::new(Spec::default(), RATE).expect("legal").convert(&[]).is_empty());
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
    assert!(refused(Spec { sar_mismatch: 0.1, quantizer: Transfer::MuLaw, ..Spec::default() }));
    assert!(
        refused(Spec { oversampling: 0, ..Spec::default() }) && refused(Spec { hold_memory: 1.0, ..Spec::default() })
    );
    assert!(Converter::new(Spec::default(), 0.0).is_err());
}

#[cfg(feature = "adc-spec")]
#[test]
fn toml_is_read_and_its_faults_are_placed() {
    let spec = Spec::from_toml("bits = 12\nnoise_lsb = 0.5\n[[interleave]]\ngain = 1.01\n").expect("legal");
    assert_eq!((spec.bits, spec.noise_lsb, spec.interleave[0].gain), (12, 0.5, 1.01));
    assert!(matches!(Spec::from_toml("bits = 12\nbitz = 3\n"), Err(Error::Malformed { at_byte: 10, .. })));
    assert_eq!(Spec::from_toml("quantizer = \"mu-law\"").expect("legal").quantizer, Transfer::MuLaw);
    assert!(Spec::from_toml("bits = \"twelve\"").is_err());
    assert!(Spec::from_toml("bits = 99").is_err());
}
