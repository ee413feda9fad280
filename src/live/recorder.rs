//! Writes what comes and what goes to two files: dry, before the quantizer, and wet, behind it, sample by sample alike.
//!
//! Both are 32-bit float WAV, which holds every level of up to 24 bits. They appear whole under their names when the
//! recording ends, however it ends, short of a power cut.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use rtrb::Consumer;

use super::{bridge::Tap, port::ring};
use crate::{
    Result,
    atomic_file::{AtomicFile, Existing},
    wav::{Metadata, SampleFormat, Spec, Writer},
};

/// The disk may stall this long before frames are lost.
const RING_S: f64 = 8.0;

/// Frames written at once.
const BLOCK_FRAMES: usize = 4_096;

/// A recording under way.
#[derive(Debug)]
pub struct Recorder {
    thread: JoinHandle<Result<u64>>,
    stop: Arc<AtomicBool>,
    n_frames: Arc<AtomicU64>,
    paths: (PathBuf, PathBuf),
}

/// The names of both files of a recording `FILE`: `FILE.dry.wav` and `FILE.wet.wav`, without doubling the ending.
pub fn names(path: &Path) -> (PathBuf, PathBuf) {
    let stem = if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("wav")) {
        path.with_extension("")
    } else {
        path.to_path_buf()
    };
    let with = |ending: &str| {
        let mut name = stem.clone().into_os_string();
        name.push(ending);
        PathBuf::from(name)
    };
    (with(".dry.wav"), with(".wet.wav"))
}

impl Recorder {
    /// Begins both files of a recording `path`; the tap is for the bridge.
    ///
    /// # Errors
    /// `Io` when a file cannot be begun; of kind `AlreadyExists` when one is there and `existing` says to refuse.
    pub fn begin(path: &Path, existing: Existing, n_channels: usize, sample_rate_hz: u32) -> Result<(Self, Tap)> {
        let paths = names(path);
        let spec = Spec {
            sample_rate_hz,
            channels: n_channels as u16,
            channel_mask: None,
            sample_format: SampleFormat::FLOAT32,
        };
        let begin = |path: &Path| -> Result<Writer<AtomicFile>> {
            Writer::seekable(AtomicFile::create(path, existing)?, &spec, None, &Metadata::default())
        };
        let writers = [begin(&paths.0)?, begin(&paths.1)?];
        let (producer, consumer) = ring((f64::from(sample_rate_hz) * RING_S) as usize, 2 * n_channels);
        let stop = Arc::new(AtomicBool::new(false));
        let n_frames = Arc::new(AtomicU64::new(0));
        let thread = thread::spawn({
            let (stop, n_frames) = (stop.clone(), n_frames.clone());
            move || record(consumer, n_channels, writers, &stop, &n_frames)
        });
        Ok((Self { thread, stop, n_frames, paths }, Tap::new(producer)))
    }

    /// Frames written so far.
    pub fn n_frames(&self) -> u64 {
        self.n_frames.load(Relaxed)
    }

    /// Both names.
    pub fn paths(&self) -> (&Path, &Path) {
        (&self.paths.0, &self.paths.1)
    }

    /// Writes what is under way and completes both files. Returns the frames in each.
    ///
    /// # Errors
    /// `Io` when the disk is full and the like: what was written until then is kept.
    pub fn finish(self) -> Result<u64> {
        self.stop.store(true, Relaxed);
        self.thread.join().unwrap_or(Ok(0))
    }
}

fn record(
    mut ring: Consumer<f32>,
    n_channels: usize,
    mut writers: [Writer<AtomicFile>; 2],
    stop: &AtomicBool,
    n_written: &AtomicU64,
) -> Result<u64> {
    let mut outcome = Ok(());
    while outcome.is_ok() {
        // Read before the ring: what was pushed before the stop is still written.
        let is_last = stop.load(Relaxed);
        let n_frames = (ring.slots() / (2 * n_channels)).min(BLOCK_FRAMES);
        if n_frames > 0 {
            outcome = write_frames(&mut ring, n_frames, n_channels, &mut writers);
            n_written.fetch_add(n_frames as u64, Relaxed);
        } else if is_last {
            break;
        } else {
            thread::sleep(Duration::from_millis(20));
        }
    }
    for writer in writers {
        writer.finish(&[])?.sink.commit()?;
    }
    outcome.map(|()| n_written.load(Relaxed))
}

fn write_frames(
    ring: &mut Consumer<f32>,
    n_frames: usize,
    n_channels: usize,
    writers: &mut [Writer<AtomicFile>; 2],
) -> Result<()> {
    let mut frames = vec![0.0f32; 2 * n_frames * n_channels];
    if ring.pop_entire_slice(&mut frames).is_err() {
        return Ok(());
    }
    for (half, writer) in writers.iter_mut().enumerate() {
        let parts = frames.chunks_exact(2 * n_channels).map(|frame| &frame[half * n_channels..(half + 1) * n_channels]);
        let samples: Vec<f32> = parts.flatten().copied().collect();
        writer.write_f32(&samples)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio_file;

    #[test]
    fn both_files_hold_their_halves() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("take.wav");
        let (recorder, mut tap) = Recorder::begin(&path, Existing::Refuse, 2, 44_100).expect("begun");
        let dry: Vec<f32> = (0..20_000).map(|i| i as f32 / 32_768.0).collect();
        let wet: Vec<f32> = dry.iter().map(|x| -x).collect();
        tap.push(&dry[..11_000], &wet[..11_000], 2);
        tap.push(&dry[11_000..], &wet[11_000..], 2);
        assert!(!folder.path().join("take.dry.wav").exists(), "nothing under the name before the end");
        assert_eq!(recorder.finish().expect("written"), 10_000);
        for (name, expected) in [("take.dry.wav", dry), ("take.wet.wav", wet)] {
            let mut source = audio_file::open(&folder.path().join(name)).expect("whole");
            assert_eq!(source.info().spec.sample_rate_hz, 44_100);
            let mut samples = vec![0.0; 20_002];
            assert_eq!(source.read_f32(&mut samples).expect("read"), 10_000);
            assert_eq!(samples[..20_000], expected);
        }
        assert!(Recorder::begin(&path, Existing::Refuse, 2, 44_100).is_err(), "never over an old take");
    }

    #[test]
    fn the_two_names_come_from_one() {
        let (dry, wet) = names(Path::new("a/take.one.wav"));
        assert_eq!((dry.to_str(), wet.to_str()), (Some("a/take.one.dry.wav"), Some("a/take.one.wet.wav")));
        assert_eq!(names(Path::new("take.v2")).0, Path::new("take.v2.dry.wav"));
    }
}
