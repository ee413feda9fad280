//! Kinds `snr-level` and `snr-bits`: the SNR of several methods, each measured on the whole stimulus at every point.

use std::{path::Path, sync::Arc};

use rayon::prelude::*;

use sqnr::{
    analysis::error_statistics::{self, ErrorStatistics, full_scale_sine_sqnr_db},
    design::Samples,
    quantizer::Quantizer,
    report::plot::{
        Chart,
        curves::{Curve, Origin},
        snr_bits::SnrBits,
        snr_level::SnrLevel,
    },
    shaping::Requantizer,
};

use super::{
    super::{
        choices::{DitherChoice, Law, Method, Shape},
        exit::Failure,
        progress::FileProgress,
        quantize::{Settings, chain, chain::Chain},
        training,
    },
    stimulus::Stimulus,
};

/// Levels that are measured, dBFS: from the smallest that 16 bits hold to 6 dB into overload.
const LEVELS_DBFS: std::ops::RangeInclusive<i32> = -90..=6;
/// Distance between them, dB.
const LEVEL_STEP_DB: usize = 3;
/// Bit depths that are measured.
const DEPTHS: std::ops::RangeInclusive<u32> = 1..=16;
/// Lloyd-Max stops here: beyond, every value of short material has a level of its own.
const MAX_TRAINED_BITS: u32 = 8;

/// A curve before it is measured.
struct Way {
    name: String,
    settings: Settings,
}

/// One point of a curve, being measured.
struct Point {
    /// Where it stands on the horizontal axis.
    at: f64,
    gain: f64,
    requantizer: Requantizer,
    statistics: ErrorStatistics,
    x: Vec<f64>,
    y: Vec<f64>,
    indices: Vec<i32>,
}

/// SNR against the level of the input.
pub fn against_level(stimulus: &Stimulus, settings: &Settings, progress: &FileProgress) -> Result<Chart, Failure> {
    let own_dbfs = stimulus.level_dbfs()?;
    let samples = stimulus.distribution()?;
    let mut ways = usual_ways(settings);
    ways.push(way(Method::ALaw, DitherChoice::None, settings));
    // Learnt from the stimulus at its own level: the curve shows what another level costs.
    let bits = settings.bits.unwrap_or(u32::MAX);
    if settings.levels.is_none() && depths(&Method::LloydMax, &samples).contains(&bits) {
        ways.push(way(Method::LloydMax, DitherChoice::None, settings));
    }
    let lines = with_own(ways, settings).into_iter().map(|way| {
        let quantizer = stimulus_quantizer(stimulus, &way.settings, &samples)?;
        let levels = LEVELS_DBFS.step_by(LEVEL_STEP_DB).map(f64::from);
        let points = levels.map(|level| {
            let gain = 10.0_f64.powf((level - own_dbfs) / 20.0);
            Point::new(level, gain, Arc::clone(&quantizer), &way.settings, stimulus)
        });
        Ok((way.name, points.collect::<Result<Vec<Point>, Failure>>()?))
    });
    let mut curves = measured(stimulus, lines.collect::<Result<_, Failure>>()?, progress)?;
    if let Some(bits) = settings.bits {
        // At the levels of the others, so that the numbers share a table; beyond full scale there is no such rule.
        let x: Vec<f64> = LEVELS_DBFS.step_by(LEVEL_STEP_DB).map(f64::from).collect();
        let rule = |level: f64| full_scale_sine_sqnr_db(f64::from(bits)) + level;
        let y = x.iter().map(|&level| if level <= 0.0 { rule(level) } else { f64::NAN }).collect();
        curves.push(Curve { name: format!("6.02 · {bits} + 1.76 dB + level"), x, y, origin: Origin::Theory });
    }
    let depth = settings.bits.map(|bits| format!(" · {bits} bits")).unwrap_or_default();
    Ok(SnrLevel { conditions: stimulus.describe() + &depth, curves }.chart())
}

/// SNR against bit depth.
pub fn against_bits(stimulus: &Stimulus, settings: &Settings, progress: &FileProgress) -> Result<Chart, Failure> {
    if settings.levels.is_some() || matches!(settings.method, Method::File(_)) {
        return Err(Failure::usage("snr-bits tries every bit depth; leave --levels and codebook files out"));
    }
    let samples = stimulus.distribution()?;
    let mut ways = usual_ways(settings);
    ways.push(way(Method::LloydMax, DitherChoice::None, settings));
    let lines = with_own(ways, settings).into_iter().map(|way| {
        let points = depths(&way.settings.method, &samples).map(|bits| {
            let settings = Settings { bits: Some(bits), ..way.settings.clone() };
            let quantizer = stimulus_quantizer(stimulus, &settings, &samples)?;
            Point::new(f64::from(bits), 1.0, quantizer, &settings, stimulus)
        });
        Ok((way.name.clone(), points.collect::<Result<Vec<Point>, Failure>>()?))
    });
    let curves = measured(stimulus, lines.collect::<Result<_, Failure>>()?, progress)?;
    Ok(SnrBits { conditions: stimulus.describe(), curves }.chart())
}

/// Trained quantizers need more distinct values than levels.
fn depths(method: &Method, samples: &Samples) -> std::ops::RangeInclusive<u32> {
    match method {
        Method::LloydMax => 1..=samples.n_distinct().max(1).ilog2().min(MAX_TRAINED_BITS),
        _ => DEPTHS,
    }
}

