//! The synthetic cases of EBU Tech 3341 and 3342, against the values that the algorithm of ITU-R BS.1770 gives for them.
//!
//! The documents name round values with a tolerance of 0.1 LU; a level change inside a gating block moves the ideal by
//! some hundredths, so that the ideal is computed here: each 100 ms has the power of its tone through the K-weighting at
//! 1 kHz; blocks, gates and percentiles are then plain sums. Cases made of programme material are not synthetic.

use std::f64::consts::{PI, TAU};

use sqnr::analysis::{
    level::LevelMeter,
    loudness::{LoudnessFigures, LoudnessMeter},
};

const RATE: u32 = 48_000;
/// Samples of 20 ms, the grid of the documents' lengths: twenty periods of 1 kHz.
const UNIT: usize = 960;
/// Units of the 100 ms by which gating blocks move.
const UNITS_PER_STEP: usize = 5;

/// A part of a signal: its length, and the level of each channel, dBFS of the sine's peak.
struct Part {
    n_units: usize,
    levels: Vec<f64>,
}

fn stereo(pieces: &[(f64, f64)]) -> Vec<Part> {
    pieces.iter().map(|&(level, s)| Part { n_units: (s * 50.0).round() as usize, levels: vec![level; 2] }).collect()
}

/// Power gain of both K-weighting filters at 1 kHz, from their coefficients at 48 kHz (BS.1770-5, tables 1 and 2).
fn k_weighting() -> f64 {
    let w = TAU * 1_000.0 / 48_000.0;
    let power = |b: [f64; 3], a: [f64; 3]| {
        let part = |c: [f64; 3]| {
            let re = c[0] + c[1] * w.cos() + c[2] * (2.0 * w).cos();
            let im = c[1] * w.sin() + c[2] * (2.0 * w).sin();
            re * re + im * im
        };
        part(b) / part(a)
    };
    let shelf =
        power([1.53512485958697, -2.69169618940638, 1.19839281085285], [1.0, -1.69065929318241, 0.73248077421585]);
    shelf * power([1.0, -2.0, 1.0], [1.0, -1.99004745483398, 0.99007225036621])
}

fn measure(parts: &[Part]) -> LoudnessFigures {
    let n_channels = parts[0].levels.len();
    let mut meter = LoudnessMeter::new(n_channels as u32, RATE).expect("legal");
    let mut n = 0usize;
    for part in parts {
        for _ in 0..part.n_units {
            let channel = |level: &f64| -> Vec<f64> {
                let amplitude = 10f64.powf(level / 20.0);
                (n..n + UNIT).map(|i| amplitude * (TAU * (i % 48) as f64 / 48.0).sin()).collect()
            };
            let block: Vec<Vec<f64>> = part.levels.iter().map(channel).collect();
            let slices: Vec<&[f64]> = block.iter().map(Vec::as_slice).collect();
            meter.push(&slices).expect("equal lengths");
            n += UNIT;
        }
    }
    meter.figures()
}

/// Weighted power of each 100 ms. Of six channels, L R C LFE Ls Rs, the LFE does not count and the rear ones 1.41 times.
fn step_powers(parts: &[Part]) -> Vec<f64> {
    const WEIGHTS: [f64; 6] = [1.0, 1.0, 1.0, 0.0, 1.41, 1.41];
    let gain = k_weighting();
    let of = |part: &Part| -> f64 {
        part.levels.iter().zip(WEIGHTS).map(|(level, weight)| weight * gain * 0.5 * 10f64.powf(level / 10.0)).sum()
    };
    let units: Vec<f64> = parts.iter().flat_map(|part| vec![of(part); part.n_units]).collect();
    units.chunks_exact(UNITS_PER_STEP).map(|u| u.iter().sum::<f64>() / UNITS_PER_STEP as f64).collect()
}

fn lufs(power: f64) -> f64 {
    -0.691 + 10.0 * power.log10()
}

fn means(powers: &[f64], steps: usize) -> Vec<f64> {
    powers.windows(steps).map(|w| w.iter().sum::<f64>() / steps as f64).collect()
}

