//! The default method: fit the tone and its harmonics, subtract them, measure what is left.
//!
//! No window, no leakage, no choice: coherent or not, the residual is noise and nothing else.

use super::{
    Settings,
    close_tones::{check_steady, close_tones},
    figures::{Powers, Spurs},
    find::{
        MIN_SAMPLES, SECOND_TONE_DB, check_margin, check_place, check_share, find_tone, interpolated_offset, largest,
    },
    harmonics::{Harmonic, Hidden, Place, places},
};
use crate::analysis::{
    figure::Absent,
    sine_fit::{self, refine_frequency, step_of_residual},
    sinusoids::{Basis, Fitted, angle, dot, fold, turn},
    spectrum::{PowerSpectrum, Settings as SpectrumSettings, Welch},
    window::Window,
};

/// Up to this length the frequency is refined beside the harmonics, and the residual's spectrum is one frame of all;
/// frames of the longest records are as long.
const SHORT_RECORD: usize = 1 << 18;
/// Up to this length the residual is kept and the largest spur is fitted.
const WHOLE_RECORD: usize = 1 << 20;
/// A harmonic less than this many lines from the tone takes part of it: the tone's level is then that of both.
const ONE_WITH_TONE: f64 = 0.3;
/// Components nearer to one another are measured together.
const LEAST_LINES_APART: f64 = 2.0;
/// Of a signal with a spur less than this below the tone, half must be tone and harmonics.
const MUSIC_SPUR_DB: f64 = 20.0;

/// What the fit found, and the spectrum of what it left.
pub(super) struct Measured {
    pub powers: Powers,
    pub residual: PowerSpectrum,
}

pub(super) fn measure(x: &[f64], sample_rate_hz: f64, settings: &Settings) -> Result<Measured, Absent> {
    let frequency = find_frequency(x, sample_rate_hz, settings)?;
    let fit = fit_harmonics(x, frequency, settings);
    let n_free = x.len().saturating_sub(fit.n_parameters());
    if n_free == 0 {
        return Err(Absent::TooShort { n_samples: x.len(), needed: fit.n_parameters() + 1 });
    }
    let (energy, residual, kept) = residual_of(x, sample_rate_hz, &fit);
    // Each parameter takes the noise of one sample away: what is left stands for the others.
    let noise_power = energy / n_free as f64;
    let tone_power = fit.tone_power(x);
    let harmonics = fit.harmonics(sample_rate_hz);
    let all_harmonics: f64 = harmonics.iter().filter_map(|h| h.power).sum();
    check_share(x.len(), tone_power, noise_power + all_harmonics)?;
    let bandwidth_hz = settings.bandwidth_hz.unwrap_or(f64::INFINITY).min(sample_rate_hz / 2.0);
    let is_spur =
        |hz: f64| hz <= bandwidth_hz && (hz - fit.frequency * sample_rate_hz).abs() >= settings.min_spur_distance_hz;
    let spurs = spurs(&residual, kept.as_deref(), is_spur);
    if settings.frequency_hz.is_none() {
        let powers = [tone_power, all_harmonics, noise_power];
        check_one_tone(&residual, powers, fit.frequency, spurs)?;
        check_steady(x, fit.frequency, tone_power, noise_power)?;
    }
    let share = share_in_band(&residual, bandwidth_hz);
    let powers = Powers {
        frequency_hz: fit.frequency * sample_rate_hz,
        dc: fit.dc(x),
        tone: tone_power,
        noise: noise_power * share,
        rest: fit.noise_and_distortion(x, noise_power, share, Harmonic::sum(&harmonics, bandwidth_hz)),
        harmonics,
        spurs,
        bandwidth_hz,
    };
    Ok(Measured { powers, residual })
}

/// Frequency of the tone alone, cycles per sample.
fn find_frequency(x: &[f64], sample_rate_hz: f64, settings: &Settings) -> Result<f64, Absent> {
    let start = match settings.frequency_hz {
        Some(frequency_hz) => {
            super::find::check_samples(x)?;
            frequency_hz / sample_rate_hz
        }
        None => find_tone(x)?,
    };
    check_place(x.len(), start)?;
    if settings.frequency_hz.is_none()
        && let Some((_, difference_db)) = close_tones(x, start)
    {
        return Err(Absent::SeveralTones { difference_db });
    }
    let frequency = refine_frequency(x, start).map_err(|_| Absent::FitLost { cycles_per_sample: start })?;
    check_place(x.len(), frequency)?;
    Ok(frequency)
}

