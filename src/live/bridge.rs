//! Between the two rings: keeps pace with both clocks, quantizes, and lets others listen in.
//!
//! A round takes what has been captured, as far as it fits, and passes it on. Rounds run on an urgent thread of their own
//! in use, and one by one in tests.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};

use rtrb::{Consumer, Producer};

use super::{
    chain::LiveChain,
    drift::DriftControl,
    flow::{Flow, frames_to_ns},
    priority::{Advice, Load, lower_priority, raise_priority},
    processor::{Monitor, Processor},
    resampler::Resampler,
};
use crate::Result;

/// Input frames handled at once.
const ROUND_FRAMES: usize = 1_024;

/// Pause between rounds: a fraction of the smallest sensible block (64 frames, 1.3 ms).
const PAUSE: Duration = Duration::from_micros(700);

/// Frames in waiting beyond the cushion, some blocks and this many seconds are old news: a stall is over, and the
/// latency comes down at once.
const MAX_LAG_S: f64 = 0.1;

/// A command to the running bridge.
#[derive(Debug)]
pub enum Command {
    /// Change to this chain.
    Switch(Box<LiveChain>),
    /// Choose what is heard.
    Listen(Monitor),
}

/// Where input and output of the quantizer can be followed: frames of all input channels, then all output channels.
///
/// A listener who does not keep up loses frames, and the sound goes on.
#[derive(Debug)]
pub struct Tap {
    ring: Producer<f32>,
    lost_frames: u64,
}

impl Tap {
    /// A tap into `ring`, which holds frames of `2 n_channels` samples.
    pub fn new(ring: Producer<f32>) -> Self {
        Self { ring, lost_frames: 0 }
    }

    pub(super) fn push(&mut self, dry: &[f32], wet: &[f32], n_channels: usize) {
        let n_frames = dry.len() / n_channels;
        let n_fit = n_frames.min(self.ring.slots() / (2 * n_channels));
        self.lost_frames += (n_frames - n_fit) as u64;
        let frames = dry.chunks_exact(n_channels).zip(wet.chunks_exact(n_channels)).take(n_fit);
        if let Ok(chunk) = self.ring.write_chunk_uninit(2 * n_fit * n_channels) {
            chunk.fill_from_iter(frames.flat_map(|(dry, wet)| dry.iter().chain(wet).copied()));
        }
    }
}

/// Rates and channels of a bridge, checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rates {
    input_hz: u32,
    output_hz: u32,
    n_channels: usize,
}

impl Rates {
    /// Frames per second of both sides, and the channels of both rings.
    ///
    /// # Errors
    /// `InvalidParameter` for no channel, a rate of 0, or rates more than a factor of 16 apart.
    pub fn new(input_hz: u32, output_hz: u32, n_channels: usize) -> Result<Self> {
        Resampler::new(n_channels, input_hz, output_hz)?;
        Ok(Self { input_hz, output_hz, n_channels })
    }

    /// Frames per second of the captured side.
    pub fn input_hz(&self) -> u32 {
        self.input_hz
    }

    /// Frames per second of the played side, at which is quantized.
    pub fn output_hz(&self) -> u32 {
        self.output_hz
    }

    /// Channels in both rings.
    pub fn n_channels(&self) -> usize {
        self.n_channels
    }
}

/// Whether both sides have a clock of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pacing {
    /// Two devices: the drift between them is worked off.
    TwoClocks,
    /// A file, read as fast as it is played.
    OneClock,
}

/// What survives when the devices are opened anew.
#[derive(Debug)]
pub struct Core {
    /// Quantizes; its channels are those of the path.
    pub processor: Processor,
    /// Commands from the screen.
    pub commands: Consumer<Command>,
    /// Listeners: meter, recorder.
    pub taps: Vec<Tap>,
}

/// The two ends that a bridge connects, and what it must know of them.
#[derive(Debug)]
pub struct Ends {
    /// Captured frames.
    pub input: Consumer<f32>,
    /// Frames to play.
    pub output: Producer<f32>,
    /// Rates and channels of both.
    pub rates: Rates,
    /// Whether they have one clock.
    pub pacing: Pacing,
    /// Counters of the run.
    pub flow: Arc<Flow>,
}

