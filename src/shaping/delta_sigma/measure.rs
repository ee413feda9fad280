//! SQNR of a modulated tone within the band.

use super::modulator::Modulator;
use super::ntf::Ntf;
use super::trellis::{TrellisModulator, TrellisOptions};
use crate::{Error, Result};
use rustfft::FftPlanner;
use rustfft::num_complex::Complex64;
use std::f64::consts::TAU;

/// What a tone of one amplitude came to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ToneResult {
    /// Amplitude, dBFS.
    pub level_dbfs: f64,
    /// Tone over everything else in the band, dB; `None` when the loop ran away.
    pub sqnr_db: Option<f64>,
}

/// Lines on either side of the tone that belong to it: the main lobe of the Hann window, which is 4 lines wide.
const TONE_LINES: usize = 3;

/// SQNR of levels `v` with a tone on line `tone_line`, in the band of the first `1 / (2 osr)` of the rate, dB. Hann window;
/// frequency 0 and its two neighbours do not count.
///
/// # Errors
/// `InvalidParameter` when the tone is not within the band and clear of frequency 0.
pub fn in_band_sqnr_db(v: &[f64], tone_line: usize, osr: f64) -> Result<f64> {
    let n_band = (v.len() as f64 / (2.0 * osr)) as usize;
    if tone_line < 2 * TONE_LINES || tone_line + TONE_LINES >= n_band {
        return Err(Error::invalid("line of the tone", tone_line, format!("{} to {n_band}", 2 * TONE_LINES)));
    }
    let hann = |i: usize| 0.5 - 0.5 * (TAU * i as f64 / v.len() as f64).cos();
    let mut spectrum: Vec<Complex64> = v.iter().enumerate().map(|(i, v)| Complex64::new(v * hann(i), 0.0)).collect();
    FftPlanner::new().plan_fft_forward(v.len()).process(&mut spectrum);
    let (mut tone, mut noise) = (0.0, 0.0);
    for (line, x) in spectrum.iter().enumerate().take(n_band + 1).skip(TONE_LINES) {
        let share = if line.abs_diff(tone_line) <= TONE_LINES { &mut tone } else { &mut noise };
        *share += x.norm_sqr();
    }
    Ok(10.0 * (tone / noise).log10())
}

/// Record length: 512 lines in the band at 64 times.
const RECORD: usize = 1 << 16;
/// Samples before the record, while the loop forgets its start.
const SETTLING: usize = 4096;

/// SQNR of a tone at a third of the band, at each of `levels_dbfs`, with the plain modulator of `n_levels` or, when `trellis` says
/// how, with look-ahead.
///
/// ```
/// use sqnr::shaping::delta_sigma::{Ntf, NtfSpec, sweep_tone};
///
/// let ntf = Ntf::synthesize(&NtfSpec { order: 3, osr: 64.0, ..NtfSpec::default() })?;
/// let results = sweep_tone(&ntf, 64.0, 2, None, &[-6.0, -26.0])?;
/// let [loud, quiet] = [0, 1].map(|i| results[i].sqnr_db.unwrap());
/// // One bit, 64 times the rate: better than 14 bits; 20 dB less tone are 20 dB less SQNR.
/// assert!(loud > 86.0 && (loud - quiet - 20.0).abs() < 4.0);
/// # Ok::<(), sqnr::Error>(())
/// ```
///
/// # Errors
/// As for the modulators.
pub fn sweep_tone(
    ntf: &Ntf,
    osr: f64,
    n_levels: u32,
    trellis: Option<TrellisOptions>,
    levels_dbfs: &[f64],
) -> Result<Vec<ToneResult>> {
    // Odd, so that the record is one period of the tone and the loop alike: no two halves repeat one another.
    let tone_line = (RECORD as f64 / (2.0 * osr) / 3.0).max(2.0 * TONE_LINES as f64) as usize | 1;
    let mut results = Vec::with_capacity(levels_dbfs.len());
    for &level_dbfs in levels_dbfs {
        let amplitude = 10f64.powf(level_dbfs / 20.0);
        let tone = |i: usize| amplitude * (TAU * tone_line as f64 * i as f64 / RECORD as f64).sin();
        let u: Vec<f64> = (0..SETTLING + RECORD).map(tone).collect();
        let (v, n_resets) = modulate(ntf, n_levels, trellis, &u)?;
        let sqnr = in_band_sqnr_db(&v[SETTLING..], tone_line, osr)?;
        results.push(ToneResult { level_dbfs, sqnr_db: (n_resets == 0).then_some(sqnr) });
    }
    Ok(results)
}

