use super::*;

#[test]
fn an_ideal_ramp_has_no_nonlinearity() {
    let mut histogram = CodeHistogram::new(16).expect("legal");
    let n = 20_000;
    // From -1.1 to 1.1 of full scale: 8.8 steps each side.
    let x: Vec<f64> = (0..n).map(|i| (-1.1 + 2.2 * (f64::from(i) + 0.5) / f64::from(n)).clamp(-1.0, 0.875)).collect();
    histogram.push(&x);
    let got = analyse(&histogram, Stimulus::Ramp { ends_lsb: Some((-8.8, 8.8)) }).expect("full");
    assert!(got.dnl_max_lsb.expect("there") < 0.01 && got.inl_max_lsb.expect("there") < 0.01);
    assert!(got.offset_lsb.expect("known").abs() < 0.01, "{:?}", got.offset_lsb);
    assert!((got.gain.expect("known") - 1.0).abs() < 0.002, "{:?}", got.gain);
    assert_eq!((got.code_range, got.missing_codes.expect("there").len(), got.dnl_lsb.len()), ((0, 15), 0, 14));
}

#[test]
fn offset_and_gain_are_those_put_in() {
    // Input = 1.05 x code + 0.3: transitions stretch by 1.05 around 0.3.
    let n = 200_000;
    let mut counts = vec![0; 64];
    for i in 0..n {
        let input = -40.0 + 80.0 * (f64::from(i) + 0.5) / f64::from(n);
        let code = ((input - 0.3) / 1.05 + 32.0 + 0.5).floor().clamp(0.0, 63.0);
        counts[code as usize] += 1;
    }
    let histogram = CodeHistogram::from_counts(counts).expect("legal");
    let got = analyse(&histogram, Stimulus::Ramp { ends_lsb: Some((-40.0, 40.0)) }).expect("full");
    // The transitions' middle lies half a step below mid-scale's code centre.
    assert!((got.gain.expect("known") - 1.05).abs() < 1e-4);
    assert!((got.offset_lsb.expect("known") - 0.3).abs() < 0.06, "{:?}", got.offset_lsb);
    assert!(analyse(&histogram, Stimulus::Ramp { ends_lsb: None }).expect("full").gain.is_err());
}

#[test]
fn overdrive_is_the_stimulus_over_the_range() {
    // A sine of 1.1 full scales, its middle at mid-scale, into 64 codes.
    let n = 1 << 18;
    let x: Vec<f64> = (0..n)
        .map(|i| 1.1 * (std::f64::consts::TAU * f64::from(i) * 1_001.0 / f64::from(n)).sin())
        .map(|x| ((x * 32.0).round() / 32.0).clamp(-1.0, 31.0 / 32.0))
        .collect();
    let mut histogram = CodeHistogram::new(64).expect("legal");
    histogram.push(&x);
    for amplitude_lsb in [None, Some(35.2)] {
        let got = analyse(&histogram, Stimulus::Sine { amplitude_lsb }).expect("full");
        assert!((got.overdrive_db.expect("there") - 0.8279).abs() < 0.005, "{:?}", got.overdrive_db);
    }
    // Below full scale it is negative: the ends were not reached.
    let mut histogram = CodeHistogram::new(64).expect("legal");
    histogram.push(&x.iter().map(|x| (x * 16.0).round() / 32.0).collect::<Vec<_>>());
    let got = analyse(&histogram, Stimulus::Sine { amplitude_lsb: None }).expect("full");
    assert!(got.code_range.0 > 0 && got.overdrive_db.expect("there") < -5.0);
}

#[test]
fn bad_histograms_are_refused() {
    let ramp = Stimulus::Ramp { ends_lsb: None };
    let why = |counts: Vec<u64>| {
        analyse(&CodeHistogram::from_counts(counts).expect("legal"), ramp).expect_err("no linearity")
    };
    assert_eq!(why(vec![0; 8]), Absent::NotApplicable { needs: "samples that are codes" });
    assert!(matches!(why(vec![0, 99, 99, 0, 0]), Absent::NotApplicable { .. }));
    assert_eq!(why(vec![1; 8]), Absent::TooShort { n_samples: 8, needed: 128 });
    assert!(CodeHistogram::from_counts(vec![1; 3]).is_err());
    let mut histogram = CodeHistogram::new(16).expect("legal");
    histogram.push(&[f64::NAN, 5.0, -5.0, f64::INFINITY]);
    assert_eq!(histogram.n_outside(), 4);
}

/// A converter of 12 bits: its transitions from mid-scale, steps, and its codes for a sine with noise, full scale 1.0.
struct Converter {
    transitions: Vec<f64>,
    state: u64,
}

impl Converter {
    fn ideal() -> Self {
        Self { transitions: (1..4096).map(|k| f64::from(k) - 2048.5).collect(), state: 1 }
    }

