//! The SNR of several methods against level or bit depth, each measured on the whole stimulus at every point.

use std::sync::Arc;

use crate::{
    Error, Progress, Result,
    analysis::error_statistics::full_scale_sine_sqnr_db,
    chain::{Meter, Pcm, Piece, Plan, training},
    design::Samples,
    parallel,
    quantizer::Quantizer,
    recipe::{Depth, DitherChoice, Law, Method, NamedMethod, Recipe, Shape, Word},
    report::plot::{
        Chart,
        curves::{Curve, Origin},
        snr_bits::SnrBits,
        snr_level::SnrLevel,
    },
    shaping::Dither,
};

use super::Stimulus;

/// Levels that are measured, dBFS: from the smallest that 16 bits hold to 6 dB into overload.
const LEVELS_DBFS: std::ops::RangeInclusive<i32> = -90..=6;
/// Distance between them, dB.
const LEVEL_STEP_DB: usize = 3;
/// Bit depths that are measured.
const DEPTHS: std::ops::RangeInclusive<u32> = 1..=16;
/// Lloyd-Max stops here: beyond, every value of short material has a level of its own.
const MAX_TRAINED_BITS: u32 = 8;

/// A curve before it is measured.
struct Candidate {
    name: String,
    recipe: Recipe,
}

/// One point of a curve, being measured.
struct Point {
    /// Where it stands on the horizontal axis.
    at: f64,
    gain: f64,
    chain: Pcm,
    meter: Meter,
    x: Vec<Vec<f64>>,
}

/// SNR against the level of the input.
///
/// ```
/// use sqnr::{chain::Plan, task::picture::{Stimulus, against_level}};
///
/// let plan = Plan::new(&"uniform bits=8".parse()?)?;
/// let chart = against_level(&Stimulus::sine(), &plan, &())?;
/// assert!(!chart.panels[0].series.is_empty());
/// # Ok::<(), sqnr::Error>(())
/// ```
///
/// # Errors
/// `NoResult` in silence; what designing and reading meet.
pub fn against_level(stimulus: &Stimulus, plan: &Plan, progress: &dyn Progress) -> Result<Chart> {
    let recipe = plan.recipe();
    let own_dbfs = stimulus.level_dbfs()?;
    let samples = stimulus.distribution()?;
    let mut candidates = usual_candidates(recipe);
    candidates.push(candidate(NamedMethod::ALaw, Dither::None, recipe));
    // Learnt from the stimulus at its own level: the curve shows what another level costs.
    let bits = recipe.bits();
    if bits.is_some_and(|bits| depths(&NamedMethod::LloydMax.into(), &samples).contains(&bits)) {
        candidates.push(candidate(NamedMethod::LloydMax, Dither::None, recipe));
    }
    let lines = with_own(candidates, recipe).into_iter().map(|candidate| {
        let quantizer = stimulus_quantizer(&candidate.recipe, &samples)?;
        let levels = LEVELS_DBFS.step_by(LEVEL_STEP_DB).map(f64::from);
        let points = levels.map(|level| {
            let gain = 10.0_f64.powf((level - own_dbfs) / 20.0);
            Point::new((level, gain), Arc::clone(&quantizer), &candidate.recipe, stimulus)
        });
        Ok((candidate.name, points.collect::<Result<Vec<Point>>>()?))
    });
    let mut curves = measured(stimulus, lines.collect::<Result<_>>()?, progress)?;
    if let Some(bits) = bits {
        // At the levels of the others, so that the numbers share a table; beyond full scale there is no such rule.
        let x: Vec<f64> = LEVELS_DBFS.step_by(LEVEL_STEP_DB).map(f64::from).collect();
        let rule = |level: f64| full_scale_sine_sqnr_db(f64::from(bits)) + level;
        let y = x.iter().map(|&level| if level <= 0.0 { rule(level) } else { f64::NAN }).collect();
        curves.push(Curve { name: format!("6.02 · {bits} + 1.76 dB + level"), x, y, origin: Origin::Theory });
    }
    let depth = bits.map(|bits| format!(" · {bits} bits")).unwrap_or_default();
    Ok(SnrLevel { conditions: stimulus.describe() + &depth, curves }.chart())
}

