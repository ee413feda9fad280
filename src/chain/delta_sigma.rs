//! Delta-sigma modulation: up to the modulator's rate, few levels, and back.
//!
//! ```text
//! x -> interpolate -> gain -> modulator -> levels -> DSF
//!                                            \-> decimate -> 1 / gain -> y
//! ```
//!
//! One bit is stable to about half of full scale, and Super Audio CD puts 0 dB there: one-bit levels carry half the
//! amplitude, and a reader of DSF doubles it.

use super::{Chain, Form, Piece, Storage, Storing};
use crate::{
    Error, Result, dsf,
    recipe::ModulatorDesign,
    shaping::delta_sigma::{
        Decimator, Interpolator, Modulator, Ntf, NtfSpec, RateStream, STOP_BAND, TrellisModulator, TrellisOptions,
    },
    wav::{SampleFormat, Spec},
};

/// Order and gain of the modulator of `dsd...`: stable to full scale of the audio.
const DSD_ORDER: usize = 5;
const DSD_H_INF: f64 = 1.5;

/// Inputs beyond twice full scale tell a modulator nothing more.
const LARGEST_INPUT: f64 = 2.0;

/// One bit at `multiple` times 44.1 or 48 kHz, whichever is a multiple of the audio's rate.
///
/// ```
/// let design = sqnr::chain::designed_modulator(44_100, 64)?;
/// // The noise in the audio band lies more than 90 dB down.
/// assert!(design.ntf.in_band_gain_db(64.0) < -90.0);
/// # Ok::<(), sqnr::Error>(())
/// ```
///
/// # Errors
/// `Unsupported` for a rate of which neither is a multiple.
pub fn designed_modulator(sample_rate_hz: u32, multiple: usize) -> Result<ModulatorDesign> {
    let high = [44_100, 48_000].map(|base| base * multiple as u32);
    let Some(high_hz) = high.into_iter().find(|high| high % sample_rate_hz == 0) else {
        let (rate, one, two) = (sample_rate_hz, high[0], high[1]);
        let what = format!("has {rate} Hz; {one} and {two} Hz are not multiples of it: resample it first");
        return Err(Error::Unsupported { what });
    };
    // Noise is low in the audio's own band, at most that of 48 kHz, and to the end of the decimator's transition: what
    // lies there would fold back.
    let osr = f64::from(high_hz) / f64::from(sample_rate_hz.min(48_000)) / (2.0 * STOP_BAND);
    let ntf = Ntf::synthesize(&NtfSpec { order: DSD_ORDER, osr, h_inf: DSD_H_INF, ..NtfSpec::default() })?;
    let oversampling_ratio = (high_hz / sample_rate_hz) as usize;
    Ok(ModulatorDesign { ntf, oversampling_ratio, n_levels: 2, n_paths: 1 })
}

/// A modulator on every channel.
pub(super) struct DeltaSigma {
    name: String,
    form: Form,
    channels: Vec<Channel>,
}

impl DeltaSigma {
    /// The chain of a design, into DSF or into the audio it stands for.
    ///
    /// # Errors
    /// `InvalidParameter` and `Unsupported` for a design that does not fit, or that DSF cannot hold.
    pub(super) fn new(name: &str, design: &ModulatorDesign, spec: &Spec, storing: Storing) -> Result<Self> {
        let form = match storing {
            Storing::Coded => Form::Dsf(dsf_spec(design, spec)?),
            Storing::Reconstruction => {
                Form::Wav { spec: Spec { sample_format: SampleFormat::FLOAT32, ..*spec }, storage: Storage::Level }
            }
        };
        let channels = (0..spec.channels).map(|_| Channel::new(design)).collect::<Result<_>>()?;
        Ok(Self { name: name.into(), form, channels })
    }
}

fn dsf_spec(design: &ModulatorDesign, spec: &Spec) -> Result<dsf::Spec> {
    if design.n_levels != 2 {
        return Err(Error::invalid("levels of the modulator", design.n_levels, "2 in DSF, which holds one bit"));
    }
    let rate_hz = u64::from(spec.sample_rate_hz) * design.oversampling_ratio as u64;
    let sample_rate_hz =
        u32::try_from(rate_hz).map_err(|_| Error::invalid("sample rate of DSF", rate_hz, "less than 2^32 Hz"))?;
    let spec = dsf::Spec { sample_rate_hz, n_channels: usize::from(spec.channels) };
    spec.check().map(|()| spec)
}

