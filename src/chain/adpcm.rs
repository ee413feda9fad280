//! ADPCM and DPCM: IMA as a coded file, the others reconstructed.

use super::{Chain, Form, Piece, Storage};
use crate::{
    Result,
    predictive::{
        Dpcm, G722, G726, IMA_BLOCK_SAMPLES, ImaBlockEncoder, ImaDecoding, Predictor, ScaledCodebook, StepRule,
    },
    wav::{SampleFormat, Spec},
};

/// Paths of IMA's look-ahead unless told otherwise.
const IMA_PATHS: usize = 32;

/// Loss by prediction up to which nothing is said.
const HARMLESS_LOSS_DB: f64 = 0.5;

/// Inputs beyond twice full scale tell a coder nothing more.
const LARGEST_INPUT: f64 = 2.0;

/// The nearest 16-bit code.
fn to_i16(x: f64) -> i16 {
    // `as` saturates.
    (x * 32_768.0).round_ties_even() as i16
}

fn of_i16(x: i16) -> f64 {
    f64::from(x) / 32_768.0
}

/// A channel of a coder that gives as many samples as it takes, at once or later.
trait Channel: Send {
    /// Takes samples and adds those that are reconstructed to `y`.
    fn push(&mut self, x: &[f64], y: &mut Vec<f64>);

    /// Adds the rest to `y`.
    fn finish(&mut self, _: &mut Vec<f64>) {}

    /// Power of the signal so far over that of what prediction left of it, dB; NaN where that is not known.
    fn gain_db(&self) -> f64 {
        f64::NAN
    }
}

/// A coder whose reconstruction is stored.
pub(super) struct Reconstructed {
    name: String,
    spec: Spec,
    channels: Vec<Box<dyn Channel>>,
}

impl Reconstructed {
    fn new<C: Channel + 'static>(
        name: &str,
        spec: &Spec,
        sample_format: SampleFormat,
        channel: impl Fn() -> Result<C>,
    ) -> Result<Self> {
        let boxed = |_| channel().map(|channel| Box::new(channel) as Box<dyn Channel>);
        let channels = (0..spec.channels).map(boxed).collect::<Result<_>>()?;
        Ok(Self { name: name.into(), spec: Spec { sample_format, ..*spec }, channels })
    }

    /// ITU-T G.726 with `bits` a sample.
    pub(super) fn g726(name: &str, spec: &Spec, bits: u32) -> Result<Self> {
        Self::new(name, spec, SampleFormat::INT16, || Ok((G726::new(bits)?, G726::new(bits)?)))
    }

    /// ITU-T G.722 with `bits` for two samples.
    pub(super) fn g722(name: &str, spec: &Spec, bits: u32) -> Result<Self> {
        Self::new(name, spec, SampleFormat::INT16, || TwoBands::new(bits))
    }

    /// Steps that adapt to the signal, without prediction.
    pub(super) fn jayant(name: &str, spec: &Spec, bits: u32) -> Result<Self> {
        let steps = ScaledCodebook::jayant(bits, StepRule::Pcm)?;
        Self::dpcm(name, spec, &Dpcm::new(Predictor::new(vec![])?, steps))
    }

    /// Prediction in a closed loop; each channel is coded by a copy of a coder at rest.
    pub(super) fn dpcm(name: &str, spec: &Spec, coder: &Dpcm) -> Result<Self> {
        Self::new(name, spec, SampleFormat::FLOAT32, || Ok(coder.clone()))
    }
}

impl Chain for Reconstructed {
    fn form(&self) -> Form {
        Form::Wav { spec: self.spec, storage: Storage::Level }
    }

    fn push(&mut self, x: &[Vec<f64>], piece: &mut Piece) -> Result<()> {
        for ((channel, x), y) in self.channels.iter_mut().zip(x).zip(&mut piece.y) {
            let within: Vec<f64> = x.iter().map(|x| x.clamp(-LARGEST_INPUT, LARGEST_INPUT)).collect();
            channel.push(&within, y);
        }
        Ok(())
    }

    fn finish(&mut self, piece: &mut Piece) -> Result<()> {
        self.channels.iter_mut().zip(&mut piece.y).for_each(|(channel, y)| channel.finish(y));
        Ok(())
    }

    fn describe(&self) -> String {
        self.name.clone()
    }

    fn warnings(&self) -> Vec<String> {
        let losses_db = self.channels.iter().map(|channel| -channel.gain_db()).enumerate();
        let told = |(c, loss_db): (usize, f64)| {
            format!("channel {}: prediction adds {loss_db:.1} dB to what is quantized; design one on it", c + 1)
        };
        losses_db.filter(|(_, loss_db)| *loss_db > HARMLESS_LOSS_DB).map(told).collect()
    }
}

/// Encoder and decoder of G.726.
impl Channel for (G726, G726) {
    fn push(&mut self, x: &[f64], y: &mut Vec<f64>) {
        let x: Vec<i16> = x.iter().map(|&x| to_i16(x)).collect();
        y.extend(self.1.decode(&self.0.encode(&x)).into_iter().map(of_i16));
    }
}

