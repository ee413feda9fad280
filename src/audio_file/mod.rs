//! Opens any audio file: WAV, DSF and `.sqn` by this crate itself, everything else by symphonia (feature `decode`).
//!
//! What a file is shows in its first bytes, never in its name.

#[cfg(feature = "decode")]
mod decoded;
mod dsd;
#[cfg(feature = "decode")]
mod edit_list;
mod encoded;
mod in_memory;
mod reopen;
#[doc(hidden)]
pub mod tag_names;
mod telling;
#[cfg(test)]
mod tests;

use std::{
    fs::File,
    io::{BufReader, Cursor, Read, Seek},
    path::Path,
};

pub use reopen::Reopen;

use crate::{
    Error, Progress, Result, Signal, codec,
    wav::{self, ChunkEntry, Metadata, Spec},
};

/// What a source holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Info {
    /// The file around the samples: "WAV", "RF64", "FLAC", "Ogg", ...
    pub container: String,
    /// How the samples are coded: "PCM", "A-law", "FLAC", "MP3", ...
    pub codec: String,
    /// Rate, channels and sample format. A lossy codec has no sample format of its own: 32-bit float stands there.
    pub spec: Spec,
    /// Samples per channel, `None` when that is not known before the end.
    pub n_frames: Option<u64>,
    /// Whether the codec threw something away.
    pub fidelity: Fidelity,
    /// Samples at each end of a channel that a filter in the reader lacked neighbours for; 0 where there is no filter.
    pub unsupported_frames: u64,
}

/// Whether decoding gives the samples that were encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fidelity {
    /// Bit for bit.
    Lossless,
    /// About.
    Lossy,
}

/// Reads blocks of samples from whatever is behind it, in constant memory.
pub struct Source<'a> {
    blocks: Box<dyn Blocks + Send + 'a>,
    info: Info,
    /// What errors of reading call it; nothing: they come as they are.
    name: Option<String>,
}

/// What the WAV reader and the decoder have in common.
trait Blocks {
    fn read_planar(&mut self, block: &mut Vec<Vec<f64>>, max_frames: usize) -> Result<usize>;
    fn read_f32(&mut self, out: &mut [f32]) -> Result<usize>;
    fn read_codes(&mut self, out: &mut [i32]) -> Result<usize>;
    fn metadata(&self) -> &Metadata;

    fn warnings(&self) -> &[String] {
        &[]
    }

    /// Those of a WAV file; other formats have none.
    fn chunks(&self) -> &[ChunkEntry] {
        &[]
    }
}

/// Opens the file at `path`; a pipe by that name works too.
///
/// ```
/// use sqnr::audio_file;
///
/// let mut source = audio_file::open("testdata/singing.wav".as_ref())?;
/// assert_eq!((source.info().spec.sample_rate_hz, source.info().spec.channels), (44_100, 1));
/// assert_eq!(source.read_to_end()?.len(), 272_243);
/// # Ok::<(), sqnr::Error>(())
/// ```
///
/// # Errors
/// `Io` when the system refuses; `Unsupported` when this is no audio that is read here; `Malformed` when its header is
/// damaged beyond reading.
pub fn open(path: &Path) -> Result<Source<'static>> {
    open_path(path).map_err(|error| with_path(error, path))
}

fn open_path(path: &Path) -> Result<Source<'static>> {
    let mut file = File::open(path).map_err(Error::stream)?;
    if !file.metadata().map_err(Error::stream)?.is_file() {
        return open_stream(file);
    }
    let head = read_head(&mut file)?;
    file.rewind().map_err(Error::stream)?;
    if is_encoded(&head) {
        return encoded::Encoded::open(Box::new(BufReader::new(file))).map(Source::of_encoded);
    }
    if is_dsf(&head) {
        return dsd::Dsd::open(BufReader::new(file)).map(Source::of_dsd);
    }
    if !is_riff(&head) {
        return open_decoded_file(file);
    }
    match wav::Reader::seekable(file) {
        Ok(reader) => Ok(Source::of_wav(reader)),
        // ADPCM, MP3 in a WAV file and the like.
        Err(error @ Error::Unsupported { .. }) => {
            let file = File::open(path).map_err(Error::stream)?;
            open_decoded_file(file).map_err(|_| error)
        }
        Err(error) => Err(error),
    }
}

