//! The audio path through real ALSA devices that are files: no daemon, no clock, every sample accounted for.
//!
//! libasound's `file` plug-in reads frames from one file and writes those played to another, as fast as they come. The
//! configuration is named by an environment variable, so the device side runs in a process of its own: this test
//! binary, started again. Skips with a word where there is no libasound with that plug-in.
#![cfg(all(feature = "live", target_os = "linux"))]

use std::{
    fs,
    path::Path,
    process::Command,
    sync::{Arc, atomic::Ordering::Relaxed},
    thread,
    time::{Duration, Instant},
};

use sqnr::live::{
    Bridge, CapturePort, Core, Direction, Ends, Flow, Layout, Pacing, PlaybackPort, Processor, Rates, Request,
    Settings, Start, plan, ring,
};

const N_FRAMES: usize = 48_000;
const RATE_HZ: u32 = 48_000;
/// Bits above those of the devices' files would be rounded by the 32-bit floats between.
const BITS: u32 = 8;
/// Frames that the transparent resampler holds back.
const DELAY: usize = 24;

fn settings() -> Settings {
    let recipe = format!("uniform bits={BITS} dither=tpdf seed=7").parse().expect("legal");
    Settings::new(&recipe, RATE_HZ, &[]).expect("legal")
}

/// Frames of two channels, no two alike: 24-bit values from a permutation.
fn input() -> Vec<f32> {
    (0..2 * N_FRAMES as u32).map(|i| ((i.wrapping_mul(2_654_435_761) >> 8) as f32 / 8_388_608.0 - 1.0) * 0.5).collect()
}

fn bytes(samples: &[f32]) -> Vec<u8> {
    samples.iter().flat_map(|x| x.to_le_bytes()).collect()
}

fn configure(folder: &Path) -> std::path::PathBuf {
    let folder_name = folder.display();
    let text = format!(
        "pcm.!default {{ type plug slave.pcm \"t\" }}\n\
         pcm.t {{ type file slave.pcm {{ type null }} file \"{folder_name}/out.raw\" infile \"{folder_name}/in.raw\" \
         format \"raw\" }}\nctl.!default {{ type null }}\n"
    );
    let path = folder.join("asound.conf");
    fs::write(&path, text).expect("written");
    path
}

#[test]
fn what_is_played_is_what_the_library_computes() {
    let folder = tempfile::tempdir().expect("folder");
    fs::write(folder.path().join("in.raw"), bytes(&input())).expect("written");
    let status = Command::new(std::env::current_exe().expect("this test"))
        .args(["--exact", "device_side", "--ignored", "--nocapture"])
        .env("ALSA_CONFIG_PATH", configure(folder.path()))
        .output()
        .expect("starts");
    let said = String::from_utf8_lossy(&status.stderr).into_owned();
    if said.contains("skipped:") {
        eprintln!("skipped: no ALSA file plug-in here");
        return;
    }
    assert!(status.status.success(), "{said}");

    let mut expected = vec![0.0f32; 2 * N_FRAMES];
    let mut offline = settings().requantizer(2).expect("legal");
    let heard = input();
    for channel in 0..2 {
        // The path begins with the resampler's silence, which takes part in dither and all.
        let silence = std::iter::repeat_n(0.0, DELAY);
        let samples = heard.iter().skip(channel).step_by(2).take(N_FRAMES - DELAY).map(|&x| f64::from(x));
        let x: Vec<f64> = silence.chain(samples).collect();
        let (mut indices, mut y) = (vec![0; N_FRAMES], vec![0.0; N_FRAMES]);
        offline.process(channel, 0, &x, &mut indices, &mut y);
        expected.iter_mut().skip(channel).step_by(2).zip(y).for_each(|(e, y)| *e = y as f32);
    }
    let played = fs::read(folder.path().join("out.raw")).expect("played");
    let expected = bytes(&expected);
    assert!(played.len() >= expected.len(), "{} of {} bytes", played.len(), expected.len());
    assert!(played[..expected.len()] == expected, "some frame differs");
}

/// Not a test by itself: captures, quantizes and plays with the devices of the configuration given.
#[test]
#[ignore = "started by the test above"]
fn device_side() {
    let request = Request { sample_rate_hz: Some(RATE_HZ), buffer_frames: 512, ..Default::default() };
    let (Ok(capture), Ok(playback)) = (plan(Direction::Capture, &request), plan(Direction::Playback, &request)) else {
        eprintln!("skipped:");
        return;
    };
    let flow = Arc::new(Flow::default());
    let layout = |n_device_channels| Layout { rate_hz: RATE_HZ, n_channels: 2, n_device_channels };
    let (to_bridge, from_capture) = ring(N_FRAMES, 2);
    let (to_playback, from_bridge) = ring(N_FRAMES + 64, 2);
    let (_commands, from_nobody) = rtrb_commands();
    let chain = settings().chain(2, RATE_HZ).expect("legal");
    let core = Core { processor: Processor::new(2, RATE_HZ, chain), commands: from_nobody, taps: Vec::new() };
    let rates = Rates::new(RATE_HZ, RATE_HZ, 2).expect("legal");
    let pacing = Pacing::OneClock;
    let ends = Ends { input: from_capture, output: to_playback, rates, pacing, flow: flow.clone() };
    let mut bridge = Bridge::new(ends, core);

    let port = CapturePort::new(to_bridge, layout(capture.n_channels()), flow.clone());
    let stream = capture.capture(port, &flow).expect("captures");
    wait_for(|| flow.captured_frames.load(Relaxed) == N_FRAMES as u64);
    drop(stream);

    while bridge.round(0.0) > 0 {}
    flow.is_ended.store(true, Relaxed);
    let port = PlaybackPort::new(from_bridge, layout(playback.n_channels()), flow.clone(), Start::WithEveryFrame);
    let stream = playback.play(port, &flow).expect("plays");
    wait_for(|| flow.is_drained.load(Relaxed));
    drop(stream);
}

fn rtrb_commands() -> (rtrb::Producer<sqnr::live::Command>, rtrb::Consumer<sqnr::live::Command>) {
    rtrb::RingBuffer::new(1)
}

fn wait_for(is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_secs(20), "the device stands still");
        thread::sleep(Duration::from_millis(2));
    }
}
