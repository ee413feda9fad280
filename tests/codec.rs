//! The codec as a user of the library meets it: lengths, silence, seeking, damage, threads.

#[path = "codec/damage.rs"]
mod damage;
#[path = "codec/exactness.rs"]
mod exactness;
#[path = "codec/extremes.rs"]
mod extremes;
#[path = "codec/golden.rs"]
mod golden;
#[path = "codec/kept_inputs.rs"]
mod kept_inputs;
#[path = "codec/listening.rs"]
mod listening;

use sqnr::codec::{Decoder, Encoder, EncoderOptions};

/// Seeded noise in -1..1.
pub(crate) fn noise(seed: u32) -> impl FnMut() -> f32 {
    let mut state = seed;
    move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / 8_388_608.0 - 1.0
    }
}

/// Two tones that swell, and a little noise, different in each channel.
pub(crate) fn music(n_channels: usize, n: usize) -> Vec<Vec<f32>> {
    let channel = |c: usize| {
        let mut noise = noise(c as u32 + 1);
        let tone = |i: usize, f: f32| (i as f32 * f).sin() * (1.0 + (i as f32 * 4e-4).sin());
        (0..n).map(|i| 0.1 * tone(i, 0.05 + 0.02 * c as f32) + 0.05 * tone(i, 0.4) + 0.01 * noise()).collect()
    };
    (0..n_channels).map(channel).collect()
}

pub(crate) fn encode_with(options: &EncoderOptions, channels: &[Vec<f32>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, options).expect("legal options");
    encoder.push(channels).expect("memory takes everything");
    encoder.finish().expect("memory takes everything");
    bytes
}

pub(crate) fn encode(rate_hz: u32, channels: &[Vec<f32>]) -> Vec<u8> {
    let samples = Some(channels[0].len() as u64);
    encode_with(&EncoderOptions { samples, ..EncoderOptions::new(rate_hz, channels.len() as u8) }, channels)
}

pub(crate) fn drain<R: std::io::Read>(decoder: &mut Decoder<R>) -> sqnr::Result<Vec<Vec<f32>>> {
    let mut all = vec![Vec::new(); usize::from(decoder.header().channels)];
    while let Some(block) = decoder.next_block()? {
        all.iter_mut().zip(block).for_each(|(all, block)| all.extend(block));
    }
    Ok(all)
}

pub(crate) fn decode(bytes: &[u8]) -> sqnr::Result<Vec<Vec<f32>>> {
    drain(&mut Decoder::new(bytes)?)
}
