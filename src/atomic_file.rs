//! A file that is whole under its name, or not there at all.
//!
//! ```text
//! create .name.XXXXXX beside it -> write -> fsync -> rename over the name -> fsync the folder
//! ```
//!
//! After a failure, a kill or a power cut there is the old file or the new one, never half of one. What is no file and
//! cannot be renamed over, such as a FIFO, /dev/stdout or /dev/null, is written straight.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use std::sync::{Mutex, MutexGuard, PoisonError};

use tempfile::NamedTempFile;

use crate::{Error, Result};

/// What to do when the name is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// Leave it as it is and fail.
    Refuse,
    /// Put the new file in its place, with its permissions.
    Replace,
}

/// An output that appears under its name when [`AtomicFile::commit`] is called; dropped before, it leaves nothing.
#[derive(Debug)]
pub struct AtomicFile {
    target: Target,
    path: PathBuf,
}

#[derive(Debug)]
enum Target {
    Temporary { file: NamedTempFile, destination: PathBuf, existing: Existing, _live: Live },
    Straight(File),
}

impl AtomicFile {
    /// Begins a file that will be called `path`.
    ///
    /// With `Refuse`, an existing file is an error now, and again at the commit should it have appeared meanwhile. A
    /// symbolic link is followed: the file it points to is replaced, the link stays.
    ///
    /// # Errors
    /// `Io`, of kind `AlreadyExists` when the name is taken and `existing` says to refuse.
    pub fn create(path: &Path, existing: Existing) -> Result<Self> {
        Self::begin(path, existing).map_err(|source| Error::file(path, source))
    }

    fn begin(path: &Path, existing: Existing) -> io::Result<Self> {
        let found = match fs::metadata(path) {
            Ok(metadata) => Some(metadata),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        if found.as_ref().is_some_and(fs::Metadata::is_dir) {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        if is_descriptor(path) || found.as_ref().is_some_and(|metadata| !metadata.is_file()) {
            let file = OpenOptions::new().write(true).open(path)?;
            return Ok(Self { target: Target::Straight(file), path: path.into() });
        }
        if found.is_some() && existing == Existing::Refuse {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let destination = match &found {
            Some(_) => fs::canonicalize(path)?,
            None => path.to_path_buf(),
        };
        let (file, live) = create_beside(&destination)?;
        if let Some(metadata) = &found {
            // Fails on file systems without permissions, where nothing is lost by it.
            let _ = file.as_file().set_permissions(metadata.permissions());
        }
        Ok(Self { target: Target::Temporary { file, destination, existing, _live: live }, path: path.into() })
    }

    /// True when the output has a beginning to go back to: a file, not a pipe.
    pub fn is_seekable(&self) -> bool {
        matches!(self.target, Target::Temporary { .. })
    }

    /// The name the file will have.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Makes the file appear under its name, on the disk and not only in memory.
    ///
    /// # Errors
    /// `Io`: nothing has changed then. Of kind `AlreadyExists` when the name has been taken since.
    pub fn commit(self) -> Result<()> {
        let Self { target, path } = self;
        persist(target).map_err(|source| Error::file(path, source))
    }

    fn file(&mut self) -> &mut File {
        match &mut self.target {
            Target::Temporary { file, .. } => file.as_file_mut(),
            Target::Straight(file) => file,
        }
    }
}

/// True for the names of open descriptors: behind them may be a file that the shell has opened already, and to rename
/// over that file would cut the shell's hold on it.
fn is_descriptor(path: &Path) -> bool {
    let is_numbered = path.starts_with("/dev/fd") || path.starts_with("/proc/self/fd");
    is_numbered || path == Path::new("/dev/stdout") || path == Path::new("/dev/stderr")
}

fn persist(target: Target) -> io::Result<()> {
    let (file, destination, existing, _live) = match target {
        Target::Straight(mut file) => return file.flush(),
        Target::Temporary { file, destination, existing, _live } => (file, destination, existing, _live),
    };
    file.as_file().sync_all()?;
    match existing {
        Existing::Replace => file.persist(&destination)?,
        Existing::Refuse => file.persist_noclobber(&destination)?,
    };
    sync_folder(&destination)
}

/// A temporary file in the folder of `destination`, with the permissions of an ordinary new file.
fn create_beside(destination: &Path) -> io::Result<(NamedTempFile, Live)> {
    let mut prefix = std::ffi::OsString::from(".");
    // The name may have its full 255 bytes already: the stem alone must do then.
    prefix.push(destination.file_name().filter(|name| name.len() < 200).unwrap_or("sqnr".as_ref()));
    prefix.push(".");
    let mut builder = tempfile::Builder::new();
    builder.prefix(&prefix);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // The process's umask takes away what it should.
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    let mut live = live_names();
    let file = builder.tempfile_in(folder_of(destination))?;
    live.push(file.path().to_path_buf());
    let name = Live(file.path().to_path_buf());
    Ok((file, name))
}

/// Temporary names in use, so that a process that is told to end can take them away.
static LIVE: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

fn live_names() -> MutexGuard<'static, Vec<PathBuf>> {
    LIVE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A temporary name in use; leaves the list when dropped.
#[derive(Debug)]
struct Live(PathBuf);

impl Drop for Live {
    fn drop(&mut self) {
        live_names().retain(|name| *name != self.0);
    }
}

/// Takes all temporary files away and runs `end`, which ends the process; no new one can begin meanwhile.
pub fn abandon_all(end: impl FnOnce() -> std::convert::Infallible) -> std::convert::Infallible {
    let live = live_names();
    for name in live.iter() {
        // Gone already, or not to be removed: there is nobody left to tell.
        let _ = fs::remove_file(name);
    }
    end()
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// The rename itself must reach the disk too. Systems that cannot open a folder need no such call.
fn sync_folder(path: &Path) -> io::Result<()> {
    match File::open(folder_of(path)) {
        Ok(folder) if cfg!(unix) => match folder.sync_all() {
            // File systems without this call say so; the file is there all the same.
            Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => Ok(()),
            other => other,
        },
        _ => Ok(()),
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file().flush()
    }
}

impl Read for AtomicFile {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.file().read(out)
    }
}

impl Seek for AtomicFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file().seek(to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(path: &Path, existing: Existing, text: &str) -> Result<()> {
        let mut file = AtomicFile::create(path, existing)?;
        file.write_all(text.as_bytes()).expect("room");
        file.commit()
    }

    fn names_in(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder)
            .expect("a folder")
            .map(|entry| entry.expect("readable").file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    fn kind(result: Result<()>) -> io::ErrorKind {
        match result.expect_err("refused") {
            Error::Io { source, .. } => source.kind(),
            other => panic!("expected an I/O error, got {other:?}"),
        }
    }

    #[test]
    fn the_name_appears_at_the_commit_and_not_before() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("out.wav");
        let mut file = AtomicFile::create(&path, Existing::Refuse).expect("a free name");
        file.write_all(b"half").expect("room");
        assert!(!path.exists());
        drop(file);
        assert!(names_in(folder.path()).is_empty(), "dropped, it leaves nothing");
        write(&path, Existing::Refuse, "whole").expect("a free name");
        assert_eq!(fs::read_to_string(&path).expect("there"), "whole");
        assert_eq!(names_in(folder.path()), ["out.wav"]);
    }

    #[test]
    fn an_existing_file_is_kept_or_replaced_as_asked() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("out.wav");
        fs::write(&path, "old").expect("room");
        assert_eq!(kind(write(&path, Existing::Refuse, "new")), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read_to_string(&path).expect("there"), "old");
        write(&path, Existing::Replace, "new").expect("replaced");
        assert_eq!(fs::read_to_string(&path).expect("there"), "new");
        assert_eq!(names_in(folder.path()), ["out.wav"]);
    }

    #[test]
    fn a_name_taken_meanwhile_is_not_overwritten() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("out.wav");
        let file = AtomicFile::create(&path, Existing::Refuse).expect("a free name");
        fs::write(&path, "other").expect("room");
        assert_eq!(kind(file.commit()), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read_to_string(&path).expect("there"), "other");
        assert_eq!(names_in(folder.path()), ["out.wav"]);
    }

    #[test]
    fn folders_and_missing_folders_are_refused() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        assert_eq!(kind(write(folder.path(), Existing::Replace, "")), io::ErrorKind::IsADirectory);
        let nowhere = folder.path().join("absent/out.wav");
        assert_eq!(kind(write(&nowhere, Existing::Refuse, "")), io::ErrorKind::NotFound);
        let long = folder.path().join("x".repeat(255));
        write(&long, Existing::Refuse, "fits").expect("a name may have 255 bytes");
    }

