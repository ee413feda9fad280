//! What the listener turns: method, bits, dither, shape; and what theory promises for it.

use std::sync::Arc;

use super::{chain::Chain, meter::Reading};
use crate::{
    Error, Result,
    codec::RoundTrip,
    design::{Density, Samples, lloyd_max, optimal_partition},
    quantizer::{
        Codebook, Companding, Compressor, Grid, Quantizer, Uniform,
        g711::{Convention, G711, Law},
    },
    shaping::{
        Dither, ErrorFilter, Requantizer, RequantizerOptions, Shaper,
        shaper_design::{ShaperSpec, design},
        weighting::Weighting,
    },
};

/// Fewest bits per sample.
pub const MIN_BITS: u32 = 1;
/// Most bits per sample: more would be lost in the 32-bit floats between the devices.
pub const MAX_BITS: u32 = 24;

/// Most bits of [`Method::LloydMax`]: beyond, some seconds of sound have too few samples for a level.
pub const MAX_LEARNED_BITS: u32 = 10;

/// Levels are learnt from no fewer samples.
const MIN_SAMPLES_PER_LEVEL: usize = 16;

/// Rates of the codec that the bits' keys step through, kbit/s.
pub const BITRATES_KBPS: [u32; 11] = [16, 24, 32, 48, 64, 80, 96, 128, 160, 192, 256];

/// Root mean square of the density that Lloyd-Max levels start from: -20 dBFS, as speech is recorded.
const SPEECH_RMS: f64 = 0.1;

/// How levels are placed.
#[derive(Debug, Clone)]
pub enum Method {
    /// Uniform with a level at zero.
    Uniform,
    /// Uniform with a threshold at zero.
    MidRise,
    /// Mu-law companding, mu = 255; G.711 itself at 8 bits.
    MuLaw,
    /// A-law companding, A = 87.6; G.711 itself at 8 bits.
    ALaw,
    /// Levels of least mean square error, made by [`Method::lloyd_max`].
    LloydMax(Arc<dyn Quantizer>),
    /// The transform codec, encoded and decoded again, at this rate for all channels together.
    Codec {
        /// In kbit/s.
        bitrate_kbps: u32,
    },
    /// A quantizer given from outside, such as a codebook, whose levels are as they are.
    Given {
        /// Its name on the screen.
        name: String,
        /// The quantizer.
        quantizer: Arc<dyn Quantizer>,
    },
}

impl Method {
    /// Levels of least mean square error for samples heard; before anything was heard, for a Laplacian density at
    /// -20 dBFS, which is how speech is distributed and recorded.
    ///
    /// # Errors
    /// `InvalidParameter` for bits outside 1..=[`MAX_LEARNED_BITS`], and for samples that are NaN or infinite.
    pub fn lloyd_max(bits: u32, heard: &[f64]) -> Result<Self> {
        if !(MIN_BITS..=MAX_LEARNED_BITS).contains(&bits) {
            return Err(Error::invalid("bits of lloyd-max", bits, format!("{MIN_BITS} to {MAX_LEARNED_BITS}")));
        }
        let n_levels = 1usize << bits;
        let codebook = if heard.len() < MIN_SAMPLES_PER_LEVEL * n_levels {
            let unit = lloyd_max::optimal(Density::Laplacian, n_levels)?;
            Codebook::from_levels(unit.levels.iter().map(|level| SPEECH_RMS * level).collect())?
        } else {
            let samples = Samples::new(heard)?;
            optimal_partition::optimal(&samples, n_levels.min(samples.n_distinct()))?.codebook()?
        };
        Ok(Self::LloydMax(Arc::new(codebook)))
    }

    /// The word for it, as on the command line.
    pub fn name(&self) -> &str {
        match self {
            Self::Uniform => "uniform",
            Self::MidRise => "mid-rise",
            Self::MuLaw => "mu-law",
            Self::ALaw => "a-law",
            Self::LloydMax(_) => "lloyd-max",
            Self::Codec { .. } => "codec",
            Self::Given { name, .. } => name,
        }
    }

