//! `.sqn` for symphonia: a reader of the container and a decoder, so that any player built on symphonia plays it.
//!
//! A packet is one group. Its last half superframe needs the group after it (TDAC), so a packet's sound ends half a
//! superframe before its group and begins as much before it:
//!
//! ```text
//! groups   |  0       |  1       |  2    |
//! packets  | 0      | 1        | 2       |
//! ```
//!
//! Register both with symphonia's own registries:
//!
//! ```
//! use symphonia::core::{codecs::registry::CodecRegistry, formats::probe::Probe};
//!
//! let (mut probe, mut codecs) = (Probe::default(), CodecRegistry::new());
//! probe.register_format::<sqnr::codec::symphonia::SqnReader<'_>>();
//! codecs.register_audio_decoder::<sqnr::codec::symphonia::SqnDecoder>();
//! ```

use super::{
    format::{
        container::{Header, MAGIC, Record, RecordReader},
        stereo,
        synthesis::GroupSamples,
    },
    group_decoder::{DecodedGroup, GroupDecoder, GroupJob},
};
use ::symphonia::core::{
    audio::{AsGenericAudioBufferRef, AudioBuffer, AudioMut, AudioSpec, Channels, GenericAudioBufferRef, Position},
    codecs::{
        CodecInfo, CodecParameters,
        audio::{AudioCodecId, AudioCodecParameters, AudioDecoder, AudioDecoderOptions, FinalizeResult},
        registry::{RegisterableAudioDecoder, SupportedAudioCodec},
    },
    common::FourCc,
    errors::{Error, Result, SeekErrorKind},
    formats::{
        FormatId, FormatInfo, FormatOptions, FormatReader, MediaInfo, SeekMode, SeekTo, SeekedTo, Track,
        probe::{ProbeDataMatchSpec, ProbeFormatData, ProbeableFormat, Score, Scoreable},
    },
    io::{MediaSource, MediaSourceStream, ScopedStream},
    meta::{Metadata, MetadataBuilder, MetadataId, MetadataInfo, MetadataLog, Tag},
    packet::{Packet, PacketRef},
    units::{Duration, Timestamp},
};
use std::sync::Arc;

/// The codec's name among symphonia's.
pub const CODEC_ID_SQN: AudioCodecId = AudioCodecId::new(FourCc::new(*b"SQN1"));

const FORMAT: FormatInfo =
    FormatInfo { format: FormatId::new(FourCc::new(*b"SQN1")), short_name: "sqn", long_name: "SQN transform codec" };

const CODEC: CodecInfo = CodecInfo { short_name: "sqn", long_name: "SQN transform codec", profiles: &[] };

const METADATA: MetadataInfo =
    MetadataInfo { metadata: MetadataId::new(FourCc::new(*b"SQN1")), short_name: "sqn", long_name: "SQN tags" };

/// The one track.
const TRACK: u32 = 0;

fn symphonia_error(error: crate::Error) -> Error {
    match error {
        crate::Error::Io { source, .. } => Error::IoError(source),
        crate::Error::Unsupported { .. } => Error::Unsupported("sqn: another format or version"),
        _ => Error::DecodeError("sqn: the header is damaged"),
    }
}

/// Reads the groups of an `.sqn` file as packets.
pub struct SqnReader<'s> {
    records: RecordReader<MediaSourceStream<'s>>,
    header: Header,
    is_seekable: bool,
    media_info: MediaInfo,
    tracks: Vec<Track>,
    metadata: MetadataLog,
    next_group: u32,
    /// The packet before was the group before, so that the overlap between them can be undone.
    is_continuous: bool,
}

impl std::fmt::Debug for SqnReader<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqnReader")
            .field("header", &self.header)
            .field("next_group", &self.next_group)
            .finish_non_exhaustive()
    }
}