/// Refuses a second tone of about the level of the first, and a signal of which the most is neither the tone with its
/// harmonics nor noise.
fn check_one_tone(
    residual: &PowerSpectrum,
    [tone, harmonics, rest]: [f64; 3],
    frequency: f64,
    spurs: Spurs,
) -> Result<(), Absent> {
    let spur_line = (spurs.frequency_hz / residual.line_spacing_hz()).round() as usize;
    let is_noise = check_margin(residual.power(), spur_line.min(residual.power().len() - 1)).is_err();
    let lines = |order: f64| fold(order * frequency) * residual.settings().n_fft as f64;
    let is_harmonic = [2.0, 3.0].iter().any(|&order| (lines(order) - spur_line as f64).abs() < 2.0);
    if is_noise || is_harmonic {
        return Ok(());
    }
    let difference_db = 10.0 * (tone / spurs.sum.max(f64::MIN_POSITIVE)).log10();
    let share = (tone + harmonics) / (tone + harmonics + rest);
    if share < 0.5 && difference_db < MUSIC_SPUR_DB {
        return Err(Absent::NotOneTone { share });
    }
    if difference_db < SECOND_TONE_DB {
        return Err(Absent::SeveralTones { difference_db: difference_db.abs() });
    }
    Ok(())
}

/// A fit of DC, tone and harmonics.
struct ToneFit {
    n: usize,
    frequency: f64,
    places: Vec<Place>,
    basis: Basis,
    fitted: Fitted,
}

/// Fits DC, tone and every harmonic that has a frequency of its own.
fn fit_harmonics(x: &[f64], start: f64, settings: &Settings) -> ToneFit {
    if x.len() > SHORT_RECORD {
        return ToneFit::at(x, start, settings);
    }
    let n = x.len() as f64;
    let mut frequency = start;
    // Harmonics pull the frequency of a short record by parts of a line; each round divides that pull by about n.
    for _ in 0..2 {
        let fit = ToneFit::at(x, frequency, settings);
        frequency += fit.frequency_step(x).clamp(-0.1 / n, 0.1 / n);
    }
    let fit = ToneFit::at(x, frequency, settings);
    if is_coherent(x, &fit) { ToneFit::at(x, (frequency * n).round() / n, settings) } else { fit }
}

impl ToneFit {
    fn at(x: &[f64], frequency: f64, settings: &Settings) -> Self {
        let places = places(x.len(), frequency, settings.highest_harmonic, settings.aliased);
        let fitted_places = places.iter().filter(|place| place.is_fitted).map(|place| place.cycles);
        let cycles: Vec<f64> = std::iter::once(frequency).chain(fitted_places).collect();
        let basis = Basis::new(x.len(), &cycles);
        let fitted = basis.fit(x);
        Self { n: x.len(), frequency, places, basis, fitted }
    }

    /// The step of Gauss and Newton in the frequency of the tone.
    fn frequency_step(&self, x: &[f64]) -> f64 {
        match self.places.iter().any(|place| place.is_fitted && place.hidden.is_some()) {
            true => self.step_beside_harmonics(x),
            false => step_of_residual(x, 0, &self.basis, &self.fitted),
        }
    }

