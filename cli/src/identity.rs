//! Which file a path is, whatever its names and links; and the files that this run reads, so that none is written over.

use std::{
    collections::HashMap,
    fs,
    path::Path,
    sync::{Mutex, PoisonError},
};

use super::exit::{Failure, display_path};

/// A file on this machine: device and inode.
#[cfg(unix)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Identity {
    device: u64,
    inode: u64,
}

/// A file on this machine: its name without links.
#[cfg(not(unix))]
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Identity(std::path::PathBuf);

impl Identity {
    /// That of the regular file that a path leads to; none of devices, pipes, folders and where there is nothing.
    pub fn of(path: &Path) -> Option<Self> {
        let meta = fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
        Self::of_file(path, &meta)
    }

    #[cfg(unix)]
    fn of_file(_: &Path, meta: &fs::Metadata) -> Option<Self> {
        use std::os::unix::fs::MetadataExt;
        Some(Self { device: meta.dev(), inode: meta.ino() })
    }

    #[cfg(not(unix))]
    fn of_file(path: &Path, _: &fs::Metadata) -> Option<Self> {
        fs::canonicalize(path).ok().map(Self)
    }
}

/// The files that this run reads, by what they are, and the name each was given.
static READ: Mutex<Option<HashMap<Identity, String>>> = Mutex::new(None);

/// Notes that this run reads the file at `path`.
pub fn note_input(path: &Path) {
    let Some(identity) = Identity::of(path) else { return };
    let mut read = READ.lock().unwrap_or_else(PoisonError::into_inner);
    read.get_or_insert_default().entry(identity).or_insert_with(|| display_path(path));
}

/// Refuses an output that is a file that this run reads: by name, by link or by inode.
///
/// # Errors
/// Wrong use, with both names.
pub fn refuse_input(output: &Path) -> Result<(), Failure> {
    let Some(identity) = Identity::of(output) else { return Ok(()) };
    let read = READ.lock().unwrap_or_else(PoisonError::into_inner);
    match read.as_ref().and_then(|read| read.get(&identity)) {
        Some(input) => {
            let output = display_path(output);
            Err(Failure::usage(format!("{output} is the input {input}; name another output")))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_one_by_all_its_names() {
        let folder = tempfile::tempdir().expect("a folder");
        let (one, other) = (folder.path().join("one"), folder.path().join("other"));
        fs::write(&one, "x").expect("written");
        fs::write(&other, "x").expect("written");
        let link = folder.path().join("link");
        fs::hard_link(&one, &link).expect("linked");
        assert!(Identity::of(&one).is_some() && Identity::of(&one) != Identity::of(&other));
        assert_eq!((Identity::of(folder.path()), Identity::of(&folder.path().join("nothing"))), (None, None));
        #[cfg(unix)]
        assert_eq!(Identity::of(&one), Identity::of(&link));
        note_input(&one);
        assert!(refuse_input(&one).is_err() && refuse_input(&other).is_ok());
        #[cfg(unix)]
        assert!(refuse_input(&link).is_err());
    }
}