impl<'s> SqnReader<'s> {
    /// A reader at the first group.
    ///
    /// # Errors
    /// `Unsupported` for another format or version, `DecodeError` for a damaged header, `IoError`.
    pub fn try_new(stream: MediaSourceStream<'s>, options: FormatOptions) -> Result<Self> {
        let is_seekable = stream.is_seekable();
        let mut records = RecordReader::new(stream);
        let header = records.header().map_err(symphonia_error)?;
        let mut parameters = AudioCodecParameters::new();
        parameters
            .for_codec(CODEC_ID_SQN)
            .with_sample_rate(header.sample_rate_hz)
            .with_channels(channels(&header))
            .with_max_frames_per_packet((header.group_samples() + header.superframe_samples()) as u64)
            .with_extra_data(header.to_bytes().map_err(symphonia_error)?.into());
        if header.bits > 0 {
            parameters.with_bits_per_coded_sample(header.bits.into());
        }
        let mut track = Track::new(TRACK);
        track.with_codec_params(CodecParameters::Audio(parameters));
        if let Some(samples) = header.samples {
            track.with_num_frames(samples).with_duration(Duration::new(samples));
        }
        let mut tags = MetadataBuilder::new(METADATA);
        for (key, value) in &header.tags {
            tags.add_tag(Tag::new_from_parts(key.as_str(), value.as_str(), None));
        }
        let mut metadata = options.external_data.metadata.unwrap_or_default();
        metadata.push(tags.build());
        Ok(Self {
            media_info: MediaInfo::from_track(&track),
            tracks: vec![track],
            records,
            header,
            is_seekable,
            metadata,
            next_group: 0,
            is_continuous: false,
        })
    }

    /// First sample of a group.
    fn start_of(&self, group: u32) -> u64 {
        u64::from(group) * self.header.group_samples() as u64
    }

    /// First sample that the next packet sounds at.
    fn next_sample(&self) -> u64 {
        let half = self.header.superframe_samples() as u64 / 2;
        match (self.next_group, self.is_continuous) {
            (0, _) => 0,
            (group, true) => self.start_of(group) - half,
            (group, false) => self.start_of(group) + half,
        }
    }
}

/// Speakers of the mask, or channels without a place.
fn channels(header: &Header) -> Channels {
    let n = header.channels;
    let mask = match header.channel_mask {
        0 => stereo::default_mask(n.into()),
        mask => mask,
    };
    // symphonia's first 18 positions are those of WAVE_FORMAT_EXTENSIBLE
    match mask.count_ones() == u32::from(n) && mask < 1 << 18 {
        true => Channels::Positioned(Position::from_bits_truncate(mask.into())),
        false => Channels::Discrete(n.into()),
    }
}

impl Scoreable for SqnReader<'_> {
    fn score(_: ScopedStream<&mut MediaSourceStream<'_>>) -> Result<Score> {
        // four bytes that nothing else begins with
        Ok(Score::Supported(255))
    }
}

impl ProbeableFormat<'_> for SqnReader<'_> {
    fn try_probe_new(stream: MediaSourceStream<'_>, options: FormatOptions) -> Result<Box<dyn FormatReader + '_>> {
        Ok(Box::new(SqnReader::try_new(stream, options)?))
    }

    fn probe_data() -> &'static [ProbeFormatData] {
        const SPEC: ProbeDataMatchSpec =
            ProbeDataMatchSpec { extensions: &["sqn"], mime_types: &["audio/x-sqn"], markers: &[&MAGIC] };
        &[ProbeFormatData { spec: SPEC, info: FORMAT }]
    }
}

