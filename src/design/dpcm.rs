//! DPCM for a signal, designed with its own quantization noise in the loop.
//!
//! ```text
//! +--> run the loop on the signal --> noise power ----> predictor for a past with that noise
//! |                              \--> differences ----> levels of least error, weighted by scale^2
//! |                               \-> next |difference| after each code --> its multiplier
//! +--- a few rounds; the best round counts
//! ```
//!
//! No theory says which order and which speed of adaptation the noise leaves useful, so several are tried, and what the
//! closed loop gave is compared. A multiplier is optimal when scale times multiplier is the root mean square of the next
//! difference (Jayant, A one-word memory, 1973, section III); errors count as they are heard by a mean square over the
//! whole signal, so samples at large scales weigh more.
//!
//! Source: N. S. Jayant, P. Noll, Digital Coding of Waveforms, 1984, chapters 4.10 and 6.4.

use super::{Samples, optimal_partition, snr_db};
use crate::{
    Error, Result, parallel,
    predictive::{Autocorrelation, Difference, Dpcm, Predictor, ScaledCodebook, StepRule},
    quantizer::Codebook,
};

/// Orders that are tried.
const ORDERS: [usize; 8] = [0, 1, 2, 4, 8, 16, 32, 64];
/// Most bits: codes are bytes.
pub const MAX_BITS: u32 = 8;
/// Most rounds of running the loop and designing anew, and rounds without a better one after which no more are tried.
const N_ROUNDS: usize = 6;
const N_ROUNDS_IN_VAIN: usize = 2;
/// Cells of the histogram of differences.
const N_CELLS: usize = 1 << 12;
/// Differences in units of the scale up to which cells are about equally wide; beyond, they widen with the difference.
const EVEN_CELLS: f64 = 0.125;
/// Share of a new multiplier in the next round, on a logarithmic scale: the loop that it was measured in is another.
const NEW_SHARE: f64 = 0.7;
/// Multipliers are kept within this range.
const MULTIPLIERS: (f64, f64) = (0.3, 5.0);
/// Scales from 120 dB below the signal's to full scale.
const SCALE_DOWN: f64 = 1e-6;

/// A coder that was designed, and what it gave on the signal.
#[derive(Debug, Clone)]
pub struct DpcmDesign {
    /// From past outputs to the next sample.
    pub predictor: Predictor,
    /// What quantizes the difference.
    pub quantizer: ScaledCodebook,
    /// Signal power over error power in the closed loop on the signal of the design, dB; infinite without error.
    pub snr_db: f64,
}

impl DpcmDesign {
    /// A coder at rest.
    pub fn coder(&self) -> Dpcm {
        Dpcm::new(self.predictor.clone(), self.quantizer.clone())
    }
}

/// Designs at `bits` a sample for `stretches` of a signal, each coded from rest; full scale 1.0. The best on these
/// stretches comes first.
///
/// ```
/// use sqnr::design::dpcm;
///
/// let x: Vec<f64> = (0..8_000).map(|i| 0.5 * (0.05 * f64::from(i)).sin() * (0.001 * f64::from(i)).cos()).collect();
/// let best = dpcm::candidates(&[x], 3, 16)?.remove(0);
/// // Eight levels alone give 16 dB for a sine.
/// assert!(best.snr_db > 35.0);
/// # Ok::<(), sqnr::Error>(())
/// ```
///
/// # Errors
/// `InvalidParameter` outside 1 to 8 bits, for more than 64 coefficients, or for samples that are not finite; `NoResult`
/// for silence.
pub fn candidates(stretches: &[Vec<f64>], bits: u32, most_coefficients: usize) -> Result<Vec<DpcmDesign>> {
    if !(1..=MAX_BITS).contains(&bits) {
        return Err(Error::invalid("bits of DPCM", bits, format!("1 to {MAX_BITS}")));
    }
    let signals: Vec<&[f64]> = stretches.iter().map(Vec::as_slice).collect();
    let autocorrelation = Autocorrelation::of(&signals, most_coefficients)?;
    let loop_ = Loop { stretches, autocorrelation, n_levels: 1 << bits };
    let orders = ORDERS.into_iter().filter(|&order| order < most_coefficients).chain([most_coefficients]);
    let starts: Vec<(usize, Start)> = orders.flat_map(|order| Start::ALL.map(|start| (order, start))).collect();
    let mut found: Vec<DpcmDesign> = parallel::map(&starts, |&(order, start)| loop_.design(order, start, bits))
        .into_iter()
        .filter_map(Result::transpose)
        .collect::<Result<_>>()?;
    found.sort_by(|a, b| b.snr_db.total_cmp(&a.snr_db));
    match found.is_empty() {
        true => Err(Error::NoResult { what: "has too few different samples for DPCM".into() }),
        false => Ok(found),
    }
}

