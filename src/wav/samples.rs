//! Bytes of interleaved samples to numbers and back, a block at a time.
//!
//! An integer sits at the most significant end of its container, so every container is first widened to 32 bits with
//! the sample at the top; the code of B valid bits is that number shifted down by 32 - B, the amplitude is the code
//! over 2^(B-1). Padding bits below the code are not part of it.

use std::sync::LazyLock;

use super::format::{Encoding, SampleFormat};
use crate::quantizer::g711::{self, Convention, G711, Law};

/// Turns the bytes of every sample round.
pub(super) fn swap_samples(bytes: &mut [u8], bytes_per_sample: usize) {
    for sample in bytes.chunks_exact_mut(bytes_per_sample) {
        sample.reverse();
    }
}

/// Interleaved codes: integers of the valid bits, signed; A-law and mu-law as the byte itself.
///
/// # Panics
/// When the format is float, which has no codes.
pub(super) fn decode_codes(format: SampleFormat, bytes: &[u8], out: &mut [i32]) {
    let shift = 32 - format.valid_bits().min(32);
    match (format.encoding(), format.container_bits()) {
        (Encoding::Integer, 8) => map(bytes, out, |b: [u8; 1]| top8(b) >> shift),
        (Encoding::Integer, 16) => map(bytes, out, |b: [u8; 2]| top16(b) >> shift),
        (Encoding::Integer, 24) => map(bytes, out, |b: [u8; 3]| top24(b) >> shift),
        (Encoding::Integer, _) => map(bytes, out, |b: [u8; 4]| i32::from_le_bytes(b) >> shift),
        (Encoding::ALaw | Encoding::MuLaw, _) => map(bytes, out, |[b]: [u8; 1]| i32::from(b)),
        (Encoding::Float, _) => unreachable!("callers ask has_codes first"),
    }
}

/// Interleaved amplitudes in single precision: exact up to 24 valid bits, else rounded.
pub(super) fn decode_f32(format: SampleFormat, bytes: &[u8], out: &mut [f32]) {
    let shift = 32 - format.valid_bits().min(32);
    let step = (1.0 / (1_u64 << (format.valid_bits().min(32) - 1)) as f64) as f32;
    match (format.encoding(), format.container_bits()) {
        (Encoding::Integer, 8) => map(bytes, out, |b: [u8; 1]| (top8(b) >> shift) as f32 * step),
        (Encoding::Integer, 16) => map(bytes, out, |b: [u8; 2]| (top16(b) >> shift) as f32 * step),
        (Encoding::Integer, 24) => map(bytes, out, |b: [u8; 3]| (top24(b) >> shift) as f32 * step),
        (Encoding::Integer, _) => map(bytes, out, |b: [u8; 4]| (i32::from_le_bytes(b) >> shift) as f32 * step),
        (Encoding::ALaw, _) => amplitudes_f32(&A_LAW, bytes, out),
        (Encoding::MuLaw, _) => amplitudes_f32(&MU_LAW, bytes, out),
        (Encoding::Float, 32) => map(bytes, out, f32::from_le_bytes),
        (Encoding::Float, _) => map(bytes, out, |b: [u8; 8]| f64::from_le_bytes(b) as f32),
    }
}

/// Planar amplitudes; `channels` are cleared and filled with `bytes.len() / block align` frames.
pub(super) fn decode_planar(format: SampleFormat, bytes: &[u8], channels: &mut [Vec<f64>]) {
    let shift = 32 - format.valid_bits().min(32);
    let step = 1.0 / (1_u64 << (format.valid_bits().min(32) - 1)) as f64;
    match (format.encoding(), format.container_bits()) {
        (Encoding::Integer, 8) => planar(bytes, channels, |b: [u8; 1]| f64::from(top8(b) >> shift) * step),
        (Encoding::Integer, 16) => planar(bytes, channels, |b: [u8; 2]| f64::from(top16(b) >> shift) * step),
        (Encoding::Integer, 24) => planar(bytes, channels, |b: [u8; 3]| f64::from(top24(b) >> shift) * step),
        (Encoding::Integer, _) => {
            planar(bytes, channels, |b: [u8; 4]| f64::from(i32::from_le_bytes(b) >> shift) * step);
        }
        (Encoding::ALaw, _) => amplitudes_planar(&A_LAW, bytes, channels),
        (Encoding::MuLaw, _) => amplitudes_planar(&MU_LAW, bytes, channels),
        (Encoding::Float, 32) => planar(bytes, channels, |b: [u8; 4]| f64::from(f32::from_le_bytes(b))),
        (Encoding::Float, _) => planar(bytes, channels, f64::from_le_bytes),
    }
}

