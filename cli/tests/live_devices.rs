//! Devices that refuse, vanish or are taken: one line and exit code 5.
//!
//! No machine that runs tests has such devices, so a library put before libasound's own functions plays them. Skips with
//! a word where there is no C compiler or no libasound.
#![cfg(all(feature = "live", target_os = "linux"))]

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

const SQNR: &str = env!("CARGO_BIN_EXE_sqnr");

/// `DEVICE=busy`: opening fails with EBUSY; `refuses`: no set of parameters is taken; `unplugged`: after half a second
/// the device is gone; `hesitates`: for a tenth of a second it has no figures.
const FALSE_DEVICES: &str = r#"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
static int is(const char *what) { const char *d = getenv("DEVICE"); return d && strcmp(d, what) == 0; }
static double seconds(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec + 1e-9 * t.tv_nsec; }
static double first;
static int is_gone(void) { return is("unplugged") && first && seconds() > first + 0.5; }
int snd_pcm_open(void **pcm, const char *name, int stream, int mode) {
    int (*real)(void **, const char *, int, int) = dlsym(RTLD_NEXT, "snd_pcm_open");
    return is("busy") ? -EBUSY : is_gone() ? -ENODEV : real(pcm, name, stream, mode);
}
int snd_pcm_hw_params(void *pcm, void *params) {
    int (*real)(void *, void *) = dlsym(RTLD_NEXT, "snd_pcm_hw_params");
    return is("refuses") ? -EINVAL : real(pcm, params);
}
int snd_pcm_avail_delay(void *pcm, long *avail, long *delay) {
    int (*real)(void *, long *, long *) = dlsym(RTLD_NEXT, "snd_pcm_avail_delay");
    if (!first) first = seconds();
    if (is("hesitates") && seconds() < first + 0.1) return -EIO;
    return is_gone() ? -ENODEV : real(pcm, avail, delay);
}
"#;

/// Devices that are files, and the library that spoils them.
fn rig(folder: &Path) -> Option<PathBuf> {
    fs::write(folder.join("false.c"), FALSE_DEVICES).expect("written");
    fs::write(folder.join("in.raw"), vec![0u8; 1 << 20]).expect("written");
    let name = folder.display();
    let configuration = format!(
        "pcm.!default {{ type plug slave.pcm \"t\" }}\n\
         pcm.t {{ type file slave.pcm {{ type null }} file \"/dev/null\" infile \"{name}/in.raw\" format \"raw\" }}\n\
         ctl.!default {{ type null }}\n"
    );
    fs::write(folder.join("asound.conf"), configuration).expect("written");
    let library = folder.join("false.so");
    let made = Command::new("cc")
        .args(["-shared", "-fPIC", "-o"])
        .arg(&library)
        .arg(folder.join("false.c"))
        .arg("-ldl")
        .output();
    if !made.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: no C compiler");
        return None;
    }
    Some(library)
}

fn run(folder: &Path, library: &Path, device: &str, options: &[&str]) -> Output {
    Command::new(SQNR)
        .arg("live")
        .args(options)
        .current_dir(folder)
        .env("ALSA_CONFIG_PATH", folder.join("asound.conf"))
        .env("LD_PRELOAD", library)
        .env("DEVICE", device)
        .stdin(Stdio::null())
        .output()
        .expect("runs")
}

#[track_caller]
fn fails_in_one_line(output: &Output, part: &str) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(5), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.starts_with("sqnr: ") && said.contains(part), "wanted {part:?}: {said}");
}

