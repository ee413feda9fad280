//! Noise shaping that follows what the signal hides: a filter for every hop, from the mask of the samples around it.
//!
//! ```text
//! x -> frames -> mask M_b of each Bark band -> w = mean over the frames that cover the hop of 1 / M
//!   -> W(f) = sum_b w_b hat_b(f) -> least weighted noise within the limit on the total -> taps of this hop
//! ```
//!
//! The noise that counts is error over mask, so the weighting is one over the mask. A hop lies in several frames, and a quiet
//! one before an attack counts most there: the weights add, not the masks. The autocorrelation of W is a sum of tables,
//! one for each band.
//!
//! From hop to hop the taps are cross-faded: as N(z) has no poles, nothing can ring or run away, and what is between two
//! filters within the limit is within the limit (the sum of squares is convex).
//!
//! Sources: [`crate::hearing::masking`]; design as in [`super::shaper_design`]; the idea of noise shaped to the signal's own mask:
//! D. De Koning, W. Verhelst, On psychoacoustic noise shaping for audio requantization, ICASSP 2003.

use std::{collections::VecDeque, f64::consts::TAU, sync::Arc};

use rustfft::{Fft, FftPlanner, num_complex::Complex64};

use super::prediction::{energy, error_filter, least_lambda};
use super::shaper_design::MAX_SHAPER_ORDER;
use crate::hearing::bark::bark;
use crate::hearing::masking::{BarkMask, threshold_in_quiet};
use crate::{Error, Result};

/// Samples of a frame, and from one to the next.
const FRAME: usize = 2048;
const HOP: usize = 512;
/// Samples for which the taps stay: a sixteenth of the cross-fade.
pub(super) const FADE_STEP: usize = 32;
/// Points of the frequency grid of the weights' tables.
const N_GRID: usize = 4096;
/// Halvings of lambda's 23 decades: to a thousandth of one.
const N_HALVINGS: u32 = 15;

/// What an adaptive noise shaper shall do.
///
/// ```
/// use sqnr::{quantizer::Uniform, shaping::{AdaptiveSpec, Requantizer, RequantizerOptions, Shaper}};
///
/// let shaper = Some(Shaper::Adaptive(AdaptiveSpec { order: 16, ..AdaptiveSpec::default() }));
/// let options = RequantizerOptions { shaper, ..RequantizerOptions::default() };
/// let requantizer = Requantizer::new(std::sync::Arc::new(Uniform::mid_tread(8)?), options)?;
/// // It hears samples before it quantizes them.
/// assert_eq!(requantizer.look_ahead(), AdaptiveSpec::LOOK_AHEAD);
/// # Ok::<(), sqnr::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AdaptiveSpec {
    /// Sample rate, Hz.
    pub sample_rate_hz: f64,
    /// Number of coefficients, 1 to 64.
    pub order: usize,
    /// Most noise in all, unweighted, in dB over white requantization noise.
    pub max_total_noise_db: f64,
}

impl AdaptiveSpec {
    /// Samples that the shaper wants to know in advance: see
    /// [`Requantizer::show_ahead`](super::Requantizer::show_ahead).
    pub const LOOK_AHEAD: usize = FRAME / 2 + 3 * HOP;
}

impl Default for AdaptiveSpec {
    /// 48 kHz, order 32, 24 dB: those of [`ShaperSpec`](super::shaper_design::ShaperSpec).
    fn default() -> Self {
        Self { sample_rate_hz: 48_000.0, order: 32, max_total_noise_db: 24.0 }
    }
}

/// What all channels share.
pub(super) struct Designer {
    mask: BarkMask,
    /// Autocorrelation at lags 0 to the order of each band's part of the weights.
    tables: Vec<Vec<f64>>,
    order: usize,
    limit: f64,
    window: Vec<f64>,
    fft: Arc<dyn Fft<f64>>,
}

impl std::fmt::Debug for Designer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Designer").field("order", &self.order).field("limit", &self.limit).finish_non_exhaustive()
    }
}

