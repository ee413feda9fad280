//! What the SNR of quantizers is measured with: one channel of a file, or a full-scale sine.

use std::path::Path;

use sqnr::{
    audio_file::{Fidelity, Info},
    design::Samples,
    generate::{Generator, Recipe},
    wav::{SampleFormat, Spec},
};

use super::{
    super::{
        exit::Failure,
        inputs::Input,
        progress::FileProgress,
        source::{self, Passes, Rereadable},
        training,
    },
    pair::Source,
};

/// Samples of a block: enough work for each of many quantizers.
const BLOCK: usize = 1 << 15;
/// The signal that is quantized in many ways.
pub struct Stimulus<'a> {
    samples: Origin<'a>,
    info: Info,
}

enum Origin<'a> {
    Sine(Vec<f64>),
    File { input: &'a Input, file: Rereadable<'a>, channel: usize, names_channel: String },
}

impl<'a> Stimulus<'a> {
    /// A 997 Hz sine of amplitude 1.0.
    pub fn sine() -> Self {
        // One second at 48 kHz holds 997 whole periods, and 997 is prime.
        let sine = Recipe::default();
        let mut samples = vec![0.0; sine.n_samples as usize];
        Generator::new(sine.clone()).expect("the default recipe is legal").fill(&mut samples);
        let spec = Spec {
            sample_rate_hz: sine.sample_rate_hz,
            channels: 1,
            channel_mask: None,
            sample_format: SampleFormat::FLOAT64,
        };
        let (container, codec) = ("generated".into(), "PCM".into());
        let info = Info { container, codec, spec, n_frames: Some(sine.n_samples), fidelity: Fidelity::Lossless };
        Self { samples: Origin::Sine(samples), info }
    }

    /// The channel of the file that `source` names.
    pub fn file(source: &Source<'a>) -> Result<Self, Failure> {
        let file = Rereadable::new(source.input, Passes::Several)?;
        let opened = file.open()?;
        source.check_channel(&opened)?;
        let info = opened.info().clone();
        let (channel, names_channel) = (usize::from(source.channel) - 1, source.channel_of(&info));
        Ok(Self { samples: Origin::File { input: source.input, file, channel, names_channel }, info })
    }

    /// What the picture says of it.
    pub fn describe(&self) -> String {
        match &self.samples {
            Origin::Sine(_) => "997 Hz sine · 48 kHz".into(),
            Origin::File { input, names_channel, .. } => format!("{}{names_channel}", input.display()),
        }
    }

    /// Its format; quantizers ask it how many bits there are to lose.
    pub fn info(&self) -> &Info {
        &self.info
    }

    /// The name that failures carry.
    pub fn path(&self) -> &Path {
        match &self.samples {
            Origin::Sine(_) => Path::new("997 Hz sine"),
            Origin::File { input, .. } => &input.path,
        }
    }

    /// Power relative to a full-scale sine's.
    pub fn level_dbfs(&self) -> Result<f64, Failure> {
        let (mut power, mut n) = (0.0, 0.0);
        let mut take = |x: &[f64]| {
            let finite = x.iter().filter(|x| x.is_finite());
            finite.for_each(|x| {
                power += x * x;
                n += 1.0;
            });
        };
        self.each_sample_block(None, &mut take)?;
        match power > 0.0 {
            true => Ok(10.0 * (2.0 * power / n).log10()),
            false => Err(Failure::input(self.path(), "is silence; it has no level that could be varied")),
        }
    }

    /// The distribution of its samples.
    pub fn distribution(&self) -> Result<Samples, Failure> {
        match &self.samples {
            Origin::Sine(x) => Samples::new(x).map_err(|error| Failure::compute(self.path(), error)),
            Origin::File { input, file, .. } => training::histogram(file, input),
        }
    }

    /// Hands over all its samples, block by block.
    pub fn each_block(&self, progress: &FileProgress, mut take: impl FnMut(&[f64])) -> Result<(), Failure> {
        self.each_sample_block(Some(progress), &mut take)
    }

    fn each_sample_block(&self, progress: Option<&FileProgress>, take: &mut dyn FnMut(&[f64])) -> Result<(), Failure> {
        let (input, file, channel) = match &self.samples {
            Origin::Sine(x) => {
                x.chunks(BLOCK).for_each(take);
                return Ok(());
            }
            Origin::File { input, file, channel, .. } => (input, file, *channel),
        };
        let (mut opened, mut block, mut done) = (file.open()?, Vec::new(), 0);
        loop {
            let n = opened.read_planar(&mut block, BLOCK).map_err(|error| source::unreadable(input, error))?;
            if n == 0 {
                return Ok(());
            }
            take(&block[channel]);
            done += n as u64;
            if let Some(progress) = progress {
                progress.at(done, self.info.n_frames, self.info.spec.sample_rate_hz);
            }
        }
    }
}
