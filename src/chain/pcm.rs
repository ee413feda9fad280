//! Quantizers that take samples one by one, with dither and noise shaping, into integers or floats.

use std::sync::Arc;

use super::{Chain, Clipping, Form, InfiniteInput, Piece, Storage, few_values};
use crate::{
    Error, Result,
    analysis::error_statistics,
    quantizer::{
        Companding, Compressor, Grid, Quantizer, RoundedUniform, Rounding, Uniform,
        g711::{Convention, G711, Law as G711Law},
    },
    recipe::{Container, Depth, DitherChoice, Law, Method, NamedMethod, Recipe, Shape, Word},
    shaping::{Dither, Requantizer, RequantizerOptions, Shaper},
    wav::{Encoding, SampleFormat, Spec},
};

/// Largest number of levels whose entropy is counted.
const MAX_COUNTED_LEVELS: u64 = 1 << 16;

/// A quantizer with its dither and shaper, and the form of the samples stored.
///
/// ```
/// use sqnr::{audio_file::Reopen, chain::Plan, generate, quantizer::Quantizer};
///
/// let tone = generate::signal(Default::default())?;
/// let pcm = Plan::new(&"mu-law bits=8".parse()?)?.pcm(&tone, &tone.open()?.info().spec)?;
/// assert_eq!(pcm.quantizer().n_levels(), 256);
/// # Ok::<(), sqnr::Error>(())
/// ```
pub struct Pcm {
    recipe: Recipe,
    requantizer: Requantizer,
    dither: Dither,
    spec: Spec,
    storage: Storage,
    /// Samples per channel that are shown to an adaptive shaper and not yet quantized.
    ahead: Vec<Vec<f64>>,
    /// Samples per channel quantized so far.
    n_done: u64,
}

impl std::fmt::Debug for Pcm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pcm")
            .field("recipe", &self.recipe)
            .field("spec", &self.spec)
            .field("storage", &self.storage)
            .finish_non_exhaustive()
    }
}

impl Pcm {
    /// The chain of a recipe around a quantizer that is there already.
    ///
    /// - `spec`: the input's rate, channels and sample format; the latter says which dither `auto` is
    /// - `shaper`: `None` designs or reads the recipe's own
    ///
    /// # Errors
    /// `InvalidParameter` when quantizer, dither, shape and container do not go together.
    pub fn new(quantizer: Arc<dyn Quantizer>, recipe: &Recipe, spec: &Spec, shaper: Option<Shaper>) -> Result<Self> {
        let dither = dither(recipe, quantizer.as_ref(), spec);
        let shaper = match shaper {
            Some(shaper) => Some(shaper),
            None => recipe.shape.shaper(spec.sample_rate_hz)?,
        };
        let (storage, sample_format) = storage(recipe, quantizer.as_ref(), dither)?;
        let options = RequantizerOptions { dither, shaper, seed: recipe.seed };
        let requantizer = Requantizer::new(quantizer, options)?;
        let n_ahead = if requantizer.look_ahead() > 0 { usize::from(spec.channels) } else { 0 };
        Ok(Self {
            recipe: recipe.clone(),
            requantizer,
            dither,
            spec: Spec { sample_format, ..*spec },
            storage,
            ahead: vec![Vec::new(); n_ahead],
            n_done: 0,
        })
    }

    /// The quantizer.
    pub fn quantizer(&self) -> &dyn Quantizer {
        &**self.requantizer.quantizer()
    }

    /// The dither in use.
    pub fn dither(&self) -> Dither {
        self.dither
    }

    /// Samples so far that lay outside the quantizer's granular region, with dither and shaped noise.
    pub fn clipped_samples(&self) -> u64 {
        self.requantizer.counts().clipped_samples
    }

    /// Quantizes the next samples of every channel.
    fn quantize<C: AsRef<[f64]>>(&mut self, x: &[C], piece: &mut Piece) {
        for (c, x) in x.iter().map(AsRef::as_ref).enumerate() {
            let (y, indices) = (&mut piece.y[c], &mut piece.indices[c]);
            let before = y.len();
            y.resize(before + x.len(), 0.0);
            indices.resize(before + x.len(), 0);
            self.requantizer.process(c, self.n_done, x, &mut indices[before..], &mut y[before..]);
            if self.storage == Storage::Level {
                round_to_container(self.spec.sample_format, &mut y[before..]);
            }
        }
        self.n_done += x.first().map_or(0, |x| x.as_ref().len()) as u64;
    }

    /// True when the quantizer has a full scale beyond which samples clip; the range of a codebook follows its design.
    fn has_full_scale(&self) -> bool {
        !(self.recipe.method.is(NamedMethod::LloydMax) || matches!(self.recipe.method, Method::File(_)))
    }
}

impl Chain for Pcm {
    fn form(&self) -> Form {
        Form::Wav { spec: self.spec, storage: self.storage }
    }

