//! The noise target: how much noise the ear masks in each band of a block.
//!
//! All in log2 of power per coefficient. For a band at ERB number z of a block:
//!
//! ```text
//! l = share log2 X + (1 - share) L + slope z - tonality + time + q/3.01,   then added to the absolute threshold
//! ```
//!
//! X is the energy spread along the ERB axis, per coefficient; L the loudness of the file; q the quality in dB.
//! `P_k = 2/3 (X_k^2 + 1/2 (X_{k+1} - X_{k-1})^2)` takes the flutter of phase out of the MDCT: the difference of the
//! neighbours stands for the MDST.
//!
//! Sources: Zwicker and Fastl, *Psychoacoustics*, 1999, on spreading; Terhardt, *Calculating virtual pitch*, 1979, on
//! the absolute threshold; Daudet and Sandler, *MDCT analysis of sinusoids*, 2004, on P_k.

use crate::codec::format::bands::{Band, BandTables, N_DEPTHS, erb_number};

/// The constants of the noise target.
#[derive(Debug, Clone, PartialEq)]
pub struct EarModel {
    /// Share of the masking curve in the target, 0..=1.
    pub share: f32,
    /// Rise of the target with frequency, log2 of power per ERB.
    pub slope: f32,
    /// Weight of tonality, log2 of power per neper of flatness.
    pub tonality: f32,
    /// Weight of the energy's unevenness in time.
    pub time: f32,
    /// Fall of spreading towards high frequencies, dB per ERB.
    pub spread_up_db: f32,
    /// Fall of spreading towards low frequencies, dB per ERB.
    pub spread_down_db: f32,
    /// Sound pressure level of a full-scale sine, for the absolute threshold, dB.
    pub full_scale_spl_db: f32,
    /// Upper limit of the absolute threshold, dB SPL.
    pub threshold_cap_db: f32,
}

impl Default for EarModel {
    fn default() -> Self {
        Self {
            share: 0.9,
            slope: 0.16,
            tonality: 0.7,
            time: 1.3,
            spread_up_db: 6.0,
            spread_down_db: 10.0,
            full_scale_spl_db: 106.0,
            threshold_cap_db: 12.0,
        }
    }
}

/// dB of a factor of two in power, as the noise target divides by it: the exact 3.0103 would move every target by a
/// 1/10,000 of q, and with it the bytes of all files.
const ROUNDED_LOG2_DB: f32 = 3.01;

/// The least power, so that silence has a logarithm.
const POWER_FLOOR: f32 = 1e-20;

/// The constants of a band.
#[derive(Debug, Clone, Copy)]
struct BandEar {
    /// Slope times ERB number of the middle.
    slope: f32,
    /// Fall of spreading from the band below, as a factor of power.
    from_below: f32,
    /// Fall of spreading from the band above.
    from_above: f32,
    /// Absolute threshold, power per coefficient.
    threshold: f32,
}

/// Computes noise targets for blocks of all sizes.
pub(crate) struct Psychoacoustics {
    model: EarModel,
    ears: [Vec<BandEar>; N_DEPTHS],
    power: Vec<f32>,
    energy: Vec<f32>,
    spread: Vec<f32>,
}

impl Psychoacoustics {
    /// Tables for the bands of a file.
    pub(crate) fn new(model: &EarModel, tables: &BandTables, sample_rate_hz: u32, superframe_samples: usize) -> Self {
        let ears = std::array::from_fn(|depth| {
            let hz_per_bin = sample_rate_hz as f32 / (2 * (superframe_samples >> depth)) as f32;
            band_ears(model, tables.at(depth), hz_per_bin, sample_rate_hz)
        });
        let most_bands = (0..N_DEPTHS).map(|depth| tables.at(depth).len()).max().unwrap_or(0);
        Self {
            model: model.clone(),
            ears,
            power: vec![0.0; superframe_samples],
            energy: vec![0.0; most_bands],
            spread: vec![0.0; most_bands],
        }
    }

    /// The part of the target that does not depend on loudness and quality, for the block `x`.
    ///
    /// - `unevenness`: log2 of r for each band, at most 0, see [`super::temporal`]
    /// - `base`: one value for each band
    pub(crate) fn base(&mut self, depth: usize, bands: &[Band], x: &[f32], unevenness: &[f32], base: &mut [f32]) {
        smooth_power(x, &mut self.power[..x.len()]);
        for ((energy, band), (base, time)) in self.energy.iter_mut().zip(bands).zip(base.iter_mut().zip(unevenness)) {
            let power = &self.power[band.start..band.end];
            *energy = power.iter().sum();
            *base = self.model.time * time - self.model.tonality * peakiness(power, *energy);
        }
        self.spread_energy(depth, bands.len());
        let ears = &self.ears[depth];
        for (b, (base, band)) in base.iter_mut().zip(bands).enumerate() {
            let masker = (self.spread[b] / band.width() as f32).max(POWER_FLOOR);
            *base += self.model.share * masker.log2() + ears[b].slope;
        }
    }

