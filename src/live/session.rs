//! One run of the path: finds both ends, opens them, connects them by the bridge, and takes it all apart again.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use super::{
    bridge::{Bridge, Core, Ends, Pacing, Rates, Running},
    device::{self, Planned, Request, Stream},
    flow::{Direction, Flow},
    port::{CapturePort, Layout, PlaybackPort, Start, ring},
    priority::urgently,
    rehearsal::REHEARSAL_S,
};
use crate::{Error, Result, audio_file};

/// Room in a ring between a device and the bridge: a stall of this length loses nothing.
const RING_S: f64 = 1.0;

/// A file is read at most this far ahead: what has been read no longer hears the keys.
const READ_AHEAD_S: f64 = 0.05;

/// Most channels of a path.
const MAX_CHANNELS: usize = 8;

/// Neither end heard of for this long: the device is gone, whatever its driver says.
const LOST_AFTER_S: f64 = 3.0;

/// Where the sound comes from.
#[derive(Debug)]
pub enum Input {
    /// A device.
    Device(Request),
    /// A file or a pipe, opened.
    File(Box<audio_file::Source<'static>>),
}

/// Where the sound goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// A device.
    Device(Request),
    /// A device, or nowhere when there is none.
    DeviceIfAny(Request),
    /// Nowhere, at a clock's pace.
    Silent {
        /// Frames per block.
        buffer_frames: u32,
    },
}

/// The plan of a run: formats are known, nothing sounds yet.
pub struct Plan {
    capture: CapturePlan,
    playback: PlaybackPlan,
    rates: Rates,
}

impl std::fmt::Debug for Plan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plan").field("rates", &self.rates).finish_non_exhaustive()
    }
}

enum CapturePlan {
    Device(Request, Planned),
    File(Box<audio_file::Source<'static>>),
}

enum PlaybackPlan {
    Device(Request, Planned),
    Silent(u32),
}

impl CapturePlan {
    fn new(input: Input) -> Result<Self> {
        Ok(match input {
            Input::Device(request) => {
                let planned = device::plan(Direction::Capture, &request)?;
                Self::Device(request, planned)
            }
            Input::File(source) => Self::File(source),
        })
    }

    fn rate_hz(&self) -> u32 {
        match self {
            Self::Device(_, planned) => planned.rate_hz(),
            Self::File(source) => source.info().spec.sample_rate_hz,
        }
    }

    fn n_channels(&self) -> usize {
        match self {
            Self::Device(_, planned) => planned.n_channels(),
            Self::File(source) => usize::from(source.info().spec.channels),
        }
    }

    fn n_path_channels(&self) -> usize {
        match self {
            Self::Device(request, planned) => planned.n_channels().min(usize::from(request.n_channels)),
            Self::File(_) => self.n_channels().min(MAX_CHANNELS),
        }
    }

    fn start(self, port: CapturePort, layout: Layout, flow: &Arc<Flow>) -> Result<Source> {
        Ok(match self {
            Self::Device(request, planned) => Source::Device(request, planned.capture(port, flow)?),
            Self::File(file) => {
                let flow = flow.clone();
                Source::File(Worker::start(move |stop| read_file(file, port, layout, &flow, stop)))
            }
        })
    }
}

impl PlaybackPlan {
    /// Asks for the input's rate and channels; on two loudspeakers a mono input plays on both.
    fn new(output: &Output, rate_hz: u32, n_channels: usize) -> Result<Self> {
        let plan = |request: &Request| {
            let n_channels = n_channels.max(2) as u16;
            let request = Request { sample_rate_hz: Some(rate_hz), n_channels, ..request.clone() };
            device::plan(Direction::Playback, &request).map(|planned| Self::Device(request, planned))
        };
        match output {
            Output::Device(request) => plan(request),
            Output::DeviceIfAny(request) => match plan(request) {
                Err(Error::Device { .. }) => Ok(Self::Silent(request.buffer_frames)),
                outcome => outcome,
            },
            Output::Silent { buffer_frames } => Ok(Self::Silent(*buffer_frames)),
        }
    }

