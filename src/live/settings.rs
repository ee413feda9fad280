//! From a recipe to what is heard: the quantizer or codec, its dither and filter, and what theory promises for them.

use std::sync::Arc;

use super::{chain::LiveChain, meter::Reading};
use crate::{
    Error, Result,
    chain::Plan,
    codec::{RoundTrip, Target},
    design::{Density, Samples, lloyd_max, optimal_partition},
    quantizer::{Codebook, Quantizer},
    recipe::{CodecRequest, Depth, DitherChoice, Method, NamedMethod, Recipe, Shape},
    shaping::{Dither, ErrorFilter, Requantizer, RequantizerOptions, Shaper},
};

/// Fewest bits per sample.
pub const MIN_BITS: u32 = 1;
/// Most bits per sample: more would be lost in the 32-bit floats between the devices.
pub const MAX_BITS: u32 = 24;

/// Most bits of `lloyd-max`: beyond, some seconds of sound have too few samples for a level.
pub const MAX_LEARNED_BITS: u32 = 10;

/// Bits when none are asked for.
const USUAL_BITS: u32 = 8;

/// Levels are learnt from no fewer samples.
const MIN_SAMPLES_PER_LEVEL: usize = 16;

/// Rates of the codec that the bits' keys step through, kbit/s.
pub const BITRATES_KBPS: [u32; 11] = [16, 24, 32, 48, 64, 80, 96, 128, 160, 192, 256];

/// Root mean square of the density that Lloyd-Max levels start from: -20 dBFS, as speech is recorded.
const SPEECH_RMS: f64 = 0.1;

/// A recipe made ready for a sample rate.
#[derive(Debug, Clone)]
pub struct Settings {
    recipe: Recipe,
    /// None for the codec.
    quantizer: Option<Arc<dyn Quantizer>>,
    filter: Option<ErrorFilter>,
}

impl Settings {
    /// The settings of a recipe: methods that quantize samples one by one, a codebook's file, or the codec at a bit rate.
    /// Levels of `lloyd-max` are those of least mean square error for the samples `heard`; before anything was heard, for
    /// a Laplacian density at -20 dBFS, which is how speech is distributed and recorded. Dither `auto` is triangular.
    ///
    /// # Errors
    /// `InvalidParameter` for other methods, for shaping that follows the signal, and for bits outside the method's range.
    pub fn new(recipe: &Recipe, sample_rate_hz: u32, heard: &[f64]) -> Result<Self> {
        if recipe.shape == Shape::Adaptive {
            let allowed = "none, auto, ear, a name or coefficients; adaptive looks ahead and is for files";
            return Err(Error::invalid("shape", recipe.shape.word(), allowed));
        }
        let filter = match recipe.shape.shaper(sample_rate_hz)? {
            Some(Shaper::Fixed(filter)) => Some(filter),
            Some(Shaper::Adaptive(_)) | None => None,
        };
        let quantizer = match &recipe.method {
            Method::Codec(request) => bitrate_kbps(request).map(|_| None)?,
            Method::Named(NamedMethod::LloydMax) => Some(learnt(bits_of(recipe), heard)?),
            method => {
                let depth = if let Method::File(_) = method { None } else { Some(Depth::Bits(bits_of(recipe))) };
                let dither = DitherChoice::Auto;
                Some(Plan::new(&Recipe { depth, dither, shape: Shape::None, ..recipe.clone() })?.fixed_quantizer()?)
            }
        };
        Ok(Self { recipe: recipe.clone(), quantizer, filter })
    }

    /// The recipe as it was asked for.
    pub fn recipe(&self) -> &Recipe {
        &self.recipe
    }

    /// The recipe of what is heard: without what the method has no use for.
    pub fn heard_recipe(&self) -> Recipe {
        let dither = if self.is_uniform() { self.dither().into() } else { DitherChoice::Auto };
        match self.recipe.method {
            Method::Codec(_) => Recipe::new(self.recipe.method.clone()),
            Method::File(_) => Recipe { depth: None, dither, ..self.recipe.clone() },
            _ => Recipe { depth: Some(Depth::Bits(self.bits())), dither, ..self.recipe.clone() },
        }
    }

    /// Bits per sample, [`MIN_BITS`] to [`MAX_BITS`]; of no meaning for the codec and codebooks.
    pub fn bits(&self) -> u32 {
        bits_of(&self.recipe)
    }

