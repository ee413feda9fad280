//! From options and a file's format to a quantizer, its dither and shaper, and the form of the samples stored.

use std::{path::Path, sync::Arc};

use sqnr::{
    audio_file::Info,
    quantizer::{
        CodebookFile, Companding, Compressor, Grid, Quantizer, Uniform,
        g711::{Convention, G711, Law as G711Law},
    },
    shaping::{
        AdaptiveSpec, Dither, ErrorFilter, Requantizer, RequantizerOptions, Shaper,
        shaper_design::{self, ShaperSpec},
    },
    wav::{Encoding, SampleFormat, Spec},
};

use super::{
    super::{
        choices::{Container, DitherChoice, Law, Method, Shape},
        design_file::{self, Design},
        exit::Failure,
        inputs::Input,
        source::{Passes, Rereadable},
        training,
    },
    Settings,
};

/// Everything that turns samples of one file into stored samples.
pub struct Chain {
    pub requantizer: Requantizer,
    pub storage: Storage,
    pub spec: Spec,
    dither: Dither,
    shape: Shape,
    has_full_scale: bool,
}

/// A block of one channel: input, and room for indices and reconstruction.
pub struct Samples<'a> {
    pub x: &'a mut [f64],
    pub indices: &'a mut [i32],
    pub y: &'a mut [f64],
}

/// What is written for a quantized sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Storage {
    /// The index itself is the integer code.
    Index,
    /// `2 index + 1`: a mid-rise level in integers of one more bit.
    OddCode,
    /// The level, as near as the container can hold it.
    Level,
}

/// Refuses settings that contradict each other, before any file is touched.
pub fn check(settings: &Settings) -> Result<(), Failure> {
    let is_file = matches!(settings.method, Method::File(_));
    if let Method::Coded(_) = settings.method {
        return Err(whole_stretches(&settings.method));
    }
    if !is_file && settings.bits.is_none() && settings.levels.is_none() {
        return Err(Failure::usage("say how finely: -b BITS or --levels N"));
    }
    if is_file && (settings.bits.is_some() || settings.levels.is_some()) {
        return Err(Failure::usage("the codebook file says how many levels; leave -b and --levels out"));
    }
    let companding = matches!(settings.method, Method::MuLaw | Method::ALaw);
    if !companding && (settings.law.is_some() || settings.compression.is_some()) {
        return Err(Failure::usage("--law and --compression are for -m mu-law and -m a-law"));
    }
    if settings.law.is_some_and(|law| law != Law::Continuous) && settings.bits != Some(8) {
        return Err(Failure::usage("G.711 has 8 bits; use -b 8, or --law continuous for other depths"));
    }
    Ok(())
}

fn whole_stretches(method: &Method) -> Failure {
    let name = method.name();
    Failure::usage(format!("-m {name} codes stretches of samples, not one by one; quantize alone takes it"))
}

/// How often the input is read with these settings.
pub fn passes(settings: &Settings) -> Passes {
    if settings.method == Method::LloydMax { Passes::Several } else { Passes::One }
}

impl Chain {
    /// The chain for a file of this format. Lloyd-Max reads the file once to learn its levels.
    pub fn new(settings: &Settings, file: &Rereadable, info: &Info, input: &Input) -> Result<Self, Failure> {
        Self::around(quantizer(settings, file, input)?, settings, info, &input.path)
    }

