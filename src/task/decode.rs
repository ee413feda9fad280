//! Decodes a file of the transform codec into integers of a chosen depth.

use std::{io::Read, ops::Range, sync::Arc};

use crate::{
    Error, Progress, Result,
    audio_file::tag_names,
    chain::{Form, Piece, Sink, Storage},
    codec::{Damage, Decoder, Header},
    quantizer::Uniform,
    recipe::{Depth, DitherChoice, NamedMethod, Recipe},
    shaping::{Dither, Requantizer, RequantizerOptions},
    wav::{Metadata, SampleFormat, Spec},
};

/// Most bits that a file is decoded to without being asked.
const MOST_USUAL_BITS: u8 = 24;

/// How a file is decoded.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct DecodeOptions {
    /// Bit depth, 1 to 32; `None` is that of the original, at most 24.
    pub bits: Option<u32>,
    /// Noise added before rounding; `auto` is triangular.
    pub dither: DitherChoice,
    /// Where to begin, s.
    pub from_s: f64,
    /// Where to end, s; `None` is the end of the file.
    pub to_s: Option<f64>,
}

/// What a decoded file came to.
#[derive(Debug, Clone)]
pub struct Decoded {
    /// Samples per channel.
    pub samples: u64,
    /// Samples that were clipped.
    pub clipped_samples: u64,
    /// What was damaged, where decoding went on.
    pub damages: Vec<Damage>,
}

/// A file that is about to be decoded.
///
/// ```
/// use sqnr::{chain::Piece, codec::{Decoder, Encoder, EncoderOptions}, task::{DecodeOptions, Decoding}};
///
/// let mut file = Vec::new();
/// let mut encoder = Encoder::new(&mut file, &EncoderOptions::new(48_000, 1))?;
/// encoder.push(&[vec![0.25_f32; 5_000]])?;
/// encoder.finish()?;
/// let mut decoder = Decoder::new(&file[..])?;
/// let decoding = Decoding::new(decoder.header(), &DecodeOptions { bits: Some(16), ..Default::default() })?;
/// let mut sink = |_: &[Vec<f64>], _: &Piece| Ok(());
/// assert_eq!(decoding.run(&mut decoder, 0, &mut sink, &())?.samples, 5_000);
/// # Ok::<(), sqnr::Error>(())
/// ```
#[derive(Debug)]
pub struct Decoding {
    header: Header,
    spec: Spec,
    recipe: Recipe,
    requantizer: Requantizer,
    first_sample: u64,
    /// Samples per channel from there to the end of the range.
    n_wanted: u64,
}

impl Decoding {
    /// Plans the decoding of a file with this header.
    ///
    /// # Errors
    /// `InvalidParameter` for a depth out of range, a range that begins after the end, and for subtractive dither.
    pub fn new(header: &Header, options: &DecodeOptions) -> Result<Self> {
        let stated = if (1..=MOST_USUAL_BITS).contains(&header.bits) { header.bits } else { MOST_USUAL_BITS };
        let bits = options.bits.unwrap_or(stated.into());
        let dither = match options.dither {
            DitherChoice::Auto => Dither::Triangular,
            DitherChoice::Of(Dither::Subtractive) => {
                let allowed = "another; subtractive needs a decoder that takes it away again; use tpdf";
                return Err(Error::invalid("dither", "subtractive", allowed));
            }
            DitherChoice::Of(dither) => dither,
        };
        let requantizer_options = RequantizerOptions { dither, shaper: None, seed: 0 };
        let sample_of = |seconds: f64| (seconds * f64::from(header.sample_rate_hz)).round() as u64;
        let first_sample = sample_of(options.from_s);
        if let Some(n) = header.samples.filter(|&n| first_sample > 0 && first_sample >= n) {
            let length_s = n as f64 / f64::from(header.sample_rate_hz);
            let begins = format!("{} s", options.from_s);
            return Err(Error::invalid("begin of the range", begins, format!("before {length_s:.3} s, the end")));
        }
        Ok(Self {
            spec: Spec {
                sample_rate_hz: header.sample_rate_hz,
                channels: header.channels.into(),
                channel_mask: Some(header.channel_mask).filter(|&mask| mask != 0),
                sample_format: SampleFormat::integer(bits)?,
            },
            recipe: Recipe {
                depth: Some(Depth::Bits(bits)),
                dither: dither.into(),
                ..Recipe::new(NamedMethod::Uniform)
            },
            requantizer: Requantizer::new(Arc::new(Uniform::mid_tread(bits)?), requantizer_options)?,
            first_sample,
            n_wanted: options.to_s.map_or(u64::MAX, |to_s| sample_of(to_s).saturating_sub(first_sample)),
            header: header.clone(),
        })
    }

