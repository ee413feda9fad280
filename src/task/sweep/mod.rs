//! Every method at every rate on one audio: what each pays, what it gets, and which to take.
//!
//! ```text
//! entrants: a Recipe each ---> chain::run on the audio ---> rate, SNR, loudness of the error: a Point
//!                                                              |
//! distribution of all samples ---> R(D) of independent draws --+---> gap, front, recommendation
//! ```
//!
//! A row is what its recipe does to this audio, not what theory promises for draws of its distribution. Long audio is
//! represented by stretches from all over it; what is recommended is then measured on the whole.

mod entrants;
mod measure;

use std::sync::atomic::{AtomicU64, Ordering};

use crate::{
    Error, Progress, Result, Signal,
    analysis::weighting::Weighting,
    audio_file::Reopen,
    chain::training,
    design::rate_distortion::RateDistortion,
    parallel,
    recipe::{NamedMethod, Recipe},
};
use entrants::Entrant;

/// Most bits a sweep goes to.
pub const MAX_BITS: u32 = 16;
/// Samples of all channels up to which all rows are of the whole audio.
const MAX_WHOLE: u64 = 1 << 23;
/// Samples of all channels up to which the audio is held in memory, and those of the stretches of longer audio.
const MAX_HELD: usize = 1 << 21;
/// Samples per channel of a stretch.
const STRETCH: usize = 1 << 15;

/// What a method does at one setting.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// Method, dither and shape in a few words.
    pub name: String,
    /// What does it.
    pub recipe: Recipe,
    /// Bits a sample that it was asked for.
    pub bits: f64,
    /// What it costs, bits a sample, tables included where there are any.
    pub rate_bits: f64,
    /// Signal power over error power, dB; infinite without error.
    pub snr_db: f64,
    /// dB below R(D) of independent draws at this rate; negative above it.
    pub gap_db: f64,
    /// Weighted level of the error of the first channel, dBFS; none where it has less than two samples.
    pub noise_db: Option<f64>,
}

impl Point {
    /// True when the rate is that of codes of different lengths.
    pub fn is_entropy_coded(&self) -> bool {
        let variable = [NamedMethod::EntropyCoded, NamedMethod::EntropyConstrained, NamedMethod::Dependent];
        self.recipe.method.named().is_some_and(|method| variable.contains(&method))
    }
}

/// The result of a sweep.
#[derive(Debug, Clone, PartialEq)]
pub struct Sweep {
    /// Every method at every bit depth it has.
    pub points: Vec<Point>,
    /// The bound for independent draws of the audio's distribution. What uses the likeness of neighbours may pass it.
    pub bound: RateDistortion,
    /// What the points were measured on.
    pub measured: Measured,
}

/// What the points of a sweep were measured on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Measured {
    /// All of the audio.
    Whole,
    /// Stretches from all over it.
    Stretches {
        /// Samples per channel of all stretches.
        n_frames: u64,
        /// Samples per channel of the audio.
        of: u64,
    },
}

/// What the user needs; without any wish the highest SNR wins.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Requirement {
    /// Least SNR, dB.
    pub target_snr_db: Option<f64>,
    /// Greatest rate, bits a sample.
    pub max_rate_bits: Option<f64>,
    /// Codes of which lengths.
    pub codes: Codes,
}

/// Codes of which lengths a recommendation may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Codes {
    /// Any.
    #[default]
    Any,
    /// Of one length, which need no entropy decoder.
    FixedLength,
}

/// Tries every method at 1 to `max_bits` bits.
///
/// ```
/// use sqnr::{Signal, analysis::weighting::Weighting, task::sweep};
///
/// let ramp = Signal::new(48_000, vec![(0..1_000).map(|i| f64::from(i) / 500.0 - 1.0).collect()])?;
/// let found = sweep::run(&ramp, 2, Weighting::A, &())?;
/// let of = |name: &str| found.points.iter().find(|p| p.name == name && p.bits == 2.0).map(|p| p.snr_db);
/// // A ramp fills its range evenly, and each sample says where the next one is.
/// assert!((of("mid-rise").unwrap() - 12.04).abs() < 0.1 && of("dpcm") > of("lloyd-max"));
/// # Ok::<(), sqnr::Error>(())
/// ```
///
/// # Errors
/// `InvalidParameter` unless `max_bits` is 1 to 16; `NoResult` when all samples are equal; what reading meets.
pub fn run(audio: &dyn Reopen, max_bits: u32, weighting: Weighting, progress: &dyn Progress) -> Result<Sweep> {
    if !(1..=MAX_BITS).contains(&max_bits) {
        return Err(Error::invalid("bits of a sweep", max_bits, format!("1 to {MAX_BITS}")));
    }
    let bound = RateDistortion::of_samples(&training::distribution(&[audio])?)?;
    let bench = Bench::new(audio)?;
    let entrants = entrants::all(max_bits);
    let points = bench.points(&entrants, weighting, progress)?;
    let mut sweep = Sweep { points, bound, measured: bench.measured };
    sweep.find_gaps();
    Ok(sweep)
}

