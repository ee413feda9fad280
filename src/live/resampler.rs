//! A resampler whose ratio can change at every block, transparent when the ratio is one.
//!
//! ```text
//! y(t) = sum_k x[k] c sinc(c (t - k)) w(t - k)        t = 0, s, 2 s, ...   s = input frames per output frame
//! ```
//!
//! The kernel spans [`TAPS`] input frames under a Kaiser window and lies in a table of [`PHASES`] shifts, between which
//! it is interpolated linearly. Its cut-off is c = min(1, 1 / s) at the nominal ratio. For a nominal ratio of one the
//! kernel at an unshifted place is a single 1: while the ratio is 1, the output is the input, bit for bit,
//! [`Resampler::delay_frames`] later. That is why this is no general-purpose resampler from a library: those filter
//! always, and a quantizer's user wants to see his own samples.
//!
//! Source: J. O. Smith, P. Gossett, "A flexible sampling-rate conversion method", Proc. ICASSP 1984.

use std::f64::consts::PI;

use crate::{Error, Result};

/// Input frames under the kernel. With the window below: flat to 0.44 of the sample rate.
const TAPS: usize = 48;

/// Shifts in the table; linear interpolation between them errs by less than -110 dB.
const PHASES: usize = 512;

/// Kaiser window's shape: side lobes below -90 dB.
const KAISER_BETA: f64 = 9.0;

/// Widest change of rate between two devices.
const MAX_RATE_RATIO: f64 = 16.0;

/// How much faster the input is read, after a correction, until a frame is met at an unshifted place again: 0.2 s at most
/// at 48 kHz.
const GLIDE: f64 = 1e-4;

/// Interleaved frames in, interleaved frames out, at a ratio that follows two clocks.
#[derive(Debug, Clone)]
pub struct Resampler {
    n_channels: usize,
    /// `TAPS` coefficients for each of `PHASES + 1` shifts, newest frame first.
    kernel: Vec<f32>,
    /// Per channel the last `TAPS` samples, twice in a row, so that every window is one slice.
    lines: Vec<Vec<f32>>,
    newest: usize,
    /// Input frames per output frame when both clocks are true.
    nominal_step: f64,
    step: f64,
    /// On the way back to an unshifted place.
    is_gliding: bool,
    /// Place of the next output after the newest frame but `TAPS / 2`, in input frames.
    position: f64,
}

impl Resampler {
    /// A resampler at rest, its past silent.
    ///
    /// # Errors
    /// `InvalidParameter` for no channel, a rate of 0, or rates more than a factor of 16 apart.
    pub fn new(n_channels: usize, input_rate_hz: u32, output_rate_hz: u32) -> Result<Self> {
        if n_channels == 0 {
            return Err(Error::invalid("channels", n_channels, "1 and above"));
        }
        let nominal_step = f64::from(input_rate_hz) / f64::from(output_rate_hz);
        if !(1.0 / MAX_RATE_RATIO..=MAX_RATE_RATIO).contains(&nominal_step) {
            let value = format!("{input_rate_hz} Hz to {output_rate_hz} Hz");
            return Err(Error::invalid("change of sample rate", value, "a factor of at most 16"));
        }
        Ok(Self {
            n_channels,
            kernel: kernel(f64::min(1.0, 1.0 / nominal_step)),
            lines: vec![vec![0.0; 2 * TAPS]; n_channels],
            newest: 0,
            nominal_step,
            step: nominal_step,
            is_gliding: false,
            // The first output is due as soon as one frame is in.
            position: 1.0,
        })
    }

    /// How long a frame stays inside, in input frames.
    pub fn delay_frames(&self) -> usize {
        TAPS / 2
    }

    /// Speeds up the reading of the input by `correction`, a small relative number such as 50e-6; 0 is nominal, and for
    /// equal rates returns to passing samples as they are.
    pub fn correct(&mut self, correction: f64) {
        let is_shifted = self.nominal_step == 1.0 && self.position.fract() != 0.0;
        self.is_gliding = correction == 0.0 && is_shifted;
        self.step = self.nominal_step * (1.0 + if self.is_gliding { GLIDE } else { correction });
    }

    /// Most output frames that `n_input` input frames can give.
    pub fn max_output_frames(&self, n_input: usize) -> usize {
        (n_input as f64 / self.step).ceil() as usize + 2
    }