    fn push(&mut self, x: &[Vec<f64>], piece: &mut Piece) -> Result<()> {
        if self.ahead.is_empty() {
            self.quantize(x, piece);
            return Ok(());
        }
        for (c, x) in x.iter().enumerate() {
            self.requantizer.show_ahead(c, x);
            self.ahead[c].extend_from_slice(x);
        }
        let n = self.ahead[0].len().saturating_sub(self.requantizer.look_ahead());
        let ready: Vec<Vec<f64>> = self.ahead.iter_mut().map(|ahead| ahead.drain(..n).collect()).collect();
        self.quantize(&ready, piece);
        Ok(())
    }

    fn finish(&mut self, piece: &mut Piece) -> Result<()> {
        let silence = vec![0.0; self.requantizer.look_ahead()];
        let rest = std::mem::take(&mut self.ahead);
        (0..rest.len()).for_each(|c| self.requantizer.show_ahead(c, &silence));
        self.quantize(&rest, piece);
        Ok(())
    }

    fn describe(&self) -> String {
        let depth = match self.recipe.depth {
            Some(Depth::Bits(bits)) => format!("{bits} bit{}", if bits == 1 { "" } else { "s" }),
            _ => format!("{} levels", self.quantizer().n_levels()),
        };
        let dither = match (self.dither, self.quantizer().as_uniform()) {
            (Dither::None, Some(_)) => ", no dither".to_owned(),
            (Dither::None, None) => String::new(),
            (dither, _) => format!(", {}", DitherChoice::Of(dither).word()),
        };
        let rounding = match self.recipe.rounding {
            Rounding::HalfUp => String::new(),
            rounding => format!(" {}", rounding.word()),
        };
        let shaped = match self.recipe.shape {
            Shape::None => "",
            Shape::Adaptive => ", shaped adaptively",
            _ => ", shaped",
        };
        format!("{depth} {}{rounding}{dither}{shaped}", self.recipe.method.word())
    }

    fn statistics(&self) -> error_statistics::Settings {
        let quantizer = self.quantizer();
        let (low, high) = quantizer.granular_region();
        error_statistics::Settings {
            granular: low..=high,
            indices: Some(quantizer.indices()).filter(|_| quantizer.n_levels() <= MAX_COUNTED_LEVELS),
            n_levels: quantizer.as_uniform().map(Uniform::n_levels),
            ..error_statistics::Settings::default()
        }
    }

    fn as_pcm(&self) -> Option<&Pcm> {
        Some(self)
    }

    fn infinite_input(&self) -> InfiniteInput {
        InfiniteInput::Clips
    }

    fn warnings(&self) -> Vec<String> {
        let n_levels = self.quantizer().n_levels();
        let has_few =
            self.recipe.method.is(NamedMethod::LloydMax) && self.recipe.levels().is_some_and(|n| n_levels < n);
        has_few.then(|| few_values::warning(n_levels as usize, "value")).into_iter().collect()
    }

    fn clipping(&self) -> Clipping {
        match self.has_full_scale() {
            true => Clipping::Counted(self.clipped_samples()),
            false => Clipping::Never,
        }
    }
}

/// The quantizer of a recipe that needs no samples to learn from.
///
/// # Errors
/// `InvalidParameter` for methods that learn from the signal or do not quantize sample by sample, and for depths that
/// the method does not have.
pub fn fixed_quantizer(recipe: &Recipe) -> Result<Arc<dyn Quantizer>> {
    let levels = recipe.levels().unwrap_or(2);
    let refused = |allowed: &str| Err(Error::invalid("method", recipe.method.word(), allowed));
    Ok(match recipe.method.named() {
        Some(NamedMethod::Uniform) => match recipe.rounding {
            Rounding::HalfUp => Arc::new(Uniform::new(Grid::MidTread, levels, 1.0)?),
            rounding => Arc::new(RoundedUniform::new(levels, rounding)?),
        },
        Some(NamedMethod::MidRise) => Arc::new(Uniform::new(Grid::MidRise, levels, 1.0)?),
        Some(method @ (NamedMethod::MuLaw | NamedMethod::ALaw)) => companding(method, recipe, levels)?,
        Some(NamedMethod::LloydMax) => {
            return refused("a method that needs no input; lloyd-max learns its levels from an audio file");
        }
        _ => return refused("a method that quantizes samples one by one; quantize alone takes this one"),
    })
}

/// G.711 at 8 bits unless the formula is asked for, else the formula.
fn companding(method: NamedMethod, recipe: &Recipe, levels: u64) -> Result<Arc<dyn Quantizer>> {
    let is_mu = method == NamedMethod::MuLaw;
    if let Some(convention) = g711_convention(recipe) {
        let law = if is_mu { G711Law::Mu } else { G711Law::A };
        return Ok(Arc::new(G711::new(law, convention)));
    }
    if recipe.law == Some(Law::Torchaudio) {
        return Ok(Arc::new(Companding::mu_law_to_the_ends(levels)?));
    }
    let compressor = match is_mu {
        true => Compressor::Mu(recipe.compression.unwrap_or(255.0)),
        false => Compressor::A(recipe.compression.unwrap_or(87.6)),
    };
    // An odd number of levels is symmetric around a level at zero, an even one around a threshold.
    let grid = if levels % 2 == 1 { Grid::MidTread } else { Grid::MidRise };
    Ok(Arc::new(Companding::new(compressor, grid, levels)?))
}