    /// The same where a harmonic within a line takes part of what the derivative would explain: the derivative of tone and
    /// harmonics together is projected out of all columns before the residual is held against it (variable projection).
    ///
    /// Source: G. H. Golub, V. Pereyra, "The differentiation of pseudo-inverses and nonlinear least squares problems whose
    /// variables separate", 1973.
    fn step_beside_harmonics(&self, x: &[f64]) -> f64 {
        let middle = (self.n as f64 - 1.0) / 2.0;
        let slope = |i: usize| {
            let m = i as f64 - middle;
            let of_column = |(column, order): (usize, f64)| {
                let (sine, cosine) = angle(turn(self.basis.cycles_per_sample(column), m)).sin_cos();
                let phasor = self.fitted.phasors[column];
                order * (phasor.sine * cosine - phasor.cosine * sine)
            };
            angle(m) * self.orders().map(of_column).sum::<f64>()
        };
        let slopes: Vec<f64> = (0..self.n).map(slope).collect();
        let projected = self.basis.fit(&slopes);
        let (mut own, mut residual) = (0.0, Vec::with_capacity(self.n));
        self.basis.residual_blocks(&slopes, &projected, |d| own += dot(d, d));
        self.basis.residual_blocks(x, &self.fitted, |r| residual.extend_from_slice(r));
        if own > 0.0 { dot(&residual, &slopes) / own } else { 0.0 }
    }

    /// Columns with the factor by which their frequency follows that of the tone: the order, negative where it is folded back.
    fn orders(&self) -> impl Iterator<Item = (usize, f64)> {
        let harmonics = self.columns().map(|(place, column)| {
            let unfolded = f64::from(place.order) * self.frequency;
            let direction = if place.cycles == 0.5 { 0.0 } else { (unfolded - unfolded.round()).signum() };
            (column, f64::from(place.order) * direction)
        });
        std::iter::once((0, 1.0)).chain(harmonics)
    }

    /// The harmonics that are fitted, with their phasors' places.
    fn columns(&self) -> impl Iterator<Item = (&Place, usize)> {
        self.places.iter().filter(|place| place.is_fitted).zip(1..)
    }

    /// Free parameters: DC, three of the tone, and two of each harmonic, at half the rate one.
    fn n_parameters(&self) -> usize {
        4 + self.columns().map(|(place, _)| if place.cycles == 0.5 { 1 } else { 2 }).sum::<usize>()
    }

    /// Mean square of all but DC and the tone in the band, which holds a share of the noise and `told` of the harmonics.
    fn noise_and_distortion(&self, x: &[f64], noise_power: f64, share: f64, told: f64) -> f64 {
        if self.is_crowded() {
            return self.power_beside_tone(x) - noise_power * (1.0 - share);
        }
        // The noise in the harmonics' columns is counted among the noise already.
        let in_columns = 2.0 * self.columns().count() as f64 * noise_power / self.n as f64;
        noise_power * share + told - in_columns
    }

    /// Whether components lie so near to one another that their powers do not add up to that of their sum.
    fn is_crowded(&self) -> bool {
        let mut cycles: Vec<f64> = [0.0, self.frequency, 0.5].into();
        cycles.extend(self.columns().map(|(place, _)| place.cycles).filter(|&cycles| cycles != 0.5));
        cycles.sort_by(f64::total_cmp);
        let nearest = cycles.windows(2).map(|pair| pair[1] - pair[0]).fold(f64::INFINITY, f64::min);
        nearest * (self.n as f64) < LEAST_LINES_APART
    }

    /// Mean square of what the four-parameter fit of DC and the tone alone leaves, over the samples less these.
    fn power_beside_tone(&self, x: &[f64]) -> f64 {
        let n = self.n as f64;
        sine_fit::fit(x, self.frequency).map_or(0.0, |fit| fit.residual_rms.powi(2) * n / (n - 4.0))
    }

    fn column_power(&self, column: usize) -> f64 {
        self.fitted.phasors[column].amplitude().powi(2) / 2.0
    }

    /// Mean square of the tone, with what cannot be told from it.
    fn tone_power(&self, x: &[f64]) -> f64 {
        let lines = |place: &Place| (place.cycles - self.frequency).abs() * self.n as f64;
        if self.columns().all(|(place, _)| lines(place) >= ONE_WITH_TONE) {
            return self.column_power(0);
        }
        let others = self.columns().filter(|(place, _)| lines(place) >= ONE_WITH_TONE).map(|(place, _)| place.cycles);
        let cycles: Vec<f64> = std::iter::once(self.frequency).chain(others).collect();
        Basis::new(self.n, &cycles).fit(x).phasors[0].amplitude().powi(2) / 2.0
    }

    /// Mean of the record; of the fit where no harmonic lies on DC.
    fn dc(&self, x: &[f64]) -> f64 {
        match self.places.iter().any(|place| place.hidden == Some(Hidden::Dc)) {
            true => x.iter().sum::<f64>() / x.len() as f64,
            false => self.fitted.dc,
        }
    }

