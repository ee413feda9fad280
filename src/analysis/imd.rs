//! Intermodulation of two tones, and distortion of many.
//!
//! ```text
//! u = tones f1 < f2 -> device -> products at |m f1 + n f2|, order |m| + |n| = 2 to 5
//! ```
//!
//! All products are fitted jointly with the tones, as in `tone`: no window, no coherence needed.
//!
//! Sources: SMPTE RP 120-2005; IEC 60268-3:2018, 14.12 (difference-frequency distortion, "CCIF" or "DFD"); third-order
//! intercept: IEEE Std 1241-2010, 9.4.

use super::{
    figure::{Absent, Entry, Figure, filled, level_dbfs, ratio_db},
    sine_fit::{refine_frequency, step_of_residual},
    sinusoids::{Basis, Fitted, dot, fold},
    tone::{check_samples, close_tones, spectrum_without_dc},
};
use crate::{Error, Result};

/// Highest order of the products.
const MAX_ORDER: i32 = 5;
/// Samples looked at for the two start values.
const MAX_SEARCH: usize = 1 << 18;
/// Lines each side of the first tone that belong to it in the search.
const SKIRT: usize = 8;
/// Fewest lines between two tones that are fitted beside one another.
const MIN_LINES: f64 = 2.0;
/// The second tone is at most this far below the first; SMPTE's are 12 dB apart.
const LARGEST_DIFFERENCE_DB: f64 = 40.0;
const ROUNDS: usize = 6;
const NO_TWO_TONES: Absent = Absent::NotApplicable { needs: "two tones that hold more power than all the rest" };
/// A power below this part of the tones' is rounding (-260 dB).
const RESOLUTION: f64 = 1e-26;

/// A product of two tones.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Product {
    /// Factor of the lower tone's frequency.
    pub m: i32,
    /// Factor of the upper tone's frequency.
    pub n: i32,
    /// Where it is after folding at half the rate.
    pub frequency_hz: f64,
    /// Amplitude, full scale 1.0; none where it falls on DC, a tone or a product of lower order.
    pub amplitude: Option<f64>,
}

/// Figures of two tones through a nonlinear device.
#[derive(Debug, Clone, PartialEq)]
pub struct ImdFigures {
    /// Frequencies of the two tones, ascending.
    pub frequencies_hz: [Figure; 2],
    /// Levels of the two tones.
    pub levels_dbfs: [Figure; 2],
    /// Larger of the third-order products 2f1 - f2, 2f2 - f1 over the mean tone power, dBc.
    pub imd3_dbc: Figure,
    /// Larger of the second-order products f2 - f1, f1 + f2 over the mean tone power, dBc.
    pub imd2_dbc: Figure,
    /// Third-order intercept, `level - imd3 / 2`, output referred, per tone.
    pub toi_dbfs: Figure,
    /// SMPTE: root of the summed squares of the sidebands f2 +- f1, f2 +- 2 f1 over the upper tone, dB.
    pub smpte_db: Figure,
    /// SMPTE: sum of the same sidebands' amplitudes over the upper tone, dB.
    pub smpte_sum_db: Figure,
    /// Difference frequency f2 - f1 over the sum of both tones' amplitudes, dB.
    pub ccif_d2_db: Figure,
    /// Sum of 2f1 - f2 and 2f2 - f1 over the sum of both tones' amplitudes, dB.
    pub ccif_d3_db: Figure,
    /// Everything but the tones and DC over the tones, dB.
    pub td_n_db: Figure,
    /// All products up to order 5.
    pub products: Vec<Product>,
}

