//! Sound devices: finds them, chooses a format, connects their callbacks to ports.
//!
//! On Linux the host is ALSA, which reaches PipeWire and PulseAudio through their plug-ins. cpal's own PulseAudio host
//! lost 7 to 38 % of the captured samples at most buffer sizes, and said nothing.

use std::{
    sync::{Arc, atomic::Ordering::Relaxed},
    thread,
    time::Duration,
};

use cpal::{
    BufferSize, SampleFormat, SizedSample, StreamConfig, SupportedBufferSize, SupportedStreamConfigRange,
    traits::{DeviceTrait, HostTrait, StreamTrait},
};

use super::{
    clock::DeviceClock,
    flow::{Direction, Flow},
    port::{CapturePort, DeviceSample, PlaybackPort},
    priority::lower_priority,
};
use crate::{Error, Result};

/// Sample rate when nothing else is asked for, in Hz.
pub const DEFAULT_RATE_HZ: u32 = 48_000;
/// Frames per block when nothing else is asked for: 10.7 ms at 48 kHz.
pub const DEFAULT_BUFFER_FRAMES: u32 = 512;

/// Errors without a callback between them for this long: the device is gone. PipeWire's server has no latency to tell for
/// some 10 ms after a start.
const PATIENCE_NS: i64 = 300_000_000;

/// A longer buffer is requested while a device's buffer has at most this many blocks: a plug-in that makes more chooses
/// its own blocks.
const MAX_BLOCKS: u64 = 4;

/// Pause of a callback's thread after each error.
const ERROR_PAUSE: Duration = Duration::from_millis(10);

/// Formats from best to worst.
const FORMATS: [SampleFormat; 9] = [
    SampleFormat::F32,
    SampleFormat::I32,
    SampleFormat::I24,
    SampleFormat::F64,
    SampleFormat::I16,
    SampleFormat::U32,
    SampleFormat::U16,
    SampleFormat::I8,
    SampleFormat::U8,
];

/// Which device, and how it should run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Its identifier, or a part of its name; `None` for the system's default.
    pub name: Option<String>,
    /// Frames per second; `None` for 48 000 or what the device prefers.
    pub sample_rate_hz: Option<u32>,
    /// Channels wished for; the device may have others.
    pub n_channels: u16,
    /// Frames per block.
    pub buffer_frames: u32,
}

impl Default for Request {
    fn default() -> Self {
        Self { name: None, sample_rate_hz: None, n_channels: 2, buffer_frames: DEFAULT_BUFFER_FRAMES }
    }
}

/// A line of `--list-devices`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// What `--device` takes.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// It can capture.
    pub captures: bool,
    /// It can play.
    pub plays: bool,
}

/// A device and the format it will run in.
#[derive(Debug, Clone)]
pub struct Planned {
    device: cpal::Device,
    config: StreamConfig,
    format: SampleFormat,
}

/// A stream at work; dropping it ends it.
pub struct Stream {
    inner: cpal::Stream,
}

impl std::fmt::Debug for Stream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stream").field("block_frames", &self.block_frames()).finish_non_exhaustive()
    }
}

impl Stream {
    /// Frames per block, as the device granted.
    pub fn block_frames(&self) -> Option<u32> {
        self.inner.buffer_size().ok()
    }
}

/// All devices of the host.
///
/// # Errors
/// `Device` when there is no sound system.
pub fn list() -> Result<Vec<Listed>> {
    let devices = host()?.devices().map_err(|error| device_error("the list of devices", &error))?;
    Ok(devices
        .filter_map(|device| {
            let id = device.id().ok()?.id().to_owned();
            let name = device.description().map_or_else(|_| id.clone(), |d| d.name().to_owned());
            Some(Listed { id, name, captures: device.supports_input(), plays: device.supports_output() })
        })
        .collect())
}

