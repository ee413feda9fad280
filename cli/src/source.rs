//! Opens an input, once or for several passes.

use std::{
    fs::File,
    io::{self, Read, Write},
    path::Path,
    sync::Arc,
};

use sqnr::{
    Error,
    audio_file::{self, Source},
};

use super::{
    exit::Failure,
    inputs::{self, Input},
};

/// Opens `input` for one pass.
pub fn open(input: &Input) -> Result<Source<'static>, Failure> {
    if input.is_stdin() {
        return audio_file::open_stream(io::stdin()).map_err(|error| unreadable(input, error));
    }
    audio_file::open(&input.path).map_err(|error| unreadable(input, error))
}

/// The failure of an input that could not be opened or read.
pub fn unreadable(input: &Input, error: Error) -> Failure {
    match error {
        Error::Io { source, .. } if source.kind() == io::ErrorKind::NotFound => inputs::missing(&input.path),
        error if input.is_stdin() => Failure::input(Path::new("standard input"), error),
        error => Failure::input(&input.path, error),
    }
}

/// How often a command reads its input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passes {
    /// As it comes.
    One,
    /// From the start again; a pipe is kept in a temporary file for that.
    Several,
}

/// An input ready for as many passes as were asked for.
#[derive(Clone)]
pub enum Rereadable<'a> {
    /// Opened by its name each time.
    Direct(&'a Input),
    /// What came out of a pipe, in a file without a name.
    Spooled(Arc<File>),
}

impl<'a> Rereadable<'a> {
    /// Makes `input` ready for `passes`.
    pub fn new(input: &'a Input, passes: Passes) -> Result<Self, Failure> {
        let is_pipe = input.is_stdin() || (input.path.exists() && !input.path.is_file() && !input.path.is_dir());
        if passes == Passes::One || !is_pipe {
            return Ok(Self::Direct(input));
        }
        let mut spool = tempfile::tempfile().map_err(|error| Failure::output(&std::env::temp_dir(), error))?;
        let copied = match input.is_stdin() {
            true => io::copy(&mut io::stdin().lock(), &mut spool),
            false => File::open(&input.path).and_then(|mut pipe| io::copy(&mut pipe, &mut spool)),
        };
        copied.and_then(|_| spool.flush()).map_err(|error| unreadable(input, Error::stream(error)))?;
        Ok(Self::Spooled(Arc::new(spool)))
    }

    /// Opens it from the start.
    pub fn open(&self) -> Result<Source<'static>, Failure> {
        match self {
            Self::Direct(input) => open(input),
            Self::Spooled(file) => {
                let stream = Positioned { file: Arc::clone(file), at: 0 };
                audio_file::open_stream(stream).map_err(|error| Failure::input(Path::new("standard input"), error))
            }
        }
    }
}

/// A reader with a position of its own: the spool is read by several at once.
struct Positioned {
    file: Arc<File>,
    at: u64,
}

impl Read for Positioned {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        #[cfg(unix)]
        let n = std::os::unix::fs::FileExt::read_at(&*self.file, out, self.at)?;
        #[cfg(windows)]
        let n = std::os::windows::fs::FileExt::seek_read(&*self.file, out, self.at)?;
        self.at += n as u64;
        Ok(n)
    }
}
