//! Everything but WAV, through symphonia: packets to blocks of planar samples.

use symphonia::core::{
    audio::{Channels, GenericAudioBufferRef},
    codecs::audio::{AudioCodecId, AudioCodecParameters, AudioDecoder, AudioDecoderOptions, well_known as codecs},
    errors::Error as SymphoniaError,
    formats::{
        FormatOptions, FormatReader, TrackType,
        probe::{Hint, Probe, ProbeOptions},
    },
    io::{MediaSource, MediaSourceStream},
    meta::{MetadataOptions, StandardTag},
};

use super::{Blocks, Fidelity, Info, edit_list::Edit, not_audio};
use crate::{
    Error, Result,
    wav::{MAX_CHANNELS, Metadata, SampleFormat, Spec},
};

/// How far junk before the first frame is searched for one: beyond this a file is not taken for audio. MP3 files begin
/// with padding of a few kilobytes at most.
const PROBE_DEPTH_BYTES: u32 = 16 * 1024;

/// A file being decoded.
pub(super) struct Decoder {
    format: Box<dyn FormatReader>,
    decoder: Box<dyn AudioDecoder>,
    parameters: AudioCodecParameters,
    track_id: u32,
    info: Info,
    metadata: Metadata,
    warnings: Vec<String>,
    /// Decoded and not yet handed out, from `start`.
    pending: Vec<Vec<f64>>,
    start: usize,
    /// Frames that the encoder put before the first and that are still to be passed over.
    priming: u64,
    /// Whether the declared length is where the sound ends, rather than a guess.
    is_trimmed: bool,
    frames_given: u64,
    broken_packets: u64,
    has_ended: bool,
}

impl Decoder {
    pub(super) fn open(source: Box<dyn MediaSource>, edit: Option<Edit>) -> Result<Self> {
        let mut opened = Self::new(probe(source)?)?;
        // The first packet shows what the header only claims.
        opened.decode_more()?;
        if opened.info.spec.channels == 0 {
            return Err(Error::Malformed { what: "not one packet of it could be decoded".into(), at_byte: 0 });
        }
        if let Some(edit) = edit.filter(|edit| edit.time_scale_hz == opened.info.spec.sample_rate_hz) {
            opened.apply(edit);
        }
        Ok(opened)
    }

    /// A decoder that has decoded nothing yet: rate and channels are still 0.
    fn new(mut format: Box<dyn FormatReader>) -> Result<Self> {
        let track = format.default_track(TrackType::Audio).ok_or_else(not_audio)?;
        let (track_id, n_frames) = (track.id, track.num_frames);
        let parameters = track.codec_params.as_ref().and_then(|p| p.audio()).ok_or_else(not_audio)?;
        let decoder = symphonia::default::get_codecs()
            .make_audio_decoder(parameters, &AudioDecoderOptions::default())
            .map_err(|_| unknown_codec(parameters.codec, format.format_info().long_name))?;
        let parameters = decoder.codec_params().clone();
        let (codec, fidelity) = codec_name(parameters.codec, decoder.codec_info().short_name);
        let spec = Spec { sample_rate_hz: 0, channels: 0, channel_mask: None, sample_format: SampleFormat::FLOAT32 };
        let container = container_name(format.format_info().short_name);
        Ok(Self {
            metadata: Metadata::from_info(&info_entries(format.as_mut())),
            info: Info { container, codec, spec, n_frames, fidelity, unsupported_frames: 0 },
            format,
            decoder,
            parameters,
            track_id,
            warnings: vec![],
            pending: vec![],
            start: 0,
            priming: 0,
            is_trimmed: false,
            frames_given: 0,
            broken_packets: 0,
            has_ended: false,
        })
    }

    pub(super) fn info(&self) -> Info {
        self.info.clone()
    }
}

impl Decoder {
    /// Leaves out what the encoder added before and after.
    fn apply(&mut self, edit: Edit) {
        self.priming = edit.start;
        let rest = self.info.n_frames.map(|n| n.saturating_sub(edit.start));
        self.info.n_frames = match (rest, edit.length) {
            (Some(rest), Some(length)) => Some(rest.min(length)),
            (rest, length) => rest.or(length),
        };
        self.is_trimmed = true;
        self.pass_over_priming();
    }

    fn pass_over_priming(&mut self) {
        let n = self.n_pending().min(self.priming as usize);
        self.start += n;
        self.priming -= n as u64;
    }

    fn n_pending(&self) -> usize {
        self.pending.first().map_or(0, Vec::len) - self.start
    }