/// The bridge itself.
#[derive(Debug)]
pub struct Bridge {
    input: Consumer<f32>,
    output: Producer<f32>,
    rates: Rates,
    pacing: Pacing,
    flow: Arc<Flow>,
    resampler: Resampler,
    drift: DriftControl,
    core: Core,
    n_consumed: u64,
    n_produced: u64,
    begins_seen: u64,
    captured: Vec<f32>,
    dry: Vec<f32>,
    aligned: Vec<f32>,
    wet: Vec<f32>,
    heard: Vec<f32>,
}

impl Bridge {
    /// A bridge at rest.
    pub fn new(ends: Ends, core: Core) -> Self {
        let Ends { input, output, rates, pacing, flow } = ends;
        let Rates { input_hz, output_hz, n_channels } = rates;
        let resampler = Resampler::new(n_channels, input_hz, output_hz).expect("rates are checked");
        // One frame more than the nominal ratio makes, for the widest correction.
        let n_out = (resampler.max_output_frames(ROUND_FRAMES) + 2) * n_channels;
        let block_frames = flow.cushion_frames.load(Relaxed) as usize;
        Self {
            input,
            output,
            rates,
            pacing,
            flow,
            resampler,
            drift: DriftControl::new(output_hz, block_frames),
            core,
            n_consumed: 0,
            n_produced: 0,
            begins_seen: 0,
            captured: vec![0.0; ROUND_FRAMES * n_channels],
            dry: vec![0.0; n_out],
            aligned: vec![0.0; n_out],
            wet: vec![0.0; n_out],
            heard: vec![0.0; n_out],
        }
    }

    /// One round, `elapsed_s` after the last one. Returns the output frames made.
    pub fn round(&mut self, elapsed_s: f64) -> usize {
        self.run_commands();
        self.core.processor.tidy_up();
        self.skip_old_frames();
        self.follow_clocks(elapsed_s);
        // Not what comes meanwhile: a chain slower than time would never hear another command.
        let n_passes = 1 + self.input.slots() / self.rates.n_channels / ROUND_FRAMES;
        (0..n_passes).map(|_| self.pass_on()).take_while(|&n_made| n_made > 0).sum()
    }

    /// Gives back what the next bridge needs.
    pub fn into_core(self) -> Core {
        self.core
    }

    /// Drift between the clocks, parts per million, once it is being worked off.
    pub fn drift_ppm(&self) -> Option<f64> {
        self.drift.is_engaged().then(|| self.drift.drift_ppm())
    }

    fn run_commands(&mut self) {
        while let Ok(command) = self.core.commands.pop() {
            match command {
                Command::Switch(chain) => self.core.processor.switch_to(chain),
                Command::Listen(monitor) => self.core.processor.listen_to(monitor),
            }
        }
    }

    /// After a stall of playback: throws away what would only be latency from now on.
    fn skip_old_frames(&mut self) {
        if self.pacing == Pacing::OneClock {
            return;
        }
        let block = self.flow.playback_block_frames.load(Relaxed) as f64;
        let due = self.flow.cushion_frames.load(Relaxed) as f64 + block;
        let n_waiting = self.waiting_frames();
        if n_waiting <= due + 3.0 * block + MAX_LAG_S * f64::from(self.rates.output_hz) {
            return;
        }
        let Rates { input_hz, output_hz, n_channels } = self.rates;
        let n_old = ((n_waiting - due) * f64::from(input_hz) / f64::from(output_hz)) as usize;
        // What is in the second ring is out of reach; no more than one lag's worth can be there.
        let n_old = n_old.min(self.input.slots() / n_channels);
        if let Ok(chunk) = self.input.read_chunk(n_old * n_channels) {
            chunk.commit_all();
            self.n_consumed += n_old as u64;
            // Before the first sound nobody misses them.
            if self.flow.begins.load(Relaxed) > 0 {
                self.flow.skipped_frames.fetch_add(n_old as u64, Relaxed);
            }
            self.drift.restart();
        }
    }

