//! Noise power ratio: noise with a notch goes in, and what the converter puts into the notch is compared with what is
//! outside it.
//!
//! ```text
//! NPR = mean density of the noise outside the notch / mean density inside it
//! ```
//!
//! With no settings the notch is looked for: the deepest stretch that lies 10 dB and more under the noise, with noise on
//! both sides; its slopes, down to 3 dB above its median, are left out.
//!
//! Source: IEEE Std 1241-2010, clause 9.7 (noise power ratio); W. Kester, "Noise power ratio", Analog Devices MT-005.

use std::ops::Range;

use super::{
    figure::{Absent, Entry, Figure, filled, level_dbfs, ratio_db},
    spectrum::{PowerSpectrum, Settings},
    tone::check_samples,
    window::Window,
};
use crate::{Error, Result};

/// Window of the spectra.
pub const WINDOW: Window = Window::BlackmanHarris4;
/// Longest frame; 2.9 Hz a line at 48 kHz.
const MAX_FRAME: usize = 1 << 14;
const MIN_FRAME: usize = 1 << 8;
/// Fewest frames: the density of a line then has a standard deviation of 1.1 dB.
const MIN_FRAMES: usize = 16;
/// A line this far below the noise is no noise of the stimulus.
const EDGE_DB: f64 = 10.0;
/// A line this far above the noise is a tone: of 16 frames or more noise alone reaches 5 dB.
const TONE_DB: f64 = 30.0;
/// Lines each side of the notch left out: the half width of the window's lobe.
const GUARD: usize = 4;
/// Narrowest notch that is measured, guards left out.
const MIN_LINES: usize = 4;

/// Noise power ratio of a record.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NprFigures {
    /// Samples of a frame of the averaged spectrum; 0 when there was none.
    pub n_fft: usize,
    /// Mean density outside the notch over that inside, dB.
    pub npr_db: Figure,
    /// Middle of the lines taken for the notch, Hz.
    pub notch_hz: Figure,
    /// Width of these lines, Hz.
    pub notch_width_hz: Figure,
    /// RMS of the record over full scale's amplitude, dB: minus the loading factor of the tables.
    pub loading_db: Figure,
}

/// Noise power ratio of a record of notched noise.
///
/// - `notch_hz`: lower and upper end of the notch, if it shall not be looked for
///
/// ```
/// use sqnr::{analysis::npr, generate::{Kind, TestSignal, signal}};
///
/// let kind = Kind::Notched { notch_hz: (9_000.0, 11_000.0) };
/// let noise = signal(TestSignal { kind, n_samples: 1 << 17, level_dbfs: -12.0, ..Default::default() })?;
/// let figures = npr::analyse(&noise.channels()[0], 48_000.0, Some((9_000.0, 11_000.0)))?;
/// // Nothing was quantized: the notch is nearly empty.
/// assert!(figures.npr_db.unwrap() > 80.0);
/// # Ok::<(), sqnr::Error>(())
/// ```
///
/// # Errors
/// `InvalidParameter` for a rate not above zero, or a notch whose ends are not in order below half the rate.
pub fn analyse(x: &[f64], sample_rate_hz: f64, notch_hz: Option<(f64, f64)>) -> Result<NprFigures> {
    if !(sample_rate_hz.is_finite() && sample_rate_hz > 0.0) {
        return Err(Error::invalid("sample rate", sample_rate_hz, "above 0 Hz"));
    }
    if let Some((low, high)) =
        notch_hz.filter(|(low, high)| !(*low > 0.0 && low < high && 2.0 * high <= sample_rate_hz))
    {
        return Err(Error::invalid("notch", format!("{low} to {high} Hz"), "0 < low < high <= half the rate"));
    }
    Ok(measure(x, sample_rate_hz, notch_hz).unwrap_or_else(NprFigures::missing))
}

