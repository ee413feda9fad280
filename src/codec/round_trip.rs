//! Encodes and decodes a stream at once, with a fixed delay: the sound of the codec, live.
//!
//! ```text
//! frames -> superframe -> group of one superframe -> decoder -> overlap with the one before -> frames
//!              ^ q                   |
//!              +---- rate control <--+ bytes
//! ```
//!
//! Superframes are a quarter as long as in a file, and each is a group of its own, a packet that stands alone. Both
//! cost rate: the figure heard live is a lower bound of what a file of that rate is worth.

use super::{
    choice::{
        block_analysis::NoiseRule,
        group_encoder::{EncodeJob, GroupEncoder, MARGIN_SUPERFRAMES},
        loudness::LoudnessMeter,
    },
    format::{container::Header, synthesis::GroupSamples},
    group_decoder::{GroupDecoder, GroupJob},
    options::EncoderOptions,
};
use crate::{Error, Result};
use std::{collections::VecDeque, fmt, ops::RangeInclusive, sync::Arc};

/// Length of a superframe in seconds, about: 1024 samples at 48 kHz.
const SUPERFRAME_S: f64 = 0.0213;

/// Rates that can be asked for, in kbit/s for all channels together.
pub const BITRATES_KBPS: RangeInclusive<f64> = 8.0..=1_000.0;

/// Time constant of the loudness that the noise target follows.
const LOUDNESS_S: f64 = 3.0;

/// Time constant of the measured rate.
const RATE_S: f64 = 0.7;

/// Noise target for a doubling of the rate, in dB: the slope of the codec's rate over q from 34 to 198 kbit/s.
const DB_PER_OCTAVE: f64 = 7.9;

/// Noise target in dB for 34 kbit/s a pair of channels, where the control starts from.
const START: (f64, f64) = (34.0, -20.0);

/// Part of the error that the control takes back each superframe: settled after about a second.
const CONTROL: f64 = 0.06;

/// The codec at a chosen rate, both ends at once, with a fixed delay.
///
/// ```
/// use sqnr::codec::RoundTrip;
///
/// let mut codec = RoundTrip::new(48_000, 1, 96.0)?;
/// let x: Vec<f32> = (0..48_000).map(|i| 0.5 * (0.05 * i as f32).sin()).collect();
/// let mut y = vec![0.0; x.len()];
/// codec.process(&x, &mut y);
/// let delay = codec.delay_frames();
/// assert!((delay + 5_000..40_000).all(|i| (y[i] - x[i - delay]).abs() < 0.05));
/// # Ok::<(), sqnr::Error>(())
/// ```
pub struct RoundTrip {
    superframe: usize,
    sample_rate_hz: f64,
    bitrate_kbps: f64,
    encoder: GroupEncoder,
    decoder: GroupDecoder,
    /// Planar: the superframe to encode with the margins on both sides, as far as they have come.
    pcm: Vec<Vec<f32>>,
    number: u32,
    loudness: LoudnessMeter,
    quality_db: f64,
    measured_kbps: Option<f64>,
    /// Memory for the next packet.
    payload: Vec<u8>,
    /// Decoded, but for its end.
    held: GroupSamples,
    spare: GroupSamples,
    /// Interleaved frames to give out.
    ready: VecDeque<f32>,
}

impl RoundTrip {
    /// The codec for interleaved frames of `channels` at `sample_rate_hz`.
    ///
    /// - `bitrate_kbps`: of all channels, within [`BITRATES_KBPS`]; reached as a mean over a second or so, as far as
    ///   the signal can use it
    ///
    /// # Errors
    /// `InvalidParameter` for a rate out of range, a sample rate outside 8000..=192 000 Hz, or no channels.
    pub fn new(sample_rate_hz: u32, channels: u8, bitrate_kbps: f64) -> Result<Self> {
        if !BITRATES_KBPS.contains(&bitrate_kbps) {
            return Err(Error::invalid("codec bitrate in kbit/s", bitrate_kbps, "8 to 1000"));
        }
        let options = EncoderOptions::new(sample_rate_hz, channels);
        let log2_superframe = (SUPERFRAME_S * f64::from(sample_rate_hz)).log2().round().max(8.0) as u8;
        let header = Header { log2_superframe, group_superframes: 1, ..options.header()? };
        header.check()?;
        let layout = Arc::new(header.layout());
        let (n, n_channels) = (header.superframe_samples(), usize::from(channels));
        let mut trip = Self {
            superframe: n,
            sample_rate_hz: f64::from(sample_rate_hz),
            bitrate_kbps,
            encoder: GroupEncoder::new(Arc::clone(&layout), &header, &options.ear, options.max_bandwidth_hz),
            decoder: GroupDecoder::new(&header, Arc::clone(&layout)),
            pcm: vec![vec![0.0; MARGIN_SUPERFRAMES * n]; n_channels],
            number: 0,
            loudness: LoudnessMeter::new(layout.tables.clone(), n),
            quality_db: start_quality_db(bitrate_kbps, n_channels),
            measured_kbps: None,
            payload: Vec::new(),
            held: GroupSamples::default(),
            spare: GroupSamples::default(),
            ready: VecDeque::with_capacity(3 * n * n_channels),
        };
        trip.ready.resize(trip.delay_frames() * n_channels, 0.0);
        Ok(trip)
    }

