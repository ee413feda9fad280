//! Block types of GGUF files, as ggml's reference quantizers pack them.
//!
//! ```text
//! Q8_0   d f16 | 32 x i8                      x = d q
//! Q4_0   d f16 | 16 bytes of nibbles          x = d (q - 8)       low nibbles first half, high nibbles second
//! Q4_1   d f16 | m f16 | 16 bytes             x = d q + m
//! Q5_0   d f16 | 4 bytes of bit 4 | 16 bytes  x = d (q - 16)
//! Q5_1   d f16 | m f16 | 4 bytes | 16 bytes   x = d q + m
//! TQ1_0  48 bytes, 5 trits each | 4 bytes, 4 trits each | d f16      256 values, x = d (q - 1)
//! TQ2_0  64 bytes, 4 trits each | d f16                              256 values, x = d (q - 1)
//! MXFP4  scale E8M0 | 16 bytes of FP4 codes   x = 2^(scale - 127) fp4
//! BF16   bfloat16
//! ```
//!
//! The arithmetic is that of `f32`, operation by operation, because the packed bytes depend on it.
//!
//! A scale or minimum beyond binary16 is infinite in ggml, and takes the block with it. Here it is the largest number,
//! 65504, and codes are those nearest to the values under that scale: the block clips. So does bfloat16.
//! Source: ggml `ggml-quants.c` and its Python twin `gguf-py/gguf/quants.py` (MIT).

use super::small_float::{BFLOAT16, BINARY16, FP4_E2M1, FloatOverflow, decode_e8m0, encode_e8m0};
use crate::{Error, Result};

/// A GGUF block type.
///
/// ```
/// use sqnr::number_format::gguf::GgufType;
///
/// let x: Vec<f32> = (0..32).map(|i| (i as f32).sin()).collect();
/// let bytes = GgufType::Q8_0.encode(&x)?;
/// assert_eq!((bytes.len(), GgufType::Q8_0.bits_per_value()), (34, 8.5));
/// let y = GgufType::Q8_0.decode(&bytes)?;
/// assert!(x.iter().zip(&y).all(|(x, y)| (y - x).abs() < 0.5 / 126.0));
/// # Ok::<(), sqnr::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(non_camel_case_types)] // The names of the format.
pub enum GgufType {
    /// 8.5 bits a value.
    Q8_0,
    /// 4.5 bits a value, symmetric.
    Q4_0,
    /// 5 bits a value, with a minimum.
    Q4_1,
    /// 5.5 bits a value, symmetric.
    Q5_0,
    /// 6 bits a value, with a minimum.
    Q5_1,
    /// 1.6875 bits a value: three levels, five to a byte.
    Tq1_0,
    /// 2.0625 bits a value: three levels, four to a byte.
    Tq2_0,
    /// 16 bits a value.
    Bf16,
    /// 4.25 bits a value.
    Mxfp4,
}

/// Values to a block of the types with 32.
const BLOCK: usize = 32;
/// Half a block: low nibbles hold the first half, high nibbles the second.
const HALF: usize = BLOCK / 2;
/// Values to a block of the ternary types.
const TERNARY_BLOCK: usize = 256;

impl GgufType {
    /// Values to a block.
    pub fn block_len(self) -> usize {
        match self {
            Self::Bf16 => 1,
            Self::Tq1_0 | Self::Tq2_0 => TERNARY_BLOCK,
            _ => BLOCK,
        }
    }

    /// Bytes of a block.
    pub fn block_bytes(self) -> usize {
        match self {
            Self::Q8_0 => 2 + BLOCK,
            Self::Q4_0 => 2 + HALF,
            Self::Q4_1 => 4 + HALF,
            Self::Q5_0 => 6 + HALF,
            Self::Q5_1 => 8 + HALF,
            Self::Tq1_0 => 54,
            Self::Tq2_0 => 66,
            Self::Bf16 => 2,
            Self::Mxfp4 => 1 + HALF,
        }
    }

    /// Bits a value.
    pub fn bits_per_value(self) -> f64 {
        8.0 * self.block_bytes() as f64 / self.block_len() as f64
    }