/// What a design starts from, and whether its scale moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Start {
    /// Levels of the differences, one scale.
    Fixed,
    /// Levels of the differences, a scale that follows them.
    Adaptive,
    /// Jayant's equal steps and multipliers, which stay.
    Jayant,
}

impl Start {
    const ALL: [Self; 3] = [Self::Fixed, Self::Adaptive, Self::Jayant];
}

/// The signal that the loop is run on.
struct Loop<'a> {
    stretches: &'a [Vec<f64>],
    autocorrelation: Autocorrelation,
    n_levels: usize,
}

/// A run of the loop.
struct Run {
    error_power: f64,
    codes: Vec<u8>,
    differences: Vec<Difference>,
}

impl Loop<'_> {
    /// The best of some rounds; none when the start does not exist for so many bits or values.
    fn design(&self, order: usize, start: Start, bits: u32) -> Result<Option<DpcmDesign>> {
        let Some((mut predictor, mut quantizer)) = self.start(order, start, bits)? else { return Ok(None) };
        let mut best: Option<DpcmDesign> = None;
        let mut n_in_vain = 0;
        for _ in 0..N_ROUNDS {
            let run = self.run(&predictor, &quantizer);
            let snr_db = snr_db(self.autocorrelation.power(), run.error_power);
            if best.as_ref().is_none_or(|best| snr_db > best.snr_db) {
                best = Some(DpcmDesign { predictor, quantizer: quantizer.clone(), snr_db });
                n_in_vain = 0;
            } else if n_in_vain == N_ROUNDS_IN_VAIN {
                break;
            } else {
                n_in_vain += 1;
            }
            predictor = self.predictor(order, run.error_power)?;
            quantizer = match start {
                Start::Jayant => quantizer,
                Start::Fixed | Start::Adaptive => match self.refined(&run, &quantizer, start)? {
                    Some(refined) => refined,
                    None => break,
                },
            };
        }
        Ok(best)
    }

    /// Levels for the differences to predictions from the clean past, noise as of bits without prediction added.
    fn start(&self, order: usize, start: Start, bits: u32) -> Result<Option<(Predictor, ScaledCodebook)>> {
        let noise_power = self.autocorrelation.power() / 4f64.powi(bits as i32);
        let predictor = self.predictor(order, noise_power)?;
        if start == Start::Jayant {
            let steps = ScaledCodebook::jayant(bits, if order == 0 { StepRule::Pcm } else { StepRule::Dpcm });
            return Ok(steps.ok().map(|steps| (predictor, steps)));
        }
        let differences: Vec<Difference> =
            self.stretches.iter().flat_map(|x| open_loop_differences(x, predictor.coefficients())).collect();
        let power = differences.iter().map(|d| d.value * d.value).sum::<f64>() / differences.len() as f64;
        let scale = power.sqrt().max(f64::MIN_POSITIVE);
        let scaled = differences.iter().map(|d| Difference { scale, ..*d });
        let Some(codebook) = self.levels(scaled)? else { return Ok(None) };
        let quantizer = match start {
            Start::Adaptive => {
                // A first guess that shrinks at the smallest levels and grows beyond the root mean square.
                let multiplier = |level: &f64| (0.85 + 0.35 * level.abs()).clamp(MULTIPLIERS.0, MULTIPLIERS.1);
                let multipliers = codebook.levels().iter().map(multiplier).collect();
                ScaledCodebook::new(codebook, multipliers, scale, (scale * SCALE_DOWN, scale.max(1.0)))?
            }
            Start::Fixed | Start::Jayant => {
                let multipliers = vec![1.0; codebook.levels().len()];
                ScaledCodebook::new(codebook, multipliers, scale, (scale, scale))?
            }
        };
        Ok(Some((predictor, quantizer)))
    }

    fn predictor(&self, order: usize, noise_power: f64) -> Result<Predictor> {
        self.autocorrelation.predictor(order, noise_power)
    }

    fn run(&self, predictor: &Predictor, quantizer: &ScaledCodebook) -> Run {
        let n = self.stretches.iter().map(Vec::len).sum();
        let mut run = Run { error_power: 0.0, codes: Vec::with_capacity(n), differences: Vec::with_capacity(n) };
        for x in self.stretches {
            let mut coder = Dpcm::new(predictor.clone(), quantizer.clone());
            for &x in x {
                let (code, y, difference) = coder.code(x);
                run.error_power += (y - x) * (y - x);
                run.codes.push(code);
                run.differences.push(difference);
            }
        }
        run.error_power /= n as f64;
        run
    }

    /// Levels and multipliers for what a run quantized; none when its differences have too few values.
    fn refined(&self, run: &Run, quantizer: &ScaledCodebook, start: Start) -> Result<Option<ScaledCodebook>> {
        let Some(codebook) = self.levels(run.differences.iter().copied())? else { return Ok(None) };
        let multipliers = match start {
            Start::Adaptive => followed(run, quantizer.multipliers()),
            Start::Fixed | Start::Jayant => quantizer.multipliers().to_vec(),
        };
        ScaledCodebook::new(codebook, multipliers, quantizer.first_scale(), quantizer.scale_range()).map(Some)
    }

    /// The levels of least error over differences in units of their scales, each weighted by the square of it.
    fn levels(&self, differences: impl Iterator<Item = Difference> + Clone) -> Result<Option<Codebook>> {
        let place = |u: f64| (u / EVEN_CELLS).asinh();
        let units = || differences.clone().map(|d| (d.value / d.scale, d.scale * d.scale));
        let (low, high) =
            units().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), (u, _)| (low.min(u), high.max(u)));
        let (first, cells_per_place) = (place(low), (N_CELLS - 1) as f64 / (place(high) - place(low)).max(1e-9));
        let mut cells = vec![(0.0, 0.0); N_CELLS];
        for (u, weight) in units() {
            // `as` keeps what rounding moves below the first cell in it.
            let cell = &mut cells[(((place(u) - first) * cells_per_place) as usize).min(N_CELLS - 1)];
            *cell = (cell.0 + weight, cell.1 + weight * u);
        }
        let mut centroids: Vec<(f64, f64)> = Vec::new();
        for (weight, weighted) in cells.into_iter().filter(|cell| cell.0 > 0.0) {
            let u = weighted / weight;
            // Rounded means of neighbouring cells may coincide.
            if centroids.last().is_none_or(|last| last.0 < u) {
                centroids.push((u, weight));
            }
        }
        let (values, weights): (Vec<f64>, Vec<f64>) = centroids.into_iter().unzip();
        // Squares of scales under 1e-154 are no numbers any more.
        if values.len() < self.n_levels {
            return Ok(None);
        }
        let samples = Samples::from_histogram(&values, &weights)?;
        if samples.n_distinct() < self.n_levels {
            return Ok(None);
        }
        optimal_partition::optimal(&samples, self.n_levels)?.codebook().map(Some)
    }
}

