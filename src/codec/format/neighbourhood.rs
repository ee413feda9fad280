//! The magnitudes around a coefficient, as contexts of the entropy coder, in integers: the block before and a slow
//! mean, on the grid of the current block, for left/right and for mid/side.
//!
//! Amplitudes are in units of 2^-23 of full scale and capped at 2^29 (64 times full scale, the largest coefficient of
//! a full-scale tone in a block of 4096). A zero counts as 0.12 steps, a coefficient of an empty band as half its
//! noise. Relative to a band's step size they are in 1/32 steps, and fall into 13 cells.

use super::{
    bands::Band,
    frame::{BandCode, SILENT},
};

/// Cells of magnitude.
pub(crate) const N_CELLS: usize = 13;

/// Largest amplitude, in units of 2^-23.
const AMPLITUDE_LIMIT: u64 = 1 << 29;

/// log2 of the units of amplitude in full scale.
const UNIT_BITS: i32 = 23;

/// Room before and after a line, so that a mean over neighbours needs no special case at the ends.
const PAD: usize = 2;

/// 1/sqrt(2) in 1/65536.
const HALF_ROOT: u64 = 46_341;

/// Cell of a magnitude in 1/32 steps. Thresholds 0.06 0.14 0.25 0.4 0.6 0.85 1.2 1.7 2.4 3.5 5.5 9 steps.
static CELL: [u8; 512] = {
    let thresholds = [2, 5, 8, 13, 20, 28, 39, 55, 77, 112, 176, 288];
    let mut cells = [0; 512];
    let mut i = 0;
    while i < cells.len() {
        let mut t = 0;
        while t < thresholds.len() && i >= thresholds[t] {
            t += 1;
        }
        cells[i] = t as u8;
        i += 1;
    }
    cells
};

/// Cell of a magnitude in 1/32 steps.
#[inline]
pub(crate) fn cell(magnitude: u32) -> usize {
    usize::from(CELL[magnitude.min(511) as usize])
}

/// `2^(level/2)` in units of amplitude.
fn units_of_level(level: i8) -> u64 {
    let (exponent, is_odd) = (i32::from(level).div_euclid(2) + UNIT_BITS, i32::from(level).rem_euclid(2) == 1);
    let mantissa = if is_odd { 2 * HALF_ROOT } else { 65_536 };
    let units = match exponent {
        ..=-17 => 0,
        -16..=0 => mantissa >> (16 - exponent),
        1..=30 => (mantissa << exponent) >> 16,
        _ => AMPLITUDE_LIMIT,
    };
    units.min(AMPLITUDE_LIMIT)
}

/// From units of amplitude to 1/32 steps of one level: `(units * factor) >> shift`.
#[derive(Clone, Copy)]
struct ToSteps {
    factor: u64,
    shift: u32,
}

impl ToSteps {
    fn of_level(level: i8) -> Self {
        let (half, is_odd) = (i32::from(level).div_euclid(2), i32::from(level).rem_euclid(2) == 1);
        let factor = if is_odd { HALF_ROOT } else { 65_536 };
        // 32 steps of 2^-half in units of 2^-23, and 16 bits of the factor
        Self { factor, shift: (16 + UNIT_BITS - 5 + half).clamp(0, 63) as u32 }
    }

    #[inline]
    fn cell(self, units: u32) -> u8 {
        CELL[((u64::from(units) * self.factor) >> self.shift).min(511) as usize]
    }
}

/// Root mean square of two amplitudes, within 4 %: `0.68 max + 0.32 min`.
#[inline]
fn mean_power(a: u32, b: u32) -> u32 {
    (((u64::from(a.max(b)) * 174) + u64::from(a.min(b)) * 82) >> 8) as u32
}

/// A line of amplitudes with room at both ends.
#[derive(Debug, Clone)]
struct Line(Vec<u32>);

impl Line {
    fn new(longest: usize) -> Self {
        Self(vec![0; longest + 2 * PAD])
    }

    fn values(&mut self, n: usize) -> &mut [u32] {
        &mut self.0[PAD..PAD + n]
    }

    /// Repeats the end values outwards.
    fn pad(&mut self, n: usize) {
        let (first, last) = (self.0[PAD], self.0[PAD + n - 1]);
        self.0[..PAD].fill(first);
        self.0[PAD + n..PAD + n + PAD].fill(last);
    }

