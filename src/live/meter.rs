//! What the listener sees: levels, signal-to-noise ratio and spectra of what passes the quantizer.

use std::{collections::VecDeque, sync::Arc};

use rtrb::Consumer;
use rustfft::{Fft, FftPlanner, num_complex::Complex};

use crate::{Result, analysis::window::Window};

/// Samples under a spectrum's window: 171 ms and lines 5.9 Hz apart at 48 kHz.
pub const SPECTRUM_LENGTH: usize = 8_192;

/// Its side lobes lie below -180 dB: 24 bits of noise show beside a full-scale tone.
const WINDOW: Window = Window::BlackmanHarris7;

/// Time constant of the spectra's average.
const AVERAGE_S: f64 = 0.25;

/// Energies are gathered in slots of this length.
const SLOT_S: f64 = 0.1;
/// Slots of "now".
const NOW_SLOTS: usize = 5;
/// Slots of the mean: 10 s.
const MEAN_SLOTS: usize = 100;

/// A peak is held this long before the mark falls.
const HOLD_S: f64 = 1.5;
/// Then it falls this fast.
const FALL_DB_PER_S: f64 = 20.0;

/// Samples of the first channel that levels can be learnt from: 2.7 s at 48 kHz.
const HEARD_SAMPLES: usize = 1 << 17;

/// Pairs in the transfer cloud.
const CLOUD_PAIRS: usize = 400;

/// A level meter's figures, in dBFS; minus infinity for silence.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Level {
    /// Root mean square of the last half second; a full-scale sine reads 0.
    pub rms_dbfs: f64,
    /// Largest sample of the last slot; amplitude 1.0 reads 0.
    pub peak_dbfs: f64,
    /// The peak mark.
    pub hold_dbfs: f64,
}

/// Spectra at one moment, dBFS per line; line k lies at `k sample_rate / 8192`.
///
/// A line is scaled so that a sine reads its level, and noise what falls into the window's noise bandwidth.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Spectra {
    /// Of the input.
    pub input_dbfs: Vec<f64>,
    /// Of the quantization error.
    pub error_dbfs: Vec<f64>,
    /// Largest the error's or the input's lines have been since the hold was cleared.
    pub peak_dbfs: Vec<f64>,
}

/// All figures at one moment, over all channels unless said otherwise.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// Of the input.
    pub input: Level,
    /// Of the quantizer's output.
    pub output: Level,
    /// Mean square of the input over the last half second.
    pub signal_power: f64,
    /// SQNR of the last half second; `None` in silence, infinite when nothing was lost.
    pub snr_db: Option<f64>,
    /// SQNR of the last ten seconds.
    pub snr_mean_db: Option<f64>,
    /// Input samples beyond the granular region since the lamp was put out.
    pub clipped_samples: u64,
    /// Spectra of the first channel.
    pub spectra: Spectra,
    /// Pairs of input and output, the last of the first channel.
    pub cloud: Vec<(f32, f32)>,
    /// Frames seen so far.
    pub n_frames: u64,
}

/// Sums over a slot.
#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    n: u64,
    signal: f64,
    output: f64,
    error: f64,
}

/// Follows a tap.
pub struct Meter {
    ring: Consumer<f32>,
    n_channels: usize,
    sample_rate_hz: f64,
    granular_region: (f64, f64),
    slots: VecDeque<Slot>,
    slot: Slot,
    input: Needle,
    output: Needle,
    clipped_samples: u64,
    n_frames: u64,
    recent: VecDeque<(f32, f32)>,
    heard: VecDeque<f32>,
    analyser: Analyser,
    frame: Vec<f32>,
}

impl std::fmt::Debug for Meter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Meter")
            .field("n_channels", &self.n_channels)
            .field("sample_rate_hz", &self.sample_rate_hz)
            .field("n_frames", &self.n_frames)
            .finish_non_exhaustive()
    }
}

/// Peak and peak hold of one level meter.
#[derive(Debug, Clone, Copy, Default)]
struct Needle {
    running: f32,
    peak: f64,
    hold: f64,
    held_s: f64,
}

impl Needle {
    fn end_slot(&mut self) {
        self.peak = f64::from(std::mem::take(&mut self.running));
        self.held_s += SLOT_S;
        if self.held_s > HOLD_S {
            self.hold *= 10f64.powf(-FALL_DB_PER_S * SLOT_S / 20.0);
        }
        if self.peak >= self.hold {
            (self.hold, self.held_s) = (self.peak, 0.0);
        }
    }
}