    /// The chain around a quantizer that is there already; `path` is named when settings and format do not go together.
    pub fn around(
        quantizer: Arc<dyn Quantizer>,
        settings: &Settings,
        info: &Info,
        path: &Path,
    ) -> Result<Self, Failure> {
        let dither = dither(settings, quantizer.as_ref(), info);
        let wrong = |error| Failure::compute(path, error);
        let shaper = match &settings.shape {
            Shape::None => None,
            Shape::Auto => {
                let designed = designed_feedback(info).and_then(|feedback| ErrorFilter::from_feedback(&feedback));
                Some(designed.map_err(wrong)?.into())
            }
            Shape::Adaptive => {
                let sample_rate_hz = f64::from(info.spec.sample_rate_hz);
                Some(Shaper::Adaptive(AdaptiveSpec { sample_rate_hz, ..AdaptiveSpec::default() }))
            }
            Shape::Filter(filter) => Some(filter.clone().into()),
        };
        let (storage, sample_format) = storage(settings, quantizer.as_ref(), dither)?;
        let options = RequantizerOptions { dither, shaper, seed: settings.seed };
        let requantizer = Requantizer::new(quantizer, options).map_err(|error| Failure::usage(error.to_string()))?;
        let has_full_scale = !matches!(settings.method, Method::LloydMax | Method::File(_));
        let spec = Spec { sample_format, ..info.spec };
        Ok(Self { requantizer, storage, spec, dither, shape: settings.shape.clone(), has_full_scale })
    }

    /// Quantizes samples of one channel; `y` is what a reader of the container will find, and NaN in `x` becomes the 0
    /// that it was quantized as.
    pub fn process(&mut self, channel: usize, first_sample_index: u64, block: Samples) {
        let Samples { x, indices, y } = block;
        self.requantizer.process(channel, first_sample_index, x, indices, y);
        if self.storage == Storage::Level {
            round_to_container(self.spec.sample_format, y);
        }
        x.iter_mut().filter(|x| x.is_nan()).for_each(|x| *x = 0.0);
    }

    /// The error file: float, so that nothing of it is lost.
    pub fn error_spec(&self) -> Spec {
        Spec { sample_format: SampleFormat::FLOAT32, ..self.spec }
    }

    /// Number of levels L.
    pub fn n_levels(&self) -> u64 {
        self.requantizer.quantizer().n_levels()
    }

    /// True when the quantizer has a full scale beyond which samples clip; the range of a codebook is its own affair.
    pub fn has_full_scale(&self) -> bool {
        self.has_full_scale
    }

    /// The dither in use.
    pub fn dither(&self) -> Dither {
        self.dither
    }

    /// The dither's word on the command line.
    pub fn dither_name(&self) -> &'static str {
        match self.dither {
            Dither::None => "none",
            Dither::Rectangular => "rpdf",
            Dither::Triangular => "tpdf",
            Dither::HighPassTriangular => "hp-tpdf",
            Dither::Gaussian => "gaussian",
            Dither::Subtractive => "subtractive",
        }
    }

    /// What was done, in a few words: `8 bits uniform, tpdf`.
    pub fn describe(&self, settings: &Settings) -> String {
        let depth = match settings.bits {
            Some(bits) => format!("{bits} bit{}", if bits == 1 { "" } else { "s" }),
            None => format!("{} levels", self.n_levels()),
        };
        let dither = match (self.dither, self.requantizer.quantizer().as_uniform()) {
            (Dither::None, Some(_)) => ", no dither",
            (Dither::None, None) => "",
            _ => &format!(", {}", self.dither_name()),
        };
        let shaped = match self.shape {
            Shape::None => "",
            Shape::Adaptive => ", shaped adaptively",
            Shape::Auto | Shape::Filter(_) => ", shaped",
        };
        format!("{depth} {}{dither}{shaped}", settings.method.name())
    }
}

/// Feedback coefficients of the shaper of `--shape auto`.
pub fn designed_feedback(info: &Info) -> sqnr::Result<Vec<f64>> {
    let sample_rate_hz = f64::from(info.spec.sample_rate_hz);
    let design = shaper_design::design(&ShaperSpec { sample_rate_hz, ..ShaperSpec::default() })?;
    Ok(design.feedback())
}

fn n_levels(settings: &Settings) -> u64 {
    settings.levels.unwrap_or(1 << settings.bits.unwrap_or(1))
}

fn quantizer(settings: &Settings, file: &Rereadable, input: &Input) -> Result<Arc<dyn Quantizer>, Failure> {
    match &settings.method {
        Method::LloydMax => Ok(Arc::new(training::lloyd_max(file, input, n_levels(settings))?)),
        _ => fixed_quantizer(settings),
    }
}

