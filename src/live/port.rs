//! Both ends of the path as the audio callbacks see them: copy, count, nothing else.
//!
//! No allocation, lock or system call happens here; debug builds and tests assert the first.

use std::sync::{Arc, atomic::Ordering::Relaxed};

use assert_no_alloc::assert_no_alloc;
use rtrb::{Consumer, Producer, RingBuffer};

use super::{flow::Flow, rehearsal::Rehearsal};

/// A sample as devices deliver and take it. Full scale is 1.0 here and `2^(bits - 1)` there.
pub trait DeviceSample: Copy {
    /// From the device.
    fn to_unit(self) -> f32;
    /// To the device; clips, and rounds to nearest.
    fn from_unit(x: f32) -> Self;
    /// Whether `x` lies beyond what the device's format holds.
    fn clips(x: f32) -> bool;
}

/// What a ring connects, and how it is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// Frames per second of this end.
    pub rate_hz: u32,
    /// Channels in the ring.
    pub n_channels: usize,
    /// Channels of the device.
    pub n_device_channels: usize,
}

/// A ring for `n_frames` frames.
pub fn ring(n_frames: usize, n_channels: usize) -> (Producer<f32>, Consumer<f32>) {
    RingBuffer::new(n_frames.max(1) * n_channels)
}

/// The capture callback's end of the first ring.
#[derive(Debug)]
pub struct CapturePort {
    ring: Producer<f32>,
    layout: Layout,
    flow: Arc<Flow>,
    n_captured: u64,
}

impl CapturePort {
    /// The end that writes to `ring`.
    pub fn new(ring: Producer<f32>, layout: Layout, flow: Arc<Flow>) -> Self {
        Self { ring, layout, flow, n_captured: 0 }
    }

    /// Frames that fit now.
    pub fn free_frames(&self) -> usize {
        self.ring.slots() / self.layout.n_channels
    }

    /// Takes in `data`, interleaved device frames; the first was at the converter at `at_ns` of the flow's clock.
    ///
    /// Channels beyond the ring's are left out; a ring wider than the device repeats the last channel. What does not
    /// fit is lost and counted.
    pub fn take<T: DeviceSample>(&mut self, data: &[T], at_ns: i64) {
        assert_no_alloc(|| self.take_counted(data, at_ns));
    }

    fn take_counted<T: DeviceSample>(&mut self, data: &[T], at_ns: i64) {
        let Layout { rate_hz, n_channels, n_device_channels } = self.layout;
        let n_frames = data.len() / n_device_channels;
        let n_fit = n_frames.min(self.free_frames());
        self.flow.stamp_capture(self.n_captured, at_ns, rate_hz);
        if let Ok(chunk) = self.ring.write_chunk_uninit(n_fit * n_channels) {
            let frames = data.chunks_exact(n_device_channels);
            chunk.fill_from_iter(frames.take(n_fit).flat_map(|frame| {
                (0..n_channels).map(move |channel| frame[channel.min(n_device_channels - 1)].to_unit())
            }));
        }
        self.n_captured += n_fit as u64;
        self.flow.captured_frames.store(self.n_captured, Relaxed);
        self.flow.overrun_frames.fetch_add((n_frames - n_fit) as u64, Relaxed);
    }
}

/// How playback begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// With the least latency, for a microphone: frames beyond the cushion are thrown away, and the first so many are
    /// played in silence, after which the reserve is fitted to the cushion.
    Rehearsed {
        /// Frames of silence.
        n_frames: u64,
    },
    /// With the first frame, and every one is played: for files.
    WithEveryFrame,
}

/// Most that the cushion grows to, in blocks, when playback keeps running dry.
const MAX_CUSHION_BLOCKS: u64 = 8;

/// The playback callback's end of the second ring.
#[derive(Debug)]
pub struct PlaybackPort {
    ring: Consumer<f32>,
    layout: Layout,
    flow: Arc<Flow>,
    start: Start,
    rehearsal: Option<Rehearsal>,
    is_waiting: bool,
    n_played: u64,
}

impl PlaybackPort {
    /// The end that reads from `ring`: silent until a block and the flow's cushion wait there.
    pub fn new(ring: Consumer<f32>, layout: Layout, flow: Arc<Flow>, start: Start) -> Self {
        let rehearsal = match start {
            Start::Rehearsed { n_frames: 0 } | Start::WithEveryFrame => None,
            Start::Rehearsed { n_frames } => Some(Rehearsal::new(n_frames)),
        };
        Self { ring, layout, flow, start, rehearsal, is_waiting: true, n_played: 0 }
    }