/// Opens what comes out of a pipe, such as standard input.
///
/// ```
/// use sqnr::{audio_file, wav::{Metadata, SampleFormat, Spec, Writer}};
///
/// let spec = Spec { sample_rate_hz: 8_000, channels: 1, channel_mask: None, sample_format: SampleFormat::INT16 };
/// let mut writer = Writer::seekable(std::io::Cursor::new(Vec::new()), &spec, None, &Metadata::default())?;
/// writer.write_codes(&[0, 8_192])?;
/// let mut source = audio_file::open_stream(std::io::Cursor::new(writer.finish(&[])?.sink.into_inner()))?;
/// assert_eq!(source.info().container, "WAV");
/// assert_eq!(source.read_to_end()?.channels(), [[0.0, 0.25]]);
/// # Ok::<(), sqnr::Error>(())
/// ```
///
/// # Errors
/// As [`open`].
pub fn open_stream(mut input: impl Read + Send + Sync + 'static) -> Result<Source<'static>> {
    let head = read_head(&mut input)?;
    if is_riff(&head) {
        return wav::Reader::stream(Cursor::new(head).chain(input)).map(Source::of_wav);
    }
    if is_encoded(&head) {
        return encoded::Encoded::open(Box::new(Cursor::new(head).chain(input))).map(Source::of_encoded);
    }
    if is_dsf(&head) {
        return dsd::Dsd::open(BufReader::new(Cursor::new(head).chain(input))).map(Source::of_dsd);
    }
    #[cfg(feature = "decode")]
    if needs_seeking(&head) {
        return Err(Error::Unsupported { what: "MP4 and CAF cannot be read from a pipe; name the file itself".into() });
    }
    open_decoded_stream(Cursor::new(head).chain(input))
}

/// The first bytes, which tell what the rest is.
fn read_head(input: &mut impl Read) -> Result<Vec<u8>> {
    let mut head = Vec::new();
    input.take(12).read_to_end(&mut head).map_err(Error::stream)?;
    if head.is_empty() {
        return Err(Error::Malformed { what: "the file is empty".into(), at_byte: 0 });
    }
    Ok(head)
}

fn is_riff(head: &[u8]) -> bool {
    // The last is the beginning of Wave64's GUID.
    let magics: [&[u8]; 5] = [b"RIFF", b"RIFX", b"RF64", b"BW64", b"riff\x2E\x91\xCF\x11"];
    magics.iter().any(|magic| head.starts_with(magic))
}

/// True for what this crate's own codec wrote.
fn is_encoded(head: &[u8]) -> bool {
    head.starts_with(&codec::MAGIC)
}

fn is_dsf(head: &[u8]) -> bool {
    head.starts_with(b"DSD ")
}

/// True for formats whose index may stand at the end: they need a file to go back and forth in.
#[cfg(feature = "decode")]
fn needs_seeking(head: &[u8]) -> bool {
    head.get(4..8) == Some(b"ftyp") || head.starts_with(b"caff")
}

#[cfg(feature = "decode")]
fn open_decoded_file(mut file: File) -> Result<Source<'static>> {
    let edit = edit_list::read(&mut file);
    file.rewind().map_err(Error::stream)?;
    decoded::Decoder::open(Box::new(file), edit).map(Source::of_decoder)
}

#[cfg(feature = "decode")]
fn open_decoded_stream(input: impl Read + Send + Sync + 'static) -> Result<Source<'static>> {
    let source = symphonia::core::io::ReadOnlySource::new(input);
    decoded::Decoder::open(Box::new(source), None).map(Source::of_decoder)
}

#[cfg(not(feature = "decode"))]
fn open_decoded_file(_: File) -> Result<Source<'static>> {
    Err(not_audio())
}

#[cfg(not(feature = "decode"))]
fn open_decoded_stream(_: impl Read) -> Result<Source<'static>> {
    Err(not_audio())
}