/// The quantizer of settings that need no samples to learn from: all but `lloyd-max`.
pub fn fixed_quantizer(settings: &Settings) -> Result<Arc<dyn Quantizer>, Failure> {
    let levels = n_levels(settings);
    let wrong = |error: sqnr::Error| Failure::usage(error.to_string());
    Ok(match &settings.method {
        Method::Uniform => Arc::new(Uniform::new(Grid::MidTread, levels, 1.0).map_err(wrong)?),
        Method::MidRise => Arc::new(Uniform::new(Grid::MidRise, levels, 1.0).map_err(wrong)?),
        Method::MuLaw | Method::ALaw => companding(settings, levels)?,
        Method::LloydMax => {
            return Err(Failure::usage("lloyd-max learns its levels from an input; name an audio file"));
        }
        Method::Coded(_) => return Err(whole_stretches(&settings.method)),
        Method::File(path) => Arc::new(codebook_file(path)?.codebook),
    })
}

/// Reads a codebook file; other designs say where they belong.
pub fn codebook_file(path: &Path) -> Result<CodebookFile, Failure> {
    match design_file::read(path).map_err(|message| Failure::input(path, message))? {
        Design::Codebook(codebook) => Ok(codebook),
        Design::Shaper(_) => Err(Failure::input(path, "a noise shaper, not a method; use it with --shape")),
        Design::Modulator(_) | Design::Predictor(_) => {
            Err(Failure::input(path, "no codebook; it codes on its own, without a bit depth"))
        }
    }
}

/// The text of a codebook file; its size is checked before it is read.
pub fn read_codebook_file(path: &Path) -> Result<String, Failure> {
    design_file::text(path).map_err(|message| Failure::input(path, message))
}

/// G.711 at 8 bits unless the formula is asked for, else the formula.
fn companding(settings: &Settings, levels: u64) -> Result<Arc<dyn Quantizer>, Failure> {
    let is_mu = settings.method == Method::MuLaw;
    if let Some(convention) = g711_convention(settings) {
        let law = if is_mu { G711Law::Mu } else { G711Law::A };
        return Ok(Arc::new(G711::new(law, convention)));
    }
    let compressor = match (is_mu, settings.compression) {
        (true, strength) => Compressor::Mu(strength.unwrap_or(255.0)),
        (false, strength) => Compressor::A(strength.unwrap_or(87.6)),
    };
    let quantizer = Companding::new(compressor, Grid::MidRise, levels);
    quantizer.map(|q| Arc::new(q) as Arc<dyn Quantizer>).map_err(|error| Failure::usage(error.to_string()))
}

/// Whose G.711 encoder is asked for; none for the formula.
fn g711_convention(settings: &Settings) -> Option<Convention> {
    if settings.bits != Some(8) || settings.compression.is_some() {
        return None;
    }
    match settings.law.unwrap_or(Law::Itu) {
        Law::Itu => Some(Convention::Itu),
        Law::Nearest => Some(Convention::Nearest),
        Law::Sox => Some(Convention::Sox),
        Law::Ffmpeg => Some(Convention::Ffmpeg),
        Law::Audioop => Some(Convention::Audioop),
        Law::Sndfile => Some(Convention::Sndfile),
        Law::Continuous => None,
    }
}

/// `auto` is triangular when a uniform quantizer loses bits; quantizers with steps of many sizes take none.
fn dither(settings: &Settings, quantizer: &dyn Quantizer, info: &Info) -> Dither {
    match settings.dither {
        DitherChoice::Auto if quantizer.as_uniform().is_none() => Dither::None,
        DitherChoice::Auto if keeps_every_code(settings, info) => Dither::None,
        DitherChoice::Auto => Dither::Triangular,
        DitherChoice::None => Dither::None,
        DitherChoice::Rpdf => Dither::Rectangular,
        DitherChoice::Tpdf => Dither::Triangular,
        DitherChoice::HpTpdf => Dither::HighPassTriangular,
        DitherChoice::Gaussian => Dither::Gaussian,
        DitherChoice::Subtractive => Dither::Subtractive,
    }
}

