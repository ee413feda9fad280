//! What the SNR of quantizers is measured with: one channel of an audio, or a full-scale sine.

use crate::{
    Error, Progress, Result,
    audio_file::Reopen,
    chain::training,
    design::Samples,
    generate::{Generator, TestSignal},
    wav::{SampleFormat, Spec},
};

use super::Subject;

/// Samples of a block: enough work for each of many quantizers.
const BLOCK: usize = 1 << 15;

/// The signal that is quantized in many ways.
pub struct Stimulus<'a> {
    samples: Origin<'a>,
    spec: Spec,
    n_frames: Option<u64>,
}

impl std::fmt::Debug for Stimulus<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stimulus").field("spec", &self.spec).field("n_frames", &self.n_frames).finish_non_exhaustive()
    }
}

enum Origin<'a> {
    Sine(Vec<f64>),
    Audio { audio: &'a dyn Reopen, channel: usize, names_channel: String },
}

impl<'a> Stimulus<'a> {
    /// A 997 Hz sine of amplitude 1.0.
    pub fn sine() -> Self {
        // One second at 48 kHz holds 997 whole periods, and 997 is prime.
        let sine = TestSignal::default();
        let mut samples = vec![0.0; sine.n_samples as usize];
        Generator::new(sine.clone()).expect("the default recipe is legal").fill(&mut samples);
        let sample_format = SampleFormat::FLOAT64;
        let spec = Spec { sample_rate_hz: sine.sample_rate_hz, channels: 1, channel_mask: None, sample_format };
        Self { samples: Origin::Sine(samples), spec, n_frames: Some(sine.n_samples) }
    }

    /// The channel of the audio that `subject` names.
    ///
    /// # Errors
    /// As [`Subject::open`].
    pub fn of(subject: &Subject<'a>) -> Result<Self> {
        let source = subject.open()?;
        let info = source.info();
        let (channel, names_channel) = (subject.channel_index(), subject.channel_of(info));
        let samples = Origin::Audio { audio: subject.audio, channel, names_channel };
        Ok(Self { samples, spec: info.spec, n_frames: info.n_frames })
    }

    /// What the picture says of it.
    pub fn describe(&self) -> String {
        match &self.samples {
            Origin::Sine(_) => "997 Hz sine · 48 kHz".into(),
            Origin::Audio { audio, names_channel, .. } => format!("{}{names_channel}", audio.name()),
        }
    }

    /// Its format; quantizers ask it how many bits there are to lose.
    pub(super) fn spec(&self) -> &Spec {
        &self.spec
    }

    /// Power relative to a full-scale sine's.
    ///
    /// # Errors
    /// `NoResult` in silence; what reading meets.
    pub fn level_dbfs(&self) -> Result<f64> {
        let (mut power, mut n) = (0.0, 0.0);
        let mut take = |x: &[f64]| {
            let finite = x.iter().filter(|x| x.is_finite());
            finite.for_each(|x| {
                power += x * x;
                n += 1.0;
            });
        };
        self.each_sample_block(&(), &mut take)?;
        match power > 0.0 {
            true => Ok(10.0 * (2.0 * power / n).log10()),
            false => Err(Error::NoResult { what: "is silence; it has no level that could be varied".into() }),
        }
    }

    /// The distribution of its samples.
    ///
    /// # Errors
    /// As [`training::distribution`].
    pub fn distribution(&self) -> Result<Samples> {
        match &self.samples {
            Origin::Sine(x) => Samples::new(x),
            Origin::Audio { audio, .. } => training::distribution(&[*audio]),
        }
    }

    /// Hands over all its samples, block by block.
    ///
    /// # Errors
    /// What reading meets.
    pub fn each_block(&self, progress: &dyn Progress, mut take: impl FnMut(&[f64])) -> Result<()> {
        self.each_sample_block(progress, &mut take)
    }

    fn each_sample_block(&self, progress: &dyn Progress, take: &mut dyn FnMut(&[f64])) -> Result<()> {
        let (audio, channel) = match &self.samples {
            Origin::Sine(x) => {
                x.chunks(BLOCK).for_each(take);
                return Ok(());
            }
            Origin::Audio { audio, channel, .. } => (*audio, *channel),
        };
        let (mut source, mut block, mut done) = (audio.open()?, Vec::new(), 0);
        while source.read_planar(&mut block, BLOCK)? > 0 {
            take(&block[channel]);
            done += block[channel].len() as u64;
            progress.at(done, self.n_frames, self.spec.sample_rate_hz);
        }
        Ok(())
    }
}