    /// Frames captured and not yet played, at the output's rate.
    fn waiting_frames(&self) -> f64 {
        let waiting_in = self.input.slots() as f64 * f64::from(self.rates.output_hz) / f64::from(self.rates.input_hz);
        (waiting_in + self.waiting_out() as f64) / self.rates.n_channels as f64
    }

    /// Samples in the second ring.
    fn waiting_out(&self) -> usize {
        self.output.buffer().capacity() - self.output.slots()
    }

    fn follow_clocks(&mut self, elapsed_s: f64) {
        let begins = self.flow.begins.load(Relaxed);
        if self.pacing == Pacing::OneClock || begins == 0 {
            return;
        }
        if begins != self.begins_seen {
            self.begins_seen = begins;
            self.drift.restart();
        }
        let correction = self.drift.update(self.waiting_frames(), elapsed_s);
        self.resampler.correct(correction);
        self.flow.set_drift(self.drift_ppm());
    }

    /// Takes at most a round's frames; returns the output frames made, 0 when nothing waits or nothing fits.
    fn pass_on(&mut self) -> usize {
        let n_channels = self.rates.n_channels;
        let mut n_frames = (self.input.slots() / n_channels).min(ROUND_FRAMES);
        let n_free = self.free_frames();
        if self.resampler.max_output_frames(n_frames) > n_free {
            let ratio = f64::from(self.rates.input_hz) / f64::from(self.rates.output_hz);
            n_frames = n_frames.min((n_free.saturating_sub(4) as f64 * ratio * 0.998) as usize);
        }
        if n_frames == 0 {
            return 0;
        }
        let captured = &mut self.captured[..n_frames * n_channels];
        if self.input.pop_entire_slice(captured).is_err() {
            return 0;
        }
        let n_made = self.resampler.process(captured, &mut self.dry);
        let n_samples = n_made * n_channels;
        let (dry, wet) = (&self.dry[..n_samples], &mut self.wet[..n_samples]);
        let (aligned, heard) = (&mut self.aligned[..n_samples], &mut self.heard[..n_samples]);
        self.core.processor.process(dry, aligned, wet, heard);
        for tap in &mut self.core.taps {
            tap.push(aligned, wet, n_channels);
        }
        // It fits: the number of frames was chosen so.
        let _ = self.output.push_entire_slice(heard);
        self.n_consumed += n_frames as u64;
        self.n_produced += n_made as u64;
        self.flow.bridged_frames.store(self.n_consumed, Relaxed);
        self.report_slip();
        let processor = &self.core.processor;
        self.flow.set_chain(processor.delay_frames() as u64, self.rates.output_hz, processor.bitrate_kbps());
        n_made
    }

    /// Output frames to make room for. Between two clocks the second ring is kept short: what waits in the first can
    /// still be thrown away.
    fn free_frames(&self) -> usize {
        let n_free = self.output.slots() / self.rates.n_channels;
        let block = self.flow.playback_block_frames.load(Relaxed) as usize;
        if self.pacing == Pacing::OneClock || block == 0 {
            return n_free;
        }
        let n_most = self.flow.cushion_frames.load(Relaxed) as usize + 4 * block + ROUND_FRAMES;
        n_free.min(n_most.saturating_sub(self.waiting_out() / self.rates.n_channels))
    }

    fn report_slip(&self) {
        let Rates { input_hz, output_hz, .. } = self.rates;
        let delay = self.resampler.delay_frames() as u64;
        let ahead = frames_to_ns(self.n_consumed, input_hz) - frames_to_ns(self.n_produced, output_hz);
        // What comes out of the resampler went in earlier: that much less far ahead.
        self.flow.set_slip_ns(ahead - frames_to_ns(delay, input_hz));
    }
}

/// A bridge at work on its own thread.
#[derive(Debug)]
pub struct Running {
    thread: thread::JoinHandle<Core>,
    stop: Arc<AtomicBool>,
}