/// The audio as it is measured.
struct Bench<'a> {
    audio: &'a dyn Reopen,
    held: Option<Signal>,
    measured: Measured,
    n_frames: u64,
    sample_rate_hz: u32,
}

impl<'a> Bench<'a> {
    fn new(audio: &'a dyn Reopen) -> Result<Self> {
        let source = audio.open()?;
        let spec = source.info().spec;
        let n_frames = match source.info().n_frames {
            Some(n) => n,
            None => count_frames(audio)?,
        };
        let n_samples = n_frames.saturating_mul(spec.channels.into());
        let bench =
            Self { audio, held: None, measured: Measured::Whole, n_frames, sample_rate_hz: spec.sample_rate_hz };
        if n_samples > MAX_HELD as u64 && n_samples <= MAX_WHOLE {
            return Ok(bench);
        }
        let held = held(audio, usize::from(spec.channels), spec.sample_rate_hz)?;
        let kept = held.len() as u64;
        let measured = match kept < n_frames {
            true => Measured::Stretches { n_frames: kept, of: n_frames },
            false => Measured::Whole,
        };
        Ok(Self { held: Some(held), measured, n_frames: kept, ..bench })
    }

    /// One for each entrant that goes with the audio.
    fn points(&self, entrants: &[Entrant], weighting: Weighting, progress: &dyn Progress) -> Result<Vec<Point>> {
        let audio = self.held.as_ref().map_or(self.audio, |held| held as &dyn Reopen);
        let n_done = AtomicU64::new(0);
        let rows = parallel::map(entrants, |entrant| {
            let point = measure::point(audio, entrant, weighting);
            let n_done = n_done.fetch_add(1, Ordering::Relaxed) + 1;
            progress.at(n_done * self.n_frames, Some(entrants.len() as u64 * self.n_frames), self.sample_rate_hz);
            point
        });
        rows.into_iter().filter_map(Result::transpose).collect()
    }
}

fn count_frames(audio: &dyn Reopen) -> Result<u64> {
    let mut n_frames = 0;
    audio.open()?.each_block(STRETCH, &(), |block| {
        n_frames += block[0].len() as u64;
        Ok(())
    })?;
    Ok(n_frames)
}

/// All of the audio, or stretches from all over it, one after the other.
fn held(audio: &dyn Reopen, n_channels: usize, sample_rate_hz: u32) -> Result<Signal> {
    let mut channels = vec![Vec::new(); n_channels];
    for (i, stretch) in training::stretches(audio, STRETCH, MAX_HELD)?.into_iter().enumerate() {
        channels[i % n_channels].extend(stretch);
    }
    Signal::new(sample_rate_hz, channels)
}

impl Sweep {
    fn find_gaps(&mut self) {
        for point in &mut self.points {
            point.gap_db = self.bound.snr_db(point.rate_bits) - point.snr_db;
        }
    }

    /// The points that no other point beats in both rate and SNR, by ascending rate.
    pub fn pareto_front(&self) -> Vec<Point> {
        let mut sorted = self.points.clone();
        sorted.sort_by(|a, b| a.rate_bits.total_cmp(&b.rate_bits).then(b.snr_db.total_cmp(&a.snr_db)));
        let mut best = f64::NEG_INFINITY;
        sorted.retain(|p| {
            let is_better = p.snr_db > best;
            best = best.max(p.snr_db);
            is_better
        });
        sorted
    }