impl Designer {
    /// # Errors
    /// `InvalidParameter` for a sample rate outside 1 Hz to 100 MHz, an order outside 1 to 64, a limit outside 0 to 300 dB.
    pub(super) fn new(spec: &AdaptiveSpec) -> Result<Self> {
        if !(1..=MAX_SHAPER_ORDER).contains(&spec.order) {
            return Err(Error::invalid("shaper order", spec.order, format!("1 to {MAX_SHAPER_ORDER}")));
        }
        if !(1.0..=1e8).contains(&spec.sample_rate_hz) {
            return Err(Error::invalid("sample rate", spec.sample_rate_hz, "1 Hz to 100 MHz"));
        }
        if !(0.0..=300.0).contains(&spec.max_total_noise_db) {
            return Err(Error::invalid("limit on the total noise", spec.max_total_noise_db, "0 to 300 dB"));
        }
        let mask = BarkMask::new(spec.sample_rate_hz, FRAME);
        let tables = (0..mask.n_bands()).map(|b| table(b, mask.n_bands(), spec)).collect();
        Ok(Self {
            mask,
            tables,
            order: spec.order,
            limit: 10f64.powf(spec.max_total_noise_db / 10.0),
            window: (0..FRAME).map(|i| 0.5 - 0.5 * (TAU * i as f64 / FRAME as f64).cos()).collect(),
            fft: FftPlanner::new().plan_fft_forward(FRAME),
        })
    }

    /// One over the mask in each band of a frame.
    fn weights(&self, frame: impl Iterator<Item = f64>) -> Vec<f64> {
        let mut spectrum: Vec<Complex64> = frame.zip(&self.window).map(|(x, w)| Complex64::new(x * w, 0.0)).collect();
        self.fft.process(&mut spectrum);
        let power: Vec<f64> = spectrum[..=FRAME / 2].iter().map(Complex64::norm_sqr).collect();
        self.mask.mask(&self.mask.band_powers(&power)).iter().map(|m| 1.0 / m).collect()
    }

    /// Taps h[1..] of the filter of least noise under the weights of the bands.
    fn taps(&self, weights: &[f64]) -> Vec<f64> {
        let mut r = vec![0.0; self.order + 1];
        for (table, weight) in self.tables.iter().zip(weights) {
            r.iter_mut().zip(table).for_each(|(r, t)| *r += weight * t);
        }
        let mean = r[0];
        r.iter_mut().for_each(|r| *r /= mean);
        let lambda = least_lambda(self.limit, N_HALVINGS, |lambda| energy(&error_filter(&r, lambda)));
        error_filter(&r, lambda)[1..].to_vec()
    }
}

/// Autocorrelation of the part of the weights that band `band` of `n_bands` stands for: 1 at the band's centre, falling
/// along the Bark scale to 0 at its neighbours'; flat below the first centre, and above the last falling as hearing does.
fn table(band: usize, n_bands: usize, spec: &AdaptiveSpec) -> Vec<f64> {
    let top_hz = BarkMask::centre_hz(n_bands - 1);
    let part = |i: usize| {
        let hz = (i as f64 + 0.5) * spec.sample_rate_hz / 2.0 / N_GRID as f64;
        let place = (bark(hz) - 0.5).max(0.0);
        if place <= (n_bands - 1) as f64 {
            return (1.0 - (place - band as f64).abs()).max(0.0);
        }
        let fall = (threshold_in_quiet(top_hz) / threshold_in_quiet(hz)).clamp(1e-8, 1.0);
        if band + 1 == n_bands { fall } else { 0.0 }
    };
    let parts: Vec<f64> = (0..N_GRID).map(part).collect();
    let lag = |k: usize| {
        let step = TAU / 2.0 / N_GRID as f64 * k as f64;
        parts.iter().enumerate().map(|(i, p)| p * ((i as f64 + 0.5) * step).cos()).sum::<f64>() / N_GRID as f64
    };
    (0..=spec.order).map(lag).collect()
}

/// The filters of one channel, along its samples. Frame and filter k stand for the sample k `HOP`.
#[derive(Debug, Clone)]
pub(super) struct FilterTrack {
    designer: Arc<Designer>,
    /// The last samples of the frames to come.
    past: VecDeque<f64>,
    /// Samples until the next frame is whole.
    wanted: usize,
    /// Weights of the frame before the last and of the last.
    weights: VecDeque<Vec<f64>>,
    /// Filters from the one in use on.
    filters: VecDeque<Vec<f64>>,
    /// Samples since the first of `filters`.
    age: usize,
}

impl FilterTrack {
    pub(super) fn new(designer: &Arc<Designer>) -> Self {
        Self {
            designer: designer.clone(),
            past: std::iter::repeat_n(0.0, FRAME / 2).collect(),
            wanted: FRAME / 2,
            weights: VecDeque::new(),
            filters: VecDeque::new(),
            age: 0,
        }
    }

    pub(super) fn reset(&mut self) {
        *self = Self::new(&self.designer);
    }

    /// Takes samples in, full scale 1.0; what is not finite counts as 0.
    pub(super) fn show_ahead(&mut self, x: &[f64]) {
        for &x in x {
            self.past.push_back(if x.is_finite() { x.clamp(-16.0, 16.0) } else { 0.0 });
            self.wanted -= 1;
            if self.wanted == 0 {
                self.next_frame();
                self.wanted = HOP;
                self.past.drain(..HOP);
            }
        }
    }