    /// Packs `x` as ggml's reference does.
    ///
    /// # Errors
    /// `InvalidParameter` when the length is no multiple of the block's, or a value is not finite (a NaN or infinity
    /// would take its whole block with it).
    pub fn encode(self, x: &[f32]) -> Result<Vec<u8>> {
        if !x.len().is_multiple_of(self.block_len()) {
            let allowed = format!("a multiple of {} values", self.block_len());
            return Err(Error::invalid("tensor length", x.len(), allowed));
        }
        if let Some(bad) = x.iter().find(|x| !x.is_finite()) {
            return Err(Error::invalid("tensor value", bad, "finite numbers"));
        }
        let mut bytes = Vec::with_capacity(x.len() / self.block_len() * self.block_bytes());
        x.chunks_exact(self.block_len()).for_each(|block| self.encode_block(block, &mut bytes));
        Ok(bytes)
    }

    /// Whether the scale or the minimum of a block lies beyond binary16, so that the block clips.
    pub(super) fn clips(self, block: &[f32]) -> bool {
        let (min, max) = block.iter().fold((f32::MAX, f32::MIN), |(min, max), &x| (min.min(x), max.max(x)));
        let farthest = max.max(-min);
        let beyond = |x: f32| x.abs() >= ABOVE_HALF;
        match self {
            Self::Q8_0 => beyond(farthest / 127.0),
            Self::Q4_0 => beyond(farthest / 8.0),
            Self::Q5_0 => beyond(farthest / 16.0),
            Self::Q4_1 => beyond((max - min) / 15.0) || beyond(min),
            Self::Q5_1 => beyond((max - min) / 31.0) || beyond(min),
            Self::Tq1_0 | Self::Tq2_0 => beyond(farthest),
            Self::Bf16 | Self::Mxfp4 => false,
        }
    }

    /// Unpacks what `encode` gave.
    ///
    /// # Errors
    /// `Malformed` when the bytes are no whole number of blocks.
    pub fn decode(self, bytes: &[u8]) -> Result<Vec<f32>> {
        let whole = bytes.len() - bytes.len() % self.block_bytes();
        if whole != bytes.len() {
            return Err(Error::Malformed { what: format!("{self:?}: the last block is cut"), at_byte: whole as u64 });
        }
        let mut x = Vec::with_capacity(bytes.len() / self.block_bytes() * self.block_len());
        bytes.chunks_exact(self.block_bytes()).for_each(|block| self.decode_block(block, &mut x));
        Ok(x)
    }

    fn encode_block(self, x: &[f32], bytes: &mut Vec<u8>) {
        match self {
            Self::Q8_0 => encode_q8_0(x, bytes),
            Self::Q4_0 => {
                let (d, q) = symmetric(x, 8.0);
                put_half(d, bytes);
                put_nibbles(&q, bytes);
            }
            Self::Q4_1 => {
                let (d, min, q) = with_minimum(x, 15.0);
                put_half(d, bytes);
                put_half(min, bytes);
                put_nibbles(&q, bytes);
            }
            Self::Q5_0 => {
                let (d, q) = symmetric(x, 16.0);
                put_half(d, bytes);
                put_fifth_bits(&q, bytes);
                put_nibbles(&q, bytes);
            }
            Self::Q5_1 => {
                let (d, min, q) = with_minimum(x, 31.0);
                put_half(d, bytes);
                put_half(min, bytes);
                put_fifth_bits(&q, bytes);
                put_nibbles(&q, bytes);
            }
            Self::Tq1_0 => encode_tq1_0(x, bytes),
            Self::Tq2_0 => encode_tq2_0(x, bytes),
            Self::Bf16 => {
                let code = BFLOAT16.encode(f64::from(x[0]), FloatOverflow::Saturate);
                bytes.extend(code.to_le_bytes());
            }
            Self::Mxfp4 => encode_mxfp4(x, bytes),
        }
    }