fn measure(x: &[f64], rate: f64, notch_hz: Option<(f64, f64)>) -> std::result::Result<NprFigures, Absent> {
    check_samples(x)?;
    let needed = (MIN_FRAMES + 1).div_ceil(2) * MIN_FRAME;
    if x.len() < needed {
        return Err(Absent::TooShort { n_samples: x.len(), needed });
    }
    // Half overlapping: n frames take (n + 1) / 2 of their lengths.
    let n_fft = (x.len() * 2 / (MIN_FRAMES + 1) + 1).next_power_of_two() / 2;
    let n_fft = n_fft.clamp(MIN_FRAME, MAX_FRAME);
    let settings = Settings { n_fft, hop: n_fft / 2, window: WINDOW };
    let spectrum = PowerSpectrum::of(x, rate, settings).expect("a frame is no longer than the record");
    let power = spectrum.power();
    let density = noise_density(power);
    if power[GUARD..].iter().any(|p| *p > density * 10f64.powf(TONE_DB / 10.0)) {
        return Err(Absent::NotApplicable { needs: "noise, without tones" });
    }
    let edge = density * 10f64.powf(-EDGE_DB / 10.0);
    let notch = match notch_hz {
        Some((low, high)) => {
            let line = |hz: f64| hz / spectrum.line_spacing_hz();
            line(low).ceil() as usize..(line(high).floor() as usize + 1).min(power.len())
        }
        None => {
            let stretch = deepest(power, edge).ok_or(Absent::NotApplicable { needs: "noise with a notch" })?;
            without_slopes(power, stretch)
        }
    };
    let inside = notch.start + GUARD..notch.end.saturating_sub(GUARD);
    if inside.len() < MIN_LINES {
        return Err(Absent::NotApplicable { needs: "a notch of at least 12 lines" });
    }
    let outside = |k: usize| k + GUARD < notch.start || k >= notch.end + GUARD;
    let noise: Vec<f64> =
        (GUARD..power.len() - 1).filter(|&k| outside(k)).map(|k| power[k]).filter(|p| *p >= edge).collect();
    let mean = |lines: &[f64]| lines.iter().sum::<f64>() / lines.len().max(1) as f64;
    let energy = x.iter().map(|x| x * x).sum::<f64>() / x.len() as f64;
    let spacing = spectrum.line_spacing_hz();
    Ok(NprFigures {
        n_fft,
        npr_db: ratio_db(mean(&noise), mean(&power[inside.clone()]), Absent::NothingThere),
        notch_hz: Ok(spacing * (inside.start + inside.end - 1) as f64 / 2.0),
        notch_width_hz: Ok(spacing * inside.len() as f64),
        loading_db: level_dbfs(0.5 * energy),
    })
}

/// What nine tenths of the lines stay under: the noise's density when it fills a tenth of the band or more.
fn noise_density(power: &[f64]) -> f64 {
    let mut lines = power[1..].to_vec();
    let place = lines.len() * 9 / 10;
    *lines.select_nth_unstable_by(place, f64::total_cmp).1
}

/// The stretch under `edge` with the least mean, among those between lines above it.
fn deepest(power: &[f64], edge: f64) -> Option<Range<usize>> {
    let first = (GUARD..power.len()).find(|&k| power[k] >= edge)?;
    let last = (GUARD..power.len()).rfind(|&k| power[k] >= edge)?;
    let mut stretches: Vec<Range<usize>> = Vec::new();
    let mut start = first;
    for k in (first + 1..=last).filter(|&k| power[k] >= edge) {
        stretches.extend((k - start > MIN_LINES + 2 * GUARD).then_some(start + 1..k));
        start = k;
    }
    let mean = |s: &Range<usize>| power[s.clone()].iter().sum::<f64>() / s.len() as f64;
    stretches.into_iter().min_by(|a, b| mean(a).total_cmp(&mean(b)))
}

/// The stretch from the first to the last line that is at most 3 dB above its median: slopes are no part of a notch.
fn without_slopes(power: &[f64], stretch: Range<usize>) -> Range<usize> {
    let mut lines = power[stretch.clone()].to_vec();
    let middle = lines.len() / 2;
    let settled = 2.0 * *lines.select_nth_unstable_by(middle, f64::total_cmp).1;
    let is_settled = |k: &usize| power[*k] <= settled;
    let first = stretch.clone().find(is_settled).unwrap_or(stretch.start);
    let last = stretch.clone().rfind(is_settled).unwrap_or(stretch.end - 1);
    first..last + 1
}

impl NprFigures {
    fn missing(why: Absent) -> Self {
        Self { n_fft: 0, npr_db: Err(why), notch_hz: Err(why), notch_width_hz: Err(why), loading_db: Err(why) }
    }

