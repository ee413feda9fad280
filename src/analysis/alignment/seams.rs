//! Puts the pieces of a path together: each seam between two groups of delays to the sample, and what was lost, inserted
//! or repeated there.

use crate::Result;

use super::{
    Pair,
    jumps::{self, Group},
    path::{Gap, GapKind, Path, Piece},
    reader::Reader,
    record::Tape,
};

/// Longest stretch in which a seam is looked for, all channels together.
const MAX_ZONE: usize = 1 << 20;
/// Longest insertion that is held against what precedes it, all channels together.
const MAX_REPEATED: usize = 1 << 18;
/// Samples each side of an interpolated point: enough to tell two delays apart.
const HALF: usize = 16;
/// Squared error of a sample that is there twice, as a share of the mean square.
const SAME: f64 = 1e-4;

/// Fills in the pieces and the gaps between them.
pub(super) fn join(pair: &Pair, groups: &[Group], path: &mut Path) -> Result<()> {
    let mut seams =
        Seams { x: Tape::new(pair.x)?, y: Reader::new(pair.y, HALF)?, x_block: Vec::new(), y_block: Vec::new() };
    let mut start = 0;
    for (i, group) in groups.iter().enumerate() {
        let piece = Piece { start, end: path.n_reference, jump: group.jump };
        let Some(next) = groups.get(i + 1) else {
            path.pieces.push(piece);
            break;
        };
        let has_before = i > 0;
        let from = group.inner(has_before, true).last().map_or(0.0, |d| d.at);
        let to = next.inner(true, i + 2 < groups.len()).first().map_or(0.0, |d| d.at);
        let after = Piece { start, end: path.n_reference, jump: next.jump };
        let n_lost = (group.jump - next.jump).round().max(0.0) as u64;
        let zone = (from.max(start as f64) as u64, (to as u64).max(start));
        let seam = seams.find(path, (&piece, &after), zone, n_lost)?;
        path.pieces.push(Piece { end: seam, ..piece });
        path.gaps.push(seams.gap(path, &piece, seam, next.jump - group.jump)?);
        start = seam + n_lost;
    }
    path.gaps.retain(|gap| gap.n_samples > 0);
    Ok(())
}

struct Seams<'a> {
    x: Tape<'a>,
    y: Reader<'a>,
    x_block: Vec<Vec<f64>>,
    y_block: Vec<Vec<f64>>,
}

impl Seams<'_> {
    /// First sample of the reference that no longer belongs to the first piece.
    fn find(&mut self, path: &Path, pieces: (&Piece, &Piece), zone: (u64, u64), n_lost: u64) -> Result<u64> {
        let (from, to) = zone;
        let n = to.saturating_sub(from + n_lost);
        let n_channels = self.x_block.len().max(1) as u64;
        if n == 0 || n * n_channels > MAX_ZONE as u64 {
            return Ok(from + n / 2);
        }
        let gains = self.gains(path, pieces.0, from, (n / 4).max(64) as usize)?;
        let before = self.errors(path, pieces.0, from, n as usize, &gains)?;
        let after = self.errors(path, pieces.1, from + n_lost, n as usize, &gains)?;
        Ok(from + jumps::seam(&before, &after) as u64)
    }

    /// Reference and test, `n` samples from `from` on.
    fn read(&mut self, path: &Path, piece: &Piece, from: u64, n: usize) -> Result<()> {
        self.x.read(from as i64, n, &mut self.x_block)?;
        match path.is_whole() {
            true => self.y.read_whole(path.place(piece, from as f64) as i64, n, &mut self.y_block),
            false => self.y.read_at(n, |i| path.place(piece, (from + i as u64) as f64), &mut self.y_block),
        }
    }

    /// Gain of each channel where the first piece certainly holds.
    fn gains(&mut self, path: &Path, piece: &Piece, from: u64, n: usize) -> Result<Vec<f64>> {
        self.read(path, piece, from, n)?;
        let of = |(x, y): (&Vec<f64>, &Vec<f64>)| {
            let (xx, xy) = x.iter().zip(y).fold((0.0, 0.0), |(xx, xy), (x, y)| (xx + x * x, xy + x * y));
            if xx > 0.0 { xy / xx } else { 1.0 }
        };
        Ok(self.x_block.iter().zip(&self.y_block).map(of).collect())
    }

    /// Squared error of each sample, all channels together.
    fn errors(&mut self, path: &Path, piece: &Piece, from: u64, n: usize, gains: &[f64]) -> Result<Vec<f64>> {
        self.read(path, piece, from, n)?;
        let mut errors = vec![0.0; n];
        for ((x, y), gain) in self.x_block.iter().zip(&self.y_block).zip(gains) {
            errors.iter_mut().zip(x.iter().zip(y)).for_each(|(e, (x, y))| *e += (y - gain * x).powi(2));
        }
        Ok(errors)
    }

    /// What happened at a seam where the test jumps by `jump` samples.
    fn gap(&mut self, path: &Path, before: &Piece, seam: u64, jump: f64) -> Result<Gap> {
        let n_samples = jump.abs().round() as u64;
        let lost = Gap { at: seam, n_samples, kind: GapKind::Lost };
        if jump < 0.0 {
            return Ok(lost);
        }
        let place = path.place(before, seam as f64).round() as i64;
        let kind = if self.is_repeated(place, n_samples as usize)? { GapKind::Repeated } else { GapKind::Inserted };
        Ok(Gap { kind, ..lost })
    }

    /// True when samples of the test around `place` come again `n` samples later, as many as those.
    fn is_repeated(&mut self, place: i64, n: usize) -> Result<bool> {
        if n == 0 || n * self.y_block.len().max(1) > MAX_REPEATED {
            return Ok(false);
        }
        self.y.read_whole(place - 2 * n as i64, 4 * n, &mut self.y_block)?;
        let n_all = self.y_block.iter().flatten().count() as f64;
        let mean_square = self.y_block.iter().flatten().map(|y| y * y).sum::<f64>() / n_all;
        let comes_again = |i: usize| {
            let error: f64 = self.y_block.iter().map(|y| (y[i + n] - y[i]).powi(2)).sum();
            mean_square > 0.0 && error <= SAME * mean_square
        };
        let (mut run, mut longest) = (0, 0);
        for i in 0..3 * n {
            run = if comes_again(i) { run + 1 } else { 0 };
            longest = longest.max(run);
        }
        // The seams of an interpolated copy differ by a sample or two; longer runs are a steady tone's.
        Ok(longest + 2 >= n && longest <= n + n / 4 + 2)
    }
}
