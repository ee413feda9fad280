//! Two devices, two clocks: how fast to read the input so that the frames under way neither run out nor pile up.
//!
//! ```text
//! fill (frames under way) -> 1 s mean -> minus reference -> dead zone -> a ramp? -> PI -> correction of the resampler
//!                                            ^                             |
//!                                            +----------- no: a step ------+
//! ```
//!
//! With one clock the mean stays put and the correction is exactly 0, so that the path stays bit-exact. A stall of the
//! machine can move it for good, by a block or so: the sound server's blocks come at other moments from then on. Such a
//! step is no drift. When the mean has left the dead zone it is therefore watched for a while: where it goes on as fast
//! as it came, the clocks do differ, and the loop is closed and stays so; where it stays, that is the new reference, unless
//! it is a block and more of latency: that is worked off, and the path bit-exact again. The loop's poles lie at
//! 1 / (2 * [`LOOP_S`]), both: slow enough that the pitch is never heard to move.

/// Time constant of the loop: one frame too many is worked off over this many seconds.
const LOOP_S: f64 = 10.0;

/// Time constant of the mean over the saw-tooth that blocks make of the fill.
const MEAN_S: f64 = 1.0;

/// Time after a start during which the reference is learnt.
const SETTLE_S: f64 = 3.0;

/// Widest correction, 0.1 %: crystals differ by 0.01 %, and a semitone is 5.9 %.
const MAX_CORRECTION: f64 = 1e-3;

/// Least time that a deviation is watched, beside [`WATCH_SHARE`]: longer than the beat between a device's blocks and
/// its server's, and at 300 ppm 130 frames at 48 kHz.
const WATCH_S: f64 = 9.0;

/// Most time: what a drift of a few parts per million takes an hour for may be told from a step next time.
const MAX_WATCH_S: f64 = 60.0;

/// Share of the time that a deviation took to come for which it is watched to go on.
const WATCH_SHARE: f64 = 0.25;

/// Longest that a surplus is worked off; a drift stands behind what stays then.
const MAX_SURPLUS_S: f64 = 150.0;

/// A ramp goes on by at least this share of what its past speed promises.
const RAMP_SHARE: f64 = 0.5;

/// The controller; fed at every round of the bridge.
#[derive(Debug, Clone)]
pub struct DriftControl {
    sample_rate_hz: f64,
    dead_zone_frames: f64,
    age_s: f64,
    mean: f64,
    reference: f64,
    stage: Stage,
    integral: f64,
}

/// What is thought of the clocks.
#[derive(Debug, Clone)]
enum Stage {
    /// They agree.
    Alike,
    /// The mean has left the dead zone.
    Watched(Watch),
    /// They agree, and a stall has left more than a block of latency behind: worked off since this age.
    Surplus(f64),
    /// They differ: the loop is closed.
    Engaged,
}

/// What a deviation was.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Verdict {
    Ramp,
    /// By so many frames.
    Step(f64),
}

/// A deviation under watch: its mean over an earlier and a later part of the time, the mean's own settling passed over.
#[derive(Debug, Clone)]
struct Watch {
    /// The reference's age when the watch began, and how long it lasts.
    since_s: f64,
    length_s: f64,
    earlier: Mean,
    later: Mean,
}

/// Mean of a value over time.
#[derive(Debug, Clone, Default)]
struct Mean {
    integral: f64,
    time_s: f64,
}

impl Mean {
    fn add(&mut self, value: f64, time_s: f64) {
        self.integral += value * time_s;
        self.time_s += time_s;
    }

    fn value(&self) -> f64 {
        self.integral / self.time_s.max(f64::MIN_POSITIVE)
    }
}

impl Watch {
    fn new(age_s: f64) -> Self {
        let length_s = (WATCH_SHARE * age_s).clamp(WATCH_S, MAX_WATCH_S);
        Self { since_s: age_s, length_s, earlier: Mean::default(), later: Mean::default() }
    }

    /// Adds a moment; once the time is over, whether the later mean is where a ramp would have gone.
    fn add(&mut self, age_s: f64, elapsed_s: f64, error: f64) -> Option<Verdict> {
        // Thirds: a step settles in the first, and is measured in the others.
        let third_s = self.length_s / 3.0;
        match age_s - self.since_s {
            t if t < third_s => {}
            t if t < 2.0 * third_s => self.earlier.add(error, elapsed_s),
            _ => self.later.add(error, elapsed_s),
        }
        if age_s < self.since_s + self.length_s {
            return None;
        }
        let (earlier, later) = (self.earlier.value(), self.later.value());
        // A ramp that came this far since the reference was learnt goes on by as much of that in a third.
        let promised = earlier * third_s / (self.since_s + 1.5 * third_s);
        let is_ramp = (later - earlier) * promised.signum() > RAMP_SHARE * promised.abs();
        Some(if is_ramp { Verdict::Ramp } else { Verdict::Step(later) })
    }
}

