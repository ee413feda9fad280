//! What was undone, and what was found that stays, as figures.

use super::{Absent, Alignment, ChannelMatch, Course, Entry, Figure, Gain, GapKind, Path};

/// Delay, gain, polarity, drift, coverage: what alignment found.
#[derive(Debug, Clone)]
pub(super) struct Shift {
    /// How it was aligned, or why it was not.
    pub alignment: Result<Alignment, Absent>,
    delay_samples: Figure,
    /// A factor, negative when inverted.
    gain: Figure,
    drift: f64,
    /// Root mean square and largest of what a line leaves of the local delays, samples.
    residual: (f64, f64),
    n_reference: u64,
    n_covered: u64,
    n_lost: u64,
    n_inserted: u64,
    n_left_out: u64,
    /// Between channels; none of one channel.
    spread: Spread,
}

/// How far channels lie apart: in delay, in samples, and in gain, as a factor.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spread {
    delay_samples: Figure,
    gain: Figure,
}

impl Spread {
    /// Of one channel there is none.
    fn none() -> Self {
        let why = Err(Absent::NotApplicable { needs: "two channels or more" });
        Self { delay_samples: why, gain: why }
    }

    pub(super) fn of(matches: &[ChannelMatch]) -> Self {
        if matches.len() < 2 {
            return Self::none();
        }
        let extent = |values: Vec<Figure>| -> Result<(f64, f64), Absent> {
            let values = values.into_iter().collect::<Result<Vec<f64>, Absent>>()?;
            Ok(values.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(*v), high.max(*v))))
        };
        let delays = extent(matches.iter().map(|m| m.delay_samples).collect());
        let gains = extent(matches.iter().map(|m| m.gain.map(f64::abs)).collect());
        Self { delay_samples: delays.map(|(low, high)| high - low), gain: gains.map(|(low, high)| high / low) }
    }
}

impl Shift {
    pub(super) fn of(path: &Path, gain: Gain, alignment: Result<Alignment, Absent>) -> Self {
        let n_of = |kinds: &[GapKind]| -> u64 {
            path.gaps.iter().filter(|gap| kinds.contains(&gap.kind)).map(|gap| gap.n_samples).sum()
        };
        let drift = match &path.course {
            Course::Whole(_) => 0.0,
            Course::Line { drift, .. } => *drift,
            Course::Curve(_) => path.line.drift,
        };
        Self {
            alignment,
            delay_samples: Ok(path.course.delay_at(0.0)),
            gain: Ok(gain.undone),
            drift,
            residual: (path.line.rms, path.line.max),
            n_reference: path.n_reference,
            n_covered: path.n_covered(),
            n_lost: n_of(&[GapKind::Lost]),
            n_inserted: n_of(&[GapKind::Inserted, GapKind::Repeated]),
            n_left_out: path.n_left_out(),
            spread: Spread::none(),
        }
    }

    /// The same, and how far the channels lie apart.
    pub(super) fn with_spread(self, spread: Spread) -> Self {
        Self { spread, ..self }
    }

    /// The same for one channel of several, which has a delay and a gain of its own.
    pub(super) fn of_channel(&self, own: &ChannelMatch) -> Self {
        let delay = self.delay_samples.and_then(|delay| own.delay_samples.map(|more| delay + more));
        Self { delay_samples: delay, gain: own.gain, ..self.clone() }
    }

    /// Of channels that were aligned each by itself: the delay of the first, the worst coverage and residual, all that was
    /// lost.
    pub(super) fn of_several(channels: &[Self]) -> Self {
        let mut all = channels[0].clone();
        for channel in channels {
            all.alignment = all.alignment.and(channel.alignment);
            all.residual = (all.residual.0.max(channel.residual.0), all.residual.1.max(channel.residual.1));
            all.n_covered = all.n_covered.min(channel.n_covered);
            all.n_lost = all.n_lost.max(channel.n_lost);
            all.n_inserted = all.n_inserted.max(channel.n_inserted);
            all.n_left_out = all.n_left_out.max(channel.n_left_out);
        }
        let own = |s: &Self| ChannelMatch { delay_samples: s.delay_samples, gain: s.gain, partner: 0, likeness: 1.0 };
        Self { spread: Spread::of(&channels.iter().map(own).collect::<Vec<_>>()), ..all }
    }

