//! A stretch of audio in memory that recipes are tried on, and what is learnt of it once.

use std::sync::OnceLock;

use super::{CodecRoundTrip, Quantized, codec_round_trip};
use crate::{
    Error, Progress, Result, Signal,
    analysis::spectrum::{Averaged, PowerSpectrum},
    audio_file::{Info, Reopen, Source},
    chain::{self, Pcm, Piece, Plan, training},
    design::Samples,
    recipe::{CodecRequest, NamedMethod, Recipe, Shape},
    shaping::Shaper,
};

/// Samples per channel in one block.
const BLOCK: usize = 8_192;
/// Samples of all channels that a clip may have: eight minutes of stereo at 48 kHz.
const MAX_SAMPLES: usize = 1 << 26;

/// A stretch of audio that recipes are tried on.
///
/// ```
/// use sqnr::{generate, task::Clip};
///
/// let tone = generate::signal(Default::default())?;
/// let clip = Clip::read(&tone, (0.25, Some(0.75)), &())?;
/// assert_eq!((clip.signal.len(), clip.part_from_s), (24_000, Some(0.25)));
/// let quantized = clip.quantize(&tone, &"uniform bits=8".parse()?)?;
/// assert_eq!(quantized.signal.len(), 24_000);
/// # Ok::<(), sqnr::Error>(())
/// ```
pub struct Clip {
    /// Format of the audio.
    pub info: Info,
    /// The samples of the stretch; NaN is 0.
    pub signal: Signal,
    /// Where the stretch begins, s, when it is not all of the audio.
    pub part_from_s: Option<f64>,
    /// The averaged spectrum of the first channel, of a clip that is long enough for one.
    pub spectrum: Option<PowerSpectrum>,
    distribution: OnceLock<Samples>,
    shaper: OnceLock<Option<Shaper>>,
}

impl Clip {
    /// Reads the stretch from `from_s` to `to_s`, or to the end.
    ///
    /// # Errors
    /// `LimitExceeded` for more than 2^26 samples; `NoResult` for none; what reading meets.
    pub fn read(audio: &dyn Reopen, (from_s, to_s): (f64, Option<f64>), progress: &dyn Progress) -> Result<Self> {
        let mut source = audio.open()?;
        let info = source.info().clone();
        let (rate_hz, n_channels) = (info.spec.sample_rate_hz, usize::from(info.spec.channels));
        let frame_of = |seconds: f64| (seconds * f64::from(rate_hz)).round() as u64;
        let (from, to) = (frame_of(from_s), to_s.map_or(u64::MAX, frame_of));
        let mut channels = vec![Vec::new(); n_channels];
        let (mut block, mut at) = (Vec::new(), 0);
        while at < to {
            let n = source.read_planar(&mut block, BLOCK)? as u64;
            if n == 0 {
                break;
            }
            let wanted = (from.saturating_sub(at).min(n) as usize)..((to - at).min(n) as usize);
            channels.iter_mut().zip(&block).for_each(|(kept, x)| kept.extend_from_slice(&x[wanted.clone()]));
            at += n;
            if n_channels * channels[0].len() > MAX_SAMPLES {
                let what = "samples of a stretch that is held; choose a --range";
                let value = (n_channels * channels[0].len()) as u64;
                return Err(Error::LimitExceeded { what, value, limit: MAX_SAMPLES as u64 });
            }
            progress.at(at, info.n_frames, rate_hz);
        }
        if channels[0].is_empty() {
            return Err(Error::NoResult { what: "has no samples in the range".into() });
        }
        channels.iter_mut().flatten().filter(|x| x.is_nan()).for_each(|x| *x = 0.0);
        let is_whole = from == 0 && source.read_planar(&mut block, 1)? == 0 && at <= to;
        Self::new(info, channels, (!is_whole).then_some(from_s))
    }

    fn new(info: Info, channels: Vec<Vec<f64>>, part_from_s: Option<f64>) -> Result<Self> {
        let signal = Signal::new(info.spec.sample_rate_hz, channels)?;
        let spectrum = spectrum(&signal.channels()[0], info.spec.sample_rate_hz);
        let (distribution, shaper) = (OnceLock::new(), OnceLock::new());
        Ok(Self { info, signal, part_from_s, spectrum, distribution, shaper })
    }