/// Measures the intermodulation of the two largest tones in `x`, or of those given in Hz, ascending.
///
/// A record without two tones is no error: every figure of the result then says why it is missing.
///
/// ```
/// use sqnr::analysis::imd;
///
/// let tones = |i: i32| (0.5 * f64::from(i)).sin() + (0.55 * f64::from(i)).sin();
/// let x: Vec<f64> = (0..48_000).map(|i| 0.4 * tones(i)).map(|x| x + 0.01 * x.powi(3)).collect();
/// let figures = imd::analyse(&x, 48_000.0, None)?;
/// let [low, high] = figures.frequencies_hz.map(|hz| hz.unwrap());
/// assert!((low - 3_819.7).abs() < 0.1 && (high - 4_201.7).abs() < 0.1);
/// # Ok::<(), sqnr::Error>(())
/// ```
///
/// # Errors
/// `InvalidParameter` for a rate not above zero, or frequencies that are not ascending between 0 and half of it.
pub fn analyse(x: &[f64], sample_rate_hz: f64, tones_hz: Option<[f64; 2]>) -> Result<ImdFigures> {
    if !(sample_rate_hz.is_finite() && sample_rate_hz > 0.0) {
        return Err(Error::invalid("sample rate", sample_rate_hz, "above 0 Hz"));
    }
    if let Some([f1, f2]) = tones_hz
        && !(f1 > 0.0 && f1 < f2 && f2 < sample_rate_hz / 2.0)
    {
        return Err(Error::invalid("tones", format!("{f1} and {f2} Hz"), "ascending, between 0 and half the rate"));
    }
    let start = tones_hz.map_or_else(|| find_two(x), |f| check_samples(x).map(|()| f.map(|f| f / sample_rate_hz)));
    let fit = start.and_then(|start| TwoToneFit::new(x, start));
    Ok(ImdFigures::new(fit, sample_rate_hz))
}

/// The two largest tones, cycles per sample, ascending.
fn find_two(x: &[f64]) -> std::result::Result<[f64; 2], Absent> {
    check_samples(x)?;
    let n = x.len().min(MAX_SEARCH);
    let spectrum = spectrum_without_dc(&x[..n], n);
    let power = spectrum.power();
    let largest = |allowed: &dyn Fn(usize) -> bool| {
        (2..power.len()).filter(|&k| allowed(k)).max_by(|&a, &b| power[a].total_cmp(&power[b]))
    };
    let too_short = Absent::TooShort { n_samples: x.len(), needed: 4 * SKIRT };
    let first = largest(&|_| true).ok_or(too_short)?;
    if let Some((pair, _)) = close_tones(x, first as f64 / n as f64) {
        let lines = (pair[1] - pair[0]) * x.len() as f64;
        return if lines < MIN_LINES { Err(Absent::TonesTooClose { lines }) } else { Ok(pair) };
    }
    let second = largest(&|k| k.abs_diff(first) > SKIRT).ok_or(too_short)?;
    let mut sorted = power[1..].to_vec();
    let (_, &mut median, _) = sorted.select_nth_unstable_by((power.len() - 1) / 2, f64::total_cmp);
    let margin_db = 10.0 * (power[second] / median.max(f64::MIN_POSITIVE)).log10();
    if 10.0 * (power[first] / power[second].max(f64::MIN_POSITIVE)).log10() > LARGEST_DIFFERENCE_DB {
        return Err(Absent::NotApplicable { needs: "two tones; the second is more than 40 dB below the first" });
    }
    // Of noise the second largest line stands about 12 dB over the median.
    if margin_db < 16.0 {
        return Err(Absent::NoTone { margin_db });
    }
    // Music has two largest lines as well: where they are far from half of all, there is nothing to fit.
    let lobe = |k: usize| power[k.saturating_sub(SKIRT)..(k + SKIRT + 1).min(power.len())].iter().sum::<f64>();
    if lobe(first) + lobe(second) < 0.25 * power.iter().sum::<f64>() {
        return Err(NO_TWO_TONES);
    }
    let (low, high) = (first.min(second), first.max(second));
    Ok([low, high].map(|k| k as f64 / n as f64))
}

/// Joint fit of two tones and their products.
struct TwoToneFit {
    frequencies: [f64; 2],
    tones: [f64; 2],
    products: Vec<(i32, i32, Option<f64>)>,
    rest: f64,
}

impl TwoToneFit {
    fn new(x: &[f64], start: [f64; 2]) -> std::result::Result<Self, Absent> {
        let frequencies = refine(x, start)?;
        let n = x.len() as f64;
        let resolved = Resolved::new(x.len(), frequencies);
        let basis = Basis::new(x.len(), &resolved.cycles);
        let fitted = basis.fit(x);
        let amplitude = |i: usize| fitted.phasors[i].amplitude();
        let tones = [amplitude(0), amplitude(1)];
        // Everything but tones and DC: subtract those alone.
        let tones_only = Fitted { dc: fitted.dc, phasors: fitted.phasors[..2].to_vec() };
        let mut energy = 0.0;
        basis.residual_blocks(x, &tones_only, |r| energy += dot(r, r));
        // DC, and amplitude, phase and frequency of each tone are taken from the samples.
        let n_free = (n - 7.0).max(1.0);
        let products = resolved.products.iter().map(|&(m, n, place)| (m, n, place.map(amplitude))).collect();
        Ok(Self { frequencies, tones, products, rest: energy / n_free })
    }

