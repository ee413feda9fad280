//! The main job: a signal quantized as a recipe asks, and what that cost.

use crate::{
    Progress, Result, Signal,
    analysis::Figure,
    audio_file::Reopen,
    chain::{self, Outcome, Piece, Plan, Storing},
    recipe::{Method, Recipe},
};

use super::codec_round_trip;

/// A quantized signal and what it cost.
#[derive(Debug, Clone)]
pub struct Quantized {
    /// What a reader of the quantized file finds.
    pub signal: Signal,
    /// Error figures, counts, cost and warnings.
    pub outcome: Outcome,
}

impl Quantized {
    /// Signal-to-quantization-noise ratio over all channels, dB.
    pub fn snr_db(&self) -> Figure {
        self.outcome.figures.snr_db
    }
}

/// Quantizes a signal as the recipe asks, and measures the error.
///
/// ```
/// use sqnr::generate::{TestSignal, signal};
///
/// let sine = signal(TestSignal { level_dbfs: -1.0, ..TestSignal::default() })?;
/// let eight_bits = sqnr::quantize(&sine, &"uniform bits=8 dither=none".parse()?)?;
/// // 6.02 B + 1.76 dB, and 1 dB less for the level
/// assert!((eight_bits.snr_db().expect("a sine has noise") - 48.9).abs() < 0.2);
/// # Ok::<(), sqnr::Error>(())
/// ```
///
/// # Errors
/// `InvalidParameter` for a recipe that contradicts itself or does not go with the signal; `Input` for a design's file
/// that cannot be read; `NoResult` when the method has nothing to learn from.
pub fn quantize(signal: &Signal, recipe: &Recipe) -> Result<Quantized> {
    quantize_audio(signal, recipe, &())
}

/// The same of any audio, held in memory when it is quantized.
///
/// ```
/// use sqnr::{generate, task::quantize_audio};
///
/// let tone = generate::signal(Default::default())?;
/// let quantized = quantize_audio(&tone, &"lloyd-max bits=4".parse()?, &())?;
/// // Better than the 25.8 dB of sixteen equal steps.
/// assert!(quantized.snr_db().unwrap() > 25.8);
/// # Ok::<(), sqnr::Error>(())
/// ```
///
/// # Errors
/// As [`quantize`], and what reading meets.
pub fn quantize_audio(audio: &dyn Reopen, recipe: &Recipe, progress: &dyn Progress) -> Result<Quantized> {
    if let Method::Codec(request) = &recipe.method {
        recipe.check()?;
        return codec_round_trip(&audio.open()?.read_to_end()?, None, request).map(|done| done.quantized);
    }
    let plan = Plan::new(recipe)?;
    let mut source = audio.open()?;
    let spec = source.info().spec;
    let mut chain = plan.chain(audio, &spec, Storing::Reconstruction)?;
    let mut channels = vec![Vec::new(); usize::from(spec.channels)];
    let mut keep = |_: &[Vec<f64>], piece: &Piece| {
        channels.iter_mut().zip(&piece.y).for_each(|(channel, y)| channel.extend_from_slice(y));
        Ok(())
    };
    let outcome = chain::run(&mut source, &mut *chain, &mut keep, progress)?;
    Ok(Quantized { signal: Signal::new(spec.sample_rate_hz, channels)?, outcome })
}