impl Meter {
    /// A meter on a tap of `n_channels` channels.
    ///
    /// # Errors
    /// None in practice: those of the window.
    pub fn new(ring: Consumer<f32>, n_channels: usize, sample_rate_hz: u32) -> Result<Self> {
        Ok(Self {
            ring,
            n_channels,
            sample_rate_hz: f64::from(sample_rate_hz),
            granular_region: (-1.0, 1.0),
            slots: VecDeque::with_capacity(MEAN_SLOTS),
            slot: Slot::default(),
            input: Needle::default(),
            output: Needle::default(),
            clipped_samples: 0,
            n_frames: 0,
            recent: VecDeque::with_capacity(SPECTRUM_LENGTH),
            heard: VecDeque::with_capacity(HEARD_SAMPLES),
            analyser: Analyser::new()?,
            frame: vec![0.0; 2 * n_channels],
        })
    }

    /// Samples outside this region count as clipped: the quantizer's granular region.
    pub fn set_granular_region(&mut self, region: (f64, f64)) {
        self.granular_region = region;
    }

    /// Forgets means and peaks: after a change of settings.
    pub fn restart(&mut self) {
        self.slots.clear();
        self.slot = Slot::default();
        self.analyser.is_fresh = true;
    }

    /// Puts the clip lamp out and clears the spectrum's peaks.
    pub fn clear_holds(&mut self) {
        self.clipped_samples = 0;
        self.analyser.peak.fill(0.0);
    }

    /// Takes in all that has come, and computes spectra anew. To be called about 30 times a second.
    pub fn update(&mut self) {
        let n_before = self.n_frames;
        let mut frame = std::mem::take(&mut self.frame);
        while self.ring.pop_entire_slice(&mut frame).is_ok() {
            self.take_frame(&frame);
        }
        self.frame = frame;
        let elapsed_s = (self.n_frames - n_before) as f64 / self.sample_rate_hz;
        if elapsed_s > 0.0 && self.recent.len() == SPECTRUM_LENGTH {
            self.analyser.add(self.recent.make_contiguous(), elapsed_s);
        }
    }

    fn take_frame(&mut self, frame: &[f32]) {
        let (dry, wet) = frame.split_at(self.n_channels);
        for (&x, &y) in dry.iter().zip(wet) {
            let (dry, wet) = (f64::from(x), f64::from(y));
            self.slot.signal += dry * dry;
            self.slot.output += wet * wet;
            self.slot.error += (wet - dry) * (wet - dry);
            self.input.running = self.input.running.max(x.abs());
            self.output.running = self.output.running.max(y.abs());
            let (low, high) = self.granular_region;
            self.clipped_samples += u64::from(dry < low || dry > high);
        }
        if self.recent.len() == SPECTRUM_LENGTH {
            self.recent.pop_front();
        }
        self.recent.push_back((dry[0], wet[0]));
        if self.heard.len() == HEARD_SAMPLES {
            self.heard.pop_front();
        }
        self.heard.push_back(dry[0]);
        self.n_frames += 1;
        self.slot.n += 1;
        if self.slot.n as f64 >= SLOT_S * self.sample_rate_hz {
            self.end_slot();
        }
    }

    fn end_slot(&mut self) {
        if self.slots.len() == MEAN_SLOTS {
            self.slots.pop_front();
        }
        self.slots.push_back(std::mem::take(&mut self.slot));
        self.input.end_slot();
        self.output.end_slot();
    }

    fn sum_of_last(&self, n_slots: usize) -> Slot {
        self.slots.iter().rev().take(n_slots).fold(Slot::default(), |sum, slot| Slot {
            n: sum.n + slot.n,
            signal: sum.signal + slot.signal,
            output: sum.output + slot.output,
            error: sum.error + slot.error,
        })
    }

    /// The figures now.
    pub fn reading(&self) -> Reading {
        let (now, long) = (self.sum_of_last(NOW_SLOTS), self.sum_of_last(MEAN_SLOTS));
        let n_samples = (now.n * self.n_channels as u64).max(1) as f64;
        let level = |needle: &Needle, energy: f64| Level {
            rms_dbfs: 10.0 * (2.0 * energy / n_samples).log10(),
            peak_dbfs: 20.0 * needle.peak.log10(),
            hold_dbfs: 20.0 * needle.hold.log10(),
        };
        Reading {
            input: level(&self.input, now.signal),
            output: level(&self.output, now.output),
            signal_power: now.signal / n_samples,
            snr_db: snr_db(&now),
            snr_mean_db: snr_db(&long),
            clipped_samples: self.clipped_samples,
            spectra: self.analyser.spectra(),
            cloud: self.recent.iter().rev().take(CLOUD_PAIRS).copied().collect(),
            n_frames: self.n_frames,
        }
    }

