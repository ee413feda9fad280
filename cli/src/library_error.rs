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
        match inner(error) {
            Error::Input { name, source } => source::unreadable_path(&path_of(&name), *source),
            Error::Output { name, source } => sink::unwritable(&path_of(&name), *source),
            error => Self::compute(path, error),
        }
    }

    /// What is wrong with a recipe: wrong use, or the fault of a design's file that it names.
    pub fn of_recipe(error: Error) -> Self {
        match error {
            Error::InvalidParameter { name, value, allowed } => {
                Self::usage(format!("{} is {value}; allowed: {}", option(name), in_options(&allowed)))
            }
            error => Self::of(error, Path::new("recipe")),
        }
    }
}

/// The option that asks for a field of a recipe.
fn option(field: &str) -> String {
    match field {
        "bits" => "-b".into(),
        "method" => "-m".into(),
        "dither" | "shape" | "levels" | "rate" | "law" | "compression" | "states" | "paths" | "container" => {
            format!("--{field}")
        }
        other => other.into(),
    }
}

/// What is allowed, with options in place of fields.
fn in_options(allowed: &str) -> String {
    let words = [
        ("with bits or levels", "with -b BITS or --levels N"),
        ("law and compression are for mu-law", "--law and --compression are for -m mu-law"),
        (" and a-law", " and -m a-law"),
        ("needs bits", "needs -b BITS"),
        ("use bits or levels", "use -b BITS or --levels N"),
        ("needs rate", "needs --rate BITS"),
        ("leave levels out", "leave --levels out"),
        ("leave rate out", "leave --rate out"),
        ("leave bits and levels out", "leave -b and --levels out"),
        ("leave bits and rate out", "leave -b and --rate out"),
    ];
    words.iter().fold(allowed.to_owned(), |text, (field, option)| text.replace(field, option))
}

/// The error that an output carried through the system's error type, or `error` itself.
fn inner(error: Error) -> Error {
    match error {
        Error::Io { path, source } => match source.downcast::<Error>() {
            Ok(carried) => carried,
            Err(source) => Error::Io { path, source },
        },
        other => other,
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
