//! The inputs of a command: names, folders, lists of names.

use std::{
    fs,
    io::{self, BufRead, Read},
    path::{Path, PathBuf},
};

use walkdir::WalkDir;

use super::{
    exit::{Failure, display_path},
    hints, identity,
    options::Inputs,
    stdio,
};

/// Endings that `-R` takes when `--ext` names none.
const AUDIO_EXTENSIONS: [&str; 16] = [
    "wav", "wave", "bwf", "rf64", "w64", "flac", "mp3", "ogg", "oga", "m4a", "aac", "aif", "aiff", "caf", "sqn", "dsf",
];

/// One input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// The file; `-` is standard input.
    pub path: PathBuf,
    /// The path below the folder that `-R` walked; the bare file name otherwise.
    pub below: PathBuf,
    /// Why the walk could not take it, where that is so.
    pub obstacle: Option<String>,
}

impl Input {
    fn named(path: PathBuf) -> Self {
        let below = path.file_name().map_or_else(|| path.clone(), PathBuf::from);
        Self { path, below, obstacle: None }
    }

    /// The input at a path that an option names.
    pub fn at(path: &Path) -> Self {
        identity::note_input(path);
        Self { path: path.to_path_buf(), below: path.to_path_buf(), obstacle: None }
    }

    /// True for standard input.
    pub fn is_stdin(&self) -> bool {
        self.path.as_os_str() == "-"
    }

    /// Size in bytes of a file; `None` of a pipe.
    pub fn size(&self) -> Option<u64> {
        fs::metadata(&self.path).ok().filter(|meta| meta.is_file()).map(|meta| meta.len())
    }

    /// The name as shown to the user.
    pub fn display(&self) -> String {
        if self.is_stdin() { "standard input".into() } else { display_path(&self.path) }
    }
}

/// Which files `-R` takes when `--ext` names none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Walked {
    /// All audio.
    Audio,
    /// All but `.sqn`: what could be encoded, so that a second run does not meet the results of the first.
    ToEncode,
    /// `.sqn` alone.
    Encoded,
}

impl Walked {
    fn takes(self, extension: &str) -> bool {
        match self {
            Self::Audio => true,
            Self::ToEncode => extension != "sqn",
            Self::Encoded => extension == "sqn",
        }
    }
}

/// Every input that the arguments name, folders walked in the order of names.
pub fn collect(args: &Inputs) -> Result<Vec<Input>, Failure> {
    collect_of(args, Walked::Audio)
}

/// The same, with a choice of what is taken from folders.
pub fn collect_of(args: &Inputs, walked: Walked) -> Result<Vec<Input>, Failure> {
    let mut named = args.inputs.clone();
    match &args.files_from {
        Some(list) => {
            identity::note_input(list);
            named.extend(read_list(list)?);
        }
        None if named.is_empty() => return Err(Failure::usage("missing IN, an audio file; see --help")),
        None => {}
    }
    refuse_output_given_as_input(&named)?;
    let extensions: Vec<String> = match args.ext.is_empty() {
        true => AUDIO_EXTENSIONS.into_iter().filter(|e| walked.takes(e)).map(String::from).collect(),
        false => args.ext.clone(),
    };
    let mut inputs = Vec::new();
    for path in named {
        if args.recursive && path.is_dir() {
            walk(&path, &extensions, &mut inputs);
        } else {
            inputs.push(Input::named(path));
        }
    }
    if inputs.iter().filter(|input| input.is_stdin()).count() > 1 {
        return Err(Failure::usage("standard input can be read once only"));
    }
    inputs.iter().for_each(|input| identity::note_input(&input.path));
    match inputs.is_empty() {
        true => Err(Failure::usage("no audio file among the inputs; --ext names other endings")),
        false => Ok(inputs),
    }
}

/// A last name that is no file, after one that is, was probably meant as the output.
fn refuse_output_given_as_input(named: &[PathBuf]) -> Result<(), Failure> {
    match named {
        [.., before, last] if before.exists() && !last.exists() && last.as_os_str() != "-" => {
            let name = display_path(last);
            Err(Failure::usage(format!("{name}: no such file; to write the result there, use -o {name}")))
        }
        _ => Ok(()),
    }
}

/// Names that a list may hold in all, in bytes: a million long ones.
const MAX_LIST_BYTES: u64 = 256 << 20;
/// Longest name of a list in bytes; no system takes longer ones.
const MAX_NAME_BYTES: u64 = 65_536;

