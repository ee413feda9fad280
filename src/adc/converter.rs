//! Runs the model.

use std::{ops::RangeInclusive, sync::Arc};

use super::{
    Lane, Spec,
    decision::Decision,
    overlap::{Overlap, Part},
    random::Random,
};
use crate::{
    Error, Result,
    quantizer::Quantizer,
    shaping::delta_sigma::{Decimator, Interpolator},
};

/// Taps each side of the differentiator that moves a sampling instant.
const HALF: usize = 24;

/// A converter ready to run on a signal.
///
/// ```
/// use sqnr::adc::{Converter, Spec};
///
/// let converter = Converter::new(Spec { bits: 3, ..Spec::default() }, 48_000.0)?;
/// assert_eq!((converter.n_codes(), converter.step()), (8, 0.25));
/// assert!(converter.convert(&[0.3, -0.6]).iter().zip([0.3, -0.6]).all(|(y, x)| (y - x).abs() <= 0.125));
/// # Ok::<(), sqnr::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Converter {
    spec: Spec,
    /// Conversions a second: the signal's rate times the oversampling.
    conversion_rate_hz: f64,
    n_codes: usize,
    decision: Decision,
    lanes: Vec<Lane>,
    /// Taps 1 to [`HALF`] of the differentiator.
    slope_taps: Vec<f64>,
}

impl Converter {
    /// A converter as described, for signals of this rate.
    ///
    /// # Errors
    /// Those of [`Spec::check`]; `InvalidParameter` for a rate not above zero.
    pub fn new(spec: Spec, sample_rate_hz: f64) -> Result<Self> {
        spec.check()?;
        let decision = Decision::of(&spec, &mut Random::new(spec.seed, 1))?;
        Self::deciding(spec, sample_rate_hz, decision)
    }

    /// A converter whose codes and levels are those of `quantizer`, full scale 1.0 there being the description's.
    ///
    /// # Errors
    /// Those of [`Converter::new`]; `InvalidParameter` where the description has levels or an architecture of its own,
    /// or the quantizer more than 2^24 levels.
    pub fn with_quantizer(spec: Spec, sample_rate_hz: f64, quantizer: Arc<dyn Quantizer>) -> Result<Self> {
        spec.check()?;
        if spec.n_architectures() > 0 {
            let allowed = "no inl_lsb, dnl_sigma_lsb, sar_mismatch, stage_gain_error, quantizer beside a codebook";
            return Err(Error::invalid("architecture", "several", allowed));
        }
        if !(2..=1 << 24).contains(&quantizer.n_levels()) {
            return Err(Error::invalid("levels", quantizer.n_levels(), "2 to 16777216"));
        }
        Self::deciding(spec, sample_rate_hz, Decision::Quantizer(quantizer))
    }

    fn deciding(spec: Spec, sample_rate_hz: f64, decision: Decision) -> Result<Self> {
        if !(sample_rate_hz.is_finite() && sample_rate_hz > 0.0) {
            return Err(Error::invalid("sample rate", sample_rate_hz, "above 0 Hz"));
        }
        let lanes = if spec.interleave.is_empty() { vec![Lane::default()] } else { spec.interleave.clone() };
        let n_codes = match &decision {
            Decision::Quantizer(quantizer) => quantizer.n_levels() as usize,
            _ => 1 << spec.bits,
        };
        Ok(Self {
            conversion_rate_hz: sample_rate_hz * f64::from(spec.oversampling),
            n_codes,
            decision,
            lanes,
            slope_taps: slope_taps(),
            spec,
        })
    }

    /// Number of codes L: 2^bits, or the levels of the quantizer given.
    pub fn n_codes(&self) -> usize {
        self.n_codes
    }

    /// One step in units of the input: `2 full_scale / L`.
    pub fn step(&self) -> f64 {
        2.0 * self.spec.full_scale / self.n_codes as f64
    }

    /// Inputs that no end of the range clips: half a step each side of the first and last level.
    pub fn granular_range(&self) -> RangeInclusive<f64> {
        let half_step = self.step() / 2.0;
        -self.spec.full_scale - half_step..=self.spec.full_scale - half_step
    }