/// Finds the device that `request` names and chooses its format.
///
/// # Errors
/// `Device` when there is none, it is busy or it refuses.
pub fn plan(direction: Direction, request: &Request) -> Result<Planned> {
    let device = find(direction, request.name.as_deref())?;
    let what = describe(direction, request);
    let ranges: Vec<SupportedStreamConfigRange> = match direction {
        Direction::Capture => device.supported_input_configs().map(Iterator::collect),
        Direction::Playback => device.supported_output_configs().map(Iterator::collect),
    }
    .map_err(|error| device_error(&what, &error))?;
    let range = choose(&ranges, request)
        .ok_or_else(|| Error::Device { what: format!("{what}: offers no format that sqnr reads") })?;
    let sample_rate = choose_rate(&range, request.sample_rate_hz);
    let block = within(&range, request.buffer_frames);
    let config = StreamConfig { channels: range.channels(), sample_rate, buffer_size: BufferSize::Fixed(block) };
    let mut planned = Planned { device, config, format: range.sample_format() };
    let n_blocks = planned.try_blocks(direction).map_err(|error| device_error(&what, &error))?;
    planned.config.buffer_size = BufferSize::Fixed(within(&range, frames_to_ask(block, n_blocks)));
    Ok(planned)
}

/// The number of frames nearest to `n_frames` that a block may have.
fn within(range: &SupportedStreamConfigRange, n_frames: u32) -> u32 {
    match range.buffer_size() {
        SupportedBufferSize::Range { min, max } => n_frames.clamp(*min, (*max).max(*min)),
        SupportedBufferSize::Unknown => n_frames,
    }
}

/// What to ask cpal for so that blocks are of `block_frames`, where a device has `n_blocks` of them in its buffer.
///
/// cpal wants two, and takes blocks as near as it gets: PulseAudio's plug-in has three at least and makes them shorter.
/// Blocks of two thirds come in ones and twos behind a server whose own are a power of two, and now and then one more
/// comes at once. So a longer buffer is asked for, and the blocks are as long as they were meant to be.
fn frames_to_ask(block_frames: u32, n_blocks: u64) -> u32 {
    match n_blocks {
        3..=MAX_BLOCKS => u32::try_from((u64::from(block_frames) * n_blocks).div_ceil(2)).unwrap_or(block_frames),
        _ => block_frames,
    }
}

fn describe(direction: Direction, request: &Request) -> String {
    let what = match direction {
        Direction::Capture => "input",
        Direction::Playback => "output",
    };
    match &request.name {
        Some(name) => format!("{what} device '{name}'"),
        None => format!("default {what} device"),
    }
}

/// The host; on Linux ALSA whatever else is compiled in.
fn host() -> Result<cpal::Host> {
    let none = || Error::Device { what: "no sound system found".into() };
    let available = cpal::available_hosts();
    let id = available.iter().find(|id| id.name() == "ALSA").or(available.first()).ok_or_else(none)?;
    cpal::host_from_id(*id).map_err(|_| none())
}

fn find(direction: Direction, name: Option<&str>) -> Result<cpal::Device> {
    let host = host()?;
    let Some(name) = name else {
        let device = match direction {
            Direction::Capture => host.default_input_device(),
            Direction::Playback => host.default_output_device(),
        };
        let what = format!("no {} found", describe(direction, &Request::default()));
        return device.ok_or(Error::Device { what });
    };
    let devices: Vec<cpal::Device> = host.devices().map(Iterator::collect).unwrap_or_default();
    let is_exact = |device: &&cpal::Device| device.id().is_ok_and(|id| id.id() == name);
    let lower = name.to_lowercase();
    let is_like = |device: &&cpal::Device| {
        device.description().is_ok_and(|d| d.name().to_lowercase().contains(&lower))
            && match direction {
                Direction::Capture => device.supports_input(),
                Direction::Playback => device.supports_output(),
            }
    };
    let found = devices.iter().find(is_exact).or_else(|| devices.iter().find(is_like));
    found.cloned().ok_or_else(|| Error::Device {
        what: format!("no sound device is called '{name}'; --list-devices shows the names"),
    })
}

