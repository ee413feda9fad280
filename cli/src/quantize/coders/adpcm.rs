//! ADPCM and DPCM on files: IMA as a coded file, the others reconstructed.

use std::io::Seek;

use super::{Beginning, Coding, Ended, committed, write_all};
use sqnr::{
    atomic_file::AtomicFile,
    predictive::{Dpcm, DpcmOptions, G722, G726, IMA_BLOCK_SAMPLES, ImaBlockEncoder, ImaDecoding, Predictor, StepRule},
    wav::{SampleFormat, Spec},
};

use crate::{
    exit::Failure,
    sink::{self, WavSink},
};

/// Paths of IMA's look-ahead unless told otherwise.
const IMA_PATHS: usize = 32;

/// The nearest 16-bit code.
fn to_i16(x: f64) -> i16 {
    // `as` saturates.
    (x * 32_768.0).round_ties_even() as i16
}

fn of_i16(x: i16) -> f64 {
    f64::from(x) / 32_768.0
}

/// One channel of a coder that gives as many samples as it takes.
type Channel = Box<dyn FnMut(&[f64]) -> Vec<f64>>;

/// A coder whose reconstruction is written.
struct Reconstructed {
    channels: Vec<Channel>,
    sink: WavSink,
}

impl Coding for Reconstructed {
    fn push(&mut self, x: &[Vec<f64>], y: &mut [Vec<f64>]) -> Result<(), Failure> {
        for ((channel, x), y) in self.channels.iter_mut().zip(x).zip(y.iter_mut()) {
            y.extend(channel(x));
        }
        self.sink.write_planar(y)
    }

    fn finish(self: Box<Self>, _: &mut [Vec<f64>]) -> Result<Ended, Failure> {
        let written = self.sink.finish(&[])?;
        Ok(Ended { bytes: written.bytes, warnings: written.warnings })
    }
}

fn reconstructed(
    beginning: &Beginning,
    sample_format: SampleFormat,
    channel: impl Fn() -> sqnr::Result<Channel>,
) -> Result<Box<dyn Coding>, Failure> {
    let channels = (0..beginning.n_channels()).map(|_| channel()).collect::<sqnr::Result<Vec<_>>>();
    let channels = channels.map_err(|error| beginning.wrong(error))?;
    let spec = Spec { sample_format, ..beginning.info.spec };
    let (output, existing) = (beginning.output, beginning.existing);
    let sink = WavSink::create(output, existing, &spec, beginning.info.n_frames, beginning.metadata)?;
    Ok(Box::new(Reconstructed { channels, sink }))
}

pub(super) fn g726(beginning: &Beginning, bits: u32) -> Result<Box<dyn Coding>, Failure> {
    reconstructed(beginning, SampleFormat::INT16, || {
        let (mut encoder, mut decoder) = (G726::new(bits)?, G726::new(bits)?);
        Ok(Box::new(move |x: &[f64]| {
            let x: Vec<i16> = x.iter().map(|&x| to_i16(x)).collect();
            decoder.decode(&encoder.encode(&x)).into_iter().map(of_i16).collect()
        }))
    })
}

pub(super) fn g722(beginning: &Beginning, bits: u32) -> Result<Box<dyn Coding>, Failure> {
    /// Samples by which the two mirror filters together are late.
    const DELAY: usize = 22;
    let channels = (0..beginning.n_channels()).map(|_| {
        Ok(Delayed { encoder: G722::new(bits)?, decoder: G722::new(bits)?, left_over: None, n_early: DELAY, n_owed: 0 })
    });
    let channels = channels.collect::<sqnr::Result<Vec<_>>>().map_err(|error| beginning.wrong(error))?;
    let spec = Spec { sample_format: SampleFormat::INT16, ..beginning.info.spec };
    let (output, existing) = (beginning.output, beginning.existing);
    let sink = WavSink::create(output, existing, &spec, beginning.info.n_frames, beginning.metadata)?;
    Ok(Box::new(TwoBands { channels, sink }))
}

/// G.722 on files: its delay is taken away, so that the reconstruction lies on the input.
struct TwoBands {
    channels: Vec<Delayed>,
    sink: WavSink,
}

struct Delayed {
    encoder: G722,
    decoder: G722,
    /// A sample whose pair has not come yet.
    left_over: Option<i16>,
    /// Samples of the output that come before the input's first.
    n_early: usize,
    /// Samples taken in that have not come out.
    n_owed: usize,
}

impl Delayed {
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

impl Coding for TwoBands {
    fn push(&mut self, x: &[Vec<f64>], y: &mut [Vec<f64>]) -> Result<(), Failure> {
        for ((channel, x), y) in self.channels.iter_mut().zip(x).zip(y.iter_mut()) {
            channel.push(x, y);
        }
        self.sink.write_planar(y)
    }