    fn start(self, port: PlaybackPort, layout: Layout, flow: &Arc<Flow>) -> Result<Sink> {
        Ok(match self {
            Self::Device(_, planned) => Sink::Device(planned.play(port, flow)?),
            Self::Silent(block_frames) => {
                let flow = flow.clone();
                Sink::Silent(Worker::start(move |stop| play_silently(port, layout, block_frames, &flow, stop)))
            }
        })
    }
}

impl Plan {
    /// Finds the devices and settles rates and channels.
    ///
    /// The output is asked for the input's rate; where it has another, the path resamples.
    ///
    /// # Errors
    /// `Device` when one is not there, is busy or refuses; `InvalidParameter` for rates too far apart.
    pub fn new(input: Input, output: &Output) -> Result<Self> {
        let capture = CapturePlan::new(input)?;
        let (input_hz, n_channels) = (capture.rate_hz(), capture.n_path_channels());
        let playback = PlaybackPlan::new(output, input_hz, n_channels)?;
        let output_hz = match &playback {
            PlaybackPlan::Device(_, planned) => planned.rate_hz(),
            PlaybackPlan::Silent(_) => input_hz,
        };
        Ok(Self { capture, playback, rates: Rates::new(input_hz, output_hz, n_channels)? })
    }

    /// Rates and channels of the path.
    pub fn rates(&self) -> Rates {
        self.rates
    }

    /// Opens both ends; they wait for a bridge.
    ///
    /// # Errors
    /// `Device` when a device refuses after all.
    pub fn open(self) -> Result<Opened> {
        urgently(|| self.open_here())
    }

    fn open_here(self) -> Result<Opened> {
        let Self { capture, playback, rates } = self;
        let n_rehearsed = (REHEARSAL_S * f64::from(rates.output_hz())) as u64;
        let (pacing, start, ring_s) = match &capture {
            CapturePlan::Device(..) => (Pacing::TwoClocks, Start::Rehearsed { n_frames: n_rehearsed }, RING_S),
            CapturePlan::File(_) => (Pacing::OneClock, Start::WithEveryFrame, READ_AHEAD_S),
        };
        let block_frames = match &playback {
            PlaybackPlan::Device(request, _) => request.buffer_frames,
            PlaybackPlan::Silent(block_frames) => *block_frames,
        };
        let flow = Arc::new(Flow::default());
        flow.cushion_frames.store(u64::from(block_frames), Relaxed);

        let n_channels = rates.n_channels();
        let ring_of = |rate_hz: u32| {
            let n_frames = (f64::from(rate_hz) * ring_s) as usize;
            ring(n_frames.max(6 * block_frames as usize), n_channels)
        };
        let (to_bridge, from_capture) = ring_of(rates.input_hz());
        let (to_playback, from_bridge) = ring_of(rates.output_hz());

        let n_device_channels = match &playback {
            PlaybackPlan::Device(_, planned) => planned.n_channels(),
            PlaybackPlan::Silent(_) => n_channels,
        };
        let layout = Layout { rate_hz: rates.output_hz(), n_channels, n_device_channels };
        let port = PlaybackPort::new(from_bridge, layout, flow.clone(), start);
        let sink = playback.start(port, layout, &flow)?;

        let layout = Layout { rate_hz: rates.input_hz(), n_channels, n_device_channels: capture.n_channels() };
        let port = CapturePort::new(to_bridge, layout, flow.clone());
        let source = capture.start(port, layout, &flow)?;

        let ends = Ends { input: from_capture, output: to_playback, rates, pacing, flow };
        let opened = Opened { source, sink, ends };
        opened.fit_cushion();
        Ok(opened)
    }
}

/// Both ends open, not yet connected.
pub struct Opened {
    source: Source,
    sink: Sink,
    ends: Ends,
}

impl std::fmt::Debug for Opened {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Opened").finish_non_exhaustive()
    }
}

enum Source {
    Device(Request, Stream),
    File(Worker<Box<audio_file::Source<'static>>>),
}

enum Sink {
    Device(Stream),
    Silent(Worker<()>),
}

impl Opened {
    /// Sets the cushion to one of the blocks that were granted: a stall of that length is inaudible.
    fn fit_cushion(&self) {
        let rates = &self.ends.rates;
        let wished = self.ends.flow.cushion_frames.load(Relaxed);
        let granted = |stream: &Stream| stream.block_frames().map_or(wished, u64::from);
        let capture_block = match &self.source {
            Source::Device(_, stream) => granted(stream) * u64::from(rates.output_hz()) / u64::from(rates.input_hz()),
            Source::File(_) => 0,
        };
        let playback_block = match &self.sink {
            Sink::Device(stream) => granted(stream),
            Sink::Silent(_) => wished,
        };
        let block = capture_block.max(playback_block);
        self.ends.flow.cushion_frames.store(block, Relaxed);
    }

    /// Connects both ends by a bridge around `core`: sound flows.
    pub fn connect(self, core: Core) -> Session {
        let Self { source, sink, ends } = self;
        let (flow, rates) = (ends.flow.clone(), ends.rates);
        Session { source, sink, flow, rates, bridge: Running::start(Bridge::new(ends, core)) }
    }
}

/// A path at work.
pub struct Session {
    source: Source,
    sink: Sink,
    flow: Arc<Flow>,
    rates: Rates,
    bridge: Running,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("rates", &self.rates).finish_non_exhaustive()
    }
}

