use super::*;
use crate::analysis::Absent;
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
fn harmonics_that_fold_on_something_are_named() {
    // A quarter of the rate: H2 and H6 at half the rate, H3 and H5 on the tone, H4 on DC. A cubic's H3 is all there is.
    let cubic = |x: f64| x + 0.4 * x.powi(3);
    let x: Vec<f64> = tone(4_800, 0.25, 0.5, 1e-3).into_iter().map(cubic).collect();
    let got = figures(&x, Settings::default());
    assert!(got.harmonics.iter().all(|h| got.harmonic_dbc(h).is_err()));
    let on_tone = Absent::HarmonicHidden { order: 3, hidden: Hidden::Tone };
    assert_eq!((got.thd_db, got.sinad_db, got.enob_bits), (Err(on_tone), Err(on_tone), Err(on_tone)));
    assert!(got.snr_db.is_ok(), "the noise is measured");
    let text = got.warnings().join("");
    assert!(text.contains("harmonics 3, 5 fall on the tone") && text.contains("harmonic 4 falls on DC"), "{text}");
    // A third of the rate, and a square law: H2 on the tone.
    let square = |x: f64| x + 0.2 * x * x;
    let x: Vec<f64> = tone(4_800, 1.0 / 3.0, 0.5, 1e-3).into_iter().map(square).collect();
    let got = figures(&x, Settings::default());
    assert_eq!(got.thd_db, Err(Absent::HarmonicHidden { order: 2, hidden: Hidden::Tone }));
    // A fifth: H3 on H2, H4 and H6 on the tone, H5 on DC. THD tells what is in it.
    let x: Vec<f64> = tone(4_800, 0.2, 0.5, 1e-5).into_iter().map(square).collect();
    let got = figures(&x, Settings::default());
    let want = 20.0 * (0.2 * 0.125 / 0.5f64).log10();
    assert!((got.thd_db.expect("H2 is told apart") - want).abs() < 0.01, "{:?}", got.thd_db);
    assert_eq!(got.sinad_db, Err(Absent::HarmonicHidden { order: 4, hidden: Hidden::Tone }));
    let text = got.warnings().join("");
    assert!(text.contains("harmonic 3 falls on harmonic 2") && text.ends_with("THD is that of harmonic 2"), "{text}");
    assert!(got.entries().iter().any(|e| e.key == "thd_db" && e.formula.contains("harmonic 2 / tone")));
}

#[test]
fn harmonics_near_something_are_no_noise() {
    // Distortion of -40 dB within a line of half the rate, of the tone, of another harmonic; noise of -100 dB.
    let n = 4_801;
    let lines = |cycles: f64, off: f64| cycles + off / n as f64;
    for (frequency, order) in
        [(lines(0.25, -0.2), 2.0), (lines(1.0 / 6.0, 0.1), 5.0), (lines(0.2, 0.1), 3.0), (lines(1.0 / 3.0, 0.1), 3.0)]
    {
        let x: Vec<f64> = tone(n, frequency, 0.5, 1e-5 * 0.5 * 1.5f64.sqrt());
        let harmonic = tone(n, order * frequency, 0.005, 0.0);
        let x: Vec<f64> = x.iter().zip(&harmonic).map(|(a, b)| a + b).collect();
        let got = figures(&x, Settings::default());
        let snr = got.snr_db.expect("a tone");
        assert!((snr - 100.0).abs() < 0.5, "{frequency} {order}: {snr}");
        let told = got.harmonics.iter().find(|h| h.order == order as u32).expect("there");
        assert!(told.power.is_none() && told.hidden.is_some(), "{told:?}");
    }
}

