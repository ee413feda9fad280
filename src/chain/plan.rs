//! From a recipe to the chain for an audio: designs are read once, levels learnt where the method learns.

use std::sync::Arc;

use super::{
    Chain,
    adpcm::{Ima, Reconstructed},
    delta_sigma::{DeltaSigma, designed_modulator},
    dpcm_training::DpcmTraining,
    number_format::Rounded,
    packets::{self, Packets},
    pcm::{Pcm, fixed_quantizer},
    training,
};
use crate::{
    Error, Result,
    audio_file::Reopen,
    number_format::{Granularity, NumberFormat},
    predictive::Dpcm,
    quantizer::{Quantizer, packet::Scheme},
    recipe::{Coder, Design, DpcmDepth, Method, ModulatorDesign, NamedFormat, NamedMethod, Recipe, read_design},
    wav::Spec,
};

/// Bits of a DPCM design when none are asked for and it has them.
const DPCM_BITS: u32 = 4;
/// Most coefficients of `dpcm`.
const DPCM_COEFFICIENTS: usize = 16;

/// What is stored of a one-bit modulator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Storing {
    /// Its levels, in a DSF file.
    Coded,
    /// The audio that they stand for.
    Reconstruction,
}

/// A recipe that was checked, with the design that its file holds.
///
/// ```
/// use sqnr::{chain::Plan, quantizer::Quantizer};
///
/// let plan = Plan::new(&"uniform bits=8".parse()?)?;
/// assert_eq!((plan.learns(), plan.fixed_quantizer()?.n_levels()), (false, 256));
/// // What contradicts itself is refused.
/// assert!(Plan::new(&"trellis levels=12".parse()?).is_err());
/// # Ok::<(), sqnr::Error>(())
/// ```
#[derive(Debug)]
pub struct Plan {
    recipe: Recipe,
    design: Option<Design>,
}

impl Plan {
    /// Checks the recipe and reads the design that it names.
    ///
    /// # Errors
    /// `InvalidParameter` for a recipe that contradicts itself or its design; `Input` for a file that is no method.
    pub fn new(recipe: &Recipe) -> Result<Self> {
        recipe.check()?;
        let design = match &recipe.method {
            Method::File(path) => {
                let design = read_design(path)?;
                check_design(&design, recipe).map_err(|error| match error {
                    Error::Unsupported { .. } => error.of_input(path.to_string_lossy()),
                    other => other,
                })?;
                Some(design)
            }
            _ => None,
        };
        Ok(Self { recipe: recipe.clone(), design })
    }

    /// The recipe.
    pub fn recipe(&self) -> &Recipe {
        &self.recipe
    }

    /// True when the audio is read before it is quantized, because the method learns from it.
    pub fn learns(&self) -> bool {
        let learning = |method: NamedMethod| {
            let learnt = method.codes_packets() && method != NamedMethod::EntropyCoded;
            learnt || matches!(method, NamedMethod::LloydMax | NamedMethod::Dpcm)
        };
        self.recipe.method.named().is_some_and(learning) || has_scale_of_all(&self.recipe.method)
    }

    /// The quantizer, of methods that quantize samples one by one.
    ///
    /// # Errors
    /// `InvalidParameter` for other methods; what designing and reading meet.
    pub fn quantizer(&self, audio: &dyn Reopen) -> Result<Arc<dyn Quantizer>> {
        match (&self.design, self.recipe.method.named()) {
            (_, Some(NamedMethod::LloydMax)) => {
                let samples = training::distribution(&[audio])?;
                Ok(Arc::new(training::codebook(&samples, self.recipe.levels().unwrap_or(2))?))
            }
            _ => self.fixed_quantizer(),
        }
    }

    /// The quantizer that is known without any audio.
    ///
    /// # Errors
    /// `InvalidParameter` for methods that learn, and for those that do not quantize samples one by one.
    pub fn fixed_quantizer(&self) -> Result<Arc<dyn Quantizer>> {
        match &self.design {
            Some(Design::Codebook { codebook, .. }) => Ok(Arc::new(codebook.clone())),
            _ => fixed_quantizer(&self.recipe),
        }
    }

    /// The chain of a method that quantizes samples one by one.
    ///
    /// # Errors
    /// As [`quantizer`](Self::quantizer), and when the parts do not go together.
    pub fn pcm(&self, audio: &dyn Reopen, spec: &Spec) -> Result<Pcm> {
        Pcm::new(self.quantizer(audio)?, &self.recipe, spec, None)
    }

