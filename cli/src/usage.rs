//! A parse error of the command line as one line with a hint, where clap would print a paragraph.

use clap::error::{ContextKind, ContextValue, ErrorKind};

/// One line that says what is wrong and what was probably meant.
pub fn one_line(error: &clap::Error) -> String {
    let invalid = |kind| context(error, kind);
    match error.kind() {
        ErrorKind::InvalidSubcommand => {
            let name = invalid(ContextKind::InvalidSubcommand);
            hinted(format!("unknown command '{name}'"), error, ContextKind::SuggestedSubcommand, "see 'sqnr --help'")
        }
        ErrorKind::UnknownArgument => {
            let name = invalid(ContextKind::InvalidArg);
            hinted(format!("unknown option '{name}'"), error, ContextKind::SuggestedArg, "see --help")
        }
        ErrorKind::InvalidValue => {
            let (option, value) = (invalid(ContextKind::InvalidArg), invalid(ContextKind::InvalidValue));
            if value.is_empty() {
                return format!("{option} needs a value");
            }
            let choices = invalid(ContextKind::ValidValue);
            let what = format!("'{value}' is not a value for {option}");
            hinted(what, error, ContextKind::SuggestedValue, &format!("choose from {choices}"))
        }
        ErrorKind::ValueValidation => {
            let (option, value) = (invalid(ContextKind::InvalidArg), invalid(ContextKind::InvalidValue));
            let reason = std::error::Error::source(error).map_or_else(String::new, |e| format!(": {e}"));
            format!("'{value}' is not a value for {option}{reason}")
        }
        ErrorKind::MissingRequiredArgument => {
            format!("missing {}; see --help", invalid(ContextKind::InvalidArg))
        }
        ErrorKind::ArgumentConflict => {
            let (one, other) = (invalid(ContextKind::InvalidArg), invalid(ContextKind::PriorArg));
            format!("{one} cannot be used with {other}")
        }
        _ => first_line(error),
    }
}

/// `what`, then the suggestion clap found, else `otherwise`.
fn hinted(what: String, error: &clap::Error, suggestion: ContextKind, otherwise: &str) -> String {
    match context(error, suggestion).as_str() {
        "" => format!("{what}; {otherwise}"),
        meant => format!("{what}; did you mean '{meant}'?"),
    }
}

/// The words clap keeps about `kind`, empty when there are none.
fn context(error: &clap::Error, kind: ContextKind) -> String {
    match error.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        Some(ContextValue::Strings(texts)) => texts.join(", "),
        Some(other) => other.to_string(),
        None => String::new(),
    }
}

/// What clap would print, without its "error: " and without the paragraphs below.
fn first_line(error: &clap::Error) -> String {
    let text = error.to_string();
    let line = text.lines().next().unwrap_or_default();
    line.trim_start_matches("error: ").to_owned()
}
