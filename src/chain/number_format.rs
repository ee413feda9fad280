//! Number formats on audio: a tensor of channels by samples. Scales may need all of it, so it is kept whole.

use super::{Chain, Clipping, Cost, Form, Piece, Storage};
use crate::{
    Result,
    number_format::NumberFormat,
    recipe::NamedFormat,
    wav::{SampleFormat, Spec},
};

/// A number format that audio is rounded to.
pub(super) struct Rounded {
    format: NumberFormat,
    name: String,
    spec: Spec,
    channels: Vec<Vec<f32>>,
    n_bits: f64,
}

impl Rounded {
    pub(super) fn new(named: &NamedFormat, spec: &Spec) -> Self {
        Self {
            format: named.format,
            name: named.name.clone(),
            spec: Spec { sample_format: SampleFormat::FLOAT32, ..*spec },
            channels: vec![Vec::new(); usize::from(spec.channels)],
            n_bits: 0.0,
        }
    }
}

impl Chain for Rounded {
    fn form(&self) -> Form {
        Form::Wav { spec: self.spec, storage: Storage::Level }
    }

    fn push(&mut self, x: &[Vec<f64>], _: &mut Piece) -> Result<()> {
        self.channels.iter_mut().zip(x).for_each(|(channel, x)| channel.extend(x.iter().map(|&x| x as f32)));
        Ok(())
    }

    fn finish(&mut self, piece: &mut Piece) -> Result<()> {
        let (n_channels, n_frames) = (self.channels.len(), self.channels[0].len());
        let rounded = self.format.quantize(&self.channels.concat(), &[n_channels, n_frames])?;
        self.channels.clear();
        self.n_bits = rounded.n_bits;
        for (c, y) in piece.y.iter_mut().enumerate() {
            y.extend(rounded.values[c * n_frames..(c + 1) * n_frames].iter().map(|&y| f64::from(y)));
        }
        Ok(())
    }

    fn describe(&self) -> String {
        self.name.clone()
    }

    fn clipping(&self) -> Clipping {
        Clipping::Never
    }

    fn cost(&self) -> Option<Cost> {
        Some(Cost { coded_bits: self.n_bits, table_bits: 0.0 })
    }
}