/// True when every code of the file is a level of a mid-tread quantizer of `bits`.
fn keeps_every_code(settings: &Settings, info: &Info) -> bool {
    let format = info.spec.sample_format;
    let stored_bits = match format.encoding() {
        Encoding::Integer => format.valid_bits(),
        // G.711 levels are integers of 14 and 13 bits, in a 16-bit range.
        Encoding::MuLaw | Encoding::ALaw => 16,
        _ => return false,
    };
    settings.method == Method::Uniform && settings.bits.is_some_and(|bits| bits >= stored_bits)
}

/// What is stored, and in which form.
fn storage(settings: &Settings, quantizer: &dyn Quantizer, dither: Dither) -> Result<(Storage, SampleFormat), Failure> {
    let exact = exact_storage(settings, dither);
    let wrong = |error: sqnr::Error| Failure::usage(error.to_string());
    match settings.container {
        Container::Auto => match exact {
            Exact::Codes { storage, bits } => Ok((storage, SampleFormat::integer(bits).map_err(wrong)?)),
            Exact::G711(format) => Ok((Storage::Level, format)),
            Exact::Float => Ok((Storage::Level, float_for(quantizer))),
        },
        Container::F32 => Ok((Storage::Level, SampleFormat::FLOAT32)),
        Container::F64 => Ok((Storage::Level, SampleFormat::FLOAT64)),
        Container::MuLaw | Container::ALaw => {
            let wanted =
                if settings.container == Container::MuLaw { SampleFormat::MU_LAW } else { SampleFormat::A_LAW };
            match exact {
                Exact::G711(format) if format == wanted => Ok((Storage::Level, format)),
                _ => Err(Failure::usage(format!(
                    "a {wanted} container holds the levels of its own law alone; use -m mu-law or a-law with -b 8"
                ))),
            }
        }
        integer => {
            let container_bits = integer.integer_bits().expect("the other containers are above");
            match exact {
                Exact::Codes { storage, bits } => {
                    Ok((storage, SampleFormat::integer_in(bits, container_bits).map_err(wrong)?))
                }
                _ => Ok((Storage::Level, SampleFormat::integer(container_bits).map_err(wrong)?)),
            }
        }
    }
}

/// Where the levels fit without rounding.
enum Exact {
    Codes { storage: Storage, bits: u32 },
    G711(SampleFormat),
    Float,
}

fn exact_storage(settings: &Settings, dither: Dither) -> Exact {
    let bits = settings.bits.or_else(|| settings.levels.filter(|l| l.is_power_of_two()).map(u64::ilog2));
    match (&settings.method, bits) {
        _ if dither == Dither::Subtractive => Exact::Float,
        (Method::Uniform, Some(bits)) => Exact::Codes { storage: Storage::Index, bits },
        (Method::MidRise, Some(bits)) if bits < 32 => Exact::Codes { storage: Storage::OddCode, bits: bits + 1 },
        (Method::MuLaw, _) if g711_convention(settings).is_some() => Exact::G711(SampleFormat::MU_LAW),
        (Method::ALaw, _) if g711_convention(settings).is_some() => Exact::G711(SampleFormat::A_LAW),
        _ => Exact::Float,
    }
}

/// Single precision holds levels that are far apart; 2^20 of them in full scale and more take double.
fn float_for(quantizer: &dyn Quantizer) -> SampleFormat {
    if quantizer.n_levels() < 1 << 20 { SampleFormat::FLOAT32 } else { SampleFormat::FLOAT64 }
}

/// Replaces levels by what the container makes of them.
fn round_to_container(format: SampleFormat, y: &mut [f64]) {
    match (format.encoding(), format.container_bits()) {
        (Encoding::Float, 32) => y.iter_mut().for_each(|y| *y = f64::from(*y as f32)),
        (Encoding::Integer, _) => {
            let grid = Uniform::mid_tread(format.valid_bits()).expect("a sample format has 1 to 32 bits");
            y.iter_mut().for_each(|y| *y = grid.reconstruct(grid.index(*y)));
        }
        _ => {}
    }
}
