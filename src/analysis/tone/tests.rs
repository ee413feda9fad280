use super::*;
use std::f64::consts::TAU;

const RATE: f64 = 48_000.0;

/// Tone plus a little fixed pseudo-random noise (uniform, `noise` peak).
fn tone(n: usize, cycles: f64, amplitude: f64, noise: f64) -> Vec<f64> {
    let mut state = 7u64;
    let mut next = || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    };
    (0..n).map(|i| amplitude * (TAU * (cycles * i as f64).fract() + 0.4).sin() + noise * next()).collect()
}

fn figures(x: &[f64], settings: Settings) -> ToneFigures {
    analyse(x, RATE, &settings).expect("legal").figures
}

#[test]
fn known_noise_is_found_in_records_of_any_length() {
    // Uniform noise of peak p has mean square p^2 / 3.
    let want = 10.0 * (0.5f64 * 0.25 / (1e-6 / 3.0)).log10();
    for (n, tolerance) in [(100, 1.5), (1000, 0.5), (5000, 0.2), (100_003, 0.05), (400_001, 0.03)] {
        let got = figures(&tone(n, 0.123_456, 0.5, 1e-3), Settings::default());
        assert!((got.snr_db.expect("tone") - want).abs() < tolerance, "{n}: {:?}", got.snr_db);
        assert!((got.frequency_hz.expect("tone") - 0.123_456 * RATE).abs() < 1e-2 * RATE / n as f64, "{n}");
    }
}

#[test]
fn white_noise_halves_with_the_bandwidth() {
    let x = tone(1 << 16, 0.0211, 0.5, 1e-3);
    let whole = figures(&x, Settings::default());
    let half = figures(&x, Settings { bandwidth_hz: Some(12_000.0), ..Settings::default() });
    let difference = half.snr_db.expect("tone") - whole.snr_db.expect("tone");
    assert!((difference - 3.0103).abs() < 0.06, "{difference}");
    let densities = half.nsd_dbfs_per_hz.expect("tone") - whole.nsd_dbfs_per_hz.expect("tone");
    assert!(densities.abs() < 0.06, "{densities}");
}

#[test]
fn bad_records_name_their_reason() {
    let why = |x: &[f64]| figures(x, Settings::default()).snr_db.expect_err("no tone in there");
    assert!(matches!(why(&[0.1; 15]), Absent::TooShort { n_samples: 15, needed: 16 }));
    assert_eq!(why(&[0.0; 4096]), Absent::Silence);
    assert_eq!(why(&[0.3; 4096]), Absent::DcOnly);
    let mut x = tone(4096, 0.1, 0.5, 1e-3);
    x[5] = f64::NAN;
    x[6] = f64::INFINITY;
    assert_eq!(why(&x), Absent::NotFinite { n_samples: 2 });
    assert!(matches!(why(&tone(4096, 0.1, 0.0, 1e-2)), Absent::NoTone { .. }));
    assert!(matches!(why(&tone(64, 0.1, 0.0, 1e-2)), Absent::NoTone { .. }));
    assert!(matches!(why(&tone(4096, 1.2 / 4096.0, 0.5, 1e-4)), Absent::TooFewPeriods { .. }));
    let second = tone(4096, 0.17, 0.4, 0.0);
    let two: Vec<f64> = tone(4096, 0.1, 0.5, 1e-3).iter().zip(&second).map(|(a, b)| a + b).collect();
    assert!(matches!(why(&two), Absent::SeveralTones { .. }));
    assert_eq!(why(&tone(4096, 0.1, 0.5, 0.0)), Absent::NothingThere);
}

#[test]
fn every_method_survives_every_bad_record() {
    let records = [vec![], vec![0.0; 3], vec![0.5; 99], vec![f64::NAN; 99], vec![f64::MAX; 99], {
        let mut x = vec![0.0; 99];
        x[50] = 1.0;
        x
    }];
    for method in ["fit", "genalyzer", "genalyzer:rect", "matlab", "matlab:hann"] {
        let method = method.parse().expect("known");
        for x in &records {
            let got = figures(x, Settings { method, highest_harmonic: 20, ..Settings::default() });
            for entry in got.entries() {
                assert!(entry.figure.is_err() || entry.figure.is_ok_and(f64::is_finite), "{entry:?}");
            }
        }
    }
}

#[test]
fn harmonics_that_fold_on_the_tone_have_no_level() {
    // 12 kHz at 48 kHz: H2 at half the rate, H3 on the tone, H4 on DC, H5 on the tone, H6 at half the rate again.
    let x = tone(4800, 0.25, 0.5, 1e-3);
    let got = figures(&x, Settings::default());
    let levels: Vec<bool> = got.harmonics.iter().map(|h| got.harmonic_dbc(h).is_ok()).collect();
    assert_eq!(levels, [true, false, false, false, false]);
    assert!((got.sinad_db.expect("tone") - 55.74).abs() < 0.3);
}

#[test]
fn a_given_frequency_finds_a_tone_under_a_louder_one() {
    let loud = tone(9600, 0.1, 0.9, 0.0);
    let x: Vec<f64> = tone(9600, 0.2101, 0.01, 1e-4).iter().zip(&loud).map(|(a, b)| a + b).collect();
    let settings = Settings { frequency_hz: Some(0.2101 * RATE), ..Settings::default() };
    let got = figures(&x, settings);
    assert!(got.snr_db.is_err(), "a hundredth of the power is no tone of its own: {:?}", got.snr_db);
    let settings = Settings { frequency_hz: Some(0.1 * RATE), ..Settings::default() };
    assert!((figures(&x, settings).level_dbfs.expect("tone") + 0.915).abs() < 1e-3);
}

#[test]
fn settings_out_of_range_are_refused() {
    let refused = |settings: Settings| analyse(&[0.0; 32], RATE, &settings).is_err();
    assert!(refused(Settings { highest_harmonic: 0, ..Settings::default() }));
    assert!(refused(Settings { bandwidth_hz: Some(-1.0), ..Settings::default() }));
    assert!(refused(Settings { frequency_hz: Some(24_000.0), ..Settings::default() }));
    assert!(analyse(&[0.0; 32], f64::NAN, &Settings::default()).is_err());
    assert!("genalyser".parse::<Method>().is_err());
    for name in ["fit", "genalyzer:bh4", "matlab:kaiser=38"] {
        assert_eq!(name.parse::<Method>().expect("known").to_string(), name);
    }
}

#[test]
fn enob_of_the_rule_of_thumb_is_its_bits() {
    assert!((enob_bits(crate::analysis::error_statistics::full_scale_sine_sqnr_db(12.0)) - 12.0).abs() < 1e-13);
}