    /// Only where the tones hold more power than all else are they a test signal.
    fn above_the_rest(self) -> std::result::Result<Self, Absent> {
        let tones = (self.tones[0].powi(2) + self.tones[1].powi(2)) / 2.0;
        match tones > self.rest {
            true => Ok(self),
            false => Err(NO_TWO_TONES),
        }
    }
}

/// Frequencies of both tones, refined in turn on what the joint fit of tones and products leaves.
fn refine(x: &[f64], start: [f64; 2]) -> std::result::Result<[f64; 2], Absent> {
    let n = x.len() as f64;
    let lost = |f: f64| {
        move |_| match f * n < 2.0 {
            true => Absent::TooFewPeriods { periods: f * n },
            false => Absent::FitLost { cycles_per_sample: f },
        }
    };
    let mut frequencies = start;
    // Each tone alone, the other subtracted; then small joint steps.
    for i in [0, 1, 0, 1] {
        let other = Basis::new(x.len(), &[frequencies[1 - i], frequencies[i]]);
        let mut fitted = other.fit(x);
        fitted.phasors.truncate(1);
        fitted.dc = 0.0;
        let mut rest = Vec::with_capacity(x.len());
        other.residual_blocks(x, &fitted, |r| rest.extend_from_slice(r));
        frequencies[i] = refine_frequency(&rest, frequencies[i]).map_err(lost(frequencies[i]))?;
    }
    for round in 0..ROUNDS {
        let i = round % 2;
        let resolved = Resolved::new(x.len(), frequencies);
        let basis = Basis::new(x.len(), &resolved.cycles);
        let fitted = basis.fit(x);
        frequencies[i] += step_of_residual(x, i, &basis, &fitted).clamp(-0.1 / n, 0.1 / n);
    }
    let [f1, f2] = frequencies;
    let lines = (f2 - f1) * n;
    if lines < 1.0 { Err(Absent::TonesTooClose { lines }) } else { Ok(frequencies.map(|f| snapped(f, n))) }
}

/// A frequency within 1e-5 lines of a whole number of periods is taken to be there: products are then orthogonal.
fn snapped(frequency: f64, n: f64) -> f64 {
    let lines = frequency * n;
    if (lines - lines.round()).abs() < 1e-5 { lines.round() / n } else { frequency }
}

/// Products that have frequencies of their own, and their places in the basis.
struct Resolved {
    cycles: Vec<f64>,
    products: Vec<(i32, i32, Option<usize>)>,
}

impl Resolved {
    fn new(n: usize, [f1, f2]: [f64; 2]) -> Self {
        let line = 0.999 / n as f64;
        let mut cycles = vec![f1, f2];
        let mut products = Vec::new();
        for (m, n) in orders() {
            let frequency = fold(f64::from(m) * f1 + f64::from(n) * f2);
            let clear = frequency >= line
                && 0.5 - frequency >= line
                && cycles.iter().all(|&taken| (fold(taken) - frequency).abs() >= line);
            if clear {
                products.push((m, n, Some(cycles.len())));
                cycles.push(frequency);
            } else {
                products.push((m, n, None));
            }
        }
        Self { cycles, products }
    }
}

/// Factors of all products of order 2 to 5, lower orders first; of each pair of signs one.
fn orders() -> impl Iterator<Item = (i32, i32)> {
    (2..=MAX_ORDER).flat_map(|order| {
        (0..=order).flat_map(move |m| {
            let n = order - m;
            let both = m > 0 && n > 0;
            std::iter::once((m, n)).chain(both.then_some((m, -n)))
        })
    })
}

