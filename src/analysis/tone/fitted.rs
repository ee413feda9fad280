//! The default method: fit the tone and its harmonics, subtract them, measure what is left.
//!
//! No window, no leakage, no choice: coherent or not, the residual is noise and nothing else.

use super::{
    Harmonic, Powers, Settings, Spurs,
    find::{MIN_SAMPLES, check_share, find_tone, interpolated_offset, largest},
};
use crate::analysis::{
    figure::Absent,
    sine_fit::{self, refine_frequency, step_of_residual},
    sinusoids::{Basis, Fitted, dot, fold},
    spectrum::{PowerSpectrum, Settings as SpectrumSettings, Welch},
    window::Window,
};

/// Up to this length the residual is kept, its spectrum is one frame, and the largest spur is fitted.
const WHOLE_RECORD: usize = 1 << 18;
/// Frames of the residual's spectrum in longer records.
const FRAME: usize = 1 << 16;

/// What the fit found, and the spectrum of what it left.
pub(super) struct Measured {
    pub powers: Powers,
    pub residual: PowerSpectrum,
}

pub(super) fn measure(x: &[f64], sample_rate_hz: f64, settings: &Settings) -> Result<Measured, Absent> {
    let start = match settings.frequency_hz {
        Some(frequency_hz) => {
            super::find::check_samples(x)?;
            frequency_hz / sample_rate_hz
        }
        None => find_tone(x)?,
    };
    let frequency =
        refine_frequency(x, start).map_err(|_| Absent::TooFewPeriods { periods: start * x.len() as f64 })?;
    let fit = fit_harmonics(x, frequency, settings.highest_harmonic);
    let (noise_power, residual, kept) = residual_of(x, sample_rate_hz, &fit);
    let fitted = &fit.fitted;
    let tone_power = fitted.phasors[0].amplitude().powi(2) / 2.0;
    let harmonics_power: f64 = fitted.phasors[1..].iter().map(|p| p.amplitude().powi(2) / 2.0).sum();
    check_share(x.len(), tone_power, noise_power + harmonics_power)?;
    let bandwidth_hz = settings.bandwidth_hz.unwrap_or(f64::INFINITY).min(sample_rate_hz / 2.0);
    let harmonics = harmonics(&fit, sample_rate_hz, settings.highest_harmonic);
    let spurs = spurs(&residual, kept.as_deref(), bandwidth_hz);
    let noise = noise_power * share_in_band(&residual, bandwidth_hz);
    let powers = Powers {
        frequency_hz: fit.frequency * sample_rate_hz,
        dc: fitted.dc,
        tone: tone_power,
        noise,
        rest: noise + Harmonic::sum(&harmonics, bandwidth_hz),
        harmonics,
        spurs,
        bandwidth_hz,
    };
    Ok(Measured { powers, residual })
}

/// A fit of DC, tone and harmonics.
struct ToneFit {
    n: usize,
    frequency: f64,
    orders: Vec<u32>,
    basis: Basis,
    fitted: Fitted,
}

/// Fits DC, tone and every harmonic that has a frequency of its own.
fn fit_harmonics(x: &[f64], start: f64, highest: u32) -> ToneFit {
    if x.len() > WHOLE_RECORD {
        return fit_at(x, start, highest);
    }
    let n = x.len() as f64;
    let mut frequency = start;
    // Harmonics pull the frequency of a short record by parts of a line; each round divides that pull by about n.
    for _ in 0..2 {
        let fit = fit_at(x, frequency, highest);
        frequency += step_of_residual(x, 0, &fit.basis, &fit.fitted).clamp(-0.1 / n, 0.1 / n);
    }
    let fit = fit_at(x, frequency, highest);
    if is_coherent(x, &fit) { fit_at(x, (frequency * n).round() / n, highest) } else { fit }
}

fn fit_at(x: &[f64], frequency: f64, highest: u32) -> ToneFit {
    let orders = resolved_orders(x.len(), frequency, highest);
    let cycles: Vec<f64> = orders.iter().map(|&k| snapped_to_half(x.len(), f64::from(k) * frequency)).collect();
    let basis = Basis::new(x.len(), &cycles);
    let fitted = basis.fit(x);
    ToneFit { n: x.len(), frequency, orders, basis, fitted }
}

/// Whether the frequency can't be told from a whole number of periods in the record: it lies within three standard
/// deviations of what a fit can reach. There harmonics and noise are orthogonal, and the exact line is better.
///
/// Of N samples, tone power P, noise power s^2, the bound is `sqrt(3 s^2 / (P N)) / pi` lines (Rife, Boorstyn,
/// "Single tone parameter estimation from discrete-time observations", 1974, eq. 23, for a real tone).
fn is_coherent(x: &[f64], fit: &ToneFit) -> bool {
    let n = x.len() as f64;
    let mut energy = 0.0;
    fit.basis.residual_blocks(x, &fit.fitted, |r| energy += dot(r, r));
    let power = fit.fitted.phasors[0].amplitude().powi(2) / 2.0;
    let bound_lines = (3.0 * energy / n / (power * n)).sqrt() / std::f64::consts::PI;
    let lines = fit.frequency * n;
    (lines - lines.round()).abs() < 3.0 * bound_lines
}