impl DriftControl {
    /// A controller for blocks of about `block_frames` at a rate in Hz.
    pub fn new(sample_rate_hz: u32, block_frames: usize) -> Self {
        Self {
            sample_rate_hz: f64::from(sample_rate_hz),
            dead_zone_frames: (block_frames as f64 / 4.0).max(16.0),
            age_s: 0.0,
            mean: 0.0,
            reference: 0.0,
            stage: Stage::Alike,
            integral: 0.0,
        }
    }

    /// The correction for the next block, relative: positive reads the input faster.
    ///
    /// - `fill_frames`: frames captured and not yet played
    /// - `elapsed_s`: time since the last call
    pub fn update(&mut self, fill_frames: f64, elapsed_s: f64) -> f64 {
        // Until the mean has a past of its own it is the plain mean of what came.
        self.age_s += elapsed_s;
        let weight = elapsed_s / self.age_s.min(MEAN_S).max(elapsed_s);
        self.mean += weight * (fill_frames - self.mean);
        if self.age_s < SETTLE_S {
            self.reference = self.mean;
            return self.held();
        }
        let error = self.mean - self.reference;
        self.judge(error, elapsed_s);
        let per_second = 1.0 / (LOOP_S * self.sample_rate_hz);
        match self.stage {
            Stage::Alike | Stage::Watched(_) => return 0.0,
            Stage::Surplus(_) => return (error * per_second).clamp(-MAX_CORRECTION, MAX_CORRECTION),
            Stage::Engaged => {}
        }
        self.integral += error * per_second / (4.0 * LOOP_S) * elapsed_s;
        self.integral = self.integral.clamp(-MAX_CORRECTION, MAX_CORRECTION);
        (error * per_second + self.integral).clamp(-MAX_CORRECTION, MAX_CORRECTION)
    }

    /// Whether the clocks differ, as far as `error` tells.
    fn judge(&mut self, error: f64, elapsed_s: f64) {
        match &mut self.stage {
            Stage::Alike if error.abs() > self.dead_zone_frames => {
                self.stage = Stage::Watched(Watch::new(self.age_s - SETTLE_S));
            }
            Stage::Watched(watch) => match watch.add(self.age_s - SETTLE_S, elapsed_s, error) {
                Some(Verdict::Ramp) => self.stage = Stage::Engaged,
                Some(Verdict::Step(frames)) if frames > self.block_frames() => self.stage = Stage::Surplus(self.age_s),
                Some(Verdict::Step(_)) => self.restart(),
                None => {}
            },
            Stage::Surplus(_) if error.abs() < self.dead_zone_frames / 4.0 => {
                self.stage = Stage::Alike;
                // The reference is as good as learnt now: what comes from here on has come since.
                self.age_s = SETTLE_S;
            }
            Stage::Surplus(since_s) if self.age_s - *since_s > MAX_SURPLUS_S => self.stage = Stage::Engaged,
            Stage::Alike | Stage::Surplus(_) | Stage::Engaged => {}
        }
    }

    /// After a gap: learns the reference anew and keeps what it knows of the clocks.
    pub fn restart(&mut self) {
        self.age_s = 0.0;
        self.mean = 0.0;
        if let Stage::Watched(_) | Stage::Surplus(_) = self.stage {
            self.stage = Stage::Alike;
        }
    }

    /// True while the path is resampled: the clocks were seen to differ, or latency is being worked off.
    pub fn is_engaged(&self) -> bool {
        matches!(self.stage, Stage::Engaged | Stage::Surplus(_))
    }

    fn block_frames(&self) -> f64 {
        4.0 * self.dead_zone_frames
    }

    /// Drift of the clocks as learnt so far, in parts per million; positive: the input's clock is the faster.
    pub fn drift_ppm(&self) -> f64 {
        self.integral * 1e6
    }

