//! What methods and designs learn from audio: its distribution, vectors of neighbours, excerpts; in memory that does not grow with
//! its length.

use crate::{
    Error, Result,
    audio_file::Reopen,
    design::{Design, Gatherer, Samples, optimal_partition},
    quantizer::{Codebook, Quantizer},
};

/// Samples per channel in one block.
const BLOCK: usize = 8_192;

/// The codebook of `n_levels` levels with the least mean squared error over `samples`; of all their values when those are
/// fewer.
///
/// # Errors
/// As [`optimal_partition::optimal`].
pub fn codebook(samples: &Samples, n_levels: u64) -> Result<Codebook> {
    let n_levels = usize::try_from(n_levels).unwrap_or(usize::MAX).min(samples.n_distinct());
    let design = optimal_partition::optimal(samples, n_levels)?;
    Codebook::new(design.levels, design.thresholds)
}

/// The distribution of all finite samples of all channels: exact up to 2^18 distinct values, else on as many cells, narrow
/// where the samples are; each cell stands for the mean of its samples. Reads the audio once or twice.
///
/// ```
/// use sqnr::{Signal, chain::training};
///
/// let signal = Signal::new(48_000, vec![vec![-0.5, 0.0, 0.5, 0.5]])?;
/// let samples = training::distribution(&[&signal])?;
/// assert_eq!((samples.n_distinct(), samples.total()), (3, 4.0));
/// # Ok::<(), sqnr::Error>(())
/// ```
///
/// # Errors
/// `NoResult` when there is no finite sample; what reading meets.
pub fn distribution(audios: &[&dyn Reopen]) -> Result<Samples> {
    let mut gatherer = Gatherer::default();
    let mut n = 0;
    loop {
        for audio in audios {
            each_block(*audio, |x| {
                n += x.iter().filter(|x| x.is_finite()).count();
                gatherer.take(x);
            })?;
        }
        if !gatherer.begin_pass() {
            break;
        }
    }
    if n == 0 { Err(empty()) } else { gatherer.samples() }
}

/// Replaces the figures of a design by those that its codebook has over all finite samples: they differ a little where
/// the design was found on cells.
///
/// # Errors
/// What reading meets, and what [`Design::codebook`] refuses.
pub fn measure(audios: &[&dyn Reopen], design: &mut Design) -> Result<()> {
    let codebook = design.codebook()?;
    let mut counts = vec![0u64; design.levels.len()];
    let (mut signal, mut error) = (0.0, 0.0);
    for audio in audios {
        each_block(*audio, |x| {
            for &x in x.iter().filter(|x| x.is_finite()) {
                let index = codebook.index(x);
                counts[index as usize] += 1;
                signal += x * x;
                error += (codebook.reconstruct(index) - x).powi(2);
            }
        })?;
    }
    design.set_measured(signal, error, &counts);
    Ok(())
}

/// At most `n_most` vectors of `dimension` neighbouring samples of one channel, drawn from all of the audio by a fixed
/// seed. What a block holds beyond whole vectors is passed over; of audio shorter than a vector the samples are filled up
/// with zeros.
///
/// ```
/// use sqnr::{Signal, chain::training, quantizer::{Training, VectorCodebook}};
///
/// let signal = Signal::new(48_000, vec![(0..1_000).map(|i| (0.1 * f64::from(i)).sin()).collect()])?;
/// let pairs = training::vectors(&signal, 2, 500)?;
/// let codebook = VectorCodebook::train(2, &pairs, &Training { n_codes: 16, ..Training::default() })?;
/// assert_eq!((codebook.dimension(), codebook.n_codes()), (2, 16));
/// # Ok::<(), sqnr::Error>(())
/// ```
///
/// # Errors
/// `NoResult` when there is no vector of finite samples; what reading meets.
pub fn vectors(audio: &dyn Reopen, dimension: usize, n_most: usize) -> Result<Vec<f64>> {
    let mut source = audio.open()?;
    let (mut kept, mut n_seen) = (Vec::with_capacity(n_most * dimension), 0u64);
    let mut state = 1u64;
    let mut block = Vec::new();
    while source.read_planar(&mut block, BLOCK)? > 0 {
        let vectors = block.iter().flat_map(|channel| channel.chunks_exact(dimension));
        for vector in vectors.filter(|vector| vector.iter().all(|x| x.is_finite())) {
            n_seen += 1;
            // Each later vector takes the place of an earlier one with the probability that keeps all alike (Vitter's
            // algorithm R); Knuth's MMIX generator, its upper bits.
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let place = (state >> 11) % n_seen;
            if kept.len() < n_most * dimension {
                kept.extend_from_slice(vector);
            } else if place < n_most as u64 {
                kept[place as usize * dimension..][..dimension].copy_from_slice(vector);
            }
        }
    }
    if kept.is_empty() {
        kept = first_samples(audio, dimension)?;
    }
    if kept.is_empty() { Err(empty()) } else { Ok(kept) }
}

