//! Where results go: names, and what may not be overwritten.

use std::{
    collections::HashMap,
    fs,
    io::{self, IsTerminal},
    path::{Path, PathBuf},
};

use super::{
    exit::{Failure, display_path},
    identity,
    inputs::Input,
    options::{Global, Outputs},
};

/// What to do when an output exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// Refuse: the default.
    Refuse,
    /// `-f`.
    Replace,
    /// `-n`: leave it, and skip the work.
    Skip,
}

impl Existing {
    /// What the global options ask for.
    pub fn of(global: &Global) -> Self {
        match (global.force, global.no_clobber) {
            (true, _) => Self::Replace,
            (false, true) => Self::Skip,
            (false, false) => Self::Refuse,
        }
    }
}

/// Where one result goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// `-o -`.
    Stdout,
    /// A file by this name.
    File(PathBuf),
}

impl Output {
    /// The name as shown to the user.
    pub fn display(&self) -> String {
        match self {
            Self::Stdout => "standard output".into(),
            Self::File(path) => display_path(path),
        }
    }

    /// The output that a `-o` value names.
    pub fn named(path: &Path) -> Result<Self, Failure> {
        if path.as_os_str() != "-" {
            return Ok(Self::File(path.to_path_buf()));
        }
        match io::stdout().is_terminal() {
            true => Err(Failure::usage("binary data is not written to a terminal; use -o FILE or a pipe")),
            false => Ok(Self::Stdout),
        }
    }
}

/// The output of every input, in order: `-o`, else `-O` or the input's own folder with `suffix` for the extension.
///
/// An output that exists and is left (`-n`) may be an input: nothing is lost.
///
/// # Errors
/// Wrong use when `-o` meets many inputs, when two inputs would write one file, or when an output is an input.
pub fn plan(inputs: &[Input], options: &Outputs, suffix: &str, existing: Existing) -> Result<Vec<Output>, Failure> {
    let outputs = match (&options.output, inputs) {
        (Some(path), [_]) => vec![Output::named(path)?],
        (Some(_), _) => {
            return Err(Failure::usage(format!(
                "-o names the output of one input, and there are {}; use -O DIR",
                inputs.len()
            )));
        }
        (None, _) => inputs
            .iter()
            .map(|input| default_output(input, options.output_dir.as_deref(), suffix))
            .collect::<Result<_, _>>()?,
    };
    refuse_collisions(inputs, &outputs)?;
    if existing != Existing::Skip {
        outputs.iter().try_for_each(refuse_input)?;
    }
    Ok(outputs)
}

fn default_output(input: &Input, folder: Option<&Path>, suffix: &str) -> Result<Output, Failure> {
    if input.is_stdin() {
        return Err(Failure::usage(
            "standard input has no name to derive the output's from; use -o FILE, or -o - for standard output",
        ));
    }
    let base = match folder {
        Some(folder) => folder.join(&input.below),
        None => input.path.clone(),
    };
    let mut name = base.file_stem().unwrap_or_default().to_os_string();
    name.push(suffix);
    Ok(Output::File(base.with_file_name(name)))
}

fn refuse_collisions(inputs: &[Input], outputs: &[Output]) -> Result<(), Failure> {
    let mut seen: HashMap<&Path, &Input> = HashMap::new();
    for (input, output) in inputs.iter().zip(outputs) {
        let Output::File(path) = output else { continue };
        if let Some(other) = seen.insert(path, input) {
            let (path, one, two) = (display_path(path), other.display(), input.display());
            return Err(Failure::usage(format!(
                "{one} and {two} would both be written to {path}; use -O DIR or one at a time"
            )));
        }
    }
    Ok(())
}

/// Refuses an output that is a file that this run reads.
///
/// # Errors
/// As [`identity::refuse_input`].
pub fn refuse_input(output: &Output) -> Result<(), Failure> {
    match output {
        Output::File(path) => identity::refuse_input(path),
        Output::Stdout => Ok(()),
    }
}

/// True for a file that could be lost by writing over it; false for devices and pipes, and when there is nothing.
fn is_regular(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|meta| meta.is_file())
}

/// What the state of the disk says about writing `output`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clearance {
    /// Nothing is there, or it may be replaced.
    Write,
    /// It exists, and `-n` says to leave it.
    Skip,
}

/// Whether `output` may be written now.
///
/// # Errors
/// An output failure when it exists and neither `-f` nor `-n` was given, or when it is a folder; wrong use when it is a
/// file that this run reads.
pub fn clearance(output: &Output, existing: Existing) -> Result<Clearance, Failure> {
    let Output::File(path) = output else { return Ok(Clearance::Write) };
    if path.is_dir() {
        return Err(Failure::output(path, "is a folder; -O names a folder for the outputs"));
    }
    match (is_regular(path), existing) {
        (false, _) => Ok(Clearance::Write),
        (true, Existing::Replace) => identity::refuse_input(path).map(|()| Clearance::Write),
        (true, Existing::Skip) => Ok(Clearance::Skip),
        (true, Existing::Refuse) => Err(Failure::output(path, "exists; use -f to replace it, -n to skip it")),
    }
}

/// Makes the folder that `output` goes to when the user named it with `-O`.
pub fn make_folder(output: &Output, options: &Outputs) -> Result<(), Failure> {
    match (output, &options.output_dir) {
        (Output::File(path), Some(_)) => {
            let folder = path.parent().unwrap_or(Path::new("."));
            fs::create_dir_all(folder).map_err(|error| Failure::output(folder, error))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input(path: &str, below: &str) -> Input {
        Input { path: path.into(), below: below.into(), obstacle: None }
    }

    fn options(output: Option<&str>, output_dir: Option<&str>) -> Outputs {
        Outputs { output: output.map(PathBuf::from), output_dir: output_dir.map(PathBuf::from) }
    }

    #[test]
    fn the_default_is_beside_the_input() {
        let planned =
            plan(&[input("a/b.c.flac", "b.c.flac")], &options(None, None), ".q8.wav", Existing::Refuse).expect("legal");
        assert_eq!(planned, [Output::File("a/b.c.q8.wav".into())]);
    }

    #[test]
    fn a_folder_keeps_the_structure_below() {
        let planned = plan(&[input("music/x/b.wav", "x/b.wav")], &options(None, Some("out")), ".sqn", Existing::Refuse)
            .expect("legal");
        assert_eq!(planned, [Output::File("out/x/b.sqn".into())]);
    }

    #[test]
    fn two_inputs_never_share_an_output() {
        let inputs = [input("a.wav", "a.wav"), input("a.flac", "a.flac")];
        assert!(plan(&inputs, &options(None, None), ".q8.wav", Existing::Refuse).is_err());
        assert!(plan(&inputs, &options(Some("x.wav"), None), ".q8.wav", Existing::Refuse).is_err());
    }
}
