//! Every kind of bad input: a typed, named outcome; the other figures still given; never a number without meaning.

use sqnr::{
    Signal,
    analysis::{
        Absent, Entry, alignment, imd, jitter,
        level::LevelMeter,
        masking, npr, pair, sine_fit,
        tone::{self, Method, Settings, ToneFigures},
        weighting::{AES17_BAND_HZ, Weighting, dynamic_range_db},
    },
};
use std::f64::consts::TAU;

const RATE: f64 = 48_000.0;

fn sine(n: usize, cycles: f64, amplitude: f64) -> Vec<f64> {
    (0..n).map(|i| amplitude * (TAU * (cycles * i as f64).fract() + 0.4).sin()).collect()
}

fn noise(n: usize, amplitude: f64) -> Vec<f64> {
    let mut state = 3u64;
    let mut next = || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    };
    (0..n).map(|_| amplitude * next()).collect()
}

fn sum(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a + b).collect()
}

fn tone_of(x: &[f64]) -> ToneFigures {
    tone::analyse(x, RATE, &Settings::default()).expect("legal settings").figures
}

fn why(x: &[f64]) -> Absent {
    tone_of(x).sinad_db.expect_err("no tone to measure")
}

/// Every figure that exists is a finite number, by every method; JSON has no NaN as it has no such number.
fn assert_finite(x: &[f64]) {
    let mut entries: Vec<Entry> = Vec::new();
    for method in ["fit", "genalyzer:hann", "matlab"] {
        let method: Method = method.parse().expect("known");
        let settings = Settings { method, ..Settings::default() };
        entries.extend(tone::analyse(x, RATE, &settings).expect("legal settings").figures.entries());
    }
    entries.extend(imd::analyse(x, RATE, None).expect("legal").entries());
    entries.extend(npr::analyse(x, RATE, None).expect("legal").entries());
    let mut meter = LevelMeter::new(RATE).expect("legal");
    meter.push(x);
    entries.extend(meter.figures().entries());
    let reversed: Vec<f64> = x.iter().rev().copied().collect();
    entries.extend(pair::compare(x, &reversed, RATE).expect("equally long").entries());
    let masking = masking::noise_to_mask(x, &reversed, RATE).expect("equally long");
    let figures = entries.iter().map(|entry| entry.figure).chain([masking.nmr_db]);
    let figures = figures.chain(masking.bands.iter().flat_map(|band| [band.nmr_db, band.snr_db]));
    let figures = figures.chain([dynamic_range_db(x, RATE, Weighting::A, AES17_BAND_HZ)]);
    for (i, figure) in figures.enumerate() {
        assert!(figure.is_err() || figure.is_ok_and(f64::is_finite), "figure {i}: {figure:?}");
    }
}

#[test]
fn silence_and_dc() {
    for n in [16, 1_000, 48_000] {
        assert_eq!((why(&vec![0.0; n]), why(&vec![0.25; n])), (Absent::Silence, Absent::DcOnly));
        assert_finite(&vec![0.0; n]);
        assert_finite(&vec![0.25; n]);
    }
    let mut meter = LevelMeter::new(RATE).expect("legal");
    meter.push(&[0.25; 48_000]);
    assert_eq!(meter.figures().dc, Ok(0.25), "the other figures are given");
}

#[test]
fn samples_that_are_not_finite() {
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300] {
        let mut x = sine(9_600, 0.02, 0.5);
        x[17] = bad;
        x[4_711] = bad;
        assert_eq!(why(&x), Absent::NotFinite { n_samples: 2 });
        assert_finite(&x);
        let mut meter = LevelMeter::new(RATE).expect("legal");
        meter.push(&x);
        let got = meter.figures();
        assert_eq!(got.n_not_finite, 2);
        assert!((got.peak_dbfs.expect("the rest is measured") + 6.02).abs() < 0.01);
    }
}

#[test]
fn fewer_than_16_samples() {
    for n in 0..16 {
        let x = sine(n, 0.2, 0.5);
        assert_eq!(why(&x), Absent::TooShort { n_samples: n, needed: 16 });
        assert_finite(&x);
        assert!(sine_fit::fit(&x, 0.2).is_err() && jitter::estimate(&x, RATE, 9_600.0).is_err());
    }
    assert!(tone_of(&sine(16, 0.2, 0.5)).level_dbfs.is_ok());
}

