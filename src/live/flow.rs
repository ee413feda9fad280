//! What both ends of the audio path count and when they did, readable from any thread.

use std::{
    sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::Relaxed},
    time::Instant,
};

/// Which way sound goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Out of a microphone.
    Capture,
    /// Into a loudspeaker.
    Playback,
}

/// Counters and clocks of one run of the path. Written by callbacks with plain atomic stores.
///
/// A stream's clock is kept as its *origin*: the time at which its frame 0 was, or will be, at the converter, were its
/// sample rate exact. One number instead of a pair (frame, time) cannot be read half old and half new.
#[derive(Debug)]
pub struct Flow {
    epoch: Instant,
    /// Frames that reached the first ring.
    pub captured_frames: AtomicU64,
    /// Frames of the first ring that the bridge has passed on.
    pub bridged_frames: AtomicU64,
    /// Frames lost because the first ring was full.
    pub overrun_frames: AtomicU64,
    /// Frames of the second ring that were played.
    pub played_frames: AtomicU64,
    /// How often playback has begun to be heard: after its rehearsal, and after it ran dry.
    pub begins: AtomicU64,
    /// Frames of silence played because the second ring was empty.
    pub underrun_frames: AtomicU64,
    /// How often that happened.
    pub underruns: AtomicU64,
    /// Frames thrown away to bring the latency back after a stall.
    pub skipped_frames: AtomicU64,
    /// Under- and overruns that the device reported itself.
    pub device_xruns: AtomicU64,
    /// Frames to be left in the second ring when playback has taken its block. Grows by a block when it runs dry.
    pub cushion_frames: AtomicU64,
    /// Least frames that waited in the second ring when playback had taken its block, since it last began: how near it
    /// came to running dry.
    pub least_reserve_frames: AtomicU64,
    /// Samples beyond what the playback device's format holds.
    pub clipped_samples: AtomicU64,
    /// The device of either end is gone.
    pub is_lost: AtomicBool,
    /// The source has no more frames.
    pub is_ended: AtomicBool,
    /// After the source's end: playback has found nothing more to play.
    pub is_drained: AtomicBool,
    /// Frames that playback asks for at once, as seen last.
    pub playback_block_frames: AtomicU64,
    capture_origin_ns: AtomicI64,
    playback_origin_ns: AtomicI64,
    slip_ns: AtomicI64,
    chain_delay_ns: AtomicI64,
    /// Bits per second; 0 while there is no codec, or no figure yet.
    coded_bps: AtomicU64,
    /// In 10^-9; `UNKNOWN_NS` while the clocks are not known to differ.
    drift_ppb: AtomicI64,
    last_capture_ns: AtomicI64,
    last_playback_ns: AtomicI64,
}

impl Default for Flow {
    fn default() -> Self {
        Self {
            epoch: Instant::now(),
            captured_frames: AtomicU64::new(0),
            bridged_frames: AtomicU64::new(0),
            overrun_frames: AtomicU64::new(0),
            played_frames: AtomicU64::new(0),
            begins: AtomicU64::new(0),
            underrun_frames: AtomicU64::new(0),
            underruns: AtomicU64::new(0),
            skipped_frames: AtomicU64::new(0),
            device_xruns: AtomicU64::new(0),
            cushion_frames: AtomicU64::new(0),
            least_reserve_frames: AtomicU64::new(u64::MAX),
            clipped_samples: AtomicU64::new(0),
            is_lost: AtomicBool::new(false),
            is_ended: AtomicBool::new(false),
            is_drained: AtomicBool::new(false),
            playback_block_frames: AtomicU64::new(0),
            capture_origin_ns: AtomicI64::new(UNKNOWN_NS),
            playback_origin_ns: AtomicI64::new(UNKNOWN_NS),
            slip_ns: AtomicI64::new(0),
            chain_delay_ns: AtomicI64::new(0),
            coded_bps: AtomicU64::new(0),
            drift_ppb: AtomicI64::new(UNKNOWN_NS),
            last_capture_ns: AtomicI64::new(0),
            last_playback_ns: AtomicI64::new(0),
        }
    }
}

/// An origin before the first callback.
const UNKNOWN_NS: i64 = i64::MIN;

/// Dropouts so far, of all kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Dropouts {
    /// Times that playback ran dry.
    pub underruns: u64,
    /// Frames of silence this put in.
    pub underrun_frames: u64,
    /// Frames lost or thrown away before they were heard.
    pub lost_frames: u64,
    /// Reported by the device.
    pub device_xruns: u64,
}

impl Dropouts {
    /// One number for the screen: gaps heard and frames lost both count.
    pub fn total(&self) -> u64 {
        self.underruns + self.device_xruns + u64::from(self.lost_frames > 0)
    }
}

impl Flow {
    /// Nanoseconds since this path was made.
    pub fn now_ns(&self) -> i64 {
        i64::try_from(self.epoch.elapsed().as_nanos()).unwrap_or(i64::MAX)
    }

    /// Capture reports that frame `frame` was at the converter at `at_ns`.
    pub(super) fn stamp_capture(&self, frame: u64, at_ns: i64, rate_hz: u32) {
        self.capture_origin_ns.store(at_ns - frames_to_ns(frame, rate_hz), Relaxed);
        self.last_capture_ns.store(self.now_ns(), Relaxed);
    }

    /// Playback reports that frame `frame` will be at the converter at `at_ns`.
    pub(super) fn stamp_playback(&self, frame: u64, at_ns: i64, rate_hz: u32) {
        self.playback_origin_ns.store(at_ns - frames_to_ns(frame, rate_hz), Relaxed);
        self.last_playback_ns.store(self.now_ns(), Relaxed);
    }

