//! What channels differ in: which channel of the test resembles which of the reference, and each one's own delay, gain
//! and polarity beside the file's.

use crate::{
    Result,
    analysis::figure::{Absent, Figure},
};

use super::{
    Pair,
    coarse::Run,
    local::{Correlator, SLOPE_REACH, Shift},
    path::Path,
    record::Tape,
    tracking::Cut,
};

/// Most channels that are held against one another.
const MAX_CHANNELS: usize = 8;
/// Stretches looked at.
const N_PROBES: u64 = 12;
/// Samples of a stretch, and lags to each side.
const WINDOW: usize = 1 << 14;
const REACH: usize = 1 << 13;
/// Likeness of a channel below which its delay and gain say nothing.
const MIN_LIKENESS: f64 = 0.3;

/// A channel of the test beside that of the reference.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ChannelMatch {
    /// Samples that it comes later than the path says.
    pub delay_samples: Figure,
    /// Its gain as a factor, negative when inverted.
    pub gain: Figure,
    /// The channel of the test that resembles this one of the reference: its own, unless another leaves less than half of
    /// the error.
    pub partner: usize,
    /// Correlation coefficient with its own channel at the own delay, 0 to 1.
    pub likeness: f64,
}

/// One stretch: for each pair of channels the best lag, its likeness and gain.
struct Probe {
    pairs: Vec<Vec<PairProbe>>,
}

#[derive(Debug, Clone, Copy, Default)]
struct PairProbe {
    delay: f64,
    likeness: f64,
    gain: f64,
}

/// The order of the test's channels in which they resemble those of the reference, as far as `runs` tell.
pub(super) fn order(pair: &Pair, runs: &[Run], cut: Cut) -> Result<Vec<usize>> {
    let n_channels = pair.x.n_channels();
    let own: Vec<usize> = (0..n_channels).collect();
    if !(2..=MAX_CHANNELS).contains(&n_channels) {
        return Ok(own);
    }
    let delay_at = |t: f64| {
        let distance = |run: &&Run| (run.from - t).max(t - run.to).max(0.0);
        runs.iter().min_by(|a, b| distance(a).total_cmp(&distance(b))).map_or(0.0, |run| run.delay_at(t))
    };
    let probes = probes(pair, (cut.window, cut.reach), delay_at)?;
    let partners: Vec<usize> = own.iter().map(|&c| partner(&probes, c)).collect();
    let is_order = own.iter().all(|c| partners.contains(c));
    Ok(if is_order { partners } else { own })
}

/// Each channel's own delay, gain and partner along `path`.
///
/// # Errors
/// Those of reading.
pub fn matches(pair: &Pair, path: &Path) -> Result<Vec<ChannelMatch>> {
    let n_channels = pair.x.n_channels();
    let shorter = usize::try_from(path.n_reference.min(path.n_test)).unwrap_or(usize::MAX);
    let window = WINDOW.min((shorter / 2).max(4 * SLOPE_REACH));
    let probes = match n_channels {
        0..=MAX_CHANNELS if !path.pieces.is_empty() => probes(pair, (window, REACH.min(window)), |t| {
            let piece = path.pieces.iter().rev().find(|piece| piece.start as f64 <= t).unwrap_or(&path.pieces[0]);
            path.place(piece, t) - t
        })?,
        _ => Vec::new(),
    };
    Ok((0..n_channels).map(|c| matched(&probes, c)).collect())
}

fn matched(probes: &[Probe], c: usize) -> ChannelMatch {
    let own: Vec<PairProbe> = probes.iter().map(|probe| probe.pairs[c][c]).collect();
    let alike: Vec<&PairProbe> = own.iter().filter(|p| p.likeness >= MIN_LIKENESS).collect();
    let likeness = median(own.iter().map(|p| p.likeness)).unwrap_or(0.0);
    let of = |value: fn(&PairProbe) -> f64| median(alike.iter().map(|p| value(p))).ok_or(Absent::NoOverlap);
    ChannelMatch { delay_samples: of(|p| p.delay), gain: of(|p| p.gain), partner: partner(probes, c), likeness }
}