    /// True when what comes cannot wait: from a microphone, not from a file.
    pub(super) fn is_real_time(&self) -> bool {
        self.start != Start::WithEveryFrame
    }

    /// Fills `data`, interleaved device frames; the first will be at the converter at `at_ns` of the flow's clock.
    ///
    /// A mono ring plays on both of two channels; other device channels beyond the ring's are silent.
    pub fn fill<T: DeviceSample>(&mut self, data: &mut [T], at_ns: i64) {
        assert_no_alloc(|| self.fill_counted(data, at_ns));
    }

    fn fill_counted<T: DeviceSample>(&mut self, data: &mut [T], at_ns: i64) {
        let n_frames = data.len() / self.layout.n_device_channels;
        self.flow.playback_block_frames.store(n_frames as u64, Relaxed);
        let n_ready = self.ready_frames(n_frames);
        self.flow.stamp_playback(self.n_played, at_ns, self.layout.rate_hz);
        if let Some(rehearsal) = self.rehearsal.take() {
            data.fill(T::from_unit(0.0));
            self.rehearse(rehearsal, n_frames, n_ready);
        } else {
            let (sound, silence) = data.split_at_mut(n_ready * self.layout.n_device_channels);
            silence.fill(T::from_unit(0.0));
            self.play(sound);
            self.note_reserve();
            self.n_played += n_ready as u64;
            if n_ready < n_frames && !self.is_waiting {
                self.run_dry(n_frames, n_frames - n_ready);
            }
        }
        self.flow.played_frames.store(self.n_played, Relaxed);
    }

    /// How many of the `n_frames` asked for can be played now.
    fn ready_frames(&mut self, n_frames: usize) -> usize {
        let n_channels = self.layout.n_channels;
        let n_waiting = self.ring.slots() / n_channels;
        let n_wanted = n_frames + self.flow.cushion_frames.load(Relaxed) as usize;
        if self.is_waiting {
            if n_waiting < n_wanted && !self.flow.is_fed_through() {
                return 0;
            }
            self.is_waiting = false;
            self.begin();
            if self.is_real_time() && n_waiting > n_wanted {
                self.drop_frames(n_waiting - n_wanted);
            }
        }
        n_frames.min(self.ring.slots() / n_channels)
    }

    /// The reserve is watched anew, and what can be heard from here on counts.
    fn begin(&mut self) {
        self.flow.least_reserve_frames.store(u64::MAX, Relaxed);
        if self.rehearsal.is_none() {
            self.flow.begins.fetch_add(1, Relaxed);
        }
    }

    /// Takes what would be played, `n_ready` of `n_frames`, and minds the reserve alone.
    fn rehearse(&mut self, mut rehearsal: Rehearsal, n_frames: usize, n_ready: usize) {
        self.drop_frames(rehearsal.take(n_ready));
        self.note_reserve();
        // Who runs dry here has lost nothing: what was missing is taken later, and with it at the worst moment nothing is left.
        if !self.is_waiting {
            let cushion = self.flow.cushion_frames.load(Relaxed);
            let least = self.flow.least_reserve_frames.load(Relaxed);
            if rehearsal.end_turn(n_frames as u64, least, cushion) {
                self.begin();
                return;
            }
        }
        self.rehearsal = Some(rehearsal);
    }

    fn drop_frames(&mut self, n_frames: usize) {
        if let Ok(chunk) = self.ring.read_chunk(n_frames * self.layout.n_channels) {
            chunk.commit_all();
            // Never heard, but through: the clock of what follows goes on.
            self.n_played += n_frames as u64;
        }
    }

    fn note_reserve(&self) {
        if !self.is_waiting {
            let n_left = self.ring.slots() / self.layout.n_channels;
            self.flow.least_reserve_frames.fetch_min(n_left as u64, Relaxed);
        }
    }