    /// The cheapest point that satisfies the requirement, or, without a target SNR, the best one within the limits.
    /// Where the points are of stretches, the recommended one is measured on all of `audio`, and takes its place among the
    /// points; another is recommended when it is not what it seemed.
    ///
    /// # Errors
    /// `NoResult` when none does; it names the nearest. What reading meets.
    pub fn recommend(&mut self, audio: &dyn Reopen, wish: &Requirement, weighting: Weighting) -> Result<Point> {
        let mut verified: Vec<Recipe> = Vec::new();
        loop {
            let pick = self.pick(wish)?;
            if self.measured == Measured::Whole || verified.contains(&pick.recipe) {
                return Ok(pick);
            }
            let entrant = Entrant { name: pick.name.clone(), recipe: pick.recipe.clone(), bits: pick.bits };
            if let Some(whole) = measure::point(audio, &entrant, weighting)? {
                let place = self.points.iter().position(|p| p.recipe == pick.recipe).expect("it was picked from them");
                self.points[place] = whole;
                self.find_gaps();
            }
            verified.push(pick.recipe);
        }
    }

    fn pick(&self, wish: &Requirement) -> Result<Point> {
        let within = |p: &&Point| {
            (wish.codes == Codes::Any || !p.is_entropy_coded())
                && wish.max_rate_bits.is_none_or(|most| p.rate_bits <= most + 1e-9)
        };
        let allowed: Vec<&Point> = self.points.iter().filter(within).collect();
        let best =
            allowed.iter().max_by(|a, b| a.snr_db.total_cmp(&b.snr_db).then(b.rate_bits.total_cmp(&a.rate_bits)));
        let Some(&best) = best else {
            return Err(Error::NoResult { what: "no method has so low a rate".into() });
        };
        let Some(target) = wish.target_snr_db else { return Ok(best.clone()) };
        let enough = allowed.iter().filter(|p| p.snr_db >= target);
        enough
            .min_by(|a, b| a.rate_bits.total_cmp(&b.rate_bits).then(b.snr_db.total_cmp(&a.snr_db)))
            .map(|p| (*p).clone())
            .ok_or_else(|| {
                let Point { name, rate_bits, snr_db, .. } = best;
                let what = format!(
                    "nothing within the limits reaches {target} dB; {name} at {rate_bits:.2} bits reaches {snr_db:.2} dB"
                );
                Error::NoResult { what }
            })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use super::*;
    use crate::{
        design::{Samples, draws::shuffled_quantiles},
        task::quantize,
    };

    /// Independent draws of a Laplacian of standard deviation 0.1.
    static DRAWS: LazyLock<Signal> = LazyLock::new(|| {
        let n = 20_000;
        let quantile = |u: f64| if u < 0.5 { (2.0 * u).ln() } else { -(2.0 - 2.0 * u).ln() };
        let x: Vec<f64> = (0..n).map(|i| 0.0707 * quantile((f64::from(i) + 0.5) / f64::from(n))).collect();
        let samples = Samples::new(&x).expect("legal");
        Signal::new(48_000, vec![shuffled_quantiles(&samples, 20_000, 1)]).expect("legal")
    });
    static SWEEP: LazyLock<Sweep> = LazyLock::new(|| run(&*DRAWS, 4, Weighting::Flat, &()).expect("legal"));

    fn snr(name: &str, bits: u32) -> f64 {
        let found = SWEEP.points.iter().find(|p| p.name == name && p.bits == f64::from(bits));
        found.unwrap_or_else(|| panic!("{name} at {bits} bits")).snr_db
    }

    #[test]
    fn no_method_passes_the_bound_of_independent_draws_and_the_order_is_that_of_theory() {
        // Vectors and DPCM learn so few draws by heart a little.
        for p in &SWEEP.points {
            assert!(p.gap_db > if p.name == "vector" { -1.0 } else { -0.15 }, "{p:?} is above R(D)");
        }
        for bits in 2..=4 {
            assert!(snr("lloyd-max", bits) > snr("uniform", bits));
            assert!(snr("trellis", bits) > snr("lloyd-max", bits) + 0.4);
            assert!(snr("entropy-constrained", bits) > snr("lloyd-max", bits));
            assert!((snr("dpcm", bits) - snr("lloyd-max", bits)).abs() < 0.1);
        }
        // Tables count, which so few samples hardly pay for.
        let rows = SWEEP.points.iter().filter(|p| p.bits <= 2.0);
        let gap = |name| rows.clone().filter(|p| p.name == name).map(|p| p.gap_db).fold(0.0, f64::max);
        assert!(gap("dependent") < 0.8, "{}", gap("dependent"));
        assert!(gap("entropy-constrained") < 1.8, "{}", gap("entropy-constrained"));
    }

    #[test]
    fn a_row_is_what_its_recipe_does() {
        for p in SWEEP.points.iter().filter(|p| p.bits == 2.0 || p.name == "ima") {
            let done = quantize(&DRAWS, &p.recipe).expect("a recipe of the sweep");
            assert_eq!(done.snr_db().expect("there is an error"), p.snr_db, "{}", p.name);
        }
    }

    #[test]
    fn noise_is_that_of_the_error() {
        // The draws are white: flat noise lies under a full-scale sine by the SNR and the signal's own level.
        let level_db = 10.0 * (2.0 * 0.01f64).log10();
        for bits in 1..=4 {
            let p = SWEEP.points.iter().find(|p| p.name == "lloyd-max" && p.bits == f64::from(bits)).expect("a row");
            assert!((p.noise_db.expect("there are samples") - (level_db - p.snr_db)).abs() < 0.3, "{p:?}");
        }
    }

    #[test]
    fn recommendations_keep_to_the_wish() {
        let mut sweep = SWEEP.clone();
        let mut recommend = |wish: Requirement| sweep.recommend(&*DRAWS, &wish, Weighting::Flat);
        let wish = Requirement { target_snr_db: Some(15.0), ..Requirement::default() };
        let all = recommend(wish).expect("within 4 bits");
        assert!(all.snr_db >= 15.0 && all.is_entropy_coded(), "{all:?}");
        let fixed = recommend(Requirement { codes: Codes::FixedLength, ..wish }).expect("within 4 bits");
        assert!(fixed.snr_db >= 15.0 && fixed.rate_bits >= all.rate_bits && !fixed.is_entropy_coded());
        let capped = Requirement { max_rate_bits: Some(2.0), ..Requirement::default() };
        assert!(recommend(capped).expect("some").rate_bits <= 2.0 + 1e-9);
        let impossible = Requirement { target_snr_db: Some(90.0), ..wish };
        let message = recommend(impossible).expect_err("4 bits").to_string();
        assert!(message.contains("reaches 90 dB") && message.contains("bits reaches"), "{message}");
    }

    /// Loud at its ends alone, where the stretches of a sweep may not lie: what is recommended holds on the whole.
    #[test]
    fn what_is_recommended_for_long_audio_is_measured_on_all_of_it() {
        let n = MAX_WHOLE as usize + 3 * STRETCH;
        let tone = |i: usize| (i as f64 * 0.1).sin() * if i < 9 * STRETCH { 0.9 } else { 0.01 };
        let long = Signal::new(48_000, vec![(0..n).map(tone).collect()]).expect("legal");
        let entrants = [Entrant::of_bits(NamedMethod::Uniform, 8), Entrant::of_bits(NamedMethod::Uniform, 9)];
        let bench = Bench::new(&long).expect("audio");
        let points = bench.points(&entrants, Weighting::Flat, &()).expect("rows");
        let bound = RateDistortion::of_samples(&Samples::new(&[-1.0, 1.0]).expect("legal")).expect("legal");
        let mut sweep = Sweep { points, bound, measured: bench.measured };
        assert!(matches!(sweep.measured, Measured::Stretches { n_frames, of } if n_frames < of && of == n as u64));
        let pick = sweep.recommend(&long, &Requirement::default(), Weighting::Flat).expect("two rows");
        let done = quantize(&long, &pick.recipe).expect("legal");
        assert_eq!(done.snr_db().expect("an error"), pick.snr_db);
        assert!(sweep.points.contains(&pick));
    }

    #[test]
    fn the_front_rises() {
        let front = SWEEP.pareto_front();
        assert!(front.len() > 3);
        assert!(front.windows(2).all(|p| p[0].rate_bits <= p[1].rate_bits && p[0].snr_db < p[1].snr_db));
    }

    #[test]
    fn constants_and_odd_depths_are_refused() {
        let flat = Signal::new(48_000, vec![vec![0.5; 10]]).expect("legal");
        assert!(matches!(run(&flat, 8, Weighting::A, &()), Err(Error::NoResult { .. })));
        assert!(run(&flat, 0, Weighting::A, &()).is_err() && run(&flat, 17, Weighting::A, &()).is_err());
    }
}