    /// Decodes packets until there are new samples or the end is reached.
    fn decode_more(&mut self) -> Result<()> {
        while !self.has_ended && self.n_pending() == 0 {
            let packet = match self.format.next_packet() {
                Ok(Some(packet)) if packet.track_id == self.track_id => packet,
                Ok(Some(_)) => continue,
                Ok(None) => return self.end(None),
                Err(error) => return self.end(Some(error)),
            };
            self.start = 0;
            self.pending.iter_mut().for_each(Vec::clear);
            match self.decoder.decode(&packet) {
                Ok(buffer) if self.info.spec.channels == 0 => {
                    self.info.spec = first_spec(&buffer, &self.parameters, self.info.fidelity)?;
                    buffer.copy_to_vecs_planar(&mut self.pending);
                }
                Ok(buffer) if buffer.num_planes() == usize::from(self.info.spec.channels) => {
                    buffer.copy_to_vecs_planar(&mut self.pending);
                }
                Ok(_) => {
                    self.warnings.push("the number of channels changes; read up to there".into());
                    self.has_ended = true;
                }
                Err(SymphoniaError::DecodeError(_)) => self.broken_packets += 1,
                Err(SymphoniaError::IoError(source)) if source.kind() == std::io::ErrorKind::UnexpectedEof => {
                    self.broken_packets += 1;
                }
                Err(error) => return self.end(Some(error)),
            }
            self.pass_over_priming();
        }
        Ok(())
    }

    /// Notes what is missing; an error of the system is passed on.
    fn end(&mut self, reason: Option<SymphoniaError>) -> Result<()> {
        self.has_ended = true;
        self.start = 0;
        self.pending.iter_mut().for_each(Vec::clear);
        match reason {
            Some(SymphoniaError::IoError(source)) if source.kind() != std::io::ErrorKind::UnexpectedEof => {
                return Err(Error::stream(source));
            }
            Some(SymphoniaError::ResetRequired) => {
                self.warnings.push("another stream begins within the file; read up to there".into());
            }
            Some(SymphoniaError::IoError(_)) => self.warnings.push("the file ends early; read what is there".into()),
            Some(error) => self.warnings.push(format!("damaged from here on ({error}); read up to there")),
            None => {}
        }
        if self.broken_packets > 0 {
            self.warnings.push(format!("{} packets could not be decoded and are left out", self.broken_packets));
        }
        if let Some(declared) = self.info.n_frames.filter(|&n| n > self.frames_given) {
            let there = self.frames_given;
            self.warnings.push(format!("the header declares {declared} samples per channel, {there} are there"));
        }
        Ok(())
    }

    /// Makes samples ready; returns how many frames wait, at most `max_frames`, 0 at the end.
    fn prepare(&mut self, max_frames: usize) -> Result<usize> {
        if max_frames == 0 {
            return Err(Error::invalid("max_frames", 0, "1 and above"));
        }
        self.decode_more()?;
        let n = self.n_pending().min(max_frames);
        let Some(n_frames) = self.info.n_frames.filter(|_| self.is_trimmed) else {
            return Ok(n);
        };
        let left = n_frames.saturating_sub(self.frames_given);
        if left == 0 && !self.has_ended {
            self.end(None)?;
        }
        Ok(n.min(usize::try_from(left).unwrap_or(usize::MAX)))
    }

    fn consume(&mut self, n_frames: usize) {
        self.start += n_frames;
        self.frames_given += n_frames as u64;
    }

    /// Hands out interleaved samples, each through `convert`.
    fn read_interleaved<T>(&mut self, out: &mut [T], convert: impl Fn(f64) -> T) -> Result<usize> {
        let n_channels = usize::from(self.info.spec.channels);
        let n = self.prepare(out.len() / n_channels)?;
        for (c, channel) in self.pending.iter().enumerate() {
            let places = out.iter_mut().skip(c).step_by(n_channels);
            places.zip(&channel[self.start..self.start + n]).for_each(|(place, &x)| *place = convert(x));
        }
        self.consume(n);
        Ok(n)
    }
}

impl Blocks for Decoder {
    fn read_planar(&mut self, block: &mut Vec<Vec<f64>>, max_frames: usize) -> Result<usize> {
        block.resize_with(usize::from(self.info.spec.channels), Vec::new);
        block.iter_mut().for_each(Vec::clear);
        let n = self.prepare(max_frames)?;
        for (out, channel) in block.iter_mut().zip(&self.pending) {
            out.extend_from_slice(&channel[self.start..self.start + n]);
        }
        self.consume(n);
        Ok(n)
    }