    fn decode_block(self, b: &[u8], x: &mut Vec<f32>) {
        match self {
            Self::Q8_0 => {
                let d = half(b);
                x.extend(b[2..].iter().map(|&q| f32::from(q as i8) * d));
            }
            Self::Q4_0 => x.extend(nibbles(&b[2..]).map(|q| half(b) * (f32::from(q) - 8.0))),
            Self::Q4_1 => x.extend(nibbles(&b[4..]).map(|q| half(b) * f32::from(q) + half(&b[2..]))),
            Self::Q5_0 => x.extend(fives(&b[2..]).map(|q| half(b) * (f32::from(q) - 16.0))),
            Self::Q5_1 => x.extend(fives(&b[4..]).map(|q| half(b) * f32::from(q) + half(&b[2..]))),
            Self::Tq1_0 => decode_tq1_0(b, x),
            Self::Tq2_0 => decode_tq2_0(b, x),
            Self::Bf16 => x.push(BFLOAT16.decode(u16::from_le_bytes([b[0], b[1]])) as f32),
            Self::Mxfp4 => {
                let scale = decode_e8m0(b[0]);
                x.extend(nibbles(&b[1..]).map(|q| (FP4_E2M1.decode(q.into()) * scale) as f32));
            }
        }
    }
}

/// Largest number of binary16.
const MAX_HALF: f32 = 65_504.0;
/// The least number that rounds beyond it.
const ABOVE_HALF: f32 = 65_520.0;

/// `x`, or the largest number of binary16 with its sign where it rounds beyond that.
fn within_half(x: f32) -> f32 {
    if x.abs() < ABOVE_HALF { x } else { MAX_HALF.copysign(x) }
}

/// `x` must be within binary16.
fn put_half(x: f32, bytes: &mut Vec<u8>) {
    bytes.extend(BINARY16.encode(f64::from(x), FloatOverflow::Ieee).to_le_bytes());
}

fn half(bytes: &[u8]) -> f32 {
    BINARY16.decode(u16::from_le_bytes([bytes[0], bytes[1]])) as f32
}

/// `1/d`, 0 for a block of zeros.
fn reciprocal(d: f32) -> f32 {
    if d == 0.0 { 0.0 } else { 1.0 / d }
}

fn max_magnitude(x: &[f32]) -> f32 {
    x.iter().fold(0.0f32, |max, x| max.max(x.abs()))
}

fn encode_q8_0(x: &[f32], bytes: &mut Vec<u8>) {
    let d = within_half(max_magnitude(x) / 127.0);
    let id = reciprocal(d);
    put_half(d, bytes);
    // Beyond the range only under a scale that was cut.
    bytes.extend(x.iter().map(|&x| (x * id).round().clamp(-127.0, 127.0) as i8 as u8));
}

/// Step and codes 0 to 2 `levels` - 1 of the symmetric types: the value of largest magnitude is code 0, so that the
/// side with one more level is the one that needs it.
fn symmetric(x: &[f32], levels: f32) -> (f32, [u8; BLOCK]) {
    let farthest = x.iter().fold(0.0f32, |far, &x| if x.abs() > far.abs() { x } else { far });
    let d = within_half(farthest / -levels);
    let id = reciprocal(d);
    let mut q = [0; BLOCK];
    for (q, &x) in q.iter_mut().zip(x) {
        // `as` truncates toward zero, as the reference does; the sum is above -0.5.
        *q = ((x * id + (levels + 0.5)) as u8).min(2 * levels as u8 - 1);
    }
    (d, q)
}

/// Step, minimum and codes 0 to `top` of the types with a minimum.
fn with_minimum(x: &[f32], top: f32) -> (f32, f32, [u8; BLOCK]) {
    let max = x.iter().fold(f32::MIN, |max, &x| max.max(x));
    let min = x.iter().fold(f32::MAX, |min, &x| min.min(x));
    let (d, min) = (within_half((max - min) / top), within_half(min));
    let id = reciprocal(d);
    let mut q = [0; BLOCK];
    for (q, &x) in q.iter_mut().zip(x) {
        *q = (((x - min) * id + 0.5) as u8).min(top as u8);
    }
    (d, min, q)
}

fn put_nibbles(q: &[u8; BLOCK], bytes: &mut Vec<u8>) {
    let (low, high) = q.split_at(HALF);
    bytes.extend(low.iter().zip(high).map(|(&low, &high)| low & 15 | high << 4));
}

