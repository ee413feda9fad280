//! The inputs of a command: names, folders, lists of names.

use std::{
    fs,
    io::{self, BufRead},
    path::{Path, PathBuf},
};

use walkdir::WalkDir;

use super::{
    exit::{Failure, display_path},
    hints,
    options::Inputs,
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
}

impl Input {
    fn named(path: PathBuf) -> Self {
        let below = path.file_name().map_or_else(|| path.clone(), PathBuf::from);
        Self { path, below }
    }

    /// The input at a path that an option names.
    pub fn at(path: &Path) -> Self {
        Self { path: path.to_path_buf(), below: path.to_path_buf() }
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
        Some(list) => named.extend(read_list(list)?),
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
            walk(&path, &extensions, &mut inputs)?;
        } else {
            inputs.push(Input::named(path));
        }
    }
    if inputs.iter().filter(|input| input.is_stdin()).count() > 1 {
        return Err(Failure::usage("standard input can be read once only"));
    }
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

fn read_list(list: &Path) -> Result<Vec<PathBuf>, Failure> {
    let lines = |reader: &mut dyn BufRead| -> io::Result<Vec<PathBuf>> {
        let lines: io::Result<Vec<String>> = reader.lines().collect();
        Ok(lines?.into_iter().filter(|line| !line.is_empty()).map(PathBuf::from).collect())
    };
    let names = if list.as_os_str() == "-" {
        lines(&mut io::stdin().lock())
    } else {
        fs::File::open(list).and_then(|file| lines(&mut io::BufReader::new(file)))
    };
    names.map_err(|error| Failure::input(list, error))
}

fn walk(folder: &Path, extensions: &[String], inputs: &mut Vec<Input>) -> Result<(), Failure> {
    for entry in WalkDir::new(folder).sort_by_file_name().follow_links(true) {
        let entry = entry.map_err(|error| {
            let path = error.path().unwrap_or(folder).to_path_buf();
            Failure::input(
                &path,
                error.into_io_error().map_or_else(|| "a link leads back here".to_owned(), |e| e.to_string()),
            )
        })?;
        if entry.file_type().is_file() && has_extension(entry.path(), extensions) {
            let below = entry.path().strip_prefix(folder).unwrap_or(entry.path()).to_path_buf();
            inputs.push(Input { path: entry.into_path(), below });
        }
    }
    Ok(())
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