    /// Once a frame is whole, the filter of the one before is settled.
    fn next_frame(&mut self) {
        let new = self.designer.weights(self.past.iter().copied());
        let Some(last) = self.weights.back() else {
            self.weights.extend([new.clone(), new]);
            return;
        };
        // Squares of the frames' windows at the hop: (1/2)^2, 1, (1/2)^2.
        let around: Vec<f64> =
            self.weights[0].iter().zip(last).zip(&new).map(|((a, b), c)| 0.25 * a + b + 0.25 * c).collect();
        self.filters.push_back(self.designer.taps(&around));
        self.weights.pop_front();
        self.weights.push_back(new);
    }

    /// The taps for the next `n` samples, at most to the end of a step of the cross-fade; how many of them they are for.
    /// What was not shown keeps the last filter; none at all leaves the noise white.
    pub(super) fn next_taps(&mut self, n: usize) -> (Vec<f64>, usize) {
        while self.age >= HOP && self.filters.len() > 1 {
            self.filters.pop_front();
            self.age -= HOP;
        }
        let step_start = self.age / FADE_STEP * FADE_STEP;
        let n = n.min(step_start + FADE_STEP - self.age);
        self.age += n;
        let taps = match (self.filters.front(), self.filters.get(1)) {
            (Some(from), Some(to)) => {
                let share = step_start as f64 / HOP as f64;
                from.iter().zip(to).map(|(a, b)| a + share * (b - a)).collect()
            }
            (Some(only), None) => only.clone(),
            (None, _) => Vec::new(),
        };
        (taps, n)
    }
}

#[cfg(test)]
mod tests {
    use super::super::shaper_design::{self, ShaperSpec};
    use super::super::{Dither, ErrorFilter, Requantizer, RequantizerOptions, Shaper};
    use super::*;
    use crate::analysis::masking::noise_to_mask;
    use crate::quantizer::Uniform;

    const RATE_HZ: f64 = 48_000.0;

    fn requantizer(shaper: Shaper, bits: u32) -> Requantizer {
        let quantizer = Arc::new(Uniform::mid_tread(bits).expect("legal"));
        let options = RequantizerOptions { dither: Dither::Triangular, shaper: Some(shaper), seed: 3 };
        Requantizer::new(quantizer, options).expect("uniform")
    }

    fn adaptive() -> Shaper {
        Shaper::Adaptive(AdaptiveSpec::default())
    }

    /// Quantizes in blocks of `block`, each shown in time, as a reader of files does.
    fn run(shaper: Shaper, x: &[f64], block: usize) -> Vec<f64> {
        run_at(8, shaper, x, block)
    }

    fn run_at(bits: u32, shaper: Shaper, x: &[f64], block: usize) -> Vec<f64> {
        let mut chain = requantizer(shaper, bits);
        let mut padded = x.to_vec();
        padded.resize(x.len() + chain.look_ahead(), 0.0);
        let (mut indices, mut y) = (vec![0; x.len()], vec![0.0; x.len()]);
        let mut shown = 0;
        for start in (0..x.len()).step_by(block) {
            let end = x.len().min(start + block);
            chain.show_ahead(0, &padded[shown..end + chain.look_ahead()]);
            shown = end + chain.look_ahead();
            chain.process(0, start as u64, &x[start..end], &mut indices[start..end], &mut y[start..end]);
        }
        y
    }

    /// A low chord, then a high tone with a sharp attack, then silence.
    fn signal() -> Vec<f64> {
        let sample = |i: usize| {
            let t = i as f64 / RATE_HZ;
            let tone = |hz: f64| (TAU * hz * t).sin();
            match i {
                0..24_000 => 0.2 * (tone(220.0) + tone(277.0) + tone(330.0)),
                24_000..48_000 => 0.5 * tone(5000.0) * (-(t - 0.5) * 8.0).exp(),
                _ => 0.0,
            }
        };
        (0..60_000).map(sample).collect()
    }

    fn fixed() -> Shaper {
        let design = shaper_design::design(&ShaperSpec::default()).expect("legal");
        ErrorFilter::from_feedback(&design.feedback()).expect("designed").into()
    }

    #[test]
    fn noise_hides_better_than_under_a_fixed_filter() {
        let x = signal();
        for part in [0..24_000, 24_000..48_000] {
            let nmr = |y: &[f64]| {
                noise_to_mask(&x[part.clone()], &y[part.clone()], RATE_HZ).expect("legal").nmr_db.expect("an error")
            };
            let (ours, theirs) = (nmr(&run(adaptive(), &x, 4096)), nmr(&run(fixed(), &x, 4096)));
            assert!(ours < theirs - 3.0, "{part:?}: {ours} {theirs}");
        }
    }