    /// Moves from a grid of `from` to one of `to`: the mean of groups, or repetition.
    fn remap(&mut self, from: usize, to: usize) {
        let values = &mut self.0[PAD..];
        if to < from {
            let group = from / to;
            for k in 0..to {
                let sum: u64 = values[k * group..(k + 1) * group].iter().map(|&v| u64::from(v)).sum();
                values[k] = (sum / group as u64) as u32;
            }
        } else {
            let group = to / from;
            for k in (0..from).rev() {
                let value = values[k];
                values[k * group..(k + 1) * group].fill(value);
            }
        }
    }
}

/// Representations of a pair: left, right, mid, side. A single channel has the first alone.
const N_LINES: usize = 4;

/// The memory of one element.
#[derive(Debug, Clone)]
pub(crate) struct Neighbourhood {
    n: usize,
    last: Vec<Line>,
    slow: Vec<Line>,
    /// Amplitudes of the current block as coded, one vector a channel.
    now: Vec<Vec<u32>>,
    /// Contexts of the channel about to be coded.
    pub contexts: Contexts,
}

/// Cells of the neighbours of each coefficient of one channel in one block.
#[derive(Debug, Clone)]
pub(crate) struct Contexts {
    /// The block before.
    pub before: Vec<u8>,
    /// The slow mean.
    pub slow: Vec<u8>,
    /// The first channel of the pair.
    pub other: Vec<u8>,
    /// The magnitudes once they are coded, in 1/32 steps of their bands; 0 for a zero.
    pub sizes: Vec<u32>,
}

impl Neighbourhood {
    /// The memory of an element of `n_channels` at the start of a group.
    pub(crate) fn new(n_channels: usize, superframe_samples: usize) -> Self {
        let n_lines = if n_channels == 2 { N_LINES } else { 1 };
        let line = Line::new(superframe_samples);
        let (cells, sizes) = (vec![0; superframe_samples], vec![0; superframe_samples]);
        Self {
            n: superframe_samples,
            last: vec![line.clone(); n_lines],
            slow: vec![line; n_lines],
            now: vec![vec![0; superframe_samples]; n_channels],
            contexts: Contexts { before: cells.clone(), slow: cells.clone(), other: cells, sizes },
        }
    }

    /// Returns to the start of a group.
    pub(crate) fn reset(&mut self) {
        self.last.iter_mut().chain(&mut self.slow).for_each(|line| line.0.fill(0));
    }

    /// Moves the memory onto the grid of a block of `n`.
    pub(crate) fn start_block(&mut self, n: usize) {
        if n != self.n {
            self.last.iter_mut().chain(&mut self.slow).for_each(|line| line.remap(self.n, n));
            self.n = n;
        }
        self.last.iter_mut().chain(&mut self.slow).for_each(|line| line.pad(n));
    }

    /// Fills the contexts of `channel` for the bands that are coded.
    pub(crate) fn prepare(&mut self, channel: usize, bands: &[Band], codes: &[BandCode], mid_side: &[bool]) {
        for (b, (band, code)) in bands.iter().zip(codes).enumerate() {
            if code.is_empty {
                continue;
            }
            let line = channel + if mid_side.get(b) == Some(&true) { 2 } else { 0 };
            let to_steps = ToSteps::of_level(code.level);
            let (start, end) = (band.start, band.end);
            let last = &self.last[line].0[start + PAD - 1..end + PAD + 1];
            for (cell, v) in self.contexts.before[start..end].iter_mut().zip(last.windows(3)) {
                *cell = to_steps.cell((v[0] + 2 * v[1] + v[2]) >> 2);
            }
            let slow = &self.slow[line].0[start..end + 2 * PAD];
            for (cell, v) in self.contexts.slow[start..end].iter_mut().zip(slow.windows(5)) {
                // 205/1024 is a fifth; five amplitudes of 2^29 stay below 2^32
                let sum = v[0] + v[1] + v[2] + v[3] + v[4];
                *cell = to_steps.cell(((u64::from(sum) * 205) >> 10) as u32);
            }
            if channel == 1 {
                let first = &self.now[0];
                let at = |k: usize| first[k.min(self.n - 1)];
                for k in start..end {
                    let sum = at(k.saturating_sub(1)) + 2 * at(k) + at(k + 1);
                    self.contexts.other[k] = to_steps.cell(sum >> 2);
                }
            }
        }
    }

