//! When a device's frames are at its converter, computed from when it calls.
//!
//! ```text
//! earliest(now - frame / rate) over some seconds  +  lead  ->  time of frame 0     lead: playback  buffer - block
//!                                                                                        capture  -block
//! ```
//!
//! A callback may come late, never early: the earliest one came when exactly a block had been captured, or when exactly
//! a block had become free of a buffer that was full before. What the driver tells is set beside that. Hardware tells
//! the same, and a sound server with a long queue behind it tells more, always as much; then it is believed. PulseAudio's
//! interpolated times of playback were seen to wander by 40 ms each second, and later by 6 ms, 13 ms from the truth; then it
//! is not.

use super::flow::frames_to_ns;

/// Half of the time over which the earliest callback is sought: two such stretches cover the saw-tooth between the
/// device's blocks and its server's, 7 s for 682 against 1 024 frames, and clocks 100 ppm apart err by 1 ms.
const HALF_NS: i64 = 5_000_000_000;
/// Time after the first callback that is passed over: a buffer is filled at once and plays some time later, and a sound
/// server then fills its own.
const SETTLE_NS: i64 = 300_000_000;
/// Time constant of the mean of what the driver tells.
const MEAN_NS: f64 = 1e9;
/// Widest range of the driver's times, over both stretches, at which they are steady.
const STEADY_NS: i64 = 3_000_000;
/// Latency that a steady driver must tell beyond the buffers to be believed.
const BEYOND_NS: f64 = 10e6;

/// The clock of one direction of one device.
#[derive(Debug, Clone)]
pub(super) struct DeviceClock {
    rate_hz: u32,
    /// From the earliest callback to the converter; `None` where the driver alone is asked.
    lead_ns: Option<i64>,
    n_frames: u64,
    first_ns: Option<i64>,
    is_settled: bool,
    /// When the present stretch began.
    began_ns: i64,
    /// Of the stretch before and of the present one.
    earliest_ns: [i64; 2],
    /// What the driver says of frame 0: least and most of the stretch before, if there was one, and of the present one.
    reported_ns: [Option<[i64; 2]>; 2],
    reported: Option<Reported>,
}

/// What the driver says of frame 0, in the mean.
#[derive(Debug, Clone, Copy)]
struct Reported {
    mean_ns: f64,
    last_ns: i64,
}

impl DeviceClock {
    /// The clock of a capture device that hands over `block_frames` at once.
    pub(super) fn of_capture(rate_hz: u32, block_frames: u64) -> Self {
        Self::new(rate_hz, -frames_to_ns(block_frames, rate_hz))
    }

    /// The clock of a playback device that asks for `block_frames` of a buffer of `buffer_frames`.
    pub(super) fn of_playback(rate_hz: u32, buffer_frames: u64, block_frames: u64) -> Self {
        Self::new(rate_hz, frames_to_ns(buffer_frames.saturating_sub(block_frames), rate_hz))
    }

    fn new(rate_hz: u32, lead_ns: i64) -> Self {
        // Elsewhere the system's own clock stamps the callbacks.
        let lead_ns = cfg!(target_os = "linux").then_some(lead_ns);
        Self {
            rate_hz,
            lead_ns,
            n_frames: 0,
            first_ns: None,
            is_settled: lead_ns.is_none(),
            began_ns: 0,
            earliest_ns: [i64::MAX; 2],
            reported_ns: [None; 2],
            reported: None,
        }
    }

    /// The time at the converter of the first of the `n_frames` of a callback at `now_ns`, of which the driver tells
    /// `reported_ns`.
    pub(super) fn stamp(&mut self, now_ns: i64, reported_ns: i64, n_frames: usize) -> i64 {
        let run_ns = frames_to_ns(self.n_frames, self.rate_hz);
        self.n_frames += n_frames as u64;
        let Some(lead_ns) = self.lead_ns else { return reported_ns };
        self.is_settled = now_ns - *self.first_ns.get_or_insert(now_ns) >= SETTLE_NS;
        if !self.is_settled {
            self.began_ns = now_ns;
            return now_ns + lead_ns;
        }
        self.turn_over(now_ns);
        self.earliest_ns[1] = self.earliest_ns[1].min(now_ns - run_ns);
        self.note_reported(now_ns, reported_ns - run_ns);
        let counted_ns = self.earliest_ns[0].min(self.earliest_ns[1]) + lead_ns;
        self.believed(counted_ns, lead_ns).unwrap_or(counted_ns) + run_ns
    }

    /// False while callbacks come to fill buffers and not as time goes.
    pub(super) fn is_settled(&self) -> bool {
        self.is_settled
    }

    /// Begins another stretch when the present one is over.
    fn turn_over(&mut self, now_ns: i64) {
        if now_ns - self.began_ns > HALF_NS {
            self.began_ns = now_ns;
            self.earliest_ns = [self.earliest_ns[1], i64::MAX];
            self.reported_ns = [self.reported_ns[1], None];
        }
    }

