//! A WAV output: a file that appears whole under its name, or a stream that never seeks.

use std::{
    fs,
    io::{self, Stdout, Write},
    path::{Path, PathBuf},
};

use sqnr::{
    Error, Result as LibraryResult,
    atomic_file::{self, AtomicFile},
    wav::{Chunk, Metadata, Spec, Writer},
};

use super::{
    exit::{Exit, Failure, display_path},
    outputs::{Existing, Output},
};

/// A WAV file being written.
pub struct WavSink {
    writer: Target,
    path: PathBuf,
}

enum Target {
    File(Writer<AtomicFile>),
    Stdout(Writer<Stdout>),
}

/// A WAV file that is whole.
pub struct Written {
    /// Its size; 0 for a stream.
    pub bytes: u64,
    /// What could not be carried over.
    pub warnings: Vec<String>,
}

impl WavSink {
    /// Starts the output; `n_frames` is the length where it is known, so that a stream's header tells it.
    pub fn create(
        output: &Output,
        existing: Existing,
        spec: &Spec,
        n_frames: Option<u64>,
        metadata: &Metadata,
    ) -> Result<Self, Failure> {
        match output {
            Output::Stdout => {
                let path = PathBuf::from("standard output");
                let writer =
                    Writer::stream(io::stdout(), spec, n_frames, metadata).map_err(|e| unwritable(&path, e))?;
                Ok(Self { writer: Target::Stdout(writer), path })
            }
            Output::File(path) => {
                let file = create(path, existing)?;
                let writer = match file.is_seekable() {
                    true => Writer::seekable(file, spec, n_frames, metadata),
                    false => Writer::stream(file, spec, n_frames, metadata),
                };
                let writer = Target::File(writer.map_err(|error| unwritable(path, error))?);
                Ok(Self { writer, path: path.clone() })
            }
        }
    }

    /// Writes amplitudes channel by channel.
    pub fn write_planar<C: AsRef<[f64]>>(&mut self, channels: &[C]) -> Result<(), Failure> {
        self.put(channels).map_err(|error| unwritable(&self.path, error))
    }

    /// The same for a task of the library; the error names the output.
    pub fn write_block(&mut self, channels: &[Vec<f64>]) -> LibraryResult<()> {
        self.put(channels).map_err(|error| error.of_output(display_path(&self.path)))
    }

    fn put<C: AsRef<[f64]>>(&mut self, channels: &[C]) -> LibraryResult<()> {
        match &mut self.writer {
            Target::File(writer) => writer.write_planar(channels),
            Target::Stdout(writer) => writer.write_planar(channels),
        }
    }

    /// Ends the file and lets it appear under its name.
    pub fn finish(self, after_data: &[Chunk]) -> Result<Written, Failure> {
        let path = self.path;
        let finished = match self.writer {
            Target::File(writer) => finish_file(writer, after_data),
            Target::Stdout(writer) => writer.finish(after_data).map(|written| written.warnings),
        };
        let warnings = finished.map_err(|error| unwritable(&path, error))?;
        let bytes = fs::metadata(&path).ok().filter(|m| m.is_file()).map_or(0, |m| m.len());
        Ok(Written { bytes, warnings })
    }
}

/// Writes a whole file, or standard output.
pub fn write_bytes(output: &Output, existing: Existing, bytes: &[u8]) -> Result<(), Failure> {
    match output {
        Output::Stdout => super::stdio::print_bytes(bytes),
        Output::File(path) => {
            let mut file = create(path, existing)?;
            let written = file.write_all(bytes).map_err(Error::stream).and_then(|()| file.commit());
            written.map_err(|error| unwritable(path, error))
        }
    }
}

fn finish_file(writer: Writer<AtomicFile>, after_data: &[Chunk]) -> LibraryResult<Vec<String>> {
    let written = writer.finish(after_data)?;
    written.sink.commit()?;
    Ok(written.warnings)
}

/// Begins an output file under a temporary name.
pub fn create(path: &Path, existing: Existing) -> Result<AtomicFile, Failure> {
    let existing = match existing {
        Existing::Replace => atomic_file::Existing::Replace,
        Existing::Refuse | Existing::Skip => atomic_file::Existing::Refuse,
    };
    AtomicFile::create(path, existing).map_err(|error| unwritable(path, error))
}

/// The failure of an output; a reader of standard output that has gone away ends the program quietly.
pub fn unwritable(path: &Path, error: Error) -> Failure {
    match error {
        Error::Io { source, .. } if source.kind() == io::ErrorKind::BrokenPipe => std::process::exit(Exit::Done as i32),
        Error::Io { source, .. } if source.kind() == io::ErrorKind::NotFound => {
            let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
            Failure::output(path, format!("there is no folder {}; make it first", display_path(folder)))
        }
        Error::Io { source, .. } if source.kind() == io::ErrorKind::AlreadyExists => {
            Failure::output(path, "exists; use -f to replace it, -n to skip it")
        }
        error => Failure::output(path, error),
    }
}
