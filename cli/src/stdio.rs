//! Standard output and error. A reader that closes its end is no failure: the run ends quietly.

use std::io::{self, Write};

use super::exit::{Exit, Failure};

/// Prints `text` and a line feed to standard output.
///
/// A closed pipe ends the program with success, as `sqnr ... | head` expects.
pub fn print_line(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    finish(out.write_all(text.as_bytes()).and_then(|()| out.write_all(b"\n")).and_then(|()| out.flush()))
}

/// Prints `bytes` as they are to standard output; a closed pipe ends the program with success.
pub fn print_bytes(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    finish(out.write_all(bytes).and_then(|()| out.flush()))
}

/// Prints `text` and a line feed to standard error; there is nowhere to complain when that fails.
pub fn note_line(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Ends the program because nobody reads on; files that are not complete are taken away.
pub fn end_quietly() -> ! {
    match sqnr::atomic_file::abandon_all(|| std::process::exit(Exit::Done as i32)) {}
}

/// Ends the program quietly when `result` says that the reader of standard output is gone.
fn finish(result: io::Result<()>) -> Result<(), Failure> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => end_quietly(),
        Err(error) => Err(Failure::output(std::path::Path::new("standard output"), error)),
        Ok(()) => Ok(()),
    }
}