#[test]
fn a_device_that_is_taken_or_refuses_is_said_in_a_line() {
    let folder = tempfile::tempdir().expect("folder");
    let Some(library) = rig(folder.path()) else { return };
    let sound = run(folder.path(), &library, "", &["--no-tui", "--seconds", "0.2", "--output-device", "none"]);
    if !sound.status.success() {
        return eprintln!("skipped: no file plug-in: {}", String::from_utf8_lossy(&sound.stderr).trim());
    }
    let busy = run(folder.path(), &library, "busy", &["--no-tui", "--seconds", "1"]);
    fails_in_one_line(&busy, "in use by another program");
    let refused = run(folder.path(), &library, "refuses", &["--no-tui", "--seconds", "1"]);
    fails_in_one_line(&refused, "refuses the format");
    let absent = run(folder.path(), &library, "", &["--no-tui", "--seconds", "1", "--device", "no such microphone"]);
    fails_in_one_line(&absent, "no sound device is called 'no such microphone'");
    // A recording that could not begin leaves nothing.
    let busy = run(folder.path(), &library, "busy", &["--no-tui", "--seconds", "1", "--record", "take"]);
    fails_in_one_line(&busy, "in use by another program");
    let names: Vec<_> = fs::read_dir(folder.path()).expect("folder").map(|e| e.expect("entry").file_name()).collect();
    assert!(names.iter().all(|name| !name.to_string_lossy().contains("take")), "{names:?}");
}

#[test]
fn a_device_pulled_out_ends_in_a_line_and_a_whole_recording() {
    let folder = tempfile::tempdir().expect("folder");
    let Some(library) = rig(folder.path()) else { return };
    let options = ["--no-tui", "--json", "--seconds", "2", "--output-device", "none", "--record", "take"];
    let output = run(folder.path(), &library, "unplugged", &options);
    let said = String::from_utf8_lossy(&output.stderr);
    if said.contains("no default input device found") {
        return eprintln!("skipped: no file plug-in");
    }
    fails_in_one_line(&output, "lost and did not come back");
    let lines = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(lines.contains("\"state\":\"lost\""), "{lines}");
    let frames = |name: &str| {
        let source = sqnr::audio_file::open(&folder.path().join(name)).expect("whole");
        source.info().n_frames.expect("a length")
    };
    assert!(frames("take.dry.wav") > 0 && frames("take.dry.wav") == frames("take.wet.wav"));
}

#[test]
fn a_device_that_fails_for_a_moment_is_kept() {
    let folder = tempfile::tempdir().expect("folder");
    let Some(library) = rig(folder.path()) else { return };
    let options = ["--no-tui", "--json", "--seconds", "1.5", "--output-device", "none", "--record", "take"];
    let output = run(folder.path(), &library, "hesitates", &options);
    let (shown, said) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if said.contains("no default input device found") {
        return eprintln!("skipped: no file plug-in");
    }
    assert_eq!((output.status.code(), &*said), (Some(0), ""));
    assert!(!shown.contains("\"state\":\"lost\""), "{shown}");
    let source = sqnr::audio_file::open(&folder.path().join("take.dry.wav")).expect("whole");
    assert!(source.info().n_frames.is_some_and(|n| n > 0), "nothing was captured after it");
}

#[test]
fn no_terminal_and_no_standard_input_make_lines() {
    let folder = tempfile::tempdir().expect("folder");
    let made = Command::new(SQNR)
        .args(["generate", "sine", "--level", "-6", "--seconds", "9", "--bits", "16", "-o", "in.wav"])
        .current_dir(folder.path())
        .output()
        .expect("runs");
    assert!(made.status.success());
    let line = format!("exec {SQNR} live --input in.wav --output-device none --seconds 0.4 <&-");
    let output = Command::new("bash").args(["-c", &line]).current_dir(folder.path()).output().expect("runs");
    let (shown, said) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(shown.contains("dropouts") && !shown.contains('\u{1b}'), "{shown}");
    // A pipe that closes in the middle of a word.
    let line = format!("head -c 100001 in.wav | {SQNR} live --input - --output-device none --record take --json");
    let output = Command::new("bash").args(["-c", &line]).current_dir(folder.path()).output().expect("runs");
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let source = sqnr::audio_file::open(&folder.path().join("take.wet.wav")).expect("whole");
    assert!(source.info().n_frames.is_some_and(|n| n >= 49_000), "{:?}", source.info().n_frames);
}