    fn held(&self) -> f64 {
        if self.is_engaged() { self.integral } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BLOCK: f64 = 512.0;

    /// Frames in waiting between two simulated devices.
    struct Outcome {
        least: f64,
        most: f64,
        control: DriftControl,
    }

    /// Two devices with blocks of 512 whose callbacks come up to 3 ms late, polled every millisecond. The extremes are
    /// those after 20 s.
    fn simulate(drift_ppm: f64, duration_s: f64) -> Outcome {
        simulate_stalls(drift_ppm, duration_s, &[])
    }

    /// The same, and at each of the times in seconds the capture's blocks come so many frames more, once.
    fn simulate_stalls(drift_ppm: f64, duration_s: f64, stalls: &[(u64, f64)]) -> Outcome {
        let mut control = DriftControl::new(48_000, BLOCK as usize);
        let capture_period_s = BLOCK / (48_000.0 * (1.0 + drift_ppm * 1e-6));
        let playback_period_s = BLOCK / 48_000.0;
        let mut noise = 1u32;
        let mut lateness_s = || {
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            0.003 * f64::from(noise >> 8) / f64::from(1 << 24)
        };
        let (mut n_captured, mut n_played) = (0.0, 0.0);
        let (mut next_capture_s, mut next_playback_s) = (0.0, playback_period_s * 0.3);
        let (mut waiting, mut correction) = (2.0 * BLOCK, 0.0);
        let (mut least, mut most) = (f64::MAX, f64::MIN);
        for ms in 0..(duration_s * 1e3) as u64 {
            let now_s = ms as f64 * 1e-3;
            waiting += stalls.iter().find(|(at_s, _)| at_s * 1_000 == ms).map_or(0.0, |(_, n_frames)| *n_frames);
            if now_s >= next_capture_s {
                waiting += BLOCK / (1.0 + correction);
                n_captured += 1.0;
                next_capture_s = n_captured * capture_period_s + lateness_s();
            }
            if now_s >= next_playback_s {
                if now_s > 20.0 {
                    (least, most) = (least.min(waiting), most.max(waiting));
                }
                waiting -= BLOCK;
                n_played += 1.0;
                next_playback_s = (n_played + 0.3) * playback_period_s + lateness_s();
            }
            correction = control.update(waiting, 1e-3);
        }
        Outcome { least, most, control }
    }

    #[test]
    fn one_clock_is_left_alone() {
        let Outcome { control, least, .. } = simulate(0.0, 600.0);
        assert!(!control.is_engaged());
        assert!(least >= BLOCK);
    }

    #[test]
    fn an_hour_between_two_clocks_neither_runs_dry_nor_piles_up() {
        for drift_ppm in [-300.0, -80.0, 20.0, 120.0, 300.0] {
            let Outcome { least, most, control } = simulate(drift_ppm, 3_600.0);
            assert!(least >= BLOCK, "{drift_ppm} ppm: {least} frames at the worst playback");
            assert!(most <= 4.0 * BLOCK, "{drift_ppm} ppm: {most} frames");
            let learnt = control.drift_ppm();
            assert!((learnt - drift_ppm).abs() < 5.0, "{drift_ppm} ppm learnt as {learnt}");
        }
    }

    #[test]
    fn a_stall_that_moves_the_blocks_is_no_drift() {
        let stalls = [(5, 150.0), (40, 200.0), (41, 250.0), (200, -300.0), (259, 500.0), (263, -480.0), (500, -300.0)];
        let Outcome { control, .. } = simulate_stalls(0.0, 600.0, &stalls);
        assert!(!control.is_engaged());
        // A block and more of latency is worked off, and the path left alone again.
        let stalls = [(100, 1_300.0)];
        assert!(simulate_stalls(0.0, 130.0, &stalls).control.is_engaged());
        let Outcome { control, .. } = simulate_stalls(0.0, 250.0, &stalls);
        assert!(!control.is_engaged());
        assert!((control.mean - control.reference).abs() < 64.0, "{} frames", control.mean - control.reference);
        // A drift that came after a stall is found all the same.
        for drift_ppm in [-120.0, 15.0, 300.0] {
            let Outcome { control, .. } = simulate_stalls(drift_ppm, 3_600.0, &[(6, 300.0), (20, -250.0)]);
            let learnt = control.drift_ppm();
            assert!((learnt - drift_ppm).abs() < 5.0, "{drift_ppm} ppm learnt as {learnt}");
        }
    }

    #[test]
    fn a_restart_keeps_the_drift_and_takes_a_new_reference() {
        let Outcome { mut control, .. } = simulate(120.0, 300.0);
        let before = control.drift_ppm();
        control.restart();
        assert!((control.update(5_000.0, 1e-3) - before * 1e-6).abs() < 1e-9);
        for _ in 0..10_000 {
            control.update(5_000.0, 1e-3);
        }
        assert!((control.drift_ppm() - before).abs() < 1.0);
    }
}
