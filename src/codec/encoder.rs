//! Samples to `.sqn` bytes.
//!
//! ```text
//! stream of samples -> groups with margins -> group encoders on all threads, in order -> bytes, index
//! ```

use super::{
    choice::{
        block_analysis::NoiseRule,
        codebook_design::MagnitudeCounts,
        group_encoder::{EncodeJob, GroupEncoder, MARGIN_SUPERFRAMES},
        loudness::LoudnessMeter,
    },
    format::{
        container::{GroupHeader, Header, end_record},
        frame::LOG2_DB,
        syntax::Layout,
    },
    options::{EncoderOptions, Goal, Summary},
    source::finite,
};
use crate::{Error, Result, parallel::InOrder};
use std::{io::Write, sync::Arc};

/// The largest sample that is encoded, 240 dB above full scale: powers of spectra stay far within 32-bit floats, and the
/// steps of bands that large within the levels of the format.
const MOST_MAGNITUDE: f32 = (1u64 << 40) as f32;
/// At most this many groups are encoded at once, which bounds the memory.
const MOST_BEGUN: usize = 16;

/// Encodes a stream of samples in constant memory.
///
/// ```
/// use sqnr::codec::{Encoder, EncoderOptions, Target};
///
/// let options = EncoderOptions { target: Target::Quality(3.0), ..EncoderOptions::new(48_000, 1) };
/// let (mut file, one_second) = (Vec::new(), (0..48_000).map(|i| (i as f32 * 0.05).sin() * 0.5).collect::<Vec<f32>>());
/// let mut encoder = Encoder::new(&mut file, &options)?;
/// encoder.push(&[one_second])?;
/// let summary = encoder.finish()?;
/// // Far below the 768 kbit/s of 16 bits.
/// assert!(summary.samples == 48_000 && summary.bitrate_kbps() < 76.8);
/// # Ok::<(), sqnr::Error>(())
/// ```
pub struct Encoder<W> {
    sink: W,
    header: Arc<Header>,
    goal: Goal,
    loudness: Option<f32>,
    layout: Arc<Layout>,
    groups: InOrder<GroupEncoder, Group, Group>,
    spare: Vec<Group>,
    /// Planar, from [`MARGIN_SUPERFRAMES`] before the next group on.
    pcm: Vec<Vec<f32>>,
    samples: u64,
    groups_begun: u32,
    invalid_samples: u64,
    bytes: u64,
    offsets: Vec<u64>,
}

impl<W> std::fmt::Debug for Encoder<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Encoder")
            .field("header", &self.header)
            .field("goal", &self.goal)
            .field("samples", &self.samples)
            .finish_non_exhaustive()
    }
}

/// A group to encode, and its bytes once it is encoded.
struct Group {
    job: EncodeJob,
    rule: NoiseRule,
    /// Samples per channel of the group.
    samples: usize,
    /// Planar, with a margin on both sides.
    pcm: Vec<Vec<f32>>,
    payload: Vec<u8>,
}

impl Group {
    fn encode(encoder: &mut GroupEncoder, mut group: Self) -> Self {
        group.payload = encoder.run(group.job, group.rule, &group.pcm, group.payload);
        group
    }
}

impl<W: Write> Encoder<W> {
    /// An encoder for a target that takes one pass. Writes the header to `sink`.
    ///
    /// # Errors
    /// `InvalidParameter` for an option out of its range, or a target that takes several passes: these are
    /// [`encode`](super::encode)'s. `Io`.
    pub fn new(sink: W, options: &EncoderOptions) -> Result<Self> {
        Self::with_goal(sink, options, options.goal()?)
    }

