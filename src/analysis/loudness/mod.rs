//! Loudness of a programme: integrated, largest momentary and short-term, range.
//!
//! The measure is the crate `ebur128`'s; here its input is cut into 100 ms, so that the largest momentary and short-term
//! values are those of every position the standard asks for.
//!
//! Source: ITU-R BS.1770-5, EBU R 128, EBU Tech 3341 and 3342.

use std::collections::VecDeque;

use ebur128::{Channel, EbuR128, Mode};

mod layout;

pub use layout::{ChannelWeight, Layout};

use super::figure::{Absent, Entry, Figure, filled};
use crate::{Error, Result};

/// Most channels of the measure.
const MAX_CHANNELS: u32 = 64;
/// Sound below this is what the weighting leaves of a constant.
const LEAST_LUFS: f64 = -200.0;
const STEP_MS: u32 = 100;
/// 400 ms.
const MOMENTARY_STEPS: usize = 4;
/// 3 s.
const SHORT_TERM_STEPS: usize = 30;

/// Gathers loudness block by block.
///
/// ```
/// use sqnr::analysis::loudness::LoudnessMeter;
///
/// let tone: Vec<f64> = (0..240_000).map(|i| (std::f64::consts::TAU * f64::from(i) * 997.0 / 48e3).sin()).collect();
/// let mut meter = LoudnessMeter::new(1, 48_000)?;
/// meter.push(&[&tone])?;
/// // ITU-R BS.1770: a full-scale sine of 997 Hz in one channel reads -3.01 LKFS.
/// assert!((meter.figures().loudness_lufs.unwrap() + 3.01).abs() < 0.02);
/// # Ok::<(), sqnr::Error>(())
/// ```
pub struct LoudnessMeter {
    state: EbuR128,
    layout: Layout,
    heard: Heard,
    /// Samples of 100 ms.
    step: usize,
    filled: usize,
    /// Weighted mean squares of the last steps, at most [`SHORT_TERM_STEPS`].
    recent: VecDeque<f64>,
    momentary_max: f64,
    short_term_max: f64,
    n_samples: usize,
}

/// Where there was any sound at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Heard {
    Nothing,
    /// In channels that do not count.
    LeftOut,
    Sound,
}

impl std::fmt::Debug for LoudnessMeter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LoudnessMeter").field("n_samples", &self.n_samples).finish_non_exhaustive()
    }
}

impl LoudnessMeter {
    /// A meter for so many channels in their usual layout ([`Layout::of`] without a mask): 1 mono, 2 stereo, 6 with the
    /// order L R C LFE Ls Rs (LFE does not count).
    ///
    /// # Errors
    /// `Unsupported` for a rate or channel count that the measure is not defined for.
    pub fn new(n_channels: u32, sample_rate_hz: u32) -> Result<Self> {
        Self::with_layout(Layout::of(n_channels.min(MAX_CHANNELS + 1) as usize, None), sample_rate_hz)
    }

    /// A meter for channels that stand as `layout` says.
    ///
    /// # Errors
    /// `Unsupported` for a rate or channel count that the measure is not defined for.
    pub fn with_layout(layout: Layout, sample_rate_hz: u32) -> Result<Self> {
        let n_channels = layout.weights().len() as u32;
        let unsupported = |_| Error::Unsupported {
            what: format!(
                "loudness of {n_channels} channels at {sample_rate_hz} Hz; needs 1 to 64 channels, 16 Hz to 2.8 MHz"
            ),
        };
        let mut state = EbuR128::new(n_channels, sample_rate_hz, Mode::I | Mode::S | Mode::LRA).map_err(unsupported)?;
        let map: Vec<Channel> = layout.weights().iter().map(|&weight| weight.into()).collect();
        state.set_channel_map(&map).map_err(unsupported)?;
        Ok(Self {
            state,
            layout,
            heard: Heard::Nothing,
            step: sample_rate_hz.div_ceil(10) as usize,
            filled: 0,
            recent: VecDeque::with_capacity(SHORT_TERM_STEPS),
            momentary_max: f64::NEG_INFINITY,
            short_term_max: f64::NEG_INFINITY,
            n_samples: 0,
        })
    }