/// The best range: the rate asked for, then as many channels as wished, then the best sample format.
fn choose(ranges: &[SupportedStreamConfigRange], request: &Request) -> Option<SupportedStreamConfigRange> {
    let rate = request.sample_rate_hz.unwrap_or(DEFAULT_RATE_HZ);
    let usable = ranges.iter().filter(|range| FORMATS.contains(&range.sample_format()));
    usable
        .min_by_key(|range| {
            let has_rate = range.contains_rate(rate);
            let missing = request.n_channels.saturating_sub(range.channels());
            let surplus = range.channels().saturating_sub(request.n_channels);
            let format = FORMATS.iter().position(|format| *format == range.sample_format());
            (!has_rate, missing, surplus, format)
        })
        .copied()
}

fn choose_rate(range: &SupportedStreamConfigRange, wanted: Option<u32>) -> u32 {
    wanted.unwrap_or(DEFAULT_RATE_HZ).clamp(range.min_sample_rate(), range.max_sample_rate())
}

fn device_error(what: &str, error: &cpal::Error) -> Error {
    use cpal::ErrorKind::*;
    let reason = match error.kind() {
        DeviceNotAvailable | HostUnavailable => "not there".into(),
        DeviceBusy => "in use by another program".into(),
        PermissionDenied => "not allowed for this user".into(),
        UnsupportedConfig => "refuses the format; try another --sample-rate or --buffer".into(),
        // "ALSA function 'snd_pcm_open' failed with error 'Connection refused (111)'" and the like, on one line.
        _ => error.to_string().replace('\n', " "),
    };
    Error::Device { what: format!("{what}: {reason}") }
}

/// Calls `$build::<T>` for the Rust type of a sample format.
macro_rules! for_sample_type {
    ($format:expr, $build:ident($($argument:expr),*)) => {
        match $format {
            SampleFormat::F32 => $build::<f32>($($argument),*),
            SampleFormat::F64 => $build::<f64>($($argument),*),
            SampleFormat::I32 => $build::<i32>($($argument),*),
            SampleFormat::I24 => $build::<cpal::I24>($($argument),*),
            SampleFormat::I16 => $build::<i16>($($argument),*),
            SampleFormat::I8 => $build::<i8>($($argument),*),
            SampleFormat::U32 => $build::<u32>($($argument),*),
            SampleFormat::U16 => $build::<u16>($($argument),*),
            SampleFormat::U8 => $build::<u8>($($argument),*),
            other => Err(Error::Device { what: format!("samples of format {other} are not supported") }),
        }
    };
}

impl Planned {
    /// Frames per second.
    pub fn rate_hz(&self) -> u32 {
        self.config.sample_rate
    }

    /// Channels of the device.
    pub fn n_channels(&self) -> usize {
        usize::from(self.config.channels)
    }

    /// How many blocks the device makes of its buffer: opened once, and closed again. Two where it does not tell.
    fn try_blocks(&self, direction: Direction) -> std::result::Result<u64, cpal::Error> {
        let Self { device, config, format } = self;
        let stream = match direction {
            Direction::Capture => device.build_input_stream_raw(*config, *format, |_, _| {}, |_| {}, None),
            Direction::Playback => device.build_output_stream_raw(*config, *format, |_, _| {}, |_| {}, None),
        }?;
        let n_blocks = |granted: u64| (self.buffer_frames() + granted / 2) / granted.max(1);
        Ok(stream.buffer_size().map_or(2, |granted| n_blocks(u64::from(granted))))
    }

    /// Frames in the device's own buffer: cpal asks ALSA for two of the blocks wished for, however long the blocks that
    /// it then grants.
    fn buffer_frames(&self) -> u64 {
        match self.config.buffer_size {
            BufferSize::Fixed(n) => 2 * u64::from(n),
            BufferSize::Default => 0,
        }
    }