/// SNR against bit depth.
///
/// # Errors
/// `InvalidParameter` for a recipe with levels or a codebook's file; what designing and reading meet.
pub fn against_bits(stimulus: &Stimulus, plan: &Plan, progress: &dyn Progress) -> Result<Chart> {
    let recipe = plan.recipe();
    if let Some(Depth::Levels(levels)) = recipe.depth {
        return Err(Error::invalid("levels", levels, "none; every bit depth is tried"));
    }
    if let Method::File(_) = recipe.method {
        return Err(Error::invalid("method", recipe.method.word(), "a named one; every bit depth is tried"));
    }
    let samples = stimulus.distribution()?;
    let mut candidates = usual_candidates(recipe);
    candidates.push(candidate(NamedMethod::LloydMax, Dither::None, recipe));
    let lines = with_own(candidates, recipe).into_iter().map(|candidate| {
        let points = depths(&candidate.recipe.method, &samples).map(|bits| {
            let recipe = Recipe { depth: Some(Depth::Bits(bits)), ..candidate.recipe.clone() };
            let quantizer = stimulus_quantizer(&recipe, &samples)?;
            Point::new((f64::from(bits), 1.0), quantizer, &recipe, stimulus)
        });
        Ok((candidate.name.clone(), points.collect::<Result<Vec<Point>>>()?))
    });
    let curves = measured(stimulus, lines.collect::<Result<_>>()?, progress)?;
    Ok(SnrBits { conditions: stimulus.describe(), curves }.chart())
}

/// Trained quantizers need more distinct values than levels.
fn depths(method: &Method, samples: &Samples) -> std::ops::RangeInclusive<u32> {
    match method.is(NamedMethod::LloydMax) {
        true => 1..=samples.n_distinct().max(1).ilog2().min(MAX_TRAINED_BITS),
        false => DEPTHS,
    }
}

/// What every picture compares.
fn usual_candidates(recipe: &Recipe) -> Vec<Candidate> {
    vec![
        candidate(NamedMethod::Uniform, Dither::None, recipe),
        candidate(NamedMethod::Uniform, Dither::Triangular, recipe),
        candidate(NamedMethod::MuLaw, Dither::None, recipe),
    ]
}

fn candidate(method: NamedMethod, dither: Dither, recipe: &Recipe) -> Candidate {
    // The formula at every depth: G.711 has its own steps at 8 bits alone.
    let law = method.is_companding().then_some(Law::Continuous);
    let (seed, container) = (recipe.seed, recipe.container);
    named(Recipe { depth: recipe.depth, dither: dither.into(), law, seed, container, ..Recipe::new(method) })
}

fn is_uniform(recipe: &Recipe) -> bool {
    recipe.method.is(NamedMethod::Uniform) || recipe.method.is(NamedMethod::MidRise)
}

/// The user's own method first, where it is not among the usual ones.
fn with_own(mut candidates: Vec<Candidate>, recipe: &Recipe) -> Vec<Candidate> {
    let dither = match recipe.dither {
        DitherChoice::Auto if is_uniform(recipe) => Dither::Triangular.into(),
        DitherChoice::Auto => Dither::None.into(),
        chosen => chosen,
    };
    let own = named(Recipe { dither, ..recipe.clone() });
    match candidates.iter().position(|candidate| candidate.name == own.name) {
        Some(same) => candidates[..=same].rotate_right(1),
        None => candidates.insert(0, own),
    }
    candidates
}

