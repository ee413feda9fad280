//! A signal through the codec and back in memory, and what that cost.

use std::io;

use sqnr::{
    Result, Signal,
    analysis::error_statistics::{self, ErrorFigures, ErrorStatistics},
    codec::{self, Decoder, EncoderOptions, InMemory, Summary, Target},
};

/// What came of a round trip.
pub struct RoundTrip {
    /// The `.sqn` file.
    pub bytes: Vec<u8>,
    pub summary: Summary,
    /// The decoder's samples, before any rounding to a WAV file's bits.
    pub decoded: Signal,
    /// Over all channels.
    pub figures: ErrorFigures,
}

impl RoundTrip {
    /// Encodes at constant `quality`, 0 to 10, and decodes.
    ///
    /// # Errors
    /// As the codec's: more than 255 channels, a sample rate that it does not take.
    pub fn of(signal: &Signal, channel_mask: Option<u32>, quality: f32) -> Result<Self> {
        let single: Vec<Vec<f32>> = signal.channels().iter().map(|c| c.iter().map(|&x| x as f32).collect()).collect();
        let n_channels = u8::try_from(single.len())
            .map_err(|_| sqnr::Error::invalid("channels of an .sqn file", single.len(), "1 to 255"))?;
        let options = EncoderOptions {
            channel_mask: channel_mask.unwrap_or(0),
            target: Target::Quality(quality),
            samples: Some(signal.len() as u64),
            ..EncoderOptions::new(signal.sample_rate_hz(), n_channels)
        };
        let mut bytes = Vec::new();
        let encoded = codec::encode(&mut InMemory::new(&single), &mut bytes, &mut io::empty(), &options)?;
        let decoded = decoded(&bytes, signal)?;
        let figures = figures(signal, &decoded)?;
        Ok(Self { bytes, summary: encoded.summary, decoded, figures })
    }
}

fn decoded(bytes: &[u8], signal: &Signal) -> Result<Signal> {
    let mut decoder = Decoder::new(bytes)?;
    let mut y = vec![Vec::with_capacity(signal.len()); signal.channels().len()];
    while let Some(block) = decoder.next_block()? {
        y.iter_mut().zip(block).for_each(|(y, block)| y.extend(block.iter().map(|&x| f64::from(x))));
    }
    y.iter_mut().for_each(|channel| channel.resize(signal.len(), 0.0));
    Signal::new(signal.sample_rate_hz(), y)
}

fn figures(signal: &Signal, decoded: &Signal) -> Result<ErrorFigures> {
    let mut statistics = ErrorStatistics::new(error_statistics::Settings::default())?;
    for (x, y) in signal.channels().iter().zip(decoded.channels()) {
        statistics.push(x, y);
    }
    Ok(statistics.figures())
}