fn read_list(list: &Path) -> Result<Vec<PathBuf>, Failure> {
    let names = if list.as_os_str() == "-" {
        names_of(&mut io::stdin().lock())
    } else {
        fs::File::open(list).and_then(|file| names_of(&mut io::BufReader::new(file)))
    };
    names.map_err(|error| Failure::input(list, error))
}

/// A name a line; empty lines are passed over.
fn names_of(list: &mut dyn BufRead) -> io::Result<Vec<PathBuf>> {
    let invalid = |what: String| io::Error::new(io::ErrorKind::InvalidData, what);
    let (mut names, mut line, mut n_bytes) = (Vec::new(), Vec::new(), 0);
    loop {
        line.clear();
        let n = (&mut *list).take(MAX_NAME_BYTES + 1).read_until(b'\n', &mut line)? as u64;
        n_bytes += n;
        if n > MAX_NAME_BYTES {
            return Err(invalid(format!("line {} is longer than {MAX_NAME_BYTES} bytes", names.len() + 1)));
        }
        if n_bytes > MAX_LIST_BYTES {
            return Err(invalid(format!("holds more than {MAX_LIST_BYTES} bytes of names")));
        }
        if n == 0 {
            return Ok(names);
        }
        let text = String::from_utf8(std::mem::take(&mut line)).map_err(|error| invalid(error.to_string()))?;
        let name = text.trim_end_matches('\n').trim_end_matches('\r');
        if !name.is_empty() {
            names.push(PathBuf::from(name));
        }
    }
}

/// Adds the audio files below `folder`. What cannot be looked at is added with its obstacle, so that it fails alone; a
/// link to a folder above is told and passed over, since what it leads to is walked already.
fn walk(folder: &Path, extensions: &[String], inputs: &mut Vec<Input>) {
    for entry in WalkDir::new(folder).sort_by_file_name().follow_links(true) {
        match entry {
            Ok(entry) if entry.file_type().is_file() && has_extension(entry.path(), extensions) => {
                inputs.push(Input { below: below(folder, entry.path()), path: entry.into_path(), obstacle: None });
            }
            Ok(_) => {}
            Err(error) => inputs.extend(unwalkable(folder, extensions, error)),
        }
    }
}

fn below(folder: &Path, path: &Path) -> PathBuf {
    path.strip_prefix(folder).unwrap_or(path).to_path_buf()
}

/// The input in place of what the walk could not look at; none for what would not have been taken.
fn unwalkable(folder: &Path, extensions: &[String], error: walkdir::Error) -> Option<Input> {
    let path = error.path().unwrap_or(folder).to_path_buf();
    let Some(reason) = error.into_io_error() else {
        stdio::note_line(&format!(
            "sqnr: {}: warning: a link that leads back here is passed over",
            display_path(&path)
        ));
        return None;
    };
    let is_dangling = reason.kind() == io::ErrorKind::NotFound;
    if is_dangling && !has_extension(&path, extensions) {
        return None;
    }
    let obstacle = if is_dangling { "a link to nothing".to_owned() } else { reason.to_string() };
    Some(Input { below: below(folder, &path), path, obstacle: Some(obstacle) })
}

fn has_extension(path: &Path, extensions: &[String]) -> bool {
    let Some(extension) = path.extension().and_then(|e| e.to_str()) else {
        return false;
    };
    let is = |wanted: &str| extension.eq_ignore_ascii_case(wanted.trim_start_matches('.'));
    extensions.iter().any(|e| is(e))
}

/// Why `path` cannot be opened, with the nearest name in its folder as a hint when it is not there.
pub fn missing(path: &Path) -> Failure {
    match nearest_name(path) {
        Some(near) => Failure::input(path, format!("no such file; did you mean {}?", display_path(&near))),
        None => Failure::input(path, "no such file"),
    }
}

/// The file in the folder of `path` whose name differs by a slip of the finger, if there is one.
fn nearest_name(path: &Path) -> Option<PathBuf> {
    let wanted = path.file_name()?.to_str()?;
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let names: Vec<String> =
        fs::read_dir(folder).ok()?.take(10_000).filter_map(|e| e.ok()?.file_name().into_string().ok()).collect();
    hints::nearest(wanted, &names).map(|name| path.with_file_name(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extensions_are_compared_without_case_or_dot() {
        assert!(has_extension(Path::new("A.WAV"), &["wav".into()]));
        assert!(has_extension(Path::new("a.x"), &[".X".into()]));
        assert!(!has_extension(Path::new("a.txt"), &["wav".into()]));
    }
}
