//! A folder of its own for each test, and the program run in it.

use std::{
    path::{Path, PathBuf},
    process::Output,
};

use assert_cmd::Command;
use serde_json::Value;
use tempfile::TempDir;

/// A temporary folder in which the program runs.
pub struct Folder(TempDir);

/// What a run gave back.
#[derive(Debug)]
pub struct Run {
    pub code: i32,
    pub stdout: Vec<u8>,
    pub stderr: String,
}

impl Folder {
    pub fn new() -> Self {
        Self(TempDir::new().expect("a temporary folder"))
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn has(&self, name: &str) -> bool {
        self.path(name).exists()
    }

    pub fn bytes(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    pub fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.path(name), bytes).expect("written");
    }

    /// Names in the folder, sorted; temporary files of a broken run would show here.
    pub fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.0.path()).expect("a folder");
        let mut names: Vec<String> =
            entries.map(|e| e.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    pub fn command(&self) -> Command {
        let mut command = Command::cargo_bin("sqnr").expect("the program is built");
        command.current_dir(self.0.path()).env("NO_COLOR", "1").timeout(std::time::Duration::from_secs(60));
        command
    }

    /// Runs `sqnr` with the words of `line`.
    pub fn run(&self, line: &str) -> Run {
        let mut command = self.command();
        command.args(line.split_whitespace());
        finish(command.output().expect("runs"))
    }

    pub fn run_with_stdin(&self, line: &str, stdin: Vec<u8>) -> Run {
        let mut command = self.command();
        command.args(line.split_whitespace()).write_stdin(stdin);
        finish(command.output().expect("runs"))
    }

    /// Runs with `--json` and gives the object back.
    pub fn json(&self, line: &str) -> Value {
        let run = self.run(&format!("{line} --json"));
        assert_eq!(run.code, 0, "{line}: {}", run.stderr);
        serde_json::from_slice(&run.stdout).unwrap_or_else(|e| panic!("{line}: {e}: {}", run.text()))
    }

    /// A file from `testdata/` under `name`.
    pub fn copy(&self, testdata: &str, name: &str) {
        let from = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/..")).join("testdata").join(testdata);
        std::fs::copy(&from, self.path(name)).unwrap_or_else(|e| panic!("{}: {e}", from.display()));
    }

    /// A WAV of 16-bit codes, mono, 8 kHz.
    pub fn wav16(&self, name: &str, codes: &[i16]) {
        let spec = hound::WavSpec {
            channels: 1,
            sample_rate: 8_000,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let mut writer = hound::WavWriter::create(self.path(name), spec).expect("created");
        codes.iter().for_each(|&code| writer.write_sample(code).expect("written"));
        writer.finalize().expect("finished");
    }

    /// A WAV of 16-bit codes, channels interleaved, at 48 kHz; `mask` says where the channels stand.
    pub fn wav_of_positions(&self, name: &str, n_channels: u16, mask: u32, codes: &[i16]) {
        let block = 2 * n_channels;
        let mut fmt = Vec::new();
        fmt.extend([0xFFFE_u16, n_channels].iter().flat_map(|v| v.to_le_bytes()));
        fmt.extend([48_000, 48_000 * u32::from(block)].iter().flat_map(|v| v.to_le_bytes()));
        fmt.extend([block, 16, 22, 16].iter().flat_map(|v| v.to_le_bytes()));
        fmt.extend(mask.to_le_bytes());
        fmt.extend(*b"\x01\0\0\0\0\0\x10\0\x80\0\0\xaa\0\x38\x9b\x71");
        let data: Vec<u8> = codes.iter().flat_map(|code| code.to_le_bytes()).collect();
        let mut bytes = b"RIFF".to_vec();
        bytes.extend((20 + fmt.len() as u32 + data.len() as u32).to_le_bytes());
        bytes.extend(*b"WAVEfmt ");
        bytes.extend((fmt.len() as u32).to_le_bytes());
        bytes.extend(fmt);
        bytes.extend(*b"data");
        bytes.extend((data.len() as u32).to_le_bytes());
        bytes.extend(data);
        self.write(name, &bytes);
    }

    /// Laplacian noise of standard deviation 0.1, 40,000 samples.
    pub fn noise(&self, name: &str) {
        let mut state = 1u64;
        let mut uniform = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            ((state >> 11) as f64 + 0.5) / (1u64 << 53) as f64
        };
        let mut draw = || 2_317.0 * uniform().ln() * if uniform() < 0.5 { -1.0 } else { 1.0 };
        let codes: Vec<i16> = (0..40_000).map(|_| draw() as i16).collect();
        self.wav16(name, &codes);
    }

    /// A ramp through many codes and a tone on it.
    pub fn song(&self, name: &str) {
        let codes: Vec<i16> =
            (0..4_000).map(|n| (f64::from(n - 2_000) * 3.0 + 20_000.0 * (0.05 * f64::from(n)).sin()) as i16).collect();
        self.wav16(name, &codes);
    }

    /// Codes of a WAV, left as they are, and its format.
    pub fn read(&self, name: &str) -> (hound::WavSpec, Vec<i32>) {
        let mut reader = hound::WavReader::open(self.path(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
        let codes = reader.samples::<i32>().map(|s| s.expect("a sample")).collect();
        (reader.spec(), codes)
    }

    pub fn read_f32(&self, name: &str) -> Vec<f32> {
        let mut reader = hound::WavReader::open(self.path(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
        reader.samples::<f32>().map(|s| s.expect("a sample")).collect()
    }
}

impl Run {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// Asserts the exit code and that the message is the one line expected in part.
    #[track_caller]
    pub fn fails(&self, code: i32, part: &str) {
        assert_eq!(self.code, code, "{}", self.stderr);
        assert_eq!(self.stderr.lines().count(), 1, "one line: {}", self.stderr);
        assert!(self.stderr.starts_with("sqnr: ") && self.stderr.contains(part), "wanted {part:?}: {}", self.stderr);
    }

    #[track_caller]
    pub fn code_is(&self, code: i32) {
        assert_eq!(self.code, code, "{}", self.stderr);
    }

    #[track_caller]
    pub fn succeeds(&self) -> &Self {
        assert_eq!(self.code, 0, "{}", self.stderr);
        self
    }
}

fn finish(output: Output) -> Run {
    let code = output.status.code().unwrap_or_else(|| panic!("ended by a signal: {output:?}"));
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_ne!(code, 101, "a panic: {stderr}");
    Run { code, stdout: output.stdout, stderr }
}