    fn read_f32(&mut self, out: &mut [f32]) -> Result<usize> {
        self.read_interleaved(out, |x| x as f32)
    }

    fn read_codes(&mut self, out: &mut [i32]) -> Result<usize> {
        let format = self.info.spec.sample_format;
        if !format.has_codes() {
            return Err(Error::Unsupported { what: format!("integer codes of {format} samples; read amplitudes") });
        }
        // The amplitude of a code of at most 32 bits is exact in double precision, and so is the way back.
        let half_range = (1_u64 << (format.valid_bits() - 1)) as f64;
        self.read_interleaved(out, |x| (x * half_range) as i32)
    }

    fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    fn warnings(&self) -> &[String] {
        &self.warnings
    }
}

/// Finds out what format this is.
fn probe(source: Box<dyn MediaSource>) -> Result<Box<dyn FormatReader>> {
    let options = ProbeOptions { max_probe_depth: PROBE_DEPTH_BYTES, ..Default::default() };
    let mut probe = Probe::new_with_options(&options);
    symphonia::default::register_enabled_formats(&mut probe);
    let stream = MediaSourceStream::new(source, Default::default());
    probe.probe(&Hint::new(), stream, FormatOptions::default(), MetadataOptions::default()).map_err(|error| match error
    {
        SymphoniaError::IoError(source) if source.kind() != std::io::ErrorKind::UnexpectedEof => Error::stream(source),
        _ => not_audio(),
    })
}

/// What the first decoded packet shows.
fn first_spec(
    buffer: &GenericAudioBufferRef<'_>,
    parameters: &AudioCodecParameters,
    fidelity: Fidelity,
) -> Result<Spec> {
    let (n_channels, limit) = (buffer.num_planes(), u64::from(MAX_CHANNELS));
    if n_channels == 0 || n_channels as u64 > limit {
        return Err(Error::LimitExceeded { what: "the number of channels", value: n_channels as u64, limit });
    }
    let sample_rate_hz = buffer.spec().rate();
    if sample_rate_hz == 0 {
        return Err(Error::Malformed { what: "the sample rate is 0".into(), at_byte: 0 });
    }
    let channel_mask = match buffer.spec().channels() {
        // The first 18 positions are those of WAVEFORMATEXTENSIBLE.
        Channels::Positioned(positions) if positions.bits() < 1 << 18 => Some(positions.bits() as u32),
        _ => None,
    };
    Ok(Spec {
        sample_rate_hz,
        channels: n_channels as u16,
        channel_mask,
        sample_format: stored_format(buffer, parameters, fidelity),
    })
}

/// The sample format that holds what was decoded without loss.
fn stored_format(
    buffer: &GenericAudioBufferRef<'_>,
    parameters: &AudioCodecParameters,
    fidelity: Fidelity,
) -> SampleFormat {
    if fidelity == Fidelity::Lossy {
        return SampleFormat::FLOAT32;
    }
    let bits_of_type = match buffer {
        GenericAudioBufferRef::F32(_) => return SampleFormat::FLOAT32,
        GenericAudioBufferRef::F64(_) => return SampleFormat::FLOAT64,
        GenericAudioBufferRef::U8(_) | GenericAudioBufferRef::S8(_) => 8,
        GenericAudioBufferRef::U16(_) | GenericAudioBufferRef::S16(_) => 16,
        GenericAudioBufferRef::U24(_) | GenericAudioBufferRef::S24(_) => 24,
        GenericAudioBufferRef::U32(_) | GenericAudioBufferRef::S32(_) => 32,
    };
    let declared = parameters.bits_per_sample.or(parameters.bits_per_coded_sample);
    let bits = declared.or_else(|| alac_bits(parameters)).unwrap_or(bits_of_type);
    SampleFormat::integer(bits.min(bits_of_type)).unwrap_or(SampleFormat::FLOAT64)
}

/// Bits of an ALAC stream: byte 5 of its ALACSpecificConfig (Apple, ALAC magic cookie description).
fn alac_bits(parameters: &AudioCodecParameters) -> Option<u32> {
    let cookie = parameters.extra_data.as_ref().filter(|_| parameters.codec == codecs::CODEC_ID_ALAC)?;
    cookie.get(5).map(|&bits| u32::from(bits))
}