    #[test]
    fn blocks_do_not_matter() {
        let x = &signal()[20_000..28_000];
        let whole = run(adaptive(), x, x.len());
        assert!(whole == run(adaptive(), x, 777) && whole == run(adaptive(), x, 31));
    }

    #[test]
    fn every_filter_is_within_the_limit_and_fades_into_the_next() {
        let spec = AdaptiveSpec { max_total_noise_db: 12.0, ..AdaptiveSpec::default() };
        let designer = Arc::new(Designer::new(&spec).expect("legal"));
        let mut track = FilterTrack::new(&designer);
        track.show_ahead(&signal());
        let mut last: Option<Vec<f64>> = None;
        let (mut least, mut done) = (f64::INFINITY, 0);
        while done < 55_000 {
            let (taps, n) = track.next_taps(1000);
            assert!(n == FADE_STEP);
            done += n;
            let total = 1.0 + energy(&taps);
            assert!(total <= 10f64.powf(1.2) + 1e-9, "{total}");
            least = least.min(total);
            if let Some(last) = last {
                let change: f64 = last.iter().zip(&taps).map(|(a, b)| (a - b) * (a - b)).sum();
                // A sixteenth of the way between two filters of at most 12 dB each: at most 2 sqrt(15.8) / 16.
                assert!(change.sqrt() <= 0.5, "{change}");
            }
            last = Some(taps);
        }
        assert!(least > 2.0, "{least}");
    }

    /// The amplitude of a coherent tone before and after, by projection.
    #[test]
    fn the_signal_itself_keeps_its_gain() {
        let tone: Vec<f64> = (0..48_000).map(|i| 0.5 * (TAU * 1000.0 * i as f64 / RATE_HZ).sin()).collect();
        for shaper in [fixed(), adaptive()] {
            let y = run_at(16, shaper, &tone, 4800);
            let product: f64 = tone.iter().zip(&y).map(|(x, y)| x * y).sum();
            let gain_db = 20.0 * (product / tone.iter().map(|x| x * x).sum::<f64>()).log10();
            assert!(gain_db.abs() < 1e-5, "{gain_db}");
        }
    }

    /// Of the loudest and the usual error: no sample stands out where filters change.
    #[test]
    fn there_are_no_clicks() {
        let x = signal();
        let y = run(adaptive(), &x, 8192);
        let errors: Vec<f64> = y.iter().zip(&x).map(|(y, x)| y - x).collect();
        for frame in errors.chunks_exact(256) {
            let rms = (frame.iter().map(|e| e * e).sum::<f64>() / 256.0).sqrt();
            let peak = frame.iter().fold(0.0f64, |peak, e| peak.max(e.abs()));
            assert!(peak < 6.0 * rms.max(1.0 / 256.0), "{peak} {rms}");
        }
    }

    #[test]
    fn odd_requests_and_samples_are_survived() {
        let base = AdaptiveSpec::default();
        for spec in [
            AdaptiveSpec { order: 0, ..base },
            AdaptiveSpec { order: 1000, ..base },
            AdaptiveSpec { sample_rate_hz: f64::NAN, ..base },
            AdaptiveSpec { max_total_noise_db: -1.0, ..base },
            AdaptiveSpec { max_total_noise_db: f64::NAN, ..base },
        ] {
            assert!(matches!(Designer::new(&spec), Err(Error::InvalidParameter { .. })), "{spec:?}");
        }
        let odd = [f64::NAN, f64::INFINITY, -1e300, 0.0].repeat(2000);
        for sample_rate_hz in [1.0, 8000.0, 1e8] {
            let designer = Arc::new(Designer::new(&AdaptiveSpec { sample_rate_hz, ..base }).expect("legal"));
            let mut track = FilterTrack::new(&designer);
            track.show_ahead(&odd);
            track.show_ahead(&[0.0; 8000]);
            while track.filters.len() > 1 {
                let (taps, _) = track.next_taps(FADE_STEP);
                assert!(taps.len() == 32 && taps.iter().all(|t| t.is_finite()), "{sample_rate_hz}: {taps:?}");
            }
        }
        // Without what comes the noise is white.
        let mut chain = requantizer(adaptive(), 8);
        let (mut indices, mut y) = ([0; 100], [0.0; 100]);
        chain.process(0, 0, &[0.3; 100], &mut indices, &mut y);
        assert!(y.iter().all(|y| (y - 0.3).abs() <= 1.5 / 128.0));
    }
}