fn named(recipe: Recipe) -> Candidate {
    let dither = match recipe.dither {
        _ if !is_uniform(&recipe) => String::new(),
        DitherChoice::Of(Dither::None) => ", no dither".into(),
        DitherChoice::Auto => format!(", {}", Dither::Triangular),
        DitherChoice::Of(dither) => format!(", {dither}"),
    };
    let law = match recipe.law {
        Some(law) if law != Law::Continuous => format!(" ({})", law.word()),
        _ => String::new(),
    };
    let compression = recipe.compression.map(|c| format!(" {c}")).unwrap_or_default();
    let shaped = if recipe.shape == Shape::None { "" } else { ", shaped" };
    Candidate { name: format!("{}{law}{compression}{dither}{shaped}", recipe.method.word()), recipe }
}

/// The quantizer; `lloyd-max` learns from the stimulus, whose samples these are.
fn stimulus_quantizer(recipe: &Recipe, samples: &Samples) -> Result<Arc<dyn Quantizer>> {
    match recipe.method.is(NamedMethod::LloydMax) {
        true => Ok(Arc::new(training::codebook(samples, recipe.levels().unwrap_or(2))?)),
        false => Plan::new(recipe)?.fixed_quantizer(),
    }
}

impl Point {
    fn new(
        (at, gain): (f64, f64),
        quantizer: Arc<dyn Quantizer>,
        recipe: &Recipe,
        stimulus: &Stimulus,
    ) -> Result<Self> {
        let spec = crate::wav::Spec { channels: 1, ..*stimulus.spec() };
        let chain = Pcm::new(quantizer, recipe, &spec, None)?;
        let meter = Meter::new(&chain, 1)?;
        Ok(Self { at, gain, chain, meter, x: vec![Vec::new()] })
    }

    fn take(&mut self, x: &[f64]) -> Result<()> {
        self.x[0].clear();
        self.x[0].extend(x.iter().map(|x| x * self.gain));
        self.meter.push(&mut self.chain, &mut self.x, &mut nowhere)
    }

    /// The SNR in dB; NaN, which leaves a gap in the curve, where there is no error.
    fn snr_db(&mut self) -> Result<f64> {
        self.meter.finish(&mut self.chain, &mut nowhere)?;
        Ok(self.meter.figures().snr_db.unwrap_or(f64::NAN))
    }
}

/// A sink that keeps nothing.
fn nowhere(_: &[Vec<f64>], _: &Piece) -> Result<()> {
    Ok(())
}

/// Reads the stimulus once; every point of every curve takes every block.
fn measured(stimulus: &Stimulus, mut lines: Vec<(String, Vec<Point>)>, progress: &dyn Progress) -> Result<Vec<Curve>> {
    let mut failed = Ok(());
    stimulus.each_block(progress, |x| {
        let mut points: Vec<(&mut Point, Result<()>)> =
            lines.iter_mut().flat_map(|(_, points)| points).map(|point| (point, Ok(()))).collect();
        parallel::for_each(&mut points, |(point, outcome)| *outcome = point.take(x));
        if let (Ok(()), Some((_, Err(error)))) = (&failed, points.into_iter().find(|(_, outcome)| outcome.is_err())) {
            failed = Err(error);
        }
    })?;
    failed?;
    let curve = |(name, mut points): (String, Vec<Point>)| {
        let y = points.iter_mut().map(Point::snr_db).collect::<Result<_>>()?;
        Ok(Curve { name, x: points.iter().map(|point| point.at).collect(), y, origin: Origin::Measured })
    };
    lines.into_iter().filter(|(_, points)| !points.is_empty()).map(curve).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_users_own_method_comes_first_and_once() {
        let names = |text: &str| -> Vec<String> {
            let recipe: Recipe = text.parse().expect("legal");
            with_own(usual_candidates(&recipe), &recipe).into_iter().map(|candidate| candidate.name).collect()
        };
        assert_eq!(names("uniform bits=8"), ["uniform, tpdf", "uniform, no dither", "mu-law"]);
        let shaped = names("uniform bits=8 dither=none shape=1");
        assert_eq!((shaped[0].as_str(), shaped.len()), ("uniform, no dither, shaped", 4));
        assert_eq!(names("mu-law bits=8 law=itu")[0], "mu-law (itu)");
    }
}