    /// Most bits per sample of the method.
    fn most_bits(&self) -> u32 {
        if matches!(self, Self::LloydMax(_)) { MAX_LEARNED_BITS } else { MAX_BITS }
    }

    /// True when all steps have one size: only then is there dither.
    pub fn is_uniform(&self) -> bool {
        match self {
            Self::Uniform | Self::MidRise => true,
            Self::MuLaw | Self::ALaw | Self::LloydMax(_) | Self::Codec { .. } => false,
            Self::Given { quantizer, .. } => quantizer.as_uniform().is_some(),
        }
    }

    /// The quantizer of this method with `2^bits` levels; `None` for the codec, which quantizes no samples.
    ///
    /// # Errors
    /// `InvalidParameter` for bits the method has no levels for.
    pub fn quantizer(&self, bits: u32) -> Result<Option<Arc<dyn Quantizer>>> {
        let n_levels = 1u64 << bits.min(32);
        Ok(Some(match self {
            Self::Codec { .. } => return Ok(None),
            Self::Uniform => Arc::new(Uniform::mid_tread(bits)?),
            Self::MidRise => Arc::new(Uniform::mid_rise(bits)?),
            Self::MuLaw if bits == 8 => Arc::new(G711::new(Law::Mu, Convention::Itu)),
            Self::ALaw if bits == 8 => Arc::new(G711::new(Law::A, Convention::Itu)),
            Self::MuLaw => Arc::new(Companding::new(Compressor::MU_LAW, Grid::MidRise, n_levels)?),
            Self::ALaw => Arc::new(Companding::new(Compressor::A_LAW, Grid::MidRise, n_levels)?),
            Self::LloydMax(quantizer) | Self::Given { quantizer, .. } => quantizer.clone(),
        }))
    }
}

/// A noise-shaping filter under its name.
#[derive(Debug, Clone)]
pub struct Shape {
    /// The word for it.
    pub name: String,
    /// `None`: white noise.
    pub filter: Option<ErrorFilter>,
}

impl Shape {
    /// The shapes that come along.
    pub const NAMES: [&'static str; 4] = ["none", "order 1", "order 2", "ear"];

    /// No shaping.
    pub fn none() -> Self {
        Self { name: "none".into(), filter: None }
    }

    /// A shape of [`Shape::NAMES`]: `order 1` and `order 2` are the differences `1 - z^-1` and its square; `ear` is
    /// designed for the sample rate after the threshold of hearing, order 20, at most 12 dB of noise added.
    ///
    /// # Errors
    /// `InvalidParameter` for another name.
    pub fn named(name: &str, sample_rate_hz: u32) -> Result<Self> {
        let feedback = match name {
            "none" => return Ok(Self::none()),
            "order 1" => vec![1.0],
            "order 2" => vec![2.0, -1.0],
            "ear" => ear(sample_rate_hz)?,
            _ => return Err(Error::invalid("shape", name, Self::NAMES.join(", "))),
        };
        Ok(Self { name: name.into(), filter: Some(ErrorFilter::from_feedback(&feedback)?) })
    }
}

fn ear(sample_rate_hz: u32) -> Result<Vec<f64>> {
    let spec = ShaperSpec {
        sample_rate_hz: f64::from(sample_rate_hz),
        weighting: Weighting::Threshold,
        order: 20,
        max_total_noise_db: Some(12.0),
    };
    design(&spec).map(|shaper| shaper.feedback())
}

/// One setting of all the knobs.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How levels are placed.
    pub method: Method,
    /// Bits per sample, [`MIN_BITS`] to [`MAX_BITS`].
    pub bits: u32,
    /// Dither; has no effect on methods without a step size.
    pub dither: Dither,
    /// Noise shaping.
    pub shape: Shape,
    /// Seed of the dither.
    pub seed: u64,
}

impl Default for Settings {
    /// 8 bits, uniform, nothing else.
    fn default() -> Self {
        Self { method: Method::Uniform, bits: 8, dither: Dither::None, shape: Shape::none(), seed: 0 }
    }
}