    /// An encoder with this goal, whatever the options' target. Writes the header to `sink`.
    ///
    /// # Errors
    /// `InvalidParameter` for a goal or an option out of its range, `Io`.
    pub fn with_goal(mut sink: W, options: &EncoderOptions, goal: Goal) -> Result<Self> {
        let header = Arc::new(options.header_with(goal)?);
        let bytes = header.to_bytes()?;
        sink.write_all(&bytes).map_err(Error::stream)?;
        let layout = Arc::new(header.layout());
        let new_worker = new_worker(Arc::clone(&layout), Arc::clone(&header), options);
        let margin = MARGIN_SUPERFRAMES * header.superframe_samples();
        Ok(Self {
            sink,
            goal,
            loudness: options.loudness,
            groups: InOrder::new(MOST_BEGUN, new_worker, Group::encode),
            spare: Vec::new(),
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

    /// The header of the file.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Encodes the next samples, planar, full scale 1.0. NaN becomes 0 and infinity full
    /// scale; both are counted.
    ///
    /// # Errors
    /// `LengthMismatch` when there is not one slice of equal length for each channel, `InvalidParameter` for a finite sample
    /// beyond +-2^40, `Io`.
    pub fn push<C: AsRef<[f32]>>(&mut self, channels: &[C]) -> Result<()> {
        let lengths = |what, expected, got| Err(Error::LengthMismatch { what, expected, got });
        if channels.len() != self.pcm.len() {
            return lengths("channels given to the encoder", self.pcm.len(), channels.len());
        }
        let len = channels[0].as_ref().len();
        if let Some(other) = channels.iter().map(|c| c.as_ref().len()).find(|&n| n != len) {
            return lengths("channels given to the encoder", len, other);
        }
        check_magnitudes(channels)?;
        let group = self.header.group_samples();
        let mut done = 0;
        while done < len {
            let n = group.min(len - done);
            for (pcm, channel) in self.pcm.iter_mut().zip(channels) {
                let part = &channel.as_ref()[done..done + n];
                self.invalid_samples += part.iter().filter(|x| !x.is_finite()).count() as u64;
                pcm.extend(part.iter().copied().map(finite));
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

    /// Encodes what is left, and returns the magnitudes that codebooks can be designed on.
    pub(super) fn finish_counting(mut self) -> Result<MagnitudeCounts> {
        self.encode_rest()?;
        let mut all = MagnitudeCounts::new();
        let counts = self.groups.idle_workers().iter().filter_map(GroupEncoder::magnitude_counts);
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
        while self.write_oldest_group()? {}
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
        if self.groups.is_full() {
            self.write_oldest_group()?;
        }
        let n_superframes = samples.div_ceil(self.header.superframe_samples());
        let reach = (n_superframes + 2 * MARGIN_SUPERFRAMES) * self.header.superframe_samples();
        let job = EncodeJob { n_superframes, is_first: self.groups_begun == 0, is_last };
        let rule = self.rule();
        let (mut pcm, payload) = match self.spare.pop() {
            Some(spare) => (spare.pcm, spare.payload),
            None => (vec![Vec::new(); self.pcm.len()], Vec::new()),
        };
        for (copy, x) in pcm.iter_mut().zip(&mut self.pcm) {
            copy.clear();
            copy.extend_from_slice(&x[..reach]);
            x.drain(..samples);
        }
        self.groups_begun += 1;
        self.groups.push(Group { job, rule, samples, pcm, payload });
        Ok(())
    }

    /// Waits for the group begun first, and writes it; false when there is none.
    fn write_oldest_group(&mut self) -> Result<bool> {
        let Some(group) = self.groups.pop() else { return Ok(false) };
        let number = self.offsets.len() as u32;
        let bytes = GroupHeader::frame(number, group.samples as u32, &group.payload);
        self.offsets.push(self.bytes);
        self.spare.push(group);
        self.write(&bytes).map(|()| true)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.bytes += bytes.len() as u64;
        self.sink.write_all(bytes).map_err(Error::stream)
    }

    /// The rule of the next group.
    fn rule(&mut self) -> NoiseRule {
        let quality_db = match self.goal {
            Goal::Quality(q) => Goal::quality_db(q),
            Goal::NoiseTarget(db) => db,
            Goal::BitsPerBand(table) => return NoiseRule::Bits(table),
            Goal::WhiteNoise(db) => return NoiseRule::White { log2_power: (f64::from(db) / LOG2_DB) as f32 },
        };
        let group = usize::from(self.header.group_superframes);
        let loudness = *self.loudness.get_or_insert_with(|| loudness_of_first_group(&self.layout, group, &self.pcm));
        NoiseRule::Ear { quality_db, loudness }
    }
}

/// # Errors
/// `InvalidParameter` for a finite sample that is larger than the levels of the format reach.
fn check_magnitudes<C: AsRef<[f32]>>(channels: &[C]) -> Result<()> {
    let mut samples = channels.iter().flat_map(|channel| channel.as_ref());
    match samples.find(|x| x.is_finite() && x.abs() > MOST_MAGNITUDE) {
        Some(x) => {
            Err(Error::invalid("sample", format!("{x:e}"), "-2^40 to 2^40 times full scale; scale the audio down"))
        }
        None => Ok(()),
    }
}

fn new_worker(layout: Arc<Layout>, header: Arc<Header>, options: &EncoderOptions) -> impl Fn() -> GroupEncoder + use<> {
    let (ear, max_bandwidth_hz) = (options.ear.clone(), options.max_bandwidth_hz);
    move || GroupEncoder::new(Arc::clone(&layout), &header, &ear, max_bandwidth_hz)
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
