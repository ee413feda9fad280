//! Loudness of a whole file, L of the noise target: log2 of the 0.3-mean of the bands' mean powers per coefficient,
//! over all superframes, channels and bands.

use crate::{
    Result,
    codec::{
        format::{bands::BandTables, block_tree::BlockTree, container::Header, lapped_blocks::LappedBlocks},
        source::{PcmSource, finite},
    },
    parallel::InOrder,
};
/// Exponent of the mean: near that of loudness in sones.
const EXPONENT: f64 = 0.3;

/// Measures loudness superframe by superframe.
pub(crate) struct LoudnessMeter {
    tables: BandTables,
    blocks: LappedBlocks,
    work: Vec<f32>,
    powers: BandPowers,
}

/// Sum of the bands' powers to the exponent, and their number.
#[derive(Debug, Clone, Copy, Default)]
struct BandPowers {
    sum: f64,
    count: f64,
}

impl BandPowers {
    /// L, log2 of power per coefficient; that of 16-bit noise for silence and for nothing.
    fn loudness(self) -> f32 {
        let mean = self.sum / self.count.max(1.0);
        (mean.log2() / EXPONENT).max(QUIETEST) as f32
    }
}

impl LoudnessMeter {
    /// A meter before the first superframe.
    pub(crate) fn new(tables: BandTables, superframe_samples: usize) -> Self {
        Self {
            tables,
            blocks: LappedBlocks::new(superframe_samples),
            work: vec![0.0; 2 * superframe_samples],
            powers: BandPowers::default(),
        }
    }

    /// Adds one superframe of one channel.
    ///
    /// - `x`: the superframe of N samples with N/2 samples on both sides
    pub(crate) fn push(&mut self, x: &[f32]) {
        let n = self.work.len() / 2;
        self.work.copy_from_slice(x);
        for boundary in [n / 2, n + n / 2] {
            let (left, right) = self.work.split_at_mut(boundary);
            self.blocks.fold_boundary(0, 0, left, right);
        }
        let block = &mut self.work[n / 2..n + n / 2];
        self.blocks.transform(&BlockTree::ONE_BLOCK, block);
        for band in self.tables.at(0) {
            let energy: f32 = block[band.start..band.end].iter().map(|x| x * x).sum();
            self.powers.sum += f64::from(energy / band.width() as f32).powf(EXPONENT);
        }
        self.powers.count += self.tables.at(0).len() as f64;
    }

    /// The powers of one stretch.
    fn measure(&mut self, stretch: Stretch) -> (BandPowers, Stretch) {
        let n = self.work.len() / 2;
        self.powers = BandPowers::default();
        for x in &stretch {
            x.windows(2 * n).step_by(n).for_each(|superframe| self.push(superframe));
        }
        (self.powers, stretch)
    }

    /// Multiplies the weight of all superframes so far by `keep`, 0..=1: a running mean for streams.
    pub(crate) fn forget(&mut self, keep: f64) {
        self.powers.sum *= keep;
        self.powers.count *= keep;
    }

    /// L, log2 of power per coefficient; that of 16-bit noise for silence and for nothing.
    pub(crate) fn loudness(&self) -> f32 {
        self.powers.loudness()
    }
}

/// log2 of the noise power of 16 bits, 2^-32/12 times 4.
const QUIETEST: f64 = -33.6;

/// Superframes measured as one task; fixed, so that the sum is the same with any number of threads.
const TASK_SUPERFRAMES: usize = 48;

/// At most this many stretches are measured at once, which bounds the memory.
const MOST_BEGUN: usize = 16;

/// Superframes to measure, planar, with half a superframe on both sides; and their memory when they are measured.
type Stretch = Vec<Vec<f32>>;

/// Loudness of a whole stream, measured on the threads of the pool.
struct StreamLoudness {
    superframe_samples: usize,
    /// Planar, from half a superframe before the next one to measure.
    pcm: Vec<Vec<f32>>,
    stretches: InOrder<LoudnessMeter, Stretch, (BandPowers, Stretch)>,
    spare: Vec<Stretch>,
    powers: BandPowers,
}