/// What every picture compares.
fn usual_ways(settings: &Settings) -> Vec<Way> {
    vec![
        way(Method::Uniform, DitherChoice::None, settings),
        way(Method::Uniform, DitherChoice::Tpdf, settings),
        way(Method::MuLaw, DitherChoice::None, settings),
    ]
}

fn way(method: Method, dither: DitherChoice, settings: &Settings) -> Way {
    // The formula at every depth: G.711 has its own steps at 8 bits alone.
    let law = matches!(method, Method::MuLaw | Method::ALaw).then_some(Law::Continuous);
    named(Settings { method, dither, law, compression: None, shape: Shape::None, ..settings.clone() })
}

/// The user's own method first, where it is not among the usual ones.
fn with_own(mut ways: Vec<Way>, settings: &Settings) -> Vec<Way> {
    let uniform = matches!(settings.method, Method::Uniform | Method::MidRise);
    let dither = match settings.dither {
        DitherChoice::Auto if uniform => DitherChoice::Tpdf,
        DitherChoice::Auto => DitherChoice::None,
        chosen => chosen,
    };
    let own = named(Settings { dither, ..settings.clone() });
    match ways.iter().position(|way| way.name == own.name) {
        Some(same) => ways[..=same].rotate_right(1),
        None => ways.insert(0, own),
    }
    ways
}

fn named(settings: Settings) -> Way {
    let dither = match settings.dither {
        _ if !matches!(settings.method, Method::Uniform | Method::MidRise) => "",
        DitherChoice::None => ", no dither",
        DitherChoice::Auto | DitherChoice::Tpdf => ", tpdf",
        DitherChoice::Rpdf => ", rpdf",
        DitherChoice::HpTpdf => ", hp-tpdf",
        DitherChoice::Gaussian => ", gaussian",
        DitherChoice::Subtractive => ", subtractive",
    };
    let law = match settings.law {
        Some(law) if law != Law::Continuous => format!(" ({})", format!("{law:?}").to_lowercase()),
        _ => String::new(),
    };
    let compression = settings.compression.map(|c| format!(" {c}")).unwrap_or_default();
    let shaped = if settings.shape == Shape::None { "" } else { ", shaped" };
    Way { name: format!("{}{law}{compression}{dither}{shaped}", settings.method.name()), settings }
}

/// The quantizer; `lloyd-max` learns from the stimulus, whose samples these are.
fn stimulus_quantizer(
    stimulus: &Stimulus,
    settings: &Settings,
    samples: &Samples,
) -> Result<Arc<dyn Quantizer>, Failure> {
    if settings.method != Method::LloydMax {
        return chain::fixed_quantizer(settings);
    }
    let n_levels = settings.levels.unwrap_or(1 << settings.bits.unwrap_or(1));
    Ok(Arc::new(training::codebook(samples, stimulus.path(), n_levels)?))
}

impl Point {
    fn new(
        at: f64,
        gain: f64,
        quantizer: Arc<dyn Quantizer>,
        settings: &Settings,
        stimulus: &Stimulus,
    ) -> Result<Self, Failure> {
        let path: &Path = stimulus.path();
        let requantizer = Chain::around(quantizer, settings, stimulus.info(), path)?.requantizer;
        let statistics = ErrorStatistics::new(error_statistics::Settings::default());
        let statistics = statistics.map_err(|error| Failure::compute(path, error))?;
        Ok(Self { at, gain, requantizer, statistics, x: Vec::new(), y: Vec::new(), indices: Vec::new() })
    }

    fn take(&mut self, first_sample_index: u64, x: &[f64]) {
        self.x.clear();
        self.x.extend(x.iter().map(|x| x * self.gain));
        self.y.resize(x.len(), 0.0);
        self.indices.resize(x.len(), 0);
        self.requantizer.process(0, first_sample_index, &self.x, &mut self.indices, &mut self.y);
        self.statistics.push(&self.x, &self.y);
    }
}

/// Reads the stimulus once; every point of every curve takes every block.
fn measured(
    stimulus: &Stimulus,
    mut lines: Vec<(String, Vec<Point>)>,
    progress: &FileProgress,
) -> Result<Vec<Curve>, Failure> {
    let mut done = 0;
    stimulus.each_block(progress, |x| {
        let points: Vec<&mut Point> = lines.iter_mut().flat_map(|(_, points)| points).collect();
        points.into_par_iter().for_each(|point| point.take(done, x));
        done += x.len() as u64;
    })?;
    let curve = |(name, points): (String, Vec<Point>)| {
        // A point without an error has no SNR to draw: the curve has a gap there.
        let snr = |point: &Point| point.statistics.figures().snr_db.unwrap_or(f64::NAN);
        let (x, y) = points.iter().map(|point| (point.at, snr(point))).unzip();
        Curve { name, x, y, origin: Origin::Measured }
    };
    Ok(lines.into_iter().filter(|(_, points)| !points.is_empty()).map(curve).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_users_own_method_comes_first_and_once() {
        let names = |settings: &Settings| -> Vec<String> {
            with_own(usual_ways(settings), settings).into_iter().map(|way| way.name).collect()
        };
        let auto = Settings::default();
        assert_eq!(names(&auto), ["uniform, tpdf", "uniform, no dither", "mu-law"]);
        let shaped =
            Settings { shape: Shape::parse("1").expect("a filter"), dither: DitherChoice::None, ..auto.clone() };
        assert_eq!(names(&shaped)[0], "uniform, no dither, shaped");
        assert_eq!(names(&shaped).len(), 4);
        let itu = Settings { method: Method::MuLaw, law: Some(Law::Itu), ..auto };
        assert_eq!(names(&itu)[0], "mu-law (itu)");
    }
}