    /// Its format in words, such as "48000 Hz, 2 channels, f32".
    pub fn describe(&self) -> String {
        format!("{} Hz, {} channels, {}", self.config.sample_rate, self.config.channels, self.format)
    }

    /// Starts to capture into `port`.
    ///
    /// # Errors
    /// `Device` when it refuses.
    pub fn capture(&self, port: CapturePort, flow: &Arc<Flow>) -> Result<Stream> {
        for_sample_type!(self.format, build_capture(self, port, flow)).and_then(started)
    }

    /// Starts to play from `port`.
    ///
    /// # Errors
    /// `Device` when it refuses.
    pub fn play(&self, port: PlaybackPort, flow: &Arc<Flow>) -> Result<Stream> {
        for_sample_type!(self.format, build_playback(self, port, flow)).and_then(started)
    }
}

fn started(stream: cpal::Stream) -> Result<Stream> {
    stream.play().map_err(|error| device_error("sound device", &error))?;
    Ok(Stream { inner: stream })
}

fn build_capture<T: SizedSample + DeviceSample>(
    planned: &Planned,
    mut port: CapturePort,
    flow: &Arc<Flow>,
) -> Result<cpal::Stream> {
    let (flow_clock, n_channels) = (flow.clone(), planned.n_channels());
    let mut clock = None;
    let rate_hz = planned.rate_hz();
    let callback = move |data: &[T], info: &cpal::InputCallbackInfo| {
        let (stamp, now_ns, n_frames) = (info.timestamp(), flow_clock.now_ns(), data.len() / n_channels);
        let age = stamp.callback.duration_since(stamp.capture);
        let clock = clock.get_or_insert_with(|| DeviceClock::of_capture(rate_hz, n_frames as u64));
        port.take(data, clock.stamp(now_ns, now_ns - age.as_nanos() as i64, n_frames));
    };
    let stream =
        planned.device.build_input_stream(planned.config, callback, note_errors(Direction::Capture, flow), None);
    stream.map_err(|error| device_error("input device", &error))
}

fn build_playback<T: SizedSample + DeviceSample>(
    planned: &Planned,
    mut port: PlaybackPort,
    flow: &Arc<Flow>,
) -> Result<cpal::Stream> {
    let (flow_clock, n_channels) = (flow.clone(), planned.n_channels());
    let mut clock = None;
    let (rate_hz, buffer_frames) = (planned.rate_hz(), planned.buffer_frames());
    let callback = move |data: &mut [T], info: &cpal::OutputCallbackInfo| {
        let (stamp, now_ns, n_frames) = (info.timestamp(), flow_clock.now_ns(), data.len() / n_channels);
        let ahead = stamp.playback.duration_since(stamp.callback);
        let clock = clock.get_or_insert_with(|| DeviceClock::of_playback(rate_hz, buffer_frames, n_frames as u64));
        let at_ns = clock.stamp(now_ns, now_ns + ahead.as_nanos() as i64, n_frames);
        match clock.is_settled() || !port.is_real_time() {
            true => port.fill(data, at_ns),
            // What fills a buffer at once would run dry, and be counted.
            false => data.fill(T::from_unit(0.0)),
        }
    };
    let stream =
        planned.device.build_output_stream(planned.config, callback, note_errors(Direction::Playback, flow), None);
    stream.map_err(|error| device_error("output device", &error))
}