/// The channel of the test that resembles channel `c` of the reference clearly better than its own.
fn partner(probes: &[Probe], c: usize) -> usize {
    let error = |d: usize| {
        let likeness = median(probes.iter().map(|probe| probe.pairs[c][d].likeness)).unwrap_or(0.0);
        1.0 - likeness * likeness + 1e-9
    };
    let n_channels = probes.first().map_or(0, |probe| probe.pairs.len());
    let best = (0..n_channels).min_by(|&a, &b| error(a).total_cmp(&error(b))).unwrap_or(c);
    if best != c && error(best) < 0.5 * error(c) { best } else { c }
}

fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

/// Looks at stretches all along the reference, each where `delay_at` expects it.
fn probes(pair: &Pair, (window, reach): (usize, usize), delay_at: impl Fn(f64) -> f64) -> Result<Vec<Probe>> {
    let last = pair.x_outline.n_frames.saturating_sub(window as u64);
    let n_test = pair.y_outline.n_frames as f64;
    let step = (last / N_PROBES).max(1) as usize;
    let (mut x, mut y) = (Tape::new(pair.x)?, Tape::new(pair.y)?);
    let (mut stretch, mut around) = (Vec::new(), Vec::new());
    let mut correlator = Correlator::new(window, reach);
    let mut probes = Vec::new();
    for start in (0..=last).step_by(step) {
        let delay = delay_at(start as f64 + 0.5 * window as f64);
        let place = (start as f64 + delay).round();
        if place < 0.0 || place + window as f64 > n_test {
            continue;
        }
        x.read(start as i64, window, &mut stretch)?;
        y.read(place as i64 - reach as i64, correlator.n_test(), &mut around)?;
        // Silence in all channels tells nothing.
        if stretch.iter().flatten().any(|x| *x != 0.0) {
            let mut probe = looked_at(&mut correlator, (window, reach), &stretch, &around);
            let missed = place - start as f64 - delay;
            probe.pairs.iter_mut().flatten().for_each(|p| p.delay += missed);
            probes.push(probe);
        }
    }
    Ok(probes)
}

fn looked_at(correlator: &mut Correlator, (window, reach): (usize, usize), x: &[Vec<f64>], y: &[Vec<f64>]) -> Probe {
    let energies: Vec<Vec<f64>> = y.iter().map(|y| correlator.energies(y)).collect();
    let mut row = |x: &Vec<f64>| -> Vec<PairProbe> {
        let energy: f64 = x.iter().map(|x| x * x).sum();
        let pairs: Vec<(&[f64], &[f64])> = y.iter().map(|y| (&x[..], &y[..])).collect();
        let correlations = correlator.correlations(&pairs);
        let of = |(d, r): (usize, &Vec<f64>)| best_lag(x, &y[d], r, (energy, &energies[d]), (window, reach));
        correlations.iter().enumerate().map(of).collect()
    };
    Probe { pairs: x.iter().map(&mut row).collect() }
}

/// The best lag of one pair of channels; the expected one unless another leaves less than half of the error.
fn best_lag(
    x: &[f64],
    y: &[f64],
    correlation: &[f64],
    (energy, energies): (f64, &[f64]),
    (window, reach): (usize, usize),
) -> PairProbe {
    let likeness = |l: usize| {
        let scale = (energy * energies[l]).sqrt();
        if scale > 1e-9 * energy && energy > 0.0 { (correlation[l].abs() / scale).min(1.0) } else { 0.0 }
    };
    let error = |l: usize| 1.0 - likeness(l).powi(2) + 1e-9;
    let any = (0..correlation.len()).min_by(|&a, &b| error(a).total_cmp(&error(b))).unwrap_or(reach);
    let lag = if error(any) < 0.5 * error(reach) { any } else { reach };
    let at_lag = &y[lag + SLOPE_REACH..lag + window - SLOPE_REACH];
    let part = Shift::of(&[x], &[at_lag]).delay.clamp(-0.75, 0.75);
    let gain = if energy > 0.0 { correlation[lag] / energy } else { 0.0 };
    PairProbe { delay: lag as f64 - reach as f64 + part, likeness: likeness(lag), gain }
}
