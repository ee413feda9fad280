//! The one error type of the crate.
//!
//! Each kind asks something else of the reader: a malformed file is damaged, an unsupported one is legal but beyond
//! this crate, a limit is a guard against sizes that no honest file has.

use std::{
    io,
    path::{Path, PathBuf},
};

/// What can go wrong in this crate.
///
/// ```
/// use sqnr::{Error, quantizer::Uniform};
///
/// let refused = Uniform::mid_tread(99).expect_err("too many bits");
/// assert!(matches!(refused, Error::InvalidParameter { .. }));
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused to read or write.
    #[error("{path}{source}", path = prefix(path.as_deref()))]
    Io {
        /// The file; `None` for a pipe or a stream in memory.
        path: Option<PathBuf>,
        /// What the system said.
        source: io::Error,
    },
    /// The bytes break the rules of their own format.
    #[error("{what} (at byte {at_byte})")]
    Malformed {
        /// What is wrong, in words that follow "FILE: ".
        what: String,
        /// Where, from the start of the file.
        at_byte: u64,
    },
    /// Legal, but not something this crate reads, writes or computes.
    #[error("{what}")]
    Unsupported {
        /// What it is, and what would be accepted.
        what: String,
    },
    /// An argument outside its range.
    #[error("{name} is {value}; allowed: {allowed}")]
    InvalidParameter {
        /// The parameter's name.
        name: &'static str,
        /// The value as given.
        value: String,
        /// The range or the choices.
        allowed: String,
    },
    /// Two things that must be equally long are not.
    #[error("{what}: expected length {expected}, got {got}")]
    LengthMismatch {
        /// Which pair.
        what: &'static str,
        /// The length asked for.
        expected: usize,
        /// The length that came.
        got: usize,
    },
    /// A size beyond what this crate takes in.
    #[error("{what} is {value}; the limit is {limit}")]
    LimitExceeded {
        /// Which size.
        what: &'static str,
        /// The size found.
        value: u64,
        /// The largest accepted.
        limit: u64,
    },
    /// A sound device is absent, busy, lost, or refuses.
    #[error("{what}")]
    Device {
        /// Which device, and why.
        what: String,
    },
    /// An input that was named could not be opened, read or used.
    #[error("{name}: {source}")]
    Input {
        /// The input as its owner calls it, such as a file's name.
        name: String,
        /// What is wrong with it.
        source: Box<Error>,
    },
    /// An output that was named could not be written.
    #[error("{name}: {source}")]
    Output {
        /// The output as its owner calls it, such as a file's name.
        name: String,
        /// What is wrong with it.
        source: Box<Error>,
    },
    /// The data hold no answer: no tone in silence, no optimum of nothing.
    #[error("{what}")]
    NoResult {
        /// Which figure does not exist, and why.
        what: String,
    },
}

impl Error {
    /// An I/O error of a stream that has no path.
    pub fn stream(source: io::Error) -> Self {
        Self::Io { path: None, source }
    }

    /// An I/O error of the file at `path`.
    pub fn file(path: impl Into<PathBuf>, source: io::Error) -> Self {
        Self::Io { path: Some(path.into()), source }
    }

    /// This error as one of the input called `name`; an error that names an input or output already stays as it is.
    pub fn of_input(self, name: impl Into<String>) -> Self {
        match self {
            Self::Input { .. } | Self::Output { .. } => self,
            source => Self::Input { name: name.into(), source: Box::new(source) },
        }
    }

    /// This error as one of the output called `name`; an error that names an input or output already stays as it is.
    pub fn of_output(self, name: impl Into<String>) -> Self {
        match self {
            Self::Input { .. } | Self::Output { .. } => self,
            source => Self::Output { name: name.into(), source: Box::new(source) },
        }
    }

    /// An argument outside its range: `name` is `value`, `allowed` says what would do.
    pub fn invalid(name: &'static str, value: impl ToString, allowed: impl ToString) -> Self {
        Self::InvalidParameter { name, value: value.to_string(), allowed: allowed.to_string() }
    }
}

/// The path and a colon, where there is a path.
fn prefix(path: Option<&Path>) -> String {
    path.map_or_else(String::new, |path| format!("{}: ", path.display()))
}

/// The crate's result.
pub type Result<T> = std::result::Result<T, Error>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_begins_with_the_path_if_there_is_one() {
        let refused = || io::Error::other("refused");
        assert_eq!(Error::stream(refused()).to_string(), "refused");
        assert_eq!(Error::file("a.wav", refused()).to_string(), "a.wav: refused");
    }
}
