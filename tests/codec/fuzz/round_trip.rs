//! Any samples at any setting: what is encoded decodes, to the same length, to finite samples.

use sqnr::codec::{BandQuantizer, Decoder, Encoder, EncoderOptions, Goal};

const BAND_QUANTIZERS: [BandQuantizer; 4] =
    [BandQuantizer::Uniform, BandQuantizer::PowerLaw, BandQuantizer::Trellis, BandQuantizer::LloydMax];

/// One input.
pub fn run(bytes: &[u8]) {
    let Some((&[kind, quality, split], samples)) = bytes.split_first_chunk() else { return };
    let n_channels = 1 + usize::from(kind & 3).min(2);
    let x: Vec<f32> = samples.chunks_exact(2).map(|b| sample(i16::from_le_bytes([b[0], b[1]]))).collect();
    let n = x.len() / n_channels;
    let channels: Vec<&[f32]> = x.chunks_exact(n.max(1)).take(n_channels).collect();
    if n == 0 {
        return;
    }
    let goal = match kind >> 3 & 3 {
        0 | 1 => Goal::Quality(f32::from(quality) / 25.5),
        2 => Goal::NoiseTarget(-f32::from(quality) / 4.0),
        _ => Goal::WhiteNoise(-f32::from(quality) / 2.0),
    };
    let options = EncoderOptions {
        samples: (kind & 4 == 0).then_some(n as u64),
        band_quantizer: BAND_QUANTIZERS[usize::from(kind >> 5 & 1 | kind >> 6 & 2)],
        loudness: (kind & 64 == 0).then_some(-20.0),
        ..EncoderOptions::new(8_000, n_channels as u8)
    };
    let mut file = Vec::new();
    let mut encoder = Encoder::with_goal(&mut file, &options, goal).expect("legal options");
    let at = n * usize::from(split) / 256;
    let parts = |range: std::ops::Range<usize>| channels.iter().map(|c| &c[range.clone()]).collect::<Vec<_>>();
    encoder.push(&parts(0..at)).expect("memory takes everything");
    encoder.push(&parts(at..n)).expect("memory takes everything");
    encoder.finish().expect("memory takes everything");
    let mut decoder = Decoder::new(&file[..]).expect("its own header");
    let mut decoded = 0;
    while let Some(block) = decoder.next_block().expect("its own groups") {
        assert!(block.iter().flatten().all(|y| y.is_finite()));
        decoded += block[0].len();
    }
    assert_eq!(decoded, n);
}

/// Mostly sound; the least codes stand for what is none.
fn sample(code: i16) -> f32 {
    match code {
        i16::MIN => f32::NAN,
        -32_767 => f32::INFINITY,
        -32_766 => -1e38,
        -32_765 => 1e-40,
        code => f32::from(code) / 32_768.0,
    }
}