impl FormatReader for SqnReader<'_> {
    fn format_info(&self) -> &FormatInfo {
        &FORMAT
    }

    fn media_info(&self) -> &MediaInfo {
        &self.media_info
    }

    fn metadata(&mut self) -> Metadata<'_> {
        self.metadata.metadata()
    }

    fn tracks(&self) -> &[Track] {
        &self.tracks
    }

    fn next_packet(&mut self) -> Result<Option<Packet>> {
        let group = match self.records.record().map_err(symphonia_error)? {
            Record::Group(group) if group.is_plausible(&self.header) && group.number == self.next_group => group,
            Record::End | Record::Nothing => return Ok(None),
            Record::Group(_) | Record::Unknown => {
                return Err(Error::DecodeError("sqn: the head of a group is damaged"));
            }
        };
        let total = group.total_bytes();
        let bytes: Box<[u8]> = self.records.peek(total).map_err(symphonia_error)?.into();
        if bytes.len() < total {
            return Err(Error::IoError(std::io::ErrorKind::UnexpectedEof.into()));
        }
        self.records.consume(total);
        let is_last = !matches!(self.records.record().map_err(symphonia_error)?, Record::Group(_));
        let held_back = if is_last { 0 } else { self.header.superframe_samples() as u64 / 2 };
        let start = self.next_sample();
        let end = self.start_of(group.number) + u64::from(group.samples) - held_back;
        (self.next_group, self.is_continuous) = (group.number + 1, true);
        let duration = Duration::new(end.saturating_sub(start));
        Ok(Some(Packet::new(TRACK, Timestamp::new(start as i64), duration, bytes)))
    }

    fn seek(&mut self, _: SeekMode, to: SeekTo) -> Result<SeekedTo> {
        let out_of_range = Error::SeekError(SeekErrorKind::OutOfRange);
        let required_ts = match to {
            SeekTo::Timestamp { ts, .. } => ts,
            SeekTo::Time { time, .. } => {
                let time_base = self.tracks[0].time_base.ok_or(Error::SeekError(SeekErrorKind::Unseekable))?;
                time_base.calc_timestamp(time).ok_or(Error::SeekError(SeekErrorKind::OutOfRange))?
            }
        };
        let Ok(sample) = u64::try_from(required_ts.get()) else { return Err(out_of_range) };
        if self.header.samples.is_some_and(|n| sample > n) {
            return Err(out_of_range);
        }
        if !self.is_seekable {
            return Err(Error::SeekError(SeekErrorKind::Unseekable));
        }
        // the first half superframe of a group sounds only with the group before
        let half = self.header.superframe_samples() as u64 / 2;
        let mut group = (sample.saturating_sub(half) / self.header.group_samples() as u64) as u32;
        while !self.records.seek_to_group(group).map_err(symphonia_error)? {
            // behind the last group lies at most its own end
            group = group.checked_sub(1).ok_or(Error::SeekError(SeekErrorKind::OutOfRange))?;
        }
        (self.next_group, self.is_continuous) = (group, false);
        let actual_ts = Timestamp::new(self.next_sample() as i64);
        Ok(SeekedTo { track_id: TRACK, required_ts, actual_ts })
    }

    fn into_inner<'s>(self: Box<Self>) -> MediaSourceStream<'s>
    where
        Self: 's,
    {
        self.records.into_inner()
    }
}

/// Decodes the packets of [`SqnReader`].
pub struct SqnDecoder {
    parameters: AudioCodecParameters,
    groups: GroupDecoder,
    superframe_samples: usize,
    /// The group before, whose end waits for its overlap.
    held: Option<(u32, GroupSamples)>,
    buffer: AudioBuffer<f32>,
}

impl std::fmt::Debug for SqnDecoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqnDecoder").field("parameters", &self.parameters).finish_non_exhaustive()
    }
}

impl SqnDecoder {
    /// A decoder for the track that `parameters` describe.
    ///
    /// # Errors
    /// `Unsupported` for other codecs and versions, `DecodeError` when the parameters hold no header.
    pub fn try_new(parameters: &AudioCodecParameters) -> Result<Self> {
        if parameters.codec != CODEC_ID_SQN {
            return Err(Error::Unsupported("sqn: another codec"));
        }
        let extra = parameters.extra_data.as_deref().ok_or(Error::DecodeError("sqn: the header is missing"))?;
        let header = RecordReader::new(extra).header().map_err(symphonia_error)?;
        let spec = AudioSpec::new(header.sample_rate_hz, channels(&header));
        Ok(Self {
            parameters: parameters.clone(),
            groups: GroupDecoder::new(&header, Arc::new(header.layout())),
            superframe_samples: header.superframe_samples(),
            held: None,
            buffer: AudioBuffer::new(spec, header.group_samples() + header.superframe_samples()),
        })
    }

    /// Decodes the group in `packet` into the buffer.
    fn decode_group(&mut self, packet: &PacketRef<'_>) -> Result<()> {
        let damaged = || Error::DecodeError("sqn: a group is damaged");
        let held = self.held.take();
        let mut records = RecordReader::new(packet.data);
        let Record::Group(group) = records.record().map_err(symphonia_error)? else { return Err(damaged()) };
        if packet.data.len() != group.total_bytes() || group.samples as usize > self.buffer.capacity() {
            return Err(damaged());
        }
        let mut payload = Vec::new();
        let whole = records.read_payload(group, &mut payload).map_err(symphonia_error)?;
        whole.ok_or_else(damaged)?;
        let (number, samples) = (group.number, group.samples as usize);
        let job = GroupJob { number, samples, payload, is_intact: true, ..GroupJob::default() };
        let mut decoded = self.groups.run(job);
        if !decoded.is_whole() {
            return Err(damaged());
        }
        let before = held.filter(|(before, _)| before.checked_add(1) == Some(number)).map(|(_, samples)| samples);
        self.fill_buffer(before, &mut decoded, packet.dur.get()).ok_or_else(damaged)?;
        self.held = Some((number, decoded.samples));
        Ok(())
    }

