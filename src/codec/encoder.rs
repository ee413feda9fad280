//! Samples to `.sqn` bytes: groups are cut off the stream, begun as they come, and written in order.

use super::{
    choice::{
        bit_table::BitTable,
        block_analysis::Target,
        codebook_design::MagnitudeCounts,
        group_encoder::{EncodeJob, GroupEncoder, MARGIN_SUPERFRAMES},
        loudness::LoudnessMeter,
        psychoacoustics::EarModel,
    },
    format::{
        codebooks::Codebooks,
        container::{GROUP_SAMPLES_LIMIT, GroupHeader, Header, end_record},
        reconstruction::BandQuantizer,
        syntax::Layout,
    },
};
use crate::{
    Error, Result,
    parallel::{self, Task},
};
use std::{collections::VecDeque, io::Write, ops::RangeInclusive, sync::Arc};

/// At most this many groups are begun at once, which bounds the memory.
const MOST_BEGUN: usize = 16;

/// Superframes of a group: 4.1 s at 48 kHz. A restart each 2 s would cost 1 % more rate, each second 2 % more.
const GROUP_SUPERFRAMES: u64 = 48;

/// Samples per second that are encoded.
pub const SAMPLE_RATES_HZ: RangeInclusive<u32> = 8_000..=192_000;

/// dB of a factor of two in power.
const LOG2_DB: f64 = 3.010_299_956_639_812;

/// What the bits are spent for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Goal {
    /// Constant quality Q, 0..=10: 5 is about 106 kbit/s for stereo music, 3 about 70.
    Quality(f32),
    /// The noise target itself, q in dB relative to the masking curve, -80..=0.
    NoiseTarget(f32),
    /// White noise of this power per sample in dBFS, -160..=0, for the least mean square error: no noise is put in
    /// place of zeros.
    WhiteNoise(f32),
    /// So many bits per coefficient in each band: no noise is put in place of zeros, no mid/side.
    BitsPerBand(BitTable),
}

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
        let check = |name, value: f32, low: f32, high: f32| match (low..=high).contains(&value) {
            true => Ok(()),
            false => Err(Error::invalid(name, value, format!("{low} to {high}"))),
        };
        match self {
            Self::Quality(q) => check("quality", q, 0.0, 10.0),
            Self::NoiseTarget(q) => check("noise target in dB", q, -80.0, 0.0),
            Self::WhiteNoise(power) => check("noise in dBFS", power, -160.0, 0.0),
            Self::BitsPerBand(_) => Ok(()),
        }
    }
}

