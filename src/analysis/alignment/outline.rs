//! A record's level over time, coarse enough to be held whole: what the search for whole delays looks at.
//!
//! ```text
//! samples -> RMS over all channels of `hop` samples each -> pairs joined whenever there are too many
//! ```

use crate::Result;

use super::record::Record;

/// Samples beyond this magnitude count as not finite: their squares would leave the range of the sums.
const MAX_MAGNITUDE: f64 = 1e100;
/// Samples read at once, all channels together.
const BLOCK: usize = 1 << 15;
/// Levels of a record at a hop of one sample; with longer hops there may be more, see [`most_levels`].
const FEWEST: f64 = (1 << 13) as f64;

/// The level of a record over time.
#[derive(Debug, Clone)]
pub struct Outline {
    /// RMS of each stretch of `hop` samples over all channels.
    pub levels: Vec<f64>,
    /// Samples of a stretch, a power of two.
    pub hop: u64,
    /// Samples of each channel.
    pub n_frames: u64,
    /// Samples of all channels that are not finite.
    pub n_not_finite: u64,
    /// Least and greatest finite sample; infinite and minus infinity where there is none.
    pub range: (f64, f64),
    /// Squares summed so far in the stretch that is not full.
    energy: f64,
    n_in_stretch: u64,
    n_channels: usize,
}

/// Most levels at a hop: 2^13 for one sample, 2^18 for 1024. A long record is cut into longer stretches, and more of them.
fn most_levels(hop: u64) -> usize {
    (FEWEST * (hop as f64).sqrt()) as usize
}

impl Outline {
    /// Reads `record` to its end.
    ///
    /// # Errors
    /// Those of reading.
    pub fn of(record: &dyn Record) -> Result<Self> {
        let n_channels = record.n_channels();
        let mut outline = Self::new(n_channels);
        let (mut blocks, mut block) = (record.open()?, Vec::new());
        loop {
            if blocks.read(&mut block, (BLOCK / n_channels.max(1)).max(64))? == 0 {
                outline.finish();
                return Ok(outline);
            }
            outline.push(&block);
        }
    }

    fn new(n_channels: usize) -> Self {
        Self {
            levels: Vec::new(),
            hop: 1,
            n_frames: 0,
            n_not_finite: 0,
            range: (f64::INFINITY, f64::NEG_INFINITY),
            energy: 0.0,
            n_in_stretch: 0,
            n_channels,
        }
    }

    fn push(&mut self, block: &[Vec<f64>]) {
        block.iter().for_each(|x| self.look_at(x));
        let n = block[0].len();
        let mut at = 0;
        while at < n {
            let end = n.min(at + (self.hop - self.n_in_stretch) as usize);
            let squares = |x: &Vec<f64>| x[at..end].iter().map(|x| x * x).sum::<f64>();
            self.energy += block.iter().map(squares).sum::<f64>();
            self.n_in_stretch += (end - at) as u64;
            self.n_frames += (end - at) as u64;
            at = end;
            if self.n_in_stretch == self.hop {
                self.end_stretch();
            }
        }
    }

    /// Counts what is not finite, and widens the range.
    fn look_at(&mut self, x: &[f64]) {
        let (mut low, mut high, mut n_good) = (self.range.0, self.range.1, 0u64);
        for &x in x {
            let good = x.abs() <= MAX_MAGNITUDE;
            n_good += u64::from(good);
            low = if good && x < low { x } else { low };
            high = if good && x > high { x } else { high };
        }
        self.range = (low, high);
        self.n_not_finite += x.len() as u64 - n_good;
    }

    fn end_stretch(&mut self) {
        self.levels.push((self.energy / (self.hop * self.n_channels as u64) as f64).sqrt());
        (self.energy, self.n_in_stretch) = (0.0, 0);
        if self.levels.len() >= most_levels(self.hop) && self.levels.len().is_multiple_of(2) {
            self.join_pairs();
        }
    }

    fn finish(&mut self) {
        if self.n_in_stretch > 0 {
            self.levels.push((self.energy / (self.hop * self.n_channels as u64) as f64).sqrt());
        }
    }

    /// Doubles the hop. An odd level at the end is joined with silence.
    fn join_pairs(&mut self) {
        let joined = |pair: &[f64]| (pair.iter().map(|x| x * x).sum::<f64>() / 2.0).sqrt();
        self.levels = self.levels.chunks(2).map(joined).collect();
        self.hop *= 2;
    }

    /// The same at a longer hop, a power of two.
    pub fn at_hop(mut self, hop: u64) -> Self {
        while self.hop < hop {
            self.join_pairs();
        }
        self
    }

    /// Mean square over all channels.
    pub fn mean_square(&self) -> f64 {
        self.levels.iter().map(|level| level * level).sum::<f64>() / self.levels.len().max(1) as f64
    }

    /// True when every sample is zero.
    pub fn is_silent(&self) -> bool {
        self.range.0 >= 0.0 && self.range.1 <= 0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Signal;

    #[test]
    fn levels_are_those_of_the_stretches() {
        let x: Vec<f64> = (0..300_001).map(|i| f64::from(i % 1_013) / 1_013.0).collect();
        let signal = Signal::new(8_000, vec![x.clone(), vec![0.0; x.len()]]).expect("legal");
        let outline = Outline::of(&signal).expect("in memory");
        assert!((2..=1 << 15).contains(&outline.hop) && outline.levels.len() <= most_levels(outline.hop));
        let hop = outline.hop as usize;
        for (level, x) in outline.levels.iter().zip(x.chunks(hop)) {
            let rms = (x.iter().map(|x| x * x).sum::<f64>() / (2 * hop) as f64).sqrt();
            assert!((level - rms).abs() < 1e-12);
        }
        assert_eq!((outline.n_frames, outline.n_not_finite), (300_001, 0));
        assert_eq!(outline.range, (0.0, 1_012.0 / 1_013.0));
        let coarser = outline.clone().at_hop(4 * outline.hop);
        assert_eq!(coarser.levels.len(), outline.levels.len().div_ceil(4));
    }

    #[test]
    fn what_is_not_finite_is_counted() {
        let signal = Signal::new(8_000, vec![vec![0.5, f64::NAN, -1e200, f64::INFINITY]]).expect("legal");
        let outline = Outline::of(&signal).expect("in memory");
        assert_eq!((outline.n_not_finite, outline.range), (3, (0.5, 0.5)));
        let empty = Outline::of(&Signal::new(8_000, vec![vec![]]).expect("legal")).expect("in memory");
        assert!(empty.n_frames == 0 && empty.levels.is_empty());
    }
}