    /// All figures as entries, in the order of a table.
    pub fn entries(&self) -> Vec<Entry> {
        vec![
            Entry::new(
                ("npr_db", "noise power ratio", "dB"),
                self.npr_db,
                "npr",
                filled("10 log10(density outside / inside the notch)", self.npr_db, |db| {
                    format!("10 log10({:.6e})", 10f64.powf(db / 10.0))
                }),
            ),
            Entry::new(
                ("notch_hz", "notch, middle", "Hz"),
                self.notch_hz,
                "npr",
                "middle of the lines 10 dB under the noise, less slopes",
            ),
            Entry::new(
                ("notch_width_hz", "notch, width", "Hz"),
                self.notch_width_hz,
                "npr",
                "width of these, 4 lines less each side",
            ),
            Entry::new(
                ("loading_db", "loading", "dB"),
                self.loading_db,
                "npr",
                filled("20 log10(RMS / 1.0)", self.loading_db, |db| format!("20 log10 {:.6}", 10f64.powf(db / 20.0))),
            ),
        ]
    }
}

#[cfg(feature = "json")]
impl serde::Serialize for NprFigures {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        super::figure::json::serialize_entries(&self.entries(), serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustfft::{FftPlanner, num_complex::Complex};

    const N: usize = 1 << 18;

    /// Gaussian noise of variance 1 without the lines of `notch`, in parts of the rate.
    fn notched(notch: Range<f64>) -> Vec<f64> {
        let mut state = 11u64;
        let mut gauss = || {
            let mut uniform = || {
                state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                ((state >> 11) + 1) as f64 / (1u64 << 53) as f64
            };
            (-2.0 * uniform().ln()).sqrt() * (std::f64::consts::TAU * uniform()).cos()
        };
        let mut lines = vec![Complex::default(); N];
        for k in 1..N / 2 {
            if !notch.contains(&(k as f64 / N as f64)) {
                lines[k] = Complex::new(gauss(), gauss());
                lines[N - k] = lines[k].conj();
            }
        }
        FftPlanner::new().plan_fft_inverse(N).process(&mut lines);
        let rms = (lines.iter().map(|z| z.re * z.re).sum::<f64>() / N as f64).sqrt();
        lines.iter().map(|z| z.re / rms).collect()
    }

    #[test]
    fn quantizers_reach_their_granular_noise_and_clipping() {
        let noise = notched(0.2..0.22);
        // Loading at the optimum (MT-005: 8 bits 3.92, 10 bits 4.5 standard deviations) and where nothing clips.
        for (bits, loading) in [(8, 3.92), (10, 4.5), (10, 6.0), (12, 6.5)] {
            let half = f64::from(1 << (bits - 1));
            let level = |x: f64| ((x / loading * half).round() / half).clamp(-1.0, 1.0 - 1.0 / half);
            let y: Vec<f64> = noise.iter().map(|x| level(*x)).collect();
            let error = noise.iter().zip(&y).map(|(x, y)| (y - x / loading).powi(2)).sum::<f64>() / N as f64;
            // Granular noise is that of theory; at the optimum the few clipped samples add to it.
            let granular = 1.0 / (12.0 * half * half);
            assert!(if loading >= 6.0 { (error / granular - 1.0).abs() < 0.01 } else { error > granular });
            // The signal's power lies in 24/25 of the band, the error's in all of it.
            let want = 10.0 * (1.0 / (loading * loading) / error / 0.96).log10();
            let got = analyse(&y, 48e3, None).expect("legal");
            assert!((got.npr_db.expect("notched") - want).abs() < 0.25, "{bits} {loading}: {got:?}, want {want}");
            assert!((got.notch_hz.expect("found") - 10_080.0).abs() < 20.0, "{got:?}");
            assert!((got.loading_db.expect("loud") + 20.0 * f64::log10(loading)).abs() < 0.01);
            let told = analyse(&y, 48e3, Some((9_600.0, 10_560.0))).expect("legal");
            assert!((told.npr_db.expect("told") - want).abs() < 0.25, "{told:?}");
        }
    }

    #[test]
    fn quantizers_at_their_best_loading_reach_the_tables() {
        let noise = notched(0.2..0.22);
        // MT-005, table 1: bits, loading, NPR of an ideal converter.
        for (bits, loading, table) in [(8, 3.92, 40.60), (10, 4.50, 51.56), (12, 5.01, 62.71), (16, 5.94, 85.40)] {
            let half = f64::from(1 << (bits - 1));
            let y: Vec<f64> =
                noise.iter().map(|x| (x / loading * half).round().clamp(-half, half - 1.0) / half).collect();
            let got = analyse(&y, 48e3, None).expect("legal").npr_db.expect("notched");
            // The table's noise fills the band, the record's 24/25 of it; few samples clip, so that their power varies.
            let want = table - 10.0 * 0.96f64.log10();
            assert!((got - want).abs() < 0.4, "{bits} bits: {got}, want {want}");
        }
    }

    /// A tone on every eighth line of a frame: their lobes do not meet, so that all lines follow from the window's sums.
    fn comb(amplitude: impl Fn(usize) -> f64) -> Vec<f64> {
        let mut x = vec![0.0; 8_704];
        for k in (8..COMB_FRAME / 2).step_by(8) {
            let w = std::f64::consts::TAU * k as f64 / COMB_FRAME as f64;
            x.iter_mut().enumerate().for_each(|(n, x)| *x += amplitude(k) * (w * n as f64 + (k * k) as f64).cos());
        }
        x
    }

    /// Frame that 8704 samples are cut into.
    const COMB_FRAME: usize = 1_024;

    #[test]
    fn the_edges_of_the_notch_are_neither_noise_nor_notch() {
        // Teeth 200 to 240 are 40 dB down; the notch is told from two lines above tooth 192 to two below 248, and both
        // these teeth stand out by 20 dB, as a filter's edges may: they must count on neither side.
        let amplitude = |k: usize| match k {
            192 | 248 => 1e-1,
            200..=240 => 1e-4,
            _ => 1e-2,
        };
        let rate = COMB_FRAME as f64;
        let x = comb(amplitude);
        let got = analyse(&x, rate, Some((194.0, 246.0))).expect("legal");
        assert_eq!(got.n_fft, COMB_FRAME);
        // Squares of a lobe's lines: a0, a1 / 2, a2 / 2, a3 / 2 of the window. Of the noise's teeth the lines within
        // 10 dB of the largest count: three of each; in the notch, lines 198 to 242 hold six whole teeth.
        let lobe = [0.358_75f64, 0.244_145, 0.070_64, 0.005_84].map(|a| a * a);
        let noise = (lobe[0] + 2.0 * lobe[1]) / 3.0;
        // Of tooth 200 the lines from 198, of tooth 240 those to 242.
        let whole = lobe[0] + 2.0 * (lobe[1] + lobe[2] + lobe[3]);
        let inside = (6.0 * whole - 2.0 * lobe[3]) / 45.0;
        let want = 40.0 + 10.0 * (noise / inside).log10();
        let npr = got.npr_db.expect("a notch");
        assert!((npr - want).abs() < 1e-3, "{npr} {want}");
        assert_eq!((got.notch_hz, got.notch_width_hz), (Ok(220.0), Ok(45.0)));
    }

    #[test]
    fn what_has_no_notch_says_so() {
        let why = |x: &[f64]| analyse(x, 48e3, None).expect("legal").npr_db.expect_err("no notch");
        let white = notched(0.9..0.9);
        assert_eq!(why(&white), Absent::NotApplicable { needs: "noise with a notch" });
        let tone: Vec<f64> = white.iter().enumerate().map(|(n, x)| 1e-3 * x + (0.3 * n as f64).sin()).collect();
        assert_eq!(why(&tone), Absent::NotApplicable { needs: "noise, without tones" });
        assert_eq!(why(&[0.0; 9_000]), Absent::Silence);
        assert_eq!(why(&[0.5; 9_000]), Absent::DcOnly);
        assert!(matches!(why(&white[..999]), Absent::TooShort { n_samples: 999, .. }));
        let bad = [vec![f64::NAN], white[..5_000].to_vec()].concat();
        assert_eq!(why(&bad), Absent::NotFinite { n_samples: 1 });
        assert!(analyse(&white, 48e3, Some((5.0, 5.0))).is_err());
        assert!(analyse(&white, 48e3, Some((5.0, 30e3))).is_err());
        assert!(analyse(&white, 0.0, None).is_err());
        assert!(analyse(&white, 48e3, Some((100.0, 101.0))).expect("legal").npr_db.is_err());
    }
}
