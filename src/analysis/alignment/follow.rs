//! Reads reference and test side by side along a path.

use crate::Result;

use super::{
    path::{HALF, Path},
    reader::Reader,
    record::{Record, Tape},
};

/// Samples handed over at once, all channels together.
const BLOCK: usize = 1 << 15;

/// Hands over the measured stretches of `path` block by block: the place in the reference, and the samples of both, equally
/// many of each channel. Where a place does not follow the last block, something lies between.
///
/// # Errors
/// Those of reading, and those of `take`.
pub fn follow(
    path: &Path,
    (x, y): (&dyn Record, &dyn Record),
    mut take: impl FnMut(u64, &[Vec<f64>], &[Vec<f64>]) -> Result<()>,
) -> Result<()> {
    let (mut x_tape, mut reader) = (Tape::new(x)?, Reader::new(y, HALF)?);
    let (mut x_block, mut y_block) = (Vec::new(), Vec::new());
    let most = (BLOCK / x.n_channels().max(1)).max(256) as u64;
    for (range, piece) in path.measured() {
        let mut at = range.start;
        while at < range.end {
            let n = most.min(range.end - at) as usize;
            x_tape.read(at as i64, n, &mut x_block)?;
            match path.is_whole() {
                true => reader.read_whole(path.place(&piece, at as f64) as i64, n, &mut y_block)?,
                false => reader.read_at(n, |i| path.place(&piece, (at + i as u64) as f64), &mut y_block)?,
            }
            take(at, &x_block, &y_block)?;
            at += n as u64;
        }
    }
    Ok(())
}
