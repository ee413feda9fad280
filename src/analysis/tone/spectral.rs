//! Tone figures from the lines of a windowed spectrum, by the rules of other tools.
//!
//! - *genalyzer* (Analog Devices): each line belongs to DC, the tone, a folded harmonic or the noise; a tone is the
//!   lines within the window's half width of its peak; noise under the others counts as nothing. Checked against
//!   genalyzer 0.1.7.
//! - *matlab*: the functions `snr`, `sinad`, `thd`, `sfdr` of MATLAB's Signal Processing Toolbox, harmonics folded
//!   ("aliased"): Kaiser window, a tone is its peak down both slopes to the first rise, noise under the tones is
//!   filled with the median. Checked against PySNR 0.0.1, a port of that algorithm.

use super::{
    Aliased, Settings, ToneFigures,
    figures::{Powers, Spurs},
    find::{check_place, check_samples, largest},
    harmonics::{Harmonic, Hidden, Place, places},
};
use crate::analysis::{figure::Absent, sinusoids::fold, spectrum::PowerSpectrum, window::Window};

/// What a spectral line was counted as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineRole {
    /// DC and the lines under its lobe.
    Dc,
    /// The fundamental.
    Tone,
    /// A harmonic, by its order.
    Harmonic(u32),
    /// Everything else.
    Noise,
}

/// Roles of the lines by genalyzer's rule: DC, tone, harmonics folded, each with the window's half width.
pub fn line_roles(spectrum: &PowerSpectrum, tone_line: usize, highest_harmonic: u32) -> Vec<LineRole> {
    let n = spectrum.settings().n_fft;
    let folded = |order: u32| {
        let k = (tone_line as u128 * u128::from(order) % n as u128) as usize;
        (k.min(n - k), LineRole::Harmonic(order))
    };
    // Lower orders overwrite higher ones, the tone all of them.
    marked(spectrum, (2..=highest_harmonic).rev().map(folded).chain([(tone_line, LineRole::Tone)]))
}

/// Roles of the lines around the frequencies that were measured, whether they lie on lines or between them.
pub fn roles_of(spectrum: &PowerSpectrum, figures: &ToneFigures) -> Vec<LineRole> {
    let line = |hz: f64| (hz / spectrum.line_spacing_hz()).round() as usize;
    let marked_ones = figures.harmonics.iter().rev().filter(|h| h.hidden != Some(Hidden::Noise));
    let harmonics = marked_ones.map(|h| (line(h.frequency_hz), LineRole::Harmonic(h.order)));
    marked(spectrum, harmonics.chain(figures.frequency_hz.ok().map(|hz| (line(hz), LineRole::Tone))))
}

/// Marks lobes in turn, later ones over earlier ones; DC keeps its own.
fn marked(spectrum: &PowerSpectrum, lobes: impl Iterator<Item = (usize, LineRole)>) -> Vec<LineRole> {
    let half = spectrum.settings().window.half_width_lines();
    let last = spectrum.power().len() - 1;
    let mut roles = vec![LineRole::Noise; last + 1];
    roles[..=half.min(last)].fill(LineRole::Dc);
    for (k, role) in lobes {
        let k = k.min(last);
        let lobe = &mut roles[k.saturating_sub(half)..=(k + half).min(last)];
        lobe.iter_mut().filter(|r| **r != LineRole::Dc).for_each(|r| *r = role);
    }
    roles
}

/// Refuses a tone whose lobe is cut off at half the rate.
fn check_lobe(n_samples: usize, lines: f64, window: Window) -> Result<(), Absent> {
    let needed = window.half_width_lines() as f64;
    let beside = n_samples as f64 / 2.0 - lines;
    if beside < needed {
        return Err(Absent::NearHalfRate { lines: beside, needed });
    }
    check_place(n_samples, lines / n_samples as f64)
}

/// A harmonic with the power that the rule found for it.
fn harmonic(place: &Place, frequency_hz: f64, power: Option<f64>) -> Harmonic {
    let hidden = if power.is_none() { Some(place.hidden.unwrap_or(place.neighbour)) } else { None };
    Harmonic { order: place.order, frequency_hz, power, hidden }
}

fn taken(x: &[f64], rate: f64, window: Window) -> Result<PowerSpectrum, Absent> {
    check_samples(x)?;
    PowerSpectrum::of_whole(x, rate, window).map_err(|_| Absent::NotApplicable { needs: "at most 2^26 samples" })
}

