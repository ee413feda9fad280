//! An input in memory: the stretch that is worked on, and what is measured of it once.

use std::sync::OnceLock;

use sqnr::{
    Signal,
    analysis::spectrum::{Averaged, PowerSpectrum},
    audio_file::Info,
    design::Samples,
};

use super::super::{
    exit::Failure,
    inputs::Input,
    progress::FileProgress,
    quantize::chain,
    source::{self, Passes, Rereadable},
    time_range::TimeRange,
    training,
};

/// Samples per channel in one block.
const BLOCK: usize = 8_192;
/// Samples of all channels that a clip may have: eight minutes of stereo at 48 kHz.
const MAX_SAMPLES: usize = 1 << 26;

/// A clip that knobs are tried on.
pub struct Clip {
    pub input: Input,
    pub info: Info,
    pub signal: Signal,
    /// What the page must say of the stretch.
    pub note: Option<String>,
    pub spectrum: Option<PowerSpectrum>,
    distribution: OnceLock<Samples>,
    shaper: OnceLock<Vec<f64>>,
}

impl Clip {
    /// Reads the stretch `range` of `input`.
    pub fn read(input: &Input, range: TimeRange, progress: &FileProgress) -> Result<Self, Failure> {
        let mut file = source::open(input)?;
        let info = file.info().clone();
        let (rate_hz, n_channels) = (info.spec.sample_rate_hz, usize::from(info.spec.channels));
        let frame_of = |seconds: f64| (seconds * f64::from(rate_hz)).round() as u64;
        let (from, to) = (frame_of(range.from_s), range.to_s.map_or(u64::MAX, frame_of));
        let mut channels = vec![Vec::new(); n_channels];
        let (mut block, mut at) = (Vec::new(), 0);
        while at < to {
            let n = file.read_planar(&mut block, BLOCK).map_err(|e| source::unreadable(input, e))? as u64;
            if n == 0 {
                break;
            }
            let wanted = (from.saturating_sub(at).min(n) as usize)..((to - at).min(n) as usize);
            channels.iter_mut().zip(&block).for_each(|(kept, x)| kept.extend_from_slice(&x[wanted.clone()]));
            at += n;
            if n_channels * channels[0].len() > MAX_SAMPLES {
                return Err(Failure::usage(format!(
                    "{}: too long to serve at once; choose a --range",
                    input.display()
                )));
            }
            progress.at(at, info.n_frames, rate_hz);
        }
        if channels[0].is_empty() {
            return Err(Failure::input(&input.path, "has no samples in the range"));
        }
        channels.iter_mut().flatten().filter(|x| x.is_nan()).for_each(|x| *x = 0.0);
        let is_whole =
            from == 0 && file.read_planar(&mut block, 1).map_err(|e| source::unreadable(input, e))? == 0 && at <= to;
        let shown = channels[0].len() as f64 / f64::from(rate_hz);
        let note = (!is_whole).then(|| format!("This is {shown:.1} s of the file, from {:.1} s on.", range.from_s));
        Self::new(input, info, channels, note)
    }

    fn new(input: &Input, info: Info, channels: Vec<Vec<f64>>, note: Option<String>) -> Result<Self, Failure> {
        let signal =
            Signal::new(info.spec.sample_rate_hz, channels).map_err(|error| Failure::compute(&input.path, error))?;
        let spectrum = spectrum(&signal.channels()[0], info.spec.sample_rate_hz);
        Ok(Self {
            input: input.clone(),
            info,
            signal,
            note,
            spectrum,
            distribution: OnceLock::new(),
            shaper: OnceLock::new(),
        })
    }

    /// The distribution of all samples of the file, as `quantize -m lloyd-max` learns from it; read at first use.
    pub fn distribution(&self) -> Result<&Samples, Failure> {
        if let Some(known) = self.distribution.get() {
            return Ok(known);
        }
        let file = Rereadable::new(&self.input, Passes::Several)?;
        let samples = training::histogram(&file, &self.input)?;
        Ok(self.distribution.get_or_init(|| samples))
    }

    /// Feedback coefficients of `--shape auto` at this sample rate; designed at first use.
    pub fn shaper(&self) -> sqnr::Result<Vec<f64>> {
        if let Some(known) = self.shaper.get() {
            return Ok(known.clone());
        }
        let designed = chain::designed_feedback(&self.info)?;
        Ok(self.shaper.get_or_init(|| designed).clone())
    }
}

/// The averaged spectrum; none of a clip that is too short for one.
pub fn spectrum(x: &[f64], sample_rate_hz: u32) -> Option<PowerSpectrum> {
    let mut averaged = Averaged::new(sample_rate_hz).ok()?;
    averaged.push(x);
    averaged.finish().ok()
}