fn modulate(ntf: &Ntf, n_levels: u32, trellis: Option<TrellisOptions>, u: &[f64]) -> Result<(Vec<f64>, u64)> {
    let Some(options) = trellis else {
        let mut modulator = Modulator::new(ntf, n_levels)?;
        let mut v = vec![0.0; u.len()];
        modulator.process(u, &mut v)?;
        return Ok((v, modulator.n_resets()));
    };
    let mut modulator = TrellisModulator::new(ntf, options)?;
    let mut v = Vec::with_capacity(u.len());
    modulator.process(u, &mut v);
    modulator.finish(&mut v);
    Ok((v, modulator.n_resets()))
}

#[cfg(test)]
mod tests {
    use super::super::NtfSpec;
    use super::*;

    fn ntf(order: usize, osr: f64, h_inf: f64) -> Ntf {
        Ntf::synthesize(&NtfSpec { order, osr, h_inf, ..NtfSpec::default() }).expect("legal")
    }

    fn peak(results: &[ToneResult]) -> f64 {
        results.iter().filter_map(|r| r.sqnr_db).fold(f64::NEG_INFINITY, f64::max)
    }

    #[test]
    fn one_bit_modulators_reach_the_measured_peaks() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/golden/shaping/dsm_measured.csv");
        let text = std::fs::read_to_string(path).expect("the golden file is there");
        for row in text.lines().skip(1) {
            let row: Vec<f64> = row.split(',').map(|f| f.parse().expect("a number")).collect();
            let (order, osr, h_inf, at) = (row[0] as usize, row[1], row[2], row[4]);
            if ![2, 5, 7].contains(&order) || osr != 64.0 {
                continue;
            }
            let levels: Vec<f64> = (-4..=4).map(|i| at + 0.5 * f64::from(i)).collect();
            let got = peak(&sweep_tone(&ntf(order, osr, h_inf), osr, 2, None, &levels).expect("legal"));
            // Another tone and another record: peaks scatter by a decibel, at order 2, whose error has tones, by three.
            assert!(got > row[3] - if order == 2 { 3.0 } else { 1.5 }, "{row:?}: {got}");
        }
    }

    #[test]
    fn more_levels_gain_their_step() {
        let ntf = ntf(3, 32.0, 2.0);
        let levels = [-6.0];
        let coarse = peak(&sweep_tone(&ntf, 32.0, 9, None, &levels).expect("legal"));
        let fine = peak(&sweep_tone(&ntf, 32.0, 129, None, &levels).expect("legal"));
        // A step 16 times as fine: 24.08 dB.
        assert!((fine - coarse - 24.08).abs() < 1.5, "{coarse} {fine}");
    }

    #[test]
    fn order_five_passes_120_db_and_order_seven_140() {
        for (order, h_inf, goal) in [(5, 1.65, 120.0), (7, 1.6, 140.0)] {
            let got = peak(&sweep_tone(&ntf(order, 64.0, h_inf), 64.0, 2, None, &[-8.0, -7.0]).expect("legal"));
            assert!(got >= goal, "order {order}: {got}");
        }
    }

    /// Highest level of a tone at which the loop is stable, with all below it, in quarters of a decibel from -8 dBFS.
    fn stable_to(ntf: &Ntf, trellis: Option<TrellisOptions>) -> f64 {
        let levels = (0..32).map(|i| -8.0 + 0.25 * f64::from(i));
        let is_stable = |level: &f64| sweep_tone(ntf, 64.0, 2, trellis, &[*level]).expect("legal")[0].sqnr_db.is_some();
        levels.take_while(is_stable).last().expect("stable at -8 dBFS")
    }

    #[test]
    fn looking_ahead_widens_the_stable_range() {
        let ntf = ntf(5, 64.0, 1.6);
        let (plain, ahead) =
            (stable_to(&ntf, None), stable_to(&ntf, Some(TrellisOptions { n_paths: 8, ..TrellisOptions::default() })));
        assert!(ahead >= plain + 1.5, "{plain} {ahead}");
    }
}