    fn finish(mut self: Box<Self>, y: &mut [Vec<f64>]) -> Result<Ended, Failure> {
        self.channels.iter_mut().zip(y.iter_mut()).for_each(|(channel, y)| channel.finish(y));
        self.sink.write_planar(y)?;
        let written = self.sink.finish(&[])?;
        Ok(Ended { bytes: written.bytes, warnings: written.warnings })
    }
}

pub(super) fn jayant(beginning: &Beginning, bits: u32) -> Result<Box<dyn Coding>, Failure> {
    let predictor = Predictor::new(vec![0.0]).expect("one finite coefficient");
    adaptive_steps(beginning, &predictor, DpcmOptions { bits, rule: StepRule::Pcm, ..DpcmOptions::default() })
}

pub(super) fn dpcm(beginning: &Beginning, predictor: &Predictor, bits: u32) -> Result<Box<dyn Coding>, Failure> {
    adaptive_steps(beginning, predictor, DpcmOptions { bits, ..DpcmOptions::default() })
}

fn adaptive_steps(
    beginning: &Beginning,
    predictor: &Predictor,
    options: DpcmOptions,
) -> Result<Box<dyn Coding>, Failure> {
    reconstructed(beginning, SampleFormat::FLOAT32, || {
        let mut encoder = Dpcm::new(predictor.clone(), options.clone())?;
        let mut decoder = encoder.clone();
        // A reader finds single precision.
        Ok(Box::new(move |x: &[f64]| {
            decoder.decode(&encoder.encode(x)).into_iter().map(|y| f64::from(y as f32)).collect()
        }))
    })
}

pub(super) fn ima(beginning: &Beginning, decoding: ImaDecoding) -> Result<Box<dyn Coding>, Failure> {
    let n_paths = beginning.n_paths.unwrap_or(IMA_PATHS);
    let encoder = ImaBlockEncoder::new(beginning.n_channels(), decoding, n_paths);
    let encoder = encoder.map_err(|error| beginning.wrong(error))?;
    let mut file = beginning.seekable_file()?;
    let sample_rate_hz = beginning.info.spec.sample_rate_hz;
    let head = encoder.header(sample_rate_hz, 0).expect("nothing is small");
    write_all(&mut file, &head)?;
    let waiting = vec![Vec::new(); beginning.n_channels()];
    Ok(Box::new(ImaFile { encoder, file, sample_rate_hz, waiting, n_samples: 0 }))
}

/// IMA in a WAV file.
struct ImaFile {
    encoder: ImaBlockEncoder,
    file: AtomicFile,
    sample_rate_hz: u32,
    /// Samples of the block to come.
    waiting: Vec<Vec<i16>>,
    n_samples: u64,
}

impl ImaFile {
    /// Codes the next block of at most `IMA_BLOCK_SAMPLES` samples.
    fn block(&mut self, y: &mut [Vec<f64>]) -> Result<(), Failure> {
        let n = self.waiting[0].len().min(IMA_BLOCK_SAMPLES);
        let x: Vec<&[i16]> = self.waiting.iter().map(|x| &x[..n]).collect();
        let (bytes, decoded) = self.encoder.encode(&x).expect("channels of one length, none empty");
        write_all(&mut self.file, &bytes)?;
        for ((waiting, y), decoded) in self.waiting.iter_mut().zip(y).zip(decoded) {
            waiting.drain(..n);
            y.extend(decoded.into_iter().map(of_i16));
        }
        self.n_samples += n as u64;
        Ok(())
    }
}

impl Coding for ImaFile {
    fn push(&mut self, x: &[Vec<f64>], y: &mut [Vec<f64>]) -> Result<(), Failure> {
        for (waiting, x) in self.waiting.iter_mut().zip(x) {
            waiting.extend(x.iter().map(|&x| to_i16(x)));
        }
        while self.waiting[0].len() >= IMA_BLOCK_SAMPLES {
            self.block(y)?;
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>, y: &mut [Vec<f64>]) -> Result<Ended, Failure> {
        if !self.waiting[0].is_empty() {
            self.block(y)?;
        }
        let path = self.file.path().to_path_buf();
        let head = self.encoder.header(self.sample_rate_hz, self.n_samples);
        let head = head.map_err(|error| sink::unwritable(&path, error))?;
        self.file.rewind().map_err(|error| Failure::output(&path, error))?;
        write_all(&mut self.file, &head)?;
        Ok(Ended { bytes: committed(self.file)?, warnings: Vec::new() })
    }
}