fn container_name(short_name: &str) -> String {
    match short_name {
        "ogg" => "Ogg".into(),
        "isomp4" => "MP4".into(),
        "matroska" => "Matroska".into(),
        "wave" => "WAV".into(),
        "aac" => "ADTS".into(),
        other => other.to_ascii_uppercase(),
    }
}

/// The codec's name, and whether it gives back what was encoded.
fn codec_name(id: AudioCodecId, short_name: &str) -> (String, Fidelity) {
    let known = [
        (codecs::CODEC_ID_FLAC, "FLAC", Fidelity::Lossless),
        (codecs::CODEC_ID_ALAC, "ALAC", Fidelity::Lossless),
        (codecs::CODEC_ID_MP1, "MP1", Fidelity::Lossy),
        (codecs::CODEC_ID_MP2, "MP2", Fidelity::Lossy),
        (codecs::CODEC_ID_MP3, "MP3", Fidelity::Lossy),
        (codecs::CODEC_ID_VORBIS, "Vorbis", Fidelity::Lossy),
        (codecs::CODEC_ID_AAC, "AAC", Fidelity::Lossy),
        (codecs::CODEC_ID_ADPCM_MS, "Microsoft ADPCM", Fidelity::Lossy),
        (codecs::CODEC_ID_ADPCM_IMA_WAV, "IMA ADPCM", Fidelity::Lossy),
        (codecs::CODEC_ID_ADPCM_IMA_QT, "IMA ADPCM", Fidelity::Lossy),
        (codecs::CODEC_ID_PCM_ALAW, "A-law", Fidelity::Lossless),
        (codecs::CODEC_ID_PCM_MULAW, "mu-law", Fidelity::Lossless),
    ];
    if let Some((_, name, fidelity)) = known.into_iter().find(|(known, ..)| *known == id) {
        return (name.into(), fidelity);
    }
    let is_pcm = short_name.starts_with("pcm");
    if is_pcm { ("PCM".into(), Fidelity::Lossless) } else { (short_name.into(), Fidelity::Lossy) }
}

fn unknown_codec(id: AudioCodecId, format: &str) -> Error {
    let known = [
        (codecs::CODEC_ID_OPUS, "Opus"),
        (codecs::CODEC_ID_SPEEX, "Speex"),
        (codecs::CODEC_ID_AC3, "Dolby AC-3"),
        (codecs::CODEC_ID_EAC3, "Dolby Digital Plus"),
        (codecs::CODEC_ID_WAVPACK, "WavPack"),
        (codecs::CODEC_ID_WMA, "Windows Media Audio"),
        (codecs::CODEC_ID_DCA, "DTS"),
    ];
    let name = known.iter().find(|(known, _)| *known == id).map_or("unknown", |(_, name)| name);
    Error::Unsupported { what: format!("the codec ({name}, in a file of type {format}) is none that sqnr decodes") }
}

/// The tags that LIST/INFO has codes for.
fn info_entries(format: &mut dyn FormatReader) -> Vec<([u8; 4], String)> {
    let mut entries: Vec<([u8; 4], String)> = Vec::new();
    let mut metadata = format.metadata();
    let Some(revision) = metadata.skip_to_latest() else {
        return entries;
    };
    for tag in revision.media.tags.iter().filter_map(|tag| tag.std.as_ref()) {
        let Some((id, text)) = info_entry(tag) else { continue };
        if entries.iter().all(|(known, _)| *known != id) {
            entries.push((id, text));
        }
    }
    entries
}

fn info_entry(tag: &StandardTag) -> Option<([u8; 4], String)> {
    let (id, text) = match tag {
        StandardTag::TrackTitle(text) => (b"INAM", text.to_string()),
        StandardTag::Artist(text) => (b"IART", text.to_string()),
        StandardTag::Album(text) => (b"IPRD", text.to_string()),
        StandardTag::Comment(text) => (b"ICMT", text.to_string()),
        StandardTag::Copyright(text) => (b"ICOP", text.to_string()),
        StandardTag::Genre(text) => (b"IGNR", text.to_string()),
        StandardTag::Engineer(text) => (b"IENG", text.to_string()),
        StandardTag::Encoder(text) => (b"ISFT", text.to_string()),
        StandardTag::RecordingDate(text) | StandardTag::ReleaseDate(text) => (b"ICRD", text.to_string()),
        StandardTag::RecordingYear(year) | StandardTag::ReleaseYear(year) => (b"ICRD", year.to_string()),
        StandardTag::TrackNumber(number) => (b"ITRK", number.to_string()),
        _ => return None,
    };
    Some((*id, text))
}
