//! Each reason why a figure is absent, with an input of which it is true.

use std::f64::consts::TAU;

use super::{
    Absent,
    error_statistics::{self, ErrorStatistics},
    imd,
    level::bits_used,
    linearity::{CodeHistogram, FewSamples, Stimulus, Visits, analyse_visits},
    pair,
    tone::{self, Hidden, Settings, ToneFigures},
};

const RATE: f64 = 48_000.0;
const N: usize = 4_096;

fn sine(cycles: f64, amplitude: f64) -> Vec<f64> {
    (0..N).map(|i| amplitude * (TAU * (cycles * i as f64).fract() + 0.4).sin()).collect()
}

fn noise(amplitude: f64) -> Vec<f64> {
    let mut state = 3u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    };
    (0..N).map(|_| amplitude * next()).collect()
}

fn sum(parts: &[Vec<f64>]) -> Vec<f64> {
    (0..N).map(|i| parts.iter().map(|part| part[i]).sum()).collect()
}

fn figures(x: &[f64], settings: Settings) -> ToneFigures {
    tone::analyse(x, RATE, &settings).expect("legal").figures
}

fn of_tone(x: &[f64]) -> Absent {
    figures(x, Settings::default()).snr_db.expect_err("no tone figures")
}

/// Why DNL is absent of a sine that meets ten values of a converter of 8 bits.
fn of_ten_phases() -> Absent {
    let x: Vec<f64> = sine(0.1, 1.1).iter().map(|x| (128.0 * x).round().clamp(-128.0, 127.0) / 128.0).collect();
    let mut histogram = CodeHistogram::new(256).expect("legal");
    histogram.push(&x);
    let stimulus = Stimulus::Sine { amplitude_lsb: None };
    analyse_visits(&histogram, stimulus, &Visits::of_sine(&x, 256), FewSamples::Refuse).expect_err("ten phases")
}

/// Why there is no tone of two periods and a little in an offset that dies away.
fn beside_the_tone() -> Absent {
    let x: Vec<f64> = (0..N).map(|i| (-3.0 * i as f64 / N as f64).exp()).collect();
    let frequency_hz = Some(2.3 / N as f64 * RATE);
    figures(&x, Settings { frequency_hz, ..Settings::default() }).snr_db.expect_err("there is no tone")
}

/// Why there are no products of two tones a line apart.
fn of_close_pair() -> Absent {
    let x = sum(&[sine(0.1, 0.4), sine(0.1 + 1.2 / N as f64, 0.4), noise(1e-4)]);
    imd::analyse(&x, RATE, None).expect("legal").imd3_dbc.expect_err("one line apart")
}

fn of_many_indices() -> Absent {
    let settings = error_statistics::Settings { indices: Some(0..=i32::MAX), ..Default::default() };
    let mut statistics = ErrorStatistics::new(settings).expect("legal");
    statistics.push(&[0.5], &[0.25]);
    statistics.push_indices(&(0..1 << 21).collect::<Vec<i32>>());
    statistics.figures().entropy_bits.expect_err("more than are counted")
}

fn of_equal_pair() -> Absent {
    let mut statistics = ErrorStatistics::new(error_statistics::Settings::default()).expect("legal");
    statistics.push(&[0.5; 100], &[0.5; 100]);
    statistics.figures().snr_db.expect_err("no error")
}

/// Below the gate of a loudness; without the feature the reason has no other source.
fn of_quiet_programme() -> Absent {
    #[cfg(feature = "loudness")]
    {
        let mut meter = super::loudness::LoudnessMeter::new(1, 48_000).expect("legal");
        (0..20).for_each(|_| meter.push(&[&sine(0.02, 1e-5)]).expect("equal lengths"));
        meter.figures().loudness_lufs.expect_err("below the gate")
    }
    #[cfg(not(feature = "loudness"))]
    Absent::BelowGate
}

