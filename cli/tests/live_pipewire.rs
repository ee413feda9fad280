//! `sqnr live` between two real-time devices: PipeWire with null sinks for microphone and loudspeaker.
//!
//! What is played into the microphone is recorded behind the loudspeaker, and must be what the library computes from
//! the input, frame by frame. Real time on a loaded machine can lose a cycle: one gap is forgiven, and one failure.
//! A failure counts only when the program claims that nothing was lost and the machine had time to spare. Skips with a
//! word where PipeWire is not installed.
#![cfg(all(feature = "live", target_os = "linux"))]

use std::{fs, path::Path, process::Command};

use sqnr::{audio_file, quantizer::Quantizer, quantizer::Uniform};

const SQNR: &str = env!("CARGO_BIN_EXE_sqnr");

/// Frames that must agree without a break before anything is said of them.
const RUN: usize = 64;

#[test]
fn what_is_heard_is_what_was_quantized() {
    let mut complaint = String::new();
    for _ in 0..2 {
        let folder = tempfile::tempdir().expect("folder");
        match attempt(folder.path()) {
            Ok(()) => return,
            Err(Trouble::NoPipeWire(what)) => {
                eprintln!("skipped: {what}");
                return;
            }
            Err(Trouble::Wrong(what)) if is_excused(folder.path()) => {
                eprintln!("no verdict, the machine is too busy: {what}");
                return;
            }
            Err(Trouble::Wrong(what)) => complaint = what,
        }
    }
    panic!("twice: {complaint}");
}

/// Frames between the impulses that latency is measured with.
const IMPULSE_EVERY: usize = 24_000;

/// What the program tells of its latency, and what lies between an impulse at the microphone and at the loudspeaker.
#[test]
fn the_latency_told_is_the_true_one() {
    let mut complaint = String::new();
    for _ in 0..2 {
        let folder = tempfile::tempdir().expect("folder");
        write_impulses(&folder.path().join("in.wav"), 16);
        let Some(status) =
            run_rig(folder.path(), "tests/rig/both.sh", &["14", "--buffer", "1024", "-b", "24", "-d", "none"])
        else {
            return;
        };
        let Some((true_ms, told_ms)) = latencies_ms(folder.path()).filter(|_| status) else {
            complaint = "nothing was heard".into();
            continue;
        };
        eprintln!("latency: true {true_ms:.1} ms, told {told_ms:.1} ms");
        if (true_ms - told_ms).abs() < 2.0 {
            return;
        }
        if is_excused(folder.path()) {
            return eprintln!("no verdict, the machine is too busy");
        }
        complaint = format!("true {true_ms} ms, told {told_ms} ms");
    }
    panic!("twice: {complaint}");
}

/// Runs the rig with a hook of this repository; whether it succeeded. None, and a word, where it cannot run.
fn run_rig(folder: &Path, hook: &str, options: &[&str]) -> Option<bool> {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    let mut command = Command::new(root.join("tests/rig/pipewire.sh"));
    command.arg(SQNR).args([&folder.join("in.wav"), folder]).args(options).env("SQNR_RIG_HOOK", root.join(hook));
    let Ok(output) = command.output() else {
        eprintln!("skipped: the rig does not start");
        return None;
    };
    if output.status.code() == Some(77) {
        eprintln!("skipped: {}", String::from_utf8_lossy(&output.stdout).trim());
        return None;
    }
    Some(output.status.success())
}

/// Stereo floats: a sample of 0.5 every half second.
fn write_impulses(path: &Path, seconds: usize) {
    let n_bytes = (seconds * 48_000 * 8) as u32;
    let mut bytes = Vec::new();
    for part in [
        &b"RIFF"[..],
        &(36 + n_bytes).to_le_bytes(),
        b"WAVEfmt \x10\0\0\0\x03\0\x02\0",
        &48_000u32.to_le_bytes(),
        &(48_000u32 * 8).to_le_bytes(),
        b"\x08\0\x20\0data",
        &n_bytes.to_le_bytes(),
    ] {
        bytes.extend_from_slice(part);
    }
    let frames = (1..=seconds * 48_000).map(|i| if i % IMPULSE_EVERY == 0 { 0.5f32 } else { 0.0 });
    bytes.extend(frames.flat_map(|x| [x.to_le_bytes(), x.to_le_bytes()]).flatten());
    fs::write(path, bytes).expect("written");
}

