//! Outputs that appear whole under their name, and what it means when they cannot be written.

use std::{
    io::{self, Write},
    path::Path,
};

use sqnr::{
    Error,
    atomic_file::{self, AtomicFile},
};

use super::{
    exit::{Failure, display_path},
    outputs::{Existing, Output},
};

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
        Error::Io { source, .. } if source.kind() == io::ErrorKind::BrokenPipe => super::stdio::end_quietly(),
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