impl ImdFigures {
    fn new(fit: std::result::Result<TwoToneFit, Absent>, rate: f64) -> Self {
        let fit = fit.and_then(TwoToneFit::above_the_rest);
        let of = |value: &dyn Fn(&TwoToneFit) -> Figure| fit.as_ref().map_err(|&why| why).and_then(value);
        let pick = |fit: &TwoToneFit, wanted: &[(i32, i32)]| -> std::result::Result<Vec<f64>, Absent> {
            let missing = Absent::NotApplicable { needs: "tones whose products have frequencies of their own" };
            let found =
                fit.products.iter().filter(|(m, n, _)| wanted.contains(&(*m, *n)) || wanted.contains(&(-m, -n)));
            found.map(|(_, _, amplitude)| amplitude.ok_or(missing)).collect()
        };
        let mean_power = |fit: &TwoToneFit| (fit.tones[0].powi(2) + fit.tones[1].powi(2)) / 4.0;
        let largest_dbc = |fit: &TwoToneFit, wanted: &[(i32, i32)]| {
            let largest = pick(fit, wanted)?.into_iter().fold(0.0, f64::max);
            over(largest * largest / 2.0, mean_power(fit))
        };
        let sum = |fit: &TwoToneFit| fit.tones[0] + fit.tones[1];
        const SIDEBANDS: [(i32, i32); 4] = [(1, 1), (-1, 1), (2, 1), (-2, 1)];
        const THIRD: [(i32, i32); 2] = [(2, -1), (-1, 2)];
        let imd3_dbc = of(&|f| largest_dbc(f, &THIRD));
        Self {
            frequencies_hz: [0, 1].map(|i| of(&|f| Ok(f.frequencies[i] * rate))),
            levels_dbfs: [0, 1].map(|i| of(&|f| level_dbfs(f.tones[i].powi(2) / 2.0))),
            imd3_dbc,
            imd2_dbc: of(&|f| largest_dbc(f, &[(-1, 1), (1, 1)])),
            toi_dbfs: of(&|f| Ok(level_dbfs(mean_power(f))? - imd3_dbc? / 2.0)),
            smpte_db: of(&|f| {
                let squares = pick(f, &SIDEBANDS)?.iter().map(|a| a * a).sum();
                over(squares, f.tones[1].powi(2))
            }),
            smpte_sum_db: of(&|f| over(pick(f, &SIDEBANDS)?.iter().sum::<f64>().powi(2), f.tones[1].powi(2))),
            ccif_d2_db: of(&|f| over(pick(f, &[(-1, 1)])?.iter().sum::<f64>().powi(2), sum(f).powi(2))),
            ccif_d3_db: of(&|f| over(pick(f, &THIRD)?.iter().sum::<f64>().powi(2), sum(f).powi(2))),
            td_n_db: of(&|f| over(f.rest, 2.0 * mean_power(f))),
            products: fit.as_ref().map_or(Vec::new(), |f| f.products(rate)),
        }
    }

    /// All figures as entries, in the order of a table.
    pub fn entries(&self) -> Vec<Entry> {
        let new = Entry::new;
        let amplitude = |db: f64| 10f64.powf(db / 20.0);
        let [a1, a2] = self.levels_dbfs.map(|level| level.map_or(0.0, amplitude));
        let tone = ((a1 * a1 + a2 * a2) / 2.0).sqrt();
        let level = |symbols, figure| filled(symbols, figure, |db| format!("20 log10({:.6e})", amplitude(db)));
        let over = |symbols, figure, bottom: f64| {
            filled(symbols, figure, |db| format!("20 log10({:.6e} / {bottom:.6e})", bottom * amplitude(db)))
        };
        let second = over("20 log10(larger of A(f2 - f1), A(f1 + f2) / tone)", self.imd2_dbc, tone);
        let third = over("20 log10(larger of A(2f1 - f2), A(2f2 - f1) / tone)", self.imd3_dbc, tone);
        let intercept = filled("tone level - IMD3 / 2", self.toi_dbfs, |_| {
            format!("{:.4} - {:.4} / 2", 20.0 * tone.log10(), self.imd3_dbc.unwrap_or(0.0))
        });
        let rss = over("20 log10(root of summed squares of A(f2 +- f1), A(f2 +- 2f1) / A2)", self.smpte_db, a2);
        let sum = over("20 log10(sum of A(f2 +- f1), A(f2 +- 2f1) / A2)", self.smpte_sum_db, a2);
        let d2 = over("20 log10(A(f2 - f1) / (A1 + A2))", self.ccif_d2_db, a1 + a2);
        let d3 = over("20 log10((A(2f1 - f2) + A(2f2 - f1)) / (A1 + A2))", self.ccif_d3_db, a1 + a2);
        let rest = over("20 log10(all but the tones / the tones)", self.td_n_db, (a1 * a1 + a2 * a2).sqrt());
        let [level_1, level_2] = self.levels_dbfs;
        vec![
            new(("tone_1_hz", "lower tone", "Hz"), self.frequencies_hz[0], "tone-frequency", "fitted".to_owned()),
            new(("tone_2_hz", "upper tone", "Hz"), self.frequencies_hz[1], "tone-frequency", "fitted".to_owned()),
            new(("tone_1_dbfs", "lower tone level", "dBFS"), level_1, "tone-level", level("20 log10(A1)", level_1)),
            new(("tone_2_dbfs", "upper tone level", "dBFS"), level_2, "tone-level", level("20 log10(A2)", level_2)),
            new(("imd2_dbc", "IMD2", "dBc"), self.imd2_dbc, "imd2", second),
            new(("imd3_dbc", "IMD3", "dBc"), self.imd3_dbc, "imd3", third),
            new(("toi_dbfs", "third-order intercept", "dBFS"), self.toi_dbfs, "toi", intercept),
            new(("smpte_imd_db", "SMPTE IMD", "dB"), self.smpte_db, "smpte-rss", rss),
            new(("smpte_imd_sum_db", "SMPTE IMD, sum", "dB"), self.smpte_sum_db, "smpte-sum", sum),
            new(("ccif_d2_db", "CCIF d2", "dB"), self.ccif_d2_db, "ccif-d2", d2),
            new(("ccif_d3_db", "CCIF d3", "dB"), self.ccif_d3_db, "ccif-d3", d3),
            new(("td_n_db", "TD+N", "dB"), self.td_n_db, "td-n", rest),
        ]
    }
}