#[test]
fn a_tone_beside_half_the_rate_is_refused() {
    for lines in [0.0, 0.4, 1.0, 1.7] {
        let x = tone(4_096, 0.5 - lines / 4_096.0, 0.5, 1e-4);
        let got = figures(&x, Settings::default());
        assert!(matches!(got.snr_db, Err(Absent::NearHalfRate { .. })), "{lines}: {:?}", got.snr_db);
        let given = Settings { frequency_hz: Some((0.5 - lines.max(0.1) / 4_096.0) * RATE), ..Settings::default() };
        assert!(figures(&x, given).snr_db.is_err(), "{lines}");
        for method in ["genalyzer", "matlab"] {
            let settings = Settings { method: method.parse().expect("known"), ..Settings::default() };
            assert!(figures(&x, settings).snr_db.is_err(), "{method} {lines}");
        }
    }
    let x = tone(4_096, 0.5 - 4.3 / 4_096.0, 0.5, 1e-3);
    let snr = figures(&x, Settings::default()).snr_db.expect("four lines away");
    assert!((snr - 10.0 * (0.125f64 / (1e-6 / 3.0)).log10()).abs() < 0.4, "{snr}");
}

#[test]
fn fitted_parameters_are_no_samples_of_noise() {
    // The mean over many short records is the truth, 40 dB: each parameter took the noise of one sample away.
    for (n, tolerance) in [(16, 0.45), (32, 0.2), (64, 0.1), (256, 0.05)] {
        let powers = (0..400).map(|k| {
            let mut state = 77 + 131 * k as u64;
            let mut normal = || {
                let mut uniform = || {
                    state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    (state >> 11) as f64 / (1u64 << 53) as f64
                };
                (0..12).map(|_| uniform()).sum::<f64>() - 6.0
            };
            let cycles = 0.2137 + 2e-5 * f64::from(k);
            let x: Vec<f64> =
                (0..n).map(|i| (TAU * cycles * i as f64).cos() + 0.5f64.sqrt() * 1e-2 * normal()).collect();
            let given = Settings { frequency_hz: Some(cycles * RATE), ..Settings::default() };
            let got = figures(&x, given);
            [got.snr_db, got.sinad_db].map(|db| 10f64.powf(-db.expect("a tone") / 10.0))
        });
        let sums = powers.fold([0.0; 2], |sum, p| [sum[0] + p[0], sum[1] + p[1]]);
        let [snr, sinad] = sums.map(|sum| -10.0 * (sum / 400.0).log10());
        assert!((snr - 40.0).abs() < tolerance && (sinad - 40.0).abs() < tolerance, "{n}: {snr} {sinad}");
    }
}

#[test]
fn two_equal_tones_some_lines_apart_are_two() {
    for lines in [0.3, 0.5, 1.0, 1.5, 2.5, 4.0, 6.0, 7.9] {
        for n in [4_096, 48_000] {
            let second = tone(n, 0.1 + lines / n as f64, 0.4, 0.0);
            let x: Vec<f64> = tone(n, 0.1, 0.4, 1e-4).iter().zip(&second).map(|(a, b)| a + b).collect();
            let why = figures(&x, Settings::default()).snr_db.expect_err("not one tone");
            assert!(matches!(why, Absent::SeveralTones { .. } | Absent::UnsteadyTone { .. }), "{lines} {n}: {why}");
        }
    }
}

#[test]
fn spurs_of_long_records_have_their_level_between_lines_too() {
    for n in [1 << 18, (1 << 18) + 1, 500_009, 1 << 20, (1 << 20) + 77_777] {
        for offset in [0.0, 0.31, 0.5] {
            // Half a line of any frame there may be.
            let cycles = (60_000.0 + offset) / (1 << 18) as f64;
            let spur = tone(n, cycles, 0.5e-3, 0.0);
            let x: Vec<f64> = tone(n, 0.021_234, 0.5, 1e-5).iter().zip(&spur).map(|(a, b)| a + b).collect();
            let got = figures(&x, Settings::default());
            assert!((got.sfdr_dbc.expect("a spur") - 60.0).abs() < 0.01, "{n} {offset}: {:?}", got.sfdr_dbc);
            assert!((got.spur_hz.expect("a spur") - cycles * RATE).abs() < 0.05, "{n} {offset}: {:?}", got.spur_hz);
        }
    }
}