    #[cfg(unix)]
    #[test]
    fn permissions_and_links_of_a_replaced_file_stay() {
        use std::os::unix::fs::{PermissionsExt, symlink};

        let folder = tempfile::tempdir().expect("a temporary folder");
        let (path, link) = (folder.path().join("out.wav"), folder.path().join("link.wav"));
        fs::write(&path, "old").expect("room");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("our own file");
        symlink(&path, &link).expect("links work here");
        write(&link, Existing::Replace, "new").expect("replaced");
        assert!(fs::symlink_metadata(&link).expect("there").is_symlink());
        assert_eq!(fs::read_to_string(&path).expect("there"), "new");
        assert_eq!(fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o640);
        // A new file is as open as the process's mask allows, not as closed as a temporary one.
        let (made, plain) = (folder.path().join("made"), folder.path().join("plain"));
        write(&made, Existing::Refuse, "").expect("a free name");
        fs::write(&plain, "").expect("room");
        let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode();
        assert_eq!(mode(&made), mode(&plain));
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_file_is_written_straight() {
        let mut null = AtomicFile::create(Path::new("/dev/null"), Existing::Refuse).expect("it takes all");
        assert!(!null.is_seekable());
        null.write_all(b"gone").expect("it takes all");
        null.commit().expect("nothing to do");
        let folder = tempfile::tempdir().expect("a temporary folder");
        let pipe = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status().expect("mkfifo runs");
        assert!(made.success());
        let path = pipe.clone();
        let reader = std::thread::spawn(move || fs::read_to_string(path));
        write(&pipe, Existing::Refuse, "through").expect("somebody reads");
        assert_eq!(reader.join().expect("no panic").expect("readable"), "through");
        assert_eq!(names_in(folder.path()), ["pipe"]);
    }
}