    /// Transitions in steps from mid-scale, the one into code k + 1 at place k, where the model has its own.
    pub fn transitions(&self) -> Option<&[f64]> {
        match &self.decision {
            Decision::Levels(levels) => Some(levels),
            _ => None,
        }
    }

    /// Whether every output lies on the grid of a mid-tread code of `bits` bits and full scale 1.0.
    pub fn gives_codes(&self) -> bool {
        let is_grid = !matches!(self.decision, Decision::Quantizer(_));
        is_grid && self.spec.oversampling == 1 && self.spec.full_scale == 1.0
    }

    /// Converts a whole record, one code a conversion: 0 to L - 1. What is not finite counts as 0.
    ///
    /// The record is taken at the rate of conversions: nothing is inserted for oversampling.
    pub fn codes(&self, x: &[f64]) -> Vec<u32> {
        let mut codes = Vec::with_capacity(x.len());
        Conversions::new(self, 0).push(x, Part::Last, |code| codes.push(code));
        codes
    }

    /// Converts a whole record: the levels that the codes stand for, full scale as in the input, decimated back where
    /// the converter oversamples. As many samples as came.
    pub fn convert(&self, x: &[f64]) -> Vec<f64> {
        let mut out = Vec::with_capacity(x.len());
        let mut channel = self.channel(0);
        channel.push(x, &mut out);
        channel.finish(&mut out);
        out
    }

    /// Starts on a channel: all share levels and mismatches, each has jitter and noise of its own.
    pub fn channel(&self, index: u16) -> Channel<'_> {
        let rate_change = (self.spec.oversampling > 1).then(|| RateChange::new(self.spec.oversampling as usize));
        Channel { conversions: Conversions::new(self, u64::from(index)), rate_change }
    }

    /// Samples at each end of a channel that the filters of oversampling and of moved instants lack neighbours for.
    pub fn unsupported_samples(&self) -> usize {
        let factor = self.spec.oversampling as usize;
        let moved = if self.moves_instants() { HALF.div_ceil(factor.max(1)) } else { 0 };
        match factor {
            0 | 1 => moved,
            _ => Decimator::new(factor).map_or(0, |decimator| 2 * decimator.reach().div_ceil(factor)) + moved,
        }
    }

    fn moves_instants(&self) -> bool {
        self.spec.jitter_s > 0.0 || self.lanes.iter().any(|l| l.skew_s != 0.0)
    }

    /// `u + p2 u^2 + p3 u^3 + ...`
    fn bent(&self, u: f64) -> f64 {
        u + u * u * self.spec.polynomial.iter().rev().fold(0.0, |sum, p| sum * u + p)
    }

    /// Derivative per sample at place n, band-limited, zeros beyond the ends.
    fn slope(&self, x: &[f64], n: usize) -> f64 {
        let at = |i: Option<usize>| i.and_then(|i| x.get(i)).map_or(0.0, |x| finite(*x));
        self.slope_taps.iter().zip(1..).map(|(t, k)| t * (at(n.checked_add(k)) - at(n.checked_sub(k)))).sum()
    }
}

/// A channel being converted, block by block; the cut into blocks changes nothing.
#[derive(Debug)]
pub struct Channel<'a> {
    conversions: Conversions<'a>,
    rate_change: Option<RateChange>,
}

impl Channel<'_> {
    /// Takes samples in, and appends those that are ready to `out`: sample n in is sample n out.
    pub fn push(&mut self, x: &[f64], out: &mut Vec<f64>) {
        self.advance(x, Part::Middle, out);
    }

    /// Appends what is still to come after the last sample.
    pub fn finish(mut self, out: &mut Vec<f64>) {
        self.advance(&[], Part::Last, out);
    }

    fn advance(&mut self, x: &[f64], part: Part, out: &mut Vec<f64>) {
        let converter = self.conversions.converter;
        let level = |code| converter.spec.full_scale * converter.decision.level(code, converter.n_codes);
        let Some(rate_change) = &mut self.rate_change else {
            return self.conversions.push(x, part, |code| out.push(level(code)));
        };
        let high = rate_change.up(x, part);
        let mut levels = Vec::with_capacity(high.len());
        self.conversions.push(&high, part, |code| levels.push(level(code)));
        rate_change.down(&levels, part, out);
    }
}