/// The first samples of each channel as a vector, filled up with zeros; none of audio without finite samples.
fn first_samples(audio: &dyn Reopen, dimension: usize) -> Result<Vec<f64>> {
    let mut source = audio.open()?;
    let mut block = Vec::new();
    if source.read_planar(&mut block, dimension)? == 0 {
        return Ok(Vec::new());
    }
    let vector = |channel: &Vec<f64>| {
        let finite = channel.iter().copied().filter(|x| x.is_finite());
        finite.chain(std::iter::repeat(0.0)).take(dimension).collect::<Vec<f64>>()
    };
    Ok(block.iter().filter(|channel| channel.iter().any(|x| x.is_finite())).flat_map(vector).collect())
}

/// Stretches of every channel from all over the audio, each at most `length` long; at most `n_most` samples in all, but at
/// least one block. They come block by block, the channels of a block one after the other.
///
/// # Errors
/// What reading meets.
pub fn stretches(audio: &dyn Reopen, length: usize, n_most: usize) -> Result<Vec<Vec<f64>>> {
    let mut source = audio.open()?;
    let n_channels = usize::from(source.info().spec.channels).max(1);
    let n_kept_blocks = (n_most / (length * n_channels)).max(1) as u64;
    let n_blocks = source.info().n_frames.map_or(1, |n| n.div_ceil(length as u64)).max(n_kept_blocks);
    let (mut kept, mut block, mut i) = (Vec::new(), Vec::new(), 0u64);
    while source.read_planar(&mut block, length)? > 0 {
        // The blocks at which i * kept / all reaches the next whole number.
        let is_kept = i == 0 || i * n_kept_blocks / n_blocks > (i - 1) * n_kept_blocks / n_blocks;
        if is_kept && kept.len() < n_kept_blocks as usize * n_channels {
            kept.append(&mut block);
        }
        i += 1;
    }
    Ok(kept)
}

/// The loudest blocks of `length` samples of any channel, at most `n_most` samples in all but at least one block.
///
/// # Errors
/// What reading meets.
pub(super) fn loudest_stretches(audio: &dyn Reopen, length: usize, n_most: usize) -> Result<Vec<Vec<f64>>> {
    let n_kept = (n_most / length).max(1);
    let mut kept: Vec<(f64, Vec<f64>)> = Vec::new();
    audio.open()?.each_block(length, &(), |block| {
        for x in block {
            let energy: f64 = x.iter().map(|&x| finite(x) * finite(x)).sum();
            let quietest = (0..kept.len()).min_by(|&a, &b| kept[a].0.total_cmp(&kept[b].0));
            match quietest {
                Some(quietest) if kept.len() == n_kept && kept[quietest].0 < energy => {
                    kept[quietest] = (energy, x.clone());
                }
                _ if kept.len() < n_kept => kept.push((energy, x.clone())),
                _ => {}
            }
        }
        Ok(())
    })?;
    Ok(kept.into_iter().map(|(_, x)| x).collect())
}

/// What a sample that is not finite counts as: 0.
pub(super) fn finite(x: f64) -> f64 {
    if x.is_finite() { x } else { 0.0 }
}

fn empty() -> Error {
    Error::NoResult { what: "has no samples to learn from".into() }
}

fn each_block(audio: &dyn Reopen, mut take: impl FnMut(&[f64])) -> Result<()> {
    let mut source = audio.open()?;
    let mut block = Vec::new();
    while source.read_planar(&mut block, BLOCK)? > 0 {
        block.iter().for_each(|channel| take(channel));
    }
    Ok(())
}