impl Settings {
    /// The knob's position in words: bits per sample, or the codec's rate.
    pub fn rate(&self) -> String {
        match self.method {
            Method::Codec { bitrate_kbps } => format!("{bitrate_kbps} kbit/s"),
            _ if self.bits == 1 => "1 bit".into(),
            _ => format!("{} bits", self.bits),
        }
    }

    /// The same with one step more of bits or bitrate, as far as the method goes.
    pub fn finer(&self) -> Self {
        self.stepped(|bits| bits + 1, |rates, now| rates.into_iter().find(|rate| *rate > now))
    }

    /// The same with one step less of bits or bitrate, as far as the method goes.
    pub fn coarser(&self) -> Self {
        self.stepped(|bits| bits.saturating_sub(1), |rates, now| rates.into_iter().rev().find(|rate| *rate < now))
    }

    fn stepped(&self, bits: fn(u32) -> u32, rate: fn([u32; 11], u32) -> Option<u32>) -> Self {
        let mut settings = self.clone();
        match &mut settings.method {
            Method::Codec { bitrate_kbps } => {
                *bitrate_kbps = rate(BITRATES_KBPS, *bitrate_kbps).unwrap_or(*bitrate_kbps)
            }
            method => settings.bits = bits(settings.bits).clamp(MIN_BITS, method.most_bits()),
        }
        settings
    }

    /// The same with another method, with no more bits than it has.
    pub fn with_method(&self, method: Method) -> Self {
        Self { bits: self.bits.min(method.most_bits()), method, ..self.clone() }
    }

    /// The dither that is really there: none unless the method is uniform.
    pub fn effective_dither(&self) -> Dither {
        if self.method.is_uniform() { self.dither } else { Dither::None }
    }

    /// What these settings make of sound, ready for `n_channels` channels: it will not allocate in use.
    ///
    /// # Errors
    /// `InvalidParameter` for bits outside the method's range, and for a sample rate or a bitrate that the codec has
    /// not.
    pub fn chain(&self, n_channels: usize, sample_rate_hz: u32) -> Result<Chain> {
        if let Method::Codec { bitrate_kbps } = self.method {
            let codec = RoundTrip::new(sample_rate_hz, n_channels as u8, f64::from(bitrate_kbps))?;
            return Ok(Chain::codec(codec));
        }
        self.requantizer(n_channels).map(Chain::quantizer)
    }

    /// The quantizer of these settings with its dither and shaping: the same as the path runs, for comparison.
    ///
    /// # Errors
    /// `InvalidParameter` for bits outside the method's range, and for the codec, which is no quantizer of samples.
    pub fn requantizer(&self, n_channels: usize) -> Result<Requantizer> {
        let Some(quantizer) = self.method.quantizer(self.bits)? else {
            return Err(Error::invalid("method", self.method.name(), "a quantizer of samples"));
        };
        let shaper = self.shape.filter.clone().map(Shaper::Fixed);
        let options = RequantizerOptions { dither: self.effective_dither(), shaper, seed: self.seed };
        let mut chain = Requantizer::new(quantizer, options)?;
        // The first sample of a channel makes its state.
        for channel in 0..n_channels {
            chain.process(channel, 0, &[0.0], &mut [0], &mut [0.0]);
        }
        chain.reset();
        Ok(chain)
    }

    /// Where samples are not clipped: the quantizer's granular region, or full scale for the codec.
    ///
    /// # Errors
    /// As [`Self::chain`].
    pub fn granular_region(&self) -> Result<(f64, f64)> {
        Ok(self.method.quantizer(self.bits)?.map_or((-1.0, 1.0), |quantizer| quantizer.granular_region()))
    }

