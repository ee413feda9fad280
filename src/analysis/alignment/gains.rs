//! The gain of the test along a path: one for the file, and what undoing it would leave.

use crate::Result;

use super::{
    Pair,
    path::{HALF, Path},
    reader::Reader,
    record::Tape,
};

/// Stretches looked at, and samples of each.
const N_STRETCHES: u64 = 64;
const WINDOW: u64 = 1 << 12;
/// Share of the best channel's explained energy below which a channel has no say.
const ALIKE: f64 = 0.25;
/// Error below which nothing is undone: rounding, as a share of the energy.
const ROUNDING: f64 = 1e-24;

/// The gain of a test signal against its reference.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Gain {
    /// The gain that leaves least error, as a factor, negative when the test is inverted. Channels that resemble their
    /// reference much less than the best one have no say, and the sign is that of the one that says most.
    pub best: f64,
    /// What is worth undoing: the sign, and the size where that at least halves the error.
    pub undone: f64,
}

/// Sums over the stretches of one channel.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    xx: f64,
    yy: f64,
    xy: f64,
    /// Of y - x and of y + x.
    difference: f64,
    sum: f64,
}

impl Sums {
    fn add(&mut self, x: &[f64], y: &[f64]) {
        for (x, y) in x.iter().zip(y) {
            self.xx += x * x;
            self.yy += y * y;
            self.xy += x * y;
            self.difference += (y - x) * (y - x);
            self.sum += (y + x) * (y + x);
        }
    }

    /// Share of the energy that a gain explains.
    fn explained(&self) -> f64 {
        let product = self.xx * self.yy;
        if product > 0.0 { self.xy * self.xy / product } else { 0.0 }
    }
}

/// The gain along `path`, by stretches all over it.
///
/// # Errors
/// Those of reading.
pub fn gain(pair: &Pair, path: &Path) -> Result<Gain> {
    sums(pair, path).map(|channels| of_channels(&channels))
}

/// Share of the energy that no gain explains along `path`, 0 to 1, by stretches all over it; 1 where nothing is measured.
///
/// # Errors
/// Those of reading.
pub(super) fn unexplained(pair: &Pair, path: &Path) -> Result<f64> {
    let total = sums(pair, path)?.into_iter().fold(Sums::default(), |total, one| Sums {
        xx: total.xx + one.xx,
        yy: total.yy + one.yy,
        xy: total.xy + one.xy.abs(),
        ..total
    });
    Ok((1.0 - total.explained()).clamp(0.0, 1.0))
}

/// Sums of each channel over stretches all over the path, the ends of its pieces too.
fn sums(pair: &Pair, path: &Path) -> Result<Vec<Sums>> {
    let (mut x, mut y) = (Tape::new(pair.x)?, Reader::new(pair.y, HALF)?);
    let (mut x_block, mut y_block) = (Vec::new(), Vec::new());
    let mut channels = vec![Sums::default(); pair.x.n_channels()];
    let measured = path.measured();
    let total: u64 = measured.iter().map(|(range, _)| range.end - range.start).sum();
    let step = (total / N_STRETCHES).max(WINDOW);
    for (range, piece) in measured {
        let last = range.end.saturating_sub(WINDOW).max(range.start);
        let starts = (range.start..last).step_by(step as usize).chain([last]);
        for at in starts.filter(|&at| at < range.end) {
            let n = WINDOW.min(range.end - at) as usize;
            x.read(at as i64, n, &mut x_block)?;
            match path.is_whole() {
                true => y.read_whole(path.place(&piece, at as f64) as i64, n, &mut y_block)?,
                false => y.read_at(n, |i| path.place(&piece, (at + i as u64) as f64), &mut y_block)?,
            }
            channels.iter_mut().zip(x_block.iter().zip(&y_block)).for_each(|(sums, (x, y))| sums.add(x, y));
        }
    }
    Ok(channels)
}

fn of_channels(channels: &[Sums]) -> Gain {
    let best = channels.iter().map(Sums::explained).fold(0.0, f64::max);
    let alike: Vec<&Sums> = channels.iter().filter(|c| c.explained() >= ALIKE * best && c.xx > 0.0).collect();
    let leading = alike.iter().max_by(|a, b| a.xy.abs().total_cmp(&b.xy.abs()));
    let sign = leading.map_or(1.0, |c| if c.xy < 0.0 { -1.0 } else { 1.0 });
    let (xx, xy) = alike.iter().fold((0.0, 0.0), |(xx, xy), c| (xx + c.xx, xy + c.xy.abs()));
    if !(xx > 0.0 && xy > 0.0) {
        return Gain { best: 1.0, undone: 1.0 };
    }
    let size = xy / xx;
    let error = |c: &&Sums| if (c.xy < 0.0) == (sign < 0.0) && sign < 0.0 { c.sum } else { c.difference };
    let unmoved: f64 = alike.iter().map(error).sum();
    let moved: f64 = alike.iter().map(|c| (c.yy / size / size - 2.0 * c.xy.abs() / size + c.xx).max(0.0)).sum();
    let is_worth = unmoved > ROUNDING * xx && moved < 0.5 * unmoved;
    Gain { best: sign * size, undone: if is_worth { sign * size } else { sign } }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sums(x: &[f64], y: &[f64]) -> Sums {
        let mut sums = Sums::default();
        sums.add(x, y);
        sums
    }

    fn wave(n: usize, gain: f64, noise: f64) -> Vec<f64> {
        (0..n).map(|i| gain * (0.1 * i as f64).sin() + noise * (2.7 * (i * i) as f64).sin()).collect()
    }

    #[test]
    fn a_gain_is_undone_when_that_halves_the_error() {
        let x = wave(5_000, 1.0, 0.0);
        let of = |gain: f64, noise: f64| of_channels(&[sums(&x, &wave(5_000, gain, noise))]);
        assert!((of(0.5, 0.0).undone - 0.5).abs() < 1e-12 && (of(-0.5, 1e-3).undone + 0.5).abs() < 1e-4);
        assert_eq!((of(0.999, 0.01).undone, of(-0.999, 0.01).undone, of(1.0, 0.0).undone), (1.0, -1.0, 1.0));
    }

    #[test]
    fn one_inverted_channel_does_not_move_the_others() {
        let (x, late) = (wave(5_000, 1.0, 0.0), wave(5_000, 0.0, 1.0));
        let inverted: Vec<f64> = x.iter().map(|x| -x).collect();
        let two = of_channels(&[sums(&x, &x), sums(&x, &inverted)]);
        assert_eq!(two.undone.abs(), 1.0);
        let with_a_stranger = of_channels(&[sums(&x, &x), sums(&x, &late)]);
        assert_eq!(with_a_stranger, Gain { best: 1.0, undone: 1.0 });
        assert_eq!(of_channels(&[Sums::default()]), Gain { best: 1.0, undone: 1.0 });
    }
}