    fn play<T: DeviceSample>(&mut self, data: &mut [T]) {
        let Layout { n_channels, n_device_channels, .. } = self.layout;
        let n_frames = data.len() / n_device_channels;
        let Ok(chunk) = self.ring.read_chunk(n_frames * n_channels) else { return };
        let (first, second) = chunk.as_slices();
        let n_clipped = first.iter().chain(second).filter(|&&x| T::clips(x)).count();
        self.flow.clipped_samples.fetch_add(n_clipped as u64, Relaxed);
        let mut samples = first.iter().chain(second).copied();
        for frame in data.chunks_exact_mut(n_device_channels) {
            frame.fill(T::from_unit(0.0));
            for channel in 0..n_channels {
                let x = samples.next().unwrap_or(0.0);
                if let Some(y) = frame.get_mut(channel) {
                    *y = T::from_unit(x);
                }
            }
            if n_channels == 1 && n_device_channels == 2 {
                frame[1] = frame[0];
            }
        }
        chunk.commit_all();
    }

    fn run_dry(&mut self, n_block: usize, n_missing: usize) {
        if self.flow.is_fed_through() {
            self.flow.is_drained.store(true, Relaxed);
            return;
        }
        self.flow.underruns.fetch_add(1, Relaxed);
        self.flow.underrun_frames.fetch_add(n_missing as u64, Relaxed);
        let cushion = self.flow.cushion_frames.load(Relaxed) + n_block as u64;
        self.flow.cushion_frames.store(cushion.min(MAX_CUSHION_BLOCKS * n_block as u64), Relaxed);
        self.is_waiting = true;
    }
}

impl DeviceSample for f32 {
    fn to_unit(self) -> f32 {
        self
    }
    fn from_unit(x: f32) -> Self {
        x
    }
    fn clips(_: f32) -> bool {
        false
    }
}

impl DeviceSample for f64 {
    fn to_unit(self) -> f32 {
        self as f32
    }
    fn from_unit(x: f32) -> Self {
        f64::from(x)
    }
    fn clips(_: f32) -> bool {
        false
    }
}

/// Whether `x` is more than half a step of `1 / full_scale` beyond the codes from -1 to one step below 1.
fn is_beyond(x: f32, full_scale: f64) -> bool {
    let code = (f64::from(x) * full_scale).round_ties_even();
    code < -full_scale || code > full_scale - 1.0
}

/// Signed integers: code = round(x 2^(bits - 1)), clipped. Unsigned ones are the same, half their range higher.
macro_rules! integer_sample {
    ($type:ty, $full_scale:expr, $middle:expr) => {
        impl DeviceSample for $type {
            fn to_unit(self) -> f32 {
                ((self as f64 - $middle) / $full_scale) as f32
            }
            fn from_unit(x: f32) -> Self {
                // The cast saturates at the type's ends and takes NaN to 0.
                ((f64::from(x) * $full_scale).round_ties_even() + $middle) as $type
            }
            fn clips(x: f32) -> bool {
                is_beyond(x, $full_scale)
            }
        }
    };
}

integer_sample!(i8, 128.0, 0.0);
integer_sample!(i16, 32_768.0, 0.0);
integer_sample!(i32, 2_147_483_648.0, 0.0);
integer_sample!(u8, 128.0, 128.0);
integer_sample!(u16, 32_768.0, 32_768.0);
integer_sample!(u32, 2_147_483_648.0, 2_147_483_648.0);

