//! An input as the codec reads it.

use std::path::Path;

use sqnr::{
    Error,
    audio_file::{Info, Source},
    codec::PcmSource,
};

use super::{
    exit::Failure,
    inputs::Input,
    progress::FileProgress,
    sink,
    source::{self, Passes, Rereadable},
};

/// An input as the codec reads it: several times, planar.
pub struct Pcm<'a> {
    input: &'a Input,
    file: Rereadable<'a>,
    source: Source<'static>,
    pub info: Info,
    interleaved: Vec<f32>,
    done: u64,
    progress: &'a FileProgress<'a>,
    /// Why reopening failed, in the command line's words.
    failure: Option<Failure>,
}

/// Frames read at once.
const BLOCK_FRAMES: usize = 1 << 14;

impl<'a> Pcm<'a> {
    /// An input at its start.
    pub fn new(input: &'a Input, progress: &'a FileProgress<'a>) -> Result<Self, Failure> {
        Self::of(input, Rereadable::new(input, Passes::Several)?, progress)
    }

    /// The same of an input that was made ready before.
    pub fn of(input: &'a Input, file: Rereadable<'a>, progress: &'a FileProgress<'a>) -> Result<Self, Failure> {
        let source = file.open()?;
        let info = source.info().clone();
        let interleaved = vec![0.0; BLOCK_FRAMES * usize::from(info.spec.channels)];
        Ok(Self { input, file, source, info, interleaved, done: 0, progress, failure: None })
    }

    /// The number of frames really there, counted: a header may say anything.
    pub fn known_length(&self) -> Result<Option<u64>, Failure> {
        let mut source = self.file.open()?;
        let mut block = self.interleaved.clone();
        let mut total = 0;
        loop {
            match source.read_f32(&mut block) {
                Ok(0) => return Ok(Some(total)),
                Ok(n) => total += n as u64,
                Err(error) => return Err(source::unreadable(self.input, error)),
            }
        }
    }
}

impl Pcm<'_> {
    /// The file in its present pass: tags and warnings.
    pub fn source(&self) -> &Source<'static> {
        &self.source
    }

    /// Keeps a failure in the command line's words; the error returned only ends the library's work.
    fn note(&mut self, failure: Failure) -> Error {
        let what = failure.to_string();
        self.failure = Some(failure);
        Error::Unsupported { what }
    }

    /// The input opened once more, beside this one.
    pub fn open_again(&mut self) -> sqnr::Result<Source<'static>> {
        self.file.open().map_err(|failure| self.note(failure))
    }

    /// What an error of the library means to the user: one of reading, of writing to `output`, or of the values given.
    pub fn failure(&mut self, error: Error, output: &Path) -> Failure {
        match (self.failure.take(), error) {
            (Some(failure), _) => failure,
            (None, error @ Error::Io { .. }) => sink::unwritable(output, error),
            (None, error) => Failure::compute(&self.input.path, error),
        }
    }
}

impl PcmSource for Pcm<'_> {
    fn rewind(&mut self) -> sqnr::Result<()> {
        self.done = 0;
        match self.file.open() {
            Ok(source) => {
                self.source = source;
                Ok(())
            }
            Err(failure) => Err(self.note(failure)),
        }
    }

    fn read(&mut self, channels: &mut Vec<Vec<f32>>) -> sqnr::Result<usize> {
        let read = self.source.read_f32(&mut self.interleaved);
        let n = read.map_err(|error| self.note(source::unreadable(self.input, error)))?;
        let n_channels = usize::from(self.info.spec.channels);
        channels.resize_with(n_channels, Vec::new);
        for (c, channel) in channels.iter_mut().enumerate() {
            channel.clear();
            channel.extend(self.interleaved[..n * n_channels].iter().skip(c).step_by(n_channels));
        }
        self.done += n as u64;
        self.progress.at(self.done, self.info.n_frames, self.info.spec.sample_rate_hz);
        Ok(n)
    }
}
