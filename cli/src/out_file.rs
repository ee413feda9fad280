//! An output as bytes: a file that appears whole under its name, or standard output.

use std::{
    fs,
    io::{self, Seek, SeekFrom, Stdout, Write},
};

use sqnr::{
    Error, Result,
    atomic_file::AtomicFile,
    chain::{Seeking, StoredFile},
};

use super::{
    exit::{Failure, display_path},
    outputs::{Existing, Output},
    sink,
};

/// An output being written.
pub enum OutFile {
    File(AtomicFile),
    Stdout(Stdout),
}

impl OutFile {
    /// Begins an output, and says whether it has a beginning to go back to.
    pub fn create(output: &Output, existing: Existing) -> std::result::Result<(Self, Seeking), Failure> {
        match output {
            Output::Stdout => Ok((Self::Stdout(io::stdout()), Seeking::Impossible)),
            Output::File(path) => {
                let file = sink::create(path, existing)?;
                let seeking = if file.is_seekable() { Seeking::Possible } else { Seeking::Impossible };
                Ok((Self::File(file), seeking))
            }
        }
    }

    /// Lets a finished output appear under its name; its size stands in its place, 0 for a stream.
    ///
    /// # Errors
    /// `Output` with the name.
    pub fn commit(stored: StoredFile<Self>) -> Result<StoredFile<u64>> {
        let bytes = match stored.file {
            Self::Stdout(_) => 0,
            Self::File(file) => {
                let path = file.path().to_path_buf();
                file.commit().map_err(|error| error.of_output(display_path(&path)))?;
                fs::metadata(&path).ok().filter(|meta| meta.is_file()).map_or(0, |meta| meta.len())
            }
        };
        Ok(StoredFile { file: bytes, warnings: stored.warnings })
    }

    fn named(&self, error: io::Error) -> io::Error {
        let name = match self {
            Self::Stdout(_) => "standard output".into(),
            Self::File(file) => display_path(file.path()),
        };
        io::Error::new(error.kind(), Error::stream(error).of_output(name))
    }
}

impl Write for OutFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = match self {
            Self::File(file) => file.write(bytes),
            Self::Stdout(stdout) => stdout.write(bytes),
        };
        written.map_err(|error| self.named(error))
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = match self {
            Self::File(file) => file.flush(),
            Self::Stdout(stdout) => stdout.flush(),
        };
        flushed.map_err(|error| self.named(error))
    }
}

impl Seek for OutFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match self {
            Self::File(file) => file.seek(to).map_err(|error| self.named(error)),
            Self::Stdout(_) => Err(io::ErrorKind::NotSeekable.into()),
        }
    }
}
