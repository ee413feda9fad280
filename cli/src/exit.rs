//! How a run ends: exit codes, and failures as one line.

use std::{fmt, path::Path};

use sqnr::Error;

/// The program's exit codes. Of many files the greatest counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// All of it done.
    Done = 0,
    /// Done, but a check the user asked for failed.
    CheckFailed = 1,
    /// Wrong command, option or value.
    Usage = 2,
    /// An input could not be read, is damaged or not supported.
    Input = 3,
    /// An output could not be written, or exists and may not be replaced.
    Output = 4,
    /// There is no sound device, or it was lost.
    #[cfg(feature = "live")]
    Device = 5,
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// What went wrong, ready to print: `sqnr: SUBJECT: MESSAGE`.
#[derive(Debug, Clone)]
pub struct Failure {
    /// The exit code this failure asks for.
    pub exit: Exit,
    subject: Option<String>,
    message: String,
}

impl Failure {
    /// A wrong command, option or value.
    pub fn usage(message: impl Into<String>) -> Self {
        Self { exit: Exit::Usage, subject: None, message: message.into() }
    }

    /// An input that cannot be used.
    pub fn input(path: &Path, error: impl Into<Cause>) -> Self {
        Self { exit: Exit::Input, subject: Some(display_path(path)), message: error.into().0 }
    }

    /// An output that cannot be written.
    pub fn output(path: &Path, error: impl Into<Cause>) -> Self {
        Self { exit: Exit::Output, subject: Some(display_path(path)), message: error.into().0 }
    }

    /// A sound device that is absent, busy, lost or refuses.
    #[cfg(feature = "live")]
    pub fn device(message: impl Into<String>) -> Self {
        Self { exit: Exit::Device, subject: None, message: message.into() }
    }

    /// A library error while computing on `path`: a wrong parameter is wrong use, all else the input's fault.
    pub fn compute(path: &Path, error: Error) -> Self {
        match error {
            Error::InvalidParameter { .. } => Self { exit: Exit::Usage, ..Self::input(path, error) },
            _ => Self::input(path, error),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.subject {
            Some(subject) => write!(f, "{subject}: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

/// The reason part of a failure, on one line.
pub struct Cause(String);

impl From<&str> for Cause {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl From<String> for Cause {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<Error> for Cause {
    fn from(error: Error) -> Self {
        Self(match error {
            Error::Io { source, .. } => io_reason(&source),
            other => other.to_string(),
        })
    }
}

impl From<std::io::Error> for Cause {
    fn from(error: std::io::Error) -> Self {
        Self(io_reason(&error))
    }
}

/// The system's reason in plain words, with what to do where that is known.
fn io_reason(error: &std::io::Error) -> String {
    use std::io::ErrorKind as Kind;
    match error.kind() {
        Kind::NotFound => "no such file".into(),
        Kind::PermissionDenied => "permission denied; check the rights of the file and its folder".into(),
        Kind::StorageFull => "the disk is full; nothing was written, free some room and run again".into(),
        Kind::IsADirectory => "is a folder; use -R to take the files in it".into(),
        Kind::UnexpectedEof => "ends too early".into(),
        _ => strip_os_code(&error.to_string()),
    }
}

/// "No such device (os error 19)" without its number.
fn strip_os_code(text: &str) -> String {
    match text.find(" (os error") {
        Some(end) => text[..end].to_lowercase(),
        None => text.to_owned(),
    }
}

/// A path on one line: control characters escaped, all else as it is.
pub fn display_path(path: &Path) -> String {
    escape_controls(&path.to_string_lossy())
}

/// Text on one line: control characters escaped, and those that turn the direction of writing, which could make one name
/// look like another.
pub fn escape_controls(text: &str) -> String {
    let turns =
        |c: char| matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().fold(String::with_capacity(text.len()), |mut out, c| {
        if c.is_control() || turns(c) {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_in_names_are_escaped() {
        assert_eq!(display_path(Path::new("a\nb\u{1b}[31m é.wav")), "a\\nb\\u{1b}[31m é.wav");
    }

    #[test]
    fn names_cannot_be_written_backwards() {
        assert_eq!(display_path(Path::new("a\u{202e}vaw.exe")), "a\\u{202e}vaw.exe");
    }

    #[test]
    fn the_greatest_exit_code_counts() {
        assert_eq!([Exit::Done, Exit::Input, Exit::CheckFailed].iter().max(), Some(&Exit::Input));
    }
}