/// The encoder's own reconstruction is the decoder's.
impl Channel for Dpcm {
    fn push(&mut self, x: &[f64], y: &mut Vec<f64>) {
        // A reader finds single precision.
        y.extend(x.iter().map(|&x| f64::from(self.code(x).1 as f32)));
    }

    fn gain_db(&self) -> f64 {
        self.closed_loop_gain_db()
    }
}

/// G.722, its delay taken away, so that the reconstruction lies on the input.
struct TwoBands {
    encoder: G722,
    decoder: G722,
    /// A sample whose pair has not come yet.
    left_over: Option<i16>,
    /// Samples of the output that come before the input's first.
    n_early: usize,
    /// Samples taken in that have not come out.
    n_owed: usize,
}

impl TwoBands {
    fn new(bits: u32) -> Result<Self> {
        /// Samples by which the two mirror filters together are late.
        const DELAY: usize = 22;
        Ok(Self { encoder: G722::new(bits)?, decoder: G722::new(bits)?, left_over: None, n_early: DELAY, n_owed: 0 })
    }
}

impl Channel for TwoBands {
    fn push(&mut self, x: &[f64], y: &mut Vec<f64>) {
        let mut whole: Vec<i16> = self.left_over.take().into_iter().collect();
        whole.extend(x.iter().map(|&x| to_i16(x)));
        if whole.len() % 2 == 1 {
            self.left_over = whole.pop();
        }
        self.n_owed += x.len();
        let coded = self.encoder.encode(&whole);
        let decoded = self.decoder.decode(&coded);
        let n_early = self.n_early.min(decoded.len());
        self.n_early -= n_early;
        let ready = decoded[n_early..].iter().take(self.n_owed);
        self.n_owed -= ready.len();
        y.extend(ready.map(|&y| of_i16(y)));
    }

    fn finish(&mut self, y: &mut Vec<f64>) {
        let n_owed = self.n_owed;
        let n_before = y.len();
        self.push(&vec![0.0; self.n_early + n_owed + 2], y);
        y.truncate(n_before + n_owed);
    }
}

/// IMA ADPCM as a WAV file of coded blocks.
pub(super) struct Ima {
    name: String,
    encoder: ImaBlockEncoder,
    head_len: usize,
    sample_rate_hz: u32,
    /// Samples of the block to come.
    waiting: Vec<Vec<i16>>,
    n_samples: u64,
}

impl Ima {
    /// Blocks for decoders of one kind; more `n_paths` of the look-ahead are slower and better.
    pub(super) fn new(name: &str, spec: &Spec, decoding: ImaDecoding, n_paths: Option<usize>) -> Result<Self> {
        let n_channels = usize::from(spec.channels);
        let encoder = ImaBlockEncoder::new(n_channels, decoding, n_paths.unwrap_or(IMA_PATHS))?;
        let (sample_rate_hz, waiting) = (spec.sample_rate_hz, vec![Vec::new(); n_channels]);
        let head_len = encoder.header(sample_rate_hz, 0)?.len();
        Ok(Self { name: name.into(), encoder, head_len, sample_rate_hz, waiting, n_samples: 0 })
    }

    /// Codes the next block of at most `IMA_BLOCK_SAMPLES` samples.
    fn block(&mut self, piece: &mut Piece) -> Result<()> {
        let n = self.waiting[0].len().min(IMA_BLOCK_SAMPLES);
        let x: Vec<&[i16]> = self.waiting.iter().map(|x| &x[..n]).collect();
        let (bytes, decoded) = self.encoder.encode(&x)?;
        piece.bytes.extend(bytes);
        for ((waiting, y), decoded) in self.waiting.iter_mut().zip(&mut piece.y).zip(decoded) {
            waiting.drain(..n);
            y.extend(decoded.into_iter().map(of_i16));
        }
        self.n_samples += n as u64;
        Ok(())
    }
}

impl Chain for Ima {
    fn form(&self) -> Form {
        Form::Bytes { head_len: self.head_len }
    }

    fn push(&mut self, x: &[Vec<f64>], piece: &mut Piece) -> Result<()> {
        for (waiting, x) in self.waiting.iter_mut().zip(x) {
            waiting.extend(x.iter().map(|&x| to_i16(x)));
        }
        while self.waiting[0].len() >= IMA_BLOCK_SAMPLES {
            self.block(piece)?;
        }
        Ok(())
    }

    fn finish(&mut self, piece: &mut Piece) -> Result<()> {
        match self.waiting[0].is_empty() {
            true => Ok(()),
            false => self.block(piece),
        }
    }

    fn describe(&self) -> String {
        self.name.clone()
    }

    fn head(&self) -> Result<Option<Vec<u8>>> {
        self.encoder.header(self.sample_rate_hz, self.n_samples).map(Some)
    }
}