    /// Puts `duration` samples into the buffer: the end of the group before when there is one, then the new group's
    /// without what still waits. None when they are not there.
    fn fill_buffer(&mut self, before: Option<GroupSamples>, group: &mut DecodedGroup, duration: u64) -> Option<()> {
        let half = self.superframe_samples / 2;
        let n = usize::try_from(duration).ok()?;
        let is_first = group.job.number == 0;
        let mut before = before;
        if let Some(before) = &mut before {
            self.groups.join(before, &mut group.samples);
        }
        let tail = if before.is_some() { half } else { 0 };
        let skipped = if is_first || before.is_some() { 0 } else { half };
        let end = (n + skipped).checked_sub(tail).filter(|&end| end <= group.job.samples && end >= skipped)?;
        if n > self.buffer.capacity() {
            return None;
        }
        self.buffer.clear();
        self.buffer.render_silence(Some(n));
        for (c, new) in group.samples.channels.iter().enumerate() {
            let plane = self.buffer.plane_mut(c)?;
            if let Some(before) = &before {
                let x = &before.channels[c];
                plane[..tail].copy_from_slice(&x[x.len() - tail..]);
            }
            plane[tail..].copy_from_slice(&new[skipped..end]);
        }
        Some(())
    }
}

impl AudioDecoder for SqnDecoder {
    fn reset(&mut self) {
        self.held = None;
    }

    fn codec_info(&self) -> &CodecInfo {
        &CODEC
    }

    fn codec_params(&self) -> &AudioCodecParameters {
        &self.parameters
    }

    fn decode_ref(&mut self, packet: &PacketRef<'_>) -> Result<GenericAudioBufferRef<'_>> {
        if let Err(error) = self.decode_group(packet) {
            self.buffer.clear();
            return Err(error);
        }
        Ok(self.buffer.as_generic_audio_buffer_ref())
    }

    fn finalize(&mut self) -> FinalizeResult {
        FinalizeResult::default()
    }

    fn last_decoded(&self) -> GenericAudioBufferRef<'_> {
        self.buffer.as_generic_audio_buffer_ref()
    }
}

impl RegisterableAudioDecoder for SqnDecoder {
    fn try_registry_new(parameters: &AudioCodecParameters, _: &AudioDecoderOptions) -> Result<Box<dyn AudioDecoder>> {
        Ok(Box::new(Self::try_new(parameters)?))
    }

    fn supported_codecs() -> &'static [SupportedAudioCodec] {
        &[SupportedAudioCodec { id: CODEC_ID_SQN, info: CODEC }]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::{Decoder, Encoder, EncoderOptions};
    use ::symphonia::core::{
        codecs::registry::CodecRegistry,
        formats::probe::{Hint, Probe},
        io::{MediaSourceStreamOptions, ReadOnlySource},
        meta::MetadataOptions,
    };
    use std::io::Cursor;

    const GROUP: usize = 48 * 512;

    fn file(n_channels: u8, n: usize) -> Vec<u8> {
        let channels: Vec<Vec<f32>> = (0..n_channels)
            .map(|c| (0..n).map(|i| (i as f32 * (0.03 + 0.01 * f32::from(c))).sin() * 0.4).collect())
            .collect();
        let mut bytes = Vec::new();
        let tags = vec![("TITLE".to_owned(), "a tune".to_owned())];
        let options =
            EncoderOptions { samples: Some(n as u64), tags, bits: 16, ..EncoderOptions::new(8_000, n_channels) };
        let mut encoder = Encoder::new(&mut bytes, &options).expect("legal");
        encoder.push(&channels).expect("memory");
        encoder.finish().expect("memory");
        bytes
    }

    fn ours(bytes: &[u8]) -> Vec<Vec<f32>> {
        let mut decoder = Decoder::new(bytes).expect("its own bytes");
        let mut all = vec![Vec::new(); usize::from(decoder.header().channels)];
        while let Some(block) = decoder.next_block().expect("its own bytes") {
            all.iter_mut().zip(block).for_each(|(all, block)| all.extend(block));
        }
        all
    }

    fn probe(source: Box<dyn MediaSource>) -> Result<Box<dyn FormatReader>> {
        let mut probe = Probe::default();
        probe.register_format::<SqnReader<'_>>();
        let stream = MediaSourceStream::new(source, MediaSourceStreamOptions::default());
        probe.probe(&Hint::new(), stream, FormatOptions::default(), MetadataOptions::default())
    }