impl Session {
    /// Counters and clocks of this run.
    pub fn flow(&self) -> &Arc<Flow> {
        &self.flow
    }

    /// Rates and channels of the path.
    pub fn rates(&self) -> Rates {
        self.rates
    }

    /// Frames per block that capture and playback were granted; `None` for an end that is no device.
    pub fn block_frames(&self) -> (Option<u32>, Option<u32>) {
        let capture = match &self.source {
            Source::Device(_, stream) => stream.block_frames(),
            Source::File(_) => None,
        };
        let playback = match &self.sink {
            Sink::Device(stream) => stream.block_frames(),
            Sink::Silent(_) => None,
        };
        (capture, playback)
    }

    /// True when the sound comes from a file or a pipe.
    pub fn is_file(&self) -> bool {
        matches!(self.source, Source::File(_))
    }

    /// True when nothing is heard because there is no output device.
    pub fn is_silent(&self) -> bool {
        matches!(self.sink, Sink::Silent(_))
    }

    /// True when a device said that it is gone, or has not been heard of for a while.
    pub fn is_lost(&self) -> bool {
        let is_fed = !self.flow.is_ended.load(Relaxed);
        self.flow.is_lost.load(Relaxed) || is_fed && self.flow.silent_s() > LOST_AFTER_S
    }

    /// True when the input has ended and its last frame is out of the loudspeaker.
    pub fn is_over(&self) -> bool {
        self.flow.is_ended.load(Relaxed)
            && self.flow.is_drained.load(Relaxed)
            && self.flow.time_to_silence_s(self.rates.output_hz()) == 0.0
    }

    /// Takes it apart: what can be used again comes back. `None` for a part whose thread panicked.
    pub fn close(self) -> (Option<Input>, Option<Core>) {
        // Playback first: what is under way is heard no more, and no dropout is counted.
        match self.sink {
            Sink::Device(stream) => drop(stream),
            Sink::Silent(worker) => {
                worker.stop();
            }
        }
        let input = match self.source {
            Source::Device(request, stream) => {
                drop(stream);
                Some(Input::Device(request))
            }
            Source::File(worker) => worker.stop().map(Input::File),
        };
        (input, self.bridge.stop())
    }
}

/// A thread that runs until it is told to stop or is through.
struct Worker<T> {
    thread: JoinHandle<T>,
    stop: Arc<AtomicBool>,
}

impl<T: Send + 'static> Worker<T> {
    fn start(work: impl FnOnce(&AtomicBool) -> T + Send + 'static) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let told = stop.clone();
        Self { thread: thread::spawn(move || work(&told)), stop }
    }

    fn stop(self) -> Option<T> {
        self.stop.store(true, Relaxed);
        self.thread.join().ok()
    }
}

/// Frames read from a file at once.
const READ_FRAMES: usize = 256;

/// Reads `file` into `port` as fast as there is room, to its end.
fn read_file(
    mut file: Box<audio_file::Source<'static>>,
    mut port: CapturePort,
    layout: Layout,
    flow: &Flow,
    stop: &AtomicBool,
) -> Box<audio_file::Source<'static>> {
    let mut block = vec![0.0f32; READ_FRAMES * layout.n_device_channels];
    while !stop.load(Relaxed) {
        if port.free_frames() < READ_FRAMES {
            thread::sleep(Duration::from_millis(1));
            continue;
        }
        // A file that breaks off is played as far as it goes.
        match file.read_f32(&mut block) {
            Ok(n_frames) if n_frames > 0 => port.take(&block[..n_frames * layout.n_device_channels], flow.now_ns()),
            _ => break,
        }
    }
    if !stop.load(Relaxed) {
        flow.is_ended.store(true, Relaxed);
    }
    file
}

/// Takes blocks from `port` at the pace of a clock.
fn play_silently(mut port: PlaybackPort, layout: Layout, block_frames: u32, flow: &Flow, stop: &AtomicBool) {
    let mut block = vec![0.0f32; block_frames as usize * layout.n_device_channels];
    let period = Duration::from_secs_f64(f64::from(block_frames) / f64::from(layout.rate_hz));
    let mut due = Instant::now();
    while !stop.load(Relaxed) {
        port.fill(&mut block, flow.now_ns());
        due += period;
        thread::sleep(due.saturating_duration_since(Instant::now()));
    }
}