impl DeviceSample for cpal::I24 {
    fn to_unit(self) -> f32 {
        (f64::from(self.inner()) / 8_388_608.0) as f32
    }
    fn from_unit(x: f32) -> Self {
        let code = (f64::from(x) * 8_388_608.0).round_ties_even().clamp(-8_388_608.0, 8_388_607.0);
        Self::new(code as i32).expect("clamped to 24 bits")
    }
    fn clips(x: f32) -> bool {
        is_beyond(x, 8_388_608.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEREO: Layout = Layout { rate_hz: 48_000, n_channels: 2, n_device_channels: 2 };

    fn drain(ring: &mut Consumer<f32>) -> Vec<f32> {
        std::iter::from_fn(|| ring.pop().ok()).collect()
    }

    #[test]
    fn what_does_not_fit_is_lost_and_counted() {
        let flow = Arc::new(Flow::default());
        let (producer, mut consumer) = ring(3, 2);
        let mut port = CapturePort::new(producer, STEREO, flow.clone());
        port.take(&[0.1f32, 0.2, 0.3, 0.4], 0);
        port.take(&[0.5f32, 0.6, 0.7, 0.8], 0);
        assert_eq!(drain(&mut consumer), [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]);
        assert_eq!(flow.dropouts().lost_frames, 1);
        assert_eq!(flow.captured_frames.load(Relaxed), 3);
    }

    #[test]
    fn channels_are_left_out_repeated_or_silent() {
        let flow = Arc::new(Flow::default());
        let (producer, mut consumer) = ring(4, 1);
        let four = Layout { n_channels: 1, n_device_channels: 4, ..STEREO };
        CapturePort::new(producer, four, flow.clone()).take(&[1i16, 2, 3, 4, 5, 6, 7, 8], 0);
        assert_eq!(drain(&mut consumer), [1.0 / 32_768.0, 5.0 / 32_768.0]);

        let (mut producer, consumer) = ring(4, 1);
        producer.push_entire_slice(&[0.25, -0.25]).expect("room");
        let two = Layout { n_channels: 1, n_device_channels: 2, ..STEREO };
        let mut port = PlaybackPort::new(consumer, two, flow.clone(), Start::WithEveryFrame);
        let mut data = [9i16; 4];
        port.fill(&mut data, 0);
        assert_eq!(data, [8_192, 8_192, -8_192, -8_192]);

        let (mut producer, consumer) = ring(4, 2);
        producer.push_entire_slice(&[0.5, -0.5]).expect("room");
        let three = Layout { n_channels: 2, n_device_channels: 3, ..STEREO };
        let mut data = [9.0f32; 3];
        PlaybackPort::new(consumer, three, flow, Start::WithEveryFrame).fill(&mut data, 0);
        assert_eq!(data, [0.5, -0.5, 0.0]);
    }

    #[test]
    fn playback_waits_for_its_cushion_and_counts_when_it_runs_dry() {
        let flow = Arc::new(Flow::default());
        let (mut producer, consumer) = ring(64, 2);
        let mut port = PlaybackPort::new(consumer, STEREO, flow.clone(), Start::Rehearsed { n_frames: 0 });
        flow.cushion_frames.store(2, Relaxed);
        let mut data = [1.0f32; 8];
        producer.push_entire_slice(&[0.1; 10]).expect("room");
        port.fill(&mut data, 0);
        assert_eq!(data, [0.0; 8], "5 of 6 frames wait");
        assert_eq!(flow.dropouts(), Default::default());
        producer.push_entire_slice(&[0.1; 6]).expect("room");
        port.fill(&mut data, 0);
        assert_eq!(data, [0.1; 8]);
        // 8 waited, 6 were wanted: 2 thrown away, 4 played, 2 left.
        port.fill(&mut data, 0);
        assert_eq!(data, [0.1, 0.1, 0.1, 0.1, 0.0, 0.0, 0.0, 0.0]);
        assert_eq!((flow.dropouts().underruns, flow.dropouts().underrun_frames), (1, 2));
        // The cushion has grown by a block, to 6: a block and 6 must wait.
        producer.push_entire_slice(&[0.2; 18]).expect("room");
        port.fill(&mut data, 0);
        assert_eq!(data, [0.0; 8]);
        producer.push_entire_slice(&[0.2; 2]).expect("room");
        port.fill(&mut data, 0);
        assert_eq!(data, [0.2; 8]);
        assert_eq!(flow.dropouts().underruns, 1);
    }

    #[test]
    fn the_least_reserve_is_kept_until_playback_begins_anew() {
        let flow = Arc::new(Flow::default());
        let (mut producer, consumer) = ring(64, 2);
        let mut port = PlaybackPort::new(consumer, STEREO, flow.clone(), Start::Rehearsed { n_frames: 0 });
        flow.cushion_frames.store(4, Relaxed);
        let mut turn = |n_frames: usize| {
            producer.push_entire_slice(&vec![0.1; 2 * n_frames]).expect("room");
            port.fill(&mut [0.0f32; 8], 0);
            flow.least_reserve_frames()
        };
        assert_eq!(turn(4), None, "it waits for its cushion");
        assert_eq!(turn(4), Some(4));
        assert_eq!(turn(2), Some(2));
        assert_eq!(turn(7), Some(2));
        assert_eq!(turn(0), Some(1));
        assert_eq!(turn(0), Some(0), "it ran dry");
        // A cushion of 8 now.
        assert_eq!(turn(12), Some(8));
    }

    #[test]
    fn a_rehearsal_fits_the_reserve_to_the_cushion_and_is_not_heard() {
        // A server gives and takes one block or two, the taking first or last: blocks of 4, each turn told as (given, taken).
        let orders =
            [[(1, 0), (2, 1), (0, 2), (0, 0)], [(0, 2), (2, 0), (1, 0), (0, 1)], [(3, 1), (0, 1), (0, 1), (0, 0)]];
        for (order, cushion) in orders.into_iter().flat_map(|order| [(order, 4), (order, 8)]) {
            let flow = Arc::new(Flow::default());
            let (mut producer, consumer) = ring(256, 2);
            let start = Start::Rehearsed { n_frames: 40 };
            let mut port = PlaybackPort::new(consumer, STEREO, flow.clone(), start);
            flow.cushion_frames.store(cushion, Relaxed);
            let (mut n_silent, mut given, mut heard) = (0, 0, Vec::new());
            for (n_given, n_taken) in order.into_iter().cycle().take(80) {
                for _ in 0..4 * n_given {
                    given += 1;
                    producer.push_entire_slice(&[given as f32; 2]).expect("room");
                }
                for _ in 0..n_taken {
                    let mut data = [9.0f32; 8];
                    port.fill(&mut data, 0);
                    match data[0] {
                        0.0 => n_silent += 4,
                        _ => heard.extend(data),
                    }
                }
            }
            assert!((40..=40 + 8 * 4).contains(&n_silent), "{n_silent} frames of silence");
            assert_eq!(flow.least_reserve_frames(), Some(cushion), "{order:?}");
            assert!(heard.chunks(2).is_sorted_by(|a, b| b[0] == a[0] + 1.0), "nothing is left out once it is heard");
            assert_eq!((flow.begins.load(Relaxed), flow.dropouts()), (1, Default::default()));
        }
    }

    #[test]
    fn integers_count_what_they_clip_and_floats_pass_it_on() {
        let flow = Arc::new(Flow::default());
        let (mut producer, consumer) = ring(64, 2);
        let mut port = PlaybackPort::new(consumer, STEREO, flow.clone(), Start::WithEveryFrame);
        let samples = [1.2, -1.0, 0.999_97, -1.000_1, f32::NAN, 0.0];
        let mut push = || producer.push_entire_slice(&samples).expect("room");
        push();
        let mut floats = [0.0f32; 6];
        port.fill(&mut floats, 0);
        assert_eq!(floats[..4], samples[..4], "nothing between the rings and a float device clips");
        assert_eq!(flow.clipped_samples.load(Relaxed), 0);
        push();
        let mut integers = [0i16; 6];
        port.fill(&mut integers, 0);
        assert_eq!(integers, [32_767, -32_768, 32_767, -32_768, 0, 0]);
        assert_eq!(flow.clipped_samples.load(Relaxed), 2);
        // Half a step beyond the last code is still rounded to it.
        assert!(!i16::clips(32_767.4 / 32_768.0) && i16::clips(32_767.6 / 32_768.0) && u8::clips(1.0));
    }

    #[test]
    fn the_end_of_a_file_is_played_out_and_is_no_dropout() {
        let flow = Arc::new(Flow::default());
        let (mut producer, consumer) = ring(64, 2);
        let mut port = PlaybackPort::new(consumer, STEREO, flow.clone(), Start::WithEveryFrame);
        flow.cushion_frames.store(8, Relaxed);
        producer.push_entire_slice(&[0.1, 0.2, 0.3, 0.4]).expect("room");
        flow.is_ended.store(true, Relaxed);
        let mut data = [1.0f32; 8];
        port.fill(&mut data, 0);
        assert_eq!(data, [0.1, 0.2, 0.3, 0.4, 0.0, 0.0, 0.0, 0.0]);
        assert_eq!(flow.dropouts(), Default::default());
        assert!(flow.is_drained.load(Relaxed));
    }

    #[test]
    fn integers_of_every_width_survive_the_round_trip() {
        for code in i16::MIN..=i16::MAX {
            assert_eq!(i16::from_unit(code.to_unit()), code);
            let unsigned = code.wrapping_add(i16::MIN) as u16;
            assert_eq!(u16::from_unit(unsigned.to_unit()), unsigned);
        }
        for code in (-8_388_608..=8_388_607).step_by(997) {
            let sample = cpal::I24::new(code).expect("24 bits");
            assert_eq!(cpal::I24::from_unit(sample.to_unit()), sample);
            assert_eq!(i32::from_unit((code << 8).to_unit()), code << 8);
        }
        assert_eq!(i16::from_unit(1.0), i16::MAX);
        assert_eq!(i16::from_unit(f32::NAN), 0);
        assert_eq!(cpal::I24::from_unit(2.0).inner(), 8_388_607);
        assert_eq!(u8::from_unit(-3.0), 0);
    }
}