/// Between the signal's rate and the converter's.
#[derive(Debug)]
struct RateChange {
    factor: usize,
    interpolator: Interpolator,
    decimator: Decimator,
    low: Overlap,
    high: Overlap,
}

impl RateChange {
    fn new(factor: usize) -> Self {
        let checked = "the description holds the factor within the range of both filters";
        let interpolator = Interpolator::new(factor).expect(checked);
        let decimator = Decimator::new(factor).expect(checked);
        let reach = decimator.reach().div_ceil(factor);
        Self {
            factor,
            interpolator,
            decimator,
            low: Overlap::new(reach, 1),
            high: Overlap::new(reach * factor, factor),
        }
    }

    fn up(&mut self, x: &[f64], part: Part) -> Vec<f64> {
        let (factor, mut out) = (self.factor, Vec::new());
        // What is not finite would spread over the filter's length.
        let clean: Vec<f64> = x.iter().map(|x| finite(*x)).collect();
        self.low.push(&clean, part, |x, ready| {
            out.extend_from_slice(&self.interpolator.process(x)[ready.start * factor..ready.end * factor]);
        });
        out
    }

    fn down(&mut self, y: &[f64], part: Part, out: &mut Vec<f64>) {
        let factor = self.factor;
        self.high.push(y, part, |y, ready| {
            out.extend_from_slice(&self.decimator.process(y)[ready.start / factor..ready.end.div_ceil(factor)]);
        });
    }
}

/// One conversion after the other.
#[derive(Debug)]
struct Conversions<'a> {
    converter: &'a Converter,
    jitter: Random,
    noise: Random,
    /// What each lane's hold capacitor has.
    held: Vec<f64>,
    n: usize,
    samples: Overlap,
}

impl<'a> Conversions<'a> {
    fn new(converter: &'a Converter, channel: u64) -> Self {
        let reach = if converter.moves_instants() { HALF } else { 0 };
        Self {
            converter,
            jitter: Random::new(converter.spec.seed, 2 + 2 * channel),
            noise: Random::new(converter.spec.seed, 3 + 2 * channel),
            held: vec![0.0; converter.lanes.len()],
            n: 0,
            samples: Overlap::new(reach, 1),
        }
    }

    fn push(&mut self, x: &[f64], part: Part, mut take: impl FnMut(u32)) {
        let mut samples = std::mem::take(&mut self.samples);
        samples.push(x, part, |x, ready| ready.for_each(|i| take(self.convert(x, i))));
        self.samples = samples;
    }

    /// The instants are moved to first order, `x(t + d) ~ x(t) + d x'(t)`, good while `2 pi f d` is small.
    fn convert(&mut self, x: &[f64], i: usize) -> u32 {
        let c = self.converter;
        let spec = &c.spec;
        let place = self.n % c.lanes.len();
        self.n += 1;
        let lane = c.lanes[place];
        let mut input = finite(x[i]);
        if c.moves_instants() {
            let moved_samples = (lane.skew_s + spec.jitter_s * self.jitter.gauss()) * c.conversion_rate_hz;
            input += moved_samples * c.slope(x, i);
        }
        let held = &mut self.held[place];
        *held = input + spec.hold_memory * (*held - input);
        let u = c.bent(lane.gain * *held / spec.full_scale);
        let lsb = u * c.n_codes as f64 / 2.0 + lane.offset_lsb + spec.noise_lsb * self.noise.gauss();
        c.decision.code(lsb, c.n_codes)
    }
}

fn finite(x: f64) -> f64 {
    if x.is_finite() { x } else { 0.0 }
}

/// `(-1)^k / k` under a Hann window.
fn slope_taps() -> Vec<f64> {
    let tap = |k: usize| {
        let sign = if k.is_multiple_of(2) { -1.0 } else { 1.0 };
        sign / k as f64 * (0.5 + 0.5 * (std::f64::consts::PI * k as f64 / (HALF + 1) as f64).cos())
    };
    (1..=HALF).map(tap).collect()
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