/// How a file is to be encoded.
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
    /// What the bits are spent for.
    pub goal: Goal,
    /// The quantizer of the coefficients.
    pub band_quantizer: BandQuantizer,
    /// The codebooks of [`BandQuantizer::LloydMax`], from [`design_codebooks`](super::design_codebooks).
    pub codebooks: Codebooks,
    /// Bands that start above this are silent, in Hz.
    pub max_bandwidth_hz: f32,
    /// Loudness of the whole file, from [`measure_loudness`](super::measure_loudness); without it that of the first
    /// group is taken.
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
            goal: Goal::Quality(5.0),
            band_quantizer: BandQuantizer::Uniform,
            codebooks: Codebooks::default(),
            max_bandwidth_hz: f32::INFINITY,
            loudness: None,
            bits: 0,
            tags: Vec::new(),
            ear: EarModel::default(),
        }
    }

    /// The header of a file encoded so.
    ///
    /// # Errors
    /// `InvalidParameter` for an option out of its range.
    pub fn header(&self) -> Result<Header> {
        self.goal.check()?;
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
            has_noise: !matches!(self.goal, Goal::WhiteNoise(_) | Goal::BitsPerBand(_)),
            band_quantizer: self.band_quantizer,
            codebooks: self.codebooks.clone(),
            fine_gain: self.goal.fine_gain(),
            target_db: match self.goal {
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

/// What became of a file.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Summary {
    /// Samples per channel.
    pub samples: u64,
    /// Bytes of the whole file.
    pub bytes: u64,
    /// NaN and infinite samples that became 0.
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

/// Encodes a stream of samples in constant memory.
pub struct Encoder<W> {
    sink: W,
    header: Header,
    goal: Goal,
    loudness: Option<f32>,
    layout: Arc<Layout>,
    options: EncoderOptions,
    /// Groups begun, the oldest first.
    begun: VecDeque<Task<GroupTask>>,
    most_begun: usize,
    idle: Vec<GroupTask>,
    /// Planar, from [`MARGIN_SUPERFRAMES`] before the next group on.
    pcm: Vec<Vec<f32>>,
    samples: u64,
    groups_begun: u32,
    invalid_samples: u64,
    bytes: u64,
    offsets: Vec<u64>,
}

/// A group being encoded, with the samples it needs.
struct GroupTask {
    encoder: GroupEncoder,
    /// Planar, with a margin on both sides.
    pcm: Vec<Vec<f32>>,
    /// Samples per channel of the group.
    samples: usize,
}

impl<W: Write> Encoder<W> {
    /// Writes the header to `sink`.
    ///
    /// # Errors
    /// `InvalidParameter` for an option out of its range, `Io`.
    pub fn new(mut sink: W, options: &EncoderOptions) -> Result<Self> {
        let header = options.header()?;
        let bytes = header.to_bytes()?;
        sink.write_all(&bytes).map_err(Error::stream)?;
        let layout = Arc::new(header.layout());
        let margin = MARGIN_SUPERFRAMES * header.superframe_samples();
        Ok(Self {
            sink,
            goal: options.goal,
            loudness: options.loudness,
            options: options.clone(),
            begun: VecDeque::new(),
            most_begun: parallel::tasks_in_flight(MOST_BEGUN),
            idle: Vec::new(),
            layout,
            pcm: vec![vec![0.0; margin]; usize::from(header.channels)],
            samples: 0,
            groups_begun: 0,
            invalid_samples: 0,
            bytes: bytes.len() as u64,
            offsets: Vec::new(),
            header,
        })
    }

    /// What the file says of itself.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Takes in samples, planar, full scale 1.0. NaN and infinities become 0 and are counted.
    ///
    /// # Errors
    /// `LengthMismatch` when there is not one slice of equal length for each channel, `Io`.
    pub fn push<C: AsRef<[f32]>>(&mut self, channels: &[C]) -> Result<()> {
        let lengths = |what, expected, got| Err(Error::LengthMismatch { what, expected, got });
        if channels.len() != self.pcm.len() {
            return lengths("channels given to the encoder", self.pcm.len(), channels.len());
        }
        let len = channels[0].as_ref().len();
        if let Some(other) = channels.iter().map(|c| c.as_ref().len()).find(|&n| n != len) {
            return lengths("channels given to the encoder", len, other);
        }
        let group = self.header.group_samples();
        let mut done = 0;
        while done < len {
            let n = group.min(len - done);
            for (pcm, channel) in self.pcm.iter_mut().zip(channels) {
                let finite = |&x: &f32| if x.is_finite() { x } else { 0.0 };
                let part = &channel.as_ref()[done..done + n];
                self.invalid_samples += part.iter().filter(|x| !x.is_finite()).count() as u64;
                pcm.extend(part.iter().map(finite));
            }
            done += n;
            self.samples += n as u64;
            self.begin_full_groups()?;
        }
        Ok(())
    }

    /// Encodes what is left, writes the end record, and returns the sink's summary.
    ///
    /// # Errors
    /// `LengthMismatch` when the options stated another number of samples, `Io`.
    pub fn finish(mut self) -> Result<Summary> {
        self.encode_rest()?;
        let end = end_record(&self.offsets, self.samples);
        self.write(&end)?;
        self.sink.flush().map_err(Error::stream)?;
        let duration_s = self.samples as f64 / f64::from(self.header.sample_rate_hz);
        let (samples, bytes, invalid_samples) = (self.samples, self.bytes, self.invalid_samples);
        Ok(Summary { samples, bytes, invalid_samples, duration_s })
    }

    /// Encodes what is left, and returns what the codebooks of the file should be designed on.
    pub(super) fn finish_counting(mut self) -> Result<MagnitudeCounts> {
        self.encode_rest()?;
        let mut all = MagnitudeCounts::new();
        let counts = self.idle.iter().filter_map(|task| task.encoder.quantizer.counts.as_ref());
        counts.for_each(|counts| all.add(counts));
        Ok(all)
    }

    /// Encodes what is left.
    fn encode_rest(&mut self) -> Result<()> {
        if let Some(stated) = self.header.samples.filter(|&n| n != self.samples) {
            let (expected, got) = (stated as usize, self.samples as usize);
            return Err(Error::LengthMismatch { what: "samples stated and given", expected, got });
        }
        let (n, group) = (self.header.superframe_samples(), self.header.group_samples());
        let mut left = (self.samples - u64::from(self.groups_begun) * group as u64) as usize;
        let whole = left.next_multiple_of(n) + 2 * MARGIN_SUPERFRAMES * n;
        self.pcm.iter_mut().for_each(|x| x.resize(whole, 0.0));
        while left > 0 {
            let samples = left.min(group);
            self.begin_group(samples, samples == left)?;
            left -= samples;
        }
        while !self.begun.is_empty() {
            self.end_oldest_group()?;
        }
        Ok(())
    }

    /// Begins groups while there are samples for one and for what it looks ahead.
    fn begin_full_groups(&mut self) -> Result<()> {
        let group = self.header.group_samples();
        let margin = MARGIN_SUPERFRAMES * self.header.superframe_samples();
        // strictly more: the last group must know that it is the last
        while self.pcm[0].len() > group + 2 * margin {
            self.begin_group(group, false)?;
        }
        Ok(())
    }

    /// Begins the group of the next `samples`, and drops them.
    fn begin_group(&mut self, samples: usize, is_last: bool) -> Result<()> {
        while self.begun.len() >= self.most_begun {
            self.end_oldest_group()?;
        }
        let target = self.target();
        let n_superframes = samples.div_ceil(self.header.superframe_samples());
        let reach = (n_superframes + 2 * MARGIN_SUPERFRAMES) * self.header.superframe_samples();
        let mut task = self.idle.pop().unwrap_or_else(|| self.new_task());
        task.samples = samples;
        task.encoder.job = EncodeJob { origin: 0, n_superframes, is_first: self.groups_begun == 0, is_last };
        for (copy, x) in task.pcm.iter_mut().zip(&mut self.pcm) {
            copy.clear();
            copy.extend_from_slice(&x[..reach]);
            x.drain(..samples);
        }
        self.groups_begun += 1;
        self.begun.push_back(Task::start(task, move |task| task.encoder.run(&task.pcm, target)));
        Ok(())
    }

    fn new_task(&self) -> GroupTask {
        GroupTask {
            encoder: GroupEncoder::new(Arc::clone(&self.layout), &self.header, &self.options),
            pcm: vec![Vec::new(); self.pcm.len()],
            samples: 0,
        }
    }

    /// Waits for the group begun first, and writes it.
    fn end_oldest_group(&mut self) -> Result<()> {
        let Some(task) = self.begun.pop_front() else { return Ok(()) };
        let task = task.join();
        let number = self.offsets.len() as u32;
        let bytes = GroupHeader::frame(number, task.samples as u32, &task.encoder.payload);
        self.offsets.push(self.bytes);
        self.idle.push(task);
        self.write(&bytes)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.bytes += bytes.len() as u64;
        self.sink.write_all(bytes).map_err(Error::stream)
    }

    fn target(&mut self) -> Target {
        let quality_db = match self.goal {
            Goal::Quality(q) => Goal::quality_db(q),
            Goal::NoiseTarget(db) => db,
            Goal::BitsPerBand(table) => return Target::Bits(table),
            Goal::WhiteNoise(db) => return Target::White { log2_power: (f64::from(db) / LOG2_DB) as f32 },
        };
        let group = usize::from(self.header.group_superframes);
        let loudness = *self.loudness.get_or_insert_with(|| loudness_of_first_group(&self.layout, group, &self.pcm));
        Target::Ear { quality_db, loudness }
    }
}

/// Loudness of the first group, which does not depend on how much more has come already.
fn loudness_of_first_group(layout: &Layout, n_superframes: usize, pcm: &[Vec<f32>]) -> f32 {
    let n = layout.superframe_samples;
    let mut meter = LoudnessMeter::new(layout.tables.clone(), n);
    for x in pcm {
        let start = MARGIN_SUPERFRAMES * n - n / 2;
        let end = x.len() - (MARGIN_SUPERFRAMES * n - n / 2);
        x[start..end].windows(2 * n).step_by(n).take(n_superframes).for_each(|x| meter.push(x));
    }
    meter.loudness()
}