    /// Quantizes the clip as a recipe asks that quantizes sample by sample; `lloyd-max` learns from all of the audio.
    ///
    /// # Errors
    /// As [`quantize`](super::quantize).
    pub fn quantize(&self, audio: &dyn Reopen, recipe: &Recipe) -> Result<Quantized> {
        let plan = Plan::new(recipe)?;
        let quantizer = match recipe.method.is(NamedMethod::LloydMax) {
            true => {
                let levels = recipe.levels().unwrap_or(2);
                std::sync::Arc::new(training::codebook(self.distribution(audio)?, levels)?)
            }
            false => plan.fixed_quantizer()?,
        };
        let shaper = if recipe.shape == Shape::Auto { self.shaper()? } else { None };
        let mut chain = Pcm::new(quantizer, recipe, &self.info.spec, shaper)?;
        let mut channels = vec![Vec::new(); self.signal.channels().len()];
        let mut keep = |_: &[Vec<f64>], piece: &Piece| {
            channels.iter_mut().zip(&piece.y).for_each(|(channel, y)| channel.extend_from_slice(y));
            Ok(())
        };
        let outcome = chain::run(&mut Source::of_signal(&self.signal), &mut chain, &mut keep, &())?;
        Ok(Quantized { signal: Signal::new(self.signal.sample_rate_hz(), channels)?, outcome })
    }

    /// Sends the clip through the transform codec and back.
    ///
    /// # Errors
    /// As [`codec_round_trip`].
    pub fn encode(&self, request: &CodecRequest) -> Result<CodecRoundTrip> {
        codec_round_trip(&self.signal, self.info.spec.channel_mask, request)
    }

    /// The distribution of all samples of the audio, read at first use.
    fn distribution(&self, audio: &dyn Reopen) -> Result<&Samples> {
        match self.distribution.get() {
            Some(known) => Ok(known),
            None => {
                let samples = training::distribution(&[audio])?;
                Ok(self.distribution.get_or_init(|| samples))
            }
        }
    }

    /// The shaper of `auto` at this sample rate, designed at first use.
    fn shaper(&self) -> Result<Option<Shaper>> {
        match self.shaper.get() {
            Some(known) => Ok(known.clone()),
            None => {
                let designed = Shape::Auto.shaper(self.info.spec.sample_rate_hz)?;
                Ok(self.shaper.get_or_init(|| designed).clone())
            }
        }
    }
}

/// The averaged spectrum; none of samples that are too few for one.
pub(super) fn spectrum(x: &[f64], sample_rate_hz: u32) -> Option<PowerSpectrum> {
    let mut averaged = Averaged::new(sample_rate_hz).ok()?;
    averaged.push(x);
    averaged.finish().ok()
}

/// The spectra of the first channel of an output and of its error against the clip.
pub fn output_and_error_spectra(clip: &Clip, output: &Signal) -> (Option<PowerSpectrum>, Option<PowerSpectrum>) {
    let (x, y) = (&clip.signal.channels()[0], &output.channels()[0]);
    let rate_hz = clip.signal.sample_rate_hz();
    let error: Vec<f64> = x.iter().zip(y).map(|(x, y)| y - x).collect();
    let spectra = crate::parallel::map(&[y.as_slice(), &error], |x| spectrum(x, rate_hz));
    let [output, error] = <[_; 2]>::try_from(spectra).unwrap_or([None, None]);
    (output, error)
}

impl std::fmt::Debug for Clip {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Clip").field("info", &self.info).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clip(from_s: f64, to_s: Option<f64>) -> (Signal, Clip) {
        let x = (0..8_000).map(|i| 0.5 * (f64::from(i) * 0.1).sin()).collect();
        let signal = Signal::new(8_000, vec![x]).expect("legal");
        let clip = Clip::read(&signal, (from_s, to_s), &()).expect("there are samples");
        (signal, clip)
    }

    #[test]
    fn a_stretch_is_cut_and_said() {
        let (signal, part) = clip(0.25, Some(0.75));
        assert_eq!(part.signal.channels()[0], signal.channels()[0][2_000..6_000]);
        assert_eq!(part.part_from_s, Some(0.25));
        assert_eq!(clip(0.0, None).1.part_from_s, None);
        assert!(Clip::read(&signal, (2.0, None), &()).is_err());
    }

    #[test]
    fn a_clip_is_quantized_as_the_signal_is() {
        let (signal, clip) = clip(0.0, None);
        for text in ["uniform bits=8 shape=auto", "lloyd-max bits=3", "mu-law bits=8 law=continuous"] {
            let recipe: Recipe = text.parse().expect("legal");
            let (ours, theirs) = (
                clip.quantize(&signal, &recipe).expect("legal"),
                super::super::quantize(&signal, &recipe).expect("legal"),
            );
            assert_eq!(ours.signal, theirs.signal, "{text}");
        }
    }
}
