//! A stretch of a row in a number format: values that are rounded one by one, or in blocks that begin with the stretch.

use super::affine::{Affine, IntegerType};
use super::affine_tensor::{AffineOptions, Granularity};
use super::fixed_point::FixedPoint;
use super::gguf::GgufType;
use super::named::NumberFormat;
use super::small_float::SmallFloat;
use crate::Result;

/// What rounding came to so far.
///
/// ```
/// use sqnr::number_format::{NumberFormat, Tally};
///
/// let (mut x, mut tally) = ([1.0, 1e9], Tally::default());
/// NumberFormat::parse("f16")?.round(&mut x, &mut tally)?;
/// assert_eq!((x, tally.n_bits, tally.n_clipped), ([1.0, 65_504.0], 32.0, 1));
/// # Ok::<(), sqnr::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Tally {
    /// Bits of all codes, scales and zero points.
    pub n_bits: f64,
    /// Values beyond the largest of a small float or a fixed-point word, or beyond all integers whose scale is the largest
    /// of `f32`: they clip.
    pub n_clipped: u64,
    /// Blocks whose scale lies beyond the largest there is, binary16's in GGUF and 2^127 in MX, so that they clip.
    pub n_clipped_blocks: u64,
}

impl Tally {
    /// Adds another.
    pub fn merge(&mut self, other: &Self) {
        self.n_bits += other.n_bits;
        self.n_clipped += other.n_clipped;
        self.n_clipped_blocks += other.n_clipped_blocks;
    }

    /// What a user should know of blocks that clip, a line each.
    pub fn warnings(&self) -> Vec<String> {
        let warning = match self.n_clipped_blocks {
            0 => None,
            1 => Some("1 block needs a scale beyond the largest of the format: clipped".to_owned()),
            n => Some(format!("{n} blocks need scales beyond the largest of the format: clipped")),
        };
        warning.into_iter().collect()
    }

    /// Counts the bits of integers with so many scales and zero points.
    pub(super) fn count_integers(&mut self, kind: IntegerType, n_values: usize, n_scales: usize) {
        let bits = f64::from(kind.bits());
        self.n_bits += bits * n_values as f64 + (32.0 + bits) * n_scales as f64;
    }
}

impl NumberFormat {
    /// Values that share a scale in a row: 1 where each is rounded by itself, or where the scale is the tensor's or a channel's.
    pub fn block_len(&self) -> usize {
        match self {
            Self::Float(_) | Self::Fixed(_) => 1,
            Self::Block(format, _) => format.block_len(),
            Self::Gguf(kind) => kind.block_len(),
            Self::Affine(AffineOptions { granularity: Granularity::Group { len }, .. }) => *len,
            Self::Affine(_) => 1,
        }
    }

    /// Rounds finite values in place: a stretch of one row that begins a block, and ends one unless the row ends there.
    ///
    /// # Errors
    /// `InvalidParameter` for integers whose scale is not a group's, and what calibrating a group refuses.
    pub fn round(&self, x: &mut [f64], tally: &mut Tally) -> Result<()> {
        match self {
            Self::Float(format) => round_floats(format, x, tally),
            Self::Fixed(format) => round_fixed(format, x, tally),
            Self::Block(format, rule) => {
                tally.n_clipped_blocks += format.count_clipped(x);
                x.copy_from_slice(&format.decode(&format.encode(x, *rule))?);
                let n_blocks = x.len().div_ceil(format.block_len()) as f64;
                let element_bits = format.bits_per_value() - 8.0 / format.block_len() as f64;
                tally.n_bits += element_bits * x.len() as f64 + 8.0 * n_blocks;
            }
            Self::Gguf(kind) => round_gguf(*kind, x, tally)?,
            Self::Affine(options) => return round_groups(options, x, tally),
        }
        Ok(())
    }
}

fn round_floats(format: &SmallFloat, x: &mut [f64], tally: &mut Tally) {
    let largest = format.max();
    tally.n_clipped += x.iter().filter(|x| x.abs() > largest).count() as u64;
    tally.n_bits += f64::from(format.bits()) * x.len() as f64;
    format.round(x);
}

fn round_fixed(format: &FixedPoint, x: &mut [f64], tally: &mut Tally) {
    let (min, max) = format.word_range();
    // Half a step beyond the ends is rounded, not cut.
    let half = 0.5 * format.step();
    let (lowest, highest) = (format.decode(min) - half, format.decode(max) + half);
    tally.n_clipped += x.iter().filter(|&&x| x < lowest || x > highest).count() as u64;
    tally.n_bits += f64::from(format.width()) * x.len() as f64;
    x.iter_mut().for_each(|x| *x = format.quantize(*x));
}

/// In single precision, as ggml computes; a block that the row does not fill is filled up with zeros.
fn round_gguf(kind: GgufType, x: &mut [f64], tally: &mut Tally) -> Result<()> {
    let mut block = vec![0f32; kind.block_len()];
    for x in x.chunks_mut(kind.block_len()) {
        block.fill(0.0);
        block.iter_mut().zip(&*x).for_each(|(narrow, &x)| *narrow = (x as f32).clamp(f32::MIN, f32::MAX));
        tally.n_clipped_blocks += u64::from(kind.clips(&block));
        let y = kind.decode(&kind.encode(&block)?)?;
        x.iter_mut().zip(y).for_each(|(x, y)| *x = y.into());
        tally.n_bits += 8.0 * kind.block_bytes() as f64;
    }
    Ok(())
}

fn round_groups(options: &AffineOptions, x: &mut [f64], tally: &mut Tally) -> Result<()> {
    let Granularity::Group { len: len @ 1.. } = options.granularity else {
        return Err(crate::Error::invalid(
            "granularity",
            format!("{:?}", options.granularity),
            "a group of 1 and above",
        ));
    };
    for group in x.chunks_mut(len) {
        let affine = options.calibration.affine(&[group], options.kind, options.symmetry, options.rule)?;
        affine.round(group, tally);
        tally.count_integers(options.kind, group.len(), 1);
    }
    Ok(())
}

impl Affine {
    /// Rounds values in place: `decode(encode(x))` of each. Counts those that clip because no scale is large enough.
    pub fn round(&self, x: &mut [f64], tally: &mut Tally) {
        if self.scale() == f32::MAX {
            let (low, high) = (self.decode(self.range().0), self.decode(self.range().1));
            tally.n_clipped += x.iter().filter(|x| !(low..=high).contains(*x)).count() as u64;
        }
        x.iter_mut().for_each(|x| *x = self.decode(self.encode(*x)));
    }
}