    /// The whole target: log2 of noise power per coefficient.
    ///
    /// - `loudness`: L, log2 of power per coefficient
    /// - `quality_db`: q
    pub(crate) fn finish(&self, depth: usize, loudness: f32, quality_db: f32, base: &[f32], target: &mut [f32]) {
        let common = (1.0 - self.model.share) * loudness + quality_db / ROUNDED_LOG2_DB;
        for ((target, base), ear) in target.iter_mut().zip(base).zip(&self.ears[depth]) {
            *target = ((base + common).exp2() + ear.threshold).log2();
        }
    }

    /// Two recursions along the bands: upwards with a gentle slope, downwards with a steep one.
    fn spread_energy(&mut self, depth: usize, n_bands: usize) {
        let ears = &self.ears[depth];
        let (energy, spread) = (&self.energy[..n_bands], &mut self.spread[..n_bands]);
        let mut carried = 0.0;
        for ((spread, energy), ear) in spread.iter_mut().zip(energy).zip(ears) {
            carried = energy + carried * ear.from_below;
            *spread = carried;
        }
        carried = 0.0;
        for ((spread, energy), ear) in spread.iter_mut().zip(energy).zip(ears).rev() {
            carried *= ear.from_above;
            *spread += carried;
            carried += energy;
        }
    }
}

fn band_ears(model: &EarModel, bands: &[Band], hz_per_bin: f32, sample_rate_hz: u32) -> Vec<BandEar> {
    let middle_hz = |band: &Band| (band.start + band.end) as f32 / 2.0 * hz_per_bin;
    let z = |b: usize| bands.get(b).map_or(0.0, |band| erb_number(middle_hz(band)));
    let fall = |db_per_erb: f32, distance: f32| 10.0_f32.powf(-db_per_erb * distance / 10.0);
    let ear = |(b, band): (usize, &Band)| BandEar {
        slope: model.slope * z(b),
        from_below: fall(model.spread_up_db, z(b) - if b > 0 { z(b - 1) } else { 0.0 }),
        from_above: fall(model.spread_down_db, z((b + 1).min(bands.len() - 1)) - z(b)),
        threshold: absolute_threshold(model, middle_hz(band), sample_rate_hz),
    };
    bands.iter().enumerate().map(ear).collect()
}

/// Power per coefficient of noise at the threshold of hearing: that of a band of one ERB, shared by its coefficients.
fn absolute_threshold(model: &EarModel, f_hz: f32, sample_rate_hz: u32) -> f32 {
    let f = (f_hz / 1000.0).max(0.02);
    let spl = 3.64 * f.powf(-0.8) - 6.5 * (-0.6 * (f - 3.3).powi(2)).exp() + 0.001 * f.powi(4);
    let erb_hz = 24.7 * (4.37 * f + 1.0);
    let below_full_scale_db = spl.min(model.threshold_cap_db) - model.full_scale_spl_db;
    0.5 * 10.0_f32.powf(below_full_scale_db / 10.0) * (sample_rate_hz as f32 / 2.0) / erb_hz
}

/// `P_k` of the module's head; beyond its ends the spectrum of a DCT-IV is mirrored, even below and odd above.
fn smooth_power(x: &[f32], power: &mut [f32]) {
    let p = |below: f32, here: f32, above: f32| {
        let difference = above - below;
        (here * here + 0.5 * difference * difference) * (2.0 / 3.0)
    };
    let n = x.len();
    power[0] = p(x[0], x[0], x[1]);
    power[n - 1] = p(x[n - 2], x[n - 1], -x[n - 1]);
    for (power, x) in power[1..n - 1].iter_mut().zip(x.windows(3)) {
        *power = p(x[0], x[1], x[2]);
    }
}

/// `min(3, max(0, ln(arithmetic mean / geometric mean) - 1/2))` of a band's power: 0 for noise, 3 for a lone line.
fn peakiness(power: &[f32], energy: f32) -> f32 {
    let n = power.len() as f32;
    let log2_geometric = power.iter().map(|p| fast_log2(p + POWER_FLOOR)).sum::<f32>() / n;
    let log2_arithmetic = (energy / n + POWER_FLOOR).log2();
    let nepers = (log2_arithmetic - log2_geometric) * std::f32::consts::LN_2;
    (nepers - 0.5).clamp(0.0, 3.0)
}

/// log2 within 1e-4, for normal positive numbers: the exponent, and a polynomial for the mantissa in 1..2.
///
/// The polynomial is the least-squares fit of degree 5 on Chebyshev nodes.
#[inline]
pub(crate) fn fast_log2(x: f32) -> f32 {
    let bits = x.to_bits();
    let exponent = (bits >> 23) as i32 - 127;
    let m = f32::from_bits((bits & 0x007F_FFFF) | 0x3F80_0000);
    let poly = -2.794_153_7
        + m * (5.069_756_3 + m * (-3.520_218_8 + m * (1.610_177_6 + m * (-0.409_475_6 + m * 0.043_928_63))));
    exponent as f32 + poly
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fast_log2_is_close() {
        for i in 1..100_000 {
            let x = i as f32 * 1.7e-3;
            assert!((fast_log2(x) - x.log2()).abs() < 1e-4, "{x}: {} for {}", fast_log2(x), x.log2());
        }
    }
}