    /// Code 2047 is missing, four are 8.44 steps wide.
    fn faulty() -> Self {
        let width = |k: usize| match k {
            2047 => 0.0,
            511 | 1535 | 2559 | 3583 => 8.5,
            _ => 1.0,
        };
        let scale = 4096.0 / (0..4096).map(width).sum::<f64>();
        let mut edge = -2048.0;
        let transitions = (0..4095).map(|k| {
            edge += scale * width(k);
            edge
        });
        Self { transitions: transitions.collect(), state: 1 }
    }

    /// A sum of twelve uniform values has variance 1, and is as good as normal.
    fn normal(&mut self) -> f64 {
        let mut uniform = || {
            self.state = self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.state >> 11) as f64 / (1u64 << 53) as f64
        };
        (0..12).map(|_| uniform()).sum::<f64>() - 6.0
    }

    fn codes(&mut self, n: usize, cycles: f64, amplitude_lsb: f64, noise_lsb: f64) -> Vec<f64> {
        let code = |i: usize| {
            let phase = std::f64::consts::TAU * (cycles * i as f64).fract() + 0.1;
            let input = amplitude_lsb * phase.sin() + noise_lsb * self.normal();
            self.transitions.partition_point(|t| *t <= input) as f64 / 2048.0 - 1.0
        };
        (0..n).map(code).collect()
    }
}

fn of_sine(x: &[f64], few: FewSamples) -> Result<LinearityFigures, Absent> {
    let mut histogram = CodeHistogram::new(4096).expect("legal");
    histogram.push(x);
    analyse_visits(&histogram, Stimulus::Sine { amplitude_lsb: None }, &Visits::of_sine(x, 4096), few)
}

const N: usize = 1 << 17;
const COHERENT: f64 = 12_503.0 / 131_072.0;

#[test]
fn an_ideal_converter_is_ideal_within_its_uncertainty() {
    // Overdriven or not, quiet or noisy, coherent or not, many periods or ten and a half.
    for (cycles, amplitude, noise) in [
        (COHERENT, 1_500.0, 2.0),
        (COHERENT, 2_100.0, 0.0),
        (COHERENT, 2_060.0, 2.0),
        (COHERENT, 1_800.0, 20.0),
        (997.0 / 48_000.0, 2_100.0, 0.5),
        (10.5 / 131_072.0, 2_100.0, 0.0),
        (10.37 / 131_072.0, 2_100.0, 0.4),
    ] {
        let got = of_sine(&Converter::ideal().codes(N, cycles, amplitude, noise), FewSamples::Refuse).expect("enough");
        let what = format!("{cycles} {amplitude} {noise}");
        let (dnl, inl) = (got.dnl_max_lsb.expect("there"), got.inl_max_lsb.expect("there"));
        assert!(dnl <= got.dnl_uncertainty_max_lsb.expect("there"), "{what}: {dnl} {:?}", got.dnl_uncertainty_max_lsb);
        assert!(inl <= got.inl_uncertainty_max_lsb.expect("there"), "{what}: {inl} {:?}", got.inl_uncertainty_max_lsb);
        assert_eq!(got.missing_codes, Ok(vec![]), "{what}");
        // The uncertainties are as large as the errors: of DNL over twice the standard uncertainty, the mean square is 1/4.
        let ratios = got.dnl_lsb.iter().zip(&got.dnl_uncertainty_lsb).map(|(dnl, u)| (dnl / u).powi(2));
        let mean = ratios.sum::<f64>() / got.dnl_lsb.len() as f64;
        assert!((0.1..0.36).contains(&mean), "{what}: {mean}");
    }
}

#[test]
fn codes_that_the_noise_reaches_over_the_peaks_are_left_out() {
    let got = of_sine(&Converter::ideal().codes(N, COHERENT, 1_500.0, 2.0), FewSamples::Refuse).expect("enough");
    let (low, high) = (got.code_range.0 as i64 - 2_048, got.code_range.1 as i64 - 2_048);
    // Four standard deviations within peaks of 1500 steps.
    assert!((-1_494..=-1_489).contains(&low) && (1_489..=1_494).contains(&high), "{low} {high}");
    assert!((got.transition_noise_lsb.expect("there") - 2.0).abs() < 0.05);
    assert!(got.overdrive_db.expect("there") < -2.5);
}

#[test]
fn a_faulty_converter_has_its_faults() {
    let mut faulty = Converter::faulty();
    let got = of_sine(&faulty.codes(N, COHERENT, 2_100.0, 0.0), FewSamples::Refuse).expect("enough");
    assert!((got.dnl_max_lsb.expect("there") - 7.44).abs() < 0.1, "{:?}", got.dnl_max_lsb);
    assert_eq!(got.missing_codes, Ok(vec![2_047]));
}

