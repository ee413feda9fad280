//! Test signals whose truth is known: tones, noise, ramps. Seeded, and the same whatever the block size.
//!
//! Phases are 64-bit fractions of a turn, `phase(n) = n * increment mod 2^64`, so that a tone does not drift however
//! long it lasts.

use std::f64::consts::{SQRT_2, TAU};

use crate::{
    Error, Result, Signal,
    shaping::{Dither, DitherSource},
};

use notched::NotchedNoise;
use pink::PinkFilter;

mod notched;
mod pink;

/// What to generate.
///
/// ```
/// use sqnr::generate::{Kind, TestSignal, signal};
///
/// let ramp = signal(TestSignal { kind: Kind::Ramp, n_samples: 5, ..TestSignal::default() })?;
/// assert_eq!(ramp.channels()[0].len(), 5);
/// assert!(ramp.channels()[0].windows(2).all(|pair| pair[0] < pair[1]));
/// # Ok::<(), sqnr::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// One sine at `frequency_hz`; the level is its amplitude.
    Sine,
    /// Two sines; the first `ratio` times as large as the second, the level is the sum of their amplitudes.
    TwinTone {
        /// Frequency of the second sine.
        second_hz: f64,
        /// Amplitude of the first over that of the second; 4 for SMPTE, 1 for CCIF.
        ratio: f64,
    },
    /// Exponential sine sweep from `frequency_hz` to `end_hz` over the whole length (A. Farina, 2000).
    Sweep {
        /// Frequency at the end.
        end_hz: f64,
    },
    /// `n_tones` equal sines, evenly spaced in log frequency up to `end_hz`, with the phases of M. Schroeder (1970) for
    /// a low crest factor; the level is their common power, as that of one sine.
    Multitone {
        /// Frequency of the highest tone.
        end_hz: f64,
        /// How many.
        n_tones: u32,
    },
    /// White Gaussian noise with the power of a sine of that level.
    White,
    /// White Gaussian noise without a band, 150 dB down there: the stimulus of a noise power ratio. Power as `White`.
    Notched {
        /// Lower and upper end of the notch; the slopes lie outside, 0.0013 of the rate wide.
        notch_hz: (f64, f64),
    },
    /// Gaussian noise whose density falls by 3.01 dB an octave from 5 Hz to half the rate; power as `White`.
    Pink,
    /// One sample of that amplitude at the middle.
    Impulse,
    /// A straight line from -amplitude to +amplitude.
    Ramp,
    /// Zeros.
    Silence,
}

/// A test signal in full.
///
/// ```
/// use sqnr::generate::{Kind, TestSignal, signal};
///
/// let pink = TestSignal { kind: Kind::Pink, n_samples: 10_000, level_dbfs: -20.0, seed: 7, ..TestSignal::default() };
/// // The same seed gives the same samples.
/// assert_eq!(signal(pink.clone())?, signal(pink)?);
/// # Ok::<(), sqnr::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct TestSignal {
    /// What to generate.
    pub kind: Kind,
    /// Samples per second.
    pub sample_rate_hz: u32,
    /// Length.
    pub n_samples: u64,
    /// Frequency of the (first) tone.
    pub frequency_hz: f64,
    /// Level; 0 dBFS is amplitude 1.0.
    pub level_dbfs: f64,
    /// White Gaussian noise added, this far below the signal's power; none when absent.
    pub snr_db: Option<f64>,
    /// Seed of all randomness.
    pub seed: u64,
    /// Channels get noise of their own by number; tones are the same in all.
    pub channel: u32,
}

impl Default for TestSignal {
    fn default() -> Self {
        Self {
            kind: Kind::Sine,
            sample_rate_hz: 48_000,
            n_samples: 48_000,
            frequency_hz: 997.0,
            level_dbfs: 0.0,
            snr_db: None,
            seed: 0,
            channel: 0,
        }
    }
}