/// The error for a file that no reader accepts.
fn not_audio() -> Error {
    let formats = if cfg!(feature = "decode") {
        "WAV, RF64, Wave64, DSF, SQN, FLAC, MP3, Ogg Vorbis, AAC, ALAC, AIFF, CAF"
    } else {
        "WAV, RF64, Wave64, DSF, SQN; this build has no other decoders"
    };
    Error::Unsupported { what: format!("not audio that sqnr reads ({formats})") }
}

/// The same error, an I/O error with the path it lacks.
fn with_path(error: Error, path: &Path) -> Error {
    match error {
        Error::Io { path: None, source } => Error::Io { path: Some(path.into()), source },
        other => other,
    }
}

impl Source<'static> {
    fn of_wav<R: Read + Send + 'static>(reader: wav::Reader<R>) -> Self {
        let spec = *reader.spec();
        let codec = match spec.sample_format.encoding() {
            wav::Encoding::ALaw => "A-law",
            wav::Encoding::MuLaw => "mu-law",
            wav::Encoding::Integer | wav::Encoding::Float => "PCM",
        };
        let info = Info {
            container: reader.container().to_string(),
            codec: codec.into(),
            spec,
            n_frames: reader.n_frames(),
            fidelity: Fidelity::Lossless,
            unsupported_frames: 0,
        };
        Self { blocks: Box::new(reader), info, name: None }
    }

    fn of_encoded(encoded: encoded::Encoded) -> Self {
        let info = encoded.info();
        Self { blocks: Box::new(encoded), info, name: None }
    }

    fn of_dsd<R: Read + Send + 'static>(dsd: dsd::Dsd<R>) -> Self {
        let info = dsd.info();
        Self { blocks: Box::new(dsd), info, name: None }
    }

    #[cfg(feature = "decode")]
    fn of_decoder(decoder: decoded::Decoder) -> Self {
        let info = decoder.info();
        Self { blocks: Box::new(decoder), info, name: None }
    }
}

impl<'a> Source<'a> {
    /// The samples of a signal in memory.
    pub fn of_signal(signal: &'a Signal) -> Self {
        let blocks = in_memory::InMemory::new(signal);
        let info = blocks.info();
        Self { blocks: Box::new(blocks), info, name: None }
    }