    /// Takes in planar samples, which must be finite: all channels equally long.
    ///
    /// # Errors
    /// `LengthMismatch` when the channels differ in length or number from those announced.
    pub fn push(&mut self, channels: &[&[f64]]) -> Result<()> {
        let expected = self.state.channels() as usize;
        if channels.len() != expected {
            return Err(Error::LengthMismatch { what: "channels for loudness", expected, got: channels.len() });
        }
        let n = channels[0].len();
        if let Some(odd) = channels.iter().find(|c| c.len() != n) {
            return Err(Error::LengthMismatch { what: "samples for loudness", expected: n, got: odd.len() });
        }
        self.listen(channels);
        let mut start = 0;
        while start < n {
            let end = n.min(start + self.step - self.filled);
            let part: Vec<&[f64]> = channels.iter().map(|c| &c[start..end]).collect();
            self.state.add_frames_planar_f64(&part).map_err(|e| Error::NoResult { what: format!("loudness: {e}") })?;
            self.filled += end - start;
            self.n_samples += end - start;
            if self.filled == self.step {
                self.filled = 0;
                self.note_maxima();
            }
            start = end;
        }
        Ok(())
    }

    fn listen(&mut self, channels: &[&[f64]]) {
        if self.heard == Heard::Sound {
            return;
        }
        for (x, weight) in channels.iter().zip(self.layout.weights()) {
            let counts = *weight != ChannelWeight::LeftOut;
            if (counts || self.heard == Heard::Nothing) && x.iter().any(|x| *x != 0.0) {
                self.heard = if counts { Heard::Sound } else { Heard::LeftOut };
            }
        }
    }

    /// Momentary and short-term loudness are means over steps: each step's energy is taken once.
    fn note_maxima(&mut self) {
        if self.recent.len() == SHORT_TERM_STEPS {
            self.recent.pop_front();
        }
        let loudness = self.state.loudness_window(STEP_MS).unwrap_or(f64::NEG_INFINITY);
        self.recent.push_back(10f64.powf(loudness / 10.0));
        let over = |steps: usize| -> f64 {
            let energies = self.recent.iter().rev().take(steps);
            10.0 * (energies.sum::<f64>() / steps as f64).log10()
        };
        if self.recent.len() >= MOMENTARY_STEPS {
            self.momentary_max = self.momentary_max.max(over(MOMENTARY_STEPS));
        }
        if self.recent.len() >= SHORT_TERM_STEPS {
            self.short_term_max = self.short_term_max.max(over(SHORT_TERM_STEPS));
        }
    }

    /// The figures of what was taken in so far.
    pub fn figures(&self) -> LoudnessFigures {
        let reason = match self.heard {
            Heard::Nothing => Absent::Silence,
            Heard::LeftOut => {
                Absent::NotApplicable { needs: "sound in a channel that counts; that of low frequencies does not" }
            }
            Heard::Sound => Absent::BelowGate,
        };
        let finite = |value: f64, needed_steps: usize| {
            let needed = needed_steps * self.step;
            if self.n_samples < needed {
                Err(Absent::TooShort { n_samples: self.n_samples, needed })
            } else if value.is_finite() && value > LEAST_LUFS {
                Ok(value)
            } else {
                Err(reason)
            }
        };
        let global = self.state.loudness_global().unwrap_or(f64::NEG_INFINITY);
        let range = self.state.loudness_range().unwrap_or(f64::NAN);
        let integrated = finite(global, 4);
        LoudnessFigures {
            loudness_lufs: integrated,
            momentary_max_lufs: finite(self.momentary_max, 4),
            short_term_max_lufs: finite(self.short_term_max, 30),
            loudness_range_lu: finite(self.short_term_max, 30).and(integrated).and(finite(range, 30)),
        }
    }
}