    /// Power of the noise that theory promises, full scale 1.0; `None` for methods whose noise depends on the signal.
    ///
    /// With step d: d^2/12, and the variance of the dither that stays in the signal, times the mean of the noise
    /// transfer function's power. True while the signal fills several steps; without dither, few bits do otherwise.
    pub fn noise_power(&self) -> Option<f64> {
        let quantizer = self.method.quantizer(self.bits).ok()??;
        let step = quantizer.as_uniform()?.step();
        let gain = self.shape.filter.as_ref().map_or(1.0, mean_power_gain);
        Some(step * step * (1.0 / 12.0 + dither_variance(self.effective_dither())) * gain)
    }
}

/// A dither's word, as on the command line.
pub fn dither_name(dither: Dither) -> &'static str {
    match dither {
        Dither::None => "none",
        Dither::Rectangular => "rpdf",
        Dither::Triangular => "tpdf",
        Dither::HighPassTriangular => "hp-tpdf",
        Dither::Gaussian => "gaussian",
        Dither::Subtractive => "subtractive",
    }
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
        let first_order = ErrorFilter::from_feedback(&[1.0]).expect("legal");
        let shaped = Shape { name: "first order".into(), filter: Some(first_order) };
        let dithers = [Dither::None, Dither::Rectangular, Dither::Triangular, Dither::Gaussian, Dither::Subtractive];
        for dither in dithers {
            for shape in [Shape::none(), shaped.clone()] {
                let settings = Settings { dither, shape, bits: 10, ..Default::default() };
                let ratio_db = 10.0 * (measured_power(&settings) / settings.noise_power().expect("uniform")).log10();
                // 32 768 samples: the mean of squares is known to 0.05 dB, one standard deviation.
                assert!(ratio_db.abs() < 0.2, "{settings:?}: {ratio_db} dB");
            }
        }
    }

    #[test]
    fn dither_is_left_out_where_there_is_no_step() {
        let settings = Settings { method: Method::MuLaw, dither: Dither::Triangular, ..Default::default() };
        assert_eq!(settings.effective_dither(), Dither::None);
        assert!(settings.chain(2, 48_000).is_ok());
        assert_eq!(settings.noise_power(), None);
    }

    #[test]
    fn every_method_has_every_depth() {
        for method in [Method::Uniform, Method::MidRise, Method::MuLaw, Method::ALaw] {
            for bits in MIN_BITS..=MAX_BITS {
                let settings = Settings { method: method.clone(), bits, ..Default::default() };
                assert!(settings.chain(2, 48_000).is_ok(), "{} {bits}", method.name());
            }
        }
    }

    #[test]
    fn learned_levels_beat_those_of_a_formula() {
        // Quiet and one-sided: nothing that a fixed quantizer is made for.
        let heard: Vec<f64> = (0..20_000).map(|i| 0.01 + 0.02 * (i as f64 * 0.37).sin().powi(3)).collect();
        let error = |method: &Method| {
            let quantizer = method.quantizer(5).expect("legal").expect("no codec");
            heard.iter().map(|&x| (quantizer.reconstruct(quantizer.index(x)) - x).powi(2)).sum::<f64>()
        };
        let learned = error(&Method::lloyd_max(5, &heard).expect("legal"));
        for other in [Method::Uniform, Method::MuLaw, Method::lloyd_max(5, &[]).expect("legal")] {
            assert!(error(&other) > 4.0 * learned, "{}", other.name());
        }
        assert!(Method::lloyd_max(MAX_LEARNED_BITS + 1, &heard).is_err());
        // A constant has one level, however many bits there are.
        assert!(Method::lloyd_max(4, &[0.25; 1_000]).is_ok());
    }

    #[test]
    fn the_codec_is_a_method_with_a_delay() {
        let settings = Settings { method: Method::Codec { bitrate_kbps: 64 }, ..Default::default() };
        let chain = settings.chain(2, 48_000).expect("legal");
        assert_eq!(chain.delay_frames(), 5 * 1_024);
        assert!(settings.chain(2, 4_000).is_err(), "the codec begins at 8 kHz");
        assert_eq!(settings.noise_power(), None);
        assert_eq!(settings.granular_region().expect("legal"), (-1.0, 1.0));
    }
}
