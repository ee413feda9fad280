//! Pictures of audio, quantizers and their errors: reads what is needed, and gives a [`Chart`] that the report draws.
//!
//! ```text
//! Subject { audio, plan, reference, channel }
//!     |-> pair: input and output of one channel, block by block
//!     |       |-> over_time (wave, spectrogram, spectra), noise, histogram, error, snr ... -> Chart
//!     '-> quantizer: transfer, codebook                                                      -> Chart
//! ```

mod codebook;
mod error;
mod noise;
mod over_time;
mod pair;
mod snr;
mod stimulus;

use std::sync::Arc;

use crate::{
    Error, Progress, Result,
    audio_file::{Info, Reopen, Source},
    chain::Plan,
    quantizer::Quantizer,
    report::plot::{Chart, transfer::Transfer},
};

pub use codebook::{CodebookOf, codebook_chart, tabulated};
pub use error::{against_phase, against_value, noise_to_mask};
pub use noise::{error_histogram, noise};
pub use over_time::{Shown, spectra, spectrogram, wave};
pub use pair::Pair;
pub use snr::{against_bits, against_level};
pub use stimulus::Stimulus;

/// What a picture is drawn of.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    /// The input.
    pub audio: &'a dyn Reopen,
    /// How it is quantized, where the picture shows that.
    pub plan: &'a Plan,
    /// What the input is compared with instead of being quantized: the error is input minus reference.
    pub reference: Option<&'a dyn Reopen>,
    /// The channel that is shown, from 1.
    pub channel: u16,
}

impl std::fmt::Debug for Subject<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Subject").field("plan", &self.plan).field("channel", &self.channel).finish_non_exhaustive()
    }
}

impl<'a> Subject<'a> {
    /// The pair of signals that the reference or the plan make.
    ///
    /// # Errors
    /// `InvalidParameter` for a channel that is not there; what designing and reading meet.
    pub fn pair(&self) -> Result<Pair<'a>> {
        match self.reference {
            Some(reference) => Pair::difference(self, reference),
            None => Pair::quantized(self),
        }
    }

    /// The quantizer for this input.
    ///
    /// # Errors
    /// As [`Plan::quantizer`].
    pub fn quantizer(&self) -> Result<Arc<dyn Quantizer>> {
        self.plan.quantizer(self.audio)
    }

    /// The input alone.
    ///
    /// # Errors
    /// `InvalidParameter` for a channel that is not there; what reading meets.
    pub fn open(&self) -> Result<Source<'a>> {
        let source = self.audio.open()?;
        self.check_channel(source.info())?;
        Ok(source)
    }

    /// ` · channel 2 of 6` where there are several.
    pub fn channel_of(&self, info: &Info) -> String {
        match info.spec.channels {
            1 => String::new(),
            n => format!(" · channel {} of {n}", self.channel),
        }
    }

    /// Refuses a channel that the input does not have.
    ///
    /// # Errors
    /// `InvalidParameter`.
    pub fn check_channel(&self, info: &Info) -> Result<()> {
        let n = info.spec.channels;
        match (1..=n).contains(&self.channel) {
            true => Ok(()),
            false => Err(Error::invalid("channel", self.channel, format!("1 to {n}"))),
        }
    }

    /// The channel, from 0.
    fn channel_index(&self) -> usize {
        usize::from(self.channel) - 1
    }
}

/// Reads the subject's channel to the end, block by block.
fn each_block(subject: &Subject, progress: &dyn Progress, mut take: impl FnMut(&[f64])) -> Result<()> {
    /// Samples per channel in one block.
    const BLOCK: usize = 8_192;
    let mut source = subject.open()?;
    let (rate_hz, n_frames) = (source.info().spec.sample_rate_hz, source.info().n_frames);
    let (mut block, mut done) = (Vec::new(), 0);
    while source.read_planar(&mut block, BLOCK)? > 0 {
        take(&block[subject.channel_index()]);
        done += block[0].len() as u64;
        progress.at(done, n_frames, rate_hz);
    }
    Ok(())
}

/// The staircase of a quantizer and its error.
///
/// ```
/// use sqnr::{chain::Plan, quantizer::Uniform, task::picture::transfer};
///
/// let plan = Plan::new(&"uniform bits=3".parse()?)?;
/// let chart = transfer(&plan, &Uniform::mid_tread(3)?);
/// // The staircase, and below it the error.
/// assert_eq!(chart.panels.len(), 2);
/// # Ok::<(), sqnr::Error>(())
/// ```
pub fn transfer(plan: &Plan, quantizer: &dyn Quantizer) -> Chart {
    let conditions = format!("{}, {} levels", plan.recipe().method.word(), quantizer.n_levels());
    Transfer { conditions, quantizer, input: (-1.0, 1.0) }.chart()
}
