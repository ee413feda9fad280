//! What a reader of the figures must know: samples that only one file has, and channels that differ.

use crate::analysis::alignment::{ChannelMatch, Gap, GapKind, Path};

/// Gaps told one by one.
const MAX_TOLD: usize = 20;
/// Samples by which channels may differ in delay.
const SAME_DELAY: f64 = 0.05;
/// Gains may differ by this factor: 0.1 dB.
const SAME_GAIN: f64 = 1.0116;

/// What only one of the files has, in order.
pub(super) fn of_gaps(path: &Path, rate_hz: f64) -> Vec<String> {
    let mut told: Vec<String> = path.gaps.iter().take(MAX_TOLD).map(|gap| of_gap(path, gap, rate_hz)).collect();
    if path.gaps.len() > MAX_TOLD {
        told.push(format!("{} more places where samples are missing or inserted", path.gaps.len() - MAX_TOLD));
    }
    told
}

fn of_gap(path: &Path, gap: &Gap, rate_hz: f64) -> String {
    let Gap { at, n_samples: n, kind } = *gap;
    let samples = format!("{n} {} ({:.6} s)", if n == 1 { "sample" } else { "samples" }, n as f64 / rate_hz);
    let place = format!("at {:.6} s (sample {at})", at as f64 / rate_hz);
    match kind {
        GapKind::Lost if n == path.n_reference => format!("nothing of the reference's {samples} is there"),
        GapKind::Lost if at == 0 => format!("missing: the first {samples} of the reference"),
        GapKind::Lost if at + n == path.n_reference => format!("missing: the last {samples} of the reference"),
        GapKind::Lost => format!("missing: {samples} of the reference {place}"),
        GapKind::Inserted if at == path.n_reference => format!("goes on for {samples} after the reference's end"),
        GapKind::Inserted => format!("inserted: {samples} that the reference has not, {place} of it"),
        GapKind::Repeated => format!("repeated: {samples} once more, {place} of the reference"),
    }
}

/// What channels differ in, against the first one that resembles its reference.
pub(super) fn of_channels(matches: &[ChannelMatch], rate_hz: f64) -> Vec<String> {
    let mut told = of_order(matches);
    let known = matches.iter().enumerate().filter_map(|(i, m)| Some((i + 1, m.delay_samples.ok()?, m.gain.ok()?, m)));
    let known: Vec<_> = known.filter(|(i, _, _, m)| m.partner + 1 == *i).collect();
    let Some(&(first, delay, gain, first_match)) = known.first() else { return told };
    for &(i, own_delay, own_gain, own) in &known[1..] {
        if gain * own_gain < 0.0 {
            told.push(format!("channel {i} is inverted against channel {first}"));
        }
        let late = own_delay - delay;
        if late.abs() > SAME_DELAY && own.likeness > 0.9 && first_match.likeness > 0.9 {
            let way = if late > 0.0 { "late" } else { "early" };
            let seconds = late.abs() / rate_hz;
            told.push(format!(
                "channel {i} is {:.2} samples ({seconds:.6} s) {way} against channel {first}",
                late.abs()
            ));
        }
        let ratio = (own_gain / gain).abs();
        // Noise makes gains differ as well.
        let unsure = 1.0 - own.likeness.min(first_match.likeness).powi(2);
        if ratio.max(1.0 / ratio) > SAME_GAIN && (ratio - 1.0).powi(2) > unsure {
            told.push(format!("channel {i} has {:+.2} dB of gain against channel {first}", 20.0 * ratio.log10()));
        }
    }
    told
}

/// Channels that are found in another's place.
fn of_order(matches: &[ChannelMatch]) -> Vec<String> {
    let mut told = Vec::new();
    for (i, m) in matches.iter().enumerate().filter(|(i, m)| m.partner != *i) {
        let back = matches[m.partner].partner;
        if back == i && i < m.partner {
            told.push(format!("channels {} and {} are swapped", i + 1, m.partner + 1));
        } else if back != i {
            told.push(format!("channel {} resembles channel {} of the reference", m.partner + 1, i + 1));
        }
    }
    told
}