    /// The quantizer; `None` for the codec, which quantizes no samples.
    pub fn quantizer(&self) -> Option<&Arc<dyn Quantizer>> {
        self.quantizer.as_ref()
    }

    /// The noise-shaping filter.
    pub fn filter(&self) -> Option<&ErrorFilter> {
        self.filter.as_ref()
    }

    /// True for the codec.
    pub fn is_codec(&self) -> bool {
        self.quantizer.is_none()
    }

    /// True when levels are learnt from what is heard.
    pub fn learns(&self) -> bool {
        self.recipe.method.is(NamedMethod::LloydMax)
    }

    /// True when all steps have one size: only then is there dither.
    pub fn is_uniform(&self) -> bool {
        self.quantizer.as_ref().is_some_and(|quantizer| quantizer.as_uniform().is_some())
    }

    /// The dither that is really there: none unless the quantizer is uniform.
    pub fn dither(&self) -> Dither {
        match self.recipe.dither {
            _ if !self.is_uniform() => Dither::None,
            DitherChoice::Auto => Dither::Triangular,
            DitherChoice::Of(dither) => dither,
        }
    }

    /// The knob's position in words: bits per sample, or the codec's rate.
    pub fn rate(&self) -> String {
        match &self.recipe.method {
            Method::Codec(CodecRequest { target: Target::Bitrate(kbps), .. }) => format!("{kbps} kbit/s"),
            _ if self.bits() == 1 => "1 bit".into(),
            _ => format!("{} bits", self.bits()),
        }
    }

    /// What these settings make of sound, ready for `n_channels` channels: it will not allocate in use.
    ///
    /// # Errors
    /// `InvalidParameter` for a sample rate or a bit rate that the codec does not have, and for dither and quantizers that
    /// do not go together.
    pub fn chain(&self, n_channels: usize, sample_rate_hz: u32) -> Result<LiveChain> {
        if let Method::Codec(request) = &self.recipe.method {
            let codec = RoundTrip::new(sample_rate_hz, n_channels as u8, bitrate_kbps(request)?)?;
            return Ok(LiveChain::codec(codec));
        }
        self.requantizer(n_channels).map(LiveChain::quantizer)
    }

    /// The quantizer of these settings with its dither and shaping: the same as the path runs, for comparison.
    ///
    /// # Errors
    /// `InvalidParameter` for the codec, which is no quantizer of samples.
    pub fn requantizer(&self, n_channels: usize) -> Result<Requantizer> {
        let Some(quantizer) = self.quantizer.clone() else {
            return Err(Error::invalid("method", self.recipe.method.word(), "a quantizer of samples"));
        };
        let shaper = self.filter.clone().map(Shaper::Fixed);
        let options = RequantizerOptions { dither: self.dither(), shaper, seed: self.recipe.seed };
        let mut chain = Requantizer::new(quantizer, options)?;
        // The first sample of a channel makes its state.
        for channel in 0..n_channels {
            chain.process(channel, 0, &[0.0], &mut [0], &mut [0.0]);
        }
        chain.reset();
        Ok(chain)
    }

    /// Where samples are not clipped: the quantizer's granular region, or full scale for the codec.
    pub fn granular_region(&self) -> (f64, f64) {
        self.quantizer.as_ref().map_or((-1.0, 1.0), |quantizer| quantizer.granular_region())
    }

    /// Power of the noise that theory promises before shaping, full scale 1.0; `None` for methods whose noise depends on
    /// the signal.
    ///
    /// With step d: d^2/12, and the variance of the dither that stays in the signal. True while the signal fills several
    /// steps; without dither, few bits do otherwise.
    pub fn white_noise_power(&self) -> Option<f64> {
        let step = self.quantizer.as_ref()?.as_uniform()?.step();
        Some(step * step * (1.0 / 12.0 + dither_variance(self.dither())))
    }

    /// The same after shaping: times the mean of the noise transfer function's power.
    pub fn noise_power(&self) -> Option<f64> {
        Some(self.white_noise_power()? * self.filter.as_ref().map_or(1.0, mean_power_gain))
    }
}

fn bits_of(recipe: &Recipe) -> u32 {
    recipe.bits().unwrap_or(USUAL_BITS)
}

fn bitrate_kbps(request: &CodecRequest) -> Result<f64> {
    match request.target {
        Target::Bitrate(kbps) => Ok(kbps),
        _ => Err(Error::invalid("codec's target", "not a bit rate", "a bit rate; live sends at one")),
    }
}