/// Whose G.711 encoder is asked for; none for the formula.
fn g711_convention(recipe: &Recipe) -> Option<Convention> {
    if recipe.bits() != Some(8) || recipe.compression.is_some() {
        return None;
    }
    match recipe.law {
        None => Some(Convention::Itu),
        Some(Law::G711(convention)) => Some(convention),
        Some(Law::Continuous | Law::Torchaudio) => None,
    }
}

/// `auto` is triangular when a uniform quantizer loses bits; quantizers with steps of many sizes take none.
fn dither(recipe: &Recipe, quantizer: &dyn Quantizer, spec: &Spec) -> Dither {
    match recipe.dither {
        DitherChoice::Of(dither) => dither,
        DitherChoice::Auto if quantizer.as_uniform().is_none() => Dither::None,
        DitherChoice::Auto if keeps_every_code(recipe, spec) => Dither::None,
        DitherChoice::Auto => Dither::Triangular,
    }
}

/// True when every code of the input is a level of a mid-tread quantizer of the recipe's bits.
fn keeps_every_code(recipe: &Recipe, spec: &Spec) -> bool {
    let format = spec.sample_format;
    let stored_bits = match format.encoding() {
        Encoding::Integer => format.valid_bits(),
        // G.711 levels are integers of 14 and 13 bits, in a 16-bit range.
        Encoding::MuLaw | Encoding::ALaw => 16,
        Encoding::Float => return false,
    };
    recipe.method.is(NamedMethod::Uniform) && recipe.bits().is_some_and(|bits| bits >= stored_bits)
}

/// What is stored, and in which form.
fn storage(recipe: &Recipe, quantizer: &dyn Quantizer, dither: Dither) -> Result<(Storage, SampleFormat)> {
    let exact = exact_storage(recipe, dither);
    match recipe.container {
        Container::Auto => match exact {
            Exact::Codes { storage, bits } => Ok((storage, SampleFormat::integer(bits)?)),
            Exact::G711(law) => Ok((Storage::G711(law), format_of(law))),
            Exact::Float => Ok((Storage::Level, float_for(quantizer))),
        },
        Container::F32 => Ok((Storage::Level, SampleFormat::FLOAT32)),
        Container::F64 => Ok((Storage::Level, SampleFormat::FLOAT64)),
        Container::MuLaw => g711_storage(exact, G711Law::Mu, recipe),
        Container::ALaw => g711_storage(exact, G711Law::A, recipe),
        Container::Integer(container_bits) => match exact {
            Exact::Codes { storage, bits } => Ok((storage, SampleFormat::integer_in(bits, container_bits)?)),
            Exact::G711(_) | Exact::Float => Ok((Storage::Level, SampleFormat::integer(container_bits)?)),
        },
    }
}

fn format_of(law: G711Law) -> SampleFormat {
    match law {
        G711Law::Mu => SampleFormat::MU_LAW,
        G711Law::A => SampleFormat::A_LAW,
    }
}

fn g711_storage(exact: Exact, wanted: G711Law, recipe: &Recipe) -> Result<(Storage, SampleFormat)> {
    match exact {
        Exact::G711(law) if law == wanted => Ok((Storage::G711(law), format_of(law))),
        _ => {
            let allowed = "another; it holds the levels of its own law alone, those of mu-law or a-law at 8 bits";
            Err(Error::invalid("container", recipe.container.word(), allowed))
        }
    }
}

/// Where the levels fit without rounding.
enum Exact {
    Codes { storage: Storage, bits: u32 },
    G711(G711Law),
    Float,
}

fn exact_storage(recipe: &Recipe, dither: Dither) -> Exact {
    let bits = recipe.levels().filter(|levels| levels.is_power_of_two()).map(u64::ilog2);
    match (recipe.method.named(), bits) {
        _ if dither == Dither::Subtractive => Exact::Float,
        (Some(NamedMethod::Uniform), Some(bits)) => Exact::Codes { storage: Storage::Index, bits },
        (Some(NamedMethod::MidRise), Some(bits)) if bits < 32 => {
            Exact::Codes { storage: Storage::OddCode, bits: bits + 1 }
        }
        (Some(NamedMethod::MuLaw), _) if g711_convention(recipe).is_some() => Exact::G711(G711Law::Mu),
        (Some(NamedMethod::ALaw), _) if g711_convention(recipe).is_some() => Exact::G711(G711Law::A),
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