    /// Adds the sizes of `channel` once they are coded.
    pub(crate) fn push(&mut self, channel: usize, bands: &[Band], codes: &[BandCode]) {
        for (band, code) in bands.iter().zip(codes) {
            let now = &mut self.now[channel][band.start..band.end];
            let unit = units_of_level(code.level);
            let zero = zero_amplitude(*code);
            if code.is_empty {
                now.fill(zero);
                continue;
            }
            for (now, &size) in now.iter_mut().zip(&self.contexts.sizes[band.start..band.end]) {
                let coded = ((u64::from(size) * unit) >> 5).min(AMPLITUDE_LIMIT) as u32;
                *now = if size == 0 { zero } else { coded };
            }
        }
    }

    /// Makes the current block the one before.
    ///
    /// `signed` gives the indices of both channels, for the signs of mid and side.
    pub(crate) fn end_block(
        &mut self,
        bands: &[Band],
        codes: [&[BandCode]; 2],
        mid_side: &[bool],
        indices: [&[i32]; 2],
    ) {
        if self.now.len() == 1 {
            self.last[0].values(self.n).copy_from_slice(&self.now[0][..self.n]);
        } else {
            for (b, band) in bands.iter().enumerate() {
                let floor = mean_power(zero_amplitude(codes[0][b]), zero_amplitude(codes[1][b]));
                self.end_band_of_pair(band, mid_side[b], floor, indices);
            }
        }
        for (slow, last) in self.slow.iter_mut().zip(&mut self.last) {
            for (slow, &last) in slow.values(self.n).iter_mut().zip(&*last.values(self.n)) {
                *slow = mean_power(*slow, last);
            }
        }
    }

    /// Copies the band as coded into its own two lines, its sum and difference into the other two.
    fn end_band_of_pair(&mut self, band: &Band, is_mid_side: bool, floor: u32, indices: [&[i32]; 2]) {
        let (own, crossed) = if is_mid_side { (2, 0) } else { (0, 2) };
        let range = band.start..band.end;
        for (channel, now) in self.now.iter().enumerate() {
            self.last[own + channel].values(self.n)[range.clone()].copy_from_slice(&now[range.clone()]);
        }
        let (head, tail) = self.last[crossed..].split_at_mut(1);
        let sums = &mut head[0].values(self.n)[range.clone()];
        let differences = &mut tail[0].values(self.n)[range.clone()];
        for (i, k) in range.enumerate() {
            let signed = |channel: usize| i64::from(indices[channel][k].signum()) * i64::from(self.now[channel][k]);
            let (a, b) = (signed(0), signed(1));
            let rotated = |v: i64| ((v.unsigned_abs() * HALF_ROOT) >> 16).min(AMPLITUDE_LIMIT) as u32;
            sums[i] = rotated(a + b).max(floor);
            differences[i] = rotated(a - b).max(floor);
        }
    }
}

/// The amplitude of an index of zero: 0.12 steps, or half the noise of an empty band.
fn zero_amplitude(code: BandCode) -> u32 {
    let unit = units_of_level(code.level);
    match code {
        BandCode { level: SILENT, .. } => 0,
        BandCode { is_empty: true, .. } => (unit / 2) as u32,
        // 31/256 = 0.12
        _ => ((unit * 31) >> 8) as u32,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_and_steps_are_inverse() {
        for level in -40..=12_i8 {
            let units = units_of_level(level);
            let exact = 2.0_f64.powf(f64::from(level) / 2.0 + f64::from(UNIT_BITS));
            assert!((units as f64 - exact).abs() <= 0.5e-4 * exact + 1.0, "level {level}: {units} for {exact}");
            if level >= -24 {
                let to_steps = ToSteps::of_level(level);
                let steps = (units * to_steps.factor) >> to_steps.shift;
                assert!((31..=32).contains(&steps), "level {level}: {steps}/32 steps");
            }
        }
        assert_eq!(units_of_level(96), AMPLITUDE_LIMIT);
        assert_eq!(units_of_level(-96), 0);
    }

    #[test]
    fn cells_follow_their_thresholds() {
        assert_eq!((cell(0), cell(4), cell(32), cell(u32::MAX)), (0, 1, 6, 12));
    }

    #[test]
    fn remapping_keeps_means() {
        let mut line = Line::new(8);
        line.values(8).copy_from_slice(&[1, 3, 5, 7, 2, 2, 4, 4]);
        line.remap(8, 4);
        assert_eq!(line.values(4), [2, 6, 2, 4]);
        line.remap(4, 8);
        assert_eq!(line.values(8), [2, 2, 6, 6, 2, 2, 4, 4]);
    }
}