#[test]
fn no_tone_above_the_floor() {
    for n in [64, 300, 4_096, 100_000] {
        let x = noise(n, 0.1);
        // The largest of few lines may lie below two periods: that is said first.
        let named = matches!(why(&x), Absent::NoTone { .. });
        assert!(named || n < 1_000 && matches!(why(&x), Absent::TooFewPeriods { .. }), "{n}: {:?}", why(&x));
        assert_finite(&x);
    }
    let text = why(&noise(48_000, 0.1)).to_string();
    assert!(text.starts_with("no tone found: the largest line is ") && text.ends_with(" dB above the floor"), "{text}");
}

#[test]
fn a_tone_under_the_lobe_of_dc_and_fewer_than_two_periods() {
    // Under the lobe of DC: with a large offset, 1.2 periods; without one as well.
    for dc in [0.0, 0.7] {
        for periods in [0.3, 1.2, 1.7] {
            let n = 10_000;
            let x: Vec<f64> = sine(n, periods / n as f64, 0.2).iter().map(|x| x + dc).collect();
            assert!(matches!(why(&x), Absent::TooFewPeriods { .. }), "{dc} {periods}: {:?}", tone_of(&x).sinad_db);
            assert_finite(&x);
        }
    }
    // A tone of 40 periods beside an offset a hundred times as large is measured all the same.
    let x: Vec<f64> = sum(&sine(10_000, 0.004, 0.005), &noise(10_000, 1e-5)).iter().map(|x| x + 0.5).collect();
    assert!((tone_of(&x).level_dbfs.expect("a tone") - 20.0 * 0.005f64.log10()).abs() < 0.01);
}

#[test]
fn two_equal_tones() {
    let x = sum(&sine(9_600, 0.021_3, 0.4), &sine(9_600, 0.071_7, 0.4));
    let Absent::SeveralTones { difference_db } = why(&x) else { panic!("{:?}", tone_of(&x).sinad_db) };
    assert!(difference_db.abs() < 0.5);
    assert!(imd::analyse(&x, RATE, None).expect("legal").levels_dbfs[0].is_ok(), "intermodulation is given instead");
    // Two lines of something louder are no two-tone signal.
    let music = sum(&x.iter().map(|x| 0.1 * x).collect::<Vec<f64>>(), &noise(9_600, 0.3));
    let needs = "two tones that hold more power than all the rest";
    assert_eq!(imd::analyse(&music, RATE, None).expect("legal").imd3_dbc, Err(Absent::NotApplicable { needs }));
    assert_finite(&x);
}

#[test]
fn clipped() {
    let x: Vec<f64> = sine(9_600, 997.0 / RATE, 2.0).iter().map(|x| x.clamp(-1.0, 1.0)).collect();
    let got = tone_of(&x);
    // 20 log10 of the ninth parts and so on: far from pure, and measured.
    assert!((10.0..16.0).contains(&got.sinad_db.expect("a tone")), "{:?}", got.sinad_db);
    let mut meter = LevelMeter::new(RATE).expect("legal");
    meter.push(&x);
    assert!(meter.figures().n_clipped > 3_000, "clipped runs are counted");
    assert_finite(&x);
}

#[test]
fn pairs_without_overlap_or_of_other_length() {
    let (x, y) = (noise(9_600, 0.3), sine(9_600, 0.01, 0.3));
    let path = |x: &[f64], y: &[f64]| {
        let [x, y] = [x, y].map(|x| Signal::new(48_000, vec![x.to_vec()]).expect("legal"));
        alignment::Pair::read(&x, &y, RATE).and_then(|pair| pair.path()).expect("in memory")
    };
    assert_eq!(path(&x, &y).expect_err("nothing in common"), Absent::NoOverlap);
    // Their ends touch: fewer samples in common than are compared.
    let long = noise(20_000, 0.3);
    assert!(path(&long[..10_000], &long[9_990..]).is_err());
    assert!(pair::compare(&x, &y[1..], RATE).is_err(), "a wrong call, not a figure");
    let apart = pair::compare(&[0.0; 4_096], &x[..4_096], RATE).expect("legal");
    assert_eq!(apart.snr_db, Err(Absent::Silence));
    assert!(apart.max_error.is_ok(), "the other figures are given");
}