    /// The same source; errors of reading become `Error::Input` with `name` from here on.
    pub fn named(self, name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..self }
    }

    /// The same source; `tell` is given all its warnings when it is dropped, so that they reach the user whatever reads.
    ///
    /// ```
    /// use std::sync::Mutex;
    /// use sqnr::audio_file;
    ///
    /// let told = Mutex::new(Vec::new());
    /// let source = audio_file::open("testdata/singing.wav".as_ref())?;
    /// source.telling(|warnings| told.lock().unwrap().extend_from_slice(warnings)).read_to_end()?;
    /// assert!(told.into_inner().unwrap().is_empty());
    /// # Ok::<(), sqnr::Error>(())
    /// ```
    pub fn telling(self, tell: impl Fn(&[String]) + Send + 'a) -> Self {
        Self { blocks: Box::new(telling::Telling::new(self.blocks, tell)), ..self }
    }

    fn named_error(&self, error: Error) -> Error {
        match &self.name {
            Some(name) => error.of_input(name.clone()),
            None => error,
        }
    }

    /// Format, rate, channels, length.
    pub fn info(&self) -> &Info {
        &self.info
    }

    /// Reads up to `max_frames` frames as amplitudes, full scale 1.0, one vector per channel; returns how many came,
    /// 0 at the end and never before. The vectors of `block` are reused and hold exactly that many samples afterwards.
    ///
    /// # Errors
    /// `Io`, and `InvalidParameter` when `max_frames` is 0.
    pub fn read_planar(&mut self, block: &mut Vec<Vec<f64>>, max_frames: usize) -> Result<usize> {
        self.blocks.read_planar(block, max_frames).map_err(|error| self.named_error(error))
    }

    /// Reads interleaved amplitudes into `out`, as many whole frames as there are and fit; returns how many frames came,
    /// 0 at the end. Integers of more than 24 bits and double-precision floats are rounded.
    ///
    /// # Errors
    /// `Io`, and `InvalidParameter` when `out` holds no whole frame.
    pub fn read_f32(&mut self, out: &mut [f32]) -> Result<usize> {
        self.blocks.read_f32(out).map_err(|error| self.named_error(error))
    }

    /// Reads interleaved codes into `out` as [`wav::Reader::read_codes`] does; returns how many frames came, 0 at the
    /// end.
    ///
    /// # Errors
    /// `Io`; `InvalidParameter` when `out` holds no whole frame; `Unsupported` when
    /// `info().spec.sample_format.has_codes()` is false.
    pub fn read_codes(&mut self, out: &mut [i32]) -> Result<usize> {
        self.blocks.read_codes(out).map_err(|error| self.named_error(error))
    }

    /// Hands the rest to `take` block by block, at most `max_frames` samples of each channel at once, none of them empty;
    /// `progress` hears how far it is.
    ///
    /// # Errors
    /// As [`read_planar`](Self::read_planar), and those of `take`.
    pub fn each_block(
        &mut self,
        max_frames: usize,
        progress: &dyn Progress,
        mut take: impl FnMut(&[Vec<f64>]) -> Result<()>,
    ) -> Result<()> {
        let (total, rate) = (self.info.n_frames, self.info.spec.sample_rate_hz);
        let (mut block, mut done) = (Vec::new(), 0);
        loop {
            let n = self.read_planar(&mut block, max_frames)?;
            if n == 0 {
                return Ok(());
            }
            take(&block)?;
            done += n as u64;
            progress.at(done, total, rate);
        }
    }

    /// The whole rest in memory.
    ///
    /// # Errors
    /// `Io`.
    pub fn read_to_end(&mut self) -> Result<Signal> {
        self.read_up_to(usize::MAX)
    }

    /// The next `n_frames` samples of each channel in memory, or what is left of them.
    ///
    /// # Errors
    /// `Io`.
    pub fn read_up_to(&mut self, n_frames: usize) -> Result<Signal> {
        let mut channels = vec![Vec::new(); usize::from(self.info.spec.channels)];
        let (mut block, mut room) = (Vec::new(), n_frames);
        while room > 0 {
            let n = self.read_planar(&mut block, room.min(16_384))?;
            if n == 0 {
                break;
            }
            channels.iter_mut().zip(&block).for_each(|(channel, part)| channel.extend_from_slice(part));
            room -= n;
        }
        Signal::new(self.info.spec.sample_rate_hz, channels)
    }

    /// What the file says beside its samples, as WAV chunks: all of a file, of a pipe what precedes the samples until
    /// the end is reached.
    pub fn metadata(&self) -> &Metadata {
        self.blocks.metadata()
    }

    /// What was wrong and could be lived with, so far: complete at the end.
    pub fn warnings(&self) -> &[String] {
        self.blocks.warnings()
    }

    /// The chunks of a WAV file; empty for other formats.
    pub fn chunks(&self) -> &[ChunkEntry] {
        self.blocks.chunks()
    }
}

impl std::fmt::Debug for Source<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Source").field("info", &self.info).finish_non_exhaustive()
    }
}

impl<R: Read> Blocks for wav::Reader<R> {
    fn read_planar(&mut self, block: &mut Vec<Vec<f64>>, max_frames: usize) -> Result<usize> {
        wav::Reader::read_planar(self, block, max_frames)
    }

    fn read_f32(&mut self, out: &mut [f32]) -> Result<usize> {
        wav::Reader::read_f32(self, out)
    }

    fn read_codes(&mut self, out: &mut [i32]) -> Result<usize> {
        wav::Reader::read_codes(self, out)
    }

    fn metadata(&self) -> &Metadata {
        wav::Reader::metadata(self)
    }

    fn warnings(&self) -> &[String] {
        wav::Reader::warnings(self)
    }

    fn chunks(&self) -> &[ChunkEntry] {
        wav::Reader::chunks(self)
    }
}