    /// Channels of a frame.
    pub fn n_channels(&self) -> usize {
        self.pcm.len()
    }

    /// Frames by which the output is behind the input: the superframe itself, those that its encoder looks ahead at,
    /// and the one whose start its end overlaps.
    pub fn delay_frames(&self) -> usize {
        (1 + MARGIN_SUPERFRAMES + 1) * self.superframe
    }

    /// The rate now, in kbit/s, payload alone; `None` before the first packet.
    pub fn bitrate_kbps(&self) -> Option<f64> {
        self.measured_kbps
    }

    /// Replaces `output` by as many interleaved frames, [`Self::delay_frames`] behind `input`. NaN and infinities
    /// become 0.
    ///
    /// # Panics
    /// When the two differ in length or hold no whole number of frames.
    pub fn process(&mut self, input: &[f32], output: &mut [f32]) {
        assert_eq!(input.len(), output.len(), "input and output have one length");
        assert!(input.len().is_multiple_of(self.n_channels()), "a whole number of frames");
        let part = self.superframe * self.n_channels();
        for (input, output) in input.chunks(part).zip(output.chunks_mut(part)) {
            self.append(input);
            while self.pcm[0].len() >= (2 * MARGIN_SUPERFRAMES + 1) * self.superframe {
                self.code_superframe();
            }
            let n = output.len();
            output.iter_mut().zip(self.ready.drain(..n)).for_each(|(output, y)| *output = y);
        }
    }

    fn append(&mut self, input: &[f32]) {
        let n_channels = self.n_channels();
        for (channel, pcm) in self.pcm.iter_mut().enumerate() {
            let samples = input.iter().skip(channel).step_by(n_channels);
            pcm.extend(samples.map(|&x| if x.is_finite() { x } else { 0.0 }));
        }
    }

    /// One superframe through both ends.
    fn code_superframe(&mut self) {
        self.follow_loudness();
        let rule = NoiseRule::Ear { quality_db: self.quality_db as f32, loudness: self.loudness.loudness() };
        let job = EncodeJob { n_superframes: 1, is_first: self.number == 0, is_last: false };
        let payload = self.encoder.run(job, rule, &self.pcm, std::mem::take(&mut self.payload));
        self.pcm.iter_mut().for_each(|x| drop(x.drain(..self.superframe)));
        self.control_rate(payload.len());
        self.payload = self.decode(payload);
        self.number = self.number.wrapping_add(1);
    }

    /// Decodes a packet; returns the memory that held it.
    fn decode(&mut self, payload: Vec<u8>) -> Vec<u8> {
        let room = std::mem::take(&mut self.spare);
        let (number, samples) = (self.number, self.superframe);
        let group = self.decoder.run(GroupJob { number, samples, payload, is_intact: true, at_byte: 0, room });
        let mut decoded = group.samples;
        if self.number > 0 {
            self.decoder.join(&mut self.held, &mut decoded);
            for i in 0..self.superframe {
                self.ready.extend(self.held.channels.iter().map(|channel| channel[i]));
            }
        }
        self.spare = std::mem::replace(&mut self.held, decoded);
        group.job.payload
    }

    fn follow_loudness(&mut self) {
        let n = self.superframe;
        self.loudness.forget((-(n as f64) / self.sample_rate_hz / LOUDNESS_S).exp());
        let start = MARGIN_SUPERFRAMES * n - n / 2;
        self.pcm.iter().for_each(|x| self.loudness.push(&x[start..start + 2 * n]));
    }

    /// Moves the noise target towards the wanted rate.
    ///
    /// - `bytes`: of the last packet
    fn control_rate(&mut self, bytes: usize) {
        let duration_s = self.superframe as f64 / self.sample_rate_hz;
        let kbps = bytes as f64 * 0.008 / duration_s;
        let weight = 1.0 - (-duration_s / RATE_S).exp();
        let measured = self.measured_kbps.map_or(kbps, |mean| mean + weight * (kbps - mean));
        self.measured_kbps = Some(measured);
        let error_db = DB_PER_OCTAVE * (self.bitrate_kbps / measured).log2();
        self.quality_db = (self.quality_db - CONTROL * error_db).clamp(-80.0, 0.0);
    }
}