impl Chain for DeltaSigma {
    fn form(&self) -> Form {
        self.form
    }

    fn push(&mut self, x: &[Vec<f64>], piece: &mut Piece) -> Result<()> {
        let places = piece.y.iter_mut().zip(&mut piece.one_bit);
        for ((channel, x), (y, levels)) in self.channels.iter_mut().zip(x).zip(places) {
            channel.push(x, y, levels);
        }
        Ok(())
    }

    fn finish(&mut self, piece: &mut Piece) -> Result<()> {
        let places = piece.y.iter_mut().zip(&mut piece.one_bit);
        self.channels.iter_mut().zip(places).for_each(|(channel, (y, levels))| channel.finish(y, levels));
        Ok(())
    }

    fn describe(&self) -> String {
        self.name.clone()
    }

    fn unsupported_frames(&self) -> usize {
        self.channels.first().map_or(0, |channel| channel.unsupported_frames)
    }

    fn warnings(&self) -> Vec<String> {
        match self.channels.iter().map(Channel::n_resets).sum::<u64>() {
            0 => Vec::new(),
            n => vec![format!("the modulator ran away {n} times and was set back: too loud for it")],
        }
    }
}

/// A modulator between a rate changer up and one down.
struct Channel {
    up: RateStream<Interpolator>,
    modulator: Loop,
    down: RateStream<Decimator>,
    gain: f64,
    /// Samples at an end whose neighbours one of both rate changers lacks.
    unsupported_frames: usize,
}

enum Loop {
    Plain(Box<Modulator>),
    LookAhead(Box<TrellisModulator>),
}

impl Channel {
    fn new(design: &ModulatorDesign) -> Result<Self> {
        let factor = design.oversampling_ratio;
        let modulator = match design.n_paths {
            n_paths @ 2.. if design.n_levels == 2 => {
                let options = TrellisOptions { n_paths, ..TrellisOptions::default() };
                Loop::LookAhead(Box::new(TrellisModulator::new(&design.ntf, options)?))
            }
            _ => Loop::Plain(Box::new(Modulator::new(&design.ntf, design.n_levels)?)),
        };
        let decimator = Decimator::new(factor)?;
        Ok(Self {
            up: RateStream::interpolate(Interpolator::new(factor)?),
            modulator,
            unsupported_frames: 2 * decimator.reach().div_ceil(factor),
            down: RateStream::decimate(decimator),
            gain: if design.n_levels == 2 { dsf::FULL_SCALE } else { 1.0 },
        })
    }

    fn push(&mut self, x: &[f64], y: &mut Vec<f64>, levels: &mut Vec<f64>) {
        let within: Vec<f64> = x.iter().map(|x| x.clamp(-LARGEST_INPUT, LARGEST_INPUT)).collect();
        let mut high = Vec::new();
        self.up.push(&within, &mut high);
        self.modulate(high, levels);
        let before = y.len();
        self.down.push(levels, y);
        self.rescale(&mut y[before..]);
    }

    fn finish(&mut self, y: &mut Vec<f64>, levels: &mut Vec<f64>) {
        let mut high = Vec::new();
        self.up.finish(&mut high);
        self.modulate(high, levels);
        if let Loop::LookAhead(modulator) = &mut self.modulator {
            modulator.finish(levels);
        }
        let before = y.len();
        self.down.push(levels, y);
        self.down.finish(y);
        self.rescale(&mut y[before..]);
    }

    /// `levels` is empty before.
    fn modulate(&mut self, mut u: Vec<f64>, levels: &mut Vec<f64>) {
        u.iter_mut().for_each(|u| *u *= self.gain);
        match &mut self.modulator {
            Loop::Plain(modulator) => {
                levels.resize(u.len(), 0.0);
                modulator.process(&u, levels).expect("equal lengths");
            }
            Loop::LookAhead(modulator) => modulator.process(&u, levels),
        }
    }

    /// A reader finds single precision.
    fn rescale(&self, y: &mut [f64]) {
        y.iter_mut().for_each(|y| *y = f64::from((*y / self.gain) as f32));
    }

    fn n_resets(&self) -> u64 {
        match &self.modulator {
            Loop::Plain(modulator) => modulator.n_resets(),
            Loop::LookAhead(modulator) => modulator.n_resets(),
        }
    }
}