/// Mean of the blocks above -70 LUFS, less `below` LU for the gate.
fn gated(blocks: &[f64], below: f64) -> Vec<f64> {
    let absolute: Vec<f64> = blocks.iter().copied().filter(|b| lufs(*b) >= -70.0).collect();
    let gate = lufs(absolute.iter().sum::<f64>() / absolute.len() as f64) - below;
    absolute.into_iter().filter(|b| lufs(*b) >= gate).collect()
}

fn ideal_integrated(parts: &[Part]) -> f64 {
    let kept = gated(&means(&step_powers(parts), 4), 10.0);
    lufs(kept.iter().sum::<f64>() / kept.len() as f64)
}

fn close(what: &str, got: f64, want: f64) {
    println!("{what}: {got:.4}, ideal {want:.4}, deviation {:.1e} LU", (got - want).abs());
    assert!((got - want).abs() <= 0.01, "{what}: {got} {want}");
}

#[test]
fn integrated_loudness_of_tech_3341() {
    let surround = |left: f64, centre: f64, rear: f64| Part {
        n_units: 1_000,
        levels: vec![left, left, centre, -400.0, rear, rear],
    };
    for (case, parts, nominal) in [
        (1, stereo(&[(-23.0, 20.0)]), -23.0),
        (2, stereo(&[(-33.0, 20.0)]), -33.0),
        (3, stereo(&[(-36.0, 10.0), (-23.0, 60.0), (-36.0, 10.0)]), -23.0),
        (4, stereo(&[(-72.0, 10.0), (-36.0, 10.0), (-23.0, 60.0), (-36.0, 10.0), (-72.0, 10.0)]), -23.0),
        (5, stereo(&[(-26.0, 20.0), (-20.0, 20.1), (-26.0, 20.0)]), -23.0),
        (6, vec![surround(-28.0, -24.0, -30.0)], -23.0),
    ] {
        let got = measure(&parts).loudness_lufs.expect("loud");
        close(&format!("Tech 3341 case {case}"), got, ideal_integrated(&parts));
        assert!((got - nominal).abs() <= 0.1, "case {case}: {got}");
    }
}

#[test]
fn momentary_and_short_term_of_tech_3341() {
    // Case 9: 1.34 s at -20 and 1.66 s at -30 dBFS, five times; any 3 s hold -23.0 LUFS.
    let pattern: Vec<(f64, f64)> = (0..5).flat_map(|_| [(-20.0, 1.34), (-30.0, 1.66)]).collect();
    let parts = stereo(&pattern);
    let want = means(&step_powers(&parts), 30).into_iter().map(lufs).fold(f64::NEG_INFINITY, f64::max);
    close("Tech 3341 case 9, short-term", measure(&parts).short_term_max_lufs.expect("long"), want);
    // Case 12: 0.18 s at -20 and 0.22 s at -30 dBFS, twenty-five times; any 400 ms hold -23.0 LUFS.
    let pattern: Vec<(f64, f64)> = (0..25).flat_map(|_| [(-20.0, 0.18), (-30.0, 0.22)]).collect();
    let parts = stereo(&pattern);
    let want = means(&step_powers(&parts), 4).into_iter().map(lufs).fold(f64::NEG_INFINITY, f64::max);
    close("Tech 3341 case 12, momentary", measure(&parts).momentary_max_lufs.expect("long"), want);
    // Cases 10 and 13: a tone of 3 s, or of 0.4 s, after silence: its whole length is one window, where it starts on
    // the grid of 100 ms.
    for steps_of_silence in [1, 7, 19] {
        let silence = |seconds: f64| (-400.0, seconds);
        let before = steps_of_silence as f64 / 10.0;
        let parts = stereo(&[silence(before), (-23.0, 3.0), silence(1.0)]);
        let want = lufs(k_weighting() * 10f64.powf(-2.3));
        close("Tech 3341 case 10, short-term", measure(&parts).short_term_max_lufs.expect("long"), want);
        let parts = stereo(&[silence(before), (-23.0, 0.4), silence(1.0)]);
        close("Tech 3341 case 13, momentary", measure(&parts).momentary_max_lufs.expect("long"), want);
    }
}