pub(super) fn genalyzer(x: &[f64], rate: f64, window: Window, settings: &Settings) -> Result<Powers, Absent> {
    let spectrum = taken(x, rate, window)?;
    let power = spectrum.power();
    let half = window.half_width_lines();
    let tone_line = match settings.frequency_hz {
        Some(f) => ((f / spectrum.line_spacing_hz()).round() as usize).min(power.len() - 1),
        None => largest(power, |k| k > half),
    };
    check_lobe(x.len(), tone_line as f64, window)?;
    let roles = line_roles(&spectrum, tone_line, settings.highest_harmonic);
    let sum_of = |role: LineRole| power.iter().zip(&roles).filter(|(_, r)| **r == role).map(|(p, _)| p).sum::<f64>();
    let tone = sum_of(LineRole::Tone);
    let cycles = tone_line as f64 / x.len() as f64;
    let places = places(x.len(), cycles, settings.highest_harmonic, Aliased::Folded);
    let measured = |place: &Place| {
        let role = LineRole::Harmonic(place.order);
        let frequency_hz = fold(f64::from(place.order) * cycles) * rate;
        harmonic(place, frequency_hz, roles.contains(&role).then(|| sum_of(role)))
    };
    let harmonics: Vec<Harmonic> = places.iter().map(measured).collect();
    let noise = sum_of(LineRole::Noise);
    let counts = |k: usize| !matches!(roles[k], LineRole::Dc | LineRole::Tone);
    let is_far = |k: usize| k.abs_diff(tone_line) as f64 * spectrum.line_spacing_hz() >= settings.min_spur_distance_hz;
    let spur = largest(power, |k| counts(k) && is_far(k));
    let lobe = spur.saturating_sub(half)..=(spur + half).min(power.len() - 1);
    Ok(Powers {
        frequency_hz: spectrum.frequency_hz(tone_line),
        dc: x.iter().sum::<f64>() / x.len() as f64,
        tone,
        noise,
        rest: noise + Harmonic::sum(&harmonics, rate / 2.0),
        harmonics,
        spurs: Spurs {
            // The ratio of the two peak lines is what is reported.
            line: power[spur] / power[tone_line] * tone,
            sum: lobe.filter(|&k| counts(k)).map(|k| power[k]).sum(),
            frequency_hz: spectrum.frequency_hz(spur),
        },
        bandwidth_hz: rate / 2.0,
    })
}

pub(super) fn matlab(x: &[f64], rate: f64, window: Window, settings: &Settings) -> Result<Powers, Absent> {
    let spectrum = taken(x, rate, window)?;
    let enbw = spectrum.enbw_lines();
    let original = spectrum.power();
    let mut power = original.to_vec();
    // The rule doubles DC so that its lobe surely falls away from it.
    power[0] *= 2.0;
    take_out(&mut power, 0);
    let peak = match settings.frequency_hz {
        Some(f) => near_peak(&power, f / spectrum.line_spacing_hz()),
        None => largest(&power, |_| true),
    };
    let (tone, centre) = tone_at(&power, peak, enbw);
    check_lobe(x.len(), centre, window)?;
    take_out(&mut power, peak);
    let is_far = |k: usize| (k as f64 - centre).abs() * spectrum.line_spacing_hz() >= settings.min_spur_distance_hz;
    let spur = largest(&power, is_far);
    let spurs = Spurs { line: power[spur] * enbw, sum: power[spur] * enbw, frequency_hz: spectrum.frequency_hz(spur) };
    let rest = filled_with_median(&power, original);
    let mut harmonics = Vec::new();
    for place in places(x.len(), centre / x.len() as f64, settings.highest_harmonic, Aliased::Folded) {
        let lines = fold(f64::from(place.order) * centre / x.len() as f64) * x.len() as f64;
        let k = near_peak(&power, lines);
        let found = power[k] > 0.0;
        let harmonic_power = found.then(|| tone_at(&power, k, enbw).0);
        if found {
            take_out(&mut power, k);
        }
        harmonics.push(harmonic(&place, lines * spectrum.line_spacing_hz(), harmonic_power));
    }
    Ok(Powers {
        frequency_hz: centre * spectrum.line_spacing_hz(),
        dc: x.iter().sum::<f64>() / x.len() as f64,
        tone,
        noise: filled_with_median(&power, original),
        rest,
        harmonics,
        spurs,
        bandwidth_hz: rate / 2.0,
    })
}

/// Sum of the noise with the median in place of the lines taken out, but never more than was there.
fn filled_with_median(power: &[f64], original: &[f64]) -> f64 {
    let mut free: Vec<f64> = power.iter().copied().filter(|&p| p > 0.0).collect();
    if free.is_empty() {
        return 0.0;
    }
    free.sort_unstable_by(f64::total_cmp);
    let middle = free.len() / 2;
    let median = if free.len().is_multiple_of(2) { 0.5 * (free[middle - 1] + free[middle]) } else { free[middle] };
    let filled = power.iter().zip(original).map(|(&p, &o)| if p == 0.0 { median.min(o) } else { p.min(o) });
    filled.sum()
}

/// The largest of the line nearest to `lines` and its neighbours.
fn near_peak(power: &[f64], lines: f64) -> usize {
    let k = (lines.round() as usize).min(power.len() - 1);
    let around = k.saturating_sub(1)..=(k + 1).min(power.len() - 1);
    around.max_by(|&a, &b| power[a].total_cmp(&power[b]).then(b.cmp(&a))).unwrap_or(k)
}

/// The lines from a peak down both slopes to the first rise.
fn lobe_at(power: &[f64], peak: usize) -> std::ops::Range<usize> {
    let mut low = peak;
    while low > 0 && power[low - 1] <= power[low] {
        low -= 1;
    }
    let mut high = peak;
    while high + 1 < power.len() && power[high + 1] <= power[high] {
        high += 1;
    }
    low..high + 1
}

fn take_out(power: &mut [f64], peak: usize) {
    let lobe = lobe_at(power, peak);
    power[lobe].fill(0.0);
}

/// Power of the lobe around a peak, at least that of the peak line read as a tone, and its centre in lines.
fn tone_at(power: &[f64], peak: usize, enbw_lines: f64) -> (f64, f64) {
    let lobe = lobe_at(power, peak);
    let sum: f64 = power[lobe.clone()].iter().sum();
    let moment: f64 = lobe.map(|k| k as f64 * power[k]).sum();
    let read = enbw_lines * power[peak];
    if sum < read || sum <= 0.0 { (read, peak as f64) } else { (sum, moment / sum) }
}