    /// The bridge reports how far its input is ahead of its output, both counted at their nominal rates.
    pub(super) fn set_slip_ns(&self, slip_ns: i64) {
        self.slip_ns.store(slip_ns, Relaxed);
    }

    /// The bridge reports what the chain now heard adds, and the codec's rate.
    pub(super) fn set_chain(&self, delay_frames: u64, rate_hz: u32, bitrate_kbps: Option<f64>) {
        self.chain_delay_ns.store(frames_to_ns(delay_frames, rate_hz), Relaxed);
        self.coded_bps.store(bitrate_kbps.map_or(0, |kbps| (kbps * 1e3) as u64), Relaxed);
    }

    /// Time by which the chain now heard is behind, in seconds; part of [`Self::latency_s`].
    pub fn chain_delay_s(&self) -> f64 {
        self.chain_delay_ns.load(Relaxed) as f64 * 1e-9
    }

    /// What the codec spends, in kbit/s; `None` without one.
    pub fn bitrate_kbps(&self) -> Option<f64> {
        let bps = self.coded_bps.load(Relaxed);
        (bps > 0).then_some(bps as f64 * 1e-3)
    }

    pub(super) fn set_drift(&self, drift_ppm: Option<f64>) {
        self.drift_ppb.store(drift_ppm.map_or(UNKNOWN_NS, |ppm| (ppm * 1e3) as i64), Relaxed);
    }

    /// By how much the input's clock is the faster, in parts per million, once the path works it off by resampling;
    /// `None` while every sample passes as it is.
    pub fn drift_ppm(&self) -> Option<f64> {
        match self.drift_ppb.load(Relaxed) {
            UNKNOWN_NS => None,
            ppb => Some(ppb as f64 * 1e-3),
        }
    }

    /// Time from a sound at the microphone to the same sound at the loudspeaker, in seconds, as the drivers tell it.
    ///
    /// `None` before both ends ran. Jitters by the drivers' own uncertainty; average a few.
    pub fn latency_s(&self) -> Option<f64> {
        let capture = self.capture_origin_ns.load(Relaxed);
        let playback = self.playback_origin_ns.load(Relaxed);
        if capture == UNKNOWN_NS || playback == UNKNOWN_NS {
            return None;
        }
        let chain = self.chain_delay_ns.load(Relaxed);
        Some((playback - capture - self.slip_ns.load(Relaxed) + chain) as f64 * 1e-9)
    }

    /// True when the source has ended and all it gave has been passed on.
    pub(super) fn is_fed_through(&self) -> bool {
        self.is_ended.load(Relaxed) && self.bridged_frames.load(Relaxed) == self.captured_frames.load(Relaxed)
    }

    /// Least frames in reserve since playback last began; `None` before.
    pub fn least_reserve_frames(&self) -> Option<u64> {
        Some(self.least_reserve_frames.load(Relaxed)).filter(|&n| n < u64::MAX)
    }

    /// Seconds until the last frame played so far is out of the loudspeaker; 0 when it is.
    pub fn time_to_silence_s(&self, rate_hz: u32) -> f64 {
        let origin = self.playback_origin_ns.load(Relaxed);
        if origin == UNKNOWN_NS {
            return 0.0;
        }
        let end_ns = origin + frames_to_ns(self.played_frames.load(Relaxed), rate_hz);
        (end_ns - self.now_ns()).max(0) as f64 * 1e-9
    }

    /// When the device of this direction called last, on [`Self::now_ns`]'s clock; 0 before.
    pub(super) fn last_ns(&self, direction: Direction) -> i64 {
        match direction {
            Direction::Capture => self.last_capture_ns.load(Relaxed),
            Direction::Playback => self.last_playback_ns.load(Relaxed),
        }
    }

    /// Seconds since the quieter of both ends was last heard of.
    pub fn silent_s(&self) -> f64 {
        let last = self.last_capture_ns.load(Relaxed).min(self.last_playback_ns.load(Relaxed));
        (self.now_ns() - last) as f64 * 1e-9
    }

    /// Dropouts so far.
    pub fn dropouts(&self) -> Dropouts {
        Dropouts {
            underruns: self.underruns.load(Relaxed),
            underrun_frames: self.underrun_frames.load(Relaxed),
            lost_frames: self.overrun_frames.load(Relaxed) + self.skipped_frames.load(Relaxed),
            device_xruns: self.device_xruns.load(Relaxed),
        }
    }
}

/// Duration of `frames`, exact to a nanosecond for 6 000 years.
pub(super) fn frames_to_ns(frames: u64, rate_hz: u32) -> i64 {
    (u128::from(frames) * 1_000_000_000 / u128::from(rate_hz)) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latency_is_the_distance_of_the_origins() {
        let flow = Flow::default();
        assert_eq!(flow.latency_s(), None);
        // Frame 4 800 captured at 1.000 s, frame 2 400 played at 0.975 s: frame 4 800 plays at 1.025 s.
        flow.stamp_capture(4_800, 1_000_000_000, 48_000);
        assert_eq!(flow.latency_s(), None);
        flow.stamp_playback(2_400, 975_000_000, 48_000);
        assert!((flow.latency_s().expect("both known") - 0.025).abs() < 1e-9);
        // 480 frames thrown away in between: what is heard now was captured 10 ms later.
        flow.set_slip_ns(10_000_000);
        assert!((flow.latency_s().expect("both known") - 0.015).abs() < 1e-9);
    }
}
