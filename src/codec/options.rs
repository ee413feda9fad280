//! What a user asks of an encoder, and the length and size of the file that comes out.

use super::{
    choice::{bit_table::BitTable, psychoacoustics::EarModel},
    format::{
        codebooks::Codebooks,
        container::{GROUP_SAMPLES_LIMIT, Header},
        frame::LOG2_DB,
        reconstruction::BandQuantizer,
    },
};
use crate::{Error, Result};
use std::{fmt::Display, ops::RangeInclusive};

/// Superframes of a group: 4.1 s at 48 kHz. A restart each 2 s would cost 1 % more rate, each second 2 % more.
const GROUP_SUPERFRAMES: u64 = 48;

/// Samples per second that are encoded.
pub const SAMPLE_RATES_HZ: RangeInclusive<u32> = 8_000..=192_000;

/// The target of a file.
///
/// ```
/// use sqnr::{codec::Target, generate, recipe::CodecRequest, task::codec_round_trip};
///
/// let tone = generate::signal(Default::default())?;
/// let request = CodecRequest { target: Target::Snr(40.0), ..CodecRequest::default() };
/// let done = codec_round_trip(&tone, None, &request)?;
/// assert!((done.quantized.snr_db().unwrap() - 40.0).abs() < 1.0);
/// # Ok::<(), sqnr::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Target {
    /// Constant quality Q, 0..=10: 5 is about 106 kbit/s for stereo music, 3 about 70.
    Quality(f32),
    /// kbit/s of the whole file, container included, 1..=100 000; met within 1 % where the source allows.
    Bitrate(f64),
    /// Signal-to-noise ratio of the decoded samples in dB, 0..=120, with white noise; met within 0.05 dB, as near as
    /// the signal allows: for a few pure tones at a low SNR the SNR jumps with the step.
    Snr(f64),
    /// Noise-to-mask ratio of the whole file in dB, -60..=20, as [`Column::nmr_db`](super::Column::nmr_db) measures it;
    /// 0 is about quality 0. A file that lies mostly under the threshold of hearing may not reach every ratio.
    Nmr(f64),
    /// So many bits per coefficient in each band.
    BitsPerBand(BitTable),
}

impl Target {
    pub(super) fn check(self) -> Result<()> {
        match self {
            Self::Quality(quality) => Goal::Quality(quality).check(),
            Self::Bitrate(kbps) => check("bit rate in kbit/s", kbps, 1.0, 100_000.0),
            Self::Snr(snr_db) => check("SNR in dB", snr_db, 0.0, 120.0),
            Self::Nmr(nmr_db) => check("noise-to-mask ratio in dB", nmr_db, -60.0, 20.0),
            Self::BitsPerBand(_) => Ok(()),
        }
    }
}

fn check<T: PartialOrd + Display + Copy>(name: &'static str, value: T, low: T, high: T) -> Result<()> {
    match (low..=high).contains(&value) {
        true => Ok(()),
        false => Err(Error::invalid(name, value, format!("{low} to {high}"))),
    }
}

/// The goal of one pass of the encoder.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Goal {
    /// Constant quality Q, 0..=10: 5 is about 106 kbit/s for stereo music, 3 about 70.
    Quality(f32),
    /// The noise target itself, q in dB relative to the masking curve, -80..=0.
    NoiseTarget(f32),
    /// White noise of this power per sample in dBFS, -160..=250, for the least mean square error: zeros stay zeros.
    WhiteNoise(f32),
    /// So many bits per coefficient in each band: zeros stay zeros, no mid/side.
    BitsPerBand(BitTable),
}

/// Range of the power of white noise, dBFS: floats may lie far beyond full scale.
pub(super) const WHITE_NOISE_DB: (f32, f32) = (-160.0, 250.0);

impl Goal {
    /// q in dB of a quality on the scale of 0 to 10.
    pub fn quality_db(quality: f32) -> f32 {
        -18.0 - 2.4 * quality
    }

    /// White noise asks for one exact step size, and levels come in 3 dB: what is between them.
    fn fine_gain(self) -> u8 {
        match self {
            Self::WhiteNoise(power_db) => {
                let level = f64::from(power_db) / LOG2_DB + 12.0_f64.log2();
                // half a unit less, so that rounding the level never falls to the next one
                ((level - level.floor()) * 256.0) as u8
            }
            Self::Quality(_) | Self::NoiseTarget(_) | Self::BitsPerBand(_) => 0,
        }
    }

    fn check(self) -> Result<()> {
        match self {
            Self::Quality(q) => check("quality", q, 0.0, 10.0),
            Self::NoiseTarget(q) => check("noise target in dB", q, -80.0, 0.0),
            Self::WhiteNoise(power) => check("noise in dBFS", power, WHITE_NOISE_DB.0, WHITE_NOISE_DB.1),
            Self::BitsPerBand(_) => Ok(()),
        }
    }
}