    /// Turns all of `input` into output, and says how many frames that made.
    ///
    /// - `input`: interleaved frames
    /// - `output`: room for [`Resampler::max_output_frames`] interleaved frames
    ///
    /// # Panics
    /// When `output` is too short.
    pub fn process(&mut self, input: &[f32], output: &mut [f32]) -> usize {
        let mut n_output = 0;
        for frame in input.chunks_exact(self.n_channels) {
            self.push(frame);
            self.position -= 1.0;
            while self.position < 1.0 {
                let at = n_output * self.n_channels;
                self.read(&mut output[at..at + self.n_channels]);
                self.advance();
                n_output += 1;
            }
        }
        n_output
    }

    fn advance(&mut self) {
        self.position += self.step;
        // A step is one and a little more: two is passed when a whole frame has been gained.
        if self.is_gliding && self.position >= 2.0 {
            self.position = 2.0;
            self.step = self.nominal_step;
            self.is_gliding = false;
        }
    }

    /// Forgets the past.
    pub fn reset(&mut self) {
        self.lines.iter_mut().for_each(|line| line.fill(0.0));
        self.position = 1.0;
    }

    fn push(&mut self, frame: &[f32]) {
        self.newest = (self.newest + TAPS - 1) % TAPS;
        for (line, &x) in self.lines.iter_mut().zip(frame) {
            line[self.newest] = x;
            line[self.newest + TAPS] = x;
        }
    }

    fn read(&self, frame: &mut [f32]) {
        // position in [0, 1): 0 is the frame TAPS / 2 before the newest.
        let phase = self.position * PHASES as f64;
        let row = (phase as usize).min(PHASES - 1);
        let between = (phase - row as f64) as f32;
        let low = &self.kernel[row * TAPS..(row + 1) * TAPS];
        let high = &self.kernel[(row + 1) * TAPS..(row + 2) * TAPS];
        for (y, line) in frame.iter_mut().zip(&self.lines) {
            let window = &line[self.newest..self.newest + TAPS];
            *y = if between == 0.0 { dot(low, window) } else { lerp(dot(low, window), dot(high, window), between) };
        }
    }
}

fn lerp(low: f32, high: f32, between: f32) -> f32 {
    low + between * (high - low)
}

/// Sum of products, in eight interleaved sums so that it vectorises.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0f32; 8];
    for (a, b) in a.chunks_exact(8).zip(b.chunks_exact(8)) {
        for k in 0..8 {
            sums[k] += a[k] * b[k];
        }
    }
    sums.iter().sum()
}

/// Row r holds the kernel shifted by r / PHASES; coefficient k weighs the frame k before the newest.
fn kernel(cutoff: f64) -> Vec<f32> {
    let half = TAPS as f64 / 2.0;
    let mut kernel = Vec::with_capacity((PHASES + 1) * TAPS);
    for row in 0..=PHASES {
        let shift = row as f64 / PHASES as f64;
        let row: Vec<f64> = (0..TAPS)
            .map(|k| {
                // Distance from the output's place to the frame, newest first.
                let t = half - k as f64 - shift;
                cutoff * sinc(cutoff * t) * kaiser(t / half)
            })
            .collect();
        // A gain of exactly one at DC for every shift: without it the table's ripple would show as a tone.
        let gain: f64 = row.iter().sum();
        kernel.extend(row.iter().map(|c| (c / gain) as f32));
    }
    kernel
}

fn sinc(t: f64) -> f64 {
    match t {
        0.0 => 1.0,
        _ if t.fract() == 0.0 => 0.0,
        _ => libm::sin(PI * t) / (PI * t),
    }
}

/// Kaiser window at u in [-1, 1], 0 outside.
fn kaiser(u: f64) -> f64 {
    if u.abs() > 1.0 { 0.0 } else { bessel_i0(KAISER_BETA * (1.0 - u * u).sqrt()) / bessel_i0(KAISER_BETA) }
}