fn put_fifth_bits(q: &[u8; BLOCK], bytes: &mut Vec<u8>) {
    let bits = q.iter().enumerate().fold(0u32, |bits, (i, &q)| bits | u32::from(q >> 4) << i);
    bytes.extend(bits.to_le_bytes());
}

/// Codes of 16 bytes of nibbles.
fn nibbles(bytes: &[u8]) -> impl Iterator<Item = u8> + '_ {
    bytes.iter().map(|&b| b & 15).chain(bytes.iter().map(|&b| b >> 4))
}

/// Codes of 4 bytes of fifth bits and 16 of nibbles.
fn fives(bytes: &[u8]) -> impl Iterator<Item = u8> + '_ {
    let high = |i: usize| bytes[i / 8] >> (i % 8) & 1;
    nibbles(&bytes[4..]).enumerate().map(move |(i, low)| low | high(i) << 4)
}

/// Largest magnitude, and codes 0, 1, 2 for -1, 0, 1.
fn ternary(x: &[f32]) -> (f32, Vec<u8>) {
    let d = within_half(max_magnitude(x));
    let id = reciprocal(d);
    (d, x.iter().map(|&x| ((x * id).round().clamp(-1.0, 1.0) as i8 + 1) as u8).collect())
}

fn encode_tq2_0(x: &[f32], bytes: &mut Vec<u8>) {
    let (d, q) = ternary(x);
    for part in q.chunks_exact(4 * 32) {
        bytes.extend((0..32).map(|i| (0..4).fold(0, |byte, k| byte | part[32 * k + i] << (2 * k))));
    }
    put_half(d, bytes);
}

fn decode_tq2_0(b: &[u8], x: &mut Vec<f32>) {
    let d = half(&b[64..]);
    for part in b[..64].chunks_exact(32) {
        for k in 0..4 {
            x.extend(part.iter().map(|&byte| d * (f32::from(byte >> (2 * k) & 3) - 1.0)));
        }
    }
}

/// The runs of a TQ1_0 block: bytes a run, trits a byte. Trit k of the bytes of a run are neighbours.
const TQ1_0_RUNS: [(usize, usize); 3] = [(32, 5), (16, 5), (4, 4)];

/// Five trits are a number below 3^5 = 243; stored as `ceil(256 n / 243)`, whose next trit is the carry of times 3.
fn encode_tq1_0(x: &[f32], bytes: &mut Vec<u8>) {
    let (d, q) = ternary(x);
    let mut start = 0;
    for (n_bytes, n_trits) in TQ1_0_RUNS {
        for i in 0..n_bytes {
            // A missing fifth trit counts as 0.
            let trit = |k: usize| if k < n_trits { u16::from(q[start + k * n_bytes + i]) } else { 0 };
            let number = (0..5).fold(0, |number, k| 3 * number + trit(k));
            bytes.push((number * 256).div_ceil(243) as u8);
        }
        start += n_bytes * n_trits;
    }
    put_half(d, bytes);
}

fn decode_tq1_0(b: &[u8], x: &mut Vec<f32>) {
    let d = half(&b[52..]);
    let mut rest = b;
    for (n_bytes, n_trits) in TQ1_0_RUNS {
        let (run, after) = rest.split_at(n_bytes);
        for power in [1u8, 3, 9, 27, 81].into_iter().take(n_trits) {
            let trit = |byte: u8| (u16::from(byte.wrapping_mul(power)) * 3) >> 8;
            x.extend(run.iter().map(|&byte| d * (f32::from(trit(byte)) - 1.0)));
        }
        rest = after;
    }
}

/// The floor rule of MX; the nearest of the sixteen codes, the lower code in a tie (the reference searches upwards).
fn encode_mxfp4(x: &[f32], bytes: &mut Vec<u8>) {
    let max = f64::from(max_magnitude(x));
    // Exponent field of a normal f64, which every f32 but 0 is.
    let exponent = if max > 0.0 { (max.to_bits() >> 52) as i32 - 1023 - 2 } else { -127 };
    let scale = encode_e8m0(exponent);
    let step = decode_e8m0(scale);
    bytes.push(scale);
    let mut q = [0; BLOCK];
    for (q, &x) in q.iter_mut().zip(x) {
        let error = |code: u8| (FP4_E2M1.decode(code.into()) * step - f64::from(x)).abs();
        *q = (1..16).fold(0, |best, code| if error(code) < error(best) { code } else { best });
    }
    put_nibbles(&q, bytes);
}