impl StreamLoudness {
    /// Before the stream's first sample.
    fn new(tables: BandTables, superframe_samples: usize, n_channels: usize) -> Self {
        let new_worker = move || LoudnessMeter::new(tables.clone(), superframe_samples);
        Self {
            superframe_samples,
            pcm: vec![vec![0.0; superframe_samples / 2]; n_channels],
            stretches: InOrder::new(MOST_BEGUN, new_worker, LoudnessMeter::measure),
            spare: Vec::new(),
            powers: BandPowers::default(),
        }
    }

    /// Adds samples, planar, of any length; what is not finite counts as in the encoder.
    fn push(&mut self, channels: &[Vec<f32>]) {
        for (pcm, channel) in self.pcm.iter_mut().zip(channels) {
            pcm.extend(channel.iter().copied().map(finite));
        }
        while self.pcm[0].len() >= (TASK_SUPERFRAMES + 1) * self.superframe_samples {
            self.begin(TASK_SUPERFRAMES);
        }
    }

    /// L of all samples, as in [`LoudnessMeter::loudness`].
    fn finish(mut self) -> f32 {
        let n = self.superframe_samples;
        let n_superframes = (self.pcm[0].len() - n / 2).div_ceil(n);
        self.pcm.iter_mut().for_each(|pcm| pcm.resize((n_superframes + 1) * n, 0.0));
        self.begin(n_superframes);
        while self.add_oldest() {}
        self.powers.loudness()
    }

    /// Begins to measure the next superframes, and drops their samples.
    fn begin(&mut self, n_superframes: usize) {
        if self.stretches.is_full() {
            self.add_oldest();
        }
        let n = self.superframe_samples;
        let mut stretch = self.spare.pop().unwrap_or_else(|| vec![Vec::new(); self.pcm.len()]);
        for (copy, x) in stretch.iter_mut().zip(&mut self.pcm) {
            copy.clear();
            copy.extend_from_slice(&x[..(n_superframes + 1) * n]);
            x.drain(..n_superframes * n);
        }
        self.stretches.push(stretch);
    }

    /// Waits for the stretch begun first, and adds its powers; false when there is none.
    fn add_oldest(&mut self) -> bool {
        let Some((powers, stretch)) = self.stretches.pop() else { return false };
        self.powers.sum += powers.sum;
        self.powers.count += powers.count;
        self.spare.push(stretch);
        true
    }
}

/// Loudness of the whole source, for [`EncoderOptions::loudness`](crate::codec::EncoderOptions::loudness).
///
/// - `header`: of the file that the source is encoded to
///
/// # Errors
/// The source's own.
pub fn measure_loudness(source: &mut dyn PcmSource, header: &Header) -> Result<f32> {
    let tables = header.layout().tables;
    let mut loudness = StreamLoudness::new(tables, header.superframe_samples(), header.channels.into());
    let mut block = Vec::new();
    source.rewind()?;
    while source.read(&mut block)? > 0 {
        loudness.push(&block);
    }
    Ok(loudness.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_as_loud_as_its_superframes() {
        let n = 256;
        let tables = BandTables::new(8_000, n);
        for len in [0, 1, 255, 256, 257, 60 * n, 101 * n + 3] {
            let x: Vec<f32> = (0..len).map(|i| (i as f32 * 0.01).sin() * (1.0 + i as f32).ln() * 0.02).collect();
            let mut padded = vec![0.0; n / 2];
            padded.extend(&x);
            padded.resize(n / 2 + len.next_multiple_of(n) + n / 2, 0.0);
            let mut meter = LoudnessMeter::new(tables.clone(), n);
            padded.windows(2 * n).step_by(n).for_each(|superframe| meter.push(superframe));
            let mut stream = StreamLoudness::new(tables.clone(), n, 1);
            x.chunks(1000).for_each(|block| stream.push(&[block.to_vec()]));
            let (expected, got) = (meter.loudness(), stream.finish());
            assert!((expected - got).abs() < 1e-5, "{len} samples: {expected} {got}");
        }
    }
}