/// Modified Bessel function of the first kind, order 0, by its power series `sum ((x/2)^k / k!)^2`.
fn bessel_i0(x: f64) -> f64 {
    let (mut term, mut sum) = (1.0, 1.0);
    for k in 1..40 {
        term *= (x / (2.0 * f64::from(k))).powi(2);
        sum += term;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sine(frequency_hz: f64, rate_hz: f64, n: usize) -> Vec<f32> {
        (0..n).map(|i| (0.5 * (2.0 * PI * frequency_hz * i as f64 / rate_hz).sin()) as f32).collect()
    }

    /// Runs in blocks, as the audio path does.
    fn run(resampler: &mut Resampler, x: &[f32]) -> Vec<f32> {
        let mut y = Vec::new();
        for block in x.chunks(480) {
            let mut out = vec![0.0; resampler.max_output_frames(block.len())];
            let n = resampler.process(block, &mut out);
            y.extend_from_slice(&out[..n * resampler.n_channels]);
        }
        y
    }

    /// Error of `y` against a 0.5 sine of `frequency` cycles per sample with free phase and gain, in dB below it.
    fn residual_db(y: &[f32], frequency: f64) -> f64 {
        let (mut c, mut s) = (0.0, 0.0);
        let n = y.len() as f64;
        let angle = |i: usize| 2.0 * PI * frequency * i as f64;
        for (i, &y) in y.iter().enumerate() {
            c += 2.0 / n * f64::from(y) * angle(i).cos();
            s += 2.0 / n * f64::from(y) * angle(i).sin();
        }
        let error: f64 =
            y.iter().enumerate().map(|(i, &y)| (f64::from(y) - c * angle(i).cos() - s * angle(i).sin()).powi(2)).sum();
        10.0 * ((c * c + s * s) * n / 2.0 / error).log10()
    }

    #[test]
    fn a_ratio_of_one_returns_the_input_bit_for_bit() {
        let x: Vec<f32> =
            (0..5_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 8) as f32 / 8_388_608.0 - 1.0).collect();
        let mut resampler = Resampler::new(2, 48_000, 48_000).expect("legal");
        let y = run(&mut resampler, &x);
        let delay = 2 * resampler.delay_frames();
        assert_eq!(y.len(), x.len());
        assert!(y[..delay].iter().all(|&y| y == 0.0));
        assert_eq!(&y[delay..], &x[..x.len() - delay]);
    }

    #[test]
    fn after_a_correction_samples_pass_as_they_are_again() {
        let x: Vec<f32> = (0..96_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 8) as f32 / 16_777_216.0).collect();
        for correction in [250e-6, -170e-6] {
            let mut resampler = Resampler::new(1, 48_000, 48_000).expect("legal");
            resampler.correct(correction);
            let mut y = run(&mut resampler, &x[..24_000]);
            assert!(y[2_000..2_100] != x[2_000 - 24..2_100 - 24], "it is resampled");
            for block in x[24_000..].chunks(480) {
                // As the bridge does, at every round.
                resampler.correct(0.0);
                y.extend(run(&mut resampler, block));
            }
            assert!(x.len().abs_diff(y.len()) <= 8, "{} of {} frames", y.len(), x.len());
            let tail = &y[y.len() - 48_000..];
            assert!(x.windows(tail.len()).any(|window| window == tail), "{correction}");
        }
    }

    #[test]
    fn three_hundred_ppm_keep_a_sine_clean() {
        // Measured: 99.9, 99.4 and 91.2 dB; the f32 kernel limits the first two, the edge of its pass band the third.
        for (frequency_hz, least_db) in [(997.0, 95.0), (9_997.0, 95.0), (17_997.0, 85.0)] {
            let mut resampler = Resampler::new(1, 48_000, 48_000).expect("legal");
            resampler.correct(300e-6);
            let y = run(&mut resampler, &sine(frequency_hz, 48_000.0, 48_480));
            // 48 480 / 1.0003 = 48 465.46
            assert!(y.len().abs_diff(48_465) <= 1, "{} frames", y.len());
            let frequency = frequency_hz / 48_000.0 * 1.0003;
            // A whole number of periods is not needed: the record is long, its ends weigh 1/n.
            let db = residual_db(&y[480..], frequency);
            assert!(db > least_db, "{frequency_hz} Hz: {db} dB");
        }
    }

    #[test]
    fn changing_the_rate_removes_what_the_lower_rate_cannot_carry() {
        let mut resampler = Resampler::new(1, 96_000, 32_000).expect("legal");
        let y = run(&mut resampler, &sine(30_000.0, 96_000.0, 9_600));
        let rms = (y[100..].iter().map(|y| y * y).sum::<f32>() / (y.len() - 100) as f32).sqrt();
        assert_eq!(y.len(), 3_200);
        assert!(rms < 0.5 * 1e-3, "30 kHz folds to 2 kHz with {rms}");
    }

    #[test]
    fn impossible_ratios_are_refused() {
        assert!(Resampler::new(0, 48_000, 48_000).is_err());
        assert!(Resampler::new(1, 0, 48_000).is_err());
        assert!(Resampler::new(1, 48_000, 0).is_err());
        assert!(Resampler::new(1, 384_000, 8_000).is_err());
    }
}