#[test]
fn spurs_near_the_tone_are_left_out_on_request() {
    let n = 48_000;
    let (near, far) = (tone(n, 1_050.0 / RATE, 0.5e-2, 0.0), tone(n, 5_000.0 / RATE, 0.5e-3, 0.0));
    let x: Vec<f64> =
        tone(n, 997.0 / RATE, 0.5, 1e-5).iter().zip(near.iter().zip(&far)).map(|(a, (b, c))| a + b + c).collect();
    for method in ["fit", "genalyzer", "matlab"] {
        for (distance, want) in [(0.0, 40.0), (52.0, 40.0), (60.0, 60.0)] {
            let method = method.parse().expect("known");
            let got = figures(&x, Settings { method, min_spur_distance_hz: distance, ..Settings::default() });
            assert!((got.sfdr_dbc.expect("a spur") - want).abs() < 0.3, "{method} {distance}: {:?}", got.sfdr_dbc);
        }
    }
}

#[test]
fn aliased_harmonics_count_as_asked() {
    // An undithered tone of 8 bits: what it makes of harmonics beyond half the rate folds.
    let cycles = 1_001.0 / 48_000.0;
    let x: Vec<f64> = tone(48_000, cycles, 0.9, 0.0).iter().map(|x| (x * 128.0).round() / 128.0).collect();
    let of = |highest_harmonic, aliased| figures(&x, Settings { highest_harmonic, aliased, ..Settings::default() });
    let (few, all) = (of(6, Aliased::Folded), of(MAX_HARMONIC, Aliased::Folded));
    let in_band = of(MAX_HARMONIC, Aliased::Noise);
    let snr = |figures: &ToneFigures| figures.snr_db.expect("a tone");
    assert!(snr(&all) > snr(&in_band) && snr(&in_band) > snr(&few), "{} {} {}", snr(&all), snr(&in_band), snr(&few));
    // Both halves of the same: SINAD does not depend on what the harmonics are called.
    let sinad = |figures: &ToneFigures| figures.sinad_db.expect("a tone");
    assert!((sinad(&all) - sinad(&few)).abs() < 0.02 && (sinad(&in_band) - sinad(&few)).abs() < 0.02);
    assert!(in_band.warnings().is_empty() && in_band.harmonics.iter().any(|h| h.hidden == Some(Hidden::Noise)));
}

#[test]
fn music_has_no_tone_figures() {
    // Decaying notes of some inharmonic partials, one of them the largest by far.
    let note = |at: usize, f: f64, level: f64| {
        move |i: usize| {
            if i < at {
                0.0
            } else {
                level * (-((i - at) as f64) / 9_000.0).exp() * (TAU * (f * i as f64).fract()).sin()
            }
        }
    };
    let notes = [
        note(0, 0.0100, 0.5),
        note(9_000, 0.0168, 0.2),
        note(20_000, 0.0267, 0.2),
        note(30_000, 0.0412, 0.15),
        note(4_000, 0.0571, 0.2),
    ];
    let x: Vec<f64> = (0..48_000).map(|i| notes.iter().map(|note| note(i)).sum()).collect();
    let why = figures(&x, Settings::default()).snr_db.expect_err("music");
    let is_said = matches!(why, Absent::SeveralTones { .. } | Absent::NotOneTone { .. } | Absent::UnsteadyTone { .. });
    assert!(is_said, "{why}");
    // A tone 10 dB under white noise is one all the same.
    let x = tone(48_000, 0.123_4, 0.1, 0.1 * (10.0f64 * 1.5).sqrt());
    let snr = figures(&x, Settings::default()).snr_db.expect("a tone in noise");
    assert!((snr + 10.0).abs() < 0.5, "{snr}");
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
