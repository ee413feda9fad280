//! Test signals into a sink, at a bit depth or as they are.

use std::sync::Arc;

use crate::{
    Result,
    chain::{Form, Piece, Sink, Storage},
    generate::{Generator, TestSignal},
    quantizer::Uniform,
    shaping::{Dither, Requantizer, RequantizerOptions},
    wav::{SampleFormat, Spec},
};

/// Samples per channel in one block.
const BLOCK: usize = 1 << 14;

/// A test signal in every channel of a file; noise differs from channel to channel.
///
/// ```
/// use sqnr::{chain::Piece, generate::TestSignal, shaping::Dither, task::Generating};
///
/// let mut peak = 0.0_f64;
/// let mut sink = |_: &[Vec<f64>], piece: &Piece| Ok(peak = piece.y[0].iter().fold(peak, |peak, y| peak.max(y.abs())));
/// let half_scale = TestSignal { level_dbfs: -6.02, ..Default::default() };
/// Generating::new(&half_scale, 2, Some((16, Dither::None)))?.run(&mut sink)?;
/// assert!((peak - 0.5).abs() < 0.001);
/// # Ok::<(), sqnr::Error>(())
/// ```
#[derive(Debug)]
pub struct Generating {
    generators: Vec<Generator>,
    requantizer: Option<Requantizer>,
    spec: Spec,
    n_samples: u64,
}

impl Generating {
    /// Prepares `channels` channels.
    ///
    /// - `bits`: the bit depth and its dither; `None` gives 32-bit floats
    ///
    /// # Errors
    /// `InvalidParameter` for a signal or a depth out of range.
    pub fn new(signal: &TestSignal, channels: u16, bits: Option<(u32, Dither)>) -> Result<Self> {
        let of_channel = |channel| Generator::new(TestSignal { channel, ..signal.clone() });
        let requantizer = |(bits, dither)| {
            let options = RequantizerOptions { dither, seed: signal.seed, shaper: None };
            Requantizer::new(Arc::new(Uniform::mid_tread(bits)?), options)
        };
        let sample_format = bits.map_or(Ok(SampleFormat::FLOAT32), |(bits, _)| SampleFormat::integer(bits))?;
        Ok(Self {
            generators: (0..u32::from(channels)).map(of_channel).collect::<Result<_>>()?,
            requantizer: bits.map(requantizer).transpose()?,
            spec: Spec { sample_rate_hz: signal.sample_rate_hz, channels, channel_mask: None, sample_format },
            n_samples: signal.n_samples,
        })
    }

    /// The form of the output.
    pub fn form(&self) -> Form {
        Form::Wav { spec: self.spec, storage: Storage::Level }
    }

    /// Makes all samples.
    ///
    /// # Errors
    /// What writing meets.
    pub fn run(mut self, sink: &mut dyn Sink) -> Result<()> {
        let mut piece = Piece::new(self.generators.len());
        let mut done = 0;
        while done < self.n_samples {
            let n = (self.n_samples - done).min(BLOCK as u64) as usize;
            for (c, generator) in self.generators.iter_mut().enumerate() {
                let (y, indices) = (&mut piece.y[c], &mut piece.indices[c]);
                y.resize(n, 0.0);
                generator.fill(y);
                if let Some(requantizer) = &mut self.requantizer {
                    let x = y.clone();
                    indices.resize(n, 0);
                    requantizer.process(c, done, &x, indices, y);
                }
            }
            sink.write(&[], &piece)?;
            done += n as u64;
        }
        Ok(())
    }
}