/// The frequency next to `frequency_hz` of which a record of `n_samples` holds a whole number of periods that shares no
/// factor with `n_samples`: every sample then meets another phase (IEEE Std 1241-2010, 4.1.4.1).
///
/// ```
/// use sqnr::generate::coherent_frequency_hz;
///
/// let hz = coherent_frequency_hz(997.0, 48_000, 65_536)?;
/// let periods = hz * 65_536.0 / 48_000.0;
/// assert!((periods - periods.round()).abs() < 1e-9 && periods.round() as u64 % 2 == 1);
/// # Ok::<(), sqnr::Error>(())
/// ```
///
/// # Errors
/// `InvalidParameter` when the record is shorter than 4 samples.
pub fn coherent_frequency_hz(frequency_hz: f64, sample_rate_hz: u32, n_samples: u64) -> Result<f64> {
    if n_samples < 4 {
        return Err(Error::invalid("samples of a coherent record", n_samples, "4 and above"));
    }
    let wanted = frequency_hz * n_samples as f64 / f64::from(sample_rate_hz);
    let highest = (n_samples - 1) / 2;
    let nearest = (wanted.round().max(1.0) as u64).min(highest);
    let distance = |cycles: &u64| (*cycles as f64 - wanted).abs();
    let cycles = (nearest.saturating_sub(100).max(1)..=nearest.saturating_add(100).min(highest))
        .filter(|&cycles| greatest_common_divisor(cycles, n_samples) == 1)
        .min_by(|a, b| distance(a).total_cmp(&distance(b)))
        .unwrap_or(1);
    Ok(cycles as f64 * f64::from(sample_rate_hz) / n_samples as f64)
}

fn greatest_common_divisor(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

/// All samples of a signal in memory, one channel.
///
/// ```
/// let tone = sqnr::generate::signal(Default::default())?;
/// assert_eq!((tone.sample_rate_hz(), tone.len()), (48_000, 48_000));
/// # Ok::<(), sqnr::Error>(())
/// ```
///
/// # Errors
/// As [`Generator::new`], and `LimitExceeded` above 2^30 samples.
pub fn signal(signal: TestSignal) -> Result<Signal> {
    const MAX_SAMPLES: u64 = 1 << 30;
    if signal.n_samples > MAX_SAMPLES {
        let what = "samples of a generated signal";
        return Err(Error::LimitExceeded { what, value: signal.n_samples, limit: MAX_SAMPLES });
    }
    let (sample_rate_hz, mut x) = (signal.sample_rate_hz, vec![0.0; signal.n_samples as usize]);
    Generator::new(signal)?.fill(&mut x);
    Signal::new(sample_rate_hz, vec![x])
}

/// Makes the samples of a signal, block by block.
///
/// ```
/// use sqnr::generate::{Generator, TestSignal};
///
/// let mut generator = Generator::new(TestSignal::default())?;
/// let (mut first, mut second) = ([0.0; 100], [0.0; 100]);
/// generator.fill(&mut first);
/// generator.fill(&mut second);
/// // The blocks join: sample 100 follows sample 99.
/// assert!((second[0] - first[99]).abs() < 0.2);
/// # Ok::<(), sqnr::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Generator {
    signal: TestSignal,
    amplitude: f64,
    noise_rms: f64,
    source: Source,
    position: u64,
}

#[derive(Debug, Clone)]
enum Source {
    Tones(Vec<Tone>),
    Sweep { start_hz: f64, octaves_e: f64 },
    White,
    Notched(Box<NotchedNoise>),
    Pink(Box<PinkFilter>),
    Impulse,
    Ramp,
    Silence,
}

/// A sine: amplitude, phase at sample 0 and its increment, both in turns / 2^64.
#[derive(Debug, Clone, Copy)]
struct Tone {
    amplitude: f64,
    start: u64,
    increment: u64,
}

impl Tone {
    fn new(frequency_hz: f64, sample_rate_hz: u32, amplitude: f64, start_turns: f64) -> Self {
        Self { amplitude, start: turns(start_turns), increment: turns(frequency_hz / f64::from(sample_rate_hz)) }
    }