#[test]
fn loudness_range_of_tech_3342() {
    for (case, pieces, want) in [
        (1, &[(-20.0, 20.0), (-30.0, 20.0)][..], 10.0),
        (2, &[(-20.0, 20.0), (-15.0, 20.0)], 5.0),
        (3, &[(-40.0, 20.0), (-20.0, 20.0)], 20.0),
        (4, &[(-50.0, 20.0), (-35.0, 20.0), (-20.0, 20.0), (-35.0, 20.0), (-50.0, 20.0)], 15.0),
    ] {
        let got = measure(&stereo(pieces)).loudness_range_lu.expect("long");
        close(&format!("Tech 3342 case {case}"), got, want);
    }
}

/// True peak of a record that fades in and out over 10 ms, against its nominal value: +0.2 and -0.4 dB are allowed.
fn check_true_peak(case: u32, x: &[f64], nominal: f64) {
    let n = x.len();
    let fade = |i: usize| (i.min(n - 1 - i) as f64 / 480.0).min(1.0);
    let mut meter = LevelMeter::new(48_000.0).expect("legal");
    meter.push(&x.iter().enumerate().map(|(i, x)| fade(i) * x).collect::<Vec<f64>>());
    let got = meter.figures().true_peak_dbtp.expect("loud");
    println!("Tech 3341 case {case}: {got:.3} dBTP, {nominal} nominal");
    assert!((nominal - 0.4..=nominal + 0.2).contains(&got), "case {case}: {got}");
}

#[test]
fn true_peak_of_tech_3341() {
    // Cases 15 to 19: a sine whose samples miss its peak.
    for (case, divisor, degrees, amplitude, nominal) in [
        (15, 4.0, 0.0, 0.5, -6.0),
        (16, 4.0, 45.0, 0.5, -6.0),
        (17, 6.0, 60.0, 0.5, -6.0),
        (18, 8.0, 67.5, 0.5, -6.0),
        (19, 4.0, 45.0, 1.41, 3.0),
    ] {
        let sample = |n: usize| amplitude * (TAU * n as f64 / divisor + degrees * PI / 180.0).sin();
        check_true_peak(case, &(0..48_000).map(sample).collect::<Vec<f64>>(), nominal);
    }
}

/// At four times the rate: a sixth of the rate with amplitude 1/2; in the middle, from one zero to the next, one period of
/// a quarter of the rate with amplitude 1.
fn burst_at_four_times_the_rate(n: usize) -> Vec<f64> {
    let middle = n / 48 * 24;
    let sample = |i: usize| match i.checked_sub(middle) {
        None => 0.5 * (TAU * i as f64 / 24.0).sin(),
        Some(i) if i < 16 => (TAU * i as f64 / 16.0).sin(),
        Some(i) => 0.5 * (TAU * (i - 16) as f64 / 24.0).sin(),
    };
    (0..n).map(sample).collect()
}

#[test]
fn true_peak_between_the_samples_of_a_burst_of_tech_3341() {
    // Cases 20 to 23: made at four times the rate, low-passed, and of four samples one kept, from the first, second,
    // third or fourth on.
    let burst = burst_at_four_times_the_rate(48_000);
    // Windowed sinc (Blackman) at half the rate: -6 dB there, flat to 0.47 and -75 dB from 0.53 of the rate.
    const HALF: isize = 192;
    let tap = |k: isize| {
        let u = (k + HALF) as f64 / (2 * HALF) as f64;
        let window = 0.42 - 0.5 * (TAU * u).cos() + 0.08 * (2.0 * TAU * u).cos();
        window * if k == 0 { 0.25 } else { (PI * k as f64 / 4.0).sin() / (PI * k as f64) }
    };
    let low_passed = |i: usize| -> f64 {
        let at = |k: isize| usize::try_from(i as isize + k).ok().and_then(|i| burst.get(i)).copied().unwrap_or(0.0);
        (-HALF..=HALF).map(|k| tap(k) * at(k)).sum()
    };
    for (case, offset) in [(20, 0), (21, 1), (22, 2), (23, 3)] {
        check_true_peak(case, &(offset..burst.len()).step_by(4).map(low_passed).collect::<Vec<f64>>(), 0.0);
    }
}
