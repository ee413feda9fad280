//! One way from input to output: a quantizer, sample by sample, or the codec, superframe by superframe.
//!
//! The codec answers late. So that the two sides can be compared, listened to in turn and recorded side by side, a chain
//! gives the input out again with the delay of its output.

use std::collections::VecDeque;

use crate::{codec::RoundTrip, shaping::Requantizer};

/// Frames that a chain takes at once.
pub(super) const MAX_BLOCK: usize = 1_024;

/// What makes output of input.
#[derive(Debug)]
pub enum LiveChain {
    /// A quantizer with its dither and shaping: no delay.
    Quantizer(Box<Direct>),
    /// The transform codec, encoded and decoded again.
    Codec(Box<Coded>),
}

/// A requantizer with room to work in.
#[derive(Debug)]
pub struct Direct {
    requantizer: Requantizer,
    x: Vec<f64>,
    y: Vec<f64>,
    indices: Vec<i32>,
}

/// The codec beside a delay line of its own delay.
#[derive(Debug)]
pub struct Coded {
    codec: RoundTrip,
    delayed: VecDeque<f32>,
}

impl LiveChain {
    /// A chain of a requantizer.
    pub fn quantizer(requantizer: Requantizer) -> Self {
        let (x, y, indices) = (vec![0.0; MAX_BLOCK], vec![0.0; MAX_BLOCK], vec![0; MAX_BLOCK]);
        Self::Quantizer(Box::new(Direct { requantizer, x, y, indices }))
    }

    /// A chain of the codec.
    pub fn codec(codec: RoundTrip) -> Self {
        let n_delayed = codec.delay_frames() * codec.n_channels();
        let mut delayed = VecDeque::with_capacity(n_delayed + MAX_BLOCK * codec.n_channels());
        delayed.resize(n_delayed, 0.0);
        Self::Codec(Box::new(Coded { codec, delayed }))
    }

    /// Frames by which the output is behind.
    pub fn delay_frames(&self) -> usize {
        match self {
            Self::Quantizer(_) => 0,
            Self::Codec(coded) => coded.codec.delay_frames(),
        }
    }

    /// Bits per second that the codec spends now, in kbit/s; `None` for quantizers, whose rate is their bits.
    pub fn bitrate_kbps(&self) -> Option<f64> {
        match self {
            Self::Quantizer(_) => None,
            Self::Codec(coded) => coded.codec.bitrate_kbps(),
        }
    }

    /// Samples clipped so far.
    pub fn clipped_samples(&self) -> u64 {
        match self {
            Self::Quantizer(direct) => direct.requantizer.counts().clipped_samples,
            Self::Codec(_) => 0,
        }
    }

    /// Processes at most 1024 interleaved frames of `n_channels`. Quantizers do not allocate.
    ///
    /// - `sample_index`: that of the first frame
    /// - `dry`: input, full scale 1.0
    /// - `aligned`: the input again, as late as the output
    /// - `wet`: output
    pub fn process(&mut self, sample_index: u64, n_channels: usize, dry: &[f32], aligned: &mut [f32], wet: &mut [f32]) {
        match self {
            Self::Quantizer(direct) => {
                aligned.copy_from_slice(dry);
                direct.process(sample_index, n_channels, dry, wet);
            }
            Self::Codec(coded) => {
                coded.delayed.extend(dry);
                let n = aligned.len();
                aligned.iter_mut().zip(coded.delayed.drain(..n)).for_each(|(aligned, x)| *aligned = x);
                coded.codec.process(dry, wet);
            }
        }
    }
}

impl Direct {
    fn process(&mut self, sample_index: u64, n_channels: usize, dry: &[f32], wet: &mut [f32]) {
        let n_frames = dry.len() / n_channels;
        let (x, y) = (&mut self.x[..n_frames], &mut self.y[..n_frames]);
        let indices = &mut self.indices[..n_frames];
        for channel in 0..n_channels {
            let samples = dry.iter().skip(channel).step_by(n_channels);
            x.iter_mut().zip(samples).for_each(|(x, &dry)| *x = f64::from(dry));
            self.requantizer.process(channel, sample_index, x, indices, y);
            let wet = wet.iter_mut().skip(channel).step_by(n_channels);
            wet.zip(&*y).for_each(|(wet, &y)| *wet = y as f32);
        }
    }
}
