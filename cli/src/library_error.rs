//! The library's errors in the command line's words.

use std::path::Path;

use sqnr::Error;

use super::{
    exit::{Failure, display_path},
    sink, source,
};

impl Failure {
    /// What `error` means to the user: an input's or output's by its name, any other that of the computation on `path`.
    pub fn of(error: Error, path: &Path) -> Self {
        // A message names a path with its control characters escaped; the path itself finds neighbours and folders.
        let path_of = |name: &str| if name == display_path(path) { path.to_path_buf() } else { name.into() };
        match error {
            Error::Input { name, source } => source::unreadable_path(&path_of(&name), *source),
            Error::Output { name, source } => sink::unwritable(&path_of(&name), *source),
            error => Self::compute(path, error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Exit;

    fn outcome(error: Error) -> (Exit, String) {
        let failure = Failure::of(error, Path::new("a.wav"));
        (failure.exit, failure.to_string())
    }

    #[test]
    fn an_error_is_that_of_whom_it_names() {
        let invalid = || Error::invalid("rate", 0, "1 and above");
        let text = "rate is 0; allowed: 1 and above";
        assert_eq!(outcome(invalid()), (Exit::Usage, format!("a.wav: {text}")));
        assert_eq!(outcome(invalid().of_input("b.wav")), (Exit::Input, format!("b.wav: {text}")));
        assert_eq!(outcome(invalid().of_output("c.wav")), (Exit::Output, format!("c.wav: {text}")));
    }

    #[test]
    fn a_missing_input_is_said_to_be_missing() {
        let missing = Error::stream(std::io::ErrorKind::NotFound.into());
        assert_eq!(outcome(missing.of_input("nowhere/b.wav")), (Exit::Input, "nowhere/b.wav: no such file".into()));
    }
}