/// Counts what the device says went wrong, and notes when it is gone. Called on the callback's thread, between callbacks.
///
/// A sound server may fail for a moment, so an error that is no farewell must last. cpal tries again at once and for
/// ever, until the stream is dropped; hence a pause here, and no more real time once the device is given up.
fn note_errors(direction: Direction, flow: &Arc<Flow>) -> impl FnMut(cpal::Error) + Send + 'static {
    let flow = flow.clone();
    let mut since_ns = None;
    move |error| match error.kind() {
        cpal::ErrorKind::Xrun => {
            flow.device_xruns.fetch_add(1, Relaxed);
        }
        // The sound goes on.
        cpal::ErrorKind::RealtimeDenied | cpal::ErrorKind::DeviceChanged => {}
        cpal::ErrorKind::DeviceNotAvailable => flow.is_lost.store(true, Relaxed),
        _ => {
            let (now_ns, heard_ns) = (flow.now_ns(), flow.last_ns(direction));
            let since_ns = since_ns.get_or_insert(now_ns);
            if *since_ns < heard_ns {
                *since_ns = now_ns;
            }
            if now_ns - *since_ns > PATIENCE_NS {
                flow.is_lost.store(true, Relaxed);
                lower_priority();
            }
            thread::sleep(ERROR_PAUSE);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(channels: u16, rates: (u32, u32), format: SampleFormat) -> SupportedStreamConfigRange {
        SupportedStreamConfigRange::new(channels, rates.0, rates.1, SupportedBufferSize::Unknown, format)
    }

    #[test]
    fn errors_that_pass_are_borne_and_lasting_ones_are_not() {
        let flow = Arc::new(Flow::default());
        let mut note = note_errors(Direction::Playback, &flow);
        let mut fail_for = |ms: u64| {
            let start = std::time::Instant::now();
            while start.elapsed() < Duration::from_millis(ms) {
                note(cpal::ErrorKind::BackendError.into());
            }
            flow.is_lost.load(Relaxed)
        };
        assert!(!fail_for(200));
        // It played in between.
        flow.stamp_playback(0, 0, 48_000);
        assert!(!fail_for(200));
        assert!(fail_for(400));
        let flow = Arc::new(Flow::default());
        note_errors(Direction::Capture, &flow)(cpal::ErrorKind::DeviceNotAvailable.into());
        assert!(flow.is_lost.load(Relaxed));
    }

    #[test]
    fn the_rate_comes_first_then_channels_then_the_format() {
        let ranges = [
            range(2, (44_100, 44_100), SampleFormat::F32),
            range(8, (8_000, 96_000), SampleFormat::F32),
            range(2, (8_000, 96_000), SampleFormat::I16),
            range(2, (8_000, 96_000), SampleFormat::I32),
            range(1, (8_000, 96_000), SampleFormat::F32),
        ];
        let best = choose(&ranges, &Request::default()).expect("some");
        assert_eq!((best.channels(), best.sample_format()), (2, SampleFormat::I32));
        assert_eq!(choose_rate(&best, None), 48_000);
        let at_44 = Request { sample_rate_hz: Some(44_100), ..Default::default() };
        assert_eq!(choose(&ranges, &at_44).expect("some").sample_format(), SampleFormat::F32);
        let mono = Request { n_channels: 1, ..Default::default() };
        assert_eq!(choose(&ranges, &mono).expect("some").channels(), 1);
    }

    #[test]
    fn blocks_are_as_long_as_wished_whatever_their_number() {
        assert_eq!(frames_to_ask(512, 2), 512, "a card");
        assert_eq!(frames_to_ask(512, 1), 512, "a card with longer blocks");
        assert_eq!(frames_to_ask(512, 3), 768, "PulseAudio's plug-in");
        assert_eq!(frames_to_ask(341, 3), 512);
        assert_eq!(frames_to_ask(512, 1_024), 512, "a plug-in with blocks of its own");
        assert_eq!(frames_to_ask(u32::MAX, 4), u32::MAX);
    }

    #[test]
    fn a_rate_the_device_lacks_becomes_its_nearest() {
        let only = range(1, (8_000, 16_000), SampleFormat::I16);
        assert_eq!(choose_rate(&only, Some(48_000)), 16_000);
        assert!(choose(&[range(2, (1, 1), SampleFormat::DsdU8)], &Request::default()).is_none());
    }
}