#[cfg(feature = "json")]
impl serde::Serialize for ImdFigures {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        super::figure::json::serialize_entries(&self.entries(), serializer)
    }
}

impl TwoToneFit {
    fn products(&self, rate: f64) -> Vec<Product> {
        let [f1, f2] = self.frequencies;
        let hz = |m: i32, n: i32| fold(f64::from(m) * f1 + f64::from(n) * f2) * rate;
        let product =
            |&(m, n, amplitude): &(i32, i32, Option<f64>)| Product { m, n, frequency_hz: hz(m, n), amplitude };
        self.products.iter().map(product).collect()
    }
}

fn over(part: f64, whole: f64) -> Figure {
    if part < RESOLUTION * whole { Err(Absent::NothingThere) } else { ratio_db(part, whole, Absent::Silence) }
}

/// Figures of many tones of known frequencies.
#[derive(Debug, Clone, PartialEq)]
pub struct MultitoneFigures {
    /// Level of each tone, in the order given.
    pub levels_dbfs: Vec<Figure>,
    /// Everything but the tones and DC.
    pub td_n_dbfs: Figure,
    /// The same over the power of all tones, dB.
    pub td_n_db: Figure,
}

/// Measures tones of known frequencies and what is there besides: total distortion and noise of a multitone.
///
/// ```
/// use sqnr::analysis::imd::multitone;
///
/// let tones_hz = [997.0, 3_001.0];
/// let tone = |hz: f64, i: i32| 0.25 * (std::f64::consts::TAU * hz * f64::from(i) / 48e3).sin();
/// let x: Vec<f64> = (0..48_000).map(|i| tones_hz.iter().map(|&hz| tone(hz, i)).sum()).collect();
/// let figures = multitone(&x, 48_000.0, &tones_hz)?;
/// assert!((figures.levels_dbfs[0].unwrap() + 12.04).abs() < 0.01);
/// # Ok::<(), sqnr::Error>(())
/// ```
///
/// # Errors
/// `InvalidParameter` for a rate not above zero, no tone or more than 1000, or frequencies that are not ascending
/// between 0 and half the rate, at least one line (rate / n) apart.
pub fn multitone(x: &[f64], sample_rate_hz: f64, tones_hz: &[f64]) -> Result<MultitoneFigures> {
    if !(sample_rate_hz.is_finite() && sample_rate_hz > 0.0) {
        return Err(Error::invalid("sample rate", sample_rate_hz, "above 0 Hz"));
    }
    if !(1..=1000).contains(&tones_hz.len()) {
        return Err(Error::invalid("tones", tones_hz.len(), "1 to 1000"));
    }
    let line_hz = 0.999 * sample_rate_hz / x.len().max(1) as f64;
    let apart = tones_hz.windows(2).all(|f| f[1] - f[0] >= line_hz);
    if !(apart && tones_hz.iter().all(|&f| f >= line_hz && f <= sample_rate_hz / 2.0 - line_hz)) {
        return Err(Error::invalid(
            "tones",
            format!("{tones_hz:?}"),
            format!("ascending, {line_hz} Hz apart and from the ends"),
        ));
    }
    if let Err(why) = check_samples(x) {
        return Ok(MultitoneFigures {
            levels_dbfs: vec![Err(why); tones_hz.len()],
            td_n_dbfs: Err(why),
            td_n_db: Err(why),
        });
    }
    let cycles: Vec<f64> = tones_hz.iter().map(|f| f / sample_rate_hz).collect();
    let basis = Basis::new(x.len(), &cycles);
    let fitted = basis.fit(x);
    let powers: Vec<f64> = fitted.phasors.iter().map(|p| p.amplitude().powi(2) / 2.0).collect();
    let mut energy = 0.0;
    basis.residual_blocks(x, &fitted, |r| energy += dot(r, r));
    let n_free = x.len().saturating_sub(1 + 2 * tones_hz.len()).max(1);
    let rest = energy / n_free as f64;
    let td_n_db = over(rest, powers.iter().sum());
    Ok(MultitoneFigures {
        levels_dbfs: powers.iter().map(|&p| level_dbfs(p)).collect(),
        td_n_dbfs: td_n_db.and(level_dbfs(rest)),
        td_n_db,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    fn tones(n: usize, parts: &[(f64, f64)]) -> Vec<f64> {
        let at = |i: usize| parts.iter().map(|(f, a)| a * (TAU * (f * i as f64).fract() + f).sin()).sum();
        (0..n).map(at).collect()
    }

    #[test]
    fn products_of_a_polynomial_are_found_without_coherence() {
        // u + 0.02 u^3 with two tones of 0.4: third-order products 3/4 0.02 0.4^3.
        let x: Vec<f64> =
            tones(20_000, &[(0.071_23, 0.4), (0.083_91, 0.4)]).iter().map(|u| u + 0.02 * u * u * u).collect();
        let got = analyse(&x, 48e3, None).expect("legal");
        let product = got.products.iter().find(|p| (p.m, p.n) == (2, -1)).expect("there");
        assert!((product.amplitude.expect("apart") - 0.75 * 0.02 * 0.064).abs() < 1e-9, "{product:?}");
        assert!((got.frequencies_hz[1].expect("found") - 0.083_91 * 48e3).abs() < 1e-4);
        assert_eq!(got.imd2_dbc, Err(Absent::NothingThere));
    }

    #[test]
    fn missing_tones_are_named() {
        let why = |x: &[f64]| analyse(x, 48e3, None).expect("legal").imd3_dbc.expect_err("no two tones");
        assert_eq!(why(&[0.0; 1000]), Absent::Silence);
        assert!(matches!(why(&tones(4096, &[(0.1, 0.5)])), Absent::NotApplicable { .. }));
        assert!(matches!(why(&[0.5, 0.25]), Absent::TooShort { .. }));
        let noise: Vec<f64> =
            (0..4096u64).map(|i| ((i * i * 2_654_435_761) % 65_537) as f64 / 65_537.0 - 0.5).collect();
        assert!(matches!(why(&noise), Absent::NoTone { .. }));
        assert!(analyse(&noise, 48e3, Some([2000.0, 1000.0])).is_err());
    }

    #[test]
    fn a_multitone_gives_levels_and_the_rest() {
        let list: Vec<(f64, f64)> = (1..=20).map(|i| (0.02 * f64::from(i) + 0.001_7, 0.04)).collect();
        let mut x = tones(9_600, &list);
        x.iter_mut().enumerate().for_each(|(i, x)| *x += if i % 2 == 0 { 1e-4 } else { -1e-4 });
        let hz: Vec<f64> = list.iter().map(|(f, _)| f * 48e3).collect();
        let got = multitone(&x, 48e3, &hz).expect("legal");
        for level in &got.levels_dbfs {
            assert!((level.expect("loud") - 20.0 * 0.04f64.log10()).abs() < 1e-3);
        }
        assert!((got.td_n_dbfs.expect("there") - 10.0 * (2.0f64 * 1e-8).log10()).abs() < 0.02);
        assert!(multitone(&x, 48e3, &[]).is_err());
        assert!(multitone(&x, 48e3, &[100.0, 100.1]).is_err());
        assert_eq!(multitone(&[0.0; 9600], 48e3, &hz).expect("legal").td_n_db, Err(Absent::Silence));
    }
}