    fn at(&self, n: u64) -> f64 {
        let phase = self.start.wrapping_add(self.increment.wrapping_mul(n));
        self.amplitude * (phase as f64 * TURN * TAU).sin()
    }
}

/// 2^-64: a turn in units of the phase.
const TURN: f64 = 1.0 / 18_446_744_073_709_551_616.0;

/// A fraction of a turn as a 64-bit phase.
fn turns(fraction: f64) -> u64 {
    ((fraction - fraction.floor()) / TURN) as u64
}

impl Generator {
    /// A generator at sample 0.
    ///
    /// # Errors
    /// `InvalidParameter` for a rate of 0, a frequency outside 0 .. rate/2, a level that is not finite or above
    /// +20 dBFS, a ratio that is not positive, no tone, or a notch whose ends do not ascend.
    pub fn new(signal: TestSignal) -> Result<Self> {
        check(&signal)?;
        let amplitude = 10f64.powf(signal.level_dbfs / 20.0);
        let source = source(&signal, amplitude);
        let signal_rms = amplitude / SQRT_2;
        let noise_rms = signal.snr_db.map_or(0.0, |snr_db| signal_rms * 10f64.powf(-snr_db / 20.0));
        Ok(Self { signal, amplitude, noise_rms, source, position: 0 })
    }

    /// Writes the next samples, zeros after the end of the test signal.
    pub fn fill(&mut self, samples: &mut [f64]) {
        for sample in samples {
            *sample = if self.position < self.signal.n_samples { self.next_sample() } else { 0.0 };
            self.position += 1;
        }
    }

    fn next_sample(&mut self) -> f64 {
        let (n, length) = (self.position, self.signal.n_samples);
        let (seed, stream) = (self.signal.seed, 2 * self.signal.channel);
        let noise = |added: u32| normal(seed, stream + added, n);
        let clean = match &mut self.source {
            Source::Tones(tones) => tones.iter().map(|tone| tone.at(n)).sum(),
            Source::Sweep { start_hz, octaves_e } => {
                let length_s = length as f64 / f64::from(self.signal.sample_rate_hz);
                let progress = n as f64 / length as f64;
                let cycles = *start_hz * length_s / *octaves_e * ((progress * *octaves_e).exp() - 1.0);
                self.amplitude * (TAU * (cycles - cycles.floor())).sin()
            }
            Source::White => self.amplitude / SQRT_2 * noise(0),
            Source::Notched(filter) => self.amplitude / SQRT_2 * filter.at(n, |n| normal(seed, stream, n)),
            Source::Pink(filter) => self.amplitude / SQRT_2 * filter.next(noise(0)),
            Source::Impulse => f64::from(u8::from(n == length / 2)) * self.amplitude,
            Source::Ramp => self.amplitude * (2.0 * n as f64 / (length.max(2) - 1) as f64 - 1.0),
            Source::Silence => 0.0,
        };
        if self.noise_rms > 0.0 { clean + self.noise_rms * noise(1) } else { clean }
    }
}

/// Normal noise of variance 1: Gaussian dither has half a step's standard deviation.
fn normal(seed: u64, stream: u32, n: u64) -> f64 {
    2.0 * DitherSource::new(Dither::Gaussian, seed, stream).value(n)
}