/// Options of an encoder.
///
/// ```
/// use sqnr::codec::{EncoderOptions, Target};
///
/// let options = EncoderOptions { target: Target::Quality(7.0), ..EncoderOptions::new(44_100, 2) };
/// assert_eq!(options.header()?.channels, 2);
/// // Rates outside 8 to 192 kHz are refused.
/// assert!(EncoderOptions::new(4_000, 2).header().is_err());
/// # Ok::<(), sqnr::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct EncoderOptions {
    /// Samples per second, 8000..=192 000.
    pub sample_rate_hz: u32,
    /// 1..=255.
    pub channels: u8,
    /// Speaker mask of WAVE_FORMAT_EXTENSIBLE, 0 when none is stated.
    pub channel_mask: u32,
    /// Samples per channel, when known beforehand: then the header states it.
    pub samples: Option<u64>,
    /// The target of the file.
    pub target: Target,
    /// The quantizer of the coefficients.
    pub band_quantizer: BandQuantizer,
    /// The codebooks of [`BandQuantizer::LloydMax`], from [`design_codebooks`](super::design_codebooks).
    pub codebooks: Codebooks,
    /// Bands that start above this are silent, in Hz.
    pub max_bandwidth_hz: f32,
    /// Loudness of the whole file, from [`measure_loudness`](super::measure_loudness); without it the
    /// encoder measures the first group.
    pub loudness: Option<f32>,
    /// Bit depth of the original, 0 when unknown; for information alone.
    pub bits: u8,
    /// `KEY=value` pairs for the header.
    pub tags: Vec<(String, String)>,
    /// The constants of the noise target.
    pub ear: EarModel,
}

impl EncoderOptions {
    /// Quality 5, nothing known of the input but this.
    pub fn new(sample_rate_hz: u32, channels: u8) -> Self {
        Self {
            sample_rate_hz,
            channels,
            channel_mask: 0,
            samples: None,
            target: Target::Quality(5.0),
            band_quantizer: BandQuantizer::Uniform,
            codebooks: Codebooks::default(),
            max_bandwidth_hz: f32::INFINITY,
            loudness: None,
            bits: 0,
            tags: Vec::new(),
            ear: EarModel::default(),
        }
    }

    /// The goal of the only pass of these options.
    ///
    /// # Errors
    /// `InvalidParameter` for a target that takes several passes: a bit rate, an SNR, a noise-to-mask ratio.
    pub fn goal(&self) -> Result<Goal> {
        match self.target {
            Target::Quality(quality) => Ok(Goal::Quality(quality)),
            Target::BitsPerBand(table) => Ok(Goal::BitsPerBand(table)),
            target => Err(Error::invalid("target of one pass", format!("{target:?}"), "a quality or bits per band")),
        }
    }

    /// The header of a file encoded so in one pass.
    ///
    /// # Errors
    /// `InvalidParameter` for an option out of its range, or a target that takes several passes.
    pub fn header(&self) -> Result<Header> {
        self.header_with(self.goal()?)
    }

    /// The header of a file encoded so, in a pass with this goal.
    ///
    /// # Errors
    /// `InvalidParameter` for a goal or an option out of its range.
    pub(super) fn header_with(&self, goal: Goal) -> Result<Header> {
        goal.check()?;
        if !SAMPLE_RATES_HZ.contains(&self.sample_rate_hz) {
            return Err(Error::invalid("sample rate", self.sample_rate_hz, "8000 to 192000 Hz"));
        }
        let log2_superframe = (0.0853 * f64::from(self.sample_rate_hz)).log2().round() as u8;
        let superframe_of_all = u64::from(self.channels.max(1)) << log2_superframe;
        let header = Header {
            sample_rate_hz: self.sample_rate_hz,
            channels: self.channels,
            channel_mask: self.channel_mask,
            samples: self.samples,
            // many channels make shorter groups, for the sake of memory
            group_superframes: GROUP_SUPERFRAMES.min(GROUP_SAMPLES_LIMIT / 2 / superframe_of_all).max(1) as u8,
            log2_superframe,
            has_noise: !matches!(goal, Goal::WhiteNoise(_) | Goal::BitsPerBand(_)),
            band_quantizer: self.band_quantizer,
            codebooks: self.codebooks.clone(),
            fine_gain: goal.fine_gain(),
            target_db: match goal {
                Goal::Quality(q) => Goal::quality_db(q),
                Goal::NoiseTarget(db) | Goal::WhiteNoise(db) => db,
                Goal::BitsPerBand(_) => 0.0,
            },
            bits: self.bits,
            tags: self.tags.clone(),
        };
        header.check().map(|()| header)
    }
}

/// Length and size of an encoded file.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Summary {
    /// Samples per channel.
    pub samples: u64,
    /// Bytes of the whole file.
    pub bytes: u64,
    /// NaN samples that became 0, and infinite ones that became full scale.
    pub invalid_samples: u64,
    /// Seconds of audio.
    pub duration_s: f64,
}

impl Summary {
    /// Bits of the whole file per second of audio, in kbit/s; 0 for an empty file.
    pub fn bitrate_kbps(&self) -> f64 {
        if self.duration_s > 0.0 { self.bytes as f64 * 0.008 / self.duration_s } else { 0.0 }
    }
}