/// Of the last second: the median of what was recorded, and what was told last.
fn latencies_ms(folder: &Path) -> Option<(f64, f64)> {
    let both = raw(&folder.join("both.raw"));
    let onsets = |channel: usize| -> Vec<usize> {
        let loud = both.chunks_exact(4).enumerate().filter(|(_, frame)| frame[channel].abs() > 0.2).map(|(i, _)| i);
        let mut onsets: Vec<usize> = loud.collect();
        onsets.dedup_by(|next, first| *next - *first < IMPULSE_EVERY / 4);
        onsets
    };
    let (sent, heard) = (onsets(0), onsets(2));
    let delay = |&at: &usize| heard.iter().find(|&&h| h > at).map(|h| h - at).filter(|&d| d < IMPULSE_EVERY);
    let delays: Vec<usize> = sent.iter().filter_map(delay).collect();
    let mut last = delays[delays.len().checked_sub(3)?..].to_vec();
    last.sort_unstable();
    let text = fs::read_to_string(folder.join("lines.json")).ok()?;
    let line: serde_json::Value = serde_json::from_str(text.lines().last()?).ok()?;
    Some((last[1] as f64 / 48.0, line["latency_s"].as_f64()? * 1e3))
}

#[test]
fn a_device_that_vanishes_is_found_again() {
    let folder = tempfile::tempdir().expect("folder");
    let input = folder.path().join("in.wav");
    make_input(&input, "1");
    let Some(succeeded) = run_rig(folder.path(), "tests/rig/outage.sh", &["12", "--buffer", "1024"]) else { return };
    let text = fs::read_to_string(folder.path().join("lines.json")).expect("lines");
    let lines: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).expect("an object a line")).collect();
    let lost = lines.iter().position(|line| line["state"] == "lost");
    let lost = lost.unwrap_or_else(|| panic!("nobody noticed that the sound server died: {text}"));
    let (before, last) = (&lines[lost], &lines[lines.len() - 1]);
    if last["state"] != "running" && is_busy() {
        return eprintln!("no verdict, the machine is too busy for the sound server to come back in time");
    }
    assert_eq!(last["state"], "running", "{text}");
    assert!(last["recorded_frames"].as_u64() > before["recorded_frames"].as_u64(), "{text}");
    assert!(succeeded, "an exit code other than 0");
    let said = fs::read_to_string(folder.path().join("sqnr.log")).expect("log");
    assert_eq!(said, "", "the sound library's complaints would run across the screen");
    let [dry, wet] = ["take.dry.wav", "take.wet.wav"].map(|name| samples(&folder.path().join(name)).len() as u64 / 2);
    assert!(dry == wet && Some(dry) >= last["recorded_frames"].as_u64(), "{dry} and {wet} frames");
}

/// The sound server changes its rate and back, then the loudspeaker goes and comes back with another one.
#[test]
fn a_rate_that_changes_is_gone_along_with() {
    let folder = tempfile::tempdir().expect("folder");
    make_input(&folder.path().join("in.wav"), "20");
    let options = ["12", "--buffer", "1024"];
    let Some(succeeded) = run_rig(folder.path(), "tests/rig/other_rate.sh", &options) else { return };
    let text = fs::read_to_string(folder.path().join("lines.json")).expect("lines");
    let said = fs::read_to_string(folder.path().join("sqnr.log")).expect("log");
    // However it ended, what was recorded is whole.
    let [dry, wet] = ["take.dry.wav", "take.wet.wav"].map(|name| samples(&folder.path().join(name)).len() as u64 / 2);
    let last: serde_json::Value =
        text.lines().last().map(|l| serde_json::from_str(l).expect("an object")).expect("one");
    assert!(dry == wet && Some(dry) >= last["recorded_frames"].as_u64(), "{dry} and {wet} frames: {text}");
    if !folder.path().join("changed").exists() && is_busy() {
        return eprintln!("no verdict, the machine is too busy: the rates were not changed in time");
    }
    assert!(folder.path().join("changed").exists(), "the rates were not changed in time: {text}");
    if last["state"] != "running" {
        // A server that cannot keep the stream has lost it.
        assert!(!succeeded && said.lines().count() == 1 && said.contains("did not come back"), "{said}{text}");
        return;
    }
    assert!(succeeded && said.is_empty(), "{said}{text}");
    let heard = raw(&folder.path().join("heard.raw"));
    let is_sound = |samples: &[f32]| samples.iter().any(|x| x.abs() > 0.1);
    let is_flowing = !last["level_dbfs"].is_null() && is_sound(&heard[heard.len().saturating_sub(96_000)..]);
    if !is_flowing && is_busy() {
        return eprintln!("no verdict, the machine is too busy for the sound to be back in time");
    }
    assert!(is_flowing, "nothing is heard any more: {text}");
    let n_frames = |seconds: f64| (seconds * 48_000.0) as u64;
    let time_s = last["time_s"].as_f64().expect("a time");
    // A pause of the change is counted or heard; it is no more than that.
    assert!(dry > n_frames(time_s - 3.0), "{dry} frames in {time_s} s: {text}");
}