    /// The last seconds of the input's first channel, full scale 1.0, without NaN and infinities.
    pub fn heard(&self) -> Vec<f64> {
        self.heard.iter().filter(|x| x.is_finite()).map(|&x| f64::from(x)).collect()
    }

    /// Seconds of it.
    pub fn heard_s(&self) -> f64 {
        self.heard.len() as f64 / self.sample_rate_hz
    }

    /// Width of a spectrum line's noise bandwidth, in Hz.
    pub fn noise_bandwidth_hz(&self) -> f64 {
        self.analyser.enbw_lines * self.sample_rate_hz / SPECTRUM_LENGTH as f64
    }

    /// Frames per second of what is measured.
    pub fn sample_rate_hz(&self) -> f64 {
        self.sample_rate_hz
    }
}

fn snr_db(slot: &Slot) -> Option<f64> {
    (slot.signal > 0.0).then(|| 10.0 * (slot.signal / slot.error).log10())
}

/// Averages the spectra of input and error.
struct Analyser {
    fft: Arc<dyn Fft<f64>>,
    window: Vec<f64>,
    enbw_lines: f64,
    /// Input in the real, error in the imaginary part: one transform does for both.
    buffer: Vec<Complex<f64>>,
    scratch: Vec<Complex<f64>>,
    input: Vec<f64>,
    error: Vec<f64>,
    peak: Vec<f64>,
    is_fresh: bool,
}

impl Analyser {
    fn new() -> Result<Self> {
        let fft = FftPlanner::new().plan_fft_forward(SPECTRUM_LENGTH);
        let window = WINDOW.samples(SPECTRUM_LENGTH)?;
        let (sum, energy) = window.iter().fold((0.0, 0.0), |(sum, energy), w| (sum + w, energy + w * w));
        let n_lines = SPECTRUM_LENGTH / 2 + 1;
        Ok(Self {
            enbw_lines: SPECTRUM_LENGTH as f64 * energy / (sum * sum),
            // A sine of amplitude A has a line of |X| = A sum / 2: the scale makes that A.
            window: window.iter().map(|w| w * 2.0 / sum).collect(),
            buffer: vec![Complex::default(); SPECTRUM_LENGTH],
            scratch: vec![Complex::default(); fft.get_inplace_scratch_len()],
            fft,
            input: vec![0.0; n_lines],
            error: vec![0.0; n_lines],
            peak: vec![0.0; n_lines],
            is_fresh: true,
        })
    }

    fn add(&mut self, pairs: &[(f32, f32)], elapsed_s: f64) {
        for ((z, &(x, y)), w) in self.buffer.iter_mut().zip(pairs).zip(&self.window) {
            // A NaN from the outside must not blind the display for good.
            let (x, y) = (f64::from(x), f64::from(y));
            *z = if x.is_finite() { Complex::new(x * w, (y - x) * w) } else { Complex::default() };
        }
        self.fft.process_with_scratch(&mut self.buffer, &mut self.scratch);
        let weight = if self.is_fresh { 1.0 } else { 1.0 - (-elapsed_s / AVERAGE_S).exp() };
        self.is_fresh = false;
        let n = SPECTRUM_LENGTH;
        for k in 0..self.input.len() {
            let (z, mirrored) = (self.buffer[k], self.buffer[(n - k) % n].conj());
            let (input, error) = ((z + mirrored).norm_sqr() / 4.0, (z - mirrored).norm_sqr() / 4.0);
            self.input[k] += weight * (input - self.input[k]);
            self.error[k] += weight * (error - self.error[k]);
            self.peak[k] = self.peak[k].max(input);
        }
    }

    fn spectra(&self) -> Spectra {
        let dbfs = |power: &Vec<f64>| power.iter().map(|p| 10.0 * p.log10()).collect();
        Spectra { input_dbfs: dbfs(&self.input), error_dbfs: dbfs(&self.error), peak_dbfs: dbfs(&self.peak) }
    }
}

