//! Everything that a screen or a loop of printed lines drives: a session, its knobs, its meter, its recording.

use std::{
    path::{Path, PathBuf},
    sync::atomic::Ordering::Relaxed,
    time::{Duration, Instant},
};

use rtrb::{Producer, RingBuffer};

use super::{
    bridge::{Command, Core, Rates, Tap},
    flow::Dropouts,
    meter::{Meter, Reading},
    port::ring,
    processor::{Monitor, Processor},
    recorder::Recorder,
    session::{Input, Output, Plan, Session},
    settings::Settings,
    silence::SilencedStderr,
};
use crate::{Error, Result, atomic_file::Existing, recipe::Recipe};

/// The meter may be looked at this seldom without losing frames.
const METER_RING_S: f64 = 1.0;

/// Pause between attempts to find a lost device again.
const RETRY: Duration = Duration::from_millis(700);

/// How a deck is set up.
#[derive(Debug)]
pub struct DeckOptions {
    /// Where the sound comes from.
    pub input: Input,
    /// Where it goes.
    pub output: Output,
    /// The knobs at the beginning.
    pub recipe: Recipe,
    /// A recording of everything, and what to do when its files exist.
    pub record: Option<(PathBuf, Existing)>,
}

/// Sound from which levels are first learnt.
const LEARN_S: f64 = 1.5;

/// What the path is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Sound flows.
    Running,
    /// A device is gone; it is looked for.
    Lost,
    /// The input has ended and been heard.
    Ended,
}

/// The path's own figures.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Status {
    /// What it is doing.
    pub state: State,
    /// Dropouts since the beginning, over all reconnections.
    pub dropouts: Dropouts,
    /// Microphone to loudspeaker, in seconds, averaged; `None` until both ends have run.
    pub latency_s: Option<f64>,
    /// What the codec adds to it, in seconds; 0 for quantizers.
    pub chain_delay_s: f64,
    /// What the codec spends now, in kbit/s; `None` for quantizers.
    pub bitrate_kbps: Option<f64>,
    /// Drift between the two devices, parts per million, once it is worked off.
    pub drift_ppm: Option<f64>,
    /// Blocks of both devices, in frames.
    pub block_frames: (Option<u32>, Option<u32>),
    /// Least frames that waited when playback had taken its block, since it last began; `None` before.
    pub reserve_frames: Option<u64>,
    /// Samples beyond what the output device's format holds, since the lamp was put out or the device opened.
    pub clipped_output_samples: u64,
    /// Nothing is heard for want of an output device.
    pub is_silent: bool,
    /// Frames in both files of the recording.
    pub recorded_frames: Option<u64>,
}

/// A session and all that outlives it.
#[derive(Debug)]
pub struct Deck {
    session: Option<Session>,
    parked: (Option<Input>, Option<Core>),
    output: Output,
    settings: Settings,
    monitor: Monitor,
    commands: Producer<Command>,
    meter: Meter,
    rates: Rates,
    recorder: Option<Recorder>,
    past_dropouts: Dropouts,
    latency_s: Option<f64>,
    last_attempt: Instant,
    /// Levels come from a density until enough was heard to learn them from.
    is_unlearned: bool,
    is_over: bool,
}

/// What the bridge takes along, and the ends that the deck keeps.
struct Wiring {
    core: Core,
    commands: Producer<Command>,
    meter: Meter,
}

fn wire(rates: Rates, settings: &Settings, recording: Option<Tap>) -> Result<Wiring> {
    let (n_channels, rate_hz) = (rates.n_channels(), rates.output_hz());
    let processor = Processor::new(n_channels, rate_hz, settings.chain(n_channels, rate_hz)?);
    let (commands, from_deck) = RingBuffer::new(64);
    let (to_meter, tapped) = ring((f64::from(rate_hz) * METER_RING_S) as usize, 2 * n_channels);
    let mut meter = Meter::new(tapped, n_channels, rate_hz)?;
    meter.set_granular_region(settings.granular_region());
    let taps = std::iter::once(Tap::new(to_meter)).chain(recording).collect();
    Ok(Wiring { core: Core { processor, commands: from_deck, taps }, commands, meter })
}

