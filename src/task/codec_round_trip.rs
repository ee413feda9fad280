//! A signal through the transform codec and back in memory, and what that cost.

use std::io;

use super::Quantized;
use crate::{
    Error, Result, Signal,
    analysis::error_statistics::{ErrorFigures, ErrorStatistics, Settings},
    chain::{Cost, Outcome},
    codec::{self, Decoder, EncoderOptions, InMemory, Summary},
    recipe::CodecRequest,
};

/// What came of a round trip.
#[derive(Debug, Clone)]
pub struct CodecRoundTrip {
    /// The `.sqn` file.
    pub bytes: Vec<u8>,
    /// Length and rate of the file.
    pub summary: Summary,
    /// The decoder's samples, before any rounding to a WAV file's bits, and the error figures.
    pub quantized: Quantized,
}

/// Encodes as `request` asks, and decodes.
///
/// - `channel_mask`: speakers of the channels, where they are known
///
/// ```
/// use sqnr::{generate, recipe::CodecRequest, task::codec_round_trip};
///
/// let tone = generate::signal(Default::default())?;
/// let done = codec_round_trip(&tone, None, &CodecRequest::default())?;
/// assert_eq!((done.summary.samples, done.summary.bytes), (48_000, done.bytes.len() as u64));
/// assert!(done.quantized.snr_db().unwrap() > 10.0);
/// # Ok::<(), sqnr::Error>(())
/// ```
///
/// # Errors
/// As the codec's: more than 255 channels, a sample rate that it does not take.
pub fn codec_round_trip(signal: &Signal, channel_mask: Option<u32>, request: &CodecRequest) -> Result<CodecRoundTrip> {
    let single: Vec<Vec<f32>> = signal.channels().iter().map(|c| c.iter().map(|&x| x as f32).collect()).collect();
    let n_channels =
        u8::try_from(single.len()).map_err(|_| Error::invalid("channels of an .sqn file", single.len(), "1 to 255"))?;
    let options = request.apply(EncoderOptions {
        channel_mask: channel_mask.unwrap_or(0),
        samples: Some(signal.len() as u64),
        ..EncoderOptions::new(signal.sample_rate_hz(), n_channels)
    });
    let (mut bytes, mut scratch) = (Vec::new(), io::Cursor::new(Vec::new()));
    let encoded = codec::encode(&mut InMemory::new(&single), io::Cursor::new(&mut bytes), &mut scratch, &options)?;
    let decoded = decoded(&bytes, signal)?;
    let outcome = outcome(signal, &decoded, &encoded.summary)?;
    Ok(CodecRoundTrip { bytes, summary: encoded.summary, quantized: Quantized { signal: decoded, outcome } })
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

fn outcome(signal: &Signal, decoded: &Signal, summary: &Summary) -> Result<Outcome> {
    let channel = |(x, y): (&Vec<f64>, &Vec<f64>)| {
        let mut statistics = ErrorStatistics::new(Settings::default())?;
        statistics.push(x, y);
        Ok(statistics)
    };
    let channels = signal.channels().iter().zip(decoded.channels());
    let statistics: Vec<ErrorStatistics> = channels.map(channel).collect::<Result<_>>()?;
    let mut total = statistics[0].clone();
    statistics[1..].iter().for_each(|channel| total.merge(channel));
    let figures: Vec<ErrorFigures> = statistics.iter().map(ErrorStatistics::figures).collect();
    Ok(Outcome {
        description: format!("codec, {:.0} kbit/s", summary.bitrate_kbps()),
        figures: total.figures(),
        per_channel: figures,
        n_frames: signal.len() as u64,
        left_out_frames: 0,
        clipped_samples: None,
        nan_samples: 0,
        infinite_samples: 0,
        cost: Some(Cost { coded_bits: 8.0 * summary.bytes as f64, table_bits: 0.0 }),
        warnings: Vec::new(),
    })
}
