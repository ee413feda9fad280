//! Number formats on audio: a tensor of channels by samples. Blocks lie along the samples of a channel; a scale for all of a
//! channel, or of the file, is found by reading it before.

use super::{Chain, Clipping, Cost, Form, Piece, Storage, runner};
use crate::{
    Result,
    audio_file::Reopen,
    number_format::{Affine, AffineOptions, Granularity, NumberFormat, Tally, calibration::Calibrator},
    recipe::NamedFormat,
    wav::{SampleFormat, Spec},
};

/// Samples per channel in one block of the calibration.
const BLOCK: usize = 8_192;
/// Significant bits of a 32-bit float.
const BITS_OF_F32: u32 = 24;

/// A number format that audio is rounded to.
pub(super) struct Rounded {
    format: NumberFormat,
    name: String,
    spec: Spec,
    scales: Scales,
    /// Samples per channel that do not fill a block yet.
    waiting: Vec<Vec<f64>>,
    tally: Tally,
}

/// Scales that are known before the first sample.
enum Scales {
    /// The format has none, or one in each block.
    InBlocks,
    /// One a channel, or the one of all channels for each.
    Known { options: AffineOptions, of_channel: Vec<Affine>, n_distinct: usize },
}

impl Rounded {
    /// The chain of a format for `audio`, which integers with one scale read before.
    ///
    /// # Errors
    /// What reading and calibrating meet.
    pub(super) fn new(named: &NamedFormat, audio: &dyn Reopen, spec: &Spec) -> Result<Self> {
        let scales = match named.format {
            NumberFormat::Affine(options) => Scales::of(options, audio, usize::from(spec.channels))?,
            _ => Scales::InBlocks,
        };
        Ok(Self {
            format: named.format,
            name: named.name.clone(),
            spec: Spec { sample_format: sample_format(&named.format), ..*spec },
            scales,
            waiting: vec![Vec::new(); usize::from(spec.channels)],
            tally: Tally::default(),
        })
    }

    /// Rounds what waits in each channel, but for what begins a block after the first `n`.
    fn round(&mut self, n: usize, piece: &mut Piece) -> Result<()> {
        for (c, (waiting, y)) in self.waiting.iter_mut().zip(&mut piece.y).enumerate() {
            let before = y.len();
            y.extend(waiting.drain(..n));
            let y = &mut y[before..];
            match &self.scales {
                Scales::InBlocks => self.format.round(y, &mut self.tally)?,
                Scales::Known { options, of_channel, .. } => {
                    of_channel[c].round(y, &mut self.tally);
                    self.tally.n_bits += f64::from(options.kind.bits()) * n as f64;
                }
            }
            if self.spec.sample_format == SampleFormat::FLOAT32 {
                y.iter_mut().for_each(|y| *y = f64::from((*y as f32).clamp(f32::MIN, f32::MAX)));
            }
        }
        Ok(())
    }
}

impl Scales {
    fn of(options: AffineOptions, audio: &dyn Reopen, n_channels: usize) -> Result<Self> {
        let n_distinct = match options.granularity {
            Granularity::Group { .. } => return Ok(Self::InBlocks),
            Granularity::Channel { .. } => n_channels,
            Granularity::Tensor => 1,
        };
        let mut calibrators: Vec<Calibrator> =
            (0..n_distinct).map(|_| Calibrator::new(&options, n_distinct)).collect::<Result<_>>()?;
        loop {
            observe(&mut calibrators, audio)?;
            let again: Vec<bool> = calibrators.iter_mut().map(Calibrator::begin_pass).collect();
            if !again.contains(&true) {
                break;
            }
        }
        let distinct: Vec<Affine> = calibrators.into_iter().map(Calibrator::affine).collect::<Result<_>>()?;
        let of_channel = (0..n_channels).map(|c| distinct[c % n_distinct]).collect();
        Ok(Self::Known { options, of_channel, n_distinct })
    }
}

/// Shows all of the audio to the calibrators, as the runner hands it to the chain.
fn observe(calibrators: &mut [Calibrator], audio: &dyn Reopen) -> Result<()> {
    let mut source = audio.open()?;
    let mut block = Vec::new();
    while source.read_planar(&mut block, BLOCK)? > 0 {
        runner::make_finite(&mut block);
        for (c, x) in block.iter().enumerate() {
            calibrators[c % calibrators.len()].observe(x);
        }
    }
    Ok(())
}

/// Single precision, unless the words of the format have more significant bits.
fn sample_format(format: &NumberFormat) -> SampleFormat {
    match format {
        NumberFormat::Fixed(format) if format.magnitude_bits() > BITS_OF_F32 => SampleFormat::FLOAT64,
        _ => SampleFormat::FLOAT32,
    }
}

impl Chain for Rounded {
    fn form(&self) -> Form {
        Form::Wav { spec: self.spec, storage: Storage::Level }
    }

    fn push(&mut self, x: &[Vec<f64>], piece: &mut Piece) -> Result<()> {
        self.waiting.iter_mut().zip(x).for_each(|(waiting, x)| waiting.extend_from_slice(x));
        let n_waiting = self.waiting[0].len();
        self.round(n_waiting - n_waiting % self.format.block_len(), piece)
    }

    fn finish(&mut self, piece: &mut Piece) -> Result<()> {
        self.round(self.waiting[0].len(), piece)
    }

    fn describe(&self) -> String {
        self.name.clone()
    }

    fn clipping(&self) -> Clipping {
        match self.format {
            NumberFormat::Float(_) | NumberFormat::Fixed(_) | NumberFormat::Affine(_) => {
                Clipping::Counted(self.tally.n_clipped)
            }
            _ => Clipping::Never,
        }
    }

    fn cost(&self) -> Option<Cost> {
        let table_bits = match &self.scales {
            Scales::InBlocks => 0.0,
            Scales::Known { options, n_distinct, .. } => f64::from(32 + options.kind.bits()) * *n_distinct as f64,
        };
        Some(Cost { coded_bits: self.tally.n_bits, table_bits })
    }

    fn warnings(&self) -> Vec<String> {
        self.tally.warnings()
    }
}