/// Levels of least mean square error with 2^`bits` levels for the samples heard.
fn learnt(bits: u32, heard: &[f64]) -> Result<Arc<dyn Quantizer>> {
    if !(MIN_BITS..=MAX_LEARNED_BITS).contains(&bits) {
        return Err(Error::invalid("bits of lloyd-max", bits, format!("{MIN_BITS} to {MAX_LEARNED_BITS}")));
    }
    let n_levels = 1usize << bits;
    if heard.len() < MIN_SAMPLES_PER_LEVEL * n_levels {
        let unit = lloyd_max::optimal(Density::Laplacian, n_levels)?;
        let levels = unit.levels.iter().map(|level| SPEECH_RMS * level).collect();
        return Ok(Arc::new(Codebook::from_levels(levels)?));
    }
    let samples = Samples::new(heard)?;
    Ok(Arc::new(optimal_partition::optimal(&samples, n_levels.min(samples.n_distinct()))?.codebook()?))
}

/// A recipe with one step more of bits or bit rate, as far as the method goes.
pub fn finer(recipe: &Recipe) -> Recipe {
    stepped(recipe, |bits| bits + 1, |rates, now| rates.into_iter().find(|rate| f64::from(*rate) > now))
}

/// A recipe with one step less of bits or bit rate, as far as the method goes.
pub fn coarser(recipe: &Recipe) -> Recipe {
    let less = |rates: [u32; 11], now: f64| rates.into_iter().rev().find(|rate| f64::from(*rate) < now);
    stepped(recipe, |bits| bits.saturating_sub(1), less)
}

fn stepped(recipe: &Recipe, bits: fn(u32) -> u32, rate: fn([u32; 11], f64) -> Option<u32>) -> Recipe {
    let mut recipe = recipe.clone();
    let most = most_bits(&recipe.method);
    match &mut recipe.method {
        Method::Codec(CodecRequest { target: Target::Bitrate(now), .. }) => {
            *now = rate(BITRATES_KBPS, *now).map_or(*now, f64::from);
        }
        _ => recipe.depth = Some(Depth::Bits(bits(bits_of(&recipe)).clamp(MIN_BITS, most))),
    }
    recipe
}

/// A recipe with another method, with no more bits than it has.
pub fn with_method(recipe: &Recipe, method: Method) -> Recipe {
    let depth = Some(Depth::Bits(bits_of(recipe).min(most_bits(&method))));
    Recipe { depth, method, ..recipe.clone() }
}

fn most_bits(method: &Method) -> u32 {
    if method.is(NamedMethod::LloydMax) { MAX_LEARNED_BITS } else { MAX_BITS }
}

/// The codec at a bit rate, as a method.
pub fn codec_at(kbps: f64) -> Method {
    Method::Codec(CodecRequest { target: Target::Bitrate(kbps), ..CodecRequest::default() })
}

/// Signal-to-noise ratio in dB that theory promises for the signal as it is now; `None` in silence and for methods
/// whose noise depends on the signal.
pub fn theory_snr_db(settings: &Settings, reading: &Reading) -> Option<f64> {
    let noise = settings.noise_power()?;
    (reading.signal_power > 0.0).then(|| 10.0 * (reading.signal_power / noise).log10())
}

/// Variance that a dither adds to the output, in squared steps.
///
/// Source: R. A. Wannamaker, "The theory of dithered quantization", thesis, 1997, chapter 4.
fn dither_variance(dither: Dither) -> f64 {
    match dither {
        Dither::None | Dither::Subtractive => 0.0,
        Dither::Rectangular => 1.0 / 12.0,
        Dither::Triangular | Dither::HighPassTriangular => 1.0 / 6.0,
        Dither::Gaussian => 1.0 / 4.0,
    }
}

/// Mean of |NTF|^2 from 0 to half the sample rate, by the rectangle rule: exact for filters shorter than 2 048.
fn mean_power_gain(filter: &ErrorFilter) -> f64 {
    let n = 2_048;
    (0..n).map(|i| filter.power_gain((f64::from(i) + 0.5) / (2.0 * f64::from(n)))).sum::<f64>() / f64::from(n)
}