impl Running {
    /// Starts the rounds.
    pub fn start(mut bridge: Bridge) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let told = stop.clone();
        let thread = thread::spawn(move || {
            raise_priority();
            let mut last = Instant::now();
            let mut load = Load::new(last);
            while !told.load(Relaxed) {
                let now = Instant::now();
                bridge.round((now - last).as_secs_f64());
                last = now;
                match load.note(now, Instant::now()) {
                    Some(Advice::Lower) => lower_priority(),
                    Some(Advice::Raise) => raise_priority(),
                    None => {}
                }
                thread::sleep(PAUSE);
            }
            bridge.into_core()
        });
        Self { thread, stop }
    }

    /// Stops after the round under way; `None` when the thread panicked.
    pub fn stop(self) -> Option<Core> {
        self.stop.store(true, Relaxed);
        self.thread.join().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::{
        port::{CapturePort, Layout, PlaybackPort, Start, ring},
        settings::of_text,
    };

    /// The whole path with simulated devices: blocks of 256 mono frames at their own rates.
    struct Path {
        capture: CapturePort,
        bridge: Bridge,
        playback: PlaybackPort,
        flow: Arc<Flow>,
        tap: Consumer<f32>,
        commands: Producer<Command>,
    }

    const BLOCK: usize = 256;

    fn path(input_hz: u32, output_hz: u32) -> Path {
        let flow = Arc::new(Flow::default());
        flow.cushion_frames.store(BLOCK as u64, Relaxed);
        let layout = |rate_hz| Layout { rate_hz, n_channels: 1, n_device_channels: 1 };
        let (to_bridge, from_capture) = ring(48_000, 1);
        let (to_playback, from_bridge) = ring(48_000, 1);
        let (to_tap, tap) = ring(1 << 20, 2);
        let (commands, from_screen) = rtrb::RingBuffer::new(8);
        let chain = of_text("uniform bits=24 dither=none").chain(1, 48_000).expect("legal");
        let processor = Processor::new(1, output_hz, chain);
        let core = Core { processor, commands: from_screen, taps: vec![Tap::new(to_tap)] };
        let rates = Rates::new(input_hz, output_hz, 1).expect("legal");
        let pacing = Pacing::TwoClocks;
        let ends = Ends { input: from_capture, output: to_playback, rates, pacing, flow: flow.clone() };
        Path {
            capture: CapturePort::new(to_bridge, layout(input_hz), flow.clone()),
            bridge: Bridge::new(ends, core),
            playback: PlaybackPort::new(from_bridge, layout(output_hz), flow.clone(), Start::Rehearsed { n_frames: 0 }),
            flow,
            tap,
            commands,
        }
    }

    /// A ramp that never repeats in a test, exact in 24 bits.
    fn ramp(frame: u64) -> f32 {
        (frame % (1 << 23)) as f32 / 8_388_608.0
    }

    /// Plays `duration_s` in steps of a millisecond; the device clocks run at `input` and `output` frames a second.
    fn run(path: &mut Path, input: f64, output: f64, duration_s: f64) -> Vec<f32> {
        let (mut n_captured, mut played) = (0u64, Vec::new());
        for ms in 0..(duration_s * 1e3) as u64 {
            let now_s = ms as f64 * 1e-3;
            while (n_captured + BLOCK as u64) as f64 <= now_s * input {
                let data: Vec<f32> = (0..BLOCK as u64).map(|i| ramp(n_captured + i)).collect();
                path.capture.take(&data, (n_captured as f64 / input * 1e9) as i64);
                n_captured += BLOCK as u64;
            }
            while ((played.len() + BLOCK) as f64) <= now_s * output {
                let mut data = [0.0f32; BLOCK];
                path.playback.fill(&mut data, (played.len() as f64 / output * 1e9) as i64);
                played.extend(data);
            }
            path.bridge.round(1e-3);
        }
        played
    }

    #[test]
    fn one_clock_passes_every_sample_in_order() {
        let mut path = path(48_000, 48_000);
        let played = run(&mut path, 48_000.0, 48_000.0, 20.0);
        let first = played.iter().position(|&y| y == ramp(1)).expect("heard") - 1;
        assert!(first <= 3 * BLOCK + 24 + 48, "latency {first}");
        for (i, &y) in played[first..].iter().enumerate() {
            assert_eq!(y, ramp(i as u64), "frame {i}");
        }
        assert_eq!(path.flow.dropouts(), Default::default());
        // Both clocks began at 0, so the told latency is the found one, to the frame.
        let told = path.flow.latency_s().expect("both ran") * 48_000.0;
        assert!((told - first as f64).abs() < 1.0, "told {told}, found {first}");
    }

    #[test]
    fn two_clocks_lose_nothing() {
        for drift_ppm in [-200.0, 150.0] {
            let mut path = path(48_000, 48_000);
            let played = run(&mut path, 48_000.0 * (1.0 + drift_ppm * 1e-6), 48_000.0, 150.0);
            assert_eq!(path.flow.dropouts(), Default::default(), "{drift_ppm} ppm");
            assert!(path.bridge.drift_ppm().is_some(), "{drift_ppm} ppm unnoticed");
            // The ramp stays a ramp: the filter's sums of 32-bit floats err by a few of its steps, a lost frame or a
            // repeated block would show as one of 32 and more.
            let sound = &played[48_000..];
            let steps = sound.windows(2).map(|w| (w[1] - w[0]) * 8_388_608.0);
            assert!(steps.into_iter().all(|step| (step - 1.0).abs() < 16.0), "{drift_ppm} ppm");
        }
    }

    #[test]
    fn rates_may_differ() {
        let mut path = path(16_000, 48_000);
        path.flow.cushion_frames.store(3 * BLOCK as u64, Relaxed);
        let played = run(&mut path, 16_000.0, 48_000.0, 4.0);
        assert_eq!(path.flow.dropouts(), Default::default());
        let slope = (played[150_000] - played[102_000]) * 8_388_608.0;
        assert!((slope - 16_000.0).abs() < 2.0, "{slope} input frames in a second of output");
    }

    #[test]
    fn a_stalled_playback_costs_frames_but_no_lasting_latency() {
        let mut path = path(48_000, 48_000);
        run(&mut path, 48_000.0, 48_000.0, 1.0);
        for i in 0..400 {
            path.capture.take(&[0.5f32; BLOCK], i * 5_333_333);
            path.bridge.round(0.005);
        }
        // 102 400 frames came, nothing was played: all but a lag, a cushion and some blocks is gone.
        assert!(path.flow.dropouts().lost_frames > 90_000);
        assert!(path.bridge.waiting_frames() <= (0.1 * 48_000.0) + 6.0 * BLOCK as f64);
    }

    #[test]
    fn commands_and_taps_work_while_it_runs() {
        let mut path = path(48_000, 48_000);
        run(&mut path, 48_000.0, 48_000.0, 0.5);
        let chain = of_text("uniform bits=2 dither=none").chain(1, 48_000).expect("legal");
        path.commands.push(Command::Switch(Box::new(chain))).expect("room");
        run(&mut path, 48_000.0, 48_000.0, 0.5);
        let taped: Vec<f32> = std::iter::from_fn(|| path.tap.pop().ok()).collect();
        let pairs: Vec<&[f32]> = taped.chunks_exact(2).collect();
        assert!(pairs.len() > 40_000);
        let (head, tail) = (&pairs[1_000..20_000], &pairs[pairs.len() - 10_000..]);
        assert!(head.iter().all(|p| p[0] == p[1]), "24 bits hold the ramp");
        assert!(tail.iter().all(|p| (p[1] * 2.0).fract() == 0.0), "2 bits have steps of 0.5");
    }

    #[test]
    fn a_slow_listener_loses_frames_and_stops_nobody() {
        let (ring, mut consumer) = ring(4, 2);
        let mut tap = Tap::new(ring);
        tap.push(&[1.0, 2.0, 3.0, 4.0, 5.0], &[-1.0, -2.0, -3.0, -4.0, -5.0], 1);
        assert_eq!(tap.lost_frames, 1);
        let taped: Vec<f32> = std::iter::from_fn(|| consumer.pop().ok()).collect();
        assert_eq!(taped, [1.0, -1.0, 2.0, -2.0, 3.0, -3.0, 4.0, -4.0]);
    }
}
