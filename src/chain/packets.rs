//! Methods that code stretches of samples. Their bytes are really made, and the reconstruction is what a decoder makes
//! of them.

use super::{Chain, Clipping, Cost, Form, Piece, Storage, few_values, training};
use crate::{
    Result,
    audio_file::Reopen,
    design::{dependent, entropy_constrained, optimal_partition},
    quantizer::{
        Codebook, Training, TrellisCoded, Uniform, VectorCodebook,
        packet::{PacketDecoder, PacketEncoder, Scheme},
    },
    recipe::{Container, NamedMethod, Recipe},
    wav::{SampleFormat, Spec},
};

/// Samples per channel in one packet.
const PACKET: usize = 1 << 14;
/// Bits of one number that the decoder must be told.
const BITS_PER_NUMBER: usize = 32;

/// A method that codes stretches of samples.
pub(super) struct Packets {
    name: String,
    spec: Spec,
    channels: Vec<Channel>,
    table_bits: usize,
    coded_bytes: u64,
    n_samples: u64,
    has_full_scale: bool,
    warning: Option<String>,
}

/// Coder, decoder, and the samples of the packet to come.
struct Channel {
    encoder: PacketEncoder,
    decoder: PacketDecoder,
    waiting: Vec<f64>,
}

impl Packets {
    /// The chain of a scheme for input of `spec`.
    pub(super) fn new(recipe: &Recipe, learnt: impl Into<Learnt>, spec: &Spec) -> Self {
        let Learnt { scheme, warning } = learnt.into();
        let sample_format = match recipe.container {
            Container::F64 => SampleFormat::FLOAT64,
            _ => SampleFormat::FLOAT32,
        };
        let channel = |_| Channel {
            encoder: PacketEncoder::new(scheme.clone()),
            decoder: PacketDecoder::new(scheme.clone()),
            waiting: Vec::new(),
        };
        Self {
            name: recipe.method.word(),
            spec: Spec { sample_format, ..*spec },
            channels: (0..spec.channels).map(channel).collect(),
            table_bits: BITS_PER_NUMBER * scheme.n_numbers(),
            coded_bytes: 0,
            n_samples: 0,
            has_full_scale: matches!(scheme, Scheme::Uniform(_)),
            warning,
        }
    }

    /// Codes the first `n` samples that wait in each channel.
    fn packet(&mut self, n: usize, piece: &mut Piece) {
        let sample_format = self.spec.sample_format;
        for (channel, y) in self.channels.iter_mut().zip(&mut piece.y) {
            let bytes = channel.encoder.encode(&channel.waiting[..n]);
            channel.waiting.drain(..n);
            let before = y.len();
            y.resize(before + n, 0.0);
            channel.decoder.decode(&bytes, &mut y[before..]);
            if sample_format == SampleFormat::FLOAT32 {
                y[before..].iter_mut().for_each(|y| *y = f64::from(*y as f32));
            }
            self.coded_bytes += bytes.len() as u64;
            self.n_samples += n as u64;
        }
    }
}

impl Chain for Packets {
    fn form(&self) -> Form {
        Form::Wav { spec: self.spec, storage: Storage::Level }
    }

    fn push(&mut self, x: &[Vec<f64>], piece: &mut Piece) -> Result<()> {
        self.channels.iter_mut().zip(x).for_each(|(channel, x)| channel.waiting.extend_from_slice(x));
        while self.channels[0].waiting.len() >= PACKET {
            self.packet(PACKET, piece);
        }
        Ok(())
    }

    fn finish(&mut self, piece: &mut Piece) -> Result<()> {
        match self.channels[0].waiting.len() {
            0 => {}
            n => self.packet(n, piece),
        }
        Ok(())
    }

    fn describe(&self) -> String {
        self.name.clone()
    }

    fn clipping(&self) -> Clipping {
        if self.has_full_scale { Clipping::BeyondFullScale } else { Clipping::Never }
    }

    fn warnings(&self) -> Vec<String> {
        self.warning.iter().cloned().collect()
    }

    fn cost(&self) -> Option<Cost> {
        Some(Cost { coded_bits: 8.0 * self.coded_bytes as f64, table_bits: self.table_bits as f64 })
    }
}

/// What a method learnt.
pub(super) struct Learnt {
    pub(super) scheme: Scheme,
    /// What the user should know of it.
    pub(super) warning: Option<String>,
}

impl From<Scheme> for Learnt {
    fn from(scheme: Scheme) -> Self {
        Self { scheme, warning: None }
    }
}

/// The scheme of a method; all but `entropy-coded` learn from the audio first. Where its values are fewer than the levels
/// asked for, they are the levels.
///
/// # Errors
/// What designing and reading meet.
pub(super) fn learn(method: NamedMethod, recipe: &Recipe, audio: &dyn Reopen) -> Result<Learnt> {
    let (bits, rate) = (recipe.bits().unwrap_or(1), recipe.rate().unwrap_or(1.0));
    if method == NamedMethod::Vector {
        return learn_vectors(bits, audio);
    }
    if method == NamedMethod::EntropyCoded {
        return Ok(Scheme::Uniform(Uniform::mid_tread(bits)?).into());
    }
    let samples = training::distribution(&[audio])?;
    let has_few = match method {
        NamedMethod::Trellis => samples.n_distinct() <= 1 << bits,
        _ => few_values::fits(&samples, rate),
    };
    if has_few {
        let warning = Some(few_values::warning(samples.n_distinct(), "value"));
        return Ok(Learnt { scheme: few_values::each_value(&samples)?, warning });
    }
    Ok(match method {
        NamedMethod::EntropyConstrained => {
            let design = entropy_constrained::for_samples(&samples, rate)?;
            let codebook = Codebook::new(few_values::storable(design.levels.clone()), design.thresholds);
            // Levels closer than single precision are one.
            Scheme::Codebook(codebook.or_else(|_| few_values::codebook(design.levels))?)
        }
        NamedMethod::Trellis => {
            let n_levels = 2usize << bits;
            let design = optimal_partition::optimal(&samples, n_levels.min(samples.n_distinct()))?;
            Scheme::Trellis(TrellisCoded::new(recipe.states, few_values::filled_up(design.levels, n_levels))?)
        }
        _ => {
            let mut quantizer = dependent::for_samples(&samples, recipe.states, rate)?.quantizer;
            quantizer.step = f64::from(quantizer.step as f32);
            Scheme::Dependent(Box::new(quantizer))
        }
    }
    .into())
}

fn learn_vectors(bits: u32, audio: &dyn Reopen) -> Result<Learnt> {
    let (dimension, n_vectors, plan) = Training::of_bits(bits)?;
    let data = training::vectors(audio, dimension, n_vectors)?;
    if let Some(distinct) = few_values::vectors(dimension, &data, plan.n_codes)? {
        let warning = Some(few_values::warning(distinct.n_codes(), "vector"));
        return Ok(Learnt { scheme: Scheme::Vector(distinct), warning });
    }
    let learnt = VectorCodebook::train(dimension, &data, &plan)?;
    Ok(Scheme::Vector(VectorCodebook::new(dimension, few_values::storable(learnt.codes().to_vec()))?).into())
}