fn check(signal: &TestSignal) -> Result<()> {
    if signal.sample_rate_hz == 0 {
        return Err(Error::invalid("sample rate", 0, "1 Hz and above"));
    }
    if signal.level_dbfs.is_nan() || signal.level_dbfs > 20.0 {
        return Err(Error::invalid("level", format!("{} dBFS", signal.level_dbfs), "up to +20 dBFS"));
    }
    if signal.snr_db.is_some_and(|snr| !snr.is_finite()) {
        return Err(Error::invalid("SNR", signal.snr_db.unwrap_or_default(), "a finite number of dB"));
    }
    let nyquist_hz = f64::from(signal.sample_rate_hz) / 2.0;
    let in_band = |name, frequency_hz: f64| match frequency_hz > 0.0 && frequency_hz < nyquist_hz {
        true => Ok(()),
        false => Err(Error::invalid(name, format!("{frequency_hz} Hz"), format!("above 0 and below {nyquist_hz} Hz"))),
    };
    match signal.kind {
        Kind::Sine => in_band("frequency", signal.frequency_hz),
        Kind::TwinTone { second_hz, ratio } => {
            in_band("frequency", signal.frequency_hz)?;
            in_band("second frequency", second_hz)?;
            match ratio.is_finite() && ratio > 0.0 {
                true => Ok(()),
                false => Err(Error::invalid("ratio", ratio, "above 0")),
            }
        }
        Kind::Sweep { end_hz } => {
            in_band("frequency", signal.frequency_hz)?;
            in_band("end frequency", end_hz)?;
            match end_hz == signal.frequency_hz {
                true => Err(Error::invalid("end frequency", end_hz, "another than the start's")),
                false => Ok(()),
            }
        }
        Kind::Multitone { end_hz, n_tones } => {
            in_band("frequency", signal.frequency_hz)?;
            in_band("end frequency", end_hz)?;
            match (1..=10_000).contains(&n_tones) {
                true => Ok(()),
                false => Err(Error::invalid("tones", n_tones, "1 to 10000")),
            }
        }
        Kind::Notched { notch_hz: (low, high) } => {
            in_band("lower end of the notch", low)?;
            in_band("upper end of the notch", high)?;
            match low < high {
                true => Ok(()),
                false => Err(Error::invalid("notch", format!("{low} to {high} Hz"), "ends that ascend")),
            }
        }
        Kind::White | Kind::Pink | Kind::Impulse | Kind::Ramp | Kind::Silence => Ok(()),
    }
}

fn source(signal: &TestSignal, amplitude: f64) -> Source {
    let tone = |frequency_hz, amplitude, start| Tone::new(frequency_hz, signal.sample_rate_hz, amplitude, start);
    match signal.kind {
        Kind::Sine => Source::Tones(vec![tone(signal.frequency_hz, amplitude, 0.0)]),
        Kind::TwinTone { second_hz, ratio } => Source::Tones(vec![
            tone(signal.frequency_hz, amplitude * ratio / (1.0 + ratio), 0.0),
            tone(second_hz, amplitude / (1.0 + ratio), 0.0),
        ]),
        Kind::Sweep { end_hz } => {
            Source::Sweep { start_hz: signal.frequency_hz, octaves_e: (end_hz / signal.frequency_hz).ln() }
        }
        Kind::Multitone { end_hz, n_tones } => Source::Tones(
            multitone(signal.frequency_hz, end_hz, n_tones)
                .map(|(f, start)| tone(f, amplitude / f64::from(n_tones).sqrt(), start))
                .collect(),
        ),
        Kind::White => Source::White,
        Kind::Notched { notch_hz: (low, high) } => {
            let rate_hz = f64::from(signal.sample_rate_hz);
            Source::Notched(Box::new(NotchedNoise::new((low / rate_hz, high / rate_hz))))
        }
        Kind::Pink => Source::Pink(Box::new(PinkFilter::new(signal.sample_rate_hz))),
        Kind::Impulse => Source::Impulse,
        Kind::Ramp => Source::Ramp,
        Kind::Silence => Source::Silence,
    }
}