    pub(super) fn entries(&self) -> Vec<Entry> {
        let known = |figure: Figure| self.alignment.and(figure);
        let coverage = match self.n_reference {
            0 => Err(Absent::TooShort { n_samples: 0, needed: 1 }),
            n => Ok(100.0 * self.n_covered as f64 / n as f64),
        };
        let entry = |(key, label, unit): (&'static str, &'static str, &'static str),
                     figure: Figure,
                     definition,
                     symbols: &str,
                     values: String| {
            let figure = known(figure);
            let formula =
                if figure.is_ok() && !values.is_empty() { format!("{symbols} = {values}") } else { symbols.into() };
            Entry { key, label, unit, figure, definition, formula }
        };
        let count = |names, n: u64, definition, symbols| entry(names, Ok(n as f64), definition, symbols, String::new());
        let delay = self.delay_samples.unwrap_or(0.0);
        let gain = self.gain.unwrap_or(1.0);
        vec![
            entry(
                ("delay_samples", "delay", "samples"),
                self.delay_samples,
                "alignment",
                "place of the reference's first sample in the test",
                format!("{:.0} + {:.6}", delay.round(), delay - delay.round()),
            ),
            entry(
                ("gain_db", "gain", "dB"),
                self.gain.map(|gain| 20.0 * gain.abs().log10()),
                "alignment",
                "20 log10 |sum x y / sum x^2|",
                format!("20 log10 {:.6}", gain.abs()),
            ),
            entry(
                ("polarity", "polarity", ""),
                self.gain.map(f64::signum),
                "alignment",
                "sign of the gain",
                format!("sign of {gain:.6}"),
            ),
            entry(
                ("drift_ppm", "clock drift", "ppm"),
                Ok(1e6 * self.drift),
                "alignment",
                "slope of the local delays",
                format!("{:.6} samples over {}", self.drift * self.n_reference as f64, self.n_reference),
            ),
            entry(
                ("drift_residual_rms_samples", "drift residual, RMS", "samples"),
                Ok(self.residual.0),
                "drift-residual",
                "RMS of the local delays less their line",
                String::new(),
            ),
            entry(
                ("drift_residual_max_samples", "drift residual, largest", "samples"),
                Ok(self.residual.1),
                "drift-residual",
                "max |local delay less the line|",
                String::new(),
            ),
            entry(
                ("coverage_percent", "coverage", "%"),
                coverage,
                "coverage",
                "samples of the reference with a counterpart / samples of the reference",
                format!("{} / {}", self.n_covered, self.n_reference),
            ),
            count(
                ("missing_samples", "missing", "samples"),
                self.n_lost,
                "coverage",
                "samples of the reference that the test has not",
            ),
            count(
                ("inserted_samples", "inserted", "samples"),
                self.n_inserted,
                "coverage",
                "samples of the test that the reference has not, but for the delay",
            ),
            count(
                ("left_out_samples", "left out at the ends", "samples"),
                self.n_left_out,
                "left-out",
                "samples with a counterpart whose interpolation or filter lacks neighbours",
            ),
            entry(
                ("channel_delay_samples", "delay between channels", "samples"),
                self.spread.delay_samples,
                "channel-spread",
                "latest less earliest channel",
                String::new(),
            ),
            entry(
                ("channel_gain_db", "gain between channels", "dB"),
                self.spread.gain.map(|ratio| 20.0 * ratio.log10()),
                "channel-spread",
                "20 log10(largest / least |gain| of a channel)",
                String::new(),
            ),
        ]
    }
}