/// An input of which the reason is true, and what is said of it.
fn example(kind: &Absent) -> (Absent, &'static str) {
    let decaying: Vec<f64> =
        sine(0.1, 0.5).iter().enumerate().map(|(i, x)| x * (-(i as f64) / 4_000.0).exp()).collect();
    let partials = (0..12).map(|k| sine(0.031_7 + 0.027_3 * f64::from(k), 0.2)).chain([sine(0.01, 0.45)]);
    let mut two_bad = sine(0.1, 0.5);
    (two_bad[5], two_bad[6]) = (f64::NAN, f64::INFINITY);
    match kind {
        Absent::TooShort { .. } => (of_tone(&sine(0.2, 0.5)[..15]), "15 samples; at least 16 are needed"),
        Absent::TooFewPhases { .. } => (of_ten_phases(), "meets only 10 phases"),
        Absent::Silence => (of_tone(&[0.0; N]), "every sample is zero"),
        Absent::DcOnly => (of_tone(&[0.3; N]), "nothing but DC"),
        Absent::NotFinite { .. } => (of_tone(&two_bad), "2 samples are not finite"),
        Absent::NoTone { .. } => (of_tone(&noise(0.1)), "no tone found"),
        Absent::TooFewPeriods { .. } => (of_tone(&sine(1.2 / N as f64, 0.5)), "at least 2 are needed"),
        Absent::NearHalfRate { .. } => (of_tone(&sine(0.5 - 0.7 / N as f64, 0.5)), "lines from half the rate"),
        Absent::FitLost { .. } => (beside_the_tone(), "the fit left that frequency"),
        Absent::UnsteadyTone { .. } => (of_tone(&decaying), "not steady"),
        Absent::NotOneTone { .. } => (of_tone(&sum(&partials.collect::<Vec<_>>())), "no signal of one tone"),
        Absent::HarmonicHidden { .. } => {
            let x = sum(&[sine(0.25, 0.5), noise(1e-4)]);
            let got = figures(&x, Settings::default());
            let hidden = |h: &&tone::Harmonic| h.hidden == Some(Hidden::Tone);
            assert_eq!(got.harmonics.iter().find(hidden).map(|h| h.order), Some(3));
            (got.thd_db.expect_err("none is told apart"), "harmonic 3 falls on the tone")
        }
        Absent::TonesTooClose { .. } => (of_close_pair(), "lines apart"),
        Absent::SeveralTones { .. } => (of_tone(&sum(&[sine(0.1, 0.5), sine(0.17, 0.4)])), "several tones"),
        Absent::BelowGate => (of_quiet_programme(), "-70 LUFS"),
        Absent::NoError => (of_equal_pair(), "the error is zero"),
        Absent::NothingThere => (of_tone(&sine(0.1, 0.5)), "nothing above the resolution"),
        Absent::AlphabetTooLarge { .. } => (of_many_indices(), "more than 1048576 different indices"),
        Absent::NoOverlap => {
            let apart = pair::compare(&[1.0, 0.0, -1.0, 0.0], &[0.0, 1.0, 0.0, -1.0], RATE).expect("equally long");
            (apart.polarity.expect_err("orthogonal"), "nothing in common")
        }
        Absent::NotApplicable { .. } => (bits_used(&[0.1]).expect_err("no codes"), "needs fixed-point samples"),
    }
}

#[test]
fn every_reason_is_true_of_an_input() {
    let kinds = [
        Absent::TooShort { n_samples: 0, needed: 0 },
        Absent::TooFewPhases { n_phases: 0, needed: 0 },
        Absent::Silence,
        Absent::DcOnly,
        Absent::NotFinite { n_samples: 0 },
        Absent::NoTone { margin_db: 0.0 },
        Absent::TooFewPeriods { periods: 0.0 },
        Absent::NearHalfRate { lines: 0.0, needed: 0.0 },
        Absent::FitLost { cycles_per_sample: 0.0 },
        Absent::UnsteadyTone { change_db: 0.0 },
        Absent::NotOneTone { share: 0.0 },
        Absent::HarmonicHidden { order: 0, hidden: Hidden::Dc },
        Absent::TonesTooClose { lines: 0.0 },
        Absent::SeveralTones { difference_db: 0.0 },
        Absent::BelowGate,
        Absent::NoError,
        Absent::NothingThere,
        Absent::AlphabetTooLarge { limit: 0 },
        Absent::NoOverlap,
        Absent::NotApplicable { needs: "" },
    ];
    for kind in kinds {
        let (why, said) = example(&kind);
        assert_eq!(std::mem::discriminant(&why), std::mem::discriminant(&kind), "{kind:?}: {why:?}");
        assert!(why.to_string().contains(said), "{kind:?}: {why}");
    }
}
