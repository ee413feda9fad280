//! Two devices, two clocks: how fast to read the input so that the frames under way neither run out nor pile up.
//!
//! ```text
//! fill (frames under way) -> 1 s mean -> minus reference -> dead zone, once -> PI -> correction of the resampler
//! ```
//!
//! With one clock the mean stays put and the correction is exactly 0, so that the path stays bit-exact. Once the mean
//! has left the dead zone the clocks do differ, and the loop stays closed. Its poles lie at 1 / (2 * [`LOOP_S`]), both:
//! slow enough that the pitch is never heard to move.

/// Time constant of the loop: one frame too many is worked off over this many seconds.
const LOOP_S: f64 = 10.0;

/// Time constant of the mean over the saw-tooth that blocks make of the fill.
const MEAN_S: f64 = 1.0;

/// Time after a start during which the reference is learnt.
const SETTLE_S: f64 = 3.0;

/// Widest correction, 0.1 %: crystals differ by 0.01 %, and a semitone is 5.9 %.
const MAX_CORRECTION: f64 = 1e-3;

/// The controller; fed at every round of the bridge.
#[derive(Debug, Clone)]
pub struct DriftControl {
    sample_rate_hz: f64,
    dead_zone_frames: f64,
    age_s: f64,
    mean: f64,
    reference: f64,
    is_engaged: bool,
    integral: f64,
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
            is_engaged: false,
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
        self.is_engaged |= error.abs() > self.dead_zone_frames;
        if !self.is_engaged {
            return 0.0;
        }
        let per_second = 1.0 / (LOOP_S * self.sample_rate_hz);
        self.integral += error * per_second / (4.0 * LOOP_S) * elapsed_s;
        self.integral = self.integral.clamp(-MAX_CORRECTION, MAX_CORRECTION);
        (error * per_second + self.integral).clamp(-MAX_CORRECTION, MAX_CORRECTION)
    }

    /// After a gap: learns the reference anew and keeps what it knows of the clocks.
    pub fn restart(&mut self) {
        self.age_s = 0.0;
        self.mean = 0.0;
    }

    /// True once the clocks were seen to differ.
    pub fn is_engaged(&self) -> bool {
        self.is_engaged
    }

    /// Drift of the clocks as learnt so far, in parts per million; positive: the input's clock is the faster.
    pub fn drift_ppm(&self) -> f64 {
        self.integral * 1e6
    }

    fn held(&self) -> f64 {
        if self.is_engaged { self.integral } else { 0.0 }
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