    fn harmonics(&self, sample_rate_hz: f64) -> Vec<Harmonic> {
        let power_of =
            |order: u32| self.columns().find(|(place, _)| place.order == order).map(|(_, i)| self.column_power(i));
        let of_place = |place: &Place| Harmonic {
            order: place.order,
            frequency_hz: fold(f64::from(place.order) * self.frequency) * sample_rate_hz,
            power: if place.hidden.is_none() { power_of(place.order) } else { None },
            hidden: place.hidden,
        };
        self.places.iter().map(of_place).collect()
    }
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

/// Energy of the residual, its spectrum, and its samples when the record is short.
fn residual_of(x: &[f64], rate: f64, fit: &ToneFit) -> (f64, PowerSpectrum, Option<Vec<f64>>) {
    let n_fft = frame_length(x.len());
    let settings = SpectrumSettings { n_fft, hop: n_fft, window: Window::BlackmanHarris4 };
    let mut welch = Welch::new(rate, settings).expect("lengths and rate were checked");
    let is_whole = x.len() <= WHOLE_RECORD;
    let mut kept = Vec::with_capacity(if is_whole { x.len() } else { 0 });
    let mut energy = 0.0;
    fit.basis.residual_blocks(x, &fit.fitted, |r| {
        energy += dot(r, r);
        match is_whole {
            true => kept.extend_from_slice(r),
            false => welch.push(r),
        }
    });
    welch.push(&kept);
    let spectrum = welch.finish().expect("one frame at least");
    (energy, spectrum, is_whole.then_some(kept))
}

/// The record's length, up to 2^18; up to 2^20 the greatest number below that has no prime factor above 5, so that its
/// transform takes no longer than its size asks for; then 2^18.
fn frame_length(n: usize) -> usize {
    if n <= SHORT_RECORD || n > WHOLE_RECORD {
        return n.min(SHORT_RECORD);
    }
    let is_smooth = |n: &usize| {
        let without = |mut n: usize, factor: usize| {
            while n.is_multiple_of(factor) {
                n /= factor;
            }
            n
        };
        without(without(without(*n, 2), 3), 5) == 1
    };
    (SHORT_RECORD..=n).rev().find(is_smooth).unwrap_or(SHORT_RECORD)
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
fn spurs(residual: &PowerSpectrum, kept: Option<&[f64]>, is_spur: impl Fn(f64) -> bool) -> Spurs {
    let power = residual.power();
    let n_fft = residual.settings().n_fft;
    let peak = largest(power, |k| is_spur(residual.frequency_hz(k)) && 2 * k < n_fft);
    let line = if is_spur(residual.frequency_hz(peak)) { power[peak] * residual.enbw_lines() } else { 0.0 };
    let cycles = (peak as f64 + interpolated_offset(power, peak)) / n_fft as f64;
    let fitted = kept
        .filter(|r| r.len() >= MIN_SAMPLES && line > 0.0)
        .and_then(|r| sine_fit::fit(r, cycles).ok().map(|f| (f.amplitude.powi(2) / 2.0, f.cycles_per_sample)));
    let (sum, cycles) = fitted.unwrap_or((lobe_above_floor(residual, peak).max(line), cycles));
    Spurs { line, sum, frequency_hz: cycles * residual.sample_rate_hz() }
}

/// Power of the lines under the lobe around a peak, less what the lines beside it say is noise.
fn lobe_above_floor(spectrum: &PowerSpectrum, peak: usize) -> f64 {
    let power = spectrum.power();
    let half = spectrum.settings().window.half_width_lines();
    let around = |width: usize| peak.saturating_sub(width)..=(peak + width).min(power.len() - 1);
    let mut beside: Vec<f64> = around(8 * half).filter(|k| k.abs_diff(peak) > half).map(|k| power[k]).collect();
    beside.sort_unstable_by(f64::total_cmp);
    let floor = beside.get(beside.len() / 2).copied().unwrap_or(0.0);
    around(half).map(|k| power[k] - floor).sum::<f64>().max(0.0)
}