/// True when some bit below the valid ones is set, which no writer should do.
pub(super) fn has_padding_bits(format: SampleFormat, bytes: &[u8]) -> bool {
    let padding = format.container_bits() - format.valid_bits();
    if format.encoding() != Encoding::Integer || padding == 0 {
        return false;
    }
    let width = format.bytes_per_sample();
    let mask = ((1_u64 << padding) - 1) as u32;
    bytes.chunks_exact(width).any(|sample| {
        let mut word = [0; 4];
        word[..width].copy_from_slice(sample);
        u32::from_le_bytes(word) & mask != 0
    })
}

/// Interleaved codes to bytes, appended; a code outside the valid bits saturates.
///
/// # Panics
/// When the format is float, which has no codes.
pub(super) fn encode_codes(format: SampleFormat, codes: &[i32], bytes: &mut Vec<u8>) {
    let shift = 32 - format.valid_bits().min(32);
    let (low, high) = (i32::MIN >> shift, i32::MAX >> shift);
    let top = move |code: i32| code.clamp(low, high) << shift;
    match (format.encoding(), format.container_bits()) {
        (Encoding::Integer, 8) => append(codes, bytes, |&c| [bytes8(top(c))]),
        (Encoding::Integer, 16) => append(codes, bytes, |&c| ((top(c) >> 16) as i16).to_le_bytes()),
        (Encoding::Integer, 24) => append(codes, bytes, |&c| bytes24(top(c))),
        (Encoding::Integer, _) => append(codes, bytes, |&c| top(c).to_le_bytes()),
        (Encoding::ALaw | Encoding::MuLaw, _) => append(codes, bytes, |&c| [c.clamp(0, 255) as u8]),
        (Encoding::Float, _) => unreachable!("callers ask has_codes first"),
    }
}

/// Nearest code of `valid_bits` (1 to 32) to the amplitude `x`, a tie going up; saturates, NaN gives 0.
pub(super) fn nearest_code(x: f64, valid_bits: u32) -> i32 {
    let half_range = (1_u64 << (valid_bits - 1)) as f64;
    let scaled = (x * half_range).clamp(-half_range, half_range - 1.0);
    // `as` turns NaN into 0, as it does the comparisons below; floor would be a library call.
    let whole = scaled as i32;
    let rest = scaled - f64::from(whole);
    whole + i32::from(rest >= 0.5) - i32::from(rest < -0.5)
}

fn map<const N: usize, T>(bytes: &[u8], out: &mut [T], f: impl Fn([u8; N]) -> T) {
    let (samples, _) = bytes.as_chunks::<N>();
    debug_assert_eq!(samples.len(), out.len());
    for (out, &sample) in out.iter_mut().zip(samples) {
        *out = f(sample);
    }
}

fn planar<const N: usize>(bytes: &[u8], channels: &mut [Vec<f64>], f: impl Fn([u8; N]) -> f64) {
    let (samples, _) = bytes.as_chunks::<N>();
    channels.iter_mut().for_each(Vec::clear);
    match channels {
        // The two usual cases have a length that the compiler knows, and so become vectors.
        [mono] => mono.extend(samples.iter().map(|&sample| f(sample))),
        [left, right] => {
            let (frames, _) = samples.as_chunks::<2>();
            left.extend(frames.iter().map(|frame| f(frame[0])));
            right.extend(frames.iter().map(|frame| f(frame[1])));
        }
        many => {
            let n_channels = many.len();
            for (c, channel) in many.iter_mut().enumerate() {
                channel.extend(samples.iter().skip(c).step_by(n_channels).map(|&sample| f(sample)));
            }
        }
    }
}

fn amplitudes_f32(table: &[f64; 256], bytes: &[u8], out: &mut [f32]) {
    map(bytes, out, |[b]: [u8; 1]| table[usize::from(b)] as f32);
}