/// Settings of a recipe's text at 48 kHz, for tests.
#[cfg(test)]
pub(super) fn of_text(text: &str) -> Settings {
    Settings::new(&text.parse().expect(text), 48_000, &[]).expect(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured_power(settings: &Settings) -> f64 {
        let n = 1 << 15;
        let x: Vec<f64> = (0..n).map(|i| 0.7 * (i as f64 * 0.123_456).sin()).collect();
        let (mut indices, mut y) = (vec![0; n], vec![0.0; n]);
        settings.requantizer(1).expect("legal").process(0, 0, &x, &mut indices, &mut y);
        x.iter().zip(&y).map(|(x, y)| (y - x).powi(2)).sum::<f64>() / n as f64
    }

    #[test]
    fn the_noise_is_what_theory_promises() {
        for dither in ["none", "rpdf", "tpdf", "gaussian", "subtractive"] {
            for shape in ["none", "order-1"] {
                let settings = of_text(&format!("uniform bits=10 dither={dither} shape={shape}"));
                let ratio_db = 10.0 * (measured_power(&settings) / settings.noise_power().expect("uniform")).log10();
                // 32 768 samples: the mean of squares is known to 0.05 dB, one standard deviation.
                assert!(ratio_db.abs() < 0.2, "{dither}, {shape}: {ratio_db} dB");
            }
        }
    }

    #[test]
    fn dither_is_left_out_where_there_is_no_step() {
        let settings = of_text("mu-law bits=8 dither=tpdf");
        assert_eq!(settings.dither(), Dither::None);
        assert!(settings.chain(2, 48_000).is_ok());
        assert_eq!(settings.noise_power(), None);
        assert_eq!(settings.heard_recipe().to_string(), "mu-law bits=8");
    }

    #[test]
    fn every_method_has_every_depth() {
        for method in ["uniform", "mid-rise", "mu-law", "a-law"] {
            for bits in MIN_BITS..=MAX_BITS {
                let settings = of_text(&format!("{method} bits={bits}"));
                assert!(settings.chain(2, 48_000).is_ok(), "{method} {bits}");
            }
        }
        for shape in ["auto", "ear", "lipshitz", "order-2"] {
            assert!(of_text(&format!("uniform bits=8 shape={shape}")).filter().is_some(), "{shape}");
        }
        for refused in ["uniform bits=8 shape=adaptive", "trellis bits=2", "dsd64", "codec quality=5"] {
            assert!(Settings::new(&refused.parse().expect("legal"), 48_000, &[]).is_err(), "{refused}");
        }
    }

    #[test]
    fn learned_levels_beat_those_of_a_formula() {
        // Quiet and one-sided: nothing that a fixed quantizer is made for.
        let heard: Vec<f64> = (0..20_000).map(|i| 0.01 + 0.02 * (i as f64 * 0.37).sin().powi(3)).collect();
        let error = |quantizer: &Arc<dyn Quantizer>| {
            heard.iter().map(|&x| (quantizer.reconstruct(quantizer.index(x)) - x).powi(2)).sum::<f64>()
        };
        let learned = error(&learnt(5, &heard).expect("legal"));
        for other in ["uniform bits=5", "mu-law bits=5", "lloyd-max bits=5"] {
            assert!(error(of_text(other).quantizer().expect("no codec")) > 4.0 * learned, "{other}");
        }
        assert!(learnt(MAX_LEARNED_BITS + 1, &heard).is_err());
        // A constant has one level, however many bits there are.
        assert!(learnt(4, &[0.25; 1_000]).is_ok());
    }

    #[test]
    fn the_codec_is_a_method_with_a_delay() {
        let settings = of_text("codec bitrate=64");
        let chain = settings.chain(2, 48_000).expect("legal");
        assert_eq!(chain.delay_frames(), 5 * 1_024);
        assert!(settings.chain(2, 4_000).is_err(), "the codec begins at 8 kHz");
        assert_eq!(settings.noise_power(), None);
        assert_eq!(settings.granular_region(), (-1.0, 1.0));
    }

    #[test]
    fn steps_go_as_far_as_the_method() {
        let text = |recipe: Recipe| recipe.to_string();
        let of = |text: &str| text.parse::<Recipe>().expect("legal");
        assert_eq!(text(finer(&of("uniform bits=24"))), "uniform bits=24");
        assert_eq!(text(coarser(&of("uniform bits=1"))), "uniform bits=1");
        assert_eq!(text(finer(&of("codec bitrate=64"))), "codec bitrate=80");
        assert_eq!(text(coarser(&of("codec bitrate=16"))), "codec bitrate=16");
        let learning = with_method(&of("uniform bits=12"), NamedMethod::LloydMax.into());
        assert_eq!(text(learning), "lloyd-max bits=10");
    }
}