/// Without the tables behind it.
impl fmt::Debug for RoundTrip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RoundTrip")
            .field("superframe", &self.superframe)
            .field("bitrate_kbps", &self.bitrate_kbps)
            .field("measured_kbps", &self.measured_kbps)
            .finish_non_exhaustive()
    }
}

fn start_quality_db(bitrate_kbps: f64, n_channels: usize) -> f64 {
    let (kbps, quality_db) = START;
    let kbps_of_pair = bitrate_kbps * 2.0 / n_channels.max(1) as f64;
    (quality_db - DB_PER_OCTAVE * (kbps_of_pair / kbps).log2()).clamp(-80.0, 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tone and noise that swells and fades, interleaved, two channels that differ.
    fn music(n_frames: usize) -> Vec<f32> {
        let mut noise = 1_u32;
        let mut frames = Vec::with_capacity(2 * n_frames);
        for i in 0..n_frames {
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let hiss = noise as f32 / u32::MAX as f32 - 0.5;
            let swell = 0.5 + 0.5 * (i as f32 * 2e-4).sin();
            let tone = 0.3 * (i as f32 * 0.05).sin();
            frames.extend([tone + 0.1 * swell * hiss, 0.6 * tone - 0.05 * hiss]);
        }
        frames
    }

    fn run(trip: &mut RoundTrip, x: &[f32], block: usize) -> Vec<f32> {
        let mut y = vec![0.0; x.len()];
        x.chunks(block).zip(y.chunks_mut(block)).for_each(|(x, y)| trip.process(x, y));
        y
    }

    fn snr_db(x: &[f32], y: &[f32]) -> f64 {
        let signal: f64 = x.iter().map(|x| f64::from(*x).powi(2)).sum();
        let error: f64 = x.iter().zip(y).map(|(x, y)| f64::from(y - x).powi(2)).sum();
        10.0 * (signal / error).log10()
    }

    #[test]
    fn the_output_is_the_input_at_the_stated_delay() {
        let x = music(48_000);
        let mut trip = RoundTrip::new(48_000, 2, 256.0).expect("legal");
        let delay = 2 * trip.delay_frames();
        let y = run(&mut trip, &x, 960);
        assert!(y[..delay].iter().all(|y| *y == 0.0), "silence until the first superframe is through");
        let at = |shift: usize| snr_db(&x[20_000..60_000], &y[20_000 + shift..60_000 + shift]);
        assert!(at(delay) > 15.0, "{} dB", at(delay));
        assert!(at(delay) > at(delay - 2) + 3.0 && at(delay) > at(delay + 2) + 3.0, "not a frame off");
    }

    #[test]
    fn blocks_do_not_matter() {
        let x = music(12_000);
        let whole = run(&mut RoundTrip::new(44_100, 2, 96.0).expect("legal"), &x, x.len());
        for block in [2, 254, 4_098] {
            let y = run(&mut RoundTrip::new(44_100, 2, 96.0).expect("legal"), &x, block);
            assert!(y == whole, "blocks of {block} samples");
        }
    }

    #[test]
    fn the_rate_is_reached_and_pays() {
        let x = music(4 * 48_000);
        let mut last_snr = 0.0;
        for kbps in [48.0, 96.0, 192.0] {
            let mut trip = RoundTrip::new(48_000, 2, kbps).expect("legal");
            let y = run(&mut trip, &x, 1_024);
            let measured = trip.bitrate_kbps().expect("packets went through");
            assert!((measured / kbps - 1.0).abs() < 0.1, "{measured} for {kbps} kbit/s");
            let (from, delay) = (96_000, 2 * trip.delay_frames());
            let snr = snr_db(&x[from..from + 200_000], &y[from + delay..from + delay + 200_000]);
            assert!(snr > last_snr + 1.0, "{snr} dB at {kbps} kbit/s, {last_snr} dB below");
            last_snr = snr;
        }
    }

    #[test]
    fn silence_nan_and_one_channel_pass() {
        let mut trip = RoundTrip::new(8_000, 1, 16.0).expect("legal");
        let mut x = vec![0.0; 8_000];
        x[4_000] = f32::NAN;
        x[4_001] = f32::INFINITY;
        let y = run(&mut trip, &x, 333);
        assert!(y.iter().all(|y| y.abs() < 1e-3));
    }

    #[test]
    fn rates_out_of_range_are_refused() {
        for kbps in [0.0, 7.9, 1_001.0, f64::NAN] {
            assert!(RoundTrip::new(48_000, 2, kbps).is_err(), "{kbps}");
        }
        assert!(RoundTrip::new(4_000, 2, 64.0).is_err());
        assert!(RoundTrip::new(48_000, 0, 64.0).is_err());
    }
}