    /// How decoded samples become integers.
    pub fn recipe(&self) -> &Recipe {
        &self.recipe
    }

    /// The first sample of the range; a decoder that can seek goes there, others skip to it.
    pub fn first_sample(&self) -> u64 {
        self.first_sample
    }

    /// Samples per channel that come out, where the header tells.
    pub fn n_frames(&self) -> Option<u64> {
        self.header.samples.map(|n| n.saturating_sub(self.first_sample).min(self.n_wanted))
    }

    /// The form of the output.
    pub fn form(&self) -> Form {
        Form::Wav { spec: self.spec, storage: Storage::Index }
    }

    /// The tags of the file as the INFO texts of a WAV.
    pub fn metadata(&self) -> Metadata {
        let tags = self.header.tags.iter();
        let entries: Vec<([u8; 4], String)> =
            tags.map(|(key, value)| (tag_names::info_id(key), value.clone())).collect();
        Metadata::from_info(&entries)
    }

    /// Decodes all blocks into the sink, up to the end of the range.
    ///
    /// - `skip`: samples per channel that the decoder gives before the range begins
    ///
    /// # Errors
    /// What decoding and writing meet.
    pub fn run<R: Read>(
        mut self,
        decoder: &mut Decoder<R>,
        mut skip: u64,
        sink: &mut dyn Sink,
        progress: &dyn Progress,
    ) -> Result<Decoded> {
        let (n_frames, mut left, mut samples) = (self.n_frames(), self.n_wanted, 0);
        let mut piece = Piece::new(usize::from(self.header.channels));
        while let Some(block) = decoder.next_block()? {
            let from = skip.min(block[0].len() as u64) as usize;
            skip -= from as u64;
            let to = from + left.min((block[0].len() - from) as u64) as usize;
            self.round(self.first_sample + samples, block, from..to, &mut piece);
            sink.write(&[], &piece)?;
            piece.clear();
            samples += (to - from) as u64;
            left -= (to - from) as u64;
            progress.at(samples, n_frames, self.header.sample_rate_hz);
            if left == 0 {
                break;
            }
        }
        let clipped_samples = self.requantizer.counts().clipped_samples;
        Ok(Decoded { samples, clipped_samples, damages: decoder.damages().to_vec() })
    }

    /// Indices of a part of a block; `first` is the position of its first sample in the file, so that a range has the
    /// same dither as the whole.
    ///
    /// Digital silence stays silence: a sample that is exactly zero is not dithered.
    fn round(&mut self, first: u64, block: &[Vec<f32>], part: Range<usize>, piece: &mut Piece) {
        for (c, channel) in block.iter().enumerate() {
            let x: Vec<f64> = channel[part.clone()].iter().map(|&x| f64::from(x)).collect();
            let (indices, y) = (&mut piece.indices[c], &mut piece.y[c]);
            indices.resize(x.len(), 0);
            y.resize(x.len(), 0.0);
            self.requantizer.process(c, first, &x, indices, y);
            indices.iter_mut().zip(&x).filter(|(_, x)| **x == 0.0).for_each(|(index, _)| *index = 0);
        }
    }
}
