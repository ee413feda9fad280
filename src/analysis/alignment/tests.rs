//! The table: what is put between two records is found, to the sample and beyond.

use super::*;
use crate::{Signal, parallel};

/// Fixed noise of low pitch at any time: a spline of the fifth degree over random values at every fourth sample. Its
/// spectrum falls by 36 dB an octave: nothing to speak of lies where an interpolator ends.
fn noise_at(t: f64, seed: u64) -> f64 {
    let u = t / 4.0;
    let first = u.floor() - 2.0;
    (0..6).map(|i| first + f64::from(i)).map(|k| hashed(k as i64, seed) * quintic((u - k).abs())).sum()
}

/// The basis spline of the fifth degree around 0.
fn quintic(u: f64) -> f64 {
    let part = |edge: f64, weight: f64| if u < edge { weight * (edge - u).powi(5) / 120.0 } else { 0.0 };
    part(3.0, 1.0) + part(2.0, -6.0) + part(1.0, 15.0)
}

/// Between -0.5 and 0.5, louder and quieter from stretch to stretch as music is.
fn hashed(k: i64, seed: u64) -> f64 {
    let mixed = |k: u64| {
        let z = (k ^ seed).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let z = (z ^ (z >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        ((z ^ (z >> 32)) >> 11) as f64 / (1u64 << 53) as f64
    };
    (mixed(k as u64) - 0.5) * (0.3 + 0.7 * mixed((k.div_euclid(200) as u64) << 40))
}

fn record(n: usize, seed: u64, time: impl Fn(f64) -> f64) -> Vec<f64> {
    (0..n).map(|i| noise_at(time(i as f64), seed)).collect()
}

fn signal(channels: Vec<Vec<f64>>) -> Signal {
    Signal::new(8_000, channels).expect("legal")
}

fn path(x: &Signal, y: &Signal) -> Path {
    Pair::read(x, y, 8_000.0).expect("in memory").path().expect("in memory").expect("alike")
}

/// SNR in dB along the path, after the best gain.
fn snr_db(x: &Signal, y: &Signal, path: &Path) -> f64 {
    let (mut xx, mut yy, mut xy) = (0.0, 0.0, 0.0);
    follow(path, (x, y), |_, x, y| {
        for (x, y) in x.iter().flatten().zip(y.iter().flatten()) {
            (xx, yy, xy) = (xx + x * x, yy + y * y, xy + x * y);
        }
        Ok(())
    })
    .expect("in memory");
    10.0 * (xy * xy / xx / (yy - xy * xy / xx).max(1e-15 * yy)).log10()
}

/// One row: what the test is made of, and what must be found.
struct Row {
    name: String,
    x: Signal,
    y: Signal,
    delay: f64,
    drift_ppm: f64,
    gaps: Vec<Gap>,
    least_snr_db: f64,
}

impl Row {
    fn new(name: impl Into<String>, x: Vec<f64>, y: Vec<f64>) -> Self {
        let name = name.into();
        let (x, y) = (signal(vec![x]), signal(vec![y]));
        Self { name, x, y, delay: 0.0, drift_ppm: 0.0, gaps: Vec::new(), least_snr_db: 120.0 }
    }

    /// What is wrong with what is found; empty when nothing is.
    fn faults(&self) -> Vec<String> {
        let found = path(&self.x, &self.y);
        let drift_ppm = match &found.course {
            Course::Whole(_) => 0.0,
            Course::Line { drift, .. } => 1e6 * drift,
            Course::Curve(_) => f64::NAN,
        };
        let snr_db = snr_db(&self.x, &self.y, &found);
        let delay = found.course.delay_at(0.0);
        let end = found.pieces.last().map_or(0, |piece| piece.end);
        let inner: Vec<Gap> = found.gaps.iter().filter(|gap| gap.at > 0 && gap.at < end).copied().collect();
        // On a drifting clock both sides of a seam are interpolated, and a sample or two differ little.
        let at_most = if self.drift_ppm == 0.0 { 0 } else { 2 };
        let is_same =
            |(a, b): (&Gap, &Gap)| a.kind == b.kind && a.n_samples == b.n_samples && a.at.abs_diff(b.at) <= at_most;
        let gaps_agree = inner.len() == self.gaps.len() && inner.iter().zip(&self.gaps).all(is_same);
        let checks = [
            ((delay - self.delay).abs() < 0.01, format!("delay {delay} for {}", self.delay)),
            ((drift_ppm - self.drift_ppm).abs() < 0.1, format!("drift {drift_ppm} for {}", self.drift_ppm)),
            (gaps_agree, format!("gaps {inner:?} for {:?}", self.gaps)),
            (snr_db > self.least_snr_db, format!("SNR {snr_db} dB")),
        ];
        checks.iter().filter(|(holds, _)| !holds).map(|(_, what)| format!("{}: {what}", self.name)).collect()
    }
}

fn check(rows: &[Row], least: usize) {
    let faults: Vec<String> = parallel::map(rows, Row::faults).concat();
    assert!(faults.is_empty(), "{} of {} rows:\n{}", faults.len(), rows.len(), faults.join("\n"));
    assert!(rows.len() >= least, "{} rows", rows.len());
}

fn late(x: &[f64], delay: i64) -> Vec<f64> {
    match usize::try_from(delay) {
        Ok(n) => [vec![0.0; n], x.to_vec()].concat(),
        Err(_) => x[delay.unsigned_abs() as usize..].to_vec(),
    }
}

/// 60 rows: whole delays both ways, inverted every second time.
#[test]
fn whole_delays_of_any_size() {
    let x = record(40_000, 1, |t| t);
    let delays = (-30..30i64).map(|k| k * k * k + 7 * k + i64::from(k % 3 == 0));
    let row = |delay: i64| {
        let sign = if delay % 2 == 0 { 1.0 } else { -0.5 };
        let y = late(&x, delay).iter().map(|v| sign * v).collect();
        Row { delay: delay as f64, ..Row::new(format!("{delay} late"), x.clone(), y) }
    };
    check(&delays.map(row).collect::<Vec<_>>(), 60);
}

/// Half an hour at 8 kHz is 14.4 million samples; the search looks at levels, so that the silence costs little.
#[test]
fn offsets_to_half_an_hour() {
    let x = record(60_000, 2, |t| t);
    let row = |delay: i64| Row { delay: delay as f64, ..Row::new(format!("{delay} late"), x.clone(), late(&x, delay)) };
    check(&[1 << 20, (1 << 20) + 12_345, 5_000_000, 14_400_000].map(row), 4);
    // And the other way round: the test begins late in the reference.
    let long = late(&x, 3_000_001);
    check(&[Row { delay: -3_000_001.0, ..Row::new("early", long, x) }], 1);
}

/// 48 rows: parts of a sample.
#[test]
fn parts_of_a_sample() {
    let x = record(20_000, 3, |t| t);
    let row = |k: i32| {
        let delay = f64::from(k) * 0.125 + f64::from(k / 5);
        let y = record(20_000, 3, |t| t - delay).iter().map(|v| if k % 3 == 0 { -v } else { 0.7 * v }).collect();
        let least_snr_db = 100.0;
        Row { delay, least_snr_db, ..Row::new(format!("{delay} late"), x.clone(), y) }
    };
    check(&(-24..24).filter(|k| k % 8 != 0).chain([4, 12, -4, -12, 20, -20]).map(row).collect::<Vec<_>>(), 48);
}

/// 40 rows: clocks up to 1000 ppm apart, with a delay.
#[test]
fn drifting_clocks() {
    let x = record(40_000, 4, |t| t);
    let row = |k: i32| {
        let drift_ppm = f64::from(k.signum()) * 10f64.powf(f64::from(k.abs()) * 0.15);
        let delay = f64::from(k) * 3.3;
        let time = |t: f64| (t - delay) / (1.0 + 1e-6 * drift_ppm);
        let y = record(40_000, 4, time);
        Row { delay, drift_ppm, least_snr_db: 90.0, ..Row::new(format!("{drift_ppm} ppm"), x.clone(), y) }
    };
    check(&(-20..=20).filter(|k| *k != 0).map(row).collect::<Vec<_>>(), 40);
}

/// 60 rows: lost, inserted, repeated samples from 3 to 30,000, on a straight and on a drifting clock.
#[test]
fn lost_and_inserted_samples() {
    let n = 80_000;
    let x = record(n, 5, |t| t);
    let row = |k: usize| {
        let size = [3, 10, 32, 64, 100, 441, 1_000, 3_000, 10_000, 30_000][k % 10];
        let (at, drift) = (24_000 + 311 * k, if k % 4 == 3 { 50e-6 } else { 0.0 });
        let source = if drift == 0.0 { x.clone() } else { record(n, 5, |t| t / (1.0 + drift)) };
        // Where sample `at` of the reference lies in the test.
        let cut = (at as f64 * (1.0 + drift)).round() as usize;
        let (kind, y) = match k % 3 {
            0 => (GapKind::Lost, [&source[..cut], &source[cut + size..]].concat()),
            1 => (GapKind::Inserted, [&source[..cut], &record(size, 77, |t| t), &source[cut..]].concat()),
            _ if size > cut || drift > 0.0 => {
                (GapKind::Inserted, [&source[..cut], &vec![0.0; size], &source[cut..]].concat())
            }
            _ => (GapKind::Repeated, [&source[..cut], &source[cut - size..cut], &source[cut..]].concat()),
        };
        let gap = Gap { at: at as u64, n_samples: size as u64, kind };
        let least_snr_db = if drift == 0.0 { 120.0 } else { 60.0 };
        let row = Row::new(format!("{kind:?} {size} at {at}, drift {drift}"), x.clone(), y);
        Row { gaps: vec![gap], drift_ppm: 1e6 * drift, least_snr_db, ..row }
    };
    check(&(0..60).map(row).collect::<Vec<_>>(), 60);
}

#[test]
fn channels_inverted_late_louder_and_swapped_are_told_apart() {
    let n = 40_000;
    let [a, b] = [11, 12].map(|seed| record(n, seed, |t| t));
    let x = signal(vec![a.clone(), b.clone()]);
    let found = |y: Vec<Vec<f64>>| {
        let y = signal(y);
        let pair = Pair::read(&x, &y, 8_000.0).expect("in memory");
        let path = pair.path().expect("in memory").expect("alike");
        matches(&pair, &path).expect("in memory")
    };
    let scaled = |x: &[f64], gain: f64| x.iter().map(|x| gain * x).collect::<Vec<f64>>();
    for (gain, delay) in [(-1.0, 0), (1.0, 96), (0.5, 0), (-2.0, 7)] {
        let second = late(&scaled(&b, gain), delay)[..n].to_vec();
        let [first, second] = found(vec![a.clone(), second]).try_into().expect("two");
        assert!((first.gain.expect("known") - 1.0).abs() < 1e-6, "{first:?}");
        assert_eq!((first.partner, second.partner), (0, 1));
        // The file's delay may be that of either.
        let between = second.delay_samples.expect("known") - first.delay_samples.expect("known");
        assert!((between - delay as f64).abs() < 1e-3, "{first:?} {second:?}");
        assert!((second.gain.expect("known") - gain).abs() < 1e-6 * gain.abs(), "{second:?}");
    }
    let swapped = found(vec![b, a]);
    assert_eq!(swapped.iter().map(|m| m.partner).collect::<Vec<_>>(), [1, 0]);
}

#[test]
fn a_clock_that_wanders_is_followed_and_its_residual_told() {
    let n = 160_000;
    let x = record(n, 6, |t| t);
    // Up to 30 ppm either way within 20 s.
    let wander = |t: f64| 2.0 + 0.6 * (t / 20_000.0).sin();
    let y = record(n, 6, |t| t - wander(t));
    let (x, y) = (signal(vec![x]), signal(vec![y]));
    let found = path(&x, &y);
    assert!(matches!(found.course, Course::Curve(_)), "{:?}", found.course);
    assert!((found.line.rms - 0.4).abs() < 0.1 && found.line.max < 1.0, "{:?}", found.line);
    let snr_db = snr_db(&x, &y, &found);
    assert!(snr_db > 75.0, "{snr_db}");
}

#[test]
fn noise_alone_moves_nothing() {
    let x = record(40_000, 7, |t| t);
    for steps in [4.0, 8.0, 128.0] {
        let y: Vec<f64> = x.iter().map(|v| (v * steps).round() / steps).collect();
        let found = path(&signal(vec![x.clone()]), &signal(vec![y]));
        assert_eq!((found.course, found.gaps.len()), (Course::Whole(0), 0), "{steps}");
    }
}

#[test]
fn parts_of_a_sample_are_found_in_loud_noise() {
    let x = record(80_000, 8, |t| t);
    let noise = record(80_000, 9, |t| 4.0 * t);
    for (delay, drift) in [(0.5, 0.0), (-3.3, 0.0), (0.0, 20e-6)] {
        let y: Vec<f64> =
            record(80_000, 8, |t| (t - delay) / (1.0 + drift)).iter().zip(&noise).map(|(y, e)| y + 0.3 * e).collect();
        let found = path(&signal(vec![x.clone()]), &signal(vec![y]));
        let at = |t: f64| (found.course.delay_at(t) - delay - drift * t).abs();
        assert!(at(0.0) < 0.03 && at(80_000.0) < 0.03, "{delay} {drift}: {:?}", found.course);
        assert!(found.pieces.len() == 1, "{:?}", found.gaps);
    }
}

#[test]
fn what_cannot_be_aligned_says_why() {
    let x = record(5_000, 1, |t| t);
    let why = |x: &[f64], y: &[f64]| {
        let (x, y) = (signal(vec![x.to_vec()]), signal(vec![y.to_vec()]));
        Pair::read(&x, &y, 8_000.0).expect("in memory").path().expect("in memory").expect_err("nothing")
    };
    assert_eq!(why(&x, &[0.0; 5_000]), Absent::Silence);
    assert_eq!(why(&x[..10], &x), Absent::TooShort { n_samples: 10, needed: 64 });
    assert_eq!(why(&x, &[f64::NAN; 100]), Absent::NotFinite { n_samples: 100 });
    assert_eq!(why(&x, &record(5_000, 2, |t| 4.0 * t)), Absent::NoOverlap);
}