#[cfg(test)]
mod tests {
    use super::super::golden_input::{gauss, rows, sha256, sqnr_db};
    use super::*;

    const ALL: [(&str, GgufType); 9] = [
        ("Q8_0", GgufType::Q8_0),
        ("Q4_0", GgufType::Q4_0),
        ("Q4_1", GgufType::Q4_1),
        ("Q5_0", GgufType::Q5_0),
        ("Q5_1", GgufType::Q5_1),
        ("TQ1_0", GgufType::Tq1_0),
        ("TQ2_0", GgufType::Tq2_0),
        ("BF16", GgufType::Bf16),
        ("MXFP4", GgufType::Mxfp4),
    ];

    #[test]
    fn packs_as_the_reference_does() {
        let x = gauss();
        let golden = rows("gguf.csv");
        for (name, kind) in ALL {
            let row = golden.iter().find(|r| r[0] == name).expect("in the table");
            let bytes = kind.encode(&x).expect("whole blocks");
            assert_eq!(bytes.len().to_string(), row[1], "{name}");
            assert_eq!(format!("{:.4}", kind.bits_per_value()), row[2], "{name}");
            assert_eq!(sha256(&bytes), row[3], "{name}");
            let y = kind.decode(&bytes).expect("whole blocks");
            // The table's SQNR takes the error in f32: one unit of the sixth decimal.
            let expected: f64 = row[4].parse().expect("a number");
            assert!((sqnr_db(&x, &y) - expected).abs() < 2e-6, "{name} {}", sqnr_db(&x, &y));
        }
    }

    #[test]
    fn zeros_and_ragged_tensors() {
        for (name, kind) in ALL {
            let zeros = vec![0.0; kind.block_len()];
            assert_eq!(kind.decode(&kind.encode(&zeros).expect("whole")).expect("whole"), zeros, "{name}");
            assert_eq!(kind.encode(&[]).expect("no block"), [0u8; 0]);
            if kind.block_len() > 1 {
                assert!(kind.encode(&zeros[1..]).is_err(), "{name}");
            }
            assert!(kind.decode(&vec![0; kind.block_bytes() + 1]).is_err(), "{name}");
            assert!(kind.encode(&vec![f32::NAN; kind.block_len()]).is_err(), "{name}");
            let mut huge = vec![f32::MAX; kind.block_len()];
            huge[0] = f32::MIN;
            let y = kind.decode(&kind.encode(&huge).expect("finite")).expect("whole");
            assert!(y.iter().all(|y| y.is_finite()), "{name}: {y:?}");
        }
    }

    /// The nearest values that a scale of 65504 reaches: Q8_0 +-127, Q4_0 -8 to 7, Q4_1 0 to 15 above -65504 times it.
    #[test]
    fn a_scale_beyond_binary16_clips() {
        let mut x = vec![0.0f32; 32];
        (x[0], x[1], x[2]) = (1e9, -1e9, 65_504.0);
        for (kind, expected) in [
            (GgufType::Q8_0, [127.0 * 65_504.0, -127.0 * 65_504.0, 65_504.0]),
            (GgufType::Q4_0, [8.0 * 65_504.0, -7.0 * 65_504.0, 65_504.0]),
            (GgufType::Q4_1, [14.0 * 65_504.0, -65_504.0, 65_504.0]),
        ] {
            let y = kind.decode(&kind.encode(&x).expect("finite")).expect("whole");
            assert_eq!(y[..3], expected, "{kind:?}");
            assert!(kind.clips(&x) && !kind.clips(&[65_504.0; 32]), "{kind:?}");
        }
    }

    #[test]
    fn any_bytes_decode() {
        for (_, kind) in ALL {
            for fill in 0..=255u8 {
                assert_eq!(kind.decode(&vec![fill; kind.block_bytes()]).expect("whole").len(), kind.block_len());
            }
        }
    }
}