/// Differences to predictions from the clean past, at scale 1.
fn open_loop_differences<'a>(x: &'a [f64], coefficients: &'a [f64]) -> impl Iterator<Item = Difference> + 'a {
    (0..x.len()).map(move |i| {
        let past = x[..i].iter().rev();
        let prediction: f64 = coefficients.iter().zip(past).map(|(a, x)| a * x).sum();
        Difference { value: x[i] - prediction, scale: 1.0 }
    })
}

/// Multipliers that make scale times multiplier the root mean square of the difference after a code, mixed with those
/// before.
fn followed(run: &Run, before: &[f64]) -> Vec<f64> {
    let mut energies = vec![(0.0, 0.0); before.len()];
    for (code, pair) in run.codes.iter().zip(run.differences.windows(2)) {
        let energy = &mut energies[usize::from(*code)];
        *energy = (energy.0 + pair[1].value * pair[1].value, energy.1 + pair[0].scale * pair[0].scale);
    }
    let follow = |(&before, (next, scale)): (&f64, (f64, f64))| match (next / scale).sqrt() {
        new if new > 0.0 && new.is_finite() => {
            (before.powf(1.0 - NEW_SHARE) * new.powf(NEW_SHARE)).clamp(MULTIPLIERS.0, MULTIPLIERS.1)
        }
        _ => before,
    };
    before.iter().zip(energies).map(follow).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::{Kind, TestSignal, signal};

    /// Noise through one pole: neighbours are alike.
    fn coloured(pole: f64, n_samples: u64) -> Vec<f64> {
        let noise = TestSignal { kind: Kind::White, level_dbfs: -30.0, n_samples, ..TestSignal::default() };
        let mut x = signal(noise).expect("legal").into_channels().remove(0);
        (1..x.len()).for_each(|i| x[i] += pole * x[i - 1]);
        x
    }

    /// At a high rate prediction gains 1 / (1 - pole^2), and no more.
    #[test]
    fn the_gain_over_lloyd_max_is_that_of_prediction() {
        let x = coloured(0.95, 30_000);
        let samples = Samples::new(&x).expect("finite");
        let alone = optimal_partition::optimal(&samples, 64).expect("levels").snr_db;
        let best = candidates(&[x], 6, 8).expect("a design").remove(0);
        let theory = -10.0 * (1.0 - 0.95f64.powi(2)).log10();
        assert!((best.snr_db - alone - theory).abs() < 0.8, "{} {alone} {theory}", best.snr_db);
    }

    /// White noise has nothing to predict: DPCM is then Lloyd-Max.
    #[test]
    fn what_cannot_be_predicted_is_not_made_worse() {
        let x = coloured(0.0, 20_000);
        let samples = Samples::new(&x).expect("finite");
        for bits in [1, 2, 3, 5, 8] {
            let alone = optimal_partition::optimal(&samples, 1 << bits).expect("levels").snr_db;
            let best = candidates(std::slice::from_ref(&x), bits, 4).expect("a design").remove(0).snr_db;
            assert!(best > alone - 0.05 && best < alone + 0.2, "{bits} bits: {best} against {alone}");
        }
    }

    #[test]
    fn a_pure_tone_does_not_collapse() {
        let x: Vec<f64> = (0..20_000).map(|i| 0.5 * (0.02 * f64::from(i)).sin()).collect();
        for bits in 1..=4 {
            let found = candidates(std::slice::from_ref(&x), bits, 16).expect("a design");
            assert!(found[0].snr_db > 6.0 * f64::from(bits), "{bits} bits: {}", found[0].snr_db);
            let mut coder = found[0].coder();
            let y = found[0].coder().decode(&coder.encode(&x));
            let error = x.iter().zip(&y).map(|(x, y)| (y - x) * (y - x)).sum::<f64>();
            let snr = 10.0 * (x.iter().map(|x| x * x).sum::<f64>() / error).log10();
            assert!((snr - found[0].snr_db).abs() < 1e-9, "what was printed is what it does");
        }
    }

    #[test]
    fn odd_signals_give_designs_or_errors() {
        assert!(matches!(candidates(&[vec![0.0; 100]], 3, 4), Err(Error::NoResult { .. })));
        assert!(candidates(&[vec![0.5, -0.5]], 9, 4).is_err() && candidates(&[vec![0.5]], 3, 65).is_err());
        // Two values need one bit; Jayant's steps do not ask for values.
        let square: Vec<f64> = (0..200).map(|i| if i % 20 < 10 { 0.5 } else { -0.5 }).collect();
        assert!(
            candidates(std::slice::from_ref(&square), 3, 2).expect("Jayant's").iter().all(|d| d.snr_db.is_finite())
        );
        assert_eq!(candidates(&[square], 1, 0).expect("two levels")[0].snr_db, f64::INFINITY);
        let tiny = vec![1e-300, -1e-300, 2e-300];
        assert!(candidates(std::slice::from_ref(&tiny), 2, 1).is_ok());
        assert!(matches!(candidates(&[tiny], 1, 1), Err(Error::NoResult { .. })));
    }
}