impl Deck {
    /// Opens everything; sound flows when it returns.
    ///
    /// # Errors
    /// `Device` when a device is absent, busy or refuses; `Io` when the recording cannot begin; `InvalidParameter` for
    /// impossible settings.
    pub fn open(options: DeckOptions) -> Result<Self> {
        let DeckOptions { input, output, recipe, record } = options;
        let plan = Plan::new(input, &output)?;
        let rates = plan.rates();
        let settings = Settings::new(&recipe, rates.output_hz(), &[])?;
        let begin = |(path, existing): (PathBuf, Existing)| {
            Recorder::begin(&path, existing, rates.n_channels(), rates.output_hz())
        };
        let (recorder, recording) = record.map(begin).transpose()?.unzip();
        let Wiring { core, commands, meter } = wire(rates, &settings, recording)?;
        let session = plan.open()?.connect(core);
        Ok(Self {
            session: Some(session),
            parked: (None, None),
            output,
            is_unlearned: settings.learns(),
            settings,
            monitor: Monitor::Quantized,
            commands,
            meter,
            rates,
            recorder,
            past_dropouts: Dropouts::default(),
            latency_s: None,
            last_attempt: Instant::now(),
            is_over: false,
        })
    }

    /// Looks after everything: measures, notices a lost device and looks for it. To be called about 30 times a second.
    pub fn tend(&mut self) {
        self.meter.update();
        self.learn_at_last();
        match &self.session {
            Some(session) if session.is_lost() => self.park(),
            Some(session) => {
                self.is_over |= session.is_over();
                // A file was never in the air: for it there is no time from sound to sound.
                let told = if session.is_file() { None } else { session.flow().latency_s() };
                self.latency_s = smoothed(self.latency_s, told);
            }
            None if self.last_attempt.elapsed() >= RETRY => self.reconnect(),
            None => {}
        }
    }

    /// Once, when levels were asked for before there was anything to learn them from.
    fn learn_at_last(&mut self) {
        let is_enough = self.meter.heard_s() >= LEARN_S;
        if self.is_unlearned && is_enough {
            self.is_unlearned = false;
            // The levels at hand stay when the path does not answer; the next turn of a knob learns again.
            let _ = self.set(self.settings.recipe().clone());
        }
    }

    fn park(&mut self) {
        if let Some(session) = self.session.take() {
            self.past_dropouts = sum(self.past_dropouts, session.flow().dropouts());
            self.parked = session.close();
            self.latency_s = None;
            self.last_attempt = Instant::now();
        }
    }

    /// One attempt; a device that is still gone is looked for again later.
    fn reconnect(&mut self) {
        self.last_attempt = Instant::now();
        // The sound library tells of every attempt, across the screen.
        let _silence = SilencedStderr::begin();
        let Some(Input::Device(request)) = &self.parked.0 else {
            // Only the output can have gone: the file waits where it was.
            return self.reconnect_file();
        };
        if let Ok(plan) = Plan::new(Input::Device(request.clone()), &self.output) {
            self.resume(plan);
        }
    }

    fn reconnect_file(&mut self) {
        let (Output::Device(request) | Output::DeviceIfAny(request)) = &self.output else { return };
        let is_back = super::device::plan(super::flow::Direction::Playback, request).is_ok();
        if !is_back {
            return;
        }
        let Some(input) = self.parked.0.take() else { return };
        if let Ok(plan) = Plan::new(input, &self.output) {
            self.resume(plan);
        }
    }

    /// Goes on with the same core, or with a new one when the device came back in another format; a recording ends then.
    fn resume(&mut self, plan: Plan) {
        let rates = plan.rates();
        let is_alike = rates.n_channels() == self.rates.n_channels() && rates.output_hz() == self.rates.output_hz();
        let Ok(opened) = plan.open() else { return };
        if !is_alike || self.parked.1.is_none() {
            let Ok(Wiring { core, commands, meter }) = wire(rates, &self.settings, None) else { return };
            (self.commands, self.meter, self.rates) = (commands, meter, rates);
            self.parked.1 = Some(core);
        }
        if let Some(core) = self.parked.1.take() {
            self.session = Some(opened.connect(core));
        }
    }

