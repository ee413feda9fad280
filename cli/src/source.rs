//! Opens an input, once or for several passes.

use std::{
    fs::File,
    io::{self, Read, Write},
    path::Path,
    sync::Arc,
};

use sqnr::{
    Error,
    audio_file::{self, Reopen, Source},
};

use super::{
    exit::Failure,
    inputs::{self, Input},
    notes,
};

/// Opens `input` for one pass.
pub fn open(input: &Input) -> Result<Source<'static>, Failure> {
    open_unnamed(input).map(|source| noting(source, input)).map_err(|error| unreadable(input, error))
}

/// The same source; its warnings are noted for whoever reports on the input.
fn noting(source: Source<'static>, input: &Input) -> Source<'static> {
    let name = input.display();
    source.telling(move |warnings| notes::add(&name, warnings))
}

fn open_unnamed(input: &Input) -> sqnr::Result<Source<'static>> {
    match input.is_stdin() {
        true => audio_file::open_stream(io::stdin()),
        false => audio_file::open(&input.path),
    }
}

/// The failure of an input that could not be opened or read.
pub fn unreadable(input: &Input, error: Error) -> Failure {
    unreadable_path(if input.is_stdin() { Path::new("standard input") } else { &input.path }, error)
}

/// The same of an input at `path`.
pub fn unreadable_path(path: &Path, error: Error) -> Failure {
    match error {
        Error::Io { source, .. } if source.kind() == io::ErrorKind::NotFound => inputs::missing(path),
        error => Failure::input(path, error),
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
pub struct Rereadable<'a> {
    input: &'a Input,
    /// What came out of a pipe, in a file without a name; without it the input is opened by its name each time.
    spool: Option<Arc<File>>,
}

impl<'a> Rereadable<'a> {
    /// Makes `input` ready for `passes`.
    pub fn new(input: &'a Input, passes: Passes) -> Result<Self, Failure> {
        let is_pipe = input.is_stdin() || (input.path.exists() && !input.path.is_file() && !input.path.is_dir());
        if passes == Passes::One || !is_pipe {
            return Ok(Self { input, spool: None });
        }
        let mut spool = tempfile::tempfile().map_err(|error| Failure::output(&std::env::temp_dir(), error))?;
        let copied = match input.is_stdin() {
            true => io::copy(&mut io::stdin().lock(), &mut spool),
            false => File::open(&input.path).and_then(|mut pipe| io::copy(&mut pipe, &mut spool)),
        };
        copied.and_then(|_| spool.flush()).map_err(|error| unreadable(input, Error::stream(error)))?;
        Ok(Self { input, spool: Some(Arc::new(spool)) })
    }

    /// Opens it from the start.
    pub fn open(&self) -> Result<Source<'static>, Failure> {
        self.open_unnamed().map(|source| noting(source, self.input)).map_err(|error| unreadable(self.input, error))
    }

    fn open_unnamed(&self) -> sqnr::Result<Source<'static>> {
        match &self.spool {
            Some(file) => audio_file::open_stream(Positioned { file: Arc::clone(file), at: 0 }),
            None => open_unnamed(self.input),
        }
    }
}

impl Reopen for Rereadable<'_> {
    fn open(&self) -> sqnr::Result<Source<'_>> {
        let name = self.name();
        let opened = self.open_unnamed().map(|source| noting(source, self.input).named(name.clone()));
        opened.map_err(|error| error.of_input(name))
    }

    fn name(&self) -> String {
        self.input.display()
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