/// A harmonic within a hundredth of a line of half the rate is there: its one column is then well defined.
fn snapped_to_half(n: usize, cycles: f64) -> f64 {
    if 0.5 - fold(cycles) < 0.01 / n as f64 { 0.5 } else { cycles }
}

/// Orders from 1 whose folded frequencies lie at least a line from DC, from half the rate (or on it) and from all
/// before them.
fn resolved_orders(n: usize, frequency: f64, highest: u32) -> Vec<u32> {
    let line = 0.999 / n as f64;
    let mut orders = vec![1];
    let mut taken = vec![0.0, frequency];
    for order in 2..=highest {
        let folded = fold(snapped_to_half(n, f64::from(order) * frequency));
        let near_half = 0.5 - folded < line && folded < 0.5;
        if !near_half && taken.iter().all(|t| (t - folded).abs() >= line) {
            taken.push(folded);
            orders.push(order);
        }
    }
    orders
}

fn harmonics(fit: &ToneFit, sample_rate_hz: f64, highest: u32) -> Vec<Harmonic> {
    let frequency = fit.frequency;
    let of_order = |order: u32| {
        let place = fit.orders.iter().position(|&o| o == order);
        let power = place.map(|i| {
            let amplitude_squared = fit.fitted.phasors[i].amplitude().powi(2);
            // At half the rate the one column has the mean square of its amplitude, elsewhere half of it.
            let at_half = snapped_to_half(fit.n, f64::from(order) * frequency) == 0.5;
            if at_half { amplitude_squared } else { amplitude_squared / 2.0 }
        });
        Harmonic { order, frequency_hz: fold(f64::from(order) * frequency) * sample_rate_hz, power }
    };
    (2..=highest).map(of_order).collect()
}

/// Mean square of the residual, its spectrum, and its samples when the record is short.
fn residual_of(x: &[f64], rate: f64, fit: &ToneFit) -> (f64, PowerSpectrum, Option<Vec<f64>>) {
    let n = x.len();
    let whole = n <= WHOLE_RECORD;
    let n_fft = if whole { n } else { FRAME };
    let window = if whole { Window::BlackmanHarris4 } else { Window::Hann };
    let settings = SpectrumSettings { n_fft, hop: n_fft, window };
    let mut welch = Welch::new(rate, settings).expect("lengths and rate were checked");
    let mut kept = Vec::with_capacity(if whole { n } else { FRAME });
    let mut energy = 0.0;
    fit.basis.residual_blocks(x, &fit.fitted, |r| {
        energy += dot(r, r);
        kept.extend_from_slice(r);
        // Frames are handed on whole, so that the averager copies nothing.
        if !whole && kept.len() == FRAME {
            welch.push(&kept);
            kept.clear();
        }
    });
    if whole {
        welch.push(&kept);
    }
    let spectrum = welch.finish().expect("one frame at least");
    (energy / n as f64, spectrum, whole.then_some(kept))
}

/// The part of the residual's power that lies below `bandwidth_hz`.
fn share_in_band(residual: &PowerSpectrum, bandwidth_hz: f64) -> f64 {
    if bandwidth_hz >= residual.sample_rate_hz() / 2.0 {
        return 1.0;
    }
    let total: f64 = residual.power().iter().sum();
    let n_lines = (bandwidth_hz / residual.line_spacing_hz()).floor() as usize + 1;
    let inside: f64 = residual.power().iter().take(n_lines).sum();
    if total > 0.0 { inside / total } else { 1.0 }
}

/// The largest component that is neither tone nor harmonic: as a spectral line, and fitted where that is possible.
fn spurs(residual: &PowerSpectrum, kept: Option<&[f64]>, bandwidth_hz: f64) -> Spurs {
    let power = residual.power();
    let peak = largest(power, |k| residual.frequency_hz(k) <= bandwidth_hz && 2 * k < residual.settings().n_fft);
    let line = power[peak] * residual.enbw_lines();
    let fitted = kept.filter(|r| r.len() >= MIN_SAMPLES).and_then(|r| {
        let lines = peak as f64 + interpolated_offset(power, peak);
        sine_fit::fit(r, lines / r.len() as f64).ok().map(|f| (f.amplitude.powi(2) / 2.0, f.cycles_per_sample))
    });
    let (sum, cycles) = fitted.unwrap_or((line, peak as f64 / residual.settings().n_fft as f64));
    Spurs { line, sum, frequency_hz: cycles * residual.sample_rate_hz() }
}