/// Frequency and start phase (turns) of each tone; phases `k (k - 1) / (2 n)` after Schroeder for equal amplitudes.
fn multitone(start_hz: f64, end_hz: f64, n_tones: u32) -> impl Iterator<Item = (f64, f64)> {
    let last = f64::from(n_tones.max(2) - 1);
    (0..n_tones).map(move |k| {
        let k = f64::from(k);
        let frequency_hz = start_hz * (end_hz / start_hz).powf(k / last);
        (frequency_hz, k * (k + 1.0) / (2.0 * f64::from(n_tones)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(signal: TestSignal) -> Vec<f64> {
        let mut x = vec![0.0; signal.n_samples as usize];
        Generator::new(signal).expect("legal").fill(&mut x);
        x
    }

    fn power(x: &[f64]) -> f64 {
        x.iter().map(|v| v * v).sum::<f64>() / x.len() as f64
    }

    #[test]
    fn a_sine_has_its_level_and_frequency() {
        let x = samples(TestSignal { level_dbfs: -6.0, frequency_hz: 1_000.0, ..TestSignal::default() });
        assert!((10.0 * (2.0 * power(&x)).log10() + 6.0).abs() < 1e-9);
        assert!((x[12] - 10f64.powf(-0.3) * (TAU * 0.25).sin()).abs() < 1e-12);
    }

    #[test]
    fn a_coherent_tone_closes_without_a_seam_and_shares_no_factor() {
        for n in [4, 5, 1_000, 16_384, 48_000] {
            let f = coherent_frequency_hz(997.0, 48_000, n).expect("long enough");
            let cycles = f * n as f64 / 48_000.0;
            assert!((cycles - cycles.round()).abs() < 1e-9);
            assert_eq!(greatest_common_divisor(cycles.round() as u64, n), 1, "{n}");
        }
    }

    #[test]
    fn blocks_of_any_size_give_the_same_samples() {
        let notched = Kind::Notched { notch_hz: (9_600.0, 10_560.0) };
        for kind in [Kind::Sine, Kind::White, Kind::Pink, notched, Kind::Sweep { end_hz: 20_000.0 }] {
            let signal = TestSignal { kind, n_samples: 1_000, snr_db: Some(40.0), ..TestSignal::default() };
            let whole = samples(signal.clone());
            let mut generator = Generator::new(signal).expect("legal");
            let mut parts = vec![0.0; 1_000];
            parts.chunks_mut(37).for_each(|part| generator.fill(part));
            assert_eq!(whole, parts);
        }
    }

    #[test]
    fn noise_has_the_power_of_a_sine_of_its_level_and_the_snr_asked_for() {
        for kind in [Kind::White, Kind::Notched { notch_hz: (9_600.0, 10_560.0) }, Kind::Pink] {
            let x = samples(TestSignal { kind, level_dbfs: -20.0, n_samples: 1 << 19, ..TestSignal::default() });
            let tolerance_db = if kind == Kind::Pink { 0.6 } else { 0.03 };
            assert!((10.0 * (2.0 * power(&x)).log10() + 20.0).abs() < tolerance_db, "{kind:?}");
        }
        let signal = TestSignal { n_samples: 1 << 18, ..TestSignal::default() };
        let clean = samples(signal.clone());
        let noisy = samples(TestSignal { snr_db: Some(50.0), ..signal });
        let noise: Vec<f64> = noisy.iter().zip(&clean).map(|(a, b)| a - b).collect();
        assert!((10.0 * (power(&clean) / power(&noise)).log10() - 50.0).abs() < 0.03);
    }

    #[test]
    fn impossible_recipes_are_refused() {
        let legal = TestSignal::default();
        for signal in [
            TestSignal { sample_rate_hz: 0, ..legal.clone() },
            TestSignal { frequency_hz: 24_000.0, ..legal.clone() },
            TestSignal { frequency_hz: f64::NAN, ..legal.clone() },
            TestSignal { level_dbfs: f64::NAN, ..legal.clone() },
            TestSignal { kind: Kind::Notched { notch_hz: (2_000.0, 1_000.0) }, ..legal.clone() },
            TestSignal { kind: Kind::Notched { notch_hz: (1_000.0, 24_000.0) }, ..legal.clone() },
            TestSignal { kind: Kind::Multitone { end_hz: 1e4, n_tones: 0 }, ..legal.clone() },
            TestSignal { kind: Kind::Sweep { end_hz: 997.0 }, ..legal.clone() },
            TestSignal { kind: Kind::TwinTone { second_hz: 1e3, ratio: 0.0 }, ..legal },
        ] {
            assert!(matches!(Generator::new(signal), Err(Error::InvalidParameter { .. })));
        }
    }
}
