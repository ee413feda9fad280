//! Speed of the meters: a record of 2^24 samples, and the statistics of 349 s of mono.
//!
//! `cargo bench --bench analysis`; with `-- --turn` one run of what other programs can do as well, in processor seconds of
//! the thread (Linux): `benches/analysis_rivals.sh` calls it in turns with them.

use std::{f64::consts::TAU, sync::OnceLock};

use divan::{Bencher, black_box};
use sqnr::analysis::{
    error_statistics::{ErrorStatistics, Settings},
    level::LevelMeter,
    spectrum::{self, PowerSpectrum},
    tone,
    window::Window,
};

const RATE: f64 = 48_000.0;
const RECORD: usize = 1 << 24;
const SONG: usize = 349 * 48_000;

fn main() {
    match std::env::args().any(|argument| argument == "--turn") {
        true => turn(),
        false => divan::main(),
    }
}

fn turn() {
    let x = record();
    timed("sqnr, tone of 2^24 samples", || tone::analyse(x, RATE, &tone::Settings::default()).expect("legal"));
    timed("sqnr, averaged 64k spectrum of 2^24 samples", || PowerSpectrum::of(x, RATE, AVERAGED).expect("long"));
}

/// Prints a name and the processor seconds of a run.
fn timed<T>(name: &str, run: impl FnOnce() -> T) {
    let start = thread_seconds();
    black_box(run());
    println!("{name}\t{:.4}", thread_seconds() - start);
}

/// Time that this thread has run, from the scheduler.
fn thread_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux with /proc");
    text.split(' ').next().and_then(|ns| ns.parse::<f64>().ok()).expect("nanoseconds") * 1e-9
}

const AVERAGED: spectrum::Settings = spectrum::Settings { n_fft: 1 << 16, hop: 1 << 16, window: Window::Hann };

/// A tone of -1 dBFS with a little noise, in 16-bit codes.
fn record() -> &'static [f64] {
    static RECORD_SAMPLES: OnceLock<Vec<f64>> = OnceLock::new();
    RECORD_SAMPLES.get_or_init(|| {
        let mut state = 1u64;
        let mut noise = || {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 11) as f64 / (1u64 << 53) as f64 - 0.5
        };
        let sample = |n: usize| 0.891 * (TAU * (997.0 / RATE * n as f64).fract()).sin() * 32_768.0;
        (0..RECORD).map(|n| (sample(n) + noise() + noise()).round() / 32_768.0).collect()
    })
}

fn quantized() -> &'static [f64] {
    static QUANTIZED: OnceLock<Vec<f64>> = OnceLock::new();
    QUANTIZED.get_or_init(|| record().iter().map(|x| (x * 128.0).round() / 128.0).collect())
}

/// What a copy of the record costs: the yardstick of a noisy machine.
#[divan::bench(sample_count = 10, sample_size = 1)]
fn memcpy(bencher: Bencher) {
    let x = record();
    bencher.bench(|| black_box(x.to_vec()));
}

#[divan::bench(sample_count = 10, sample_size = 1)]
fn tone_of_2_24_samples(bencher: Bencher) {
    let x = record();
    bencher.bench(|| tone::analyse(black_box(x), RATE, &tone::Settings::default()).expect("legal"));
}

#[divan::bench(sample_count = 10, sample_size = 1)]
fn averaged_64k_spectrum_of_2_24_samples(bencher: Bencher) {
    let x = record();
    bencher.bench(|| PowerSpectrum::of(black_box(x), RATE, AVERAGED).expect("long"));
}

#[divan::bench(sample_count = 10, sample_size = 1)]
fn level_and_true_peak_of_349_s(bencher: Bencher) {
    let x = &record()[..SONG];
    bencher.bench(|| {
        let mut meter = LevelMeter::new(RATE).expect("legal");
        x.chunks(16_384).for_each(|block| meter.push(black_box(block)));
        meter.figures()
    });
}

#[divan::bench(sample_count = 10, sample_size = 1)]
fn error_statistics_of_349_s(bencher: Bencher) {
    let (x, y) = (&record()[..SONG], &quantized()[..SONG]);
    bencher.bench(|| {
        let mut statistics = ErrorStatistics::new(Settings::default()).expect("legal");
        x.chunks(16_384).zip(y.chunks(16_384)).for_each(|(x, y)| statistics.push(black_box(x), y));
        statistics.figures()
    });
}

#[cfg(feature = "loudness")]
#[divan::bench(sample_count = 3, sample_size = 1)]
fn loudness_of_349_s(bencher: Bencher) {
    let x = &record()[..SONG];
    bencher.bench(|| {
        let mut meter = sqnr::analysis::loudness::LoudnessMeter::new(1, 48_000).expect("legal");
        x.chunks(16_384).for_each(|block| meter.push(&[black_box(block)]).expect("mono"));
        meter.figures()
    });
}