    /// The knobs as they stand.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Turns the knobs; heard within a block and the 10 ms of the fade. Levels of `lloyd-max` are learnt anew,
    /// from the last seconds of the input.
    ///
    /// # Errors
    /// `InvalidParameter` for settings that no quantizer has; the old ones stay.
    pub fn set(&mut self, recipe: Recipe) -> Result<()> {
        let settings = Settings::new(&recipe, self.rates.output_hz(), &self.meter.heard())?;
        if settings.learns() {
            self.is_unlearned = self.meter.heard_s() < LEARN_S;
        }
        let chain = settings.chain(self.rates.n_channels(), self.rates.output_hz())?;
        let region = settings.granular_region();
        // Full only when the bridge has stood still for 64 turns of a knob: then this turn waits for the next.
        if self.commands.push(Command::Switch(Box::new(chain))).is_err() {
            return Err(Error::NoResult { what: "the audio path does not answer".into() });
        }
        self.meter.set_granular_region(region);
        self.meter.restart();
        self.settings = settings;
        Ok(())
    }

    /// What is heard.
    pub fn monitor(&self) -> Monitor {
        self.monitor
    }

    /// Chooses what is heard.
    pub fn listen_to(&mut self, monitor: Monitor) {
        if self.commands.push(Command::Listen(monitor)).is_ok() {
            self.monitor = monitor;
        }
    }

    /// Puts the clip lamps out and clears the spectrum's peaks.
    pub fn clear_holds(&mut self) {
        if let Some(session) = &self.session {
            session.flow().clipped_samples.store(0, Relaxed);
        }
        self.meter.clear_holds();
    }

    /// What is measured now.
    pub fn reading(&self) -> Reading {
        self.meter.reading()
    }

    /// Width of a spectrum line's noise bandwidth, in Hz.
    pub fn noise_bandwidth_hz(&self) -> f64 {
        self.meter.noise_bandwidth_hz()
    }

    /// Rates and channels of the path.
    pub fn rates(&self) -> Rates {
        self.rates
    }

    /// The path's own figures.
    pub fn status(&self) -> Status {
        let running = self.session.as_ref();
        let state = match running {
            _ if self.is_over => State::Ended,
            Some(_) => State::Running,
            None => State::Lost,
        };
        let dropouts = running.map_or_else(Dropouts::default, |session| session.flow().dropouts());
        Status {
            state,
            dropouts: sum(self.past_dropouts, dropouts),
            latency_s: self.latency_s,
            chain_delay_s: running.map_or(0.0, |session| session.flow().chain_delay_s()),
            bitrate_kbps: running.and_then(|session| session.flow().bitrate_kbps()),
            drift_ppm: running.and_then(|session| session.flow().drift_ppm()),
            block_frames: running.map_or((None, None), Session::block_frames),
            reserve_frames: running.and_then(|session| session.flow().least_reserve_frames()),
            clipped_output_samples: running.map_or(0, |session| session.flow().clipped_samples.load(Relaxed)),
            is_silent: running.is_some_and(Session::is_silent),
            recorded_frames: self.recorder.as_ref().map(Recorder::n_frames),
        }
    }

    /// Both files of the recording.
    pub fn recording(&self) -> Option<(&Path, &Path)> {
        self.recorder.as_ref().map(Recorder::paths)
    }

    /// Ends the sound and completes the recording.
    ///
    /// # Errors
    /// `Io` when the recording could not be written to its end.
    pub fn close(mut self) -> Result<()> {
        self.park();
        drop(self.parked);
        self.recorder.map_or(Ok(0), Recorder::finish).map(|_| ())
    }
}

/// Drivers tell times to a period or so: a mean over about a second of looks.
fn smoothed(mean: Option<f64>, value: Option<f64>) -> Option<f64> {
    match (mean, value) {
        (Some(mean), Some(value)) if (mean - value).abs() < 0.05 => Some(mean + (value - mean) / 30.0),
        (_, value) => value,
    }
}

fn sum(a: Dropouts, b: Dropouts) -> Dropouts {
    Dropouts {
        underruns: a.underruns + b.underruns,
        underrun_frames: a.underrun_frames + b.underrun_frames,
        lost_frames: a.lost_frames + b.lost_frames,
        device_xruns: a.device_xruns + b.device_xruns,
    }
}