/// White noise of this many seconds.
fn make_input(path: &Path, seconds: &str) {
    let options = ["generate", "white", "--level", "-9", "--channels", "2", "--bits", "24", "--seconds", seconds, "-o"];
    let made = Command::new(SQNR).args(options).arg(path).output().expect("runs");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

/// True when the program itself counted dropouts or a drift, or others keep the machine busy.
fn is_excused(folder: &Path) -> bool {
    let lines = fs::read_to_string(folder.join("lines.json")).unwrap_or_default();
    let last: serde_json::Value =
        lines.lines().last().and_then(|line| serde_json::from_str(line).ok()).unwrap_or_default();
    let counted = ["underruns", "lost_frames", "device_xruns"].iter().any(|key| last[key].as_u64().unwrap_or(0) > 0);
    counted || !last["drift_ppm"].is_null() || is_busy()
}

/// True when others leave this machine no time to spare.
fn is_busy() -> bool {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load: f64 = load.split_whitespace().next().and_then(|field| field.parse().ok()).unwrap_or(0.0);
    let n_cores = std::thread::available_parallelism().map_or(1, usize::from);
    load > 1.5 * n_cores as f64
}

enum Trouble {
    NoPipeWire(String),
    Wrong(String),
}

fn attempt(folder: &Path) -> Result<(), Trouble> {
    let input = folder.join("in.wav");
    make_input(&input, "2");
    let rig = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/rig/pipewire.sh");
    let output = Command::new(rig)
        .arg(SQNR)
        .args([&input, folder])
        .args(["5", "--buffer", "1024", "-b", "8", "-d", "none"])
        .output()
        .map_err(|error| Trouble::NoPipeWire(error.to_string()))?;
    if output.status.code() == Some(77) {
        return Err(Trouble::NoPipeWire(String::from_utf8_lossy(&output.stdout).trim().into()));
    }
    if !output.status.success() {
        let log = fs::read_to_string(folder.join("sqnr.log")).unwrap_or_default();
        return Err(Trouble::Wrong(format!("{}: {log}", output.status)));
    }
    let text = fs::read_to_string(folder.join("lines.json")).unwrap_or_default();
    if !text.lines().last().is_some_and(|line| line.contains("\"input_block_frames\":1024")) {
        return Err(Trouble::Wrong(format!("blocks are not of the length wished for: {text}")));
    }
    let (sent, dry) = (samples(&input), samples(&folder.join("take.dry.wav")));
    let (wet, heard) = (samples(&folder.join("take.wet.wav")), raw(&folder.join("heard.raw")));
    let grid = Uniform::mid_tread(8).expect("legal");
    let level = |x: f32| grid.reconstruct(grid.index(f64::from(x))) as f32;
    assert!(dry.len() == wet.len() && dry.iter().zip(&wet).all(|(&x, &y)| level(x) == y), "wet is not dry quantized");
    follows(&sent, &dry, "captured")?;
    let first = dry.iter().position(|x| *x != 0.0).unwrap_or(0);
    let last = (first + sent.len()).min(wet.len());
    follows(&wet[first..last], &heard, "heard")
}

/// Whether all of `sent` is in `got`, in order, with at most one gap.
fn follows(sent: &[f32], got: &[f32], what: &str) -> Result<(), Trouble> {
    let (mut at, mut n_gaps, mut n_lost) = (0, 0, 0);
    let mut place = find(got, &sent[..RUN]).ok_or(Trouble::Wrong(format!("nothing was {what}")))?;
    while at < sent.len() {
        let n_alike = sent[at..].iter().zip(&got[place..]).take_while(|(a, b)| a == b).count();
        (at, place) = (at + n_alike, place + n_alike);
        if at + RUN >= sent.len() {
            break;
        }
        // Look for the place where it goes on: silence put in, or frames left out.
        n_gaps += 1;
        let mut ahead = (at..sent.len() - RUN).step_by(2).take(48_000);
        let Some((next, found)) = ahead.find_map(|i| find(&got[place..], &sent[i..i + RUN]).map(|p| (i, place + p)))
        else {
            return Err(Trouble::Wrong(format!("{what}: lost after {at} of {} samples", sent.len())));
        };
        n_lost += next - at;
        (at, place) = (next, found);
    }
    match n_gaps {
        0 => Ok(()),
        1 => {
            eprintln!("{what}: one gap, {n_lost} samples");
            Ok(())
        }
        _ => Err(Trouble::Wrong(format!("{what}: {n_gaps} gaps, {n_lost} samples lost"))),
    }
}

fn find(samples: &[f32], run: &[f32]) -> Option<usize> {
    samples.windows(run.len()).position(|window| window == run)
}

fn samples(path: &Path) -> Vec<f32> {
    let mut source = audio_file::open(path).expect("written");
    let mut samples = Vec::new();
    let mut block = vec![0.0; 8_192];
    while let Ok(n) = source.read_f32(&mut block) {
        if n == 0 {
            break;
        }
        samples.extend_from_slice(&block[..2 * n]);
    }
    samples
}

fn raw(path: &Path) -> Vec<f32> {
    let bytes = fs::read(path).expect("recorded");
    bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
}