    /// The chain for an audio.
    ///
    /// - `spec`: the audio's rate, channels and sample format
    ///
    /// # Errors
    /// `InvalidParameter` when the recipe does not go with the audio; what designing and reading meet.
    pub fn chain(&self, audio: &dyn Reopen, spec: &Spec, storing: Storing) -> Result<Box<dyn Chain>> {
        let name = self.recipe.method.word();
        Ok(match (&self.recipe.method, &self.design) {
            (_, Some(Design::Vectors(codebook))) => {
                Box::new(Packets::new(&self.recipe, Scheme::Vector(codebook.clone()), spec))
            }
            (_, Some(Design::Modulator(design))) => {
                Box::new(DeltaSigma::new(&name, &self.with_paths(design.clone()), spec, storing)?)
            }
            (_, Some(Design::Dpcm(depths))) => {
                let DpcmDepth { predictor, quantizer, .. } = depth_of(depths, self.recipe.bits())?.clone();
                Box::new(Reconstructed::dpcm(&name, spec, &Dpcm::new(predictor, quantizer))?)
            }
            (Method::Named(NamedMethod::Dpcm), _) => {
                let bits = self.recipe.bits().unwrap_or(DPCM_BITS);
                let found = DpcmTraining::of(&[audio])?.design(bits, DPCM_COEFFICIENTS)?;
                Box::new(Reconstructed::dpcm(&name, spec, &found.design.coder())?)
            }
            (Method::Named(method), _) if method.codes_packets() => {
                Box::new(Packets::new(&self.recipe, packets::learn(*method, &self.recipe, audio)?, spec))
            }
            (Method::Named(_) | Method::File(_), _) => Box::new(self.pcm(audio, spec)?),
            (Method::Coder(coder), _) => self.coder(*coder, &name, spec, storing)?,
            (Method::Format(named), _) => Box::new(Rounded::new(named, audio, spec)?),
            (Method::Codec(_), _) => {
                let allowed = "another; the transform codec reads its input several times, encode does that";
                return Err(Error::invalid("method", name, allowed));
            }
        })
    }

    fn coder(&self, coder: Coder, name: &str, spec: &Spec, storing: Storing) -> Result<Box<dyn Chain>> {
        Ok(match coder {
            Coder::Dsd(multiple) => {
                let design = self.with_paths(designed_modulator(spec.sample_rate_hz, multiple)?);
                Box::new(DeltaSigma::new(name, &design, spec, storing)?)
            }
            Coder::Ima(decoding) => Box::new(Ima::new(name, spec, decoding, self.recipe.paths)?),
            Coder::G726(bits) => Box::new(Reconstructed::g726(name, spec, bits)?),
            Coder::G722(bits) => Box::new(Reconstructed::g722(name, spec, bits)?),
            Coder::Jayant(bits) => Box::new(Reconstructed::jayant(name, spec, bits)?),
        })
    }

    fn with_paths(&self, design: ModulatorDesign) -> ModulatorDesign {
        ModulatorDesign { n_paths: self.recipe.paths.unwrap_or(design.n_paths), ..design }
    }
}

/// True for integers whose scale is found from all of a channel or of the file.
fn has_scale_of_all(method: &Method) -> bool {
    let Method::Format(NamedFormat { format: NumberFormat::Affine(options), .. }) = method else { return false };
    !matches!(options.granularity, Granularity::Group { .. })
}

/// The design for so many bits; without a wish that of 4 bits, or the first.
fn depth_of(depths: &[DpcmDepth], bits: Option<u32>) -> Result<&DpcmDepth> {
    let of_bits = |bits: u32| depths.iter().find(|depth| depth.bits == bits);
    let Some(bits) = bits else { return Ok(of_bits(DPCM_BITS).unwrap_or(&depths[0])) };
    of_bits(bits).ok_or_else(|| {
        let designed: Vec<String> = depths.iter().map(|depth| depth.bits.to_string()).collect();
        Error::invalid("bits", bits, format!("{}, the depths that the file is designed for", designed.join(", ")))
    })
}

/// Refuses what a design's file decides itself.
fn check_design(design: &Design, recipe: &Recipe) -> Result<()> {
    let unsupported = |what: &str| Err(Error::Unsupported { what: what.into() });
    let bits = recipe.bits();
    match (design, bits) {
        (Design::Shaper(_), _) => unsupported("a noise shaper, not a method; use it with --shape"),
        (Design::Codebook { .. }, Some(bits)) => {
            Err(Error::invalid("bits", bits, "none; the codebook file says how many levels; leave bits and levels out"))
        }
        (Design::Vectors(_), Some(bits)) => {
            Err(Error::invalid("bits", bits, "none; the codebook file says how many codes; leave bits and rate out"))
        }
        (Design::Modulator(_), Some(bits)) => Err(Error::invalid(
            "bits",
            bits,
            "none; the modulator's file says how many levels; leave bits and levels out",
        )),
        (Design::Dpcm(depths), bits) => depth_of(depths, bits).map(|_| ()),
        _ => Ok(()),
    }
}