fn amplitudes_planar(table: &[f64; 256], bytes: &[u8], channels: &mut [Vec<f64>]) {
    planar(bytes, channels, |[b]: [u8; 1]| table[usize::from(b)]);
}

fn append<const N: usize, T>(samples: &[T], bytes: &mut Vec<u8>, f: impl Fn(&T) -> [u8; N]) {
    let filled = bytes.len();
    bytes.resize(filled + samples.len() * N, 0);
    let (places, _) = bytes[filled..].as_chunks_mut::<N>();
    for (place, sample) in places.iter_mut().zip(samples) {
        *place = f(sample);
    }
}

/// Floats to bytes, appended.
pub(super) fn encode_floats(format: SampleFormat, samples: &[f64], bytes: &mut Vec<u8>) {
    match format.container_bits() {
        32 => append(samples, bytes, |&x| (x as f32).to_le_bytes()),
        _ => append(samples, bytes, |&x| x.to_le_bytes()),
    }
}

/// Single-precision floats to bytes, appended.
pub(super) fn encode_f32(format: SampleFormat, samples: &[f32], bytes: &mut Vec<u8>) {
    match format.container_bits() {
        32 => append(samples, bytes, |&x| x.to_le_bytes()),
        _ => append(samples, bytes, |&x| f64::from(x).to_le_bytes()),
    }
}

fn top8([b]: [u8; 1]) -> i32 {
    // Offset binary: turning the top bit round makes it two's complement.
    i32::from_le_bytes([0, 0, 0, b ^ 0x80])
}

fn top16([a, b]: [u8; 2]) -> i32 {
    i32::from_le_bytes([0, 0, a, b])
}

fn top24([a, b, c]: [u8; 3]) -> i32 {
    i32::from_le_bytes([0, a, b, c])
}

fn bytes8(top: i32) -> u8 {
    top.to_le_bytes()[3] ^ 0x80
}

fn bytes24(top: i32) -> [u8; 3] {
    let [_, a, b, c] = top.to_le_bytes();
    [a, b, c]
}

/// Amplitude of each A-law byte.
static A_LAW: LazyLock<[f64; 256]> = LazyLock::new(|| amplitudes(Law::A));
/// Amplitude of each mu-law byte.
static MU_LAW: LazyLock<[f64; 256]> = LazyLock::new(|| amplitudes(Law::Mu));

fn amplitudes(law: Law) -> [f64; 256] {
    std::array::from_fn(|byte| f64::from(g711::decode(law, byte as u8)) / 32_768.0)
}

/// Amplitudes to the bytes of the nearest levels, appended; NaN is taken as 0.
pub(super) fn encode_law(format: SampleFormat, amplitudes: &[f64], bytes: &mut Vec<u8>) {
    static NEAREST_A: LazyLock<G711> = LazyLock::new(|| G711::new(Law::A, Convention::Nearest));
    static NEAREST_MU: LazyLock<G711> = LazyLock::new(|| G711::new(Law::Mu, Convention::Nearest));
    let encoder = if format.encoding() == Encoding::ALaw { &*NEAREST_A } else { &*NEAREST_MU };
    bytes.extend(amplitudes.iter().map(|&x| encoder.encode(nearest_code(x, 16) as i16)));
}

#[cfg(test)]
mod tests {
    use super::nearest_code;

    #[test]
    fn the_nearest_code_takes_ties_up_and_ends_in() {
        let codes = [0.5, -0.5, 1.5, -1.5, 0.499, -0.501, 126.5, 127.4, 1e9, -128.5, -1e9]
            .map(|steps: f64| nearest_code(steps / 128.0, 8));
        assert_eq!(codes, [1, 0, 2, -1, 0, -1, 127, 127, 127, -128, -128]);
        assert_eq!(nearest_code(f64::NAN, 8), 0);
        assert_eq!(nearest_code(0.5_f64.next_down() / 128.0, 8), 0);
        assert_eq!([f64::NEG_INFINITY, f64::INFINITY].map(|x| nearest_code(x, 32)), [i32::MIN, i32::MAX]);
        assert_eq!([-0.1, 0.1, -0.6].map(|x| nearest_code(x, 1)), [0, 0, -1]);
    }
}