/// Level that white noise of mean square `power` reads on a line, in dBFS.
///
/// The noise fills half the sample rate; a line gathers what falls into `bandwidth_hz`, and 0 dBFS is a mean square of
/// one half.
pub fn noise_line_dbfs(power: f64, bandwidth_hz: f64, sample_rate_hz: f64) -> f64 {
    10.0 * (2.0 * power * bandwidth_hz / (sample_rate_hz / 2.0)).log10()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::{
        port::ring,
        settings::{Settings, of_text},
    };

    /// A meter that has seen `duration_s` of a sine quantized by `settings`.
    fn metered(settings: &Settings, amplitude: f64, duration_s: f64) -> Meter {
        let n = (48_000.0 * duration_s) as usize;
        let (mut producer, consumer) = ring(n, 2);
        let mut meter = Meter::new(consumer, 1, 48_000).expect("legal");
        // 1 003.9 Hz: not coherent with anything.
        let x: Vec<f64> = (0..n).map(|i| amplitude * (i as f64 * 0.131_413).sin()).collect();
        let x: Vec<f64> = x.iter().map(|&x| f64::from(x as f32)).collect();
        let (mut indices, mut y) = (vec![0; n], vec![0.0; n]);
        settings.requantizer(1).expect("legal").process(0, 0, &x, &mut indices, &mut y);
        for (block_x, block_y) in x.chunks(1_600).zip(y.chunks(1_600)) {
            for (&x, &y) in block_x.iter().zip(block_y) {
                producer.push_entire_slice(&[x as f32, y as f32]).expect("room");
            }
            meter.update();
        }
        meter
    }

    #[test]
    fn a_sine_reads_its_level_and_its_snr_meets_theory() {
        let settings = of_text("uniform bits=12 dither=tpdf");
        let reading = metered(&settings, 0.5, 3.0).reading();
        assert!((reading.input.rms_dbfs + 6.02).abs() < 0.01, "{}", reading.input.rms_dbfs);
        assert!((reading.input.peak_dbfs + 6.02).abs() < 0.01);
        let theory_db = 10.0 * (0.125 / settings.noise_power().expect("uniform")).log10();
        assert!((reading.snr_db.expect("signal") - theory_db).abs() < 0.2);
        assert!((reading.snr_mean_db.expect("signal") - theory_db).abs() < 0.1);
        assert_eq!(reading.clipped_samples, 0);
        let peak = reading.spectra.input_dbfs.iter().copied().fold(f64::MIN, f64::max);
        // Between two lines the window loses at most 0.7 dB.
        assert!((-6.8..=-6.0).contains(&peak), "{peak}");
    }

    #[test]
    fn the_error_lies_on_the_line_of_theory() {
        let settings = of_text("uniform bits=8 dither=tpdf");
        let meter = metered(&settings, 0.5, 3.0);
        let power = settings.noise_power().expect("uniform");
        let expected = noise_line_dbfs(power, meter.noise_bandwidth_hz(), 48_000.0);
        let spectra = meter.reading().spectra;
        let band = &spectra.error_dbfs[100..4_000];
        let mean = 10.0 * (band.iter().map(|db| 10f64.powf(db / 10.0)).sum::<f64>() / band.len() as f64).log10();
        assert!((mean - expected).abs() < 0.3, "measured {mean}, theory {expected}");
    }

    #[test]
    fn clipping_lights_the_lamp_until_it_is_put_out() {
        let mut meter = metered(&of_text("uniform bits=8 dither=none"), 1.2, 0.5);
        assert!(meter.reading().clipped_samples > 5_000);
        meter.clear_holds();
        assert_eq!(meter.reading().clipped_samples, 0);
    }

    #[test]
    fn silence_and_nan_give_no_figure_and_pass() {
        let (mut producer, consumer) = ring(20_000, 2);
        let mut meter = Meter::new(consumer, 1, 48_000).expect("legal");
        (0..9_600).for_each(|_| producer.push_entire_slice(&[0.0, 0.0]).expect("room"));
        meter.update();
        let reading = meter.reading();
        assert_eq!(reading.snr_db, None);
        assert_eq!(reading.input.rms_dbfs, f64::NEG_INFINITY);
        producer.push_entire_slice(&[f32::NAN, 0.0]).expect("room");
        (0..9_600).for_each(|_| producer.push_entire_slice(&[0.5, 0.5]).expect("room"));
        meter.update();
        assert!(meter.reading().spectra.input_dbfs.iter().all(|db| !db.is_nan()));
    }

    #[test]
    fn the_peak_mark_holds_and_then_falls() {
        let (mut producer, consumer) = ring(200_000, 2);
        let mut meter = Meter::new(consumer, 1, 48_000).expect("legal");
        let mut feed = |meter: &mut Meter, x: f32, n: usize| {
            (0..n).for_each(|_| producer.push_entire_slice(&[x, x]).expect("room"));
            meter.update();
            meter.reading().input.hold_dbfs
        };
        assert_eq!(feed(&mut meter, 1.0, 4_800), 0.0);
        assert_eq!(feed(&mut meter, 0.01, 48_000), 0.0);
        let later = feed(&mut meter, 0.01, 48_000);
        assert!((-12.1..=-7.9).contains(&later), "half a second at 20 dB a second: {later}");
    }
}
