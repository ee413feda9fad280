//! Audio that a computation may read more than once.

use std::path::{Path, PathBuf};

use super::Source;
use crate::{Result, Signal};

/// Audio that can be opened from its start as often as needed: a file by its path, a signal in memory, or what a program
/// keeps of a pipe.
///
/// ```
/// use sqnr::{Signal, audio_file::Reopen};
///
/// let signal = Signal::new(48_000, vec![vec![0.25; 100]])?;
/// // Whoever learns from audio before quantizing it reads it twice.
/// let first = signal.open()?.read_to_end()?;
/// assert_eq!(first, signal.open()?.read_to_end()?);
/// # Ok::<(), sqnr::Error>(())
/// ```
pub trait Reopen: Sync {
    /// The audio from its start.
    ///
    /// # Errors
    /// As [`open`](super::open); `Error::Input` names the audio where it has a name.
    fn open(&self) -> Result<Source<'_>>;

    /// What messages and pictures call it.
    fn name(&self) -> String;
}

impl Reopen for Path {
    fn open(&self) -> Result<Source<'_>> {
        let name = self.name();
        super::open(self).map(|source| source.named(name.clone())).map_err(|error| error.of_input(name))
    }

    fn name(&self) -> String {
        self.display().to_string()
    }
}

impl Reopen for PathBuf {
    fn open(&self) -> Result<Source<'_>> {
        Reopen::open(self.as_path())
    }

    fn name(&self) -> String {
        self.as_path().name()
    }
}

impl Reopen for Signal {
    fn open(&self) -> Result<Source<'_>> {
        Ok(Source::of_signal(self))
    }

    fn name(&self) -> String {
        "signal".into()
    }
}