#[test]
fn a_sine_of_few_phases_is_refused_or_said() {
    let x = Converter::ideal().codes(N, 1_000.0 / 48_000.0, 2_100.0, 0.0);
    let Err(Absent::TooFewPhases { n_phases: 48, needed }) = of_sine(&x, FewSamples::Refuse) else {
        panic!("{:?}", of_sine(&x, FewSamples::Refuse).map(|got| got.dnl_max_lsb))
    };
    assert!((12_000..13_500).contains(&needed), "{needed}");
    // Asked for all the same, the uncertainty tells that it is worth nothing, and no code is called missing.
    let got = of_sine(&x, FewSamples::Allow).expect("allowed");
    assert!(got.dnl_uncertainty_max_lsb.expect("there") > 100.0);
    assert!(matches!(got.missing_codes, Err(Absent::TooFewPhases { n_phases: 48, .. })));
    // Noise of some codes' width visits what lies between the phases of a converter of fewer codes.
    let x: Vec<f64> = (0..N).map(|i| 0.9 * (std::f64::consts::TAU * (i % 480) as f64 / 480.0).sin()).collect();
    let mut noise = Converter::ideal();
    let x: Vec<f64> = x.iter().map(|x| ((x + noise.normal() / 64.0) * 128.0).round() / 128.0).collect();
    let mut histogram = CodeHistogram::new(256).expect("legal");
    histogram.push(&x);
    let visits = Visits::of_sine(&x, 256);
    let got = analyse_visits(&histogram, Stimulus::Sine { amplitude_lsb: None }, &visits, FewSamples::Refuse);
    let got = got.expect("the noise visits all");
    assert!(got.dnl_max_lsb.expect("there") < got.dnl_uncertainty_max_lsb.expect("there"), "{:?}", got.dnl_max_lsb);
}

#[test]
fn few_samples_are_measured_on_request() {
    let x = Converter::faulty().codes(1 << 14, 1_237.0 / 16_384.0, 2_100.0, 0.0);
    assert!(matches!(of_sine(&x, FewSamples::Refuse), Err(Absent::TooShort { n_samples: 16_384, .. })));
    let got = of_sine(&x, FewSamples::Allow).expect("allowed");
    let off = got.dnl_max_lsb.expect("there") - 7.44;
    assert!(off.abs() < got.dnl_uncertainty_max_lsb.expect("there") && off.abs() < 1.0, "{off}");
    // With the samples that it asks for, each code is known to 0.1.
    let n = got.samples_for_tenth_lsb.expect("there");
    assert!((1 << 15..1 << 19).contains(&(n as usize)), "{n}");
    let enough = Converter::ideal().codes(n as usize, 12_503.0 / n, 2_100.0, 0.0);
    let got = of_sine(&enough, FewSamples::Allow).expect("allowed");
    let dnl = got.dnl_uncertainty_lsb.iter().sum::<f64>() / got.dnl_uncertainty_lsb.len() as f64;
    assert!((0.05..0.1).contains(&dnl) && got.dnl_max_lsb.expect("there") < 0.2, "{dnl} {:?}", got.dnl_max_lsb);
    let few = of_sine(&x[..2_000], FewSamples::Allow);
    assert!(matches!(few, Err(Absent::TooShort { n_samples: 2_000, .. })), "less than a sample a code");
}

#[test]
fn values_in_random_order_and_repeated_sweeps_have_their_uncertainty() {
    let mut ideal = Converter::ideal();
    let mut state = 9u64;
    let mut uniform = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1u64 << 53) as f64
    };
    let code = |input: f64| (input + 0.5).floor().clamp(-128.0, 127.0) / 128.0;
    let random: Vec<f64> = (0..20_000).map(|_| code(160.0 * uniform() - 80.0 + 2.0 * ideal.normal())).collect();
    let triangle = |i: usize| 140.0 * (2.0 * (2.0 * (5.0 * (i as f64 + 0.37) / 9_001.0).fract() - 1.0).abs() - 1.0);
    let sweeps: Vec<f64> = (0..9_001).map(|i| code(triangle(i))).collect();
    for x in [random, sweeps] {
        let mut histogram = CodeHistogram::new(256).expect("legal");
        histogram.push(&x);
        let ramp = Stimulus::Ramp { ends_lsb: None };
        let got = analyse_visits(&histogram, ramp, &Visits::of_ramp(&x, 256), FewSamples::Refuse).expect("enough");
        let (dnl, inl) = (got.dnl_max_lsb.expect("there"), got.inl_max_lsb.expect("there"));
        assert!(dnl <= got.dnl_uncertainty_max_lsb.expect("there"), "{dnl} {:?}", got.dnl_uncertainty_max_lsb);
        assert!(inl <= got.inl_uncertainty_max_lsb.expect("there"), "{inl} {:?}", got.inl_uncertainty_max_lsb);
    }
}