    fn decoder(format: &dyn FormatReader) -> Box<dyn AudioDecoder> {
        let mut codecs = CodecRegistry::new();
        codecs.register_audio_decoder::<SqnDecoder>();
        let parameters = format.tracks()[0].codec_params.as_ref().and_then(|p| p.audio()).expect("audio");
        codecs.make_audio_decoder(parameters, &AudioDecoderOptions::default()).expect("registered")
    }

    /// All samples from here on, and the time of the first.
    fn drain(format: &mut dyn FormatReader, decoder: &mut dyn AudioDecoder) -> (i64, Vec<Vec<f32>>) {
        let (mut all, mut first, mut block): (Vec<Vec<f32>>, _, Vec<Vec<f32>>) = (vec![], None, vec![]);
        while let Some(packet) = format.next_packet().expect("its own bytes") {
            first.get_or_insert(packet.pts.get());
            let buffer = decoder.decode(&packet).expect("its own bytes");
            assert_eq!(buffer.frames() as u64, packet.dur.get());
            buffer.copy_to_vecs_planar(&mut block);
            all.resize_with(block.len(), Vec::new);
            all.iter_mut().zip(&block).for_each(|(all, block)| all.extend(block));
        }
        (first.unwrap_or(0), all)
    }

    #[test]
    fn symphonia_decodes_the_same_samples() {
        for (n_channels, n) in [(1, 300), (1, GROUP), (2, 2 * GROUP + 100), (6, GROUP + 5_000)] {
            let bytes = file(n_channels, n);
            let mut format = probe(Box::new(Cursor::new(bytes.clone()))).expect("recognised");
            assert_eq!(format.tracks()[0].num_frames, Some(n as u64));
            let tags = format.metadata().skip_to_latest().expect("tags").media.tags.clone();
            assert_eq!(tags[0].raw.key, "TITLE");
            let mut decoder = decoder(format.as_ref());
            let (first, samples) = drain(format.as_mut(), decoder.as_mut());
            assert!(first == 0 && samples == ours(&bytes), "{n_channels} channels, {n} samples");
        }
    }

    #[test]
    fn seeking_lands_at_or_before_the_sample() {
        let bytes = file(2, 3 * GROUP + 1_000);
        let whole = ours(&bytes);
        let mut format = probe(Box::new(Cursor::new(bytes))).expect("recognised");
        let mut decoder = decoder(format.as_ref());
        for sample in [0, 255, GROUP - 1, GROUP, GROUP + 256, 2 * GROUP + 255, 2 * GROUP + 300, 3 * GROUP + 1_000, 5] {
            let to = SeekTo::Timestamp { ts: Timestamp::new(sample as i64), track_id: TRACK };
            let at = format.seek(SeekMode::Accurate, to).expect("within the file").actual_ts.get();
            decoder.reset();
            assert!(at <= sample as i64 && sample as i64 - at < 2 * GROUP as i64, "{at} for {sample}");
            let (first, samples) = drain(format.as_mut(), decoder.as_mut());
            assert_eq!(first, at);
            assert!(samples.iter().zip(&whole).all(|(part, whole)| part[..] == whole[at as usize..]), "from {at}");
        }
        let beyond = SeekTo::Timestamp { ts: Timestamp::new(1 << 40), track_id: TRACK };
        assert!(matches!(format.seek(SeekMode::Accurate, beyond), Err(Error::SeekError(SeekErrorKind::OutOfRange))));
    }

    #[test]
    fn pipes_play_and_damage_is_an_error() {
        let bytes = file(1, 2 * GROUP);
        let pipe = ReadOnlySource::new(Cursor::new(bytes.clone()));
        let mut format = probe(Box::new(pipe)).expect("recognised");
        let mut from_pipe = decoder(format.as_ref());
        assert_eq!(drain(format.as_mut(), from_pipe.as_mut()).1, ours(&bytes));

        let mut damaged = bytes.clone();
        let middle = bytes.len() / 4;
        damaged[middle] ^= 1;
        let mut format = probe(Box::new(Cursor::new(damaged))).expect("recognised");
        let mut decoder = decoder(format.as_ref());
        let packet = format.next_packet().expect("a head").expect("a group");
        assert!(matches!(decoder.decode(&packet), Err(Error::DecodeError(_))));
        // the group after stands alone, but for its first half superframe
        let packet = format.next_packet().expect("a head").expect("a group");
        assert!(decoder.decode(&packet).is_err() || decoder.last_decoded().frames() > 0);
        assert!(probe(Box::new(Cursor::new(b"SQN1 and nothing".to_vec()))).is_err());
    }
}