    fn note_reported(&mut self, now_ns: i64, origin_ns: i64) {
        let [least, most] = self.reported_ns[1].unwrap_or([origin_ns; 2]);
        self.reported_ns[1] = Some([least.min(origin_ns), most.max(origin_ns)]);
        let Reported { mean_ns, last_ns } =
            self.reported.unwrap_or(Reported { mean_ns: origin_ns as f64, last_ns: now_ns });
        let weight = ((now_ns - last_ns) as f64 / MEAN_NS).clamp(0.0, 1.0);
        self.reported = Some(Reported { mean_ns: mean_ns + weight * (origin_ns as f64 - mean_ns), last_ns: now_ns });
    }

    fn is_steady(&self) -> bool {
        let [Some([a, b]), Some([c, d])] = self.reported_ns else { return false };
        b.max(d) - a.min(c) < STEADY_NS
    }

    /// The driver's origin, when it steadily tells of more latency than the buffers have.
    fn believed(&self, counted_ns: i64, lead_ns: i64) -> Option<i64> {
        let reported = self.reported.filter(|_| self.is_steady())?;
        let beyond_ns = (reported.mean_ns - counted_ns as f64) * lead_ns.signum() as f64;
        (beyond_ns > BEYOND_NS).then_some(reported.mean_ns as i64)
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    const RATE_HZ: u32 = 48_000;
    const BLOCK: usize = 480;
    const MS: i64 = 1_000_000;

    /// Runs `seconds` of callbacks of 10 ms each; `late_ns` and `reported_ns` by number. Returns the last origin found, where
    /// the first callback's frame 0 was asked for at 0.
    fn origin(
        clock: &mut DeviceClock,
        seconds: i64,
        late_ns: impl Fn(i64) -> i64,
        reported: impl Fn(i64) -> i64,
    ) -> i64 {
        let mut origin = 0;
        for i in 0..100 * seconds {
            let now_ns = i * 10 * MS + late_ns(i);
            origin = clock.stamp(now_ns, i * 10 * MS + reported(i), BLOCK) - i * 10 * MS;
        }
        origin
    }

    fn playback() -> DeviceClock {
        DeviceClock::of_playback(RATE_HZ, 3 * BLOCK as u64, BLOCK as u64)
    }

    #[test]
    fn late_callbacks_do_not_count() {
        let late = |i: i64| if i % 7 == 3 { 0 } else { (i * i % 23) * MS / 2 };
        assert_eq!(origin(&mut playback(), 12, late, |_| 20 * MS), 20 * MS);
        let mut capture = DeviceClock::of_capture(RATE_HZ, BLOCK as u64);
        assert_eq!(origin(&mut capture, 12, late, |_| -10 * MS), -10 * MS);
    }

    #[test]
    fn a_driver_that_wanders_is_not_believed_and_a_steady_one_is() {
        // 40 ms each second, up and down.
        let wandering = |i: i64| 60 * MS + ((i % 400) - 200).abs() * 2 * MS / 5;
        assert_eq!(origin(&mut playback(), 12, |_| 0, wandering), 20 * MS);
        // 5 ms every three seconds, which is little within one.
        let swaying = |i: i64| 34 * MS + ((i % 300) - 150).abs() * 5 * MS / 150;
        assert_eq!(origin(&mut playback(), 60, |_| 0, swaying), 20 * MS);
        let steady = origin(&mut playback(), 12, |_| 0, |i| 80 * MS + (i % 3 - 1) * MS);
        assert!((steady - 80 * MS).abs() < MS, "{steady} ns");
        let mut capture = DeviceClock::of_capture(RATE_HZ, BLOCK as u64);
        let steady = origin(&mut capture, 12, |_| 0, |_| -45 * MS);
        assert!((steady + 45 * MS).abs() < MS, "{steady} ns");
        // Less than the buffers hold cannot be.
        assert_eq!(origin(&mut playback(), 12, |_| 0, |_| 0), 20 * MS);
    }

    #[test]
    fn a_buffer_filled_before_it_plays_is_passed_over() {
        // Three blocks at once, which begin to sound 60 ms later.
        let filled = |i: i64| if i < 3 { -i * 10 * MS } else { 40 * MS };
        let mut clock = playback();
        assert_eq!(origin(&mut clock, 1, filled, |_| 0), 60 * MS);
        assert!(clock.is_settled());
        let mut young = playback();
        young.stamp(0, 0, BLOCK);
        assert!(!young.is_settled());
    }

    #[test]
    fn a_device_that_lost_time_is_followed() {
        let mut clock = playback();
        let lost = |i: i64| if i < 300 { 0 } else { 30 * MS };
        assert_eq!(origin(&mut clock, 3, lost, |_| 20 * MS), 20 * MS);
        let mut clock = playback();
        assert_eq!(origin(&mut clock, 16, lost, |_| 20 * MS), 50 * MS);
    }
}