/// Loudness of a programme.
#[derive(Debug, Clone, PartialEq)]
pub struct LoudnessFigures {
    /// Integrated, gated.
    pub loudness_lufs: Figure,
    /// Largest over 400 ms.
    pub momentary_max_lufs: Figure,
    /// Largest over 3 s.
    pub short_term_max_lufs: Figure,
    /// Loudness range.
    pub loudness_range_lu: Figure,
}

impl LoudnessFigures {
    /// What is left to say when nothing was measured.
    pub fn missing(why: Absent) -> Self {
        Self {
            loudness_lufs: Err(why),
            momentary_max_lufs: Err(why),
            short_term_max_lufs: Err(why),
            loudness_range_lu: Err(why),
        }
    }

    /// All figures as entries, in the order of a table.
    pub fn entries(&self) -> Vec<Entry> {
        let new = Entry::new;
        let of_mean_square = |symbols: &'static str, figure| {
            filled(symbols, figure, |lufs: f64| format!("-0.691 + 10 log10({:.6e})", 10f64.powf((lufs + 0.691) / 10.0)))
        };
        let gated = "-0.691 + 10 log10(K-weighted mean square, gated at -70 LUFS and -10 LU)";
        let integrated = of_mean_square(gated, self.loudness_lufs);
        let momentary = of_mean_square("-0.691 + 10 log10(largest of 400 ms)", self.momentary_max_lufs);
        let short_term = of_mean_square("-0.691 + 10 log10(largest of 3 s)", self.short_term_max_lufs);
        let range = "10 to 95 % of the short-term values".to_owned();
        vec![
            new(("loudness_lufs", "loudness", "LUFS"), self.loudness_lufs, "loudness", integrated),
            new(("momentary_max_lufs", "momentary, largest", "LUFS"), self.momentary_max_lufs, "momentary", momentary),
            new(
                ("short_term_max_lufs", "short-term, largest", "LUFS"),
                self.short_term_max_lufs,
                "short-term",
                short_term,
            ),
            new(("loudness_range_lu", "loudness range", "LU"), self.loudness_range_lu, "loudness-range", range),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    const RATE: u32 = 48_000;

    /// Pieces of a 1 kHz stereo sine: level of one channel in dBFS and length in seconds.
    fn figures(pieces: &[(f64, f64)], n_channels: u32, frequency_hz: f64) -> LoudnessFigures {
        let mut meter = LoudnessMeter::new(n_channels, RATE).expect("legal");
        let mut time = 0usize;
        for &(level_dbfs, seconds) in pieces {
            let n = (seconds * f64::from(RATE)) as usize;
            let amplitude = 10f64.powf(level_dbfs / 20.0);
            let phase = |i: usize| frequency_hz * (time + i) as f64 / f64::from(RATE);
            let x: Vec<f64> = (0..n).map(|i| amplitude * (TAU * phase(i).fract()).sin()).collect();
            time += n;
            for start in (0..n).step_by(1111) {
                let block = &x[start..n.min(start + 1111)];
                meter.push(&vec![block; n_channels as usize]).expect("equal lengths");
            }
        }
        meter.figures()
    }

    #[test]
    fn a_stereo_sine_of_minus_23_dbfs_is_minus_23_lufs() {
        // EBU Tech 3341, cases 1 and 2 (tolerance there 0.1 LU).
        for level in [-23.0, -33.0] {
            let got = figures(&[(level, 20.0)], 2, 1000.0);
            for figure in [got.loudness_lufs, got.momentary_max_lufs, got.short_term_max_lufs] {
                assert!((figure.expect("loud") - level).abs() < 0.01, "{figure:?}");
            }
        }
    }

    #[test]
    fn gating_follows_ebu_tech_3341() {
        for pieces in [
            &[(-36.0, 10.0), (-23.0, 60.0), (-36.0, 10.0)][..],
            &[(-72.0, 10.0), (-36.0, 10.0), (-23.0, 60.0), (-36.0, 10.0), (-72.0, 10.0)],
            &[(-26.0, 20.0), (-20.0, 20.1), (-26.0, 20.0)],
        ] {
            let got = figures(pieces, 2, 1000.0).loudness_lufs.expect("loud");
            assert!((got + 23.0).abs() < 0.1, "{got}");
        }
    }

    #[test]
    fn range_follows_ebu_tech_3342() {
        for (pieces, want) in [
            (&[(-20.0, 20.0), (-30.0, 20.0)][..], 10.0),
            (&[(-20.0, 20.0), (-15.0, 20.0)], 5.0),
            (&[(-40.0, 20.0), (-20.0, 20.0)], 20.0),
        ] {
            let got = figures(pieces, 2, 1000.0).loudness_range_lu.expect("long");
            assert!((got - want).abs() < 1.0, "{got} {want}");
        }
    }

    #[test]
    fn full_scale_mono_is_minus_3() {
        // BS.1770: a 0 dBFS sine of 997 Hz in one channel reads -3.01 LKFS.
        let got = figures(&[(0.0, 5.0)], 1, 997.0).loudness_lufs.expect("loud");
        assert!((got + 3.01).abs() < 0.01, "{got}");
    }

    /// One channel of 1 kHz at -30 dBFS, the others silent.
    fn of_one_channel(layout: &Layout, channel: usize) -> LoudnessFigures {
        let n = layout.weights().len();
        let (x, silence) = (
            (0..48_000).map(|i| 10f64.powf(-1.5) * (TAU * f64::from(i % 48) / 48.0).sin()).collect::<Vec<f64>>(),
            vec![0.0; 48_000],
        );
        let mut meter = LoudnessMeter::with_layout(layout.clone(), RATE).expect("legal");
        let channels: Vec<&[f64]> =
            (0..n).map(|c| if c == channel { x.as_slice() } else { silence.as_slice() }).collect();
        meter.push(&channels).expect("equal lengths");
        meter.figures()
    }

    #[test]
    fn each_position_counts_with_its_weight() {
        // A sine of 1 kHz in one channel reads 3.01 LU below its level; 1.41 is 1.49 dB.
        let of = |n, mask, channel| of_one_channel(&Layout::of(n, Some(mask)), channel).loudness_lufs;
        for (n, mask, channel, want) in [
            (8, 0x63F, 0, -33.01),
            (8, 0x63F, 4, -33.01),
            (8, 0x63F, 6, -31.52),
            (8, 0x63F, 7, -31.52),
            (6, 0x3F, 4, -31.52),
            (4, 0x107, 2, -33.01),
            (4, 0x107, 3, -33.01),
        ] {
            let got = of(n, mask, channel).expect("loud");
            assert!((got - want).abs() < 0.02, "{n} {mask:x} {channel}: {got}");
        }
        let twice = of_one_channel(&Layout::dual_mono(), 0).loudness_lufs.expect("loud");
        assert!((twice + 30.0).abs() < 0.02, "{twice}");
    }

    #[test]
    fn no_loudness_names_its_true_reason() {
        let effects = of_one_channel(&Layout::of(3, Some(0xB)), 2).loudness_lufs.expect_err("nothing counts");
        assert!(effects.to_string().contains("low frequencies"), "{effects}");
        // Sound, but below the gate of -70 LUFS in every block: the momentary maximum is there.
        let quiet = figures(&[(-80.0, 5.0)], 2, 1000.0);
        assert_eq!(quiet.loudness_lufs, Err(Absent::BelowGate));
        assert!((quiet.momentary_max_lufs.expect("there is sound") + 80.0).abs() < 0.02);
    }

    #[test]
    fn short_or_silent_programmes_say_so() {
        assert!(matches!(figures(&[(-20.0, 0.2)], 1, 1000.0).loudness_lufs, Err(Absent::TooShort { .. })));
        assert_eq!(figures(&[(f64::NEG_INFINITY, 4.0)], 1, 1000.0).loudness_lufs, Err(Absent::Silence));
        assert_eq!(figures(&[(f64::NEG_INFINITY, 4.0)], 1, 1000.0).loudness_range_lu, Err(Absent::Silence));
        assert_eq!(figures(&[(-400.0, 4.0)], 1, 1000.0).loudness_lufs, Err(Absent::BelowGate));
        assert!(LoudnessMeter::new(0, 48_000).is_err());
    }
}
