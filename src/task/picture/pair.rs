//! Input and output of one channel side by side: audio and what a chain makes of it, or two files.

use crate::{
    Error, Progress, Result,
    analysis::error_density::ErrorDensity,
    audio_file::{Reopen, Source},
    chain::{self, Chain, Pcm, Piece, Storing},
    report::plot::noise::Floor,
    shaping::Dither,
};

use super::Subject;

/// Samples per channel in one block of two files.
const BLOCK: usize = 8_192;

/// Input and output, ready to be read.
///
/// ```
/// use sqnr::{chain::Plan, generate, task::picture::Subject};
///
/// let tone = generate::signal(Default::default())?;
/// let plan = Plan::new(&"uniform bits=8 dither=none".parse()?)?;
/// let pair = Subject { audio: &tone, plan: &plan, reference: None, channel: 1 }.pair()?;
/// assert_eq!((pair.n_frames(), pair.step_size()), (Some(48_000), Some(2.0 / 256.0)));
/// let mut largest = 0.0_f64;
/// pair.each_block(&(), |x, y| largest = x.iter().zip(y).fold(largest, |most, (x, y)| most.max((y - x).abs())))?;
/// assert!(largest <= 2.0 / 256.0);
/// # Ok::<(), sqnr::Error>(())
/// ```
pub struct Pair<'a> {
    /// What the picture says of them.
    pub conditions: String,
    /// Of both.
    pub sample_rate_hz: u32,
    channel: usize,
    n_frames: Option<u64>,
    first: Source<'a>,
    second: Second<'a>,
}

impl std::fmt::Debug for Pair<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pair")
            .field("conditions", &self.conditions)
            .field("channel", &self.channel)
            .finish_non_exhaustive()
    }
}

/// Where the output comes from.
enum Second<'a> {
    /// The input, quantized.
    Quantized(Box<dyn Chain>),
    /// `first` is the reference, this the file under test.
    File(Source<'a>),
}

impl<'a> Pair<'a> {
    pub(super) fn quantized(subject: &Subject<'a>) -> Result<Self> {
        let first = subject.open()?;
        let info = first.info().clone();
        let chain = subject.plan.chain(subject.audio, &info.spec, Storing::Reconstruction)?;
        let name = subject.audio.name();
        Ok(Self {
            conditions: format!("{name} · {}{}", chain.describe(), subject.channel_of(&info)),
            sample_rate_hz: info.spec.sample_rate_hz,
            channel: subject.channel_index(),
            n_frames: info.n_frames,
            first,
            second: Second::Quantized(chain),
        })
    }

    pub(super) fn difference(subject: &Subject<'a>, reference: &'a dyn Reopen) -> Result<Self> {
        let (test, first) = (subject.open()?, reference.open()?);
        subject.check_channel(first.info())?;
        let (ours, theirs) = (test.info().spec.sample_rate_hz, first.info().spec.sample_rate_hz);
        let (name, reference_name) = (subject.audio.name(), reference.name());
        if ours != theirs {
            let what = format!("has {ours} Hz, {reference_name} {theirs} Hz; resample one first");
            return Err(Error::Unsupported { what }.of_input(name));
        }
        Ok(Self {
            conditions: format!("{name} minus {reference_name}{}", subject.channel_of(first.info())),
            sample_rate_hz: theirs,
            channel: subject.channel_index(),
            n_frames: first.info().n_frames,
            first,
            second: Second::File(test),
        })
    }
}

impl Pair<'_> {
    /// Samples per channel, when that is known before the end.
    pub fn n_frames(&self) -> Option<u64> {
        self.n_frames
    }

    /// Width of a cell, when the output comes from a uniform quantizer.
    pub fn step_size(&self) -> Option<f64> {
        match &self.second {
            Second::Quantized(chain) => Some(chain.as_pcm()?.quantizer().as_uniform()?.step()),
            Second::File(_) => None,
        }
    }

    fn dither(&self) -> Dither {
        match &self.second {
            Second::Quantized(chain) => chain.as_pcm().map_or(Dither::None, Pcm::dither),
            Second::File(_) => Dither::None,
        }
    }

    /// The error's density in theory, its name, and how many steps to each side a picture of it needs.
    pub fn expected_density(&self) -> (ErrorDensity, &'static str, f64) {
        match self.dither() {
            Dither::None | Dither::Subtractive => (ErrorDensity::Uniform, "uniform, one Δ wide", 1.0),
            Dither::Rectangular => (ErrorDensity::Triangular, "triangular, two Δ wide", 2.0),
            Dither::Triangular | Dither::HighPassTriangular => {
                (ErrorDensity::Quadratic, "three uniforms, three Δ wide", 2.0)
            }
            Dither::Gaussian => (ErrorDensity::Gaussian { sigma_steps: 0.5 }, "uniform and Gaussian", 3.0),
        }
    }

    /// The flat floor that theory expects of a uniform quantizer without noise shaping.
    pub fn floors(&self) -> Vec<Floor> {
        let Some(step) = self.step_size() else { return Vec::new() };
        let variance = self.expected_density().0.variance();
        let name = format!("{} Δ²", fraction(variance));
        vec![Floor::white(name, variance * step * step, f64::from(self.sample_rate_hz))]
    }

    /// Reads to the end; hands input and output of the channel to `take`, block by block. A longer file is cut.
    ///
    /// # Errors
    /// What reading meets.
    pub fn each_block(self, progress: &dyn Progress, mut take: impl FnMut(&[f64], &[f64])) -> Result<()> {
        let (mut first, channel) = (self.first, self.channel);
        let mut test = match self.second {
            Second::Quantized(mut chain) => {
                let mut show = |x: &[Vec<f64>], piece: &Piece| {
                    take(&x[channel], &piece.y[channel]);
                    Ok(())
                };
                return chain::run(&mut first, &mut *chain, &mut show, progress).map(|_| ());
            }
            Second::File(test) => test,
        };
        let (mut x, mut y, mut done) = (Vec::new(), Vec::new(), 0);
        loop {
            let n = first.read_planar(&mut x, BLOCK)?.min(test.read_planar(&mut y, BLOCK)?);
            if n == 0 {
                return Ok(());
            }
            take(&x[channel][..n], &y[channel][..n]);
            done += n as u64;
            progress.at(done, self.n_frames, self.sample_rate_hz);
        }
    }
}

/// `1/12` for the variances of theory, decimals for others.
fn fraction(variance: f64) -> String {
    let inverse = 1.0 / variance;
    match (inverse - inverse.round()).abs() < 1e-9 {
        true => format!("1/{inverse:.0}"),
        false => format!("{variance:.4}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variances_of_theory_read_as_fractions() {
        assert_eq!(fraction(ErrorDensity::Uniform.variance()), "1/12");
        assert_eq!(fraction(ErrorDensity::Quadratic.variance()), "1/4");
        assert_eq!(fraction(0.15), "0.1500");
    }
}
